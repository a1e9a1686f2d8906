"""The files in deploy/ are accepted by the programs that will read them."""

import json
import os
import subprocess
import sys

import pytest
import yaml

pytestmark = pytest.mark.slow


def test_the_example_configuration_is_accepted(project):
    command = [sys.executable, "-m", "collector", "check-config", "deploy/collector.example.yaml"]
    environ = os.environ | {"MIST_API_TOKEN": "not-a-real-token"}
    done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_shows_every_section(project):
    command = [sys.executable, "-m", "collector", "schema"]
    schema = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout
    example = yaml.safe_load((project / "deploy/collector.example.yaml").read_text())
    assert example.keys() == json.loads(schema)["properties"].keys()


def test_prometheus_accepts_its_configuration(project, promtool):
    command = [promtool, "check", "config", "deploy/prometheus/prometheus.yml"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_scrapes_the_port_that_the_example_listens_on(project):
    scrape = yaml.safe_load((project / "deploy/prometheus/prometheus.yml").read_text())
    example = yaml.safe_load((project / "deploy/collector.example.yaml").read_text())
    (target,) = scrape["scrape_configs"][0]["static_configs"][0]["targets"]
    assert target.rpartition(":")[2] == example["server"]["listen"].rpartition(":")[2]
