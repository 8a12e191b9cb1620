#include "io/read/cf_coordinates.h"
#include "io/read/cf_time.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- values */

fc_status fc__cf_load(fc__h5 *h5, const fc__nc_variable *variable, size_t *count, double **values)
{
    fc_status status = FC_OK;
    size_t rank, shape[FC__MAX_RANK], size = 1;
    const size_t start[FC__MAX_RANK] = {0};
    fc__cf_packing packing;
    *values = NULL;
    FC_TRY(fc__h5_inspect(h5, variable->id, variable->name, &rank, shape));
    for (size_t i = 0; i < rank; i++)
        size = fc__product(size, shape[i]);
    fc__cf_packing_of(variable, &packing);
    FC_NEW(h5->context, values, size);
    if (size)
        FC_TRY(fc__h5_read_box(h5, variable->id, variable->name, H5T_NATIVE_DOUBLE, rank, start,
                               shape, *values));
    for (size_t i = 0; i < size; i++)
        (*values)[i] = fc__cf_unpack(&packing, (*values)[i]);
    *count = size;
done:
    if (status != FC_OK) {
        free(*values);
        *values = NULL;
    }
    return status;
}

/* Nothing can go on with such numbers, but all of them are told to who listens. */
static fc_status check_finite(fc__h5 *h5, const fc__nc_variable *variable, bool gaps, size_t count,
                              const double *values)
{
    fc_status status = FC_OK, found = FC_OK;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i]) || (gaps && isnan(values[i])))
            continue;
        found = FC_ERROR_DATA;
        FC_TRY(fc__fault(
            h5->context, found, "%s: %s[%zu] is %s; coordinates must be finite numbers", h5->path,
            variable->name, i, isinf(values[i]) ? "infinite" : "missing (NaN or a fill value)"));
    }
    status = found;
done:
    return status;
}

fc_status fc__cf_load_finite(fc__h5 *h5, const fc__nc_variable *variable, size_t *count,
                             double **values)
{
    fc_status status = FC_OK;
    FC_TRY(fc__cf_load(h5, variable, count, values));
    FC_TRY(check_finite(h5, variable, false, *count, *values));
done:
    if (status != FC_OK) {
        free(*values);
        *values = NULL;
    }
    return status;
}

/* ---------------------------------------------------------------- times */

static fc_status load_units(fc__h5 *h5, const fc__nc_variable *variable, fc_time_axis *axis)
{
    char units[FC__TEXT_SIZE] = "";
    *axis = (fc_time_axis){.units = "1"};
    fc__h5_get_text(variable->id, "units", units, sizeof units);
    if (strlen(units) >= FC_NAME_SIZE)
        return fc__fail(h5->context, FC_ERROR_DATA,
                        "%s: %s has units \"%s\"; at most %d letters are accepted", h5->path,
                        variable->name, units, FC_NAME_SIZE - 1);
    if (units[0])
        fc__copy_name(axis->units, units);
    if (!fc__cf_is_time(units))
        return FC_OK;
    fc__copy_name(axis->calendar, "standard");
    fc__h5_get_text(variable->id, "calendar", axis->calendar, FC_NAME_SIZE);
    return FC_OK;
}

fc_status fc__cf_load_times(fc__h5 *h5, const fc__nc_variable *variable, bool gaps,
                            fc_time_axis *axis, size_t *count, double **times)
{
    fc_status status = FC_OK;
    *times = NULL;
    FC_TRY(load_units(h5, variable, axis));
    FC_TRY(fc__cf_load(h5, variable, count, times));
    FC_TRY(check_finite(h5, variable, gaps, *count, *times));
    status = fc__cf_months_to_days(h5->context, axis, *count, *times);
    if (status != FC_OK)
        fc__fail(h5->context, status, "%s: %s: %s", h5->path, variable->name,
                 fc_context_message(h5->context));
done:
    if (status != FC_OK) {
        free(*times);
        *times = NULL;
    }
    return status;
}

fc_status fc__cf_check_times(fc__h5 *h5, const fc__nc_variable *variable, size_t count,
                             const double *times)
{
    fc_status status = FC_OK;
    for (size_t i = 1; i < count; i++)
        if (times[i] <= times[i - 1])
            FC_TRY(fc__fault(
                h5->context, FC_ERROR_DATA,
                "%s: %s: %.10g at index %zu %s %.10g at index %zu; times must increase", h5->path,
                variable->name, times[i], i,
                times[i] == times[i - 1] ? "repeats" : "does not come after", times[i - 1], i - 1));
done:
    return status;
}

/* ---------------------------------------------------------------- longitudes */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double turn(double degrees)
{
    return degrees - 360.0 * floor(degrees / 360.0);
}

fc_status fc__cf_join_longitudes(fc_context *context, size_t count, size_t stride,
                                 double *longitudes)
{
    const double widest = 330.0; /* what is wider goes around the globe */
    fc_status status = FC_OK;
    double *sorted = NULL, lower = INFINITY, upper = -INFINITY, start = NAN;
    FC_NEW(context, &sorted, count);
    for (size_t i = 0; i < count; i++) {
        lower = fmin(lower, longitudes[i * stride]);
        upper = fmax(upper, longitudes[i * stride]);
        sorted[i] = turn(longitudes[i * stride]);
    }
    if (count < 2 || upper - lower <= widest)
        goto done;
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    if (sorted[0] + 360.0 - sorted[count - 1] >= 360.0 - widest)
        start = sorted[0];
    for (size_t i = 1; i < count; i++)
        if (sorted[i] - sorted[i - 1] >= 360.0 - widest)
            start = sorted[i];
    if (isnan(start))
        goto done;
    for (size_t i = 0; i < count; i++) /* as the file writes it */
        if (turn(longitudes[i * stride]) == start)
            lower = longitudes[i * stride];
    for (size_t i = 0; i < count; i++)
        longitudes[i * stride] -= 360.0 * floor((longitudes[i * stride] - lower) / 360.0);
done:
    free(sorted);
    return status;
}
