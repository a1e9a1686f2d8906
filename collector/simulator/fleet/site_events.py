"""Webhook events of a site other than device events: audits, authentications, probes, security alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.context import HOUR_S
from collector.simulator.fleet.primitives import random_interval_s, uuid_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.clients import SiteClients, WirelessClient
    from collector.simulator.fleet.context import FleetContext
    from collector.simulator.fleet.primitives import Payload

_SLES = ("ap-availability", "capacity", "coverage", "roaming", "successful-connect", "throughput", "time-to-connect")


class SiteEventSource:
    """Sends a random event of `_EVENTS` `site_events_per_hour` times an hour, until it is `stopped`."""

    def __init__(self, context: FleetContext, clients: SiteClients) -> None:
        self.context, self.clients, self.site = context, clients, clients.site
        self.stopped = False

    def schedule_next(self, at: float) -> None:
        """Schedule the next event."""
        wait_s = random_interval_s(self.site.rng, self.context.plan.site_events_per_hour, HOUR_S)
        if wait_s is not None:
            self.context.schedule.call_at(at + wait_s, self._send_random_event)

    def base_fields(self, at: float) -> Payload:
        """Return the fields that all of these events have."""
        return {"org_id": self.site.org.id, "site_id": self.site.id, "timestamp": int(at)}

    def random_client(self) -> WirelessClient | None:
        """Return an associated client, or None without one."""
        associated = self.clients.associated()
        return self.site.rng.choice(associated) if associated else None

    def unique_id(self, name: str, at: float) -> str:
        """Return an id that no other event has."""
        return uuid_of(self.context.plan.seed, name, self.site.id, at)

    def happens(self, probability: float) -> bool:
        """Return True with this probability."""
        return self.site.rng.random() < probability

    def _send_random_event(self, at: float) -> None:
        if self.stopped:
            return
        topic, make = self.site.rng.choice(_EVENTS)
        payload = make(self, at)
        if payload is not None and topic == "alarms":
            self.context.send_alarm(payload, at)
        elif payload is not None:
            self.context.send_event(topic, payload, at)
        self.schedule_next(at)


def _audit(source: SiteEventSource, at: float) -> Payload:
    change = '{"radio_config": {"band_24": {"power": %d}}}'
    return source.base_fields(at) | {
        "id": source.unique_id("audit", at),
        "admin_name": "Jane Doe jane@example.com",
        "message": 'Update Site Settings "café"',
        "before": change % 10,
        "after": change % 12,
        "src_ip": "192.0.2.200",
        "site_name": source.site.name,
        "user_agent": "Mozilla/5.0",
        "timestamp": round(at, 6),
    }


def _org_audit(source: SiteEventSource, at: float) -> Payload:
    audit = _audit(source, at) | {"message": 'Login with Role "admin"'}
    return {key: value for key, value in audit.items() if key not in ("site_id", "site_name", "before", "after")}


def _client_info(source: SiteEventSource, at: float) -> Payload | None:
    client = source.random_client()
    if client is None or not client.last_payload:
        return None
    payload = client.last_payload
    return source.base_fields(at) | {"mac": client.mac, "ip": payload["ip"], "hostname": payload["hostname"]}


def _nac_event(source: SiteEventSource, at: float) -> Payload | None:
    client = source.random_client()
    if client is None or client.ap is None:
        return None
    permitted = source.happens(0.8)
    return source.base_fields(at) | {
        "type": "NAC_CLIENT_PERMIT" if permitted else "NAC_CLIENT_DENY",
        "auth_type": source.site.rng.choice(("eap-tls", "eap-ttls", "mab")),
        "client_type": "wireless",
        "nas_vendor": "juniper-mist",
        "nacrule_matched": permitted,
        "nacrule_id": uuid_of(source.context.plan.seed, "nacrule"),
        "idp_role": ["staff", "vip"],
        "resp_attrs": ["Tunnel-Type=VLAN", "Tunnel-Private-Group-Id=750"],
        "vlan": "750",
        "mac": client.mac,
        "ap": client.ap.mac,
        "bssid": client.bssid,
        "ssid": client.wlan.ssid,
        "username": "user@example.com",
        "random_mac": "true" if client.model.random_mac else False,
        "session_id": source.unique_id("nac", at),
        "timestamp": round(at, 6),
    }


def _nac_accounting(source: SiteEventSource, at: float) -> Payload | None:
    client = source.random_client()
    if client is None or client.ap is None:
        return None
    stop = source.happens(0.5)
    payload = source.base_fields(at) | {
        "type": "NAC_ACCOUNTING_STOP" if stop else "NAC_ACCOUNTING_START",
        "auth_type": "eap-tls",
        "client_type": "wireless",
        "nas_vendor": "juniper-mist",
        "mac": client.mac,
        "ap": client.ap.mac,
        "bssid": client.bssid,
        "ssid": client.wlan.ssid,
        "username": "user@example.com",
        "session_id": source.unique_id("accounting", at),
        "timestamp": int(at * 1000),  # milliseconds, as captured in 2026
    }
    totals = {
        "rx_bytes": client.traffic.rx_bytes,
        "tx_bytes": client.traffic.tx_bytes,
        "rx_pkts": client.traffic.rx_pkts,
        "tx_pkts": client.traffic.tx_pkts,
        "client_ip": "192.0.2.87",
        "session_duration_in_mins": 12,
        "terminate_cause": "Idle-Timeout",
        "timestamp": round(at, 2),
    }
    return payload | totals if stop else payload


def _guest(source: SiteEventSource, at: float) -> Payload | None:
    client = source.random_client()
    if client is None or client.ap is None:
        return None
    payload = {
        "client": client.mac,
        "ap": client.ap.mac,
        "ssid": client.wlan.ssid,
        "wlan_id": client.wlan_id,
        "auth_method": source.site.rng.choice(("passphrase", "email", "sms")),
        "authorized_time": int(at),
        "authorized_expiring_time": int(at) + 3600,
        "name": "Example Guest",
        "email": "guest@example.com",
        "company": "Example",
    }
    return payload | {"org_id": source.site.org.id, "site_id": source.site.id}


def _application(source: SiteEventSource, at: float) -> Payload:
    return source.base_fields(at) | {
        "probe_name": "www.example.com",
        "probe_type": "application",
        "test_type": "curl",
        "success": source.happens(0.9),
        "latency": int(source.site.rng.uniform(10, 200)),
        "device_mac": source.clients.aps[0].mac if source.clients.aps else "5c5b35000001",
        "ip": "203.0.113.195",
        "src_ip": "192.0.2.136",
        "vlan": 1,
    }


def _reachability(source: SiteEventSource, at: float) -> Payload:
    latency = source.site.rng.uniform(5, 60)
    return source.base_fields(at) | {
        "probe_name": "dns ping",
        "probe_type": "reachability",
        "probe_target": "dns.example.com",
        "protocol": "icmp",
        "test_type": "ping",
        "avg_latency": round(latency, 1),
        "min_latency": round(latency * 0.8, 1),
        "max_latency": round(latency * 1.3, 1),
        "loss_percentage": 0.0,
        "device_mac": source.clients.aps[0].mac if source.clients.aps else "5c5b35000001",
        "vlan": 12,
        "timestamp": round(at, 2),
    }


def _latency(source: SiteEventSource, at: float) -> Payload:
    payload: Payload = source.base_fields(at)
    for name, usual_s in (("auth", 0.17), ("dhcp", 0.018), ("dns", 0.024)):
        average = usual_s * source.site.rng.uniform(0.5, 2)
        payload |= {f"avg_{name}": average, f"min_{name}": average * 0.9, f"max_{name}": average * 1.2}
    return payload


def _sle(source: SiteEventSource, at: float) -> Payload:
    return source.base_fields(at) | {"sle": {name: round(source.site.rng.uniform(0.6, 1.0), 3) for name in _SLES}}


def _security(source: SiteEventSource, at: float) -> Payload:
    kind, severity = source.site.rng.choice(
        (("rogue_ap", "critical"), ("honeypot_ssid", "info"), ("adhoc_network", "warn"))
    )
    return source.base_fields(at) | {
        "id": source.unique_id("alarm", at),
        "type": kind,
        "group": "security",
        "severity": severity,
        "count": 3,
        "aps": [ap.mac for ap in source.clients.aps[:2]],
        "hostnames": [ap.name for ap in source.clients.aps[:2]],
        "bssids": ["00024a00310c", "c03f0e76fe91"],
        "ssids": ["qwerty", "Café"],
        "last_seen": int(at),
    }


def _marvis(source: SiteEventSource, at: float) -> Payload:
    resolved = source.happens(0.5)
    payload = source.base_fields(at) | {
        "id": source.unique_id("alarm", at),
        "type": source.site.rng.choice(("bad_cable", "ap_offline", "dhcp_failure", "port_flap")),
        "group": "marvis",
        "severity": "critical",
        "category": "switch",
        "status": "resolved" if resolved else "open",
        "count": 1,
        "details": {"port_ids": ["ge-0/0/3"], "action": "check the cable"},
        "impacted_entities": [{"entity_type": "switch", "entity_name": "access", "entity_mac": "20d80b000001"}],
        "last_seen": "2026-01-02T03:04:05Z",
    }
    return payload | {"resolved_time": "2026-01-02T04:04:05Z"} if resolved else payload


_EVENTS: tuple[tuple[str, Callable[[SiteEventSource, float], Payload | None]], ...] = (
    ("audits", _audit),
    ("audits", _org_audit),
    ("client-info", _client_info),
    ("nac-events", _nac_event),
    ("nac-accounting", _nac_accounting),
    ("guest-authorizations", _guest),
    ("minis-application", _application),
    ("minis-reachability", _reachability),
    ("client-latency", _latency),
    ("site-sle", _sle),
    ("alarms", _security),
    ("alarms", _marvis),
)
