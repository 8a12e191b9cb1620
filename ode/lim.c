#include "ode/lim.h"
#include "inr/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Adds z_1 z_0^T and z_0 z_0^T of the pairs of neighbours; their number is returned. */
static size_t add_pairs(const fc_trajectories *t, const double *mean, double *lagged, double *same)
{
    size_t codes = t->codes, pairs = 0;
    for (size_t s = 0; s < t->count; s++) {
        for (size_t f = t->first[s]; f + 1 < t->first[s + 1]; f++) {
            double interval = t->times[f + 1] - t->times[f];
            if (interval < 0.75 || interval > 1.25)
                continue;
            const float *z = t->z + f * codes, *next = z + codes;
            pairs++;
            for (size_t i = 0; i < codes; i++) {
                for (size_t j = 0; j < codes; j++) {
                    double before = (double)z[j] - mean[j];
                    lagged[i * codes + j] += ((double)next[i] - mean[i]) * before;
                    same[i * codes + j] += ((double)z[i] - mean[i]) * before;
                }
            }
        }
    }
    return pairs;
}

/* The regression z_1 = M z_0: M S = L for the first modes, diagonal for the others. It is drawn
 * towards zero by a share `forget` of each variance, and towards the identity by `stay`. */
static fc_status regress(fc_context *context, size_t codes, size_t modes, double forget,
                         double stay, const double *lagged, const double *same, double *map)
{
    fc_status status = FC_OK;
    double *normal = NULL, *rhs = NULL;
    FC_NEW(context, &normal, fc__product(modes, modes));
    FC_NEW(context, &rhs, fc__product(modes, modes));
    for (size_t i = 0; i < codes; i++)
        map[i * (codes + 1)] = (lagged[i * (codes + 1)] + stay) /
                               (same[i * (codes + 1)] * (1.0 + forget) + stay + 1e-30);
    for (size_t i = 0; i < modes; i++) {
        for (size_t j = 0; j < modes; j++) {
            normal[i * modes + j] = same[i * codes + j];
            rhs[j * modes + i] = lagged[i * codes + j];
        }
        normal[i * (modes + 1)] += forget * same[i * (codes + 1)] + stay + 1e-30;
        rhs[i * (modes + 1)] += stay;
    }
    if (modes) {
        FC_TRY(fc__cholesky(context, "linear inverse model", modes, normal));
        fc__cholesky_solve(modes, normal, modes, rhs);
    }
    for (size_t i = 0; i < modes; i++)
        for (size_t j = 0; j < modes; j++)
            map[i * codes + j] = rhs[j * modes + i];
done:
    free(normal);
    free(rhs);
    return status;
}

/* Modes up to the first that hardly moves, whose part in others could not be told. */
static size_t count_alive(size_t codes, size_t modes, const double *same)
{
    double most = 0.0;
    size_t alive = 0;
    for (size_t i = 0; i < codes; i++)
        most = fmax(most, same[i * (codes + 1)]);
    while (alive < modes && same[alive * (codes + 1)] > 1e-7 * most)
        alive++;
    return alive;
}

static const double least = 0.02; /* share of a mode that is left after an interval */

/* log of the eigenvalue r + i s */
static void logarithm(fc__lim_modes kind, double r, double s, double *growth, double *turn)
{
    double most = kind == FC__LIM_CAUTIOUS ? 1.0 : INFINITY;
    double size = hypot(r, s);
    bool flips = s == 0.0 && r < least;
    *growth = flips ? log(least) : log(fmin(fmax(size, least), most));
    *turn = s == 0.0 ? 0.0 : atan2(s, r);
}

/* W D for eigenvectors W in real form and D the blocks [growth, turn; -turn, growth] of pairs. */
static void scale_vectors(size_t n, const double *real, const double *imaginary, fc__lim_modes kind,
                          const double *vectors, double *scaled)
{
    size_t waiting = n; /* a mode that flips and has no other yet */
    for (size_t j = 0; j < n; j++) {
        double growth, turn;
        bool second = imaginary[j] < 0.0;
        size_t other = imaginary[j] == 0.0 ? j : second ? j - 1 : j + 1;
        logarithm(kind, real[j], imaginary[j], &growth, &turn);
        for (size_t i = 0; i < n; i++)
            scaled[i * n + j] = growth * vectors[i * n + j] - turn * vectors[i * n + other];
        if (kind == FC__LIM_CAUTIOUS || imaginary[j] != 0.0 || real[j] > -least)
            continue;
        if (waiting == n) {
            waiting = j;
            continue;
        }
        logarithm(kind, 0.0, sqrt(real[j] * real[waiting]), &growth, &turn);
        for (size_t i = 0; i < n; i++) {
            double one = vectors[i * n + waiting], two = vectors[i * n + j];
            scaled[i * n + waiting] = growth * one - M_PI * two;
            scaled[i * n + j] = growth * two + M_PI * one;
        }
        waiting = n;
    }
}

/* generator = W D W^-1 for map = W exp(D) W^-1, both (n, n) */
static fc_status generate(fc_context *context, size_t n, const double *map, fc__lim_modes kind,
                          double *generator)
{
    fc_status status = FC_OK;
    double *a = NULL, *real = NULL, *imaginary = NULL, *vectors = NULL, *scaled = NULL;
    FC_NEW(context, &a, fc__product(n, n));
    FC_NEW(context, &real, n);
    FC_NEW(context, &imaginary, n);
    FC_NEW(context, &vectors, fc__product(n, n));
    FC_NEW(context, &scaled, fc__product(n, n));
    memcpy(a, map, n * n * sizeof *a);
    FC_TRY(fc__eigen_general(context, n, a, real, imaginary, vectors));
    scale_vectors(n, real, imaginary, kind, vectors, scaled);
    /* G W = W D, solved as W^T G^T = (W D)^T */
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            a[j * n + i] = vectors[i * n + j];
            generator[j * n + i] = scaled[i * n + j];
        }
    }
    FC_TRY(fc__solve(context, "modes of the linear inverse model", n, a, n, generator));
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            double upper = generator[j * n + i];
            generator[j * n + i] = generator[i * n + j];
            generator[i * n + j] = upper;
        }
    }
done:
    free(a);
    free(real);
    free(imaginary);
    free(vectors);
    free(scaled);
    return status;
}

fc_status fc__lim_fit(fc_context *context, const fc_trajectories *trajectories, const double *mean,
                      size_t modes, double ridge, fc__lim_modes kind, double *generator)
{
    fc_status status = FC_OK;
    size_t codes = trajectories->codes, size = fc__product(codes, codes);
    double *lagged = NULL, *same = NULL, *map = NULL, square = 0.0;
    FC_NEW(context, &lagged, size);
    FC_NEW(context, &same, size);
    FC_NEW(context, &map, size);
    size_t pairs = add_pairs(trajectories, mean, lagged, same);
    modes = modes < codes ? modes : codes;
    modes = modes < pairs ? modes : pairs;
    modes = count_alive(codes, modes, same);
    bool cautious = kind == FC__LIM_CAUTIOUS;
    for (size_t i = 0; i < codes; i++)
        square += same[i * (codes + 1)] / (double)(pairs ? pairs : 1);
    FC_TRY(regress(context, codes, modes, cautious ? ridge : 0.0, cautious ? 0.0 : ridge * square,
                   lagged, same, map));
    FC_TRY(generate(context, codes, map, kind, generator));
    /* Eigenvectors that are nearly dependent leave nothing of use. */
    for (size_t i = 0; i < size; i++) {
        if (!isfinite(generator[i]) || fabs(generator[i]) > 1e6) {
            status =
                fc__fail(context, FC_ERROR_SOLVER,
                         "linear inverse model of %zu modes: its modes are not independent", modes);
            goto done;
        }
    }
done:
    free(lagged);
    free(same);
    free(map);
    return status;
}

/* Taylor series of exp(A t / 2^k), squared k times. */
fc_status fc__exponential(fc_context *context, size_t n, const double *a, double time,
                          double *propagator)
{
    enum { TERMS = 14 };
    fc_status status = FC_OK;
    size_t square = fc__product(n, n), doublings = 0;
    double *term = NULL, *next = NULL, *scaled = NULL, norm = 0.0;
    FC_NEW(context, &term, square);
    FC_NEW(context, &next, square);
    FC_NEW(context, &scaled, square);
    for (size_t i = 0; i < square; i++)
        norm += a[i] * a[i] * time * time;
    for (norm = sqrt(norm); norm > 0.5 && doublings < 60; norm *= 0.5)
        doublings++;
    for (size_t i = 0; i < square; i++)
        scaled[i] = ldexp(a[i] * time, -(int)doublings);
    memset(propagator, 0, square * sizeof *propagator);
    for (size_t i = 0; i < n; i++)
        propagator[i * (n + 1)] = term[i * (n + 1)] = 1.0;
    for (int k = 1; k <= TERMS && norm > 0.0; k++) {
        fc__dgemm_parallel(context, false, false, n, n, n, 1.0 / k, scaled, n, term, n, 0.0, next,
                           n);
        memcpy(term, next, square * sizeof *term);
        for (size_t i = 0; i < square; i++)
            propagator[i] += term[i];
    }
    for (size_t k = 0; k < doublings; k++) {
        fc__dgemm_parallel(context, false, false, n, n, n, 1.0, propagator, n, propagator, n, 0.0,
                           next, n);
        memcpy(propagator, next, square * sizeof *next);
    }
done:
    free(term);
    free(next);
    free(scaled);
    return status;
}
