"""The command `demo`: a simulated cloud, the daemon and Prometheus on one machine."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
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

from collector.cli import exits, terminal
from collector.cli.options import options_from
from collector.cli.processes import ChildProcess
from collector.cli.terminal import echo
from collector.errors import CollectorError, ListenError, UsageError
from collector.listener import address
from collector.listener.address import ListenAddress
from collector.simulator.cloud import FakeCloud
from collector.simulator.command import scenario_and_site
from collector.simulator.flags import SCENARIO_HELP, flag
from collector.simulator.fleet import FleetPlan
from collector.simulator.options import CloudOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

READY_TIMEOUT_S = 30.0
SCRAPE_INTERVAL = "5s"
_PROMETHEUS_PORT = 9090
_RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "rules"  # in a checkout only, not in a wheel
_POLL_INTERVAL_S = 0.1
_WALKERS_PER_SITE = 30  # in an office with one floor
_LOCATION_INTERVAL_S = 3.0
_LOCATION_STREAMS = ("clients", "unconnected_clients", "sdkclients", "assets", "discovered_assets")
_TOKEN, _SECRET = "demo-token", "demo-webhook-secret"  # of the simulator on this machine
_LISTEN_METAVAR = "HOST:PORT"


def _parse_listen(text: str) -> ListenAddress:
    try:
        return address.parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} {error}, e.g. 127.0.0.1:9733") from None


@dataclasses.dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """The options of the command."""

    seconds: float = flag(0.0, "Stop after this time; 0: at Ctrl-C.", min=0)
    sites: int = flag(3, "Number of sites.", min=1)
    aps: int = flag(10, "Access points per site.", min=1)
    switches: int = flag(1, "Switches per site.", min=0)
    gateways: int = flag(1, "Gateways per site.", min=0)
    mxedges: int = flag(1, "Mist Edges of the organisation.", min=0)
    clients_per_ap: int = flag(5, "Wireless clients per access point.", min=0)
    cadence_s: float = flag(10.0, "Seconds between two messages of a device.", min=1)
    speed: float = flag(1.0, "Simulated seconds per second.", min=0.1)
    seed: int = flag(1, "Seed of the simulated fleet.")
    server_listen: ListenAddress = flag(  # noqa: RUF009 - a field, and frozen
        ListenAddress("127.0.0.1", 9733),
        "Address of /metrics and the status page.",
        parser=_parse_listen,
        metavar=_LISTEN_METAVAR,
    )
    webhook_listen: ListenAddress = flag(  # noqa: RUF009 - as above
        ListenAddress("127.0.0.1", 9734),
        "Address of the webhook listener.",
        parser=_parse_listen,
        metavar=_LISTEN_METAVAR,
    )
    scenarios: tuple[str, ...] = flag((), SCENARIO_HELP, name="--scenario")
    prometheus: bool = flag(default=True, help_text="Start Prometheus, if it is installed.")


@options_from(DemoOptions)
def demo(options: DemoOptions) -> None:
    """Run a demo: a simulated Mist cloud, the daemon, and Prometheus if it is installed.

    Prints the addresses to open. All files are temporary, and everything stops at Ctrl-C.

    Exit codes: 0 normal end; 1 a component fails; 2 invalid options or a port is in use.
    """
    logging.basicConfig(level=logging.ERROR)  # of the libraries; the daemon is a process of its own
    exits.run_or_exit(run_demo(options))


class DemoError(CollectorError):
    """A component of the demo failed or did not start."""


async def run_demo(options: DemoOptions) -> None:
    """Run the demo until the time is over or a signal arrives.

    Raises:
        ListenError: A port is in use.
        DemoError: A component failed.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    options = dataclasses.replace(
        options,
        server_listen=_with_free_port(options.server_listen, "--server-listen"),
        webhook_listen=_with_free_port(options.webhook_listen, "--webhook-listen"),
    )
    with tempfile.TemporaryDirectory(prefix="mist-collector-demo-") as directory:
        async with _components(options, Path(directory)) as (cloud, daemon, prometheus):
            await _run_until_stopped(options, cloud, daemon, prometheus, stop)
    echo("All components are stopped.")


def _with_free_port(listen: ListenAddress, option: str) -> ListenAddress:
    """Return the address with its port, or a free one for port 0. Raises ListenError that names the option."""
    try:
        with listen.bind() as listener:
            return ListenAddress(listen.host, int(listener.getsockname()[1]))
    except ListenError as error:
        raise ListenError(error.where, f"{error.cause} (choose another with {option})") from None


def _free_port(preferred: int) -> int:
    """Return the preferred port of this machine if it is free, else any."""
    with contextlib.suppress(ListenError):
        return _with_free_port(ListenAddress("127.0.0.1", preferred), "").port
    return _with_free_port(ListenAddress("127.0.0.1", 0), "").port


@contextlib.asynccontextmanager
async def _components(
    options: DemoOptions, directory: Path
) -> AsyncIterator[tuple[FakeCloud, ChildProcess, _Prometheus | None]]:
    """Start cloud, daemon and Prometheus; stop them in reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        cloud = await stack.enter_async_context(FakeCloud(_cloud_options(options)))
        _begin_scenarios(cloud, options.scenarios)
        file = _write_configuration(options, cloud, directory)
        command = [sys.executable, "-m", "collector", "run", "--config", str(file)]
        daemon = ChildProcess("daemon", [*command, "--log-format", "console", "--log-level", "warning"])
        await stack.enter_async_context(daemon)
        program = shutil.which("prometheus") if options.prometheus else None
        prometheus = _Prometheus(program, options.server_listen, directory) if program else None
        if prometheus is not None:
            await stack.enter_async_context(prometheus.process)
        yield cloud, daemon, prometheus


def _begin_scenarios(cloud: FakeCloud, scenarios: tuple[str, ...]) -> None:
    """Begin the scenarios in addition to normal operation. Raises UsageError for an unknown one."""
    try:
        for scenario in ("calm", *scenarios):
            cloud.scenarios.start(*scenario_and_site(scenario))
    except ValueError as error:
        raise UsageError(f"--scenario {error}") from None


def _cloud_options(options: DemoOptions) -> CloudOptions:
    return CloudOptions(
        plan=FleetPlan(
            seed=options.seed,
            sites=options.sites,
            aps=options.aps,
            switches=options.switches,
            gateways=options.gateways,
            mxedges=options.mxedges,
            clients_per_ap=options.clients_per_ap,
            cadence_s=options.cadence_s,
            walkers=_WALKERS_PER_SITE,
            office_floors=options.sites,
            location_cadence_s=_LOCATION_INTERVAL_S,
            start=time.time(),
        ),
        speed=options.speed,
        token=_TOKEN,
        webhook_url=f"http://{_local(options.webhook_listen)}/webhook",
        webhook_secret=_SECRET,
    )


def _local(listen: ListenAddress) -> ListenAddress:
    """Return the address for clients on this machine."""
    return ListenAddress("127.0.0.1", listen.port) if listen.is_wildcard else listen


def _write_configuration(options: DemoOptions, cloud: FakeCloud, directory: Path) -> Path:
    """Write the configuration of the daemon and its secrets; returns the file."""
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
            "location": dict.fromkeys(_LOCATION_STREAMS, True),
        },
        "server": {"listen": str(options.server_listen)},
        "webhook": {"listen": str(options.webhook_listen), "secret_files": ["webhook-secret"]},
    }
    file = directory / "collector.yaml"
    file.write_text(yaml.safe_dump(configuration, sort_keys=False))
    return file


class _Prometheus:
    """A Prometheus that scrapes the daemon, with its data in `directory`."""

    def __init__(self, program: str, target: ListenAddress, directory: Path) -> None:
        self.url = f"http://127.0.0.1:{_free_port(_PROMETHEUS_PORT)}"
        scrape = {"job_name": "mist-collector", "static_configs": [{"targets": [str(_local(target))]}]}
        intervals = {"scrape_interval": SCRAPE_INTERVAL, "evaluation_interval": SCRAPE_INTERVAL}
        configuration = {"global": intervals, "scrape_configs": [scrape], "rule_files": [f"{_RULES}/*.yml"]}
        file = directory / "prometheus.yml"
        file.write_text(yaml.safe_dump(configuration))
        command = [
            program,
            f"--config.file={file}",
            f"--storage.tsdb.path={directory / 'prometheus'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
        ]
        self.process = ChildProcess("prometheus", command, output=directory / "prometheus.log")


async def _run_until_stopped(
    options: DemoOptions, cloud: FakeCloud, daemon: ChildProcess, prometheus: _Prometheus | None, stop: asyncio.Event
) -> None:
    """Wait until the daemon is ready, print the addresses, wait for the end, print a summary."""
    base = f"http://{_local(options.server_listen)}"
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(base, timeout=timeout) as session, asyncio.TaskGroup() as group:
        watch = group.create_task(_watch(cloud, daemon))
        try:
            async with terminal.waiting(lambda: "Waiting for the daemon"):
                is_ready = await _wait_until_ready(session, stop)
            if is_ready:
                echo(_addresses(options, base, cloud, prometheus))
                await _wait(stop, options.seconds or None)
                echo(await _summary(session, cloud))
        finally:
            watch.cancel()


async def _watch(cloud: FakeCloud, daemon: ChildProcess) -> None:
    """Run the cloud; raises DemoError if the daemon ends."""
    async with asyncio.TaskGroup() as group:
        group.create_task(cloud.run())
        code = await daemon.wait()
        raise DemoError(f"the daemon ended with exit code {code}; see its messages above")


async def _wait(stop: asyncio.Event, seconds: float | None) -> None:
    """Wait for a time (None: without a limit), or until stopped."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _wait_until_ready(session: aiohttp.ClientSession, stop: asyncio.Event) -> bool:
    """Poll /-/ready; returns False if stopped meanwhile. Raises DemoError with the reasons after a timeout."""
    reasons = "no answer"
    for _ in range(round(READY_TIMEOUT_S / _POLL_INTERVAL_S)):
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get("/-/ready") as response:
                reasons = await response.text()
                if response.ok:
                    return True
        await _wait(stop, _POLL_INTERVAL_S)
        if stop.is_set():
            return False
    raise DemoError(f"the daemon was not ready within {READY_TIMEOUT_S:.0f} s: {'; '.join(reasons.splitlines())}")


def _addresses(options: DemoOptions, base: str, cloud: FakeCloud, prometheus: _Prometheus | None) -> str:
    """Return the addresses to open, one per line."""
    query = "/graph?g0.expr=mist_ap_clients&g0.tab=0"
    addresses = {
        "Status page": f"{base}/",
        "Floors": f"{base}/floors",
        "Metrics": f"{base}/metrics",
        "Prometheus": f"{prometheus.url}{query}" if prometheus else "not installed or disabled",
        "Alerts": f"{prometheus.url}/alerts" if prometheus else "require Prometheus",
        "Webhooks": f"http://{_local(options.webhook_listen)}/webhook",
        "Cloud": f"{cloud.api_url}  ({_fleet(options)})",
        "Ledger": f"{cloud.control_url}/ledger",
        "Scenarios": f"{cloud.control_url}/scenarios",
    }
    lines = [f"  {name:<12}{url}" for name, url in addresses.items()]
    end = f"The demo stops after {options.seconds:g} s." if options.seconds else "Press Ctrl-C to stop."
    return "\n".join(["The demo is running:", *lines, end])


def _fleet(options: DemoOptions) -> str:
    """Return the size of the simulated fleet as text."""
    counts = (
        (options.sites, "site", "sites"),
        (options.sites * options.aps, "access point", "access points"),
        (options.sites * options.switches, "switch", "switches"),
        (options.sites * options.gateways, "gateway", "gateways"),
        (options.mxedges, "Mist Edge", "Mist Edges"),
    )
    return ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts if count)


async def _summary(session: aiohttp.ClientSession, cloud: FakeCloud) -> str:
    """Return what was sent and what was exposed."""
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
        f"/metrics had {samples} samples in {families} families."
    )
