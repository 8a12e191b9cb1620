"""Sizes of the benchmark cases and the random weights and data that every framework is given.

The sizes are those of DINo's Navier-Stokes ("ns") and shallow-water ("sw") runs (Yin et al. 2023),
and one large size. Weights start as PyTorch's default does, Kaiming-uniform with a = sqrt(5), that
is U(-1/sqrt(fan in), 1/sqrt(fan in)); their values do not matter for the time.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Size:
    name: str
    grid: tuple  # training grid
    decode_grid: tuple  # grid of the case "decode"
    channels: int
    inputs: int  # coordinates the network sees
    codes: int  # per channel
    width: int  # of a layer: half sines, half cosines
    layers: int  # multiplicative layers after the first
    train_frames: int  # of one epoch
    encode_steps: int  # Adam steps DINo takes to encode
    sensors: int  # of the case "forecast"
    field_codes: int  # dimension of the latent state, all channels
    rank: int  # R of the bilinear field
    hidden: int  # width of DINo's own field, an MLP
    batch: int  # sequences a training step
    sequences: int  # windows of one epoch of the dynamics
    forecast_frames: int = 20
    horizon: int = 9  # intervals of a window
    substeps: int = 2  # RK4 steps an interval when the bilinear field is trained, as fieldcast does

    @property
    def points(self):
        return int(np.prod(self.grid))


SIZES = {
    "ns": Size(
        "ns", (64, 64), (256, 256), 1, 2, 100, 64, 3, 5120, 300, 205, 100, 512, 512, 64, 512
    ),
    "sw": Size(
        "sw", (64, 128), (128, 256), 2, 3, 200, 256, 6, 640, 500, 410, 400, 1024, 800, 16, 64
    ),
    "large": Size(
        "large", (1024, 1024), (1024, 1024), 1, 2, 512, 256, 3, 0, 300, 0, 512, 1024, 800, 64, 0
    ),
}


def uniform(rng, fan_in, *shape):
    return rng.uniform(-1.0, 1.0, shape).astype(np.float32) / np.float32(np.sqrt(fan_in))


def coordinates(size, grid):
    """(points, inputs): a planar grid on [0, 0.5]^2, or unit vectors of a latitude-longitude grid"""
    if size.inputs == 2:
        axes = [np.linspace(0.0, 0.5, n) for n in grid]
        return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2).astype(np.float32)
    rows, columns = grid
    latitude = (np.arange(rows) + 0.5) / rows * np.pi - np.pi / 2
    longitude = np.arange(columns) / columns * 2 * np.pi
    lat, lon = np.meshgrid(latitude, longitude, indexing="ij")
    unit = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)
    return unit.reshape(-1, 3).astype(np.float32)


def decoder_weights(size, seed=1):
    """Arrays named as in the formulas of dino_torch.py; Omega has the scale 64/sqrt(L+1) in it."""
    rng = np.random.default_rng(seed)
    w, count = size.width, size.layers + 1
    scale = np.float32(64.0 / np.sqrt(count))
    return {
        "omega": [scale * uniform(rng, size.inputs, w // 2, size.inputs) for _ in range(count)],
        "a": [uniform(rng, size.codes, w, size.codes) for _ in range(count)],
        "b": [uniform(rng, w, w) for _ in range(count)],
        "w": [uniform(rng, w, w, w) for _ in range(size.layers)],
        "head": uniform(rng, w, w),
        "bias": uniform(rng, w, 1),
    }


def bilinear_weights(size, seed=2):
    """dz/dt = c + A z + U((V z + a) * (W z + d))"""
    rng = np.random.default_rng(seed)
    n, r = size.field_codes, size.rank
    return {
        "c": np.zeros(n, np.float32),
        "A": 0.1 * uniform(rng, n, n, n),
        "V": uniform(rng, n, r, n),
        "a": uniform(rng, 4, r),
        "W": uniform(rng, n, r, n),
        "d": uniform(rng, 4, r),
        "U": 0.1 * uniform(rng, r, n, r),
    }


def mlp_weights(size, seed=3):
    """DINo's field: four linear layers, Swish x sigmoid(x softplus(beta)) / 1.1 between them"""
    rng = np.random.default_rng(seed)
    widths = [size.field_codes] + 3 * [size.hidden] + [size.field_codes]
    pairs = list(zip(widths[:-1], widths[1:]))
    return {
        "w": [uniform(rng, i, o, i) for i, o in pairs],
        "b": [uniform(rng, i, o) for i, o in pairs],
        "beta": [np.full(1, 0.5, np.float32) for _ in range(3)],
    }


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)
