#!/usr/bin/env python3
"""Writes shallow_water.txt: height and vorticity twelve hours after the perturbed jets of the shallow
water case, at degree 31, by matrices of associated Legendre functions and an adaptive method of
order 8.

    dzeta/dt  = -div F - rate_u zeta,  F = (zeta + f) u,  f = 2 Omega sin(lat)
    ddelta/dt = curl F - lap (g h + u.u / 2) - rate_u delta
    dh/dt     = -div ((H + h) u) - rate_h h

in U = u cos(lat), V = v cos(lat) (Bourke 1972, Mon. Weather Rev. 100), on 48 Gaussian latitudes and
96 longitudes; rate_u = nu ((l (l + 1) - 1) / R^2)^2 and rate_h = nu (l (l + 1) / R^2)^2, the
eigenvalues of lap^2 of vectors and of scalars. The jets are balanced by ddelta/dt = 0. The file
holds, separated by white space: degree, speed of the jets, height of the bumps, viscosity at degree
32, hours, then at every fourth ring from the north and every eighth longitude h in m and zeta in
1/s.
"""
import pathlib

import numpy as np
from scipy.integrate import solve_ivp

DEGREE, SPEED, BUMP, VISCOSITY, HOURS = 31, 80.0, 120.0, 1e5, 12
R, OMEGA, G, H = 6.37122e6, 7.292e-5, 9.80616, 1e4
RINGS, LONGITUDES = 48, 96

mu, weight = np.polynomial.legendre.leggauss(RINGS)
mu, weight = mu[::-1], weight[::-1]  # from the north
lat, lon = np.arcsin(mu)[:, None], 2 * np.pi * np.arange(LONGITUDES) / LONGITUDES
cos = np.cos(lat)
coriolis = 2 * OMEGA * np.sin(lat)


def epsilon(l, m):
    return np.sqrt((l * l - m * m) / (4.0 * l * l - 1))


# P(l, m) at the rings with integral of P^2 over mu = 1, and cos(lat) dP/dlat.
P = np.zeros((DEGREE + 1, DEGREE + 2, RINGS))
D = np.zeros((DEGREE + 1, DEGREE + 1, RINGS))
for m in range(DEGREE + 1):
    start = np.full(RINGS, np.sqrt(0.5))
    for k in range(1, m + 1):
        start = start * np.sqrt((2 * k + 1) / (2.0 * k)) * np.sqrt(1 - mu**2)
    P[m, m] = start
    for l in range(m + 1, DEGREE + 2):
        below = epsilon(l - 1, m) * P[m, l - 2] if l > m + 1 else 0
        P[m, l] = (mu * P[m, l - 1] - below) / epsilon(l, m)
    for l in range(m, DEGREE + 1):
        below = (l + 1) * epsilon(l, m) * P[m, l - 1] if l > m else 0
        D[m, l] = below - l * epsilon(l + 1, m) * P[m, l + 1]
P = P[:, : DEGREE + 1]
l = np.arange(DEGREE + 1.0)[None, :]
m = np.arange(DEGREE + 1.0)[:, None]
kept = l >= m
laplacian = -l * (l + 1) / R**2
inverse = np.where(l > 0, 1 / np.where(l > 0, laplacian, 1), 0)
nu = VISCOSITY * R**2 / 32**2
rate_u, rate_h = nu * (laplacian + 1 / R**2) ** 2, nu * laplacian**2


def values(coefficients, table=P):
    rings = np.einsum("mlr,ml->rm", table, coefficients)
    return np.fft.irfft(np.pad(rings, ((0, 0), (0, LONGITUDES // 2 - DEGREE))), norm="forward", n=LONGITUDES)


def waves(field):
    return np.fft.rfft(field, norm="forward")[:, : DEGREE + 1]


def coefficients(field):
    return np.einsum("mlr,rm->ml", P, weight[:, None] * waves(field)) * kept


def divergence(A, B):
    """Coefficients of (dA/dlon + cos(lat) dB/dlat) / (R cos(lat)^2), by parts."""
    share = (weight / np.cos(lat[:, 0]) ** 2)[:, None] / R
    return (np.einsum("mlr,rm->ml", P, share * waves(A)) * 1j * m
            - np.einsum("mlr,rm->ml", D, share * waves(B))) * kept


def wind(zeta, delta):
    psi, chi = inverse * zeta, inverse * delta
    return ((values(1j * m * chi) - values(psi, D)) / R, (values(1j * m * psi) + values(chi, D)) / R)


def rates(zeta, delta, h):
    U, V = wind(zeta, delta)
    absolute = values(zeta) + coriolis
    A, B = absolute * U, absolute * V
    energy = coefficients((U**2 + V**2) / (2 * cos**2))
    surface = values(h)
    return (-divergence(A, B) - rate_u * zeta,
            divergence(B, -A) - laplacian * (G * h + energy) - rate_u * delta,
            -divergence(surface * U, surface * V) - H * delta - rate_h * h)


# Galewsky et al. 2004, eq. 2 and 4, in both hemispheres.
phi0, phi1 = np.pi / 7, np.pi / 2 - np.pi / 7
phi = abs(lat)
inside = (phi > phi0) & (phi < phi1)
jet = np.where(inside, SPEED * np.exp(4 / (phi1 - phi0) ** 2
                                      + 1 / np.where(inside, (phi - phi0) * (phi - phi1), 1)), 0)
jet = np.broadcast_to(jet, (RINGS, LONGITUDES))
zeta = divergence(0 * jet, -jet * cos)
zero = np.zeros_like(zeta)
h = inverse * rates(zeta, zero, zero)[1] / G
east = (lon + np.pi) % (2 * np.pi) - np.pi
bump = BUMP * cos * np.exp(-(3 * east) ** 2) * sum(
    np.exp(-(15 * (np.pi / 4 + sign * lat)) ** 2) for sign in (-1, 1))
h = h + coefficients(bump)

SCALE = np.array([1e-5, 1e-5, 100.0])[:, None, None]


def pack(fields):
    flat = (np.stack(fields) / SCALE).ravel()
    return np.concatenate([flat.real, flat.imag])


def unpack(flat):
    half = flat.size // 2
    return (flat[:half] + 1j * flat[half:]).reshape(3, DEGREE + 1, DEGREE + 1) * SCALE


solution = solve_ivp(lambda t, y: pack(rates(*unpack(y))), (0, HOURS * 3600),
                     pack((zeta, zero, h)), method="DOP853", rtol=1e-11, atol=1e-12)
assert solution.success
zeta, delta, h = unpack(solution.y[:, -1])

with open(pathlib.Path(__file__).with_name("shallow_water.txt"), "w") as file:
    file.write(f"{DEGREE} {SPEED} {BUMP} {VISCOSITY} {HOURS}\n")
    for field in (values(h), values(zeta)):
        for row in field[::4, ::8]:
            file.write(" ".join(f"{value:.14g}" for value in row) + "\n")
