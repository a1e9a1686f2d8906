"""Gateways: an SRX, a cluster of two SRX in one frame, or a node of an SSR router."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from collector.simulator.fleet.device import SimulatedDevice
from collector.simulator.fleet.gateway_components import (
    CLUSTER,
    SERVICES,
    GatewayInterfaces,
    GatewayNode,
    GatewayPeers,
    ServicesProcessingUnit,
    lan,
    wan,
)
from collector.simulator.fleet.primitives import GATEWAY_OUI, StaticComponent, mac_of, mac_plus, serial_of, uuid_of
from collector.simulator.fleet.switch import PACKAGES
from collector.simulator.fleet.wired_components import DhcpPools, ForwardingTables, RoutingEngine, addresses

if TYPE_CHECKING:
    from collector.simulator.fleet.context import FleetContext
    from collector.simulator.fleet.primitives import Component, Payload
    from collector.simulator.fleet.sites import SimulatedOrg, SimulatedSite

FORMS = ("srx", "srx_cluster", "ssr")

_TTL_S = 190
_DAY_S = 86_400
_REDUNDANCY = {"num_aps": 2, "num_aps_with_switch_redundancy": 1}
_POOLS = {"corp": 100, "guest": 241, "iot": 100}


class Gateway(SimulatedDevice):
    """A gateway of one of `FORMS`.

    It sends one frame in every cycle, with current counters and a `_time` that is hours old. Two SSR nodes with
    consecutive ordinals form a router: each sends its own frames, one is active.
    """

    kind: ClassVar[str] = "gateway"
    prefix: ClassVar[str] = "GW"

    def __init__(
        self, context: FleetContext, org: SimulatedOrg, site: SimulatedSite, ordinal: int, *, form: str = "srx"
    ) -> None:
        seed = context.plan.seed
        super().__init__(context, org, site, mac_of(seed, GATEWAY_OUI, ordinal), f"{site.name} GW {ordinal + 1:03d}")
        self.form, self.ordinal = form, ordinal
        self.model = "SSR" if form == "ssr" else ("SRX300", "SRX345")[ordinal % 2]
        self.version = "6.3.0-107.r1.el7" if form == "ssr" else "22.4R3-S2"
        self.serial = serial_of(self.mac, "CV")
        self._stale_s = self.rng.uniform(7200, 2 * _DAY_S)
        self.ports = self._first_ports()
        second = [lan(f"ge-5/0/{port}.0", "corp", 10, self.rng) for port in range(3, 6)]
        self._second_ports = GatewayInterfaces([wan("ge-5/0/0.0", "ISP-Primary", self.rng), *second], suffix="2")
        self._components = self._assemble()
        self._advanced_at = self.booted_at
        self._last_payload = self._advance(self.last_seen)

    def next_frame(self, at: float) -> tuple[Payload, float]:
        """Return the frame of the cycle."""
        self._last_payload = self._advance(at)
        cycle_s = self.context.plan.cadence_s * (0.95 + 0.1 * self.rng.random())
        return self._last_payload | {"_ttl": _TTL_S, "_time": round(at - self._stale_s, 3)}, cycle_s

    def rest(self) -> Payload:
        """Return the last known state."""
        return self._last_payload | {
            "status": "connected" if self.connected else "disconnected",
            "site_id": self.site.id,
            "last_seen": int(self.last_seen),
            "created_time": int(self.claimed_at),
            "modified_time": int(self.claimed_at) + 3600,
        }

    def rest_ports(self) -> list[Payload]:
        """Return every physical port of all nodes."""
        interfaces = self.ports.all + (self._second_ports.all if self.form == "srx_cluster" else [])
        return [one.rest(self, number) for number, one in enumerate(interfaces, 1) if one.physical]

    def restart(self) -> None:
        """Reset every counter to 0."""
        self._advanced_at = self.context.schedule.now
        for component in self._components:
            component.restart()

    def flap(self, at: float) -> None:
        """Change the link state of the second WAN port, and send the event."""
        port = [one for one in self.ports.all if one.usage == "wan"][-1]
        port.flap(at)
        self.send_port_event(port.port_id, at, up=port.up)

    def _advance(self, at: float) -> Payload:
        dt_s, self._advanced_at = at - self._advanced_at, at
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
        for component in self._components:
            frame |= component.advance(dt_s, at, self.rng)
        return frame

    def _first_ports(self) -> GatewayInterfaces:
        rng = self.rng
        if self.form == "ssr":
            return GatewayInterfaces(
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
        return GatewayInterfaces(interfaces)

    def _assemble(self) -> list[Component]:
        rng, ssr = self.rng, self.form == "ssr"
        role = "primary" if self.form == "srx_cluster" else ""
        parts: list[Component] = [
            self.ports,
            RoutingEngine(rng),
            ForwardingTables(rng),
            DhcpPools(rng, _POOLS),
            GatewayNode(self.mac, self.serial, self.model, rng, role=role, ssr=ssr),
            StaticComponent(self._constant()),
        ]
        if not ssr:
            parts.append(ServicesProcessingUnit(rng, as_list=self.ordinal % 4 != 3))  # noqa: PLR2004 - every fourth gateway reports a single object
        if self.ordinal % 2 == 0:
            parts.append(GatewayPeers(self.name, self.site.id, rng, ssr=ssr))
        return parts + (self._second_node() if role else [])

    def _second_node(self) -> list[Component]:
        rng, mac = self.rng, mac_plus(self.mac, 0x20)
        services = {"jma": dict.fromkeys(PACKAGES, "1.0.1")}
        return [
            self._second_ports,
            RoutingEngine(rng, suffix="2"),
            DhcpPools(rng, _POOLS, suffix="2"),
            ServicesProcessingUnit(rng, suffix="2"),
            GatewayNode(mac, serial_of(mac, "CV"), self.model, rng, suffix="2", role="secondary"),
            StaticComponent(
                CLUSTER | {"service2_stat": services} | addresses("198.51.100.10", "198.51.100.1", key="ip2_stat")
            ),
        ]

    def _constant(self) -> Payload:
        created, ip = int(self.claimed_at), f"198.51.100.{self.ordinal % 250 + 2}"
        payload: Payload = {
            "ip": ip,
            "ext_ip": ip,
            "has_pcap": False,
            "is_ha": False,
            "cert_expiry": created + 400 * _DAY_S,
            "config_status": "COMMITED" if self.ordinal % 2 else "synced",
            "config_timestamp": created + 3600,
            "config_version": created + 3600,
            "fwupdate": {
                "status": "upgraded",
                "status_id": 3037,
                "progress": 100,
                "timestamp": created + 0.58,
                "will_retry": False,
            },
            "ap_redundancy": {"num_aps": 2, "num_aps_with_switch_redundancy": 1, "modules": {"0": _REDUNDANCY}},
            "service_stat": {"jma": dict.fromkeys(PACKAGES, "1.0.1")},
            "service_status": SERVICES,
            "deviceprofile_id": uuid_of(self.context.plan.seed, "wan-profile"),
            "deviceprofile_name": "wan-spoke",
            "evpntopo_id": None,
            "map_id": None,
            "tag_id": 3_550_217 + self.ordinal,
            "tag_uuid": uuid_of(self.context.plan.seed, "tag"),
        }
        if self.form == "ssr":
            node = self.ordinal % 2
            payload |= {
                "is_ha": True,
                "ha_state": ("active", "standby")[node],
                "node_name": f"node{node}",
                "router_name": f"{self.site.name} router",
                "conductor_name": "conductor-1",
            }
        return payload | addresses(ip, "198.51.100.1")
