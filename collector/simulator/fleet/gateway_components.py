"""Components of gateways: interfaces, services processing units, nodes, peers and tunnels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.primitives import TrafficCounters, random_walk
from collector.simulator.fleet.wired_components import WiredInterface, sensors

if TYPE_CHECKING:
    from random import Random

    from collector.simulator.fleet.primitives import Payload

_SERVICE_PROVIDER = {
    "asn": "64500",
    "city": "Cupertino",
    "country_code": "US",
    "latitude": 37.2955,
    "longitude": -122.033,
    "org": "Example Telecom",
    "region_code": "CA",
}
_WAN = {
    "address_mode": "Dynamic",
    "ips": ["198.51.100.9/24"],
    "nat_addresses": ["203.0.113.7"],
    "port_usage": "wan",
    "redundancy_state": "",
    "servp_info": _SERVICE_PROVIDER,
    "vlan": 0,
    "wan_type": "broadband",
}
_LAN = {"address_mode": "Static", "nat_addresses": [], "port_usage": "lan", "redundancy_state": "", "servp_info": {}}


def wan(key: str, name: str, rng: Random, *, up: bool = True, kind: str = "broadband") -> WiredInterface:
    """Return an interface to a service provider."""
    return WiredInterface(key, rng, up=up, usage="wan", constant=_WAN | {"wan_name": name, "wan_type": kind})


def lan(key: str, network: str, vlan: int, rng: Random, *, physical: bool = True, state: str = "") -> WiredInterface:
    """Return an interface to the site."""
    constant = _LAN | {
        "network_name": network,
        "vlan": vlan,
        "ips": [f"10.99.{vlan % 250}.1/24"],
        "redundancy_state": state,
    }
    return WiredInterface(key, rng, physical=physical, usage="lan", constant=constant)


class GatewayInterfaces:
    """The interfaces of one node, with byte counters."""

    def __init__(self, interfaces: list[WiredInterface], *, suffix: str = "") -> None:
        self.all, self._key = interfaces, f"if{suffix}_stat"

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return if_stat."""
        return {self._key: {interface.key: interface.advance(dt_s, rng) for interface in self.all}}

    def restart(self) -> None:
        """Reset the counters to 0."""
        for interface in self.all:
            interface.restart()


class ServicesProcessingUnit:
    """A services processing unit; its section is a list with `as_list`, else a single object."""

    def __init__(self, rng: Random, *, suffix: str = "", as_list: bool = True) -> None:
        self._key, self._as_list = f"spu{suffix}_stat", as_list
        self._sessions, self._busy, self._up_s = rng.uniform(50, 5000), rng.uniform(1, 40), 0.0

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return spu_stat."""
        self._up_s += dt_s
        self._sessions = random_walk(rng, self._sessions, 0, 30_000, 60)
        self._busy = random_walk(rng, self._busy, 0, 95, 3)
        unit = {
            "spu_cpu": int(self._busy),
            "spu_memory": 34,
            "spu_current_session": int(self._sessions),
            "spu_max_session": 32_768,
            "spu_pending_session": int(rng.random() * 3),
            "spu_valid_session": int(self._sessions) - int(self._sessions) // 10,
            "spu_uptime": int(self._up_s),
        }
        return {self._key: [unit] if self._as_list else _nested(unit)}

    def restart(self) -> None:
        """Reset the uptime."""
        self._up_s = 0.0


def _nested(unit: Payload) -> Payload:
    """Return the less frequent format: an object with the sessions one level deeper (its keys are unverified)."""
    sessions = {name: value for name, value in unit.items() if name.endswith("_session")}
    return {name: value for name, value in unit.items() if name not in sessions} | {"sessions": sessions}


class GatewayNode:
    """The chassis of one node: the only element of module_stat."""

    def __init__(
        self, mac: str, serial: str, model: str, rng: Random, *, suffix: str = "", role: str = "", ssr: bool = False
    ) -> None:
        self._key, self._ssr = f"module{suffix}_stat", ssr
        self._warm_c, self._up_s, self._flows = rng.uniform(40, 55), 0.0, rng.uniform(100, 9000)
        self._constant: Payload = {
            "mac": mac,
            "serial": serial,
            "model": model,
            "status": "connected",
            "version": "6.3.0-107.r1.el7" if ssr else "22.4R3-S2",
            "backup_version": "21.2R3-S7.7",
            "recovery_version": "21.2R3-S7.7",
            "pending_version": "",
            "boot_partition": "junos",
            "bios_version": "1.0",
            "cpld_version": "1.0",
            "fpga_version": "1.0",
            "uboot_version": "1.0",
            "poe_version": "1.0",
            "locating": False,
            "psus": [{"name": "Power Supply 0", "status": "ok"}],
        }
        if role:
            links = [
                {"port_id": "fxp1", "neighbor_module_idx": 1 if role == "primary" else 0, "neighbor_port_id": "fxp1"}
            ]
            self._constant |= {"vc_role": role, "vc_state": "active", "vc_mode": "", "vc_links": links}

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:
        """Return module_stat."""
        self._up_s += dt_s
        self._warm_c = random_walk(rng, self._warm_c, 30, 80, 0.5)
        self._flows = random_walk(rng, self._flows, 0, 20_000, 200)
        node: Payload = self._constant | {
            "uptime": int(self._up_s),
            "last_seen": round(at, 3),
            "memory_stat": {"usage": 41},
            "temperatures": sensors(rng, ("Routing Engine", "Routing Engine CPU"), self._warm_c),
            "fans": [{"name": "Fan 0", "status": "ok", "rpm": 4800 + int(rng.random() * 500), "airflow": "out"}],
            "poe": {"max_power": 120.0, "power_draw": round(8 + rng.random(), 1), "status": "on"},
        }
        if self._ssr:
            node["network_resources"] = [
                {"type": "FIB", "count": 1200, "limit": 22_608},
                {"type": "FLOW", "count": int(self._flows), "limit": 524_288},
                {"type": "ACCESS_POLICY", "count": 40, "limit": 65_536},
            ]
        return {self._key: [node]}

    def restart(self) -> None:
        """Reset the uptime."""
        self._up_s = 0.0


class GatewayPeers:
    """BGP peers, VPN peers and WAN tunnels of a gateway."""

    def __init__(self, name: str, site_id: str, rng: Random, *, ssr: bool) -> None:
        self._name, self._site_id, self._ssr = name, site_id, ssr
        self._bgp, self._tunnel = (
            TrafficCounters(300, 200),
            TrafficCounters(rng.uniform(1e3, 9e4), rng.uniform(1e3, 9e4)),
        )
        self._up_s, self._latency_ms = 0.0, rng.uniform(8, 60)

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:
        """Return bgp_peers, vpn_peers and tunnels."""
        self._up_s += dt_s
        self._bgp.transfer(dt_s, 1.0, rng)
        self._tunnel.transfer(dt_s, 1.0, rng)
        self._latency_ms = random_walk(rng, self._latency_ms, 2, 250, 4)
        return {"bgp_peers": [self._neighbour(at)], "vpn_peers": self._vpn(at, rng), "tunnels": [self._wan_tunnel(at)]}

    def restart(self) -> None:
        """Re-establish all sessions."""
        self._up_s = 0.0
        self._bgp.restart()
        self._tunnel.restart()

    def _neighbour(self, at: float) -> Payload:
        return {
            "neighbor": "192.0.2.129",
            "neighbor_as": 65_000,
            "neighbor_mac": "020001c04600",
            "local_as": 65_001,
            "evpn_overlay": False,
            "for_overlay": True,
            "node": "node0",
            "state": "established",
            "up": True,
            "uptime": int(self._up_s),
            "timestamp": round(at, 2),
            "vrf_name": "default",
            "rx_pkts": self._bgp.rx_pkts,
            "tx_pkts": self._bgp.tx_pkts,
            "rx_routes": 60,
            "tx_routes": 12,
        }

    def _vpn(self, at: float, rng: Random) -> list[Payload]:
        peer: Payload = {
            "type": "svr" if self._ssr else "ipsec",
            "peer_mac": "020001367edd",
            "peer_port_id": "DC_Internet",
            "peer_router_name": "hub-1",
            "peer_site_id": self._site_id,
            "router_name": self._name,
            "last_seen": round(at, 3),
            "is_active": True,
            "up": True,
            "uptime": int(self._up_s),
            "latency": round(self._latency_ms, 1),
            "jitter": round(rng.random() * 4, 2),
            "loss": 0.0,
            "mos": 4.2,
            "mtu": 1500,
        }
        return [
            peer | {"port_id": "ge-0/0/0"},
            peer | {"port_id": "ge-0/0/1", "is_active": False, "up": False, "uptime": 0},
        ]

    def _wan_tunnel(self, at: float) -> Payload:
        return {
            "tunnel_name": f"{self._name}-ipsec-1",
            "wan_name": "ISP-Primary",
            "node": "node0",
            "ip": "198.51.100.9",
            "peer_host": "vpn.example.net",
            "peer_ip": "203.0.113.80",
            "protocol": "ipsec",
            "priority": "primary",
            "ike_version": "2",
            "auth_algo": "hmac-sha256",
            "encrypt_algo": "aes-256-gcm",
            "last_event": "",
            "last_flapped": round(at - self._up_s, 1),
            "up": True,
            "uptime": int(self._up_s),
            "rx_bytes": self._tunnel.rx_bytes,
            "rx_pkts": self._tunnel.rx_pkts,
            "tx_bytes": self._tunnel.tx_bytes,
            "tx_pkts": self._tunnel.tx_pkts,
        }


CLUSTER = {
    "is_ha": True,
    "cluster_stat": {"state": "online"},
    "cluster_config": {
        "configuration": "active-active",
        "operational": "active-active",
        "status": "Green",
        "primary_node_health": "Healthy",
        "secondary_node_health": "Not healthy",
        "last_status_change_reason": "No failures",
        "control_link_info": {"name": "fxp1", "status": "Up"},
        "ethernet_connection": [
            {"name": "reth0", "status": "Up"},
            {"name": "reth1", "status": "Up"},
            {"name": "reth2", "status": "Down"},
        ],
        "fabric_link_info": {
            "DataPlaneNotifiedStatus": "Up",
            "Interface": ["ge-0/0/2", "ge-5/0/2"],
            "InternalStatus": "Up",
            "State": "Enabled",
            "Status": "Enabled",
        },
        "redundancy_group_information": [
            {"Id": 0, "MonitoringFailure": "none", "Threshold": 255},
            {"Id": 1, "MonitoringFailure": "interface-monitoring", "Threshold": 0},
        ],
    },
}
"""Fields that only a cluster of two SRX has, with the mixed-case keys of Mist."""

SERVICES = {
    "appid_install_result": "successful",
    "appid_install_timestamp": "2026-01-02T06:29:11.708164029Z",
    "appid_status": "enabled",
    "appid_version": 3720,
    "ewf_status": "disabled",
    "idp_install_result": "successful",
    "idp_install_timestamp": "2026-01-02T06:29:11.708164029Z",
    "idp_policy": "",
    "idp_status": "disabled",
    "idp_update_timestamp": "2026-01-02T06:28:28.567046244Z",
}
