#include "io/dataset_file.h"
#include "io/read/file_pattern.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- shared by the formats */

static const char *const axis_kinds[] = {
    [FC_AXIS_PLAIN] = "plain",
    [FC_AXIS_PERIODIC] = "periodic",
    [FC_AXIS_LONGITUDE] = "longitude",
    [FC_AXIS_LATITUDE] = "latitude",
};

const char *fc__axis_kind_name(fc_axis_kind kind)
{
    return axis_kinds[kind];
}

bool fc__axis_kind_parse(const char *name, fc_axis_kind *kind)
{
    for (size_t i = 0; i < sizeof axis_kinds / sizeof *axis_kinds; i++) {
        if (strcmp(axis_kinds[i], name) == 0) {
            *kind = (fc_axis_kind)i;
            return true;
        }
    }
    return false;
}

size_t fc__block_frames(size_t frame_bytes, size_t unit)
{
    enum { BLOCK_BYTES = 1 << 20 };
    size_t units = BLOCK_BYTES / (fc__product(frame_bytes, unit) + 1);
    return units ? units * unit : unit;
}

size_t fc__frame_bytes(const fc_dataset *dataset)
{
    return fc__product(fc__product(fc_dataset_max_points(dataset), dataset->channel_count),
                       sizeof(float));
}

fc_status fc__names_parse(fc_context *context, const char *list, fc__names *names)
{
    fc_status status = FC_OK;
    size_t room = 1;
    *names = (fc__names){0};
    if (!list)
        return FC_OK;
    for (const char *at = list; *at; at++)
        room += *at == ',';
    FC_NEW(context, &names->name, room);
    for (const char *at = list; at; at = *at ? at + 1 : NULL) {
        const char *end = at + strcspn(at, ",");
        const char *first = at, *last = end;
        while (first < last && isspace((unsigned char)*first))
            first++;
        while (last > first && isspace((unsigned char)last[-1]))
            last--;
        if (first == last || last - first >= FC__NC_NAME_SIZE) {
            status = fc__fail(context, FC_ERROR_USAGE,
                              "variables \"%s\": names separated by commas are accepted", list);
            goto done;
        }
        memcpy(names->name[names->count++], first, (size_t)(last - first));
        at = end;
    }
done:
    if (status != FC_OK) {
        free(names->name);
        *names = (fc__names){0};
    }
    return status;
}

/* ---------------------------------------------------------------- public */

fc_file_kind fc__file_kind_of(const fc__h5 *h5)
{
    char format[FC_NAME_SIZE] = "";
    fc__h5_get_text(h5->file, "fieldcast_format", format, sizeof format);
    if (strcmp(format, "dataset") == 0)
        return FC_FILE_DATASET;
    if (strcmp(format, "forecast") == 0)
        return FC_FILE_FORECAST;
    return strcmp(format, "model") == 0 ? FC_FILE_MODEL : FC_FILE_NETCDF;
}

fc_status fc_file_probe(fc_context *context, const char *path, fc_file_kind *kind)
{
    fc__h5 h5;
    char *first = NULL;
    fc_status status = fc__pattern_first(context, path, &first);
    if (status != FC_OK)
        return status;
    status = fc__h5_open(context, first, &h5);
    if (status == FC_OK)
        *kind = fc__file_kind_of(&h5);
    fc__h5_close(&h5);
    free(first);
    return status;
}

static fc_status write_dataset(fc_context *context, const char *path, const char *format,
                               const fc_dataset *dataset, const fc_dataset *deviation,
                               const char *attributes)
{
    fc_status status = FC_OK;
    fc__h5 h5;
    FC_TRY(fc__h5_create(context, path, &h5));
    FC_TRY(fc__native_write(&h5, format, dataset, deviation, attributes));
    FC_TRY(fc__h5_commit(&h5));
done:
    fc__h5_close(&h5);
    return status;
}

fc_status fc_dataset_write(fc_context *context, const char *path, const fc_dataset *dataset,
                           const char *attributes)
{
    return write_dataset(context, path, "dataset", dataset, NULL, attributes);
}

fc_status fc_forecast_write(fc_context *context, const char *path, const fc_dataset *forecast,
                            const fc_dataset *deviation, const char *attributes)
{
    return write_dataset(context, path, "forecast", forecast, deviation, attributes);
}
