"""Handlers of REST objects that several feeds share."""

from collector.errors import Rejected
from collector.feeds.feed import combined


def test_a_handler_of_one_kind_is_unchanged():
    def handler(_payload, _ids, _now):
        return None

    assert combined([("map", handler)]) == {"map": handler}


def test_all_handlers_of_a_kind_are_called_and_the_first_rejection_is_returned():
    calls = []

    def handler(name, outcome):
        def apply(payload, ids, now):
            calls.append((name, payload, ids, now))
            return outcome

        return apply

    handlers = [
        ("zone", handler("a", None)),
        ("zone", handler("b", Rejected("b"))),
        ("zone", handler("c", Rejected("c"))),
    ]
    assert combined(handlers)["zone"]({"x": 1}, {"id": "z"}, 2.0) == Rejected("b")
    assert calls == [(name, {"x": 1}, {"id": "z"}, 2.0) for name in "abc"]
