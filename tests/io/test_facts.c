/* What files and their values are said to be: fc_dataset_examine against numpy
 * (tests/golden/make_facts.py), and what each variable is to the format that reads its file. */
#include "inr/support.h"
#include "tests/io/io_testing.h"

#include <math.h>

static const char *golden(bench *in, const char *name)
{
    snprintf(in->path, sizeof in->path, "%s/%s", FC_TEST_GOLDEN, name);
    return in->path;
}

static void assert_near(double found, double wanted)
{
    double difference = fabs(found - wanted);
    if (!(difference <= 1e-9 * fmax(fabs(wanted), 1.0)))
        fail_msg("%.12g instead of %.12g", found, wanted);
}

/* One line of facts.txt. */
static void check_line(bench *in, const char *line)
{
    char file[64], name[64];
    double wanted[7];
    size_t points, frames;
    fc_dataset *dataset;
    fc_data_facts facts;
    assert_int_equal(sscanf(line, "%63s %63s %lf %lf %lf %lf %lf %lf %lf %zu %zu", file, name,
                            &wanted[0], &wanted[1], &wanted[2], &wanted[3], &wanted[4], &wanted[5],
                            &wanted[6], &points, &frames),
                     11);
    assert_ok(in, fc_dataset_examine(in->context, golden(in, file), NULL, &dataset, &facts));
    assert_null(dataset->sequences[0].frames[0].values);
    assert_int_equal(facts.points_left_out, points);
    assert_int_equal(facts.frames_left_out, frames);
    size_t c = 0;
    while (c < dataset->channel_count && strcmp(dataset->channels[c].name, name) != 0)
        c++;
    assert_true(c < dataset->channel_count);
    const fc_channel_facts *found = &facts.channels[c];
    const double values[7] = {found->lower,       found->upper,   found->mean,
                              found->deviation,   found->missing, found->least_missing,
                              found->most_missing};
    for (size_t i = 0; i < 7; i++)
        assert_near(values[i], wanted[i]);
    fc_data_facts_clear(&facts);
    fc_dataset_destroy(dataset);
}

static void facts_of_files_are_those_of_numpy(void **state)
{
    char line[512];
    size_t lines = 0;
    FILE *file = fopen(golden(*state, "facts.txt"), "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (line[0] != '#') {
            check_line(*state, line);
            lines++;
        }
    fclose(file);
    assert_int_equal(lines, 3);
}

/* Only points that are never missing are kept, and the facts are theirs. */
static void facts_are_of_what_is_kept(void **state)
{
    bench *in = *state;
    const fc_read_config config = {.complete = true};
    fc_dataset *dataset;
    fc_data_facts facts;
    assert_ok(in, fc_dataset_examine(in->context, golden(in, "points_molene.nc"), &config, &dataset,
                                     &facts));
    for (size_t c = 0; c < dataset->channel_count; c++) {
        assert_true(facts.channels[c].missing == 0.0);
        assert_true(facts.channels[c].most_missing == 0.0);
    }
    fc_data_facts_clear(&facts);
    fc_dataset_destroy(dataset);
}

static const fc_file_variable *find(size_t count, const fc_file_variable *variables,
                                    const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(variables[i].name, name) == 0)
            return &variables[i];
    fail_msg("no variable %s", name);
    return NULL;
}

static void every_variable_has_a_use_or_a_reason(void **state)
{
    bench *in = *state;
    size_t count;
    fc_file_variable *variables;
    assert_ok(in, fc_file_variables(in->context, golden(in, "points_tide.nc"), &count, &variables));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(variables[i].reason[0] == '\0', variables[i].use == FC_VARIABLE_CHANNEL);
    const fc_file_variable *depth = find(count, variables, "depth");
    assert_int_equal(depth->use, FC_VARIABLE_CHANNEL);
    assert_true(depth->bytes > 0 && depth->stored > 0 && depth->storage[0]);
    assert_int_equal(find(count, variables, "elevation")->use, FC_VARIABLE_FIXED);
    assert_string_equal(find(count, variables, "mesh2d")->reason, "describes a mesh");
    assert_string_equal(find(count, variables, "time")->reason, "times");
    assert_string_equal(find(count, variables, "node_x")->reason, "coordinate");
    free(variables);
    assert_ok(in,
              fc_file_variables(in->context, golden(in, "points_molene.nc"), &count, &variables));
    assert_int_equal(find(count, variables, "altitude")->use, FC_VARIABLE_FIXED);
    free(variables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(facts_of_files_are_those_of_numpy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(facts_are_of_what_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_variable_has_a_use_or_a_reason, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
