"""Another configuration, another token, while everything runs: only what changed is touched."""

import json

import pytest

from collector.config import ConnectionConfig
from collector.daemon.account import stream_settings
from collector.mist import signature
from collector.simulator.cloud import FakeCloud
from collector.simulator.fleet import FleetPlan
from collector.simulator.options import CloudOptions
from tests.support import samples
from tests.support.house import PLAN, keeping_house
from tests.support.streaming import real_turns

RELOADS = "mist_collector_config_reloads_total"
LAST = "mist_collector_config_last_reload_successful"
EVENT = {"type": "AP_RESTARTED", "mac": "5c5b35000001", "timestamp": 1_767_225_700}
LOOK_S = 11.0  # after so long a replaced token is seen


@pytest.fixture
async def house(tmp_path):
    async with keeping_house(tmp_path) as house:
        await house.settled()
        await house.live(60)
        yield house


def account(house, **more):
    (account,) = house.section("accounts")
    return account | more


def site_name(house, site_id):
    (org,) = house.cloud.fleet.orgs()
    return next(site["name"] for site in house.cloud.fleet.sites(org["id"]) if site["id"] == site_id)


@pytest.mark.fault(
    "Daemon",
    "SIGHUP: a site is excluded, and included again",
    held="Only its channel is unsubscribed and subscribed again, on the same connection. Its series end and return.",
)
async def test_a_site_that_is_excluded_goes_alone(house, fault):
    gone, kept = house.sites
    one = account(house, sites={"exclude": [site_name(house, gone)]})
    assert await house.reload(accounts=[one]) == []
    await house.until(lambda: house.state_of(gone) == "")
    await house.live(60)
    found = await house.samples()
    assert samples.named(samples.having(found, site_id=gone), "mist_ap_") == {}
    assert house.state_of(kept) == "up"
    assert await house.reload(accounts=[account(house, sites={})]) == []
    await house.until(lambda: house.state_of(gone) == "up", step_s=0.5)
    await house.live(60)
    assert await house.differences() == []
    assert (house.connects(), house.disconnects()) == (1, {})
    fault.told(await house.samples(), RELOADS, at_least=2, outcome="good")
    fault.logged("reloaded", changed=["accounts"])


BAD = {
    "an unknown key": {"acounts": []},
    "a wrong value": {"webhook": {"listen": "127.0.0.1:0", "max_body_bytes": -1}},
    "a file that is not there": {"server": {"listen": "127.0.0.1:0", "web_config_file": "none.yml"}},
    "what needs a restart": {"labels": "inline"},
    "another listener": {"webhook": {"enabled": False}},
}


@pytest.mark.fault(
    "Daemon",
    "SIGHUP with an invalid file, or with a change that needs a restart",
    held="No part of the file is applied and the reload reports the errors. The next valid file is applied.",
)
@pytest.mark.parametrize("name", BAD)
async def test_a_bad_file_changes_nothing(house, fault, name):
    text = house.file.read_text()
    gone, _ = house.sites
    assert await house.reload(accounts=[account(house, sites={"exclude": [gone]})], **BAD[name]) != []
    await house.live(60)
    found = await house.samples()
    assert house.state_of(gone) == "up"
    assert await house.differences() == []
    fault.fell(found, LAST)
    fault.told(found, RELOADS, outcome="refused")
    fault.logged("reload_failed")
    house.file.write_text(text)
    assert await house.reload() == []
    assert samples.total(await house.samples(), LAST) == 1
    assert (house.connects(), house.disconnects()) == (1, {})


@pytest.mark.fault(
    "Daemon",
    "SIGHUP with a file that is missing, empty or not YAML",
    held="The configuration in use stays. Scrapes are not affected.",
)
@pytest.mark.parametrize("text", ["", "a: [", "- 1", "\0", None])
async def test_an_unreadable_file_changes_nothing(house, fault, text):
    if text is None:
        house.file.unlink()
    else:
        house.file.write_text(text)
    assert await house.daemon.reloader.reload() != []
    assert await house.differences() == []
    fault.fell(await house.samples(), LAST)
    fault.logged("reload_failed")


async def test_streams_and_polls_are_switched_alone(house):
    assert await house.reload(streams={"devices": True, "device_events": False, "clients": True}) == []
    await house.until(lambda: set(house.states().values()) == {"up"})
    endings = {"/".join(path.rsplit("/", 2)[1:]) for path in house.states()}
    assert endings == {"stats/devices", "stats/clients"}
    assert (house.connects(), house.disconnects()) == (1, {})
    assert house.daemon.polls == []
    assert await house.reload(polls={"alarms": True, "ports": False}) == []
    assert "alarms" in {status.poll for status in house.daemon.polls}
    assert "ports" not in {status.poll for status in house.daemon.polls}
    await house.until(lambda: next(s for s in house.daemon.polls if s.poll == "alarms").good, step_s=5.0)
    await house.live(60)
    assert await house.differences(but=("mist_ap_ssid_clients",)) == []  # which the clients' channel brings


@pytest.mark.fault(
    "Daemon",
    "SIGHUP: an account is added, and removed again",
    held="The connection of the other account is not affected. The series of the removed account end.",
)
async def test_an_account_comes_and_goes(house, fault, tmp_path):
    plan = FleetPlan(sites=1, aps=2, seed=99, reboots_per_device_day=0.0)
    assert plan != PLAN
    async with FakeCloud(CloudOptions(plan=plan, speed=0.0, tick_s=3600.0)) as other:
        second = account(house, name="second", api_url=other.api_url, stream_url=other.stream_url)
        first = account(house)
        assert await house.reload(accounts=[first, second]) == []
        await house.until(lambda: any(s.account == "second" for s in house.daemon.connections), step_s=0.5)
        await house.until(lambda: set(house.states().values()) == {"up"}, step_s=0.5)
        await other.advance(60)
        (mac, *_) = other.fleet.macs()
        await house.until_shown(lambda found: samples.having(found, mac=mac))
        fault.told(await house.samples(), "mist_collector_connection_up", account="second")
        assert await house.reload(accounts=[first]) == []
        await house.until(lambda: other.stream.clients == 0)
        found = await house.samples()
        assert samples.having(found, mac=mac) == {}
        assert samples.having(found, account="second") == {}
    house.forget_what_was_lost()
    await house.live(60)
    assert await house.differences() == []
    (connection,) = house.daemon.connections
    assert (connection.account, connection.connects, connection.disconnects) == ("main", 1, {})


async def test_an_account_that_moves_to_another_cloud_shows_its_polls(tmp_path):
    """The one that ends and the one that begins have the same name: each takes away only what is its own."""
    plan = FleetPlan(sites=1, aps=1, seed=99, reboots_per_device_day=0.0)
    async with (
        FakeCloud(CloudOptions(plan=plan, speed=0.0, tick_s=3600.0)) as other,
        keeping_house(tmp_path, polls=True) as house,
    ):
        await house.settled()
        before = {status.poll for status in house.daemon.polls}
        moved = account(house, api_url=other.api_url, stream_url=other.stream_url)
        assert await house.reload(accounts=[moved]) == []
        await house.until(lambda: house.cloud.stream.clients == 0 and other.stream.clients == 1, step_s=0.5)
        await house.until(lambda: all(status.good or status.failed for status in house.daemon.polls), step_s=1.0)
        assert {status.poll for status in house.daemon.polls} == before
        assert len(house.daemon.polls) == len(before)
        assert await house.reload(accounts=[account(house, name="renamed")]) == []
        await house.until(lambda: {status.account for status in house.daemon.polls} == {"renamed"}, step_s=0.5)
        assert len(house.daemon.polls) == len(before)


@pytest.mark.fault(
    "Daemon",
    "The webhook secret is replaced",
    held=(
        "From then on the old secret is rejected and the new one accepted. Events delivered before are still "
        "recognised as duplicates."
    ),
)
async def test_secrets_change_and_the_memory_of_duplicates_stays(house, fault, tmp_path):
    url = f"http://127.0.0.1:{house.daemon.webhook.port}/webhook"
    body = json.dumps({"topic": "device-events", "events": [EVENT]}).encode()

    async def deliver(secret):
        signed = {signature.HEADER: signature.sign(body, secret)}
        async with house.http.post(url, data=body, headers=signed) as answer:
            return answer.status

    assert await house.post("device-events", EVENT) == 200
    (tmp_path / "secret").write_bytes(b"a new secret")
    webhook = {"listen": "127.0.0.1:0", "secret_files": ["secret"]}
    assert await house.reload(webhook=webhook) == []
    assert await deliver(b"") == 401
    assert await deliver(b"a new secret") == 200
    found = await house.samples()
    assert samples.total(found, "mist_collector_webhook_events_applied_total") == 1
    fault.told(found, "mist_collector_webhook_events_dropped_total", topic="device-events", reason="duplicate")
    fault.told(found, "mist_collector_webhook_refused_total", reason="mismatch")
    (tmp_path / "secret").write_bytes(b"the next secret")  # needs no reload
    assert [await deliver(b"a new secret"), await deliver(b"the next secret")] == [401, 200]


def rewrite_token(house, token):
    (house.file.parent / "token").write_text(f"{token}\n")


@pytest.mark.fault(
    "Daemon",
    "The token file is replaced",
    held=(
        "Connections are replaced one by one, each new one before the old one closes. No disconnect is counted and "
        "values are correct afterwards."
    ),
)
async def test_a_new_token_rotates_the_connections(tmp_path, fault):
    async with keeping_house(tmp_path, max_channels=2) as house:
        await house.until(lambda: len(house.daemon.connections) > 1, step_s=0.5)
        await house.settled()
        await house.live(60)
        number = len(house.daemon.connections)
        house.cloud.permissions.tokens.add("a new token")
        before = house.daemon.frames.received
        most, seen = [], []
        rewrite_token(house, "a-new-token")
        house.cloud.permissions.tokens.add("a-new-token")

        def rotated():
            most.append(house.cloud.stream.clients)
            seen.append(min(s.state == "open" for s in house.daemon.connections))
            return all(status.connects == 2 for status in house.daemon.connections)

        began = house.clock.now()
        await house.until(rotated, step_s=0.5)
        fault.right_after(house.clock.now() - began, 20)
        await house.until(lambda: house.cloud.stream.clients == number)
        assert max(most) <= number + 2, "one by one; the old one may still say goodbye"
        assert all(seen), "each is open all the time, for whoever looks"
        assert house.disconnects() == {}
        assert house.daemon.frames.received > before
        house.forget_what_was_lost()
        await house.live(60)
        assert await house.differences() == []
        fault.told(await house.samples(), "mist_collector_connection_opened_total", at_least=2 * number)
        fault.logged("token_rotated", account="main", connections=number)


@pytest.mark.fault(
    "Daemon",
    "The token file is replaced by a token that Mist rejects",
    held=(
        "The open connections stay and the rejected token is not tried again for minutes. A valid token is used as "
        "soon as it is in the file."
    ),
)
async def test_a_bad_token_costs_no_connection(house, fault):
    rewrite_token(house, "no-good")
    await house.pass_time(LOOK_S, step_s=1.0)
    await house.until(lambda: any(line["event"] == "token_rotation_failed" for line in fault.lines), step_s=1.0)
    await house.pass_time(200, step_s=5.0)
    assert sum(line["event"] == "token_rotation_failed" for line in fault.lines) == 1, "no hammering"
    assert (house.connects(), house.disconnects()) == (1, {})
    await house.live(60)
    assert await house.differences() == []
    fault.logged("token_rotation_failed", account="main")
    rewrite_token(house, "better")
    house.cloud.permissions.tokens.add("better")
    began = house.clock.now()
    await house.until(lambda: house.connects() == 2, step_s=1.0)
    fault.right_after(house.clock.now() - began, 20)
    assert house.disconnects() == {}
    fault.told(await house.samples(), "mist_collector_connection_opened_total", at_least=2)


@pytest.mark.parametrize(("before_s", "after_s"), [(60.0, 600.0), (600.0, 60.0)])
async def test_a_new_ping_interval_keeps_a_quiet_connection_healthy(tmp_path, before_s, after_s):
    """The limits of /-/healthy follow the configuration, and open connections ping at the new interval."""
    quiet = FleetPlan(sites=1, aps=0)
    async with keeping_house(tmp_path, plan=quiet, ping_every_s=before_s, pong_within_s=45.0) as house:
        await house.settled()
        assert await house.reload(stream=house.section("stream") | {"ping_every_s": after_s}) == []
        (connection,) = house.daemon.connections
        for _ in range(100):  # 25 minutes
            await house.clock.advance(15)
            await real_turns()
            if house.daemon.connections[0].state == "open":
                assert await house.get("/-/healthy") == (200, "healthy\n")
        assert connection.alive_at > 0.0
        assert house.daemon.liveness.stuck() == []


STREAM_VALUES = {
    "max_channels": 7,
    "open_every_s": 3.0,
    "ack_timeout_s": 4.0,
    "ping_every_s": 5.0,
    "pong_within_s": 6.0,
}


@pytest.mark.parametrize("key", sorted(set(ConnectionConfig.model_fields) - {"transport"}))
async def test_each_stream_key_is_applied(house, key):
    """To the pool, to its open connections and to the limits of liveness, without a disconnect."""
    value = STREAM_VALUES[key]
    assert await house.reload(stream=house.section("stream") | {key: value}) == []
    (account,) = house.daemon.accounts.running
    expected = stream_settings(house.daemon.config)
    assert getattr(house.daemon.config.stream, key) == value
    assert account.pool._settings == expected
    assert account.pool._pacer.interval_s == expected.open_every_s
    assert {connection._session._settings for connection in account.pool._connections} == {expected.session}
    assert house.daemon.liveness._settings() == house.daemon.config.stream
    assert house.connects() == 1
