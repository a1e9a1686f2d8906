"""What `demo` does: a fake cloud here, the daemon and Prometheus as children, and words about where to look."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import typer
import yaml

from collector.cli import progress
from collector.cli.children import Child
from collector.errors import CollectorError, ListenError, UsageError
from collector.listener.address import ListenAddress
from collector.simulator.cloud import FakeCloud
from collector.simulator.command import scenario_and_site
from collector.simulator.fleet import FleetPlan
from collector.simulator.options import CloudOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from collector.cli.demo import Plan

READY_WITHIN_S = 30.0
SCRAPE_EVERY = "5s"
_PROMETHEUS_PORT = 9090
_RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "rules"  # only in a checkout, not in a wheel
_POLL_S = 0.1
_WALKERS = 30  # a site, in an office of one floor; by night they are at home
_LOCATED_EVERY_S = 3.0
_POSITIONS = ("clients", "unconnected_clients", "sdkclients", "assets", "discovered_assets")
_TOKEN, _SECRET = "demo-token", "demo-webhook-secret"  # they open a toy on this machine


class DemoError(CollectorError):
    """A part of the demonstration ended, or did not start."""


async def run(plan: Plan) -> None:
    """Show it until the time is over or a signal comes. Raises ListenError or DemoError."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    plan = dataclasses.replace(
        plan,
        server_listen=_free(plan.server_listen, "--server-listen"),
        webhook_listen=_free(plan.webhook_listen, "--webhook-listen"),
    )
    with tempfile.TemporaryDirectory(prefix="mist-collector-demo-") as directory:
        async with _parts(plan, Path(directory)) as (cloud, daemon, prometheus):
            await _show(plan, cloud, daemon, prometheus, stop)
    typer.echo("Everything is ended.")


def _free(where: ListenAddress, option: str) -> ListenAddress:
    """The address, with a port that is free now. Raises ListenError that names the option."""
    try:
        with where.bind() as listener:
            return ListenAddress(where.host, int(listener.getsockname()[1]))
    except ListenError as error:
        raise ListenError(error.where, f"{error.cause} (choose another with {option})") from None


def _free_port(preferred: int) -> int:
    """The preferred port of this machine when it is free, else any."""
    with contextlib.suppress(ListenError):
        return _free(ListenAddress("127.0.0.1", preferred), "").port
    return _free(ListenAddress("127.0.0.1", 0), "").port


@contextlib.asynccontextmanager
async def _parts(plan: Plan, directory: Path) -> AsyncIterator[tuple[FakeCloud, Child, _Prometheus | None]]:
    """Start the cloud, the daemon and Prometheus; end them in the reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        cloud = await stack.enter_async_context(FakeCloud(_cloud_options(plan)))
        _play(cloud, plan.scenarios)
        file = _write_configuration(plan, cloud, directory)
        command = [sys.executable, "-m", "collector", "run", "--config", str(file)]
        daemon = Child("daemon", [*command, "--log-format", "console", "--log-level", "warning"])
        await stack.enter_async_context(daemon)
        program = shutil.which("prometheus") if plan.prometheus else None
        prometheus = _Prometheus(program, plan.server_listen, directory) if program else None
        if prometheus is not None:
            await stack.enter_async_context(prometheus.child)
        yield cloud, daemon, prometheus


def _play(cloud: FakeCloud, scenarios: tuple[str, ...]) -> None:
    """Begin the scenarios, before a calm background. Raises UsageError for one that there is not."""
    try:
        for wish in ("calm", *scenarios):
            cloud.scenarios.start(*scenario_and_site(wish))
    except ValueError as error:
        raise UsageError(str(error)) from None


def _cloud_options(plan: Plan) -> CloudOptions:
    return CloudOptions(
        plan=FleetPlan(
            seed=plan.seed,
            sites=plan.sites,
            aps=plan.aps,
            switches=plan.switches,
            gateways=plan.gateways,
            mxedges=plan.mxedges,
            clients_per_ap=plan.clients_per_ap,
            cadence_s=plan.cadence_s,
            walkers=_WALKERS,
            office_floors=plan.sites,
            location_cadence_s=_LOCATED_EVERY_S,
            start=time.time(),
        ),
        speed=plan.speed,
        token=_TOKEN,
        webhook_url=f"http://{_reachable(plan.webhook_listen)}/webhook",
        webhook_secret=_SECRET,
    )


def _reachable(where: ListenAddress) -> ListenAddress:
    """An address to call, where a listener takes every address."""
    return ListenAddress("127.0.0.1", where.port) if where.is_wildcard else where


def _write_configuration(plan: Plan, cloud: FakeCloud, directory: Path) -> Path:
    """The daemon's configuration and its two secrets, as an operator would write them."""
    for name, secret in (("token", _TOKEN), ("webhook-secret", _SECRET)):
        file = directory / name
        file.touch(mode=0o600)
        file.write_text(f"{secret}\n")
    configuration = {
        "accounts": [
            {
                "name": "demo",
                "api_url": cloud.api_url,
                "stream_url": cloud.stream_url,
                "token_file": "token",
            }
        ],
        "streams": {
            "clients": True,
            "mxedges": True,
            "org_insights": True,
            "location": dict.fromkeys(_POSITIONS, True),
        },
        "server": {"listen": str(plan.server_listen)},
        "webhook": {"listen": str(plan.webhook_listen), "secret_files": ["webhook-secret"]},
    }
    file = directory / "collector.yaml"
    file.write_text(yaml.safe_dump(configuration, sort_keys=False))
    return file


class _Prometheus:
    """A Prometheus that scrapes the daemon, with its data in `directory`."""

    def __init__(self, program: str, target: ListenAddress, directory: Path) -> None:
        self.url = f"http://127.0.0.1:{_free_port(_PROMETHEUS_PORT)}"
        scrape = {"job_name": "mist-collector", "static_configs": [{"targets": [str(_reachable(target))]}]}
        intervals = {"scrape_interval": SCRAPE_EVERY, "evaluation_interval": SCRAPE_EVERY}
        configuration = {"global": intervals, "scrape_configs": [scrape], "rule_files": [f"{_RULES}/*.yml"]}
        file = directory / "prometheus.yml"
        file.write_text(yaml.safe_dump(configuration))
        command = [
            program,
            f"--config.file={file}",
            f"--storage.tsdb.path={directory / 'prometheus'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
        ]
        self.child = Child("prometheus", command, output=directory / "prometheus.log")


async def _show(
    plan: Plan, cloud: FakeCloud, daemon: Child, prometheus: _Prometheus | None, stop: asyncio.Event
) -> None:
    """Wait until the daemon is ready, say where to look, wait for the end, sum up."""
    base = f"http://{_reachable(plan.server_listen)}"
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(base, timeout=timeout) as session, asyncio.TaskGroup() as group:
        watch = group.create_task(_watch(cloud, daemon))
        try:
            async with progress.waiting(lambda: "The daemon subscribes"):
                ready = await _ready(session, stop)
            if ready:
                typer.echo(_where(plan, base, cloud, prometheus))
                await _pause(stop, plan.seconds or None)
                typer.echo(await _summary(session, cloud))
        finally:
            watch.cancel()


async def _watch(cloud: FakeCloud, daemon: Child) -> None:
    """Raise when the cloud or the daemon ends before its time."""
    async with asyncio.TaskGroup() as group:
        group.create_task(cloud.run())
        code = await daemon.wait()
        raise DemoError(f"the daemon ended with exit code {code}; what it said stands above")


async def _pause(stop: asyncio.Event, seconds: float | None) -> None:
    """Wait so long, or until told to stop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _ready(session: aiohttp.ClientSession, stop: asyncio.Event) -> bool:
    """Ask /-/ready until it says so: True. False when told to stop meanwhile. Raises DemoError with the reasons."""
    answer = "it does not answer"
    for _ in range(round(READY_WITHIN_S / _POLL_S)):
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get("/-/ready") as response:
                answer = await response.text()
                if response.ok:
                    return True
        await _pause(stop, _POLL_S)
        if stop.is_set():
            return False
    raise DemoError(f"the daemon was not ready within {READY_WITHIN_S:.0f} s: {'; '.join(answer.splitlines())}")


def _where(plan: Plan, base: str, cloud: FakeCloud, prometheus: _Prometheus | None) -> str:
    """Where to look, one place a line."""
    query = "/graph?g0.expr=mist_ap_clients&g0.tab=0"
    places = {
        "Status page": f"{base}/",
        "Floors": f"{base}/floors",
        "Metrics": f"{base}/metrics",
        "Prometheus": f"{prometheus.url}{query}" if prometheus else "none: not on PATH, or not wanted",
        "Alerts": f"{prometheus.url}/alerts" if prometheus else "none without Prometheus",
        "Webhooks to": f"http://{_reachable(plan.webhook_listen)}/webhook",
        "Fake cloud": f"{cloud.api_url}  ({_fleet(plan)})",
        "Its ledger": f"{cloud.control_url}/ledger",
        "Scenarios": f"{cloud.control_url}/scenarios",
    }
    lines = [f"  {name:<12}{place}" for name, place in places.items()]
    end = f"It ends by itself after {plan.seconds:g} s." if plan.seconds else "Ctrl-C ends it all."
    return "\n".join(["The collector is at work. Look here:", *lines, end])


def _fleet(plan: Plan) -> str:
    """What lives in the cloud, in words."""
    counts = (
        (plan.sites, "site", "sites"),
        (plan.sites * plan.aps, "access point", "access points"),
        (plan.sites * plan.switches, "switch", "switches"),
        (plan.sites * plan.gateways, "gateway", "gateways"),
        (plan.mxedges, "Mist Edge", "Mist Edges"),
    )
    return ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts if count)


async def _summary(session: aiohttp.ClientSession, cloud: FakeCloud) -> str:
    """What was seen, from both sides."""
    try:
        async with session.get("/metrics") as response:
            lines = (await response.text()).splitlines()
    except (aiohttp.ClientError, TimeoutError):
        return "The daemon's /metrics did not answer at the end."
    families = sum(line.startswith("# TYPE ") for line in lines)
    samples = sum(not line.startswith("#") for line in lines)
    events = sum(sums["delivered"] for sums in cloud.ledger.topics.values())
    return (
        f"The cloud sent {cloud.ledger.sent['data']} frames and {events} webhook events; "
        f"/metrics ended with {samples} samples in {families} families."
    )
