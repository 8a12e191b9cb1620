"""Makes tiny files in the layouts of machine-learning benchmarks with h5py and numpy, for
tests/io/test_pdebench.c, test_well.c and test_dedalus.c.

Every field is CODE(s, t, i, j, k, c): a number from which the indices of sequence, time, x, y, z and
component can be told, so that a reader that confuses two axes is found out. The files are made after
the documents of the benchmarks; nothing is taken from them.

    python3 make_ml_datasets.py
"""

import h5py
import numpy as np


def code(s=0, t=0, i=0, j=0, k=0, c=0):
    """Exact in single precision for the few indices that occur here."""
    return c + 8 * k + 32 * j + 256 * i + 2048 * t + 32768 * s


def array(letters, **length):
    """The code on axes named by letters, in their order; others are at index 0."""
    grids = np.meshgrid(*(np.arange(length[letter]) for letter in letters), indexing="ij")
    return code(**dict(zip(letters, grids))).astype("f4")


def middles(count, lower, upper):
    return (lower + (np.arange(count) + 0.5) * (upper - lower) / count).astype("f4")


# ---------------------------------------------------------------- PDEBench


def advection():
    with h5py.File("ml_advection.h5", "w") as f:
        f.attrs["beta"] = 0.4
        f.create_dataset("tensor", data=array("sti", s=3, t=4, i=8), compression="lzf",
                         shuffle=True, chunks=(2, 3, 8))
        f["x-coordinate"] = middles(8, 0, 2)
        f["t-coordinate"] = np.linspace(0, 2, 5, dtype="f4")  # edges


def darcy():
    with h5py.File("ml_darcy.h5", "w") as f:
        f.attrs["beta"] = 1.0
        f["tensor"] = array("stij", s=2, t=1, i=5, j=3)
        f["nu"] = array("sij", s=2, i=5, j=3) + np.float32(1)
        f["x-coordinate"] = middles(5, 0, 1)
        f["y-coordinate"] = middles(3, 0, 1)


def compressible(name, letters, axes, **lengths):
    with h5py.File(name, "w") as f:
        f.attrs["eta"], f.attrs["zeta"], f.attrs["M"] = 0.1, 0.1, 0.5
        fields = ["Vx", "Vy", "Vz"][:len(axes)] + ["density", "pressure"]
        for c, field in enumerate(fields):
            packed = {"compression": "lzf", "chunks": True} if field == "density" else {}
            f.create_dataset(field, data=array(letters, **lengths) + np.float32(c), **packed)
        for axis, letter in zip(axes, "ijk"):
            f[f"{axis}-coordinate"] = middles(lengths[letter], -1, 1)
        f["t-coordinate"] = 0.25 * np.arange(lengths["t"], dtype="f4")


def groups(name, seeds, letters, run, lower, **lengths):
    with h5py.File(name, "w") as f:
        for s, (seed, frames) in enumerate(seeds):
            values = array(letters, **{**lengths, "t": frames}) + np.float32(code(s=s))
            f.create_dataset(f"{seed}/data", data=values, compression="lzf")
            f[f"{seed}/grid/x"] = middles(lengths["i"], lower, 1)
            if "j" in letters:
                f[f"{seed}/grid/y"] = middles(lengths["j"], lower, 1)
            f[f"{seed}/grid/t"] = (s + 0.5 * np.arange(frames)).astype("f4")
            if run:
                f[seed].attrs["config"] = f"data_dir: rdb\nupload: false\nname: {run}\nsim:\n  n: 1\n"


def incompressible():
    with h5py.File("ml_incompressible.h5", "w") as f:
        f.attrs["config"] = "sim_name: ns_sim_2d\ndomain_size: [1, 1]\n"
        f.attrs["latestIndex"] = 2
        packed = {"compression": "lzf", "shuffle": True}
        f.create_dataset("velocity", data=array("stijc", s=2, t=4, i=5, j=3, c=2),
                         chunks=(1, 1, 5, 3, 2), **packed)
        f.create_dataset("particles", data=array("stijc", s=2, t=4, i=5, j=3, c=1) + np.float32(2),
                         chunks=(1, 1, 5, 3, 1), **packed)
        f.create_dataset("force", data=array("sijc", s=2, i=5, j=3, c=2) + np.float32(3),
                         chunks=(1, 5, 3, 2), **packed)
        # stopped before the last frame
        f.create_dataset("t", data=np.array([[0, 1, 2, 0], [0, 2, 4, 0]], "f4"), chunks=(1, 4),
                         **packed)


# ---------------------------------------------------------------- The Well


def well_group(f, name, fields, places):
    """fields: name -> (array, sample_varying, time_varying, dim_varying, further attributes)."""
    group = f.create_group(name)
    group.attrs["field_names"] = list(fields)
    for field, (values, sample, time, along, more) in fields.items():
        group[field] = values
        attributes = {"sample_varying": sample, "time_varying": time,
                      "dim_varying": np.array(along), **more}
        for key, value in attributes.items():
            group[field].attrs[key] = value
        assert len(along) == places


def well_root(f, places, kind, trajectories):
    f.attrs["dataset_name"] = "indices"
    f.attrs["grid_type"] = kind
    f.attrs["n_spatial_dims"] = len(places)
    f.attrs["n_trajectories"] = trajectories
    f.attrs["simulation_parameters"] = ["viscosity"]
    f.attrs["viscosity"] = 0.1
    dimensions = f.create_group("dimensions")
    dimensions.attrs["spatial_dims"] = list(places)
    for name, values in places.items():
        dimensions[name] = values.astype("f4")
        dimensions[name].attrs["sample_varying"] = False
        dimensions[name].attrs["time_varying"] = False
    scalars = f.create_group("scalars")
    scalars.attrs["field_names"] = ["viscosity"]
    scalars["viscosity"] = 0.1
    scalars["viscosity"].attrs["sample_varying"] = False
    scalars["viscosity"].attrs["time_varying"] = False
    return dimensions


def well_boundary(f, axis, kind, length):
    group = f.require_group("boundary_conditions").create_group(f"{axis}_{kind}")
    group.attrs["bc_type"] = kind
    group.attrs["associated_dims"] = [axis]
    group.attrs["associated_fields"] = np.array([], dtype=h5py.string_dtype())
    group.attrs["sample_varying"] = False
    group.attrs["time_varying"] = False
    group["mask"] = np.arange(length) % (length - 1) == 0


def well():
    n = {"s": 2, "t": 3, "i": 5, "j": 4}
    both, yes, no = [True, True], True, False
    with h5py.File("ml_well.h5", "w") as f:
        dimensions = well_root(f, {"x": 0.25 * np.arange(5), "y": np.linspace(-1, 1, 4)},
                               "cartesian", 2)
        dimensions["time"] = np.array([0, 0.5, 1], "f4")
        dimensions["time"].attrs["sample_varying"] = False
        well_boundary(f, "x", "PERIODIC", 5)
        well_boundary(f, "y", "wall", 4)
        well_group(f, "t0_fields", {
            "density": (array("stij", **n), yes, yes, both, {}),
            "kappa": (array("sij", **n) + np.float32(1), yes, no, both, {}),
            "depth": (array("ij", **n) + np.float32(2), no, no, both, {}),
            "profile": (array("tj", **n) + np.float32(3), no, yes, [False, True], {}),
        }, 2)
        well_group(f, "t1_fields", {
            "velocity": (array("stijc", c=2, **n) + np.float32(4), yes, yes, both, {}),
        }, 2)
        stress = array("stijc", c=4, **n)
        well_group(f, "t2_fields", {
            "stress": (stress.reshape(2, 3, 5, 4, 2, 2), yes, yes, both,
                       {"symmetric": False, "antisymmetric": False}),
            "strain": (stress + np.float32(4), yes, yes, both,
                       {"symmetric": True, "antisymmetric": False}),
        }, 2)


def well_sphere():
    with h5py.File("ml_well_sphere.h5", "w") as f:
        theta, phi = np.pi * (np.arange(4) + 0.5) / 4, 2 * np.pi * np.arange(6) / 6
        dimensions = well_root(f, {"theta": theta, "phi": phi}, "spherical", 2)
        dimensions["time"] = np.array([[0, 1, 2], [5, 7, 9]], "f4")
        dimensions["time"].attrs["sample_varying"] = True
        well_boundary(f, "phi", "periodic", 6)
        # i counts theta, j phi
        well_group(f, "t0_fields", {
            "height": (array("stij", s=2, t=3, i=4, j=6), True, True, [True, True], {}),
        }, 2)
        for name in "t1_fields", "t2_fields":
            f.create_group(name).attrs["field_names"] = []


# ---------------------------------------------------------------- Dedalus


def scale(f, name, values, label=None):
    f[name] = values
    f[name].make_scale(label or name)
    return f[name]


def dedalus_sphere():
    """As Dedalus 2 attaches scales: several to the axis of time."""
    with h5py.File("ml_dedalus.h5", "w") as f:
        time = scale(f, "scales/sim_time", 600.0 * np.arange(3))
        writes = scale(f, "scales/write_number", np.arange(1, 4))
        phi = scale(f, "scales/phi/1.0", 2 * np.pi * np.arange(6) / 6)
        theta = scale(f, "scales/theta/1.0", np.pi * (np.arange(4)[::-1] + 0.5) / 4)
        constant = scale(f, "scales/constant", np.zeros(1))
        for c, name in enumerate(("height", "vorticity")):
            f[f"tasks/{name}"] = array("tij", t=3, i=6, j=4).astype("f8") + c
            for axis, scales in enumerate(((time, writes), (phi,), (theta,))):
                for each in scales:
                    f[f"tasks/{name}"].dims[axis].attach_scale(each)
        f["tasks/average"] = np.zeros((3, 1, 1))
        for axis in 1, 2:
            f["tasks/average"].dims[axis].attach_scale(constant)


def dedalus_plane():
    """As Dedalus 3 names scales, with a vector whose axis of components has none."""
    with h5py.File("ml_dedalus_plane.h5", "w") as f:
        time = scale(f, "scales/sim_time", np.array([0, 0.5, 2.0]))
        x = scale(f, "scales/x_hash_01ab", np.linspace(0, 4, 5))
        z = scale(f, "scales/z_hash_23cd", np.cos(np.pi * (np.arange(4)[::-1] + 0.5) / 4))
        f["tasks/buoyancy"] = array("tij", t=3, i=5, j=4).astype("f8") + 7
        f["tasks/u"] = array("tcij", t=3, c=2, i=5, j=4).astype("f8")
        for name, first in ("buoyancy", 1), ("u", 2):
            for axis, each in ((0, time), (first, x), (first + 1, z)):
                f[f"tasks/{name}"].dims[axis].attach_scale(each)


def dedalus_flat():
    """As CORAL flattens it."""
    with h5py.File("ml_flat.h5", "w") as f:
        for c, name in enumerate(("height", "vorticity")):
            f[name] = array("tij", t=3, i=6, j=4).astype("f8") + c
        f["phi"] = 2 * np.pi * np.arange(6) / 6
        f["theta"] = np.pi * (np.arange(4)[::-1] + 0.5) / 4


if __name__ == "__main__":
    advection()
    darcy()
    compressible("ml_compressible_1d.h5", "sti", "x", s=2, t=3, i=6)
    compressible("ml_compressible_2d.h5", "stij", "xy", s=2, t=3, i=5, j=4)
    compressible("ml_compressible_3d.h5", "stijk", "xyz", s=1, t=2, i=5, j=4, k=3)
    groups("ml_groups_2d.h5", [("0000", 4), ("0002", 3), ("0010", 4)], "tijc", "2d_diff-react", -1,
           i=5, j=3, c=2)
    groups("ml_groups_1d.h5", [("0007", 3), ("0008", 3)], "tic", "1d_diff-sorp", 0, i=6, c=1)
    groups("ml_groups_plain.h5", [("0001", 3)], "tijc", None, -1, i=5, j=3, c=1)
    incompressible()
    well()
    well_sphere()
    dedalus_sphere()
    dedalus_plane()
    dedalus_flat()
