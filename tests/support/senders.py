"""Many who send webhooks at once: in batches of any size, some twice, out of order, again until they are taken.

What they send is unique by number, so that what was counted can be held against what was sent, exactly.
"""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

from collector.mist import signature

if TYPE_CHECKING:
    from collections.abc import Callable

BEGAN = 1_767_225_600
LARGEST_BATCH = 60
AHEAD = 0.1  # of all events may be sent while a deed is done
PATIENCE_S = 0.02  # before a delivery that was not taken is tried again


def event_of(number: int) -> tuple[str, dict[str, Any]]:
    """The topic and the body of the event of this number; no two are the same event."""
    mac = f"{0x5C5B35000000 + number % 5000:012x}"
    kind = number % 4
    if kind == 0:
        return "device-events", {"type": "AP_RESTARTED", "mac": mac, "timestamp": BEGAN + number}
    if kind == 1:
        return "device-updowns", {"type": "AP_DISCONNECTED", "mac": mac, "timestamp": BEGAN + number}
    if kind == 2:
        return "alarms", {"id": f"{number:08x}-0000-0000-0000-000000000000", "type": "device_down", "timestamp": BEGAN}
    return "audits", {"id": f"{number:08x}-0000-0000-0000-000000000000", "message": "Update", "timestamp": BEGAN}


@dataclass
class Senders:
    """Sends events 0..`events`-1 from `number` senders. `secret()` signs; an empty one signs nothing."""

    url: Callable[[], str]
    events: int
    number: int = 50
    twice: float = 0.1  # of the batches, so many are delivered once more, whole, by another sender
    secret: Callable[[], bytes] = lambda: b""
    seed: int = 1
    sent: int = 0  # events whose delivery was answered 200, repetitions included
    repeated: int = 0  # of these, in repetitions
    refused: dict[str, int] = field(default_factory=dict)  # answers other than 200, and failures
    _until: float = 0.0  # so much may be sent before the next deed is done
    milestones: list[tuple[float, Callable[[], Any]]] = field(default_factory=list)

    def at(self, share: float, deed: Callable[[], Any]) -> None:
        """Do this (a coroutine function) once so much of everything was sent; a tenth more is sent meanwhile."""
        self.milestones.append((share, deed))

    @property
    def waiting(self) -> bool:
        """Whether they send nothing more before the present deed is done."""
        return self.sent > self._until

    def go_on(self) -> None:
        """Send without a limit until the next deed: the present one waits for an answer."""
        self._until = float("inf")

    async def run(self) -> None:
        """Send everything until it is taken."""
        rng = random.Random(self.seed)
        batches = self._batches(rng)
        rng.shuffle(batches)
        queue: asyncio.Queue[tuple[str, list[dict[str, Any]], bool]] = asyncio.Queue()
        for topic, batch in batches:
            queue.put_nowait((topic, batch, False))
            if rng.random() < self.twice:
                queue.put_nowait((topic, batch, True))
        async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
            group.create_task(self._deeds())
            for _ in range(self.number):
                group.create_task(self._sender(http, queue))

    def _batches(self, rng: random.Random) -> list[tuple[str, list[dict[str, Any]]]]:
        by_topic: dict[str, list[dict[str, Any]]] = {}
        for number in range(self.events):
            topic, event = event_of(number)
            by_topic.setdefault(topic, []).append(event)
        batches = []
        for topic, events in by_topic.items():
            at = 0
            while at < len(events):
                size = rng.randint(1, LARGEST_BATCH)
                batches.append((topic, events[at : at + size]))
                at += size
        return batches

    async def _sender(self, http: aiohttp.ClientSession, queue: asyncio.Queue[Any]) -> None:
        while not queue.empty():
            while self.waiting:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.001)
            if queue.empty():
                return
            topic, batch, again = queue.get_nowait()
            body = json.dumps({"topic": topic, "events": batch}).encode()
            while not await self._taken(http, body):  # noqa: ASYNC110 - as often as it takes
                await asyncio.sleep(PATIENCE_S)
            self.sent += len(batch)
            self.repeated += len(batch) if again else 0

    async def _taken(self, http: aiohttp.ClientSession, body: bytes) -> bool:
        secret = self.secret()
        headers = {signature.HEADER: signature.sign(body, secret)} if secret else {}
        try:
            async with http.post(self.url(), data=body, headers=headers) as answer:
                outcome = str(answer.status)
        except (aiohttp.ClientError, OSError) as error:
            outcome = type(error).__name__
        if outcome != "200":
            self.refused[outcome] = self.refused.get(outcome, 0) + 1
        return outcome == "200"

    async def _deeds(self) -> None:
        """Do each when it is time, one after the other."""
        for share, deed in sorted(self.milestones, key=lambda one: one[0]):
            self._until = (share + AHEAD) * self.events
            while self.sent < share * self.events:  # noqa: ASYNC110 - a count, which wakes nobody
                await asyncio.sleep(0.001)
            await deed()
        self._until = float("inf")
