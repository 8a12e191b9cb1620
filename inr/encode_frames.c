/* Posterior codes of frames observed at many sets of points. */
#include "inr/basis_cache.h"
#include "inr/encode.h"
#include "inr/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Frames order[begin..end) have the same points and the same missing values. */
typedef struct group {
    size_t begin, end;
    fc_status status;
} group;

/* A frame and its place in the caller's order. */
typedef struct place {
    const fc_frame *frame;
    size_t order;
} place;

static int by_points(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->frame->points != y->frame->points)
        return x->frame->points < y->frame->points ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* What a group adds up, (channels) each. */
typedef struct totals {
    double *number;   /* of values */
    double *square;   /* of residuals, NULL = not wanted */
    double *leverage; /* NULL = not wanted */
} totals;

/* Encodes frames[0..count), a group; z (count, C). */
static fc_status encode_group(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                              const double *noise, const fc_dataset *dataset, const fc_basis *basis,
                              size_t count, const place *frames, double *z, const totals *sum)
{
    fc_status status = FC_OK;
    const fc_points *points = &dataset->points[frames[0].frame->points];
    const float **values = NULL;
    FC_NEW(context, &values, count);
    for (size_t f = 0; f < count; f++)
        values[f] = frames[f].frame->values;
    fc__observed observed = {.count = points->count,
                             .frames = count,
                             .coordinates = points->coordinates,
                             .values = values,
                             .basis = basis};
    fc__encoded encoded = {
        .codes = z, .number = sum->number, .square = sum->square, .leverage = sum->leverage};
    FC_TRY(fc__encode(context, decoder, prior, noise, &observed, &encoded));
done:
    free(values);
    return status;
}

/* What all groups have in common. */
typedef struct request {
    const fc_decoder *decoder;
    const fc_prior *prior;
    const double *noise;
    const fc_dataset *dataset;
    const place *sorted;
    double *z;
    totals *sums;
} request;

/* Encodes groups [begin, end), which share a point set if a basis is given; many groups are divided
 * among threads, few use all threads each. */
static fc_status encode_run(fc_context *context, const request *r, const fc_basis *basis,
                            size_t begin, size_t end, group *groups)
{
    size_t codes = r->decoder->config.codes;
    int threads = fc_context_threads(context);
    bool many = end - begin >= 4 * (size_t)threads;
    fc_context *inner = many ? NULL : context;
#pragma omp parallel for num_threads(many ? threads : 1) schedule(dynamic, 1)
    for (size_t g = begin; g < end; g++)
        groups[g].status =
            encode_group(inner, r->decoder, r->prior, r->noise, r->dataset, basis,
                         groups[g].end - groups[g].begin, r->sorted + groups[g].begin,
                         r->z + groups[g].begin * codes, &r->sums[g]);
    for (size_t g = begin; g < end; g++)
        if (groups[g].status != FC_OK)
            return fc__fail(context, groups[g].status, "encoding frame %zu: %s",
                            r->sorted[groups[g].begin].order,
                            inner ? fc_context_message(inner) : fc_status_text(groups[g].status));
    return FC_OK;
}

/* The end of the run of groups that begins at `begin`: groups that share a point set (*shared), or
 * groups each of which has its own. */
static size_t run_end(const place *sorted, const group *groups, size_t count, size_t begin,
                      bool *shared)
{
    size_t end = begin + 1;
    *shared = end < count &&
              sorted[groups[begin].begin].frame->points == sorted[groups[end].begin].frame->points;
    for (; end < count; end++) {
        size_t points = sorted[groups[end].begin].frame->points;
        if ((points == sorted[groups[end - 1].begin].frame->points) != *shared)
            break;
    }
    return *shared || end == count ? end : end - (end - begin > 1);
}

/* Groups with the same points but other missing values take their rows from one basis. */
static fc_status encode_groups(fc_context *context, const request *r, size_t group_count,
                               group *groups)
{
    fc_status status = FC_OK;
    const fc_basis *basis = NULL;
    for (size_t begin = 0, end; begin < group_count; begin = end) {
        bool shared;
        end = run_end(r->sorted, groups, group_count, begin, &shared);
        const fc_points *points = &r->dataset->points[r->sorted[groups[begin].begin].frame->points];
        if (shared && fc__basis_fits(context, r->decoder, points->count))
            FC_TRY(
                fc_basis_acquire(context, r->decoder, points->count, points->coordinates, &basis));
        FC_TRY(encode_run(context, r, basis, begin, end, groups));
        fc_basis_release(basis);
        basis = NULL;
    }
done:
    fc_basis_release(basis);
    return status;
}

/* Means over all values of each channel, 0 for a channel without any. */
static void average(size_t channels, size_t group_count, const totals *sums, double *square,
                    double *leverage)
{
    for (size_t ch = 0; ch < channels; ch++) {
        double number = 0.0, squares = 0.0, leverages = 0.0;
        for (size_t g = 0; g < group_count; g++) {
            number += sums[g].number[ch];
            squares += square ? sums[g].square[ch] : 0.0;
            leverages += leverage ? sums[g].leverage[ch] : 0.0;
        }
        if (square)
            square[ch] = number > 0.0 ? squares / number : 0.0;
        if (leverage)
            leverage[ch] = number > 0.0 ? leverages / number : 0.0;
    }
}

fc_status fc__encode_frames(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                            const double *noise, const fc__frames *frames, double *codes,
                            double *square, double *leverage)
{
    fc_status status = FC_OK;
    size_t channels = frames->dataset->channel_count, c = decoder->config.codes, group_count = 0;
    place *sorted = NULL;
    group *groups = NULL;
    totals *sums = NULL;
    double *z = NULL, *numbers = NULL;
    FC_NEW(context, &sorted, frames->count);
    FC_NEW(context, &groups, frames->count);
    FC_NEW(context, &z, fc__product(frames->count, c));
    for (size_t f = 0; f < frames->count; f++)
        sorted[f] = (place){.frame = frames->frame[f], .order = f};
    qsort(sorted, frames->count, sizeof *sorted, by_points);
    for (size_t f = 0; f < frames->count; f++) {
        if (f == 0 || !fc__same_observed(frames->dataset, sorted[f - 1].frame, sorted[f].frame))
            groups[group_count++].begin = f;
        groups[group_count - 1].end = f + 1;
    }
    FC_NEW(context, &sums, group_count);
    FC_NEW(context, &numbers, fc__product(group_count, 3 * channels));
    for (size_t g = 0; g < group_count; g++) {
        double *own = numbers + g * 3 * channels;
        sums[g] = (totals){.number = own,
                           .square = square ? own + channels : NULL,
                           .leverage = leverage ? own + 2 * channels : NULL};
    }
    const request all = {.decoder = decoder,
                         .prior = prior,
                         .noise = noise,
                         .dataset = frames->dataset,
                         .sorted = sorted,
                         .z = z,
                         .sums = sums};
    FC_TRY(encode_groups(context, &all, group_count, groups));
    for (size_t f = 0; f < frames->count; f++)
        memcpy(codes + sorted[f].order * c, z + f * c, c * sizeof *codes);
    average(channels, group_count, sums, square, leverage);
done:
    free(sorted);
    free(groups);
    free(sums);
    free(z);
    free(numbers);
    return status;
}
