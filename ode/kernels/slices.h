/* slices.h: the field for few rows as a sum of slices, each of which reads its weights once
 * (ode/field.h: fc__field_slice). */

/* Slice 0: bias + A z. The others: U s and M2 g of FC__FIELD_SLICE factors or hidden units. */
static void slice(const fc_field_config *config, const fc__field_weights *weights, size_t rows,
                  const float *z, size_t index, float *sum, float *scratch)
{
    enum { WIDTH = FC__FIELD_SLICE };
    fc_field_layout at = fc_field_layout_of(config);
    size_t codes = config->codes, rank_slices = (config->rank + WIDTH - 1) / WIDTH;
    const float *parameters = weights->parameters, *panels = weights->forward;
    panel_matrix matrices[PANEL_MATRICES];
    forward_panels(config, matrices);
    if (index == 0) {
        for (size_t i = 0; i < rows; i++)
            memcpy(sum + i * codes, parameters + at.bias, codes * sizeof *sum);
        multiply_panels(rows, z, codes, panels, &matrices[A_PANELS], 0, codes, NULL, true, sum,
                        codes);
        return;
    }
    bool factors = index <= rank_slices;
    size_t first = (factors ? index - 1 : index - 1 - rank_slices) * WIDTH;
    size_t all = factors ? config->rank : config->hidden;
    size_t width = all - first < WIDTH ? all - first : WIDTH;
    float *s = scratch;
    panel_matrix in = matrices[factors ? V_PANELS : M1_PANELS];
    in.target += first * codes;
    in.n = width;
    multiply_panels(rows, z, codes, panels, &in, 0, codes,
                    parameters + (factors ? at.va : at.m1b) + first, false, s, WIDTH);
    if (factors) {
        float *q = scratch + rows * WIDTH;
        in = matrices[W_PANELS];
        in.target += first * codes;
        in.n = width;
        multiply_panels(rows, z, codes, panels, &in, 0, codes, parameters + at.wd + first, false, q,
                        WIDTH);
        for (size_t i = 0; i < rows * WIDTH; i++)
            s[i] *= q[i];
    } else {
        for (size_t i = 0; i < rows * WIDTH; i++)
            s[i] = swish(s[i]);
    }
    multiply_panels(rows, s, WIDTH, panels, &matrices[factors ? U_PANELS : M2_PANELS], first, width,
                    NULL, false, sum, codes);
}
