"""The fleet: all simulated objects of a Mist cloud, advanced in simulated time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.ap import AccessPoint
from collector.simulator.fleet.clients import SiteClients
from collector.simulator.fleet.factories import DEVICE_FACTORIES
from collector.simulator.fleet.located_objects import make_located_objects
from collector.simulator.fleet.office_walkers import OfficeWalker, make_walkers
from collector.simulator.fleet.org_insights import OrgInsightsSource
from collector.simulator.fleet.queries import FleetQueries
from collector.simulator.fleet.site_events import SiteEventSource
from collector.simulator.fleet.sites import make_org, make_site, unassigned_site

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.context import StreamMessage, WebhookEvent
    from collector.simulator.fleet.device import SimulatedDevice
    from collector.simulator.fleet.overrides import Overrides
    from collector.simulator.fleet.plan import FleetPlan
    from collector.simulator.fleet.primitives import Payload
    from collector.simulator.fleet.sites import SimulatedOrg, SimulatedSite


class Fleet(FleetQueries):
    """All orgs, sites, devices and clients of a plan, in simulated time.

    Only `step` advances the time; every other method reads or changes the state at the time reached. The next `step`
    returns the messages of these changes.

    Raises:
        KeyError: From every method that receives an unknown id or address.
    """

    def __init__(self, plan: FleetPlan) -> None:
        super().__init__(plan)
        self._device_counts: dict[str, int] = {}
        self._site_count = 0
        for ordinal in range(plan.orgs):
            org = make_org(plan.seed, ordinal, plan.start)
            self._orgs[org.id] = org
            sites = [self._add_site(org, plan.office_floors_of_site(number)) for number in range(plan.sites)]
            for number in range(plan.mxedges):  # every second one belongs to a site
                site = sites[number // 2 % len(sites)] if number % 2 and sites else unassigned_site(org)
                self._make_device(site, "mxedge").start_reporting(self.now)
            OrgInsightsSource(self._context, org, self._org_summary).schedule_next(self.now)

    # Time.

    @property
    def now(self) -> float:
        """Unix time reached."""
        return self._context.schedule.now

    def step(self, until: float) -> list[StreamMessage | WebhookEvent]:
        """Advance to the unix time `until`; return the messages sent since the last step, ordered by `at`."""
        self._context.schedule.run_until(until)
        messages, self._context.messages = self._context.messages, []
        return messages

    # Changes.

    @property
    def overrides(self) -> Overrides:
        """Field values that replace those of the simulation."""
        return self._context.overrides

    def send_event(self, topic: str, event: Payload, at: float) -> None:
        """Send a webhook event; an alarm also replaces the alarm with its id in the alarm search."""
        if topic == "alarms":
            others = [alarm for alarm in self._context.alarms if alarm["id"] != event["id"]]
            self._context.alarms.clear()
            self._context.alarms.extend([*others, event])
        self._context.send_event(topic, event, at)

    def reboot(self, mac: str) -> None:
        """Restart a device: disconnected for `plan.reboot_s` seconds, then with counters from 0."""
        self._devices[mac].reboot(self.now)

    def disconnect(self, mac: str) -> None:
        """Disconnect a device until `reconnect`."""
        self._devices[mac].disconnect(self.now)

    def reconnect(self, mac: str) -> None:
        """Reconnect a device; its counters continue."""
        self._devices[mac].reconnect(self.now)

    def add_device(self, site_id: str, kind: str = "ap") -> str:
        """Claim a new device, assign it to a site and return its MAC address.

        Args:
            site_id: The site.
            kind: "ap", "switch", "virtual_chassis", "gateway", "srx_cluster", "ssr" or "mxedge".

        Raises:
            ValueError: For an unknown kind.
        """
        device = self._make_device(self._sites[site_id], kind)
        device.send_assignment_event("CLAIMED", self.now)
        device.send_assignment_event("ASSIGNED", self.now)
        device.start_reporting(self.now)
        return device.mac

    def remove_device(self, mac: str) -> None:
        """Remove a device from its org."""
        device = self._devices[mac]
        self._remove(device)
        device.send_assignment_event("UNASSIGNED", self.now)
        device.send_assignment_event("UNCLAIMED", self.now)

    def move_device(self, mac: str, site_id: str) -> None:
        """Assign a device to another site of its org.

        Raises:
            ValueError: If the site belongs to another org.
        """
        device, site = self._devices[mac], self._sites[site_id]
        if site.org is not device.org:
            raise ValueError(f"device {mac} belongs to {device.org.name}, site {site_id} to {site.org.name}")
        device.send_assignment_event("UNASSIGNED", self.now)
        self._unregister_ap(device)
        device.site = site
        device.identity_changed()
        self._register_ap(device)
        device.send_assignment_event("ASSIGNED", self.now)

    def rename_device(self, mac: str, name: str) -> None:
        """Rename a device; the name can be empty."""
        device = self._devices[mac]
        device.name = name
        device.identity_changed()

    def add_site(self, org_id: str | None = None) -> str:
        """Add a site with the devices of the plan to an org (default: the first one); return its id."""
        org = self._orgs[org_id] if org_id is not None else next(iter(self._orgs.values()))
        return self._add_site(org).id

    def remove_site(self, site_id: str) -> None:
        """Remove a site with all of its objects."""
        self._clients[site_id].remove_all()
        for device in self._devices_in(site_id):
            self._remove(device)
        for located in self._located[site_id]:
            located.remove()
        self._event_sources[site_id].stopped = True
        del self._clients[site_id], self._sites[site_id], self._located[site_id], self._event_sources[site_id]

    def lunch_rush(self, site_id: str) -> int:
        """Send all walkers in the building to a canteen; return their number."""
        return self._for_walkers(site_id, OfficeWalker.lunch)

    def evacuate(self, site_id: str) -> int:
        """Send all walkers out of the building for a while; return their number."""
        return self._for_walkers(site_id, OfficeWalker.evacuate)

    def _for_walkers(self, site_id: str, action: Callable[[OfficeWalker, float], None]) -> int:
        walkers = [one for one in self._located[site_id] if isinstance(one, OfficeWalker) and one.present]
        for walker in walkers:
            action(walker, self.now)
        return len(walkers)

    # Construction.

    def _add_site(self, org: SimulatedOrg, office_floors: int = 0) -> SimulatedSite:
        site = make_site(self.plan.seed, org, self._site_count, self.now, office_floors)
        self._site_count += 1
        self._sites[site.id] = site
        self._clients[site.id] = SiteClients(self._context, site)
        for kind, factory in DEVICE_FACTORIES.items():
            for _ in range(getattr(self.plan, factory.plan_field) if factory.per_site else 0):
                self._make_device(site, kind).start_reporting(self.now)
        self._add_clients_and_assets(site)
        return site

    def _add_clients_and_assets(self, site: SimulatedSite) -> None:
        self._clients[site.id].add_associated(self.plan.aps * self.plan.clients_per_ap, self.now)
        self._located[site.id] = make_located_objects(self._context, site) + make_walkers(self._context, site)
        for located in self._located[site.id]:
            located.arrive(self.now)
        self._event_sources[site.id] = SiteEventSource(self._context, self._clients[site.id])
        self._event_sources[site.id].schedule_next(self.now)

    def _make_device(self, site: SimulatedSite, kind: str) -> SimulatedDevice:
        factory = DEVICE_FACTORIES.get(kind)
        if factory is None:
            raise ValueError(f"unknown kind of device {kind!r}; expected one of {', '.join(DEVICE_FACTORIES)}")
        ordinal = self._device_counts.get(factory.kind, 0)
        self._device_counts[factory.kind] = ordinal + 1
        clients = self._clients.get(site.id)
        device = factory.make(self._context, site, ordinal, len(clients.aps) if clients is not None else 0)
        self._devices[device.mac] = device
        self._register_ap(device)
        return device

    def _remove(self, device: SimulatedDevice) -> None:
        self._unregister_ap(device)
        device.remove()
        del self._devices[device.mac]

    def _register_ap(self, device: SimulatedDevice) -> None:
        """Make an AP available to the clients of its site; other devices are ignored."""
        if isinstance(device, AccessPoint):
            self._clients[device.site.id].aps.append(device)

    def _unregister_ap(self, device: SimulatedDevice) -> None:
        if isinstance(device, AccessPoint):
            self._clients[device.site.id].aps.remove(device)
            device.on_disconnect(self.now)
