/* Least squares over all pairs of neighbouring frames: forecasts over an interval by Runge-Kutta
 * steps, corrected by the steps of regression_normal.c, which Anderson's acceleration (1965; type
 * II, Walker & Ni 2011) puts together. */
#include "ode/regression.h"
#include "ode/lim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 5, MOST_ITERATIONS = 60, ROWS = 64, PARTS = 8 };

typedef struct regression {
    fc_context *context;
    const fc_trajectories *trajectories;
    fc_field *field;
    double ridge;
    fc__features features;
    fc__normal normal;
    size_t *first, pairs;     /* (pairs) first frames */
    double *parameters;       /* (parameters) */
    double *scratch;          /* (R, C) */
    double *state[FC__NODES]; /* (pairs, C): where the field is at the nodes of every interval */
    double *residual;         /* (pairs, C): frames less forecasts */
    /* All (F, C); the oldest entry of the history is overwritten. */
    double *theta, *descent_at, *step, *best, *best_descent;
    double *old_theta, *old_step, *theta_change[MEMORY], *step_change[MEMORY];
    size_t known;
} regression;

static fc_status check(fc_context *context, const fc_trajectories *t, const fc_field_config *config)
{
    const double tolerance = 1e-3;
    size_t pairs = 0;
    if (!config->linear || config->hidden)
        return fc__fail(context, FC_ERROR_USAGE,
                        "regression finds fields with a linear part and no hidden units");
    for (size_t s = 0; s < t->count; s++) {
        for (size_t f = t->first[s]; f + 1 < t->first[s + 1]; f++, pairs++) {
            double interval = t->times[f + 1] - t->times[f];
            if (fabs(interval - 1.0) > tolerance)
                return fc__fail(context, FC_ERROR_DATA,
                                "field.method = regression needs frames at equal intervals, but "
                                "one follows another after %g times the typical interval; "
                                "descent takes any",
                                interval);
        }
    }
    return pairs > 1 ? FC_OK
                     : fc__fail(context, FC_ERROR_DATA,
                                "field.method = regression needs at least 2 pairs of "
                                "neighbouring frames, not %zu",
                                pairs);
}

static void destroy(regression *r)
{
    fc__features_clear(&r->features);
    fc__normal_clear(&r->normal);
    free(r->first);
    free(r->parameters);
    free(r->scratch);
    for (size_t q = 0; q < FC__NODES; q++)
        free(r->state[q]);
    free(r->residual);
    free(r->theta);
    free(r->descent_at);
    free(r->step);
    free(r->best);
    free(r->best_descent);
    free(r->old_theta);
    free(r->old_step);
    for (size_t k = 0; k < MEMORY; k++) {
        free(r->theta_change[k]);
        free(r->step_change[k]);
    }
}

static fc_status list_pairs(regression *r)
{
    fc_status status = FC_OK;
    const fc_trajectories *t = r->trajectories;
    FC_NEW(r->context, &r->first, t->first[t->count]);
    for (size_t s = 0; s < t->count; s++)
        for (size_t f = t->first[s]; f + 1 < t->first[s + 1]; f++)
            r->first[r->pairs++] = f;
done:
    return status;
}

/* The generator of the regressed linear map. Its ridge is far larger than that of the products:
 * what they will explain is noise to it. */
static fc_status start(regression *r)
{
    const double ridge = 1e-2;
    fc_status status = FC_OK;
    size_t codes = r->features.codes;
    double *zero = NULL, *generator = NULL, *linear = r->theta + codes;
    FC_NEW(r->context, &zero, codes);
    FC_NEW(r->context, &generator, fc__product(codes, codes));
    status =
        fc__lim_fit(r->context, r->trajectories, zero, codes, ridge, FC__LIM_FAITHFUL, generator);
    if (status == FC_ERROR_SOLVER) /* of modes that depend on each other: each for itself */
        status =
            fc__lim_fit(r->context, r->trajectories, zero, 0, ridge, FC__LIM_FAITHFUL, generator);
    for (size_t i = 0; i < codes; i++)
        for (size_t j = 0; j < codes; j++)
            linear[j * codes + i] = r->features.size * generator[i * codes + j];
done:
    free(zero);
    free(generator);
    return status;
}

static fc_status prepare(regression *r, uint64_t seed)
{
    fc_status status = FC_OK;
    FC_TRY(list_pairs(r));
    FC_TRY(fc__features_create(r->context, r->trajectories, r->field->config.rank, seed,
                               &r->features));
    FC_TRY(fc__normal_create(r->context, &r->features, &r->normal));
    size_t codes = r->features.codes, size = fc__product(r->features.count, codes);
    for (size_t q = 0; q < FC__NODES; q++)
        FC_NEW(r->context, &r->state[q], fc__product(r->pairs, codes));
    FC_NEW(r->context, &r->residual, fc__product(r->pairs, codes));
    for (size_t n = 0; n < r->pairs * codes; n++)
        r->state[0][n] = (double)r->trajectories->z[r->first[n / codes] * codes + n % codes];
    FC_NEW(r->context, &r->parameters, r->field->parameter_count);
    FC_NEW(r->context, &r->scratch, fc__product(r->features.rank, codes));
    FC_NEW(r->context, &r->theta, size);
    FC_NEW(r->context, &r->descent_at, size);
    FC_NEW(r->context, &r->step, size);
    FC_NEW(r->context, &r->best, size);
    FC_NEW(r->context, &r->best_descent, size);
    FC_NEW(r->context, &r->old_theta, size);
    FC_NEW(r->context, &r->old_step, size);
    for (size_t k = 0; k < MEMORY; k++) {
        FC_NEW(r->context, &r->theta_change[k], size);
        FC_NEW(r->context, &r->step_change[k], size);
    }
    status = start(r);
done:
    return status;
}

/* Forecasts of pairs [begin, end): states and residuals, the sum of whose squares is added. */
static fc_status forecast(const regression *r, size_t begin, size_t end, double *sum)
{
    fc_status status = FC_OK;
    const fc_trajectories *t = r->trajectories;
    size_t codes = t->codes;
    double *dt = NULL, *z = NULL, *work = NULL;
    fc_rk_plan plan = {.field = r->field->config,
                       .scheme = FC_RK_RK4,
                       .substeps = 2,
                       .intervals = 2, /* halves of an interval */
                       .batch = ROWS};
    FC_NEW(r->context, &dt, 2 * ROWS);
    FC_NEW(r->context, &z, fc__product(2 * ROWS, codes));
    FC_NEW(r->context, &work, fc_rk_work_size(&plan));
    for (; begin < end && !fc_context_interrupted(r->context); begin += plan.batch) {
        plan.batch = end - begin < ROWS ? end - begin : ROWS;
        size_t size = plan.batch * codes, at = begin * codes;
        for (size_t n = 0; n < plan.batch; n++) {
            size_t f = r->first[begin + n];
            dt[n] = dt[plan.batch + n] = 0.5 * (t->times[f + 1] - t->times[f]);
        }
        fc_rk_forward_double(&plan, r->parameters, dt, r->state[0] + at, z, NULL, work);
        memcpy(r->state[1] + at, z, size * sizeof *z);
        memcpy(r->state[2] + at, z + size, size * sizeof *z);
        for (size_t i = 0; i < size; i++) {
            size_t next = r->first[begin + i / codes] + 1;
            double missing = (double)t->z[next * codes + i % codes] - z[size + i];
            r->residual[at + i] = missing;
            *sum += missing * missing;
        }
    }
done:
    free(dt);
    free(z);
    free(work);
    return status;
}

/* Mean squared error of the forecasts by theta over all pairs. */
static fc_status measure(regression *r, double *loss)
{
    fc_status part_status[PARTS];
    double sum[PARTS] = {0.0}, all = 0.0;
    fc__features_field(&r->features, &r->field->config, r->theta, r->scratch, r->parameters);
#pragma omp parallel for num_threads(fc_context_threads(r->context)) schedule(dynamic, 1)
    for (size_t part = 0; part < PARTS; part++) {
        size_t begin, end;
        fc__slice(r->pairs, PARTS, part, &begin, &end);
        part_status[part] = forecast(r, begin, end, &sum[part]);
    }
    for (size_t part = 0; part < PARTS; part++) {
        if (part_status[part] != FC_OK)
            return part_status[part];
        all += sum[part];
    }
    if (fc_context_interrupted(r->context))
        return fc__fail(r->context, FC_INTERRUPTED, "interrupted in the regression of the flow");
    *loss = all / (double)(r->pairs * r->features.codes);
    return FC_OK;
}

/* Half the sum of squares and the prior's, whose gradient is taken from a given descent. */
static double objective_of(regression *r, double loss, double *descent)
{
    return 0.5 * loss * (double)(r->pairs * r->features.codes) +
           fc__normal_prior(r->context, &r->normal, r->theta, descent);
}

/* Weights of the known changes with which those of the step come nearest to the step itself. */
static fc_status weigh_changes(regression *r, double gamma[MEMORY])
{
    size_t size = r->features.count * r->features.codes;
    double normal[MEMORY * MEMORY] = {0}, trace = 0.0;
    for (size_t i = 0; i < r->known; i++) {
        for (size_t j = 0; j < r->known; j++)
            normal[i * r->known + j] = fc__ddot(size, r->step_change[i], r->step_change[j]);
        gamma[i] = fc__ddot(size, r->step_change[i], r->step);
        trace += normal[i * (r->known + 1)];
    }
    for (size_t i = 0; i < r->known; i++)
        normal[i * (r->known + 1)] += 1e-8 * trace + 1e-300;
    return r->known ? fc__solve(r->context, "acceleration", r->known, normal, 1, gamma) : FC_OK;
}

/* theta + step, accelerated by what the steps before have changed, unless this is the first of its
 * kind. */
static fc_status advance(regression *r, bool first)
{
    fc_status status = FC_OK;
    size_t size = r->features.count * r->features.codes;
    double gamma[MEMORY];
    r->known = first ? 0 : r->known;
    if (!first) {
        double *theta_change = r->theta_change[MEMORY - 1],
               *step_change = r->step_change[MEMORY - 1];
        for (size_t k = MEMORY - 1; k > 0; k--) {
            r->theta_change[k] = r->theta_change[k - 1];
            r->step_change[k] = r->step_change[k - 1];
        }
        r->theta_change[0] = theta_change;
        r->step_change[0] = step_change;
        for (size_t i = 0; i < size; i++) {
            theta_change[i] = r->theta[i] - r->old_theta[i];
            step_change[i] = r->step[i] - r->old_step[i];
        }
        r->known = r->known < MEMORY ? r->known + 1 : MEMORY;
    }
    memcpy(r->old_theta, r->theta, size * sizeof *r->theta);
    memcpy(r->old_step, r->step, size * sizeof *r->step);
    FC_TRY(weigh_changes(r, gamma));
    for (size_t i = 0; i < size; i++)
        r->theta[i] += r->step[i];
    for (size_t k = 0; k < r->known; k++)
        for (size_t i = 0; i < size; i++)
            r->theta[i] -= gamma[k] * (r->theta_change[k][i] + r->step_change[k][i]);
done:
    return status;
}

/* The normal equations at theta, whose linear part is the mean propagator's, and the objective by
 * their prior. */
static fc_status linearise(regression *r, double loss, double *objective)
{
    fc_status status = FC_OK;
    FC_TRY(fc__normal_propagate(r->context, r->parameters + fc_field_layout_of(&r->field->config).a,
                                &r->normal));
    fc__normal_sum(r->context, &r->features, r->pairs, r->state, r->residual, r->ridge, &r->normal,
                   r->descent_at);
    FC_TRY(fc__normal_factor(r->context, &r->normal));
    *objective = objective_of(r, loss, r->descent_at);
done:
    return status;
}

/* Keeps what is best so far, or goes back to it and is more careful from there. */
static fc_status judge(regression *r, double loss, double *best, size_t *retreats)
{
    const double least = 0.03;
    fc_status status = FC_OK;
    size_t bytes = r->features.count * r->features.codes * sizeof *r->theta;
    if (objective_of(r, loss, NULL) < *best) {
        FC_TRY(linearise(r, loss, best));
        memcpy(r->best, r->theta, bytes);
        memcpy(r->best_descent, r->descent_at, bytes);
        r->normal.damping = fmax(0.5 * r->normal.damping, least);
    } else {
        memcpy(r->theta, r->best, bytes);
        memcpy(r->descent_at, r->best_descent, bytes);
        r->normal.damping *= 5.0;
        *retreats += 1;
    }
done:
    return status;
}

static fc_status iterate(regression *r, double ends, double *best_loss)
{
    enum { PATIENCE = 4, MOST_RETREATS = 10 };
    const double worth = 0.97, first = 0.5;
    fc_status status = FC_OK;
    size_t retreats = 0, idle = 0;
    double best = INFINITY, mark = INFINITY, loss = INFINITY;
    r->normal.damping = first;
    for (size_t k = 0; k < MOST_ITERATIONS && (k == 0 || fc__seconds() < ends); k++) {
        double damped = r->normal.damping;
        size_t retreated = retreats;
        FC_TRY(measure(r, &loss));
        if (k == 0 && !isfinite(loss)) {
            status =
                fc__fail(r->context, FC_ERROR_SOLVER,
                         "field.method = regression starts from a linear map, whose forecasts do "
                         "not stay finite here; descent may do");
            goto done;
        }
        FC_TRY(judge(r, loss, &best, &retreats));
        *best_loss = retreats == retreated ? loss : *best_loss;
        fc__report(r->context, "regression", k + 1, MOST_ITERATIONS, *best_loss);
        idle = best < worth * mark ? 0 : idle + 1;
        mark = idle ? mark : best;
        if (idle > PATIENCE || retreats > MOST_RETREATS)
            break;
        FC_TRY(fc__normal_solve(r->context, &r->normal, r->descent_at, r->step));
        FC_TRY(advance(r, k == 0 || r->normal.damping != damped));
    }
    fc__features_field(&r->features, &r->field->config, r->best, r->scratch, r->parameters);
    for (size_t i = 0; i < r->field->parameter_count; i++)
        r->field->parameters[i] = (float)r->parameters[i];
done:
    return status;
}

fc_status fc__regression_fit(fc_context *context, const fc_trajectories *trajectories, double ridge,
                             double seconds, uint64_t seed, fc_field *field, double *loss)
{
    double ends = fc__seconds() + seconds;
    regression r = {
        .context = context, .trajectories = trajectories, .field = field, .ridge = ridge};
    fc_status status = check(context, trajectories, &field->config);
    if (status == FC_OK)
        status = prepare(&r, seed);
    if (status == FC_OK)
        status = iterate(&r, ends, loss);
    destroy(&r);
    return status;
}
