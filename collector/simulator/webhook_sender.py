"""The webhook sender: batches events, signs and delivers them, retries, and sends some deliveries twice."""

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
    from collector.simulator.fleet import WebhookEvent
    from collector.simulator.ledger import EventRecord, Ledger
    from collector.simulator.options import SenderOptions
    from collector.simulator.webhooks import WebhookConfiguration, WebhookRegistry


class WebhookSender:
    """Delivers events to the matching webhooks while `run` is running.

    Receivers are independent: one that does not respond delays only its own deliveries. The seed determines which
    deliveries are sent twice.
    """

    def __init__(
        self,
        options: SenderOptions,
        *,
        webhooks: WebhookRegistry,
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
        self._pending: dict[tuple[str, str], tuple[WebhookConfiguration, list[EventRecord]]] = {}
        self._limits: dict[str, asyncio.Semaphore] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._in_progress = 0
        self._group: asyncio.TaskGroup | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def undelivered(self) -> int:
        """Number of events that wait for the end of their window, plus deliveries in progress."""
        return self._in_progress + sum(len(records) for _, records in self._pending.values())

    def add(self, event: WebhookEvent) -> EventRecord:
        """Record an event in the ledger and add it to the window of each matching webhook."""
        record = self._ledger.add_event(event)
        for webhook in self._webhooks.matching(event.topic, event.payload):
            self._add_pending(webhook, record)
        return record

    def ping(self, webhook: WebhookConfiguration, event: WebhookEvent) -> None:
        """Deliver a `ping` event to one webhook, regardless of its topics (mist/README 5.1)."""
        self._add_pending(webhook, self._ledger.add_event(event))
        self.dispatch()

    async def run(self) -> None:
        """Dispatch the pending events at the end of every window, until cancelled."""
        timeout = aiohttp.ClientTimeout(total=self._options.timeout_s)
        async with aiohttp.ClientSession(timeout=timeout) as self._session, asyncio.TaskGroup() as self._group:
            while True:
                await self._clock.sleep(self._options.window_s)
                self.dispatch()

    def dispatch(self) -> None:
        """End the window now and start the deliveries of all pending events."""
        pending, self._pending = self._pending, {}
        for (_, topic), (webhook, records) in pending.items():
            for batch in self._batches(webhook, topic, records):
                self._start_delivery(webhook, topic, batch)

    async def flush(self) -> None:
        """Dispatch all pending events; return when every delivery has been accepted or has failed, with repeats."""
        self.dispatch()
        await self._idle.wait()

    def _add_pending(self, webhook: WebhookConfiguration, record: EventRecord) -> None:
        record.webhooks += 1
        self._pending.setdefault((webhook.id, record.topic), (webhook, []))[1].append(record)

    def _batches(
        self, webhook: WebhookConfiguration, topic: str, records: Sequence[EventRecord]
    ) -> Iterator[Sequence[EventRecord]]:
        single = webhook.single_event_per_message and topic in single_event_topics()
        size = 1 if single else self._options.batch_limit
        return (records[start : start + size] for start in range(0, len(records), size))

    def _start_delivery(self, webhook: WebhookConfiguration, topic: str, batch: Sequence[EventRecord]) -> None:
        repeat = self._rng.random() < self._options.duplicate_share
        if self._group is None:
            raise RuntimeError("the webhook sender is not running")
        self._in_progress += 1
        self._idle.clear()
        self._group.create_task(self._deliver(webhook, topic, batch, repeat=repeat))

    async def _deliver(
        self, webhook: WebhookConfiguration, topic: str, batch: Sequence[EventRecord], *, repeat: bool
    ) -> None:
        limit = self._limits.setdefault(webhook.id, asyncio.Semaphore(self._options.concurrency))
        body = delivery_body(topic, (record.payload for record in batch))
        events = tuple(record.seq for record in batch)
        try:
            async with limit:
                accepted = await self._deliver_with_retries(webhook, topic, body, events)
                if accepted and repeat:
                    await self._attempt(webhook, topic, body, events, attempt=1, repeat=True)
            if not accepted:
                self._ledger.add_lost(topic, len(batch))
        finally:
            self._in_progress -= 1
            if not self._in_progress:
                self._idle.set()

    async def _deliver_with_retries(
        self, webhook: WebhookConfiguration, topic: str, body: bytes, events: tuple[int, ...]
    ) -> bool:
        """Attempt a delivery with exponential backoff; return whether an attempt was accepted."""
        for attempt in range(1, self._options.attempts + 1):
            if await self._attempt(webhook, topic, body, events, attempt=attempt):
                return True
            if attempt < self._options.attempts:
                await self._clock.sleep(self._options.backoff_s * 2 ** (attempt - 1))
        return False

    async def _attempt(
        self,
        webhook: WebhookConfiguration,
        topic: str,
        body: bytes,
        events: tuple[int, ...],
        *,
        attempt: int,
        repeat: bool = False,
    ) -> bool:
        record = DeliveryRecord(webhook.id, topic, events, self._clock.time(), attempt, repeat)
        invalid = self._faults.match("bad_signature", self._clock.now()) is not None
        try:
            record.status = await self._post(webhook, body, webhook.request_headers(body, invalid_signature=invalid))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            record.error = type(error).__name__
        self._ledger.add_delivery(record)
        return record.accepted

    async def _post(self, webhook: WebhookConfiguration, body: bytes, headers: dict[str, str]) -> int:
        if self._session is None:
            raise RuntimeError("the webhook sender is not running")
        async with self._session.post(
            webhook.url, data=body, headers=headers, ssl=webhook.verify_cert, allow_redirects=False
        ) as response:
            return response.status


def delivery_body(topic: str, events: Iterable[dict[str, Any]]) -> bytes:
    """Return the body of a delivery: `{"topic": ..., "events": [...]}` (mist/README 5.1)."""
    return orjson.dumps({"topic": topic, "events": list(events)})
