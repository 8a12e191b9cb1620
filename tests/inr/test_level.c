/* The level of instructions: the best that there is, or what the environment asks for. It is chosen
 * once a process, so each case has its own. */
#include "inr/level.h"
#include "tests/inr/decoder_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

/* Index of the reported level, or 9 for NULL, in a process where FIELDCAST_SIMD is `asked` (NULL =
 * not set). */
static int level_when(const char *asked)
{
    const char *const names[FC__LEVELS] = {"baseline", "avx2", "avx512"};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (asked)
            setenv("FIELDCAST_SIMD", asked, 1);
        else
            unsetenv("FIELDCAST_SIMD");
        const char *name = fc_simd_level();
        int result = 0;
        while (name && result < FC__LEVELS && strcmp(name, names[result]) != 0)
            result++;
        if (name && result != (int)fc__level_chosen())
            result = 8; /* it reports another level than it uses */
        _exit(name ? result : 9);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int best(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return FC__LEVEL_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return FC__LEVEL_AVX2;
#endif
    return FC__LEVEL_BASELINE;
}

static void the_best_level_is_chosen_unless_one_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(level_when(NULL), best());
    assert_int_equal(level_when(""), best());
    assert_int_equal(level_when("baseline"), FC__LEVEL_BASELINE);
    if (best() >= FC__LEVEL_AVX2)
        assert_int_equal(level_when("avx2"), FC__LEVEL_AVX2);
    if (best() >= FC__LEVEL_AVX512)
        assert_int_equal(level_when("avx512"), FC__LEVEL_AVX512);
}

static void a_level_that_does_not_exist_has_no_name(void **state)
{
    (void)state;
    assert_int_equal(level_when("avx1024"), 9);
    assert_int_equal(level_when("AVX2"), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_level_is_chosen_unless_one_is_asked_for),
        cmocka_unit_test(a_level_that_does_not_exist_has_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
