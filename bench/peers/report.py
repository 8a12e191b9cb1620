#!/usr/bin/env python3
"""Writes RESULTS.md and growth.png from the lines that run.sh collected.

    report.py RESULTS_FOLDER BENCH_FOLDER

Every figure was measured in that run; what is missing is named.
"""

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path

# A case of fieldcast and the case of the peers that does the same for the user.
PEER_CASE = {
    "decode-new": "decode",
    "encode-new": "encode",
    "train-decoder-adam": "train-decoder",
    "train-decoder-solved": "train-decoder-scattered",
    "forecast-first": "forecast",
}
PEER_SIZE = {"series": "ns"}  # fieldcast's own decoder on the data of ns
LIMITS = {"limit-fma": ("FMA peak", "flop/s"), "limit-triad": ("triad", "bytes/s")}
LIMITS["limit-cache"] = ("reading from the second-level cache", "bytes/s")
LIMITS["limit-sgemm"] = ("SGEMM, OpenBLAS", "flop/s")

INTRODUCTION = """# Measured beside PyTorch and JAX

Written by `bench/peers/run.sh`. fieldcast and its peers were measured in one run for each size, with
fieldcast before and after the peers (the mean counts). Seconds are medians.
*Official* computes as DINo (Yin et al. 2023) does: sines again for every frame, codes by Adam from
zero. *Best* is the strongest way found for that framework to compute the same: sines once for a
shared grid, all frames at once, cache-sized tiles, joined products. Where a whole case would take
minutes, a peer was timed on a part and scaled linearly (column "measured on" of the last section).
Peers keep freed memory and use large pages, which makes eager PyTorch up to twice as fast.
"""


def lines_of(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]


def merged(lines):
    """Repeated lines of one case become one, with the means of their numbers."""
    groups = defaultdict(list)
    for line in lines:
        key = [line.get(k) for k in ("case", "size", "threads", "points", "frames")]
        groups[tuple(key)].append(line)
    result = []
    for group in groups.values():
        line = dict(group[0])
        for key in ("seconds", "rate", "fraction"):
            line[key] = statistics.mean(g[key] for g in group)
        result.append(line)
    return result


def seconds_text(seconds):
    for scale, unit in ((1, "s"), (1e3, "ms")):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def rate_text(rate, unit):
    for scale, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rate >= scale:
            return f"{rate / scale:.3g} {prefix} {unit}"
    return f"{rate:.3g} {unit}"


def ratio_text(ratio):
    return f"{ratio:,.0f}×" if ratio >= 10 else f"{ratio:.2f}×"


def table(header, rows):
    right = [" --- "] + [" ---: "] * (len(header) - 1)
    body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(["| " + " | ".join(header) + " |", "|" + "|".join(right) + "|", *body, ""])


class Run:
    def __init__(self, folder):
        every = merged(lines_of(folder / "fieldcast.jsonl"))
        self.limits = {x["case"]: x for x in every if x["case"] in LIMITS}
        self.growth = [x for x in every if x["case"].startswith("growth")]
        self.cases = [x for x in every if x["case"] not in LIMITS and "growth" not in x["case"]]
        self.peers = lines_of(folder / "peers.jsonl")
        read = lambda name: (
            (folder / name).read_text() if (folder / name).exists() else ""
        )  # noqa: E731
        self.conditions = [x.split("=", 1) for x in read("conditions.txt").splitlines()]
        self.missing = read("missing.txt").splitlines()
        self.skipped = read("skipped.txt").splitlines()
        pairs = [(p["framework"], p["device"]) for p in self.peers]
        self.frameworks = list(dict.fromkeys(pairs))

    def find(self, case, size):
        return next((x for x in self.cases if (x["case"], x["size"]) == (case, size)), None)

    def peers_of(self, line, variant):
        """{framework: seconds} for the same work; CUDA beside CPU. Where both count evaluations of
        the vector field, a peer's time is scaled to as many."""
        case = PEER_CASE.get(line["case"], line["case"])
        size = PEER_SIZE.get(line["size"], line["size"])
        found = {}
        for p in self.peers:
            if (p["case"], p["size"], p["variant"]) == (case, size, variant):
                scale = 1.0
                if "evaluations" in p and "evaluations" in line:
                    scale = line["evaluations"] / p["evaluations"]
                found[p["framework"], p["device"]] = scale * p["seconds"]
        return found

    def fastest(self, line, variant, device="cpu", named=""):
        """(seconds, framework) of the fastest peer, (None, "") without any; the official way counts
        as best where nothing better was found"""
        every = self.peers_of(line, "official")
        if variant == "best":
            for key, seconds in self.peers_of(line, "best").items():
                every[key] = min(seconds, every.get(key, seconds))
        found = {k: v for k, v in every.items() if k[1] == device and named in k[0]}
        if not found:
            return None, ""
        framework = min(found, key=found.get)
        return found[framework], framework[0]


def conditions(run):
    text = "\n## Conditions\n\n"
    sample = (run.cases or run.growth or [{}])[0]
    rows = [("processor", sample.get("processor", "unknown"))] + run.conditions
    rows += [("fieldcast", f"{sample.get('compiler', '?')}, kernels {sample.get('simd', '?')}")]
    rows += [("peer", f"{name} on {device}") for name, device in run.frameworks]
    rows += [("not measured", reason) for reason in run.missing]
    text += table(["", ""], rows) + "\n"
    rows = [
        (LIMITS[name][0], rate_text(x["rate"], x["unit"]), str(x["threads"]))
        for name, x in run.limits.items()
    ]
    return text + "## The machine's limits\n\n" + table(["limit", "rate", "threads"], rows)


# ---------------------------------------------------------------- goals


def compared(run, case, least, named=""):
    """Ratio of the fastest official peer to fieldcast, and whether it reaches `least`."""
    line = run.find(case, "ns")
    seconds, framework = run.fastest(line, "official", named=named) if line else (None, "")
    if seconds is None:
        return None
    ratio = seconds / line["seconds"]
    text = f"{ratio_text(ratio)} ({framework})"
    if ratio < least and line["fraction"]:
        most = ratio_text(ratio / line["fraction"])
        text += f"; {most} if it ran at the machine's {line['limit']} limit"
    return text, ratio >= least


def share(run, case, limit, least):
    """The share of a limit: flops counted by the driver over its measured peak."""
    line = run.find(case, "ns")
    if not line or limit not in run.limits or not line.get("flops"):
        return None
    part = line["flops"] / line["seconds"] / run.limits[limit]["rate"]
    return f"{100 * part:.0f} %", part >= least


def at_least(run, case, rate):
    line = run.find(case, "ns")
    return (rate_text(line["rate"], line["unit"]), line["rate"] >= rate) if line else None


def at_most(run, case, seconds):
    line = run.find(case, "ns")
    return (seconds_text(line["seconds"]), line["seconds"] <= seconds) if line else None


def linear(run, kind):
    """Time per unit of the largest size against the least of all."""
    lines = series(run, kind)
    if len(lines) < 2:
        return None
    each = [x["seconds"] / x[kind] for x in lines]
    ratio = each[-1] / min(each)
    return f"{ratio:.2f}× the least time per unit at {lines[-1][kind]:.0e}", ratio < 1.25


def bounded(run):
    """Peak memory of the largest number of points against a hundredth of it."""
    lines = {x["points"]: x.get("peak_bytes") for x in series(run, "points")}
    largest = max(lines, default=0)
    small = lines.get(largest // 100)
    if not largest or small is None:
        return None
    mebibytes = [lines[largest] / 2**20, small / 2**20]
    text = "{:.1f} MiB at {:.0e} points, {:.1f} at a hundredth".format(
        mebibytes[0], largest, mebibytes[1]
    )
    return text, lines[largest] <= max(2 * small, 2**26)


def goals(run):
    rows = [
        (
            "epoch of the decoder, shared points",
            "≥ 1000× PyTorch",
            compared(run, "train-decoder", 1000, "PyTorch"),
        ),
        (
            "the same, other points in every frame",
            "≥ 20×",
            compared(run, "train-decoder-scattered", 20),
        ),
        ("", "≥ 60 % of the FMA peak", share(run, "train-decoder-scattered", "limit-fma", 0.6)),
        ("encoding a frame, points seen before", "≥ 10,000×", compared(run, "encode", 10000)),
        ("encoding a frame, new points", "≥ 200×", compared(run, "encode-new", 200)),
        ("decoding 20 frames at 256×256", "≥ 300×", compared(run, "decode", 300)),
        ("", "≥ 0.4 G values/s", at_least(run, "decode", 0.4e9)),
        ("epoch of the dynamics", "≥ 2×", compared(run, "train-dynamics", 2)),
        ("", "≥ 60 % of the SGEMM rate", share(run, "train-dynamics", "limit-sgemm", 0.6)),
        ("forecast, sensors to 20 frames", "≤ 2 ms", at_most(run, "forecast", 2e-3)),
        ("growth in points", "linear", linear(run, "points")),
        ("growth in frames", "linear", linear(run, "frames")),
        ("memory of decoding", "bounded", bounded(run)),
    ]
    verdict = {True: "met", False: "**missed**"}
    cells = [
        (what, goal, got[0] if got else "not measured", verdict[bool(got[1])] if got else "")
        for what, goal, got in rows
    ]
    head = "\n## Goals\n\nSize ns; ratios against the fastest peer that computes as DINo does.\n\n"
    line = run.find("train-decoder", "ns") or {}
    note = ""
    if line.get("rank"):
        note = (
            "\nThe epoch on shared points takes all frames by the factor of their covariance, "
            f"{line['rank']} columns, which is made once for all epochs in "
            f"{seconds_text(line['preparation'])}; `train-decoder-adam` goes frame by frame.\n"
        )
    return head + table(["case", "goal", "measured", ""], cells) + note


# ---------------------------------------------------------------- tables and plot


def size_table(run, size):
    lines = [x for x in run.cases if x["size"] == size]
    columns = [f"{name}{'' if device == 'cpu' else ' (CUDA)'}" for name, device in run.frameworks]
    header = ["case", "fieldcast", "rate", "of limit", *columns, "to official", "to best"]
    rows = []
    for line in lines:
        official, best = run.peers_of(line, "official"), run.peers_of(line, "best")
        cells = []
        for key in run.frameworks:
            both = [seconds_text(v[key]) if key in v else "–" for v in (official, best)]
            cells.append(" / ".join(both) if key in official or key in best else "–")
        ratios = []
        for variant in ("official", "best"):
            seconds = run.fastest(line, variant)[0]
            ratios.append(ratio_text(seconds / line["seconds"]) if seconds else "–")
        limit = f"{100 * line['fraction']:.0f} % {line['limit']}" if line["fraction"] else "–"
        rows.append(
            (
                f"`{line['case']}`" + (" (1 thread)" if line["threads"] == 1 else ""),
                seconds_text(line["seconds"]),
                rate_text(line["rate"], line["unit"]),
                limit,
                *cells,
                *ratios,
            )
        )
    own = [p for p in run.peers if p["size"] == size and p["case"].endswith("-mlp")]
    note = "".join(
        f"- `{p['case']}` (DINo's own field and step), {p['framework']} on {p['device']}: "
        f"{seconds_text(p['seconds'])}\n"
        for p in own
    )
    head = (
        f"\n## Size {size}\n\nPeers: official / best. Ratios to the fastest CPU peer of each.\n\n"
    )
    return head + table(header, rows) + ("\n" + note if note else "")


def details(run):
    rows = [
        (
            p["case"],
            p["size"],
            p["framework"],
            p["device"],
            p["variant"],
            seconds_text(p["seconds"]),
            f"{seconds_text(p['min'])}…{seconds_text(p['max'])}",
            rate_text(p["rate"], p["unit"]),
            p["measured_on"],
        )
        for p in run.peers
    ]
    header = ["case", "size", "peer", "on", "variant", "median", "spread", "rate", "measured on"]
    text = "\n## The peers' measurements\n\n" + table(header, rows)
    if run.skipped:
        text += "\nWays that failed and were left out:\n\n"
        text += "".join(f"- {x}\n" for x in run.skipped)
    return text


def series(run, kind):
    """Lines that vary the number of points, or of frames, in order."""
    return sorted((x for x in run.growth if x["case"] == f"growth-{kind}"), key=lambda x: x[kind])


def plot(run, path):
    try:
        import matplotlib
    except ImportError:
        return "\nNo plot of growth: matplotlib is not installed.\n"
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(13, 4), constrained_layout=True)
    for axis, kind in zip(axes, ("points", "frames")):
        lines = series(run, kind)
        if not lines:
            continue
        x = [line[kind] for line in lines]
        seconds = [line["seconds"] for line in lines]
        other = "frames" if kind == "points" else "points"
        axis.loglog(x, seconds, "o-", label=f"measured, {lines[-1][other]} {other}")
        axis.loglog(x, [seconds[-1] * n / x[-1] for n in x], "k--", lw=1, label="linear")
        axis.set(xlabel=kind, ylabel="seconds to decode", title=f"Time over {kind}")
        axis.legend()
    for kind in ("points", "frames"):
        lines = [x for x in series(run, kind) if "peak_bytes" in x]
        mebibytes = [x["peak_bytes"] / 2**20 for x in lines]
        axes[2].semilogx([x[kind] for x in lines], mebibytes, "o-", label=f"over {kind}")
    axes[2].set(
        xlabel="points or frames", ylabel="MiB", title="Peak memory beyond input and output"
    )
    axes[2].set_ylim(bottom=0)
    axes[2].legend()
    figure.savefig(path, dpi=110)
    return "\n![time and memory of decoding over the numbers of points and frames](growth.png)\n"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    run, bench = Run(Path(sys.argv[1])), Path(sys.argv[2])
    text = INTRODUCTION + goals(run)
    for size in dict.fromkeys(x["size"] for x in run.cases):
        text += size_table(run, size)
    if run.growth:
        text += "\n## Growth\n" + plot(run, bench / "growth.png")
    text += conditions(run) + details(run)
    (bench / "RESULTS.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
