#include "inr/displacement.h"
#include "inr/basis.h"

#include <math.h>

static bool has_no_end(const fc_axis *axis)
{
    return axis->kind == FC_AXIS_PERIODIC || axis->kind == FC_AXIS_LONGITUDE;
}

void fc__displacement(const fc_domain *domain, const fc_fit_config *fit, size_t copy,
                      double offset[FC_MAX_DIMS])
{
    const double golden = 0.6180339887498949;
    double half = (double)((fit->copies + 1) / 2), spread = golden;
    bool first = true;
    for (size_t i = 0; i < domain->dims; i++) {
        offset[i] = 0.0;
        if (copy == 0 || !has_no_end(&domain->axis[i]))
            continue;
        double step = (double)((copy + 1) / 2) / half; /* both ways, evenly */
        double share = copy % 2 ? step : -step;
        if (!first) { /* apart from those of the axes before, and evenly as well */
            share = 2.0 * fmod((double)copy * spread, 1.0) - 1.0;
            spread *= golden;
        }
        offset[i] = fit->shift * share;
        first = false;
    }
}

fc_status fc__check_displacement(fc_context *context, const fc_decoder_config *config,
                                 const fc_fit_config *fit, const fc_domain *domain)
{
    size_t movable = 0;
    if (fit->copies == 0)
        return FC_OK;
    for (size_t i = 0; i < domain->dims; i++)
        movable += has_no_end(&domain->axis[i]);
    if (movable == 0)
        return fc__fail(context, FC_ERROR_USAGE,
                        "fit.copies: no axis is periodic or a longitude, along which frames could "
                        "be moved");
    fc_filter_kind filter = fc__filter_kind_for(domain, config);
    bool series = fc_decoder_is_affine(config) && config->layers == 0 &&
                  fit->method != FC_FIT_AUTO_DECODING && fit->method != FC_FIT_PROJECTION;
    if (!series || (filter != FC_FILTER_INTEGER && filter != FC_FILTER_HARMONIC))
        return fc__fail(context, FC_ERROR_USAGE,
                        "fit.copies: only series (decoder.family = fourier, decoder.layers = 0) of "
                        "integer or harmonic filters can be moved");
    return FC_OK;
}

/* By how much the phase of a filter goes on over the offset. */
static double phase_of(const fc_decoder *decoder, size_t filter, const double *offset)
{
    const float *omega = decoder->parameters + filter * decoder->inputs;
    const fc_domain *domain = &decoder->domain;
    double phase = 0.0;
    for (size_t i = 0; i < domain->dims; i++) {
        const fc_axis *axis = &domain->axis[i];
        if (axis->kind == FC_AXIS_LONGITUDE)
            phase += (double)omega[1] * offset[i] * M_PI / 180.0;
        else if (axis->kind == FC_AXIS_PERIODIC)
            phase += (double)omega[i] * 2.0 * M_PI * offset[i] / (axis->upper - axis->lower);
    }
    return phase;
}

/* f(x - offset): a sin(p - q) + b cos(p - q) = (a cos q + b sin q) sin p + (b cos q - a sin q) cos
 * p
 */
void fc__displace_series(const fc_decoder *decoder, const double *offset, size_t rows,
                         const double *from, double *to)
{
    size_t filters = decoder->config.filters;
    for (size_t f = 0; f < filters; f++) {
        double phase = phase_of(decoder, f, offset), cosine = cos(phase), sine = sin(phase);
        for (size_t row = 0; row < rows; row++) {
            double a = from[2 * row * filters + f], b = from[(2 * row + 1) * filters + f];
            to[2 * row * filters + f] = a * cosine + b * sine;
            to[(2 * row + 1) * filters + f] = b * cosine - a * sine;
        }
    }
}
