"""Timing of peers: of several ways to compute a case the fastest of each variant is measured.

A line of output is one case computed by one framework in one variant:
  official  as DINo computes it: sines again for every frame, Adam steps from zero
  best      the strongest way the framework allows to compute the same: sines once for a shared
            grid, all frames of a batch at once, cache-sized tiles, joined products
"""

import json
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Callable

TRIALS = 3  # of each candidate, after a warm-up that also compiles
SHORTEST = 2.0  # seconds of measurement
LONGEST = 12.0  # seconds after which no further repeat is begun
REPEATS = 5


@dataclass
class Candidate:
    variant: str
    units: float  # of work a call does
    make: Callable  # () -> run; run() returns when the work is done
    note: str


@dataclass
class Case:
    name: str
    total: float  # units of the whole case
    unit: str  # of work, e.g. "frames"
    rate_per_unit: float  # of `rate_unit` a unit of work is worth
    rate_unit: str
    candidates: list
    evaluations: int = 0  # of the vector field over a batch, where the case counts them


def dynamics_case(name, size, substeps, candidates):
    """An epoch of the dynamics: every window once."""
    updates = size.sequences // size.batch
    for c in candidates:
        c.note += f", {size.batch} windows of {size.horizon} intervals, RK4 x {substeps}"
    evaluations = 4 * substeps * size.horizon * size.sequences
    return Case(name, updates, "updates", 1, "updates/s", candidates, evaluations)


def timed(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def trial(candidate):
    """Fastest of a few calls, seconds a unit; None where the candidate cannot run here."""
    try:
        run = candidate.make()
        run()
        first = timed(run)
        times = [first] + [timed(run) for _ in range(TRIALS - 1) if first < SHORTEST]
        return min(times) / candidate.units
    except Exception as error:  # a compiler or a memory limit: the other candidates remain
        reason = str(error).strip().split("\n")[0][:200]
        print(f"skipped: {candidate.variant}, {candidate.note}: {reason}", file=sys.stderr)
        return None


def repeats(run):
    run()
    times = []
    while sum(times) < LONGEST and (len(times) < REPEATS or sum(times) < SHORTEST):
        times.append(timed(run))
    return times


def measure(case, size, framework, device, threads):
    """Prints a JSON line for each variant of the case."""
    for variant in dict.fromkeys(c.variant for c in case.candidates):
        tried = [(trial(c), c) for c in case.candidates if c.variant == variant]
        tried = [(t, c) for t, c in tried if t is not None]
        if not tried:
            print(f"missing: {case.name} {size} {framework} {variant}", file=sys.stderr)
            continue
        chosen = min(tried, key=lambda pair: pair[0])[1]
        times = repeats(chosen.make())
        scale = case.total / chosen.units
        seconds = statistics.median(times) * scale
        part = f"{chosen.units:g} of {case.total:g} {case.unit}, scaled; " if scale > 1 else ""
        line = {
            "case": case.name,
            "size": size,
            "framework": framework,
            "device": device,
            "variant": variant,
            "threads": threads,
            "seconds": seconds,
            "min": min(times) * scale,
            "max": max(times) * scale,
            "rate": case.total * case.rate_per_unit / seconds,
            "unit": case.rate_unit,
            "measured_on": part + f"{chosen.note}; median of {len(times)}",
        }
        if case.evaluations:
            line["evaluations"] = case.evaluations
        print(json.dumps(line), flush=True)
