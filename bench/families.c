/* fieldcast-bench families: the error of each family of decoders against the number of codes, on
 * frames that were not fitted, beside that of the POD and of localised modes. */
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
    size_t patch;                     /* side of the squares that have modes of their own, or 0 */
    size_t threads;
    fc_decoder_config decoder;
    fc_fit_config fit;
} request;

/* Errors on the test frames, NaN where a family was not asked for. */
typedef struct curves {
    double pod[MOST_SIZES], patches[MOST_SIZES], family[FAMILIES][MOST_SIZES], codes[MOST_SIZES];
} curves;

static const char usage[] =
    "Usage: fieldcast-bench families DATA TEST [options]\n"
    "\n"
    "  --codes 4,8,16       default 4,8,16,32,64\n"
    "  --families LIST      of fourier, siren, multiplicative; default all\n"
    "  --train-frames N     spread over DATA, default 1024\n"
    "  --test-frames N      spread over TEST, default 64\n"
    "  --patches N          localised modes too: the POD of squares of N x N points of a grid\n"
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

/* Rows (count, size) of values less their means over the training frames. */
typedef struct rows {
    size_t count, size;
    double *x;
} rows;

/* Whether all frames of both files have the same points. */
static bool share_points(const frames *train, const frames *test)
{
    const fc_points *a = &train->dataset->points[train->some.frame[0]->points],
                    *b = &test->dataset->points[test->some.frame[0]->points];
    size_t coordinates = a->count * train->dataset->domain.dims;
    return fc_dataset_shares_points(train->dataset) && fc_dataset_shares_points(test->dataset) &&
           a->count == b->count && test->dataset->domain.dims == train->dataset->domain.dims &&
           memcmp(a->coordinates, b->coordinates, coordinates * sizeof *a->coordinates) == 0;
}

/* Training and test frames as rows; none where frames differ in their points. At most
 * MOST_SNAPSHOTS of the training frames. */
static fc_status rows_create(fc_context *context, const frames *train, const frames *test,
                             rows made[2])
{
    fc_status status = FC_OK;
    const frames *const of[] = {train, test};
    size_t n = train->some.count < MOST_SNAPSHOTS ? train->some.count : MOST_SNAPSHOTS;
    size_t size = values_of(train, train->some.frame[0]);
    double *mean = NULL;
    if (!share_points(train, test))
        return FC_OK;
    FC_NEW(context, &mean, size);
    for (int side = 0; side < 2; side++) {
        made[side] = (rows){.count = side ? test->some.count : n, .size = size};
        FC_NEW(context, &made[side].x, fc__product(made[side].count, size));
        for (size_t k = 0; k < made[side].count; k++)
            for (size_t i = 0; i < size; i++)
                made[side].x[k * size + i] =
                    (double)of[side]
                        ->some.frame[k * of[side]->some.count / made[side].count]
                        ->values[i];
    }
    for (size_t k = 0; k < n * size; k++)
        mean[k % size] += made[0].x[k] / (double)n;
    for (int side = 0; side < 2; side++)
        for (size_t k = 0; k < made[side].count * size; k++)
            made[side].x[k] -= mean[k % size];
done:
    free(mean);
    return status;
}

/* Coefficients (test.count, *modes) of the test rows in the orthonormal modes of the training rows:
 * eigenvectors of their covariance, or by the method of snapshots x^T v_j / sqrt(lambda_j),
 * whichever is smaller. */
static fc_status project(fc_context *context, const rows *train, const rows *test, size_t *modes,
                         double **coefficients)
{
    fc_status status = FC_OK;
    size_t n = train->count, m = test->count, size = train->size;
    bool snapshots = n < size;
    size_t all = *modes = snapshots ? n : size;
    double *gram = NULL, *lambda = NULL, *v = NULL, *cross = NULL;
    FC_NEW(context, &gram, fc__product(all, all));
    FC_NEW(context, &v, fc__product(all, all));
    FC_NEW(context, &lambda, all);
    FC_NEW(context, coefficients, fc__product(m, all));
    fc__dgemm_parallel(context, !snapshots, snapshots, all, all, snapshots ? size : n, 1.0,
                       train->x, size, train->x, size, 0.0, gram, all);
    FC_TRY(fc__eigen(context, all, gram, lambda, v));
    if (snapshots) {
        FC_NEW(context, &cross, fc__product(m, all));
        fc__dgemm_parallel(context, false, true, m, all, size, 1.0, test->x, size, train->x, size,
                           0.0, cross, all);
    }
    fc__dgemm_parallel(context, false, false, m, all, all, 1.0, snapshots ? cross : test->x, all, v,
                       all, 0.0, *coefficients, all);
    while (*modes && lambda[*modes - 1] <= 1e-12 * lambda[0])
        --*modes;
    for (size_t i = 0; snapshots && i < m * all; i++)
        (*coefficients)[i] /= sqrt(fmax(lambda[i % all], 1e-12 * lambda[0]));
    for (size_t k = 0; k < m; k++)
        memmove(*coefficients + k * *modes, *coefficients + k * all,
                *modes * sizeof **coefficients);
done:
    free(gram);
    free(lambda);
    free(v);
    free(cross);
    return status;
}

static bool is_whole(const rows *r)
{
    for (size_t i = 0; r->x && i < r->count * r->size; i++)
        if (isnan(r->x[i]))
            return false;
    return r->x;
}

/* Mean squared errors of the first codes[s] / share modes of the training rows on the test rows.
 * NaN where there is none, or values are missing. */
static fc_status pod_errors(fc_context *context, const rows *train, const rows *test, size_t share,
                            const request *r, double *errors)
{
    fc_status status = FC_OK;
    size_t modes = 0, values = test->count * test->size;
    double *coefficients = NULL, energy = 0.0;
    for (size_t s = 0; s < r->sizes; s++)
        errors[s] = NAN;
    if (!is_whole(train) || !is_whole(test))
        return FC_OK;
    for (size_t i = 0; i < values; i++)
        energy += test->x[i] * test->x[i];
    FC_TRY(project(context, train, test, &modes, &coefficients));
    for (size_t s = 0; s < r->sizes; s++) {
        double rest = energy;
        for (size_t k = 0; k < test->count; k++)
            for (size_t j = 0; j < r->codes[s] / share && j < modes; j++)
                rest -= pow(coefficients[k * modes + j], 2);
        if (r->codes[s] >= share)
            errors[s] = fmax(rest, 0.0) / (double)values;
    }
done:
    free(coefficients);
    return status;
}

/* Rows of the squares of `side` x `side` points of a grid (ny, nx) with `channels` values a point.
 */
static fc_status cut(fc_context *context, const rows *whole, const size_t grid[2], size_t side,
                     size_t channels, rows *patches)
{
    fc_status status = FC_OK;
    size_t across = grid[1] / side, each = grid[0] / side * across, run = side * channels;
    *patches = (rows){.count = fc__product(whole->count, each), .size = side * run};
    FC_NEW(context, &patches->x, fc__product(patches->count, patches->size));
    for (size_t p = 0; p < patches->count; p++) {
        size_t first = p % each / across * side, left = p % across * side;
        for (size_t i = 0; i < side; i++)
            memcpy(patches->x + p * patches->size + i * run,
                   whole->x + p / each * whole->size + ((first + i) * grid[1] + left) * channels,
                   run * sizeof *patches->x);
    }
done:
    return status;
}

/* Errors of the POD of all squares together, each of which has its share of the codes. */
static fc_status patch_errors(fc_context *context, const frames *train, const rows whole[2],
                              const request *r, double *errors)
{
    fc_status status = FC_OK;
    rows patches[2] = {{0}};
    const size_t *grid = train->dataset->points[train->some.frame[0]->points].grid;
    if (!is_whole(&whole[0]) || train->dataset->domain.dims != 2 || !grid[0] ||
        grid[0] % r->patch || grid[1] % r->patch)
        return fc__fail(
            context, FC_ERROR_DATA,
            "--patches %zu needs frames without gaps on one 2-D grid, the same in %s and "
            "%s, whose sides it divides",
            r->patch, r->data, r->test);
    for (int side = 0; side < 2; side++)
        FC_TRY(cut(context, &whole[side], grid, r->patch, train->dataset->channel_count,
                   &patches[side]));
    status = pod_errors(context, &patches[0], &patches[1],
                        grid[0] / r->patch * (grid[1] / r->patch), r, errors);
done:
    free(patches[0].x);
    free(patches[1].x);
    return status;
}

/* What modes of the training frames leave of the test frames. */
static fc_status find_floors(fc_context *context, const frames *train, const frames *test,
                             const request *r, curves *found)
{
    fc_status status = FC_OK;
    rows whole[2] = {{0}};
    FC_TRY(rows_create(context, train, test, whole));
    FC_TRY(pod_errors(context, &whole[0], &whole[1], 1, r, found->pod));
    if (r->patch)
        FC_TRY(patch_errors(context, train, whole, r, found->patches));
done:
    free(whole[0].x);
    free(whole[1].x);
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

/* JSON has no NaN. */
static const char *write_error(double error, char text[32])
{
    snprintf(text, 32, isfinite(error) ? "%.4g" : "null", error);
    return text;
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
    char pod[32], patches[32];
    printf("{\"family\": \"%s\", \"codes\": %zu, \"layers\": %zu, \"width\": %zu, "
           "\"parameters\": %zu, \"steps\": %zu, \"training_mse\": %.4g, \"test_mse\": %.4g, "
           "\"pod_mse\": %s, \"patches_mse\": %s, \"fit_seconds\": %.1f, \"encode_seconds\": "
           "%.3g}\n",
           family_names[family], decoder->config.codes, decoder->config.layers,
           fc_decoder_layout_of(&decoder->config, decoder->inputs).width, decoder->parameter_count,
           fit.steps, report.training_mse, error, write_error(found->pod[s], pod),
           write_error(found->patches[s], patches), report.seconds, encoding);
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
    fc_series series[FAMILIES + 2];
    size_t count = 0;
    char squares[64];
    snprintf(squares, sizeof squares, "POD of %zu x %zu points", r->patch, r->patch);
    series[count++] =
        (fc_series){"POD", r->sizes, found->codes, found->pod, NULL, FC_STROKE_DASHED, 6};
    if (r->patch)
        series[count++] =
            (fc_series){squares, r->sizes, found->codes, found->patches, NULL, FC_STROKE_DASHED, 5};
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
        found.patches[s] = NAN;
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
    FC_TRY(find_floors(context, &train, &test, r, &found));
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
    enum {
        CODES = 1,
        FAMILY_LIST,
        TRAIN_FRAMES,
        TEST_FRAMES,
        PATCHES,
        STEPS,
        SET,
        THREADS,
        PICTURE
    };
    static const struct option options[] = {{"codes", required_argument, NULL, CODES},
                                            {"families", required_argument, NULL, FAMILY_LIST},
                                            {"train-frames", required_argument, NULL, TRAIN_FRAMES},
                                            {"test-frames", required_argument, NULL, TEST_FRAMES},
                                            {"patches", required_argument, NULL, PATCHES},
                                            {"steps", required_argument, NULL, STEPS},
                                            {"set", required_argument, NULL, SET},
                                            {"threads", required_argument, NULL, THREADS},
                                            {"plot", required_argument, NULL, PICTURE},
                                            {NULL, 0, NULL, 0}};
    bool ok = true;
    double number = 0.0;
    for (int option; ok && (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == TRAIN_FRAMES || option == TEST_FRAMES || option == STEPS ||
            option == THREADS || option == PATCHES)
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
        else if (option == PATCHES)
            r->patch = (size_t)number;
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
