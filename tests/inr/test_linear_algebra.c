/* Dense products and factorisations against sums as they stand in a textbook. */
#include "tests/inr/decoder_fixture.h"

static const struct {
    double single;  /* products of depth 23 in float */
    double exact;   /* products of depth 23 in double */
    double factors; /* Cholesky factors, solutions and eigenvectors of order 30, condition 1e3 */
} tolerance = {.single = 2e-6, .exact = 1e-14, .factors = 1e-11};

enum { PAD = 3, SENTINEL = 77 };

/* A product of padded arrays in all four transpositions: leading dimensions exceed the rows. */
typedef struct product {
    size_t m, n, k, lda, ldb, ldc;
    bool ta, tb;
    double alpha, beta;
    double *a, *b, *c, *expected; /* expected: (m, ldc), padding as in c */
} product;

static product make_product(size_t m, size_t n, size_t k, bool ta, bool tb, double beta)
{
    product p = {.m = m, .n = n, .k = k, .ta = ta, .tb = tb, .alpha = 1.5, .beta = beta};
    p.lda = (ta ? m : k) + PAD;
    p.ldb = (tb ? k : n) + PAD;
    p.ldc = n + PAD;
    p.a = random_doubles((ta ? k : m) * p.lda, 1);
    p.b = random_doubles((tb ? n : k) * p.ldb, 2);
    p.c = random_doubles(m * p.ldc, 3);
    p.expected = zeros(m * p.ldc, sizeof *p.expected);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < p.ldc; j++) {
            double *c = &p.c[i * p.ldc + j], sum = 0.0;
            if (j >= n)
                *c = SENTINEL;
            for (size_t l = 0; l < k && j < n; l++)
                sum += (ta ? p.a[l * p.lda + i] : p.a[i * p.lda + l]) *
                       (tb ? p.b[j * p.ldb + l] : p.b[l * p.ldb + j]);
            p.expected[i * p.ldc + j] = j < n ? p.alpha * sum + beta * *c : SENTINEL;
        }
    return p;
}

static void free_product(product *p)
{
    free(p->a);
    free(p->b);
    free(p->c);
    free(p->expected);
}

static float *to_float(size_t count, const double *numbers)
{
    float *copy = zeros(count, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = (float)numbers[i];
    return copy;
}

static void check_double(fc_context *context, const product *p, bool parallel)
{
    size_t size = p->m * p->ldc;
    double *c = zeros(size, sizeof *c);
    memcpy(c, p->c, size * sizeof *c);
    if (parallel)
        fc__dgemm_parallel(context, p->ta, p->tb, p->m, p->n, p->k, p->alpha, p->a, p->lda, p->b,
                           p->ldb, p->beta, c, p->ldc);
    else
        fc__dgemm(p->ta, p->tb, p->m, p->n, p->k, p->alpha, p->a, p->lda, p->b, p->ldb, p->beta, c,
                  p->ldc);
    if (!(difference(size, c, p->expected) < tolerance.exact))
        fail_msg("double (%zu, %zu, %zu) %d %d: %g", p->m, p->n, p->k, p->ta, p->tb,
                 difference(size, c, p->expected));
    free(c);
}

static void check_single(fc_context *context, const product *p, bool parallel)
{
    size_t size = p->m * p->ldc;
    float *a = to_float((p->ta ? p->k : p->m) * p->lda, p->a);
    float *b = to_float((p->tb ? p->n : p->k) * p->ldb, p->b), *c = to_float(size, p->c);
    if (parallel)
        fc__sgemm_parallel(context, p->ta, p->tb, p->m, p->n, p->k, (float)p->alpha, a, p->lda, b,
                           p->ldb, (float)p->beta, c, p->ldc);
    else
        fc__sgemm(p->ta, p->tb, p->m, p->n, p->k, (float)p->alpha, a, p->lda, b, p->ldb,
                  (float)p->beta, c, p->ldc);
    if (!(difference_float(size, c, p->expected) < tolerance.single))
        fail_msg("single (%zu, %zu, %zu) %d %d: %g", p->m, p->n, p->k, p->ta, p->tb,
                 difference_float(size, c, p->expected));
    free(a);
    free(b);
    free(c);
}

/* More rows than columns, more columns than rows, few of either, one row; several parts. */
static const size_t shapes[][3] = {{29, 17, 23}, {17, 29, 23}, {1, 31, 23},   {31, 1, 23},
                                   {1, 1, 23},   {2, 3, 1},    {150, 40, 30}, {40, 150, 30}};

static void products_match_their_sums_in_every_transposition(void **state)
{
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int which = 0; which < 8; which++) {
            product p = make_product(shapes[s][0], shapes[s][1], shapes[s][2], which & 1,
                                     (which & 2) != 0, which & 4 ? -0.5 : 0.0);
            for (int parallel = 0; parallel < 2; parallel++) {
                check_double(*state, &p, parallel);
                check_single(*state, &p, parallel);
            }
            free_product(&p);
        }
}

static void products_do_not_depend_on_the_number_of_threads(void **state)
{
    enum { M = 300, N = 131, K = 64 };
    (void)state;
    product p = make_product(M, N, K, false, true, 0.0);
    double *one = zeros(M * p.ldc, sizeof *one), *many = zeros(M * p.ldc, sizeof *many);
    for (int threads = 1; threads <= 3; threads++) {
        fc_context *context;
        assert_int_equal(fc_context_create(threads, &context), FC_OK);
        fc__dgemm_parallel(context, p.ta, p.tb, M, N, K, 1.0, p.a, p.lda, p.b, p.ldb, 0.0,
                           threads == 1 ? one : many, p.ldc);
        fc_context_destroy(context);
        if (threads > 1)
            assert_memory_equal(one, many, M * p.ldc * sizeof *one);
    }
    free(one);
    free(many);
    free_product(&p);
}

static void products_without_depth_only_scale(void **state)
{
    double c[6] = {1, 2, 3, 4, 5, 6}, none = 0.0;
    fc__dgemm(false, false, 2, 3, 0, 1.0, &none, 1, &none, 3, 0.5, c, 3);
    assert_true(c[0] == 0.5 && c[5] == 3.0);
    fc__dgemm(false, false, 1, 3, 0, 1.0, &none, 1, &none, 3, 0.0, c, 3);
    assert_true(c[0] == 0.0 && c[2] == 0.0 && c[3] == 2.0);
    fc__dgemm(false, false, 0, 3, 2, 1.0, &none, 2, &none, 3, 0.0, c, 3);
    fc__dgemm_parallel(*state, false, false, 3, 0, 2, 1.0, &none, 2, &none, 1, 0.0, c, 1);
    assert_true(c[3] == 2.0);
}

static void products_with_zero_beta_ignore_what_stood_there(void **state)
{
    product p = make_product(5, 4, 3, false, false, 0.0);
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 4; j++)
            p.c[i * p.ldc + j] = (double)NAN;
    check_double(*state, &p, false);
    check_single(*state, &p, true);
    free_product(&p);
}

static void the_symmetric_product_fills_both_triangles(void **state)
{
    (void)state;
    enum { N = 9, K = 23 };
    double *a = random_doubles(K * N, 1), *c = zeros(N * N, sizeof *c),
           *expected = zeros(N * N, sizeof *expected);
    for (size_t i = 0; i < N * N; i++) {
        c[i] = (double)(i / N + i % N);
        expected[i] = 2.0 * c[i];
        for (size_t k = 0; k < K; k++)
            expected[i] += 0.5 * a[k * N + i / N] * a[k * N + i % N];
    }
    fc__dsyrk(N, K, 0.5, a, 2.0, c);
    assert_true(difference(N * N, c, expected) < tolerance.exact);
    free(a);
    free(c);
    free(expected);
}

/* Q diag(values) Q^T for a random orthonormal Q (Gram-Schmidt, twice), whose columns are given. */
static double *symmetric(size_t n, const double *values, double *q)
{
    double *a = zeros(n * n, sizeof *a), *draws = random_doubles(n * n, 4);
    memcpy(q, draws, n * n * sizeof *q);
    for (size_t j = 0; j < n; j++) {
        for (size_t pass = 0; pass < 2; pass++)
            for (size_t other = 0; other < j; other++) {
                double dot = 0.0;
                for (size_t i = 0; i < n; i++)
                    dot += q[i * n + other] * q[i * n + j];
                for (size_t i = 0; i < n; i++)
                    q[i * n + j] -= dot * q[i * n + other];
            }
        double norm = 0.0;
        for (size_t i = 0; i < n; i++)
            norm += q[i * n + j] * q[i * n + j];
        for (size_t i = 0; i < n; i++)
            q[i * n + j] /= sqrt(norm);
    }
    for (size_t i = 0; i < n * n; i++)
        for (size_t k = 0; k < n; k++)
            a[i] += q[i / n * n + k] * values[k] * q[i % n * n + k];
    free(draws);
    return a;
}

enum { ORDER = 30 };

static void spread_values(double *values)
{
    for (size_t i = 0; i < ORDER; i++)
        values[i] = pow(1e3, -(double)i / (ORDER - 1));
}

static void a_cholesky_factor_is_lower_and_gives_back_its_matrix(void **state)
{
    double values[ORDER], q[ORDER * ORDER], back[ORDER * ORDER] = {0};
    spread_values(values);
    double *a = symmetric(ORDER, values, q), l[ORDER * ORDER];
    memcpy(l, a, sizeof l);
    CHECK(fc__cholesky(*state, "test", ORDER, l));
    for (size_t i = 0; i < ORDER; i++)
        for (size_t j = 0; j < ORDER; j++) {
            assert_true(j <= i || l[i * ORDER + j] == 0.0);
            for (size_t k = 0; k < ORDER; k++)
                back[i * ORDER + j] += l[i * ORDER + k] * l[j * ORDER + k];
        }
    assert_true(difference(ORDER * ORDER, back, a) < tolerance.factors);
    free(a);
}

static void solutions_by_the_factor_solve_the_system(void **state)
{
    enum { COLUMNS = 4 };
    double values[ORDER], q[ORDER * ORDER], b[ORDER * COLUMNS] = {0};
    spread_values(values);
    double *a = symmetric(ORDER, values, q), *x = random_doubles(ORDER * COLUMNS, 6);
    for (size_t i = 0; i < ORDER; i++)
        for (size_t c = 0; c < COLUMNS; c++)
            for (size_t k = 0; k < ORDER; k++)
                b[i * COLUMNS + c] += a[i * ORDER + k] * x[k * COLUMNS + c];
    CHECK(fc__cholesky(*state, "test", ORDER, a));
    fc__cholesky_solve(ORDER, a, COLUMNS, b);
    assert_true(difference(ORDER * COLUMNS, b, x) < tolerance.factors);
    for (int transposed = 0; transposed < 2; transposed++) {
        memset(b, 0, sizeof b);
        for (size_t i = 0; i < ORDER; i++)
            for (size_t c = 0; c < COLUMNS; c++)
                for (size_t k = 0; k < ORDER; k++)
                    b[i * COLUMNS + c] +=
                        (transposed ? a[k * ORDER + i] : a[i * ORDER + k]) * x[k * COLUMNS + c];
        fc__triangular_solve(transposed, ORDER, a, COLUMNS, b);
        assert_true(difference(ORDER * COLUMNS, b, x) < tolerance.factors);
    }
    free(a);
    free(x);
}

static void a_matrix_that_is_not_positive_is_refused_with_its_row(void **state)
{
    double a[9] = {2, 0, 0, 0, 3, 0, 0, 0, -1};
    assert_int_equal(fc__cholesky(*state, "prior covariance", 3, a), FC_ERROR_SOLVER);
    assert_string_equal(fc_context_message(*state),
                        "prior covariance: the matrix (3, 3) is not positive definite at row 2");
}

static void eigenvalues_come_in_decreasing_order_with_their_vectors(void **state)
{
    double expected[ORDER], values[ORDER], q[ORDER * ORDER], vectors[ORDER * ORDER];
    spread_values(expected);
    for (size_t i = ORDER / 2; i < ORDER; i++) /* of either sign */
        expected[i] = -1.0 - (double)i;
    double *a = symmetric(ORDER, expected, q);
    CHECK(fc__eigen(*state, ORDER, a, values, vectors));
    assert_true(difference(ORDER, values, expected) < tolerance.factors);
    for (size_t j = 0; j < ORDER; j++) {
        double dot = 0.0, norm = 0.0;
        for (size_t i = 0; i < ORDER; i++) {
            dot += vectors[i * ORDER + j] * q[i * ORDER + j];
            norm += vectors[i * ORDER + j] * vectors[i * ORDER + j];
        }
        assert_true(fabs(norm - 1.0) < tolerance.factors);
        assert_true(fabs(fabs(dot) - 1.0) < tolerance.factors);
    }
    free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_match_their_sums_in_every_transposition),
        cmocka_unit_test(products_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(products_without_depth_only_scale),
        cmocka_unit_test(products_with_zero_beta_ignore_what_stood_there),
        cmocka_unit_test(the_symmetric_product_fills_both_triangles),
        cmocka_unit_test(a_cholesky_factor_is_lower_and_gives_back_its_matrix),
        cmocka_unit_test(solutions_by_the_factor_solve_the_system),
        cmocka_unit_test(a_matrix_that_is_not_positive_is_refused_with_its_row),
        cmocka_unit_test(eigenvalues_come_in_decreasing_order_with_their_vectors),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
