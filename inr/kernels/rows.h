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

enum {
    FIELD_ROWS = 48, /* multiplied at a time: a multiple of all LANES */
    WRITTEN_ROWS =
        192 /* written at a time: short stretches of many fields would share cache lines */
};

/* values = mean + scale (phi0 + product) for rows [start, start + size) and frames [first, first +
 * number); products (number, WRITTEN_ROWS) */
FC__INLINE void write_fields(const fc__fields *f, size_t start, size_t size, size_t first,
                             size_t number, const float *products)
{
    float shift[WRITTEN_ROWS], scale[WRITTEN_ROWS];
    for (size_t r = 0; r < size; r++) {
        size_t channel = f->channels == 1 ? 0 : (start + r) % f->channels;
        scale[r] = f->scale ? f->scale[channel] : 1.0f;
        shift[r] = (f->mean ? f->mean[channel] : 0.0f) + scale[r] * f->phi0[start + r];
    }
    for (size_t k = 0; k < number; k++, products += WRITTEN_ROWS) {
        float *values = f->values[first + k] + f->offset + start;
        size_t r = 0;
        for (; r + LANES <= size; r += LANES)
            store(values + r, load(shift + r) + load(scale + r) * load(products + r));
        for (; r < size; r++)
            values[r] = shift[r] + scale[r] * products[r];
    }
}

/* Few frames: each row is read along the codes, which wastes no lanes. */
FC__INLINE void few_fields(const fc__fields *f, size_t start, size_t size, float *products)
{
    for (size_t r = 0; r < size; r++) {
        const float *phi = f->phi + (start + r) * f->codes;
        for (size_t k = 0; k < f->frames; k++) {
            const float *z = f->z + k * f->codes;
            vector sums[2] = {{0}, {0}};
            size_t c = 0;
            for (; c + 2 * LANES <= f->codes; c += 2 * LANES) {
                sums[0] += load(phi + c) * load(z + c);
                sums[1] += load(phi + c + LANES) * load(z + c + LANES);
            }
            for (; c < f->codes; c += LANES) {
                size_t lanes = f->codes - c < LANES ? f->codes - c : LANES;
                sums[0] += load_part(phi + c, lanes) * load_part(z + c, lanes);
            }
            vector both = sums[0] + sums[1];
            float total = 0.0f;
            for (size_t i = 0; i < LANES; i++)
                total += both[i];
            products[k * WRITTEN_ROWS + r] = total;
        }
    }
}

/* Rows [start, start + size) times the codes of frames [first, first + number). */
FC__INLINE void panel_fields(const fc__fields *f, size_t start, size_t size, size_t first,
                             size_t number, float *products)
{
    float block[FIELD_ROWS * PANEL];
    for (size_t r = 0; r < size; r += FIELD_ROWS) {
        size_t rows = size - r < FIELD_ROWS ? size - r : FIELD_ROWS;
        multiply(&(product){.m = rows,
                            .n = number,
                            .k = f->codes,
                            .a = f->phi + (start + r) * f->codes,
                            .a_row = f->codes,
                            .a_column = 1,
                            .b = f->z + first,
                            .b_row = f->z_row,
                            .b_panel = PANEL,
                            .c = block,
                            .ldc = PANEL});
        transpose(rows, number, block, PANEL, products + r, WRITTEN_ROWS);
    }
}

/* Fields at rows [begin, end). */
static void fields(const fc__fields *f, size_t begin, size_t end)
{
    float products[PANEL * WRITTEN_ROWS];
    bool few = f->frames <= FC__FEW_FIELDS;
    for (size_t start = begin; start < end; start += WRITTEN_ROWS) {
        size_t size = end - start < WRITTEN_ROWS ? end - start : WRITTEN_ROWS;
        for (size_t first = 0; first < f->frames; first += PANEL) {
            size_t number = f->frames - first < PANEL ? f->frames - first : PANEL;
            if (few)
                few_fields(f, start, size, products);
            else
                panel_fields(f, start, size, first, number, products);
            write_fields(f, start, size, first, number, products);
        }
    }
}
