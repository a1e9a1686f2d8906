"""Wi-Fi clients: they join, speak, roam, leave and come again. One crowd a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.client_kinds import MAKES, WLANS
from collector.simulator.fleet.client_words import frame_of, join_event, session_event
from collector.simulator.fleet.ids import mac_plus, uuid_of
from collector.simulator.fleet.parts import Traffic, wander
from collector.simulator.fleet.presence import Presence
from collector.simulator.fleet.world import HOUR_S, pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.ap import AccessPoint
    from collector.simulator.fleet.ap_radio import Radio
    from collector.simulator.fleet.messages import Payload
    from collector.simulator.fleet.places import Site
    from collector.simulator.fleet.world import World

DISASSOCIATED, INACTIVE, ROAMED = 1, 2, 3
"""Values of `termination_reason`."""

GONE = "000000000000"
"""`next_ap` of a client that did not roam."""

_AWAY_S = 600.0
_RETRY_S = 30.0


class Client:
    """One client of a site. While it is associated it has an `ap`, a `radio` and counters since `since`."""

    def __init__(self, crowd: Crowd, ordinal: int) -> None:
        seed = crowd.world.plan.seed
        self.crowd, self.ordinal = crowd, ordinal
        self.make, self.wlan = MAKES[ordinal % len(MAKES)], WLANS[ordinal % 7 % len(WLANS)]
        self.mac = f"{self.make.oui}{(crowd.site.ordinal * 4096 + ordinal) % (1 << 24):06x}"
        self.wlan_id = uuid_of(seed, "wlan", self.wlan.ssid)
        self.ap: AccessPoint | None = None
        self.radio: Radio | None = None
        self.since = 0.0
        self.rssi_dbm = -60.0
        self.rx_retries = self.tx_retries = 0
        self.presence = self._make_presence()
        self.traffic = Traffic(crowd.site.rng.uniform(1e2, 2e4), crowd.site.rng.uniform(5e2, 8e4))
        self.known: Payload = {}
        self._spoke_at = 0.0
        self._epoch = 0

    @property
    def bssid(self) -> str:
        """The address of the radio's WLAN that it is associated with."""
        return mac_plus(self.radio.mac, WLANS.index(self.wlan) + 1) if self.radio else ""

    def join(self, at: float, *, quiet: bool = False) -> None:
        """Associate with some AP that is up; try again later when there is none. `quiet`: the cloud knew it already."""
        self._epoch += 1
        found = self.crowd.find_ap(self)
        if found is None:
            self._later(at + _RETRY_S, self.join)
            return
        self._associate(*found, at)
        if not quiet:
            self.crowd.world.event("client-join", join_event(self, at), at)
        self._plan(at)

    def roam(self, at: float) -> None:
        """Go to another AP, when there is one."""
        found = self.crowd.find_ap(self, other_than=self.ap)
        if found is None:
            self._chance(at, self.crowd.world.plan.roams_per_client_hour, self.roam)
            return
        self._dissociate(at, ROAMED, found[0].mac)
        self._epoch += 1
        self._associate(*found, at)
        self.crowd.world.event("client-join", join_event(self, at), at)
        self._plan(at)

    def leave(self, at: float) -> None:
        """End the session and come again after a while."""
        self._dissociate(at, DISASSOCIATED if self.ordinal % 2 else INACTIVE, GONE)
        self._epoch += 1
        if self.presence is not None:
            self.presence.vanish(at)
        self._later(at + self.crowd.site.rng.expovariate(1 / _AWAY_S), self.join)

    def dropped(self, at: float) -> None:
        """Lose the AP; look for another within seconds."""
        self._dissociate(at, INACTIVE, GONE)
        self._epoch += 1
        self._later(at + self.crowd.site.rng.uniform(2.0, 20.0), self.join)

    def forget(self) -> None:
        """Leave the fleet without a word."""
        self._epoch += 1
        if self.presence is not None:
            self.presence.forget()
        self._release()

    def _plan(self, at: float) -> None:
        """Put down what an association brings: speaking, being located, roaming, leaving."""
        rng, plan = self.crowd.site.rng, self.crowd.world.plan
        self._later(at + rng.uniform(0.0, plan.cadence_s), self._speak)
        if plan.location_cadence_s and self.presence is not None:
            self._later(at + rng.uniform(0.0, plan.location_cadence_s), self._be_located)
        self._chance(at, plan.roams_per_client_hour, self.roam)
        self._chance(at, plan.sessions_per_client_hour, self.leave)

    def _make_presence(self) -> Presence | None:
        """Return a place on a floor; every fourth client is heard by too few APs to have one."""
        site = self.crowd.site
        if self.ordinal % 4 == 3 or not site.maps:  # noqa: PLR2004 - every fourth
            return None
        floor = site.maps[self.ordinal % len(site.maps)]
        return Presence(self.crowd.world, site, floor, {"type": "wifi", "mac": self.mac}, "client")

    def _be_located(self, at: float) -> None:
        presence, site, world = self.presence, self.crowd.site, self.crowd.world
        if presence is None:
            return
        presence.move(at)
        said = {"mac": self.mac, "map_id": presence.floor.id, "num_locating_aps": 3} | presence.pixels()
        world.emit(f"/sites/{site.id}/stats/maps/{presence.floor.id}/clients", said, "map", self.mac, at)
        presence.located("location-client", {}, at)
        self._later(at + world.plan.location_cadence_s, self._be_located)

    def _associate(self, ap: AccessPoint, radio: Radio, at: float) -> None:
        self.ap, self.radio, self.since, self._spoke_at = ap, radio, at, at
        self.rssi_dbm = self.crowd.site.rng.uniform(-78, -45)
        self.traffic.restart()
        self.rx_retries = self.tx_retries = 0
        ap.clients[self.mac] = self
        radio.num_clients += 1

    def _dissociate(self, at: float, reason: int, next_ap: str) -> None:
        self.crowd.world.event("client-sessions", session_event(self, at, reason, next_ap), at)
        self._release()

    def _release(self) -> None:
        if self.ap is not None and self.radio is not None:
            self.ap.clients.pop(self.mac, None)
            self.radio.num_clients -= 1
        self.ap = self.radio = None

    def _speak(self, at: float) -> None:
        rng, dt_s = self.crowd.site.rng, at - self._spoke_at
        self._spoke_at = at
        self.traffic.flow(dt_s, 1.0, rng)
        self.tx_retries += int(dt_s * rng.random() * 2)
        self.rx_retries += int(dt_s * rng.random())
        self.rssi_dbm = wander(rng, self.rssi_dbm, -88, -30, 3)
        world, site = self.crowd.world, self.crowd.site
        self.known = world.bends.apply("client", self.mac, site.id, frame_of(self, at), at)
        world.emit(site.client_channel, self.known, "client", self.mac, at)
        self._later(at + world.plan.cadence_s * (0.95 + rng.random() / 10), self._speak)

    def _chance(self, at: float, per_hour: float, action: Callable[[float], None]) -> None:
        wait_s = pause(self.crowd.site.rng, per_hour, HOUR_S)
        if wait_s is not None:
            self._later(at + wait_s, action)

    def _later(self, at: float, action: Callable[[float], None]) -> None:
        epoch = self._epoch
        self.crowd.world.agenda.put(at, lambda now: action(now) if self._epoch == epoch else None)


class Crowd:
    """The clients of one site, and the APs among which they choose."""

    def __init__(self, world: World, site: Site) -> None:
        self.world, self.site = world, site
        self.aps: list[AccessPoint] = []
        self.clients: list[Client] = []

    def grow(self, count: int, at: float) -> None:
        """Add clients that are there already, associated."""
        for _ in range(count):
            client = Client(self, len(self.clients))
            self.clients.append(client)
            client.join(at, quiet=True)

    def find_ap(self, client: Client, other_than: AccessPoint | None = None) -> tuple[AccessPoint, Radio] | None:
        """Return an AP that is up and its radio in the band that the WLAN likes best; None if there is none."""
        rng = self.site.rng
        for _ in range(4):  # a few random tries are cheaper than a list of all that are up
            ap = rng.choice(self.aps) if self.aps else None
            if ap is None:
                return None
            if ap.connected and ap is not other_than:
                radio = _best_radio(ap, client.wlan.bands)
                if radio is not None:
                    return ap, radio
        return None

    def associated(self) -> list[Client]:
        """Those that are on an AP now."""
        return [client for client in self.clients if client.ap is not None]

    def disperse(self) -> None:
        """All leave the fleet: the site was removed."""
        for client in self.clients:
            client.forget()
        self.clients.clear()


def _best_radio(ap: AccessPoint, bands: tuple[str, ...]) -> Radio | None:
    working = ap.radios.working
    for band in bands:
        for radio in working:
            if radio.plan.usage == band:
                return radio
    return None
