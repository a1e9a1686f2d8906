"""Gateways: an SRX, a cluster of two SRX in one frame, or a node of an SSR router."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from collector.simulator.fleet.device import Device
from collector.simulator.fleet.events import port_changed
from collector.simulator.fleet.gateway_parts import CLUSTER, SERVICES, Node, Peers, Ports, Spu, lan, wan
from collector.simulator.fleet.ids import GATEWAY_OUI, mac_of, mac_plus, serial_of, uuid_of
from collector.simulator.fleet.parts import Static
from collector.simulator.fleet.switch import PACKAGES
from collector.simulator.fleet.wired import Engine, Pools, Tables, addresses

if TYPE_CHECKING:
    from collector.simulator.fleet.messages import Payload
    from collector.simulator.fleet.parts import Part
    from collector.simulator.fleet.places import Org, Site
    from collector.simulator.fleet.world import World

FORMS = ("srx", "srx_cluster", "ssr")

_TTL_S = 190
_DAY_S = 86_400
_REDUNDANCY = {"num_aps": 2, "num_aps_with_switch_redundancy": 1}
_POOLS = {"corp": 100, "guest": 241, "iot": 100}


class Gateway(Device):
    """A gateway of one of `FORMS`. It says one frame a cycle, with real counters and a `_time` that is hours stale.

    Two SSR nodes of neighbouring ordinals make one router: each speaks for itself, one is active.
    """

    kind: ClassVar[str] = "gateway"
    prefix: ClassVar[str] = "GW"

    def __init__(self, world: World, org: Org, site: Site, ordinal: int, *, form: str = "srx") -> None:
        seed = world.plan.seed
        super().__init__(world, org, site, mac_of(seed, GATEWAY_OUI, ordinal), f"{site.name} GW {ordinal + 1:03d}")
        self.form, self.ordinal = form, ordinal
        self.model = "SSR" if form == "ssr" else ("SRX300", "SRX345")[ordinal % 2]
        self.version = "6.3.0-107.r1.el7" if form == "ssr" else "22.4R3-S2"
        self.serial = serial_of(self.mac, "CV")
        self._stale_s = self.rng.uniform(7200, 2 * _DAY_S)
        self.ports = self._first_ports()
        second = [lan(f"ge-5/0/{port}.0", "corp", 10, self.rng) for port in range(3, 6)]
        self._second_ports = Ports([wan("ge-5/0/0.0", "ISP-Primary", self.rng), *second], suffix="2")
        self._parts = self._assemble()
        self._lived_at = self.booted_at
        self._known = self._live(self.last_seen)

    def utter(self, at: float) -> tuple[Payload, float]:
        """Say the one frame of the cycle."""
        self._known = self._live(at)
        cycle_s = self.world.plan.cadence_s * (0.95 + 0.1 * self.rng.random())
        return self._known | {"_ttl": _TTL_S, "_time": round(at - self._stale_s, 3)}, cycle_s

    def rest(self) -> Payload:
        """Return the last known state."""
        return self._known | {
            "status": "connected" if self.connected else "disconnected",
            "site_id": self.site.id,
            "last_seen": int(self.last_seen),
            "created_time": int(self.claimed_at),
            "modified_time": int(self.claimed_at) + 3600,
        }

    def rest_ports(self) -> list[Payload]:
        """Return every physical port of all nodes."""
        interfaces = self.ports.all + (self._second_ports.all if self.form == "srx_cluster" else [])
        return [one.rest(self, place) for place, one in enumerate(interfaces) if one.physical]

    def restart(self) -> None:
        """Count from 0 again."""
        self._lived_at = self.world.agenda.now
        for part in self._parts:
            part.restart()

    def flap(self, at: float) -> None:
        """Let the second provider's link go down or up, with the event that Mist makes of it."""
        port = [one for one in self.ports.all if one.usage == "wan"][-1]
        port.flap(at)
        port_changed(self, port.port_id, at, up=port.up)

    def _live(self, at: float) -> Payload:
        dt_s, self._lived_at = at - self._lived_at, at
        frame: Payload = {
            "mac": self.mac,
            "id": self.id,
            "type": "gateway",
            "org_id": self.org.id,
            "site_id": self.site.id,
            "name": self.name,
            "hostname": self.name.replace(" ", "-"),
            "model": self.model,
            "version": self.version,
            "serial": self.serial,
            "status": "connected",
            "uptime": int(at - self.booted_at),
            "last_seen": round(at, 3),
            "auto_upgrade_stat": {"lastcheck": int(at) // 3600 * 3600},
        }
        for part in self._parts:
            frame |= part.live(dt_s, at, self.rng)
        return frame

    def _first_ports(self) -> Ports:
        rng = self.rng
        if self.form == "ssr":
            return Ports(
                [
                    wan("dpdk1.0", "ISP-Primary", rng),
                    lan("dpdk2.0", "corp", 10, rng),
                    wan("lte-0-1.0", "LTE", rng, up=False, kind="lte"),
                ]
            )
        interfaces = [
            wan("ge-0/0/0.0", "ISP-Primary", rng),
            wan("ge-0/0/1.0", "ISP-Backup", rng, up=False),
            lan("ge-0/0/3.0", "corp", 10, rng),
            lan("ge-0/0/5.120", "guest", 120, rng),
            lan("ge-0/0/5.130", "iot", 130, rng, physical=False),
        ]
        if self.form == "srx_cluster":
            interfaces += [
                lan(f"reth{number}.0", "corp", 10, rng, physical=False, state="primary") for number in range(2)
            ]
        return Ports(interfaces)

    def _assemble(self) -> list[Part]:
        rng, ssr = self.rng, self.form == "ssr"
        role = "primary" if self.form == "srx_cluster" else ""
        parts: list[Part] = [
            self.ports,
            Engine(rng),
            Tables(rng),
            Pools(rng, _POOLS),
            Node(self.mac, self.serial, self.model, rng, role=role, ssr=ssr),
            Static(self._constant()),
        ]
        if not ssr:
            parts.append(Spu(rng, as_list=self.ordinal % 4 != 3))  # noqa: PLR2004 - every fourth says a single object
        if self.ordinal % 2 == 0:
            parts.append(Peers(self.name, self.site.id, rng, ssr=ssr))
        return parts + (self._second_node() if role else [])

    def _second_node(self) -> list[Part]:
        rng, mac = self.rng, mac_plus(self.mac, 0x20)
        services = {"jma": dict.fromkeys(PACKAGES, "1.0.1")}
        return [
            self._second_ports,
            Engine(rng, suffix="2"),
            Pools(rng, _POOLS, suffix="2"),
            Spu(rng, suffix="2"),
            Node(mac, serial_of(mac, "CV"), self.model, rng, suffix="2", role="secondary"),
            Static(CLUSTER | {"service2_stat": services} | addresses("198.51.100.10", "198.51.100.1", key="ip2_stat")),
        ]

    def _constant(self) -> Payload:
        born, ip = int(self.claimed_at), f"198.51.100.{self.ordinal % 250 + 2}"
        said: Payload = {
            "ip": ip,
            "ext_ip": ip,
            "has_pcap": False,
            "is_ha": False,
            "cert_expiry": born + 400 * _DAY_S,
            "config_status": "COMMITED" if self.ordinal % 2 else "synced",
            "config_timestamp": born + 3600,
            "config_version": born + 3600,
            "fwupdate": {
                "status": "upgraded",
                "status_id": 3037,
                "progress": 100,
                "timestamp": born + 0.58,
                "will_retry": False,
            },
            "ap_redundancy": {"num_aps": 2, "num_aps_with_switch_redundancy": 1, "modules": {"0": _REDUNDANCY}},
            "service_stat": {"jma": dict.fromkeys(PACKAGES, "1.0.1")},
            "service_status": SERVICES,
            "deviceprofile_id": uuid_of(self.world.plan.seed, "wan-profile"),
            "deviceprofile_name": "wan-spoke",
            "evpntopo_id": None,
            "map_id": None,
            "tag_id": 3_550_217 + self.ordinal,
            "tag_uuid": uuid_of(self.world.plan.seed, "tag"),
        }
        if self.form == "ssr":
            node = self.ordinal % 2
            said |= {
                "is_ha": True,
                "ha_state": ("active", "standby")[node],
                "node_name": f"node{node}",
                "router_name": f"{self.site.name} router",
                "conductor_name": "conductor-1",
            }
        return said | addresses(ip, "198.51.100.1")
