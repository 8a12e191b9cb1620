"""Cuts excerpts of real gridded files, with the traps they set, and notes their values, for
tests/io/test_cf_golden.c. The values are read back with netCDF4-python, which shares no code with
fieldcast.

    python3 make_cf_excerpts.py path/to/files

co2_packed.nc              packed short integers, descending latitudes     (ECMWF; UK OGL)
seaice_curvilinear.nc      2-D longitude and latitude, calendar 365_day    (CanESM5; CMIP terms)
turbulence_time_last.nc    time is the last axis                           (PyDMD tutorial, MIT)
sst_era5_monthly_coarse.nc NaN as fill, text of variable length            (nicrie/xmca, MIT)
sst_alboran_cloudy.nc      clouds; "degrees East"                          (DINEOF example, GPL-2)
"""

import os
import sys

import netCDF4
import numpy

WHOLE = slice(None)
# file: variables, dimensions and what of them is kept
EXCERPTS = {
    "co2_packed": (("latitude", "longitude", "time", "tcco2"),
                   {"time": slice(0, 4), "latitude": slice(50, 90), "longitude": slice(290, 320)}),
    "seaice_curvilinear": (("time", "time_bnds", "j", "i", "latitude", "longitude", "siconc",
                            "areacello"),
                           {"time": slice(4, 6), "j": slice(256, 286), "i": slice(125, 155)}),
    "turbulence_time_last": (("time", "x", "y", "z", "lnz", "Tperturb"),
                             {"time": slice(100, 150), "z": slice(0, 80, 4)}),
    "sst_era5_monthly_coarse": (("lat", "lon", "time", "sst"), {"time": slice(0, 30)}),
    "sst_alboran_cloudy": (("SST", "mask", "lon", "lat", "time"),
                           {"time": slice(3, 7), "lat": slice(60, 110), "lon": slice(100, 150)}),
}


def cut(source, target, variables, kept):
    for name in variables:
        old = source[name]
        for dimension in old.dimensions:
            if dimension not in target.dimensions:
                size = len(range(*kept.get(dimension, WHOLE).indices(len(source.dimensions[dimension]))))
                unlimited = source.dimensions[dimension].isunlimited()
                target.createDimension(dimension, None if unlimited else size)
        many = len(old.dimensions) > 1
        new = target.createVariable(name, old.dtype, old.dimensions, zlib=many, shuffle=many,
                                    fill_value=getattr(old, "_FillValue", None))
        new.setncatts({k: old.getncattr(k) for k in old.ncattrs()
                       if k not in ("_FillValue", "_ChunkSizes")})
        old.set_auto_maskandscale(False)
        new.set_auto_maskandscale(False)
        new[:] = old[tuple(kept.get(d, WHOLE) for d in old.dimensions)]
        new.set_auto_maskandscale(True)
    target.source = "an excerpt; see make_cf_excerpts.py"


def drop_coordinates(target):
    """The file declares a fill value for its coordinates and uses none: here some are missing."""
    for name in ("longitude", "latitude"):
        target[name][3, 5:9] = numpy.ma.masked


def fields(made):
    """Name of the field and its values as (time, places), with longitudes or x of the places."""
    if "siconc" in made.variables:
        return made["siconc"][:], [made["longitude"][:], made["latitude"][:]]
    if "Tperturb" in made.variables:
        return made["Tperturb"][:].T, [made["z"][:]]
    name, x, y = next(names for names in (("tcco2", "longitude", "latitude"), ("sst", "lon", "lat"),
                                          ("SST", "lon", "lat")) if names[0] in made.variables)
    return made[name][:], numpy.meshgrid(made[x][:], made[y][:])


def note(made, out):
    """Dimensions, number and sum of the observed values at places that have coordinates; then some
    of them: sequence, time, coordinates, value."""
    values, places = fields(made)
    times = made["time"][:]
    places = [numpy.ma.masked_invalid(place).ravel() for place in places]
    values = numpy.ma.masked_invalid(values).reshape(len(times), -1)
    known = ~numpy.ma.getmaskarray(sum(places))
    seen = ~numpy.ma.getmaskarray(values) & known
    total = values.data[seen].astype("f8").sum()
    out.write(f"{len(places)} {seen.sum()} {float(total)!r}\n")
    for t, p in numpy.argwhere(seen)[::max(1, seen.sum() // 150)]:
        row = [0, times[t], *(place[p] for place in places), values[t, p]]
        out.write(" ".join(repr(float(number)) for number in row) + "\n")


if __name__ == "__main__":
    for file, (variables, kept) in EXCERPTS.items():
        with netCDF4.Dataset(os.path.join(sys.argv[1], file + ".nc")) as original, \
                netCDF4.Dataset(f"cf_{file}.nc", "w", format="NETCDF4") as made:
            cut(original, made, variables, kept)
            if file == "seaice_curvilinear":
                drop_coordinates(made)
        with netCDF4.Dataset(f"cf_{file}.nc") as made, open(f"cf_{file}.txt", "w") as text:
            note(made, text)
