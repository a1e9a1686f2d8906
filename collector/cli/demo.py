"""`mist-collector demo`: the whole thing on one machine, without a Mist account."""

from __future__ import annotations

import dataclasses

import typer

from collector.cli import exits
from collector.cli.from_fields import taking
from collector.listener import address
from collector.listener.address import ListenAddress
from collector.simulator.flags import SCENARIO_HELP, flag

_PLACE = "HOST:PORT"


def _place(text: str) -> ListenAddress:
    """Read an address of the command line."""
    try:
        return address.parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} {error}, e.g. 127.0.0.1:9733") from None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """One demonstration, as the command line describes it. `seconds` 0: until told to stop."""

    seconds: float = flag(0.0, "End after so many seconds; 0: until Ctrl-C.", min=0)
    sites: int = flag(3, "Sites of the simulated organisation.", min=1)
    aps: int = flag(10, "Access points a site.", min=1)
    switches: int = flag(1, "Switches a site.", min=0)
    gateways: int = flag(1, "Gateways a site.", min=0)
    mxedges: int = flag(1, "Mist Edges of the organisation.", min=0)
    clients_per_ap: int = flag(5, "Wireless clients an access point.", min=0)
    cadence_s: float = flag(10.0, "Seconds between two messages of a device.", min=1)
    speed: float = flag(1.0, "Seconds of fleet life a second.", min=0.1)
    seed: int = flag(1, "Equal seeds make equal fleets.")
    server_listen: ListenAddress = flag(  # noqa: RUF009 - a field, and frozen
        ListenAddress("127.0.0.1", 9733),
        "Where the daemon serves /metrics and its status page.",
        parser=_place,
        metavar=_PLACE,
    )
    webhook_listen: ListenAddress = flag(  # noqa: RUF009 - as above
        ListenAddress("127.0.0.1", 9734), "Where the daemon receives webhooks.", parser=_place, metavar=_PLACE
    )
    scenarios: tuple[str, ...] = flag((), SCENARIO_HELP, name="--scenario")
    prometheus: bool = flag(default=True, help_text="Start a Prometheus too, when there is one on PATH.")


@taking(Plan)
def demo(plan: Plan) -> None:
    """Show it at work: a simulated Mist cloud, the daemon, and a Prometheus when there is one on PATH.

    Prints where to look. Everything is temporary and on this machine only; Ctrl-C ends it all. Exit code 0 at an
    ordinary end, 1 when a part fails, 2 when options make no sense or a port is taken.
    """
    import logging  # noqa: PLC0415 - --help needs none of this

    from collector.cli import show  # noqa: PLC0415 - as above

    logging.basicConfig(level=logging.ERROR)  # the simulator's libraries; the daemon logs for itself
    exits.run_or_exit(show.run(plan))
