/* field_kernel.h: evaluation and derivatives of the vector field, included by field.c once for
 * float and once for double with
 *
 *   REAL          the type
 *   TYPED(name)   the name of the instance
 *   GEMM          the matrix product
 *   EXP           the exponential
 *
 * V and W are adjacent in the parameters, and so are a and d: F = [V; W] (2R, C) and o = [a; d]
 * (2R) need one product and one sum. */

/* y (n) = M x + beta y for M (n, k): four rows at a time, so that x is loaded once for all */
FC__CLONES
static void TYPED(multiply_one)(size_t n, size_t k, const REAL *x, const REAL *matrix, REAL beta,
                                REAL *y)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const REAL *m0 = matrix + i * k, *m1 = m0 + k, *m2 = m1 + k, *m3 = m2 + k;
        REAL sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
#pragma omp simd reduction(+ : sum0, sum1, sum2, sum3)
        for (size_t j = 0; j < k; j++) {
            sum0 += m0[j] * x[j];
            sum1 += m1[j] * x[j];
            sum2 += m2[j] * x[j];
            sum3 += m3[j] * x[j];
        }
        const REAL sums[4] = {sum0, sum1, sum2, sum3};
        for (size_t r = 0; r < 4; r++)
            y[i + r] = beta == 0 ? sums[r] : sums[r] + beta * y[i + r];
    }
    for (; i < n; i++) {
        REAL sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < k; j++)
            sum += matrix[i * k + j] * x[j];
        y[i] = beta == 0 ? sum : sum + beta * y[i];
    }
}

/* y (batch, n) = x (batch, k) M^T + beta y for M (n, k). A product of few rows spends its time on
 * rearranging M: up to three rows in float and one in double are faster one by one (measured with
 * OpenBLAS 0.3.21: one float row of 200 against (2048, 200) takes 32 us, and 139 us in sgemm). */
static void TYPED(multiply)(size_t batch, size_t n, size_t k, const REAL *x, size_t ldx,
                            const REAL *matrix, REAL beta, REAL *y, size_t ldy)
{
    if (batch * sizeof *x > 12) {
        GEMM(false, true, batch, n, k, 1, x, ldx, matrix, k, beta, y, ldy);
        return;
    }
    for (size_t i = 0; i < batch; i++)
        TYPED(multiply_one)(n, k, x + i * ldx, matrix, beta, y + i * ldy);
}

/* (p, q) += o;  s = p * q */
FC__CLONES
static void TYPED(shift_and_multiply)(size_t batch, size_t rank, const REAL *shifts, REAL *factors,
                                      size_t ldf, REAL *product, size_t lds)
{
    for (size_t i = 0; i < batch; i++) {
        REAL *p = factors + i * ldf, *q = p + rank, *s = product + i * lds;
#pragma omp simd
        for (size_t r = 0; r < rank; r++) {
            p[r] += shifts[r];
            q[r] += shifts[rank + r];
            s[r] = p[r] * q[r];
        }
    }
}

/* Given s_bar in place of s: p_bar = s_bar * q, q_bar = s_bar * p, s = p * q */
FC__CLONES
static void TYPED(multiply_backward)(size_t batch, size_t rank, const REAL *factors, size_t ldf,
                                     REAL *factors_bar, REAL *product, size_t lda)
{
    for (size_t i = 0; i < batch; i++) {
        const REAL *p = factors + i * ldf, *q = p + rank;
        REAL *p_bar = factors_bar + i * lda, *q_bar = p_bar + rank, *s = product + i * lda;
#pragma omp simd
        for (size_t r = 0; r < rank; r++) {
            REAL s_bar = s[r];
            p_bar[r] = s_bar * q[r];
            q_bar[r] = s_bar * p[r];
            s[r] = p[r] * q[r];
        }
    }
}

/* s_dot = p_dot * q + p * q_dot, in place of p_dot */
FC__CLONES
static void TYPED(multiply_tangent)(size_t batch, size_t rank, const REAL *shifts,
                                    const REAL *factors, REAL *factors_dot)
{
    for (size_t i = 0; i < batch; i++) {
        const REAL *p = factors + 2 * i * rank, *q = p + rank;
        REAL *p_dot = factors_dot + 2 * i * rank, *q_dot = p_dot + rank;
#pragma omp simd
        for (size_t r = 0; r < rank; r++)
            p_dot[r] = p_dot[r] * (q[r] + shifts[rank + r]) + (p[r] + shifts[r]) * q_dot[r];
    }
}

/* h += m1;  swish(h) = h sigma(h), sigma(h) = 1 / (1 + e^-h) */
static void TYPED(shift_and_swish)(size_t batch, size_t hidden, const REAL *shift, REAL *h,
                                   size_t ldh, REAL *g, size_t ldg)
{
    for (size_t i = 0; i < batch; i++)
        for (size_t j = 0; j < hidden; j++) {
            REAL value = h[i * ldh + j] + shift[j];
            h[i * ldh + j] = value;
            g[i * ldg + j] = value / (1 + EXP(-value));
        }
}

/* swish'(h) = sigma(h) (1 + h (1 - sigma(h))) */
static REAL TYPED(swish_slope)(REAL h)
{
    REAL sigma = 1 / (1 + EXP(-h));
    return sigma * (1 + h * (1 - sigma));
}

/* Rows of dz start as the bias. */
static void TYPED(start_rows)(const REAL *bias, size_t batch, size_t codes, REAL *dz)
{
    for (size_t i = 0; i < batch; i++)
        memcpy(dz + i * codes, bias, codes * sizeof *dz);
}

void TYPED(fc__field_forward)(const fc_field_config *config, const REAL *parameters, size_t batch,
                              const REAL *z, REAL *dz, REAL *tape, REAL *scratch)
{
    fc_field_layout at = fc_field_layout_of(config);
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden;
    size_t width = fc__field_tape_width(config);
    TYPED(start_rows)(parameters + at.bias, batch, codes, dz);
    if (config->linear)
        TYPED(multiply)(batch, codes, codes, z, codes, parameters + at.a, 1, dz, codes);
    if (rank) {
        TYPED(multiply)(batch, 2 * rank, codes, z, codes, parameters + at.v, 0, tape, width);
        TYPED(shift_and_multiply)(batch, rank, parameters + at.va, tape, width, scratch, rank);
        TYPED(multiply)(batch, codes, rank, scratch, rank, parameters + at.u, 1, dz, codes);
    }
    if (hidden) {
        REAL *h = tape + 2 * rank;
        TYPED(multiply)(batch, hidden, codes, z, codes, parameters + at.m1, 0, h, width);
        TYPED(shift_and_swish)(batch, hidden, parameters + at.m1b, h, width, scratch, hidden);
        TYPED(multiply)(batch, codes, hidden, scratch, hidden, parameters + at.m2, 1, dz, codes);
    }
}

/* z_bar = A^T dz_bar + F^T [p_bar; q_bar] + M1^T h_bar, where s_bar = U^T dz_bar and
 * h_bar = swish'(h) * M2^T dz_bar */
void TYPED(fc__field_backward)(const fc_field_config *config, const REAL *parameters, size_t batch,
                               const REAL *dz_bar, const REAL *tape, REAL beta, REAL *z_bar,
                               REAL *adjoint)
{
    fc_field_layout at = fc_field_layout_of(config);
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden;
    size_t width = fc__field_tape_width(config), lda = fc__field_adjoint_width(config);
    REAL *h_bar = adjoint + 2 * rank, *s = h_bar + hidden, *g = s + rank;
    if (rank) {
        GEMM(false, false, batch, rank, codes, 1, dz_bar, codes, parameters + at.u, rank, 0, s,
             lda);
        TYPED(multiply_backward)(batch, rank, tape, width, adjoint, s, lda);
    }
    if (hidden) {
        const REAL *h = tape + 2 * rank;
        GEMM(false, false, batch, hidden, codes, 1, dz_bar, codes, parameters + at.m2, hidden, 0,
             h_bar, lda);
        for (size_t i = 0; i < batch; i++)
            for (size_t j = 0; j < hidden; j++) {
                REAL value = h[i * width + j];
                h_bar[i * lda + j] *= TYPED(swish_slope)(value);
                g[i * lda + j] = value / (1 + EXP(-value));
            }
    }
    if (!z_bar)
        return;
    if (beta == 0)
        memset(z_bar, 0, batch * codes * sizeof *z_bar);
    if (config->linear)
        GEMM(false, false, batch, codes, codes, 1, dz_bar, codes, parameters + at.a, codes, 1,
             z_bar, codes);
    if (rank)
        GEMM(false, false, batch, codes, 2 * rank, 1, adjoint, lda, parameters + at.v, codes, 1,
             z_bar, codes);
    if (hidden)
        GEMM(false, false, batch, codes, hidden, 1, h_bar, lda, parameters + at.m1, codes, 1, z_bar,
             codes);
}

/* sum (columns) += the rows of a matrix */
FC__CLONES
static void TYPED(add_rows)(size_t rows, size_t columns, const REAL *matrix, size_t ld, REAL *sum)
{
    for (size_t i = 0; i < rows; i++)
#pragma omp simd
        for (size_t j = 0; j < columns; j++)
            sum[j] += matrix[i * ld + j];
}

/* bar (m, n) += left^T right for left (rows, m), right (rows, n) */
static void TYPED(add_product)(size_t rows, size_t m, size_t n, const REAL *left, size_t ldl,
                               const REAL *right, size_t ldr, REAL *bar)
{
    GEMM(true, false, m, n, rows, 1, left, ldl, right, ldr, 1, bar, n);
}

void TYPED(fc__field_gradient)(const fc_field_config *config, size_t rows, const REAL *z,
                               const REAL *dz_bar, const REAL *adjoint, REAL *parameter_bar)
{
    fc_field_layout at = fc_field_layout_of(config);
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden;
    size_t lda = fc__field_adjoint_width(config);
    const REAL *h_bar = adjoint + 2 * rank, *s = h_bar + hidden, *g = s + rank;
    REAL *bar = parameter_bar;
    TYPED(add_rows)(rows, codes, dz_bar, codes, bar + at.bias);
    if (config->linear)
        TYPED(add_product)(rows, codes, codes, dz_bar, codes, z, codes, bar + at.a);
    if (rank) {
        TYPED(add_rows)(rows, 2 * rank, adjoint, lda, bar + at.va);
        TYPED(add_product)(rows, 2 * rank, codes, adjoint, lda, z, codes, bar + at.v);
        TYPED(add_product)(rows, codes, rank, dz_bar, codes, s, lda, bar + at.u);
    }
    if (hidden) {
        TYPED(add_rows)(rows, hidden, h_bar, lda, bar + at.m1b);
        TYPED(add_product)(rows, hidden, codes, h_bar, lda, z, codes, bar + at.m1);
        TYPED(add_product)(rows, codes, hidden, dz_bar, codes, g, lda, bar + at.m2);
    }
}

void TYPED(fc_field_eval)(const fc_field_config *config, const REAL *parameters, size_t batch,
                          const REAL *z, REAL *dz, REAL *work)
{
    REAL *scratch = work + batch * fc__field_tape_width(config);
    TYPED(fc__field_forward)(config, parameters, batch, z, dz, work, scratch);
}

void TYPED(fc_field_jvp)(const fc_field_config *config, const REAL *parameters, size_t batch,
                         const REAL *z, const REAL *z_dot, REAL *dz_dot, REAL *work)
{
    fc_field_layout at = fc_field_layout_of(config);
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden;
    memset(dz_dot, 0, batch * codes * sizeof *dz_dot);
    if (config->linear)
        TYPED(multiply)(batch, codes, codes, z_dot, codes, parameters + at.a, 1, dz_dot, codes);
    if (rank) {
        REAL *f = work, *f_dot = f + 2 * batch * rank;
        const REAL *factors = parameters + at.v;
        TYPED(multiply)(batch, 2 * rank, codes, z, codes, factors, 0, f, 2 * rank);
        TYPED(multiply)(batch, 2 * rank, codes, z_dot, codes, factors, 0, f_dot, 2 * rank);
        TYPED(multiply_tangent)(batch, rank, parameters + at.va, f, f_dot);
        TYPED(multiply)(batch, codes, rank, f_dot, 2 * rank, parameters + at.u, 1, dz_dot, codes);
    }
    if (hidden) {
        REAL *h = work, *h_dot = h + batch * hidden;
        const REAL *m1 = parameters + at.m1;
        TYPED(multiply)(batch, hidden, codes, z, codes, m1, 0, h, hidden);
        TYPED(multiply)(batch, hidden, codes, z_dot, codes, m1, 0, h_dot, hidden);
        for (size_t i = 0; i < batch; i++)
            for (size_t j = 0; j < hidden; j++)
                h_dot[i * hidden + j] *=
                    TYPED(swish_slope)(h[i * hidden + j] + parameters[at.m1b + j]);
        TYPED(multiply)(batch, codes, hidden, h_dot, hidden, parameters + at.m2, 1, dz_dot, codes);
    }
}

/* The products of the forward pass are computed afresh, but not the forward pass itself. */
void TYPED(fc_field_vjp)(const fc_field_config *config, const REAL *parameters, size_t batch,
                         const REAL *z, const REAL *dz_bar, REAL *z_bar, REAL *parameter_bar,
                         REAL *work)
{
    fc_field_layout at = fc_field_layout_of(config);
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden;
    size_t width = fc__field_tape_width(config);
    REAL *tape = work, *adjoint = work + batch * width;
    if (rank) {
        TYPED(multiply)(batch, 2 * rank, codes, z, codes, parameters + at.v, 0, tape, width);
        TYPED(shift_and_multiply)(batch, rank, parameters + at.va, tape, width, adjoint, rank);
    }
    if (hidden) {
        REAL *h = tape + 2 * rank;
        TYPED(multiply)(batch, hidden, codes, z, codes, parameters + at.m1, 0, h, width);
        TYPED(shift_and_swish)(batch, hidden, parameters + at.m1b, h, width, adjoint, hidden);
    }
    TYPED(fc__field_backward)(config, parameters, batch, dz_bar, tape, 1, z_bar, adjoint);
    if (parameter_bar)
        TYPED(fc__field_gradient)(config, batch, z, dz_bar, adjoint, parameter_bar);
}
