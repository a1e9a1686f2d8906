"""The collector's own families: each reads its values from the status records."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector.event_query import HistoryStatus
from collector.metrics.own_families import FAMILIES, StatusRecords
from collector.metrics.self_metrics import SelfMetrics
from collector.status import (
    ConnectionStatus,
    Counts,
    PollStatus,
    ReloadStatus,
    RestStatus,
    ServerStatus,
    SubscriptionStatus,
    TaskStatus,
    WebhookStatus,
)
from tests.support import samples

BOOT = 1_700_000_000.0  # Unix time at monotonic 0


def to_unix(monotonic: float) -> float:
    return BOOT + monotonic


@pytest.fixture
def connection() -> ConnectionStatus:
    up = SubscriptionStatus("/a", state="up", frames=5, last_message_at=7.0, disconnects=2)
    refused = SubscriptionStatus("/b", state="refused", detail="permission denied")
    return ConnectionStatus(
        "main/0", account="main", state="open", last_message_at=7.0, connects=3, disconnects={"closed": 2}, bytes=900,
        subscriptions={"/a": up, "/b": refused},
    )  # fmt: skip


@pytest.fixture
def polls() -> list[PollStatus]:
    ports = PollStatus("main", "ports", 300.0, 400.0, "good", good=4, failed=1, last_good_at=90.0, duration_s=12.5)
    ports.objects, ports.calls, ports.object_counts = 96_000, 500, Counts(10, 7, {"unwatched_site": 2, "stale": 1})
    zones = PollStatus("other", "zones", 300.0, None, "left out", reason="budget")
    return [ports, zones]


@pytest.fixture
def status(connection, polls) -> dict:
    return {
        "version": "1.2.3",
        "to_unix": to_unix,
        "frames": Counts(received=10, applied=7, dropped={"not_json": 2, "empty": 1}),
        "events": {
            "ping": Counts(received=1, applied=1),
            "alarms": Counts(received=3, applied=1, dropped={"duplicate": 2}),
        },
        "connections": [connection],
        "rest": [
            RestStatus("main", calls={"ok": 4, "retry": 1}, budget_used=5, inventory_at=3.0, inventory_failures=1)
        ],
        "polls": polls,
        "webhook": WebhookStatus(
            answers={200: 4, 401: 1}, refused={"mismatch": 1}, bytes=700, last_accepted_at=9.0, connections=2,
            closed={"idle": 3},
        ),
        "server": ServerStatus(connections=4, closed={"idle": 5}, refused={"wrong_password": 6}),
        "reload": ReloadStatus(good=2, refused=1, last_good_at=11.0, faults=("x",)),
        "rejected_parts": lambda: {("ap", "not_a_number"): 6},
        "refused_labels": lambda: {"type": 8},
        "rows": lambda: {"ap": 20},
        "tasks": lambda: 12,
        "supervised": {"sweep": TaskStatus("sweep", restarts=3)},
        "feed_errors": lambda: {"devices": 9},
        "history": HistoryStatus(errors={"disk_full": 2}, available=False, size_bytes=4096),
        "events_not_queued": lambda: 3,
        "log_dropped": {"queue_full": 7},
    }  # fmt: skip


@pytest.fixture
def exposed(status):
    """Samples by name without the common prefix, and label values in the order of the label names."""

    def expose(**changed: object) -> dict[tuple[str, ...], float]:
        metrics = SelfMetrics(StatusRecords(**status | changed))
        text = samples.of_text(metrics.render(openmetrics=False).decode())
        return {
            (name.removeprefix("mist_collector_"), *(value for _, value in sorted(labels))): value
            for (name, labels), value in text.items()
            if name.startswith("mist_collector_")
        }

    return expose


class TestFrames:
    def test_counts(self, exposed):
        assert exposed()[("stream_frames_received_total",)] == 10.0
        assert exposed()[("stream_frames_applied_total",)] == 7.0
        assert exposed()["stream_frames_dropped_total", "not_json"] == 2.0
        assert exposed()["stream_frames_dropped_total", "empty"] == 1.0

    def test_reasons_that_alerts_count_start_at_zero(self, exposed):
        assert exposed()["stream_frames_dropped_total", "internal_error"] == 0.0

    def test_received_is_applied_and_dropped(self, exposed):
        found = exposed()
        dropped = sum(value for key, value in found.items() if key[0] == "stream_frames_dropped_total")
        assert found[("stream_frames_received_total",)] == found[("stream_frames_applied_total",)] + dropped

    def test_they_are_read_at_each_scrape(self, status, exposed):
        status["frames"].received += 1
        assert exposed()[("stream_frames_received_total",)] == 11.0


class TestConnections:
    def test_values(self, exposed):
        found = exposed()
        assert found["connection_up", "main", "main/0"] == 1.0
        assert found["connection_last_message_timestamp_seconds", "main", "main/0"] == BOOT + 7.0
        assert found["connection_opened_total", "main", "main/0"] == 3.0
        assert found["connection_received_bytes_total", "main", "main/0"] == 900.0
        assert found["connection_breaks_total", "main", "main/0", "closed"] == 2.0

    @pytest.mark.parametrize("state", ["idle", "connecting", "waiting"])
    def test_not_open_is_not_up(self, exposed, connection, state):
        connection.state = state
        assert exposed()["connection_up", "main", "main/0"] == 0.0

    def test_no_message_yet(self, exposed, connection):
        connection.last_message_at = None
        assert not [key for key in exposed() if key[0] == "connection_last_message_timestamp_seconds"]

    def test_subscriptions_by_state(self, exposed):
        assert {key: value for key, value in exposed().items() if key[0] == "subscriptions"} == {
            ("subscriptions", "main", "up"): 1.0,
            ("subscriptions", "main", "refused"): 1.0,
        }

    def test_none(self, exposed):
        assert not [key for key in exposed(connections=[]) if key[0].startswith(("connection", "subscription"))]


class TestWebhook:
    def test_events_by_topic(self, exposed):
        assert exposed()["webhook_events_received_total", "alarms"] == 3.0
        assert exposed()["webhook_events_applied_total", "ping"] == 1.0
        assert exposed()["webhook_events_dropped_total", "duplicate", "alarms"] == 2.0

    def test_requests(self, exposed):
        found = exposed()
        assert found["webhook_requests_total", "200"] == 4.0
        assert found["webhook_refused_total", "mismatch"] == 1.0
        assert found["webhook_refused_total", "missing"] == 0.0
        assert found[("webhook_received_bytes_total",)] == 700.0
        assert found[("webhook_last_accepted_timestamp_seconds",)] == BOOT + 9.0
        assert found[("webhook_connections",)] == 2.0
        assert found["webhook_connections_closed_total", "idle"] == 3.0

    def test_disabled(self, status):
        text = SelfMetrics(StatusRecords(**status | {"webhook": None})).render(openmetrics=False).decode()
        assert "webhook_requests" not in text
        assert "webhook_refused" not in text

    def test_hostile_label_values(self, exposed):
        topic = 'a"\n\\'
        assert exposed(events={topic: Counts(received=1)})["webhook_events_received_total", topic] == 1.0


class TestRest:
    def test_values(self, exposed):
        found = exposed()
        assert found["rest_calls_total", "main", "ok"] == 4.0
        assert found["rest_calls_total", "main", "refused"] == 0.0
        assert found["rest_budget_calls", "main"] == 5000.0
        assert found["rest_budget_used_calls", "main"] == 5.0
        assert found["inventory_failures_total", "main"] == 1.0
        assert found["inventory_last_success_timestamp_seconds", "main"] == BOOT + 3.0

    def test_no_inventory_yet(self, exposed):
        assert not [key for key in exposed(rest=[RestStatus("main")]) if "inventory_last" in key[0]]


class TestPolls:
    def of(self, found: dict, poll: str) -> dict:
        return {key: value for key, value in found.items() if key[0].startswith("poll_") and poll in key}

    def test_a_poll_with_rounds(self, exposed):
        assert self.of(exposed(), "ports") == {
            ("poll_last_success_timestamp_seconds", "main", "ports"): BOOT + 90,
            ("poll_configured_period_seconds", "main", "ports"): 300,
            ("poll_period_seconds", "main", "ports"): 400,
            ("poll_left_out", "main", "ports"): 0,
            ("poll_duration_seconds", "main", "ports"): 12.5,
            ("poll_rounds_total", "main", "good", "ports"): 4,
            ("poll_rounds_total", "main", "failed", "ports"): 1,
            ("poll_calls_total", "main", "ports"): 500,
            ("poll_objects", "main", "ports"): 96_000,
            ("poll_objects_received_total", "main", "ports"): 10,
            ("poll_objects_applied_total", "main", "ports"): 7,
            ("poll_objects_dropped_total", "main", "ports", "unwatched_site"): 2,
            ("poll_objects_dropped_total", "main", "ports", "stale"): 1,
        }

    def test_a_poll_without_rounds_has_no_times(self, exposed):
        found = self.of(exposed(), "zones")
        assert {key[0] for key in found} == {
            "poll_configured_period_seconds",
            "poll_left_out",
            "poll_rounds_total",
            "poll_calls_total",
            "poll_objects_received_total",
            "poll_objects_applied_total",
        }
        assert found["poll_left_out", "other", "zones"] == 1


class TestProcess:
    def test_values(self, exposed):
        found = exposed()
        assert found["build_info", "1.2.3"] == 1.0
        assert found["parts_rejected_total", "ap", "not_a_number"] == 6.0
        assert found["rows", "ap"] == 20.0
        assert found["label_values_refused_total", "type"] == 8.0
        assert found[("tasks",)] == 12.0
        assert found["task_restarts_total", "sweep"] == 3.0
        assert found["feed_errors_total", "devices"] == 9.0
        assert found["event_history_errors_total", "disk_full"] == 2.0
        assert found["event_history_events_total", "new"] == 0.0
        assert found["log_lines_dropped_total", "queue_full"] == 7.0
        assert found[("server_connections",)] == 4.0
        assert found["server_connections_closed_total", "idle"] == 5.0
        assert found["server_refused_total", "wrong_password"] == 6.0
        assert found["config_reloads_total", "good"] == 2.0
        assert found["config_reloads_total", "refused"] == 1.0
        assert found[("config_last_reload_successful",)] == 0.0
        assert found[("config_last_reload_success_timestamp_seconds",)] == BOOT + 11.0


class TestTable:
    def test_each_family_has_samples_of_its_name_type_and_labels(self, status):
        text = SelfMetrics(StatusRecords(**status)).render(openmetrics=False).decode()
        types = {"info": "gauge"}
        found = {
            (sample.name, family.type, frozenset(sample.labels))
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name.startswith("mist_")
        }
        assert found == {
            (one.name, types.get(one.type.value, one.type.value), frozenset(one.labels)) for one in FAMILIES
        }

    def test_names_are_unique(self):
        assert len({one.name for one in FAMILIES}) == len(FAMILIES)
