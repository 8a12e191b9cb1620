/* A run of decoder training over frames observed at the same values: everything but the basis is a
 * product. All frames of the minibatch are taken as they are, also where the processor goes by
 * their covariance (inr/fit_pass_shared.c): three products of (frames, values, C) are less for a
 * device than what surrounds them. Those that residuals and codes come from, differences of numbers
 * that may be near each other, have float factors whatever the precision. */
#include "cuda/fit.h"
#include "inr/fit_pass_paths.h"

#include <stdlib.h>
#include <string.h>

struct fc__cuda_shared {
    size_t seen;
    size_t values, count, frames; /* room: values looked at, minibatch, frames of a block */
    /* device */
    double *coordinates; /* (seen, dims) */
    float *y;            /* (all frames, seen, channels) */
    uint32_t *point;
    double *x, *number, *square;
    float *phi0, *phi, *phi0_bar, *phi_bar;
    float *parts;    /* (FC__FIT_PARTS, values) */
    float *residual; /* (frames, values) */
    float *rhs;      /* (frames, C) */
};

/* ---------------------------------------------------------------- life */

/* The points observed in any channel, for all frames those of the first: point (points). */
static size_t observed_points(const fc__cuda_fit *fit, size_t *point)
{
    const fc_frame *first = fit->frames->frame[0];
    size_t points = fit->frames->dataset->points[first->points].count, seen = 0;
    for (size_t p = 0; p < points; p++) {
        size_t missing = 0;
        for (size_t ch = 0; ch < fit->channels; ch++)
            missing += isnan(first->values[p * fit->channels + ch]);
        if (missing < fit->channels)
            point[seen++] = p;
    }
    return seen;
}

static fc_status upload(fc_context *context, fc__cuda_fit *fit, const size_t *point)
{
    fc_status status = FC_OK;
    const fc__frames *frames = fit->frames;
    const fc_points *set = &frames->dataset->points[frames->frame[0]->points];
    size_t seen = fit->shared->seen, channels = fit->channels, dims = fit->dims;
    double *x = NULL;
    float *y = NULL;
    FC_NEW(context, &x, fc__product(seen, dims));
    FC_NEW(context, &y, fc__product(seen, channels));
    for (size_t k = 0; k < seen; k++)
        memcpy(x + k * dims, set->coordinates + point[k] * dims, dims * sizeof *x);
    FC_TRY(fc__device_upload(context, fit->device, fit->shared->coordinates, x,
                             seen * dims * sizeof *x));
    for (size_t f = 0; f < frames->count; f++) {
        for (size_t k = 0; k < seen; k++)
            memcpy(y + k * channels, frames->frame[f]->values + point[k] * channels,
                   channels * sizeof *y);
        FC_TRY(fc__device_upload(context, fit->device, fit->shared->y + f * seen * channels, y,
                                 seen * channels * sizeof *y));
    }
done:
    free(x);
    free(y);
    return status;
}

fc_status fc__cuda_shared_create(fc_context *context, fc__cuda_fit *fit)
{
    fc_status status = FC_OK;
    size_t *point = NULL, values;
    fc__device *device = fit->device;
    FC_NEW(context, &fit->shared, 1);
    fc__cuda_shared *s = fit->shared;
    FC_NEW(context, &point, fit->frames->dataset->points[fit->frames->frame[0]->points].count);
    s->seen = observed_points(fit, point);
    values = fc__product(s->seen, fit->channels);
    FC_DEVICE_NEW(context, device, "points of the training frames", &s->coordinates,
                  fc__product(s->seen, fit->dims));
    FC_DEVICE_NEW(context, device, "values of the training frames", &s->y,
                  fc__product(fit->frames->count, values));
    FC_DEVICE_NEW(context, device, "number of values", &s->number, 1);
    if (fit->policy == FC__CODES_SOLVED) /* one matrix for all frames */
        FC_TRY(fc__cuda_fit_solver(context, fit, 1));
    FC_TRY(upload(context, fit, point));
done:
    free(point);
    return status;
}

static void free_room(const fc__cuda_fit *fit)
{
    fc__cuda_shared *s = fit->shared;
    void *arrays[] = {s->point,    s->x,       s->square, s->phi0,     s->phi,
                      s->phi0_bar, s->phi_bar, s->parts,  s->residual, s->rhs};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        fc__device_free(fit->device, arrays[i]);
    s->point = NULL;
    s->x = s->square = NULL;
    s->phi0 = s->phi = s->phi0_bar = s->phi_bar = s->parts = s->residual = s->rhs = NULL;
    s->values = s->count = s->frames = 0;
}

void fc__cuda_shared_destroy(fc__cuda_fit *fit)
{
    if (!fit->shared)
        return;
    free_room(fit);
    fc__device_free(fit->device, fit->shared->coordinates);
    fc__device_free(fit->device, fit->shared->y);
    fc__device_free(fit->device, fit->shared->number);
    free(fit->shared);
    fit->shared = NULL;
}

/* As many frames together as half of what memory is left has room for. */
static size_t frames_of_block(const fc__cuda_fit *fit, size_t values)
{
    size_t frames = fc__device_room(fit->device) / 2 / (values * sizeof(float));
    frames = frames < 1 ? 1 : frames > 8192 ? 8192 : frames;
    return frames < fit->count ? frames : fit->count;
}

static fc_status reserve(fc_context *context, fc__cuda_fit *fit, size_t points)
{
    fc_status status = FC_OK;
    fc__cuda_shared *s = fit->shared;
    fc__device *device = fit->device;
    size_t values = fc__product(points, fit->channels), size = fc__product(values, fit->codes);
    if (values <= s->values && fit->count <= s->count)
        return FC_OK;
    free_room(fit);
    FC_DEVICE_NEW(context, device, "points of a minibatch", &s->point, points);
    FC_DEVICE_NEW(context, device, "points of a minibatch", &s->x, fc__product(points, fit->dims));
    FC_DEVICE_NEW(context, device, "basis", &s->phi0, values);
    FC_DEVICE_NEW(context, device, "basis", &s->phi, size);
    FC_DEVICE_NEW(context, device, "gradient of a basis", &s->phi0_bar, values);
    FC_DEVICE_NEW(context, device, "gradient of a basis", &s->phi_bar, size);
    FC_DEVICE_NEW(context, device, "sums of residuals", &s->parts,
                  fc__product(FC__FIT_PARTS, values));
    FC_DEVICE_NEW(context, device, "sums of residuals", &s->square, fc__fit_shared_squares(values));
    size_t frames = frames_of_block(fit, values);
    FC_DEVICE_NEW(context, device, "residuals", &s->residual, fc__product(frames, values));
    FC_DEVICE_NEW(context, device, "projections", &s->rhs, fc__product(frames, fit->codes));
    s->values = values;
    s->count = fit->count;
    s->frames = frames;
done:
    return status;
}

/* ---------------------------------------------------------------- a run */

/* Frames start..start + count of the minibatch: adds to phi_bar, phi0_bar and square, each up to
 * the factor of the mean. */
static fc_status run_block(fc_context *context, fc__cuda_fit *fit, const fc__fit_shared *shared,
                           size_t start, size_t count)
{
    fc_status status = FC_OK;
    const fc__cuda_shared *s = fit->shared;
    fc__device *device = fit->device;
    size_t c = fit->codes, values = shared->points * shared->channels;
    float *z = fit->batch_z + start * c;
    FC_TRY(fc__fit_shared_departures(context, device, shared, start, count, s->residual));
    if (fit->policy == FC__CODES_SOLVED) {
        FC_TRY(fc__device_sgemm(context, device, true, false, false, count, c, values, -1.0f,
                                s->residual, values, s->phi, c, 0.0f, s->rhs, c));
        FC_TRY(fc__cuda_codes_apply(context, fit->solver, count, s->rhs, z));
    }
    FC_TRY(fc__device_sgemm(context, device, true, false, true, count, values, c, 1.0f, z, c,
                            s->phi, c, 1.0f, s->residual, values));
    FC_TRY(fc__fit_shared_sums(context, device, count, values, s->residual, s->parts, s->phi0_bar,
                               s->square));
    FC_TRY(fc__device_sgemm(context, device, false, true, false, values, c, count, 1.0f,
                            s->residual, values, z, c, 1.0f, s->phi_bar, c));
    if (fit->policy == FC__CODES_ADAM)
        FC_TRY(fc__device_sgemm(context, device, false, false, false, count, c, values, 1.0f,
                                s->residual, values, s->phi, c, 0.0f, fit->z_bar + start * c, c));
done:
    return status;
}

/* Gradient of the weights and of codes from the sums; the loss. */
static fc_status finish(fc_context *context, fc__cuda_fit *fit, const fc__fit_shared *shared)
{
    fc_status status = FC_OK;
    const fc__cuda_shared *s = fit->shared;
    fc__device *device = fit->device;
    size_t values = shared->points * shared->channels;
    double mean = 1.0 / (double)fit->count;
    FC_TRY(fc__fit_shared_loss(context, device, s->number, mean, fc__fit_shared_squares(values),
                               s->square, fit->loss));
    FC_TRY(fc__fit_shared_scale(context, device, s->number, 2.0 * mean, values, s->phi0_bar));
    FC_TRY(fc__fit_shared_scale(context, device, s->number, 2.0 * mean, values * fit->codes,
                                s->phi_bar));
    if (fit->policy == FC__CODES_ADAM)
        FC_TRY(fc__fit_shared_scale(context, device, s->number, 2.0, fit->count * fit->codes,
                                    fit->z_bar));
    FC_TRY(fc__cuda_network_basis_vjp(context, fit->network, shared->points, s->x, s->phi0_bar,
                                      s->phi_bar, fit->gradient));
done:
    return status;
}

fc_status fc__cuda_shared_run(fc_context *context, fc__cuda_fit *fit)
{
    fc_status status = FC_OK;
    fc__cuda_shared *s = fit->shared;
    fc__device *device = fit->device;
    size_t points = fc__draw_size(fit->draw, s->seen), values = points * fit->channels;
    FC_TRY(reserve(context, fit, points));
    const fc__fit_shared shared = {.draw = fit->draw,
                                   .seen = s->seen,
                                   .points = points,
                                   .channels = fit->channels,
                                   .dims = fit->dims,
                                   .codes = fit->codes,
                                   .coordinates = s->coordinates,
                                   .values = s->y,
                                   .chosen = fit->chosen,
                                   .point = s->point,
                                   .x = s->x,
                                   .phi0 = s->phi0,
                                   .phi = s->phi,
                                   .number = s->number};
    FC_TRY(fc__fit_shared_points(context, device, &shared));
    FC_TRY(fc__cuda_network_basis(context, fit->network, points, s->x, s->phi0, s->phi));
    FC_TRY(fc__fit_shared_observe(context, device, &shared));
    if (fit->policy == FC__CODES_SOLVED)
        FC_TRY(fc__cuda_codes_factor(context, fit->solver, values, s->phi, FC__CODE_RIDGE));
    FC_TRY(fc__device_zero(context, device, s->phi0_bar, values * sizeof(float)));
    FC_TRY(fc__device_zero(context, device, s->phi_bar, values * fit->codes * sizeof(float)));
    FC_TRY(fc__device_zero(context, device, s->square,
                           fc__fit_shared_squares(values) * sizeof(double)));
    for (size_t start = 0; start < fit->count; start += s->frames)
        FC_TRY(run_block(context, fit, &shared, start,
                         fit->count - start < s->frames ? fit->count - start : s->frames));
    FC_TRY(finish(context, fit, &shared));
done:
    return status;
}
