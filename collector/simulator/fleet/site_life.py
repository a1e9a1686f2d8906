"""What happens at a site besides its devices: audits, authentications, probes, security alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.ids import uuid_of
from collector.simulator.fleet.world import HOUR_S, pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.clients import Client, Crowd
    from collector.simulator.fleet.messages import Payload
    from collector.simulator.fleet.world import World

_SLES = ("ap-availability", "capacity", "coverage", "roaming", "successful-connect", "throughput", "time-to-connect")


class SiteLife:
    """Says one of the topics of `_TOPICS`, at random, `site_events_per_hour` times an hour, until it is `over`."""

    def __init__(self, world: World, crowd: Crowd) -> None:
        self.world, self.crowd, self.site = world, crowd, crowd.site
        self.over = False

    def begin(self, at: float) -> None:
        """Put the next happening on the agenda."""
        wait_s = pause(self.site.rng, self.world.plan.site_events_per_hour, HOUR_S)
        if wait_s is not None:
            self.world.agenda.put(at + wait_s, self._happen)

    def where(self, at: float) -> Payload:
        """Return what all these events carry."""
        return {"org_id": self.site.org.id, "site_id": self.site.id, "timestamp": int(at)}

    def someone(self) -> Client | None:
        """Return a client that is associated, or None."""
        on_air = self.crowd.associated()
        return self.site.rng.choice(on_air) if on_air else None

    def fresh_id(self, what: str, at: float) -> str:
        """Return an id that nothing else has."""
        return uuid_of(self.world.plan.seed, what, self.site.id, at)

    def perhaps(self, share: float) -> bool:
        """Return True in that share of the cases."""
        return self.site.rng.random() < share

    def _happen(self, at: float) -> None:
        if self.over:
            return
        topic, say = self.site.rng.choice(_TOPICS)
        payload = say(self, at)
        if payload is not None and topic == "alarms":
            self.world.alarm(payload, at)
        elif payload is not None:
            self.world.event(topic, payload, at)
        self.begin(at)


def _audit(life: SiteLife, at: float) -> Payload:
    change = '{"radio_config": {"band_24": {"power": %d}}}'
    return life.where(at) | {
        "id": life.fresh_id("audit", at),
        "admin_name": "Jane Doe jane@example.com",
        "message": 'Update Site Settings "café"',
        "before": change % 10,
        "after": change % 12,
        "src_ip": "192.0.2.200",
        "site_name": life.site.name,
        "user_agent": "Mozilla/5.0",
        "timestamp": round(at, 6),
    }


def _org_audit(life: SiteLife, at: float) -> Payload:
    audit = _audit(life, at) | {"message": 'Login with Role "admin"'}
    return {key: value for key, value in audit.items() if key not in ("site_id", "site_name", "before", "after")}


def _client_info(life: SiteLife, at: float) -> Payload | None:
    client = life.someone()
    if client is None or not client.known:
        return None
    return life.where(at) | {"mac": client.mac, "ip": client.known["ip"], "hostname": client.known["hostname"]}


def _nac_event(life: SiteLife, at: float) -> Payload | None:
    client = life.someone()
    if client is None or client.ap is None:
        return None
    permitted = life.perhaps(0.8)
    return life.where(at) | {
        "type": "NAC_CLIENT_PERMIT" if permitted else "NAC_CLIENT_DENY",
        "auth_type": life.site.rng.choice(("eap-tls", "eap-ttls", "mab")),
        "client_type": "wireless",
        "nas_vendor": "juniper-mist",
        "nacrule_matched": permitted,
        "nacrule_id": uuid_of(life.world.plan.seed, "nacrule"),
        "idp_role": ["staff", "vip"],
        "resp_attrs": ["Tunnel-Type=VLAN", "Tunnel-Private-Group-Id=750"],
        "vlan": "750",
        "mac": client.mac,
        "ap": client.ap.mac,
        "bssid": client.bssid,
        "ssid": client.wlan.ssid,
        "username": "user@example.com",
        "random_mac": "true" if client.make.random_mac else False,
        "session_id": life.fresh_id("nac", at),
        "timestamp": round(at, 6),
    }


def _nac_accounting(life: SiteLife, at: float) -> Payload | None:
    client = life.someone()
    if client is None or client.ap is None:
        return None
    stop = life.perhaps(0.5)
    said = life.where(at) | {
        "type": "NAC_ACCOUNTING_STOP" if stop else "NAC_ACCOUNTING_START",
        "auth_type": "eap-tls",
        "client_type": "wireless",
        "nas_vendor": "juniper-mist",
        "mac": client.mac,
        "ap": client.ap.mac,
        "bssid": client.bssid,
        "ssid": client.wlan.ssid,
        "username": "user@example.com",
        "session_id": life.fresh_id("accounting", at),
        "timestamp": int(at * 1000),  # milliseconds, as captured in 2026
    }
    ended = {
        "rx_bytes": client.traffic.rx_bytes,
        "tx_bytes": client.traffic.tx_bytes,
        "rx_pkts": client.traffic.rx_pkts,
        "tx_pkts": client.traffic.tx_pkts,
        "client_ip": "192.0.2.87",
        "session_duration_in_mins": 12,
        "terminate_cause": "Idle-Timeout",
        "timestamp": round(at, 2),
    }
    return said | ended if stop else said


def _guest(life: SiteLife, at: float) -> Payload | None:
    client = life.someone()
    if client is None or client.ap is None:
        return None
    said = {
        "client": client.mac,
        "ap": client.ap.mac,
        "ssid": client.wlan.ssid,
        "wlan_id": client.wlan_id,
        "auth_method": life.site.rng.choice(("passphrase", "email", "sms")),
        "authorized_time": int(at),
        "authorized_expiring_time": int(at) + 3600,
        "name": "Example Guest",
        "email": "guest@example.com",
        "company": "Example",
    }
    return said | {"org_id": life.site.org.id, "site_id": life.site.id}


def _application(life: SiteLife, at: float) -> Payload:
    return life.where(at) | {
        "probe_name": "www.example.com",
        "probe_type": "application",
        "test_type": "curl",
        "success": life.perhaps(0.9),
        "latency": int(life.site.rng.uniform(10, 200)),
        "device_mac": life.crowd.aps[0].mac if life.crowd.aps else "5c5b35000001",
        "ip": "203.0.113.195",
        "src_ip": "192.0.2.136",
        "vlan": 1,
    }


def _reachability(life: SiteLife, at: float) -> Payload:
    latency = life.site.rng.uniform(5, 60)
    return life.where(at) | {
        "probe_name": "dns ping",
        "probe_type": "reachability",
        "probe_target": "dns.example.com",
        "protocol": "icmp",
        "test_type": "ping",
        "avg_latency": round(latency, 1),
        "min_latency": round(latency * 0.8, 1),
        "max_latency": round(latency * 1.3, 1),
        "loss_percentage": 0.0,
        "device_mac": life.crowd.aps[0].mac if life.crowd.aps else "5c5b35000001",
        "vlan": 12,
        "timestamp": round(at, 2),
    }


def _latency(life: SiteLife, at: float) -> Payload:
    said: Payload = life.where(at)
    for what, usual_s in (("auth", 0.17), ("dhcp", 0.018), ("dns", 0.024)):
        average = usual_s * life.site.rng.uniform(0.5, 2)
        said |= {f"avg_{what}": average, f"min_{what}": average * 0.9, f"max_{what}": average * 1.2}
    return said


def _sle(life: SiteLife, at: float) -> Payload:
    return life.where(at) | {"sle": {name: round(life.site.rng.uniform(0.6, 1.0), 3) for name in _SLES}}


def _security(life: SiteLife, at: float) -> Payload:
    kind, severity = life.site.rng.choice(
        (("rogue_ap", "critical"), ("honeypot_ssid", "info"), ("adhoc_network", "warn"))
    )
    return life.where(at) | {
        "id": life.fresh_id("alarm", at),
        "type": kind,
        "group": "security",
        "severity": severity,
        "count": 3,
        "aps": [ap.mac for ap in life.crowd.aps[:2]],
        "hostnames": [ap.name for ap in life.crowd.aps[:2]],
        "bssids": ["00024a00310c", "c03f0e76fe91"],
        "ssids": ["qwerty", "Café"],
        "last_seen": int(at),
    }


def _marvis(life: SiteLife, at: float) -> Payload:
    solved = life.perhaps(0.5)
    said = life.where(at) | {
        "id": life.fresh_id("alarm", at),
        "type": life.site.rng.choice(("bad_cable", "ap_offline", "dhcp_failure", "port_flap")),
        "group": "marvis",
        "severity": "critical",
        "category": "switch",
        "status": "resolved" if solved else "open",
        "count": 1,
        "details": {"port_ids": ["ge-0/0/3"], "action": "check the cable"},
        "impacted_entities": [{"entity_type": "switch", "entity_name": "access", "entity_mac": "20d80b000001"}],
        "last_seen": "2026-01-02T03:04:05Z",
    }
    return said | {"resolved_time": "2026-01-02T04:04:05Z"} if solved else said


_TOPICS: tuple[tuple[str, Callable[[SiteLife, float], Payload | None]], ...] = (
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
