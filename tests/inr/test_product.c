/* Register-tiled products against sums in double, at the level that is chosen (the test runs at
 * each). */
#include "inr/kernels/kernels.h"
#include "tests/inr/decoder_fixture.h"

static const double tolerance = 3e-7; /* relative to the sum of magnitudes, beside rounding of it */

enum { GAP = 3 }; /* numbers behind each row that must stay as they are */

typedef enum layout { ROWS, COLUMNS } layout;

/* What a case multiplies: A and B in either layout, B packed or plain, and what follows. */
typedef struct variant {
    layout a, b;
    bool packed, bias, factor, add;
} variant;

typedef struct numbers {
    float *a, *b, *plain, *packed, *bias, *factor, *c;
} numbers;

static float at(const float *matrix, layout order, size_t ld, size_t i, size_t j)
{
    return order == ROWS ? matrix[i * ld + j] : matrix[j * ld + i];
}

static void check_result(const variant *v, size_t m, size_t n, size_t k, const numbers *x,
                         const float *before)
{
    size_t ldc = n + GAP, lda = v->a == ROWS ? k + 5 : m + 5, ldb = v->b == ROWS ? n : k;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < ldc; j++) {
            if (j >= n) {
                assert_true(x->c[i * ldc + j] == before[i * ldc + j]);
                continue;
            }
            double sum = v->bias ? (double)x->bias[j] : 0.0, scale = fabs(sum) + 1.0;
            for (size_t l = 0; l < k; l++) {
                double term = (double)at(x->a, v->a, lda, i, l) * (double)at(x->b, v->b, ldb, l, j);
                sum += term;
                scale += fabs(term);
            }
            if (v->factor) {
                sum *= (double)x->factor[i * (n + 1) + j];
                scale *= 1.0 + fabs((double)x->factor[i * (n + 1) + j]);
            }
            if (v->add) {
                sum += (double)before[i * ldc + j];
                scale += fabs((double)before[i * ldc + j]);
            }
            double error = fabs((double)x->c[i * ldc + j] - sum);
            if (error > tolerance * scale)
                fail_msg("%zu x %zu x %zu at (%zu, %zu): %g instead of %g", m, n, k, i, j,
                         (double)x->c[i * ldc + j], sum);
        }
}

static void check_product(const variant *v, size_t m, size_t n, size_t k)
{
    const fc__kernels *kernels = fc__kernels_chosen();
    size_t ldc = n + GAP, lda = v->a == ROWS ? k + 5 : m + 5, whole = (n + 63) / 64 * 64;
    numbers x = {.a = random_floats((m + 5) * (k + 5), 1),
                 .b = random_floats(n * k, 2),
                 .plain = zeros(k * whole, sizeof(float)),
                 .packed = zeros(k * whole, sizeof(float)),
                 .bias = random_floats(n, 3),
                 .factor = random_floats(m * (n + 1), 4),
                 .c = random_floats(m * ldc, 5)};
    float *before = random_floats(m * ldc, 5);
    for (size_t l = 0; l < k; l++)
        for (size_t j = 0; j < n; j++)
            x.plain[l * whole + j] = at(x.b, v->b, v->b == ROWS ? n : k, l, j);
    kernels->pack_panels(k, n, x.b, v->b == ROWS ? n : 1, v->b == ROWS ? 1 : k, x.packed);
    kernels->multiply(&(fc__operands){.m = m,
                                      .n = n,
                                      .k = k,
                                      .a = x.a,
                                      .a_row = v->a == ROWS ? lda : 1,
                                      .a_column = v->a == ROWS ? 1 : lda,
                                      .b = v->packed ? x.packed : x.plain,
                                      .b_row = v->packed ? kernels->panel : whole,
                                      .b_panel = v->packed ? k * kernels->panel : kernels->panel,
                                      .c = x.c,
                                      .ldc = ldc,
                                      .bias = v->bias ? x.bias : NULL,
                                      .factor = v->factor ? x.factor : NULL,
                                      .ldf = n + 1,
                                      .add = v->add});
    check_result(v, m, n, k, &x, before);
    void *all[] = {x.a, x.b, x.plain, x.packed, x.bias, x.factor, x.c, before};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static void products_match_sums_in_double_around_all_block_borders(void **state)
{
    (void)state;
    const size_t m[] = {1, 2, 3, 5, 6, 7, 12, 17}, k[] = {0, 1, 2, 5, 16, 33};
    const size_t n[] = {1, 4, 7, 8, 9, 15, 16, 17, 31, 33, 48, 63, 64, 65, 80, 100, 129};
    const variant plain = {ROWS, ROWS, true, false, false, false};
    for (size_t i = 0; i < sizeof m / sizeof *m; i++)
        for (size_t j = 0; j < sizeof n / sizeof *n; j++)
            for (size_t l = 0; l < sizeof k / sizeof *k; l++)
                check_product(&plain, m[i], n[j], k[l]);
}

static void operands_may_be_transposed_and_followed_by_bias_factor_and_sum(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 64; bits++) {
        const variant v = {bits & 1 ? COLUMNS : ROWS, bits & 2 ? COLUMNS : ROWS, (bits & 4) != 0,
                           (bits & 8) != 0,           (bits & 16) != 0,          (bits & 32) != 0};
        check_product(&v, 13, 37, 21);
        check_product(&v, 7, 128, 35);
        check_product(&v, 4, 16, 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_match_sums_in_double_around_all_block_borders),
        cmocka_unit_test(operands_may_be_transposed_and_followed_by_bias_factor_and_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
