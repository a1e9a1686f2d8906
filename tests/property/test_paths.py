"""All decoding paths give the same samples as a naive implementation of the tables.

For every object kind of the catalogue: JSON text on the fast path, a parsed object on the fast path, the tolerant path,
and `tests/support/naive.py`. Several messages are applied, so that merging is compared too.
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

PATHS: dict[str, Callable[[Decoder, dict], Any]] = {
    "text": lambda decoder, payload: decoder.decode(json.dumps(payload)),
    "object": lambda decoder, payload: decoder.decode(json.loads(json.dumps(payload))),
    "tolerant": lambda decoder, payload: decoder._tolerant(json.dumps(payload)),
}
KINDS = {kind.name: kind for kind in FeedRouter().kinds()}
EXAMPLES = settings.default.max_examples  # of the profile: fewer in `make unit`
SETTINGS = settings(
    max_examples=EXAMPLES // 4, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


class Compiled(NamedTuple):
    """One decoding path of one object kind, with a store of its own."""

    store: Store
    kind: ObjectKind
    read: Callable[[Decoder, dict], Any]

    def exposition(self, messages: list[dict], labels: tuple[str, ...]) -> str:
        """Return the exposition after these messages."""
        rows = self.kind.object_rows("it", labels)
        for message in messages:
            struct = self.read(self.kind.decoder, message)
            assert not isinstance(struct, Rejected)
            self.kind.write(struct, rows, 1.0)
        text = render_all(self.store).decode()
        self.kind.row_index.remove("it")
        assert not render_all(self.store), "series of a removed object remain"
        return text


class Subject(NamedTuple):
    """One object kind, compiled once per decoding path."""

    name: str
    entities: tuple
    labels: tuple[str, ...]
    skip_unchanged: tuple[str, ...]
    tree: payloads.Tree
    paths: dict[str, Compiled]

    def compare(self, messages: list[dict]) -> None:
        """Compare all decoding paths with the naive implementation."""
        naive = Naive(self.entities, dict(zip(self.labels, self.labels, strict=True)), self.skip_unchanged)
        for message in messages:
            naive.apply(json.loads(json.dumps(message)))
        texts = {path: compiled.exposition(messages, self.labels) for path, compiled in self.paths.items()}
        assert samples(texts["text"]) == naive.samples()
        assert texts == dict.fromkeys(texts, texts["text"])


@functools.cache
def subject_of(name: str) -> Subject:
    """Compile an object kind once per decoding path."""
    kind = KINDS[name]
    roots = [entity for entity in kind.entities if entity.within is None]
    nested = [entity for entity in kind.entities if entity.within is not None]
    labels, skip_unchanged = kind.row_index.label_names, SKIP_UNCHANGED.get(name, ())
    paths = {}
    for path, read in PATHS.items():
        store = Store()
        paths[path] = Compiled(
            store, ObjectKind(name, store, RowIndex(labels), roots, nested, skip_unchanged=skip_unchanged), read
        )
    return Subject(name, kind.entities, labels, skip_unchanged, payloads.tree_of(kind.entities), paths)


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
    """Fields that a partial message does not have keep their values."""
    subject = subject_of(name)
    complete = payloads.filled(subject.tree, Random(seed))
    subject.compare([complete, *data.draw(payloads.messages(subject.tree, wild=True))])


@pytest.mark.parametrize("name", sorted(SKIP_UNCHANGED))
@settings(SETTINGS, max_examples=EXAMPLES * 3 // 2)
@given(data=st.data())
def test_messages_with_skip_unchanged_fields(name, data):
    """Skipping unchanged fields does not change the samples."""
    subject = subject_of(name)
    subject.compare(data.draw(payloads.messages(subject.tree, wild=True, only=subject.skip_unchanged)))
