"""The pages of floors: what is drawn, what is told of it, and what is told of nobody."""

import asyncio
import json
import re
from html.parser import HTMLParser
from importlib import resources
from itertools import product

import aiohttp
import pytest

from collector.floors import Dot, FloorLine, Floors, FloorView, ZoneView
from collector.listener.address import ListenAddress
from collector.serve import floor_frames, floor_html, floor_pages, markup
from collector.serve.floor_frames import KINDS, MAX_DOTS, frame_of, level_of
from collector.serve.floor_sketch import SPAN, label, sketch_of
from collector.serve.listener import OperatorListener
from collector.serve.status_page import StatusPage
from tests.support.clock import ManualClock
from tests.support.floors import MAP, SITE, mac
from tests.support.floors import Floors as RealFloors

HOSTILE = "<script>alert('x')</script>\"&@dots@"
SQUARE = ((100.0, 100.0), (300.0, 100.0), (300.0, 300.0), (100.0, 300.0))


def zone(occupants=(), limit=None, name="Lobby", corners=SQUARE):
    return ZoneView("z1", name, corners, dict(occupants), limit)


def view(dots=(), zones=None, *, width=2000.0, height=1000.0, name="Floor 1", heard_at=None):
    people = {kind: sum(dot.kind == kind for dot in dots) for kind in KINDS}
    zones = (zone(),) if zones is None else tuple(zones)
    return FloorView(
        MAP, SITE, name, width, height, 20.0, ((0.0, 0.0, 2000.0, 0.0),), zones, people, tuple(dots), heard_at
    )


def frame(shown):
    return frame_of(shown, sketch_of(shown), now=100.0, unix=1_700_000_000.4)


def page(shown):
    return floor_html.floor_page(shown, sketch_of(shown), frame(shown), "Site")


# the drawing


def test_positions_are_rounded_to_the_sheet_and_kept_on_it():
    dots = [Dot("client", 1001.3, 500.2), Dot("client", -50.0, 1e300), Dot("asset", 2000.0, 1000.0)]
    drawn = frame(view(dots))["dots"]
    assert set(re.findall(r"M\d+ \d+", drawn["client"])) == {"M501 250", "M0 500"}
    assert drawn["asset"] == "M1000 500" * 2  # alone: twice, for a path needs two vertices
    assert drawn["sdkclient"] == ""


def test_each_frame_has_its_dots_in_another_order():
    shown = view([Dot("client", 2.0 * n, 0.0) for n in range(500)])
    first, second = frame(shown)["dots"]["client"], frame(shown)["dots"]["client"]
    assert first != second
    assert sorted(first.split("M")) == sorted(second.split("M"))


def test_only_so_many_dots_are_drawn_and_all_are_counted():
    shown = view([Dot("client", 1.0 * n, 1.0) for n in range(MAX_DOTS + 500)])
    told = frame(shown)
    assert (told["drawn"], told["all"], told["people"][0]) == (MAX_DOTS, MAX_DOTS + 500, MAX_DOTS + 500)
    assert told["dots"]["client"].count("M") == MAX_DOTS
    assert f"a random sample of {MAX_DOTS}" in page(shown)


@pytest.mark.parametrize(
    ("people", "limit", "level"),
    [
        ({}, None, 0), ({"client": 1}, None, 1), ({"client": 4}, None, 1), ({"client": 2, "asset": 3}, None, 2),
        ({"client": 20}, None, 3), ({"client": 5000}, None, 3), ({}, 10, 0), ({"client": 4}, 10, 1),
        ({"client": 5}, 10, 2), ({"client": 4, "sdkclient": 4}, 10, 3), ({"client": 10}, 10, 4),
        ({"client": 11}, 10, 4), ({"asset": 50}, 10, 1),
    ],
)  # fmt: skip
def test_how_full_a_zone_is(people, limit, level):
    assert level_of(zone(people, limit)) == level


def test_the_numbers_stand_in_words_and_tables():
    shown = view([Dot("client", 150.0, 150.0)], [zone({"client": 12, "asset": 1}, 12.0)])
    text = page(shown)
    assert '<td data-of="limit">12 of 12</td>' in text
    assert '<span data-of="state">full</span>' in text
    assert '<td class="n" data-of="all">13</td>' in text
    assert '<text class="count" x="100" y="122">13</text>' in text.replace("\n", "")


def test_a_larger_zone_is_drawn_below_one_within_it():
    small = ((150.0, 150.0), (200.0, 150.0), (200.0, 200.0))
    drawn = sketch_of(view(zones=[zone(corners=small, name="A"), zone(name="B")]))
    assert [number for number, _ in drawn.areas] == [1, 0]


def test_the_label_of_a_concave_zone_is_within_it():
    u_shape = ((0, 0), (300, 0), (300, 400), (200, 400), (200, 100), (100, 100), (100, 400), (0, 400))
    at = label(u_shape, "Lab")
    assert at.name == "Lab"
    assert not (100 <= at.x <= 200 and at.y >= 100)
    assert 0 < at.x < 300
    assert 0 < at.y < 400
    assert label(((0, 0), (30, 0), (30, 30), (0, 30)), "Conference").name == "Co\N{HORIZONTAL ELLIPSIS}"
    assert label(((5, 5), (5, 5), (5, 5)), "Point").name == ""


def test_a_map_without_a_size_shows_what_is_on_it():
    assert sketch_of(view(width=0.0)).sheet.width == SPAN  # its zones and walls
    bare = FloorView(MAP, SITE, "", 0.0, 0.0, 0.0, (), (), {"client": 1}, (Dot("client", 700.0, 10.0),))
    moved = FloorView(MAP, SITE, "", 0.0, 0.0, 0.0, (), (), {"client": 1}, (Dot("client", 900.0, 80.0),))
    assert sketch_of(bare).mark == sketch_of(moved).mark  # both within 1024 pixels
    assert "scale unknown" in page(bare)
    assert "This map has no zones." in page(bare)
    assert sketch_of(FloorView(MAP, SITE, "", 0.0, 0.0, 0.0, (), (), {}, ())).sheet.width == SPAN


def test_the_mark_changes_with_the_drawing_and_with_nothing_else():
    plain = sketch_of(view())
    assert sketch_of(view([Dot("client", 1.0, 1.0)]), plain) is plain
    assert sketch_of(view()).mark == plain.mark
    for other in (view(zones=[zone(name="Hall")]), view(zones=[]), view(name="Floor 2"), view(width=1000.0)):
        assert sketch_of(other, plain).mark != plain.mark


# the page


class Tags(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]


def test_names_are_escaped_wherever_they_stand():
    shown = view(zones=[zone(name=HOSTILE)], name=HOSTILE)
    text = floor_html.floor_page(shown, sketch_of(shown), frame(shown), HOSTILE)
    text += floor_html.floors_page([FloorLine(f'"{HOSTILE}', SITE, HOSTILE, 1, 1)], lambda _: HOSTILE)
    tags = Tags(text)
    assert tags.tags.count("script") == 1
    assert {value for tag, name, value in tags.attributes if tag == "script" and name == "src"} == {"floor.js"}
    assert "alert('" not in text
    assert text.count('class="dots"') == len(KINDS)


def test_nothing_of_the_page_is_inline_or_from_elsewhere():
    tags = Tags(page(view()))
    assert not [name for _, name, _ in tags.attributes if name == "style" or name.startswith("on")]
    assert "style" not in tags.tags
    for _, name, value in tags.attributes:
        if name in ("src", "href"):
            assert re.fullmatch(r"[.]{2}/|[.]{2}/(floors|events)|#[a-z]+|floor[.](css|js)", value), value


def test_the_list_names_floors_by_site_and_leaves_out_the_emptiest():
    lines = [FloorLine(f"m{n}", SITE, f"Floor {n}", n, 2) for n in range(floor_html.MAX_FLOORS + 1)]
    text = floor_html.floors_page(lines, lambda _: "Head office")
    assert '<a href="floors/m7">Floor 7</a></th><td>Head office</td>' in text
    assert 'href="floors/m0"' not in text
    assert "No floors yet." in floor_html.floors_page([], lambda _: "")


def test_nobody_is_told_by_name_or_address():
    floors = RealFloors()
    floors.map()
    floors.zone("z", SQUARE)
    for who in range(30):
        floors.say({"mac": mac(who), "name": "Alice's phone", "hostname": "alice", "x": 150 + who, "y": 150})
    shown = floors.location.view(MAP)
    text = page(shown) + floor_frames.event_of(frame(shown)).decode()
    assert shown.heard_at == floors.now
    assert frame(shown)["all"] == 30
    assert not re.search(r"5684da|[Aa]lice|phone", text)
    assert not re.search(r"(?i)([0-9a-f]{2}[:-]){5}[0-9a-f]{2}", text)


# over a socket


class Watched:
    """A listener with one floor on a clock that tests move."""

    def __init__(self):
        self.clock = ManualClock()
        self.shown = view([Dot("client", 150.0, 150.0)])
        self.asked = 0
        floors = Floors(lambda: [FloorLine(MAP, SITE, "Floor 1", 1, 1)], self._view, self.clock)
        self.listener = OperatorListener(
            ListenAddress("127.0.0.1", 0),
            render=None,
            ready=list,
            status=lambda: StatusPage(now=1.0, unix=0.0, started_at=0.0, version="1", floors=True),
            floors=floors,
        )

    def _view(self, map_id):
        self.asked += 1
        return self.shown if map_id == MAP else None

    async def __aenter__(self):
        await self.listener.__aenter__()
        self.base = f"http://127.0.0.1:{self.listener.port}"
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *exc):
        await self.session.close()
        await self.listener.__aexit__(*exc)

    async def get(self, path, **headers):
        async with self.session.get(f"{self.base}{path}", headers=headers) as response:
            return response, await response.text()

    async def watch(self):
        return await self.session.get(f"{self.base}/floors/{MAP}/events")


async def event(response):
    """The next event of a stream."""
    lines = []
    while (line := (await response.content.readline()).decode()) not in ("\n", ""):
        lines.append(line)
    return "".join(lines)


async def test_pages_and_files_with_their_headers():
    async with Watched() as watched:
        for path, kind in (("/floors", "text/html"), (f"/floors/{MAP}", "text/html")):
            response, _ = await watched.get(path)
            assert (response.status, response.content_type) == (200, kind)
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
        for name, kind in (("floor.js", "text/javascript"), ("floor.css", "text/css")):
            response, text = await watched.get(f"/floors/{name}")
            assert (response.status, response.content_type) == (200, kind)
            assert not re.search(r"https?:|//[a-z]|@import", text.replace("// ", ""))
        assert '<a href="floors">Floors</a>' in (await watched.get("/"))[1]
        response, text = await watched.get("/floors/nosuchmap")
        assert (response.status, "No such floor" in text) == (404, True)
        assert (await watched.get("/floors/nosuchmap/events"))[0].status == 404


async def test_a_listener_without_floors_has_no_such_pages():
    listener = OperatorListener(
        ListenAddress("127.0.0.1", 0),
        render=None,
        ready=list,
        status=lambda: StatusPage(now=1.0, unix=0.0, started_at=0.0, version="1"),
    )
    async with listener, aiohttp.ClientSession(f"http://127.0.0.1:{listener.port}") as session:
        for path in ("/floors", f"/floors/{MAP}", "/floors/floor.js"):
            assert (await session.get(path)).status == 404
        assert "/floors" not in await (await session.get("/")).text()


async def test_frames_come_one_a_second_as_events_of_one_line():
    async with Watched() as watched, await watched.watch() as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert await event(stream) == "retry: 2000\n"
        for seconds in range(3):
            told = await event(stream)
            assert re.fullmatch(r"data: [^\n]+\n", told)
            assert json.loads(told[6:])["unix"] == 1_700_000_000 + seconds
            assert not stream.content.read_nowait()
            await watched.clock.advance(0.5)
            assert not stream.content.read_nowait()
            await watched.clock.advance(0.5)


async def test_those_who_watch_the_same_floor_share_its_frames():
    async with Watched() as watched:
        streams = [await watched.watch() for _ in range(5)]
        for stream in streams:
            await event(stream)
            await event(stream)
        assert watched.asked == 1
        await watched.clock.advance(1.0)
        for stream in streams:
            await event(stream)
        assert watched.asked == 2
        for stream in streams:
            stream.close()


async def test_only_so_many_may_watch(monkeypatch):
    monkeypatch.setattr(floor_pages, "MAX_VIEWERS", 2)
    async with Watched() as watched:
        streams = [await watched.watch() for _ in range(2)]
        response, text = await watched.get(f"/floors/{MAP}/events")
        assert (response.status, text, response.headers["Retry-After"]) == (503, "too many viewers (limit 2)\n", "30")
        for stream in streams:
            stream.close()
        for _ in range(50):  # the server notices by writing
            await watched.clock.advance(1.0)
        async with await watched.watch() as stream:
            assert stream.status == 200


async def test_a_stream_ends_with_its_floor_and_after_its_time():
    async with Watched() as watched:
        async with await watched.watch() as stream:
            await event(stream)
            await event(stream)
            watched.shown = None
            await watched.clock.advance(1.0)
            assert await stream.content.read() == b""
        watched.shown = view()
        await watched.clock.advance(1.0)
        async with await watched.watch() as stream:
            await watched.clock.advance(floor_pages.STREAM_S, settle=5)
            assert (await stream.content.read()).count(b"data: ") > 100


async def test_the_end_of_the_listener_ends_streams_at_once():
    watched = Watched()
    async with watched:
        stream = await watched.watch()
        await event(stream)
        await event(stream)
        ended = asyncio.create_task(stream.content.read())
        await watched.listener.__aexit__(None, None, None)
        assert await ended == b""  # whole: a stream that had to be cut off would raise


@pytest.mark.slow
async def test_a_viewer_that_does_not_read_is_let_go(monkeypatch):
    monkeypatch.setattr(floor_pages, "MAX_VIEWERS", 1)
    monkeypatch.setattr(floor_pages, "WRITE_S", 0.01)
    async with Watched() as watched:
        watched.shown = view([Dot("client", 1.0 * n, 1.0) for n in range(MAX_DOTS)])
        reader, writer = await asyncio.open_connection("127.0.0.1", watched.listener.port, limit=1024)
        writer.write(f"GET /floors/{MAP}/events HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert b"200 OK" in await reader.readline()
        while (second := await watched.watch()).status == 503:
            await watched.clock.advance(1.0)
            assert watched.clock.now() < 1000.0 + floor_pages.STREAM_S  # else it was only the end of its time
        second.close()
        assert not (await reader.read()).endswith(b"\r\n0\r\n\r\n")  # cut off, not ended in good order
        writer.close()


async def test_a_page_of_another_site_gets_no_stream():
    async with Watched() as watched:
        response, _ = await watched.get(f"/floors/{MAP}/events", **{"Sec-Fetch-Site": "cross-site"})
        assert response.status == 403


# contrast


def luminance(colour):
    parts = [int(colour[at : at + len(colour) // 3] * (1 if len(colour) == 6 else 2), 16) / 255 for at in
             range(0, len(colour), len(colour) // 3)]  # fmt: skip
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def schemes():
    """The colours of the page by name: light, and dark over light."""
    text = markup.STYLE + (resources.files("collector.serve") / "assets" / "floor.css").read_text()
    darker = r"@media\(prefers-color-scheme:dark\){:root{(.*?)}}"
    names = r"--([a-z0-9_]+):#([0-9a-f]{3,6})"
    light = dict(re.findall(names, re.sub(darker, "", text, flags=re.DOTALL)))
    dark = dict(re.findall(names, "".join(re.findall(darker, text, flags=re.DOTALL))))
    return {"light": light, "dark": light | dark}


FILLS = ("page", "l0", "l1", "l2", "l3", "l4")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_what_wcag_aa_asks_for(scheme):
    colours = schemes()[scheme]
    assert colours["l0"] != schemes()["dark" if scheme == "light" else "light"]["l0"]
    for text, ground in product(("ink",), (*FILLS, "card")):
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for text, ground in product(("soft", "good", "bad"), ("page", "card")):
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for sign, ground in product((*KINDS, "wall"), FILLS):
        assert contrast(colours[sign], colours[ground]) >= 3, (sign, ground)
    assert contrast(colours["edge"], colours["page"]) >= 3
