/* Fields with their gaps filled: every frame's own posterior and residual, at lead time 0. */
#include "inr/support.h"
#include "ode/ode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The frames of one sequence, one after the other, into those of the results. */
static fc_status fill_sequence(fc_context *context, const fc_model *model,
                               const fc_dataset *observations, const fc_points *points,
                               const fc_forecast_config *config, fc_sequence *filled,
                               fc_sequence *deviation)
{
    fc_status status = FC_OK;
    size_t bytes = points->count * model->channel_count * sizeof(float);
    fc_dataset *field = NULL, *spread = NULL;
    for (size_t f = 0; f < filled->frame_count; f++) {
        FC_TRY(fc_model_forecast(context, model, observations, f, 1, &filled->frames[f].time,
                                 points, config, &field, deviation ? &spread : NULL, NULL));
        memcpy(filled->frames[f].values, field->sequences[0].frames[0].values, bytes);
        if (deviation)
            memcpy(deviation->frames[f].values, spread->sequences[0].frames[0].values, bytes);
        fc_dataset_destroy(field);
        fc_dataset_destroy(spread);
        field = spread = NULL;
        if (fc_context_interrupted(context)) {
            status = FC_INTERRUPTED;
            goto done;
        }
        fc__report(context, "filling", f + 1, filled->frame_count, NAN);
    }
done:
    fc_dataset_destroy(field);
    fc_dataset_destroy(spread);
    return status;
}

static fc_status create_like(fc_context *context, const fc_model *model,
                             const fc_dataset *observations, const fc_points *points,
                             fc_dataset **dataset)
{
    fc_status status = FC_OK;
    double *times = NULL;
    size_t index;
    fc_sequence *sequence;
    FC_TRY(fc_dataset_create(context, &model->domain, model->channel_count, dataset));
    (*dataset)->time = observations->time;
    (*dataset)->record = observations->record;
    memcpy((*dataset)->channels, model->channels, model->channel_count * sizeof *model->channels);
    FC_TRY(fc_dataset_add_points(context, *dataset, points->count, points->coordinates,
                                 points->grid[0] ? points->grid : NULL, &index));
    for (size_t s = 0; s < observations->sequence_count; s++) {
        const fc_sequence *from = &observations->sequences[s];
        free(times);
        times = NULL;
        FC_NEW(context, &times, from->frame_count);
        for (size_t f = 0; f < from->frame_count; f++)
            times[f] = from->frames[f].time;
        FC_TRY(
            fc_dataset_add_sequence(context, *dataset, from->frame_count, times, NULL, &sequence));
    }
done:
    free(times);
    return status;
}

fc_status fc_model_fill(fc_context *context, const fc_model *model, const fc_dataset *observations,
                        const fc_points *points, const fc_forecast_config *config,
                        fc_dataset **filled, fc_dataset **deviation)
{
    fc_status status = FC_OK;
    *filled = NULL;
    if (deviation)
        *deviation = NULL;
    FC_TRY(create_like(context, model, observations, points, filled));
    if (deviation)
        FC_TRY(create_like(context, model, observations, points, deviation));
    for (size_t s = 0; s < observations->sequence_count; s++) {
        fc_dataset one = *observations; /* a view of this sequence */
        one.sequences = &observations->sequences[s];
        one.sequence_count = 1;
        FC_TRY(fill_sequence(context, model, &one, points, config, &(*filled)->sequences[s],
                             deviation ? &(*deviation)->sequences[s] : NULL));
    }
done:
    if (status != FC_OK) {
        fc_dataset_destroy(*filled);
        *filled = NULL;
        if (deviation) {
            fc_dataset_destroy(*deviation);
            *deviation = NULL;
        }
    }
    return status;
}
