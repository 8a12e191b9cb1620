#include "io/cli/configuration.h"
#include "io/cli/data_source.h"
#include "io/cli/device.h"
#include "io/cli/guard.h"
#include "io/cli/memory.h"
#include "io/cli/options.h"
#include "io/cli/output.h"
#include "io/cli/progress.h"
#include "io/cli/signals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double slice_seconds = 1.0; /* between two looks at signals and clock */

typedef struct train_options {
    const char *data, *model, *until, *resume, *config, *log, *memory;
    fc_read_config reading;
    cli_device device;
    cli_texts set;
    fc_train_config train; /* what the options below write to */
    size_t codes, threads, updates;
    int mask;
    double checkpoint_seconds;
    bool quiet;
} train_options;

/* One training as it goes. */
typedef struct train_job {
    cli_session *session;
    const train_options *options;
    fc_train_config config;
    fc_dataset *dataset;
    fc_model *saved; /* the half-made model of a checkpoint */
    fc_training_state saved_state;
    fc_training *training;
    cli_progress progress;
    double checkpoint; /* time of the last one */
    bool written;      /* there is one */
} train_job;

/* ---------------------------------------------------------------- configuration */

/* Defaults, then the file, then --set, then the options: the later win. */
static fc_status resolve_configuration(train_job *job, const cli_syntax *syntax)
{
    fc_status status = FC_OK;
    const train_options *options = job->options;
    const fc_train_config *given = &options->train;
    fc_train_config *config = &job->config;
    *config = fc_train_config_default();
    if (options->config)
        CLI_TRY(cli_configuration_read(job->session, config, options->config));
    for (size_t i = 0; i < options->set.count; ++i)
        CLI_TRY(cli_configuration_assign(job->session, config, options->set.item[i]));
    if (cli_option_named(syntax, "--codes")->given)
        config->fit.codes = options->codes;
    if (cli_option_named(syntax, "--observe")->given)
        config->mask.share = given->mask.share;
    if (cli_option_named(syntax, "--mask")->given)
        config->mask.kind = (fc_mask_kind)options->mask;
    if (cli_option_named(syntax, "--mask-seed")->given)
        config->mask.seed = given->mask.seed;
    if (cli_option_named(syntax, "--every")->given)
        config->every = given->every;
    if (cli_option_named(syntax, "--train-frames")->given)
        config->train_frames = given->train_frames;
    if (cli_option_named(syntax, "--window")->given)
        config->window = given->window;
    if (cli_option_named(syntax, "--seed")->given)
        config->seed = given->seed;
    if (cli_option_named(syntax, "--updates")->given) {
        config->dynamics.updates = options->updates;
        config->minutes = 0.0;
    }
    if (cli_option_named(syntax, "--minutes")->given)
        config->minutes = given->minutes;
done:
    return status;
}

/* A resumed run goes on with its own configuration, so options that would change it are refused. */
static fc_status refuse_changes(const cli_session *session, const cli_syntax *syntax)
{
    static const char *const fixed[] = {"--codes",  "--minutes",  "--train-frames", "--until",
                                        "--window", "--updates",  "--every",        "--variables",
                                        "--where",  "--complete", "--observe",      "--mask",
                                        "--seed",   "--config",   "--set",          "--mask-seed"};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; ++i)
        if (cli_option_named(syntax, fixed[i])->given)
            return cli_fail(session, FC_ERROR_USAGE,
                            "%s cannot be given with --resume, which goes on with the "
                            "configuration stored in the checkpoint",
                            fixed[i]);
    return FC_OK;
}

/* ---------------------------------------------------------------- what the model remembers */

static fc_status describe(train_job *job, fc_model *model)
{
    fc_status status = FC_OK;
    json_t *configuration = NULL, *provenance = NULL, *data = NULL;
    if (!model->configuration) {
        configuration = cli_configuration_json(&job->config);
        CLI_TRY(cli_json_dump(job->session, configuration, &model->configuration));
    }
    if (!model->provenance) {
        CLI_TRY(cli_data_json(job->session, job->dataset, job->options->data,
                              &job->options->reading, &data));
        provenance = json_object();
        cli_json_text(provenance, "fieldcast_version", fc_version());
        cli_json_text(provenance, "command", "fieldcast train");
        cli_json_put(provenance, "data", data);
        cli_json_count(provenance, "seed", job->config.seed);
        cli_json_text(provenance, "device", fc_engine_name(job->session->engine));
        cli_json_count(provenance, "threads", (uint64_t)fc_context_threads(job->session->context));
        CLI_TRY(cli_json_dump(job->session, provenance, &model->provenance));
    }
done:
    json_decref(configuration);
    json_decref(provenance);
    return status;
}

/* Data and threads of the checkpoint against those of now. */
static fc_status check_provenance(train_job *job, const json_t *provenance)
{
    const json_t *threads = json_object_get(provenance, "threads");
    int now = fc_context_threads(job->session->context);
    if (threads && json_integer_value(threads) != now)
        cli_note(job->session,
                 "the training began with %d threads and goes on with %d: the result will differ "
                 "in rounding",
                 (int)json_integer_value(threads), now);
    return cli_data_compare(job->session, json_object_get(provenance, "data"), job->dataset,
                            job->options->data);
}

/* The data, in memory or left in its file, and the limit of memory that goes with it. */
static fc_status open_data(train_job *job, const fc_read_config *reading)
{
    fc_status status;
    size_t memory = 0;
    CLI_TRY(cli_memory_parse(job->session, "--memory", job->options->memory, &memory));
    CLI_TRY(cli_data_open(job->session, job->options->data, reading, &memory, &job->dataset));
    job->config.memory = memory;
    if (job->dataset->reader.read)
        cli_note(
            job->session,
            "%s: is read in blocks; training may take %.0f MB of memory, besides a cache of an "
            "eighth of the limit",
            job->options->data, 1e-6 * (double)memory);
done:
    return status;
}

/* Reads the checkpoint, and the data as it was read then. */
static fc_status prepare_resumed(train_job *job)
{
    fc_status status;
    cli_session *session = job->session;
    const char *path = job->options->resume;
    bool unfinished = false;
    json_t *provenance = NULL;
    CLI_TRY(cli_guard(session, path));
    LIB_TRY(session,
            fc_model_read(session->context, path, &job->saved, &job->saved_state, &unfinished));
    if (!unfinished) {
        status = cli_fail(session, FC_ERROR_DATA,
                          "%s: its training is finished; only a checkpoint can be resumed", path);
        goto done;
    }
    if (!job->saved_state.model)
        job->saved_state.model = job->saved;
    provenance = json_loads(job->saved->provenance ? job->saved->provenance : "{}", 0, NULL);
    const json_t *data = json_object_get(provenance, "data");
    CLI_TRY(cli_configuration_parse(session, &job->config, job->saved->configuration, path));
    const fc_read_config reading = cli_data_config(data);
    CLI_TRY(open_data(job, &reading));
    CLI_TRY(check_provenance(job, provenance));
done:
    json_decref(provenance);
    return status;
}

/* Reads the data and turns --until into the file's own time. */
static fc_status prepare_new(train_job *job)
{
    fc_status status;
    const train_options *options = job->options;
    fc_context *context = job->session->context;
    CLI_TRY(open_data(job, &options->reading));
    if (options->until)
        LIB_TRY(job->session,
                fc_time_parse(context, &job->dataset->time, options->until, &job->config.until));
    size_t longest = 0, every = job->config.every;
    for (size_t s = 0; s < job->dataset->sequence_count; ++s) {
        size_t frames = (job->dataset->sequences[s].frame_count + every - 1) / every;
        longest = frames > longest ? frames : longest;
    }
    if (longest < 2)
        status = cli_fail(job->session, FC_ERROR_DATA,
                          "%s: holds one frame only; how a field evolves can be learned from two "
                          "or more frames of a sequence (a file a time step can be joined along "
                          "time, for example with ncrcat)",
                          options->data);
done:
    return status;
}

/* ---------------------------------------------------------------- training */

static fc_status write_checkpoint(train_job *job)
{
    fc_status status;
    fc_training_state state = fc_training_get_state(job->training);
    CLI_TRY(describe(job, state.model));
    LIB_TRY(job->session,
            fc_model_write(job->session->context, job->options->model, state.model, &state));
    job->checkpoint = cli_seconds();
    job->written = true;
done:
    return status;
}

static void report(train_job *job)
{
    fc_training_report now = fc_training_get_report(job->training);
    cli_report line = {
        .stage = "dynamics", .share = now.share, .loss = now.loss, .validation = now.validation};
    cli_progress_report(&job->progress, &line);
}

/* Slices until training has ended; an interrupted one is saved. */
static fc_status run_slices(train_job *job)
{
    fc_status status = FC_OK;
    bool done = false;
    CLI_TRY(write_checkpoint(job)); /* the decoder alone took its time */
    while (!done) {
        status = fc_training_run(job->training, slice_seconds, &done);
        if (status == FC_INTERRUPTED) {
            fc_status saved = write_checkpoint(job);
            return saved == FC_OK ? FC_INTERRUPTED : saved;
        }
        LIB_TRY(job->session, status);
        report(job);
        if (!done && cli_seconds() - job->checkpoint >= job->options->checkpoint_seconds)
            CLI_TRY(write_checkpoint(job));
    }
done:
    return status;
}

static fc_status train(train_job *job)
{
    fc_status status;
    fc_context *context = job->session->context;
    fc_context_set_progress(context, cli_progress_callback, &job->progress);
    status = fc_training_create(context, job->dataset, &job->config,
                                job->options->resume ? &job->saved_state : NULL, &job->training);
    fc_context_set_progress(context, NULL, NULL);
    if (status == FC_ERROR_DATA && job->dataset->reader.read)
        return cli_fail(job->session, status, "%s: %s", job->options->data,
                        fc_context_message(context));
    LIB_TRY(job->session, status);
    CLI_TRY(run_slices(job));
done:
    return status;
}

/* The finished model, and what is worth knowing about it. */
static fc_status deliver(train_job *job)
{
    fc_status status;
    fc_training_report now = fc_training_get_report(job->training);
    fc_model *model = fc_training_take_model(job->training);
    CLI_TRY(describe(job, model));
    LIB_TRY(job->session, fc_model_write(job->session->context, job->options->model, model, NULL));
    cli_note(job->session, "wrote %s: %zu codes, decoder error %.3g (mean square), trained %.0f s",
             job->options->model, now.codes, now.floor, now.seconds);
done:
    fc_model_destroy(model);
    return status;
}

static fc_status run_job(train_job *job, const cli_syntax *syntax)
{
    fc_status status;
    const train_options *options = job->options;
    cli_session *session = job->session;
    CLI_TRY(options->resume ? refuse_changes(session, syntax) : resolve_configuration(job, syntax));
    CLI_TRY(cli_output_check(session, options->model));
    CLI_TRY(cli_start(session, options->threads));
    CLI_TRY(cli_device_use(session, &options->device, syntax));
    if (!options->resume)
        LIB_TRY(session, fc_train_config_validate(session->context, &job->config));
    CLI_TRY(options->resume ? prepare_resumed(job) : prepare_new(job));
    CLI_TRY(cli_progress_start(session, &job->progress, options->quiet, true, options->log));
    status = train(job);
    fc_status finished = cli_progress_finish(session, &job->progress);
    if (status == FC_INTERRUPTED)
        cli_note(session,
                 job->written ? "interrupted; 'fieldcast train %s -o %s --resume %s' goes on"
                              : "interrupted before there was anything to save",
                 options->data, options->model, options->model);
    CLI_TRY(status);
    CLI_TRY(finished);
    CLI_TRY(deliver(job));
done:
    return status;
}

/* ---------------------------------------------------------------- command */

static const char examples[] =
    "  fieldcast train train.nc -o model.h5 --minutes 5 --train-frames 10\n"
    "  fieldcast train sst.nc -o sst.h5 --variables surface_temperature --until 2009-10-01\n"
    "  fieldcast train train.nc -o model.h5 --codes 100 --set field.rank=512 --log train.jsonl\n"
    "  fieldcast train train.nc -o sparse.h5 --observe 0.05\n"
    "  fieldcast train train.nc -o model.h5 --device cuda:0 --set field.kind=bilinear\n"
    "  fieldcast train train.nc -o model.h5 --resume model.h5\n";

fc_status cli_train(cli_session *session, int argc, char **argv)
{
    train_options o = {.checkpoint_seconds = 10.0};
    o.train = fc_train_config_default();
    bool helped;
    cli_option options[] = {
        CLI_OPT_ARGUMENT("DATA", &o.data, "data file to learn from"),
        CLI_OPT_OUTPUT("MODEL", &o.model, "model file to write; the checkpoint until then"),
        CLI_OPT_COUNT("--codes", "C", &o.codes, 0, 65536, "size of the code; 0 = chosen"),
        CLI_OPT_REAL("--minutes", "M", &o.train.minutes, 0, 1e6, "time budget of the training"),
        CLI_OPT_COUNT("--updates", "N", &o.updates, 1, 1e12,
                      "budget in updates of the dynamics, in place of --minutes"),
        CLI_OPT_REAL("--observe", "F", &o.train.mask.share, 1e-9, 1,
                     "share of the points that is observed, drawn at random: nothing else is seen"),
        CLI_OPT_CHOICE("--mask", "shared|sequence|frame", &o.mask,
                       "whether these are the same points in all frames (the default), others in "
                       "every sequence, or others in every frame"),
        CLI_OPT_SEED("--mask-seed", &o.train.mask.seed,
                     "of these points; the same seed, the same points in all files"),
        CLI_OPT_COUNT("--every", "N", &o.train.every, 1, 1e9, "learn from every N-th frame only"),
        CLI_OPT_COUNT("--train-frames", "N", &o.train.train_frames, 0, 1e9,
                      "frames of each sequence to learn from; 0 = all"),
        CLI_OPT_TEXT("--until", "TIME", &o.until,
                     "learn from times before this only: a date or a number"),
        CLI_OPT_READING(&o.reading, "variables of the file to learn, or expressions of them as in "
                                    "level=depth+elevation"),
        CLI_OPT_COUNT("--window", "N", &o.train.window, 0, 1e9,
                      "frames of a training sequence cut from a long record; 0 = all"),
        CLI_OPT_SEED("--seed", &o.train.seed, "of everything random"),
        CLI_OPT_THREADS(&o.threads),
        CLI_OPT_TEXT("--memory", "SIZE", &o.memory,
                     "most memory to take, as 2G: data that does not fit stays in its file and is "
                     "read in blocks; by default half of what is free"),
        CLI_OPT_DEVICE(&o.device),
        CLI_OPT_TEXT("--resume", "MODEL", &o.resume, "go on from this checkpoint"),
        CLI_OPT_REAL("--checkpoint-seconds", "S", &o.checkpoint_seconds, 0, 1e9,
                     "time between checkpoints"),
        CLI_OPT_TEXT("--config", "FILE.yaml", &o.config, "configuration, keys as below"),
        CLI_OPT_TEXTS("--set", "KEY=VALUE", &o.set, "one key of it; may be repeated"),
        CLI_OPT_TEXT("--log", "FILE.jsonl", &o.log, "append a JSON line for each report"),
        CLI_OPT_FLAG("--quiet", &o.quiet, "no progress on stderr"),
    };
    const cli_syntax syntax = {.usage = "DATA -o MODEL [options]",
                               .summary = "learn a model from observed fields",
                               .examples = examples,
                               .count = sizeof options / sizeof options[0],
                               .options = options};
    fc_status status = cli_parse(session, &syntax, argc, argv, &helped);
    if (helped) {
        printf("\nKeys of --config and --set, with their defaults\n");
        cli_configuration_print(stdout);
    }
    if (status != FC_OK || helped)
        return status;
    train_job job = {.session = session, .options = &o};
    status = run_job(&job, &syntax);
    fc_training_destroy(job.training);
    if (job.saved_state.model != job.saved)
        fc_model_destroy(job.saved_state.model);
    fc_training_state_clear(&job.saved_state);
    fc_model_destroy(job.saved);
    fc_dataset_destroy(job.dataset);
    return status;
}
