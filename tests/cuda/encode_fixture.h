/* encode_fixture.h: decoders, priors and observed frames for tests of encoding. */
#ifndef FC_ENCODE_FIXTURE_H
#define FC_ENCODE_FIXTURE_H

#include "cuda_fixture.h"

#include "tests/inr/decoder_fixture.h"

/* Codes follow from bases that differ by the tolerances of cuda_fixture.h; the posterior of these
 * tests, whose noise is a tenth of the prior's spread, makes at most this much more of them. */
#define ENCODE_AMPLIFICATION 2.0

static inline double encode_tolerance(fc_cuda_precision precision)
{
    return ENCODE_AMPLIFICATION * (precision == FC_CUDA_FP32 ? TOLERANCE_FP32 : TOLERANCE_TF32);
}

static inline fc_decoder *encode_decoder(fc_context *context, size_t codes, size_t channels)
{
    fc_decoder_config config = small_config(FC_FILTER_INTEGER, 2);
    config.codes = codes;
    config.channels = channels;
    config.filters = 13;
    return make_decoder(context, planar_domain(), config);
}

/* A prior whose covariance is not diagonal. */
static inline fc_prior *encode_prior(fc_context *context, size_t codes)
{
    fc_prior *prior = NULL;
    fc__rng rng = fc__rng_create(11, codes);
    double *mean = zeros(codes, sizeof *mean), *root = zeros(codes * codes, sizeof *root);
    double *covariance = zeros(codes * codes, sizeof *covariance);
    for (size_t i = 0; i < codes; i++) {
        mean[i] = 0.3 * fc__rng_normal(&rng);
        for (size_t j = 0; j < codes; j++)
            root[i * codes + j] = (i == j ? 1.0 : 0.3 / sqrt((double)codes) * fc__rng_normal(&rng));
    }
    fc__dsyrk(codes, codes, 1.0, root, 0.0, covariance);
    CHECK(fc_prior_create(context, codes, mean, covariance, &prior));
    free(mean);
    free(root);
    free(covariance);
    return prior;
}

/* Values (count, channels) of the decoder at a code drawn for the frame, and noise. */
static inline void encode_values(fc_context *context, const fc_decoder *decoder, size_t count,
                                 const double *x, uint64_t frame, float *values)
{
    size_t codes = decoder->config.codes;
    fc__rng rng = fc__rng_create(frame, 7);
    float *z = zeros(codes, sizeof *z);
    for (size_t i = 0; i < codes; i++)
        z[i] = (float)fc__rng_normal(&rng);
    CHECK(fc_decoder_values(context, decoder, count, x, 1, z, values));
    for (size_t i = 0; i < count * decoder->config.channels; i++)
        values[i] += 0.1f * (float)fc__rng_normal(&rng);
    free(z);
}

#endif
