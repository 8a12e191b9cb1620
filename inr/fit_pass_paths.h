/* fit_pass_paths.h: what the ways through a pass share: fit_pass_shared.c for frames observed at
 * the same values, fit_pass_scattered.c for others, fit_pass_bent.c for decoders that bend. */
#ifndef FC_INR_FIT_PASS_PATHS_H
#define FC_INR_FIT_PASS_PATHS_H

#include "inr/fit_pass.h"

#include <math.h>

typedef struct fc__scattered_room fc__scattered_room; /* memory of fit_pass_scattered.c */
typedef struct fc__code_solver fc__code_solver;       /* of fit_codes.c */
typedef struct fc__bent_room fc__bent_room;           /* and of fit_pass_bent.c */

/* Mean and covariance S of frames observed at the same values (those of a frame; zero where nothing
 * is observed): all that the loss with solved codes depends on. S = F F^T with as many columns as
 * it takes to leave 1e-9 of the variance, or S itself as F where these are not far fewer. */
typedef struct fc__moments {
    size_t values, rank;
    float *mean;      /* (values) */
    double *variance; /* (values): diagonal of S */
    float *factor;    /* (values, rank) */
    bool is_factor;   /* false: factor is S */
} fc__moments;

/* Whether a pass by the covariance costs less than one by the frames. */
bool fc__moments_worth(size_t values, size_t frames);
fc_status fc__moments_create(fc_context *context, const fc__frames *frames, fc__moments **moments);
void fc__moments_destroy(fc__moments *moments);

struct fc__fit_pass {
    const fc_decoder *decoder;
    const fc__frames *frames;
    fc__code_policy policy;
    bool shared;
    size_t sample; /* points of a frame looked at, 0 = all */
    uint64_t seed; /* of that sample */
    /* shared */
    size_t seen;   /* points observed in any channel */
    size_t *point; /* (seen) */
    bool whole;    /* every value of every point is observed */
    float *room;   /* of the last run, kept for the next */
    size_t room_size;
    fc__moments *moments; /* FC__CODES_SOLVED, NULL where they are not worth it */
    /* scattered */
    fc__scattered_room *scattered;
    fc__code_solver *solver; /* FC__CODES_SOLVED */
    fc__bent_room *bent;     /* where the decoder bends, instead of all these */
};

/* Added to the diagonal of a frame's normal matrix, as a share of its mean diagonal: codes that the
 * values do not determine stay near zero. */
#define FC__CODE_RIDGE 1e-4

/* Of `total` points those looked at, and the one at place k of them: one of every stretch of equal
 * length, drawn by the pass's seed and `stream`. */
static inline size_t fc__sample_size(const fc__fit_pass *pass, size_t total)
{
    return pass->sample && pass->sample < total ? pass->sample : total;
}

static inline size_t fc__sample_point(const fc__fit_pass *pass, size_t stream, size_t total,
                                      size_t k)
{
    size_t size = fc__sample_size(pass, total);
    if (size == total)
        return k;
    fc__rng rng = fc__rng_create(pass->seed, stream);
    rng.counter = k;
    size_t point = (size_t)(((double)k + fc__rng_uniform(&rng)) * ((double)total / (double)size));
    return point < total ? point : total - 1;
}

/* The frame at place k of those of a run. */
static inline size_t fc__pass_frame(const size_t *chosen, size_t k)
{
    return chosen ? chosen[k] : k;
}

fc_status fc__shared_create(fc_context *context, fc__fit_pass *pass);
fc_status fc__shared_run(fc_context *context, fc__fit_pass *pass, size_t count,
                         const size_t *chosen, float *codes, float *code_gradient, double *loss,
                         float *gradient);

/* The same over all frames by their moments, codes solved for. */
fc_status fc__moments_run(fc_context *context, fc__fit_pass *pass, double *loss, float *gradient);

fc_status fc__scattered_create(fc_context *context, fc__fit_pass *pass);
void fc__scattered_destroy(fc__scattered_room *room);
fc_status fc__scattered_run(fc_context *context, fc__fit_pass *pass, size_t count,
                            const size_t *chosen, float *codes, float *code_gradient, double *loss,
                            float *gradient);

fc_status fc__bent_create(fc_context *context, fc__fit_pass *pass);
void fc__bent_destroy(fc__bent_room *room);
fc_status fc__bent_run(fc_context *context, fc__fit_pass *pass, size_t count, const size_t *chosen,
                       float *codes, float *code_gradient, double *loss, float *gradient);

/* Codes of frames that differ in their points (fit_codes.c): written to codes (frames, C). */
fc_status fc__code_solver_create(fc_context *context, const fc__fit_pass *pass,
                                 fc__code_solver **solver);
void fc__code_solver_destroy(fc__code_solver *solver);
fc_status fc__code_solver_run(fc_context *context, fc__code_solver *solver, size_t count,
                              const size_t *chosen, float *codes);

#endif
