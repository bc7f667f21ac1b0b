"""A state machine is a table of moves. From one row come the permission, the button, the bulk action, the API
verb, the history line and the event.

``Workflow.apply`` takes any number of rows through: lock, permission, state, guard, compare-and-swap UPDATE,
history, audit, event and whatever listens, all in the caller's transaction and each row on its own: a row that
is refused leaves the others be. ``Workflow.move`` is the same for one row and raises what was refused.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import audit, events
from portal.core.access import Holder, allows, require, resource, scope, visible
from portal.core.audit import jsonable
from portal.core.db import among, among_given, listed
from portal.core.errors import Conflict, Missing, NotAllowed, PortalError, WrongState
from portal.core.types import words
from portal.core.underway import underway, write


@dataclass(frozen=True)
class Change:
    """One operation: who, when, and what the form said. ``by`` is None where another move carries this one."""

    at: datetime
    by: Holder | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        return str(self.data.get("reason") or "")

    @property
    def actor(self) -> UUID | None:
        return self.by.id if self.by else self.data.get("actor")

    @cached_property
    def actor_text(self) -> str | None:
        """The actor's key as an event's JSON has it."""
        return str(self.actor) if self.actor else None

    def carried(self, **data: Any) -> "Change":
        """The same operation as the reason for another one: it asks for no permission of its own."""
        return Change(self.at, None, {"actor": self.actor, **data})


@dataclass(slots=True)
class Moved:
    """A row that has moved: ``before`` holds the workflow's columns as they were, ``values`` what was set."""

    id: UUID
    verb: str
    source: str
    target: str
    before: Any
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name] if name in self.values else getattr(self.before, name)


Guard = Callable[[Any, Change], None]
Sets = Callable[[Any, Change], dict[str, Any]]
Judge = Callable[[Any, Sequence[Moved], Change], Mapping[UUID, PortalError]]
Effect = Callable[[Any, Sequence[Moved], Change], None]
Foretelling = Callable[[Any, "sa.Select[Any]"], str]  # '' where there is nothing to say


@dataclass(frozen=True)
class Move:
    """One row of the table.

    ``verb`` names it everywhere; ``sources`` are the states people may start it from, ``follows`` those from
    which it only follows another record's move; ``target`` is where it ends (None: ``find_targets`` answers it
    for all rows at once). ``when`` raises what in the row forbids it now (such a move is not offered), ``guard``
    what in the input does; ``sets`` answers further columns. ``form``
    names the form (see ``admin.forms``) of what it must ask for. ``stages`` answers which pipeline stages the
    move concerns, for grants that are narrowed to some. ``reads`` are columns that only this move looks at.
    """

    verb: str
    sources: tuple[str, ...]
    target: str | None
    label: str = ""
    permissions: tuple[str, ...] = ()
    event: str | None = None
    when: Guard | None = None
    guard: Guard | None = None
    sets: Sets | None = None
    form: str | None = None
    icon: str = "arrow-right"
    tone: str = "blue"
    danger: bool = False
    follows: tuple[str, ...] = ()
    description: str = ""
    find_targets: Callable[[Any, Sequence[Any]], dict[UUID, str]] | None = None
    stages: Callable[[str], frozenset[str]] | None = None
    reads: tuple[sa.Label[Any], ...] = ()

    @property
    def title(self) -> str:
        return self.label or words(self.verb)


@dataclass
class Result:
    """What became of each row: done (with what moved, where something did) or refused, and why. ``notes`` says of
    some that were done what they were given."""

    done: dict[UUID, Moved | None] = field(default_factory=dict)
    refused: dict[UUID, PortalError] = field(default_factory=dict)
    notes: dict[UUID, str] = field(default_factory=dict)


class Workflow:
    """The moves of one model's ``status`` column.

    ``reads`` names the columns that guards, effects and history need; ``history`` writes the history rows;
    ``payload`` answers an event's JSON; ``entity`` is how the rows are called in the world outside, where that is not
    the ``name``; ``lock_first`` takes locks that must precede this model's, so that
    two operations never wait for each other in a circle.
    """

    def __init__(
        self,
        name: str,
        model: Any,
        moves: Iterable[Move],
        *,
        reads: Sequence[str | sa.Label[Any]] = (),
        history: Effect | None = None,
        payload: Callable[[Moved, Change], dict[str, Any]] | None = None,
        lock_first: Callable[[Any, Sequence[UUID], str], None] | None = None,
        noun: str = "",
        entity: str = "",
    ) -> None:
        self.name, self.model, self.noun = name, model, noun or name
        self.entity = entity or name.replace(" ", "_")
        self.moves = {move.verb: move for move in moves}
        self.reads, self.history, self.payload, self.lock_first = tuple(reads), history, payload, lock_first
        self._swaps: dict[tuple[str, tuple[str, ...]], sa.Update] = {}
        self._judges: dict[str, list[Judge]] = defaultdict(list)
        self._effects: dict[str, list[Effect]] = defaultdict(list)
        self._warnings: dict[str, list[Foretelling]] = defaultdict(list)

    def judged(self, verb: str, judge: Judge) -> None:
        """Let ``judge`` refuse some of the rows that may ``verb`` so far: what takes a look at the database, or at
        all rows together. It is asked under the rows' locks, before anything is written."""
        if judge not in self._judges[verb]:
            self._judges[verb].append(judge)

    def on(self, verb: str, effect: Effect) -> None:
        """Run ``effect`` in the transaction of each ``verb`` ('*': of all); a higher feature hooks in here."""
        if effect not in self._effects[verb]:
            self._effects[verb].append(effect)

    def foretell(self, verb: str, warning: Foretelling) -> None:
        """Let ``warning`` say, before ``verb`` is done, what else it will do."""
        if warning not in self._warnings[verb]:
            self._warnings[verb].append(warning)

    def consequences(self, session: Any, verb: str, ids: sa.Select[Any]) -> list[str]:
        """What else ``verb`` will do to the rows whose keys ``ids`` selects, in words."""
        return [text for warning in self._warnings[verb] if (text := warning(session, ids))]

    def possible(self, state: str) -> list[Move]:
        """The moves that people may start from ``state``, permission aside."""
        return [move for move in self.moves.values() if state in move.sources]

    def options(self, session: Any, row: Any, user: Holder, at: datetime) -> list[Move]:
        """Just the moves that ``user`` may make with ``row`` now; what depends on input is judged later."""
        permitted: dict[tuple[str, ...], bool] = {}
        found = []
        for move in self.possible(row.status):
            if not _fits(move, row, Change(at, user)):
                continue
            if move.permissions not in permitted:
                permitted[move.permissions] = allows(session, user, row, *move.permissions)
            if permitted[move.permissions] and self._within_stages(move, self._target(session, move, row), user):
                found.append(move)
        return found

    def move(self, session: Any, row: Any, verb: str, change: Change, *, version: int | None = None) -> Moved:
        """Move one row; raises Missing, NotAllowed, WrongState, Conflict (``version`` is stale) or Invalid."""
        session.flush()
        key = row.id  # asked for before the move, which lets go of what was loaded
        result = self.apply(session, [key], verb, change, versions={} if version is None else {key: version})
        if key in result.refused:
            raise result.refused[key]
        session.refresh(row)
        moved = result.done[key]
        assert moved is not None
        return moved

    def apply(
        self,
        session: Any,
        ids: Sequence[UUID],
        verb: str,
        change: Change,
        *,
        versions: Mapping[UUID, int] | None = None,
    ) -> Result:
        """Move all of ``ids`` that may move; each of the others is refused with its reason."""
        move = self.moves[verb]
        if change.by is not None:
            require(change.by, *move.permissions)
        if self.lock_first:
            self.lock_first(session, ids, verb)
        rows = {row.id: row for row in session.execute(self._locking(session, ids, move, change)).all()}
        targets = move.find_targets(session, list(rows.values())) if move.find_targets else {}
        result, ready, known = Result(), [], versions or {}
        sources = move.sources if change.by is not None else (*move.sources, *move.follows)
        for key in dict.fromkeys(ids):
            try:
                ready.append(self._check(rows.get(key), move, sources, change, known.get(key), targets))
            except PortalError as error:
                result.refused[key] = error
        for judge in self._judges[verb] if ready else ():
            result.refused.update(judge(session, ready, change))
            ready = [moved for moved in ready if moved.id not in result.refused]
        self._write(session, ready, change)
        result.done = {moved.id: moved for moved in ready}
        return result

    # -- inside -----------------------------------------------------------------------------------------

    def _locking(self, session: Any, ids: Sequence[UUID], move: Move, change: Change) -> sa.Select[Any]:
        model = self.model
        allowed = visible(model, change.by, *move.permissions, rowwise=True) if change.by else sa.true()
        names = dict.fromkeys(("tenant_id", "id", "status", "version", *self.reads, *move.reads))
        columns = (getattr(model, name) if isinstance(name, str) else name for name in names)
        query = sa.select(*columns, allowed.label("allowed"))
        query = query.where(among(session, model.id, ids)).order_by(model.id)
        if change.by is not None:
            query = scope(query, model, change.by, f"read:{resource(model)}", *move.permissions, rowwise=True)
        # The row lock (PostgreSQL; SQLite has one writer) makes the state we judge the state we change.
        # NO KEY UPDATE lets others write what refers to the row (a history line), or they would wait in a circle.
        return query.with_for_update(of=model, key_share=True)

    def _check(
        self, row: Any, move: Move, sources: tuple[str, ...], change: Change, version: int | None,
        targets: Mapping[UUID, str],
    ) -> Moved:  # fmt: skip
        if row is None:
            raise Missing
        if not row.allowed:
            raise NotAllowed(f"You may not {move.title.lower()} this {self.noun}.")
        state = row.status
        if state not in sources:
            raise self.wrong_state(state, move)
        target = move.target or targets.get(row.id, state)
        if move.stages is not None and change.by is not None and not self._within_stages(move, target, change.by):
            raise NotAllowed(f"Your role may not move this {self.noun} out of its present stage.")
        if version is not None and version != row.version:
            raise self.stale(state)
        if move.when:
            move.when(row, change)
        if move.guard:
            move.guard(row, change)
        values = move.sets(row, change) if move.sets else {}
        return Moved(row.id, move.verb, state, target, row, values)

    def _target(self, session: Any, move: Move, row: Any) -> str:
        found = move.find_targets(session, [row]) if move.find_targets and move.stages else {}
        return move.target or found.get(row.id, row.status)

    def _within_stages(self, move: Move, target: str, user: Holder) -> bool:
        if move.stages is None:
            return True
        held = [g for permission in move.permissions for g in user.grants.of(permission)]
        concerned = move.stages(target)
        return any(not g.stages or concerned.intersection(g.stages) for g in held)

    def wrong_state(self, state: str, move: Move) -> WrongState:
        """The refusal that names the present state and what is possible from it."""
        verbs = [m.title for m in self.possible(state)]
        what = f"Possible now: {', '.join(verbs)}." if verbs else "Nothing more is possible."
        return WrongState(
            f"This {self.noun} is {words(state).lower()}; “{move.title}” does not start from there. {what}",
            state=state,
            possible=[m.verb for m in self.possible(state)],
        )

    def stale(self, state: str) -> Conflict:
        """The refusal of what was begun on an older version."""
        return Conflict(f"This {self.noun} was changed in the meantime (it is {words(state).lower()} now).")

    def _write(self, session: Any, moved: Sequence[Moved], change: Change) -> None:
        if not moved:
            return
        with underway(session):
            self._swap(session, moved, change)
            self._write_down(session, moved, change)

    def _write_down(self, session: Any, moved: Sequence[Moved], change: Change) -> None:
        if self.history:
            self.history(session, moved, change)
        owner, verb = moved[0].before.tenant_id, moved[0].verb
        changed = [(m.id, _changes(m)) for m in moved]
        audit.write(session, owner, self.model.__tablename__, verb, changed, at=change.at, reason=change.reason)
        for name in (verb, "*"):
            for effect in self._effects[name]:
                effect(session, moved, change)
        if event := self.moves[verb].event:
            payload = self.payload or (lambda m, c: {})
            facts = [events.Event(event, m.id, {**_step(m), **payload(m, change)}) for m in moved]
            events.record_many(session, facts, change.at)

    def _swap(self, session: Any, moved: Sequence[Moved], change: Change) -> None:
        """Compare and swap: rows that get the same values share one UPDATE, which names the old states."""
        groups: dict[tuple[Any, ...], list[Moved]] = defaultdict(list)
        for each in moved:
            groups[(each.target, *sorted(each.values.items()))].append(each)
        for group in groups.values():
            first = group[0]
            given = {
                "owner": first.before.tenant_id, "keys": listed(session, [m.id for m in group]),
                "sources": sorted({m.source for m in group}), "new_status": first.target,
                "new_updated_at": change.at, **{f"new_{name}": value for name, value in first.values.items()},
            }  # fmt: skip
            # Other than all of them is impossible under the lock; better a rollback than a lost update.
            lost = Conflict(f"A {self.noun} was changed by somebody else at the same time. Please try again.")
            write(session, self._swapping(session, tuple(first.values)), given, rows=len(group), otherwise=lost)
        self._forget(session, moved)

    def _swapping(self, session: Any, names: tuple[str, ...]) -> sa.Update:
        """The UPDATE that gives rows their new values; made once, since that takes as long as to execute it."""
        known = (session.get_bind().dialect.name, names)
        if known not in self._swaps:
            columns = self.model.__table__.c
            new = {name: sa.bindparam(f"new_{name}", type_=columns[name].type)
                   for name in ("status", "updated_at", *names)}  # fmt: skip
            mine = (columns.tenant_id == sa.bindparam("owner"), among_given(session, columns.id, "keys"))
            swap = sa.update(self.model.__table__).where(*mine)
            swap = swap.where(columns.status.in_(sa.bindparam("sources", expanding=True)))
            self._swaps[known] = swap.values(version=columns.version + 1, **new)
        return self._swaps[known]

    def _forget(self, session: Any, moved: Sequence[Moved]) -> None:
        """Have those of the rows read anew that the session has loaded."""
        keys = {(each.before.tenant_id, each.id) for each in moved}
        for kind, key, *token in list(session.identity_map):
            if key in keys and issubclass(kind, self.model):
                session.expire(session.identity_map[(kind, key, *token)])


def _changes(moved: Moved) -> dict[str, list[Any]]:
    """What the audit says of a row that has moved."""
    changes: dict[str, list[Any]] = {"status": [moved.source, moved.target]} if moved.source != moved.target else {}
    for name, new in moved.values.items():
        old = getattr(moved.before, name, None)
        if old != new:
            changes[name] = [jsonable(old), jsonable(new)]
    return changes


def _step(moved: Moved) -> dict[str, Any]:
    """What the event of any move says."""
    return {
        "version": moved.before.version + 1, "verb": moved.verb, "from": moved.source, "to": moved.target,
    }  # fmt: skip


def _fits(move: Move, row: Any, change: Change) -> bool:
    try:
        if move.when:
            move.when(row, change)
    except PortalError:
        return False
    return True


_workflows: dict[type, Workflow] = {}


def register(workflow: Workflow) -> Workflow:
    """Make the workflow known to grids, API and law tests."""
    _workflows[workflow.model] = workflow
    return workflow


def workflow_of(model: type) -> Workflow | None:
    return _workflows.get(model)


def workflows() -> dict[type, Workflow]:
    return dict(_workflows)
