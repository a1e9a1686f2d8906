"""The fleet: everything that lives in a simulated Mist cloud, and the questions REST asks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet import events
from collector.simulator.fleet.answers import Answers
from collector.simulator.fleet.ap import AccessPoint
from collector.simulator.fleet.clients import Crowd
from collector.simulator.fleet.insights import Insights
from collector.simulator.fleet.makers import MAKERS
from collector.simulator.fleet.places import make_org, make_site, no_site
from collector.simulator.fleet.site_life import SiteLife
from collector.simulator.fleet.visitors import make_visitors
from collector.simulator.fleet.walkers import Walker, make_walkers

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.device import Device
    from collector.simulator.fleet.messages import Emission, Event
    from collector.simulator.fleet.places import Org, Site
    from collector.simulator.fleet.plan import FleetPlan


class Fleet(Answers):
    """All orgs, sites, devices and clients of a plan, living in simulated time.

    `step` is the only thing that lets time pass; every other method answers about, or acts at, the time reached.
    Unknown ids and addresses raise KeyError. What tests play (`reboot`, `remove_device`, ...) is heard in the answer
    of the next `step`.
    """

    def __init__(self, plan: FleetPlan) -> None:
        super().__init__(plan)
        self._made: dict[str, int] = {}
        self._site_count = 0
        for ordinal in range(plan.orgs):
            org = make_org(plan.seed, ordinal, plan.start)
            self._orgs[org.id] = org
            settled = [self._settle(org, plan.floors_of(place)) for place in range(plan.sites)]
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

    def rename_device(self, mac: str, name: str) -> None:
        """Give a device another name, which may be empty."""
        device = self._devices[mac]
        device.name = name
        device.moved()

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

    def lunch_rush(self, site_id: str) -> int:
        """Let every walker of a site go to lunch now; how many there are in the building."""
        return self._call(site_id, Walker.lunch)

    def evacuate(self, site_id: str) -> int:
        """Let every walker of a site leave the building now, and come back later; how many there are in it."""
        return self._call(site_id, Walker.evacuate)

    def _call(self, site_id: str, deed: Callable[[Walker, float], None]) -> int:
        called = [one for one in self._visitors[site_id] if isinstance(one, Walker) and one.there]
        for walker in called:
            deed(walker, self.now)
        return len(called)

    # Building.

    def _settle(self, org: Org, office_floors: int = 0) -> Site:
        site = make_site(self.plan.seed, org, self._site_count, self.now, office_floors)
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
        self._visitors[site.id] = make_visitors(self._world, site) + make_walkers(self._world, site)
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
