"""Mist Edges: of an org (the usual), or of a site."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from collector.simulator.fleet.device import Device
from collector.simulator.fleet.ids import MXEDGE_OUI, colons, mac_of, mac_plus, serial_of, uuid_of
from collector.simulator.fleet.parts import Static, Traffic, wander
from collector.simulator.fleet.places import UNASSIGNED

if TYPE_CHECKING:
    from random import Random

    from collector.simulator.fleet.messages import Payload
    from collector.simulator.fleet.parts import Part
    from collector.simulator.fleet.places import Org, Site
    from collector.simulator.fleet.world import World

_MEMORY_BYTES = 8_365_957_120
_CORES = 4


class _Processor:
    """Cores, each with its own load, and memory in bytes (whatever the schema says of kB)."""

    def __init__(self, rng: Random) -> None:
        self._busy = [rng.uniform(3, 60) for _ in range(_CORES)]
        self._used = rng.uniform(0.3, 0.7)

    def live(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Part`
        """Return cpu_stat and memory_stat."""
        self._busy = [wander(rng, busy, 1, 97, 4) for busy in self._busy]
        used = self._used = wander(rng, self._used, 0.2, 0.95, 0.01)
        cores: Payload = {f"cpu{place}": _shares(busy) for place, busy in enumerate(self._busy)}
        cores["cpu0"]["load_avg"] = [0.42, 0.4, 0.37]
        memory = {
            "total": _MEMORY_BYTES,
            "available": int(_MEMORY_BYTES * (1 - used)),
            "free": int(_MEMORY_BYTES * (1 - used) * 0.9),
            "active": int(_MEMORY_BYTES * used * 0.5),
            "inactive": int(_MEMORY_BYTES * used * 0.3),
            "buffers": 107_646_976,
            "cached": 478_060_544,
            "swap_total": 1_022_357_504,
            "swap_free": 1_022_357_504,
            "swap_cached": 0,
            "usage": int(used * 100),
        }
        return {"cpu_stat": {"cpus": cores} | _shares(sum(self._busy) / _CORES), "memory_stat": memory}

    def restart(self) -> None:
        """Nothing is counted."""


class _Ports:
    """The tunnel ports, bundled by LACP."""

    def __init__(self, mac: str, rng: Random) -> None:
        self._mac = mac
        self._traffics = {f"port{place}": Traffic(rng.uniform(1e5, 9e6), rng.uniform(1e5, 9e6)) for place in range(2)}
        self._lacp_s, self._errors = 0.0, 0

    def live(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Part`
        """Return port_stat."""
        self._lacp_s += dt_s
        self._errors += rng.random() < dt_s / 20_000
        for traffic in self._traffics.values():
            traffic.flow(dt_s, 1.0, rng)
        return {"port_stat": {name: self._port(name, place) for place, name in enumerate(self._traffics)}}

    def restart(self) -> None:
        """Count from 0 again."""
        self._lacp_s, self._errors = 0.0, 0
        for traffic in self._traffics.values():
            traffic.restart()

    def _port(self, name: str, place: int) -> Payload:
        traffic, pdus = self._traffics[name], int(self._lacp_s / 30)
        return {
            "mac": mac_plus(self._mac, place + 1),
            "up": True,
            "full_duplex": True,
            "speed": 10_000,
            "state": "forwarding",
            "rx_bytes": traffic.rx_bytes,
            "rx_pkts": traffic.rx_pkts,
            "rx_errors": self._errors,
            "tx_bytes": traffic.tx_bytes,
            "tx_pkts": traffic.tx_pkts,
            "tx_errors": 0,
            "lacp": {"mux_state": "distributing", "rx_state": "current", "rx_lacpdu": pdus, "tx_lacpdu": pdus},
            "lldp_stats": {
                "chassis_id": colons("d007ca000001"),
                "mgmt_addr": "192.0.2.1",
                "port_desc": "xe-0/0/1",
                "port_id": "xe-0/0/1",
                "system_desc": "Juniper Networks, Inc. qfx5120",
                "system_name": "core",
            },
            "sfp": {
                "codes": "10G Base-SR",
                "mbps": 10_300,
                "part_no": "SFP-10G",
                "serial_no": "X1",
                "type": 3,
                "vendor": "OEM",
            },
        }


class _Services:
    """The packages that run on it, and the tunnels that end there."""

    def __init__(self, rng: Random) -> None:
        self._up_s, self._tunnels = 0.0, rng.uniform(0, 80)

    def live(self, dt_s: float, at: float, rng: Random) -> Payload:
        """Return service_stat, num_tunnels and what the tunnel terminator says."""
        self._up_s += dt_s
        self._tunnels = wander(rng, self._tunnels, 0, 200, 2)
        running = {"ext_ip": "198.51.100.99", "package_state": "Installed", "running_state": "Running"}
        services = {
            "mxagent": running | {"package_version": "3.1.1037-1", "last_seen": int(at), "uptime": int(self._up_s)},
            "tunterm": running
            | {"package_version": "0.1.2449+deb10", "last_seen": int(at) - 4, "uptime": int(self._up_s)},
        }
        registered = {
            "mxagent_registered": True,
            "tunterm_registered": True,
            "tunterm_stat": {"monitoring_failed": False},
        }
        return registered | {"service_stat": services, "services": ["tunterm"], "num_tunnels": int(self._tunnels)}

    def restart(self) -> None:
        """Begin a new uptime."""
        self._up_s = 0.0


class MistEdge(Device):
    """A Mist Edge; it speaks on the org's channel, or on that of its site when it has one."""

    kind: ClassVar[str] = "mxedge"
    prefix: ClassVar[str] = "ME"

    def __init__(self, world: World, org: Org, site: Site, ordinal: int) -> None:
        super().__init__(world, org, site, mac_of(world.plan.seed, MXEDGE_OUI, ordinal), f"edge-{ordinal + 1:03d}")
        self.model, self.version = ("ME-VM", "ME-X5")[ordinal % 2], "3.1.1037-1"
        self.serial = serial_of(self.mac, "ME")
        self._parts: list[Part] = [_Processor(self.rng), _Ports(self.mac, self.rng), _Services(self.rng)]
        self._parts.append(Static(self._constant(ordinal)))
        self._lived_at = self.booted_at
        self._known = self._live(self.last_seen)

    @property
    def channel(self) -> str:
        """The org's channel, or the site's."""
        if self.site.id == UNASSIGNED:
            return f"/orgs/{self.org.id}/stats/mxedges"
        return f"/sites/{self.site.id}/stats/mxedges"

    def utter(self, at: float) -> tuple[Payload, float]:
        """Say everything."""
        self._known = self._live(at)
        return self._known, self.world.plan.cadence_s * (0.95 + 0.1 * self.rng.random())

    def rest(self) -> Payload:
        """Return the last known state."""
        return self._known | {"status": "connected" if self.connected else "disconnected"}

    def restart(self) -> None:
        """Count from 0 again."""
        self._lived_at = self.world.agenda.now
        for part in self._parts:
            part.restart()

    def _live(self, at: float) -> Payload:
        dt_s, self._lived_at = at - self._lived_at, at
        frame: Payload = {
            "mac": self.mac,
            "id": self.id,
            "name": self.name,
            "model": self.model,
            "serial": self.serial,
            "org_id": self.org.id,
            "site_id": self.site.id,
            "for_site": self.site.id != UNASSIGNED,
            "status": "connected",
            "uptime": int(at - self.booted_at),
            "last_seen": int(at),
        }
        for part in self._parts:
            frame |= part.live(dt_s, at, self.rng)
        return frame

    def _constant(self, ordinal: int) -> Payload:
        born = int(self.claimed_at)
        static = {
            "dns": ["192.0.2.53"],
            "gateway": "192.0.2.1",
            "ip": "192.0.2.10",
            "netmask": "255.255.255.0",
            "type": "static",
        }
        six = {"gateway6": "2001:db8::1", "ip6": "2001:db8::10", "netmask6": "/64"}
        return {
            "mxcluster_id": uuid_of(self.world.plan.seed, "mxcluster") if ordinal % 3 else None,
            "created_time": born,
            "modified_time": born + 3600,
            "fips_enabled": False,
            "idrac_version": "4.40.00.00",
            "virtualization_type": "KVM" if ordinal % 2 == 0 else "",
            "magic": "",
            "fwupdate": {
                "status": "success",
                "status_id": 5,
                "progress": 100,
                "timestamp": born + 9.5,
                "will_retry": False,
            },
            "inactive_vlan_strs": {"l2tp": ["30"], "wired": ["31"]},
            "ip_stat": {
                "ip": "192.0.2.244",
                "netmask": "255.255.255.0",
                "ip6": "2001:db8::244",
                "netmask6": "/64",
                "ips": {"ens18": "192.0.2.244/24"},
                "macs": {"ens18": colons(self.mac)},
            },
            "lag_stat": {"lacp0": {"active_ports": ["port0", "port1"]}},
            "oob_ip_config": static | six | {"type6": "static", "autoconf6": False, "dhcp6": False},
            "oob_ip_stat": static | six | {"type8": "static"},
            "sensor_stat": {},
            "tunterm_ip_config": {"ip": "192.0.2.91", "netmask": "255.255.255.0", "gateway": "192.0.2.1"},
            "tunterm_port_config": {
                "downstream_ports": ["0", "1"],
                "upstream_ports": ["0", "1"],
                "separate_upstream_downstream": False,
            },
        }


def _shares(busy: float) -> Payload:
    user, system = int(busy * 0.6), int(busy * 0.4)
    return {"usage": user + system, "user": user, "system": system, "interrupt": 0, "idle": 100 - user - system}
