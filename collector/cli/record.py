"""The command `record`: write messages of Mist to a file."""

from __future__ import annotations

import secrets
import time
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import exits, listening
from collector.cli.options import Account, ConfigFile  # noqa: TC001 - typer reads the annotations
from collector.cli.recordings import SUFFIX, RecordingWriter
from collector.cli.terminal import echo
from collector.errors import UsageError
from collector.feeds.reference import reference
from collector.mist.anonymous import Anonymizer

if TYPE_CHECKING:
    from collector.cli.accounts import OpenAccount
    from collector.config import Config
    from collector.errors import Rejected
    from collector.mist.envelope import StreamMessage

_KEY_BYTES = 32


def record(
    output: Annotated[Path, typer.Argument(metavar="FILE.jsonl.gz", help="File to create; it must not exist.")],
    *,
    config: ConfigFile,
    account: Account = None,
    seconds: Annotated[float, typer.Option(min=0, help="Stop after this time; 0: at Ctrl-C.")] = 60.0,
    raw: Annotated[
        bool, typer.Option("--raw", help="Do not replace names, addresses and ids. Do not pass on such a file.")
    ] = False,
) -> None:
    """Record the inventory, frames, and webhooks if no collector runs, to a compressed file that `replay` reads.

    Names, addresses, MACs and ids are replaced, equal ones by equal ones, in values and in keys: the recording produces
    the same number of series without identifying anyone. Nothing is changed at Mist, and a running collector receives
    the same messages.

    Exit codes: 0 recorded; 1 the cloud cannot be reached, or the disk is full; 2 the cloud rejects the request, or the
    file exists or cannot be written.

    Example: mist-collector record fleet.jsonl.gz -c collector.yaml --seconds 300
    """
    loaded = exits.load_or_exit(config)
    if not output.name.endswith(SUFFIX):
        raise UsageError(f"{output}: the name must end in {SUFFIX}, by which `replay` recognises recordings")
    exits.run_or_exit(record_to(output, loaded, account, seconds=seconds, raw=raw))


async def record_to(output: Path, config: Config, account: str | None, *, seconds: float, raw: bool) -> None:
    """Record to a file.

    Args:
        output: File to create.
        config: The configuration.
        account: Name of the only account to use; None for all.
        seconds: Duration; 0 for no limit.
        raw: Keep names, addresses and ids.

    Raises:
        CollectorError: The file cannot be written, or Mist cannot be reached or rejects the request.
    """
    anonymizer = None if raw else Anonymizer(secrets.token_bytes(_KEY_BYTES), fields=catalogue_fields())
    try:
        with RecordingWriter(output, anonymizer, began=time.time()) as writer:
            await listening.consume(config, account, _Recording(writer), seconds=seconds)
    except FileExistsError:
        raise UsageError(f"{output}: the file exists; choose another name") from None
    except OSError as error:
        raise exits.write_error(output, error) from None
    kept = "names and addresses NOT replaced: do not pass it on" if raw else "names and addresses replaced"
    echo(f"{output}: {writer.frames} frames, {writer.deliveries} webhook deliveries, {kept}")


def catalogue_fields() -> frozenset[str]:
    """Return the names of all fields that metrics are read from: they are kept in recordings."""
    paths = (source["path"] for family in reference()["families"] for source in family["sources"])
    return frozenset(name for path in paths for name in path.replace("[*]", "").split("."))


class _Recording:
    """Writes everything to a recording; implements `listening.Consumer`."""

    def __init__(self, writer: RecordingWriter) -> None:
        self._writer = writer
        self._start = time.monotonic()

    def add_inventory(self, account: OpenAccount) -> None:
        for item in account.inventory:
            self._writer.inventory(item, self._elapsed_s())

    def channels(self, account: OpenAccount) -> list[str]:
        return account.channels()

    def check_selection(self, channels: int, *, webhooks: bool) -> None:
        if not channels and not webhooks:
            raise listening.nothing_to_subscribe()

    def progress(self) -> str:
        return f"{self._writer.frames} frames, {self._writer.deliveries} deliveries"

    def message(self, message: StreamMessage | Rejected) -> None:
        self._writer.message(message, self._elapsed_s())

    def delivery(self, body: bytes) -> None:
        self._writer.delivery(body, self._elapsed_s())

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._start
