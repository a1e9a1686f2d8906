"""Switches: cached frames with frozen counters, and now and then a fresh one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from collector.simulator.fleet.device import Device
from collector.simulator.fleet.events import port_changed
from collector.simulator.fleet.ids import SWITCH_OUI, mac_of, serial_of, uuid_of
from collector.simulator.fleet.parts import Static
from collector.simulator.fleet.switch_parts import MODELS, Member, Members, WiredClients, make_interfaces
from collector.simulator.fleet.wired import Engine, Interface, Pools, Tables, addresses

if TYPE_CHECKING:
    from collector.simulator.fleet.messages import Payload
    from collector.simulator.fleet.parts import Part
    from collector.simulator.fleet.places import Org, Site
    from collector.simulator.fleet.world import World

_FRESH_EVERY = 5
_CACHED_TTL_S, _FRESH_TTL_S = 600, 190
_NUMBERINGS = ("fpc_idx", "_idx", "none")
_DAY_S = 86_400
_SILENT_FOURTH = 3
"""Every fourth standalone switch says nothing of modules."""


class Switch(Device):
    """A switch, or a virtual chassis of several `members`.

    Every cycle it says a cached frame: `_ttl` 600, no `_time`, everything moves but if_stat, which is a snapshot from
    long ago. Every fifth (and the first after it woke) is fresh: `_ttl` 190, `_time` (hours stale), real counters.
    """

    kind: ClassVar[str] = "switch"
    prefix: ClassVar[str] = "SW"

    def __init__(self, world: World, org: Org, site: Site, ordinal: int, *, members: int = 1) -> None:
        seed = world.plan.seed
        name = f"{site.name} {'VC' if members > 1 else 'SW'} {ordinal + 1:03d}"
        super().__init__(world, org, site, mac_of(seed, SWITCH_OUI, ordinal), name)
        rng = self.rng
        model = MODELS[ordinal % len(MODELS)]
        self.model, self.version, self.serial = model.name, "23.4R2-S4", serial_of(self.mac, "FJ")
        numbering = _NUMBERINGS[ordinal % len(_NUMBERINGS)]
        self.members = [
            Member(model, self.mac, place, rng, count=members, numbering=numbering) for place in range(members)
        ]
        self.interfaces = make_interfaces(model, members, rng)
        self._parts: list[Part] = [
            Engine(rng),
            Tables(rng),
            Members(self.members, listed=members > 1 or ordinal % 4 != _SILENT_FOURTH),
            WiredClients(ordinal % 3, self.mac, members, rng),
            Pools(rng, {"ifo": 5, "voice": 120}),
            Static(self._constant(ordinal, members)),
        ]
        self._lived_at = self._counted_at = self.booted_at
        self._stale_s = rng.uniform(7200, 3 * _DAY_S)
        self._cycle = 0
        self._fresh_stat = self._count(self.last_seen)
        self._frozen_stat: Payload | None = self._fresh_stat
        self._known = self._live(self.last_seen)

    def utter(self, at: float) -> tuple[Payload, float]:
        """Say a cached frame, or a fresh one."""
        fresh = self._cycle % _FRESH_EVERY == 0
        self._cycle += 1
        self._known = self._live(at)
        cycle_s = self.world.plan.cadence_s * (0.95 + 0.1 * self.rng.random())
        if not fresh:
            return self._known | {"_ttl": _CACHED_TTL_S, "if_stat": self._frozen_stat}, cycle_s
        self._fresh_stat = self._count(at)
        if self._frozen_stat is None:
            self._frozen_stat = self._fresh_stat
        plumbing = {"_ttl": _FRESH_TTL_S, "_time": round(at - self._stale_s, 3)}
        return self._known | plumbing | {"if_stat": self._fresh_stat}, cycle_s

    def keep(self, payload: Payload) -> Payload:
        """A cached frame tells nothing of interfaces."""
        return payload if "_time" in payload else {key: value for key, value in payload.items() if key != "if_stat"}

    def rest(self) -> Payload:
        """Return the switch with the counters of its last fresh frame."""
        return self._known | {
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
        return [port.rest(self, place) for place, port in enumerate(self.interfaces) if port.physical]

    def rest_inventory(self) -> Payload:
        """Return the chassis; a virtual one names its address again as `vc_mac`."""
        listed = super().rest_inventory()
        return listed | {"vc_mac": self.mac} if len(self.members) > 1 else listed

    def rest_members(self) -> list[Payload]:
        """Return the members of a virtual chassis beside the master, as `inventory?vc=true` adds them."""
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

    def wake(self, at: float) -> None:
        """Begin with a fresh frame."""
        self._cycle = 0
        super().wake(at)

    def restart(self) -> None:
        """Count from 0 again; the cloud takes a new snapshot from the next fresh frame."""
        self._lived_at = self._counted_at = self.world.agenda.now
        self._frozen_stat = None
        for part in self._parts:
            part.restart()
        for port in self.interfaces:
            port.restart()
        self._fresh_stat = self._count(self._counted_at)

    def flap(self, at: float) -> None:
        """Let a port change its link, with the event that Mist makes of it."""
        port: Interface = self.rng.choice([one for one in self.interfaces if one.physical and one.usage != "uplink"])
        self._fresh_stat = self._count(at)
        port.flap(at)
        port_changed(self, port.port_id, at, up=port.up)

    def _count(self, at: float) -> Payload:
        dt_s, self._counted_at = at - self._counted_at, at
        return {port.key: port.live(dt_s, self.rng) for port in self.interfaces}

    def _live(self, at: float) -> Payload:
        dt_s, self._lived_at = at - self._lived_at, at
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
        for part in self._parts:
            frame |= part.live(dt_s, at, self.rng)
        return frame

    def _constant(self, ordinal: int, members: int) -> Payload:
        born, ip = int(self.claimed_at), f"10.{self.site.ordinal % 200}.251.{ordinal % 250 + 2}"
        modules = {str(place): {"num_aps": 2, "num_aps_with_switch_redundancy": 1} for place in range(members)}
        said: Payload = {
            "ip": ip,
            "ext_ip": f"198.51.100.{self.site.ordinal % 250 + 1}",
            "hw_rev": "A",
            "has_pcap": True,
            "cert_expiry": born + 400 * _DAY_S,
            "config_status": "COMMITED",
            "config_timestamp": born + 3600,
            "config_version": born + 3600,
            "fw_versions_outofsync": False,
            "fwupdate": {
                "status": "upgraded",
                "status_id": 3037,
                "progress": 100,
                "timestamp": born + 0.97,
                "will_retry": False,
            },
            "ap_redundancy": {"num_aps": 2 * members, "num_aps_with_switch_redundancy": members, "modules": modules},
            "service_stat": {"jma": dict.fromkeys(PACKAGES, "1.0.1")},
            "last_trouble": {"code": "103", "timestamp": born * 1000 + 215},
            "tag_id": 3_564_806 + ordinal,
            "tag_uuid": uuid_of(self.world.plan.seed, "tag"),
            "evpntopo_id": None,
            "deviceprofile_id": None,
        } | addresses(ip, f"10.{self.site.ordinal % 200}.0.1")
        if members > 1:
            setup = {"config_type": "nonprovisioned", "current_stats": "", "err_missing_dev_id_fpc": False}
            times = {"last_update": born + 60.5, "request_time": born + 30.25, "request_type": "add"}
            said |= {"vc_mac": self.mac, "vc_setup_info": setup | times}
        return said


PACKAGES = ("ash_version", "cia_version", "ember_version", "ipsec_client_version", "mist_agent_version",
             "package_version", "testing_tools_version", "wheeljack_version")  # fmt: skip
