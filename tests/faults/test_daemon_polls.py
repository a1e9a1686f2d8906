"""Polls through the whole daemon: read, exported, failed, ended and shown; hostile answers and a revoked token."""

import orjson
import pytest

from collector.mist.polls import POLLS
from collector.simulator.fleet import FleetPlan
from tests.support import samples
from tests.support.house import keeping_house
from tests.support.rest_cloud import Reply, RestCloud

MIXED = FleetPlan(
    sites=2,
    aps=2,
    switches=1,
    gateways=2,
    mxedges=1,
    clients_per_ap=1,
    reboots_per_device_day=0.0,
    site_events_per_hour=600,
)
# A family that only the poll of this name can have written.
FAMILY_OF = {
    "ports": "mist_switch_port_receive_bytes_total",
    "wan_tunnels": "mist_wan_tunnel_up",
    "bgp_peers": "mist_bgp_peer_up",
    "sle_wifi": "mist_site_sle_last_hour_ratio",
}


@pytest.fixture
async def house(tmp_path):
    async with keeping_house(tmp_path, plan=MIXED, polls=True) as house:
        await house.cloud.advance(60)
        yield house


def poll(house, name):
    return next(status for status in house.daemon.polls if status.poll == name)


async def rounds(house, name, count):
    def done():
        return poll(house, name).good + poll(house, name).failed >= count

    await house.until(done, step_s=10.0)


async def first_rounds(house):
    assert house.daemon.polls
    await house.until(lambda: all(one.good + one.failed for one in house.daemon.polls), step_s=1.0)


async def test_every_enabled_poll_runs(house):
    await first_rounds(house)
    assert {one.poll for one in house.daemon.polls} == {one.name for one in POLLS if not one.for_location} - {"assets"}
    assert {one.poll: one.reason for one in house.daemon.polls if one.state != "good"} == {}
    for one in house.daemon.polls:
        assert one.object_counts.received == one.object_counts.applied + sum(one.object_counts.dropped.values())
    samples = await house.samples()
    assert {name: family for name, family in FAMILY_OF.items() if not any(key[0] == family for key in samples)} == {}
    assert all(code.endswith(" 200") for code in house.cloud.ledger.calls)


async def test_the_values_of_ports_are_those_of_the_fleet(house):
    await rounds(house, "ports", 1)
    (org,) = house.cloud.fleet.orgs()
    ports = [port for port in house.cloud.fleet.ports(org["id"]) if port["type"] == "switch"]
    found = {
        (dict(labels)["mac"], dict(labels)["port_id"]): value
        for (name, labels), value in (await house.samples()).items()
        if name == "mist_switch_port_receive_bytes_total"
    }
    assert found == {(port["mac"], port["port_id"]): port["rx_bytes"] for port in ports}


@pytest.mark.fault(
    "REST",
    "A poll is rejected with 403",
    held="Its series survive one failed round and then end. They return when the poll succeeds again.",
)
async def test_the_series_of_a_failing_poll_stay_for_a_period_and_then_end(house, fault):
    await first_rounds(house)
    (org,) = house.cloud.fleet.orgs()
    await house.cloud.fault("rest_status", path=f"/api/v1/orgs/{org['id']}/insights/sites-sle", status=403)

    async def levels():
        return sum(key[0] == FAMILY_OF["sle_wifi"] and ("service", "wifi") in key[1] for key in await house.samples())

    before = await levels()
    assert before > 0
    await rounds(house, "sle_wifi", 2)
    status = poll(house, "sle_wifi")
    assert (status.state, status.period_s) == ("failed", 900)
    assert await levels() == before
    await house.pass_time(1.8 * 900, step_s=30.0)
    assert await levels() == 0
    _, page = await house.get("/")
    assert "no right to read" in page
    await house.cloud.heal()
    await rounds(house, "sle_wifi", status.failed + 2)
    assert status.state == "good"
    assert await levels() == before
    fault.told(await house.samples(), "mist_collector_poll_rounds_total", poll="sle_wifi", outcome="failed")


async def test_the_metrics_of_polls(house):
    await first_rounds(house)
    samples = {
        name: value
        for (name, labels), value in (await house.samples()).items()
        if ("poll", "ports") in labels and name.startswith("mist_collector_poll_")
    }
    assert samples["mist_collector_poll_period_seconds"] == 300
    assert samples["mist_collector_poll_left_out"] == 0
    assert samples["mist_collector_poll_objects"] == samples["mist_collector_poll_objects_received_total"] > 0
    assert samples["mist_collector_poll_last_success_timestamp_seconds"] == pytest.approx(house.clock.time(), abs=600)


async def test_a_scrape_makes_no_rest_call(house):
    await first_rounds(house)
    await house.settled()
    calls = dict(house.cloud.ledger.calls)
    await house.samples()
    await house.get("/")
    assert dict(house.cloud.ledger.calls) == calls


ORG = "11111111-1111-1111-1111-111111111111"
NESTED = orjson.dumps({"results": [{"id": "a", "value": None}]}).replace(b"null", b"[" * 400 + b"]" * 400)
HOSTILE = {
    "retry-after": ("/self", Reply(status=429, headers={"Retry-After": f"Tue, 14 Nov {'9' * 20} 22:14:20 GMT"})),
    "count": (f"/orgs/{ORG}/sites", Reply([], headers={"X-Page-Total": "9" * 5000})),
    "brackets": (f"/orgs/{ORG}/inventory", Reply(b"[" * 200_000)),
    "nested": (f"/orgs/{ORG}/alarms/search", Reply(NESTED)),
    "next": (f"/orgs/{ORG}/alarms/search", Reply({"results": [{"id": "a"}], "next": "/api/v1/x\0y"})),
    "types": ("/const/alarm_defs", Reply(b"[" * 400 + b"]" * 400)),
    "backfill": (f"/orgs/{ORG}/stats/devices", Reply([{"mac": "5c5b35000001"}], headers={"X-Page-Total": "9" * 5000})),
}


@pytest.mark.fault(
    "Daemon",
    "The REST answers to one account cannot be parsed, another account is healthy",
    held="Only the calls of that account fail. No task restarts; all values of the other account stay correct.",
)
@pytest.mark.parametrize("hostile", HOSTILE)
async def test_hostile_answers_to_one_account_do_not_affect_another(tmp_path, hostile, fault):
    path, reply = HOSTILE[hostile]
    async with RestCloud() as evil, keeping_house(tmp_path, polls=True) as house:
        await house.settled()
        evil.answer("/self", {"privileges": [{"scope": "org", "org_id": ORG}]})
        evil.answer(f"/orgs/{ORG}", {"id": ORG, "name": "Hostile"})
        evil.listing(f"/orgs/{ORG}/sites", [{"id": "s", "name": "Site"}])
        evil.listing(f"/orgs/{ORG}/inventory", [{"mac": "5c5b35000001", "type": "ap", "site_id": "s"}])
        evil.answer(path, reply)
        (main,) = house.section("accounts")
        stream = evil.url.replace("http", "ws") + "/api-ws/v1/stream"
        account = main | {"name": "evil", "api_url": evil.url, "stream_url": stream}
        assert await house.reload(accounts=[main, account]) == []
        await house.until(lambda: len(evil.paths()) > 1 and path in evil.paths(), step_s=5.0)
        for _ in range(5):
            await house.live(60)
        found = await house.samples()
        assert await house.differences() == []
        assert samples.total(found, "mist_collector_task_restarts_total") == 0
        assert (await house.get("/-/healthy"))[0] == 200
        outcome = "rate_limited" if hostile == "retry-after" else "malformed"
        fault.told(found, "mist_collector_rest_calls_total", account="evil", outcome=outcome)


@pytest.mark.fault(
    "REST",
    "The token is revoked while the collector runs and the stream is lost; half an hour later it is replaced",
    held=(
        "One rejected call or handshake pauses all others for 5 minutes; then one tests the token. A new token is used "
        "at once."
    ),
)
async def test_a_revoked_token_is_tested_once_in_five_minutes(tmp_path, fault):
    async with keeping_house(tmp_path, plan=MIXED, polls=True, inventory={"refresh_s": 60}) as house:
        await house.cloud.advance(60)
        await first_rounds(house)
        await house.settled()
        house.cloud.permissions.tokens.clear()

        ledger = house.cloud.ledger

        def rejected():
            calls = sum(count for call, count in ledger.calls.items() if call.endswith(" 401"))
            return calls + ledger.connections["rejected_401"]

        await house.cloud.fault("stream_down")
        await house.until(house.disconnects, step_s=1.0)
        await house.cloud.heal("stream_down")
        await house.until(rejected, step_s=5.0)
        await house.pass_time(30 * 60, step_s=5.0)
        assert 2 <= rejected() <= 8, "once or twice, and once in each five minutes"
        house.cloud.permissions.tokens.add("another-token")
        began = house.clock.now()
        (tmp_path / "token").write_text("another-token\n")
        await house.until(lambda: house.daemon.accounts.running[0].gate.is_open, step_s=1.0)
        took_s = house.clock.now() - began
        await house.until(lambda: set(house.states().values()) == {"up"}, step_s=1.0)
        await house.until(lambda: all(one.state == "good" for one in house.daemon.polls), step_s=10.0)
        assert rejected() <= 8
        fault.logged("token_rejected", account="main")
        fault.logged("token_accepted", account="main")
        fault.told(await house.samples(), "mist_collector_rest_calls_total", outcome="refused")
        fault.right_after(took_s, 15)
