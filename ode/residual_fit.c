#include "ode/residual_fit.h"
#include "ode/validation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Frames enough for blocks that leave something to learn from. */
enum { LEAST_FRAMES = 15 };

/* A decoder of few codes among many frames hardly knows one block of them. */
static bool needs_refit(const fc_model *model, size_t frames)
{
    return frames < 30 * model->decoder->config.codes;
}

/* ---------------------------------------------------------------- tables by lead */

/* Growth of the codes' errors, (a p - t)^2, and what is left of the fields' for the residuals. */
static void tabulate_errors(const fc__validation *v, size_t chosen, size_t lead, fc_model *model)
{
    fc_residual *r = &model->residual;
    size_t entry = lead + 1, channels = v->channels;
    double a = r->departure[entry], *growth = model->lead_variance + entry * v->codes;
    for (size_t i = 0; i < v->codes; i++) {
        const fc__code_moments *m = &v->code[(chosen * v->lead_count + lead) * v->codes + i];
        growth[i] =
            m->number > 0.0 ? fmax(a * a * m->pp - 2.0 * a * m->pt + m->tt, 0.0) / m->number : 0.0;
    }
    for (size_t c = 0; c < channels; c++) {
        double all = fc__validation_error(v, chosen, lead, c, a, r->decay[entry * channels + c]);
        double codes = 0.0;
        for (size_t i = 0; i < v->codes; i++)
            codes += growth[i] * v->basis[c * v->codes + i] / fmax(v->basis_number[c], 1.0);
        r->error[entry * channels + c] = fmax(all - codes, 0.05 * all);
    }
}

static fc_status tabulate(fc_context *context, const fc__validation *v, size_t chosen,
                          fc_model *model)
{
    fc_status status = FC_OK;
    fc_residual *r = &model->residual;
    size_t channels = v->channels, entries = v->lead_count + 1;
    FC_NEW(context, &r->lead, entries);
    FC_NEW(context, &r->departure, entries);
    FC_NEW(context, &r->decay, fc__product(entries, channels));
    FC_NEW(context, &r->error, fc__product(entries, channels));
    FC_NEW(context, &model->lead_time, entries);
    FC_NEW(context, &model->lead_variance, fc__product(entries, v->codes));
    r->departure[0] = 1.0;
    for (size_t c = 0; c < channels; c++)
        r->decay[c] = 1.0;
    for (size_t l = 0; l < v->lead_count; l++) {
        model->lead_time[l + 1] = r->lead[l + 1] = (double)v->lead[l];
        fc__validation_weigh(v, chosen, l, &r->departure[l + 1], r->decay + (l + 1) * channels);
        tabulate_errors(v, chosen, l, model);
    }
    r->lead_count = model->lead_count = entries;
    r->still = v->candidate[chosen].still;
    r->modes = v->candidate[chosen].modes;
    r->ridge = v->candidate[chosen].ridge;
done:
    return status;
}

static fc_status keep_correlation(fc_context *context, const fc__validation *v, fc_residual *r)
{
    fc_status status = FC_OK;
    FC_NEW(context, &r->variance, v->channels);
    FC_NEW(context, &r->length, v->channels);
    FC_NEW(context, &r->nugget, v->channels);
    for (size_t c = 0; c < v->channels; c++) {
        fc__correlation found = {.length = 1.0, .nugget = 1.0};
        if (v->correlogram[c].longest > 0.0)
            found = fc__correlation_fit(&v->correlogram[c]);
        r->length[c] = found.length;
        r->nugget[c] = found.nugget;
        r->variance[c] = v->number[c] > 0.0 ? v->variance[c] / v->number[c] : 0.0;
    }
done:
    return status;
}

/* ---------------------------------------------------------------- climatology */

/* That of the residuals under the finished model, where the points are shared; some at a time. */
static fc_status keep_climate(fc_context *context, const fc__record *record, const double *codes,
                              fc_model *model)
{
    enum { TILE = 8192 };
    fc_status status = FC_OK;
    const fc_points *points = &record->dataset->points[record->frames[0].points];
    size_t columns = 1 + 2 * model->cycle.harmonics, width = model->channel_count * columns;
    fc_residual *r = &model->residual;
    fc__sample sample = {0};
    if (!record->shared)
        return FC_OK;
    FC_NEW(context, &r->coordinates, fc__product(points->count, model->domain.dims));
    FC_NEW(context, &r->climate, fc__product(points->count, width));
    memcpy(r->coordinates, points->coordinates,
           points->count * model->domain.dims * sizeof *r->coordinates);
    for (size_t begin = 0; begin < points->count; begin += TILE) {
        size_t end = begin + TILE < points->count ? begin + TILE : points->count;
        FC_TRY(fc__sample_create(context, model->decoder, points, begin, end, TILE, 0, &sample));
        FC_TRY(fc__climate_fit(context, model, record, &sample, codes, 0, 0,
                               r->climate + begin * width));
        fc__sample_clear(&sample);
    }
    r->point_count = points->count;
    r->harmonics = model->cycle.harmonics;
done:
    fc__sample_clear(&sample);
    return status;
}

/* ---------------------------------------------------------------- the whole */

fc_status fc__residual_fit(fc_context *context, const fc_dataset *dataset, const double *codes,
                           const fc_fit_config *fit, uint64_t seed, fc_model *model)
{
    fc_status status = FC_OK;
    fc__record record = {0};
    fc__validation validation = {0};
    fc__fold fold = {0};
    size_t chosen;
    FC_TRY(fc__record_create(context, dataset, &record));
    if (record.count < LEAST_FRAMES)
        goto done;
    FC_TRY(fc__validation_create(context, record.count, model->channel_count,
                                 model->decoder->config.codes, &validation));
    bool refit = fit && needs_refit(model, record.count);
    for (size_t b = 0; b < FC__BLOCKS; b++) {
        size_t begin, end;
        fc__slice(record.count, FC__BLOCKS, b, &begin, &end);
        fc__report(context, "validation", b, FC__BLOCKS, NAN);
        FC_TRY(fc__fold_create(context, model, &record, fit, refit, seed + b, begin, end, &fold));
        FC_TRY(fc__validation_add(context, &record, &fold, b, seed + b, &validation));
        fc__fold_clear(&record, &fold);
        if (fc_context_interrupted(context)) {
            status = fc__fail(context, FC_INTERRUPTED, "interrupted during validation");
            goto done;
        }
    }
    FC_TRY(fc__validation_choose(context, &validation, &chosen));
    FC_TRY(tabulate(context, &validation, chosen, model));
    FC_TRY(keep_correlation(context, &validation, &model->residual));
    FC_TRY(keep_climate(context, &record, codes, model));
done:
    fc__fold_clear(&record, &fold);
    fc__validation_clear(&validation);
    fc__record_clear(&record);
    return status;
}
