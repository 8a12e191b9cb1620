/* cf_time.h: CF time coordinates beyond what users see: units, calendars and forcing cycles. */
#ifndef FC_IO_CF_TIME_H
#define FC_IO_CF_TIME_H

#include "inr/support.h"

/* Whether units are those of a time coordinate: "UNIT since DATE". */
bool fc__cf_is_time(const char *units);
/* Whether they are a unit of time alone, as of a lead time. */
bool fc__cf_is_duration(const char *units);

/* Times in months or years, whose length varies, become days since the same date: whole months lead
 * to the same day of another month, or to its last where it has no such day, and parts of a month
 * are shares of its length. Other units, and dates that are none, stay as they are. FC_ERROR_DATA
 * for times beyond all calendars. */
fc_status fc__cf_months_to_days(fc_context *context, fc_time_axis *axis, size_t count,
                                double *times);

/* Times of one axis as those of another; FC_ERROR_DATA when only one of them has a reference date
 * or the calendars differ. */
fc_status fc__cf_convert_times(fc_context *context, const fc_time_axis *from,
                               const fc_time_axis *to, size_t count, double *times);

/* Period of the forcing cycle that a record resolves, in the axis's own unit: a year for steps of 5
 * to 100 days over at least two years, a day for steps of at most 6 hours over at least four days,
 * else 0. Times increase. */
fc_status fc__cf_cycle(fc_context *context, const fc_time_axis *axis, size_t count,
                       const double *times, double *cycle);

#endif
