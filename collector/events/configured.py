"""The event history that the configuration selects."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from collector.events.history import History, HistoryOptions
from collector.events.identities import Identities, load_key, random_key
from collector.events.memory import MemoryHistory

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.config.events import EventsConfig


def history_of(config: EventsConfig, unix_time: Callable[[], float] = time.time) -> History | MemoryHistory:
    """Return the history, not opened yet. Raises HistoryError if the key of the identities cannot be read."""
    identities = None
    if config.identities == "hash":
        identities = Identities(load_key(config.key_file) if config.key_file is not None else random_key())
    if config.file is None or config.history == "memory":
        # milliseconds: greater than those of an earlier process unless more than a thousand events a second came
        first_seq = int(unix_time() * 1000)
        return MemoryHistory(config.excluded_topics, identities=identities, first_seq=first_seq)
    options = HistoryOptions(
        retention_s=config.history.retention,
        max_size_bytes=config.history.max_size,
        on_error=config.history.on_error,
        excluded_topics=config.excluded_topics,
    )
    return History(config.file, options, identities=identities, unix_time=unix_time)
