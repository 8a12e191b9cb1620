#!/usr/bin/env python3
"""Writes bent_nets.txt: values of small decoders that bend and their Jacobians with respect to the
code, by automatic differentiation, one point, one code and one layer at a time.

SIREN with shift modulation (Sitzmann et al. 2020; Dupont et al. 2022):

    h_0 = sin(omega0 (W_0 e(x) + A_0 z + b_0)),  h_l = sin(omega0 (W_l h_{l-1} + A_l z + b_l))

with e(x) = (sin, cos) of the angle of a periodic axis and a plain axis scaled to [-1, 1].

Multiplicative FourierNet, whose A, b, B, g have one block per channel:

    h_0 = s_0 * (A_0 z + b_0),  h_l = s_l * ((W_l h_{l-1}) * (B_l z + g_l) + A_l z + b_l)

and u = head h_L + bias of both. The domain has a periodic axis [0, 1) and a plain axis [-1, 2],
whose angle has a period of 1.5 times its length. The file holds, for each of the two decoders,
sizes (layers half-width inputs channels codes points samples), then all weights in the order of
fc_decoder_layout, coordinates, codes, values u[sample, point, channel] and du/dz[sample, point,
channel, code].
"""
import pathlib

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
HALF, CHANNELS, CODES, POINTS, SAMPLES, OMEGA0 = 4, 2, 5, 7, 3, 2.5
WIDTH = 2 * HALF
rng = np.random.default_rng(20200617)


def single(*shape, scale=1.0):
    """Random numbers that a float holds exactly."""
    return torch.tensor((scale * rng.standard_normal(shape)).astype(np.float32).astype(np.float64))


points = np.column_stack([rng.uniform(0, 1, POINTS), rng.uniform(-1, 2, POINTS)])
codes = single(SAMPLES, CODES)


def siren(layers):
    first, shift, constant = single(WIDTH, 3), single(layers + 1, WIDTH, CODES, scale=0.2), single(
        layers + 1, WIDTH, scale=0.5)
    hidden, head, bias = single(layers, WIDTH, WIDTH, scale=0.3), single(CHANNELS, WIDTH), single(
        CHANNELS)

    def field(x, z):
        e = torch.tensor([np.sin(2 * np.pi * x[0]), np.cos(2 * np.pi * x[0]), (x[1] + 1) / 1.5 - 1])
        h = torch.sin(OMEGA0 * (first @ e + shift[0] @ z + constant[0]))
        for l in range(1, layers + 1):
            h = torch.sin(OMEGA0 * (hidden[l - 1] @ h + shift[l] @ z + constant[l]))
        return head @ h + bias

    return 3, (first, shift, constant, hidden, head, bias), field


def multiplicative(layers):
    omega = single(layers + 1, HALF, 2, scale=2.0)
    shift, constant = single(layers + 1, CHANNELS, WIDTH, CODES, scale=0.5), single(
        layers + 1, CHANNELS, WIDTH, scale=0.5)
    hidden, head, bias = single(layers, WIDTH, WIDTH, scale=0.4), single(
        CHANNELS, WIDTH, scale=0.5), single(CHANNELS)
    gate, gain = single(layers, CHANNELS, WIDTH, CODES, scale=0.5), single(layers, CHANNELS, WIDTH)

    def field(x, z):
        angle = torch.tensor([2 * np.pi * x[0], 2 * np.pi * (x[1] + 1) / (1.5 * 3)])
        u = []
        for channel in range(CHANNELS):
            for l in range(layers + 1):
                phase = omega[l] @ angle
                s = torch.cat([torch.sin(phase), torch.cos(phase)])
                moved = shift[l, channel] @ z + constant[l, channel]
                h = s * moved if l == 0 else s * (
                    (hidden[l - 1] @ h) *
                    (gate[l - 1, channel] @ z + gain[l - 1, channel]) + moved)
            u.append(head[channel] @ h + bias[channel])
        return torch.stack(u)

    return 2, (omega, shift, constant, hidden, head, bias, gate, gain), field


with open(pathlib.Path(__file__).with_name("bent_nets.txt"), "w") as file:
    for make, layers in (siren, 2), (multiplicative, 2):
        inputs, weights, field = make(layers)
        print(layers, HALF, inputs, CHANNELS, CODES, POINTS, SAMPLES, file=file)
        values = torch.stack([torch.stack([field(x, z) for x in points]) for z in codes])
        slopes = torch.stack([
            torch.stack([torch.autograd.functional.jacobian(lambda v, x=x: field(x, v), z)
                         for x in points]) for z in codes
        ])
        for array in (*weights, points, codes, values, slopes):
            for row in np.asarray(array).reshape(-1, array.shape[-1]):
                print(*(format(number, ".17g") for number in row), file=file)
