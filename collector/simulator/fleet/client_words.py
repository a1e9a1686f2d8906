"""How Mist words what it knows of a Wi-Fi client: stream frames, joins and session ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.ids import uuid_of

if TYPE_CHECKING:
    from collector.simulator.fleet.clients import Client
    from collector.simulator.fleet.messages import Payload

_TTL_S = 300
_NOISE_DBM = -93


def frame_of(client: Client, at: float) -> Payload:
    """Return a client's record as the stream carries it; every fifth client speaks the older dialect (tx_packets)."""
    ap, radio, make, wlan = client.ap, client.radio, client.make, client.wlan
    if ap is None or radio is None:
        raise RuntimeError("a client that is not associated has nothing to say")
    rng = client.crowd.site.rng
    frame: Payload = {
        "mac": client.mac,
        "site_id": client.crowd.site.id,
        "ap_id": ap.id,
        "ap_mac": ap.mac,
        "bssid": client.bssid,
        "ssid": wlan.ssid,
        "wlan_id": client.wlan_id,
        "band": radio.plan.usage,
        "channel": radio.channel,
        "key_mgmt": wlan.key_mgmt,
        "username": f"user{client.ordinal}@example.com" if wlan.users else "",
        "hostname": _hostname(client),
        "ip": _ip(client),
        "manufacture": make.manufacture,
        "family": make.family,
        "model": make.model,
        "os": make.os,
        "os_version": make.os_version,
        "group": wlan.group,
        "vlan_id": wlan.vlan_id,
        "proto": make.proto,
        "rssi": int(client.rssi_dbm),
        "snr": int(client.rssi_dbm) - _NOISE_DBM,
        "idle_time": round(rng.random() * 20, 1),
        "tx_rate": rng.choice((6, 65.0, 173.3, 573.5)),
        "rx_rate": rng.choice((6, 54.0, 130.0)),
        **_counts(client),
        "dual_band": make.proto != "n",
        "power_saving": client.ordinal % 3 == 0,
        "is_guest": wlan.guest,
        "type": "client",
        "uptime": int(at - client.since),
        "assoc_time": int(client.since),
        "last_seen": int(at),
        "_ttl": _TTL_S,
    }
    if "PSK" in wlan.key_mgmt:
        frame["psk_id"] = uuid_of(client.crowd.world.plan.seed, "psk", client.ordinal % 4)
    return frame | _whereabouts(client, at) | (_guest(client) if wlan.guest else {})


def _counts(client: Client) -> Payload:
    """Return what was sent and received since the association, with the packets named as the client's dialect does."""
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


def join_event(client: Client, at: float) -> Payload:
    """Return the client-join event of an association; those with a user name carry what the schema does not list."""
    named = _session(client, at) | {"timestamp": int(at)}
    if client.wlan.users:
        named |= {
            "client_ip": _ip(client),
            "client_hostname": _hostname(client),
            "client_username": f"user{client.ordinal}@example.com",
        }
    return named


def session_event(client: Client, at: float, reason: int, next_ap: str) -> Payload:
    """Return the client-sessions event of an association that ends."""
    make = client.make
    return _session(client, client.since) | {
        "client_family": make.family,
        "client_manufacture": make.manufacture,
        "client_model": make.model,
        "client_os": f"{make.os} {make.os_version}".strip(),
        "disconnect": int(at),
        "disconnect_float": round(at, 3),
        "duration": round(at - client.since, 6),
        "next_ap": next_ap,
        "termination_reason": reason,
        "timestamp": int(at),
    }


def _session(client: Client, since: float) -> Payload:
    ap, radio, site = client.ap, client.radio, client.crowd.site
    if ap is None or radio is None:
        raise RuntimeError("a client that is not associated has no session")
    return {
        "mac": client.mac,
        "ap": ap.mac,
        "ap_name": ap.name,
        "band": radio.plan.usage,
        "bssid": client.bssid,
        "ssid": client.wlan.ssid,
        "wlan_id": client.wlan_id,
        "connect": int(since),
        "connect_float": round(since, 3),
        "rssi": int(client.rssi_dbm),
        "random_mac": client.make.random_mac,
        "org_id": site.org.id,
        "site_id": site.id,
        "site_name": site.name,
        "version": 2,
    }


def _whereabouts(client: Client, at: float) -> Payload:
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
        | (_presence(client, at) if client.ordinal % 8 == 1 else {})
    )


def _presence(client: Client, at: float) -> Payload:
    """Return what sites with virtual beacons, RSSI zones, WxLAN rules and an MDM add."""
    seed, since = client.crowd.world.plan.seed, int(at) - 30
    return {
        "_id": uuid_of(seed, "record", client.mac),
        "vbeacons": [{"id": uuid_of(seed, "vbeacon", client.crowd.site.id), "since": since}],
        "rssizones": [{"id": uuid_of(seed, "rssizone", client.crowd.site.id), "since": since + 0.5}],
        "wxrule_id": uuid_of(seed, "wxrule"),
        "wxrule_usage": [{"tag_id": uuid_of(seed, "wxtag"), "usage": 42}],
        "airwatch": {"authorized": True},
        "airespace_ifname": "",
        "annotation": "unknown",
    }


def _guest(client: Client) -> Payload:
    """Return the portal's record of a guest, on some of them."""
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
            "random_mac": client.make.random_mac,
            "access_code_email": "",
            "field1": "field 1",
            "field2": "",
            "field3": "",
            "field4": "",
        }
    }


def _hostname(client: Client) -> str:
    return "" if client.make.random_mac else f"{client.make.family or 'thing'}-{client.ordinal}".lower()


def _ip(client: Client) -> str:
    return f"10.{200 + client.crowd.site.ordinal % 50}.{client.ordinal // 250 % 250}.{client.ordinal % 250 + 2}"
