#include "data/trajectory.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Trajectories of which some neighbours are held at a time: those of the last sequence asked for
 * and what follows them, as sequences are mostly asked for in turn. */
typedef struct generation {
    fc_context *context; /* of the present call */
    fc__simulation simulation;
    fc__trajectories cut;
    size_t sequences, frames, count; /* frames of a sequence, values of a frame */
    void *config;
    size_t trajectories;
    size_t threads;
    void **simulators;  /* (threads) */
    size_t most;        /* trajectories held */
    size_t first, held; /* those that are */
    float *values;      /* (most, per_trajectory, frames, count) */
    uint64_t frames_done, frames_total;
    int stopped;       /* a trajectory has failed, the others need not go on */
    fc_status status;  /* of the first failure */
    size_t trajectory; /* where it happened, and when */
    double time;
} generation;

static float *frame_of(const generation *job, size_t sequence, size_t frame)
{
    size_t place = (sequence - job->first * job->cut.per_trajectory) * job->frames + frame;
    return job->values + place * job->count;
}

static void count_frame(generation *job)
{
    uint64_t done;
#pragma omp atomic capture
    done = ++job->frames_done;
    if (omp_get_thread_num() == 0)
        fc__report(job->context, "generate", done, job->frames_total, NAN);
}

static bool stopped(const generation *job)
{
    int flag;
#pragma omp atomic read
    flag = job->stopped;
    return flag != 0;
}

/* *time: how far the trajectory came. */
static fc_status run_trajectory(generation *job, void *simulator, size_t trajectory, double *time)
{
    size_t most = job->cut.per_trajectory, first = trajectory * most;
    size_t left = job->sequences - first, sequences = left < most ? left : most;
    job->simulation.start(simulator, job->config, trajectory);
    *time = 0.0;
    for (size_t s = 0; s < sequences; s++) {
        for (size_t f = 0; f < job->frames; f++) {
            double elapsed = 0.0, duration = s || f ? job->cut.interval : job->cut.burn_in;
            if (stopped(job))
                return FC_OK;
            fc_status status =
                job->simulation.advance(job->context, simulator, job->config, duration, &elapsed);
            *time += elapsed;
            if (status != FC_OK)
                return status;
            job->simulation.store(simulator, job->config, frame_of(job, first + s, f));
            count_frame(job);
        }
    }
    return FC_OK;
}

static fc_status report_failure(const generation *job)
{
    char advice[256] = "";
    if (job->status == FC_INTERRUPTED)
        return fc__fail(job->context, FC_INTERRUPTED, "%s: interrupted after %llu of %llu frames",
                        job->simulation.name, (unsigned long long)job->frames_done,
                        (unsigned long long)job->frames_total);
    job->simulation.advise(job->config, advice, sizeof advice);
    return fc__fail(job->context, job->status,
                    "%s: the solution of trajectory %zu ceased to be finite, or needed steps "
                    "without end, at time %g after its start; try %s",
                    job->simulation.name, job->trajectory, job->time, advice);
}

/* Runs as many trajectories as are held from the given one on over the threads. */
static fc_status run_from(generation *job, size_t trajectory)
{
    size_t left = job->trajectories - trajectory;
    job->first = trajectory;
    job->held = 0;
    size_t end = trajectory + (left < job->most ? left : job->most);
#pragma omp parallel for num_threads((int)job->threads) schedule(dynamic, 1)
    for (size_t i = trajectory; i < end; i++) {
        double time = 0.0;
        fc_status status = run_trajectory(job, job->simulators[omp_get_thread_num()], i, &time);
        if (status == FC_OK)
            continue;
#pragma omp critical(fc__trajectory_failure)
        if (job->status == FC_OK) {
            job->status = status;
            job->trajectory = i;
            job->time = time;
        }
#pragma omp atomic write
        job->stopped = 1;
    }
    if (job->status != FC_OK)
        return report_failure(job);
    fc__report(job->context, "generate", job->frames_done, job->frames_total, NAN);
    job->held = end - trajectory;
    return FC_OK;
}

static fc_status read_frames(void *user, fc_context *context, size_t sequence, size_t first,
                             size_t count, float *const *values)
{
    generation *job = user;
    size_t trajectory = sequence / job->cut.per_trajectory;
    if (trajectory < job->first || trajectory >= job->first + job->held) {
        job->context = context;
        fc_status status = run_from(job, trajectory);
        job->context = NULL;
        job->status = FC_OK;
        job->stopped = 0;
        if (status != FC_OK)
            return status;
    }
    for (size_t f = 0; f < count; f++)
        memcpy(values[f], frame_of(job, sequence, first + f), job->count * sizeof **values);
    return FC_OK;
}

static void release(void *user)
{
    generation *job = user;
    for (size_t t = 0; job->simulators && t < job->threads; t++)
        job->simulation.destroy(job->simulators[t]);
    free(job->simulators);
    free(job->values);
    free(job->config);
    free(job);
}

/* Some hundred megabytes of trajectories, and at least one for each thread. */
static fc_status make_job(fc_context *context, const void *config, generation *job)
{
    enum { HELD_BYTES = 1 << 28 };
    fc_status status = FC_OK;
    job->frames_total = fc__product(job->sequences, job->frames);
    job->trajectories = (job->sequences - 1) / job->cut.per_trajectory + 1;
    job->threads = (size_t)fc_context_threads(context);
    if (job->threads > job->trajectories)
        job->threads = job->trajectories;
    size_t values = fc__product(job->count, fc__product(job->frames, job->cut.per_trajectory));
    job->most = HELD_BYTES / sizeof(float) / values;
    job->most = job->most < job->threads ? job->threads : job->most;
    job->most = job->most < job->trajectories ? job->most : job->trajectories;
    FC_TRY(fc__reserve(context, job->simulation.config_size, 1, &job->config));
    memcpy(job->config, config, job->simulation.config_size);
    FC_TRY(fc__reserve(context, fc__product(job->most, values), sizeof(float), &job->values));
    FC_NEW(context, &job->simulators, job->threads);
    for (size_t t = 0; t < job->threads; t++)
        FC_TRY(job->simulation.create(context, job->config, &job->simulators[t]));
done:
    return status;
}

fc_status fc__trajectory_attach(fc_context *context, const fc__simulation *simulation,
                                const fc__trajectories *cut, const void *config,
                                fc_dataset *dataset)
{
    fc_status status = FC_OK;
    generation *job = NULL;
    FC_NEW(context, &job, 1);
    job->simulation = *simulation;
    job->cut = *cut;
    job->sequences = dataset->sequence_count;
    job->frames = dataset->sequences[0].frame_count;
    job->count = fc__product(dataset->points[0].count, dataset->channel_count);
    FC_TRY(make_job(context, config, job));
    dataset->reader =
        (fc_frame_reader){.user = job, .read = read_frames, .destroy = release, .unit = 1};
    job = NULL;
done:
    if (job)
        release(job);
    return status;
}

fc_status fc__trajectory_open(fc_context *context, const fc__simulation *simulation,
                              const fc__box_case *box, const fc__trajectories *cut,
                              const void *config, fc_dataset **dataset)
{
    fc_status status = FC_OK;
    fc_dataset *made = NULL;
    FC_TRY(fc__box_dataset(context, box, &made));
    FC_TRY(fc__trajectory_attach(context, simulation, cut, config, made));
    *dataset = made;
    made = NULL;
done:
    fc_dataset_destroy(made);
    return status;
}
