"""Runs scenarios in a simulated cloud: each step starts and ends at its simulated time."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from collector.simulator.fleet.overrides import Override
from collector.simulator.scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from collector.simulator.directory import FleetDirectory
    from collector.simulator.fault_injector import FaultInjector
    from collector.simulator.fleet import Fleet
    from collector.simulator.malformed import MalformedFrameSender
    from collector.simulator.permissions import Permissions
    from collector.simulator.scenarios import Step
    from collector.simulator.simulation import SimulatedTime

    Action = Callable[[float], Awaitable[None]]

_MALFORMED_KINDS = ("truncated",)
_STEP_KEYS = ("action", "at_s", "for_s", "kind")


class RunningScenario:
    """A running scenario: its site, and the actions that revert its effects when it ends."""

    def __init__(self, scenario: Scenario, site: dict[str, Any], org_id: str) -> None:
        self.scenario, self.site, self.org_id = scenario, site, org_id
        self.revert: list[Action] = []
        self.ended = False

    @property
    def key(self) -> tuple[str, str]:
        """Identity among the running scenarios: name, and site of a scenario that runs per site."""
        return self.scenario.name, self.site["name"] if self.scenario.per_site else ""


class ScenarioPlayer:
    """Starts, runs and ends scenarios. `run_due` has to be called before every step of the fleet."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        directory: FleetDirectory,
        time: SimulatedTime,
        faults: FaultInjector,
        permissions: Permissions,
        malformed: MalformedFrameSender,
    ) -> None:
        self._fleet = fleet
        self._directory = directory
        self._time = time
        self._faults = faults
        self._permissions = permissions
        self._malformed = malformed
        self._running: dict[tuple[str, str], RunningScenario] = {}
        self._scheduled: list[tuple[float, int, Action]] = []
        self._order = itertools.count()

    def running(self) -> list[dict[str, str]]:
        """Return names and sites of the running scenarios."""
        return [{"name": name, "site": site} for name, site in self._running]

    def start(self, name: str, site: int = 0, steps: list[Step] | None = None) -> dict[str, Any]:
        """Start a scenario.

        Args:
            name: Name of a scenario, or any name if there are `steps`.
            site: Index of the site in the first org.
            steps: Steps of a scenario that is not in `SCENARIOS`.

        Returns:
            Name, site, alerts and description.

        Raises:
            ValueError: For an unknown name or site, an invalid step, or a scenario that is already running.
        """
        scenario = SCENARIOS.get(name)
        if steps is not None:
            scenario = Scenario(name=name, description="", alerts=(), steps=tuple(steps))
        if scenario is None:
            raise ValueError(f"unknown scenario {name!r}; expected one of {', '.join(SCENARIOS)}")
        org = self._directory.orgs()[0]
        sites = self._directory.sites(org["id"])
        if not 0 <= site < len(sites):
            raise ValueError(f"unknown site {site}; expected 0 to {len(sites) - 1}")
        running = RunningScenario(scenario, sites[site], org["id"])
        if running.key in self._running:
            raise ValueError(f"scenario {name} is already running")
        now = self._time.now()
        actions = [(now + step.get("at_s", 0.0), self._action(running, step)) for step in scenario.steps]
        self._running[running.key] = running
        for at, action in actions:
            self._call_at(at, running, action)
        return {
            "name": name,
            "site": running.site["name"],
            "alerts": list(scenario.alerts),
            "description": scenario.description,
        }

    async def end(self, name: str | None = None) -> list[dict[str, str]]:
        """End the scenarios with this name, or all; return their names and sites."""
        ended = [running for running in self._running.values() if name in (None, running.scenario.name)]
        for running in ended:
            del self._running[running.key]
            running.ended = True
            for action in reversed(running.revert):
                await action(self._time.now())
        return [{"name": running.scenario.name, "site": running.site["name"]} for running in ended]

    async def run_due(self, now: float) -> None:
        """Run the actions that are due at the simulated time `now`."""
        while self._scheduled and self._scheduled[0][0] <= now:
            at, _, action = heapq.heappop(self._scheduled)
            await action(at)

    def _call_at(self, at: float, running: RunningScenario, action: Action) -> None:
        """Schedule an action that is dropped if the scenario ends before."""

        async def unless_ended(now: float) -> None:
            if not running.ended:
                await action(now)

        heapq.heappush(self._scheduled, (at, next(self._order), unless_ended))

    # Steps.

    def _action(self, running: RunningScenario, step: Step) -> Action:
        """Return the action that starts a step."""
        makers: dict[str, Callable[[RunningScenario, Step], Action]] = {
            "override": self._override,
            "disconnect": self._disconnect,
            "event": self._event,
            "fault": self._fault,
            "revoke_tokens": self._revoke_tokens,
            "malformed_frames": self._malformed_frames,
        }
        make = makers.get(step.get("action", ""))
        if make is None:
            raise ValueError(f"the action of a step must be one of {', '.join(makers)}")
        return make(running, step)

    def _override(self, running: RunningScenario, step: Step) -> Action:
        macs = None if step.get("device") is None else frozenset(self._macs(running, step))

        async def start(at: float) -> None:
            override = Override(
                kind=step["kind"],
                sites=self._site_ids(running),
                ids=macs,
                fields={path: self._substitute(running, step, value, at) for path, value in step["set"].items()},
                where=step.get("where", {}),
                since=at,
            )
            self._fleet.overrides.add(override)

            async def end(_: float) -> None:
                if revert in running.revert:
                    running.revert.remove(revert)
                    self._fleet.overrides.remove(override)

            revert: Action = end
            running.revert.append(revert)
            if "for_s" in step:
                self._call_at(at + step["for_s"], running, revert)
            if "every_s" in step:
                self._call_at(at + step["every_s"], running, start)

        return start

    def _disconnect(self, running: RunningScenario, step: Step) -> Action:
        macs = self._macs(running, step)
        every_s = step.get("every_s")

        async def disconnect(at: float) -> None:
            for mac in macs:
                self._fleet.disconnect(mac)
            if every_s:
                self._call_at(at + every_s, running, reconnect)

        async def reconnect(at: float) -> None:
            for mac in macs:
                self._fleet.reconnect(mac)
            if every_s and not running.ended:
                self._call_at(at + every_s, running, disconnect)

        running.revert.append(reconnect)
        return disconnect

    def _event(self, running: RunningScenario, step: Step) -> Action:
        remaining = itertools.count(step.get("times", 1), -1)

        def send_event(changes: dict[str, Any], at: float) -> None:
            event = self._substitute(running, step, step["event"] | changes, at)
            self._fleet.send_event(step["topic"], event, at)

        async def send(at: float) -> None:
            send_event({}, at)
            if next(remaining) > 1:
                self._call_at(at + step["every_s"], running, send)

        async def send_final(at: float) -> None:
            send_event(step["final_event"], at)

        if "final_event" in step:
            running.revert.append(send_final)
        return send

    def _fault(self, running: RunningScenario, step: Step) -> Action:
        arguments = {key: value for key, value in step.items() if key not in _STEP_KEYS}

        async def inject(at: float) -> None:
            await self._faults.inject(step["kind"], **self._substitute(running, step, arguments, at))

        async def heal(_: float) -> None:
            await self._faults.heal(step["kind"])

        running.revert.append(heal)
        return inject

    def _revoke_tokens(self, running: RunningScenario, _: Step) -> Action:
        valid = set(self._permissions.tokens)

        async def revoke(_: float) -> None:
            self._permissions.tokens = set()

        async def restore(_: float) -> None:
            self._permissions.tokens = valid

        running.revert.append(restore)
        return revoke

    def _malformed_frames(self, running: RunningScenario, step: Step) -> Action:
        async def send(at: float) -> None:
            await self._malformed.send(step["count"], _MALFORMED_KINDS)
            self._call_at(at + step["every_s"], running, send)

        return send

    # Devices and sites of a step.

    def _site_ids(self, running: RunningScenario) -> frozenset[str]:
        """Return the site id, or all site ids including the placeholder of unassigned devices."""
        if running.scenario.per_site:
            return frozenset({running.site["id"]})
        return frozenset(self._fleet.site_ids())

    def _macs(self, running: RunningScenario, step: Step) -> list[str]:
        """Return the MAC addresses of the devices of a step.

        Raises:
            ValueError: Without such a device.
        """
        scope = running.site["id"] if running.scenario.per_site else running.org_id
        macs = self._fleet.macs_at(scope, step["kind"])
        if step.get("device") is not None:
            macs = macs[step["device"] :][:1]
        if not macs:
            raise ValueError(
                f"scenario {running.scenario.name} requires a device of kind {step['kind']} at {running.site['name']}"
            )
        return macs

    def _substitute(self, running: RunningScenario, step: Step, value: Any, at: float) -> Any:
        """Return a value of a step with its variables (`$site_id`, ...) replaced."""
        if isinstance(value, dict):
            return {key: self._substitute(running, step, one, at) for key, one in value.items()}
        if isinstance(value, list):
            return [self._substitute(running, step, one, at) for one in value]
        if not isinstance(value, str) or "$" not in value:
            return value
        variables: dict[str, Callable[[], Any]] = {
            "$now": lambda: int(at),
            "$id": lambda: str(uuid4()),
            "$org_id": lambda: running.org_id,
            "$site_id": lambda: running.site["id"],
            "$mac": lambda: self._macs(running, step)[0],
            "$zone_id": lambda: self._fleet.zones(running.site["id"])[0]["id"],
        }
        if value in variables:
            return variables[value]()
        return value.replace("$site_id", running.site["id"])
