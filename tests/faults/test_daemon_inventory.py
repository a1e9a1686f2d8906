"""The whole daemon while devices and sites are added, moved and removed: series end, and no value stays stale."""

import pytest

from tests.support import samples
from tests.support.house import keeping_house
from tests.support.streaming import real_turns

TTL_S = 180.0  # of an access point's measurements
SWEEP_S = 15.0
REFRESH_S = 60


async def refreshed(house):
    """Run until the inventory was read again."""
    await house.live(REFRESH_S * 1.1)


@pytest.mark.fault(
    "Inventory",
    "A device leaves the inventory",
    held="Its series end with the next inventory refresh.",
)
async def test_the_series_of_a_removed_access_point_end(tmp_path, fault):
    async with keeping_house(tmp_path, inventory={"refresh_s": REFRESH_S}) as house:
        await house.settled()
        await house.live(60)
        gone, *_ = house.cloud.fleet.macs()
        assert len(samples.having(await house.samples(), mac=gone)) > 100
        began = house.clock.now()
        await house.cloud.act("remove_device", mac=gone)
        await refreshed(house)
        await house.until_true()
        assert samples.having(await house.samples(), mac=gone) == {}
        fault.told(await house.samples(), "mist_collector_inventory_last_success_timestamp_seconds")
        fault.right_after(house.clock.now() - began, REFRESH_S * 1.2)


@pytest.mark.fault(
    "Inventory",
    "A device is added",
    held="All its series exist after its first message.",
)
async def test_a_new_access_point_gets_its_series(tmp_path, fault):
    async with keeping_house(tmp_path, inventory={"refresh_s": REFRESH_S}) as house:
        await house.settled()
        new = await house.cloud.act("add_device", site_id=house.sites[0], kind="ap")
        await refreshed(house)
        await house.live(60)
        assert len(samples.having(await house.samples(), mac=new)) > 100
        assert await house.differences() == []
        fault.told(await house.samples(), "mist_device_up", mac=new)


@pytest.mark.fault(
    "Inventory",
    "A device moves to another site",
    held="Its series exist at the new site only.",
)
async def test_the_series_of_a_moved_access_point_are_at_its_new_site_only(tmp_path, fault):
    async with keeping_house(tmp_path, inventory={"refresh_s": REFRESH_S}) as house:
        await house.settled()
        await house.live(60)
        here, there = house.sites
        moved = next(mac for mac in house.cloud.fleet.macs() if house.cloud.fleet.truth(mac)["site_id"] == here)
        await house.cloud.act("move_device", mac=moved, site_id=there)
        await refreshed(house)
        await house.live(60)
        found = samples.having(await house.samples(), mac=moved)
        assert {site for (site,) in samples.by_label(found, "mist_device_up", "site_id")} == {there}
        assert samples.having(found, site_id=here) == {}
        assert await house.differences() == []
        fault.told(found, "mist_device_up", mac=moved, site_id=there)


@pytest.mark.fault(
    "Inventory",
    "A site is added",
    held="It is subscribed on the existing connection; its first values come from REST.",
)
async def test_a_new_site_is_subscribed_and_gets_values_before_its_devices_send_messages(tmp_path, fault):
    async with keeping_house(tmp_path, inventory={"refresh_s": REFRESH_S}) as house:
        await house.settled()
        await house.live(60)
        new = await house.cloud.act("add_site")
        await house.until(lambda: house.state_of(new) == "up", step_s=1.0)
        await house.pass_time(5, step_s=1.0)
        await house.until_shown(lambda found: len(samples.named(samples.having(found, site_id=new), "mist_ap_")) > 100)
        assert house.connects() == 1, "on the existing connection"
        await house.live(60)
        assert await house.differences() == []
        fault.told(await house.samples(), "mist_collector_subscription_up", channel=f"/sites/{new}/stats/devices")


@pytest.mark.fault(
    "Inventory",
    "A site is removed",
    held="It is unsubscribed and its series end; the connection stays open.",
)
async def test_a_removed_site_is_unsubscribed_and_its_series_end(tmp_path, fault):
    async with keeping_house(tmp_path, inventory={"refresh_s": REFRESH_S}) as house:
        await house.settled()
        await house.live(60)
        gone, kept = house.sites
        await house.cloud.act("remove_site", site_id=gone)
        await refreshed(house)
        await house.until(lambda: house.state_of(gone) == "")
        assert [path for path in house.cloud.stream.subscribed if gone in path] == []
        found = await house.samples()
        assert samples.having(found, site_id=gone) == {}
        assert samples.having(found, channel=f"/sites/{gone}/stats/devices") == {}
        assert house.state_of(kept) == "up"
        assert (house.connects(), house.disconnects()) == (1, {})
        assert await house.differences() == []
        fault.told(found, "mist_collector_inventory_last_success_timestamp_seconds")


@pytest.mark.fault(
    "Inventory",
    "A device stops sending messages",
    held="Its measurements end after their time to live. `mist_device_up` becomes 0; the last-seen timestamp stays.",
)
async def test_a_device_that_sends_no_messages_is_reported_as_down(tmp_path, fault):
    async with keeping_house(tmp_path) as house:
        await house.settled()
        await house.live(60)
        silent, *others = house.cloud.fleet.macs()
        await house.cloud.act("disconnect", mac=silent)
        await house.live(TTL_S - 2 * SWEEP_S)
        assert samples.total(await house.samples(), "mist_device_up", mac=silent) == 1, (
            "its measurements have not ended"
        )
        await house.live(4 * SWEEP_S)
        found = samples.having(await house.samples(), mac=silent)
        assert samples.named(found, "mist_ap_", "mist_device_uptime") == {}
        assert samples.by_label(found, "mist_device_up", "mac") == {(silent,): 0}
        assert len(samples.by_label(found, "mist_device_last_seen_timestamp_seconds", "mac")) == 1
        assert [line for line in await house.differences() if silent not in line] == []

        await house.cloud.act("reconnect", mac=silent)
        await house.live(60)
        assert await house.differences() == []
        assert len(others) == 5
        fault.right_after(TTL_S + 2 * SWEEP_S, TTL_S + 2 * SWEEP_S)
        fault.fell(found, "mist_device_up", mac=silent)


@pytest.mark.fault(
    "Stream",
    "A channel is subscribed but delivers no messages while its devices are connected; later the site loses power",
    held=(
        "The collector polls REST for the state of the devices. They are reported as down only when REST reports "
        "them so."
    ),
)
async def test_rest_is_polled_for_a_channel_that_delivers_no_messages(tmp_path, fault):
    async with keeping_house(tmp_path) as house:
        await house.settled()
        await house.live(60)
        silent_site, other = house.sites
        channel = f"/sites/{silent_site}/stats/devices"
        await house.cloud.fault("silent_channel", channel=channel)
        readings, seen = house.readings(), set()
        for _ in range(60):
            await house.live(10)
            await real_turns(2)
            seen |= set(samples.by_label(await house.samples(), "mist_device_up", "site_id", "mac").items())
        assert {up for (_site, _mac), up in seen} == {1}, "no device is reported as down"
        assert 1 <= house.readings() - readings <= 5, "at most once per time to live"
        assert house.state_of(silent_site) == "up"
        assert [line for line in await house.differences() if silent_site not in line] == []
        found = await house.samples()
        assert len(samples.by_label(samples.having(found, site_id=silent_site), "mist_device_up", "mac")) == 3

        fleet = house.cloud.fleet
        disconnected = [mac for mac in fleet.macs() if fleet.truth(mac)["site_id"] == silent_site]
        for mac in disconnected:
            await house.cloud.act("disconnect", mac=mac)
        await house.live(TTL_S + 4 * SWEEP_S)
        await house.live(90)
        found = await house.samples()
        assert samples.by_label(found, "mist_device_up", "site_id") == {(silent_site,): 0, (other,): 3}
        at_site = samples.by_label(samples.having(found, site_id=silent_site), "mist_device_up", "mac")
        assert at_site == dict.fromkeys([(mac,) for mac in disconnected], 0.0)

        for mac in disconnected:
            await house.cloud.act("reconnect", mac=mac)
        await house.cloud.heal("silent_channel")
        await house.live(60)
        assert await house.differences() == []
        fault.told(found, "mist_collector_subscription_last_message_timestamp_seconds", channel=channel)


async def test_without_messages_and_without_rest_no_device_is_reported_as_down(tmp_path):
    async with keeping_house(tmp_path) as house:
        await house.settled()
        await house.live(60)
        silent_site, other = house.sites
        await house.cloud.fault("silent_channel", channel=f"/sites/{silent_site}/stats/devices")
        await house.cloud.fault("rest_status", status=503)
        await house.live(TTL_S + 2 * SWEEP_S)
        found = await house.samples()
        assert samples.by_label(found, "mist_device_up", "site_id") == {(other,): 3}, "a gap: neither up nor down"


@pytest.mark.fault(
    "Stream",
    "The stream is lost for longer than the time to live of its series",
    held="The series end (gaps, no stale values). Devices are not reported as down.",
)
async def test_no_device_is_reported_as_down_while_the_stream_is_lost(tmp_path, fault):
    async with keeping_house(tmp_path) as house:
        await house.settled()
        await house.live(60)
        await house.cloud.fault("stream_down")
        await house.until(house.disconnects)
        await house.pass_time(TTL_S + 2 * SWEEP_S)
        found = await house.samples()
        assert samples.named(found, "mist_ap_") == {}
        assert samples.by_label(found, "mist_device_up", "mac") == {}, "a gap: neither up nor down"
        assert len(samples.by_label(found, "mist_device_info", "mac")) == 6
        fault.fell(found, "mist_collector_connection_up")


@pytest.mark.fault(
    "Daemon",
    "REST is unavailable at startup",
    held="The collector is live but not ready, and `/-/ready` gives the reason. Collection starts when REST answers.",
)
async def test_without_rest_it_is_not_ready_until_rest_answers(tmp_path, fault):
    async def break_rest(cloud):
        await cloud.fault("rest_status", status=503)

    async with keeping_house(tmp_path, before=break_rest) as house:
        await house.until(lambda: house.daemon.rest[0].inventory_failures, step_s=5.0)
        (reason,) = await house.why_not_ready()
        assert reason.startswith("account main: the inventory has not been read")
        assert "503" in reason
        assert (await house.get("/-/healthy"))[0] == 200
        await house.cloud.heal("rest_status")
        await house.until(house.states, step_s=5.0)
        await house.settled()
        assert await house.why_not_ready() == []
        await house.live(60)
        assert await house.differences() == []
        fault.told(await house.samples(), "mist_collector_inventory_failures_total")
        fault.logged("inventory_failed")


@pytest.mark.fault(
    "Inventory",
    "The inventory cannot be refreshed",
    held="The last inventory stays in use. The stream continues and all values stay correct.",
)
async def test_the_inventory_stays_when_it_cannot_be_refreshed(tmp_path, fault):
    async with keeping_house(tmp_path, inventory={"refresh_s": REFRESH_S}) as house:
        await house.settled()
        await house.live(60)
        await house.cloud.fault("rest_status", status=500)
        await house.live(10 * REFRESH_S)
        found = await house.samples()
        assert samples.total(found, "mist_collector_inventory_failures_total") > 0
        assert await house.differences() == []
        assert (house.connects(), house.disconnects()) == (1, {})
        fault.told(found, "mist_collector_inventory_failures_total")
        fault.logged("inventory_failed")


@pytest.mark.fault(
    "Inventory",
    "A site and a map have ids that are not valid in a URL path",
    held="Both are skipped; everything else continues.",
)
async def test_an_id_that_is_not_valid_in_a_path_is_skipped(tmp_path, fault):
    invalid = "../a b"
    streams = {"location": {"clients": True}}
    async with keeping_house(
        tmp_path, inventory={"refresh_s": REFRESH_S}, polls=True, sections={"streams": streams}
    ) as house:
        fleet = house.cloud.fleet
        sites, maps = fleet.sites, fleet.maps
        fleet.sites = lambda org_id: [*sites(org_id), sites(org_id)[0] | {"id": invalid}]
        fleet.maps = lambda site_id: [*maps(site_id), maps(site_id)[0] | {"id": invalid}]
        await house.settled()
        await refreshed(house)
        await house.until(lambda: any("/stats/maps/" in path for path in house.states()), step_s=10.0)
        await house.live(60)
        assert [path for path in house.states() if invalid in path] == []
        assert await house.differences() == []
        fault.told(await house.samples(), "mist_collector_poll_objects_dropped_total", poll="maps", reason="odd_id")
