/* field.h: evaluation and derivatives of the vector field (declared in ode/field.h), included once
 * for float and once for double with REAL and TYPED(name) as in products.h, and
 *
 *   EXP           the exponential */

/* s = p * q of every row */
static void TYPED(multiply_factors)(size_t rows, size_t rank, const REAL *factors, size_t ldf,
                                    REAL *products, size_t lds)
{
    for (size_t i = 0; i < rows; i++) {
        const REAL *p = factors + i * ldf, *q = p + rank;
        REAL *s = products + i * lds;
#pragma omp simd
        for (size_t r = 0; r < rank; r++)
            s[r] = p[r] * q[r];
    }
}

/* Given s_bar in place of s: p_bar = s_bar * q, q_bar = s_bar * p, s = p * q */
static void TYPED(multiply_backward)(size_t rows, size_t rank, const REAL *factors, size_t ldf,
                                     REAL *factors_bar, REAL *products, size_t lda)
{
    for (size_t i = 0; i < rows; i++) {
        const REAL *p = factors + i * ldf, *q = p + rank;
        REAL *p_bar = factors_bar + i * lda, *q_bar = p_bar + rank, *s = products + i * lda;
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
static void TYPED(multiply_tangent)(size_t rows, size_t rank, const REAL *factors,
                                    REAL *factors_dot)
{
    for (size_t i = 0; i < rows; i++) {
        const REAL *p = factors + 2 * i * rank, *q = p + rank;
        REAL *p_dot = factors_dot + 2 * i * rank, *q_dot = p_dot + rank;
#pragma omp simd
        for (size_t r = 0; r < rank; r++)
            p_dot[r] = p_dot[r] * q[r] + p[r] * q_dot[r];
    }
}

/* swish(h) = h sigma(h), sigma(h) = 1 / (1 + e^-h) */
static REAL TYPED(swish)(REAL h)
{
    return h / (1 + EXP(-h));
}

/* swish'(h) = sigma(h) (1 + h (1 - sigma(h))) */
static REAL TYPED(swish_slope)(REAL h)
{
    REAL sigma = 1 / (1 + EXP(-h));
    return sigma * (1 + h * (1 - sigma));
}

/* tape: p = V z + a, q = W z + d, h = M1 z + m1 */
static void TYPED(factors)(const fc_field_config *config, const TYPED(fc__field_weights) * weights,
                           size_t rows, const REAL *z, REAL *tape)
{
    fc_field_layout at = fc_field_layout_of(config);
    size_t codes = config->codes, rank = config->rank, width = fc__field_tape_width(config);
    const REAL *parameters = weights->parameters;
    if (rank) {
        TYPED(apply)
        (config, weights, V_PANELS, rows, z, codes, parameters + at.va, false, tape, width);
        TYPED(apply)
        (config, weights, W_PANELS, rows, z, codes, parameters + at.wd, false, tape + rank, width);
    }
    if (config->hidden)
        TYPED(apply)
    (config, weights, M1_PANELS, rows, z, codes, parameters + at.m1b, false, tape + 2 * rank,
     width);
}

static void TYPED(forward)(const fc_field_config *config, const TYPED(fc__field_weights) * weights,
                           size_t rows, const REAL *z, REAL *dz, REAL *tape, REAL *scratch)
{
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden;
    size_t width = fc__field_tape_width(config);
    const REAL *bias = weights->parameters + fc_field_layout_of(config).bias;
    TYPED(factors)(config, weights, rows, z, tape);
    for (size_t i = 0; i < rows; i++)
        memcpy(dz + i * codes, bias, codes * sizeof *dz);
    if (config->linear)
        TYPED(apply)(config, weights, A_PANELS, rows, z, codes, NULL, true, dz, codes);
    if (rank) {
        TYPED(multiply_factors)(rows, rank, tape, width, scratch, rank);
        TYPED(apply)(config, weights, U_PANELS, rows, scratch, rank, NULL, true, dz, codes);
    }
    if (hidden) {
        const REAL *h = tape + 2 * rank;
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < hidden; j++)
                scratch[i * hidden + j] = TYPED(swish)(h[i * width + j]);
        TYPED(apply)(config, weights, M2_PANELS, rows, scratch, hidden, NULL, true, dz, codes);
    }
}

/* z_bar = A^T dz_bar + F^T [p_bar; q_bar] + M1^T h_bar, where s_bar = U^T dz_bar and
 * h_bar = swish'(h) * M2^T dz_bar */
static void TYPED(backward)(const fc_field_config *config, const TYPED(fc__field_weights) * weights,
                            size_t rows, const REAL *dz_bar, const REAL *tape, REAL beta,
                            REAL *z_bar, REAL *adjoint)
{
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden;
    size_t width = fc__field_tape_width(config), lda = fc__field_adjoint_width(config);
    REAL *h_bar = adjoint + 2 * rank, *s = h_bar + hidden, *g = s + rank;
    if (rank) {
        TYPED(pull)(config, weights, U_PANELS, rows, dz_bar, codes, false, s, lda);
        TYPED(multiply_backward)(rows, rank, tape, width, adjoint, s, lda);
    }
    if (hidden) {
        const REAL *h = tape + 2 * rank;
        TYPED(pull)(config, weights, M2_PANELS, rows, dz_bar, codes, false, h_bar, lda);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < hidden; j++) {
                REAL value = h[i * width + j];
                h_bar[i * lda + j] *= TYPED(swish_slope)(value);
                g[i * lda + j] = TYPED(swish)(value);
            }
    }
    if (!z_bar)
        return;
    if (beta == 0)
        memset(z_bar, 0, rows * codes * sizeof *z_bar);
    if (config->linear)
        TYPED(pull)(config, weights, A_PANELS, rows, dz_bar, codes, true, z_bar, codes);
    if (rank)
        TYPED(pull)(config, weights, V_PANELS, rows, adjoint, lda, true, z_bar, codes);
    if (hidden)
        TYPED(pull)(config, weights, M1_PANELS, rows, h_bar, lda, true, z_bar, codes);
}

/* sum [begin, end) += the rows of a matrix */
static void TYPED(add_rows)(size_t rows, size_t begin, size_t end, const REAL *matrix, size_t ld,
                            REAL *sum)
{
    for (size_t i = 0; i < rows; i++)
#pragma omp simd
        for (size_t j = begin; j < end; j++)
            sum[j] += matrix[i * ld + j];
}

/* bar (m, n) += left^T right for left (rows, m) and right (rows, n): a share of the rows of bar */
static void TYPED(add_tall)(size_t rows, size_t m, size_t n, const REAL *left, size_t ldl,
                            const REAL *right, size_t ldr, size_t part, size_t parts, REAL *bar)
{
    size_t begin, end;
    share(m, OUTER_ROWS, part, parts, &begin, &end);
    if (end > begin)
        TYPED(add_outer)
    (rows, end - begin, n, left + begin, ldl, right, ldr, bar + begin * n, n);
}

/* The same: a share of the columns */
static void TYPED(add_wide)(size_t rows, size_t m, size_t n, const REAL *left, size_t ldl,
                            const REAL *right, size_t ldr, size_t part, size_t parts, REAL *bar)
{
    size_t begin, end;
    share(n, PANEL, part, parts, &begin, &end);
    if (end > begin)
        TYPED(add_outer)(rows, m, end - begin, left, ldl, right + begin, ldr, bar + begin, n);
}

static void TYPED(gradient)(const fc_field_config *config, size_t rows, const REAL *z,
                            const REAL *dz_bar, const REAL *adjoint, size_t part, size_t parts,
                            REAL *parameter_bar)
{
    fc_field_layout at = fc_field_layout_of(config);
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden, begin, end;
    size_t lda = fc__field_adjoint_width(config);
    const REAL *h_bar = adjoint + 2 * rank, *s = h_bar + hidden, *g = s + rank;
    REAL *bar = parameter_bar;
    fc__slice(codes, parts, part, &begin, &end);
    TYPED(add_rows)(rows, begin, end, dz_bar, codes, bar + at.bias);
    if (config->linear)
        TYPED(add_tall)
    (rows, codes, codes, dz_bar, codes, z, codes, part, parts, bar + at.a);
    if (rank) {
        fc__slice(2 * rank, parts, part, &begin, &end);
        TYPED(add_rows)(rows, begin, end, adjoint, lda, bar + at.va);
        TYPED(add_tall)
        (rows, 2 * rank, codes, adjoint, lda, z, codes, part, parts, bar + at.v);
        TYPED(add_wide)(rows, codes, rank, dz_bar, codes, s, lda, part, parts, bar + at.u);
    }
    if (hidden) {
        fc__slice(hidden, parts, part, &begin, &end);
        TYPED(add_rows)(rows, begin, end, h_bar, lda, bar + at.m1b);
        TYPED(add_tall)(rows, hidden, codes, h_bar, lda, z, codes, part, parts, bar + at.m1);
        TYPED(add_wide)(rows, codes, hidden, dz_bar, codes, g, lda, part, parts, bar + at.m2);
    }
}

/* dz_dot = (df/dz) z_dot */
static void TYPED(tangent)(const fc_field_config *config, const REAL *parameters, size_t batch,
                           const REAL *z, const REAL *z_dot, REAL *dz_dot, REAL *work)
{
    fc_field_layout at = fc_field_layout_of(config);
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden;
    TYPED(fc__field_weights) weights = {.parameters = parameters};
    memset(dz_dot, 0, batch * codes * sizeof *dz_dot);
    if (config->linear)
        TYPED(apply)(config, &weights, A_PANELS, batch, z_dot, codes, NULL, true, dz_dot, codes);
    if (rank) {
        REAL *f = work, *f_dot = f + 2 * batch * rank;
        const REAL *factors = parameters + at.v;
        TYPED(times_transposed)
        (batch, 2 * rank, codes, z, codes, factors, parameters + at.va, false, f, 2 * rank);
        TYPED(times_transposed)
        (batch, 2 * rank, codes, z_dot, codes, factors, NULL, false, f_dot, 2 * rank);
        TYPED(multiply_tangent)(batch, rank, f, f_dot);
        TYPED(apply)
        (config, &weights, U_PANELS, batch, f_dot, 2 * rank, NULL, true, dz_dot, codes);
    }
    if (hidden) {
        REAL *h = work, *h_dot = h + batch * hidden;
        TYPED(apply)
        (config, &weights, M1_PANELS, batch, z, codes, parameters + at.m1b, false, h, hidden);
        TYPED(apply)
        (config, &weights, M1_PANELS, batch, z_dot, codes, NULL, false, h_dot, hidden);
        for (size_t i = 0; i < batch * hidden; i++)
            h_dot[i] *= TYPED(swish_slope)(h[i]);
        TYPED(apply)(config, &weights, M2_PANELS, batch, h_dot, hidden, NULL, true, dz_dot, codes);
    }
}
