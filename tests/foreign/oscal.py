"""Judges OSCAL documents with two validators that share no code with the product, nor with each other.

The first is NIST's own JSON schema of OSCAL, read by `jsonschema-rs`; the second are the models of
`compliance-trestle` with all its validators, which also look for ids that are there twice.

Usage: oscal.py SCHEMA FILE... Prints one line of JSON for each file, {"file", "schema", "trestle"}: null where a
judge accepts, else what it says. Ends with 1 if anything was refused.
"""

import argparse
import json
import logging
import sys
from pathlib import Path

import jsonschema_rs
from trestle.core import validator_factory
from trestle.oscal.assessment_results import AssessmentResults
from trestle.oscal.component import ComponentDefinition
from trestle.oscal.mapping import MappingCollection
from trestle.oscal.poam import PlanOfActionAndMilestones

MODELS = {
    "assessment-results": AssessmentResults,
    "component-definition": ComponentDefinition,
    "mapping-collection": MappingCollection,
    "plan-of-action-and-milestones": PlanOfActionAndMilestones,
}
SHOWN = 600


def by_schema(validator: jsonschema_rs.Draft7Validator, document: dict) -> str | None:
    errors = [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator.iter_errors(document)]
    return "; ".join(errors)[:SHOWN] or None


def by_trestle(path: Path, document: dict) -> str | None:
    model = MODELS.get(next(iter(document), ""))
    if model is None:
        return "none of the four models"
    try:
        read = model.oscal_read(path)
    # Whatever it raises about a document is its verdict.
    except Exception as error:  # noqa: BLE001
        return str(error)[:SHOWN]
    if read is None:
        return "is not read"
    judge = validator_factory.validator_factory.get(argparse.Namespace(mode="all"))
    return None if judge.model_is_valid(read, True) else judge.error_msg()[:SHOWN]


def main() -> int:
    logging.disable(logging.CRITICAL)
    schema = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    validator = jsonschema_rs.Draft7Validator(schema, validate_formats=True)
    refused = 0
    for path in map(Path, sys.argv[2:]):
        document = json.loads(path.read_text(encoding="utf-8"))
        verdict = {"schema": by_schema(validator, document), "trestle": by_trestle(path, document)}
        refused += any(verdict.values())
        print(json.dumps({"file": path.name} | verdict))
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(main())
