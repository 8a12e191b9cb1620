#include "ode/residual.h"
#include "ode/interpolate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- lead times */

/* Entries k - 1 and k around a lead and its place between them; after the last the factor by which
 * it has died away. */
static size_t find_lead(const fc_residual *r, double lead, double *share, double *fading)
{
    size_t k = 1;
    double last = r->lead[r->lead_count - 1];
    *fading = lead > last ? exp((last - lead) / last) : 1.0;
    lead = fmin(lead, last);
    while (k + 1 < r->lead_count && r->lead[k] < lead)
        k++;
    *share = (lead - r->lead[k - 1]) / (r->lead[k] - r->lead[k - 1]);
    return k;
}

double fc__departure_at(const fc_model *model, double lead, double *persistence)
{
    const fc_residual *r = &model->residual;
    double share, fading;
    *persistence = 0.0;
    if (r->lead_count < 2 || lead <= 0.0)
        return 1.0;
    size_t k = find_lead(r, lead, &share, &fading);
    *persistence = fading * ((1.0 - share) * r->persistence[k - 1] + share * r->persistence[k]);
    return fading * ((1.0 - share) * r->departure[k - 1] + share * r->departure[k]);
}

double fc__decay_at(const fc_model *model, size_t channel, double lead, double *error)
{
    const fc_residual *r = &model->residual;
    double share, fading;
    if (error)
        *error = 0.0;
    if (r->lead_count < 2 || lead <= 0.0)
        return 1.0;
    size_t high = find_lead(r, lead, &share, &fading) * model->channel_count + channel;
    size_t low = high - model->channel_count;
    /* What is no longer carried is unknown again. */
    if (error)
        *error = fading * ((1.0 - share) * r->error[low] + share * r->error[high]) +
                 (1.0 - fading) * fmax(r->variance[channel], r->error[high]);
    return fading * ((1.0 - share) * r->decay[low] + share * r->decay[high]);
}

/* ---------------------------------------------------------------- climatology */

/* Whether points are those of the model's climatology. */
static bool same_points(const fc_model *model, size_t count, const double *coordinates)
{
    const fc_residual *r = &model->residual;
    return count == r->point_count && memcmp(coordinates, r->coordinates,
                                             count * model->domain.dims * sizeof *coordinates) == 0;
}

/* Brings one channel's columns from the points that have them. */
static fc_status climate_of_channel(fc_context *context, const fc_model *model, size_t channel,
                                    size_t count, const double *coordinates, float *climate)
{
    fc_status status = FC_OK;
    const fc_residual *r = &model->residual;
    const fc__correlation correlation = {r->length[channel], r->nugget[channel]};
    size_t dims = model->domain.dims, columns = 1 + 2 * r->harmonics;
    size_t stride = model->channel_count * columns, known = 0;
    double *x = NULL;
    float *values = NULL, *found = NULL;
    FC_NEW(context, &x, fc__product(r->point_count, dims));
    FC_NEW(context, &values, fc__product(r->point_count, columns));
    FC_NEW(context, &found, fc__product(count, columns));
    for (size_t p = 0; p < r->point_count; p++) {
        const float *from = r->climate + p * stride + channel * columns;
        if (isnan(from[0]))
            continue;
        memcpy(x + known * dims, r->coordinates + p * dims, dims * sizeof *x);
        memcpy(values + known * columns, from, columns * sizeof *values);
        known++;
    }
    fc__known sources = {.count = known, .columns = columns, .coordinates = x, .values = values};
    FC_TRY(fc__interpolate(context, &model->domain, &correlation, &sources, count, coordinates,
                           found, NULL));
    for (size_t p = 0; p < count; p++)
        memcpy(climate + p * stride + channel * columns, found + p * columns,
               columns * sizeof *found);
done:
    free(x);
    free(values);
    free(found);
    return status;
}

fc_status fc__climate_create(fc_context *context, const fc_model *model, size_t count,
                             const double *coordinates, float **climate)
{
    fc_status status = FC_OK;
    const fc_residual *r = &model->residual;
    size_t size = fc__product(count, fc__product(model->channel_count, 1 + 2 * r->harmonics));
    float *made = NULL;
    *climate = NULL;
    if (r->point_count == 0)
        return FC_OK;
    FC_NEW(context, &made, size);
    if (same_points(model, count, coordinates)) {
        for (size_t i = 0; i < size; i++)
            made[i] = isnan(r->climate[i]) ? 0.0f : r->climate[i];
    } else {
        for (size_t c = 0; c < model->channel_count; c++)
            FC_TRY(climate_of_channel(context, model, c, count, coordinates, made));
    }
    *climate = made;
    made = NULL;
done:
    free(made);
    return status;
}

void fc__climate_add(const fc_model *model, const float *climate, double time, size_t count,
                     float *values)
{
    size_t harmonics = model->residual.harmonics, columns = 1 + 2 * harmonics;
    size_t channels = model->channel_count;
    double row[1 + 2 * FC__MAX_HARMONICS] = {1.0};
    if (!climate)
        return;
    fc__harmonics_at(model->cycle.period, harmonics, model->time_origin, time, row + 1);
    for (size_t i = 0; i < count * channels; i++) {
        double sum = 0.0;
        for (size_t k = 0; k < columns; k++)
            sum += row[k] * (double)climate[i * columns + k];
        values[i] += (float)(model->scale[i % channels] * sum);
    }
}

/* ---------------------------------------------------------------- the residual */

/* Residuals less their climatology, normalised; NaN where nothing is observed. */
static fc_status residual_of(fc_context *context, const fc_model *model, const fc__observation *o,
                             float *residual)
{
    fc_status status = FC_OK;
    size_t channels = model->channel_count, values = fc__product(o->count, channels);
    float *climate = NULL, *known = NULL;
    FC_TRY(fc__climate_create(context, model, o->count, o->coordinates, &climate));
    FC_NEW(context, &known, values);
    memcpy(known, o->field, values * sizeof *known);
    fc__climate_add(model, climate, o->time, o->count, known);
    for (size_t i = 0; i < values; i++)
        residual[i] = o->seen && !o->seen[i / channels]
                          ? NAN
                          : (float)((double)(o->values[i] - known[i]) / model->scale[i % channels]);
done:
    free(climate);
    free(known);
    return status;
}

/* One channel brought from where it was observed to `count` points. */
static fc_status spread_channel(fc_context *context, const fc_model *model,
                                const fc__observation *o, const float *residual, size_t channel,
                                size_t count, const double *coordinates, fc__carry *carry)
{
    fc_status status = FC_OK;
    const fc_residual *r = &model->residual;
    const fc__correlation correlation = {r->length[channel], r->nugget[channel]};
    size_t dims = model->domain.dims, channels = model->channel_count, known = 0;
    double *x = NULL;
    float *values = NULL, *found = NULL, *left = NULL;
    FC_NEW(context, &x, fc__product(o->count, dims));
    FC_NEW(context, &values, o->count);
    FC_NEW(context, &found, count);
    FC_NEW(context, &left, count);
    for (size_t p = 0; p < o->count; p++) {
        if (isnan(residual[p * channels + channel]))
            continue;
        memcpy(x + known * dims, o->coordinates + p * dims, dims * sizeof *x);
        values[known++] = residual[p * channels + channel];
    }
    fc__known sources = {.count = known,
                         .columns = 1,
                         .coordinates = x,
                         .values = values,
                         .variance = r->variance[channel]};
    FC_TRY(fc__interpolate(context, &model->domain, &correlation, &sources, count, coordinates,
                           found, left));
    for (size_t p = 0; p < count; p++) {
        carry->residual[p * channels + channel] = found[p];
        carry->left[p * channels + channel] = left[p];
    }
done:
    free(x);
    free(values);
    free(found);
    free(left);
    return status;
}

fc_status fc__carry_create(fc_context *context, const fc_model *model, const fc__observation *o,
                           size_t count, const double *coordinates, fc__carry *carry)
{
    fc_status status = FC_OK;
    size_t channels = model->channel_count, dims = model->domain.dims;
    float *residual = NULL;
    *carry = (fc__carry){0};
    if (model->residual.lead_count == 0)
        return FC_OK;
    FC_NEW(context, &residual, fc__product(o->count, channels));
    FC_NEW(context, &carry->residual, fc__product(count, channels));
    FC_NEW(context, &carry->left, fc__product(count, channels));
    FC_TRY(residual_of(context, model, o, residual));
    bool same = count == o->count &&
                (coordinates == o->coordinates ||
                 memcmp(coordinates, o->coordinates, count * dims * sizeof *coordinates) == 0);
    for (size_t c = 0; c < channels; c++) {
        bool whole = same;
        for (size_t p = 0; p < o->count && whole; p++)
            whole = !isnan(residual[p * channels + c]);
        if (!whole)
            FC_TRY(spread_channel(context, model, o, residual, c, count, coordinates, carry));
        for (size_t p = 0; p < count && whole; p++)
            carry->residual[p * channels + c] = residual[p * channels + c];
    }
done:
    free(residual);
    if (status != FC_OK)
        fc__carry_clear(carry);
    return status;
}

void fc__carry_clear(fc__carry *carry)
{
    free(carry->residual);
    free(carry->left);
    *carry = (fc__carry){0};
}

void fc__carry_add(const fc_model *model, const fc__carry *carry, double lead, size_t begin,
                   size_t count, float *values)
{
    size_t channels = model->channel_count;
    if (!carry->residual)
        return;
    for (size_t c = 0; c < channels; c++) {
        double factor = model->scale[c] * fc__decay_at(model, c, lead, NULL);
        for (size_t p = 0; p < count; p++)
            values[p * channels + c] +=
                (float)(factor * (double)carry->residual[(begin + p) * channels + c]);
    }
}

void fc__carry_variance(const fc_model *model, const fc__carry *carry, double lead, size_t begin,
                        size_t count, double *variance)
{
    size_t channels = model->channel_count;
    if (!carry->left)
        return;
    for (size_t c = 0; c < channels; c++) {
        double error, decay = fc__decay_at(model, c, lead, &error);
        double unknown = decay * decay * model->residual.variance[c];
        for (size_t p = 0; p < count; p++)
            variance[p * channels + c] +=
                error + unknown * (double)carry->left[(begin + p) * channels + c];
    }
}

/* ---------------------------------------------------------------- memory */

void fc__residual_clear(fc_residual *residual)
{
    free(residual->lead);
    free(residual->departure);
    free(residual->persistence);
    free(residual->decay);
    free(residual->error);
    free(residual->variance);
    free(residual->length);
    free(residual->nugget);
    free(residual->coordinates);
    free(residual->climate);
    free(residual->baseline);
    *residual = (fc_residual){0};
}

static fc_status copy_array(fc_context *context, size_t count, size_t size, const void *from,
                            void *pointer)
{
    fc_status status = FC_OK;
    void *made = NULL;
    if (!from)
        return FC_OK;
    status = fc__allocate(context, count, size, &made);
    if (status == FC_OK) {
        memcpy(made, from, count * size);
        memcpy(pointer, &made, sizeof made);
    }
    return status;
}

fc_status fc__residual_copy(fc_context *context, const fc_model *from, fc_model *to)
{
    fc_status status = FC_OK;
    const fc_residual *r = &from->residual;
    fc_residual *made = &to->residual;
    size_t channels = from->channel_count, codes = from->decoder->config.codes;
    size_t leads = r->lead_count, columns = 1 + 2 * r->harmonics;
    *made = (fc_residual){.lead_count = leads,
                          .point_count = r->point_count,
                          .harmonics = r->harmonics,
                          .still = r->still,
                          .modes = r->modes,
                          .ridge = r->ridge};
    const struct {
        size_t count;
        const double *from;
        double **to;
    } arrays[] = {
        {leads, r->lead, &made->lead},
        {leads, r->departure, &made->departure},
        {leads, r->persistence, &made->persistence},
        {leads * channels, r->decay, &made->decay},
        {leads * channels, r->error, &made->error},
        {channels, r->variance, &made->variance},
        {channels, r->length, &made->length},
        {channels, r->nugget, &made->nugget},
        {r->point_count * from->domain.dims, r->coordinates, &made->coordinates},
        {codes * codes, r->baseline, &made->baseline},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        FC_TRY(copy_array(context, arrays[i].count, sizeof(double), arrays[i].from, arrays[i].to));
    FC_TRY(copy_array(context, r->point_count * channels * columns, sizeof *r->climate, r->climate,
                      &made->climate));
done:
    return status;
}
