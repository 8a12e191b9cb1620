/* Writes a native dataset of the ragged layout: other points and times in every sequence.
 * make_native_ragged FILE */
#include "fieldcast.h"

#include <stdio.h>

static fc_status add_sequence(fc_context *context, fc_dataset *dataset, size_t s)
{
    size_t sets[3], count = s + 2;
    double times[3], coordinates[8];
    fc_sequence *sequence;
    for (size_t f = 0; f < count; f++) {
        times[f] = (double)(f + s);
        for (size_t i = 0; i < 2 * (f + 2); i++)
            coordinates[i] = 0.1 * (double)(i + s + f);
        fc_status status =
            fc_dataset_add_points(context, dataset, f + 2, coordinates, NULL, &sets[f]);
        if (status != FC_OK)
            return status;
    }
    fc_status status = fc_dataset_add_sequence(context, dataset, count, times, sets, &sequence);
    for (size_t f = 0; status == FC_OK && f < count; f++)
        for (size_t p = 0; p < f + 2; p++)
            sequence->frames[f].values[p] = (float)(p + f);
    return status;
}

int main(int argc, char **argv)
{
    fc_context *context = NULL;
    fc_dataset *dataset = NULL;
    fc_domain domain = {.dims = 2,
                        .axis = {{.lower = 0.0, .upper = 2.0, .name = "x", .units = "m"},
                                 {.lower = 0.0, .upper = 2.0, .name = "y", .units = "m"}}};
    fc_status status = fc_context_create(1, &context);
    if (status == FC_OK)
        status = fc_dataset_create(context, &domain, 1, &dataset);
    if (status == FC_OK)
        snprintf(dataset->channels[0].name, sizeof dataset->channels[0].name, "w");
    for (size_t s = 0; status == FC_OK && s < 2; s++)
        status = add_sequence(context, dataset, s);
    if (status == FC_OK)
        status = fc_dataset_write(context, argc > 1 ? argv[1] : "native_ragged.nc", dataset, NULL);
    if (status != FC_OK)
        fprintf(stderr, "%s\n", fc_context_message(context));
    fc_dataset_destroy(dataset);
    fc_context_destroy(context);
    return status != FC_OK;
}
