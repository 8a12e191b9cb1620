#include "data/generator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fc__fault_add(fc__faults *faults, bool wrong, const char *format, ...)
{
    size_t size = sizeof faults->text - faults->length;
    if (!wrong || size < 3)
        return;
    char *end = faults->text + faults->length;
    int separator = snprintf(end, size, "%s", faults->count++ ? "; " : "");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(end + separator, size - (size_t)separator, format, arguments);
    va_end(arguments);
    faults->length += strlen(end);
}

fc_status fc__faults_report(fc_context *context, const char *name, const fc__faults *faults)
{
    if (faults->count == 0)
        return FC_OK;
    return fc__fail(context, FC_ERROR_USAGE, "%s: %s", name, faults->text);
}

static fc_status add_grid(fc_context *context, const fc__square_case *c, fc_dataset *dataset)
{
    fc_status status = FC_OK;
    const size_t shape[2] = {c->size, c->size};
    double *coordinates = NULL, spacing = (c->upper - c->lower) / (double)c->size;
    size_t index;
    FC_NEW(context, &coordinates, 2 * c->size * c->size);
    for (size_t p = 0; p < c->size * c->size; p++) {
        coordinates[2 * p] = c->lower + (double)(p % c->size) * spacing;
        coordinates[2 * p + 1] = c->lower + (double)(p / c->size) * spacing;
    }
    status = fc_dataset_add_points(context, dataset, c->size * c->size, coordinates, shape, &index);
done:
    free(coordinates);
    return status;
}

fc_status fc__square_dataset(fc_context *context, const fc__square_case *c, fc_dataset **dataset)
{
    fc_status status = FC_OK;
    fc_domain domain = {.dims = 2};
    fc_dataset *made = NULL;
    fc_sequence *sequence;
    double *times = NULL;
    for (size_t i = 0; i < 2; i++) {
        domain.axis[i] = (fc_axis){.kind = FC_AXIS_PERIODIC, .lower = c->lower, .upper = c->upper};
        fc__copy_name(domain.axis[i].name, i ? "y" : "x");
        fc__copy_name(domain.axis[i].units, "1");
    }
    FC_TRY(fc_dataset_create(context, &domain, c->channels, &made));
    fc__copy_name(made->time.units, "1");
    for (size_t i = 0; i < c->channels; i++) {
        fc__copy_name(made->channels[i].name, c->names[i]);
        fc__copy_name(made->channels[i].units, "1");
        fc__copy_name(made->channels[i].long_name, c->long_names[i]);
    }
    FC_TRY(add_grid(context, c, made));
    FC_NEW(context, &times, c->frames);
    for (size_t f = 0; f < c->frames; f++)
        times[f] = (double)f * c->interval;
    for (size_t s = 0; s < c->sequences; s++)
        FC_TRY(fc_dataset_add_unread(context, made, c->frames, times, NULL, &sequence));
    *dataset = made;
    made = NULL;
done:
    free(times);
    fc_dataset_destroy(made);
    return status;
}
