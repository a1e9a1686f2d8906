"""The settings file, and the placeholders that rules and dashboards use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

SECTIONS = frozenset({"job", "selector", "runbooks", "dashboards", "windows", "thresholds"})
_PLACEHOLDER = re.compile(r"(?<!\?)<([a-z_]+)(\|percent)?>")  # the lookbehind skips named groups of regular expressions
# Labels that identify an object, scrape target included: recording rules group by and join on them.
_KEYS = {
    "org": "job, instance, org_id",
    "site": "job, instance, org_id, site_id",
    "device": "job, instance, org_id, site_id, mac",
    "map": "job, instance, org_id, site_id, map_id",
    "zone": "job, instance, org_id, site_id, zone_id",
}
# Matchers of the dashboards' variables: <in_site> in a query.
_IN_COLLECTOR = 'job=~"$job", instance=~"$instance"'
_IN_ORG = f'{_IN_COLLECTOR}, org_id=~"$org"'
_IN_SITE = f'{_IN_ORG}, site_id=~"$site"'
_IN_DEVICE = f'{_IN_SITE}, mac=~"$device"'
_SELECTORS = {"in_collector": _IN_COLLECTOR, "in_org": _IN_ORG, "in_site": _IN_SITE, "in_device": _IN_DEVICE}


class SettingsError(ValueError):
    """Raised for an invalid settings file and for an unknown placeholder."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Content of `settings.yaml`; its sections are checked when it is read."""

    job: str
    selector: str
    runbooks: str
    dashboards: dict[str, Any]
    windows: dict[str, str]
    thresholds: dict[str, float]

    @classmethod
    def read(cls, file: Path) -> Settings:
        """Read a settings file.

        Raises:
            SettingsError: A section is missing or unknown; the message names it.
        """
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.keys() != SECTIONS:
            wrong = sorted(SECTIONS ^ (content.keys() if isinstance(content, dict) else set()))
            required = ", ".join(sorted(SECTIONS))
            raise SettingsError(f"{file}: required sections: {required}; missing or unknown: {', '.join(wrong)}")
        return cls(**content)

    @property
    def matchers(self) -> str:
        """Return the matchers that every selector of a rule starts with."""
        return ", ".join(part for part in (f'job=~"{self.job}.*"', self.selector) if part)

    def placeholders(self) -> dict[str, str]:
        """Return the value of every placeholder, by its name without angle brackets."""
        numbers = {name: f"{value:.15g}" for name, value in self.thresholds.items()}
        own = {"sel": self.matchers, "job": self.job, "uid_prefix": str(self.dashboards["uid_prefix"])}
        return own | _KEYS | _SELECTORS | self.windows | numbers

    def substitute(self, text: str) -> str:
        """Replace the placeholders of a text; `<name|percent>` formats a ratio as a percentage.

        Raises:
            SettingsError: A placeholder is not defined.
        """
        values = self.placeholders()

        def value_of(match: re.Match[str]) -> str:
            if match[1] not in values:
                raise SettingsError(f"undefined placeholder <{match[1]}>; defined are {', '.join(sorted(values))}")
            return f"{100 * float(values[match[1]]):.6g}%" if match[2] else values[match[1]]

        return _PLACEHOLDER.sub(value_of, text)
