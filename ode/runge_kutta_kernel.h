/* runge_kutta_kernel.h: explicit Runge-Kutta rollouts and their exact discrete adjoint, included by
 * runge_kutta.c for float and for double with REAL and TYPED(name).
 *
 * In both schemes a stage depends on the one before it alone (Hairer, Norsett & Wanner 1993, II.1):
 *
 *   y_0 = z,   y_i = z + h alpha_i k_{i-1},   k_i = f(y_i),   z' = z + h sum_i beta_i k_i
 *
 * so that, with lambda the adjoint of z',
 *
 *   k_bar_i = h (beta_i lambda + alpha_{i+1} y_bar_{i+1}),   y_bar_i = J(y_i)^T k_bar_i,
 *   z_bar = lambda + sum_i y_bar_i.
 *
 * The tape holds, for every evaluation in order, first all y (batch, C) and then all tapes of the
 * field (batch, width). Every array is one of the whole batch, of which a call touches its rows. */

/* sum = z + h factor k */
static void TYPED(step_along)(const fc_rk_plan *plan, fc__rows rows, const REAL *dt, REAL factor,
                              const REAL *z, const REAL *k, REAL *sum)
{
    size_t codes = plan->field.codes;
    for (size_t i = rows.begin; i < rows.end; i++) {
        REAL length = dt[i] / (REAL)plan->substeps * factor;
        for (size_t c = i * codes; c < (i + 1) * codes; c++)
            sum[c] = z[c] + length * k[c];
    }
}

static void TYPED(copy)(const fc_rk_plan *plan, fc__rows rows, const REAL *from, REAL *to)
{
    size_t codes = plan->field.codes;
    memcpy(to + rows.begin * codes, from + rows.begin * codes,
           (rows.end - rows.begin) * codes * sizeof *to);
}

static void TYPED(add)(const fc_rk_plan *plan, fc__rows rows, const REAL *x, REAL *sum)
{
    size_t codes = plan->field.codes;
    for (size_t i = rows.begin * codes; i < rows.end * codes; i++)
        sum[i] += x[i];
}

/* k = f(y) */
static void TYPED(evaluate)(const fc_rk_plan *plan, const TYPED(fc__field_weights) * weights,
                            fc__rows rows, const REAL *y, REAL *k, REAL *products, REAL *scratch)
{
    const fc_field_config *field = &plan->field;
    size_t first = rows.begin;
    TYPED(fc__field_forward)
    (field, weights, rows.end - first, y + first * field->codes, k + first * field->codes,
     products + first * fc__field_tape_width(field),
     scratch + first * (field->rank + field->hidden));
}

void TYPED(fc__rk_forward)(const fc_rk_plan *plan, const TYPED(fc__field_weights) * weights,
                           fc__rows rows, const REAL *dt, const REAL *z0, REAL *z, REAL *tape,
                           REAL *work)
{
    const fc__tableau *rk = fc__rk_tableau(plan->scheme);
    size_t size = plan->batch * plan->field.codes;
    size_t width = plan->batch * fc__field_tape_width(&plan->field);
    REAL *state = work, *start = state + size, *k = start + size;
    /* Without a tape every evaluation uses the same room. */
    REAL *y = tape ? tape : k + size;
    REAL *products = tape ? tape + fc__rk_evaluations(plan) * size : y + size;
    REAL *scratch = tape ? k + size : products + width;
    TYPED(copy)(plan, rows, z0, state);
    for (size_t n = 0; n < plan->intervals; n++, dt += plan->batch) {
        for (size_t step = 0; step < plan->substeps; step++) {
            TYPED(copy)(plan, rows, state, start);
            for (size_t i = 0; i < rk->stages; i++) {
                TYPED(step_along)(plan, rows, dt, (REAL)rk->alpha[i], start, i ? k : start, y);
                TYPED(evaluate)(plan, weights, rows, y, k, products, scratch);
                TYPED(step_along)(plan, rows, dt, (REAL)rk->beta[i], state, k, state);
                if (tape) {
                    y += size;
                    products += width;
                }
            }
        }
        TYPED(copy)(plan, rows, state, z + n * size);
    }
}

/* Where the backward pass keeps what it needs, each (batch, C) but the last two, which hold the
 * records of all evaluations of an interval. */
typedef struct TYPED(backward_work) {
    REAL *lambda, *sum, *y_bar, *k_bar, *adjoint;
} TYPED(backward_work);

static TYPED(backward_work) TYPED(divide_work)(const fc_rk_plan *plan, REAL *work)
{
    size_t size = plan->batch * plan->field.codes;
    size_t each = fc__rk_evaluations(plan) / plan->intervals;
    return (TYPED(backward_work)){.lambda = work,
                                  .sum = work + size,
                                  .y_bar = work + 2 * size,
                                  .k_bar = work + 3 * size,
                                  .adjoint = work + (3 + each) * size};
}

/* k_bar = h (beta lambda + alpha y_bar); y_bar is not read when alpha = 0 */
static void TYPED(pull_back)(const fc_rk_plan *plan, fc__rows rows, const REAL *dt, REAL alpha,
                             REAL beta, const REAL *lambda, const REAL *y_bar, REAL *k_bar)
{
    size_t codes = plan->field.codes;
    for (size_t i = rows.begin; i < rows.end; i++) {
        REAL h = dt[i] / (REAL)plan->substeps;
        for (size_t c = i * codes; c < (i + 1) * codes; c++)
            k_bar[c] = h * (beta * lambda[c] + (alpha != 0 ? alpha * y_bar[c] : 0));
    }
}

void TYPED(fc__rk_backward)(const fc_rk_plan *plan, const TYPED(fc__field_weights) * weights,
                            fc__rows rows, size_t interval, bool complete, const REAL *dt,
                            const REAL *tape, const REAL *z_bar, REAL *work)
{
    const fc__tableau *rk = fc__rk_tableau(plan->scheme);
    const fc_field_config *field = &plan->field;
    size_t codes = field->codes, size = plan->batch * codes, first = rows.begin;
    size_t width = fc__field_tape_width(field), lda = fc__field_adjoint_width(field);
    size_t each = fc__rk_evaluations(plan) / plan->intervals;
    const REAL *products =
        tape + fc__rk_evaluations(plan) * size + interval * each * plan->batch * width;
    TYPED(backward_work) w = TYPED(divide_work)(plan, work);
    if (interval + 1 == plan->intervals)
        memset(w.lambda + first * codes, 0, (rows.end - first) * codes * sizeof *w.lambda);
    TYPED(add)(plan, rows, z_bar + interval * size, w.lambda);
    for (size_t step = plan->substeps; step-- > 0;) {
        TYPED(copy)(plan, rows, w.lambda, w.sum);
        for (size_t i = rk->stages; i-- > 0;) {
            size_t e = step * rk->stages + i, row = e * plan->batch + first;
            TYPED(pull_back)
            (plan, rows, dt + interval * plan->batch, (REAL)rk->alpha[i + 1], (REAL)rk->beta[i],
             w.lambda, w.y_bar, w.k_bar + e * size);
            bool wanted = e > 0 || interval > 0 || complete;
            TYPED(fc__field_backward)
            (field, weights, rows.end - first, w.k_bar + row * codes, products + row * width, 0,
             wanted ? w.y_bar + first * codes : NULL, w.adjoint + row * lda);
            if (wanted)
                TYPED(add)(plan, rows, w.y_bar, w.sum);
        }
        TYPED(copy)(plan, rows, w.sum, w.lambda);
    }
}

void TYPED(fc__rk_gradient)(const fc_rk_plan *plan, size_t interval, const REAL *tape,
                            const REAL *work, size_t part, size_t parts, REAL *parameter_bar)
{
    size_t size = plan->batch * plan->field.codes;
    size_t each = fc__rk_evaluations(plan) / plan->intervals;
    const REAL *k_bar = work + 3 * size, *adjoint = k_bar + each * size;
    TYPED(fc__field_gradient)
    (&plan->field, each * plan->batch, tape + interval * each * size, k_bar, adjoint, part, parts,
     parameter_bar);
}

/* All rows and all intervals in turn. */
static void TYPED(backward)(const fc_rk_plan *plan, const TYPED(fc__field_weights) * weights,
                            const REAL *dt, const REAL *tape, const REAL *z_bar, REAL *z0_bar,
                            REAL *parameter_bar, REAL *work)
{
    fc__rows all = {0, plan->batch};
    for (size_t n = plan->intervals; n-- > 0;) {
        TYPED(fc__rk_backward)(plan, weights, all, n, z0_bar != NULL, dt, tape, z_bar, work);
        if (parameter_bar)
            TYPED(fc__rk_gradient)(plan, n, tape, work, 0, 1, parameter_bar);
    }
    if (z0_bar)
        TYPED(add)(plan, all, work, z0_bar);
}
