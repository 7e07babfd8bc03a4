"""fairlearn on the columns of crates/stats/benches/fairness.rs; prints times.

    python -m venv venv && venv/bin/pip install fairlearn
    venv/bin/python benches/peers/fairness.py [ROWS]
"""

import statistics
import sys
import time
import warnings

import fairlearn
import numpy as np
from fairlearn.metrics import (
    MetricFrame,
    count,
    equalized_odds_difference,
    false_negative_rate,
    false_positive_rate,
    selection_rate,
    true_negative_rate,
    true_positive_rate,
)
from sklearn.metrics import accuracy_score

warnings.simplefilter("ignore")
GROUPS = 10
METRICS = {
    "selection_rate": selection_rate,
    "true_positive_rate": true_positive_rate,
    "false_positive_rate": false_positive_rate,
    "true_negative_rate": true_negative_rate,
    "false_negative_rate": false_negative_rate,
    "accuracy": accuracy_score,
    "count": count,
}


def columns(rows):
    """The same generator as the bench, number for number."""
    state, numbers = 42, np.empty(rows * 4, dtype=np.uint64)
    for place in range(rows * 4):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        numbers[place] = state >> 32
    group, base, noise = numbers[0::4] % GROUPS, numbers[1::4] % 100, numbers[2::4] % 700
    label = (base < 30 + 2 * group).astype(int)
    score = (noise + 300 * label) / 1000
    return group.astype(int), label, (score >= 0.5).astype(int)


def measure(name, run, runs=3):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1000)
    print(f"{name:<56} {statistics.median(times):>9.1f} ms   ({min(times):.1f} to {max(times):.1f})", flush=True)


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    group, label, prediction = columns(rows)
    print(f"fairlearn {fairlearn.__version__}, {rows} rows, {GROUPS} groups; median of 3 runs")

    def frame(**keywords):
        found = MetricFrame(metrics=METRICS, y_true=label, y_pred=prediction, sensitive_features=group, **keywords)
        return found.difference(), found.ratio()

    measure("MetricFrame with 7 metrics, differences and ratios", frame)
    measure(
        "equalized_odds_difference alone",
        lambda: equalized_odds_difference(label, prediction, sensitive_features=group),
    )
    few = min(rows, 30_000)
    small = [column[:few] for column in (group, label, prediction)]

    def resampled(replicates):
        MetricFrame(
            metrics=METRICS,
            y_true=small[1],
            y_pred=small[2],
            sensitive_features=small[0],
            n_boot=replicates,
            ci_quantiles=[0.025, 0.975],
            random_state=1,
        )

    measure("30,000 rows: 10 bootstrap replicates", lambda: resampled(10), runs=1)


main()
