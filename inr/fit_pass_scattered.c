/* A pass over frames that differ in their points or missing values: each is evaluated forward and
 * backward with its own code (kernels/fit_pass.h), without a basis. Frames are cut into pieces,
 * whose shifts A_l z + b_l, and what they give back to A, b and the codes, are products for many
 * pieces at a time. */
#include "inr/filters.h"
#include "inr/fit_pass_paths.h"
#include "inr/kernels/kernels.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum {
    TILE = 192,   /* points of a tile: their matrices stay in the cache */
    PIECE = TILE, /* points of a piece */
    PIECES = 256, /* taken at a time */
    SLICES = 16   /* separate gradients that are summed in order */
};

typedef struct piece {
    size_t place, begin, end; /* frame chosen[place], part of its sample */
} piece;

/* What one thread works on. */
typedef struct desk {
    float *s, *h, *v, *v_bar, *s_bar, *y, *u_bar, *shift, *shift_bar;
    double *x, *inputs, *filter_work;
} desk;

struct fc__scattered_room {
    const fc__fit_pass *pass;
    const fc__kernels *kernels;
    fc_decoder_layout at;
    fc__filters filters;
    bool trainable;
    size_t layers, channels, codes, width;
    size_t padded;               /* width of rows, whole vectors */
    size_t packed, matrix, rows; /* rows: (layers + 1) channels width, those of A */
    size_t core;                 /* floats of a slice's gradient: W, head, bias, Omega */
    size_t core_head, core_bias, core_omega;
    float *forward, *backward, *head; /* packed W, head (channels, padded) */
    float *slices;                    /* (SLICES, core) */
    piece *pieces;                    /* (PIECES) */
    float *z, *shift, *shift_bar;     /* (PIECES, C), (PIECES, rows) twice */
    float *z_bar;                     /* (PIECES, C) */
    double *square;                   /* (PIECES) */
    size_t *number;                   /* (frames) values observed of each frame chosen */
    desk *desks;                      /* (threads) */
    size_t threads;
};

static size_t pad(size_t count)
{
    return (count + FC__FIELD_PADDING - 1) / FC__FIELD_PADDING * FC__FIELD_PADDING;
}

/* ---------------------------------------------------------------- memory */

static fc_status desk_create(fc_context *context, const fc__scattered_room *room, desk *d)
{
    fc_status status = FC_OK;
    const fc_decoder *decoder = room->pass->decoder;
    size_t all = fc__product(room->layers + 1, room->matrix);
    FC_NEW(context, &d->s, all);
    FC_NEW(context, &d->h, all);
    FC_NEW(context, &d->v_bar, 2 * room->matrix);
    if (room->trainable) {
        FC_NEW(context, &d->v, all);
        FC_NEW(context, &d->s_bar, all);
    }
    FC_NEW(context, &d->y, room->channels * TILE);
    FC_NEW(context, &d->u_bar, TILE);
    FC_NEW(context, &d->shift, room->channels * (room->layers + 1) * room->padded);
    FC_NEW(context, &d->shift_bar, room->channels * (room->layers + 1) * room->padded);
    FC_NEW(context, &d->x, TILE * decoder->domain.dims);
    FC_NEW(context, &d->inputs, TILE * decoder->inputs);
    FC_NEW(context, &d->filter_work, fc__filters_work_size(&room->filters));
done:
    return status;
}

static void desk_clear(desk *d)
{
    free(d->s);
    free(d->h);
    free(d->v_bar);
    free(d->v);
    free(d->s_bar);
    free(d->y);
    free(d->u_bar);
    free(d->shift);
    free(d->shift_bar);
    free(d->x);
    free(d->inputs);
    free(d->filter_work);
}

/* The filters as they are now: trained ones move. */
static fc_status read_filters(fc_context *context, fc__scattered_room *room)
{
    fc_status status = FC_OK;
    const fc_decoder *decoder = room->pass->decoder;
    double *omega = NULL;
    fc__filters_clear(&room->filters);
    FC_NEW(context, &omega, room->at.a);
    for (size_t i = 0; i < room->at.a; i++)
        omega[i] = (double)decoder->parameters[i];
    FC_TRY(fc__filters_create(context, decoder->config.filter, room->layers + 1,
                              decoder->config.filters, decoder->inputs, omega, &room->filters));
done:
    free(omega);
    return status;
}

static void room_sizes(const fc__fit_pass *pass, fc__scattered_room *room)
{
    const fc_decoder_config *config = &pass->decoder->config;
    room->pass = pass;
    room->kernels = fc__kernels_chosen();
    room->at = fc_decoder_layout_of(config, pass->decoder->inputs);
    room->trainable = config->filter == FC_FILTER_TRAINABLE;
    room->layers = config->layers;
    room->channels = config->channels;
    room->codes = config->codes;
    room->width = 2 * config->filters;
    room->padded = pad(room->width);
    room->packed = room->kernels->fit_packed_size(room->padded);
    room->matrix = fc__product(TILE, room->padded);
    room->rows = (room->layers + 1) * room->channels * room->width;
    room->core_head = room->layers * room->padded * room->padded;
    room->core_bias = room->core_head + room->channels * room->padded;
    room->core_omega = room->core_bias + pad(room->channels);
    room->core = room->core_omega + (room->trainable ? pad(room->at.a) : 0);
}

fc_status fc__scattered_create(fc_context *context, fc__fit_pass *pass)
{
    fc_status status = FC_OK;
    fc__scattered_room *room = NULL;
    FC_NEW(context, &pass->scattered, 1);
    room = pass->scattered;
    room_sizes(pass, room);
    FC_TRY(read_filters(context, room));
    room->threads = (size_t)fc_context_threads(context);
    FC_NEW(context, &room->forward, fc__product(room->layers, room->packed));
    FC_NEW(context, &room->backward, fc__product(room->layers, room->packed));
    FC_NEW(context, &room->head, fc__product(room->channels, room->padded));
    FC_NEW(context, &room->slices, fc__product(SLICES, room->core));
    FC_NEW(context, &room->pieces, PIECES);
    FC_NEW(context, &room->z, fc__product(PIECES, room->codes));
    FC_NEW(context, &room->z_bar, fc__product(PIECES, room->codes));
    FC_NEW(context, &room->shift, fc__product(PIECES, room->rows));
    FC_NEW(context, &room->shift_bar, fc__product(PIECES, room->rows));
    FC_NEW(context, &room->square, PIECES);
    FC_NEW(context, &room->number, pass->frames->count);
    FC_NEW(context, &room->desks, room->threads);
    for (size_t t = 0; t < room->threads; t++)
        FC_TRY(desk_create(context, room, &room->desks[t]));
done:
    return status;
}

void fc__scattered_destroy(fc__scattered_room *room)
{
    if (!room)
        return;
    for (size_t t = 0; room->desks && t < room->threads; t++)
        desk_clear(&room->desks[t]);
    fc__filters_clear(&room->filters);
    free(room->desks);
    free(room->forward);
    free(room->backward);
    free(room->head);
    free(room->slices);
    free(room->pieces);
    free(room->z);
    free(room->z_bar);
    free(room->shift);
    free(room->shift_bar);
    free(room->square);
    free(room->number);
    free(room);
}

/* ---------------------------------------------------------------- weights in, gradients out */

/* W packed in both directions and heads, with rows of whole vectors. */
static fc_status read_weights(fc_context *context, fc__scattered_room *room)
{
    fc_status status = FC_OK;
    const float *parameters = room->pass->decoder->parameters;
    size_t width = room->width, padded = room->padded;
    float *w = NULL;
    FC_NEW(context, &w, fc__product(padded, padded));
    for (size_t l = 0; l < room->layers; l++) {
        for (size_t i = 0; i < width; i++)
            memcpy(w + i * padded, parameters + room->at.w + (l * width + i) * width,
                   width * sizeof *w);
        room->kernels->fit_pack(padded, w, room->forward + l * room->packed,
                                room->backward + l * room->packed);
    }
    for (size_t ch = 0; ch < room->channels; ch++)
        memcpy(room->head + ch * padded, parameters + room->at.head + ch * width,
               width * sizeof *w);
    if (room->trainable)
        FC_TRY(read_filters(context, room));
done:
    free(w);
    return status;
}

/* Adds `rows` rows, which have `padded` floats in the slices, of all slices in order. */
static void add_slices(const fc__scattered_room *room, size_t rows, size_t width, size_t padded,
                       size_t from, float *gradient)
{
#pragma omp parallel for num_threads((int)room->threads) schedule(static)
    for (size_t row = 0; row < rows; row++)
        for (size_t slice = 0; slice < SLICES; slice++) {
            const float *part = room->slices + slice * room->core + from + row * padded;
            for (size_t i = 0; i < width; i++)
                gradient[row * width + i] += part[i];
        }
}

static void write_gradient(const fc__scattered_room *room, float *gradient)
{
    size_t width = room->width, padded = room->padded, channels = room->channels;
    for (size_t l = 0; l < room->layers; l++)
        add_slices(room, width, width, padded, l * padded * padded,
                   gradient + room->at.w + l * width * width);
    add_slices(room, channels, width, padded, room->core_head, gradient + room->at.head);
    add_slices(room, 1, channels, channels, room->core_bias, gradient + room->at.bias);
    if (room->trainable)
        add_slices(room, 1, room->at.a, room->at.a, room->core_omega, gradient + room->at.omega);
}

/* ---------------------------------------------------------------- one piece */

/* Coordinates and values of the next points of a piece that are observed at all. */
static size_t gather(const fc__scattered_room *room, const piece *part, size_t frame_index,
                     size_t *next, desk *d)
{
    const fc__frames *frames = room->pass->frames;
    const fc_frame *frame = frames->frame[frame_index];
    const fc_points *points = &frames->dataset->points[frame->points];
    size_t dims = frames->dataset->domain.dims, channels = room->channels, count = 0;
    for (; *next < part->end && count < TILE; ++*next) {
        size_t p = fc__sample_point(room->pass, frame->points, points->count, *next), seen = 0;
        for (size_t ch = 0; ch < channels; ch++) {
            float y = frame->values[p * channels + ch];
            d->y[ch * TILE + count] = y;
            seen += !isnan(y);
        }
        if (seen) {
            memcpy(d->x + count * dims, points->coordinates + p * dims, dims * sizeof *d->x);
            count++;
        }
    }
    return count;
}

/* d sin(phase) = cos(phase), d cos(phase) = -sin(phase), phase = Omega x. */
static void add_omega(const fc__scattered_room *room, size_t count, const desk *d, float *omega_bar)
{
    size_t filters = room->width / 2, inputs = room->pass->decoder->inputs;
    size_t stride = room->filters.distinct > 1 ? room->matrix : 0;
    for (size_t l = 0; l <= room->layers; l++, omega_bar += filters * inputs)
        for (size_t p = 0; p < count; p++) {
            const float *s = d->s + l * stride + p * room->padded;
            const float *s_bar = d->s_bar + l * room->matrix + p * room->padded;
            for (size_t f = 0; f < filters; f++) {
                float phase_bar = s_bar[f] * s[filters + f] - s_bar[filters + f] * s[f];
                for (size_t j = 0; j < inputs; j++)
                    omega_bar[f * inputs + j] += phase_bar * (float)d->inputs[p * inputs + j];
            }
        }
}

/* All channels of one tile; returns the sum of squares. */
static double run_tile(const fc__scattered_room *room, size_t count, float weight, desk *d,
                       float *core)
{
    const fc_decoder *decoder = room->pass->decoder;
    size_t block = (room->layers + 1) * room->padded;
    double square = 0.0;
    fc_domain_embed(&decoder->domain, count, d->x, d->inputs);
    fc__filters_tile(&room->filters, count, d->inputs, d->s, room->padded, room->matrix,
                     d->filter_work);
    if (room->trainable)
        memset(d->s_bar, 0, (room->layers + 1) * room->matrix * sizeof *d->s_bar);
    for (size_t ch = 0; ch < room->channels; ch++) {
        fc__fit_tile tile = {.points = count,
                             .width = room->padded,
                             .layers = room->layers,
                             .matrix = room->matrix,
                             .s = d->s,
                             .s_layer = room->filters.distinct > 1 ? room->matrix : 0,
                             .forward = room->forward,
                             .backward = room->backward,
                             .packed = room->packed,
                             .shift = d->shift + ch * block,
                             .head = room->head + ch * room->padded,
                             .bias = decoder->parameters[room->at.bias + ch],
                             .weight = weight,
                             .y = d->y + ch * TILE,
                             .h = d->h,
                             .v = d->v,
                             .v_bar = d->v_bar,
                             .u_bar = d->u_bar,
                             .w_bar = core,
                             .head_bar = core + room->core_head + ch * room->padded,
                             .bias_bar = core + room->core_bias + ch,
                             .shift_bar = d->shift_bar + ch * block,
                             .s_bar = d->s_bar};
        room->kernels->fit_tile(&tile);
        square += tile.square;
    }
    if (room->trainable)
        add_omega(room, count, d, core + room->core_omega);
    return square;
}

/* Rows of A are in the order layer, channel, width; those of a desk channel, layer, padded. */
static void run_piece(const fc__scattered_room *room, size_t index, const size_t *chosen,
                      size_t count, desk *d, float *core)
{
    const piece *part = &room->pieces[index];
    size_t blocks = room->layers + 1, next = part->begin, size, number = room->number[part->place];
    float weight = (float)(2.0 / ((double)(number ? number : 1) * (double)count));
    float *shift = room->shift + index * room->rows, *bar = room->shift_bar + index * room->rows;
    for (size_t l = 0; l < blocks; l++)
        for (size_t ch = 0; ch < room->channels; ch++)
            memcpy(d->shift + (ch * blocks + l) * room->padded,
                   shift + (l * room->channels + ch) * room->width, room->width * sizeof *shift);
    memset(d->shift_bar, 0, room->channels * blocks * room->padded * sizeof *d->shift_bar);
    room->square[index] = 0.0;
    while ((size = gather(room, part, fc__pass_frame(chosen, part->place), &next, d)) > 0)
        room->square[index] += run_tile(room, size, weight, d, core);
    for (size_t l = 0; l < blocks; l++)
        for (size_t ch = 0; ch < room->channels; ch++)
            memcpy(bar + (l * room->channels + ch) * room->width,
                   d->shift_bar + (ch * blocks + l) * room->padded, room->width * sizeof *bar);
}

/* ---------------------------------------------------------------- many pieces */

static size_t points_of(const fc__fit_pass *pass, const size_t *chosen, size_t place)
{
    const fc_frame *frame = pass->frames->frame[fc__pass_frame(chosen, place)];
    return pass->frames->dataset->points[frame->points].count;
}

/* Number of observed values of every frame's sample. */
static void count_values(const fc__scattered_room *room, size_t count, const size_t *chosen)
{
    const fc__fit_pass *pass = room->pass;
#pragma omp parallel for num_threads((int)room->threads) schedule(dynamic, 8)
    for (size_t place = 0; place < count; place++) {
        const fc_frame *frame = pass->frames->frame[fc__pass_frame(chosen, place)];
        size_t total = points_of(pass, chosen, place), size = fc__sample_size(pass, total);
        size_t number = 0;
        for (size_t k = 0; k < size; k++) {
            size_t p = fc__sample_point(pass, frame->points, total, k);
            for (size_t ch = 0; ch < room->channels; ch++)
                number += !isnan(frame->values[p * room->channels + ch]);
        }
        room->number[place] = number;
    }
}

/* shift (pieces, rows) = z A^T + b, A being one matrix (rows, C). */
static void find_shifts(const fc_context *context, fc__scattered_room *room, size_t pieces,
                        const size_t *chosen, const float *codes)
{
    const float *parameters = room->pass->decoder->parameters;
    size_t c = room->codes, rows = room->rows;
    for (size_t i = 0; i < pieces; i++) {
        const float *z = codes + fc__pass_frame(chosen, room->pieces[i].place) * c;
        memcpy(room->z + i * c, z, c * sizeof *z);
        memcpy(room->shift + i * rows, parameters + room->at.b, rows * sizeof *z);
    }
    fc__sgemm_parallel(context, false, true, pieces, rows, c, 1.0f, room->z, c,
                       parameters + room->at.a, c, 1.0f, room->shift, rows);
}

/* A_bar += shift_bar^T z, b_bar += shift_bar, z_bar = shift_bar A, the last for the mean of one
 * frame alone. */
static void give_back(const fc_context *context, const fc__scattered_room *room, size_t pieces,
                      size_t count, float *code_gradient, float *gradient)
{
    size_t c = room->codes, rows = room->rows;
    fc__sgemm_parallel(context, true, false, rows, c, pieces, 1.0f, room->shift_bar, rows, room->z,
                       c, 1.0f, gradient + room->at.a, c);
    for (size_t i = 0; i < pieces; i++)
        for (size_t r = 0; r < rows; r++)
            gradient[room->at.b + r] += room->shift_bar[i * rows + r];
    if (!code_gradient)
        return;
    fc__sgemm_parallel(context, false, false, pieces, c, rows, (float)count, room->shift_bar, rows,
                       room->pass->decoder->parameters + room->at.a, c, 0.0f, room->z_bar, c);
    for (size_t i = 0; i < pieces; i++)
        for (size_t j = 0; j < c; j++)
            code_gradient[room->pieces[i].place * c + j] += room->z_bar[i * c + j];
}

/* The next pieces, beginning with the sample of frame *place from *begin on. */
static size_t next_pieces(const fc__scattered_room *room, size_t count, const size_t *chosen,
                          size_t *place, size_t *begin)
{
    size_t pieces = 0;
    while (*place < count && pieces < PIECES) {
        size_t size = fc__sample_size(room->pass, points_of(room->pass, chosen, *place));
        size_t end = size - *begin < PIECE ? size : *begin + PIECE;
        room->pieces[pieces++] = (piece){*place, *begin, end};
        *begin = end;
        if (end == size) {
            ++*place;
            *begin = 0;
        }
    }
    return pieces;
}

fc_status fc__scattered_run(fc_context *context, fc__fit_pass *pass, size_t count,
                            const size_t *chosen, float *codes, float *code_gradient, double *loss,
                            float *gradient)
{
    fc_status status = FC_OK;
    fc__scattered_room *room = pass->scattered;
    size_t place = 0, begin = 0, pieces;
    if (pass->policy == FC__CODES_SOLVED)
        FC_TRY(fc__code_solver_run(context, pass->solver, count, chosen, codes));
    FC_TRY(read_weights(context, room));
    count_values(room, count, chosen);
    memset(room->slices, 0, SLICES * room->core * sizeof *room->slices);
    if (code_gradient)
        memset(code_gradient, 0, count * room->codes * sizeof *code_gradient);
    while ((pieces = next_pieces(room, count, chosen, &place, &begin)) > 0) {
        find_shifts(context, room, pieces, chosen, codes);
#pragma omp parallel for num_threads((int)room->threads) schedule(dynamic, 1)
        for (size_t slice = 0; slice < SLICES; slice++) {
            size_t first, last;
            fc__slice(pieces, SLICES, slice, &first, &last);
            for (size_t i = first; i < last; i++)
                run_piece(room, i, chosen, count, &room->desks[omp_get_thread_num()],
                          room->slices + slice * room->core);
        }
        give_back(context, room, pieces, count, code_gradient, gradient);
        for (size_t i = 0; i < pieces; i++) {
            size_t number = room->number[room->pieces[i].place];
            *loss += number ? room->square[i] / ((double)number * (double)count) : 0.0;
        }
    }
    write_gradient(room, gradient);
done:
    return status;
}
