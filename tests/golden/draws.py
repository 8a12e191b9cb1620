"""Random numbers as the generators draw them: splitmix64 of a seed, a trajectory and a counter."""
import math

import numpy as np

MASK, GOLDEN = 2**64 - 1, 0x9E3779B97F4A7C15


def mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


class Draws:
    def __init__(self, seed, trajectory):
        self.key = mix((seed + GOLDEN) & MASK) ^ mix(((trajectory + 1) * GOLDEN) & MASK)
        self.counter = 0

    def uniform(self):
        self.counter += 1
        return (mix((self.key + self.counter * GOLDEN) & MASK) >> 11) * 2.0**-53

    def normal(self):
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        return radius * math.cos(2 * math.pi * self.uniform())


def line(seed, trajectory, modes, length, sigma, tau, alpha):
    """Coefficients 0..modes of a random field with E|w(k)|^2 = sigma^2 (kappa^2 + tau^2)^-alpha."""
    draws = Draws(seed, trajectory)
    field = np.zeros(modes + 1, complex)
    for k in range(1, modes + 1):
        deviation = sigma * ((2 * np.pi * k / length) ** 2 + tau**2) ** (-alpha / 2) / math.sqrt(2)
        field[k] = deviation * (draws.normal() + 1j * draws.normal())
    return field
