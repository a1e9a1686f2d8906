"""What is fuzzed: each target takes bytes, and returns. Whatever else comes out of it is a bug that was found.

The first bytes choose, where there is something to choose; the rest is the input. The suite runs every target on
made-up bytes and on all inputs that once broke one (`tests/fuzz/found`); `make fuzz` runs them for minutes under
libFuzzer, which sees which branches an input takes.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from collector import config
from collector.backoff import retry_after_s
from collector.config import web_file
from collector.errors import ConfigError, RemoteError, SignatureError
from collector.feeds.router import FeedRouter
from collector.ingest.dispatcher import Dispatcher
from collector.ingest.rest import answers, paging
from collector.ingest.rest.answers import Answer
from collector.listener.basic_auth import credentials
from collector.listener.client_address import ClientAddressPolicy, RateLimiter, source_of
from collector.location.feed import LocationFeed
from collector.metrics.text_format import render_all
from collector.mist import channels, signature
from collector.mist.deduplicator import Deduplicator
from collector.mist.directory import Device, Org, Site
from collector.mist.envelope import Data, data_of, parse
from collector.mist.polls import types_in
from collector.mist.session import Session
from collector.mist.topics import TOPICS
from collector.serve.negotiation import accepts_gzip, wants_openmetrics
from collector.status import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collector.listener.address import Network
    from collector.mist.channels import Channel

ROOT: Final = Path(__file__).resolve().parents[1]
ID: Final = "11111111-1111-1111-1111-111111111111"
IDS: Final = {"org_id": ID, "site_id": ID, "map_id": ID, "device_mac": "5c5b35000001", "mac": "5c5b35000001"}
_A_HOUSE_LASTS: Final = 5000  # inputs; then it is built anew, for it remembers every MAC it was told
_TOPICS: Final = (*sorted(TOPICS), "no-such-topic")
_SECRET: Final = b"a secret"


def path_of(channel: Channel) -> str:
    """The channel's path, with ids of the fuzzer's own."""
    return channels.path(channel, **{name: IDS[name] for name in re.findall(r"{(\w+)}", channel.template)})


class House:
    """A catalogue and its intake, as the daemon has them."""

    def __init__(self) -> None:
        self.catalog = FeedRouter()
        self.catalog.join(LocationFeed(self.catalog.store, self.catalog.directories))
        self.frames, self.events = Counts(), dict[str, Counts]()
        self.intake = Dispatcher(
            open_channel=self.catalog.open_channel,
            open_topic=self.catalog.open_topic,
            duplicates=Deduplicator(limit=10_000),
            frames=self.frames,
            events=self.events,
        )
        measured = [channel for channel in channels.CHANNELS if channel.carries]
        self.paths = [path for path in map(path_of, measured) if self.catalog.open_channel(path) is not None]
        for path in self.paths:
            self.intake.subscribe(path)
        self.session = Session(self.paths)
        self.session.opened(0.0)
        self.inputs = 0

    def check(self) -> None:
        """Hold the books; now and then the exposition, too."""
        for account in (self.frames, *self.events.values()):
            assert account.received == account.applied + sum(account.dropped.values())
            assert "internal_error" not in account.dropped, "a handler raised"
        self.inputs += 1
        if self.inputs % 1000 == 0:
            render_all(self.catalog.store, openmetrics=True)


_house: list[House] = []


def house() -> House:
    """The present house; a new one after some thousand inputs."""
    if not _house or _house[0].inputs >= _A_HOUSE_LASTS:
        _house[:] = [House()]
    return _house[0]


def frame(octets: bytes) -> None:
    """A frame of the stream, as it came: envelope, session, intake."""
    now = house()
    event, data = parse(octets), data_of(octets)
    assert data is None or event == Data(*data)
    now.session.receive(event, 1.0)
    now.session.take_changes()
    now.session.to_send()
    now.intake.event(event, 1_767_225_600.0)
    now.check()


def payload(octets: bytes) -> None:
    """What a channel carries: the first byte chooses the channel, and whether the payload is nested as text."""
    if not octets:
        return
    now = house()
    path = now.paths[octets[0] % len(now.paths)]
    body: object = octets[1:].decode("utf-8", "surrogateescape")
    if octets[0] >= 128:
        try:
            body = orjson.loads(octets[1:])
        except orjson.JSONDecodeError:
            return
    now.intake.event(Data(path, body), 1_767_225_600.0)
    now.check()


def delivery(octets: bytes) -> None:
    """A webhook's body; the first byte chooses whether it is taken as it is, or as the events of a topic."""
    if not octets:
        return
    now = house()
    body = octets[1:]
    if octets[0]:
        topic = _TOPICS[octets[0] % len(_TOPICS)].encode()
        body = b'{"topic": "%b", "events": [%b]}' % (topic, body)
    now.intake.delivery(body, 1_767_225_600.0)
    now.check()


def head(octets: bytes) -> None:
    """The headers of requests: signatures, sources, credentials, what is accepted."""
    text = octets.decode("latin-1")
    name, _, value = text.partition("\n")
    for headers in ({signature.HEADER: value}, {name: value}, {name.upper(): value, "X-Mist-Signature-v2": value}):
        with contextlib.suppress(SignatureError):
            signature.verify(octets, headers, [_SECRET])
    sources = ClientAddressPolicy([_network("192.0.2.0/24")], [_network("127.0.0.0/8")])
    client = sources.client(name, [value])
    sources.allows(client)
    RateLimiter(1.0, 1).wait_s(source_of(sources.client("127.0.0.1", value.split("\n"))), 1.0)
    credentials(text)
    wants_openmetrics(text)
    accepts_gzip(text)
    retry_after_s({"Retry-After": name, "Date": value}, 0.0)


def _network(text: str) -> Network:
    import ipaddress

    return ipaddress.ip_network(text)


_STATUSES: Final = (200, 200, 200, 301, 400, 401, 403, 404, 408, 429, 500, 503)


def rest(octets: bytes) -> None:
    """An answer of the API: the first byte chooses the status, the second what it is an answer to."""
    if len(octets) < 2:
        return
    now, status, kind = house(), _STATUSES[octets[0] % len(_STATUSES)], octets[1]
    line, _, body = octets[2:].partition(b"\n")
    value = line.decode("latin-1")
    headers = CIMultiDictProxy(CIMultiDict({"Retry-After": value, "X-Page-Total": value, "X-Page-Limit": value}))
    answers.error_of(status, headers, body, where="/self", unix=1_767_225_600.0)
    answer = Answer(body, headers)
    entries: list[object] = []
    for page in (paging.list_page, paging.results_page):
        with contextlib.suppress(RemoteError, ValueError):  # of an entry: what the client's boundary contains
            entries += page(answer, "/self").entries
    with contextlib.suppress(RemoteError):
        found = answers.decoded(answer, "/self")
        types_in(found)
        entries.append(found)
    kinds = sorted(now.catalog._rest)
    for entry in _objects(entries):
        for make in (Org.from_payload, Site.from_payload, Device.from_payload):
            make(entry)
        now.catalog.rest_object(kinds[kind % len(kinds)], entry, dict(IDS))
    now.check()


def _objects(entries: list[object]) -> Iterator[dict[str, Any]]:
    yield from (entry for entry in entries[:20] if isinstance(entry, dict))


_folder = tempfile.TemporaryDirectory(prefix="fuzz-")


def configuration(octets: bytes) -> None:
    """The configuration file, and the one that guards the operator's listener."""
    for name, load in (("collector.yaml", _load_config), ("web-config.yml", web_file.load)):
        file = Path(_folder.name) / name
        file.write_bytes(octets)
        faults: tuple[object, ...] | None = None
        try:
            load(file)
        except ConfigError as error:
            faults = error.faults
        assert faults is None or (faults and all(map(str, faults))), "an error names what is wrong"


def _load_config(file: Path) -> object:
    return config.load(file, {"MIST_API_TOKEN": "token"})


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "frame": frame,
    "payload": payload,
    "delivery": delivery,
    "head": head,
    "rest": rest,
    "configuration": configuration,
}


def seeds(target: str) -> Iterator[bytes]:
    """Inputs to begin with: what the wire tests play, and the example configuration."""
    wire = ROOT / "wire"
    if target == "frame":
        for file in sorted(wire.rglob("*.jsonl")):
            yield from (line for line in file.read_bytes().splitlines()[:4] if line)
    elif target == "payload":
        yield from _payload_seeds(wire)
    elif target == "delivery":
        yield from (b"\0" + file.read_bytes() for file in sorted(wire.rglob("*.json")))
        yield from (bytes([number]) + b'{"mac": "5c5b35000001", "timestamp": 1767225600}' for number in range(1, 40))
    elif target == "head":
        yield f"{signature.HEADER}\n{signature.sign(b'', _SECRET)}".encode()
        yield b"127.0.0.1\n203.0.113.9, [2001:db8::1]:443"
        yield b"Basic YWxpY2U6bzpw\nMon, 24 Nov 2025 10:01:30 GMT"
    elif target == "rest":
        for kind in range(24):
            yield bytes([0, kind]) + b'100\n[{"id": "%b", "mac": "5c5b35000001", "name": "a"}]' % ID.encode()
        yield b'\0\0 \n{"results": [{}], "next": "/api/v1/x", "total": 1, "limit": 10, "page": 1}'
    else:
        yield (ROOT.parent / "deploy/collector.example.yaml").read_bytes()
        yield b"tls_server_config: {cert_file: a, key_file: b}\nbasic_auth_users: {alice: $2b$04$x}\n"


def _payload_seeds(wire: Path) -> Iterator[bytes]:
    paths = house().paths
    for file in sorted(wire.rglob("*.jsonl")):
        for line in file.read_bytes().splitlines()[:4]:
            event = parse(line)
            found = channels.match(event.channel) if isinstance(event, Data) else None
            if found is None:
                continue
            path = path_of(found.channel)
            if path in paths and isinstance(event, Data):
                text = event.payload if isinstance(event.payload, str) else orjson.dumps(event.payload).decode()
                yield bytes([paths.index(path)]) + text.encode("utf-8", "surrogateescape")
