#include "io/cli/raster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void cli_raster_clear(cli_raster *raster)
{
    free(raster->values);
    *raster = (cli_raster){0};
}

/* ---------------------------------------------------------------- lattices */

/* Evenly spaced places of one coordinate. */
typedef struct lattice_axis {
    double first, spacing;
    size_t count;
    bool whole; /* once around a periodic axis, beginning on its seam */
} lattice_axis;

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The even spacing that the numbers (sorted in place) fall on, up to a quarter of it; false when
 * there is none with less than about `most` places. */
static bool find_lattice(size_t count, double *numbers, double most, lattice_axis *axis)
{
    qsort(numbers, count, sizeof *numbers, compare_doubles);
    double span = numbers[count - 1] - numbers[0], step = span;
    for (size_t i = 1; i < count; ++i)
        if (numbers[i] - numbers[i - 1] > 1e-5 * span)
            step = fmin(step, numbers[i] - numbers[i - 1]);
    if (!(span > 0.0) || span / step > most)
        return false;
    double steps = round(span / step);
    *axis = (lattice_axis){numbers[0], span / steps, (size_t)steps + 1, false};
    for (size_t i = 0; i < count; ++i) {
        double place = (numbers[i] - axis->first) / axis->spacing;
        if (fabs(place - round(place)) > 0.25)
            return false;
    }
    return true;
}

/* The first cell of a whole axis straddles the seam. Cells are halved so that one half stands at
 * either end and the picture covers the axis from end to end, whatever its resolution. */
static bool is_whole(const lattice_axis *lattice, const fc_axis *axis)
{
    double slack = 1e-3 * lattice->spacing;
    return axis->kind == FC_AXIS_PERIODIC && fabs(lattice->first - axis->lower) < slack &&
           fabs(lattice->first + (double)lattice->count * lattice->spacing - axis->upper) < slack;
}

static size_t picture_cells(const lattice_axis *axis)
{
    return axis->whole ? 2 * axis->count : axis->count;
}

static void picture_extent(const lattice_axis *axis, double extent[2])
{
    double begin = axis->whole ? 0.0 : -0.5;
    extent[0] = axis->first + begin * axis->spacing;
    extent[1] = axis->first + (begin + (double)axis->count) * axis->spacing;
}

/* The picture cells of the place of x: one, or the two halves. */
static size_t cells_of(const lattice_axis *axis, double x, size_t cells[2])
{
    size_t place = (size_t)lround((x - axis->first) / axis->spacing);
    cells[0] = axis->whole ? 2 * place : place;
    cells[1] = (2 * place + 2 * axis->count - 1) % (2 * axis->count);
    return axis->whole ? 2 : 1;
}

static void fill_lattice(const lattice_axis axes[2], const fc_points *points, const float *values,
                         size_t channels, cli_raster *raster)
{
    for (size_t i = 0; i < raster->width * raster->height; ++i)
        raster->values[i] = NAN;
    for (size_t p = 0; p < points->count; ++p) {
        size_t across[2], up[2];
        size_t columns = cells_of(&axes[0], points->coordinates[2 * p], across);
        size_t rows = cells_of(&axes[1], points->coordinates[2 * p + 1], up);
        for (size_t j = 0; j < rows; ++j)
            for (size_t i = 0; i < columns; ++i)
                raster->values[up[j] * raster->width + across[i]] = values[p * channels];
    }
}

/* Grids, and what is left of them where some points are missing, have a cell for each place.
 * *found = false when the points are something else. */
static fc_status lattice_map(const cli_session *session, const fc_domain *domain,
                             const fc_points *points, const float *values, size_t channels,
                             cli_raster *raster, bool *found)
{
    fc_status status;
    lattice_axis axes[2];
    double *numbers = NULL;
    *found = true;
    CLI_TRY(cli_allocate(session, points->count, sizeof *numbers, &numbers));
    for (size_t d = 0; d < 2 && *found; ++d) {
        for (size_t p = 0; p < points->count; ++p)
            numbers[p] = points->coordinates[2 * p + d];
        *found = find_lattice(points->count, numbers, 16000.0, &axes[d]);
        axes[d].whole = *found && is_whole(&axes[d], &domain->axis[d]);
    }
    *found = *found && (double)axes[0].count * (double)axes[1].count < 20.0 * (double)points->count;
    if (!*found)
        goto done;
    raster->width = picture_cells(&axes[0]);
    raster->height = picture_cells(&axes[1]);
    picture_extent(&axes[0], raster->extent);
    picture_extent(&axes[1], raster->extent + 2);
    CLI_TRY(cli_allocate(session, raster->width * raster->height, sizeof(float), &raster->values));
    fill_lattice(axes, points, values, channels, raster);
done:
    free(numbers);
    return status;
}

/* ---------------------------------------------------------------- scattered points */

/* One channel at points of two coordinates, and the rectangle around them. */
typedef struct scatter {
    const fc_points *points;
    const float *values; /* of one channel, `channels` apart */
    size_t channels;
    double lower[2], upper[2];
} scatter;

static void scatter_extent(scatter *s)
{
    for (int d = 0; d < 2; ++d) {
        s->lower[d] = INFINITY;
        s->upper[d] = -INFINITY;
        for (size_t p = 0; p < s->points->count; ++p) {
            s->lower[d] = fmin(s->lower[d], s->points->coordinates[2 * p + d]);
            s->upper[d] = fmax(s->upper[d], s->points->coordinates[2 * p + d]);
        }
        double pad = 0.02 * (s->upper[d] - s->lower[d]);
        if (!(pad > 0.0))
            pad = 0.5;
        s->lower[d] -= pad;
        s->upper[d] += pad;
    }
}

/* Lets every point claim the cells within `reach` to which it is the nearest so far. */
static void claim_cells(const scatter *s, cli_raster *raster, double reach, float *distance)
{
    double across = (s->upper[0] - s->lower[0]) / (double)raster->width;
    double up = (s->upper[1] - s->lower[1]) / (double)raster->height;
    long steps = (long)ceil(reach), width = (long)raster->width, height = (long)raster->height;
    for (size_t p = 0; p < s->points->count; ++p) {
        double x = (s->points->coordinates[2 * p] - s->lower[0]) / across - 0.5;
        double y = (s->points->coordinates[2 * p + 1] - s->lower[1]) / up - 0.5;
        for (long j = lround(y) - steps; j <= lround(y) + steps; ++j)
            for (long i = lround(x) - steps; i <= lround(x) + steps; ++i) {
                float away = (float)hypot((double)i - x, (double)j - y);
                if (i < 0 || j < 0 || i >= width || j >= height || away > (float)reach ||
                    away >= distance[j * width + i])
                    continue;
                distance[j * width + i] = away;
                raster->values[j * width + i] = s->values[p * s->channels];
            }
    }
}

static fc_status scatter_map(const cli_session *session, scatter *s, cli_raster *raster)
{
    enum { LONGER_SIDE = 400 };
    fc_status status;
    float *distance = NULL;
    scatter_extent(s);
    double ratio = (s->upper[1] - s->lower[1]) / (s->upper[0] - s->lower[0]);
    ratio = fmin(fmax(ratio, 0.4), 1.4); /* as far as a panel follows the extents */
    raster->width = (size_t)(ratio > 1.0 ? LONGER_SIDE / ratio : LONGER_SIDE);
    raster->height = (size_t)((double)raster->width * ratio);
    size_t cells = raster->width * raster->height;
    CLI_TRY(cli_allocate(session, cells, sizeof(float), &raster->values));
    CLI_TRY(cli_allocate(session, cells, sizeof(float), &distance));
    for (size_t i = 0; i < cells; ++i) {
        raster->values[i] = NAN;
        distance[i] = INFINITY;
    }
    double spacing = sqrt((double)cells / (double)s->points->count);
    claim_cells(s, raster, fmin(fmax(1.2 * spacing, 1.5), 12.0), distance);
    for (int d = 0; d < 2; ++d) {
        raster->extent[2 * d] = s->lower[d];
        raster->extent[2 * d + 1] = s->upper[d];
    }
done:
    free(distance);
    return status;
}

/* ---------------------------------------------------------------- pictures */

fc_status cli_raster_map(const cli_session *session, const fc_dataset *dataset,
                         const fc_frame *frame, size_t channel, cli_raster *raster)
{
    const fc_points *points = &dataset->points[frame->points];
    size_t channels = dataset->channel_count;
    bool found;
    *raster = (cli_raster){0};
    fc_status status = lattice_map(session, &dataset->domain, points, frame->values + channel,
                                   channels, raster, &found);
    if (status != FC_OK || found)
        return status;
    scatter scattered = {.points = points, .values = frame->values + channel, .channels = channels};
    return scatter_map(session, &scattered, raster);
}

static float nearest_on_line(const fc_points *points, const fc_frame *frame, size_t channels,
                             size_t channel, double x)
{
    size_t nearest = 0;
    for (size_t p = 1; p < points->count; ++p)
        if (fabs(points->coordinates[p] - x) < fabs(points->coordinates[nearest] - x))
            nearest = p;
    return frame->values[nearest * channels + channel];
}

fc_status cli_raster_space_time(const cli_session *session, const fc_dataset *dataset,
                                const fc_sequence *sequence, size_t channel, cli_raster *raster)
{
    size_t points = fc_dataset_max_points(dataset), frames = sequence->frame_count;
    const fc_axis *axis = &dataset->domain.axis[0];
    *raster = (cli_raster){.width = points < 1024 ? points : 1024, .height = frames};
    double step = (axis->upper - axis->lower) / (double)raster->width;
    double first = sequence->frames[0].time, last = sequence->frames[frames - 1].time;
    double half = frames > 1 ? 0.5 * (last - first) / (double)(frames - 1) : 0.5;
    fc_status status =
        cli_allocate(session, raster->width * frames, sizeof(float), &raster->values);
    for (size_t f = 0; f < frames && status == FC_OK; ++f) {
        const fc_frame *frame = &sequence->frames[f];
        for (size_t i = 0; i < raster->width; ++i)
            raster->values[f * raster->width + i] =
                nearest_on_line(&dataset->points[frame->points], frame, dataset->channel_count,
                                channel, axis->lower + ((double)i + 0.5) * step);
    }
    raster->extent[0] = axis->lower;
    raster->extent[1] = axis->upper;
    raster->extent[2] = first - half;
    raster->extent[3] = last + half;
    return status;
}

/* ---------------------------------------------------------------- other points */

/* One axis of a two-dimensional tensor grid. */
typedef struct grid_axis {
    const double *first; /* coordinate of the first point along it */
    size_t stride;       /* doubles between neighbours */
    size_t count;
    double period; /* of a closed axis, 0 = open */
} grid_axis;

static double grid_at(const grid_axis *axis, size_t i)
{
    return axis->first[i * axis->stride];
}

static double period_of(const fc_axis *axis)
{
    if (axis->kind == FC_AXIS_PERIODIC)
        return axis->upper - axis->lower;
    return axis->kind == FC_AXIS_LONGITUDE ? 360.0 : 0.0;
}

/* False when the points are no two-dimensional grid. */
static bool grid_axes(const fc_domain *domain, const fc_points *points, grid_axis axes[2])
{
    if (domain->dims != 2 || points->grid[0] == 0 || points->grid[1] == 0 ||
        points->grid[0] * points->grid[1] != points->count)
        return false;
    size_t width = points->grid[1];
    axes[0] = (grid_axis){points->coordinates, 2, width, period_of(&domain->axis[0])};
    axes[1] = (grid_axis){points->coordinates + 1, 2 * width, points->grid[0],
                          period_of(&domain->axis[1])};
    return true;
}

/* The interval of an axis that holds x: neighbours `low` and `high` and the weight of `high`. False
 * outside an open axis. */
static bool bracket(const grid_axis *axis, double x, size_t *low, size_t *high, double *weight)
{
    double first = grid_at(axis, 0), last = grid_at(axis, axis->count - 1);
    double slack = 1e-9 * fabs(last - first);
    bool rising = last >= first;
    double lower = rising ? first : last;
    if (axis->period > 0.0)
        x -= axis->period * floor((x - lower + slack) / axis->period);
    for (size_t i = 0; i + 1 < axis->count; ++i) {
        double a = grid_at(axis, i), b = grid_at(axis, i + 1);
        if (x >= fmin(a, b) - slack && x <= fmax(a, b) + slack) {
            *low = i;
            *high = i + 1;
            *weight = fmin(fmax((x - a) / (b - a), 0.0), 1.0);
            return true;
        }
    }
    /* Between the last point of a closed axis and its first. */
    *low = rising ? axis->count - 1 : 0;
    *high = rising ? 0 : axis->count - 1;
    double a = fmax(first, last), gap = axis->period - fabs(last - first);
    *weight = gap > slack ? fmin(fmax((x - a) / gap, 0.0), 1.0) : 0.0;
    return axis->period > 0.0;
}

static float bilinear(const grid_axis axes[2], const float *values, size_t channels,
                      const double *point)
{
    size_t low[2], high[2];
    double weight[2];
    for (int d = 0; d < 2; ++d)
        if (!bracket(&axes[d], point[d], &low[d], &high[d], &weight[d]))
            return NAN;
    size_t width = axes[0].count;
    const size_t corner[4] = {low[1] * width + low[0], low[1] * width + high[0],
                              high[1] * width + low[0], high[1] * width + high[0]};
    const double share[4] = {(1 - weight[0]) * (1 - weight[1]), weight[0] * (1 - weight[1]),
                             (1 - weight[0]) * weight[1], weight[0] * weight[1]};
    double sum = 0.0;
    for (int i = 0; i < 4; ++i)
        if (share[i] > 1e-9) /* a missing corner that does not count is no loss */
            sum += share[i] * (double)values[corner[i] * channels];
    return (float)sum;
}

static float nearest(const fc_points *points, size_t dims, const float *values, size_t channels,
                     const double *point)
{
    size_t best = 0;
    double shortest = INFINITY;
    for (size_t p = 0; p < points->count; ++p) {
        double square = 0.0;
        for (size_t d = 0; d < dims; ++d) {
            double away = points->coordinates[p * dims + d] - point[d];
            square += away * away;
        }
        if (square < shortest) {
            shortest = square;
            best = p;
        }
    }
    return values[best * channels];
}

fc_status cli_resample(const cli_session *session, const fc_dataset *dataset, const fc_frame *frame,
                       size_t channel, size_t count, const double *coordinates, float *values)
{
    const fc_points *points = &dataset->points[frame->points];
    size_t dims = dataset->domain.dims, channels = dataset->channel_count;
    grid_axis axes[2];
    bool grid = grid_axes(&dataset->domain, points, axes);
    bool same = count == points->count &&
                memcmp(coordinates, points->coordinates, count * dims * sizeof *coordinates) == 0;
    if (!same && !grid && (double)count * (double)points->count > 4e9)
        return cli_fail(session, FC_ERROR_USAGE,
                        "%zu scattered points cannot be compared with %zu others", points->count,
                        count);
    for (size_t p = 0; p < count; ++p) {
        const double *point = coordinates + p * dims;
        values[p] = same   ? frame->values[p * channels + channel]
                    : grid ? bilinear(axes, frame->values + channel, channels, point)
                           : nearest(points, dims, frame->values + channel, channels, point);
    }
    return FC_OK;
}
