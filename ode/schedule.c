#include "ode/schedule.h"

#include <math.h>

static void sum_up(fc__schedule *schedule)
{
    schedule->total = 0;
    schedule->compute = 0.0;
    for (size_t i = 0; i < FC__PHASES; i++) {
        schedule->total += schedule->phase[i].updates;
        schedule->compute += (double)schedule->phase[i].updates * schedule->phase[i].cost;
    }
}

/* Most of the time goes to single intervals, where an update is cheap and its gradient well
 * conditioned; midpoint x 2 costs what one RK4 step costs but ties the field to no large step. */
fc__schedule fc__schedule_create(double budget, size_t horizon, size_t longest)
{
    static const double shares[FC__PHASES] = {0.75, 0.13, 0.09, 0.03};
    fc__schedule schedule;
    longest = horizon < longest ? horizon : longest;
    longest = longest < 1 ? 1 : longest;
    size_t wanted[FC__PHASES] = {1, 1, 3, longest};
    for (size_t i = 0; i < FC__PHASES; i++) {
        fc__phase *phase = &schedule.phase[i];
        phase->scheme = i == 0 ? FC_RK_MIDPOINT : FC_RK_RK4;
        phase->substeps = 2;
        phase->intervals = wanted[i] < longest ? wanted[i] : longest;
        phase->cost = (i == 0 ? 1.0 : 2.0) * (double)phase->intervals;
        phase->updates = (uint64_t)ceil(shares[i] * budget / phase->cost);
    }
    sum_up(&schedule);
    return schedule;
}

void fc__schedule_restore(fc__schedule *schedule, const uint64_t updates[FC__PHASES])
{
    for (size_t i = 0; i < FC__PHASES; i++)
        schedule->phase[i].updates = updates[i];
    sum_up(schedule);
}

void fc__schedule_stretch(fc__schedule *schedule, uint64_t update, double ratio)
{
    for (size_t i = 0; i < FC__PHASES; i++) {
        fc__phase *phase = &schedule->phase[i];
        uint64_t done = update < phase->updates ? update : phase->updates;
        update -= done;
        phase->updates = done + (uint64_t)ceil(ratio * (double)(phase->updates - done));
    }
    sum_up(schedule);
}

size_t fc__schedule_phase(const fc__schedule *schedule, uint64_t update)
{
    size_t i = 0;
    for (; i + 1 < FC__PHASES && update >= schedule->phase[i].updates; i++)
        update -= schedule->phase[i].updates;
    return i;
}

double fc__schedule_share(const fc__schedule *schedule, uint64_t update)
{
    double spent = 0.0;
    for (size_t i = 0; i < FC__PHASES; i++) {
        const fc__phase *phase = &schedule->phase[i];
        uint64_t done = update < phase->updates ? update : phase->updates;
        spent += (double)done * phase->cost;
        update -= done;
    }
    return schedule->compute > 0.0 ? spent / schedule->compute : 1.0;
}
