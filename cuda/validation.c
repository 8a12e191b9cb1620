#include "cuda/validation.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_BATCH = 1024 };

static size_t frames_of(const fc_trajectories *t, size_t sequence)
{
    return t->first[sequence + 1] - t->first[sequence];
}

/* The longest first, so that few rows of a batch roll on beyond their end; stable. */
static void sort(const fc_trajectories *t, size_t count, size_t *sequence, size_t *scratch)
{
    if (count < 2)
        return;
    size_t half = count / 2, a = 0, b = half;
    sort(t, half, sequence, scratch);
    sort(t, count - half, sequence + half, scratch);
    for (size_t i = 0; i < count; i++) {
        bool left =
            b == count || (a < half && frames_of(t, sequence[a]) >= frames_of(t, sequence[b]));
        scratch[i] = sequence[left ? a++ : b++];
    }
    for (size_t i = 0; i < count; i++)
        sequence[i] = scratch[i];
}

void fc__cuda_validation_clear(fc__device *device, fc__cuda_validation *v)
{
    fc__cuda_trajectories_clear(device, &v->trajectories);
    fc__cuda_rollout_clear(&v->rollout);
    free(v->sequence);
    free(v->rows);
    free(v->row_loss);
    *v = (fc__cuda_validation){0};
}

static fc_status prepare(fc_context *context, fc__device *device, fc__cuda_validation *v,
                         const fc__cuda_field *field, const fc_trajectories *t)
{
    fc_status status = FC_OK;
    size_t *scratch = NULL;
    fc__cuda_validation_clear(device, v);
    FC_NEW(context, &v->sequence, t->count);
    FC_NEW(context, &scratch, t->count);
    for (size_t s = 0; s < t->count; s++)
        if (frames_of(t, s) > 1)
            v->sequence[v->count++] = s;
    sort(t, v->count, v->sequence, scratch);
    v->batch = v->count < MOST_BATCH ? v->count : MOST_BATCH;
    FC_NEW(context, &v->rows, v->batch);
    FC_NEW(context, &v->row_loss, v->batch);
    FC_TRY(fc__cuda_trajectories_create(context, device, field, t, &v->trajectories));
    FC_TRY(fc__cuda_rollout_create_forward(context, device, field, v->batch, &v->rollout));
    v->of = t;
done:
    free(scratch);
    if (status != FC_OK)
        fc__cuda_validation_clear(device, v);
    return status;
}

/* Adds the squared errors of sequences [begin, begin + rows) of the sorted ones. */
static fc_status roll(fc_context *context, fc__device *device, fc__cuda_validation *v,
                      const fc_field_config *config, const float *weights, size_t begin,
                      size_t rows, double *sum)
{
    fc_status status = FC_OK;
    const fc_trajectories *t = v->of;
    const size_t *sequence = v->sequence + begin, bytes = rows * sizeof *v->rows;
    const fc_rk_plan plan = {.field = *config,
                             .scheme = FC_RK_RK4,
                             .substeps = 2,
                             .intervals = frames_of(t, sequence[0]) - 1,
                             .batch = rows};
    for (size_t i = 0; i < rows; i++)
        v->rows[i] = (uint32_t)t->first[sequence[i]];
    FC_TRY(fc__device_upload(context, device, v->rollout.first, v->rows, bytes));
    for (size_t i = 0; i < rows; i++)
        v->rows[i] = (uint32_t)(frames_of(t, sequence[i]) - 1);
    FC_TRY(fc__device_upload(context, device, v->rollout.intervals, v->rows, bytes));
    FC_TRY(fc__cuda_rollout_forward(context, &v->rollout, &plan, &v->trajectories, weights, false));
    FC_TRY(fc__device_download(context, device, v->row_loss, v->rollout.row_loss,
                               rows * sizeof *v->row_loss));
    for (size_t i = 0; i < rows; i++)
        *sum += v->row_loss[i];
done:
    return status;
}

fc_status fc__cuda_validate(fc_context *context, fc__device *device, fc__cuda_validation *v,
                            const fc__cuda_field *field, const fc_field_config *config,
                            const float *weights, const fc_trajectories *t, double *loss)
{
    fc_status status = FC_OK;
    double sum = 0.0, number = 0.0;
    if (v->of != t)
        FC_TRY(prepare(context, device, v, field, t));
    for (size_t begin = 0; begin < v->count; begin += v->batch) {
        size_t left = v->count - begin;
        FC_TRY(roll(context, device, v, config, weights, begin, left < v->batch ? left : v->batch,
                    &sum));
    }
    for (size_t i = 0; i < v->count; i++)
        number += (double)((frames_of(t, v->sequence[i]) - 1) * t->codes);
    *loss = number > 0.0 && isfinite(sum) ? sum / number : INFINITY;
done:
    return status;
}
