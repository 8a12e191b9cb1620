#include "inr/filters.h"
#include "inr/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_WHOLE = 4096 };           /* beyond it a table costs more than it saves */
static const double largest_phase = 1e9; /* beyond it the mathematics library reduces phases */

/* ---------------------------------------------------------------- plan */

static void find_tables(fc__filters *filters)
{
    size_t count = filters->count, inputs = filters->inputs;
    filters->whole = true;
    for (size_t row = 0; row < filters->distinct * inputs; row++) {
        size_t *largest = &filters->largest[row % inputs];
        for (size_t f = 0; f < count; f++) {
            double k = fabs(filters->omega[row * filters->stride + f]);
            if (!(k <= LARGEST_WHOLE) || k != floor(k)) {
                filters->whole = false;
                return;
            }
            if ((size_t)k > *largest)
                *largest = (size_t)k;
        }
    }
    for (size_t j = 0; j < inputs; j++) {
        filters->zero[j] = filters->table + filters->largest[j];
        filters->table += 2 * filters->largest[j] + 1;
    }
}

fc_status fc__filters_create(fc_context *context, fc_filter_kind kind, size_t layers, size_t count,
                             size_t inputs, const double *omega, fc__filters *filters)
{
    fc_status status = FC_OK;
    *filters = (fc__filters){.layers = layers, .count = count, .inputs = inputs, .distinct = 1};
    size_t layer = count * inputs;
    filters->stride = (count + FC__WAVE_POINTS - 1) / FC__WAVE_POINTS * FC__WAVE_POINTS;
    for (size_t l = 1; l < layers; l++)
        if (memcmp(omega, omega + l * layer, layer * sizeof *omega) != 0)
            filters->distinct = layers;
    filters->harmonic = kind == FC_FILTER_HARMONIC;
    if (filters->harmonic)
        return fc__harmonic_filters_create(context, filters->distinct, count, omega,
                                           &filters->harmonics);
    size_t rows = filters->distinct * inputs, stride = filters->stride;
    FC_NEW(context, &filters->omega, fc__product(rows, stride));
    FC_NEW(context, &filters->reach, rows);
    for (size_t row = 0; row < rows; row++)
        for (size_t f = 0; f < count; f++) {
            double frequency = omega[(row / inputs * count + f) * inputs + row % inputs];
            filters->omega[row * stride + f] = frequency;
            filters->reach[row] = fmax(filters->reach[row], fabs(frequency));
        }
    find_tables(filters);
    if (!filters->whole)
        goto done;
    FC_NEW(context, &filters->entry, fc__product(rows, stride));
    for (size_t i = 0; i < rows * stride; i++)
        filters->entry[i] =
            (size_t)((double)filters->zero[i / stride % inputs] + filters->omega[i]);
done:
    if (status != FC_OK)
        fc__filters_clear(filters);
    return status;
}

void fc__filters_clear(fc__filters *filters)
{
    fc__harmonic_filters_clear(&filters->harmonics);
    free(filters->omega);
    free(filters->entry);
    free(filters->reach);
    *filters = (fc__filters){0};
}

/* ---------------------------------------------------------------- whole frequencies */

/* e^{i k x_j} for |k| up to the largest of each input, by e^{i (k+1) x} = e^{i k x} e^{i x}: in
 * double the rounding of a few thousand factors stays far below float. Entries are (cosine, sine).
 */
static void fill_table(const fc__filters *filters, const double *x, double *table)
{
    for (size_t j = 0; j < filters->inputs; j++) {
        double *zero = table + 2 * filters->zero[j];
        double step_cos = cos(x[j]), step_sin = sin(x[j]), re = 1.0, im = 0.0;
        zero[0] = 1.0;
        zero[1] = 0.0;
        for (ptrdiff_t k = 1; k <= (ptrdiff_t)filters->largest[j]; k++) {
            double next = re * step_cos - im * step_sin;
            im = re * step_sin + im * step_cos;
            re = next;
            zero[2 * k] = zero[-2 * k] = re;
            zero[2 * k + 1] = im;
            zero[-2 * k + 1] = -im;
        }
    }
}

/* e^{i k x} = prod_j e^{i k_j x_j} for every filter of a layer. */
static void whole_row(const fc__filters *filters, size_t layer, const double *table, double *s)
{
    size_t count = filters->count;
    const size_t *entry = filters->entry + layer * filters->inputs * filters->stride;
    double *sine = s, *cosine = s + count;
    for (size_t f = 0; f < count; f++) {
        cosine[f] = table[2 * entry[f]];
        sine[f] = table[2 * entry[f] + 1];
    }
    for (size_t j = 1; j < filters->inputs; j++) {
        entry += filters->stride;
        for (size_t f = 0; f < count; f++) {
            double re = table[2 * entry[f]], im = table[2 * entry[f] + 1];
            double next = cosine[f] * re - sine[f] * im;
            sine[f] = cosine[f] * im + sine[f] * re;
            cosine[f] = next;
        }
    }
}

/* ---------------------------------------------------------------- any frequencies */

static void phase_row(const fc__filters *filters, size_t layer, const double *x, double *phase)
{
    size_t count = filters->count;
    const double *omega = filters->omega + layer * filters->inputs * filters->stride;
    for (size_t f = 0; f < count; f++)
        phase[f] = omega[f] * x[0];
    for (size_t j = 1; j < filters->inputs; j++)
        for (size_t f = 0; f < count; f++)
            phase[f] += omega[j * filters->stride + f] * x[j];
}

/* ---------------------------------------------------------------- evaluation */

size_t fc__filters_work_size(const fc__filters *filters)
{
    if (filters->harmonic)
        return fc__harmonic_filters_work_size(&filters->harmonics, FC__WAVE_POINTS);
    size_t entries = fc__product(filters->table, 2 * FC__WAVE_POINTS);
    return filters->whole ? entries : filters->count;
}

/* Up to FC__WAVE_POINTS points, at once for each input and filter. */
static void whole_tile(const fc__filters *filters, size_t count, const double *x, float *s,
                       size_t ld, size_t layer_stride, double *table)
{
    const fc__kernels *kernels = fc__kernels_chosen();
    size_t inputs = filters->inputs, layer = inputs * filters->stride;
    for (size_t j = 0; j < inputs; j++) {
        double angle[FC__WAVE_POINTS] = {0};
        for (size_t p = 0; p < count; p++) {
            angle[p] = x[p * inputs + j];
            if (fabs(angle[p]) > FC__WAVE_REACH)
                angle[p] = remainder(angle[p], 2.0 * M_PI);
        }
        kernels->wave_table(filters->largest[j], angle,
                            table + filters->zero[j] * 2 * FC__WAVE_POINTS);
    }
    for (size_t l = 0; l < filters->distinct; l++)
        kernels->waves(filters->count, inputs, filters->entry + l * layer, filters->stride, table,
                       count, s + l * layer_stride, ld);
}

static void any_point(const fc__filters *filters, const double *x, float *s, size_t layer_stride,
                      double *phase)
{
    const fc__kernels *kernels = fc__kernels_chosen();
    size_t count = filters->count, inputs = filters->inputs, layer = inputs * filters->stride;
    for (size_t l = 0; l < filters->distinct; l++, s += layer_stride) {
        double bound = 0.0;
        for (size_t j = 0; j < inputs; j++)
            bound += filters->reach[l * inputs + j] * fabs(x[j]);
        if (bound < largest_phase) {
            kernels->sines(count, inputs, filters->omega + l * layer, filters->stride, x, s);
            continue;
        }
        phase_row(filters, l, x, phase);
        for (size_t f = 0; f < count; f++) {
            s[f] = (float)sin(phase[f]);
            s[count + f] = (float)cos(phase[f]);
        }
    }
}

void fc__filters_tile(const fc__filters *filters, size_t count, const double *x, float *s,
                      size_t ld, size_t layer_stride, double *work)
{
    size_t inputs = filters->inputs, width = 2 * filters->count;
    bool together = filters->harmonic || filters->whole;
    for (size_t start = 0; together && start < count; start += FC__WAVE_POINTS) {
        size_t block = count - start < FC__WAVE_POINTS ? count - start : FC__WAVE_POINTS;
        const double *at = x + start * inputs;
        if (filters->harmonic)
            fc__harmonic_filters_tile(&filters->harmonics, block, at, s + start * ld, ld,
                                      layer_stride, work);
        else
            whole_tile(filters, block, at, s + start * ld, ld, layer_stride, work);
    }
    for (size_t p = 0; !together && p < count; p++)
        any_point(filters, x + p * inputs, s + p * ld, layer_stride, work);
    for (size_t l = 0; ld > width && l < filters->distinct; l++)
        for (size_t p = 0; p < count; p++)
            memset(s + l * layer_stride + p * ld + width, 0, (ld - width) * sizeof *s);
}

void fc__filters_double(const fc__filters *filters, const double *x, double *s, size_t stride,
                        double *work)
{
    size_t count = filters->count;
    if (filters->harmonic) {
        fc__harmonic_filters_double(&filters->harmonics, x, s, stride, work);
        return;
    }
    if (filters->whole)
        fill_table(filters, x, work);
    for (size_t l = 0; l < filters->distinct; l++, s += stride) {
        if (filters->whole) {
            whole_row(filters, l, work, s);
            continue;
        }
        phase_row(filters, l, x, work);
        for (size_t f = 0; f < count; f++) {
            double phase = work[f];
            s[f] = sin(phase);
            s[count + f] = cos(phase);
        }
    }
}

/* phase' = Omega x', phase'' = Omega x'': (sin)' = cos phase', (sin)'' = cos phase'' - sin
 * phase'^2, and likewise for the cosine. */
void fc__filters_jets(const fc__filters *filters, size_t layer, const double *x,
                      const double *velocity, const double *acceleration, const double *s,
                      double *first, double *second, double *work)
{
    size_t count = filters->count, inputs = filters->inputs, stride = filters->stride;
    if (filters->harmonic) {
        fc__harmonic_filters_jets(&filters->harmonics, layer, x, velocity, acceleration, first,
                                  second, work);
        return;
    }
    const double *omega = filters->omega + layer * inputs * stride;
    for (size_t f = 0; f < count; f++) {
        double d1 = 0.0, d2 = 0.0, sine = s[f], cosine = s[count + f];
        for (size_t j = 0; j < inputs; j++) {
            d1 += omega[j * stride + f] * velocity[j];
            d2 += omega[j * stride + f] * acceleration[j];
        }
        first[f] = cosine * d1;
        first[count + f] = -sine * d1;
        second[f] = cosine * d2 - sine * d1 * d1;
        second[count + f] = -sine * d2 - cosine * d1 * d1;
    }
}
