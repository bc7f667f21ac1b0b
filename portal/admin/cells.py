"""How a value reads: on pages (in the reader's zone), and in exports (plain, with offsets)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from portal.admin.grid import Column, Grid, grids
from portal.core.access import may
from portal.core.forms import zone_label
from portal.core.types import RichText, words, zone

_YES_NO = {True: "Yes", False: "No"}


def zone_note(user: Any, at: datetime) -> str:
    return f"Times in {zone_label(user.timezone, at)}"


def when(at: datetime | None, zone_name: str) -> str:
    """``24 Nov 2026, 14:00 +04:00``: the offset stands with each time, as summer and winter differ."""
    if at is None:
        return ""
    local = at.astimezone(zone(zone_name))
    offset = local.strftime("%z")
    return f"{local.day} {local:%b %Y, %H:%M} {offset[:3]}:{offset[3:]}"


class Cell(NamedTuple):
    """What a template shows of one value (a slim type: a page has some six hundred)."""

    kind: str
    text: Any = ""
    url: str | None = None
    colour: str | None = None
    title: str | None = None
    hint: str | None = None


def as_tds(cells: Sequence[Cell]) -> Markup:
    """Cells in a grid's table, as HTML: made here, as a template takes five times as long for a page's."""
    return Markup("".join(map(_as_td, cells)))


_OUTWARD = ' target="_blank" rel="noopener noreferrer"'


def _as_td(cell: Cell) -> str:
    kind, text, url, colour, title, hint = cell
    if text == "" or text is None:
        return f'<td class="c-{kind}"></td>'
    shown = escape(text)
    small = f'<small class="hint">{escape(hint)}</small>' if hint else ""
    if colour:
        return f'<td class="c-status"><span class="badge tone-{escape(colour)}">{shown}</span>{small}</td>'
    if kind == "datetime" or kind == "date":
        return f'<td class="c-datetime">{shown}{small}</td>'
    whole = f' title="{escape(title)}"' if title else ""
    if url:
        shown = f'<a href="{escape(url)}"{_OUTWARD if kind == "link" else ""}>{shown}</a>'  # type: ignore[assignment]
    return f'<td class="c-{kind}" dir="auto"{whole}>{shown}{small}</td>'


class Reader:
    """Turns rows into cells for one user."""

    def __init__(self, grid: Grid, columns: Sequence[Column], user: Any) -> None:
        self.grid, self.columns, self.zone_name = grid, columns, user.timezone
        self.links = {c.name: grids()[c.link] for c in columns if c.link and _may_open(c.link, user)}

    def row(self, row: Any) -> list[Cell]:
        return [self._cell(column, row) for column in self.columns]

    def _cell(self, column: Column, row: Any) -> Cell:
        value = getattr(row, column.name)
        kind = column.kind
        if value is None or value == "":
            return Cell(kind)
        if column.tone is not None:
            return Cell(kind, value, self._url(column, row, value), getattr(row, f"{column.name}__tone"))
        if kind in ("status", "choice"):
            return Cell(kind, words(value), None, column.tones.get(value), hint=column.hints.get(value))
        text = self._text(kind, value)
        # A page may cut a long name off; the whole one is there to be read all the same.
        whole = text if kind in ("text", "person") and len(text) > 30 else None
        return Cell(kind, text, self._url(column, row, value), title=whole)

    def _text(self, kind: str, value: Any) -> Any:
        if kind == "datetime":
            return when(value, self.zone_name)
        if kind == "date":
            return day(value)
        if kind == "bool":
            return _YES_NO[bool(value)]
        if kind == "rich":
            return rich(value)
        return f"{value:,}" if kind == "number" else value

    def _url(self, column: Column, row: Any, value: Any) -> str | None:
        if column.kind == "link":
            return value if str(value).startswith(("http://", "https://")) else None
        if column.name in self.links and (key := getattr(row, f"{column.name}__id")):
            return self.links[column.name].row_url(key)
        return None


def rich(text: str) -> Markup:
    """Rich text as it is shown; what was typed without tags keeps its lines."""
    return Markup(RichText.lines(text))


def day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def _may_open(path: str, user: Any) -> bool:
    grid = grids().get(path)
    return grid is not None and may(user, f"read:{grid.resource}")
