#include "inr/support.h"

#include <math.h>
#include <string.h>

/* Axes of the sphere; dims where there are none. */
static void find_sphere(const fc_domain *domain, size_t *longitude, size_t *latitude)
{
    *longitude = *latitude = domain->dims;
    for (size_t i = 0; i < domain->dims; i++) {
        if (domain->axis[i].kind == FC_AXIS_LONGITUDE)
            *longitude = i;
        if (domain->axis[i].kind == FC_AXIS_LATITUDE)
            *latitude = i;
    }
}

static bool is_planar(const fc_axis *axis)
{
    return axis->kind == FC_AXIS_PLAIN || axis->kind == FC_AXIS_PERIODIC;
}

fc_status fc_domain_validate(fc_context *context, const fc_domain *domain)
{
    if (domain->dims < 1 || domain->dims > FC_MAX_DIMS)
        return fc__fail(context, FC_ERROR_DATA, "domain: %zu dimensions; 1 to %d are accepted",
                        domain->dims, FC_MAX_DIMS);
    int longitudes = 0, latitudes = 0;
    for (size_t i = 0; i < domain->dims; i++) {
        const fc_axis *axis = &domain->axis[i];
        longitudes += axis->kind == FC_AXIS_LONGITUDE;
        latitudes += axis->kind == FC_AXIS_LATITUDE;
        if (!isfinite(axis->lower) || !isfinite(axis->upper) || axis->lower >= axis->upper)
            return fc__fail(context, FC_ERROR_DATA,
                            "domain: axis %zu (%s) runs from %g to %g; a finite interval with "
                            "lower < upper is needed",
                            i, axis->name, axis->lower, axis->upper);
        if (axis->kind == FC_AXIS_LATITUDE && (axis->lower < -90.001 || axis->upper > 90.001))
            return fc__fail(context, FC_ERROR_DATA,
                            "domain: latitude %s runs from %g to %g; -90 to 90 is accepted",
                            axis->name, axis->lower, axis->upper);
    }
    if (longitudes > 1 || longitudes != latitudes)
        return fc__fail(context, FC_ERROR_DATA,
                        "domain: %d longitude and %d latitude axes; one of each or none is needed",
                        longitudes, latitudes);
    return FC_OK;
}

size_t fc_domain_inputs(const fc_domain *domain)
{
    size_t inputs = 0;
    for (size_t i = 0; i < domain->dims; i++)
        inputs += is_planar(&domain->axis[i])                 ? 1
                  : domain->axis[i].kind == FC_AXIS_LONGITUDE ? 3
                                                              : 0;
    return inputs;
}

void fc_domain_embed(const fc_domain *domain, size_t count, const double *coordinates,
                     double *inputs)
{
    const double degree = M_PI / 180.0;
    size_t dims = domain->dims, size = fc_domain_inputs(domain), longitude, latitude;
    find_sphere(domain, &longitude, &latitude);
    for (size_t p = 0; p < count; p++) {
        const double *x = coordinates + p * dims;
        double *in = inputs + p * size;
        size_t next = 0;
        for (size_t i = 0; i < dims; i++) {
            const fc_axis *axis = &domain->axis[i];
            double extension = axis->kind == FC_AXIS_PLAIN ? FC_PLAIN_EXTENSION : 1.0;
            if (is_planar(axis))
                in[next++] =
                    2.0 * M_PI * (x[i] - axis->lower) / (extension * (axis->upper - axis->lower));
        }
        if (longitude < dims) {
            double lon = x[longitude] * degree, lat = x[latitude] * degree;
            in[next++] = cos(lat) * cos(lon);
            in[next++] = cos(lat) * sin(lon);
            in[next++] = sin(lat);
        }
    }
}

static fc_status check_coordinate(fc_context *context, const fc_axis *axis, const char *what,
                                  double slack, size_t point, double x)
{
    double margin = slack * (axis->upper - axis->lower);
    if (!isfinite(x))
        return fc__fault(context, FC_ERROR_DATA,
                         "%s: point %zu: coordinate %s is %g; finite numbers are needed", what,
                         point, axis->name, x);
    if (axis->kind == FC_AXIS_LATITUDE && fabs(x) > 90.001)
        return fc__fault(context, FC_ERROR_DATA,
                         "%s: point %zu: %s = %g; latitudes from -90 to 90 are accepted", what,
                         point, axis->name, x);
    if ((axis->kind == FC_AXIS_PLAIN || axis->kind == FC_AXIS_LATITUDE) &&
        (x < axis->lower - margin || x > axis->upper + margin))
        return fc__fault(context, FC_ERROR_DATA,
                         "%s: point %zu: %s = %g lies outside the domain, %g to %g", what, point,
                         axis->name, x, axis->lower - margin, axis->upper + margin);
    return FC_OK;
}

fc_status fc_domain_check(fc_context *context, const fc_domain *domain, const char *what,
                          double slack, size_t count, const double *coordinates)
{
    fc_status status = FC_OK;
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < domain->dims; i++)
            FC_TRY(check_coordinate(context, &domain->axis[i], what, slack, p,
                                    coordinates[p * domain->dims + i]));
done:
    return status;
}
