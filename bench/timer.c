#include "bench/bench.h"

#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static fc_status time_once(fc_status (*prepare)(void *user), fc_status (*step)(void *user),
                           void *user, double *seconds)
{
    fc_status status = prepare ? prepare(user) : FC_OK;
    double start = fc__seconds();
    if (status == FC_OK)
        status = step(user);
    *seconds = fc__seconds() - start;
    return status;
}

bool bench_enough(size_t wanted, size_t done, double spent)
{
    if (done == 0)
        return false;
    if (wanted)
        return done == wanted;
    double each = spent / (double)done;
    size_t least = each > 20.0 ? 1 : each > 5.0 ? 3 : each > 1.0 ? 5 : 7;
    return done == BENCH_MOST_REPEATS || (done >= least && spent >= 0.5);
}

void bench_timing_of(size_t count, double *seconds, bench_timing *timing)
{
    qsort(seconds, count, sizeof *seconds, ascending);
    timing->median = 0.5 * (seconds[(count - 1) / 2] + seconds[count / 2]);
    timing->min = seconds[0];
    timing->max = seconds[count - 1];
    timing->repeats = count;
}

fc_status bench_time(fc_context *context, size_t repeats, fc_status (*prepare)(void *user),
                     fc_status (*step)(void *user), void *user, bench_timing *timing)
{
    fc_status status = FC_OK;
    double *seconds = NULL, spent = 0.0;
    size_t done = 0;
    FC_NEW(context, &seconds, repeats > BENCH_MOST_REPEATS ? repeats : BENCH_MOST_REPEATS);
    FC_TRY(time_once(prepare, step, user, seconds)); /* warm-up */
    while (!bench_enough(repeats, done, spent)) {
        FC_TRY(time_once(prepare, step, user, &seconds[done]));
        spent += seconds[done++];
    }
    bench_timing_of(done, seconds, timing);
done:
    free(seconds);
    return status;
}
