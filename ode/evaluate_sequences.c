/* Scores of independent sequences: one frame is encoded, with help of those before it where a
 * window is asked for, and all later ones are forecast. */
#include "ode/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums over all sequences. */
typedef struct sums {
    fc__encoding encoding;
    fc__tally forecast[2], persistence[2], climatology[2]; /* In-t, Out-t */
    fc__tally seen, unseen;
    fc__tally *frame; /* (longest) by index from the encoded frame on */
    double *time;     /* (longest) since that frame, of the first sequence so long */
} sums;

/* Departure trajectories of all sequences, start and times as fc__integrate_codes takes them. */
typedef struct trajectories {
    size_t *counts;
    double *z0, *start, **times, **z;
    bool **seen; /* points of the encoded frames, NULL = all */
    fc_integration *integrations;
} trajectories;

static fc_status trajectories_create(fc_context *context, const fc_dataset *dataset, size_t codes,
                                     const fc_evaluate_config *config, trajectories *t)
{
    fc_status status = FC_OK;
    size_t count = dataset->sequence_count;
    FC_NEW(context, &t->counts, count);
    FC_NEW(context, &t->z0, fc__product(count, codes));
    FC_NEW(context, &t->start, count);
    FC_NEW(context, &t->times, count);
    FC_NEW(context, &t->z, count);
    FC_NEW(context, &t->seen, count);
    FC_NEW(context, &t->integrations, count);
    for (size_t s = 0; s < count; s++) {
        const fc_sequence *sequence = &dataset->sequences[s];
        const fc_frame *first = &sequence->frames[config->start];
        t->counts[s] = sequence->frame_count - config->start;
        t->start[s] = first->time;
        FC_NEW(context, &t->times[s], t->counts[s]);
        FC_NEW(context, &t->z[s], fc__product(t->counts[s], codes));
        if (!fc_mask_sees_all(&config->mask))
            FC_NEW(context, &t->seen[s], dataset->points[first->points].count);
        for (size_t f = 0; f < t->counts[s]; f++)
            t->times[s][f] = first[f].time;
    }
done:
    return status;
}

static void trajectories_clear(trajectories *t, size_t count)
{
    for (size_t s = 0; s < count; s++) {
        free(t->times ? t->times[s] : NULL);
        free(t->z ? t->z[s] : NULL);
        free(t->seen ? t->seen[s] : NULL);
    }
    free(t->counts);
    free(t->z0);
    free(t->start);
    free(t->times);
    free(t->z);
    free(t->seen);
    free(t->integrations);
}

/* Forecast, persistence and climatology of one later frame, number f of sequence s from the encoded
 * one on. */
static fc_status score_frame(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                             const fc_frame *first, const fc_frame *frame, size_t s, size_t f,
                             const trajectories *t, fc__basis_cache *cache, double *seconds,
                             sums *sum)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes, channels = model->channel_count;
    size_t count = dataset->points[frame->points].count;
    double lead = frame->time - first->time, *mean = NULL;
    double since_begin = frame->time - dataset->sequences[s].frames[0].time;
    size_t later = since_begin > model->horizon * (1.0 + 1e-9) ? 1 : 0;
    float *u = NULL;
    bool partly = t->seen[s] && frame->points == first->points;
    FC_NEW(context, &u, fc__product(count, channels));
    FC_NEW(context, &mean, codes);
    double start = fc__seconds();
    FC_TRY(
        fc__cached_decode(context, model, dataset, frame->points, cache, t->z[s] + f * codes, u));
    *seconds += fc__seconds() - start;
    fc__tally_add(&sum->forecast[later], count, channels, u, frame->values, NULL, true);
    fc__tally_add(&sum->frame[f], count, channels, u, frame->values, NULL, true);
    if (partly) {
        fc__tally_add(&sum->seen, count, channels, u, frame->values, t->seen[s], true);
        fc__tally_add(&sum->unseen, count, channels, u, frame->values, t->seen[s], false);
    }
    if (frame->points == first->points)
        fc__tally_add(&sum->persistence[later], count, channels, first->values, frame->values, NULL,
                      true);
    fc__cycle_at(model, frame->time, mean);
    for (size_t i = 0; i < codes; i++)
        mean[i] += model->prior->mean[i];
    FC_TRY(fc__cached_decode(context, model, dataset, frame->points, cache, mean, u));
    fc__tally_add(&sum->climatology[later], count, channels, u, frame->values, NULL, true);
    sum->time[f] = sum->time[f] > 0.0 ? sum->time[f] : lead;
done:
    free(u);
    free(mean);
    return status;
}

static fc_status report(fc_context *context, const sums *sum, size_t longest,
                        const fc_evaluate_config *config, fc_evaluation *e)
{
    fc_status status = FC_OK;
    e->in_t = fc__tally_score(&sum->forecast[0]);
    e->out_t = fc__tally_score(&sum->forecast[1]);
    e->persistence_in_t = fc__tally_score(&sum->persistence[0]);
    e->persistence_out_t = fc__tally_score(&sum->persistence[1]);
    e->climatology_in_t = fc__tally_score(&sum->climatology[0]);
    e->climatology_out_t = fc__tally_score(&sum->climatology[1]);
    if (!fc_mask_sees_all(&config->mask)) {
        e->in_s = fc__tally_score(&sum->seen);
        e->out_s = fc__tally_score(&sum->unseen);
    }
    e->encode = fc__tally_score(&sum->encoding.error);
    e->sigma1 = sum->encoding.within1 / sum->encoding.values;
    e->sigma2 = sum->encoding.within2 / sum->encoding.values;
    e->seconds_encode = sum->encoding.seconds;
    FC_NEW(context, &e->frame_time, longest);
    FC_NEW(context, &e->frame, longest);
    e->frame_count = longest;
    for (size_t f = 0; f < longest; f++) {
        e->frame_time[f] = sum->time[f];
        e->frame[f] = fc__tally_score(f ? &sum->frame[f] : &sum->encoding.error);
    }
done:
    return status;
}

/* Frames [begin, end) of every sequence, end = SIZE_MAX: to its end; free() them. */
static fc_status list_places(fc_context *context, const fc_dataset *dataset, size_t begin,
                             size_t end, size_t *count, fc__place **places)
{
    fc_status status = FC_OK;
    size_t total = 0, next = 0;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        total += dataset->sequences[s].frame_count;
    FC_NEW(context, places, total);
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = begin; f < end && f < dataset->sequences[s].frame_count; f++)
            (*places)[next++] = (fc__place){.sequence = s, .frame = f};
    *count = next;
done:
    return status;
}

/* Takes one frame of a window into the estimate, which is that of its sequence at the last one. */
static fc_status observe_frame(fc_context *context, const fc_model *model,
                               const fc_dataset *dataset, const fc_evaluate_config *config,
                               const fc__place *place, const fc_frame *frame, trajectories *t,
                               fc__estimate *estimate, fc__basis_cache *cache, sums *sum)
{
    fc_status status = FC_OK;
    const fc_points *points = &dataset->points[frame->points];
    size_t s = place->sequence, codes = model->decoder->config.codes;
    bool *seen = NULL;
    if (!fc_mask_sees_all(&config->mask)) {
        FC_NEW(context, &seen, points->count);
        FC_TRY(fc_mask_points(context, &config->mask, &dataset->domain, points, s, place->frame,
                              seen, NULL));
    }
    double start = fc__seconds();
    estimate->begun = estimate->begun && place->frame + config->window > config->start + 1;
    FC_TRY(fc__estimate_observe(context, model, &config->integrator, frame->time, points->count,
                                points->coordinates, frame->values, seen, estimate));
    sum->encoding.seconds += fc__seconds() - start;
    if (place->frame < config->start)
        goto done;
    memcpy(t->z0 + s * codes, estimate->z, codes * sizeof *t->z0);
    if (seen)
        memcpy(t->seen[s], seen, points->count * sizeof *seen);
    FC_TRY(fc__evaluate_encoding(context, model, dataset, frame, estimate, cache, &sum->encoding));
done:
    free(seen);
    return status;
}

/* Finds the code of every sequence at its encoded frame. */
static fc_status encode(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                        const fc_evaluate_config *config, trajectories *t, fc__basis_cache *cache,
                        sums *sum)
{
    fc_status status = FC_OK;
    size_t count, end = config->start + 1;
    fc__place *places = NULL;
    fc__stream *stream = NULL;
    fc__block block;
    fc__estimate estimate = {0};
    FC_TRY(fc__estimate_create(context, model, &estimate));
    FC_TRY(list_places(context, dataset, end - config->window, end, &count, &places));
    FC_TRY(fc__stream_create(context, dataset, count, places, 1, 0, &stream));
    do {
        FC_TRY(fc__stream_next(stream, &block));
        for (size_t k = 0; k < block.frames.count; k++)
            FC_TRY(observe_frame(context, model, dataset, config, &places[block.first + k],
                                 block.frames.frame[k], t, &estimate, cache, sum));
    } while (block.frames.count);
done:
    fc__estimate_clear(&estimate);
    fc__stream_destroy(stream);
    free(places);
    return status;
}

/* Scores the frames from number `begin` on in turn; the first of them in a sequence is kept for
 * those that follow. */
static fc_status score_frames(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                              size_t begin, const trajectories *t, fc__basis_cache *cache,
                              double *seconds, sums *sum)
{
    fc_status status = FC_OK;
    fc__place *places = NULL;
    fc__stream *stream = NULL;
    fc__block block;
    fc_frame first = {0};
    float *room = NULL;
    size_t count;
    FC_TRY(list_places(context, dataset, begin, SIZE_MAX, &count, &places));
    FC_NEW(context, &room, fc__largest_frame(dataset) / sizeof *room);
    FC_TRY(fc__stream_create(context, dataset, count, places, 1, 0, &stream));
    do {
        FC_TRY(fc__stream_next(stream, &block));
        for (size_t k = 0; k < block.frames.count; k++) {
            const fc__place *place = &places[block.first + k];
            const fc_frame *frame = block.frames.frame[k];
            if (place->frame == begin) {
                first = *frame;
                first.values = room;
                memcpy(room, frame->values, fc__bytes_of_frame(dataset, frame));
            } else {
                FC_TRY(score_frame(context, model, dataset, &first, frame, place->sequence,
                                   place->frame - begin, t, cache, seconds, sum));
            }
        }
    } while (block.frames.count);
done:
    fc__stream_destroy(stream);
    free(places);
    free(room);
    return status;
}

fc_status fc__evaluate_sequences(fc_context *context, const fc_model *model,
                                 const fc_dataset *dataset, const fc_evaluate_config *config,
                                 fc_evaluation *evaluation)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes, count = dataset->sequence_count, longest = 0;
    trajectories t = {0};
    sums sum = {0};
    fc__basis_cache cache = {.points = SIZE_MAX};
    for (size_t s = 0; s < count; s++) {
        size_t frames = dataset->sequences[s].frame_count;
        if (frames <= config->start)
            return fc__fail(context, FC_ERROR_USAGE,
                            "frame %zu is to be encoded, and sequence %zu has frames 0 to %zu",
                            config->start, s, frames - 1);
        longest = frames - config->start > longest ? frames - config->start : longest;
    }
    FC_NEW(context, &sum.frame, longest);
    FC_NEW(context, &sum.time, longest);
    FC_TRY(trajectories_create(context, dataset, codes, config, &t));
    FC_TRY(encode(context, model, dataset, config, &t, &cache, &sum));
    double start = fc__seconds();
    FC_TRY(fc__integrate_codes(context, model, &config->integrator, count, t.z0, t.start, t.counts,
                               (const double *const *)t.times, t.z, t.integrations));
    evaluation->seconds_integrate = fc__seconds() - start;
    for (size_t s = 0; s < count; s++)
        evaluation->failed += t.integrations[s].status != FC_OK;
    FC_TRY(score_frames(context, model, dataset, config->start, &t, &cache,
                        &evaluation->seconds_decode, &sum));
    FC_TRY(report(context, &sum, longest, config, evaluation));
done:
    trajectories_clear(&t, count);
    fc__basis_cache_clear(&cache);
    free(sum.frame);
    free(sum.time);
    return status;
}
