/* fit_fixture.h: random fields of known rank on several domains, as datasets and as formulas. */
#ifndef FC_TESTS_INR_FIT_FIXTURE_H
#define FC_TESTS_INR_FIT_FIXTURE_H

#include "inr/fit.h"
#include "tests/inr/decoder_fixture.h"

/* Fields u_c(x) = sum_r g_r shape_rc(x), where every shape is a random sum of the same waves
 * cos(omega p) and sin(omega p), and p the place of x: planar coordinates as they are, longitude
 * and latitude as a unit vector. Shape 0 is the mean field (g_0 = 1); the others decrease in size.
 */
typedef struct family {
    fc_domain domain;
    size_t channels, rank, waves;
    double omega[40][3];
    double *weight; /* (rank + 1, channels, 2 waves) */
} family;

enum { MOST_RANK = 32 };

static inline void place_of(const fc_domain *domain, const double *x, double place[3])
{
    memset(place, 0, 3 * sizeof *place);
    if (domain->axis[0].kind == FC_AXIS_LONGITUDE) {
        double lon = x[0] * M_PI / 180.0, lat = x[1] * M_PI / 180.0;
        place[0] = cos(lat) * cos(lon);
        place[1] = cos(lat) * sin(lon);
        place[2] = sin(lat);
    } else {
        memcpy(place, x, domain->dims * sizeof *place);
    }
}

/* Shapes of about unit size times decay^(r - 1); the waves are the caller's. */
static inline family make_family(fc_domain domain, size_t channels, size_t rank, double decay,
                                 size_t waves, const double (*omega)[3])
{
    family made = {.domain = domain, .channels = channels, .rank = rank, .waves = waves};
    assert_true(waves <= 40 && rank <= MOST_RANK);
    memcpy(made.omega, omega, waves * sizeof *omega);
    made.weight = random_doubles((rank + 1) * channels * 2 * waves, 21);
    for (size_t i = 0; i < (rank + 1) * channels * 2 * waves; i++) {
        size_t r = i / (channels * 2 * waves);
        made.weight[i] *= pow(decay, r ? (double)r - 1.0 : 0.0) / sqrt((double)waves);
    }
    return made;
}

/* All whole wave vectors up to the radius on [0, 1)^2. */
static inline family periodic_family(size_t channels, size_t rank, double decay, int radius)
{
    double omega[40][3];
    size_t waves = 0;
    for (int k = 0; k <= radius; k++)
        for (int l = -radius; l <= radius; l++)
            if (k * k + l * l <= radius * radius && (k > 0 || l >= 0))
                memcpy(omega[waves++], (double[]){2.0 * M_PI * k, 2.0 * M_PI * l, 0.0},
                       sizeof omega[0]);
    fc_domain domain = {.dims = 2,
                        .axis = {axis_of(FC_AXIS_PERIODIC, 0.0, 1.0, "x"),
                                 axis_of(FC_AXIS_PERIODIC, 0.0, 1.0, "y")}};
    return make_family(domain, channels, rank, decay, waves, omega);
}

/* (channels) values at a point for coefficients g (rank). */
static inline void family_values(const family *f, const double *x, const double *g, double *u)
{
    double place[3], wave[80];
    place_of(&f->domain, x, place);
    for (size_t w = 0; w < f->waves; w++) {
        double phase = 0.0;
        for (size_t i = 0; i < 3; i++)
            phase += f->omega[w][i] * place[i];
        wave[w] = cos(phase);
        wave[f->waves + w] = sin(phase);
    }
    for (size_t c = 0; c < f->channels; c++) {
        u[c] = 0.0;
        for (size_t r = 0; r <= f->rank; r++)
            for (size_t w = 0; w < 2 * f->waves; w++)
                u[c] += (r ? g[r - 1] : 1.0) * f->weight[(r * f->channels + c) * 2 * f->waves + w] *
                        wave[w];
    }
}

/* Points of a regular (n, n) grid, x fastest; periodic axes leave the end out. */
static inline double *grid_points(const fc_domain *domain, size_t n)
{
    double *x = zeros(n * n * 2, sizeof *x);
    for (size_t p = 0; p < n * n; p++)
        for (size_t i = 0; i < 2; i++) {
            const fc_axis *axis = &domain->axis[i];
            double steps = (double)n - (axis->kind == FC_AXIS_PERIODIC ? 0.0 : 1.0);
            x[p * 2 + i] =
                axis->lower + (axis->upper - axis->lower) * (double)(i ? p / n : p % n) / steps;
        }
    return x;
}

/* A dataset and the coefficients (frames, rank) of all its frames in order. */
typedef struct sample {
    family family;
    fc_dataset *dataset;
    double *g;
    size_t frames;
} sample;

/* Sequences of `length` frames with independent normal coefficients, on point set 0 (own_points =
 * 0) or each on `own_points` random points of its own; noise: standard deviation added to values.
 */
static inline void add_frames(fc_context *context, sample *s, size_t sequences, size_t length,
                              size_t own_points, double noise)
{
    size_t rank = s->family.rank, channels = s->family.channels;
    fc__rng rng = fc__rng_create(31, own_points);
    s->frames = sequences * length;
    s->g = zeros(s->frames * rank, sizeof *s->g);
    for (size_t i = 0; i < s->frames * rank; i++)
        s->g[i] = fc__rng_normal(&rng);
    double *times = zeros(length, sizeof *times);
    size_t *points = zeros(length, sizeof *points);
    for (size_t q = 0; q < sequences; q++) {
        fc_sequence *sequence;
        for (size_t f = 0; f < length; f++) {
            times[f] = (double)f;
            if (own_points) {
                double *x = random_points(&s->family.domain, own_points, 1000 + q * length + f);
                CHECK(fc_dataset_add_points(context, s->dataset, own_points, x, NULL, &points[f]));
                free(x);
            }
        }
        CHECK(fc_dataset_add_sequence(context, s->dataset, length, times, points, &sequence));
        for (size_t f = 0; f < length; f++) {
            const fc_points *at = &s->dataset->points[points[f]];
            for (size_t p = 0; p < at->count; p++) {
                double u[4];
                family_values(&s->family, at->coordinates + p * s->family.domain.dims,
                              s->g + (q * length + f) * rank, u);
                for (size_t c = 0; c < channels; c++)
                    sequence->frames[f].values[p * channels + c] =
                        (float)(u[c] + (noise > 0.0 ? noise * fc__rng_normal(&rng) : 0.0));
            }
        }
    }
    free(times);
    free(points);
}

/* Frames on a shared (n, n) grid. */
static inline sample grid_sample(fc_context *context, family f, size_t n, size_t sequences,
                                 size_t length)
{
    sample s = {.family = f};
    size_t index;
    double *x = grid_points(&f.domain, n);
    CHECK(fc_dataset_create(context, &f.domain, f.channels, &s.dataset));
    CHECK(fc_dataset_add_points(context, s.dataset, n * n, x, (size_t[]){n, n}, &index));
    add_frames(context, &s, sequences, length, 0, 0.0);
    free(x);
    return s;
}

/* Frames that each have random points of their own, with noisy values. */
static inline sample scattered_sample(fc_context *context, family f, size_t points,
                                      size_t sequences, size_t length, double noise)
{
    sample s = {.family = f};
    CHECK(fc_dataset_create(context, &f.domain, f.channels, &s.dataset));
    add_frames(context, &s, sequences, length, points, noise);
    return s;
}

static inline void free_sample(sample *s)
{
    fc_dataset_destroy(s->dataset);
    free(s->family.weight);
    free(s->g);
}

/* Frame `index` of all, counted through the sequences. */
static inline fc_frame *frame_of(const sample *s, size_t index)
{
    size_t length = s->dataset->sequences[0].frame_count;
    return &s->dataset->sequences[index / length].frames[index % length];
}

/* What a fit gives. */
typedef struct fitted {
    fc_decoder *decoder;
    fc_prior *prior;
    double noise[4];
    fc_fit_report report;
} fitted;

static inline fitted fit_sample(fc_context *context, const sample *s, const bool *validation,
                                const fc_decoder_config *decoder, const fc_fit_config *fit)
{
    fitted made;
    fc_status status = fc_decoder_fit(context, s->dataset, 0, validation, decoder, fit,
                                      &made.decoder, &made.prior, made.noise, &made.report);
    if (status != FC_OK)
        fail_msg("%s: %s", fc_status_text(status), fc_context_message(context));
    return made;
}

static inline void free_fitted(fitted *f)
{
    fc_decoder_destroy(f->decoder);
    fc_prior_destroy(f->prior);
}

/* Codes (frames, C) of every frame; noise as given, a channel. */
static inline double *codes_of(fc_context *context, const sample *s, const fitted *f,
                               const double *noise)
{
    fc__frames frames;
    double *z = zeros(s->frames * f->decoder->config.codes, sizeof *z);
    CHECK(fc__frames_select(context, s->dataset, 0, NULL, false, &frames));
    CHECK(fc__encode_frames(context, f->decoder, f->prior, noise, &frames, z, NULL, NULL));
    fc__frames_clear(&frames);
    return z;
}

/* Mean square of the decoded minus the true field over random points of every frame, divided by the
 * mean square of the true field about its mean: the unresolved share. */
static inline double error_at_random_points(fc_context *context, const sample *s, const fitted *f,
                                            const double *z)
{
    enum { POINTS = 50 };
    size_t codes = f->decoder->config.codes, channels = s->family.channels;
    const double none[MOST_RANK] = {0};
    double *x = random_points(&s->family.domain, POINTS, 9), error = 0.0, variance = 0.0;
    float *zf = zeros(s->frames * codes, sizeof *zf);
    float *u = zeros(s->frames * POINTS * channels, sizeof *u);
    for (size_t i = 0; i < s->frames * codes; i++)
        zf[i] = (float)z[i];
    CHECK(fc_decoder_values(context, f->decoder, POINTS, x, s->frames, zf, u));
    for (size_t i = 0; i < s->frames * POINTS; i++) {
        double truth[4], mean[4];
        const double *at = x + i % POINTS * s->family.domain.dims;
        family_values(&s->family, at, s->g + i / POINTS * s->family.rank, truth);
        family_values(&s->family, at, none, mean);
        for (size_t c = 0; c < channels; c++) {
            error += pow((double)u[i * channels + c] - truth[c], 2);
            variance += pow(truth[c] - mean[c], 2);
        }
    }
    free(x);
    free(zf);
    free(u);
    return error / variance;
}

/* ---------------------------------------------------------------- fits that take a moment */

static inline fc_decoder_config small_network(void)
{
    fc_decoder_config config = fc_decoder_config_default();
    config.layers = 2;
    config.filters = 7;
    config.seed = 3;
    return config;
}

static inline fc_fit_config short_fit(fc_fit_method method, size_t codes, size_t steps)
{
    fc_fit_config fit = fc_fit_config_default();
    fit.method = method;
    fit.codes = codes;
    fit.steps = steps;
    fit.batch_points = 64;
    fit.rate = fit.code_rate = 1e-2;
    return fit;
}

#endif
