"""The access points of a fleet: models, and ten variants that together show every corner of an AP's frame.

An AP's variant follows from its place in the fleet, so a site of ten has them all.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class RadioPlan:
    """A radio as built: `key` is its place in radio_stat, `usage` the band it works in.

    A `disabled` one says zeros; a `flagged` one also says that it is disabled, the others leave that to radio_config.
    """

    key: str
    usage: str
    channels: tuple[int, ...]
    bandwidth_mhz: int
    disabled: bool = False
    flagged: bool = False


_24 = RadioPlan(key="band_24", usage="24", channels=(1, 6, 11), bandwidth_mhz=20)
_5 = RadioPlan(key="band_5", usage="5", channels=(36, 44, 52, 100, 149), bandwidth_mhz=40)
_6 = RadioPlan(key="band_6", usage="6", channels=(5, 21, 37, 53, 69), bandwidth_mhz=80)
_5_UNDER_24 = RadioPlan(key="band_24", usage="5", channels=(149, 157), bandwidth_mhz=40)
_6_UNDER_5 = RadioPlan(key="band_5", usage="6", channels=(101, 117), bandwidth_mhz=160)
_6_DISABLED = RadioPlan(key="band_6", usage="6", channels=(0,), bandwidth_mhz=0, disabled=True, flagged=True)
_24_DISABLED = RadioPlan(key="band_24", usage="24", channels=(0,), bandwidth_mhz=0, disabled=True)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way for an AP to be.

    `spelled`: frames name type, org and site. `ports`: name -> up. `cpu`: "percent", "jiffies" (cpu_user and
    cpu_system count up, as in the public sample) or "stat" (an older cpu_stat/memory_stat pair). `extras` name
    the parts of `ap_extras`.
    """

    model: str
    radios: tuple[RadioPlan, ...]
    ports: dict[str, bool] = field(default_factory=lambda: {"eth0": True, "eth1": False})
    spelled: bool = False
    cpu: str = "percent"
    memory_kb: int = 1_033_216
    power_src: str = "PoE 802.3at"
    extras: tuple[str, ...] = ()
    outdoor: bool = False


VARIANTS: tuple[Variant, ...] = (
    Variant(model="AP45", radios=(_24, _5, _6), spelled=True, extras=("certs", "trouble")),
    Variant(model="AP43", radios=(_24, _5), cpu="jiffies", memory_kb=505_468, extras=("mesh_base", "nulls")),
    Variant(
        model="AP43",
        radios=(_24, _5),
        ports={"eth0": False, "eth1": False},
        cpu="jiffies",
        memory_kb=505_468,
        power_src="DC Input",
        extras=("mesh_relay",),
    ),
    Variant(model="AP45", radios=(_5_UNDER_24, _5, _6), extras=("redundancy", "nulls")),
    Variant(
        model="AP12",
        radios=(_24, _5),
        ports={"eth0": True, "eth1": True, "eth2": False, "eth3": False, "module": False},
        spelled=True,
        memory_kb=505_468,
        extras=("l2tp", "trouble"),
    ),
    Variant(
        model="AP63",
        radios=(_24, _5),
        power_src="PoE 802.3af",
        memory_kb=505_468,
        extras=("gps", "antenna", "weak_power"),
        outdoor=True,
    ),
    Variant(model="AP24", radios=(_24, _5, _6_DISABLED), extras=("esl", "antenna")),
    Variant(model="AP45", radios=(_24, _5, _6), spelled=True, extras=("usb", "iot", "placement", "profile")),
    Variant(model="AP33", radios=(_24_DISABLED, _5), cpu="stat", extras=("fwupdate", "locating")),
    Variant(
        model="AP47",
        radios=(_24, _6_UNDER_5, _6),
        ports={"eth0": True, "eth1": True},
        spelled=True,
        power_src="PoE 802.3bt",
        extras=("two_uplinks", "static_ip", "nulls"),
    ),
)
