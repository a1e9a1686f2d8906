"""Behaviour that all simulated devices share: periodic frames, restarts, disconnects and random events."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from collector.simulator.fleet.context import DAY_S, HOUR_S
from collector.simulator.fleet.device_events import DeviceEventSource
from collector.simulator.fleet.primitives import random_interval_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.simulator.fleet.context import FleetContext
    from collector.simulator.fleet.primitives import Payload
    from collector.simulator.fleet.sites import SimulatedOrg, SimulatedSite

_BOOT_S = 35.0
"""Uptime of a device when it reconnects after a restart: the time that it needs to reach the cloud."""


class SimulatedDevice(DeviceEventSource):
    """A device of the fleet. Subclasses build its payloads; this class schedules them and keeps the true state.

    Attributes:
        connected: Connection state as the cloud reports it.
        resets: Unix times at which the device came back from a restart, with its counters at 0.
        streamed: All frames sent so far, merged.
        frames: Number of frames sent.
        booted_at: Unix time of the last start.
        last_seen: Unix time of the last frame.
    """

    def __init__(self, context: FleetContext, org: SimulatedOrg, site: SimulatedSite, mac: str, name: str) -> None:
        super().__init__(context, org, site, mac, name)
        self.connected = True
        self.resets: list[float] = []
        self.streamed: Payload = {}
        self.frames = 0
        self.booted_at = context.schedule.now - self.rng.uniform(2 * HOUR_S, 60 * DAY_S)
        self.last_seen = context.schedule.now - self.rng.uniform(1.0, context.plan.cadence_s)
        self.claimed_at = context.schedule.now - 90 * DAY_S
        self._epoch = 0  # a call that was scheduled in an earlier epoch is not run
        self._restart_pending = False

    # Payloads, implemented by subclasses.

    @abstractmethod
    def next_frame(self, at: float) -> tuple[Payload, float]:
        """Return the payload of the frame sent at `at`, and the seconds until the next frame."""

    @abstractmethod
    def rest(self) -> Payload:
        """Return the last known state, as `/stats/devices` lists it."""

    @abstractmethod
    def restart(self) -> None:
        """Reset every counter to 0."""

    def flap(self, at: float) -> None:
        """Change the link state of a port; does nothing for a device without such a port."""

    def identity_changed(self) -> None:
        """Update what depends on the site and the name, after one of them changed."""

    def on_disconnect(self, at: float) -> None:
        """Handle a lost connection: an AP loses its clients."""

    def rest_ports(self) -> list[Payload]:
        """Return the ports as `stats/ports/search` lists them; it lists none of an AP."""
        return []

    def rest_members(self) -> list[Payload]:
        """Return the members of a virtual chassis other than the master, as the inventory lists them."""
        return []

    def state_part(self, payload: Payload) -> Payload:
        """Return the part of a frame that belongs to the true state."""
        return payload

    @property
    def channel(self) -> str:
        """Channel on which the device reports."""
        return self.site.channel

    # Connection.

    def start_reporting(self, at: float) -> None:
        """Start to send frames, the first within one cycle, and to raise random events."""
        self._epoch += 1
        self.connected = True
        self.call_at(at + self.rng.uniform(0.0, self.context.plan.cadence_s), self._send_frame)
        self._schedule_random_events(at)

    def disconnect(self, at: float) -> None:
        """Stop sending frames. The cloud reports it at once: its up/down threshold is 0 minutes."""
        if not self.connected:
            return
        self._epoch += 1
        self.connected = False
        self.on_disconnect(at)
        self.send_connection_event("DISCONNECTED", at)

    def reconnect(self, at: float) -> None:
        """Send frames again; after a restart with counters from 0 and a RESTARTED event."""
        if self.connected:
            return
        if self._restart_pending:
            self._restart_pending = False
            self.restart()
            self.booted_at = at - min(_BOOT_S, self.context.plan.reboot_s)
            self.resets.append(at)
            self.send_connection_event("RESTARTED", at)
        self.send_connection_event("CONNECTED", at)
        self.start_reporting(at)

    def reboot(self, at: float) -> None:
        """Disconnect for `reboot_s` seconds and restart. A disconnected device restarts when it is reconnected."""
        self._restart_pending = True
        if self.connected:
            self.disconnect(at)
            self.call_at(at + self.context.plan.reboot_s, self.reconnect)

    def remove(self) -> None:
        """Stop permanently, without an event."""
        self._epoch += 1
        self.on_disconnect(self.context.schedule.now)
        self.connected = False

    def call_at(self, at: float, call: Callable[[float], None]) -> None:
        """Schedule a call that is dropped if the device disconnects or is removed before."""
        epoch = self._epoch
        self.context.schedule.call_at(at, lambda now: call(now) if self._epoch == epoch else None)

    # State.

    def with_overrides(self, payload: Payload, at: float) -> Payload:
        """Return the payload with the overrides of the running scenarios."""
        return self.context.overrides.apply(self.kind, self.mac, self.site.id, payload, at)

    def truth(self) -> Payload:
        """Return identity, connection, resets and the merged state of every frame (`state`)."""
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

    def _send_frame(self, at: float) -> None:
        payload, next_in_s = self.next_frame(at)
        payload = self.with_overrides(payload, at)
        self.last_seen = at
        self.frames += 1
        merge(self.streamed, self.state_part(payload))
        self.context.send_message(self.channel, payload, self.kind, self.mac, at)
        self.call_at(at + next_in_s, self._send_frame)

    def _schedule_random_events(self, at: float) -> None:
        plan = self.context.plan
        self._call_randomly(at, plan.reboots_per_device_day, DAY_S, self.reboot)
        self._call_randomly(at, plan.port_flaps_per_device_day, DAY_S, self.flap)
        self._call_randomly(at, plan.events_per_device_hour, HOUR_S, self.send_random_event)

    def _call_randomly(self, at: float, rate: float, per_s: float, call: Callable[[float], None]) -> None:
        """Call at random intervals, `rate` times per `per_s` seconds, while the device is connected."""
        wait_s = random_interval_s(self.rng, rate, per_s)
        if wait_s is None:
            return

        def call_and_repeat(now: float) -> None:
            call(now)
            if self.connected:  # otherwise `start_reporting` schedules it again
                self._call_randomly(now, rate, per_s, call)

        self.call_at(at + wait_s, call_and_repeat)


def merge(state: Payload, frame: Payload) -> None:
    """Copy every leaf of `frame` into `state`; a leaf that `frame` lacks keeps its value. Lists are leaves.

    `frame` is not modified, and `state` shares no dict with it.
    """
    for key, value in frame.items():
        if isinstance(value, dict):
            existing = state.get(key)
            if not isinstance(existing, dict):
                existing = state[key] = {}
            merge(existing, value)
        else:
            state[key] = value
