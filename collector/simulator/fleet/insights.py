"""The totals of an org, streamed piece by piece on its insights channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.device import Device
    from collector.simulator.fleet.messages import Payload
    from collector.simulator.fleet.places import Org
    from collector.simulator.fleet.world import World

_NAMES = {"ap": "aps", "switch": "switches", "gateway": "gateways", "mxedge": "mxedges"}
_PIECES = 3


class Insights:
    """Says a third of the totals of one org every `insights_cadence_s`; after three times all were said.

    `look` answers the devices of the org, its number of sites and of Wi-Fi clients on air.
    """

    def __init__(self, world: World, org: Org, look: Callable[[str], tuple[list[Device], int, int]]) -> None:
        self._world, self._org, self._look = world, org, look
        self._turn = 0

    def begin(self, at: float) -> None:
        """Put the next piece on the agenda."""
        if self._world.plan.insights_cadence_s:
            self._world.agenda.put(at + self._world.plan.insights_cadence_s, self._say)

    def _say(self, at: float) -> None:
        piece = (self._devices, self._experience, self._events)[self._turn % _PIECES]()
        self._turn += 1
        self._world.emit(f"/orgs/{self._org.id}/insights/summary", piece | {"timestamp": int(at)}, "org", "", at)
        self.begin(at)

    def _devices(self) -> Payload:
        devices, sites, clients = self._look(self._org.id)
        said: Payload = {"num_sites": sites, "num_clients": clients}
        for kind, name in _NAMES.items():
            of_kind = [device for device in devices if device.kind == kind]
            said[f"num_{name}"] = len(of_kind)
            said[f"num_disconnected_{name}"] = sum(not device.connected for device in of_kind)
        said["num_degraded_sites"] = len({device.site.id for device in devices if not device.connected})
        return said

    def _experience(self) -> Payload:
        devices, _, clients = self._look(self._org.id)
        gateways = sum(device.kind == "gateway" for device in devices)
        return {
            "sle_summary_wireless": 0.93,
            "sle_summary_wired": 0.97,
            "sle_summary_wan": 0.91,
            "num_active_wan_tunnels": gateways,
            "num_inactive_wan_tunnels": 0,
            "num_mxtunnels": 0,
            "num_inactive_mxtunnels": 0,
            "num_vpn_peers": gateways,
            "num_inactive_vpn_peers": gateways // 2,
            "num_wired_clients": 20 * sum(device.kind == "switch" for device in devices),
            "num_wan_clients": 5 * gateways,
            "num_nac_clients": clients // 3,
        }

    def _events(self) -> Payload:
        alarms = [alarm for alarm in self._world.alarms if alarm["org_id"] == self._org.id]
        groups = {
            group: sum(alarm["group"] == group for alarm in alarms)
            for group in ("marvis", "infrastructure", "security")
        }
        return {
            "num_marvis_alerts": groups["marvis"],
            "num_infra_alerts": groups["infrastructure"],
            "num_security_alerts": groups["security"],
            "num_client_auth": 40,
            "num_wired_client_auth": 7,
            "num_nac_client_auth": 9,
            "num_device_events": 150,
            "num_client_events": 200,
        }
