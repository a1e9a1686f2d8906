"""However a payload is read, it means the same: four ways to read it, and one that only knows what tables mean.

For every object kind of the catalogue: JSON text by the fast path, an object by the fast path, the tolerant path, and
`tests/support/naive.py`. Several messages in a row, so that merging is compared too.
"""

from __future__ import annotations

import functools
import json
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.errors import Rejected
from collector.feeds.device_feed import SKIP_UNCHANGED
from collector.feeds.router import FeedRouter
from collector.metrics.compiler import ObjectKind
from collector.metrics.row_index import RowIndex
from collector.metrics.store import Store
from collector.metrics.text_format import render_all
from tests.support import payloads
from tests.support.golden import samples
from tests.support.naive import Naive

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.metrics.decoder import Decoder

WAYS: dict[str, Callable[[Decoder, dict], Any]] = {
    "text": lambda decoder, payload: decoder.decode(json.dumps(payload)),
    "object": lambda decoder, payload: decoder.decode(json.loads(json.dumps(payload))),
    "tolerant": lambda decoder, payload: decoder._tolerant(json.dumps(payload)),
}
KINDS = {kind.name: kind for kind in FeedRouter().kinds()}
SETTINGS = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class Compiled(NamedTuple):
    """One way to read one kind, with a store of its own."""

    store: Store
    kind: ObjectKind
    read: Callable[[Decoder, dict], Any]

    def exposition(self, messages: list[dict], labels: tuple[str, ...]) -> str:
        """What is exposed after these messages."""
        place = self.kind.place("it", labels)
        for message in messages:
            struct = self.read(self.kind.decoder, message)
            assert not isinstance(struct, Rejected)
            self.kind.write(struct, place, 1.0)
        text = render_all(self.store).decode()
        self.kind.roster.remove("it")
        assert not render_all(self.store), "something outlived the object"
        return text


class Subject(NamedTuple):
    """One kind, compiled once for every way."""

    name: str
    entities: tuple
    labels: tuple[str, ...]
    steady: tuple[str, ...]
    tree: payloads.Tree
    ways: dict[str, Compiled]

    def compare(self, messages: list[dict]) -> None:
        """All ways give what the tables mean."""
        naive = Naive(self.entities, dict(zip(self.labels, self.labels, strict=True)), self.steady)
        for message in messages:
            naive.apply(json.loads(json.dumps(message)))
        texts = {way: compiled.exposition(messages, self.labels) for way, compiled in self.ways.items()}
        assert samples(texts["text"]) == naive.samples()
        assert texts == dict.fromkeys(texts, texts["text"])


@functools.cache
def subject_of(name: str) -> Subject:
    """Compile a kind anew, once for every way."""
    kind = KINDS[name]
    roots = [entity for entity in kind.entities if entity.within is None]
    nested = [entity for entity in kind.entities if entity.within is not None]
    labels, steady = kind.roster.label_names, SKIP_UNCHANGED.get(name, ())
    ways = {}
    for way, read in WAYS.items():
        store = Store()
        ways[way] = Compiled(store, ObjectKind(name, store, RowIndex(labels), roots, nested, steady=steady), read)
    return Subject(name, kind.entities, labels, steady, payloads.tree_of(kind.entities), ways)


each_kind = pytest.mark.parametrize("name", sorted(KINDS))


@each_kind
@pytest.mark.parametrize("seed", range(5))
def test_complete_messages(name, seed):
    subject, random = subject_of(name), Random(seed)
    subject.compare([payloads.filled(subject.tree, random) for _ in range(2)])


@each_kind
@SETTINGS
@given(data=st.data())
def test_partial_messages(name, data):
    subject = subject_of(name)
    subject.compare(data.draw(payloads.messages(subject.tree, wild=False)))


@each_kind
@SETTINGS
@given(data=st.data())
def test_ill_typed_messages(name, data):
    subject = subject_of(name)
    subject.compare(data.draw(payloads.messages(subject.tree, wild=True)))


@each_kind
@SETTINGS
@given(data=st.data(), seed=st.integers(0, 99))
def test_partial_after_complete(name, data, seed):
    """What a partial message does not speak of stays."""
    subject = subject_of(name)
    complete = payloads.filled(subject.tree, Random(seed))
    subject.compare([complete, *data.draw(payloads.messages(subject.tree, wild=True))])


@pytest.mark.parametrize("name", sorted(SKIP_UNCHANGED))
@settings(SETTINGS, max_examples=150)
@given(data=st.data())
def test_messages_about_what_is_steady(name, data):
    """What is passed over while its text stays the same means what it always meant."""
    subject = subject_of(name)
    subject.compare(data.draw(payloads.messages(subject.tree, wild=True, only=subject.steady)))
