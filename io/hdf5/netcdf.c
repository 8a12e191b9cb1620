#include "io/hdf5/netcdf.h"

#include <hdf5_hl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char DIMENSION_ONLY[] = "This is a netCDF dimension but not a netCDF variable.";
/* What netCDF puts before the name of a variable that is no coordinate of the dimension of its
 * name. */
static const char NOT_COORDINATE[] = "_nc4_non_coord_";

/* ---------------------------------------------------------------- writing */

static hid_t creation_properties(void)
{
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    fc__h5_set_dataset_properties(creation);
    return creation;
}

/* Makes a data set a dimension scale, in the order of creation. */
static fc_status make_scale(fc__h5 *h5, const char *name, const char *label, int *next, hid_t scale)
{
    if (scale < 0 || H5DSset_scale(scale, label) < 0)
        return fc__h5_fail(h5, FC_ERROR_IO, "dimension %s cannot be written", name);
    int number = (*next)++;
    return fc__h5_put(h5, scale, "_Netcdf4Dimid", H5T_NATIVE_INT, 1, &number);
}

fc_status fc__nc_make_dimension(fc__h5 *h5, const char *name, size_t size, int *next, hid_t *scale)
{
    char label[sizeof DIMENSION_ONLY + 24];
    hsize_t extent = size;
    hid_t space = H5Screate_simple(1, &extent, NULL), creation = creation_properties();
    *scale = H5Dcreate2(h5->file, name, H5T_IEEE_F32BE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    snprintf(label, sizeof label, "%s%10zu", DIMENSION_ONLY, size);
    fc_status status = make_scale(h5, name, label, next, *scale);
    H5Pclose(creation);
    H5Sclose(space);
    return status;
}

fc_status fc__nc_make_coordinate(fc__h5 *h5, const char *name, size_t size, const double *values,
                                 int *next, hid_t *scale)
{
    fc_status status = FC_OK;
    *scale = H5I_INVALID_HID;
    FC_TRY(fc__h5_write_array(h5, h5->file, name, H5T_NATIVE_DOUBLE, 1, &size, values));
    *scale = H5Dopen2(h5->file, name, H5P_DEFAULT);
    FC_TRY(make_scale(h5, name, name, next, *scale));
done:
    return status;
}

/* Attaches the scales to the axes of a variable. */
static bool attach(hid_t variable, size_t rank, const hid_t *scales)
{
    for (size_t i = 0; i < rank; i++)
        if (H5DSattach_scale(variable, scales[i], (unsigned)i) < 0)
            return false;
    return true;
}

fc_status fc__nc_make_variable(fc__h5 *h5, const char *name, hid_t type, size_t rank,
                               const hid_t *scales, const size_t *chunk, hid_t *variable)
{
    fc_status status = FC_OK;
    const float missing = NAN;
    hsize_t extent[FC__MAX_RANK], piece[FC__MAX_RANK];
    hid_t creation = creation_properties(), stored = H5Tcopy(type);
    bool is_float = H5Tequal(type, H5T_NATIVE_FLOAT) > 0;
    for (size_t i = 0; i < rank; i++) {
        hid_t axis = H5Dget_space(scales[i]);
        H5Sget_simple_extent_dims(axis, &extent[i], NULL);
        H5Sclose(axis);
        piece[i] = chunk ? chunk[i] : 1;
    }
    hid_t space = H5Screate_simple((int)rank, extent, NULL);
    H5Tset_order(stored, H5T_ORDER_LE);
    if (chunk) {
        H5Pset_chunk(creation, (int)rank, piece);
        H5Pset_shuffle(creation);
        H5Pset_deflate(creation, 1);
    }
    if (is_float)
        H5Pset_fill_value(creation, H5T_NATIVE_FLOAT, &missing);
    *variable = H5Dcreate2(h5->file, name, stored, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (*variable < 0 || !attach(*variable, rank, scales))
        status = fc__h5_fail(h5, FC_ERROR_IO, "variable %s cannot be written", name);
    else if (is_float)
        status = fc__h5_put(h5, *variable, "_FillValue", H5T_NATIVE_FLOAT, 1, &missing);
    H5Sclose(space);
    H5Tclose(stored);
    H5Pclose(creation);
    return status;
}

/* ---------------------------------------------------------------- reading */

static herr_t collect_link(hid_t group, const char *name, const H5L_info_t *info, void *data)
{
    enum { MOST_VARIABLES = 1 << 16 };
    fc__nc_links *links = data;
    (void)group;
    if (info->type != H5L_TYPE_HARD || strlen(name) >= FC__NC_NAME_SIZE)
        return 0;
    if (links->count == MOST_VARIABLES)
        return 1;
    if (links->count == links->room) {
        size_t room = links->room ? 2 * links->room : 64;
        void *larger = realloc(links->names, room * sizeof *links->names);
        if (!larger)
            return -1;
        links->names = larger;
        links->room = room;
    }
    memcpy(links->names[links->count++], name, strlen(name) + 1);
    return 0;
}

fc_status fc__nc_list_links(fc__h5 *h5, hid_t parent, fc__nc_links *links)
{
    hsize_t index = 0;
    unsigned order = 0;
    hid_t group = H5Gopen2(parent, ".", H5P_DEFAULT), creation = H5Gget_create_plist(group);
    *links = (fc__nc_links){0};
    H5Pget_link_creation_order(creation, &order);
    H5Pclose(creation);
    H5Gclose(group);
    H5_index_t by = (order & H5P_CRT_ORDER_TRACKED) ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
    if (H5Literate(parent, by, H5_ITER_INC, &index, collect_link, links) < 0)
        return fc__h5_fail(h5, FC_ERROR_DATA, "its list of variables cannot be read");
    return FC_OK;
}

/* Scales of a variable's axes as its attribute DIMENSION_LIST has them, if it is one: HDF5's own
 * look-up trusts it. */
typedef struct dimension_list {
    hid_t type, space;
    hvl_t list[FC__MAX_RANK];
} dimension_list;

static bool open_dimension_list(hid_t variable, size_t rank, dimension_list *scales)
{
    *scales = (dimension_list){.type = H5I_INVALID_HID, .space = H5I_INVALID_HID};
    if (!fc__h5_has(variable, "DIMENSION_LIST"))
        return false;
    hid_t attribute = H5Aopen(variable, "DIMENSION_LIST", H5P_DEFAULT);
    hid_t stored = H5Aget_type(attribute);
    scales->space = H5Aget_space(attribute);
    scales->type = H5Tvlen_create(H5T_STD_REF_OBJ);
    bool usable = H5Tget_class(stored) == H5T_VLEN && H5Tdetect_class(stored, H5T_REFERENCE) > 0 &&
                  H5Sget_simple_extent_npoints(scales->space) == (hssize_t)rank &&
                  H5Aread(attribute, scales->type, scales->list) >= 0;
    H5Tclose(stored);
    H5Aclose(attribute);
    return usable;
}

static void close_dimension_list(dimension_list *scales, bool usable)
{
    if (usable)
        H5Dvlen_reclaim(scales->type, scales->space, H5P_DEFAULT, scales->list);
    if (scales->type >= 0)
        H5Tclose(scales->type);
    if (scales->space >= 0)
        H5Sclose(scales->space);
}

/* Path of the first scale of an axis, "" when it has none. */
static void path_of_scale(hid_t variable, const hvl_t *references, char path[FC__NC_PATH_SIZE])
{
    path[0] = '\0';
    if (references->len == 0)
        return;
    hid_t scale = H5Rdereference2(variable, H5P_DEFAULT, H5R_OBJECT, references->p);
    if (scale < 0)
        return;
    H5Iget_name(scale, path, FC__NC_PATH_SIZE);
    H5Oclose(scale);
}

void fc__nc_scale_path(hid_t variable, size_t rank, size_t axis, char path[FC__NC_PATH_SIZE])
{
    dimension_list scales;
    bool usable = open_dimension_list(variable, rank, &scales);
    path[0] = '\0';
    if (usable)
        path_of_scale(variable, &scales.list[axis], path);
    close_dimension_list(&scales, usable);
}

/* Names the axes by the first scale attached to each. */
static void read_dimension_list(fc__nc_variable *variable)
{
    char path[FC__NC_PATH_SIZE];
    dimension_list scales;
    bool usable = open_dimension_list(variable->id, variable->rank, &scales);
    for (size_t i = 0; usable && i < variable->rank; i++) {
        path_of_scale(variable->id, &scales.list[i], path);
        const char *slash = strrchr(path, '/');
        snprintf(variable->dimension[i], FC__NC_NAME_SIZE, "%s", slash ? slash + 1 : path);
    }
    close_dimension_list(&scales, usable);
}

/* Opens what is a data set; *id < 0 and FC_OK for a group or a type. */
static fc_status open_variable(fc__h5 *h5, const char *name, hid_t *id)
{
    hid_t object = H5Oopen(h5->file, name, H5P_DEFAULT);
    *id = H5I_INVALID_HID;
    if (object < 0)
        return fc__h5_fail(h5, FC_ERROR_DATA, "%s is damaged", name);
    fc_status status = fc__h5_check_attributes(h5, object, name);
    if (status != FC_OK)
        return status;
    if (H5Iget_type(object) == H5I_DATASET)
        *id = object;
    else
        H5Oclose(object);
    return FC_OK;
}

/* false when the variable is of no use here. */
static bool describe(hid_t id, const char *name, bool dimensions, fc__nc_variable *variable)
{
    char label[sizeof DIMENSION_ONLY] = "";
    hsize_t extent[H5S_MAX_RANK];
    *variable = (fc__nc_variable){.id = id};
    bool renamed = strncmp(name, NOT_COORDINATE, sizeof NOT_COORDINATE - 1) == 0;
    snprintf(variable->name, sizeof variable->name, "%s",
             renamed ? name + sizeof NOT_COORDINATE - 1 : name);
    hid_t space = H5Dget_space(id), type = H5Dget_type(id);
    int rank = H5Sget_simple_extent_dims(space, extent, NULL);
    H5T_class_t class = H5Tget_class(type);
    H5Tclose(type);
    H5Sclose(space);
    if (rank < 0 || rank > FC__MAX_RANK)
        return false;
    variable->rank = (size_t)rank;
    variable->number = class == H5T_INTEGER || class == H5T_FLOAT;
    for (int i = 0; i < rank; i++)
        variable->shape[i] = (size_t)extent[i];
    if (H5DSis_scale(id) > 0) {
        fc__h5_get_text(id, "NAME", label, sizeof label);
        variable->dimension_only = strcmp(label, DIMENSION_ONLY) == 0;
        if (rank == 1)
            snprintf(variable->dimension[0], FC__NC_NAME_SIZE, "%s", name);
    } else if (dimensions) {
        read_dimension_list(variable);
    }
    return true;
}

/* Marks the variables that `by` lists in an attribute. */
static void mark_named(fc__nc_inventory *inventory, const fc__nc_variable *by,
                       const char *attribute, fc__nc_role role)
{
    char list[FC__TEXT_SIZE], *rest = NULL;
    if (!fc__h5_get_text(by->id, attribute, list, sizeof list))
        return;
    for (char *word = strtok_r(list, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        for (size_t i = 0; i < inventory->count; i++) {
            fc__nc_variable *variable = &inventory->variables[i];
            if (variable != by && strcmp(variable->name, word) == 0)
                variable->roles |= role;
        }
    }
}

static void mark_roles(fc__nc_inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const fc__nc_variable *by = &inventory->variables[i];
        mark_named(inventory, by, "coordinates", FC__NC_COORDINATE);
        mark_named(inventory, by, "bounds", FC__NC_BOUNDS);
        mark_named(inventory, by, "climatology", FC__NC_BOUNDS);
        mark_named(inventory, by, "ancillary_variables", FC__NC_ANCILLARY);
    }
}

fc_status fc__nc_take_inventory(fc__h5 *h5, bool dimensions, fc__nc_inventory *inventory)
{
    fc_status status = FC_OK;
    fc__nc_links links = {0};
    *inventory = (fc__nc_inventory){0};
    FC_TRY(fc__nc_list_links(h5, h5->file, &links));
    FC_NEW(h5->context, &inventory->variables, links.count);
    for (size_t i = 0; i < links.count; i++) {
        hid_t id;
        FC_TRY(open_variable(h5, links.names[i], &id));
        if (id < 0)
            continue;
        if (describe(id, links.names[i], dimensions, &inventory->variables[inventory->count]))
            inventory->count++;
        else
            H5Dclose(id);
    }
    if (dimensions)
        mark_roles(inventory);
done:
    free(links.names);
    return status;
}

void fc__nc_release_inventory(fc__nc_inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++)
        H5Dclose(inventory->variables[i].id);
    free(inventory->variables);
}

static void append(char *text, size_t size, const char *more)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s", more);
}

/* "PATH(LENGTH, LENGTH)" */
static void list_dataset(hid_t dataset, const char *path, char *text, size_t size)
{
    char length[32];
    hsize_t extent[H5S_MAX_RANK];
    hid_t space = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_dims(space, extent, NULL);
    H5Sclose(space);
    append(text, size, text[0] ? ", " : "");
    append(text, size, path);
    for (int i = 0; i < rank; i++) {
        snprintf(length, sizeof length, "%s%llu", i ? ", " : "(", (unsigned long long)extent[i]);
        append(text, size, length);
    }
    append(text, size, rank > 0 ? ")" : "");
}

/* Groups may hold each other: `levels` bounds how deep they are followed. */
static void list_group(fc__h5 *h5, hid_t group, const char *path, int levels, char *text,
                       size_t size)
{
    fc__nc_links links;
    fc_status status = fc__nc_list_links(h5, group, &links);
    for (size_t i = 0; status == FC_OK && i < links.count && strlen(text) + 1 < size; i++) {
        char name[2 * FC__NC_NAME_SIZE];
        hid_t object = H5Oopen(group, links.names[i], H5P_DEFAULT);
        snprintf(name, sizeof name, "%s%s%s", path, path[0] ? "/" : "", links.names[i]);
        if (object >= 0 && H5Iget_type(object) == H5I_DATASET)
            list_dataset(object, name, text, size);
        else if (object >= 0 && H5Iget_type(object) == H5I_GROUP && levels > 1)
            list_group(h5, object, name, levels - 1, text, size);
        H5Oclose(object);
    }
    free(links.names);
}

void fc__nc_list_groups(fc__h5 *h5, char *text, size_t size)
{
    enum { LEVELS = 3 };
    text[0] = '\0';
    list_group(h5, h5->file, "", LEVELS, text, size);
    if (text[0] == '\0')
        append(text, size, "none");
}

const fc__nc_variable *fc__nc_find(const fc__nc_inventory *inventory, const char *name)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const fc__nc_variable *variable = &inventory->variables[i];
        if (!variable->dimension_only && strcmp(variable->name, name) == 0)
            return variable;
    }
    return NULL;
}

const fc__nc_variable *fc__nc_find_coordinate(const fc__nc_inventory *inventory,
                                              const char *dimension)
{
    const fc__nc_variable *found = fc__nc_find(inventory, dimension);
    return found && found->rank == 1 && found->number && strcmp(found->dimension[0], dimension) == 0
               ? found
               : NULL;
}

bool fc__nc_lists(const char *list, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = list; size && (at = strstr(at, word)); at += size) {
        bool starts = at == list || at[-1] == ' ';
        if (starts && (at[size] == '\0' || at[size] == ' '))
            return true;
    }
    return false;
}
