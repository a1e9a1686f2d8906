"""Identities made from a seed: UUIDs, MAC addresses, serial numbers. The same seed gives the same ones."""

from __future__ import annotations

import hashlib
import uuid

AP_OUI, SWITCH_OUI, GATEWAY_OUI, MXEDGE_OUI = "5c5b35", "20d80b", "94f7ad", "020001"
RADIO_STEP = 0x10
"""A radio owns 16 BSSIDs, so base addresses of radios lie this far apart."""

_DEVICE_STEP = 0x40
_SUFFIXES = 1 << 24


def uuid_of(seed: int, *names: object) -> str:
    """Return the UUID of the thing so named in the fleet of this seed."""
    digest = hashlib.blake2b(f"{seed}/{'/'.join(map(str, names))}".encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))


def mac_of(seed: int, oui: str, ordinal: int) -> str:
    """Return the address of the device of that ordinal: 12 lower-case hex digits, with room above for radios."""
    base = int.from_bytes(hashlib.blake2b(f"{seed}/{oui}".encode(), digest_size=2).digest()) << 8
    return f"{oui}{(base + ordinal * _DEVICE_STEP) % _SUFFIXES:06x}"


def mac_plus(mac: str, step: int) -> str:
    """Return the address `step` above `mac`."""
    return f"{int(mac, 16) + step:012x}"


def device_id(mac: str) -> str:
    """Return the id that Mist gives a device: its MAC behind a fixed prefix."""
    return f"00000000-0000-0000-1000-{mac}"


def serial_of(mac: str, letter: str) -> str:
    """Return a serial number in the style of the vendor."""
    return f"{letter}{int(mac[6:], 16):011d}"


def colons(mac: str) -> str:
    """Return `mac` as LLDP prints it: aa:bb:cc:dd:ee:ff."""
    return ":".join(mac[place : place + 2] for place in range(0, 12, 2))
