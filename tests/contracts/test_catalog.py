"""What the catalogue promises: how families are called and described, and that no measurement of Mist is forgotten.

`fields/*.tsv` lists every field of an object with its unit and kind, as far as Mist's API documents it or captures
show it. Measurements are the kinds counter, gauge, bool, state and timestamp.
"""

from __future__ import annotations

import csv
import functools
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

from collector.catalog.events import TABLES
from collector.feeds.reference import reference
from collector.mist.topics import TOPICS

FIELDS = Path(__file__).parent / "fields"
OBJECTS = tuple(sorted(file.stem for file in FIELDS.glob("*.tsv")))

# Objects whose tables are not complete yet: empty, and to stay so. A row here that has become complete fails its test.
MISSING: tuple[str, ...] = ()

MEASUREMENTS = ("counter", "gauge", "bool", "state/enum", "timestamp")
EXPORTED_AT_LEAST = 0.85

# unit of a field -> unit of the family that reads it; "" has none
BASE_UNITS = {
    "": "", "%": "ratio", "%RH": "ratio", "0-255": "ratio", "ratio 0-1": "ratio",
    "s": "seconds", "ms": "seconds", "min": "seconds", "user minutes": "seconds", "s (epoch)": "seconds",
    "bytes": "bytes", "KiB": "bytes", "bit/s": "bytes_per_second", "Mbit/s": "bytes_per_second",
    "MHz": "hertz", "Hz": "hertz", "mW": "watts", "W": "watts", "V": "volts", "mV": "volts", "hPa": "pascals",
    "degC": "celsius", "deg": "degrees", "m": "meters", "map pixels": "pixels", "g": "g", "dB": "db", "dBm": "dbm",
}  # fmt: skip
COUNTED = (
    "MOS 1-4.5", "chains", "channel number", "count", "errors", "frames", "load", "packets", "pdus", "requests",
    "resets", "routes", "rpm", "score 1-5", "unknown",
)  # fmt: skip
# words of a name that are units, but not base units, or abbreviations of what a name should spell out
NOT_IN_NAMES = {
    "ms", "msec", "msecs", "millis", "milliseconds", "sec", "secs", "minutes", "hours", "days", "percent", "percentage",
    "pct", "kb", "kib", "mb", "mib", "kilobytes", "megabytes", "bits", "bps", "kbps", "mbps", "mw", "milliwatts", "mv",
    "millivolts", "mhz", "ghz", "megahertz", "celcius", "fahrenheit", "temp", "px", "feet", "rx", "tx", "pkt", "pkts",
    "num", "cnt", "avg", "util", "stat", "stats", "cfg", "mem", "gw", "sw", "pwr", "usec", "hpa",
}  # fmt: skip
RESERVED_ENDINGS = ("_count", "_sum", "_bucket", "_created")
SUBJECTS = (
    "alarms", "ap", "asset", "bgp_peer", "client", "device", "gateway", "guest", "map", "minis", "mxedge", "mxtunnel",
    "nac", "org", "other_device", "rssizone", "site", "switch", "vpn_peer", "wan_tunnel", "webhook", "zone",
)  # fmt: skip
PERSONAL = re.compile(
    r"(^|_)(user|username|hostname|email|phone|person|admin|psk|company|password|token|latitude|longitude|uuid|text"
    r"|message|timestamp)(_|$)|^(client|client_mac|client_ip|client_name|client_id|bssid|id|first_name|last_name)$"
)
OF_INDIVIDUALS = ("mist_client_", "mist_asset_", "mist_sdkclient_", "mist_zone_", "mist_map_", "mist_site_")
# families whose fields are known from captures only
NOT_IN_LISTS = {
    "mist_gateway_ha_state": "only SSR clusters say ha_state; the lists were made from an SRX",
    "mist_wan_tunnel_last_flap_timestamp_seconds": "last_flapped stands in the examples of the API, not in its schema",
}
KINDS_TO_TYPES = {
    "counter": {"counter"},
    "gauge": {"gauge", "histogram", "info"},  # info: numbers that name something, such as a VLAN
    "bool": {"gauge"},
    "timestamp": {"gauge"},
    "state/enum": {"gauge", "info", "counter"},  # counter: of events, by state
}
ANY_TYPE = {"counter", "gauge", "histogram", "info"}
RESERVED_LABELS = {"le", "quantile", "job", "instance", "exported_job", "exported_instance"}
NAMES_STAND_IN_INFO_ONLY = {"name", "ip", "external_ip", "serial", "version", "hardware_revision", "imei", "iccid"}


class Field(NamedTuple):
    """One field of an object."""

    path: str
    unit: str
    kind: str

    @property
    def measured(self) -> bool:
        """Whether it is a measurement."""
        return self.kind.startswith(MEASUREMENTS)

    @property
    def base_unit(self) -> str | None:
        """The unit that a family must have; None where the list does not know."""
        unit = self.unit.partition(" (unverified)")[0]
        if unit.startswith("bytes in samples"):
            unit = "bytes"
        return "" if unit in COUNTED else BASE_UNITS.get(unit)


@functools.cache
def fields_of(name: str) -> dict[str, Field]:
    """Every field of an object, by path."""
    with (FIELDS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        assert next(rows) == ["path", "unit", "kind"]
        return {field.path: field for field in map(Field._make, rows)}


REFERENCE = reference()
FAMILIES = REFERENCE["families"]
SOURCES: dict[tuple[str, str], list[dict]] = defaultdict(list)
for one in FAMILIES:
    for source in one["sources"]:
        SOURCES[source["object"], source["path"]].append(one)
UNEXPORTED = {(entry["object"], entry["path"]): entry["reason"] for entry in REFERENCE["not_exported"]}


def subject_of(name: str) -> str:
    """What a family is about, by the beginning of its name."""
    return max((subject for subject in SUBJECTS if name.startswith(f"mist_{subject}_")), key=len, default="")


def fields_read(family: dict) -> list[Field]:
    """The fields that a family reads, as far as the lists know them."""
    sources = [source for source in family["sources"] if source["object"] in OBJECTS]
    return [field for source in sources if (field := fields_of(source["object"]).get(source["path"])) is not None]


BY_SUBJECT: dict[str, list[dict]] = defaultdict(list)
for one in FAMILIES:
    BY_SUBJECT[subject_of(one["name"])].append(one)


each_family = pytest.mark.parametrize("families", list(BY_SUBJECT.values()), ids=list(BY_SUBJECT))


class TestNames:
    """mist_<object>[_<part>]_<what>_<unit>[_total]."""

    @each_family
    def test_a_name_says_of_what(self, families):
        for family in families:
            assert re.fullmatch(rf"mist_({'|'.join(SUBJECTS)})(_[a-z0-9]+)+", family["name"])

    @each_family
    def test_a_name_has_no_foreign_unit_and_no_abbreviation(self, families):
        for family in families:
            assert not set(family["name"].split("_")) & NOT_IN_NAMES
            assert not family["name"].endswith(RESERVED_ENDINGS)

    @each_family
    def test_the_ending_tells_the_type(self, families):
        for family in families:
            assert family["name"].endswith("_total") == (family["type"] == "counter")
            assert family["name"].endswith("_info") == (family["type"] == "info")

    @each_family
    def test_the_unit_stands_at_the_end_and_only_there(self, families):
        for family in families:
            words = family["name"].removesuffix("_total").split("_")
            unit = family["unit"].split("_")
            if family["unit"]:
                assert words[-len(unit) :] == unit
                words = words[: -len(unit)]
            units = {word for unit in BASE_UNITS.values() for word in unit.split("_")} - {"g", "per", ""}
            assert not units & set(words)

    @each_family
    def test_a_point_in_time_is_a_timestamp(self, families):
        for family in families:
            assert family["name"].endswith("_timestamp_seconds") == ("timestamp" in family["name"])


class TestHelp:
    """One short sentence for somebody who was woken up by it."""

    @each_family
    def test_it_is_a_sentence(self, families):
        for family in families:
            text = family["help"]
            assert text[0].isupper()
            assert text.endswith(".")
            assert not text.endswith("..")
            assert "\n" not in text
            assert "  " not in text
            assert 12 <= len(text) <= 220

    @each_family
    def test_it_says_more_than_the_name(self, families):
        for family in families:
            words = re.findall(r"[a-z0-9]+", family["help"].lower())
            assert words != family["name"].removeprefix("mist_").split("_")
            assert not {"metric", "gauge", "todo", "tbd", "xxx"} & set(words)

    def test_no_two_families_say_the_same(self):
        helps = Counter(family["help"] for family in FAMILIES)
        assert not [text for text, times in helps.items() if times > 1]


class TestMeaning:
    """A measurement is exported once, as what it is."""

    def test_no_field_is_told_by_two_families(self):
        """Of one subject: a sum over a site may also be exported per client, if that is enabled."""
        for (name, path), families in SOURCES.items():
            names = {family["name"] for family in families if family["type"] != "info" and name in OBJECTS}
            subjects = Counter(subject_of(family) for family in names)
            assert not [subject for subject, times in subjects.items() if times > 1], f"{name}.{path}: {sorted(names)}"

    @each_family
    def test_the_type_follows_the_kind_of_the_field(self, families):
        for family in families:
            for field in fields_read(family):
                kind = field.kind.partition(" ")[0]
                assert family["type"] in KINDS_TO_TYPES.get(kind, ANY_TYPE), (family["name"], field)
                assert kind != "timestamp" or family["name"].endswith("_timestamp_seconds"), (family["name"], field)

    @each_family
    def test_the_unit_is_the_base_unit_of_the_field(self, families):
        for family in (family for family in families if family["type"] != "info"):
            for field in fields_read(family):
                assert field.base_unit is not None, f"{field.unit}: which base unit? enter it above"
                assert family["unit"] == field.base_unit, (family["name"], field)

    @each_family
    def test_a_family_reads_a_field_that_exists(self, families):
        """At least one: of the others some senders are older or newer than the lists."""
        for family in families:
            sources = {
                (source["object"], source["path"]) for source in family["sources"] if source["object"] in OBJECTS
            }
            known = {(name, path) for name, path in sources if path in fields_of(name)}
            assert known or not sources or family["name"] in NOT_IN_LISTS


class TestLabels:
    """Bounded, stable, and never about a person."""

    @each_family
    def test_no_label_twice(self, families):
        for family in families:
            assert len(set(family["labels"])) == len(family["labels"])

    @each_family
    def test_label_names_are_plain(self, families):
        for family in families:
            assert all(re.fullmatch(r"[a-z][a-z0-9_]*", label) for label in family["labels"])
            assert not set(family["labels"]) & RESERVED_LABELS

    @each_family
    def test_no_label_is_personal_or_free_text(self, families):
        for family in families:
            assert not [label for label in family["labels"] if PERSONAL.search(label)]

    @each_family
    def test_names_stand_on_info_families_only(self, families):
        for family in families:
            if family["type"] != "info":
                assert not set(family["labels"]) & NAMES_STAND_IN_INFO_ONLY

    @each_family
    def test_a_mac_is_a_device_s(self, families):
        """Clients belong to persons: the MAC address of a client is exported only if that is enabled."""
        for family in families:
            if "mac" in family["labels"]:
                assert "org_id" in family["labels"]
                assert family["option"] or not family["name"].startswith(OF_INDIVIDUALS)

    @each_family
    def test_what_all_devices_share_tells_their_type(self, families):
        for family in families:
            if family["name"].startswith("mist_device_"):
                assert {"org_id", "mac", "device_type"} <= set(family["labels"])


class TestCoverage:
    """Every measurement is exported, or a reason is given that an operator would accept."""

    @staticmethod
    def forgotten(name: str) -> tuple[list[str], float]:
        """Measurements that are neither a source nor refused, and the share that is exported."""
        measured = [field.path for field in fields_of(name).values() if field.measured]
        exported = [path for path in measured if (name, path) in SOURCES]
        forgotten = [path for path in measured if (name, path) not in SOURCES and (name, path) not in UNEXPORTED]
        return forgotten, len(exported) / len(measured)

    @pytest.mark.parametrize("name", [name for name in OBJECTS if name not in MISSING])
    def test_every_measurement_is_answered_for(self, name):
        forgotten, share = self.forgotten(name)
        assert not forgotten
        assert share >= EXPORTED_AT_LEAST

    def test_what_is_complete_is_not_called_missing(self):
        for name in MISSING:
            forgotten, share = self.forgotten(name)
            assert forgotten or share < EXPORTED_AT_LEAST, f"{name} is complete: remove it from MISSING"

    def test_what_is_refused_exists_and_is_not_exported(self):
        for name, path in UNEXPORTED:
            assert name in OBJECTS, name
            assert path in fields_of(name), f"{name} has no {path}"
            assert (name, path) not in SOURCES, f"{name}.{path} is exported"

    def test_a_refusal_gives_a_reason(self):
        for (name, path), reason in UNEXPORTED.items():
            assert len(reason) >= 20, f"{name}.{path}"
            assert reason.endswith("."), f"{name}.{path}"

    def test_every_topic_has_a_table(self):
        assert set(TABLES) == set(TOPICS)
