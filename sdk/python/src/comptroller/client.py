"""The client: one server in the name of one credential."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Union
from urllib.parse import quote

from . import records
from .errors import ComptrollerError
from .recorder import Recorder
from .transport import Transport

#: Bytes that are read from a file at a time.
PIECE = 1 << 20


@dataclass(frozen=True)
class Receipt:
    """What was made or changed, and the event that proves it."""

    id: str
    ledger_index: int


@dataclass(frozen=True)
class GateDecision:
    """What the policies say about a version and an environment."""

    outcome: str
    """`allow`, `needs-review`, `deny` or `unknown`, which counts as deny."""
    decision: str
    ledger_index: int
    rules: List[Dict[str, Any]] = field(default_factory=list)
    """Every rule that fired, with its reason and its remedy."""

    def __bool__(self) -> bool:
        return self.outcome == "allow"


class Client:
    """Speaks to a server. Arguments that are left out come from `COMPTROLLER_URL`, `COMPTROLLER_TOKEN` and
    `COMPTROLLER_ENVIRONMENT`.

    `patience` is how many seconds a request is tried again while the server is not there or asks to come later.
    """

    def __init__(
        self,
        url: Optional[str] = None,
        token: Optional[str] = None,
        environment: Optional[str] = None,
        *,
        timeout: float = 60.0,
        patience: float = 120.0,
    ) -> None:
        url = url or os.environ.get("COMPTROLLER_URL")
        token = token or os.environ.get("COMPTROLLER_TOKEN")
        if not url or not token:
            raise ComptrollerError("name the server and a token, or set COMPTROLLER_URL and COMPTROLLER_TOKEN")
        self.environment = environment or os.environ.get("COMPTROLLER_ENVIRONMENT")
        self._transport = Transport(url, token, timeout, patience)
        self._recorders: List[Recorder] = []

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the recorders of this client; raises what they could not deliver."""
        for recorder in self._recorders:
            recorder.close()

    # ---- anything that has no function of its own ----

    def get(self, *path: str, **query: str) -> Any:
        """Reads `/api/v1/...`, the path given in pieces."""
        return self._transport.request("GET", _path(path), query=query or None)

    def post(self, *path: str, body: Any) -> Any:
        """Does an act, once, however often it has to be sent."""
        data = json.dumps(body, allow_nan=False).encode()
        return self._transport.request("POST", _path(path), data, key=str(uuid.uuid4()))

    # ---- the registry ----

    def register_model(self, system: str, slug: str) -> Receipt:
        """Registers a model of an AI system."""
        return _receipt(self.post("models", body={"system": system, "slug": slug}))

    def upload(self, file: Union[str, Path], media_type: str = "application/octet-stream") -> str:
        """Stores a file as an artifact and answers its digest. A file that is there already is not sent again."""
        path, digest = Path(file), hashlib.sha256()
        with open(path, "rb") as opened:
            while piece := opened.read(PIECE):
                digest.update(piece)
        size = path.stat().st_size
        begin = {"digest": digest.hexdigest(), "bytes": size, "media_type": media_type}
        upload = self.post("uploads", body=begin)
        if not upload["completed"]:
            there = set(upload["stored"])
            with open(path, "rb") as opened:
                number = 0
                while piece := opened.read(upload["part_bytes"]):
                    number += 1
                    if number not in there:
                        place = _path(("uploads", upload["id"], "parts", str(number)))
                        self._transport.request("PUT", place, piece, media_type="application/octet-stream")
            self._transport.request(
                "POST", _path(("uploads", upload["id"], "complete")), key=str(uuid.uuid4()))
        return digest.hexdigest()

    def register_version(
        self,
        model: str,
        label: str,
        *,
        artifacts: Mapping[str, Union[str, Path]],
        training_started: str,
        training_ended: str,
        code_commit: str,
        datasets: Sequence[Mapping[str, Any]] = (),
        metrics: Optional[Mapping[str, float]] = None,
        text: Optional[Mapping[str, Any]] = None,
        **more: Any,
    ) -> Receipt:
        """Registers a version, which never changes after that. `artifacts` are digests, or files that are uploaded
        first, by the name they have in the version; `more` are further fields of the request."""
        named = []
        for name, content in artifacts.items():
            digest = content if isinstance(content, str) and _is_digest(content) else self.upload(content)
            named.append({"name": name, "digest": digest})
        body = {
            "label": label, "artifacts": named, "training_started": training_started,
            "training_ended": training_ended, "code_commit": code_commit, "datasets": list(datasets),
            "metrics": dict(metrics or {}), "text": dict(text or {}), **more,
        }
        return _receipt(self.post("models", model, "versions", body=body))

    def gate(self, version: str, environment: Optional[str] = None) -> GateDecision:
        """Asks whether a version may run there. The answer is recorded before it is given."""
        answer = self.post("gate", body={"version": version, "environment": self._place(environment)})
        return GateDecision(
            outcome=answer["outcome"], decision=answer["decision"], ledger_index=answer["ledger_index"],
            rules=answer.get("rules", []),
        )

    def deploy(self, version: str, reason: str, environment: Optional[str] = None) -> Dict[str, Any]:
        """Deploys a version, if the policies allow it."""
        body = {"version": version, "environment": self._place(environment), "reason": reason}
        return dict(self.post("deployments", body=body))

    # ---- records ----

    def recorder(self, version: str, environment: Optional[str] = None, **options: Any) -> Recorder:
        """Sends records in the background; for its options see `Recorder`. Closed with the client."""
        recorder = Recorder(self._transport, version, self._place(environment), **options)
        self._recorders.append(recorder)
        return recorder

    def send_predictions(
        self,
        version: str,
        batch: Iterable[Mapping[str, Any]],
        *,
        batch_id: Optional[str] = None,
        environment: Optional[str] = None,
    ) -> int:
        """Sends predictions and returns when all are durable; answers how many. With the `batch_id` of before, the
        same records are taken once."""
        return self._send("predictions", version, batch, batch_id, environment)

    def send_labels(
        self,
        version: str,
        batch: Iterable[Mapping[str, Any]],
        *,
        batch_id: Optional[str] = None,
        environment: Optional[str] = None,
    ) -> int:
        """Sends labels, `{"id": ..., "label": ...}`, by the id of the prediction."""
        return self._send("labels", version, batch, batch_id, environment)

    def prediction(self, system: str, id: str) -> Dict[str, Any]:
        """A prediction with everything behind it."""
        return dict(self.get("systems", system, "predictions", id))

    def prediction_proof(self, system: str, id: str) -> Dict[str, Any]:
        """Its proof; `comptroller verify-prediction` checks it offline."""
        return dict(self.get("systems", system, "predictions", id, "proof"))

    def windows(self, system: str) -> Iterator[Dict[str, Any]]:
        """The judged days of a system, newest first."""
        query: Dict[str, str] = {}
        while True:
            page = self.get("systems", system, "windows", **query)
            yield from page["items"]
            if not page.get("next"):
                return
            query = {"after": page["next"]}

    def window(self, version: str, day: str, environment: Optional[str] = None) -> Dict[str, Any]:
        """The whole report on a judged day, `2026-07-27`."""
        return dict(self.get("versions", version, "windows", self._place(environment), day))

    def _send(
        self,
        kind: str,
        version: str,
        batch: Iterable[Mapping[str, Any]],
        batch_id: Optional[str],
        environment: Optional[str],
    ) -> int:
        body = b"".join(records.line(record) + b"\n" for record in batch)
        query = {
            "version": version, "environment": self._place(environment), "batch": batch_id or str(uuid.uuid4()),
        }
        answer = self._transport.request(
            "POST", f"/api/v1/{kind}", body, media_type="application/x-ndjson", query=query)
        return int(answer["records"])

    def _place(self, environment: Optional[str]) -> str:
        place = environment or self.environment
        if not place:
            raise ComptrollerError("name the environment, or set COMPTROLLER_ENVIRONMENT")
        return place


def _path(pieces: Iterable[str]) -> str:
    return "/api/v1/" + "/".join(quote(piece, safe="") for piece in pieces)


def _receipt(answer: Mapping[str, Any]) -> Receipt:
    return Receipt(id=answer["id"], ledger_index=answer["ledger_index"])


def _is_digest(text: str) -> bool:
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)
