/* HDF5 keeps metadata in memory and writes it when a file closes. When that fails, as on a full
 * disk, the file can neither be closed nor forgotten, and the library crashes at the end of the
 * process. Hence this driver, under which a close always succeeds. */
#include "io/hdf5/hdf5_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct driver_info {
    int descriptor;
    int *write_error;
} driver_info;

typedef struct driver_file {
    H5FD_t base; /* first, as HDF5 sees only this */
    driver_info info;
    haddr_t allocated;
    haddr_t size;
} driver_file;

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t max_address)
{
    (void)name;
    (void)max_address;
    const driver_info *info = H5Pget_driver_info(access);
    struct stat status;
    if (!info || fstat(info->descriptor, &status) != 0)
        return NULL;
    if ((flags & H5F_ACC_TRUNC) && ftruncate(info->descriptor, 0) == 0)
        status.st_size = 0;
    driver_file *file = calloc(1, sizeof *file);
    if (!file)
        return NULL;
    file->info = *info;
    file->size = (haddr_t)status.st_size;
    return &file->base;
}

static herr_t driver_close(H5FD_t *base)
{
    free(base);
    return 0;
}

static herr_t driver_query(const H5FD_t *base, unsigned long *flags)
{
    (void)base;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *base, H5FD_mem_t type)
{
    (void)type;
    return ((const driver_file *)base)->allocated;
}

static herr_t driver_set_eoa(H5FD_t *base, H5FD_mem_t type, haddr_t address)
{
    (void)type;
    ((driver_file *)base)->allocated = address;
    return 0;
}

static haddr_t driver_get_eof(const H5FD_t *base, H5FD_mem_t type)
{
    (void)type;
    return ((const driver_file *)base)->size;
}

static herr_t driver_read(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address,
                          size_t size, void *buffer)
{
    (void)type;
    (void)transfer;
    const driver_file *file = (const driver_file *)base;
    char *next = buffer;
    while (size) {
        ssize_t got = pread(file->info.descriptor, next, size, (off_t)address);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0) { /* beyond the end of the file */
            memset(next, 0, size);
            break;
        }
        next += got;
        size -= (size_t)got;
        address += (haddr_t)got;
    }
    return 0;
}

static herr_t driver_write(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address,
                           size_t size, const void *buffer)
{
    (void)type;
    (void)transfer;
    driver_file *file = (driver_file *)base;
    const char *next = buffer;
    while (size && !*file->info.write_error) {
        ssize_t put = pwrite(file->info.descriptor, next, size, (off_t)address);
        if (put < 0 && errno != EINTR)
            *file->info.write_error = errno;
        if (put == 0)
            *file->info.write_error = ENOSPC;
        if (put > 0) {
            next += put;
            size -= (size_t)put;
            address += (haddr_t)put;
        }
    }
    address += size;
    if (address > file->size)
        file->size = address;
    return 0;
}

static herr_t driver_truncate(H5FD_t *base, hid_t transfer, hbool_t closing)
{
    (void)transfer;
    (void)closing;
    driver_file *file = (driver_file *)base;
    if (file->size != file->allocated && !*file->info.write_error &&
        ftruncate(file->info.descriptor, (off_t)file->allocated) != 0)
        *file->info.write_error = errno;
    file->size = file->allocated;
    return 0;
}

static const H5FD_class_t driver_class = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)0x3fc,
#endif
    .name = "fieldcast",
    .maxaddr = ((haddr_t)1 << 62),
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(driver_info),
    .open = driver_open,
    .close = driver_close,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

hid_t fc__h5_driver_register(void)
{
    return H5FDregister(&driver_class);
}

herr_t fc__h5_driver_set(hid_t access, hid_t driver, int descriptor, int *write_error)
{
    const driver_info info = {.descriptor = descriptor, .write_error = write_error};
    return H5Pset_driver(access, driver, &info);
}
