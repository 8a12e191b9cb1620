#include "ode/batch_vector.h"
#include "inr/support.h"

#include <stdlib.h>

typedef struct batch_content {
    fc__space *space;
    double *values;
    bool borrowed; /* values of another vector */
} batch_content;

static fc__space *space_of(N_Vector x)
{
    return ((const batch_content *)x->content)->space;
}

double *fc__batch_vector_values(N_Vector x)
{
    return ((const batch_content *)x->content)->values;
}

#define VALUES(x) fc__batch_vector_values(x)
#define CALL(x, operation, ...) (space_of(x)->operations->operation(space_of(x), __VA_ARGS__))

static N_Vector_ID batch_id(N_Vector x)
{
    (void)x;
    return SUNDIALS_NVEC_CUSTOM;
}

static sunindextype batch_length(N_Vector x)
{
    return (sunindextype)(space_of(x)->batch * space_of(x)->codes);
}

static void batch_linear_sum(sunrealtype a, N_Vector x, sunrealtype b, N_Vector y, N_Vector z)
{
    CALL(x, linear_sum, a, VALUES(x), b, VALUES(y), VALUES(z));
}

static void batch_scale(sunrealtype a, N_Vector x, N_Vector z)
{
    CALL(x, linear_sum, a, VALUES(x), 0.0, VALUES(x), VALUES(z));
}

static void batch_fill(sunrealtype c, N_Vector z)
{
    CALL(z, fill, c, VALUES(z));
}

static void batch_multiply(N_Vector x, N_Vector y, N_Vector z)
{
    CALL(x, multiply, VALUES(x), VALUES(y), VALUES(z));
}

static void batch_divide(N_Vector x, N_Vector y, N_Vector z)
{
    CALL(x, divide, VALUES(x), VALUES(y), VALUES(z));
}

static void batch_magnitude(N_Vector x, N_Vector z)
{
    CALL(x, magnitude, VALUES(x), VALUES(z));
}

static void batch_invert(N_Vector x, N_Vector z)
{
    CALL(x, invert, VALUES(x), VALUES(z));
}

static void batch_shift(N_Vector x, sunrealtype b, N_Vector z)
{
    CALL(x, shift, VALUES(x), b, VALUES(z));
}

static int batch_combine(int number, sunrealtype *a, N_Vector *x, N_Vector z)
{
    const double *values[FC__SPACE_MOST];
    if (number < 1 || number > FC__SPACE_MOST)
        return -1;
    for (int k = 0; k < number; k++)
        values[k] = VALUES(x[k]);
    CALL(z, combine, (size_t)number, a, values, VALUES(z));
    return 0;
}

static int batch_scale_add(int number, sunrealtype *a, N_Vector x, N_Vector *y, N_Vector *z)
{
    const double *from[FC__SPACE_MOST];
    double *to[FC__SPACE_MOST];
    if (number < 1 || number > FC__SPACE_MOST)
        return -1;
    for (int k = 0; k < number; k++) {
        from[k] = VALUES(y[k]);
        to[k] = VALUES(z[k]);
    }
    CALL(x, scale_add, (size_t)number, a, VALUES(x), from, to);
    return 0;
}

static sunrealtype batch_dot(N_Vector x, N_Vector y)
{
    return CALL(x, dot, VALUES(x), VALUES(y));
}

static sunrealtype batch_largest(N_Vector x)
{
    return CALL(x, largest, VALUES(x));
}

static sunrealtype batch_norm(N_Vector x, N_Vector w)
{
    return CALL(x, norm, VALUES(x), VALUES(w));
}

/* ---------------------------------------------------------------- life */

static void batch_destroy(N_Vector vector)
{
    batch_content *content = vector->content;
    if (content->values && !content->borrowed)
        CALL(vector, release, content->values);
    free(content);
    vector->content = NULL;
    N_VFreeEmpty(vector);
}

static N_Vector create(fc__space *space, SUNContext sundials, double *instead);

/* SUNDIALS 6 does not check what it gets here: a clone without memory of its own goes on with its
 * model's, and the space's status says that its values mean nothing. */
static N_Vector batch_clone(N_Vector model)
{
    return create(space_of(model), model->sunctx, VALUES(model));
}

/* What CVODE, SPGMR and the fixed-point iteration call, and what CVODE insists on. Values are
 * reached through the space alone: there is no array pointer. */
static void set_operations(N_Vector_Ops ops)
{
    ops->nvgetvectorid = batch_id;
    ops->nvclone = batch_clone;
    ops->nvdestroy = batch_destroy;
    ops->nvgetlength = batch_length;
    ops->nvlinearsum = batch_linear_sum;
    ops->nvconst = batch_fill;
    ops->nvprod = batch_multiply;
    ops->nvdiv = batch_divide;
    ops->nvscale = batch_scale;
    ops->nvabs = batch_magnitude;
    ops->nvinv = batch_invert;
    ops->nvaddconst = batch_shift;
    ops->nvdotprod = batch_dot;
    ops->nvmaxnorm = batch_largest;
    ops->nvwrmsnorm = batch_norm;
    ops->nvlinearcombination = batch_combine;
    ops->nvscaleaddmulti = batch_scale_add;
}

/* With values of its own, else those given instead; NULL without either. */
static N_Vector create(fc__space *space, SUNContext sundials, double *instead)
{
    N_Vector vector = N_VNewEmpty(sundials);
    batch_content *content = NULL;
    if (!vector)
        return NULL;
    if (fc__allocate(NULL, 1, sizeof *content, &content) != FC_OK) {
        N_VFreeEmpty(vector);
        return NULL;
    }
    set_operations(vector->ops);
    content->space = space;
    content->values = space->operations->allocate(space);
    content->borrowed = !content->values;
    if (content->borrowed)
        content->values = instead;
    vector->content = content;
    if (!content->values) {
        batch_destroy(vector);
        return NULL;
    }
    return vector;
}

N_Vector fc__batch_vector_create(fc__space *space, SUNContext sundials)
{
    return create(space, sundials, NULL);
}
