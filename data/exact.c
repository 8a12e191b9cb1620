#include "data/exact.h"

#include "data/planner.h"

#include <fftw3.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Memory of one thread. */
typedef struct room {
    fc__complex *spectrum; /* (size, size / 2 + 1) */
    double *field;         /* (size, size) */
    void *scratch;
} room;

typedef struct series {
    fc__exact_case what;
    void *config;
    fftw_plan plan;
    size_t threads;
    room *rooms; /* (threads) */
    uint64_t done;
} series;

/* values (size, size, channels) */
static void fill_frame(const series *s, size_t trajectory, double time, const room *own,
                       float *values)
{
    size_t size = s->what.box.size, channels = s->what.box.channels;
    for (size_t channel = 0; channel < channels; channel++) {
        memset(own->spectrum, 0, size * (size / 2 + 1) * sizeof *own->spectrum);
        s->what.fill(s->config, trajectory, time, channel, own->spectrum, own->scratch);
        fftw_execute_dft_c2r(s->plan, own->spectrum, own->field);
        for (size_t p = 0; p < size * size; p++)
            values[channels * p + channel] = (float)own->field[p];
    }
}

static fc_status read_frames(void *user, fc_context *context, size_t sequence, size_t first,
                             size_t count, float *const *values)
{
    series *s = user;
    const fc__box_case *box = &s->what.box;
    size_t trajectory = sequence / s->what.per_trajectory;
    size_t before = sequence % s->what.per_trajectory * box->frames + first;
    if (fc_context_interrupted(context))
        return fc__fail(context, FC_INTERRUPTED, "%s: interrupted after %llu frames", s->what.name,
                        (unsigned long long)s->done);
#pragma omp parallel for num_threads((int)s->threads) schedule(dynamic, 1)
    for (size_t f = 0; f < count; f++)
        fill_frame(s, trajectory, (double)(before + f) * box->interval,
                   &s->rooms[omp_get_thread_num()], values[f]);
    s->done += count;
    fc__report(context, "generate", s->done, fc__product(box->sequences, box->frames), NAN);
    return FC_OK;
}

static void release(void *user)
{
    series *s = user;
    for (size_t t = 0; s->rooms && t < s->threads; t++) {
        free(s->rooms[t].spectrum);
        free(s->rooms[t].field);
        free(s->rooms[t].scratch);
    }
    fc__planner_lock();
    fftw_destroy_plan(s->plan);
    fc__planner_unlock();
    free(s->rooms);
    free(s->config);
    free(s);
}

static fc_status make_rooms(fc_context *context, series *s)
{
    fc_status status = FC_OK;
    size_t size = s->what.box.size;
    FC_NEW(context, &s->rooms, s->threads);
    for (size_t t = 0; t < s->threads; t++) {
        FC_NEW(context, &s->rooms[t].spectrum, fc__product(size, size / 2 + 1));
        FC_NEW(context, &s->rooms[t].field, fc__product(size, size));
        FC_TRY(fc__allocate(context, s->what.scratch, 1, &s->rooms[t].scratch));
    }
    fc__planner_lock();
    s->plan = fftw_plan_dft_c2r_2d((int)size, (int)size, s->rooms[0].spectrum, s->rooms[0].field,
                                   FFTW_ESTIMATE);
    fc__planner_unlock();
    if (!s->plan)
        status = fc__fail(context, FC_ERROR_SOLVER, "%s: FFTW has no plan for a grid of %zu^2",
                          s->what.name, size);
done:
    return status;
}

fc_status fc__exact_open(fc_context *context, const fc__exact_case *c, const void *config,
                         fc_dataset **dataset)
{
    fc_status status = FC_OK;
    fc_dataset *made = NULL;
    series *s = NULL;
    FC_NEW(context, &s, 1);
    s->what = *c;
    s->threads = (size_t)fc_context_threads(context);
    FC_TRY(fc__reserve(context, c->config_size, 1, &s->config));
    memcpy(s->config, config, c->config_size);
    FC_TRY(make_rooms(context, s));
    FC_TRY(fc__box_dataset(context, &c->box, &made));
    made->reader = (fc_frame_reader){.user = s, .read = read_frames, .destroy = release, .unit = 1};
    s = NULL;
    *dataset = made;
done:
    if (s)
        release(s);
    return status;
}
