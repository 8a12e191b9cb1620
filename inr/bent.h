/* bent.h: decoders that bend, whole calls: inr/basis.c and inr/basis_double.c hand them on here. */
#ifndef FC_INR_BENT_H
#define FC_INR_BENT_H

#include "inr/basis.h"
#include "inr/support.h"

fc_status fc__bent_values(fc_context *context, const fc_decoder *decoder, size_t count,
                          const double *coordinates, size_t codes_count, const float *z, float *u);
/* fc_decoder_tangent and fc_decoder_values_vjp */
fc_status fc__bent_tangent_at(fc_context *context, const fc_decoder *decoder, size_t count,
                              const double *coordinates, const float *z, float *phi0, float *phi);
fc_status fc__bent_values_vjp(fc_context *context, const fc_decoder *decoder, size_t count,
                              const double *coordinates, const float *z, const float *u_bar,
                              float *parameter_gradient, float *z_gradient);

/* The same in double, one thread (the reference), with the weights given apart. */
fc_status fc__bent_values_double(fc_context *context, const fc_decoder *decoder,
                                 const double *parameters, size_t count, const double *coordinates,
                                 size_t codes_count, const double *z, double *u);
fc_status fc__bent_tangent_double(fc_context *context, const fc_decoder *decoder,
                                  const double *parameters, size_t count, const double *coordinates,
                                  const double *z, double *phi0, double *phi);
fc_status fc__bent_vjp_double(fc_context *context, const fc_decoder *decoder,
                              const double *parameters, size_t count, const double *coordinates,
                              const double *z, const double *u_bar, double *parameter_gradient,
                              double *z_gradient);

/* Gives the decoder codes to start from (count, C), which are copied. */
fc_status fc__decoder_set_starts(fc_context *context, fc_decoder *decoder, size_t count,
                                 const float *starts);

#endif
