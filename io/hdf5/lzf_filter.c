/* Decompression is liblzf's. h5py notes the size of a chunk as the third parameter of the filter
 * (the first two are versions). HDF5 takes for granted that a filter returns whole chunks, and
 * reads past the end of shorter ones; so that size is compared with that of the data set before
 * anything is read, and a chunk must come out at exactly that size. */
#include "io/hdf5/lzf_filter.h"
#include "inr/support.h"

#include <limits.h>
#include <lzf.h>

enum {
    CHUNK_SIZE = 2, /* place among the parameters */
    PARAMETERS = 8,
    LARGEST_EXPANSION = 88 /* three bytes make at most 264 */
};

static size_t decompress(unsigned flags, size_t parameter_count, const unsigned *parameters,
                         size_t stored, size_t *room, void **buffer)
{
    size_t size = parameter_count > CHUNK_SIZE ? parameters[CHUNK_SIZE] : 0;
    if (!(flags & H5Z_FLAG_REVERSE) || size == 0 || stored == 0 || stored > UINT_MAX ||
        size > fc__product(stored, LARGEST_EXPANSION))
        return 0;
    /* HDF5 frees the buffer that it is given back, with its own allocator. */
    void *chunk = H5allocate_memory(size, false);
    if (!chunk)
        return 0;
    if (lzf_decompress(*buffer, (unsigned)stored, chunk, (unsigned)size) != size) {
        H5free_memory(chunk);
        return 0;
    }
    H5free_memory(*buffer);
    *buffer = chunk;
    *room = size;
    return size;
}

void fc__lzf_register(void)
{
    static const H5Z_class2_t filter = {.version = H5Z_CLASS_T_VERS,
                                        .id = FC__LZF_FILTER,
                                        .encoder_present = 0,
                                        .decoder_present = 1,
                                        .name = "lzf (decoder)",
                                        .filter = decompress};
    H5Zregister(&filter);
}

bool fc__lzf_sound(hid_t creation, size_t element)
{
    unsigned flags, parameters[PARAMETERS] = {0};
    size_t count = PARAMETERS, bytes = element;
    hsize_t chunk[H5S_MAX_RANK];
    int filters = H5Pget_nfilters(creation);
    bool used = false;
    for (int i = 0; i < filters; i++)
        used |= H5Pget_filter2(creation, (unsigned)i, &flags, NULL, NULL, 0, NULL, NULL) ==
                FC__LZF_FILTER;
    if (!used)
        return true;
    int rank = H5Pget_chunk(creation, H5S_MAX_RANK, chunk);
    for (int i = 0; i < rank; i++)
        bytes = fc__product(bytes, (size_t)chunk[i]);
    return rank > 0 &&
           H5Pget_filter_by_id2(creation, FC__LZF_FILTER, &flags, &count, parameters, 0, NULL,
                                NULL) >= 0 &&
           count > CHUNK_SIZE && parameters[CHUNK_SIZE] == bytes;
}
