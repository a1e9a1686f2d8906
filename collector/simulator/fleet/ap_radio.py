"""The radios of an access point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.ids import RADIO_STEP, mac_plus
from collector.simulator.fleet.parts import Traffic, wander

if TYPE_CHECKING:
    from random import Random

    from collector.simulator.fleet.ap_models import RadioPlan
    from collector.simulator.fleet.messages import Payload

_IDLE_LOAD = 0.2
_NOISE = {"24": (-92.0, -72.0), "5": (-97.0, -84.0), "6": (-98.0, -88.0)}


class Radio:
    """One radio; `num_clients` is kept by the clients that associate with it."""

    def __init__(self, plan: RadioPlan, mac: str, rng: Random) -> None:
        self.plan, self.mac = plan, mac
        self.channel = rng.choice(plan.channels)
        self.power_dbm = 0 if plan.disabled else rng.randint(8, 20)
        self.traffic = Traffic(rng.uniform(2e3, 6e4), rng.uniform(8e3, 3e5))
        self.num_clients = 0
        low, high = _NOISE[plan.usage]
        self._noise_dbm = rng.uniform(low, high)
        self._tx, self._in_bss, self._other_bss, self._non_wifi = (rng.uniform(0, top) for top in (15, 8, 20, 5))

    def live(self, dt_s: float, rng: Random) -> Payload:
        """Live `dt_s` seconds; return the member of radio_stat."""
        plan, traffic = self.plan, self.traffic
        if plan.disabled:
            return self._nothing()
        traffic.flow(dt_s, _IDLE_LOAD + self.num_clients * 0.2, rng)
        low, high = _NOISE[plan.usage]
        self._noise_dbm = wander(rng, self._noise_dbm, low, high, 1.5)
        tx = self._tx = wander(rng, self._tx, 0, 35, 4)
        in_bss = self._in_bss = wander(rng, self._in_bss, 0, 20, 2)
        other_bss = self._other_bss = wander(rng, self._other_bss, 0, 30, 4)
        non_wifi = self._non_wifi = wander(rng, self._non_wifi, 0, 10, 2)
        shares = (int(tx), int(in_bss), int(other_bss), int(non_wifi), int(non_wifi) // 4, int(other_bss) // 8)
        return {
            "mac": self.mac,
            "usage": plan.usage,
            "channel": self.channel,
            "bandwidth": plan.bandwidth_mhz,
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
        plan = self.plan
        return {
            "disabled": plan.disabled,
            "channel": self.channel,
            "bandwidth": plan.bandwidth_mhz,
            "power": self.power_dbm,
            "power_min": 8,
            "power_max": 20,
            "tx_chain": 4,
            "rx_chain": 4,
            "allow_rrm_disable": False,
            "dynamic_chaining_enabled": False,
        }

    def _nothing(self) -> Payload:
        measured = ("channel", "bandwidth", "power", "noise_floor", "num_clients", "num_wlans", "rx_bytes", "rx_pkts",
                    "tx_bytes", "tx_pkts", "util_all", "util_tx", "util_rx_in_bss", "util_rx_other_bss",
                    "util_non_wifi", "util_undecodable_wifi", "util_unknown_wifi")  # fmt: skip
        said = {"mac": self.mac, "usage": self.plan.usage} | dict.fromkeys(measured, 0)
        return said | {"disabled": True} if self.plan.flagged else said


class Radios:
    """All radios of an AP, with the totals that the AP says at its top."""

    def __init__(self, plans: tuple[RadioPlan, ...], mac: str, rng: Random) -> None:
        self.all = [Radio(plan, mac_plus(mac, RADIO_STEP * (place + 1)), rng) for place, plan in enumerate(plans)]
        self._config: Payload = {}
        self.configured()

    @property
    def working(self) -> list[Radio]:
        """Those that are not disabled."""
        return [radio for radio in self.all if not radio.plan.disabled]

    def configured(self) -> None:
        """Take over changed channels and powers into the configuration that rides along in frames."""
        config: Payload = {radio.plan.key: radio.config() for radio in self.all}
        config |= {"scanning_enabled": True, "band_24_usage": self.all[0].plan.usage}
        self._config = {"radio_config": config}

    def live(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Part`
        """Return radio_stat, radio_config and the sums over the radios."""
        sections = {radio.plan.key: radio.live(dt_s, rng) for radio in self.all}
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
        """Count from 0 again."""
        for radio in self.all:
            radio.traffic.restart()

    def retune(self, rng: Random) -> Payload:
        """Change channel and power of one radio, as radio resource management does; return what the event says."""
        radio = rng.choice(self.working)
        before = {"pre_channel": radio.channel, "pre_power": radio.power_dbm, "pre_bandwidth": radio.plan.bandwidth_mhz}
        radio.channel, radio.power_dbm = rng.choice(radio.plan.channels), rng.randint(8, 20)
        self.configured()
        return before | {
            "band": radio.plan.usage,
            "usage": radio.plan.usage,
            "pre_usage": radio.plan.usage,
            "channel": radio.channel,
            "power": radio.power_dbm,
            "bandwidth": radio.plan.bandwidth_mhz,
        }
