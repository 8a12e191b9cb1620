#include "ode/training_data.h"

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

/* Mean and standard deviation of every channel over the training spans. */
static void normalisation(const fc_dataset *dataset, size_t count, const fc__span *spans,
                          fc_model *model)
{
    size_t channels = dataset->channel_count;
    for (size_t c = 0; c < channels; c++) {
        double sum = 0.0, square = 0.0, number = 0.0, shift = NAN;
        for (size_t k = 0; k < count; k++) {
            for (size_t f = spans[k].begin; f < spans[k].end && !spans[k].validation; f++) {
                const fc_frame *frame = &dataset->sequences[spans[k].sequence].frames[f];
                size_t points = dataset->points[frame->points].count;
                for (size_t p = 0; p < points; p++) {
                    double value = (double)frame->values[p * channels + c];
                    if (isnan(value))
                        continue;
                    if (isnan(shift))
                        shift = value;
                    sum += value - shift;
                    square += (value - shift) * (value - shift);
                    number += 1.0;
                }
            }
        }
        double mean = number > 0.0 ? sum / number : 0.0;
        double variance = number > 0.0 ? square / number - mean * mean : 0.0;
        model->mean[c] = isnan(shift) ? 0.0 : shift + mean;
        model->scale[c] = variance > 0.0 ? sqrt(variance) : 1.0;
    }
}

static fc_status copy_span(fc_context *context, const fc_dataset *source, const fc__span *s,
                           const fc_model *model, fc_dataset *copy)
{
    fc_status status = FC_OK;
    size_t frames = s->end - s->begin, channels = source->channel_count;
    const fc_frame *from = source->sequences[s->sequence].frames + s->begin;
    double *times = NULL;
    size_t *points = NULL;
    fc_sequence *made;
    FC_NEW(context, &times, frames);
    FC_NEW(context, &points, frames);
    for (size_t f = 0; f < frames; f++) {
        times[f] = from[f].time;
        points[f] = from[f].points;
    }
    FC_TRY(fc_dataset_add_sequence(context, copy, frames, times, points, &made));
    for (size_t f = 0; f < frames; f++) {
        size_t values = source->points[from[f].points].count * channels;
        for (size_t i = 0; i < values; i++)
            made->frames[f].values[i] =
                (float)(((double)from[f].values[i] - model->mean[i % channels]) /
                        model->scale[i % channels]);
    }
done:
    free(times);
    free(points);
    return status;
}

fc_status fc__normalised_copy(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                              size_t count, const fc__span *spans, fc_dataset **copy)
{
    fc_status status = FC_OK;
    size_t index;
    fc_dataset *made = NULL;
    *copy = NULL;
    FC_TRY(fc_dataset_create(context, &dataset->domain, dataset->channel_count, &made));
    memcpy(made->channels, dataset->channels, dataset->channel_count * sizeof *dataset->channels);
    made->time = dataset->time;
    made->record = dataset->record;
    for (size_t p = 0; p < dataset->points_count; p++) {
        const fc_points *points = &dataset->points[p];
        FC_TRY(fc_dataset_add_points(context, made, points->count, points->coordinates,
                                     points->grid[0] ? points->grid : NULL, &index));
    }
    for (size_t k = 0; k < count; k++)
        FC_TRY(copy_span(context, dataset, &spans[k], model, made));
    *copy = made;
    made = NULL;
done:
    fc_dataset_destroy(made);
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

fc_status fc__training_data_create(fc_context *context, const fc_dataset *dataset,
                                   const fc_train_config *config, fc_model *model,
                                   fc__training_data *data)
{
    fc_status status = FC_OK;
    fc__span *spans = NULL;
    size_t count = 0;
    *data = (fc__training_data){.decoder_sees_all = dataset->record};
    FC_TRY(describe(context, dataset, config, model));
    FC_NEW(context, &spans, dataset->sequence_count + 2);
    FC_TRY(dataset->record ? cut_record(context, dataset, config, spans, &count)
                           : cut_sequences(context, dataset, config, spans, &count));
    FC_TRY(time_scale(context, dataset, count, spans, model));
    normalisation(dataset, count, spans, model);
    FC_TRY(fc__normalised_copy(context, model, dataset, count, spans, &data->dataset));
    FC_NEW(context, &data->validation, count);
    for (size_t k = 0; k < count; k++)
        data->validation[k] = spans[k].validation;
done:
    free(spans);
    if (status != FC_OK)
        fc__training_data_clear(data);
    return status;
}

void fc__training_data_clear(fc__training_data *data)
{
    fc_dataset_destroy(data->dataset);
    free(data->validation);
    *data = (fc__training_data){0};
}

fc_status fc__trajectories_create(fc_context *context, const fc_model *model,
                                  const fc__training_data *data, bool flag, const double *codes,
                                  fc_trajectories *trajectories)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = data->dataset;
    size_t c = model->decoder->config.codes, frames = 0, count = 0, at = 0, read = 0;
    size_t *first = NULL;
    double *times = NULL, *cycle = NULL;
    float *z = NULL;
    *trajectories = (fc_trajectories){.codes = c};
    for (size_t s = 0; s < dataset->sequence_count; s++)
        frames += dataset->sequences[s].frame_count;
    FC_NEW(context, &first, frames + 1);
    FC_NEW(context, &times, frames);
    FC_NEW(context, &z, fc__product(frames, c));
    FC_NEW(context, &cycle, c);
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        const fc_sequence *sequence = &dataset->sequences[s];
        for (size_t f = 0; f < sequence->frame_count; f++, read++) {
            double time = (sequence->frames[f].time - model->time_origin) / model->time_scale;
            if (data->validation[s] != flag)
                continue;
            if (f == 0 || time - times[at - 1] > 4.0)
                first[count++] = at;
            fc__cycle_at(model, sequence->frames[f].time, cycle);
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
