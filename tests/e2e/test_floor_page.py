"""The floor page in a real Chromium: it opens, draws, moves, outlives the daemon, and asks nobody else.

With PICTURES_TO=docs/images it renews the picture of the documentation, too.
"""

import os
import re
import socket
from pathlib import Path

import pytest

from tests.support import programs
from tests.support.browser import Browser
from tests.support.processes import Daemon, Simulator, eventually

pytestmark = pytest.mark.e2e

KINDS = ("clients", "unconnected_clients", "sdkclients", "assets", "discovered_assets")
MORNING = 1764064800  # 10:00 of a working day: the offices are full
DOTS = "[...document.querySelectorAll('.dots')].map((path) => path.getAttribute('d')).join()"
ZONES = """Object.fromEntries([...document.querySelectorAll('tr[data-row]')].map((row) =>
    [row.querySelector('button').textContent, +row.querySelector('[data-of=all]').textContent]))"""
LABELS = """Object.fromEntries([...document.querySelectorAll('.label')].map((label) =>
    [document.querySelector(`tr[data-row="${label.dataset.zone}"] button`).textContent,
     +label.querySelector('.count').textContent]))"""
STATE = "document.querySelector('#state')?.textContent ?? ''"
FOCUS = "(document.activeElement.textContent || document.activeElement.ariaLabel).trim().slice(0, 30)"
# The contrast of each text outside of the drawing with the nearest ground behind it; those below AA's 4.5.
PALE = """(() => {
  const parts = (css) => css.match(/[0-9.]+/g).map(Number);
  const light = (css) => { const [r, g, b] = parts(css).slice(0, 3).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (element) => { for (let at = element; at; at = at.parentElement) {
      const found = getComputedStyle(at).backgroundColor; if (parts(found)[3] !== 0) return found; } };
  const told = [...document.querySelectorAll('body *:not(svg, svg *)')]
    .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
  const pale = told.filter((element) => {
    const both = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
    return (both[0] + 0.05) / (both[1] + 0.05) < 4.5; });
  return [told.length, pale.map((element) => element.textContent)]; })()"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def chromium():
    return programs.require("chromium")


def daemon(directory, cloud, port):
    directory.mkdir(exist_ok=True)
    return Daemon(
        directory,
        api_url=cloud.api_url,
        stream_url=cloud.stream_url,
        streams={"location": dict.fromkeys(KINDS, True)},
        server={"listen": f"127.0.0.1:{port}"},
    )


def occupants(exposition):
    """How many are in each zone, by name, all kinds together."""
    named = re.findall(r'^mist_zone_info{name="((?:[^"\\]|\\.)*)".*zone_id="([^"]+)"', exposition, re.MULTILINE)
    name_of = {zone_id: name.replace('\\"', '"') for name, zone_id in named}
    counts = dict.fromkeys(name_of.values(), 0)
    for zone_id, value in re.findall(r'^mist_zone_occupants{.*zone_id="([^"]+)".*} (\S+)', exposition, re.MULTILINE):
        counts[name_of[zone_id]] += int(float(value))
    return counts


def names_of(cloud):
    """What the cloud calls people and things: addresses and names."""
    (site,) = cloud.rest(f"/orgs/{cloud.rest('/self')['privileges'][0]['org_id']}/sites")
    clients = cloud.rest(f"/sites/{site['id']}/stats/clients")
    said = {client.get(key) for client in clients for key in ("mac", "hostname", "username", "ip")}
    return {name for name in said if name}


def test_the_page_of_a_floor(tmp_path, chromium):
    port = free_port()
    fleet = {
        "sites": 1,
        "aps": 2,
        "walkers": 60,
        "office_floors": 1,
        "location_cadence_s": 10,
        "start": MORNING,
        "speed": 10,
    }
    with (
        Simulator(tmp_path, **fleet) as cloud,
        daemon(tmp_path / "first", cloud, port) as first,
        Browser(chromium, tmp_path) as browser,
        browser.page() as page,
    ):
        first.ready()
        opens(page, first)
        draws_and_moves(page, first)
        is_reached_by_keyboard(page)
        is_held_and_let_go(page)
        is_read_by_everyone(page, tmp_path)
        tells_nobody(page, first, cloud)
        assert page.said == []  # no error, and nothing that the policy of the page had to stop
        first.end()
        eventually(lambda: "Not live" in page.ask(STATE), "the page says that it is stale")
        with daemon(tmp_path / "second", cloud, port) as second:
            second.ready()
            draws_and_moves(page, second)
        assert {url.split("/floors")[0] for url in page.requested} == {first.url}


def opens(page, running):
    """From the list, by keyboard, to the floor."""
    page.look(width=1000, height=760)
    eventually(lambda: running.metrics().count("mist_zone_info{") == 6, "the zones are known")
    page.open(f"{running.url}/floors")
    for _ in range(10):
        if page.ask(FOCUS).startswith("Floor 1"):
            break
        page.press("Tab")
    page.press("Enter")
    eventually(lambda: page.ask("document.querySelector('h1')?.textContent") == "Floor 1", "the floor is opened")


def draws_and_moves(page, running):
    """It is live, dots move, and its numbers are those of /metrics, in the drawing and in the table."""
    eventually(lambda: page.ask(STATE) == "Live", "the page is live")
    eventually(lambda: page.ask(DOTS).count("M") > 30, "people are drawn")
    seen = set()
    eventually(lambda: seen.add(page.ask(DOTS)) or len(seen) > 2, "people move")
    eventually(lambda: page.ask(ZONES) == page.ask(LABELS) == occupants(running.metrics()), "the numbers agree")
    assert len(page.ask(ZONES)) == 6


def is_reached_by_keyboard(page):
    """Everything that can be pressed is reached by Tab, in the order of the page, and seen to be."""
    page.ask("document.activeElement.blur()")
    reached = []
    for _ in range(13):
        page.press("Tab")
        reached.append(page.ask(FOCUS))
        assert page.ask("getComputedStyle(document.activeElement).outlineStyle") != "none", reached
    zones = page.ask("[...document.querySelectorAll('button.find')].map((button) => button.textContent)")
    assert reached[:5] == ["Skip to the tables", "All floors", "Status", "Events", "Pause"]
    assert [name for name in reached if name in zones] == zones
    page.press("Enter")
    assert page.ask("document.querySelectorAll('button[aria-pressed=true], .found').length") == 2
    page.press("Enter")


def is_held_and_let_go(page):
    """Somebody whom movement disturbs may stop it."""
    page.ask("document.querySelector('#pause').click()")
    assert page.ask(STATE) == "Paused"
    held = page.ask(DOTS)
    page.ask("new Promise((done) => setTimeout(done, 2500))")
    assert page.ask(DOTS) == held
    page.ask("document.querySelector('#pause').click()")
    eventually(lambda: page.ask(DOTS) != held and page.ask(STATE) == "Live", "it goes on")


def is_read_by_everyone(page, directory):
    """Contrast in both schemes, no sideways scrolling on a phone, and a drawing with a name."""
    for dark in (True, False):
        page.look(width=390, height=844, dark=dark, phone=True)
        looked_at, pale = page.ask(PALE)
        assert looked_at > 60
        assert pale == []
        assert page.ask("document.documentElement.scrollWidth") <= 390
    title = page.ask("document.querySelector('#drawing-title').textContent")
    assert title == "Floor plan of Floor 1"
    page.look(width=1000, height=760)
    pictures = Path(os.environ.get("PICTURES_TO", directory))
    page.ask("document.activeElement.blur(), scrollTo(0, 0)")
    picture = page.picture()
    assert picture.startswith(b"\x89PNG")
    (pictures / "floor.png").write_bytes(picture)


def tells_nobody(page, running, cloud):
    """No address and no name of anybody, on the page, in its frames or in the log."""
    known = names_of(cloud)
    assert len(known) > 10
    told = page.ask("document.documentElement.outerHTML") + running.said()
    told += page.ask(
        "new Promise((done) => { const more = new EventSource(document.querySelector('main').dataset.events);"
        "more.onmessage = (event) => { more.close(); done(event.data); }; })"
    )
    assert '"dots"' in told
    assert [name for name in known if name in told] == []
    assert not re.search(r"(?<![-0-9a-f])[0-9a-f]{12}(?![0-9a-f])", told)
