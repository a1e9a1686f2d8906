"""Webhook deliveries and the event history, in the whole daemon: restarts, a full disk, personal data."""

import json

import pytest

from tests.support import samples
from tests.support.house import keeping_house

EVENTS = [
    {"type": "SW_PORT_DOWN", "mac": "5c5b35000001", "port_id": f"ge-0/0/{port}", "timestamp": 1_767_225_700 + port}
    for port in range(3)
]
DELIVERY = json.dumps({"topic": "device-events", "events": EVENTS})


async def deliver(house, body=DELIVERY):
    async with house.http.post(f"http://127.0.0.1:{house.daemon.webhook.port}/webhook", data=body) as answer:
        return answer.status


async def found(house, query=""):
    status, text = await house.get(f"/api/v1/events?{query}")
    assert status == 200
    return json.loads(text)["events"]


async def counted(house):
    """Return how many events were received and how many were applied."""
    now = await house.samples()
    received, applied = (
        samples.by_label(now, f"mist_collector_webhook_events_{fate}_total", "topic")
        for fate in ("received", "applied")
    )
    return received["device-events",], applied["device-events",]


def sections(tmp_path, **history):
    return {"events": {"history": {"path": str(tmp_path / "events.db"), **history}}}


async def test_a_delivery_that_is_repeated_after_a_restart_counts_once(tmp_path):
    async with keeping_house(tmp_path, sections=sections(tmp_path)) as house:
        assert await deliver(house) == 200
        assert [one["fields"]["port_id"] for one in await found(house)] == ["ge-0/0/2", "ge-0/0/1", "ge-0/0/0"]
        assert await deliver(house) == 200
        assert await counted(house) == (6, 3)
    async with keeping_house(tmp_path, sections=sections(tmp_path)) as house:
        assert await deliver(house) == 200
        assert await counted(house) == (3, 0)
        assert len(await found(house, "where=port_id:ge-0/0/1")) == 1
        newer = [*EVENTS, {**EVENTS[0], "timestamp": 1_767_225_800}]
        assert await deliver(house, json.dumps({"topic": "device-events", "events": newer})) == 200
        assert await counted(house) == (7, 1)
        assert len(await found(house)) == 4


@pytest.mark.parametrize(("on_error", "status"), [("count", 200), ("refuse", 503)])
async def test_a_full_disk(tmp_path, monkeypatch, on_error, status):
    async with keeping_house(tmp_path, sections=sections(tmp_path, on_error=on_error)) as house:
        database = house.daemon.history._database
        monkeypatch.setattr(database, "_headroom_bytes", 1 << 60)
        assert await deliver(house) == status
        monkeypatch.setattr(database, "_headroom_bytes", 0)
        assert await deliver(house) == 200
        assert (await counted(house))[1] == 3
        assert len(await found(house)) == 3


async def test_without_a_state_directory_the_history_is_in_memory(tmp_path):
    async with keeping_house(tmp_path) as house:
        assert await deliver(house) == 200
        assert len(await found(house, "type=SW_PORT_DOWN&text=ge-0/0/1")) == 1
        assert await deliver(house) == 200
        assert await counted(house) == (6, 3)
    assert not list(tmp_path.glob("*.db"))


async def test_personal_data_of_clients_is_stored_nowhere(tmp_path):
    join = {"mac": "0200000000aa", "ap": "5c5b35000001", "ssid": "corp", "timestamp": 1_767_225_700, "ip": "192.0.2.7"}
    body = json.dumps({"topic": "client-join", "events": [join]})
    async with keeping_house(tmp_path, sections=sections(tmp_path)) as house:
        assert await deliver(house, body) == 200
        (stored,) = await found(house, "where=mac:02:00:00:00:00:aa")
        assert "0200000000aa" not in json.dumps(stored)
        assert "192.0.2.7" not in json.dumps(stored)
        files = [file.read_bytes() for file in tmp_path.glob("events.db*")]
        assert not any(b"0200000000aa" in content for content in files)
