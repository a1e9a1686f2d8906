"""A simulated fleet of Mist devices: seeded, deterministic, of any size, without a socket or a clock.

Start at `fleet.Fleet`: it lives the devices of a `plan.FleetPlan` up to a time and returns what they said, as
`messages.Emission` (one stream frame's data) and `messages.Event` (one webhook event).
"""

from collector.simulator.fleet.fleet import Fleet
from collector.simulator.fleet.messages import Emission, Event
from collector.simulator.fleet.plan import FleetPlan

__all__ = ["Emission", "Event", "Fleet", "FleetPlan"]
