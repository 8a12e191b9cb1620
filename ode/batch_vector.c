#include "ode/batch_vector.h"
#include "inr/support.h"
#include "ode/kernels/kernels.h"

#include <math.h>
#include <nvector/nvector_serial.h>
#include <stdlib.h>

/* Knows how its entries divide into samples. Serial operations see the first member. */
typedef struct batch_content {
    struct _N_VectorContent_Serial serial;
    size_t codes;
    const fc__field_kernels *kernels;
} batch_content;

static const batch_content *content_of(N_Vector x)
{
    return x->content;
}

static double *values_of(N_Vector x)
{
    return content_of(x)->serial.data;
}

static size_t length_of(N_Vector x)
{
    return (size_t)content_of(x)->serial.length;
}

/* max over samples s of sqrt(1/C sum_c (x_sc w_sc)^2) */
static sunrealtype batch_norm(N_Vector x, N_Vector w)
{
    const batch_content *content = content_of(x);
    const double *values = values_of(x), *weights = values_of(w);
    size_t codes = content->codes;
    double largest = 0;
    for (size_t first = 0; first < length_of(x); first += codes) {
        double sum = content->kernels->weighted_square(codes, values + first, weights + first);
        if (!(sum <= largest)) /* keeps NaN */
            largest = sum;
    }
    return sqrt(largest / (double)codes);
}

static void batch_linear_sum(sunrealtype a, N_Vector x, sunrealtype b, N_Vector y, N_Vector z)
{
    content_of(x)->kernels->linear_sum(length_of(x), a, values_of(x), b, values_of(y),
                                       values_of(z));
}

static void batch_scale(sunrealtype a, N_Vector x, N_Vector z)
{
    batch_linear_sum(a, x, 0.0, x, z);
}

/* CVODE combines at most as many vectors as its history is long (13), SPGMR as its basis (21). */
enum { MOST_VECTORS = 32 };

static int batch_combine(int number, sunrealtype *a, N_Vector *x, N_Vector z)
{
    const double *values[MOST_VECTORS];
    if (number < 1 || number > MOST_VECTORS)
        return -1;
    for (int k = 0; k < number; k++)
        values[k] = values_of(x[k]);
    content_of(z)->kernels->combine(length_of(z), (size_t)number, a, values, values_of(z));
    return 0;
}

static int batch_scale_add(int number, sunrealtype *a, N_Vector x, N_Vector *y, N_Vector *z)
{
    const double *from[MOST_VECTORS];
    double *to[MOST_VECTORS];
    if (number < 1 || number > MOST_VECTORS)
        return -1;
    for (int k = 0; k < number; k++) {
        from[k] = values_of(y[k]);
        to[k] = values_of(z[k]);
    }
    content_of(x)->kernels->scale_add(length_of(x), (size_t)number, a, values_of(x), from, to);
    return 0;
}

int fc__batch_vector_weigh(double rtol, double atol, N_Vector z, N_Vector weights)
{
    const fc__field_kernels *kernels = content_of(z)->kernels;
    return kernels->weigh(length_of(z), rtol, atol, values_of(z), values_of(weights)) ? 0 : -1;
}

static void batch_destroy(N_Vector vector)
{
    batch_content *content = vector->content;
    if (content)
        free(content->serial.data);
    free(content);
    vector->content = NULL;
    N_VFreeEmpty(vector);
}

static N_Vector batch_clone_empty(N_Vector model)
{
    const batch_content *shape = model->content;
    N_Vector vector = N_VNewEmpty(model->sunctx);
    if (!vector)
        return NULL;
    batch_content *content = calloc(1, sizeof *content);
    vector->content = content;
    if (!content || N_VCopyOps(model, vector) != 0) {
        free(content);
        N_VFreeEmpty(vector);
        return NULL;
    }
    content->serial.length = shape->serial.length;
    content->serial.own_data = SUNTRUE;
    content->codes = shape->codes;
    content->kernels = shape->kernels;
    return vector;
}

static N_Vector batch_clone(N_Vector model)
{
    N_Vector vector = batch_clone_empty(model);
    if (!vector)
        return NULL;
    batch_content *content = vector->content;
    if (fc__allocate(NULL, (size_t)content->serial.length, sizeof *content->serial.data,
                     &content->serial.data) != FC_OK) {
        batch_destroy(vector);
        return NULL;
    }
    return vector;
}

N_Vector fc__batch_vector_create(size_t batch, size_t codes, SUNContext sundials)
{
    N_Vector serial = N_VNewEmpty_Serial((sunindextype)(batch * codes), sundials);
    if (!serial)
        return NULL;
    batch_content shape = {.codes = codes, .kernels = fc__field_kernels_chosen()};
    shape.serial.length = (sunindextype)(batch * codes);
    serial->ops->nvclone = batch_clone;
    serial->ops->nvcloneempty = batch_clone_empty;
    serial->ops->nvdestroy = batch_destroy;
    serial->ops->nvwrmsnorm = batch_norm;
    serial->ops->nvlinearsum = batch_linear_sum;
    serial->ops->nvscale = batch_scale;
    serial->ops->nvlinearcombination = batch_combine;
    serial->ops->nvscaleaddmulti = batch_scale_add;
    void *own = serial->content;
    serial->content = &shape;
    N_Vector vector = batch_clone(serial);
    serial->content = own;
    N_VDestroy_Serial(serial);
    return vector;
}
