#include "ode/equation.h"
#include "inr/planner.h"

#include <fftw3.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- symbols */

fc__wave fc__symbol_multiplier(const fc_equation *equation, const fc_symbol *symbol, size_t wave)
{
    const int *k = equation->waves + wave * equation->dims;
    double x = 2.0 * M_PI * k[0] / equation->length[0];
    double y = equation->dims > 1 ? 2.0 * M_PI * k[1] / equation->length[1] : 0.0;
    double length = hypot(x, y);
    if (length == 0.0)
        return symbol->order == 0 && symbol->angle == FC_ANGLE_ONE ? 1.0 : 0.0;
    double power = pow(length, symbol->order);
    x /= length;
    y /= length;
    switch (symbol->angle) {
    case FC_ANGLE_ONE:
        return power;
    case FC_ANGLE_X:
        return I * power * x;
    case FC_ANGLE_Y:
        return I * power * y;
    case FC_ANGLE_COS:
        return power * (x * x - y * y);
    case FC_ANGLE_SIN:
        return power * 2.0 * x * y;
    }
    return 0.0;
}

/* ---------------------------------------------------------------- tables */

/* A symbol whose field the products need. */
typedef struct needed {
    fc_symbol symbol;
    fc__wave *multiplier; /* (waves) */
    bool used;            /* by a product whose coefficient is not zero */
} needed;

struct fc__spectral {
    const fc_equation *equation;
    size_t points, bins; /* of the grid and of its half spectrum */
    size_t *bin;         /* (waves) */
    size_t *mirror;      /* (waves) bin of -k where it is stored as well, else SIZE_MAX */
    size_t needed_count;
    needed *symbols;     /* (needed_count) */
    size_t *first;       /* (terms) of a product: its factors among the needed symbols */
    size_t *second;      /* (terms) */
    fc__wave **alone;    /* (terms) multiplier (waves) of a linear term, NULL of a product */
    fc__wave *linear;    /* (waves, channels, channels) */
    fftw_plan synthesis; /* half spectrum to grid; destroys its input */
    fftw_plan analysis;
};

/* The least number not below `least` whose only prime factors are 2, 3 and 5, and which is even. */
static size_t fast_size(size_t least)
{
    for (size_t n = least + least % 2;; n += 2) {
        size_t rest = n;
        for (size_t p = 2; p <= 5; p += p == 2 ? 1 : 2)
            while (rest % p == 0)
                rest /= p;
        if (rest == 1)
            return n;
    }
}

/* Grid without aliasing of products, places of the waves in its half spectrum, and plans. The first
 * axis is the last, halved one of the grid. */
static fc_status lay_out(fc_context *context, fc__spectral *s)
{
    fc_status status = FC_OK;
    const fc_equation *e = s->equation;
    int size[2] = {1, 1};
    double *field = NULL;
    fftw_complex *spectrum = NULL;
    for (size_t d = 0; d < e->dims; d++) {
        size_t largest = 1;
        for (size_t k = 0; k < e->wave_count; k++) {
            size_t number = (size_t)abs(e->waves[k * e->dims + d]);
            largest = number > largest ? number : largest;
        }
        size[e->dims - 1 - d] = (int)fast_size(3 * largest + 1);
    }
    int rows = e->dims > 1 ? size[0] : 1;
    size_t columns = (size_t)size[e->dims - 1] / 2 + 1;
    s->points = (size_t)size[0] * (size_t)size[1];
    s->bins = (size_t)rows * columns;
    FC_NEW(context, &s->bin, e->wave_count);
    FC_NEW(context, &s->mirror, e->wave_count);
    for (size_t k = 0; k < e->wave_count; k++) {
        int x = e->waves[k * e->dims], y = e->dims > 1 ? e->waves[k * e->dims + 1] : 0;
        size_t row = (size_t)((y + rows) % rows), opposite = (size_t)((rows - y) % rows);
        s->bin[k] = row * columns + (size_t)x;
        s->mirror[k] = x == 0 && y != 0 ? opposite * columns : SIZE_MAX;
    }
    FC_NEW(context, &field, s->points);
    FC_NEW(context, &spectrum, s->bins);
    fc__planner_lock();
    s->synthesis = fftw_plan_dft_c2r((int)e->dims, size, spectrum, field, FFTW_ESTIMATE);
    s->analysis = fftw_plan_dft_r2c((int)e->dims, size, field, spectrum, FFTW_ESTIMATE);
    fc__planner_unlock();
    if (!s->synthesis || !s->analysis)
        status = fc__fail(context, FC_ERROR_SOLVER, "equation: FFTW has no plan for %zu points",
                          s->points);
done:
    free(field);
    free(spectrum);
    return status;
}

static bool same_symbol(const fc_symbol *a, const fc_symbol *b)
{
    return a->channel == b->channel && a->order == b->order && a->angle == b->angle;
}

static fc_status need_symbol(fc_context *context, fc__spectral *s, const fc_symbol *symbol,
                             size_t *index)
{
    fc_status status = FC_OK;
    for (*index = 0; *index < s->needed_count; ++*index)
        if (same_symbol(&s->symbols[*index].symbol, symbol))
            return FC_OK;
    needed *made = &s->symbols[s->needed_count];
    made->symbol = *symbol;
    FC_NEW(context, &made->multiplier, s->equation->wave_count);
    for (size_t k = 0; k < s->equation->wave_count; k++)
        made->multiplier[k] = fc__symbol_multiplier(s->equation, symbol, k);
    s->needed_count++;
done:
    return status;
}

void fc__spectral_update(fc__spectral *s)
{
    const fc_equation *e = s->equation;
    size_t square = e->channels * e->channels;
    memset(s->linear, 0, e->wave_count * square * sizeof *s->linear);
    for (size_t i = 0; i < s->needed_count; i++)
        s->symbols[i].used = false;
    for (size_t t = 0; t < e->term_count; t++) {
        const fc_term *term = &e->terms[t];
        if (term->coefficient == 0.0)
            continue;
        if (term->factors == 2)
            s->symbols[s->first[t]].used = s->symbols[s->second[t]].used = true;
        size_t at = term->channel * e->channels + term->factor[0].channel;
        for (size_t k = 0; term->factors == 1 && k < e->wave_count; k++)
            s->linear[k * square + at] += term->coefficient * s->alone[t][k];
    }
}

fc_status fc__spectral_create(fc_context *context, const fc_equation *e, fc__spectral **spectral)
{
    fc_status status = FC_OK;
    fc__spectral *s = NULL;
    *spectral = NULL;
    FC_NEW(context, &s, 1);
    s->equation = e;
    FC_TRY(lay_out(context, s));
    FC_NEW(context, &s->symbols, 2 * e->term_count);
    FC_NEW(context, &s->first, e->term_count);
    FC_NEW(context, &s->second, e->term_count);
    FC_NEW(context, &s->alone, e->term_count);
    FC_NEW(context, &s->linear, fc__product(e->wave_count, e->channels * e->channels));
    for (size_t t = 0; t < e->term_count; t++) {
        if (e->terms[t].factors != 2) {
            FC_NEW(context, &s->alone[t], e->wave_count);
            for (size_t k = 0; k < e->wave_count; k++)
                s->alone[t][k] = fc__symbol_multiplier(e, &e->terms[t].factor[0], k);
            continue;
        }
        FC_TRY(need_symbol(context, s, &e->terms[t].factor[0], &s->first[t]));
        FC_TRY(need_symbol(context, s, &e->terms[t].factor[1], &s->second[t]));
    }
    fc__spectral_update(s);
    *spectral = s;
    s = NULL;
done:
    fc__spectral_destroy(s);
    return status;
}

void fc__spectral_destroy(fc__spectral *s)
{
    if (!s)
        return;
    for (size_t i = 0; s->symbols && i < s->needed_count; i++)
        free(s->symbols[i].multiplier);
    for (size_t t = 0; s->alone && t < s->equation->term_count; t++)
        free(s->alone[t]);
    fc__planner_lock();
    if (s->synthesis)
        fftw_destroy_plan(s->synthesis);
    if (s->analysis)
        fftw_destroy_plan(s->analysis);
    fc__planner_unlock();
    free(s->bin);
    free(s->mirror);
    free(s->symbols);
    free(s->first);
    free(s->second);
    free(s->alone);
    free(s->linear);
    free(s);
}

/* ---------------------------------------------------------------- evaluation */

/* Doubles, a whole number of cache lines, so that all parts of the work are aligned alike. */
static size_t padded(size_t count)
{
    return (count + 7) / 8 * 8;
}

size_t fc__spectral_work_size(const fc__spectral *s)
{
    size_t fields = 2 * s->needed_count + 1;
    return padded(2 * s->bins) + fc__product(fields, padded(s->points));
}

size_t fc__spectral_points(const fc__spectral *s)
{
    return s->points;
}

size_t fc__spectral_stride(const fc__spectral *s)
{
    return padded(s->points);
}

size_t fc__spectral_symbols(const fc__spectral *s)
{
    return s->needed_count;
}

size_t fc__spectral_factor(const fc__spectral *s, size_t term, size_t factor)
{
    return factor == 0 ? s->first[term] : s->second[term];
}

const fc__wave *fc__spectral_linear(const fc__spectral *s, size_t wave)
{
    return s->linear + wave * s->equation->channels * s->equation->channels;
}

static void synthesise(const fc__spectral *s, const fc__wave *multiplier, const fc__wave *w,
                       double *field, double *work)
{
    fc__wave *spectrum = (fc__wave *)work;
    memset(spectrum, 0, s->bins * sizeof *spectrum);
    for (size_t k = 0; k < s->equation->wave_count; k++) {
        fc__wave value = multiplier[k] * w[k];
        spectrum[s->bin[k]] = value;
        if (s->mirror[k] != SIZE_MAX)
            spectrum[s->mirror[k]] = conj(value);
    }
    fftw_execute_dft_c2r(s->synthesis, (fftw_complex *)spectrum, field);
}

void fc__spectral_analyse(const fc__spectral *s, double *field, fc__wave *w, double *work)
{
    fc__wave *spectrum = (fc__wave *)work;
    fftw_execute_dft_r2c(s->analysis, field, (fftw_complex *)spectrum);
    for (size_t k = 0; k < s->equation->wave_count; k++)
        w[k] = spectrum[s->bin[k]] / (double)s->points;
}

/* dw += L w */
static void add_linear(const fc__spectral *s, const fc__wave *w, fc__wave *dw)
{
    size_t channels = s->equation->channels, waves = s->equation->wave_count;
    for (size_t k = 0; k < waves; k++) {
        const fc__wave *l = fc__spectral_linear(s, k);
        for (size_t c = 0; c < channels; c++)
            for (size_t d = 0; d < channels; d++)
                dw[c * waves + k] += l[c * channels + d] * w[d * waves + k];
    }
}

/* Fields of the symbols in use, or of all. */
static void make_fields(const fc__spectral *s, bool all, const fc__wave *w, double *fields,
                        double *work)
{
    for (size_t i = 0; i < s->needed_count; i++)
        if (all || s->symbols[i].used)
            synthesise(s, s->symbols[i].multiplier,
                       w + s->symbols[i].symbol.channel * s->equation->wave_count,
                       fields + i * padded(s->points), work);
}

void fc__spectral_fields(const fc__spectral *s, const fc__wave *w, double *fields, double *work)
{
    make_fields(s, true, w, fields, work);
}

/* sum += coefficient a b */
static void add_product(size_t count, double coefficient, const double *a, const double *b,
                        double *sum)
{
    for (size_t p = 0; p < count; p++)
        sum[p] += coefficient * a[p] * b[p];
}

/* dw_c += the products in the rate of channel c; with `dots`, their derivative instead, and with it
 * the product `own`, without its coefficient, when there is one. */
static void add_products(const fc__spectral *s, size_t c, const double *fields, const double *dots,
                         size_t own, double *sum, fc__wave *dw, double *work)
{
    const fc_equation *e = s->equation;
    size_t stride = padded(s->points);
    bool any = false;
    memset(sum, 0, s->points * sizeof *sum);
    for (size_t t = 0; t < e->term_count; t++) {
        const fc_term *term = &e->terms[t];
        bool used = term->coefficient != 0.0;
        if (term->factors != 2 || term->channel != c || !(used || t == own))
            continue;
        const double *a = fields + s->first[t] * stride, *b = fields + s->second[t] * stride;
        any = true;
        if (t == own)
            add_product(s->points, 1.0, a, b, sum);
        if (used && dots) {
            add_product(s->points, term->coefficient, dots + s->first[t] * stride, b, sum);
            b = dots + s->second[t] * stride;
        }
        if (used)
            add_product(s->points, term->coefficient, a, b, sum);
    }
    if (!any)
        return;
    fftw_execute_dft_r2c(s->analysis, sum, (fftw_complex *)work);
    for (size_t k = 0; k < e->wave_count; k++)
        dw[k] += ((const fc__wave *)work)[s->bin[k]] / (double)s->points;
}

void fc__spectral_eval(const fc__spectral *s, const fc__wave *w, fc__wave *dw, double *work)
{
    const fc_equation *e = s->equation;
    double *fields = work + padded(2 * s->bins);
    double *sum = fields + 2 * s->needed_count * padded(s->points);
    for (size_t i = 0; i < e->channels * e->wave_count; i++)
        dw[i] = e->forcing[2 * i] + I * e->forcing[2 * i + 1];
    add_linear(s, w, dw);
    make_fields(s, false, w, fields, work);
    for (size_t c = 0; c < e->channels; c++)
        add_products(s, c, fields, NULL, SIZE_MAX, sum, dw + c * e->wave_count, work);
}

bool fc__spectral_nonlinear(const fc__spectral *s)
{
    bool any = false;
    for (size_t i = 0; i < s->needed_count; i++)
        any = any || s->symbols[i].used;
    return any;
}

/* dw_dot = (df/dw) w_dot + the term `own` at w, from the fields of w. */
static void derivative(const fc__spectral *s, const double *fields, size_t own,
                       const fc__wave *w_dot, double *dots, fc__wave *dw_dot, double *work)
{
    const fc_equation *e = s->equation;
    double *sum = dots + s->needed_count * padded(s->points);
    memset(dw_dot, 0, e->channels * e->wave_count * sizeof *dw_dot);
    add_linear(s, w_dot, dw_dot);
    make_fields(s, false, w_dot, dots, work);
    for (size_t c = 0; c < e->channels; c++)
        add_products(s, c, fields, dots, own, sum, dw_dot + c * e->wave_count, work);
}

void fc__spectral_jvp(const fc__spectral *s, const fc__wave *w, const fc__wave *w_dot,
                      fc__wave *dw_dot, double *work)
{
    double *fields = work + padded(2 * s->bins);
    make_fields(s, false, w, fields, work);
    derivative(s, fields, SIZE_MAX, w_dot, fields + s->needed_count * padded(s->points), dw_dot,
               work);
}

void fc__spectral_sensitivity(const fc__spectral *s, const fc__wave *w, const double *fields,
                              size_t own, const fc__wave *w_dot, fc__wave *dw_dot, double *work)
{
    const fc_equation *e = s->equation;
    const fc_term *term = &e->terms[own];
    derivative(s, fields, own, w_dot, work + padded(2 * s->bins), dw_dot, work);
    if (term->factors != 1)
        return;
    const fc__wave *factor = w + term->factor[0].channel * e->wave_count;
    for (size_t k = 0; k < e->wave_count; k++)
        dw_dot[term->channel * e->wave_count + k] += s->alone[own][k] * factor[k];
}
