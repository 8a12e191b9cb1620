/* runge_kutta_kernel.h: explicit Runge-Kutta rollouts and their exact discrete adjoint, included by
 * runge_kutta.c for float and for double with REAL and TYPED(name) as in field_kernel.h.
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
 * field (batch, width). */

/* sum = z + h factor k */
static void TYPED(step_along)(const fc_rk_plan *plan, const REAL *dt, REAL factor, const REAL *z,
                              const REAL *k, REAL *sum)
{
    size_t codes = plan->field.codes;
    for (size_t i = 0; i < plan->batch; i++) {
        REAL length = dt[i] / (REAL)plan->substeps * factor;
        for (size_t c = i * codes; c < (i + 1) * codes; c++)
            sum[c] = z[c] + length * k[c];
    }
}

void TYPED(fc_rk_forward)(const fc_rk_plan *plan, const REAL *parameters, const REAL *dt,
                          const REAL *z0, REAL *z, REAL *tape, REAL *work)
{
    const tableau *rk = tableau_of(plan->scheme);
    size_t size = plan->batch * plan->field.codes;
    size_t width = plan->batch * fc__field_tape_width(&plan->field);
    REAL *state = work, *start = state + size, *k = start + size;
    /* Without a tape every evaluation uses the same room. */
    REAL *y = tape ? tape : k + size;
    REAL *products = tape ? tape + evaluations(plan) * size : y + size;
    REAL *scratch = tape ? k + size : products + width;
    memcpy(state, z0, size * sizeof *state);
    for (size_t n = 0; n < plan->intervals; n++, dt += plan->batch) {
        for (size_t step = 0; step < plan->substeps; step++) {
            memcpy(start, state, size * sizeof *start);
            for (size_t i = 0; i < rk->stages; i++) {
                TYPED(step_along)(plan, dt, (REAL)rk->alpha[i], start, i ? k : start, y);
                TYPED(fc__field_forward)
                (&plan->field, parameters, plan->batch, y, k, products, scratch);
                TYPED(step_along)(plan, dt, (REAL)rk->beta[i], state, k, state);
                if (tape) {
                    y += size;
                    products += width;
                }
            }
        }
        memcpy(z + n * size, state, size * sizeof *z);
    }
}

/* k_bar = h (beta lambda + alpha y_bar); y_bar is not read when alpha = 0 */
static void TYPED(pull_back)(const fc_rk_plan *plan, const REAL *dt, REAL alpha, REAL beta,
                             const REAL *lambda, const REAL *y_bar, REAL *k_bar)
{
    size_t codes = plan->field.codes;
    for (size_t i = 0; i < plan->batch; i++) {
        REAL h = dt[i] / (REAL)plan->substeps;
        for (size_t c = i * codes; c < (i + 1) * codes; c++)
            k_bar[c] = h * (beta * lambda[c] + (alpha != 0 ? alpha * y_bar[c] : 0));
    }
}

static void TYPED(add)(size_t count, const REAL *x, REAL *sum)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += x[i];
}

/* One interval: lambda is the adjoint of the state at its end and becomes that at its start, except
 * that for the first interval the part through the very first evaluation is left out unless
 * `complete`. k_bar and adjoint take the records of all evaluations of the interval. */
static void TYPED(interval_backward)(const fc_rk_plan *plan, const REAL *parameters, const REAL *dt,
                                     const REAL *products, bool complete, REAL *lambda, REAL *sum,
                                     REAL *y_bar, REAL *k_bar, REAL *adjoint)
{
    const tableau *rk = tableau_of(plan->scheme);
    size_t size = plan->batch * plan->field.codes;
    size_t width = plan->batch * fc__field_tape_width(&plan->field);
    size_t record = plan->batch * fc__field_adjoint_width(&plan->field);
    for (size_t step = plan->substeps; step-- > 0;) {
        memcpy(sum, lambda, size * sizeof *sum);
        for (size_t i = rk->stages; i-- > 0;) {
            size_t e = step * rk->stages + i;
            TYPED(pull_back)
            (plan, dt, (REAL)rk->alpha[i + 1], (REAL)rk->beta[i], lambda, y_bar, k_bar + e * size);
            bool wanted = e > 0 || complete;
            TYPED(fc__field_backward)
            (&plan->field, parameters, plan->batch, k_bar + e * size, products + e * width, 0,
             wanted ? y_bar : NULL, adjoint + e * record);
            if (wanted)
                TYPED(add)(size, y_bar, sum);
        }
        memcpy(lambda, sum, size * sizeof *lambda);
    }
}

void TYPED(fc_rk_backward)(const fc_rk_plan *plan, const REAL *parameters, const REAL *dt,
                           const REAL *tape, const REAL *z_bar, REAL *z0_bar, REAL *parameter_bar,
                           REAL *work)
{
    size_t size = plan->batch * plan->field.codes;
    size_t width = plan->batch * fc__field_tape_width(&plan->field);
    size_t each = evaluations(plan) / plan->intervals;
    const REAL *products = tape + evaluations(plan) * size;
    REAL *lambda = work, *sum = lambda + size, *y_bar = sum + size, *k_bar = y_bar + size;
    REAL *adjoint = k_bar + each * size;
    memset(lambda, 0, size * sizeof *lambda);
    for (size_t n = plan->intervals; n-- > 0;) {
        TYPED(add)(size, z_bar + n * size, lambda);
        TYPED(interval_backward)
        (plan, parameters, dt + n * plan->batch, products + n * each * width, n > 0 || z0_bar,
         lambda, sum, y_bar, k_bar, adjoint);
        if (parameter_bar)
            TYPED(fc__field_gradient)
        (&plan->field, each * plan->batch, tape + n * each * size, k_bar, adjoint, parameter_bar);
    }
    if (z0_bar)
        TYPED(add)(size, lambda, z0_bar);
}
