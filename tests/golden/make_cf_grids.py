"""Writes small files with the kinds of grids that CF knows, and notes where and when their values are,
for tests/io/test_cf_golden.c.

    python3 make_cf_grids.py

The files are written by netCDF4-python. What is expected follows from how they are made here:
rotated coordinates by matrices of rotation, dates by the calendar of Python's datetime.
"""

import datetime

import netCDF4
import numpy

numbers = numpy.random.default_rng(5)


def start(name, **dimensions):
    made = netCDF4.Dataset(f"cf_grid_{name}.nc", "w", format="NETCDF4")
    made.Conventions = "CF-1.8"
    for dimension, size in dimensions.items():
        made.createDimension(dimension, size)
    return made


def put(made, name, kind, dimensions, values, **attributes):
    fill = attributes.pop("fill", None)
    variable = made.createVariable(name, kind, dimensions, fill_value=fill)
    variable.setncatts(attributes)
    variable[...] = values
    return variable


def finish(made, dims, rows):
    """rows: (sequence, time, *coordinates, value); missing values are left out."""
    name = made.filepath()
    made.close()
    rows = [row for row in rows if not numpy.ma.is_masked(row[-1]) and not numpy.isnan(row[-1])]
    with open(name.replace(".nc", ".txt"), "w") as text:
        text.write(f"{dims} {len(rows)} {float(sum(row[-1] for row in rows))!r}\n")
        for row in rows[::max(1, len(rows) // 60)]:
            text.write(" ".join(repr(float(number)) for number in row) + "\n")


def values(*shape):
    return numbers.normal(size=shape).astype("f4")


def rows_of(times, places, field):
    """places: coordinates (places, dims); field: (time, places)."""
    return [(0, t, *place, v) for t, line in zip(times, field) for place, v in zip(places, line)]


def turned(rlon, rlat, pole_lon, pole_lat):
    """Unit vectors of the grid's frame in that of the earth: the grid's north pole is its z axis, and
    its meridian 0 leads to the true pole."""
    def vector(lon, lat):
        lon, lat = numpy.radians(lon), numpy.radians(lat)
        return numpy.array([numpy.cos(lat) * numpy.cos(lon), numpy.cos(lat) * numpy.sin(lon),
                            numpy.sin(lat) + 0.0 * lon])
    z = vector(pole_lon, pole_lat)
    x = numpy.array([0.0, 0.0, 1.0]) - z[2] * z
    x /= numpy.linalg.norm(x)
    frame = numpy.stack([x, numpy.cross(z, x), z], axis=1)
    x, y, z = frame @ vector(rlon, rlat)
    return numpy.degrees(numpy.arctan2(y, x)), numpy.degrees(numpy.arcsin(z))


def time_axis(made, values, units="hours since 2001-02-03", name="time", dimension="time"):
    put(made, name, "f8", (dimension,), values, units=units, standard_name="time")


def rotated():
    """Axes rlon, rlat and a grid mapping; no longitudes and latitudes."""
    made = start("rotated", time=None, rlat=5, rlon=6)
    rlon, rlat, field = numpy.arange(-6, 6, 2.0), numpy.arange(10, 0, -2.0), values(3, 5, 6)
    time_axis(made, [0, 6, 12])
    put(made, "rlon", "f8", ("rlon",), rlon, units="degrees", standard_name="grid_longitude")
    put(made, "rlat", "f8", ("rlat",), rlat, units="degrees", standard_name="grid_latitude")
    put(made, "rotated_pole", "i4", (), 0, grid_mapping_name="rotated_latitude_longitude",
        grid_north_pole_latitude=39.25, grid_north_pole_longitude=-162.0)
    put(made, "tas", "f4", ("time", "rlat", "rlon"), field, grid_mapping="rotated_pole", units="K")
    lon, lat = turned(*(a.ravel() for a in numpy.meshgrid(rlon, rlat)), -162.0, 39.25)
    finish(made, 2, rows_of([0, 6, 12], numpy.stack([lon, lat], 1), field.reshape(3, -1)))


def projected():
    """x and y of a map projection, far from its origin and close to each other."""
    made = start("projected", time=3, y=4, x=5)
    x, y = 478123.25 + 0.125 * numpy.arange(5), 3623456.75 + 0.125 * numpy.arange(4)
    field = values(3, 4, 5)
    time_axis(made, [0, 6, 12])
    put(made, "x", "f8", ("x",), x, units="m", standard_name="projection_x_coordinate")
    put(made, "y", "f8", ("y",), y, units="m", standard_name="projection_y_coordinate")
    put(made, "h", "f4", ("time", "y", "x"), field, units="m")
    places = numpy.stack([a.ravel() for a in numpy.meshgrid(x, y)], 1)
    finish(made, 2, rows_of([0, 6, 12], places, field.reshape(3, -1)))


def true_places():
    """x and y, and true longitudes and latitudes in another order of dimensions, one missing."""
    made = start("true_places", time=2, y=4, x=5)
    x, y, field = 1e5 * numpy.arange(5), 1e5 * numpy.arange(4), values(2, 4, 5)
    lon, lat = 178 + x[None] * 1e-5 + y[:, None] * 2e-6, 60 + y[:, None] * 1e-5 + x[None] * 1e-6
    lon = (lon + 180) % 360 - 180
    lat = numpy.ma.masked_array(lat, False)
    lat[2, 1] = numpy.ma.masked
    time_axis(made, [0, 6])
    put(made, "x", "f8", ("x",), x, units="m", standard_name="projection_x_coordinate")
    put(made, "y", "f8", ("y",), y, units="m", standard_name="projection_y_coordinate")
    put(made, "lon", "f8", ("x", "y"), lon.T, units="degrees_east")
    put(made, "lat", "f8", ("x", "y"), lat.T, units="degrees_north", fill=1e20)
    put(made, "h", "f4", ("time", "y", "x"), field, coordinates="lon lat", units="m")
    keep = ~numpy.ma.getmaskarray(lat).ravel()
    places = numpy.stack([lon.ravel(), lat.data.ravel()], 1)[keep]
    finish(made, 2, rows_of([0, 6], places, field.reshape(2, -1)[:, keep]))


def depth():
    """Three axes of space; unsigned bytes stored as signed; a variable on fewer axes beside it."""
    made = start("depth", time=2, depth=3, lat=4, lon=5, nv=2)
    lon, lat, z = 10.0 * numpy.arange(5), 50.0 - numpy.arange(4), numpy.array([0.5, 10, 50])
    raw = numbers.integers(0, 256, size=(2, 3, 4, 5)).astype("u1")
    raw[0, 0, 0, :2] = 255
    time_axis(made, [0, 6])
    put(made, "depth", "f4", ("depth",), z, units="m", positive="down", bounds="depth_bnds")
    put(made, "depth_bnds", "f4", ("depth", "nv"), numpy.stack([z, z + 1], 1))
    put(made, "lat", "f8", ("lat",), lat, units="degrees_north")
    put(made, "lon", "f8", ("lon",), lon, units="degrees_east")
    temperature = made.createVariable("theta", "i1", ("time", "depth", "lat", "lon"), zlib=True,
                                      chunksizes=(1, 2, 3, 2), fill_value=numpy.int8(-1))
    temperature.setncatts({"_Unsigned": "true", "scale_factor": 0.1, "add_offset": -2.0,
                           "units": "degC", "ancillary_variables": "quality"})
    temperature.set_auto_maskandscale(False)
    temperature[...] = raw.view("i1")
    put(made, "quality", "i1", ("time", "depth", "lat", "lon"), 1)
    put(made, "ssh", "f4", ("time", "lat", "lon"), values(2, 4, 5), units="m")
    field = numpy.where(raw == 255, numpy.nan, raw * 0.1 - 2.0)
    depths, lats, lons = (a.ravel() for a in numpy.meshgrid(z, lat, lon, indexing="ij"))
    finish(made, 3, rows_of([0, 6], numpy.stack([lons, lats, depths], 1), field.reshape(2, -1)))


def months():
    """Months since the last day of one; longitudes across the seam; the axis of time counts steps, and
    another variable says when they are."""
    made = start("months", step=5, lat=3, lon=6)
    lon, lat, field = numpy.array([176.0, 178, 180, -178, -176, -174]), numpy.arange(3.0), values(5, 3, 6)
    time_axis(made, [0, 1, 2, 3, 4.5], "months since 2000-01-31 06:00", "valid_time", "step")
    put(made, "step", "f8", ("step",), numpy.arange(5), units="days", standard_name="forecast_period")
    put(made, "made_at", "f8", ("step",), numpy.zeros(5), units="days since 2000-01-01",
        standard_name="forecast_reference_time")
    put(made, "lat", "f8", ("lat",), lat, units="degrees_north")
    put(made, "lon", "f8", ("lon",), lon, units="degrees_east")
    put(made, "sst", "f4", ("step", "lat", "lon"), field, units="K")
    dates = [datetime.date(2000, *d) for d in ((1, 31), (2, 29), (3, 31), (4, 30), (5, 31), (6, 30))]
    days = [(d - dates[0]).days for d in dates]
    times = days[:4] + [(days[4] + days[5]) / 2]
    places = numpy.stack([a.ravel() for a in numpy.meshgrid(lon, lat)], 1)
    finish(made, 2, rows_of(times, places, field.reshape(5, -1)))


def members():
    """An ensemble: independent sequences."""
    made = start("members", realization=3, time=4, lat=2, lon=3)
    lon, lat, field = 10.0 * numpy.arange(3), 5.0 * numpy.arange(2), values(3, 4, 2, 3)
    time_axis(made, [0, 1, 2, 3])
    put(made, "realization", "i4", ("realization",), [1, 2, 3], standard_name="realization", units="1")
    put(made, "lat", "f8", ("lat",), lat, units="degrees_north")
    put(made, "lon", "f8", ("lon",), lon, units="degrees_east")
    put(made, "t", "f4", ("realization", "time", "lat", "lon"), field, units="K")
    places = numpy.stack([a.ravel() for a in numpy.meshgrid(lon, lat)], 1)
    finish(made, 2, [(m, *row[1:]) for m in range(3)
                     for row in rows_of(range(4), places, field[m].reshape(4, -1))])


def one_time():
    """A scalar time coordinate; longitude and latitude on dimensions of other names."""
    made = start("one_time", ny=3, nx=4)
    lon, lat, field = 10.0 * numpy.arange(4), 5.0 * numpy.arange(3), values(3, 4)
    put(made, "time", "f8", (), 17.5, units="days since 2020-01-01")
    put(made, "height", "f8", (), 2.0, units="m", positive="up")
    put(made, "latitude", "f8", ("ny",), lat, units="degrees_north")
    put(made, "longitude", "f8", ("nx",), lon, units="degrees_east")
    put(made, "mask", "f4", ("ny", "nx"), values(3, 4))
    put(made, "t", "f4", ("ny", "nx"), field, units="K", coordinates="time height latitude longitude")
    places = numpy.stack([a.ravel() for a in numpy.meshgrid(lon, lat)], 1)
    finish(made, 2, rows_of([17.5], places, field.reshape(1, -1)))


def repeated_places():
    """Longitudes and latitudes repeated for every time, as weather models write them; times that
    are not named like their dimension; a vertical axis of length 1."""
    made = start("repeated_places", Time=None, bottom_top=1, south_north=3, west_east=4)
    lon = numpy.linspace(-100, -97, 4)[None] + numpy.linspace(0, 0.3, 3)[:, None]
    lat = numpy.linspace(40, 42, 3)[:, None] + numpy.linspace(0, 0.2, 4)[None]
    field = values(2, 1, 3, 4)
    for name, place, units in (("XLAT", lat, "degree_north"), ("XLONG", lon, "degree_east")):
        put(made, name, "f4", ("Time", "south_north", "west_east"), numpy.stack([place, place]),
            units=units, MemoryOrder="XY ")
    put(made, "XTIME", "f4", ("Time",), [0, 180], units="minutes since 2000-01-24 12:00:00")
    put(made, "T2", "f4", ("Time", "bottom_top", "south_north", "west_east"), field, units="K",
        coordinates="XLONG XLAT XTIME")
    places = numpy.stack([lon.astype("f4").ravel(), lat.astype("f4").ravel()], 1)
    finish(made, 2, rows_of([0, 180], places, field.reshape(2, -1)))


if __name__ == "__main__":
    for make in (rotated, projected, true_places, depth, months, members, one_time, repeated_places):
        make()
