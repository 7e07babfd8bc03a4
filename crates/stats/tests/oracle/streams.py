"""Makes streams.json: short streams and where river's detectors see a change in them.

Run once, with the version that streams.json names:  python streams.py > streams.json
The tests read streams.json; nothing runs Python.
"""

import json

import numpy as np
import river
from river import drift

rng = np.random.default_rng(20261127)


def errors(rates):
    return np.concatenate([rng.binomial(1, rate, rows) for rate, rows in rates]).astype(float)


def normals(parts):
    return np.concatenate([np.round(rng.normal(mean, sd, rows), 2) for mean, sd, rows in parts])


STREAMS = {
    "errors, sudden": errors([(0.1, 700), (0.5, 500)]),
    "errors, twice": errors([(0.2, 500), (0.45, 400), (0.05, 600), (0.6, 300)]),
    "errors, stable": errors([(0.3, 1200)]),
    "numbers, up": normals([(0, 1, 600), (1.5, 1, 500)]),
    "numbers, down and up": normals([(2, 0.5, 500), (0, 0.5, 500), (3, 0.5, 400)]),
    "numbers, stable": normals([(0, 1, 1000)]),
    "numbers, slow": np.round(rng.normal(0, 1, 1200) + np.linspace(0, 3, 1200), 2),
}


def found(detector, stream):
    changes, warnings = [], []
    for at, value in enumerate(stream):
        detector.update(value)
        if detector.drift_detected:
            changes.append(at)
        if getattr(detector, "warning_detected", False):
            warnings.append(at)
    return changes, warnings


cases = []
for name, stream in STREAMS.items():
    case = {"name": name, "values": stream.tolist()}
    adwin = drift.ADWIN()
    case["adwin"], _ = found(adwin, stream)
    case["adwin_width"], case["adwin_mean"] = adwin.width, adwin.estimation
    sharp = drift.ADWIN(delta=0.1, clock=1, max_buckets=3)
    case["adwin_sharp"], _ = found(sharp, stream)
    case["adwin_sharp_width"] = sharp.width
    case["page_hinkley"], _ = found(drift.PageHinkley(), stream)
    case["page_hinkley_low"], _ = found(drift.PageHinkley(threshold=12, delta=0.1, min_instances=10), stream)
    if name.startswith("errors"):
        case["ddm"], case["ddm_warnings"] = found(drift.binary.DDM(), stream)
    cases.append(case)
print(json.dumps({"versions": {"river": river.__version__, "numpy": np.__version__}, "streams": cases}))
