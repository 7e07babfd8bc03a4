"""Makes expected.json: small samples and what other programs say about them.

Run once, with the versions that expected.json names:  python make.py > expected.json
The tests read expected.json; nothing runs Python.
"""

import json
import platform

import numpy as np
import scipy
import sklearn
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn import isotonic, metrics

rng = np.random.default_rng(20260726)


def two_samples():
    cases = []
    shapes = [
        ("normal shift", rng.normal(0, 1, 120), rng.normal(0.4, 1, 90)),
        ("ties", rng.integers(0, 6, 200).astype(float), rng.integers(1, 7, 150).astype(float)),
        ("lognormal scale", rng.lognormal(0, 1, 300), rng.lognormal(0, 1.5, 50)),
        ("one value", np.full(40, 3.0), np.concatenate([np.full(30, 3.0), [4.0]])),
        ("disjoint", rng.uniform(0, 1, 60), rng.uniform(2, 3, 70)),
        ("equal sizes", rng.normal(0, 1, 100), rng.normal(0, 1.3, 100)),
    ]
    for name, a, b in shapes:
        ks = stats.ks_2samp(a, b, method="exact")
        cases.append(
            {
                "name": name,
                "reference": a.tolist(),
                "current": b.tolist(),
                "ks": ks.statistic,
                "ks_p": ks.pvalue,
                "wasserstein": stats.wasserstein_distance(a, b),
                "deciles": np.quantile(a, np.arange(1, 10) / 10).tolist(),
            }
        )
    return cases


def tables():
    cases = []
    for reference, current in [
        ([16, 18, 16, 14, 12, 12], [16, 16, 16, 16, 16, 8]),
        ([120, 30, 50], [40, 60, 100]),
        ([1000, 1, 0, 5], [900, 0, 7, 50]),
        ([3, 2, 2], [1, 2, 3]),
        ([200, 800], [400, 600]),
    ]:
        p, q = np.array(reference) / sum(reference), np.array(current) / sum(current)
        chi = stats.chi2_contingency([reference, current], correction=False)
        # At equal group sizes Cramer's V of the table of shares is the balanced one.
        balanced = stats.contingency.association(
            np.round(np.array([p, q]) * 1e12).astype(np.int64), method="cramer"
        )
        cases.append(
            {
                "reference": reference,
                "current": current,
                "chi_square": chi.statistic,
                "chi_square_p": chi.pvalue,
                "jensen_shannon": float(jensenshannon(p, q, base=2)),
                "hellinger": float(np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2)),
                "psi_added_1e-10": float(np.sum((q + 1e-10 - p - 1e-10) * np.log((q + 1e-10) / (p + 1e-10)))),
                "cramer_v": float(balanced),
            }
        )
    return cases


def scores():
    cases = []
    for rows in (60, 400):
        y = rng.integers(0, 2, rows)
        score = np.clip(np.round(0.3 * y + rng.uniform(0, 0.7, rows), 2), 0.01, 0.99)
        order = np.unique(score)
        fit = isotonic.IsotonicRegression(y_min=0, y_max=1).fit(score, y)
        cases.append(
            {
                "label": y.tolist(),
                "score": score.tolist(),
                "auc": metrics.roc_auc_score(y, score),
                "brier": metrics.brier_score_loss(y, score),
                "log_loss": metrics.log_loss(y, score),
                "accuracy": metrics.accuracy_score(y, score >= 0.5),
                "values": order.tolist(),
                "isotonic": fit.predict(order).tolist(),
            }
        )
    return cases


def tails():
    return {
        "chi_square": [[x, df, stats.chi2.sf(x, df)] for x, df in [(0.5, 1), (31, 31), (120, 60), (900, 31)]],
        "noncentral": [
            [x, df, shift, stats.ncx2.cdf(x, df, shift)] for x, df, shift in [(20, 31, 12), (67, 31, 36), (1500, 31, 1450)]
        ],
        "normal": [[x, stats.norm.sf(x)] for x in (-2.0, 0.0, 1.5, 8.0)],
        "kolmogorov": [[x, stats.kstwobign.sf(x)] for x in (0.3, 0.8, 1.36, 2.5)],
    }


print(
    json.dumps(
        {
            "versions": {
                "python": platform.python_version(),
                "numpy": np.__version__,
                "scipy": scipy.__version__,
                "scikit-learn": sklearn.__version__,
            },
            "two_samples": two_samples(),
            "tables": tables(),
            "scores": scores(),
            "tails": tails(),
        }
    )
)
