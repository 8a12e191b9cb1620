#include "ode/training_data.h"
#include "inr/displacement.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A record: what comes before `until`, its last part for validation. */
static fc_status cut_record(fc_context *context, const fc_dataset *dataset,
                            const fc_train_config *config, fc__span *spans, size_t *count)
{
    const fc_sequence *record = &dataset->sequences[0];
    size_t frames = 0;
    while (frames < record->frame_count && record->frames[frames].time < config->until)
        frames++;
    if (frames < 2)
        return fc__fail(
            context, FC_ERROR_DATA,
            "%zu of the record's %zu frames come before the end of training; at least 2 "
            "are needed to learn from",
            frames, record->frame_count);
    double share = fmax(config->validation, 0.15);
    size_t held = frames >= 12 ? (size_t)(share * (double)frames) : 0;
    *count = 0;
    spans[(*count)++] = (fc__span){.end = frames - held};
    if (held)
        spans[(*count)++] = (fc__span){.begin = frames - held, .end = frames, .validation = true};
    return FC_OK;
}

/* Independent sequences: some drawn at random for validation. */
static fc_status cut_sequences(fc_context *context, const fc_dataset *dataset,
                               const fc_train_config *config, fc__span *spans, size_t *count)
{
    fc_status status = FC_OK;
    size_t sequences = dataset->sequence_count, held, *order = NULL;
    fc__rng rng = fc__rng_create(config->seed, 31);
    FC_NEW(context, &order, sequences);
    held = (size_t)ceil(config->validation * (double)sequences);
    held = sequences < 5 ? 0 : held < sequences ? held : sequences - 1;
    fc__rng_choose(&rng, sequences, sequences, order);
    for (size_t s = 0; s < sequences; s++) {
        size_t frames = dataset->sequences[s].frame_count;
        if (config->train_frames && config->train_frames < frames)
            frames = config->train_frames;
        spans[s] = (fc__span){.sequence = s, .end = frames};
    }
    for (size_t k = 0; k < held; k++)
        spans[order[k]].validation = true;
    *count = sequences;
done:
    free(order);
    return status;
}

/* ---------------------------------------------------------------- normalisation */

/* Sums about the first value seen, so that a large mean costs no digits. */
typedef struct moments {
    double shift, sum, square, number;
} moments;

/* The first finite value of a channel, if this block has it, is what all are counted from. */
static void find_shifts(const fc__block *block, size_t channels, moments *m)
{
    const fc_dataset *dataset = block->frames.dataset;
    for (size_t c = 0; c < channels; c++) {
        for (size_t f = 0; f < block->frames.count && isnan(m[c].shift); f++) {
            const fc_frame *frame = block->frames.frame[f];
            size_t values = dataset->points[frame->points].count * channels;
            for (size_t i = c; i < values && isnan(m[c].shift); i += channels)
                if (isfinite(frame->values[i]))
                    m[c].shift = (double)frame->values[i];
        }
    }
}

/* Sums of one frame, (channels); not finite where a value is infinite. */
static void frame_moments(const fc_dataset *dataset, const fc_frame *frame, const moments *m,
                          moments *own)
{
    size_t channels = dataset->channel_count, points = dataset->points[frame->points].count;
    for (size_t c = 0; c < channels; c++) {
        double sum = 0.0, square = 0.0;
        size_t seen = 0;
        for (size_t p = 0; p < points; p++) {
            double departure = (double)frame->values[p * channels + c] - m[c].shift;
            bool missing = isnan(departure);
            departure = missing ? 0.0 : departure;
            sum += departure;
            square += departure * departure;
            seen += !missing;
        }
        own[c] = (moments){.sum = sum, .square = square, .number = (double)seen};
    }
}

/* What cannot be learned from in a frame: FC_ERROR_DATA. */
static fc_status check_frame(fc_context *context, const fc_dataset *dataset, const fc__place *place,
                             const fc_frame *frame)
{
    size_t channels = dataset->channel_count, seen = 0;
    size_t values = dataset->points[frame->points].count * channels;
    for (size_t i = 0; i < values; i++) {
        seen += !isnan(frame->values[i]);
        if (isinf(frame->values[i]))
            return fc__fail(context, FC_ERROR_DATA,
                            "%s is infinite in sequence %zu, frame %zu, point %zu; finite numbers, "
                            "or NaN for a missing value, are accepted",
                            dataset->channels[i % channels].name, place->sequence, place->frame,
                            i / channels);
    }
    if (seen == 0)
        return fc__fail(context, FC_ERROR_DATA,
                        "nothing is observed in sequence %zu, frame %zu: all values are missing",
                        place->sequence, place->frame);
    return FC_OK;
}

/* Adds the frames of a block, whose places are given, in their order; own: (frames, channels). */
static fc_status add_block(fc_context *context, const fc__block *block, const fc__place *places,
                           moments *own, moments *m)
{
    const fc_dataset *dataset = block->frames.dataset;
    size_t channels = dataset->channel_count;
    find_shifts(block, channels, m);
#pragma omp parallel for num_threads(fc_context_threads(context)) schedule(static)
    for (size_t f = 0; f < block->frames.count; f++)
        frame_moments(dataset, block->frames.frame[f], m, own + f * channels);
    for (size_t f = 0; f < block->frames.count; f++) {
        double seen = 0.0, square = 0.0;
        for (size_t c = 0; c < channels; c++) {
            const moments *of = &own[f * channels + c];
            seen += of->number;
            square += of->square;
            m[c].sum += of->sum;
            m[c].square += of->square;
            m[c].number += of->number;
        }
        if (seen == 0.0 || !isfinite(square)) {
            fc_status status = check_frame(context, dataset, &places[f], block->frames.frame[f]);
            if (status != FC_OK)
                return status;
        }
    }
    return FC_OK;
}

/* The places of the spans whose flag equals `validation`, or of all of them. */
static fc_status list_places(fc_context *context, const fc__training_data *data, bool all,
                             bool validation, size_t *count, fc__place **places)
{
    fc_status status = FC_OK;
    size_t next = 0;
    *count = 0;
    for (size_t k = 0; k < data->span_count; k++)
        if (all || data->spans[k].validation == validation)
            *count += data->spans[k].end - data->spans[k].begin;
    FC_NEW(context, places, *count);
    for (size_t k = 0; k < data->span_count; k++)
        for (size_t f = data->spans[k].begin; f < data->spans[k].end; f++)
            if (all || data->spans[k].validation == validation)
                (*places)[next++] = (fc__place){.sequence = data->spans[k].sequence, .frame = f};
done:
    return status;
}

/* Mean and standard deviation of every channel over the training spans. */
static fc_status normalisation(fc_context *context, const fc__training_data *data, fc_model *model)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = data->source;
    fc__place *places = NULL;
    fc__stream *stream = NULL;
    fc__block block;
    moments *m = NULL, *own = NULL;
    size_t count, channels = dataset->channel_count;
    FC_NEW(context, &m, channels);
    for (size_t c = 0; c < channels; c++)
        m[c].shift = NAN;
    FC_TRY(list_places(context, data, false, false, &count, &places));
    FC_TRY(fc__stream_create(context, dataset, count, places, 1, data->plan.stream, &stream));
    do {
        FC_TRY(fc__stream_next(stream, &block));
        free(own);
        FC_NEW(context, &own, fc__product(block.frames.count, channels));
        FC_TRY(add_block(context, &block, places + block.first, own, m));
        fc__report(context, "normalise", block.first + block.frames.count, count, NAN);
    } while (block.frames.count);
    for (size_t c = 0; c < channels; c++) {
        double mean = m[c].number > 0.0 ? m[c].sum / m[c].number : 0.0;
        double variance = m[c].number > 0.0 ? m[c].square / m[c].number - mean * mean : 0.0;
        model->mean[c] = isnan(m[c].shift) ? 0.0 : m[c].shift + mean;
        model->scale[c] = variance > 0.0 ? sqrt(variance) : 1.0;
    }
done:
    fc__stream_destroy(stream);
    free(places);
    free(m);
    free(own);
    return status;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Model time: its unit is the median interval between training frames. */
static fc_status time_scale(fc_context *context, const fc_dataset *dataset, size_t count,
                            const fc__span *spans, fc_model *model)
{
    fc_status status = FC_OK;
    size_t most = 0, number = 0;
    double *intervals = NULL;
    for (size_t k = 0; k < count; k++)
        most += spans[k].end - spans[k].begin;
    FC_NEW(context, &intervals, most);
    model->horizon = 0.0;
    for (size_t k = 0; k < count; k++) {
        const fc_frame *frames = dataset->sequences[spans[k].sequence].frames;
        for (size_t f = spans[k].begin + 1; f < spans[k].end; f++)
            intervals[number++] = frames[f].time - frames[f - 1].time;
        if (spans[k].end > spans[k].begin)
            model->horizon =
                fmax(model->horizon, frames[spans[k].end - 1].time - frames[spans[k].begin].time);
    }
    if (number == 0) {
        status = fc__fail(context, FC_ERROR_DATA,
                          "every sequence has a single frame; at least two frames in time are "
                          "needed to learn how the field moves");
        goto done;
    }
    if (dataset->record)
        model->horizon = dataset->sequences[0].frames[spans[count - 1].end - 1].time -
                         dataset->sequences[0].frames[0].time;
    qsort(intervals, number, sizeof *intervals, ascending);
    model->time_scale = intervals[number / 2];
    model->time_origin = dataset->sequences[spans[0].sequence].frames[spans[0].begin].time;
done:
    free(intervals);
    return status;
}

static fc_status describe(fc_context *context, const fc_dataset *dataset,
                          const fc_train_config *config, fc_model *model)
{
    fc_status status = FC_OK;
    size_t channels = dataset->channel_count;
    model->domain = dataset->domain;
    model->time = dataset->time;
    model->record = dataset->record;
    model->train_frames = dataset->record ? 0 : config->train_frames;
    model->channel_count = channels;
    FC_NEW(context, &model->channels, channels);
    FC_NEW(context, &model->mean, channels);
    FC_NEW(context, &model->scale, channels);
    FC_NEW(context, &model->noise, channels);
    memcpy(model->channels, dataset->channels, channels * sizeof *model->channels);
done:
    return status;
}

/* ---------------------------------------------------------------- frames to fit on */

/* Which of `total` frames are taken when `chosen` of them are: one of every stretch of equal
 * length, drawn at random, so that no regular step falls in with the length of the sequences. */
static size_t place_in_stretch(fc__rng *rng, size_t total, size_t chosen, size_t k)
{
    size_t begin, end;
    fc__slice(total, chosen, k, &begin, &end);
    return begin + (end - begin > 1 ? fc__rng_below(rng, end - begin) : 0);
}

/* Marks the frames that the decoder is fitted on among those of the spans with this flag. */
static void choose_frames(const fc__training_data *data, bool validation, size_t total,
                          size_t chosen, uint64_t seed, bool *taken)
{
    fc__rng rng = fc__rng_create(seed, validation ? 33 : 32);
    size_t at = 0, passed = 0, k = 0;
    size_t wanted = chosen ? place_in_stretch(&rng, total, chosen, 0) : total;
    for (size_t s = 0; s < data->span_count; s++) {
        for (size_t f = data->spans[s].begin; f < data->spans[s].end; f++, at++) {
            if (data->spans[s].validation != validation)
                continue;
            taken[at] = passed++ == wanted;
            if (taken[at])
                wanted = ++k < chosen ? place_in_stretch(&rng, total, chosen, k) : total;
        }
    }
}

/* The normalised frames to fit on. */
static fc_status copy_frames(fc_context *context, const fc_train_config *config,
                             const fc_model *model, size_t training, fc__training_data *data)
{
    fc_status status = FC_OK;
    bool *taken = NULL;
    fc__place *places = NULL;
    size_t *lengths = NULL, at = 0, next = 0;
    FC_NEW(context, &taken, data->frame_count);
    FC_NEW(context, &places, data->frame_count);
    FC_NEW(context, &lengths, data->span_count);
    choose_frames(data, false, training, data->plan.fit_training, config->seed, taken);
    choose_frames(data, true, data->frame_count - training, data->plan.fit_validation, config->seed,
                  taken);
    for (size_t k = 0; k < data->span_count; k++) {
        for (size_t f = data->spans[k].begin; f < data->spans[k].end; f++, at++) {
            if (!taken[at])
                continue;
            places[next++] = data->places[at];
            lengths[k]++;
        }
    }
    FC_TRY(fc__normalised_copy(context, model, data->source, data->span_count, lengths, places,
                               data->plan.stream, &data->dataset));
done:
    free(taken);
    free(places);
    free(lengths);
    return status;
}

fc_status fc__training_data_draw(fc_context *context, const fc_model *model,
                                 const fc__training_data *data, bool validation, size_t most,
                                 fc__rng rng, fc_dataset **drawn)
{
    fc_status status = FC_OK;
    fc__place *places = NULL, *chosen = NULL;
    size_t *order = NULL, *lengths = NULL, count;
    *drawn = NULL;
    FC_TRY(list_places(context, data, !validation, true, &count, &places));
    most = most < count ? most : count;
    FC_NEW(context, &order, count);
    FC_NEW(context, &chosen, most);
    FC_NEW(context, &lengths, most);
    fc__rng_choose(&rng, count, most, order);
    for (size_t k = 0; k < most; k++) {
        chosen[k] = places[order[k]];
        lengths[k] = 1;
    }
    FC_TRY(fc__normalised_copy(context, model, data->source, most, lengths, chosen,
                               data->plan.stream, drawn));
done:
    free(places);
    free(chosen);
    free(order);
    free(lengths);
    return status;
}

fc_status fc__training_data_create(fc_context *context, const fc_dataset *dataset,
                                   const fc_train_config *config, fc_model *model,
                                   fc__training_data *data)
{
    fc_status status = FC_OK;
    size_t training = 0;
    *data = (fc__training_data){.decoder_sees_all = dataset->record};
    if (!fc_mask_sees_all(&config->mask) || config->every > 1) {
        FC_TRY(fc_dataset_subset(context, dataset, &config->mask, config->every, &data->subset));
        dataset = data->subset;
    }
    data->source = dataset;
    FC_TRY(describe(context, dataset, config, model));
    FC_NEW(context, &data->spans, dataset->sequence_count + 2);
    FC_TRY(dataset->record
               ? cut_record(context, dataset, config, data->spans, &data->span_count)
               : cut_sequences(context, dataset, config, data->spans, &data->span_count));
    FC_TRY(time_scale(context, dataset, data->span_count, data->spans, model));
    FC_TRY(list_places(context, data, true, false, &data->frame_count, &data->places));
    FC_NEW(context, &data->validation, data->span_count);
    for (size_t k = 0; k < data->span_count; k++) {
        data->validation[k] = data->spans[k].validation;
        training += data->validation[k] ? 0 : data->spans[k].end - data->spans[k].begin;
    }
    FC_TRY(fc__memory_plan_make(context, dataset, config, training, data->frame_count - training,
                                &data->plan));
    FC_TRY(normalisation(context, data, model));
    FC_TRY(copy_frames(context, config, model, training, data));
done:
    if (status != FC_OK)
        fc__training_data_clear(data);
    return status;
}

void fc__training_data_clear(fc__training_data *data)
{
    fc_dataset_destroy(data->dataset);
    fc_dataset_destroy(data->subset);
    free(data->validation);
    free(data->spans);
    free(data->places);
    *data = (fc__training_data){0};
}

/* ---------------------------------------------------------------- trajectories */

fc_status fc__trajectories_create(fc_context *context, const fc_model *model,
                                  const fc__training_data *data, bool flag, const double *codes,
                                  fc_trajectories *trajectories)
{
    fc_status status = FC_OK;
    size_t c = model->decoder->config.codes, frames = 0, count = 0, at = 0, read = 0;
    size_t *first = NULL;
    double *times = NULL, *cycle = NULL;
    float *z = NULL;
    *trajectories = (fc_trajectories){.codes = c};
    for (size_t k = 0; k < data->span_count; k++)
        if (data->spans[k].validation == flag)
            frames += data->spans[k].end - data->spans[k].begin;
    FC_NEW(context, &first, frames + 1);
    FC_NEW(context, &times, frames);
    FC_NEW(context, &z, fc__product(frames, c));
    FC_NEW(context, &cycle, c);
    for (size_t k = 0; k < data->span_count; k++) {
        const fc__span *span = &data->spans[k];
        const fc_frame *frame = data->source->sequences[span->sequence].frames;
        for (size_t f = span->begin; f < span->end; f++, read++) {
            double time = (frame[f].time - model->time_origin) / model->time_scale;
            if (span->validation != flag)
                continue;
            if (f == span->begin || time - times[at - 1] > 4.0)
                first[count++] = at;
            fc__cycle_at(model, frame[f].time, cycle);
            for (size_t i = 0; i < c; i++)
                z[at * c + i] = (float)(codes[read * c + i] - cycle[i]);
            times[at++] = time;
        }
    }
    first[count] = at;
    *trajectories =
        (fc_trajectories){.codes = c, .count = count, .first = first, .times = times, .z = z};
    first = NULL;
    times = NULL;
    z = NULL;
done:
    free(first);
    free(times);
    free(z);
    free(cycle);
    return status;
}

void fc__trajectories_clear(fc_trajectories *trajectories)
{
    free((void *)trajectories->first);
    free((void *)trajectories->times);
    free((void *)trajectories->z);
    *trajectories = (fc_trajectories){0};
}

fc_status fc__trajectories_join(fc_context *context, const fc_trajectories *a,
                                const fc_trajectories *b, fc_trajectories *joined)
{
    fc_status status = FC_OK;
    size_t frames = a->first[a->count], more = b->first[b->count], codes = a->codes;
    size_t *first = NULL;
    double *times = NULL;
    float *z = NULL;
    FC_NEW(context, &first, a->count + b->count + 1);
    FC_NEW(context, &times, frames + more);
    FC_NEW(context, &z, fc__product(frames + more, codes));
    memcpy(first, a->first, (a->count + 1) * sizeof *first);
    for (size_t s = 0; s <= b->count; s++)
        first[a->count + s] = frames + b->first[s];
    memcpy(times, a->times, frames * sizeof *times);
    memcpy(times + frames, b->times, more * sizeof *times);
    memcpy(z, a->z, frames * codes * sizeof *z);
    memcpy(z + frames * codes, b->z, more * codes * sizeof *z);
    *joined = (fc_trajectories){
        .codes = codes, .count = a->count + b->count, .first = first, .times = times, .z = z};
    first = NULL;
    times = NULL;
    z = NULL;
done:
    free(first);
    free(times);
    free(z);
    return status;
}

/* ---------------------------------------------------------------- copies */

/* Point sets, moved, in a dataset without frames. */
static fc_status move_points(fc_context *context, const fc_dataset *source,
                             const fc_fit_config *fit, size_t copy, fc_dataset **moved)
{
    fc_status status = FC_OK;
    double offset[FC_MAX_DIMS], *x = NULL;
    size_t dims = source->domain.dims, index;
    fc__displacement(&source->domain, fit, copy, offset);
    FC_TRY(fc_dataset_create(context, &source->domain, source->channel_count, moved));
    for (size_t s = 0; s < source->points_count; s++) {
        const fc_points *points = &source->points[s];
        free(x);
        FC_NEW(context, &x, points->count * dims);
        for (size_t i = 0; i < points->count * dims; i++)
            x[i] = points->coordinates[i] + offset[i % dims];
        FC_TRY(fc_dataset_add_points(context, *moved, points->count, x, NULL, &index));
    }
done:
    free(x);
    return status;
}

fc_status fc__trajectories_add_copies(fc_context *context, const fc_model *model,
                                      const fc_prior *prior, const fc__training_data *data,
                                      const fc_fit_config *fit, double *codes,
                                      fc_trajectories *trajectories)
{
    fc_status status = FC_OK;
    fc_trajectories copies = {0}, joined = {0};
    fc_dataset *moved = NULL, view = *data->source;
    for (size_t copy = 1; copy <= fit->copies; copy++) {
        fc_dataset_destroy(moved);
        moved = NULL;
        FC_TRY(move_points(context, data->source, fit, copy, &moved));
        view.points = moved->points;
        FC_TRY(fc__normalised_codes(context, model, prior, &view, data->frame_count, data->places,
                                    data->plan.stream, codes, NULL));
        FC_TRY(fc__trajectories_create(context, model, data, false, codes, &copies));
        FC_TRY(fc__trajectories_join(context, trajectories, &copies, &joined));
        fc__trajectories_clear(&copies);
        fc__trajectories_clear(trajectories);
        *trajectories = joined;
    }
done:
    fc__trajectories_clear(&copies);
    fc_dataset_destroy(moved);
    return status;
}
