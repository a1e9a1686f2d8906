"""The settings file, and the words that it lends to rules and dashboards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from mist_screens.words import SELECTORS

if TYPE_CHECKING:
    from pathlib import Path

SECTIONS = frozenset({"job", "selector", "runbooks", "dashboards", "windows", "thresholds"})
_TOKEN = re.compile(r"(?<!\?)<([a-z_]+)(\|percent)?>")  # not a group's name in a regular expression
# The labels that identify a thing, from the scrape down: what recording rules group by and join on.
_KEYS = {
    "org": "job, instance, org_id",
    "site": "job, instance, org_id, site_id",
    "device": "job, instance, org_id, site_id, mac",
    "map": "job, instance, org_id, site_id, map_id",
    "zone": "job, instance, org_id, site_id, zone_id",
}


class SettingsError(ValueError):
    """The settings file is wrong, or a rule asks for a word that it does not have."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What `settings.yaml` says, checked for what is missing or unknown."""

    job: str
    selector: str
    runbooks: str
    dashboards: dict[str, Any]
    windows: dict[str, str]
    thresholds: dict[str, float]

    @classmethod
    def read(cls, file: Path) -> Settings:
        """Read a settings file. Raises SettingsError that names the section that is missing or unknown."""
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
        if not isinstance(said, dict) or said.keys() != SECTIONS:
            wrong = sorted(SECTIONS ^ (said.keys() if isinstance(said, dict) else set()))
            raise SettingsError(f"{file}: needs exactly {', '.join(sorted(SECTIONS))}; look at {', '.join(wrong)}")
        return cls(**said)

    @property
    def matchers(self) -> str:
        """The matchers that every selector of a rule begins with."""
        return ", ".join(part for part in (f'job=~"{self.job}.*"', self.selector) if part)

    def words(self) -> dict[str, str]:
        """Every word that can stand as <word> in a rule, with what it becomes."""
        numbers = {name: f"{value:.15g}" for name, value in self.thresholds.items()}
        own = {"sel": self.matchers, "job": self.job, "uid_prefix": str(self.dashboards["uid_prefix"])}
        return own | _KEYS | SELECTORS | self.windows | numbers

    def fill(self, text: str) -> str:
        """Put the words into a text; `<word|percent>` writes a ratio as a percentage. Raises SettingsError."""
        words = self.words()

        def word(found: re.Match[str]) -> str:
            if found[1] not in words:
                raise SettingsError(f"<{found[1]}> is not in the settings; there are {', '.join(sorted(words))}")
            return f"{float(words[found[1]]):.3%}".replace(".000%", "%") if found[2] else words[found[1]]

        return _TOKEN.sub(word, text)
