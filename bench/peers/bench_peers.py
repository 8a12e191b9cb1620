#!/usr/bin/env python3
"""Times one framework on the cases of fieldcast-bench, one JSON line a case and variant.

bench_peers.py --framework torch|torch-compile|jax [--device cpu|cuda] [--threads 2]
               [--sizes ns,sw,large] [--cases decode,encode,...]
"""

import argparse
import os
import sys

CASES = (
    "basis decode encode train-decoder train-decoder-scattered vector-field vector-field-mlp "
    "train-dynamics train-dynamics-mlp forecast"
).split()
LARGE_CASES = ("decode", "vector-field")  # what a peer can finish at the large size


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--framework", choices=["torch", "torch-compile", "jax"], required=True)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--sizes", default="ns,sw,large")
    parser.add_argument("--cases", default=",".join(CASES))
    chosen = parser.parse_args()
    unknown = set(chosen.cases.split(",")) - set(CASES)
    if unknown:
        parser.error(f"unknown case {sorted(unknown)[0]}; there are {', '.join(CASES)}")
    return chosen


def with_fast_memory():
    """Restarts the program with an allocator that keeps large blocks, in large pages.

    Activations of some megabytes are otherwise mapped anew and zeroed by the system in every
    operation, which costs eager PyTorch up to half of its time.
    """
    wanted = {
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": str(1 << 35),
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    }
    if any(name not in os.environ for name in wanted):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**wanted, **os.environ})


def peer(framework, device, threads):
    # JAX takes as many threads as there are processors to run on, so the process is given just
    # these; PyTorch is told the number as well.
    if device == "cpu":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    if framework == "jax":
        if device == "cpu":
            os.environ["JAX_PLATFORMS"] = "cpu"
        from cases_jax import JaxPeer

        return JaxPeer(device)
    import torch

    torch.set_num_threads(threads)
    if device == "cuda" and not torch.cuda.is_available():
        sys.exit("bench_peers.py: this PyTorch finds no CUDA device")
    from cases_torch import TorchPeer

    if framework == "torch-compile" and not hasattr(torch, "compile"):
        sys.exit(f"bench_peers.py: PyTorch {torch.__version__} has no torch.compile")
    return TorchPeer(device, framework == "torch-compile")


def main():
    chosen = arguments()
    with_fast_memory()
    runner = peer(chosen.framework, chosen.device, chosen.threads)
    from measure import measure
    from sizes import SIZES

    for size in chosen.sizes.split(","):
        for name in chosen.cases.split(","):
            if size == "large" and name not in LARGE_CASES:
                continue
            case = getattr(runner, name.replace("-", "_"))(SIZES[size])
            measure(case, size, runner.name, chosen.device, chosen.threads)


if __name__ == "__main__":
    main()
