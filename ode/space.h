/* space.h: where CVODE's vectors live and what computes with them, for the processor (space.c) and
 * for devices. A vector is an array (batch, C) of doubles in the space's own memory; `batch` is the
 * number of samples of the present system, at most the capacity. SUNDIALS knows a space through
 * batch_vector.c alone. */
#ifndef FC_ODE_SPACE_H
#define FC_ODE_SPACE_H

#include "ode/evaluator.h"
#include "ode/ode.h"

typedef struct fc__space fc__space;

/* Vectors that one operation takes: CVODE combines at most as many as its history is long (13),
 * SPGMR as its basis (21). */
enum { FC__SPACE_MOST = 32 };

/* Operations take effect in the order in which they are called, though a device may still be at
 * work when one returns; what they return is there. Results may be operands. What fails on a device
 * is kept in the space's status, and operations after that are without meaning. */
typedef struct fc__space_operations {
    void (*destroy)(fc__space *space);
    /* A system of `batch` samples starts, whose entries are expected within +-bound[sample]; bound
     * (batch) in host memory, until the next system. */
    void (*begin)(fc__space *space, size_t batch, const double *bound);
    double *(*allocate)(fc__space *space); /* a vector, not initialised; NULL: see the status */
    void (*release)(fc__space *space, double *vector);
    /* values (batch, C) in host memory into a vector; samples member[0..count), in increasing
     * order, of a vector out of it, each to its own (C) in host memory */
    void (*write)(fc__space *space, double *vector, const double *values);
    void (*read)(fc__space *space, const double *vector, size_t count, const size_t *member,
                 double *const *to);
    /* z = a x + b y; c; x y; x / y; |x|; 1 / x; x + b */
    void (*linear_sum)(fc__space *space, double a, const double *x, double b, const double *y,
                       double *z);
    void (*fill)(fc__space *space, double c, double *z);
    void (*multiply)(fc__space *space, const double *x, const double *y, double *z);
    void (*divide)(fc__space *space, const double *x, const double *y, double *z);
    void (*magnitude)(fc__space *space, const double *x, double *z);
    void (*invert)(fc__space *space, const double *x, double *z);
    void (*shift)(fc__space *space, const double *x, double b, double *z);
    /* z = sum_k a_k x_k, where z may be x_0; z_k = a_k x + y_k */
    void (*combine)(fc__space *space, size_t number, const double *a, const double *const *x,
                    double *z);
    void (*scale_add)(fc__space *space, size_t number, const double *a, const double *x,
                      const double *const *y, double *const *z);
    double (*dot)(fc__space *space, const double *x, const double *y);
    double (*largest)(fc__space *space, const double *x); /* max |x| */
    /* max over samples of sqrt(1/C sum_c (x w)^2); NaN where any is */
    double (*norm)(fc__space *space, const double *x, const double *w);
    /* w = 1 / (relative |z| + absolute); false where that is infinite */
    bool (*weigh)(fc__space *space, double relative, double absolute, const double *z, double *w);
    /* The first sample with an entry outside its bound, or `batch`. */
    size_t (*outside)(fc__space *space, const double *z);
    /* dz = f(z), dz_dot = (df/dz) z_dot; 0, 1 where not finite, -1 when the device failed */
    int (*eval)(fc__space *space, const double *z, double *dz);
    int (*jvp)(fc__space *space, const double *z, const double *z_dot, double *dz_dot);
} fc__space_operations;

struct fc__space {
    const fc__space_operations *operations;
    size_t codes;
    size_t capacity;  /* samples that it was made for */
    size_t batch;     /* of the present system */
    fc_status status; /* what went wrong in the space itself, whose message is in the context */
};

/* Whether a field is evaluated in float; Jacobian products are in double always. */
bool fc__integrates_in_float(const fc_integrator_config *config);

/* ---------------------------------------------------------------- the processor's */

/* How a field is evaluated: by its equation, else in double where the panels are NULL, else in
 * float by an evaluator; Jacobian products in double. */
typedef struct fc__processor_weights {
    const fc_field *field;
    double *parameters; /* in double; NULL where nothing needs them */
    float *panels;      /* packed */
} fc__processor_weights;

fc_status fc__processor_weights_create(fc_context *context, const fc_field *field,
                                       const fc_integrator_config *config,
                                       fc__processor_weights *weights);
void fc__processor_weights_clear(fc__processor_weights *weights);

/* A space of one thread, with whose evaluations up to `threads` - 1 others help: *evaluator, NULL
 * where there is none. The weights outlive it. */
fc_status fc__processor_space_create(const fc__processor_weights *weights, size_t samples,
                                     size_t threads, fc__space **space, fc__evaluator **evaluator);

#endif
