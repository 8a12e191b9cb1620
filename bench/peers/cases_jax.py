"""The benchmark cases in JAX, everything compiled by jit."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

import dino_jax as dino
import sizes as data
from measure import Candidate, Case, dynamics_case


class JaxPeer:
    def __init__(self, device):
        self.name = f"JAX {jax.__version__} jit"
        kind = jax.devices()[0].platform
        if (device == "cuda") != (kind == "gpu"):
            raise SystemExit(f"bench_peers.py: JAX runs on '{kind}' here, not on {device}")
        self.device = device

    @staticmethod
    def waited(function):
        """JAX returns before the work is done."""
        return lambda: jax.block_until_ready(function())

    # ------------------------------------------------------------ decoder

    def basis(self, size):
        points = size.points
        p = dino.arrays(data.decoder_weights(size))
        x = jnp.asarray(data.coordinates(size, size.grid))
        part = max(256, min(points, 4096 * 64 // size.width // 4))

        def official():
            function = jax.jit(dino.basis_from_decodings)
            repeated = jnp.tile(x[None, :part], (size.codes + 1, 1, 1))
            return self.waited(lambda: function(p, repeated))

        def best(tile):
            def make():
                tiles = x.reshape(points // tile, tile, -1)
                function = jax.jit(lambda q, t: jax.lax.map(lambda y: dino.basis_reverse(q, y), t))
                return self.waited(lambda: function(p, tiles))

            return make

        candidates = [Candidate("official", part, official, "C + 1 decodings")]
        candidates += [
            Candidate("best", points, best(t), f"reverse sweep, tiles of {t} points")
            for t in (1024, points)
        ]
        total = size.decode_grid[0] * size.decode_grid[1]
        return Case("basis", total, "points", 1, "points/s", candidates)

    def decode(self, size):
        x = data.coordinates(size, size.decode_grid)
        total, frames, k = x.shape[0], size.forecast_frames, size.channels
        p = dino.arrays(data.decoder_weights(size))
        z = jnp.asarray(data.normal(5, frames, k, size.codes))
        measured = min(total, 65536 if size.width <= 64 else 4096)
        x = jnp.asarray(x[:measured])

        def official(batch):
            def make():
                function = jax.jit(dino.decode)
                repeated = jnp.tile(x[None], (batch, 1, 1))
                return self.waited(
                    lambda: [
                        function(p, repeated, z[f : f + batch]) for f in range(0, frames, batch)
                    ]
                )

            return make

        def best(tile):
            def make():
                tiles = x.reshape(measured // tile, tile, -1)

                def decode(q, t, codes):
                    one = lambda y: dino.decode_shared(
                        q, dino.grid_sines(q, y), codes
                    )  # noqa: E731
                    return jax.lax.map(one, t)

                function = jax.jit(decode)
                return self.waited(lambda: function(p, tiles, z))

            return make

        candidates = [
            Candidate("official", measured, official(b), f"{b} frames a call") for b in (1, frames)
        ] + [
            Candidate("best", measured, best(t), f"sines once, tiles of {t} points")
            for t in (256, 1024, 4096)
        ]
        return Case("decode", total, "points", frames * k, "values/s", candidates)

    # ------------------------------------------------------------ encoding

    def stepwise(self, p, x, y, channels, codes, steps):
        """A compiled step called from Python, so that no step's sines can be hoisted out of it."""
        step = jax.jit(functools.partial(dino.encode_step, dino.loss_frozen_official))

        def run():
            carry = dino.encode_start(y.shape[0], channels, codes)
            for _ in range(steps):
                carry = step(p, x, y, carry)
            return carry[2], carry[3]

        return run

    def looped(self, p, sines, y, channels, codes, steps):
        loop = jax.jit(
            lambda q, s, values: dino.encode(dino.loss_frozen, q, s, values, channels, codes, steps)
        )
        return lambda: loop(p, sines, y)

    def encode(self, size):
        x = jnp.asarray(data.coordinates(size, size.grid))
        p = dino.arrays(data.decoder_weights(size))
        steps = size.encode_steps if size.width <= 64 else 5
        k, codes = size.channels, size.codes

        def official():
            y = jnp.asarray(data.normal(6, 1, k, size.points))
            return self.waited(self.stepwise(p, x[None], y, k, codes, steps))

        def best(frames):
            def make():
                y = jnp.asarray(data.normal(6, frames, k, size.points))
                sines = jax.jit(dino.grid_sines)(p, x)
                return self.waited(self.looped(p, sines, y, k, codes, steps))

            return make

        share = steps / size.encode_steps
        note = f"{steps} of {size.encode_steps} Adam steps"
        candidates = [Candidate("official", share, official, f"1 frame, {note}")]
        candidates += [
            Candidate("best", share * n, best(n), f"{n} frames at once, sines known, {note}")
            for n in ([1, 8] if size.width <= 64 else [1])
        ]
        return Case("encode", 1, "frames", 1, "frames/s", candidates)

    # ------------------------------------------------------------ decoder training

    def decoder_step(self, size, frames, shared, scattered):
        """One minibatch: codes step, the decoder's gradients are summed for its step an epoch."""

        def make():
            p = dino.arrays(data.decoder_weights(size))
            x = jnp.asarray(data.coordinates(size, size.grid))
            if scattered:
                x = x + 1e-3 * jnp.asarray(data.normal(7, frames, *x.shape))
            elif not shared:
                x = jnp.tile(x[None], (frames, 1, 1))
            y = jnp.asarray(data.normal(6, frames, size.channels, size.points))
            loss = dino.loss_grid if shared else dino.loss_official

            @functools.partial(jax.jit, donate_argnums=0)
            def step(carry, q, points, values):
                z, state, gradient = carry
                by_weights, by_codes = jax.grad(loss, (0, 2))(q, points, z, values)
                z, state = dino.adam_step(z, by_codes, state, 1e-3)
                return z, state, jax.tree.map(jnp.add, gradient, by_weights)

            z = jnp.zeros((frames, size.channels, size.codes))
            carry = (z, dino.adam_start(z), jax.tree.map(jnp.zeros_like, p))

            def run():
                nonlocal carry
                carry = step(carry, p, x, y)
                return carry

            return self.waited(run)

        return make

    def training_case(self, name, size, best_shared, scattered):
        batches = [1, 4, 16] if size.width <= 64 else [1, 2]
        if self.device == "cuda":
            batches = [16, 64, 256] if size.width <= 64 else [4, 16]
        variants = [("official", False)] + ([("best", True)] if best_shared else [])
        candidates = [
            Candidate(
                variant, n, self.decoder_step(size, n, shared, scattered), f"{n} frames a step"
            )
            for variant, shared in variants
            for n in batches
        ]
        values = size.points * size.channels
        return Case(name, size.train_frames, "frames", values, "values/s", candidates)

    def train_decoder(self, size):
        return self.training_case("train-decoder", size, True, False)

    def train_decoder_scattered(self, size):
        return self.training_case("train-decoder-scattered", size, False, True)

    # ------------------------------------------------------------ dynamics

    def field_case(self, name, size, variants, weights):
        p = dino.arrays(weights)
        z = jnp.asarray(data.normal(8, size.batch, size.field_codes))
        calls = 20

        def make(field):
            def build():
                function = jax.jit(field)
                return self.waited(lambda: [function(p, z) for _ in range(calls)])

            return build

        candidates = [Candidate(v, calls, make(field), note) for v, field, note in variants]
        return Case(name, 1, "evaluations", size.batch, "evaluations/s", candidates)

    def vector_field(self, size):
        variants = [
            ("official", dino.bilinear, "one product a factor"),
            ("best", dino.bilinear, "one product a factor"),
            ("best", dino.bilinear_fused, "[V; W] joined"),
        ]
        return self.field_case("vector-field", size, variants, data.bilinear_weights(size))

    def vector_field_mlp(self, size):
        variants = [("official", dino.mlp, "DINo's field")]
        return self.field_case("vector-field-mlp", size, variants, data.mlp_weights(size))

    def dynamics_step(self, size, field, weights, substeps, unroll):
        def make():
            p = dino.arrays(weights)
            z = 0.1 * jnp.asarray(data.normal(9, size.horizon + 1, size.batch, size.field_codes))

            @functools.partial(jax.jit, donate_argnums=0)
            def step(carry, windows):
                q, state = carry
                loss = lambda w: dino.rollout_loss(
                    field, w, windows, substeps, unroll
                )  # noqa: E731
                return dino.adam_step(q, jax.grad(loss)(q), state, 1e-3)

            carry = (p, dino.adam_start(p))

            def run():
                nonlocal carry
                carry = step(carry, z)
                return carry

            return self.waited(run)

        return make

    def train_dynamics(self, size):
        weights = data.bilinear_weights(size)

        def candidate(variant, field, unroll, note):
            make = self.dynamics_step(size, field, weights, size.substeps, unroll)
            return Candidate(variant, 1, make, note)

        candidates = [
            candidate("official", dino.bilinear, 1, "bilinear field"),
            candidate("best", dino.bilinear, size.horizon, "bilinear field, unrolled"),
            candidate("best", dino.bilinear_fused, 1, "bilinear field, [V; W] joined"),
        ]
        return dynamics_case("train-dynamics", size, size.substeps, candidates)

    def train_dynamics_mlp(self, size):
        make = self.dynamics_step(size, dino.mlp, data.mlp_weights(size), 1, 1)
        candidates = [Candidate("official", 1, make, "DINo's field")]
        return dynamics_case("train-dynamics-mlp", size, 1, candidates)

    # ------------------------------------------------------------ forecast

    def forecast(self, size):
        """Encode one frame from sensors, RK4 over 19 intervals, decode 20 frames on the grid."""
        p = dino.arrays(data.decoder_weights(size))
        x = jnp.asarray(data.coordinates(size, size.grid))
        chosen = np.random.default_rng(1).permutation(size.points)[: size.sensors]
        sensors = x[jnp.asarray(chosen)]
        y = jnp.asarray(data.normal(6, 1, size.channels, size.sensors))
        frames, k = size.forecast_frames, size.channels

        def trajectory(field, q, z):
            z0 = z.reshape(1, size.field_codes)
            z = jnp.concatenate([z0[None], dino.rollout(field, q, z0, frames - 1)])
            return z.reshape(frames, k, size.codes)

        def official():
            q = dino.arrays(data.mlp_weights(size))
            grid = jnp.tile(x[None], (frames, 1, 1))
            encode = self.stepwise(p, sensors[None], y, k, size.codes, size.encode_steps)
            roll = jax.jit(lambda r, z: trajectory(dino.mlp, r, z))
            decode = jax.jit(dino.decode)
            return self.waited(lambda: decode(p, grid, roll(q, encode()[0])))

        def best(field, weights):
            def make():
                q = dino.arrays(weights(size))
                at_sensors = jax.jit(dino.grid_sines)(p, sensors)
                on_grid = jax.jit(dino.grid_sines)(p, x)

                @jax.jit
                def whole(w, r, s, values, g):
                    z, _ = dino.encode(
                        dino.loss_frozen, w, s, values, k, size.codes, size.encode_steps
                    )
                    return dino.decode_shared(w, g, trajectory(field, r, z))

                return self.waited(lambda: whole(p, q, at_sensors, y, on_grid))

            return make

        note = f"{size.sensors} sensors, {size.encode_steps} Adam steps, {frames - 1} RK4 steps"
        candidates = [
            Candidate("official", 1, official, f"{note}, MLP"),
            Candidate("best", 1, best(dino.mlp, data.mlp_weights), f"{note}, sines known, MLP"),
            Candidate(
                "best",
                1,
                best(dino.bilinear_fused, data.bilinear_weights),
                f"{note}, sines known, bilinear field",
            ),
        ]
        return Case("forecast", 1, "forecasts", 1, "forecasts/s", candidates)
