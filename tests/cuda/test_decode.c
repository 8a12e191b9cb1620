/* Fields of many codes through fc__decode, against the processor's, and what is kept for them. */
#include "cuda_fixture.h"

#include "cuda/engine.h"
#include "cuda/kept.h"
#include "cuda/staging.h"
#include "tests/inr/decoder_fixture.h"

#include "inr/decode.h"

#ifdef FC_EMULATED
#include "emulation/emulation.h"
#endif

/* A request, and what the processor answers. */
typedef struct decode_case {
    fc_decoder *decoder;
    fc__decoding decoding;
    double *x, *z;
    float *values, *right;
    const double **codes;
    float **fields, **right_fields;
} decode_case;

static const double mean[] = {3.0, -1.0}, scale[] = {0.5, 2.0};

static decode_case case_of(const cuda_fixture *f, fc_filter_kind filter, size_t codes, size_t count,
                           size_t frames, bool scaled)
{
    fc_decoder_config config = small_config(filter, 1);
    config.codes = codes;
    decode_case c = {.decoder = make_decoder(f->plain, planar_domain(), config)};
    size_t channels = config.channels;
    c.x = random_points(&c.decoder->domain, count, 3);
    c.z = random_doubles(frames * codes, 4);
    c.values = random_floats(frames * count * channels, 5);
    c.right = random_floats(frames * count * channels, 6);
    c.codes = zeros(frames, sizeof *c.codes);
    c.fields = zeros(frames, sizeof *c.fields);
    c.right_fields = zeros(frames, sizeof *c.right_fields);
    for (size_t i = 0; i < frames; i++) {
        c.codes[i] = c.z + i * codes;
        c.fields[i] = c.values + i * count * channels;
        c.right_fields[i] = c.right + i * count * channels;
    }
    c.decoding = (fc__decoding){.count = count,
                                .frames = frames,
                                .coordinates = c.x,
                                .codes = c.codes,
                                .values = c.right_fields,
                                .mean = scaled ? mean : NULL,
                                .scale = scaled ? scale : NULL};
    CHECK(fc__decode(f->plain, c.decoder, &c.decoding));
    c.decoding.values = c.fields;
    return c;
}

static void case_destroy(decode_case *c)
{
    void *arrays[] = {c->x, c->z, c->values, c->right, c->codes, c->fields, c->right_fields};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    fc_decoder_destroy(c->decoder);
}

static double case_difference(const decode_case *c)
{
    size_t values = c->decoding.frames * c->decoding.count * c->decoder->config.channels;
    return cuda_difference(values, c->values, c->right);
}

static void compare_all(fc_cuda_precision precision, double tolerance)
{
    static const size_t sizes[][3] = {{5, 1, 1}, {33, 101, 7}, {70, 64, 140}, {4, 333, 2}};
    cuda_fixture f = cuda_open(precision);
    assert_non_null(f.engine->decoder->decode);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        decode_case c =
            case_of(&f, FC_FILTER_INTEGER, sizes[i][0], sizes[i][1], sizes[i][2], i % 2);
        for (int again = 0; again < 2; again++) { /* with the basis formed, and kept */
            memset(c.values, 0xff, sizes[i][1] * sizes[i][2] * 2 * sizeof *c.values);
            assert_status(fc__decode(f.context, c.decoder, &c.decoding), f.context);
            assert_close(case_difference(&c), tolerance);
        }
        case_destroy(&c);
    }
    cuda_close(&f);
}

static void decoded_fields_are_the_processors_with_floats(void **state)
{
    (void)state;
    compare_all(FC_CUDA_FP32, TOLERANCE_FP32);
}

static void decoded_fields_are_the_processors_with_tf32(void **state)
{
    (void)state;
    compare_all(FC_CUDA_TF32, TOLERANCE_TF32);
}

static void decoded_fields_are_the_processors_with_bfloat16(void **state)
{
    (void)state;
    compare_all(FC_CUDA_BF16, TOLERANCE_BF16);
}

/* Threads of the host share the values of a frame. */
static void a_frame_of_many_points_is_delivered_whole(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    decode_case c = case_of(&f, FC_FILTER_INTEGER, 2, 140001, 2, true);
    assert_status(fc__decode(f.context, c.decoder, &c.decoding), f.context);
    assert_close(case_difference(&c), TOLERANCE_FP32);
    case_destroy(&c);
    cuda_close(&f);
}

/* Memory for neither the basis nor the fields at once. */
static void large_requests_are_decoded_in_parts(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc_engine_destroy(f.engine);
    fc_cuda_config config = fc_cuda_config_default();
    config.memory = 400 << 10;
    assert_status(fc_cuda_engine_create(f.context, &config, &f.engine), f.context);
    fc_context_set_engine(f.context, f.engine);
    decode_case c = case_of(&f, FC_FILTER_RANDOM, 40, 2000, 9, true);
    assert_status(fc__decode(f.context, c.decoder, &c.decoding), f.context);
    assert_close(case_difference(&c), TOLERANCE_TF32);
    case_destroy(&c);
    cuda_close(&f);
}

/* A basis that would be kept on an empty device. */
static void a_device_in_use_elsewhere_decodes_in_parts(void **state)
{
    (void)state;
    const size_t memory = 4 << 20, taken = 3460300;
    cuda_fixture f = cuda_open_within(FC_CUDA_TF32, memory);
    fc__cuda *cuda = f.engine->device;
    char *other;
    decode_case c = case_of(&f, FC_FILTER_RANDOM, 40, 2700, 3, true);
    assert_true(fc__cuda_kept_accepts(cuda->kept, 2700 * 2 * 41 * sizeof(float)));
    assert_status(fc__device_allocate(f.context, cuda->device, "another use", taken, 1, &other),
                  f.context);
    assert_status(fc__decode(f.context, c.decoder, &c.decoding), f.context);
    assert_close(case_difference(&c), TOLERANCE_TF32);
    fc__device_free(cuda->device, other);
    case_destroy(&c);
    cuda_close(&f);
}

static void a_request_beyond_all_memory_says_so(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc_engine_destroy(f.engine);
    fc_cuda_config config = fc_cuda_config_default();
    config.memory = 4 << 10;
    assert_status(fc_cuda_engine_create(f.context, &config, &f.engine), f.context);
    fc_context_set_engine(f.context, f.engine);
    decode_case c = case_of(&f, FC_FILTER_RANDOM, 40, 500, 3, true);
    assert_int_equal(fc__decode(f.context, c.decoder, &c.decoding), FC_ERROR_MEMORY);
    assert_non_null(strstr(fc_context_message(f.context), "out of device memory"));
    case_destroy(&c);
    cuda_close(&f);
}

static void decoders_that_the_device_does_not_take_are_the_processors(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc_decoder_config config = small_config(FC_FILTER_HARMONIC, 1);
    decode_case c = case_of(&f, FC_FILTER_INTEGER, 5, 10, 2, true);
    fc_decoder_destroy(c.decoder);
    c.decoder = make_decoder(f.plain, zone_domain(90.0), config);
    c.decoding.values = c.right_fields;
    CHECK(fc__decode(f.plain, c.decoder, &c.decoding));
    c.decoding.values = c.fields;
    assert_status(fc__decode(f.context, c.decoder, &c.decoding), f.context);
    assert_true(case_difference(&c) == 0.0);
    case_destroy(&c);
    cuda_close(&f);
}

/* ---------------------------------------------------------------- what is kept */

static int destroyed;

static void count_destroyed(void *thing)
{
    (void)thing;
    destroyed++;
}

static void the_least_recently_used_things_go_first(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc__cuda *cuda = f.engine->device;
    fc__cuda_kept *kept;
    fc__kept *held[3], *found;
    size_t third = fc__device_room(cuda->device) / 4 / 5 * 2; /* two fit, three do not */
    destroyed = 0;
    assert_status(fc__cuda_kept_create(f.context, cuda->device, &kept), f.context);
    for (uint64_t i = 0; i < 3; i++) {
        fc__key key = {{i, 7}};
        if (i == 2) { /* the first is now younger than the second */
            found = fc__cuda_kept_find(kept, FC__KEPT_BASIS, &(fc__key){{0, 7}});
            assert_ptr_equal(found, held[0]);
            fc__cuda_kept_release(found);
        }
        assert_status(fc__cuda_kept_add(f.context, kept, FC__KEPT_BASIS, &key, third, NULL,
                                        count_destroyed, &held[i]),
                      f.context);
    }
    assert_null(fc__cuda_kept_find(kept, FC__KEPT_BASIS, &(fc__key){{1, 7}}));
    assert_null(fc__cuda_kept_find(kept, FC__KEPT_ANALYSIS, &(fc__key){{0, 7}}));
    assert_int_equal(destroyed, 0); /* it is still held */
    for (int i = 0; i < 3; i++)
        fc__cuda_kept_release(held[i]);
    assert_int_equal(destroyed, 1);
    fc__cuda_kept_destroy(kept);
    assert_int_equal(destroyed, 3);
    cuda_close(&f);
}

#ifdef FC_EMULATED
static void a_kept_basis_is_not_formed_again(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    decode_case c = case_of(&f, FC_FILTER_INTEGER, 5, 30, 4, true);
    size_t launches[3] = {fc_emulation_launches(), 0, 0};
    for (int i = 1; i < 3; i++) {
        assert_status(fc__decode(f.context, c.decoder, &c.decoding), f.context);
        launches[i] = fc_emulation_launches();
    }
    assert_true(launches[2] - launches[1] < launches[1] - launches[0]);
    c.decoder->parameters[c.decoder->parameter_count - 1] += 1.0f; /* another decoder */
    assert_status(fc__decode(f.context, c.decoder, &c.decoding), f.context);
    assert_int_equal(fc_emulation_launches() - launches[2], launches[1] - launches[0]);
    case_destroy(&c);
    cuda_close(&f);
}

/* Pinning memory takes longer than most requests. */
static void pinned_memory_serves_again_where_it_is_enough(void **state)
{
    (void)state;
    const int out_of_memory = 2;
    const size_t sizes[] = {1000, 500, 1000, 1001};
    size_t before = fc_emulation_objects();
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc__device *device = ((fc__cuda *)f.engine->device)->device;
    for (int i = 0; i < 4; i++) {
        fc__staging *staging;
        fc_emulation_fail_after(i > 0, out_of_memory);
        fc_status status = fc__staging_create(f.context, device, sizes[i], &staging);
        fc_emulation_fail_after(0, 0);
        assert_int_equal(status, i < 3 ? FC_OK : FC_ERROR_MEMORY);
        fc__staging_destroy(staging);
    }
    cuda_close(&f);
    assert_int_equal(fc_emulation_objects(), before);
}

/* Every call of a device may fail; nothing stays allocated and the next request is right. */
static void a_failure_anywhere_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    const int launch_failure = 719;
    for (size_t n = 1;; n++) {
        size_t before = fc_emulation_allocated();
        cuda_fixture f = cuda_open(FC_CUDA_TF32);
        decode_case c = case_of(&f, FC_FILTER_INTEGER, 5, 30, 4, true);
        fc_emulation_fail_after(n, launch_failure);
        fc_status status = fc__decode(f.context, c.decoder, &c.decoding);
        fc_emulation_fail_after(0, 0);
        if (status != FC_OK)
            assert_int_equal(status, FC_ERROR_DEVICE);
        assert_status(fc__decode(f.context, c.decoder, &c.decoding), f.context);
        assert_close(case_difference(&c), TOLERANCE_TF32);
        case_destroy(&c);
        cuda_close(&f);
        assert_int_equal(fc_emulation_allocated(), before);
        if (status == FC_OK)
            break;
        assert_true(n < 200);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoded_fields_are_the_processors_with_floats),
        cmocka_unit_test(decoded_fields_are_the_processors_with_tf32),
        cmocka_unit_test(decoded_fields_are_the_processors_with_bfloat16),
        cmocka_unit_test(a_frame_of_many_points_is_delivered_whole),
        cmocka_unit_test(large_requests_are_decoded_in_parts),
        cmocka_unit_test(a_device_in_use_elsewhere_decodes_in_parts),
        cmocka_unit_test(a_request_beyond_all_memory_says_so),
        cmocka_unit_test(decoders_that_the_device_does_not_take_are_the_processors),
        cmocka_unit_test(the_least_recently_used_things_go_first),
#ifdef FC_EMULATED
        cmocka_unit_test(a_kept_basis_is_not_formed_again),
        cmocka_unit_test(pinned_memory_serves_again_where_it_is_enough),
        cmocka_unit_test(a_failure_anywhere_is_told_and_leaves_nothing),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
