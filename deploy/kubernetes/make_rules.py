# ruff: noqa: INP001 - a program, no package
"""Writes the rules and alerts of deploy/prometheus/rules as one PrometheusRule, for `make dashboards`.

The operator takes rules only in an object of its own, and Kustomize cannot wrap files in one.
"""

from pathlib import Path

import yaml

HERE = Path(__file__).parent
RULES = HERE.parent / "prometheus/rules"
TARGET = HERE / "components/monitoring/prometheusrule.yaml"
_HEAD = "# Made by `make dashboards` from deploy/prometheus/rules. Do not edit.\n"


def text() -> str:
    """The object, with the groups of every file in the order of their names."""
    groups = [
        group
        for file in sorted(RULES.glob("*.yml"))
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    ]
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "mist-collector"},
        "spec": {"groups": groups},
    }
    return _HEAD + yaml.safe_dump(rule, sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
