/* Decoder fitting by Adam on random points of random frames. As the field is affine in the code,
 * the gradient for the basis is the residual times the codes, whichever way these come about. */
#include "inr/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One minibatch: rows of points; frame f of the batch owns rows [begin[f], end[f]), which all
 * frames share when they share their points. */
typedef struct minibatch {
    size_t frames, rows;
    size_t *frame;       /* (frames) index into the training frames */
    size_t *begin, *end; /* (frames) */
    size_t *point;       /* (rows) index into the frame's point set */
    double *x;           /* (rows, dims) */
    float *phi0, *phi;   /* (rows, channels), (rows, channels, C) */
    float *phi0_bar, *phi_bar;
    float *z;        /* (frames, C) */
    float *residual; /* (largest rows of a frame, channels) */
} minibatch;

typedef struct fitting {
    fc_context *context;
    fc_decoder *decoder;
    const fc__frames *training;
    const fc_fit_config *config;
    fc__code_policy policy;
    bool shared;
    minibatch batch;
    float *gradient, *first, *second;        /* (parameters) */
    float *codes, *code_first, *code_second; /* (frames, C) */
    uint64_t *code_steps;                    /* (frames) */
    float *code_gradient;                    /* (C) */
    double *normal, *rhs;                    /* (C, C), (C) */
    fc__rng rng;
} fitting;

static fc_status minibatch_create(fc_context *context, const fitting *fit, minibatch *b)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = fit->training->dataset;
    size_t channels = dataset->channel_count, codes = fit->decoder->config.codes;
    b->frames = fit->config->batch_frames < fit->training->count ? fit->config->batch_frames
                                                                 : fit->training->count;
    size_t rows = fc__product(fit->config->batch_points, fit->shared ? 1 : b->frames);
    FC_NEW(context, &b->frame, fit->training->count);
    FC_NEW(context, &b->begin, b->frames);
    FC_NEW(context, &b->end, b->frames);
    FC_NEW(context, &b->point, rows);
    FC_NEW(context, &b->x, fc__product(rows, dataset->domain.dims));
    FC_NEW(context, &b->phi0, fc__product(rows, channels));
    FC_NEW(context, &b->phi0_bar, fc__product(rows, channels));
    FC_NEW(context, &b->phi, fc__product(rows, channels * codes));
    FC_NEW(context, &b->phi_bar, fc__product(rows, channels * codes));
    FC_NEW(context, &b->z, fc__product(b->frames, codes));
    FC_NEW(context, &b->residual, fc__product(fit->config->batch_points, channels));
done:
    return status;
}

static void minibatch_clear(minibatch *b)
{
    free(b->frame);
    free(b->begin);
    free(b->end);
    free(b->point);
    free(b->x);
    free(b->phi0);
    free(b->phi0_bar);
    free(b->phi);
    free(b->phi_bar);
    free(b->z);
    free(b->residual);
}

/* Draws frames and points; with replacement where a point set is large, which is all that matters.
 */
static void draw(fitting *fit)
{
    minibatch *b = &fit->batch;
    const fc_dataset *dataset = fit->training->dataset;
    size_t dims = dataset->domain.dims;
    fc__rng_choose(&fit->rng, fit->training->count, b->frames, b->frame);
    b->rows = 0;
    for (size_t f = 0; f < b->frames; f++) {
        const fc_points *points = &dataset->points[fit->training->frame[b->frame[f]]->points];
        size_t wanted = fit->config->batch_points;
        bool all = points->count <= wanted;
        if (fit->shared && f > 0) {
            b->begin[f] = b->begin[0];
            b->end[f] = b->end[0];
            continue;
        }
        b->begin[f] = b->rows;
        b->end[f] = b->rows + (all ? points->count : wanted);
        for (size_t i = 0; b->rows < b->end[f]; i++, b->rows++) {
            size_t p = all ? i : fc__rng_below(&fit->rng, points->count);
            b->point[b->rows] = p;
            memcpy(b->x + b->rows * dims, points->coordinates + p * dims, dims * sizeof *b->x);
        }
    }
}

/* Value minus phi0 at a row and channel for a frame of the batch: NaN when missing. */
static float departure(const fitting *fit, size_t f, size_t row, size_t channel)
{
    const minibatch *b = &fit->batch;
    size_t channels = fit->training->dataset->channel_count;
    const fc_frame *frame = fit->training->frame[b->frame[f]];
    return frame->values[b->point[row] * channels + channel] - b->phi0[row * channels + channel];
}

/* z = argmin |y - phi0 - Phi z|^2 + ridge |z|^2 on the rows of the frame. */
static fc_status solve_code(fitting *fit, size_t f, float *z)
{
    const minibatch *b = &fit->batch;
    size_t codes = fit->decoder->config.codes, channels = fit->training->dataset->channel_count;
    const double ridge = 1e-4;
    memset(fit->normal, 0, codes * codes * sizeof *fit->normal);
    memset(fit->rhs, 0, codes * sizeof *fit->rhs);
    for (size_t k = b->begin[f] * channels; k < b->end[f] * channels; k++) {
        const float *phi = b->phi + k * codes;
        float y = departure(fit, f, k / channels, k % channels);
        if (isnan(y))
            continue;
        for (size_t i = 0; i < codes; i++) {
            double p = (double)phi[i];
            fit->rhs[i] += p * (double)y;
            for (size_t j = 0; j <= i; j++)
                fit->normal[i * codes + j] += p * (double)phi[j];
        }
    }
    double trace = 1e-30;
    for (size_t i = 0; i < codes; i++)
        trace += fit->normal[i * codes + i] / (double)codes;
    for (size_t i = 0; i < codes; i++) {
        fit->normal[i * codes + i] += ridge * trace;
        for (size_t j = 0; j < i; j++)
            fit->normal[j * codes + i] = fit->normal[i * codes + j];
    }
    fc_status status = fc__cholesky(fit->context, "codes of a minibatch", codes, fit->normal);
    if (status != FC_OK)
        return status;
    fc__cholesky_solve(codes, fit->normal, 1, fit->rhs);
    for (size_t i = 0; i < codes; i++)
        z[i] = (float)fit->rhs[i];
    return FC_OK;
}

static fc_status find_codes(fitting *fit)
{
    minibatch *b = &fit->batch;
    size_t codes = fit->decoder->config.codes;
    for (size_t f = 0; f < b->frames; f++) {
        float *z = b->z + f * codes;
        if (fit->policy == FC__CODES_SOLVED) {
            fc_status status = solve_code(fit, f, z);
            if (status != FC_OK)
                return status;
        } else {
            memcpy(z, fit->codes + b->frame[f] * codes, codes * sizeof *z);
        }
    }
    return FC_OK;
}

/* Gradient of the mean squared error for basis and, when they are trained, codes; returns the
 * error. */
static double differentiate(fitting *fit, const fc__adam *code_adam)
{
    minibatch *b = &fit->batch;
    size_t codes = fit->decoder->config.codes, channels = fit->training->dataset->channel_count;
    double error = 0.0;
    memset(b->phi0_bar, 0, b->rows * channels * sizeof *b->phi0_bar);
    memset(b->phi_bar, 0, b->rows * channels * codes * sizeof *b->phi_bar);
    for (size_t f = 0; f < b->frames; f++) {
        float *z = b->z + f * codes;
        size_t number = (b->end[f] - b->begin[f]) * channels;
        float share = 2.0f / (float)(number * b->frames);
        memset(fit->code_gradient, 0, codes * sizeof *fit->code_gradient);
        for (size_t k = b->begin[f] * channels; k < b->end[f] * channels; k++) {
            float r = -departure(fit, f, k / channels, k % channels);
            if (isnan(r))
                continue;
            for (size_t i = 0; i < codes; i++)
                r += b->phi[k * codes + i] * z[i];
            error += (double)(r * r) / (double)(number * b->frames);
            b->phi0_bar[k] += share * r;
            for (size_t i = 0; i < codes; i++) {
                b->phi_bar[k * codes + i] += share * r * z[i];
                fit->code_gradient[i] += share * (float)b->frames * r * b->phi[k * codes + i];
            }
        }
        if (fit->policy == FC__CODES_ADAM) {
            size_t at = b->frame[f] * codes;
            fc__adam_step(NULL, code_adam, fit->code_steps[b->frame[f]]++, codes,
                          fit->code_gradient, fit->code_first + at, fit->code_second + at,
                          fit->codes + at);
        }
    }
    return error;
}

static fc_status fitting_create(fitting *fit, float *codes)
{
    fc_status status = FC_OK;
    fc_context *context = fit->context;
    size_t c = fit->decoder->config.codes, frames = fit->training->count;
    bool adam = fit->policy == FC__CODES_ADAM;
    fit->codes = codes;
    fit->shared = true;
    for (size_t f = 1; f < frames; f++)
        fit->shared &= fit->training->frame[f]->points == fit->training->frame[0]->points;
    FC_NEW(context, &fit->gradient, fit->decoder->parameter_count);
    FC_NEW(context, &fit->first, fit->decoder->parameter_count);
    FC_NEW(context, &fit->second, fit->decoder->parameter_count);
    FC_NEW(context, &fit->code_first, adam ? fc__product(frames, c) : 0);
    FC_NEW(context, &fit->code_second, adam ? fc__product(frames, c) : 0);
    FC_NEW(context, &fit->code_steps, frames);
    FC_NEW(context, &fit->code_gradient, c);
    FC_NEW(context, &fit->normal, fc__product(c, c));
    FC_NEW(context, &fit->rhs, c);
    FC_TRY(minibatch_create(context, fit, &fit->batch));
done:
    return status;
}

static void fitting_clear(fitting *fit)
{
    minibatch_clear(&fit->batch);
    free(fit->gradient);
    free(fit->first);
    free(fit->second);
    free(fit->code_first);
    free(fit->code_second);
    free(fit->code_steps);
    free(fit->code_gradient);
    free(fit->normal);
    free(fit->rhs);
}

fc_status fc__gradient_fit(fc_context *context, fc_decoder *decoder, const fc__frames *training,
                           const fc_fit_config *config, fc__code_policy policy, size_t steps,
                           float *codes)
{
    enum { WARM_UP = 40 };
    fc_status status = FC_OK;
    fitting fit = {.context = context,
                   .decoder = decoder,
                   .training = training,
                   .config = config,
                   .policy = policy,
                   .rng = fc__rng_create(config->seed, 500 + (uint64_t)policy)};
    fc__adam adam = {.beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8};
    fc__adam code_adam = {.rate = config->code_rate, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    double smoothed = NAN;
    FC_TRY(fitting_create(&fit, codes));
    minibatch *b = &fit.batch;
    for (size_t step = 0; step < steps; step++) {
        draw(&fit);
        FC_TRY(fc_decoder_basis(context, decoder, b->rows, b->x, b->phi0, b->phi));
        FC_TRY(find_codes(&fit));
        double error = differentiate(&fit, &code_adam);
        memset(fit.gradient, 0, decoder->parameter_count * sizeof *fit.gradient);
        FC_TRY(fc_decoder_basis_vjp(context, decoder, b->rows, b->x, b->phi0_bar, b->phi_bar,
                                    fit.gradient));
        double warm = fmin(1.0, (double)(step + 1) / WARM_UP);
        adam.rate = config->rate * warm * 0.5 * (1.0 + cos(M_PI * (double)step / (double)steps));
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
