"""Records as the server wants them: checked where they are made, and as bytes that never change."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, timezone
from typing import Any, Mapping, Optional, Union

Value = Union[None, bool, int, float, str]
Moment = Union[None, str, datetime]
#: Bytes of an id, at most.
MAX_ID = 128


def prediction(
    id: str,
    inputs: Optional[Mapping[str, Any]] = None,
    *,
    prediction: Value = None,
    score: Optional[float] = None,
    time: Moment = None,
    latency_us: Optional[int] = None,
    error: Optional[str] = None,
    caller: Optional[str] = None,
    subject: Optional[str] = None,
    attributions: Optional[Mapping[str, float]] = None,
) -> bytes:
    """One prediction as a line of JSON. Its time is now if none is given."""
    record: dict[str, Any] = {"id": _id(id), "time": _moment(time)}
    said = {
        "prediction": prediction, "score": score, "latency_us": latency_us, "error": error, "caller": caller,
        "subject": subject,
    }
    record.update({name: value for name, value in said.items() if value is not None})
    if inputs:
        record["inputs"] = dict(inputs)
    if attributions:
        record["attributions"] = dict(attributions)
    return line(record)


def label(id: str, label: Value, *, time: Moment = None) -> bytes:
    """What came true for a prediction, as a line of JSON."""
    if label is None:
        raise ValueError("a label has a value")
    return line({"id": _id(id), "time": _moment(time), "label": label})


def line(record: Mapping[str, Any]) -> bytes:
    """A record as it is sent.

    Raises `ValueError` for a number that JSON does not have, and `TypeError` for a value of no known type.
    """
    for place, values in (("", record), *((n, record[n]) for n in ("inputs", "attributions") if n in record)):
        for name, value in values.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{place} {name!r} is {value}: JSON has no such number; None is a missing value")
    return json.dumps(record, allow_nan=False, default=_plain, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    """Numbers and vectors of array libraries, and dates."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a value of type {type(value).__name__} cannot be recorded")


def _id(id: str) -> str:
    if not isinstance(id, str) or not 1 <= len(id.encode()) <= MAX_ID:
        raise ValueError(f"an id is a text of 1 to {MAX_ID} bytes, not {id!r}")
    return id


def _moment(time: Moment) -> str:
    if isinstance(time, str):
        return time
    if time is None:
        time = datetime.now(timezone.utc)
    if time.tzinfo is None:
        raise ValueError("a time without a zone could be any of many; use datetime.now(timezone.utc)")
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
