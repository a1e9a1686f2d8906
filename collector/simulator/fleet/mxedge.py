"""Mist Edges of an org (the usual case) or of a site."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from collector.simulator.fleet.device import SimulatedDevice
from collector.simulator.fleet.primitives import (
    MXEDGE_OUI,
    StaticComponent,
    TrafficCounters,
    colons,
    mac_of,
    mac_plus,
    random_walk,
    serial_of,
    uuid_of,
)
from collector.simulator.fleet.sites import UNASSIGNED

if TYPE_CHECKING:
    from random import Random

    from collector.simulator.fleet.context import FleetContext
    from collector.simulator.fleet.primitives import Component, Payload
    from collector.simulator.fleet.sites import SimulatedOrg, SimulatedSite

_MEMORY_BYTES = 8_365_957_120
_CORES = 4


class _EdgeCpuAndMemory:
    """CPU cores with a load of their own, and memory in bytes, although the schema documents kB."""

    def __init__(self, rng: Random) -> None:
        self._busy = [rng.uniform(3, 60) for _ in range(_CORES)]
        self._used = rng.uniform(0.3, 0.7)

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return cpu_stat and memory_stat."""
        self._busy = [random_walk(rng, busy, 1, 97, 4) for busy in self._busy]
        used = self._used = random_walk(rng, self._used, 0.2, 0.95, 0.01)
        cores: Payload = {f"cpu{core}": _shares(busy) for core, busy in enumerate(self._busy)}
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
        """Do nothing: there are no counters."""


class _EdgePorts:
    """The tunnel ports, aggregated with LACP."""

    def __init__(self, mac: str, rng: Random) -> None:
        self._mac = mac
        self._traffics = {
            f"port{number}": TrafficCounters(rng.uniform(1e5, 9e6), rng.uniform(1e5, 9e6)) for number in range(2)
        }
        self._lacp_s, self._errors = 0.0, 0

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return port_stat."""
        self._lacp_s += dt_s
        self._errors += rng.random() < dt_s / 20_000
        for traffic in self._traffics.values():
            traffic.transfer(dt_s, 1.0, rng)
        return {"port_stat": {name: self._port(name, number) for number, name in enumerate(self._traffics, 1)}}

    def restart(self) -> None:
        """Reset the counters to 0."""
        self._lacp_s, self._errors = 0.0, 0
        for traffic in self._traffics.values():
            traffic.restart()

    def _port(self, name: str, number: int) -> Payload:
        traffic, pdus = self._traffics[name], int(self._lacp_s / 30)
        return {
            "mac": mac_plus(self._mac, number),
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


class _EdgeServices:
    """The packages of the edge, and the tunnels that it terminates."""

    def __init__(self, rng: Random) -> None:
        self._up_s, self._tunnels = 0.0, rng.uniform(0, 80)

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:
        """Return service_stat, num_tunnels and the state of the tunnel termination service."""
        self._up_s += dt_s
        self._tunnels = random_walk(rng, self._tunnels, 0, 200, 2)
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
        """Reset the uptime."""
        self._up_s = 0.0


class MistEdge(SimulatedDevice):
    """A Mist Edge; it reports on the channel of its site or, without a site, of its org."""

    kind: ClassVar[str] = "mxedge"
    prefix: ClassVar[str] = "ME"

    def __init__(self, context: FleetContext, org: SimulatedOrg, site: SimulatedSite, ordinal: int) -> None:
        super().__init__(context, org, site, mac_of(context.plan.seed, MXEDGE_OUI, ordinal), f"edge-{ordinal + 1:03d}")
        self.model, self.version = ("ME-VM", "ME-X5")[ordinal % 2], "3.1.1037-1"
        self.serial = serial_of(self.mac, "ME")
        self._components: list[Component] = [
            _EdgeCpuAndMemory(self.rng),
            _EdgePorts(self.mac, self.rng),
            _EdgeServices(self.rng),
        ]
        self._components.append(StaticComponent(self._constant(ordinal)))
        self._advanced_at = self.booted_at
        self._last_payload = self._advance(self.last_seen)

    @property
    def channel(self) -> str:
        """Channel of the site or of the org."""
        if self.site.id == UNASSIGNED:
            return f"/orgs/{self.org.id}/stats/mxedges"
        return f"/sites/{self.site.id}/stats/mxedges"

    def next_frame(self, at: float) -> tuple[Payload, float]:
        """Return the frame of the cycle."""
        self._last_payload = self._advance(at)
        return self._last_payload, self.context.plan.cadence_s * (0.95 + 0.1 * self.rng.random())

    def rest(self) -> Payload:
        """Return the last known state."""
        return self._last_payload | {"status": "connected" if self.connected else "disconnected"}

    def restart(self) -> None:
        """Reset every counter to 0."""
        self._advanced_at = self.context.schedule.now
        for component in self._components:
            component.restart()

    def _advance(self, at: float) -> Payload:
        dt_s, self._advanced_at = at - self._advanced_at, at
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
        for component in self._components:
            frame |= component.advance(dt_s, at, self.rng)
        return frame

    def _constant(self, ordinal: int) -> Payload:
        created = int(self.claimed_at)
        ipv4 = {
            "dns": ["192.0.2.53"],
            "gateway": "192.0.2.1",
            "ip": "192.0.2.10",
            "netmask": "255.255.255.0",
            "type": "static",
        }
        ipv6 = {"gateway6": "2001:db8::1", "ip6": "2001:db8::10", "netmask6": "/64"}
        return {
            "mxcluster_id": uuid_of(self.context.plan.seed, "mxcluster") if ordinal % 3 else None,
            "created_time": created,
            "modified_time": created + 3600,
            "fips_enabled": False,
            "idrac_version": "4.40.00.00",
            "virtualization_type": "KVM" if ordinal % 2 == 0 else "",
            "magic": "",
            "fwupdate": {
                "status": "success",
                "status_id": 5,
                "progress": 100,
                "timestamp": created + 9.5,
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
            "oob_ip_config": ipv4 | ipv6 | {"type6": "static", "autoconf6": False, "dhcp6": False},
            "oob_ip_stat": ipv4 | ipv6 | {"type8": "static"},
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
