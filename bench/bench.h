/* bench.h: what the files of fieldcast-bench share: the run, its results, the machine's limits, the
 * timer, and the problems that the cases solve. */
#ifndef FC_BENCH_BENCH_H
#define FC_BENCH_BENCH_H

#include "inr/support.h"
#include "ode/ode.h"

#include <stdio.h>

/* ---------------------------------------------------------------- the machine's limits */

typedef enum bench_limit {
    BENCH_FMA,   /* fused multiply-adds in registers, float: flop/s */
    BENCH_TRIAD, /* a = b + s c on arrays beyond the caches: bytes/s */
    BENCH_CACHE, /* reading arrays that stay in each core's second-level cache: bytes/s */
    BENCH_SGEMM, /* OpenBLAS, a 2048^3 product on each thread: flop/s */
    BENCH_LIMITS
} bench_limit;

extern const char *const bench_limit_name[BENCH_LIMITS];

/* Measures a limit with the context's threads: work (flop or bytes) and the least seconds of a few
 * repeats. */
fc_status bench_measure_limit(fc_context *context, bench_limit limit, double *work,
                              double *seconds);

/* Bytes of a core's second-level cache; 1 MiB where the system does not say. */
size_t bench_cache_size(void);
void bench_processor_name(char *name, size_t size);
size_t bench_memory_available(void); /* bytes; SIZE_MAX where the system does not say */
size_t bench_memory_resident(void);  /* bytes; 0 where the system does not say */
/* Largest resident size since the last call of bench_memory_forget_peak. */
size_t bench_memory_peak(void);
void bench_memory_forget_peak(void);

/* ---------------------------------------------------------------- timing */

typedef struct bench_timing {
    double median, min, max; /* seconds */
    size_t repeats;
} bench_timing;

/* Times `step` after a warm-up, until 0.5 s and 7 repeats have passed (5, 3, 1 repeats when one
 * takes longer than 1, 5, 20 s), or `repeats` times unless that is 0. `prepare` (may be NULL) runs
 * before each repeat, untimed. */
fc_status bench_time(fc_context *context, size_t repeats, fc_status (*prepare)(void *user),
                     fc_status (*step)(void *user), void *user, bench_timing *timing);

/* The two halves of that for another clock: whether enough has been measured, `spent` seconds in
 * `done` repeats, and the summary of `count` repeats, which it sorts. */
enum { BENCH_MOST_REPEATS = 100000 };
bool bench_enough(size_t wanted, size_t done, double spent);
void bench_timing_of(size_t count, double *seconds, bench_timing *timing);

/* ---------------------------------------------------------------- problems */

/* The sizes of all cases (problem.c has the table). */
typedef struct bench_size {
    const char *name;
    bool sphere;    /* longitude and latitude; else a periodic square */
    size_t grid[2]; /* points of training and encoding, along the axes */
    size_t channels, filters, layers, codes;
    size_t frames, scattered_frames;        /* of an epoch of decoder training */
    size_t rank, batch, horizon, sequences; /* of the dynamics and an epoch of its training */
    size_t decode_grid[2], decode_frames;
    size_t sensors, forecast_frames; /* forecasts go to `grid` */
} bench_size;

extern const bench_size bench_sizes[];
extern const size_t bench_size_count;

typedef struct bench_problem {
    const bench_size *size;
    fc_model *model;  /* random decoder; a field that turns codes slowly; prior N(0, 1) */
    fc_points grid;   /* size->grid */
    fc_points output; /* size->decode_grid */
    float *values;    /* (grid.count, channels): a field of the decoder with noise of 1 % */
} bench_problem;

fc_status bench_problem_create(fc_context *context, const bench_size *size, fc_filter_kind filter,
                               bench_problem *problem);
void bench_problem_clear(bench_problem *problem);

fc_status bench_decoder_create(fc_context *context, const bench_size *size, fc_filter_kind filter,
                               fc_decoder **decoder);

/* Points of a tensor grid over the domain, `n` along its two axes. */
fc_status bench_grid_create(fc_context *context, const fc_domain *domain, const size_t n[2],
                            fc_points *points);
fc_status bench_points_copy(fc_context *context, const fc_domain *domain, const fc_points *points,
                            fc_points *copy);
/* Moves points along the first axis, on which every number is legal: they become points that
 * nothing remembers. */
void bench_points_shift(const fc_domain *domain, fc_points *points);

/* Smooth frames of variance about 1, on the grid (flows on that of the square) or (scattered) each
 * on as many random points of its own. */
fc_status bench_frames_create(fc_context *context, const fc_domain *domain, const bench_size *size,
                              bool scattered, fc_dataset **dataset);

/* Trajectories of size->sequences sequences over size->horizon intervals, whose codes turn with
 * frequencies up to 1 radian per frame. */
typedef struct bench_codes {
    size_t *first;
    double *times;
    float *z;
    fc_trajectories trajectories; /* of these arrays */
} bench_codes;

fc_status bench_codes_turn(fc_context *context, const bench_size *size, bench_codes *codes);
void bench_codes_clear(bench_codes *codes);

/* ---------------------------------------------------------------- the run */

typedef struct bench_result {
    const char *name, *size;
    int threads;
    bench_timing time;
    double amount; /* of work in `time`, in units of rate: points, values, ... */
    const char *unit;
    double flops, bytes; /* by the formulas of README.md; 0 = none counted */
    bench_limit compute; /* the limit that flops are held against */
    char note[192];
    char keys[192]; /* more keys of the JSON line, ", \"points\": 1000" */
} bench_result;

typedef struct bench {
    fc_context *context, *single; /* all threads asked for, and one */
    size_t repeats;               /* 0 = the timer's rule */
    fc_filter_kind filter;
    const char *model_file, *data_file; /* NULL = synthetic */
    double limit[2][BENCH_LIMITS];      /* best so far, with all threads and with one */
    size_t count, room;
    bench_result *results;
} bench;

/* Keeps a result for the report at the end; counts its flops and bytes as given. */
fc_status bench_keep(bench *b, const bench_result *result);
/* What the context may keep of bases: the library's own default, and more where a case is about
 * points seen before. */
enum { BENCH_KEPT = 512 << 20 };
void bench_keep_bases(bench *b, double bytes);
/* Whether so much memory can be had; says on stderr what is skipped otherwise. */
bool bench_fits(const char *name, const char *size, double bytes);

/* Prints conditions and all results (report.c). */
void bench_report_text(const bench *b);
void bench_report_json(const bench *b);

/* A case measures one thing at one size and keeps one or more results under its name. */
typedef struct bench_case {
    const char *name, *what;
    fc_status (*run)(bench *b, const struct bench_case *which, const bench_problem *problem);
    int variant;
} bench_case;

fc_status bench_run_limit(bench *b, const bench_case *which, const bench_problem *problem);
fc_status bench_run_basis(bench *b, const bench_case *which, const bench_problem *problem);
fc_status bench_run_decode(bench *b, const bench_case *which, const bench_problem *problem);
fc_status bench_run_encode(bench *b, const bench_case *which, const bench_problem *problem);
fc_status bench_run_train_decoder(bench *b, const bench_case *which, const bench_problem *problem);
fc_status bench_run_vector_field(bench *b, const bench_case *which, const bench_problem *problem);
fc_status bench_run_train_dynamics(bench *b, const bench_case *which, const bench_problem *problem);
fc_status bench_run_forecast(bench *b, const bench_case *which, const bench_problem *problem);
fc_status bench_run_growth(bench *b, const bench_case *which, const bench_problem *problem);
fc_status bench_run_read(bench *b, const bench_case *which, const bench_problem *problem);

/* What `case->variant` means to the cases that have variants. */
enum { BENCH_SEEN, BENCH_NEW }; /* decode, forecast */
enum { BENCH_SHARED_SOLVED, BENCH_SHARED_ADAM, BENCH_SCATTERED_ADAM, BENCH_SCATTERED_SOLVED };
enum { BENCH_BATCH, BENCH_ONE };    /* vector-field */
enum { BENCH_HORIZON, BENCH_STEP }; /* train-dynamics */
enum { BENCH_READ_NATIVE, BENCH_READ_CF, BENCH_READ_PACKED };

/* Floating-point operations by the formulas of README.md. */
double bench_basis_flops(const fc_decoder_config *decoder, size_t points);
double bench_fields_flops(const fc_decoder_config *decoder, size_t points, double frames);
double bench_posterior_flops(size_t values, size_t codes);
double bench_field_flops(const fc_field_config *field);
/* One pass over frames that differ in their points, with its gradients. */
double bench_scattered_flops(const fc_decoder_config *decoder, size_t points, double frames);

/* count random codes N(0, 1) of C numbers */
fc_status bench_codes_create(fc_context *context, size_t count, size_t codes, double **z);

/* families DATA TEST [options]: error of each family of decoders against the number of codes
 * (families.c), given its arguments from its name on. Returns the program's exit code. */
int bench_families(int count, char **arguments);

/* cuda [CASE...] [options]: the steps of the CUDA engine on a device (cuda/), given its arguments
 * from its name on. Returns the program's exit code. */
int bench_cuda(int count, char **arguments);

/* solvers MODEL DATA: whether the learned field is a true ODE (solvers.c). */
fc_status bench_solvers(fc_context *context, const char *model, const char *data);

#endif
