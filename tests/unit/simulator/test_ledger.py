import pytest

from collector.simulator import ledger as module
from collector.simulator.fleet import StreamMessage, WebhookEvent
from collector.simulator.ledger import DeliveryRecord, Ledger


def message(mac="m", **payload):
    return StreamMessage("/channel", payload, "ap", mac, 7.0)


def delivery(*events, status=200, repeat=False):
    return DeliveryRecord("w", "audits", events, 0.0, 1, repeat, status=status)


def test_frames_are_recorded_by_channel_device_and_type():
    ledger = Ledger()
    ledger.add_frame(message(_offset_apbasic=1), b"1", 2)
    ledger.add_frame(message(_offset_apbasic=2), b"2", 2)
    ledger.add_frame(message(_offset_apstats=1), b"3", 1)
    rows = ledger.frame_list()
    assert [(row["type"], row["count"], row["at"]) for row in rows] == [("basic", 2, 7.0), ("full", 1, 7.0)]
    assert ledger.frames["/channel"]["m"]["basic"].payload == b"2"
    assert (ledger.data_frames, ledger.sent["data"]) == (3, 5)


def test_a_frame_without_subscriber_is_only_counted():
    ledger = Ledger()
    ledger.add_frame(message(), b"", 0)
    assert (ledger.data_frames, ledger.frames_without_subscriber, ledger.frame_list()) == (0, 1, [])


@pytest.mark.parametrize(
    ("filters", "count"), [({}, 2), ({"mac": "a"}, 1), ({"channel": "/channel"}, 2), ({"channel": "/other"}, 0)]
)
def test_frames_are_listed_with_filters(filters, count):
    ledger = Ledger()
    for mac in "ab":
        ledger.add_frame(message(mac), b"{}", 1)
    assert len(ledger.frame_list(**filters, payloads=False)) == count
    assert all("payload" not in row for row in ledger.frame_list(**filters, payloads=False))


def test_an_event_counts_as_delivered_once():
    ledger = Ledger()
    record = ledger.add_event(WebhookEvent("audits", {}, 0.0))
    for status, repeat in ((500, False), (200, False), (200, True)):
        ledger.add_delivery(delivery(record.seq, status=status, repeat=repeat))
    assert (record.deliveries, record.accepted) == (3, 2)
    assert ledger.topics["audits"] == {
        "events": 1,
        "deliveries": 3,
        "repeats": 1,
        "failures": 1,
        "accepted": 2,
        "delivered": 1,
    }


def test_events_are_listed_after_a_sequence_number():
    ledger = Ledger()
    for topic in ("audits", "alarms", "audits", "audits"):
        ledger.add_event(WebhookEvent(topic, {}, 0.0))
    assert [row["seq"] for row in ledger.event_list("audits", since=1, limit=1)] == [3]
    assert [row["seq"] for row in ledger.event_list()] == [1, 2, 3, 4]


def test_old_records_are_dropped_but_remain_in_the_totals(monkeypatch):
    monkeypatch.setattr(module, "RECORDS_KEPT", 2)
    ledger = Ledger()
    for _ in range(3):
        ledger.add_event(WebhookEvent("audits", {}, 0.0))
    ledger.add_delivery(delivery(1, 2, 3))
    assert [row["seq"] for row in ledger.event_list()] == [2, 3]
    assert ledger.topics["audits"]["events"] == 3
    assert ledger.topics["audits"]["delivered"] == 2


def test_the_latest_deliveries_are_listed_oldest_first():
    ledger = Ledger()
    for seq in (1, 2, 3):
        ledger.add_delivery(delivery(seq))
    assert [row["events"] for row in ledger.delivery_list(limit=2)] == [[2], [3]]


@pytest.mark.parametrize(("status", "accepted"), [(None, False), (199, False), (200, True), (299, True), (302, False)])
def test_only_a_status_2xx_is_accepted(status, accepted):
    assert delivery(status=status).accepted is accepted


def test_the_summary_has_the_totals_of_stream_rest_and_webhooks():
    ledger = Ledger()
    ledger.calls["GET /self 200"] += 1
    ledger.add_lost("audits", 2)
    summary = ledger.summary()
    assert summary["rest"]["calls"] == {"GET /self 200": 1}
    assert summary["webhooks"] == {"audits": {"lost": 2}}
    assert summary["stream"]["frames"] == 0
