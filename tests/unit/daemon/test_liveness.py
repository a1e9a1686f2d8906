"""What counts as progress: a quiet organisation and an unreachable cloud are live, a task that hangs is not."""

import pytest

from collector.config import ConnectionConfig
from collector.daemon.liveness import Liveness
from collector.status import ConnectionStatus
from tests.support.clock import ManualClock

SETTINGS = ConnectionConfig(ping_every_s=60, pong_within_s=45, open_every_s=0.5)


class Sweeps:
    swept_at = 0.0


def liveness(now, *connections, settings=SETTINGS, swept_at=None):
    sweeps = Sweeps()
    sweeps.swept_at = now if swept_at is None else swept_at
    return Liveness(connections, sweeps, lambda: settings, ManualClock(now=now))


def stuck(now, *, settings=SETTINGS, **facts):
    return liveness(now, ConnectionStatus("main/0", **facts), settings=settings).stuck()


@pytest.mark.parametrize(
    ("facts", "within_s"),
    [
        ({"state": "open", "alive_at": 1000.0}, 165),
        ({"state": "open", "alive_at": 0.0, "last_message_at": 1000.0}, 165),
        ({"state": "connecting", "alive_at": 1000.0}, 90),
        ({"state": "waiting", "alive_at": 700.0, "next_attempt_at": 1000.0}, 61),
        ({"state": "refused", "alive_at": 700.0, "next_attempt_at": 1000.0}, 61),
        ({"state": "idle", "alive_at": 1000.0}, 61),
    ],
    ids=lambda value: value["state"] if isinstance(value, dict) else "",
)
def test_each_state_has_its_limit(facts, within_s):
    assert stuck(1000.0 + within_s, **facts) == []
    (reason,) = stuck(1002.0 + within_s, **facts)
    assert reason.startswith(f"connection main/0 is {facts['state']} and has shown no activity for ")


def test_the_limits_follow_the_present_configuration():
    slower = ConnectionConfig(ping_every_s=600, pong_within_s=45)
    assert stuck(1300.0, state="open", alive_at=1000.0) != []
    assert stuck(1300.0, state="open", alive_at=1000.0, settings=slower) == []


def test_many_connections_may_wait_for_their_turn():
    connections = [ConnectionStatus(f"main/{index}", state="idle", alive_at=0.0) for index in range(100)]
    assert liveness(100.0, *connections).stuck() == []


def test_a_store_that_is_not_swept_is_stuck():
    assert liveness(120.0, swept_at=0.0).stuck() == []
    assert liveness(121.0, swept_at=0.0).stuck() == ["expired series were last removed 121 s ago"]
