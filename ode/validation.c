#include "ode/validation.h"
#include "ode/lim.h"
#include "ode/neighbours.h"
#include "ode/training_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

fc_status fc__validation_create(fc_context *context, size_t frames, size_t channels, size_t codes,
                                fc__validation *v)
{
    static const size_t modes[] = {0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48};
    static const double ridges[] = {1e-3, 3e-2};
    fc_status status = FC_OK;
    *v = (fc__validation){.channels = channels, .codes = codes};
    v->candidate[v->candidate_count++] = (fc__candidate){.still = true};
    bool many = frames >= FC__MANY_FRAMES;
    for (size_t m = 0; many && m < sizeof modes / sizeof *modes && modes[m] <= codes; m++)
        for (size_t r = 0; r < (modes[m] ? 2 : 1); r++)
            v->candidate[v->candidate_count++] =
                (fc__candidate){.modes = modes[m], .ridge = ridges[r]};
    for (size_t lead = 1; v->lead_count < FC__MOST_LEADS && 3 * lead <= frames && lead <= 128;) {
        v->lead[v->lead_count++] = lead;
        lead = lead < 4 ? lead + 1 : (lead & (lead - 1)) == 0 ? lead / 2 * 3 : lead / 3 * 4;
    }
    size_t sets = v->candidate_count * v->lead_count;
    FC_NEW(context, &v->moments, fc__product(sets, FC__BLOCKS * channels));
    FC_NEW(context, &v->code, fc__product(sets, codes));
    FC_NEW(context, &v->correlogram, channels);
    FC_NEW(context, &v->variance, channels);
    FC_NEW(context, &v->number, channels);
    FC_NEW(context, &v->noise, channels);
    FC_NEW(context, &v->basis, fc__product(channels, codes));
    FC_NEW(context, &v->basis_number, channels);
done:
    return status;
}

void fc__validation_clear(fc__validation *v)
{
    free(v->moments);
    free(v->code);
    free(v->correlogram);
    free(v->variance);
    free(v->number);
    free(v->noise);
    free(v->basis);
    free(v->basis_number);
    *v = (fc__validation){0};
}

fc__moments *fc__validation_moments(const fc__validation *v, size_t candidate, size_t lead,
                                    size_t block)
{
    return v->moments + ((candidate * v->lead_count + lead) * FC__BLOCKS + block) * v->channels;
}

/* ---------------------------------------------------------------- correlation of residuals */

enum { BASES = 256, NEAREST = 8, FARTHER = 8 };

typedef struct pair {
    size_t a, b;
    double distance;
} pair;

/* Some points of a sample with their nearest neighbours and with others at random. */
static fc_status find_pairs(fc_context *context, const fc_domain *domain, const fc__sample *sample,
                            uint64_t seed, size_t *count, pair **pairs)
{
    fc_status status = FC_OK;
    size_t size = fc__metric_size(domain), n = sample->count, bases = n < BASES ? n : BASES;
    size_t *order = NULL, index[NEAREST + 1];
    double *place = NULL, square[NEAREST + 1];
    fc__neighbours tree = {0};
    fc__rng rng = fc__rng_create(seed, 7400);
    *count = 0;
    FC_NEW(context, pairs, bases * (NEAREST + FARTHER + 1));
    FC_NEW(context, &order, n);
    FC_NEW(context, &place, fc__product(n, size));
    fc__metric_places(domain, n, sample->x, place);
    FC_TRY(fc__neighbours_create(context, n, size, place, &tree));
    fc__rng_choose(&rng, n, bases, order);
    for (size_t k = 0; k < bases; k++) {
        const double *x = place + order[k] * size;
        size_t found = fc__neighbours_find(&tree, x, NEAREST + 1, index, square);
        for (size_t j = 0; j < found + FARTHER; j++) {
            size_t other = j < found ? index[j] : fc__rng_below(&rng, n);
            double distance = 0.0;
            for (size_t i = 0; i < size; i++)
                distance += (place[other * size + i] - x[i]) * (place[other * size + i] - x[i]);
            if (distance > 0.0)
                (*pairs)[(*count)++] = (pair){order[k], other, sqrt(distance)};
        }
    }
done:
    fc__neighbours_clear(&tree);
    free(order);
    free(place);
    return status;
}

/* The classes of distance follow from the first pairs that are seen. */
static void set_classes(const pair *pairs, size_t count, fc__validation *v)
{
    double shortest = INFINITY, longest = 0.0;
    if (v->correlogram[0].longest > 0.0)
        return;
    for (size_t k = 0; k < count; k++) {
        shortest = fmin(shortest, pairs[k].distance);
        longest = fmax(longest, pairs[k].distance);
    }
    for (size_t c = 0; c < v->channels && count; c++) {
        v->correlogram[c].shortest = shortest;
        v->correlogram[c].longest = fmax(longest, 1.01 * shortest);
    }
}

static fc_status add_correlations(fc_context *context, const fc__record *record,
                                  const fc__fold *fold, uint64_t seed, fc__validation *v)
{
    enum { FRAMES = 64 };
    fc_status status = FC_OK;
    size_t held = fold->end - fold->begin, used = held < FRAMES ? held : FRAMES, count = 0;
    pair *pairs = NULL;
    for (size_t k = 0; k < used; k++) {
        size_t f = fold->begin + k * held / used;
        const fc__sample *sample = &fold->samples[record->frames[f].points];
        const float *r = fold->residual[f];
        if (k == 0 || !record->shared) {
            free(pairs);
            pairs = NULL;
            FC_TRY(find_pairs(context, &fold->model.domain, sample, seed + k, &count, &pairs));
            set_classes(pairs, count, v);
        }
        for (size_t c = 0; c < v->channels; c++) {
            for (size_t i = 0; i < count; i++) {
                double a = (double)r[pairs[i].a * v->channels + c];
                double b = (double)r[pairs[i].b * v->channels + c];
                if (!isnan(a) && !isnan(b))
                    fc__correlogram_add(&v->correlogram[c], pairs[i].distance, a, b);
            }
        }
        for (size_t i = 0; i < sample->count * v->channels; i++) {
            if (isnan(r[i]))
                continue;
            v->variance[i % v->channels] += (double)r[i] * (double)r[i];
            v->number[i % v->channels] += 1.0;
        }
    }
done:
    free(pairs);
    return status;
}

/* ---------------------------------------------------------------- propagators */

/* Codes of the frames on either side of the block, as the dynamics of a forecast would know them.
 */
static fc_status train_on_others(fc_context *context, const fc__record *record,
                                 const fc__fold *fold, fc_trajectories *t)
{
    fc_status status = FC_OK;
    size_t c = fold->model.decoder->config.codes, at = 0, parts = 0, *first = NULL;
    double *times = NULL;
    float *z = NULL;
    FC_NEW(context, &first, 3);
    FC_NEW(context, &times, record->count);
    FC_NEW(context, &z, fc__product(record->count, c));
    for (size_t f = 0; f < record->count; f++) {
        if (f + fold->margin >= fold->begin && f < fold->end + fold->margin)
            continue;
        if (at == 0 || f == fold->end + fold->margin)
            first[parts++] = at;
        times[at] = (record->frames[f].time - fold->model.time_origin) / fold->model.time_scale;
        for (size_t i = 0; i < c; i++)
            z[at * c + i] = (float)fold->departure[f * c + i];
        at++;
    }
    first[parts] = at;
    *t = (fc_trajectories){.codes = c, .count = parts, .first = first, .times = times, .z = z};
    first = NULL;
    times = NULL;
    z = NULL;
done:
    free(first);
    free(times);
    free(z);
    return status;
}

/* exp(lead A) for all leads by products of those before: 2 = 1 + 1, 3 = 2 + 1, 4 = 2 + 2, 6 = 3 +
 * 3, ... */
static void propagate_leads(const fc__validation *v, size_t codes, double *propagator)
{
    size_t square = codes * codes;
    for (size_t k = 1; k < v->lead_count; k++) {
        size_t i = 0, j = 0;
        while (2 * v->lead[i] < v->lead[k])
            i++;
        while (v->lead[i] + v->lead[j] < v->lead[k])
            j++;
        fc__dgemm(false, false, codes, codes, codes, 1.0, propagator + i * square, codes,
                  propagator + j * square, codes, 0.0, propagator + k * square, codes);
    }
}

/* Propagators (candidates, leads, C, C), of the candidates whose fit succeeds. */
static fc_status find_propagators(fc_context *context, const fc__record *record,
                                  const fc__fold *fold, fc__validation *v, double *propagators)
{
    fc_status status = FC_OK;
    size_t c = v->codes, square = c * c;
    fc_trajectories t = {0};
    double *generator = NULL, *zero = NULL;
    FC_NEW(context, &generator, square);
    FC_NEW(context, &zero, c);
    FC_TRY(train_on_others(context, record, fold, &t));
    for (size_t k = 0; k < v->candidate_count; k++) {
        fc__candidate *candidate = &v->candidate[k];
        double *propagator = propagators + k * v->lead_count * square;
        memset(generator, 0, square * sizeof *generator);
        if (!candidate->still)
            status = fc__lim_fit(context, &t, zero, candidate->modes, candidate->ridge,
                                 FC__LIM_CAUTIOUS, generator);
        if (status == FC_ERROR_SOLVER) {
            candidate->failed = true;
            memset(generator, 0, square * sizeof *generator);
            status = FC_OK;
        }
        FC_TRY(status);
        FC_TRY(fc__exponential(context, c, generator, 1.0, propagator));
        propagate_leads(v, c, propagator);
    }
done:
    fc__trajectories_clear(&t);
    free(generator);
    free(zero);
    return status;
}

/* ---------------------------------------------------------------- forecasts */

/* The forecasts from one start to one lead by all candidates. */
typedef struct comparison {
    size_t start, target;
    fc_status status;
    float *carried; /* (values) residual of the start at the target's points, NULL = as it is */
    double *code;   /* (candidates, C) forecast departures */
    fc__moments *moments; /* (candidates, channels) */
} comparison;

/* Residuals of the start brought to the points of the target. */
static fc_status carry(fc_context *context, const fc__record *record, const fc__fold *fold,
                       const fc__validation *v, comparison *p)
{
    fc_status status = FC_OK;
    const fc__sample *from = &fold->samples[record->frames[p->start].points];
    const fc__sample *to = &fold->samples[record->frames[p->target].points];
    size_t channels = v->channels, dims = fold->model.domain.dims;
    float *known = NULL, *found = NULL;
    double *x = NULL;
    FC_NEW(context, &p->carried, fc__product(to->count, channels));
    FC_NEW(context, &known, from->count);
    FC_NEW(context, &found, to->count);
    FC_NEW(context, &x, fc__product(from->count, dims));
    for (size_t c = 0; c < channels; c++) {
        fc__correlation correlation = fc__correlation_fit(&v->correlogram[c]);
        fc__known sources = {.columns = 1, .coordinates = x, .values = known};
        for (size_t i = 0; i < from->count; i++) {
            float r = fold->residual[p->start][i * channels + c];
            if (isnan(r))
                continue;
            memcpy(x + sources.count * dims, from->x + i * dims, dims * sizeof *x);
            known[sources.count++] = r;
        }
        FC_TRY(fc__interpolate(context, &fold->model.domain, &correlation, &sources, to->count,
                               to->x, found, NULL));
        for (size_t i = 0; i < to->count; i++)
            p->carried[i * channels + c] = found[i];
    }
done:
    free(known);
    free(found);
    free(x);
    return status;
}

static void project(const fc__sample *sample, size_t values, size_t codes, const double *z,
                    float *field)
{
    for (size_t r = 0; r < values; r++) {
        double u = 0.0;
        for (size_t i = 0; i < codes; i++)
            u += (double)sample->phi[r * codes + i] * z[i];
        field[r] = (float)u;
    }
}

/* One comparison; work: (3, values) */
static void compare(const fc__record *record, const fc__fold *fold, const fc__validation *v,
                    const double *propagators, size_t lead, comparison *p, float *work)
{
    const fc__sample *sample = &fold->samples[record->frames[p->target].points];
    size_t channels = v->channels, c = v->codes, values = sample->count * channels;
    const float *carried = p->carried ? p->carried : fold->residual[p->start];
    const float *arrived = fold->residual[p->target];
    float *truth = work, *field = work + values, *still = field + values;
    project(sample, values, c, fold->departure + p->target * c, truth);
    project(sample, values, c, fold->departure + p->start * c, still);
    for (size_t k = 0; k < v->candidate_count; k++) {
        const double *propagator = propagators + (k * v->lead_count + lead) * c * c;
        double *z = p->code + k * c;
        for (size_t i = 0; i < c; i++) {
            z[i] = 0.0;
            for (size_t j = 0; j < c; j++)
                z[i] += propagator[i * c + j] * fold->departure[p->start * c + j];
        }
        project(sample, values, c, z, field);
        for (size_t i = 0; i < values; i++) {
            fc__moments *m = &p->moments[k * channels + i % channels];
            double f = (double)field[i], s = (double)still[i], r = (double)carried[i];
            double d = (double)truth[i] + (double)arrived[i];
            if (isnan(r) || isnan(d))
                continue;
            m->ff += f * f;
            m->fs += f * s;
            m->fr += f * r;
            m->fd += f * d;
            m->ss += s * s;
            m->sr += s * r;
            m->sd += s * d;
            m->rr += r * r;
            m->rd += r * d;
            m->dd += d * d;
            m->number += 1.0;
        }
    }
}

void fc__moments_add(fc__moments *sum, const fc__moments *m)
{
    sum->ff += m->ff;
    sum->fs += m->fs;
    sum->fr += m->fr;
    sum->fd += m->fd;
    sum->ss += m->ss;
    sum->sr += m->sr;
    sum->sd += m->sd;
    sum->rr += m->rr;
    sum->rd += m->rd;
    sum->dd += m->dd;
    sum->number += m->number;
}

static void add_comparison(const fc__fold *fold, size_t lead, size_t block, const comparison *p,
                           fc__validation *v)
{
    for (size_t k = 0; k < v->candidate_count; k++) {
        fc__moments *sum = fc__validation_moments(v, k, lead, block);
        for (size_t c = 0; c < v->channels; c++)
            fc__moments_add(&sum[c], &p->moments[k * v->channels + c]);
        for (size_t i = 0; i < v->codes; i++) {
            fc__code_moments *code = &v->code[(k * v->lead_count + lead) * v->codes + i];
            double forecast = p->code[k * v->codes + i];
            double truth = fold->departure[p->target * v->codes + i];
            double start = fold->departure[p->start * v->codes + i];
            code->pp += forecast * forecast;
            code->ps += forecast * start;
            code->pt += forecast * truth;
            code->ss += start * start;
            code->st += start * truth;
            code->tt += truth * truth;
            code->number += 1.0;
        }
    }
}

/* Starts in the block, not all of many, with a target: in the block too, where that is long enough
 * to have some. */
static size_t list_comparisons(const fc__record *record, const fc__fold *fold, size_t lead,
                               size_t most, comparison *list)
{
    size_t held = fold->end - fold->begin, count = 0;
    size_t end = held > 2 * lead ? fold->end : record->count;
    size_t step = held > most ? (held + most - 1) / most : 1;
    for (size_t f = fold->begin; f < fold->end && f + lead < end; f += step)
        list[count++] = (comparison){.start = f, .target = f + lead};
    return count;
}

static fc_status compare_lead(fc_context *context, const fc__record *record, const fc__fold *fold,
                              const double *propagators, size_t lead, size_t block,
                              fc__validation *v)
{
    enum { STARTS = 100 };
    fc_status status = FC_OK;
    comparison list[STARTS];
    size_t count = list_comparisons(record, fold, v->lead[lead], STARTS, list);
#pragma omp parallel for num_threads(fc_context_threads(context)) schedule(dynamic, 1)
    for (size_t k = 0; k < count; k++) {
        comparison *p = &list[k];
        size_t values = fold->samples[record->frames[p->target].points].count * v->channels;
        float *work = NULL;
        p->status = record->shared ? FC_OK : carry(NULL, record, fold, v, p);
        if (p->status == FC_OK)
            p->status = fc__allocate(NULL, fc__product(v->candidate_count, v->codes),
                                     sizeof *p->code, &p->code);
        if (p->status == FC_OK)
            p->status = fc__allocate(NULL, fc__product(v->candidate_count, v->channels),
                                     sizeof *p->moments, &p->moments);
        if (p->status == FC_OK)
            p->status = fc__allocate(NULL, 3 * values, sizeof *work, &work);
        if (p->status == FC_OK)
            compare(record, fold, v, propagators, lead, p, work);
        free(work);
    }
    for (size_t k = 0; k < count; k++) {
        if (list[k].status != FC_OK)
            status = fc__fail(context, list[k].status, "validation of the forecasts of a record");
        else
            add_comparison(fold, lead, block, &list[k], v);
        free(list[k].carried);
        free(list[k].code);
        free(list[k].moments);
    }
    v->starts += lead == 0 ? count : 0;
    return status;
}

fc_status fc__validation_add(fc_context *context, const fc__record *record, const fc__fold *fold,
                             size_t block, uint64_t seed, fc__validation *v)
{
    fc_status status = FC_OK;
    const fc__sample *sample = &fold->samples[record->frames[fold->begin].points];
    double *propagators = NULL;
    FC_NEW(context, &propagators,
           fc__product(v->candidate_count * v->lead_count, v->codes * v->codes));
    FC_TRY(add_correlations(context, record, fold, seed, v));
    FC_TRY(find_propagators(context, record, fold, v, propagators));
    for (size_t lead = 0; lead < v->lead_count; lead++)
        FC_TRY(compare_lead(context, record, fold, propagators, lead, block, v));
    for (size_t c = 0; c < v->channels; c++)
        v->noise[c] += fold->model.noise[c];
    for (size_t r = 0; r < sample->count * v->channels; r++) {
        size_t c = r % v->channels;
        for (size_t i = 0; i < v->codes; i++) {
            double phi = (double)sample->phi[r * v->codes + i];
            v->basis[c * v->codes + i] += phi * phi;
        }
        v->basis_number[c] += 1.0;
    }
done:
    free(propagators);
    return status;
}
