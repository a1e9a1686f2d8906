"""`replay`: recorded messages through the code of the daemon. tests/wire replays golden cases."""

import json

import pytest

from collector.cli import exits, replay
from collector.cli.recordings import SUFFIX, RecordingWriter
from collector.ingest.rest.objects import RestObject
from collector.mist.envelope import Data

SITE, ORG = "67970e46-4e12-11e6-9188-0242ac110007", "2818e386-8dec-2562-9ede-5b8a0fbbdc71"
CHANNEL = f"/sites/{SITE}/stats/devices"
PAYLOAD = {"mac": "5c5b35fc0001", "type": "ap", "model": "AP45", "uptime": 5}


def counts(result):
    return json.loads(result.stderr.splitlines()[-1])


def test_frames_and_a_webhook_body(invoke, tmp_path):
    frames, body = tmp_path / "frames.jsonl", tmp_path / "events.json"
    device = frame(json.dumps(json.dumps(PAYLOAD)))
    other = json.dumps({"event": "data", "channel": "/test", "data": "1"})
    unknown = json.dumps({"event": "data", "channel": "/new", "data": "1"})
    frames.write_text(f"{device}\n\nrubbish\n{other}\n{unknown}\n")
    body.write_text(json.dumps({"topic": "alarms", "events": [{"id": "1", "type": "x"}, {"id": "1", "type": "x"}]}))
    result = invoke("replay", frames, body)
    assert 'mac="5c5b35fc0001"' in result.stdout
    assert counts(result) == {
        "received": 6, "applied": 2,
        "dropped": {"not_json": 1, "not_measured": 1, "unknown_channel": 1, "duplicate": 1},
    }  # fmt: skip


def test_a_recording_with_its_inventory(invoke, tmp_path):
    file = tmp_path / f"a{SUFFIX}"
    with RecordingWriter(file, None, began=0.0) as writer:
        writer.inventory(RestObject("site", {"id": SITE, "name": "Lobby"}, {"org_id": ORG, "site_id": SITE}), 0.0)
        writer.message(Data(CHANNEL, PAYLOAD), 0.0)
        writer.delivery(b'{"topic":"alarms","events":[{"id":"x"}]}', 0.0)
    result = invoke("replay", file)
    assert 'name="Lobby"' in result.stdout
    assert (counts(result)["received"], counts(result)["applied"]) == (2, 2)


def test_openmetrics(invoke, tmp_path):
    (tmp_path / "a.jsonl").write_text("")
    assert invoke("replay", "--openmetrics", tmp_path / "a.jsonl").stdout.endswith("# EOF\n")


def nested(levels):
    return "[" * levels + "]" * levels


def frame(data):
    return f'{{"event":"data","channel":"{CHANNEL}","data":{data}}}'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", frame(nested(10_000))),
        ("b.jsonl", frame(f'"{nested(10_000)}"')),
        ("c.jsonl", frame('{"radio_stat":' + '{"a":' * 900 + "1" + "}" * 901)),
        ("d.json", f'{{"topic":"alarms","events":{nested(10_000)}}}'),
        ("e.json", f'{{"topic":"alarms","events":[{{"id":{nested(900)}}}]}}'),
    ],
)
def test_deep_nesting_is_dropped(invoke, tmp_path, name, content):
    (tmp_path / name).write_text(content)
    result = counts(invoke("replay", tmp_path / name))
    assert (result["received"], result["applied"] + sum(result["dropped"].values())) == (1, 1)


@pytest.mark.parametrize(("name", "part"), [("a.jsonl", "a line"), ("a.json", "the body")])
def test_a_size_limit(invoke, tmp_path, name, part, monkeypatch):
    monkeypatch.setattr("collector.cli.recordings.MAX_LINE_BYTES", 100)
    (tmp_path / name).write_text("x" * 101)
    message = invoke("replay", tmp_path / name, code=exits.USAGE).stderr
    assert message == f"mist-collector: {tmp_path / name}: {part} is longer than 0 MiB\n"


def test_an_endless_file(invoke):
    assert "the body is longer than 64 MiB" in invoke("replay", "/dev/zero", code=exits.USAGE).stderr


def test_a_file_that_is_not_a_recording(invoke, tmp_path):
    (tmp_path / f"a{SUFFIX}").write_text("x")
    message = invoke("replay", tmp_path / f"a{SUFFIX}", code=exits.USAGE).stderr
    assert "not a recording, or damaged" in message


def test_totals():
    one, other = replay.Counts(), replay.Counts()
    one.received = one.applied = 2
    other.received = 1
    other.drop("x")
    assert replay.totals([one, other]) == {"received": 3, "applied": 2, "dropped": {"x": 1}}
