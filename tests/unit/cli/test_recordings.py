"""The file format of recordings: what is written is read again; limits and damage are reported."""

import gzip
import re

import orjson
import pytest

from collector import redaction
from collector.cli import recordings
from collector.cli.recordings import SUFFIX, RecordingError, RecordingWriter
from collector.errors import Rejected
from collector.ingest.rest.objects import RestObject
from collector.mist.anonymous import Anonymizer
from collector.mist.envelope import Data, Subscribed

SITE = "67970e46-4e12-11e6-9188-0242ac110007"
CHANNEL = f"/sites/{SITE}/stats/devices"
HEAD = b'{"recording": 1}\n'


@pytest.fixture
def file(tmp_path):
    return tmp_path / f"a{SUFFIX}"


def anonymized(file, *messages):
    with RecordingWriter(file, Anonymizer(b"k" * 32), began=0.0) as writer:
        for message in messages:
            writer.message(message, 0.0)
    return list(recordings.read(file))


def test_what_is_written_is_read(file):
    data = Data(CHANNEL, '{"mac":"5c5b35fc0001","uptime":5}')
    with RecordingWriter(file, None, began=0.0) as writer:
        writer.inventory(RestObject("site", {"name": "Lobby"}, {"site_id": SITE}), 0.0)
        writer.message(data, 0.0)
        writer.message(Subscribed(CHANNEL), 0.05)
        writer.message(Rejected("not_json"), 0.1)
        writer.delivery(b'{"topic":"alarms","events":[{"id":"x"}]}', 0.2)
        writer.delivery(b"rubbish", 0.3)
    assert (writer.frames, writer.deliveries) == (2, 1)
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(recordings.read(file)) == [
        RestObject("site", {"name": "Lobby"}, {"site_id": SITE}), data, Rejected("not_json"),
        b'{"topic":"alarms","events":[{"id":"x"}]}',
    ]  # fmt: skip


def test_identities_in_values_keys_paths_and_topics_are_replaced(file):
    payload = {"mac": "5c5b35fc0001", "alice@example.com": 1, "dhcpd_stat": {"alice": {"num_ips": 1}}}
    with RecordingWriter(file, Anonymizer(b"k" * 32), began=0.0) as writer:
        writer.inventory(RestObject("site", payload, {"site_id": SITE}), 0.0)
        writer.message(Data(CHANNEL, payload), 0.0)
        writer.message(Data(CHANNEL, orjson.dumps(payload).decode()), 0.0)
        writer.message(Data("/sites/alice/alice", payload), 0.0)
        writer.delivery(orjson.dumps({"topic": "alice", "events": [payload]}), 0.0)
    text = gzip.decompress(file.read_bytes()).decode()
    assert not [identity for identity in ("alice", SITE, "5c5b35fc0001") if identity in text]
    assert text.count("num_ips") == 5


def test_text_that_cannot_be_parsed_is_not_recorded(file):
    assert [message.payload for message in anonymized(file, Data("/test", "secret words, no JSON"))] == ["{"]


def test_payloads_that_only_the_tolerant_parser_reads_are_recorded(file):
    (message,) = anonymized(file, Data(CHANNEL, '{"uptime": NaN, "model": "AP\x0145"}'))
    assert orjson.loads(message.payload).keys() == {"uptime", "model"}


def deep(levels):
    payload = {}
    for _ in range(levels):
        payload = {"a": payload}
    return payload


@pytest.mark.parametrize("payload", [deep(500), deep(10_000), {"mac": 2**70}])
def test_a_payload_that_cannot_be_recorded(file, payload):
    with RecordingWriter(file, None, began=0.0) as writer:
        writer.message(Data(CHANNEL, payload), 0.0)
    assert list(recordings.read(file)) == [Rejected(recordings.NOT_RECORDABLE)]


def test_a_deep_payload_is_cut_off_when_it_is_anonymized(file):
    (message,) = anonymized(file, Data(CHANNEL, {"uptime": 5, "status": deep(10_000)}))
    assert message.payload["uptime"] == 5


@pytest.mark.parametrize("anonymizer", [None, Anonymizer(b"k" * 32)])
def test_registered_secrets_are_masked(file, anonymizer, monkeypatch):
    monkeypatch.setattr(redaction, "_hidden", {})
    redaction.hide("a-registered-token")
    with RecordingWriter(file, anonymizer, began=0.0) as writer:
        writer.message(Data(CHANNEL, {"status": "a-registered-token", "model": "a-registered-token"}), 0.0)
    assert b"a-registered-token" not in gzip.decompress(file.read_bytes())


def test_an_empty_recording_is_removed_after_an_error(file):
    with pytest.raises(ZeroDivisionError), RecordingWriter(file, None, began=0.0):
        raise ZeroDivisionError
    assert not file.exists()


def test_a_writer_that_is_not_open(file):
    with pytest.raises(RuntimeError, match="not open"):
        RecordingWriter(file, None, began=0.0).message(Rejected("x"), 0.0)


def _damaged():
    """A recording with one byte changed in its middle."""
    lines = "".join(f'{{"at": {n}, "channel": "/test", "data": "{n * 7919 % 1009}"}}\n' for n in range(5000))
    packed = bytearray(gzip.compress(HEAD + lines.encode()))
    packed[len(packed) // 2] ^= 0xFF
    return bytes(packed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not gzip", "not a recording, or damaged"),
        (gzip.compress(b"no JSON"), "line 1: not a recording"),
        (_damaged(), "not a recording, or damaged"),
        (gzip.compress(b'{"recording": 99}\n'), "not a recording that version .* can read"),
        (gzip.compress(b"[]\n"), "not a recording that version .* can read"),
        (gzip.compress(HEAD + b"5\n"), "line 2: not a recording"),
        (gzip.compress(HEAD + b'{"at": 0}\n'), "line 2: not a recording"),
        (gzip.compress(HEAD + b'{"channel": 5, "data": 1}\n'), "line 2: not a recording"),
        (gzip.compress(HEAD + b'{"listed": "site", "payload": [], "ids": {}}\n'), "line 2: not a recording"),
        (gzip.compress(HEAD + b'{"data": ' + b"[" * 10_000 + b"]" * 10_000 + b"}\n"), "line 2: not a recording"),
        (gzip.compress(HEAD + b'{"webhook": ' + b"[" * 300 + b"]" * 300 + b"}\n"), "line 2: not a recording"),
    ],
    ids=range(11),
)
def test_a_file_that_is_not_a_recording(file, content, message):
    file.write_bytes(content)
    with pytest.raises(RecordingError, match=message):
        list(recordings.read(file))


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("MAX_LINE_BYTES", "a line is longer than 0 MiB"),
        ("MAX_BYTES", "larger than 0 MiB uncompressed; record a shorter time"),
        ("MAX_INVENTORY_BYTES", "the inventory is larger than 0 MiB"),
    ],
)
def test_limits(file, limit, message, monkeypatch):
    with RecordingWriter(file, None, began=0.0) as writer:
        writer.inventory(RestObject("site", {"name": "x" * 500}, {}), 0.0)
    assert len(list(recordings.read(file))) == 1
    monkeypatch.setattr(recordings, limit, 400)
    with pytest.raises(RecordingError, match=re.escape(message)):
        list(recordings.read(file))


def test_a_line_without_end_is_not_read_into_memory(file):
    """1 GiB of one character is 1 MB compressed."""
    with gzip.open(file, "wb", 1) as packed:
        packed.write(HEAD)
        for _ in range(recordings.MAX_LINE_BYTES // 2**20 + 1):
            packed.write(b"[" * 2**20)
    with pytest.raises(RecordingError, match="a line is longer than 64 MiB"):
        list(recordings.read(file))


def test_a_truncated_recording_is_read_as_far_as_possible(file):
    with RecordingWriter(file, None, began=0.0) as writer:
        for index in range(2000):
            writer.message(Data("/test", f"{index * 7919}"), 0.0)
    file.write_bytes(file.read_bytes()[:-2000])
    assert 0 < len(list(recordings.read(file))) < 2000


def test_the_position_in_the_file(file):
    with RecordingWriter(file, None, began=0.0) as writer:
        writer.message(Rejected("x"), 0.0)
    positions = []
    assert len(list(recordings.read(file, positions.append))) == 1
    assert positions[-1] == file.stat().st_size
