/* basis.h: what decoder fitting and the tests use of the decoder beside inr.h. */
#ifndef FC_INR_BASIS_H
#define FC_INR_BASIS_H

#include "inr/support.h"

/* The kind of a decoder's filters that FC_FILTER_AUTO stands for. */
fc_filter_kind fc__filter_kind_for(const fc_domain *domain, const fc_decoder_config *config);

/* The features of the first layer, s_0(x) = [sin(Omega_0 x), cos(Omega_0 x)], width = 2 filters of
 * them. With layers = 0 and head = 1 the basis is Phi = features A. */
fc_status fc__decoder_features(fc_context *context, const fc_decoder *decoder, size_t count,
                               const double *coordinates, float *features); /* (count, width) */

/* fc_decoder_values, fc_decoder_basis and fc_decoder_basis_vjp in double, with BLAS (the
 * reference), with the weights given apart: (decoder->parameter_count), laid out as
 * decoder->parameters. */
fc_status fc__decoder_values_double(fc_context *context, const fc_decoder *decoder,
                                    const double *parameters, size_t count,
                                    const double *coordinates, size_t codes_count, const double *z,
                                    double *u);
fc_status fc__decoder_basis_double(fc_context *context, const fc_decoder *decoder,
                                   const double *parameters, size_t count,
                                   const double *coordinates, double *phi0, double *phi);
fc_status fc__decoder_basis_vjp_double(fc_context *context, const fc_decoder *decoder,
                                       const double *parameters, size_t count,
                                       const double *coordinates, const double *phi0_bar,
                                       const double *phi_bar, double *parameter_gradient);

#endif
