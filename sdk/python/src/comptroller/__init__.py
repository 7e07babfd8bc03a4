"""Comptroller for programs: register models, ask the gate, and record predictions and labels.

`Client` speaks the HTTP interface; `Client.recorder` sends records in the background and never loses one in silence.
Only the standard library is used.
"""

from .client import Client, GateDecision, Receipt
from .errors import ComptrollerError, NotDelivered, Problem, QueueFull, Unreachable
from .recorder import Recorder

__all__ = [
    "Client", "ComptrollerError", "GateDecision", "NotDelivered", "Problem", "QueueFull", "Receipt", "Recorder",
    "Unreachable",
]
