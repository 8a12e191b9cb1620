#!/usr/bin/env python3
"""The table of accuracy, in Markdown, from the results that accuracy.sh left in a folder.

    accuracy.py FOLDER VERSION

rows.txt has a line "case|setting|model|seed|options|metric|goal|DINo|best|model stage|score stage"
for each row and seed; a score is scores/STAGE.json, what a training said of itself models/STAGE.log.
Everything is gathered in accuracy.jsonl as well, a line for each row and seed.
"""
import json
import os
import re
import statistics
import sys


def read_training(path):
    """Seconds, codes, and the load when its last part began."""
    with open(path) as file:
        text = file.read()
    found = re.search(r"(\d+) codes, .* trained (\d+) s", text)
    loads = re.findall(r"load ([\d.]+)", text)
    return {
        "codes": int(found.group(1)) if found else None,
        "seconds": int(found.group(2)) if found else None,
        "load": float(loads[-1]) if loads else None,
    }


def read_rows(folder):
    """Results by row of the table, in its order: (case, setting, model, ...) -> [result]."""
    rows = {}
    with open(os.path.join(folder, "rows.txt")) as file:
        for line in file:
            (case, setting, model, seed, options, metric, goal, dino, best, trained,
             scored) = line.rstrip("\n").split("|")
            with open(os.path.join(folder, "scores", scored + ".json")) as scores:
                result = {"case": case, "setting": setting, "model": model, "seed": int(seed),
                          "options": options, "scores": json.load(scores),
                          "training": read_training(os.path.join(folder, "models", trained + ".log"))}
            rows.setdefault((case, setting, metric, goal, dino, best, model), []).append(result)
    return rows


def spread(values):
    """Median of the seeds, and their range where it shows."""
    values = sorted(v for v in values if v is not None)
    if not values:
        return "–"
    middle = f"{statistics.median(values):.3g}"
    low, high = f"{values[0]:.3g}", f"{values[-1]:.3g}"
    return middle if low == high else f"{middle} ({low}…{high})"


def pair(results, metric, first, second):
    cells = [spread([r["scores"].get(key, {}).get(metric) for r in results]) for key in (first, second)]
    return "–" if cells == ["–", "–"] else " / ".join(cells)


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            found = re.search(r"model name\s*: (.*)", file.read())
    except OSError:
        return "unknown processor"
    return found.group(1) if found else "unknown processor"


def text_of(cell):
    return "–" if cell in ("", "-") else cell


def main(folder, version):
    rows = read_rows(folder)
    results = [result for row in rows.values() for result in row]
    with open(os.path.join(folder, "accuracy.jsonl"), "w") as gathered:
        for result in results:
            gathered.write(json.dumps(result) + "\n")
    threads = os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0))
    seeds = ", ".join(str(seed) for seed in sorted({r["seed"] for r in results}))
    print("# Accuracy\n")
    print("Written by `bench/accuracy.sh`, whose tables have the commands of every row; "
          "[README.md](README.md#accuracy) says how to read it.\n")
    print(f"{version} on {processor()}, {threads} threads; seeds {seeds}: median, and in brackets the "
          "least and the largest.\n")
    print("| case | observed | error | In-t / Out-t | In-s / Out-s | goal | DINo | best published | model |")
    print("|---|---|---|---|---|---|---|---|---|")
    for (case, setting, metric, goal, dino, best, model), runs in rows.items():
        name = {"mse": "MSE", "rel_l2": "relative L2"}[metric]
        lost = sum(run["scores"].get("failed", 0) for run in runs)
        if lost:
            setting += f"; {lost} sequences failed and are left out"
        print(f"| {case} | {setting} | {name} | {pair(runs, metric, 'in_t', 'out_t')} "
              f"| {pair(runs, metric, 'in_s', 'out_s')} | {text_of(goal)} | {text_of(dino)} "
              f"| {text_of(best)} | {model} |")
    print("\n| model | seeds | codes | seconds of training | load when it began |\n"
          "|---|---|---|---|---|")
    for model in dict.fromkeys(r["model"] for r in results):
        trainings = {r["seed"]: r["training"] for r in results if r["model"] == model}.values()
        print(f"| {model} | {len(trainings)} | " + " | ".join(spread([t[key] for t in trainings])
                                           for key in ("codes", "seconds", "load")) + " |")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
