"""Nothing lost, nothing twice: what was answered 200 against what was counted. `make ledger` is the long one."""

import pytest

from tests.support import samples
from tests.support.house import keeping_house
from tests.support.senders import Senders

EVENTS = 8000
OLD, NEW = b"the old secret", b"the new secret"
BOOKS = "mist_collector_webhook_events"


@pytest.mark.fault(
    "Webhooks",
    "50 senders, a tenth of all batches repeated, out of order; one reload with a new secret and three stream outages",
    held="Each event that was answered with 200 is counted exactly once.",
)
async def test_what_was_answered_200_is_counted_once(tmp_path, fault):
    (tmp_path / "old").write_bytes(OLD)
    (tmp_path / "new").write_bytes(NEW)
    secret = [OLD]
    webhook = {"listen": "127.0.0.1:0", "rate_per_s": 0}
    sections = {"webhook": webhook | {"secret_files": ["old"]}}
    async with keeping_house(tmp_path, sections=sections) as house:
        await house.settled()
        senders = Senders(
            lambda: f"http://127.0.0.1:{house.daemon.webhook.port}/webhook", EVENTS, secret=lambda: secret[0]
        )

        async def reload():
            assert await house.reload(webhook=webhook | {"secret_files": ["new"]}) == []
            senders.go_on()
            await house.until(lambda: senders.refused.get("401"))
            secret[0] = NEW

        async def outage():
            before = sum(house.disconnects().values())
            await house.cloud.fault("stream_down")
            await house.until(lambda: sum(house.disconnects().values()) > before)
            await house.cloud.heal("stream_down")
            await house.until(lambda: set(house.states().values()) == {"up"}, step_s=1.0)

        senders.at(0.5, reload)
        for share in (0.2, 0.4, 0.7):
            senders.at(share, outage)
        await senders.run()
        found = await house.samples()
        house.forget_what_was_lost()
        await house.live(60)
        assert await house.differences() == []
    assert senders.sent == EVENTS + senders.repeated
    assert senders.repeated > EVENTS / 50
    assert samples.total(found, f"{BOOKS}_applied_total") == EVENTS
    assert samples.total(found, f"{BOOKS}_dropped_total", reason="duplicate") == senders.repeated
    assert samples.total(found, f"{BOOKS}_received_total") == senders.sent
    assert samples.total(found, "mist_webhook_events_total") == EVENTS
    assert house.daemon.reload_status.good == 1
    fault.told(found, f"{BOOKS}_applied_total", at_least=EVENTS)
    fault.told(found, f"{BOOKS}_dropped_total", reason="duplicate")
    fault.told(found, "mist_collector_webhook_refused_total", reason="mismatch")
