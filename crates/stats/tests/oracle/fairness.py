"""Writes fairness.json: what other implementations find on small tables, for the tests beside this file.

    python -m venv venv && venv/bin/pip install fairlearn scikit-learn statsmodels
    venv/bin/python crates/stats/tests/oracle/fairness.py

Tables are drawn here from a fixed seed and stored with the results, so the tests need neither Python nor the generator.
"""

import json
import math
import pathlib
import warnings

import fairlearn
import fairlearn.metrics as fm
import numpy as np
import scipy
import scipy.stats
import sklearn
import sklearn.metrics as sm
import statsmodels
import statsmodels.stats.multitest as multitest
import statsmodels.stats.proportion as proportion

warnings.simplefilter("ignore")
HERE = pathlib.Path(__file__).parent


def table(seed, rows, groups, weighted):
    random = np.random.default_rng(seed)
    group = random.integers(0, groups, rows)
    label = (random.random(rows) < 0.3 + 0.1 * group / groups).astype(int)
    score = np.round(np.clip(0.25 + 0.35 * label + 0.1 * group / groups + random.normal(0, 0.2, rows), 0, 1), 3)
    prediction = (score >= 0.5).astype(int)
    weight = np.round(random.uniform(0.5, 2.5, rows), 3) if weighted else None
    return group, label, prediction, score, weight


def rates(label, prediction, weight):
    tn, fp, fn, tp = sm.confusion_matrix(label, prediction, labels=[0, 1], sample_weight=weight).ravel()
    return {
        "selection_rate": (tp + fp) / (tp + fp + tn + fn),
        "base_rate": (tp + fn) / (tp + fp + tn + fn),
        "true_positive_rate": tp / (tp + fn),
        "false_negative_rate": fn / (tp + fn),
        "false_positive_rate": fp / (fp + tn),
        "true_negative_rate": tn / (fp + tn),
        "positive_predictive_value": tp / (tp + fp),
        "false_discovery_rate": fp / (tp + fp),
        "negative_predictive_value": tn / (tn + fn),
        "false_omission_rate": fn / (tn + fn),
        "accuracy": sm.accuracy_score(label, prediction, sample_weight=weight),
    }


def calibration_error(label, score, weight):
    weight = np.ones(len(label)) if weight is None else weight
    place = np.minimum((score * 10).astype(int), 9)
    total = 0.0
    for number in range(10):
        mine = place == number
        if mine.any():
            total += abs(np.sum(weight[mine] * (score[mine] - label[mine])))
    return total / weight.sum()


def entropy(alpha, label, prediction, group=None):
    """Generalised entropy of benefits as in AIF360: benefit = prediction - label + 1."""
    benefit = (prediction - label + 1).astype(float)
    if group is not None:
        for one in np.unique(group):
            benefit[group == one] = benefit[group == one].mean()
    relative = benefit / benefit.mean()
    if alpha == 0:
        return None if (relative <= 0).any() else float(-np.mean(np.log(relative)))
    if alpha == 1:
        return float(np.mean(np.where(relative > 0, relative * np.log(np.where(relative > 0, relative, 1)), 0)))
    return float(np.mean(relative**alpha - 1) / (alpha * (alpha - 1)))


def case(name, seed, rows, groups, weighted):
    group, label, prediction, score, weight = table(seed, rows, groups, weighted)
    keyword = {"sensitive_features": group, "sample_weight": weight}
    by_group = []
    for one in range(groups):
        mine = group == one
        w = None if weight is None else weight[mine]
        found = rates(label[mine], prediction[mine], w)
        found["auc"] = sm.roc_auc_score(label[mine], score[mine], sample_weight=w)
        found["brier"] = sm.brier_score_loss(label[mine], score[mine], sample_weight=w)
        found["expected_calibration_error"] = calibration_error(label[mine], score[mine], w)
        by_group.append(found)
    result = {
        "name": name,
        "group": group.tolist(),
        "label": label.tolist(),
        "prediction": prediction.tolist(),
        "score": score.tolist(),
        "weight": None if weight is None else weight.tolist(),
        "by_group": by_group,
        "demographic_parity_difference": fm.demographic_parity_difference(label, prediction, **keyword),
        "demographic_parity_ratio": fm.demographic_parity_ratio(label, prediction, **keyword),
        "equalized_odds_difference": fm.equalized_odds_difference(label, prediction, **keyword),
        "equalized_odds_ratio": fm.equalized_odds_ratio(label, prediction, **keyword),
        "equal_opportunity_difference": fm.equal_opportunity_difference(label, prediction, **keyword),
    }
    if weight is None:
        result["entropy"] = [entropy(alpha, label, prediction) for alpha in (0, 1, 2)]
        result["entropy_between"] = [entropy(alpha, label, prediction, group) for alpha in (0, 1, 2)]
        result["row_bootstrap"] = row_bootstrap(group, label, prediction)
    return result


def row_bootstrap(group, label, prediction):
    """fairlearn's own bootstrap over rows: percentiles of the selection rates and of their largest difference."""
    frame = fm.MetricFrame(
        metrics=fm.selection_rate,
        y_true=label,
        y_pred=prediction,
        sensitive_features=group,
        n_boot=2000,
        ci_quantiles=[0.025, 0.975],
        random_state=5,
    )
    lower, upper = frame.difference_ci(method="between_groups")
    return {"demographic_parity_difference": [float(lower), float(upper)]}


def intervals():
    found = []
    for a, n, b, m in [(3, 10, 7, 20), (0, 40, 5, 60), (48, 80, 12, 40), (1, 500, 9, 450), (400, 1000, 390, 900)]:
        lower, upper = proportion.confint_proportions_2indep(a, n, b, m, compare="diff", method="newcomb")
        ratio = proportion.confint_proportions_2indep(a, n, b, m, compare="ratio", method="log") if a else None
        found.append(
            {
                "counts": [a, n, b, m],
                "wilson": [float(x) for x in proportion.proportion_confint(a, n, method="wilson")],
                "newcombe": [float(lower), float(upper)],
                "log_ratio": None if ratio is None else [float(x) for x in ratio],
                "fisher": float(scipy.stats.fisher_exact([[a, n - a], [b, m - b]])[1]),
                "z_test": float(proportion.proportions_ztest([a, b], [n, m])[1]),
            }
        )
    return found


def undefined():
    """The cases in which the reference library gives a number where there is none."""
    empty = fm.equalized_odds_difference(
        [1, 0, 1, 0] * 20 + [0] * 40,
        [1, 0, 1, 0] * 20 + [0] * 40,
        sensitive_features=["a"] * 80 + ["b"] * 40,
    )
    tiny = fm.equal_opportunity_difference(
        [1, 1, 0, 0] * 40 + [1, 0],
        [1, 1, 0, 0] * 40 + [0, 0],
        sensitive_features=["a"] * 160 + ["b"] * 2,
    )
    return {"group_without_positives": float(empty), "two_rows": float(tiny)}


def delong():
    """DeLong's variance by the definition over all pairs."""
    group, label, _, score, _ = table(77, 150, 1, False)
    positive, negative = score[label == 1], score[label == 0]
    wins = (positive[:, None] > negative[None, :]) + 0.5 * (positive[:, None] == negative[None, :])
    variance = wins.mean(axis=1).var(ddof=1) / len(positive) + wins.mean(axis=0).var(ddof=1) / len(negative)
    return {
        "label": label.tolist(),
        "score": score.tolist(),
        "auc": float(wins.mean()),
        "standard_error": math.sqrt(variance),
    }


def main():
    p_values = [0.01, 0.04, 0.03, 0.005, 0.2]
    result = {
        "versions": {
            "fairlearn": fairlearn.__version__,
            "scikit-learn": sklearn.__version__,
            "statsmodels": statsmodels.__version__,
            "scipy": scipy.__version__,
            "numpy": np.__version__,
        },
        "cases": [
            case("two groups", 1, 240, 2, False),
            case("five groups", 2, 600, 5, False),
            case("three weighted groups", 3, 360, 3, True),
        ],
        "intervals": intervals(),
        "undefined": undefined(),
        "delong": delong(),
        "holm": {"p_values": p_values, "adjusted": multitest.multipletests(p_values, method="holm")[1].tolist()},
        "normal": [[z, float(scipy.stats.norm.sf(z))] for z in (-3.0, 0.0, 0.5, 1.0, 1.959963984540054, 4.0, 8.0)],
    }
    (HERE / "fairness.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")


main()
