/* bent_tile.h: a tile of points through the layers of a decoder that bends, forward and backward,
 * included once for each precision with
 *
 *   REAL                 float or double
 *   BENT(name)           the name in that precision
 *   BENT_GEMM            fc__sgemm or fc__dgemm
 *   BENT_SINES           (count, factor, v, sine, cosine): sin and cos of factor v
 *   BENT_FILTERS         (filters, count, x, s, ld, layer stride, work)
 *
 * Both families are layers of one form (inr.h), with v_0 = W_0 e of a SIREN and 0 else:
 *
 *   q_l = W_l h_{l-1},   v_l = q_l * gain_l + shift_l,   h_l = f_l(v_l),   d_l = f_l'(v_l)
 *   shift_l = A_l z + b_l,   gain_l = B_l z + g_l or 1
 *
 *   SIREN: f(v) = sin(omega0 v)                 multiplicative: f(v) = s_l(x) v
 *
 * Matrices of a tile are (points, width). Everything static, as each includer takes what it needs.
 */
#include "inr/filters.h"

#include <stdlib.h>
#include <string.h>

enum { BENT_TILE = 128 }; /* points: their matrices stay in the cache */

typedef struct BENT(network) {
    const fc_decoder *decoder;
    const REAL *parameters;
    fc_decoder_layout at;
    fc__filters filters; /* of a multiplicative decoder */
    bool siren;
    size_t layers, width, inputs, codes, channels;
    size_t blocks, outputs; /* networks that share weights, channels that each of them gives */
    size_t shifts;          /* numbers in the shifts of a code: shift (layers + 1, blocks, width),
                               then gain (layers, blocks, width) of layers 1.. */
} BENT(network);

/* Memory of one thread. */
typedef struct BENT(tape) {
    double *x, *work; /* (TILE, inputs) angles of the points, scratch of the filters */
    REAL *e;          /* (TILE, inputs) of a SIREN */
    REAL *s;          /* (distinct, TILE, width): filters */
    REAL *h, *d, *q;  /* (layers + 1) matrices; d of a SIREN only */
    REAL *r, *p;      /* scratch */
} BENT(tape);

#define BENT_FUNCTION __attribute__((unused)) static

BENT_FUNCTION fc_status BENT(open)(fc_context *context, const fc_decoder *decoder,
                                   const REAL *parameters, BENT(network) * n)
{
    fc_status status = FC_OK;
    double *omega = NULL;
    const fc_decoder_config *config = &decoder->config;
    *n = (BENT(network)){.decoder = decoder,
                         .parameters = parameters,
                         .at = fc_decoder_layout_of(config, decoder->inputs),
                         .siren = config->family == FC_DECODER_SIREN,
                         .layers = config->layers,
                         .inputs = decoder->inputs,
                         .codes = config->codes,
                         .channels = config->channels};
    n->width = n->at.width;
    n->blocks = n->at.blocks;
    n->outputs = n->channels / n->blocks;
    n->shifts = (n->at.w - n->at.b) + (n->at.count - n->at.gain);
    if (n->siren)
        return FC_OK;
    FC_NEW(context, &omega, n->at.a);
    for (size_t i = 0; i < n->at.a; i++)
        omega[i] = (double)parameters[i];
    FC_TRY(fc__filters_create(context, config->filter, n->layers + 1, config->filters, n->inputs,
                              omega, &n->filters));
done:
    free(omega);
    return status;
}

BENT_FUNCTION void BENT(close)(BENT(network) * n)
{
    fc__filters_clear(&n->filters);
}

/* ---------------------------------------------------------------- memory */

BENT_FUNCTION size_t BENT(tape_doubles)(const BENT(network) * n)
{
    return BENT_TILE * FC_MAX_INPUTS + (n->siren ? 0 : fc__filters_work_size(&n->filters));
}

BENT_FUNCTION size_t BENT(tape_reals)(const BENT(network) * n)
{
    size_t states = (n->siren ? 3 : 2) * (n->layers + 1) + n->filters.distinct + 2;
    return BENT_TILE * (states * n->width + (n->siren ? n->inputs : 0));
}

BENT_FUNCTION BENT(tape) BENT(tape_in)(const BENT(network) * n, double *doubles, REAL *reals)
{
    size_t states = (n->layers + 1) * BENT_TILE * n->width, matrix = BENT_TILE * n->width;
    BENT(tape) tape = {.x = doubles, .work = doubles + BENT_TILE * FC_MAX_INPUTS, .r = reals};
    tape.p = tape.r + matrix;
    tape.h = tape.p + matrix;
    tape.q = tape.h + states;
    if (n->siren) {
        tape.d = tape.q + states;
        tape.e = tape.d + states;
    } else {
        tape.s = tape.q + states;
    }
    return tape;
}

/* ---------------------------------------------------------------- parts of the network */

BENT_FUNCTION const REAL *BENT(weights)(const BENT(network) * n, size_t l)
{
    return n->parameters + n->at.w + (l - 1) * n->width * n->width;
}

BENT_FUNCTION const REAL *BENT(slope)(const BENT(network) * n, size_t l, const BENT(tape) * tape)
{
    if (n->siren)
        return tape->d + l * BENT_TILE * n->width;
    return tape->s + (n->filters.distinct > 1 ? l * BENT_TILE * n->width : 0);
}

/* Place of a layer's shift or gain (l >= 1) among the shifts of a code. */
BENT_FUNCTION size_t BENT(shift_at)(const BENT(network) * n, size_t l, size_t block)
{
    return (l * n->blocks + block) * n->width;
}

BENT_FUNCTION size_t BENT(gain_at)(const BENT(network) * n, size_t l, size_t block)
{
    return (n->at.w - n->at.b) + ((l - 1) * n->blocks + block) * n->width;
}

/* Shifts and gains of a code. */
BENT_FUNCTION void BENT(find_shifts)(const BENT(network) * n, const REAL *z, REAL *shifts)
{
    const REAL *p = n->parameters;
    size_t rows = n->at.w - n->at.b, gains = n->shifts - rows;
    memcpy(shifts, p + n->at.b, rows * sizeof *shifts);
    memcpy(shifts + rows, p + n->at.gain, gains * sizeof *shifts);
    BENT_GEMM(false, false, rows, 1, n->codes, 1, p + n->at.a, n->codes, z, 1, 1, shifts, 1);
    if (gains)
        BENT_GEMM(false, false, gains, 1, n->codes, 1, p + n->at.gate, n->codes, z, 1, 1,
                  shifts + rows, 1);
}

/* Their adjoint: A_bar += shift_bar z^T, b_bar += shift_bar, z_bar += A^T shift_bar, and so for the
 * gains; `gradient` or z_bar may be NULL. */
BENT_FUNCTION void BENT(give_back)(const BENT(network) * n, const REAL *z, const REAL *shifts_bar,
                                   REAL *gradient, REAL *z_bar)
{
    size_t c = n->codes, shift_rows = n->at.w - n->at.b;
    for (size_t r = 0; r < n->shifts; r++) {
        bool gain = r >= shift_rows;
        size_t row = gain ? r - shift_rows : r, at = (gain ? n->at.gate : n->at.a) + row * c;
        REAL bar = shifts_bar[r];
        if (gradient)
            gradient[(gain ? n->at.gain : n->at.b) + row] += bar;
        for (size_t j = 0; gradient && j < c; j++)
            gradient[at + j] += bar * z[j];
        for (size_t j = 0; z_bar && j < c; j++)
            z_bar[j] += bar * n->parameters[at + j];
    }
}

/* ---------------------------------------------------------------- forward */

/* e(x) of a point from its angles (fc_domain_embed). */
BENT_FUNCTION void BENT(embed)(const fc_domain *domain, size_t inputs, const double *x, REAL *e)
{
    size_t from = 0, to = 0;
    for (size_t i = 0; i < domain->dims; i++) {
        if (domain->axis[i].kind == FC_AXIS_PERIODIC) {
            e[to++] = (REAL)sin(x[from]);
            e[to++] = (REAL)cos(x[from++]);
        } else if (domain->axis[i].kind == FC_AXIS_PLAIN) {
            e[to++] = (REAL)(x[from++] * (FC_PLAIN_EXTENSION / M_PI) - 1.0);
        }
    }
    while (to < inputs) /* the sphere's */
        e[to++] = (REAL)x[from++];
}

/* What the points themselves give. */
BENT_FUNCTION void BENT(take_points)(const BENT(network) * n, size_t count,
                                     const double *coordinates, const BENT(tape) * tape)
{
    const fc_domain *domain = &n->decoder->domain;
    size_t angles = fc_domain_inputs(domain);
    fc_domain_embed(domain, count, coordinates, tape->x);
    for (size_t p = 0; n->siren && p < count; p++)
        BENT(embed)(domain, n->inputs, tape->x + p * angles, tape->e + p * n->inputs);
    if (!n->siren)
        BENT_FILTERS(&n->filters, count, tape->x, tape->s, n->width, BENT_TILE * n->width,
                     tape->work);
}

/* q_l of a layer: those of h_{l-1}, or of e(x). */
BENT_FUNCTION void BENT(hand_on)(const BENT(network) * n, size_t l, size_t count,
                                 const BENT(tape) * tape, REAL *q)
{
    size_t width = n->width, from = l > 0 ? width : n->inputs;
    const REAL *h = l > 0 ? tape->h + (l - 1) * BENT_TILE * width : tape->e;
    const REAL *w = l > 0 ? BENT(weights)(n, l) : n->parameters + n->at.omega;
    BENT_GEMM(false, true, count, width, from, 1, h, from, w, from, 0, q, width);
}

/* Hidden states of a block of channels, and its outputs u (count, rows of n->channels). */
BENT_FUNCTION void BENT(forward)(const BENT(network) * n, size_t block, size_t count,
                                 const REAL *shifts, const BENT(tape) * tape, REAL *u)
{
    size_t width = n->width, matrix = BENT_TILE * width;
    const REAL *head = n->parameters + n->at.head + block * width, *h = NULL;
    const REAL *bias = n->parameters + n->at.bias + block;
    for (size_t l = 0; l <= n->layers; l++) {
        REAL *q = tape->q + l * matrix, *out = tape->h + l * matrix;
        const REAL *shift = shifts + BENT(shift_at)(n, l, block);
        const REAL *gain = l > 0 && !n->siren ? shifts + BENT(gain_at)(n, l, block) : NULL;
        const REAL *d = BENT(slope)(n, l, tape);
        if (l > 0 || n->siren)
            BENT(hand_on)(n, l, count, tape, q);
        if (n->siren) {
            REAL factor = (REAL)n->decoder->config.omega0, *slope = tape->d + l * matrix;
            for (size_t p = 0; p < count; p++)
                for (size_t i = 0; i < width; i++)
                    q[p * width + i] += shift[i];
            BENT_SINES(count * width, factor, q, out, slope);
            for (size_t i = 0; i < count * width; i++)
                slope[i] *= factor;
        }
        for (size_t p = 0; !n->siren && p < count; p++)
            for (size_t i = 0; i < width; i++)
                out[p * width + i] =
                    d[p * width + i] * (gain ? q[p * width + i] * gain[i] + shift[i] : shift[i]);
        h = out;
    }
    for (size_t p = 0; p < count; p++)
        for (size_t o = 0; o < n->outputs; o++)
            u[p * n->channels + block + o] = bias[o];
    BENT_GEMM(false, true, count, n->outputs, width, 1, h, width, head, width, 1, u + block,
              n->channels);
}

/* ---------------------------------------------------------------- tangent */

/* Phi of a block after its forward, by reverse accumulation from the head down:
 *
 *   r_L = head * d_L,   Phi = sum_l r_l A_l + (r_l * q_l) B_l,   r_{l-1} = ((r_l * gain_l) W_l) *
 * d_{l-1}
 *
 * phi (count, channels, C) is written. */
BENT_FUNCTION void BENT(tangent)(const BENT(network) * n, size_t block, size_t count,
                                 const REAL *shifts, const BENT(tape) * tape, REAL *phi)
{
    size_t width = n->width, c = n->codes, row = n->channels * c, matrix = BENT_TILE * width;
    REAL *r = tape->r, *p = tape->p;
    for (size_t o = block; o < block + n->outputs; o++) {
        const REAL *head = n->parameters + n->at.head + o * width;
        const REAL *d = BENT(slope)(n, n->layers, tape);
        for (size_t i = 0; i < count * width; i++)
            r[i] = head[i % width] * d[i];
        for (size_t l = n->layers + 1; l-- > 0;) {
            const REAL *q = tape->q + l * matrix;
            const REAL *a = n->parameters + n->at.a + BENT(shift_at)(n, l, block) * c;
            BENT_GEMM(false, false, count, c, width, 1, r, width, a, c, l < n->layers, phi + o * c,
                      row);
            if (l == 0)
                break;
            if (!n->siren) {
                const REAL *gain = shifts + BENT(gain_at)(n, l, block);
                const REAL *b =
                    n->parameters + n->at.gate + ((l - 1) * n->blocks + block) * width * c;
                for (size_t i = 0; i < count * width; i++) {
                    p[i] = r[i] * q[i];
                    r[i] *= gain[i % width];
                }
                BENT_GEMM(false, false, count, c, width, 1, p, width, b, c, 1, phi + o * c, row);
            }
            BENT_GEMM(false, false, count, width, width, 1, r, width, BENT(weights)(n, l), width, 0,
                      p, width);
            d = BENT(slope)(n, l - 1, tape);
            for (size_t i = 0; i < count * width; i++)
                r[i] = p[i] * d[i];
        }
    }
}

/* ---------------------------------------------------------------- backward */

BENT_FUNCTION void BENT(add_columns)(size_t count, size_t width, const REAL *matrix, REAL *sum)
{
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < width; i++)
            sum[i] += matrix[p * width + i];
}

/* Adds to shifts_bar and, unless it is NULL, to the gradient of the weights that stand outside the
 * shifts, after the block's forward:
 *
 *   h_bar_L = u_bar head,   v_bar = h_bar * d,   shift_bar = sum v_bar,   gain_bar = sum v_bar * q,
 *   q_bar = v_bar * gain,   W_bar = q_bar^T h_{l-1},   h_bar_{l-1} = q_bar W_l */
BENT_FUNCTION void BENT(backward)(const BENT(network) * n, size_t block, size_t count,
                                  const REAL *shifts, const REAL *u_bar, const BENT(tape) * tape,
                                  REAL *gradient, REAL *shifts_bar)
{
    size_t width = n->width, matrix = BENT_TILE * width, head = n->at.head + block * width;
    REAL *r = tape->r, *p = tape->p;
    const REAL *bar = u_bar + block;
    if (gradient) {
        BENT_GEMM(true, false, n->outputs, width, count, 1, bar, n->channels,
                  tape->h + n->layers * matrix, width, 1, gradient + head, width);
        for (size_t k = 0; k < count * n->outputs; k++)
            gradient[n->at.bias + block + k % n->outputs] +=
                bar[k / n->outputs * n->channels + k % n->outputs];
    }
    BENT_GEMM(false, false, count, width, n->outputs, 1, bar, n->channels, n->parameters + head,
              width, 0, r, width);
    for (size_t l = n->layers + 1; l-- > 0;) {
        const REAL *d = BENT(slope)(n, l, tape), *q = tape->q + l * matrix;
        for (size_t i = 0; i < count * width; i++)
            p[i] = r[i] * d[i];
        BENT(add_columns)(count, width, p, shifts_bar + BENT(shift_at)(n, l, block));
        if (l == 0)
            break;
        if (!n->siren) {
            const REAL *gain = shifts + BENT(gain_at)(n, l, block);
            for (size_t i = 0; i < count * width; i++) {
                r[i] = p[i] * q[i];
                p[i] *= gain[i % width];
            }
            BENT(add_columns)(count, width, r, shifts_bar + BENT(gain_at)(n, l, block));
        }
        if (gradient)
            BENT_GEMM(true, false, width, width, count, 1, p, width, tape->h + (l - 1) * matrix,
                      width, 1, gradient + n->at.w + (l - 1) * width * width, width);
        BENT_GEMM(false, false, count, width, width, 1, p, width, BENT(weights)(n, l), width, 0, r,
                  width);
    }
    if (gradient && n->siren)
        BENT_GEMM(true, false, width, n->inputs, count, 1, p, width, tape->e, n->inputs, 1,
                  gradient + n->at.omega, n->inputs);
}
