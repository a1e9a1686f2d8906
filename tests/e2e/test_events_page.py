"""The event list in a real Chromium, over a real listener and an event history in memory.

With PICTURES_TO=docs/images it renews the pictures of the documentation, too.
"""

import asyncio
import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from collector.clock import SystemClock
from collector.events.memory import MemoryHistory
from collector.listener.address import ListenAddress
from collector.serve.events_api import EventsApi
from collector.serve.listener import OperatorListener
from collector.serve.status_page import StatusPage
from tests.e2e.test_floor_page import PALE
from tests.support import programs
from tests.support.browser import Browser
from tests.support.events import event
from tests.support.processes import eventually

pytestmark = pytest.mark.e2e

ORG = event().org_id
PORTAL = "https://manage.eu.mist.com"
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
STATE = "document.querySelector('#state').textContent"
NOTICE = "document.querySelector('#notice').hidden ? '' : document.querySelector('#notice').textContent"
TEXTS = "[...document.querySelectorAll('.row:not([hidden]) .text')].map((text) => text.textContent)"
ROWS = "document.querySelectorAll('.row:not([hidden])').length"
FOCUS = "document.activeElement.id || document.activeElement.className"
TOKENS = (
    "[...document.querySelectorAll('.token')].map((token) => token.textContent.replaceAll('\\u00a0', ' ').slice(0, -1))"
)
SEARCH = "decodeURIComponent(location.search.replaceAll('+', ' '))"
DETAILS = "document.querySelectorAll('.details').length"
WIDTH = "document.documentElement.scrollWidth"
# What an operator of a small network sees.
MORNING = (
    ("device-events", "SW_PORT_UP", "info", "Berlin Clinic", "sw-3", "Switch sw-3: port ge-0/0/14 up"),
    ("device-updowns", "AP_DISCONNECTED", "warning", "Berlin HQ", "lobby-2", "AP lobby-2 disconnected"),
    ("alarms", "switch_down", "critical", "Berlin HQ", "sw-floor-3", "Switch sw-floor-3 is down; 3 APs behind it"),
    ("device-events", "AP_CONFIG_CHANGED_BY_RRM", "info", "Montreal Airport", "wh-4", "AP wh-4: 5 GHz channel 149"),
    ("occupancy-alerts", "COMPLIANCE_VIOLATION", "warning", "Athens West", "", "Zone Canteen holds 64 of 60 allowed"),
    ("audits", "", "info", "", "", "Update WLAN Guest by Jane Miller"),
    ("alarms", "infra_dhcp_failure", "critical", "Paris Depot", "", "DHCP server 10.20.0.1 does not answer"),
)  # fmt: skip


def news(number, **changes):
    """An event of now."""
    at = time.time() - 3600 + number / 100
    return event(number, **{"time": at, "received": at + 0.4, **changes})


class Server:
    """A listener with a history, in a thread with a loop of its own; `stop` and `start` keep the port."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.port, self.history = 0, None
        self.thread.start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def start(self, history=None):
        self.run(self._start(history))
        return self

    async def _start(self, history):
        self.history = history or await MemoryHistory().__aenter__()
        self.listener = OperatorListener(
            ListenAddress("127.0.0.1", self.port),
            render=lambda _: (),
            ready=lambda: (),
            status=lambda: StatusPage(0.0, time.time(), 0.0, "1"),
            events=EventsApi(self.history, SystemClock()),
            portals=lambda: {"": PORTAL},
        )
        await self.listener.__aenter__()
        self.port = self.listener.port

    def stop(self):
        self.run(self.listener.__aexit__(None, None, None))

    def add(self, *events):
        self.run(self.history.append(list(events)))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def chromium():
    return programs.require("chromium")


@pytest.fixture
def server():
    running = Server().start()
    yield running
    running.stop()
    running.run(running.history.__aexit__(None, None, None))
    running.loop.call_soon_threadsafe(running.loop.stop)
    running.thread.join(10)
    running.loop.close()


@pytest.fixture
def page(chromium, tmp_path):
    with Browser(chromium, tmp_path) as browser, browser.page() as opened:
        opened.look(width=1280, height=900)
        yield opened


def opens(page, server, query=""):
    page.open(f"{server.url}/events{query}")
    eventually(lambda: page.ask(STATE) == "Live", "the list is live")


def shows(page, expected, what):
    eventually(lambda: page.ask(ROWS) == expected, what)


def test_events_appear_and_are_filtered_while_typing(page, server):
    server.add(*(news(number) for number in range(120)))
    opens(page, server)
    shows(page, 120, "all events")
    server.add(news(500, text="Cable unplugged at the loading dock"))
    eventually(lambda: page.ask(TEXTS)[0] == "Cable unplugged at the loading dock", "a new event is on top")
    page.ask("document.querySelector('#filter').focus()")
    page.write("load")
    eventually(lambda: page.ask(TEXTS) == ["Cable unplugged at the loading dock"], "the list is filtered")
    assert page.ask(SEARCH) == "?text=load*"
    server.add(news(501, text="Nothing of interest"), news(502, text="Loading dock again"))
    eventually(lambda: len(page.ask(TEXTS)) == 2, "the stream is filtered, too")
    page.press("Escape")
    shows(page, 123, "the filter is cleared")
    page.write("device:sw-7")
    eventually(
        lambda: set(page.ask(TEXTS)) == {t for t in page.ask(TEXTS) if "sw-7" in t}, "loaded events are narrowed"
    )
    page.press("Enter")
    shows(page, 1, "the history is filtered")
    page.write("port_id:ge-0/0/7")
    page.press("Enter")
    eventually(lambda: page.ask(TOKENS) == ["device: sw-7", "port_id: ge-0/0/7"], "both are filters")
    assert page.ask(SEARCH) == "?device=sw-7&where=port_id:ge-0/0/7"
    address = page.ask("location.href")
    opens(page, server)
    page.open(address)
    eventually(lambda: page.ask(STATE) == "Live" and page.ask(ROWS) == 1, "the address is a bookmark")
    page.ask("history.back()")
    shows(page, 123, "back")
    page.ask("document.querySelector('[data-severity=critical]').click()")
    shows(page, 41, "a severity")
    page.ask("document.querySelector('#topic').value = 'alarms';"
             "document.querySelector('#topic').dispatchEvent(new Event('change'))")  # fmt: skip
    shows(page, 8, "and a topic")
    page.ask("document.querySelector('.token button').click()")
    shows(page, 25, "the severity is removed")
    page.ask("document.querySelector('#filter').focus()")
    page.write("nothing-has-this-word")
    eventually(lambda: page.ask(NOTICE).startswith("No events match"), "no match")
    page.ask("document.querySelector('#notice button').click()")
    shows(page, 123, "cleared")
    assert page.said == []


def test_an_invalid_filter_is_explained(page, server):
    server.add(news(1))
    page.open(f"{server.url}/events?severity=wrong")
    eventually(lambda: "severity is one of" in page.ask(NOTICE), "the reason")
    assert page.ask(STATE) == "Filter is not valid"
    page.ask("document.querySelector('#notice button').click()")
    eventually(lambda: page.ask(STATE) == "Live" and page.ask(ROWS) == 1, "cleared")


def test_an_empty_history_says_so(page, server):
    opens(page, server)
    assert page.ask(NOTICE).startswith("No events yet")
    server.add(news(1))
    shows(page, 1, "the first event")
    assert page.ask(NOTICE) == ""


def test_details_filter_and_link(page, server):
    server.add(*(news(number) for number in range(20)))
    opens(page, server)
    page.ask("document.querySelector('.line').click()")
    keys = page.ask("[...document.querySelectorAll('.details .key')].map((key) => key.textContent)")
    assert {"topic", "site", "site ID", "org ID", *event(1).fields} <= set(keys)
    links = page.ask("[...document.querySelectorAll('.actions a')].map((link) => link.getAttribute('href'))")
    assert links == [
        f"/events?site={event(19).site_id}",
        f"/events?device={event(19).device_mac}",
        f"{PORTAL}/admin/?org_id={ORG}",
    ]
    assert page.ask("document.querySelector('.actions a[target]').rel") == "noopener noreferrer"
    for key, expected in (("flag", 10), ("reasons.0", 2)):
        button = (
            f"[...document.querySelectorAll('.details button.pair')].find((p) => p.firstChild.textContent === '{key}')"
        )
        page.ask(f"{button}.click()")
        shows(page, expected, f"filtered by {key}")
        assert page.ask(DETAILS) == 1  # remains open
    assert page.ask(TOKENS) == ["flag: false", "reasons.0: reason 5"]


def test_pause_counts_what_waits(page, server):
    server.add(*(news(number) for number in range(5)))
    opens(page, server)
    page.ask("document.querySelector('#pause').click()")
    server.add(*(news(number) for number in range(10, 22)))
    eventually(
        lambda: page.ask("document.querySelector('#pause').textContent") == "Resume (12 new)", "they are counted"
    )
    assert (page.ask(STATE), page.ask(ROWS)) == ("Paused", 5)
    page.ask("document.querySelector('#pause').click()")
    shows(page, 17, "they are shown")
    assert page.ask("document.querySelector('#pause').textContent") == "Pause"
    assert [text.split()[1] for text in page.ask(TEXTS)][:2] == ["ge-0/0/21", "ge-0/0/20"]


def test_a_lost_connection_is_said_and_made_again(page, server):
    server.add(*(news(number) for number in range(5)))
    opens(page, server)
    server.stop()
    eventually(lambda: page.ask(STATE).startswith("Not live since"), "the list is not live")
    assert page.ask("document.querySelector('[role=alert]').textContent").endswith("The list is not updated.")
    assert page.ask("document.title").startswith("Not live")
    assert "grayscale" in page.ask("getComputedStyle(document.querySelector('#rows')).filter")
    assert page.ask(NOTICE).startswith("The collector does not respond.")
    server.add(news(30))  # missed
    server.start(server.history)
    eventually(lambda: page.ask(STATE) == "Live", "it is live again", within_s=40)
    shows(page, 6, "what was missed is shown")
    assert page.ask(NOTICE) == ""
    server.stop()
    eventually(lambda: page.ask(STATE).startswith("Not live since"), "lost again")
    server.start()  # an empty history whose numbers begin again
    server.add(news(40), news(41))
    eventually(lambda: page.ask(STATE) == "Live" and page.ask(ROWS) == 2, "the new history", within_s=40)


@contextmanager
def proxy(server):
    """Forward /mist/... to the listener, as a reverse proxy; without `flowing` nothing passes."""
    flowing = threading.Event()
    flowing.set()

    async def forward(request):
        url = f"{server.url}/{request.match_info['rest']}?{request.query_string}"
        headers = {"Accept": request.headers["Accept"]} if "Accept" in request.headers else {}
        async with aiohttp.ClientSession() as client, client.get(url, headers=headers) as answer:
            response = web.StreamResponse(
                status=answer.status, headers={"Content-Type": answer.headers["Content-Type"]}
            )
            response.headers["Content-Security-Policy"] = answer.headers.get("Content-Security-Policy", "")
            await response.prepare(request)
            async for part in answer.content.iter_any():
                await asyncio.to_thread(flowing.wait)
                await response.write(part)
            return response

    async def begin():
        application = web.Application()
        application.router.add_get("/mist/{rest:.*}", forward)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = server.run(begin())
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/mist", flowing
    flowing.set()
    server.run(runner.cleanup())


def test_behind_a_path_prefix_and_a_stream_that_is_silent(page, server):
    server.add(*(news(number) for number in range(5)))
    with proxy(server) as (url, flowing):
        page.open(f"{url}/")
        page.ask("[...document.querySelectorAll('a')].find((link) => link.textContent === 'Event list').click()")
        eventually(lambda: page.ask("document.title") == "Events - mist-collector", "the status page links the list")
        eventually(lambda: page.ask(STATE) == "Live" and page.ask(ROWS) == 5, "live behind a prefix")
        flowing.clear()
        eventually(lambda: page.ask(STATE).startswith("Not live"), "a silent stream is not live", within_s=30)
        flowing.set()
        eventually(lambda: page.ask(STATE) == "Live", "live again", within_s=60)
        page.ask("[...document.querySelectorAll('nav a')].find((link) => link.textContent === 'Status').click()")
        eventually(lambda: page.ask("document.title") == "mist-collector", "and back")
        assert all(address.startswith(url) for address in page.requested)


def test_only_the_keyboard(page, server):
    server.add(*(news(number) for number in range(30)))
    opens(page, server)
    page.press("/")
    assert (page.ask(FOCUS), page.ask("document.querySelector('#filter').value")) == ("filter", "")
    page.press("ArrowDown")
    page.press("ArrowDown")
    row = "[...document.querySelectorAll('.line')].indexOf(document.activeElement)"
    assert page.ask(row) == 1
    assert page.ask("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.press("Enter")
    assert page.ask("document.activeElement.getAttribute('aria-expanded')") == "true"
    page.press("Tab")
    assert page.ask(FOCUS) == "pair"
    page.press("Escape")
    assert (page.ask(DETAILS), page.ask(row)) == (0, 1)
    page.press("End")
    assert page.ask(row) == 29
    page.press("Home")
    page.press("Enter")
    page.press("Tab")
    page.press("Enter")
    eventually(lambda: page.ask(TOKENS) == ["topic: device-updowns"], "Enter on a value filters by it")
    shows(page, 6, "filtered")
    assert page.ask(row) == 0
    page.press("Escape")
    page.press("Escape")
    assert page.ask(FOCUS) == "filter"
    page.press("Backspace")
    shows(page, 30, "Backspace removes the filter")
    page.press("ArrowDown")
    page.press("Tab")
    assert not page.ask("document.activeElement.classList.contains('line')")  # the list is one tab stop


def test_hostile_text_stays_text(page, server):
    changes = dict.fromkeys(("topic", "type", "site_name", "device_name", "text"), HOSTILE)
    server.add(news(1, **changes, fields={HOSTILE: HOSTILE, "long": "x" * 1000, "__proto__": "polluted"}))
    opens(page, server)
    page.look(width=390, height=844, phone=True)
    page.ask("document.querySelector('.line').click()")
    assert page.ask("document.querySelectorAll('main img, main script').length") == 0
    assert page.ask(TEXTS) == [HOSTILE]
    assert page.ask(WIDTH) <= 390
    page.ask(
        "[...document.querySelectorAll('.details button.pair')].find((p) => p.textContent.startsWith('type')).click()"
    )
    eventually(lambda: page.ask(TOKENS) == [f"type: {HOSTILE}"] and page.ask(ROWS) == 1, "filtered by it")
    assert page.ask("document.title") == "Events - mist-collector"
    assert page.ask(WIDTH) <= 390
    assert page.said == []


def test_ten_thousand_events(page, server):
    server.add(*(news(number) for number in range(10_000)))
    opens(page, server)
    shows(page, 200, "the first page")
    for expected in (400, 600):
        page.ask("document.querySelector('#older').click()")
        shows(page, expected, "older events")
    server.add(*(news(number) for number in range(10_000, 12_000)))
    eventually(lambda: page.ask(TEXTS)[0] == news(11_999).text, "the newest is shown")
    assert page.ask(ROWS) <= 1000
    assert page.ask("new Set([...document.querySelectorAll('.row')].map((row) => row.event.id)).size") == page.ask(ROWS)
    page.ask("document.querySelector('#older').click()")
    eventually(lambda: page.ask("document.querySelector('#older').disabled") is False, "loaded")
    numbers = page.ask("[...document.querySelectorAll('.row')].map((row) => row.event.seq)")
    assert numbers == list(range(numbers[0], numbers[0] - len(numbers), -1))  # no hole
    # Many rows are narrowed by what is typed.
    page.ask("""(async () => { const older = document.querySelector('#older');
        for (let turns = 0; turns < 400 && !older.hidden; turns++) {
            if (!older.disabled) older.click();
            await new Promise((done) => setTimeout(done, 5)); } })()""")
    eventually(lambda: page.ask(ROWS) >= 5000, "many rows")
    narrowed = page.ask("""(() => { const field = document.querySelector('#filter');
        field.value = 'device:sw-1'; field.dispatchEvent(new Event('input'));
        const rows = [...document.querySelectorAll('.row')];
        return rows.filter((row) => row.hidden === row.event.device_name.includes('sw-1')).length; })()""")
    assert narrowed == 0  # rows that are shown or hidden wrongly
    assert page.said == []


def test_it_is_read_by_everyone(page, server, tmp_path):
    pictures = Path(os.environ.get("PICTURES_TO", tmp_path))
    now = time.time()
    for number in range(35):
        topic, kind, severity, site, device, text = MORNING[number % len(MORNING)]
        fields = {
            "mac": "5c5b354067de",
            "reason": "no cloud heartbeat",
            "port_id": "ge-0/0/14",
            "last_reboot_time": 1795783011,
        }
        at = now - 23 * (35 - number)
        changes = {"topic": topic, "type": kind, "severity": severity, "site_name": site, "device_name": device}
        changes["device_type"] = "ap" if text.startswith("AP ") else "switch"
        changes["status"] = "open" if severity != "info" else ""
        if not site:
            changes["site_id"] = ""
        if not device:
            changes.update(device_mac="", device_type="")
        server.add(event(number, time=at, received=at + 0.3, text=text, fields=fields, **changes))
    opens(page, server)
    second = "[...document.querySelectorAll('.line')].find((line) => line.textContent.includes('lobby-2'))"
    page.ask(f"{second}.click()")
    for name, looks in {
        "events": {"width": 1280, "height": 900},
        "events-phone": {"width": 390, "height": 844, "phone": True},
        "events-dark": {"width": 1280, "height": 900, "dark": True},
        "events-phone-dark": {"width": 390, "height": 844, "dark": True, "phone": True},
    }.items():
        page.look(**looks)
        page.ask("scrollTo(0, 0)")
        looked_at, pale = page.ask(PALE)
        assert looked_at > 100
        assert pale == []
        assert page.ask(WIDTH) <= looks["width"]
        if name != "events-phone-dark":
            (pictures / f"{name}.png").write_bytes(page.picture())
    page.tell("Emulation.setEmulatedMedia", media="print")
    assert page.ask("getComputedStyle(document.querySelector('#pause')).display") == "none"
    page.tell("Emulation.setEmulatedMedia", media="")
    server.stop()
    eventually(lambda: page.ask(STATE).startswith("Not live"), "lost")
    for dark in (False, True):
        page.look(width=1280, height=900, dark=dark)
        assert (
            page.ask("(" + PALE + ")[1].filter((text) => !document.querySelector('#rows').textContent.includes(text))")
            == []
        )
    (tmp_path / "events-stale.png").write_bytes(page.picture())
    server.start(server.history)
