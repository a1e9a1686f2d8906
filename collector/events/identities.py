"""Replaces personal data of events by keyed hashes: equal values have equal hashes, on one collector.

The tables `PERSONAL` and `OF_CLIENTS` decide which fields are personal. Besides the fields themselves, their values are
replaced wherever else they occur in the event: in its text and in other fields. The ID of an event is derived from its
content, and is hashed, too: it could be used to test guesses of a MAC address.

The names of administrators in the topic `audits` are kept: who changed a configuration is the purpose of these events.
"""

from __future__ import annotations

import os
import re
import secrets
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import msgspec

from collector.errors import HistoryError
from collector.events.codec import path_without_indexes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from collector.event import Event, Scalar

PERSONAL: Final = frozenset({
    "cert_cn", "cert_subject", "client", "client_hostname", "client_id", "client_ip", "client_ipv6", "client_mac",
    "client_macs", "client_name", "client_username", "company", "dhcp_hostname", "email", "field1", "field2",
    "field3", "field4", "first_name", "host_name", "idp_username", "last_ip", "last_name", "mobile", "phone",
    "psk_name", "rogue_client", "sms_gateway", "sponsor_email", "sponsor_name", "src_ip", "user", "user_email",
    "user_name", "usermac", "username", "wcid", "wcids",
})  # fmt: skip
"""Last element of the path of a field that is personal in every topic."""
OF_CLIENTS: Final = frozenset({"hostname", "id", "ip", "ip6", "ips", "mac", "name", "sdkclient_id", "uuid"})
"""Last element of the path of a field that is personal unless the events of the topic are about devices."""
DEVICE_TOPICS: Final = frozenset({
    "alarms", "audits", "client-latency", "collector", "device_event", "device-events", "device-updowns",
    "minis-application", "minis-network", "minis-reachability", "mxedge_event", "mxedge-events",
    "occupancy-alerts", "otherdevice_sync", "ping", "site-sle",
})  # fmt: skip
"""Topics whose events are about devices, sites or the organization; every other topic is about clients."""
ENTITY_FIELDS: Final = frozenset({"entity_mac", "entity_name", "entity_ip"})
"""Fields of an impacted entity of an alarm; personal unless its `entity_type` is one of `ENTITY_DEVICES`."""
ENTITY_DEVICES: Final = frozenset({"ap", "switch", "gateway", "mxedge", "device", "site", "port", "vc"})

HASH_PREFIX: Final = "hash-"
_KEY_BYTES: Final = 32
_NO_VALUES: Final = frozenset(
    {"", "000000000000", "00000000-0000-0000-0000-000000000000", "0.0.0.0", "::", "unknown", "none", "n/a"}  # noqa: S104 - text
)
# The lookbehind keeps the search linear: a match begins only where a run of these characters begins.
_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
MAX_REPLACED: Final = 500  # occurrences of values in the texts of one event; further texts are hashed as a whole
_SEPARATORS: Final = str.maketrans("", "", ":-.")
_MAC: Final = re.compile("[0-9a-f]{12}").fullmatch


class Identities:
    """Hashes personal data with one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.hash_value: Callable[[str], str] = lru_cache(maxsize=16384)(self._hash)

    def _hash(self, value: str) -> str:
        """Return the hash of a value; notations of a MAC address are equal, and case is ignored."""
        text = value.strip().casefold()
        bare = text.translate(_SEPARATORS)
        digest = blake2b((bare if _MAC(bare) else text).encode("utf-8", "replace"), key=self._key, digest_size=6)
        return HASH_PREFIX + digest.hexdigest()

    def apply(self, event: Event) -> Event:
        """Return the event without personal data."""
        found = {path: str(value) for path, value in event.fields.items() if is_personal(event, path)}
        found = {path: value for path, value in found.items() if value.casefold() not in _NO_VALUES}
        event_id = blake2b(event.id.encode(), key=self._key, digest_size=16).hexdigest()
        hidden = _Hidden(set(found.values()), self.hash_value, emails=event.topic != "audits")
        fields: dict[str, Scalar] = {}
        for path, value in event.fields.items():
            if path in found:
                fields[path] = self.hash_value(found[path])
            else:
                fields[path] = hidden.replace(value) if isinstance(value, str) else value
        return msgspec.structs.replace(
            event,
            id=event_id,
            device_mac=hidden.replace(event.device_mac),
            device_name=hidden.replace(event.device_name),
            text=hidden.replace(event.text),
            fields=fields,
        )


class _Hidden:
    """Replaces the personal values of one event in its texts.

    Args:
        values: The values.
        hash_value: Returns the hash of a value.
        emails: Whether e-mail addresses are replaced, too; those of administrators are not.
    """

    def __init__(self, values: set[str], hash_value: Callable[[str], str], *, emails: bool) -> None:
        macs = {value.casefold().translate(_SEPARATORS) for value in values}
        spellings = {spelling for mac in macs if _MAC(mac) for spelling in mac_spellings(mac)}
        self._values = [(value, value.casefold()) for value in sorted(values | spellings, key=len, reverse=True)]
        self._hash_value = hash_value
        self._emails = emails
        self._left = MAX_REPLACED

    def replace(self, text: str) -> str:
        """Return the text without the values."""
        lower = text.casefold() if self._values else ""
        for value, folded in self._values:
            if folded in lower:
                self._left -= 1
                if self._left < 0:
                    return self._hash_value(text)
                text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", self._hash_value(value), text, flags=re.IGNORECASE)
        if self._emails and "@" in text:
            text = _EMAIL.sub(lambda found: self._hash_value(found[0]), text)
        return text


def mac_spellings(mac: str) -> tuple[str, ...]:
    """Return the usual notations of a MAC address of 12 digits."""
    pairs = [mac[at : at + 2] for at in range(0, 12, 2)]
    return mac, ":".join(pairs), "-".join(pairs), f"{mac[:4]}.{mac[4:8]}.{mac[8:]}"


def is_personal(event: Event, path: str) -> bool:
    """Return whether a field of an event is personal data."""
    bare = path_without_indexes(path) if path[-1:].isdigit() else path
    name = bare.rpartition(".")[2].lower()
    if name in PERSONAL:
        return True
    if name in ENTITY_FIELDS:
        sibling = path[: path.rfind(".") + 1] + "entity_type"
        return str(event.fields.get(sibling, "")).casefold() not in ENTITY_DEVICES
    if name not in OF_CLIENTS or event.topic in DEVICE_TOPICS:
        return False
    value = event.fields[path]
    outer = bare.split(".")[:-1]
    return outer[:1] in ([], ["client"], ["clients"]) and value not in (event.device_mac, event.device_name)


def load_key(path: Path) -> bytes:
    """Return the key in a file; create the file, readable by its owner only, if there is none.

    Raises:
        HistoryError: The file cannot be read or created, or contains no key.
    """
    try:
        try:
            return _read_key(path)
        except FileNotFoundError:
            _create_key(path)
            return _read_key(path)
    except (OSError, ValueError) as error:
        reason = (error.strerror or "") if isinstance(error, OSError) else "it contains no key"
        raise HistoryError(
            str(path), f"cannot be used as the key of identities: {reason}", "restore it, or remove it for a new key"
        ) from None


def _read_key(path: Path) -> bytes:
    key = bytes.fromhex(path.read_text(encoding="ascii"))
    if len(key) != _KEY_BYTES:
        raise ValueError(len(key))
    return key


def _create_key(path: Path) -> None:
    """Create the file as a whole: another process may create it at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(new, path)
    except FileExistsError:
        pass
    finally:
        new.unlink()


def random_key() -> bytes:
    """Return a key for the life of the process."""
    return secrets.token_bytes(_KEY_BYTES)
