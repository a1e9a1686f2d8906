"""`mist-collector check-config FILE`: whether a configuration is usable, and what it says."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import exits

if TYPE_CHECKING:
    from collector.config import AccountConfig, Config


def check_config(
    file: Annotated[Path, typer.Argument(help="The configuration file (YAML).", metavar="FILE")],
) -> None:
    """Check a configuration file, the environment's overrides and the secret files it names.

    Exit code 0 with a summary on stdout, or 2 with every fault on stderr: file, key, what is wrong, what is allowed.
    Nothing is contacted.
    """
    config = exits.load_or_exit(file)
    for warning in config.warnings:
        typer.echo(f"{file}: warning: {warning}", err=True)
    typer.echo(summary(str(file), config))


def summary(file: str, config: Config) -> str:
    """What the configuration says, in a few lines."""
    lines = [f"{file}: good"]
    lines += [f"  account {account.name}: {_account(account)}" for account in config.accounts]
    streams = config.streams.model_dump()
    kinds = [f"location.{kind}" for kind, wanted in streams.pop("location").items() if wanted]
    wanted = [name for name, on in streams.items() if on] + kinds
    lines.append(f"  streams: {', '.join(wanted) or 'none'}")
    lines.append(f"  webhook: {_webhook(config)}")
    lines.append(f"  metrics: http://{config.server.listen}/metrics")
    return "\n".join(lines)


def _account(account: AccountConfig) -> str:
    cloud = account.cloud or account.api_url or ""
    token = f"token from {account.token_file or account.token_env}"
    orgs = f"{len(account.orgs)} organisations" if account.orgs else "every organisation of the token"
    if account.sites.include or account.sites.exclude:
        orgs += f", {len(account.sites.include) or 'all'} sites included, {len(account.sites.exclude)} excluded"
    return f"{cloud}, {token}, {orgs}"


def _webhook(config: Config) -> str:
    webhook = config.webhook
    if not webhook.enabled:
        return "off"
    secrets = len(webhook.secret_files)
    signed = f"{secrets} {'secret' if secrets == 1 else 'secrets'}"
    unsigned = "unsigned deliveries accepted"
    rule = ", ".join(part for part in (signed if secrets else "", unsigned if webhook.allow_unsigned else "") if part)
    return f"http://{webhook.listen}{webhook.path}, {rule}"
