"""Files of point observations in each layout of the CF conventions (chapter 9), excerpts of real
ones, and the values that fieldcast is expected to find in them, for tests/io/test_cf_points.c.

The synthetic cases start from a list of observations, which is written to the file in one layout
or another with netCDF4-python and noted as it is: what reads the file has to come back to the list.

    python3 make_points_cases.py path/to/stations_molene_hourly.nc

points_cases.txt: for each case "case NAME FILE VARIABLE DIMS FRAMES SETS COUNT", where SETS is the
number of point sets (0 = any), and COUNT lines "time x y z value" with z = 0 in two dimensions.
"""

import random
import sys

import netCDF4
import numpy as np

SINCE = "hours since 2020-01-01"
FILL = -999.0


class Cases:
    """A netCDF file with cases that have dimensions of their own, and the notes on them."""

    def __init__(self, name, out):
        self.name, self.out = name, out
        self.file = netCDF4.Dataset(name, "w", format="NETCDF4")

    def put(self, name, dimensions, values, kind="f8", fill=None, **attributes):
        values = np.asarray(values)
        for dimension, size in zip(dimensions, values.shape):
            if dimension not in self.file.dimensions:
                self.file.createDimension(dimension, size)
        variable = self.file.createVariable(name, kind, dimensions, fill_value=fill)
        variable.setncatts(attributes)
        variable.set_auto_maskandscale(False)
        variable[...] = values
        return variable

    def lonlat(self, case, dimensions, lon, lat, fill=None):
        self.put(case + "_lon", dimensions, lon, fill=fill, units="degrees_east")
        self.put(case + "_lat", dimensions, lat, fill=fill, units="degrees_north")

    def note(self, case, observed, dims=2, sets=0, variable=None):
        """observed: (time, x, y, z, value)"""
        frames = len({row[0] for row in observed})
        self.out.write(f"case {case} {self.name} {variable or case} {dims} {frames} {sets} "
                       f"{len(observed)}\n")
        for row in observed:
            self.out.write(" ".join(repr(float(number)) for number in row) + "\n")


def coordinates(case, *names):
    return " ".join(f"{case}_{name}" for name in names)


# ------------------------------------------------------------------ time series

STATIONS = [(-4.5, 48.25), (-3.0, 47.5), (-2.25, 48.875), (-1.5, 46.0)]
ALTITUDES = [10.0, 250.0, 31.5, 7.0]


def value(station, time):
    return 100.0 * (station + 1) + time


def series(stations=len(STATIONS)):
    """Per station its own times."""
    own = [[0.0, 1.0, 2.0, 6.0], [1.0, 6.0], [0.0, 2.5, 6.0], [12.0]]
    return [[(t, value(s, t)) for t in own[s]] for s in range(stations)]


def rows(records, lost=()):
    return [(t, *STATIONS[s], 0.0, v) for s, record in enumerate(records) for t, v in record
            if s not in lost]


def incomplete(cases):
    """A time for every element, padded; the second station has no longitude."""
    records = series()
    width = max(map(len, records)) + 1
    time, data = np.full((4, width), FILL), np.full((4, width), FILL)
    for s, record in enumerate(records):
        for k, (t, v) in enumerate(record):
            time[s, k], data[s, k] = t, v
    lon, lat = np.array(STATIONS).T
    lon = lon.copy()
    lon[1] = FILL
    d = ("inc_station", "inc_obs")
    cases.put("inc_time", d, time, fill=FILL, units=SINCE)
    cases.lonlat("inc", d[:1], lon, lat, fill=FILL)
    cases.put("inc_alt", d[:1], ALTITUDES, units="m", positive="up", axis="Z")
    cases.put("inc", d, data, "f4", fill=FILL, coordinates=coordinates("inc", "time", "lon", "lat",
                                                                       "alt"))
    cases.note("inc", rows(records, lost=[1]))


def contiguous(cases):
    """Packed; one station has no observations, and the last element belongs to none."""
    records = series(3)
    records.insert(1, [])
    stations = [STATIONS[0], (0.0, 0.0), *STATIONS[1:3]]
    flat = [(t, v) for record in records for t, v in record] + [(77.0, 0.0)]
    cases.put("con_size", ("con_station",), [len(r) for r in records], "i4",
              sample_dimension="con_obs")
    cases.put("con_time", ("con_obs",), [t for t, _ in flat], units=SINCE)
    cases.lonlat("con", ("con_station",), *np.array(stations).T)
    cases.put("con_height", ("con_station",), [4.0, 5.0, 6.0, 7.0], units="m")
    cases.put("con", ("con_obs",), [round((v - 100.0) / 0.5) for _, v in flat], "i2", fill=-1,
              scale_factor=0.5, add_offset=100.0, coordinates=coordinates("con", "time", "lon",
                                                                          "lat"))
    cases.note("con", [(t, *stations[s], 0.0, v) for s, r in enumerate(records) for t, v in r])


def indexed(cases):
    """In no order at all; one observation belongs to no station, one value is missing."""
    records = series()
    flat = [(s, t, v) for s, record in enumerate(records) for t, v in record] + [(-9, 5.0, 1.0)]
    random.Random(1).shuffle(flat)
    gap = next(i for i, row in enumerate(flat) if row[0] == 2)
    cases.put("ind_index", ("ind_obs",), [s for s, _, _ in flat], "i4", fill=-9,
              instance_dimension="ind_station")
    cases.put("ind_time", ("ind_obs",), [t for _, t, _ in flat], units=SINCE)
    cases.lonlat("ind", ("ind_station",), *np.array(STATIONS).T)
    cases.put("ind", ("ind_obs",), [np.nan if i == gap else v for i, (_, _, v) in enumerate(flat)],
              "f4", coordinates=coordinates("ind", "time", "lon", "lat"))
    cases.note("ind", [(t, *STATIONS[s], 0.0, v) for i, (s, t, v) in enumerate(flat)
                       if s >= 0 and i != gap])


def shared(cases):
    """Nearly all stations at all times, as a ragged array: they share one point set."""
    flat = [(s, t, value(s, t)) for s in range(4) for t in range(6) if (s, t) != (2, 3)]
    cases.put("shr_index", ("shr_obs",), [s for s, _, _ in flat], "i8",
              instance_dimension="shr_station")
    cases.put("shr_time", ("shr_obs",), [t for _, t, _ in flat], units=SINCE)
    cases.lonlat("shr", ("shr_station",), *np.array(STATIONS).T)
    cases.put("shr_height", ("shr_station",), [4.0, 5.0, 6.0, 7.0], units="m")
    cases.put("shr", ("shr_obs",), [v for _, _, v in flat], "f4",
              coordinates=coordinates("shr", "time", "lon", "lat"))
    cases.note("shr", [(t, *STATIONS[s], 0.0, v) for s, t, v in flat], sets=1)


def falling(cases):
    """All stations at all times, which decrease; station first; one station is nowhere."""
    times = [9.0, 6.0, 5.0, 1.0]
    lon, lat = np.array(STATIONS).T
    lat = lat.copy()
    lat[3] = np.nan
    cases.put("fal_time", ("fal_when",), times, units=SINCE)
    cases.lonlat("fal", ("fal_station",), lon, lat)
    cases.put("fal", ("fal_station", "fal_when"), [[value(s, t) for t in times] for s in range(4)],
              coordinates=coordinates("fal", "time", "lon", "lat"))
    cases.note("fal", [(t, *STATIONS[s], 0.0, value(s, t)) for s in range(3) for t in times],
               sets=1)


def rising(cases):
    """The same with times that increase, which is read frame by frame."""
    times = [1.0, 5.0, 6.0, 9.0, 10.0]
    lon, lat = np.array(STATIONS).T
    lon = lon.copy()
    lon[0] = np.nan
    cases.put("ris_time", ("ris_when",), times, units=SINCE)
    cases.lonlat("ris", ("ris_station",), lon, lat)
    cases.put("ris_alt", ("ris_station",), ALTITUDES, units="m", positive="up")
    cases.put("ris", ("ris_station", "ris_when"), [[value(s, t) for t in times] for s in range(4)],
              coordinates=coordinates("ris", "time", "lon", "lat", "alt"))
    cases.note("ris", [(t, *STATIONS[s], 0.0, value(s, t)) for s in range(1, 4) for t in times],
               sets=1)


def lone(cases):
    """A single station with scalar coordinates."""
    times = [0.0, 1.0, 3.0]
    cases.put("lon_time", ("lone_obs",), times, units=SINCE)
    cases.put("lone_lon", (), 12.5, units="degrees_east")
    cases.put("lone_lat", (), 55.0, units="degrees_north")
    cases.put("lone", ("lone_obs",), [value(0, t) for t in times], "f4",
              coordinates="lon_time lone_lon lone_lat")
    cases.note("lone", [(t, 12.5, 55.0, 0.0, value(0, t)) for t in times], sets=1)


def mooring(cases):
    """Instruments above each other: depth tells them apart."""
    depths = [5.0, 20.0, 50.0]
    times = [0.0, 1.0]
    cases.put("moo_time", ("moo_when",), times, units=SINCE)
    cases.lonlat("moo", ("moo_sensor",), [10.0] * 3, [60.0] * 3)
    cases.put("moo_depth", ("moo_sensor",), depths, units="m", positive="down")
    cases.put("moo", ("moo_when", "moo_sensor"), [[value(s, t) for s in range(3)] for t in times],
              coordinates=coordinates("moo", "time", "lon", "lat", "depth"))
    cases.note("moo", [(t, 10.0, 60.0, depths[s], value(s, t)) for s in range(3) for t in times],
               dims=3, sets=1)


# ------------------------------------------------------------------ trajectories and points


def drifters(cases):
    """Contiguous ragged trajectories; the position of one observation is missing."""
    tracks = [[(k, 1.0 + 0.5 * k, 50.0 + 0.25 * k, 10.0 + k) for k in range(5)],
              [(k, 3.0 - 0.5 * k, 52.0, 20.0 + k) for k in range(2, 4)]]
    flat = [row for track in tracks for row in track]
    lon = [np.nan if i == 3 else x for i, (_, x, _, _) in enumerate(flat)]
    cases.put("dri_size", ("dri_traj",), [len(t) for t in tracks], "i4",
              sample_dimension="dri_obs")
    cases.put("dri_time", ("dri_obs",), [t for t, _, _, _ in flat], units=SINCE)
    cases.lonlat("dri", ("dri_obs",), lon, [y for _, _, y, _ in flat])
    cases.lonlat("dri_start", ("dri_traj",), [1.0, 2.0], [50.0, 52.0])
    cases.put("dri", ("dri_obs",), [v for _, _, _, v in flat], "f4",
              coordinates=coordinates("dri", "time", "lon", "lat"))
    cases.note("dri", [(t, x, y, 0.0, v) for i, (t, x, y, v) in enumerate(flat) if i != 3])


def gliders(cases):
    """Trajectories as rows of equal length, padded, with depths."""
    time, lon, lat, z, data = (np.full((2, 4), np.nan) for _ in range(5))
    observed = []
    for g in range(2):
        for k in range(4 - g):
            row = (2.0 * k, 5.0 + g + 0.125 * k, 40.0 + g, 10.0 * k, 1000.0 * (g + 1) + k)
            time[g, k], lon[g, k], lat[g, k], z[g, k], data[g, k] = row
            observed.append(row)
    d = ("gli_traj", "gli_obs")
    cases.put("gli_time", d, time, units=SINCE)
    cases.lonlat("gli", d, lon, lat)
    cases.put("gli_depth", d, z, units="m", positive="down")
    cases.put("gli", d, data, coordinates=coordinates("gli", "time", "lon", "lat", "depth"))
    cases.note("gli", observed, dims=3)


def reports(cases):
    """Points; two of them at the same time and place, which is legal for points."""
    observed = [(0.0, 1.0, 50.0, 0.0, 1.0), (0.0, 2.0, 51.0, 0.0, 2.0), (3.0, 1.5, 50.5, 0.0, 3.0),
                (0.0, 1.0, 50.0, 0.0, 4.0), (1.0, 9.0, 55.0, 0.0, 5.0)]
    cases.put("rep_time", ("rep_obs",), [row[0] for row in observed], "i4", units=SINCE)
    cases.lonlat("rep", ("rep_obs",), [row[1] for row in observed], [row[2] for row in observed])
    cases.put("rep", ("rep_obs",), [row[4] for row in observed], "f4",
              coordinates=coordinates("rep", "time", "lon", "lat"))
    cases.note("rep", observed, sets=3)


def ship(cases):
    """One trajectory along the time axis, in metres of a map."""
    observed = [(t, 466115.602 + 10.5 * t, 3597131.32 + 3.25 * t, 0.0, t * t) for t in
                (0.0, 1.0, 2.0, 5.0)]
    cases.put("shi_time", ("shi_obs",), [row[0] for row in observed], units=SINCE)
    cases.put("shi_x", ("shi_obs",), [row[1] for row in observed], units="m",
              standard_name="projection_x_coordinate")
    cases.put("shi_y", ("shi_obs",), [row[2] for row in observed], units="m",
              standard_name="projection_y_coordinate")
    cases.put("shi", ("shi_obs",), [row[4] for row in observed], "f4",
              coordinates=coordinates("shi", "time", "x", "y"))
    cases.note("shi", observed, sets=4)


# ------------------------------------------------------------------ profiles


def soundings(cases):
    """Profiles with common depths."""
    where, depths = [(0.0, 1.0, 50.0), (6.0, 2.0, 51.0)], [0.0, 10.0, 30.0]
    cases.put("sou_time", ("sou_profile",), [w[0] for w in where], units=SINCE)
    cases.lonlat("sou", ("sou_profile",), [w[1] for w in where], [w[2] for w in where])
    cases.put("sou_z", ("sou_level",), depths, units="m", positive="down")
    cases.put("sou", ("sou_profile", "sou_level"), [[10 * p + k for k in range(3)] for p in
                                                    range(2)], "f4",
              coordinates=coordinates("sou", "time", "lon", "lat", "z"))
    cases.note("sou", [(*where[p], depths[k], 10 * p + k) for p in range(2) for k in range(3)],
               dims=3, sets=2)


def towers(cases):
    """Profiles at stations that share times and heights."""
    heights, times = [2.0, 10.0], [0.0, 1.0, 2.0]
    cases.put("tow_time", ("tow_when",), times, units=SINCE)
    cases.lonlat("tow", ("tow_station",), *np.array(STATIONS).T)
    cases.put("tow_z", ("tow_level",), heights, units="m", positive="up")
    data = [[[value(s, t) + 0.25 * k for k in range(2)] for s in range(4)] for t in times]
    cases.put("tow", ("tow_when", "tow_station", "tow_level"), data, "f4",
              coordinates=coordinates("tow", "time", "lon", "lat", "z"))
    cases.note("tow", [(t, *STATIONS[s], heights[k], value(s, t) + 0.25 * k) for t in times
                       for s in range(4) for k in range(2)], dims=3, sets=1)


def casts(cases):
    """Observations belong to profiles, profiles to stations."""
    profiles = [(1, 0.0, [5.0, 10.0]), (0, 0.0, [5.0]), (1, 6.0, [5.0, 10.0, 20.0])]
    flat = [(s, t, z) for s, t, levels in profiles for z in levels]
    cases.put("cas_index", ("cas_profile",), [p[0] for p in profiles], "i4",
              instance_dimension="cas_station")
    cases.put("cas_size", ("cas_profile",), [len(p[2]) for p in profiles], "i4",
              sample_dimension="cas_obs")
    cases.put("cas_time", ("cas_profile",), [p[1] for p in profiles], units=SINCE)
    cases.lonlat("cas", ("cas_station",), *np.array(STATIONS[:2]).T)
    cases.put("cas_z", ("cas_obs",), [z for _, _, z in flat], units="m", positive="down")
    cases.put("cas", ("cas_obs",), [value(s, t) + z for s, t, z in flat], "f4",
              coordinates=coordinates("cas", "time", "lon", "lat", "z"))
    cases.note("cas", [(t, *STATIONS[s], z, value(s, t) + z) for s, t, z in flat], dims=3)


# ------------------------------------------------------------------ faults, and real stations


def faults(cases):
    """What must be refused: two values of one station at one time; an axis without coordinates."""
    cases.put("twi_index", ("twi_obs",), [0, 1, 0], "i4", instance_dimension="twi_station")
    cases.put("twi_time", ("twi_obs",), [3.0, 3.0, 3.0], units=SINCE)
    cases.lonlat("twi", ("twi_station",), *np.array(STATIONS[:2]).T)
    cases.put("twi", ("twi_obs",), [1.0, 2.0, 3.0], coordinates=coordinates("twi", "time", "lon",
                                                                            "lat"))
    cases.put("ens", ("ris_when", "ris_station", "member"), np.ones((5, 4, 2)),
              coordinates=coordinates("ris", "time", "lon", "lat"))


def molene(source, out):
    """Ten stations, two of them without coordinates, at twelve times; nothing declares them."""
    chosen, when = [0, 5, 14, 18, 20, 22, 31, 41, 50, 54], slice(100, 112)
    with netCDF4.Dataset("points_molene.nc", "w", format="NETCDF4") as target:
        target.createDimension("time", 12)
        target.createDimension("station", len(chosen))
        for name in ("time", "station_id", "lat", "lon", "altitude", "t", "u"):
            old = source[name]
            new = target.createVariable(name, old.dtype, old.dimensions,
                                        fill_value=getattr(old, "_FillValue", None))
            new.setncatts({k: old.getncattr(k) for k in old.ncattrs() if k != "_FillValue"})
            where = {"time": when, "station": chosen}
            new[...] = old[tuple(where[d] for d in old.dimensions)]
        target.source = source.source
    with netCDF4.Dataset("points_molene.nc") as made:
        cases = Cases.__new__(Cases)
        cases.name, cases.out = "points_molene.nc", out
        for name in "tu":
            time, lon, lat, data = (np.ma.filled(made[v][...].astype("f8"), np.nan)
                                    for v in ("time", "lon", "lat", name))
            observed = [(time[t], lon[s], lat[s], 0.0, data[t, s])
                        for t in range(12) for s in range(len(chosen))
                        if not np.isnan(lon[s] + data[t, s])]
            cases.note("molene_" + name, observed, sets=1, variable=name)


if __name__ == "__main__":
    with open("points_cases.txt", "w") as text:
        made = Cases("points_cases.nc", text)
        made.file.featureType = "timeSeries"
        for write in (incomplete, contiguous, indexed, shared, falling, rising, lone, mooring,
                      drifters, gliders, reports, ship, soundings, towers, casts, faults):
            write(made)
        made.file.close()
        with netCDF4.Dataset(sys.argv[1]) as stations:
            molene(stations, text)
