#include "ode/descent.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

/* Parameters whose squares are summed together, whatever the number of threads. */
enum { BLOCK = 4096 };

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Zeros in huge pages where the system has them: an update passes through tens of megabytes, row by
 * row in strides of pages. */
static fc_status allocate_large(fc_context *context, size_t count, float **memory)
{
    const size_t page = (size_t)2 << 20;
    size_t bytes = fc__product(count, sizeof **memory);
    if (bytes < page)
        return fc__allocate(context, count, sizeof **memory, (void *)memory);
    *memory =
        bytes <= SIZE_MAX - page ? aligned_alloc(page, (bytes + page - 1) / page * page) : NULL;
    if (!*memory)
        return fc__fail(context, FC_ERROR_MEMORY, "out of memory: %zu x %zu bytes were asked for",
                        count, sizeof **memory);
#ifdef MADV_HUGEPAGE
    (void)madvise(*memory, bytes, MADV_HUGEPAGE); /* speed alone depends on it */
#endif
    memset(*memory, 0, bytes);
    return FC_OK;
}

fc_status fc__descent_create(fc_context *context, size_t plan_count, const fc_rk_plan *plans,
                             fc__descent *descent)
{
    fc_status status = FC_OK;
    const fc_field_config *field = &plans[0].field;
    size_t batch = plans[0].batch, count = fc_field_layout_of(field).count;
    size_t intervals = 1, tape = 0, work = 0;
    for (size_t i = 0; i < plan_count; i++) {
        intervals = larger(intervals, plans[i].intervals);
        tape = larger(tape, fc_rk_tape_size(&plans[i]));
        work = larger(work, fc__rk_work_size(&plans[i]));
    }
    size_t size = fc__product(fc__product(intervals, batch), field->codes);
    *descent = (fc__descent){.context = context, .batch = batch, .count = count};
    FC_NEW(context, &descent->z0, fc__product(batch, field->codes));
    FC_NEW(context, &descent->target, size);
    FC_NEW(context, &descent->z, size);
    FC_NEW(context, &descent->z_bar, size);
    FC_NEW(context, &descent->dt, fc__product(intervals, batch));
    FC_TRY(allocate_large(context, tape, &descent->tape));
    FC_TRY(allocate_large(context, work, &descent->work));
    FC_NEW(context, &descent->forward, fc__field_panels_size(field, FC__PACK_FORWARD));
    FC_NEW(context, &descent->backward, fc__field_panels_size(field, FC__PACK_BACKWARD));
    FC_NEW(context, &descent->gradient, count);
    FC_NEW(context, &descent->row_loss, batch);
    FC_NEW(context, &descent->square, count / BLOCK + 1);
done:
    if (status != FC_OK)
        fc__descent_clear(descent);
    return status;
}

void fc__descent_clear(fc__descent *descent)
{
    free(descent->z0);
    free(descent->target);
    free(descent->z);
    free(descent->z_bar);
    free(descent->dt);
    free(descent->tape);
    free(descent->work);
    free(descent->forward);
    free(descent->backward);
    free(descent->gradient);
    free(descent->row_loss);
    free(descent->square);
    *descent = (fc__descent){0};
}

size_t fc__longest_sequence(const fc_trajectories *trajectories)
{
    size_t longest = 0;
    for (size_t i = 0; i < trajectories->count; i++)
        longest = larger(longest, trajectories->first[i + 1] - trajectories->first[i]);
    return longest;
}

unsigned fc__flush_denormals(void)
{
#ifdef __SSE2__
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | _MM_FLUSH_ZERO_ON | 0x40); /* results, and operands */
    return mode;
#else
    return 0;
#endif
}

void fc__restore_denormals(unsigned mode)
{
#ifdef __SSE2__
    _mm_setcsr(mode);
#else
    (void)mode;
#endif
}

/* Start, targets and lengths of the segments in `rows`. */
static void gather(const fc__descent *d, const fc_rk_plan *plan, const fc_trajectories *t,
                   const size_t *first, fc__rows rows)
{
    size_t codes = t->codes, size = codes * sizeof(float);
    for (size_t b = rows.begin; b < rows.end; b++) {
        size_t f = first[b];
        memcpy(d->z0 + b * codes, t->z + f * codes, size);
        for (size_t k = 0; k < plan->intervals; k++) {
            size_t to = k * plan->batch + b;
            d->dt[to] = (float)(t->times[f + k + 1] - t->times[f + k]);
            memcpy(d->target + to * codes, t->z + (f + k + 1) * codes, size);
        }
    }
}

/* Loss of each of the rows, and z_bar. */
static void compare(const fc__descent *d, const fc_rk_plan *plan, fc__rows rows)
{
    size_t codes = plan->field.codes;
    double share = 1.0 / (double)(plan->intervals * plan->batch * codes);
    for (size_t b = rows.begin; b < rows.end; b++) {
        double sum = 0.0;
        for (size_t k = 0; k < plan->intervals; k++) {
            size_t at = (k * plan->batch + b) * codes;
            for (size_t i = at; i < at + codes; i++) {
                float error = d->z[i] - d->target[i];
                sum += (double)(error * error);
                d->z_bar[i] = (float)(2.0 * share) * error;
            }
        }
        d->row_loss[b] = share * sum;
    }
}

static size_t blocks_of(size_t count)
{
    return (count + BLOCK - 1) / BLOCK;
}

/* One thread's part; all threads meet where one needs what another has written. */
static void differentiate_part(fc__descent *d, const fc_rk_plan *plan,
                               const fc_trajectories *trajectories, const size_t *first,
                               const float *parameters, size_t part, size_t parts)
{
    const fc_field_config *field = &plan->field;
    fc__field_weights weights = {parameters, d->forward, d->backward};
    fc__rows rows;
    size_t begin, end;
    fc__slice(plan->batch, parts, part, &rows.begin, &rows.end);
    fc__slice(blocks_of(d->count), parts, part, &begin, &end);
    fc__field_pack(field, parameters, FC__PACK_FORWARD, part, parts, d->forward);
    fc__field_pack(field, parameters, FC__PACK_BACKWARD, part, parts, d->backward);
    for (size_t i = begin * BLOCK; i < end * BLOCK && i < d->count; i++)
        d->gradient[i] = 0.0f;
    gather(d, plan, trajectories, first, rows);
#pragma omp barrier
    fc__rk_forward(plan, &weights, rows, d->dt, d->z0, d->z, d->tape, d->work);
    compare(d, plan, rows);
#pragma omp barrier /* backward divides the room `work` otherwise */
    for (size_t n = plan->intervals; n-- > 0;) {
        fc__rk_backward(plan, &weights, rows, n, false, d->dt, d->tape, d->z_bar, d->work);
#pragma omp barrier
        fc__rk_gradient(plan, n, d->tape, d->work, part, parts, d->gradient);
#pragma omp barrier
    }
    for (size_t block = begin; block < end; block++) {
        size_t last = (block + 1) * BLOCK < d->count ? (block + 1) * BLOCK : d->count;
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (size_t i = block * BLOCK; i < last; i++)
            sum += (double)(d->gradient[i] * d->gradient[i]);
        d->square[block] = sum;
    }
}

double fc__descent_differentiate(fc__descent *d, const fc_rk_plan *plan,
                                 const fc_trajectories *trajectories, const size_t *first,
                                 const float *parameters, double *norm)
{
    double loss = 0.0, sum = 0.0;
    size_t blocks = blocks_of(d->count);
#pragma omp parallel num_threads(fc_context_threads(d->context))
    {
        unsigned mode = fc__flush_denormals();
        differentiate_part(d, plan, trajectories, first, parameters, (size_t)omp_get_thread_num(),
                           (size_t)omp_get_num_threads());
        fc__restore_denormals(mode);
    }
    for (size_t b = 0; b < plan->batch; b++)
        loss += d->row_loss[b];
    for (size_t block = 0; block < blocks; block++)
        sum += d->square[block];
    *norm = sqrt(sum);
    return loss;
}
