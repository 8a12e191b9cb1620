/* Equations in the waves of a decoder, and their projection on its basis. */
#include "ode/equation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool fc__equation_suits(const fc_decoder *decoder)
{
    const fc_domain *domain = &decoder->domain;
    bool suits = decoder->config.family == FC_DECODER_FOURIER && decoder->config.layers == 0 &&
                 decoder->config.filter == FC_FILTER_INTEGER && domain->dims <= 2 &&
                 decoder->config.channels <= FC__EQUATION_CHANNELS;
    for (size_t d = 0; d < domain->dims; d++)
        suits = suits && domain->axis[d].kind == FC_AXIS_PERIODIC;
    return suits;
}

fc_status fc__equation_create(fc_context *context, const fc_decoder *decoder,
                              fc_equation **equation)
{
    fc_status status = FC_OK;
    fc_equation *e = NULL;
    const fc_domain *domain = &decoder->domain;
    size_t waves = decoder->config.filters;
    const float *omega =
        decoder->parameters + fc_decoder_layout_of(&decoder->config, decoder->inputs).omega;
    *equation = NULL;
    FC_NEW(context, &e, 1);
    e->dims = domain->dims;
    e->channels = decoder->config.channels;
    e->wave_count = waves;
    for (size_t d = 0; d < e->dims; d++)
        e->length[d] = domain->axis[d].upper - domain->axis[d].lower;
    FC_NEW(context, &e->waves, fc__product(waves, e->dims));
    for (size_t i = 0; i < waves * e->dims; i++)
        e->waves[i] = (int)lrintf(omega[i]);
    FC_NEW(context, &e->forcing, fc__product(2 * e->channels, waves));
    *equation = e;
    e = NULL;
done:
    fc_equation_destroy(e);
    return status;
}

void fc_equation_destroy(fc_equation *equation)
{
    if (!equation)
        return;
    free(equation->waves);
    free(equation->terms);
    free(equation->forcing);
    free(equation);
}

static fc_status copy_bytes(fc_context *context, const void *from, size_t bytes, void *to)
{
    fc_status status = fc__allocate(context, bytes, 1, to);
    if (status == FC_OK)
        memcpy(*(void **)to, from, bytes);
    return status;
}

fc_status fc__equation_copy(fc_context *context, const fc_equation *from, fc_equation **copy)
{
    fc_status status = FC_OK;
    fc_equation *e = NULL;
    *copy = NULL;
    FC_NEW(context, &e, 1);
    *e = *from;
    e->waves = NULL;
    e->terms = NULL;
    e->forcing = NULL;
    FC_TRY(copy_bytes(context, from->waves, e->wave_count * e->dims * sizeof *e->waves, &e->waves));
    FC_TRY(copy_bytes(context, from->terms, e->term_count * sizeof *e->terms, &e->terms));
    FC_TRY(copy_bytes(context, from->forcing, 2 * e->channels * e->wave_count * sizeof(double),
                      &e->forcing));
    *copy = e;
    e = NULL;
done:
    fc_equation_destroy(e);
    return status;
}

/* ---------------------------------------------------------------- codes */

/* q_sin sin a + q_cos cos a = 2 Re (w exp(i a)),  w = (q_cos - i q_sin) / 2; of the wave 0 the
 * coefficient is the cosine's. */
static void fill_map(const fc_decoder *decoder, fc__code_map *map)
{
    fc_decoder_layout at = fc_decoder_layout_of(&decoder->config, decoder->inputs);
    const float *p = decoder->parameters;
    size_t waves = map->waves, codes = map->codes, width = 2 * waves;
    for (size_t c = 0; c < map->channels; c++) {
        for (size_t k = 0; k < waves; k++) {
            bool zero = true;
            for (size_t d = 0; d < decoder->inputs; d++)
                zero = zero && p[at.omega + k * decoder->inputs + d] == 0.0f;
            for (size_t part = 0; part < 2; part++) {
                size_t from = c * width + (part == 0 ? waves : 0) + k;
                size_t row = 2 * (c * waves + k) + part;
                double factor = (double)p[at.head + from];
                factor *= zero ? (part == 0 ? 1.0 : 0.0) : part == 0 ? 0.5 : -0.5;
                map->offset[row] = factor * (double)p[at.b + from];
                if (zero && part == 0)
                    map->offset[row] += (double)p[at.bias + c];
                for (size_t i = 0; i < codes; i++)
                    map->lift[row * codes + i] = factor * (double)p[at.a + from * codes + i];
            }
        }
    }
}

/* project = (lift^T M lift)^-1 lift^T M, M the mean square over the domain: 2 |w|^2, |w(0)|^2 */
static fc_status fill_project(fc_context *context, const fc_decoder *decoder, fc__code_map *map)
{
    fc_status status = FC_OK;
    size_t size = 2 * map->channels * map->waves, codes = map->codes;
    double *scaled = NULL, *normal = NULL;
    const float *omega =
        decoder->parameters + fc_decoder_layout_of(&decoder->config, decoder->inputs).omega;
    FC_NEW(context, &scaled, fc__product(size, codes));
    FC_NEW(context, &normal, fc__product(codes, codes));
    for (size_t row = 0; row < size; row++) {
        size_t k = row / 2 % map->waves;
        bool zero = true;
        for (size_t d = 0; d < decoder->inputs; d++)
            zero = zero && omega[k * decoder->inputs + d] == 0.0f;
        for (size_t i = 0; i < codes; i++)
            scaled[row * codes + i] = (zero ? 1.0 : 2.0) * map->lift[row * codes + i];
    }
    fc__dgemm_parallel(context, true, false, codes, codes, size, 1.0, map->lift, codes, scaled,
                       codes, 0.0, normal, codes);
    FC_TRY(fc__cholesky(context, "basis of the equation", codes, normal));
    for (size_t i = 0; i < codes; i++)
        for (size_t row = 0; row < size; row++)
            map->project[i * size + row] = scaled[row * codes + i];
    fc__cholesky_solve(codes, normal, size, map->project);
done:
    free(scaled);
    free(normal);
    return status;
}

fc_status fc__code_map_create(fc_context *context, const fc_decoder *decoder, fc__code_map *map)
{
    fc_status status = FC_OK;
    *map = (fc__code_map){.codes = decoder->config.codes,
                          .channels = decoder->config.channels,
                          .waves = decoder->config.filters};
    size_t size = fc__product(2 * map->channels, map->waves);
    FC_NEW(context, &map->lift, fc__product(size, map->codes));
    FC_NEW(context, &map->offset, size);
    FC_NEW(context, &map->project, fc__product(size, map->codes));
    fill_map(decoder, map);
    FC_TRY(fill_project(context, decoder, map));
done:
    if (status != FC_OK)
        fc__code_map_clear(map);
    return status;
}

void fc__code_map_clear(fc__code_map *map)
{
    free(map->lift);
    free(map->offset);
    free(map->project);
    *map = (fc__code_map){0};
}

void fc__code_map_lift(const fc__code_map *map, size_t rows, const double *z, fc__wave *w)
{
    size_t size = 2 * map->channels * map->waves;
    double *parts = (double *)w;
    for (size_t r = 0; r < rows; r++)
        memcpy(parts + r * size, map->offset, size * sizeof *parts);
    fc__dgemm(false, true, rows, size, map->codes, 1.0, z, map->codes, map->lift, map->codes, 1.0,
              parts, size);
}

/* ---------------------------------------------------------------- the projected field */

static void galerkin_destroy(fc__galerkin *galerkin)
{
    if (!galerkin)
        return;
    fc__code_map_clear(&galerkin->map);
    fc__spectral_destroy(galerkin->spectral);
    free(galerkin);
}

void fc__field_clear_equation(fc_field *field)
{
    galerkin_destroy(field->galerkin);
    fc_equation_destroy(field->equation);
    field->galerkin = NULL;
    field->equation = NULL;
}

static bool same_waves(const fc_equation *a, const fc_equation *b)
{
    return a->dims == b->dims && a->channels == b->channels && a->wave_count == b->wave_count &&
           memcmp(a->waves, b->waves, a->wave_count * a->dims * sizeof *a->waves) == 0;
}

fc_status fc_field_set_equation(fc_context *context, fc_field *field, const fc_decoder *decoder,
                                fc_equation *equation)
{
    fc_status status = FC_OK;
    fc__galerkin *made = NULL;
    fc_equation *own = NULL;
    if (!fc__equation_suits(decoder))
        return fc__fail(context, FC_ERROR_DATA,
                        "an equation needs a decoder that is a Fourier series with whole wave "
                        "numbers on one or two periodic axes and at most %d channels",
                        FC__EQUATION_CHANNELS);
    FC_TRY(fc__equation_create(context, decoder, &own));
    if (!same_waves(own, equation)) {
        status = fc__fail(context, FC_ERROR_DATA,
                          "the equation has %zu waves for %zu channels, which are not the "
                          "decoder's %zu for %zu",
                          equation->wave_count, equation->channels, own->wave_count, own->channels);
        goto done;
    }
    FC_NEW(context, &made, 1);
    FC_TRY(fc__code_map_create(context, decoder, &made->map));
    FC_TRY(fc__spectral_create(context, equation, &made->spectral));
    fc__field_clear_equation(field);
    field->equation = equation;
    field->galerkin = made;
    made = NULL;
done:
    galerkin_destroy(made);
    fc_equation_destroy(own);
    return status;
}

/* Rows of coefficients and of their rates, and the work of one evaluation. */
size_t fc__galerkin_work_size(const fc__galerkin *galerkin, size_t rows)
{
    size_t size = 2 * galerkin->map.channels * galerkin->map.waves;
    size_t all = fc__product(3 * rows, size);
    return all + 8 + fc__spectral_work_size(galerkin->spectral);
}

/* The first multiple of a cache line at or after `work`. */
static double *aligned(double *work)
{
    return work + (64 - (uintptr_t)work % 64) % 64 / sizeof *work;
}

static void project(const fc__code_map *map, size_t rows, const double *rates, double *dz)
{
    size_t size = 2 * map->channels * map->waves;
    fc__dgemm(false, true, rows, map->codes, size, 1.0, rates, size, map->project, size, 0.0, dz,
              map->codes);
}

void fc__galerkin_eval(const fc__galerkin *galerkin, size_t rows, const double *z, double *dz,
                       double *work)
{
    const fc__code_map *map = &galerkin->map;
    size_t size = 2 * map->channels * map->waves;
    double *w = work, *rates = w + rows * size, *own = aligned(rates + rows * size);
    fc__code_map_lift(map, rows, z, (fc__wave *)w);
    for (size_t r = 0; r < rows; r++)
        fc__spectral_eval(galerkin->spectral, (const fc__wave *)(w + r * size),
                          (fc__wave *)(rates + r * size), own);
    project(map, rows, rates, dz);
}

void fc__galerkin_jvp(const fc__galerkin *galerkin, size_t rows, const double *z,
                      const double *z_dot, double *dz_dot, double *work)
{
    const fc__code_map *map = &galerkin->map;
    size_t size = 2 * map->channels * map->waves;
    double *w = work, *dots = w + rows * size, *rates = dots + rows * size;
    double *own = aligned(rates + rows * size);
    fc__code_map_lift(map, rows, z, (fc__wave *)w);
    fc__dgemm(false, true, rows, size, map->codes, 1.0, z_dot, map->codes, map->lift, map->codes,
              0.0, dots, size);
    for (size_t r = 0; r < rows; r++)
        fc__spectral_jvp(galerkin->spectral, (const fc__wave *)(w + r * size),
                         (const fc__wave *)(dots + r * size), (fc__wave *)(rates + r * size), own);
    project(map, rows, rates, dz_dot);
}
