/* edits.h: a fuzzer's bytes as changes to an HDF5 file. What comes out is whole as an HDF5 file and
 * lies about everything else: attributes gone, of other types, endless; arrays of other shapes,
 * types and sizes, with numbers that are none; links that lead in circles. So the readers are put
 * to the test rather than the HDF5 library. */
#ifndef FC_FUZZ_EDITS_H
#define FC_FUZZ_EDITS_H

#include <stddef.h>
#include <stdint.h>

/* Changes the file at `path` as the bytes say; the same bytes make the same changes. */
void fuzz_edit_file(const char *path, const uint8_t *data, size_t size);

#endif
