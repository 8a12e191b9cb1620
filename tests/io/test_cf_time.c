/* Times and calendars against cftime (tests/golden/make_calendars.py), and the cycles of records.
 */
#include "inr/support.h"
#include "io/read/cf_time.h"
#include "tests/io/io_testing.h"

#include <math.h>

/* Relative to the size of the number: dates in the golden file are exact to a millisecond. */
static const double TIME_TOLERANCE = 1e-12;

static fc_time_axis axis_of(const char *units, const char *calendar)
{
    fc_time_axis axis = {.cycle = 0.0};
    fc__copy_name(axis.units, units);
    fc__copy_name(axis.calendar, calendar);
    return axis;
}

static double parse(bench *in, const fc_time_axis *axis, const char *text)
{
    double time = NAN;
    assert_ok(in, fc_time_parse(in->context, axis, text, &time));
    return time;
}

static void dates_agree_with_cftime_both_ways(void **state)
{
    bench *in = *state;
    char line[256], text[64];
    size_t count = 0;
    FILE *golden = fopen(FC_TEST_GOLDEN "/calendars.txt", "r");
    assert_non_null(golden);
    while (fgets(line, sizeof line, golden)) {
        char calendar[32], units[64], number[64], date[64];
        assert_int_equal(
            sscanf(line, "%31[^|]|%63[^|]|%63[^|]|%63s", calendar, units, number, date), 4);
        fc_time_axis axis = axis_of(units, calendar);
        double expected = atof(number), size = fabs(expected) + 1e3;
        if (!(fabs(parse(in, &axis, date) - expected) <= TIME_TOLERANCE * size))
            fail_msg("%s gives %.17g", line, parse(in, &axis, date));
        fc_time_format(&axis, expected, text, sizeof text);
        double again = parse(in, &axis, text);
        if (strncmp(text, date, 16) != 0 || !(fabs(again - expected) <= TIME_TOLERANCE * size))
            fail_msg("%s gives %s", line, text);
        count++;
    }
    fclose(golden);
    assert_true(count > 500);
}

static void aliases_of_calendars_agree(void **state)
{
    static const char *const pairs[][2] = {
        {"standard", "gregorian"}, {"standard", ""},          {"noleap", "365_day"},
        {"all_leap", "366_day"},   {"standard", "Gregorian"},
    };
    bench *in = *state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        fc_time_axis a = axis_of("hours since 1970-01-01", pairs[i][0]);
        fc_time_axis b = axis_of("hours since 1970-01-01", pairs[i][1]);
        assert_true(parse(in, &a, "1402-03-01T06:00") == parse(in, &b, "1402-03-01T06:00"));
    }
}

static void dates_are_written_as_people_write_them(void **state)
{
    static const char *const texts[] = {"2014-03-01T06:00",
                                        "2014-03-01 06:00",
                                        "2014-03-01T06:00Z",
                                        "2014-3-1 6",
                                        "2014-03-01T09:00:00.0+03:00",
                                        "2014-02-28 22:30 -0730"};
    bench *in = *state;
    const fc_time_axis axis = axis_of("hours since 2014-03-01", "standard");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_true(parse(in, &axis, texts[i]) == 6.0);
    assert_true(parse(in, &axis, "2014-03") == 0.0);
    assert_true(parse(in, &axis, "-1.5e1") == -15.0);
}

static void plain_times_are_numbers(void **state)
{
    bench *in = *state;
    char text[64];
    double time;
    const fc_time_axis axis = axis_of("1", ""), seconds = axis_of("s", "");
    assert_true(parse(in, &axis, "0.1") == 0.1);
    fc_time_format(&axis, 0.1, text, sizeof text);
    assert_string_equal(text, "0.1");
    fc_time_format(&seconds, 1e300, text, sizeof text);
    assert_string_equal(text, "1e+300");
    assert_fails(in, FC_ERROR_USAGE, fc_time_parse(in->context, &axis, "2014-03-01", &time),
                 "2014-03-01", "plain numbers");
}

static void times_that_cannot_be_are_refused(void **state)
{
    static const char *const bad[] = {
        "",           "soon",         "2014-13-01", "2014-02-29",          "2014-02-01T25:61",
        "1582-10-10", "2014-02-01Tx", "nan",        "2014-02-01T06:00 MEZ"};
    bench *in = *state;
    double time;
    const fc_time_axis axis = axis_of("hours since 2014-03-01", "standard");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(in, FC_ERROR_USAGE, fc_time_parse(in->context, &axis, bad[i], &time), bad[i]);
    const fc_time_axis months = axis_of("months since 2014-03-01", "standard");
    assert_fails(in, FC_ERROR_USAGE, fc_time_parse(in->context, &months, "2014-04-01", &time),
                 "months", "no fixed length");
    const fc_time_axis odd = axis_of("days since 2014-03-01", "mayan");
    assert_fails(in, FC_ERROR_USAGE, fc_time_parse(in->context, &odd, "2014-04-01", &time), "mayan",
                 "noleap");
    const fc_time_axis broken = axis_of("days since 2014-02-30", "standard");
    assert_fails(in, FC_ERROR_USAGE, fc_time_parse(in->context, &broken, "2014-04-01", &time),
                 "2014-02-30");
}

/* The example of the CF conventions, 4.4, whose zone cftime 1.6 passes over. */
static void reference_times_may_have_a_short_zone(void **state)
{
    bench *in = *state;
    const fc_time_axis axis = axis_of("seconds since 1992-10-8 15:15:42.5 -6:00", "standard");
    assert_true(parse(in, &axis, "1992-10-08T21:15:42.5") == 0.0);
}

/* Times that are too large for a date are numbers, and none makes the text too long. */
static void any_time_has_a_text(void **state)
{
    static const double times[] = {INFINITY, -INFINITY, NAN, 1e18, -1e18, 1e9, -1e9, 8.7e9};
    static const char *const all[] = {"standard", "julian", "noleap", "all_leap", "360_day"};
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
            char text[32], cut[8];
            const fc_time_axis axis = axis_of("hours since 1900-01-01", all[k]);
            fc_time_format(&axis, times[i], text, sizeof text);
            fc_time_format(&axis, times[i], cut, sizeof cut);
            assert_true(text[0] != '\0');
            assert_memory_equal(text, cut, strlen(cut));
        }
    }
}

static void rounding_carries_into_the_next_day(void **state)
{
    char text[64];
    (void)state;
    const fc_time_axis axis = axis_of("days since 1999-12-31", "standard");
    fc_time_format(&axis, 1.0 - 1e-12, text, sizeof text);
    assert_string_equal(text, "2000-01-01T00:00");
    fc_time_format(&axis, 0.5 + 1.5 / 86400.0, text, sizeof text);
    assert_string_equal(text, "1999-12-31T12:00:01.500");
}

static double cycle_of(bench *in, const char *units, const char *calendar, double step,
                       size_t count)
{
    double cycle = -1.0, *times = calloc(count, sizeof *times);
    fc_time_axis axis = axis_of(units, calendar);
    for (size_t i = 0; i < count; i++)
        times[i] = step * (double)i;
    assert_ok(in, fc__cf_cycle(in->context, &axis, count, times, &cycle));
    free(times);
    return cycle;
}

static void cycles_follow_from_step_and_length(void **state)
{
    bench *in = *state;
    assert_true(cycle_of(in, "days since 2000-01-01", "standard", 30.0, 30) == 365.2425);
    assert_true(cycle_of(in, "days since 2000-01-01", "noleap", 30.0, 30) == 365.0);
    assert_true(cycle_of(in, "hours since 2000-01-01", "360_day", 720.0, 24) == 8640.0);
    assert_true(cycle_of(in, "days since 2000-01-01", "standard", 30.0, 20) == 0.0);
    assert_true(fabs(cycle_of(in, "months since 2000-01-01", "standard", 1.0, 30) - 12.0) < 1e-12);
    assert_true(cycle_of(in, "hours since 2000-01-01", "standard", 6.0, 16) == 24.0);
    assert_true(cycle_of(in, "hours since 2000-01-01", "standard", 6.0, 15) == 0.0);
    assert_true(cycle_of(in, "minutes since 2000-01-01", "", 60.0, 200) == 1440.0);
    assert_true(cycle_of(in, "days since 2000-01-01", "standard", 1.0, 2000) == 0.0);
    assert_true(cycle_of(in, "1", "", 1.0, 2000) == 0.0);
    assert_true(cycle_of(in, "days", "", 30.0, 2000) == 0.0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(dates_agree_with_cftime_both_ways),
        TEST(aliases_of_calendars_agree),
        TEST(dates_are_written_as_people_write_them),
        TEST(plain_times_are_numbers),
        TEST(times_that_cannot_be_are_refused),
        TEST(reference_times_may_have_a_short_zone),
        TEST(any_time_has_a_text),
        TEST(rounding_carries_into_the_next_day),
        TEST(cycles_follow_from_step_and_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
