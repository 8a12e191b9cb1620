/* panels.h: the weights of the field as packed panels, and products with them (float).
 *
 * Forward, for products with M^T (B(l, j) = M(j, l)):  A, V, W, U, M1, M2;
 * backward, for products with M (B(l, j) = M(l, j)):   A, U, F = [V; W], M1, M2.
 * Each matrix takes k rows of n columns rounded up to whole panels. A few columns beyond whole
 * vectors would cost as much as a vector: they follow once more as rows, for products along k. */

enum {
    DEPTH = 128, /* rows of a panel taken together: they stay in the first-level cache */
    OUTER_DEPTH = 128,
    OUTER_ROWS = 8 * BLOCK_ROWS,
    OUTER_COLUMNS = 128 /* whole panels at every level */
};

/* One packed matrix: B(l, j), l < k, j < n, from m[l row + j column]. */
typedef struct panel_matrix {
    size_t source; /* offset into the parameters */
    size_t k, n;
    size_t target; /* offset into the panels */
} panel_matrix;

enum { A_PANELS, V_PANELS, W_PANELS, U_PANELS, M1_PANELS, M2_PANELS, PANEL_MATRICES };

/* Columns of n that are taken as rows. */
static size_t tail_of(size_t n)
{
    return n % LANES <= LANES / 4 ? n % LANES : 0;
}

static inline void place_panels(size_t source, size_t k, size_t n, size_t *at, panel_matrix *m)
{
    *m = (panel_matrix){source, k, n, *at};
    *at += packed_size(k, n) + tail_of(n) * padded(k);
}

static inline void forward_panels(const fc_field_config *config,
                                  panel_matrix panels[PANEL_MATRICES])
{
    fc_field_layout at = fc_field_layout_of(config);
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden, target = 0;
    place_panels(at.a, codes, config->linear ? codes : 0, &target, &panels[A_PANELS]);
    place_panels(at.v, codes, rank, &target, &panels[V_PANELS]);
    place_panels(at.w, codes, rank, &target, &panels[W_PANELS]);
    place_panels(at.u, rank, codes, &target, &panels[U_PANELS]);
    place_panels(at.m1, codes, hidden, &target, &panels[M1_PANELS]);
    place_panels(at.m2, hidden, codes, &target, &panels[M2_PANELS]);
}

/* V_PANELS stands for F; W_PANELS is empty. */
static inline void backward_panels(const fc_field_config *config,
                                   panel_matrix panels[PANEL_MATRICES])
{
    fc_field_layout at = fc_field_layout_of(config);
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden, target = 0;
    place_panels(at.a, config->linear ? codes : 0, codes, &target, &panels[A_PANELS]);
    place_panels(at.v, 2 * rank, codes, &target, &panels[V_PANELS]);
    place_panels(at.w, 0, 0, &target, &panels[W_PANELS]);
    place_panels(at.u, codes, rank, &target, &panels[U_PANELS]);
    place_panels(at.m1, hidden, codes, &target, &panels[M1_PANELS]);
    place_panels(at.m2, codes, hidden, &target, &panels[M2_PANELS]);
}

/* The tail of B(l, j) = b[l row + j column] as rows of padded(k), zeros beyond k. */
static void pack_tail(const panel_matrix *m, const float *b, size_t row, size_t column,
                      float *panels)
{
    size_t tail = tail_of(m->n), width = padded(m->k);
    float *to = panels + m->target + packed_size(m->k, m->n);
    b += (m->n - tail) * column;
    for (size_t j = 0; j < tail; j++)
        for (size_t l = 0; l < width; l++)
            to[j * width + l] = l < m->k ? b[l * row + j * column] : 0.0f;
}

/* Panels are numbered through all matrices, and a part takes its share of them. */
static void pack(const fc_field_config *config, const float *parameters, fc__pack_for purpose,
                 size_t part, size_t parts, float *panels)
{
    panel_matrix matrices[PANEL_MATRICES];
    bool transposed = purpose == FC__PACK_FORWARD;
    if (transposed)
        forward_panels(config, matrices);
    else
        backward_panels(config, matrices);
    for (size_t i = 0; i < PANEL_MATRICES; i++) {
        const panel_matrix *m = &matrices[i];
        size_t begin, end;
        fc__slice((m->n + PANEL - 1) / PANEL, parts, part, &begin, &end);
        for (size_t p = begin; p < end; p++) {
            const float *from = parameters + m->source;
            float *to = panels + m->target + p * PANEL * m->k;
            size_t j = p * PANEL, columns = m->n - j < PANEL ? m->n - j : PANEL;
            if (transposed)
                pack_panels(m->k, columns, from + j * m->k, 1, m->k, to);
            else
                pack_panels(m->k, columns, from + j, m->n, 1, to);
        }
        if (part + 1 == parts)
            pack_tail(m, parameters + m->source, transposed ? 1 : m->n, transposed ? m->k : 1,
                      panels);
    }
}

/* y (rows, n) = bias + x B, or += x B where `add`, for x (rows, k) and rows [first, first + k) of a
 * packed matrix, `depth` of them at a time. */
static void multiply_panels(size_t rows, const float *x, size_t ldx, const float *panels,
                            const panel_matrix *b, size_t first, size_t k, const float *bias,
                            bool add, float *y, size_t ldy)
{
    for (size_t l = 0; l < k; l += DEPTH) {
        multiply(&(product){.m = rows,
                            .n = b->n,
                            .k = k - l < DEPTH ? k - l : DEPTH,
                            .a = x + l,
                            .a_row = ldx,
                            .a_column = 1,
                            .b = panels + b->target + (first + l) * PANEL,
                            .b_row = PANEL,
                            .b_panel = b->k * PANEL,
                            .c = y,
                            .ldc = ldy,
                            .bias = l == 0 ? bias : NULL,
                            .add = add || l > 0});
    }
}

static float sum_lanes(vector value)
{
#if defined(__AVX512F__)
    return _mm512_reduce_add_ps((__m512)value);
#else
    float sum = 0.0f;
    for (size_t i = 0; i < LANES; i++)
        sum += value[i];
    return sum;
#endif
}

/* y (rows, columns) = bias + x t^T, or += x t^T where `add`, for t (columns, padded(k)); rows and
 * columns are constants where this is inlined. */
FC__INLINE void tail_block(const size_t rows, const size_t columns, size_t k, const float *x,
                           size_t ldx, const float *t, const float *bias, bool add, float *y,
                           size_t ldy)
{
    vector sum[BLOCK_ROWS][LANES / 4] = {0};
    size_t width = padded(k);
    for (size_t l = 0; l < width; l += LANES) {
        vector right[LANES / 4];
        FC__UNROLL
        for (size_t j = 0; j < columns; j++)
            right[j] = load(t + j * width + l);
        FC__UNROLL
        for (size_t i = 0; i < rows; i++) {
            const float *from = x + i * ldx + l;
            vector left = l + LANES <= k ? load(from) : load_part(from, k - l);
            FC__UNROLL
            for (size_t j = 0; j < columns; j++)
                sum[i][j] += left * right[j];
        }
    }
    FC__UNROLL
    for (size_t i = 0; i < rows; i++) {
        FC__UNROLL
        for (size_t j = 0; j < columns; j++) {
            float start = add ? y[i * ldy + j] : bias ? bias[j] : 0.0f;
            y[i * ldy + j] = start + sum_lanes(sum[i][j]);
        }
    }
}

FC__INLINE void tail_rows(size_t rows, const size_t columns, size_t k, const float *x, size_t ldx,
                          const float *t, const float *bias, bool add, float *y, size_t ldy)
{
    size_t i = 0;
    for (; i + BLOCK_ROWS <= rows; i += BLOCK_ROWS)
        tail_block(BLOCK_ROWS, columns, k, x + i * ldx, ldx, t, bias, add, y + i * ldy, ldy);
    for (; i < rows; i++)
        tail_block(1, columns, k, x + i * ldx, ldx, t, bias, add, y + i * ldy, ldy);
}

/* y (rows, n) = bias + x B, or += x B where `add`: the whole of a packed matrix */
static void multiply_matrix(size_t rows, const float *x, size_t ldx, const float *panels,
                            const panel_matrix *b, const float *bias, bool add, float *y,
                            size_t ldy)
{
    size_t tail = tail_of(b->n), whole = b->n - tail;
    panel_matrix part = *b;
    part.n = whole;
    multiply_panels(rows, x, ldx, panels, &part, 0, b->k, bias, add, y, ldy);
    const float *t = panels + b->target + packed_size(b->k, b->n);
    bias = bias ? bias + whole : NULL;
    y += whole;
    switch (tail) {
    case 0:
        break;
    case 1:
        tail_rows(rows, 1, b->k, x, ldx, t, bias, add, y, ldy);
        break;
#if defined(__AVX2__)
    case 2:
        tail_rows(rows, 2, b->k, x, ldx, t, bias, add, y, ldy);
        break;
#endif
#if defined(__AVX512F__)
    case 3:
        tail_rows(rows, 3, b->k, x, ldx, t, bias, add, y, ldy);
        break;
    default:
        tail_rows(rows, 4, b->k, x, ldx, t, bias, add, y, ldy);
#else
    default:
        break;
#endif
    }
}

/* y (rows, n) = bias + x M^T, or += x M^T where `add`; which: one of the forward panels */
static void apply(const fc_field_config *config, const fc__field_weights *weights, size_t which,
                  size_t rows, const float *x, size_t ldx, const float *bias, bool add, float *y,
                  size_t ldy)
{
    panel_matrix matrices[PANEL_MATRICES];
    forward_panels(config, matrices);
    const panel_matrix *m = &matrices[which];
    if (weights->forward)
        multiply_matrix(rows, x, ldx, weights->forward, m, bias, add, y, ldy);
    else
        times_transposed(rows, m->n, m->k, x, ldx, weights->parameters + m->source, bias, add, y,
                         ldy);
}

static void apply_double(const fc_field_config *config, const fc__field_weights_double *weights,
                         size_t which, size_t rows, const double *x, size_t ldx, const double *bias,
                         bool add, double *y, size_t ldy)
{
    panel_matrix matrices[PANEL_MATRICES];
    forward_panels(config, matrices);
    const panel_matrix *m = &matrices[which];
    times_transposed_double(rows, m->n, m->k, x, ldx, weights->parameters + m->source, bias, add, y,
                            ldy);
}

/* y (rows, n) = x M, or += x M where `add`; which: one of the backward panels */
static void pull(const fc_field_config *config, const fc__field_weights *weights, size_t which,
                 size_t rows, const float *x, size_t ldx, bool add, float *y, size_t ldy)
{
    panel_matrix matrices[PANEL_MATRICES];
    backward_panels(config, matrices);
    const panel_matrix *m = &matrices[which];
    if (weights->backward)
        multiply_matrix(rows, x, ldx, weights->backward, m, NULL, add, y, ldy);
    else
        fc__sgemm(false, false, rows, m->n, m->k, 1, x, ldx, weights->parameters + m->source, m->n,
                  add ? 1 : 0, y, ldy);
}

static void pull_double(const fc_field_config *config, const fc__field_weights_double *weights,
                        size_t which, size_t rows, const double *x, size_t ldx, bool add, double *y,
                        size_t ldy)
{
    panel_matrix matrices[PANEL_MATRICES];
    backward_panels(config, matrices);
    const panel_matrix *m = &matrices[which];
    fc__dgemm(false, false, rows, m->n, m->k, 1, x, ldx, weights->parameters + m->source, m->n,
              add ? 1 : 0, y, ldy);
}

/* A part's share of `total` rows or columns, in whole tiles. */
static void share(size_t total, size_t tile, size_t part, size_t parts, size_t *begin, size_t *end)
{
    fc__slice((total + tile - 1) / tile, parts, part, begin, end);
    *begin = *begin * tile < total ? *begin * tile : total;
    *end = *end * tile < total ? *end * tile : total;
}

/* block (rows, OUTER_ROWS) = the first `columns` of each row */
static void copy_block(size_t rows, size_t columns, const float *from, size_t ld, float *block)
{
    for (size_t r = 0; r < rows; r++, from += ld, block += OUTER_ROWS) {
        size_t j = 0;
        for (; j + LANES <= columns; j += LANES)
            store(block + j, load(from + j));
        if (j < columns)
            store_part(block + j, load_part(from + j, columns - j), columns - j);
    }
}

/* bar (rows, columns) += block (columns, OUTER_ROWS)^T */
static void add_transposed(size_t rows, size_t columns, const float *block, float *bar, size_t ldb)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            bar[i * ldb + j] += block[j * OUTER_ROWS + i];
}

/* One block of bar (m, n) += left^T right, m <= OUTER_ROWS, depth <= OUTER_DEPTH; the first `whole`
 * columns of right are packed, the others, less than a vector, take their turn as rows. */
static void add_outer_block(size_t depth, size_t m, size_t n, size_t whole, const float *left,
                            const float *right, size_t ldr, const float *packed, float *bar,
                            size_t ldb)
{
    float tail[LANES * OUTER_ROWS] __attribute__((aligned(64)));
    multiply(&(product){.m = m,
                        .n = whole,
                        .k = depth,
                        .a = left,
                        .a_row = 1,
                        .a_column = OUTER_ROWS,
                        .b = packed,
                        .b_row = PANEL,
                        .b_panel = depth * PANEL,
                        .c = bar,
                        .ldc = ldb,
                        .add = true});
    if (whole == n)
        return;
    multiply(&(product){.m = n - whole,
                        .n = m,
                        .k = depth,
                        .a = right + whole,
                        .a_row = 1,
                        .a_column = ldr,
                        .b = left,
                        .b_row = OUTER_ROWS,
                        .b_panel = PANEL,
                        .c = tail,
                        .ldc = OUTER_ROWS});
    add_transposed(m, n - whole, tail, bar + whole, ldb);
}

/* bar (m, n) += left^T right for left (rows, m) and right (rows, n): a sum over rows in fixed
 * blocks, both sides copied block by block because their rows lie far apart. */
static void add_outer(size_t rows, size_t m, size_t n, const float *left, size_t ldl,
                      const float *right, size_t ldr, float *bar, size_t ldb)
{
    float b[OUTER_DEPTH * OUTER_COLUMNS] __attribute__((aligned(64)));
    float a[OUTER_DEPTH * OUTER_ROWS] __attribute__((aligned(64)));
    for (size_t j = 0; j < n; j += OUTER_COLUMNS) {
        size_t columns = n - j < OUTER_COLUMNS ? n - j : OUTER_COLUMNS;
        size_t tail = columns % LANES, whole = tail <= LANES / 2 ? columns - tail : columns;
        for (size_t l = 0; l < rows; l += OUTER_DEPTH) {
            size_t depth = rows - l < OUTER_DEPTH ? rows - l : OUTER_DEPTH;
            const float *block = right + l * ldr + j;
            pack_panels(depth, whole, block, ldr, 1, b);
            for (size_t i = 0; i < m; i += OUTER_ROWS) {
                size_t height = m - i < OUTER_ROWS ? m - i : OUTER_ROWS;
                copy_block(depth, height, left + l * ldl + i, ldl, a);
                add_outer_block(depth, height, columns, whole, a, block, ldr, b, bar + i * ldb + j,
                                ldb);
            }
        }
    }
}

static void add_outer_double(size_t rows, size_t m, size_t n, const double *left, size_t ldl,
                             const double *right, size_t ldr, double *bar, size_t ldb)
{
    fc__dgemm(true, false, m, n, rows, 1, left, ldl, right, ldr, 1, bar, ldb);
}
