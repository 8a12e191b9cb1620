#include "ode/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

fc_evaluate_config fc_evaluate_config_default(void)
{
    return (fc_evaluate_config){.integrator = fc_integrator_config_default(),
                                .mask = {.share = 1.0, .kind = FC_MASK_SEQUENCE},
                                .every = 1,
                                .window = 1,
                                .from = -INFINITY};
}

fc_status fc__evaluate_floor(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                             double *mse)
{
    fc_status status = FC_OK;
    fc__place *places = NULL;
    fc_prior *prior = NULL;
    double *square = NULL;
    size_t count;
    FC_TRY(fc__places_of_all(context, dataset, &count, &places));
    FC_NEW(context, &square, model->channel_count);
    FC_TRY(fc__prior_with_cycle(context, model, &prior));
    FC_TRY(fc__normalised_codes(context, model, prior, dataset, count, places, 0, NULL, square));
    *mse = 0.0;
    for (size_t c = 0; c < model->channel_count; c++)
        *mse += square[c] * model->scale[c] * model->scale[c] / (double)model->channel_count;
done:
    fc_prior_destroy(prior);
    free(places);
    free(square);
    return status;
}

static fc_status check(fc_context *context, const fc_evaluate_config *config, bool record)
{
    if (!(config->mask.share > 0.0 && config->mask.share <= 1.0))
        return fc__fail(context, FC_ERROR_USAGE, "observe is %g; a share in (0, 1] is accepted",
                        config->mask.share);
    if (config->window == 0 || config->window > config->start + 1)
        return fc__fail(context, FC_ERROR_USAGE,
                        "a window of %zu frames that ends with frame %zu; 1 to %zu are accepted",
                        config->window, config->start, config->start + 1);
    if (record && config->start)
        return fc__fail(context, FC_ERROR_USAGE,
                        "frame %zu is to be encoded, but a record is scored from every start; "
                        "from-frame and window are for independent sequences",
                        config->start);
    if (isnan(config->from))
        return fc__fail(context, FC_ERROR_USAGE, "from is not a time");
    for (size_t i = 0; i < config->lead_count; i++)
        if (config->leads && config->leads[i] == 0)
            return fc__fail(context, FC_ERROR_USAGE, "a lead of 0 steps; 1 and more are accepted");
    return FC_OK;
}

/* A record is scored from every start to every lead, which reads each frame many times. */
static fc_status check_in_memory(fc_context *context, const fc_dataset *record)
{
    for (size_t s = 0; s < record->sequence_count; s++)
        for (size_t f = 0; f < record->sequences[s].frame_count; f++)
            if (!record->sequences[s].frames[f].values)
                return fc__fail(context, FC_ERROR_USAGE,
                                "a record to be scored by lead time must be in memory, and its "
                                "frame %zu is not: load it first",
                                f);
    return FC_OK;
}

fc_status fc_model_evaluate(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                            const fc_evaluate_config *config, fc_evaluation **evaluation)
{
    static const fc_score none = {NAN, NAN};
    static const fc_mask everything = {.share = 1.0};
    fc_status status = FC_OK;
    fc_evaluation *made = NULL;
    fc_dataset *thinned = NULL;
    *evaluation = NULL;
    FC_TRY(check(context, config, dataset->record));
    FC_TRY(fc_model_check_dataset(context, model, dataset, "evaluation data"));
    if (dataset->record)
        FC_TRY(check_in_memory(context, dataset));
    if (config->every != 1) {
        FC_TRY(fc_dataset_subset(context, dataset, &everything, config->every, &thinned));
        if (dataset->record)
            FC_TRY(fc_dataset_load_all(context, thinned));
        dataset = thinned;
    }
    FC_NEW(context, &made, 1);
    made->in_t = made->out_t = made->in_s = made->out_s = made->encode = made->floor = none;
    made->persistence_in_t = made->persistence_out_t = none;
    made->climatology_in_t = made->climatology_out_t = none;
    made->sequences = dataset->sequence_count;
    FC_TRY(dataset->record ? fc__evaluate_record(context, model, dataset, config, made)
                           : fc__evaluate_sequences(context, model, dataset, config, made));
    FC_TRY(fc__evaluate_floor(context, model, dataset, &made->floor.mse));
    *evaluation = made;
    made = NULL;
done:
    fc_evaluation_destroy(made);
    fc_dataset_destroy(thinned);
    return status;
}

void fc_evaluation_destroy(fc_evaluation *evaluation)
{
    if (!evaluation)
        return;
    free(evaluation->leads);
    free(evaluation->frame_time);
    free(evaluation->frame);
    free(evaluation);
}
