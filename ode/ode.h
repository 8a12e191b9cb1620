/* ode.h: latent dynamics.
 *
 * Vector fields and their derivatives, explicit Runge-Kutta steps with the exact discrete adjoint,
 * CVODE integration, dynamics fitting, and the model (decoder + dynamics + normalisation + prior)
 * with training, encoding, forecasting and evaluation. Host memory; shapes are row-major; general
 * rules as in inr.h. Time inside the dynamics is model time: dataset time divided by the model's
 * time_scale, so that a typical frame interval is 1.
 */
#ifndef FC_ODE_H
#define FC_ODE_H

#include "inr/inr.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- vector field */

/* dz/dt = bias + A z + U[(V z + a) * (W z + d)] + M2 swish(M1 z + m1)       (DESIGN 2)
 *
 * The bilinear part is the Galerkin structure of fluid equations (operator inference, Peherstorfer
 * & Willcox 2016); the MLP takes what is left. Each part can be switched off. */
typedef struct fc_field_config {
    size_t codes;  /* C */
    bool linear;   /* A; default true */
    size_t rank;   /* R of the bilinear term, 0 = off; default 1024 */
    size_t hidden; /* width of the MLP, 0 = off; default 0 */
} fc_field_config;

FC_API fc_field_config fc_field_config_default(size_t codes);

typedef struct fc_equation fc_equation;
typedef struct fc__galerkin fc__galerkin;

typedef struct fc_field {
    fc_field_config config;
    size_t parameter_count;
    float *parameters;      /* (parameter_count); layout: fc_field_layout */
    fc_equation *equation;  /* the field is this equation's instead, NULL = it is not */
    fc__galerkin *galerkin; /* its projection on the decoder's basis */
} fc_field;

/* Offsets into parameters; a part that is off has no room. W follows V directly and d follows a, so
 * that [V; W] (2R, C) and [a; d] (2R) serve as one. */
typedef struct fc_field_layout {
    size_t bias; /* (C) */
    size_t a;    /* A (C, C) */
    size_t v;    /* V (R, C) */
    size_t va;   /* a (R) */
    size_t w;    /* W (R, C) */
    size_t wd;   /* d (R) */
    size_t u;    /* U (C, R) */
    size_t m1;   /* M1 (hidden, C) */
    size_t m1b;  /* m1 (hidden) */
    size_t m2;   /* M2 (C, hidden) */
    size_t count;
} fc_field_layout;

FC_API fc_field_layout fc_field_layout_of(const fc_field_config *config);

/* Starts with A = bias = M2 = 0, V, W ~ U(+-1.7/sqrt C), U ~ U(+-0.1/sqrt R), a, d ~ U(+-0.5),
 * M1 ~ U(+-sqrt(3/C)), m1 = 0. */
FC_API FC_NODISCARD fc_status fc_field_create(fc_context *context, const fc_field_config *config,
                                              uint64_t seed, fc_field **field);
FC_API void fc_field_destroy(fc_field *field);

/* Floats (or doubles) of scratch that eval, jvp and vjp need for a batch. */
FC_API size_t fc_field_work_size(const fc_field_config *config, size_t batch);

/* dz = f(z). One thread; the caller divides batches. `parameters` as laid out above, in the
 * precision of the call. */
FC_API void fc_field_eval(const fc_field_config *config, const float *parameters, size_t batch,
                          const float *z, /* (batch, C) */
                          float *dz,      /* (batch, C) */
                          float *work);
FC_API void fc_field_eval_double(const fc_field_config *config, const double *parameters,
                                 size_t batch, const double *z, double *dz, double *work);

/* dz_dot = (df/dz) z_dot, evaluated at z. */
FC_API void fc_field_jvp(const fc_field_config *config, const float *parameters, size_t batch,
                         const float *z, const float *z_dot, float *dz_dot, float *work);
FC_API void fc_field_jvp_double(const fc_field_config *config, const double *parameters,
                                size_t batch, const double *z, const double *z_dot, double *dz_dot,
                                double *work);

/* Adds to z_bar and parameter_bar the gradients of <dz_bar, f(z)>; either may be NULL. */
FC_API void fc_field_vjp(const fc_field_config *config, const float *parameters, size_t batch,
                         const float *z, const float *dz_bar, float *z_bar, float *parameter_bar,
                         float *work);
FC_API void fc_field_vjp_double(const fc_field_config *config, const double *parameters,
                                size_t batch, const double *z, const double *dz_bar, double *z_bar,
                                double *parameter_bar, double *work);

/* ---------------------------------------------------------------- learned equations */

/* A linear functional of a channel u: the Fourier multiplier |kappa|^order a(kappa / |kappa|), with
 * kappa the wave vector in radians per unit of the axes. FC_ANGLE_X of order 1 is du/dx,
 * FC_ANGLE_ONE of order 2 is -lap u, FC_ANGLE_X of order -1 the x derivative of the solution of
 * -lap p = u. On one axis there are FC_ANGLE_ONE and FC_ANGLE_X. At kappa = 0 it is 1 for order 0,
 * else 0. */
typedef enum fc_angle {
    FC_ANGLE_ONE,
    FC_ANGLE_X,   /* i cos, i kappa_x / |kappa| */
    FC_ANGLE_Y,   /* i sin */
    FC_ANGLE_COS, /* cos of twice the angle */
    FC_ANGLE_SIN
} fc_angle;
typedef struct fc_symbol {
    size_t channel;
    int order;
    fc_angle angle;
} fc_symbol;

/* coefficient times a symbol, or a product of two, in the rate of change of a channel. */
typedef struct fc_term {
    size_t channel;
    size_t factors; /* 1 or 2 */
    fc_symbol factor[2];
    double coefficient;
} fc_term;

/* du/dt = forcing(x) + sum of terms, an equation in normalised values and model time that a
 * translation of u changes by its forcing alone. It is found from data: see fc_equation_config. */
struct fc_equation {
    size_t dims, channels; /* 1 or 2 periodic axes */
    double length[2];      /* of the axes */
    size_t wave_count;
    int *waves; /* (wave_count, dims) of each pair +-k one */
    size_t term_count;
    fc_term *terms;
    double *forcing; /* (channels, wave_count, 2) real and imaginary part of the coefficients w,
                        forcing = w(0) + 2 Re sum w(k) exp(i k . angle) */
};

/* How an equation is found. All linear terms of the orders below and all products of two symbols
 * are candidates; their coefficients solve a nonlinear least-squares problem, whose residual is
 * that of forecasts over one interval (Gauss-Newton, the sensitivities integrated along with the
 * states), first of the largest waves alone, started from derivatives of the data interpolated in
 * time, then of waves twice, four times, ... as short, started from the last. Terms that do not
 * matter are taken out one by one, as in sparse identification (Brunton et al. 2016, PDE-FIND: Rudy
 * et al. 2017), which matches derivatives. */
typedef struct fc_equation_config {
    size_t samples;    /* intervals to learn from, fewer where waves are many; default 512 */
    size_t iterations; /* at most, of Gauss-Newton, for each range of waves; default 30 */
    int lowest;        /* order of symbols in products; default -1 */
    size_t highest;    /* of symbols in products, at most 8; default 1 */
    size_t linear;     /* highest order of linear terms, at most 8; default 4 */
    double tolerance;  /* share by which the residual may grow when terms are taken out; default
                          0.02 */
} fc_equation_config;

FC_API fc_equation_config fc_equation_config_default(void);

FC_API void fc_equation_destroy(fc_equation *equation);
/* Makes an equation, which the field then owns, its rate of change, projected on the basis of the
 * decoder (Galerkin): FC_ERROR_DATA when the decoder is not a series in the equation's waves. */
FC_API FC_NODISCARD fc_status fc_field_set_equation(fc_context *context, fc_field *field,
                                                    const fc_decoder *decoder,
                                                    fc_equation *equation);

/* ---------------------------------------------------------------- explicit Runge-Kutta pair */

typedef enum fc_rk_scheme { FC_RK_MIDPOINT, FC_RK_RK4 } fc_rk_scheme;

/* A rollout of `intervals` frame intervals, each crossed in `substeps` steps of the scheme. The
 * tape keeps every stage state, from which backward computes the exact adjoint of the discrete
 * steps. */
typedef struct fc_rk_plan {
    fc_field_config field;
    fc_rk_scheme scheme;
    size_t substeps;  /* >= 1 */
    size_t intervals; /* >= 1 */
    size_t batch;     /* >= 1 */
} fc_rk_plan;

FC_API size_t fc_rk_tape_size(const fc_rk_plan *plan); /* elements */
FC_API size_t fc_rk_work_size(const fc_rk_plan *plan); /* elements */

FC_API void fc_rk_forward(const fc_rk_plan *plan, const float *parameters,
                          const float *dt, /* (intervals, batch) lengths in model time */
                          const float *z0, /* (batch, C) */
                          float *z,        /* (intervals, batch, C) states at the frames */
                          float *tape,     /* NULL when no backward pass follows */
                          float *work);
/* Adds to z0_bar (may be NULL) and parameter_bar the gradients of sum <z_bar, z>. */
FC_API void fc_rk_backward(const fc_rk_plan *plan, const float *parameters, const float *dt,
                           const float *tape, const float *z_bar, /* (intervals, batch, C) */
                           float *z0_bar, float *parameter_bar, float *work);
FC_API void fc_rk_forward_double(const fc_rk_plan *plan, const double *parameters, const double *dt,
                                 const double *z0, double *z, double *tape, double *work);
FC_API void fc_rk_backward_double(const fc_rk_plan *plan, const double *parameters,
                                  const double *dt, const double *tape, const double *z_bar,
                                  double *z0_bar, double *parameter_bar, double *work);

/* ---------------------------------------------------------------- CVODE integration */

typedef enum fc_ode_method {
    FC_ODE_ADAMS, /* CVODE Adams, fixed-point iteration */
    FC_ODE_BDF    /* CVODE BDF, Newton with SPGMR and the analytic Jacobian-vector product */
} fc_ode_method;

typedef struct fc_integrator_config {
    fc_ode_method method; /* default FC_ODE_ADAMS */
    double rtol;          /* > 0, default 1e-4 */
    double atol;          /* >= 0 in code units, default 1e-5; both zero is an error */
    long max_steps;       /* for one call, default 100000 */
    size_t batch;         /* samples that the processor integrates as one system, default 32; an
                             engine takes as many as fit into its memory */
    double blowup; /* > 1: a sample whose |z| exceeds this many times its own largest |z0| (at
                      least 1) has failed; default 1e3 */
} fc_integrator_config;

FC_API fc_integrator_config fc_integrator_config_default(void);

typedef struct fc_integration {
    fc_status status;    /* FC_OK, FC_ERROR_SOLVER or FC_INTERRUPTED */
    int flag;            /* CVODE's return value at the failure, 0 if none */
    double reached;      /* model time up to which the trajectory is valid */
    long steps;          /* accepted steps of the system the sample was part of */
    long evaluations;    /* vector-field evaluations (and, BDF, Jacobian products) of that system */
    long error_failures; /* steps rejected by the error test */
    int last_order;      /* order of the last step */
    double last_step;
    char message[160]; /* flag by name, time, step, order, sample; "" when all is well */
} fc_integration;

/* Trajectories from z0 at model time 0, by dense output at the wanted times, which cost no extra
 * evaluation. Samples are integrated in batches under the largest of their own weighted
 * root-mean-square norms, so that each meets the tolerances as if alone. When a batch fails it is
 * divided until the failing samples stand alone; those keep what was reached before the failure
 * (entries from the first unreached time on are NaN) and their `integration` says why.
 * The call itself fails (FC_ERROR_SOLVER) only when no sample could be completed, or on bad
 * arguments; times must be >= 0 and increase within a sample. Evaluated in double when rtol < 1e-6,
 * else in float, and Jacobian products in double; by the context's engine where that takes the
 * field. */
FC_API FC_NODISCARD fc_status
fc_integrate(fc_context *context, const fc_field *field, const fc_integrator_config *config,
             size_t samples, const double *z0, /* (samples, C) */
             const size_t *time_counts,        /* (samples) */
             const double *const *times,       /* (samples) arrays of time_counts[i] */
             double *const *z,                 /* (samples) arrays (time_counts[i], C) */
             fc_integration *integrations);    /* (samples) or NULL */

/* ---------------------------------------------------------------- dynamics fitting */

/* Codes along sequences; sequence i owns frames [first[i], first[i + 1]). */
typedef struct fc_trajectories {
    size_t codes;
    size_t count;
    const size_t *first; /* (count + 1) */
    const double *times; /* (first[count]) model time */
    const float *z;      /* (first[count], C) */
} fc_trajectories;

typedef struct fc_dynamics_config {
    uint64_t updates; /* equivalent one-interval updates in all (the compute budget); the steps of
                         each phase follow from it; 0 = from `seconds` */
    double seconds;   /* wall-clock budget from which `updates` is measured at the start */
    size_t batch;     /* segments an update; default 64 */
    double rate;      /* Adam rate; default 1.2e-3 */
    double weight_decay; /* decoupled, on A and the factors; default 0 */
    size_t horizon;      /* longest rollout in intervals; default 9, clipped to the data */
    double patience;     /* stop when the validation loss has not improved for this share of the
                            budget; default 0.5 */
    double average;      /* limit of the exponential average of weights, which never spans more
                             than a hundredth of the schedule; default 0.999 */
    uint64_t seed;
} fc_dynamics_config;

FC_API fc_dynamics_config fc_dynamics_config_default(void);

/* Trains a field on trajectories by the horizon schedule of Runge-Kutta rollouts: one interval with
 * midpoint x 2 for 75 % of the compute, then RK4 x 2 over 1, 3 and `horizon` intervals. A trainer
 * holds everything that the next update depends on. */
typedef struct fc_trainer fc_trainer;

/* The state of a trainer as flat arrays, for checkpoints. Pointers belong to the trainer. */
typedef struct fc_trainer_state {
    uint64_t update;      /* updates done */
    uint64_t updates[4];  /* updates of each phase of the schedule */
    uint64_t best_update; /* update of the best validation loss */
    double best_loss;     /* INFINITY before the first validation */
    double gradient_norm; /* running norm for clipping */
    size_t parameter_count;
    float *parameters;                   /* current weights */
    float *first_moment, *second_moment; /* Adam */
    float *average;                      /* averaged weights */
    float *best;                         /* averaged weights of the best validation loss */
} fc_trainer_state;

/* `field` gives the start and receives the result of fc_trainer_finish; validation may be NULL. */
FC_API FC_NODISCARD fc_status fc_trainer_create(fc_context *context, fc_field *field,
                                                const fc_trajectories *training,
                                                const fc_trajectories *validation,
                                                const fc_dynamics_config *config,
                                                fc_trainer **trainer);
FC_API void fc_trainer_destroy(fc_trainer *trainer);
FC_API fc_trainer_state fc_trainer_get_state(const fc_trainer *trainer);
/* Copies a saved state in; FC_ERROR_DATA when the sizes differ. */
FC_API FC_NODISCARD fc_status fc_trainer_set_state(fc_trainer *trainer,
                                                   const fc_trainer_state *state);
/* Runs up to `updates` further updates; *done becomes true when the schedule has ended (or patience
 * ran out). loss: mean training loss of these updates; validation: last validation loss. */
FC_API FC_NODISCARD fc_status fc_trainer_run(fc_trainer *trainer, uint64_t updates, bool *done,
                                             double *loss, double *validation);
/* Share of the schedule's compute that is done, 0..1. */
FC_API double fc_trainer_share(const fc_trainer *trainer);
/* Copies the best averaged weights into the field. */
FC_API void fc_trainer_finish(fc_trainer *trainer);

/* ---------------------------------------------------------------- the model */

/* Mean codes over the forcing cycle: z_cycle(t) = sum_k a_k cos(2 pi k t / period) + b_k sin(...).
 * The dynamics acts on the departure from it. harmonics = 0: no cycle. */
typedef struct fc_cycle {
    double period; /* dataset time units */
    size_t harmonics;
    double *coefficient; /* (2 harmonics, C): a_1, b_1, a_2, ... */
} fc_cycle;

/* What the decoder cannot hold of a record, and how far the codes can be trusted, both by lead time
 * tau, so that a forecast
 *
 *   u(x, t0 + tau) = phi0 + Phi m + c(x) + Phi (a(tau) d(tau) + b(tau) d(0))
 *                    + rho(tau) (r(x) - c0(x))
 *
 * is the observation itself at tau = 0 and tends to the climatology phi0 + Phi m + c: m the prior's
 * mean and the cycle, d = z - m the departure of the integrated codes, r = y - phi0 - Phi z(t0) the
 * residual of the observed points, c and c0 its climatology at t0 + tau and at t0. Residuals reach
 * other points by interpolation. All of it is fitted by blocked validation in time. Normalised
 * units. */
typedef struct fc_residual {
    size_t lead_count; /* 0: none, codes alone make the forecast */
    double *lead;      /* (lead_count) model time, increasing, first 0 */
    double *departure; /* (lead_count) a, in [0, 1]: of what the dynamics makes of the departure */
    double *persistence; /* (lead_count) b, in [0, 1]: of the departure as it was */
    double *decay;       /* (lead_count, channels) rho, in [0, 1] */
    double *error;       /* (lead_count, channels) variance of the error at observed points beside
                            that of the codes (lead_variance) */
    double *variance;    /* (channels) of r - c */
    double *length;      /* (channels) of its correlation (1 - nugget) exp(-h / length) */
    double *nugget;      /* (channels) */
    size_t point_count;  /* points whose residual has a climatology, 0 where points move or frames
                            are few */
    double *coordinates; /* (point_count, dims) */
    size_t harmonics;    /* of the model's cycle in it */
    float *climate;      /* (point_count, channels, 1 + 2 harmonics): mean, a_1, b_1, ...; NaN where
                            too little was observed */
    bool still;          /* the codes keep what they have (but for a) */
    size_t modes;        /* codes that act on each other in the linear dynamics */
    double ridge;        /* of its regression */
    double *baseline;    /* (C, C) generator of the linear inverse model of all codes, the baseline
                            of evaluations; NULL where there is none */
} fc_residual;

/* Everything a forecast needs. All memory belongs to the model. */
typedef struct fc_model {
    fc_domain domain;
    fc_time_axis time;
    size_t channel_count;
    fc_channel *channels;
    double *mean, *scale; /* (channels): normalised = (value - mean) / scale */
    double time_origin;   /* dataset time of the first training frame, the cycle's phase */
    double time_scale;    /* dataset time units per unit of model time */
    size_t train_frames;  /* training horizon in frames: In-t ends here (0 for a record) */
    double horizon;       /* training horizon in dataset time units */
    bool record;          /* trained on one long record */
    fc_decoder *decoder;
    fc_prior *prior; /* of the departure from the cycle */
    double *noise;   /* (channels) unresolved variance, normalised units */
    fc_cycle cycle;
    fc_field *field;
    size_t lead_count;          /* forecast error growth, measured on validation sequences */
    double *lead_time;          /* (lead_count) model time, increasing, first 0 */
    double *lead_variance;      /* (lead_count, C) variance of the code error at that lead */
    size_t calibration_count;   /* correction of the error bars, from validation frames */
    double *calibration_values; /* (calibration_count) numbers of observed values, increasing */
    double *calibration_factor; /* (calibration_count) factor on the standard deviation */
    fc_residual residual;       /* of records */
    double floor_mse;           /* decoder floor on validation frames, normalised units */
    char *configuration;        /* the resolved configuration, JSON text */
    char *provenance;           /* JSON text: data file, command, version, seeds, history */
} fc_model;

FC_API void fc_model_destroy(fc_model *model);

/* What the dynamics is made of. An equation needs a Fourier series on one or two periodic axes (the
 * default decoder there) and independent sequences. */
typedef enum fc_field_kind {
    FC_FIELD_AUTO,     /* an equation where one is found that forecasts an interval to 1 % of the
                          mean square of persistence, else the other */
    FC_FIELD_BILINEAR, /* fc_field_config's */
    FC_FIELD_EQUATION  /* fc_equation */
} fc_field_kind;

/* How the weights of fc_field_config's field are found. */
typedef enum fc_field_method {
    FC_FIELD_DESCENT,   /* gradient descent on rollouts: fc_trainer */
    FC_FIELD_REGRESSION /* least squares of forecasts over one interval, whose products are of
                           frames drawn from the data: operator inference (Peherstorfer & Willcox
                           2016) through the flow; needs equal intervals, a linear part, no hidden
                           units */
} fc_field_method;

/* Training, from dataset to model. */
typedef struct fc_train_config {
    fc_decoder_config decoder;
    fc_fit_config fit;
    fc_field_config field; /* codes is filled in by the fit */
    bool field_auto;       /* default true: linear, rank and hidden follow from the data's size */
    fc_field_kind field_kind;     /* default FC_FIELD_AUTO */
    fc_field_method field_method; /* default FC_FIELD_DESCENT */
    double field_ridge;           /* of a regression, for features of unit size; default 1e-5 */
    fc_equation_config equation;  /* how an equation is found */
    fc_dynamics_config dynamics;
    double minutes;      /* whole budget; default 5, 0 = as `updates` says */
    fc_mask mask;        /* points to train on, as all that is ever observed; default all */
    size_t every;        /* frames to train on: every so many-th; default 1 */
    size_t train_frames; /* of these frames of each sequence the first so many; 0 = all */
    double until;        /* records: train on times before this; INFINITY = all */
    size_t window;       /* records: frames of a training window; 0 = all of it */
    double validation;   /* share held out: sequences, or the end of a record; default 0.05 */
    size_t harmonics;    /* of the cycle; default 3, used when the dataset has a cycle */
    size_t memory; /* most bytes that training may take, the dataset's points and times included,
                      the context's cache not; 0 = no limit */
    size_t fit_frames; /* frames that the decoder is fitted on, spread over the frames to train on;
                          0 = all, or as many as `memory` allows. The dynamics learns from all */
    uint64_t seed;
} fc_train_config;

FC_API fc_train_config fc_train_config_default(void);
/* Reports all faults at once in the context's message. */
FC_API FC_NODISCARD fc_status fc_train_config_validate(fc_context *context,
                                                       const fc_train_config *config);

/* A training run that can be stopped at any time, saved, and resumed bit for bit. */
typedef struct fc_training fc_training;

/* Everything besides data and configuration that a run depends on: the half-made model and the
 * trainer's state. Pointers belong to the run. */
typedef struct fc_training_state {
    fc_model *model; /* decoder, prior, ... are final before the dynamics starts */
    fc_trainer_state trainer;
    double seconds; /* training time spent so far */
} fc_training_state;

/* Fits the decoder (this is the first stage) unless `resumed` gives a saved state. Values of the
 * dataset that are not in memory are read in passes over it and stay where they are; the results do
 * not depend on where they are, only on memory and fit_frames. The dataset must outlive the run. */
FC_API FC_NODISCARD fc_status fc_training_create(fc_context *context, const fc_dataset *dataset,
                                                 const fc_train_config *config,
                                                 const fc_training_state *resumed,
                                                 fc_training **training);
FC_API void fc_training_destroy(fc_training *training);
/* One slice of work, about `seconds` long; *done when training has ended and the model is final. */
FC_API FC_NODISCARD fc_status fc_training_run(fc_training *training, double seconds, bool *done);
FC_API fc_training_state fc_training_get_state(fc_training *training);
/* What a progress line shows. */
typedef struct fc_training_report {
    double share;            /* of the schedule, 0..1 */
    double loss, validation; /* latest code-space losses, NaN before the first */
    double seconds;          /* spent */
    size_t codes;
    double floor; /* decoder MSE on validation frames, physical units */
} fc_training_report;
FC_API fc_training_report fc_training_get_report(const fc_training *training);
/* Hands the finished model over; the run may be destroyed afterwards. */
FC_API fc_model *fc_training_take_model(fc_training *training);

/* Codes of one frame of observations by the posterior. Values in physical units, NaN = not
 * observed; FC_ERROR_DATA when nothing is observed. covariance may be NULL. */
FC_API FC_NODISCARD fc_status fc_model_encode(fc_context *context, const fc_model *model,
                                              double time, size_t count, const double *coordinates,
                                              const float *values, /* (count, channels) */
                                              double *z,           /* (C) */
                                              double *covariance); /* (C, C) */

/* Fields of codes at points, physical units; standard deviations of the field of a code from its
 * covariance (C, C) with the unresolved variance added; `observed` is the number of observed values
 * behind the code (picks the calibration). An affine decoder's do not depend on the code. */
FC_API FC_NODISCARD fc_status fc_model_decode(fc_context *context, const fc_model *model,
                                              size_t count, const double *coordinates,
                                              size_t frames, const double *z, /* (frames, C) */
                                              float *values); /* (frames, count, channels) */
FC_API FC_NODISCARD fc_status fc_model_decode_std(fc_context *context, const fc_model *model,
                                                  size_t count, const double *coordinates,
                                                  size_t observed, const double *z, /* (C) */
                                                  const double *covariance,
                                                  float *deviation); /* (count, channels) */

typedef struct fc_forecast_config {
    fc_integrator_config integrator;
    size_t members; /* ensemble members behind the standard deviation; default 32 */
    bool deviation; /* compute standard deviations; default false */
    uint64_t seed;
} fc_forecast_config;

FC_API fc_forecast_config fc_forecast_config_default(void);

/* Encodes frame `from` of every sequence of `observations` and forecasts to the wanted times (in
 * dataset units; each must be >= that frame's time) at the wanted points. Results form a dataset
 * with one point set, one sequence for each input sequence, and (deviation) a second one with the
 * standard deviations. */
FC_API FC_NODISCARD fc_status fc_model_forecast(fc_context *context, const fc_model *model,
                                                const fc_dataset *observations, size_t from,
                                                size_t time_count, const double *times,
                                                const fc_points *points,
                                                const fc_forecast_config *config,
                                                fc_dataset **forecast, fc_dataset **deviation,
                                                fc_integration *integrations); /* or NULL */

/* The fields of all frames of `observations` with their gaps filled, at the wanted points: what
 * fc_model_forecast gives at each frame's own time (optimal interpolation in the codes; the
 * residual of records reaches unobserved points by interpolation). Results as there, deviation may
 * be NULL. */
FC_API FC_NODISCARD fc_status fc_model_fill(fc_context *context, const fc_model *model,
                                            const fc_dataset *observations, const fc_points *points,
                                            const fc_forecast_config *config, fc_dataset **filled,
                                            fc_dataset **deviation);

/* FC_ERROR_DATA saying what differs when a dataset cannot be used with a model (dims, axis kinds,
 * channels by name, extent of the domain). */
FC_API FC_NODISCARD fc_status fc_model_check_dataset(fc_context *context, const fc_model *model,
                                                     const fc_dataset *dataset, const char *what);

/* ---------------------------------------------------------------- evaluation */

typedef struct fc_evaluate_config {
    fc_integrator_config integrator;
    fc_mask mask;        /* what is seen of the encoded frames; default all points, and another
                            mask for every sequence, or start in a record */
    size_t every;        /* frames that exist: every so many-th of the dataset; default 1 */
    size_t start;        /* sequences: the frame that is encoded, of these; default 0 */
    size_t window;       /* sequences: frames up to that one from which its code is estimated, by a
                            Kalman filter through the dynamics; 1 (default) to start + 1 */
    double from;         /* records: score forecasts that start at or after this; -INFINITY */
    size_t lead_count;   /* records */
    const size_t *leads; /* in steps; NULL = 1, 2, 3, 6 where the record is long enough */
} fc_evaluate_config;

FC_API fc_evaluate_config fc_evaluate_config_default(void);

/* NaN marks what does not apply (no later times, all points observed, ...). Squared errors are in
 * physical units; relative L2 is the mean over frames of |error| / |truth|. Only frames after the
 * encoded one are scored. */
typedef struct fc_score {
    double mse, rel_l2;
} fc_score;
typedef struct fc_lead_score {
    size_t lead;
    double rmse, persistence_rmse, climatology_rmse;
    double lim_rmse; /* linear inverse model of the same codes */
} fc_lead_score;

typedef struct fc_evaluation {
    size_t sequences;
    fc_score in_t, out_t;   /* times within and after the training horizon, from the first frame */
    fc_score in_s, out_s;   /* points observed in the encoded frame and the others, all times */
    fc_score encode, floor; /* encoded frame; decoder with codes solved from all points */
    fc_score persistence_in_t, persistence_out_t;
    fc_score climatology_in_t, climatology_out_t;
    double sigma1, sigma2; /* coverage of the encoded field's error bars */
    double seconds_encode, seconds_integrate, seconds_decode;
    size_t lead_count;
    fc_lead_score *leads; /* (lead_count); records only */
    size_t frame_count;   /* error of sequences against lead time, from the encoded frame on */
    double *frame_time;   /* (frame_count) */
    fc_score *frame;      /* (frame_count) over all sequences */
    size_t failed;        /* sequences whose integration failed */
} fc_evaluation;

FC_API FC_NODISCARD fc_status fc_model_evaluate(fc_context *context, const fc_model *model,
                                                const fc_dataset *dataset,
                                                const fc_evaluate_config *config,
                                                fc_evaluation **evaluation);
FC_API void fc_evaluation_destroy(fc_evaluation *evaluation);

#ifdef __cplusplus
}
#endif
#endif
