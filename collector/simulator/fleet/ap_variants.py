"""AP variants: models and options that together cover every field of an AP payload.

The variant of an AP follows from its ordinal in the fleet: a site of ten APs has all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class RadioProfile:
    """Hardware of a radio.

    Attributes:
        key: Key of the radio in radio_stat.
        usage: Band in which the radio operates.
        channels: Channels that it may use.
        bandwidth_mhz: Channel width.
        disabled: Whether the radio is disabled: all of its measurements are 0.
        flagged: Whether radio_stat of a disabled radio contains `disabled`; otherwise only radio_config does.
    """

    key: str
    usage: str
    channels: tuple[int, ...]
    bandwidth_mhz: int
    disabled: bool = False
    flagged: bool = False


_24 = RadioProfile(key="band_24", usage="24", channels=(1, 6, 11), bandwidth_mhz=20)
_5 = RadioProfile(key="band_5", usage="5", channels=(36, 44, 52, 100, 149), bandwidth_mhz=40)
_6 = RadioProfile(key="band_6", usage="6", channels=(5, 21, 37, 53, 69), bandwidth_mhz=80)
_5_UNDER_24 = RadioProfile(key="band_24", usage="5", channels=(149, 157), bandwidth_mhz=40)
_6_UNDER_5 = RadioProfile(key="band_5", usage="6", channels=(101, 117), bandwidth_mhz=160)
_6_DISABLED = RadioProfile(key="band_6", usage="6", channels=(0,), bandwidth_mhz=0, disabled=True, flagged=True)
_24_DISABLED = RadioProfile(key="band_24", usage="24", channels=(0,), bandwidth_mhz=0, disabled=True)


@dataclass(frozen=True, kw_only=True)
class ApVariant:
    """Model and options of an AP.

    Attributes:
        model: Model name.
        radios: Hardware of the radios.
        ports: Name of an Ethernet port -> whether its link is up.
        explicit_ids: Whether frames contain type, org_id and site_id.
        cpu: Format of the CPU load: "percent", "jiffies" (cpu_user and cpu_system are counters, as in the public
            sample) or "stat" (the older pair cpu_stat and memory_stat).
        memory_kb: Memory size.
        power_src: Power source.
        extras: Optional components, see `ap_optional_components`.
        outdoor: Whether the AP is an outdoor model.
    """

    model: str
    radios: tuple[RadioProfile, ...]
    ports: dict[str, bool] = field(default_factory=lambda: {"eth0": True, "eth1": False})
    explicit_ids: bool = False
    cpu: str = "percent"
    memory_kb: int = 1_033_216
    power_src: str = "PoE 802.3at"
    extras: tuple[str, ...] = ()
    outdoor: bool = False


AP_VARIANTS: tuple[ApVariant, ...] = (
    ApVariant(model="AP45", radios=(_24, _5, _6), explicit_ids=True, extras=("certs", "trouble")),
    ApVariant(model="AP43", radios=(_24, _5), cpu="jiffies", memory_kb=505_468, extras=("mesh_base", "nulls")),
    ApVariant(
        model="AP43",
        radios=(_24, _5),
        ports={"eth0": False, "eth1": False},
        cpu="jiffies",
        memory_kb=505_468,
        power_src="DC Input",
        extras=("mesh_relay",),
    ),
    ApVariant(model="AP45", radios=(_5_UNDER_24, _5, _6), extras=("redundancy", "nulls")),
    ApVariant(
        model="AP12",
        radios=(_24, _5),
        ports={"eth0": True, "eth1": True, "eth2": False, "eth3": False, "module": False},
        explicit_ids=True,
        memory_kb=505_468,
        extras=("l2tp", "trouble"),
    ),
    ApVariant(
        model="AP63",
        radios=(_24, _5),
        power_src="PoE 802.3af",
        memory_kb=505_468,
        extras=("gps", "antenna", "weak_power"),
        outdoor=True,
    ),
    ApVariant(model="AP24", radios=(_24, _5, _6_DISABLED), extras=("esl", "antenna")),
    ApVariant(model="AP45", radios=(_24, _5, _6), explicit_ids=True, extras=("usb", "iot", "placement", "profile")),
    ApVariant(model="AP33", radios=(_24_DISABLED, _5), cpu="stat", extras=("fwupdate", "locating")),
    ApVariant(
        model="AP47",
        radios=(_24, _6_UNDER_5, _6),
        ports={"eth0": True, "eth1": True},
        explicit_ids=True,
        power_src="PoE 802.3bt",
        extras=("two_uplinks", "static_ip", "nulls"),
    ),
)
