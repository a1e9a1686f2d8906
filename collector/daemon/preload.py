"""Loading of every module that libraries and options would otherwise import at their first use.

After start-up nothing is imported: with all file descriptors in use an import fails, and a task with it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from collector.errors import ConfigError, Fault

if TYPE_CHECKING:
    from collector.config import Config

_ALWAYS: Final = ("encodings.idna", "encodings.utf_8_sig", "importlib.readers", "stringprep", "unicodedata")
_LOCATION: Final = ("numpy", "shapely", "collector.location.raster")


def preload(config: Config) -> None:
    """Import what `config` may need later.

    Numpy and shapely are loaded only if positions are collected: they take 25 MB and 0.2 s.

    Raises:
        ConfigError: a library cannot be loaded.
    """
    names = (*_ALWAYS, *(_LOCATION if config.locates else ()))
    for name in names:
        try:
            importlib.import_module(name)
        except (ImportError, OSError) as error:
            problem = f"needs the library {name}, which cannot be loaded: {error}"
            raise ConfigError(
                "configuration", [Fault("location", problem, "check the installation, then restart")]
            ) from None
