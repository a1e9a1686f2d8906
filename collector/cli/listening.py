"""A second pair of ears: the channels of a configuration heard by a command, beside the daemon or without it.

Mist sends a channel to everyone who subscribes to it, so the daemon misses nothing. Webhooks go to one address only:
they are heard here where the daemon is not running.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from collector.clock import SystemClock
from collector.errors import ListenError, Rejected
from collector.ingest.dispatcher import Dispatcher
from collector.ingest.stream.pool import StreamPool, StreamSettings
from collector.ingest.stream.websocket import WebSocketConnect
from collector.ingest.webhook.endpoint import Webhook, WebhookLimits, WebhookPolicy
from collector.mist.deduplicator import Deduplicator
from collector.mist.envelope import Data
from collector.status import ConnectionStatus, Counts, WebhookStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from collector.cli.visit import Visit
    from collector.config import Config
    from collector.ingest.dispatcher import Apply
    from collector.mist.envelope import StreamMessage

    Hear = Callable[[StreamMessage | Rejected], None]
    HearBody = Callable[[bytes], None]

SETTLED = ("up", "refused", "unanswered")


class Ears(Dispatcher):
    """An intake that hands every frame on as it was parsed, and stores nothing."""

    def __init__(self, hear: Hear) -> None:
        super().__init__(
            open_channel=lambda _path: None,
            open_topic=lambda _topic: lambda _event, _now: None,
            duplicates=Deduplicator(),
            frames=Counts(),
            events={},
        )
        self._hear = hear

    def event(self, event: StreamMessage | Rejected, now: float) -> None:  # noqa: ARG002 - as the stream calls it
        """Hand one frame on."""
        self._hear(event)

    def handler(self, channel: str) -> Apply:
        """Hand the payloads of a channel on."""
        return lambda payload, _now: self._hear(Data(channel, payload))


@asynccontextmanager
async def hearing(
    config: Config, visits: Sequence[Visit], hear: Hear, channels: Callable[[Visit], Sequence[str]] | None = None
) -> AsyncIterator[list[ConnectionStatus]]:
    """Subscribe to the channels of all visited accounts while the block runs; gives the state of the connections."""
    statuses: list[ConnectionStatus] = []
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        connect = WebSocketConnect(clock)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        tasks = []
        for visit in visits:
            pool = StreamPool(
                visit.name,
                url=visit.cloud.stream_url,
                token=visit.account.read_token,
                connect=connect,
                sink=Ears(hear),
                clock=clock,
                statuses=statuses,
                settings=StreamSettings(config.stream.max_channels, config.stream.open_every_s),
                rng=random.random,
            )
            pool.set_channels(channels(visit) if channels else visit.channels())
            tasks.append(group.create_task(pool.run()))
        try:
            yield statuses
        finally:
            for task in tasks:
                task.cancel()


@asynccontextmanager
async def receiving(config: Config, hear: HearBody) -> AsyncIterator[str]:
    """Listen for webhooks while the block runs, as the daemon would; gives "" or why that is not possible."""

    async def deliver(body: bytes, _now: float) -> Rejected | None:
        hear(body)
        return None

    wanted = config.webhook
    if not wanted.enabled:
        yield "webhooks are off in the configuration"
        return
    limits = WebhookLimits(wanted.max_body_bytes, wanted.read_timeout_s)
    policy = WebhookPolicy(wanted.path, wanted.read_secrets, wanted.allow_unsigned, limits)
    listener = Webhook(wanted.listen, deliver=deliver, status=WebhookStatus(), clock=SystemClock(), policy=policy)
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(listener)
        except ListenError as error:
            yield str(error)
        else:
            yield ""


def settled(statuses: Sequence[ConnectionStatus]) -> bool:
    """Whether every channel has its answer."""
    return all(one.state in SETTLED for status in statuses for one in status.subscriptions.values())
