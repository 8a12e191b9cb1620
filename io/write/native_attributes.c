/* What a native dataset says about itself, and which names it can use. */
#include "io/read/cf_time.h"
#include "io/write/native.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const layout_names[] = {"grid", "points", "ragged"};

/* ---------------------------------------------------------------- checks */

/* FC_ERROR_DATA unless `name` can name a variable beside the `count` names before it. */
static fc_status check_name(fc__native_writer *out, const char *what, const char *name,
                            size_t count, const char *const *before)
{
    fc_context *context = out->h5->context;
    if (name[0] == '\0' || name[0] == '_' || strchr(name, '/'))
        return fc__fail(context, FC_ERROR_DATA,
                        "%s: %s name \"%s\" cannot name a variable in a file; names must not be "
                        "empty, hold a \"/\" or start with \"_\"",
                        out->h5->path, what, name);
    for (size_t i = 0; i < count; i++)
        if (strcmp(before[i], name) == 0)
            return fc__fail(context, FC_ERROR_DATA,
                            "%s: %s name \"%s\" is used twice or by the file format itself; names "
                            "in a file must differ",
                            out->h5->path, what, name);
    return FC_OK;
}

fc_status fc__native_check_names(fc__native_writer *out)
{
    static const char *const reserved[] = {
        "time",        "sequence", "frame",           "point_set",       "point",
        "observation", "axis",     "frame_count",     "frame_point_set", "point_count",
        "point_grid",  "point_id", "observation_time"};
    enum { RESERVED = sizeof reserved / sizeof *reserved };
    fc_status status = FC_OK;
    const fc_dataset *dataset = out->dataset;
    size_t count = RESERVED, channels = dataset->channel_count;
    const char **names = NULL;
    char(*deviations)[FC_NAME_SIZE + 4] = NULL;
    FC_NEW(out->h5->context, &names, RESERVED + FC_MAX_DIMS + 2 * channels);
    FC_NEW(out->h5->context, &deviations, channels);
    memcpy(names, reserved, sizeof reserved);
    for (size_t i = 0; i < dataset->domain.dims; i++) {
        FC_TRY(check_name(out, "axis", dataset->domain.axis[i].name, count, names));
        names[count++] = dataset->domain.axis[i].name;
    }
    for (size_t c = 0; c < channels; c++) {
        FC_TRY(check_name(out, "channel", dataset->channels[c].name, count, names));
        names[count++] = dataset->channels[c].name;
    }
    for (size_t c = 0; out->deviation && c < channels; c++) {
        snprintf(deviations[c], sizeof deviations[c], "%s_std", dataset->channels[c].name);
        FC_TRY(check_name(out, "standard deviation's", deviations[c], count, names));
        names[count++] = deviations[c];
    }
done:
    free(names);
    free(deviations);
    return status;
}

/* ---------------------------------------------------------------- attributes */

/* Discrete sampling geometries (CF 9) need dates. Independent sequences would be a dimension too
 * many for a timeSeries. */
const char *fc__native_feature(const fc__native_writer *out)
{
    if (!fc__cf_is_time(out->dataset->time.units))
        return NULL;
    if (out->layout == LAYOUT_POINTS && out->dataset->record && out->dataset->sequence_count == 1)
        return "timeSeries";
    return out->own_points ? "point" : NULL;
}

static fc_status put_json(fc__native_writer *out, const char *name, const json_t *value)
{
    fc__h5 *h5 = out->h5;
    if (name[0] == '\0' || strchr(name, '/') || strcmp(name, "Conventions") == 0 ||
        strcmp(name, "featureType") == 0 || strcmp(name, "checksum") == 0 ||
        strncmp(name, "fieldcast_", 10) == 0 || name[0] == '_')
        return fc__fail(h5->context, FC_ERROR_USAGE,
                        "%s: \"%s\" cannot be the name of a global attribute here", h5->path, name);
    if (json_is_string(value))
        return fc__h5_put_text(h5, h5->file, name, json_string_value(value));
    if (json_is_real(value))
        return fc__h5_put_double(h5, h5->file, name, json_real_value(value));
    if (json_is_integer(value) || json_is_boolean(value)) {
        int64_t number = json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);
        return fc__h5_put(h5, h5->file, name, H5T_NATIVE_INT64, 1, &number);
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    fc_status status = text ? fc__h5_put_text(h5, h5->file, name, text)
                            : fc__fail(h5->context, FC_ERROR_MEMORY, "out of memory");
    free(text);
    return status;
}

fc_status fc__native_put_global(fc__native_writer *out, const char *format, const char *attributes)
{
    fc_status status = FC_OK;
    fc__h5 *h5 = out->h5;
    json_error_t error;
    char source[FC_NAME_SIZE], title[FC_NAME_SIZE];
    const char *name;
    json_t *value, *given = attributes ? json_loads(attributes, 0, &error) : json_object();
    int version = FC__DATASET_VERSION, record = out->dataset->record;
    if (!json_is_object(given)) {
        status =
            fc__fail(h5->context, FC_ERROR_USAGE, "%s: global attributes must be a JSON object%s%s",
                     h5->path, given ? "" : ": ", given ? "" : error.text);
        goto done;
    }
    snprintf(source, sizeof source, "fieldcast %s", fc_version());
    snprintf(title, sizeof title, "fieldcast %s", format);
    FC_TRY(fc__h5_put_text(h5, h5->file, "Conventions", "CF-1.11"));
    if (!json_object_get(given, "title"))
        FC_TRY(fc__h5_put_text(h5, h5->file, "title", title));
    if (!json_object_get(given, "source"))
        FC_TRY(fc__h5_put_text(h5, h5->file, "source", source));
    const char *feature = fc__native_feature(out);
    if (feature)
        FC_TRY(fc__h5_put_text(h5, h5->file, "featureType", feature));
    FC_TRY(fc__h5_put_text(h5, h5->file, "fieldcast_format", format));
    FC_TRY(fc__h5_put(h5, h5->file, "fieldcast_format_version", H5T_NATIVE_INT, 1, &version));
    FC_TRY(fc__h5_put_text(h5, h5->file, "fieldcast_layout", layout_names[out->layout]));
    FC_TRY(fc__h5_put(h5, h5->file, "fieldcast_record", H5T_NATIVE_INT, 1, &record));
    json_object_foreach(given, name, value) FC_TRY(put_json(out, name, value));
done:
    json_decref(given);
    return status;
}

/* X and Y are longitude and latitude where there are any; plain axes take the letters that are
 * left, in their order. "" for a fourth axis. */
static const char *axis_letter(const fc_domain *domain, size_t i)
{
    static const char *const letters[] = {"X", "Y", "Z", ""};
    if (domain->axis[i].kind == FC_AXIS_LONGITUDE)
        return letters[0];
    if (domain->axis[i].kind == FC_AXIS_LATITUDE)
        return letters[1];
    bool sphere = false;
    size_t before = 0;
    for (size_t k = 0; k < domain->dims; k++) {
        bool angle = domain->axis[k].kind >= FC_AXIS_LONGITUDE;
        sphere |= angle;
        before += k < i && !angle;
    }
    return letters[before + (sphere ? 2 : 0)];
}

/* CF wants to know which way a vertical axis counts, and knows these by name. */
static fc_status put_vertical(fc__h5 *h5, hid_t variable, const fc_axis *axis)
{
    static const char *const known[] = {"depth", "height", "altitude"};
    fc_status status = FC_OK;
    for (size_t i = 0; i < sizeof known / sizeof *known && strcmp(axis->units, "m") == 0; i++)
        if (strcmp(axis->name, known[i]) == 0)
            FC_TRY(fc__h5_put_text(h5, variable, "standard_name", known[i]));
    FC_TRY(fc__h5_put_text(h5, variable, "positive",
                           strcmp(axis->name, "depth") == 0 ? "down" : "up"));
done:
    return status;
}

fc_status fc__native_put_axis(fc__native_writer *out, hid_t variable, size_t i)
{
    fc_status status = FC_OK;
    fc__h5 *h5 = out->h5;
    const fc_axis *axis = &out->dataset->domain.axis[i];
    const char *kind = fc__axis_kind_name(axis->kind), *units = axis->units;
    const char *letter = axis_letter(&out->dataset->domain, i);
    int number = (int)i;
    if (axis->kind == FC_AXIS_LONGITUDE && !units[0])
        units = "degrees_east";
    if (axis->kind == FC_AXIS_LATITUDE && !units[0])
        units = "degrees_north";
    if (units[0])
        FC_TRY(fc__h5_put_text(h5, variable, "units", units));
    if (axis->kind == FC_AXIS_LONGITUDE || axis->kind == FC_AXIS_LATITUDE)
        FC_TRY(fc__h5_put_text(h5, variable, "standard_name", kind));
    if (letter[0])
        FC_TRY(fc__h5_put_text(h5, variable, "axis", letter));
    if (letter[0] == 'Z')
        FC_TRY(put_vertical(h5, variable, axis));
    FC_TRY(fc__h5_put_text(h5, variable, "fieldcast_axis", kind));
    FC_TRY(fc__h5_put(h5, variable, "fieldcast_axis_number", H5T_NATIVE_INT, 1, &number));
    FC_TRY(fc__h5_put_double(h5, variable, "fieldcast_lower", axis->lower));
    FC_TRY(fc__h5_put_double(h5, variable, "fieldcast_upper", axis->upper));
done:
    return status;
}

/* Only dates make a time coordinate after CF; other units count something along a plain axis. */
static fc_status put_time_units(fc__native_writer *out, hid_t variable)
{
    fc_status status = FC_OK;
    fc__h5 *h5 = out->h5;
    const fc_time_axis *time = &out->dataset->time;
    if (time->units[0])
        FC_TRY(fc__h5_put_text(h5, variable, "units", time->units));
    if (time->calendar[0])
        FC_TRY(fc__h5_put_text(h5, variable, "calendar", time->calendar));
    if (fc__cf_is_time(time->units)) {
        FC_TRY(fc__h5_put_text(h5, variable, "standard_name", "time"));
        FC_TRY(fc__h5_put_text(h5, variable, "axis", "T"));
    }
done:
    return status;
}

fc_status fc__native_put_time(fc__native_writer *out, hid_t variable)
{
    fc_status status = put_time_units(out, variable);
    return status == FC_OK
               ? fc__h5_put_double(out->h5, variable, "fieldcast_cycle", out->dataset->time.cycle)
               : status;
}

fc_status fc__native_put_observation_time(fc__native_writer *out, hid_t variable)
{
    return put_time_units(out, variable);
}

fc_status fc__native_put_point_id(fc__native_writer *out, hid_t variable)
{
    fc_status status = FC_OK;
    FC_TRY(fc__h5_put_text(out->h5, variable, "long_name", "number of the point"));
    if (fc__native_feature(out))
        FC_TRY(fc__h5_put_text(out->h5, variable, "cf_role", "timeseries_id"));
done:
    return status;
}

fc_status fc__native_put_channel(fc__native_writer *out, hid_t variable, size_t c, bool deviation)
{
    fc_status status = FC_OK;
    fc__h5 *h5 = out->h5;
    const fc_channel *channel = &out->dataset->channels[c];
    const char *title = channel->long_name[0] ? channel->long_name : channel->name;
    char text[FC_NAME_SIZE + 32];
    if (channel->units[0])
        FC_TRY(fc__h5_put_text(h5, variable, "units", channel->units));
    snprintf(text, sizeof text, "standard deviation of %s", title);
    if (deviation)
        FC_TRY(fc__h5_put_text(h5, variable, "long_name", text));
    else if (channel->long_name[0])
        FC_TRY(fc__h5_put_text(h5, variable, "long_name", channel->long_name));
    if (out->coordinates[0])
        FC_TRY(fc__h5_put_text(h5, variable, "coordinates", out->coordinates));
    snprintf(text, sizeof text, "%s_std", channel->name);
    if (out->deviation && !deviation)
        FC_TRY(fc__h5_put_text(h5, variable, "ancillary_variables", text));
    FC_TRY(fc__h5_put_text(h5, variable, "fieldcast_role",
                           deviation ? "standard_deviation" : "channel"));
done:
    return status;
}
