"""Factories of the kinds of device that a plan can contain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.simulator.fleet.ap import AccessPoint
from collector.simulator.fleet.gateway import Gateway
from collector.simulator.fleet.mxedge import MistEdge
from collector.simulator.fleet.switch import Switch

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.context import FleetContext
    from collector.simulator.fleet.device import SimulatedDevice
    from collector.simulator.fleet.sites import SimulatedSite

_CHASSIS_MEMBERS = (2, 3)


@dataclass(frozen=True)
class DeviceFactory:
    """How devices of one entry of the plan are made.

    Attributes:
        kind: Kind of device in the terms of Mist; ordinals are counted per kind.
        plan_field: Field of the plan that holds the number of devices.
        make: Makes a device from the context, the site, the ordinal in the fleet and the number of APs of the site.
        per_site: Whether `plan_field` counts devices per site; otherwise per org.
    """

    kind: str
    plan_field: str
    make: Callable[[FleetContext, SimulatedSite, int, int], SimulatedDevice]
    per_site: bool = True


def _make_ap(context: FleetContext, site: SimulatedSite, ordinal: int, site_aps: int) -> SimulatedDevice:
    return AccessPoint(context, site.org, site, ordinal, site_aps)


def _make_switch(context: FleetContext, site: SimulatedSite, ordinal: int, _: int) -> SimulatedDevice:
    return Switch(context, site.org, site, ordinal)


def _make_virtual_chassis(context: FleetContext, site: SimulatedSite, ordinal: int, _: int) -> SimulatedDevice:
    members = _CHASSIS_MEMBERS[ordinal % len(_CHASSIS_MEMBERS)]
    return Switch(context, site.org, site, ordinal, members=members)


def _gateway_factory(form: str) -> Callable[[FleetContext, SimulatedSite, int, int], SimulatedDevice]:
    def make(context: FleetContext, site: SimulatedSite, ordinal: int, _: int) -> SimulatedDevice:
        return Gateway(context, site.org, site, ordinal, form=form)

    return make


def _make_mxedge(context: FleetContext, site: SimulatedSite, ordinal: int, _: int) -> SimulatedDevice:
    return MistEdge(context, site.org, site, ordinal)


DEVICE_FACTORIES: dict[str, DeviceFactory] = {
    "ap": DeviceFactory("ap", "aps", _make_ap),
    "switch": DeviceFactory("switch", "switches", _make_switch),
    "virtual_chassis": DeviceFactory("switch", "virtual_chassis", _make_virtual_chassis),
    "gateway": DeviceFactory("gateway", "gateways", _gateway_factory("srx")),
    "srx_cluster": DeviceFactory("gateway", "srx_clusters", _gateway_factory("srx_cluster")),
    "ssr": DeviceFactory("gateway", "ssrs", _gateway_factory("ssr")),
    "mxedge": DeviceFactory("mxedge", "mxedges", _make_mxedge, per_site=False),
}
