"""Access points: two frames a cycle, and REST's longer answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from collector.simulator.fleet.ap_extras import Mesh, make_extras
from collector.simulator.fleet.ap_models import VARIANTS
from collector.simulator.fleet.ap_parts import Bluetooth, Environment, Ports, Power, Processor
from collector.simulator.fleet.ap_radio import Radios
from collector.simulator.fleet.device import Device
from collector.simulator.fleet.events import port_changed
from collector.simulator.fleet.ids import AP_OUI, device_id, mac_of, serial_of
from collector.simulator.fleet.places import HEIGHT_M, PPM, WIDTH_M

if TYPE_CHECKING:
    from collector.simulator.fleet.clients import Client
    from collector.simulator.fleet.messages import Payload
    from collector.simulator.fleet.parts import Part
    from collector.simulator.fleet.places import Org, Site
    from collector.simulator.fleet.world import World

_GAP_S = 0.006
"""The full frame leaves this long after the basic one."""

_MESH_BASE, _MESH_RELAY = 1, 2
_NAMELESS = 18
"""Of twenty APs this one was never given a name."""


class AccessPoint(Device):
    """An AP of the variant that its ordinal in the fleet gives it; `place` counts the APs of its site.

    Its frames: a basic one (addresses, Bluetooth, `_offset_apbasic`), then the full one (`_offset_apstats`). Neither
    names type or site unless the variant spells them out.
    """

    kind: ClassVar[str] = "ap"
    prefix: ClassVar[str] = "AP"

    def __init__(self, world: World, org: Org, site: Site, ordinal: int, place: int) -> None:
        seed = world.plan.seed
        super().__init__(world, org, site, mac_of(seed, AP_OUI, ordinal), f"{site.name} AP {place + 1:03d}")
        if ordinal % 20 == _NAMELESS:
            self.name = ""
        self.ordinal, self.place = ordinal, place
        self.variant = VARIANTS[ordinal % len(VARIANTS)]
        self.model, self.serial = self.variant.model, serial_of(self.mac, "A")
        self.version = "0.14.29543" if ordinal % 3 else "0.14.29313"
        self.clients: dict[str, Client] = {}
        rng = self.rng
        self.radios = Radios(self.variant.radios, self.mac, rng)
        self.ports = Ports(self.variant, rng, terse=ordinal % 2 == 0)
        self.bluetooth = Bluetooth(seed, self.mac, rng, beaconing=ordinal % 2 == 0)
        self._parts: list[Part] = [
            self.radios,
            self.ports,
            Processor(self.variant, rng),
            Environment(rng, outdoor=self.variant.outdoor),
            Power(self.variant, self.mac, rng),
            *make_extras(self.variant.extras, seed, self.mac, world.agenda.now),
            *self._mesh(seed),
        ]
        self._lived_at, self._ble_lived_at = self.booted_at, self.booted_at
        self._basic_next = True
        self._place()
        self._known = self._live(self.last_seen)
        self._known_basic = self._live_basic(self.last_seen)

    @property
    def ip(self) -> str:
        """Its address, unique within 65 thousand APs."""
        return f"10.{self.site.ordinal % 200}.{self.place // 250 % 250}.{self.place % 250 + 2}"

    def utter(self, at: float) -> tuple[Payload, float]:
        """Say the basic frame, and a moment later the full one."""
        if self._basic_next:
            self._basic_next = False
            self._known_basic = self._live_basic(at)
            return self._known_basic | {"_offset_apbasic": self.world.next_offset()}, _GAP_S
        self._basic_next = True
        self._known = self._live(at)
        plumbing: Payload = {"_time": self._known["last_seen"], "_offset_apstats": self.world.next_offset()}
        if self.variant.spelled:
            plumbing["_ttl"] = 190
        if "fwupdate" in self.variant.extras:
            self._tell_progress(at)
        cycle_s = self.world.plan.cadence_s * (0.98 + 0.04 * self.rng.random())
        return self._known | plumbing, cycle_s - _GAP_S

    def wake(self, at: float) -> None:
        """Begin with a basic frame."""
        self._basic_next = True
        super().wake(at)

    def rest(self) -> Payload:
        """Return the AP with everything that only REST says."""
        said = self._known | self._known_basic
        return said | {
            "id": self.id,
            "type": "ap",
            "org_id": self.org.id,
            "site_id": self.site.id,
            "name": self.name,
            "status": "connected" if self.connected else "disconnected",
            "last_seen": int(self.last_seen),
            "uptime": said["uptime"] if self.connected else 0,
            "created_time": int(self.claimed_at),
            "modified_time": int(self.claimed_at) + 3600,
        }

    def restart(self) -> None:
        """Count everything from 0 again."""
        now = self.world.agenda.now
        self._lived_at = self._ble_lived_at = now
        for part in (*self._parts, self.bluetooth):
            part.restart()

    def flap(self, at: float) -> None:
        """Let a port other than the uplink change its link."""
        spare = [port for port in self.ports.all if port.name != "eth0"]
        port = self.rng.choice(spare)
        port.up = not port.up
        port_changed(self, port.name, at, up=port.up)

    def effect_of(self, happening: str) -> Payload:
        """Radio resource management and radar move a radio to another channel."""
        return self.radios.retune(self.rng) if happening == "AP_RRM_ACTION" else {}

    def silenced(self, at: float) -> None:
        """All clients lose their AP."""
        for client in list(self.clients.values()):
            client.dropped(at)

    def moved(self) -> None:
        """Take the addresses and the place on the floor that belong to a new site."""
        self._place()
        for part in self._parts:
            if isinstance(part, Mesh):
                part.site_id = self.site.id

    def _tell_progress(self, at: float) -> None:
        """Say on the channel of device changes how far the firmware update is, while it runs."""
        update = self._known["fwupdate"]
        if update["status"] == "inprogress":
            detail = {key: update[key] for key in ("timestamp", "status", "status_id", "progress")}
            ids = {"site_id": self.site.id, "device_id": self.id}
            change = ids | {"event_type": "fwupdate", "detail": detail}
            self.world.emit(f"/sites/{self.site.id}/devices", change, "change", self.mac, at)

    def _live(self, at: float) -> Payload:
        dt_s, self._lived_at = at - self._lived_at, at
        frame = self._static | {"uptime": int(at - self.booted_at), "last_seen": round(at, 3)}
        for part in self._parts:
            frame |= part.live(dt_s, at, self.rng)
        frame["auto_upgrade_stat"] = {"lastcheck": int(at) // 3600 * 3600}
        return frame

    def _live_basic(self, at: float) -> Payload:
        dt_s, self._ble_lived_at = at - self._ble_lived_at, at
        said = {"mac": self.mac, "name": self.name, "uptime": int(at - self.booted_at), "last_seen": round(at, 3)}
        return said | self._addresses | self.bluetooth.live(dt_s, at, self.rng)

    def _place(self) -> None:
        """Set what stays the same from frame to frame at this site."""
        self._static = self._identity() | {
            "ip": self.ip,
            "ext_ip": f"198.51.100.{self.site.ordinal % 250 + 1}",
            "hw_rev": "C02",
            "led": {"enabled": True, "brightness": 255},
            "mount": "faceup",
            "notes": "",
            "locked": True,
            "locating": False,
            "config_reverted": False,
            "inactive_wired_vlans": [],
            "map_id": self.site.maps[0].id,
            "x": round((self.place * 7.0 + 3.0) % WIDTH_M * PPM, 1),
            "y": round((self.place * 5.0 + 2.0) % HEIGHT_M * PPM, 1),
        }
        ip6 = f"fe80:0:0:0:5e5b:35ff:fe{self.mac[6:8]}:{self.mac[8:]}"
        self._addresses: Payload = {
            "ip_stat": {
                "ip": self.ip,
                "netmask": "255.255.0.0",
                "gateway": f"10.{self.site.ordinal % 200}.0.1",
                "ip6": ip6,
                "netmask6": "/64",
                "gateway6": "fe80::1",
                "dhcp_server": f"10.{self.site.ordinal % 200}.0.1",
                "dns": ["192.0.2.53", "192.0.2.54"],
                "dns_suffix": ["example.net"],
                "ips": {"vlan1": f"{self.ip}/16,{ip6}/64"},
            }
        }

    def _identity(self) -> Payload:
        named: Payload = {
            "mac": self.mac,
            "name": self.name,
            "model": self.model,
            "version": self.version,
            "serial": self.serial,
        }
        if not self.variant.spelled:
            return named
        return named | {
            "id": self.id,
            "type": "ap",
            "org_id": self.org.id,
            "site_id": self.site.id,
            "status": "connected",
            "created_time": int(self.claimed_at),
            "modified_time": int(self.claimed_at) + 3600,
        }

    def _mesh(self, seed: int) -> list[Mesh]:
        """Return the links to the next AP, when this one is a mesh base, or to the one before, when it is a relay."""
        turn = self.ordinal % len(VARIANTS)
        if turn == _MESH_BASE and self.place + 1 < self.world.plan.aps:
            relay = mac_of(seed, AP_OUI, self.ordinal + 1)
            return [Mesh(self.rng, self.site.id, downlink_ids=(device_id(relay),))]
        if turn == _MESH_RELAY and self.place > 0:
            base = mac_of(seed, AP_OUI, self.ordinal - 1)
            return [Mesh(self.rng, self.site.id, uplink_id=device_id(base))]
        return []
