/* Frames of a variable as single precision numbers: the way of every format's values from the file
 * to a dataset. */
#include "io/hdf5_file.h"

#include <stdlib.h>
#include <string.h>

enum {
    STAGE_BYTES = 1 << 20, /* what is read at once and then spread over frames while in cache */
    DIRECT_BYTES = 1 << 17 /* frames of which each is worth a call of HDF5 */
};

size_t fc__h5_unit(hid_t dataset, size_t axis)
{
    hsize_t chunk[H5S_MAX_RANK];
    hid_t creation = H5Dget_create_plist(dataset);
    int rank =
        H5Pget_layout(creation) == H5D_CHUNKED ? H5Pget_chunk(creation, H5S_MAX_RANK, chunk) : 0;
    H5Pclose(creation);
    return (int)axis < rank && chunk[axis] ? (size_t)chunk[axis] : 1;
}

/* Spreads frames that lie packed as (before, frames, after) in the order of the file. */
static void spread(const float *packed, size_t before, size_t frames, size_t after, size_t channels,
                   size_t channel, float *const *values)
{
    for (size_t f = 0; f < frames; f++) {
        for (size_t b = 0; b < before; b++) {
            const float *from = packed + (b * frames + f) * after;
            float *to = values[f] + b * after * channels + channel;
            if (channels == 1)
                memcpy(to, from, after * sizeof *to);
            for (size_t a = 0; channels > 1 && a < after; a++)
                to[a * channels] = from[a];
        }
    }
}

fc_status fc__h5_read_frames(fc__h5 *h5, hid_t dataset, const char *name, size_t rank,
                             const size_t *start, const size_t *count, size_t time, size_t channels,
                             size_t channel, float *const *values)
{
    fc_status status = FC_OK;
    float *packed = NULL;
    size_t first[FC__MAX_RANK], extent[FC__MAX_RANK], before = 1, after = 1;
    memcpy(first, start, rank * sizeof *first);
    memcpy(extent, count, rank * sizeof *extent);
    for (size_t i = 0; i < rank; i++) {
        if (i < time)
            before = fc__product(before, count[i]);
        if (i > time)
            after = fc__product(after, count[i]);
    }
    size_t bytes = fc__product(fc__product(before, after), sizeof *packed);
    size_t unit = fc__h5_unit(dataset, time), step = STAGE_BYTES / (bytes + 1) / unit * unit;
    bool direct = channels == 1 && before == 1 && unit == 1 && bytes >= DIRECT_BYTES;
    step = direct ? 1 : step ? step : unit;
    if (!direct)
        FC_TRY(fc__reserve(h5->context, step < count[time] ? step : count[time], bytes, &packed));
    for (size_t f = 0; f < count[time]; f += extent[time]) {
        first[time] = start[time] + f;
        extent[time] = step - first[time] % unit; /* on from the beginning of a chunk */
        if (extent[time] > count[time] - f)
            extent[time] = count[time] - f;
        FC_TRY(fc__h5_read_box(h5, dataset, name, H5T_NATIVE_FLOAT, rank, first, extent,
                               direct ? values[f] : packed));
        if (!direct)
            spread(packed, before, extent[time], after, channels, channel, values + f);
    }
done:
    free(packed);
    return status;
}
