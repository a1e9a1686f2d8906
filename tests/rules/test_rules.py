"""promtool's word on every alert: what makes it fire, and what nearly does but must not."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
RULES = sorted((HERE.parents[1] / "deploy/prometheus/rules").glob("*.yml"))
GROUPS = [group for file in RULES for group in yaml.safe_load(file.read_text())["groups"]]
ALERTS = {rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule}
CASES = yaml.safe_load((HERE / "cases.yml").read_text())

_ME = 'job="mist-collector", instance="c1"'
_SITE = f'{_ME}, org_id="o1", site_id="s1"'
WORDS = {
    "<me>": _ME,
    "<site>": _SITE,
    "<zone>": f'{_SITE}, zone_id="z1"',
    "<ap>": f'{_SITE}, mac="m1"',
    "<sw>": f'{_SITE}, mac="m2"',
    "<gw>": f'{_SITE}, mac="m3"',
    "<edge>": f'{_ME}, org_id="o1", site_id="", mac="m4"',
}
WELL = {  # a fleet in which nothing is wrong: one site with three devices, and a Mist Edge of the organisation
    "up{<me>}": "1x200",
    'mist_org_info{<me>, org_id="o1", name="Acme"}': "1x200",
    'mist_site_info{<site>, name="Berlin", country="DE"}': "1x200",
    'mist_zone_info{<zone>, name="Lobby", map_id="f1"}': "1x200",
    'mist_device_info{<ap>, device_type="ap", name="AP 1", model="AP45"}': "1x200",
    'mist_device_info{<sw>, device_type="switch", name="SW 1", model="EX4100"}': "1x200",
    'mist_device_info{<gw>, device_type="gateway", name="GW 1", model="SRX300"}': "1x200",
    'mist_device_info{<edge>, device_type="mxedge", name="Edge 1", model="ME-X5"}': "1x200",
    'mist_device_up{<ap>, device_type="ap"}': "1x200",
    'mist_device_up{<sw>, device_type="switch"}': "1x200",
    'mist_device_up{<gw>, device_type="gateway"}': "1x200",
    'mist_device_up{<edge>, device_type="mxedge"}': "1x200",
}


def spelled(text):
    for word, labels in WORDS.items():
        text = text.replace(word, labels)
    return text


def firing(matchers, value, minute):
    expr = f'sum(ALERTS{{alertstate="firing", {matchers}}}) or vector(0)'
    return {"expr": expr, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": value}]}


def expectations(alert, kind, case):
    """One firing alert with the labels, or none; and beside it only what the case names."""
    minute = case["at"]
    labels = ", ".join(f"{name}={json.dumps(value)}" for name, value in case.get("labels", {}).items())
    fires = kind.startswith("fires")
    others = [name for name in case.get("also", ()) if name != alert]
    known = "|".join([alert, *others])
    yield firing(f'alertname="{alert}"', int(fires), minute)
    if fires:
        yield firing(f'alertname="{alert}", {labels}', 1, minute)
    for other in others:
        yield firing(f'alertname="{other}"', 1, minute)
    yield firing(f'alertname!~"{known}"', 0, minute)


def written(alert, kind, case):
    series = WELL | case.get("series", {})
    return {
        "name": f"{alert} {kind}",
        "interval": "1m",
        "input_series": [
            {"series": spelled(name), "values": values} for name, values in series.items() if values is not None
        ],
        "promql_expr_test": list(expectations(alert, kind, case)),
    }


def test_every_alert_has_both_cases():
    assert CASES.keys() == ALERTS.keys()
    assert {alert for alert, kinds in CASES.items() if not {"fires", "quiet"} <= kinds.keys()} == set()
    assert {kind for kinds in CASES.values() for kind in kinds if not kind.startswith(("fires", "quiet"))} == set()


def test_promtool_finds_nothing_wrong_with_the_rules(promtool):
    done = subprocess.run([promtool, "check", "rules", *RULES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", CASES)
def test_the_alert_fires_when_it_should_and_only_then(alert, promtool, tmp_path):
    document = {
        "rule_files": [str(file) for file in RULES],
        "evaluation_interval": "1m",
        "group_eval_order": sorted(
            (group["name"] for group in GROUPS), key=lambda name: ("alerts" in name, "names" not in name)
        ),
        "tests": [written(alert, kind, case) for kind, case in CASES[alert].items()],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    done = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
