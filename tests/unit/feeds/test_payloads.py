"""Forms of payloads."""

from __future__ import annotations

import pytest

from collector.errors import Rejected
from collector.feeds.payloads import InnerList, InnerLists, one_or_many


@pytest.fixture
def seen() -> list:
    return []


@pytest.fixture
def rejected() -> list[str]:
    return []


@pytest.fixture
def apply(seen, rejected):
    def message(payload: object, now: float) -> Rejected | None:
        if payload == "bad" or not isinstance(payload, dict | str):
            return Rejected("bad")
        seen.append((payload, now))
        return None

    return one_or_many(message, rejected.append)


@pytest.mark.parametrize("payload", ['{"a": 1}', {"a": 1}], ids=["text", "object"])
def test_an_object_is_passed_on_unchanged(apply, seen, payload):
    assert apply(payload, 5.0) is None
    assert seen == [(payload, 5.0)]


@pytest.mark.parametrize("payload", ['[{"a": 1}, {"b": 2}]', [{"a": 1}, {"b": 2}], ' [{"a": 1},{"b":2}]'], ids=str)
def test_the_elements_of_a_list_are_passed_on(apply, seen, payload):
    assert apply(payload, 5.0) is None
    assert seen == [({"a": 1}, 5.0), ({"b": 2}, 5.0)]


@pytest.mark.parametrize("payload", [None, [], "null", "[]", " [ ] "])
def test_an_empty_payload(apply, payload):
    assert apply(payload, 0.0) == Rejected("empty")


@pytest.mark.parametrize("payload", ["", "malformed", "[1, 2", "[" * 100_000])
def test_malformed_text(apply, payload):
    assert apply(payload, 0.0) in {Rejected("not_json"), Rejected("too_deep")}


def test_a_list_is_rejected_when_every_element_is(apply, rejected):
    assert apply([1, 2], 0.0) == Rejected("bad")
    assert rejected == []


def test_rejected_elements_of_a_list_are_counted(apply, seen, rejected):
    assert apply([1, {"a": 1}, None], 0.0) is None
    assert (len(seen), rejected) == (1, ["bad", "bad"])


def test_text_within_text_is_not_parsed_again(apply, seen):
    assert apply('"bad"', 0.0) == Rejected("bad")
    assert apply('" {}"', 0.0) is None
    assert seen == [(" {}", 0.0)]


def test_a_list_is_ignored_without_the_field_that_it_requires():
    applied = []
    lists = InnerLists(
        [InnerList("ports", "_time", lambda elements, ids, _now: applied.append((elements, ids["mac"])))]
    )
    for payload in ({"ports": [1]}, {"ports": [1], "_time": None}, '{"ports":[1]}', "not json", "[]", 7):
        lists.apply(payload, {"mac": "m"}, 0.0)
    assert applied == []
    lists.apply('{"ports":[2],"_time":3}', {"mac": "m"}, 0.0)
    assert applied == [([b"2"], "m")]
