"""How each kind of device that a plan can name is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.simulator.fleet.ap import AccessPoint
from collector.simulator.fleet.gateway import Gateway
from collector.simulator.fleet.mxedge import MistEdge
from collector.simulator.fleet.switch import Switch

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.device import Device
    from collector.simulator.fleet.places import Site
    from collector.simulator.fleet.world import World

_CHASSIS_MEMBERS = (2, 3)


@dataclass(frozen=True)
class Maker:
    """`kind` as Mist names it (ordinals are counted by it), the field of the plan that counts it, and how to make one.

    `make` is given the world, the site, the ordinal in the fleet and the number of APs that the site has.
    """

    kind: str
    counted_by: str
    make: Callable[[World, Site, int, int], Device]
    of_site: bool = True


def _ap(world: World, site: Site, ordinal: int, aps: int) -> Device:
    return AccessPoint(world, site.org, site, ordinal, aps)


def _switch(world: World, site: Site, ordinal: int, _: int) -> Device:
    return Switch(world, site.org, site, ordinal)


def _chassis(world: World, site: Site, ordinal: int, _: int) -> Device:
    members = _CHASSIS_MEMBERS[ordinal % len(_CHASSIS_MEMBERS)]
    return Switch(world, site.org, site, ordinal, members=members)


def _gateway(form: str) -> Callable[[World, Site, int, int], Device]:
    def make(world: World, site: Site, ordinal: int, _: int) -> Device:
        return Gateway(world, site.org, site, ordinal, form=form)

    return make


def _edge(world: World, site: Site, ordinal: int, _: int) -> Device:
    return MistEdge(world, site.org, site, ordinal)


MAKERS: dict[str, Maker] = {
    "ap": Maker("ap", "aps", _ap),
    "switch": Maker("switch", "switches", _switch),
    "virtual_chassis": Maker("switch", "virtual_chassis", _chassis),
    "gateway": Maker("gateway", "gateways", _gateway("srx")),
    "srx_cluster": Maker("gateway", "srx_clusters", _gateway("srx_cluster")),
    "ssr": Maker("gateway", "ssrs", _gateway("ssr")),
    "mxedge": Maker("mxedge", "mxedges", _edge, of_site=False),
}
