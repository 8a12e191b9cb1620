/* Scores of a long record by lead time: every frame from a given time on is encoded and forecast to
 * the wanted leads, and persistence, climatology and the linear inverse model are scored on the
 * same values. */
#include "ode/evaluate.h"
#include "ode/lim.h"
#include "ode/residual.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Training mean at every point for each phase of the forcing cycle. */
typedef struct climatology {
    size_t bins, values; /* values: of a frame; 0 = no training frames in this dataset */
    float *mean;         /* (bins, values) */
} climatology;

/* Months of a year, hours of a day; one bin without a cycle. */
static size_t bin_of(const fc_model *model, size_t bins, double time)
{
    if (bins == 1)
        return 0;
    double phase = fmod((time - model->time_origin) / model->time.cycle, 1.0);
    return (size_t)lround((phase < 0.0 ? phase + 1.0 : phase) * (double)bins) % bins;
}

static fc_status climatology_create(fc_context *context, const fc_model *model,
                                    const fc_dataset *dataset, climatology *c)
{
    fc_status status = FC_OK;
    const fc_sequence *record = &dataset->sequences[0];
    double *sum = NULL, *number = NULL, end = model->time_origin + model->horizon;
    size_t values = dataset->points[record->frames[0].points].count * model->channel_count;
    double share = model->time.cycle > 0.0 ? model->time.cycle / model->time_scale : 0.0;
    c->bins = share >= 18.0 ? 24 : share >= 3.0 ? 12 : 1;
    if (!fc_dataset_shares_points(dataset) || record->frames[0].time > end)
        return FC_OK;
    FC_NEW(context, &sum, fc__product(c->bins, values));
    FC_NEW(context, &number, fc__product(c->bins, values));
    FC_NEW(context, &c->mean, fc__product(c->bins, values));
    for (size_t f = 0; f < record->frame_count; f++) {
        const fc_frame *frame = &record->frames[f];
        if (frame->time < model->time_origin || frame->time > end)
            continue;
        size_t at = bin_of(model, c->bins, frame->time) * values;
        for (size_t i = 0; i < values; i++) {
            if (!isnan(frame->values[i])) {
                sum[at + i] += (double)frame->values[i];
                number[at + i] += 1.0;
            }
        }
    }
    for (size_t i = 0; i < c->bins * values; i++)
        c->mean[i] = number[i] > 0.0 ? (float)(sum[i] / number[i]) : NAN;
    c->values = values;
done:
    free(sum);
    free(number);
    return status;
}

/* What the model's climatology has beside its codes. */
static fc_status add_climate(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                             const fc_frame *frame, float *u)
{
    fc_status status = FC_OK;
    const fc_points *points = &dataset->points[frame->points];
    float *climate = NULL;
    FC_TRY(fc__climate_create(context, model, points->count, points->coordinates, &climate));
    fc__climate_add(model, climate, frame->time, points->count, u);
done:
    free(climate);
    return status;
}

/* Forecast of climatology: the training mean, or the model's own where the training frames are not
 * in this dataset. */
static fc_status climatology_at(fc_context *context, const fc_model *model,
                                const fc_dataset *dataset, const climatology *c,
                                const fc_frame *frame, fc__basis_cache *cache, float *u)
{
    fc_status status = FC_OK;
    size_t codes = model->decoder->config.codes;
    double *mean = NULL;
    if (c->values) {
        memcpy(u, c->mean + bin_of(model, c->bins, frame->time) * c->values, c->values * sizeof *u);
        return FC_OK;
    }
    FC_NEW(context, &mean, codes);
    fc__cycle_at(model, frame->time, mean);
    for (size_t i = 0; i < codes; i++)
        mean[i] += model->prior->mean[i];
    FC_TRY(fc__cached_decode(context, model, dataset, frame->points, cache, mean, u));
    FC_TRY(add_climate(context, model, dataset, frame, u));
done:
    free(mean);
    return status;
}

typedef struct lead_tally {
    fc__tally forecast, persistence, climatology, lim;
} lead_tally;

/* Leads to score: those asked for, or the usual ones; those longer than the record are left out. */
static fc_status choose_leads(fc_context *context, const fc_evaluate_config *config, size_t frames,
                              fc_evaluation *e)
{
    static const size_t usual[] = {1, 2, 3, 6};
    fc_status status = FC_OK;
    size_t count = config->leads ? config->lead_count : 4;
    const size_t *leads = config->leads ? config->leads : usual;
    FC_NEW(context, &e->leads, count);
    for (size_t k = 0; k < count; k++) {
        if (leads[k] < frames)
            e->leads[e->lead_count++].lead = leads[k];
        else if (config->leads) {
            status = fc__fail(context, FC_ERROR_USAGE,
                              "lead %zu: the record has %zu frames, so leads of 1 to %zu steps are "
                              "accepted",
                              leads[k], frames, frames - 1);
            goto done;
        }
    }
done:
    return status;
}

/* One start of a forecast. */
typedef struct start {
    const fc_frame *frame;
    size_t index;     /* of the frame in the record */
    const double *z0; /* (C) departures */
    const double *z;  /* (leads that have a target, C) at the targets */
    const bool *seen; /* (points of the frame) */
    fc__carry carry;  /* at the points of the frame `carried` */
    const fc_frame *carried;
} start;

/* The residual of the start at the points of a target, kept for the next target on them. */
static fc_status carry_to(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                          const fc_frame *target, fc__basis_cache *cache, start *s)
{
    fc_status status = FC_OK;
    const fc_points *from = &dataset->points[s->frame->points];
    const fc_points *to = &dataset->points[target->points];
    double *whole = NULL;
    float *field = NULL;
    if (model->residual.lead_count == 0 || (s->carried && s->carried->points == target->points))
        return FC_OK;
    fc__carry_clear(&s->carry);
    FC_NEW(context, &whole, model->decoder->config.codes);
    FC_NEW(context, &field, fc__product(from->count, model->channel_count));
    fc__cycle_at(model, s->frame->time, whole);
    for (size_t i = 0; i < model->decoder->config.codes; i++)
        whole[i] += s->z0[i];
    FC_TRY(fc__cached_decode(context, model, dataset, s->frame->points, cache, whole, field));
    const fc__observation observation = {.time = s->frame->time,
                                         .count = from->count,
                                         .coordinates = from->coordinates,
                                         .values = s->frame->values,
                                         .seen = s->seen,
                                         .field = field};
    FC_TRY(fc__carry_create(context, model, &observation, to->count, to->coordinates, &s->carry));
    s->carried = target;
done:
    free(whole);
    free(field);
    return status;
}

/* The linear inverse model's forecast: its codes, and the climatology. */
static fc_status score_lim(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                           const fc_frame *target, const float *truth, const start *s,
                           fc__basis_cache *cache, float *u, fc__tally *tally)
{
    fc_status status = FC_OK;
    const double *mean = model->prior->mean;
    size_t codes = model->decoder->config.codes;
    double *propagator = NULL, *z = NULL;
    if (!model->residual.baseline)
        return FC_OK;
    FC_NEW(context, &propagator, fc__product(codes, codes));
    FC_NEW(context, &z, codes);
    FC_TRY(fc__exponential(context, codes, model->residual.baseline,
                           (target->time - s->frame->time) / model->time_scale, propagator));
    fc__cycle_at(model, target->time, z);
    for (size_t i = 0; i < codes; i++) {
        z[i] += mean[i];
        for (size_t j = 0; j < codes; j++)
            z[i] += propagator[i * codes + j] * (s->z0[j] - mean[j]);
    }
    FC_TRY(fc__cached_decode(context, model, dataset, target->points, cache, z, u));
    FC_TRY(add_climate(context, model, dataset, target, u));
    fc__tally_add(tally, dataset->points[target->points].count, model->channel_count, u, truth,
                  NULL, true);
done:
    free(propagator);
    free(z);
    return status;
}

/* What a forecast and its baselines are all held against: where start and target share their points
 * the values observed at both times, which persistence needs; else all of the target's. */
static void take_truth(const fc_frame *from, const fc_frame *target, size_t values, float *truth)
{
    for (size_t i = 0; i < values; i++)
        truth[i] =
            target->points == from->points && isnan(from->values[i]) ? NAN : target->values[i];
}

/* Scores the forecasts of one start. */
static fc_status score_start(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                             start *s, const climatology *c, fc__basis_cache *cache,
                             fc_evaluation *e, lead_tally *tally)
{
    fc_status status = FC_OK;
    const fc_sequence *record = &dataset->sequences[0];
    size_t channels = model->channel_count, codes = model->decoder->config.codes, found = 0;
    float *u = NULL, *truth = NULL;
    FC_NEW(context, &u, fc__product(fc_dataset_max_points(dataset), channels));
    FC_NEW(context, &truth, fc__product(fc_dataset_max_points(dataset), channels));
    for (size_t k = 0; k < e->lead_count; k++) {
        if (s->index + e->leads[k].lead >= record->frame_count)
            continue;
        const fc_frame *target = &record->frames[s->index + e->leads[k].lead];
        size_t count = dataset->points[target->points].count;
        double begin = fc__seconds();
        FC_TRY(carry_to(context, model, dataset, target, cache, s));
        FC_TRY(fc__cached_decode(context, model, dataset, target->points, cache,
                                 s->z + found * codes, u));
        FC_TRY(add_climate(context, model, dataset, target, u));
        fc__carry_add(model, &s->carry, (target->time - s->frame->time) / model->time_scale, 0,
                      count, u);
        e->seconds_decode += fc__seconds() - begin;
        take_truth(s->frame, target, count * channels, truth);
        fc__tally_add(&tally[k].forecast, count, channels, u, truth, NULL, true);
        if (target->points == s->frame->points)
            fc__tally_add(&tally[k].persistence, count, channels, s->frame->values, truth, NULL,
                          true);
        FC_TRY(climatology_at(context, model, dataset, c, target, cache, u));
        fc__tally_add(&tally[k].climatology, count, channels, u, truth, NULL, true);
        FC_TRY(score_lim(context, model, dataset, target, truth, s, cache, u, &tally[k].lim));
        found++;
    }
done:
    fc__carry_clear(&s->carry);
    free(u);
    free(truth);
    return status;
}

/* Encodes, integrates and scores one start. */
static fc_status forecast_start(fc_context *context, const fc_model *model,
                                const fc_dataset *dataset, const fc_evaluate_config *config,
                                size_t index, const climatology *c, fc__basis_cache *cache,
                                fc__encoding *encoding, fc_evaluation *e, lead_tally *tally)
{
    fc_status status = FC_OK;
    const fc_sequence *record = &dataset->sequences[0];
    const fc_frame *first = &record->frames[index];
    size_t codes = model->decoder->config.codes, count = 0;
    const fc_points *points = &dataset->points[first->points];
    double *z = NULL, *times = NULL;
    bool *seen = NULL;
    fc__estimate estimate = {0};
    fc_integration integration;
    FC_TRY(fc__estimate_create(context, model, &estimate));
    FC_NEW(context, &z, fc__product(e->lead_count, codes));
    FC_NEW(context, &times, e->lead_count);
    FC_NEW(context, &seen, points->count);
    for (size_t k = 0; k < e->lead_count; k++)
        if (index + e->leads[k].lead < record->frame_count)
            times[count++] = record->frames[index + e->leads[k].lead].time;
    if (count == 0)
        goto done;
    FC_TRY(
        fc_mask_points(context, &config->mask, &dataset->domain, points, index, index, seen, NULL));
    double begin = fc__seconds();
    FC_TRY(fc__estimate_observe(context, model, &config->integrator, first->time, points->count,
                                points->coordinates, first->values, seen, &estimate));
    encoding->seconds += fc__seconds() - begin;
    FC_TRY(fc__evaluate_encoding(context, model, dataset, first, &estimate, cache, encoding));
    begin = fc__seconds();
    status = fc__integrate_codes(context, model, &config->integrator, 1, estimate.z, &first->time,
                                 &count, (const double *const *)&times, &z, &integration);
    e->seconds_integrate += fc__seconds() - begin;
    if (status == FC_ERROR_SOLVER) { /* scored for none of them */
        e->failed++;
        status = FC_OK;
        goto done;
    }
    FC_TRY(status);
    start s = {.frame = first, .index = index, .z0 = estimate.z, .z = z, .seen = seen};
    FC_TRY(score_start(context, model, dataset, &s, c, cache, e, tally));
done:
    fc__estimate_clear(&estimate);
    free(z);
    free(times);
    free(seen);
    return status;
}

static int by_lead(const void *a, const void *b)
{
    size_t x = ((const fc_lead_score *)a)->lead, y = ((const fc_lead_score *)b)->lead;
    return (x > y) - (x < y);
}

static void pool(const fc__tally *from, fc__tally *to)
{
    to->square += from->square;
    to->values += from->values;
    to->relative += from->relative;
    to->frames += from->frames;
}

/* Scores by lead, and pooled over the leads within (In-t) and beyond (Out-t) the training period's
 * length. */
static void report(const fc_model *model, const lead_tally *tally, const fc__encoding *encoding,
                   fc_evaluation *e)
{
    lead_tally pooled[2] = {0};
    for (size_t k = 0; k < e->lead_count; k++) {
        bool later = (double)e->leads[k].lead * model->time_scale > model->horizon;
        e->leads[k].rmse = sqrt(fc__tally_score(&tally[k].forecast).mse);
        e->leads[k].persistence_rmse = sqrt(fc__tally_score(&tally[k].persistence).mse);
        e->leads[k].climatology_rmse = sqrt(fc__tally_score(&tally[k].climatology).mse);
        e->leads[k].lim_rmse = sqrt(fc__tally_score(&tally[k].lim).mse);
        pool(&tally[k].forecast, &pooled[later].forecast);
        pool(&tally[k].persistence, &pooled[later].persistence);
        pool(&tally[k].climatology, &pooled[later].climatology);
    }
    e->in_t = fc__tally_score(&pooled[0].forecast);
    e->out_t = fc__tally_score(&pooled[1].forecast);
    e->persistence_in_t = fc__tally_score(&pooled[0].persistence);
    e->persistence_out_t = fc__tally_score(&pooled[1].persistence);
    e->climatology_in_t = fc__tally_score(&pooled[0].climatology);
    e->climatology_out_t = fc__tally_score(&pooled[1].climatology);
    e->encode = fc__tally_score(&encoding->error);
    e->sigma1 = encoding->within1 / encoding->values;
    e->sigma2 = encoding->within2 / encoding->values;
    e->seconds_encode = encoding->seconds;
}

fc_status fc__evaluate_record(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                              const fc_evaluate_config *config, fc_evaluation *e)
{
    fc_status status = FC_OK;
    const fc_sequence *record = &dataset->sequences[0];
    climatology c = {0};
    lead_tally *tally = NULL;
    fc__encoding encoding = {0};
    fc__basis_cache cache = {.points = SIZE_MAX};
    FC_TRY(choose_leads(context, config, record->frame_count, e));
    qsort(e->leads, e->lead_count, sizeof *e->leads, by_lead);
    FC_NEW(context, &tally, e->lead_count);
    FC_TRY(climatology_create(context, model, dataset, &c));
    for (size_t f = 0; f < record->frame_count; f++)
        if (record->frames[f].time >= config->from)
            FC_TRY(forecast_start(context, model, dataset, config, f, &c, &cache, &encoding, e,
                                  tally));
    if (encoding.values == 0.0) {
        status = fc__fail(context, FC_ERROR_USAGE,
                          "no frame at or after the start of the evaluation has a target in the "
                          "record, which ends at %g",
                          record->frames[record->frame_count - 1].time);
        goto done;
    }
    if (e->failed && tally[0].forecast.values == 0.0) {
        status = FC_ERROR_SOLVER; /* of every start; the last one's message stands */
        goto done;
    }
    report(model, tally, &encoding, e);
done:
    free(c.mean);
    free(tally);
    fc__basis_cache_clear(&cache);
    return status;
}
