#!/usr/bin/env python3
"""Writes expressions.txt: the water level of points_tide.nc by netCDF4 and numpy.

    python3 make_expressions.py        beside points_tide.nc (make_points_meshes.py)

First line: points that are wet in every frame, sum of level = depth + elevation over them. Then the
values at all of them: time, x, y, level.
"""
import os
import netCDF4
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
with netCDF4.Dataset(os.path.join(here, "points_tide.nc")) as data:
    depth = data["depth"]
    x, y = data["node_x"][:].astype(float), data["node_y"][:].astype(float)
    time = data[depth.dimensions[0]][:].astype(float)
    values = depth[:].filled(np.nan).astype(np.float64)
    elevation = data["elevation"][:].filled(np.nan).astype(np.float64)

wet = (values > 0).all(axis=0) & np.isfinite(elevation)
level = (values.astype(np.float32).astype(float) + elevation.astype(np.float32)).astype(np.float32)
with open(os.path.join(here, "expressions.txt"), "w") as out:
    out.write(f"{wet.sum()} {level[:, wet].astype(float).sum():.17g}\n")
    for f in range(len(time)):
        for p in np.flatnonzero(wet):
            out.write(f"{time[f]:.17g} {x[p]:.17g} {y[p]:.17g} {level[f, p]:.9g}\n")
