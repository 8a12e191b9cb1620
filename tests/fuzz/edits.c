#include "tests/fuzz/edits.h"

#include <hdf5.h>
#include <hdf5_hl.h>
#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- the bytes as choices */

typedef struct bytes {
    const uint8_t *at, *end;
} bytes;

static size_t choose(bytes *in, size_t count)
{
    return in->at < in->end ? *in->at++ % count : 0;
}

/* Words that the readers look for: names, attributes and their values. */
static const char *const words[] = {
    "units",
    "calendar",
    "axis",
    "coordinates",
    "bounds",
    "standard_name",
    "_FillValue",
    "missing_value",
    "scale_factor",
    "add_offset",
    "valid_range",
    "valid_min",
    "_Unsigned",
    "featureType",
    "cf_role",
    "sample_dimension",
    "instance_dimension",
    "grid_mapping",
    "grid_mapping_name",
    "mesh",
    "location",
    "start_index",
    "face_node_connectivity",
    "node_coordinates",
    "face_coordinates",
    "topology_dimension",
    "face_dimension",
    "field_names",
    "dim_varying",
    "sample_varying",
    "time_varying",
    "spatial_dims",
    "grid_type",
    "bc_type",
    "fieldcast_format",
    "fieldcast_layout",
    "fieldcast_axis",
    "fieldcast_axis_number",
    "DIMENSION_LIST",
    "CLASS",
    "NAME",
    "time",
    "lat",
    "lon",
    "x",
    "y",
    "t",
    "tensor",
    "x-coordinate",
    "t-coordinate",
    "data",
    "grid",
    "tasks",
    "height",
    "days since 2000-01-01",
    "months since 1-1-1",
    "seconds since 1970-01-01 00:00:00 +99:99",
    "degrees_north",
    "degrees_east",
    "noleap",
    "360_day",
    "T",
    "X",
    "Y",
    "Z",
    "timeSeries",
    "trajectory",
    "point",
    "timeseries_id",
    "trajectory_id",
    "mesh_topology",
    "rotated_latitude_longitude",
    "node",
    "face",
    "lat lon",
    "longitude",
    "latitude",
    "x y",
    "cartesian",
    "spherical",
    "PERIODIC",
    "ragged",
    "points",
    "periodic",
    "",
    " ",
    "../..",
    "1",
    "-1",
    "a,b",
};

static const char *choose_word(bytes *in)
{
    return words[choose(in, sizeof words / sizeof *words)];
}

static double choose_number(bytes *in)
{
    static const double numbers[] = {0.0,        1.0,   -1.0,   2.0,   3.0,        0.5,
                                     1e-300,     1e300, 1e20,   -1e20, 2147483647, 4294967296.0,
                                     9.96921e36, 255.0, -32768, 90.0,  360.0,      1e9};
    size_t count = sizeof numbers / sizeof *numbers, k = choose(in, count + 3);
    return k < count ? numbers[k] : k == count ? NAN : k == count + 1 ? INFINITY : -INFINITY;
}

static hid_t choose_type(bytes *in)
{
    const hid_t types[] = {H5T_STD_I8LE,   H5T_STD_I32LE,  H5T_STD_I64LE,  H5T_STD_U16BE,
                           H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_IEEE_F64BE, H5T_STD_REF_OBJ};
    return types[choose(in, sizeof types / sizeof *types)];
}

/* ---------------------------------------------------------------- what there is to change */

enum { MOST_OBJECTS = 96, NAME_SIZE = 256 };

typedef struct object_list {
    size_t count;
    char name[MOST_OBJECTS][NAME_SIZE];
} object_list;

static herr_t list_object(hid_t root, const char *name, const H5O_info_t *info, void *user)
{
    object_list *list = user;
    (void)root;
    (void)info;
    if (list->count < MOST_OBJECTS && strlen(name) < NAME_SIZE)
        strcpy(list->name[list->count++], name);
    return 0;
}

/* Name of one of the attributes of an object; false when it has none. */
static int choose_attribute(bytes *in, hid_t object, char name[NAME_SIZE])
{
    int count = H5Aget_num_attrs(object);
    size_t k = choose(in, count > 0 ? (size_t)count : 1);
    if (count <= 0)
        return 0;
    hid_t attribute =
        H5Aopen_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, k, H5P_DEFAULT, H5P_DEFAULT);
    int found = attribute >= 0 && H5Aget_name(attribute, NAME_SIZE, name) > 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    return found;
}

/* ---------------------------------------------------------------- changes */

static void put_attribute(hid_t object, const char *name, hid_t type, hid_t space,
                          const void *value)
{
    if (H5Aexists(object, name) > 0)
        H5Adelete(object, name);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0 && value)
        H5Awrite(attribute, type, value);
    H5Aclose(attribute);
}

/* Text that may lack its end, of fixed or of variable length. */
static void put_text(bytes *in, hid_t object, const char *name)
{
    static char endless[4096];
    const char *text = choose_word(in);
    size_t kind = choose(in, 4);
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    if (kind == 0) {
        H5Tset_size(type, H5T_VARIABLE);
        put_attribute(object, name, type, space, &text);
    } else if (kind == 1) { /* no room for its end */
        H5Tset_size(type, strlen(text) ? strlen(text) : 1);
        H5Tset_strpad(type, H5T_STR_NULLPAD);
        put_attribute(object, name, type, space, text);
    } else if (kind == 2) {
        memset(endless, 'd', sizeof endless);
        H5Tset_size(type, sizeof endless);
        put_attribute(object, name, type, space, endless);
    } else {
        H5Tset_size(type, strlen(text) + 1);
        put_attribute(object, name, type, space, text);
    }
    H5Tclose(type);
    H5Sclose(space);
}

static void put_number(bytes *in, hid_t object, const char *name)
{
    double values[3] = {choose_number(in), choose_number(in), choose_number(in)};
    hsize_t count = choose(in, 4);
    hid_t space = count ? H5Screate_simple(1, &count, NULL) : H5Screate(H5S_SCALAR);
    if (choose(in, 8) == 7) {
        hid_t empty = H5Screate(H5S_NULL);
        put_attribute(object, name, H5T_IEEE_F64LE, empty, NULL);
        H5Sclose(empty);
    } else if (choose(in, 2)) {
        put_attribute(object, name, H5T_NATIVE_DOUBLE, space, values);
    } else {
        int32_t whole[3];
        for (int i = 0; i < 3; i++)
            whole[i] = fabs(values[i]) < 2e9 ? (int32_t)values[i] : INT32_MIN;
        put_attribute(object, name, H5T_NATIVE_INT32, space, whole);
    }
    H5Sclose(space);
}

/* An array of another type and shape; huge ones have no room in the file. */
static void make_array(bytes *in, hid_t file, const char *name)
{
    static const hsize_t lengths[] = {0, 1, 2, 3, 4, 5, 8, 17, 1u << 20, (hsize_t)1 << 40};
    hsize_t extent[4], chunk[4] = {1, 1, 1, 1}, total = 1;
    int rank = (int)choose(in, 5);
    for (int i = 0; i < rank; i++) {
        extent[i] = lengths[choose(in, sizeof lengths / sizeof *lengths)];
        total = extent[i] && total > UINT64_MAX / extent[i] ? UINT64_MAX : total * extent[i];
    }
    if (H5Lexists(file, name, H5P_DEFAULT) > 0)
        H5Ldelete(file, name, H5P_DEFAULT);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), space;
    space = rank ? H5Screate_simple(rank, extent, NULL) : H5Screate(H5S_SCALAR);
    if (rank && (total > 4096 || choose(in, 2))) {
        H5Pset_chunk(creation, rank, chunk);
        if (choose(in, 2))
            H5Pset_deflate(creation, 1);
    }
    hid_t made = H5Dcreate2(file, name, choose_type(in), space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Dclose(made);
    H5Sclose(space);
    H5Pclose(creation);
}

static void write_number(bytes *in, hid_t file, const char *name)
{
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    hid_t space = H5Dget_space(dataset), one = H5Screate(H5S_SCALAR);
    hssize_t count = H5Sget_simple_extent_npoints(space);
    int rank = H5Sget_simple_extent_ndims(space);
    double value = choose_number(in);
    if (count > 0 && rank > 0 && rank <= H5S_MAX_RANK) {
        hsize_t extent[H5S_MAX_RANK], place[H5S_MAX_RANK];
        H5Sget_simple_extent_dims(space, extent, NULL);
        for (int i = 0; i < rank; i++)
            place[i] = choose(in, extent[i] < 255 ? (size_t)extent[i] : 255);
        H5Sselect_elements(space, H5S_SELECT_SET, 1, place);
    }
    H5Dwrite(dataset, H5T_NATIVE_DOUBLE, one, space, H5P_DEFAULT, &value);
    H5Sclose(one);
    H5Sclose(space);
    H5Dclose(dataset);
}

static void change_links(bytes *in, hid_t file, const char *name)
{
    const char *other = choose_word(in);
    if (!other[0] || strchr(other, '/'))
        other = "other";
    switch (choose(in, 4)) {
    case 0:
        H5Ldelete(file, name, H5P_DEFAULT);
        break;
    case 1:
        H5Lmove(file, name, file, other, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 2:
        H5Lcreate_soft("/", file, other, H5P_DEFAULT, H5P_DEFAULT);
        break;
    default:
        H5Lcreate_hard(file, "/", file, other, H5P_DEFAULT, H5P_DEFAULT);
        break;
    }
}

/* Whether an attribute is absent or of its class: HDF5 itself trusts those of scales. */
static int is_sound(hid_t object, const char *name, H5T_class_t class)
{
    if (H5Aexists(object, name) <= 0)
        return 1;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    int sound = H5Tget_class(type) == class;
    H5Tclose(type);
    H5Aclose(attribute);
    return sound;
}

static void change_scales(bytes *in, hid_t file, const char *name, const char *other)
{
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), scale = H5Dopen2(file, other, H5P_DEFAULT);
    unsigned axis = (unsigned)choose(in, 4);
    if (dataset >= 0 && scale >= 0 && is_sound(dataset, "DIMENSION_LIST", H5T_VLEN) &&
        is_sound(scale, "REFERENCE_LIST", H5T_COMPOUND)) {
        if (choose(in, 2))
            H5DSattach_scale(dataset, scale, axis);
        else
            H5DSdetach_scale(dataset, scale, axis);
    }
    H5Dclose(scale);
    H5Dclose(dataset);
}

static void change(bytes *in, hid_t file, const object_list *list)
{
    char attribute[NAME_SIZE];
    const char *name = list->name[choose(in, list->count)];
    size_t kind = choose(in, 8);
    hid_t object = H5Oopen(file, name, H5P_DEFAULT);
    if (kind <= 1 && object >= 0 && choose_attribute(in, object, attribute))
        H5Adelete(object, attribute);
    else if (kind == 2 && object >= 0 && choose_attribute(in, object, attribute))
        put_text(in, object, attribute);
    else if (kind == 3 && object >= 0 && choose_attribute(in, object, attribute))
        put_number(in, object, attribute);
    else if (kind == 4 && object >= 0)
        put_text(in, object, choose_word(in));
    if (object >= 0)
        H5Oclose(object);
    if (kind == 5)
        make_array(in, file, name);
    else if (kind == 6)
        write_number(in, file, name);
    else if (kind == 7 && choose(in, 2))
        change_links(in, file, name);
    else if (kind == 7)
        change_scales(in, file, name, list->name[choose(in, list->count)]);
}

void fuzz_edit_file(const char *path, const uint8_t *data, size_t size)
{
    enum { MOST_CHANGES = 12 };
    static object_list list;
    bytes in = {data, data + size};
    H5E_auto2_t print;
    void *print_data;
    H5Eget_auto2(H5E_DEFAULT, &print, &print_data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    list.count = 0;
    H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, list_object, &list);
    for (int i = 0; i < MOST_CHANGES && in.at < in.end && list.count; i++)
        change(&in, file, &list);
    H5Fclose(file);
    H5Eset_auto2(H5E_DEFAULT, print, print_data);
}
