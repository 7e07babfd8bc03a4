"""Requests over HTTP: tried again while it makes sense, and never sent twice as two different ones."""

from __future__ import annotations

import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Callable, Mapping, Optional

from .errors import Problem, Unreachable

#: Answers after which the same request may succeed a little later.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
#: Seconds between two attempts, at most.
LONGEST_PAUSE = 30.0


class Transport:
    """One server in the name of one credential."""

    def __init__(self, url: str, token: str, timeout: float, patience: float) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self.timeout = timeout
        self.patience = patience

    def request(
        self,
        method: str,
        path: str,
        body: Optional[bytes] = None,
        *,
        media_type: str = "application/json",
        query: Optional[Mapping[str, str]] = None,
        key: Optional[str] = None,
        patience: Optional[float] = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Any:
        """The JSON answer. Tries again for `patience` seconds, waiting as long as the server asks for.

        Every request of this package may be repeated: it reads, has an idempotency key, or names its batch.
        """
        address = self.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = media_type
        if key is not None:
            headers["Idempotency-Key"] = key
        begun, attempt = time.monotonic(), 0
        limit = self.patience if patience is None else patience
        while True:
            try:
                return self._once(urllib.request.Request(address, body, headers, method=method))
            except _Again as again:
                attempt += 1
                pause = again.after if again.after is not None else min(0.2 * 2**attempt, LONGEST_PAUSE)
                # Not all clients at the same moment.
                pause *= 1 + random.random() / 4
                if stopped() or time.monotonic() - begun + pause > limit:
                    raise again.error from None
                time.sleep(pause)

    def _once(self, request: urllib.request.Request) -> Any:
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            problem = Problem(error.code, _body(error))
            if error.code in PASSING:
                raise _Again(problem, _seconds(error.headers.get("Retry-After"))) from None
            raise problem from None
        except (OSError, ValueError) as error:
            raise _Again(Unreachable(f"{self.url}: no answer: {error}"), None) from None


class _Again(Exception):
    """The same request may succeed later."""

    def __init__(self, error: Exception, after: Optional[float]) -> None:
        super().__init__(str(error))
        self.error, self.after = error, after


def _body(error: urllib.error.HTTPError) -> Mapping[str, Any]:
    text = error.read().decode("utf-8", "replace")
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {"detail": text[:500]}


def _seconds(text: Optional[str]) -> Optional[float]:
    try:
        return min(max(float(text), 0.0), LONGEST_PAUSE) if text is not None else None
    except ValueError:
        return None
