"""What higher features add to a lower one's pages: panels, buttons, columns, bulk actions, live boxes, remarks."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from portal.admin.grid import Action, Column, Grid, grids
from portal.core import access

Maker = Callable[..., Any]
Decorator = Callable[[Maker], Maker]
_added: dict[tuple[str, str, str], list[Maker]] = defaultdict(list)  # (what, path, page) -> makers
_columns: dict[str, list[tuple[Column, str]]] = defaultdict(list)
_actions: dict[str, list[tuple[Action, str]]] = defaultdict(list)


@dataclass(frozen=True)
class Aside:
    """A live box beside a form: ``url`` answers it as HTML, asked anew as the form changes.

    ``sends`` says what it is asked with: the name of an argument -> a CSS selector of the fields that it comes from.
    It stands after the field ``after``, or beside the whole form where there is room.
    """

    title: str
    icon: str
    url: str
    sends: Mapping[str, str]
    after: str = ""


def _keeper(what: str, path: str, pages: tuple[str, ...] = ("details",)) -> Decorator:
    def keep(maker: Maker) -> Maker:
        for page in pages:
            if maker not in _added[what, path, page]:
                _added[what, path, page].append(maker)
        return maker

    return keep


def panel(path: str) -> Decorator:
    """Add a panel to the details of a grid: (session, row, user) -> panel, several, or None."""
    return _keeper("panel", path)


def button(path: str) -> Decorator:
    """Add a button to the details of a grid: (session, row, user) -> {label, icon, url, needs_form}, or None.
    Without ``needs_form`` it is pressed by POST; with ``first`` it stands before the row's moves."""
    return _keeper("button", path)


def aside(path: str, *pages: str) -> Decorator:
    """Add a box to forms of a grid: (row, or None for a new one; user) -> Aside, or None. ``pages`` are new, edit,
    the verb of a move that asks for something, or “bulk” and the verb of an action on many."""
    return _keeper("aside", path, pages)


@dataclass(frozen=True)
class Remark:
    """What is said after a row was saved, and the ``fields`` that it depends on (none: on whatever there is)."""

    make: Maker
    fields: frozenset[str]

    def depends_on(self, changed: Collection[str]) -> bool:
        return not self.fields or not self.fields.isdisjoint(changed)


_remarks: dict[tuple[str, str], list[Remark]] = defaultdict(list)  # (path, page) -> remarks


def remark(path: str, *pages: str, fields: Collection[str] = ()) -> Decorator:
    """Say something after a row was saved by one of ``pages``: (session, row, user) -> a sentence, or ''. With
    ``fields``, an edit that left all of them as they were goes without it."""

    def keep(maker: Maker) -> Maker:
        made = Remark(maker, frozenset(fields))
        for page in pages:
            if made not in _remarks[path, page]:
                _remarks[path, page].append(made)
        return maker

    return keep


def add_column(path: str, column: Column, *, after: str) -> None:
    """Add a column to a grid, beside the one called ``after``."""
    _columns[path].append((column, after))


def add_action(path: str, action: Action, *, after: str = "") -> None:
    """Add a bulk action to a grid; in its bar behind the one called ``after`` ('': first)."""
    if (action, after) not in _actions[path]:
        _actions[path].append((action, after))


@dataclass
class Happening:
    """One line of a timeline: at what time what happened, by whom; ``value`` is the bare value that it led to."""

    at: datetime
    what: str
    who: str
    icon: str = "activity"
    detail: str = ""
    notes: str = ""
    url: str = ""
    value: str = ""


def happenings(path: str) -> Decorator:
    """Add to the timeline of a grid's rows: (session, row, user, limit) -> the latest, as Happenings."""
    return _keeper("happenings", path)


def happenings_of(path: str, session: Any, row: Any, user: Any, limit: int) -> list[Happening]:
    return [each for maker in _added["happenings", path, "details"] for each in maker(session, row, user, limit)]


_named: dict[str, str] = {}


def refer(name: str, path: str) -> None:
    """Say of which grid a row is whose key stands as ``name`` in the details of an activity."""
    _named[name] = path


def link_of(details: Mapping[str, Any], user: Any) -> str:
    """The page of what an activity is about, for those who may read such; '' where there is none."""
    for name, path in _named.items():
        grid = grids().get(path)
        if name in details and grid is not None and access.may(user, f"read:{grid.resource}"):
            return grid.row_url(details[name])
    return ""


def panels_of(grid: Grid) -> list[Maker]:
    return [*grid.panels, *_added["panel", grid.path, "details"]]


def buttons_of(grid: Grid, session: Any, row: Any, user: Any) -> list[dict[str, Any]]:
    made = (maker(session, row, user) for maker in _added["button", grid.path, "details"])
    return [{"danger": False, "confirm": "", "needs_form": False, **each} for each in made if each]


def asides_of(grid: Grid, page: str, row: Any, user: Any) -> list[Aside]:
    return [made for maker in _added["aside", grid.path, page] if (made := maker(row, user))]


def remarks_of(
    grid: Grid, page: str, session: Any, row: Any, user: Any, changed: Collection[str] | None = None
) -> list[str]:
    """The remarks of ``page``; ``changed`` names the fields of an edit that were given another value."""
    remarks = [each for each in _remarks[grid.path, page] if changed is None or each.depends_on(changed)]
    return [said for each in remarks if (said := each.make(session, row, user))]


def completed(grid: Grid) -> Grid:
    """``grid`` with the columns and actions that were added to it."""
    columns = list(grid.columns)
    for column, after in _columns[grid.path]:
        columns.insert(1 + [each.name for each in columns].index(after), column)
    offers = list(grid.bulk_offers)
    for action, after in _actions[grid.path] if offers else ():
        offers.insert(offers.index(after) + 1 if after else 0, action.verb)
    added = tuple(action for action, _ in _actions[grid.path])
    if not added and len(columns) == len(grid.columns):
        return grid
    return replace(grid, columns=tuple(columns), actions=(*grid.actions, *added), bulk_offers=tuple(offers))
