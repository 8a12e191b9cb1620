#!/usr/bin/env python3
"""Writes burgers.txt: velocity at 128 points at two times by the transformation of Cole and Hopf,

    u = -2 nu phi_x / phi,   phi_t = nu phi_xx,   phi(x, 0) = exp(-1 / (2 nu) int u(x, 0) dx)

of the random field with variances 625 (4 pi^2 k^2 + 25)^-2 that the generator draws. The file holds,
separated by white space: grid, seed, trajectory, viscosity, then for each time the time and u.
"""
import pathlib

import numpy as np

import draws

GRID, SEED, TRAJECTORY, VISCOSITY, TIMES, FINE = 128, 5, 2, 0.02, (0.25, 0.75), 8192

modes = (GRID - 1) // 3
start = draws.line(SEED, TRAJECTORY, modes, 1, 25, 5, 2)
half = np.zeros(FINE // 2 + 1, complex)
half[1 : modes + 1] = start[1:] / (2j * np.pi * np.arange(1, modes + 1))
integral = np.fft.irfft(half * FINE, FINE)
phi = np.fft.rfft(np.exp(-(integral - integral.mean()) / (2 * VISCOSITY)))
k = 2 * np.pi * np.arange(FINE // 2 + 1)

with open(pathlib.Path(__file__).with_name("burgers.txt"), "w") as file:
    file.write(f"{GRID} {SEED} {TRAJECTORY} {VISCOSITY}\n")
    for time in TIMES:
        decayed = phi * np.exp(-VISCOSITY * k**2 * time)
        u = -2 * VISCOSITY * np.fft.irfft(1j * k * decayed, FINE) / np.fft.irfft(decayed, FINE)
        file.write(f"{time}\n" + " ".join(f"{value:.9g}" for value in u[:: FINE // GRID]) + "\n")
