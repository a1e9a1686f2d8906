"""`mist-collector webhook ...`: the webhook at Mist, registered, listed, tried out, removed."""

from __future__ import annotations

from typing import Annotated

import typer

from collector.cli import exits
from collector.cli.options import Account, ConfigFile  # noqa: TC001 - typer reads the annotations

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help=(
        "Register, list, try out and remove the webhook at Mist. Registering and removing need a token with write "
        "access; the collector itself does not: give another token with --token-env, for these commands alone."
    ),
)

Org = Annotated[str | None, typer.Option("--org", help="Organisation (id or name); the only one by default.")]
Site = Annotated[str | None, typer.Option("--site", help="Site (id or name), for a webhook of that site.")]
Name = Annotated[str, typer.Option("--name", help="What the webhook is called at Mist.")]
TokenEnv = Annotated[
    str | None,
    typer.Option("--token-env", metavar="NAME", help="Environment variable with a token that may write."),
]


@app.command(short_help="Create it at Mist, or bring it up to date.")
def register(
    *,
    config: ConfigFile,
    url: Annotated[str, typer.Option("--url", help="The address that Mist shall post to: https://HOST/webhook")],
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", metavar="TOPIC", help="A topic, repeatable; by default what a NOC wants to know."),
    ] = None,
    account: Account = None,
    org: Org = None,
    site: Site = None,
    name: Name = "mist-collector",
    token_env: TokenEnv = None,
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a fresh secret, and keep the old one valid.")] = False,
    insecure: Annotated[
        bool, typer.Option("--no-verify-cert", help="Let Mist accept any certificate of this address.")
    ] = False,
) -> None:
    """Create the webhook, or bring the one of that name up to date: address, topics, secret.

    The secret is that of the first of webhook.secret_files. With --rotate a fresh one is written there, and the old
    one into the second of the files, so that deliveries under way stay valid.

    Exit code 0 when Mist has it, 1 when the cloud cannot be reached, 2 when it refuses.

    Example: mist-collector webhook register -c collector.yaml --url https://noc.example.net/webhook
    """
    loaded = exits.load_or_exit(config)
    from collector.cli import webhook_registration as registration  # noqa: PLC0415 - --help needs none of it

    wish = registration.Wish(
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
    exits.run_or_exit(registration.register(loaded, wish))


@app.command("list", short_help="Show what is registered.")
def list_(
    *, config: ConfigFile, account: Account = None, org: Org = None, site: Site = None, token_env: TokenEnv = None
) -> None:
    """Show the webhooks of the organisation or site, ours marked with *; secrets are not shown.

    Exit code 0, 1 when the cloud cannot be reached, 2 when it refuses.
    """
    loaded = exits.load_or_exit(config)
    from collector.cli import webhook_registration as registration  # noqa: PLC0415 - as above

    wish = registration.Wish(account=account, org=org, site=site, token_env=token_env)
    exits.run_or_exit(registration.show(loaded, wish))


@app.command(short_help="Let Mist send a test delivery, and wait for it.")
def ping(
    *,
    config: ConfigFile,
    account: Account = None,
    org: Org = None,
    site: Site = None,
    name: Name = "mist-collector",
    token_env: TokenEnv = None,
    within: Annotated[float, typer.Option("--within", min=1, help="Seconds to wait for the delivery.")] = 30.0,
) -> None:
    """Ask Mist for a test delivery, and wait until it arrives at the collector, or here when none is running.

    Exit code 0 when it arrived, 1 when it did not come in time, 2 when Mist refuses to send it.
    """
    loaded = exits.load_or_exit(config)
    from collector.cli import webhook_ping, webhook_registration  # noqa: PLC0415 - as above

    wish = webhook_registration.Wish(account=account, org=org, site=site, name=name, token_env=token_env)
    raise typer.Exit(exits.run_or_exit(webhook_ping.ping(loaded, wish, within)))


@app.command(short_help="Remove it at Mist.")
def remove(
    *,
    config: ConfigFile,
    account: Account = None,
    org: Org = None,
    site: Site = None,
    name: Name = "mist-collector",
    token_env: TokenEnv = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove the webhook of that name at Mist.

    Exit code 0 when it is gone, 1 when the cloud cannot be reached, 2 when it refuses or there is none.
    """
    loaded = exits.load_or_exit(config)
    from collector.cli import webhook_registration as registration  # noqa: PLC0415 - as above

    wish = registration.Wish(account=account, org=org, site=site, name=name, token_env=token_env)
    exits.run_or_exit(registration.remove(loaded, wish, ask=not yes))
