#!/usr/bin/env python3
"""Writes navier_stokes.txt and navier_stokes_1e-5.txt: vorticity on 32 x 32 points after one unit of
time at viscosities 1e-3 and 1e-5, by the advective form of the dealiased Galerkin system and an
adaptive method of order 8.

    dw/dt + u dw/dx + v dw/dy = nu lap w + f,  psi = -lap^-1 w,  u = dpsi/dy,  v = -dpsi/dx,
    f = 0.1 (sin 2 pi (x + y) + cos 2 pi (x + y))

with wave numbers |kx|, |ky| < 32 / 3, the products formed in physical space in the advective form,
and w(x, y, 0) as in `initial`. The file holds, separated by white space: grid, viscosity, time, then
the values, x fastest.
"""
import pathlib

import numpy as np
from scipy.integrate import solve_ivp

GRID, TIME, FILES = 32, 1.0, {"navier_stokes.txt": 1e-3, "navier_stokes_1e-5.txt": 1e-5}

x = np.arange(GRID) / GRID
x, y = np.meshgrid(x, x)  # rows of constant y
turn = 2 * np.pi
initial = (3 * np.sin(turn * x) * np.cos(turn * 2 * y) + 2 * np.cos(turn * (3 * x - y) + 0.5)
           + 1.5 * np.sin(turn * (x + 4 * y) - 1) + np.cos(turn * (2 * x + 2 * y)))
forcing = 0.1 * (np.sin(turn * (x + y)) + np.cos(turn * (x + y)))

k = np.fft.fftfreq(GRID, 1 / GRID)
kx, ky = np.meshgrid(k, k)
kept = (3 * abs(kx) < GRID) & (3 * abs(ky) < GRID)
laplacian = -(turn**2) * (kx**2 + ky**2)
inverse = np.where(laplacian == 0, 0, 1 / np.where(laplacian == 0, 1, laplacian))


def real(coefficients):
    return np.fft.ifft2(coefficients).real


def tendency(_, flat, viscosity):
    w = np.fft.fft2(flat.reshape(GRID, GRID)) * kept
    psi = -inverse * w
    u, v = real(1j * turn * ky * psi), real(-1j * turn * kx * psi)
    advection = u * real(1j * turn * kx * w) + v * real(1j * turn * ky * w)
    rate = (np.fft.fft2(forcing - advection) + viscosity * laplacian * w) * kept
    return real(rate).ravel()


for name, viscosity in FILES.items():
    solution = solve_ivp(tendency, (0, TIME), initial.ravel(), method="DOP853", rtol=1e-12,
                         atol=1e-13, args=(viscosity,))
    assert solution.success
    with open(pathlib.Path(__file__).with_name(name), "w") as file:
        file.write(f"{GRID} {viscosity} {TIME}\n")
        for row in solution.y[:, -1].reshape(GRID, GRID):
            file.write(" ".join(f"{value:.15g}" for value in row) + "\n")
