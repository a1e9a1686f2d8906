"""Which kind of device a message is about, whether the device is up, and when its series end."""

from __future__ import annotations

import json
from collections import deque

import pytest

from collector.errors import Rejected
from collector.feeds.router import FeedRouter
from collector.mist.directories import Directories
from collector.mist.directory import Device, Directory, Org, Site
from tests.support.bench import exposed

MAC = "5c5b350e0001"
IDS = {"org_id": "o", "site_id": "s"}
SEEN = 1_774_576_960.0  # when the cloud saw the device, Unix seconds


class Told:
    """A catalogue, what it is told of one device, and what it then says."""

    def __init__(self, *devices: Device, inventory: bool = True) -> None:
        self.now = 1000.0
        self.heard = True
        self.directory = Directory()
        if inventory:
            self.read(*devices)
        self.catalog = FeedRouter(Directories(self.directory), now=lambda: self.now, is_live=lambda _path: self.heard)
        self._channels = {}

    def read(self, *devices: Device, sites: tuple[str, ...] = ("s", "t")):
        """The inventory is read."""
        return self.directory.replace([Org("o")], [Site(site, "o") for site in sites], devices)

    def stream(self, *, site: str = "s", as_text: bool = True, **payload: object) -> Rejected | None:
        """A message on the device channel of a site."""
        apply = self._channels.setdefault(site, self.catalog.open_channel(f"/sites/{site}/stats/devices"))
        return apply(json.dumps(payload) if as_text else payload, self.now)

    def rest(self, **payload: object) -> Rejected | None:
        """The device's statistics, by REST."""
        return self.catalog.rest_object("device", {"mac": MAC, **payload}, IDS)

    def inventory(self, **payload: object) -> Rejected | None:
        """The device's entry of the inventory."""
        return self.catalog.rest_object("inventory", {"mac": MAC, "type": "ap", **payload}, IDS)

    def event(self, type_: str, at: float | None = SEEN, mac: str = MAC, **more: object) -> None:
        """An up/down event by webhook."""
        event = {**IDS, "type": type_, "mac": mac, **({} if at is None else {"timestamp": at}), **more}
        assert self.catalog.open_topic("device-updowns")(event, self.now) is None

    def pass_time(self, seconds: float) -> None:
        """Let time go by, then sweep."""
        self.now += seconds
        deque(self.catalog.sweep(), maxlen=0)

    def told(self, family: str) -> dict[str, float]:
        """The samples of one family, by their labels."""
        return {
            key.removeprefix(family): value
            for key, value in exposed(self.catalog.store).items()
            if key.startswith(family + "{")
        }

    @property
    def up(self) -> float | None:
        """What is said of the device; None when nothing is."""
        values = self.told("mist_device_up").values()
        assert len(values) <= 1
        return next(iter(values), None)

    @property
    def kind(self) -> str:
        """The type that the device has in its series."""
        (labels,) = self.told("mist_device_up")
        return labels.partition('device_type="')[2].partition('"')[0]


@pytest.fixture
def told() -> Told:
    return Told(Device(MAC, type="ap", site_id="s", org_id="o"))


class TestKind:
    @pytest.mark.parametrize("kind", ["ap", "switch", "gateway", "mxedge", "something_new"])
    def test_the_message_says_it(self, told, kind):
        told.stream(mac=MAC, type=kind, last_seen=SEEN)
        assert told.kind == kind

    def test_the_message_before_the_inventory(self, told):
        told.stream(mac=MAC, type="switch", model="AP45", last_seen=SEEN)
        assert told.kind == "switch"

    @pytest.mark.parametrize("message", [{}, {"model": "AP45"}, {"type": None}, {"type": ""}], ids=str)
    def test_else_the_inventory(self, message):
        told = Told(Device(MAC, type="switch", site_id="s", org_id="o"))
        told.stream(mac=MAC, last_seen=SEEN, **message)
        assert told.kind == "switch"

    @pytest.mark.parametrize(
        ("model", "kind"),
        [("AP45", "ap"), ("EX4100", "other"), ("SRX320", "other"), ("", "ap"), (None, "ap"), (5, "ap")],
    )
    def test_else_the_model(self, model, kind):
        told = Told(inventory=False)
        told.stream(mac=MAC, model=model, last_seen=SEEN)
        assert told.kind == kind

    def test_else_it_is_an_ap(self):
        told = Told(inventory=False)
        told.stream(mac=MAC, last_seen=SEEN, num_clients=3)
        assert told.kind == "ap"
        assert list(told.told("mist_ap_clients").values()) == [3.0]

    def test_each_kind_has_its_own_measurements(self, told):
        """`num_clients` is a number on APs and an object on switches."""
        told.stream(mac=MAC, type="switch", last_seen=SEEN, num_clients={"total": {"num_clients": 5}}, if_stat={})
        assert told.told("mist_ap_clients") == {}

    def test_an_unknown_kind_has_what_all_devices_share(self, told):
        told.stream(mac=MAC, type="toaster", last_seen=SEEN, name="x", num_clients=3)
        assert set(told.told("mist_device_info")) == {
            f'{{name="x",org_id="o",site_id="s",mac="{MAC}",device_type="toaster"}}'
        }
        assert told.told("mist_ap_clients") == {}

    def test_a_device_may_turn_out_to_be_another(self):
        told = Told(inventory=False)
        told.stream(mac=MAC, last_seen=SEEN, num_clients=3)
        told.stream(mac=MAC, type="switch", last_seen=SEEN + 1)
        assert told.kind == "switch"
        assert told.told("mist_ap_clients") == {}

    def test_on_a_site_with_switches_too(self, told):
        switch, hint = "d0dd49000001", {"if_stat": {}}
        told.stream(mac=switch, type="switch", last_seen=SEEN, **hint)
        for seen in (1, 2):
            told.stream(mac=MAC, last_seen=SEEN + seen, num_clients=seen)
            told.stream(mac=switch, type="switch", last_seen=SEEN + seen, uptime=seen, **hint)
            told.stream(mac="d0dd49000002", type="gateway", last_seen=SEEN + seen, **hint)
        kinds = {labels.partition('device_type="')[2].partition('"')[0] for labels in told.told("mist_device_up")}
        assert kinds == {"ap", "switch", "gateway"}
        assert list(told.told("mist_ap_clients").values()) == [2.0]


class TestIdentity:
    @pytest.mark.parametrize("mac", ["5C:5B:35:0E:00:01", "5c-5b-35-0e-00-01", MAC.upper(), MAC])
    def test_any_notation_of_a_mac(self, told, mac):
        told.stream(mac=mac, last_seen=SEEN, num_clients=1)
        assert list(told.told("mist_ap_clients")) == [f'{{org_id="o",site_id="s",mac="{MAC}"}}']

    @pytest.mark.parametrize("mac", [None, "", "x", "5c5b350e", 5, ["a"], {}])
    def test_no_identity(self, told, mac):
        assert told.stream(mac=mac, last_seen=SEEN) == Rejected("no_identity")
        assert told.rest(mac=mac, status="connected") == Rejected("no_identity")
        assert told.inventory(mac=mac) == Rejected("no_identity")
        assert exposed(told.catalog.store) == {}

    def test_a_list_of_devices(self, told):
        apply = told.catalog.open_channel("/sites/s/stats/devices")
        devices = [{"mac": MAC, "num_clients": 1}, {"no": "mac"}, {"mac": "5c5b350e0002", "num_clients": 2}]
        assert apply(json.dumps(devices), told.now) is None
        assert sorted(told.told("mist_ap_clients").values()) == [1.0, 2.0]
        assert told.catalog.rejected_parts()["record", "no_identity"] == 1

    @pytest.mark.parametrize("payload", ["[]", [], None, "null"])
    def test_nothing(self, told, payload):
        assert told.catalog.open_channel("/sites/s/stats/devices")(payload, told.now) == Rejected("empty")

    def test_the_org_is_the_site_s(self, told):
        told.stream(mac=MAC, last_seen=SEEN, org_id="another")
        assert 'org_id="o"' in next(iter(told.told("mist_device_up")))

    def test_without_an_inventory_the_org_is_what_the_message_says(self):
        told = Told(inventory=False)
        told.stream(mac=MAC, last_seen=SEEN, org_id="said")
        told.stream(mac=MAC, last_seen=SEEN + 1)
        assert 'org_id="said"' in next(iter(told.told("mist_device_up")))

    def test_a_device_that_moved_has_series_at_its_new_site_only(self, told):
        told.stream(mac=MAC, last_seen=SEEN, num_clients=1)
        told.stream(mac=MAC, last_seen=SEEN + 1, num_clients=2, site="t")
        assert told.told("mist_ap_clients") == {f'{{org_id="o",site_id="t",mac="{MAC}"}}': 2.0}


class TestUpByTheStream:
    def test_who_speaks_is_up(self, told):
        told.stream(mac=MAC, last_seen=SEEN)
        assert told.up == 1.0

    def test_also_who_never_says_when_it_was_seen(self, told):
        told.stream(mac=MAC)
        assert told.up == 1.0

    @pytest.mark.parametrize(
        ("status", "up"), [("connected", 1.0), ("", 1.0), (None, 1.0), ("disconnected", 0.0), ("upgrading", 0.0)]
    )
    def test_a_status_has_the_word(self, told, status, up):
        told.stream(mac=MAC, last_seen=SEEN, status=status)
        assert told.up == up

    def test_a_sight_that_did_not_move_on_says_nothing(self, told):
        """The cloud repeats what it knows of a device that is gone."""
        told.stream(mac=MAC, last_seen=SEEN)
        told.event("AP_DISCONNECTED", SEEN + 30)
        told.stream(mac=MAC, last_seen=SEEN, num_clients=5)
        assert told.up == 0.0
        told.stream(mac=MAC, last_seen=SEEN + 60)
        assert told.up == 1.0


class TestUpBySilence:
    def test_silence_is_down(self, told):
        told.stream(mac=MAC, last_seen=SEEN, num_clients=1)
        told.pass_time(179)
        assert (told.up, len(told.told("mist_ap_clients"))) == (1.0, 1)
        told.pass_time(2)
        assert (told.up, len(told.told("mist_ap_clients"))) == (0.0, 0)

    def test_unless_it_is_we_who_do_not_hear(self, told):
        told.stream(mac=MAC, last_seen=SEEN, num_clients=1)
        told.heard = False
        told.pass_time(181)
        assert (told.up, len(told.told("mist_ap_clients"))) == (None, 0)

    def test_what_is_known_of_the_device_stays(self, told):
        told.stream(mac=MAC, last_seen=SEEN, name="x")
        told.pass_time(100_000)
        assert len(told.told("mist_device_info")) == 1
        assert list(told.told("mist_device_last_seen_timestamp_seconds").values()) == [SEEN]

    def test_unless_the_inventory_does_not_have_it(self, told):
        told.stream(mac="5c5b350e0099", last_seen=SEEN, name="gone")
        told.pass_time(181)
        assert exposed(told.catalog.store) == {}

    def test_without_an_inventory_it_stays(self):
        told = Told(inventory=False)
        told.stream(mac=MAC, last_seen=SEEN)
        told.pass_time(181)
        assert told.up == 0.0

    def test_it_comes_back(self, told):
        told.stream(mac=MAC, last_seen=SEEN, num_clients=1)
        told.pass_time(1000)
        told.stream(mac=MAC, last_seen=SEEN + 1000, num_clients=2)
        assert (told.up, list(told.told("mist_ap_clients").values())) == (1.0, [2.0])

    def test_what_was_known_before_does_not_come_back(self, told):
        told.stream(mac=MAC, last_seen=SEEN, num_clients=1, radio_config={"band_5": {"channel": 36}})
        told.pass_time(1000)
        told.stream(mac=MAC, last_seen=SEEN + 1000)
        assert told.told("mist_ap_clients") == told.told("mist_ap_radio_config_channel") == {}


class TestUpByEvents:
    @pytest.mark.parametrize(("kind", "up"), [("AP_CONNECTED", 1.0), ("AP_DISCONNECTED", 0.0)])
    def test_an_event_has_the_word(self, told, kind, up):
        told.stream(mac=MAC, last_seen=SEEN, status="disconnected" if up else "connected")
        told.event(kind, SEEN + 1)
        assert told.up == up

    def test_a_restart_says_neither(self, told):
        told.stream(mac=MAC, last_seen=SEEN)
        told.event("AP_RESTARTED", SEEN + 1)
        assert told.up == 1.0

    def test_one_older_than_the_last_sight_is_not_believed(self, told):
        told.stream(mac=MAC, last_seen=SEEN)
        told.event("AP_DISCONNECTED", SEEN - 61)
        assert told.up == 1.0

    @pytest.mark.parametrize("at", [SEEN - 60, SEEN, SEEN + 300, None, f"{SEEN + 1:.0f}", (SEEN + 1) * 1000])
    def test_one_about_as_old_is(self, told, at):
        """Mist's clocks are not one clock; and an event without a time is about now."""
        told.stream(mac=MAC, last_seen=SEEN)
        told.event("AP_DISCONNECTED", at)
        assert told.up == 0.0

    def test_the_device_goes_by_ap_on_older_events(self, told):
        told.stream(mac=MAC, last_seen=SEEN)
        told.event("AP_DISCONNECTED", SEEN + 1, mac="", ap=MAC)
        assert told.up == 0.0

    def test_one_about_a_device_that_did_not_speak_yet(self):
        told = Told(inventory=False)
        told.event("SW_DISCONNECTED")
        assert (told.up, told.kind) == (0.0, "switch")

    def test_one_about_a_device_that_the_inventory_does_not_have(self, told):
        """Another shard's, or gone: it is counted, but makes no device."""
        told.event("AP_DISCONNECTED", mac="5c5b350e0099")
        assert told.up is None

    def test_it_does_not_bring_measurements_back(self, told):
        told.stream(mac=MAC, last_seen=SEEN, num_clients=1)
        told.pass_time(1000)
        told.event("AP_CONNECTED", SEEN + 1000)
        assert (told.up, told.told("mist_ap_clients")) == (1.0, {})


class TestUpByRest:
    def test_the_first_word(self, told):
        assert told.rest(status="connected", last_seen=SEEN, num_clients=3) is None
        assert (told.up, list(told.told("mist_ap_clients").values())) == (1.0, [3.0])

    def test_a_device_that_is_not_connected_has_no_measurements(self, told):
        told.rest(status="disconnected", last_seen=SEEN, num_clients=3, name="x")
        assert (told.up, told.told("mist_ap_clients")) == (0.0, {})
        assert len(told.told("mist_device_info")) == 1

    def test_what_is_older_than_the_stream_is_stale(self, told):
        told.stream(mac=MAC, last_seen=SEEN, num_clients=3)
        assert told.rest(status="connected", last_seen=SEEN - 1, num_clients=99) == Rejected("stale")
        assert list(told.told("mist_ap_clients").values()) == [3.0]

    def test_what_is_newer_is_not(self, told):
        told.stream(mac=MAC, last_seen=SEEN, num_clients=3)
        assert told.rest(status="connected", last_seen=SEEN + 1, num_clients=4) is None
        assert list(told.told("mist_ap_clients").values()) == [4.0]

    def test_a_device_that_streams_is_not_said_to_be_down(self, told):
        told.stream(mac=MAC, last_seen=SEEN)
        told.rest(status="disconnected", last_seen=SEEN - 100)
        assert told.up == 1.0

    def test_one_that_fell_silent_is(self, told):
        told.stream(mac=MAC, last_seen=SEEN)
        told.heard = False
        told.pass_time(181)
        told.rest(status="disconnected", last_seen=SEEN)
        assert told.up == 0.0

    def test_the_steady_parts_of_rest_do_not_outlive_the_stream_s(self, told):
        """REST gives objects, the stream gives text; the same text again says what it said."""
        steady = {"radio_config": {"band_5": {"channel": 36}}}
        told.stream(mac=MAC, last_seen=SEEN, **steady)
        told.rest(status="connected", last_seen=SEEN + 1, radio_config={"band_5": {"channel": 44}})
        told.stream(mac=MAC, last_seen=SEEN + 2, **steady)
        assert list(told.told("mist_ap_radio_config_channel").values()) == [36.0]

    def test_a_record_does_not_either(self, told):
        """What is written of a device that is not connected may be part of what the stream tells."""
        told.stream(mac=MAC, last_seen=SEEN, ip_stat={"ip": "10.0.0.1"})
        told.rest(status="disconnected", last_seen=SEEN - 100, ip_stat={"ip": "10.0.0.9"})
        told.stream(mac=MAC, last_seen=SEEN + 2, ip_stat={"ip": "10.0.0.1"})
        assert 'ip="10.0.0.1"' in next(iter(told.told("mist_device_info")))


class TestInventory:
    @pytest.mark.parametrize(("connected", "up"), [(True, 1.0), (False, 0.0), (None, None), ("yes", None)])
    def test_its_flag(self, told, connected, up):
        assert told.inventory(connected=connected, name="x") is None
        assert told.up == up
        assert len(told.told("mist_device_info")) == 1

    def test_a_device_that_streams_is_not_asked_about(self, told):
        told.stream(mac=MAC, last_seen=SEEN)
        told.inventory(connected=False)
        assert told.up == 1.0

    def test_it_keeps_the_measurements(self, told):
        told.stream(mac=MAC, last_seen=SEEN, num_clients=3)
        told.inventory(connected=True, name="x")
        assert list(told.told("mist_ap_clients").values()) == [3.0]
        assert 'name="x"' in next(iter(told.told("mist_device_info")))

    def test_a_device_of_no_site_has_no_series(self, told):
        assert told.catalog.rest_object("inventory", {"mac": MAC, "type": "ap"}, {"org_id": "o"}) is None
        assert exposed(told.catalog.store) == {}


class TestChanges:
    @pytest.fixture
    def told(self, told) -> Told:
        told.stream(mac=MAC, last_seen=SEEN, num_clients=1, radio_stat={"band_5": {"channel": 36}})
        return told

    def test_a_device_that_left(self, told):
        told.catalog.changed(told.read())
        assert exposed(told.catalog.store) == {}

    @pytest.mark.parametrize("after", [{"site_id": "t"}, {"type": "switch"}], ids=str)
    def test_a_device_that_moved_or_is_another(self, told, after):
        told.catalog.changed(told.read(Device(MAC, **({"type": "ap", "site_id": "s", "org_id": "o"} | after))))
        assert exposed(told.catalog.store) == {}

    def test_a_device_that_was_renamed_stays(self, told):
        told.catalog.changed(told.read(Device(MAC, type="ap", site_id="s", org_id="o", name="new")))
        assert told.up == 1.0

    def test_a_site_that_left(self, told):
        told.catalog.changed(told.read(Device(MAC, type="ap", site_id="s", org_id="o"), sites=("t",)))
        assert exposed(told.catalog.store) == {}

    def test_another_site_that_left(self, told):
        told.catalog.changed(told.read(Device(MAC, type="ap", site_id="s", org_id="o"), sites=("s",)))
        assert told.up == 1.0


def test_a_wrong_message_about_a_switch_is_not_an_ap_s_fault(told):
    """Fields are counted as left out of the kind that the message is about."""
    for seen in (1, 2):
        told.stream(mac="d0dd49000001", type="switch", last_seen=SEEN + seen, num_clients={"total": {}}, if_stat={})
    assert told.catalog.rejected_parts() == {}


def test_all_devices_of_a_large_site_are_swept_in_steps():
    told = Told(inventory=False)
    for number in range(450):
        told.stream(mac=f"5c5b35{number:06x}", last_seen=SEEN, num_clients=1)
    told.now += 1000
    assert list(told.catalog.devices.sweep(told.now)) == [200, 200, 50]
    assert set(told.told("mist_device_up").values()) == {0.0}
