"""Judges OSCAL documents with two validators that share no code with the product, nor with each other.

The first is NIST's own JSON schema of OSCAL, read by `jsonschema-rs`; the second are the models of
`compliance-trestle` with all its validators, which also look for ids that are there twice.

Usage: oscal.py SCHEMA FILE... Prints one line of JSON for each file, {"file", "schema", "trestle"}: null where a
judge accepts, else what it says. Ends with 1 if anything was refused, and with 2 if SCHEMA is another one.
"""

import argparse
import hashlib
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
# oscal_complete_schema.json of OSCAL 1.2.1.
SCHEMA_SHA256 = "1fb34a1db562f06fa48669fb38a9af2dc3e87f52e44116071d7b564551911171"
SHOWN = 600


def by_schema(schema: dict, document: dict) -> str | None:
    # Of all the models the one that the document is of: else the only complaint would be that it is none of them.
    root = next(iter(document), "")
    model = next((model for model in schema["oneOf"] if root in model["properties"]), None)
    if model is None:
        return "no model of OSCAL"
    whole = {key: value for key, value in schema.items() if key != "oneOf"} | model
    validator = jsonschema_rs.Draft7Validator(whole, validate_formats=True)
    errors = (f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator.iter_errors(document))
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
    schema = Path(sys.argv[1]).read_bytes()
    if hashlib.sha256(schema).hexdigest() != SCHEMA_SHA256:
        print(f"{sys.argv[1]} is not the schema that is asked for", file=sys.stderr)
        return 2
    schema = json.loads(schema)
    refused = 0
    for path in map(Path, sys.argv[2:]):
        document = json.loads(path.read_text(encoding="utf-8"))
        verdict = {"schema": by_schema(schema, document), "trestle": by_trestle(path, document)}
        refused += any(verdict.values())
        print(json.dumps({"file": path.name} | verdict))
    return int(refused > 0)


if __name__ == "__main__":
    sys.exit(main())
