/* A pass of decoder training where the decoder bends: frame by frame, forward and backward with its
 * code. */
#include "inr/bent_float.h"
#include "inr/fit_pass_paths.h"

#include <omp.h>

enum { SLICES = 8 }; /* separate gradients that are summed in order */

/* Memory of one thread. */
typedef struct desk {
    double *doubles; /* of the tape */
    float *reals;
    fc__bent_tape tape;
    double *x;               /* (points, dims) of the sample */
    float *y, *u, *bar;      /* (points, channels): observed, decoded, dL/du */
    float *shifts;           /* of the code, and their gradient */
    float *phi;              /* (TILE, channels, C) */
    double *rows, *residual; /* those observed of phi and of y - u, in double */
    double *normal, *step;   /* (C, C), (C) */
    float *z_bar;            /* (C) */
} desk;

struct fc__bent_room {
    fc__bent_network network;
    size_t threads, points; /* most of a frame */
    desk *desks;            /* (threads) */
    float *slices;          /* (SLICES, parameters) */
    double *square;         /* (SLICES) */
    fc_status *status;      /* (SLICES) */
};

static void desk_clear(desk *d)
{
    void *all[] = {d->doubles, d->reals, d->x,        d->y,      d->u,    d->bar,  d->shifts,
                   d->phi,     d->rows,  d->residual, d->normal, d->step, d->z_bar};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static fc_status desk_create(fc_context *context, const fc__bent_room *room, size_t dims, desk *d)
{
    fc_status status = FC_OK;
    const fc__bent_network *n = &room->network;
    size_t values = fc__product(room->points, n->channels), rows = BENT_TILE * n->channels;
    FC_NEW(context, &d->doubles, fc__bent_tape_doubles(n));
    FC_NEW(context, &d->reals, fc__bent_tape_reals(n));
    FC_NEW(context, &d->x, fc__product(room->points, dims));
    FC_NEW(context, &d->y, values);
    FC_NEW(context, &d->u, values);
    FC_NEW(context, &d->bar, values);
    FC_NEW(context, &d->shifts, 2 * n->shifts);
    FC_NEW(context, &d->phi, fc__product(rows, n->codes));
    FC_NEW(context, &d->rows, fc__product(rows, n->codes));
    FC_NEW(context, &d->residual, rows);
    FC_NEW(context, &d->normal, fc__product(n->codes, n->codes));
    FC_NEW(context, &d->step, n->codes);
    FC_NEW(context, &d->z_bar, n->codes);
    d->tape = fc__bent_tape_in(n, d->doubles, d->reals);
done:
    return status;
}

fc_status fc__bent_create(fc_context *context, fc__fit_pass *pass)
{
    fc_status status = FC_OK;
    const fc_decoder *decoder = pass->decoder;
    fc__bent_room *room = NULL;
    FC_NEW(context, &pass->bent, 1);
    room = pass->bent;
    room->threads = (size_t)fc_context_threads(context);
    room->points = fc_dataset_max_points(pass->frames->dataset);
    FC_TRY(fc__bent_open(context, decoder, decoder->parameters, &room->network));
    FC_NEW(context, &room->desks, room->threads);
    for (size_t t = 0; t < room->threads; t++)
        FC_TRY(desk_create(context, room, decoder->domain.dims, &room->desks[t]));
    FC_NEW(context, &room->slices, fc__product(SLICES, decoder->parameter_count));
    FC_NEW(context, &room->square, SLICES);
    FC_NEW(context, &room->status, SLICES);
done:
    return status;
}

void fc__bent_destroy(fc__bent_room *room)
{
    if (!room)
        return;
    for (size_t t = 0; room->desks && t < room->threads; t++)
        desk_clear(&room->desks[t]);
    fc__bent_close(&room->network);
    free(room->desks);
    free(room->slices);
    free(room->square);
    free(room->status);
    free(room);
}

/* ---------------------------------------------------------------- one frame */

/* Coordinates and values of the frame's sample; returns its number of points and counts the values
 * that are observed. */
static size_t take_sample(const fc__fit_pass *pass, const fc_frame *frame, desk *d, size_t *values)
{
    const fc_points *points = &pass->frames->dataset->points[frame->points];
    size_t channels = pass->decoder->config.channels, dims = pass->decoder->domain.dims;
    size_t count = fc__sample_size(pass, points->count);
    *values = 0;
    for (size_t k = 0; k < count; k++) {
        size_t p = fc__sample_point(pass, frame->points, points->count, k);
        memcpy(d->x + k * dims, points->coordinates + p * dims, dims * sizeof *d->x);
        memcpy(d->y + k * channels, frame->values + p * channels, channels * sizeof *d->y);
        for (size_t c = 0; c < channels; c++)
            *values += !isnan(d->y[k * channels + c]);
    }
    return count;
}

static size_t tile_size(size_t count, size_t start)
{
    return count - start < BENT_TILE ? count - start : BENT_TILE;
}

/* normal += Phi^T Phi, step += Phi^T (y - u) of a tile */
static void add_tile(const fc__bent_network *n, size_t tile, const float *y, const float *u,
                     desk *d)
{
    size_t found = 0, c = n->codes;
    for (size_t r = 0; r < tile * n->channels; r++) {
        if (isnan(y[r]))
            continue;
        d->residual[found] = (double)(y[r] - u[r]);
        for (size_t j = 0; j < c; j++)
            d->rows[found * c + j] = (double)d->phi[r * c + j];
        found++;
    }
    fc__dsyrk(c, found, 1.0, d->rows, 1.0, d->normal);
    fc__dgemm(true, false, c, 1, found, 1.0, d->rows, c, d->residual, 1, 1.0, d->step, 1);
}

/* One Gauss-Newton step of the code, with a ridge towards zero and a stronger one towards where it
 * is, both as shares of the normal matrix's mean diagonal n:
 *
 *   (Phi^T Phi + (ridge + damping) n I) d = Phi^T (y - u) - ridge n z */
static fc_status move_code(const fc__bent_room *room, size_t dims, size_t count, desk *d, float *z)
{
    const double damping = 1e-2;
    const fc__bent_network *n = &room->network;
    size_t c = n->codes;
    double mean = 0.0;
    memset(d->normal, 0, c * c * sizeof *d->normal);
    memset(d->step, 0, c * sizeof *d->step);
    fc__bent_find_shifts(n, z, d->shifts);
    for (size_t start = 0; start < count; start += BENT_TILE) {
        size_t tile = tile_size(count, start);
        float *u = d->u + start * n->channels;
        fc__bent_take_points(n, tile, d->x + start * dims, &d->tape);
        for (size_t block = 0; block < n->blocks; block++) {
            fc__bent_forward(n, block, tile, d->shifts, &d->tape, u);
            fc__bent_tangent(n, block, tile, d->shifts, &d->tape, d->phi);
        }
        add_tile(n, tile, d->y + start * n->channels, u, d);
    }
    for (size_t i = 0; i < c; i++)
        mean += d->normal[i * c + i] / (double)c;
    for (size_t i = 0; i < c; i++) {
        d->normal[i * c + i] += (FC__CODE_RIDGE + damping) * mean + 1e-30;
        d->step[i] -= FC__CODE_RIDGE * mean * (double)z[i];
    }
    fc_status status = fc__cholesky(NULL, "codes", c, d->normal);
    if (status != FC_OK)
        return status;
    fc__cholesky_solve(c, d->normal, 1, d->step);
    for (size_t i = 0; i < c; i++)
        z[i] += (float)d->step[i];
    return FC_OK;
}

/* Adds the gradient of weight times the sum of squares; returns that sum. */
static double run_frame(const fc__bent_room *room, size_t dims, size_t count, double weight,
                        const float *z, desk *d, float *gradient)
{
    const fc__bent_network *n = &room->network;
    size_t channels = n->channels;
    double square = 0.0;
    memset(d->shifts + n->shifts, 0, n->shifts * sizeof *d->shifts);
    memset(d->z_bar, 0, n->codes * sizeof *d->z_bar);
    fc__bent_find_shifts(n, z, d->shifts);
    for (size_t start = 0; start < count; start += BENT_TILE) {
        size_t tile = tile_size(count, start), first = start * channels;
        fc__bent_take_points(n, tile, d->x + start * dims, &d->tape);
        for (size_t block = 0; block < n->blocks; block++) {
            fc__bent_forward(n, block, tile, d->shifts, &d->tape, d->u + first);
            for (size_t k = 0; k < tile * n->outputs; k++) {
                size_t r = first + k / n->outputs * channels + block + k % n->outputs;
                float residual = isnan(d->y[r]) ? 0.0f : d->u[r] - d->y[r];
                square += (double)residual * (double)residual;
                d->bar[r] = (float)(2.0 * weight) * residual;
            }
            fc__bent_backward(n, block, tile, d->shifts, d->bar + first, &d->tape, gradient,
                              d->shifts + n->shifts);
        }
    }
    fc__bent_give_back(n, z, d->shifts + n->shifts, gradient, d->z_bar);
    return square;
}

/* ---------------------------------------------------------------- a pass */

static fc_status run_slice(const fc__fit_pass *pass, size_t count, const size_t *chosen,
                           size_t first, size_t last, float *codes, float *code_gradient, desk *d,
                           float *gradient, double *loss)
{
    const fc__bent_room *room = pass->bent;
    size_t c = room->network.codes, dims = pass->decoder->domain.dims, values;
    for (size_t place = first; place < last; place++) {
        size_t f = fc__pass_frame(chosen, place);
        float *z = codes + f * c;
        size_t points = take_sample(pass, pass->frames->frame[f], d, &values);
        if (values == 0)
            continue;
        if (pass->policy == FC__CODES_SOLVED) {
            fc_status status = move_code(room, dims, points, d, z);
            if (status != FC_OK)
                return status;
        }
        double weight = 1.0 / ((double)values * (double)count);
        *loss += weight * run_frame(room, dims, points, weight, z, d, gradient);
        for (size_t i = 0; code_gradient && i < c; i++)
            code_gradient[place * c + i] = (float)count * d->z_bar[i];
    }
    return FC_OK;
}

fc_status fc__bent_run(fc_context *context, fc__fit_pass *pass, size_t count, const size_t *chosen,
                       float *codes, float *code_gradient, double *loss, float *gradient)
{
    fc__bent_room *room = pass->bent;
    size_t total = pass->decoder->parameter_count, c = room->network.codes;
    memset(room->slices, 0, SLICES * total * sizeof *room->slices);
    if (code_gradient)
        memset(code_gradient, 0, count * c * sizeof *code_gradient);
#pragma omp parallel num_threads((int)room->threads)
    {
#pragma omp for schedule(dynamic, 1)
        for (size_t slice = 0; slice < SLICES; slice++) {
            size_t first, last;
            fc__slice(count, SLICES, slice, &first, &last);
            room->square[slice] = 0.0;
            room->status[slice] = run_slice(pass, count, chosen, first, last, codes, code_gradient,
                                            &room->desks[omp_get_thread_num()],
                                            room->slices + slice * total, &room->square[slice]);
        }
#pragma omp for schedule(static)
        for (size_t i = 0; i < total; i++)
            for (size_t slice = 0; slice < SLICES; slice++)
                gradient[i] += room->slices[slice * total + i];
    }
    for (size_t slice = 0; slice < SLICES; slice++) {
        *loss += room->square[slice];
        if (room->status[slice] != FC_OK)
            return fc__fail(context, room->status[slice],
                            "fitting the decoder: the codes cannot be solved for");
    }
    return FC_OK;
}
