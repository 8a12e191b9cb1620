/* Fields from a basis at hand, against sums in double. */
#include "tests/inr/decoder_fixture.h"

#include "inr/decode.h"

static void fields_equal_the_sums_over_the_basis_for_any_shape(void **state)
{
    enum { ROWS = 1000, CODES = 300, FRAMES = 23 };
    static const size_t shape[][4] = {/* points, channels, codes, frames */
                                      {1, 1, 5, 1},   {7, 3, 20, 2},    {333, 3, 100, 23},
                                      {41, 1, 3, 13}, {999, 1, 129, 5}, {70, 2, 300, 11}};
    static float phi0[ROWS], phi[ROWS * CODES], u[FRAMES][ROWS];
    static double z[FRAMES][CODES];
    static const double mean[] = {0.5, -2.0, 1.0}, scale[] = {2.0, 0.25, -1.0};
    fc__rng rng = fc__rng_create(3, 0);
    for (size_t i = 0; i < ROWS * CODES; i++)
        phi[i] = (float)fc__rng_normal(&rng);
    for (size_t i = 0; i < ROWS; i++)
        phi0[i] = (float)fc__rng_normal(&rng);
    for (size_t i = 0; i < FRAMES * CODES; i++)
        z[i / CODES][i % CODES] = (float)fc__rng_normal(&rng);
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++) {
        size_t count = shape[s][0], channels = shape[s][1], codes = shape[s][2];
        size_t frames = shape[s][3];
        const double *codes_of[FRAMES];
        float *values[FRAMES];
        for (size_t f = 0; f < FRAMES; f++) {
            codes_of[f] = z[f];
            values[f] = u[f];
        }
        const fc_basis basis = {
            .count = count, .channels = channels, .codes = codes, .phi0 = phi0, .phi = phi};
        const fc__decoding decoding = {.count = count,
                                       .frames = frames,
                                       .codes = codes_of,
                                       .values = values,
                                       .mean = mean,
                                       .scale = scale};
        CHECK(fc__decode_basis(*state, &basis, &decoding));
        for (size_t f = 0; f < frames; f++)
            for (size_t r = 0; r < count * channels; r++) {
                double sum = phi0[r];
                for (size_t c = 0; c < codes; c++)
                    sum += (double)phi[r * codes + c] * z[f][c];
                assert_float_equal(u[f][r], mean[r % channels] + scale[r % channels] * sum, 1e-3);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_equal_the_sums_over_the_basis_for_any_shape),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
