/* waves.h: sines and cosines of the filters' phases (inr/filters.h). */

enum { WAVE_POINTS = FC__WAVE_POINTS };

/* Sines and cosines of LANES phases to float accuracy. A phase is reduced to |r| <= pi/4 in double
 * (adding 1.5 2^52 rounds to a whole number, whose last two bits are the quadrant), where the
 * minimax polynomials of degree 7 and 8 (Remez's exchange) leave 2e-9 and 1e-10. */
FC__INLINE void sine_cosine(const double_vector phase[2], vector *sine, vector *cosine)
{
    const double shift = 0x1.8p52;
    double_vector shifted[2], reduced[2];
    for (size_t h = 0; h < 2; h++) {
        shifted[h] = phase[h] * M_2_PI + shift;
        reduced[h] = phase[h] - (shifted[h] - shift) * M_PI_2;
    }
    bits_vector quadrant = low_words(shifted[0], shifted[1]), odd = -(quadrant & 1u);
    vector r = narrow(reduced[0], reduced[1]), q = r * r;
    vector s = r + r * q * (q * (q * -0.0001949564f + 0.0083319787f) - 0.1666665067f);
    vector c = q * (q * (q * (q * 2.443845e-5f - 0.0013887368f) + 0.0416666469f) - 0.5f) + 1.0f;
    *sine = (vector)((bits_vector)choose(odd, c, s) ^ (quadrant << 30 & 0x80000000u));
    *cosine = (vector)((bits_vector)choose(odd, s, c) ^ ((quadrant + 1u) << 30 & 0x80000000u));
}

/* All filters at one point; `inputs` is a constant where this is inlined. */
FC__INLINE void sines_row(size_t count, const size_t inputs, const double *omega, size_t stride,
                          const double *x, float *s)
{
    for (size_t f = 0; f < count; f += LANES) {
        double_vector phase[2];
        vector sine, cosine;
        for (size_t h = 0; h < 2; h++) {
            const double *row = omega + f + h * (LANES / 2);
            phase[h] = load_doubles(row) * x[0];
            for (size_t j = 1; j < inputs; j++)
                phase[h] += load_doubles(row + j * stride) * x[j];
        }
        sine_cosine(phase, &sine, &cosine);
        if (f + LANES <= count) {
            store(s + f, sine);
            store(s + count + f, cosine);
        } else {
            store_part(s + f, sine, count - f);
            store_part(s + count + f, cosine, count - f);
        }
    }
}

static void sines(size_t count, size_t inputs, const double *omega, size_t stride, const double *x,
                  float *s)
{
    switch (inputs) {
    case 1:
        sines_row(count, 1, omega, stride, x, s);
        break;
    case 2:
        sines_row(count, 2, omega, stride, x, s);
        break;
    case 3:
        sines_row(count, 3, omega, stride, x, s);
        break;
    default:
        sines_row(count, inputs, omega, stride, x, s);
    }
}

/* Phases factor v of any sizes up to 1e9, given in float. */
static void sines_of(size_t count, float factor, const float *v, float *sine, float *cosine)
{
    for (size_t i = 0; i < count; i += LANES) {
        size_t lanes = count - i < LANES ? count - i : LANES;
        float part[LANES] = {0};
        double_vector phase[2];
        vector s, c;
        memcpy(part, v + i, lanes * sizeof *part);
        for (size_t h = 0; h < 2; h++) {
            half_vector half;
            memcpy(&half, part + h * (LANES / 2), sizeof half);
            phase[h] = __builtin_convertvector(half, double_vector) * (double)factor;
        }
        sine_cosine(phase, &s, &c);
        if (lanes == LANES) {
            store(sine + i, s);
            store(cosine + i, c);
        } else {
            store_part(sine + i, s, lanes);
            store_part(cosine + i, c, lanes);
        }
    }
}

/* ---------------------------------------------------------------- whole frequencies */

/* Sine and cosine in double for |x| <= FC__WAVE_REACH: x is reduced by multiples of pi/2 in two
 * parts, the first of 33 bits so that its product with them is exact, and the Taylor polynomials of
 * degree 17 and 18 leave less than a unit of the last place. */
FC__INLINE void sine_cosine_double(double x, double *sine, double *cosine)
{
    const double shift = 0x1.8p52, high = 0x1.921fb544p+0, low = 0x1.0b4611a626331p-34;
    double shifted = x * M_2_PI + shift, turns = shifted - shift;
    double r = (x - turns * high) - turns * low, q = r * r;
    double s = 1.0 / 355687428096000, c = -1.0 / 6402373705728000;
    s = -1.0 / 1307674368000 + q * s;
    c = 1.0 / 20922789888000 + q * c;
    s = 1.0 / 6227020800 + q * s;
    c = -1.0 / 87178291200 + q * c;
    s = -1.0 / 39916800 + q * s;
    c = 1.0 / 479001600 + q * c;
    s = 1.0 / 362880 + q * s;
    c = -1.0 / 3628800 + q * c;
    s = -1.0 / 5040 + q * s;
    c = 1.0 / 40320 + q * c;
    s = 1.0 / 120 + q * s;
    c = -1.0 / 720 + q * c;
    s = -1.0 / 6 + q * s;
    c = 1.0 / 24 + q * c;
    s = r + r * q * s;
    c = 1.0 + q * (-0.5 + q * c);
    int64_t quadrant;
    memcpy(&quadrant, &shifted, sizeof quadrant);
    double from_sine = quadrant & 1 ? c : s, from_cosine = quadrant & 1 ? s : c;
    *sine = quadrant & 2 ? -from_sine : from_sine;
    *cosine = (quadrant + 1) & 2 ? -from_cosine : from_cosine;
}

/* e^{i k x} of WAVE_POINTS points for |k| <= largest, by e^{i (k+1) x} = e^{i k x} e^{i x}: in
 * double the rounding of a few thousand factors stays far below float. Entry k has WAVE_POINTS
 * cosines and as many sines; `zero` is that of k = 0. */
static void wave_table(size_t largest, const double *x, double *zero)
{
    double step_cos[WAVE_POINTS], step_sin[WAVE_POINTS];
    const ptrdiff_t entry = 2 * WAVE_POINTS;
#pragma omp simd
    for (size_t p = 0; p < WAVE_POINTS; p++) {
        sine_cosine_double(x[p], step_sin + p, step_cos + p);
        zero[p] = 1.0;
        zero[WAVE_POINTS + p] = 0.0;
    }
    for (ptrdiff_t k = 1; k <= (ptrdiff_t)largest; k++) {
        const double *before = zero + (k - 1) * entry;
        double *up = zero + k * entry, *down = zero - k * entry;
#pragma omp simd
        for (size_t p = 0; p < WAVE_POINTS; p++) {
            double re = before[p], im = before[WAVE_POINTS + p];
            up[p] = down[p] = re * step_cos[p] - im * step_sin[p];
            im = re * step_sin[p] + im * step_cos[p];
            up[WAVE_POINTS + p] = im;
            down[WAVE_POINTS + p] = -im;
        }
    }
}

/* e^{i k x} = prod_j e^{i k_j x_j} of one filter at WAVE_POINTS points; `inputs` is a constant
 * where this is inlined. */
FC__INLINE void wave_column(const size_t inputs, const size_t *entry, size_t stride,
                            const double *table, float *sine, float *cosine)
{
    for (size_t p = 0; p < WAVE_POINTS; p += LANES) {
        double_vector re[2], im[2];
        for (size_t h = 0; h < 2; h++) {
            const double *at = table + p + h * (LANES / 2);
            re[h] = load_doubles(at + entry[0] * 2 * WAVE_POINTS);
            im[h] = load_doubles(at + entry[0] * 2 * WAVE_POINTS + WAVE_POINTS);
            for (size_t j = 1; j < inputs; j++) {
                const double *factor = at + entry[j * stride] * 2 * WAVE_POINTS;
                double_vector c = load_doubles(factor), s = load_doubles(factor + WAVE_POINTS);
                double_vector next = re[h] * c - im[h] * s;
                im[h] = re[h] * s + im[h] * c;
                re[h] = next;
            }
        }
        store(sine + p, narrow(im[0], im[1]));
        store(cosine + p, narrow(re[0], re[1]));
    }
}

static void waves(size_t count, size_t inputs, const size_t *entry, size_t stride,
                  const double *table, size_t points, float *s, size_t ld)
{
    float sine[WAVE_POINTS * WAVE_POINTS], cosine[WAVE_POINTS * WAVE_POINTS];
    for (size_t f = 0; f < count; f += WAVE_POINTS) {
        size_t filters = count - f < WAVE_POINTS ? count - f : WAVE_POINTS;
        for (size_t i = 0; i < filters; i++) {
            float *to_sine = sine + i * WAVE_POINTS, *to_cosine = cosine + i * WAVE_POINTS;
            if (inputs == 2)
                wave_column(2, entry + f + i, stride, table, to_sine, to_cosine);
            else
                wave_column(inputs, entry + f + i, stride, table, to_sine, to_cosine);
        }
        transpose(filters, points, sine, WAVE_POINTS, s + f, ld);
        transpose(filters, points, cosine, WAVE_POINTS, s + count + f, ld);
    }
}
