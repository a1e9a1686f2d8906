"""Holds a fleet's truth, the catalogue's own words and the samples together: nothing lost, nothing invented.

The catalogue says of each family which JSON paths it is made of, in the notation of the field reference (`{key}` any
key of a map, `[*]` the elements of a list). This walks these paths through the raw truth, naively, scales each leaf by
the unit that the family's name promises, and expects exactly those samples.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.samples import Samples

Leaf = tuple[tuple[str, ...], Any]  # the map keys on its way, its value

# What the wire's value is multiplied by, by the ending of a family's name; the first that fits holds. Mist says
# percent, milliwatts, bit/s, Mbit/s, milliseconds, hPa and KiB.
SCALES = (
    ("_led_brightness_ratio", 1 / 255),
    ("_ratio", 0.01),
    ("_watts", 0.001),
    ("_speed_bytes_per_second", 125_000.0),
    ("_bytes_per_second", 0.125),
    ("_beacon_interval_seconds", 0.001),
    ("_bandwidth_hertz", 1e6),
    ("_pascals", 100.0),
    ("_memory_total_bytes", 1024.0),
    ("_memory_used_bytes", 1024.0),
)

# Told by REST, or derived from more than the messages: the other oracle knows them.
DERIVED = frozenset(
    {"mist_device_up", "mist_device_created_timestamp_seconds", "mist_device_modified_timestamp_seconds"}
)


def unexplained(
    catalogue: dict[str, Any], kind: str, states: dict[str, dict[str, Any]], found: Samples
) -> tuple[int, list[str]]:
    """Compare the devices of a kind; `states` are their true states by MAC. How many samples, and the faults."""
    compared, faults = 0, []
    for family in catalogue["families"]:
        paths = [source["path"] for source in family["sources"] if source["object"] == kind]
        if not paths or family["type"] == "info" or family["name"] in DERIVED:
            continue
        for mac, state in states.items():
            samples = [
                (set(dict(labels).values()), value)
                for (name, labels), value in found.items()
                if name == family["name"] and ("mac", mac) in labels
            ]
            compared += len(samples)
            faults += [
                f"{family['name']} of {mac}: {fault}" for fault in _faults(family["name"], paths, state, samples)
            ]
    return compared, faults


def _faults(name: str, paths: list[str], state: dict[str, Any], samples: list[tuple[set[str], float]]) -> Iterator[str]:
    """Compare one family of one device."""
    leaves = {}
    for path in paths:
        leaves |= {where: leaf for where, leaf in _leaves(state, path) if leaf[1] is not None}
    scale = next((factor for ending, factor in SCALES if name.endswith(ending)), 1.0)
    measured = {where: leaf for where, leaf in leaves.items() if not _unmeasured(state, where)}
    for where, (keys, value) in measured.items():
        if isinstance(value, str):
            said = any(one == 1 and texts & {value.lower(), "other"} for texts, one in samples)
        else:
            said = any(set(keys) <= texts and math.isclose(one, value * scale, rel_tol=1e-9) for texts, one in samples)
        if not said:
            yield f"{where} is {value!r}, which no sample says"
    is_state = any(isinstance(value, str) for _, value in measured.values())  # then there is a sample a state
    if not is_state and len(measured) != len(samples):
        yield f"{len(measured)} leaves make {len(samples)} samples: {Counter(one for _, one in samples)}"


def _unmeasured(state: dict[str, Any], where: str) -> bool:
    """Whether a leaf belongs to a disabled radio: its zeros are no measurements."""
    section, _, rest = where.partition(".")
    if section != "radio_stat":
        return False
    radio = state[section][rest.partition(".")[0]]
    return bool(radio.get("disabled")) or radio["channel"] == 0


def _leaves(value: Any, path: str, where: str = "", keys: tuple[str, ...] = ()) -> Iterator[tuple[str, Leaf]]:
    """Yield the concrete path and the leaf for all that a path of the catalogue means."""
    step, _, rest = path.partition(".")
    if not path:
        yield where.lstrip("."), (keys, value)
    elif step.endswith("[*]"):
        elements = value.get(step[:-3]) if isinstance(value, dict) else None
        for place, element in enumerate(elements or ()):
            yield from _leaves(element, rest, f"{where}.{step[:-3]}[{place}]", keys)
    elif isinstance(value, dict):
        chosen = list(value) if step == "{key}" else [step] if step in value else []
        for key in chosen:
            yield from _leaves(value[key], rest, f"{where}.{key}", (*keys, key) if step == "{key}" else keys)
