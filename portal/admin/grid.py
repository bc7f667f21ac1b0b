"""A grid as a declaration: columns, filters, joins, form, bulk actions. ``base.PortalView`` makes pages of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from portal.core import access
from portal.core.types import UtcDateTime, words
from portal.core.workflow import Change, Result, Workflow, workflow_of

PAGE_SIZES = (20, 50, 100, 200)
ME = sa.bindparam("me", type_=sa.Uuid())  # in statements that are built once, for whoever asks
NOW = sa.bindparam("now", type_=UtcDateTime())  # and whenever


@dataclass(frozen=True)
class Column:
    """One thing to show. ``value`` is the SQL of it, the same for page, details and export; or a function of the
    reader that answers it, where it depends on who reads or when (see ``query.settled``).

    ``kind`` says how it reads: text, title, datetime, date, number, bool, choice, status, person, zone, link,
    rich. ``joins`` names the grid's joins that it needs. ``sort`` is only for columns with an index.
    ``link`` and ``link_id`` make it a link to a row of another grid. ``permission`` hides it, its sort and its
    filter from those without.
    """

    name: str
    label: str
    value: Any
    kind: str = "text"
    joins: tuple[str, ...] = ()
    sort: bool = False
    shown: bool = True
    tones: Mapping[str, str] = field(default_factory=dict)
    link: str = ""
    link_id: Any = None
    permission: str = ""
    hint: str = ""
    hints: Mapping[str, str] = field(default_factory=dict)  # value -> what stands small under it
    tone: Any = None  # SQL of the colour, where it is data; the value is a label then
    only_details: bool = False


@dataclass(frozen=True)
class Filter:
    """One thing to narrow by. ``kind``: choice, reference, date, bool or text; ``column`` is what is compared.

    ``choices`` are (value, label) pairs, or a function of the session that answers them; ``where`` answers the
    condition for a value where it is more than a comparison. ``alone`` selects, for a value, as many rows as match
    where nothing else narrows the grid, but faster to count.
    """

    name: str
    label: str
    kind: str
    column: Any = None
    joins: tuple[str, ...] = ()
    choices: Any = ()
    lookup: str = ""
    where: Callable[[Any], sa.ColumnElement[bool]] | None = None
    alone: Callable[[Any], sa.Select[Any]] | None = None
    past: bool = False  # a date that lies behind: its presets look back
    overdue: Callable[[], sa.ColumnElement[bool]] | None = None
    permission: str = ""


@dataclass(frozen=True)
class FormField:
    """One field of the form; kind and rules follow from the model's column unless said otherwise."""

    name: str
    label: str = ""
    help: str = ""
    lookup: str = ""
    multiple: bool = False
    kind: str = ""
    zone_field: str = ""
    choices: Any = ()
    on: tuple[str, ...] = ("new", "edit")
    permission: str = ""
    value: Callable[[Any, Any], Any] | None = None  # (session, row) -> what an edit form starts with
    start: Any = None  # what a new form starts with
    required: bool | None = None
    field: Callable[..., Any] | None = None  # makes the WTForms field where no kind does
    when: Callable[[Any], bool] | None = None  # whether an edit form has it, for this row


@dataclass(frozen=True)
class Link:
    """A page of a grid that stands beside New; ``permissions``: any of them."""

    label: str
    url: str
    icon: str
    permissions: tuple[str, ...]


@dataclass(frozen=True)
class Action:
    """A bulk action. ``run`` takes ids and a Change through and answers what became of each."""

    verb: str
    label: str
    run: Callable[[Any, list[Any], Change], Result]
    permissions: tuple[str, ...]
    form: str | None = None
    icon: str = "arrow-right"
    tone: str = "blue"
    danger: bool = False
    sources: tuple[str, ...] = ()
    description: str = ""


Creates = Callable[[Any, dict[str, Any], Change], Any]
Updates = Callable[[Any, Any, dict[str, Any], int, Change], Any]
Deletes = Callable[[Any, Any, Change], Any]


@dataclass(frozen=True)
class Grid:
    """One entity's grid, form and details. ``path`` is its address and its name everywhere."""

    model: Any
    path: str
    title: str
    noun: str
    icon: str
    group: str
    columns: tuple[Column, ...]
    description: str = ""
    joins: Mapping[str, tuple[Any, Any, bool]] = field(default_factory=dict)  # name -> (entity, on, outer)
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # a join's own prerequisites
    filters: tuple[Filter, ...] = ()
    default_sort: str = "-id"
    search: tuple[Callable[[str], sa.Select[Any]], ...] = ()  # pattern -> keys that match
    search_hint: str = "Search"
    sections: tuple[tuple[str, tuple[FormField, ...]], ...] = ()
    create: Creates | None = None
    update: Updates | None = None
    write: tuple[str, ...] = ()  # permissions to create and edit; () means nobody
    lock_first: Callable[[Any, Any], None] | None = None  # (session, row): what an edit locks before the row itself
    can_delete: bool = False
    delete: Deletes | None = None
    delete_form: str | None = None  # what a deletion asks for (see ``core.forms.verb_form``)
    links: tuple[Link, ...] = ()
    actions: tuple[Action, ...] = ()
    bulk_forms: Mapping[str, str] = field(default_factory=dict)  # verb -> form where many want another than one
    bulk_offers: tuple[str, ...] = ()  # the order of the bulk bar; () offers all
    hides_moves: bool = False
    moves_in_panel: bool = False  # its page offers the moves in a panel of its own
    move_pages: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)  # verb -> the row's own page for it
    panels: tuple[Callable[..., Any], ...] = ()
    views: tuple[tuple[str, str], ...] = ()  # built-in views: (name, query string)
    badge: Callable[..., Any] | None = None
    waiting: sa.Select[Any] | None = None  # counts what stands beside the menu item; ``ME`` asks, ``NOW``
    in_menu: bool = True

    @property
    def workflow(self) -> Workflow | None:
        return workflow_of(self.model)

    @property
    def resource(self) -> str:
        return access.resource(self.model)

    @property
    def url(self) -> str:
        return f"/{self.path}/"

    def row_url(self, key: Any) -> str:
        return f"/{self.path}/{key}"

    def column(self, name: str) -> Column | None:
        return next((c for c in self.columns if c.name == name), None)

    def offers(self) -> list[Action]:
        """The bulk actions that stand in the bar, in its order."""
        known = {action.verb: action for action in self.bulk_actions()}
        return [known[verb] for verb in self.bulk_offers] if self.bulk_offers else list(known.values())

    def bulk_actions(self) -> list[Action]:
        """The workflow's moves and the grid's own actions, as bulk actions."""
        if self.path not in _actions:
            _actions[self.path] = self._bulk_actions()
        return _actions[self.path]

    def _bulk_actions(self) -> list[Action]:
        flow = self.workflow
        moves = (
            [self._as_action(flow, move) for move in flow.moves.values() if move.sources]
            if flow and not self.hides_moves
            else []
        )
        return [*moves, *self.actions]

    def _as_action(self, flow: Workflow, move: Any) -> Action:
        form = self.bulk_forms.get(move.verb, move.form)
        return Action(
            move.verb, move.title, lambda session, ids, change: flow.apply(session, ids, move.verb, change),
            move.permissions, form, move.icon, move.tone, move.danger, move.sources, move.description,
        )  # fmt: skip


_grids: dict[str, Grid] = {}
_actions: dict[str, list[Action]] = {}


def to(entity: Any, key: Any) -> sa.ColumnElement[bool]:
    """The join from a reference to what it refers to, over the whole key."""
    return sa.and_(entity.tenant_id == key.class_.tenant_id, entity.id == key)


def register(grid: Grid) -> None:
    _grids[grid.path] = grid


def grids() -> dict[str, Grid]:
    """All grids by path."""
    return dict(_grids)


def options(members: Iterable[Any]) -> tuple[tuple[str, str], ...]:
    """A filter's choices for the members of a StrEnum, as people read them."""
    return tuple((member.value, words(member.value)) for member in members)
