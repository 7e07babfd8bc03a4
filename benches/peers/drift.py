"""Drift of two Parquet files by this product and by others, in one run on one machine.

    python benches/peers/drift.py target/release/comptroller before.parquet now.parquet

Each measurement is a process of its own: wall time, and the most memory that it held. What is not installed is left out:
pip install pyarrow scipy; pip install 'evidently==0.7.23' 'pandas<3'; pip install 'nannyml==0.13.1' 'pandas<3' statsmodels
Times are of the whole program, from the start to the answer, with reading the files; imports stand apart.
"""

import json
import os
import resource
import subprocess
import sys
import time

REPEATS = 3


def frames(before, now):
    import pyarrow.parquet as pq

    return pq.read_table(before).to_pandas(), pq.read_table(now).to_pandas()


def scipy_ks(before, now):
    from scipy import stats

    start = time.perf_counter()
    first, second = frames(before, now)
    for name in first:
        stats.ks_2samp(first[name], second[name])
    return start


def scipy_both(before, now):
    from scipy import stats

    start = time.perf_counter()
    first, second = frames(before, now)
    for name in first:
        stats.ks_2samp(first[name], second[name])
        stats.wasserstein_distance(first[name], second[name])
    return start


def numpy_sort(before, now):
    import numpy as np

    start = time.perf_counter()
    for frame in frames(before, now):
        for name in frame:
            np.sort(frame[name].to_numpy())
    return start


def evidently_psi(before, now):
    from evidently import Dataset, Report
    from evidently.presets import DataDriftPreset

    start = time.perf_counter()
    first, second = frames(before, now)
    Report([DataDriftPreset(num_method="psi")]).run(Dataset.from_pandas(second), Dataset.from_pandas(first))
    return start


def nannyml_ks(before, now):
    import nannyml

    start = time.perf_counter()
    first, second = frames(before, now)
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=list(first.columns), continuous_methods=["kolmogorov_smirnov"], chunk_number=10
    )
    calculator.fit(first).calculate(second)
    return start


PEERS = [numpy_sort, scipy_ks, scipy_both, nannyml_ks, evidently_psi]


def child(name, before, now):
    begun = time.perf_counter()
    start = {peer.__name__: peer for peer in PEERS}[name](before, now)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": end - start, "imports": start - begun, "mib": peak}))


def measure(command):
    """The best of several runs; nothing if the program is not there or fails."""
    best = None
    for _ in range(REPEATS):
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = status
        if status != 0:
            return None
        found = {"seconds": seconds, "imports": 0.0, "mib": usage.ru_maxrss / 1024}
        if command[0] == sys.executable:
            found = json.loads(output.splitlines()[-1])
        if best is None or found["seconds"] < best["seconds"]:
            best = found
    return best


def main():
    program, before, now = sys.argv[1:4]
    profile = before + ".profile.json"
    subprocess.run([program, "profile", before, "--out", profile], check=True, stdout=subprocess.DEVNULL)
    rows = [
        ("ours, both raw", measure([program, "drift", before, now, "--format", "json"])),
        ("ours, profile", measure([program, "drift", profile, now, "--format", "json"])),
    ]
    rows += [(peer.__name__, measure([sys.executable, __file__, "--one", peer.__name__, before, now])) for peer in PEERS]
    os.remove(profile)
    base = rows[0][1]["seconds"]
    for name, found in rows:
        if found is None:
            print(f"{name:16} not installed")
            continue
        ratio = found["seconds"] / base
        print(f"{name:16} {found['seconds']:8.2f} s  {found['mib']:6.0f} MiB  {ratio:6.1f} x  (+ {found['imports']:.1f} s imports)")


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        child(*sys.argv[2:5])
    else:
        main()
