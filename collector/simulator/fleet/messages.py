"""What a fleet says: data of stream frames, and webhook events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Payload = dict[str, Any]
"""A JSON object. Once it was handed out nobody changes it: a fleet builds a new one for every message."""


@dataclass(frozen=True, slots=True)
class Emission:
    """The data of one stream frame, as an object; the server nests it as a string.

    `kind` is who speaks: "ap", "switch", "gateway", "mxedge", "client", "map", "org", or "change" for a change of a
    device. `mac` is its address, "" where there is none; `at` the unix time at which the frame leaves the cloud.
    """

    channel: str
    payload: Payload
    kind: str
    mac: str
    at: float


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a webhook delivery; `at` is the unix time at which the cloud knows it."""

    topic: str
    payload: Payload
    at: float
