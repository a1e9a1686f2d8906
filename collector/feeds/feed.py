"""The interface of a feed: what it reads from channels, topics and REST, and how it follows the inventory and time.

`router.py` passes everything on by this interface alone. A new feed is a subclass of `Feed` and one line in
`FeedRouter.__init__`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

from collector.errors import Rejected

if TYPE_CHECKING:
    from collector.metrics.compiler import ObjectKind
    from collector.metrics.model import Entity
    from collector.mist.channels import Match
    from collector.mist.directory import Changes


class TopicEvent(NamedTuple):
    """A webhook event with the context that handlers need.

    Attributes:
        topic: Name of the topic as delivered.
        payload: The event as delivered.
        org_id: ID of the organization as used in labels; `other` above the limit of unknown organizations.
        site_id: ID of the site as used in labels; `other` above the limit of unknown sites.
        unix: Time of receipt in Unix seconds; 0 in a replay.
        now: Time of receipt in monotonic seconds.
    """

    topic: str
    payload: dict[str, Any]
    org_id: str
    site_id: str
    unix: float
    now: float


ChannelHandler: TypeAlias = Callable[[object, float], Rejected | None]  # (payload, monotonic seconds)
OpenChannel: TypeAlias = "Callable[[Match], ChannelHandler]"
TopicHandler: TypeAlias = Callable[[TopicEvent], Rejected | None]
RestHandler: TypeAlias = Callable[
    [dict[str, Any], Mapping[str, str], float], Rejected | None
]  # (payload, ids of the request, monotonic seconds)

NO_CHANNELS: Mapping[str, OpenChannel] = MappingProxyType({})
NO_REST: Mapping[str, RestHandler] = MappingProxyType({})


class Feed:
    """Applies the payloads of some objects of Mist to the store. Subclasses override what concerns them.

    Attributes:
        name: Name in `mist_collector_feed_errors_total`.
        channels: What a channel carries (`Channel.carries`) -> function that returns the handler of one channel.
        rest: Kind of a REST object -> handler of one object. Several feeds may handle the same kind.
    """

    name: ClassVar[str] = ""
    channels: Mapping[str, OpenChannel] = NO_CHANNELS
    rest: Mapping[str, RestHandler] = NO_REST

    # Input

    def topic(self, name: str) -> TopicHandler | None:  # noqa: ARG002 - for subclasses
        """Return the handler of a webhook topic, or None if the feed does not use the topic.

        An event counts as applied also if a handler rejects it: the reason is counted as a rejected part.
        """
        return None

    def set_poll_period(self, kind: str, period_s: float, account: str) -> None:
        """Handle a change of the period at which an account polls this kind of REST object, in seconds."""

    def rest_complete(self, kind: str, org_id: str, since: float) -> None:
        """End objects of this kind and org that a complete poll, started at monotonic `since`, did not contain."""

    def site_complete(self, kind: str, site_id: str, since: float) -> None:
        """End objects of this kind and site that a complete poll, started at monotonic `since`, did not contain."""

    def admit_types(self, topic: str, types: Iterable[str]) -> None:
        """Admit the event types of a topic from the lists of Mist; with the topic "": the topics themselves."""

    # Lifecycle

    def changed(self, changes: Changes) -> None:
        """Follow a change of the inventory: end the rows of what is gone, start the counters of what is new."""

    def sweep(self, now: float) -> Iterator[int]:  # noqa: ARG002 - for subclasses
        """End rows past their time to live. Yields the number of ended rows after each step of about a millisecond."""
        return iter(())

    # Description

    def kinds(self) -> Iterable[ObjectKind]:
        """Return the compiled object kinds of the feed."""
        return ()

    def computed(self) -> Iterable[Entity]:
        """Return the entities whose values the feed computes, such as event counters."""
        return ()

    def sources(self) -> Iterable[tuple[str, str, str]]:
        """Return the sources of computed families as (family, object, path), in addition to those in the entities."""
        return ()

    def name_of(self, kind: str, identity: str) -> str:  # noqa: ARG002 - for subclasses
        """Return the name of an object ("map", "zone") for texts; empty if unknown."""
        return ""

    # Counters

    def refused_labels(self) -> Mapping[str, int]:
        """Return how often a label value became `other` because of its limit, by label."""
        return {}

    def rejected_parts(self) -> Counter[tuple[str, str]]:
        """Return how many parts of applied payloads were rejected, by object and reason."""
        return Counter(
            {(kind.name, reason): count for kind in self.kinds() for reason, count in kind.decoder.rejected.items()}
        )


def combined(handlers: Iterable[tuple[str, RestHandler]]) -> dict[str, RestHandler]:
    """Return one handler per kind; several handlers of a kind are all called, and the first rejection is returned."""
    by_kind: dict[str, list[RestHandler]] = {}
    for kind, handler in handlers:
        by_kind.setdefault(kind, []).append(handler)
    return {kind: chained(several) for kind, several in by_kind.items()}


def chained(handlers: list[RestHandler]) -> RestHandler:
    """Return a handler that calls all of these."""
    if len(handlers) == 1:
        return handlers[0]

    def apply(payload: dict[str, Any], ids: Mapping[str, str], now: float) -> Rejected | None:
        outcomes = [handler(payload, ids, now) for handler in handlers]
        return next((outcome for outcome in outcomes if outcome is not None), None)

    return apply
