"""The REST side of the fake cloud: `application` makes the app of `/api/v1`, its neighbours answer parts of it."""

from collector.simulator.rest.application import application

__all__ = ["application"]
