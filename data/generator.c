#include "data/generator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- settings */

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

void fc__fault_unless_positive(fc__faults *faults, const char *name, double value, const char *what)
{
    fc__fault_add(faults, !isfinite(value) || value <= 0.0, "%s is %g; a positive %s is needed",
                  name, value, what);
}

void fc__fault_if_negative(fc__faults *faults, const char *name, double value, const char *what)
{
    fc__fault_add(faults, !isfinite(value) || value < 0.0,
                  "%s is %g; 0 or a positive %s is accepted", name, value, what);
}

void fc__faults_of_sequences(fc__faults *faults, size_t sequences, size_t per_trajectory,
                             size_t frames, double interval)
{
    fc__fault_add(faults, sequences < 1, "sequences is 0; at least 1 is needed");
    fc__fault_add(faults, per_trajectory < 1, "per_trajectory is 0; at least 1 is needed");
    fc__fault_add(faults, frames < 1, "frames is 0; at least 1 is needed");
    fc__fault_unless_positive(faults, "interval", interval, "time");
}

void fc__faults_of_grid(fc__faults *faults, size_t grid, size_t output_grid)
{
    enum { SMALLEST = 16, LARGEST = 8192 };
    bool right = grid >= SMALLEST && grid <= LARGEST && grid % 2 == 0;
    fc__fault_add(faults, !right, "grid is %zu; an even number from %d to %d is accepted", grid,
                  SMALLEST, LARGEST);
    fc__fault_add(faults, right && output_grid && grid % output_grid != 0,
                  "output_grid is %zu; a divisor of grid %zu, or 0, is accepted", output_grid,
                  grid);
}

/* ---------------------------------------------------------------- datasets */

static fc_status add_grid(fc_context *context, const fc__box_case *c, fc_dataset *dataset)
{
    fc_status status = FC_OK;
    const size_t shape[2] = {c->size, c->size};
    size_t count = c->dims == 2 ? c->size * c->size : c->size;
    double *coordinates = NULL, spacing = (c->upper - c->lower) / (double)c->size;
    size_t index;
    FC_NEW(context, &coordinates, c->dims * count);
    for (size_t p = 0; p < count; p++) {
        coordinates[c->dims * p] = c->lower + (double)(p % c->size) * spacing;
        if (c->dims == 2)
            coordinates[2 * p + 1] = c->lower + (double)(p / c->size) * spacing;
    }
    status = fc_dataset_add_points(context, dataset, count, coordinates, shape, &index);
done:
    free(coordinates);
    return status;
}

fc_status fc__box_dataset(fc_context *context, const fc__box_case *c, fc_dataset **dataset)
{
    fc_status status = FC_OK;
    fc_domain domain = {.dims = c->dims};
    fc_dataset *made = NULL;
    fc_sequence *sequence;
    double *times = NULL;
    for (size_t i = 0; i < c->dims; i++) {
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

fc_status fc__load_opened(fc_context *context, fc_status opened, fc_dataset **dataset)
{
    fc_status status = opened == FC_OK ? fc_dataset_load_all(context, *dataset) : opened;
    if (status != FC_OK) {
        fc_dataset_destroy(*dataset);
        *dataset = NULL;
    }
    return status;
}
