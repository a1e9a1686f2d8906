"""The commands `webhook register`, `list`, `ping` and `remove`: the webhook at Mist."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import aiohttp
import typer

from collector import redaction
from collector.cli import exits, listening, terminal, webhook_api
from collector.cli.accounts import open_accounts
from collector.cli.init import write_file
from collector.cli.options import Account, ConfigFile  # noqa: TC001 - typer reads the annotations
from collector.cli.terminal import echo
from collector.cli.top import local_url, read_samples, without_password
from collector.config.secret_file import shown
from collector.errors import CollectorError, Fatal, RemoteError, UsageError
from collector.listener.address import is_loopback
from collector.mist.delivery import Delivery, parse_delivery
from collector.mist.times import epoch_s

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from collector.cli.accounts import OpenAccount
    from collector.cli.webhook_api import Owner, RegisteredWebhook
    from collector.config import Config

app = typer.Typer(
    name="webhook",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help=(
        "Register, list, test and remove the webhook at Mist. Registration and removal require a token with write "
        "access, which the collector itself does not need: pass it to these commands with --token-env."
    ),
)

Org = Annotated[str | None, typer.Option("--org", help="Organisation (id or name); by default the only one.")]
Site = Annotated[str | None, typer.Option("--site", help="Site (id or name), for a webhook of that site.")]
Name = Annotated[str, typer.Option("--name", help="Name of the webhook at Mist.")]
TokenEnv = Annotated[
    str | None,
    typer.Option("--token-env", metavar="NAME", help="Environment variable that contains a token with write access."),
]
_POLL_INTERVAL_S = 0.2
_TIMEOUT = aiohttp.ClientTimeout(total=10.0)


@app.command(short_help="Create or update the webhook.")
def register(
    *,
    config: ConfigFile,
    url: Annotated[str, typer.Option("--url", help="Address that Mist posts to: https://HOST/webhook")],
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", metavar="TOPIC", help="Topic to send, repeatable; by default those for operations."),
    ] = None,
    account: Account = None,
    org: Org = None,
    site: Site = None,
    name: Name = webhook_api.DEFAULT_NAME,
    token_env: TokenEnv = None,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Create a new secret; the previous one stays valid.")
    ] = False,
    insecure: Annotated[
        bool, typer.Option("--no-verify-cert", help="Have Mist accept any certificate of this address.")
    ] = False,
) -> None:
    """Create the webhook, or update the address, topics and secret of the webhook with this name.

    The secret is read from the first file of webhook.secret_files. With --rotate, a new secret is written to that file
    and the previous one to the second file, so that deliveries signed with it remain valid.

    Exit codes: 0 registered; 1 the cloud cannot be reached; 2 it rejects the request, or an option is invalid.

    Example: mist-collector webhook register -c collector.yaml --url https://noc.example.net/webhook
    """
    loaded = exits.load_or_exit(config)
    options = WebhookOptions(
        account=account,
        org=org,
        site=site,
        name=name,
        url=url,
        topics=tuple(topic or ()),
        rotate=rotate,
        verify_cert=not insecure,
        token_env=token_env,
    )
    exits.run_or_exit(register_webhook(loaded, options))


@app.command("list", short_help="List the registered webhooks.")
def list_(
    *, config: ConfigFile, account: Account = None, org: Org = None, site: Site = None, token_env: TokenEnv = None
) -> None:
    """List the webhooks of the organisation or site. Those of the collector are marked with *; secrets are not shown.

    Exit codes: 0 success; 1 the cloud cannot be reached; 2 it rejects the request.
    """
    loaded = exits.load_or_exit(config)
    options = WebhookOptions(account=account, org=org, site=site, token_env=token_env)
    exits.run_or_exit(list_webhooks(loaded, options))


@app.command(short_help="Request a test delivery and wait for it.")
def ping(
    *,
    config: ConfigFile,
    account: Account = None,
    org: Org = None,
    site: Site = None,
    name: Name = webhook_api.DEFAULT_NAME,
    token_env: TokenEnv = None,
    within: Annotated[float, typer.Option("--within", min=1, help="Seconds to wait for the delivery.")] = 30.0,
) -> None:
    """Request a test delivery from Mist and wait until it arrives, at the running collector or else at this command.

    Exit codes: 0 the delivery arrived; 1 it did not arrive in time; 2 Mist rejects the request.
    """
    loaded = exits.load_or_exit(config)
    options = WebhookOptions(account=account, org=org, site=site, name=name, token_env=token_env)
    raise typer.Exit(exits.run_or_exit(ping_webhook(loaded, options, within)))


@app.command(short_help="Remove the webhook.")
def remove(
    *,
    config: ConfigFile,
    account: Account = None,
    org: Org = None,
    site: Site = None,
    name: Name = webhook_api.DEFAULT_NAME,
    token_env: TokenEnv = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not prompt for confirmation.")] = False,
) -> None:
    """Remove the webhook with this name at Mist.

    Exit codes: 0 removed; 1 the cloud cannot be reached; 2 it rejects the request, or there is no such webhook.
    """
    loaded = exits.load_or_exit(config)
    options = WebhookOptions(account=account, org=org, site=site, name=name, token_env=token_env)
    exits.run_or_exit(remove_webhook(loaded, options, prompt=not yes))


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookOptions:
    """The options of the commands; None for an option that is not given."""

    account: str | None = None
    org: str | None = None
    site: str | None = None
    name: str = webhook_api.DEFAULT_NAME
    url: str = ""
    topics: tuple[str, ...] = ()
    rotate: bool = False
    verify_cert: bool = True
    token_env: str | None = None


@asynccontextmanager
async def _open_owner(config: Config, options: WebhookOptions) -> AsyncIterator[tuple[OpenAccount, Owner]]:
    """Open the selected account; yields it with the selected organisation or site. Raises CollectorError."""
    if options.account is None and len(config.accounts) > 1:
        names = ", ".join(account.name for account in config.accounts)
        raise UsageError(f"the configuration has {len(config.accounts)} accounts; select one with --account: {names}")
    async with open_accounts(config, name=options.account, token=_write_token(options)) as (account,):
        await account.read_inventory()
        yield account, webhook_api.find_owner(account, options.org, options.site)


def _write_token(options: WebhookOptions) -> Callable[[], str] | None:
    if options.token_env is None:
        return None
    token = os.environ.get(options.token_env, "").strip()
    if not token:
        raise UsageError(f"--token-env {options.token_env}: the variable is not set; it must contain a token")
    redaction.hide(token)
    return lambda: token


# Register


async def register_webhook(config: Config, options: WebhookOptions) -> None:
    """Create the webhook, or update the one with the same name. Raises CollectorError."""
    _check_url(config, options.url)
    async with _open_owner(config, options) as (account, owner):
        available = await webhook_api.available_topics(account.rest, owner)
        topics = list(options.topics) or webhook_api.default_topics(owner, available)
        if unknown := [topic for topic in topics if topic not in available]:
            offered = ", ".join(sorted(available))
            raise UsageError(f"--topic {unknown[0]}: not available for {owner.noun}; available: {offered}")
        existing = await _find_webhook(account, owner, options.name)
        old_secret = _secret(config)
        secret = _rotate_secret(config, old_secret) if options.rotate else old_secret
        content: dict[str, object] = {
            "name": options.name, "type": "http-post", "url": options.url, "topics": topics, "secret": secret,
            "enabled": True, "verify_cert": options.verify_cert,
        }  # fmt: skip
        try:
            if existing is None:
                await account.rest.write("POST", owner.path, content)
            else:
                await account.rest.write("PUT", existing.path, content)
        except Fatal:
            if options.rotate:  # Mist keeps the old secret
                write_file(config.webhook.secret_files[0], f"{old_secret}\n", 0o600)
            raise
    done = "Registered" if existing is None else "Updated"
    echo(f"{done}: webhook {options.name} of {owner} posts to {options.url}")
    echo(f"  topics: {', '.join(topics)}")
    echo("Test it: mist-collector webhook ping")


def _check_url(config: Config, url: str) -> None:
    """Raise UsageError for an address that cannot work; print a warning for one that may not."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise UsageError(f"--url: not a URL: {error}") from None
    if parts.scheme not in ("https", "http") or not host:
        raise UsageError("--url: must begin with https:// and a host name")
    if parts.username or parts.password:
        raise UsageError("--url: must not contain a user name or password; deliveries are authenticated by signature")
    if not config.webhook.enabled:
        raise UsageError("webhooks are disabled in the configuration; set webhook.enabled: true")
    if parts.scheme == "http" and not is_loopback(host):
        echo("warning: --url: http:// is not encrypted; use a reverse proxy with TLS", err=True)
    if parts.path != config.webhook.path:
        echo(
            f"warning: --url has the path {parts.path or '/'}, the collector listens on {config.webhook.path}; "
            "a reverse proxy must translate it",
            err=True,
        )


def _secret(config: Config) -> str:
    """Return the secret of the configuration."""
    if not config.webhook.secret_files:
        raise UsageError("webhook.secret_files is empty; without a secret, anyone can send events")
    return config.webhook.read_secrets()[0].decode("utf-8")


def _rotate_secret(config: Config, secret: str) -> str:
    """Return a new secret. The collector knows it before Mist does; the old one becomes the second secret."""
    files = config.webhook.secret_files
    new = secrets.token_urlsafe(32)
    redaction.hide(new)
    try:
        if len(files) > 1:
            write_file(files[1], f"{secret}\n", 0o600)
        else:
            echo(
                "warning: webhook.secret_files has one file: deliveries signed with the old secret are rejected until "
                "Mist repeats them",
                err=True,
            )
        write_file(files[0], f"{new}\n", 0o600)
    except OSError as error:
        raise exits.write_error(shown(files[0]), error) from None
    return new


async def _find_webhook(account: OpenAccount, owner: Owner, name: str) -> RegisteredWebhook | None:
    """Return the webhook of that name. Raises UsageError if there are several."""
    found = [one for one in await webhook_api.registered_webhooks(account.rest, owner) if one.name == name]
    if len(found) > 1:
        raise UsageError(f"{owner} has {len(found)} webhooks named {name}; remove all but one in the Mist portal")
    return found[0] if found else None


async def _existing_webhook(account: OpenAccount, owner: Owner, name: str) -> RegisteredWebhook:
    """Return the webhook of that name. Raises UsageError if there is none."""
    found = await _find_webhook(account, owner, name)
    if found is None:
        raise UsageError(f"{owner} has no webhook named {name}; create it with mist-collector webhook register")
    return found


# List and remove


async def list_webhooks(config: Config, options: WebhookOptions) -> None:
    """Print the webhooks of the selected organisation or site. Raises CollectorError."""
    async with _open_owner(config, options) as (account, owner):
        found = await webhook_api.registered_webhooks(account.rest, owner)
    if not found:
        echo(f"{owner} has no webhook.")
    for webhook in found:
        mark = "*" if webhook.is_ours(config.webhook.path) else " "
        state = "on " if webhook.fields.get("enabled", True) else "off"
        signed = "signed" if webhook.fields.get("secret") else "not signed"
        echo(f"{mark} {webhook.name or '(no name)'}  {state}  {without_password(webhook.url)}  {signed}")
        echo(f"    {', '.join(webhook.topics)}")


async def remove_webhook(config: Config, options: WebhookOptions, *, prompt: bool) -> None:
    """Remove the webhook. Raises CollectorError, and typer.Abort if the user does not confirm."""
    async with _open_owner(config, options) as (account, owner):
        webhook = await _existing_webhook(account, owner, options.name)
        question = f"Remove webhook {webhook.name} of {owner}, which posts to {without_password(webhook.url)}?"
        if prompt and not terminal.confirm(terminal.printable(question), default=False):
            raise typer.Abort
        await account.rest.write("DELETE", webhook.path)
    echo(f"Removed: webhook {webhook.name} of {owner}")


# Ping


async def ping_webhook(config: Config, options: WebhookOptions, timeout_s: float) -> int:
    """Request a test delivery, wait for it and return the exit code. Raises CollectorError."""
    received = asyncio.Event()

    def on_body(body: bytes) -> None:
        delivery = parse_delivery(body)
        if isinstance(delivery, Delivery) and delivery.topic == "ping":
            received.set()

    async with _open_owner(config, options) as (account, owner):
        webhook = await _existing_webhook(account, owner, options.name)
        async with listening.webhook_deliveries(config, on_body) as problem:
            before = await _pings_counted(config) if problem else None
            if problem and before is None:
                raise UsageError(
                    f"{problem}, and no collector answers at {config.server.listen}; stop the program that uses the "
                    'port, or watch mist_collector_webhook_events_received_total{topic="ping"} of the collector'
                )
            receiver = "the running collector" if problem else "this command (no collector is running)"
            echo(f"Requesting a ping to {without_password(webhook.url)}; waiting for it at {receiver} ...")
            await account.rest.write("POST", f"{webhook.path}/ping", {})
            async with terminal.waiting(lambda: f"No delivery yet, timeout {timeout_s:g} s"):
                arrived = await _arrives(config, received, before, timeout_s)
            if arrived:
                echo("The delivery arrived; its signature is valid.")
                return exits.OK
        await _explain(account, webhook, timeout_s)
        return exits.FAILED


async def _arrives(config: Config, received: asyncio.Event, before: float | None, timeout_s: float) -> bool:
    """Wait for the delivery here, or for the counter of the running collector to increase."""
    for _ in range(round(timeout_s / _POLL_INTERVAL_S)):
        if received.is_set():
            return True
        if before is not None and (await _pings_counted(config) or 0.0) > before:
            return True
        await asyncio.sleep(_POLL_INTERVAL_S)
    return received.is_set()


async def _pings_counted(config: Config) -> float | None:
    """Return the number of pings that the running collector has received; None if it does not answer."""
    url = local_url(config.server.listen, tls=config.server.web_config_file is not None)
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            samples = await read_samples(session, url, "collector")
    except CollectorError:
        return None
    rows = samples.get("mist_collector_webhook_events_received_total", ())
    return sum(value for labels, value in rows if labels.get("topic") == "ping")


async def _explain(account: OpenAccount, webhook: RegisteredWebhook, timeout_s: float) -> None:
    """Print what Mist's delivery log contains about the ping."""
    echo(f"mist-collector: the delivery did not arrive within {timeout_s:g} s.", err=True)
    try:
        rows = [row async for row in account.rest.search(f"{webhook.path}/events/search", limit=10)]
    except RemoteError:
        rows = []
    if rows:
        echo(
            f"  Mist's delivery log: {_outcome(max(rows, key=lambda row: epoch_s(row.get('timestamp')) or 0.0))}",
            err=True,
        )
    echo("  Check address, DNS, firewall, certificate and reverse proxy, as seen from the internet.", err=True)
    echo("  mist-collector doctor checks the address from this machine.", err=True)


def _outcome(row: dict[str, Any]) -> str:
    detail = f"status {row.get('status_code')}" if row.get("status_code") else str(row.get("error") or "no answer")
    return f"{row.get('status')}, {detail}"
