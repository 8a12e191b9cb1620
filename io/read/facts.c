#include "io/read/facts.h"

#include <math.h>
#include <stdlib.h>

fc_status fc__gather_start(fc_context *context, const fc_dataset *dataset, fc__gather *gather)
{
    fc_status status = FC_OK;
    *gather = (fc__gather){.dataset = dataset};
    FC_NEW(context, &gather->sums, dataset->channel_count);
    for (size_t c = 0; c < dataset->channel_count; c++) {
        gather->sums[c].lower = INFINITY;
        gather->sums[c].upper = -INFINITY;
    }
    FC_NEW(context, &gather->observed, dataset->sequence_count);
    for (size_t s = 0; s < dataset->sequence_count; s++)
        FC_NEW(context, &gather->observed[s],
               fc__product(dataset->sequences[s].frame_count, dataset->channel_count));
done:
    return status;
}

void fc__gather_release(fc__gather *gather)
{
    for (size_t s = 0; gather->observed && s < gather->dataset->sequence_count; s++)
        free(gather->observed[s]);
    free(gather->observed);
    free(gather->sums);
    *gather = (fc__gather){0};
}

/* One channel of a frame; the number of its observed values. */
static size_t add_values(fc__channel_sums *sums, size_t points, size_t stride, const float *values)
{
    size_t seen = 0;
    float lower = INFINITY, upper = -INFINITY;
    double sum = 0.0, squares = 0.0;
    for (size_t p = 0; p < points && sums->count == 0; p++)
        if (!isnan(values[p * stride])) {
            sums->origin = values[p * stride];
            break;
        }
    for (size_t p = 0; p < points; p++) {
        float value = values[p * stride];
        if (isnan(value))
            continue;
        double difference = value - sums->origin;
        lower = value < lower ? value : lower;
        upper = value > upper ? value : upper;
        sum += difference;
        squares += difference * difference;
        seen++;
    }
    sums->lower = fmin(sums->lower, lower);
    sums->upper = fmax(sums->upper, upper);
    sums->sum += sum;
    sums->squares += squares;
    sums->count += seen;
    return seen;
}

void fc__gather_frames(fc__gather *gather, size_t sequence, size_t first, size_t count,
                       float *const *values)
{
    const fc_dataset *dataset = gather->dataset;
    size_t channels = dataset->channel_count;
    for (size_t f = first; f < first + count; f++) {
        size_t points = dataset->points[dataset->sequences[sequence].frames[f].points].count;
        for (size_t c = 0; c < channels; c++)
            gather->observed[sequence][f * channels + c] =
                add_values(&gather->sums[c], points, channels, values[f - first] + c);
    }
}

/* ---------------------------------------------------------------- results */

static fc_channel_facts facts_of(const fc__channel_sums *sums)
{
    double count = (double)sums->count;
    if (sums->count == 0)
        return (fc_channel_facts){NAN, NAN, NAN, NAN, 1.0, 1.0, 0.0};
    double mean = sums->sum / count;
    return (fc_channel_facts){.lower = sums->lower,
                              .upper = sums->upper,
                              .mean = sums->origin + mean,
                              .deviation = sqrt(fmax(sums->squares / count - mean * mean, 0.0)),
                              .least_missing = 1.0};
}

static bool is_empty(const fc__gather *gather, size_t sequence, size_t frame)
{
    size_t channels = gather->dataset->channel_count;
    for (size_t c = 0; c < channels; c++)
        if (gather->observed[sequence][frame * channels + c])
            return false;
    return true;
}

/* A walk through the frames of the kept dataset, in order. */
typedef struct walk {
    const fc_dataset *dataset;
    size_t sequence, frame;
} walk;

/* Points of the next frame, 0 after the last. */
static size_t next_points(walk *at)
{
    const fc_dataset *dataset = at->dataset;
    while (at->sequence < dataset->sequence_count &&
           at->frame == dataset->sequences[at->sequence].frame_count) {
        at->sequence++;
        at->frame = 0;
    }
    if (at->sequence == dataset->sequence_count)
        return 0;
    return dataset->points[dataset->sequences[at->sequence].frames[at->frame++].points].count;
}

/* Shares of missing values, of all kept frames and of single ones. */
static void find_missing(const fc__gather *gather, const fc_dataset *kept, bool drops,
                         fc_data_facts *facts)
{
    const fc_dataset *dataset = gather->dataset;
    size_t channels = dataset->channel_count;
    double total = 0.0;
    walk at = {.dataset = kept};
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++) {
            if (drops && is_empty(gather, s, f))
                continue;
            double points = (double)next_points(&at);
            total += points;
            for (size_t c = 0; c < channels && points > 0.0; c++) {
                double share = 1.0 - (double)gather->observed[s][f * channels + c] / points;
                fc_channel_facts *channel = &facts->channels[c];
                channel->least_missing = fmin(channel->least_missing, share);
                channel->most_missing = fmax(channel->most_missing, share);
            }
        }
    for (size_t c = 0; c < channels && total > 0.0; c++)
        facts->channels[c].missing = 1.0 - (double)gather->sums[c].count / total;
}

static size_t count_frames(const fc_dataset *dataset)
{
    size_t frames = 0;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        frames += dataset->sequences[s].frame_count;
    return frames;
}

static size_t count_points(const fc_dataset *dataset)
{
    size_t points = 0;
    for (size_t p = 0; p < dataset->points_count; p++)
        points += dataset->points[p].count;
    return points;
}

fc_status fc__gather_finish(fc__gather *gather, fc_context *context, const fc_dataset *kept,
                            fc_data_facts *facts)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = gather->dataset;
    FC_NEW(context, &facts->channels, dataset->channel_count);
    for (size_t c = 0; c < dataset->channel_count; c++)
        facts->channels[c] = facts_of(&gather->sums[c]);
    facts->frames_left_out = count_frames(dataset) - count_frames(kept);
    facts->points_left_out = count_points(dataset) - count_points(kept);
    find_missing(gather, kept, facts->frames_left_out > 0, facts);
done:
    return status;
}

void fc_data_facts_clear(fc_data_facts *facts)
{
    free(facts->channels);
    *facts = (fc_data_facts){0};
}
