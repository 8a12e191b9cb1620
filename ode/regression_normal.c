#include "ode/lim.h"
#include "ode/regression.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512 }; /* pairs of frames whose features are held at a time */

static const double node[FC__NODES] = {0.0, 0.5, 1.0};
static const double weight[FC__NODES] = {1.0 / 6.0, 4.0 / 6.0, 1.0 / 6.0};
/* Of theta itself in the metric of the ridge. */
static const double hidden = 0.1;

fc_status fc__normal_create(fc_context *context, const fc__features *features, fc__normal *normal)
{
    fc_status status = FC_OK;
    size_t count = features->count, codes = features->codes, size = fc__product(count, codes);
    *normal = (fc__normal){.codes = codes, .count = count};
    for (size_t p = 0; p < FC__NODES; p++) {
        FC_NEW(context, &normal->propagator[p], fc__product(codes, codes));
        FC_NEW(context, &normal->phi[p], fc__product(count, BLOCK));
        FC_NEW(context, &normal->turned[p], size);
        for (size_t q = p; q < FC__NODES; q++)
            FC_NEW(context, &normal->gram[p][q], fc__product(count, count));
    }
    FC_NEW(context, &normal->pulled, fc__product(BLOCK, codes));
    FC_NEW(context, &normal->mixed, size);
    FC_NEW(context, &normal->work, size);
    FC_NEW(context, &normal->mean, fc__product(count, count));
    FC_NEW(context, &normal->axes, fc__product(count, count));
    FC_NEW(context, &normal->spread, count);
    FC_NEW(context, &normal->modes, fc__product(codes, codes));
    FC_NEW(context, &normal->gain, codes);
    FC_NEW(context, &normal->metric, fc__product(codes, codes));
done:
    if (status != FC_OK)
        fc__normal_clear(normal);
    return status;
}

void fc__normal_clear(fc__normal *normal)
{
    for (size_t p = 0; p < FC__NODES; p++) {
        for (size_t q = 0; q < FC__NODES; q++)
            free(normal->gram[p][q]);
        free(normal->propagator[p]);
        free(normal->phi[p]);
        free(normal->turned[p]);
    }
    free(normal->mean);
    free(normal->axes);
    free(normal->spread);
    free(normal->modes);
    free(normal->gain);
    free(normal->metric);
    free(normal->pulled);
    free(normal->mixed);
    free(normal->work);
    *normal = (fc__normal){0};
}

fc_status fc__normal_propagate(fc_context *context, const double *generator, fc__normal *n)
{
    fc_status status = FC_OK;
    for (size_t p = 0; p < FC__NODES; p++)
        FC_TRY(fc__exponential(context, n->codes, generator, 1.0 - node[p], n->propagator[p]));
done:
    return status;
}

/* Adds the sums of `rows` pairs whose features stand in n->phi. */
static void add_block(fc_context *context, size_t rows, const double *residual, bool first,
                      fc__normal *n, double *descent)
{
    size_t count = n->count, codes = n->codes;
    for (size_t p = 0; p < FC__NODES; p++) {
        for (size_t q = p; q < FC__NODES; q++)
            fc__dgemm_parallel(context, false, true, count, count, rows, 1.0, n->phi[p], rows,
                               n->phi[q], rows, first ? 0.0 : 1.0, n->gram[p][q], count);
        fc__dgemm_parallel(context, false, false, rows, codes, codes, weight[p], residual, codes,
                           n->propagator[p], codes, 0.0, n->pulled, codes);
        fc__dgemm_parallel(context, false, false, count, codes, rows, 1.0, n->phi[p], rows,
                           n->pulled, codes, first && p == 0 ? 0.0 : 1.0, descent, codes);
    }
}

void fc__normal_sum(fc_context *context, const fc__features *features, size_t pairs,
                    double *const state[FC__NODES], const double *residual, double ridge,
                    fc__normal *n, double *descent)
{
    size_t count = n->count;
    for (size_t begin = 0; begin < pairs; begin += BLOCK) {
        size_t rows = pairs - begin < BLOCK ? pairs - begin : BLOCK;
        for (size_t q = 0; q < FC__NODES; q++)
            fc__features_at(context, features, rows, state[q] + begin * n->codes, n->phi[q]);
        add_block(context, rows, residual + begin * n->codes, begin == 0, n, descent);
    }
    memset(n->mean, 0, count * count * sizeof *n->mean);
    for (size_t q = 0; q < FC__NODES; q++)
        for (size_t i = 0; i < count * count; i++)
            n->mean[i] += weight[q] * n->gram[q][q][i];
    n->unit = 0.0;
    for (size_t i = 0; i < count; i++)
        n->unit += n->mean[i * (count + 1)] / (double)pairs;
    n->ridge = ridge * n->unit;
}

/* E^T E + hidden of the mean propagator over the nodes, E */
static void make_metric(fc_context *context, fc__normal *n)
{
    size_t codes = n->codes;
    double *mean = n->mixed; /* (F, C), F > C */
    for (size_t i = 0; i < codes * codes; i++) {
        mean[i] = 0.0;
        for (size_t p = 0; p < FC__NODES; p++)
            mean[i] += weight[p] * n->propagator[p][i];
    }
    fc__dgemm_parallel(context, true, false, codes, codes, codes, 1.0, mean, codes, mean, codes,
                       0.0, n->metric, codes);
    for (size_t i = 0; i < codes; i++)
        n->metric[i * (codes + 1)] += hidden;
}

fc_status fc__normal_factor(fc_context *context, fc__normal *n)
{
    fc_status status = FC_OK;
    size_t metric = n->codes * n->codes, mean = n->count * n->count;
    double *copy = NULL;
    FC_NEW(context, &copy, mean);
    make_metric(context, n);
    memcpy(copy, n->metric, metric * sizeof *copy);
    FC_TRY(fc__eigen(context, n->codes, copy, n->gain, n->modes));
    memcpy(copy, n->mean, mean * sizeof *copy);
    FC_TRY(fc__eigen(context, n->count, copy, n->spread, n->axes));
done:
    free(copy);
    return status;
}

double fc__normal_prior(fc_context *context, fc__normal *n, const double *theta, double *descent)
{
    size_t size = n->count * n->codes;
    fc__dgemm_parallel(context, false, false, n->count, n->codes, n->codes, n->ridge, theta,
                       n->codes, n->metric, n->codes, 0.0, n->work, n->codes);
    for (size_t i = 0; descent && i < size; i++)
        descent[i] -= n->work[i];
    return 0.5 * fc__ddot(size, theta, n->work);
}

/* What an interval hides, motions that cancel before it ends, is damped the more: it is
 * undetermined and would take any size. */
static double damping_of_hidden(const fc__normal *n)
{
    return 1e-4 * n->damping * n->damping * n->unit;
}

/* out = damping_of_hidden x + ridge x M + damping G x + sum_pq w_p w_q G_pq x E_q^T E_p */
void fc__normal_apply(fc_context *context, const fc__normal *n, const double *x, double *out)
{
    size_t codes = n->codes, count = n->count, size = count * codes;
    for (size_t q = 0; q < FC__NODES; q++)
        fc__dgemm_parallel(context, false, true, count, codes, codes, weight[q], x, codes,
                           n->propagator[q], codes, 0.0, n->turned[q], codes);
    double least = damping_of_hidden(n);
    for (size_t i = 0; i < size; i++)
        out[i] = least * x[i];
    fc__dgemm_parallel(context, false, false, count, codes, codes, n->ridge, x, codes, n->metric,
                       codes, 1.0, out, codes);
    for (size_t p = 0; p < FC__NODES; p++) {
        for (size_t q = 0; q < FC__NODES; q++)
            fc__dgemm_parallel(context, q < p, false, count, codes, count, weight[p],
                               q < p ? n->gram[q][p] : n->gram[p][q], count, n->turned[q], codes,
                               q ? 1.0 : 0.0, n->mixed, codes);
        fc__dgemm_parallel(context, false, false, count, codes, codes, 1.0, n->mixed, codes,
                           n->propagator[p], codes, 1.0, out, codes);
    }
    fc__dgemm_parallel(context, false, false, count, codes, count, n->damping, n->mean, count, x,
                       codes, 1.0, out, codes);
}

/* The inverse as if features stayed the same over an interval, G (x) (E^T E + damping) + ridge M +
 * damping_of_hidden, in the eigenvectors of G and M. */
static void precondition(fc_context *context, fc__normal *n, const double *x, double *out)
{
    size_t codes = n->codes, count = n->count;
    double least = damping_of_hidden(n), *turned = n->turned[0];
    fc__dgemm_parallel(context, true, false, count, codes, count, 1.0, n->axes, count, x, codes,
                       0.0, n->mixed, codes);
    fc__dgemm_parallel(context, false, false, count, codes, codes, 1.0, n->mixed, codes, n->modes,
                       codes, 0.0, turned, codes);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < codes; j++)
            turned[i * codes + j] /= (n->gain[j] - hidden + n->damping) * fmax(n->spread[i], 0.0) +
                                     n->ridge * n->gain[j] + least;
    fc__dgemm_parallel(context, false, true, count, codes, codes, 1.0, turned, codes, n->modes,
                       codes, 0.0, n->mixed, codes);
    fc__dgemm_parallel(context, false, false, count, codes, count, 1.0, n->axes, count, n->mixed,
                       codes, 0.0, out, codes);
}

fc_status fc__normal_solve(fc_context *context, fc__normal *n, const double *descent, double *step)
{
    enum { ITERATIONS = 12 };
    const double tolerance = 3e-3;
    fc_status status = FC_OK;
    size_t size = n->count * n->codes;
    double *residual = NULL, *direction = NULL, *image = NULL, product, start;
    FC_NEW(context, &residual, size);
    FC_NEW(context, &direction, size);
    FC_NEW(context, &image, size);
    memcpy(residual, descent, size * sizeof *residual);
    memset(step, 0, size * sizeof *step);
    precondition(context, n, descent, direction);
    start = product = fc__ddot(size, residual, direction);
    for (size_t k = 0; k < ITERATIONS && product > tolerance * start; k++) {
        if (fc_context_interrupted(context)) {
            status = fc__fail(context, FC_INTERRUPTED, "interrupted in the regression of the flow");
            goto done;
        }
        fc__normal_apply(context, n, direction, image);
        double length = product / fc__ddot(size, direction, image), before = product;
        for (size_t i = 0; i < size; i++) {
            step[i] += length * direction[i];
            residual[i] -= length * image[i];
        }
        precondition(context, n, residual, n->work);
        product = fc__ddot(size, residual, n->work);
        for (size_t i = 0; i < size; i++)
            direction[i] = n->work[i] + product / before * direction[i];
    }
done:
    free(residual);
    free(direction);
    free(image);
    return status;
}
