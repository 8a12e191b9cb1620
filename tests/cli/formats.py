"""Reads what fieldcast wrote with other programs' libraries and compares it, value for value, with
the same dataset as CSV.

    formats.py READER FILE TABLE.csv      READER: xarray, vtkhdf, vtk, xdmf, well
    formats.py ragged FILE                writes a dataset of moving points and unequal times
    formats.py box FILE                   writes a dataset on a grid in three dimensions
    formats.py has MODULE...              exit status 0 when all can be imported

A reader gives rows (sequence, time, coordinates..., values...) in any order; missing values are
left out of both sides. Nothing here shares code with fieldcast.
"""

import csv
import importlib
import sys


def table_rows(path):
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    names = [name for name in rows[0] if name != "date"]
    wanted = [i for i, name in enumerate(rows[0]) if name != "date"]
    dates = {}
    if "date" in rows[0]:
        column = rows[0].index("date")
        dates = {float(row[1]): row[column] for row in rows[1:]}
    numbers = [tuple(float(row[i]) if row[i] else np.nan for i in wanted) for row in rows[1:]]
    return names, numbers, dates


def compare(names, wanted, found, exact=True):
    """Both sides sorted by sequence, time and coordinates."""

    def order(rows):
        rows = np.array(sorted(rows, key=lambda row: tuple(np.round(row, 9))), dtype=float)
        return rows[~np.isnan(rows[:, -1])]

    a, b = order(wanted), order(found)
    assert a.shape == b.shape, f"{b.shape} instead of {a.shape}"
    if exact:
        a, b = a.copy(), b.copy()
        values = [i for i, name in enumerate(names) if i > 1 and name not in COORDINATES]
        a[:, values] = a[:, values].astype(np.float32)
    tolerance = 0 if exact else 1e-6
    assert np.allclose(a, b, rtol=tolerance, atol=tolerance), abs(a - b).max(axis=0)
    assert len(a) > 0


COORDINATES = ("x", "y", "height", "longitude", "latitude")


def split_names(names):
    axes = [name for name in names if name in COORDINATES]
    return axes, [name for name in names[2:] if name not in COORDINATES]


def read_xarray(path, names, dates):
    """Through xarray with both of its engines, times decoded, coordinates as xarray finds them."""
    import xarray

    axes, channels = split_names(names)
    for engine in ("netcdf4", "h5netcdf"):
        data = xarray.open_dataset(path, engine=engine)
        raw = xarray.open_dataset(path, engine=engine, decode_times=False)
        assert data.attrs["Conventions"] == "CF-1.11", data.attrs
        for number, date in dates.items():
            at = np.flatnonzero(raw["time"].values == number)[0]
            found = np.datetime64(data["time"].values[at], "m")
            assert found == np.datetime64(date, "m"), (found, date)
        if "frame_count" in data:
            yield rows_of_ragged(raw, axes, channels)
            continue
        first = raw[channels[0]]
        for axis in axes:
            assert axis in first.coords, f"{axis} is no coordinate of {channels[0]}"
        yield rows_of_array(raw, axes, channels)


def rows_of_array(raw, axes, channels):
    array = raw[channels[0]]
    if "sequence" not in array.dims:
        raw = raw.expand_dims("sequence")
    order = ["sequence", "time", *[d for d in raw[channels[0]].dims if d not in ("sequence", "time")]]
    values = [raw[name].transpose(*order).values for name in channels]
    shape = values[0].shape[2:]
    if "point" in order:
        places = [raw[axis].values for axis in axes]
    else:
        places = [np.broadcast_to(raw[axis].values.reshape([-1 if d == axis else 1 for d in order[2:]]),
                                  shape).ravel() for axis in axes]
    rows = []
    for s in range(values[0].shape[0]):
        for t, time in enumerate(raw["time"].values):
            here = [value[s, t].ravel() for value in values]
            rows += [(s, time, *row) for row in zip(*places, *here)]
    return rows


def rows_of_ragged(raw, axes, channels):
    starts = np.concatenate([[0], np.cumsum(raw["point_count"].values)])
    rows, frame, next_value = [], 0, 0
    for s, count in enumerate(raw["frame_count"].values):
        for f in range(frame, frame + count):
            chosen = raw["frame_point_set"].values[f]
            points = slice(starts[chosen], starts[chosen + 1])
            size = points.stop - points.start
            columns = [raw[axis].values[points] for axis in axes]
            columns += [raw[name].values[next_value:next_value + size] for name in channels]
            rows += [(s, raw["time"].values[f], *row) for row in zip(*columns)]
            next_value += size
        frame += count
    return rows


def sequence_arrays(group, channels):
    """Names of the arrays of each sequence."""
    if channels[0] in group:
        return [list(channels)]
    count = sum(1 for name in group if name.startswith(channels[0] + "_") and name[len(channels[0]) + 1:].isdigit())
    return [[f"{name}_{s}" for name in channels] for s in range(count)]


def read_vtkhdf(path, names, dates):
    """After the specification, with h5py alone."""
    import h5py

    axes, channels = split_names(names)
    with h5py.File(path) as file:
        root = file["VTKHDF"]
        kind = root.attrs["Type"]
        assert isinstance(kind, bytes), "Type must be text of fixed length"
        steps = root.get("Steps")
        times = steps["Values"][:] if steps else [None]
        assert not steps or steps.attrs["NSteps"] == len(times)
        assert tuple(root.attrs["Version"]) == ((2, 0) if steps else (1, 0))
        rows = []
        for s, arrays in enumerate(sequence_arrays(root["PointData"], channels)):
            for i, time in enumerate(times):
                if kind == b"ImageData":
                    extent = root.attrs["WholeExtent"].reshape(3, 2)
                    grid = np.meshgrid(*[o + h * np.arange(n[0], n[1] + 1) for o, h, n in
                                         zip(root.attrs["Origin"], root.attrs["Spacing"], extent)],
                                       indexing="ij")
                    places = [x.transpose(2, 1, 0).ravel() for x in grid][:len(axes)]
                    values = [root["PointData"][name][steps["PointDataOffsets"][name][i]]
                              if steps else root["PointData"][name][()] for name in arrays]
                else:
                    part = steps["PartOffsets"][i] if steps else 0
                    start = steps["PointOffsets"][i] if steps else 0
                    count = root["NumberOfPoints"][part]
                    places = list(root["Points"][start:start + count].T)[:len(axes)]
                    cells = slice(*([steps["ConnectivityIdOffsets"][i, 0]] * 2 if steps else (0, 0)))
                    assert (root["Connectivity"][cells.start:cells.start + count] == np.arange(count)).all()
                    first = (steps["CellOffsets"][i, 0] if steps else 0) + part
                    assert (root["Offsets"][first:first + count + 1] == np.arange(count + 1)).all()
                    assert (root["Types"][:] == 1).all()
                    offsets = [steps["PointDataOffsets"][name][i] if steps else 0 for name in arrays]
                    values = [root["PointData"][name][o:o + count] for name, o in zip(arrays, offsets)]
                values = [value.ravel() for value in values]
                rows += [(s, ANY if time is None else time, *row) for row in zip(*places, *values)]
        yield rows


def read_vtk(path, names, dates):
    """A file of one time through VTK itself."""
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    axes, channels = split_names(names)
    reader = vtk.vtkHDFReader()
    assert reader.CanReadFile(path)
    reader.SetFileName(path)
    reader.Update()
    data = reader.GetOutputDataObject(0)
    if data.IsA("vtkMultiBlockDataSet") or data.IsA("vtkPartitionedDataSet"):
        data = data.GetPartition(0)
    places = np.array([data.GetPoint(i) for i in range(data.GetNumberOfPoints())])
    found = data.GetPointData()
    rows = []
    held = [found.GetArrayName(i) for i in range(found.GetNumberOfArrays())]
    for s, arrays in enumerate(sequence_arrays(held, channels)):
        values = [vtk_to_numpy(found.GetArray(name)) for name in arrays]
        rows += [(s, ANY, *place[:len(axes)], *row) for place, *row in zip(places, *values)]
    yield rows


def read_xdmf(path, names, dates):
    """Follows the text into the HDF5 file."""
    import os
    import xml.etree.ElementTree as tree

    import h5py

    def item(node):
        if node.get("ItemType") == "HyperSlab":
            select = np.fromstring(node[0].text, dtype=int, sep=" ").reshape(3, -1)
            array = source(node[1])
            box = tuple(slice(a, a + b * c, b) for a, b, c in select.T)
            return array[box].reshape([int(n) for n in node.get("Dimensions").split()])
        if node.get("Format") == "XML":
            return np.fromstring(node.text, sep=" ")
        return source(node)[()]

    def source(node):
        assert node.get("Format") == "HDF"
        name, inside = node.text.rsplit(":", 1)
        array = h5py.File(os.path.join(os.path.dirname(path), name))[inside]
        assert array.shape == tuple(int(n) for n in node.get("Dimensions").split())
        assert array.dtype.itemsize == int(node.get("Precision")) and array.dtype.kind == "f"
        return array

    axes, channels = split_names(names)
    root = tree.parse(path).getroot()
    assert root.tag == "Xdmf" and root.get("Version") == "2.0"
    rows = []
    for s, collection in enumerate(root.find("Domain")):
        assert collection.get("CollectionType") == "Temporal"
        for grid in collection.findall("Grid"):
            time = float(grid.find("Time").get("Value"))
            topology, geometry = grid.find("Topology"), grid.find("Geometry")
            places = [item(node) for node in geometry]
            if topology.get("TopologyType") == "3DRectMesh":
                shape = tuple(int(n) for n in topology.get("Dimensions").split())
                assert shape == tuple(len(x) for x in places[::-1])
                places = [x.transpose(2, 1, 0).ravel() for x in np.meshgrid(*places, indexing="ij")]
            else:
                assert topology.get("TopologyType") == "Polyvertex"
                assert len(places[0]) == int(topology.get("NumberOfElements"))
                shape = (len(places[0]),)
            values = []
            for name in channels:
                node = [a for a in grid.findall("Attribute") if a.get("Name") == name][0]
                value = item(node[0])
                assert value.shape == shape and node.get("Center") == "Node"
                values.append(value.ravel())
            rows += [(s, time, *row) for row in zip(*places[:len(axes)], *values)]
    yield rows


def read_well(path, names, dates):
    import h5py

    axes, channels = split_names(names)
    with h5py.File(path) as file:
        dims = list(file["dimensions"].attrs["spatial_dims"])
        grid = np.meshgrid(*[file["dimensions"][d][:].astype(float) for d in dims], indexing="ij")
        places = [grid[dims.index(axis)].ravel() for axis in axes]
        fields = [file["t0_fields"][name] for name in channels]
        assert fields[0].attrs["sample_varying"].dtype == np.bool_
        assert all(fields[0].attrs["dim_varying"]) and fields[0].dtype == np.float32
        for dim in dims:
            edge = file["boundary_conditions"][dim + "_periodic"]
            assert edge["mask"].dtype == np.bool_ and edge["mask"][0] and edge["mask"][-1]
        for name in file.attrs["simulation_parameters"]:
            assert file["scalars"][name][()] == file.attrs[name]
        rows = []
        for s in range(file.attrs["n_trajectories"]):
            for t, time in enumerate(file["dimensions"]["time"][:].astype(float)):
                here = [field[s, t].ravel() for field in fields]
                rows += [(s, time, *row) for row in zip(*places, *here)]
        yield rows


def write_ragged(path):
    """A native dataset written by netCDF4: other points in every frame, sequences of other times."""
    import netCDF4

    random = np.random.default_rng(7)
    frames, counts = (5, 4), random.integers(20, 30, 9)
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts({"Conventions": "CF-1.11", "fieldcast_format": "dataset",
                        "fieldcast_layout": "ragged"})
        file.setncattr("fieldcast_format_version", np.int32(1))
        file.setncattr("fieldcast_record", np.int32(0))
        for name, size in (("sequence", 2), ("frame", 9), ("point_set", 9), ("axis", 2),
                           ("observation", counts.sum())):
            file.createDimension(name, size)
        file.createVariable("frame_count", "i8", ("sequence",))[:] = frames
        time = file.createVariable("time", "f8", ("frame",))
        time.setncatts({"units": "hours since 2001-02-03", "fieldcast_cycle": 0.0})
        times = np.concatenate([np.arange(5.0), 2.5 + np.arange(4.0)])
        time[:] = times
        file.createVariable("frame_point_set", "i8", ("frame",))[:] = np.arange(9)
        file.createVariable("point_count", "i8", ("point_set",))[:] = counts
        file.createVariable("point_grid", "i8", ("point_set", "axis"))[:] = 0
        places = random.uniform(0, 1, (2, counts.sum()))
        for i, name in enumerate("xy"):
            axis = file.createVariable(name, "f8", ("observation",))
            axis.setncatts({"units": "m", "fieldcast_axis": "plain", "fieldcast_lower": 0.0,
                            "fieldcast_upper": 1.0})
            axis.setncattr("fieldcast_axis_number", np.int32(i))
            axis[:] = places[i]
        w = file.createVariable("w", "f4", ("observation",), fill_value=np.float32(np.nan))
        w.setncatts({"units": "K", "fieldcast_role": "channel"})
        w[:] = np.sin(3 * places[0] + np.repeat(times, counts)) * np.cos(2 * places[1])


def write_box(path):
    """A native dataset on a grid of 6 x 5 x 4 points, with gaps and two channels."""
    import netCDF4

    random = np.random.default_rng(8)
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts({"Conventions": "CF-1.11", "fieldcast_format": "dataset",
                        "fieldcast_layout": "grid"})
        file.setncattr("fieldcast_format_version", np.int32(1))
        file.setncattr("fieldcast_record", np.int32(0))
        file.createDimension("sequence", 2)
        file.createDimension("time", 5)
        time = file.createVariable("time", "f8", ("time",))
        time.setncatts({"units": "s", "fieldcast_cycle": 0.0})
        time[:] = 0.1 * np.arange(5)
        for i, (name, size) in enumerate((("x", 6), ("y", 5), ("height", 4))):
            file.createDimension(name, size)
            axis = file.createVariable(name, "f8", (name,))
            axis.setncatts({"units": "m", "fieldcast_axis": "plain", "fieldcast_lower": 0.0,
                            "fieldcast_upper": 0.3 * (size - 1)})
            axis.setncattr("fieldcast_axis_number", np.int32(i))
            axis[:] = 0.3 * np.arange(size)
        z, y, x = np.meshgrid(*[0.3 * np.arange(n) for n in (4, 5, 6)], indexing="ij")
        for k, name in enumerate(("w", "theta")):
            values = np.array([[np.sin(x + s + t / 3) * np.cos(y - k * t / 5) + z for t in range(5)]
                               for s in range(2)])
            values[random.uniform(size=values.shape) < 0.1] = np.nan
            channel = file.createVariable(name, "f4", ("sequence", "time", "height", "y", "x"),
                                          fill_value=np.float32(np.nan))
            channel.setncatts({"units": "K", "fieldcast_role": "channel"})
            channel[:] = values


def main():
    if sys.argv[1] == "has":
        for module in sys.argv[2:]:
            importlib.import_module(module)
        return
    if sys.argv[1] in ("ragged", "box"):
        globals()["write_" + sys.argv[1]](sys.argv[2])
        return
    reader, path, table = sys.argv[1:4]
    names, wanted, dates = table_rows(table)
    for found in globals()["read_" + reader](path, names, dates):
        if found and found[0][1] == ANY:
            assert len({row[1] for row in wanted}) == 1
            found = [(row[0], wanted[0][1], *row[2:]) for row in found]
        compare(names, wanted, found, exact=reader not in ("vtkhdf", "vtk"))


ANY = -1e300  # the time of a file that has none

if sys.argv[1] != "has":
    import numpy as np

main()
