"""Webhook events about devices, as Mist words them: an AP is named by `ap`, others by `mac`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.event_tables import ALARM_LIST, ALARMS, HAPPENINGS, MXEDGE_TYPES, UPDOWN_PREFIX, WEIGHTS
from collector.simulator.fleet.ids import uuid_of

if TYPE_CHECKING:
    from collector.simulator.fleet.device import Device
    from collector.simulator.fleet.event_tables import Happening
    from collector.simulator.fleet.messages import Payload

_BOOT_REASONS = ("power_cycle", "upgrade", "restart_by_user", "unknown")


def updown(device: Device, what: str, at: float) -> None:
    """Tell that a device is DISCONNECTED, CONNECTED or RESTARTED: in device-updowns, device-events and as an alarm."""
    if device.kind == "mxedge":
        _mxedge_event(device, f"ME_{what}", {}, at)
        return
    happened = f"{UPDOWN_PREFIX[device.kind]}_{what}"
    timestamp = device.moment(happened, at)
    device.world.event("device-updowns", _updown_payload(device, happened, timestamp), at)
    extra: Payload = {"reason": device.rng.choice(_BOOT_REASONS)} if what == "RESTARTED" else {}
    ev_type = "WARN" if what == "DISCONNECTED" else "NOTICE"
    device.world.event(
        "device-events", _named(device) | {"type": happened, "ev_type": ev_type, "timestamp": timestamp} | extra, at
    )
    raise_alarm(device, what, at)


def assigned(device: Device, what: str, at: float) -> None:
    """Tell that a device was ASSIGNED to a site, UNASSIGNED from it, CLAIMED by the org or UNCLAIMED."""
    if device.kind == "mxedge":
        _mxedge_event(device, f"ME_{what}", {"audit_id": _audit(device, what, at)}, at)
        return
    happened = f"{UPDOWN_PREFIX[device.kind]}_{what}"
    payload = _named(device) | {
        "type": happened,
        "timestamp": device.moment(happened, at),
        "audit_id": _audit(device, what, at),
        "text": f"{device.kind} {device.mac} {what.lower()}",
    }
    device.world.event("device-events", payload, at)


def happen(device: Device, at: float) -> None:
    """Let one of the everyday events of this kind of device happen."""
    if device.kind == "mxedge":
        happened, extra = device.rng.choice(MXEDGE_TYPES)
        _mxedge_event(device, happened, extra, at)
        return
    row = device.rng.choices(HAPPENINGS[device.kind], WEIGHTS[device.kind])[0]
    device.world.event("device-events", _happening(device, row, at), at)


def port_changed(device: Device, port_id: str, at: float, *, up: bool) -> None:
    """Tell that a port changed its link; switches and gateways quote their trap."""
    happened = f"{UPDOWN_PREFIX[device.kind]}_PORT_{'UP' if up else 'DOWN'}"
    state = "up(1)" if up else "down(2)"
    admin = f"ifIndex 515, ifAdminStatus up(1), ifOperStatus {state}, ifName {port_id}"
    trap = f"SNMP_TRAP_LINK_{'UP' if up else 'DOWN'}: {admin}"
    payload = _named(device) | {
        "type": happened,
        "ev_type": "NOTICE" if up else "WARN",
        "timestamp": device.moment(happened, at),
        "port_id": port_id,
        "model": device.model,
        "version": device.version,
    }
    if device.kind != "ap":
        payload["text"] = trap
    device.world.event("device-events", payload, at)


def raise_alarm(device: Device, what: str, at: float) -> None:
    """Raise the infrastructure alarm for what happened; one that may repeat comes again as an update of the same id."""
    kind, severity = ALARMS[what][device.kind]
    alarm: Payload = {
        "id": uuid_of(device.world.plan.seed, "alarm", device.mac, what, device.world.next_offset()),
        "type": kind,
        "group": "infrastructure",
        "severity": severity,
        "count": 1,
        ALARM_LIST[device.kind]: [device.mac],
        "hostnames": [device.name],
        "org_id": device.org.id,
        "site_id": device.site.id,
        "timestamp": int(at),
        "last_seen": int(at),
    }
    device.world.alarm(alarm, at)


def _named(device: Device) -> Payload:
    named: Payload = {
        "org_id": device.org.id,
        "site_id": device.site.id,
        "site_name": device.site.name,
        "mac": device.mac,
        "device_name": device.name,
        "device_type": device.kind,
    }
    if device.kind == "ap":
        named |= {"ap": device.mac, "ap_name": device.name}
    return named


def _updown_payload(device: Device, happened: str, timestamp: float) -> Payload:
    payload: Payload = {
        "org_id": device.org.id,
        "site_id": device.site.id,
        "site_name": device.site.name,
        "type": happened,
        "timestamp": timestamp,
    }
    if device.kind == "ap":
        return payload | {"ap": device.mac, "ap_name": device.name}
    return payload | {"mac": device.mac, "device_name": device.name, "device_type": device.kind}


def _happening(device: Device, row: Happening, at: float) -> Payload:
    timestamp = device.moment(row.type, at)
    payload = _named(device)
    if row.bare:  # the old form, still seen: only the AP and the place
        for key in ("mac", "device_name", "device_type", "site_name", "ap_name"):
            payload.pop(key, None)
    payload |= {"type": row.type, "timestamp": timestamp + 0.073 if row.fractional else timestamp}
    payload |= {
        key: value for key, value in (("ev_type", row.ev_type), ("reason", row.reason), ("text", row.text)) if value
    }
    if row.audited:
        payload["audit_id"] = _audit(device, row.type, at)
    return payload | row.extra | device.effect_of(row.type)


def _mxedge_event(device: Device, happened: str, extra: Payload, at: float) -> None:
    payload: Payload = {
        "type": happened,
        "org_id": device.org.id,
        "mxedge_id": device.id,
        "mxedge_name": device.name,
        "component": None,
        "timestamp": device.moment(happened, at) + 0.25,
    }
    device.world.event("mxedge-events", payload | extra, at)


def _audit(device: Device, what: str, at: float) -> str:
    return uuid_of(device.world.plan.seed, "audit", device.mac, what, at)
