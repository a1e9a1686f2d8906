"""Recordings without anybody in them: every name, address and id replaced, equal ones by equal ones.

What stays is what says nothing of whom it came from: numbers, truth values, times, and the words of Mist's own
vocabulary (a status, a model, a version), which stand under the keys in `_VOCABULARY`. All other text is replaced, so
that a field nobody knew of is safe too. A MAC stays a MAC, in its notation, a UUID a UUID, an IP address an IP
address; the id of a device, which holds its MAC, goes on holding it. Replacements come from a keyed hash whose key is
made for one recording and thrown away with it: nobody can try out names until the hash fits.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import TYPE_CHECKING

from collector.mist.identity import mac_of

if TYPE_CHECKING:
    from typing import Any, Final


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
# Keys that hold a name of a part, told by its shape: eth0, ge-0/0/11.0, irb.125, dpdk1, node0, Fan 0, Power Supply 1.
_PARTS: Final = frozenset({"port_id", "port_parent", "port", "interface", "Interface", "eth_port", "node", "name"})
_PART: Final = re.compile(
    r"(?:eth|lan|wan|radio|node|module|fpc|irb|vlan|dpdk|xe|ge|mge|et|ae|reth|lo|me|vme|lte|fxp|em|cpu|re|pem|psu|fan)"
    r"[0-9]*(?:[-/.:_]?[0-9]{1,4})*"
    r"|(?:(?:fan|tray|psu|pem|power|supply|cpu|gpu|fpc|routing|engine|sensor|temperature|temp|phy|die|inlet|outlet|exhaust"
    r"|ambient|intake|module|slot|bay|board|chip|switch|left|right|top|bottom|front|rear|middle|center)"
    r"[ _-]?[0-9]{0,2}[ _-]?)+",
    re.IGNORECASE,
).fullmatch
_VERSION: Final = re.compile(r"[0-9][0-9A-Za-z._-]{0,30}").fullmatch
# Mappings whose keys are names that people gave, or numbers that name a thing.
_NAMED: Final = _words(
    "dhcpd_stat dhcpd2_stat service_stat expiring_certs networks wlans ssids l2tp_stat tunnels peers clients"
)
_PEOPLE: Final = _words(
    """
    username user hostname last_hostname email idp_username admin_name access_code_email sponsor_email sponsor_name
    mobile company field1 field2 field3 field4 client client_username client_hostname client_ip last_ip src_ip phone
    first_name last_name psk_name
    """
)
_PLACES: Final = _words("lat lng latitude longitude")
_OF_A_PERSON: Final = _PEOPLE | _words(
    "mac client_mac name ip ip6 ips wcid uuid id sdkclient_id asset_id device_name client_id"
)
_OF_DEVICES_TOO: Final = frozenset({"hostname", "last_hostname"})
_CALLED: Final = frozenset({"mobile", "phone"})  # of people, even where it is a number
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE).fullmatch
_DEVICE_PREFIX: Final = "00000000-0000-0000-1000-"
_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,6}(?:\.[0-9]{1,9})?").fullmatch
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(?:Z|[-+][0-9:]+)?").fullmatch
_REMEMBERED: Final = 100_000  # texts whose replacement is not computed again
_NOBODY: Final = frozenset(  # what says that there is nobody: an unassigned device, an address not yet known
    {"", "000000000000", "00000000-0000-0000-0000-000000000000", "0.0.0.0", "::", "unknown", "none", "N/A"}  # noqa: S104 - text
)
_HEX: Final = re.compile("[0-9a-f]", re.IGNORECASE)


class Anonymous:
    """Replaces what names somebody. Two with the same `key` (16 to 64 bytes) replace alike; keep it to nobody.

    With `people_only` sites, devices and their names stay, and only people and their things are replaced: for a look
    at a terminal, not for passing on.
    """

    def __init__(self, key: bytes, *, people_only: bool = False) -> None:
        self._key = key
        self._people_only = people_only
        self._known: dict[str, str] = {}

    def path(self, path: str) -> str:
        """A channel's path, with the ids in it replaced."""
        if self._people_only:
            return path
        return "/".join(self._shaped(part) or part for part in path.split("/"))

    def payload(self, payload: Any, *, personal: bool = False) -> Any:
        """A copy of a decoded payload, replaced throughout. `personal`: it is about people, see `is_personal`."""
        people = _OF_A_PERSON if personal else _PEOPLE
        if self._people_only and not personal:
            people = _PEOPLE - _OF_DEVICES_TOO
        return self._value(payload, "", people)

    def _value(self, value: Any, key: str, people: frozenset[str]) -> Any:
        if isinstance(value, dict):
            return self._mapping(value, key, people)
        if isinstance(value, list):  # the entries of a list bear no names: what would be names are fields
            return [
                self._mapping(item, "", people) if isinstance(item, dict) else self._value(item, key, people)
                for item in value
            ]
        if isinstance(value, str):
            return self._text(value, key, people)
        if key in _PLACES and not self._people_only and value is not None:
            return 0.0
        return 0 if key in _CALLED and value is not None else value

    def _mapping(self, value: dict[str, Any], within: str, people: frozenset[str]) -> dict[str, Any]:
        return {self._key_of(name, within): self._value(item, name, people) for name, item in value.items()}

    def _text(self, text: str, key: str, people: frozenset[str]) -> str:
        if text in _NOBODY:
            return text
        if self._people_only:
            return self._replaced(text) if key in people else text
        if key in people:
            return self._replaced(text)
        if key.endswith("_version") and _VERSION(text):
            return text
        if key in _VOCABULARY or _NUMBER(text) or _TIME(text) or (key in _PARTS and _PART(text)):
            return self._shaped(text) or text
        return self._replaced(text)

    def _key_of(self, name: str, within: str) -> str:
        if self._people_only:
            return name
        return self._shaped(name) or (self._replaced(name) if within in _NAMED else name)

    def _replaced(self, text: str) -> str:
        return self._shaped(text) or f"x{self._digest(text)[:10]}"

    def _shaped(self, text: str) -> str | None:
        """The replacement of a MAC, UUID or IP address, in the same shape; None for other text."""
        if text in _NOBODY:
            return text
        found = self._known.get(text)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._mac(text) or self._uuid(text) or self._address(text) or ""
            self._known[text] = found
        return found or None

    def _mac(self, text: str) -> str | None:
        mac = mac_of(text)
        if mac is None:
            return None
        # Locally administered, unicast: no maker's number. Written digit for digit into the notation that came.
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
        try:
            version = ipaddress.ip_address(address).version
        except ValueError:
            return None
        number = int(self._digest(address), 16)
        if version == 4:  # noqa: PLR2004 - IPv4, in the block for benchmarks of RFC 2544 and what stands above it
            return f"198.18.{number % 256}.{number // 256 % 256}{slash}{length}"
        return f"2001:db8::{number % 65_536:x}:{number // 65_536 % 65_536:x}{slash}{length}"  # RFC 3849: documentation

    def _digest(self, text: str) -> str:
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).hexdigest()


_PERSONAL_CHANNELS: Final = ("client", "map_")
_PERSONAL_TOPICS: Final = (
    "client-", "nac-", "guest-", "location", "zone", "rssizone", "vbeacon", "asset-", "discovered-", "filtered-",
    "wifi-", "sdkclient-", "audits",
)  # fmt: skip


def is_personal(name: str) -> bool:
    """Whether what a channel carries (`Channel.carries`), or a topic of webhooks, is about people or their things."""
    return name.startswith((*_PERSONAL_CHANNELS, *_PERSONAL_TOPICS))
