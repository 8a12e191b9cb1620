#!/usr/bin/env python3
"""The cases of `fieldcast-bench cuda` in PyTorch, on the same device: a JSON line for each result.

gpu_torch.py [--cases decode,basis,train-decoder,ensemble,train-dynamics] [--variants eager,compiled]
             [--precision tf32,fp32] [--device cuda] [--share 1] [--seconds 0] [--our-error E]

Sizes and distributions of weights and data are those of bench/cuda/; what would take too long is
measured in part, and the line says so. `--share 1e-4 --device cpu` tries everything out.
"""

import argparse
import json
import math
import statistics
import sys
import time

import numpy as np
import torch

import dino_torch as dino
import sizes as data
from sizes import Size

CASES = ("decode", "basis", "train-decoder", "ensemble", "train-dynamics")
POINTS, FRAMES = 1 << 20, 1024  # of decode


class Run:
    """Where and how precisely to compute, and until when."""

    def __init__(self, arguments):
        self.device = arguments.device
        self.share = arguments.share
        self.until = time.monotonic() + arguments.seconds if arguments.seconds else math.inf
        self.our_error = arguments.our_error
        self.variants = arguments.variants.split(",")
        self.precision = ""

    def size(self, whole, least=1):
        return max(least, int(whole * self.share))

    def tensor(self, array, dtype=torch.float32):
        return torch.tensor(array, device=self.device, dtype=dtype)

    def random(self, *shape):
        return torch.randn(*shape, device=self.device)

    def set_precision(self, name):
        self.precision = name
        torch.set_float32_matmul_precision("high" if name == "tf32" else "highest")

    def compiled(self, function):
        return torch.compile(function, dynamic=False)

    def seconds(self, function):
        """Of one call, by events where there is a device."""
        if self.device == "cpu":
            start = time.perf_counter()
            function()
            return time.perf_counter() - start
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        function()
        end.record()
        end.synchronize()
        return 1e-3 * start.elapsed_time(end)

    def times(self, function):
        """Two calls to warm up, then 0.5 s and 7 repeats; 3 and 1 where one takes over 0.3 and 3 s."""
        first = min(self.seconds(function) for _ in range(2))
        least = 1 if first > 3 else 3 if first > 0.3 else 7
        done = []
        while len(done) < least or (sum(done) < 0.5 and len(done) < 1000):
            done.append(self.seconds(function))
        return done

    def measure(self, case, variant, function, amount, unit, part, note, error=None, **keys):
        """Prints a line for a function that does `part` of the case's `amount`; error() of what the
        last call left."""
        if time.monotonic() > self.until:
            print(f"left out for want of time: {case}, {variant}", file=sys.stderr)
            return None
        try:
            done = self.times(function)
            if error:
                keys["error"] = error()
        except Exception as failure:  # memory, or the compiler: the other variants remain
            reason = str(failure).strip().split("\n")[0][:200]
            print(f"failed: {case}, {variant}: {reason}", file=sys.stderr)
            return None
        finally:
            if self.device != "cpu":
                torch.cuda.empty_cache()
        seconds = statistics.median(done) / part
        line = {
            "case": case,
            "framework": f"PyTorch {torch.__version__}",
            "variant": variant,
            "precision": self.precision,
            "device": self.device,
            "seconds": seconds,
            "min": min(done) / part,
            "max": max(done) / part,
            "repeats": len(done),
            "rate": amount / seconds,
            "unit": unit,
            "measured": part,
            "note": note,
        }
        print(json.dumps({**line, **keys}), flush=True)
        return seconds

    def each(self, function):
        """The variants of a function that were asked for: name, function."""
        if "eager" in self.variants:
            yield "eager", function
        if "compiled" in self.variants and hasattr(torch, "compile"):
            yield "compiled", self.compiled(function)


def decoder_size(width, layers, codes, channels=1):
    return Size("", (1, 1), (1, 1), channels, 2, codes, width, layers, 0, 0, 0, 0, 0, 0, 0, 0)


def difference(a, b):
    """||a - b|| / ||b||"""
    a, b = a.double(), b.double()
    return (torch.linalg.vector_norm(a - b) / torch.linalg.vector_norm(b)).item()


def in_double(tree):
    if isinstance(tree, dict):
        return {k: in_double(v) for k, v in tree.items()}
    return [in_double(v) for v in tree] if isinstance(tree, list) else tree.double()


# ---------------------------------------------------------------- decoders


def decode(run):
    """Fields of FRAMES codes at POINTS points: as DINo does, a frame at a time; the same with its
    sines kept; and by the product of a basis with the codes, which is fieldcast's way."""
    points, codes = run.size(POINTS, 64), 128
    p = dino.tensors(data.decoder_weights(decoder_size(64, 3, codes)), run.device)
    x, z = torch.rand(points, 2, device=run.device), run.random(FRAMES, codes)
    part = 32  # frames of DINo's decoder: the others would take as long
    u = torch.empty(FRAMES, points, device=run.device)
    values, unit = FRAMES * points, "values/s"
    with torch.inference_mode():
        sines = dino.grid_sines(p, x)
        phi0, phi = dino.basis_reverse(p, x)
        sample = slice(0, min(points, 64))
        reference = dino.decode(in_double(p), x[None, sample].double(), z[:1, None].double())

        def frames_by(function, where):
            for f in range(part):
                u[f] = function(p, where, z[f : f + 1, None])[0, 0]

        for kind, function, where in (
            ("official", dino.decode, x[None]),
            ("sines known", dino.decode_shared, sines),
        ):
            for name, f in run.each(function):
                run.measure(
                    "decode",
                    f"{name}, {kind}",
                    lambda: frames_by(f, where),
                    values,
                    unit,
                    part / FRAMES,
                    f"{points} points, {part} frames one by one",
                    error=lambda: difference(u[:1, sample], reference[0]),
                )
        if "eager" in run.variants:  # one product: nothing to compile

            def product():
                torch.addmm(phi0, z, phi.T, out=u)

            run.measure(
                "decode",
                "eager, product",
                product,
                values,
                unit,
                1.0,
                f"{points} points x {FRAMES} frames, basis known",
                error=lambda: difference(u[:1, sample], reference[0]),
            )


def basis(run, width):
    """phi0 and Phi at new points: a reverse sweep over the layers, and as C + 1 decodings."""
    points, codes = run.size(10_000_000, 64), 100
    p = dino.tensors(data.decoder_weights(decoder_size(width, 3, codes)), run.device)
    x = torch.rand(points, 2, device=run.device)
    few = min(points, run.size(65536, 64))
    tile = max(1, points // 10)
    phi0, phi = (torch.empty(points, *n, device=run.device) for n in ((), (codes,)))
    with torch.inference_mode():
        reference = dino.basis_reverse(in_double(p), x[:64].double())[1]

        def sweep(function):
            for i in range(0, points, tile):
                phi0[i : i + tile], phi[i : i + tile] = function(p, x[i : i + tile])

        for name, f in run.each(dino.basis_reverse):
            run.measure(
                "basis",
                f"{name}, reverse sweep",
                lambda: sweep(f),
                points,
                "points/s",
                1.0,
                f"{points} points in tiles of {tile}, width {width}",
                width=width,
                error=lambda: difference(phi[:64], reference),
            )
        if "eager" in run.variants:
            run.measure(
                "basis",
                "eager, official",
                lambda: dino.basis_from_decodings(p, x[:few]),
                points,
                "points/s",
                few / points,
                f"{few} points, C + 1 decodings, width {width}",
                width=width,
            )


def adam(parameters, rate):
    fused = parameters[0].is_cuda
    return torch.optim.Adam(parameters, lr=rate, **({"fused": True} if fused else {}))


def train_decoder(run):
    """A step of auto-decoding on other points in every frame: Adam on codes and weights."""
    frames, points, codes = run.size(64, 2), run.size(128, 4) * 64, 200
    weights = data.decoder_weights(decoder_size(256, 6, codes))
    x, y = torch.rand(frames, points, 2, device=run.device), run.random(frames, 1, points)

    def measure(name, loss):
        p = dino.tensors(weights, run.device, requires_grad=True)
        z = run.random(frames, 1, codes).requires_grad_(True)
        optimizers = adam(dino.leaves(p), 1e-4), adam([z], 1e-3)

        def step():
            for optimizer in optimizers:
                optimizer.zero_grad(set_to_none=True)
            loss(p, x, z, y).backward()
            for optimizer in optimizers:
                optimizer.step()

        run.measure(
            "train-decoder",
            name,
            step,
            1,
            "steps/s",
            1.0,
            f"{frames} frames of {points} other points, width 256, 6 layers, C = {codes}",
        )

    for name, loss in run.each(dino.loss_official):
        measure(name, loss)


# ---------------------------------------------------------------- dynamics


def slow_weights(codes, rank, seed=3):
    """The field of bench/problem.c: A skew-symmetric with frequencies up to 1 radian per frame in a
    basis that mixes all codes, and a small bilinear part."""
    rng = np.random.default_rng(seed)
    rotations = np.zeros((codes, codes))
    for i in range(0, codes - 1, 2):
        rotations[i, i + 1] = -rng.uniform()
        rotations[i + 1, i] = -rotations[i, i + 1]
    v = rng.standard_normal(codes)
    mirror = np.eye(codes) - 2 * np.outer(v, v) / (v @ v)

    def even(bound, *shape):
        return rng.uniform(-bound, bound, shape).astype(np.float32)

    return {
        "c": np.zeros(codes, np.float32),
        "A": (mirror @ rotations @ mirror).astype(np.float32),
        "V": even(1.7 / math.sqrt(codes), rank, codes),
        "a": even(0.5, rank),
        "W": even(1.7 / math.sqrt(codes), rank, codes),
        "d": even(0.5, rank),
        "U": 0.3 * even(0.1 / math.sqrt(rank), codes, rank),
    }


def at_error(error, tried):
    """Seconds at an error, by the line through the logarithms of the two results beside it (of the
    outermost two beyond them); tried: (error, seconds)."""
    tried = sorted(tried)
    for (e0, s0), (e1, s1) in zip(tried, tried[1:]):
        if error <= e1 or (e1, s1) == tried[-1]:
            slope = math.log(s1 / s0) / math.log(e1 / e0) if e1 > e0 else 0.0
            return s0 * (error / e0) ** slope
    return math.nan


def ensemble(run):
    """Members over 20 frames by odeint of torchdiffeq, that is dopri5, at several tolerances."""
    from torchdiffeq import odeint

    members, codes, rank, frames = run.size(100_000, 2), 128, 512, 20
    weights = slow_weights(codes, rank)
    p, z0 = dino.joined(dino.tensors(weights, run.device)), run.random(members, codes)
    t = torch.arange(frames + 1.0, device=run.device)
    few = min(members, 64)
    q = dino.joined(in_double(dino.tensors(weights, run.device)))
    z = None  # (frames + 1, members, codes) of the last call
    with torch.inference_mode():
        start = z0[:few].double(), t.double()
        tight = odeint(lambda _, y: dino.bilinear_joined(q, y), *start, rtol=1e-11, atol=1e-12)[1:]
        for name, field in run.each(dino.bilinear_joined):
            tried = []
            for rtol in (1e-4, 1e-5, 1e-6, 1e-7):

                def solve():
                    nonlocal z
                    z = odeint(lambda _, y: field(p, y), z0, t, rtol=rtol, atol=0.1 * rtol)

                seconds = run.measure(
                    "ensemble",
                    f"{name}, dopri5",
                    solve,
                    members,
                    "members/s",
                    1.0,
                    f"{members} members, {frames} frames, C = {codes}, R = {rank}, float",
                    error=lambda: difference(z[1:, :few], tight),
                    rtol=rtol,
                )
                if seconds:
                    tried.append((difference(z[1:, :few], tight), seconds))
            if run.our_error and len(tried) > 1:
                seconds = at_error(run.our_error, tried)
                line = {"case": "ensemble-at-equal-error", "variant": f"{name}, dopri5"}
                line |= {"precision": run.precision, "seconds": seconds, "error": run.our_error}
                print(json.dumps(line), flush=True)


def train_dynamics(run):
    """An update on rollouts of a bilinear field; the step of Runge and Kutta is what is compiled,
    as the whole rollout takes the compiler minutes."""
    codes, rank, batch, horizon = run.size(220, 8), run.size(1024, 16), 64, 9
    weights = slow_weights(codes, rank)
    windows = run.random(horizon + 1, batch, codes)

    def measure(name, one_step):
        p = dino.tensors(weights, run.device, requires_grad=True)
        optimizer = adam(dino.leaves(p), 1e-4)

        def update():
            optimizer.zero_grad(set_to_none=True)
            z, loss = windows[0], 0.0
            for k in range(horizon):
                for _ in range(2):
                    z = one_step(dino.bilinear_fused, p, z, 0.5)
                loss = loss + (z - windows[k + 1]).square().mean()
            (loss / horizon).backward()
            optimizer.step()

        run.measure(
            "train-dynamics",
            name,
            update,
            1,
            "updates/s",
            1.0,
            f"{batch} rollouts over {horizon} intervals, RK4 x 2, C = {codes}, R = {rank}",
        )

    for name, one_step in run.each(dino.rk4_step):
        measure(name, one_step)


# ---------------------------------------------------------------- the run


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--variants", default="eager,compiled")
    parser.add_argument("--precision", default="tf32,fp32")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--share", type=float, default=1.0, help="of the sizes")
    parser.add_argument("--seconds", type=float, default=0.0, help="start nothing after so many")
    parser.add_argument("--our-error", type=float, default=0.0, help="of our ensemble")
    chosen = parser.parse_args()
    unknown = set(chosen.cases.split(",")) - set(CASES)
    if unknown:
        parser.error(f"unknown case {sorted(unknown)[0]}; there are {', '.join(CASES)}")
    return chosen


def main():
    chosen = arguments()
    if chosen.device != "cpu" and not torch.cuda.is_available():
        print("gpu_torch.py: this PyTorch finds no CUDA device", file=sys.stderr)
        return 5
    run = Run(chosen)
    functions = {
        "decode": [decode],
        "basis": [lambda r: basis(r, 64), lambda r: basis(r, 256)],
        "train-decoder": [train_decoder],
        "ensemble": [ensemble],
        "train-dynamics": [train_dynamics],
    }
    for precision in chosen.precision.split(","):
        run.set_precision(precision)
        for case in chosen.cases.split(","):
            for function in functions[case]:
                try:
                    function(run)
                except Exception as error:  # the other cases remain
                    reason = str(error).strip().split("\n")[0][:200]
                    print(f"failed: {case}: {reason}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
