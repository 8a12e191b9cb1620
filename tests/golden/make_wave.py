#!/usr/bin/env python3
"""Writes wave.txt: displacement and its rate of change on 32 x 32 points at two times, by a method
of lines of order 8 in time from the bump and its periodic images summed point by point.

    d2w/dt2 = (1/4)^2 lap w on [-1, 1)^2,   w(x, 0) = A sum exp(-|x - centre - 2 n|^2 / (2 r^2))

with A, r and centre drawn as the generator draws them (splitmix64 of seed, trajectory and a counter).
The file holds, separated by white space: grid, seed, trajectory, A, r, the centre from the lower
corner on, then for each time the time and the pairs (w, dw/dt), x fastest.
"""
import pathlib

import numpy as np
from scipy.integrate import solve_ivp

GRID, SEED, TRAJECTORY, SPEED, TIMES = 32, 5, 2, 0.25, (1.75, 4.75)
MASK, GOLDEN = 2**64 - 1, 0x9E3779B97F4A7C15


def mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def bits(counter):
    key = mix((SEED + GOLDEN) & MASK) ^ mix(((TRAJECTORY + 1) * GOLDEN) & MASK)
    return mix((key + counter * GOLDEN) & MASK)


width = 0.25 + 0.05 * (bits(1) >> 11) * 2.0**-53
height = 2 + 2 * (bits(2) >> 11) * 2.0**-53
centre = [2 / 64 * ((bits(n) * 64) >> 64) for n in (3, 4)]

x = 2 * np.arange(GRID) / GRID
x, y = np.meshgrid(x, x)  # rows of constant y
initial = np.zeros((GRID, GRID))
for i in range(-4, 5):
    for j in range(-4, 5):
        square = (x - centre[0] - 2 * i) ** 2 + (y - centre[1] - 2 * j) ** 2
        initial += height * np.exp(-square / (2 * width**2))

k = np.pi * np.fft.fftfreq(GRID, 1 / GRID)
kx, ky = np.meshgrid(k, k)


def tendency(_, flat):
    w, rate = flat.reshape(2, GRID, GRID)
    acceleration = SPEED**2 * np.fft.ifft2(-(kx**2 + ky**2) * np.fft.fft2(w)).real
    return np.concatenate([rate.ravel(), acceleration.ravel()])


start = np.concatenate([initial.ravel(), np.zeros(GRID * GRID)])
solution = solve_ivp(tendency, (0, max(TIMES)), start, t_eval=TIMES, method="DOP853", rtol=1e-12,
                     atol=1e-13)
assert solution.success

with open(pathlib.Path(__file__).with_name("wave.txt"), "w") as file:
    file.write(f"{GRID} {SEED} {TRAJECTORY} {height:.17g} {width:.17g} {centre[0]} {centre[1]}\n")
    for time, state in zip(TIMES, solution.y.T):
        file.write(f"{time}\n")
        for row in state.reshape(2, GRID, GRID).transpose(1, 2, 0).reshape(GRID, 2 * GRID):
            file.write(" ".join(f"{value:.9g}" for value in row) + "\n")
