/* The life of a file: what cannot be opened is told apart, and what is written appears whole or not
 * at all. */
#include "inr/support.h"
#include "io/hdf5/hdf5_file.h"
#include "tests/io/io_testing.h"

#include <math.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void put_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static fc_dataset *small_dataset(bench *in, size_t points, float value)
{
    fc_domain domain = {.dims = 1};
    fc_dataset *dataset;
    fc_sequence *sequence;
    size_t index;
    const double time = 0.0;
    double *x = calloc(points, sizeof *x);
    domain.axis[0] = (fc_axis){FC_AXIS_PLAIN, 0.0, (double)points, "x", "m"};
    for (size_t p = 0; p < points; p++)
        x[p] = (double)p;
    assert_ok(in, fc_dataset_create(in->context, &domain, 1, &dataset));
    fc__copy_name(dataset->channels[0].name, "w");
    assert_ok(in, fc_dataset_add_points(in->context, dataset, points, x, NULL, &index));
    assert_ok(in, fc_dataset_add_sequence(in->context, dataset, 1, &time, NULL, &sequence));
    for (size_t p = 0; p < points; p++)
        sequence->frames[0].values[p] = value;
    free(x);
    return dataset;
}

static void write_small(bench *in, const char *path, float value)
{
    fc_dataset *dataset = small_dataset(in, 3, value);
    assert_ok(in, fc_dataset_write(in->context, path, dataset, NULL));
    fc_dataset_destroy(dataset);
}

/* The file is whole and holds this value. */
static void assert_holds(bench *in, const char *path, float value)
{
    fc_dataset *dataset;
    assert_ok(in, fc_dataset_read(in->context, path, NULL, &dataset));
    assert_true(dataset->sequences[0].frames[0].values[2] == value);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- reading */

static void files_that_cannot_be_read_are_told_apart(void **state)
{
    bench *in = *state;
    fc_dataset *dataset;
    fc_model *model;
    bool has_state;
    const char *path = in_folder(in, "missing.nc");
    assert_fails(in, FC_ERROR_IO, fc_dataset_read(in->context, path, NULL, &dataset), path,
                 "No such file");
    assert_fails(in, FC_ERROR_IO, fc_model_read(in->context, path, &model, NULL, &has_state), path,
                 "No such file");
    assert_fails(in, FC_ERROR_IO, fc_dataset_read(in->context, in->folder, NULL, &dataset),
                 in->folder, "directory");
    assert_fails(in, FC_ERROR_IO, fc_dataset_read(in->context, "/dev/null", NULL, &dataset),
                 "regular");
    path = in_folder(in, "file.nc");
    put_bytes(path, "", 0);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &dataset), path,
                 "empty");
    put_bytes(path, "time,value\n1,2\n", 15);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &dataset), path,
                 "not an HDF5 file");
    assert_null(dataset);
}

static void netcdf3_is_named_with_its_conversion(void **state)
{
    static const char *const magics[] = {"CDF\001....", "CDF\002....", "CDF\005...."};
    bench *in = *state;
    fc_dataset *dataset;
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        const char *path = in_folder(in, "old.nc");
        put_bytes(path, magics[i], 8);
        assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &dataset), path,
                     "netCDF-3", "nccopy -k nc4 in.nc out.nc");
    }
}

static void truncated_files_are_refused(void **state)
{
    bench *in = *state;
    fc_dataset *dataset;
    const char *path = in_folder(in, "cut.nc");
    struct stat whole;
    write_small(in, path, 1.0f);
    assert_int_equal(stat(path, &whole), 0);
    for (off_t size = whole.st_size - 1; size > 8; size /= 2) {
        assert_int_equal(truncate(path, size), 0);
        assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &dataset), path,
                     "truncated or damaged");
    }
}

static void hdf5_prints_again_when_a_file_is_closed(void **state)
{
    bench *in = *state;
    fc__h5 h5;
    H5E_auto2_t before, inside, after;
    void *data;
    const char *path = in_folder(in, "data.nc");
    write_small(in, path, 1.0f);
    H5Eget_auto2(H5E_DEFAULT, &before, &data);
    assert_ok(in, fc__h5_open(in->context, path, &h5));
    H5Eget_auto2(H5E_DEFAULT, &inside, &data);
    fc__h5_close(&h5);
    H5Eget_auto2(H5E_DEFAULT, &after, &data);
    assert_null(inside);
    assert_non_null(after);
    assert_ptr_equal(before, after);
}

/* ---------------------------------------------------------------- writing */

static void places_that_cannot_be_written_are_named(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = small_dataset(in, 3, 1.0f);
    const char *path = in_folder(in, "no/such/folder/data.nc");
    assert_fails(in, FC_ERROR_IO, fc_dataset_write(in->context, path, dataset, NULL), path,
                 "No such file");
    assert_fails(in, FC_ERROR_IO, fc_dataset_write(in->context, in->folder, dataset, NULL),
                 in->folder, "not a regular file");
    assert_fails(in, FC_ERROR_IO, fc_dataset_write(in->context, "/dev/null", dataset, NULL),
                 "/dev/null", "not a regular file");
    assert_int_equal(count_files(in), 0);
    fc_dataset_destroy(dataset);
}

/* Rows longer and shorter than a piece that is compressed at a time. */
static void large_matrices_are_compressed_and_come_back(void **state)
{
    const size_t shapes[][3] = {{400, 300, 1}, {2, 80000, 1}, {3, 200, 200}};
    bench *in = *state;
    const char *path = in_folder(in, "matrix.h5");
    for (size_t i = 0; i < 3; i++) {
        size_t count = shapes[i][0] * shapes[i][1] * shapes[i][2], rank = i < 2 ? 2 : 3;
        double *written = calloc(count, sizeof *written), *read = NULL;
        struct stat file;
        fc__h5 h5;
        for (size_t k = 0; k < count; k += 301) /* mostly zeros */
            written[k] = 1.0 / (double)(k + 1);
        assert_ok(in, fc__h5_create(in->context, path, &h5));
        assert_ok(
            in, fc__h5_write_array(&h5, h5.file, "x", H5T_NATIVE_DOUBLE, rank, shapes[i], written));
        assert_ok(in, fc__h5_commit(&h5));
        fc__h5_close(&h5);
        assert_int_equal(stat(path, &file), 0);
        assert_true((size_t)file.st_size < count * sizeof *written / 10);
        assert_ok(in, fc__h5_open(in->context, path, &h5));
        assert_ok(in,
                  fc__h5_load_array(&h5, h5.file, "x", H5T_NATIVE_DOUBLE, rank, shapes[i], &read));
        assert_memory_equal(written, read, count * sizeof *read);
        fc__h5_close(&h5);
        free(written);
        free(read);
    }
}

static void the_old_file_survives_a_writer_that_gives_up(void **state)
{
    bench *in = *state;
    fc__h5 h5;
    const double number = 1.0;
    const char *path = in_folder(in, "data.nc");
    write_small(in, path, 7.0f);
    assert_ok(in, fc__h5_create(in->context, path, &h5));
    assert_ok(in, fc__h5_write_array(&h5, h5.file, "x", H5T_NATIVE_DOUBLE, 0, NULL, &number));
    assert_int_equal(count_files(in), 2);
    fc__h5_close(&h5);
    assert_int_equal(count_files(in), 1);
    assert_holds(in, path, 7.0f);
}

/* A process is killed after it has written everything and before it has renamed the file. */
static void the_old_file_survives_a_killed_writer(void **state)
{
    bench *in = *state;
    int how;
    const char *path = in_folder(in, "data.nc");
    write_small(in, path, 7.0f);
    pid_t child = fork();
    if (child == 0) {
        fc__h5 h5;
        const double number = 1.0;
        if (fc__h5_create(in->context, path, &h5) == FC_OK &&
            fc__h5_write_array(&h5, h5.file, "x", H5T_NATIVE_DOUBLE, 0, NULL, &number) == FC_OK &&
            H5Fflush(h5.file, H5F_SCOPE_GLOBAL) >= 0)
            raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
    assert_holds(in, path, 7.0f);
    assert_int_equal(count_files(in), 2); /* what it left does not stand in the way */
    write_small(in, path, 8.0f);
    assert_holds(in, path, 8.0f);
}

static void a_rename_that_fails_leaves_nothing_behind(void **state)
{
    bench *in = *state;
    fc__h5 h5;
    const char *path = in_folder(in, "data.nc");
    assert_ok(in, fc__h5_create(in->context, path, &h5));
    assert_int_equal(mkdir(path, 0700), 0);
    assert_fails(in, FC_ERROR_IO, fc__h5_commit(&h5), path, "cannot be written", "directory");
    fc__h5_close(&h5);
    assert_int_equal(count_files(in), 1);
    rmdir(path);
}

static void links_and_permissions_are_kept(void **state)
{
    bench *in = *state;
    struct stat found;
    char path[128], link_path[128];
    memcpy(path, in_folder(in, "data.nc"), sizeof path);
    memcpy(link_path, in_folder(in, "latest.nc"), sizeof link_path);
    write_small(in, path, 1.0f);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(symlink("data.nc", link_path), 0);
    write_small(in, link_path, 2.0f);
    assert_holds(in, path, 2.0f);
    assert_int_equal(lstat(link_path, &found), 0);
    assert_true(S_ISLNK(found.st_mode));
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
}

/* ---------------------------------------------------------------- no room */

/* Writes must stop at any size of file, the old file must stay and the program must live on and end
 * well, which HDF5 by itself does not manage. */
static void a_limit_on_the_size_of_files_is_an_io_error(void **state)
{
    static const rlim_t limits[] = {0, 100, 3000, 100000, 300000};
    bench *in = *state;
    int how;
    const char *path = in_folder(in, "data.nc");
    write_small(in, path, 7.0f);
    pid_t child = fork();
    if (child == 0) {
        fc_dataset *large = small_dataset(in, 100000, 1.0f);
        signal(SIGXFSZ, SIG_IGN);
        for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
            struct rlimit limit;
            getrlimit(RLIMIT_FSIZE, &limit);
            limit.rlim_cur = limits[i];
            setrlimit(RLIMIT_FSIZE, &limit);
            if (fc_dataset_write(in->context, path, large, NULL) != FC_ERROR_IO ||
                !strstr(fc_context_message(in->context), "File too large"))
                _exit(1);
        }
        fc_dataset_destroy(large);
        exit(count_files(in) == 1 ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    assert_holds(in, path, 7.0f);
}

static void a_full_disk_is_an_io_error(void **state)
{
    bench *in = *state;
    char path[160];
    if (mount("none", in->folder, "tmpfs", 0, "size=256k") != 0)
        skip(); /* only the superuser has a disk to fill */
    fc_dataset *large = small_dataset(in, 100000, 1.0f);
    snprintf(path, sizeof path, "%s/data.nc", in->folder);
    write_small(in, path, 7.0f);
    fc_status status = fc_dataset_write(in->context, path, large, NULL);
    int files = count_files(in);
    assert_holds(in, path, 7.0f);
    fc_dataset_destroy(large);
    unlink(path);
    umount(in->folder);
    assert_int_equal(status, FC_ERROR_IO);
    assert_non_null(strstr(fc_context_message(in->context), "No space left on device"));
    assert_int_equal(files, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        /* before any damaged file, after which HDF5 stays silent */
        TEST(hdf5_prints_again_when_a_file_is_closed),
        TEST(files_that_cannot_be_read_are_told_apart),
        TEST(netcdf3_is_named_with_its_conversion),
        TEST(truncated_files_are_refused),
        TEST(places_that_cannot_be_written_are_named),
        TEST(large_matrices_are_compressed_and_come_back),
        TEST(the_old_file_survives_a_writer_that_gives_up),
        TEST(the_old_file_survives_a_killed_writer),
        TEST(a_rename_that_fails_leaves_nothing_behind),
        TEST(links_and_permissions_are_kept),
        TEST(a_limit_on_the_size_of_files_is_an_io_error),
        TEST(a_full_disk_is_an_io_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
