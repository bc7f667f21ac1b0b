"""How a value reads: on pages (in the reader's zone), and in exports (plain, with offsets)."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from portal.admin.grid import Column, Grid, grids
from portal.core.access import may
from portal.core.forms import safe, zone_label
from portal.core.types import RichText, words, zone

_YES_NO = {True: "Yes", False: "No"}
_CUT = ("text", "person")
_PLAIN = (*_CUT, "link")


def zone_note(user: Any, at: datetime) -> str:
    return f"Times in {zone_label(user.timezone, at)}"


@lru_cache(maxsize=4096)  # a page says the same few hours again and again
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


class Line(NamedTuple):
    """A row of a grid: its key, its address, where it is edited (None: the reader may not), and its cells."""

    key: str
    url: str
    edit_url: str | None
    cells: Sequence[Cell]


def as_trs(lines: Iterable[Line], pencil: str, *, pick: bool) -> Markup:
    """The rows of a grid's table as HTML: made here, as a template takes five times as long for a page's.

    ``pencil`` is the picture of an edit, as HTML; ``pick``: rows can be ticked.
    """
    return Markup("".join([_as_tr(line, pencil, pick) for line in lines]))


def _as_tr(line: Line, pencil: str, pick: bool) -> str:
    key, url, edit_url, (lead, *others) = line
    name, href = _plain(lead.text), safe(url)
    tick = _TICK.format(key, name) if pick else ""
    shown = safe(lead.text or "(untitled)")
    if lead.colour:
        shown = f'<span class="badge tone-{safe(lead.colour)}">{safe(lead.text)}</span>'
    edit = f'<a href="{safe(edit_url)}" aria-label="Edit {name}" title="Edit">{pencil}</a>' if edit_url else ""
    return (
        f'<tr>{tick}<th scope="row" class="c-lead c-{lead.kind}"><a href="{href}" dir="auto">{shown}</a>'
        f"{_small(lead.hint)}</th>{''.join([_as_td(*cell) for cell in others])}"
        f'<td class="row-edit">{edit}</td></tr>\n'
    )


_TICK = (
    '<td class="pick"><label><input class="form-check-input" type="checkbox" name="ids" value="{}" '
    'aria-label="Select {}"></label></td>'
)
_OUTWARD = ' target="_blank" rel="noopener noreferrer"'


def _plain(value: Any) -> str:
    """``value`` as an attribute: what is HTML is written out."""
    return str(escape(str(value)))


def _small(hint: str | None) -> str:
    return f'<small class="hint">{safe(hint)}</small>' if hint else ""


@lru_cache(maxsize=2048, typed=True)  # a page says the same again and again; typed, as HTML is not the text it equals
def _as_td(kind: str, text: Any, url: str | None, colour: str | None, title: str | None, hint: str | None) -> str:
    if text == "" or text is None:
        return f'<td class="c-{kind}"></td>'
    shown = safe(text)
    if colour:
        return f'<td class="c-status"><span class="badge tone-{safe(colour)}">{shown}</span>{_small(hint)}</td>'
    if kind == "datetime" or kind == "date":
        return f'<td class="c-datetime">{shown}{_small(hint)}</td>'
    whole = f' title="{safe(title)}"' if title else ""
    if url:
        shown = f'<a href="{safe(url)}"{_OUTWARD if kind == "link" else ""}>{shown}</a>'
    return f'<td class="c-{kind}" dir="auto"{whole}>{shown}{_small(hint)}</td>'


Reading = Callable[[Any], Cell]


class Reader:
    """Turns rows into cells for one user: what a column needs is looked up once, not for each of its cells."""

    def __init__(self, grid: Grid, columns: Sequence[Column], user: Any) -> None:
        self.grid, self.columns, self.zone_name = grid, columns, user.timezone
        self.links = {c.name: grids()[c.link] for c in columns if c.link and _may_open(c.link, user)}
        self._readings = [self._reading(column) for column in columns]

    def row(self, row: Any) -> list[Cell]:
        return [read(row) for read in self._readings]

    def _reading(self, column: Column) -> Reading:
        if column.tone is None and column.kind in ("status", "choice"):
            return self._reading_of_choices(column)
        name, kind, empty = column.name, column.kind, Cell(column.kind)
        linked = kind == "link" or name in self.links

        def read(row: Any) -> Cell:
            value = getattr(row, name)
            if value is None or value == "":
                return empty
            url = self._url(column, row, value) if linked else None
            if column.tone is not None:
                return Cell(kind, value, url, getattr(row, f"{name}__tone"))
            text = value if kind in _PLAIN else self._text(kind, value)
            # A page may cut a long name off; the whole one is there to be read all the same.
            return Cell(kind, text, url, None, text if kind in _CUT and len(text) > 30 else None)

        return read

    def _reading_of_choices(self, column: Column) -> Reading:
        name, kind = column.name, column.kind
        known = {None: Cell(kind), "": Cell(kind)}

        def read(row: Any) -> Cell:
            value = getattr(row, name)
            if value not in known:
                known[value] = Cell(kind, words(value), None, column.tones.get(value), hint=column.hints.get(value))
            return known[value]

        return read

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
