"""The status page: what it says, in which order, and that nothing on it can be markup."""

import html.parser
import re

import pytest

from collector.serve import humanize, status_html
from collector.serve.status_page import AccountLine, EventLine, StatusPage
from collector.status import (
    ConnectionStatus,
    Counts,
    PollStatus,
    RestStatus,
    SubscriptionStatus,
    TaskStatus,
    WebhookStatus,
)

NOW = 10_000.0
VOID = {"meta", "br"}


class Reader(html.parser.HTMLParser):
    """Reads the page back: rows of cell texts, and that every element is closed."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.tags, self.open, self.text = [], set(), [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data

    def row(self, first):
        return next(row for row in self.rows if row[0] == first)


def channel(number, **values):
    path = f"/sites/{number}/stats/devices"
    return path, SubscriptionStatus(path, kind="/sites/{site_id}/stats/devices", **values)


def page(**values):
    return StatusPage(now=NOW, unix=1_700_000_000.0, started_at=NOW - 7200, version="0.1.0", **values)


def read(**values):
    reader = Reader(status_html.render(page(**values)))
    assert reader.open == []
    return reader


def test_an_empty_page_says_what_is_not_there_yet():
    reader = read()
    assert "Ready." in reader.text
    assert "running for 2 h" in reader.text
    assert reader.text.count("None yet.") == 7
    assert "The webhook listener is disabled." in reader.text
    assert reader.tags.isdisjoint({"script", "img", "link", "iframe", "form"})


def test_reasons_why_not_ready_stand_first():
    reader = read(not_ready=["main: inventory not read yet"])
    assert reader.text.index("inventory not read yet") < reader.text.index("Accounts", 200)
    assert "Ready." not in reader.text


def test_accounts_with_their_rest_budget():
    rest = RestStatus("main", budget_used=1234, inventory_at=NOW - 90, inventory_failures=2, last_error="HTTP 503")
    reader = read(accounts=[AccountLine("main", "emea01", 1, 20, 3000), AccountLine("new", "apac01")], rest=[rest])
    thin = "\N{NARROW NO-BREAK SPACE}"
    assert reader.row("main") == [
        "main", "emea01", "1", "20", f"3{thin}000", f"1{thin}234 of 5{thin}000", "90 s ago, 2 failed", "HTTP 503",
    ]  # fmt: skip
    assert reader.row("new")[-2] == "never"


def test_connections_say_how_they_are_and_why_they_broke():
    up = ConnectionStatus(
        "main/0", state="open", opened_at=NOW - 60, last_message_at=NOW - 3, other_frames=5, bytes=2048,
        subscriptions=dict([channel(1, state="up"), channel(2, state="refused", detail="permission denied")]),
    )  # fmt: skip
    down = ConnectionStatus("main/1", state="waiting", next_attempt_at=NOW + 12)
    down.disconnected("pong_timeout", "no pong within 45 s")
    reader = read(connections=[up, down])
    assert reader.row("main/0") == ["main/0", "open", "60 s ago", "3 s ago", "1 of 2", "5", "2.0 KiB", "", ""]
    assert reader.row("main/1")[1] == "waiting, next attempt in 12 s"
    assert reader.row("main/1")[-2:] == ["pong_timeout 1", "no pong within 45 s"]


def test_channels_are_counted_by_kind_and_listed_worst_first():
    channels = [
        channel(1, state="up", last_message_at=NOW - 1),
        channel(2, state="up", last_message_at=NOW - 900),
        channel(3, state="waiting"),
        channel(4, state="refused", detail="permission denied"),
        channel(5, state="unanswered"),
    ]
    reader = read(connections=[ConnectionStatus("main/0", subscriptions=dict(channels))])
    listed = [row[0] for row in reader.rows if re.match(r"/sites/\d", row[0])]
    assert [path.split("/")[2] for path in listed] == ["4", "5", "3", "2", "1"]
    assert reader.row("Kind") == ["Kind", "up", "waiting", "sent", "unanswered", "refused"]
    assert reader.row("/sites/{site_id}/stats/devices")[1:] == ["2", "1", "0", "1", "1"]
    assert reader.row("/sites/4/stats/devices")[-1] == "permission denied"


def test_the_list_of_channels_is_bounded():
    many = dict(channel(number, state="up") for number in range(3000))
    many.update([channel("lost", state="refused")])
    reader = read(connections=[ConnectionStatus("main/0", subscriptions=many)])
    listed = [row for row in reader.rows if row[0].startswith("/sites/") and "{" not in row[0]]
    assert len(listed) == status_html.MAX_CHANNELS
    assert listed[0][0] == "/sites/lost/stats/devices"
    assert "The worst 500 of 3" in reader.text


def test_the_books_add_up():
    frames = Counts(received=10, applied=7, dropped={"not_json": 2, "unknown_event": 1})
    webhook = WebhookStatus()
    webhook.answered(200, NOW - 5)
    webhook.answered(401, NOW - 50, "mismatch")
    reader = read(frames=frames, events=Counts(), webhook=webhook)
    assert reader.row("stream frames") == ["stream frames", "10", "7", "3", "not_json 2, unknown_event 1"]
    assert "1 accepted, last 5 s ago; rejected: mismatch 1, last 50 s ago." in reader.text


def test_series_and_events():
    reader = read(
        series={"mist_ap_up": 3, "mist_ap_radio_noise_floor_dbm": 9},
        last_events=[EventLine(1_700_000_000.0, "device-events", "AP_RESTARTED", "Paris")],
    )
    assert "Series: 12 in 2 families" in reader.text
    assert reader.row("2023-11-14 22:13:20Z")[1:] == ["device-events", "AP_RESTARTED", "Paris"]
    families = [row[0] for row in reader.rows if row[0].startswith("mist_")]
    assert families == ["mist_ap_radio_noise_floor_dbm", "mist_ap_up"]


def test_what_comes_from_outside_is_never_markup():
    evil = "<script>alert('x')</script>\"&"
    subscription = SubscriptionStatus(evil, kind=evil, state=evil, detail=evil)
    reader = read(
        not_ready=[evil],
        accounts=[AccountLine(evil, evil)],
        rest=[RestStatus(evil, last_error=evil)],
        connections=[
            ConnectionStatus(
                evil, state=evil, last_disconnect=evil, disconnects={evil: 1}, subscriptions={evil: subscription}
            )
        ],
        frames=Counts(dropped={evil: 1}),
        series={evil: 1},
        last_events=[EventLine(0.0, evil, evil, evil)],
        webhook=WebhookStatus(refused={evil: 1}),
    )
    assert "script" not in reader.tags
    assert reader.text.count(evil) >= 18


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 30, "3.0 GiB"), (1 << 60, "1048576.0 TiB")],
)
def test_sizes(number, text):
    assert humanize.size(number) == text


@pytest.mark.parametrize(
    ("age_s", "text"), [(-1, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")]
)
def test_ages(age_s, text):
    assert humanize.seconds(age_s) == text


def test_polls_stand_with_the_worst_first():
    good = PollStatus("main", "ports", 300.0, 300.0, "good", good=4, last_good_at=NOW - 61, duration_s=12.5)
    good.objects, good.round_calls, good.object_counts = 96_000, 96, Counts(384_000, 383_999, {"unwatched_site": 1})
    failed = PollStatus("main", "alarms", 300.0, 650.0, "failed", reason="/x: <trouble> (HTTP 502)", failed=2)
    left_out = PollStatus("main", "zones", 300.0, None, "left out", reason="a round takes 3000 calls")
    shown = read(polls=[good, left_out, failed])
    rows = [row for row in shown.rows if row[0] in ("ports", "alarms", "zones")]
    assert [row[0] for row in rows] == ["alarms", "zones", "ports"]
    assert rows[0][2:5] == ["failed", "never", "10 min (configured: 5 min)"]
    assert rows[0][8:] == ["2", "", "/x: <trouble> (HTTP 502)"]
    assert rows[1][10] == "a round takes 3000 calls"
    assert rows[2][2:10] == ["good", "61 s ago", "5 min", "12 s", "96", "96\u202f000", "0", "unwatched_site 1"]


def test_restarted_tasks_are_shown_with_their_last_error():
    tasks = [TaskStatus("polls", 3, NOW - 61, "ValueError: <odd>"), TaskStatus("sweep")]
    shown = read(tasks=tasks)
    assert shown.row("polls") == ["polls", "3", "61 s ago", "ValueError: <odd>"]
    assert "No task was restarted." in read(tasks=[TaskStatus("sweep")]).text
