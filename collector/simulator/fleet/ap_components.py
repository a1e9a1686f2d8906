"""Components that every access point has: CPU, memory, sensors, Bluetooth, Ethernet ports, power."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.simulator.fleet.primitives import TrafficCounters, colons, random_walk, uuid_of

if TYPE_CHECKING:
    from random import Random

    from collector.simulator.fleet.ap_variants import ApVariant
    from collector.simulator.fleet.primitives import Payload

_JIFFIES_PER_S = 100


class ApCpuAndMemory:
    """CPU and memory load in one of the three formats of the firmware (see `ApVariant.cpu`)."""

    def __init__(self, variant: ApVariant, rng: Random) -> None:
        self._form, self._memory_kb = variant.cpu, variant.memory_kb
        self._busy, self._used = rng.uniform(3, 30), rng.uniform(0.3, 0.7)
        self._user_jiffies = self._system_jiffies = 0

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return the CPU and memory load."""
        busy = self._busy = random_walk(rng, self._busy, 1, 95, 4)
        self._used = random_walk(rng, self._used, 0.2, 0.92, 0.01)
        user, system = int(busy * 0.6), int(busy * 0.3)
        if self._form == "stat":
            load = [round(busy / 50, 2), round(busy / 60, 2), round(busy / 70, 2)]
            shares = {"user": user, "system": system, "interrupt": int(busy) - user - system, "idle": 100 - int(busy)}
            return {"cpu_stat": shares | {"load_avg": load}, "memory_stat": {"usage": int(self._used * 100)}}
        memory = {"mem_total_kb": self._memory_kb, "mem_used_kb": int(self._memory_kb * self._used)}
        if self._form == "jiffies":
            self._user_jiffies += int(user * dt_s * _JIFFIES_PER_S / 100)
            self._system_jiffies += int(system * dt_s * _JIFFIES_PER_S / 100)
            user, system = self._user_jiffies, self._system_jiffies
        return memory | {"cpu_util": int(busy), "cpu_user": user, "cpu_system": system}

    def restart(self) -> None:
        """Reset the jiffies to 0."""
        self._user_jiffies = self._system_jiffies = 0


class ApSensors:
    """Environmental sensors; those of outdoor models measure outdoor temperatures."""

    def __init__(self, rng: Random, *, outdoor: bool) -> None:
        self._ambient_c = rng.uniform(5, 20) if outdoor else rng.uniform(28, 45)
        self._humidity, self._pressure_hpa = rng.uniform(10, 60), rng.uniform(960, 1030)
        self._tilt = round(rng.uniform(-0.1, 0.1), 3)

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return env_stat."""
        ambient = self._ambient_c = random_walk(rng, self._ambient_c, -15, 55, 0.6)
        humidity = self._humidity = random_walk(rng, self._humidity, 5, 95, 1)
        pressure = self._pressure_hpa = random_walk(rng, self._pressure_hpa, 940, 1050, 0.4)
        sensors = {
            "ambient_temp": int(ambient),
            "cpu_temp": int(ambient) + 11,
            "humidity": int(humidity),
            "pressure": round(pressure, 1),
            "accel_x": self._tilt,
            "accel_y": 0.004,
            "accel_z": round(-1.02 + (rng.random() - 0.5) / 100, 3),
            "magne_x": 0,
            "magne_y": 0,
            "magne_z": 0,
            "attitude": 0,
            "vcore_voltage": 0,
        }
        return {"env_stat": sensors}

    def restart(self) -> None:
        """Do nothing: sensors have no counters."""


class BleRadio:
    """The Bluetooth radio; its section is part of the basic frame."""

    def __init__(self, seed: int, mac: str, rng: Random, *, beaconing: bool) -> None:
        self._traffic = TrafficCounters(rng.uniform(50, 400), rng.uniform(1, 20))
        self._resets = 0
        uuid, major = uuid_of(seed, "ble"), rng.randint(1, 2000)
        self._constant: Payload = {
            "beacon_enabled": True,
            "beacon_rate": 4,
            "eddystone_uid_enabled": beaconing,
            "eddystone_uid_freq_msec": 1000,
            "eddystone_uid_instance": mac,
            "eddystone_uid_namespace": uuid.replace("-", "")[:20],
            "eddystone_url_enabled": beaconing,
            "eddystone_url_freq_msec": 1000,
            "eddystone_url_url": "https://www.example.com" if beaconing else "",
            "ibeacon_enabled": beaconing,
            "ibeacon_freq_msec": 1000,
            "ibeacon_major": major if beaconing else None,
            "ibeacon_minor": 9328 if beaconing else None,
            "ibeacon_uuid": uuid if beaconing else None,
            "major": major,
            "minors": [9328, 9329, 9330, 9331, 9332, 9333, 9334, 9335, -1],
            "power": 8,
            "uuid": uuid,
        }

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return ble_stat."""
        traffic = self._traffic
        traffic.transfer(dt_s, 1.0, rng)
        self._resets += rng.random() < dt_s / 86_400
        counted = {
            "rx_bytes": traffic.rx_bytes,
            "rx_pkts": traffic.rx_pkts,
            "tx_bytes": traffic.tx_bytes,
            "tx_pkts": traffic.tx_pkts,
            "tx_resets": self._resets,
        }
        return {"ble_stat": self._constant | counted}

    def restart(self) -> None:
        """Reset the counters to 0."""
        self._traffic.restart()
        self._resets = 0


class ApPort:
    """An Ethernet port. With `brief`, the section of a port without link is only `{"up": false}`."""

    def __init__(self, name: str, rng: Random, *, up: bool, brief: bool) -> None:
        self.name, self.up, self._brief = name, up, brief
        self._speed = rng.choice((1000, 2500)) if name == "eth0" else 1000
        self._traffic = TrafficCounters(rng.uniform(2e4, 4e5), rng.uniform(5e3, 1e5))
        self._errors = 0

    def advance(self, dt_s: float, rng: Random) -> Payload:
        """Return the member of port_stat."""
        if not self.up and self._brief:
            return {"up": False}
        traffic = self._traffic
        if self.up:
            traffic.transfer(dt_s, 1.0, rng)
            self._errors += rng.random() < dt_s / 7200
        peak = int(rng.random() * 2e5) if self.up else 0
        return {
            "up": self.up,
            "speed": self._speed if self.up else 0,
            "full_duplex": self.up,
            "rx_bytes": traffic.rx_bytes,
            "rx_pkts": traffic.rx_pkts,
            "rx_errors": self._errors,
            "rx_peak_bps": traffic.rx_bps + peak,
            "tx_bytes": traffic.tx_bytes,
            "tx_pkts": traffic.tx_pkts,
            "tx_peak_bps": traffic.tx_bps + peak,
        }

    def restart(self) -> None:
        """Reset the counters to 0."""
        self._traffic.restart()
        self._errors = 0


class ApPorts:
    """All Ethernet ports; every second AP is brief about ports without link."""

    def __init__(self, variant: ApVariant, rng: Random, *, brief: bool) -> None:
        self.all = [ApPort(name, rng, up=up, brief=brief) for name, up in variant.ports.items()]

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return port_stat."""
        return {"port_stat": {port.name: port.advance(dt_s, rng) for port in self.all}}

    def restart(self) -> None:
        """Reset the counters to 0."""
        for port in self.all:
            port.restart()


class ApPower:
    """Power source, power budget and the LLDP neighbour that supplies the power; all values in mW.

    LLDP reports the power agreed in the last negotiation, until the next one.
    """

    def __init__(self, variant: ApVariant, mac: str, rng: Random) -> None:
        self._low_power = "weak_power" in variant.extras
        self._both = "two_uplinks" in variant.extras
        self._source, self._mac = variant.power_src, mac
        self._requests = 0
        self._need_mw = self._agreed_mw = rng.randint(11_000, 21_000)
        self._avail_mw = 12_950 if self._low_power else 25_500
        self._port = f"ge-0/0/{rng.randint(0, 23)}"

    def advance(self, dt_s: float, at: float, rng: Random) -> Payload:  # noqa: ARG002 - as `Component`
        """Return power_* and lldp_stat, and lldp_stats for an AP with two neighbours."""
        need = self._need_mw = int(random_walk(rng, self._need_mw, 13_500 if self._low_power else 9_000, 24_000, 300))
        if rng.random() < dt_s * (0.01 if self._low_power else 0.0001):
            self._requests += 1
            self._agreed_mw = need
        budget = self._avail_mw - need
        mode = "all radios at reduced power" if self._low_power else ""
        section: Payload = {
            "power_src": self._source,
            "power_budget": budget,
            "power_constrained": self._low_power,
            "power_opmode": mode,
            "lldp_stat": self._neighbour(self._agreed_mw, mode, self._port),
        }
        if self._both:
            section["lldp_stats"] = {
                "eth0": self._neighbour(self._agreed_mw, mode, self._port),
                "eth1": self._neighbour(0, "", "ge-1/0/9"),
            }
        return section

    def restart(self) -> None:
        """Reset the number of negotiations to 0."""
        self._requests = 0

    def _neighbour(self, need_mw: int, mode: str, port: str) -> Payload:
        return {
            "chassis_id": colons(f"d007ca{self._mac[6:]}"),
            "lldp_med_supported": False,
            "mgmt_addr": "192.0.2.1",
            "mgmt_addrs": ["192.0.2.1", "2001:db8::1"],
            "port_desc": port,
            "port_id": port,
            "power_allocated": need_mw + 500,
            "power_avail": self._avail_mw,
            "power_budget": self._avail_mw - need_mw if need_mw else 0,
            "power_constrained": self._low_power,
            "power_draw": need_mw,
            "power_needed": need_mw,
            "power_opmode": mode,
            "power_request_count": self._requests,
            "power_requested": need_mw,
            "power_src": self._source,
            "power_srcs": [self._source],
            "system_desc": "Juniper Networks, Inc. ex4100-48mp Ethernet Switch, kernel JUNOS 23.4R2-S4",
            "system_name": 'access "east"',
        }
