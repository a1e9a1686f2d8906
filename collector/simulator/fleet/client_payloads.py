"""Wi-Fi clients as Mist reports them: client models, WLANs, stream payloads, join and session events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.simulator.fleet.floor_presence import FloorPresence
from collector.simulator.fleet.primitives import TrafficCounters, mac_plus, uuid_of

if TYPE_CHECKING:
    from collector.simulator.fleet.ap import AccessPoint
    from collector.simulator.fleet.ap_radios import ApRadio
    from collector.simulator.fleet.context import FleetContext
    from collector.simulator.fleet.primitives import Payload
    from collector.simulator.fleet.sites import SimulatedSite

_TTL_S = 300
_NOISE_DBM = -93


@dataclass(frozen=True, kw_only=True)
class ClientModel:
    """A model of client; an empty field is one that Mist could not determine."""

    oui: str
    manufacture: str
    family: str
    model: str
    os: str
    os_version: str
    proto: str
    random_mac: bool = False


@dataclass(frozen=True, kw_only=True)
class Wlan:
    """A WLAN; `bands` are in the order of preference."""

    ssid: str
    key_mgmt: str
    vlan_id: str
    bands: tuple[str, ...]
    users: bool = False
    guest: bool = False
    group: str = ""


CLIENT_MODELS: tuple[ClientModel, ...] = (
    ClientModel(
        oui="3c22fb", manufacture="Apple", family="iPhone", model="15", os="iOS", os_version="17.4", proto="ax"
    ),
    ClientModel(
        oui="da0b1c",
        manufacture="Unknown",
        family="",
        model="",
        os="Android",
        os_version="14",
        proto="ax",
        random_mac=True,
    ),
    ClientModel(
        oui="a0cec8", manufacture="Intel", family="Windows", model="", os="Windows 11", os_version="", proto="be"
    ),
    ClientModel(oui="10521c", manufacture="Espressif Inc.", family="", model="", os="", os_version="", proto="n"),
    ClientModel(
        oui="ac3eb1", manufacture="Google", family="Chromebook", model="x2", os="ChromeOS", os_version="121", proto="ac"
    ),
)

WLANS: tuple[Wlan, ...] = (
    Wlan(ssid="Corp", key_mgmt="WPA3-EAP/CCMP", vlan_id="10", bands=("6", "5", "24"), users=True, group="staff"),
    Wlan(ssid="Café Gäste", key_mgmt="Open", vlan_id="", bands=("5", "24"), guest=True),
    Wlan(ssid='IoT "8"\\x', key_mgmt="WPA2-PSK/CCMP", vlan_id="8", bands=("24", "5"), group="iot"),
)


class ClientState:
    """Identity, association and counters of a client.

    Attributes:
        ap: The AP with which the client is associated, or None.
        radio: The radio of that AP, or None.
        since: Unix time of the association, at which its counters started.
        presence: Position on a floor, or None for a client that Mist cannot locate.
    """

    def __init__(self, context: FleetContext, site: SimulatedSite, ordinal: int) -> None:
        self.context, self.site, self.ordinal = context, site, ordinal
        self.model, self.wlan = CLIENT_MODELS[ordinal % len(CLIENT_MODELS)], WLANS[ordinal % 7 % len(WLANS)]
        self.mac = f"{self.model.oui}{(site.ordinal * 4096 + ordinal) % (1 << 24):06x}"
        self.wlan_id = uuid_of(context.plan.seed, "wlan", self.wlan.ssid)
        self.ap: AccessPoint | None = None
        self.radio: ApRadio | None = None
        self.since = 0.0
        self.rssi_dbm = -60.0
        self.rx_retries = self.tx_retries = 0
        self.presence = self._make_presence()
        self.traffic = TrafficCounters(site.rng.uniform(1e2, 2e4), site.rng.uniform(5e2, 8e4))

    @property
    def bssid(self) -> str:
        """BSSID of the association, "" without one."""
        return mac_plus(self.radio.mac, WLANS.index(self.wlan) + 1) if self.radio else ""

    def _make_presence(self) -> FloorPresence | None:
        """Return a position on a floor; None for every fourth client, which too few APs receive."""
        if self.ordinal % 4 == 3 or not self.site.maps:  # noqa: PLR2004 - every fourth
            return None
        floor = self.site.maps[self.ordinal % len(self.site.maps)]
        return FloorPresence(self.context, self.site, floor, {"type": "wifi", "mac": self.mac}, "client")


def frame_payload(client: ClientState, at: float) -> Payload:
    """Return the stream payload of an associated client. Every fifth client has the older field name tx_packets."""
    ap, radio, model, wlan = client.ap, client.radio, client.model, client.wlan
    if ap is None or radio is None:
        raise RuntimeError("a client without an association has no payload")
    rng = client.site.rng
    payload: Payload = {
        "mac": client.mac,
        "site_id": client.site.id,
        "ap_id": ap.id,
        "ap_mac": ap.mac,
        "bssid": client.bssid,
        "ssid": wlan.ssid,
        "wlan_id": client.wlan_id,
        "band": radio.profile.usage,
        "channel": radio.channel,
        "key_mgmt": wlan.key_mgmt,
        "username": f"user{client.ordinal}@example.com" if wlan.users else "",
        "hostname": _hostname(client),
        "ip": _ip(client),
        "manufacture": model.manufacture,
        "family": model.family,
        "model": model.model,
        "os": model.os,
        "os_version": model.os_version,
        "group": wlan.group,
        "vlan_id": wlan.vlan_id,
        "proto": model.proto,
        "rssi": int(client.rssi_dbm),
        "snr": int(client.rssi_dbm) - _NOISE_DBM,
        "idle_time": round(rng.random() * 20, 1),
        "tx_rate": rng.choice((6, 65.0, 173.3, 573.5)),
        "rx_rate": rng.choice((6, 54.0, 130.0)),
        **_counters(client),
        "dual_band": model.proto != "n",
        "power_saving": client.ordinal % 3 == 0,
        "is_guest": wlan.guest,
        "type": "client",
        "uptime": int(at - client.since),
        "assoc_time": int(client.since),
        "last_seen": int(at),
        "_ttl": _TTL_S,
    }
    if "PSK" in wlan.key_mgmt:
        payload["psk_id"] = uuid_of(client.context.plan.seed, "psk", client.ordinal % 4)
    return payload | _location(client, at) | (_guest_portal(client) if wlan.guest else {})


def join_event(client: ClientState, at: float) -> Payload:
    """Return the client-join event of an association; clients with a user name have fields that the schema lacks."""
    payload = _session(client, at) | {"timestamp": int(at)}
    if client.wlan.users:
        payload |= {
            "client_ip": _ip(client),
            "client_hostname": _hostname(client),
            "client_username": f"user{client.ordinal}@example.com",
        }
    return payload


def session_event(client: ClientState, at: float, reason: int, next_ap: str) -> Payload:
    """Return the client-sessions event of an association that ends at `at`."""
    model = client.model
    return _session(client, client.since) | {
        "client_family": model.family,
        "client_manufacture": model.manufacture,
        "client_model": model.model,
        "client_os": f"{model.os} {model.os_version}".strip(),
        "disconnect": int(at),
        "disconnect_float": round(at, 3),
        "duration": round(at - client.since, 6),
        "next_ap": next_ap,
        "termination_reason": reason,
        "timestamp": int(at),
    }


def _counters(client: ClientState) -> Payload:
    """Return the counters since the association."""
    traffic, packets = client.traffic, "packets" if client.ordinal % 5 == 0 else "pkts"
    return {
        f"tx_{packets}": traffic.tx_pkts,
        f"rx_{packets}": traffic.rx_pkts,
        "tx_bytes": traffic.tx_bytes,
        "rx_bytes": traffic.rx_bytes,
        "tx_retries": client.tx_retries,
        "rx_retries": client.rx_retries,
        "tx_bps": traffic.tx_bps,
        "rx_bps": traffic.rx_bps,
    }


def _session(client: ClientState, since: float) -> Payload:
    ap, radio, site = client.ap, client.radio, client.site
    if ap is None or radio is None:
        raise RuntimeError("a client without an association has no session")
    return {
        "mac": client.mac,
        "ap": ap.mac,
        "ap_name": ap.name,
        "band": radio.profile.usage,
        "bssid": client.bssid,
        "ssid": client.wlan.ssid,
        "wlan_id": client.wlan_id,
        "connect": int(since),
        "connect_float": round(since, 3),
        "rssi": int(client.rssi_dbm),
        "random_mac": client.model.random_mac,
        "org_id": site.org.id,
        "site_id": site.id,
        "site_name": site.name,
        "version": 2,
    }


def _location(client: ClientState, at: float) -> Payload:
    presence = client.presence
    if presence is None:
        return {"map_id": None, "num_locating_aps": 1}
    zones = [{"id": zone.id, "since": int(since)} for zone, since in presence.zones.items()]
    return (
        {
            "map_id": presence.floor.id,
            "x_m": presence.x_m,
            "y_m": presence.y_m,
            "num_locating_aps": 3,
            "accuracy": 4,
            "zones": zones,
        }
        | presence.pixels()
        | (_optional_services(client, at) if client.ordinal % 8 == 1 else {})
    )


def _optional_services(client: ClientState, at: float) -> Payload:
    """Return the fields of sites with virtual beacons, RSSI zones, WxLAN rules and an MDM."""
    seed, since = client.context.plan.seed, int(at) - 30
    return {
        "_id": uuid_of(seed, "record", client.mac),
        "vbeacons": [{"id": uuid_of(seed, "vbeacon", client.site.id), "since": since}],
        "rssizones": [{"id": uuid_of(seed, "rssizone", client.site.id), "since": since + 0.5}],
        "wxrule_id": uuid_of(seed, "wxrule"),
        "wxrule_usage": [{"tag_id": uuid_of(seed, "wxtag"), "usage": 42}],
        "airwatch": {"authorized": True},
        "airespace_ifname": "",
        "annotation": "unknown",
    }


def _guest_portal(client: ClientState) -> Payload:
    """Return the guest portal record that every second guest has."""
    if client.ordinal % 2:
        return {}
    since = int(client.since)
    return {
        "guest": {
            "authorized": True,
            "authorized_time": since,
            "authorized_expiring_time": since + 86_400,
            "auth_method": "passphrase",
            "minutes": 1440,
            "name": "Example Guest",
            "email": "guest@example.com",
            "company": "Example",
            "wlan_id": client.wlan_id,
            "ssid": client.wlan.ssid,
            "mac": client.mac,
            "ap_mac": client.ap.mac if client.ap else "",
            "random_mac": client.model.random_mac,
            "access_code_email": "",
            "field1": "field 1",
            "field2": "",
            "field3": "",
            "field4": "",
        }
    }


def _hostname(client: ClientState) -> str:
    return "" if client.model.random_mac else f"{client.model.family or 'thing'}-{client.ordinal}".lower()


def _ip(client: ClientState) -> str:
    return f"10.{200 + client.site.ordinal % 50}.{client.ordinal // 250 % 250}.{client.ordinal % 250 + 2}"
