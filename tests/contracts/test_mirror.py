"""tests/unit mirrors collector/: tests/unit/a/test_b.py tests collector/a/b.py. The exceptions are listed below."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = {
    path.relative_to(ROOT / "collector").with_suffix("").as_posix()
    for path in ROOT.glob("collector/**/*.py")
    if path.name not in ("__init__.py", "__main__.py")
}
PACKAGES = {path.parent.relative_to(ROOT / "collector").as_posix() for path in ROOT.glob("collector/**/__init__.py")}
TESTS = {
    (path.parent / path.stem.removeprefix("test_")).relative_to(ROOT / "tests/unit").as_posix()
    for path in ROOT.glob("tests/unit/**/test_*.py")
}

# Reasons of several modules.
CONFIG = "part of the configuration model: tests/unit/config/test_model.py"
RECORDS = "records and exceptions without behaviour"
TABLES = "a table"
WIRE = "a table, or what applies it: tests/wire, tests/contracts/test_catalog.py"
HISTORY = "what every history does: tests/unit/events/test_history.py, tests/faults/test_history_faults.py"
WIRING = "wiring of the daemon: tests/faults, tests/e2e"

# Modules without a test module of their name, each with the tests that cover it.
UNTESTED: dict[str, str] = {
    "catalog/alarms": WIRE,
    "catalog/ap": WIRE,
    "catalog/asset_tables": WIRE,
    "catalog/changes": WIRE,
    "catalog/client_tables": WIRE,
    "catalog/device_tables": WIRE,
    "catalog/event_rules": WIRE,
    "catalog/event_texts": "a table: tests/unit/feeds/test_event_text.py",
    "catalog/events": WIRE,
    "catalog/gateway": WIRE,
    "catalog/gateway_ports": WIRE,
    "catalog/insights": WIRE,
    "catalog/limits": RECORDS,
    "catalog/location": WIRE,
    "catalog/mxedge": WIRE,
    "catalog/object_tables": WIRE,
    "catalog/objects": WIRE,
    "catalog/ports": WIRE,
    "catalog/sites": WIRE,
    "catalog/switch_ports": WIRE,
    "catalog/totals": WIRE,
    "catalog/units": WIRE,
    "catalog/wan": WIRE,
    "clock": RECORDS,
    "config/checks": CONFIG,
    "config/environment": CONFIG,
    "config/faults": CONFIG,
    "config/fields": CONFIG,
    "config/keypath": CONFIG,
    "config/location": "tests/unit/config/test_model.py, tests/contracts/test_configuration_reference.py",
    "config/secret_file": CONFIG,
    "config/section": CONFIG,
    "config/yaml_file": CONFIG,
    "event_query": RECORDS,
    "events/configured": "tests/unit/config/test_events.py",
    "events/database": HISTORY,
    "events/followers": HISTORY,
    "events/query": HISTORY,
    "daemon/account": WIRING,
    "daemon/accounts": WIRING,
    "daemon/housekeeping": WIRING,
    "daemon/reload": WIRING,
    "daemon/status_report": WIRING,
    "errors": RECORDS,
    "floors": RECORDS,
    "listener/web_config": "tests/unit/listener/test_authentication.py",
    "location/floor": "tests/property/test_location.py",
    "location/floor_counters": "tests/unit/location/test_occupancy.py",
    "location/heat_map": "tests/unit/location/test_feed.py",
    "location/named_assets": "tests/unit/location/test_feed.py",
    "location/population": "tests/unit/location/test_occupancy.py",
    "location/positions": "tests/unit/location/test_feed.py",
    "location/raster": "tests/property/test_location.py",
    "location/view": "tests/unit/serve/test_floors.py",
    "metrics/shape": "tests/unit/metrics/test_compiler.py",
    "redaction": "tests/unit/test_log.py",
    "serve/floor_frames": "tests/unit/serve/test_floors.py",
    "serve/floor_html": "tests/unit/serve/test_floors.py",
    "serve/floor_pages": "tests/unit/serve/test_floors.py",
    "serve/floor_sketch": "tests/unit/serve/test_floors.py",
    "serve/health": "tests/unit/serve/test_listener.py",
    "serve/humanize": "tests/unit/serve/test_status_html.py",
    "serve/markup": "tests/unit/serve/test_floors.py",
    "serve/metrics": "tests/unit/serve/test_listener.py",
    "serve/status_page": "tests/unit/serve/test_status_html.py",
    "serve/status_polls": "tests/unit/serve/test_status_html.py",
    "status": RECORDS,
    "tolerant_json": "tests/unit/metrics/test_decoder.py, tests/property/test_mist.py",
}

# Test modules without a module of their name, each with what they test.
CROSS_CUTTING: dict[str, str] = {
    "metrics/skip_unchanged": "fields that rarely change, from decoder to writer",
    "serve/floors": "the pages of floors together",
    "soak_slopes": "tests/soak/measure.py",
}


@pytest.mark.parametrize("module", sorted(MODULES - TESTS))
def test_a_module_without_a_test_module_is_an_exception(module):
    assert module in UNTESTED, "write its test module in tests/unit, or add a line to UNTESTED"


@pytest.mark.parametrize("name", sorted(TESTS - MODULES - PACKAGES))
def test_a_test_module_without_a_module_is_an_exception(name):
    assert name in CROSS_CUTTING, "name it after the module that it tests, or add a line to CROSS_CUTTING"


def test_no_exception_is_stale():
    assert sorted(set(UNTESTED) - (MODULES - TESTS)) == []
    assert sorted(set(CROSS_CUTTING) - (TESTS - MODULES - PACKAGES)) == []


def test_the_tests_that_an_exception_names_exist():
    paths = {path for reason in UNTESTED.values() for path in re.findall(r"tests/[\w/]+(?:\.py)?", reason)}
    assert paths
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []
