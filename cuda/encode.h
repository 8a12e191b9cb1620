/* encode.h: the steps encode, encode_frames and normal_equations of fc__decoder_steps
 * (inr/engine.h). */
#ifndef FC_CUDA_ENCODE_H
#define FC_CUDA_ENCODE_H

#include "cuda/engine.h"

fc_status fc__cuda_encode(void *device, fc_context *context, const fc_decoder *decoder,
                          const fc_prior *prior, const double *noise, const fc__observed *observed,
                          fc__encoded *encoded, bool *taken);
fc_status fc__cuda_encode_frames(void *device, fc_context *context, const fc_decoder *decoder,
                                 const fc_prior *prior, const double *noise,
                                 const fc__frames *frames, double *codes, double *square,
                                 double *leverage, bool *taken);
fc_status fc__cuda_normal_equations(void *device, fc_context *context, const fc_decoder *decoder,
                                    const fc_points *points, size_t count, const size_t *index,
                                    const fc__frames *frames, size_t channel, double *gram,
                                    double *rhs, double *square, bool *taken);

#endif
