"""Metrics of a binary classifier, with per-group counts and rates.

Only numpy, so that every number can be re-derived by reading this file. A rate whose
denominator is zero is null, never zero: "nobody was there" and "nobody was selected"
are different facts.
"""

import numpy as np

DIGITS = 9  # decimal places kept in metrics.json


def _ratio(part: float, whole: float) -> float | None:
    """`part / whole`, or None when `whole` is zero."""
    return round(float(part) / float(whole), DIGITS) if whole else None


def area_under_roc(label: np.ndarray, score: np.ndarray) -> float | None:
    """Probability that a random positive scores above a random negative; ties count half."""
    positives = int(label.sum())
    negatives = len(label) - positives
    if positives == 0 or negatives == 0:
        return None
    values, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    # Mid-rank of each distinct score, so that ties share their average rank.
    last = np.cumsum(counts)
    mid_rank = last - (counts - 1) / 2
    rank_sum = float(mid_rank[inverse][label == 1].sum())
    auc = (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)
    return round(auc, DIGITS)


def summary(label: np.ndarray, score: np.ndarray, threshold: float) -> dict:
    """Accuracy, AUC, F1, Brier and counts of one evaluation set.

    `label` is 0 or 1, `score` the estimated probability of 1 and `selected` means
    `score >= threshold`.
    """
    selected = score >= threshold
    true_positive = int((selected & (label == 1)).sum())
    false_positive = int((selected & (label == 0)).sum())
    false_negative = int((~selected & (label == 1)).sum())
    true_negative = len(label) - true_positive - false_positive - false_negative
    return {
        "rows": len(label),
        "positives": int(label.sum()),
        "selected": true_positive + false_positive,
        "true_positives": true_positive,
        "false_positives": false_positive,
        "false_negatives": false_negative,
        "true_negatives": true_negative,
        "accuracy": _ratio(true_positive + true_negative, len(label)),
        "auc": area_under_roc(label, score),
        "f1": _ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative),
        "brier": round(float(np.mean((score - label) ** 2)), DIGITS),
        "base_rate": _ratio(label.sum(), len(label)),
        "mean_score": round(float(score.mean()), DIGITS),
        "selection_rate": _ratio(true_positive + false_positive, len(label)),
    }


def by_group(label: np.ndarray, score: np.ndarray, threshold: float, group: np.ndarray) -> dict:
    """Counts and rates for each value of `group` (strings), in order of the value's name."""
    result = {}
    for name in sorted(set(group.tolist())):
        member = group == name
        actual = label[member]
        selected = score[member] >= threshold
        positives = int(actual.sum())
        negatives = len(actual) - positives
        true_positive = int((selected & (actual == 1)).sum())
        false_positive = int((selected & (actual == 0)).sum())
        result[name] = {
            "count": len(actual),
            "positives": positives,
            "selected": true_positive + false_positive,
            "true_positives": true_positive,
            "false_positives": false_positive,
            "base_rate": _ratio(positives, len(actual)),
            "selection_rate": _ratio(true_positive + false_positive, len(actual)),
            "tpr": _ratio(true_positive, positives),
            "fpr": _ratio(false_positive, negatives),
            "precision": _ratio(true_positive, true_positive + false_positive),
        }
    return result


def evaluate(label: np.ndarray, score: np.ndarray, threshold: float, groups: dict) -> dict:
    """`summary` plus `groups`: one table per protected attribute (name -> array of strings)."""
    result = summary(label, score, threshold)
    result["groups"] = {name: by_group(label, score, threshold, values) for name, values in groups.items()}
    return result
