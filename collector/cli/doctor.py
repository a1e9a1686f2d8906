"""The command `doctor`: check configuration, connectivity and permissions, and suggest fixes."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import aiohttp
import structlog
import typer

from collector.cli import exits, listening
from collector.cli.accounts import open_accounts
from collector.cli.options import Account, ConfigFile  # noqa: TC001 - typer reads the annotations
from collector.cli.terminal import echo
from collector.cli.webhook_api import Owner, registered_webhooks
from collector.clock import SystemClock
from collector.errors import Fatal, RemoteError
from collector.ingest.proxy import proxy_for
from collector.mist import channels
from collector.mist.sitefilter import SiteFilter
from collector.serve import humanize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from collector.cli.accounts import OpenAccount
    from collector.cli.webhook_api import RegisteredWebhook
    from collector.config import Config
    from collector.status import ConnectionStatus

SUBSCRIBE_TIMEOUT_S = 60.0
MAX_CLOCK_OFFSET_S = 30.0
BUDGET_WARNING_SHARE = 0.8  # of the hourly REST calls
_READ_ROLES = frozenset({"read", "helpdesk"})  # roles that cannot change the network
_REJECTED_STATUSES = frozenset({401, 403, 404})
_POLL_INTERVAL_S = 0.05
_CHANNELS_SHOWN = 5  # of one kind
_IMPORTANT_TOPICS = ("device-updowns", "device-events", "alarms")
# First words of the answers of our webhook listener to an unsigned request.
_LISTENER_ANSWERS = ("missing", "not_json", "not_an_object", "no_topic", "no_events", "malformed")
_TIMEOUT = aiohttp.ClientTimeout(total=10.0)
_CLOUD_FIX = (
    "a token is valid in one cloud only: `cloud` must be the cloud whose portal you log in to; "
    "or create a new token there"
)


def doctor(
    *,
    config: ConfigFile,
    account: Account = None,
    webhook_url: Annotated[
        str | None,
        typer.Option("--webhook-url", help="Address that Mist posts to; by default that of the registered webhook."),
    ] = None,
) -> None:
    """Check configuration, connectivity and permissions, and suggest fixes.

    Checks the configuration, the token and its permissions, the clock, the REST budget, every WebSocket channel and the
    webhook. Nothing is changed: channels are subscribed and unsubscribed again. Each result is ok, warn or FAIL,
    followed by a suggested fix.

    Exit codes: 0 no failure; 1 the cloud cannot be reached; 2 operator action required.

    Example: mist-collector doctor --config collector.yaml
    """
    if webhook_url is not None and not webhook_url.startswith(("https://", "http://")):
        raise typer.BadParameter("must be a URL, e.g. https://noc.example.net/webhook", param_hint="--webhook-url")
    loaded = exits.load_or_exit(config)
    raise typer.Exit(exits.run_or_exit(check(loaded, account=account, webhook_url=webhook_url, file=str(config))))


class Result(Enum):
    """The result of a check; the value is its text."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


_COLORS = {Result.OK: typer.colors.GREEN, Result.WARN: typer.colors.YELLOW, Result.FAIL: typer.colors.RED}


@dataclass(slots=True)
class Findings:
    """Prints the results of checks on stdout as they are found, and determines the exit code.

    Attributes:
        failed: Whether a check failed that requires operator action.
        unreachable: Whether a check failed because the cloud could not be reached.
        warnings: Number of warnings.
    """

    failed: bool = False
    unreachable: bool = False
    warnings: int = 0
    _is_colored: bool = False

    def __post_init__(self) -> None:
        self._is_colored = sys.stdout.isatty() and not os.environ.get("NO_COLOR")  # no-color.org

    def section(self, title: str) -> None:
        """Begin a section."""
        echo(f"\n{title}")

    def ok(self, text: str) -> None:
        """Add a passed check."""
        self._print(Result.OK, text)

    def warn(self, text: str, fix: str = "") -> None:
        """Add a check that passed with a limitation."""
        self.warnings += 1
        self._print(Result.WARN, text, fix)

    def fail(self, text: str, fix: str = "") -> None:
        """Add a failed check that requires operator action."""
        self.failed = True
        self._print(Result.FAIL, text, fix)

    def remote(self, error: RemoteError, fix: str = "") -> None:
        """Add an error of the cloud: a rejection requires operator action, other errors may be transient."""
        if isinstance(error, Fatal):
            self.fail(str(error), fix)
            return
        self.unreachable = True
        self._print(Result.FAIL, str(error), fix or "check network, proxy and firewall; the cloud may be unavailable")

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        if self.failed:
            return exits.USAGE
        return exits.FAILED if self.unreachable else exits.OK

    def _print(self, result: Result, text: str, fix: str = "") -> None:
        label = f"{result.value:<4}"
        if self._is_colored:
            typer.echo(typer.style(f"  {label}  ", fg=_COLORS[result]), nl=False)
            echo(text)
        else:
            echo(f"  {label}  {text}")
        if fix:
            echo(f"        -> {fix}")


async def check(config: Config, *, account: str | None, webhook_url: str | None, file: str = "FILE") -> int:
    """Run all checks, print the results on stdout and return the exit code.

    Args:
        config: The configuration.
        account: Name of the only account to check; None for all.
        webhook_url: Address that Mist posts to; None for that of the registered webhooks.
        file: Path of the configuration, for commands in the output.

    Raises:
        UsageError: There is no account of that name.
    """
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # the results are the log
    findings = Findings()
    findings.section("Configuration")
    for warning in config.warnings:
        findings.warn(warning)
    findings.ok(f"valid, {humanize.many(len(config.accounts), 'account')}")
    async with open_accounts(config, name=account) as accounts:
        reachable = [one for one in accounts if await _check_account(one, findings)]
        await _check_channels(config, reachable, findings)
        await _check_webhooks(config, reachable, findings, webhook_url, file)
    warnings = f", {humanize.many(findings.warnings, 'warning')}" if findings.warnings else ""
    echo(
        "\nChecks failed; a suggested fix follows each FAIL."
        if findings.exit_code
        else f"\nAll checks passed{warnings}."
    )
    return findings.exit_code


# Account


async def _check_account(account: OpenAccount, findings: Findings) -> bool:
    """Check an account by REST; returns False if the cloud rejects the token or cannot be reached."""
    findings.section(f"Account {account.name} at {account.cloud.api_url}")
    try:
        identity, answer = await account.rest.get_with_headers("/self")
        check_permissions(identity, findings)
        _check_clock(answer.headers, findings)
        await _check_budget(account, findings)
        await _check_inventory(account, findings)
    except RemoteError as error:
        findings.remote(error, _CLOUD_FIX if error.status in _REJECTED_STATUSES else "")
        return False
    return True


def check_permissions(identity: object, findings: Findings) -> None:
    """Check the privileges of the token.

    Args:
        identity: The answer to `/self`.
        findings: Receives the results.
    """
    privileges = identity.get("privileges") if isinstance(identity, dict) else None
    rows = [row for row in privileges if isinstance(row, dict)] if isinstance(privileges, list) else []
    roles = sorted({str(row.get("role", "unknown")) for row in rows})
    findings.ok(f"the token is accepted: {humanize.many(len(rows), 'privilege')}, role {', '.join(roles) or 'unknown'}")
    if excessive := [role for role in roles if role not in _READ_ROLES]:
        findings.warn(
            f"the token has more permissions than required (role {', '.join(excessive)})",
            "use an organisation token with the role Observer",
        )


def _check_clock(headers: Mapping[str, str], findings: Findings) -> None:
    try:
        cloud_time = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        findings.warn("the clock was not checked: the answer of the cloud has no valid date")
        return
    offset_s = SystemClock().time() - cloud_time
    if abs(offset_s) > MAX_CLOCK_OFFSET_S:
        direction = "ahead of" if offset_s > 0 else "behind"
        findings.fail(
            f"the clock of this machine is {abs(offset_s):.0f} s {direction} that of the cloud",
            "enable time synchronisation (chrony, systemd-timesyncd); otherwise ages of data are wrong",
        )
    else:
        findings.ok(f"clock offset to the cloud: {offset_s:+.0f} s")


async def _check_budget(account: OpenAccount, findings: Findings) -> None:
    await account.rest.learn_usage()
    used, limit = account.rest.status.budget_used, account.rest.status.budget_limit
    text = f"{used} of {limit} REST calls of this hour are used"
    if used > BUDGET_WARNING_SHARE * limit:
        findings.warn(text, "other programs use this token: create a separate token for the collector")
    else:
        findings.ok(text)


async def _check_inventory(account: OpenAccount, findings: Findings) -> None:
    await account.read_inventory()
    known = account.directory
    counts = ((len(known.orgs), "organisation"), (len(known.sites), "site"), (len(known.devices), "device"))
    findings.ok(", ".join(humanize.many(count, noun) for count, noun in counts))
    for org_id in account.settings.orgs:
        if org_id not in known.orgs:
            findings.fail(
                f"accounts[].orgs: the token has no access to organisation {org_id}",
                "correct the id, or extend the permissions of the token",
            )
    for error in account.errors:
        findings.remote(error, "grant the token access, or exclude the site with accounts[].sites.exclude")
    for pattern in account.settings.sites.include:
        if not any(SiteFilter((pattern,)).admits(site) for site in known.sites.values()):
            findings.warn(f"accounts[].sites.include: {pattern} matches no site", "correct or remove the entry")
    if not known.sites and not account.errors:
        findings.fail("no site is selected", "check accounts[].orgs and accounts[].sites")


# Stream


async def _check_channels(config: Config, accounts: Sequence[OpenAccount], findings: Findings) -> None:
    """Subscribe to every channel, and unsubscribe."""
    count = sum(len(account.channels()) for account in accounts)
    if not count:
        return
    findings.section(f"Stream: {humanize.many(count, 'channel')}")
    async with listening.subscriptions(config, accounts, lambda _message: None) as statuses:
        await _wait_for_answers(statuses, count)
        _report_connections(statuses, findings)
        _report_channels(statuses, findings)


async def _wait_for_answers(statuses: Sequence[ConnectionStatus], count: int) -> None:
    """Wait until every channel is answered, a connection is rejected, or the time is over."""
    shows_progress = sys.stderr.isatty()
    shown = 0
    bar: Any = nullcontext()
    if shows_progress:
        bar = typer.progressbar(length=count, label="  answers", file=sys.stderr)
    with bar:
        for _ in range(round(SUBSCRIBE_TIMEOUT_S / _POLL_INTERVAL_S)):
            channels_ = [one for status in statuses for one in status.subscriptions.values()]
            answered = sum(one.state in listening.ANSWERED for one in channels_)
            if shows_progress:
                bar.update(answered - shown)
            shown = answered
            if answered == len(channels_) or any(status.state == "refused" for status in statuses):
                return
            await asyncio.sleep(_POLL_INTERVAL_S)


def _report_connections(statuses: Sequence[ConnectionStatus], findings: Findings) -> None:
    for status in statuses:
        if not status.connects:
            findings.fail(
                f"connection {status.name}: {status.last_disconnect or 'no answer to the handshake'}",
                "the stream has a separate host name (api-ws. in place of api.): allow it in the firewall, "
                "or configure stream_url",
            )


def _report_channels(statuses: Sequence[ConnectionStatus], findings: Findings) -> None:
    all_ = [one for status in statuses if status.connects for one in status.subscriptions.values()]
    for kind in dict.fromkeys(one.kind for one in all_):
        states = Counter(one.state for one in all_ if one.kind == kind)
        if states["up"]:
            findings.ok(f"{kind}: {states['up']} acknowledged")
        for one in [one for one in all_ if one.kind == kind and one.state != "up"][:_CHANNELS_SHOWN]:
            if one.state == "refused":
                findings.fail(f"{one.channel}: rejected ({one.detail or 'no reason'})", _channel_fix(one.channel))
            else:
                findings.warn(f"{one.channel}: no answer", "a running collector repeats the request")
        more = sum(states.values()) - states["up"] - _CHANNELS_SHOWN
        if more > 0:
            findings.warn(f"{kind}: {more} more without an acknowledgement")


def _channel_fix(channel: str) -> str:
    match = channels.match(channel)
    key = f"streams.{match.channel.stream}: false" if match is not None else "its key under streams"
    return f"grant the token read access, or disable the channel: {key}"


# Webhook


async def _check_webhooks(
    config: Config, accounts: Sequence[OpenAccount], findings: Findings, url: str | None, file: str
) -> None:
    """Check the webhooks registered at Mist, the local listener, and the addresses that lead to it."""
    if not accounts and not url:
        return
    findings.section("Webhook")
    fix = f"mist-collector webhook register --config {shlex.quote(file)} --url https://HOST{config.webhook.path}"
    if not config.webhook.enabled:
        findings.ok("disabled: events are not counted")
        return
    secrets = [secret.decode("utf-8", "replace") for secret in config.webhook.read_secrets()]
    found = [webhook for account in accounts for webhook in await _our_webhooks(config, account, findings, url, fix)]
    for webhook in found:
        _check_webhook(webhook, secrets, findings, fix)
    async with listening.webhook_deliveries(config, lambda _body: None) as problem:
        if "in use" in problem:
            findings.ok(f"{config.webhook.listen} is in use, presumably by a running collector")
        elif problem:
            findings.fail(problem, "correct webhook.listen")
        for address in dict.fromkeys([url] if url else [webhook.url for webhook in found]):
            await _check_address(address, findings)


async def _our_webhooks(
    config: Config, account: OpenAccount, findings: Findings, url: str | None, fix: str
) -> list[RegisteredWebhook]:
    found: list[RegisteredWebhook] = []
    try:
        for org in account.directory.orgs.values():
            found += await registered_webhooks(account.rest, Owner("orgs", org.id, org.name))
    except RemoteError as error:
        findings.warn(f"cannot read the webhooks at Mist: {error}", "check them in the portal: Organization > Settings")
        return []
    ours = [one for one in found if one.url == url or one.is_ours(config.webhook.path)]
    if not ours:
        findings.fail(f"account {account.name}: no webhook at Mist posts to {config.webhook.path}", fix)
    return ours


def _check_webhook(webhook: RegisteredWebhook, secrets: Sequence[str], findings: Findings, fix: str) -> None:
    """Compare a webhook at Mist with the configuration."""
    name = f"{webhook.owner}: webhook {webhook.name or webhook.fields.get('id')} to {webhook.url}"
    secret = webhook.fields.get("secret")
    if webhook.fields.get("enabled") is False:
        findings.fail(f"{name} is disabled at Mist", fix)
    elif secrets and not secret:
        findings.fail(f"{name} has no secret: its deliveries are rejected", f"{fix} sets it")
    elif secrets and set(str(secret)) != {"*"} and secret not in secrets:
        findings.fail(f"{name} has a secret that is not in webhook.secret_files", f"{fix} sets it")
    else:
        findings.ok(f"{name}, {len(webhook.topics)} topics")
    if missing := [topic for topic in _IMPORTANT_TOPICS if topic not in webhook.topics]:
        findings.warn(f"{name} does not send {', '.join(missing)}", f"{fix} adds them")


async def _check_address(url: str, findings: Findings) -> None:
    """Post an unsigned request to an address: our listener answers it with a known reason."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.post(url, json={}, allow_redirects=False, proxy=proxy_for(url)) as answer,
        ):
            text = (await answer.content.read(200)).decode("utf-8", "replace").strip()
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        findings.fail(
            f"{url} cannot be reached from this machine: {str(error) or 'timeout'}",
            "check name resolution, firewall, reverse proxy and certificate",
        )
        return
    if text.split(":")[0] in _LISTENER_ANSWERS:
        findings.ok(f"{url} leads to the collector from this machine; test it from Mist: mist-collector webhook ping")
    else:
        findings.fail(
            f"{url} does not lead to the collector: the answer has status {status}",
            "the reverse proxy must forward this path to webhook.listen without changes (deploy/reverse-proxy)",
        )
