"""Event outputs: subscribers that pass events on. Each is a module here and one row of `OUTPUTS`.

There is none yet: outputs to Alertmanager, syslog, OTLP and files follow with the event history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from collector.event import OnEvent

OUTPUTS: Final[Mapping[str, Callable[[], OnEvent]]] = {}
"""Name of an output -> function that makes its subscriber, which must not block or raise."""
