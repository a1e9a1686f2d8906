"""The fleet: everything that lives in a simulated Mist cloud, and the questions REST asks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet import events
from collector.simulator.fleet.ap import AccessPoint
from collector.simulator.fleet.clients import Crowd
from collector.simulator.fleet.insights import Insights
from collector.simulator.fleet.makers import MAKERS
from collector.simulator.fleet.places import UNASSIGNED, make_org, make_site, no_site
from collector.simulator.fleet.site_life import SiteLife
from collector.simulator.fleet.visitors import make_visitors
from collector.simulator.fleet.world import World

if TYPE_CHECKING:
    from collector.simulator.fleet.device import Device
    from collector.simulator.fleet.messages import Emission, Event, Payload
    from collector.simulator.fleet.places import Org, Site
    from collector.simulator.fleet.plan import FleetPlan
    from collector.simulator.fleet.visitors import Visitor


class Fleet:
    """All orgs, sites, devices and clients of a plan, living in simulated time.

    `step` is the only thing that lets time pass; every other method answers about, or acts at, the time reached.
    Unknown ids and addresses raise KeyError. What tests play (`reboot`, `remove_device`, ...) is heard in the answer
    of the next `step`.
    """

    def __init__(self, plan: FleetPlan) -> None:
        self.plan = plan
        self._world = World(plan)
        self._orgs: dict[str, Org] = {}
        self._sites: dict[str, Site] = {}
        self._crowds: dict[str, Crowd] = {}
        self._lives: dict[str, SiteLife] = {}
        self._visitors: dict[str, list[Visitor]] = {}
        self._devices: dict[str, Device] = {}
        self._made: dict[str, int] = {}
        self._site_count = 0
        for ordinal in range(plan.orgs):
            org = make_org(plan.seed, ordinal, plan.start)
            self._orgs[org.id] = org
            settled = [self._settle(org) for _ in range(plan.sites)]
            for place in range(plan.mxedges):  # every second one belongs to a site
                site = settled[place // 2 % len(settled)] if place % 2 and settled else no_site(org)
                self._make(site, "mxedge").wake(self.now)
            Insights(self._world, org, self._look).begin(self.now)

    # Time.

    @property
    def now(self) -> float:
        """The unix time reached."""
        return self._world.agenda.now

    def step(self, until: float) -> list[Emission | Event]:
        """Live up to the unix time `until` and return what was said since the last step, ordered by `at`."""
        self._world.agenda.run(until)
        said, self._world.said = self._world.said, []
        return said

    # What REST asks.

    def orgs(self) -> list[Payload]:
        """All orgs."""
        return [org.rest() for org in self._orgs.values()]

    def sites(self, org_id: str) -> list[Payload]:
        """The sites of an org."""
        self._orgs[org_id]
        return [site.rest() for site in self._sites.values() if site.org.id == org_id]

    def inventory(self, org_id: str, *, members: bool = False) -> list[Payload]:
        """The APs, switches and gateways that an org owns; `members` adds those of virtual chassis (`vc=true`)."""
        self._orgs[org_id]
        owned = [device for device in self._devices.values() if device.org.id == org_id and device.kind != "mxedge"]
        extra = [member for device in owned for member in device.rest_members()] if members else []
        return [device.rest_inventory() for device in owned] + extra

    def device_stats(self, scope_id: str, kind: str = "all") -> list[Payload]:
        """The last known state of the devices of an org or a site; `kind` "ap", "switch", "gateway" or "all"."""
        kinds = ("ap", "switch", "gateway") if kind == "all" else (kind,)
        return [device.rest() for device in self._within(scope_id) if device.kind in kinds]

    def mxedge_stats(self, scope_id: str | None = None) -> list[Payload]:
        """The last known state of the Mist Edges: all, or those of an org or a site."""
        edges = self._devices.values() if scope_id is None else self._within(scope_id)
        return [device.rest() for device in edges if device.kind == "mxedge"]

    def ports(self, scope_id: str) -> list[Payload]:
        """The switch and gateway ports of an org or a site, as `stats/ports/search` lists them."""
        return [port for device in self._within(scope_id) for port in device.rest_ports()]

    def client_stats(self, site_id: str) -> list[Payload]:
        """The Wi-Fi clients of a site that have spoken and are associated."""
        return [client.known for client in self._crowds[site_id].associated() if client.known]

    def maps(self, site_id: str) -> list[Payload]:
        """The floor maps of a site."""
        return self._sites[site_id].rest_maps()

    def zones(self, site_id: str) -> list[Payload]:
        """The zones on the maps of a site."""
        return self._sites[site_id].rest_zones()

    def zone_stats(self, site_id: str) -> list[Payload]:
        """The zones of a site with how many are in each now: Wi-Fi clients, app users, assets."""
        inside = {zone.id: list(zone.inside.values()) for floor in self._sites[site_id].maps for zone in floor.zones}
        names = {"num_clients": "wifi", "num_sdkclients": "sdk", "num_assets": "asset"}
        return [
            zone | {name: inside[zone["id"]].count(who) for name, who in names.items()} for zone in self.zones(site_id)
        ]

    def map_stats(self, site_id: str, map_id: str, kind: str) -> list[Payload]:
        """Who is located on a map, as its channel said last.

        `kind` is "unconnected_clients", "sdkclients", "assets" or "discovered_assets".
        """
        return [
            visitor.known
            for visitor in self._visitors[site_id]
            if visitor.kind.channel == kind and visitor.presence.floor.id == map_id and visitor.there and visitor.known
        ]

    def site_settings(self, site_id: str) -> Payload:
        """The settings of a site."""
        return self._sites[site_id].rest_settings()

    def site_stats(self, site_id: str) -> Payload:
        """The counts of a site."""
        devices = [device for device in self._within(site_id) if device.kind != "mxedge"]
        counts = {"num_clients": len(self._crowds[site_id].associated())} | _count(devices, "devices")
        for kind in ("ap", "switch", "gateway"):
            counts |= _count([device for device in devices if device.kind == kind], kind)
        return self._sites[site_id].rest_stats() | counts

    def org_stats(self, org_id: str) -> Payload:
        """The counts of an org."""
        devices = self._within(org_id)
        connected = sum(device.connected for device in devices)
        return self._orgs[org_id].rest() | {
            "num_sites": len(self.sites(org_id)),
            "num_devices": len(devices),
            "num_devices_connected": connected,
            "num_devices_disconnected": len(devices) - connected,
            "num_inventory": len(devices),
            "sle": [{"path": "coverage", "user_minutes": {"ok": 988.1, "total": 1004.0}}],
        }

    def alarms(self, org_id: str) -> list[Payload]:
        """The alarms raised lately in an org, newest last."""
        self._orgs[org_id]
        return [alarm for alarm in self._world.alarms if alarm["org_id"] == org_id]

    # The truth.

    def macs(self, kind: str = "all") -> list[str]:
        """The addresses of all devices of a kind."""
        return [mac for mac, device in self._devices.items() if kind in ("all", device.kind)]

    def truth(self, mac: str) -> Payload:
        """What a perfect listener knows of a device.

        `state` is its frames merged, so only what it streamed; `resets` are the unix times at which its counters
        fell to 0; besides kind, mac, id, name, model, org_id, site_id, connected, frames, last_seen.
        """
        return self._devices[mac].truth()

    # What tests play.

    def reboot(self, mac: str) -> None:
        """Restart a device: silent for `plan.reboot_s`, then counters from 0."""
        self._devices[mac].reboot(self.now)

    def disconnect(self, mac: str) -> None:
        """Cut a device off: it says nothing until `reconnect`."""
        self._devices[mac].fall_silent(self.now)

    def reconnect(self, mac: str) -> None:
        """Let a device speak again; its counters go on."""
        self._devices[mac].come_back(self.now)

    def add_device(self, site_id: str, kind: str = "ap") -> str:
        """Claim a new device for a site and return its address.

        `kind` is "ap", "switch", "virtual_chassis", "gateway", "srx_cluster", "ssr" or "mxedge"; else ValueError.
        """
        device = self._make(self._sites[site_id], kind)
        events.assigned(device, "CLAIMED", self.now)
        events.assigned(device, "ASSIGNED", self.now)
        device.wake(self.now)
        return device.mac

    def remove_device(self, mac: str) -> None:
        """Take a device out of its org."""
        device = self._devices[mac]
        self._withdraw(device)
        events.assigned(device, "UNASSIGNED", self.now)
        events.assigned(device, "UNCLAIMED", self.now)

    def move_device(self, mac: str, site_id: str) -> None:
        """Assign a device to another site of its org, on whose channel it then speaks; ValueError across orgs."""
        device, site = self._devices[mac], self._sites[site_id]
        if site.org is not device.org:
            raise ValueError(f"{mac} belongs to {device.org.name}, the site to {site.org.name}")
        events.assigned(device, "UNASSIGNED", self.now)
        self._leave_crowd(device)
        device.site = site
        device.moved()
        self._join_crowd(device)
        events.assigned(device, "ASSIGNED", self.now)

    def add_site(self, org_id: str | None = None) -> str:
        """Add a site with the devices of the plan to an org (the first one by default) and return its id."""
        org = self._orgs[org_id] if org_id is not None else next(iter(self._orgs.values()))
        return self._settle(org).id

    def remove_site(self, site_id: str) -> None:
        """Remove a site with everything in it."""
        self._crowds[site_id].disperse()
        for device in self._within(site_id):
            self._withdraw(device)
        for visitor in self._visitors[site_id]:
            visitor.forget()
        self._lives[site_id].over = True
        del self._crowds[site_id], self._sites[site_id], self._visitors[site_id], self._lives[site_id]

    # Building.

    def _settle(self, org: Org) -> Site:
        site = make_site(self.plan.seed, org, self._site_count, self.now)
        self._site_count += 1
        self._sites[site.id] = site
        self._crowds[site.id] = Crowd(self._world, site)
        for kind, maker in MAKERS.items():
            for _ in range(getattr(self.plan, maker.counted_by) if maker.of_site else 0):
                self._make(site, kind).wake(self.now)
        self._people(site)
        return site

    def _people(self, site: Site) -> None:
        """Let clients, visitors and administrators come to a site."""
        self._crowds[site.id].grow(self.plan.aps * self.plan.clients_per_ap, self.now)
        self._visitors[site.id] = make_visitors(self._world, site)
        for visitor in self._visitors[site.id]:
            visitor.appear(self.now)
        self._lives[site.id] = SiteLife(self._world, self._crowds[site.id])
        self._lives[site.id].begin(self.now)

    def _make(self, site: Site, kind: str) -> Device:
        maker = MAKERS.get(kind)
        if maker is None:
            raise ValueError(f"no device of kind {kind!r} can be made; known are {', '.join(MAKERS)}")
        ordinal = self._made.get(maker.kind, 0)
        self._made[maker.kind] = ordinal + 1
        device = maker.make(self._world, site, ordinal, self._count_made(site))
        self._devices[device.mac] = device
        self._join_crowd(device)
        return device

    def _count_made(self, site: Site) -> int:
        """How many APs the site has: the place of the next one."""
        crowd = self._crowds.get(site.id)
        return len(crowd.aps) if crowd is not None else 0

    def _look(self, org_id: str) -> tuple[list[Device], int, int]:
        """The devices of an org, and how many sites and Wi-Fi clients on air it has."""
        crowds = [self._crowds[site.id] for site in self._sites.values() if site.org.id == org_id]
        return self._within(org_id), len(crowds), sum(len(crowd.associated()) for crowd in crowds)

    def _within(self, scope_id: str) -> list[Device]:
        if scope_id in self._orgs:
            return [device for device in self._devices.values() if device.org.id == scope_id]
        if scope_id != UNASSIGNED:
            self._sites[scope_id]
        return [device for device in self._devices.values() if device.site.id == scope_id]

    def _withdraw(self, device: Device) -> None:
        self._leave_crowd(device)
        device.end()
        del self._devices[device.mac]

    def _join_crowd(self, device: Device) -> None:
        if isinstance(device, AccessPoint):
            self._crowds[device.site.id].aps.append(device)

    def _leave_crowd(self, device: Device) -> None:
        if isinstance(device, AccessPoint):
            self._crowds[device.site.id].aps.remove(device)
            device.silenced(self.now)


def _count(devices: list[Device], what: str) -> Payload:
    return {f"num_{what}": len(devices), f"num_{what}_connected": sum(device.connected for device in devices)}
