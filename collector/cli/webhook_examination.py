"""The webhook's part of `doctor`: whether it is registered as it should be, and whether its address leads here."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import aiohttp

from collector.cli import listening
from collector.cli.webhook_calls import Owner, is_ours, of_owner
from collector.errors import RemoteError
from collector.ingest.stream.transport import proxy_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.cli.findings import Findings
    from collector.cli.visit import Visit
    from collector.cli.webhook_calls import Registered
    from collector.config import Config

_IMPORTANT = ("device-updowns", "device-events", "alarms")
# The words that our listener refuses an unsigned probe with; nobody else answers so.
_OUR_WORDS = ("missing", "not_json", "not_an_object", "no_topic", "no_events", "malformed")
_TIMEOUT = aiohttp.ClientTimeout(total=10.0)


async def examine(
    config: Config, visits: Sequence[Visit], findings: Findings, url: str | None, file: str = "FILE"
) -> None:
    """Look at the registered webhooks of every organisation that lets itself be asked, and knock at their addresses."""
    if not visits and not url:
        return
    findings.about("Webhook")
    register = f"mist-collector webhook register --config {shlex.quote(file)} --url https://HOST{config.webhook.path}"
    if not config.webhook.enabled:
        findings.ok("off in the configuration: events of devices are not counted")
        return
    secrets = [secret.decode("utf-8", "replace") for secret in config.webhook.read_secrets()]
    found = [webhook for visit in visits for webhook in await _ours(config, visit, findings, url, register)]
    for webhook in found:
        _judge(webhook, secrets, findings, register)
    async with listening.receiving(config, lambda _body: None) as why_not:
        if "in use" in why_not:
            findings.ok(f"{config.webhook.listen} is in use, presumably by the collector, which runs already")
        elif why_not:
            findings.fail(why_not, "correct webhook.listen")
        for address in dict.fromkeys([url] if url else [webhook.url for webhook in found]):
            await _knock(address, findings)


async def _ours(config: Config, visit: Visit, findings: Findings, url: str | None, register: str) -> list[Registered]:
    found: list[Registered] = []
    try:
        for org in visit.directory.orgs.values():
            found += await of_owner(visit.rest, Owner("orgs", org.id, org.name))
    except RemoteError as error:
        findings.warn(f"the webhooks at Mist cannot be read: {error}", "look in the portal: Organization > Settings")
        return []
    ours = [one for one in found if one.url == url or is_ours(one, config.webhook.path)]
    if not ours:
        findings.fail(f"account {visit.name}: no webhook of its organisations posts to {config.webhook.path}", register)
    return ours


def _judge(webhook: Registered, secrets: Sequence[str], findings: Findings, register: str) -> None:
    """Compare what Mist has with what the collector expects."""
    about = f"{webhook.owner}: webhook {webhook.name or webhook.facts.get('id')} to {webhook.url}"
    if webhook.facts.get("enabled") is False:
        findings.fail(f"{about} is switched off at Mist", register)
    elif secrets and not webhook.facts.get("secret"):
        findings.fail(f"{about} has no secret, so every delivery is refused", f"{register} sets it")
    elif secrets and set(str(webhook.facts["secret"])) != {"*"} and webhook.facts["secret"] not in secrets:
        findings.fail(f"{about} has another secret than webhook.secret_files", f"{register} sets it")
    else:
        findings.ok(f"{about}, {len(webhook.topics)} topics")
    if missing := [topic for topic in _IMPORTANT if topic not in webhook.topics]:
        findings.warn(f"{about} does not send {', '.join(missing)}", f"{register} adds them")


async def _knock(url: str, findings: Findings) -> None:
    """Post something unsigned: where our own refusal comes back, the address leads to the collector."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.post(url, json={}, allow_redirects=False, proxy=proxy_for(url)) as answer,
        ):
            words = (await answer.content.read(200)).decode("utf-8", "replace").strip()
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        remedy = "name resolution, firewall, reverse proxy, certificate; is it reachable from here at all?"
        findings.fail(f"{url} cannot be reached from here: {str(error) or 'no answer in time'}", remedy)
        return
    if words.split(":")[0] in _OUR_WORDS:
        findings.ok(f"{url} leads to the collector, seen from here; seen from Mist: mist-collector webhook ping")
    else:
        remedy = "the reverse proxy must pass this path on to webhook.listen (deploy/reverse-proxy), unchanged"
        findings.fail(f"{url} answers {status}, which is not the collector", remedy)
