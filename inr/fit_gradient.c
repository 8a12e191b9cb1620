/* Decoder fitting by Adam on random points of random frames. */
#include "inr/engine.h"
#include "inr/fit_pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Frames that share their points share the basis, which is most of the work of a few: all of
     * them are taken where their moments serve, else so many times batch_frames. Measured on 4800
     * frames of 64 x 64 after as many steps: 0.56 of the error of batch_frames alone, at twice the
     * price. */
    SHARING = 16,
    WARM_UP = 40,      /* steps */
    REPORT_EVERY = 32, /* steps */
};

typedef struct fitting {
    fc_decoder *decoder;
    const fc_fit_config *config;
    size_t frames; /* of a minibatch */
    size_t *order; /* (all frames), the minibatch first */
    float *codes;  /* (all frames, C) */
    /* of an engine, which then has all that follows on its device; NULL = the processor's */
    const fc__fit_steps *engine;
    void *resident;
    fc__fit_pass *pass;
    double error;                     /* of the last differentiation */
    float *gradient, *first, *second; /* (parameters) */
    /* of codes moved by Adam */
    float *code_gradient;            /* (frames of a minibatch, C) */
    float *code_first, *code_second; /* (all frames, C) */
    uint64_t *code_steps;            /* (all frames) */
} fitting;

/* Leaves fit->engine NULL where no engine takes the fit. */
static fc_status ask_engine(fc_context *context, const fc__frames *training, fc__code_policy policy,
                            fitting *fit)
{
    const fc_engine *engine = fc__context_engine(context);
    if (!engine || !engine->decoder->fit.create)
        return FC_OK;
    const fc__fit_steps *steps = &engine->decoder->fit;
    fc_status status =
        steps->create(engine->device, context, fit->decoder, training, policy,
                      policy == FC__CODES_SOLVED ? NULL : fit->codes, &fit->resident);
    fit->engine = fit->resident ? steps : NULL;
    return status;
}

static fc_status processor_create(fc_context *context, const fc__frames *training,
                                  fc__code_policy policy, fitting *fit)
{
    fc_status status = FC_OK;
    size_t all = training->count, codes = fit->decoder->config.codes;
    FC_TRY(fc__fit_pass_create(context, fit->decoder, training, policy, &fit->pass));
    FC_NEW(context, &fit->gradient, fit->decoder->parameter_count);
    FC_NEW(context, &fit->first, fit->decoder->parameter_count);
    FC_NEW(context, &fit->second, fit->decoder->parameter_count);
    if (policy != FC__CODES_ADAM)
        return FC_OK;
    FC_NEW(context, &fit->code_gradient, fc__product(fit->frames, codes));
    FC_NEW(context, &fit->code_first, fc__product(all, codes));
    FC_NEW(context, &fit->code_second, fc__product(all, codes));
    FC_NEW(context, &fit->code_steps, all);
done:
    return status;
}

static fc_status fitting_create(fc_context *context, fc_decoder *decoder,
                                const fc__frames *training, const fc_fit_config *config,
                                fc__code_policy policy, float *codes, fitting *fit)
{
    fc_status status = FC_OK;
    size_t all = training->count, frames = config->batch_frames;
    *fit = (fitting){.decoder = decoder, .config = config, .codes = codes};
    if (fc__fit_pass_shares(decoder, training))
        frames = fc__product(frames, SHARING);
    fit->frames =
        frames < all && !fc__fit_pass_by_moments(decoder, training, policy) ? frames : all;
    FC_NEW(context, &fit->order, all);
    FC_TRY(ask_engine(context, training, policy, fit));
    if (!fit->engine)
        FC_TRY(processor_create(context, training, policy, fit));
done:
    return status;
}

static void fitting_clear(fitting *fit)
{
    if (fit->engine)
        fit->engine->destroy(fit->resident);
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

/* Loss and gradient over the minibatch. */
static fc_status differentiate(fc_context *context, fitting *fit, uint64_t seed)
{
    size_t points = fit->config->batch_points;
    if (fit->engine)
        return fit->engine->differentiate(fit->resident, context, fit->frames, fit->order, points,
                                          seed);
    fc__fit_pass_sample(fit->pass, points, seed);
    memset(fit->gradient, 0, fit->decoder->parameter_count * sizeof *fit->gradient);
    return fc__fit_pass_run(context, fit->pass, fit->frames, fit->order,
                            fc__fit_pass_has_moments(fit->pass) ? NULL : fit->codes,
                            fit->code_gradient, &fit->error, fit->gradient);
}

/* One step of the weights, and of the codes of the minibatch, each with its own count of steps. */
static fc_status move(fc_context *context, fitting *fit, uint64_t step, const fc__adam *weights)
{
    const fc__adam adam = {
        .rate = fit->config->code_rate, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    size_t codes = fit->decoder->config.codes;
    if (fit->engine)
        return fit->engine->step(fit->resident, context, step, weights, &adam);
    for (size_t f = 0; fit->code_gradient && f < fit->frames; f++) {
        size_t frame = fit->order[f], at = frame * codes;
        fc__adam_step(NULL, &adam, fit->code_steps[frame]++, codes, fit->code_gradient + f * codes,
                      fit->code_first + at, fit->code_second + at, fit->codes + at);
    }
    fc__adam_step(context, weights, step, fit->decoder->parameter_count, fit->gradient, fit->first,
                  fit->second, fit->decoder->parameters);
    return FC_OK;
}

/* Every step has a loss, but that of an engine is waited for only where it is reported. */
static fc_status report(fc_context *context, fitting *fit, size_t step, size_t steps,
                        double *smoothed)
{
    const double keep = fit->engine ? pow(0.98, REPORT_EVERY) : 0.98;
    bool due = step % REPORT_EVERY == REPORT_EVERY - 1;
    if (fit->engine && !due)
        return FC_OK;
    if (fit->engine) {
        fc_status status = fit->engine->loss(fit->resident, context, &fit->error);
        if (status != FC_OK)
            return status;
    }
    *smoothed = isnan(*smoothed) ? fit->error : keep * *smoothed + (1.0 - keep) * fit->error;
    if (due)
        fc__report(context, "decoder", step + 1, steps, *smoothed);
    return FC_OK;
}

/* Parameters and codes where the caller has them. */
static fc_status fetch(fc_context *context, const fitting *fit, fc__code_policy policy)
{
    if (!fit->engine)
        return FC_OK;
    return fit->engine->read(fit->resident, context, NULL, fit->decoder->parameters,
                             policy == FC__CODES_ADAM ? fit->codes : NULL);
}

fc_status fc__gradient_fit(fc_context *context, fc_decoder *decoder, const fc__frames *training,
                           const fc_fit_config *config, fc__code_policy policy, size_t steps,
                           float *codes)
{
    fc_status status = FC_OK;
    fitting fit = {0};
    fc__rng rng = fc__rng_create(config->seed, 500 + (uint64_t)policy);
    fc__adam adam = {.beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8};
    double smoothed = NAN, rate = config->rate;
    if (steps == 0)
        return FC_OK;
    if (rate == 0.0)
        rate = fc_decoder_is_affine(&decoder->config) ? 7e-3 : 2e-3;
    FC_TRY(fitting_create(context, decoder, training, config, policy, codes, &fit));
    for (size_t step = 0; step < steps; step++) {
        fc__rng_choose(&rng, training->count, fit.frames, fit.order);
        FC_TRY(differentiate(context, &fit, fc__rng_bits(&rng)));
        double warm = fmin(1.0, (double)(step + 1) / WARM_UP);
        adam.rate = rate * warm * 0.5 * (1.0 + cos(M_PI * (double)step / (double)steps));
        FC_TRY(move(context, &fit, step, &adam));
        FC_TRY(report(context, &fit, step, steps, &smoothed));
        if (fc_context_interrupted(context)) {
            status = fc__fail(context, FC_INTERRUPTED, "interrupted while fitting the decoder");
            goto done;
        }
    }
    FC_TRY(fetch(context, &fit, policy));
done:
    fitting_clear(&fit);
    return status;
}
