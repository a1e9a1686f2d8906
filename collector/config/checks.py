"""Checks across keys: keys that exclude or require each other, files that must exist, ports that collide.

Each check yields faults, except for keys that already have one (`KnownFaults`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from collector.config import secret_file, web_file
from collector.config.secret_file import SecretProblem
from collector.errors import ConfigError, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.config.model import AccountConfig, Config


class KnownFaults:
    """The paths that already have a fault."""

    def __init__(self, paths: frozenset[str]) -> None:
        self._paths = paths

    def broken(self, *paths: str) -> bool:
        """Return whether one of `paths` has a fault."""
        return not self._paths.isdisjoint(paths)

    def broken_list(self, path: str) -> bool:
        """Return whether the list at `path` or one of its entries has a fault."""
        return path in self._paths or any(known.startswith(f"{path}[") for known in self._paths)


def faults(config: Config, known: KnownFaults) -> Iterator[Fault]:
    """Yield every fault across keys that is not in `known`."""
    if not known.broken("accounts"):
        yield from _names(config, known)
        for index, account in enumerate(config.accounts):
            here = f"accounts[{index}]"
            if not known.broken(here):
                yield from _cloud(account, here, known)
                yield from _token(account, here, known)
                yield from _orgs(account, here, known)
    if not known.broken("server", "server.web_config_file"):
        yield from _web_config(config)
    if not known.broken("webhook", "webhook.enabled") and config.webhook.enabled:
        yield from _signatures(config, known)
        yield from _secret_files(config, known)
        yield from _ports(config, known)


def warnings(config: Config) -> Iterator[str]:
    """Yield a sentence for each setting that works but is unwise."""
    for index, account in enumerate(config.accounts):
        if account.token_file is not None and secret_file.readable_by_all(account.token_file):
            yield _open_to_all(f"accounts[{index}].token_file", secret_file.shown(account.token_file))
    if "transport" in config.stream.model_fields_set:
        yield "stream.transport: is ignored since 0.2.0: remove it"
    if not config.webhook.enabled:
        return
    for index, path in enumerate(config.webhook.secret_files):
        if secret_file.readable_by_all(path):
            yield _open_to_all(f"webhook.secret_files[{index}]", secret_file.shown(path))
    if config.webhook.allow_unsigned:
        yield "webhook.allow_unsigned: unsigned deliveries are accepted; anyone who can reach the port can forge events"


def _open_to_all(key: str, path: str) -> str:
    return f"{key}: {path} is readable by every user of this machine (use chmod o-r)"


def _names(config: Config, known: KnownFaults) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, account in enumerate(config.accounts):
        path = f"accounts[{index}].name"
        if known.broken(path, f"accounts[{index}]"):
            continue
        if account.name in first:
            yield Fault(
                path,
                f"'{account.name}' is also the name of accounts[{first[account.name]}]",
                "account names must be unique",
            )
        first.setdefault(account.name, index)


def _cloud(account: AccountConfig, here: str, known: KnownFaults) -> Iterator[Fault]:
    if known.broken(*(f"{here}.{key}" for key in ("cloud", "api_url", "stream_url"))):
        return
    if account.cloud is not None:
        for key in ("api_url", "stream_url"):
            if getattr(account, key) is not None:
                yield Fault(
                    f"{here}.{key}", "is set together with cloud", "set cloud, or api_url and stream_url, not both"
                )
    elif account.api_url is None:
        yield Fault(
            f"{here}.cloud",
            "is missing",
            "set the Mist cloud (global01, emea01, apac01, ...), or api_url and stream_url",
        )
    elif account.stream_url is None and not (urlsplit(account.api_url).hostname or "").startswith("api."):
        yield Fault(
            f"{here}.stream_url", "is missing", "it can be derived only if the host of api_url begins with api."
        )


def _token(account: AccountConfig, here: str, known: KnownFaults) -> Iterator[Fault]:
    if known.broken(f"{here}.token_file", f"{here}.token_env"):
        return
    if account.token_file is not None and "token_env" in account.model_fields_set:
        yield Fault(f"{here}.token_env", "is set together with token_file", "set one of the two")
        return
    try:
        account.token_or_problem()
    except SecretProblem as error:
        key = "token_env" if account.token_file is None else "token_file"
        yield Fault(f"{here}.{key}", error.problem, error.remedy)


def _orgs(account: AccountConfig, here: str, known: KnownFaults) -> Iterator[Fault]:
    if known.broken_list(f"{here}.orgs"):
        return
    for index, org_id in enumerate(account.orgs):
        if org_id in account.orgs[:index]:
            yield Fault(f"{here}.orgs[{index}]", "is listed twice", "list each organization once")


def _signatures(config: Config, known: KnownFaults) -> Iterator[Fault]:
    if config.webhook.secret_files or config.webhook.allow_unsigned:
        return
    if known.broken("webhook.allow_unsigned") or known.broken_list("webhook.secret_files"):
        return
    yield Fault(
        "webhook.secret_files",
        "is missing: the webhook listener needs a secret unless webhook.allow_unsigned is true",
        "set the file with the webhook secret, or allow_unsigned: true to trust every sender, "
        "or enabled: false to receive no webhooks",
    )


def _secret_files(config: Config, known: KnownFaults) -> Iterator[Fault]:
    if known.broken_list("webhook.secret_files"):
        return
    for index, path in enumerate(config.webhook.secret_files):
        try:
            secret_file.read(path)
        except SecretProblem as error:
            yield Fault(f"webhook.secret_files[{index}]", error.problem, error.remedy)


def _web_config(config: Config) -> Iterator[Fault]:
    """Yield the faults of the web configuration file of the operator's listener."""
    file = config.server.web_config_file
    if file is None:
        return
    try:
        web_file.load(file)
    except ConfigError as error:
        for fault in error.faults:
            where = f"{file.name}: {fault.path}: " if fault.path else f"{file.name}: "
            yield Fault("server.web_config_file", f"{where}{fault.problem}", fault.remedy)


def _ports(config: Config, known: KnownFaults) -> Iterator[Fault]:
    if known.broken("webhook.listen", "server", "server.listen"):
        return
    if config.webhook.listen.collides(config.server.listen):
        yield Fault(
            "webhook.listen",
            f"{config.webhook.listen} collides with server.listen {config.server.listen}",
            "set different ports for the two listeners",
        )
