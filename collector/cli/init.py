"""The command `init`: create a configuration from an API token."""

from __future__ import annotations

import os
import secrets
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from collector import redaction
from collector.cli import config_template, exits, terminal
from collector.cli.terminal import echo
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
    from collector.ingest.rest.inventory_reader import InventorySnapshot
    from collector.mist.clouds import Cloud

TOKEN_VARIABLE = "MIST_API_TOKEN"  # noqa: S105 - a name
_ADDRESSES = "for instance --api-url https://api.mist.com --stream-url wss://api-ws.mist.com/api-ws/v1/stream"
_TOKEN_PROMPTS = 3
_SITES_SHOWN = 8
_DEVICE_TYPES = {"ap": ("access point",), "switch": ("switch", "switches"), "gateway": ("gateway",)}


def init(
    *,
    directory: Annotated[
        Path, typer.Option("--directory", "-d", help="Where to create collector.yaml and its secrets.")
    ] = Path(),
    cloud: Annotated[str | None, typer.Option(help="Mist cloud, e.g. emea01; prompted for by default.")] = None,
    api_url: Annotated[str | None, typer.Option(help="REST address in place of --cloud: a proxy, a simulator.")] = None,
    stream_url: Annotated[
        str | None, typer.Option(help="WebSocket address, if it cannot be derived from --api-url.")
    ] = None,
    org: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Collect only this organisation (id or name); repeatable.")
    ] = None,
    site: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Collect only this site (id or name, wildcards * and ?); repeatable."),
    ] = None,
    webhook: Annotated[bool | None, typer.Option("--webhook/--no-webhook", help="Receive webhooks.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not prompt; use the defaults.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing configuration.")] = False,
) -> None:
    """Create a configuration: select the cloud, enter a token, read what the token can access, write the files.

    The token is read from MIST_API_TOKEN or prompted for without echo. It is written to secrets/mist-token, a new
    webhook secret to secrets/webhook-secret (mode 0600); collector.yaml refers to them. Nothing is changed at Mist.

    Exit codes: 0 the files are written; 1 the cloud cannot be reached; 2 it rejects the token, or a file exists.

    Example: mist-collector init --directory /etc/mist-collector
    """
    options = InitOptions(
        directory=directory,
        cloud=cloud,
        api_url=api_url,
        stream_url=stream_url,
        orgs=tuple(org or ()),
        sites=tuple(site or ()),
        webhook=webhook,
        prompt=not yes,
        force=force,
    )
    try:
        exits.run_or_exit(create_configuration(options))
    except typer.Abort:  # Ctrl-C at a prompt, or the end of the input
        if sys.stdin.isatty():
            echo("\nAborted; no file was written.", err=True)
            raise typer.Exit(exits.OK) from None
        echo("\nmist-collector: stdin is not a terminal; use --cloud, MIST_API_TOKEN and --yes", err=True)
        raise typer.Exit(exits.USAGE) from None


@dataclass(frozen=True, kw_only=True, slots=True)
class InitOptions:
    """The options of the command; None for an option that is not given.

    Attributes:
        prompt: Prompt for what is not given, else use the defaults.
        force: Overwrite existing files.
    """

    directory: Path
    cloud: str | None = None
    api_url: str | None = None
    stream_url: str | None = None
    orgs: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    webhook: bool | None = None
    prompt: bool = True
    force: bool = False


async def create_configuration(options: InitOptions) -> None:
    """Create the configuration and its secrets. Raises CollectorError."""
    _check_directory(options)
    cloud = _cloud(options)
    token, snapshot = await _read_with_token(options, cloud)
    _print_inventory(snapshot)
    org_ids = _selected_orgs(options, snapshot)
    webhook = options.webhook if options.webhook is not None else _confirm(options, "Receive webhooks (events)?")
    _write_files(options, cloud, token, org_ids, webhook=webhook)
    _print_next_steps(options, webhook=webhook)


def _error(where: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError("init", [Fault(where, problem, remedy)])


def _check_directory(options: InitOptions) -> None:
    """Raise the error that writing the files would cause, before anything is prompted for."""
    directory = options.directory.absolute()
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    if not existing.is_dir():
        raise _error(str(options.directory), f"{existing} is not a directory", "choose another --directory")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise _error(
            str(options.directory), f"no permission to write to {existing}", "use sudo, or another --directory"
        )
    for file in (config_template.CONFIG_FILE, config_template.TOKEN_FILE, config_template.WEBHOOK_SECRET_FILE):
        path = options.directory / file
        if path.exists() and not options.force:
            raise _error(str(path), "the file exists", "--force overwrites it; or choose another --directory")


def _cloud(options: InitOptions) -> Cloud:
    """Return the selected cloud."""
    try:
        if options.api_url:
            return clouds.from_api_url(options.api_url, options.stream_url)
    except ValueError as error:
        raise _error("--api-url", str(error), _ADDRESSES) from None
    name = options.cloud
    if name is None and options.prompt:
        echo("Select the Mist cloud whose portal you log in to:")
        for cloud in clouds.CLOUDS.values():
            echo(f"  {cloud.name:<10}{cloud.api_url.replace('https://api.', 'manage.')}")
        name = terminal.ask("Cloud", default="global01")
    if name not in clouds.CLOUDS:
        problem = "is missing" if name is None else f"{name} is not a Mist cloud"
        raise _error("--cloud", problem, f"one of {', '.join(clouds.CLOUDS)}")
    return clouds.CLOUDS[name]


async def _read_with_token(options: InitOptions, cloud: Cloud) -> tuple[str, InventorySnapshot]:
    """Return the token and the inventory it can access; prompts again for a token that Mist rejects."""
    for attempt in range(1, _TOKEN_PROMPTS + 1):
        token = _token(options)
        try:
            return token, await _read_inventory(cloud, token)
        except Fatal as error:
            is_typed = options.prompt and not os.environ.get(TOKEN_VARIABLE)
            if not is_typed or attempt == _TOKEN_PROMPTS:
                raise
            echo(f"{error}\nTry again, or press Ctrl-C.", err=True)
    raise AssertionError  # the last attempt returns or raises


def _token(options: InitOptions) -> str:
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if token:
        echo(f"Using the token in {TOKEN_VARIABLE}.")
    elif options.prompt:
        token = terminal.ask("API token (not echoed; read access is sufficient)", hidden=True)
    redaction.hide(token)
    if token_fault(token) is not None:
        raise _error(TOKEN_VARIABLE, "does not contain an API token", "a single word, as displayed by the Mist portal")
    return token


async def _read_inventory(cloud: Cloud, token: str) -> InventorySnapshot:
    echo(f"Connecting to {cloud.api_url} ...")
    status = RestStatus("init")
    async with (
        RestClient(cloud, lambda: token, status, SystemClock(), attempts=2) as rest,
        terminal.waiting(lambda: f"Reading the inventory: {sum(status.calls.values())} calls"),
    ):
        return await InventoryReader(rest, orgs=(), sites=SiteFilter()).read(Directory())


def _print_inventory(snapshot: InventorySnapshot) -> None:
    """Print organisations, sites and the number of devices."""
    for org in snapshot.orgs.values():
        sites = [site.name or site.id for site in snapshot.sites.values() if site.org_id == org.id]
        devices = [device for device in snapshot.devices.values() if device.org_id == org.id]
        types = {type_: sum(device.type == type_ for device in devices) for type_ in _DEVICE_TYPES}
        counts = ", ".join(humanize.many(count, *_DEVICE_TYPES[type_]) for type_, count in types.items() if count)
        echo(f"  {org.name or org.id}: {humanize.many(len(sites), 'site')}, {counts or 'no devices'}")
        more = f" and {len(sites) - _SITES_SHOWN} more" if len(sites) > _SITES_SHOWN else ""
        if sites:
            echo(f"    {', '.join(sorted(sites)[:_SITES_SHOWN])}{more}")
    for error in snapshot.errors:
        echo(f"  not read: {error}", err=True)


def _selected_orgs(options: InitOptions, snapshot: InventorySnapshot) -> list[str]:
    """Return the ids of the organisations to collect; empty for all."""
    ids = {org.name: org.id for org in snapshot.orgs.values()} | {org_id: org_id for org_id in snapshot.orgs}
    unknown = [name for name in options.orgs if name not in ids]
    if unknown:
        available = ", ".join(org.name or org.id for org in snapshot.orgs.values())
        raise _error("--org", f"the token has no access to an organisation {unknown[0]}", f"available: {available}")
    if options.orgs or len(snapshot.orgs) == 1 or not options.prompt:
        return [ids[name] for name in options.orgs]
    if _confirm(options, f"Collect all {len(snapshot.orgs)} organisations?"):
        return []
    return [org.id for org in snapshot.orgs.values() if _confirm(options, f"  Collect {org.name or org.id}?")]


def _confirm(options: InitOptions, question: str) -> bool:
    return terminal.confirm(question, default=True) if options.prompt else True


def _write_files(options: InitOptions, cloud: Cloud, token: str, org_ids: list[str], *, webhook: bool) -> None:
    """Write the secrets (mode 0600, in a directory of mode 0700), then the configuration."""
    directory = options.directory
    text = config_template.render(cloud, org_ids, options.sites, webhook=webhook)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / config_template.SECRETS_DIRECTORY).mkdir(mode=0o700, exist_ok=True)
        write_file(directory / config_template.TOKEN_FILE, f"{token}\n", 0o600)
        if webhook:
            write_file(directory / config_template.WEBHOOK_SECRET_FILE, f"{secrets.token_urlsafe(32)}\n", 0o600)
        write_file(directory / config_template.CONFIG_FILE, text, 0o644)
    except OSError as error:
        raise exits.write_error(directory, error) from None


def write_file(path: Path, text: str, mode: int) -> None:
    """Replace a file atomically. Its content is at no time readable with other permissions than `mode`."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode, exist_ok=False)
    new.write_text(text, encoding="utf-8")
    new.chmod(mode)  # the umask may have removed permissions
    new.replace(path)
    echo(f"Written: {path}")


def _print_next_steps(options: InitOptions, *, webhook: bool) -> None:
    file = shlex.quote(str(options.directory / config_template.CONFIG_FILE))
    echo("\nNext:")
    echo(f"  mist-collector doctor --config {file}")
    if webhook:
        echo(f"  mist-collector webhook register --config {file} --url https://YOUR-HOST/webhook")
        echo("    (requires a token with write access: put it in an environment variable, add --token-env VARIABLE)")
    echo(f"  mist-collector run --config {file}")
