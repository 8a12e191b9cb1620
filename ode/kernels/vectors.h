/* vectors.h: CVODE's operations on vectors of some hundred numbers, where the call itself costs as
 * much as the arithmetic. Results may be one of the operands. */

/* z = a x + b y */
static void linear_sum(size_t count, double a, const double *x, double b, const double *y,
                       double *z)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        z[i] = a * x[i] + b * y[i];
}

/* z_k = a_k x + y_k */
static void scale_add(size_t count, size_t number, const double *a, const double *x,
                      const double *const *y, double *const *z)
{
    for (size_t k = 0; k < number; k++)
        linear_sum(count, a[k], x, 1.0, y[k], z[k]);
}

/* z = sum_k a_k x_k; z may be x_0 */
static void combine(size_t count, size_t number, const double *a, const double *const *x, double *z)
{
    linear_sum(count, a[0], x[0], 0.0, x[0], z);
    for (size_t k = 1; k < number; k++)
        linear_sum(count, a[k], x[k], 1.0, z, z);
}

/* w = 1 / (relative |z| + absolute); whether all denominators are positive */
static bool weigh(size_t count, double relative, double absolute, const double *z, double *w)
{
    int zeros = 0;
#pragma omp simd reduction(+ : zeros)
    for (size_t i = 0; i < count; i++) {
        double scale = relative * fabs(z[i]) + absolute;
        zeros += scale <= 0;
        w[i] = 1.0 / scale;
    }
    return zeros == 0;
}

/* sum_i (x_i w_i)^2 */
static double weighted_square(size_t count, const double *x, const double *w)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++)
        sum += x[i] * w[i] * (x[i] * w[i]);
    return sum;
}
