"""How a listener that never forgets adds frames up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.simulator.fleet.messages import Payload


def merge(state: Payload, frame: Payload) -> None:
    """Write every leaf that `frame` names over `state`; what it does not name stays. Lists are leaves.

    `frame` is left as it is, and no dict of it becomes part of `state`.
    """
    for key, value in frame.items():
        if isinstance(value, dict):
            known = state.get(key)
            if not isinstance(known, dict):
                known = state[key] = {}
            merge(known, value)
        else:
            state[key] = value
