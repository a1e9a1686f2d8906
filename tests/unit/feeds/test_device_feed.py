"""The type of a device, whether it is up, and when its series end."""

from __future__ import annotations

import json
from collections import deque

import pytest

from collector.catalog import limits
from collector.errors import Rejected
from collector.feeds.router import FeedRouter
from collector.mist.directories import Directories
from collector.mist.directory import Device, Directory, Org, Site
from tests.support.bench import exposed

MAC = "5c5b350e0001"
IDS = {"org_id": "o", "site_id": "s"}
SEEN = 1_774_576_960.0  # when the cloud saw the device, Unix seconds


class Devices:
    """A router, the input about one device, and the samples of the device."""

    def __init__(self, *devices: Device, inventory: bool = True) -> None:
        self.now = 1000.0
        self.live = True
        self.directory = Directory()
        if inventory:
            self.read_inventory(*devices)
        self.events = []
        self.router = FeedRouter(
            Directories(self.directory),
            now=lambda: self.now,
            unix_time=lambda: SEEN + self.now,
            is_live=lambda _path: self.live,
            on_event=self.events.append,
        )
        self._channels = {}

    def read_inventory(self, *devices: Device, sites: tuple[str, ...] = ("s", "t")):
        """Read the inventory."""
        return self.directory.replace([Org("o")], [Site(site, "o") for site in sites], devices)

    def stream(self, *, site: str = "s", as_text: bool = True, **payload: object) -> Rejected | None:
        """Apply a message on the device channel of a site."""
        apply = self._channels.setdefault(site, self.router.open_channel(f"/sites/{site}/stats/devices"))
        return apply(json.dumps(payload) if as_text else payload, self.now)

    def rest(self, **payload: object) -> Rejected | None:
        """Apply statistics of REST."""
        return self.router.rest_object("device", {"mac": MAC, **payload}, IDS)

    def inventory(self, **payload: object) -> Rejected | None:
        """Apply the inventory entry."""
        return self.router.rest_object("inventory", {"mac": MAC, "type": "ap", **payload}, IDS)

    def event(self, type_: str, at: float | None = SEEN, mac: str = MAC, **more: object) -> None:
        """Deliver an up/down event."""
        event = {**IDS, "type": type_, "mac": mac, **({} if at is None else {"timestamp": at}), **more}
        assert self.router.open_topic("device-updowns")(event, self.now) is None

    def pass_time(self, seconds: float) -> None:
        """Move the clock, then sweep."""
        self.now += seconds
        deque(self.router.sweep(), maxlen=0)

    def samples(self, family: str) -> dict[str, float]:
        """The samples of one family, by their labels."""
        return {
            key.removeprefix(family): value
            for key, value in exposed(self.router.store).items()
            if key.startswith(family + "{")
        }

    @property
    def up(self) -> float | None:
        """The state of the device; None if it has none."""
        values = self.samples("mist_device_up").values()
        assert len(values) <= 1
        return next(iter(values), None)

    @property
    def kind(self) -> str:
        """The device type in the series."""
        (labels,) = self.samples("mist_device_up")
        return labels.partition('device_type="')[2].partition('"')[0]


@pytest.fixture
def devices() -> Devices:
    return Devices(Device(MAC, type="ap", site_id="s", org_id="o"))


class TestKind:
    @pytest.mark.parametrize("kind", ["ap", "switch", "gateway", "mxedge", "something_new"])
    def test_from_the_message(self, devices, kind):
        devices.stream(mac=MAC, type=kind, last_seen=SEEN)
        assert devices.kind == kind

    def test_the_message_is_preferred_to_the_inventory(self, devices):
        devices.stream(mac=MAC, type="switch", model="AP45", last_seen=SEEN)
        assert devices.kind == "switch"

    @pytest.mark.parametrize("message", [{}, {"model": "AP45"}, {"type": None}, {"type": ""}], ids=str)
    def test_from_the_inventory(self, message):
        devices = Devices(Device(MAC, type="switch", site_id="s", org_id="o"))
        devices.stream(mac=MAC, last_seen=SEEN, **message)
        assert devices.kind == "switch"

    @pytest.mark.parametrize(
        ("model", "kind"),
        [("AP45", "ap"), ("EX4100", "other"), ("SRX320", "other"), ("", "ap"), (None, "ap"), (5, "ap")],
    )
    def test_from_the_model(self, model, kind):
        devices = Devices(inventory=False)
        devices.stream(mac=MAC, model=model, last_seen=SEEN)
        assert devices.kind == kind

    def test_an_ap_by_default(self):
        devices = Devices(inventory=False)
        devices.stream(mac=MAC, last_seen=SEEN, num_clients=3)
        assert devices.kind == "ap"
        assert list(devices.samples("mist_ap_clients").values()) == [3.0]

    def test_each_kind_has_its_own_measurements(self, devices):
        """`num_clients` is a number on APs and an object on switches."""
        devices.stream(mac=MAC, type="switch", last_seen=SEEN, num_clients={"total": {"num_clients": 5}}, if_stat={})
        assert devices.samples("mist_ap_clients") == {}

    def test_an_unknown_type_has_the_series_of_all_devices(self, devices):
        devices.stream(mac=MAC, type="toaster", last_seen=SEEN, name="x", num_clients=3)
        assert set(devices.samples("mist_device_info")) == {
            f'{{name="x",org_id="o",site_id="s",mac="{MAC}",device_type="toaster"}}'
        }
        assert devices.samples("mist_ap_clients") == {}

    def test_the_type_may_change(self):
        devices = Devices(inventory=False)
        devices.stream(mac=MAC, last_seen=SEEN, num_clients=3)
        devices.stream(mac=MAC, type="switch", last_seen=SEEN + 1)
        assert devices.kind == "switch"
        assert devices.samples("mist_ap_clients") == {}

    def test_on_a_site_with_several_types(self, devices):
        switch, hint = "d0dd49000001", {"if_stat": {}}
        devices.stream(mac=switch, type="switch", last_seen=SEEN, **hint)
        for seen in (1, 2):
            devices.stream(mac=MAC, last_seen=SEEN + seen, num_clients=seen)
            devices.stream(mac=switch, type="switch", last_seen=SEEN + seen, uptime=seen, **hint)
            devices.stream(mac="d0dd49000002", type="gateway", last_seen=SEEN + seen, **hint)
        kinds = {labels.partition('device_type="')[2].partition('"')[0] for labels in devices.samples("mist_device_up")}
        assert kinds == {"ap", "switch", "gateway"}
        assert list(devices.samples("mist_ap_clients").values()) == [2.0]


class TestIdentity:
    @pytest.mark.parametrize("mac", ["5C:5B:35:0E:00:01", "5c-5b-35-0e-00-01", MAC.upper(), MAC])
    def test_any_notation_of_a_mac(self, devices, mac):
        devices.stream(mac=mac, last_seen=SEEN, num_clients=1)
        assert list(devices.samples("mist_ap_clients")) == [f'{{org_id="o",site_id="s",mac="{MAC}"}}']

    @pytest.mark.parametrize("mac", [None, "", "x", "5c5b350e", 5, ["a"], {}])
    def test_no_identity(self, devices, mac):
        assert devices.stream(mac=mac, last_seen=SEEN) == Rejected("no_identity")
        assert devices.rest(mac=mac, status="connected") == Rejected("no_identity")
        assert devices.inventory(mac=mac) == Rejected("no_identity")
        assert exposed(devices.router.store) == {}

    def test_a_list_of_devices(self, devices):
        apply = devices.router.open_channel("/sites/s/stats/devices")
        payload = [{"mac": MAC, "num_clients": 1}, {"no": "mac"}, {"mac": "5c5b350e0002", "num_clients": 2}]
        assert apply(json.dumps(payload), devices.now) is None
        assert sorted(devices.samples("mist_ap_clients").values()) == [1.0, 2.0]
        assert devices.router.rejected_parts()["record", "no_identity"] == 1

    @pytest.mark.parametrize("payload", ["[]", [], None, "null"])
    def test_an_empty_payload(self, devices, payload):
        assert devices.router.open_channel("/sites/s/stats/devices")(payload, devices.now) == Rejected("empty")

    def test_the_org_is_that_of_the_site(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN, org_id="another")
        assert 'org_id="o"' in next(iter(devices.samples("mist_device_up")))

    def test_without_an_inventory_the_org_is_that_of_the_message(self):
        devices = Devices(inventory=False)
        devices.stream(mac=MAC, last_seen=SEEN, org_id="stated")
        devices.stream(mac=MAC, last_seen=SEEN + 1)
        assert 'org_id="stated"' in next(iter(devices.samples("mist_device_up")))

    def test_a_device_that_moved_has_series_at_its_new_site_only(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN, num_clients=1)
        devices.stream(mac=MAC, last_seen=SEEN + 1, num_clients=2, site="t")
        assert devices.samples("mist_ap_clients") == {f'{{org_id="o",site_id="t",mac="{MAC}"}}': 2.0}


class TestUpByStream:
    def test_a_device_with_messages_is_up(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN)
        assert devices.up == 1.0

    def test_also_without_last_seen(self, devices):
        devices.stream(mac=MAC)
        assert devices.up == 1.0

    @pytest.mark.parametrize(
        ("status", "up"), [("connected", 1.0), ("", 1.0), (None, 1.0), ("disconnected", 0.0), ("upgrading", 0.0)]
    )
    def test_the_status_is_preferred(self, devices, status, up):
        devices.stream(mac=MAC, last_seen=SEEN, status=status)
        assert devices.up == up

    def test_an_unchanged_last_seen_does_not_change_the_state(self, devices):
        """The cloud repeats the last statistics of a disconnected device."""
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.event("AP_DISCONNECTED", SEEN + 30)
        devices.stream(mac=MAC, last_seen=SEEN, num_clients=5)
        assert devices.up == 0.0
        devices.stream(mac=MAC, last_seen=SEEN + 60)
        assert devices.up == 1.0


class TestUpByTimeout:
    def test_down_after_the_time_to_live(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN, num_clients=1)
        devices.pass_time(179)
        assert (devices.up, len(devices.samples("mist_ap_clients"))) == (1.0, 1)
        devices.pass_time(2)
        assert (devices.up, len(devices.samples("mist_ap_clients"))) == (0.0, 0)

    def test_unknown_if_the_channel_is_not_live(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN, num_clients=1)
        devices.live = False
        devices.pass_time(181)
        assert (devices.up, len(devices.samples("mist_ap_clients"))) == (None, 0)

    def test_the_record_of_the_device_stays(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN, name="x")
        devices.pass_time(100_000)
        assert len(devices.samples("mist_device_info")) == 1
        assert list(devices.samples("mist_device_last_seen_timestamp_seconds").values()) == [SEEN]

    def test_unless_the_inventory_does_not_list_it(self, devices):
        devices.stream(mac="5c5b350e0099", last_seen=SEEN, name="gone")
        devices.pass_time(181)
        assert exposed(devices.router.store) == {}

    def test_without_an_inventory_it_stays(self):
        devices = Devices(inventory=False)
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.pass_time(181)
        assert devices.up == 0.0

    def test_the_device_returns(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN, num_clients=1)
        devices.pass_time(1000)
        devices.stream(mac=MAC, last_seen=SEEN + 1000, num_clients=2)
        assert (devices.up, list(devices.samples("mist_ap_clients").values())) == (1.0, [2.0])

    def test_old_measurements_do_not_return(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN, num_clients=1, radio_config={"band_5": {"channel": 36}})
        devices.pass_time(1000)
        devices.stream(mac=MAC, last_seen=SEEN + 1000)
        assert devices.samples("mist_ap_clients") == devices.samples("mist_ap_radio_config_channel") == {}


class TestUpByEvents:
    @pytest.mark.parametrize(("kind", "up"), [("AP_CONNECTED", 1.0), ("AP_DISCONNECTED", 0.0)])
    def test_an_event_sets_the_state(self, devices, kind, up):
        devices.stream(mac=MAC, last_seen=SEEN, status="disconnected" if up else "connected")
        devices.event(kind, SEEN + 1)
        assert devices.up == up

    def test_a_restart_does_not_change_the_state(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.event("AP_RESTARTED", SEEN + 1)
        assert devices.up == 1.0

    def test_an_event_older_than_last_seen_is_ignored(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.event("AP_DISCONNECTED", SEEN - 61)
        assert devices.up == 1.0

    @pytest.mark.parametrize("at", [SEEN - 60, SEEN, SEEN + 300, None, f"{SEEN + 1:.0f}", (SEEN + 1) * 1000])
    def test_an_event_about_as_old_is_applied(self, devices, at):
        """The clocks of Mist differ; an event without a time is current."""
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.event("AP_DISCONNECTED", at)
        assert devices.up == 0.0

    def test_older_events_have_the_mac_in_ap(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.event("AP_DISCONNECTED", SEEN + 1, mac="", ap=MAC)
        assert devices.up == 0.0

    def test_an_event_of_a_new_device(self):
        devices = Devices(inventory=False)
        devices.event("SW_DISCONNECTED")
        assert (devices.up, devices.kind) == (0.0, "switch")

    def test_an_event_of_an_unlisted_device(self, devices):
        """A device of another shard, or removed: the event is counted, but creates no device."""
        devices.event("AP_DISCONNECTED", mac="5c5b350e0099")
        assert devices.up is None

    def test_an_event_does_not_restore_measurements(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN, num_clients=1)
        devices.pass_time(1000)
        devices.event("AP_CONNECTED", SEEN + 1000)
        assert (devices.up, devices.samples("mist_ap_clients")) == (1.0, {})


class TestUpByRest:
    def test_the_first_state(self, devices):
        assert devices.rest(status="connected", last_seen=SEEN, num_clients=3) is None
        assert (devices.up, list(devices.samples("mist_ap_clients").values())) == (1.0, [3.0])

    def test_a_device_that_is_not_connected_has_no_measurements(self, devices):
        devices.rest(status="disconnected", last_seen=SEEN, num_clients=3, name="x")
        assert (devices.up, devices.samples("mist_ap_clients")) == (0.0, {})
        assert len(devices.samples("mist_device_info")) == 1

    def test_older_than_the_stream_is_stale(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN, num_clients=3)
        assert devices.rest(status="connected", last_seen=SEEN - 1, num_clients=99) == Rejected("stale")
        assert list(devices.samples("mist_ap_clients").values()) == [3.0]

    def test_newer_than_the_stream_is_applied(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN, num_clients=3)
        assert devices.rest(status="connected", last_seen=SEEN + 1, num_clients=4) is None
        assert list(devices.samples("mist_ap_clients").values()) == [4.0]

    def test_a_device_that_streams_is_not_down(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.rest(status="disconnected", last_seen=SEEN - 100)
        assert devices.up == 1.0

    def test_a_device_without_messages_is_down(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.live = False
        devices.pass_time(181)
        devices.rest(status="disconnected", last_seen=SEEN)
        assert devices.up == 0.0

    def test_unchanged_parts_of_the_stream_replace_those_of_rest(self, devices):
        """The stream skips unchanged parts, but not after REST wrote them."""
        steady = {"radio_config": {"band_5": {"channel": 36}}}
        devices.stream(mac=MAC, last_seen=SEEN, **steady)
        devices.rest(status="connected", last_seen=SEEN + 1, radio_config={"band_5": {"channel": 44}})
        devices.stream(mac=MAC, last_seen=SEEN + 2, **steady)
        assert list(devices.samples("mist_ap_radio_config_channel").values()) == [36.0]

    def test_unchanged_parts_of_the_stream_replace_those_of_the_record(self, devices):
        """The record of a disconnected device may contain parts of the statistics."""
        devices.stream(mac=MAC, last_seen=SEEN, ip_stat={"ip": "10.0.0.1"})
        devices.rest(status="disconnected", last_seen=SEEN - 100, ip_stat={"ip": "10.0.0.9"})
        devices.stream(mac=MAC, last_seen=SEEN + 2, ip_stat={"ip": "10.0.0.1"})
        assert 'ip="10.0.0.1"' in next(iter(devices.samples("mist_device_info")))


class TestInventory:
    @pytest.mark.parametrize(("connected", "up"), [(True, 1.0), (False, 0.0), (None, None), ("yes", None)])
    def test_the_connected_flag(self, devices, connected, up):
        assert devices.inventory(connected=connected, name="x") is None
        assert devices.up == up
        assert len(devices.samples("mist_device_info")) == 1

    def test_the_flag_of_a_device_that_streams_is_ignored(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.inventory(connected=False)
        assert devices.up == 1.0

    def test_measurements_remain(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN, num_clients=3)
        devices.inventory(connected=True, name="x")
        assert list(devices.samples("mist_ap_clients").values()) == [3.0]
        assert 'name="x"' in next(iter(devices.samples("mist_device_info")))

    def test_a_device_without_a_site_has_no_series(self, devices):
        assert devices.router.rest_object("inventory", {"mac": MAC, "type": "ap"}, {"org_id": "o"}) is None
        assert exposed(devices.router.store) == {}


class TestChanges:
    @pytest.fixture
    def devices(self, devices) -> Devices:
        devices.stream(mac=MAC, last_seen=SEEN, num_clients=1, radio_stat={"band_5": {"channel": 36}})
        return devices

    def test_a_removed_device(self, devices):
        devices.router.changed(devices.read_inventory())
        assert exposed(devices.router.store) == {}

    @pytest.mark.parametrize("after", [{"site_id": "t"}, {"type": "switch"}], ids=str)
    def test_a_device_that_moved_or_changed_its_type(self, devices, after):
        devices.router.changed(
            devices.read_inventory(Device(MAC, **({"type": "ap", "site_id": "s", "org_id": "o"} | after)))
        )
        assert exposed(devices.router.store) == {}

    def test_a_renamed_device_stays(self, devices):
        devices.router.changed(devices.read_inventory(Device(MAC, type="ap", site_id="s", org_id="o", name="new")))
        assert devices.up == 1.0

    def test_a_removed_site(self, devices):
        devices.router.changed(devices.read_inventory(Device(MAC, type="ap", site_id="s", org_id="o"), sites=("t",)))
        assert exposed(devices.router.store) == {}

    def test_another_removed_site(self, devices):
        devices.router.changed(devices.read_inventory(Device(MAC, type="ap", site_id="s", org_id="o"), sites=("s",)))
        assert devices.up == 1.0


def test_rejected_fields_are_counted_for_the_decoded_type(devices):
    """A message that was decoded as an AP first is not counted for APs."""
    for seen in (1, 2):
        devices.stream(mac="d0dd49000001", type="switch", last_seen=SEEN + seen, num_clients={"total": {}}, if_stat={})
    assert devices.router.rejected_parts() == {}


def test_devices_are_swept_in_steps():
    devices = Devices(inventory=False)
    for number in range(450):
        devices.stream(mac=f"5c5b35{number:06x}", last_seen=SEEN, num_clients=1)
    devices.now += 1000
    assert list(devices.router.devices.sweep(devices.now)) == [200, 200, 50]
    assert set(devices.samples("mist_device_up").values()) == {0.0}


class TestStateEvents:
    """A change between up and down is an event; the first state is not."""

    @staticmethod
    def found(devices) -> list[tuple[str, str]]:
        """Return type and cause of the findings."""
        return [(event.type, event.fields["cause"]) for event in devices.events if event.topic == "collector"]

    @pytest.mark.parametrize("status", ["connected", "disconnected"])
    def test_the_first_state_is_not_an_event(self, devices, status):
        devices.rest(status=status, last_seen=SEEN)
        devices.inventory(connected=status == "connected")
        assert self.found(devices) == []

    def test_a_device_that_is_down_at_start_and_connects(self, devices):
        devices.rest(status="disconnected", last_seen=SEEN)
        devices.stream(mac=MAC, last_seen=SEEN + 1)
        assert self.found(devices) == [("device_up", "status in its statistics")]

    def test_no_messages(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.pass_time(181)
        devices.pass_time(181)
        assert self.found(devices) == [("device_down", "no statistics received")]

    def test_an_updown_event(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.event("AP_DISCONNECTED", SEEN + 1)
        devices.event("AP_DISCONNECTED", SEEN + 2)
        assert [event.topic for event in devices.events] == ["device-updowns", "collector", "device-updowns"]
        finding = devices.events[1]
        assert (finding.type, finding.device_mac, finding.site_id, finding.time) == (
            "device_down",
            MAC,
            "s",
            SEEN + 1000,
        )

    def test_the_status_in_a_message(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.stream(mac=MAC, last_seen=SEEN + 1, status="upgrading")
        devices.stream(mac=MAC, last_seen=SEEN + 2, status="connected")
        assert [type_ for type_, _ in self.found(devices)] == ["device_down", "device_up"]

    def test_down_while_the_channel_was_not_live(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.live = False
        devices.pass_time(181)
        assert (devices.up, self.found(devices)) == (None, [])
        devices.rest(status="disconnected", last_seen=SEEN)
        assert self.found(devices) == [("device_down", "status in REST")]

    def test_up_again_after_the_channel_was_not_live(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.live = False
        devices.pass_time(181)
        devices.stream(mac=MAC, last_seen=SEEN + 200)
        assert (devices.up, self.found(devices)) == (1.0, [])

    def test_a_removed_device_is_not_down(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.router.changed(devices.read_inventory())
        devices.pass_time(1000)
        assert self.found(devices) == []

    @pytest.mark.parametrize("type_", ["GW_CONDUCTOR_DISCONNECTED", "ME_POWERINPUT_DISCONNECTED", "AP_RADIO_CONNECTED"])
    def test_other_types_with_these_endings_do_not_change_the_state(self, devices, type_):
        devices.stream(mac=MAC, last_seen=SEEN)
        devices.event(type_, SEEN + 1)
        assert (devices.up, self.found(devices)) == (1.0, [])


class TestLimits:
    def test_unlisted_devices(self, devices, monkeypatch):
        monkeypatch.setattr(limits, "DEVICES", 2)
        for number in range(2):
            assert devices.stream(mac=f"00000000000{number}", last_seen=SEEN) is None
        assert devices.stream(mac="000000000009", last_seen=SEEN) == Rejected("too_many_devices")
        edge = devices.router.open_channel("/sites/s/stats/mxedges")
        assert edge({"mac": "000000000008", "last_seen": SEEN}, devices.now) == Rejected("too_many_devices")
        assert devices.router.rest_object("device", {"mac": "000000000007"}, IDS) == Rejected("too_many_devices")
        assert devices.stream(mac=MAC, last_seen=SEEN) is None, "it is in the inventory"

    def test_device_types(self, devices):
        for number in range(30):
            devices.stream(mac=f"0000000000{number:02}", type=f"type-{number}", last_seen=SEEN)
        types = {labels.partition('device_type="')[2].partition('"')[0] for labels in devices.samples("mist_device_up")}
        assert len(types) == 21
        assert "other" in types
        assert devices.router.refused_labels()["device_type"] >= 10

    @pytest.mark.parametrize("org_id", ["x" * 1000, "a b", 5, None])
    def test_a_malformed_org(self, org_id):
        devices = Devices(inventory=False)
        devices.stream(mac=MAC, last_seen=SEEN, org_id=org_id)
        assert "org_id" not in next(iter(devices.samples("mist_device_up")))

    def test_names_are_shortened(self, devices):
        devices.stream(mac=MAC, last_seen=SEEN, name="x" * 10_000, model="AP45")
        (labels,) = devices.samples("mist_device_info")
        assert len(labels) < 500
