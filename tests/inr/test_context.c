/* Contexts, messages, memory and the division of work. */
#include "tests/inr/decoder_fixture.h"

static void every_status_has_a_text_and_an_exit_code(void **state)
{
    (void)state;
    const int expected[] = {0, 2, 3, 4, 5, 5, 6, 130};
    for (int s = FC_OK; s <= FC_INTERRUPTED; s++) {
        assert_int_equal(fc_status_exit_code((fc_status)s), expected[s]);
        assert_true(strlen(fc_status_text((fc_status)s)) > 3);
        for (int other = FC_OK; other < s; other++)
            assert_string_not_equal(fc_status_text((fc_status)s), fc_status_text((fc_status)other));
    }
    assert_int_equal(fc_status_exit_code((fc_status)99), 1);
    assert_string_equal(fc_status_text((fc_status)99), "unknown status");
    assert_string_equal(fc_version(), FC_VERSION);
}

static void a_context_has_the_threads_it_was_asked_for(void **state)
{
    (void)state;
    fc_context *context;
    CHECK(fc_context_create(3, &context));
    assert_int_equal(fc_context_threads(context), 3);
    assert_string_equal(fc_context_message(context), "");
    fc_context_destroy(context);
    CHECK(fc_context_create(0, &context));
    assert_true(fc_context_threads(context) >= 1);
    fc_context_destroy(context);
    assert_int_equal(fc_context_create(-1, &context), FC_ERROR_USAGE);
    assert_null(context);
    assert_int_equal(fc_context_threads(NULL), 1);
    assert_false(fc_context_interrupted(NULL));
    fc_context_destroy(NULL);
}

static void a_failure_leaves_its_message_even_when_made_from_the_last_one(void **state)
{
    assert_int_equal(fc__fail(*state, FC_ERROR_IO, "disk %d", 7), FC_ERROR_IO);
    assert_string_equal(fc_context_message(*state), "disk 7");
    assert_int_equal(fc__fail(*state, FC_ERROR_DATA, "a.nc: %s", fc_context_message(*state)),
                     FC_ERROR_DATA);
    assert_string_equal(fc_context_message(*state), "a.nc: disk 7");
    assert_int_equal(fc__fail(NULL, FC_ERROR_SOLVER, "unheard"), FC_ERROR_SOLVER);
    char lengthy[4000];
    memset(lengthy, 'x', sizeof lengthy);
    lengthy[sizeof lengthy - 1] = '\0';
    assert_int_equal(fc__fail(*state, FC_ERROR_DATA, "%s", lengthy), FC_ERROR_DATA);
    assert_int_equal(strlen(fc_context_message(*state)), 1023); /* cut */
}

static void an_interruption_is_seen(void **state)
{
    (void)state;
    fc_context *context;
    CHECK(fc_context_create(1, &context));
    assert_false(fc_context_interrupted(context));
    fc_context_interrupt(context);
    assert_true(fc_context_interrupted(context));
    fc_context_destroy(context);
}

static void note_progress(void *user, const char *stage, uint64_t done, uint64_t total, double loss)
{
    assert_string_equal(stage, "decoder");
    assert_true(done == 3 && total == 8 && loss == 0.25);
    ++*(int *)user;
}

static void progress_reaches_its_listener(void **state)
{
    (void)state;
    fc_context *context;
    int calls = 0;
    CHECK(fc_context_create(1, &context));
    fc__report(context, "decoder", 1, 8, 0.5); /* nobody listens yet */
    fc_context_set_progress(context, note_progress, &calls);
    fc__report(context, "decoder", 3, 8, 0.25);
    fc__report(NULL, "decoder", 4, 8, 0.0);
    assert_int_equal(calls, 1);
    fc_context_destroy(context);
}

static void memory_is_zeroed_aligned_and_checked_for_overflow(void **state)
{
    float *numbers;
    CHECK(fc__allocate(*state, 1000, sizeof *numbers, &numbers));
    assert_int_equal((uintptr_t)numbers % 64, 0);
    for (size_t i = 0; i < 1000; i++)
        assert_true(numbers[i] == 0.0f);
    free(numbers);
    assert_int_equal(fc__allocate(*state, SIZE_MAX / 2, sizeof *numbers, &numbers),
                     FC_ERROR_MEMORY);
    assert_null(numbers);
    assert_non_null(strstr(fc_context_message(*state), "out of memory"));
    assert_int_equal(fc__allocate(*state, SIZE_MAX, 1, &numbers), FC_ERROR_MEMORY);
    CHECK(fc__allocate(*state, 0, sizeof *numbers, &numbers));
    assert_non_null(numbers);
    free(numbers);
    assert_true(fc__product(SIZE_MAX / 3, 4) == SIZE_MAX);
    assert_int_equal(fc__product(6, 7), 42);
}

static void texts_and_names_are_copied(void **state)
{
    char *copy, name[FC_NAME_SIZE], lengthy[2 * FC_NAME_SIZE];
    CHECK(fc__copy_text(*state, "salinity", &copy));
    assert_string_equal(copy, "salinity");
    free(copy);
    CHECK(fc__copy_text(*state, NULL, &copy));
    assert_null(copy);
    memset(lengthy, 'x', sizeof lengthy);
    lengthy[sizeof lengthy - 1] = '\0';
    fc__copy_name(name, lengthy);
    assert_int_equal(strlen(name), FC_NAME_SIZE - 1);
    fc__copy_name(name, NULL);
    assert_string_equal(name, "");
}

static void slices_cover_everything_once_and_differ_by_at_most_one(void **state)
{
    (void)state;
    for (size_t total = 0; total < 40; total++)
        for (size_t parts = 1; parts < 9; parts++) {
            size_t next = 0;
            for (size_t part = 0; part < parts; part++) {
                size_t begin, end;
                fc__slice(total, parts, part, &begin, &end);
                assert_int_equal(begin, next);
                assert_true(end - begin == total / parts || end - begin == total / parts + 1);
                next = end;
            }
            assert_int_equal(next, total);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_text_and_an_exit_code),
        cmocka_unit_test(a_context_has_the_threads_it_was_asked_for),
        cmocka_unit_test(a_failure_leaves_its_message_even_when_made_from_the_last_one),
        cmocka_unit_test(an_interruption_is_seen),
        cmocka_unit_test(progress_reaches_its_listener),
        cmocka_unit_test(memory_is_zeroed_aligned_and_checked_for_overflow),
        cmocka_unit_test(texts_and_names_are_copied),
        cmocka_unit_test(slices_cover_everything_once_and_differ_by_at_most_one),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
