#!/usr/bin/env python3
"""Writes kuramoto_sivashinsky.txt: u at 64 points at two times by the Galerkin system in Fourier
coefficients, its products as sums of convolution in the advective form, and an adaptive method of
order 8.

    u_t + u u_x + u_xx + u_xxxx = 0

from the random field that the generator draws. The file holds, separated by white space: grid, seed,
trajectory, length, then for each time the time and u.
"""
import pathlib

import numpy as np
from scipy.integrate import solve_ivp

import draws

GRID, SEED, TRAJECTORY, LENGTH, TIMES = 64, 5, 2, 22.0, (6.0, 12.0)

modes = (GRID - 1) // 3
start = draws.line(SEED, TRAJECTORY, modes, LENGTH, 0.2, 1, 4)
kappa = 2 * np.pi / LENGTH * np.arange(-modes, modes + 1)


def tendency(_, flat):
    half = flat[: modes + 1] + 1j * flat[modes + 1 :]
    u = np.concatenate([half[:0:-1].conj(), half])
    advection = np.convolve(u, 1j * kappa * u)[modes : 3 * modes + 1]
    rate = ((kappa**2 - kappa**4) * u - advection)[modes:]
    return np.concatenate([rate.real, rate.imag])


solution = solve_ivp(tendency, (0, max(TIMES)), np.concatenate([start.real, start.imag]),
                     t_eval=TIMES, method="DOP853", rtol=1e-11, atol=1e-12)
assert solution.success
x = LENGTH * np.arange(GRID) / GRID

with open(pathlib.Path(__file__).with_name("kuramoto_sivashinsky.txt"), "w") as file:
    file.write(f"{GRID} {SEED} {TRAJECTORY} {LENGTH}\n")
    for time, state in zip(TIMES, solution.y.T):
        half = state[: modes + 1] + 1j * state[modes + 1 :]
        u = half[0].real + 2 * (np.exp(1j * np.outer(x, kappa[modes + 1 :])) @ half[1:]).real
        file.write(f"{time}\n" + " ".join(f"{value:.9g}" for value in u) + "\n")
