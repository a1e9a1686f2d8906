"""One rejected call pauses everything that uses the token; then one probe goes first."""

import asyncio

import pytest
from structlog.testing import capture_logs

from collector.ingest.token_gate import PAUSE_S, PROBE_WITHIN_S, TokenGate
from tests.support.clock import ManualClock


class Callers:
    """Tasks that wait at the gate; `passed` holds the time at which each of them passed, by name."""

    def __init__(self):
        self.clock = ManualClock(now=0.0)
        self.gate = TokenGate(self.clock, account="main")
        self.passed = {}
        self._tasks = []

    async def arrive(self, *names):
        self._tasks += [asyncio.create_task(self._pass(name)) for name in names]
        await self.clock.advance(0)

    async def _pass(self, name):
        await self.gate.wait()
        self.passed[name] = self.clock.now()
        await asyncio.Event().wait()  # a task that ended would be no probe any more

    async def end(self):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def callers():
    callers = Callers()
    yield callers
    await callers.end()


async def test_everyone_passes_while_no_call_was_rejected(callers):
    await callers.arrive("a", "b", "c")
    assert callers.passed == {"a": 0.0, "b": 0.0, "c": 0.0}
    assert callers.gate.is_open


async def test_after_the_pause_one_probe_passes_and_the_others_when_it_was_accepted(callers):
    callers.gate.rejected()
    await callers.arrive("a", "b", "c")
    await callers.clock.advance(PAUSE_S - 1)
    assert callers.passed == {}
    await callers.clock.advance(1)
    assert callers.passed == {"a": PAUSE_S}
    await callers.clock.advance(5)
    callers.gate.accepted()
    await callers.clock.advance(0)
    assert callers.passed == {"a": PAUSE_S, "b": PAUSE_S + 5, "c": PAUSE_S + 5}
    assert callers.gate.is_open


async def test_a_rejected_probe_closes_the_gate_for_another_pause(callers):
    callers.gate.rejected()
    await callers.arrive("a", "b", "c")
    for number, expected in enumerate(("a", "b", "c"), start=1):
        await callers.clock.advance(PAUSE_S)
        assert list(callers.passed) == ["a", "b", "c"][:number]
        assert callers.passed[expected] == number * PAUSE_S
        callers.gate.rejected()


async def test_a_replaced_token_lets_a_probe_pass_at_once(callers):
    callers.gate.rejected()
    await callers.arrive("a", "b")
    await callers.clock.advance(10)
    callers.gate.token_changed()
    await callers.clock.advance(0)
    assert callers.passed == {"a": 10.0}
    callers.gate.rejected()  # the new one is not accepted, either
    await callers.clock.advance(PAUSE_S)
    assert callers.passed == {"a": 10.0, "b": 10.0 + PAUSE_S}


async def test_a_probe_without_an_outcome_does_not_block_the_others(callers):
    callers.gate.rejected()
    await callers.arrive("a", "b")
    await callers.clock.advance(PAUSE_S + PROBE_WITHIN_S)
    assert callers.passed == {"a": PAUSE_S, "b": PAUSE_S + PROBE_WITHIN_S}
    assert callers.gate.is_open


async def test_the_probe_may_pass_again(callers):
    callers.gate.rejected()
    await callers.clock.advance(PAUSE_S)
    await callers.gate.wait()
    await callers.gate.wait()
    assert callers.clock.now() == PAUSE_S
    assert not callers.gate.is_open


async def test_an_accepted_call_that_was_sent_before_does_not_open_the_gate(callers):
    callers.gate.rejected()
    callers.gate.accepted()
    assert not callers.gate.is_open


async def test_a_replaced_token_changes_nothing_at_an_open_gate(callers):
    callers.gate.token_changed()
    await callers.arrive("a", "b")
    assert list(callers.passed) == ["a", "b"]


async def test_rejection_and_recovery_are_logged_once(callers):
    with capture_logs() as logs:
        for _ in range(3):
            callers.gate.rejected()
        await callers.clock.advance(PAUSE_S)
        await callers.gate.wait()
        callers.gate.accepted()
        callers.gate.accepted()
    assert [(line["event"], line["account"]) for line in logs] == [
        ("token_rejected", "main"),
        ("token_accepted", "main"),
    ]
