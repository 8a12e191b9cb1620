/* A training run: decoder, codes, cycle, dynamics, error bars. Everything but the dynamics is made
 * when the run is created; the dynamics then runs in slices that can be saved and resumed. */
#include "inr/bent.h"
#include "ode/equation.h"
#include "ode/linear_dynamics.h"
#include "ode/regression.h"
#include "ode/residual.h"
#include "ode/residual_fit.h"
#include "ode/training_data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fc_training {
    fc_context *context;
    fc_train_config config;
    fc__training_data data;
    fc_model *model;
    fc_trajectories training, validation;
    fc_trainer *trainer;
    double seconds;          /* spent, earlier runs included */
    double updates_a_second; /* latest speed, which only sizes the slices */
    double loss, validation_loss;
    double ridge; /* of the decoder's fit */
    bool done;
};

fc_train_config fc_train_config_default(void)
{
    return (fc_train_config){
        .decoder = fc_decoder_config_default(),
        .fit = fc_fit_config_default(),
        .field = fc_field_config_default(1),
        .field_auto = true,
        .field_ridge = 1e-5,
        .equation = fc_equation_config_default(),
        .dynamics = fc_dynamics_config_default(),
        .minutes = 5.0,
        .mask = fc_mask_default(),
        .every = 1,
        .until = INFINITY,
        .validation = 0.05,
        .harmonics = 3,
    };
}

/* Appends "; text" to a list of faults. */
static void fault(char *list, size_t size, bool faulty, const char *text)
{
    size_t used = strlen(list);
    if (faulty && used + 4 < size)
        snprintf(list + used, size - used, "%s%s", used ? "; " : "", text);
}

fc_status fc_train_config_validate(fc_context *context, const fc_train_config *c)
{
    char list[1000] = "";
    size_t size = sizeof list;
    fault(list, size, !(c->minutes >= 0.0) || !isfinite(c->minutes),
          "minutes must be a finite number >= 0");
    fault(list, size, c->minutes == 0.0 && c->dynamics.updates == 0,
          "minutes and dynamics.updates are both 0: one of them must bound the training");
    fault(list, size, !(c->validation >= 0.0 && c->validation < 0.9),
          "validation must lie in [0, 0.9)");
    fault(list, size, isnan(c->until), "until must be a time");
    fault(list, size, !(c->mask.share > 0.0 && c->mask.share <= 1.0),
          "mask.share must lie in (0, 1]");
    fault(list, size, c->every == 0, "every must be at least 1");
    fault(list, size, c->train_frames == 1, "train-frames must be at least 2 (0 = all)");
    fault(list, size, c->window == 1, "window must be at least 2 (0 = the whole record)");
    fault(list, size, c->harmonics > FC__MAX_HARMONICS, "harmonics must be at most 16");
    fault(list, size, c->fit.codes > 65536, "codes must be at most 65536");
    fault(list, size, !(c->fit.tolerance > 0.0 && c->fit.tolerance < 1.0),
          "fit.tolerance must lie in (0, 1)");
    fault(list, size, c->fit.max_codes == 0 || c->fit.max_filters == 0,
          "fit.max_codes and fit.max_filters must be at least 1");
    fault(list, size, c->fit.batch_frames == 0 || c->fit.batch_points == 0,
          "fit.batch_frames and fit.batch_points must be at least 1");
    fault(list, size, !(c->fit.rate >= 0.0) || !(c->fit.code_rate > 0.0),
          "fit.rate must be >= 0 and fit.code_rate positive");
    fault(list, size, !isfinite(c->fit.shift) || c->fit.shift < 0.0,
          "fit.shift must be a finite length >= 0");
    fault(list, size, (c->fit.copies > 0) != (c->fit.shift > 0.0),
          "fit.copies and fit.shift go together");
    fault(list, size, c->fit.copies > 64, "fit.copies must be at most 64");
    fault(list, size, c->fit.copies && c->field_kind == FC_FIELD_EQUATION,
          "fit.copies suits field.kind = bilinear; an equation is the same everywhere anyway");
    fault(list, size, c->decoder.layers > 16, "decoder.layers must be at most 16");
    fault(list, size, c->decoder.width > 65536, "decoder.width must be at most 65536");
    fault(list, size, !(c->decoder.omega0 >= 0.0) || !isfinite(c->decoder.omega0),
          "decoder.omega0 must be a finite number >= 0 (0 = chosen)");
    fault(list, size, !fc_decoder_is_affine(&c->decoder) && c->fit.method == FC_FIT_SERIES,
          "fit.method = series suits decoder.family = fourier only");
    fault(list, size, !(c->dynamics.rate > 0.0), "dynamics.rate must be positive");
    fault(list, size, c->dynamics.batch < 1 || c->dynamics.batch > 4096,
          "dynamics.batch must be 1 to 4096");
    fault(list, size, c->dynamics.horizon < 1, "dynamics.horizon must be at least 1");
    fault(list, size, !(c->dynamics.average >= 0.0 && c->dynamics.average < 1.0),
          "dynamics.average must lie in [0, 1)");
    fault(list, size, !(c->dynamics.patience > 0.0), "dynamics.patience must be positive");
    fault(list, size, !(c->dynamics.weight_decay >= 0.0), "dynamics.weight_decay must be >= 0");
    fault(list, size, c->equation.samples == 0 || c->equation.iterations == 0,
          "equation.samples and equation.iterations must be at least 1");
    fault(list, size, c->equation.highest > 8 || c->equation.linear > 8,
          "equation.highest and equation.linear must be at most 8");
    fault(list, size, !(c->equation.tolerance >= 0.0), "equation.tolerance must be >= 0");
    fault(list, size,
          !c->field_auto && !c->field.linear && c->field.rank == 0 && c->field.hidden == 0,
          "field: linear, rank and hidden are all off");
    fault(list, size, !(c->field_ridge > 0.0) || !isfinite(c->field_ridge),
          "field.ridge must be a positive number");
    fault(list, size,
          c->field_method == FC_FIELD_REGRESSION && !c->field_auto &&
              (!c->field.linear || c->field.hidden),
          "field.method = regression needs field.linear = true and field.hidden = 0");
    fault(list, size, c->field_method == FC_FIELD_REGRESSION && c->memory,
          "field.method = regression takes memory that no limit of memory provides for");
    return *list ? fc__fail(context, FC_ERROR_USAGE, "%s", list) : FC_OK;
}

/* Whether to look for an equation: always where it is asked for, else where the domain lets hope
 * for one and nothing else is asked for. */
static bool wants_equation(const fc_training *t)
{
    const fc_train_config *c = &t->config;
    const fc_domain *domain = &t->model->domain;
    /* The search takes memory that no limit provides for. */
    bool periodic = domain->dims <= 2 && t->model->channel_count <= FC__EQUATION_CHANNELS;
    for (size_t d = 0; d < domain->dims; d++)
        periodic = periodic && domain->axis[d].kind == FC_AXIS_PERIODIC;
    bool series = c->decoder.family == FC_DECODER_FOURIER && c->decoder.layers == 0 &&
                  (c->fit.method == FC_FIT_AUTO || c->fit.method == FC_FIT_SERIES) &&
                  (c->decoder.filter == FC_FILTER_AUTO || c->decoder.filter == FC_FILTER_INTEGER);
    return c->field_kind == FC_FIELD_EQUATION ||
           (c->field_kind == FC_FIELD_AUTO && c->field_auto && periodic && series &&
            c->fit.codes == 0 && c->fit.copies == 0 && c->memory == 0 && !t->data.dataset->record &&
            t->data.frame_count >= 64);
}

/* An equation is the more accurate, the less the basis leaves out, and more codes cost it little.
 * What the caller has chosen stays. */
static void widen(fc_fit_config *fit)
{
    fc_fit_config usual = fc_fit_config_default();
    if (fit->tolerance == usual.tolerance)
        fit->tolerance = 1e-8;
    if (fit->max_codes == usual.max_codes)
        fit->max_codes = 2048;
    fit->complete = true;
}

/* A record is short, so that its decoder is fitted twice: without the validation frames, which
 * gives the number of codes, filters and noise, then with them. */
static fc_status fit_decoder(fc_training *t, bool for_equation)
{
    fc_status status = FC_OK;
    fc_model *model = t->model;
    fc_decoder_config decoder = t->config.decoder;
    fc_fit_config fit = t->config.fit;
    fc_fit_report report;
    double *noise = NULL;
    if (t->data.decoder_sees_all && !fc_decoder_is_affine(&decoder))
        return fc__fail(t->context, FC_ERROR_USAGE,
                        "decoder.family: forecasts of a record carry the residual of its latest "
                        "observations, which needs a basis: choose fourier");
    decoder.seed = fit.seed = t->config.seed;
    if (t->config.memory && fit.max_filters > FC__MOST_FILTERS_LIMITED)
        fit.max_filters = FC__MOST_FILTERS_LIMITED;
    if (for_equation)
        widen(&fit);
    FC_TRY(fc_decoder_fit(t->context, t->data.dataset, 0, t->data.validation, &decoder, &fit,
                          &model->decoder, &model->prior, model->noise, &report));
    model->floor_mse = isnan(report.validation_mse) ? report.training_mse : report.validation_mse;
    if (t->data.decoder_sees_all && !isnan(report.validation_mse)) {
        decoder = model->decoder->config;
        fit.codes = report.codes;
        fit.ridge = report.ridge;
        fc_decoder_destroy(model->decoder);
        fc_prior_destroy(model->prior);
        model->decoder = NULL;
        model->prior = NULL;
        FC_NEW(t->context, &noise, model->channel_count);
        FC_TRY(fc_decoder_fit(t->context, t->data.dataset, 0, NULL, &decoder, &fit, &model->decoder,
                              &model->prior, noise, &report));
    }
    t->ridge = report.ridge;
done:
    free(noise);
    return status;
}

/* Takes the forcing cycle out of the codes; the prior then describes the departures from it. */
static fc_status fit_cycle(fc_training *t, const double *codes)
{
    fc_status status = FC_OK;
    const fc__training_data *data = &t->data;
    double *times = NULL;
    FC_NEW(t->context, &times, data->frame_count);
    for (size_t f = 0; f < data->frame_count; f++)
        times[f] =
            data->source->sequences[data->places[f].sequence].frames[data->places[f].frame].time;
    FC_TRY(fc__cycle_take_out(t->context, t->model, t->config.harmonics, data->frame_count, times,
                              codes));
done:
    free(times);
    return status;
}

/* The cycle's period where the record is long enough to show it. */
static bool has_cycle(const fc_training *t)
{
    double cycle = t->model->time.cycle;
    return t->data.dataset->record && t->config.harmonics > 0 && cycle > 0.0 &&
           t->model->horizon >= 1.5 * cycle && t->model->time_scale < cycle / 3.0;
}

/* How forecasts of a record are put together. Of one that is not held in memory a quarter of what
 * the decoder was fitted on, the latest frames in one piece, has to do. */
static fc_status fit_residual(fc_training *t)
{
    fc_status status = FC_OK;
    const fc__training_data *data = &t->data;
    fc_model *model = t->model;
    fc_fit_config fit = t->config.fit;
    fc_dataset *latest = NULL;
    size_t held = 0;
    fit.seed = t->config.seed;
    fit.ridge = t->ridge;
    for (size_t s = 0; s < data->dataset->sequence_count; s++)
        held += data->dataset->sequences[s].frame_count;
    size_t first = held < data->frame_count ? data->frame_count - held / 4 : 0;
    size_t frames = data->frame_count - first;
    if (first)
        FC_TRY(fc__normalised_copy(t->context, model, data->source, 1, &frames,
                                   data->places + first, data->plan.stream, &latest));
    FC_TRY(fc__residual_fit(t->context, latest ? latest : data->dataset, first ? NULL : &fit,
                            has_cycle(t) ? t->config.harmonics : 0, t->config.seed, model));
done:
    fc_dataset_destroy(latest);
    return status;
}

/* Codes of all frames, and the trajectories of their departures from the cycle. A cycle is fitted
 * to codes under the decoder's own prior; the codes to train on depend on nothing but the model as
 * it is saved, so that a resumed run has the same. */
static fc_status make_trajectories(fc_training *t, bool resumed)
{
    fc_status status = FC_OK;
    fc_model *model = t->model;
    const fc__training_data *data = &t->data;
    fc_prior *whole = NULL;
    double *codes = NULL;
    FC_NEW(t->context, &codes, fc__product(data->frame_count, model->decoder->config.codes));
    if (!resumed && has_cycle(t)) {
        FC_TRY(fc__normalised_codes(t->context, model, model->prior, data->source,
                                    data->frame_count, data->places, data->plan.stream, codes,
                                    NULL));
        FC_TRY(fit_cycle(t, codes));
    }
    FC_TRY(fc__prior_with_cycle(t->context, model, &whole));
    FC_TRY(fc__normalised_codes(t->context, model, whole, data->source, data->frame_count,
                                data->places, data->plan.stream, codes, NULL));
    FC_TRY(fc__trajectories_create(t->context, model, data, false, codes, &t->training));
    FC_TRY(fc__trajectories_create(t->context, model, data, true, codes, &t->validation));
    FC_TRY(fc__trajectories_add_copies(t->context, model, whole, data, &t->config.fit, codes,
                                       &t->training));
    if (!resumed && model->residual.lead_count)
        FC_TRY(fc__residual_climate(t->context, data->dataset, model));
done:
    fc_prior_destroy(whole);
    free(codes);
    return status;
}

/* Size of the field that the number of transitions can carry. */
static fc_field_config choose_field(const fc_training *t)
{
    fc_field_config field = t->config.field;
    size_t codes = t->model->decoder->config.codes;
    size_t transitions = t->training.first[t->training.count] - t->training.count;
    field.codes = codes;
    if (t->config.field_auto) {
        field.linear = true;
        field.hidden = 0;
        field.rank = transitions < 400 || transitions < 4 * codes ? 0 : 8 * codes;
        field.rank = field.rank > 1024 ? 1024 : field.rank;
    }
    return field;
}

/* A short record starts from damped persistence: A_ii = log of the code's lag-one autocorrelation.
 */
static void start_damped(const fc_trajectories *t, fc_field *field)
{
    size_t codes = t->codes;
    float *a = field->parameters + fc_field_layout_of(&field->config).a;
    for (size_t i = 0; i < codes; i++) {
        double product = 0.0, square = 1e-30;
        for (size_t s = 0; s < t->count; s++) {
            for (size_t f = t->first[s]; f + 1 < t->first[s + 1]; f++) {
                product += (double)t->z[f * codes + i] * (double)t->z[(f + 1) * codes + i];
                square += (double)t->z[f * codes + i] * (double)t->z[f * codes + i];
            }
        }
        a[i * (codes + 1)] = (float)log(fmin(fmax(product / square, 0.05), 0.999));
    }
}

/* The equation behind the trajectories; *found is false where there is none worth having. */
static fc_status find_equation(fc_training *t, bool *found)
{
    const double good = 0.01;
    fc_status status = FC_OK;
    fc_field_config field = {.codes = t->model->decoder->config.codes};
    fc_equation *equation = NULL;
    double residual;
    *found = false;
    if (!fc__equation_suits(t->model->decoder)) {
        status = fc__fail(t->context, FC_ERROR_USAGE,
                          "field.kind=equation needs one or two periodic axes, at most %d "
                          "channels and a decoder with layers=0 and integer filters",
                          FC__EQUATION_CHANNELS);
        goto done;
    }
    FC_TRY(fc__equation_fit(t->context, t->model->decoder, &t->training, &t->config.equation,
                            t->config.seed, &equation, &residual));
    if (!(residual < good) && t->config.field_kind == FC_FIELD_AUTO)
        goto done;
    if (!isfinite(residual)) {
        status = fc__fail(t->context, FC_ERROR_SOLVER,
                          "no equation was found whose forecasts stay finite; field.kind=bilinear "
                          "may do");
        goto done;
    }
    FC_TRY(fc_field_create(t->context, &field, t->config.seed, &t->model->field));
    FC_TRY(fc_field_set_equation(t->context, t->model->field, t->model->decoder, equation));
    equation = NULL;
    t->loss = residual;
    *found = true;
done:
    fc_equation_destroy(equation);
    return status;
}

/* Back to where a run is that has not looked for an equation. */
static fc_status start_over(fc_training *t)
{
    fc_model *model = t->model;
    fc__trajectories_clear(&t->training);
    fc__trajectories_clear(&t->validation);
    fc_decoder_destroy(model->decoder);
    fc_prior_destroy(model->prior);
    model->decoder = NULL;
    model->prior = NULL;
    fc_status status = fit_decoder(t, false);
    return status == FC_OK ? make_trajectories(t, false) : status;
}

/* Makes the field, and finds its weights where that takes no trainer. */
static fc_status make_field(fc_training *t, double seconds)
{
    fc_status status = FC_OK;
    fc_field_config config = choose_field(t);
    fc_field *field = NULL;
    FC_TRY(fc_field_create(t->context, &config, t->config.seed, &field));
    if (t->config.field_method == FC_FIELD_REGRESSION)
        FC_TRY(fc__regression_fit(t->context, &t->training, t->config.field_ridge, seconds,
                                  t->config.seed, field, &t->loss));
    else if (t->model->residual.lead_count && config.linear)
        FC_TRY(fc__linear_start(t->context, t->model, &t->training, field));
    else if (config.rank == 0 && config.hidden == 0 && config.linear)
        start_damped(&t->training, field);
    t->model->field = field;
    field = NULL;
done:
    fc_field_destroy(field);
    return status;
}

static fc_status make_trainer(fc_training *t, const fc_training_state *resumed, double started)
{
    fc_status status = FC_OK;
    fc_dynamics_config dynamics = t->config.dynamics;
    double limit = t->config.minutes > 0.0 ? 60.0 * t->config.minutes : INFINITY;
    double seconds = 0.97 * (limit - (fc__seconds() - started));
    dynamics.seed = t->config.seed;
    dynamics.seconds = seconds;
    if (t->config.window > 1 && dynamics.horizon > t->config.window - 1)
        dynamics.horizon = t->config.window - 1;
    if (!t->model->field)
        FC_TRY(make_field(t, seconds));
    if (t->model->field->equation || t->config.field_method == FC_FIELD_REGRESSION)
        return FC_OK; /* nothing is left to train */
    if (resumed)
        dynamics.updates = 1; /* the saved state brings its own schedule */
    FC_TRY(fc_trainer_create(t->context, t->model->field, &t->training,
                             t->validation.count ? &t->validation : NULL, &dynamics, &t->trainer));
    if (resumed)
        FC_TRY(fc_trainer_set_state(t->trainer, &resumed->trainer));
done:
    return status;
}

static fc_status copy_array(fc_context *context, size_t count, const double *from, double **to)
{
    fc_status status = fc__allocate(context, count, sizeof **to, (void *)to);
    if (status == FC_OK && count)
        memcpy(*to, from, count * sizeof **to);
    return status;
}

/* Takes decoder, prior, noise, cycle and field over from a saved half-made model. */
static fc_status adopt(fc_training *t, const fc_model *saved)
{
    fc_status status = FC_OK;
    fc_model *model = t->model;
    fc_context *context = t->context;
    fc_equation *equation = NULL;
    if (!saved->decoder || !saved->prior || !saved->field)
        return fc__fail(context, FC_ERROR_DATA, "the checkpoint lacks its decoder or field");
    size_t c = saved->decoder->config.codes;
    FC_TRY(fc_model_check_dataset(context, saved, t->data.dataset, "training data"));
    FC_TRY(fc_decoder_create(context, &saved->domain, &saved->decoder->config, &model->decoder));
    memcpy(model->decoder->parameters, saved->decoder->parameters,
           saved->decoder->parameter_count * sizeof(float));
    FC_TRY(fc__decoder_set_starts(context, model->decoder, saved->decoder->start_count,
                                  saved->decoder->starts));
    FC_TRY(
        fc_prior_create(context, c, saved->prior->mean, saved->prior->covariance, &model->prior));
    memcpy(model->noise, saved->noise, saved->channel_count * sizeof *saved->noise);
    model->cycle = (fc_cycle){.period = saved->cycle.period, .harmonics = saved->cycle.harmonics};
    FC_TRY(copy_array(context, 2 * saved->cycle.harmonics * c, saved->cycle.coefficient,
                      &model->cycle.coefficient));
    if (saved->residual.lead_count) {
        size_t leads = saved->lead_count;
        FC_TRY(fc__residual_copy(context, saved, model));
        FC_TRY(copy_array(context, leads, saved->lead_time, &model->lead_time));
        FC_TRY(copy_array(context, leads * c, saved->lead_variance, &model->lead_variance));
        model->lead_count = leads;
    }
    model->floor_mse = saved->floor_mse;
    FC_TRY(fc_field_create(context, &saved->field->config, 0, &model->field));
    memcpy(model->field->parameters, saved->field->parameters,
           saved->field->parameter_count * sizeof(float));
    if (saved->field->equation) {
        FC_TRY(fc__equation_copy(context, saved->field->equation, &equation));
        FC_TRY(fc_field_set_equation(context, model->field, model->decoder, equation));
        equation = NULL;
    }
    FC_TRY(fc__copy_text(context, saved->configuration, &model->configuration));
    FC_TRY(fc__copy_text(context, saved->provenance, &model->provenance));
done:
    fc_equation_destroy(equation);
    return status;
}

fc_status fc_training_create(fc_context *context, const fc_dataset *dataset,
                             const fc_train_config *config, const fc_training_state *resumed,
                             fc_training **training)
{
    fc_status status = FC_OK;
    fc_training *t = NULL;
    double started = fc__seconds();
    bool equation;
    *training = NULL;
    FC_TRY(fc_train_config_validate(context, config));
    FC_NEW(context, &t, 1);
    t->context = context;
    t->config = *config;
    t->loss = t->validation_loss = NAN;
    FC_NEW(context, &t->model, 1);
    FC_TRY(fc__training_data_create(context, dataset, config, t->model, &t->data));
    equation = !resumed && wants_equation(t);
    FC_TRY(resumed ? adopt(t, resumed->model) : fit_decoder(t, equation));
    if (!resumed && dataset->record)
        FC_TRY(fit_residual(t));
    FC_TRY(make_trajectories(t, resumed != NULL));
    if (equation) {
        FC_TRY(find_equation(t, &equation));
        if (!equation)
            FC_TRY(start_over(t));
    }
    FC_TRY(make_trainer(t, resumed, started));
    t->seconds = fc__seconds() - started + (resumed ? resumed->seconds : 0.0);
    *training = t;
    t = NULL;
done:
    fc_training_destroy(t);
    return status;
}

void fc_training_destroy(fc_training *training)
{
    if (!training)
        return;
    fc_trainer_destroy(training->trainer);
    fc__trajectories_clear(&training->training);
    fc__trajectories_clear(&training->validation);
    fc__training_data_clear(&training->data);
    fc_model_destroy(training->model);
    free(training);
}

static fc_status finish(fc_training *t)
{
    fc_status status = FC_OK;
    fc_dataset *drawn = NULL;
    if (t->trainer)
        fc_trainer_finish(t->trainer);
    const fc_trajectories *judge = t->validation.count ? &t->validation : &t->training;
    if (t->model->residual.lead_count && t->model->field->config.linear)
        FC_TRY(fc__dynamics_settle(t->context, &t->training, &t->validation, t->model));
    else if (t->model->residual.lead_count == 0)
        FC_TRY(fc__fit_lead_variance(t->context, t->model, judge));
    /* A record's decoder has seen all its frames: they cannot show that its error bars are too
     * wide. */
    bool record = t->data.decoder_sees_all;
    size_t frames = t->model->decoder->config.codes > 1000 ? FC__CALIBRATION_FRAMES / 6
                                                           : FC__CALIBRATION_FRAMES;
    FC_TRY(fc__training_data_draw(t->context, t->model, &t->data, record && t->validation.count,
                                  frames, fc__rng_create(t->config.seed, 912), &drawn));
    FC_TRY(fc__fit_calibration(t->context, t->model, drawn, record ? 1.0 : 1e-3, t->config.seed));
    t->done = true;
done:
    fc_dataset_destroy(drawn);
    return status;
}

fc_status fc_training_run(fc_training *t, double seconds, bool *done)
{
    fc_status status = FC_OK;
    double start = fc__seconds();
    bool trained = t->done || !t->trainer;
    for (double begin = start; !trained && begin - start < seconds; begin = fc__seconds()) {
        double left = seconds - (begin - start);
        uint64_t before = fc_trainer_get_state(t->trainer).update;
        uint64_t wanted = (uint64_t)fmin(0.5 * left * t->updates_a_second, 1e6) + 1;
        FC_TRY(fc_trainer_run(t->trainer, wanted, &trained, &t->loss, &t->validation_loss));
        uint64_t made = fc_trainer_get_state(t->trainer).update - before;
        t->updates_a_second = (double)made / fmax(fc__seconds() - begin, 1e-6);
    }
    if (trained && !t->done)
        FC_TRY(finish(t));
    *done = t->done;
done:
    t->seconds += fc__seconds() - start;
    fc_training_report report = fc_training_get_report(t);
    fc__report(t->context, "dynamics", (uint64_t)(1000.0 * report.share), 1000, t->loss);
    return status;
}

fc_training_state fc_training_get_state(fc_training *t)
{
    if (!t->done && t->trainer) /* so that a checkpoint can forecast as well */
        fc_trainer_finish(t->trainer);
    fc_training_state state = {.model = t->model, .seconds = t->seconds};
    if (t->trainer)
        state.trainer = fc_trainer_get_state(t->trainer);
    return state;
}

fc_training_report fc_training_get_report(const fc_training *t)
{
    double unit = 0.0;
    for (size_t c = 0; c < t->model->channel_count; c++)
        unit += t->model->scale[c] * t->model->scale[c] / (double)t->model->channel_count;
    double share = t->done ? 1.0 : t->trainer ? fc_trainer_share(t->trainer) : 0.0;
    return (fc_training_report){.share = share,
                                .loss = t->loss,
                                .validation = t->validation_loss,
                                .seconds = t->seconds,
                                .codes = t->model->decoder->config.codes,
                                .floor = t->model->floor_mse * unit};
}

fc_model *fc_training_take_model(fc_training *t)
{
    fc_model *model = t->model;
    t->model = NULL;
    fc_trainer_destroy(t->trainer);
    t->trainer = NULL;
    return model;
}
