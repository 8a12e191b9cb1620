/* Posterior codes of frames observed at one set of points. The rows of the basis stay on the device
 * where they are not too large, else they are formed part by part in every pass over them; the
 * analysis stays in any case. */
#include "cuda/encode.h"
#include "cuda/analysis.h"
#include "cuda/decode.h"
#include "cuda/normal.h"
#include "cuda/sizes.h"
#include "inr/intake.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FEWEST_POINTS = 128, /* at a time, and if that is more than there is room for */
    MOST_ROWS = 1 << 15, /* in double */
    MOST_VALUES = 1 << 24
};

/* What FC__KEPT_ANALYSIS keeps, device. */
typedef struct analysis {
    fc__device *device;
    double *weight;                     /* (rows): 1 / noise variance, 0 = not observed */
    double *normal, *root, *covariance; /* (C, C), see analysis.h */
} analysis;

/* One call; device memory but for `staged`. */
typedef struct encoding {
    fc_context *context;
    fc__cuda *cuda;
    fc__device *device;
    const fc_decoder *decoder;
    const fc__observed *observed;
    fc__intake intake;
    size_t channels, codes;
    fc__kept *basis, *analysis; /* held; no basis: in parts */
    fc__cuda_network *network;  /* in parts */
    size_t part, tile, frames;  /* points of a part, points widened and frames taken at a time */
    double *x;                  /* (part, dims) */
    float *phi0, *phi;          /* (part rows), (part rows, C) */
    size_t start, count;        /* points of the part that is there, count = 0: none */
    size_t y_start, y_first, y_frames; /* the same of the values */
    float *y, *staged;                 /* (frames, part rows) */
    double *wide, *innovation;         /* (tile rows, C), (frames, tile rows) */
    double *sum, *rooted, *z;          /* (all frames, C) */
    double *m, *affine;                /* (C), (2, channels): mean and scale, or NULL */
    size_t most_slices;
    fc__cuda_span *span; /* slices, and their matrices or sums of squares */
    double *slices;
} encoding;

/* ---------------------------------------------------------------- life */

static void analysis_destroy(void *thing)
{
    analysis *a = thing;
    if (!a)
        return;
    fc__device_free(a->device, a->weight);
    fc__device_free(a->device, a->normal);
    fc__device_free(a->device, a->root);
    fc__device_free(a->device, a->covariance);
    free(a);
}

static void encoding_close(encoding *s)
{
    fc__cuda_kept_release(s->basis);
    fc__cuda_kept_release(s->analysis);
    fc__cuda_network_destroy(s->network);
    void *const memory[] = {s->x,      s->phi0, s->phi, s->y,      s->wide, s->innovation, s->sum,
                            s->rooted, s->z,    s->m,   s->affine, s->span, s->slices};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        fc__device_free(s->device, memory[i]);
    free(s->staged);
    fc__intake_clear(&s->intake);
}

static const double *kept_coordinates(const encoding *s)
{
    return s->intake.coordinates ? s->intake.coordinates : s->observed->coordinates;
}

/* Memory of the basis, unless all of it is held: points that take a quarter of the room. */
static fc_status open_parts(encoding *s)
{
    fc_status status = FC_OK;
    size_t dims = s->decoder->domain.dims;
    s->part = s->intake.kept;
    if (s->basis)
        return FC_OK;
    size_t point = s->channels * (s->codes + 1) * sizeof(float) + dims * sizeof(double);
    s->part =
        fc__smaller(s->part, fc__larger(fc__device_room(s->device) / 4 / point, FEWEST_POINTS));
    FC_TRY(fc__cuda_network_create(s->context, s->device, s->decoder, &s->network));
    FC_DEVICE_NEW(s->context, s->device, "coordinates", &s->x, fc__product(s->part, dims));
    FC_DEVICE_NEW(s->context, s->device, "basis", &s->phi0, s->part * s->channels);
    FC_DEVICE_NEW(s->context, s->device, "basis", &s->phi, s->part * s->channels * s->codes);
done:
    return status;
}

static fc_status upload_new(encoding *s, const char *what, size_t count, const double *from,
                            double **to)
{
    fc_status status = FC_OK;
    FC_DEVICE_NEW(s->context, s->device, what, to, count);
    FC_TRY(fc__device_upload(s->context, s->device, *to, from, count * sizeof *from));
done:
    return status;
}

/* Memory of all else, each array a small share of the room. */
static fc_status open_rest(encoding *s)
{
    fc_status status = FC_OK;
    fc_context *context = s->context;
    const fc__observed *o = s->observed;
    size_t room = fc__device_room(s->device) / 16 / sizeof(double), rows = s->part * s->channels;
    size_t tile = fc__smaller(room / s->codes, MOST_ROWS) / s->channels;
    s->tile = fc__smaller(fc__larger(tile, FEWEST_POINTS), s->part);
    s->frames = fc__smaller(fc__larger(fc__smaller(room, MOST_VALUES) / rows, 1), o->frames);
    size_t square = s->codes * s->codes;
    s->most_slices = fc__larger(fc__smaller(fc__cuda_slices_enough(s->codes), room / square), 1);
    FC_DEVICE_NEW(context, s->device, "values of frames", &s->y, fc__product(s->frames, rows));
    FC_NEW(context, &s->staged, fc__product(s->frames, rows));
    FC_DEVICE_NEW(context, s->device, "rows of the basis", &s->wide,
                  fc__product(s->tile * s->channels, s->codes));
    FC_DEVICE_NEW(context, s->device, "innovations", &s->innovation,
                  fc__product(s->frames, s->tile * s->channels));
    FC_DEVICE_NEW(context, s->device, "sums", &s->sum, fc__product(o->frames, s->codes));
    FC_DEVICE_NEW(context, s->device, "sums", &s->rooted, fc__product(o->frames, s->codes));
    FC_DEVICE_NEW(context, s->device, "codes", &s->z, fc__product(o->frames, s->codes));
    FC_DEVICE_NEW(context, s->device, "slices", &s->span, s->most_slices);
    FC_DEVICE_NEW(context, s->device, "matrices of slices", &s->slices,
                  fc__larger(fc__product(s->most_slices, square),
                             FC__SQUARE_PARTS * s->channels + s->channels));
    FC_TRY(upload_new(s, "mean of the prior", s->codes, s->intake.m, &s->m));
    if (o->mean) {
        FC_DEVICE_NEW(context, s->device, "scales", &s->affine, 2 * s->channels);
        FC_TRY(fc__device_upload(context, s->device, s->affine, o->mean,
                                 s->channels * sizeof *o->mean));
        FC_TRY(fc__device_upload(context, s->device, s->affine + s->channels, o->scale,
                                 s->channels * sizeof *o->scale));
    }
done:
    return status;
}

/* ---------------------------------------------------------------- a part's rows and values */

static size_t part_size(const encoding *s, size_t start)
{
    return fc__smaller(s->intake.kept - start, s->part);
}

/* The rows of the part that begins at point `start`. */
static fc_status rows_at(encoding *s, size_t start, const float **phi0, const float **phi)
{
    fc_status status = FC_OK;
    size_t size = part_size(s, start), dims = s->decoder->domain.dims;
    if (s->basis) {
        const fc__cuda_basis_kept *kept = s->basis->thing;
        *phi0 = kept->phi0;
        *phi = kept->phi;
        return FC_OK;
    }
    *phi0 = s->phi0;
    *phi = s->phi;
    if (s->count && s->start == start)
        return FC_OK;
    FC_TRY(fc__device_upload(s->context, s->device, s->x, kept_coordinates(s) + start * dims,
                             size * dims * sizeof *s->x));
    FC_TRY(fc__cuda_network_basis(s->context, s->network, size, s->x, s->phi0, s->phi));
    s->start = start;
    s->count = size;
done:
    return status;
}

/* Values of frames [first, first + frames) at a part. */
static fc_status values_at(encoding *s, size_t start, size_t first, size_t frames)
{
    size_t rows = part_size(s, start) * s->channels, channels = s->channels;
    const size_t *place = s->intake.place;
    if (s->y_frames == frames && s->y_start == start && s->y_first == first)
        return FC_OK;
    int threads = fc__threads_worth(s->context, frames * rows, frames);
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (size_t f = 0; f < frames; f++) {
        const float *from = s->observed->values[first + f];
        float *to = s->staged + f * rows;
        if (!place)
            memcpy(to, from + start * channels, rows * sizeof *to);
        for (size_t r = 0; place && r < rows; r++)
            to[r] = from[place[start + r / channels] * channels + r % channels];
    }
    s->y_start = start;
    s->y_first = first;
    s->y_frames = frames;
    return fc__device_upload(s->context, s->device, s->y, s->staged, frames * rows * sizeof *s->y);
}

/* ---------------------------------------------------------------- analysis */

/* normal (C, C) of one channel or of all */
static fc_status form_normal(encoding *s, int channel, double *normal)
{
    fc_status status = FC_OK;
    size_t square = s->codes * s->codes, slices;
    double *precision = NULL;
    FC_TRY(upload_new(s, "noise", s->channels, s->intake.precision, &precision));
    FC_TRY(fc__device_zero(s->context, s->device, normal, square * sizeof *normal));
    for (size_t start = 0; start < s->intake.kept; start += s->part) {
        fc__cuda_sets sets = {.channels = s->channels,
                              .codes = s->codes,
                              .span = s->span,
                              .y = s->y,
                              .precision = precision};
        FC_TRY(rows_at(s, start, &sets.phi0, &sets.phi));
        FC_TRY(values_at(s, start, 0, s->frames));
        FC_TRY(fc__cuda_slices(s->context, s->device, s->most_slices, s->channels,
                               part_size(s, start), s->span, &slices));
        FC_TRY(fc__cuda_normal(s->context, s->device, &sets, slices, NULL, channel, s->slices));
        FC_TRY(fc__cuda_sum(s->context, s->device, slices, square, s->slices, normal));
    }
done:
    fc__device_free(s->device, precision);
    return status;
}

static fc_status upload_weights(encoding *s, double *weight)
{
    fc_status status = FC_OK;
    size_t rows = s->intake.kept * s->channels;
    double *host = NULL;
    FC_NEW(s->context, &host, rows);
    fc__intake_weights(&s->intake, 0, s->intake.kept, host);
    FC_TRY(fc__device_upload(s->context, s->device, weight, host, rows * sizeof *host));
done:
    free(host);
    return status;
}

static fc_status analysis_create(encoding *s, const fc_prior *prior, analysis **made)
{
    fc_status status = FC_OK;
    size_t c = s->codes, square = fc__product(c, c), failed;
    fc__cuda_cholesky *whitened = NULL;
    double *factor = NULL;
    FC_NEW(s->context, made, 1);
    analysis *a = *made;
    a->device = s->device;
    FC_DEVICE_NEW(s->context, s->device, "weights", &a->weight, s->intake.kept * s->channels);
    FC_DEVICE_NEW(s->context, s->device, "normal matrix", &a->normal, square);
    FC_DEVICE_NEW(s->context, s->device, "root of the covariance", &a->root, square);
    FC_DEVICE_NEW(s->context, s->device, "covariance", &a->covariance, square);
    FC_TRY(upload_new(s, "factor of the prior", square, prior->factor, &factor));
    FC_TRY(fc__cuda_cholesky_create(s->context, s->device, c, 1, 1, &whitened));
    FC_TRY(upload_weights(s, a->weight));
    FC_TRY(form_normal(s, FC__ALL_CHANNELS, a->normal));
    FC_TRY(fc__cuda_whiten(s->context, s->device, 1, c, factor, a->normal, a->root,
                           fc__cuda_cholesky_matrices(whitened)));
    FC_TRY(fc__cuda_cholesky_factor(s->context, whitened, 1));
    FC_TRY(fc__cuda_cholesky_check(s->context, whitened, "posterior", &failed));
    FC_TRY(fc__cuda_roots(s->context, s->device, whitened, 1, c, factor, a->root, a->covariance));
done:
    fc__cuda_cholesky_destroy(whitened);
    fc__device_free(s->device, factor);
    return status;
}

static fc_status hold_analysis(encoding *s, const fc_prior *prior, const fc__key *key)
{
    fc_status status = FC_OK;
    analysis *made = NULL;
    size_t square = s->codes * s->codes;
    s->analysis = fc__cuda_kept_find(s->cuda->kept, FC__KEPT_ANALYSIS, key);
    if (s->analysis)
        return FC_OK;
    FC_TRY(analysis_create(s, prior, &made));
    size_t bytes = (s->intake.kept * s->channels + 3 * square) * sizeof(double);
    status = fc__cuda_kept_add(s->context, s->cuda->kept, FC__KEPT_ANALYSIS, key, bytes, made,
                               analysis_destroy, &s->analysis);
    made = NULL;
done:
    analysis_destroy(made);
    return status;
}

/* ---------------------------------------------------------------- passes over the rows */

/* Frames [first, first + frames) at points [at, at + size) of a part of `points`. */
static fc__cuda_values values_of(const encoding *s, size_t start, size_t at, size_t size,
                                 size_t frames, const float *phi0)
{
    const analysis *a = s->analysis->thing;
    size_t offset = at * s->channels;
    return (fc__cuda_values){.frames = frames,
                             .rows = size * s->channels,
                             .channels = s->channels,
                             .stride = part_size(s, start) * s->channels,
                             .y = s->y + offset,
                             .mean = s->affine,
                             .scale = s->affine ? s->affine + s->channels : NULL,
                             .phi0 = phi0 + offset,
                             .weight = a->weight + start * s->channels + offset};
}

/* sum += Phi^T R^-1 (y - phi0), or square (channels) += squares of y - phi0 - Phi z, at the tile's
 * rows, which are in `wide`. */
static fc_status add_tile(encoding *s, const fc__cuda_values *values, size_t first, double *square)
{
    fc_status status = FC_OK;
    size_t rows = values->rows, c = s->codes;
    FC_TRY(fc__cuda_innovations(s->context, s->device, values, !square, s->innovation));
    if (!square)
        return fc__device_dgemm(s->context, s->device, false, false, values->frames, c, rows, 1.0,
                                s->innovation, rows, s->wide, c, 1.0, s->sum + first * c, c);
    FC_TRY(fc__device_dgemm(s->context, s->device, false, true, values->frames, rows, c, -1.0,
                            s->z + first * c, c, s->wide, c, 1.0, s->innovation, rows));
    FC_TRY(fc__cuda_squares_add(s->context, s->device, values, s->innovation, s->slices, square));
done:
    return status;
}

/* The sums of all frames, or the squares of all their residuals. */
static fc_status pass(encoding *s, double *square)
{
    fc_status status = FC_OK;
    const float *phi0, *phi;
    for (size_t start = 0; start < s->intake.kept; start += s->part) {
        size_t points = part_size(s, start), width = s->channels * s->codes;
        FC_TRY(rows_at(s, start, &phi0, &phi));
        for (size_t first = 0; first < s->observed->frames; first += s->frames) {
            size_t frames = fc__smaller(s->observed->frames - first, s->frames);
            FC_TRY(values_at(s, start, first, frames));
            for (size_t at = 0; at < points; at += s->tile) {
                size_t size = fc__smaller(points - at, s->tile);
                fc__cuda_values values = values_of(s, start, at, size, frames, phi0);
                FC_TRY(
                    fc__cuda_widen(s->context, s->device, size * width, phi + at * width, s->wide));
                FC_TRY(add_tile(s, &values, first, square));
            }
        }
    }
done:
    return status;
}

/* z = m + root^T root (Phi^T R^-1 (y - phi0) - N m) */
static fc_status solve(encoding *s)
{
    fc_status status = FC_OK;
    const analysis *a = s->analysis->thing;
    size_t c = s->codes, frames = s->observed->frames;
    FC_TRY(fc__device_dgemm(s->context, s->device, false, false, 1, c, c, -1.0, s->m, c, a->normal,
                            c, 0.0, s->z, c));
    FC_TRY(fc__cuda_repeat(s->context, s->device, frames, c, s->z, s->sum));
    FC_TRY(pass(s, NULL));
    FC_TRY(fc__cuda_repeat(s->context, s->device, frames, c, s->m, s->z));
    FC_TRY(fc__device_dgemm(s->context, s->device, false, true, frames, c, c, 1.0, s->sum, c,
                            a->root, c, 0.0, s->rooted, c));
    FC_TRY(fc__device_dgemm(s->context, s->device, false, false, frames, c, c, 1.0, s->rooted, c,
                            a->root, c, 1.0, s->z, c));
done:
    return status;
}

/* ---------------------------------------------------------------- residuals and leverages */

static void add_numbers(const encoding *s, double *number)
{
    for (size_t k = 0; k < s->intake.kept; k++) {
        double *weight = s->intake.weight; /* of a point */
        fc__intake_weights(&s->intake, k, 1, weight);
        for (size_t ch = 0; ch < s->channels; ch++)
            number[ch] += weight[ch] > 0.0 ? (double)s->observed->frames : 0.0;
    }
}

static fc_status add_squares(encoding *s, double *square)
{
    fc_status status = FC_OK;
    double *device = s->slices + FC__SQUARE_PARTS * s->channels, *found = NULL;
    size_t bytes = s->channels * sizeof *found;
    FC_NEW(s->context, &found, s->channels);
    FC_TRY(fc__device_zero(s->context, s->device, device, bytes));
    FC_TRY(pass(s, device));
    FC_TRY(fc__device_download(s->context, s->device, found, device, bytes));
    for (size_t ch = 0; ch < s->channels; ch++)
        square[ch] += found[ch];
done:
    free(found);
    return status;
}

/* The sum of diag(Phi P Phi^T R^-1) over a channel's rows is the trace of P times its normal
 * matrix. */
static fc_status add_leverages(encoding *s, double *leverage)
{
    fc_status status = FC_OK;
    const analysis *a = s->analysis->thing;
    double *normal = NULL, *trace = NULL, found;
    FC_DEVICE_NEW(s->context, s->device, "normal matrix", &normal, s->codes * s->codes);
    FC_DEVICE_NEW(s->context, s->device, "traces", &trace, 1);
    for (size_t ch = 0; ch < s->channels; ch++) {
        if (s->channels > 1)
            FC_TRY(form_normal(s, (int)ch, normal));
        FC_TRY(fc__cuda_traces(s->context, s->device, 1, s->codes, a->covariance,
                               s->channels > 1 ? normal : a->normal, trace));
        FC_TRY(fc__device_download(s->context, s->device, &found, trace, sizeof found));
        leverage[ch] += (double)s->observed->frames * found;
    }
done:
    fc__device_free(s->device, normal);
    fc__device_free(s->device, trace);
    return status;
}

/* ---------------------------------------------------------------- encoding */

static fc_status encoding_open(fc_context *context, fc__cuda *cuda, const fc_decoder *decoder,
                               const fc_prior *prior, const double *noise,
                               const fc__observed *observed, size_t *values, encoding *s)
{
    fc_status status = FC_OK;
    *s = (encoding){.context = context,
                    .cuda = cuda,
                    .device = cuda->device,
                    .decoder = decoder,
                    .observed = observed,
                    .channels = decoder->config.channels,
                    .codes = decoder->config.codes};
    FC_TRY(fc__intake_open(context, decoder, prior, noise, observed, &s->intake, values));
    fc__key key = fc__decoder_key(decoder);
    key = fc__basis_key(&key, decoder, s->intake.kept, kept_coordinates(s));
    FC_TRY(fc__cuda_basis_hold(context, cuda, decoder, &key, s->intake.kept, kept_coordinates(s),
                               &s->basis));
    FC_TRY(open_parts(s));
    FC_TRY(open_rest(s));
    key = fc__intake_key(&key, &s->intake);
    FC_TRY(hold_analysis(s, prior, &key));
done:
    return status;
}

static fc_status finish(encoding *s, fc__encoded *encoded)
{
    fc_status status = FC_OK;
    const analysis *a = s->analysis->thing;
    const double *shift = s->observed->shift;
    if (encoded->number)
        add_numbers(s, encoded->number);
    if (encoded->square)
        FC_TRY(add_squares(s, encoded->square));
    if (encoded->leverage)
        FC_TRY(add_leverages(s, encoded->leverage));
    for (size_t i = 0; shift && i < s->observed->frames * s->codes; i++)
        encoded->codes[i] -= shift[i % s->codes];
    if (encoded->covariance)
        FC_TRY(fc__device_download(s->context, s->device, encoded->covariance, a->covariance,
                                   s->codes * s->codes * sizeof(double)));
done:
    return status;
}

fc_status fc__cuda_encode(void *device, fc_context *context, const fc_decoder *decoder,
                          const fc_prior *prior, const double *noise, const fc__observed *observed,
                          fc__encoded *encoded, bool *taken)
{
    fc_status status = FC_OK;
    size_t size = fc__product(observed->frames, decoder->config.codes);
    encoding s = {0};
    bool finite = true;
    *taken = false;
    if (!fc__cuda_network_takes(decoder) || observed->frames == 0)
        return FC_OK;
    FC_TRY(encoding_open(context, device, decoder, prior, noise, observed, &encoded->values, &s));
    FC_TRY(solve(&s));
    FC_TRY(fc__device_download(context, s.device, encoded->codes, s.z, size * sizeof(double)));
    for (size_t i = 0; i < size; i++)
        finite &= isfinite(encoded->codes[i]);
    if (!finite) /* the processor tries again, and names the value that is to blame */
        goto done;
    FC_TRY(finish(&s, encoded));
    *taken = true;
done:
    encoding_close(&s);
    return status;
}
