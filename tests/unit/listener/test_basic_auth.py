"""Basic authentication: what is checked, remembered and bounded."""

import asyncio

import aiohttp
import bcrypt
import pytest
from pydantic import SecretStr

from collector.listener import basic_auth
from collector.listener.basic_auth import (
    CHECK_BURST,
    MAX_REJECTED,
    MAX_WAITING,
    BasicAuth,
    TooManyAttempts,
    credentials,
)

HASH = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
OTHER_HASH = bcrypt.hashpw(b"other", bcrypt.gensalt(5)).decode()
ALICE = aiohttp.encode_basic_auth("alice", "open sesame")


def users(**hashes):
    return {name: SecretStr(hashed) for name, hashed in hashes.items()}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Checks:
    """Stands in for the threads in which bcrypt runs: counts, and waits for `go`."""

    def __init__(self, monkeypatch):
        self.running = self.most_running = 0
        self.passwords = []
        self.go = asyncio.Event()
        monkeypatch.setattr(basic_auth.asyncio, "to_thread", self)

    async def __call__(self, check, password, hashed):
        self.passwords.append(password)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        await self.go.wait()
        self.running -= 1
        return check(password, hashed)


def guess(auth, number, source, **how):
    return asyncio.ensure_future(auth.accepts(aiohttp.encode_basic_auth("alice", f"{number}"), source, **how))


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !!!", "Basic YQ==", "Bearer YTpi", "Basic /w==", "Basic " + "YTpi" * 5000, "Basic YTph\0"],
)
def test_headers_without_credentials(header):
    assert credentials(header) is None


def test_credentials():
    assert credentials("basic YWxpY2U6bzpw") == ("alice", b"o:p")


async def test_users_and_passwords():
    auth = BasicAuth(users(alice=HASH, bob=OTHER_HASH))
    assert await auth.accepts(ALICE, "a")
    assert await auth.accepts(aiohttp.encode_basic_auth("bob", "other"), "a")
    for name, password in (("alice", "other"), ("carol", "open sesame"), ("", ""), ("alice", "")):
        assert not await auth.accepts(aiohttp.encode_basic_auth(name, password), "a")
    assert not await auth.accepts("Bearer open sesame", "a")
    assert repr(auth) == "BasicAuth(2 users)"


def test_an_unknown_user_costs_as_much_as_a_known_one():
    assert BasicAuth(users(alice=HASH, bob=OTHER_HASH))._unknown_user.startswith(b"$2b$05$")
    assert not bcrypt.checkpw(b"", BasicAuth(users(alice=HASH))._unknown_user)


async def test_credentials_are_checked_once(monkeypatch):
    checks = Checks(monkeypatch)
    auth = BasicAuth(users(alice=HASH))
    waiting = [asyncio.ensure_future(auth.accepts(ALICE, "a")) for _ in range(20)]
    await settle()
    checks.go.set()
    assert await asyncio.gather(*waiting) == [True] * 20
    assert [await auth.accepts(ALICE, source) for source in "abc"] == [True] * 3
    wrong = aiohttp.encode_basic_auth("alice", "wrong")
    assert [await auth.accepts(wrong, "a") for _ in range(20)] == [False] * 20
    assert checks.passwords == [b"open sesame", b"wrong"]


async def test_wrong_passwords_do_not_evict_accepted_ones(monkeypatch):
    checks = Checks(monkeypatch)
    checks.go.set()
    clock = Clock()
    auth = BasicAuth(users(alice=HASH), clock)
    assert await auth.accepts(ALICE, "a")
    for number in range(MAX_REJECTED + 100):
        clock.now += 10.0
        assert not await guess(auth, number, "a")
    assert len(auth._rejected) == MAX_REJECTED
    checks.passwords.clear()
    assert await auth.accepts(ALICE, "a")
    assert checks.passwords == []


async def test_a_source_has_a_rate_of_checks_and_one_at_a_time(monkeypatch):
    checks, clock = Checks(monkeypatch), Clock()
    auth = BasicAuth(users(alice=HASH), clock)
    guesses = [guess(auth, number, "a") for number in range(30)]
    await settle()
    assert checks.most_running == 1
    checks.go.set()
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert outcomes.count(False) == CHECK_BURST
    limited = [outcome for outcome in outcomes if isinstance(outcome, TooManyAttempts)]
    assert len(limited) == 30 - CHECK_BURST
    assert limited[0].retry_after_s == 2
    clock.now += 2.0
    assert not await guess(auth, 99, "a")
    assert len(checks.passwords) == CHECK_BURST + 1
    assert auth._turns == {}


async def test_accepted_credentials_are_accepted_while_their_source_is_limited(monkeypatch):
    Checks(monkeypatch).go.set()
    auth = BasicAuth(users(alice=HASH), Clock())
    assert await auth.accepts(ALICE, "a")
    for number in range(30):
        guess(auth, number, "a").add_done_callback(lambda done: done.exception())
    await settle()
    assert await auth.accepts(ALICE, "a")


async def test_one_thread_is_reserved_for_sources_that_authenticated(monkeypatch):
    checks = Checks(monkeypatch)
    auth = BasicAuth(users(alice=HASH), Clock())
    guesses = [guess(auth, number, f"source {number}") for number in range(30)]
    await settle()
    assert checks.most_running == 1
    scraper = asyncio.ensure_future(auth.accepts(ALICE, "scraper", trusted=True))
    await settle()
    assert checks.passwords[-1] == b"open sesame"
    checks.go.set()
    assert await scraper
    assert await asyncio.gather(*guesses) == [False] * 30
    assert checks.most_running == 2


async def test_the_number_of_waiting_checks_is_bounded(monkeypatch):
    checks = Checks(monkeypatch)
    auth = BasicAuth(users(alice=HASH), Clock())
    guesses = [guess(auth, number, f"source {number}") for number in range(MAX_WAITING + 5)]
    await settle()
    scraper = asyncio.ensure_future(auth.accepts(ALICE, "scraper", trusted=True))
    await settle()
    checks.go.set()
    assert await scraper
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(outcome, TooManyAttempts) for outcome in outcomes) == 5


async def test_a_request_that_is_cancelled_does_not_cancel_the_check(monkeypatch):
    checks = Checks(monkeypatch)
    auth = BasicAuth(users(alice=HASH), Clock())
    request = asyncio.ensure_future(auth.accepts(ALICE, "a"))
    await settle()
    request.cancel()
    checks.go.set()
    await settle()
    assert await auth.accepts(ALICE, "a")
    assert checks.passwords == [b"open sesame"]


async def test_users_that_did_not_change_stay_accepted(monkeypatch):
    checks = Checks(monkeypatch)
    checks.go.set()
    auth = BasicAuth(users(alice=HASH), Clock())
    assert await auth.accepts(ALICE, "a")
    auth.replace_users(users(alice=HASH, bob=OTHER_HASH))
    assert await auth.accepts(ALICE, "a")
    assert checks.passwords == [b"open sesame"]
    auth.replace_users(users(alice=OTHER_HASH))
    assert not await auth.accepts(ALICE, "a")
    auth.replace_users(users(bob=OTHER_HASH))
    assert not await auth.accepts(ALICE, "a")
    assert auth._accepted == {}


async def test_a_user_that_is_removed_during_its_check_is_not_accepted(monkeypatch):
    checks = Checks(monkeypatch)
    auth = BasicAuth(users(alice=HASH), Clock())
    request = asyncio.ensure_future(auth.accepts(ALICE, "a"))
    await settle()
    auth.replace_users({})
    checks.go.set()
    assert not await request


async def test_a_cancelled_turn_leaves_nothing_behind(monkeypatch):
    Checks(monkeypatch)
    auth = BasicAuth(users(alice=HASH), Clock())
    guesses = [guess(auth, number, "a") for number in range(3)]
    await settle()
    for running in list(auth._running.values()):
        running.cancel()
    await asyncio.gather(*guesses, return_exceptions=True)
    assert (auth._turns, auth._running) == ({}, {})
