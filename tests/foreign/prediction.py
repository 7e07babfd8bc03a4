"""Verifies the compact proof of a prediction as docs/PREDICTIONS.md describes it; shares no code with the product.

Usage: prediction.py VKEY PROOF. Prints the record as JSON and ends with 0, or says what is wrong and ends with 1.
"""

import base64
import hashlib
import json
import struct
import sys
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WORDS = [
    '{"actor":"system","commitments":[],"data":{"block":"', '","bytes":', ',"day":', ',"digest":"',
    '","environment":"production","filter_bytes":', '","environment":"staging","filter_bytes":',
    '","environment":"dev","filter_bytes":', ',"first_at":"', '","last_at":"', '","records":"prediction","root":"',
    '","records":"label","root":"', '","rows":', ',"system":"', '","version":"', '"},"occurred_at":', ',"org":"',
    '","recorded_at":', ',"stream":"system/', '","stream_seq":', ',"subjects":["version/', '","block/',
    '"],"type":"predictions.sealed","v":1}', "c2sp.org/tlog-proof@v1\nindex ", "\u2014 ",
]
TEXT, NUMBER, WHOLE, TRUTH, VECTOR = 1, 2, 3, 4, 5
LIMIT = 4 << 20


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


class Reader:
    """Takes bytes from the front."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise ValueError("cut off")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self) -> int:
        value = 0
        for shift in range(0, 63, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ValueError("a number of more than 63 bits")


def unpack(codes: bytes, seen: bytearray) -> str:
    """The text of these codes; `seen` is what stood before, from which it may copy."""
    start, reader = len(seen), Reader(codes)
    while reader.at < len(codes) and len(seen) <= LIMIT:
        code = reader.take(1)[0]
        if code == 0x0A or 0x20 <= code <= 0x7E:
            seen.append(code)
        elif code == 1:
            seen += str(uuid.UUID(bytes=reader.take(16))).encode()
        elif code == 2:
            seen += reader.take(32).hex().encode()
        elif code == 3:
            seen += base64.b64encode(reader.take(32))
        elif code == 4:
            seen += base64.b64encode(reader.take(reader.number()))
        elif code == 5:
            seen += str(reader.number()).encode()
        elif code == 6:
            moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(
                microseconds=struct.unpack(">q", reader.take(8))[0])
            seen += moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
        elif code == 7:
            back, length = reader.number(), reader.number()
            if back > len(seen) or length > back:
                raise ValueError("a copy of what is not there")
            seen += seen[len(seen) - back :][:length]
        elif code == 8:
            seen += reader.take(1)
        elif 0x80 <= code < 0x80 + len(WORDS):
            seen += WORDS[code - 0x80].encode()
        else:
            raise ValueError(f"code {code}")
    return seen[start:].decode()


def read_record(reader: Reader) -> tuple[dict, bytes, bytes]:
    """The record, its schema digest, and its cells."""
    record, schema, cells, name = {}, b"comptroller-record/1", b"", b""
    for _ in range(reader.number()):
        code = reader.take(1)[0]
        kind = code & 0x7F
        shared = reader.number()
        following = name[:shared] + reader.take(reader.number())
        if shared > len(name) or kind not in (TEXT, NUMBER, WHOLE, TRUTH, VECTOR) or (record and following <= name):
            raise ValueError("fields are out of order, or of no type")
        name = following
        schema += len(name).to_bytes(4, "big") + name + bytes([kind])
        if code & 0x80:
            value, cell = None, b"\0"
        elif kind == TEXT:
            data = reader.take(reader.number())
            value, cell = data.decode(), b"\1" + len(data).to_bytes(4, "big") + data
        elif kind == NUMBER:
            data = reader.take(8)
            value = struct.unpack(">d", data)[0]
            cell = b"\2" + (data if value == value else bytes.fromhex("7ff8000000000000"))
        elif kind == WHOLE:
            data = reader.take(8)
            value, cell = struct.unpack(">q", data)[0], b"\3" + data
        elif kind == VECTOR:
            count = reader.number()
            data = reader.take(4 * count)
            value = list(struct.unpack(f">{count}f", data))
            cell = b"\5" + count.to_bytes(4, "big") + data
        else:
            data = reader.take(1)
            value, cell = bool(data[0]), b"\4" + data
        record[name.decode()] = value
        cells += cell
    return record, sha(schema), cells


def climb(leaf: bytes, index: int, size: int, hashes: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2)."""
    if index >= size:
        raise ValueError("the index is behind the end of the tree")
    node, last = leaf, size - 1
    for sibling in hashes:
        if last == 0:
            raise ValueError("more hashes than the tree is high")
        if index & 1 or index == last:
            node = sha(b"\1" + sibling + node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha(b"\1" + node + sibling)
        index, last = index >> 1, last >> 1
    if last:
        raise ValueError("fewer hashes than the tree is high")
    return node


def signed_head(note: str, vkey: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint that the key signed."""
    name, key_id, key = vkey.split("+", 2)
    public = base64.b64decode(key)
    if public[0] != 1 or sha(name.encode() + b"\n" + public)[:4].hex() != key_id:
        raise ValueError("not a key of this kind")
    body, signatures = note.split("\n\n", 1)
    for line in signatures.splitlines():
        _, signer, signature = line.split(" ", 2)
        signature = base64.b64decode(signature)
        if signer == name and signature[:4].hex() == key_id:
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[4:], (body + "\n").encode())
            origin, size, root = body.split("\n")[:3]
            if origin != name:
                raise ValueError("another log")
            return int(size), base64.b64decode(root)
    raise ValueError("not signed by this key")


def verify(data: bytes, vkey: str) -> dict:
    """The record of a proof that holds."""
    if data[:8] != b"CTLPRF01":
        raise ValueError("not a compact proof")
    reader = Reader(data[8:])
    index, salt = reader.number(), reader.take(16)
    record, schema, cells = read_record(reader)
    hashes = [reader.take(32) for _ in range(reader.take(1)[0])]
    seen = bytearray()
    entry = unpack(reader.take(reader.number()), seen)
    proof = unpack(reader.take(reader.number()), seen)
    if reader.at != len(reader.data):
        raise ValueError("bytes behind the end")
    sealed = json.loads(entry)
    if sealed["type"] != "predictions.sealed":
        raise ValueError("the entry seals no block")
    root = climb(sha(b"\0" + salt + schema + cells), index, sealed["data"]["rows"], hashes)
    if root.hex() != sealed["data"]["root"]:
        raise ValueError("the record does not lead to the root of its block")
    head, note = proof.split("\n\n", 1)
    word, place, *path = head.split("\n")
    if word != "c2sp.org/tlog-proof@v1" or not place.startswith("index "):
        raise ValueError("not a proof of the log")
    size, signed = signed_head(note, vkey)
    path = [base64.b64decode(line) for line in path]
    if climb(sha(b"\0" + entry.encode()), int(place[6:]), size, path) != signed:
        raise ValueError("the entry is not in the signed log")
    return record


def main() -> int:
    try:
        record = verify(Path(sys.argv[2]).read_bytes(), sys.argv[1])
    except (ValueError, KeyError, IndexError, OverflowError, InvalidSignature) as error:
        print(f"refused: {error!r}")
        return 1
    print(json.dumps(record))
    return 0


if __name__ == "__main__":
    sys.exit(main())
