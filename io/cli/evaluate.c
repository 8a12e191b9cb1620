#include "io/cli/configuration.h"
#include "io/cli/data_source.h"
#include "io/cli/device.h"
#include "io/cli/progress.h"
#include "io/cli/query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEADS_MAX = 256 };

typedef struct evaluate_options {
    const char *model, *data, *from, *leads, *grid;
    fc_read_config reading;
    cli_device device;
    fc_evaluate_config config;
    size_t lead[LEADS_MAX];
    size_t threads;
    int method, mask;
    bool json;
    bool share_given, mask_given, mask_seed_given, start_given;
} evaluate_options;

/* ---------------------------------------------------------------- JSON */

static json_t *score_json(fc_score score)
{
    json_t *object = json_object();
    cli_json_real(object, "mse", score.mse);
    cli_json_real(object, "rel_l2", score.rel_l2);
    return object;
}

static json_t *baseline_json(fc_score in_t, fc_score out_t)
{
    json_t *object = json_object();
    cli_json_put(object, "in_t", score_json(in_t));
    cli_json_put(object, "out_t", score_json(out_t));
    return object;
}

static json_t *leads_json(const fc_evaluation *result)
{
    json_t *list = json_array();
    for (size_t i = 0; i < result->lead_count; ++i) {
        json_t *lead = json_object();
        cli_json_count(lead, "lead", result->leads[i].lead);
        cli_json_real(lead, "rmse", result->leads[i].rmse);
        cli_json_real(lead, "persistence_rmse", result->leads[i].persistence_rmse);
        cli_json_real(lead, "climatology_rmse", result->leads[i].climatology_rmse);
        cli_json_real(lead, "lim_rmse", result->leads[i].lim_rmse);
        json_array_append_new(list, lead);
    }
    return list;
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Errors of sequences against lead time. */
static void put_frames(json_t *root, const fc_evaluation *result)
{
    json_t *times = json_array(), *errors = json_array(), *relative = json_array();
    for (size_t i = 0; i < result->frame_count; ++i) {
        json_array_append_new(times, json_real(result->frame_time[i]));
        json_array_append_new(errors, real_or_null(result->frame[i].mse));
        json_array_append_new(relative, real_or_null(result->frame[i].rel_l2));
    }
    cli_json_put(root, "frame_time", times);
    cli_json_put(root, "frame_mse", errors);
    cli_json_put(root, "frame_rel_l2", relative);
}

/* What was observed, and when. */
static json_t *protocol_json(const evaluate_options *o)
{
    static const char *const kinds[] = {"shared", "sequence", "frame"};
    const fc_evaluate_config *config = &o->config;
    json_t *object = json_object();
    cli_json_real(object, "observe", config->mask.share);
    if (config->mask.share < 1.0) {
        cli_json_text(object, "mask", kinds[config->mask.kind]);
        cli_json_count(object, "mask_seed", config->mask.seed);
    }
    if (o->grid)
        cli_json_text(object, "observe_grid", o->grid);
    cli_json_count(object, "every", config->every);
    cli_json_count(object, "from_frame", config->start);
    cli_json_count(object, "window", config->window);
    return object;
}

static json_t *evaluation_json(const evaluate_options *o, const fc_evaluation *result)
{
    json_t *root = json_object(), *coverage = json_object(), *seconds = json_object();
    cli_json_put(root, "protocol", protocol_json(o));
    cli_json_count(root, "sequences", result->sequences);
    cli_json_count(root, "failed", result->failed);
    cli_json_put(root, "in_t", score_json(result->in_t));
    cli_json_put(root, "out_t", score_json(result->out_t));
    if (isfinite(result->in_s.mse))
        cli_json_put(root, "in_s", score_json(result->in_s));
    if (isfinite(result->out_s.mse))
        cli_json_put(root, "out_s", score_json(result->out_s));
    cli_json_put(root, "encode", score_json(result->encode));
    cli_json_put(root, "floor", score_json(result->floor));
    cli_json_put(root, "persistence",
                 baseline_json(result->persistence_in_t, result->persistence_out_t));
    cli_json_put(root, "climatology",
                 baseline_json(result->climatology_in_t, result->climatology_out_t));
    cli_json_real(coverage, "sigma1", result->sigma1);
    cli_json_real(coverage, "sigma2", result->sigma2);
    cli_json_put(root, "coverage", coverage);
    cli_json_real(seconds, "encode", result->seconds_encode);
    cli_json_real(seconds, "integrate", result->seconds_integrate);
    cli_json_real(seconds, "decode", result->seconds_decode);
    cli_json_put(root, "seconds", seconds);
    if (result->lead_count)
        cli_json_put(root, "leads", leads_json(result));
    if (result->frame_count)
        put_frames(root, result);
    return root;
}

/* ---------------------------------------------------------------- table */

static void print_number(const char *format, int width, double value)
{
    if (isfinite(value))
        printf(format, width, value);
    else
        printf("%*s", width, "-");
}

/* floor: MSE that the score is compared with, NaN = not compared. */
static void print_score(const char *name, fc_score score, double floor)
{
    if (!isfinite(score.mse))
        return;
    printf("%-24s", name);
    print_number("%*.3e", 12, score.mse);
    print_number("%*.5f", 14, score.rel_l2);
    if (isfinite(floor) && floor > 0.0)
        print_number("%*.3g", 14, score.mse / floor);
    putchar('\n');
}

static void print_leads(const fc_evaluation *result)
{
    if (!result->lead_count)
        return;
    printf("\n%-10s%12s%14s%14s%14s\n", "lead", "RMSE", "persistence", "climatology", "LIM");
    for (size_t i = 0; i < result->lead_count; ++i) {
        const fc_lead_score *lead = &result->leads[i];
        printf("%-10zu", lead->lead);
        print_number("%*.4g", 12, lead->rmse);
        print_number("%*.4g", 14, lead->persistence_rmse);
        print_number("%*.4g", 14, lead->climatology_rmse);
        print_number("%*.4g", 14, lead->lim_rmse);
        putchar('\n');
    }
}

/* What was observed, in a sentence. */
static void print_protocol(const evaluate_options *o, const fc_evaluation *result, bool record)
{
    static const char *const kinds[] = {"the same points everywhere",
                                        "other points in every sequence",
                                        "other points in every frame"};
    const fc_evaluate_config *config = &o->config;
    if (record)
        printf("one record, ");
    else
        printf("%zu sequence%s, ", result->sequences, result->sequences == 1 ? "" : "s");
    if (config->every > 1)
        printf("one frame in %zu, ", config->every);
    printf("%g %% of the points ", 100.0 * config->mask.share);
    if (o->grid)
        printf("on a grid of %s ", o->grid);
    if (record)
        printf("of every starting frame");
    else if (config->window > 1)
        printf("of frames %zu to %zu", config->start + 1 - config->window, config->start);
    else if (config->start)
        printf("of frame %zu", config->start);
    else
        printf("of the first frame");
    printf(" observed");
    if (config->mask.share < 1.0)
        printf(" (%s)", record && config->mask.kind != FC_MASK_SHARED
                            ? "other points at every start"
                            : kinds[config->mask.kind]);
    printf("\n\n");
}

static void print_evaluation(const evaluate_options *o, const fc_evaluation *result, bool record)
{
    double floor = result->floor.mse;
    print_protocol(o, result, record);
    printf("%-24s%12s%14s%14s\n", "", "MSE", "relative L2", "times floor");
    print_score("In-t  (training times)", result->in_t, floor);
    print_score("Out-t (later times)", result->out_t, floor);
    print_score("In-s  (observed points)", result->in_s, floor);
    print_score("Out-s (other points)", result->out_s, floor);
    print_score("encoded frame", result->encode, floor);
    print_score("floor of the decoder", result->floor, NAN);
    print_score("persistence In-t", result->persistence_in_t, NAN);
    print_score("persistence Out-t", result->persistence_out_t, NAN);
    print_score("climatology In-t", result->climatology_in_t, NAN);
    print_score("climatology Out-t", result->climatology_out_t, NAN);
    print_leads(result);
    if (isfinite(result->sigma1))
        printf("\nerror bars   %.1f %% of the encoded field within one sigma, %.1f %% within two\n",
               100.0 * result->sigma1, 100.0 * result->sigma2);
    printf("seconds      encode %.3g, integrate %.3g, decode %.3g\n", result->seconds_encode,
           result->seconds_integrate, result->seconds_decode);
}

/* ---------------------------------------------------------------- command */

static fc_status parse_leads(const cli_session *session, evaluate_options *o)
{
    const char *text = o->leads;
    while (text && *text) {
        char word[32];
        uint64_t lead = 0;
        size_t length = strcspn(text, ",");
        snprintf(word, sizeof word, "%.*s", (int)(length < 31 ? length : 31), text);
        if (!cli_parse_count(word, &lead) || lead == 0 || o->config.lead_count == LEADS_MAX)
            return cli_fail(session, FC_ERROR_USAGE,
                            "--leads %s: must be up to %d whole numbers from 1 on, such as 1,3,6",
                            o->leads, LEADS_MAX);
        o->lead[o->config.lead_count++] = (size_t)lead;
        text += length + (text[length] == ',');
    }
    o->config.leads = o->config.lead_count ? o->lead : NULL;
    return FC_OK;
}

/* Who trained on some of the points is asked from these, unless the options say otherwise. */
static fc_status choose_mask(const cli_session *session, const fc_model *model, evaluate_options *o)
{
    fc_status status = FC_OK;
    fc_mask *mask = &o->config.mask;
    fc_mask given = *mask;
    fc_train_config trained;
    if (model->configuration)
        CLI_TRY(cli_configuration_parse(session, &trained, model->configuration, o->model));
    if (model->configuration && !fc_mask_sees_all(&trained.mask))
        *mask = trained.mask;
    if (o->grid && !o->share_given)
        mask->share = 1.0;
    if (o->share_given)
        mask->share = given.share;
    if (o->mask_given)
        mask->kind = (fc_mask_kind)o->mask;
    if (o->mask_seed_given)
        mask->seed = given.seed;
done:
    return status;
}

static fc_status run_evaluation(cli_session *session, evaluate_options *o, const fc_model *model,
                                const fc_dataset *dataset)
{
    fc_status status;
    fc_evaluation *result = NULL;
    json_t *json = NULL;
    cli_progress progress;
    if (o->grid)
        CLI_TRY(cli_query_grid_shape(session, &dataset->domain, "--observe-grid", o->grid,
                                     o->config.mask.grid));
    if (o->from)
        LIB_TRY(session, fc_time_parse(session->context, &dataset->time, o->from, &o->config.from));
    CLI_TRY(cli_progress_start(session, &progress, o->json, false, NULL));
    fc_context_set_progress(session->context, cli_progress_callback, &progress);
    status = fc_model_evaluate(session->context, model, dataset, &o->config, &result);
    fc_context_set_progress(session->context, NULL, NULL);
    fc_status finished = cli_progress_finish(session, &progress);
    LIB_TRY(session, status);
    CLI_TRY(finished);
    if (result->failed)
        cli_note(session, "%zu of %zu sequences could not be integrated to their end",
                 result->failed, result->sequences);
    if (o->json) {
        json = evaluation_json(o, result);
        CLI_TRY(cli_json_print(session, json));
    } else {
        print_evaluation(o, result, dataset->record);
    }
done:
    json_decref(json);
    fc_evaluation_destroy(result);
    return status;
}

static fc_status evaluate(cli_session *session, const cli_syntax *syntax, evaluate_options *o)
{
    fc_status status;
    fc_model *model = NULL;
    fc_dataset *dataset = NULL;
    o->config.integrator.method = o->method == 0 ? FC_ODE_ADAMS : FC_ODE_BDF;
    if (!o->start_given)
        o->config.start = o->config.window - 1;
    CLI_TRY(parse_leads(session, o));
    CLI_TRY(cli_start(session, o->threads));
    CLI_TRY(cli_device_use(session, &o->device, syntax));
    CLI_TRY(cli_model_read(session, o->model, &model));
    CLI_TRY(choose_mask(session, model, o));
    CLI_TRY(cli_data_open_for(session, model, o->data, &o->reading, &dataset));
    CLI_TRY(run_evaluation(session, o, model, dataset));
done:
    fc_model_destroy(model);
    fc_dataset_destroy(dataset);
    return status;
}

static const char examples[] =
    "  fieldcast evaluate model.h5 test.nc\n"
    "  fieldcast evaluate model.h5 test.nc --observe 0.05 --json\n"
    "  fieldcast evaluate model.h5 fine.nc --observe-grid 64x64\n"
    "  fieldcast evaluate model.h5 test.nc --window 10 --observe 0.05\n"
    "  fieldcast evaluate sst.h5 sst.nc --from 2009-10-01 --leads 1,3,6\n";

fc_status cli_evaluate(cli_session *session, int argc, char **argv)
{
    evaluate_options o = {.config = fc_evaluate_config_default()};
    bool helped;
    cli_option options[] = {
        CLI_OPT_ARGUMENT("MODEL", &o.model, "model file"),
        CLI_OPT_ARGUMENT("DATA", &o.data, "data file with the truth"),
        CLI_OPT_REAL("--observe", "F", &o.config.mask.share, 1e-9, 1,
                     "share of the points of the encoded frames that is seen, drawn at random; by "
                     "default all, or what the model was trained on"),
        CLI_OPT_CHOICE("--mask", "shared|sequence|frame", &o.mask,
                       "whether these are the same points everywhere, others in every sequence, or "
                       "others in every frame; by default as in training, else others in every "
                       "sequence"),
        CLI_OPT_SEED(
            "--mask-seed", &o.config.mask.seed,
            "of these points; by default as in training, so that another one is a new mask"),
        CLI_OPT_TEXT("--observe-grid", "NXxNY", &o.grid,
                     "see only those points that lie on this coarser grid"),
        CLI_OPT_COUNT("--from-frame", "K", &o.config.start, 0, 1e12,
                      "encode this frame, from 0, and score those after it"),
        CLI_OPT_COUNT("--window", "N", &o.config.window, 1, 1e12,
                      "estimate the code from N frames, the last of which is that of --from-frame, "
                      "by default the first N"),
        CLI_OPT_COUNT("--every", "N", &o.config.every, 1, 1e9,
                      "take every N-th frame of the file as all there is"),
        CLI_OPT_FLAG("--json", &o.json, "one JSON object in place of the table"),
        CLI_OPT_TEXT("--from", "TIME", &o.from,
                     "records: score forecasts that start at this time or later"),
        CLI_OPT_TEXT("--leads", "1,3,6", &o.leads, "records: lead times in steps"),
        CLI_OPT_READING(&o.reading, "variables of DATA, or expressions of them; those of the "
                                    "model by default"),
        CLI_OPT_REAL("--rtol", "X", &o.config.integrator.rtol, 0, 1, "relative tolerance"),
        CLI_OPT_REAL("--atol", "X", &o.config.integrator.atol, 0, 1e6, "absolute tolerance"),
        CLI_OPT_CHOICE("--method", "adams|bdf", &o.method, "integrator of CVODE"),
        CLI_OPT_THREADS(&o.threads),
        CLI_OPT_DEVICE(&o.device),
    };
    const cli_syntax syntax = {.usage = "MODEL DATA [options]",
                               .summary = "score a model's forecasts against data",
                               .examples = examples,
                               .count = sizeof options / sizeof options[0],
                               .options = options};
    fc_status status = cli_parse(session, &syntax, argc, argv, &helped);
    if (status != FC_OK || helped)
        return status;
    o.share_given = cli_option_named(&syntax, "--observe")->given;
    o.mask_given = cli_option_named(&syntax, "--mask")->given;
    o.mask_seed_given = cli_option_named(&syntax, "--mask-seed")->given;
    o.start_given = cli_option_named(&syntax, "--from-frame")->given;
    return evaluate(session, &syntax, &o);
}
