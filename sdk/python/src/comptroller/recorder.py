"""Sending records in the background, in bounded memory, until the server has acknowledged every one of them.

A batch gets its id and its bytes once, so it can be sent as often as it takes. When more waits than may, whoever records
is made to wait. What the server refuses for good, or has not taken when the recorder is closed, is raised; with a
`spool` folder it stands in a file there as well, and is sent by the next recorder of that folder.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Mapping, Optional, Union

from . import records
from .errors import ComptrollerError, NotDelivered, Problem, QueueFull
from .transport import PASSING, Transport

log = logging.getLogger("comptroller")

#: What a batch holds, at most; the server takes 65,536 records and 16 MiB.
BATCH_RECORDS, BATCH_BYTES = 5_000, 4 << 20
#: Seconds that one batch is tried before the others get their turn.
ONE_TRY = 60.0


@dataclass(frozen=True)
class Batch:
    """Records that are sent together."""

    kind: str
    """`predictions` or `labels`."""
    id: str
    body: bytes
    """One line of JSON for each record."""


class Recorder:
    """Takes records of one version in one environment. Safe to use from many threads; use it in a `with` block."""

    def __init__(
        self,
        transport: Transport,
        version: str,
        environment: str,
        *,
        max_bytes: int = 64 << 20,
        flush_seconds: float = 1.0,
        block_seconds: Optional[float] = None,
        spool: Union[None, str, Path] = None,
    ) -> None:
        self._transport, self._query = transport, {"version": version, "environment": environment}
        self._max_bytes, self._flush_seconds, self._block_seconds = max_bytes, flush_seconds, block_seconds
        self._spool = Path(spool) if spool is not None else None
        self._lock = threading.Condition()
        self._lines: dict[str, List[bytes]] = {"predictions": [], "labels": []}
        self._oldest: Optional[float] = None
        self._batches: List[Batch] = self._spooled()
        self._refused: List[Batch] = []
        self._problems: List[str] = []
        self._bytes = sum(len(batch.body) for batch in self._batches)
        self._flushing = self._closing = False
        self.acknowledged = 0
        """Records that the server has acknowledged as durable."""
        self._thread = threading.Thread(target=self._run, name="comptroller-recorder", daemon=True)
        self._thread.start()
        atexit.register(self._at_exit)

    def predict(self, id: str, inputs: Optional[Mapping[str, Any]] = None, **said: Any) -> None:
        """Records a prediction; see `comptroller.records.prediction` for the rest of it.

        Waits when too much is waiting, and raises `QueueFull` after `block_seconds`.
        """
        self._put("predictions", records.prediction(id, inputs, **said))

    def label(self, id: str, label: records.Value, *, time: records.Moment = None) -> None:
        """Records what came true for a prediction."""
        self._put("labels", records.label(id, label, time=time))

    @property
    def waiting_bytes(self) -> int:
        """Bytes that are not acknowledged yet."""
        return self._bytes

    def flush(self, timeout: Optional[float] = None) -> None:
        """Returns when everything recorded so far is durable; raises `NotDelivered` with what is not."""
        with self._lock:
            self._flushing = True
            self._lock.notify_all()
            done = self._lock.wait_for(lambda: not self._waits(), timeout)
            self._flushing = False
            if done and not self._refused:
                return
            # Those that are refused for good are handed over here, and wait no more.
            refused, self._refused = self._refused, []
            self._bytes -= sum(len(batch.body) for batch in refused)
            self._lock.notify_all()
            batches = refused + self._batches
            why = "; ".join(self._problems) or f"the server took nothing for {timeout} s"
            raise NotDelivered(f"{len(batches)} batches are not recorded: {why}", batches)

    def close(self, timeout: Optional[float] = 60.0) -> None:
        """Flushes and stops. What is not delivered is written to the spool folder, if there is one, and raised."""
        if self._closing:
            return
        try:
            self.flush(timeout)
        except NotDelivered as error:
            if self._spool is not None:
                self._write_spool(error.batches)
            raise
        finally:
            with self._lock:
                self._closing = True
                self._lock.notify_all()
            atexit.unregister(self._at_exit)

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _put(self, kind: str, line: bytes) -> None:
        size = len(line) + 1
        with self._lock:
            room = self._lock.wait_for(
                lambda: self._closing or self._bytes == 0 or self._bytes + size <= self._max_bytes,
                self._block_seconds,
            )
            if self._closing:
                raise ComptrollerError("the recorder is closed")
            if not room:
                raise QueueFull(f"{self._bytes} bytes wait to be recorded; the record was not taken")
            self._bytes += size
            self._lines[kind].append(line)
            if self._oldest is None:
                self._oldest = time.monotonic()
                self._lock.notify_all()
            elif len(self._lines[kind]) >= BATCH_RECORDS:
                self._lock.notify_all()

    def _waits(self) -> bool:
        return bool(self._batches or any(self._lines.values()))

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._batches and not self._take_lines():
                    if self._closing:
                        return
                    self._lock.wait(self._pause())
                batch = self._batches[0]
            self._send(batch)
            with self._lock:
                if self._closing:
                    return

    def _pause(self) -> Optional[float]:
        if self._oldest is None:
            return None
        return max(self._oldest + self._flush_seconds - time.monotonic(), 0.0)

    def _take_lines(self) -> bool:
        """Makes batches of what is due. Answers whether there are any."""
        is_due = self._flushing or self._closing or (self._oldest is not None and self._pause() == 0.0)
        for kind, lines in self._lines.items():
            size = 0
            chunk: List[bytes] = []
            if not is_due and len(lines) < BATCH_RECORDS:
                continue
            for line in lines:
                if chunk and (len(chunk) == BATCH_RECORDS or size + len(line) >= BATCH_BYTES):
                    self._batches.append(Batch(kind, str(uuid.uuid4()), b"\n".join(chunk) + b"\n"))
                    chunk, size = [], 0
                chunk.append(line)
                size += len(line) + 1
            if chunk:
                self._batches.append(Batch(kind, str(uuid.uuid4()), b"\n".join(chunk) + b"\n"))
            self._lines[kind] = []
        self._oldest = time.monotonic() if any(self._lines.values()) else None
        return bool(self._batches)

    def _send(self, batch: Batch) -> None:
        try:
            answer = self._transport.request(
                "POST", f"/api/v1/{batch.kind}", batch.body, media_type="application/x-ndjson",
                query={**self._query, "batch": batch.id}, patience=ONE_TRY, stopped=lambda: self._closing,
            )
        except ComptrollerError as error:
            for_good = isinstance(error, Problem) and error.status not in PASSING
            (log.error if for_good else log.warning)("batch %s of %s: %s", batch.id, batch.kind, error)
            with self._lock:
                self._problems = [*self._problems[-4:], str(error)]
                self._batches.remove(batch)
                # What was not taken yet waits again, behind the others.
                (self._refused if for_good else self._batches).append(batch)
                self._lock.notify_all()
            return
        if self._spool is not None:
            self._spool_file(batch).unlink(missing_ok=True)
        with self._lock:
            self.acknowledged += int(answer["records"])
            self._batches.remove(batch)
            self._bytes -= len(batch.body)
            self._lock.notify_all()

    def _spool_file(self, batch: Batch) -> Path:
        assert self._spool is not None
        return self._spool / f"{batch.id}.{batch.kind}.ndjson"

    def _spooled(self) -> List[Batch]:
        """What an earlier recorder could not deliver."""
        if self._spool is None:
            return []
        self._spool.mkdir(parents=True, exist_ok=True)
        found = []
        for path in sorted(self._spool.glob("*.ndjson")):
            id, kind, _ = path.name.split(".")
            found.append(Batch(kind, id, path.read_bytes()))
        return found

    def _write_spool(self, batches: List[Batch]) -> None:
        for batch in batches:
            path = self._spool_file(batch)
            part = path.with_suffix(".part")
            with open(part, "wb") as file:
                file.write(batch.body)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)

    def _at_exit(self) -> None:
        try:
            self.close(timeout=30.0)
        except NotDelivered as error:
            log.critical("%s", error)
