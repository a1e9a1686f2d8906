from pathlib import Path

import pytest
import yaml

from collector.simulator.scenarios import SCENARIOS

RULES = Path(__file__).parents[3] / "deploy/prometheus/rules"
ALERTS = {
    rule["alert"]
    for file in RULES.glob("alerts-*.yml")
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
}
# Alerts that no scenario of a cloud can fire -> what fires them instead.
OTHER_CAUSES = {
    "MistCollectorEventHistoryUnavailable": "a full disk: tests/faults/test_history_daemon.py",
    "MistCollectorTaskFailing": "an unexpected error in a task: tests/unit/daemon/test_supervisor.py",
    "MistCollectorDown": "stop the collector",
    "MistCollectorAbsent": "remove the scrape job from Prometheus",
    "MistCollectorSeriesLimit": "simulate a large fleet, or lower series_limit in the settings",
    "MistCollectorScrapeSlow": "as for MistCollectorSeriesLimit, or delay its responses",
}


def test_every_alert_has_a_scenario_or_another_cause():
    fired = {alert for scenario in SCENARIOS.values() for alert in scenario.alerts}
    assert fired | OTHER_CAUSES.keys() == ALERTS
    assert fired & OTHER_CAUSES.keys() == set()


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)
def test_a_description_is_one_sentence(scenario):
    assert scenario.description.endswith(".")
    assert scenario.description.count(". ") == 0
