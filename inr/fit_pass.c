/* A pass of decoder training: which of its ways suits the decoder and the frames. */
#include "inr/fit_pass_paths.h"

#include <stdlib.h>
#include <string.h>

bool fc__fit_pass_shares(const fc_decoder *decoder, const fc__frames *frames)
{
    if (!fc_decoder_is_affine(&decoder->config))
        return false;
    for (size_t f = 1; f < frames->count; f++)
        if (!fc__same_observed(frames->dataset, frames->frame[0], frames->frame[f]))
            return false;
    return true;
}

bool fc__fit_pass_by_moments(const fc_decoder *decoder, const fc__frames *frames,
                             fc__code_policy policy)
{
    if (frames->count == 0 || policy != FC__CODES_SOLVED || !fc__fit_pass_shares(decoder, frames))
        return false;
    size_t points = frames->dataset->points[frames->frame[0]->points].count;
    return fc__moments_worth(points * frames->dataset->channel_count, frames->count);
}

fc_status fc__fit_pass_create(fc_context *context, const fc_decoder *decoder,
                              const fc__frames *frames, fc__code_policy policy, fc__fit_pass **pass)
{
    fc_status status = FC_OK;
    fc__fit_pass *made = NULL;
    *pass = NULL;
    FC_NEW(context, &made, 1);
    made->decoder = decoder;
    made->frames = frames;
    made->policy = policy;
    bool bent = !fc_decoder_is_affine(&decoder->config);
    made->shared = fc__fit_pass_shares(decoder, frames);
    if (bent)
        FC_TRY(fc__bent_create(context, made));
    else if (made->shared)
        FC_TRY(fc__shared_create(context, made));
    else
        FC_TRY(fc__scattered_create(context, made));
    if (!bent && !made->shared && policy == FC__CODES_SOLVED)
        FC_TRY(fc__code_solver_create(context, made, &made->solver));
    *pass = made;
    made = NULL;
done:
    fc__fit_pass_destroy(made);
    return status;
}

void fc__fit_pass_destroy(fc__fit_pass *pass)
{
    if (!pass)
        return;
    fc__moments_destroy(pass->moments);
    fc__scattered_destroy(pass->scattered);
    fc__code_solver_destroy(pass->solver);
    fc__bent_destroy(pass->bent);
    free(pass->point);
    free(pass->room);
    free(pass);
}

bool fc__fit_pass_is_shared(const fc__fit_pass *pass)
{
    return pass->shared;
}

bool fc__fit_pass_has_moments(const fc__fit_pass *pass)
{
    return pass->moments != NULL;
}

size_t fc__fit_pass_moments_rank(const fc__fit_pass *pass)
{
    return pass->moments ? pass->moments->rank : 0;
}

void fc__fit_pass_sample(fc__fit_pass *pass, size_t points, uint64_t seed)
{
    pass->sample = points;
    pass->seed = seed;
}

fc_status fc__fit_pass_run(fc_context *context, fc__fit_pass *pass, size_t count,
                           const size_t *chosen, float *codes, float *code_gradient, double *loss,
                           float *gradient)
{
    *loss = 0.0;
    if (count == 0)
        return FC_OK;
    if (!codes)
        return fc__moments_run(context, pass, loss, gradient);
    if (pass->bent)
        return fc__bent_run(context, pass, count, chosen, codes, code_gradient, loss, gradient);
    if (pass->shared)
        return fc__shared_run(context, pass, count, chosen, codes, code_gradient, loss, gradient);
    return fc__scattered_run(context, pass, count, chosen, codes, code_gradient, loss, gradient);
}
