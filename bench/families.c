/* fieldcast-bench families: the error of each family of decoders against the number of codes, on
 * frames that were not fitted, beside that of the POD. */
#include "bench/bench.h"
#include "inr/fit.h"
#include "io/io.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SIZES = 16, MOST_SNAPSHOTS = 1024 };

static const char *const family_names[] = {"fourier", "siren", "multiplicative"};
enum { FAMILIES = sizeof family_names / sizeof *family_names };

/* What the command line asks for. */
typedef struct request {
    const char *data, *test, *picture;
    bool chosen[FAMILIES];
    size_t sizes, codes[MOST_SIZES];
    size_t train_frames, test_frames; /* spread over those of the files */
    size_t threads;
    fc_decoder_config decoder;
    fc_fit_config fit;
} request;

/* Errors on the test frames, NaN where a family was not asked for. */
typedef struct curves {
    double pod[MOST_SIZES], family[FAMILIES][MOST_SIZES], codes[MOST_SIZES];
} curves;

static const char usage[] =
    "Usage: fieldcast-bench families DATA TEST [options]\n"
    "\n"
    "  --codes 4,8,16       default 4,8,16,32,64\n"
    "  --families LIST      of fourier, siren, multiplicative; default all\n"
    "  --train-frames N     spread over DATA, default 1024\n"
    "  --test-frames N      spread over TEST, default 64\n"
    "  --steps N            of fitting, default 3000\n"
    "  --set KEY=VALUE      layers, width, omega0, filters, rate, batch_frames, batch_points, "
    "seed\n"
    "  --plot FILE          a picture of the curves, PNG, PDF or SVG\n"
    "  --threads N          default: all processors\n"
    "\n"
    "Prints a JSON line for each family and number of codes: mean squared errors in units of the\n"
    "training frames' variance, with codes from all values of each test frame.\n";

/* ---------------------------------------------------------------- data */

/* Every frame of a file, brought to mean 0 and variance 1 of the training file's channels. */
typedef struct frames {
    fc_dataset *dataset;
    fc__frames all, some;
} frames;

static void frames_clear(frames *f)
{
    fc__frames_clear(&f->all);
    fc__frames_clear(&f->some);
    fc_dataset_destroy(f->dataset);
}

static fc_status frames_read(fc_context *context, const char *path, size_t number, frames *f)
{
    fc_status status = FC_OK;
    FC_TRY(fc_dataset_read(context, path, NULL, &f->dataset));
    FC_TRY(fc__frames_select(context, f->dataset, 0, NULL, false, &f->all));
    FC_TRY(fc__frames_select(context, f->dataset, 0, NULL, false, &f->some));
    number = number < f->all.count ? number : f->all.count;
    for (size_t k = 0; k < number; k++)
        f->some.frame[k] = f->all.frame[k * f->all.count / number];
    f->some.count = number;
done:
    return status;
}

static size_t values_of(const frames *f, const fc_frame *frame)
{
    return f->dataset->points[frame->points].count * f->dataset->channel_count;
}

/* Moments of a channel over all training frames. */
static void moments_of(const frames *f, size_t channel, double *mean, double *deviation)
{
    double sum = 0.0, square = 0.0, number = 0.0;
    size_t channels = f->dataset->channel_count;
    for (size_t k = 0; k < f->all.count; k++)
        for (size_t i = channel; i < values_of(f, f->all.frame[k]); i += channels) {
            double value = (double)f->all.frame[k]->values[i];
            if (isnan(value))
                continue;
            sum += value;
            square += value * value;
            number += 1.0;
        }
    *mean = sum / number;
    *deviation = sqrt(square / number - *mean * *mean);
}

static void normalise(const frames *f, size_t channel, double mean, double deviation)
{
    size_t channels = f->dataset->channel_count;
    for (size_t k = 0; k < f->all.count; k++)
        for (size_t i = channel; i < values_of(f, f->all.frame[k]); i += channels)
            f->all.frame[k]->values[i] =
                (float)(((double)f->all.frame[k]->values[i] - mean) / deviation);
}

/* ---------------------------------------------------------------- POD */

/* Mean squared error of the first codes[s] modes of the training frames on the test frames, by the
 * method of snapshots: mode j = X^T v_j / sqrt(lambda_j). NaN where frames differ in their points
 * or miss values. */
static fc_status pod_errors(fc_context *context, const frames *train, const frames *test,
                            const request *r, double *errors)
{
    fc_status status = FC_OK;
    size_t n = train->some.count, m = test->some.count;
    size_t values = values_of(train, train->some.frame[0]);
    double *x = NULL, *y = NULL, *gram = NULL, *lambda = NULL, *v = NULL, *cross = NULL;
    double *mean = NULL, *coefficient = NULL, energy = 0.0;
    bool whole =
        fc_dataset_shares_points(train->dataset) && fc_dataset_shares_points(test->dataset);
    for (size_t s = 0; s < r->sizes; s++)
        errors[s] = NAN;
    n = n < MOST_SNAPSHOTS ? n : MOST_SNAPSHOTS;
    FC_NEW(context, &x, fc__product(n, values));
    FC_NEW(context, &y, fc__product(m, values));
    FC_NEW(context, &mean, values);
    FC_NEW(context, &gram, fc__product(n, n));
    FC_NEW(context, &v, fc__product(n, n));
    FC_NEW(context, &lambda, n);
    FC_NEW(context, &cross, fc__product(m, n));
    FC_NEW(context, &coefficient, fc__product(m, n));
    for (size_t k = 0; whole && k < n; k++)
        for (size_t i = 0; i < values; i++) {
            x[k * values + i] = (double)train->some.frame[k * train->some.count / n]->values[i];
            mean[i] += x[k * values + i] / (double)n;
        }
    for (size_t k = 0; k < n * values; k++)
        x[k] -= mean[k % values];
    for (size_t k = 0; whole && k < m * values; k++) {
        y[k] = (double)test->some.frame[k / values]->values[k % values] - mean[k % values];
        energy += y[k] * y[k];
    }
    if (!whole || isnan(energy))
        goto done;
    fc__dgemm_parallel(context, false, true, n, n, values, 1.0, x, values, x, values, 0.0, gram, n);
    fc__dgemm_parallel(context, false, true, m, n, values, 1.0, y, values, x, values, 0.0, cross,
                       n);
    FC_TRY(fc__eigen(context, n, gram, lambda, v));
    fc__dgemm_parallel(context, false, false, m, n, n, 1.0, cross, n, v, n, 0.0, coefficient, n);
    for (size_t s = 0; s < r->sizes; s++) {
        double rest = energy;
        for (size_t j = 0; j < r->codes[s] && j < n && lambda[j] > 1e-12 * lambda[0]; j++)
            for (size_t k = 0; k < m; k++)
                rest -= pow(coefficient[k * n + j], 2) / lambda[j];
        errors[s] = fmax(rest, 0.0) / ((double)m * (double)values);
    }
done:
    free(x);
    free(y);
    free(mean);
    free(gram);
    free(v);
    free(lambda);
    free(cross);
    free(coefficient);
    return status;
}

/* ---------------------------------------------------------------- families */

/* A dataset of the chosen frames alone, each a sequence of its own. */
static fc_status chosen_frames(fc_context *context, const frames *f, fc_dataset **chosen)
{
    fc_status status = FC_OK;
    fc_sequence *sequence;
    size_t index;
    FC_TRY(fc_dataset_create(context, &f->dataset->domain, f->dataset->channel_count, chosen));
    for (size_t p = 0; p < f->dataset->points_count; p++) {
        const fc_points *set = &f->dataset->points[p];
        FC_TRY(fc_dataset_add_points(context, *chosen, set->count, set->coordinates,
                                     set->grid[0] ? set->grid : NULL, &index));
    }
    for (size_t k = 0; k < f->some.count; k++) {
        const fc_frame *frame = f->some.frame[k];
        FC_TRY(
            fc_dataset_add_sequence(context, *chosen, 1, &frame->time, &frame->points, &sequence));
        memcpy(sequence->frames[0].values, frame->values,
               values_of(f, frame) * sizeof *frame->values);
    }
done:
    return status;
}

static fc_status run_family(fc_context *context, const request *r, const fc_dataset *train,
                            const frames *test, size_t family, size_t s, curves *found)
{
    fc_status status = FC_OK;
    fc_decoder *decoder = NULL;
    fc_prior *prior = NULL;
    fc_decoder_config config = r->decoder;
    fc_fit_config fit = r->fit;
    fc_fit_report report;
    size_t channels = train->channel_count;
    double *noise = NULL, *square = NULL, *z = NULL, error = 0.0;
    config.family = (fc_decoder_family)family;
    fit.codes = r->codes[s];
    FC_NEW(context, &noise, channels);
    FC_NEW(context, &square, channels);
    FC_TRY(
        fc_decoder_fit(context, train, 0, NULL, &config, &fit, &decoder, &prior, noise, &report));
    FC_NEW(context, &z, fc__product(test->some.count, decoder->config.codes));
    double start = fc__seconds();
    FC_TRY(fc__encode_frames(context, decoder, prior, noise, &test->some, z, square, NULL));
    double encoding = (fc__seconds() - start) / (double)test->some.count;
    for (size_t c = 0; c < channels; c++)
        error += square[c] / (double)channels;
    printf("{\"family\": \"%s\", \"codes\": %zu, \"layers\": %zu, \"width\": %zu, "
           "\"parameters\": %zu, \"steps\": %zu, \"training_mse\": %.4g, \"test_mse\": %.4g, "
           "\"pod_mse\": %.4g, \"fit_seconds\": %.1f, \"encode_seconds\": %.3g}\n",
           family_names[family], decoder->config.codes, decoder->config.layers,
           fc_decoder_layout_of(&decoder->config, decoder->inputs).width, decoder->parameter_count,
           fit.steps, report.training_mse, error, found->pod[s], report.seconds, encoding);
    fflush(stdout);
    found->family[family][s] = error;
done:
    fc_decoder_destroy(decoder);
    fc_prior_destroy(prior);
    free(noise);
    free(square);
    free(z);
    return status;
}

static fc_status draw(fc_context *context, const request *r, const curves *found)
{
    fc_series series[FAMILIES + 1];
    size_t count = 0;
    series[count++] =
        (fc_series){"POD", r->sizes, found->codes, found->pod, NULL, FC_STROKE_DASHED, 6};
    for (size_t f = 0; f < FAMILIES; f++)
        if (r->chosen[f])
            series[count++] =
                (fc_series){family_names[f], r->sizes, found->codes, found->family[f], NULL,
                            FC_STROKE_SOLID, f};
    const fc_chart chart = {.title = "decoders",
                            .note = "test frames, codes from all values",
                            .x = {.label = "codes", .scale = FC_SCALE_LOG},
                            .y = {.label = "mean squared error / variance", .scale = FC_SCALE_LOG},
                            .series_count = count,
                            .series = series};
    const fc_plot_item item = {.chart = &chart};
    return fc_plot(context, r->picture, "Error against the number of codes", 1, &item, 1);
}

static fc_status run(fc_context *context, const request *r)
{
    fc_status status = FC_OK;
    frames train = {0}, test = {0};
    fc_dataset *chosen = NULL;
    double mean, deviation;
    curves found;
    for (size_t s = 0; s < r->sizes; s++) {
        found.codes[s] = (double)r->codes[s];
        for (size_t family = 0; family < FAMILIES; family++)
            found.family[family][s] = NAN;
    }
    FC_TRY(frames_read(context, r->data, r->train_frames, &train));
    FC_TRY(frames_read(context, r->test, r->test_frames, &test));
    if (test.dataset->channel_count != train.dataset->channel_count) {
        status = fc__fail(context, FC_ERROR_DATA, "%s and %s differ in their channels", r->data,
                          r->test);
        goto done;
    }
    for (size_t c = 0; c < train.dataset->channel_count; c++) {
        moments_of(&train, c, &mean, &deviation);
        normalise(&train, c, mean, deviation);
        normalise(&test, c, mean, deviation);
    }
    FC_TRY(pod_errors(context, &train, &test, r, found.pod));
    FC_TRY(chosen_frames(context, &train, &chosen));
    for (size_t family = 0; family < FAMILIES; family++)
        for (size_t s = 0; r->chosen[family] && s < r->sizes; s++)
            FC_TRY(run_family(context, r, chosen, &test, family, s, &found));
    if (r->picture)
        FC_TRY(draw(context, r, &found));
done:
    frames_clear(&train);
    frames_clear(&test);
    fc_dataset_destroy(chosen);
    return status;
}

/* ---------------------------------------------------------------- command line */

static bool parse_number(const char *text, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && *number >= 0.0;
}

static bool parse_codes(char *list, request *r)
{
    double number;
    r->sizes = 0;
    for (char *rest = list, *item; (item = strsep(&rest, ","));) {
        if (r->sizes == MOST_SIZES || !parse_number(item, &number) || number < 1.0)
            return false;
        r->codes[r->sizes++] = (size_t)number;
    }
    return true;
}

static bool parse_families(char *list, request *r)
{
    memset(r->chosen, 0, sizeof r->chosen);
    for (char *rest = list, *item; (item = strsep(&rest, ","));) {
        size_t family = 0;
        while (family < FAMILIES && strcmp(item, family_names[family]) != 0)
            family++;
        if (family == FAMILIES)
            return false;
        r->chosen[family] = true;
    }
    return true;
}

static bool parse_setting(char *text, request *r)
{
    const struct {
        const char *key;
        size_t *count;
        double *real;
    } settings[] = {{"layers", &r->decoder.layers, NULL},
                    {"width", &r->decoder.width, NULL},
                    {"omega0", NULL, &r->decoder.omega0},
                    {"filters", &r->decoder.filters, NULL},
                    {"rate", NULL, &r->fit.rate},
                    {"batch_frames", &r->fit.batch_frames, NULL},
                    {"batch_points", &r->fit.batch_points, NULL},
                    {"seed", (size_t *)&r->fit.seed, NULL}};
    char *value = strchr(text, '=');
    double number;
    if (!value || !parse_number(value + 1, &number))
        return false;
    *value = '\0';
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (strcmp(settings[i].key, text) != 0)
            continue;
        if (settings[i].real)
            *settings[i].real = number;
        else
            *settings[i].count = (size_t)number;
        return true;
    }
    return false;
}

static bool parse(int argc, char **argv, request *r)
{
    enum { CODES = 1, FAMILY_LIST, TRAIN_FRAMES, TEST_FRAMES, STEPS, SET, THREADS, PICTURE };
    static const struct option options[] = {{"codes", required_argument, NULL, CODES},
                                            {"families", required_argument, NULL, FAMILY_LIST},
                                            {"train-frames", required_argument, NULL, TRAIN_FRAMES},
                                            {"test-frames", required_argument, NULL, TEST_FRAMES},
                                            {"steps", required_argument, NULL, STEPS},
                                            {"set", required_argument, NULL, SET},
                                            {"threads", required_argument, NULL, THREADS},
                                            {"plot", required_argument, NULL, PICTURE},
                                            {NULL, 0, NULL, 0}};
    bool ok = true;
    double number = 0.0;
    for (int option; ok && (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == TRAIN_FRAMES || option == TEST_FRAMES || option == STEPS || option == THREADS)
            ok = parse_number(optarg, &number) && number >= 1.0;
        if (option == CODES)
            ok = parse_codes(optarg, r);
        else if (option == FAMILY_LIST)
            ok = parse_families(optarg, r);
        else if (option == SET)
            ok = parse_setting(optarg, r);
        else if (option == PICTURE)
            r->picture = optarg;
        else if (option == TRAIN_FRAMES)
            r->train_frames = (size_t)number;
        else if (option == TEST_FRAMES)
            r->test_frames = (size_t)number;
        else if (option == STEPS)
            r->fit.steps = (size_t)number;
        else if (option == THREADS)
            r->threads = (size_t)number;
        else
            ok = false;
    }
    if (!ok || argc - optind != 2)
        return false;
    r->data = argv[optind];
    r->test = argv[optind + 1];
    return true;
}

int bench_families(int argc, char **argv)
{
    request r = {.sizes = 5,
                 .codes = {4, 8, 16, 32, 64},
                 .chosen = {true, true, true},
                 .train_frames = 1024,
                 .test_frames = 64,
                 .decoder = fc_decoder_config_default(),
                 .fit = fc_fit_config_default()};
    fc_context *context;
    if (!parse(argc, argv, &r)) {
        fputs(usage, stderr);
        return fc_status_exit_code(FC_ERROR_USAGE);
    }
    fc_status status = fc_context_create((int)r.threads, &context);
    if (status == FC_OK)
        status = run(context, &r);
    if (status != FC_OK)
        fprintf(stderr, "fieldcast-bench: %s\n", fc_context_message(context));
    fc_context_destroy(context);
    return fc_status_exit_code(status);
}
