"""Rules, alerts, runbooks, Alertmanager: made from their sources, complete, and said in words that help at night."""

import re
import subprocess

import pytest
import yaml
from mist_screens.__main__ import HERE, outputs
from mist_screens.settings import Settings, SettingsError

SETTINGS = Settings.read(HERE / "settings.yaml")
GROUPS = [
    group
    for path, text in outputs(SETTINGS).items()
    if path.endswith(".yml") and "/rules/" in path
    for group in yaml.safe_load(text)["groups"]
]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]


def test_what_is_committed_is_what_the_sources_make(project):
    stale = [path for path, text in outputs(SETTINGS).items() if (project / path).read_text() != text]
    assert stale == [], "run make dashboards"


def test_nothing_else_lies_where_they_are_made(project):
    made = outputs(SETTINGS).keys()
    there = [
        file for folder in {str((project / path).parent) for path in made} for file in (project / folder).iterdir()
    ]
    assert {str(file.relative_to(project)) for file in there if file.is_file()} - made == set()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda rule: rule["alert"])
class TestAlert:
    def test_it_is_labelled_for_routing_and_inhibition(self, alert):
        assert alert["labels"]["severity"] in {"critical", "warning", "info"}
        assert alert["labels"]["scope"] in {"site", "device", "part", "collector"}

    def test_its_summary_names_the_thing_and_the_place(self, alert):
        named = set(re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"]))
        if alert["labels"]["scope"] == "collector":
            assert named or alert["alert"] == "MistCollectorAbsent"
        elif not alert["alert"].startswith("MistEdge"):
            assert "site" in named
        if alert["labels"]["scope"] == "device":
            assert "device" in named

    def test_it_has_a_runbook_with_what_look_and_do(self, alert, project):
        assert alert["annotations"]["runbook_url"] == f"{SETTINGS.runbooks}/{alert['alert']}.md"
        text = (project / f"docs/runbooks/{alert['alert']}.md").read_text()
        assert text.startswith(f"# {alert['alert']}\n\nSeverity {alert['labels']['severity']}, ")
        assert f"after {alert['for']}." in text if "for" in alert else "at once." in text
        assert re.findall("^## .*", text, re.MULTILINE) == ["## What it means", "## Look here", "## Do this"]

    def test_a_comment_says_why_it_waits(self, alert):
        template = "\n".join(file.read_text() for file in (HERE / "rules").glob("alerts-*.yml"))
        above = template[: template.index(f"- alert: {alert['alert']}\n")].rstrip().splitlines()[-1]
        assert above.strip().startswith("#")


def test_the_runbooks_are_those_of_the_alerts_and_the_index_lists_them(project):
    files = {file.stem for file in (project / "docs/runbooks").glob("*.md")} - {"index"}
    assert files == {alert["alert"] for alert in ALERTS}
    listed = re.findall(r"\[(\w+)\]\(\1\.md\)", (project / "docs/runbooks/index.md").read_text())
    assert sorted(listed) == sorted(files)


def test_records_are_named_level_metric_operation():
    names = [rule["record"] for rule in RULES if "record" in rule]
    assert [name for name in names if not re.fullmatch(r"[a-z]+:mist_[a-z_]+:[a-z0-9_]+", name)] == []


def test_alertmanager_accepts_its_configuration(project, amtool):
    command = [amtool, "check-config", "deploy/alertmanager/alertmanager.yml"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_inhibition_speaks_of_alerts_and_labels_that_exist(project):
    configuration = yaml.safe_load((project / "deploy/alertmanager/alertmanager.yml").read_text())
    matchers = [
        matcher
        for rule in configuration["inhibit_rules"]
        for side in ("source_matchers", "target_matchers")
        for matcher in rule[side]
    ]
    names = [alert["alert"] for alert in ALERTS]
    for matcher in matchers:
        label, sign, value = re.fullmatch(r'(\w+) (=~|!=|=) "?([^"]*)"?', matcher).groups()
        if label == "alertname":
            assert any(re.fullmatch(value, name) for name in names), matcher
            if sign == "=~" and "(" not in value:
                assert set(value.split("|")) <= set(names), matcher


def test_a_word_that_the_settings_lack_is_named():
    with pytest.raises(SettingsError, match="undefined placeholder <no_such_word>"):
        SETTINGS.substitute("up > <no_such_word>")


def test_a_settings_file_with_an_unknown_section_is_refused(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text((HERE / "settings.yaml").read_text() + "colours: {}\n")
    with pytest.raises(SettingsError, match="missing or unknown: colours"):
        Settings.read(file)
