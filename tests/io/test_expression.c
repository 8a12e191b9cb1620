/* Requests taken apart, and channels computed from variables with and without a time axis: the
 * water level of a real tide against numpy (tests/golden/make_expressions.py). */
#include "inr/support.h"
#include "io/read/expression.h"
#include "tests/io/io_testing.h"

#include <math.h>

static void requests_are_taken_apart(void **state)
{
    bench *in = *state;
    fc__request request;
    const fc_read_config config = {.variables = " a-b ,x = max(u, v) + u/w*_pi,2t",
                                   .where = "w >= 1 && (u != v)"};
    assert_ok(in, fc__request_parse(in->context, &config, &request));
    assert_int_equal(request.count, 3);
    assert_string_equal(request.name[0], "a-b");
    assert_null(request.text[0]);
    assert_string_equal(request.name[1], "x");
    assert_string_equal(request.text[1], "max(u, v) + u/w*_pi");
    assert_string_equal(request.name[2], "2t");
    assert_string_equal(request.where, "w >= 1 && (u != v)");
    assert_int_equal(request.used.count, 3);
    assert_true(fc__request_computes(&request));
    fc__request_release(&request);
    assert_ok(in, fc__request_parse(in->context, &(fc_read_config){.variables = "a,b"}, &request));
    assert_false(fc__request_computes(&request));
    fc__request_release(&request);
    assert_ok(in, fc__request_parse(in->context, NULL, &request));
    assert_int_equal(request.count, 0);
    fc__request_release(&request);
}

static void requests_of_any_length_are_answered(void **state)
{
    bench *in = *state;
    enum { SIZE = 20000 };
    char *text = malloc(SIZE + 1);
    static const char fillers[] = "(a,+=-) ";
    for (const char *at = fillers; *at; at++) {
        fc_dataset *read;
        memset(text, *at, SIZE);
        text[SIZE] = '\0';
        for (int k = 0; k < 2; k++) {
            const fc_read_config config = {.variables = k ? text : NULL, .where = k ? NULL : text};
            if (k)
                memcpy(text, "x=", 2);
            assert_fails(
                in, FC_ERROR_USAGE,
                fc_dataset_read(in->context, FC_TEST_GOLDEN "/points_tide.nc", &config, &read),
                k ? "" : "expression");
            assert_null(read);
        }
    }
    free(text);
}

static const float *find(const fc_dataset *dataset, double time, double x, double y)
{
    const fc_sequence *sequence = &dataset->sequences[0];
    for (size_t f = 0; f < sequence->frame_count; f++)
        for (size_t p = 0; p < dataset->points[0].count; p++)
            if (sequence->frames[f].time == time && dataset->points[0].coordinates[2 * p] == x &&
                dataset->points[0].coordinates[2 * p + 1] == y)
                return &sequence->frames[f].values[p];
    return NULL;
}

/* elevation does not change with time: the reader of meshes lends it to the expression. */
static void a_level_above_changing_ground_agrees_with_numpy(void **state)
{
    bench *in = *state;
    fc_dataset *dataset;
    size_t points;
    double total, found = 0.0, time, x, y, level;
    const fc_read_config config = {
        .variables = "level=depth+elevation", .where = "depth > 0", .complete = true};
    assert_ok(in,
              fc_dataset_read(in->context, FC_TEST_GOLDEN "/points_tide.nc", &config, &dataset));
    FILE *golden = fopen(FC_TEST_GOLDEN "/expressions.txt", "r");
    assert_non_null(golden);
    assert_int_equal(fscanf(golden, "%zu %lf", &points, &total), 2);
    assert_int_equal(dataset->points[0].count, points);
    assert_string_equal(dataset->channels[0].name, "level");
    while (fscanf(golden, "%lf %lf %lf %lf", &time, &x, &y, &level) == 4) {
        const float *value = find(dataset, time, x, y);
        assert_non_null(value);
        assert_true(fabs((double)*value - level) <= 1e-6 * fabs(level));
        found += (double)*value;
    }
    fclose(golden);
    assert_true(fabs(found - total) <= 1e-5 * fabs(total));
    fc_dataset_destroy(dataset);
}

static void a_condition_alone_may_use_what_does_not_change(void **state)
{
    bench *in = *state;
    fc_dataset *all, *low, *none;
    const char *path = FC_TEST_GOLDEN "/points_tide.nc";
    assert_ok(in, fc_dataset_read(in->context, path, NULL, &all));
    assert_ok(in,
              fc_dataset_read(in->context, path,
                              &(fc_read_config){.where = "elevation < 1e9 && node_x > 0"}, &low));
    assert_same_dataset(all, low);
    fc_dataset_destroy(all);
    fc_dataset_destroy(low);
    assert_fails(
        in, FC_ERROR_DATA,
        fc_dataset_read(in->context, path, &(fc_read_config){.where = "elevation > 1e9"}, &none),
        path, "no value at all");
    assert_fails(
        in, FC_ERROR_DATA,
        fc_dataset_read(in->context, path, &(fc_read_config){.variables = "x=elevation+1"}, &none),
        path, "elevation");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(requests_are_taken_apart),
        TEST(requests_of_any_length_are_answered),
        TEST(a_level_above_changing_ground_agrees_with_numpy),
        TEST(a_condition_alone_may_use_what_does_not_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
