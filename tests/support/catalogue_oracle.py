"""Holds a fleet's truth, the catalogue's own words and the samples together: nothing lost, nothing invented.

The catalogue says of each family which JSON paths it is made of, in the notation of the field reference (`{key}` any
key of a map, `[*]` the elements of a list). This walks these paths through the raw truth, naively, scales each leaf by
the unit that the family's name promises, and expects exactly those samples.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.support.samples import Samples, Series

Payload = dict[str, Any]
Sample = tuple[dict[str, str], float]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of a payload: where it stands, the map keys on the way there."""

    where: str
    keys: tuple[str, ...]
    value: Any


@dataclass(frozen=True, slots=True)
class Told:
    """One object as Mist tells it: what the catalogue calls it, the labels that tell its series apart, the truth."""

    object: str
    labels: Mapping[str, str]
    payload: Payload


@dataclass(slots=True)
class Comparison:
    """What was held against the truth, and what was found."""

    families: set[str] = field(default_factory=set)
    series: set[Series] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


# What the wire's value is multiplied by, by the ending of a family's name; the first that fits holds. Mist says
# percent, milliwatts, bit/s, Mbit/s, milliseconds, millivolts, minutes, hPa and KiB.
SCALES = (
    ("_led_brightness_ratio", 1 / 255),
    ("mist_org_sle_ratio", 1.0),
    ("mist_site_sle_last_hour_ratio", 1.0),
    ("_ratio", 0.01),
    ("_module_poe_power_draw_watts", 1.0),  # switches and gateways say watts
    ("_module_poe_power_limit_watts", 1.0),
    ("_port_poe_power_draw_watts", 1.0),
    ("_watts", 0.001),
    ("_battery_volts", 0.001),
    ("_optics_speed_bytes_per_second", 125_000.0),
    ("_speed_bytes_per_second", 125_000.0),
    ("_bytes_per_second", 0.125),
    ("_beacon_interval_seconds", 0.001),
    ("_peer_latency_seconds", 0.001),
    ("_peer_jitter_seconds", 0.001),
    ("_port_latency_seconds", 0.001),
    ("_port_jitter_seconds", 0.001),
    ("_user_seconds", 60.0),
    ("_guest_authorization_seconds", 60.0),
    ("_bandwidth_hertz", 1e6),
    ("_pascals", 100.0),
    ("mist_mxedge_memory_bytes", 1.0),
    ("_memory_used_bytes", 1024.0),
)
_MEMORY_KIB = {"mist_device_memory_total_bytes": "mem_total_kb"}  # Mist Edges say bytes in the same family

# Told by REST, or derived from more than the messages: the other oracle knows them.
DERIVED = frozenset(
    {"mist_device_up", "mist_device_created_timestamp_seconds", "mist_device_modified_timestamp_seconds"}
)
_MS_FLOOR = 1e11  # a point in time above this is in milliseconds


def unexplained(catalogue: Payload, kind: str, states: dict[str, Payload], found: Samples) -> tuple[int, list[str]]:
    """Compare the devices of a kind; `states` are their true states by MAC. How many samples, and the faults."""
    outcome = compare(catalogue, [Told(kind, {"mac": mac}, state) for mac, state in states.items()], found, DERIVED)
    return len(outcome.series), outcome.faults


def compare(catalogue: Payload, told: Iterable[Told], found: Samples, but: Iterable[str] = ()) -> Comparison:
    """Hold every family of these objects, other than `but`, against what they tell."""
    objects: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        objects[one.object].append(one)
    by_family: dict[str, list[Sample]] = defaultdict(list)
    for (name, labels), value in found.items():
        by_family[name].append((dict(labels), value))
    outcome, but = Comparison(), set(but)
    for family in catalogue["families"]:
        if family["name"] not in but:
            _compare_family(family, objects, by_family[family["name"]], outcome)
    return outcome


def _compare_family(
    family: Payload, objects: dict[str, list[Told]], samples: list[Sample], outcome: Comparison
) -> None:
    paths: dict[str, list[str]] = defaultdict(list)
    for source in family["sources"]:
        paths[source["object"]].append(source["path"])
    for name in own_objects(paths):
        things = [one for one in objects.get(name, ()) if set(one.labels) <= set(family["labels"])]
        if not things:
            continue
        ways = [tuple(one.labels) for one in things]
        index = {way: _indexed(samples, way) for way in set(ways)}
        for one, way in zip(things, ways, strict=True):
            own = index[way].get(tuple(one.labels.values()), [])
            outcome.families.add(family["name"])
            outcome.series.update((family["name"], frozenset(labels.items())) for labels, _ in own)
            leaves = distinct(leaf for path in paths[name] for leaf in _leaves(one.payload, path))
            outcome.faults += [
                f"{family['name']} of {name} {' '.join(one.labels.values())}: {fault}"
                for fault in _faults(family, one, leaves, own)
            ]


def own_objects(paths: dict[str, list[str]]) -> list[str]:
    """The objects whose rows a family's are: of a list inside a device's statistics, what the list holds."""
    inner = [name for name in paths if name in ROWS_OF_OTHERS]
    return inner or list(paths)


ROWS_OF_OTHERS = frozenset({"switch_port", "gateway_port", "wan_tunnel", "vpn_peer", "bgp_peer"})


def _indexed(samples: list[Sample], way: tuple[str, ...]) -> dict[tuple[str, ...], list[Sample]]:
    index: dict[tuple[str, ...], list[Sample]] = defaultdict(list)
    for labels, value in samples:
        index[tuple(labels.get(name, "") for name in way)].append((labels, value))
    return index


# Two names of one field, the preferred first: where both are sent, the second tells nothing new.
ALTERNATIVES = {
    "lat": "latlng.lat",
    "lng": "latlng.lng",
    "hostname": "name",
    "ip_stat.ip": "ip",
    "num_clients.total.num_clients": "clients_stats.total.num_wired_clients",
    "num_clients.total.num_aps": "ap_redundancy.num_aps",
}


def distinct(leaves: Iterable[Leaf]) -> list[Leaf]:
    """The leaves that have a value, each field under one of its names."""
    known = {leaf.where: leaf for leaf in leaves if leaf.value is not None}
    return [leaf for where, leaf in known.items() if ALTERNATIVES.get(where) not in known]


def _faults(family: Payload, one: Told, leaves: list[Leaf], samples: list[Sample]) -> Iterator[str]:
    """Compare one family of one object."""
    leaves = [leaf for leaf in leaves if not _unmeasured(one.payload, leaf.where)]
    if family["name"].startswith("mist_switch_module_"):
        leaves = [leaf for leaf in leaves if "total" not in leaf.keys]  # beside the members stands their sum
    if family["type"] == "info":
        yield from _info_faults(one, leaves, samples)
        return
    values = [leaf for leaf in leaves if _number(family["name"], leaf) is not None]
    words = [leaf for leaf in leaves if _number(family["name"], leaf) is None and isinstance(leaf.value, str)]
    if values:
        yield from _value_faults(family["name"], values, words, samples)
    elif words or samples:
        yield from _state_faults(words, samples)


def _value_faults(name: str, values: list[Leaf], words: list[Leaf], samples: list[Sample]) -> Iterator[str]:
    """Each leaf is one sample that carries the keys on its way; words among them are labels."""
    left = list(samples)
    for leaf in sorted(values, key=lambda leaf: -len(leaf.keys)):
        value = _number(name, leaf)
        if value is math.inf:
            continue  # a point in time that never was
        said = next(
            (
                one
                for one in left
                if set(leaf.keys) <= set(one[0].values()) and math.isclose(one[1], value, rel_tol=1e-9)
            ),
            None,
        )
        if said is None:
            yield f"{leaf.where} is {leaf.value!r}, which no sample says"
        else:
            left.remove(said)
    if left:
        yield f"{len(values)} leaves make {len(samples)} samples; nobody said {left[:3]}"
    texts = {text.lower() for labels, _ in samples for text in labels.values()}
    unsaid = (leaf for leaf in words if leaf.value.lower() not in texts)
    yield from (f"{leaf.where} is {leaf.value!r}, which no label says" for leaf in unsaid)


def _state_faults(words: list[Leaf], samples: list[Sample]) -> Iterator[str]:
    """Of each leaf's states one is 1, and it is the leaf's; what nobody knows is `other`."""
    known = {text for labels, _ in samples for text in labels.values()}
    present = [labels for labels, value in samples if value == 1]
    for leaf in words:
        if leaf.value == "":
            continue
        state = STATE_NAMES.get(leaf.value.lower(), leaf.value.lower())
        wanted = {state if state in known else "other", *leaf.keys}
        if not any(wanted <= set(labels.values()) for labels in present):
            yield f"{leaf.where} is {leaf.value!r}, which no state says"
    said = sum(leaf.value != "" for leaf in words)
    if len(present) != said:
        yield f"{said} states make {len(present)} samples of 1"
    if any(value not in (0, 1) for _, value in samples):
        yield "a state is neither 0 nor 1"


STATE_NAMES = {"commited": "committed"}  # Mist's spelling


def _info_faults(one: Told, leaves: list[Leaf], samples: list[Sample]) -> Iterator[str]:
    """Every text is a label of one series; every label that no place or key explains is a text."""
    told = [(leaf, _spelled(leaf.value)) for leaf in leaves if _spelled(leaf.value)]
    if any(value != 1 for _, value in samples):
        yield "an info is not 1"
    for leaf, text in told:
        if not any({text, *leaf.keys} <= set(labels.values()) for labels, _ in samples):
            yield f"{leaf.where} is {leaf.value!r}, which no label says"
    explained = {text for _, text in told} | set(_keys(one.payload)) | set(one.labels.values())
    for labels, _ in samples:
        odd = {name: text for name, text in labels.items() if text not in explained and name not in _PLACES}
        if odd:
            yield f"nobody said {odd}"


# Labels of a row's place, which no field spells: they are compared where the row's values are.
_PLACES = frozenset(
    [
        "org_id",
        "site_id",
        "device_type",
        "node",
        "module",
        "band",
        "direction",
        "section",
        "link",
        "pic",
        "service",
        "unit",
        "port_id",
        "interface",
        "ap",
    ]
)


def _keys(value: Any) -> Iterator[str]:
    """Every key and every text or number in a payload, for labels that rows take from beside their fields."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _keys(inner)
    elif isinstance(value, list):
        yield from map(str, range(len(value)))
        for inner in value:
            yield from _keys(inner)
    else:
        yield _spelled(value)


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None or isinstance(value, (dict, list)) else str(value)


def _number(name: str, leaf: Leaf) -> float | None:
    """The leaf in the family's unit; None for what is no number, infinity for a moment that never was."""
    value = leaf.value
    if name.endswith("_timestamp_seconds"):
        if isinstance(value, str):
            value = datetime.fromisoformat(value).timestamp() if value else 0
        return math.inf if not value else value / 1000 if value >= _MS_FLOOR else value
    if isinstance(value, str) or not isinstance(value, (int, float)):
        return None
    if leaf.where == _MEMORY_KIB.get(name):
        return value * 1024.0
    return value * next((factor for ending, factor in SCALES if name.endswith(ending)), 1.0)


def _unmeasured(state: Payload, where: str) -> bool:
    """Whether a leaf belongs to a disabled radio: its zeros are no measurements."""
    section, _, rest = where.partition(".")
    if section != "radio_stat":
        return False
    radio = state[section][rest.partition(".")[0]]
    return bool(radio.get("disabled")) or radio["channel"] == 0


def _leaves(value: Any, path: str, where: str = "", keys: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Yield all that a path of the catalogue means."""
    step, _, rest = path.partition(".")
    if not path:
        if not isinstance(value, (dict, list)):
            yield Leaf(where.lstrip("."), keys, value)
    elif step.endswith("[*]"):
        elements = value.get(step[:-3]) if isinstance(value, dict) else None
        elements = [elements] if isinstance(elements, dict) else elements  # the only one, said without a list
        for place, element in enumerate(elements or ()):
            yield from _leaves(element, rest, f"{where}.{step[:-3]}[{place}]", keys)
    elif isinstance(value, dict):
        chosen = list(value) if step == "{key}" else [step] if step in value else []
        for key in chosen:
            yield from _leaves(value[key], rest, f"{where}.{key}", (*keys, key) if step == "{key}" else keys)
