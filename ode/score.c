/* What the evaluations of sequences and of records share. */
#include "inr/basis_cache.h"
#include "inr/decode.h"
#include "inr/engine.h"
#include "ode/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void fc__tally_add(fc__tally *tally, size_t count, size_t channels, const float *forecast,
                   const float *truth, const bool *seen, bool flag)
{
    double square = 0.0, energy = 0.0, values = 0.0;
    for (size_t p = 0; p < count; p++) {
        if (seen && seen[p] != flag)
            continue;
        for (size_t i = p * channels; i < (p + 1) * channels; i++) {
            if (isnan(truth[i]) || isnan(forecast[i]))
                continue;
            double error = (double)forecast[i] - (double)truth[i];
            square += error * error;
            energy += (double)truth[i] * (double)truth[i];
            values += 1.0;
        }
    }
    if (values == 0.0)
        return;
    tally->square += square;
    tally->values += values;
    tally->relative += sqrt(square / fmax(energy, 1e-300));
    tally->frames += 1.0;
}

fc_score fc__tally_score(const fc__tally *tally)
{
    if (tally->values == 0.0)
        return (fc_score){NAN, NAN};
    return (fc_score){tally->square / tally->values, tally->relative / tally->frames};
}

void fc__basis_cache_clear(fc__basis_cache *cache)
{
    fc_basis_release(cache->basis);
    *cache = (fc__basis_cache){.points = SIZE_MAX};
}

fc_status fc__cached_decode(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                            size_t points, fc__basis_cache *cache, const double *z, float *values)
{
    fc_status status = FC_OK;
    const fc_points *set = &dataset->points[points];
    const fc__decoding decoding = {.count = set->count,
                                   .frames = 1,
                                   .coordinates = set->coordinates,
                                   .codes = &z,
                                   .values = &values,
                                   .mean = model->mean,
                                   .scale = model->scale};
    /* An engine keeps bases itself. */
    if (fc__context_engine(context) || !fc__basis_fits(context, model->decoder, set->count))
        return fc__decode(context, model->decoder, &decoding);
    if (cache->points != points) {
        fc__basis_cache_clear(cache);
        FC_TRY(
            fc_basis_acquire(context, model->decoder, set->count, set->coordinates, &cache->basis));
        cache->points = points;
    }
    FC_TRY(fc__decode_basis(context, cache->basis, &decoding));
done:
    return status;
}

/* Counts truth within one and two standard deviations of the encoded field. */
static fc_status cover(fc_context *context, const fc_model *model, const fc_points *points,
                       const fc_frame *frame, size_t observed, const double *z,
                       const double *covariance, const float *mean, fc__encoding *encoding)
{
    fc_status status = FC_OK;
    size_t values = fc__product(points->count, model->channel_count);
    float *deviation = NULL;
    FC_NEW(context, &deviation, values);
    FC_TRY(fc_model_decode_std(context, model, points->count, points->coordinates, observed, z,
                               covariance, deviation));
    for (size_t i = 0; i < values; i++) {
        if (isnan(frame->values[i]))
            continue;
        float ratio = fabsf(frame->values[i] - mean[i]) / deviation[i];
        encoding->within1 += ratio <= 1.0f;
        encoding->within2 += ratio <= 2.0f;
        encoding->values += 1.0;
    }
done:
    free(deviation);
    return status;
}

fc_status fc__evaluate_encoding(fc_context *context, const fc_model *model,
                                const fc_dataset *dataset, const fc_frame *frame,
                                const fc__estimate *estimate, fc__basis_cache *cache,
                                fc__encoding *encoding)
{
    fc_status status = FC_OK;
    const fc_points *points = &dataset->points[frame->points];
    size_t codes = model->decoder->config.codes, channels = model->channel_count;
    double *whole = NULL;
    float *mean = NULL;
    FC_NEW(context, &whole, codes);
    FC_NEW(context, &mean, fc__product(points->count, channels));
    fc__cycle_at(model, frame->time, whole);
    for (size_t i = 0; i < codes; i++)
        whole[i] += estimate->z[i];
    FC_TRY(fc__cached_decode(context, model, dataset, frame->points, cache, whole, mean));
    fc__tally_add(&encoding->error, points->count, channels, mean, frame->values, NULL, true);
    FC_TRY(cover(context, model, points, frame, estimate->observed, whole, estimate->covariance,
                 mean, encoding));
done:
    free(whole);
    free(mean);
    return status;
}
