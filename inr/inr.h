/* inr.h: the ground floor of fieldcast.
 *
 * Contexts and errors, domains and observations, the FourierNet decoder and its basis, posterior
 * encoding, and decoder fitting. Everything here works in host memory. Arrays are row-major; the
 * shape stands beside every pointer. `float` holds fields and weights, `double` holds coordinates,
 * times, covariances and everything that is solved for.
 *
 * Every function that can fail returns fc_status and leaves a message in its context; its
 * out-parameters are NULL (or untouched, for caller-owned arrays) on failure. Destroying NULL is
 * legal. A context serves one thread at a time; objects made with one context may be read by many.
 */
#ifndef FC_INR_H
#define FC_INR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define FC_API
#else
#define FC_API __attribute__((visibility("default")))
#endif
#define FC_NODISCARD __attribute__((warn_unused_result))

/* ---------------------------------------------------------------- status and context */

/* X(name, exit code of the program, text) */
#define FC_STATUS_LIST(X)                                                                          \
    X(FC_OK, 0, "success")                                                                         \
    X(FC_ERROR_USAGE, 2, "invalid argument or option")                                             \
    X(FC_ERROR_DATA, 3, "unusable data")                                                           \
    X(FC_ERROR_SOLVER, 4, "solver failure")                                                        \
    X(FC_ERROR_DEVICE, 5, "device failure")                                                        \
    X(FC_ERROR_MEMORY, 5, "out of memory")                                                         \
    X(FC_ERROR_IO, 6, "input or output failure")                                                   \
    X(FC_INTERRUPTED, 130, "interrupted")

typedef enum fc_status {
#define FC_STATUS_ENUM(name, exit_code, text) name,
    FC_STATUS_LIST(FC_STATUS_ENUM)
#undef FC_STATUS_ENUM
} fc_status;

FC_API const char *fc_version(void); /* "MAJOR.MINOR.PATCH" */
FC_API const char *fc_status_text(fc_status status);
FC_API int fc_status_exit_code(fc_status status);

/* The instructions that the kernels use: "avx512", "avx2" or "baseline" (what the compiler assumes
 * of every machine), the best that the processor offers unless the environment variable
 * FIELDCAST_SIMD names another one. NULL when it names one that does not exist here; the best is
 * used then. */
FC_API const char *fc_simd_level(void);

typedef struct fc_context fc_context;

/* threads: worker threads of every computation under this context, 0 = all processors the process
 * may use. The BLAS is asked to use one thread itself, as the library divides the work. */
FC_API FC_NODISCARD fc_status fc_context_create(int threads, fc_context **context);
FC_API void fc_context_destroy(fc_context *context);
/* 1 for NULL: a function called with a NULL context runs on the calling thread alone and leaves no
 * message, which is how parallel regions call others. */
FC_API int fc_context_threads(const fc_context *context);
FC_API const char *fc_context_message(const fc_context *context); /* last failure, "" if none */

/* Asks long work under this context to stop with FC_INTERRUPTED at its next safe point.
 * Async-signal-safe: it only sets a flag. */
FC_API void fc_context_interrupt(fc_context *context);
FC_API bool fc_context_interrupted(const fc_context *context);

/* Progress of long work: `done` of `total` units of the named stage, and the current loss (NaN
 * where there is none). Called from the calling thread only. */
typedef void fc_progress(void *user, const char *stage, uint64_t done, uint64_t total, double loss);
FC_API void fc_context_set_progress(fc_context *context, fc_progress *progress, void *user);

/* Faults of data, one call each; status FC_OK: no fault, but a reason to look. While a context has
 * someone to tell, checks of data go on after a fault that leaves the rest readable, where they
 * would otherwise fail. NULL = fail at the first. */
typedef void fc_fault_listener(void *user, fc_status status, const char *message);
FC_API void fc_context_set_fault_listener(fc_context *context, fc_fault_listener *listener,
                                          void *user);

/* Bytes that the context may keep of bases and posteriors for the next call on the same points;
 * the least recently used go first. Default 512 MiB, 0 = nothing is kept. */
FC_API void fc_context_set_cache(fc_context *context, size_t bytes);

/* A device that takes over steps of the computations under a context from the processor, such as
 * fc_cuda_engine_create's (cuda/cuda.h). NULL = the processor alone, the default. An engine serves
 * one context at a time and must outlive its use there. */
typedef struct fc_engine fc_engine;
FC_API void fc_context_set_engine(fc_context *context, const fc_engine *engine);
FC_API const char *fc_engine_name(const fc_engine *engine); /* "cuda:0"; "cpu" for NULL */
FC_API void fc_engine_destroy(fc_engine *engine);

/* ---------------------------------------------------------------- domain */

enum { FC_MAX_DIMS = 4, FC_MAX_INPUTS = 6, FC_NAME_SIZE = 64 };

typedef enum fc_axis_kind {
    FC_AXIS_PLAIN,     /* an interval [lower, upper] */
    FC_AXIS_PERIODIC,  /* [lower, upper), where upper is the same place as lower */
    FC_AXIS_LONGITUDE, /* degrees east; needs a FC_AXIS_LATITUDE beside it */
    FC_AXIS_LATITUDE   /* degrees north */
} fc_axis_kind;

typedef struct fc_axis {
    fc_axis_kind kind;
    double lower, upper; /* the extent of the data; for longitude [lower, lower + 360) is legal */
    char name[FC_NAME_SIZE];
    char units[FC_NAME_SIZE];
} fc_axis;

/* Where the points live. Axes stand in the order of the coordinates of a point. */
typedef struct fc_domain {
    size_t dims; /* 1..FC_MAX_DIMS */
    fc_axis axis[FC_MAX_DIMS];
} fc_domain;

/* Checks extents and kinds (finite, lower < upper, longitude and latitude both or neither). */
FC_API FC_NODISCARD fc_status fc_domain_validate(fc_context *context, const fc_domain *domain);

/* Number of network inputs a point becomes: one for a plain or periodic axis, three for the
 * longitude and latitude pair. */
FC_API size_t fc_domain_inputs(const fc_domain *domain);

/* Network inputs of points. A periodic axis becomes the angle 2 pi (x - lower) / (upper - lower);
 * a plain axis the same angle on a period FC_PLAIN_EXTENSION times its length, so that integer
 * filters never force the two ends together; longitude and latitude the unit vector
 * (cos lat cos lon, cos lat sin lon, sin lat), which stands after all planar inputs. */
#define FC_PLAIN_EXTENSION 1.5
FC_API void fc_domain_embed(const fc_domain *domain, size_t count,
                            const double *coordinates, /* (count, dims) */
                            double *inputs);           /* (count, inputs) */

/* FC_ERROR_DATA naming the first coordinate that is not finite or lies outside the domain (beyond
 * `slack` times the extent of a plain axis; |latitude| > 90). Periodic axes and longitudes accept
 * any finite number. `what` names the points in the message, e.g. the file. */
FC_API FC_NODISCARD fc_status fc_domain_check(fc_context *context, const fc_domain *domain,
                                              const char *what, double slack, size_t count,
                                              const double *coordinates);

/* ---------------------------------------------------------------- datasets of observations */

typedef struct fc_points {
    size_t count;
    double *coordinates;      /* (count, dims) in the units of the axes */
    size_t grid[FC_MAX_DIMS]; /* for a tensor grid its shape, slowest axis first: grid[0] belongs to
                                 the LAST axis of the domain (y, x order for axes x, y); else 0 */
} fc_points;

typedef struct fc_frame {
    double time;   /* in the units of the dataset's time axis */
    size_t points; /* index into the dataset's point sets; frames may share one */
    float
        *values; /* (count, channels); NaN = not observed; NULL = not in memory (fc_dataset_load) */
} fc_frame;

typedef struct fc_sequence {
    size_t frame_count;
    fc_frame *frames; /* times strictly increase */
} fc_sequence;

typedef struct fc_channel {
    char name[FC_NAME_SIZE];      /* variable name in the file */
    char units[FC_NAME_SIZE];     /* "1" when dimensionless */
    char long_name[FC_NAME_SIZE]; /* for titles; may be empty */
} fc_channel;

typedef struct fc_time_axis {
    char units[FC_NAME_SIZE];    /* CF: "hours since 1970-01-01", or a plain unit such as "1" */
    char calendar[FC_NAME_SIZE]; /* CF calendar, "" where units have no reference date */
    double cycle;                /* period of the forcing cycle in these units (a year for monthly
                                    records, a day for hourly ones), 0 = none known */
} fc_time_axis;

/* Where the values of a dataset come from that are not in memory. One thread at a time calls read,
 * not always the same one. */
typedef struct fc_frame_reader {
    void *user;
    /* Values of frames [first, first + count) of a sequence, one array (points, channels) each;
     * failures are told to `context`. */
    fc_status (*read)(void *user, fc_context *context, size_t sequence, size_t first, size_t count,
                      float *const *values);
    void (*destroy)(void *user);
    size_t unit; /* frames that are cheapest to read together (a chunk of the file), at least 1 */
} fc_frame_reader;

/* A set of sequences; see DESIGN 4. All memory belongs to the dataset. */
typedef struct fc_dataset {
    fc_domain domain;
    fc_time_axis time;
    size_t channel_count;
    fc_channel *channels;
    size_t points_count;
    fc_points *points;
    size_t sequence_count;
    fc_sequence *sequences;
    bool record;            /* true: one long record to be windowed; false: independent sequences */
    fc_frame_reader reader; /* read == NULL: all values are in memory */
} fc_dataset;

FC_API FC_NODISCARD fc_status fc_dataset_create(fc_context *context, const fc_domain *domain,
                                                size_t channel_count, fc_dataset **dataset);
FC_API void fc_dataset_destroy(fc_dataset *dataset);

/* Adds a point set (copied) and returns its index. grid may be NULL (scattered points). */
FC_API FC_NODISCARD fc_status fc_dataset_add_points(fc_context *context, fc_dataset *dataset,
                                                    size_t count, const double *coordinates,
                                                    const size_t *grid, size_t *index);

/* Appends a sequence. times: (frame_count); points: (frame_count) indices, or NULL = point set 0.
 * Values are allocated and set to NaN. */
FC_API FC_NODISCARD fc_status fc_dataset_add_sequence(fc_context *context, fc_dataset *dataset,
                                                      size_t frame_count, const double *times,
                                                      const size_t *points, fc_sequence **sequence);

/* The same without values, for a dataset that has a reader. */
FC_API FC_NODISCARD fc_status fc_dataset_add_unread(fc_context *context, fc_dataset *dataset,
                                                    size_t frame_count, const double *times,
                                                    const size_t *points, fc_sequence **sequence);
/* Brings frames [first, first + count) of a sequence into memory, those that are not there yet, and
 * lets them go again (which does nothing to a dataset without a reader). */
FC_API FC_NODISCARD fc_status fc_dataset_load(fc_context *context, fc_dataset *dataset,
                                              size_t sequence, size_t first, size_t count);
FC_API void fc_dataset_unload(fc_dataset *dataset, size_t sequence, size_t first, size_t count);
/* Brings all values into memory, and lets the reader and what it keeps open go. */
FC_API FC_NODISCARD fc_status fc_dataset_load_all(fc_context *context, fc_dataset *dataset);

/* Reports the first fault: no sequences, non-finite or unordered times, infinite values, a frame or
 * a channel without any value, coordinates outside the domain. `what` names the source. Frames that
 * are not in memory are taken on trust; a reader checks what it reads. */
FC_API FC_NODISCARD fc_status fc_dataset_validate(fc_context *context, const fc_dataset *dataset,
                                                  const char *what);

/* Largest number of points, and whether all frames share one point set. */
FC_API size_t fc_dataset_max_points(const fc_dataset *dataset);
FC_API bool fc_dataset_shares_points(const fc_dataset *dataset);

/* ---------------------------------------------------------------- observed part of a dataset */

typedef enum fc_mask_kind {
    FC_MASK_SHARED,   /* one mask for all frames of all sequences, and of other datasets */
    FC_MASK_SEQUENCE, /* another for every sequence */
    FC_MASK_FRAME     /* another for every frame: sensors that move */
} fc_mask_kind;

/* Which points are observed: those of a coarser grid, and of these each with probability `share`
 * (a Bernoulli mask, Yin et al. 2023). A point's draw depends on its coordinates and the seed
 * alone, so that datasets for training and for testing have the same mask, grids that share points
 * agree at them, and a smaller share of the same seed sees a part of what a larger one does. At
 * least one point is seen. */
typedef struct fc_mask {
    double share;             /* (0, 1], default 1 */
    fc_mask_kind kind;        /* default FC_MASK_SHARED */
    size_t grid[FC_MAX_DIMS]; /* shape of the coarser grid, slowest axis first as in fc_points; each
                                 number divides that of the points' own grid, or, with both ends of
                                 a plain axis on it, its intervals do. 0 = all points, default */
    uint64_t seed;
} fc_mask;

FC_API fc_mask fc_mask_default(void);
FC_API bool fc_mask_sees_all(const fc_mask *mask);

/* The points seen in a frame of a sequence; *number of them, may be NULL. FC_ERROR_USAGE for a
 * share that is none, FC_ERROR_DATA where the coarser grid is no part of the points. */
FC_API FC_NODISCARD fc_status fc_mask_points(fc_context *context, const fc_mask *mask,
                                             const fc_domain *domain, const fc_points *points,
                                             size_t sequence, size_t frame,
                                             bool *seen, /* (points) */
                                             size_t *number);

/* What a mask leaves of every `every`-th frame (>= 1, from the first on): a dataset of the points
 * seen, whose values are read when needed out of `dataset`, in memory or not, which must outlive
 * it. */
FC_API FC_NODISCARD fc_status fc_dataset_subset(fc_context *context, const fc_dataset *dataset,
                                                const fc_mask *mask, size_t every,
                                                fc_dataset **subset);

/* ---------------------------------------------------------------- decoders */

/* A decoder maps a code z to a field. There are three families.
 *
 * FC_DECODER_FOURIER: affine in the code (Yin et al. 2023, eq. 8; the multiplicative filter network
 * of Fathony et al. 2021 with a code shift in every layer):
 *
 *   h_0 = s_0(x) * (A_0 z + b_0)
 *   h_l = s_l(x) * (W_l h_{l-1} + A_l z + b_l)          l = 1..layers
 *   u   = head h_layers + bias                          s_l(x) = [sin, cos](Omega_l x)
 *
 * As nothing bends, u = phi0(x) + Phi(x) z. With layers = 0 it is a Fourier series with learned
 * modes; A_l and b_l have one block per channel, everything else is shared by the channels.
 *
 * FC_DECODER_MULTIPLICATIVE: the same, but the code also scales what a layer hands on, so that the
 * field is a polynomial of degree layers + 1 in z; B_l and g_l are blocks like A_l and b_l, and the
 * family above is B = 0, g = 1:
 *
 *   h_l = s_l(x) * ((W_l h_{l-1}) * (B_l z + g_l) + A_l z + b_l)
 *
 * FC_DECODER_SIREN: sine layers shifted by the code (Sitzmann et al. 2020; Dupont et al. 2022),
 *
 *   h_0 = sin(omega0 (W_0 e(x) + A_0 z + b_0))
 *   h_l = sin(omega0 (W_l h_{l-1} + A_l z + b_l)),   u = head h_layers + bias
 *
 * where e(x) has the sine and cosine of a periodic axis' angle, so that no seam appears, a plain
 * axis as [-1, 1], and the unit vector of longitude and latitude. All of it is shared by the
 * channels but the head.
 *
 * The last two bend: they have no basis but a tangent at each code (fc_decoder_tangent), and codes
 * are found by Gauss-Newton steps. */
typedef enum fc_decoder_family {
    FC_DECODER_FOURIER,
    FC_DECODER_SIREN,
    FC_DECODER_MULTIPLICATIVE
} fc_decoder_family;

typedef enum fc_filter_kind {
    FC_FILTER_AUTO,      /* integer filters on planar domains; with longitude and latitude random
                            ones, but harmonics for a series (layers = 0) on the whole sphere */
    FC_FILTER_INTEGER,   /* fixed whole wave numbers, lowest first; planar domains only */
    FC_FILTER_RANDOM,    /* zero, and fixed random vectors up to the bandwidth; any domain */
    FC_FILTER_TRAINABLE, /* random start, then trained like any weight */
    FC_FILTER_HARMONIC   /* spherical harmonics, lowest degrees first, whose omega is degree, order
                            and 0; longitude and latitude only */
} fc_filter_kind;

typedef struct fc_decoder_config {
    size_t codes;             /* C, >= 1 */
    size_t channels;          /* >= 1 */
    fc_decoder_family family; /* default FC_DECODER_FOURIER */
    size_t layers;            /* layers after the first, 0..16, at least 1 of a multiplicative
                                 decoder; default 0, when fitting one that bends 0 = chosen */
    size_t width;             /* SIREN: units a layer; default 0, when fitting = chosen */
    double omega0;            /* SIREN: factor of all phases; default 0, when fitting = chosen */
    size_t filters; /* frequencies a layer; its width is twice that; default 0 = chosen when
                       fitting by the error on held-out points */
    fc_filter_kind
        filter;       /* default FC_FILTER_AUTO; a multiplicative decoder's are never trained */
    double bandwidth; /* largest |Omega| of random and trainable filters, radians per input unit;
                         of harmonics the largest order, 0 = their degree; default 0 = chosen when
                         fitting */
    uint64_t seed;    /* of random filters and initial weights */
} fc_decoder_config;

FC_API fc_decoder_config fc_decoder_config_default(void);

/* Whether fields are affine in the code, so that a basis exists. */
FC_API bool fc_decoder_is_affine(const fc_decoder_config *config);
/* Number of network inputs a point becomes for this decoder: fc_domain_inputs, or the length of a
 * SIREN's e(x). */
FC_API size_t fc_decoder_inputs(const fc_decoder_config *config, const fc_domain *domain);

typedef struct fc_decoder {
    fc_decoder_config config;
    fc_domain domain;
    size_t inputs;          /* network inputs a point */
    size_t parameter_count; /* all weights, filters included */
    float *parameters;      /* (parameter_count); layout: fc_decoder_layout */
    size_t start_count;     /* where the decoder bends: codes that encoding may start from beside */
    float *starts;          /* the prior's mean (start_count, C), some of the training frames' */
} fc_decoder;

/* Offsets into parameters. Arrays of layer l follow each other for l = 0..layers. The width is
 * 2 filters, or a SIREN's own; there are as many blocks as channels, or one of a SIREN. */
typedef struct fc_decoder_layout {
    size_t omega; /* (layers + 1, filters, inputs), of a SIREN W_0 (width, inputs) */
    size_t a;     /* (layers + 1, blocks, width, C) */
    size_t b;     /* (layers + 1, blocks, width) */
    size_t w;     /* (layers, width, width) of layers 1.. */
    size_t head;  /* (channels, width) */
    size_t bias;  /* (channels) */
    size_t gate;  /* B (layers, blocks, width, C) of layers 1.., multiplicative decoders only */
    size_t gain;  /* g (layers, blocks, width), likewise */
    size_t count; /* total */
    size_t width, blocks;
} fc_decoder_layout;

FC_API fc_decoder_layout fc_decoder_layout_of(const fc_decoder_config *config, size_t inputs);

FC_API FC_NODISCARD fc_status fc_decoder_create(fc_context *context, const fc_domain *domain,
                                                const fc_decoder_config *config,
                                                fc_decoder **decoder);
FC_API void fc_decoder_destroy(fc_decoder *decoder);

/* Values u at points for several codes at once, evaluated layer by layer without forming the
 * basis: the reference, and cheaper for few codes. */
FC_API FC_NODISCARD fc_status fc_decoder_values(fc_context *context, const fc_decoder *decoder,
                                                size_t count, const double *coordinates,
                                                size_t codes_count,
                                                const float *z, /* (codes_count, C) */
                                                float *u);      /* (codes_count, count, channels) */

/* The basis: phi0 and Phi = du/dz, the decoder's Jacobian with respect to the code.
 * FC_ERROR_USAGE for a decoder that bends. */
FC_API FC_NODISCARD fc_status fc_decoder_basis(fc_context *context, const fc_decoder *decoder,
                                               size_t count, const double *coordinates,
                                               float *phi0, /* (count, channels) */
                                               float *phi); /* (count, channels, C) */

/* The tangent at a code: Phi = du/dz there, and phi0 = u(z) - Phi z, so that phi0 + Phi z' is the
 * decoder to first order in z' - z. That of an affine decoder is its basis, whatever the code. */
FC_API FC_NODISCARD fc_status fc_decoder_tangent(fc_context *context, const fc_decoder *decoder,
                                                 size_t count, const double *coordinates,
                                                 const float *z, /* (C) */
                                                 float *phi0,    /* (count, channels) */
                                                 float *phi);    /* (count, channels, C) */

/* Adds to parameter_gradient and to z_gradient (C) the gradient of L given dL/du at points for one
 * code; either may be NULL. */
FC_API FC_NODISCARD fc_status fc_decoder_values_vjp(fc_context *context, const fc_decoder *decoder,
                                                    size_t count, const double *coordinates,
                                                    const float *z,     /* (C) */
                                                    const float *u_bar, /* (count, channels) */
                                                    float *parameter_gradient, float *z_gradient);

/* The basis at a set of points, shared with the context's cache. */
typedef struct fc_basis {
    size_t count, channels, codes;
    const float *phi0; /* (count, channels) */
    const float *phi;  /* (count, channels, C) */
} fc_basis;

/* The basis from the context's cache if it has been formed before, by a decoder with the same
 * weights at the same points; else it is formed, and kept if the bound allows. It stays valid until
 * it is released, even if the context is destroyed before. */
FC_API FC_NODISCARD fc_status fc_basis_acquire(fc_context *context, const fc_decoder *decoder,
                                               size_t count, const double *coordinates,
                                               const fc_basis **basis);
FC_API void fc_basis_release(const fc_basis *basis);

/* Adds to parameter_gradient the gradient of L given dL/dphi0 and dL/dPhi at the same points
 * (reverse mode through the multiplicative layers). The filters' part is computed only for
 * FC_FILTER_TRAINABLE, as the others are fixed. */
FC_API FC_NODISCARD fc_status fc_decoder_basis_vjp(fc_context *context, const fc_decoder *decoder,
                                                   size_t count, const double *coordinates,
                                                   const float *phi0_bar, /* (count, channels) */
                                                   const float *phi_bar,  /* (count, channels, C) */
                                                   float *parameter_gradient);

/* Gradient and Laplacian of u at points for one code. Planar axes: in the units of the axes.
 * Longitude and latitude: eastward and northward derivative and the Laplace-Beltrami operator on
 * the unit sphere, per radian (multiply by 1/R and 1/R^2 for a sphere of radius R); undefined at
 * the poles themselves, where it is evaluated 1e-9 rad beside them. NULL = not wanted.
 * FC_ERROR_USAGE for a decoder that bends. */
FC_API FC_NODISCARD fc_status fc_decoder_derivatives(fc_context *context, const fc_decoder *decoder,
                                                     size_t count, const double *coordinates,
                                                     const float *z,  /* (C) */
                                                     float *gradient, /* (count, channels, dims) */
                                                     float *laplacian); /* (count, channels) */

/* Change of code coordinates z_old = offset + transform z_new, absorbed by A and b (B and g), so
 * that the decoded fields stay the same. new_codes may be smaller than C. */
FC_API FC_NODISCARD fc_status fc_decoder_change_codes(fc_context *context, fc_decoder *decoder,
                                                      size_t new_codes,
                                                      const double *transform, /* (C, new_codes) */
                                                      const double *offset);   /* (C) */

/* ---------------------------------------------------------------- posterior encoding */

/* Gaussian prior N(mean, covariance) of the codes, with covariance = factor factor^T. */
typedef struct fc_prior {
    size_t codes;
    double *mean;       /* (C) */
    double *covariance; /* (C, C) */
    double *factor;     /* (C, C), lower triangular */
} fc_prior;

/* Mean and covariance of codes (count, C); `floor` times the mean variance is added to the diagonal
 * so that the factor exists with few samples (default 1e-9). */
FC_API FC_NODISCARD fc_status fc_prior_fit(fc_context *context, size_t codes, size_t count,
                                           const double *z, double floor, fc_prior **prior);
FC_API FC_NODISCARD fc_status fc_prior_create(fc_context *context, size_t codes, const double *mean,
                                              const double *covariance, fc_prior **prior);
FC_API void fc_prior_destroy(fc_prior *prior);

/* The posterior of the code given observations at a fixed set of points (optimal interpolation in
 * latent space):
 *
 *   P = (Phi^T R^-1 Phi + Sigma^-1)^-1,   z = mu + P Phi^T R^-1 (y - phi0 - Phi mu)
 *
 * solved by one Cholesky in whitened coordinates z = mu + factor w; with fewer values than codes in
 * the equivalent dual form of size (values, values). One object serves any number of frames. */
typedef struct fc_posterior fc_posterior;

typedef enum fc_posterior_form {
    FC_POSTERIOR_AUTO,
    FC_POSTERIOR_PRIMAL,
    FC_POSTERIOR_DUAL
} fc_posterior_form;

FC_API FC_NODISCARD fc_status fc_posterior_create(fc_context *context, const fc_prior *prior,
                                                  size_t values, const float *phi0, /* (values) */
                                                  const float *phi,    /* (values, C) */
                                                  const double *noise, /* (values) variances > 0 */
                                                  fc_posterior_form form, fc_posterior **posterior);
FC_API void fc_posterior_destroy(fc_posterior *posterior);

/* Posterior means of several frames. y must be finite. */
FC_API FC_NODISCARD fc_status fc_posterior_encode(fc_context *context,
                                                  const fc_posterior *posterior, size_t frames,
                                                  const float *y, /* (frames, values) */
                                                  double *z);     /* (frames, C) */

/* covariance P (C, C) of every frame encoded with this object */
FC_API void fc_posterior_covariance(const fc_posterior *posterior, double *covariance);

/* The most likely code where the decoder bends, by Gauss-Newton steps damped after Levenberg and
 * Marquardt: each goes to the posterior mean of the decoder's tangent, and lowers
 *
 *   J(z) = (y - D(z))^T R^-1 (y - D(z)) + (z - mu)^T Sigma^-1 (z - mu)
 *
 * An affine decoder takes one step. */
typedef struct fc_encoding_config {
    size_t steps;     /* at most, with those that are taken back; default 20 */
    double tolerance; /* ends where a step would lower J by less than this share; default 1e-3 */
} fc_encoding_config;

FC_API fc_encoding_config fc_encoding_config_default(void);

typedef struct fc_encoding_report {
    size_t steps, rejected; /* that lowered J, and that would not have */
    double cost;            /* J */
    bool converged;
} fc_encoding_report;

/* Code of one frame (count, channels), NaN = not observed, with noise variances (channels). z (C):
 * the code to start from, then the result; covariance P (C, C) at the tangent there and report may
 * be NULL. */
FC_API FC_NODISCARD fc_status fc_decoder_encode(fc_context *context, const fc_decoder *decoder,
                                                const fc_prior *prior, const double *noise,
                                                size_t count, const double *coordinates,
                                                const float *values,
                                                const fc_encoding_config *config, double *z,
                                                double *covariance, fc_encoding_report *report);

/* Variance of Phi z at other points for codes of the given covariance: diag(Phi P Phi^T). */
FC_API FC_NODISCARD fc_status fc_basis_variance(fc_context *context, size_t codes,
                                                const double *covariance, size_t values,
                                                const float *phi,  /* (values, C) */
                                                double *variance); /* (values) */

/* ---------------------------------------------------------------- decoder fitting */

typedef enum fc_fit_method {
    FC_FIT_AUTO,       /* FC_FIT_SERIES for an affine decoder with layers = 0, else
                          FC_FIT_PROJECTION */
    FC_FIT_SERIES,     /* layers = 0: Gaussian EM for the Fourier coefficients of the frames, whose
                          principal directions become the modes; on shared points one step, POD */
    FC_FIT_PROJECTION, /* POD regression where frames share points, then variable projection
                          (Golub & Pereyra 1973): codes are always the solved ones. A decoder that
                          bends starts from the codes of the POD, and each step of the weights from
                          a Gauss-Newton step of the codes */
    FC_FIT_AUTO_DECODING /* DINo's procedure: Adam on codes and weights together */
} fc_fit_method;

typedef struct fc_fit_config {
    fc_fit_method method; /* default FC_FIT_AUTO */
    size_t codes;         /* C; 0 = chosen: the smallest that leaves `tolerance` of the validation
                             variance, at most max_codes and a third of the training frames */
    size_t max_codes;     /* default 256 */
    double tolerance;     /* share of the variance that may stay unresolved; default 3e-6 */
    size_t max_filters;   /* most harmonics to choose; default 4096 */
    bool complete;        /* FC_FIT_SERIES: where no such number of modes is found, a code for each
                             coefficient of the series, and always for scattered frames on domains
                             without edges, whose spectrum is fitted; default false */
    size_t steps;         /* Adam steps of the iterative methods; default 3000 */
    size_t batch_frames;  /* frames a step where their points differ, 16 times as many where they
                             share them; default 16 */
    size_t batch_points;  /* points of a frame a step; default 512 */
    double ridge;         /* FC_FIT_SERIES: share of the normal matrix's mean diagonal added to it;
                             default 0 = chosen with the filters */
    double rate;          /* Adam rate of the weights; default 0 = 7e-3, or 2e-3 where the decoder
                             bends */
    double code_rate;     /* Adam rate of the codes, auto-decoding only; default 1e-3 */
    size_t em_iterations; /* FC_FIT_SERIES on points that differ between frames; default 5 */
    size_t copies; /* of each frame, moved along longitude and periodic axes, for physics that is
                      the same all along them: FC_FIT_SERIES on shared points; default 0 */
    double shift;  /* how far at most, in the units of the axes; default 0 */
    uint64_t seed;
} fc_fit_config;

FC_API fc_fit_config fc_fit_config_default(void);

typedef struct fc_fit_report {
    double training_mse;   /* of the fitted decoder with solved codes, normalised units */
    double validation_mse; /* the same on validation frames, NaN without any */
    double unresolved;     /* validation_mse / variance */
    double seconds;
    double ridge; /* used by FC_FIT_SERIES */
    size_t codes;
} fc_fit_report;

/* Fits a decoder to the first `train_frames` frames of sequences (0 = all); the sequences marked in
 * `validation` (sequence_count flags, may be NULL) only pick C. Values must be normalised.
 * decoder_config.codes is ignored in favour of fit->codes; a decoder that bends has as many as the
 * POD would need. Codes are centred, ordered by energy and share one scale (POD gauge): *prior has
 * mean 0 and a diagonal covariance of trace C, but for a complete series, whose codes are its
 * centred coefficients. noise
 * (channels) receives the variance that the decoder leaves unresolved, on validation frames where
 * there are any. */
FC_API FC_NODISCARD fc_status fc_decoder_fit(fc_context *context, const fc_dataset *dataset,
                                             size_t train_frames, const bool *validation,
                                             const fc_decoder_config *decoder_config,
                                             const fc_fit_config *fit, fc_decoder **decoder,
                                             fc_prior **prior, double *noise,
                                             fc_fit_report *report);

#ifdef __cplusplus
}
#endif
#endif
