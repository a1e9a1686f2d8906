"""What `webhook register`, `list` and `remove` do."""

from __future__ import annotations

import os
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer

from collector.cli import asking, first_steps, webhook_calls
from collector.cli.visit import visiting
from collector.config.secret_file import shown
from collector.errors import Fatal
from collector.listener.address import is_loopback

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from collector.cli.visit import Visit
    from collector.cli.webhook_calls import Owner, Registered
    from collector.config import Config


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What was said on the command line."""

    account: str | None = None
    org: str | None = None
    site: str | None = None
    name: str = webhook_calls.NAME
    url: str = ""
    topics: tuple[str, ...] = ()
    rotate: bool = False
    verify_cert: bool = True
    token_env: str | None = None


@asynccontextmanager
async def at_owner(config: Config, wish: Wish) -> AsyncIterator[tuple[Visit, Owner]]:
    """The account and the organisation or site that are meant. Raises Fatal, or what REST raises."""
    if wish.account is None and len(config.accounts) > 1:
        names = ", ".join(account.name for account in config.accounts)
        raise Fatal(f"there are several accounts, say which with --account: {names}")
    async with visiting(config, account=wish.account, token=_token(wish)) as (visit,):
        await visit.look_around()
        yield visit, webhook_calls.owner_of(visit, wish.org, wish.site)


def _token(wish: Wish) -> first_steps.ReadToken | None:
    if wish.token_env is None:
        return None
    token = os.environ.get(wish.token_env, "").strip()
    if not token:
        raise Fatal(f"the environment variable {wish.token_env} is not set: it shall hold a token that may write")
    return lambda: token


async def register(config: Config, wish: Wish) -> None:
    """Create the webhook or change the one of that name; raises Fatal with what to do."""
    _check_url(config, wish.url)
    async with at_owner(config, wish) as (visit, owner):
        offered = await webhook_calls.offered(visit.rest, owner)
        topics = list(wish.topics) or webhook_calls.default_topics(owner, offered)
        if unknown := [topic for topic in topics if topic not in offered]:
            raise Fatal(f"Mist offers no topic {unknown[0]} to {owner.word}; it offers {', '.join(sorted(offered))}")
        before = await _named(visit, owner, wish.name)
        old = _secret(config)
        secret = _rotated(config, old) if wish.rotate else old
        content: dict[str, object] = {
            "name": wish.name, "type": "http-post", "url": wish.url, "topics": topics, "secret": secret,
            "enabled": True, "verify_cert": wish.verify_cert,
        }  # fmt: skip
        try:
            if before is None:
                await visit.rest.write("POST", owner.path, content)
            else:
                await visit.rest.write("PUT", before.path, content)
        except Fatal:
            if wish.rotate:  # Mist has the old one still, and it was the only one where there is one file
                first_steps.write_file(config.webhook.secret_files[0], f"{old}\n", 0o600)
            raise
    typer.echo(f"{'Registered' if before is None else 'Changed'}: webhook {wish.name} of {owner} posts to {wish.url}")
    typer.echo(f"  topics: {', '.join(topics)}")
    typer.echo("Try it: mist-collector webhook ping")


def _check_url(config: Config, url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Fatal(f"--url is not an address: {error}") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise Fatal("--url must begin with https:// and a host")
    if parts.username or parts.password:
        raise Fatal("--url must hold no user name and no password: the signature authenticates")
    if not config.webhook.enabled:
        raise Fatal("the configuration receives no webhooks: set webhook.enabled: true first")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        typer.echo("warning: http:// sends events in clear text; put a reverse proxy with TLS in front", err=True)
    if parts.path != config.webhook.path:
        words = f"warning: --url ends in {parts.path or '/'}, the collector listens on {config.webhook.path}"
        typer.echo(f"{words}; is there a proxy that changes the path?", err=True)


def _secret(config: Config) -> str:
    """The secret that the collector knows."""
    if not config.webhook.secret_files:
        raise Fatal("webhook.secret_files names no file: without a secret anybody can invent events")
    return config.webhook.read_secrets()[0].decode("utf-8")


def _rotated(config: Config, secret: str) -> str:
    """A fresh secret, written first, so that the collector knows it before Mist; the old one becomes the second."""
    files = config.webhook.secret_files
    fresh = secrets.token_urlsafe(32)
    try:
        if len(files) > 1:
            first_steps.write_file(files[1], f"{secret}\n", 0o600)
        else:
            typer.echo(
                "warning: deliveries under way will be refused and repeated: name a second secret file", err=True
            )
        first_steps.write_file(files[0], f"{fresh}\n", 0o600)
    except OSError as error:
        raise Fatal(f"the fresh secret cannot be written to {shown(files[0])}: {error.strerror}") from None
    return fresh


async def _named(visit: Visit, owner: Owner, name: str) -> Registered | None:
    """The webhook of that name; Fatal when several bear it."""
    found = [one for one in await webhook_calls.of_owner(visit.rest, owner) if one.name == name]
    if len(found) > 1:
        raise Fatal(f"{owner} has {len(found)} webhooks called {name}: remove all but one in the portal")
    return found[0] if found else None


async def named_or_fatal(visit: Visit, owner: Owner, name: str) -> Registered:
    """The webhook of that name; Fatal when there is none."""
    found = await _named(visit, owner, name)
    if found is None:
        raise Fatal(f"{owner} has no webhook called {name}: mist-collector webhook register")
    return found


async def show(config: Config, wish: Wish) -> None:
    """Print the webhooks of the owner."""
    async with at_owner(config, wish) as (visit, owner):
        found = await webhook_calls.of_owner(visit.rest, owner)
    if not found:
        typer.echo(f"{owner} has no webhook.")
    for webhook in found:
        ours = "*" if webhook_calls.is_ours(webhook, config.webhook.path) else " "
        state = "on " if webhook.facts.get("enabled", True) else "off"
        signed = "signed" if webhook.facts.get("secret") else "not signed"
        typer.echo(f"{ours} {webhook.name or '(no name)'}  {state}  {_bare(webhook.url)}  {signed}")
        typer.echo(f"    {', '.join(webhook.topics)}")


def _bare(url: str) -> str:
    """The address without a password that may stand in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


async def remove(config: Config, wish: Wish, *, ask: bool) -> None:
    """Delete the webhook of that name."""
    async with at_owner(config, wish) as (visit, owner):
        webhook = await named_or_fatal(visit, owner, wish.name)
        question = f"Remove webhook {webhook.name} of {owner}, which posts to {_bare(webhook.url)}?"
        if ask and not asking.yes(question, default=False):
            raise typer.Abort
        await visit.rest.write("DELETE", webhook.path)
    typer.echo(f"Removed: webhook {webhook.name} of {owner}")
