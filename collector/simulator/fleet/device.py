"""The life that all devices share: they speak, restart, fall silent and come back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from random import Random
from typing import TYPE_CHECKING, ClassVar

from collector.simulator.fleet import events
from collector.simulator.fleet.ids import device_id
from collector.simulator.fleet.merge import merge
from collector.simulator.fleet.world import DAY_S, HOUR_S, pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.messages import Payload
    from collector.simulator.fleet.places import Org, Site
    from collector.simulator.fleet.world import World

_BOOT_S = 35.0
"""A device that comes back has been up this long: it had to find the cloud first."""


class Device(ABC):
    """One device. Subclasses say what it utters; this class says when, and keeps the truth.

    `connected` is what the cloud believes; `resets` are the unix times at which it came back from a restart;
    `streamed` is the merged state of all frames it has spoken. A device whose `epoch` moved on forgets what was put
    on the agenda before.
    """

    kind: ClassVar[str]
    prefix: ClassVar[str]

    def __init__(self, world: World, org: Org, site: Site, mac: str, name: str) -> None:
        self.world, self.org, self.site, self.mac, self.name = world, org, site, mac, name
        self.id = device_id(mac)
        self.rng = Random(f"{world.plan.seed}/{mac}")
        self.model = self.version = self.serial = ""
        self.connected = True
        self.resets: list[float] = []
        self.streamed: Payload = {}
        self.frames = 0
        self.booted_at = world.agenda.now - self.rng.uniform(2 * HOUR_S, 60 * DAY_S)
        self.last_seen = world.agenda.now - self.rng.uniform(1.0, world.plan.cadence_s)
        self.claimed_at = world.agenda.now - 90 * DAY_S
        self._epoch = 0
        self._cold = False
        self._moments: dict[str, int] = {}

    # What subclasses say.

    @abstractmethod
    def utter(self, at: float) -> tuple[Payload, float]:
        """Return the payload of the frame spoken now, and the seconds until the next one."""

    @abstractmethod
    def rest(self) -> Payload:
        """Return the device as `/stats/devices` lists it: its last known state."""

    @abstractmethod
    def restart(self) -> None:
        """Set every counter to 0."""

    def flap(self, at: float) -> None:  # noqa: B027 - not every device has ports that flap
        """Let a port go down or up; devices without such a port do nothing."""

    def moved(self) -> None:  # noqa: B027 - nothing to take over is a fine answer
        """Take over what belongs to another site, or another name."""

    def rest_ports(self) -> list[Payload]:
        """Return the ports as `stats/ports/search` lists them; APs have none there."""
        return []

    def rest_members(self) -> list[Payload]:
        """Return the further members of a virtual chassis as the inventory lists them."""
        return []

    def effect_of(self, happening: str) -> Payload:  # noqa: ARG002 - most devices change nothing
        """Let an everyday event change the device; return what the event says of the change."""
        return {}

    def silenced(self, at: float) -> None:  # noqa: B027 - most devices have no clients
        """Do what follows from falling silent: an AP loses its clients."""

    @property
    def channel(self) -> str:
        """The channel it speaks on."""
        return self.site.channel

    def keep(self, payload: Payload) -> Payload:
        """Return the part of a frame that belongs into the true state."""
        return payload

    # Life.

    def moment(self, happened: str, at: float) -> int:
        """Return an event's timestamp in whole seconds: never twice the same for one type, as it is its identity."""
        moment = max(int(at), self._moments.get(happened, 0) + 1)
        self._moments[happened] = moment
        return moment

    def bent(self, payload: Payload, at: float) -> Payload:
        """Return what is said instead of this, while a scenario bends the truth."""
        return self.world.bends.apply(self.kind, self.mac, self.site.id, payload, at)

    def wake(self, at: float) -> None:
        """Begin to live at `at`: speak after a random part of a cycle, and let chance do the rest."""
        self._epoch += 1
        self.connected = True
        self.later(at + self.rng.uniform(0.0, self.world.plan.cadence_s), self._speak)
        self._plan_chance(at)

    def fall_silent(self, at: float, *, tell: bool = True) -> None:
        """Stop speaking; the cloud notices at once (its threshold is 0 minutes here)."""
        if not self.connected:
            return
        self._epoch += 1
        self.connected = False
        self.silenced(at)
        if tell:
            events.updown(self, "DISCONNECTED", at)

    def come_back(self, at: float) -> None:
        """Speak again; after a power cycle with counters from 0 and a RESTARTED event."""
        if self.connected:
            return
        if self._cold:
            self._cold = False
            self.restart()
            self.booted_at = at - min(_BOOT_S, self.world.plan.reboot_s)
            self.resets.append(at)
            events.updown(self, "RESTARTED", at)
        events.updown(self, "CONNECTED", at)
        self.wake(at)

    def reboot(self, at: float) -> None:
        """Restart: silent for `reboot_s`, then back. One that is silent already stays so, and comes back restarted."""
        self._cold = True
        if self.connected:
            self.fall_silent(at)
            self.later(at + self.world.plan.reboot_s, self.come_back)

    def end(self) -> None:
        """Leave the fleet."""
        self._epoch += 1
        self.silenced(self.world.agenda.now)
        self.connected = False

    def later(self, at: float, action: Callable[[float], None]) -> None:
        """Put an action on the agenda that is forgotten when this life ends before."""
        epoch = self._epoch
        self.world.agenda.put(at, lambda now: action(now) if self._epoch == epoch else None)

    def truth(self) -> Payload:
        """Return what a perfect listener of every frame would know, and what happened to the device."""
        return {
            "kind": self.kind,
            "mac": self.mac,
            "id": self.id,
            "name": self.name,
            "model": self.model,
            "org_id": self.org.id,
            "site_id": self.site.id,
            "connected": self.connected,
            "frames": self.frames,
            "last_seen": self.last_seen,
            "resets": list(self.resets),
            "state": self.streamed,
        }

    def rest_inventory(self) -> Payload:
        """Return the device as `/orgs/:id/inventory` lists it."""
        return {
            "id": self.id,
            "mac": self.mac,
            "serial": self.serial,
            "model": self.model,
            "name": self.name,
            "type": self.kind,
            "org_id": self.org.id,
            "site_id": self.site.id,
            "connected": self.connected,
            "deviceprofile_id": None,
            "created_time": int(self.claimed_at),
            "modified_time": int(self.claimed_at) + 3600,
        }

    def _speak(self, at: float) -> None:
        payload, pause_s = self.utter(at)
        payload = self.bent(payload, at)
        self.last_seen = at
        self.frames += 1
        merge(self.streamed, self.keep(payload))
        self.world.emit(self.channel, payload, self.kind, self.mac, at)
        self.later(at + pause_s, self._speak)

    def _plan_chance(self, at: float) -> None:
        plan = self.world.plan
        self._by_chance(at, plan.reboots_per_device_day, DAY_S, self.reboot)
        self._by_chance(at, plan.port_flaps_per_device_day, DAY_S, self.flap)
        self._by_chance(at, plan.events_per_device_hour, HOUR_S, lambda now: events.happen(self, now))

    def _by_chance(self, at: float, per: float, unit_s: float, action: Callable[[float], None]) -> None:
        wait_s = pause(self.rng, per, unit_s)
        if wait_s is None:
            return

        def again(now: float) -> None:
            action(now)
            if self.connected:  # else `wake` plans anew
                self._by_chance(now, per, unit_s, action)

        self.later(at + wait_s, again)
