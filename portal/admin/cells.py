"""How a value reads: on pages (in the reader's zone), and in exports (plain, with offsets)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from markupsafe import Markup

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


class Reader:
    """Turns rows into cells for one user."""

    def __init__(self, grid: Grid, columns: Sequence[Column], user: Any) -> None:
        self.grid, self.columns, self.zone_name = grid, columns, user.timezone
        self.links = {c.name: grids()[c.link] for c in columns if c.link and _may_open(c.link, user)}

    def row(self, row: Any) -> list[dict[str, Any]]:
        return [self._cell(column, row) for column in self.columns]

    def _cell(self, column: Column, row: Any) -> dict[str, Any]:
        value = getattr(row, column.name)
        kind = column.kind
        cell: dict[str, Any] = {"kind": kind, "text": ""}
        if value is None or value == "":
            return cell
        if column.tone is not None:
            cell.update(text=value, colour=getattr(row, f"{column.name}__tone"))
        elif kind in ("status", "choice"):
            cell["text"] = words(value)
            if tone := column.tones.get(value):
                cell["colour"] = tone
            if hint := column.hints.get(value):
                cell["hint"] = hint
        elif kind == "datetime":
            cell["text"] = when(value, self.zone_name)
        elif kind == "date":
            cell["text"] = day(value)
        elif kind == "bool":
            cell["text"] = _YES_NO[bool(value)]
        elif kind == "rich":
            cell["text"] = Markup(RichText.clean(value))  # noqa: S704 - cleaned right here
        elif kind == "number":
            cell["text"] = f"{value:,}"
        else:
            cell["text"] = value
        if kind == "link":
            cell["url"] = value
        elif column.name in self.links and (key := getattr(row, f"{column.name}__id")):
            cell["url"] = self.links[column.name].row_url(key)
        return cell


def day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def _may_open(path: str, user: Any) -> bool:
    grid = grids().get(path)
    return grid is not None and may(user, f"read:{grid.resource}")
