#include "io/hdf5/hdf5_file.h"
#include "io/hdf5/lzf_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---------------------------------------------------------------- error text */

static herr_t keep_first(unsigned n, const H5E_error2_t *error, void *text)
{
    if (n == 0 && error->desc)
        snprintf(text, FC__TEXT_SIZE, "%s", error->desc);
    return 0;
}

/* HDF5's innermost message; only the operating system's words where it quotes them. */
static void last_hdf5_message(char text[FC__TEXT_SIZE])
{
    static const char quote[] = "error message = '";
    text[0] = '\0';
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, text);
    char *start = strstr(text, quote), *end;
    if (start) {
        start += sizeof quote - 1;
        end = strchr(start, '\'');
        size_t size = end ? (size_t)(end - start) : strlen(start);
        memmove(text, start, size);
        text[size] = '\0';
    }
}

fc_status fc__h5_fail(fc__h5 *h5, fc_status status, const char *format, ...)
{
    char detail[FC__TEXT_SIZE], message[FC__TEXT_SIZE];
    if (h5->write_error)
        snprintf(detail, sizeof detail, "%s", strerror(h5->write_error));
    else
        last_hdf5_message(detail);
    h5->damaged |= h5->driver < 0 && detail[0];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return fc__fail(h5->context, status, "%s: %s%s%s", h5->path, message, detail[0] ? ": " : "",
                    detail);
}

void fc__h5_hush(fc__h5 *h5)
{
    if (h5->hushed)
        return;
    H5Eget_auto2(H5E_DEFAULT, &h5->print, &h5->print_data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    h5->hushed = true;
}

void fc__h5_let_print(fc__h5 *h5)
{
    /* After damaged metadata HDF5 1.10 loses track of some types and would say so at the end of the
     * process. */
    if (h5->hushed && !h5->damaged)
        H5Eset_auto2(H5E_DEFAULT, h5->print, h5->print_data);
    h5->hushed = false;
}

static void start(fc_context *context, const char *path, fc__h5 *h5)
{
    *h5 = (fc__h5){.context = context,
                   .path = path,
                   .file = H5I_INVALID_HID,
                   .driver = H5I_INVALID_HID,
                   .descriptor = -1};
    fc__h5_hush(h5);
}

/* ---------------------------------------------------------------- reading */

/* Opens with the system's own calls first, whose errors say more than HDF5's. */
static fc_status look_inside(fc__h5 *h5)
{
    unsigned char magic[4] = {0};
    struct stat state;
    int descriptor = open(h5->path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return fc__fail(h5->context, FC_ERROR_IO, "%s: cannot be opened: %s", h5->path,
                        strerror(errno));
    bool known = fstat(descriptor, &state) == 0;
    ssize_t got = known && S_ISREG(state.st_mode) ? read(descriptor, magic, sizeof magic) : 0;
    close(descriptor);
    if (!known || !S_ISREG(state.st_mode))
        return fc__fail(
            h5->context, FC_ERROR_IO, "%s: %s; an HDF5 or netCDF-4 file is accepted", h5->path,
            known && S_ISDIR(state.st_mode) ? "is a directory" : "is not a regular file");
    if (got < 0)
        return fc__fail(h5->context, FC_ERROR_IO, "%s: cannot be read", h5->path);
    h5->file_size = (uint64_t)state.st_size;
    if (h5->file_size == 0)
        return fc__fail(h5->context, FC_ERROR_DATA, "%s: is empty", h5->path);
    if (memcmp(magic, "CDF", 3) == 0 && (magic[3] == 1 || magic[3] == 2 || magic[3] == 5))
        return fc__fail(h5->context, FC_ERROR_DATA,
                        "%s: is a netCDF-3 file; netCDF-4 is accepted: convert it with "
                        "`nccopy -k nc4 in.nc out.nc`",
                        h5->path);
    if (H5Fis_hdf5(h5->path) <= 0)
        return fc__fail(h5->context, FC_ERROR_DATA,
                        "%s: is not an HDF5 file; fieldcast's own files and gridded CF/netCDF-4 "
                        "files are accepted",
                        h5->path);
    return FC_OK;
}

fc_status fc__h5_open(fc_context *context, const char *path, fc__h5 *h5)
{
    fc_status status = FC_OK;
    start(context, path, h5);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    FC_TRY(look_inside(h5));
    fc__lzf_register();
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
#if H5_VERSION_GE(1, 10, 7)
    /* Files never change under their name here, and some file systems know no locks. */
    H5Pset_file_locking(access, false, true);
#endif
    h5->file = H5Fopen(path, H5F_ACC_RDONLY, access);
    if (h5->file < 0)
        status = fc__h5_fail(h5, FC_ERROR_DATA, "is truncated or damaged");
    else
        status = fc__h5_check_attributes(h5, h5->file, "its list of global attributes");
done:
    H5Pclose(access);
    return status;
}

/* ---------------------------------------------------------------- writing */

/* Follows links, and refuses to replace what is not an ordinary writable file. */
static fc_status resolve_target(fc__h5 *h5, mode_t *mode)
{
    struct stat state;
    *mode = 0;
    char *resolved = realpath(h5->path, NULL);
    if (!resolved)
        return fc__copy_text(h5->context, h5->path, &h5->target);
    h5->target = resolved;
    if (stat(resolved, &state) != 0 || !S_ISREG(state.st_mode))
        return fc__fail(h5->context, FC_ERROR_IO,
                        "%s: cannot be written: it exists and is not a regular file", h5->path);
    if (access(resolved, W_OK) != 0)
        return fc__fail(h5->context, FC_ERROR_IO, "%s: cannot be written: %s", h5->path,
                        strerror(errno));
    *mode = state.st_mode & 0777;
    return FC_OK;
}

static fc_status open_temporary(fc__h5 *h5, mode_t mode)
{
    enum { ATTEMPTS = 100 };
    fc_status status = FC_OK;
    size_t size = strlen(h5->target) + 48;
    char *name = NULL;
    FC_NEW(h5->context, &name, size);
    for (int k = 0; k < ATTEMPTS && h5->descriptor < 0; k++) {
        snprintf(name, size, "%s.partial.%ld.%d", h5->target, (long)getpid(), k);
        h5->descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (h5->descriptor < 0 && errno != EEXIST)
            break;
    }
    if (h5->descriptor < 0) {
        status = fc__fail(h5->context, FC_ERROR_IO, "%s: cannot be written: %s", h5->path,
                          strerror(errno));
        goto done;
    }
    h5->temporary = name;
    name = NULL;
    if (mode && fchmod(h5->descriptor, mode) != 0)
        status = fc__fail(h5->context, FC_ERROR_IO, "%s: cannot be written: %s", h5->path,
                          strerror(errno));
done:
    free(name);
    return status;
}

fc_status fc__h5_create(fc_context *context, const char *path, fc__h5 *h5)
{
    fc_status status = FC_OK;
    mode_t mode;
    start(context, path, h5);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    FC_TRY(resolve_target(h5, &mode));
    FC_TRY(open_temporary(h5, mode));
    h5->driver = fc__h5_driver_register();
    fc__h5_driver_set(access, h5->driver, h5->descriptor, &h5->write_error);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    fc__h5_set_group_properties(creation);
    h5->file = H5Fcreate(h5->temporary, H5F_ACC_TRUNC, creation, access);
    if (h5->file < 0)
        status = fc__h5_fail(h5, FC_ERROR_IO, "cannot be written");
done:
    H5Pclose(access);
    H5Pclose(creation);
    return status;
}

/* A new name is on disk only when its directory is. */
static int sync_directory(const char *file)
{
    char directory[4096];
    const char *slash = strrchr(file, '/');
    size_t size = slash ? (size_t)(slash - file) + 1 : 0;
    if (size >= sizeof directory)
        return 0;
    memcpy(directory, file, size);
    directory[size] = '\0';
    int descriptor = open(size ? directory : ".", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return 0; /* a directory that can be written but not read */
    int failed = fsync(descriptor);
    failed = failed && errno != EINVAL && errno != EROFS; /* file systems that cannot */
    close(descriptor);
    return failed ? -1 : 0;
}

fc_status fc__h5_commit(fc__h5 *h5)
{
    herr_t closed = H5Fclose(h5->file);
    h5->file = H5I_INVALID_HID;
    if (closed < 0 || h5->write_error)
        return fc__h5_fail(h5, FC_ERROR_IO, "cannot be written");
    int failed = fsync(h5->descriptor);
    failed |= close(h5->descriptor);
    h5->descriptor = -1;
    if (!failed && rename(h5->temporary, h5->target) == 0) {
        free(h5->temporary);
        h5->temporary = NULL;
        failed = sync_directory(h5->target);
    } else {
        failed = -1;
    }
    return failed ? fc__fail(h5->context, FC_ERROR_IO, "%s: cannot be written: %s", h5->path,
                             strerror(errno))
                  : FC_OK;
}

void fc__h5_close(fc__h5 *h5)
{
    if (h5->file >= 0)
        H5Fclose(h5->file);
    if (h5->driver >= 0)
        H5FDunregister(h5->driver);
    if (h5->descriptor >= 0)
        close(h5->descriptor);
    if (h5->temporary)
        unlink(h5->temporary);
    free(h5->temporary);
    free(h5->target);
    fc__h5_let_print(h5);
}

fc_status fc__h5_check_version(fc__h5 *h5, const char *kind, unsigned newest)
{
    double version = 0.0;
    if (!fc__h5_get_double(h5->file, "fieldcast_format_version", &version) || version < 1.0)
        return fc__fail(h5->context, FC_ERROR_DATA,
                        "%s: %s without a fieldcast_format_version; 1 to %u is accepted", h5->path,
                        kind, newest);
    if (version > newest)
        return fc__fail(h5->context, FC_ERROR_DATA,
                        "%s: %s of format version %g; fieldcast %s reads versions up to %u, a "
                        "newer fieldcast is needed",
                        h5->path, kind, version, fc_version(), newest);
    return FC_OK;
}
