#include "ode/linear_dynamics.h"
#include "ode/lim.h"
#include "ode/residual.h"
#include "ode/training_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

fc_status fc__linear_start(fc_context *context, const fc_model *model,
                           const fc_trajectories *trajectories, fc_field *field)
{
    fc_status status = FC_OK;
    const fc_residual *r = &model->residual;
    fc_field_layout at = fc_field_layout_of(&field->config);
    size_t codes = trajectories->codes;
    double *generator = NULL;
    FC_NEW(context, &generator, fc__product(codes, codes));
    if (!r->still)
        status = fc__lim_fit(context, trajectories, model->prior->mean, r->modes, r->ridge,
                             FC__LIM_CAUTIOUS, generator);
    if (status == FC_ERROR_SOLVER) /* of modes that depend on each other: each for itself */
        status = fc__lim_fit(context, trajectories, model->prior->mean, 0, r->ridge,
                             FC__LIM_CAUTIOUS, generator);
    FC_TRY(status);
    for (size_t i = 0; i < codes; i++) {
        double bias = 0.0;
        for (size_t j = 0; j < codes; j++) {
            field->parameters[at.a + i * codes + j] = (float)generator[i * codes + j];
            bias -= generator[i * codes + j] * model->prior->mean[j];
        }
        field->parameters[at.bias + i] = (float)bias;
    }
done:
    free(generator);
    return status;
}

fc_status fc__baseline_fit(fc_context *context, const fc_trajectories *trajectories,
                           fc_model *model)
{
    fc_status status = FC_OK;
    size_t codes = trajectories->codes;
    double *generator = NULL;
    FC_NEW(context, &generator, fc__product(codes, codes));
    status = fc__lim_fit(context, trajectories, model->prior->mean, codes, 1e-6, FC__LIM_CAUTIOUS,
                         generator);
    if (status == FC_ERROR_SOLVER) {
        status = FC_OK;
        goto done;
    }
    FC_TRY(status);
    free(model->residual.baseline);
    model->residual.baseline = generator;
    generator = NULL;
done:
    free(generator);
    return status;
}

/* ---------------------------------------------------------------- the trained field */

/* Sums over all forecasts to one lead of departures from the mean, over all codes. */
typedef struct sums {
    double pp, pt, tt;
} sums;

/* Adds the forecasts of a field from every frame of the trajectories to the leads of the model. */
static fc_status add_forecasts(fc_context *context, const fc_model *model, const fc_field *field,
                               const fc_trajectories *t, sums *sum)
{
    fc_status status = FC_OK;
    const fc_residual *r = &model->residual;
    size_t codes = t->codes, longest = 0;
    float *dt = NULL, *z = NULL, *work = NULL;
    fc_rk_plan plan = {
        .field = field->config, .scheme = FC_RK_RK4, .substeps = 4, .intervals = 1, .batch = 1};
    for (size_t s = 0; s < t->count; s++)
        longest = t->first[s + 1] - t->first[s] > longest ? t->first[s + 1] - t->first[s] : longest;
    plan.intervals = longest < 2 ? 1 : longest - 1;
    FC_NEW(context, &dt, plan.intervals);
    FC_NEW(context, &z, fc__product(plan.intervals, codes));
    FC_NEW(context, &work, fc_rk_work_size(&plan));
    for (size_t s = 0; s < t->count; s++) {
        for (size_t f = t->first[s]; f + 1 < t->first[s + 1]; f++) {
            size_t left = t->first[s + 1] - f - 1, last = (size_t)r->lead[r->lead_count - 1];
            plan.intervals = left < last ? left : last;
            for (size_t k = 0; k < plan.intervals; k++)
                dt[k] = (float)(t->times[f + k + 1] - t->times[f + k]);
            fc_rk_forward(&plan, field->parameters, dt, t->z + f * codes, z, NULL, work);
            for (size_t k = 1; k < r->lead_count && (size_t)r->lead[k] <= plan.intervals; k++) {
                size_t lead = (size_t)r->lead[k];
                for (size_t i = 0; i < codes; i++) {
                    double p = (double)z[(lead - 1) * codes + i] - model->prior->mean[i];
                    double truth = (double)t->z[(f + lead) * codes + i] - model->prior->mean[i];
                    p = isfinite(p) ? p : 1e3;
                    sum[k].pp += p * p;
                    sum[k].pt += p * truth;
                    sum[k].tt += truth * truth;
                }
            }
        }
    }
done:
    free(dt);
    free(z);
    free(work);
    return status;
}

/* a of least squares, drawn to the table's, and the error with it. */
static double weigh(const sums *s, double usual, double *error)
{
    double a = fmin(fmax((s->pt + 0.1 * usual * s->pp) / (1.1 * s->pp + 1e-300), 0.0), 1.0);
    *error = s->tt - 2.0 * a * s->pt + a * a * s->pp;
    return a;
}

static fc_status copy_field(fc_context *context, const fc_field *field, fc_field **copy)
{
    fc_status status = fc_field_create(context, &field->config, 0, copy);
    if (status == FC_OK)
        memset((*copy)->parameters, 0, field->parameter_count * sizeof(float));
    return status;
}

/* Errors of the two compared on the validation trajectories: mean of log(trained / linear). */
static fc_status compare_fields(fc_context *context, const fc_trajectories *training,
                                const fc_trajectories *validation, const fc_model *model,
                                double *departure, double *gain)
{
    fc_status status = FC_OK;
    const fc_residual *r = &model->residual;
    sums *trained = NULL, *linear = NULL;
    fc_field *other = NULL;
    double total = 0.0, number = 0.0;
    FC_NEW(context, &trained, r->lead_count);
    FC_NEW(context, &linear, r->lead_count);
    FC_TRY(copy_field(context, model->field, &other));
    FC_TRY(fc__linear_start(context, model, training, other));
    FC_TRY(add_forecasts(context, model, model->field, validation, trained));
    FC_TRY(add_forecasts(context, model, other, validation, linear));
    for (size_t k = 1; k < r->lead_count; k++) {
        double error, against;
        departure[k] = r->departure[k];
        if (trained[k].tt == 0.0)
            continue;
        departure[k] = weigh(&trained[k], r->departure[k], &error);
        weigh(&linear[k], r->departure[k], &against);
        total += log(fmax(error, 1e-300) / fmax(against, 1e-300));
        number += 1.0;
    }
    *gain = number > 0.0 ? total / number : 0.0;
done:
    free(trained);
    free(linear);
    fc_field_destroy(other);
    return status;
}

fc_status fc__dynamics_settle(fc_context *context, const fc_trajectories *training,
                              const fc_trajectories *validation, fc_model *model)
{
    const double clearly = -0.03; /* mean log of the ratio of squared errors */
    fc_status status = FC_OK;
    fc_residual *r = &model->residual;
    fc_trajectories all = {0};
    double *departure = NULL, gain = 0.0;
    FC_NEW(context, &departure, r->lead_count);
    FC_TRY(fc__trajectories_join(context, training, validation, &all));
    /* A field that is linear itself could only be better by chance. */
    if (validation->count && (model->field->config.rank || model->field->config.hidden))
        FC_TRY(compare_fields(context, training, validation, model, departure, &gain));
    if (gain < clearly) {
        memcpy(r->departure + 1, departure + 1, (r->lead_count - 1) * sizeof *departure);
        memset(r->persistence + 1, 0, (r->lead_count - 1) * sizeof *departure);
    } else {
        memset(model->field->parameters, 0, model->field->parameter_count * sizeof(float));
        FC_TRY(fc__linear_start(context, model, &all, model->field));
    }
    FC_TRY(fc__baseline_fit(context, &all, model));
done:
    free(departure);
    fc__trajectories_clear(&all);
    return status;
}
