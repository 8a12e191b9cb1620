/* Normal matrices, their factors and least-squares codes on the device, against sums and
 * factorisations in double on the processor. */
#include "cuda_fixture.h"

#include "cuda/cholesky.h"
#include "cuda/codes.h"
#include "cuda/engine.h"
#include "cuda/normal.h"

#include <stdlib.h>
#include <string.h>

/* Some frames of random rows, each with its own points. */
typedef struct rows {
    size_t frames, channels, codes, points, values;
    size_t *first; /* (frames + 1) */
    float *phi0, *phi, *y;
    fc__device *device;
    size_t *device_first;
    float *device_phi0, *device_phi, *device_y;
} rows;

static float *random_floats(fc__rng *rng, size_t count)
{
    float *made = malloc((count + 1) * sizeof *made);
    for (size_t i = 0; i < count; i++)
        made[i] = (float)fc__rng_normal(rng);
    return made;
}

static void *to_device(const cuda_fixture *f, fc__device *device, size_t bytes, const void *from)
{
    void *made = NULL;
    assert_status(fc__device_allocate(f->context, device, "test", bytes, 1, &made), f->context);
    assert_status(fc__device_upload(f->context, device, made, from, bytes), f->context);
    return made;
}

/* A tenth of the values is missing; frame 1 has points but no value at all, frame 2 no point. */
static rows rows_create(const cuda_fixture *f, size_t frames, size_t channels, size_t codes,
                        size_t most)
{
    fc__rng rng = fc__rng_create(codes, frames);
    rows r = {.frames = frames, .channels = channels, .codes = codes};
    r.device = ((fc__cuda *)f->engine->device)->device;
    r.first = calloc(frames + 1, sizeof *r.first);
    for (size_t i = 0; i < frames; i++)
        r.first[i + 1] = r.first[i] + (i == 2 ? 0 : 1 + fc__rng_below(&rng, most));
    r.points = r.first[frames];
    r.values = r.points * channels;
    r.phi0 = random_floats(&rng, r.values);
    r.phi = random_floats(&rng, r.values * codes);
    r.y = random_floats(&rng, r.values);
    for (size_t v = 0; v < r.values; v++)
        if (fc__rng_below(&rng, 10) == 0 ||
            (frames > 1 && v >= r.first[1] * channels && v < r.first[2] * channels))
            r.y[v] = NAN;
    r.device_first = to_device(f, r.device, (frames + 1) * sizeof *r.first, r.first);
    r.device_phi0 = to_device(f, r.device, r.values * sizeof(float), r.phi0);
    r.device_phi = to_device(f, r.device, r.values * codes * sizeof(float), r.phi);
    r.device_y = to_device(f, r.device, r.values * sizeof(float), r.y);
    return r;
}

static void rows_clear(rows *r)
{
    fc__device_free(r->device, r->device_first);
    fc__device_free(r->device, r->device_phi0);
    fc__device_free(r->device, r->device_phi);
    fc__device_free(r->device, r->device_y);
    free(r->first);
    free(r->phi0);
    free(r->phi);
    free(r->y);
}

/* normal (C, C) and rhs (C) of a frame, channel -1 = all */
static void sums(const rows *r, size_t frame, int channel, const double *precision, double *normal,
                 double *rhs)
{
    size_t c = r->codes;
    memset(normal, 0, c * c * sizeof *normal);
    memset(rhs, 0, c * sizeof *rhs);
    for (size_t v = r->first[frame] * r->channels; v < r->first[frame + 1] * r->channels; v++) {
        size_t ch = v % r->channels;
        double weight = precision ? precision[ch] : 1.0;
        if (isnan(r->y[v]) || (channel >= 0 && (int)ch != channel))
            continue;
        for (size_t i = 0; i < c; i++) {
            double a = weight * (double)r->phi[v * c + i];
            rhs[i] += a * ((double)r->y[v] - (double)r->phi0[v]);
            for (size_t j = 0; j < c; j++)
                normal[i * c + j] += a * (double)r->phi[v * c + j];
        }
    }
}

static double squares(const rows *r, size_t frame, size_t channel, const double *z)
{
    double sum = 0.0;
    for (size_t v = r->first[frame] * r->channels; v < r->first[frame + 1] * r->channels; v++) {
        double left = (double)r->y[v] - (double)r->phi0[v];
        for (size_t i = 0; i < r->codes; i++)
            left -= (double)r->phi[v * r->codes + i] * z[i];
        sum += isnan(r->y[v]) || v % r->channels != channel ? 0.0 : left * left;
    }
    return sum;
}

/* ---------------------------------------------------------------- sums */

static void check_sums(const cuda_fixture *f, size_t frames, size_t channels, size_t codes,
                       size_t most)
{
    rows r = rows_create(f, frames, channels, codes, most);
    const double precision[] = {0.7, 40.0, 3.0};
    size_t square = codes * codes;
    double *expected = calloc(square + codes, sizeof *expected), *rhs = expected + square;
    double *found = calloc(frames * square, sizeof *found), *z = calloc(frames * codes, sizeof *z);
    fc__cuda_span *span = calloc(frames, sizeof *span);
    for (size_t i = 0; i < frames; i++)
        span[i] = (fc__cuda_span){r.first[i], r.first[i + 1] - r.first[i], r.first[i] * channels};
    fc__cuda_span *device_span = to_device(f, r.device, frames * sizeof *span, span);
    double *device_precision = to_device(f, r.device, sizeof precision, precision);
    double *normal = to_device(f, r.device, frames * square * sizeof *found, found);
    double *device_z = to_device(f, r.device, frames * codes * sizeof *z, z);
    fc__cuda_sets sets = {channels,     codes,      device_span,     r.device_phi0,
                          r.device_phi, r.device_y, device_precision};
    for (int channel = FC__ALL_CHANNELS; channel < (int)channels; channel++) {
        assert_status(fc__cuda_normal(f->context, r.device, &sets, frames, NULL, channel, normal),
                      f->context);
        assert_status(fc__device_download(f->context, r.device, found, normal,
                                          frames * square * sizeof *found),
                      f->context);
        for (size_t i = 0; i < frames; i++) {
            sums(&r, i, channel, precision, expected, rhs);
            assert_close(cuda_difference_double(square, found + i * square, expected),
                         TOLERANCE_DOUBLE);
        }
    }
    assert_status(fc__cuda_project(f->context, r.device, &sets, frames, device_z), f->context);
    assert_status(
        fc__device_download(f->context, r.device, z, device_z, frames * codes * sizeof *z),
        f->context);
    for (size_t i = 0; i < frames; i++) {
        sums(&r, i, FC__ALL_CHANNELS, precision, expected, rhs);
        assert_close(cuda_difference_double(codes, z + i * codes, rhs), TOLERANCE_DOUBLE);
    }
    assert_status(fc__cuda_squares(f->context, r.device, &sets, frames, device_z, normal),
                  f->context);
    assert_status(
        fc__device_download(f->context, r.device, found, normal, frames * channels * sizeof *found),
        f->context);
    for (size_t i = 0; i < frames * channels; i++) {
        double wanted = squares(&r, i / channels, i % channels, z + i / channels * codes);
        assert_close(cuda_difference_double(1, found + i, &wanted), TOLERANCE_DOUBLE);
    }
    fc__device_free(r.device, device_span);
    fc__device_free(r.device, device_precision);
    fc__device_free(r.device, normal);
    fc__device_free(r.device, device_z);
    free(expected);
    free(found);
    free(z);
    free(span);
    rows_clear(&r);
}

static void sums_over_rows_match_loops_in_double(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    check_sums(&f, 1, 1, 1, 1);
    check_sums(&f, 4, 1, 7, 40);
    check_sums(&f, 3, 3, 67, 30);
    check_sums(&f, 3, 2, 130, 20);
    cuda_close(&f);
}

/* ---------------------------------------------------------------- codes */

/* Least-squares codes of a frame on the processor. */
static void reference_codes(const rows *r, size_t frame, double ridge, double *z)
{
    size_t c = r->codes;
    double *normal = calloc(c * c, sizeof *normal), trace = 0.0;
    sums(r, frame, FC__ALL_CHANNELS, NULL, normal, z);
    for (size_t i = 0; i < c; i++)
        trace += normal[i * c + i];
    for (size_t i = 0; i < c; i++)
        normal[i * c + i] += trace > 0.0 ? ridge * trace / (double)c : 1.0;
    assert_int_equal(fc__cholesky(NULL, "", c, normal), FC_OK);
    fc__cholesky_solve(c, normal, 1, z);
    free(normal);
}

/* memory 0 = all */
static void check_codes(size_t memory, size_t frames, size_t channels, size_t codes, size_t most)
{
    const double ridge = 1e-4;
    cuda_fixture f = cuda_open_within(FC_CUDA_TF32, memory);
    rows r = rows_create(&f, frames, channels, codes, most);
    float *z = calloc(frames * codes, sizeof *z),
          *device_z = to_device(&f, r.device, frames * codes * sizeof *z, z);
    double *expected = calloc(codes, sizeof *expected), *found = calloc(codes, sizeof *found);
    fc__cuda_codes *solver = NULL;
    assert_status(fc__cuda_codes_create(f.context, r.device, frames, codes, &solver), f.context);
    assert_status(fc__cuda_codes_solve(f.context, solver, frames, channels, r.device_first,
                                       r.device_phi0, r.device_phi, r.device_y, ridge, device_z),
                  f.context);
    assert_status(fc__cuda_codes_check(f.context, solver), f.context);
    assert_status(fc__device_download(f.context, r.device, z, device_z, frames * codes * sizeof *z),
                  f.context);
    for (size_t i = 0; i < frames; i++) {
        reference_codes(&r, i, ridge, expected);
        for (size_t c = 0; c < codes; c++)
            found[c] = (double)z[i * codes + c];
        assert_close(cuda_difference_double(codes, found, expected), 1e-6); /* z is float */
    }
    fc__cuda_codes_destroy(solver);
    fc__device_free(r.device, device_z);
    free(z);
    free(expected);
    free(found);
    rows_clear(&r);
    cuda_close(&f);
}

static void codes_match_a_solution_in_double(void **state)
{
    (void)state;
    check_codes(0, 1, 1, 1, 1);
    check_codes(0, 5, 1, 9, 60); /* fewer and more values than codes */
    check_codes(0, 4, 2, 66, 60);
    check_codes(16 << 20, 200, 1, 70, 3); /* more frames than there is room for */
}

static void codes_of_frames_that_share_values_match_a_solution_in_double(void **state)
{
    (void)state;
    const double ridge = 1e-4;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    rows r = rows_create(&f, 1, 1, 21, 3000);
    fc__rng rng = fc__rng_create(5, 5);
    enum { COUNT = 7, CODES = 21 };
    float *x = random_floats(&rng, COUNT * CODES), *rhs = malloc(COUNT * CODES * sizeof *rhs);
    memcpy(rhs, x, COUNT * CODES * sizeof *rhs);
    for (size_t v = 0; v < r.values; v++)
        r.y[v] = r.phi0[v]; /* all are observed */
    float *device_x = to_device(&f, r.device, COUNT * CODES * sizeof *x, x);
    double normal[CODES * CODES], expected[CODES], trace = 0.0, difference = 0.0;
    fc__cuda_codes *solver = NULL;
    assert_status(fc__cuda_codes_create(f.context, r.device, COUNT, CODES, &solver), f.context);
    assert_status(fc__cuda_codes_factor(f.context, solver, r.values, r.device_phi, ridge),
                  f.context);
    assert_status(fc__cuda_codes_apply(f.context, solver, COUNT, device_x, device_x), f.context);
    assert_status(fc__cuda_codes_check(f.context, solver), f.context);
    assert_status(fc__device_download(f.context, r.device, x, device_x, COUNT * CODES * sizeof *x),
                  f.context);
    sums(&r, 0, FC__ALL_CHANNELS, NULL, normal, expected);
    for (size_t i = 0; i < CODES; i++)
        trace += normal[i * CODES + i];
    for (size_t i = 0; i < CODES; i++)
        normal[i * CODES + i] += ridge * trace / CODES;
    assert_int_equal(fc__cholesky(NULL, "", CODES, normal), FC_OK);
    for (size_t k = 0; k < COUNT; k++) {
        double found[CODES];
        for (size_t i = 0; i < CODES; i++) {
            expected[i] = (double)rhs[k * CODES + i];
            found[i] = (double)x[k * CODES + i];
        }
        fc__cholesky_solve(CODES, normal, 1, expected);
        difference = fmax(difference, cuda_difference_double(CODES, found, expected));
    }
    assert_close(difference, 1e-6);
    fc__cuda_codes_destroy(solver);
    fc__device_free(r.device, device_x);
    free(x);
    free(rhs);
    rows_clear(&r);
    cuda_close(&f);
}

static void a_matrix_that_is_not_positive_definite_is_named(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    rows r = rows_create(&f, 5, 1, 3, 40);
    float z[15];
    float *device_z = to_device(&f, r.device, sizeof z, z);
    fc__cuda_codes *solver = NULL;
    /* frame 3 without its second direction */
    for (size_t v = r.first[3]; v < r.first[4]; v++)
        r.phi[v * 3 + 1] = 0.0f;
    assert_status(
        fc__device_upload(f.context, r.device, r.device_phi, r.phi, r.values * 3 * sizeof *r.phi),
        f.context);
    assert_status(fc__cuda_codes_create(f.context, r.device, 5, 3, &solver), f.context);
    assert_status(fc__cuda_codes_solve(f.context, solver, 5, 1, r.device_first, r.device_phi0,
                                       r.device_phi, r.device_y, 0.0, device_z),
                  f.context);
    assert_int_equal(fc__cuda_codes_check(f.context, solver), FC_ERROR_SOLVER);
    assert_string_equal(fc_context_message(f.context),
                        "codes of the training frames: the matrix (3, 3) of frame 3 is not "
                        "positive definite at row 1");
    assert_status(fc__cuda_codes_check(f.context, solver), f.context);
    fc__cuda_codes_destroy(solver);
    fc__device_free(r.device, device_z);
    rows_clear(&r);
    cuda_close(&f);
}

/* Matrices of several warps, all but two of them the identity. */
static void a_factor_that_is_not_a_number_is_noted(void **state)
{
    (void)state;
    enum { N = 2, COUNT = 70 };
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc__device *device = ((fc__cuda *)f.engine->device)->device;
    const unsigned long long none[2] = {0, 0};
    unsigned long long *failed = to_device(&f, device, sizeof none, none), found[2];
    double matrices[COUNT * N * N] = {0};
    fc__cuda_cholesky *cholesky;
    assert_status(fc__cuda_cholesky_create(f.context, device, N, COUNT, 1, &cholesky), f.context);
    for (size_t i = 0; i < COUNT; i++)
        matrices[i * N * N] = matrices[i * N * N + 3] = 1.0;
    double *own = fc__cuda_cholesky_matrices(cholesky);
    assert_status(fc__device_upload(f.context, device, own, matrices, sizeof matrices), f.context);
    assert_status(fc__cuda_cholesky_factor(f.context, cholesky, COUNT), f.context);
    assert_status(fc__cuda_cholesky_note(f.context, cholesky, 100, failed), f.context);
    assert_status(fc__device_download(f.context, device, found, failed, sizeof found), f.context);
    assert_true(found[0] == 0);
    matrices[37 * N * N + 3] = matrices[69 * N * N + 3] = NAN; /* as cuSOLVER leaves factors */
    assert_status(fc__device_upload(f.context, device, own, matrices, sizeof matrices), f.context);
    assert_status(fc__cuda_cholesky_note(f.context, cholesky, 100, failed), f.context);
    assert_status(fc__device_download(f.context, device, found, failed, sizeof found), f.context);
    assert_true(found[0] == 138);
    assert_true(found[1] == 1);
    fc__cuda_cholesky_destroy(cholesky);
    fc__device_free(device, failed);
    cuda_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_over_rows_match_loops_in_double),
        cmocka_unit_test(codes_match_a_solution_in_double),
        cmocka_unit_test(codes_of_frames_that_share_values_match_a_solution_in_double),
        cmocka_unit_test(a_matrix_that_is_not_positive_definite_is_named),
        cmocka_unit_test(a_factor_that_is_not_a_number_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
