/* Decoder fitting by Adam on random points of random frames. */
#include "inr/fit_pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Frames that share their points share the basis, which is most of the work of a few: all of them
 * are taken where their moments serve, else so many times batch_frames. Measured on 4800 frames of
 * 64 x 64 after as many steps: 0.56 of the error of batch_frames alone, at twice the price. */
enum { SHARING = 16 };

typedef struct fitting {
    fc__fit_pass *pass;
    size_t frames, codes;             /* frames of a minibatch */
    size_t *order;                    /* (all frames), the minibatch first */
    float *gradient, *first, *second; /* (parameters) */
    /* of codes moved by Adam */
    float *code_gradient;            /* (frames of a minibatch, C) */
    float *code_first, *code_second; /* (all frames, C) */
    uint64_t *code_steps;            /* (all frames) */
} fitting;

static fc_status fitting_create(fc_context *context, const fc_decoder *decoder,
                                const fc__frames *training, const fc_fit_config *config,
                                fc__code_policy policy, fitting *fit)
{
    fc_status status = FC_OK;
    size_t all = training->count, frames = config->batch_frames;
    *fit = (fitting){.codes = decoder->config.codes};
    FC_TRY(fc__fit_pass_create(context, decoder, training, policy, &fit->pass));
    if (fc__fit_pass_is_shared(fit->pass))
        frames = fc__product(frames, SHARING);
    fit->frames = frames < all && !fc__fit_pass_has_moments(fit->pass) ? frames : all;
    FC_NEW(context, &fit->order, all);
    FC_NEW(context, &fit->gradient, decoder->parameter_count);
    FC_NEW(context, &fit->first, decoder->parameter_count);
    FC_NEW(context, &fit->second, decoder->parameter_count);
    if (policy != FC__CODES_ADAM)
        return FC_OK;
    FC_NEW(context, &fit->code_gradient, fc__product(fit->frames, fit->codes));
    FC_NEW(context, &fit->code_first, fc__product(all, fit->codes));
    FC_NEW(context, &fit->code_second, fc__product(all, fit->codes));
    FC_NEW(context, &fit->code_steps, all);
done:
    return status;
}

static void fitting_clear(fitting *fit)
{
    fc__fit_pass_destroy(fit->pass);
    free(fit->order);
    free(fit->gradient);
    free(fit->first);
    free(fit->second);
    free(fit->code_gradient);
    free(fit->code_first);
    free(fit->code_second);
    free(fit->code_steps);
}

/* One step of the codes of the minibatch, each with its own count of steps. */
static void move_codes(const fitting *fit, double rate, float *codes)
{
    const fc__adam adam = {.rate = rate, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    for (size_t f = 0; fit->code_gradient && f < fit->frames; f++) {
        size_t frame = fit->order[f], at = frame * fit->codes;
        fc__adam_step(NULL, &adam, fit->code_steps[frame]++, fit->codes,
                      fit->code_gradient + f * fit->codes, fit->code_first + at,
                      fit->code_second + at, codes + at);
    }
}

fc_status fc__gradient_fit(fc_context *context, fc_decoder *decoder, const fc__frames *training,
                           const fc_fit_config *config, fc__code_policy policy, size_t steps,
                           float *codes)
{
    enum { WARM_UP = 40 };
    fc_status status = FC_OK;
    fitting fit = {0};
    fc__rng rng = fc__rng_create(config->seed, 500 + (uint64_t)policy);
    fc__adam adam = {.beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8};
    double smoothed = NAN, error, rate = config->rate;
    if (rate == 0.0)
        rate = fc_decoder_is_affine(&decoder->config) ? 7e-3 : 2e-3;
    FC_TRY(fitting_create(context, decoder, training, config, policy, &fit));
    for (size_t step = 0; step < steps; step++) {
        fc__rng_choose(&rng, training->count, fit.frames, fit.order);
        fc__fit_pass_sample(fit.pass, config->batch_points, fc__rng_bits(&rng));
        memset(fit.gradient, 0, decoder->parameter_count * sizeof *fit.gradient);
        FC_TRY(fc__fit_pass_run(context, fit.pass, fit.frames, fit.order,
                                fc__fit_pass_has_moments(fit.pass) ? NULL : codes,
                                fit.code_gradient, &error, fit.gradient));
        move_codes(&fit, config->code_rate, codes);
        double warm = fmin(1.0, (double)(step + 1) / WARM_UP);
        adam.rate = rate * warm * 0.5 * (1.0 + cos(M_PI * (double)step / (double)steps));
        fc__adam_step(context, &adam, step, decoder->parameter_count, fit.gradient, fit.first,
                      fit.second, decoder->parameters);
        smoothed = isnan(smoothed) ? error : 0.98 * smoothed + 0.02 * error;
        if (step % 32 == 31)
            fc__report(context, "decoder", step + 1, steps, smoothed);
        if (fc_context_interrupted(context)) {
            status = fc__fail(context, FC_INTERRUPTED, "interrupted while fitting the decoder");
            goto done;
        }
    }
done:
    fitting_clear(&fit);
    return status;
}
