"""Normalized events: identity, names, severity, status, text and fields of every topic."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.error_log import ErrorLog
from collector.event import SEVERITIES
from collector.feeds import event_emitter
from collector.feeds.event_emitter import EventEmitter, flatten
from collector.feeds.router import FeedRouter
from collector.mist.directories import Directories
from collector.mist.directory import Device, Directory, Org, Site
from collector.mist.topics import TOPICS

ORG = "2818e386-8dec-2562-9ede-5b8a0fbbdc71"
SITE = "4ac1dcf4-9d8b-7211-65c4-057819f0862b"
MAP, ZONE = "845a23bf-bed9-e43c-4c86-6fa474be7ae5", "8ac84899-32db-6327-334c-9b6d58544cfe"
AP, SWITCH, GATEWAY, EDGE, CLIENT = "5c5b35000001", "0c8126000002", "f4cc55000003", "020000000004", "02000000000a"
AT, NOW = 1_700_000_000, 1_700_000_002.5
PLACE = {"org_id": ORG, "site_id": SITE}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
CASES = [tuple(case.values()) for case in json.loads(Path(__file__).with_name("event_texts.json").read_bytes())]


@pytest.fixture
def directories():
    directory = Directory()
    devices = (
        Device(AP, type="ap", name="Lobby", site_id=SITE, org_id=ORG),
        Device(SWITCH, type="switch", name="sw-1", site_id=SITE, org_id=ORG),
        Device(GATEWAY, type="gateway", name="gw-1", site_id=SITE, org_id=ORG),
    )
    directory.replace([Org(ORG)], [Site(SITE, ORG, "HQ")], devices)
    return Directories(directory)


@pytest.fixture
def emitted():
    return []


@pytest.fixture
def emitter(directories, emitted):
    names = {("map", MAP): "Floor 1", ("zone", ZONE): "Canteen"}
    return EventEmitter(
        emitted.append,
        directories,
        name_of=lambda kind, identity: names.get((kind, identity), ""),
        unix_time=lambda: NOW,
        error_log=ErrorLog(),
    )


@pytest.fixture
def emit(emitter, emitted):
    """Emit a webhook event at the site, and return it."""

    def emit(topic, **payload):
        own = {} if "siteid" in payload else PLACE
        emitter.webhook(topic, {**own, "timestamp": AT, **payload}, NOW)
        assert emitter.errors == 0
        return emitted[-1]

    return emit


class TestTopics:
    def test_every_topic_has_a_case(self):
        assert {topic for topic, _, _ in CASES} == set(TOPICS)

    @pytest.mark.parametrize(("topic", "payload", "text"), CASES)
    def test_the_text_has_names_instead_of_ids(self, emit, topic, payload, text):
        event = emit(topic, **payload)
        assert event.text == text
        assert not UUID.search(event.text)
        assert (event.topic, event.org_id, event.site_id, event.site_name) == (topic, ORG, SITE, "HQ")
        assert (event.source, event.received) == ("webhook", NOW)

    @pytest.mark.parametrize("topic", TOPICS)
    def test_an_empty_event_has_a_text(self, emit, topic):
        event = emit(topic)
        assert event.text
        assert event.severity in SEVERITIES

    def test_an_unknown_topic(self, emit):
        event = emit("weather-report", type="heavy_rain", device_name="roof", mac=AP)
        assert (event.topic, event.type, event.text) == ("weather-report", "heavy_rain", "Heavy rain on AP Lobby")
        assert emit("weather-report").text == "Weather report at HQ"

    def test_each_element_of_an_event_is_an_event(self, emitter, emitted):
        alerts = [{"type": "COMPLIANCE-OK", "zone_id": ZONE, "timestamp": AT + n} for n in range(3)]
        emitter.webhook("occupancy-alerts", {**PLACE, "site_name": "x", "alert_events": alerts}, NOW)
        assert [event.time for event in emitted] == [AT, AT + 1, AT + 2]
        assert len({event.id for event in emitted}) == 3


class TestPlaceAndDevice:
    def test_names_in_the_event_without_an_inventory(self, emitted):
        router = FeedRouter(on_event=emitted.append)
        event = {**PLACE, "site_name": "Lab", "ap": AP, "ap_name": "AP 7", "type": "AP_RESTARTED"}
        router.open_topic("device-updowns")(event, NOW)
        (event,) = emitted
        assert (event.site_name, event.device_mac, event.device_name, event.device_type) == ("Lab", AP, "AP 7", "ap")
        assert event.text == "AP AP 7 restarted"

    def test_the_org_of_a_listed_site(self, emit):
        assert emit("ping", org_id="another").org_id == ORG

    @pytest.mark.parametrize("site_id", ["x" * 1000, "a b", 5, None, "00000000-0000-0000-0000-000000000000"])
    def test_a_malformed_site(self, emit, site_id):
        event = emit("ping", site_id=site_id)
        assert (event.site_id, event.site_name) == ("", "")

    @pytest.mark.parametrize(
        ("type_", "fields", "device_type"),
        [
            ("SW_RESTARTED", {}, "switch"),
            ("GW_RESTARTED", {"device_type": "switch"}, "switch"),
            ("SW_REJECTED", {"device_type": "unknown"}, "switch"),
            ("NEW_TYPE", {}, ""),
        ],
    )
    def test_the_device_type(self, emit, type_, fields, device_type):
        assert emit("device-events", type=type_, mac="00000000000f", **fields).device_type == device_type

    def test_a_mist_edge_without_a_mac_address(self, emit):
        event = emit("mxedge-events", type="ME_CONNECTED", mxedge_id="387804a7-3474-85ce-15a2-f9a9684c9c90")
        assert (event.device_mac, event.device_type) == ("", "mxedge")
        assert event.text.startswith("Mist Edge 387804a7-")


class TestSeverityAndStatus:
    @pytest.mark.parametrize(
        ("topic", "payload", "severity", "status"),
        [
            ("alarms", {"type": "device_down", "severity": "warn"}, "warning", "open"),
            ("alarms", {"type": "device_reconnected", "severity": "info"}, "info", "cleared"),
            ("alarms", {"type": "bad_cable", "severity": "critical", "status": "open"}, "critical", "open"),
            ("alarms", {"type": "bad_cable", "severity": "critical", "status": "resolved"}, "critical", "cleared"),
            ("alarms", {"type": "infra_dns_failure", "severity": "critical"}, "critical", "open"),
            ("alarms", {"type": "infra_dns_success", "severity": "info"}, "info", "cleared"),
            ("alarms", {"type": "rogue_ap"}, "info", ""),
            ("device-updowns", {"type": "AP_DISCONNECTED"}, "warning", "open"),
            ("device-updowns", {"type": "SW_DISCONNECTED"}, "critical", "open"),
            ("device-updowns", {"type": "GW_CONNECTED"}, "info", "cleared"),
            ("device-updowns", {"type": "AP_RESTARTED"}, "info", ""),
            ("device-events", {"type": "SW_OSPF_NEIGHBOR_DOWN"}, "warning", "open"),
            ("device-events", {"type": "SW_OSPF_NEIGHBOR_UP"}, "info", "cleared"),
            ("device-events", {"type": "AP_NEW", "ev_type": "WARN"}, "warning", ""),
            ("device-events", {"type": "SW_MEMBER_ON_RECOVERY"}, "info", ""),
            ("mxedge-events", {"type": "ME_FAN_UNPLUGGED", "severity": "high"}, "critical", "open"),
            ("nac-events", {"type": "NAC_CLIENT_DENY"}, "warning", ""),
            ("nac-events", {"type": "NAC_CLIENT_PERMIT"}, "info", ""),
            ("occupancy-alerts", {"alert_events": [{"type": "COMPLIANCE-VIOLATION"}]}, "warning", "open"),
            ("occupancy-alerts", {"alert_events": [{"type": "COMPLIANCE-OK"}]}, "info", "cleared"),
            ("minis-application", {"success": "false"}, "warning", ""),
            ("minis-application", {"success": True}, "info", ""),
            ("audits", {"message": "Delete WLAN"}, "info", ""),
            ("client-join", {}, "info", ""),
            ("weather", {"severity": "critical"}, "critical", ""),
        ],
    )
    def test_by_topic_and_type(self, emit, topic, payload, severity, status):
        event = emit(topic, **payload)
        assert (event.severity, event.status) == (severity, status)

    @pytest.mark.parametrize(("message", "type_"), [("Update site", "update"), ("Jane was here", ""), (None, "")])
    def test_the_type_of_an_audit_is_a_verb(self, emit, message, type_):
        assert emit("audits", message=message).type == type_


class TestTime:
    @pytest.mark.parametrize(
        ("topic", "payload", "time"),
        [
            ("nac-accounting", {"timestamp": AT * 1000}, AT),
            ("mxedge-events", {"timestamp": str(AT)}, AT),
            ("alarms", {"last_seen": "2023-11-14T22:13:20Z", "timestamp": AT - 60}, AT),
            ("client-sessions", {"disconnect": AT - 5}, AT - 5),
            ("audits", {"timestamp": "yesterday"}, NOW),
            ("audits", {"timestamp": None}, NOW),
        ],
    )
    def test_from_the_payload_or_the_receipt(self, emit, topic, payload, time):
        assert emit(topic, **payload).time == time


class TestIdentity:
    UPDOWN = {**PLACE, "type": "AP_RESTARTED", "ap": AP, "timestamp": AT}  # noqa: RUF012 - not changed

    def identity(self, emitter, emitted, topic, payload):
        emitter.webhook(topic, payload, NOW)
        return emitted[-1].id

    def test_copies_have_one_identity(self, emitter, emitted):
        first = self.identity(emitter, emitted, "device-updowns", self.UPDOWN)
        assert re.fullmatch("[0-9a-f]{32}", first)
        copies = [
            self.UPDOWN | {"ap": AP.upper()},
            dict(reversed(self.UPDOWN.items())),
            self.UPDOWN | {"timestamp": AT * 1000},
        ]
        assert {self.identity(emitter, emitted, "device-updowns", copy) for copy in copies} == {first}

    def test_other_events_have_another(self, emitter, emitted):
        others = [self.UPDOWN, self.UPDOWN | {"timestamp": AT + 1}, self.UPDOWN | {"type": "AP_CONNECTED"}]
        assert len({self.identity(emitter, emitted, "device-updowns", other) for other in others}) == 3
        assert self.identity(emitter, emitted, "weather", self.UPDOWN) != emitted[0].id

    def test_it_is_equal_in_every_process(self):
        deep = "".join(["{'a':"] * 300 + ["1"] + ["}"] * 300)
        program = (
            "from collector.mist.topics import event_id\n"
            f"print(event_id('device-updowns', {self.UPDOWN!r}), event_id('weather', {{'b': 1, 'a': [2]}}))\n"
            f"import json; print(event_id('weather', json.loads({deep!r}.replace(chr(39), chr(34)))))"
        )
        command, path = [sys.executable, "-c", program], ":".join(sys.path)
        runs = {
            subprocess.check_output(command, env={"PYTHONHASHSEED": seed, "PYTHONPATH": path}) for seed in ("1", "2")
        }
        assert len(runs) == 1


class TestFields:
    def test_scalars_by_dotted_path(self):
        payload = {"a": 1, "b": {"c": [True, {"d": "x"}], "e": None, "f": ""}, "g": 1.5}
        assert flatten(payload) == {"a": 1, "g": 1.5, "b.c.0": True, "b.c.1.d": "x"}

    def test_limits(self):
        payload = {
            "long": "x" * 10_000_000,
            "k" * 10_000_000: 1,
            **{f"n{number}": number for number in range(1000)},
        }
        fields = flatten(payload)
        assert len(fields) == event_emitter.MAX_FIELDS
        assert max(map(len, fields)) <= event_emitter.MAX_KEY_CHARS
        assert len(fields["long"]) == event_emitter.MAX_FIELD_CHARS

    def test_depth(self):
        payload = {"leaf": 1}
        for _ in range(300):
            payload = {"in": payload, "n": 0}
        fields = flatten(payload)
        assert max(path.count(".") for path in fields) == event_emitter.MAX_DEPTH - 1

    def test_many_values_without_a_scalar_are_not_visited(self):
        assert flatten({"a": [{}] * 3_200_000, "b": [None] * 3_200_000}) == {}

    @pytest.mark.parametrize("value", [2**70, -(2**70), "\ud800", 1e308, "é" * 2000])
    def test_every_value_can_be_encoded(self, value):
        msgspec.json.encode(flatten({"a": value, "\ud800": value}))


class TestOtherInputs:
    def test_a_change_event(self, emitter, emitted):
        detail = {"timestamp": AT, "status": "inprogress", "progress": 45}
        event = {"device_id": f"00000000-0000-0000-1000-{AP}", "event_type": "fwupdate", "detail": detail}
        emitter.change("device_event", event, (ORG, SITE), b"x")
        (event,) = emitted
        assert event.text == "Firmware update of AP Lobby: inprogress (45 %)"
        assert (event.source, event.topic, event.type, event.time) == ("stream", "device_event", "fwupdate", AT)

    def test_a_synchronization(self, emitter, emitted):
        emitter.change(
            "otherdevice_sync", {"vendor": "cradlepoint", "status": "failed", "text": "No key."}, (ORG, ""), b"x"
        )
        assert emitted[0].text == "Synchronization with cradlepoint: failed. No key."
        assert emitted[0].time == NOW

    @pytest.mark.parametrize(("kind", "severity"), [("ap", "warning"), ("switch", "critical"), ("mxedge", "critical")])
    def test_a_device_is_down(self, emitter, emitted, kind, severity):
        emitter.device_state((ORG, SITE, "00000000000f", kind), up=False, cause="timeout")
        (event,) = emitted
        assert (event.source, event.topic, event.type) == ("collector", "collector", "device_down")
        assert (event.severity, event.status, event.device_mac) == (severity, "open", "00000000000f")
        assert event.text.endswith(" 00000000000f is down: no statistics received")

    def test_a_device_is_up(self, emitter, emitted):
        emitter.device_state((ORG, SITE, AP, "ap"), up=True, cause="stream")
        assert (emitted[0].text, emitted[0].status) == ("AP Lobby is up: status in its statistics", "cleared")


class TestErrors:
    def test_a_bug_in_the_subscriber_is_counted_and_logged(self, directories):
        def subscriber(_event):
            raise ValueError

        router = FeedRouter(directories, on_event=subscriber)
        assert router.open_topic("audits")(PLACE, NOW) is None
        assert router.errors()["events"] == 1

    def test_nothing_is_built_without_a_subscriber(self, directories, monkeypatch):
        monkeypatch.setattr(event_emitter, "Event", None)
        router = FeedRouter(directories)
        assert router.open_topic("audits")(PLACE, NOW) is None
        assert not any(router.errors().values())

    def test_nothing_is_built_for_a_topic_that_is_not_wanted(self, directories, emitted):
        router = FeedRouter(directories, on_event=emitted.append, wants_topic="alarms".__eq__)
        router.open_topic("audits")(PLACE, NOW)
        router.open_topic("alarms")(PLACE, NOW)
        assert [event.topic for event in emitted] == ["alarms"]


TEXTS = st.text(max_size=20) | st.sampled_from(("\ud800", "a\udfffb"))  # JSON may escape lone surrogates
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
KEYS = st.sampled_from((
    "ap", "aps", "alert_events", "ap_name", "band", "device_type", "duration", "impacted_entities", "mac", "message",
    "org_id", "severity", "site_id", "site_name", "sle", "status", "success", "timestamp", "type", "zone_id",
))  # fmt: skip


@given(st.sampled_from([*TOPICS, "unknown"]), st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_payload_gives_an_event_that_can_be_encoded(topic, payload):
    emitted = []
    log = ErrorLog()
    emitter = EventEmitter(emitted.append, Directories(), name_of=lambda *_: "", unix_time=float, error_log=log)
    emitter.webhook(topic, json.loads(json.dumps(payload)), NOW)
    assert emitter.errors == 0
    assert emitted
    for event in emitted:
        assert event.text
        assert "\n" not in event.text
        msgspec.json.encode(event)


@pytest.mark.parametrize("topic", ["alarms", "device-events", "client-join", "unknown \ud800"])
def test_lone_surrogates_are_replaced(topic, emitter, emitted):
    emitter.webhook(topic, {"type": "\ud800", "mac": AP, "site_name": "\ud800", "org_id": "\ud800", "\ud800": 1}, NOW)
    emitter.change("device_event", {"event_type": "\ud800"}, ("\ud800", ""), b"")
    assert len(emitted) == 2
    assert [msgspec.json.decode(msgspec.json.encode(event), type=type(event)) for event in emitted] == emitted


def test_names_of_the_inventory_may_contain_them_too(emitted):
    directory = Directory()
    directory.replace([Org(ORG)], [Site(SITE, ORG, "\ud800")], [Device(AP, name="\ud800", site_id=SITE, org_id=ORG)])
    emitter = EventEmitter(
        emitted.append, Directories(directory), name_of=lambda *_: "\ud800", unix_time=float, error_log=ErrorLog()
    )
    emitter.webhook("device-events", {**PLACE, "type": "AP_RESTARTED", "ap": AP, "map_id": MAP}, NOW)
    msgspec.json.encode(emitted[0])
