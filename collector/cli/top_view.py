"""What `top` shows, from two looks at /metrics. Pure: samples in, lines out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.serve import humanize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Samples = dict[str, list[tuple[dict[str, str], float]]]  # by the name of the sample: labels and value

_OWN = "mist_collector_"
WORST = 10  # devices that are listed
CONNECTIONS = 8  # lines of connections
_KINDS = {"ap": "access point", "mxedge": "Mist Edge"}
_MANY = {"switch": "switches"}


def draw(url: str, before: Samples, now: Samples, seconds: float, unix: float) -> list[str]:
    """The screen, line by line; rates are between the two looks, which are `seconds` apart."""
    parts = (
        _head(url, now, unix),
        _ways_in(before, now, seconds),
        _connections(before, now, seconds, unix),
        _rest(now),
        _devices(now, unix),
    )
    return [line for part in parts for line in part]


def _total(samples: Samples, name: str, wanted: Callable[[dict[str, str]], bool] = lambda _: True) -> float:
    return sum(value for labels, value in samples.get(name, ()) if wanted(labels))


def _rate(before: Samples, now: Samples, name: str, seconds: float, **labels: str) -> float:
    """Increase a second; a collector that was restarted in between counts from 0."""

    def wanted(found: dict[str, str]) -> bool:
        return labels.items() <= found.items()

    increase = _total(now, name, wanted) - _total(before, name, wanted)
    return max(0.0, increase) / seconds if seconds > 0 else 0.0


def _head(url: str, now: Samples, unix: float) -> Iterator[str]:
    version = next((labels.get("version", "?") for labels, _ in now.get(f"{_OWN}build_info", ())), "?")
    start = _total(now, "process_start_time_seconds")
    running = f", running for {humanize.seconds(unix - start)}" if start else ""
    memory = _total(now, "process_resident_memory_bytes")
    yield f"mist-collector {version} at {url}{running}, {humanize.size(int(memory))} of memory, {humanize.moment(unix)}"
    yield ""


def _ways_in(before: Samples, now: Samples, seconds: float) -> Iterator[str]:
    yield f"{'WAY IN':<18}{'PER SECOND':>12}{'RECEIVED':>14}{'APPLIED':>14}  DROPPED"
    for title, name in (("frames", "stream_frames"), ("webhook events", "webhook_events")):
        received, applied = (f"{_OWN}{name}_{what}_total" for what in ("received", "applied"))
        reasons: dict[str, float] = {}
        for labels, value in now.get(f"{_OWN}{name}_dropped_total", ()):
            reasons[labels["reason"]] = reasons.get(labels["reason"], 0.0) + value
        dropped = ", ".join(
            f"{humanize.count(int(count))} {reason}" for reason, count in sorted(reasons.items()) if count
        )
        yield (
            f"{title:<18}{_rate(before, now, received, seconds):>12.1f}{humanize.count(int(_total(now, received))):>14}"
            f"{humanize.count(int(_total(now, applied))):>14}  {dropped or 'none'}"
        )
    yield ""


def _connections(before: Samples, now: Samples, seconds: float, unix: float) -> Iterator[str]:
    states = ", ".join(
        f"{value:.0f} {labels['state']}" for labels, value in now.get(f"{_OWN}subscriptions", ()) if value
    )
    yield f"{'CONNECTION':<18}{'STATE':<8}{'KB/S':>8}{'LAST MESSAGE':>16}{'BREAKS':>8}   channels: {states or 'none'}"
    last = {
        labels["connection"]: value for labels, value in now.get(f"{_OWN}connection_last_message_timestamp_seconds", ())
    }
    rows = sorted(now.get(f"{_OWN}connection_up", ()), key=lambda row: (row[1], last.get(row[0]["connection"], 0.0)))
    for labels, up in rows[:CONNECTIONS]:
        name = labels["connection"]
        rate = _rate(before, now, f"{_OWN}connection_received_bytes_total", seconds, connection=name)
        breaks = _total(now, f"{_OWN}connection_breaks_total", lambda found, name=name: found["connection"] == name)  # type: ignore[misc]
        heard = humanize.ago(last.get(name), unix)
        yield f"{name:<18}{'open' if up else 'DOWN':<8}{rate / 1000:>8.1f}{heard:>16}{breaks:>8.0f}"
    if len(rows) > CONNECTIONS:
        yield f"and {len(rows) - CONNECTIONS} more"
    yield ""


def _rest(now: Samples) -> Iterator[str]:
    limits = {labels["account"]: value for labels, value in now.get(f"{_OWN}rest_budget_calls", ())}
    for labels, used in now.get(f"{_OWN}rest_budget_used_calls", ()):
        account = labels["account"]
        yield f"REST {account}: {used:.0f} of {limits.get(account, 0):.0f} calls of this hour"


def _devices(now: Samples, unix: float) -> Iterator[str]:
    kinds: dict[str, list[float]] = {}
    for labels, up in now.get("mist_device_up", ()):
        kinds.setdefault(labels.get("device_type", "?"), []).append(up)
    counts = ", ".join(
        f"{sum(ups):.0f} of {humanize.many(len(ups), _KINDS.get(kind, kind), _MANY.get(kind, ''))} up"
        for kind, ups in sorted(kinds.items())
    )
    yield ""
    yield f"DEVICES: {counts or 'none yet'}"
    names = {labels["mac"]: labels.get("name", "") for labels, _ in now.get("mist_device_info", ()) if "mac" in labels}
    seen = {labels["mac"]: value for labels, value in now.get("mist_device_last_seen_timestamp_seconds", ())}
    states = [(up, seen.get(labels["mac"], 0.0), labels) for labels, up in now.get("mist_device_up", ())]
    worst = sorted(states, key=lambda row: row[:2])[:WORST]
    if worst:
        yield f"{'WORST':<26}{'MAC':<14}{'TYPE':<10}{'STATE':<7}LAST SEEN"
    for up, at, labels in worst:
        mac, state = labels["mac"], "up" if up else "DOWN"
        heard = humanize.ago(at or None, unix)
        yield f"{names.get(mac, '')[:25]:<26}{mac:<14}{labels.get('device_type', ''):<10}{state:<7}{heard}"
