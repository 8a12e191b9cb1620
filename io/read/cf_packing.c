#include "io/read/cf_packing.h"

#include <math.h>
#include <strings.h>

/* ---------------------------------------------------------------- attributes */

/* How raw numbers are stored. */
typedef struct storage {
    bool is_float, is_signed;
    size_t size; /* bytes */
} storage;

static storage storage_of(hid_t variable)
{
    hid_t type = H5Dget_type(variable);
    storage found = {.is_float = H5Tget_class(type) == H5T_FLOAT, .size = H5Tget_size(type)};
    found.is_signed = !found.is_float && H5Tget_sign(type) == H5T_SGN_2;
    H5Tclose(type);
    return found;
}

/* An attribute is compared with raw numbers: rounded and wrapped as they are. */
static double as_raw(const fc__cf_packing *packing, const storage *stored, double value)
{
    if (stored->is_float && stored->size == sizeof(float))
        return (double)(float)value;
    return value < 0.0 ? value + packing->wrap : value;
}

static void add_missing(fc__cf_packing *packing, double value)
{
    if (packing->missing_count < FC__CF_MOST_MISSING && !isnan(value))
        packing->missing[packing->missing_count++] = value;
}

static bool read_missing(hid_t variable, const char *name, const storage *stored,
                         fc__cf_packing *packing)
{
    double values[FC__CF_MOST_MISSING];
    for (size_t count = 1; count <= FC__CF_MOST_MISSING; count++) {
        if (!fc__h5_get(variable, name, H5T_NATIVE_DOUBLE, count, values))
            continue;
        for (size_t i = 0; i < count; i++)
            add_missing(packing, as_raw(packing, stored, values[i]));
        return true;
    }
    return false;
}

/* What netCDF fills unwritten values with, for variables without a _FillValue. Single bytes may
 * have every value. */
static double default_fill(const storage *stored)
{
    const double largest = 9.9692099683868690e+36;
    if (stored->is_float)
        return stored->size == sizeof(float) ? (double)(float)largest : largest;
    if (stored->is_signed)
        return stored->size == 2   ? -32767.0
               : stored->size == 4 ? -2147483647.0
               : stored->size == 8 ? -9223372036854775806.0
                                   : NAN;
    return stored->size == 2   ? 65535.0
           : stored->size == 4 ? 4294967295.0
           : stored->size == 8 ? 18446744073709551614.0
                               : NAN;
}

static bool attribute_is_float(hid_t variable, const char *name)
{
    hid_t attribute = H5Aopen(variable, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    bool is_float = H5Tget_class(type) == H5T_FLOAT;
    H5Tclose(type);
    H5Aclose(attribute);
    return is_float;
}

/* A valid range is one of raw numbers, unless integers are packed and it is none of integers: then
 * it is one of unpacked values (the netCDF user's guide, "valid_range"). */
static void read_range(hid_t variable, const storage *stored, fc__cf_packing *packing)
{
    double range[2] = {-INFINITY, INFINITY};
    const char *name = "valid_range";
    if (!fc__h5_get(variable, name, H5T_NATIVE_DOUBLE, 2, range)) {
        bool any = fc__h5_get_double(variable, "valid_min", &range[0]);
        name = any ? "valid_min" : "valid_max";
        if (!fc__h5_get_double(variable, "valid_max", &range[1]) && !any)
            return;
    }
    bool packed = packing->scale != 1.0 || packing->offset != 0.0;
    if (packed && !stored->is_float && attribute_is_float(variable, name)) {
        packing->valid_lower = range[0];
        packing->valid_upper = range[1];
    } else {
        packing->lower = as_raw(packing, stored, range[0]);
        packing->upper = as_raw(packing, stored, range[1]);
    }
}

static bool is_unsigned(hid_t variable)
{
    char text[FC_NAME_SIZE] = "";
    return fc__h5_get_text(variable, "_Unsigned", text, sizeof text) &&
           strcasecmp(text, "true") == 0;
}

void fc__cf_packing_of(const fc__nc_variable *variable, fc__cf_packing *packing)
{
    hid_t id = variable->id;
    storage stored = storage_of(id);
    *packing = (fc__cf_packing){.scale = 1.0,
                                .lower = -INFINITY,
                                .upper = INFINITY,
                                .valid_lower = -INFINITY,
                                .valid_upper = INFINITY};
    if (stored.is_signed && is_unsigned(id)) {
        packing->wrap = ldexp(1.0, 8 * (int)stored.size);
        stored.is_signed = false;
    }
    fc__h5_get_double(id, "scale_factor", &packing->scale);
    fc__h5_get_double(id, "add_offset", &packing->offset);
    if (!read_missing(id, "_FillValue", &stored, packing))
        add_missing(packing, default_fill(&stored));
    read_missing(id, "missing_value", &stored, packing);
    read_range(id, &stored, packing);
    packing->single = stored.is_float ? stored.size <= sizeof(float) : stored.size < sizeof(float);
    packing->plain = packing->single && packing->scale == 1.0 && packing->offset == 0.0 &&
                     packing->wrap == 0.0 && isinf(packing->lower) && isinf(packing->upper);
}

/* ---------------------------------------------------------------- values */

hid_t fc__cf_raw_type(const fc__cf_packing *packing)
{
    return packing->single ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
}

double fc__cf_unpack(const fc__cf_packing *packing, double raw)
{
    if (raw < 0.0)
        raw += packing->wrap;
    for (size_t i = 0; i < packing->missing_count; i++)
        if (raw == packing->missing[i])
            return NAN;
    if (!(raw >= packing->lower && raw <= packing->upper))
        return NAN;
    double value = raw * packing->scale + packing->offset;
    return value >= packing->valid_lower && value <= packing->valid_upper ? value : NAN;
}

/* Values that are as they are stored, but for two fills at most: a loop that vectorises. */
static void copy_row(const fc__cf_packing *packing, size_t count, const float *restrict raw,
                     float *restrict values)
{
    float a = packing->missing_count > 0 ? (float)packing->missing[0] : NAN;
    float b = packing->missing_count > 1 ? (float)packing->missing[1] : NAN;
    for (size_t i = 0; i < count; i++)
        values[i] = ((raw[i] == a) | (raw[i] == b)) ? NAN : raw[i];
}

void fc__cf_unpack_row(const fc__cf_packing *packing, size_t count, const void *raw, float *values,
                       size_t stride)
{
    const float *singles = raw;
    const double *doubles = raw;
    if (packing->plain && packing->missing_count <= 2 && stride == 1)
        copy_row(packing, count, singles, values);
    else if (packing->single)
        for (size_t i = 0; i < count; i++)
            values[i * stride] = (float)fc__cf_unpack(packing, (double)singles[i]);
    else
        for (size_t i = 0; i < count; i++)
            values[i * stride] = (float)fc__cf_unpack(packing, doubles[i]);
}
