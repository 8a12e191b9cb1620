#include "io/cli/raster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGER_SIDE = 900, NEIGHBOURS = 5 };
static const double radians = 3.14159265358979323846 / 180.0;

/* Points on the picture, sorted into square buckets of about two points each. With longitude and
 * latitude, distances to the east shrink with the latitude. */
typedef struct buckets {
    double width, height; /* of the picture, cells */
    double size;          /* of a bucket, cells */
    long columns, rows;
    double *place;  /* (count, 2), cells */
    size_t *first;  /* (columns * rows + 1) */
    size_t *point;  /* (count) by bucket */
    double *shrink; /* (count) factor on distances across */
} buckets;

static void buckets_clear(buckets *b)
{
    free(b->place);
    free(b->first);
    free(b->point);
    free(b->shrink);
}

static long clamp(double x, long most)
{
    return x < 0.0 ? 0 : x >= (double)most ? most - 1 : (long)x;
}

static size_t bucket_of(const buckets *b, const double *place)
{
    return (size_t)(clamp(place[1] / b->size, b->rows) * b->columns +
                    clamp(place[0] / b->size, b->columns));
}

static fc_status buckets_fill(const cli_session *session, const fc_domain *domain,
                              const cli_plane *plane, const cli_map *map, buckets *b)
{
    fc_status status;
    size_t count = plane->count;
    *b = (buckets){.width = (double)map->width, .height = (double)map->height};
    b->size = fmax(sqrt(2.0 * b->width * b->height / (double)count), 1.0);
    b->columns = (long)(b->width / b->size) + 1;
    b->rows = (long)(b->height / b->size) + 1;
    size_t total = (size_t)(b->columns * b->rows);
    double middle = fmax(cos(0.5 * (map->extent[2] + map->extent[3]) * radians), 0.1);
    CLI_TRY(cli_allocate(session, count, 2 * sizeof(double), &b->place));
    CLI_TRY(cli_allocate(session, total + 1, sizeof(size_t), &b->first));
    CLI_TRY(cli_allocate(session, count, sizeof(size_t), &b->point));
    CLI_TRY(cli_allocate(session, count, sizeof(double), &b->shrink));
    for (size_t p = 0; p < count; ++p) {
        for (int d = 0; d < 2; ++d)
            b->place[2 * p + d] = (plane->coordinates[2 * p + d] - map->extent[2 * d]) /
                                  (map->extent[2 * d + 1] - map->extent[2 * d]) *
                                  (d ? b->height : b->width);
        double latitude = plane->coordinates[2 * p + 1];
        b->shrink[p] = 1.0;
        if (domain->axis[1].kind == FC_AXIS_LATITUDE)
            b->shrink[p] = fmax(cos(latitude * radians) / middle, 0.15);
        ++b->first[bucket_of(b, b->place + 2 * p) + 1];
    }
    for (size_t i = 0; i < total; ++i)
        b->first[i + 1] += b->first[i];
    for (size_t p = count; p-- > 0;) {
        /* Counted down from the end of each bucket, restored below. */
        size_t bucket = bucket_of(b, b->place + 2 * p);
        b->point[--b->first[bucket + 1]] = p;
    }
    for (size_t i = 0; i < total; ++i)
        b->first[i] = b->first[i + 1];
    b->first[total] = count;
done:
    return status;
}

static void keep_nearest(double nearest[NEIGHBOURS], double square)
{
    for (int i = 0; i < NEIGHBOURS; ++i)
        if (square < nearest[i]) {
            double next = nearest[i];
            nearest[i] = square;
            square = next;
        }
}

/* Distance to the last of the nearest few other points, in cells, up to `most`: the spacing of the
 * points where p lies. Points at the same place count once. */
static double spacing_at(const buckets *b, size_t p, double most)
{
    double nearest[NEIGHBOURS];
    const double *here = b->place + 2 * p;
    double shrink = fmin(b->shrink[p], 1.0), across = b->shrink[p];
    for (int i = 0; i < NEIGHBOURS; ++i)
        nearest[i] = most * most;
    long column = clamp(here[0] / b->size, b->columns), row = clamp(here[1] / b->size, b->rows);
    for (long ring = 0; (double)(ring - 1) * b->size * shrink < sqrt(nearest[NEIGHBOURS - 1]);
         ++ring)
        for (long j = row - ring; j <= row + ring; ++j)
            for (long i = column - ring; i <= column + ring; ++i) {
                bool edge = labs(j - row) == ring || labs(i - column) == ring;
                if (!edge || i < 0 || j < 0 || i >= b->columns || j >= b->rows)
                    continue;
                size_t bucket = (size_t)(j * b->columns + i);
                for (size_t k = b->first[bucket]; k < b->first[bucket + 1]; ++k) {
                    double dx = across * (b->place[2 * b->point[k]] - here[0]);
                    double dy = b->place[2 * b->point[k] + 1] - here[1];
                    double square = dx * dx + dy * dy;
                    if (square > 1e-6)
                        keep_nearest(nearest, square);
                }
            }
    return sqrt(nearest[NEIGHBOURS - 1]);
}

/* Lets a point claim the cells within `reach` to which it is the nearest so far. */
static void claim_cells(const double place[2], double shrink, double reach, float value,
                        bool around, cli_map *map, float *distance)
{
    long width = (long)map->width, height = (long)map->height;
    double x = place[0] - 0.5, y = place[1] - 0.5;
    for (long j = lround(y - reach); j <= lround(y + reach); ++j)
        for (long i = lround(x - reach / shrink); i <= lround(x + reach / shrink); ++i) {
            long column = around ? (i % width + width) % width : i;
            if (column < 0 || j < 0 || column >= width || j >= height)
                continue;
            float away = (float)hypot(shrink * ((double)i - x), (double)j - y);
            if (away > (float)reach || away >= distance[j * width + column])
                continue;
            distance[j * width + column] = away;
            map->values[j * width + column] = value;
        }
}

/* Height over width as the picture will have it, of cells that shall look square. */
static double picture_ratio(const fc_domain *domain, const double extent[4])
{
    double across = extent[1] - extent[0], up = extent[3] - extent[2];
    if (domain->axis[1].kind == FC_AXIS_LATITUDE)
        across *= fmax(cos(0.5 * (extent[2] + extent[3]) * radians), 0.1);
    return fmin(fmax(up / across, 0.3), 2.0);
}

/* Whether the map goes once around the globe. */
static bool is_around(const fc_domain *domain, const double extent[4])
{
    return domain->axis[0].kind == FC_AXIS_LONGITUDE && extent[1] - extent[0] == 360.0;
}

void cli_scatter_extent(const fc_domain *domain, const cli_plane *plane, double extent[4])
{
    for (int d = 0; d < 2; ++d) {
        double lower = INFINITY, upper = -INFINITY;
        for (size_t p = 0; p < plane->count; ++p) {
            lower = fmin(lower, plane->coordinates[2 * p + d]);
            upper = fmax(upper, plane->coordinates[2 * p + d]);
        }
        double pad = (plane->count < CLI_FEW_POINTS ? 0.06 : 0.03) * (upper - lower);
        if (!(pad > 0.0))
            pad = 0.5;
        extent[2 * d] = lower - pad;
        extent[2 * d + 1] = upper + pad;
        if (domain->axis[d].kind == FC_AXIS_LATITUDE) {
            extent[2 * d] = fmax(extent[2 * d], -90.0);
            extent[2 * d + 1] = fmin(extent[2 * d + 1], 90.0);
        }
        if (domain->axis[d].kind == FC_AXIS_LONGITUDE && upper - lower > 330.0 &&
            upper - lower <= 360.0) {
            extent[2 * d] = lower < -1.0 ? -180.0 : 0.0;
            if (lower < extent[2 * d] || upper > extent[2 * d] + 360.0)
                extent[2 * d] = lower;
            extent[2 * d + 1] = extent[2 * d] + 360.0;
        }
    }
}

fc_status cli_scatter_map(const cli_session *session, const fc_domain *domain,
                          const cli_plane *plane, cli_map *map)
{
    fc_status status;
    float *distance = NULL;
    buckets b = {0};
    double ratio = picture_ratio(domain, map->extent);
    map->width = (size_t)(ratio > 1.0 ? LONGER_SIDE / ratio : LONGER_SIDE);
    map->height = (size_t)((double)map->width * ratio);
    size_t cells = map->width * map->height;
    CLI_TRY(cli_allocate(session, cells, sizeof(float), &map->values));
    CLI_TRY(cli_allocate(session, cells, sizeof(float), &distance));
    for (size_t i = 0; i < cells; ++i) {
        map->values[i] = NAN;
        distance[i] = INFINITY;
    }
    CLI_TRY(buckets_fill(session, domain, plane, map, &b));
    double most = 0.06 * LONGER_SIDE; /* a point alone says nothing about further away */
    bool around = is_around(domain, map->extent);
    for (size_t p = 0; p < plane->count; ++p)
        claim_cells(b.place + 2 * p, b.shrink[p], fmax(0.8 * spacing_at(&b, p, most), 1.0),
                    plane->values[p], around, map, distance);
done:
    buckets_clear(&b);
    free(distance);
    return status;
}
