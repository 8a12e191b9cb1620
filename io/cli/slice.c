#include "io/cli/slice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- where to cut */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Moves a cut to the nearest level of the points' coordinate where it has levels, so that the slice
 * is one layer of a grid; else the slice is a slab of a twentieth of the axis. */
static fc_status find_level(const cli_session *session, const fc_dataset *dataset, size_t axis,
                            double *at, double *reach)
{
    const fc_points *points = &dataset->points[0];
    size_t dims = dataset->domain.dims, levels = 1;
    double *sorted = NULL;
    fc_status status = cli_allocate(session, points->count, sizeof *sorted, &sorted);
    if (status != FC_OK)
        return status;
    for (size_t p = 0; p < points->count; ++p)
        sorted[p] = points->coordinates[p * dims + axis];
    qsort(sorted, points->count, sizeof *sorted, compare_doubles);
    double span = sorted[points->count - 1] - sorted[0], same = 1e-6 * span;
    for (size_t p = 1; p < points->count; ++p)
        if (sorted[p] - sorted[levels - 1] > same)
            sorted[levels++] = sorted[p];
    *reach = 0.025 * span;
    if ((double)levels * (double)levels <= 4.0 * (double)points->count) {
        double nearest = sorted[0];
        for (size_t l = 1; l < levels; ++l)
            if (fabs(sorted[l] - *at) < fabs(nearest - *at))
                nearest = sorted[l];
        *at = nearest;
        *reach = same;
    }
    free(sorted);
    return FC_OK;
}

/* The axis and the value of "AXIS=VALUE". */
static fc_status parse_cut(const cli_session *session, const fc_dataset *dataset, const char *path,
                           const char *text, size_t *axis, double *at)
{
    const fc_domain *domain = &dataset->domain;
    const char *equals = strrchr(text, '=');
    char names[FC_MAX_DIMS * (FC_NAME_SIZE + 2)] = "";
    for (size_t d = 0; d < domain->dims; ++d) {
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", d ? ", " : "",
                 domain->axis[d].name);
        size_t length = strlen(domain->axis[d].name);
        if (!equals || length != (size_t)(equals - text) ||
            strncmp(domain->axis[d].name, text, length) != 0)
            continue;
        *axis = d;
        if (!cli_parse_real(equals + 1, at))
            break;
        if (*at < domain->axis[d].lower || *at > domain->axis[d].upper)
            return cli_fail(session, FC_ERROR_USAGE, "--at %s: %s reaches from %g to %g in %s",
                            text, domain->axis[d].name, domain->axis[d].lower,
                            domain->axis[d].upper, path);
        return FC_OK;
    }
    return cli_fail(session, FC_ERROR_USAGE, "--at %s: must be AXIS=VALUE; the axes of %s are %s",
                    text, path, names);
}

fc_status cli_slice_make(const cli_session *session, const fc_dataset *dataset, const char *path,
                         const cli_texts *at, cli_slice *slice)
{
    fc_status status = FC_OK;
    const fc_domain *domain = &dataset->domain;
    bool cut[FC_MAX_DIMS] = {false};
    double value[FC_MAX_DIMS] = {0.0};
    *slice = (cli_slice){0};
    for (size_t i = 0; i < at->count; ++i) {
        size_t axis = 0;
        double wanted = 0.0;
        CLI_TRY(parse_cut(session, dataset, path, at->item[i], &axis, &wanted));
        cut[axis] = true;
        value[axis] = wanted;
    }
    for (size_t d = 0, left = 0; d < domain->dims; ++d) {
        if (!cut[d] && ++left > 2) {
            cut[d] = true;
            value[d] = 0.5 * (domain->axis[d].lower + domain->axis[d].upper);
        }
        if (!cut[d]) {
            slice->axis[slice->domain.dims] = d;
            slice->domain.axis[slice->domain.dims++] = domain->axis[d];
            continue;
        }
        slice->cut[slice->cuts] = d;
        slice->at[slice->cuts] = value[d];
        CLI_TRY(
            find_level(session, dataset, d, &slice->at[slice->cuts], &slice->reach[slice->cuts]));
        ++slice->cuts;
    }
    if (slice->domain.dims == 0)
        status = cli_fail(session, FC_ERROR_USAGE,
                          "--at: cuts every axis of %s; at least one must be left to draw", path);
done:
    return status;
}

const char *cli_short_units(const char *units)
{
    static const char *const shorts[][2] = {{"degrees_east", "°E"},   {"degrees_north", "°N"},
                                            {"degree_east", "°E"},    {"degree_north", "°N"},
                                            {"degrees", "°"},         {"degC", "°C"},
                                            {"Celsius", "°C"},        {"celsius", "°C"},
                                            {"degree Celsius", "°C"}, {"degrees_C", "°C"},
                                            {"degree_Celsius", "°C"}, {"degrees_Celsius", "°C"},
                                            {"degree_C", "°C"},       {"1", ""}};
    for (size_t i = 0; i < sizeof shorts / sizeof shorts[0]; ++i)
        if (strcmp(units, shorts[i][0]) == 0)
            return shorts[i][1];
    return units;
}

void cli_slice_text(const cli_slice *slice, const fc_dataset *dataset, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t c = 0; c < slice->cuts; ++c) {
        const fc_axis *axis = &dataset->domain.axis[slice->cut[c]];
        const char *units = cli_short_units(axis->units);
        bool degrees = strncmp(units, "°", 2) == 0;
        size_t used = strlen(text);
        snprintf(text + used, size - used, ", %s = %g%s%s", axis->name, slice->at[c],
                 units[0] && !degrees ? " " : "", units);
    }
}

/* ---------------------------------------------------------------- what is there */

static bool on_slice(const cli_slice *slice, const double *point)
{
    for (size_t d = 0; d < slice->domain.dims; ++d)
        if (!isfinite(point[slice->axis[d]]))
            return false;
    for (size_t c = 0; c < slice->cuts; ++c)
        if (!(fabs(point[slice->cut[c]] - slice->at[c]) <= slice->reach[c]))
            return false;
    return true;
}

fc_status cli_plane_make(const cli_session *session, const fc_dataset *dataset,
                         const cli_slice *slice, const fc_frame *frame, size_t channel,
                         cli_plane *plane)
{
    fc_status status;
    const fc_points *points = &dataset->points[frame->points];
    size_t dims = dataset->domain.dims, left = slice->domain.dims;
    *plane = (cli_plane){.dims = left};
    CLI_TRY(cli_allocate(session, points->count, left * sizeof(double), &plane->coordinates));
    CLI_TRY(cli_allocate(session, points->count, sizeof(float), &plane->values));
    for (size_t p = 0; p < points->count; ++p) {
        const double *point = points->coordinates + p * dims;
        if (!on_slice(slice, point))
            continue;
        for (size_t d = 0; d < left; ++d)
            plane->coordinates[plane->count * left + d] = point[slice->axis[d]];
        plane->values[plane->count++] = frame->values[p * dataset->channel_count + channel];
    }
    if (plane->count == 0)
        status = cli_fail(session, FC_ERROR_DATA, "a frame at time %g has no point to draw",
                          frame->time);
done:
    if (status != FC_OK)
        cli_plane_clear(plane);
    return status;
}

void cli_plane_clear(cli_plane *plane)
{
    free(plane->coordinates);
    free(plane->values);
    *plane = (cli_plane){0};
}
