"""`mist-collector simulate`: a fake cloud as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from dataclasses import fields
from typing import TYPE_CHECKING

from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan
from collector.simulator.options import CloudOptions, SenderOptions
from collector.simulator.webhooks import RefusedConfigurationError

if TYPE_CHECKING:
    from typing import TextIO

    from collector.simulator.flags import SimulateOptions

EXIT_OK, EXIT_USAGE = 0, 2


def cloud_options(options: SimulateOptions) -> CloudOptions:
    """Return the options of the cloud that is meant; raises ValueError for values that make no sense."""
    meant = {one.name: getattr(options, one.name) for one in fields(FleetPlan) if hasattr(options, one.name)}
    plan = FleetPlan(**meant | {"start": options.start or time.time()})
    return CloudOptions(
        plan=plan,
        host=options.host,
        api_port=options.api_port,
        stream_port=options.stream_port,
        control_port=options.control_port,
        token=options.token,
        speed=options.speed,
        calls_per_hour=options.calls_per_hour,
        nested=not options.objects,
        webhook_url=options.webhook_url,
        webhook_secret=options.webhook_secret,
        webhook_topics=options.webhook_topics,
        webhook_on_sites=options.webhook_on_sites,
        sender=SenderOptions(window_s=options.webhook_window_s, duplicate_share=options.duplicate_share),
    )


def run(options: SimulateOptions, out: TextIO | None = None) -> int:
    """Run a cloud until interrupted (or for `options.seconds`), print where it is, return the exit code.

    0 after an ordinary end, 2 for options that make no sense and for a port that is taken.
    """
    if sys.stderr.isatty():  # a thousand sites take some seconds
        print("Building the fleet ...", file=sys.stderr)  # noqa: T201 - words for the person at the terminal
    try:
        cloud = FakeCloud(cloud_options(options))
        asyncio.run(_serve(cloud, options, out or sys.stdout))
    except (ValueError, RefusedConfigurationError) as error:
        return _usage(str(error))
    except OSError as error:
        ports = "--api-port, --stream-port or --control-port; 0 is any free one"
        return _usage(f"cannot listen: {os.strerror(error.errno or 0)} (choose another {ports})")
    return EXIT_OK


def _usage(words: str) -> int:
    print(f"simulate: {words}", file=sys.stderr)  # noqa: T201 - words for the person at the terminal
    return EXIT_USAGE


def name_and_site(wish: str) -> tuple[str, int]:
    """Read `NAME` or `NAME@SITE`; raises ValueError."""
    name, _, site = wish.partition("@")
    if site and not site.isdecimal():
        raise ValueError(f"{wish}: behind @ stands the place of a site, 0 for the first")
    return name, int(site or 0)


async def _serve(cloud: FakeCloud, options: SimulateOptions, out: TextIO) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with cloud:
        for wish in options.scenarios:
            cloud.stage.begin(*name_and_site(wish))
        print(f"api {cloud.api_url}\nstream {cloud.stream_url}\ncontrol {cloud.control_url}", file=out, flush=True)
        async with asyncio.TaskGroup() as group:
            life = group.create_task(cloud.run(), name="until the cloud fails")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(options.seconds or None):
                    await ended.wait()
            life.cancel()
