"""A simulated fleet of Mist devices: seeded, deterministic, of any size, without sockets and without a clock.

The entry point is `fleet.Fleet`: it advances the devices of a `plan.FleetPlan` to a unix time and returns the messages
that they sent, as `context.StreamMessage` (payload of one stream frame) and `context.WebhookEvent`.
"""

from collector.simulator.fleet.context import StreamMessage, WebhookEvent
from collector.simulator.fleet.fleet import Fleet
from collector.simulator.fleet.plan import FleetPlan

__all__ = ["Fleet", "FleetPlan", "StreamMessage", "WebhookEvent"]
