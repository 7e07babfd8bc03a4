"""Checks of the committed examples. No training: `train.py --check` does that.

python -m unittest discover -s examples/tests
"""

import json
import re
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path

import lightgbm
import numpy as np
import onnx.reference
import pyarrow.parquet as pq

EXAMPLES = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(EXAMPLES))
from common import build, metrics, record  # noqa: E402  (the shared folder is found by path)

TRAINED = ["employment", "credit"]
LABEL = {"employment": "employed", "credit": "good_credit"}
SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")


def registered(name: str) -> dict:
    """A system.toml as values."""
    return tomllib.loads((EXAMPLES / name / "system.toml").read_text(encoding="utf-8"))


def data_of(name: str) -> dict[str, np.ndarray]:
    """All committed rows of an example."""
    return build.read_columns(sorted((EXAMPLES / name / "data").glob("*.parquet")))


class Registration(unittest.TestCase):
    """What system.toml says is so."""

    def test_slugs_are_valid(self):
        for name in [*TRAINED, "support-summaries"]:
            facts = registered(name)
            slugs = [facts["system"]["slug"], facts["system"]["owner_team"]]
            slugs += [item["slug"] for key in ("teams", "vendors", "datasets") for item in facts.get(key, [])]
            slugs += [item["version"] for item in facts.get("dataset_versions", []) + facts.get("versions", [])]
            for slug in slugs:
                self.assertIsNotNone(SLUG.fullmatch(slug), f"{name}: {slug!r} is no slug")

    def test_artifacts_have_the_stated_digest_and_size(self):
        for name in TRAINED:
            for version in registered(name)["versions"]:
                for item in version["artifacts"]:
                    path = EXAMPLES / name / item["path"]
                    self.assertEqual(record.file_digest(path), item["sha256"], str(path))
                    self.assertEqual(path.stat().st_size, item["bytes"], str(path))

    def test_code_digest_is_of_the_committed_code(self):
        for name in TRAINED:
            for version in registered(name)["versions"]:
                found = "sha256:" + record.digest_of_files(EXAMPLES / name, version["code_files"])
                self.assertEqual(found, version["code_digest"], f"{name}: code changed since training; run train.py")

    def test_training_times_are_in_order(self):
        for name in TRAINED:
            for version in registered(name)["versions"]:
                self.assertLessEqual(version["training_started_at"], version["training_finished_at"])

    def test_lineage_ends_at_raw_data_without_a_cycle(self):
        for name in TRAINED:
            facts = registered(name)
            parents = {
                (item["dataset"], item["version"]): [
                    (up["dataset"], up["version"]) for up in item.get("derived_from", [])
                ]
                for item in facts["dataset_versions"]
            }
            stage = {(item["dataset"], item["version"]): item["stage"] for item in facts["dataset_versions"]}
            for start in parents:
                node, steps = start, 0
                while parents[node]:
                    node, steps = parents[node][0], steps + 1
                    self.assertLessEqual(steps, len(parents), f"{name}: cycle at {start}")
                self.assertEqual(stage[node], "raw")
            for version in facts["versions"]:
                for used in version["datasets"]:
                    self.assertIn((used["dataset"], used["version"]), parents)

    def test_headline_metrics_are_those_of_metrics_json(self):
        for name in TRAINED:
            for version in registered(name)["versions"]:
                stored = json.loads((EXAMPLES / name / "models" / version["version"] / "metrics.json").read_text())
                headline = stored["evaluation_sets"][version["metrics"].pop("evaluation_set")]
                headline.pop("groups")
                self.assertEqual(version["metrics"], headline)

    def test_lock_files_are_the_same(self):
        self.assertEqual(*[(EXAMPLES / name / "requirements.lock").read_bytes() for name in TRAINED])

    def test_numbers_in_the_known_limits_are_the_measured_ones(self):
        def measured(name, version, evaluation, *path):
            value = json.loads((EXAMPLES / name / "models" / version / "metrics.json").read_text())
            value = value["evaluation_sets"][evaluation]
            for key in path:
                value = value[key]
            return value

        adults = "held-out-2015-age-16-plus"
        claims = [
            (0.903, 3, "employment", "v1", "held-out-2015-all-ages", "auc"),
            (0.860, 3, "employment", "v1", adults, "auc"),
            (0.53, 2, "employment", "v2", adults, "groups", "race", "Asian", "fpr"),
            (0.38, 2, "employment", "v1", adults, "groups", "race", "Asian", "fpr"),
            (0.31, 2, "employment", "v2", adults, "groups", "race", "white", "fpr"),
            (0.77, 2, "credit", "v1", "held-out", "selection_rate"),
            (0.39, 2, "credit", "v2", "held-out", "selection_rate"),
            (0.31, 2, "credit", "v2", "held-out", "groups", "age", "25 and younger", "selection_rate"),
            (0.41, 2, "credit", "v2", "held-out", "groups", "age", "over 25", "selection_rate"),
            (0.35, 2, "credit", "v2", "held-out", "groups", "age", "25 and younger", "tpr"),
            (0.53, 2, "credit", "v2", "held-out", "groups", "age", "over 25", "tpr"),
        ]
        for stated, digits, *path in claims:
            self.assertEqual(round(measured(*path), digits), stated, str(path))
        for version, cost in (("v1", 244), ("v2", 160)):
            errors = [measured("credit", version, "held-out", f"false_{kind}") for kind in ("positives", "negatives")]
            self.assertEqual(5 * errors[0] + errors[1], cost)


class Data(unittest.TestCase):
    """The committed rows are what the dictionary and README say."""

    def test_files_are_as_listed(self):
        for name in TRAINED:
            self.assertEqual(record.check_sums(EXAMPLES / name / "data"), [])

    def test_the_readme_lists_every_data_file(self):
        readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
        for name in TRAINED:
            for path in (EXAMPLES / name / "data").glob("*.parquet"):
                self.assertIn(f"| `{record.file_digest(path)}` | `{name}/data/{path.name}` |", readme)

    def test_a_changed_file_is_reported(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "a.txt"
            file.write_text("one")
            record.write_sums(Path(folder))
            self.assertEqual(record.check_sums(Path(folder)), [])
            file.write_text("two")
            self.assertIn("SHA-256 differs", record.check_sums(Path(folder))[0])

    def test_values_are_in_the_dictionary(self):
        for name in TRAINED:
            dictionary = build.read_dictionary(EXAMPLES / name / "dictionary.toml")
            columns = data_of(name)
            self.assertEqual(list(columns), list(dictionary))
            for column, values in columns.items():
                found = set(np.unique(values).tolist())
                if "codes" in dictionary[column]:
                    self.assertLessEqual(found, {int(code) for code in dictionary[column]["codes"]}, column)
                else:
                    self.assertGreaterEqual(min(found), dictionary[column]["minimum"], column)
                    self.assertLessEqual(max(found), dictionary[column]["maximum"], column)

    def test_employment_rows_and_universe(self):
        columns = data_of("employment")
        years, counts = np.unique(columns["year"], return_counts=True)
        self.assertEqual(
            dict(zip(years.tolist(), counts.tolist(), strict=True)),
            {2015: 68785, 2016: 69126, 2017: 69635, 2018: 70131},
        )
        self.assertEqual(len(np.unique(columns["id"])), len(columns["id"]))
        self.assertEqual(int(columns["employed"][columns["age"] < 16].sum()), 0)
        # Every spouse follows a reference person: the row order is the survey's, so households can be rebuilt.
        spouses = np.flatnonzero(columns["relationship"] == 1)
        self.assertTrue((columns["relationship"][spouses - 1] == 0).all())

    def test_no_identifier_year_or_label_is_a_feature(self):
        for name in TRAINED:
            dictionary = build.read_dictionary(EXAMPLES / name / "dictionary.toml")
            for version in registered(name)["versions"]:
                for feature in version["features"]:
                    self.assertIn(dictionary[feature]["role"], ("feature", "protected"), feature)

    def test_held_out_households_are_whole(self):
        columns = data_of("employment")
        kept = pq.read_table(EXAMPLES / "employment/predictions/v1/2015-held-out.parquet")["id"].to_numpy()
        training_year = columns["year"] == 2015
        tested = np.isin(columns["id"], kept)
        households = columns["household"]
        both = set(households[training_year & tested].tolist()) & set(households[training_year & ~tested].tolist())
        self.assertEqual(both, set())


class Models(unittest.TestCase):
    """The committed model files give the committed predictions and metrics."""

    def test_model_text_gives_the_stored_scores_and_counts(self):
        for name, stem, evaluation in (("employment", "2018", "production-2018"), ("credit", "held-out", "held-out")):
            columns = data_of(name)
            for version in registered(name)["versions"]:
                folder = EXAMPLES / name / "models" / version["version"]
                stored = pq.read_table(EXAMPLES / name / "predictions" / version["version"] / f"{stem}.parquet")
                rows = np.searchsorted(columns["id"], stored["id"].to_numpy())
                features = np.column_stack([columns[column][rows] for column in version["features"]]).astype(float)
                booster = lightgbm.Booster(model_file=str(folder / "model.txt"))
                np.testing.assert_array_equal(booster.predict(features), stored["score"].to_numpy())
                label = columns[LABEL[name]][rows]
                decision = stored["decision"].to_numpy()
                expected = json.loads((folder / "metrics.json").read_text())["evaluation_sets"][evaluation]
                self.assertEqual(int((decision & (label == 1)).sum()), expected["true_positives"])
                self.assertEqual(int((decision & (label == 0)).sum()), expected["false_positives"])
                self.assertEqual(len(label), expected["rows"])

    def test_onnx_agrees_with_the_model_text(self):
        for name in TRAINED:
            stored = sorted((EXAMPLES / name / "predictions/v2").glob("*.parquet"))[0]
            table = pq.read_table(stored).slice(0, 100)
            columns = data_of(name)
            rows = np.searchsorted(columns["id"], table["id"].to_numpy())
            features = registered(name)["versions"][1]["features"]
            inputs = np.column_stack([columns[column][rows] for column in features]).astype(np.float32)
            model = onnx.reference.ReferenceEvaluator(str(EXAMPLES / name / "models/v2/model.onnx"))
            scores = model.run(None, {"features": inputs})[0][:, 0]
            np.testing.assert_allclose(scores, table["score"].to_numpy(), atol=2e-6)


class Metrics(unittest.TestCase):
    """The formulas, on cases small enough to count by hand."""

    def test_ties_count_half(self):
        # Pairs (positive, negative): .5 against .5 is half, .9 against .5 is one: 1.5 of 2.
        self.assertEqual(metrics.area_under_roc(np.array([0, 1, 1]), np.array([0.5, 0.5, 0.9])), 0.75)

    def test_an_empty_denominator_is_null_and_not_zero(self):
        label, score = np.array([0, 0]), np.array([0.1, 0.2])
        group = metrics.by_group(label, score, 0.5, np.array(["a", "a"]))["a"]
        self.assertIsNone(group["tpr"])
        self.assertIsNone(group["precision"])
        self.assertEqual(group["fpr"], 0.0)
        self.assertIsNone(metrics.area_under_roc(label, score))

    def test_counts_of_a_small_table(self):
        result = metrics.summary(np.array([1, 1, 0, 0, 1]), np.array([0.9, 0.4, 0.6, 0.1, 0.5]), 0.5)
        counts = [result[key] for key in ("true_positives", "false_positives", "false_negatives", "true_negatives")]
        self.assertEqual(counts, [2, 1, 1, 1])
        self.assertEqual(result["accuracy"], 0.6)
        self.assertEqual(result["f1"], round(4 / 6, 9))


if __name__ == "__main__":
    unittest.main()
