/* displacement.h: copies of fields moved along the axes without ends, longitude and periodic ones,
 * for physics that is the same all along them (fc_fit_config). */
#ifndef FC_INR_DISPLACEMENT_H
#define FC_INR_DISPLACEMENT_H

#include "inr/support.h"

/* How far a copy, 1 to fit->copies, is moved: (dims), 0 for copy 0 and along axes that end. */
void fc__displacement(const fc_domain *domain, const fc_fit_config *fit, size_t copy,
                      double offset[FC_MAX_DIMS]);

/* FC_ERROR_USAGE where copies are asked for of fields that cannot be moved. */
fc_status fc__check_displacement(fc_context *context, const fc_decoder_config *config,
                                 const fc_fit_config *fit, const fc_domain *domain);

/* Coefficients (rows, 2 filters) of fields in a decoder's first filters, moved by an offset. A
 * series moves by turning each pair of sine and cosine coefficients, exactly. */
void fc__displace_series(const fc_decoder *decoder, const double *offset, size_t rows,
                         const double *from, double *to);

#endif
