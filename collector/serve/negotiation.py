"""Content negotiation: exposition format and encoding, by RFC 9110 as the Prometheus client libraries apply it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collector.metrics.text_format import OPENMETRICS, TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_CLAUSES: Final = 50  # no browser or scraper sends more


def wants_openmetrics(accept: str) -> bool:
    """Return whether the header `Accept` prefers OpenMetrics 1.0.0 to the text format.

    The supported clause with the highest q wins, the first of equals; without any it is the text format.
    """
    supported = []
    for order, (name, parameters, quality) in enumerate(_clauses(accept)):
        format_ = _format(name, parameters)
        if quality > 0 and format_ is not None:
            supported.append((-quality, order, format_))
    return bool(supported) and min(supported)[2] == OPENMETRICS


def _format(name: str, parameters: dict[str, str]) -> str | None:
    """Return the content type of a clause; None when it is not supported (protobuf, other versions)."""
    version = parameters.get("version", "")
    if name == "application/openmetrics-text" and version in ("", "1.0.0"):
        return OPENMETRICS
    if name in ("text/plain", "text/*", "*/*") and version in ("", "0.0.4"):
        return TEXT
    return None


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether the header `Accept-Encoding` allows gzip."""
    wildcard = False
    for name, _, quality in _clauses(accept_encoding):
        if name in ("gzip", "x-gzip"):
            return quality > 0
        if name == "*":
            wildcard = quality > 0
    return wildcard


def _clauses(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield each clause of a header: name in lower case, parameters, q (1 when absent, 0 when invalid)."""
    for clause in header.split(",")[:_MAX_CLAUSES]:
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
    return quality if 0 <= quality <= 1 else 0.0  # comparisons with NaN are false
