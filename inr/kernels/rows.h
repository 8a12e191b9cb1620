/* rows.h: products with rows of the basis, (rows, C) floats that stream from memory once. */

/* wide (rows, C) = diag(factor) Phi in double; factor may be NULL. */
static void widen(size_t rows, size_t codes, const float *phi, const double *factor, double *wide)
{
    for (size_t p = 0; p < rows; p++, phi += codes, wide += codes) {
        double scale = factor ? factor[p] : 1.0;
#pragma omp simd
        for (size_t c = 0; c < codes; c++)
            wide[c] = scale * (double)phi[c];
    }
}

/* sum (C) += sum_p innovation_p Phi_p, eight rows at a time so that `sum` is rarely touched. */
static void project(size_t rows, size_t codes, const double *innovation, const float *phi,
                    double *sum)
{
    size_t p = 0;
    for (; p + 8 <= rows; p += 8, phi += 8 * codes) {
        const double *d = innovation + p;
        const float *r1 = phi + codes, *r2 = r1 + codes, *r3 = r2 + codes, *r4 = r3 + codes,
                    *r5 = r4 + codes, *r6 = r5 + codes, *r7 = r6 + codes;
#pragma omp simd
        for (size_t c = 0; c < codes; c++)
            sum[c] += ((d[0] * (double)phi[c] + d[1] * (double)r1[c]) +
                       (d[2] * (double)r2[c] + d[3] * (double)r3[c])) +
                      ((d[4] * (double)r4[c] + d[5] * (double)r5[c]) +
                       (d[6] * (double)r6[c] + d[7] * (double)r7[c]));
    }
    for (; p < rows; p++, phi += codes) {
#pragma omp simd
        for (size_t c = 0; c < codes; c++)
            sum[c] += innovation[p] * (double)phi[c];
    }
}

/* Fields: points stand along the lanes, so that none is wasted on any number of frames. A tile of
 * the basis is turned once and stays in the first-level cache for all frames, while the next one is
 * fetched; sums of a block of frames are held in registers, each Phi is loaded once for them, and
 * codes are broadcast. */
enum {
    TILE_VECTORS = 2,
    TILE_ROWS = TILE_VECTORS * LANES,
    FRAME_BLOCK = REGISTERS == 32 ? 10 : 6,
    CODE_BLOCK = 128, /* codes turned at a time: what the first-level cache holds */
    LINE = 64,        /* bytes of a cache line */
    LINES = TILE_ROWS * sizeof(float) > LINE ? TILE_ROWS * sizeof(float) / LINE : 1
};

typedef struct field_tile {
    const fc__fields *fields;
    size_t start, size;       /* rows */
    size_t first_code, codes; /* of this block of codes */
    float turned[CODE_BLOCK * TILE_ROWS];
    float shift[TILE_ROWS], scale[TILE_ROWS]; /* value = shift + scale * sum */
} field_tile;

/* turned (codes, TILE_ROWS) = Phi^T. Blocks at the ends overlap those before them. */
static inline void turn_tile(field_tile *t)
{
    size_t row = t->fields->codes, size = t->size, codes = t->codes;
    const float *phi = t->fields->phi + t->start * row + t->first_code;
    if (size < TILE_ROWS)
        memset(t->turned, 0, codes * TILE_ROWS * sizeof *t->turned);
    if (size < LANES || codes < LANES) {
        for (size_t r = 0; r < size; r++)
            for (size_t c = 0; c < codes; c++)
                t->turned[c * TILE_ROWS + r] = phi[r * row + c];
        return;
    }
    for (size_t i = 0; i < size; i += LANES) {
        size_t r = i + LANES <= size ? i : size - LANES;
        for (size_t j = 0; j < codes; j += LANES) {
            size_t c = j + LANES <= codes ? j : codes - LANES;
            transpose_block(phi + r * row + c, row, t->turned + c * TILE_ROWS + r, TILE_ROWS);
        }
    }
}

/* mean + scale (phi0 + sum) = shift + scale sum */
static inline void scale_tile(field_tile *t)
{
    const fc__fields *f = t->fields;
    memset(t->shift, 0, sizeof t->shift);
    memset(t->scale, 0, sizeof t->scale);
    for (size_t r = 0, channel = t->start % f->channels; r < t->size; r++) {
        t->scale[r] = f->scale ? f->scale[channel] : 1.0f;
        t->shift[r] = (f->mean ? f->mean[channel] : 0.0f) + t->scale[r] * f->phi0[t->start + r];
        channel = channel + 1 < f->channels ? channel + 1 : 0;
    }
}

/* A sum on its way to the values of frame k, rows from r on. */
FC__INLINE void write_sum(const field_tile *t, size_t k, size_t r, vector sum, bool last)
{
    if (r >= t->size)
        return;
    float *values = t->fields->values[k] + t->fields->offset + t->start + r;
    size_t lanes = t->size - r < LANES ? t->size - r : LANES;
    if (t->first_code > 0)
        sum += lanes == LANES ? load(values) : load_part(values, lanes);
    if (last)
        sum = load(t->shift + r) + load(t->scale + r) * sum;
    if (lanes == LANES)
        store(values, sum);
    else
        store_part(values, sum, lanes);
}

/* Frames [first, first + frames), a constant where this is inlined. Sums over earlier blocks of
 * codes wait in `values`. One line of the next tile is asked for with every code; an address
 * beyond the basis does no harm. */
FC__INLINE void sum_frames(const field_tile *t, size_t first, const size_t frames)
{
    const fc__fields *f = t->fields;
    const size_t row = f->codes;
    const float *turned = t->turned, *z = f->z + first * row + t->first_code;
    uintptr_t ahead = (uintptr_t)(f->phi + (t->start + TILE_ROWS) * row) +
                      (first / frames % LINES * row + t->first_code) * LINE;
    bool last = t->first_code + t->codes == row;
    vector sum[FRAME_BLOCK][TILE_VECTORS];
    FC__UNROLL
    for (size_t k = 0; k < frames; k++) {
        FC__UNROLL
        for (size_t v = 0; v < TILE_VECTORS; v++)
            sum[k][v] = (vector){0};
    }
    for (size_t c = t->codes; c > 0; c--, z++, turned += TILE_ROWS, ahead += LINE) {
        vector phi[TILE_VECTORS];
        __builtin_prefetch((const void *)ahead);
        FC__UNROLL
        for (size_t v = 0; v < TILE_VECTORS; v++)
            phi[v] = load(turned + v * LANES);
        FC__UNROLL
        for (size_t k = 0; k < frames; k++) {
            FC__UNROLL
            for (size_t v = 0; v < TILE_VECTORS; v++)
                sum[k][v] += z[k * row] * phi[v];
        }
    }
    FC__UNROLL
    for (size_t k = 0; k < frames; k++) {
        FC__UNROLL
        for (size_t v = 0; v < TILE_VECTORS; v++)
            write_sum(t, first + k, v * LANES, sum[k][v], last);
    }
}

/* All frames, in blocks of nearly equal numbers. */
static void sum_tile(const field_tile *t)
{
    size_t frames = t->fields->frames, blocks = (frames + FRAME_BLOCK - 1) / FRAME_BLOCK;
    for (size_t b = 0; b < blocks; b++) {
        size_t first = frames * b / blocks, next = frames * (b + 1) / blocks;
        switch (next - first) {
#define FC__FRAMES(n)                                                                              \
    case n:                                                                                        \
        sum_frames(t, first, n);                                                                   \
        break;
            FC__FRAMES(1)
            FC__FRAMES(2)
            FC__FRAMES(3)
            FC__FRAMES(4)
            FC__FRAMES(5)
            FC__FRAMES(6)
#if defined(__AVX512F__) || defined(__aarch64__)
            FC__FRAMES(7)
            FC__FRAMES(8)
            FC__FRAMES(9)
            FC__FRAMES(10)
#endif
#undef FC__FRAMES
        default:
            break;
        }
    }
}

/* Fields at rows [begin, end). */
static void fields(const fc__fields *f, size_t begin, size_t end)
{
    field_tile t;
    size_t blocks = (f->codes + CODE_BLOCK - 1) / CODE_BLOCK;
    t.fields = f;
    for (t.start = begin; t.start < end; t.start += TILE_ROWS) {
        t.size = end - t.start < TILE_ROWS ? end - t.start : TILE_ROWS;
        scale_tile(&t);
        for (size_t b = 0; b < blocks; b++) {
            t.first_code = f->codes * b / blocks;
            t.codes = f->codes * (b + 1) / blocks - t.first_code;
            turn_tile(&t);
            sum_tile(&t);
        }
    }
}
