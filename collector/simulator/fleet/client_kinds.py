"""What Wi-Fi clients are: makes, WLANs, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Make:
    """A make of client; empty words mean that Mist could not tell."""

    oui: str
    manufacture: str
    family: str
    model: str
    os: str
    os_version: str
    proto: str
    random_mac: bool = False


@dataclass(frozen=True, kw_only=True)
class Wlan:
    """A WLAN: how one joins it and where its traffic goes. `bands` in order of liking."""

    ssid: str
    key_mgmt: str
    vlan_id: str
    bands: tuple[str, ...]
    users: bool = False
    guest: bool = False
    group: str = ""


MAKES: tuple[Make, ...] = (
    Make(oui="3c22fb", manufacture="Apple", family="iPhone", model="15", os="iOS", os_version="17.4", proto="ax"),
    Make(
        oui="da0b1c",
        manufacture="Unknown",
        family="",
        model="",
        os="Android",
        os_version="14",
        proto="ax",
        random_mac=True,
    ),
    Make(oui="a0cec8", manufacture="Intel", family="Windows", model="", os="Windows 11", os_version="", proto="be"),
    Make(oui="10521c", manufacture="Espressif Inc.", family="", model="", os="", os_version="", proto="n"),
    Make(
        oui="ac3eb1", manufacture="Google", family="Chromebook", model="x2", os="ChromeOS", os_version="121", proto="ac"
    ),
)

WLANS: tuple[Wlan, ...] = (
    Wlan(ssid="Corp", key_mgmt="WPA3-EAP/CCMP", vlan_id="10", bands=("6", "5", "24"), users=True, group="staff"),
    Wlan(ssid="Café Gäste", key_mgmt="Open", vlan_id="", bands=("5", "24"), guest=True),
    Wlan(ssid='IoT "8"\\x', key_mgmt="WPA2-PSK/CCMP", vlan_id="8", bands=("24", "5"), group="iot"),
)
