#!/usr/bin/env python3
"""Writes fourier_net.txt: values of a small FourierNet with code shifts, by the equations of
Yin et al. 2023 (eq. 8) one point, one code and one layer at a time.

    z_0 = s_0(x) * (A_0 a + b_0),  z_l = s_l(x) * (W_l z_{l-1} + A_l a + b_l),  u = head z_L + bias

The domain has a periodic axis [0, 1) and a plain axis [-1, 2], whose angle has a period of 1.5 times
its length. The file holds, separated by white space: sizes (layers filters inputs channels codes
points samples), then omega, A, b, W, head, bias, coordinates, codes and values u[sample, point,
channel].
"""
import pathlib

import numpy as np

LAYERS, FILTERS, INPUTS, CHANNELS, CODES, POINTS, SAMPLES = 2, 4, 2, 2, 5, 7, 3
WIDTH = 2 * FILTERS

rng = np.random.default_rng(20230501)


def single(*shape, scale=1.0):
    """Random numbers that a float holds exactly."""
    return (scale * rng.standard_normal(shape)).astype(np.float32).astype(np.float64)


omega = single(LAYERS + 1, FILTERS, INPUTS, scale=2.0)
shift = single(LAYERS + 1, CHANNELS, WIDTH, CODES, scale=0.5)
constant = single(LAYERS + 1, CHANNELS, WIDTH, scale=0.5)
hidden = single(LAYERS, WIDTH, WIDTH, scale=0.4)
head = single(CHANNELS, WIDTH, scale=0.5)
bias = single(CHANNELS)
points = np.column_stack([rng.uniform(0, 1, POINTS), rng.uniform(-1, 2, POINTS)])
codes = single(SAMPLES, CODES)


def field(x, code, channel):
    angle = np.array([2 * np.pi * x[0], 2 * np.pi * (x[1] + 1) / (1.5 * 3)])
    for layer in range(LAYERS + 1):
        phase = omega[layer] @ angle
        s = np.concatenate([np.sin(phase), np.cos(phase)])
        linear = shift[layer, channel] @ code + constant[layer, channel]
        z = s * linear if layer == 0 else s * (hidden[layer - 1] @ z + linear)
    return head[channel] @ z + bias[channel]


values = np.array([[[field(x, code, c) for c in range(CHANNELS)] for x in points]
                   for code in codes])

with open(pathlib.Path(__file__).with_name("fourier_net.txt"), "w") as file:
    print(LAYERS, FILTERS, INPUTS, CHANNELS, CODES, POINTS, SAMPLES, file=file)
    for array in (omega, shift, constant, hidden, head, bias, points, codes, values):
        for row in array.reshape(-1, array.shape[-1]):
            print(*(format(number, ".17g") for number in row), file=file)
