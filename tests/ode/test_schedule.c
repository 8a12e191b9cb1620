#include "ode/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TOLERANCE_SHARE 1e-4 /* of the compute, for a budget of a million updates */

static const double shares[FC__PHASES] = {0.75, 0.13, 0.09, 0.03};

static double share_of_phase(const fc__schedule *s, size_t phase)
{
    return (double)s->phase[phase].updates * s->phase[phase].cost / s->compute;
}

static void phases_share_the_compute_in_75_13_9_and_3_percent(void **state)
{
    (void)state;
    fc__schedule s = fc__schedule_create(1e6, 9, 100);
    static const size_t intervals[FC__PHASES] = {1, 1, 3, 9};
    for (size_t i = 0; i < FC__PHASES; i++) {
        assert_true(fabs(share_of_phase(&s, i) - shares[i]) < TOLERANCE_SHARE);
        assert_int_equal(s.phase[i].scheme, i == 0 ? FC_RK_MIDPOINT : FC_RK_RK4);
        assert_int_equal(s.phase[i].substeps, 2);
        assert_int_equal(s.phase[i].intervals, intervals[i]);
    }
    assert_true(fabs(s.compute / 1e6 - 1.0) < TOLERANCE_SHARE);
}

/* Evaluations of the field in an update: two a midpoint step, four an RK4 step. */
static void costs_follow_the_number_of_field_evaluations(void **state)
{
    (void)state;
    fc__schedule s = fc__schedule_create(1000, 7, 100);
    for (size_t i = 0; i < FC__PHASES; i++) {
        const fc__phase *p = &s.phase[i];
        size_t evaluations = (p->scheme == FC_RK_RK4 ? 4 : 2) * p->substeps * p->intervals;
        assert_true(p->cost == (double)evaluations / 4.0);
    }
}

static void rollouts_are_clipped_to_short_sequences_and_keep_their_shares(void **state)
{
    (void)state;
    for (size_t longest = 1; longest <= 9; longest++) {
        fc__schedule s = fc__schedule_create(1e6, 9, longest);
        assert_int_equal(s.phase[2].intervals, longest < 3 ? longest : 3);
        assert_int_equal(s.phase[3].intervals, longest);
        for (size_t i = 0; i < FC__PHASES; i++)
            assert_true(fabs(share_of_phase(&s, i) - shares[i]) < TOLERANCE_SHARE);
    }
}

static void no_rollout_is_longer_than_the_horizon(void **state)
{
    (void)state;
    for (size_t horizon = 0; horizon <= 5; horizon++) {
        fc__schedule s = fc__schedule_create(1e4, horizon, 100);
        for (size_t i = 0; i < FC__PHASES; i++) {
            assert_true(s.phase[i].intervals >= 1);
            assert_true(s.phase[i].intervals <= (horizon < 1 ? 1 : horizon));
        }
    }
}

static void the_share_rises_from_zero_to_one_through_the_phases_in_order(void **state)
{
    (void)state;
    fc__schedule s = fc__schedule_create(3000, 9, 100);
    size_t counted[FC__PHASES] = {0}, last = 0;
    assert_true(fc__schedule_share(&s, 0) == 0.0);
    for (uint64_t update = 0; update < s.total; update++) {
        size_t phase = fc__schedule_phase(&s, update);
        double spent = fc__schedule_share(&s, update + 1) - fc__schedule_share(&s, update);
        assert_true(phase >= last);
        assert_true(fabs(spent * s.compute - s.phase[phase].cost) < 1e-6);
        counted[phase]++;
        last = phase;
    }
    assert_true(fabs(fc__schedule_share(&s, s.total) - 1.0) < 1e-12);
    for (size_t i = 0; i < FC__PHASES; i++)
        assert_int_equal(counted[i], s.phase[i].updates);
}

static void the_smallest_budget_has_an_update_in_every_phase(void **state)
{
    (void)state;
    fc__schedule s = fc__schedule_create(1, 9, 100);
    for (size_t i = 0; i < FC__PHASES; i++)
        assert_int_equal(s.phase[i].updates, 1);
    assert_int_equal(s.total, 4);
}

static void a_restored_schedule_goes_on_as_the_saved_one(void **state)
{
    (void)state;
    fc__schedule saved = fc__schedule_create(5000, 9, 100);
    fc__schedule other = fc__schedule_create(1, 9, 100);
    uint64_t updates[FC__PHASES];
    for (size_t i = 0; i < FC__PHASES; i++)
        updates[i] = saved.phase[i].updates;
    fc__schedule_restore(&other, updates);
    assert_int_equal(other.total, saved.total);
    assert_true(other.compute == saved.compute);
    for (uint64_t update = 0; update <= saved.total; update++) {
        assert_int_equal(fc__schedule_phase(&other, update), fc__schedule_phase(&saved, update));
        assert_true(fc__schedule_share(&other, update) == fc__schedule_share(&saved, update));
    }
}

static void stretching_multiplies_only_what_is_left(void **state)
{
    (void)state;
    static const double ratios[] = {0.5, 1.4};
    const fc__schedule plan = fc__schedule_create(5000, 9, 100);
    uint64_t update = plan.phase[0].updates + 100; /* within the second phase */
    for (size_t k = 0; k < 2; k++) {
        fc__schedule s = plan;
        double compute = 0.0;
        fc__schedule_stretch(&s, update, ratios[k]);
        assert_int_equal(s.phase[0].updates, plan.phase[0].updates);
        assert_int_equal(s.phase[1].updates,
                         100 + ceil(ratios[k] * (double)(plan.phase[1].updates - 100)));
        assert_int_equal(fc__schedule_phase(&s, update), 1);
        for (size_t i = 2; i < FC__PHASES; i++)
            assert_int_equal(s.phase[i].updates, ceil(ratios[k] * (double)plan.phase[i].updates));
        for (size_t i = 0; i < FC__PHASES; i++)
            compute += (double)s.phase[i].updates * s.phase[i].cost;
        assert_true(fabs(s.compute - compute) < 1e-6);
        double spent = fc__schedule_share(&plan, update) * plan.compute;
        assert_true(fabs(fc__schedule_share(&s, update) * s.compute - spent) < 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_share_the_compute_in_75_13_9_and_3_percent),
        cmocka_unit_test(costs_follow_the_number_of_field_evaluations),
        cmocka_unit_test(rollouts_are_clipped_to_short_sequences_and_keep_their_shares),
        cmocka_unit_test(no_rollout_is_longer_than_the_horizon),
        cmocka_unit_test(the_share_rises_from_zero_to_one_through_the_phases_in_order),
        cmocka_unit_test(the_smallest_budget_has_an_update_in_every_phase),
        cmocka_unit_test(stretching_multiplies_only_what_is_left),
        cmocka_unit_test(a_restored_schedule_goes_on_as_the_saved_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
