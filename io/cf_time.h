/* cf_time.h: CF time coordinates beyond what users see: units, calendars and forcing cycles. */
#ifndef FC_IO_CF_TIME_H
#define FC_IO_CF_TIME_H

#include "inr/support.h"

/* Whether units are those of a time coordinate: "UNIT since DATE". */
bool fc__cf_is_time(const char *units);

/* Period of the forcing cycle that a record resolves, in the axis's own unit: a year for steps of 5
 * to 100 days over at least two years, a day for steps of at most 6 hours over at least four days,
 * else 0. Times increase. */
fc_status fc__cf_cycle(fc_context *context, const fc_time_axis *axis, size_t count,
                       const double *times, double *cycle);

#endif
