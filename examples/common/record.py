"""Digests, and the part of `system.toml` that the training script writes.

Everything above MARKER in a system.toml is written by people and kept as it is. Everything
below is replaced by `write_generated`.
"""

import hashlib
import json
import platform
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

MARKER = "# ---- below this line: written by train.py, do not edit ----\n"


def now() -> str:
    """The present second, RFC 3339 UTC."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def file_digest(path: Path) -> str:
    """SHA-256 of the file's bytes, hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest_of_files(root: Path, paths: list[str]) -> str:
    """SHA-256 of `sha256sum`-style lines ("<hex>  <path>\\n"), in order of path; paths are relative to `root`."""
    lines = [f"{file_digest(root / path)}  {path}\n" for path in sorted(paths)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def digest_of_rows(names: list[str], rows) -> dict:
    """SHA-256 and size of comma-separated text: one header line, then one line of integers per row."""
    lines = [",".join(names) + "\n"]
    lines += [",".join(str(int(value)) for value in row) + "\n" for row in rows.tolist()]
    text = "".join(lines).encode()
    return {"digest": "sha256:" + hashlib.sha256(text).hexdigest(), "bytes": len(text)}


def check_sums(folder: Path) -> list[str]:
    """Compares `folder` with its SHA256SUMS; returns one message per difference."""
    sums = folder / "SHA256SUMS"
    listed = dict(reversed(line.split("  ", 1)) for line in sums.read_text().splitlines())
    problems = []
    for name in sorted(listed.keys() | {path.name for path in folder.iterdir() if path != sums}):
        path = folder / name
        if name not in listed:
            problems.append(f"{path}: not listed in {sums}; remove it or run prepare.py again")
        elif not path.is_file():
            problems.append(f"{path}: listed in {sums} but missing; restore it from version control")
        elif file_digest(path) != listed[name]:
            problems.append(f"{path}: SHA-256 differs from {sums}; restore it from version control")
    return problems


def write_sums(folder: Path) -> None:
    """Writes SHA256SUMS for all other files of `folder`."""
    names = sorted(path.name for path in folder.iterdir() if path.name != "SHA256SUMS")
    (folder / "SHA256SUMS").write_text("".join(f"{file_digest(folder / name)}  {name}\n" for name in names))


def runtime(packages: list[str]) -> dict:
    """Versions that a re-run needs for the same bytes."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    return found | {name: version(name) for name in packages}


def artifact(root: Path, path: str, media: str, role: str) -> dict:
    """One file of a version: path relative to system.toml, digest, size."""
    return {
        "path": path,
        "role": role,
        "format": media,
        "sha256": file_digest(root / path),
        "bytes": (root / path).stat().st_size,
    }


def _value(value: object) -> str:
    """One TOML value on one line. JSON's strings, numbers and booleans are TOML's too."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _table(name: str, table: dict, repeated: bool) -> str:
    """`[name]` or `[[name]]` with plain keys first, then sub-tables and arrays of tables."""
    lines = [f"[[{name}]]" if repeated else f"[{name}]"]
    below = []
    for key, value in table.items():
        if isinstance(value, dict):
            below.append(_table(f"{name}.{key}", value, repeated=False))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            below.extend(_table(f"{name}.{key}", item, repeated=True) for item in value)
        else:
            lines.append(f"{key} = {_value(value)}")
    return "\n".join(lines) + "\n" + "".join("\n" + text for text in below)


def write_generated(path: Path, dataset_versions: list[dict], versions: list[dict]) -> None:
    """Replaces everything below MARKER in `path`. Raises ValueError when the marker is missing."""
    written, marker, _ = path.read_text(encoding="utf-8").partition(MARKER)
    if not marker:
        raise ValueError(f"{path}: the line {MARKER.strip()!r} is missing; put it back at the end of the file")
    tables = [_table("dataset_versions", item, repeated=True) for item in dataset_versions]
    tables += [_table("versions", item, repeated=True) for item in versions]
    path.write_text(written + marker + "\n" + "\n".join(tables), encoding="utf-8")
