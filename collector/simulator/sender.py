"""The webhook sender: collects, batches, signs, delivers, tries again, and sometimes sends twice."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from collector.simulator.constants import single_event_topics
from collector.simulator.ledger import DeliveryRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from collector.clock import Clock
    from collector.simulator.faults import Faults
    from collector.simulator.fleet import Event
    from collector.simulator.ledger import EventRecord, Ledger
    from collector.simulator.options import SenderOptions
    from collector.simulator.webhooks import Webhook, Webhooks


class Sender:
    """Delivers events to the webhooks that they concern, while `run` runs.

    Receivers do not wait for each other; one that does not answer delays only its own deliveries. The seed decides
    which deliveries are sent twice.
    """

    def __init__(
        self,
        options: SenderOptions,
        *,
        webhooks: Webhooks,
        faults: Faults,
        ledger: Ledger,
        clock: Clock,
        seed: int,
    ) -> None:
        self._options = options
        self._webhooks = webhooks
        self._faults = faults
        self._ledger = ledger
        self._clock = clock
        self._rng = Random(f"{seed}/webhooks")
        self._waiting: dict[tuple[str, str], tuple[Webhook, list[EventRecord]]] = {}
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._under_way = 0
        self._group: asyncio.TaskGroup | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def undelivered(self) -> int:
        """How many events wait to be collected, and deliveries are on their way."""
        return self._under_way + sum(len(records) for _, records in self._waiting.values())

    def offer(self, event: Event) -> EventRecord:
        """Enter an event into the ledger and let it wait for the end of the window of each webhook it concerns."""
        record = self._ledger.event(event)
        for webhook in self._webhooks.concerned(event.topic, event.payload):
            self._wait(webhook, record)
        return record

    def ping(self, webhook: Webhook, event: Event) -> None:
        """Deliver a `ping` to this webhook alone, whatever its topics (mist/README 5.1)."""
        self._wait(webhook, self._ledger.event(event))
        self.dispatch()

    async def run(self) -> None:
        """Send what was collected, window after window, until cancelled."""
        timeout = aiohttp.ClientTimeout(total=self._options.timeout_s)
        async with aiohttp.ClientSession(timeout=timeout) as self._session, asyncio.TaskGroup() as self._group:
            while True:
                await self._clock.sleep(self._options.window_s)
                self.dispatch()

    def dispatch(self) -> None:
        """End the window now: send all that waits."""
        waiting, self._waiting = self._waiting, {}
        for (_, topic), (webhook, records) in waiting.items():
            for batch in self._batches(webhook, topic, records):
                self._begin(webhook, topic, batch)

    async def flush(self) -> None:
        """Send all that waits and return when every delivery was accepted or given up, repeats included."""
        self.dispatch()
        await self._idle.wait()

    def _wait(self, webhook: Webhook, record: EventRecord) -> None:
        record.webhooks += 1
        self._waiting.setdefault((webhook.id, record.topic), (webhook, []))[1].append(record)

    def _batches(self, webhook: Webhook, topic: str, records: Sequence[EventRecord]) -> Iterator[Sequence[EventRecord]]:
        single = webhook.single_event_per_message and topic in single_event_topics()
        size = 1 if single else self._options.batch_limit
        return (records[place : place + size] for place in range(0, len(records), size))

    def _begin(self, webhook: Webhook, topic: str, batch: Sequence[EventRecord]) -> None:
        repeat = self._rng.random() < self._options.duplicate_share
        if self._group is None:
            raise RuntimeError("the webhook sender is not running")
        self._under_way += 1
        self._idle.clear()
        self._group.create_task(self._deliver(webhook, topic, batch, repeat=repeat))

    async def _deliver(self, webhook: Webhook, topic: str, batch: Sequence[EventRecord], *, repeat: bool) -> None:
        gate = self._gates.setdefault(webhook.id, asyncio.Semaphore(self._options.concurrency))
        body = delivery_body(topic, (record.payload for record in batch))
        events = tuple(record.seq for record in batch)
        try:
            async with gate:
                accepted = await self._insist(webhook, topic, body, events)
                if accepted and repeat:
                    await self._attempt(webhook, topic, body, events, attempt=1, repeat=True)
            if not accepted:
                self._ledger.lost(topic, len(batch))
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def _insist(self, webhook: Webhook, topic: str, body: bytes, events: tuple[int, ...]) -> bool:
        """Try until accepted, with growing pauses; return whether it was, before the last try was used up."""
        for attempt in range(1, self._options.attempts + 1):
            if await self._attempt(webhook, topic, body, events, attempt=attempt):
                return True
            if attempt < self._options.attempts:
                await self._clock.sleep(self._options.backoff_s * 2 ** (attempt - 1))
        return False

    async def _attempt(
        self,
        webhook: Webhook,
        topic: str,
        body: bytes,
        events: tuple[int, ...],
        *,
        attempt: int,
        repeat: bool = False,
    ) -> bool:
        record = DeliveryRecord(webhook.id, topic, events, self._clock.time(), attempt, repeat)
        wrong = self._faults.strikes("bad_signature", self._clock.now()) is not None
        try:
            record.status = await self._post(webhook, body, webhook.request_headers(body, wrong_secret=wrong))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            record.error = type(error).__name__
        self._ledger.delivery(record)
        return record.accepted

    async def _post(self, webhook: Webhook, body: bytes, headers: dict[str, str]) -> int:
        if self._session is None:
            raise RuntimeError("the webhook sender is not running")
        async with self._session.post(
            webhook.url, data=body, headers=headers, ssl=webhook.verify_cert, allow_redirects=False
        ) as answer:
            return answer.status


def delivery_body(topic: str, events: Iterable[dict[str, Any]]) -> bytes:
    """Return the body of a delivery: `{"topic": ..., "events": [...]}` (mist/README 5.1)."""
    return orjson.dumps({"topic": topic, "events": list(events)})
