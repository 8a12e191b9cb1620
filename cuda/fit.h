/* fit.h: decoder training on the device (fc__fit_steps of inr/engine.h): values and points of the
 * frames, weights, codes, moments and gradients stay there from the first step to the last.
 *
 * As on the processor (inr/fit_pass.h) frames observed at the same values share a basis
 * (fit_shared.c); others are evaluated forward and backward through the layers, each point with its
 * frame's code (fit_scattered.c). The steps queue: nothing is waited for but what is read. */
#ifndef FC_CUDA_FIT_H
#define FC_CUDA_FIT_H

#include "cuda/codes.h"
#include "cuda/engine.h"
#include "cuda/fit_kernels.h"
#include "cuda/network.h"

typedef struct fc__cuda_shared fc__cuda_shared;
typedef struct fc__cuda_scattered fc__cuda_scattered;

/* Device memory but where it says otherwise. */
typedef struct fc__cuda_fit {
    fc__device *device;
    const fc_decoder *decoder;
    const fc__frames *frames;
    fc__code_policy policy;
    fc_decoder_layout at;
    size_t codes, channels, dims, inputs;
    fc__cuda_network *network;
    fc__cuda_codes *solver;           /* FC__CODES_SOLVED, once it is known for how many frames */
    float *gradient, *first, *second; /* (parameters) */
    float *z;                         /* (frames, C) */
    float *code_first, *code_second;  /* (frames, C), FC__CODES_ADAM */
    uint32_t *code_steps;             /* (frames), likewise */
    double *loss;                     /* of the last differentiation */
    /* of a minibatch; grow with it */
    fc__fit_draw draw;
    size_t count, most; /* frames chosen, and room for them */
    uint32_t *chosen;   /* (most) */
    float *batch_z;     /* (most, C): codes of the frames chosen */
    float *z_bar;       /* (most, C), FC__CODES_ADAM */
    fc__cuda_shared *shared;
    fc__cuda_scattered *scattered; /* the other one NULL */
} fc__cuda_fit;

/* The members of fc__fit_steps. */
fc_status fc__cuda_fit_create(void *device, fc_context *context, const fc_decoder *decoder,
                              const fc__frames *frames, fc__code_policy policy, const float *codes,
                              void **fit);
void fc__cuda_fit_destroy(void *fit);
fc_status fc__cuda_fit_differentiate(void *fit, fc_context *context, size_t count,
                                     const size_t *chosen, size_t points, uint64_t seed);
fc_status fc__cuda_fit_step(void *fit, fc_context *context, uint64_t step, const fc__adam *weights,
                            const fc__adam *codes);
fc_status fc__cuda_fit_loss(void *fit, fc_context *context, double *loss);
fc_status fc__cuda_fit_read(void *fit, fc_context *context, float *gradient, float *parameters,
                            float *codes);

/* Room for solving for the codes of so many frames in a call. */
fc_status fc__cuda_fit_solver(fc_context *context, fc__cuda_fit *fit, size_t frames);

/* The two ways, over the frames chosen; gradient and loss are zero before. */
fc_status fc__cuda_shared_create(fc_context *context, fc__cuda_fit *fit);
void fc__cuda_shared_destroy(fc__cuda_fit *fit);
fc_status fc__cuda_shared_run(fc_context *context, fc__cuda_fit *fit);
fc_status fc__cuda_scattered_create(fc_context *context, fc__cuda_fit *fit);
void fc__cuda_scattered_destroy(fc__cuda_fit *fit);
fc_status fc__cuda_scattered_run(fc_context *context, fc__cuda_fit *fit, const size_t *chosen);

#endif
