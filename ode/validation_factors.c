/* Factors of forecasts by lead time, and the choice of the dynamics, from the sums of a validation.
 */
#include "ode/validation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* sum (d - a f - b s - rho r)^2 */
static double error_of(const fc__moments *m, fc__factors x, double rho)
{
    return m->dd - 2.0 * (x.a * m->fd + x.b * m->sd + rho * m->rd) + x.a * x.a * m->ff +
           x.b * x.b * m->ss + rho * rho * m->rr +
           2.0 * (x.a * x.b * m->fs + x.a * rho * m->fr + x.b * rho * m->sr);
}

/* Sums over all blocks. */
static fc__moments pool(const fc__validation *v, size_t candidate, size_t lead, size_t channel)
{
    fc__moments sum = {0};
    for (size_t b = 0; b < FC__BLOCKS; b++)
        fc__moments_add(&sum, &fc__validation_moments(v, candidate, lead, b)[channel]);
    return sum;
}

static double within(double x)
{
    return fmin(fmax(x, 0.0), 1.0);
}

double fc__validation_error(const fc__validation *v, size_t candidate, size_t lead, size_t channel,
                            fc__factors factors, double rho)
{
    fc__moments m = pool(v, candidate, lead, channel);
    return m.number > 0.0 ? fmax(error_of(&m, factors, rho), 0.0) / m.number : 0.0;
}

/* Few forecasts cannot tell how much of two that are much alike is best: a alone, b = 0. */
static bool tells_apart(const fc__validation *v)
{
    enum { ENOUGH = 100 };
    return v->starts >= ENOUGH;
}

/* The best of persistence, of the codes' forecast without the residual, and of climatology. */
static double usual_factors(const fc__validation *v, size_t candidate, size_t lead, fc__factors *x)
{
    static const double usual[5][3] = {
        {1.0, 0.0, 1.0}, {1.0, 0.0, 0.0}, {0.0, 0.0, 0.0}, {0.0, 1.0, 1.0}, {0.0, 1.0, 0.0}};
    double best = INFINITY, rho = 0.0;
    for (size_t k = 0; k < (tells_apart(v) ? 5 : 3); k++) {
        fc__factors tried = {usual[k][0], usual[k][1]};
        double error = 0.0;
        for (size_t c = 0; c < v->channels; c++) {
            fc__moments m = pool(v, candidate, lead, c);
            error += error_of(&m, tried, usual[k][2]);
        }
        if (error < best) {
            best = error;
            *x = tried;
            rho = usual[k][2];
        }
    }
    return rho;
}

/* Least squares of two factors that are not negative: [p q; q r] (a, b) = (s, t). */
static fc__factors solve_factors(double p, double q, double r, double s, double t)
{
    double determinant = p * r - q * q + 1e-300;
    fc__factors x = {(r * s - q * t) / determinant, (p * t - q * s) / determinant};
    if (x.a < 0.0)
        x = (fc__factors){0.0, t / (r + 1e-300)};
    else if (x.b < 0.0)
        x = (fc__factors){s / (p + 1e-300), 0.0};
    return (fc__factors){within(x.a), within(x.b)};
}

/* With the weight w of the prior (a', b', rho'):
 *
 *   min sum (d - a f - b s - rho_c r_c)^2
 *       + w ((a - a')^2 sum f^2 + (b - b')^2 sum s^2 + sum_c (rho_c - rho')^2 sum r_c^2)
 *
 * in which rho_c follows from a and b. */
fc__factors fc__validation_weigh(const fc__validation *v, size_t candidate, size_t lead,
                                 double *rho)
{
    double w = fmin(fmax(4.0 / (double)(v->starts + 1), 0.01), 0.5);
    double p = 0.0, q = 0.0, r = 0.0, s = 0.0, t = 0.0;
    fc__factors prior = {0};
    double usual = usual_factors(v, candidate, lead, &prior);
    for (size_t c = 0; c < v->channels; c++) {
        fc__moments m = pool(v, candidate, lead, c);
        double rr = (1.0 + w) * m.rr + 1e-300, rd = m.rd + w * usual * m.rr;
        p += (1.0 + w) * m.ff - m.fr * m.fr / rr;
        q += m.fs - m.fr * m.sr / rr;
        r += (1.0 + w) * m.ss - m.sr * m.sr / rr;
        s += m.fd + w * prior.a * m.ff - m.fr * rd / rr;
        t += m.sd + w * prior.b * m.ss - m.sr * rd / rr;
    }
    fc__factors x = tells_apart(v) ? solve_factors(p, q, r, s, t)
                                   : (fc__factors){within(s / (p + 1e-300)), 0.0};
    for (size_t c = 0; c < v->channels; c++) {
        fc__moments m = pool(v, candidate, lead, c);
        rho[c] = within((m.rd + w * usual * m.rr - x.a * m.fr - x.b * m.sr) /
                        ((1.0 + w) * m.rr + 1e-300));
    }
    return x;
}

/* Sum of squared errors (leads, blocks) of a candidate under its factors. */
static fc_status block_errors(fc_context *context, const fc__validation *v, size_t candidate,
                              double *errors)
{
    fc_status status = FC_OK;
    double *rho = NULL;
    FC_NEW(context, &rho, v->channels);
    for (size_t l = 0; l < v->lead_count; l++) {
        fc__factors x = fc__validation_weigh(v, candidate, l, rho);
        for (size_t b = 0; b < FC__BLOCKS; b++) {
            const fc__moments *m = fc__validation_moments(v, candidate, l, b);
            errors[l * FC__BLOCKS + b] = 0.0;
            for (size_t c = 0; c < v->channels; c++)
                errors[l * FC__BLOCKS + b] += error_of(&m[c], x, rho[c]);
        }
    }
done:
    free(rho);
    return status;
}

/* Mean over blocks of the mean over leads of log(error / other), and half the standard error of
 * that mean; INFINITY with fewer than two blocks. */
static double cautious_gain(size_t leads, const double *errors, const double *others)
{
    double sum = 0.0, square = 0.0, blocks = 0.0;
    for (size_t b = 0; b < FC__BLOCKS; b++) {
        double gain = 0.0, number = 0.0;
        for (size_t l = 0; l < leads; l++) {
            double error = errors[l * FC__BLOCKS + b], other = others[l * FC__BLOCKS + b];
            if (error > 0.0 && other > 0.0) {
                gain += log(error / other);
                number += 1.0;
            }
        }
        if (number > 0.0) {
            sum += gain / number;
            square += gain / number * (gain / number);
            blocks += 1.0;
        }
    }
    if (blocks < 2.0)
        return INFINITY;
    double mean = sum / blocks;
    return mean + 0.5 * sqrt(fmax(square / blocks - mean * mean, 0.0) / (blocks - 1.0));
}

fc_status fc__validation_choose(fc_context *context, size_t count,
                                const fc__validation *validations, size_t *chosen,
                                size_t *candidate)
{
    fc_status status = FC_OK;
    size_t leads = validations[0].lead_count;
    const double worthwhile = 0.01; /* of another number of codes than the fit's */
    double *errors = NULL, *still = NULL, least = 0.0;
    *chosen = *candidate = 0;
    FC_NEW(context, &errors, leads * FC__BLOCKS);
    FC_NEW(context, &still, leads * FC__BLOCKS);
    FC_TRY(block_errors(context, &validations[0], 0, still));
    for (size_t n = 0; n < count; n++) {
        for (size_t k = 0; k < validations[n].candidate_count; k++) {
            if (validations[n].candidate[k].failed)
                continue;
            FC_TRY(block_errors(context, &validations[n], k, errors));
            double gain = cautious_gain(leads, errors, still);
            if (gain < least - (n == *chosen ? 0.0 : worthwhile)) {
                least = gain;
                *chosen = n;
                *candidate = k;
            }
        }
    }
done:
    free(errors);
    free(still);
    return status;
}
