#!/usr/bin/env python3
"""Whether the peers compute what the formulas say: plain asserts, a line for each test that passed.

The reference is NumPy in double precision, written from the formulas a second time. A framework
that is not installed is named as skipped.
"""

import sys
from dataclasses import replace

import numpy as np

import sizes as data

SMALL = replace(data.SIZES["ns"], grid=(5, 7), codes=6, width=16, layers=3, field_codes=6, rank=11)
SMALL = replace(SMALL, channels=2, hidden=13)
FRAMES = 3


def reference_decode(p, x, z):
    """u (F, K, P) from x (P, d), z (F, K, C), one frame and channel at a time"""
    p = {
        k: [np.float64(a) for a in v] if isinstance(v, list) else np.float64(v)
        for k, v in p.items()
    }
    u = np.empty(z.shape[:2] + x.shape[:1])
    for frame in range(z.shape[0]):
        for channel in range(z.shape[1]):
            h = 1.0
            for layer, omega in enumerate(p["omega"]):
                angle = np.float64(x) @ omega.T
                s = np.hstack([np.sin(angle), np.cos(angle)])
                linear = p["a"][layer] @ z[frame, channel] + p["b"][layer]
                h = s * (linear if layer == 0 else h @ p["w"][layer - 1].T + linear)
            u[frame, channel] = h @ p["head"] + p["bias"]
    return u


def reference_bilinear(p, z):
    p = {k: np.float64(v) for k, v in p.items()}
    return np.array(
        [p["c"] + p["A"] @ v + p["U"] @ ((p["V"] @ v + p["a"]) * (p["W"] @ v + p["d"])) for v in z]
    )


def reference_mlp(p, z):
    h = np.float64(z)
    for layer, beta in enumerate(p["beta"]):
        h = h @ np.float64(p["w"][layer]).T + p["b"][layer]
        h = h / (1 + np.exp(-h * np.log1p(np.exp(np.float64(beta))))) / 1.1
    return h @ np.float64(p["w"][-1]).T + p["b"][-1]


class Torch:
    def __init__(self):
        import dino_torch
        import torch

        torch.set_default_dtype(torch.float32)
        self.dino, self.torch = dino_torch, torch
        self.name = f"PyTorch {torch.__version__}"

    def array(self, tree, double=False):
        tree = self.dino.tensors(tree)
        return self.map(lambda t: t.double(), tree) if double else tree

    def map(self, function, tree):
        if isinstance(tree, dict):
            return {k: self.map(function, v) for k, v in tree.items()}
        return [self.map(function, v) for v in tree] if isinstance(tree, list) else function(tree)

    def expanded(self, x, frames):
        return x.expand(frames, -1, -1)

    def gradients(self, loss, p, z):
        """Of loss(p, z): by every array of p, and by z"""
        p = self.map(lambda t: t.requires_grad_(True), p)
        z = z.requires_grad_(True)
        loss(p, z).backward()
        return self.map(lambda t: t.grad.numpy(), p), z.grad.numpy()


class Jax:
    def __init__(self):
        import jax

        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_enable_x64", True)
        import dino_jax

        self.dino, self.jax = dino_jax, jax
        self.name = f"JAX {jax.__version__}"

    def array(self, tree, double=False):
        cast = lambda a: a.astype("float64") if double else a  # noqa: E731
        return self.jax.tree.map(cast, self.dino.arrays(tree))

    def expanded(self, x, frames):
        return self.jax.numpy.tile(x[None], (frames, 1, 1))

    def gradients(self, loss, p, z):
        by_p, by_z = self.jax.grad(loss, (0, 1))(p, z)
        return self.jax.tree.map(np.asarray, by_p), np.asarray(by_z)


def close(what, got, wanted, tolerance):
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape, f"{what}: shape {got.shape}, expected {wanted.shape}"
    error = np.abs(got - wanted).max() / max(np.abs(wanted).max(), 1e-30)
    assert error < tolerance, f"{what}: relative error {error:.2e}, allowed {tolerance:.0e}"


def problem():
    x = data.coordinates(SMALL, SMALL.grid)
    return data.decoder_weights(SMALL), x, data.normal(1, FRAMES, SMALL.channels, SMALL.codes)


def decoders_agree_with_reference(f):
    weights, x, z = problem()
    wanted = reference_decode(weights, x, z)
    p, points, codes = f.array(weights), f.array(x), f.array(z)
    sines = f.dino.grid_sines(p, points)
    close("official", f.dino.decode(p, f.expanded(points, FRAMES), codes), wanted, 1e-5)
    close("shared", f.dino.decode_shared(p, sines, codes), wanted, 1e-5)
    if hasattr(f.dino, "decode_shared_inplace"):
        close("in place", f.dino.decode_shared_inplace(p, sines, codes), wanted, 1e-5)


def superposition_holds(f):
    weights, x, z = problem()
    p, points = f.array(weights, True), f.array(x, True)
    field = lambda c: np.asarray(f.dino.decode(p, points[None], f.array(c, True)))  # noqa: E731
    zero, one, two = field(0 * z[:1]), field(z[:1]), field(z[1:2])
    close("superposition", field(z[:1] + z[1:2]), one + two - zero, 1e-6)


def bases_agree_with_reference(f):
    weights, x, z = problem()
    zero = np.zeros((1, 1, SMALL.codes))
    unit = np.eye(SMALL.codes)[:, None]
    phi0 = reference_decode(weights, x, zero)[0, 0]
    phi = reference_decode(weights, x, unit)[:, 0].T - phi0[:, None]
    p, points = f.array(weights), f.array(x)
    repeated = points if f.name.startswith("PyTorch") else f.expanded(points, SMALL.codes + 1)
    for name, got in (
        ("decodings", f.dino.basis_from_decodings(p, repeated)),
        ("reverse", f.dino.basis_reverse(p, points)),
    ):
        close(f"phi0 by {name}", got[0], phi0, 1e-5)
        close(f"Phi by {name}", got[1], phi, 1e-5)


STEP = 1e-4  # of finite differences in double; the losses are O(1)


def check_gradient(what, gradient, loss, arrays, which, index):
    """One entry against the central difference of loss(*arrays) by that entry of arrays[which]."""

    def at(sign):
        moved = [np.array(a, np.float64) for a in arrays]
        moved[which][index] += sign * STEP
        return float(loss(*moved))

    difference = (at(1) - at(-1)) / (2 * STEP)
    error = abs(gradient[index] - difference) / np.abs(gradient).max()
    assert error < 1e-6, f"gradient by {what}: {gradient[index]:.9g}, differences {difference:.9g}"


def decoder_gradients_match_finite_differences(f):
    weights, x, z = problem()
    y = data.normal(2, FRAMES, SMALL.channels, SMALL.points)
    points, target = f.array(x, True), f.array(y, True)
    grid = f.expanded(points, FRAMES)
    ways = (
        lambda p, c: f.dino.loss_official(p, grid, c, target),
        lambda p, c: f.dino.loss_grid(p, points, c, target),
    )
    for loss in ways:
        by_p, by_z = f.gradients(loss, f.array(weights, True), f.array(z, True))
        for name, layer in (("omega", 2), ("a", 1), ("b", 0), ("w", 1)):

            def moved(array, codes, name=name, layer=layer):
                p = dict(weights, **{name: list(weights[name])})
                p[name][layer] = array
                return loss(f.array(p, True), f.array(codes, True))

            array = weights[name][layer]
            index = tuple(n // 2 for n in array.shape)
            check_gradient(name, by_p[name][layer], moved, [array, z], 0, index)
            check_gradient("codes", by_z, moved, [array, z], 1, (1, 0, 2))


def encoding_lowers_the_error_towards_the_solved_code(f):
    weights, x, z = problem()
    weights = dict(weights, head=4 * weights["head"])
    y = reference_decode(weights, x, 0.2 * z).astype(np.float32)
    p, points, values = f.array(weights), f.array(x), f.array(y)
    for loss, where in (
        (f.dino.loss_frozen_official, f.expanded(points, FRAMES)),
        (f.dino.loss_frozen, f.dino.grid_sines(p, points)),
    ):
        arguments = (p, where, values, SMALL.channels, SMALL.codes)
        first = np.asarray(f.dino.encode(loss, *arguments, 1)[1])
        for steps, most in ((5, 1.0), (300, 0.05)):
            codes, errors = f.dino.encode(loss, *arguments, steps)
            again = reference_decode(weights, x, np.asarray(codes))
            kept, found = np.asarray(errors) / first, ((again - y) ** 2).mean((1, 2)) / first
            assert (
                np.abs(kept - found).max() < 1e-5
            ), f"error kept {kept}, of the codes kept {found}"
            assert (kept < most).all(), f"{steps} steps left {kept} of the error"


def fields_agree_with_reference(f):
    z = data.normal(3, 5, SMALL.field_codes)
    weights = data.bilinear_weights(SMALL)
    p, codes, wanted = f.array(weights), f.array(z), reference_bilinear(weights, z)
    close("bilinear", f.dino.bilinear(p, codes), wanted, 1e-5)
    close("bilinear, joined", f.dino.bilinear_fused(p, codes), wanted, 1e-5)
    if hasattr(f.dino, "bilinear_joined"):
        close("joined before", f.dino.bilinear_joined(f.dino.joined(p), codes), wanted, 1e-5)
    weights = data.mlp_weights(SMALL)
    close("MLP", f.dino.mlp(f.array(weights), codes), reference_mlp(weights, z), 1e-5)


def rollout_converges_with_order_four(f):
    z = f.array(data.normal(4, 2, SMALL.field_codes), True)
    p = f.array(data.bilinear_weights(SMALL), True)
    end = lambda n: np.asarray(f.dino.rollout(f.dino.bilinear, p, z, 2, n))[-1]  # noqa: E731
    exact = end(64)
    errors = [np.abs(end(n) - exact).max() for n in (2, 4, 8)]
    for coarse, fine in zip(errors[:-1], errors[1:]):
        order = np.log2(coarse / fine)
        assert 3.7 < order < 4.4, f"order {order:.2f} of Runge-Kutta 4"


def rollout_gradients_match_finite_differences(f):
    weights = data.bilinear_weights(SMALL)
    windows = data.normal(5, 4, 2, SMALL.field_codes)
    for field in (f.dino.bilinear, f.dino.bilinear_fused):
        loss = lambda p, z: f.dino.rollout_loss(field, p, z, 2)  # noqa: E731
        by_p, by_z = f.gradients(loss, f.array(weights, True), f.array(windows, True))
        for name in weights:

            def moved(array, z, name=name):
                return loss(f.array(dict(weights, **{name: array}), True), f.array(z, True))

            index = tuple(n // 2 for n in weights[name].shape)
            check_gradient(name, by_p[name], moved, [weights[name], windows], 0, index)
            check_gradient("states", by_z, moved, [weights[name], windows], 1, (0, 1, 2))


TESTS = (
    decoders_agree_with_reference,
    superposition_holds,
    bases_agree_with_reference,
    decoder_gradients_match_finite_differences,
    encoding_lowers_the_error_towards_the_solved_code,
    fields_agree_with_reference,
    rollout_converges_with_order_four,
    rollout_gradients_match_finite_differences,
)


def main():
    failed = 0
    for framework in (Torch, Jax):
        try:
            f = framework()
        except ImportError as error:
            print(f"skipped: {framework.__name__}: {error}")
            continue
        for test in TESTS:
            try:
                test(f)
                print(f"passed: {f.name}: {test.__name__}")
            except AssertionError as error:
                failed += 1
                print(f"FAILED: {f.name}: {test.__name__}: {error}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
