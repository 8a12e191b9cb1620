/* point_cases.h: what the tests of point observations and of meshes share: the notes that
 * tests/golden/make_points_cases.py and make_points_meshes.py leave on what their files hold.
 */
#ifndef FC_TESTS_POINT_CASES_H
#define FC_TESTS_POINT_CASES_H

#include "io/hdf5/netcdf.h"
#include "tests/io/io_testing.h"

#include <hdf5_hl.h>
#include <math.h>

typedef struct observation {
    double time, at[3], value;
} observation;

typedef struct point_case {
    char name[64], file[64], variable[64];
    size_t dims, frames, sets, count;
    observation *observed; /* (count) */
} point_case;

static inline bool next_case(FILE *notes, point_case *of)
{
    if (fscanf(notes, " case %63s %63s %63s %zu %zu %zu %zu", of->name, of->file, of->variable,
               &of->dims, &of->frames, &of->sets, &of->count) != 7)
        return false;
    of->observed = calloc(of->count, sizeof *of->observed);
    for (size_t i = 0; i < of->count; i++) {
        observation *seen = &of->observed[i];
        assert_int_equal(fscanf(notes, "%lf %lf %lf %lf %lf", &seen->time, &seen->at[0],
                                &seen->at[1], &seen->at[2], &seen->value),
                         5);
    }
    return true;
}

static inline const char *golden(bench *in, const char *file)
{
    snprintf(in->path, sizeof in->path, "%s/%s", FC_TEST_GOLDEN, file);
    return in->path;
}

/* Centres of faces are computed: to a micrometre in metres and degrees of this size. */
static const double PLACE_TOLERANCE = 1e-11;

static inline bool is_same_place(const double *a, const double *b, size_t dims)
{
    bool same = true;
    for (size_t i = 0; i < dims; i++) {
        double turns = i == 0 ? round((a[0] - b[0]) / 360.0) : 0.0; /* around the globe */
        same = same && fabs(a[i] - 360.0 * turns - b[i]) <= PLACE_TOLERANCE * (1.0 + fabs(b[i]));
    }
    return same;
}

/* Takes one observation of that time, place and value off the list: each is found once. */
static inline bool take_observation(point_case *of, double time, const double *at, float value)
{
    for (size_t i = 0; i < of->count; i++) {
        observation *seen = &of->observed[i];
        if (seen->time == time && is_same_place(at, seen->at, of->dims) &&
            (float)seen->value == value) {
            seen->time = NAN;
            return true;
        }
    }
    return false;
}

/* Every observed value of the dataset is one of the case, and none of them is left over. */
static inline void assert_holds(point_case *of, const fc_dataset *dataset)
{
    size_t found = 0;
    assert_int_equal(dataset->channel_count, 1);
    assert_int_equal(dataset->sequence_count, 1);
    assert_int_equal(dataset->domain.dims, of->dims);
    assert_true(dataset->record);
    const fc_sequence *sequence = &dataset->sequences[0];
    if (sequence->frame_count != of->frames)
        fail_msg("%s: %zu frames, %zu are expected", of->name, sequence->frame_count, of->frames);
    if (of->sets && dataset->points_count != of->sets)
        fail_msg("%s: %zu point sets, %zu are expected", of->name, dataset->points_count, of->sets);
    for (size_t f = 0; f < sequence->frame_count; f++) {
        const fc_frame *frame = &sequence->frames[f];
        const fc_points *points = &dataset->points[frame->points];
        for (size_t p = 0; p < points->count; p++) {
            const double *at = points->coordinates + p * of->dims;
            if (isnan(frame->values[p]))
                continue;
            if (!take_observation(of, frame->time, at, frame->values[p]))
                fail_msg("%s: %g at time %g, (%.15g, %.15g) is not expected", of->name,
                         (double)frame->values[p], frame->time, at[0], at[1]);
            found++;
        }
    }
    if (found != of->count)
        fail_msg("%s: %zu values, %zu are expected", of->name, found, of->count);
}

/* Opened and loaded in blocks of three frames, a dataset is the one that is read at once. */
static inline void assert_same_in_blocks(bench *in, const char *path, const fc_read_config *config,
                                         const fc_dataset *whole)
{
    fc_dataset *opened = NULL;
    assert_ok(in, fc_dataset_open(in->context, path, config, &opened));
    size_t frames = opened->sequences[0].frame_count;
    for (size_t f = 0; f < frames; f += 3)
        assert_ok(in, fc_dataset_load(in->context, opened, 0, f, frames - f < 3 ? frames - f : 3));
    assert_same_dataset(whole, opened);
    fc_dataset_destroy(opened);
}

/* All cases of a file of notes; returns how many there are. */
static inline size_t check_cases(bench *in, const char *notes_file)
{
    size_t cases = 0;
    point_case of;
    FILE *notes = fopen(golden(in, notes_file), "r");
    assert_non_null(notes);
    for (; next_case(notes, &of); cases++) {
        fc_dataset *dataset = NULL;
        const fc_read_config config = {.variables = of.variable};
        const char *path = golden(in, of.file);
        if (fc_dataset_read(in->context, path, &config, &dataset) != FC_OK)
            fail_msg("%s: %s", of.name, fc_context_message(in->context));
        assert_holds(&of, dataset);
        assert_same_in_blocks(in, path, &config, dataset);
        fc_dataset_destroy(dataset);
        free(of.observed);
    }
    fclose(notes);
    return cases;
}

static inline fc_dataset *read_golden(bench *in, const char *file, const fc_read_config *config)
{
    fc_dataset *dataset = NULL;
    assert_ok(in, fc_dataset_read(in->context, golden(in, file), config, &dataset));
    return dataset;
}

/* A copy of a golden file in the test's folder, to be damaged. */
static inline const char *copy_golden(bench *in, const char *file)
{
    char block[4096];
    FILE *from = fopen(golden(in, file), "rb"), *to = fopen(in_folder(in, file), "wb");
    assert_true(from && to);
    for (size_t size; (size = fread(block, 1, sizeof block, from)) > 0;)
        assert_int_equal(fwrite(block, 1, size, to), size);
    fclose(from);
    fclose(to);
    return in->path;
}

/* Overwrites element `index` of a variable of any rank. */
static inline void poke(const char *path, const char *variable, size_t index, double value)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, variable, H5P_DEFAULT), space = H5Dget_space(dataset);
    size_t count = (size_t)H5Sget_simple_extent_npoints(space);
    double *values = calloc(count, sizeof *values);
    assert_true(index < count);
    assert_true(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    values[index] = value;
    assert_true(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    free(values);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Fclose(file);
}

/* Replaces a text attribute; NULL deletes it. */
static inline void set_text(const char *path, const char *variable, const char *name,
                            const char *text)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t object = H5Oopen(file, variable, H5P_DEFAULT);
    assert_true(file >= 0 && object >= 0);
    if (H5Aexists(object, name) > 0)
        assert_true(H5Adelete(object, name) >= 0);
    if (text)
        assert_true(H5LTset_attribute_string(file, variable, name, text) >= 0);
    H5Oclose(object);
    H5Fclose(file);
}

/* Reading `variable` of the file must fail with bad data and a message that has all these parts. */
#define assert_refuses(bench_, path_, variable_, ...)                                              \
    do {                                                                                           \
        fc_dataset *none_ = NULL;                                                                  \
        const fc_read_config config_ = {.variables = (variable_)};                                 \
        assert_fails((bench_), FC_ERROR_DATA,                                                      \
                     fc_dataset_read((bench_)->context, (path_), &config_, &none_), __VA_ARGS__);  \
        assert_null(none_);                                                                        \
    } while (0)

/* Reading what a file is said to hold ends with success or an error that says why: the cases that
 * begin with the same three letters as the variable that was changed, or all for `time`. */
static inline void read_cases(bench *in, const char *notes_file, const char *path,
                              const char *changed)
{
    point_case of;
    char notes_path[512];
    snprintf(notes_path, sizeof notes_path, "%s/%s", FC_TEST_GOLDEN, notes_file);
    FILE *notes = fopen(notes_path, "r");
    while (next_case(notes, &of)) {
        fc_dataset *dataset = NULL;
        const fc_read_config config = {.variables = of.variable};
        bool concerned = strncmp(of.name, changed, 3) == 0 || strcmp(changed, "time") == 0;
        if (concerned && strcmp(strrchr(path, '/') + 1, of.file) == 0)
            assert_true(fc_dataset_read(in->context, path, &config, &dataset) == FC_OK ||
                        fc_context_message(in->context)[0]);
        fc_dataset_destroy(dataset);
        free(of.observed);
    }
    fclose(notes);
}

/* The first, a middle and the last value of every variable in turn are something else. (Damage to
 * the structure of the file is for HDF5 to survive, which the version of the day does not always.)
 */
static inline void survive_wrong_values(bench *in, const char *notes_file, const char *file)
{
    static const double wrong[] = {NAN, INFINITY, -1.0, 1e300, 2147483647.0};
    fc__h5 h5;
    fc__nc_inventory inventory;
    assert_ok(in, fc__h5_open(in->context, golden(in, file), &h5));
    assert_ok(in, fc__nc_take_inventory(&h5, true, &inventory));
    for (size_t i = 0; i < inventory.count; i++) {
        const fc__nc_variable *variable = &inventory.variables[i];
        size_t size = 1;
        for (size_t k = 0; k < variable->rank; k++)
            size *= variable->shape[k];
        for (size_t w = 0; variable->number && !variable->dimension_only && w < 5; w++) {
            const char *path = copy_golden(in, file);
            poke(path, variable->name, w % 3 * (size - 1) / 2, wrong[w]);
            read_cases(in, notes_file, path, variable->name);
        }
    }
    fc__nc_release_inventory(&inventory);
    fc__h5_close(&h5);
}

/* Every attribute that names variables or dimensions names others. */
static inline void survive_wrong_names(bench *in, const char *notes_file, const char *file,
                                       const char *const *attributes)
{
    fc__h5 h5;
    fc__nc_inventory inventory;
    assert_ok(in, fc__h5_open(in->context, golden(in, file), &h5));
    assert_ok(in, fc__nc_take_inventory(&h5, true, &inventory));
    for (size_t i = 0; i < inventory.count; i++) {
        for (const char *const *name = attributes; *name; name++) {
            char text[2 * FC__NC_NAME_SIZE + 2];
            const fc__nc_variable *others = inventory.variables;
            if (!fc__h5_has(inventory.variables[i].id, *name))
                continue;
            snprintf(text, sizeof text, "%s %s", others[(i + 5) % inventory.count].name,
                     others[(3 * i + 2) % inventory.count].name);
            for (int words = 0; words < 2; words++) {
                const char *path = copy_golden(in, file);
                set_text(path, inventory.variables[i].name, *name, text);
                read_cases(in, notes_file, path, inventory.variables[i].name);
                text[strcspn(text, " ")] = '\0';
            }
        }
    }
    fc__nc_release_inventory(&inventory);
    fc__h5_close(&h5);
}

static inline void survive_truncation(bench *in, const char *file, const char *variable,
                                      size_t step)
{
    const char *path = copy_golden(in, file);
    const fc_read_config config = {.variables = variable};
    FILE *stream = fopen(path, "rb");
    fseek(stream, 0, SEEK_END);
    off_t size = ftell(stream);
    fclose(stream);
    for (off_t at = size - 1; at > 0; at -= (off_t)step) {
        fc_dataset *dataset = NULL;
        assert_int_equal(truncate(path, at), 0);
        assert_true(fc_dataset_read(in->context, path, &config, &dataset) != FC_OK);
        assert_null(dataset);
    }
}

#endif
