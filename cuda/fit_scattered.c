/* A run of decoder training over frames that differ in their points or missing values
 * (inr/fit_pass_scattered.c): points of all frames stand below each other, so that a layer is one
 * product for all, with each frame's own shift A_l z + b_l. */
#include "cuda/fit.h"
#include "inr/fit_pass_paths.h"

#include <stdlib.h>

enum {
    MOST_ROWS = 1 << 17,             /* taken together */
    FEWEST_ROWS = 4 * FC__FIT_BLOCK, /* and where memory is short */
    MOST_FRAMES = 1024               /* whose codes are solved together */
};

struct fc__cuda_scattered {
    size_t width, layers, distinct, shift_rows, slices;
    bool trained, fused;
    /* what there is room for: of a minibatch; of rows on their way through the layers, where so
     * many were wanted; of a basis */
    size_t places, pieces, rows, wanted, basis_rows;
    /* device */
    fc__fit_frame *frame; /* (all frames) */
    double *coordinates;
    float *values;
    /* of a minibatch */
    size_t *first, *group; /* (places + 1) */
    uint32_t *place;
    double *share;
    float *shift, *shift_bar; /* (places, shift_rows) */
    /* of the rows taken together */
    double *x, *inputs, *square;
    float *y, *s, *h, *v, *v_bar, *s_bar, *sums, *narrow;
    float *packed;
    float *parts;      /* (layers, slices, width, width), none for one slice */
    float *phi0, *phi; /* (basis_rows, channels), (basis_rows, channels, C) */
};

/* ---------------------------------------------------------------- frames */

/* Where everything of every frame is; returns the numbers of points and values. */
static void place_frames(const fc__cuda_fit *fit, fc__fit_frame *frame, size_t *where,
                         size_t *points, size_t *values)
{
    const fc__frames *frames = fit->frames;
    *points = *values = 0;
    for (size_t i = 0; i < frames->dataset->points_count; i++)
        where[i] = SIZE_MAX;
    for (size_t f = 0; f < frames->count; f++) {
        size_t set = frames->frame[f]->points, count = frames->dataset->points[set].count;
        if (where[set] == SIZE_MAX) {
            where[set] = *points;
            *points += count;
        }
        frame[f] = (fc__fit_frame){
            .points = count, .stream = set, .coordinates = where[set], .values = *values};
        *values += count * fit->channels;
    }
}

static fc_status upload_frames(fc_context *context, fc__cuda_fit *fit, const size_t *where,
                               const fc__fit_frame *frame)
{
    fc_status status = FC_OK;
    const fc__frames *frames = fit->frames;
    const fc__cuda_scattered *s = fit->scattered;
    FC_TRY(fc__device_upload(context, fit->device, s->frame, frame, frames->count * sizeof *frame));
    for (size_t i = 0; i < frames->dataset->points_count; i++)
        if (where[i] != SIZE_MAX)
            FC_TRY(
                fc__device_upload(context, fit->device, s->coordinates + where[i] * fit->dims,
                                  frames->dataset->points[i].coordinates,
                                  frames->dataset->points[i].count * fit->dims * sizeof(double)));
    for (size_t f = 0; f < frames->count; f++)
        FC_TRY(fc__device_upload(context, fit->device, s->values + frame[f].values,
                                 frames->frame[f]->values,
                                 frame[f].points * fit->channels * sizeof(float)));
done:
    return status;
}

static fc_status create_frames(fc_context *context, fc__cuda_fit *fit)
{
    fc_status status = FC_OK;
    fc__cuda_scattered *s = fit->scattered;
    fc__fit_frame *frame = NULL;
    size_t *where = NULL, points, values;
    FC_NEW(context, &frame, fit->frames->count);
    FC_NEW(context, &where, fit->frames->dataset->points_count);
    place_frames(fit, frame, where, &points, &values);
    FC_DEVICE_NEW(context, fit->device, "training frames", &s->frame, fit->frames->count);
    FC_DEVICE_NEW(context, fit->device, "points of the training frames", &s->coordinates,
                  fc__product(points, fit->dims));
    FC_DEVICE_NEW(context, fit->device, "values of the training frames", &s->values, values);
    FC_TRY(upload_frames(context, fit, where, frame));
done:
    free(frame);
    free(where);
    return status;
}

/* ---------------------------------------------------------------- life */

fc_status fc__cuda_scattered_create(fc_context *context, fc__cuda_fit *fit)
{
    fc_status status = FC_OK;
    const fc_decoder_config *config = &fit->decoder->config;
    FC_NEW(context, &fit->scattered, 1);
    fc__cuda_scattered *s = fit->scattered;
    s->width = 2 * config->filters;
    s->layers = config->layers;
    s->distinct = fc__cuda_network_distinct(fit->network);
    s->shift_rows = (s->layers + 1) * fit->channels * s->width;
    s->trained = config->filter == FC_FILTER_TRAINABLE;
    s->fused = s->layers > 0 && fc__fit_tile_takes(fit->device, s->width, s->trained);
    if (s->fused)
        FC_DEVICE_NEW(context, fit->device, "packed weights", &s->packed,
                      fc__fit_tile_packed(s->layers, s->width));
    FC_TRY(create_frames(context, fit));
    s->slices = s->layers == 0 ? 1
                               : fc__fit_slices(fit->device, s->layers, s->width,
                                                fc__device_room(fit->device) / 16);
    if (s->slices > 1)
        FC_DEVICE_NEW(context, fit->device, "gradients of slices", &s->parts,
                      fc__product(s->slices * s->layers, s->width * s->width));
done:
    return status;
}

static void free_arrays(const fc__cuda_fit *fit, size_t count, void *const *arrays)
{
    for (size_t i = 0; i < count; i++)
        fc__device_free(fit->device, arrays[i]);
}

static void free_minibatch(const fc__cuda_fit *fit)
{
    fc__cuda_scattered *s = fit->scattered;
    free_arrays(fit, 6, (void *[]){s->first, s->group, s->place, s->share, s->shift, s->shift_bar});
    s->first = s->group = NULL;
    s->place = NULL;
    s->share = NULL;
    s->shift = s->shift_bar = NULL;
    s->places = s->pieces = 0;
}

static void free_rows(const fc__cuda_fit *fit)
{
    fc__cuda_scattered *s = fit->scattered;
    free_arrays(fit, 13,
                (void *[]){s->x, s->inputs, s->square, s->y, s->s, s->h, s->v, s->v_bar, s->s_bar,
                           s->sums, s->narrow, s->phi0, s->phi});
    s->x = s->inputs = s->square = NULL;
    s->y = s->s = s->h = s->v = s->v_bar = s->s_bar = s->sums = s->narrow = NULL;
    s->phi0 = s->phi = NULL;
    s->rows = s->wanted = s->basis_rows = 0;
}

void fc__cuda_scattered_destroy(fc__cuda_fit *fit)
{
    if (!fit->scattered)
        return;
    free_minibatch(fit);
    free_rows(fit);
    free_arrays(fit, 5,
                (void *[]){fit->scattered->frame, fit->scattered->coordinates,
                           fit->scattered->values, fit->scattered->packed, fit->scattered->parts});
    free(fit->scattered);
    fit->scattered = NULL;
}

/* ---------------------------------------------------------------- room for a minibatch */

static size_t round_up(size_t count, size_t to)
{
    return (count + to - 1) / to * to;
}

/* Rows of the frame at a place. */
static size_t rows_of(const fc__cuda_fit *fit, const size_t *chosen, size_t place)
{
    const fc_frame *frame = fit->frames->frame[fc__pass_frame(chosen, place)];
    size_t points = fit->frames->dataset->points[frame->points].count;
    return round_up(fc__draw_size(fit->draw, points), FC__FIT_PIECE);
}

static fc_status reserve_minibatch(fc_context *context, fc__cuda_fit *fit, size_t rows)
{
    fc_status status = FC_OK;
    fc__cuda_scattered *s = fit->scattered;
    size_t pieces = rows / FC__FIT_PIECE, size = fc__product(fit->count, s->shift_rows);
    if (fit->count <= s->places && pieces <= s->pieces)
        return FC_OK;
    free_minibatch(fit);
    FC_DEVICE_NEW(context, fit->device, "rows of a minibatch", &s->first, fit->count + 1);
    FC_DEVICE_NEW(context, fit->device, "rows of a minibatch", &s->group, fit->count + 1);
    FC_DEVICE_NEW(context, fit->device, "rows of a minibatch", &s->place, pieces);
    FC_DEVICE_NEW(context, fit->device, "shares of frames", &s->share, fit->count);
    FC_DEVICE_NEW(context, fit->device, "shifts of layers", &s->shift, size);
    FC_DEVICE_NEW(context, fit->device, "shifts of layers", &s->shift_bar, size);
    if (fit->policy == FC__CODES_SOLVED)
        FC_TRY(
            fc__cuda_fit_solver(context, fit, fit->count < MOST_FRAMES ? fit->count : MOST_FRAMES));
    s->places = fit->count;
    s->pieces = pieces;
done:
    return status;
}

/* Bytes of a row on its way through the layers. */
static size_t bytes_of_row(const fc__cuda_fit *fit)
{
    const fc__cuda_scattered *s = fit->scattered;
    size_t matrices = s->distinct + (s->trained ? 4 : 2) * (s->layers + 1);
    size_t doubles = fit->dims + fit->inputs + 1, floats = fit->channels + fit->inputs;
    return matrices * s->width * sizeof(float) + doubles * sizeof(double) +
           (floats + (s->layers + 3) * s->width / FC__FIT_PIECE + 1) * sizeof(float);
}

/* Room for all rows of a minibatch, or as many as three quarters of the memory left have room for.
 * A basis takes a quarter of it. */
static fc_status reserve_rows(fc_context *context, fc__cuda_fit *fit, size_t rows, size_t largest)
{
    fc_status status = FC_OK;
    fc__cuda_scattered *s = fit->scattered;
    fc__device *device = fit->device;
    rows = rows < MOST_ROWS ? rows : MOST_ROWS;
    if (rows <= s->wanted && (fit->policy != FC__CODES_SOLVED || largest <= s->basis_rows))
        return FC_OK;
    free_rows(fit);
    size_t wanted = rows;
    if (fit->policy == FC__CODES_SOLVED) {
        size_t row = fc__product(fit->channels, (fit->codes + 1) * sizeof(float));
        size_t fitting = fc__device_room(device) / 4 / row;
        s->basis_rows = rows < fitting ? rows : fitting;
        s->basis_rows = s->basis_rows < largest ? largest : s->basis_rows;
        FC_DEVICE_NEW(context, device, "basis", &s->phi0,
                      fc__product(s->basis_rows, fit->channels));
        FC_DEVICE_NEW(context, device, "basis", &s->phi,
                      fc__product(s->basis_rows, fit->channels * fit->codes));
    }
    size_t fitting = fc__device_room(device) / 4 * 3 / bytes_of_row(fit);
    fitting = fitting < FEWEST_ROWS ? FEWEST_ROWS : fitting / FC__FIT_BLOCK * FC__FIT_BLOCK;
    rows = rows < fitting ? rows : fitting;
    size_t all = rows < s->basis_rows ? s->basis_rows : rows;
    size_t matrix = fc__product(rows, s->width), stack = fc__product(s->layers + 1, matrix);
    FC_DEVICE_NEW(context, device, "points of a minibatch", &s->x, fc__product(all, fit->dims));
    FC_DEVICE_NEW(context, device, "values of a minibatch", &s->y, fc__product(all, fit->channels));
    FC_DEVICE_NEW(context, device, "inputs of points", &s->inputs, fc__product(rows, fit->inputs));
    FC_DEVICE_NEW(context, device, "filters", &s->s, fc__product(s->distinct, matrix));
    FC_DEVICE_NEW(context, device, "states of layers", &s->h, stack);
    FC_DEVICE_NEW(context, device, "gradients of layers", &s->v_bar, stack);
    FC_DEVICE_NEW(context, device, "sums of rows", &s->sums,
                  fc__product(rows / FC__FIT_PIECE, (s->layers + 3) * s->width));
    FC_DEVICE_NEW(context, device, "squares of residuals", &s->square, rows / FC__FIT_PIECE);
    if (s->trained) {
        FC_DEVICE_NEW(context, device, "states of layers", &s->v, stack);
        FC_DEVICE_NEW(context, device, "gradients of filters", &s->s_bar, stack);
        FC_DEVICE_NEW(context, device, "inputs of points", &s->narrow,
                      fc__product(rows, fit->inputs));
    }
    s->rows = rows;
    s->wanted = wanted;
done:
    return status;
}

/* ---------------------------------------------------------------- codes solved for */

/* Codes of `count` frames from `place` on, which together have `rows` rows from row `start` on. */
static fc_status solve_group(fc_context *context, fc__cuda_fit *fit, const fc__fit_rows *all,
                             size_t place, size_t count, size_t start, size_t rows)
{
    fc_status status = FC_OK;
    const fc__cuda_scattered *s = fit->scattered;
    FC_TRY(fc__fit_gather(context, fit->device, all, start, rows, s->x, s->y));
    FC_TRY(fc__cuda_network_basis(context, fit->network, rows, s->x, s->phi0, s->phi));
    FC_TRY(fc__fit_rebase(context, fit->device, all, place, count, s->group));
    FC_TRY(fc__cuda_codes_solve(context, fit->solver, count, fit->channels, s->group, s->phi0,
                                s->phi, s->y, FC__CODE_RIDGE, fit->batch_z + place * fit->codes));
done:
    return status;
}

static fc_status solve_codes(fc_context *context, fc__cuda_fit *fit, const fc__fit_rows *all,
                             const size_t *chosen)
{
    size_t start = 0, rows;
    for (size_t place = 0, last; place < fit->count; place = last, start += rows) {
        rows = rows_of(fit, chosen, place);
        for (last = place + 1; last < fit->count && last - place < MOST_FRAMES; last++) {
            size_t next = rows_of(fit, chosen, last);
            if (rows + next > fit->scattered->basis_rows)
                break;
            rows += next;
        }
        fc_status status = solve_group(context, fit, all, place, last - place, start, rows);
        if (status != FC_OK)
            return status;
    }
    return FC_OK;
}

/* ---------------------------------------------------------------- through the layers */

/* h_l and v_bar_l of all layers, and what becomes of the residuals. */
static fc_status run_plain(fc_context *context, fc__cuda_fit *fit, const fc__fit_layers *t)
{
    fc_status status = FC_OK;
    fc__device *device = fit->device;
    size_t width = t->width, matrix = t->rows * width;
    FC_TRY(fc__fit_first(context, device, t));
    for (size_t l = 1; l <= t->layers; l++) {
        FC_TRY(fc__device_sgemm(context, device, false, false, true, t->rows, width, width, 1.0f,
                                t->h + (l - 1) * matrix, width, t->w + (l - 1) * width * width,
                                width, 0.0f, (t->v ? t->v : t->h) + l * matrix, width));
        FC_TRY(fc__fit_forward(context, device, t, l));
    }
    FC_TRY(fc__fit_head(context, device, t));
    for (size_t l = t->layers; l-- > 0;) {
        FC_TRY(fc__device_sgemm(context, device, false, false, false, t->rows, width, width, 1.0f,
                                t->v_bar + (l + 1) * matrix, width, t->w + l * width * width, width,
                                0.0f, t->v_bar + l * matrix, width));
        FC_TRY(fc__fit_backward(context, device, t, l));
    }
done:
    return status;
}

static fc_status run_fused(fc_context *context, fc__cuda_fit *fit, const fc__fit_layers *t)
{
    fc_status status = FC_OK;
    FC_TRY(fc__fit_tile_forward(context, fit->device, t, fit->scattered->packed));
    FC_TRY(fc__fit_head(context, fit->device, t));
    FC_TRY(fc__fit_tile_backward(context, fit->device, t, fit->scattered->packed));
done:
    return status;
}

/* W_bar_l += v_bar_l^T h_{l-1}; head, bias, shifts and loss from the sums of pieces. */
static fc_status add_gradients(fc_context *context, fc__cuda_fit *fit, const fc__fit_rows *all,
                               size_t start, const fc__fit_layers *t)
{
    fc_status status = FC_OK;
    fc__device *device = fit->device;
    size_t width = t->width, pieces = t->rows / FC__FIT_PIECE;
    size_t stride = (t->layers + 3) * width;
    FC_TRY(fc__fit_outer(context, device, t, fit->scattered->slices, fit->scattered->parts,
                         fit->gradient + fit->at.w));
    FC_TRY(fc__fit_sum_rows(context, device, pieces, width, t->sums + (t->layers + 1) * width,
                            stride, fit->gradient + fit->at.head + t->channel * width));
    FC_TRY(fc__fit_sum_rows(context, device, pieces, 1, t->sums + (t->layers + 2) * width, stride,
                            fit->gradient + fit->at.bias + t->channel));
    FC_TRY(fc__fit_shift_bar(context, device, all, start, t, fit->scattered->shift_bar));
    FC_TRY(fc__fit_loss(context, device, t, fit->loss));
done:
    return status;
}

/* Omega_bar_l += phase_bar_l^T x */
static fc_status add_omega(fc_context *context, fc__cuda_fit *fit, const fc__fit_layers *t)
{
    fc_status status = FC_OK;
    const fc__cuda_scattered *s = fit->scattered;
    size_t filters = t->width / 2, inputs = fit->inputs;
    FC_TRY(fc__fit_phases(context, fit->device, t));
    FC_TRY(fc__fit_narrow(context, fit->device, t->rows * inputs, s->inputs, s->narrow));
    for (size_t l = 0; l <= t->layers; l++)
        FC_TRY(fc__device_sgemm(context, fit->device, true, true, false, filters, inputs, t->rows,
                                1.0f, t->s_bar + l * t->rows * t->width, t->width, s->narrow,
                                inputs, 1.0f, fit->gradient + fit->at.omega + l * filters * inputs,
                                inputs));
done:
    return status;
}

static fc__fit_layers layers_of(const fc__cuda_fit *fit, size_t start, size_t rows)
{
    const fc__cuda_scattered *s = fit->scattered;
    return (fc__fit_layers){.rows = rows,
                            .layers = s->layers,
                            .width = s->width,
                            .channels = fit->channels,
                            .distinct = s->distinct,
                            .shift_rows = s->shift_rows,
                            .place = s->place + start / FC__FIT_PIECE,
                            .share = s->share,
                            .s = s->s,
                            .y = s->y,
                            .shift = s->shift,
                            .w = fc__cuda_network_parameters(fit->network) + fit->at.w,
                            .h = s->h,
                            .v = s->v,
                            .v_bar = s->v_bar,
                            .s_bar = s->s_bar,
                            .sums = s->sums,
                            .square = s->square};
}

/* Rows start..start + rows of the minibatch. */
static fc_status run_rows(fc_context *context, fc__cuda_fit *fit, const fc__fit_rows *all,
                          size_t start, size_t rows)
{
    fc_status status = FC_OK;
    const fc__cuda_scattered *s = fit->scattered;
    const float *parameters = fc__cuda_network_parameters(fit->network);
    fc__fit_layers t = layers_of(fit, start, rows);
    FC_TRY(fc__fit_gather(context, fit->device, all, start, rows, s->x, s->y));
    FC_TRY(fc__cuda_network_embed(context, fit->network, rows, s->x, s->inputs));
    FC_TRY(fc__cuda_network_filters(context, fit->network, rows, s->inputs, s->s));
    if (s->trained)
        FC_TRY(fc__device_zero(context, fit->device, s->s_bar,
                               (s->layers + 1) * rows * s->width * sizeof *s->s_bar));
    for (t.channel = 0; t.channel < fit->channels; t.channel++) {
        t.head = parameters + fit->at.head + t.channel * s->width;
        t.bias = parameters + fit->at.bias + t.channel;
        FC_TRY((s->fused ? run_fused : run_plain)(context, fit, &t));
        FC_TRY(add_gradients(context, fit, all, start, &t));
    }
    if (s->trained)
        FC_TRY(add_omega(context, fit, &t));
done:
    return status;
}

/* ---------------------------------------------------------------- shifts */

/* shift (count, shift_rows) = z A^T + b, A being one matrix (shift_rows, C). */
static fc_status find_shifts(fc_context *context, fc__cuda_fit *fit)
{
    fc_status status = FC_OK;
    const fc__cuda_scattered *s = fit->scattered;
    const float *parameters = fc__cuda_network_parameters(fit->network);
    size_t c = fit->codes, size = s->shift_rows;
    FC_TRY(
        fc__fit_repeat(context, fit->device, fit->count, size, parameters + fit->at.b, s->shift));
    FC_TRY(fc__device_sgemm(context, fit->device, true, false, true, fit->count, size, c, 1.0f,
                            fit->batch_z, c, parameters + fit->at.a, c, 1.0f, s->shift, size));
    FC_TRY(fc__device_zero(context, fit->device, s->shift_bar,
                           fit->count * size * sizeof *s->shift_bar));
done:
    return status;
}

/* A_bar += shift_bar^T z, b_bar += shift_bar, z_bar = shift_bar A, the last for the mean of one
 * frame alone. */
static fc_status give_back(fc_context *context, fc__cuda_fit *fit)
{
    fc_status status = FC_OK;
    const fc__cuda_scattered *s = fit->scattered;
    size_t c = fit->codes, size = s->shift_rows;
    FC_TRY(fc__device_sgemm(context, fit->device, false, true, false, size, c, fit->count, 1.0f,
                            s->shift_bar, size, fit->batch_z, c, 1.0f, fit->gradient + fit->at.a,
                            c));
    FC_TRY(fc__fit_sum_rows(context, fit->device, fit->count, size, s->shift_bar, size,
                            fit->gradient + fit->at.b));
    if (fit->policy == FC__CODES_ADAM)
        FC_TRY(fc__device_sgemm(context, fit->device, false, false, false, fit->count, c, size,
                                (float)fit->count, s->shift_bar, size,
                                fc__cuda_network_parameters(fit->network) + fit->at.a, c, 0.0f,
                                fit->z_bar, c));
done:
    return status;
}

/* ---------------------------------------------------------------- a run */

static fc_status reserve(fc_context *context, fc__cuda_fit *fit, const size_t *chosen, size_t *rows)
{
    fc_status status = FC_OK;
    size_t largest = 0;
    *rows = 0;
    for (size_t place = 0; place < fit->count; place++) {
        size_t own = rows_of(fit, chosen, place);
        *rows += own;
        largest = own > largest ? own : largest;
    }
    *rows = round_up(*rows, FC__FIT_BLOCK);
    FC_TRY(reserve_minibatch(context, fit, *rows));
    FC_TRY(reserve_rows(context, fit, *rows, largest));
done:
    return status;
}

fc_status fc__cuda_scattered_run(fc_context *context, fc__cuda_fit *fit, const size_t *chosen)
{
    fc_status status = FC_OK;
    const fc__cuda_scattered *s = fit->scattered;
    size_t rows;
    FC_TRY(reserve(context, fit, chosen, &rows));
    const fc__fit_rows all = {.draw = fit->draw,
                              .dims = fit->dims,
                              .channels = fit->channels,
                              .count = fit->count,
                              .rows = rows,
                              .frame = s->frame,
                              .coordinates = s->coordinates,
                              .values = s->values,
                              .chosen = fit->chosen,
                              .first = s->first,
                              .place = s->place,
                              .share = s->share};
    FC_TRY(fc__fit_layout(context, fit->device, &all));
    FC_TRY(fc__fit_shares(context, fit->device, &all));
    if (fit->policy == FC__CODES_SOLVED)
        FC_TRY(solve_codes(context, fit, &all, chosen));
    FC_TRY(find_shifts(context, fit));
    if (s->fused)
        FC_TRY(fc__fit_tile_pack(context, fit->device, s->layers, s->width,
                                 fc__cuda_network_parameters(fit->network) + fit->at.w, s->packed));
    for (size_t start = 0; start < rows; start += s->rows)
        FC_TRY(
            run_rows(context, fit, &all, start, rows - start < s->rows ? rows - start : s->rows));
    FC_TRY(give_back(context, fit));
done:
    return status;
}
