"""`record`: a recording gives the same metrics without identifying anyone."""

import asyncio
import errno
import gzip
import json
import os
import re

import orjson
import pytest

from collector.cli import exits, record, recordings, webhook
from collector.cli.recordings import SUFFIX, RecordingWriter
from collector.errors import CollectorError, Fatal, UsageError
from collector.mist.envelope import Data
from collector.simulator.fleet import FleetPlan
from tests.support import samples
from tests.support.installation import installation
from tests.unit.cli.test_webhook import free_port, options

pytestmark = pytest.mark.slow

PLAN = FleetPlan(
    sites=2, aps=3, switches=1, gateways=1, mxedges=1, clients_per_ap=3, cadence_s=5.0, sessions_per_client_hour=60.0
)


@pytest.fixture
def replayed(invoke):
    """Replay a file; returns the exposition and the counts."""

    def replay(file):
        result = invoke("replay", file)
        return result.stdout, json.loads(result.stderr.splitlines()[-1])

    return replay


@pytest.fixture
def writers(monkeypatch):
    """Record raw and anonymized at once, from the same messages."""
    written = []

    class Both(RecordingWriter):
        def __init__(self, path, anonymizer, *, began):
            super().__init__(path, anonymizer, began=began)
            self.raw = RecordingWriter(path.with_name(f"raw{SUFFIX}"), None, began=began)
            written.append(self)

        def __enter__(self):
            self.raw.__enter__()
            return super().__enter__()

        def __exit__(self, *error):
            self.raw.__exit__(*error)
            super().__exit__(*error)

        def inventory(self, item, at):
            self.raw.inventory(item, at)
            super().inventory(item, at)

        def message(self, message, at):
            self.raw.message(message, at)
            super().message(message, at)

        def delivery(self, body, at):
            self.raw.delivery(body, at)
            super().delivery(body, at)

    monkeypatch.setattr(record, "RecordingWriter", Both)
    return written


async def test_the_same_metrics_without_identities(tmp_path, monkeypatch, writers, replayed, capsys):
    file = tmp_path / f"fleet{SUFFIX}"
    async with installation(tmp_path / "etc", monkeypatch, speed=10.0, plan=PLAN) as here:
        await here.init()
        await record.record_to(file, here.config(), None, seconds=3.0, raw=False)
        macs = set(here.cloud.fleet.macs())
        sites = here.cloud.fleet.sites(here.org_id)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "names and addresses replaced" in capsys.readouterr().out
    (writer,) = writers
    assert writer.frames > 20
    assert writer.frames == writer.raw.frames

    text = gzip.decompress(file.read_bytes()).decode()
    for secret in [*macs, *(site["id"] for site in sites), *(site["name"] for site in sites), here.cloud.options.token]:
        assert secret not in text

    (raw, raw_counts), (safe, safe_counts) = replayed(tmp_path / f"raw{SUFFIX}"), replayed(file)
    assert raw_counts == safe_counts
    assert raw_counts["received"] == raw_counts["applied"] + sum(raw_counts["dropped"].values()) > 20
    # Every raw sample has an anonymized counterpart with the same value, and nothing else.
    replace = writer._anonymizer._replaced
    known = {replace(text) for _, labels in samples.of_text(raw) for text in dict(labels).values()}
    expected = with_labels_replaced(raw, replace)
    assert len(expected) > 300
    assert with_labels_replaced(safe, lambda text: text if text in known else replace(text)) == expected


def with_labels_replaced(text, replace):
    """Return every sample with its label values replaced, vocabulary included; geographic coordinates are omitted."""
    return sorted(
        (name, sorted((label, replace(value)) for label, value in dict(labels).items()), value)
        for (name, labels), value in samples.of_text(text).items()
        if not re.search("latitude|longitude", name)
    )


async def test_webhooks_are_recorded_if_no_collector_runs(tmp_path, monkeypatch):
    file = tmp_path / f"events{SUFFIX}"
    async with installation(tmp_path / "etc", monkeypatch, speed=30.0, plan=PLAN) as here:
        await here.init()
        port = free_port()
        loaded = here.config(MIST_COLLECTOR__WEBHOOK__LISTEN=f"127.0.0.1:{port}")
        await webhook.register_webhook(loaded, options(url=f"http://127.0.0.1:{port}/webhook"))
        await record.record_to(file, loaded, None, seconds=3.0, raw=False)
    bodies = [item for item in recordings.read(file) if isinstance(item, bytes)]
    assert {orjson.loads(body)["topic"] for body in bodies} >= {"client-sessions"}


async def test_an_email_address_as_a_key(tmp_path, monkeypatch):
    file = tmp_path / f"keys{SUFFIX}"
    async with installation(tmp_path / "etc", monkeypatch) as here:
        await here.init(webhook=False)
        channel = f"/sites/{here.cloud.fleet.sites(here.org_id)[0]['id']}/stats/clients"
        payload = {"mac": "5c5b35fc0001", "alice@example.com": {"alice": 1}, "rssi": -50}
        frame = orjson.dumps({"event": "data", "channel": channel, "data": orjson.dumps(payload).decode()})
        recording = asyncio.ensure_future(record.record_to(file, here.config(), None, seconds=4.0, raw=False))
        while not here.cloud.stream.publish(channel, frame):  # noqa: ASYNC110 - until it is subscribed
            await asyncio.sleep(0.01)
        await recording
    (message,) = [one for one in recordings.read(file) if isinstance(one, Data)]
    assert "alice" not in gzip.decompress(file.read_bytes()).decode()
    assert orjson.loads(message.payload)["rssi"] == -50


async def test_raw(tmp_path, monkeypatch, capsys):
    file = tmp_path / f"raw{SUFFIX}"
    async with installation(tmp_path / "etc", monkeypatch, speed=10.0, plan=PLAN) as here:
        await here.init(webhook=False)
        await record.record_to(file, here.config(), None, seconds=1.0, raw=True)
        assert here.org_id in gzip.decompress(file.read_bytes()).decode()
    assert "NOT replaced: do not pass it on" in capsys.readouterr().out


async def test_an_existing_file_is_not_overwritten(tmp_path, monkeypatch):
    file = tmp_path / f"a{SUFFIX}"
    file.write_text("mine")
    async with installation(tmp_path / "etc", monkeypatch) as here:
        await here.init()
        with pytest.raises(UsageError, match="the file exists"):
            await record.record_to(file, here.config(), None, seconds=1.0, raw=False)
    assert file.read_text() == "mine"


async def test_an_error_leaves_no_empty_recording(tmp_path, monkeypatch):
    file = tmp_path / f"a{SUFFIX}"
    async with installation(tmp_path / "etc", monkeypatch) as here:
        await here.init()
        here.cloud.permissions.tokens.clear()
        with pytest.raises(Fatal, match="the token is not accepted"):
            await record.record_to(file, here.config(), None, seconds=1.0, raw=False)
        with pytest.raises(UsageError, match="No such file or directory"):
            await record.record_to(tmp_path / "nowhere" / file.name, here.config(), None, seconds=1.0, raw=False)
    assert not file.exists()


async def test_a_full_disk_ends_the_recording(tmp_path, monkeypatch):
    file = tmp_path / f"a{SUFFIX}"
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Full(RecordingWriter):
        def message(self, message, at):
            raise full

    monkeypatch.setattr(record, "RecordingWriter", Full)
    async with installation(tmp_path / "etc", monkeypatch, speed=10.0, plan=PLAN) as here:
        await here.init(webhook=False)
        with pytest.raises(CollectorError, match="cannot be written: No space left on device") as raised:
            await record.record_to(file, here.config(), None, seconds=0.0, raw=False)
    assert exits.exit_for(raised.value).exit_code == exits.FAILED


def test_fields_of_the_catalogue_are_kept():
    assert {"mac", "radio_stat", "num_clients", "rx_bytes"} - record.catalogue_fields() <= {"mac"}
