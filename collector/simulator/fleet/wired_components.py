"""Components of switches and gateways: interfaces, routing engine, forwarding tables, DHCP pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.primitives import TrafficCounters, mac_plus, random_walk

if TYPE_CHECKING:
    from random import Random

    from collector.simulator.fleet.device import SimulatedDevice
    from collector.simulator.fleet.primitives import Payload

_POE_SHARE = 0.3  # share of the ports with a device that draws power
_POE_MODES = ("802.3af", "802.3at", "802.3bt")


class WiredInterface:
    """A logical interface such as `ge-0/0/11.0` of the port `ge-0/0/11`.

    Args:
        key: Name of the interface.
        rng: Source of randomness.
        up: Whether the link is up.
        speed_mbps: Link speed.
        physical: Whether the port search lists the interface.
        counts_bytes: Whether if_stat contains byte counters; on switches they are 0.
        usage: Port usage, "" for none.
        constant: Constant fields of if_stat.
    """

    def __init__(
        self,
        key: str,
        rng: Random,
        *,
        up: bool = True,
        speed_mbps: int = 1000,
        physical: bool = True,
        counts_bytes: bool = True,
        usage: str = "",
        constant: Payload | None = None,
    ) -> None:
        self.key, self.port_id = key, key.rpartition(".")[0]
        self.up, self.physical, self.usage = up, physical, usage
        self.speed_mbps, self._counts_bytes = speed_mbps, counts_bytes
        self.flapped_at = 0.0
        self._constant: Payload = {"port_id": self.port_id} | (constant or {})
        self._traffic = TrafficCounters(rng.uniform(1e3, 2e5), rng.uniform(1e3, 2e5))
        self._errors = 0
        self._poe_mw = rng.choice((0, 4_400, 12_300, 21_000)) if usage == "ap" or rng.random() < _POE_SHARE else 0

    def advance(self, dt_s: float, rng: Random) -> Payload:
        """Advance by `dt_s` seconds; return the member of if_stat."""
        traffic = self._traffic
        if self.up:
            traffic.transfer(dt_s, 1.0, rng)
            self._errors += rng.random() < dt_s / 20_000
        else:
            traffic.rx_bps = traffic.tx_bps = 0
        section = self._constant | {
            "up": self.up,
            "rx_pkts": traffic.rx_pkts,
            "tx_pkts": traffic.tx_pkts,
            "rx_bytes": traffic.rx_bytes if self._counts_bytes else 0,
            "tx_bytes": traffic.tx_bytes if self._counts_bytes else 0,
        }
        if self.physical and self.up:
            section["speed"] = self.speed_mbps
        return section

    def flap(self, at: float) -> None:
        """Change the link state."""
        self.up = not self.up
        self.flapped_at = at

    def restart(self) -> None:
        """Reset the counters to 0."""
        self._traffic.restart()
        self._errors = 0

    def rest(self, device: SimulatedDevice, number: int) -> Payload:
        """Return the port as the port search lists it, with bytes and errors also for switches."""
        traffic, powered = self._traffic, self.up and self._poe_mw > 0
        return {
            "type": device.kind,
            "mac": device.mac,
            "org_id": device.org.id,
            "site_id": device.site.id,
            "for_site": True,
            "port_id": self.port_id,
            "port_mac": mac_plus(device.mac, number),
            "port_usage": self.usage,
            "active": self.up,
            "up": self.up,
            "disabled": False,
            "unconfigured": False,
            "uplink": self.usage in ("uplink", "wan"),
            "speed": self.speed_mbps if self.up else 0,
            "full_duplex": self.up,
            "last_flapped": self.flapped_at,
            "rx_bytes": traffic.rx_bytes,
            "tx_bytes": traffic.tx_bytes,
            "rx_pkts": traffic.rx_pkts,
            "tx_pkts": traffic.tx_pkts,
            "rx_bcast_pkts": traffic.rx_pkts // 50,
            "tx_bcast_pkts": traffic.tx_pkts // 90,
            "rx_mcast_pkts": traffic.rx_pkts // 30,
            "tx_mcast_pkts": traffic.tx_pkts // 70,
            "rx_errors": self._errors,
            "tx_errors": 0,
            "rx_bps": traffic.rx_bps,
            "tx_bps": traffic.tx_bps,
            "mac_count": 1 if self.up else 0,
            "mac_limit": 0,
        } | (_switch_port(self, powered=powered) if device.kind == "switch" else _gateway_port(self))

    @property
    def poe_mw(self) -> int:
        """Power that the connected device draws, in mW."""
        return self._poe_mw


def _switch_port(interface: WiredInterface, *, powered: bool) -> Payload:
    return {
        "auth_state": "authenticated" if interface.up and interface.usage == "ap" else "",
        "stp_role": "designated" if interface.up else "disabled",
        "stp_state": "forwarding" if interface.up else "disabled",
        "poe_disabled": False,
        "poe_on": powered,
        "poe_mode": _POE_MODES[interface.poe_mw // 9_000] if interface.poe_mw else "",
        "poe_priority": "low",
        "power_draw": interface.poe_mw / 1000 if powered else 0,
        "neighbor_mac": "5c5b35000001" if interface.usage == "ap" else "",
        "neighbor_port_desc": "ETH0" if interface.usage == "ap" else "",
        "neighbor_system_name": "AP" if interface.usage == "ap" else "",
        "xcvr_model": "SFP+-10G-SR" if interface.usage == "uplink" else "",
        "xcvr_part_number": "740-021308" if interface.usage == "uplink" else "",
        "xcvr_serial": "02T511101234" if interface.usage == "uplink" else "",
    }


def _gateway_port(interface: WiredInterface) -> Payload:
    lte = interface.port_id.startswith("lte")
    return {
        "jitter": 0.8,
        "latency": 12.5,
        "loss": 0.0,
        "lte_iccid": "89000000000000000001" if lte else "",
        "lte_imei": "350000000000001" if lte else "",
        "lte_imsi": "001010000000001" if lte else "",
    }


class RoutingEngine:
    """CPU and memory load in percent; `suffix` is "2" for the second node of a cluster."""

    def __init__(self, rng: Random, *, suffix: str = "") -> None:
        self._suffix = suffix
        self._busy, self._memory = rng.uniform(8, 40), rng.uniform(15, 60)

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return cpu_stat and memory_stat."""
        self._memory = random_walk(rng, self._memory, 10, 92, 0.5)
        return {f"cpu{self._suffix}_stat": self.cpu(rng), f"memory{self._suffix}_stat": {"usage": int(self._memory)}}

    def cpu(self, rng: Random) -> Payload:
        """Return the shares of CPU time, which add up to 100."""
        busy = self._busy = random_walk(rng, self._busy, 2, 95, 4)
        user, system = int(busy * 0.5), int(busy * 0.4)
        load = [round(busy / 40, 2), round(busy / 45, 2), round(busy / 50, 2)]
        interrupt = int(busy) - user - system
        shares = {"user": user, "system": system, "interrupt": interrupt, "idle": 100 - int(busy)}
        return shares | {"usage": int(busy), "load_avg": load}

    def restart(self) -> None:
        """Do nothing: there are no counters."""


class ForwardingTables:
    """Usage of the MAC, ARP and route tables."""

    def __init__(self, rng: Random) -> None:
        self._macs, self._arps, self._routes = rng.uniform(20, 900), rng.uniform(10, 300), rng.randint(3, 60)

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return the sections of the three tables."""
        self._macs, self._arps = random_walk(rng, self._macs, 0, 2000, 5), random_walk(rng, self._arps, 0, 900, 3)
        routes = {
            "fib_routes": self._routes,
            "rib_routes": self._routes * 3,
            "total_routes": self._routes * 2,
            "max_unicast_routes_supported": 32_150,
        }
        return {
            "mac_table_stats": {"mac_table_count": int(self._macs), "max_mac_entries_supported": 64_000},
            "arp_table_stats": {"arp_table_count": int(self._arps), "max_entries_supported": 32_000},
            "route_summary_stats": routes,
        }

    def restart(self) -> None:
        """Do nothing: there are no counters."""


class DhcpPools:
    """Leases of the DHCP servers, by network name."""

    def __init__(self, rng: Random, sizes: dict[str, int], *, suffix: str = "") -> None:
        self._key = f"dhcpd{suffix}_stat"
        self._sizes = sizes
        self._leased = {name: rng.uniform(0, size) for name, size in sizes.items()}

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return dhcpd_stat."""
        pools = {}
        for name, size in self._sizes.items():
            leased = self._leased[name] = random_walk(rng, self._leased[name], 0, size, 3)
            pools[name] = {"num_ips": size, "num_leased": int(leased)}
        return {self._key: pools}

    def restart(self) -> None:
        """Do nothing: leases persist across a restart."""


def sensors(rng: Random, names: tuple[str, ...], warm_c: float) -> list[Payload]:
    """Return temperature sensors with values around `warm_c` degrees Celsius."""
    return [
        {"name": name, "celsius": int(warm_c + index * 4 + rng.random() * 3), "status": "ok"}
        for index, name in enumerate(names)
    ]


def addresses(ip: str, gateway: str, *, key: str = "ip_stat") -> Payload:
    """Return the section of the management address."""
    return {
        key: {
            "ip": ip,
            "netmask": "255.255.255.0",
            "gateway": gateway,
            "ip6": "2001:db8::2",
            "netmask6": "/64",
            "gateway6": "2001:db8::1",
            "dhcp_server": gateway,
            "dns": ["192.0.2.53"],
            "dns_suffix": ["example.net"],
            "ips": {"vlan1": f"{ip}/24"},
        }
    }
