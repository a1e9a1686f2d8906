"""What `init` does: ask, look, write, and say what comes next."""

from __future__ import annotations

import os
import secrets
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer

from collector.cli import asking, progress, template
from collector.clock import SystemClock
from collector.errors import ConfigError, Fatal, Fault
from collector.ingest.rest.client import RestClient
from collector.ingest.rest.inventory_reader import InventoryReader
from collector.mist import clouds
from collector.mist.directory import Directory
from collector.mist.sitefilter import SiteFilter
from collector.serve import humanize
from collector.status import RestStatus
from collector.token import token_fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from collector.ingest.rest.inventory_reader import InventorySnapshot
    from collector.mist.clouds import Cloud

    ReadToken = Callable[[], str]

TOKEN_VARIABLE = "MIST_API_TOKEN"  # noqa: S105 - a name
_ADDRESSES = "for instance --api-url https://api.mist.com --stream-url wss://api-ws.mist.com/api-ws/v1/stream"
_TRIES = 3  # of a token that is typed
_SHOWN = 8  # names in a list
_KINDS = {"ap": ("access point",), "switch": ("switch", "switches"), "gateway": ("gateway",)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What was said on the command line; None = not said. `ask` False: take the defaults."""

    directory: Path
    cloud: str | None = None
    api_url: str | None = None
    stream_url: str | None = None
    orgs: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    webhook: bool | None = None
    ask: bool = True
    force: bool = False


@dataclass(slots=True)
class Found:
    """What the token reaches."""

    token: str = field(repr=False)
    reading: InventorySnapshot


async def take(wish: Wish) -> None:
    """Go all the way; raises CollectorError with a sentence for whoever ran it."""
    _must_be_free(wish)
    cloud = _cloud(wish)
    found = await _found(wish, cloud)
    _tell(found.reading)
    org_ids = _chosen_orgs(wish, found.reading)
    webhook = wish.webhook if wish.webhook is not None else _yes(wish, "Receive Mist's webhooks (events)?")
    _write(wish, cloud, found.token, org_ids, webhook=webhook)
    _next(wish, webhook=webhook)


def _fault(path: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError("init", [Fault(path, problem, remedy)])


def _must_be_free(wish: Wish) -> None:
    """Refuse what would fail at the very end, before anything is asked for."""
    there = next(path for path in (wish.directory.absolute(), *wish.directory.absolute().parents) if path.exists())
    if not there.is_dir():
        raise _fault(str(wish.directory), "is not a folder", "choose another --directory")
    if not os.access(there, os.W_OK | os.X_OK):
        raise _fault(str(wish.directory), f"{there} may not be written", "use sudo, or another --directory")
    for file in (template.CONFIGURATION, template.TOKEN, template.SECRET):
        path = wish.directory / file
        if path.exists() and not wish.force:
            raise _fault(str(path), "is there already", "--force writes over it; or choose another --directory")


def _cloud(wish: Wish) -> Cloud:
    """The cloud as told or asked for."""
    try:
        if wish.api_url:
            return clouds.from_api_url(wish.api_url, wish.stream_url)
    except ValueError as error:
        raise _fault("--api-url", str(error), _ADDRESSES) from None
    name = wish.cloud
    if name is None and wish.ask:
        typer.echo("Mist has several clouds; yours is the one whose portal you log in to:")
        for cloud in clouds.CLOUDS.values():
            typer.echo(f"  {cloud.name:<10}{cloud.api_url.replace('https://api.', 'manage.')}")
        name = asking.text("Cloud", default="global01")
    if name not in clouds.CLOUDS:
        problem = "is missing" if name is None else f"{name} is not a Mist cloud"
        raise _fault("--cloud", problem, f"one of {', '.join(clouds.CLOUDS)}")
    return clouds.CLOUDS[name]


async def _found(wish: Wish, cloud: Cloud) -> Found:
    """Ask for the token until the cloud takes it, and read what it reaches."""
    for attempt in range(1, _TRIES + 1):
        token = _token(wish)
        try:
            return Found(token, await _read(cloud, token))
        except Fatal as error:
            typed = wish.ask and not os.environ.get(TOKEN_VARIABLE)
            if not typed or attempt == _TRIES:
                raise
            typer.echo(f"{error}\nTry again, or Ctrl-C.", err=True)
    raise AssertionError  # the last attempt returns or raises


def _token(wish: Wish) -> str:
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if token:
        typer.echo(f"The token is taken from {TOKEN_VARIABLE}.")
    elif wish.ask:
        token = asking.text("API token (not shown; read access is enough)", hidden=True)
    if token_fault(token) is not None:
        raise _fault(TOKEN_VARIABLE, "holds no API token", "one word, as Mist showed it when it was made")
    return token


async def _read(cloud: Cloud, token: str) -> InventorySnapshot:
    typer.echo(f"Looking at {cloud.api_url} ...")
    status = RestStatus("init")
    async with (
        RestClient(cloud, lambda: token, status, SystemClock(), attempts=2) as rest,
        progress.waiting(lambda: f"Reading the inventory: {sum(status.calls.values())} calls"),
    ):
        return await InventoryReader(rest, orgs=(), sites=SiteFilter()).read(Directory())


def _tell(reading: InventorySnapshot) -> None:
    """Say what there is."""
    for org in reading.orgs.values():
        sites = [site.name or site.id for site in reading.sites.values() if site.org_id == org.id]
        devices = [device for device in reading.devices.values() if device.org_id == org.id]
        kinds = {kind: sum(device.type == kind for device in devices) for kind in _KINDS}
        counts = ", ".join(humanize.many(count, *_KINDS[kind]) for kind, count in kinds.items() if count)
        typer.echo(f"  {org.name or org.id}: {humanize.many(len(sites), 'site')}, {counts or 'no devices'}")
        more = f" and {len(sites) - _SHOWN} more" if len(sites) > _SHOWN else ""
        if sites:
            typer.echo(f"    {', '.join(sorted(sites)[:_SHOWN])}{more}")
    for fault in reading.errors:
        typer.echo(f"  not read: {fault}", err=True)


def _chosen_orgs(wish: Wish, reading: InventorySnapshot) -> list[str]:
    """Ids of the orgs to collect; none when all of them."""
    by_name = {org.name: org.id for org in reading.orgs.values()} | {org_id: org_id for org_id in reading.orgs}
    unknown = [name for name in wish.orgs if name not in by_name]
    if unknown:
        known = ", ".join(org.name or org.id for org in reading.orgs.values())
        raise _fault("--org", f"the token reaches no organisation {unknown[0]}", f"it reaches {known}")
    if wish.orgs or len(reading.orgs) == 1 or not wish.ask:
        return [by_name[name] for name in wish.orgs]
    if _yes(wish, f"Collect all {len(reading.orgs)} organisations?"):
        return []
    return [org.id for org in reading.orgs.values() if _yes(wish, f"  Collect {org.name or org.id}?")]


def _yes(wish: Wish, question: str) -> bool:
    return asking.yes(question, default=True) if wish.ask else True


def _write(wish: Wish, cloud: Cloud, token: str, org_ids: list[str], *, webhook: bool) -> None:
    """Write the files, secrets first: mode 0600 in a folder of mode 0700."""
    text = template.configuration(cloud, org_ids, wish.sites, webhook=webhook)
    try:
        wish.directory.mkdir(parents=True, exist_ok=True)
        folder = wish.directory / template.SECRETS
        folder.mkdir(mode=0o700, exist_ok=True)
        write_file(wish.directory / template.TOKEN, f"{token}\n", 0o600)
        if webhook:
            write_file(wish.directory / template.SECRET, f"{secrets.token_urlsafe(32)}\n", 0o600)
        write_file(wish.directory / template.CONFIGURATION, text, 0o644)
    except OSError as error:
        raise _fault(
            str(wish.directory), f"cannot be written: {error.strerror}", "another --directory, or rights"
        ) from None


def write_file(path: Path, text: str, mode: int) -> None:
    """Write all or nothing, readable by nobody else at any moment."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode, exist_ok=False)  # with its mode before anything is in it
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(mode)  # the umask may have taken something away
    fresh.replace(path)
    typer.echo(f"Written: {path}")


def _next(wish: Wish, *, webhook: bool) -> None:
    """What to do now, as commands to copy."""
    file = shlex.quote(str(wish.directory / template.CONFIGURATION))
    typer.echo("\nNext:")
    typer.echo(f"  mist-collector doctor --config {file}")
    if webhook:
        typer.echo(f"  mist-collector webhook register --config {file} --url https://YOUR-HOST/webhook")
        typer.echo("    (it needs a token that may write: put that into a variable and name it with --token-env)")
    typer.echo(f"  mist-collector run --config {file}")
