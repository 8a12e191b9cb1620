/* Attributes, groups and arrays. */
#include "io/hdf5/hdf5_file.h"
#include "io/hdf5/lzf_filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Largest factor by which gzip can make data smaller, rounded up, and a size that is always
 * plausible: what a data set may declare is bounded by what its file can hold. */
enum { LARGEST_COMPRESSION = 1100, SMALL_BYTES = 1 << 26, LARGEST_TEXT = 1 << 24 };

/* UTF-8 of the text's own length, at least one byte. */
static hid_t type_of_text(const char *text)
{
    size_t size = strlen(text);
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size ? size : 1);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

/* ---------------------------------------------------------------- attributes */

fc_status fc__h5_put_text(fc__h5 *h5, hid_t object, const char *name, const char *text)
{
    fc_status status = FC_OK;
    hid_t type = type_of_text(text), space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0 || H5Awrite(attribute, type, text) < 0 || h5->write_error)
        status = fc__h5_fail(h5, FC_ERROR_IO, "attribute %s cannot be written", name);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return status;
}

/* The type in the file for a native type: the same, little endian. */
static hid_t stored_type(hid_t native)
{
    hid_t type = H5Tcopy(native);
    H5Tset_order(type, H5T_ORDER_LE);
    return type;
}

fc_status fc__h5_put(fc__h5 *h5, hid_t object, const char *name, hid_t type, size_t count,
                     const void *values)
{
    fc_status status = FC_OK;
    hsize_t extent = count;
    hid_t stored = stored_type(type);
    hid_t space = count == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &extent, NULL);
    hid_t attribute = H5Acreate2(object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0 || H5Awrite(attribute, type, values) < 0 || h5->write_error)
        status = fc__h5_fail(h5, FC_ERROR_IO, "attribute %s cannot be written", name);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(stored);
    return status;
}

fc_status fc__h5_put_double(fc__h5 *h5, hid_t object, const char *name, double value)
{
    return fc__h5_put(h5, object, name, H5T_NATIVE_DOUBLE, 1, &value);
}

fc_status fc__h5_put_uint(fc__h5 *h5, hid_t object, const char *name, uint64_t value)
{
    return fc__h5_put(h5, object, name, H5T_NATIVE_UINT64, 1, &value);
}

/* A string type like that in the file, for one string in memory. */
static hid_t text_type(hid_t stored, size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_cset(type, H5Tget_cset(stored));
    H5Tset_size(type, size);
    return type;
}

static bool read_attribute_text(hid_t attribute, hid_t stored, char *text, size_t size)
{
    bool done = false;
    if (H5Tis_variable_str(stored) > 0) {
        char *value = NULL;
        hid_t type = text_type(stored, H5T_VARIABLE);
        if (H5Aread(attribute, type, &value) >= 0 && value) {
            snprintf(text, size, "%s", value);
            done = true;
        }
        if (value)
            H5free_memory(value);
        H5Tclose(type);
    } else if (H5Tget_size(stored) < LARGEST_TEXT) {
        size_t length = H5Tget_size(stored) + 1;
        hid_t type = text_type(stored, length);
        char *value = calloc(length, 1);
        if (value && H5Aread(attribute, type, value) >= 0) {
            snprintf(text, size, "%s", value);
            done = true;
        }
        free(value);
        H5Tclose(type);
    }
    return done;
}

bool fc__h5_has(hid_t object, const char *name)
{
    return H5Aexists(object, name) > 0;
}

static herr_t pass_attribute(hid_t object, const char *name, const H5A_info_t *info, void *data)
{
    (void)object;
    (void)name;
    (void)info;
    (void)data;
    return 0;
}

fc_status fc__h5_check_attributes(fc__h5 *h5, hid_t object, const char *name)
{
    return H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, pass_attribute, NULL) < 0
               ? fc__h5_fail(h5, FC_ERROR_DATA, "%s is damaged", name)
               : FC_OK;
}

/* Opens an attribute of `count` elements. */
static hid_t open_attribute(hid_t object, const char *name, size_t count, hid_t *type)
{
    if (!fc__h5_has(object, name))
        return H5I_INVALID_HID;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0)
        return attribute;
    hid_t space = H5Aget_space(attribute);
    hssize_t found = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    if (found < 0 || (size_t)found != count) {
        H5Aclose(attribute);
        return H5I_INVALID_HID;
    }
    *type = H5Aget_type(attribute);
    return attribute;
}

bool fc__h5_get_text(hid_t object, const char *name, char *text, size_t size)
{
    hid_t type = H5I_INVALID_HID, attribute = open_attribute(object, name, 1, &type);
    if (attribute < 0)
        return false;
    bool done =
        H5Tget_class(type) == H5T_STRING && read_attribute_text(attribute, type, text, size);
    H5Tclose(type);
    H5Aclose(attribute);
    return done;
}

static bool is_number(hid_t type)
{
    return H5Tget_class(type) == H5T_INTEGER || H5Tget_class(type) == H5T_FLOAT;
}

bool fc__h5_get(hid_t object, const char *name, hid_t type, size_t count, void *values)
{
    hid_t stored = H5I_INVALID_HID, attribute = open_attribute(object, name, count, &stored);
    if (attribute < 0)
        return false;
    bool done = is_number(stored) && H5Aread(attribute, type, values) >= 0;
    H5Tclose(stored);
    H5Aclose(attribute);
    return done;
}

bool fc__h5_get_double(hid_t object, const char *name, double *value)
{
    return fc__h5_get(object, name, H5T_NATIVE_DOUBLE, 1, value);
}

/* ---------------------------------------------------------------- creation properties */

enum {
    ORDER = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED,
    MOST_IN_HEADER = 256, /* links or attributes */
    LEAST_IN_HEAP = 192
};

void fc__h5_set_group_properties(hid_t creation)
{
    H5Pset_link_creation_order(creation, ORDER);
    H5Pset_obj_track_times(creation, false); /* the same data give the same file */
    H5Pset_link_phase_change(creation, MOST_IN_HEADER, LEAST_IN_HEAP);
    H5Pset_attr_creation_order(creation, ORDER);
    H5Pset_attr_phase_change(creation, MOST_IN_HEADER, LEAST_IN_HEAP);
}

void fc__h5_set_dataset_properties(hid_t creation)
{
    H5Pset_attr_creation_order(creation, ORDER);
    H5Pset_attr_phase_change(creation, MOST_IN_HEADER, LEAST_IN_HEAP);
    H5Pset_obj_track_times(creation, false);
}

/* ---------------------------------------------------------------- groups */

fc_status fc__h5_make_group(fc__h5 *h5, hid_t parent, const char *name, hid_t *group)
{
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    fc__h5_set_group_properties(creation);
    *group = H5Gcreate2(parent, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    fc_status status =
        *group < 0 ? fc__h5_fail(h5, FC_ERROR_IO, "group %s cannot be written", name) : FC_OK;
    H5Pclose(creation);
    return status;
}

static bool link_exists(hid_t parent, const char *name, H5I_type_t wanted)
{
    if (H5Lexists(parent, name, H5P_DEFAULT) <= 0)
        return false;
    hid_t object = H5Oopen(parent, name, H5P_DEFAULT);
    H5I_type_t found = object < 0 ? H5I_BADID : H5Iget_type(object);
    if (object >= 0)
        H5Oclose(object);
    return found == wanted;
}

fc_status fc__h5_find_group(fc__h5 *h5, hid_t parent, const char *name, hid_t *group)
{
    *group = H5I_INVALID_HID;
    if (!link_exists(parent, name, H5I_GROUP))
        return FC_OK;
    *group = H5Gopen2(parent, name, H5P_DEFAULT);
    if (*group < 0)
        return fc__h5_fail(h5, FC_ERROR_DATA, "group %s is damaged", name);
    return fc__h5_check_attributes(h5, *group, name);
}

bool fc__h5_holds(hid_t parent, const char *name)
{
    return link_exists(parent, name, H5I_DATASET);
}

/* ---------------------------------------------------------------- arrays */

/* Matrices are compressed, as covariances are diagonal and weights may be zero, by rows of a few
 * hundred kilobytes. */
static void compress_matrix(hid_t creation, hid_t type, size_t rank, const hsize_t *extent)
{
    enum { PIECE = 1 << 18, LEVEL = 4 };
    hsize_t piece[FC__MAX_RANK] = {0}, row = H5Tget_size(type), total = rank > 1 ? row : 0;
    for (size_t i = 0; i < rank; i++)
        total *= extent[i];
    if (total < PIECE)
        return;
    for (size_t i = rank; i-- > 0;) {
        hsize_t fitting = PIECE / row ? PIECE / row : 1;
        piece[i] = extent[i] < fitting ? extent[i] : fitting;
        row *= extent[i];
    }
    H5Pset_chunk(creation, (int)rank, piece);
    H5Pset_shuffle(creation);
    H5Pset_deflate(creation, LEVEL);
}

fc_status fc__h5_write_array(fc__h5 *h5, hid_t parent, const char *name, hid_t type, size_t rank,
                             const size_t *shape, const void *values)
{
    fc_status status = FC_OK;
    hsize_t extent[FC__MAX_RANK];
    for (size_t i = 0; i < rank; i++)
        extent[i] = shape[i];
    hid_t stored = stored_type(type), creation = H5Pcreate(H5P_DATASET_CREATE);
    fc__h5_set_dataset_properties(creation);
    compress_matrix(creation, type, rank, extent);
    hid_t space = rank ? H5Screate_simple((int)rank, extent, NULL) : H5Screate(H5S_SCALAR);
    hid_t dataset = H5Dcreate2(parent, name, stored, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (dataset < 0 || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0 ||
        h5->write_error)
        status = fc__h5_fail(h5, FC_ERROR_IO, "%s cannot be written", name);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(creation);
    H5Tclose(stored);
    return status;
}

fc_status fc__h5_write_text(fc__h5 *h5, hid_t parent, const char *name, const char *text)
{
    fc_status status = FC_OK;
    hid_t type = type_of_text(text), space = H5Screate(H5S_SCALAR);
    hid_t dataset = H5Dcreate2(parent, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (dataset < 0 || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) < 0 ||
        h5->write_error)
        status = fc__h5_fail(h5, FC_ERROR_IO, "%s cannot be written", name);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Tclose(type);
    return status;
}

fc_status fc__h5_read_text(fc__h5 *h5, hid_t parent, const char *name, char **text)
{
    fc_status status = FC_OK;
    *text = NULL;
    if (!fc__h5_holds(parent, name))
        return FC_OK;
    hid_t dataset = H5Dopen2(parent, name, H5P_DEFAULT), stored = H5Dget_type(dataset);
    hid_t space = H5Dget_space(dataset), type = H5I_INVALID_HID;
    size_t size = H5Tget_size(stored);
    if (dataset < 0 || H5Tget_class(stored) != H5T_STRING || H5Tis_variable_str(stored) != 0 ||
        H5Sget_simple_extent_npoints(space) != 1 || size > h5->file_size) {
        status = fc__fail(h5->context, FC_ERROR_DATA, "%s: %s is no text of fixed length", h5->path,
                          name);
        goto done;
    }
    FC_NEW(h5->context, text, size + 1);
    type = text_type(stored, size + 1);
    if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *text) < 0)
        status = fc__h5_fail(h5, FC_ERROR_DATA, "%s cannot be read", name);
done:
    if (status != FC_OK) {
        free(*text);
        *text = NULL;
    }
    H5Tclose(type);
    H5Sclose(space);
    H5Tclose(stored);
    H5Dclose(dataset);
    return status;
}

static fc_status check_filters(fc__h5 *h5, hid_t creation, const char *name, size_t element)
{
    int count = H5Pget_nfilters(creation);
    for (int i = 0; i < count; i++) {
        char filter[FC_NAME_SIZE] = "";
        unsigned flags, configuration;
        size_t values = 0;
        H5Z_filter_t id = H5Pget_filter2(creation, (unsigned)i, &flags, &values, NULL,
                                         sizeof filter, filter, &configuration);
        if (id < 0 || H5Zfilter_avail(id) > 0)
            continue;
        return fc__fail(h5->context, FC_ERROR_DATA,
                        "%s: %s is compressed with HDF5 filter %d%s%s%s, which is not available "
                        "here; rewrite the file with gzip where the filter is installed: "
                        "`h5repack -f GZIP=1 in.h5 out.h5`",
                        h5->path, name, (int)id, filter[0] ? " (" : "", filter,
                        filter[0] ? ")" : "");
    }
    if (!fc__lzf_sound(creation, element))
        return fc__fail(
            h5->context, FC_ERROR_DATA,
            "%s: %s is compressed with LZF whose parameters do not tell the size of its "
            "chunks: the file is damaged",
            h5->path, name);
    return FC_OK;
}

uint64_t fc__h5_most_bytes(const fc__h5 *h5)
{
    return (uint64_t)fc__product((size_t)h5->file_size, LARGEST_COMPRESSION);
}

/* Nothing is allocated for a data set before this bound has been checked. */
static fc_status check_size(fc__h5 *h5, hid_t dataset, hid_t creation, const char *name,
                            size_t bytes)
{
    H5D_layout_t layout = H5Pget_layout(creation);
    if (layout == H5D_VIRTUAL || H5Pget_external_count(creation) > 0)
        return fc__fail(h5->context, FC_ERROR_DATA,
                        "%s: %s keeps its values in other files; values in the file itself are "
                        "accepted",
                        h5->path, name);
    bool filtered = H5Pget_nfilters(creation) > 0;
    bool allocated = H5Dget_storage_size(dataset) > 0;
    uint64_t bound = h5->file_size;
    if (filtered || !allocated || layout == H5D_CHUNKED)
        bound = fc__h5_most_bytes(h5);
    if (layout != H5D_CONTIGUOUS && bound < SMALL_BYTES)
        bound = SMALL_BYTES;
    if (bytes == SIZE_MAX || bytes > bound)
        return fc__fail(h5->context, FC_ERROR_DATA,
                        "%s: %s declares %s%zu bytes, which a file of %llu bytes cannot hold: the "
                        "file is damaged",
                        h5->path, name, bytes == SIZE_MAX ? "more than " : "", bytes,
                        (unsigned long long)h5->file_size);
    return FC_OK;
}

fc_status fc__h5_inspect(fc__h5 *h5, hid_t dataset, const char *name, size_t *rank, size_t *shape)
{
    fc_status status = FC_OK;
    hsize_t extent[H5S_MAX_RANK];
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    hid_t creation = H5Dget_create_plist(dataset);
    int found = H5Sget_simple_extent_dims(space, extent, NULL);
    if (found < 0 || found > FC__MAX_RANK || H5Sget_simple_extent_type(space) == H5S_NULL ||
        !is_number(type)) {
        status = fc__fail(h5->context, FC_ERROR_DATA,
                          "%s: %s is no array of numbers with at most %d axes", h5->path, name,
                          FC__MAX_RANK);
        goto done;
    }
    size_t bytes = H5Tget_size(type);
    *rank = (size_t)found;
    for (int i = 0; i < found; i++) {
        shape[i] = (size_t)extent[i];
        bytes = fc__product(bytes, shape[i]);
    }
    FC_TRY(check_filters(h5, creation, name, H5Tget_size(type)));
    FC_TRY(check_size(h5, dataset, creation, name, bytes));
done:
    H5Pclose(creation);
    H5Tclose(type);
    H5Sclose(space);
    return status;
}

static fc_status check_shape(fc__h5 *h5, const char *name, size_t rank, const size_t *shape,
                             size_t found_rank, const size_t *found)
{
    bool same = rank == found_rank;
    size_t i = 0;
    while (same && i < rank && shape[i] == found[i])
        i++;
    if (same && i == rank)
        return FC_OK;
    if (!same)
        return fc__fail(h5->context, FC_ERROR_DATA, "%s: %s has %zu axes, %zu are expected",
                        h5->path, name, found_rank, rank);
    return fc__fail(h5->context, FC_ERROR_DATA,
                    "%s: axis %zu of %s has length %zu, %zu is expected", h5->path, i, name,
                    found[i], shape[i]);
}

/* Opens a data set that must have this shape. */
static fc_status open_array(fc__h5 *h5, hid_t parent, const char *name, size_t rank,
                            const size_t *shape, hid_t *dataset)
{
    fc_status status = FC_OK;
    size_t found_rank, found[FC__MAX_RANK];
    *dataset = fc__h5_holds(parent, name) ? H5Dopen2(parent, name, H5P_DEFAULT) : -1;
    if (*dataset < 0)
        return fc__fail(h5->context, FC_ERROR_DATA, "%s: %s is missing", h5->path, name);
    FC_TRY(fc__h5_inspect(h5, *dataset, name, &found_rank, found));
    FC_TRY(check_shape(h5, name, rank, shape, found_rank, found));
done:
    if (status != FC_OK)
        H5Dclose(*dataset);
    return status;
}

fc_status fc__h5_read_array(fc__h5 *h5, hid_t parent, const char *name, hid_t type, size_t rank,
                            const size_t *shape, void *values)
{
    hid_t dataset;
    fc_status status = open_array(h5, parent, name, rank, shape, &dataset);
    if (status != FC_OK)
        return status;
    if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        status = fc__h5_fail(h5, FC_ERROR_DATA, "%s cannot be read", name);
    H5Dclose(dataset);
    return status;
}

fc_status fc__h5_load_array(fc__h5 *h5, hid_t parent, const char *name, hid_t type, size_t rank,
                            const size_t *shape, void *values)
{
    fc_status status = FC_OK;
    void *memory = NULL;
    hid_t dataset = H5I_INVALID_HID;
    size_t count = 1;
    memcpy(values, &memory, sizeof memory);
    if (!fc__h5_holds(parent, name))
        return FC_OK;
    FC_TRY(open_array(h5, parent, name, rank, shape, &dataset));
    H5Dclose(dataset);
    for (size_t i = 0; i < rank; i++)
        count = fc__product(count, shape[i]);
    FC_TRY(fc__allocate(h5->context, count, H5Tget_size(type), &memory));
    FC_TRY(fc__h5_read_array(h5, parent, name, type, rank, shape, memory));
    memcpy(values, &memory, sizeof memory);
    memory = NULL;
done:
    free(memory);
    return status;
}

/* Selects a box in the file and a dense block of the same shape in memory. */
static bool select_box(hid_t dataset, size_t rank, const size_t *start, const size_t *count,
                       hid_t *file, hid_t *memory)
{
    hsize_t first[FC__MAX_RANK], extent[FC__MAX_RANK];
    for (size_t i = 0; i < rank; i++) {
        first[i] = start[i];
        extent[i] = count[i];
    }
    *file = H5Dget_space(dataset);
    *memory = rank ? H5Screate_simple((int)rank, extent, NULL) : H5Screate(H5S_SCALAR);
    return *file >= 0 && *memory >= 0 &&
           (rank == 0 ||
            H5Sselect_hyperslab(*file, H5S_SELECT_SET, first, NULL, extent, NULL) >= 0);
}

fc_status fc__h5_read_box(fc__h5 *h5, hid_t dataset, const char *name, hid_t type, size_t rank,
                          const size_t *start, const size_t *count, void *values)
{
    fc_status status = FC_OK;
    hid_t file, memory;
    if (!select_box(dataset, rank, start, count, &file, &memory) ||
        H5Dread(dataset, type, memory, file, H5P_DEFAULT, values) < 0)
        status = fc__h5_fail(h5, FC_ERROR_DATA, "%s cannot be read", name);
    H5Sclose(file);
    H5Sclose(memory);
    return status;
}

fc_status fc__h5_write_box(fc__h5 *h5, hid_t dataset, const char *name, hid_t type, size_t rank,
                           const size_t *start, const size_t *count, const void *values)
{
    fc_status status = FC_OK;
    hid_t file, memory;
    if (!select_box(dataset, rank, start, count, &file, &memory) ||
        H5Dwrite(dataset, type, memory, file, H5P_DEFAULT, values) < 0 || h5->write_error)
        status = fc__h5_fail(h5, FC_ERROR_IO, "%s cannot be written", name);
    H5Sclose(file);
    H5Sclose(memory);
    return status;
}
