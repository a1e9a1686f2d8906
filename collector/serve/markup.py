"""HTML building blocks of the pages, and their headers. Every text that is passed in is escaped here and only here."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NO_STORE: Final = {"Cache-Control": "no-store"}
SCRIPTED_PAGE_HEADERS: Final = {
    **NO_STORE,
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of a page with a script and a style sheet of this listener."""
STYLE = """
:root{color-scheme:light dark;--ink:#1a1d21;--soft:#5a6370;--page:#fff;--card:#f5f6f8;--line:#d9dde3;
--good:#19692c;--bad:#b3261e;--wait:#8a5a00}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa4b2;--page:#15181c;--card:#1e2228;--line:#343a43;
--good:#6fcf85;--bad:#ff8a80;--wait:#f0b95a}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:75rem;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.3rem 0}a{color:inherit}nav a{margin-right:1rem}
.soft{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad);font-weight:600}.wait{color:var(--wait)}
.box{overflow-x:auto;border:1px solid var(--line);border-radius:.4rem;background:var(--card)}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{padding:.35rem .7rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}th{color:var(--soft);font-weight:600;white-space:nowrap}
td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td.id{font-family:ui-monospace,monospace;font-size:.85em;overflow-wrap:anywhere;min-width:12rem}
"""


def document(title: str, head: str, body: str) -> str:
    """Return an HTML document; its style sheet and script are served by this listener."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title>{head}</head><body>{body}</body></html>\n"
    )


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell: its text and a CSS class (n: number, id: identifier, good, bad, wait)."""

    text: str
    style: str = ""

    def __str__(self) -> str:
        style = f' class="{self.style}"' if self.style else ""
        return f"<td{style}>{html.escape(self.text)}</td>"


def paragraph(text: str, style: str = "") -> str:
    """Return a paragraph."""
    return f'<p class="{style}">{html.escape(text)}</p>' if style else f"<p>{html.escape(text)}</p>"


def section(name: str, title: str, *parts: str) -> str:
    """Return a section with a title; `name` is its anchor."""
    return f'<section id="{name}"><h2>{html.escape(title)}</h2>{"".join(parts)}</section>'


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return a table, or "None yet." without rows. A heading that begins with # is of a column of numbers."""
    body = "".join(f"<tr>{''.join(map(str, row))}</tr>" for row in rows)
    if not body:
        return paragraph("None yet.", "soft")
    head = "".join(map(_head, heads))
    return f'<div class="box"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _head(text: str) -> str:
    if text.startswith("#"):
        return f'<th scope="col" class="n">{html.escape(text[1:])}</th>'
    return f'<th scope="col">{html.escape(text)}</th>'


def page(title: str, body: str, *, refresh_s: int) -> str:
    """Return the HTML document: without scripts and external resources, for desktop and phone."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="refresh" content="{refresh_s}">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )
