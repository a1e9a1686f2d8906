"""Which exposition format and encoding a scraper gets: RFC 9110 as Prometheus' libraries apply it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_MOST_CLAUSES = 50  # a header with more is nobody's browser or scraper


def wants_openmetrics(accept: str) -> bool:
    """True when OpenMetrics 1.0.0 stands before the plain text format in the header `Accept`.

    The clause with the highest q that we can give wins, the first of equals; with none, it is the plain text.
    """
    offers = []
    for order, (name, parameters, quality) in enumerate(_clauses(accept)):
        format_ = _format(name, parameters)
        if quality > 0 and format_ is not None:
            offers.append((-quality, order, format_))
    return bool(offers) and min(offers)[2] == OPENMETRICS


def _format(name: str, parameters: dict[str, str]) -> str | None:
    """The format that a clause asks for; None for what we do not speak (protobuf, other versions)."""
    version = parameters.get("version", "")
    if name == "application/openmetrics-text" and version in ("", "1.0.0"):
        return OPENMETRICS
    if name in ("text/plain", "text/*", "*/*") and version in ("", "0.0.4"):
        return TEXT
    return None


def accepts_gzip(accept_encoding: str) -> bool:
    """True when the header `Accept-Encoding` allows gzip."""
    wildcard = False
    for name, _, quality in _clauses(accept_encoding):
        if name in ("gzip", "x-gzip"):
            return quality > 0
        if name == "*":
            wildcard = quality > 0
    return wildcard


def _clauses(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Each clause of a header: its name in lower case, its parameters, its q (1 when absent, 0 when unreadable)."""
    for clause in header.split(",")[:_MOST_CLAUSES]:
        name, *rest = (part.strip() for part in clause.split(";"))
        parameters = {}
        for part in rest:
            key, _, value = part.partition("=")
            parameters[key.strip().lower()] = value.strip().strip('"')
        if name:
            yield name.lower(), parameters, _quality(parameters.pop("q", "1"))


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0  # NaN compares false
