"""Components that only some access points have: mesh links, GPS, USB and IoT ports, L2TP tunnels, updates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.primitives import StaticComponent, TrafficCounters, random_walk, uuid_of

if TYPE_CHECKING:
    from random import Random

    from collector.simulator.fleet.primitives import Component, Payload

_DAY_S = 86_400
_DONE = 100


class MeshLink:
    """The radio link between two APs as one end reports it; counters start when the link is established."""

    def __init__(self, rng: Random) -> None:
        self._traffic = TrafficCounters(rng.uniform(1e4, 1e5), rng.uniform(1e4, 1e5))
        self._rssi_dbm, self._rx_retries, self._tx_retries = rng.uniform(-70, -45), 0, 0

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:
        """Return the link section of one end."""
        traffic = self._traffic
        traffic.transfer(dt_s, 1.0, rng)
        self._rx_retries += int(dt_s * rng.random())
        self._tx_retries += int(dt_s * rng.random() * 3)
        rssi = self._rssi_dbm = random_walk(rng, self._rssi_dbm, -85, -35, 2)
        return {
            "band": "5",
            "channel": 149,
            "proto": "ax",
            "idle_time": int(rng.random() * 3),
            "last_seen": round(at, 3),
            "rssi": int(rssi),
            "snr": int(rssi) + 92,
            "rx_rate": 573.5,
            "tx_rate": rng.choice((6, 173.3, 573.5)),
            "rx_bps": traffic.rx_bps,
            "tx_bps": traffic.tx_bps,
            "rx_bytes": traffic.rx_bytes,
            "tx_bytes": traffic.tx_bytes,
            "rx_packets": traffic.rx_pkts,
            "tx_packets": traffic.tx_pkts,
            "rx_retries": self._rx_retries,
            "tx_retries": self._tx_retries,
        }

    def restart(self) -> None:
        """Re-establish the link with counters at 0."""
        self._traffic.restart()
        self._rx_retries = self._tx_retries = 0


class MeshLinks:
    """The mesh links of an AP to its base (`uplink_id`) or to its relays (`downlink_ids`); both are device ids."""

    def __init__(self, rng: Random, site_id: str, *, uplink_id: str = "", downlink_ids: tuple[str, ...] = ()) -> None:
        self.site_id, self._uplink_id = site_id, uplink_id
        self._up = MeshLink(rng)
        self._down = {device_id: MeshLink(rng) for device_id in downlink_ids}

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:
        """Return mesh_uplink or mesh_downlinks."""
        if self._uplink_id:
            ends = {"site_id": self.site_id, "uplink_ap_id": self._uplink_id}
            return {"mesh_uplink": self._up.advance(dt_s, at, rng) | ends}
        links = {key: link.advance(dt_s, at, rng) | {"site_id": self.site_id} for key, link in self._down.items()}
        return {"mesh_downlinks": links}

    def restart(self) -> None:
        """Re-establish all links."""
        self._up.restart()
        for link in self._down.values():
            link.restart()


class GpsReceiver:
    """A GPS position."""

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return gps_stat."""
        where = {
            "latitude": round(37.2955 + (rng.random() - 0.5) / 1e4, 6),
            "longitude": round(-122.033 + (rng.random() - 0.5) / 1e4, 6),
            "altitude": round(72 + rng.random() * 3, 1),
            "accuracy": round(2 + rng.random() * 4, 2),
            "src": "gps",
            "timestamp": int(at) - 5,
        }
        return {"gps_stat": where}

    def restart(self) -> None:
        """Do nothing: there are no counters."""


class UsbAndIotInputs:
    """A USB peripheral and IoT inputs."""

    def __init__(self) -> None:
        self._digital = 0

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:
        """Return usb_stat and iot_stat."""
        self._digital ^= rng.random() < dt_s / 600
        usb = {"type": "imagotag", "channel": 3, "connected": True, "up": True, "last_activity": int(at) - 2}
        iot = {"DI2": {"value": self._digital}, "AI1": {"value": int(rng.random() * 4095)}, "DI1": {"value": None}}
        return {"usb_stat": usb, "iot_stat": iot}

    def restart(self) -> None:
        """Do nothing: there are no counters."""


class L2tpTunnels:
    """An L2TP tunnel that carries a WLAN."""

    def __init__(self, seed: int, mac: str) -> None:
        self._wxtunnel_id = uuid_of(seed, "wxtunnel", mac)
        self._uptime_s = 0.0

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return l2tp_stat."""
        self._uptime_s += dt_s
        session = {"local_sid": 31, "remote_id": "vpn1", "remote_sid": 13, "state": "established"}
        tunnel = {
            "state": "established_with_session",
            "uptime": int(self._uptime_s),
            "wxtunnel_id": self._wxtunnel_id,
            "sessions": [session],
        }
        return {"l2tp_stat": {self._wxtunnel_id: tunnel}}

    def restart(self) -> None:
        """Re-establish the tunnel."""
        self._uptime_s = 0.0


class FirmwareUpdate:
    """A firmware update that progresses, pauses after its completion, and starts again."""

    def __init__(self) -> None:
        self._progress = 0.0

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return fwupdate."""
        self._progress = (self._progress + dt_s / 6) % 150
        running = self._progress < _DONE
        update = {
            "status": "inprogress" if running else "success",
            "status_id": 4 if running else 5,
            "progress": int(self._progress) if running else _DONE,
            "timestamp": round(at - 1, 3),
            "will_retry": False,
        }
        return {"fwupdate": update}

    def restart(self) -> None:
        """Restart the update."""
        self._progress = 0.0


_PLACEMENT = {
    "status": "success",
    "status_detail": "placed",
    "recommended_anchor": True,
    "x": 400.0,
    "y": 300.0,
    "x_m": 20.0,
    "y_m": 15.0,
    "info": {
        "cluster_number": 0,
        "orientation_stats": 0,
        "probability_surface": {"radius": 45.5, "radius_m": 2.275, "x": 401.0},
    },
}
_ESL = {
    "type": "solum",
    "channel": 3,
    "connected": True,
    "up": True,
    "ip": "192.0.2.77",
    "mac": "020000e51001",
    "product_id": "1",
    "vendor_id": "1d0f",
}
_STATIC_IP = {
    "type": "static",
    "type6": "static",
    "ip": "192.0.2.50",
    "ip6": "2001:db8::50",
    "netmask": "255.255.255.0",
    "netmask6": "/64",
    "gateway": "192.0.2.1",
    "gateway6": "2001:db8::1",
    "dns": ["192.0.2.53"],
    "dns_suffix": ["example.net"],
    "mtu": 1500,
    "vlan_id": 1,
}
_NULLS = dict.fromkeys(("esl_stat", "usb_stat", "cert_expiry", "deviceprofile_id", "evpntopo_id", "last_trouble"))
_CONSTANT: dict[str, Payload] = {
    "placement": {"auto_placement": _PLACEMENT},
    "esl": {"esl_stat": _ESL},
    "antenna": {"ant_mode": "external", "antenna_select": "external"},
    "redundancy": {"switch_redundancy": {"num_redundant_aps": 2}},
    "static_ip": {"ip_config": _STATIC_IP},
    "locating": {"locating": True},
    "nulls": _NULLS,
}


def make_optional_components(names: tuple[str, ...], seed: int, mac: str, created_at: float) -> list[Component]:
    """Return the optional components with these names.

    A name that another component handles (mesh links, power) is ignored.
    """
    made: list[Component] = [StaticComponent(_CONSTANT[name]) for name in names if name in _CONSTANT]
    serial = f"{int(mac, 16):020x}"
    dated: dict[str, Payload] = {
        "certs": {
            "expiring_certs": {serial: int(created_at) + 9 * _DAY_S, f"{serial[:-1]}f": int(created_at) + 21 * _DAY_S},
            "cert_expiry": int(created_at) + 300 * _DAY_S,
        },
        "trouble": {"last_trouble": {"code": "07", "timestamp": int(created_at) - 5 * _DAY_S}},
        "profile": {
            "deviceprofile_id": uuid_of(seed, "deviceprofile"),
            "evpntopo_id": uuid_of(seed, "evpntopo"),
            "inactive_wired_vlans": [30, 31],
        },
    }
    made += [StaticComponent(dated[name]) for name in names if name in dated]
    if "gps" in names:
        made.append(GpsReceiver())
    if "usb" in names:
        made.append(UsbAndIotInputs())
    if "l2tp" in names:
        made.append(L2tpTunnels(seed, mac))
    if "fwupdate" in names:
        made.append(FirmwareUpdate())
    return made
