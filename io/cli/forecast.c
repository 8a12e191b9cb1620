#include "io/cli/csv.h"
#include "io/cli/data_source.h"
#include "io/cli/device.h"
#include "io/cli/format.h"
#include "io/cli/query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct forecast_options {
    const char *model, *observations, *output, *observed;
    const char *times, *at, *grid, *points, *like;
    fc_read_config reading;
    cli_device device;
    fc_forecast_config config;
    double observe;
    size_t from, threads;
    bool from_given, fill;
    int method, format;
} forecast_options;

typedef struct forecast_job {
    cli_session *session;
    const forecast_options *options;
    fc_model *model;
    fc_dataset *observations;
    size_t from;      /* frame that is encoded */
    fc_points points; /* where */
    size_t time_count;
    double *times; /* when: axis times, or times after the observed frame */
    bool absolute;
    fc_dataset *forecast, *deviation;
    size_t failed;
} forecast_job;

/* ---------------------------------------------------------------- what is asked */

static fc_status check_options(const cli_session *session, forecast_options *o)
{
    if ((o->times != NULL) + (o->at != NULL) + o->fill != 1)
        return cli_fail(session, FC_ERROR_USAGE, "one of --times, --at and --fill must be given");
    if (o->fill && (o->from_given || o->observed || o->observe < 1.0))
        return cli_fail(session, FC_ERROR_USAGE,
                        "--fill takes every frame as it is, without --from-frame, --observe and "
                        "--save-observed");
    if ((o->grid != NULL) + (o->points != NULL) + (o->like != NULL) > 1)
        return cli_fail(session, FC_ERROR_USAGE,
                        "only one of --grid, --points and --like can be given");
    return cli_format_choose(session, o->output, &o->format);
}

/* The observed frame: --from-frame, else the last of a record and the first of other sequences. */
static fc_status choose_frame(forecast_job *job)
{
    const fc_dataset *dataset = job->observations;
    job->from = job->options->from;
    if (!job->options->from_given && dataset->record)
        job->from = dataset->sequences[0].frame_count - 1;
    for (size_t s = 0; s < dataset->sequence_count; ++s)
        if (job->from >= dataset->sequences[s].frame_count)
            return cli_fail(job->session, FC_ERROR_USAGE,
                            "--from-frame %zu: sequence %zu of %s has frames 0 to %zu", job->from,
                            s, job->options->observations, dataset->sequences[s].frame_count - 1);
    return FC_OK;
}

static double start_of(const forecast_job *job, size_t sequence)
{
    return job->observations->sequences[sequence].frames[job->from].time;
}

static fc_status choose_times(forecast_job *job)
{
    fc_status status;
    const forecast_options *o = job->options;
    job->absolute = o->at != NULL;
    CLI_TRY(o->at ? cli_query_dates(job->session, &job->observations->time, o->at, &job->time_count,
                                    &job->times)
                  : cli_query_times(job->session, o->times, &job->time_count, &job->times));
    for (size_t s = 0; s < job->observations->sequence_count; ++s) {
        double start = start_of(job, s), first = job->times[0] + (job->absolute ? 0.0 : start);
        if (first < start)
            return cli_fail(job->session, FC_ERROR_USAGE,
                            "%s %s: time %g lies before the observation of sequence %zu at %g",
                            o->at ? "--at" : "--times", o->at ? o->at : o->times, first, s, start);
    }
done:
    return status;
}

static fc_status choose_points(forecast_job *job)
{
    fc_status status;
    const forecast_options *o = job->options;
    cli_session *session = job->session;
    const fc_domain *domain = &job->model->domain;
    const fc_dataset *source = job->observations;
    fc_dataset *like = NULL;
    if (o->grid) {
        CLI_TRY(cli_query_grid(session, domain, o->grid, &job->points));
    } else if (o->points) {
        CLI_TRY(cli_query_table(session, domain, o->points, &job->points));
    } else {
        if (o->like) {
            CLI_TRY(cli_data_read(session, o->like, NULL, &like));
            source = like;
        }
        if (source->domain.dims != domain->dims)
            CLI_TRY(cli_fail(session, FC_ERROR_DATA, "%s: has %zu coordinates, the model has %zu",
                             o->like, source->domain.dims, domain->dims));
        size_t first = source == like ? 0 : source->sequences[0].frames[job->from].points;
        CLI_TRY(cli_points_copy(session, domain->dims, &source->points[first], &job->points));
    }
    LIB_TRY(session, fc_domain_check(session->context, domain,
                                     o->points ? o->points
                                     : o->like ? o->like
                                               : "query points",
                                     1e-6, job->points.count, job->points.coordinates));
done:
    fc_dataset_destroy(like);
    return status;
}

/* ---------------------------------------------------------------- observations */

static fc_status thin_observations(forecast_job *job)
{
    const fc_mask mask = {.share = job->options->observe,
                          .kind = FC_MASK_SEQUENCE,
                          .seed = job->options->config.seed};
    fc_dataset *dataset = job->observations;
    size_t channels = dataset->channel_count;
    bool *seen;
    fc_status status =
        cli_allocate(job->session, fc_dataset_max_points(dataset), sizeof *seen, &seen);
    for (size_t s = 0; s < dataset->sequence_count && status == FC_OK; ++s) {
        fc_frame *frame = &dataset->sequences[s].frames[job->from];
        const fc_points *points = &dataset->points[frame->points];
        status =
            cli_library(job->session, fc_mask_points(job->session->context, &mask, &dataset->domain,
                                                     points, s, job->from, seen, NULL));
        for (size_t i = 0; i < points->count * channels && status == FC_OK; ++i)
            if (!seen[i / channels])
                frame->values[i] = NAN;
    }
    free(seen);
    return status;
}

/* A view of some sequences, cut to the observed frame: shares everything with the dataset. */
static fc_dataset view_of(const fc_dataset *dataset, fc_sequence *sequences, size_t count)
{
    fc_dataset view = *dataset;
    view.sequences = sequences;
    view.sequence_count = count;
    return view;
}

/* Writes the values that the forecast starts from as CSV. */
static fc_status save_observed(forecast_job *job)
{
    fc_sequence *cut;
    const fc_dataset *dataset = job->observations;
    fc_status status = cli_allocate(job->session, dataset->sequence_count, sizeof *cut, &cut);
    if (status != FC_OK)
        return status;
    for (size_t s = 0; s < dataset->sequence_count; ++s)
        cut[s] =
            (fc_sequence){.frame_count = 1, .frames = &dataset->sequences[s].frames[job->from]};
    fc_dataset view = view_of(dataset, cut, dataset->sequence_count);
    status = cli_csv_write(job->session, job->options->observed, &view, NULL);
    free(cut);
    return status;
}

/* ---------------------------------------------------------------- forecast */

/* Appends the sequences of `part` to `whole`, or hands the first part over. */
static fc_status append(forecast_job *job, fc_dataset **whole, fc_dataset **part)
{
    fc_status status = FC_OK;
    fc_context *context = job->session->context;
    double *times = NULL;
    if (!*whole) {
        *whole = *part;
        *part = NULL;
        return FC_OK;
    }
    size_t values = (*whole)->points[0].count * (*whole)->channel_count;
    CLI_TRY(cli_allocate(job->session, job->time_count, sizeof *times, &times));
    for (size_t s = 0; s < (*part)->sequence_count; ++s) {
        const fc_sequence *from = &(*part)->sequences[s];
        fc_sequence *to;
        for (size_t f = 0; f < from->frame_count; ++f)
            times[f] = from->frames[f].time;
        LIB_TRY(job->session,
                fc_dataset_add_sequence(context, *whole, from->frame_count, times, NULL, &to));
        for (size_t f = 0; f < from->frame_count; ++f)
            memcpy(to->frames[f].values, from->frames[f].values, values * sizeof(float));
    }
done:
    free(times);
    return status;
}

static void note_failures(forecast_job *job, size_t first, size_t count,
                          const fc_integration *integrations)
{
    for (size_t s = 0; s < count; ++s)
        if (integrations[s].status != FC_OK) {
            ++job->failed;
            cli_note(job->session, "sequence %zu: %s", first + s, integrations[s].message);
        }
}

/* Forecasts `count` sequences from `first` on, whose observed frames have one time. */
static fc_status forecast_group(forecast_job *job, size_t first, size_t count)
{
    fc_status status;
    cli_session *session = job->session;
    fc_dataset *forecast = NULL, *deviation = NULL;
    fc_integration *integrations = NULL;
    double *times = NULL;
    fc_dataset view = view_of(job->observations, job->observations->sequences + first, count);
    CLI_TRY(cli_allocate(session, count, sizeof *integrations, &integrations));
    CLI_TRY(cli_allocate(session, job->time_count, sizeof *times, &times));
    for (size_t i = 0; i < job->time_count; ++i)
        times[i] = job->times[i] + (job->absolute ? 0.0 : start_of(job, first));
    status = fc_model_forecast(session->context, job->model, &view, job->from, job->time_count,
                               times, &job->points, &job->options->config, &forecast,
                               job->options->config.deviation ? &deviation : NULL, integrations);
    LIB_TRY(session, status);
    note_failures(job, first, count, integrations);
    CLI_TRY(append(job, &job->forecast, &forecast));
    if (deviation)
        CLI_TRY(append(job, &job->deviation, &deviation));
done:
    fc_dataset_destroy(forecast);
    fc_dataset_destroy(deviation);
    free(integrations);
    free(times);
    return status;
}

/* Times after the observed frame differ between sequences that were observed at different times. */
static fc_status forecast_all(forecast_job *job)
{
    fc_status status = FC_OK;
    size_t total = job->observations->sequence_count;
    for (size_t first = 0, next; first < total && status == FC_OK; first = next) {
        for (next = first + 1; next < total; ++next)
            if (!job->absolute && start_of(job, next) != start_of(job, first))
                break;
        status = forecast_group(job, first, next - first);
    }
    return status;
}

/* Every frame of the observations with its gaps filled. */
static fc_status fill_all(forecast_job *job)
{
    const fc_forecast_config *config = &job->options->config;
    job->time_count = job->observations->sequences[0].frame_count;
    return cli_library(job->session,
                       fc_model_fill(job->session->context, job->model, job->observations,
                                     &job->points, config, &job->forecast,
                                     config->deviation ? &job->deviation : NULL));
}

/* ---------------------------------------------------------------- output */

/* Time of the observed frame, NaN where it differs between sequences. */
static double common_start(const forecast_job *job)
{
    for (size_t s = 1; s < job->observations->sequence_count; ++s)
        if (start_of(job, s) != start_of(job, 0))
            return NAN;
    return start_of(job, 0);
}

static fc_status write_file(forecast_job *job)
{
    fc_status status;
    const forecast_options *o = job->options;
    char *text = NULL;
    json_t *attributes = json_object();
    cli_json_text(attributes, "title", "forecast");
    cli_json_text(attributes, "source", "fieldcast forecast");
    cli_json_text(attributes, "version", fc_version());
    cli_json_text(attributes, "model", o->model);
    cli_json_text(attributes, "observations", o->observations);
    if (!o->fill) {
        cli_json_count(attributes, "observed_frame", job->from);
        cli_json_real(attributes, "observed_time", common_start(job));
        cli_json_real(attributes, "observed_share", o->observe);
    }
    cli_json_real(attributes, "rtol", o->config.integrator.rtol);
    cli_json_real(attributes, "atol", o->config.integrator.atol);
    cli_json_count(attributes, "seed", o->config.seed);
    if (o->config.deviation)
        cli_json_count(attributes, "members", o->config.members);
    CLI_TRY(cli_json_dump(job->session, attributes, &text));
    const cli_written written = {.path = o->output,
                                 .dataset = job->forecast,
                                 .deviation = job->deviation,
                                 .attributes = text,
                                 .forecast = true};
    CLI_TRY(cli_format_write(job->session, o->format, &written));
done:
    free(text);
    json_decref(attributes);
    return status;
}

static fc_status write_forecast(forecast_job *job)
{
    const char *path = job->options->output;
    fc_status status = write_file(job);
    if (status == FC_OK && strcmp(path, "-") != 0)
        cli_note(job->session, "wrote %s: %zu sequence%s, %zu time%s, %zu point%s", path,
                 job->forecast->sequence_count, job->forecast->sequence_count == 1 ? "" : "s",
                 job->time_count, job->time_count == 1 ? "" : "s", job->points.count,
                 job->points.count == 1 ? "" : "s");
    return status;
}

static fc_status run_job(forecast_job *job, const cli_syntax *syntax)
{
    fc_status status;
    const forecast_options *o = job->options;
    cli_session *session = job->session;
    CLI_TRY(cli_start(session, o->threads));
    CLI_TRY(cli_device_use(session, &o->device, syntax));
    CLI_TRY(cli_model_read(session, o->model, &job->model));
    CLI_TRY(
        cli_data_read_for(session, job->model, o->observations, &o->reading, &job->observations));
    CLI_TRY(choose_frame(job));
    if (!o->fill)
        CLI_TRY(choose_times(job));
    CLI_TRY(choose_points(job));
    if (o->observe < 1.0)
        CLI_TRY(thin_observations(job));
    if (o->observed)
        CLI_TRY(save_observed(job));
    CLI_TRY(o->fill ? fill_all(job) : forecast_all(job));
    CLI_TRY(write_forecast(job));
    if (job->failed)
        status = cli_fail(session, FC_ERROR_SOLVER,
                          "%zu of %zu sequences are incomplete: their later times hold no values",
                          job->failed, job->forecast->sequence_count);
done:
    return status;
}

/* ---------------------------------------------------------------- command */

static const char examples[] =
    "  fieldcast forecast model.h5 test.nc -o forecast.nc --times 0:20:0.5 --grid 256x256 --std\n"
    "  fieldcast forecast model.h5 test.nc -o - --times 1,2,5 --points stations.csv\n"
    "  fieldcast forecast sst.h5 sst.nc -o next.nc --at 2010-10-16,2010-11-16\n"
    "  fieldcast forecast model.h5 test.nc -o forecast.nc --times 0:20:1 --observe 0.05\n"
    "  fieldcast forecast sst.h5 cloudy.nc -o filled.nc --fill --std\n";

fc_status cli_forecast(cli_session *session, int argc, char **argv)
{
    forecast_options o = {.config = fc_forecast_config_default(), .observe = 1.0};
    fc_integrator_config *integrator = &o.config.integrator;
    bool helped;
    cli_option options[] = {
        CLI_OPT_ARGUMENT("MODEL", &o.model, "model file"),
        CLI_OPT_ARGUMENT("OBS", &o.observations, "data file whose frame is the observation"),
        CLI_OPT_OUTPUT("OUT", &o.output, "file to write, or - for CSV on stdout"),
        CLI_OPT_FORMAT(&o.format),
        CLI_OPT_TEXT("--times", "T", &o.times,
                     "start:stop:step or a,b,c: times after the observed frame"),
        CLI_OPT_TEXT("--at", "DATES", &o.at, "dates (or numbers of the file's time axis), a,b,c"),
        CLI_OPT_FLAG("--fill", &o.fill,
                     "in place of times: every frame of OBS itself, with its gaps filled"),
        CLI_OPT_TEXT("--grid", "NXxNY", &o.grid, "forecast on a grid over the whole domain"),
        CLI_OPT_TEXT("--points", "FILE.csv", &o.points, "at the points of a table"),
        CLI_OPT_TEXT("--like", "FILE", &o.like,
                     "at the points of another data file; by default at those of OBS"),
        CLI_OPT_COUNT("--from-frame", "N", &o.from, 0, 1e12,
                      "observed frame, from 0; by default the first, of a record the last"),
        CLI_OPT_REAL("--observe", "F", &o.observe, 1e-9, 1,
                     "share of its points that is seen, drawn at random"),
        CLI_OPT_TEXT("--save-observed", "FILE.csv", &o.observed, "write the values that were seen"),
        CLI_OPT_READING(&o.reading, "variables of OBS, or expressions of them; those of the model "
                                    "by default"),
        CLI_OPT_FLAG("--std", &o.config.deviation, "standard deviations as well"),
        CLI_OPT_COUNT("--members", "N", &o.config.members, 2, 1e6, "ensemble behind --std"),
        CLI_OPT_REAL("--rtol", "X", &integrator->rtol, 0, 1, "relative tolerance"),
        CLI_OPT_REAL("--atol", "X", &integrator->atol, 0, 1e6, "absolute tolerance"),
        CLI_OPT_CHOICE("--method", "adams|bdf", &o.method, "integrator of CVODE"),
        CLI_OPT_SEED("--seed", &o.config.seed, "of observed points and ensemble"),
        CLI_OPT_THREADS(&o.threads),
        CLI_OPT_DEVICE(&o.device),
    };
    const cli_syntax syntax = {.usage = "MODEL OBS -o OUT --times T|--at DATES|--fill [options]",
                               .summary = "forecast from observations, at any points and times",
                               .examples = examples,
                               .count = sizeof options / sizeof options[0],
                               .options = options};
    fc_status status = cli_parse(session, &syntax, argc, argv, &helped);
    if (status != FC_OK || helped)
        return status;
    o.from_given = cli_option_named(&syntax, "--from-frame")->given;
    integrator->method = o.method == 0 ? FC_ODE_ADAMS : FC_ODE_BDF;
    status = check_options(session, &o);
    if (status != FC_OK)
        return status;
    forecast_job job = {.session = session, .options = &o};
    status = run_job(&job, &syntax);
    fc_model_destroy(job.model);
    fc_dataset_destroy(job.observations);
    fc_dataset_destroy(job.forecast);
    fc_dataset_destroy(job.deviation);
    cli_points_clear(&job.points);
    free(job.times);
    return status;
}
