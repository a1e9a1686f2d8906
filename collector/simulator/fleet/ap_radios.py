"""Radios of access points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.primitives import RADIO_STEP, TrafficCounters, mac_plus, random_walk

if TYPE_CHECKING:
    from random import Random

    from collector.simulator.fleet.ap_variants import RadioProfile
    from collector.simulator.fleet.primitives import Payload

_IDLE_LOAD = 0.2
_NOISE = {"24": (-92.0, -72.0), "5": (-97.0, -84.0), "6": (-98.0, -88.0)}


class ApRadio:
    """A radio. Clients update `num_clients` when they associate and leave."""

    def __init__(self, profile: RadioProfile, mac: str, rng: Random) -> None:
        self.profile, self.mac = profile, mac
        self.channel = rng.choice(profile.channels)
        self.power_dbm = 0 if profile.disabled else rng.randint(8, 20)
        self.traffic = TrafficCounters(rng.uniform(2e3, 6e4), rng.uniform(8e3, 3e5))
        self.num_clients = 0
        low, high = _NOISE[profile.usage]
        self._noise_dbm = rng.uniform(low, high)
        self._tx, self._in_bss, self._other_bss, self._non_wifi = (rng.uniform(0, top) for top in (15, 8, 20, 5))

    def advance(self, dt_s: float, rng: Random) -> Payload:
        """Advance by `dt_s` seconds; return the member of radio_stat."""
        profile, traffic = self.profile, self.traffic
        if profile.disabled:
            return self._disabled_section()
        traffic.transfer(dt_s, _IDLE_LOAD + self.num_clients * 0.2, rng)
        low, high = _NOISE[profile.usage]
        self._noise_dbm = random_walk(rng, self._noise_dbm, low, high, 1.5)
        tx = self._tx = random_walk(rng, self._tx, 0, 35, 4)
        in_bss = self._in_bss = random_walk(rng, self._in_bss, 0, 20, 2)
        other_bss = self._other_bss = random_walk(rng, self._other_bss, 0, 30, 4)
        non_wifi = self._non_wifi = random_walk(rng, self._non_wifi, 0, 10, 2)
        shares = (int(tx), int(in_bss), int(other_bss), int(non_wifi), int(non_wifi) // 4, int(other_bss) // 8)
        return {
            "mac": self.mac,
            "usage": profile.usage,
            "channel": self.channel,
            "bandwidth": profile.bandwidth_mhz,
            "power": self.power_dbm,
            "noise_floor": int(self._noise_dbm),
            "num_clients": self.num_clients,
            "num_wlans": 3,
            "dynamic_chaining_enabled": False,
            "rx_bytes": traffic.rx_bytes,
            "rx_pkts": traffic.rx_pkts,
            "tx_bytes": traffic.tx_bytes,
            "tx_pkts": traffic.tx_pkts,
            "util_all": sum(shares),
            "util_tx": shares[0],
            "util_rx_in_bss": shares[1],
            "util_rx_other_bss": shares[2],
            "util_non_wifi": shares[3],
            "util_undecodable_wifi": shares[4],
            "util_unknown_wifi": shares[5],
        }

    def config(self) -> Payload:
        """Return the member of radio_config."""
        profile = self.profile
        return {
            "disabled": profile.disabled,
            "channel": self.channel,
            "bandwidth": profile.bandwidth_mhz,
            "power": self.power_dbm,
            "power_min": 8,
            "power_max": 20,
            "tx_chain": 4,
            "rx_chain": 4,
            "allow_rrm_disable": False,
            "dynamic_chaining_enabled": False,
        }

    def _disabled_section(self) -> Payload:
        measured = ("channel", "bandwidth", "power", "noise_floor", "num_clients", "num_wlans", "rx_bytes", "rx_pkts",
                    "tx_bytes", "tx_pkts", "util_all", "util_tx", "util_rx_in_bss", "util_rx_other_bss",
                    "util_non_wifi", "util_undecodable_wifi", "util_unknown_wifi")  # fmt: skip
        section = {"mac": self.mac, "usage": self.profile.usage} | dict.fromkeys(measured, 0)
        return section | {"disabled": True} if self.profile.flagged else section


class ApRadios:
    """All radios of an AP and the totals at the top level of its payload."""

    def __init__(self, profiles: tuple[RadioProfile, ...], mac: str, rng: Random) -> None:
        self.all = [
            ApRadio(profile, mac_plus(mac, RADIO_STEP * number), rng) for number, profile in enumerate(profiles, 1)
        ]
        self._config: Payload = {}
        self._update_config()

    @property
    def working(self) -> list[ApRadio]:
        """The radios that are not disabled."""
        return [radio for radio in self.all if not radio.profile.disabled]

    def _update_config(self) -> None:
        """Rebuild radio_config from the channels and powers of the radios."""
        config: Payload = {radio.profile.key: radio.config() for radio in self.all}
        config |= {"scanning_enabled": True, "band_24_usage": self.all[0].profile.usage}
        self._config = {"radio_config": config}

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return radio_stat, radio_config and the totals of all radios."""
        sections = {radio.profile.key: radio.advance(dt_s, rng) for radio in self.all}
        traffics = [radio.traffic for radio in self.all]
        return self._config | {
            "radio_stat": sections,
            "num_clients": sum(radio.num_clients for radio in self.all),
            "num_wlans": 3,
            "rx_bytes": sum(traffic.rx_bytes for traffic in traffics),
            "rx_pkts": sum(traffic.rx_pkts for traffic in traffics),
            "tx_bytes": sum(traffic.tx_bytes for traffic in traffics),
            "tx_pkts": sum(traffic.tx_pkts for traffic in traffics),
            "rx_bps": sum(traffic.rx_bps for traffic in traffics),
            "tx_bps": sum(traffic.tx_bps for traffic in traffics),
        }

    def restart(self) -> None:
        """Reset the counters to 0."""
        for radio in self.all:
            radio.traffic.restart()

    def retune(self, rng: Random) -> Payload:
        """Change channel and power of one radio, like radio resource management; return the event fields."""
        radio = rng.choice(self.working)
        before = {
            "pre_channel": radio.channel,
            "pre_power": radio.power_dbm,
            "pre_bandwidth": radio.profile.bandwidth_mhz,
        }
        radio.channel, radio.power_dbm = rng.choice(radio.profile.channels), rng.randint(8, 20)
        self._update_config()
        return before | {
            "band": radio.profile.usage,
            "usage": radio.profile.usage,
            "pre_usage": radio.profile.usage,
            "channel": radio.channel,
            "power": radio.power_dbm,
            "bandwidth": radio.profile.bandwidth_mhz,
        }
