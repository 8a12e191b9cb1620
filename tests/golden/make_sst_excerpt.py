"""Cuts an excerpt of real sea-surface temperatures and notes its values, for tests/io/test_cf.c.

Source: OSTIA monthly means (SciTools/iris-sample-data, UK Open Government Licence), with its fill
values, its months of unequal length and its land. The values are read back with netCDF4-python,
which shares no code with fieldcast.

    python3 make_sst_excerpt.py path/to/sst_ostia_monthly.nc
"""

import sys

import netCDF4

MONTHS, LATITUDES, LONGITUDES = slice(0, 6), slice(0, 18), slice(96, 120)


def cut(source, target):
    for name in ("surface_temperature", "latitude_longitude", "time", "time_bnds", "latitude",
                 "longitude"):
        old = source[name]
        for dimension in old.dimensions:
            size = {"time": 6, "latitude": 18, "longitude": 24, "bnds": 2}[dimension]
            if dimension not in target.dimensions:
                target.createDimension(dimension, None if dimension == "time" else size)
        packed = len(old.dimensions) == 3
        new = target.createVariable(name, old.dtype, old.dimensions, zlib=packed, shuffle=packed,
                                    fill_value=getattr(old, "_FillValue", None))
        new.setncatts({k: old.getncattr(k) for k in old.ncattrs() if k != "_FillValue"})
        where = {"time": MONTHS, "latitude": LATITUDES, "longitude": LONGITUDES}
        if old.dimensions:
            new[:] = old[tuple(where.get(d, slice(None)) for d in old.dimensions)]
    target.setncatts({k: source.getncattr(k) for k in source.ncattrs()})
    target.source = "OSTIA monthly means, an excerpt of SciTools/iris-sample-data"


def note(excerpt, out):
    """Number and sum of the observed values, then every seventh: time, longitude, latitude, value."""
    values = excerpt["surface_temperature"][:]
    out.write(f"{values.count()} {float(values.astype('f8').sum())!r}\n")
    observed = [(t, y, x) for t in range(6) for y in range(18) for x in range(24)
                if not values.mask[t, y, x]]
    for t, y, x in observed[::7]:
        where = excerpt["time"][t], excerpt["longitude"][x], excerpt["latitude"][y]
        out.write(" ".join(repr(float(number)) for number in (*where, values[t, y, x])) + "\n")


if __name__ == "__main__":
    with netCDF4.Dataset(sys.argv[1]) as original, \
            netCDF4.Dataset("sst_excerpt.nc", "w", format="NETCDF4") as made:
        cut(original, made)
    with netCDF4.Dataset("sst_excerpt.nc") as made, open("sst_excerpt.txt", "w") as text:
        note(made, text)
