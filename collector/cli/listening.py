"""Subscriptions and webhook deliveries for commands, beside a running collector or without one.

Mist sends the messages of a channel to every subscriber, so a running collector loses none. A webhook delivery goes to
one address: a command receives deliveries only if no collector listens on that address.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog

from collector.cli.accounts import open_accounts
from collector.cli.terminal import echo, show_status
from collector.clock import SystemClock
from collector.errors import CollectorError, Fatal, ListenError, Rejected, Retryable, UsageError
from collector.ingest.stream.pool import StreamPool, StreamSettings
from collector.ingest.stream.websocket import WebSocketConnect
from collector.ingest.webhook.endpoint import Webhook, WebhookLimits, WebhookPolicy
from collector.mist.envelope import Data
from collector.status import ConnectionStatus, WebhookStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from collector.cli.accounts import OpenAccount
    from collector.config import Config
    from collector.ingest.dispatcher import Apply
    from collector.mist.envelope import StreamMessage

    OnMessage = Callable[[StreamMessage | Rejected], None]
    OnBody = Callable[[bytes], None]

T = TypeVar("T")

ANSWERED = ("up", "refused", "unanswered")  # states of a channel whose subscription has been answered, or timed out
_POLL_INTERVAL_S = 0.2


class CallbackSink:
    """A sink of frames that passes every message to a function; implements `pool.ChannelSink`."""

    def __init__(self, on_message: OnMessage) -> None:
        self._on_message = on_message

    def subscribe(self, channel: str) -> None:
        """Do nothing: the handlers need no preparation."""

    def unsubscribe(self, channel: str) -> None:
        """Do nothing."""

    def event(self, event: StreamMessage | Rejected, now: float) -> None:  # noqa: ARG002 - the signature of a sink
        """Pass on a message of any kind."""
        self._on_message(event)

    def handler(self, channel: str) -> Apply:
        """Return a handler that passes on the payloads of a channel."""
        return lambda payload, _now: self._on_message(Data(channel, payload))

    def take(self, data: Sequence[tuple[Apply, object]], now: float) -> None:
        """Pass on the payloads of data messages."""
        for handler, payload in data:
            handler(payload, now)


@asynccontextmanager
async def subscriptions(
    config: Config,
    accounts: Sequence[OpenAccount],
    on_message: OnMessage,
    channels: Callable[[OpenAccount], Sequence[str]] | None = None,
) -> AsyncIterator[list[ConnectionStatus]]:
    """Subscribe while the block runs; yields the statuses of the connections.

    Args:
        config: The configuration.
        accounts: Whose channels to subscribe to.
        on_message: Receives every message.
        channels: Returns the channels of an account; by default those of the daemon.
    """
    statuses: list[ConnectionStatus] = []
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        connect = WebSocketConnect(clock)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        tasks = []
        for account in accounts:
            pool = StreamPool(
                account.name,
                url=account.cloud.stream_url,
                token=account.settings.read_token,
                connect=connect,
                sink=CallbackSink(on_message),
                clock=clock,
                statuses=statuses,
                settings=StreamSettings(config.stream.max_channels, config.stream.open_every_s),
                rng=random.random,
            )
            pool.set_channels(channels(account) if channels else account.channels())
            tasks.append(group.create_task(pool.run()))
        try:
            yield statuses
        finally:
            for task in tasks:
                task.cancel()


@asynccontextmanager
async def webhook_deliveries(config: Config, on_body: OnBody) -> AsyncIterator[str]:
    """Receive webhook deliveries while the block runs, as the daemon does; yields "" or why that is not possible."""

    async def deliver(body: bytes, _now: float) -> Rejected | None:
        on_body(body)
        return None

    settings = config.webhook
    if not settings.enabled:
        yield "webhooks are disabled in the configuration"
        return
    limits = WebhookLimits(settings.max_body_bytes, settings.read_timeout_s)
    policy = WebhookPolicy(settings.path, settings.read_secrets, settings.allow_unsigned, limits)
    listener = Webhook(settings.listen, deliver=deliver, status=WebhookStatus(), clock=SystemClock(), policy=policy)
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(listener)
        except ListenError as error:
            yield str(error)
        else:
            yield ""


class Consumer(Protocol):
    """What a command does with the messages of Mist."""

    def add_inventory(self, account: OpenAccount) -> None:
        """Handle the inventory of an account, before its messages."""

    def channels(self, account: OpenAccount) -> list[str]:
        """Return the channels of an account to subscribe to. Raises UsageError."""

    def message(self, message: StreamMessage | Rejected) -> None:
        """Handle a message."""

    def delivery(self, body: bytes) -> None:
        """Handle a verified webhook delivery."""

    def check_selection(self, channels: int, *, webhooks: bool) -> None:
        """Raise UsageError if nothing can arrive for this number of channels, with or without webhooks."""

    def progress(self) -> str:
        """Return what to show on the terminal meanwhile; "" for nothing."""


class _ConsumerGuard:
    """Calls a consumer and never raises: what a sink raises would be counted as an error of the stream.

    Attributes:
        output_error: The first error of the consumer's output. It ends the command.
        internal_errors: Number of messages that the consumer could not handle, by the type of the exception.
    """

    def __init__(self, consumer: Consumer, stop: asyncio.Event) -> None:
        self.output_error: OSError | None = None
        self.internal_errors: Counter[str] = Counter()
        self._consumer = consumer
        self._stop = stop

    def message(self, message: StreamMessage | Rejected) -> None:
        """Handle a message."""
        self._call(self._consumer.message, message)

    def delivery(self, body: bytes) -> None:
        """Handle a verified webhook delivery."""
        self._call(self._consumer.delivery, body)

    def _call(self, handle: Callable[[T], None], subject: T) -> None:
        try:
            handle(subject)
        except OSError as error:
            self.output_error = self.output_error or error
            self._stop.set()
        except Exception as error:  # noqa: BLE001 - a bug; the other messages are handled
            self.internal_errors[type(error).__name__] += 1


async def consume(config: Config, account: str | None, consumer: Consumer, *, seconds: float) -> None:
    """Subscribe, receive webhooks, and pass everything to a consumer until the time is over or a signal arrives.

    Args:
        config: The configuration.
        account: Name of the only account to use; None for all.
        consumer: Receives the messages.
        seconds: Duration; 0 for no limit.

    Raises:
        CollectorError: Mist cannot be reached or rejects the request, or there is nothing to subscribe to.
        OSError: The consumer's output cannot be written.
    """
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # stdout and stderr belong to the command
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    guard = _ConsumerGuard(consumer, stop)
    async with AsyncExitStack() as stack:
        accounts = await stack.enter_async_context(open_accounts(config, name=account))
        for one in accounts:
            await one.read_inventory()
            consumer.add_inventory(one)
        channels = {one.name: consumer.channels(one) for one in accounts}
        no_webhooks = await stack.enter_async_context(webhook_deliveries(config, guard.delivery))
        if no_webhooks:
            echo(f"No webhook deliveries: {no_webhooks}.", err=True)
        count = sum(map(len, channels.values()))
        consumer.check_selection(count, webhooks=not no_webhooks)
        statuses = await stack.enter_async_context(
            subscriptions(config, accounts, guard.message, lambda one: channels[one.name])
        )
        echo(f"Subscribing to {count} channels; press Ctrl-C to stop.", err=True)
        failure = await _wait(stop, statuses, seconds, consumer)
    if guard.output_error is not None:
        raise guard.output_error
    if guard.internal_errors:
        echo(f"warning: messages skipped because of an internal error: {dict(guard.internal_errors)}", err=True)
    if failure is not None:
        raise failure


async def _wait(
    stop: asyncio.Event, statuses: Sequence[ConnectionStatus], seconds: float, consumer: Consumer
) -> CollectorError | None:
    """Wait for the end; returns the error if no connection can be established."""
    deadline = time.monotonic() + seconds if seconds else float("inf")
    shows_progress = bool(consumer.progress()) and sys.stderr.isatty()
    while not stop.is_set() and time.monotonic() < deadline:
        if failure := _failure(statuses):
            return failure
        if shows_progress:
            show_status(consumer.progress())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(_POLL_INTERVAL_S, max(0.0, deadline - time.monotonic()))):
                await stop.wait()
    if shows_progress:
        echo(err=True)
    return None


def _failure(statuses: Sequence[ConnectionStatus]) -> CollectorError | None:
    if statuses and all(status.state == "refused" for status in statuses):
        return Fatal(f"the stream rejects the connection: {statuses[0].last_disconnect}")
    if statuses and all(not status.connects and sum(status.disconnects.values()) > 1 for status in statuses):
        return Retryable(f"the stream cannot be reached: {statuses[0].last_disconnect}")
    return None


def nothing_to_subscribe() -> UsageError:
    """Return the error of a configuration that subscribes to nothing."""
    return UsageError("the configuration subscribes to no channel: enable one under `streams`, or `webhook`")
