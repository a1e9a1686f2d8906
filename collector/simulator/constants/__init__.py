"""The lists of constants that `/api/v1/const/...` returns, from the JSON files of this package.

Topics, alarm types and event types are from mist/README section 5.2 and a public snapshot of 2024. They are shorter
than the current lists, above all those of client and NAC events; devices may send types that are not listed.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import orjson

NAMES = (
    "alarm_defs",
    "client_events",
    "device_events",
    "device_models",
    "mxedge_events",
    "nac_events",
    "webhook_topics",
)


@cache
def constants(name: str) -> tuple[dict[str, Any], ...]:
    """Return the list with this name.

    Raises:
        KeyError: For an unknown name.
    """
    if name not in NAMES:
        raise KeyError(name)
    return tuple(orjson.loads(files(__name__).joinpath(f"{name}.json").read_bytes()))


@cache
def webhook_topics(*, for_site: bool) -> frozenset[str]:
    """Return the topics that a webhook of a site or of an org can have; `ping` is sent only on request."""
    return frozenset(
        topic["key"]
        for topic in constants("webhook_topics")
        if not topic.get("internal") and (for_site or topic.get("for_org"))
    )


@cache
def single_event_topics() -> frozenset[str]:
    """Return the topics that can be delivered with one event per message."""
    return frozenset(t["key"] for t in constants("webhook_topics") if t.get("allows_single_event_per_message"))


@cache
def logged_topics() -> frozenset[str]:
    """Return the topics whose deliveries Mist logs."""
    return frozenset(t["key"] for t in constants("webhook_topics") if t.get("has_delivery_results"))
