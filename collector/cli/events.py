"""`mist-collector events`: search the events of a running collector."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from collector.cli import exits
from collector.cli.options import CONFIG_VARIABLE


class EventFormat(StrEnum):
    """Output formats."""

    table = "table"
    jsonl = "jsonl"


Values = list[str]


def events(
    *,
    since: Annotated[str, typer.Option(help="Earliest time: 15m, 12h, 7d, Unix seconds or ISO 8601.")] = "1h",
    until: Annotated[str, typer.Option(help="Latest time, in the same forms.")] = "",
    topic: Annotated[Values | None, typer.Option(help="Topic, such as device-events; may be repeated.")] = None,
    type_: Annotated[Values | None, typer.Option("--type", help="Event type, such as SW_PORT_DOWN.")] = None,
    severity: Annotated[Values | None, typer.Option(help="info, warning or critical.")] = None,
    status: Annotated[Values | None, typer.Option(help="open or cleared.")] = None,
    site: Annotated[Values | None, typer.Option(help="Site, by name or ID.")] = None,
    device: Annotated[Values | None, typer.Option(help="Device, by name or MAC address.")] = None,
    where: Annotated[
        Values | None, typer.Option(metavar="KEY:VALUE", help="Field of the event; all given fields must match.")
    ] = None,
    text: Annotated[str, typer.Option(help="Words in the text; word* matches a prefix.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Maximum number of events.")] = 100,
    format_: Annotated[EventFormat | None, typer.Option("--format", help="Default: table on a terminal.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Then print new events as they arrive.")] = False,
    url: Annotated[str | None, typer.Option("--url", help="URL of the collector, e.g. http://127.0.0.1:9733")] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", envvar=CONFIG_VARIABLE, help="Read the URL from this file."),
    ] = None,
) -> None:
    """Print events of a running collector, oldest first.

    Output is a table on a terminal and JSON lines otherwise.

    Exit code 0 at the end or Ctrl-C, 1 if the collector does not answer, 2 if an option is not valid.

    Example: mist-collector events --since 15m --severity critical --where port_id:ge-0/0/12
    """
    from collector.cli import event_search, watching  # noqa: PLC0415 - --help needs neither

    if url is None:
        server = exits.load_or_exit(config).server if config else None
        url = watching.address(server.listen, tls=server.web_config_file is not None) if server else watching.DEFAULT
    repeated = {"topic": topic, "type": type_, "severity": severity, "status": status, "site": site, "device": device}
    parameters = [(name, value) for name, values in {**repeated, "where": where}.items() for value in values or ()]
    parameters += [(name, value) for name, value in (("since", since), ("until", until), ("text", text)) if value]
    search = event_search.Search(url, parameters, limit, format_.value if format_ is not None else "")
    exits.run_or_exit(search.run(follow=follow))
