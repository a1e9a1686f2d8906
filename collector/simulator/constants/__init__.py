"""The lists that `/api/v1/const/...` answers, as JSON files beside this module.

Topics, alarm types and event types come from mist/README section 5.2 and a public snapshot of 2024; they are smaller
than today's lists (client and nac events above all), and devices may use types that no list names.
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
    """Return the list of this name; raise KeyError when there is none."""
    if name not in NAMES:
        raise KeyError(name)
    return tuple(orjson.loads(files(__name__).joinpath(f"{name}.json").read_bytes()))


@cache
def webhook_topics(*, for_site: bool) -> frozenset[str]:
    """Return the topics that a webhook of a site, or of an org, may have; `ping` is only sent on request."""
    return frozenset(
        topic["key"]
        for topic in constants("webhook_topics")
        if not topic.get("internal") and (for_site or topic.get("for_org"))
    )


@cache
def single_event_topics() -> frozenset[str]:
    """Return the topics that can be delivered one event a message."""
    return frozenset(t["key"] for t in constants("webhook_topics") if t.get("allows_single_event_per_message"))


@cache
def logged_topics() -> frozenset[str]:
    """Return the topics whose deliveries Mist keeps a log of."""
    return frozenset(t["key"] for t in constants("webhook_topics") if t.get("has_delivery_results"))
