"""What counts as progress: a quiet organisation and a cloud that is down are well, a task that hangs is not."""

import pytest

from collector.daemon.liveness import Limits, Progress
from collector.status import ConnectionStatus

LIMITS = Limits(ping_every_s=60, pong_within_s=45, open_every_s=0.5, sweep_every_s=15)


def stuck(now, **facts):
    progress = Progress(LIMITS, 0.0)
    progress.swept(now)
    return progress.stuck([ConnectionStatus("main/0", **facts)], now)


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
def test_each_state_has_its_patience(facts, within_s):
    assert stuck(1000.0 + within_s, **facts) == []
    (reason,) = stuck(1002.0 + within_s, **facts)
    assert reason.startswith(f"connection main/0: {facts['state']}, and its task has done nothing for ")


def test_many_connections_may_wait_for_their_turn():
    progress = Progress(LIMITS, 0.0)
    progress.swept(100.0)
    connections = [ConnectionStatus(f"main/{index}", state="idle", alive_at=0.0) for index in range(100)]
    assert progress.stuck(connections, 100.0) == []


def test_a_store_that_is_not_swept_is_stuck():
    progress = Progress(LIMITS, 0.0)
    assert progress.stuck([], 120.0) == []
    assert progress.stuck([], 121.0) == ["the store was not swept for 121 s"]
    progress.swept(121.0)
    assert progress.stuck([], 121.0) == []
