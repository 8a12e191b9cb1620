/* With w(s), s in (0, 1), the states along an interval of length h, the error of its forecast
 * changes with the coefficient theta_j of a term g_j by
 *
 *   X_j = h int_0^1 exp(h (1 - s) L) g_j(w(s)) ds
 *
 * where perturbations travel by the linear part L alone: where no product has a coefficient. Else
 * X_j is integrated along with the state. The forcing's G = h int exp(h (1 - s) L) ds is always of
 * the first kind. The integrals are Gauss-Legendre sums. */
#include "ode/equation_pass.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 4, CHUNKS = 16, STENCIL = 6 };

/* Gauss-Legendre nodes and weights on (0, 1). */
static const double NODE[NODES] = {0.0694318442029737, 0.3300094782075719, 0.6699905217924281,
                                   0.9305681557970263};
static const double WEIGHT[NODES] = {0.1739274225687269, 0.3260725774312731, 0.3260725774312731,
                                     0.1739274225687269};

/* ---------------------------------------------------------------- sums */

static fc_status sums_create(fc_context *context, const fc_equation *e, fc__normal_sums *sums)
{
    fc_status status = FC_OK;
    *sums = (fc__normal_sums){.columns = e->term_count,
                              .rows = 2 * e->channels * e->wave_count,
                              .waves = e->wave_count,
                              .channels = e->channels};
    FC_NEW(context, &sums->gram, fc__product(e->term_count, e->term_count));
    FC_NEW(context, &sums->rhs, e->term_count);
    FC_NEW(context, &sums->column_sum, fc__product(e->term_count, sums->rows));
    FC_NEW(context, &sums->row_sum, sums->rows);
    FC_NEW(context, &sums->row_square, sums->rows);
    FC_NEW(context, &sums->response, fc__product(e->wave_count, e->channels * e->channels));
done:
    return status;
}

void fc__normal_sums_clear(fc__normal_sums *sums)
{
    free(sums->gram);
    free(sums->rhs);
    free(sums->column_sum);
    free(sums->row_sum);
    free(sums->row_square);
    free(sums->response);
    *sums = (fc__normal_sums){0};
}

static void add_array(size_t count, const double *part, double *sum)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += part[i];
}

static void sums_add(const fc__normal_sums *part, fc__normal_sums *sums)
{
    size_t columns = sums->columns, square = sums->channels * sums->channels;
    add_array(columns * columns, part->gram, sums->gram);
    add_array(columns, part->rhs, sums->rhs);
    add_array(columns * sums->rows, part->column_sum, sums->column_sum);
    add_array(sums->rows, part->row_sum, sums->row_sum);
    add_array(sums->rows, part->row_square, sums->row_square);
    add_array(2 * sums->waves * square, (const double *)part->response, (double *)sums->response);
    sums->square += part->square;
    sums->count += part->count;
}

/* ---------------------------------------------------------------- states along an interval */

/* One thread's memory. */
typedef struct room {
    fc__wave *start, *end, *state, *stage, *rate, *sum; /* (channels, waves) each */
    fc__wave *node;                                     /* (NODES, channels, waves) */
    fc__wave *propagator;                               /* (NODES, waves, channels, channels) */
    fc__wave *product;                                  /* (NODES, waves) */
    fc__wave *column;                                   /* (channels, waves) */
    double *code;                                       /* (C) */
    double *fields;                                     /* (NODES, symbols, stride) */
    double *values;                                     /* (stride) */
    double *work;
    double *x;                          /* (columns, rows) */
    double *r;                          /* (rows) */
    fc__wave *dot, *dot_rate, *dot_sum; /* (columns, channels, waves), NULL where not needed */
} room;

static void room_clear(room *m)
{
    void *parts[] = {m->start,  m->end,    m->state,    m->stage,      m->rate,
                     m->sum,    m->node,   m->product,  m->column,     m->code,
                     m->fields, m->values, m->work,     m->propagator, m->x,
                     m->r,      m->dot,    m->dot_rate, m->dot_sum};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        free(parts[i]);
}

static fc_status room_create(fc_context *context, const fc__spectral *spectral,
                             const fc_equation *e, size_t codes, bool columns, room *m)
{
    fc_status status = FC_OK;
    size_t size = e->channels * e->wave_count, stride = fc__spectral_stride(spectral);
    size_t dots = fc__product(e->term_count, size);
    fc__wave **states[] = {&m->start, &m->end, &m->state, &m->stage, &m->rate, &m->sum, &m->column};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        FC_NEW(context, states[i], size);
    FC_NEW(context, &m->node, NODES * size);
    FC_NEW(context, &m->propagator, NODES * size * e->channels);
    FC_NEW(context, &m->product, NODES * e->wave_count);
    FC_NEW(context, &m->code, codes);
    FC_NEW(context, &m->fields, fc__product(NODES * (fc__spectral_symbols(spectral) + 1), stride));
    FC_NEW(context, &m->values, stride);
    FC_NEW(context, &m->work, fc__spectral_work_size(spectral));
    FC_NEW(context, &m->x, fc__product(e->term_count, 2 * size));
    FC_NEW(context, &m->r, 2 * size);
    if (columns) {
        FC_NEW(context, &m->dot, dots);
        FC_NEW(context, &m->dot_rate, dots);
        FC_NEW(context, &m->dot_sum, dots);
    }
done:
    return status;
}

/* Waves of a frame. */
static void read_frame(const fc__intervals *v, size_t frame, double *code, fc__wave *w)
{
    size_t codes = v->map->codes;
    for (size_t c = 0; c < codes; c++)
        code[c] = (double)v->trajectories->z[frame * codes + c];
    fc__code_map_lift(v->map, 1, code, w);
}

/* Lagrange polynomials through up to STENCIL frames around the interval. */
static void interpolate(const fc__intervals *v, size_t i, size_t size, room *m)
{
    const double *times = v->trajectories->times;
    size_t f = v->frame[i], count = v->end[i] - v->begin[i];
    count = count < STENCIL ? count : STENCIL;
    size_t first = f + 1 < v->begin[i] + count / 2 ? v->begin[i] : f + 1 - count / 2;
    first = first + count > v->end[i] ? v->end[i] - count : first;
    double h = times[f + 1] - times[f];
    memset(m->node, 0, NODES * size * sizeof *m->node);
    for (size_t a = first; a < first + count; a++) {
        read_frame(v, a, m->code, m->state);
        for (size_t q = 0; q < NODES; q++) {
            double t = times[f] + h * NODE[q], factor = 1.0;
            for (size_t b = first; b < first + count; b++)
                if (b != a)
                    factor *= (t - times[b]) / (times[a] - times[b]);
            for (size_t k = 0; k < size; k++)
                m->node[q * size + k] += factor * m->state[k];
        }
    }
}

static const double STAGE[4] = {0.0, 0.5, 0.5, 1.0}, SHARE[4] = {1.0, 2.0, 2.0, 1.0};

static void runge_kutta(const fc__spectral *spectral, size_t size, double h, fc__wave *w, room *m)
{
    memcpy(m->sum, w, size * sizeof *w);
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < size; k++)
            m->stage[k] = w[k] + (i ? h * STAGE[i] * m->rate[k] : 0.0);
        fc__spectral_eval(spectral, m->stage, m->rate, m->work);
        for (size_t k = 0; k < size; k++)
            m->sum[k] += h * SHARE[i] / 6.0 * m->rate[k];
    }
    memcpy(w, m->sum, size * sizeof *w);
}

/* The state at the end. */
static void integrate_to(const fc__spectral *spectral, size_t size, double h, size_t steps, room *m)
{
    memcpy(m->state, m->start, size * sizeof *m->state);
    for (size_t s = 0; s < steps; s++)
        runge_kutta(spectral, size, h / (double)steps, m->state, m);
}

/* States at the nodes, and at the end in m->state. */
static void integrate(const fc__spectral *spectral, size_t size, double h, size_t substeps, room *m)
{
    double from = 0.0;
    memcpy(m->state, m->start, size * sizeof *m->state);
    for (size_t q = 0; q <= NODES; q++) {
        double to = q < NODES ? NODE[q] : 1.0, length = to - from;
        size_t steps = (size_t)ceil(length * (double)substeps - 1e-9);
        for (size_t s = 0; s < steps; s++)
            runge_kutta(spectral, size, h * length / (double)steps, m->state, m);
        if (q < NODES)
            memcpy(m->node + q * size, m->state, size * sizeof *m->state);
        from = to;
    }
}

/* ---------------------------------------------------------------- columns */

/* result = exp(a), (n, n): Taylor series of a / 2^squarings, squared. */
static void exponential(size_t n, const fc__wave *a, fc__wave *result)
{
    enum { TERMS = 12 };
    fc__wave scaled[FC__EQUATION_CHANNELS * FC__EQUATION_CHANNELS],
        power[FC__EQUATION_CHANNELS * FC__EQUATION_CHANNELS];
    fc__wave next[FC__EQUATION_CHANNELS * FC__EQUATION_CHANNELS];
    double norm = 0.0;
    int squarings = 0;
    if (n == 1) {
        result[0] = cexp(a[0]);
        return;
    }
    for (size_t i = 0; i < n * n; i++)
        norm = fmax(norm, cabs(a[i]));
    while (ldexp(norm, -squarings) * (double)n > 0.5)
        squarings++;
    for (size_t i = 0; i < n * n; i++) {
        scaled[i] = a[i] * ldexp(1.0, -squarings);
        result[i] = power[i] = i % (n + 1) == 0 ? 1.0 : 0.0;
    }
    for (int term = 1; term <= TERMS + squarings; term++) {
        const fc__wave *left = term <= TERMS ? power : result;
        const fc__wave *right = term <= TERMS ? scaled : result;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                next[i * n + j] = 0.0;
                for (size_t k = 0; k < n; k++)
                    next[i * n + j] += left[i * n + k] * right[k * n + j];
            }
        for (size_t i = 0; i < n * n; i++) {
            if (term <= TERMS)
                result[i] += power[i] = next[i] / term;
            else
                result[i] = next[i];
        }
    }
}

/* h WEIGHT exp(h (1 - NODE) L) of every node and wave, whose sum is the response to the forcing. */
static void make_propagators(const fc__spectral *spectral, const fc_equation *e, double h, room *m,
                             fc__wave *response)
{
    size_t n = e->channels, square = n * n;
    fc__wave scaled[FC__EQUATION_CHANNELS * FC__EQUATION_CHANNELS];
    for (size_t q = 0; q < NODES; q++)
        for (size_t k = 0; k < e->wave_count; k++) {
            const fc__wave *linear = fc__spectral_linear(spectral, k);
            fc__wave *p = m->propagator + (q * e->wave_count + k) * square;
            for (size_t i = 0; i < square; i++)
                scaled[i] = h * (1.0 - NODE[q]) * linear[i];
            exponential(n, scaled, p);
            for (size_t i = 0; i < square; i++) {
                p[i] *= h * WEIGHT[q];
                response[k * square + i] += p[i];
            }
        }
}

/* The square root of a wave's share in the mean square: w(k) stands for a pair of waves. */
static double row_weight(const fc_equation *e, size_t k)
{
    bool zero = true;
    for (size_t d = 0; d < e->dims; d++)
        zero = zero && e->waves[k * e->dims + d] == 0;
    return zero ? 1.0 : M_SQRT2;
}

/* row (channels, waves, 2) = weighted real and imaginary parts */
static void write_row(const fc_equation *e, const fc__wave *values, double *row)
{
    for (size_t c = 0; c < e->channels; c++)
        for (size_t k = 0; k < e->wave_count; k++) {
            double weight = row_weight(e, k);
            fc__wave value = values[c * e->wave_count + k];
            row[2 * (c * e->wave_count + k)] = weight * creal(value);
            row[2 * (c * e->wave_count + k) + 1] = weight * cimag(value);
        }
}

static bool same_factors(const fc_term *a, const fc_term *b)
{
    return memcmp(a->factor, b->factor, sizeof a->factor) == 0;
}

/* Of a term at the nodes, (NODES, waves), before the propagators. */
static void term_at_nodes(const fc__spectral *spectral, const fc_equation *e, size_t t, room *m)
{
    const fc_term *term = &e->terms[t];
    size_t size = e->channels * e->wave_count, stride = fc__spectral_stride(spectral);
    for (size_t q = 0; q < NODES; q++) {
        fc__wave *product = m->product + q * e->wave_count;
        if (term->factors == 1) {
            const fc__wave *w = m->node + q * size + term->factor[0].channel * e->wave_count;
            for (size_t k = 0; k < e->wave_count; k++)
                product[k] = fc__symbol_multiplier(e, &term->factor[0], k) * w[k];
            continue;
        }
        const double *fields = m->fields + q * fc__spectral_symbols(spectral) * stride;
        const double *a = fields + fc__spectral_factor(spectral, t, 0) * stride;
        const double *b = fields + fc__spectral_factor(spectral, t, 1) * stride;
        for (size_t p = 0; p < fc__spectral_points(spectral); p++)
            m->values[p] = a[p] * b[p];
        fc__spectral_analyse(spectral, m->values, product, m->work);
    }
}

/* Terms with the same factors stand beside each other and share their products. */
static void make_columns(const fc__spectral *spectral, const fc_equation *e, room *m)
{
    size_t n = e->channels, size = n * e->wave_count;
    for (size_t q = 0; q < NODES; q++)
        fc__spectral_fields(spectral, m->node + q * size,
                            m->fields +
                                q * fc__spectral_symbols(spectral) * fc__spectral_stride(spectral),
                            m->work);
    for (size_t t = 0; t < e->term_count; t++) {
        const fc_term *term = &e->terms[t];
        if (t == 0 || term->factors == 1 || !same_factors(term, &e->terms[t - 1]))
            term_at_nodes(spectral, e, t, m);
        memset(m->column, 0, size * sizeof *m->column);
        for (size_t q = 0; q < NODES; q++)
            for (size_t k = 0; k < e->wave_count; k++) {
                const fc__wave *p = m->propagator + (q * e->wave_count + k) * n * n;
                for (size_t c = 0; c < n; c++)
                    m->column[c * e->wave_count + k] +=
                        p[c * n + term->channel] * m->product[q * e->wave_count + k];
            }
        write_row(e, m->column, m->x + t * 2 * size);
    }
}

/* The state at the end and with it its derivatives to the coefficients, by the same steps. */
static void integrate_columns(const fc__spectral *spectral, const fc_equation *e, double h,
                              size_t substeps, room *m)
{
    size_t size = e->channels * e->wave_count, columns = e->term_count;
    double step = h / (double)substeps;
    memcpy(m->state, m->start, size * sizeof *m->state);
    memset(m->dot, 0, columns * size * sizeof *m->dot);
    for (size_t s = 0; s < substeps; s++) {
        memcpy(m->sum, m->state, size * sizeof *m->sum);
        memcpy(m->dot_sum, m->dot, columns * size * sizeof *m->dot);
        for (size_t i = 0; i < 4; i++) {
            for (size_t k = 0; k < size; k++)
                m->stage[k] = m->state[k] + (i ? step * STAGE[i] * m->rate[k] : 0.0);
            fc__spectral_fields(spectral, m->stage, m->fields, m->work);
            for (size_t t = 0; t < columns; t++) {
                fc__wave *rate = m->dot_rate + t * size;
                for (size_t k = 0; k < size; k++)
                    m->column[k] = m->dot[t * size + k] + (i ? step * STAGE[i] * rate[k] : 0.0);
                fc__spectral_sensitivity(spectral, m->stage, m->fields, t, m->column, rate,
                                         m->work);
                for (size_t k = 0; k < size; k++)
                    m->dot_sum[t * size + k] += step * SHARE[i] / 6.0 * rate[k];
            }
            fc__spectral_eval(spectral, m->stage, m->rate, m->work);
            for (size_t k = 0; k < size; k++)
                m->sum[k] += step * SHARE[i] / 6.0 * m->rate[k];
        }
        memcpy(m->state, m->sum, size * sizeof *m->sum);
        memcpy(m->dot, m->dot_sum, columns * size * sizeof *m->dot);
    }
    for (size_t t = 0; t < columns; t++)
        write_row(e, m->dot + t * size, m->x + t * 2 * size);
}

/* ---------------------------------------------------------------- the pass */

static double square_of(const fc_equation *e, const fc__wave *a, const fc__wave *b, room *m)
{
    double square = 0.0;
    size_t size = e->channels * e->wave_count;
    for (size_t k = 0; k < size; k++)
        m->column[k] = a[k] - b[k];
    write_row(e, m->column, m->r);
    for (size_t k = 0; k < 2 * size; k++)
        square += m->r[k] * m->r[k];
    return square;
}

static double read_interval(const fc__intervals *v, size_t i, room *m)
{
    const double *times = v->trajectories->times;
    read_frame(v, v->frame[i], m->code, m->start);
    read_frame(v, v->frame[i] + 1, m->code, m->end);
    return times[v->frame[i] + 1] - times[v->frame[i]];
}

/* Squares of the error, INFINITY when no number of steps gets there, and of the change; and as many
 * steps as make the error of the steps small beside that of the forecast. */
static double forecast_error(const fc__spectral *spectral, const fc_equation *e, fc__intervals *v,
                             size_t i, room *m, double *persistence)
{
    enum { LEAST = 4, MOST = 128 };
    size_t size = e->channels * e->wave_count, steps = LEAST;
    double h = read_interval(v, i, m), error, change;
    *persistence = square_of(e, m->end, m->start, m);
    integrate_to(spectral, size, h, steps, m);
    for (;; steps *= 2) {
        memcpy(m->node, m->state, size * sizeof *m->state);
        integrate_to(spectral, size, h, 2 * steps, m);
        error = square_of(e, m->end, m->state, m);
        change = square_of(e, m->state, m->node, m);
        if (steps == MOST || change < 1e-4 * error)
            break; /* false where either is no number */
    }
    v->substeps[i] = steps;
    return change <= error ? error : INFINITY;
}

static void add_interval(const fc__spectral *spectral, const fc_equation *e, const fc__intervals *v,
                         size_t i, fc__between between, room *m, fc__normal_sums *sums)
{
    size_t size = e->channels * e->wave_count, rows = 2 * size, columns = e->term_count;
    double h = read_interval(v, i, m);
    if (between == FC__INTERPOLATED) {
        interpolate(v, i, size, m);
        memcpy(m->state, m->start, size * sizeof *m->state);
    } else if (m->dot) {
        integrate_columns(spectral, e, h, v->substeps[i], m);
    } else {
        integrate(spectral, size, h, v->substeps[i], m);
    }
    make_propagators(spectral, e, h, m, sums->response);
    if (!m->dot)
        make_columns(spectral, e, m);
    sums->square += square_of(e, m->end, m->state, m);
    fc__dgemm(false, true, columns, columns, rows, 1.0, m->x, rows, m->x, rows, 1.0, sums->gram,
              columns);
    fc__dgemm(false, false, columns, 1, rows, 1.0, m->x, rows, m->r, 1, 1.0, sums->rhs, 1);
    add_array(columns * rows, m->x, sums->column_sum);
    add_array(rows, m->r, sums->row_sum);
    for (size_t k = 0; k < rows; k++)
        sums->row_square[k] += m->r[k] * m->r[k];
    sums->count += 1.0;
}

/* How the threads came through. */
static fc_status conclude(fc_context *context, fc_status status, const fc_equation *e)
{
    if (status != FC_OK)
        return fc__fail(context, status, "equation: out of memory for %zu terms in %zu waves",
                        e->term_count, e->wave_count);
    if (fc_context_interrupted(context))
        return fc__fail(context, FC_INTERRUPTED, "interrupted while finding the equation");
    return FC_OK;
}

/* A fixed number of parts, each summed in its order, so that the result does not depend on the
 * number of threads. */
fc_status fc__equation_pass(fc_context *context, const fc__spectral *spectral,
                            const fc_equation *equation, const fc__intervals *v,
                            fc__between between, fc__normal_sums *sums)
{
    fc_status status = FC_OK;
    fc__normal_sums part[CHUNKS] = {{0}};
    bool columns = between == FC__INTEGRATED && fc__spectral_nonlinear(spectral);
    FC_TRY(sums_create(context, equation, sums));
    for (size_t c = 0; c < CHUNKS; c++)
        FC_TRY(sums_create(context, equation, &part[c]));
#pragma omp parallel for num_threads(fc_context_threads(context)) schedule(dynamic, 1)
    for (size_t c = 0; c < CHUNKS; c++) {
        room m = {0};
        size_t begin, end;
        fc__slice(v->count, CHUNKS, c, &begin, &end);
        fc_status mine = room_create(NULL, spectral, equation, v->map->codes, columns, &m);
        for (size_t i = begin; mine == FC_OK && i < end && !fc_context_interrupted(context); i++)
            add_interval(spectral, equation, v, i, between, &m, &part[c]);
        room_clear(&m);
        if (mine != FC_OK) {
#pragma omp critical(fc_equation_status)
            status = mine;
        }
    }
    FC_TRY(conclude(context, status, equation));
    for (size_t c = 0; c < CHUNKS; c++)
        sums_add(&part[c], sums);
done:
    for (size_t c = 0; c < CHUNKS; c++)
        fc__normal_sums_clear(&part[c]);
    return status;
}

fc_status fc__equation_residual(fc_context *context, const fc__spectral *spectral,
                                const fc_equation *equation, fc__intervals *v, double *residual)
{
    fc_status status = FC_OK;
    double *error = NULL, *persistence = NULL, square = 0.0, change = 0.0;
    bool failed = false;
    FC_NEW(context, &error, v->count);
    FC_NEW(context, &persistence, v->count);
#pragma omp parallel num_threads(fc_context_threads(context))
    {
        room m = {0};
        fc_status mine = room_create(NULL, spectral, equation, v->map->codes, false, &m);
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < v->count; i++) {
            bool stop;
#pragma omp atomic read
            stop = failed;
            if (stop || mine != FC_OK || fc_context_interrupted(context))
                continue;
            error[i] = forecast_error(spectral, equation, v, i, &m, &persistence[i]);
            if (!isfinite(error[i])) {
#pragma omp atomic write
                failed = true;
            }
        }
        room_clear(&m);
        if (mine != FC_OK) {
#pragma omp critical(fc_equation_status)
            status = mine;
        }
    }
    FC_TRY(conclude(context, status, equation));
    for (size_t i = 0; i < v->count; i++) {
        square += error[i];
        change += persistence[i];
    }
    *residual = failed ? INFINITY : square / change;
done:
    free(error);
    free(persistence);
    return status;
}
