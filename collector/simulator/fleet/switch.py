"""Switches: most frames are cached, with frozen interface counters; some are fresh."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from collector.simulator.fleet.device import SimulatedDevice
from collector.simulator.fleet.primitives import SWITCH_OUI, StaticComponent, mac_of, serial_of, uuid_of
from collector.simulator.fleet.switch_components import (
    MODELS,
    ChassisMember,
    ChassisMembers,
    WiredClientCounts,
    make_interfaces,
)
from collector.simulator.fleet.wired_components import (
    DhcpPools,
    ForwardingTables,
    RoutingEngine,
    WiredInterface,
    addresses,
)

if TYPE_CHECKING:
    from collector.simulator.fleet.context import FleetContext
    from collector.simulator.fleet.primitives import Component, Payload
    from collector.simulator.fleet.sites import SimulatedOrg, SimulatedSite

_CYCLES_PER_FRESH_FRAME = 5
_CACHED_TTL_S, _FRESH_TTL_S = 600, 190
_NUMBERINGS = ("fpc_idx", "_idx", "none")
_DAY_S = 86_400
_WITHOUT_MODULES = 3
"""Of four standalone switches, the one without module_stat."""


class Switch(SimulatedDevice):
    """A switch, or a virtual chassis of several `members`.

    It sends one frame in every cycle. A cached frame has `_ttl` 600 and no `_time`; its if_stat is an old snapshot, all
    other fields are current. Every fifth frame, and the first after a start, is fresh: it has `_ttl` 190, a `_time`
    that is hours old, and current counters.
    """

    kind: ClassVar[str] = "switch"
    prefix: ClassVar[str] = "SW"

    def __init__(
        self, context: FleetContext, org: SimulatedOrg, site: SimulatedSite, ordinal: int, *, members: int = 1
    ) -> None:
        seed = context.plan.seed
        name = f"{site.name} {'VC' if members > 1 else 'SW'} {ordinal + 1:03d}"
        super().__init__(context, org, site, mac_of(seed, SWITCH_OUI, ordinal), name)
        rng = self.rng
        model = MODELS[ordinal % len(MODELS)]
        self.model, self.version, self.serial = model.name, "23.4R2-S4", serial_of(self.mac, "FJ")
        numbering = _NUMBERINGS[ordinal % len(_NUMBERINGS)]
        self.members = [
            ChassisMember(model, self.mac, index, rng, count=members, numbering=numbering) for index in range(members)
        ]
        self.interfaces = make_interfaces(model, members, rng)
        self._components: list[Component] = [
            RoutingEngine(rng),
            ForwardingTables(rng),
            ChassisMembers(self.members, listed=members > 1 or ordinal % 4 != _WITHOUT_MODULES),
            WiredClientCounts(ordinal % 3, self.mac, members, rng),
            DhcpPools(rng, {"ifo": 5, "voice": 120}),
            StaticComponent(self._constant(ordinal, members)),
        ]
        self._advanced_at = self._counted_at = self.booted_at
        self._stale_s = rng.uniform(7200, 3 * _DAY_S)
        self._cycle = 0
        self._fresh_stat = self._count(self.last_seen)
        self._frozen_stat: Payload | None = self._fresh_stat
        self._last_payload = self._advance(self.last_seen)

    def next_frame(self, at: float) -> tuple[Payload, float]:
        """Return a cached or a fresh frame."""
        fresh = self._cycle % _CYCLES_PER_FRESH_FRAME == 0
        self._cycle += 1
        self._last_payload = self._advance(at)
        cycle_s = self.context.plan.cadence_s * (0.95 + 0.1 * self.rng.random())
        if not fresh:
            return self._last_payload | {"_ttl": _CACHED_TTL_S, "if_stat": self._frozen_stat}, cycle_s
        self._fresh_stat = self._count(at)
        if self._frozen_stat is None:
            self._frozen_stat = self._fresh_stat
        markers = {"_ttl": _FRESH_TTL_S, "_time": round(at - self._stale_s, 3)}
        return self._last_payload | markers | {"if_stat": self._fresh_stat}, cycle_s

    def state_part(self, payload: Payload) -> Payload:
        """Return the frame without if_stat if it is cached."""
        return payload if "_time" in payload else {key: value for key, value in payload.items() if key != "if_stat"}

    def rest(self) -> Payload:
        """Return the last known state, with the counters of the last fresh frame."""
        return self._last_payload | {
            "if_stat": self._fresh_stat,
            "status": "connected" if self.connected else "disconnected",
            "site_id": self.site.id,
            "name": self.name,
            "last_seen": int(self.last_seen),
            "created_time": int(self.claimed_at),
            "modified_time": int(self.claimed_at) + 3600,
        }

    def rest_ports(self) -> list[Payload]:
        """Return every physical port, with bytes and errors."""
        return [port.rest(self, number) for number, port in enumerate(self.interfaces, 1) if port.physical]

    def rest_inventory(self) -> Payload:
        """Return the inventory object; that of a virtual chassis has its address also as `vc_mac`."""
        listed = super().rest_inventory()
        return listed | {"vc_mac": self.mac} if len(self.members) > 1 else listed

    def rest_members(self) -> list[Payload]:
        """Return the members other than the master, as `inventory?vc=true` adds them."""
        return [
            super(Switch, self).rest_inventory()
            | {
                "mac": member.mac,
                "serial": member.serial,
                "vc_mac": self.mac,
                "name": f"{self.name} member {member.index}",
            }
            for member in self.members[1:]
        ]

    def start_reporting(self, at: float) -> None:
        """Start with a fresh frame."""
        self._cycle = 0
        super().start_reporting(at)

    def restart(self) -> None:
        """Reset every counter to 0; the next fresh frame becomes the snapshot of cached frames."""
        self._advanced_at = self._counted_at = self.context.schedule.now
        self._frozen_stat = None
        for component in self._components:
            component.restart()
        for port in self.interfaces:
            port.restart()
        self._fresh_stat = self._count(self._counted_at)

    def flap(self, at: float) -> None:
        """Change the link state of a port, and send the event."""
        port: WiredInterface = self.rng.choice(
            [one for one in self.interfaces if one.physical and one.usage != "uplink"]
        )
        self._fresh_stat = self._count(at)
        port.flap(at)
        self.send_port_event(port.port_id, at, up=port.up)

    def _count(self, at: float) -> Payload:
        dt_s, self._counted_at = at - self._counted_at, at
        return {port.key: port.advance(dt_s, self.rng) for port in self.interfaces}

    def _advance(self, at: float) -> Payload:
        dt_s, self._advanced_at = at - self._advanced_at, at
        frame: Payload = {
            "mac": self.mac,
            "id": self.id,
            "type": "switch",
            "org_id": self.org.id,
            "site_id": self.site.id,
            "name": self.name,
            "hostname": self.name,
            "model": self.model,
            "version": self.version,
            "serial": self.serial,
            "status": "connected",
            "uptime": int(at - self.booted_at),
            "last_seen": round(at, 3),
            "map_id": self.site.maps[0].id if self.site.maps else None,
            "auto_upgrade_stat": {"lastcheck": int(at) // 3600 * 3600},
        }
        for component in self._components:
            frame |= component.advance(dt_s, at, self.rng)
        return frame

    def _constant(self, ordinal: int, members: int) -> Payload:
        created, ip = int(self.claimed_at), f"10.{self.site.ordinal % 200}.251.{ordinal % 250 + 2}"
        modules = {str(index): {"num_aps": 2, "num_aps_with_switch_redundancy": 1} for index in range(members)}
        payload: Payload = {
            "ip": ip,
            "ext_ip": f"198.51.100.{self.site.ordinal % 250 + 1}",
            "hw_rev": "A",
            "has_pcap": True,
            "cert_expiry": created + 400 * _DAY_S,
            "config_status": "COMMITED",
            "config_timestamp": created + 3600,
            "config_version": created + 3600,
            "fw_versions_outofsync": False,
            "fwupdate": {
                "status": "upgraded",
                "status_id": 3037,
                "progress": 100,
                "timestamp": created + 0.97,
                "will_retry": False,
            },
            "ap_redundancy": {"num_aps": 2 * members, "num_aps_with_switch_redundancy": members, "modules": modules},
            "service_stat": {"jma": dict.fromkeys(PACKAGES, "1.0.1")},
            "last_trouble": {"code": "103", "timestamp": created * 1000 + 215},
            "tag_id": 3_564_806 + ordinal,
            "tag_uuid": uuid_of(self.context.plan.seed, "tag"),
            "evpntopo_id": None,
            "deviceprofile_id": None,
        } | addresses(ip, f"10.{self.site.ordinal % 200}.0.1")
        if members > 1:
            setup = {"config_type": "nonprovisioned", "current_stats": "", "err_missing_dev_id_fpc": False}
            times = {"last_update": created + 60.5, "request_time": created + 30.25, "request_type": "add"}
            payload |= {"vc_mac": self.mac, "vc_setup_info": setup | times}
        return payload


PACKAGES = ("ash_version", "cia_version", "ember_version", "ipsec_client_version", "mist_agent_version",
             "package_version", "testing_tools_version", "wheeljack_version")  # fmt: skip
