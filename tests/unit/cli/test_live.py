"""`record`, `replay` of it, and `tail`, on a fleet that lives."""

import gzip
import json
import re

import orjson
import pytest
from typer.testing import CliRunner

from collector.cli import exits, live, main, recording
from collector.cli import webhook_registration as registration
from collector.errors import Fatal, Rejected, UsageError
from collector.mist.anonymous import Anonymous
from collector.mist.envelope import Data
from collector.simulator.fleet import FleetPlan
from tests.support import samples
from tests.support.terminal import desk

pytestmark = pytest.mark.slow

LIVELY = FleetPlan(
    sites=2, aps=3, switches=1, gateways=1, mxedges=1, clients_per_ap=3, cadence_s=5.0, sessions_per_client_hour=60.0
)


def replayed(file):
    result = CliRunner().invoke(main.app, ["replay", str(file)])
    assert result.exit_code == 0, result.output
    return result.stdout, json.loads(result.stderr.splitlines()[-1])


@pytest.fixture
def both(monkeypatch):
    """Record raw and anonymous at once: what the second recorder writes is the first one's, made anonymous."""
    written = []

    class Twice(recording.Recorder):
        def __init__(self, path, anonymous, *, began):
            super().__init__(path, anonymous, began=began)
            self.raw = recording.Recorder(path.with_name(f"raw{recording.SUFFIX}"), None, began=began)
            written.append(self)

        def __enter__(self):
            self.raw.__enter__()
            return super().__enter__()

        def __exit__(self, *error):
            self.raw.__exit__(*error)
            super().__exit__(*error)

        def listed(self, one, at):
            self.raw.listed(one, at)
            super().listed(one, at)

        def frame(self, event, at):
            self.raw.frame(event, at)
            super().frame(event, at)

        def delivery(self, body, at):
            self.raw.delivery(body, at)
            super().delivery(body, at)

    monkeypatch.setattr(live, "Recorder", Twice)
    return written


async def test_a_recording_gives_the_same_metrics_and_names_nobody(tmp_path, monkeypatch, both, capsys):
    file = tmp_path / f"fleet{recording.SUFFIX}"
    async with desk(tmp_path / "etc", monkeypatch, speed=10.0, plan=LIVELY) as here:
        await here.init()
        await live.record(here.config(), None, file, seconds=3.0, raw=False)
        macs = set(here.cloud.fleet.macs())
        sites = here.cloud.fleet.sites(here.org_id)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "names and addresses replaced" in capsys.readouterr().out
    (recorder,) = both
    assert recorder.frames > 20
    assert recorder.frames == recorder.raw.frames

    text = gzip.decompress(file.read_bytes()).decode()
    for secret in [*macs, *(site["id"] for site in sites), *(site["name"] for site in sites), here.cloud.options.token]:
        assert secret not in text

    (raw, raw_books), (safe, safe_books) = replayed(tmp_path / f"raw{recording.SUFFIX}"), replayed(file)
    assert raw_books == safe_books
    assert raw_books["received"] == raw_books["applied"] + sum(raw_books["dropped"].values()) > 20
    # The same exposition, but for the names: every raw sample has its anonymous one, with the same value.
    replace = recorder._anonymous._replaced
    known = {replace(text) for _, labels in samples.of_text(raw) for text in dict(labels).values()}
    expected = everything_replaced(raw, replace)
    assert len(expected) > 300
    assert everything_replaced(safe, lambda text: text if text in known else replace(text)) == expected


def everything_replaced(text, replace):
    """Every sample with all its labels replaced, words of Mist too; where on earth it is is not told."""
    return sorted(
        (name, sorted((label, replace(value)) for label, value in dict(labels).items()), value)
        for (name, labels), value in samples.of_text(text).items()
        if not re.search("latitude|longitude", name)
    )


async def test_webhooks_are_recorded_where_no_collector_runs(tmp_path, monkeypatch):
    from tests.unit.cli.test_webhook_commands import free_port

    file = tmp_path / f"events{recording.SUFFIX}"
    async with desk(tmp_path / "etc", monkeypatch, speed=30.0, plan=LIVELY) as here:
        await here.init()
        port = free_port()
        loaded = here.config(MIST_COLLECTOR__WEBHOOK__LISTEN=f"127.0.0.1:{port}")
        url = f"http://127.0.0.1:{port}/webhook"
        await registration.register(loaded, registration.Wish(url=url))
        await live.record(loaded, None, file, seconds=3.0, raw=False)
    bodies = [came for came in recording.read(file) if isinstance(came, bytes)]
    assert {orjson.loads(body)["topic"] for body in bodies} >= {"client-sessions"}


def test_a_recording_holds_what_came(tmp_path):
    file = tmp_path / f"a{recording.SUFFIX}"
    data = Data("/sites/67970e46-4e12-11e6-9188-0242ac110007/stats/devices", '{"mac":"5c5b35fc0001","uptime":5}')
    with recording.Recorder(file, None, began=0.0) as recorder:
        recorder.frame(data, 0.0)
        recorder.frame(Rejected("not_json"), 0.1)
        recorder.delivery(b'{"topic":"alarms","events":[{"id":"x"}]}', 0.2)
        recorder.delivery(b"rubbish", 0.3)
    assert list(recording.read(file)) == [
        data, Rejected("not_json"), b'{"topic":"alarms","events":[{"id":"x"}]}',
    ]  # fmt: skip


def test_text_that_cannot_be_read_is_not_kept(tmp_path):
    file = tmp_path / f"a{recording.SUFFIX}"
    with recording.Recorder(file, Anonymous(b"k" * 32), began=0.0) as recorder:
        recorder.frame(Data("/test", "secret words, no JSON"), 0.0)
    assert [came.payload for came in recording.read(file)] == ["{"]


def _damaged():
    """A recording with one byte in its middle turned round."""
    lines = "".join(f'{{"at": {n}, "channel": "/test", "data": "{n * 7919 % 1009}"}}\n' for n in range(5000))
    packed = bytearray(gzip.compress(b'{"recording": 1}\n' + lines.encode()))
    packed[len(packed) // 2] ^= 0xFF
    return bytes(packed)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not gzip", "is no recording"),
        (gzip.compress(b"no JSON"), "is no recording"),
        (_damaged(), "is no recording, or damaged"),
        (gzip.compress(b'{"recording": 99}\n'), "this version .* reads"),
    ],
    ids=["no-gzip", "no-json", "damaged", "of-a-later-format"],
)
def test_what_is_no_recording_is_a_sentence(tmp_path, content, words):
    file = tmp_path / f"a{recording.SUFFIX}"
    file.write_bytes(content)
    result = CliRunner().invoke(main.app, ["replay", str(file)])
    assert isinstance(result.exception, UsageError)
    assert re.search(words, str(result.exception))


def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path):
    file = tmp_path / f"a{recording.SUFFIX}"
    with recording.Recorder(file, None, began=0.0) as recorder:
        for index in range(2000):
            recorder.frame(Data("/test", f"{index * 7919}"), 0.0)
    file.write_bytes(file.read_bytes()[:-2000])
    assert 0 < len(list(recording.read(file))) < 2000


async def test_a_file_in_the_way_is_left_alone(tmp_path, monkeypatch):
    file = tmp_path / f"a{recording.SUFFIX}"
    file.write_text("mine")
    async with desk(tmp_path / "etc", monkeypatch) as here:
        await here.init()
        with pytest.raises(Fatal, match="is there already"):
            await live.record(here.config(), None, file, seconds=1.0, raw=False)
    assert file.read_text() == "mine"


async def test_a_recording_of_nothing_is_not_left_behind(tmp_path, monkeypatch):
    file = tmp_path / f"a{recording.SUFFIX}"
    async with desk(tmp_path / "etc", monkeypatch) as here:
        await here.init()
        here.cloud.permissions.tokens.clear()
        with pytest.raises(Fatal, match="the token is not accepted"):
            await live.record(here.config(), None, file, seconds=1.0, raw=False)
        with pytest.raises(UsageError, match="No such file or directory"):
            await live.record(here.config(), None, tmp_path / "nowhere" / file.name, seconds=1.0, raw=False)
    assert not file.exists()


async def tailed(here, capsys, **look):
    capsys.readouterr()
    await live.tail(here.config(), None, live.Look(**look), seconds=2.0)
    return capsys.readouterr()


async def test_tail_shows_devices_by_name_and_masks_people(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch, speed=10.0, plan=LIVELY) as here:
        await here.init(webhook=False)
        said = await tailed(here, capsys)
        everyone = here.cloud.fleet
        names = {entry["name"] for entry in everyone.inventory(here.org_id)}
        assert any(name in said.out for name in names)
        assert "Listening to " in said.err
        assert "No webhooks: " in said.err
        lines = said.out.splitlines()
        clients = [line for line in lines if " clients " in line]
        assert clients
        assert len(lines) > 10
        whole = (await tailed(here, capsys, whole=True, kind="clients", people=True)).out.splitlines()
        macs = {json.loads(line)["mac"] for line in whole}
        assert macs
        assert not [mac for mac in macs if any(mac in line for line in clients)]


async def test_tail_filters(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch, speed=10.0, plan=LIVELY) as here:
        await here.init(webhook=False)
        site, other = here.cloud.fleet.sites(here.org_id)
        device = next(d for d in here.cloud.fleet.inventory(here.org_id) if d["site_id"] == site["id"])
        lines = (await tailed(here, capsys, site=site["name"], kind="devices", fields=("uptime",))).out.splitlines()
        assert lines
        assert not [line for line in lines if other["name"] in line or not re.search(r" uptime=[0-9.]+$", line)]
        lines = (await tailed(here, capsys, mac=device["mac"].upper(), whole=True)).out.splitlines()
        assert {json.loads(line)["mac"] for line in lines} == {device["mac"]}
        with pytest.raises(Fatal, match="there is no site Nowhere"):
            await tailed(here, capsys, site="Nowhere")
        with pytest.raises(Fatal, match="nonsense is not a MAC address"):
            await tailed(here, capsys, mac="nonsense")
        with pytest.raises(UsageError, match="is called nonsense"):
            await tailed(here, capsys, kind="nonsense")


async def test_a_stream_that_refuses_ends_it(tmp_path, monkeypatch, capsys):
    async with desk(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        await here.cloud.fault("handshake_status", status=403)
        with pytest.raises(ExceptionGroup) as ended:
            await live.tail(here.config(), None, live.Look(), seconds=30.0)
    known = exits.exit_for(ended.value)
    assert known is not None
    assert known.exit_code == exits.USAGE
    assert "the stream refuses: " in capsys.readouterr().err
