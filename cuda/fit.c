/* Decoder training on the device: what both ways share. */
#include "cuda/fit.h"
#include "cuda/adam.h"
#include "inr/fit_pass.h"

#include <stdlib.h>

/* ---------------------------------------------------------------- life */

static fc_status create_weights(fc_context *context, fc__cuda_fit *fit)
{
    fc_status status = FC_OK;
    size_t count = fit->decoder->parameter_count, bytes = count * sizeof(float);
    FC_DEVICE_NEW(context, fit->device, "gradient of a decoder", &fit->gradient, count);
    FC_DEVICE_NEW(context, fit->device, "moments of a decoder", &fit->first, count);
    FC_DEVICE_NEW(context, fit->device, "moments of a decoder", &fit->second, count);
    FC_DEVICE_NEW(context, fit->device, "loss", &fit->loss, 1);
    FC_TRY(fc__device_zero(context, fit->device, fit->gradient, bytes));
    FC_TRY(fc__device_zero(context, fit->device, fit->first, bytes));
    FC_TRY(fc__device_zero(context, fit->device, fit->second, bytes));
    FC_TRY(fc__device_zero(context, fit->device, fit->loss, sizeof *fit->loss));
done:
    return status;
}

static fc_status create_codes(fc_context *context, const float *codes, fc__cuda_fit *fit)
{
    fc_status status = FC_OK;
    size_t all = fit->frames->count, size = fc__product(all, fit->codes);
    FC_DEVICE_NEW(context, fit->device, "codes of the training frames", &fit->z, size);
    if (codes)
        FC_TRY(fc__device_upload(context, fit->device, fit->z, codes, size * sizeof *codes));
    else
        FC_TRY(fc__device_zero(context, fit->device, fit->z, size * sizeof *fit->z));
    if (fit->policy != FC__CODES_ADAM)
        return FC_OK;
    FC_DEVICE_NEW(context, fit->device, "moments of the codes", &fit->code_first, size);
    FC_DEVICE_NEW(context, fit->device, "moments of the codes", &fit->code_second, size);
    FC_DEVICE_NEW(context, fit->device, "steps of the codes", &fit->code_steps, all);
    FC_TRY(fc__device_zero(context, fit->device, fit->code_first, size * sizeof *fit->z));
    FC_TRY(fc__device_zero(context, fit->device, fit->code_second, size * sizeof *fit->z));
    FC_TRY(fc__device_zero(context, fit->device, fit->code_steps, all * sizeof *fit->code_steps));
done:
    return status;
}

fc_status fc__cuda_fit_create(void *device, fc_context *context, const fc_decoder *decoder,
                              const fc__frames *frames, fc__code_policy policy, const float *codes,
                              void **fit)
{
    fc_status status = FC_OK;
    fc__cuda_fit *made = NULL;
    *fit = NULL;
    if (frames->count == 0 || frames->count > UINT32_MAX)
        return FC_OK;
    FC_NEW(context, &made, 1);
    made->device = ((fc__cuda *)device)->device;
    FC_TRY(fc__cuda_network_create(context, made->device, decoder, &made->network));
    if (!made->network)
        goto done; /* one that the device does not take */
    made->decoder = decoder;
    made->frames = frames;
    made->policy = policy;
    made->at = fc_decoder_layout_of(&decoder->config, decoder->inputs);
    made->codes = decoder->config.codes;
    made->channels = decoder->config.channels;
    made->dims = decoder->domain.dims;
    made->inputs = decoder->inputs;
    FC_TRY(create_weights(context, made));
    FC_TRY(create_codes(context, codes, made));
    if (fc__fit_pass_shares(decoder, frames))
        FC_TRY(fc__cuda_shared_create(context, made));
    else
        FC_TRY(fc__cuda_scattered_create(context, made));
    *fit = made;
    made = NULL;
done:
    fc__cuda_fit_destroy(made);
    return status;
}

static void free_minibatch(fc__cuda_fit *fit)
{
    fc__device_free(fit->device, fit->chosen);
    fc__device_free(fit->device, fit->batch_z);
    fc__device_free(fit->device, fit->z_bar);
    fit->chosen = NULL;
    fit->batch_z = fit->z_bar = NULL;
    fit->most = 0;
}

void fc__cuda_fit_destroy(void *fit)
{
    fc__cuda_fit *own = fit;
    if (!own)
        return;
    fc__cuda_shared_destroy(own);
    fc__cuda_scattered_destroy(own);
    fc__cuda_codes_destroy(own->solver);
    fc__cuda_network_destroy(own->network);
    free_minibatch(own);
    fc__device_free(own->device, own->gradient);
    fc__device_free(own->device, own->first);
    fc__device_free(own->device, own->second);
    fc__device_free(own->device, own->z);
    fc__device_free(own->device, own->code_first);
    fc__device_free(own->device, own->code_second);
    fc__device_free(own->device, own->code_steps);
    fc__device_free(own->device, own->loss);
    free(own);
}

/* ---------------------------------------------------------------- steps */

static fc_status reserve_minibatch(fc_context *context, fc__cuda_fit *fit, size_t count)
{
    fc_status status = FC_OK;
    size_t size = fc__product(count, fit->codes);
    if (count <= fit->most)
        return FC_OK;
    free_minibatch(fit);
    FC_DEVICE_NEW(context, fit->device, "frames of a minibatch", &fit->chosen, count);
    FC_DEVICE_NEW(context, fit->device, "codes of a minibatch", &fit->batch_z, size);
    if (fit->policy == FC__CODES_ADAM)
        FC_DEVICE_NEW(context, fit->device, "gradient of codes", &fit->z_bar, size);
    fit->most = count;
done:
    return status;
}

fc_status fc__cuda_fit_solver(fc_context *context, fc__cuda_fit *fit, size_t frames)
{
    fc__cuda_codes_destroy(fit->solver);
    fit->solver = NULL;
    return fc__cuda_codes_create(context, fit->device, frames, fit->codes, &fit->solver);
}

fc_status fc__cuda_fit_differentiate(void *fit, fc_context *context, size_t count,
                                     const size_t *chosen, size_t points, uint64_t seed)
{
    fc_status status = FC_OK;
    fc__cuda_fit *own = fit;
    FC_TRY(reserve_minibatch(context, own, count));
    own->count = count;
    own->draw = (fc__fit_draw){.points = points, .seed = seed};
    FC_TRY(fc__device_zero(context, own->device, own->loss, sizeof *own->loss));
    FC_TRY(fc__device_zero(context, own->device, own->gradient,
                           own->decoder->parameter_count * sizeof *own->gradient));
    if (count == 0)
        return FC_OK;
    FC_TRY(fc__fit_choose(context, own->device, count, chosen, own->chosen));
    FC_TRY(fc__fit_take_rows(context, own->device, count, own->codes, own->chosen, own->z,
                             own->batch_z));
    if (own->shared)
        FC_TRY(fc__cuda_shared_run(context, own));
    else
        FC_TRY(fc__cuda_scattered_run(context, own, chosen));
    if (own->policy == FC__CODES_SOLVED)
        FC_TRY(fc__fit_put_rows(context, own->device, count, own->codes, own->chosen, own->batch_z,
                                own->z));
done:
    return status;
}

fc_status fc__cuda_fit_step(void *fit, fc_context *context, uint64_t step, const fc__adam *weights,
                            const fc__adam *codes)
{
    fc_status status = FC_OK;
    fc__cuda_fit *own = fit;
    const fc__adam_constants constants = fc__adam_constants_of(weights, step);
    if (own->policy == FC__CODES_ADAM && own->count > 0)
        FC_TRY(fc__fit_move_codes(context, own->device, codes, own->count, own->codes, own->chosen,
                                  own->z_bar, own->code_steps, own->code_first, own->code_second,
                                  own->z));
    FC_TRY(fc__cuda_adam(context, own->device, &constants, own->decoder->parameter_count,
                         own->gradient, own->first, own->second,
                         fc__cuda_network_parameters(own->network)));
    FC_TRY(fc__cuda_network_refresh(context, own->network));
done:
    return status;
}

/* ---------------------------------------------------------------- results */

/* A matrix that was not positive definite shows here. */
static fc_status check(fc_context *context, fc__cuda_fit *fit)
{
    return fit->solver ? fc__cuda_codes_check(context, fit->solver) : FC_OK;
}

fc_status fc__cuda_fit_loss(void *fit, fc_context *context, double *loss)
{
    fc_status status = FC_OK;
    fc__cuda_fit *own = fit;
    FC_TRY(check(context, own));
    FC_TRY(fc__device_download(context, own->device, loss, own->loss, sizeof *loss));
done:
    return status;
}

fc_status fc__cuda_fit_read(void *fit, fc_context *context, float *gradient, float *parameters,
                            float *codes)
{
    fc_status status = FC_OK;
    fc__cuda_fit *own = fit;
    size_t bytes = own->decoder->parameter_count * sizeof(float);
    FC_TRY(check(context, own));
    if (gradient)
        FC_TRY(fc__device_download(context, own->device, gradient, own->gradient, bytes));
    if (parameters)
        FC_TRY(fc__device_download(context, own->device, parameters,
                                   fc__cuda_network_parameters(own->network), bytes));
    if (codes)
        FC_TRY(fc__device_download(context, own->device, codes, own->z,
                                   own->frames->count * own->codes * sizeof *codes));
done:
    return status;
}
