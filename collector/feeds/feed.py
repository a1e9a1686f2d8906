"""What every part of the catalogue offers, so that `catalog.py` can pass payloads on without knowing them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from collector.errors import Rejected

if TYPE_CHECKING:
    from collector.metrics.compiler import ObjectKind
    from collector.metrics.model import Entity
    from collector.mist.channels import Match
    from collector.mist.directory import Changes

Apply: TypeAlias = Callable[[object, float], Rejected | None]  # (payload, monotonic seconds)
ApplyEvent: TypeAlias = Callable[[dict[str, Any], float], Rejected | None]  # (event, Unix seconds)
RestApply: TypeAlias = Callable[
    [dict[str, Any], Mapping[str, str], float], Rejected | None
]  # (payload, ids, monotonic)


def all_of(pairs: Iterable[tuple[str, RestApply]]) -> dict[str, RestApply]:
    """By kind what applies it; where several do, all of them, and the first that rejects says so."""
    by_kind: dict[str, list[RestApply]] = {}
    for kind, apply in pairs:
        by_kind.setdefault(kind, []).append(apply)
    return {kind: one(several) for kind, several in by_kind.items()}


def one(several: list[RestApply]) -> RestApply:
    """All of these as one."""
    if len(several) == 1:
        return several[0]

    def apply(payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        outcomes = [each(payload, ids, now) for each in several]
        return next((outcome for outcome in outcomes if outcome is not None), None)

    return apply


class Feed(Protocol):
    """One part of the catalogue: some objects of Mist, and the rows they become."""

    @property
    def channels(self) -> Mapping[str, Callable[[Match], Apply]]:
        """By what a channel carries (`Channel.carries`): makes the handler of one channel."""

    @property
    def rest(self) -> Mapping[str, RestApply]:
        """By the kind of object that REST gives: applies one of them."""

    def kinds(self) -> Iterable[ObjectKind]:
        """The compiled objects, for the reference and for the count of rejected fields."""

    def tallies(self) -> Iterable[Entity]:
        """The entities counted here rather than told by an object, for the reference."""

    def changed(self, changes: Changes) -> None:
        """The inventory changed: end what is gone, begin what is new."""

    def sweep(self, now: float) -> Iterator[int]:
        """End what nobody spoke of within its time to live; yields between short steps."""


class PositionFeed(Feed, Protocol):
    """The feed of positions: also by webhook, and told when a site's maps or zones were listed to their end."""

    def event(self, topic: str, event: Mapping[str, Any], now: float) -> Rejected | None:
        """Apply an event of a topic that carries a position, at monotonic `now`."""

    def complete(self, kind: str, site_id: str, began: float) -> None:
        """Every object of this kind in this site was told since monotonic `began`."""
