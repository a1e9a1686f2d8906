"""The REST API of the simulated cloud; `application` returns the aiohttp application that serves `/api/v1`."""

from collector.simulator.rest.application import application

__all__ = ["application"]
