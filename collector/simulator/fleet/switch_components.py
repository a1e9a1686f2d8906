"""Components of switches: members, ports, wired clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.simulator.fleet.primitives import mac_plus, random_walk, serial_of
from collector.simulator.fleet.wired_components import RoutingEngine, WiredInterface, sensors

if TYPE_CHECKING:
    from random import Random

    from collector.simulator.fleet.primitives import Payload

_MEMBER_STEP = 0x40_0000
_FAILED_PSU_SHARE = 0.25  # share of members with a failed power supply
_LINK_UP_SHARE = 0.6  # share of the ports with a link
_AP_PORTS = 4  # APs are connected to the first ports
_ROLES = ("master", "backup", "linecard")
_PSU_STATUS = ("ok", "ok", "absent")  # the third bay is empty


@dataclass(frozen=True, kw_only=True)
class SwitchModel:
    """A switch model: number of access ports, PoE budget (W), number of fans and power supplies."""

    name: str
    ports: int
    poe_w: float
    fans: int
    psus: int


MODELS: tuple[SwitchModel, ...] = (
    SwitchModel(name="EX4100-48MP", ports=48, poe_w=1440.0, fans=2, psus=2),
    SwitchModel(name="EX4100-F-12P", ports=12, poe_w=180.0, fans=0, psus=3),
    SwitchModel(name="EX2300-C-12P", ports=12, poe_w=124.0, fans=0, psus=1),
    SwitchModel(name="EX4400-24P", ports=24, poe_w=740.0, fans=2, psus=2),
)


class ChassisMember:
    """A member of a chassis.

    `numbering` is the field that holds its index, which depends on the model generation: "fpc_idx", "_idx" or "none".
    """

    def __init__(self, model: SwitchModel, mac: str, index: int, rng: Random, *, count: int, numbering: str) -> None:
        self._model, self.index, self._count = model, index, count
        self._numbering = numbering
        self.mac = mac if index == 0 else mac_plus(mac, _MEMBER_STEP * index)
        self._engine = RoutingEngine(rng)
        self._warm_c, self._draw_w, self._up_s = rng.uniform(38, 52), rng.uniform(0.05, 0.6) * model.poe_w, 0.0
        self._failed = rng.randrange(model.psus) if rng.random() < _FAILED_PSU_SHARE and model.psus > 1 else None

    @property
    def serial(self) -> str:
        """Serial number of the member."""
        return serial_of(self.mac, "FJ")

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:
        """Return the element of module_stat."""
        self._up_s += dt_s
        self._warm_c = random_walk(rng, self._warm_c, 25, 75, 0.6)
        self._draw_w = random_walk(rng, self._draw_w, 0, self._model.poe_w, self._model.poe_w / 60)
        return self._index_field() | {
            "mac": self.mac,
            "serial": self.serial,
            "model": self._model.name,
            "type": "fpc",
            "status": "connected",
            "version": "23.4R2-S4",
            "backup_version": "22.4R3.25",
            "recovery_version": "22.4R3.25",
            "pending_version": "",
            "bios_version": "CDEN_P_EX1_00.21",
            "cpld_version": "5.1",
            "fpga_version": "1.0",
            "uboot_version": "2020.01",
            "boot_partition": "junos",
            "poe_version": "4.1.8",
            "last_seen": round(at, 3),
            "locating": False,
            "uptime": int(self._up_s),
            "vc_role": _ROLES[min(self.index, 2)],
            "vc_mode": "HiGiG",
            "vc_state": "present",
            "vc_links": self._links(),
            "cpu_stat": self._engine.cpu(rng),
            "memory_stat": self._engine.advance(dt_s, at, rng)["memory_stat"],
            "poe": {"max_power": self._model.poe_w, "power_draw": round(self._draw_w, 1), "status": "on"},
            "temperatures": sensors(rng, ("CPU", "PFE Die Sensor", "Thermal board Sensor 1"), self._warm_c),
            "fans": self._fans(rng),
            "psus": self._psus(),
            "pics": self._pics(),
            "errors": self._errors(at),
        }

    def restart(self) -> None:
        """Reset the uptime."""
        self._up_s = 0.0

    def _index_field(self) -> Payload:
        return {} if self._numbering == "none" else {self._numbering: self.index}

    def _links(self) -> list[Payload]:
        neighbors = [index for index in (self.index - 1, self.index + 1) if 0 <= index < self._count]
        if self._numbering == "_idx":
            return [{"neighbor_idx": neighbor, "status": "Up"} for neighbor in neighbors]
        return [
            {
                "port_id": f"vcp-{self.index}/1/{port}",
                "neighbor_module_idx": neighbor,
                "neighbor_port_id": f"vcp-{neighbor}/1/{1 - port}",
            }
            for port, neighbor in enumerate(neighbors)
        ]

    def _fans(self, rng: Random) -> list[Payload]:
        running = {"status": "ok", "airflow": "out"}
        fans: list[Payload] = [
            {"name": f"Fan {number}", "rpm": 5000 + int(rng.random() * 900)} | running
            for number in range(self._model.fans)
        ]
        return [*fans, {"name": f"Fan {len(fans)}", "status": "absent"}] if fans else []

    def _psus(self) -> list[Payload]:
        return [
            {"name": f"Power Supply {number}", "status": "failed" if number == self._failed else _PSU_STATUS[number]}
            for number in range(self._model.psus)
        ]

    def _pics(self) -> list[Payload]:
        key = "idx" if self._numbering == "none" else "index"
        groups = ((0, self._model.ports, "GE"), (1, 4, "SFP/SFP+"))
        return [
            {key: index, "model_number": self._model.name, "port_groups": [{"count": count, "type": kind}]}
            for index, count, kind in groups
        ]

    def _errors(self, at: float) -> list[Payload]:
        if self._failed is None:
            return []
        # An old error: it started at the beginning of the day.
        fault = {"type": "PSU", "feature": "power", "reason": "no input", "minimum_version": ""}
        return [fault | {"since": int(at) // 86_400 * 86_400}]


class ChassisMembers:
    """All members; `listed` is False for a standalone switch without module_stat."""

    def __init__(self, members: list[ChassisMember], *, listed: bool) -> None:
        self.all, self._listed = members, listed

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:
        """Return module_stat."""
        modules = [member.advance(dt_s, at, rng) for member in self.all]
        return {"module_stat": modules} if self._listed else {}

    def restart(self) -> None:
        """Reset the uptimes."""
        for member in self.all:
            member.restart()


class WiredClientCounts:
    """Number of wired clients, in the format of one of three firmware generations (0, 1 or 2)."""

    def __init__(self, generation: int, mac: str, members: int, rng: Random) -> None:
        self._generation, self._mac, self._members = generation, mac, members
        self._count = rng.uniform(3, 40)
        self._aps = rng.randint(1, 8)

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return num_clients, clients_stats or clients."""
        self._count = random_walk(rng, self._count, 0, 60, 2)
        count = int(self._count)
        if self._generation == 0:
            total = {"num_clients": count, "num_aps": self._aps}
            return {"num_clients": {"total": total, "0": {"num_clients": count // 2, "num_aps": self._aps // 2}}}
        if self._generation == 1:
            aps = [self._aps] + [0] * (self._members - 1)
            return {"clients_stats": {"total": {"num_wired_clients": count, "num_aps": aps}}}
        return {"clients": [self._client(number) for number in range(count)]}

    def restart(self) -> None:
        """Do nothing: there are no counters."""

    def _client(self, number: int) -> Payload:
        return {
            "mac": f"b0c4e7{number:06x}",
            "port_id": f"ge-0/0/{number}",
            "device_mac": self._mac,
            "hostname": "" if number % 3 else f"desk-{number}",
        }


def make_interfaces(model: SwitchModel, members: int, rng: Random) -> list[WiredInterface]:
    """Return the ports of all members, the uplinks, two units of one port, and interfaces without a port."""
    made: list[WiredInterface] = []
    for member in range(members):
        for port in range(model.ports):
            usage = "ap" if port < _AP_PORTS else "user"
            made.append(
                WiredInterface(
                    f"ge-{member}/0/{port}.0",
                    rng,
                    up=port < _AP_PORTS or rng.random() < _LINK_UP_SHARE,
                    speed_mbps=rng.choice((100, 1000, 2500)),
                    counts_bytes=False,
                    usage=usage,
                )
            )
        made += [
            WiredInterface(
                f"xe-{member}/2/{port}.0", rng, up=port == 0, speed_mbps=10_000, counts_bytes=False, usage="uplink"
            )
            for port in range(2)
        ]
    made += [
        WiredInterface("ge-0/0/5.130", rng, physical=False, counts_bytes=False, constant={"vlan": 130}),
        WiredInterface("irb.172", rng, physical=False, counts_bytes=False,
                       constant={"vlan": 172, "ips": ["192.0.2.41/24"], "servp_info": {}}),
        WiredInterface("me0.0", rng, physical=False, counts_bytes=False),
        WiredInterface("vme.0", rng, up=members > 1, physical=False, counts_bytes=False,
                       constant={"ips": ["192.0.2.5/24"]}),
        WiredInterface("ae0.0", rng, physical=False, counts_bytes=False),
    ]  # fmt: skip
    return made
