"""Texts kept once, and let go again."""

import sys

from collector.metrics import shared_texts
from collector.metrics.shared_texts import Pool


def fresh(text):
    """An equal text that is another object."""
    return "".join(list(text))


def test_equal_texts_become_one():
    pool = Pool()
    first = pool.share(fresh("AP45"))
    assert pool.share(fresh("AP45")) is first
    assert pool.share(fresh("AP33")) == "AP33"


def test_texts_that_come_once_leave_no_more_than_two_halves():
    pool = Pool(half=100)
    for number in range(1_000):
        pool.share(f"name {number}")
        assert len(pool) <= 200


def test_what_is_asked_for_again_and_again_stays_one_whatever_else_comes():
    pool = Pool(half=100)
    first = pool.share(fresh("1.2.3"))
    for number in range(1_000):
        pool.share(f"name {number}")
        assert pool.share(fresh("1.2.3")) is first


def test_the_interpreter_shares_where_it_lets_go_again(monkeypatch):
    assert shared_texts.of_this_python() is sys.intern or sys.version_info[:2] == (3, 12)
    monkeypatch.setattr(sys, "getrefcount", lambda _text: 0xFFFFFFFF)  # as the first releases of 3.12 answer
    assert shared_texts.of_this_python() is not sys.intern
