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
from scipy.spatial.distance import cosine, jensenshannon, pdist
from sklearn import calibration, isotonic, metrics

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


def calibration_error(y, score):
    rate, mean = calibration.calibration_curve(y, score, n_bins=10, strategy="uniform")
    # The curve leaves out empty bins and does not say how many rows each has.
    rows = np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], score), minlength=10)
    return float(np.sum(rows[rows > 0] * np.abs(rate - mean)) / len(y))


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
                "average_precision": metrics.average_precision_score(y, score),
                "precision": metrics.precision_score(y, score >= 0.5),
                "recall": metrics.recall_score(y, score >= 0.5),
                "f1": metrics.f1_score(y, score >= 0.5),
                "calibration_error": calibration_error(y, score),
                "values": order.tolist(),
                "isotonic": fit.predict(order).tolist(),
            }
        )
    return cases


def classes():
    y = rng.integers(0, 3, 240)
    raw = np.round(rng.uniform(0, 1, (240, 3)) + 0.8 * np.eye(3)[y], 1)
    score = raw / raw.sum(axis=1, keepdims=True)
    decision = score.argmax(axis=1)
    names = np.array(["a", "b", "c"])
    macro = {"average": "macro", "zero_division": 0}
    return {
        "label": names[y].tolist(),
        "decision": names[decision].tolist(),
        "score": score.T.tolist(),
        "auc": metrics.roc_auc_score(y, score, multi_class="ovr", average="macro"),
        "average_precision": metrics.average_precision_score(np.eye(3)[y], score, average="macro"),
        "accuracy": metrics.accuracy_score(y, decision),
        "precision": metrics.precision_score(y, decision, **macro),
        "recall": metrics.recall_score(y, decision, **macro),
        "f1": metrics.f1_score(y, decision, **macro),
        "brier": metrics.brier_score_loss(y, score, labels=[0, 1, 2]),
        "log_loss": metrics.log_loss(y, score),
        # A class that is never decided for, and one that never comes true.
        "lame": names[np.where(decision == 2, 1, decision)].tolist(),
        "lame_precision": metrics.precision_score(y, np.where(decision == 2, 1, decision), **macro),
        "lame_f1": metrics.f1_score(y, np.where(decision == 2, 1, decision), **macro),
    }


def regression():
    y = rng.lognormal(3, 1, 300)
    predicted = y * rng.normal(1, 0.2, 300) + rng.normal(0, 2, 300)
    return {
        "label": y.tolist(),
        "predicted": predicted.tolist(),
        "mae": metrics.mean_absolute_error(y, predicted),
        "rmse": metrics.root_mean_squared_error(y, predicted),
        "r_squared": metrics.r2_score(y, predicted),
    }


def expected():
    """Performance without labels, as confidence-based estimation defines it: sums of calibrated chances."""
    y = rng.integers(0, 2, 200)
    before = np.clip(np.round(0.3 * y + rng.uniform(0, 0.7, 200), 2), 0.01, 0.99)
    now = rng.choice(np.unique(before), 300)
    p = isotonic.IsotonicRegression(y_min=0, y_max=1).fit(before, y).predict(now)
    decision = now >= 0.5
    tp, fp = p[decision].sum(), (1 - p)[decision].sum()
    fn, tn = p[~decision].sum(), (1 - p)[~decision].sum()
    wins = (now[:, None] > now[None, :]) + 0.5 * (now[:, None] == now[None, :])
    return {
        "label": y.tolist(),
        "before": before.tolist(),
        "now": now.tolist(),
        "auc": float((p[:, None] * (1 - p)[None, :] * wins).sum() / (p.sum() * (1 - p).sum())),
        "accuracy": (tp + tn) / len(now),
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
        "f1": tp / (tp + 0.5 * (fp + fn)),
    }


def embedding():
    before, now = np.round(rng.normal(0, 1, (90, 5)), 2), np.round(rng.normal(0.4, 1.2, (110, 5)), 2)
    # As 32-bit numbers, which is what files of embeddings hold.
    before, now = before.astype(np.float32).astype(float), now.astype(np.float32).astype(float)
    width = np.sort(pdist(before))[90 * 89 // 2 // 2]

    def kernel(a, b):
        return np.exp(-np.sum((a - b) ** 2, axis=1) / (2 * width**2))

    pairs = len(before) // 2
    x, x2, y, y2 = before[0::2][:pairs], before[1::2][:pairs], now[0::2][:pairs], now[1::2][:pairs]
    h = kernel(x, x2) + kernel(y, y2) - kernel(x, y2) - kernel(x2, y)
    error = h.std(ddof=1) / np.sqrt(pairs)
    return {
        "before": before.tolist(),
        "now": now.tolist(),
        "cosine": float(cosine(before.mean(axis=0), now.mean(axis=0))),
        "width": float(width),
        "mmd": float(h.mean()),
        "error": float(error),
        "p": float(stats.norm.sf(h.mean() / error)),
    }


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
            "classes": classes(),
            "regression": regression(),
            "expected": expected(),
            "embedding": embedding(),
        }
    )
)
