/* stream.h: frames of a dataset one block after the other, for datasets that are larger than
 * memory. While the caller works on a block, a thread reads the next one.
 */
#ifndef FC_INR_STREAM_H
#define FC_INR_STREAM_H

#include "inr/fit.h"

/* Where a frame stands in a dataset. */
typedef struct fc__place {
    size_t sequence, frame;
} fc__place;

/* All frames of a dataset, in order; free() it. */
fc_status fc__places_of_all(fc_context *context, const fc_dataset *dataset, size_t *count,
                            fc__place **places);

/* Bytes of the values of a frame; those of the largest frame; those of all frames. All are SIZE_MAX
 * where that does not fit. */
size_t fc__bytes_of_frame(const fc_dataset *dataset, const fc_frame *frame);
size_t fc__largest_frame(const fc_dataset *dataset);
size_t fc__values_bytes(const fc_dataset *dataset);

/* A walk over `count` frames in the order given. */
typedef struct fc__stream fc__stream;

/* bytes: most that the two blocks in memory may take together, 0 = a few dozen megabytes each.
 * step: frames that belong together: each block but the last has a multiple of them (at least 1).
 * What fits beyond that is cut where the reader's units end. FC_ERROR_MEMORY when two times `step`
 * frames take more than the limit.
 *
 * Frames whose values are in memory already are passed on as they are; where that holds for all of
 * them, no values are copied, all come as one block, and there is no thread. Only the thread of the
 * stream calls the reader between create and destroy, and it never does so after a call here has
 * failed. `places` and `dataset` must outlive the stream. */
fc_status fc__stream_create(fc_context *context, const fc_dataset *dataset, size_t count,
                            const fc__place *places, size_t step, size_t bytes,
                            fc__stream **stream);
/* Stops reading, and waits for the read that is under way. */
void fc__stream_destroy(fc__stream *stream);

/* A block: frames [first, first + frames.count) of the walk, valid until the next call. */
typedef struct fc__block {
    size_t first;
    fc__frames frames;
} fc__block;

/* The next block, with no frames at the end. The reader's failures come back here with their
 * message; FC_INTERRUPTED when the context is interrupted. */
fc_status fc__stream_next(fc__stream *stream, fc__block *block);

#endif
