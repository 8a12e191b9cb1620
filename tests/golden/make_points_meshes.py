"""Files on unstructured meshes (UGRID 1.0), excerpts of real ones, and the values that fieldcast is
expected to find in them, for tests/io/test_ugrid.c. Notes as in make_points_cases.py.

    python3 make_points_meshes.py path/to/tide_sandiego_ugrid.nc path/to/rain_cubed_sphere_ugrid.nc

Centres of faces are computed here from the corners as they stand in the lists below.
"""

import sys

import netCDF4
import numpy as np

from make_points_cases import SINCE, Cases

TIMES = [0.0, 1.0, 4.0]


def value(place, time):
    return 100.0 * (place + 1) + time


def on_sphere(corners):
    lon, lat = np.radians(np.array(corners).T)
    x, y, z = (np.cos(lat) * np.cos(lon)).sum(), (np.cos(lat) * np.sin(lon)).sum(), np.sin(lat).sum()
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def on_plane(corners):
    return tuple(float(c) for c in np.array(corners).mean(axis=0))


def topology(cases, case, **attributes):
    mesh = cases.file.createVariable(case + "_mesh", "i4", ())
    mesh.setncatts({"cf_role": "mesh_topology", "topology_dimension": np.int32(2),
                    "node_coordinates": f"{case}_x {case}_y", **attributes})


def nodes(cases, case, places, sphere=False, names=("x", "y")):
    x, y = np.array(places).T
    units = ("degrees_east", "degrees_north") if sphere else ("m", "m")
    standard = (("longitude", "latitude") if sphere else
                ("projection_x_coordinate", "projection_y_coordinate"))
    for name, values, unit, words in zip(names, (x, y), units, standard):
        cases.put(f"{case}_{name}", (case + "_node",), values, units=unit, standard_name=words)


def data(cases, case, dimension, count, location=None, mesh=None):
    attributes = {"mesh": mesh or case + "_mesh"}
    if location:
        attributes["location"] = location
    cases.put(case, ("time", dimension), [[value(p, t) for p in range(count)] for t in TIMES], "f4",
              **attributes)


def note(cases, case, places, **more):
    cases.note(case, [(t, *p, 0.0, value(i, t)) for t in TIMES for i, p in enumerate(places)
                      if p is not None], **more)


def mixed(cases):
    """Triangles and quadrilaterals counted from 1, far from the origin; data on faces and nodes."""
    x0, y0 = 466115.602, 3597131.32
    places = [(x0 + dx, y0 + dy) for dx, dy in [(0, 0), (10, 0), (20, 1), (0, 8), (10, 9), (15, 20)]]
    faces = [[0, 1, 4, 3], [1, 2, 4], [3, 4, 5]]
    table = [[k + 1 for k in face] + [-1] * (4 - len(face)) for face in faces]
    topology(cases, "mix", face_node_connectivity="mix_faces")
    nodes(cases, "mix", places)
    cases.put("mix_faces", ("mix_face", "mix_corner"), table, "i4", fill=-1,
              start_index=np.int32(1))
    data(cases, "mix", "mix_face", 3, "face")
    note(cases, "mix", [on_plane([places[k] for k in face]) for face in faces], sets=1)
    data(cases, "mixn", "mix_node", 6, "node", "mix_mesh")
    note(cases, "mixn", places, sets=1)


def turned(cases):
    """Across the date line; latitude named first; the connectivity is transposed."""
    places = [(178.0, -10.0), (-178.0, -10.0), (-178.0, -6.0), (178.0, -5.0), (-170.0, -8.0)]
    faces = [[0, 1, 2, 3], [1, 4, 2]]
    table = np.full((4, 2), -999)
    for f, face in enumerate(faces):
        table[:len(face), f] = face
    topology(cases, "tra", face_node_connectivity="tra_faces", face_dimension="tra_face",
             node_coordinates="tra_y tra_x")
    nodes(cases, "tra", places, sphere=True)
    cases.put("tra_faces", ("tra_corner", "tra_face"), table, "i8", fill=-999)
    data(cases, "tra", "tra_face", 2, "face")
    note(cases, "tra", [on_sphere([places[k] for k in face]) for face in faces], sets=1)


def undeclared(cases):
    """Transposed without face_dimension: the data tell which axis runs through the faces."""
    places = [(0.0, 0.0), (1.0, 0.0), (0.0, 2.0), (5.0, 5.0)]
    faces = [[0, 1, 2], [1, 3, 2]]
    topology(cases, "und", face_node_connectivity="und_faces")
    nodes(cases, "und", places)
    cases.put("und_faces", ("und_corner", "und_face"), np.array(faces).T, "i4")
    data(cases, "und", "und_face", 2, "face")
    note(cases, "und", [on_plane([places[k] for k in face]) for face in faces], sets=1)


def edges(cases):
    """No attribute `location`; one node is nowhere, and with it an edge."""
    places = [(0.0, 50.0), (2.0, 50.0), (2.0, 52.0), (np.nan, 52.0)]
    ends = [[0, 1], [1, 2], [2, 3], [2, 0]]
    topology(cases, "edg", edge_node_connectivity="edg_edges")
    nodes(cases, "edg", places, sphere=True)
    cases.put("edg_edges", ("edg_edge", "two"), ends, "i4", start_index=np.int32(0))
    data(cases, "edg", "edg_edge", 4)
    note(cases, "edg", [None if 3 in pair else on_sphere([places[k] for k in pair])
                        for pair in ends], sets=1)
    data(cases, "edgb", "edg_edge", 4, mesh="edg_mesh")
    data(cases, "edgn", "edg_node", 4, mesh="edg_mesh")
    note(cases, "edgn", [*places[:3], None], sets=1)


def layers(cases):
    """Heights are the third coordinate; those of sigma layers change with the water level."""
    places, heights = [(0.0, 0.0), (3.0, 0.0), (0.0, 4.0)], [-10.0, -2.5]
    topology(cases, "lay")
    nodes(cases, "lay", places)
    cases.put("lay_z", ("lay_z",), heights, units="m", positive="up")
    cases.put("lay", ("time", "lay_z", "lay_node"),
              [[[value(p, t) + 0.5 * k for p in range(3)] for k in range(2)] for t in TIMES], "f4",
              mesh="lay_mesh", location="node")
    cases.note("lay", [(t, *places[p], heights[k], value(p, t) + 0.5 * k) for t in TIMES
                       for k in range(2) for p in range(3)], dims=3, sets=1)
    cases.put("sigma", ("sigma",), [0.25, 0.75], positive="up", formula_terms="sigma: sigma",
              standard_name="ocean_sigma_coordinate")
    for name, dimensions in (("sig", ("time", "sigma", "lay_node")),
                             ("ens", ("time", "member", "lay_node"))):
        cases.put(name, dimensions, np.ones((3, 2, 3)), "f4", mesh="lay_mesh", location="node")


def tide(source, out):
    """A patch around one node; `elevation` has no time."""
    faces = source["face_node_connectivity"][:]
    patch = np.unique(faces[np.isin(faces, faces[8000]).any(axis=1)])
    kept = faces[np.isin(faces, patch).all(axis=1)]
    new = np.searchsorted(patch, kept)
    with netCDF4.Dataset("points_tide.nc", "w", format="NETCDF4") as target:
        for name, size in (("node", len(patch)), ("time", 5), ("face", len(new)), ("nmax_face", 3)):
            target.createDimension(name, size)
        for name in source.variables:
            old = source[name]
            made = target.createVariable(name, old.dtype, old.dimensions,
                                         fill_value=getattr(old, "_FillValue", None))
            made.setncatts({k: old.getncattr(k) for k in old.ncattrs() if k != "_FillValue"})
            where = {"time": slice(0, 25, 5), "node": patch}
            if name == "face_node_connectivity":
                made[...] = new
            elif old.dimensions:
                made[...] = old[tuple(where[d] for d in old.dimensions)]
    read_back("points_tide.nc", out, "tide", "depth", "node_x", "node_y", "depth")
    read_back("points_tide.nc", out, "level", "level=depth+elevation", "node_x", "node_y", "depth",
              "elevation")


def rain(source, out):
    """Faces with their own coordinates; the time variable is named unlike its dimension."""
    chosen, when = np.arange(0, 864, 36), slice(0, 72, 24)
    with netCDF4.Dataset("points_rain.nc", "w", format="NETCDF4") as target:
        for name in ("Mesh2d_half_levels", "Mesh2d_half_levels_node_x",
                     "Mesh2d_half_levels_node_y", "Mesh2d_half_levels_face_x",
                     "Mesh2d_half_levels_face_y", "Mesh2d_half_levels_face_nodes", "time_instant",
                     "time_instant_bounds", "conv_rain"):
            old = source[name]
            sizes = {"time_counter": None, "nMesh2d_half_levels_face": len(chosen)}
            for dimension in old.dimensions:
                if dimension not in target.dimensions:
                    size = sizes.get(dimension, source.dimensions[dimension].size)
                    target.createDimension(dimension, size)
            made = target.createVariable(name, old.dtype, old.dimensions)
            made.setncatts({k: old.getncattr(k) for k in old.ncattrs()})
            where = {"time_counter": when, "nMesh2d_half_levels_face": chosen}
            if old.dimensions:
                made[...] = old[tuple(where.get(d, slice(None)) for d in old.dimensions)]
    read_back("points_rain.nc", out, "rain", "conv_rain", "Mesh2d_half_levels_face_x",
              "Mesh2d_half_levels_face_y", "conv_rain", time="time_instant")


def read_back(path, out, case, variable, x, y, *terms, time="time"):
    cases = Cases.__new__(Cases)
    cases.name, cases.out = path, out
    with netCDF4.Dataset(path) as made:
        x, y, times = (made[name][...].astype("f8") for name in (x, y, time))
        total = sum(np.asarray(made[name][...], "f4") for name in terms)
        cases.note(case, [(t, x[p], y[p], 0.0, total[k, p]) for k, t in enumerate(times)
                          for p in range(len(x))], sets=1, variable=variable)


if __name__ == "__main__":
    with open("points_meshes.txt", "w") as text:
        made = Cases("points_meshes.nc", text)
        made.put("time", ("time",), TIMES, units=SINCE)
        for write in (mixed, turned, undeclared, edges, layers):
            write(made)
        made.file.close()
        with netCDF4.Dataset(sys.argv[1]) as original:
            tide(original, text)
        with netCDF4.Dataset(sys.argv[2]) as original:
            rain(original, text)
