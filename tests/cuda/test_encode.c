/* Posterior encoding on a device, against the processor's. */
#include "encode_fixture.h"

#include "inr/encode.h"

#ifdef FC_EMULATED
#include "emulation/emulation.h"
#endif

/* What is asked for. Every `missing`-th value and every `unseen`-th point is not observed, 0 =
 * all are. */
typedef struct request {
    size_t codes, channels, count, frames, missing, unseen;
    bool normalised, shifted;
} request;

/* Frames to encode. */
typedef struct encode_case {
    request r;
    fc_decoder *decoder;
    fc_prior *prior;
    double *x, noise[3], mean[3], scale[3], *shift;
    float *values, **frame;
    bool *seen;
    fc__observed observed;
} encode_case;

/* Codes, covariance and (channels) sums. */
typedef struct result {
    fc__encoded encoded;
    double *codes, *covariance, number[3], square[3], leverage[3];
} result;

static void case_create(fc_context *context, request r, encode_case *made)
{
    encode_case c = {.r = r, .noise = {0.3, 2.0, 0.5}, .mean = {0.5, -2.0, 1.0}};
    size_t values = r.count * r.channels;
    c.decoder = encode_decoder(context, r.codes, r.channels);
    c.prior = encode_prior(context, r.codes);
    c.x = random_points(&c.decoder->domain, r.count, 3);
    c.values = zeros(r.frames * values, sizeof *c.values);
    c.frame = zeros(r.frames, sizeof *c.frame);
    c.seen = zeros(r.count, sizeof *c.seen);
    c.shift = random_doubles(r.codes, 4);
    for (size_t ch = 0; ch < 3; ch++)
        c.scale[ch] = 2.0 + (double)ch;
    for (size_t f = 0; f < r.frames; f++) {
        c.frame[f] = c.values + f * values;
        encode_values(context, c.decoder, r.count, c.x, f, c.frame[f]);
        for (size_t v = 0; v < values; v++) {
            if (r.normalised)
                c.frame[f][v] =
                    (float)(c.mean[v % r.channels] + c.scale[v % r.channels] * c.frame[f][v]);
            if (r.missing && v % r.missing == 0)
                c.frame[f][v] = NAN;
        }
    }
    for (size_t p = 0; p < r.count; p++)
        c.seen[p] = !r.unseen || p % r.unseen != 1;
    *made = c;
    made->observed = (fc__observed){.count = r.count,
                                    .frames = r.frames,
                                    .coordinates = c.x,
                                    .values = (const float *const *)c.frame,
                                    .seen = r.unseen ? c.seen : NULL,
                                    .mean = r.normalised ? made->mean : NULL,
                                    .scale = r.normalised ? made->scale : NULL,
                                    .shift = r.shifted ? c.shift : NULL};
}

static void case_clear(encode_case *c)
{
    fc_decoder_destroy(c->decoder);
    fc_prior_destroy(c->prior);
    free(c->x);
    free(c->shift);
    free(c->values);
    free(c->frame);
    free(c->seen);
}

static void encode(fc_context *context, const encode_case *c, result *found)
{
    *found = (result){.codes = zeros(c->r.frames * c->r.codes, sizeof(double)),
                      .covariance = zeros(c->r.codes * c->r.codes, sizeof(double))};
    found->encoded = (fc__encoded){.codes = found->codes,
                                   .covariance = found->covariance,
                                   .number = found->number,
                                   .square = found->square,
                                   .leverage = found->leverage};
    assert_status(
        fc__encode(context, c->decoder, c->prior, c->noise, &c->observed, &found->encoded),
        context);
}

static void result_clear(result *found)
{
    free(found->codes);
    free(found->covariance);
}

static void assert_same(const request *r, const result *found, const result *right,
                        double tolerance)
{
    assert_int_equal(found->encoded.values, right->encoded.values);
    assert_close(cuda_difference_double(r->frames * r->codes, found->codes, right->codes),
                 tolerance);
    assert_close(cuda_difference_double(r->codes * r->codes, found->covariance, right->covariance),
                 tolerance);
    assert_close(cuda_difference_double(r->channels, found->number, right->number), 0.0);
    assert_close(cuda_difference_double(r->channels, found->square, right->square), tolerance);
    assert_close(cuda_difference_double(r->channels, found->leverage, right->leverage), tolerance);
}

static const request requests[] = {
    {.codes = 5, .channels = 1, .count = 70, .frames = 1},
    {.codes = 70, .channels = 1, .count = 301, .frames = 6},
    {.codes = 9, .channels = 2, .count = 130, .frames = 3, .missing = 3, .shifted = true},
    {.codes = 12,
     .channels = 3,
     .count = 90,
     .frames = 2,
     .missing = 4,
     .unseen = 5,
     .normalised = true,
     .shifted = true},
    {.codes = 40, .channels = 1, .count = 7, .frames = 2}, /* fewer values than codes */
    {.codes = 4, .channels = 1, .count = 1, .frames = 1},
};

static void compare_all(fc_cuda_precision precision)
{
    cuda_fixture f = cuda_open(precision);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        encode_case c;
        case_create(f.plain, requests[i], &c);
        result right, found;
        encode(f.plain, &c, &right);
        for (int again = 0; again < 2; again++) { /* from what has been kept */
            encode(f.context, &c, &found);
            assert_same(&c.r, &found, &right, encode_tolerance(precision));
            result_clear(&found);
        }
        result_clear(&right);
        case_clear(&c);
    }
    cuda_close(&f);
}

static void codes_and_sums_match_the_processors_with_factors_of_11_bits(void **state)
{
    (void)state;
    compare_all(FC_CUDA_TF32);
}

static void codes_and_sums_match_the_processors_in_float(void **state)
{
    (void)state;
    compare_all(FC_CUDA_FP32);
}

/* So little memory that points and frames are taken in parts. */
static void parts_give_the_same_codes(void **state)
{
    (void)state;
    const request r = {.codes = 31, .channels = 2, .count = 500, .frames = 10, .missing = 7};
    cuda_fixture f = cuda_open_within(FC_CUDA_FP32, 400 << 10);
    encode_case c;
    case_create(f.plain, r, &c);
    result right, found;
    encode(f.plain, &c, &right);
    encode(f.context, &c, &found);
    assert_same(&c.r, &found, &right, encode_tolerance(FC_CUDA_FP32));
    result_clear(&found);
    result_clear(&right);
    case_clear(&c);
    cuda_close(&f);
}

static void encoding_twice_gives_the_same_bits(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32), other = cuda_open(FC_CUDA_TF32);
    encode_case c;
    case_create(f.plain, requests[2], &c);
    result first, second;
    encode(f.context, &c, &first);
    encode(other.context, &c, &second);
    assert_memory_equal(first.codes, second.codes, c.r.frames * c.r.codes * sizeof(double));
    assert_memory_equal(first.square, second.square, sizeof first.square);
    result_clear(&first);
    result_clear(&second);
    case_clear(&c);
    cuda_close(&f);
    cuda_close(&other);
}

static void frames_without_any_value_are_refused(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    encode_case c;
    case_create(f.plain, requests[0], &c);
    fc__encoded encoded = {.values = 1, .codes = zeros(c.r.codes, sizeof(double))};
    for (size_t v = 0; v < c.r.count; v++)
        c.values[v] = NAN;
    assert_int_equal(fc__encode(f.context, c.decoder, c.prior, c.noise, &c.observed, &encoded),
                     FC_ERROR_DATA);
    assert_string_equal(fc_context_message(f.context), "no value is observed");
    assert_int_equal(encoded.values, 0);
    free(encoded.codes);
    case_clear(&c);
    cuda_close(&f);
}

static void an_infinite_value_is_named(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    encode_case c;
    case_create(f.plain, requests[1], &c);
    fc__encoded encoded = {.codes = zeros(c.r.frames * c.r.codes, sizeof(double))};
    c.frame[2][17] = INFINITY;
    assert_int_equal(fc__encode(f.context, c.decoder, c.prior, c.noise, &c.observed, &encoded),
                     FC_ERROR_DATA);
    assert_non_null(strstr(fc_context_message(f.context), "value 17 of frame 2 is inf"));
    free(encoded.codes);
    case_clear(&c);
    cuda_close(&f);
}

#ifdef FC_EMULATED
/* Calls of the device, the later ones in steps, fail once: an error, or where the device was only
 * asked for its room a result, and nothing is left behind. */
static void failures_of_the_device_are_reported(void **state)
{
    (void)state;
    enum { ERROR = 700, QUIET = 4 /* runs without failure that end the test */ };
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    const request r = {.codes = 3, .channels = 2, .count = 6, .frames = 2, .missing = 5};
    encode_case c;
    result right;
    size_t size = r.frames * r.codes, failures = 0;
    double *codes = zeros(size, sizeof *codes);
    case_create(f.plain, r, &c);
    encode(f.context, &c, &right);
    fc_engine_destroy(f.engine);
    size_t before = fc_emulation_allocated();
    for (size_t n = 1, quiet = 0; quiet < QUIET; n += 1 + n / 16) {
        double square[3] = {0}, leverage[3] = {0};
        fc__encoded encoded = {.codes = codes, .square = square, .leverage = leverage};
        const fc_cuda_config config = fc_cuda_config_default();
        assert_status(fc_cuda_engine_create(f.context, &config, &f.engine), f.context);
        fc_context_set_engine(f.context, f.engine);
        fc_emulation_fail_after(n, ERROR);
        fc_status status =
            fc__encode(f.context, c.decoder, c.prior, c.noise, &c.observed, &encoded);
        fc_emulation_fail_after(0, 0);
        assert_true(status == FC_OK || status == FC_ERROR_DEVICE);
        fc_engine_destroy(f.engine);
        assert_int_equal(fc_emulation_allocated(), before);
        failures += status != FC_OK;
        quiet = status == FC_OK ? quiet + 1 : 0;
        if (status == FC_OK)
            assert_close(cuda_difference_double(size, codes, right.codes), TOLERANCE_DOUBLE);
    }
    assert_true(failures > 20);
    f.engine = NULL;
    fc_context_set_engine(f.context, NULL);
    free(codes);
    result_clear(&right);
    case_clear(&c);
    cuda_close(&f);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_and_sums_match_the_processors_with_factors_of_11_bits),
        cmocka_unit_test(codes_and_sums_match_the_processors_in_float),
        cmocka_unit_test(parts_give_the_same_codes),
        cmocka_unit_test(encoding_twice_gives_the_same_bits),
        cmocka_unit_test(frames_without_any_value_are_refused),
        cmocka_unit_test(an_infinite_value_is_named),
#ifdef FC_EMULATED
        cmocka_unit_test(failures_of_the_device_are_reported),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
