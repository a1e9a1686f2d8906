"""Events for the tests of the history."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from collector.event import Event

START = 1_700_000_000.0


def event(number: int = 0, **changes: Any) -> Event:
    """Return an event that differs by its number: one of 5 topics, 20 types, 50 sites, 500 devices."""
    device = f"sw-{number % 500}"
    values: dict[str, Any] = {
        "id": blake2b(b"%d" % number, digest_size=16).hexdigest(),
        "time": START + number,
        "received": START + number + 1.5,
        "topic": ("device-events", "alarms", "client-join", "audits", "device-updowns")[number % 5],
        "type": f"SW_TYPE_{number % 20}",
        "severity": ("info", "warning", "critical")[number % 3],
        "status": ("", "open", "cleared")[number % 3],
        "org_id": "2818e386-8dec-2562-9ede-5b8a0fbbdc71",
        "site_id": f"{number % 50:08x}-8dec-2562-9ede-5b8a0fbbdc71",
        "site_name": f"Site {number % 50}",
        "device_mac": f"5c5b35{number % 500:06x}",
        "device_name": device,
        "device_type": "switch",
        "text": f"Port ge-0/0/{number % 48} of switch {device} is down",
        "fields": {
            "port_id": f"ge-0/0/{number % 48}",
            "reasons.0": f"reason {number % 7}",
            "number": number,
            "flag": number % 2 == 0,
            "device_name": device,
            "timestamp": START + number,
        },
    }
    return Event(**{**values, **changes})
