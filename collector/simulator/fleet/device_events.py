"""Webhook events about devices, in the format of Mist: an AP is identified by `ap`, other devices by `mac`."""

from __future__ import annotations

from abc import ABC
from random import Random
from typing import TYPE_CHECKING, ClassVar

from collector.simulator.fleet.device_event_types import (
    ALARM_DEVICE_LISTS,
    ALARMS,
    DEVICE_EVENT_TYPES,
    EVENT_WEIGHTS,
    MXEDGE_EVENT_TYPES,
)
from collector.simulator.fleet.primitives import device_id, uuid_of

if TYPE_CHECKING:
    from collector.simulator.fleet.context import FleetContext
    from collector.simulator.fleet.device_event_types import DeviceEventType
    from collector.simulator.fleet.primitives import Payload
    from collector.simulator.fleet.sites import SimulatedOrg, SimulatedSite

_BOOT_REASONS = ("power_cycle", "upgrade", "restart_by_user", "unknown")


class DeviceEventSource(ABC):
    """Identity of a device, and the webhook events and alarms about it.

    Attributes:
        kind: Type of the device in REST and webhooks: "ap", "switch", "gateway" or "mxedge".
        prefix: Prefix of its event types.
        rng: Source of randomness of this device, seeded with its MAC address.
    """

    kind: ClassVar[str]
    prefix: ClassVar[str]

    def __init__(self, context: FleetContext, org: SimulatedOrg, site: SimulatedSite, mac: str, name: str) -> None:
        self.context, self.org, self.site, self.mac, self.name = context, org, site, mac, name
        self.id = device_id(mac)
        self.rng = Random(f"{context.plan.seed}/{mac}")
        self.model = self.version = self.serial = ""
        self._last_timestamps: dict[str, int] = {}

    def apply_event(self, event_type: str) -> Payload:  # noqa: ARG002 - most devices change nothing
        """Apply the effect of a random event to the device; return the event fields that describe the change."""
        return {}

    def send_connection_event(self, change: str, at: float) -> None:
        """Send DISCONNECTED, CONNECTED or RESTARTED in device-updowns and device-events, and the alarm for it."""
        if self.kind == "mxedge":
            self._send_mxedge_event(f"ME_{change}", {}, at)
            return
        event_type = f"{self.prefix}_{change}"
        timestamp = self._unique_timestamp(event_type, at)
        self.context.send_event("device-updowns", self._updown_payload(event_type, timestamp), at)
        extra: Payload = {"reason": self.rng.choice(_BOOT_REASONS)} if change == "RESTARTED" else {}
        ev_type = "WARN" if change == "DISCONNECTED" else "NOTICE"
        payload = self._identity() | {"type": event_type, "ev_type": ev_type, "timestamp": timestamp} | extra
        self.context.send_event("device-events", payload, at)
        self._send_alarm(change, at)

    def send_assignment_event(self, change: str, at: float) -> None:
        """Send ASSIGNED, UNASSIGNED (to or from a site), CLAIMED or UNCLAIMED (by the org)."""
        if self.kind == "mxedge":
            self._send_mxedge_event(f"ME_{change}", {"audit_id": self._audit_id(change, at)}, at)
            return
        event_type = f"{self.prefix}_{change}"
        payload = self._identity() | {
            "type": event_type,
            "timestamp": self._unique_timestamp(event_type, at),
            "audit_id": self._audit_id(change, at),
            "text": f"{self.kind} {self.mac} {change.lower()}",
        }
        self.context.send_event("device-events", payload, at)

    def send_port_event(self, port_id: str, at: float, *, up: bool) -> None:
        """Send PORT_UP or PORT_DOWN; events of switches and gateways quote the SNMP trap."""
        event_type = f"{self.prefix}_PORT_{'UP' if up else 'DOWN'}"
        payload = self._identity() | {
            "type": event_type,
            "ev_type": "NOTICE" if up else "WARN",
            "timestamp": self._unique_timestamp(event_type, at),
            "port_id": port_id,
            "model": self.model,
            "version": self.version,
        }
        if self.kind != "ap":
            state = "up(1)" if up else "down(2)"
            admin = f"ifIndex 515, ifAdminStatus up(1), ifOperStatus {state}, ifName {port_id}"
            payload["text"] = f"SNMP_TRAP_LINK_{'UP' if up else 'DOWN'}: {admin}"
        self.context.send_event("device-events", payload, at)

    def send_random_event(self, at: float) -> None:
        """Send a random event of the types that this kind of device has."""
        if self.kind == "mxedge":
            event_type, extra = self.rng.choice(MXEDGE_EVENT_TYPES)
            self._send_mxedge_event(event_type, extra, at)
            return
        row = self.rng.choices(DEVICE_EVENT_TYPES[self.kind], EVENT_WEIGHTS[self.kind])[0]
        self.context.send_event("device-events", self._event_payload(row, at), at)

    def _unique_timestamp(self, event_type: str, at: float) -> int:
        """Return a timestamp in whole seconds that no earlier event of this type has: it is the event's identity."""
        timestamp = max(int(at), self._last_timestamps.get(event_type, 0) + 1)
        self._last_timestamps[event_type] = timestamp
        return timestamp

    def _identity(self) -> Payload:
        identity: Payload = {
            "org_id": self.org.id,
            "site_id": self.site.id,
            "site_name": self.site.name,
            "mac": self.mac,
            "device_name": self.name,
            "device_type": self.kind,
        }
        if self.kind == "ap":
            identity |= {"ap": self.mac, "ap_name": self.name}
        return identity

    def _updown_payload(self, event_type: str, timestamp: float) -> Payload:
        payload: Payload = {
            "org_id": self.org.id,
            "site_id": self.site.id,
            "site_name": self.site.name,
            "type": event_type,
            "timestamp": timestamp,
        }
        if self.kind == "ap":
            return payload | {"ap": self.mac, "ap_name": self.name}
        return payload | {"mac": self.mac, "device_name": self.name, "device_type": self.kind}

    def _event_payload(self, row: DeviceEventType, at: float) -> Payload:
        timestamp = self._unique_timestamp(row.type, at)
        payload = self._identity()
        if row.minimal:
            for key in ("mac", "device_name", "device_type", "site_name", "ap_name"):
                payload.pop(key, None)
        payload |= {"type": row.type, "timestamp": timestamp + 0.073 if row.fractional else timestamp}
        payload |= {
            key: value for key, value in (("ev_type", row.ev_type), ("reason", row.reason), ("text", row.text)) if value
        }
        if row.audited:
            payload["audit_id"] = self._audit_id(row.type, at)
        return payload | row.extra | self.apply_event(row.type)

    def _send_mxedge_event(self, event_type: str, extra: Payload, at: float) -> None:
        payload: Payload = {
            "type": event_type,
            "org_id": self.org.id,
            "mxedge_id": self.id,
            "mxedge_name": self.name,
            "component": None,
            "timestamp": self._unique_timestamp(event_type, at) + 0.25,
        }
        self.context.send_event("mxedge-events", payload | extra, at)

    def _send_alarm(self, change: str, at: float) -> None:
        """Send the infrastructure alarm for a change of the connection."""
        alarm_type, severity = ALARMS[change][self.kind]
        alarm: Payload = {
            "id": uuid_of(self.context.plan.seed, "alarm", self.mac, change, self.context.next_offset()),
            "type": alarm_type,
            "group": "infrastructure",
            "severity": severity,
            "count": 1,
            ALARM_DEVICE_LISTS[self.kind]: [self.mac],
            "hostnames": [self.name],
            "org_id": self.org.id,
            "site_id": self.site.id,
            "timestamp": int(at),
            "last_seen": int(at),
        }
        self.context.send_alarm(alarm, at)

    def _audit_id(self, change: str, at: float) -> str:
        return uuid_of(self.context.plan.seed, "audit", self.mac, change, at)
