"""/events: the document, its headers and files, on a real listener."""

from html.parser import HTMLParser

import aiohttp
import pytest

from collector.clock import SystemClock
from collector.events.memory import MemoryHistory
from collector.listener.address import ListenAddress
from collector.serve.events_api import KEEPALIVE_S, EventsApi
from collector.serve.events_page import events_page
from collector.serve.listener import OperatorListener
from collector.serve.status_page import StatusPage

ORG = "2818e386-8dec-2562-9ede-5b8a0fbbdc71"


class Elements(HTMLParser):
    """The elements of a document with their attributes, and its text outside of them."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def elements(**changes):
    return Elements(events_page(**{"portals": {}, "floors": True, **changes})).found


@pytest.fixture
async def listener():
    async with MemoryHistory() as history:
        opened = OperatorListener(
            ListenAddress("127.0.0.1", 0),
            render=lambda _: (),
            ready=lambda: (),
            status=StatusPage,
            events=EventsApi(history, SystemClock()),
            portals=lambda: {ORG: "https://manage.eu.mist.com"},
        )
        async with opened:
            yield opened


async def get(listener, path):
    url = f"http://127.0.0.1:{listener.port}{path}"
    async with aiohttp.ClientSession() as client, client.get(url) as answer:
        return answer.status, answer.headers, await answer.text()


async def test_the_page_and_its_headers(listener):
    status, headers, text = await get(listener, "/events?site=Berlin")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Berlin" not in text  # the script reads the address
    assert "https://manage.eu.mist.com" in text


@pytest.mark.parametrize(("name", "kind"), [("events.css", "text/css"), ("events.js", "text/javascript")])
async def test_files(listener, name, kind):
    status, headers, text = await get(listener, f"/events/{name}")
    assert (status, headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert len(text) > 1000


async def test_the_script_builds_no_markup_from_data(listener):
    _, _, script = await get(listener, "/events/events.js")
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "http://"):
        assert sink not in script
    silent_s = float(script.split("const SILENT_S = ")[1].split(";")[0])
    assert silent_s > 2 * KEEPALIVE_S


async def test_without_events_there_is_no_page():
    listener = OperatorListener(ListenAddress("127.0.0.1", 0), render=lambda _: (), ready=lambda: (), status=StatusPage)
    async with listener:
        assert (await get(listener, "/events"))[0] == 404


def test_nothing_is_inline_absolute_or_from_elsewhere():
    for tag, attributes in elements():
        assert tag != "style"
        assert tag != "script" or "src" in attributes
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src", "data-api"):
            assert not attributes.get(name, "").startswith(("/", "http:", "https:"))


def test_controls_have_names():
    found = elements()
    labelled = [attributes for tag, attributes in found if tag in ("input", "select")]
    assert len(labelled) == 3
    assert all("aria-label" in attributes for attributes in labelled)
    assert {"alert", "status", "search", "list", "group"} <= {attributes.get("role") for _, attributes in found}


def test_pages_are_linked():
    links = [attributes["href"] for tag, attributes in elements() if tag == "a"]
    assert {"./", "events", "floors"} <= set(links)
    assert "floors" not in [attributes.get("href") for _, attributes in elements(floors=False)]


def test_portals_are_escaped():
    hostile = {'"><script>': "https://x"}
    (main,) = [attributes for tag, attributes in elements(portals=hostile) if tag == "main"]
    assert main["data-portals"] == '{"\\"><script>": "https://x"}'
