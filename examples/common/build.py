"""Runs an example: train every version, write its files, or check that they are reproduced.

An example's train.py describes its data, versions and lineage as values; this file does the
work in one order for all of them. Without options it rewrites `models/`, `predictions/` and
the generated part of system.toml. With `--check` it trains into a temporary folder, compares
every file with the committed one, and changes nothing.
"""

import argparse
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from common import metrics, model_files, record

CODE = ["train.py", "../common/build.py", "../common/metrics.py", "../common/model_files.py", "../common/record.py"]
PACKAGES = ["lightgbm", "numpy", "onnx", "pyarrow", "scipy"]


@dataclass
class Version:
    """One model version. Masks select rows of the example's columns."""

    name: str
    summary: str
    features: list[str]
    categorical: list[str]
    params: dict
    threshold: float
    scope: str  # for whom the version may be asked, in words
    in_scope: np.ndarray  # the same as a mask
    training: np.ndarray  # rows trained on
    held_out: np.ndarray  # rows never trained on, for the headline metrics
    held_out_name: str
    evaluations: dict[str, np.ndarray]  # more row sets to evaluate
    datasets: list[dict]  # registration: which dataset versions were used, and for what


@dataclass
class Example:
    """Everything that train.py states about one system."""

    root: Path
    dictionary: dict
    columns: dict[str, np.ndarray]  # int64, all of one length
    label: str
    output: str
    positive_class: str
    negative_class: str
    groups: dict[str, np.ndarray]  # protected attribute -> text per row
    predictions: dict[str, np.ndarray]  # file stem -> rows whose scores are stored
    versions: list[Version]
    lineage: list[dict]


def read_columns(paths: list[Path]) -> dict[str, np.ndarray]:
    """All columns of the Parquet files, one below the other, as int64."""
    table = pa.concat_tables([pq.read_table(path) for path in paths])
    for name in table.column_names:
        if table[name].null_count:
            raise SystemExit(f"column {name}: {table[name].null_count} missing values, expected none")
    return {name: table[name].to_numpy().astype(np.int64) for name in table.column_names}


def read_dictionary(path: Path) -> dict:
    """The `columns` of a data dictionary."""
    return tomllib.loads(path.read_text(encoding="utf-8"))["columns"]


def text_of_codes(dictionary: dict, name: str, codes: np.ndarray) -> np.ndarray:
    """The words of a coded column. Raises KeyError for a code that the dictionary lacks."""
    words = dictionary[name]["codes"]
    return np.array([words[str(code)] for code in codes.tolist()])


def matrix(example: Example, names: list[str], rows: np.ndarray) -> np.ndarray:
    """The named columns of the selected rows as float64, which holds these integers exactly."""
    return np.column_stack([example.columns[name][rows] for name in names]).astype(np.float64)


def signature(example: Example, version: Version) -> dict:
    """Names, types and allowed values of what goes in and comes out."""
    inputs = []
    for name in version.features:
        entry = {"name": name, "type": "int64", "kind": "categorical" if name in version.categorical else "numeric"}
        column = example.dictionary[name]
        if "codes" in column:
            entry["allowed"] = [int(code) for code in column["codes"]]
        else:
            entry["minimum"], entry["maximum"] = column["minimum"], column["maximum"]
        inputs.append(entry | {"required": True})
    return {
        "schema": 1,
        "inputs": inputs,
        "outputs": [{"name": example.output, "type": "float64", "minimum": 0.0, "maximum": 1.0}],
        "decision": {
            "rule": f"{example.output} >= threshold",
            "threshold": version.threshold,
            "when_true": example.positive_class,
            "when_false": example.negative_class,
        },
        "scope": version.scope,
    }


def scores_of(example: Example, version: Version, booster) -> np.ndarray:
    """Scores of all rows in scope; NaN elsewhere, so that a use outside the scope shows."""
    scores = np.full(len(version.in_scope), np.nan)
    scores[version.in_scope] = model_files.predict(booster, matrix(example, version.features, version.in_scope))
    return scores


def measure(example: Example, version: Version, scores: np.ndarray) -> dict:
    """The content of metrics.json."""
    label = example.columns[example.label]
    sets = {version.held_out_name: version.held_out} | version.evaluations
    results = {}
    for name, mask in sets.items():
        rows = mask & version.in_scope
        groups = {attribute: words[rows] for attribute, words in example.groups.items()}
        results[name] = metrics.evaluate(label[rows], scores[rows], version.threshold, groups)
    return {
        "schema": 1,
        "version": version.name,
        "label": example.label,
        "positive_class": example.positive_class,
        "threshold": version.threshold,
        "scope": version.scope,
        "headline": version.held_out_name,
        "evaluation_sets": results,
    }


def write_predictions(example: Example, version: Version, scores: np.ndarray, out: Path) -> list[str]:
    """Writes predictions/<version>/<stem>.parquet (id, score, decision); returns the paths relative to `out`."""
    folder = out / "predictions" / version.name
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for stem, mask in example.predictions.items():
        rows = mask & version.in_scope
        table = pa.table(
            {
                "id": pa.array(example.columns["id"][rows], pa.int32()),
                "score": pa.array(scores[rows], pa.float64()),
                "decision": pa.array(scores[rows] >= version.threshold, pa.bool_()),
            }
        )
        path = folder / f"{stem}.parquet"
        pq.write_table(table, path, compression="zstd", compression_level=19)
        written.append(str(path.relative_to(out)))
    return written


def build_version(example: Example, version: Version, out: Path) -> dict:
    """Trains one version, writes its files below `out`, returns its registration record."""
    folder = out / "models" / version.name
    folder.mkdir(parents=True, exist_ok=True)
    label = example.columns[example.label]
    started = record.now()
    booster = model_files.train(
        matrix(example, version.features, version.training),
        label[version.training],
        version.features,
        version.categorical,
        version.params,
    )
    finished = record.now()
    booster.save_model(str(folder / "model.txt"))
    # What is measured is the file, not the object in memory.
    booster = model_files.lightgbm.Booster(model_file=str(folder / "model.txt"))
    scores = scores_of(example, version, booster)
    result = measure(example, version, scores)
    model_files.write_json(folder / "metrics.json", result)
    model_files.write_json(folder / "signature.json", signature(example, version))
    hyperparameters = model_files.FIXED | version.params
    model_files.write_json(folder / "params.json", hyperparameters | {"decision_threshold": version.threshold})
    files = [("model.txt", "lightgbm-text", "model")]
    if not version.categorical:
        model_files.write_onnx(booster, version.features, folder / "model.onnx")
        files.append(("model.onnx", "onnx", "model-export"))
    files += [(name, "json", name.removesuffix(".json")) for name in ("metrics.json", "signature.json", "params.json")]
    artifacts = [record.artifact(out, f"models/{version.name}/{name}", media, role) for name, media, role in files]
    for path in write_predictions(example, version, scores, out):
        artifacts.append(record.artifact(out, path, "parquet", "predictions"))
    artifacts.append(record.artifact(example.root, "requirements.lock", "pip-requirements", "environment-lock"))
    headline = result["evaluation_sets"][version.held_out_name]
    return {
        "version": version.name,
        "summary": version.summary,
        "scope": version.scope,
        "training_started_at": started,
        "training_finished_at": finished,
        "code_digest": "sha256:" + record.digest_of_files(example.root, CODE),
        "code_files": CODE,
        "features": version.features,
        "runtime": record.runtime(PACKAGES),
        "hyperparameters": hyperparameters | {"decision_threshold": version.threshold},
        "metrics": {"evaluation_set": version.held_out_name}
        | {key: value for key, value in headline.items() if key != "groups"},
        "datasets": version.datasets,
        "artifacts": artifacts,
    }


def compare(example: Example, out: Path, versions: list[dict]) -> list[str]:
    """Differences between what was just built in `out` and what is committed, one message each."""
    problems = []
    for version in versions:
        for item in version["artifacts"]:
            committed = example.root / item["path"]
            if not committed.is_file():
                problems.append(f"{committed}: missing; run train.py without --check")
            elif record.file_digest(committed) != item["sha256"]:
                problems.append(f"{committed}: the re-run gives other bytes; compare the versions in requirements.lock")
    registered = tomllib.loads((example.root / "system.toml").read_text(encoding="utf-8"))
    timed = ("training_started_at", "training_finished_at", "runtime")
    for built, stated in zip(versions, registered.get("versions", []), strict=True):
        for key in built.keys() - set(timed):
            if stated.get(key) != built[key]:
                problems.append(
                    f"{example.root}/system.toml: versions {built['version']}: {key} is not what the re-run gives"
                )
    if registered.get("dataset_versions") != example.lineage:
        problems.append(f"{example.root}/system.toml: dataset_versions is not what the re-run gives")
    return problems


def main(example: Example) -> None:
    """Command line of every train.py."""
    parser = argparse.ArgumentParser(description="Trains the example's model versions from the committed data.")
    parser.add_argument("--check", action="store_true", help="re-train elsewhere, compare with the committed files")
    arguments = parser.parse_args()
    if arguments.check:
        with tempfile.TemporaryDirectory() as folder:
            versions = [build_version(example, version, Path(folder)) for version in example.versions]
            problems = compare(example, Path(folder), versions)
        for problem in problems:
            print(problem)
        if problems:
            raise SystemExit(1)
        count = sum(len(version["artifacts"]) for version in versions)
        print(
            f"{example.root.name}: data as listed, {count} files of {len(versions)} versions reproduced byte for byte"
        )
        return
    versions = [build_version(example, version, example.root) for version in example.versions]
    record.write_generated(example.root / "system.toml", example.lineage, versions)
    for version in versions:
        shown = {key: version["metrics"][key] for key in ("rows", "accuracy", "auc", "f1", "brier", "selection_rate")}
        print(version["version"], shown)
