/* lzf_filter.h: HDF5 filter 32000, the compression that h5py calls "lzf". */
#ifndef FC_IO_LZF_FILTER_H
#define FC_IO_LZF_FILTER_H

#include <hdf5.h>
#include <stdbool.h>

enum { FC__LZF_FILTER = 32000 };

/* Makes HDF5 able to read (not to write) data sets that are compressed with LZF; to be called
 * before a file is opened, any number of times. */
void fc__lzf_register(void);

/* Whether the parameters of the filter in these creation properties, which the filter trusts, agree
 * with the size of chunks; `element` is the size of the stored type. True where there is no such
 * filter. */
bool fc__lzf_sound(hid_t creation, size_t element);

#endif
