/* facts.h: what a pass over all values of a dataset tells of them.
 */
#ifndef FC_IO_FACTS_H
#define FC_IO_FACTS_H

#include "inr/support.h"
#include "io/io.h"

/* Sums over the values of a channel, about one of them, so that they keep their digits. */
typedef struct fc__channel_sums {
    double origin, sum, squares;
    double lower, upper;
    uint64_t count;
} fc__channel_sums;

typedef struct fc__gather {
    const fc_dataset *dataset;
    fc__channel_sums *sums; /* (channels) */
    size_t **observed;      /* (sequences)(frames, channels) values that are observed */
} fc__gather;

/* To be released whether or not this succeeded. */
fc_status fc__gather_start(fc_context *context, const fc_dataset *dataset, fc__gather *gather);
/* Values of frames [first, first + count), each frame once. */
void fc__gather_frames(fc__gather *gather, size_t sequence, size_t first, size_t count,
                       float *const *values);
/* kept: what was left of the dataset when points and frames without any value were taken out. */
fc_status fc__gather_finish(fc__gather *gather, fc_context *context, const fc_dataset *kept,
                            fc_data_facts *facts);
void fc__gather_release(fc__gather *gather);

#endif
