/* validate.h: faults of files, between what asks about the file (validate.c) and about a dataset in
 * it (validate_dataset.c). Everything found goes to the context's fault listener.
 */
#ifndef FC_IO_VALIDATE_H
#define FC_IO_VALIDATE_H

#include "inr/support.h"

/* Tells what may be none but harms training. */
#define FC__WARN(context, ...) FC_TRY(fc__fault((context), FC_OK, __VA_ARGS__))

/* Looks at places, times and all values of an unread dataset. drops: points and frames without any
 * value are left out by who reads it. times: whether their order is still to be checked. checksum:
 * which the values should have, "" = not known. */
fc_status fc__validate_dataset(fc_context *context, fc_dataset *dataset, const char *path,
                               bool drops, bool times, const char *checksum);

#endif
