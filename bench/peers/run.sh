#!/usr/bin/env bash
# Times fieldcast and its peers in one run and writes bench/RESULTS.md and bench/growth.png.
#
#   bench/peers/run.sh                      sizes ns, sw and large; all processors
#   SIZES=ns THREADS=1 bench/peers/run.sh   a part of it
#   ADD=1 SIZES=sw bench/peers/run.sh       another part, beside what was measured before
#
# Environment:
#   PEERS=0              only fieldcast, without its peers
#   FIELDCAST_BENCH      the driver; default build/fieldcast-bench
#   FIELDCAST_PEERS      folder of the private Python environment and of raw results;
#                        default build/peers
#   PEERS_FULL_TORCH=1   let pip install PyTorch with all it asks for (gigabytes of CUDA packages);
#                        this is done anyway where there is an NVIDIA device
#   PIP_INDEX_URL, PIP_EXTRA_INDEX_URL   as pip takes them, e.g. an index of CPU builds of PyTorch
#
# A peer that cannot be installed is named in the results with the reason.
set -u
# Threads that wait actively halve the time of small operations on a quiet machine, which is the one
# to measure on; a passive policy left in the environment would be a handicap.
unset OMP_WAIT_POLICY OMP_NUM_THREADS MKL_NUM_THREADS OPENBLAS_NUM_THREADS
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
driver=${FIELDCAST_BENCH:-$root/build/fieldcast-bench}
peers=${FIELDCAST_PEERS:-$root/build/peers}
sizes=${SIZES:-ns,sw,large}
threads=${THREADS:-$(nproc)}
venv=$peers/venv
results=$peers/results
system_python=/usr/bin/python3
log=$peers/install.log

say() { printf '== %s\n' "$*" >&2; }
missing() { # framework, reason
    say "missing: $1: $2"
    printf '%s: %s\n' "$1" "$2" >>"$results/missing.txt"
}
last_line() { grep -v '^[[:space:]]*$' "$log" | tail -n 1 | cut -c1-300; }
imports() { "$1" -c "import $2" >>"$log" 2>&1; } # python, module
has_device() { command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q .; }

# ---------------------------------------------------------------- installation

install_debian() { # package, module
    imports "$system_python" "$2" && return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "apt-get install $1"
        DEBIAN_FRONTEND=noninteractive apt-get install -y "$1" >>"$log" 2>&1
        imports "$system_python" "$2" && return 0
    fi
    missing "$1" "not installed; as root: apt-get install $1"
    return 1
}

make_venv() {
    [ -x "$venv/bin/python" ] && return 0
    "$system_python" -m venv "$venv" >>"$log" 2>&1 || python3 -m venv "$venv" >>"$log" 2>&1
}

# PyTorch's default wheel is linked with CUDA. Where the CUDA toolkit is on the machine, only four
# small libraries that it lacks are installed beside it.
install_torch2() {
    imports "$venv/bin/python" torch && return 0
    if has_device || [ -n "${PEERS_FULL_TORCH:-}" ]; then
        say "pip install torch"
        "$venv/bin/pip" install torch >>"$log" 2>&1
    else
        say "pip install torch without CUDA packages"
        "$venv/bin/pip" install --no-deps torch >>"$log" 2>&1 &&
            "$venv/bin/pip" install numpy filelock typing-extensions sympy networkx jinja2 fsspec \
                'setuptools<82' >>"$log" 2>&1
        imports "$venv/bin/python" torch || "$venv/bin/python" - <<'PYTHON' >>"$log" 2>&1
import re, subprocess, sys
from importlib.metadata import requires
asked = [r.split(";")[0].strip() for r in requires("torch") or []]
small = [r for r in asked if re.match(r"nvidia-(nvshmem|cusparselt|nccl|cufile)", r)]
if any(r.startswith("cuda-toolkit") and "cufile" in r for r in asked):
    small.append("nvidia-cufile")
subprocess.run([sys.executable, "-m", "pip", "install", "--no-deps", *small], check=True)
PYTHON
    fi
    imports "$venv/bin/python" torch && return 0
    missing "PyTorch 2" "import fails: $(last_line); set PIP_EXTRA_INDEX_URL to an index of CPU \
builds, or PEERS_FULL_TORCH=1"
    return 1
}

install_jax() {
    imports "$venv/bin/python" jax && return 0
    say "pip install jax"
    if has_device; then
        "$venv/bin/pip" install 'jax[cuda13]' >>"$log" 2>&1 ||
            "$venv/bin/pip" install 'jax[cuda12]' >>"$log" 2>&1
    fi
    imports "$venv/bin/python" jax || "$venv/bin/pip" install jax >>"$log" 2>&1
    imports "$venv/bin/python" jax && return 0
    missing "JAX" "import fails: $(last_line)"
    return 1
}

# ---------------------------------------------------------------- measuring

load() { cut -d' ' -f1-3 /proc/loadavg 2>/dev/null; }

run_fieldcast() { # arguments
    say "fieldcast-bench $*"
    "$driver" --json --threads "$threads" "$@" >>"$results/fieldcast.jsonl" ||
        missing "fieldcast-bench $*" "exit status $?"
}

# All cases but the limits and growth, which are measured once.
fieldcast_cases() {
    "$driver" --list | awk '/^cases/ {on = 1; next} /^sizes/ {on = 0}
        on && $1 !~ /^(limit|growth)/ {print $1}'
}

run_peer() { # python, framework, device, size
    say "$2 on $3, size $4"
    "$1" "$here/bench_peers.py" --framework "$2" --device "$3" --threads "$threads" --sizes "$4" \
        >>"$results/peers.jsonl" 2>"$results/peer.log"
    local status=$?
    grep -E '^(skipped|missing):' "$results/peer.log" | sed "s/^/$2 on $3, size $4: /" |
        tee -a "$results/skipped.txt" >&2
    [ $status = 0 ] || missing "$2 on $3, size $4" "$(tail -n 1 "$results/peer.log" | cut -c1-300)"
}

run_size() {
    local size=$1
    run_fieldcast $cases --size "$size"
    [ $debian = 1 ] && run_peer "$system_python" torch cpu "$size"
    if [ $torch2 = 1 ]; then
        run_peer "$venv/bin/python" torch cpu "$size"
        [ $compiler = 1 ] && run_peer "$venv/bin/python" torch-compile cpu "$size"
    fi
    [ $jax = 1 ] && run_peer "$venv/bin/python" jax cpu "$size"
    if has_device; then
        [ $torch2 = 1 ] && run_peer "$venv/bin/python" torch cuda "$size" &&
            run_peer "$venv/bin/python" torch-compile cuda "$size"
        [ $jax = 1 ] && run_peer "$venv/bin/python" jax cuda "$size"
    fi
    return 0
}

mkdir -p "$results" || exit 1
[ "${ADD:-0}" = 1 ] || rm -f "$results"/*
: >"$log"
if [ ! -x "$driver" ]; then
    say "no $driver: build the target fieldcast-bench, or name the program in FIELDCAST_BENCH"
    exit 2
fi
debian=0 torch2=0 jax=0 compiler=0
find_peers() {
    install_debian python3-torch torch && debian=1
    if make_venv; then
        install_torch2 && torch2=1
        install_jax && jax=1
    else
        missing "PyTorch 2 and JAX" "no virtual environment: $(last_line)"
    fi
    if command -v g++ >/dev/null || command -v clang++ >/dev/null; then
        compiler=1
    else
        missing "PyTorch 2 compiled" "torch.compile needs a C++ compiler"
    fi
    has_device || missing "CUDA" "no NVIDIA device on this machine"
}
if [ "${PEERS:-1}" = 1 ]; then
    find_peers
else
    missing "peers at $sizes" "not asked for"
fi

{
    printf 'date=%s\n' "$(date -u '+%Y-%m-%d %H:%M UTC')"
    printf 'threads=%s\n' "$threads"
    printf 'system=%s\n' "$(. /etc/os-release && printf '%s' "$PRETTY_NAME")"
    printf 'kernel=%s\n' "$(uname -sr)"
    printf 'cores=%s\n' "$(nproc)"
    printf 'compiler of torch.compile=%s\n' "$(c++ --version 2>/dev/null | head -n 1)"
    printf 'load before=%s\n' "$(load)"
} >>"$results/conditions.txt"

cases=$(fieldcast_cases)
[ "${ADD:-0}" = 1 ] || run_fieldcast limit-fma limit-triad limit-cache limit-sgemm growth
for size in ${sizes//,/ }; do
    run_size "$size"
done
[[ ,$sizes, == *,ns,* ]] && run_fieldcast $cases --size series
if [ "${PEERS:-1}" = 1 ]; then
    for size in ${sizes//,/ }; do # once more after the peers: the report takes the mean
        run_fieldcast $cases --size "$size"
    done
fi
printf 'load after=%s\n' "$(load)" >>"$results/conditions.txt"

python=$venv/bin/python
imports "$python" matplotlib || "$python" -m pip install matplotlib >>"$log" 2>&1
if ! imports "$python" matplotlib; then
    install_debian python3-matplotlib matplotlib
    python=$system_python
fi
"$python" "$here/report.py" "$results" "$root/bench"
