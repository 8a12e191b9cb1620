"""The benchmark cases in PyTorch, eager or compiled."""

import torch

import dino_torch as dino
import sizes as data
from measure import Candidate, Case, dynamics_case


class TorchPeer:
    def __init__(self, device, compiled):
        self.device = device
        self.compiled = compiled
        self.name = f"PyTorch {torch.__version__.split('+')[0].split('a')[0]} " + (
            "compiled" if compiled else "eager"
        )
        version = tuple(int(v) for v in torch.__version__.split(".")[:2])
        self.fused_adam = version >= (2, 4) or (device == "cuda" and version >= (2, 0))

    def wrap(self, function):
        return torch.compile(function, dynamic=False) if self.compiled else function

    def done(self):
        if self.device == "cuda":
            torch.cuda.synchronize()

    def tensor(self, array):
        return torch.tensor(array, device=self.device)

    def inference(self, function):
        """Calls without gradients, waited for."""

        def run():
            with torch.inference_mode():
                function()
            self.done()

        return run

    def adam(self, parameters, rate):
        return torch.optim.Adam(parameters, lr=rate, **({"fused": True} if self.fused_adam else {}))

    # ------------------------------------------------------------ decoder

    def basis(self, size):
        points = size.points
        p = dino.tensors(data.decoder_weights(size), self.device)
        x = self.tensor(data.coordinates(size, size.grid))

        def official(part):
            function = self.wrap(dino.basis_from_decodings)
            return lambda: self.inference(lambda: function(p, x[:part]))

        def best(tile):
            function = self.wrap(dino.basis_reverse)

            def tiles():
                return [function(p, x[i : i + tile]) for i in range(0, points, tile)]

            return lambda: self.inference(tiles)

        part = max(256, min(points, 4096 * 64 // size.width // 4))
        tiles = [points] if self.compiled else [512, points]
        candidates = [Candidate("official", part, official(part), "C + 1 decodings")]
        candidates += [
            Candidate("best", points, best(t), f"reverse sweep, tiles of {t} points") for t in tiles
        ]
        total = size.decode_grid[0] * size.decode_grid[1]
        return Case("basis", total, "points", 1, "points/s", candidates)

    def decode(self, size):
        x = data.coordinates(size, size.decode_grid)
        total, frames, k = x.shape[0], size.forecast_frames, size.channels
        p = dino.tensors(data.decoder_weights(size), self.device)
        z = self.tensor(data.normal(5, frames, k, size.codes))
        measured = min(total, 65536 if size.width <= 64 else 4096)
        x = self.tensor(x[:measured])

        def official(batch, points):
            def make():
                function = self.wrap(dino.decode)
                return self.inference(
                    lambda: [
                        function(p, x[:points].expand(batch, -1, -1), z[f : f + batch])
                        for f in range(0, frames, batch)
                    ]
                )

            return make

        def best(tile):
            def make():
                sines = self.wrap(dino.grid_sines)
                from_sines = self.wrap(
                    dino.decode_shared if self.compiled else dino.decode_shared_inplace
                )

                def tiles():
                    u = torch.empty(frames, k, measured, device=self.device)
                    for i in range(0, measured, tile):
                        u[:, :, i : i + tile] = from_sines(p, sines(p, x[i : i + tile]), z)

                return self.inference(tiles)

            return make

        batches = [frames] if self.compiled else [1, frames]
        tiles = [512, 8192] if self.compiled else [128, 512, 4096]
        candidates = [
            Candidate("official", measured, official(b, measured), f"{b} frames a call")
            for b in batches
        ] + [
            Candidate("best", measured, best(t), f"sines once, tiles of {t} points")
            for t in tiles
            if t <= measured
        ]
        return Case("decode", total, "points", frames * k, "values/s", candidates)

    # ------------------------------------------------------------ encoding

    def encode(self, size):
        x = self.tensor(data.coordinates(size, size.grid))
        p = dino.tensors(data.decoder_weights(size), self.device)
        steps = size.encode_steps if size.width <= 64 else 5

        def official():
            y = self.tensor(data.normal(6, 1, size.channels, size.points))
            loss = self.wrap(dino.loss_frozen_official)
            grid = x.expand(1, -1, -1)
            return self.waited(
                lambda: dino.encode(loss, p, grid, y, size.channels, size.codes, steps)
            )

        def best(frames):
            def make():
                y = self.tensor(data.normal(6, frames, size.channels, size.points))
                loss = self.wrap(dino.loss_frozen)
                with torch.no_grad():
                    sines = dino.grid_sines(p, x)
                return self.waited(
                    lambda: dino.encode(
                        loss, p, sines, y, size.channels, size.codes, steps, self.fused_adam
                    )
                )

            return make

        share = steps / size.encode_steps
        note = f"{steps} of {size.encode_steps} Adam steps"
        candidates = [Candidate("official", share, official, f"1 frame, {note}")]
        candidates += [
            Candidate("best", share * n, best(n), f"{n} frames at once, sines known, {note}")
            for n in ([1, 8] if size.width <= 64 else [1])
        ]
        return Case("encode", 1, "frames", 1, "frames/s", candidates)

    def waited(self, function):
        def run():
            function()
            self.done()

        return run

    # ------------------------------------------------------------ decoder training

    def decoder_step(self, size, frames, shared, scattered):
        """One minibatch: codes step, the decoder's gradients are kept for its step an epoch."""

        def make():
            p = dino.tensors(data.decoder_weights(size), self.device, requires_grad=True)
            x = self.tensor(data.coordinates(size, size.grid))
            if scattered:
                x = x + 1e-3 * self.tensor(data.normal(7, frames, *x.shape))
            elif not shared:
                x = x.expand(frames, -1, -1)
            y = self.tensor(data.normal(6, frames, size.channels, size.points))
            z = torch.zeros(frames, size.channels, size.codes, device=self.device)
            z.requires_grad_(True)
            optimizer = self.adam([z], 1e-3)
            loss = self.wrap(dino.loss_grid if shared else dino.loss_official)

            def step():
                optimizer.zero_grad(set_to_none=True)
                loss(p, x, z, y).backward()
                optimizer.step()

            return self.waited(step)

        return make

    def training_case(self, name, size, best_shared, scattered):
        batches = [1, 4, 16] if size.width <= 64 else [1, 2]
        if self.compiled:
            batches = [4, 16] if size.width <= 64 else [1]
        if self.device == "cuda":
            batches = [16, 64, 256] if size.width <= 64 else [4, 16]
        candidates = []
        for variant, shared in (("official", False), ("best", best_shared)):
            if variant == "best" and not best_shared:
                continue  # nothing is shared: the official way is the best one
            for n in batches:
                make = self.decoder_step(size, n, shared, scattered)
                candidates.append(Candidate(variant, n, make, f"{n} frames a step"))
        values = size.points * size.channels
        return Case(name, size.train_frames, "frames", values, "values/s", candidates)

    def train_decoder(self, size):
        return self.training_case("train-decoder", size, True, False)

    def train_decoder_scattered(self, size):
        return self.training_case("train-decoder-scattered", size, False, True)

    # ------------------------------------------------------------ dynamics

    def field_case(self, name, size, variants, weights):
        p = dino.tensors(weights, self.device)
        z = self.tensor(data.normal(8, size.batch, size.field_codes))
        calls = 20

        def make(field, joined):
            def build():
                function, q = self.wrap(field), dino.joined(p) if joined else p
                return self.inference(lambda: [function(q, z) for _ in range(calls)])

            return build

        candidates = [
            Candidate(variant, calls, make(field, joined), note)
            for variant, field, joined, note in variants
        ]
        return Case(name, 1, "evaluations", size.batch, "evaluations/s", candidates)

    def vector_field(self, size):
        variants = [
            ("official", dino.bilinear, False, "one product a factor"),
            ("best", dino.bilinear, False, "one product a factor"),
            ("best", dino.bilinear_joined, True, "[V; W] joined, sum inside the product"),
        ]
        return self.field_case("vector-field", size, variants, data.bilinear_weights(size))

    def vector_field_mlp(self, size):
        variants = [("official", dino.mlp, False, "DINo's field")]
        return self.field_case("vector-field-mlp", size, variants, data.mlp_weights(size))

    def dynamics_step(self, size, field, weights, substeps, fast_adam):
        def make():
            p = dino.tensors(weights, self.device, requires_grad=True)
            z = 0.1 * self.tensor(data.normal(9, size.horizon + 1, size.batch, size.field_codes))
            parameters = dino.leaves(p)
            optimizer = (
                self.adam(parameters, 1e-3) if fast_adam else torch.optim.Adam(parameters, lr=1e-3)
            )
            loss = self.wrap(lambda q, windows: dino.rollout_loss(field, q, windows, substeps))

            def step():
                optimizer.zero_grad(set_to_none=True)
                loss(p, z).backward()
                optimizer.step()

            return self.waited(step)

        return make

    def train_dynamics(self, size):
        weights = data.bilinear_weights(size)

        def candidate(variant, field, fast_adam, note):
            make = self.dynamics_step(size, field, weights, size.substeps, fast_adam)
            return Candidate(variant, 1, make, note)

        candidates = [
            candidate("official", dino.bilinear, False, "bilinear field"),
            candidate("best", dino.bilinear, True, "bilinear field, fused Adam"),
            candidate("best", dino.bilinear_fused, True, "bilinear field, [V; W] joined"),
        ]
        return dynamics_case("train-dynamics", size, size.substeps, candidates)

    def train_dynamics_mlp(self, size):
        make = self.dynamics_step(size, dino.mlp, data.mlp_weights(size), 1, False)
        candidates = [Candidate("official", 1, make, "DINo's field")]
        return dynamics_case("train-dynamics-mlp", size, 1, candidates)

    # ------------------------------------------------------------ forecast

    def forecast(self, size):
        """Encode one frame from sensors, RK4 over 19 intervals, decode 20 frames on the grid."""
        p = dino.tensors(data.decoder_weights(size), self.device)
        x = self.tensor(data.coordinates(size, size.grid))
        chosen = torch.randperm(size.points, generator=torch.Generator().manual_seed(1))
        sensors = x[chosen[: size.sensors].to(self.device)]
        y = self.tensor(data.normal(6, 1, size.channels, size.sensors))
        frames, k = size.forecast_frames, size.channels

        def run(field, weights, loss, points, decode, fused):
            q = dino.tensors(weights, self.device)
            loss, decode = self.wrap(loss), self.wrap(decode)
            trajectory = self.wrap(lambda z: dino.rollout(field, q, z, frames - 1))

            def whole():
                z, _ = dino.encode(loss, p, points, y, k, size.codes, size.encode_steps, fused)
                with torch.inference_mode():
                    z0 = z.reshape(1, size.field_codes)
                    z = torch.cat([z0[None], trajectory(z0)]).reshape(frames, k, size.codes)
                    decode(z)

            return self.waited(whole)

        def official():
            grid = x.expand(frames, -1, -1)
            return run(
                dino.mlp,
                data.mlp_weights(size),
                dino.loss_frozen_official,
                sensors.expand(1, -1, -1),
                lambda z: dino.decode(p, grid, z),
                False,
            )

        def best(field, weights):
            def make():
                with torch.no_grad():
                    at_sensors, on_grid = dino.grid_sines(p, sensors), dino.grid_sines(p, x)
                inplace = not self.compiled
                decode = dino.decode_shared_inplace if inplace else dino.decode_shared
                return run(
                    field,
                    weights(size),
                    dino.loss_frozen,
                    at_sensors,
                    lambda z: decode(p, on_grid, z),
                    self.fused_adam,
                )

            return make

        note = f"{size.sensors} sensors, {size.encode_steps} Adam steps, 19 RK4 steps"
        candidates = [
            Candidate("official", 1, official, f"{note}, MLP field"),
            Candidate("best", 1, best(dino.mlp, data.mlp_weights), f"{note}, sines known, MLP"),
            Candidate(
                "best",
                1,
                best(dino.bilinear_fused, data.bilinear_weights),
                f"{note}, sines known, bilinear field",
            ),
        ]
        return Case("forecast", 1, "forecasts", 1, "forecasts/s", candidates)
