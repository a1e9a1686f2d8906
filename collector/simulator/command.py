"""The command `mist-collector simulate`: a simulated cloud as a process of its own."""

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
from collector.simulator.webhooks import InvalidWebhookError

if TYPE_CHECKING:
    from typing import TextIO

    from collector.simulator.flags import SimulateOptions

EXIT_OK, EXIT_USAGE = 0, 2


def cloud_options(options: SimulateOptions) -> CloudOptions:
    """Return the options of the cloud for the options of the command.

    Raises:
        ValueError: For an invalid value.
    """
    counts = {one.name: getattr(options, one.name) for one in fields(FleetPlan) if hasattr(options, one.name)}
    plan = FleetPlan(**counts | {"start": options.start or time.time()})
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
    """Run a cloud until it is interrupted, or for `options.seconds`; print its addresses to `out`.

    Returns:
        The exit code: 0 after a normal end, 2 for invalid options or a port that is in use.
    """
    if sys.stderr.isatty():  # a thousand sites take some seconds
        print("Building the fleet ...", file=sys.stderr)  # noqa: T201 - progress on a terminal
    try:
        cloud = FakeCloud(cloud_options(options))
        asyncio.run(_serve(cloud, options, out or sys.stdout))
    except (ValueError, InvalidWebhookError) as error:
        return _usage_error(str(error))
    except OSError as error:
        ports = "--api-port, --stream-port or --control-port; 0 selects a free port"
        return _usage_error(f"cannot listen: {os.strerror(error.errno or 0)} (choose another {ports})")
    return EXIT_OK


def scenario_and_site(text: str) -> tuple[str, int]:
    """Parse `NAME` or `NAME@SITE`; return name and index of the site.

    Raises:
        ValueError: If the index is not a number.
    """
    name, _, site = text.partition("@")
    if site and not site.isdecimal():
        raise ValueError(f"{text}: expected the index of a site after @, e.g. {name}@0 for the first site")
    return name, int(site or 0)


def _usage_error(message: str) -> int:
    print(f"simulate: {message}", file=sys.stderr)  # noqa: T201 - message on a terminal
    return EXIT_USAGE


async def _serve(cloud: FakeCloud, options: SimulateOptions, out: TextIO) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with cloud:
        for text in options.scenarios:
            cloud.scenarios.start(*scenario_and_site(text))
        print(f"api {cloud.api_url}\nstream {cloud.stream_url}\ncontrol {cloud.control_url}", file=out, flush=True)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(cloud.run(), name="until the cloud fails")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(options.seconds or None):
                    await stopped.wait()
            running.cancel()
