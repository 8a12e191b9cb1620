/* Most harmonics of high degree carry next to nothing, as fields are smoother along circles of
 * latitude than across them, or alike on both hemispheres. */
#include "inr/fit.h"

#include <stdlib.h>
#include <string.h>

/* What a harmonic, sine and cosine together, carries of a channel. */
typedef struct share {
    double energy;
    size_t filter, channel;
} share;

static int compare_shares(const void *left, const void *right)
{
    const share *a = left, *b = right;
    if (a->energy != b->energy)
        return a->energy < b->energy ? -1 : 1;
    if (a->channel != b->channel)
        return a->channel < b->channel ? -1 : 1;
    return a->filter < b->filter ? -1 : a->filter > b->filter;
}

/* Mean over the channels of b^2 + A Sigma A^T, times the mean square of the harmonic. */
static double energy_of(const fc_decoder *decoder, const fc_decoder_layout *at,
                        const fc_prior *prior, size_t channel, size_t filter)
{
    size_t codes = decoder->config.codes, filters = decoder->config.filters;
    const float *p = decoder->parameters;
    double sum = 0.0, square = p[at->omega + 3 * filter + 1] == 0.0f ? 1.0 : 0.5;
    for (size_t part = 0; part < 2; part++) {
        size_t row = (2 * channel + part) * filters + filter;
        double mean = (double)p[at->b + row];
        sum += mean * mean;
        for (size_t j = 0; j < codes; j++) {
            double a = (double)p[at->a + row * codes + j];
            sum += a * a * prior->covariance[j * codes + j];
        }
    }
    return sum * square / (double)decoder->config.channels;
}

static void clear_share(fc_decoder *decoder, const fc_decoder_layout *at, const share *s)
{
    size_t codes = decoder->config.codes, filters = decoder->config.filters;
    for (size_t part = 0; part < 2; part++) {
        size_t row = (2 * s->channel + part) * filters + s->filter;
        decoder->parameters[at->b + row] = 0.0f;
        memset(decoder->parameters + at->a + row * codes, 0, codes * sizeof(float));
    }
}

/* The decoder with the marked filters only. */
static fc_status keep_filters(fc_context *context, fc_decoder *decoder, const bool *kept)
{
    fc_status status = FC_OK;
    float *parameters = NULL;
    fc_decoder_config config = decoder->config;
    size_t filters = decoder->config.filters, codes = config.codes, channels = config.channels;
    config.filters = 0;
    for (size_t f = 0; f < filters; f++)
        config.filters += kept[f];
    fc_decoder_layout old = fc_decoder_layout_of(&decoder->config, decoder->inputs);
    fc_decoder_layout new = fc_decoder_layout_of(&config, decoder->inputs);
    FC_NEW(context, &parameters, new.count);
    const float *from = decoder->parameters;
    for (size_t f = 0, to = 0; f < filters; f++) {
        if (!kept[f])
            continue;
        memcpy(parameters + new.omega + 3 * to, from + old.omega + 3 * f, 3 * sizeof *from);
        for (size_t k = 0; k < 2 * channels; k++) {
            size_t source = k * filters + f, target = k * config.filters + to;
            memcpy(parameters + new.a + target *codes, from + old.a + source * codes,
                   codes * sizeof *from);
            parameters[new.b + target] = from[old.b + source];
            parameters[new.head + target] = from[old.head + source];
        }
        to++;
    }
    memcpy(parameters + new.bias, from + old.bias, channels * sizeof *from);
    free(decoder->parameters);
    decoder->parameters = parameters;
    decoder->parameter_count = new.count;
    decoder->config = config;
done:
    return status;
}

fc_status fc__prune_harmonics(fc_context *context, fc_decoder *decoder, const fc_prior *prior,
                              double spare)
{
    fc_status status = FC_OK;
    size_t filters = decoder->config.filters, channels = decoder->config.channels;
    size_t count = channels * filters;
    fc_decoder_layout at = fc_decoder_layout_of(&decoder->config, decoder->inputs);
    share *shares = NULL;
    bool *kept = NULL;
    FC_NEW(context, &shares, count);
    FC_NEW(context, &kept, filters);
    for (size_t i = 0; i < count; i++)
        shares[i] = (share){.energy = energy_of(decoder, &at, prior, i / filters, i % filters),
                            .filter = i % filters,
                            .channel = i / filters};
    qsort(shares, count, sizeof *shares, compare_shares);
    for (size_t i = 0; i < count; i++) {
        spare -= shares[i].energy;
        if (spare < 0.0 || i + 1 == count) /* one at least */
            kept[shares[i].filter] = true;
        else
            clear_share(decoder, &at, &shares[i]);
    }
    FC_TRY(keep_filters(context, decoder, kept));
done:
    free(shares);
    free(kept);
    return status;
}
