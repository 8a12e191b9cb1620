#include "ode/interpolate.h"
#include "ode/neighbours.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double fc__correlation_at(const fc__correlation *correlation, double distance)
{
    return distance > 0.0 ? (1.0 - correlation->nugget) * exp(-distance / correlation->length)
                          : 1.0;
}

/* ---------------------------------------------------------------- distances */

size_t fc__metric_size(const fc_domain *domain)
{
    size_t size = 0;
    for (size_t i = 0; i < domain->dims; i++) {
        fc_axis_kind kind = domain->axis[i].kind;
        size += kind == FC_AXIS_PLAIN       ? 1
                : kind == FC_AXIS_PERIODIC  ? 2
                : kind == FC_AXIS_LONGITUDE ? 3
                                            : 0;
    }
    return size;
}

/* The longest extent of the planar axes that have the unit of axis i. */
static double scale_of(const fc_domain *domain, size_t i)
{
    double longest = 0.0;
    for (size_t k = 0; k < domain->dims; k++) {
        const fc_axis *axis = &domain->axis[k];
        bool planar = axis->kind == FC_AXIS_PLAIN || axis->kind == FC_AXIS_PERIODIC;
        if (planar && strcmp(axis->units, domain->axis[i].units) == 0)
            longest = fmax(longest, axis->upper - axis->lower);
    }
    return longest;
}

void fc__metric_places(const fc_domain *domain, size_t count, const double *coordinates,
                       double *place)
{
    const double degree = M_PI / 180.0;
    size_t dims = domain->dims, size = fc__metric_size(domain), at = 0, latitude = 0;
    for (size_t i = 0; i < dims; i++)
        latitude = domain->axis[i].kind == FC_AXIS_LATITUDE ? i : latitude;
    for (size_t i = 0; i < dims; i++) {
        const fc_axis *axis = &domain->axis[i];
        double extent = axis->upper - axis->lower, scale = scale_of(domain, i);
        for (size_t p = 0; p < count; p++) {
            double x = coordinates[p * dims + i] - axis->lower, *to = place + p * size + at;
            if (axis->kind == FC_AXIS_PLAIN) {
                to[0] = x / scale;
            } else if (axis->kind == FC_AXIS_PERIODIC) {
                double angle = 2.0 * M_PI * x / extent, radius = extent / (2.0 * M_PI * scale);
                to[0] = radius * cos(angle);
                to[1] = radius * sin(angle);
            } else if (axis->kind == FC_AXIS_LONGITUDE) {
                double lon = coordinates[p * dims + i] * degree;
                double lat = coordinates[p * dims + latitude] * degree;
                to[0] = cos(lat) * cos(lon);
                to[1] = cos(lat) * sin(lon);
                to[2] = sin(lat);
            }
        }
        at += axis->kind == FC_AXIS_PLAIN       ? 1
              : axis->kind == FC_AXIS_PERIODIC  ? 2
              : axis->kind == FC_AXIS_LONGITUDE ? 3
                                                : 0;
    }
}

/* ---------------------------------------------------------------- kriging */

static double distance_between(size_t size, const double *a, const double *b)
{
    double square = 0.0;
    for (size_t i = 0; i < size; i++)
        square += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(square);
}

/* The variance around a place as a share of that of all values: y K^-1 y / (n s^2) of its n
 * neighbours, and 1 so far as they are few or the place is `far` from them. */
static double local_variance(const fc__known *known, size_t count, const size_t *index,
                             const double *factor, double far)
{
    double x[FC__NEIGHBOURS], sum = 0.0;
    double trust = (1.0 - far) * (double)count / FC__NEIGHBOURS;
    if (!(known->variance > 0.0) || count == 0)
        return 1.0;
    for (size_t i = 0; i < count; i++)
        x[i] = (double)known->values[index[i]];
    fc__cholesky_solve(count, factor, 1, x);
    for (size_t i = 0; i < count; i++)
        sum += (double)known->values[index[i]] * x[i];
    return 1.0 - trust + trust * sum / ((double)count * known->variance);
}

/* Weights of the neighbours of a place, K w = k, and the share of the variance left, 1 - k w. */
static double weigh(const fc__correlation *c, size_t size, const double *sources,
                    const fc__known *known, size_t count, const size_t *index, const double *square,
                    double *weight)
{
    const double coincident = 1e-20; /* squared distance of places that are the same */
    double matrix[FC__NEIGHBOURS * FC__NEIGHBOURS], right[FC__NEIGHBOURS], left = 1.0;
    if (count && square[0] < coincident) {
        memset(weight, 0, count * sizeof *weight);
        weight[0] = 1.0;
        return 0.0;
    }
    for (size_t i = 0; i < count; i++) {
        right[i] = weight[i] = fc__correlation_at(c, sqrt(square[i]));
        for (size_t j = 0; j < i; j++)
            matrix[i * count + j] = matrix[j * count + i] = fc__correlation_at(
                c,
                fmax(distance_between(size, sources + index[i] * size, sources + index[j] * size),
                     1e-10));
        matrix[i * (count + 1)] = 1.0 + 1e-9;
    }
    if (count && fc__cholesky(NULL, "", count, matrix) != FC_OK) {
        memset(weight, 0, count * sizeof *weight);
        return 1.0;
    }
    if (count)
        fc__cholesky_solve(count, matrix, 1, weight);
    for (size_t i = 0; i < count; i++)
        left -= right[i] * weight[i];
    left = fmin(fmax(left, 0.0), 1.0);
    return left * local_variance(known, count, index, matrix, left);
}

fc_status fc__interpolate(fc_context *context, const fc_domain *domain,
                          const fc__correlation *correlation, const fc__known *known, size_t count,
                          const double *coordinates, float *values, float *left)
{
    fc_status status = FC_OK;
    size_t size = fc__metric_size(domain), columns = known->columns;
    double *sources = NULL, *places = NULL;
    fc__neighbours tree = {0};
    FC_NEW(context, &sources, fc__product(known->count, size));
    FC_NEW(context, &places, fc__product(count, size));
    fc__metric_places(domain, known->count, known->coordinates, sources);
    fc__metric_places(domain, count, coordinates, places);
    FC_TRY(fc__neighbours_create(context, known->count, size, sources, &tree));
#pragma omp parallel for num_threads(fc_context_threads(context)) schedule(static)
    for (size_t p = 0; p < count; p++) {
        size_t index[FC__NEIGHBOURS];
        double square[FC__NEIGHBOURS], weight[FC__NEIGHBOURS];
        size_t found = fc__neighbours_find(&tree, places + p * size, FC__NEIGHBOURS, index, square);
        double remains = weigh(correlation, size, sources, known, found, index, square, weight);
        if (left)
            left[p] = (float)remains;
        for (size_t c = 0; c < columns; c++) {
            double sum = 0.0;
            for (size_t k = 0; k < found; k++)
                sum += weight[k] * (double)known->values[index[k] * columns + c];
            values[p * columns + c] = (float)sum;
        }
    }
done:
    fc__neighbours_clear(&tree);
    free(sources);
    free(places);
    return status;
}

/* ---------------------------------------------------------------- fitting */

void fc__correlogram_add(fc__correlogram *g, double distance, double a, double b)
{
    double ratio = log(distance / g->shortest) / log(g->longest / g->shortest);
    size_t k = ratio > 0.0 ? (size_t)(ratio * FC__DISTANCES) : 0;
    k = k < FC__DISTANCES ? k : FC__DISTANCES - 1;
    g->product[k] += a * b;
    g->first[k] += a * a;
    g->second[k] += b * b;
    g->distance[k] += distance;
    g->number[k] += 1.0;
}

/* sum N ((gamma - gamma') / gamma')^2 over the classes of distance, gamma = 1 - rho found, gamma'
 * the model's: Cressie (1985), so that the short distances count, where gamma is small. For every
 * length some passes of weighted least squares find the share 1 - nugget. */
fc__correlation fc__correlation_fit(const fc__correlogram *g)
{
    enum { LENGTHS = 64, PASSES = 5 };
    const double least_spread = 0.005; /* of values that can be told from equal ones */
    fc__correlation best = {.length = g->longest, .nugget = 1.0};
    double least = INFINITY;
    for (size_t l = 0; l < LENGTHS; l++) {
        double length =
            0.3 * g->shortest * pow(10.0 * g->longest / g->shortest, (double)l / (LENGTHS - 1.0));
        double cross = 0.0, norm = 1e-300, error = 0.0, share = 1.0;
        for (int pass = 0; pass < PASSES; pass++) {
            cross = error = 0.0;
            norm = 1e-300;
            for (size_t k = 0; k < FC__DISTANCES; k++) {
                double power = sqrt(g->first[k] * g->second[k]);
                if (g->number[k] == 0.0 || power == 0.0)
                    continue;
                double found = g->product[k] / power;
                double model = exp(-g->distance[k] / g->number[k] / length);
                double spread = 1.0 - share * model + least_spread;
                double weight = g->number[k] / (spread * spread);
                cross += weight * model * found;
                norm += weight * model * model;
                error += weight * (found - share * model) * (found - share * model);
            }
            if (pass + 1 < PASSES)
                share = fmin(fmax(cross / norm, 0.0), 1.0);
        }
        if (cross > 0.0 && error < least) {
            least = error;
            best = (fc__correlation){.length = length, .nugget = 1.0 - share};
        }
    }
    return best;
}
