/* engine.h: the steps of decoders that a device may take over from the processor.
 *
 * A context has an engine or none (fc_context_set_engine). The functions of this room that do one
 * of the steps below ask its engine first; a member that is NULL, and a step that leaves *taken
 * false, are done by the processor, whose code is the reference. Arrays are in host memory, shaped
 * as in the function named; what a step keeps in the device's own memory is the engine's affair. A
 * step that failed has left a message in the context and its results undefined. */
#ifndef FC_INR_ENGINE_H
#define FC_INR_ENGINE_H

#include "inr/decode.h"
#include "inr/encode.h"
#include "inr/fit.h"

/* Decoder training as fc__gradient_fit does it, resident on the device from the first step to the
 * last: the frames' values and points, weights, codes, moments and gradients. */
typedef struct fc__fit_steps {
    /* Room for training on these frames, which like the decoder outlive it; codes (frames, C) are
     * those of fc__fit_pass_run, NULL where they are solved for. *fit = NULL: not taken. */
    fc_status (*create)(void *device, fc_context *context, const fc_decoder *decoder,
                        const fc__frames *frames, fc__code_policy policy, const float *codes,
                        void **fit);
    void (*destroy)(void *fit);
    /* Loss and gradient over the frames chosen[0..count), of each at most `points` points of the
     * sample that the seed draws (0 = all), as fc__fit_pass_sample and fc__fit_pass_run define
     * them. Nothing comes back to the host. */
    fc_status (*differentiate)(void *fit, fc_context *context, size_t count, const size_t *chosen,
                               size_t points, uint64_t seed);
    /* Adam steps with the gradients of the last differentiation: of the weights, and with
     * FC__CODES_ADAM of the codes of its frames, each with its own count of steps. */
    fc_status (*step)(void *fit, fc_context *context, uint64_t step, const fc__adam *weights,
                      const fc__adam *codes);
    /* The loss of the last differentiation; waits for the device. */
    fc_status (*loss)(void *fit, fc_context *context, double *loss);
    /* What is on the device: gradient and parameters (parameter_count), codes (frames, C); NULL =
     * not wanted. */
    fc_status (*read)(void *fit, fc_context *context, float *gradient, float *parameters,
                      float *codes);
} fc__fit_steps;

typedef struct fc__decoder_steps {
    fc_status (*basis)(void *device, fc_context *context, const fc_decoder *decoder, size_t count,
                       const double *coordinates, float *phi0, float *phi, bool *taken);
    fc_status (*basis_vjp)(void *device, fc_context *context, const fc_decoder *decoder,
                           size_t count, const double *coordinates, const float *phi0_bar,
                           const float *phi_bar, float *parameter_gradient, bool *taken);
    /* fc__decode; the basis stays on the device for the next call on the same points */
    fc_status (*decode)(void *device, fc_context *context, const fc_decoder *decoder,
                        const fc__decoding *decoding, bool *taken);
    /* fc__encode: the basis and the analysis stay on the device likewise */
    fc_status (*encode)(void *device, fc_context *context, const fc_decoder *decoder,
                        const fc_prior *prior, const double *noise, const fc__observed *observed,
                        fc__encoded *encoded, bool *taken);
    /* fc__encode_frames: frames that differ in their points are solved in batches */
    fc_status (*encode_frames)(void *device, fc_context *context, const fc_decoder *decoder,
                               const fc_prior *prior, const double *noise, const fc__frames *frames,
                               double *codes, double *square, double *leverage, bool *taken);
    /* fc__normal_equations */
    fc_status (*normal_equations)(void *device, fc_context *context, const fc_decoder *decoder,
                                  const fc_points *points, size_t count, const size_t *index,
                                  const fc__frames *frames, size_t channel, double *gram,
                                  double *rhs, double *square, bool *taken);
    fc__fit_steps fit; /* all NULL, or none */
} fc__decoder_steps;

struct fc__dynamics_steps; /* ode/engine.h */

struct fc_engine {
    char name[FC_NAME_SIZE]; /* "cuda:0" */
    void *device;            /* handed to every step */
    void (*destroy)(void *device);
    const fc__decoder_steps *decoder;
    const struct fc__dynamics_steps *dynamics;
};

/* That of the context, NULL for none and for a NULL context. */
const fc_engine *fc__context_engine(const fc_context *context);

#endif
