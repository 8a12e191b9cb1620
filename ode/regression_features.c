#include "inr/fit.h"
#include "ode/regression.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Prior variances of the bias and of products beside that of linear terms. */
static const double bias = 0.1, product = 0.05;

/* Anchors are frames from which an interval begins. */
static fc_status draw_anchors(fc_context *context, const fc_trajectories *t, uint64_t seed,
                              fc__features *features)
{
    fc_status status = FC_OK;
    size_t pairs = t->first[t->count] - t->count, count = 0, *begin = NULL, *chosen = NULL;
    double square = 0.0;
    fc__rng rng = fc__rng_create(seed, 71);
    FC_NEW(context, &begin, pairs);
    FC_NEW(context, &chosen, pairs);
    for (size_t s = 0; s < t->count; s++)
        for (size_t f = t->first[s]; f + 1 < t->first[s + 1]; f++)
            begin[count++] = f;
    for (size_t p = 0; p < pairs; p++)
        for (size_t i = 0; i < t->codes; i++)
            square += pow((double)t->z[begin[p] * t->codes + i], 2.0);
    features->size = sqrt(square / (double)pairs) + 1e-30;
    features->rank = features->rank < pairs ? features->rank : pairs;
    fc__rng_choose(&rng, pairs, features->rank, chosen);
    FC_NEW(context, &features->anchors, fc__product(features->rank, t->codes));
    for (size_t r = 0; r < features->rank; r++)
        for (size_t i = 0; i < t->codes; i++)
            features->anchors[r * t->codes + i] =
                (double)t->z[begin[chosen[r]] * t->codes + i] / (features->size * features->size);
done:
    free(begin);
    free(chosen);
    return status;
}

/* k(V_r, V_s) for anchors divided by size once more, with enough on the diagonal that frames which
 * are alike do no harm. */
static fc_status factor_kernel(fc_context *context, fc__features *features)
{
    fc_status status = FC_OK;
    size_t rank = features->rank, codes = features->codes;
    double *k, trace = 0.0;
    FC_NEW(context, &features->factor, fc__product(rank, rank));
    if (rank == 0)
        goto done;
    k = features->factor;
    fc__dgemm_parallel(context, false, true, rank, rank, codes, features->size * features->size,
                       features->anchors, codes, features->anchors, codes, 0.0, k, rank);
    for (size_t i = 0; i < rank * rank; i++)
        k[i] *= product * k[i];
    for (size_t i = 0; i < rank; i++)
        trace += k[i * (rank + 1)];
    for (size_t i = 0; i < rank; i++)
        k[i * (rank + 1)] += 1e-11 * trace;
    FC_TRY(fc__cholesky(context, "kernel of the anchors", rank, k));
done:
    return status;
}

fc_status fc__features_create(fc_context *context, const fc_trajectories *trajectories, size_t rank,
                              uint64_t seed, fc__features *features)
{
    *features = (fc__features){.codes = trajectories->codes, .rank = rank};
    fc_status status = draw_anchors(context, trajectories, seed, features);
    if (status == FC_OK)
        status = factor_kernel(context, features);
    features->count = 1 + features->codes + features->rank;
    if (status != FC_OK)
        fc__features_clear(features);
    return status;
}

void fc__features_clear(fc__features *features)
{
    free(features->anchors);
    free(features->factor);
    *features = (fc__features){0};
}

void fc__features_at(fc_context *context, const fc__features *features, size_t rows,
                     const double *z, double *phi)
{
    size_t codes = features->codes, rank = features->rank;
    double *squares = phi + (1 + codes) * rows;
    for (size_t n = 0; n < rows; n++)
        phi[n] = bias;
    for (size_t i = 0; i < codes; i++)
        for (size_t n = 0; n < rows; n++)
            phi[(1 + i) * rows + n] = z[n * codes + i] / features->size;
    if (rank == 0)
        return;
    fc__dgemm_parallel(context, false, true, rank, rows, codes, 1.0, features->anchors, codes, z,
                       codes, 0.0, squares, rows);
    for (size_t i = 0; i < rank * rows; i++)
        squares[i] *= product * squares[i];
    fc__triangular_solve(false, rank, features->factor, rows, squares);
}

void fc__features_field(const fc__features *features, const fc_field_config *config,
                        const double *theta, double *scratch, double *parameters)
{
    fc_field_layout at = fc_field_layout_of(config);
    size_t codes = features->codes, rank = features->rank;
    const double *linear = theta + codes, *products = linear + codes * codes;
    memset(parameters, 0, at.count * sizeof *parameters);
    for (size_t i = 0; i < codes; i++) {
        parameters[at.bias + i] = bias * theta[i];
        for (size_t j = 0; j < codes; j++)
            parameters[at.a + i * codes + j] = linear[j * codes + i] / features->size;
    }
    if (rank == 0)
        return;
    memcpy(scratch, products, rank * codes * sizeof *scratch);
    fc__triangular_solve(true, rank, features->factor, codes, scratch);
    for (size_t r = 0; r < rank; r++) {
        for (size_t i = 0; i < codes; i++) {
            double anchor = features->anchors[r * codes + i];
            parameters[at.v + r * codes + i] = parameters[at.w + r * codes + i] = anchor;
            parameters[at.u + i * config->rank + r] = product * scratch[r * codes + i];
        }
    }
}
