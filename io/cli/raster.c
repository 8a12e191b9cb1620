#include "io/cli/raster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void cli_map_clear(cli_map *map)
{
    free(map->values);
    cli_plane_clear(&map->points);
    *map = (cli_map){0};
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
    double steps = round(span / step), last = -1.0;
    size_t taken = 0;
    *axis = (lattice_axis){numbers[0], span / steps, (size_t)steps + 1, false};
    for (size_t i = 0; i < count; ++i) {
        double place = (numbers[i] - axis->first) / axis->spacing;
        if (fabs(place - round(place)) > 0.25)
            return false;
        taken += round(place) > last;
        last = round(place);
    }
    /* Some uneven spacings fall on a finer lattice, most of whose places stay empty. */
    return (double)taken > 0.7 * steps;
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

static void fill_lattice(const lattice_axis axes[2], const cli_plane *plane, cli_map *map)
{
    for (size_t i = 0; i < map->width * map->height; ++i)
        map->values[i] = NAN;
    for (size_t p = 0; p < plane->count; ++p) {
        size_t across[2], up[2];
        size_t columns = cells_of(&axes[0], plane->coordinates[2 * p], across);
        size_t rows = cells_of(&axes[1], plane->coordinates[2 * p + 1], up);
        for (size_t j = 0; j < rows; ++j)
            for (size_t i = 0; i < columns; ++i)
                map->values[up[j] * map->width + across[i]] = plane->values[p];
    }
}

/* Grids, and what is left of them where some points are missing, have a cell for each place.
 * *found = false when the points are something else. */
static fc_status lattice_map(const cli_session *session, const fc_domain *domain,
                             const cli_plane *plane, cli_map *map, bool *found)
{
    fc_status status;
    lattice_axis axes[2];
    double *numbers = NULL;
    *found = true;
    CLI_TRY(cli_allocate(session, plane->count, sizeof *numbers, &numbers));
    for (size_t d = 0; d < 2 && *found; ++d) {
        for (size_t p = 0; p < plane->count; ++p)
            numbers[p] = plane->coordinates[2 * p + d];
        *found = find_lattice(plane->count, numbers, 16000.0, &axes[d]);
        axes[d].whole = *found && is_whole(&axes[d], &domain->axis[d]);
    }
    *found = *found && (double)axes[0].count * (double)axes[1].count < 20.0 * (double)plane->count;
    if (!*found)
        goto done;
    map->width = picture_cells(&axes[0]);
    map->height = picture_cells(&axes[1]);
    picture_extent(&axes[0], map->extent);
    picture_extent(&axes[1], map->extent + 2);
    CLI_TRY(cli_allocate(session, map->width * map->height, sizeof(float), &map->values));
    fill_lattice(axes, plane, map);
done:
    free(numbers);
    return status;
}

/* ---------------------------------------------------------------- uneven grids */

enum { LONGER_SIDE = 900 }; /* cells of pictures of what is no lattice */

/* Distinct places of one coordinate, in order. */
static fc_status find_levels(const cli_session *session, const cli_plane *plane, size_t d,
                             double **levels, size_t *count)
{
    fc_status status = cli_allocate(session, plane->count, sizeof **levels, levels);
    if (status != FC_OK)
        return status;
    double *sorted = *levels;
    for (size_t p = 0; p < plane->count; ++p)
        sorted[p] = plane->coordinates[2 * p + d];
    qsort(sorted, plane->count, sizeof *sorted, compare_doubles);
    double same = 1e-6 * (sorted[plane->count - 1] - sorted[0]);
    *count = 1;
    for (size_t p = 1; p < plane->count; ++p)
        if (sorted[p] - sorted[*count - 1] > same)
            sorted[(*count)++] = sorted[p];
    return FC_OK;
}

static size_t nearest_level(const double *levels, size_t count, double x)
{
    size_t low = 0, high = count - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (x > 0.5 * (levels[middle] + levels[middle + 1]))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Half a cell beyond the outer levels. */
static void level_extent(const double *levels, size_t count, double extent[2])
{
    extent[0] = levels[0] - 0.5 * (levels[1] - levels[0]);
    extent[1] = levels[count - 1] + 0.5 * (levels[count - 1] - levels[count - 2]);
}

/* Grids of uneven spacing, gaps allowed: a cell reaches half-way to the next level. */
static fc_status uneven_map(const cli_session *session, const cli_plane *plane, cli_map *map,
                            bool *found)
{
    fc_status status;
    double *levels[2] = {NULL, NULL};
    size_t count[2];
    float *grid = NULL;
    for (size_t d = 0; d < 2; ++d)
        CLI_TRY(find_levels(session, plane, d, &levels[d], &count[d]));
    *found = count[0] > 1 && count[1] > 1 &&
             (double)count[0] * (double)count[1] < 20.0 * (double)plane->count;
    if (!*found)
        goto done;
    CLI_TRY(cli_allocate(session, count[0] * count[1], sizeof *grid, &grid));
    for (size_t i = 0; i < count[0] * count[1]; ++i)
        grid[i] = NAN;
    for (size_t p = 0; p < plane->count; ++p) {
        size_t i = nearest_level(levels[0], count[0], plane->coordinates[2 * p]);
        size_t j = nearest_level(levels[1], count[1], plane->coordinates[2 * p + 1]);
        grid[j * count[0] + i] = plane->values[p];
    }
    level_extent(levels[0], count[0], map->extent);
    level_extent(levels[1], count[1], map->extent + 2);
    map->width = map->height = LONGER_SIDE;
    CLI_TRY(cli_allocate(session, map->width * map->height, sizeof(float), &map->values));
    for (size_t y = 0; y < map->height; ++y) {
        double up = map->extent[2] +
                    ((double)y + 0.5) / (double)map->height * (map->extent[3] - map->extent[2]);
        size_t j = nearest_level(levels[1], count[1], up);
        for (size_t x = 0; x < map->width; ++x) {
            double right = map->extent[0] + ((double)x + 0.5) / (double)map->width *
                                                (map->extent[1] - map->extent[0]);
            size_t i = nearest_level(levels[0], count[0], right);
            map->values[y * map->width + x] = grid[j * count[0] + i];
        }
    }
done:
    free(levels[0]);
    free(levels[1]);
    free(grid);
    return status;
}

/* ---------------------------------------------------------------- maps */

fc_status cli_map_make(const cli_session *session, const fc_domain *domain, cli_plane *plane,
                       cli_map *map)
{
    bool found;
    *map = (cli_map){0};
    fc_status status = lattice_map(session, domain, plane, map, &found);
    if (status == FC_OK && !found)
        status = uneven_map(session, plane, map, &found);
    if (status == FC_OK && !found) {
        cli_scatter_extent(domain, plane, map->extent);
        if (plane->count < CLI_FEW_POINTS) {
            map->points = *plane;
            *plane = (cli_plane){0};
            return FC_OK;
        }
        status = cli_scatter_map(session, domain, plane, map);
    }
    cli_plane_clear(plane);
    if (status != FC_OK)
        cli_map_clear(map);
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
