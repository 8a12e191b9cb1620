#!/usr/bin/env python3
"""Puts the lines that bench/gpu.sh left together: results.json and results.txt, whose end it prints.

gpu_report.py RAW OUT GPU
"""

import json
import math
import sys
from datetime import datetime, timezone
from pathlib import Path

# README.md: C = 220 on two cores of a Xeon with AVX-512
PROCESSOR = {"in_t": 2.6e-5, "out_t": 5.4e-5, "seconds": 340}


def lines(path):
    """Objects of a file of JSON lines; the last one may have been cut off."""
    found = []
    for text in path.read_text().splitlines() if path.exists() else []:
        try:
            found.append(json.loads(text))
        except ValueError:
            print(f"gpu_report.py: {path.name}: not JSON: {text[:80]}", file=sys.stderr)
    return found


def document(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def finite(thing):
    """The same without numbers that JSON does not have."""
    if isinstance(thing, dict):
        return {key: finite(value) for key, value in thing.items()}
    if isinstance(thing, list):
        return [finite(value) for value in thing]
    return None if isinstance(thing, float) and not math.isfinite(thing) else thing


def sections(path):
    rows = [text.split("|") for text in path.read_text().splitlines()] if path.exists() else []
    return [
        {"name": name, "seconds": int(seconds), "status": int(status), "note": note}
        for name, seconds, status, note in rows
    ]


def number(value, form=".3g"):
    known = isinstance(value, (int, float)) and math.isfinite(value)
    return format(value, form) if known else ""


def ours(result):
    return [
        result["case"],
        "fieldcast",
        result["precision"],
        number(1e3 * result["seconds"], ".4g"),
        f"{number(result['rate'], '.4g')} {result['unit']}",
        f"{100 * result['fraction']:.1f} % of {result['limit']}",
        number(result["error"], ".1e"),
        result["note"],
    ]


def theirs(result):
    rate = f"{number(result['rate'], '.4g')} {result['unit']}" if "rate" in result else ""
    return [
        result["case"],
        "PyTorch, " + result["variant"],
        result["precision"],
        number(1e3 * result["seconds"], ".4g"),
        rate,
        "",
        number(result.get("error"), ".1e"),
        result.get("note", "") + (f", rtol {result['rtol']:g}" if "rtol" in result else ""),
    ]


def table(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(" | ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows)


def training(result):
    """The Navier-Stokes case beside the processor's."""
    pairs = [(key, result.get(key) or {}) for key in ("in_t", "out_t")]
    found = " / ".join(number(score.get("mse"), ".2e") for _, score in pairs)
    known = f"{PROCESSOR['in_t']:.1e} / {PROCESSOR['out_t']:.1e}"
    return (
        f"Navier-Stokes, bilinear field, In-t / Out-t: {found} on the device; "
        f"{known} on two cores in {PROCESSOR['seconds']} s"
    )


def main():
    raw, out, gpu = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    bench = lines(raw / "bench.jsonl")
    everything = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "gpu": gpu,
        "sections": sections(raw / "sections.txt"),
        "conditions": [r for r in bench if r["case"] == "conditions"],
        "bench": [r for r in bench if r["case"] != "conditions"],
        "peers": lines(raw / "peers.jsonl"),
        "train": document(raw / "train.json"),
        "processor": PROCESSOR,
    }
    (out / "results.json").write_text(
        json.dumps(finite(everything), indent=1, allow_nan=False) + "\n"
    )

    head = ["case", "by", "", "median ms", "rate", "share", "error", ""]
    rows = [ours(r) for r in everything["bench"]] + [theirs(r) for r in everything["peers"]]
    rows.sort(key=lambda row: row[0])
    parts = [f"{everything['date']}, {gpu}"]
    if rows:
        parts.append(table([head] + rows))
    if everything["train"]:
        parts.append(training(everything["train"]))
    states = [
        [s["name"], f"{s['seconds']} s", "ok" if s["status"] == 0 else "FAILED", s["note"]]
        for s in everything["sections"]
    ]
    parts.append(table(states))
    text = "\n\n".join(parts)
    (out / "results.txt").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
