/* Posterior codes of frames observed at many sets of points. */
#include "inr/basis_cache.h"
#include "inr/engine.h"
#include "inr/groups.h"

#include <stdlib.h>
#include <string.h>

/* What a group adds up, (channels) each. */
typedef struct totals {
    double *number;   /* of values */
    double *square;   /* of residuals, NULL = not wanted */
    double *leverage; /* NULL = not wanted */
} totals;

/* Encodes frames[0..count), a group; z (count, C). */
static fc_status encode_group(fc_context *context, const fc_decoder *decoder, const fc_prior *prior,
                              const double *noise, const fc_dataset *dataset, const fc_basis *basis,
                              size_t count, const fc__place *frames, double *z, const totals *sum)
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
    const fc__groups *groups;
    fc_status *status; /* (groups) */
    double *z;         /* (frames, C) in the order of the groups */
    totals *sums;      /* (groups) */
} request;

/* Encodes groups [begin, end), which share a point set if a basis is given; many groups are divided
 * among threads, few use all threads each. */
static fc_status encode_run(fc_context *context, const request *r, const fc_basis *basis,
                            size_t begin, size_t end)
{
    size_t codes = r->decoder->config.codes;
    const fc__group *group = r->groups->group;
    const fc__place *place = r->groups->place;
    int threads = fc_context_threads(context);
    bool many = end - begin >= 4 * (size_t)threads;
    fc_context *inner = many ? NULL : context;
#pragma omp parallel for num_threads(many ? threads : 1) schedule(dynamic, 1)
    for (size_t g = begin; g < end; g++)
        r->status[g] = encode_group(inner, r->decoder, r->prior, r->noise, r->groups->dataset,
                                    basis, group[g].end - group[g].begin, place + group[g].begin,
                                    r->z + group[g].begin * codes, &r->sums[g]);
    for (size_t g = begin; g < end; g++)
        if (r->status[g] != FC_OK)
            return fc__fail(context, r->status[g], "encoding frame %zu: %s",
                            place[group[g].begin].order,
                            inner ? fc_context_message(inner) : fc_status_text(r->status[g]));
    return FC_OK;
}

/* Groups with the same points but other missing values take their rows from one basis. */
static fc_status encode_groups(fc_context *context, const request *r)
{
    fc_status status = FC_OK;
    const fc_basis *basis = NULL;
    for (size_t begin = 0, end; begin < r->groups->count; begin = end) {
        bool shared;
        end = fc__groups_run(r->groups, begin, &shared);
        const fc_points *points = fc__groups_points(r->groups, begin);
        if (shared && fc__basis_fits(context, r->decoder, points->count))
            FC_TRY(
                fc_basis_acquire(context, r->decoder, points->count, points->coordinates, &basis));
        FC_TRY(encode_run(context, r, basis, begin, end));
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
    size_t channels = frames->dataset->channel_count, c = decoder->config.codes;
    fc__groups groups = {0};
    request all = {.decoder = decoder, .prior = prior, .noise = noise, .groups = &groups};
    double *numbers = NULL;
    const fc_engine *engine = fc__context_engine(context);
    bool taken = false;
    if (engine && engine->decoder->encode_frames)
        FC_TRY(engine->decoder->encode_frames(engine->device, context, decoder, prior, noise,
                                              frames, codes, square, leverage, &taken));
    if (taken)
        return FC_OK;
    FC_TRY(fc__groups_create(context, frames, &groups));
    FC_NEW(context, &all.status, groups.count);
    FC_NEW(context, &all.z, fc__product(frames->count, c));
    FC_NEW(context, &all.sums, groups.count);
    FC_NEW(context, &numbers, fc__product(groups.count, 3 * channels));
    for (size_t g = 0; g < groups.count; g++) {
        double *own = numbers + g * 3 * channels;
        all.sums[g] = (totals){.number = own,
                               .square = square ? own + channels : NULL,
                               .leverage = leverage ? own + 2 * channels : NULL};
    }
    FC_TRY(encode_groups(context, &all));
    for (size_t f = 0; f < frames->count; f++)
        memcpy(codes + groups.place[f].order * c, all.z + f * c, c * sizeof *codes);
    average(channels, groups.count, all.sums, square, leverage);
done:
    fc__groups_clear(&groups);
    free(all.status);
    free(all.z);
    free(all.sums);
    free(numbers);
    return status;
}
