#include "inr/stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---------------------------------------------------------------- sizes */

fc_status fc__places_of_all(fc_context *context, const fc_dataset *dataset, size_t *count,
                            fc__place **places)
{
    fc_status status = FC_OK;
    size_t total = 0, next = 0;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        total += dataset->sequences[s].frame_count;
    FC_NEW(context, places, total);
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++)
            (*places)[next++] = (fc__place){.sequence = s, .frame = f};
    *count = total;
done:
    return status;
}

static size_t sum_or_most(size_t a, size_t b)
{
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

size_t fc__bytes_of_frame(const fc_dataset *dataset, const fc_frame *frame)
{
    size_t values = fc__product(dataset->points[frame->points].count, dataset->channel_count);
    return fc__product(values, sizeof *frame->values);
}

size_t fc__largest_frame(const fc_dataset *dataset)
{
    size_t values = fc__product(fc_dataset_max_points(dataset), dataset->channel_count);
    return fc__product(values, sizeof(float));
}

size_t fc__values_bytes(const fc_dataset *dataset)
{
    size_t bytes = 0;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++)
            bytes =
                sum_or_most(bytes, fc__bytes_of_frame(dataset, &dataset->sequences[s].frames[f]));
    return bytes;
}

/* ---------------------------------------------------------------- the walk */

enum { SLOTS = 2, USUAL_BLOCK = 64 << 20 };

/* Room for a block, filled and emptied in turns. */
typedef struct slot {
    fc_frame *frames;       /* (longest): copies of the dataset's, with values */
    const fc_frame **frame; /* (longest) */
    float **values;         /* (longest): of those that are to be read */
    float *room;            /* (widest) */
    bool full;
} slot;

struct fc__stream {
    fc_context *context;
    const fc_dataset *dataset;
    const fc__place *places;
    size_t count, step;
    size_t block_count, *begin; /* (block_count + 1) */
    size_t next;                /* block that the caller gets next */
    size_t longest, widest;     /* frames and floats of the largest block */
    slot slots[SLOTS];
    /* shared with the thread, under the lock */
    bool threaded;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    fc_context *reading; /* of the thread: takes the reader's messages */
    bool stop;
    fc_status status; /* of the first failed read; the thread has ended then */
};

static const fc_frame *frame_at(const fc__stream *s, size_t k)
{
    return &s->dataset->sequences[s->places[k].sequence].frames[s->places[k].frame];
}

/* Bytes to be read for frames [begin, end). */
static size_t bytes_between(const fc__stream *s, size_t begin, size_t end)
{
    size_t bytes = 0;
    for (size_t k = begin; k < end; k++)
        if (!frame_at(s, k)->values)
            bytes = sum_or_most(bytes, fc__bytes_of_frame(s->dataset, frame_at(s, k)));
    return bytes;
}

/* Whether a block that ends before frame k of the walk leaves no unit of the reader half read. */
static bool ends_unit(const fc__stream *s, size_t k)
{
    size_t unit = s->dataset->reader.unit;
    return k == s->count || unit < 2 || s->places[k].frame % unit == 0;
}

/* End of the block that begins at `begin`: whole steps within the limit, the last of them at which
 * a unit ends if that is not less than half of what fits. */
static fc_status find_end(const fc__stream *s, size_t begin, size_t bytes_of_all, size_t *end)
{
    size_t limit = bytes_of_all ? bytes_of_all / SLOTS : USUAL_BLOCK;
    size_t bytes = 0, unit_end = begin;
    *end = begin;
    while (*end < s->count) {
        size_t next = s->count - *end < s->step ? s->count : *end + s->step;
        bytes = sum_or_most(bytes, bytes_between(s, *end, next));
        if (bytes > limit && (bytes_of_all || *end > begin))
            break;
        *end = next;
        if (ends_unit(s, next))
            unit_end = next;
    }
    if (*end == begin)
        return fc__fail(s->context, FC_ERROR_MEMORY,
                        "reading %zu frames at a time takes %.1f MB, and twice that while the next "
                        "ones are read; the limit is %.1f MB",
                        s->step, 1e-6 * (double)bytes, 1e-6 * (double)bytes_of_all);
    if (unit_end - begin >= (*end - begin) / 2 && unit_end > begin)
        *end = unit_end;
    return FC_OK;
}

/* Cuts the walk into blocks. */
static fc_status cut(fc__stream *s, size_t bytes_of_all)
{
    fc_status status = FC_OK;
    FC_NEW(s->context, &s->begin, s->count / s->step + 2);
    for (size_t begin = 0, end; begin < s->count; begin = end) {
        FC_TRY(find_end(s, begin, bytes_of_all, &end));
        size_t floats = bytes_between(s, begin, end) / sizeof(float);
        s->begin[++s->block_count] = end;
        s->longest = end - begin > s->longest ? end - begin : s->longest;
        s->widest = floats > s->widest ? floats : s->widest;
    }
done:
    return status;
}

/* The frames of a block, those that are to be read with a place in the slot's room. */
static void lay_out(const fc__stream *s, size_t block, slot *to)
{
    size_t used = 0, first = s->begin[block];
    for (size_t k = first; k < s->begin[block + 1]; k++) {
        const fc_frame *frame = frame_at(s, k);
        fc_frame *copy = &to->frames[k - first];
        *copy = *frame;
        to->frame[k - first] = copy;
        to->values[k - first] = NULL;
        if (frame->values)
            continue;
        copy->values = to->values[k - first] = to->room + used;
        used += fc__bytes_of_frame(s->dataset, frame) / sizeof(float);
    }
}

/* Reads what a block lacks: neighbours in a sequence together. */
static fc_status fill(const fc__stream *s, size_t block, slot *to)
{
    const fc_frame_reader *reader = &s->dataset->reader;
    size_t first = s->begin[block], count = s->begin[block + 1] - first;
    const fc__place *place = s->places + first;
    fc_status status = FC_OK;
    lay_out(s, block, to);
    for (size_t begin = 0, end; begin < count && status == FC_OK; begin = end) {
        end = begin + 1;
        if (!to->values[begin])
            continue;
        while (end < count && to->values[end] && place[end].sequence == place[begin].sequence &&
               place[end].frame == place[end - 1].frame + 1)
            end++;
        status = reader->read(reader->user, s->reading, place[begin].sequence, place[begin].frame,
                              end - begin, to->values + begin);
    }
    return status;
}

/* ---------------------------------------------------------------- the thread */

static void *read_ahead(void *user)
{
    fc__stream *s = user;
    pthread_mutex_lock(&s->lock);
    for (size_t k = 0; k < s->block_count && s->status == FC_OK; k++) {
        slot *to = &s->slots[k % SLOTS];
        while (to->full && !s->stop)
            pthread_cond_wait(&s->changed, &s->lock);
        if (s->stop)
            break;
        pthread_mutex_unlock(&s->lock);
        fc_status status = fill(s, k, to);
        pthread_mutex_lock(&s->lock);
        to->full = status == FC_OK;
        s->status = status;
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static fc_status start_thread(fc__stream *s)
{
    if (pthread_mutex_init(&s->lock, NULL) != 0)
        return fc__fail(s->context, FC_ERROR_MEMORY, "reading ahead: no lock could be made");
    if (pthread_cond_init(&s->changed, NULL) == 0) {
        s->threaded = pthread_create(&s->thread, NULL, read_ahead, s) == 0;
        if (s->threaded)
            return FC_OK;
        pthread_cond_destroy(&s->changed);
    }
    pthread_mutex_destroy(&s->lock);
    return fc__fail(s->context, FC_ERROR_MEMORY, "reading ahead: no thread could be started");
}

static void stop_thread(fc__stream *s)
{
    if (!s->threaded)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    s->threaded = false;
}

/* Waits for a slot to be filled, and looks now and then whether to go on. */
static fc_status await(fc__stream *s, const slot *from)
{
    enum { LOOK_NANOSECONDS = 50000000, SECOND = 1000000000 };
    fc_status status = FC_OK;
    pthread_mutex_lock(&s->lock);
    while (!from->full && s->status == FC_OK && !fc_context_interrupted(s->context)) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_NANOSECONDS;
        until.tv_sec += until.tv_nsec / SECOND;
        until.tv_nsec %= SECOND;
        pthread_cond_timedwait(&s->changed, &s->lock, &until);
    }
    if (!from->full && s->status != FC_OK)
        status = fc__fail(s->context, s->status, "%s", fc_context_message(s->reading));
    pthread_mutex_unlock(&s->lock);
    return status;
}

/* ---------------------------------------------------------------- life cycle */

fc_status fc__stream_create(fc_context *context, const fc_dataset *dataset, size_t count,
                            const fc__place *places, size_t step, size_t bytes, fc__stream **stream)
{
    fc_status status = FC_OK;
    fc__stream *s = NULL;
    *stream = NULL;
    FC_NEW(context, &s, 1);
    s->context = context;
    s->dataset = dataset;
    s->places = places;
    s->count = count;
    s->step = step ? step : 1;
    FC_TRY(cut(s, bytes));
    for (size_t k = 0; k < SLOTS && k < s->block_count; k++) {
        FC_NEW(context, &s->slots[k].frames, s->longest);
        FC_NEW(context, &s->slots[k].frame, s->longest);
        FC_NEW(context, &s->slots[k].values, s->longest);
        FC_TRY(fc__reserve(context, s->widest, sizeof(float), &s->slots[k].room));
    }
    if (s->widest) {
        FC_TRY(fc_context_create(1, &s->reading));
        FC_TRY(start_thread(s));
    }
    *stream = s;
    s = NULL;
done:
    fc__stream_destroy(s);
    return status;
}

void fc__stream_destroy(fc__stream *s)
{
    if (!s)
        return;
    stop_thread(s);
    for (size_t k = 0; k < SLOTS; k++) {
        free(s->slots[k].frames);
        free(s->slots[k].frame);
        free(s->slots[k].values);
        free(s->slots[k].room);
    }
    fc_context_destroy(s->reading);
    free(s->begin);
    free(s);
}

/* The caller is done with the block it had: its room may be filled again. */
static void release_last(fc__stream *s)
{
    if (!s->threaded || s->next == 0)
        return;
    pthread_mutex_lock(&s->lock);
    s->slots[(s->next - 1) % SLOTS].full = false;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

fc_status fc__stream_next(fc__stream *s, fc__block *block)
{
    fc_status status = FC_OK;
    *block = (fc__block){.first = s->count, .frames = {.dataset = s->dataset}};
    release_last(s);
    if (s->next == s->block_count)
        return FC_OK;
    slot *from = &s->slots[s->next % SLOTS];
    if (s->threaded)
        status = await(s, from);
    else
        lay_out(s, s->next, from);
    if (status == FC_OK && fc_context_interrupted(s->context))
        status = fc__fail(s->context, FC_INTERRUPTED, "interrupted after %zu of %zu frames",
                          s->begin[s->next], s->count);
    if (status != FC_OK) {
        stop_thread(s);
        return status;
    }
    block->first = s->begin[s->next];
    block->frames.count = s->begin[s->next + 1] - block->first;
    block->frames.frame = from->frame;
    s->next++;
    return FC_OK;
}
