"""What `doctor` looks at: configuration, token and rights, clock, REST budget, channels, webhook.

It changes nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from contextlib import nullcontext
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import structlog
import typer

from collector.cli import listening, webhook_examination
from collector.cli.findings import Findings
from collector.cli.visit import visiting
from collector.clock import SystemClock
from collector.errors import RemoteError
from collector.mist import channels
from collector.mist.sitefilter import SiteFilter
from collector.serve import humanize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from collector.cli.visit import Visit
    from collector.config import Config
    from collector.status import ConnectionStatus

CHANNELS_WITHIN_S = 60.0
OFF_S = 30.0  # a clock that is off by more is told of
BUDGET_SHARE = 0.8  # of the hour's calls; more used by others is told of
_READS = frozenset({"read", "helpdesk"})  # roles that change nothing of the network
_POLL_S = 0.05
_LEFT = "the cloud of a token is fixed: `cloud` must be the one whose portal you log in to; or make a new token there"
_LISTED = 5  # channels of one kind that are named


async def examine(config: Config, *, account: str | None, webhook_url: str | None, file: str = "FILE") -> int:
    """Look at everything, tell it on stdout, and return the exit code. Raises Fatal for an unknown account.

    `file` is the configuration's name, for commands that whoever reads it can copy.
    """
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # the findings are the log
    findings = Findings()
    findings.about("Configuration")
    for warning in config.warnings:
        findings.warn(warning)
    findings.ok(f"{humanize.many(len(config.accounts), 'account')}, every key is known and fits")
    async with visiting(config, account=account) as visits:
        reached = [visit for visit in visits if await _account(visit, findings)]
        await _channels(config, reached, findings)
        await webhook_examination.examine(config, reached, findings, webhook_url, file)
    _sum_up(findings)
    return findings.code


def _sum_up(findings: Findings) -> None:
    if findings.code:
        typer.echo("\nSomething is missing; what to do stands below each FAIL.")
    else:
        warned = f", with {humanize.many(findings.warned, 'warning')}" if findings.warned else ""
        typer.echo(f"\nAll is well{warned}.")


async def _account(visit: Visit, findings: Findings) -> bool:
    """Examine one account by REST; False when the cloud does not let it in."""
    findings.about(f"Account {visit.name} at {visit.cloud.api_url}")
    try:
        me, answer = await visit.rest.get_with_headers("/self")
        _rights(me, findings)
        _time(answer.headers, findings)
        await _budget(visit, findings)
        await _reach(visit, findings)
    except RemoteError as error:
        findings.remote(error, _LEFT if getattr(error, "status", None) in {401, 403, 404} else "")
        return False
    return True


def _rights(me: object, findings: Findings) -> None:
    privileges = me.get("privileges") if isinstance(me, dict) else None
    found = [one for one in privileges if isinstance(one, dict)] if isinstance(privileges, list) else []
    roles = sorted({str(one.get("role", "unknown")) for one in found})
    findings.ok(
        f"the token is accepted: {humanize.many(len(found), 'privilege')}, role {', '.join(roles) or 'unknown'}"
    )
    if more := [role for role in roles if role not in _READS]:
        findings.warn(
            f"the token may do more than read (role {', '.join(more)})",
            "the collector only reads: an organisation token with the role Observer is enough",
        )


def _time(headers: Mapping[str, str], findings: Findings) -> None:
    try:
        cloud_unix = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (TypeError, ValueError):
        findings.warn("the cloud tells no time, so the clock was not compared")
        return
    off_s = SystemClock().time() - cloud_unix
    if abs(off_s) > OFF_S:
        off = f"this machine's clock is {abs(off_s):.0f} s {'ahead' if off_s > 0 else 'behind'}"
        findings.fail(off, "set up time synchronisation (chrony, systemd-timesyncd): ages of data would be wrong")
    else:
        findings.ok("the clock agrees with the cloud's, to within a second or two" if abs(off_s) < OFF_S / 10 else
                    f"the clock is {off_s:+.0f} s off the cloud's")  # fmt: skip


async def _budget(visit: Visit, findings: Findings) -> None:
    await visit.rest.learn_usage()
    used, limit = visit.rest.status.budget_used, visit.rest.status.budget_limit
    use = f"{used} of {limit} REST calls of this hour are used"
    if used > BUDGET_SHARE * limit:
        findings.warn(use, "others use this token: give the collector one of its own")
    else:
        findings.ok(use)


async def _reach(visit: Visit, findings: Findings) -> None:
    await visit.look_around()
    known = visit.directory
    findings.ok(
        ", ".join(
            (
                humanize.many(len(known.orgs), "organisation"),
                humanize.many(len(known.sites), "site"),
                humanize.many(len(known.devices), "device"),
            )
        )
    )
    for org_id in visit.account.orgs:
        if org_id not in known.orgs:
            findings.fail(
                f"organisation {org_id} is not reached", "correct accounts[].orgs, or widen the token's rights"
            )
    for fault in visit.faults:
        findings.remote(fault, "give the token access to it, or leave it out under accounts[].sites.exclude")
    for pattern in visit.account.sites.include:
        if not any(SiteFilter((pattern,)).admits(site) for site in known.sites.values()):
            findings.warn(f"accounts[].sites.include: no site is called {pattern}", "correct the name, or leave it out")
    if not known.sites and not visit.faults:
        findings.fail("no site is collected", "see accounts[].orgs and accounts[].sites")


async def _channels(config: Config, visits: Sequence[Visit], findings: Findings) -> None:
    """Subscribe to every channel once, and leave again."""
    wanted = sum(len(visit.channels()) for visit in visits)
    if not wanted:
        return
    findings.about(f"Stream: {humanize.many(wanted, 'channel')}, each subscribed once")
    async with listening.hearing(config, visits, lambda _event: None) as statuses:
        await _until_settled(statuses, wanted)
        _tell_connections(statuses, findings)
        _tell_channels(statuses, findings)


async def _until_settled(statuses: Sequence[ConnectionStatus], wanted: int) -> None:
    """Wait until all channels are answered, a connection is refused for good, or the time is up."""
    told = 0
    seen = sys.stderr.isatty()
    bar: Any = typer.progressbar(length=wanted, label="  answers", file=sys.stderr) if seen else nullcontext()
    with bar:
        for _ in range(round(CHANNELS_WITHIN_S / _POLL_S)):
            every = [one for status in statuses for one in status.subscriptions.values()]
            answered = sum(one.state in listening.SETTLED for one in every)
            if seen:
                bar.update(answered - told)
            told = answered
            if answered == len(every) or any(status.state == "refused" for status in statuses):
                return
            await asyncio.sleep(_POLL_S)


def _tell_connections(statuses: Sequence[ConnectionStatus], findings: Findings) -> None:
    for status in statuses:
        if status.connects:
            continue
        remedy = "the stream has a host of its own (api-ws. for api.): open it in the firewall, or set stream_url"
        findings.fail(f"connection {status.name}: {status.last_break or 'no answer to the handshake'}", remedy)


def _tell_channels(statuses: Sequence[ConnectionStatus], findings: Findings) -> None:
    every = [one for status in statuses if status.connects for one in status.subscriptions.values()]
    for kind in dict.fromkeys(one.kind for one in every):
        states = Counter(one.state for one in every if one.kind == kind)
        if states["up"]:
            findings.ok(f"{kind}: {states['up']} acknowledged")
        for one in [one for one in every if one.kind == kind and one.state != "up"][:_LISTED]:
            if one.state == "refused":
                findings.fail(f"{one.channel}: refused ({one.detail or 'no reason given'})", _remedy(one.channel))
            else:
                findings.warn(f"{one.channel}: no answer", "it is asked again and again while the collector runs")
        hidden = sum(states.values()) - states["up"] - _LISTED
        if hidden > 0:
            findings.warn(f"{kind}: {hidden} more without an acknowledgement")


def _remedy(channel: str) -> str:
    known = channels.match(channel)
    switch = f"streams.{known.channel.stream}: false" if known is not None else "its switch under streams"
    return f"give the token read access to it, or do without: {switch}"
