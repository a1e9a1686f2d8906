"""Totals of an org, streamed in parts on its insights channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.context import FleetContext
    from collector.simulator.fleet.device import SimulatedDevice
    from collector.simulator.fleet.primitives import Payload
    from collector.simulator.fleet.sites import SimulatedOrg

_NAMES = {"ap": "aps", "switch": "switches", "gateway": "gateways", "mxedge": "mxedges"}
_PARTS = 3


class OrgInsightsSource:
    """Sends one of three parts of the totals of an org every `insights_cadence_s` seconds, in turn.

    `summarize` returns the devices of an org, its number of sites and its number of associated Wi-Fi clients.
    """

    def __init__(
        self,
        context: FleetContext,
        org: SimulatedOrg,
        summarize: Callable[[str], tuple[list[SimulatedDevice], int, int]],
    ) -> None:
        self._context, self._org, self._summarize = context, org, summarize
        self._turn = 0

    def schedule_next(self, at: float) -> None:
        """Schedule the next part."""
        if self._context.plan.insights_cadence_s:
            self._context.schedule.call_at(at + self._context.plan.insights_cadence_s, self._send_part)

    def _send_part(self, at: float) -> None:
        part = (self._device_counts, self._service_levels, self._event_counts)[self._turn % _PARTS]()
        self._turn += 1
        self._context.send_message(
            f"/orgs/{self._org.id}/insights/summary", part | {"timestamp": int(at)}, "org", "", at
        )
        self.schedule_next(at)

    def _device_counts(self) -> Payload:
        devices, sites, clients = self._summarize(self._org.id)
        payload: Payload = {"num_sites": sites, "num_clients": clients}
        for kind, name in _NAMES.items():
            of_kind = [device for device in devices if device.kind == kind]
            payload[f"num_{name}"] = len(of_kind)
            payload[f"num_disconnected_{name}"] = sum(not device.connected for device in of_kind)
        payload["num_degraded_sites"] = len({device.site.id for device in devices if not device.connected})
        return payload

    def _service_levels(self) -> Payload:
        devices, _, clients = self._summarize(self._org.id)
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

    def _event_counts(self) -> Payload:
        alarms = [alarm for alarm in self._context.alarms if alarm["org_id"] == self._org.id]
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
