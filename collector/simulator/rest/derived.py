"""REST objects without an object in the fleet: Mist Edge tunnels, RSSI zones, third-party devices, service levels.

They are derived from the seed of the fleet and the simulated time: two responses at the same time are equal, and
counters grow with the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from collector.simulator.fleet.primitives import uuid_of

if TYPE_CHECKING:
    from collector.simulator.fleet import Fleet

Row = dict[str, Any]

CONTROL_INTERVAL_S = 10  # between two control packets of a tunnel
_MTU_BYTES = 1500
_CRADLEPOINT_OUI = "003044"


class DerivedData:
    """Derived objects of a fleet. `now` is the simulated unix time."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def mxtunnels(self, org_id: str, now: float) -> list[Row]:
        """Return the tunnels of an org: one from each connected AP, always to the same Mist Edge."""
        edges = self._fleet.mxedge_stats(org_id)
        if not edges:
            return []
        aps = [ap for ap in self._fleet.device_stats(org_id, "ap") if ap.get("status") == "connected"]
        return [self._mxtunnel(ap, edges[crc32(ap["mac"].encode()) % len(edges)], now) for ap in aps]

    def _mxtunnel(self, ap: Row, edge: Row, now: float) -> Row:
        up_s = int(min(ap.get("uptime", 0), edge["uptime"]))
        return {
            "ap": ap["mac"],
            "for_site": bool(edge["for_site"]),
            "last_seen": now,
            "mtu": _MTU_BYTES,
            "mxcluster_id": edge.get("mxcluster_id"),
            "mxedge_id": edge["id"],
            "mxtunnel_id": uuid_of(self._fleet.plan.seed, "mxtunnel", edge["id"]),
            "org_id": edge["org_id"],
            "site_id": ap["site_id"],
            "remote_ip": "198.51.100.7",
            "remote_port": 1701,
            "rx_control_pkts": up_s // CONTROL_INTERVAL_S,
            "tx_control_pkts": up_s // CONTROL_INTERVAL_S,
            "sessions": [{"local_sid": 31, "remote_sid": 13, "remote_id": "corp", "state": "established"}],
            "state": "established_with_sessions",
            "uptime": up_s,
            "fwupdate": {"progress": None, "status": None, "timestamp": now, "will_retry": None},
        }

    def rssizones(self, site_id: str) -> list[Row]:
        """Return the RSSI zones of a site: one around its first AP, which contains the clients of the AP."""
        aps = self._fleet.device_stats(site_id, "ap")[:1]
        start = int(self._fleet.plan.start)
        return [
            {
                "id": uuid_of(self._fleet.plan.seed, "rssizone", site_id),
                "name": "around the first AP",
                "org_id": ap["org_id"],
                "site_id": site_id,
                "display_is_group": False,
                "devices": [{"device_id": ap["id"], "rssi": -70}],
                "num_clients": ap.get("num_clients", 0),
                "num_unconnected_clients": 0,
                "num_sdkclients": 0,
                "num_assets": 0,
                "num_discovered_assets": 0,
                "created_time": start,
                "modified_time": start,
            }
            for ap in aps
        ]

    def other_devices(self, org_id: str) -> list[Row]:
        """Return the third-party devices of an org: a cellular router at every second gateway."""
        return [
            {
                "id": f"00000000-0000-0000-1000-{_other_device_mac(gateway['mac'])}",
                "mac": _other_device_mac(gateway["mac"]),
                "name": f"lte-{number:03d}",
                "model": "E300",
                "vendor": "cradlepoint",
                "serial": f"WA{number:06d}",
                "org_id": org_id,
                "site_id": gateway["site_id"],
                "device_mac": gateway["mac"],
            }
            for number, gateway in enumerate(self._fleet.device_stats(org_id, "gateway"))
            if number % 2 == 0
        ]

    def other_device(self, org_id: str, mac: str, now: float) -> Row | None:
        """Return the statistics of a third-party device; None for an unknown MAC address."""
        device = next((one for one in self.other_devices(org_id) if one["mac"] == mac), None)
        if device is None:
            return None
        up_s = int(now - self._fleet.plan.start)
        return {
            "cached_stats": False,
            "config_status": "synced",
            "connected_devices": {
                device["device_mac"]: {"mac": mac, "name": "gateway", "port_id": "ge-0/0/5", "type": "gateway"}
            },
            "last_config": int(self._fleet.plan.start),
            "last_seen": int(now),
            "lldp_enabled": True,
            "mac": mac,
            "status": "online",
            "uptime": up_s,
            "vendor": "cradlepoint",
            "version": "7.2.20",
            "vendor_specific": {
                "interfaces": {
                    "ethernet-lan": {
                        "bytes_in": up_s * 900,
                        "bytes_out": up_s * 4000,
                        "link": True,
                        "type": "ethernet",
                    },
                    "mdm-8a1084c9": {"bytes_in": up_s * 4000, "bytes_out": up_s * 900, "link": True, "type": "mdm"},
                },
                "ports": {},
                "target_version": "",
            },
        }

    def site_sles(self, org_id: str, service: str) -> list[Row]:
        """Return the service levels (ratios) of the sites of an org; `service` is one of `SERVICES`."""
        count, count_field, names = _SERVICES[service]
        return [
            {"site_id": site["id"], count: stats[count_field], "num_clients": stats["num_clients"]}
            | {name: 1 - crc32(f"{site['id']}{name}".encode()) % 200 / 1000 for name in names}
            for site in self._fleet.sites(org_id)
            for stats in (self._fleet.site_stats(site["id"]),)
        ]


# Service -> name of its device count, the field of the site's counts, and the levels in the terms of the API.
_SERVICES = {
    "wifi": (
        "num_aps",
        "num_ap",
        ("ap-availability", "ap-health", "capacity", "coverage", "roaming", "successful-connect", "throughput",
         "time-to-connect"),
    ),
    "wired": ("num_switches", "num_switch", ("switch-health", "switch-stc", "switch-throughput")),
    "wan": ("num_gateways", "num_gateway", ("application-health", "gateway-health", "wan-link-health")),
}  # fmt: skip
SERVICES = tuple(_SERVICES)


def _other_device_mac(mac: str) -> str:
    """Return the MAC address of the third-party device at a gateway."""
    return f"{_CRADLEPOINT_OUI}{mac[6:]}"
