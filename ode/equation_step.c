/* One step of identification: least squares for the coefficients of the terms, elimination of those
 * that do not matter, and the forcing. */
#include "ode/equation_pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- least squares */

/* The problem for the coefficients themselves, in columns of unit length: minimise
 * theta^T a theta - 2 theta^T b + square. */
typedef struct problem {
    size_t n;
    double *old; /* coefficients now */
    double *a, *b, *length, *inverse, *theta;
    bool *active;
    double square;
} problem;

static void problem_clear(problem *p)
{
    free(p->old);
    free(p->a);
    free(p->b);
    free(p->length);
    free(p->inverse);
    free(p->theta);
    free(p->active);
}

/* The forcing takes up the mean of every row; what is left of the sums is about it. */
static fc_status problem_create(fc_context *context, const fc_equation *e, const fc__normal_sums *s,
                                problem *p)
{
    fc_status status = FC_OK;
    size_t n = s->columns;
    *p = (problem){.n = n, .square = s->square};
    FC_NEW(context, &p->old, n);
    FC_NEW(context, &p->a, fc__product(n, n));
    FC_NEW(context, &p->b, n);
    FC_NEW(context, &p->length, n);
    FC_NEW(context, &p->inverse, fc__product(n, n));
    FC_NEW(context, &p->theta, n);
    FC_NEW(context, &p->active, n);
    memcpy(p->a, s->gram, n * n * sizeof *p->a);
    memcpy(p->b, s->rhs, n * sizeof *p->b);
    fc__dgemm(false, true, n, n, s->rows, -1.0 / s->count, s->column_sum, s->rows, s->column_sum,
              s->rows, 1.0, p->a, n);
    fc__dgemm(false, false, n, 1, s->rows, -1.0 / s->count, s->column_sum, s->rows, s->row_sum, 1,
              1.0, p->b, 1);
    for (size_t row = 0; row < s->rows; row++)
        p->square -= s->row_sum[row] * s->row_sum[row] / s->count;
    double largest = 0.0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, p->a[i * n + i]);
    for (size_t i = 0; i < n; i++) {
        p->active[i] = p->a[i * n + i] > 1e-24 * largest;
        p->length[i] = p->active[i] ? sqrt(p->a[i * n + i]) : 1.0;
        p->old[i] = e->terms[i].coefficient * p->length[i];
    }
    for (size_t i = 0; i < n; i++) {
        p->b[i] /= p->length[i];
        for (size_t j = 0; j < n; j++)
            p->a[i * n + j] /= p->length[i] * p->length[j];
    }
    for (size_t i = 0; i < n; i++) { /* from changes to coefficients */
        double product = 0.0;
        for (size_t j = 0; j < n; j++)
            product += p->a[i * n + j] * p->old[j];
        p->square += p->old[i] * (2.0 * p->b[i] + product);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            p->b[i] += p->a[i * n + j] * p->old[j];
done:
    return status;
}

/* theta and the inverse over the active columns, the others' rows and columns being zero. The
 * damping draws towards the coefficients that are (Levenberg 1944, Marquardt 1963). */
static fc_status solve_active(fc_context *context, double damping, problem *p)
{
    const double ridge = damping + 1e-11;
    fc_status status = FC_OK;
    size_t n = p->n, count = 0, *index = NULL;
    double *a = NULL, *x = NULL;
    FC_NEW(context, &index, n);
    for (size_t i = 0; i < n; i++)
        if (p->active[i])
            index[count++] = i;
    FC_NEW(context, &a, fc__product(count, count));
    FC_NEW(context, &x, fc__product(count, count));
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++)
            a[i * count + j] = p->a[index[i] * n + index[j]];
        a[i * count + i] += ridge;
        x[i * count + i] = 1.0;
    }
    FC_TRY(fc__cholesky(context, "terms of the equation", count, a));
    fc__cholesky_solve(count, a, count, x);
    memset(p->inverse, 0, n * n * sizeof *p->inverse);
    memset(p->theta, 0, n * sizeof *p->theta);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            p->inverse[index[i] * n + index[j]] = x[i * count + j];
            p->theta[index[i]] += x[i * count + j] * (p->b[index[j]] + damping * p->old[index[j]]);
        }
done:
    free(index);
    free(a);
    free(x);
    return status;
}

static double residual_of(const problem *p)
{
    double square = p->square;
    for (size_t i = 0; i < p->n; i++)
        square -= p->theta[i] * p->b[i];
    return fmax(square, 0.0);
}

/* Takes out the term whose loss costs least, theta_j^2 / inverse_jj, as long as all losses together
 * stay below the tolerated share. */
static void eliminate(double tolerance, problem *p)
{
    size_t n = p->n;
    double least = fmax(residual_of(p), 1e-13 * p->square), left = tolerance * least;
    for (;;) {
        size_t best = n;
        double cost = INFINITY;
        for (size_t j = 0; j < n; j++) {
            if (!p->active[j])
                continue;
            double own = p->theta[j] * p->theta[j] / p->inverse[j * n + j];
            if (own < cost) {
                cost = own;
                best = j;
            }
        }
        if (best == n || cost > left)
            return;
        left -= cost;
        double pivot = p->inverse[best * n + best], theta = p->theta[best];
        for (size_t i = 0; i < n; i++)
            p->theta[i] -= p->inverse[i * n + best] * theta / pivot;
        for (size_t i = 0; i < n; i++) {
            double factor = p->inverse[i * n + best] / pivot;
            for (size_t j = 0; i != best && j < n; j++)
                p->inverse[i * n + j] -= factor * p->inverse[best * n + j];
        }
        for (size_t i = 0; i < n; i++)
            p->inverse[best * n + i] = p->inverse[i * n + best] = 0.0;
        p->active[best] = false;
        p->theta[best] = 0.0;
    }
}

/* x <- a^-1 x for a small complex matrix, by elimination with pivots; a is destroyed. */
static void solve_small(size_t n, fc__wave *a, fc__wave *x)
{
    for (size_t i = 0; i < n; i++) {
        size_t pivot = i;
        for (size_t r = i + 1; r < n; r++)
            pivot = cabs(a[r * n + i]) > cabs(a[pivot * n + i]) ? r : pivot;
        for (size_t j = 0; j < n; j++) {
            fc__wave kept = a[i * n + j];
            a[i * n + j] = a[pivot * n + j];
            a[pivot * n + j] = kept;
        }
        fc__wave kept = x[i];
        x[i] = x[pivot];
        x[pivot] = kept;
        for (size_t r = 0; r < n; r++) {
            fc__wave factor = r == i ? 0.0 : a[r * n + i] / a[i * n + i];
            for (size_t j = i; j < n; j++)
                a[r * n + j] -= factor * a[i * n + j];
            x[r] -= factor * x[i];
        }
    }
    for (size_t i = 0; i < n; i++)
        x[i] /= a[i * n + i];
}

/* Whether the mean residual of a wave in a channel, whose two rows these are, stands out of its
 * scatter: of waves that are not forced one in 10^5 does. */
static bool stands_out(const fc__normal_sums *s, size_t row, const double *mean)
{
    const double odds = 12.0;
    double square = 0.0, scatter = 0.0;
    for (size_t r = row; r < row + 2; r++) {
        square += mean[r] * mean[r] / s->count;
        scatter += s->row_square[r] - s->row_sum[r] * s->row_sum[r] / s->count;
    }
    return square > odds * scatter / s->count;
}

/* The forcing's change makes up the mean of what the terms' changes leave; mean: (rows), starts as
 * the sum of the residuals. */
static void update_equation(const problem *p, const fc__normal_sums *s, double *mean,
                            fc_equation *e)
{
    enum { MOST = FC__EQUATION_CHANNELS };
    size_t n = e->channels, waves = e->wave_count;
    fc__wave response[MOST * MOST], change[MOST];
    for (size_t t = 0; t < e->term_count; t++) {
        double now = p->active[t] ? p->theta[t] / p->length[t] : 0.0;
        double step = now - e->terms[t].coefficient;
        e->terms[t].coefficient = now;
        for (size_t row = 0; row < s->rows; row++)
            mean[row] -= step * s->column_sum[t * s->rows + row];
    }
    for (size_t k = 0; k < waves; k++) {
        bool zero = true;
        for (size_t d = 0; d < e->dims; d++)
            zero = zero && e->waves[k * e->dims + d] == 0;
        for (size_t c = 0; c < n; c++) {
            const double *row = mean + 2 * (c * waves + k);
            change[c] = (row[0] + I * row[1]) / (zero ? 1.0 : M_SQRT2);
            if (!stands_out(s, 2 * (c * waves + k), mean))
                change[c] = 0.0;
        }
        memcpy(response, s->response + k * n * n, n * n * sizeof *response);
        solve_small(n, response, change);
        for (size_t c = 0; c < n; c++) {
            e->forcing[2 * (c * waves + k)] += creal(change[c]);
            e->forcing[2 * (c * waves + k) + 1] += zero ? 0.0 : cimag(change[c]);
        }
    }
}

/* ---------------------------------------------------------------- the step */

/* One damped Gauss-Newton step from the sums of a pass. Where steps have failed, fewer terms are
 * taken out: what a linear problem can spare may be needed. */
fc_status fc__equation_step(fc_context *context, double tolerance, double damping,
                            const fc__normal_sums *sums, fc_equation *e)
{
    fc_status status = FC_OK;
    problem p = {0};
    double *mean = NULL;
    FC_NEW(context, &mean, sums->rows);
    memcpy(mean, sums->row_sum, sums->rows * sizeof *mean);
    FC_TRY(problem_create(context, e, sums, &p));
    FC_TRY(solve_active(context, damping, &p));
    eliminate(tolerance / (1.0 + 1e5 * damping), &p);
    update_equation(&p, sums, mean, e);
done:
    free(mean);
    problem_clear(&p);
    return status;
}
