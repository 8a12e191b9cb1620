#include "io/read/cf_frames.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is read at once, so that it is still in the cache when it is spread over the frames. */
enum { STAGE_BYTES = 1 << 20, ROW = 256 };

/* The box of a variable that is wanted, and how it is cut into pieces. */
typedef struct cut {
    size_t rank;
    size_t start[FC__MAX_RANK], end[FC__MAX_RANK];
    size_t chunk[FC__MAX_RANK]; /* 1 where there are none */
    size_t piece[FC__MAX_RANK]; /* multiples of chunks; those at the edges are smaller */
    /* of the piece at hand: */
    size_t at[FC__MAX_RANK], extent[FC__MAX_RANK];
} cut;

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Pieces are whole chunks, and grow from the fastest axis on as long as they fit the stage: along
 * the next axis only once they cover the one before. */
static void shape_pieces(hid_t variable, size_t value_bytes, cut *box)
{
    size_t bytes = value_bytes;
    for (size_t i = 0; i < box->rank; i++) {
        box->chunk[i] = fc__h5_unit(variable, i);
        box->piece[i] = smaller(box->chunk[i], box->end[i] - box->start[i]);
        bytes = fc__product(bytes, box->piece[i]);
    }
    bool whole = true;
    for (size_t i = box->rank; whole && i-- > 0;) {
        size_t length = box->end[i] - box->start[i] + box->start[i] % box->chunk[i];
        size_t times = STAGE_BYTES / (bytes + 1);
        if (box->chunk[i] < length && times > 1) {
            bytes /= box->piece[i];
            box->piece[i] = smaller(fc__product(box->chunk[i], times), length);
            bytes = fc__product(bytes, box->piece[i]);
        }
        whole = box->piece[i] >= box->end[i] - box->start[i];
    }
}

static void set_extent(cut *box, size_t i)
{
    size_t left = box->end[i] - box->at[i], past = box->at[i] % box->chunk[i];
    size_t length = (box->piece[i] < box->chunk[i] ? box->chunk[i] : box->piece[i]) - past;
    box->extent[i] = smaller(length, left);
}

static void first_piece(cut *box)
{
    for (size_t i = 0; i < box->rank; i++) {
        box->at[i] = box->start[i];
        set_extent(box, i);
    }
}

/* false after the last. */
static bool next_piece(cut *box)
{
    for (size_t i = box->rank; i-- > 0;) {
        box->at[i] += box->extent[i];
        bool more = box->at[i] < box->end[i];
        if (!more)
            box->at[i] = box->start[i];
        set_extent(box, i);
        if (more)
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------- spreading */

typedef struct target {
    const fc__cf_packing *packing;
    const size_t *point;       /* see fc__cf_layout */
    size_t time, first;        /* position of the time axis; its index of values[0] */
    size_t step[FC__MAX_RANK]; /* along axes of space: among points or, with `point`, places */
    size_t channels, channel;
    float *const *values;
} target;

/* `count` raw numbers along an axis of space, from place `place` of a frame on. */
static void put_places(const target *to, size_t frame, size_t place, size_t step, size_t count,
                       const char *raw, size_t raw_size)
{
    float row[ROW], *values = to->values[frame] + to->channel;
    if (!to->point) {
        fc__cf_unpack_row(to->packing, count, raw, values + place * to->channels,
                          step * to->channels);
        return;
    }
    for (size_t k = 0; k < count; k += ROW) {
        size_t size = smaller(ROW, count - k);
        fc__cf_unpack_row(to->packing, size, raw + k * raw_size, row, 1);
        for (size_t i = 0; i < size; i++) {
            size_t point = to->point[place + (k + i) * step];
            if (point != SIZE_MAX)
                values[point * to->channels] = row[i];
        }
    }
}

/* `count` raw numbers of one place along time. */
static void put_times(const target *to, size_t frame, size_t place, size_t count, const char *raw,
                      size_t raw_size)
{
    float row[ROW];
    size_t point = to->point ? to->point[place] : place;
    if (point == SIZE_MAX)
        return;
    for (size_t k = 0; k < count; k += ROW) {
        size_t size = smaller(ROW, count - k);
        fc__cf_unpack_row(to->packing, size, raw + k * raw_size, row, 1);
        for (size_t i = 0; i < size; i++)
            to->values[frame + k + i][point * to->channels + to->channel] = row[i];
    }
}

/* Axes that follow each other in the file and among the points are one long row. */
static void spread(const target *to, const cut *box, const char *raw, size_t raw_size)
{
    size_t inner = box->rank ? box->rank - 1 : 0, run = box->rank ? box->extent[inner] : 1;
    size_t step = box->rank ? to->step[inner] : 1, rows = 1;
    while (inner > 0 && inner != to->time && inner - 1 != to->time &&
           to->step[inner - 1] == run * step)
        run *= box->extent[--inner];
    for (size_t i = 0; i < inner; i++)
        rows *= box->extent[i];
    for (size_t r = 0; r < rows; r++, raw += run * raw_size) {
        size_t rest = r, frame = 0, place = 0;
        for (size_t i = box->rank; i-- > 0;) {
            size_t index = box->at[i];
            if (i < inner) {
                index += rest % box->extent[i];
                rest /= box->extent[i];
            }
            if (i == to->time)
                frame = index - to->first;
            place += index * to->step[i];
        }
        if (box->rank && inner == to->time)
            put_times(to, frame, place, run, raw, raw_size);
        else
            put_places(to, frame, place, step, run, raw, raw_size);
    }
}

/* ---------------------------------------------------------------- reading */

static void set_box(const fc__nc_variable *variable, const fc__cf_layout *layout, size_t first,
                    size_t count, cut *box, target *to)
{
    size_t places = 1;
    box->rank = variable->rank;
    for (size_t i = variable->rank; i-- > 0;) {
        bool is_time = i == layout->time;
        box->start[i] = is_time ? first : layout->is_fixed[i] ? layout->fixed[i] : 0;
        box->end[i] = is_time               ? first + count
                      : layout->is_fixed[i] ? layout->fixed[i] + 1
                                            : variable->shape[i];
        if (is_time || layout->is_fixed[i])
            continue;
        to->step[i] = layout->point ? places : layout->stride[i];
        places *= variable->shape[i];
    }
}

/* Whether frames stand in the file as they do in memory. */
static bool is_dense(const fc__nc_variable *variable, const fc__cf_packing *packing,
                     const fc__cf_layout *layout)
{
    size_t places = 1;
    bool dense = packing->plain && packing->single && !layout->point;
    for (size_t i = variable->rank; dense && i-- > 0;) {
        if (i > layout->time) {
            dense = !layout->is_fixed[i] && layout->stride[i] == places;
            places *= variable->shape[i];
        } else if (i < layout->time) {
            dense = layout->is_fixed[i];
        }
    }
    return dense && layout->time < variable->rank;
}

/* Whether any of the values may be one that means "not observed". */
static bool holds_missing(const fc__cf_packing *packing, const float *values, size_t count)
{
    float a = packing->missing_count > 0 ? (float)packing->missing[0] : NAN;
    float b = packing->missing_count > 1 ? (float)packing->missing[1] : NAN;
    int found = packing->missing_count > 2;
    for (size_t i = 0; i < count; i++)
        found |= (values[i] == a) | (values[i] == b);
    return found;
}

/* Straight into the frames; what is missing in them is marked while they are in the cache. */
static fc_status read_dense(fc__h5 *h5, const fc__nc_variable *variable,
                            const fc__cf_packing *packing, const cut *box, size_t time,
                            float *const *values)
{
    float row[ROW];
    size_t count[FC__MAX_RANK], points = 1;
    for (size_t i = 0; i < box->rank; i++) {
        count[i] = box->end[i] - box->start[i];
        points *= i == time ? 1 : count[i];
    }
    fc_status status = fc__h5_read_frames(h5, variable->id, variable->name, box->rank, box->start,
                                          count, time, 1, 0, values);
    for (size_t f = 0; status == FC_OK && f < count[time]; f++) {
        if (!holds_missing(packing, values[f], points))
            continue;
        for (size_t p = 0; p < points; p += ROW) {
            size_t size = smaller(ROW, points - p);
            memcpy(row, values[f] + p, size * sizeof *row);
            fc__cf_unpack_row(packing, size, row, values[f] + p, 1);
        }
    }
    return status;
}

fc_status fc__cf_read_frames(fc__h5 *h5, const fc__nc_variable *variable,
                             const fc__cf_packing *packing, const fc__cf_layout *layout,
                             size_t first, size_t count, size_t channels, size_t channel,
                             float *const *values)
{
    fc_status status = FC_OK;
    char *stage = NULL;
    cut box = {0};
    hid_t type = fc__cf_raw_type(packing);
    size_t raw_size = packing->single ? sizeof(float) : sizeof(double), size = raw_size;
    target to = {.packing = packing,
                 .point = layout->point,
                 .time = layout->time,
                 .first = first,
                 .channels = channels,
                 .channel = channel,
                 .values = values};
    set_box(variable, layout, first, count, &box, &to);
    if (channels == 1 && is_dense(variable, packing, layout))
        return read_dense(h5, variable, packing, &box, layout->time, values);
    shape_pieces(variable->id, raw_size, &box);
    for (size_t i = 0; i < box.rank; i++) {
        if (box.start[i] == box.end[i])
            return FC_OK;
        size = fc__product(size, box.piece[i]);
    }
    FC_TRY(fc__reserve(h5->context, size, 1, &stage));
    first_piece(&box);
    do {
        FC_TRY(fc__h5_read_box(h5, variable->id, variable->name, type, variable->rank, box.at,
                               box.extent, stage));
        spread(&to, &box, stage, raw_size);
    } while (next_piece(&box));
done:
    free(stage);
    return status;
}
