/* cf_coordinates.h: values of the coordinates of a CF file: places and times.
 */
#ifndef FC_IO_CF_COORDINATES_H
#define FC_IO_CF_COORDINATES_H

#include "io/read/cf_packing.h"

/* All values of a variable of any rank, unpacked, missing = NaN; *count = how many. free() them. */
fc_status fc__cf_load(fc__h5 *h5, const fc__nc_variable *variable, size_t *count, double **values);
/* The same; FC_ERROR_DATA naming the first that is missing or not finite. */
fc_status fc__cf_load_finite(fc__h5 *h5, const fc__nc_variable *variable, size_t *count,
                             double **values);

/* Units, calendar and values of a time coordinate of any rank, in any order; months and years,
 * whose length varies, become days by the calendar. Values are finite, or NaN where `gaps` allows
 * that they are missing. */
fc_status fc__cf_load_times(fc__h5 *h5, const fc__nc_variable *variable, bool gaps,
                            fc_time_axis *axis, size_t *count, double **times);
/* FC_ERROR_DATA naming the first that does not come after the one before it. */
fc_status fc__cf_check_times(fc__h5 *h5, const fc__nc_variable *variable, size_t count,
                             const double *times);

/* Longitudes (every stride-th double, count of them) of a region that lies across the seam of the
 * file's numbers are continued beyond it (-179 becomes 181 beside 179); those around the globe
 * stay. */
fc_status fc__cf_join_longitudes(fc_context *context, size_t count, size_t stride,
                                 double *longitudes);

#endif
