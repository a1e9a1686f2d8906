"""Access points: a basic and a full frame in every cycle, and the longer REST object."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from collector.simulator.fleet.ap_components import ApCpuAndMemory, ApPorts, ApPower, ApSensors, BleRadio
from collector.simulator.fleet.ap_optional_components import MeshLinks, make_optional_components
from collector.simulator.fleet.ap_radios import ApRadios
from collector.simulator.fleet.ap_variants import AP_VARIANTS
from collector.simulator.fleet.device import SimulatedDevice
from collector.simulator.fleet.primitives import AP_OUI, device_id, mac_of, serial_of
from collector.simulator.fleet.sites import HEIGHT_M, PPM, WIDTH_M

if TYPE_CHECKING:
    from collector.simulator.fleet.context import FleetContext
    from collector.simulator.fleet.primitives import Component, Payload
    from collector.simulator.fleet.sites import SimulatedOrg, SimulatedSite

_FULL_FRAME_DELAY_S = 0.006
"""Delay of the full frame after the basic frame."""

_MESH_BASE, _MESH_RELAY = 1, 2
_UNNAMED = 18
"""Of twenty APs, the one without a name."""


class AssociatedClient(Protocol):
    """A client that is associated with an AP."""

    def ap_lost(self, at: float) -> None:
        """Handle the loss of the AP at the unix time `at`."""


class AccessPoint(SimulatedDevice):
    """An AP whose variant follows from its ordinal in the fleet; `number` is its index in its site.

    It sends a basic frame (addresses, Bluetooth, `_offset_apbasic`) and then a full frame (`_offset_apstats`). Neither
    has `type` or `site_id` unless the variant has explicit ids.
    """

    kind: ClassVar[str] = "ap"
    prefix: ClassVar[str] = "AP"

    def __init__(
        self, context: FleetContext, org: SimulatedOrg, site: SimulatedSite, ordinal: int, number: int
    ) -> None:
        seed = context.plan.seed
        super().__init__(context, org, site, mac_of(seed, AP_OUI, ordinal), f"{site.name} AP {number + 1:03d}")
        if ordinal % 20 == _UNNAMED:
            self.name = ""
        self.ordinal, self.number = ordinal, number
        self.variant = AP_VARIANTS[ordinal % len(AP_VARIANTS)]
        self.model, self.serial = self.variant.model, serial_of(self.mac, "A")
        self.version = "0.14.29543" if ordinal % 3 else "0.14.29313"
        self.clients: dict[str, AssociatedClient] = {}
        rng = self.rng
        self.radios = ApRadios(self.variant.radios, self.mac, rng)
        self.ports = ApPorts(self.variant, rng, brief=ordinal % 2 == 0)
        self.bluetooth = BleRadio(seed, self.mac, rng, beaconing=ordinal % 2 == 0)
        self._components: list[Component] = [
            self.radios,
            self.ports,
            ApCpuAndMemory(self.variant, rng),
            ApSensors(rng, outdoor=self.variant.outdoor),
            ApPower(self.variant, self.mac, rng),
            *make_optional_components(self.variant.extras, seed, self.mac, context.schedule.now),
            *self._mesh(seed),
        ]
        self._advanced_at, self._ble_advanced_at = self.booted_at, self.booted_at
        self._basic_next = True
        self._update_static()
        self._last_payload = self._advance(self.last_seen)
        self._last_basic = self._advance_basic(self.last_seen)

    @property
    def ip(self) -> str:
        """IPv4 address, unique among 65,000 APs."""
        return f"10.{self.site.ordinal % 200}.{self.number // 250 % 250}.{self.number % 250 + 2}"

    def next_frame(self, at: float) -> tuple[Payload, float]:
        """Return the basic frame or, a few milliseconds later, the full frame of the cycle."""
        if self._basic_next:
            self._basic_next = False
            self._last_basic = self._advance_basic(at)
            return self._last_basic | {"_offset_apbasic": self.context.next_offset()}, _FULL_FRAME_DELAY_S
        self._basic_next = True
        self._last_payload = self._advance(at)
        markers: Payload = {"_time": self._last_payload["last_seen"], "_offset_apstats": self.context.next_offset()}
        if self.variant.explicit_ids:
            markers["_ttl"] = 190
        if "fwupdate" in self.variant.extras:
            self._send_update_progress(at)
        cycle_s = self.context.plan.cadence_s * (0.98 + 0.04 * self.rng.random())
        return self._last_payload | markers, cycle_s - _FULL_FRAME_DELAY_S

    def start_reporting(self, at: float) -> None:
        """Start with a basic frame."""
        self._basic_next = True
        super().start_reporting(at)

    def rest(self) -> Payload:
        """Return the last known state, including the fields that only REST has."""
        payload = self._last_payload | self._last_basic
        return payload | {
            "id": self.id,
            "type": "ap",
            "org_id": self.org.id,
            "site_id": self.site.id,
            "name": self.name,
            "status": "connected" if self.connected else "disconnected",
            "last_seen": int(self.last_seen),
            "uptime": payload["uptime"] if self.connected else 0,
            "created_time": int(self.claimed_at),
            "modified_time": int(self.claimed_at) + 3600,
        }

    def restart(self) -> None:
        """Reset every counter to 0."""
        now = self.context.schedule.now
        self._advanced_at = self._ble_advanced_at = now
        for component in (*self._components, self.bluetooth):
            component.restart()

    def flap(self, at: float) -> None:
        """Change the link state of a port other than the uplink."""
        spare = [port for port in self.ports.all if port.name != "eth0"]
        port = self.rng.choice(spare)
        port.up = not port.up
        self.send_port_event(port.name, at, up=port.up)

    def apply_event(self, event_type: str) -> Payload:
        """Move a radio to another channel for AP_RRM_ACTION."""
        return self.radios.retune(self.rng) if event_type == "AP_RRM_ACTION" else {}

    def on_disconnect(self, at: float) -> None:
        """Disconnect all clients."""
        for client in list(self.clients.values()):
            client.ap_lost(at)

    def identity_changed(self) -> None:
        """Update addresses, position and site ids."""
        self._update_static()
        for component in self._components:
            if isinstance(component, MeshLinks):
                component.site_id = self.site.id

    def _send_update_progress(self, at: float) -> None:
        """Report the progress of a running firmware update on the channel of device changes."""
        update = self._last_payload["fwupdate"]
        if update["status"] == "inprogress":
            detail = {key: update[key] for key in ("timestamp", "status", "status_id", "progress")}
            ids = {"site_id": self.site.id, "device_id": self.id}
            change = ids | {"event_type": "fwupdate", "detail": detail}
            self.context.send_message(f"/sites/{self.site.id}/devices", change, "change", self.mac, at)

    def _advance(self, at: float) -> Payload:
        dt_s, self._advanced_at = at - self._advanced_at, at
        frame = self._static | {"uptime": int(at - self.booted_at), "last_seen": round(at, 3)}
        for component in self._components:
            frame |= component.advance(dt_s, at, self.rng)
        frame["auto_upgrade_stat"] = {"lastcheck": int(at) // 3600 * 3600}
        return frame

    def _advance_basic(self, at: float) -> Payload:
        dt_s, self._ble_advanced_at = at - self._ble_advanced_at, at
        payload = {"mac": self.mac, "name": self.name, "uptime": int(at - self.booted_at), "last_seen": round(at, 3)}
        return payload | self._addresses | self.bluetooth.advance(dt_s, at, self.rng)

    def _update_static(self) -> None:
        """Build the sections that are constant while the AP stays at its site."""
        self._static = self._static_identity() | {
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
            "x": round((self.number * 7.0 + 3.0) % WIDTH_M * PPM, 1),
            "y": round((self.number * 5.0 + 2.0) % HEIGHT_M * PPM, 1),
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

    def _static_identity(self) -> Payload:
        identity: Payload = {
            "mac": self.mac,
            "name": self.name,
            "model": self.model,
            "version": self.version,
            "serial": self.serial,
        }
        if not self.variant.explicit_ids:
            return identity
        return identity | {
            "id": self.id,
            "type": "ap",
            "org_id": self.org.id,
            "site_id": self.site.id,
            "status": "connected",
            "created_time": int(self.claimed_at),
            "modified_time": int(self.claimed_at) + 3600,
        }

    def _mesh(self, seed: int) -> list[MeshLinks]:
        """Return the mesh links to the next AP, for a mesh base, or to the previous AP, for a relay."""
        variant = self.ordinal % len(AP_VARIANTS)
        if variant == _MESH_BASE and self.number + 1 < self.context.plan.aps:
            relay = mac_of(seed, AP_OUI, self.ordinal + 1)
            return [MeshLinks(self.rng, self.site.id, downlink_ids=(device_id(relay),))]
        if variant == _MESH_RELAY and self.number > 0:
            base = mac_of(seed, AP_OUI, self.ordinal - 1)
            return [MeshLinks(self.rng, self.site.id, uplink_id=device_id(base))]
        return []
