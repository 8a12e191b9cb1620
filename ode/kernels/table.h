/* table.h: all kernels of this room and their table, included once by each level with
 *
 *   FC__TABLE   the name of its table */
#include "inr/kernels/product.h"
#include "inr/support.h"
#include "ode/kernels/kernels.h"

#include <math.h>

#define REAL float
#define TYPED(name) name
#define GEMM fc__sgemm
#include "ode/kernels/products.h"
#undef REAL
#undef TYPED
#undef GEMM
#define REAL double
#define TYPED(name) name##_double
#define GEMM fc__dgemm
#include "ode/kernels/products.h"
#undef REAL
#undef TYPED
#undef GEMM

#include "ode/kernels/panels.h"

#define REAL float
#define TYPED(name) name
#define EXP expf
#include "ode/kernels/field.h"
#undef REAL
#undef TYPED
#undef EXP
#define REAL double
#define TYPED(name) name##_double
#define EXP exp
#include "ode/kernels/field.h"

#include "ode/kernels/slices.h"
#include "ode/kernels/vectors.h"

extern const fc__field_kernels FC__TABLE;
const fc__field_kernels FC__TABLE = {
    .pack = pack,
    .slice = slice,
    .forward = forward,
    .factors = factors,
    .backward = backward,
    .gradient = gradient,
    .tangent = tangent,
    .forward_double = forward_double,
    .factors_double = factors_double,
    .backward_double = backward_double,
    .gradient_double = gradient_double,
    .tangent_double = tangent_double,
    .linear_sum = linear_sum,
    .scale_add = scale_add,
    .combine = combine,
    .weigh = weigh,
    .weighted_square = weighted_square,
};
