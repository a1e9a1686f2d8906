"""Wi-Fi clients: they associate, report, roam, leave and return. `SiteClients` holds the clients of one site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.client_payloads import ClientState, frame_payload, join_event, session_event
from collector.simulator.fleet.context import HOUR_S
from collector.simulator.fleet.primitives import random_interval_s, random_walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.ap import AccessPoint
    from collector.simulator.fleet.ap_radios import ApRadio
    from collector.simulator.fleet.context import FleetContext
    from collector.simulator.fleet.primitives import Payload
    from collector.simulator.fleet.sites import SimulatedSite

DISASSOCIATED, INACTIVE, ROAMED = 1, 2, 3
"""Values of `termination_reason`."""

NO_NEXT_AP = "000000000000"
"""`next_ap` of a client that did not roam."""

_AWAY_S = 600.0
_RETRY_S = 30.0


class WirelessClient(ClientState):
    """A client of a site."""

    def __init__(self, clients: SiteClients, ordinal: int) -> None:
        super().__init__(clients.context, clients.site, ordinal)
        self.last_payload: Payload = {}
        self._clients = clients
        self._sent_at = 0.0
        self._epoch = 0  # a call that was scheduled in an earlier epoch is not run

    def join(self, at: float, *, silent: bool = False) -> None:
        """Associate with an AP that is connected, or retry later. `silent`: without a client-join event."""
        self._epoch += 1
        found = self._clients.find_ap(self)
        if found is None:
            self._call_at(at + _RETRY_S, self.join)
            return
        self._associate(*found, at)
        if not silent:
            self.context.send_event("client-join", join_event(self, at), at)
        self._schedule(at)

    def roam(self, at: float) -> None:
        """Roam to another AP if there is one."""
        found = self._clients.find_ap(self, other_than=self.ap)
        if found is None:
            self._call_randomly(at, self.context.plan.roams_per_client_hour, self.roam)
            return
        self._disassociate(at, ROAMED, found[0].mac)
        self._epoch += 1
        self._associate(*found, at)
        self.context.send_event("client-join", join_event(self, at), at)
        self._schedule(at)

    def leave(self, at: float) -> None:
        """End the session and join again after a random time."""
        self._disassociate(at, DISASSOCIATED if self.ordinal % 2 else INACTIVE, NO_NEXT_AP)
        self._epoch += 1
        if self.presence is not None:
            self.presence.leave_floor(at)
        self._call_at(at + self.site.rng.expovariate(1 / _AWAY_S), self.join)

    def ap_lost(self, at: float) -> None:
        """End the session because the AP disconnected; join another AP within seconds."""
        self._disassociate(at, INACTIVE, NO_NEXT_AP)
        self._epoch += 1
        self._call_at(at + self.site.rng.uniform(2.0, 20.0), self.join)

    def remove(self) -> None:
        """Remove the client, without an event."""
        self._epoch += 1
        if self.presence is not None:
            self.presence.remove()
        self._release()

    def _schedule(self, at: float) -> None:
        """Schedule what follows an association: frames, positions, roaming, leaving."""
        rng, plan = self.site.rng, self.context.plan
        self._call_at(at + rng.uniform(0.0, plan.cadence_s), self._send_frame)
        if plan.location_cadence_s and self.presence is not None:
            self._call_at(at + rng.uniform(0.0, plan.location_cadence_s), self._send_position)
        self._call_randomly(at, plan.roams_per_client_hour, self.roam)
        self._call_randomly(at, plan.sessions_per_client_hour, self.leave)

    def _send_position(self, at: float) -> None:
        presence, site = self.presence, self.site
        if presence is None:
            return
        presence.move(at)
        payload = {"mac": self.mac, "map_id": presence.floor.id, "num_locating_aps": 3} | presence.pixels()
        channel = f"/sites/{site.id}/stats/maps/{presence.floor.id}/clients"
        self.context.send_message(channel, payload, "map", self.mac, at)
        presence.send_location_events("location-client", {}, at)
        self._call_at(at + self.context.plan.location_cadence_s, self._send_position)

    def _associate(self, ap: AccessPoint, radio: ApRadio, at: float) -> None:
        self.ap, self.radio, self.since, self._sent_at = ap, radio, at, at
        self.rssi_dbm = self.site.rng.uniform(-78, -45)
        self.traffic.restart()
        self.rx_retries = self.tx_retries = 0
        ap.clients[self.mac] = self
        radio.num_clients += 1

    def _disassociate(self, at: float, reason: int, next_ap: str) -> None:
        self.context.send_event("client-sessions", session_event(self, at, reason, next_ap), at)
        self._release()

    def _release(self) -> None:
        if self.ap is not None and self.radio is not None:
            self.ap.clients.pop(self.mac, None)
            self.radio.num_clients -= 1
        self.ap = self.radio = None

    def _send_frame(self, at: float) -> None:
        rng, dt_s = self.site.rng, at - self._sent_at
        self._sent_at = at
        self.traffic.transfer(dt_s, 1.0, rng)
        self.tx_retries += int(dt_s * rng.random() * 2)
        self.rx_retries += int(dt_s * rng.random())
        self.rssi_dbm = random_walk(rng, self.rssi_dbm, -88, -30, 3)
        context, site = self.context, self.site
        self.last_payload = context.overrides.apply("client", self.mac, site.id, frame_payload(self, at), at)
        context.send_message(site.client_channel, self.last_payload, "client", self.mac, at)
        self._call_at(at + context.plan.cadence_s * (0.95 + rng.random() / 10), self._send_frame)

    def _call_randomly(self, at: float, per_hour: float, call: Callable[[float], None]) -> None:
        wait_s = random_interval_s(self.site.rng, per_hour, HOUR_S)
        if wait_s is not None:
            self._call_at(at + wait_s, call)

    def _call_at(self, at: float, call: Callable[[float], None]) -> None:
        epoch = self._epoch
        self.context.schedule.call_at(at, lambda now: call(now) if self._epoch == epoch else None)


class SiteClients:
    """The clients of one site, and the APs with which they can associate."""

    def __init__(self, context: FleetContext, site: SimulatedSite) -> None:
        self.context, self.site = context, site
        self.aps: list[AccessPoint] = []
        self.clients: list[WirelessClient] = []

    def add_associated(self, count: int, at: float) -> None:
        """Add clients that are already associated."""
        for _ in range(count):
            client = WirelessClient(self, len(self.clients))
            self.clients.append(client)
            client.join(at, silent=True)

    def find_ap(
        self, client: WirelessClient, other_than: AccessPoint | None = None
    ) -> tuple[AccessPoint, ApRadio] | None:
        """Return a connected AP and its radio in the most preferred band of the client's WLAN; None if not found."""
        rng = self.site.rng
        for _ in range(4):  # a few random attempts are cheaper than a list of all connected APs
            ap = rng.choice(self.aps) if self.aps else None
            if ap is None:
                return None
            if ap.connected and ap is not other_than:
                radio = _preferred_radio(ap, client.wlan.bands)
                if radio is not None:
                    return ap, radio
        return None

    def associated(self) -> list[WirelessClient]:
        """Return the clients that are associated with an AP."""
        return [client for client in self.clients if client.ap is not None]

    def remove_all(self) -> None:
        """Remove all clients."""
        for client in self.clients:
            client.remove()
        self.clients.clear()


def _preferred_radio(ap: AccessPoint, bands: tuple[str, ...]) -> ApRadio | None:
    working = ap.radios.working
    for band in bands:
        for radio in working:
            if radio.profile.usage == band:
                return radio
    return None
