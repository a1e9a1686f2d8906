"""The command `check-config`: validate a configuration file."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import exits
from collector.cli.terminal import echo

if TYPE_CHECKING:
    from collector.config import AccountConfig, Config


def check_config(
    file: Annotated[Path, typer.Argument(help="Configuration file (YAML).", metavar="FILE")],
) -> None:
    """Validate a configuration file, its overrides in the environment and the secret files that it names.

    No connection is made. Prints a summary on stdout, or every fault on stderr: file, key, problem and allowed values.

    Exit codes: 0 the configuration is valid; 2 it is not.
    """
    config = exits.load_or_exit(file)
    for warning in config.warnings:
        echo(f"{file}: warning: {warning}", err=True)
    echo(summary(str(file), config))


def summary(file: str, config: Config) -> str:
    """Return what a configuration collects, in a few lines."""
    lines = [f"{file}: valid"]
    lines += [f"  account {account.name}: {_account(account)}" for account in config.accounts]
    streams = config.streams.model_dump()
    location = [f"location.{name}" for name, is_on in streams.pop("location").items() if is_on]
    enabled = [name for name, is_on in streams.items() if is_on] + location
    lines.append(f"  streams: {', '.join(enabled) or 'none'}")
    lines.append(f"  webhook: {_webhook(config)}")
    scheme = "https" if config.server.web_config_file is not None else "http"
    lines.append(f"  metrics: {scheme}://{config.server.listen}/metrics")
    return "\n".join(lines)


def _account(account: AccountConfig) -> str:
    cloud = account.cloud or account.api_url or ""
    token = f"token from {account.token_file or account.token_env}"
    orgs = f"{len(account.orgs)} organisations" if account.orgs else "all organisations of the token"
    if account.sites.include or account.sites.exclude:
        orgs += f", {len(account.sites.include) or 'all'} sites included, {len(account.sites.exclude)} excluded"
    return f"{cloud}, {token}, {orgs}"


def _webhook(config: Config) -> str:
    webhook = config.webhook
    if not webhook.enabled:
        return "disabled"
    count = len(webhook.secret_files)
    secrets = f"{count} {'secret' if count == 1 else 'secrets'}" if count else ""
    unsigned = "unsigned deliveries accepted" if webhook.allow_unsigned else ""
    return f"http://{webhook.listen}{webhook.path}, {', '.join(filter(None, (secrets, unsigned)))}"
