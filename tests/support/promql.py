"""What a PromQL expression asks for and which labels its answer has, by the labels of the families that it names.

It reads the tree that promql-parser makes and follows the labels upwards, as Prometheus would. What names a family or a
label that does not exist, groups by one that is not there or joins on one that a side lacks, raises UnknownError.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import promql_parser as p

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Labels = frozenset[str]
NONE: Labels = frozenset()
_SETS = {"and", "or", "unless"}
_KEEPING = {"topk", "bottomk"}
_SAMPLES = {"_bucket": NONE | {"le"}, "_count": NONE, "_sum": NONE}
# Histograms of what may be negative have neither sum nor count: OpenMetrics forbids them there.
_NEGATIVE = ("_dbm", "_db")
_GRAFANA = {"$__rate_interval": "5m", "$__range": "1h", "$__interval": "1m"}


class UnknownError(AssertionError):
    """A family or a label that does not exist."""


def plain(expr: str) -> str:
    """A panel's expression with Grafana's intervals written out."""
    for word, value in _GRAFANA.items():
        expr = expr.replace(word, value)
    return expr


def selectors(node: Any) -> Iterator[Any]:
    """Every vector selector in an expression."""
    if isinstance(node, p.VectorSelector):
        yield node
    for child in _children(node):
        yield from selectors(child)


def counters_without_rate(node: Any, inside: str = "") -> Iterator[str]:
    """Counters that are shown as they are, though only their growth means something."""
    growing = {"rate", "irate", "increase"}
    if isinstance(node, p.VectorSelector) and str(node.name).endswith("_total") and inside not in growing:
        yield str(node.name)
    for child in _children(node):
        keeps = isinstance(node, p.MatrixSelector | p.ParenExpr)
        yield from counters_without_rate(child, inside if keeps else node.func.name if isinstance(node, p.Call) else "")


def _children(node: Any) -> list[Any]:
    found: list[Any] = []
    for name in ("expr", "lhs", "rhs", "args", "vector_selector", "param"):
        value = getattr(node, name, None)
        found += value if isinstance(value, list) else [] if value is None else [value]
    return [child for child in found if not isinstance(child, str)]


class Follower:
    """Follows labels through expressions; `families` are those that exist, each with its labels."""

    def __init__(self, families: Mapping[str, Labels]) -> None:
        self.families = dict(families)

    def labels_of(self, expr: str) -> Labels:
        """The labels of the answer. Raises UnknownError."""
        return self._of(p.parse(plain(expr)))

    def _of(self, node: Any) -> Labels:
        ways: dict[type, Callable[[Any], Labels]] = {
            p.VectorSelector: self._selector,
            p.MatrixSelector: lambda matrix: self._selector(matrix.vector_selector),
            p.Call: self._call,
            p.AggregateExpr: self._aggregate,
            p.BinaryExpr: self._binary,
            **dict.fromkeys((p.ParenExpr, p.SubqueryExpr, p.UnaryExpr), lambda outer: self._of(outer.expr)),
        }
        way = ways.get(type(node))
        return way(node) if way else NONE

    def family(self, name: str) -> Labels:
        """The labels of a family's samples, those of a histogram included."""
        if name in self.families:
            return self.families[name]
        for suffix, more in _SAMPLES.items():
            if suffix != "_bucket" and name.removesuffix(suffix).endswith(_NEGATIVE):
                continue
            if name.removesuffix(suffix) in self.families and name.endswith(suffix):
                return self.families[name.removesuffix(suffix)] | more
        raise UnknownError(f"there is no family {name}")

    def _selector(self, node: Any) -> Labels:
        labels = self.family(str(node.name))
        _within({matcher.name for matcher in node.matchers.matchers}, labels, f"{node.name} is selected by")
        return labels

    def _call(self, node: Any) -> Labels:
        name = node.func.name
        of = [self._of(argument) for argument in node.args]
        if name == "label_replace":
            _within({node.args[3].val} - {""}, of[0], "label_replace reads")
            return of[0] | {node.args[1].val}
        if name == "histogram_quantile":
            _within({"le"}, of[1], "histogram_quantile needs")
            return of[1] - {"le"}
        if name == "absent":
            return NONE | {matcher.name for matcher in node.args[0].matchers.matchers}
        return frozenset().union(*of)

    def _aggregate(self, node: Any) -> Labels:
        inner = self._of(node.expr)
        op = str(node.op)
        if op in _KEEPING:
            return inner
        added = NONE | {node.param.val} if op == "count_values" else NONE
        if node.modifier is None:
            return added
        said = frozenset(node.modifier.labels)
        if "Exclude" in str(node.modifier.type) or "Without" in str(node.modifier.type):
            return (inner - said) | added
        _within(said, inner, f"{op} groups by")
        return said | added

    def _binary(self, node: Any) -> Labels:
        left, right = self._of(node.lhs), self._of(node.rhs)
        scalars = [_is_scalar(side) for side in (node.lhs, node.rhs)]
        if any(scalars):
            return right if scalars[0] else left
        matching = node.modifier.matching if node.modifier else None
        on = frozenset(matching.labels) if matching and "Include" in str(matching.type) else None
        if on is not None:
            _within(on, left, "joined on, left")
            _within(on, right, "joined on, right")
        op = str(node.op)
        if op in _SETS:
            return left | right if op == "or" else left
        group = frozenset(node.modifier.group_labels or ()) if node.modifier else NONE
        if "ManyToOne" in str(node.modifier.card if node.modifier else ""):
            _within(group, right, "group_left takes")
            return left | group
        return on if on is not None else left


def _is_scalar(node: Any) -> bool:
    if isinstance(node, p.ParenExpr | p.UnaryExpr):
        return _is_scalar(node.expr)
    if isinstance(node, p.BinaryExpr):
        return _is_scalar(node.lhs) and _is_scalar(node.rhs)
    return isinstance(node, p.NumberLiteral) or (isinstance(node, p.Call) and node.func.name in {"time", "scalar"})


def _within(wanted: frozenset[str] | set[str], there: Labels, what: str) -> None:
    missing = sorted(set(wanted) - there)
    if missing:
        raise UnknownError(f"{what} {', '.join(missing)}; there are {', '.join(sorted(there))}")


def words_of(text: str) -> set[str]:
    """The labels that a legend or an annotation puts in: `{{site}}`, `{{ $labels.site }}`."""
    return set(re.findall(r"{{\s*(?:\$labels\.)?(\w+)\s*}}", text))
