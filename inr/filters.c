#include "inr/filters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_WHOLE = 4096 }; /* beyond it a table costs more than it saves */

/* ---------------------------------------------------------------- plan */

static void find_tables(fc__filters *filters)
{
    size_t count = filters->count, inputs = filters->inputs;
    filters->whole = true;
    for (size_t row = 0; row < filters->distinct * inputs; row++) {
        size_t *largest = &filters->largest[row % inputs];
        for (size_t f = 0; f < count; f++) {
            double k = fabs(filters->omega[row * count + f]);
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

fc_status fc__filters_create(fc_context *context, size_t layers, size_t count, size_t inputs,
                             const double *omega, fc__filters *filters)
{
    fc_status status = FC_OK;
    *filters = (fc__filters){.layers = layers, .count = count, .inputs = inputs, .distinct = 1};
    size_t layer = count * inputs;
    for (size_t l = 1; l < layers; l++)
        if (memcmp(omega, omega + l * layer, layer * sizeof *omega) != 0)
            filters->distinct = layers;
    FC_NEW(context, &filters->omega, fc__product(filters->distinct, layer));
    for (size_t l = 0; l < filters->distinct; l++)
        for (size_t f = 0; f < count; f++)
            for (size_t j = 0; j < inputs; j++)
                filters->omega[(l * inputs + j) * count + f] = omega[(l * count + f) * inputs + j];
    find_tables(filters);
    if (!filters->whole)
        goto done;
    FC_NEW(context, &filters->entry, filters->distinct * layer);
    for (size_t i = 0; i < filters->distinct * layer; i++) {
        size_t input = i / count % inputs;
        filters->entry[i] = (size_t)((double)filters->zero[input] + filters->omega[i]);
    }
done:
    if (status != FC_OK)
        fc__filters_clear(filters);
    return status;
}

void fc__filters_clear(fc__filters *filters)
{
    free(filters->omega);
    free(filters->entry);
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
    const size_t *entry = filters->entry + layer * filters->inputs * count;
    double *sine = s, *cosine = s + count;
    for (size_t f = 0; f < count; f++) {
        cosine[f] = table[2 * entry[f]];
        sine[f] = table[2 * entry[f] + 1];
    }
    for (size_t j = 1; j < filters->inputs; j++) {
        entry += count;
        for (size_t f = 0; f < count; f++) {
            double re = table[2 * entry[f]], im = table[2 * entry[f] + 1];
            double next = cosine[f] * re - sine[f] * im;
            sine[f] = cosine[f] * im + sine[f] * re;
            cosine[f] = next;
        }
    }
}

/* ---------------------------------------------------------------- any frequencies */

/* Phases of a layer; the result says whether all are small enough for the fast sine. */
static bool phase_row(const fc__filters *filters, size_t layer, const double *x, double *phase)
{
    size_t count = filters->count;
    const double *omega = filters->omega + layer * filters->inputs * count;
    double bound = 0.0;
    for (size_t f = 0; f < count; f++)
        phase[f] = omega[f] * x[0];
    for (size_t j = 1; j < filters->inputs; j++)
        for (size_t f = 0; f < count; f++)
            phase[f] += omega[j * count + f] * x[j];
#pragma omp simd reduction(+ : bound)
    for (size_t f = 0; f < count; f++)
        bound += fabs(phase[f]);
    return bound < 1e9;
}

/* Sines and cosines of double phases to float accuracy. The phase is reduced to |r| <= pi/4 in
 * double (adding 1.5 2^52 rounds to a whole number, whose last two bits are the quadrant), where
 * the Taylor polynomials of degree 9 and 10 leave less than 3e-9. */
static void sine_cosine(size_t count, const double *restrict phase, float *restrict sine,
                        float *restrict cosine)
{
    const double shift = 0x1.8p52;
    for (size_t i = 0; i < count; i++) {
        double shifted = phase[i] * M_2_PI + shift, turns = shifted - shift;
        uint64_t bits;
        memcpy(&bits, &shifted, sizeof bits);
        float r = (float)(phase[i] - turns * M_PI_2), q = r * r;
        float s =
            r + r * q * (-1.0f / 6 + q * (1.0f / 120 + q * (-1.0f / 5040 + q * (1.0f / 362880))));
        float c =
            1.0f +
            q * (-0.5f + q * (1.0f / 24 + q * (-1.0f / 720 + q * (1.0f / 40320 - q / 3628800))));
        uint32_t quadrant = (uint32_t)bits;
        bool odd = quadrant & 1;
        float from_sine = odd ? c : s, from_cosine = odd ? s : c;
        sine[i] = quadrant & 2 ? -from_sine : from_sine;
        cosine[i] = (quadrant + 1) & 2 ? -from_cosine : from_cosine;
    }
}

/* ---------------------------------------------------------------- evaluation */

size_t fc__filters_work_size(const fc__filters *filters)
{
    return 2 * filters->table + 2 * filters->count;
}

void fc__filters_float(const fc__filters *filters, const double *x, float *s, size_t stride,
                       double *work)
{
    size_t count = filters->count;
    double *row = work + 2 * filters->table;
    if (filters->whole)
        fill_table(filters, x, work);
    for (size_t l = 0; l < filters->distinct; l++, s += stride) {
        if (filters->whole) {
            whole_row(filters, l, work, row);
            for (size_t i = 0; i < 2 * count; i++)
                s[i] = (float)row[i];
        } else if (phase_row(filters, l, x, row)) {
            sine_cosine(count, row, s, s + count);
        } else {
            for (size_t f = 0; f < count; f++) {
                s[f] = (float)sin(row[f]);
                s[count + f] = (float)cos(row[f]);
            }
        }
    }
}

void fc__filters_double(const fc__filters *filters, const double *x, double *s, size_t stride,
                        double *work)
{
    size_t count = filters->count;
    double *row = work + 2 * filters->table;
    if (filters->whole)
        fill_table(filters, x, work);
    for (size_t l = 0; l < filters->distinct; l++, s += stride) {
        if (filters->whole) {
            whole_row(filters, l, work, s);
            continue;
        }
        phase_row(filters, l, x, row);
        for (size_t f = 0; f < count; f++) {
            s[f] = sin(row[f]);
            s[count + f] = cos(row[f]);
        }
    }
}
