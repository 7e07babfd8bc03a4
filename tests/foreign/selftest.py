"""Checks the foreign verifiers themselves: on good logs they agree, on broken ones they refuse.

The logs are made here with a third party's writer, so that this says nothing about our own ledger and everything
about the judges that our ledger's tests rely on. Run with the Python of the foreign verifiers:

    selftest.py VERIFY-GO

Prints one line per case and closes with "N passed, N failed"; exits with 1 if any case failed.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from aics_tlog.checkpoint import Checkpoint, sign_checkpoint
from aics_tlog.note import format_vkey, vkey_from_ed25519
from aics_tlog.tiles import FileSystemTileReader, tree_root_from_tiles, write_tiles
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORIGIN = "log.example/selftest/1"
EMPTY_ROOT = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
SECONDS = 120


def make_log(folder: Path, size: int, key: Ed25519PrivateKey) -> str:
    """Writes a log of `size` entries and returns its verifier key."""
    root = EMPTY_ROOT
    if size:
        write_tiles([b"entry %d" % index for index in range(size)], folder)
        root = tree_root_from_tiles(FileSystemTileReader(folder), size)
    folder.mkdir(exist_ok=True)
    note = sign_checkpoint(Checkpoint(ORIGIN, size, root), key, ORIGIN)
    (folder / "checkpoint").write_text(note.serialise(), encoding="utf-8")
    return format_vkey(vkey_from_ed25519(ORIGIN, key.public_key()))


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(bytes(data))


def swap_entries(path: Path) -> None:
    """Swaps the first two entries of a bundle, which are of equal length."""
    data = path.read_bytes()
    length = 2 + int.from_bytes(data[:2], "big")
    path.write_bytes(data[length : 2 * length] + data[:length] + data[2 * length :])


def go_verify(program: str, folder: Path, vkey: str) -> tuple[int, str]:
    ran = subprocess.run([program, folder, vkey], capture_output=True, text=True, timeout=SECONDS, check=False)
    return ran.returncode, (ran.stdout + ran.stderr).strip()


def python_verify(folder: Path, vkey: str, size: int) -> tuple[int, str]:
    """The signature and, for logs with entries, the inclusion of the first and last entry."""
    common = ["--log-key", vkey, "--origin", ORIGIN, "--tiles", folder]
    commands = [(["verify-checkpoint", *common], "")]
    for index in sorted({0, size - 1}) if size else []:
        commands.append((["verify-inclusion", *common, "--index", str(index), "--leaf", "-"], f"entry {index}"))
    said = ""
    for arguments, given in commands:
        ran = subprocess.run(
            [sys.executable, "-m", "aics_tlog", *arguments],
            input=given, capture_output=True, text=True, timeout=SECONDS, check=False,
        )
        said = (ran.stdout + ran.stderr).strip()
        if ran.returncode:
            return ran.returncode, said
    return 0, said


class Cases:
    """Counts and prints what was expected and what came."""

    def __init__(self) -> None:
        self.passed = self.failed = 0

    def expect(self, name: str, code: int, said: str, want: int, words: str = "") -> None:
        good = code == want and words in said
        self.passed, self.failed = self.passed + good, self.failed + (not good)
        last = said.splitlines()[-1] if said else ""
        print(f"{'ok    ' if good else 'FAILED'} {name}: exit {code} (expected {want}): {last[:150]}")


def good_logs(cases: Cases, program: str, work: Path, key: Ed25519PrivateKey) -> None:
    for size in (0, 1, 2, 255, 256, 257, 70_000):
        folder = work / f"good-{size}"
        vkey = make_log(folder, size, key)
        cases.expect(f"go, {size} entries", *go_verify(program, folder, vkey), 0, f"OK {size} ")
        # The Python verifier takes most of a minute for the largest log.
        if 0 < size < 10_000:
            cases.expect(f"python, {size} entries", *python_verify(folder, vkey, size), 0, '"ok": true')


def broken_logs(cases: Cases, program: str, work: Path, key: Ed25519PrivateKey) -> None:
    """A log of 600 entries: two full bundles and tiles, and a partial one of 88."""
    original = work / "original"
    vkey = make_log(original, 600, key)
    entries, level0, level1 = "tile/entries/000", "tile/0/001", "tile/1/000.p/2"
    partial_entries, partial_tile = "tile/entries/002.p/88", "tile/0/002.p/88"

    def broken(name: str, words: str, damage) -> None:
        folder = work / name.replace(" ", "-")
        shutil.copytree(original, folder)
        damage(folder)
        cases.expect(f"go, {name}", *go_verify(program, folder, vkey), 1, words)

    broken("flipped entry byte", "entries: they hash to", lambda log: flip(log / entries, 5))
    broken("flipped entry length", "tile/entries/000: ", lambda log: flip(log / entries, 0))
    broken("flipped byte of a partial bundle", "entries: they hash", lambda log: flip(log / partial_entries, -1))
    broken("swapped entries", "entries: they hash to", lambda log: swap_entries(log / entries))
    broken("flipped tile byte", f"{level0}: hash 3", lambda log: flip(log / level0, 100))
    broken("flipped partial tile byte", f"{partial_tile}: hash 87", lambda log: flip(log / partial_tile, -1))
    broken("flipped upper tile byte", f"{level1}: hash 0", lambda log: flip(log / level1, 0))
    broken("missing tile", f"{level0}: ", lambda log: (log / level0).unlink())
    broken("missing bundle", f"{entries}: ", lambda log: (log / entries).unlink())
    broken("truncated bundle", "ends within", lambda log: (log / partial_entries).write_bytes(
        (log / partial_entries).read_bytes()[:-1]))
    broken("bytes after a bundle", "bytes after", lambda log: (log / entries).write_bytes(
        (log / entries).read_bytes() + b"\0\0"))
    broken("flipped signature", "checkpoint: ", lambda log: flip(log / "checkpoint", -10))
    broken("larger size", "checkpoint: ", lambda log: (log / "checkpoint").write_text(
        (log / "checkpoint").read_text(encoding="utf-8").replace("\n600\n", "\n601\n"), encoding="utf-8"))

    flipped_first = work / "flipped-first-tile"
    shutil.copytree(original, flipped_first)
    flip(flipped_first / "tile/0/000", 100)
    cases.expect("python, flipped tile byte", *python_verify(flipped_first, vkey, 600), 1, "tile/0/000")

    other = format_vkey(vkey_from_ed25519(ORIGIN, Ed25519PrivateKey.generate().public_key()))
    cases.expect("go, wrong key", *go_verify(program, original, other), 1, "checkpoint: ")
    cases.expect("python, wrong key", *python_verify(original, other, 600), 1)

    # The log's real key signs a head of more entries than the folder holds.
    truncated = work / "truncated"
    shutil.copytree(original, truncated)
    root = tree_root_from_tiles(FileSystemTileReader(original), 600)
    note = sign_checkpoint(Checkpoint(ORIGIN, 700, root), key, ORIGIN)
    (truncated / "checkpoint").write_text(note.serialise(), encoding="utf-8")
    cases.expect("go, truncated log", *go_verify(program, truncated, vkey), 1, "tile/entries/002.p/188: ")

    # The log's real key signs another history of the same size.
    forked = work / "forked"
    shutil.copytree(original, forked)
    note = sign_checkpoint(Checkpoint(ORIGIN, 600, bytes(32)), key, ORIGIN)
    (forked / "checkpoint").write_text(note.serialise(), encoding="utf-8")
    cases.expect("go, forked head", *go_verify(program, forked, vkey), 1, "entries: they hash to")
    cases.expect("python, forked head", *python_verify(forked, vkey, 600), 1)

    # Partial resources may go when the full one exists, and an older head stays checkable.
    older = work / "older"
    make_log(older, 512, key)
    at_300 = work / "at-300"
    make_log(at_300, 300, key)
    for still_partial in ("checkpoint", "tile/1/000.p/1"):
        shutil.copy(at_300 / still_partial, older / still_partial)
    cases.expect("go, an older head under full tiles", *go_verify(program, older, vkey), 0, "OK 300 ")


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    cases = Cases()
    with tempfile.TemporaryDirectory(prefix="comptroller-foreign-") as folder:
        key = Ed25519PrivateKey.generate()
        good_logs(cases, sys.argv[1], Path(folder), key)
        broken_logs(cases, sys.argv[1], Path(folder), key)
    print(f"{cases.passed} passed, {cases.failed} failed")
    return 1 if cases.failed else 0


if __name__ == "__main__":
    sys.exit(main())
