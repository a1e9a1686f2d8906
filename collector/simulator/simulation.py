"""The simulation: simulated time, and the loop that advances the fleet and sends its messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from collector.simulator.fleet import StreamMessage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from collector.clock import Clock
    from collector.simulator.directory import FleetDirectory
    from collector.simulator.faults import Faults
    from collector.simulator.fleet import Fleet, WebhookEvent
    from collector.simulator.frames import FrameEncoder
    from collector.simulator.ledger import Ledger
    from collector.simulator.stream import StreamServer
    from collector.simulator.webhook_sender import WebhookSender

_MAX_STEP_S = 1.0
"""Maximum length of a step of the fleet, in seconds of simulated time."""
_MESSAGES_PER_YIELD = 64
"""Number of messages after which the servers get a turn of the event loop."""


class SimulatedTime:
    """Simulated unix time: it starts at `start` and runs at `speed` times the speed of `clock`."""

    def __init__(self, clock: Clock, start: float, speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._base = start
        self._resumed_at: float | None = clock.now()

    @property
    def paused(self) -> bool:
        """Whether the time is paused."""
        return self._resumed_at is None

    def now(self) -> float:
        """Return the simulated unix time."""
        if self._resumed_at is None:
            return self._base
        return self._base + (self._clock.now() - self._resumed_at) * self._speed

    def pause(self) -> None:
        """Pause the time."""
        self._base = self.now()
        self._resumed_at = None

    def resume(self) -> None:
        """Resume the time."""
        if self._resumed_at is None:
            self._resumed_at = self._clock.now()

    def skip(self, seconds: float) -> None:
        """Move the time forward, also while it is paused."""
        self._base += seconds


class Simulation:
    """Advances the fleet to the simulated time and sends its messages to stream clients and webhooks.

    Args:
        fleet: The fleet.
        directory: Lookups and actions of the fleet.
        time: The simulated time.
        stream: Receives the stream messages.
        encoder: Encodes them.
        sender: Receives the webhook events.
        ledger: Records the stream messages.
        faults: The active faults.
        clock: Clock of the faults.
        before_step: Called with the end of each step before the fleet is advanced to it.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        directory: FleetDirectory,
        time: SimulatedTime,
        stream: StreamServer,
        encoder: FrameEncoder,
        sender: WebhookSender,
        ledger: Ledger,
        faults: Faults,
        clock: Clock,
        before_step: Callable[[float], Awaitable[None]],
    ) -> None:
        self._fleet = fleet
        self._directory = directory
        self._time = time
        self._stream = stream
        self._encoder = encoder
        self._sender = sender
        self._ledger = ledger
        self._faults = faults
        self._clock = clock
        self._before_step = before_step
        self._stepping = asyncio.Lock()

    async def advance(self, seconds: float) -> None:
        """Move the simulated time forward; return when all frames of that time are written to their sockets."""
        self._time.skip(seconds)
        await self.catch_up(drain=True)

    async def act(self, action: str, **arguments: Any) -> Any:
        """Run an action of the fleet at the simulated time and return its result.

        Raises:
            ValueError: For an unknown action, invalid arguments or an unknown id.
        """
        await self.catch_up()
        result = self._directory.act(action, arguments)
        self._stream.end_denied_subscriptions()
        await self.catch_up()
        return result

    async def catch_up(self, *, drain: bool = False) -> None:
        """Advance the fleet to the simulated time and send its messages; `drain` waits for slow clients."""
        async with self._stepping:
            goal = self._time.now()
            while True:
                until = min(goal, self._fleet.now + _MAX_STEP_S)
                await self._before_step(until)
                await self._send(self._fleet.step(until), drain=drain)
                if until >= goal:
                    return

    async def _send(self, messages: list[StreamMessage | WebhookEvent], *, drain: bool) -> None:
        for count, message in enumerate(messages, 1):
            if isinstance(message, StreamMessage):
                self._publish(message)
            else:
                self._sender.add(message)
            if count % _MESSAGES_PER_YIELD == 0 or count == len(messages):
                await (self._stream.drain() if drain else asyncio.sleep(0))

    def _publish(self, message: StreamMessage) -> None:
        silent = self._faults.match("silent_channel", self._clock.now(), message.channel) is not None
        if silent or not self._stream.has_subscribers(message.channel):
            self._ledger.add_frame(message, b"", 0)
            return
        payload = orjson.dumps(message.payload)
        sockets = self._stream.publish(message.channel, self._encoder.encode(message.channel, payload))
        self._ledger.add_frame(message, payload, sockets)
