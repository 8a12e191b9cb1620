/* Frames of a variable as single precision numbers: the way of every format's values from the file
 * to a dataset. */
#include "io/hdf5/hdf5_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

enum {
    STAGE_BYTES = 1 << 20, /* what is read at once and then spread over frames while in cache */
    MOST_PARTS = 1024,     /* of one call of preadv */
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

/* Where a contiguous variable of the machine's own single precision numbers lies in its file, and
 * the file's descriptor; false for all others. */
static bool find_plain(fc__h5 *h5, hid_t dataset, haddr_t *place, int *descriptor)
{
    void *handle = NULL;
    hid_t creation = H5Dget_create_plist(dataset), type = H5Dget_type(dataset);
    bool plain = H5Pget_layout(creation) == H5D_CONTIGUOUS &&
                 H5Pget_external_count(creation) == 0 && H5Tequal(type, H5T_NATIVE_FLOAT) > 0;
    H5Pclose(creation);
    H5Tclose(type);
    *place = plain ? H5Dget_offset(dataset) : HADDR_UNDEF;
    if (*place == HADDR_UNDEF || H5Fget_vfd_handle(h5->file, H5P_DEFAULT, &handle) < 0 || !handle)
        return false;
    *descriptor = *(const int *)handle; /* of HDF5's own driver for POSIX files */
    return true;
}

/* Fills all parts from the place on; false when the file does not have them all. */
static bool read_parts(int descriptor, off_t place, size_t count, struct iovec *parts)
{
    while (count) {
        int most = count < MOST_PARTS ? (int)count : MOST_PARTS;
        ssize_t got = preadv(descriptor, parts, most, place);
        if (got <= 0)
            return false;
        place += got;
        for (; count && (size_t)got >= parts->iov_len; parts++, count--)
            got -= (ssize_t)parts->iov_len;
        if (count) {
            parts->iov_base = (char *)parts->iov_base + got;
            parts->iov_len -= (size_t)got;
        }
    }
    return true;
}

/* Frames of `bytes` that follow each other from element `first` of a plain variable, straight into
 * their arrays; false when it is none, or cannot be read, which HDF5 has the words for. */
static bool read_plain(fc__h5 *h5, hid_t dataset, size_t first, size_t count, size_t bytes,
                       float *const *values)
{
    struct iovec *parts = NULL;
    haddr_t place;
    int descriptor;
    bool read = find_plain(h5, dataset, &place, &descriptor) &&
                fc__reserve(NULL, count, sizeof *parts, &parts) == FC_OK;
    for (size_t f = 0; read && f < count; f++)
        parts[f] = (struct iovec){.iov_base = values[f], .iov_len = bytes};
    read = read && read_parts(descriptor, (off_t)(place + first * sizeof(float)), count, parts);
    free(parts);
    return read;
}

/* Number of the first element of a box that is one piece of the variable; false for others. */
static bool is_one_piece(hid_t dataset, size_t rank, const size_t *start, const size_t *count,
                         size_t time, size_t *first)
{
    hsize_t extent[H5S_MAX_RANK];
    hid_t space = H5Dget_space(dataset);
    bool one = H5Sget_simple_extent_dims(space, extent, NULL) == (int)rank;
    H5Sclose(space);
    *first = 0;
    for (size_t i = 0; one && i < rank; i++) {
        *first = *first * (size_t)extent[i] + start[i];
        one = i < time    ? count[i] == 1
              : i == time ? start[i] + count[i] <= extent[i]
                          : count[i] == extent[i];
    }
    return one;
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
    size_t place, bytes = fc__product(fc__product(before, after), sizeof *packed);
    size_t unit = fc__h5_unit(dataset, time), step = STAGE_BYTES / (bytes + 1) / unit * unit;
    if (channels == 1 && is_one_piece(dataset, rank, start, count, time, &place) &&
        read_plain(h5, dataset, place, count[time], bytes, values))
        return FC_OK;
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
