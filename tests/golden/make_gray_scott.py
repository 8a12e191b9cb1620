#!/usr/bin/env python3
"""Writes gray_scott.txt: u and v at 16 x 16 points at a time, by collocation on 128 x 128 points, all
of whose wave numbers are kept, and an adaptive method of order 8.

    u_t = Du lap u - u v^2 + F (1 - u),   v_t = Dv lap v + u v^2 - (F + K) v

on [0, 32)^2 from u = 0.95, v = 0.05 but for three smooth squares at the places that the generator
draws. The file holds, separated by white space: the grid written, seed, trajectory, length, F, K, Du,
Dv, time, then the pairs (u, v), x fastest.
"""
import pathlib

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import erf

import draws

GRID, WRITTEN, SEED, TRAJECTORY, LENGTH, TIME = 128, 16, 5, 2, 32.0, 30.0
FEED, KILL, DIFFUSION = 0.039, 0.058, np.array([0.2097, 0.105])[:, None, None]

x = LENGTH * np.arange(GRID) / GRID
random = draws.Draws(SEED, TRAJECTORY)
middles = [[LENGTH * random.uniform() for _ in range(2)] for _ in range(3)]


def side(middle):
    cell = LENGTH / 32
    images = [x - middle + LENGTH * n for n in (-1, 0, 1)]
    return sum(erf((d + 1.5 * cell) / cell) - erf((d - 1.5 * cell) / cell) for d in images) / 2


outside = np.ones((GRID, GRID))  # rows of constant y
for middle in middles:
    outside *= 1 - np.outer(side(middle[1]), side(middle[0]))
start = np.stack([0.95 * outside, 1 - 0.95 * outside])
k = 2 * np.pi * np.fft.fftfreq(GRID, LENGTH / GRID)
square = k[:, None] ** 2 + k[: GRID // 2 + 1] ** 2


def tendency(_, flat):
    u, v = fields = flat.reshape(2, GRID, GRID)
    laplacian = np.fft.irfft2(-square * np.fft.rfft2(fields), (GRID, GRID))
    reaction = u * v**2
    rates = np.stack([FEED * (1 - u) - reaction, reaction - (FEED + KILL) * v])
    return (DIFFUSION * laplacian + rates).ravel()


solution = solve_ivp(tendency, (0, TIME), start.ravel(), method="DOP853", rtol=1e-9, atol=1e-10)
assert solution.success
every = GRID // WRITTEN
fields = solution.y[:, -1].reshape(2, GRID, GRID)[:, ::every, ::every]

with open(pathlib.Path(__file__).with_name("gray_scott.txt"), "w") as file:
    file.write(f"{WRITTEN} {SEED} {TRAJECTORY} {LENGTH} {FEED} {KILL} {DIFFUSION[0, 0, 0]} "
               f"{DIFFUSION[1, 0, 0]} {TIME}\n")
    for row in fields.transpose(1, 2, 0).reshape(WRITTEN, 2 * WRITTEN):
        file.write(" ".join(f"{value:.9g}" for value in row) + "\n")
