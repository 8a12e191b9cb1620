#include "io/checksum.h"

#include "inr/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL /* nothing to link */
#include <xxhash.h>

static const char prefix[] = "xxh3-64:";

struct fc__checksum {
    XXH3_state_t state;
};

fc_status fc__checksum_create(fc_context *context, fc__checksum **checksum)
{
    fc_status status = FC_OK;
    FC_NEW(context, checksum, 1);
    XXH3_64bits_reset(&(*checksum)->state);
done:
    return status;
}

void fc__checksum_destroy(fc__checksum *checksum)
{
    free(checksum);
}

void fc__checksum_add(fc__checksum *checksum, const fc_dataset *dataset, const fc_frame *frame)
{
    size_t count = dataset->points[frame->points].count * dataset->channel_count;
    if (count)
        XXH3_64bits_update(&checksum->state, frame->values, count * sizeof *frame->values);
}

void fc__checksum_add_all(fc__checksum *checksum, const fc_dataset *dataset)
{
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++)
            fc__checksum_add(checksum, dataset, &dataset->sequences[s].frames[f]);
}

void fc__checksum_text(const fc__checksum *checksum, char text[FC_CHECKSUM_SIZE])
{
    snprintf(text, FC_CHECKSUM_SIZE, "%s%016llx", prefix,
             (unsigned long long)XXH3_64bits_digest(&checksum->state));
}

void fc__checksum_read(const fc__h5 *h5, char text[FC_CHECKSUM_SIZE])
{
    if (!fc__h5_get_text(h5->file, "checksum", text, FC_CHECKSUM_SIZE) ||
        strlen(text) + 1 != FC_CHECKSUM_SIZE || strncmp(text, prefix, strlen(prefix)) != 0)
        text[0] = '\0';
}
