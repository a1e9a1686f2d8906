"""The metric reference as data."""

from __future__ import annotations

import pytest

from collector.feeds.reference import full_paths, labels_of, prefixes, reference, unit_of
from collector.metrics.model import BY_KEY, At, Entity, Gauge, Info, StateSet

ROOT = Entity("root", labels=("mac",), families=())
RADIO = Entity("radio", (), within=ROOT, at="radio_stat.{band}", known=("band_5", "band_6"), labels={"radio": BY_KEY})
PLACES = (At("module_stat[*]", {"node": "0"}), At("module2_stat[*]", {"node": "1"}))
MODULE = Entity("module", (), within=ROOT, at=PLACES, labels={"module": BY_KEY})
FAN = Entity("fan", (), within=MODULE, at="fans[*]", labels={"fan": BY_KEY})
LOAD = Entity("load", (), within=ROOT, at="cpu.load[*]", labels={"n": BY_KEY})


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        (ROOT, [""]),
        (RADIO, ["radio_stat.{key}", "radio_stat.band_5", "radio_stat.band_6"]),
        (MODULE, ["module_stat[*]", "module2_stat[*]"]),
        (FAN, ["module_stat[*].fans[*]", "module2_stat[*].fans[*]"]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_places(entity, expected):
    assert list(prefixes(entity)) == expected


def test_paths_from_the_root():
    assert list(full_paths(ROOT, "env.heat")) == ["env.heat"]
    assert list(full_paths(FAN, "rpm")) == ["module_stat[*].fans[*].rpm", "module2_stat[*].fans[*].rpm"]
    assert list(full_paths(LOAD, "")) == ["cpu.load[*]"]


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("mist_ap_clients", ""),
        ("mist_ap_receive_bytes_total", "bytes"),
        ("mist_ap_receive_bytes_per_second", "bytes_per_second"),
        ("mist_device_last_seen_timestamp_seconds", "seconds"),
        ("mist_device_uptime_seconds", "seconds"),
        ("mist_ap_noise_dbm", "dbm"),
        ("mist_ap_snr_db", "db"),
        ("mist_ap_acceleration_g", "g"),
        ("mist_ap_humidity_ratio", "ratio"),
        ("mist_ap_events_total", ""),
    ],
)
def test_units(name, unit):
    assert unit_of(name) == unit


def test_labels_of_the_row_precede_those_of_the_family():
    assert labels_of(FAN, Gauge("g", "g", "G.", labels={"side": "x"})) == ["mac", "node", "module", "fan", "side"]
    assert labels_of(ROOT, Info("i_info", {"name": "n", "model": "m"}, "I.")) == ["mac", "name", "model"]
    assert labels_of(ROOT, StateSet("s", "s", "S.", ("a",), label="is", labels={"kind": "x"})) == ["mac", "kind", "is"]


@pytest.fixture(scope="module")
def whole():
    return reference()


class TestTheWhole:
    def test_families_are_sorted_and_unique(self, whole):
        names = [family["name"] for family in whole["families"]]
        assert names == sorted(set(names))

    def test_a_family_of_all_devices(self, whole):
        (uptime,) = [family for family in whole["families"] if family["name"] == "mist_device_uptime_seconds"]
        assert uptime["type"] == "gauge"
        assert uptime["unit"] == "seconds"
        assert {source["object"] for source in uptime["sources"]} >= {"ap", "switch", "gateway"}
        assert {source["path"] for source in uptime["sources"]} == {"uptime"}
        assert set(uptime["labels"]) == {"org_id", "site_id", "mac", "device_type"}

    def test_known_keys_are_listed(self, whole):
        (channel,) = [family for family in whole["families"] if family["name"] == "mist_ap_radio_channel"]
        paths = {source["path"] for source in channel["sources"]}
        assert paths == {f"radio_stat.{key}.channel" for key in ("{key}", "band_24", "band_5", "band_6")}

    def test_sources_are_unique(self, whole):
        for family in whole["families"]:
            sources = [(source["object"], source["path"]) for source in family["sources"]]
            assert len(set(sources)) == len(sources), family["name"]

    def test_families_read_from_an_object_have_a_source(self, whole):
        """Families computed from positions, or from two messages of a client, have none."""
        computed = ("mist_map_", "mist_zone_", "mist_asset_", "mist_site_client_roams_total")
        without = [family["name"] for family in whole["families"] if not family["sources"]]
        assert [name for name in without if not name.startswith(computed)] == []
