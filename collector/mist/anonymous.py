"""Payloads without identities, for recordings: names, addresses and ids are replaced, equal ones by equal ones.

Kept are numbers, booleans, times, the field names of Mist, and text of Mist's own vocabulary (a status, a model, a
version), recognised by its field. All other text and all other keys are replaced, so that fields added later are safe
as well. A MAC is replaced by a MAC in the same notation, a UUID by a UUID, an IP address by an IP address; the id of a
device, which contains its MAC, is replaced consistently with the MAC. Replacements are computed with a keyed hash. The
key is created for one recording and not stored, so that names cannot be recovered by hashing candidates.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import TYPE_CHECKING

from collector.mist.channels import CHANNELS
from collector.mist.field_names import is_field_name
from collector.mist.identity import mac_of
from collector.mist.topics import TOPICS

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from typing import Any, Final

MAX_DEPTH: Final = 64  # levels of nesting; Mist uses fewer than 10


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VOCABULARY: Final = _words(
    """
    DataPlaneNotifiedStatus InternalStatus MonitoringFailure State Status address_mode airflow ant_mode
    antenna_select app_status appid_install_result appid_status auth_algo auth_method auth_state auth_type
    backup_version band band_24_usage bios_version boot_partition bssid_band channel_width cia_version client_type
    code config_status config_type configuration connection_band country_code cpld_version device_type encrypt_algo
    ether_mode ev_type event event_type ewf_status family feature fpga_version from_version group hw_rev
    idp_install_result idp_status ike_version key_mgmt l2tp_state last_event last_status_change_reason
    minimum_version mist_agent_version mode model model_number mount mux_state mxedge_model node operational
    optics_cpld_version package_state part_no pending_version poe_mode poe_priority poe_version port_usage
    power_cpld_version power_opmode power_src power_srcs primary_node_health priority probe_type proto protocol
    re_fpga_version recovery_version redundancy_state region_code request_type resource rx_state running_state
    secondary_node_health service_mode severity src state status status_detail stp_role stp_state
    target_version terminate_cause test_type timezone tmc_fpga_version to_version topic trigger type
    type6 type8 uboot_version usage vc_mode vc_role vc_state vendor version virtualization_type vlan_source wan_type
    xcvr_model xcvr_part_number port_type unit dot11_proto
    """
)  # fmt: skip
_LONGEST_WORD: Final = 64  # characters of a text of the vocabulary
# Fields that may contain the name of a component: eth0, ge-0/0/11.0, irb.125, node0, Fan 0, Power Supply 1.
_COMPONENT_FIELDS: Final = _words("port_id port_parent port interface Interface eth_port node name")
_COMPONENT_WORD: Final = (
    "(?:fan|tray|psu|pem|power|supply|cpu|gpu|fpc|routing|engine|sensor|temperature|temp|phy|die|inlet|outlet|exhaust"
    "|ambient|intake|module|slot|bay|board|chip|switch|left|right|top|bottom|front|rear|middle|center)"
)
_COMPONENT: Final = re.compile(
    "(?:eth|ens|lan|wan|radio|node|module|fpc|irb|vlan|dpdk|xe|ge|mge|et|ae|reth|lo|me|vme|lte|fxp|em|cpu|re|pem|psu|fan"
    "|port|lacp)[0-9]{0,4}(?:[-/.:_][0-9]{1,4}){0,4}"
    f"|{_COMPONENT_WORD}(?:[ _-]?(?:{_COMPONENT_WORD}|[0-9]{{1,2}}(?![0-9]))){{0,8}}",
    re.IGNORECASE,
).fullmatch
_LONGEST_COMPONENT: Final = 40  # characters
_VERSION: Final = re.compile(r"[0-9][0-9A-Za-z._-]{0,30}").fullmatch
# Objects whose keys are data: names given by people, interfaces, serial numbers, MACs ({key} of the field lists).
_MAPS: Final = _words(
    """
    dhcpd_stat dhcpd2_stat service_stat service2_stat expiring_certs networks wlans ssids l2tp_stat tunnels peers
    clients if_stat if2_stat port_stat interfaces ports ips macs cpus modules connected_devices mesh_downlinks
    lag_stat iot_stat
    """
)
_PEOPLE: Final = _words(
    """
    username user hostname last_hostname email idp_username admin_name access_code_email sponsor_email sponsor_name
    mobile company field1 field2 field3 field4 client client_username client_hostname client_ip last_ip src_ip phone
    first_name last_name psk_name
    """
)
_COORDINATES: Final = _words("lat lng latitude longitude")
_OF_A_PERSON: Final = _PEOPLE | _words(
    "mac client_mac name ip ip6 ips wcid uuid id sdkclient_id asset_id device_name client_id"
)
_OF_DEVICES_TOO: Final = _words("hostname last_hostname")
_NUMBERS_OF_PEOPLE: Final = _words("mobile phone")
_NUMBERS_OF_DEVICES: Final = _words("imei imsi lte_imsi iccid serial")
_GIVEN_NAMES: Final = _words("name ssid ssids network notes text message")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE).fullmatch
_DEVICE_PREFIX: Final = "00000000-0000-0000-1000-"
# An e-mail address, IPv4 address, MAC or part of a UUID within a text.
_IDENTITY: Final = re.compile(
    r"@|(?<![0-9])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9])|[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}|[0-9a-f]{12}", re.IGNORECASE
).search
_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,6}(?:\.[0-9]{1,9})?").fullmatch
_NUMBER_AS_KEY: Final = re.compile(r"[0-9]{1,4}(?:/[0-9]{1,4}){0,3}").fullmatch
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[-+][0-9]{2}:?[0-9]{2})?"
).fullmatch
_PREFIX_LENGTH: Final = re.compile(r"[0-9]{1,3}").fullmatch
_LONGEST_ADDRESS: Final = 64  # characters of an IP address with its prefix length, a MAC or a UUID
_CACHE_SIZE: Final = 100_000  # texts whose replacement is not computed again
_PLACEHOLDERS: Final = frozenset(  # for "none": an unassigned device, an address that is not known yet
    {"", "000000000000", "00000000-0000-0000-0000-000000000000", "0.0.0.0", "::", "unknown", "none", "N/A"}  # noqa: S104 - text
)
_PATH_WORDS: Final = frozenset(part for channel in CHANNELS for part in channel.template.split("/") if "{" not in part)
_HEX: Final = re.compile("[0-9a-f]", re.IGNORECASE)


class Anonymizer:
    """Replaces identities in payloads. Two instances with the same key replace alike.

    Args:
        key: Secret, 16 to 64 bytes.
        people_only: Keep sites, devices and their names; replace people and their devices only. For output on a
            terminal, not for files.
        fields: Field names to keep beside those of Mist's documentation.
    """

    def __init__(self, key: bytes, *, people_only: bool = False, fields: AbstractSet[str] = frozenset()) -> None:
        self._key = key
        self._people_only = people_only
        self._fields = fields
        self._numbers = _NUMBERS_OF_PEOPLE if people_only else _NUMBERS_OF_PEOPLE | _NUMBERS_OF_DEVICES
        self._shapes: dict[str, str] = {}

    def path(self, path: str) -> str:
        """Return the path of a channel with its ids replaced."""
        if self._people_only:
            return path
        return "/".join(part if part in _PATH_WORDS else self._path_id(part) for part in path.split("/"))

    def topic(self, topic: str) -> str:
        """Return a known topic unchanged, any other replaced."""
        return topic if self._people_only or topic in TOPICS else self._replaced(topic)

    def payload(self, payload: Any, *, personal: bool = False) -> Any:
        """Return a copy of a decoded payload with its keys and texts replaced.

        Objects and lists that are nested deeper than `MAX_DEPTH` become None.

        Args:
            payload: Anything that JSON can represent.
            personal: Whether the payload describes a person or a device of a person, see `is_personal`.
        """
        people = _OF_A_PERSON if personal else _PEOPLE
        if self._people_only and not personal:
            people = _PEOPLE - _OF_DEVICES_TOO
        return self._value(payload, "", people, MAX_DEPTH)

    def _value(self, value: Any, key: str, people: frozenset[str], depth: int) -> Any:
        if isinstance(value, dict | list):
            if depth == 0:
                return None
            if isinstance(value, dict):
                return self._object(value, key, people, depth - 1)
            # The keys of an object in a list are field names, whatever the list is called.
            return [self._value(item, "" if isinstance(item, dict) else key, people, depth - 1) for item in value]
        if isinstance(value, str):
            return self._text(value, key, people)
        if key in _COORDINATES and not self._people_only and value is not None:
            return 0.0
        return 0 if key in self._numbers and value is not None else value

    def _object(self, value: dict[str, Any], place: str, people: frozenset[str], depth: int) -> dict[str, Any]:
        return {self._key_of(key, place, people): self._value(item, key, people, depth) for key, item in value.items()}

    def _key_of(self, key: str, place: str, people: frozenset[str]) -> str:
        """Return a key of the object in the field `place`: a field name as it is, data replaced."""
        if self._people_only and people is not _OF_A_PERSON:
            return self._replaced(key) if "@" in key else key
        if place not in _MAPS and (key in self._fields or is_field_name(key)):
            return key
        if _NUMBER_AS_KEY(key) or _is_component(key):
            return key
        return self._replaced(key)

    def _text(self, text: str, key: str, people: frozenset[str]) -> str:
        identifies = key in people or key in self._numbers
        if text in _PLACEHOLDERS or (self._people_only and not identifies):
            return text
        if identifies:
            return self._replaced(text)
        if key in _VOCABULARY and _is_vocabulary(text):
            return self._shaped(text) or text
        return text if _is_neutral(text, key) else self._replaced(text)

    def _path_id(self, text: str) -> str:
        return text if _NUMBER(text) else self._replaced(text)  # a number in a payload is kept, too

    def _replaced(self, text: str) -> str:
        return self._shaped(text) or f"x{self._digest(text)[:10]}"

    def _shaped(self, text: str) -> str | None:
        """Return the replacement of a MAC, UUID or IP address, in the same form; None for other text."""
        if len(text) > _LONGEST_ADDRESS:
            return None
        if text in _PLACEHOLDERS:
            return text
        found = self._shapes.get(text)
        if found is None:
            if len(self._shapes) >= _CACHE_SIZE:
                self._shapes.clear()
            found = self._mac(text) or self._uuid(text) or self._address(text) or ""
            self._shapes[text] = found
        return found or None

    def _mac(self, text: str) -> str | None:
        mac = mac_of(text)
        if mac is None:
            return None
        # 02: locally administered, unicast. Written digit by digit into the notation of the original.
        digits = iter(f"02{self._digest(mac)[:10]}")
        head = _DEVICE_PREFIX if text.lower().startswith(_DEVICE_PREFIX) else ""
        tail = text[len(head) :]
        replaced = _HEX.sub(lambda _: next(digits), tail)
        return head + (replaced.upper() if tail.isupper() else replaced)

    def _uuid(self, text: str) -> str | None:
        if not _UUID(text):
            return None
        digits = self._digest(text.lower())
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"

    def _address(self, text: str) -> str | None:
        if not text[:1].isalnum() and not text.startswith(":"):
            return None
        address, slash, length = text.partition("/")
        if slash and not _PREFIX_LENGTH(length):
            return None
        try:
            version = ipaddress.ip_address(address).version
        except ValueError:
            return None
        digits = self._digest(address)
        if version == 4:  # noqa: PLR2004 - IPv4: a host of 240.0.0.0/4, reserved by RFC 1112 and used by no network
            number = int(digits, 16) % (15 * 2**24)
            return f"{ipaddress.IPv4Address(240 * 2**24 + number)}{slash}{length}"
        return f"2001:db8::{digits[:4]}:{digits[4:8]}:{digits[8:12]}:{digits[12:16]}{slash}{length}"  # RFC 3849

    def _digest(self, text: str) -> str:
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).hexdigest()


def _is_vocabulary(text: str) -> bool:
    """Whether a text can be a part of Mist's vocabulary."""
    return len(text) <= _LONGEST_WORD and not _IDENTITY(text)


def _is_neutral(text: str, key: str) -> bool:
    """Whether the text of a field is a number, a time, a version or the name of a component."""
    if _NUMBER(text):
        return key not in _GIVEN_NAMES and not key.endswith("_name")
    return bool(
        _TIME(text)
        or (key.endswith("version") and _VERSION(text))
        or (key in _COMPONENT_FIELDS and _is_component(text))
    )


def _is_component(text: str) -> bool:
    return len(text) <= _LONGEST_COMPONENT and _COMPONENT(text) is not None


_PERSONAL_CHANNELS: Final = ("client", "map_")
_PERSONAL_TOPICS: Final = (
    "client-", "nac-", "guest-", "location", "zone", "rssizone", "vbeacon", "asset-", "discovered-", "filtered-",
    "wifi-", "sdkclient-", "audits",
)  # fmt: skip


def is_personal(name: str) -> bool:
    """Whether the payloads of a channel (`Channel.carries`) or topic describe people or their devices."""
    return name.startswith((*_PERSONAL_CHANNELS, *_PERSONAL_TOPICS))
