#include "cuda/space.h"
#include "cuda/right_hand_side.h"
#include "cuda/vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Vectors that exist at once: CVODE's history (13 of Adams, 6 of BDF), 7 for its work and 1 of its
 * own Newton iteration, which it has before it is given another; 2 of cvode.c; then 3 of the
 * fixed-point iteration, or 2 of the interface to linear solvers and SPGMR's basis of 21 with 2
 * beside it. */
enum { ADAMS_VECTORS = 13 + 7 + 1 + 2 + 3, BDF_VECTORS = 6 + 7 + 1 + 2 + 2 + 23 };

enum { PIECE = 1 << 19 /* doubles that go to the host at a time */ };

typedef struct device_space {
    fc__space space; /* first, so that a pointer to it is one to this */
    fc_context *context;
    fc__device *device;
    fc__right_hand_side *field;
    size_t most;    /* vectors */
    double **spare; /* (spare_count) vectors that were released, of (most) */
    size_t spare_count;
    fc__vector_program queue; /* operations element by element that wait to be run together */
    double *sums;             /* (FC__REDUCTION_BLOCKS) of blocks, pinned host memory */
    double *bound;            /* (capacity) device */
    size_t *index;            /* (capacity) device: samples to be gathered, */
    double *rows;             /* (capacity, C) device: and their values */
    double *piece;            /* (at_once, C) pinned host memory */
    size_t at_once;           /* samples in a piece */
} device_space;

static device_space *device_of(fc__space *space)
{
    return (device_space *)space;
}

/* Remembers the first failure. */
static bool succeeds(device_space *s, fc_status status)
{
    if (s->space.status == FC_OK)
        s->space.status = status;
    return status == FC_OK;
}

/* ---------------------------------------------------------------- element by element */

static void run_queue(device_space *s)
{
    if (s->queue.count)
        (void)succeeds(
            s, fc__vectors_run(s->context, s->device, s->space.batch * s->space.codes, &s->queue));
    s->queue.count = 0;
}

static void enqueue(fc__space *space, fc__vector_step step)
{
    device_space *s = device_of(space);
    if (s->queue.count == FC__PROGRAM_STEPS)
        run_queue(s);
    s->queue.step[s->queue.count++] = step;
}

static void device_linear_sum(fc__space *space, double a, const double *x, double b,
                              const double *y, double *z)
{
    enqueue(space, (fc__vector_step){FC__LINEAR_SUM, a, b, x, y, z});
}

static void device_fill(fc__space *space, double c, double *z)
{
    enqueue(space, (fc__vector_step){FC__FILL, c, 0, NULL, NULL, z});
}

static void device_multiply(fc__space *space, const double *x, const double *y, double *z)
{
    enqueue(space, (fc__vector_step){FC__MULTIPLY, 0, 0, x, y, z});
}

static void device_divide(fc__space *space, const double *x, const double *y, double *z)
{
    enqueue(space, (fc__vector_step){FC__DIVIDE, 0, 0, x, y, z});
}

static void device_magnitude(fc__space *space, const double *x, double *z)
{
    enqueue(space, (fc__vector_step){FC__MAGNITUDE, 0, 0, x, x, z});
}

static void device_invert(fc__space *space, const double *x, double *z)
{
    enqueue(space, (fc__vector_step){FC__INVERT, 0, 0, x, x, z});
}

static void device_shift(fc__space *space, const double *x, double b, double *z)
{
    enqueue(space, (fc__vector_step){FC__SHIFT, b, 0, x, x, z});
}

static void device_combine(fc__space *space, size_t number, const double *a, const double *const *x,
                           double *z)
{
    device_linear_sum(space, a[0], x[0], 0.0, x[0], z);
    for (size_t k = 1; k < number; k++)
        device_linear_sum(space, a[k], x[k], 1.0, z, z);
}

static void device_scale_add(fc__space *space, size_t number, const double *a, const double *x,
                             const double *const *y, double *const *z)
{
    for (size_t k = 0; k < number; k++)
        device_linear_sum(space, a[k], x, 1.0, y[k], z[k]);
}

/* ---------------------------------------------------------------- sums and extremes */

static double device_dot(fc__space *space, const double *x, const double *y)
{
    device_space *s = device_of(space);
    double dot = NAN;
    run_queue(s);
    (void)succeeds(s, fc__vectors_dot(s->context, s->device, s->sums, space->batch * space->codes,
                                      x, y, &dot));
    return dot;
}

static double device_largest(fc__space *space, const double *x)
{
    device_space *s = device_of(space);
    double largest = NAN;
    run_queue(s);
    (void)succeeds(s, fc__vectors_largest(s->context, s->device, s->sums,
                                          space->batch * space->codes, x, &largest));
    return largest;
}

static double device_norm(fc__space *space, const double *x, const double *w)
{
    device_space *s = device_of(space);
    double norm = NAN;
    run_queue(s);
    (void)succeeds(s, fc__vectors_norm(s->context, s->device, s->sums, space->batch, space->codes,
                                       x, w, &norm));
    return norm;
}

/* Only without an absolute tolerance can a weight be infinite. */
static bool device_weigh(fc__space *space, double relative, double absolute, const double *z,
                         double *w)
{
    enqueue(space, (fc__vector_step){FC__WEIGH, relative, absolute, z, z, w});
    return absolute > 0 || isfinite(device_largest(space, w));
}

static size_t device_outside(fc__space *space, const double *z)
{
    device_space *s = device_of(space);
    size_t sample = space->batch;
    run_queue(s);
    (void)succeeds(s, fc__vectors_outside(s->context, s->device, s->sums, space->batch,
                                          space->codes, z, s->bound, &sample));
    return sample;
}

/* ---------------------------------------------------------------- the field */

static int device_eval(fc__space *space, const double *z, double *dz)
{
    device_space *s = device_of(space);
    bool finite = false;
    run_queue(s);
    if (!succeeds(s, fc__right_hand_side_eval(s->context, s->field, space->batch, z, dz, &finite)))
        return -1;
    return finite ? 0 : 1;
}

static int device_jvp(fc__space *space, const double *z, const double *z_dot, double *dz_dot)
{
    device_space *s = device_of(space);
    bool finite = false;
    run_queue(s);
    if (!succeeds(s, fc__right_hand_side_jvp(s->context, s->field, space->batch, z, z_dot, dz_dot,
                                             &finite)))
        return -1;
    return finite ? 0 : 1;
}

/* ---------------------------------------------------------------- memory */

static double *device_allocate(fc__space *space)
{
    device_space *s = device_of(space);
    double *vector = NULL;
    if (s->spare_count)
        return s->spare[--s->spare_count];
    (void)succeeds(s, fc__device_allocate(s->context, s->device, "a vector of CVODE",
                                          space->capacity * space->codes, sizeof *vector, &vector));
    return vector;
}

/* Vectors of the next system come from those of the last. What waits in the queue may still name
 * this one. */
static void device_release(fc__space *space, double *vector)
{
    device_space *s = device_of(space);
    run_queue(s);
    if (s->spare_count < s->most)
        s->spare[s->spare_count++] = vector;
    else
        fc__device_free(s->device, vector);
}

static void device_begin(fc__space *space, size_t batch, const double *bound)
{
    device_space *s = device_of(space);
    space->batch = batch;
    (void)succeeds(
        s, fc__device_upload(s->context, s->device, s->bound, bound, batch * sizeof *bound));
}

static void device_write(fc__space *space, double *vector, const double *values)
{
    device_space *s = device_of(space);
    run_queue(s);
    (void)succeeds(s, fc__device_upload(s->context, s->device, vector, values,
                                        space->batch * space->codes * sizeof *values));
}

/* Rows (count, C) on the device, each to its own place, through a piece of pinned memory. */
static fc_status scatter(device_space *s, const double *rows, size_t count, double *const *to)
{
    size_t codes = s->space.codes;
    fc_status status = FC_OK;
    for (size_t first = 0; first < count; first += s->at_once) {
        size_t some = count - first < s->at_once ? count - first : s->at_once;
        FC_TRY(fc__device_download(s->context, s->device, s->piece, rows + first * codes,
                                   some * codes * sizeof *rows));
#pragma omp parallel for num_threads(fc__threads_worth(s->context, some *codes, some))
        for (size_t i = 0; i < some; i++)
            memcpy(to[first + i], s->piece + i * codes, codes * sizeof *rows);
    }
done:
    return status;
}

static void device_read(fc__space *space, const double *vector, size_t count, const size_t *member,
                        double *const *to)
{
    device_space *s = device_of(space);
    fc_status status = FC_OK;
    const double *rows = vector;
    run_queue(s);
    if (count < space->batch) {
        FC_TRY(fc__device_upload(s->context, s->device, s->index, member, count * sizeof *member));
        FC_TRY(fc__vectors_gather(s->context, s->device, count, space->codes, s->index, vector,
                                  s->rows));
        rows = s->rows;
    }
    status = scatter(s, rows, count, to);
done:
    (void)succeeds(s, status);
}

/* ---------------------------------------------------------------- life */

static void device_destroy(fc__space *space)
{
    device_space *s = device_of(space);
    fc__right_hand_side_destroy(s->field);
    while (s->spare_count)
        fc__device_free(s->device, s->spare[--s->spare_count]);
    fc__device_free(s->device, s->bound);
    fc__device_free(s->device, s->index);
    fc__device_free(s->device, s->rows);
    fc__device_unpin(s->sums);
    fc__device_unpin(s->piece);
    free(s->spare);
    free(s);
}

static const fc__space_operations operations = {
    .destroy = device_destroy,
    .begin = device_begin,
    .allocate = device_allocate,
    .release = device_release,
    .write = device_write,
    .read = device_read,
    .linear_sum = device_linear_sum,
    .fill = device_fill,
    .multiply = device_multiply,
    .divide = device_divide,
    .magnitude = device_magnitude,
    .invert = device_invert,
    .shift = device_shift,
    .combine = device_combine,
    .scale_add = device_scale_add,
    .dot = device_dot,
    .largest = device_largest,
    .norm = device_norm,
    .weigh = device_weigh,
    .outside = device_outside,
    .eval = device_eval,
    .jvp = device_jvp,
};

/* Samples whose vectors, and rows gathered of one more, fit beside what is there already; at least
 * one, which then fails with a message. */
static size_t find_capacity(const device_space *s, size_t samples)
{
    size_t each =
        (s->most + 1) * s->space.codes * sizeof(double) + sizeof *s->bound + sizeof *s->index;
    size_t room = fc__device_room(s->device), slack = 512 * (s->most + 4); /* of allocations */
    size_t fits = room > slack ? (room - slack) / each : 0;
    size_t capacity = samples < fits ? samples : fits;
    return capacity ? capacity : 1;
}

static fc_status set_up(device_space *s, const fc_field *field, const fc_integrator_config *config,
                        size_t samples)
{
    fc_status status = FC_OK;
    bool bdf = config->method == FC_ODE_BDF;
    size_t codes = field->config.codes;
    s->most = bdf ? BDF_VECTORS : ADAMS_VECTORS;
    FC_NEW(s->context, &s->spare, s->most);
    FC_TRY(fc__right_hand_side_create(s->context, s->device, field, samples,
                                      fc__integrates_in_float(config), bdf, &s->field));
    FC_TRY(fc__device_pin(s->context, s->device, "sums of blocks", FC__REDUCTION_BLOCKS,
                          sizeof *s->sums, &s->sums));
    s->at_once = codes < PIECE ? PIECE / codes : 1;
    if (s->at_once > samples)
        s->at_once = samples;
    FC_TRY(fc__device_pin(s->context, s->device, "states", s->at_once * codes, sizeof *s->piece,
                          &s->piece));
    s->space.capacity = find_capacity(s, samples);
    FC_DEVICE_NEW(s->context, s->device, "bounds", &s->bound, s->space.capacity);
    FC_DEVICE_NEW(s->context, s->device, "chosen samples", &s->index, s->space.capacity);
    FC_DEVICE_NEW(s->context, s->device, "states", &s->rows, fc__product(s->space.capacity, codes));
done:
    return status;
}

fc_status fc__cuda_space_create(void *device, fc_context *context, const fc_field *field,
                                const fc_integrator_config *config, size_t samples,
                                fc__space **space)
{
    fc_status status = FC_OK;
    device_space *made = NULL;
    *space = NULL;
    if (field->equation)
        return FC_OK;
    FC_NEW(context, &made, 1);
    made->space = (fc__space){.operations = &operations, .codes = field->config.codes};
    made->context = context;
    made->device = ((const fc__cuda *)device)->device;
    FC_TRY(set_up(made, field, config, samples));
    *space = &made->space;
    made = NULL;
done:
    if (made)
        device_destroy(&made->space);
    return status;
}
