"""The collector's own metrics: everything in the status records is told, in both formats."""

from __future__ import annotations

import pytest

from collector.metrics.self_metrics import SelfMetrics, Subscriptions
from collector.metrics.store import Store
from collector.metrics.text_format import render_all
from collector.status import ConnectionStatus, Counts, RestStatus, SubscriptionStatus, WebhookStatus
from tests.support import golden
from tests.support.bench import exposed

BOOT = 1_700_000_000.0  # when the monotonic clock stood at zero


def to_unix(monotonic: float) -> float:
    return BOOT + monotonic


@pytest.fixture
def connection() -> ConnectionStatus:
    up = SubscriptionStatus("/a", state="up", frames=5, last_message_at=7.0, breaks=2)
    refused = SubscriptionStatus("/b", state="refused", detail="permission denied")
    return ConnectionStatus(
        "main/0", account="main", state="open", last_message_at=7.0, connects=3, breaks={"closed": 2}, bytes=900,
        subscriptions={"/a": up, "/b": refused},
    )  # fmt: skip


@pytest.fixture
def status(connection) -> dict:
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
        "webhook": WebhookStatus(answers={200: 4, 401: 1}, refused={"mismatch": 1}, bytes=700, last_accepted_at=9.0),
        "rejected_parts": lambda: {("ap", "not_a_number"): 6},
        "refused_labels": lambda: {"type": 8},
        "rows": lambda: {"ap": 20},
    }


@pytest.fixture
def told(status):
    """Samples by name and label values, without the common beginning."""

    def tell(**changed: object) -> dict[tuple[str, ...], float]:
        metrics = SelfMetrics(**status | changed)
        text = golden.samples(metrics.render(openmetrics=False).decode())
        return {
            (name.removeprefix("mist_collector_"), *(value for _, value in sorted(labels))): value
            for (name, labels), value in text.items()
            if name.startswith("mist_collector_")
        }

    return tell


class TestBooks:
    def test_frames(self, told):
        assert told()[("stream_frames_received_total",)] == 10.0
        assert told()[("stream_frames_applied_total",)] == 7.0
        assert told()["stream_frames_dropped_total", "not_json"] == 2.0
        assert told()["stream_frames_dropped_total", "empty"] == 1.0

    def test_received_is_applied_and_dropped(self, told):
        samples = told()
        dropped = sum(value for key, value in samples.items() if key[0] == "stream_frames_dropped_total")
        assert samples[("stream_frames_received_total",)] == samples[("stream_frames_applied_total",)] + dropped

    def test_events_by_topic(self, told):
        assert told()["webhook_events_received_total", "alarms"] == 3.0
        assert told()["webhook_events_applied_total", "ping"] == 1.0
        assert told()["webhook_events_dropped_total", "duplicate", "alarms"] == 2.0

    def test_parts(self, told):
        assert told()["parts_rejected_total", "ap", "not_a_number"] == 6.0

    def test_they_are_read_when_rendered(self, status, told):
        status["frames"].received += 1
        assert told()[("stream_frames_received_total",)] == 11.0


class TestConnections:
    def test_one(self, told):
        samples = told()
        assert samples["connection_up", "main", "main/0"] == 1.0
        assert samples["connection_last_message_timestamp_seconds", "main", "main/0"] == BOOT + 7.0
        assert samples["connection_opened_total", "main", "main/0"] == 3.0
        assert samples["connection_received_bytes_total", "main", "main/0"] == 900.0
        assert samples["connection_breaks_total", "main", "main/0", "closed"] == 2.0

    @pytest.mark.parametrize("state", ["idle", "connecting", "waiting"])
    def test_not_open_is_not_up(self, told, connection, state):
        connection.state = state
        assert told()["connection_up", "main", "main/0"] == 0.0

    def test_what_never_happened_is_not_told(self, told, connection):
        connection.last_message_at = None
        assert not [key for key in told() if key[0] == "connection_last_message_timestamp_seconds"]

    def test_subscriptions_by_state(self, told):
        assert {key: value for key, value in told().items() if key[0] == "subscriptions"} == {
            ("subscriptions", "main", "up"): 1.0,
            ("subscriptions", "main", "refused"): 1.0,
        }

    def test_none(self, told):
        assert not [key for key in told(connections=[]) if key[0].startswith(("connection", "subscription"))]


class TestRestAndWebhook:
    def test_rest(self, told):
        samples = told()
        assert samples["rest_calls_total", "main", "ok"] == 4.0
        assert samples["rest_budget_calls", "main"] == 5000.0
        assert samples["rest_budget_used_calls", "main"] == 5.0
        assert samples["inventory_failures_total", "main"] == 1.0
        assert samples["inventory_last_success_timestamp_seconds", "main"] == BOOT + 3.0

    def test_an_inventory_that_was_never_read(self, told):
        assert not [key for key in told(rest=[RestStatus("main")]) if "inventory_last" in key[0]]

    def test_webhook(self, told):
        samples = told()
        assert samples["webhook_requests_total", "200"] == 4.0
        assert samples["webhook_refused_total", "mismatch"] == 1.0
        assert samples[("webhook_received_bytes_total",)] == 700.0
        assert samples[("webhook_last_accepted_timestamp_seconds",)] == BOOT + 9.0

    def test_no_webhook_no_metrics_of_it(self, told):
        assert not [key for key in told(webhook=None) if key[0].startswith("webhook_re")]

    def test_cardinality(self, told):
        assert told()["rows", "ap"] == 20.0
        assert told()["label_values_refused_total", "type"] == 8.0

    def test_version(self, told):
        assert told()["build_info", "1.2.3"] == 1.0


class TestFormats:
    def test_both_tell_the_same(self, status):
        metrics = SelfMetrics(**status)
        text, openmetrics = metrics.render(openmetrics=False).decode(), metrics.render(openmetrics=True).decode()
        assert not openmetrics.endswith("# EOF\n"), "others may have something to add"
        volatile = "process_cpu_seconds_total"
        own = {key: value for key, value in golden.samples(text).items() if key[0] != volatile}
        other = golden.samples(openmetrics + "# EOF\n", openmetrics=True)
        assert {key for key in other if key[0] != volatile} == set(own)
        assert {k: v for k, v in other.items() if k[0].startswith("mist_")} == {
            k: v for k, v in own.items() if k[0].startswith("mist_")
        }

    def test_promtool_is_content(self, status, promtool):
        assert not golden.lint(promtool, SelfMetrics(**status).render(openmetrics=False).decode())

    def test_hostile_label_values(self, told):
        assert told(events={'a"\n\\': Counts(received=1)})["webhook_events_received_total", 'a"\n\\'] == 1.0


class TestSubscriptions:
    @pytest.fixture
    def update(self):
        """Update the rows and say what is exposed, short."""
        store = Store()
        subscriptions = Subscriptions(store, to_unix)

        def run(*connections: ConnectionStatus) -> dict[str, float]:
            assert list(subscriptions.update(connections)) == []
            return {key.removeprefix("mist_collector_subscription_"): v for key, v in exposed(store).items()}

        return run

    def test_a_row_a_channel(self, update, connection):
        assert update(connection) == {
            'up{account="main",channel="/a"}': 1.0,
            'up{account="main",channel="/b"}': 0.0,
            'last_message_timestamp_seconds{account="main",channel="/a"}': BOOT + 7.0,
            'messages_total{account="main",channel="/a"}': 5.0,
            'messages_total{account="main",channel="/b"}': 0.0,
            'breaks_total{account="main",channel="/a"}': 2.0,
            'breaks_total{account="main",channel="/b"}': 0.0,
        }

    def test_changes(self, update, connection):
        update(connection)
        connection.subscriptions["/a"].frames = 6
        connection.subscriptions["/a"].state = "sent"
        told = update(connection)
        assert told['messages_total{account="main",channel="/a"}'] == 6.0
        assert told['up{account="main",channel="/a"}'] == 0.0

    def test_what_is_unsubscribed_goes(self, update, connection):
        update(connection)
        del connection.subscriptions["/a"]
        assert {key.partition("channel=")[2] for key in update(connection)} == {'"/b"}'}
        assert update() == {}

    def test_it_yields_to_others_now_and_then(self):
        store = Store()
        channels = {f"/{n}": SubscriptionStatus(f"/{n}") for n in range(2500)}
        steps = Subscriptions(store, to_unix).update([ConnectionStatus("main/0", subscriptions=channels)])
        assert len(list(steps)) == 2
        assert len(store.tables["subscription"]) == 2500

    def test_promtool_is_content(self, connection, promtool):
        store = Store()
        list(Subscriptions(store, to_unix).update([connection]))
        assert not golden.lint(promtool, render_all(store).decode())
