/* support.h: what every room builds on and no user sees: failures, memory, random numbers, division
 * of work among threads, and the few dense products that BLAS does for us. */
#ifndef FC_INR_SUPPORT_H
#define FC_INR_SUPPORT_H

#include "inr/inr.h"

#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- failures */

/* Records the message in the context (which may be NULL) and returns `status`. */
fc_status fc__fail(fc_context *context, fc_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a fault after which a check can go on: FC_OK where the context has a listener, who
 * is told. */
fc_status fc__fault(fc_context *context, fc_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Evaluates a call into the local `status` and leaves for the local label `done` if it failed. */
#define FC_TRY(call)                                                                               \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != FC_OK)                                                                       \
            goto done;                                                                             \
    } while (0)

/* ---------------------------------------------------------------- memory */

/* Zeroed, 64-byte aligned memory for `count` things of `size` bytes; *pointer = NULL and
 * FC_ERROR_MEMORY with the size on failure or overflow. count = 0 gives one byte. free() it. */
fc_status fc__allocate(fc_context *context, size_t count, size_t size, void *pointer);
#define FC_NEW(context, pointer, count)                                                            \
    FC_TRY(fc__allocate((context), (count), sizeof **(pointer), (void *)(pointer)))

/* The same without zeros, for what is filled at once: large memory is touched only once. */
fc_status fc__reserve(fc_context *context, size_t count, size_t size, void *pointer);

/* a * b or SIZE_MAX when that does not fit. */
size_t fc__product(size_t a, size_t b);

/* A copy of text, FC_ERROR_MEMORY on failure. text may be NULL (*copy = NULL). */
fc_status fc__copy_text(fc_context *context, const char *text, char **copy);
/* Copies into a fixed array of FC_NAME_SIZE, cutting what does not fit. */
void fc__copy_name(char name[FC_NAME_SIZE], const char *text);

/* ---------------------------------------------------------------- datasets */

/* A dataset of other channels on the same points and times, without values. */
fc_status fc__dataset_like(fc_context *context, const fc_dataset *dataset, size_t channel_count,
                           fc_dataset **copy);
/* What fc_dataset_validate asks of the times of all sequences, and of the values of a frame
 * (points, channels): none is infinite, at least one is observed. seen: (channels) counts those
 * observed. */
fc_status fc__dataset_check_times(fc_context *context, const fc_dataset *dataset, const char *what);
fc_status fc__dataset_check_frame(fc_context *context, const fc_dataset *dataset, const char *what,
                                  size_t s, size_t f, const float *values, size_t *seen);

/* ---------------------------------------------------------------- time and progress */

double fc__seconds(void); /* monotonic clock */
void fc__report(fc_context *context, const char *stage, uint64_t done, uint64_t total, double loss);

/* ---------------------------------------------------------------- random numbers */

/* Counter-based: the n-th number of a stream depends on (seed, stream, n) alone, so that saving a
 * generator is saving three integers (finaliser of splitmix64, Steele et al. 2014). */
typedef struct fc__rng {
    uint64_t seed, stream, counter;
} fc__rng;

fc__rng fc__rng_create(uint64_t seed, uint64_t stream);
uint64_t fc__rng_bits(fc__rng *rng);
double fc__rng_uniform(fc__rng *rng);             /* [0, 1) */
double fc__rng_normal(fc__rng *rng);              /* N(0, 1), two numbers a call */
size_t fc__rng_below(fc__rng *rng, size_t bound); /* 0..bound-1 */
void fc__rng_shuffle(fc__rng *rng, size_t count, size_t *items);
/* The first `chosen` entries of a random order of 0..count-1. */
void fc__rng_choose(fc__rng *rng, size_t count, size_t chosen, size_t *items /* (count) */);

/* ---------------------------------------------------------------- division of work */

/* Part `part` of `parts` of 0..total-1: [*begin, *end), sizes differing by at most one. */
void fc__slice(size_t total, size_t parts, size_t part, size_t *begin, size_t *end);

/* Threads worth using for so many multiply-adds in `parts` parts: one where the work would be done
 * before the others have woken up. */
int fc__threads_worth(const fc_context *context, size_t work, size_t parts);

/* ---------------------------------------------------------------- dense linear algebra */

/* C = alpha op(A) op(B) + beta C, row-major, one thread: for use inside parallel regions. */
void fc__sgemm(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a,
               size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc);
void fc__dgemm(bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, const double *a,
               size_t lda, const double *b, size_t ldb, double beta, double *c, size_t ldc);
/* The same over the context's threads, divided by rows or columns of C: for large products. The
 * result does not depend on the number of threads. */
void fc__sgemm_parallel(const fc_context *context, bool ta, bool tb, size_t m, size_t n, size_t k,
                        float alpha, const float *a, size_t lda, const float *b, size_t ldb,
                        float beta, float *c, size_t ldc);
void fc__dgemm_parallel(const fc_context *context, bool ta, bool tb, size_t m, size_t n, size_t k,
                        double alpha, const double *a, size_t lda, const double *b, size_t ldb,
                        double beta, double *c, size_t ldc);
/* a . b */
double fc__ddot(size_t count, const double *a, const double *b);
/* C (n, n) = alpha A^T A + beta C for A (k, n), both triangles. */
void fc__dsyrk(size_t n, size_t k, double alpha, const double *a, double beta, double *c);

/* Lower Cholesky factor of a symmetric matrix in place (the upper triangle is set to zero);
 * FC_ERROR_SOLVER naming `what` and the failing row when it is not positive definite. */
fc_status fc__cholesky(fc_context *context, const char *what, size_t n, double *a);
/* x (n, columns) <- solution of L L^T x = x. */
void fc__cholesky_solve(size_t n, const double *l, size_t columns, double *x);
/* x (n, columns) <- L^-1 x, or L^-T x when transposed. */
void fc__triangular_solve(bool transposed, size_t n, const double *l, size_t columns, double *x);
/* Eigenvalues in decreasing order and eigenvectors as the columns of `vectors` (n, n) of a
 * symmetric matrix, which is destroyed. */
fc_status fc__eigen(fc_context *context, size_t n, double *a, double *values, double *vectors);
/* Eigenvalues real + i imaginary of a general real matrix, which is destroyed, and its eigenvectors
 * as columns of `vectors` (n, n); a complex pair stands in two columns as its real and imaginary
 * part, that with imaginary > 0 first. */
fc_status fc__eigen_general(fc_context *context, size_t n, double *a, double *real,
                            double *imaginary, double *vectors);
/* x (n, columns) <- A^-1 x for a general matrix, which is destroyed; FC_ERROR_SOLVER naming `what`
 * when it is singular. */
fc_status fc__solve(fc_context *context, const char *what, size_t n, double *a, size_t columns,
                    double *x);

#ifdef __cplusplus
}
#endif
#endif
