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
TESTS = {
    (path.parent / path.stem.removeprefix("test_")).relative_to(ROOT / "tests/unit").as_posix()
    for path in ROOT.glob("tests/unit/**/test_*.py")
}

# Reasons of several modules.
CLOUD = "part of the simulated cloud: tests/unit/simulator/test_cloud.py"
CONFIG = "part of the configuration model: tests/unit/config/test_model.py"
FLEET = "part of the simulated fleet: tests/unit/simulator/fleet/test_fleet.py"
RECORDS = "records and exceptions without behaviour"
REST_API = (
    "routes of the simulated REST API: tests/unit/simulator/test_rest.py, tests/unit/simulator/test_rest_polls.py"
)
TABLES = "a table"
WIRE = "a table, or what applies it: tests/wire, tests/contracts/test_catalog.py"
WIRING = "wiring of the daemon: tests/faults, tests/e2e"

# Modules without a test module of their name, each with the tests that cover it.
UNTESTED: dict[str, str] = {
    "backoff": "tests/unit/ingest/test_stream_retry.py",
    "catalog/alarms": WIRE,
    "catalog/ap": WIRE,
    "catalog/asset_tables": WIRE,
    "catalog/client_tables": WIRE,
    "catalog/device_tables": WIRE,
    "catalog/event_rules": WIRE,
    "catalog/events": WIRE,
    "catalog/gateway": WIRE,
    "catalog/gateway_ports": WIRE,
    "catalog/insights": WIRE,
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
    "cli/catalog": "tests/contracts/test_metric_reference.py",
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
    "daemon/account": WIRING,
    "daemon/accounts": WIRING,
    "daemon/housekeeping": WIRING,
    "daemon/reload": WIRING,
    "daemon/status_report": WIRING,
    "error_log": "tests/unit/daemon/test_supervisor.py",
    "errors": RECORDS,
    "event": RECORDS,
    "feeds/change_feed": WIRE,
    "feeds/client_record": "tests/unit/feeds/test_client_feed.py",
    "feeds/event_rows": "tests/unit/feeds/test_event_feed.py",
    "feeds/feed": RECORDS,
    "feeds/headcount": "tests/unit/feeds/test_client_feed.py",
    "feeds/individual_rows": "tests/unit/feeds/test_client_feed.py",
    "feeds/router": WIRE,
    "floors": RECORDS,
    "ingest/rest/backfill": "tests/unit/ingest/rest/test_inventory.py",
    "ingest/rest/client": "tests/unit/ingest/rest/test_inventory.py, tests/faults/test_rest_faults.py",
    "ingest/rest/inventory_reader": "tests/unit/ingest/rest/test_inventory.py",
    "ingest/rest/poll_round": "tests/unit/ingest/rest/test_polling.py",
    "ingest/rest/writing_client": "tests/unit/cli/test_webhook.py",
    "ingest/stream/disconnect": "tests/unit/ingest/test_stream_retry.py",
    "ingest/stream/frame_reader": "tests/unit/ingest/stream/test_transport.py",
    "ingest/stream/retry": "tests/unit/ingest/test_stream_retry.py",
    "ingest/stream/transport_aiohttp": "tests/unit/ingest/stream/test_transport.py",
    "ingest/stream/transport_websockets": "tests/unit/ingest/stream/test_transport.py",
    "ingest/stream/transports": "tests/unit/ingest/stream/test_transport.py",
    "listener/basic_auth": "tests/unit/serve/test_guard.py",
    "location/floor": "tests/property/test_location.py",
    "location/heat_map": "tests/unit/location/test_feed.py",
    "location/floor_counters": "tests/unit/location/test_occupancy.py",
    "location/named_assets": "tests/unit/location/test_feed.py",
    "location/population": "tests/unit/location/test_occupancy.py",
    "location/positions": "tests/unit/location/test_feed.py",
    "location/raster": "tests/property/test_location.py",
    "location/view": "tests/unit/serve/test_floors.py",
    "metrics/families": TABLES,
    "metrics/listener_metrics": "tests/unit/metrics/test_self_metrics.py",
    "metrics/rows": "tests/unit/metrics/test_writer.py",
    "metrics/shape": "tests/unit/metrics/test_compiler.py",
    "mist/directories": "tests/unit/mist/test_directory.py",
    "mist/sitefilter": "tests/unit/mist/test_directory.py",
    "redaction": "tests/unit/test_log.py",
    "serve/floor_frames": "tests/unit/serve/test_floors.py",
    "serve/floor_html": "tests/unit/serve/test_floors.py",
    "serve/floor_pages": "tests/unit/serve/test_floors.py",
    "serve/floor_sketch": "tests/unit/serve/test_floors.py",
    "serve/health": "tests/unit/serve/test_listener.py",
    "serve/markup": "tests/unit/serve/test_floors.py",
    "serve/metrics": "tests/unit/serve/test_listener.py",
    "serve/status_page": "tests/unit/serve/test_status_html.py",
    "serve/status_polls": "tests/unit/serve/test_status_html.py",
    "serve/words": "tests/unit/serve/test_status_html.py",
    "simulator/atlas": CLOUD,
    "simulator/flags": "tests/unit/simulator/test_command.py",
    "simulator/fleet/agenda": FLEET,
    "simulator/fleet/answers": FLEET,
    "simulator/fleet/ap_extras": "tests/unit/simulator/fleet/test_ap.py",
    "simulator/fleet/ap_models": "tests/unit/simulator/fleet/test_ap.py",
    "simulator/fleet/ap_parts": "tests/unit/simulator/fleet/test_ap.py",
    "simulator/fleet/ap_radio": "tests/unit/simulator/fleet/test_ap.py",
    "simulator/fleet/client_kinds": "tests/unit/simulator/fleet/test_clients.py",
    "simulator/fleet/client_words": "tests/unit/simulator/fleet/test_clients.py",
    "simulator/fleet/device": FLEET,
    "simulator/fleet/event_tables": FLEET,
    "simulator/fleet/events": FLEET,
    "simulator/fleet/gateway": "tests/unit/simulator/fleet/test_wired.py",
    "simulator/fleet/gateway_parts": "tests/unit/simulator/fleet/test_wired.py",
    "simulator/fleet/ids": FLEET,
    "simulator/fleet/insights": FLEET,
    "simulator/fleet/makers": FLEET,
    "simulator/fleet/merge": "tests/unit/simulator/fleet/test_fleet.py",
    "simulator/fleet/messages": FLEET,
    "simulator/fleet/mxedge": FLEET,
    "simulator/fleet/offices": "tests/unit/simulator/fleet/test_walkers.py",
    "simulator/fleet/parts": FLEET,
    "simulator/fleet/plan": FLEET,
    "simulator/fleet/presence": FLEET,
    "simulator/fleet/site_life": FLEET,
    "simulator/fleet/switch": "tests/unit/simulator/fleet/test_wired.py",
    "simulator/fleet/switch_parts": "tests/unit/simulator/fleet/test_wired.py",
    "simulator/fleet/visitors": "tests/unit/simulator/fleet/test_walkers.py",
    "simulator/fleet/world": FLEET,
    "simulator/ledger": CLOUD,
    "simulator/options": "tests/unit/simulator/test_command.py",
    "simulator/rest/account": REST_API,
    "simulator/rest/application": REST_API,
    "simulator/rest/derived": REST_API,
    "simulator/rest/gate": REST_API,
    "simulator/rest/located": REST_API,
    "simulator/rest/others": REST_API,
    "simulator/rest/paging": REST_API,
    "simulator/rest/peers": REST_API,
    "simulator/rest/places": REST_API,
    "simulator/rest/reply": REST_API,
    "simulator/rest/routes": REST_API,
    "simulator/rest/stats": REST_API,
    "simulator/rest/webhook_calls": "tests/unit/simulator/test_webhooks.py",
    "simulator/rights": CLOUD,
    "simulator/rubbish": "tests/unit/simulator/test_frames.py",
    "simulator/scenarios": "tests/unit/simulator/test_stage.py",
    "simulator/sender": "tests/unit/simulator/test_webhooks.py",
    "simulator/serving": CLOUD,
    "status": RECORDS,
    "tolerant_json": "tests/unit/metrics/test_decoder.py, tests/property/test_mist.py",
}

# Test modules without a module of their name, each with what they test.
CROSS_CUTTING: dict[str, str] = {
    "catalog/inside": "lists inside a payload, over several tables",
    "catalog/told_every": "the poll periods of all tables",
    "feeds/event_feed_bounds": "the bounds of feeds/event_feed",
    "ingest/stream_retry": "collector.backoff, as the stream uses it",
    "metrics/element_keys": "a part of metrics/writer",
    "metrics/one_for_a_list": "a part of metrics/decoder",
    "metrics/scale_and_sums": "families with scales and sums, from table to exposition",
    "metrics/steady": "fields that rarely change, from decoder to writer",
    "serve/floors": "the pages of floors together",
    "simulator/rest": "the simulated REST API as a whole",
    "simulator/rest_polls": "the listings of the simulated REST API that the collector polls",
    "soak_slopes": "tests/soak/measure.py",
}


@pytest.mark.parametrize("module", sorted(MODULES - TESTS))
def test_a_module_without_a_test_module_is_an_exception(module):
    assert module in UNTESTED, "write its test module in tests/unit, or add a line to UNTESTED"


@pytest.mark.parametrize("name", sorted(TESTS - MODULES))
def test_a_test_module_without_a_module_is_an_exception(name):
    assert name in CROSS_CUTTING, "name it after the module that it tests, or add a line to CROSS_CUTTING"


def test_no_exception_is_stale():
    assert sorted(set(UNTESTED) - (MODULES - TESTS)) == []
    assert sorted(set(CROSS_CUTTING) - (TESTS - MODULES)) == []


def test_the_tests_that_an_exception_names_exist():
    paths = {path for reason in UNTESTED.values() for path in re.findall(r"tests/[\w/]+(?:\.py)?", reason)}
    assert paths
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []
