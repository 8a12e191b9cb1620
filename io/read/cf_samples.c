#include "io/read/cf_samples.h"
#include "io/read/cf_coordinates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- dimensions */

const fc__cf_dimension *fc__cf_samples_find(const fc__cf_samples *samples, const char *name)
{
    for (size_t i = 0; name[0] && i < samples->dimension_count; i++)
        if (strcmp(samples->dimensions[i].name, name) == 0)
            return &samples->dimensions[i];
    return NULL;
}

/* The count or index variable that groups the entries of a dimension; NULL when there is none. */
static const fc__nc_variable *ragged_of(const fc__nc_inventory *inventory, const char *dimension,
                                        bool *counts)
{
    char text[FC__NC_NAME_SIZE];
    for (size_t i = 0; i < inventory->count; i++) {
        const fc__nc_variable *variable = &inventory->variables[i];
        if (variable->rank != 1 || !variable->number || variable->dimension_only)
            continue;
        *counts = fc__cf_text_is(variable, "sample_dimension", dimension);
        if (*counts || (strcmp(variable->dimension[0], dimension) == 0 &&
                        fc__h5_get_text(variable->id, "instance_dimension", text, sizeof text)))
            return variable;
    }
    return NULL;
}

/* Length of a dimension by its name: that of its scale or of the first variable on it; 0 when no
 * variable lies on it. */
static size_t length_of(const fc__nc_inventory *inventory, const char *name)
{
    for (size_t i = 0; i < inventory->count; i++)
        for (size_t k = 0; k < inventory->variables[i].rank; k++)
            if (strcmp(inventory->variables[i].dimension[k], name) == 0)
                return inventory->variables[i].shape[k];
    return 0;
}

/* What groups the entries of dimension `child`, appended to the dimensions; false when nothing
 * does. */
static bool add_parent(fc__cf_samples *samples, size_t child)
{
    bool counts;
    fc__cf_dimension made = {.child = child, .axis = samples->dimensions[child].axis};
    const char *name = samples->dimensions[child].name;
    if (name[0] == '\0')
        return false;
    made.ragged = ragged_of(samples->inventory, name, &counts);
    if (!made.ragged)
        return false;
    made.counts = counts;
    if (counts)
        memcpy(made.name, made.ragged->dimension[0], sizeof made.name);
    else
        fc__h5_get_text(made.ragged->id, "instance_dimension", made.name, sizeof made.name);
    made.length = counts ? made.ragged->shape[0] : length_of(samples->inventory, made.name);
    if (made.name[0] == '\0' || fc__cf_samples_find(samples, made.name))
        return false;
    samples->dimensions[samples->dimension_count++] = made;
    return true;
}

void fc__cf_samples_describe(fc__h5 *h5, const fc__nc_inventory *inventory,
                             const fc__nc_variable *variable, fc__cf_samples *samples)
{
    *samples = (fc__cf_samples){.h5 = h5,
                                .inventory = inventory,
                                .variable = variable,
                                .count = 1,
                                .dimension_count = variable->rank};
    for (size_t i = 0; i < variable->rank; i++) {
        fc__cf_dimension *dimension = &samples->dimensions[i];
        memcpy(dimension->name, variable->dimension[i], sizeof dimension->name);
        dimension->length = variable->shape[i];
        dimension->axis = i;
        samples->count = fc__product(samples->count, variable->shape[i]);
    }
    for (size_t i = 0; i < samples->dimension_count; i++)
        if (samples->dimension_count < variable->rank + FC__CF_LEVELS)
            add_parent(samples, i);
}

void fc__cf_samples_release(fc__cf_samples *samples)
{
    for (size_t i = 0; i < samples->dimension_count; i++)
        free(samples->dimensions[i].index);
    samples->dimension_count = 0;
}

bool fc__cf_samples_have(const fc__cf_samples *samples, const fc__nc_variable *coordinate)
{
    for (size_t i = 0; i < coordinate->rank; i++)
        if (!fc__cf_samples_find(samples, coordinate->dimension[i]))
            return false;
    return coordinate->number && !coordinate->dimension_only;
}

bool fc__cf_samples_vary(const fc__cf_samples *samples, const fc__nc_variable *coordinate,
                         size_t axis)
{
    for (size_t i = 0; i < coordinate->rank; i++) {
        const fc__cf_dimension *found = fc__cf_samples_find(samples, coordinate->dimension[i]);
        if (found && found->axis == axis)
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------- ragged arrays */

/* Entries of the child that each count stands for follow each other (CF conventions 9.3.3). */
static fc_status spread_counts(const fc__cf_samples *samples, const fc__cf_dimension *dimension,
                               const double *counts, size_t length, size_t *parent)
{
    size_t next = 0;
    for (size_t i = 0; i < dimension->length; i++) {
        double count = isnan(counts[i]) ? 0.0 : counts[i];
        if (!(count >= 0.0 && count <= (double)(length - next)) || count != floor(count))
            return fc__fail(samples->h5->context, FC_ERROR_DATA,
                            "%s: %s[%zu] = %.15g: counts must be whole numbers whose sum is at "
                            "most the length of dimension %s, %zu",
                            samples->h5->path, dimension->ragged->name, i, counts[i],
                            samples->dimensions[dimension->child].name, length);
        for (size_t k = 0; k < (size_t)count; k++)
            parent[next++] = i;
    }
    while (next < length)
        parent[next++] = SIZE_MAX;
    return FC_OK;
}

/* Each entry of the child says where it belongs, counted from 0 (CF conventions 9.3.4). */
static fc_status copy_indices(const fc__cf_samples *samples, const fc__cf_dimension *dimension,
                              const double *indices, size_t length, size_t *parent)
{
    for (size_t i = 0; i < length; i++) {
        parent[i] = SIZE_MAX;
        if (isnan(indices[i]))
            continue;
        if (!(indices[i] >= 0.0 && indices[i] < (double)dimension->length) ||
            indices[i] != floor(indices[i]))
            return fc__fail(
                samples->h5->context, FC_ERROR_DATA,
                "%s: %s[%zu] = %.15g: whole numbers from 0 on that are less than %zu, the "
                "length of dimension %s, are accepted",
                samples->h5->path, dimension->ragged->name, i, indices[i], dimension->length,
                dimension->name);
        parent[i] = (size_t)indices[i];
    }
    return FC_OK;
}

static fc_status link_dimension(const fc__cf_samples *samples, fc__cf_dimension *dimension)
{
    fc_status status = FC_OK;
    const fc__cf_dimension *child = &samples->dimensions[dimension->child];
    size_t count = 0, *parent = NULL, length = samples->dimensions[dimension->axis].length;
    double *values = NULL;
    FC_TRY(fc__cf_load(samples->h5, dimension->ragged, &count, &values));
    if (count != (dimension->counts ? dimension->length : child->length)) {
        status = fc__fail(samples->h5->context, FC_ERROR_DATA,
                          "%s: %s holds %zu values, dimension %s has length %zu", samples->h5->path,
                          dimension->ragged->name, count,
                          dimension->counts ? dimension->name : child->name,
                          dimension->counts ? dimension->length : child->length);
        goto done;
    }
    FC_NEW(samples->h5->context, &parent, child->length);
    FC_TRY(dimension->counts ? spread_counts(samples, dimension, values, child->length, parent)
                             : copy_indices(samples, dimension, values, child->length, parent));
    FC_NEW(samples->h5->context, &dimension->index, length);
    for (size_t i = 0; i < length; i++) {
        size_t entry = child->index ? child->index[i] : i;
        dimension->index[i] = entry == SIZE_MAX ? SIZE_MAX : parent[entry];
    }
done:
    free(values);
    free(parent);
    return status;
}

fc_status fc__cf_samples_link(fc__cf_samples *samples)
{
    fc_status status = FC_OK;
    size_t rank, shape[FC__MAX_RANK];
    FC_TRY(
        fc__h5_inspect(samples->h5, samples->variable->id, samples->variable->name, &rank, shape));
    for (size_t i = 0; i < samples->dimension_count; i++)
        if (samples->dimensions[i].ragged)
            FC_TRY(link_dimension(samples, &samples->dimensions[i]));
done:
    return status;
}

/* ---------------------------------------------------------------- coordinates of elements */

size_t fc__cf_samples_index(const fc__cf_samples *samples, const fc__cf_dimension *dimension,
                            size_t element)
{
    size_t stride = 1;
    for (size_t i = dimension->axis + 1; i < samples->variable->rank; i++)
        stride *= samples->variable->shape[i];
    size_t index = element / stride % samples->variable->shape[dimension->axis];
    return dimension->index ? dimension->index[index] : index;
}

/* The dimensions that a coordinate lies on, which must be as long as its axes. */
static fc_status match(const fc__cf_samples *samples, const fc__nc_variable *coordinate,
                       const fc__cf_dimension *on[FC__MAX_RANK])
{
    for (size_t i = 0; i < coordinate->rank; i++) {
        on[i] = fc__cf_samples_find(samples, coordinate->dimension[i]);
        if (on[i]->length != coordinate->shape[i])
            return fc__fail(samples->h5->context, FC_ERROR_DATA,
                            "%s: axis %zu of %s has length %zu, its dimension %s has %zu",
                            samples->h5->path, i, coordinate->name, coordinate->shape[i],
                            on[i]->name, on[i]->length);
    }
    return FC_OK;
}

fc_status fc__cf_samples_spread(const fc__cf_samples *samples, const fc__nc_variable *coordinate,
                                const double *loaded, size_t count, const size_t *elements,
                                double *values)
{
    const fc__cf_dimension *on[FC__MAX_RANK];
    fc_status status = match(samples, coordinate, on);
    for (size_t e = 0; status == FC_OK && e < count; e++) {
        size_t place = 0;
        bool told = true;
        for (size_t i = 0; i < coordinate->rank; i++) {
            size_t index = fc__cf_samples_index(samples, on[i], elements ? elements[e] : e);
            told = told && index != SIZE_MAX;
            place = place * coordinate->shape[i] + index;
        }
        values[e] = told ? loaded[place] : NAN;
    }
    return status;
}

fc_status fc__cf_samples_gather(const fc__cf_samples *samples, const fc__nc_variable *coordinate,
                                size_t count, const size_t *elements, double *values)
{
    size_t loaded_count;
    double *loaded;
    fc_status status = fc__cf_load(samples->h5, coordinate, &loaded_count, &loaded);
    if (status == FC_OK)
        status = fc__cf_samples_spread(samples, coordinate, loaded, count, elements, values);
    free(loaded);
    return status;
}
