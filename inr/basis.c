#include "inr/basis.h"
#include "inr/filters.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum {
    TILE = 128,     /* points taken at a time: their matrices stay in the cache */
    MAX_SLICES = 16 /* separate gradients that are summed in order */
};

#define REAL float
#define NAME(x) x##_float
#define NETWORK network_float
#define TAPE tape_float
#define GEMM fc__sgemm
#define FILTERS fc__filters_float
#include "inr/basis_kernel.h"
#undef REAL
#undef NAME
#undef NETWORK
#undef TAPE
#undef GEMM
#undef FILTERS

#define REAL double
#define NAME(x) x##_double
#define NETWORK network_double
#define TAPE tape_double
#define GEMM fc__dgemm
#define FILTERS fc__filters_double
#include "inr/basis_kernel.h"
#undef REAL
#undef NAME
#undef NETWORK
#undef TAPE
#undef GEMM
#undef FILTERS

fc_status fc_decoder_values(fc_context *context, const fc_decoder *decoder, size_t count,
                            const double *coordinates, size_t codes_count, const float *z, float *u)
{
    return values_float(context, decoder, decoder->parameters, count, coordinates, codes_count, z,
                        u);
}

fc_status fc_decoder_basis(fc_context *context, const fc_decoder *decoder, size_t count,
                           const double *coordinates, float *phi0, float *phi)
{
    return basis_float(context, decoder, decoder->parameters, count, coordinates, phi0, phi);
}

fc_status fc_decoder_basis_vjp(fc_context *context, const fc_decoder *decoder, size_t count,
                               const double *coordinates, const float *phi0_bar,
                               const float *phi_bar, float *parameter_gradient)
{
    return vjp_float(context, decoder, decoder->parameters, count, coordinates, phi0_bar, phi_bar,
                     parameter_gradient);
}

fc_status fc__decoder_values_double(fc_context *context, const fc_decoder *decoder,
                                    const double *parameters, size_t count,
                                    const double *coordinates, size_t codes_count, const double *z,
                                    double *u)
{
    return values_double(context, decoder, parameters, count, coordinates, codes_count, z, u);
}

fc_status fc__decoder_basis_double(fc_context *context, const fc_decoder *decoder,
                                   const double *parameters, size_t count,
                                   const double *coordinates, double *phi0, double *phi)
{
    return basis_double(context, decoder, parameters, count, coordinates, phi0, phi);
}

fc_status fc__decoder_basis_vjp_double(fc_context *context, const fc_decoder *decoder,
                                       const double *parameters, size_t count,
                                       const double *coordinates, const double *phi0_bar,
                                       const double *phi_bar, double *parameter_gradient)
{
    return vjp_double(context, decoder, parameters, count, coordinates, phi0_bar, phi_bar,
                      parameter_gradient);
}

fc_status fc__decoder_features(fc_context *context, const fc_decoder *decoder, size_t count,
                               const double *coordinates, float *features)
{
    enum { FEATURE_TILE = 64 };
    fc_status status = FC_OK;
    network_float network = {0};
    double *work = NULL;
    FC_TRY(open_float(context, decoder, decoder->parameters, &network));
    size_t threads = (size_t)fc_context_threads(context), inputs = decoder->inputs;
    size_t size = FEATURE_TILE * inputs + fc__filters_work_size(&network.filters);
    FC_NEW(context, &work, fc__product(threads, size));
    network.filters.distinct = 1; /* the first layer only */
#pragma omp parallel for num_threads((int)threads) schedule(static)
    for (size_t start = 0; start < count; start += FEATURE_TILE) {
        size_t tile = count - start < FEATURE_TILE ? count - start : FEATURE_TILE;
        double *x = work + (size_t)omp_get_thread_num() * size;
        fc_domain_embed(&decoder->domain, tile, coordinates + start * decoder->domain.dims, x);
        for (size_t p = 0; p < tile; p++)
            fc__filters_float(&network.filters, x + p * inputs,
                              features + (start + p) * network.width, 0, x + FEATURE_TILE * inputs);
    }
done:
    close_float(&network);
    free(work);
    return status;
}
