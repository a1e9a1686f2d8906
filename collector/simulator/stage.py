"""Plays scenarios into a running cloud: each step begins and ends at its time of the fleet's life."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from collector.simulator.fleet.bends import Bend
from collector.simulator.scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from collector.simulator.cloud import FakeCloud
    from collector.simulator.scenarios import Step

    Deed = Callable[[float], Awaitable[None]]

RUBBISH_KINDS = ("truncated",)


class Play:
    """One scenario that plays: where, and what it must undo in the end."""

    def __init__(self, scenario: Scenario, site: dict[str, Any], org_id: str) -> None:
        self.scenario, self.site, self.org_id = scenario, site, org_id
        self.undo: list[Deed] = []
        self.over = False

    @property
    def key(self) -> tuple[str, str]:
        """What tells plays apart."""
        return self.scenario.name, self.site["name"] if self.scenario.of_site else ""


class Stage:
    """The plays of one cloud. `advance` must be called while the fleet lives, with the time that it reached."""

    def __init__(self, cloud: FakeCloud) -> None:
        self._cloud = cloud
        self._plays: dict[tuple[str, str], Play] = {}
        self._agenda: list[tuple[float, int, Deed]] = []
        self._order = itertools.count()

    def playing(self) -> list[dict[str, str]]:
        """List the plays."""
        return [{"name": name, "site": site} for name, site in self._plays]

    def begin(self, name: str, site: int = 0, steps: list[Step] | None = None) -> dict[str, Any]:
        """Play a scenario at the site of that ordinal of the first org; `steps` make one that has no name yet.

        Raises ValueError for an unknown name, a site that is not there, or one that plays already.
        """
        scenario = SCENARIOS.get(name)
        if steps is not None:
            scenario = Scenario(name=name, says="", alerts=(), steps=tuple(steps))
        if scenario is None:
            raise ValueError(f"unknown scenario {name!r}; there are {', '.join(SCENARIOS)}")
        org = self._cloud.atlas.orgs()[0]
        sites = self._cloud.atlas.sites(org["id"])
        if not 0 <= site < len(sites):
            raise ValueError(f"there is no site {site}; they are 0 to {len(sites) - 1}")
        play = Play(scenario, sites[site], org["id"])
        if play.key in self._plays:
            raise ValueError(f"{name} plays already")
        now = self._cloud.pace.now()
        deeds = [(now + step.get("at_s", 0.0), self._deed(play, step)) for step in scenario.steps]
        self._plays[play.key] = play
        for when, deed in deeds:
            self._at(when, play, deed)
        return {"name": name, "site": play.site["name"], "alerts": list(scenario.alerts), "says": scenario.says}

    async def end(self, name: str | None = None) -> list[dict[str, str]]:
        """End the plays of this name, or all; return them."""
        ended = [play for play in self._plays.values() if name in (None, play.scenario.name)]
        for play in ended:
            del self._plays[play.key]
            play.over = True
            for deed in reversed(play.undo):
                await deed(self._cloud.pace.now())
        return [{"name": play.scenario.name, "site": play.site["name"]} for play in ended]

    async def advance(self, now: float) -> None:
        """Do what is due."""
        while self._agenda and self._agenda[0][0] <= now:
            at, _, deed = heapq.heappop(self._agenda)
            await deed(at)

    # Steps.

    def _at(self, when: float, play: Play, deed: Deed) -> None:
        async def unless_over(at: float) -> None:
            if not play.over:
                await deed(at)

        heapq.heappush(self._agenda, (when, next(self._order), unless_over))

    def _deed(self, play: Play, step: Step) -> Deed:
        ways: dict[str, Callable[[Play, Step], Deed]] = {
            "bend": self._bend,
            "cut": self._cut,
            "tell": self._tell,
            "fault": self._fault,
            "tokens": self._tokens,
            "rubbish": self._rubbish,
        }
        way = ways.get(step.get("do", ""))
        if way is None:
            raise ValueError(f"a step must do one of {', '.join(ways)}")
        return way(play, step)

    def _bend(self, play: Play, step: Step) -> Deed:
        macs = None if step.get("device") is None else frozenset(self._macs(play, step))

        async def begin(at: float) -> None:
            bend = Bend(
                kind=step["kind"],
                sites=self._sites(play),
                who=macs,
                fields={path: self._filled(play, step, value, at) for path, value in step["set"].items()},
                where=step.get("where", {}),
                since=at,
            )
            self._cloud.fleet.bends.add(bend)

            async def end(_: float) -> None:
                if undo in play.undo:
                    play.undo.remove(undo)
                    self._cloud.fleet.bends.remove(bend)

            undo: Deed = end
            play.undo.append(undo)
            if "for_s" in step:
                self._at(at + step["for_s"], play, undo)
            if "every_s" in step:
                self._at(at + step["every_s"], play, begin)

        return begin

    def _cut(self, play: Play, step: Step) -> Deed:
        macs = self._macs(play, step)
        every_s = step.get("every_s")

        async def cut(at: float) -> None:
            for mac in macs:
                self._cloud.fleet.disconnect(mac)
            if every_s:
                self._at(at + every_s, play, mend)

        async def mend(at: float) -> None:
            for mac in macs:
                self._cloud.fleet.reconnect(mac)
            if every_s and not play.over:
                self._at(at + every_s, play, cut)

        play.undo.append(mend)
        return cut

    def _tell(self, play: Play, step: Step) -> Deed:
        left = itertools.count(step.get("times", 1), -1)

        def say(more: dict[str, Any], at: float) -> None:
            self._cloud.fleet.tell(step["topic"], self._filled(play, step, step["event"] | more, at), at)

        async def tell(at: float) -> None:
            say({}, at)
            if next(left) > 1:
                self._at(at + step["every_s"], play, tell)

        async def last(at: float) -> None:
            say(step["in_the_end"], at)

        if "in_the_end" in step:
            play.undo.append(last)
        return tell

    def _fault(self, play: Play, step: Step) -> Deed:
        said = {key: value for key, value in step.items() if key not in ("do", "at_s", "for_s", "kind")}

        async def begin(at: float) -> None:
            await self._cloud.fault(step["kind"], **self._filled(play, step, said, at))

        async def heal(_: float) -> None:
            await self._cloud.heal(step["kind"])

        play.undo.append(heal)
        return begin

    def _tokens(self, play: Play, step: Step) -> Deed:
        del step
        good = set(self._cloud.rights.tokens)

        async def revoke(_: float) -> None:
            self._cloud.rights.tokens = set()

        async def restore(_: float) -> None:
            self._cloud.rights.tokens = good

        play.undo.append(restore)
        return revoke

    def _rubbish(self, play: Play, step: Step) -> Deed:
        async def throw(at: float) -> None:
            await self._cloud.rubbish(step["count"], RUBBISH_KINDS)
            self._at(at + step["every_s"], play, throw)

        return throw

    # Who and where.

    def _sites(self, play: Play) -> frozenset[str]:
        """The ids of the sites of a play; a play of the whole cloud concerns what belongs to no site, too."""
        if play.scenario.of_site:
            return frozenset({play.site["id"]})
        return frozenset(self._cloud.fleet.site_ids())

    def _macs(self, play: Play, step: Step) -> list[str]:
        """The devices of the kind that the step names, all of them or the one of its place; ValueError for none."""
        scope = play.site["id"] if play.scenario.of_site else play.org_id
        macs = self._cloud.fleet.macs_at(scope, step["kind"])
        if step.get("device") is not None:
            macs = macs[step["device"] :][:1]
        if not macs:
            raise ValueError(f"{play.scenario.name} needs a {step['kind']} at {play.site['name']}")
        return macs

    def _filled(self, play: Play, step: Step, value: Any, at: float) -> Any:
        """Put ids and times into what a step says."""
        if isinstance(value, dict):
            return {key: self._filled(play, step, one, at) for key, one in value.items()}
        if isinstance(value, list):
            return [self._filled(play, step, one, at) for one in value]
        if not isinstance(value, str) or "$" not in value:
            return value
        words: dict[str, Callable[[], Any]] = {
            "$now": lambda: int(at),
            "$id": lambda: str(uuid4()),
            "$org_id": lambda: play.org_id,
            "$site_id": lambda: play.site["id"],
            "$mac": lambda: self._macs(play, step)[0],
            "$zone_id": lambda: self._cloud.fleet.zones(play.site["id"])[0]["id"],
        }
        if value in words:
            return words[value]()
        return value.replace("$site_id", play.site["id"])
