"""The whole daemon while the stream suffers: values are right again afterwards, and nobody else is disturbed."""

import pytest

from tests.support import samples
from tests.support.house import keeping_house

KINDS = 21  # of rubbish
RETRY_REFUSED_S = 300.0  # a refused channel is asked for again so often
TOLD_APART = ("mist_device_last_seen_timestamp_seconds", "mist_device_uptime_seconds")  # REST: in whole seconds, and
# from the first of an access point's two messages


@pytest.mark.fault(
    "Stream",
    "A stream outage of two minutes",
    held=(
        "Values are correct before any device sends a new message: the collector reads the state of all devices by "
        "REST (backfill). No counter decreases."
    ),
)
async def test_after_an_outage_the_values_are_right_before_any_device_has_spoken(tmp_path, fault):
    async with keeping_house(tmp_path) as house:
        await house.settled()
        await house.live(60)
        assert await house.differences() == []
        before = await house.samples()

        await house.cloud.fault("stream_down")
        await house.until(house.disconnects)
        await house.cloud.advance(120)  # which nobody hears
        assert len(await house.differences()) > 100
        assert await house.why_not_ready() != []

        await house.cloud.heal("stream_down")
        readings, back_at = house.readings(), house.clock.now()
        await house.until(lambda: set(house.states().values()) == {"up"}, step_s=1.0)
        await house.until(lambda: house.readings() > readings, step_s=0.5)
        await house.until_true(but=TOLD_APART)
        primed, took = await house.samples(), house.clock.now() - back_at
        assert await house.why_not_ready() == []

        house.forget_what_was_lost()
        await house.live(60)
        assert await house.differences() == []
        assert house.readings() == readings + 1, "one reading for all sites"
        assert fallen(before, primed) == fallen(primed, await house.samples()) == []
    fault.right_after(took, 70)
    fault.told(primed, "mist_collector_connection_breaks_total")
    fault.logged("backfill_completed")


def fallen(earlier, later):
    """The counters that went back or away; none was reset here."""
    counters = {key: value for key, value in samples.named(earlier, "mist_").items() if key[0].endswith("_total")}
    assert len(counters) > 100
    return [key for key, value in counters.items() if not later.get(key, -1) >= value]


@pytest.mark.fault(
    "Subscriptions",
    "The rights to one site are revoked and restored",
    held=(
        "The series of that site end. The other site and the connection are not affected. Values are correct after "
        "the rights are restored."
    ),
)
async def test_a_site_without_rights_disturbs_no_other(tmp_path, fault):
    async with keeping_house(tmp_path) as house:
        await house.settled()
        await house.live(60)
        lost, kept = house.sites
        await house.cloud.fault("revoke_site", site_id=lost)
        await house.until(lambda: house.state_of(lost) == "refused")
        assert house.state_of(kept) == "up"

        await house.live(1000)
        found = await house.samples()
        assert (house.connects(), house.disconnects()) == (1, {}), "no reconnect loop"
        assert samples.total(found, "mist_collector_subscription_up", channel=f"/sites/{lost}/stats/devices") == 0
        assert samples.named(samples.having(found, site_id=lost), "mist_ap_") == {}, "gaps, not frozen lines"
        wrong = [line for line in await house.differences() if lost not in line]
        assert wrong == []
        assert await house.why_not_ready() == [], "a refusal is an answer"

        await house.cloud.heal("revoke_site")
        await house.live(RETRY_REFUSED_S)
        assert house.state_of(lost) == "up"
        await house.live(60)
        assert await house.differences() == []
        assert house.connects() == 1
        fault.right_after(RETRY_REFUSED_S + 60, RETRY_REFUSED_S + 60)
        fault.fell(found, "mist_collector_subscription_up", channel=f"/sites/{lost}/stats/devices")
        fault.logged("subscription_rejected")


@pytest.mark.fault(
    "Daemon",
    "Every WebSocket handshake is answered with 429, from startup on",
    held=(
        "The collector is not ready, and `/-/ready` gives the reason. It does not retry before `Retry-After` has "
        "passed."
    ),
)
async def test_handshakes_that_are_rate_limited_are_not_hammered(tmp_path, fault):
    async def limit(cloud):
        await cloud.fault("handshake_status", status=429, retry_after_s=60)

    async with keeping_house(tmp_path, before=limit) as house:
        refused = house.cloud.ledger.connections
        await house.until(house.disconnects)
        assert house.disconnects() == {"rate_limited": 1}
        await house.pass_time(59)
        assert refused["rejected_429"] == 1
        assert any("429" in reason for reason in await house.why_not_ready())
        await house.pass_time(10)
        await house.until(lambda: refused["rejected_429"] == 2)

        await house.cloud.heal("handshake_status")
        await house.until(lambda: set(house.states().values()) == {"up"}, step_s=1.0)
        await house.live(60)
        assert await house.differences() == []
        assert await house.why_not_ready() == []
        fault.told(await house.samples(), "mist_collector_connection_breaks_total", reason="rate_limited")


async def test_a_half_open_connection_is_found_by_its_pings(tmp_path):
    async with keeping_house(tmp_path, pong_within_s=45) as house:
        await house.settled()
        await house.cloud.fault("half_open")
        began = house.clock.now()
        await house.until(house.disconnects, step_s=1.0)
        assert house.disconnects() == {"pong_timeout": 1}
        assert house.clock.now() - began <= 105 + 1
        await house.until(lambda: house.connects() == 2 and set(house.states().values()) == {"up"}, step_s=1.0)
        await house.cloud.heal("half_open")
        house.forget_what_was_lost()
        await house.live(60)
        assert await house.differences() == []
        disconnects = samples.by_label(await house.samples(), "mist_collector_connection_breaks_total", "reason")
        assert disconnects == {("pong_timeout",): 1}


@pytest.mark.fault(
    "Daemon",
    "Malformed frames of 21 kinds among valid ones",
    held="received = applied + dropped, and no value changes.",
)
async def test_rubbish_is_accounted_for_and_changes_nothing(tmp_path, fault):
    async with keeping_house(tmp_path) as house:
        await house.settled()
        await house.live(60)
        for _ in range(3):
            async with house.http.post(f"{house.cloud.control_url}/malformed", json={"count": 2 * KINDS}) as answer:
                assert len(await answer.json()) == KINDS
            await house.live(20)
        assert (house.connects(), house.disconnects()) == (1, {})

        found = await house.samples()
        received, applied, dropped = (
            samples.total(found, f"mist_collector_stream_frames_{fate}_total")
            for fate in ("received", "applied", "dropped")
        )
        sent = house.cloud.ledger.sent
        assert received == sum(sent.values()) == applied + dropped
        # A message whose fields are all of the wrong type is applied without them.
        assert applied == sent["data"] + sent["control"] + house.cloud.ledger.malformed["wrong_types"]
        reasons = samples.by_label(found, "mist_collector_stream_frames_dropped_total", "reason")
        assert {reason for reason, count in reasons.items() if count} >= {
            (reason,)
            for reason in (
                "not_json",
                "not_an_object",
                "empty",
                "no_identity",
                "no_channel",
                "unknown_event",
                "unsubscribed_channel",
                "too_deep",
            )
        }
        assert reasons["internal_error",] == 0
        rejected = samples.by_label(found, "mist_collector_parts_rejected_total", "reason")
        assert rejected.keys() >= {("not_a_number",), ("wrong_container",)}
        assert await house.differences() == []
        fault.told(found, "mist_collector_stream_frames_dropped_total", reason="not_json")
        fault.told(found, "mist_collector_parts_rejected_total", reason="not_a_number")
