/* checksum.h: tells whether two files hold the same values. */
#ifndef FC_IO_CHECKSUM_H
#define FC_IO_CHECKSUM_H

#include "io/hdf5/hdf5_file.h"
#include "io/io.h"

typedef struct fc__checksum fc__checksum;

/* Of values in the order of sequences, frames, points and channels, whatever the layout of the
 * file. */
fc_status fc__checksum_create(fc_context *context, fc__checksum **checksum);
void fc__checksum_destroy(fc__checksum *checksum);
void fc__checksum_add(fc__checksum *checksum, const fc_dataset *dataset, const fc_frame *frame);
void fc__checksum_add_all(fc__checksum *checksum, const fc_dataset *dataset);
/* "xxh3-64:" and 16 hexadecimal digits. */
void fc__checksum_text(const fc__checksum *checksum, char text[FC_CHECKSUM_SIZE]);

/* That of a file, an attribute of its root group; "" = none. */
void fc__checksum_read(const fc__h5 *h5, char text[FC_CHECKSUM_SIZE]);

#endif
