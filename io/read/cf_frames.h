/* cf_frames.h: the way of the values of a CF variable from the file into frames.
 */
#ifndef FC_IO_CF_FRAMES_H
#define FC_IO_CF_FRAMES_H

#include "io/read/cf_packing.h"

/* Which value of a variable is which point of which frame. */
typedef struct fc__cf_layout {
    size_t time; /* position of the time axis; the rank of the variable when it has none */
    /* Axes that are neither time nor space, a member of an ensemble, stand at one index. */
    bool is_fixed[FC__MAX_RANK];
    size_t fixed[FC__MAX_RANK];
    /* Along the other axes, those of space: how far apart neighbours are among the points. */
    size_t stride[FC__MAX_RANK];
    /* NULL, or the point of each place of a frame where sums of index times stride do not tell:
     * (the product of the lengths of the axes of space), in the order of the file; SIZE_MAX = no
     * point. Strides are not used then. */
    const size_t *point;
} fc__cf_layout;

/* Channel `channel` of `channels` of frames [first, first + count): values[f] is (points,
 * channels). Blocks of the file that fit the cache are read one after the other, whole chunks where
 * it has any. The variable must have passed fc__h5_inspect. Values of points that no place of the
 * file belongs to stay as they are. */
fc_status fc__cf_read_frames(fc__h5 *h5, const fc__nc_variable *variable,
                             const fc__cf_packing *packing, const fc__cf_layout *layout,
                             size_t first, size_t count, size_t channels, size_t channel,
                             float *const *values);

#endif
