/* products.h: products with weights as they lie, included once for float and once for double with
 *
 *   REAL          the type
 *   TYPED(name)   the name of the instance
 *   GEMM          the matrix product */

/* y (n) = start + M x for M (n, k): four rows at a time, so that x is loaded once for all; start
 * may be y, NULL = 0 */
static void TYPED(times_one)(size_t n, size_t k, const REAL *x, const REAL *matrix,
                             const REAL *start, REAL *y)
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
            y[i + r] = start ? start[i + r] + sums[r] : sums[r];
    }
    for (; i < n; i++) {
        REAL sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < k; j++)
            sum += matrix[i * k + j] * x[j];
        y[i] = start ? start[i] + sum : sum;
    }
}

/* y (batch, n) = bias + x (batch, k) M^T, or += where `add`, for M (n, k). A product of few rows
 * spends its time on rearranging M: up to three rows in float and one in double are faster one by
 * one (measured with OpenBLAS 0.3.21: one float row of 200 against (2048, 200) takes 32 us, and
 * 139 us in sgemm). */
static void TYPED(times_transposed)(size_t batch, size_t n, size_t k, const REAL *x, size_t ldx,
                                    const REAL *matrix, const REAL *bias, bool add, REAL *y,
                                    size_t ldy)
{
    if (batch * sizeof *x <= 12) {
        for (size_t i = 0; i < batch; i++)
            TYPED(times_one)(n, k, x + i * ldx, matrix, add ? y + i * ldy : bias, y + i * ldy);
        return;
    }
    for (size_t i = 0; i < batch && bias; i++)
        memcpy(y + i * ldy, bias, n * sizeof *y);
    GEMM(false, true, batch, n, k, 1, x, ldx, matrix, k, add || bias ? 1 : 0, y, ldy);
}
