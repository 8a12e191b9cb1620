/* Masks: which points of a dataset are observed. */
#include "inr/support.h"

#include <string.h>

fc_mask fc_mask_default(void)
{
    return (fc_mask){.share = 1.0};
}

bool fc_mask_sees_all(const fc_mask *mask)
{
    return mask->share == 1.0 && mask->grid[0] == 0;
}

/* A point's draw, from the bits of the numbers that it depends on, each of which keys a generator
 * whose first number is the seed of the next. */
static uint64_t chain(uint64_t key, uint64_t number)
{
    fc__rng rng = fc__rng_create(key, number);
    return fc__rng_bits(&rng);
}

static uint64_t key_of_frame(const fc_mask *mask, size_t sequence, size_t frame)
{
    uint64_t key = chain(mask->seed, mask->kind == FC_MASK_SHARED ? 0 : 1 + sequence);
    return mask->kind == FC_MASK_FRAME ? chain(key, 1 + frame) : key;
}

/* In [0, 1). */
static double draw(uint64_t key, size_t dims, const double *coordinates)
{
    for (size_t d = 0; d < dims; d++) {
        double x = coordinates[d] + 0.0; /* -0 and 0 are one place */
        uint64_t bits;
        memcpy(&bits, &x, sizeof bits);
        key = chain(key, bits);
    }
    return (double)(key >> 11) * 0x1p-53;
}

/* Every how many-th point of an axis of `fine` points the coarser grid has, 0 = it is no part. */
static size_t stride_of(const fc_axis *axis, size_t fine, size_t coarse)
{
    if (coarse && fine % coarse == 0)
        return fine / coarse;
    if (axis->kind == FC_AXIS_PLAIN && coarse > 1 && (fine - 1) % (coarse - 1) == 0)
        return (fine - 1) / (coarse - 1);
    return 0;
}

/* Strides of the coarser grid, slowest axis first. */
static fc_status find_strides(fc_context *context, const fc_mask *mask, const fc_domain *domain,
                              const fc_points *points, size_t stride[FC_MAX_DIMS])
{
    size_t dims = domain->dims;
    if (points->grid[0] == 0)
        return fc__fail(context, FC_ERROR_DATA,
                        "the %zu points are scattered; a coarser grid can only be observed of a "
                        "grid",
                        points->count);
    for (size_t d = 0; d < dims; d++) {
        const fc_axis *axis = &domain->axis[dims - 1 - d];
        stride[d] = stride_of(axis, points->grid[d], mask->grid[d]);
        if (stride[d] == 0)
            return fc__fail(context, FC_ERROR_DATA,
                            "axis %s has %zu points; a coarser grid of %zu is no part of them, as "
                            "it does not divide them evenly",
                            axis->name, points->grid[d], mask->grid[d]);
    }
    return FC_OK;
}

/* Whether a point of a grid lies on the coarser one. */
static bool on_coarser(const fc_points *points, size_t dims, const size_t *stride, size_t p)
{
    for (size_t d = dims; d-- > 0; p /= points->grid[d])
        if (p % points->grid[d] % stride[d])
            return false;
    return true;
}

fc_status fc_mask_points(fc_context *context, const fc_mask *mask, const fc_domain *domain,
                         const fc_points *points, size_t sequence, size_t frame, bool *seen,
                         size_t *number)
{
    fc_status status = FC_OK;
    size_t dims = domain->dims, found = 0, first = 0, stride[FC_MAX_DIMS];
    uint64_t key = key_of_frame(mask, sequence, frame);
    double least = 2.0;
    if (!(mask->share > 0.0 && mask->share <= 1.0))
        return fc__fail(context, FC_ERROR_USAGE, "observe is %g; a share in (0, 1] is accepted",
                        mask->share);
    if (mask->grid[0])
        FC_TRY(find_strides(context, mask, domain, points, stride));
    for (size_t p = 0; p < points->count; p++) {
        seen[p] = false;
        if (mask->grid[0] && !on_coarser(points, dims, stride, p))
            continue;
        double value = mask->share < 1.0 ? draw(key, dims, points->coordinates + p * dims) : 0.0;
        seen[p] = value < mask->share;
        found += seen[p];
        if (value < least) {
            least = value;
            first = p;
        }
    }
    if (found == 0 && points->count) {
        seen[first] = true;
        found = 1;
    }
    if (number)
        *number = found;
done:
    return status;
}
