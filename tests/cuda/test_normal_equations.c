/* Normal equations of a Fourier series on a device, against the processor's. */
#include "cuda_fixture.h"

#include "tests/inr/decoder_fixture.h"

#include "inr/fit.h"

enum { FRAMES = 7, CHANNELS = 2 };

/* Every point but each fifth; memory 0 = all. */
static void compare(size_t memory, fc_domain domain, fc_filter_kind filter, size_t filters,
                    size_t count)
{
    cuda_fixture f = cuda_open_within(FC_CUDA_TF32, memory);
    fc_decoder_config config = small_config(filter, 0);
    config.filters = filters;
    fc_decoder *decoder = make_decoder(f.plain, domain, config);
    fc_points points = {.count = count, .coordinates = random_points(&domain, count, 1)};
    fc_dataset dataset = {.domain = domain, .channel_count = CHANNELS};
    fc_frame frame[FRAMES];
    const fc_frame *chosen[FRAMES];
    fc__frames frames = {.dataset = &dataset, .count = FRAMES, .frame = chosen};
    size_t width = 2 * filters, size = width * width + FRAMES * width + FRAMES, kept = 0;
    size_t *index = zeros(count, sizeof *index);
    double *right = random_doubles(size, 3), *found = zeros(size, sizeof *found);
    memcpy(found, right, size * sizeof *found); /* results are added */
    for (size_t p = 0; p < count; p++)
        if (p % 5 != 4)
            index[kept++] = p;
    for (size_t i = 0; i < FRAMES; i++) {
        frame[i] = (fc_frame){.values = random_floats(count * CHANNELS, i)};
        chosen[i] = &frame[i];
    }
    double *results[] = {right, found};
    fc_context *contexts[] = {f.plain, f.context};
    for (int k = 0; k < 2; k++) {
        double *gram = results[k], *rhs = gram + width * width, *square = rhs + FRAMES * width;
        assert_status(fc__normal_equations(contexts[k], decoder, &points, kept, index, &frames, 1,
                                           gram, rhs, square),
                      contexts[k]);
        assert_status(fc__normal_equations(contexts[k], decoder, &points, kept, index, NULL, 0,
                                           gram, NULL, NULL),
                      contexts[k]);
    }
    assert_close(cuda_difference_double(width * width, found, right), TOLERANCE_FP32);
    assert_close(
        cuda_difference_double(FRAMES * width, found + width * width, right + width * width),
        TOLERANCE_FP32);
    assert_close(cuda_difference_double(FRAMES, found + size - FRAMES, right + size - FRAMES),
                 TOLERANCE_DOUBLE);
    for (size_t i = 0; i < FRAMES; i++)
        free(frame[i].values);
    free(points.coordinates);
    free(index);
    free(right);
    free(found);
    fc_decoder_destroy(decoder);
    cuda_close(&f);
}

static void normal_equations_match_the_processors(void **state)
{
    (void)state;
    compare(0, planar_domain(), FC_FILTER_INTEGER, 13, 1);
    compare(0, planar_domain(), FC_FILTER_INTEGER, 50, 700);
    compare(0, sphere_domain(), FC_FILTER_RANDOM, 21, 130);
    compare(256 << 10, planar_domain(), FC_FILTER_INTEGER, 21, 700); /* tiles */
    compare(0, zone_domain(90.0), FC_FILTER_HARMONIC, 9, 60);        /* not taken */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_equations_match_the_processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
