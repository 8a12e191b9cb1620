#!/usr/bin/env python3
"""Facts of two committed files, for tests/io/test_facts.c: facts.txt.

A line for each file and channel: what netCDF4 and numpy find, computed in double precision of
values as they come out of the file (single precision). Points and frames without any value are
left out of the share that is missing.

    python3 tests/golden/make_facts.py
"""

import pathlib

import netCDF4
import numpy as np

HERE = pathlib.Path(__file__).parent
FILES = [("cf_sst_alboran_cloudy.nc", ["SST"]), ("points_molene.nc", ["t", "u"])]


def channel(file, name):
    """(time, places) with NaN where nothing is observed."""
    values = np.ma.filled(file[name][:].astype("f4"), np.nan)
    return values.reshape(values.shape[0], -1).astype("f8")


def located(file, name):
    """Places that have coordinates, where these lie along one dimension of the variable."""
    if "lon" in file.variables and file["lon"].dimensions[0] == file[name].dimensions[-1] and (
        file["lat"].dimensions == file["lon"].dimensions
    ):
        lon, lat = (np.ma.filled(file[c][:].astype("f8"), np.nan) for c in ("lon", "lat"))
        return np.isfinite(lon) & np.isfinite(lat)
    return np.full(int(np.prod(file[name].shape[1:])), True)


def main():
    lines = ["# file channel lower upper mean deviation missing least most points frames"]
    for path, names in FILES:
        with netCDF4.Dataset(HERE / path) as file:
            fields = {n: channel(file, n)[:, located(file, n)] for n in names}
            seen = np.any([np.isfinite(f) for f in fields.values()], axis=0)
            points, frames = seen.any(axis=0), seen.any(axis=1)
            for name, field in fields.items():
                kept = field[frames][:, points]
                missing = np.isnan(kept).mean(axis=1)
                numbers = [
                    np.nanmin(kept), np.nanmax(kept), np.nanmean(kept), np.nanstd(kept),
                    np.isnan(kept).mean(), missing.min(), missing.max(),
                ]
                lines.append(" ".join([path, name] + ["%.12g" % n for n in numbers]
                                      + ["%d" % (~points).sum(), "%d" % (~frames).sum()]))
    (HERE / "facts.txt").write_text("\n".join(lines) + "\n")


main()
