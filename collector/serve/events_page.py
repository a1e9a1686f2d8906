"""/events: the live event list; `assets/events.js` fills it from /api/v1/events.

The document contains no event. Its links are relative, so that it works behind a path prefix.
"""

from __future__ import annotations

import html
import json
from importlib import resources
from typing import TYPE_CHECKING, Final

from aiohttp import web

from collector.event import SEVERITIES
from collector.serve.markup import NO_STORE, SCRIPTED_PAGE_HEADERS, document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Portals = Callable[[], Mapping[str, str]]

PATH: Final = "/events"
_HEAD: Final = '<link rel="stylesheet" href="events/events.css"><script src="events/events.js" defer></script>'
_PERIODS: Final = (("", "All times"), ("15m", "Last 15 minutes"), ("1h", "Last hour"), ("24h", "Last 24 hours"),
                   ("7d", "Last 7 days"))  # fmt: skip
_COLUMNS: Final = ("Time", "", "Topic", "Site", "Event", "Type")


class EventsPage:
    """The handlers of /events, its style sheet and its script. `add_to` registers them.

    Args:
        portals: Returns the address of Mist's portal by organization ID; under "" that of all other organizations.
        floors: Whether /floors exists.
    """

    def __init__(self, portals: Portals, *, floors: bool) -> None:
        self._portals = portals
        self._floors = floors
        files = resources.files("collector.serve") / "assets"
        self._style = (files / "events.css").read_text()
        self._script = (files / "events.js").read_text()

    def add_to(self, application: web.Application) -> None:
        """Register the handlers."""
        router = application.router
        router.add_get(PATH, self.page)
        router.add_get(f"{PATH}/events.css", self.style)
        router.add_get(f"{PATH}/events.js", self.script)

    async def page(self, _request: web.Request) -> web.Response:
        """Return the page."""
        text = events_page(self._portals(), floors=self._floors)
        return web.Response(text=text, content_type="text/html", headers=SCRIPTED_PAGE_HEADERS)

    async def style(self, _request: web.Request) -> web.Response:
        """Return the style sheet."""
        return web.Response(text=self._style, content_type="text/css", headers=NO_STORE)

    async def script(self, _request: web.Request) -> web.Response:
        """Return the script."""
        return web.Response(text=self._script, content_type="text/javascript", headers=NO_STORE)


def events_page(portals: Mapping[str, str], *, floors: bool) -> str:
    """Return the HTML document."""
    links = '<a href="./">Status</a><a href="events" aria-current="page">Events</a>'
    links += '<a href="floors">Floors</a>' if floors else ""
    known = html.escape(json.dumps(dict(portals)))
    body = (
        '<a class="skip" href="#events">Skip to the events</a>'
        f'<header class="top"><div class="bar"><b>mist-collector</b><nav aria-label="Pages">{links}</nav></div>'
        '<div class="state-row"><strong id="state">Opening</strong> <span id="age"></span></div>'
        '<p class="hidden" id="alert" role="alert"></p></header>'
        f'<main data-api="api/v1/events" data-portals="{known}">'
        '<div class="title"><h1>Events</h1><button class="button" type="button" id="pause">Pause</button></div>'
        "<noscript><p>This page requires JavaScript. <code>mist-collector events</code> and "
        '<a href="api/v1/events">/api/v1/events</a> return the same events.</p></noscript>'
        f'{_filters()}<p id="notice" role="status" hidden></p>'
        '<section class="card" id="events" aria-label="Event list" tabindex="-1">'
        f'<div class="columns" aria-hidden="true">{"".join(f"<span>{name}</span>" for name in _COLUMNS)}</div>'
        '<ul id="rows" role="list" aria-label="Events, newest first"></ul></section>'
        '<p class="more"><button class="button" type="button" id="older" hidden>Load older events</button></p></main>'
    )
    return document("Events - mist-collector", _HEAD, body)


def _filters() -> str:
    """Return the filter field, the severities, the topics and the periods."""
    severities = "".join(
        f'<button class="chip" type="button" data-severity="{name}" aria-pressed="false">'
        f'<span class="sign {name}" aria-hidden="true"></span>{name.capitalize()}</button>'
        for name in reversed(SEVERITIES)
    )
    periods = "".join(f'<option value="{value}">{name}</option>' for value, name in _PERIODS)
    return (
        '<div role="search" aria-label="Filter" class="filters"><div class="query" id="query">'
        '<input id="filter" aria-label="Filter events" aria-describedby="help" spellcheck="false" autocomplete="off"'
        ' placeholder="Text, or site: device: type: key:value, then Enter" maxlength="1000"><kbd>/</kbd></div>'
        '<p class="hidden" id="help">Free text filters while you type. Enter adds a filter, Backspace in the empty '
        "field removes the last one, Escape clears the field, arrow down goes to the events.</p>"
        f'<div class="tools"><div class="chips" role="group" aria-label="Severity">{severities}</div>'
        '<span class="soft" id="shown"></span><span class="hidden" id="found" role="status"></span>'
        f'<div class="right"><select class="button" id="topic" aria-label="Topic"><option value="">All topics</option>'
        f'</select><select class="button" id="period" aria-label="Period">{periods}</select></div></div></div>'
    )
