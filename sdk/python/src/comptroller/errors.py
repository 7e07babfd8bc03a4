"""What can go wrong, and what it says."""

from __future__ import annotations

from typing import Any, Mapping, Sequence


class ComptrollerError(Exception):
    """Every error of this package."""


class Problem(ComptrollerError):
    """The server refused a request, and says why and what to do."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.body = dict(body)
        self.code = str(body.get("code", "unknown"))
        self.remedy = str(body.get("remedy", ""))
        detail = str(body.get("detail", body.get("title", "no detail")))
        super().__init__(f"{status} {self.code}: {detail}" + (f"; {self.remedy}" if self.remedy else ""))


class Unreachable(ComptrollerError):
    """No answer came, as often as it was tried."""


class QueueFull(ComptrollerError):
    """Records come faster than they are taken, and the queue holds no more. The record of this call was not taken."""


class NotDelivered(ComptrollerError):
    """Records that the server has not acknowledged. `batches` has each of them as it was to be sent."""

    def __init__(self, message: str, batches: Sequence[Any]) -> None:
        super().__init__(message)
        self.batches = list(batches)
