"""What nobody in the fleet lives as, told from what does: tunnels of Mist Edges, third-party devices, service levels.

All of it follows from the fleet's seed and the time of its world, so that two answers at one time are equal, and what
is counted grows with the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from collector.simulator.fleet.ids import uuid_of

if TYPE_CHECKING:
    from collector.simulator.fleet import Fleet

Row = dict[str, Any]

CONTROL_EVERY_S = 10  # a control packet of a tunnel
_MTU_BYTES = 1500
_CRADLEPOINT_OUI = "003044"


class Derived:
    """Answers for a fleet at `now` (unix seconds of its world)."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def mxtunnels(self, org_id: str, now: float) -> list[Row]:
        """Tunnels between the connected APs of an org and its Mist Edges: each AP has one, always to the same edge."""
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
            "rx_control_pkts": up_s // CONTROL_EVERY_S,
            "tx_control_pkts": up_s // CONTROL_EVERY_S,
            "sessions": [{"local_sid": 31, "remote_sid": 13, "remote_id": "corp", "state": "established"}],
            "state": "established_with_sessions",
            "uptime": up_s,
            "fwupdate": {"progress": None, "status": None, "timestamp": now, "will_retry": None},
        }

    def rssizones(self, site_id: str) -> list[Row]:
        """RSSI zones as `stats/rssizones` lists them: one around the first AP of each site, with its clients in it."""
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
        """Third-party devices as the org lists them: a cellular router beside every second gateway."""
        return [
            {
                "id": f"00000000-0000-0000-1000-{_beside(gateway['mac'])}",
                "mac": _beside(gateway["mac"]),
                "name": f"lte-{place:03d}",
                "model": "E300",
                "vendor": "cradlepoint",
                "serial": f"WA{place:06d}",
                "org_id": org_id,
                "site_id": gateway["site_id"],
                "device_mac": gateway["mac"],
            }
            for place, gateway in enumerate(self._fleet.device_stats(org_id, "gateway"))
            if place % 2 == 0
        ]

    def other_device(self, org_id: str, mac: str, now: float) -> Row | None:
        """What such a device reports; None when there is none of this address."""
        listed = next((one for one in self.other_devices(org_id) if one["mac"] == mac), None)
        if listed is None:
            return None
        up_s = int(now - self._fleet.plan.start)
        return {
            "cached_stats": False,
            "config_status": "synced",
            "connected_devices": {
                listed["device_mac"]: {"mac": mac, "name": "gateway", "port_id": "ge-0/0/5", "type": "gateway"}
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
        """Service levels of the sites of an org: ratios of `service` "wifi", "wired" or "wan"."""
        count, of_kind, names = _SERVICES[service]
        return [
            {"site_id": site["id"], count: stats[of_kind], "num_clients": stats["num_clients"]}
            | {name: 1 - crc32(f"{site['id']}{name}".encode()) % 200 / 1000 for name in names}
            for site in self._fleet.sites(org_id)
            for stats in (self._fleet.site_stats(site["id"]),)
        ]


# What a service counts, the count of a site that this is, and its levels as the API description names them.
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


def _beside(mac: str) -> str:
    """The address of the third-party device that stands beside a gateway."""
    return f"{_CRADLEPOINT_OUI}{mac[6:]}"
