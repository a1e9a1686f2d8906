"""Why the daemon is not ready, in sentences."""

import asyncio
from types import SimpleNamespace

from collector.daemon.readiness import Readiness
from collector.status import ConnectionStatus, RestStatus, SubscriptionStatus


def account(*, ready=False, last_error=""):
    event = asyncio.Event()
    if ready:
        event.set()
    rest = SimpleNamespace(status=RestStatus("main", last_error=last_error))
    return SimpleNamespace(name="main", inventory=SimpleNamespace(ready=event), rest=rest)


def connection(*states, last_disconnect=""):
    subscriptions = {str(number): SubscriptionStatus(str(number), state=state) for number, state in enumerate(states)}
    return ConnectionStatus("main/0", subscriptions=subscriptions, last_disconnect=last_disconnect)


def test_an_account_whose_inventory_was_not_read():
    assert Readiness([account()], []).reasons() == ["account main: the inventory has not been read"]
    (reason,) = Readiness([account(last_error="HTTP 503")], []).reasons()
    assert reason.endswith("(HTTP 503)")


def test_a_connection_with_subscriptions_without_an_answer():
    (reason,) = Readiness(
        [account(ready=True)], [connection("up", "sent", "waiting", last_disconnect="lost")]
    ).reasons()
    assert reason == "connection main/0: 2 subscriptions are not answered (lost)"


def test_rejected_and_unanswered_subscriptions_do_not_prevent_readiness():
    assert Readiness([account(ready=True)], [connection("up", "refused", "unanswered")]).reasons() == []
