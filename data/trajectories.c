#include "data/trajectories.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Trajectories of which some neighbours are held at a time: those of the last sequence asked for
 * and what follows them, as sequences are mostly asked for in turn. */
typedef struct trajectories {
    fc_context *context; /* of the present call */
    fc__flow flow;
    size_t count;
    size_t threads;
    void **solvers;     /* (threads) */
    size_t most;        /* trajectories held */
    size_t first, held; /* those that are */
    float *values;      /* (most, per_trajectory, frames, values) */
    uint64_t frames_done, frames_total;
    int stopped;       /* a trajectory has failed, the others need not go on */
    fc_status status;  /* of the first failure */
    size_t trajectory; /* where it happened, and when */
    double time;
} trajectories;

static float *frame_of(const trajectories *job, size_t sequence, size_t frame)
{
    size_t place = (sequence - job->first * job->flow.per_trajectory) * job->flow.frames + frame;
    return job->values + place * job->flow.values;
}

static void count_frame(trajectories *job)
{
    uint64_t done;
#pragma omp atomic capture
    done = ++job->frames_done;
    if (omp_get_thread_num() == 0)
        fc__report(job->context, "generate", done, job->frames_total, NAN);
}

static bool stopped(const trajectories *job)
{
    int flag;
#pragma omp atomic read
    flag = job->stopped;
    return flag != 0;
}

/* *time: how far the trajectory came. */
static fc_status run_trajectory(trajectories *job, void *solver, size_t trajectory, double *time)
{
    const fc__flow *flow = &job->flow;
    size_t first = trajectory * flow->per_trajectory, left = flow->sequences - first;
    size_t sequences = left < flow->per_trajectory ? left : flow->per_trajectory;
    flow->start(flow->user, solver, trajectory);
    *time = 0.0;
    for (size_t s = 0; s < sequences; s++) {
        for (size_t f = 0; f < flow->frames; f++) {
            double elapsed = 0.0, duration = s || f ? flow->interval : flow->burn_in;
            if (stopped(job))
                return FC_OK;
            fc_status status = flow->advance(flow->user, job->context, solver, duration, &elapsed);
            *time += elapsed;
            if (status != FC_OK)
                return status;
            flow->write(flow->user, solver, frame_of(job, first + s, f));
            count_frame(job);
        }
    }
    return FC_OK;
}

/* Runs as many trajectories as are held from the given one on over the threads. */
static fc_status run_from(trajectories *job, size_t trajectory)
{
    size_t left = job->count - trajectory;
    job->first = trajectory;
    job->held = 0;
    size_t end = trajectory + (left < job->most ? left : job->most);
#pragma omp parallel for num_threads((int)job->threads) schedule(dynamic, 1)
    for (size_t i = trajectory; i < end; i++) {
        double time = 0.0;
        fc_status status = run_trajectory(job, job->solvers[omp_get_thread_num()], i, &time);
        if (status == FC_OK)
            continue;
#pragma omp critical(fc__trajectories_failure)
        if (job->status == FC_OK) {
            job->status = status;
            job->trajectory = i;
            job->time = time;
        }
#pragma omp atomic write
        job->stopped = 1;
    }
    if (job->status == FC_ERROR_SOLVER)
        return fc__fail(job->context, FC_ERROR_SOLVER,
                        "%s: trajectory %zu ceased to be finite, or needed steps without end, at "
                        "time %g after its start; %s",
                        job->flow.name, job->trajectory, job->time, job->flow.remedy);
    if (job->status == FC_INTERRUPTED)
        return fc__fail(job->context, FC_INTERRUPTED, "%s: interrupted after %llu of %llu frames",
                        job->flow.name, (unsigned long long)job->frames_done,
                        (unsigned long long)job->frames_total);
    fc__report(job->context, "generate", job->frames_done, job->frames_total, NAN);
    job->held = end - trajectory;
    return FC_OK;
}

static fc_status read_frames(void *user, fc_context *context, size_t sequence, size_t first,
                             size_t count, float *const *values)
{
    trajectories *job = user;
    size_t trajectory = sequence / job->flow.per_trajectory;
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
        memcpy(values[f], frame_of(job, sequence, first + f), job->flow.values * sizeof **values);
    return FC_OK;
}

/* All but the flow's user. */
static void destroy(trajectories *job)
{
    if (!job)
        return;
    for (size_t t = 0; job->solvers && t < job->threads; t++)
        job->flow.destroy(job->flow.user, job->solvers[t]);
    free(job->solvers);
    free(job->values);
    free(job);
}

static void release(void *user)
{
    trajectories *job = user;
    fc__flow flow = job->flow;
    destroy(job);
    flow.release(flow.user);
}

/* Some hundred megabytes of trajectories are held, and at least one for each thread. */
fc_status fc__trajectories_reader(fc_context *context, const fc__flow *flow,
                                  fc_frame_reader *reader)
{
    enum { HELD_BYTES = 1 << 28 };
    fc_status status = FC_OK;
    trajectories *job = NULL;
    FC_NEW(context, &job, 1);
    job->flow = *flow;
    job->frames_total = fc__product(flow->sequences, flow->frames);
    job->count = (flow->sequences - 1) / flow->per_trajectory + 1;
    job->threads = (size_t)fc_context_threads(context);
    if (job->threads > job->count)
        job->threads = job->count;
    size_t values = fc__product(flow->values, fc__product(flow->frames, flow->per_trajectory));
    job->most = HELD_BYTES / sizeof(float) / values;
    job->most = job->most < job->threads ? job->threads : job->most;
    job->most = job->most < job->count ? job->most : job->count;
    FC_TRY(fc__reserve(context, fc__product(job->most, values), sizeof(float), &job->values));
    FC_NEW(context, &job->solvers, job->threads);
    for (size_t t = 0; t < job->threads; t++)
        FC_TRY(flow->create(flow->user, context, &job->solvers[t]));
    *reader = (fc_frame_reader){.user = job, .read = read_frames, .destroy = release, .unit = 1};
    job = NULL;
done:
    destroy(job);
    return status;
}
