"""Benches of positions: the whole way from socket to store, zones on, among few people and among many."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.benchmarks.results import LESS, LIMIT, SHARE, Target, result
from tests.benchmarks.stream import UNIT, Arena

if TYPE_CHECKING:
    from tests.benchmarks.results import Result
    from tests.benchmarks.settings import Settings

FEW, MANY = 2000, 200_000
PERSON_BYTES = 250
LEAST = 60  # people at the smallest scale


def location_frame(settings: Settings) -> list[Result]:
    """A position of 2,000 people on ten floors with sixty zones, flooded. naive keeps occupants of zones, too."""
    with Arena("positions", settings.count(FEW, LEAST)) as arena:
        costs = arena.race(("daemon", "naive", "read_only"), settings, arena.flood(settings))
    return [
        costs.beside("location_frame", "naive", Target(LESS, 6.5)),
        costs.beside("location_frame", "read_only", Target(SHARE, 0.5)),
    ]


def location_growth(settings: Settings) -> list[Result]:
    """A position among 200,000 people and among 2,000, on the same ten floors; and what each person takes in memory."""
    return grown(settings, "positions", "location_growth", Target(SHARE, 1.2))


def location_floors(settings: Settings) -> list[Result]:
    """The same with a hundred times the floors and zones, too: what a processor's cache makes of it."""
    return grown(settings, "positions_apart", "location_floors", Target(SHARE, 1.5))[:1]


def grown(settings: Settings, kind: str, name: str, target: Target) -> list[Result]:
    """Cost among many beside cost among few; and the memory that the more people take, by the difference of both."""
    least, most = settings.count(FEW, LEAST), settings.count(MANY, 2 * LEAST)
    with ExitStack() as stack:
        few, full = (
            stack.enter_context(Arena(kind, people, rounds=rounds)) for people, rounds in ((least, 3), (most, 1))
        )
        values, baselines, n = [], [], 0
        few.start("daemon")
        daemons = few.start("daemon"), full.start("daemon")
        for arena in (few, full):
            arena.measure("daemon", arena.once)  # everybody has been located once
        for _ in range(settings.repeat):
            baselines.append(few.measure("daemon", few.flood(settings))[0])
            cost, taken = full.measure("daemon", full.once)
            values.append(cost)
            n += taken
        rss = [daemon.ask("taken")["rss_bytes"] for daemon in daemons]
        people = [daemon.ask("people") for daemon in daemons]
    more = people[1] - people[0]
    held = (rss[1] - rss[0]) / more
    memory = result(f"{name}_memory", "nothing", "bytes a person", [held], [], Target(LIMIT, PERSON_BYTES), more)
    return [result(name, f"{least:,} people", UNIT, values, baselines, target, n), memory]
