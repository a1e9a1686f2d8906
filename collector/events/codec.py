"""How an event is stored: names for strings that repeat, compressed JSON for the rest, and tokens for the index.

Times are stored with a resolution of one millisecond.
"""

from __future__ import annotations

import re
import zlib
from base64 import b32encode
from functools import lru_cache
from hashlib import blake2b
from sys import getsizeof
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from collector.event import Event, Severity, Source, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.event import Scalar

MAX_WORDS: Final = 200  # of one event
MAX_WORD_CHARS: Final = 64
MAX_TIME_MS: Final = 2**52
EVENT_BYTES: Final = 1000  # an event without fields, in memory
FIELD_BYTES: Final = 100  # a field without its texts: an entry of a dict
MAX_PAGE_BYTES: Final = 8 << 20  # of the events of one page, as `size_of` estimates it
_LEVEL: Final = 6
_RAW_DEFLATE: Final = -15
_MAX_PAYLOAD_BYTES: Final = 8_000_000
_ID: Final = re.compile(r"[0-9a-f]{32}").fullmatch
_WORD: Final = re.compile(r"[^\W_]+")
_UNINDEXED: Final = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?|\d{10}|\d{13}").fullmatch
_INDEX: Final = re.compile(r"\.\d+(?=\.|$)")
_encode: Final = msgspec.json.Encoder().encode
_decode_payload: Final = msgspec.json.Decoder(tuple[str, str, dict[str, Any]]).decode
_decode_name: Final = msgspec.json.Decoder(list[str]).decode
_decode_kind: Final = msgspec.json.Decoder(tuple[str, Source, str, Severity, Status]).decode
_REFERENCES: Final = ("org_id", "site_id", "site_name", "device_mac", "device_name", "device_type", "type", "topic")
_MARKS: Final = re.compile("[\0-\3]")
_IN_TEXT: Final = (("\x01", "device_name"), ("\x02", "site_name"), ("\x03", "device_mac"))

# The most frequent text last: zlib encodes near matches in fewer bits. Part of the file; changed with a new version.
DICTIONARY: Final = (
    b'"minis":"vlan_id":"probe_name":"latency":"wlan_id":"psk_id":"auth_method":"user_agent":"terminate_cause":'
    b'"rx_bytes":"tx_bytes":"rx_pkts":"tx_pkts":"nas_ip":"username":"client_type":"random_mac":true,"port_type":'
    b'"usermac_labels.0":"idp_role":"nacrule_id":"nacrule_name":"nacrule_matched":true,"auth_type":"eap-tls"'
    b'"connect":"connect_float":"disconnect":"disconnect_float":"duration":"client_family":"client_hostname":'
    b'"client_manufacture":"client_model":"client_os":"client_username":"client_ip":"next_ap":"00000000-0000-0000-'
    b'0000-000000000000","termination_reason":"termination_code":"wlan_type":"current_occupancy":"occupancy_limit":'
    b'"zone_id":"zone_name":"map_id":"x":"y":"rssi":-"rssi_mean":"beam":"impacted_entities.0.entity_type":"ap",'
    b'"impacted_entities.0.entity_name":"impacted_entities.0.entity_mac":"impacted_entities.0.port_id":'
    b'"hostnames.0":"aps.0":"switches.0":"gateways.0":"reasons.0":"ssids.0":"bssids.0":"group":"infrastructure",'
    b'"marvis","security","acked":"resolved":"status":"open","count":1,"severity":"critical","warn","info",'
    b'"incident_id":"event_id":"first_seen":"last_seen":"details.""audit_id":"admin_name":"src_ip":"message":'
    b'"before":"after":"commit_user":"ev_type":"notice","text":"Port  of switch  is down is up disconnected from the '
    b'Mist cloud connected to the Mist cloud Client  joined SSID  in 5 GHz on AP  with - dBm left SSID  after  min"'
    b'"band":"5","24","channel":"pre_channel":"bandwidth":"power":"pre_power":"pre_bandwidth":"usage":"version":'
    b'"apfw":"client_count":"ext_ip":"model":"name":"ssid":"bssid":"ap":"ap_name":"reason":"power_cycle","port_id":'
    b'"ge-0/0/","last_reboot_time":"device_name":"device_type":"switch","gateway","type":"SW_PORT_DOWN","SW_PORT_UP",'
    b'"AP_CONFIGURED","AP_RESTARTED","AP_DISCONNECTED","AP_CONNECTED","mac":"site_name":[2],"for_site":true,'
    b'"device_name":[4],"device_type":[5],"mac":[3],"org_id":[0],"site_id":[1],"type":[6],"topic":"timestamp":1'
)


class Row(NamedTuple):
    """An event as it is stored; `kind`, `place` and `device` are texts for the table of names."""

    time_ms: int
    delay_ms: int
    hash: int
    kind: str
    place: str
    device: str
    payload: bytes


# Rows


def hash_of(event_id: str) -> int:
    """Return 64 bits of an event ID as a signed integer."""
    digits = event_id[:16] if _ID(event_id) else blake2b(event_id.encode(), digest_size=8).hexdigest()
    return int.from_bytes(bytes.fromhex(digits), signed=True)


def row_of(event: Event, dictionary: bytes = DICTIONARY) -> Row:
    """Return the row of an event.

    Raises:
        ValueError: A text cannot be encoded as UTF-8.
        OverflowError: A number is too large.
    """
    time_ms = round(event.time * 1000)
    if max(abs(time_ms), abs(event.received * 1000)) > MAX_TIME_MS:
        raise OverflowError(time_ms)
    return Row(
        time_ms=time_ms,
        delay_ms=round(event.received * 1000) - time_ms,
        hash=hash_of(event.id),
        kind=_name(event.topic, event.source, event.type, event.severity, event.status),
        place=_name(event.org_id, event.site_id, event.site_name),
        device=_name(event.device_mac, event.device_name, event.device_type),
        payload=_pack(event, dictionary),
    )


def _name(*parts: str) -> str:
    return _encode(parts).decode()


def _pack(event: Event, dictionary: bytes) -> bytes:
    """Return the payload: a marker, the second half of the ID, and compressed JSON of ID, text and fields.

    A field equal to a column of the event is stored as the number of the column; names in the text likewise.
    """
    numbers = {value: [number] for number, name in enumerate(_REFERENCES) if (value := getattr(event, name))}
    fields = {
        path: numbers.get(value, value) if isinstance(value, str) else value for path, value in event.fields.items()
    }
    plain_id = _ID(event.id) is not None
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW_DEFLATE, zdict=dictionary)
    packed = (
        compressor.compress(_encode(("" if plain_id else event.id, _shortened(event), fields))) + compressor.flush()
    )
    return b"\0" + bytes.fromhex(event.id[16:]) + packed if plain_id else b"\1" + packed


def _shortened(event: Event) -> str:
    """Return the text with marks in place of names; with a zero in front if text or names contain marks themselves."""
    text = event.text
    names = [(mark, getattr(event, name)) for mark, name in _IN_TEXT]
    if _MARKS.search(text) or any(_MARKS.search(name) for _, name in names):
        return "\0" + text
    for mark, name in names:
        if name:
            text = text.replace(name, mark)
    return text


def event_of(row: Row, dictionary: bytes = DICTIONARY) -> Event:
    """Return the event of a row."""
    topic, source, type_, severity, status = _decode_kind(row.kind)
    org_id, site_id, site_name = _decode_name(row.place)
    mac, device_name, device_type = _decode_name(row.device)
    plain_id = row.payload[0] == 0
    decompressor = zlib.decompressobj(_RAW_DEFLATE, zdict=dictionary)
    body = decompressor.decompress(row.payload[9 if plain_id else 1 :], _MAX_PAYLOAD_BYTES)
    event_id, text, fields = _decode_payload(body)
    if plain_id:
        event_id = row.hash.to_bytes(8, signed=True).hex() + row.payload[1:9].hex()
    columns = (org_id, site_id, site_name, mac, device_name, device_type, type_, topic)
    if text.startswith("\0"):
        text = text[1:]
    else:
        for mark, value in (("\x01", device_name), ("\x02", site_name), ("\x03", mac)):
            text = text.replace(mark, value)
    return Event(
        id=event_id,
        time=row.time_ms / 1000,
        received=(row.time_ms + row.delay_ms) / 1000,
        topic=topic,
        source=source,
        type=type_,
        severity=severity,
        status=status,
        org_id=org_id,
        site_id=site_id,
        site_name=site_name,
        device_mac=mac,
        device_name=device_name,
        device_type=device_type,
        text=text,
        fields={path: columns[value[0]] if isinstance(value, list) else value for path, value in fields.items()},
    )


def size_of(event: Event) -> int:
    """Return the approximate size of an event in memory, in bytes."""
    texts = sum(map(getsizeof, event.fields)) + sum(map(getsizeof, event.fields.values()))
    return EVENT_BYTES + FIELD_BYTES * len(event.fields) + getsizeof(event.text) + texts


# Tokens


def words_of(text: str) -> list[str]:
    """Return the words of a text: letters and digits, in lower case, for comparison."""
    return _WORD.findall(text.casefold())


def searched_text(event: Event) -> str:
    """Return the text that free-text search examines."""
    return f"{event.text}\n{event.site_name}\n{event.device_name}".casefold()


def value_text(value: Scalar) -> str:
    """Return a field's value as it is compared: in lower case; flags as in JSON."""
    return str(value).casefold()


def path_without_indexes(path: str) -> str:
    """Return a path without the indexes of lists: `reasons.0` -> `reasons`."""
    return _INDEX.sub("", path)


def is_indexed(value: str) -> bool:
    """Return whether equality with a value is in the index: fractions and times are not, they rarely repeat."""
    return _UNINDEXED(value) is None


@lru_cache(maxsize=65536)
def token(name: str, value: str) -> str:
    """Return the token of `name=value`: 40 bits of a hash. Hits are checked, so that a collision does no harm."""
    return "0" + b32encode(blake2b(f"{name}={value}".encode(), digest_size=5).digest()).decode().lower()


def word_token(word: str) -> str:
    """Return the token of a word, ASCII, with which a prefix of the word begins as well."""
    word = word[:MAX_WORD_CHARS]
    return word if word.isascii() else "u" + word.encode("utf-8", "replace").hex()


def column_values(event: Event) -> Iterator[tuple[str, str]]:
    """Yield the filters that are not fields, as pairs of a name and a value in lower case."""
    yield "/topic", event.topic.casefold()
    yield "/severity", event.severity
    if event.type:
        yield "/type", event.type.casefold()
    if event.status:
        yield "/status", event.status
    for site in {event.site_id.casefold(), event.site_name.casefold()} - {""}:
        yield "/site", site
    for device in {event.device_mac, event.device_name.casefold()} - {""}:
        yield "/device", device


def tokens_of(event: Event) -> str:
    """Return what the full-text table contains of an event."""
    tokens = {token(name, value) for name, value in column_values(event)}
    for path, value in event.fields.items():
        text = value_text(value)
        if is_indexed(text):
            tokens.add(token(path_without_indexes(path), text))
    tokens.update(word_token(word) for word in words_of(searched_text(event))[:MAX_WORDS])
    return " ".join(tokens)
