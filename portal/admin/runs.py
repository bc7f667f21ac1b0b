"""Bulk actions: rows are listed first, then taken through in portions, each portion one transaction.

What was done and what became of it are written in the same transaction. So a job that is interrupted (a worker
killed, a deploy) goes on where it stopped. Up to ``INLINE`` rows the request itself does the work, in one go: all of
it or nothing.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, cast
from urllib.parse import parse_qsl
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value
from werkzeug.datastructures import MultiDict

from portal.admin.grid import Action, Grid, grids
from portal.admin.models import BulkRow, BulkRun, RowOutcome, RunState
from portal.admin.query import Query, order_by, scoped
from portal.core import access, clock, logs, wall
from portal.core.context import act, acting
from portal.core.db import among, commit_in_passing, insert_many
from portal.core.errors import Missing, NotAllowed, PortalError, WrongState
from portal.core.forms import form_named
from portal.core.tenancy import tenant_id
from portal.core.underway import underway, write
from portal.core.workflow import Change, Result
from portal.people.models import User

INLINE = 500
PORTION = 2000
STALE = timedelta(minutes=2)
_runs, _rows = cast(sa.Table, BulkRun.__table__), cast(sa.Table, BulkRow.__table__)


def action_of(grid: Grid, verb: str, user: Any) -> Action:
    """The grid's bulk action; NotAllowed without a grant, Missing where there is none of that name."""
    action = next((a for a in grid.bulk_actions() if a.verb == verb), None)
    if action is None:
        raise Missing
    access.require(user, *action.permissions)
    return action


def draft(session: Any, grid: Grid, action: Action, user: User, ids: Sequence[str], query: str | None) -> BulkRun:
    """A run that waits for its confirmation: ticked ids are resolved within the user's scope right here."""
    run = BulkRun(user_id=user.id, grid=grid.path, verb=action.verb, label=action.label, query=query or "")
    session.add(run)
    session.flush()
    if query is None:
        keys = []
        for each in dict.fromkeys(ids):
            try:
                keys.append(UUID(each))
            except ValueError:
                continue
        found = access.scope(sa.select(grid.model.id), grid.model, user, rowwise=True)
        found = found.where(among(session, grid.model.id, keys))
        known = set(session.scalars(found))
        _list(session, run, [key for key in keys if key in known])
        run.total = len(known)
    return run


def _list(session: Any, run: BulkRun, keys: Sequence[UUID]) -> None:
    alike = {"tenant_id": tenant_id(), "run_id": run.id, "outcome": RowOutcome.DONE.value, "reason": ""}
    insert_many(session, _rows, [{"position": n, "row_id": key} for n, key in enumerate(keys)], alike)


def chosen(run: BulkRun, user: User) -> sa.Select[Any]:
    """The keys that a run is about, in the grid's order."""
    grid = grids()[run.grid]
    if run.query == "":
        mine = sa.select(BulkRow.row_id).where(BulkRow.run_id == run.id)
        return access.scope(sa.select(grid.model.id), grid.model, user).where(grid.model.id.in_(mine))
    query = Query.parse(
        grid, MultiDict(parse_qsl(run.query.removeprefix("?"), keep_blank_values=True)), user, clock.now()
    )
    return scoped(query).order_by(*order_by(query))


def leave_to_job(run: BulkRun, params: dict[str, Any], at: datetime) -> None:
    """Confirm a draft that the caller has locked; a job will do it."""
    run.state, run.params, run.started_at = RunState.WAITING, params, at


def do_at_once(session: Any, run: BulkRun, user: User, params: dict[str, Any]) -> None:
    """Confirm a draft that the caller has locked, and do it in the same transaction: if that is cut short nothing
    was done, and the draft waits to be confirmed again."""
    _go_on(session, run, user, {"state": RunState.RUNNING, "params": params, "started_at": clock.now()})


def claim(session: Any, run_id: UUID, at: datetime) -> bool:
    """Take a run on: of two workers one UPDATE finds the row, the other none. A running one is taken over only
    after its worker has not moved it on for a while."""
    free = sa.or_(
        BulkRun.state == RunState.WAITING,
        sa.and_(BulkRun.state == RunState.RUNNING, BulkRun.beat_at < at - STALE),
    )
    claimed = session.execute(
        sa.update(BulkRun).where(BulkRun.id == run_id, free).values(state=RunState.RUNNING, beat_at=at)
    ).rowcount
    session.commit()
    return bool(claimed)


def execute(session: Any, run_id: UUID) -> None:
    """Do a confirmed run, or what is left of it; harmless to call twice (the second caller finds it claimed)."""
    if not claim(session, run_id, clock.now()):
        return
    run = session.scalar(sa.select(BulkRun).where(BulkRun.id == run_id))
    user = session.scalar(sa.select(User).where(User.id == run.user_id, User.active.is_(True)))
    if user is None:
        _finish(session, run, RunState.FAILED, {"error": "Whoever asked for this may no longer log in."})
        return
    _go_on(session, run, user, {})


def _go_on(session: Any, run: BulkRun, user: User, said: dict[str, Any]) -> None:
    """Do what is left of a run; ``said`` is what is to be written of the run itself with the next commit."""
    began = run.state
    with act(by=user.id, label=user.full_name, request_id=acting().request_id or f"run-{run.id}"):
        try:
            _work(session, run, user, said)
        except PortalError as error:
            session.rollback()
            if _is_ours(session, run, began):
                _finish(session, run, RunState.FAILED, {**said, "error": error.message})


def _work(session: Any, run: BulkRun, user: User, said: dict[str, Any]) -> None:
    grid = grids()[run.grid]
    action = action_of(grid, run.verb, user)
    params, form = said.get("params", run.params), form_named(action.form)
    if run.query and not run.total:
        _list_matching(session, run, user)
    while portion := _next_portion(session, run):
        change = Change(clock.now(), user, form.revive(session, params) if form else {})
        done = _attempt(session, run, action, portion, change)
        if done is None:
            return
        said = {**said, **done}
        if len(portion) < PORTION:
            break  # it was the last, since no row is added to a run that has begun: the two are one transaction
        _write(session, run, {**said, "beat_at": clock.now()})
        _commit(session, run, user)
        said = {}
    _finish(session, run, RunState.FINISHED, said)


def _commit(session: Any, run: BulkRun, user: User) -> None:
    """Commit a portion, without waiting for the disk: should the machine fail, the run goes on from where the disk
    has it, and no message went out of what is lost, since whoever sends one commits first, and waits."""
    commit_in_passing(session)
    for row in list(session.identity_map.values()):
        if row not in (run, user):  # others may change what the next portion looks at
            session.expire(row)


def _is_ours(session: Any, run: BulkRun, began: str) -> bool:
    """After a rollback, which gave back the lock on a draft: whether nobody else has taken it on since."""
    session.refresh(run, with_for_update={"key_share": True})
    return bool(run.state == began)


def _list_matching(session: Any, run: BulkRun, user: User) -> None:
    """Fix which rows "all that match" are, in one statement, before any of them changes."""
    keys = chosen(run, user).subquery()
    numbered = sa.select(
        sa.literal(run.tenant_id, sa.Uuid()), sa.literal(run.id, sa.Uuid()),
        sa.func.row_number().over() - 1, keys.c.id, sa.literal(RowOutcome.DONE.value), sa.literal(""),
    )  # fmt: skip
    names = ["tenant_id", "run_id", "position", "row_id", "outcome", "reason"]
    with wall.lifted(session):
        total = session.execute(sa.insert(_rows).from_select(names, numbered)).rowcount
    _write(session, run, {"total": total})
    if run.state != RunState.DRAFT:
        session.commit()


def _next_portion(session: Any, run: BulkRun) -> dict[UUID, int]:
    """The next rows to do, with where each stands in the run."""
    given = {"owner": run.tenant_id, "run": run.id, "reached": run.reached, "most": PORTION}
    return dict(session.connection().execute(_REST, given).all())


_REST = (
    sa.select(_rows.c.row_id, _rows.c.position)
    .where(_rows.c.tenant_id == sa.bindparam("owner"), _rows.c.run_id == sa.bindparam("run"))
    .where(_rows.c.position >= sa.bindparam("reached"))
    .order_by(_rows.c.position)
    .limit(sa.bindparam("most"))
)


def _attempt(
    session: Any, run: BulkRun, action: Action, portion: dict[UUID, int], change: Change
) -> dict[str, Any] | None:  # fmt: skip
    """Do the portion and report each of its rows; answers what is to be written of the run, or None where somebody
    else has taken it on."""
    began = run.state
    if began == RunState.DRAFT and run.query:  # its rows were listed in this very transaction, and must stay
        return _report(session, run, portion, _by_halves(session, action, list(portion), change))
    try:
        with underway(session):
            return _report(session, run, portion, action.run(session, list(portion), change))
    except (sa.exc.DBAPIError, PortalError) as error:
        if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
            raise
        session.rollback()
    if not _is_ours(session, run, began):
        return None
    return _report(session, run, portion, _by_halves(session, action, list(portion), change))


def _by_halves(session: Any, action: Action, keys: list[UUID], change: Change) -> Result:
    """What the database refuses in one go, by halves, until each row that it refuses stands alone."""
    try:
        with session.begin_nested():
            return action.run(session, keys, change)
    except (sa.exc.DBAPIError, PortalError) as error:
        if len(keys) == 1:
            return Result(refused={keys[0]: _in_words(error)})
        whole, middle = Result(), len(keys) // 2
        for half in (keys[:middle], keys[middle:]):
            part = _by_halves(session, action, half, change)
            whole.done |= part.done
            whole.refused |= part.refused
            whole.notes |= part.notes
        return whole


def _in_words(error: Exception) -> PortalError:
    if isinstance(error, PortalError):
        return error
    logs.get().error("a row of a bulk action failed", exc_info=error)
    return PortalError(f"The database refused it (noted under {acting().request_id}).")


def _report(session: Any, run: BulkRun, portion: dict[UUID, int], result: Result) -> dict[str, Any]:
    """Say of each row that was not done why, and of those that were what they were given; answers what is to be
    written of the run."""
    by_reason: dict[tuple[RowOutcome, str], list[int]] = defaultdict(list)
    for key, error in result.refused.items():
        skipped = isinstance(error, WrongState | Missing | NotAllowed)
        by_reason[(RowOutcome.SKIPPED if skipped else RowOutcome.FAILED, error.message)].append(portion[key])
    for key in portion.keys() - result.done.keys() - result.refused.keys():  # a fault of the action's, and to be seen
        by_reason[(RowOutcome.FAILED, "Nothing is known of what became of it.")].append(portion[key])
    counts = {"done": run.done + len(result.done), "skipped": run.skipped, "failed": run.failed}
    mine = sa.update(_rows).where(_rows.c.tenant_id == run.tenant_id, _rows.c.run_id == run.id)
    for (outcome, reason), positions in by_reason.items():
        these = mine.where(among(session, _rows.c.position, positions))
        write(session, these.values(outcome=outcome.value, reason=reason), rows=len(positions))
        counts[outcome.value] += len(positions)
    _note(session, run, {portion[key]: note for key, note in result.notes.items() if key in result.done})
    return {**counts, "reached": max(portion.values()) + 1}


def _note(session: Any, run: BulkRun, notes: dict[int, str]) -> None:
    """What rows that were done were given, which is another thing for each: one statement, executed for all."""
    if notes:
        one = (_rows.c.tenant_id == run.tenant_id, _rows.c.run_id == run.id, _rows.c.position == sa.bindparam("at"))
        said = sa.update(_rows).where(*one).values(reason=sa.bindparam("said"))
        given = [{"at": position, "said": note} for position, note in notes.items()]
        session.connection().execute(said, given)


def _finish(session: Any, run: BulkRun, state: RunState, said: dict[str, Any]) -> None:
    _write(session, run, {**said, "state": state, "finished_at": clock.now()})
    session.commit()


def _write(session: Any, run: BulkRun, values: dict[str, Any]) -> None:
    """Write of the run itself, past the session, which would write what was changed with its next question."""
    given = {"owner": run.tenant_id, "key": run.id, **{f"new_{name}": value for name, value in values.items()}}
    write(session, _telling(tuple(values)), given, rows=1)
    for name, value in values.items():
        set_committed_value(run, name, value)


@lru_cache
def _telling(names: tuple[str, ...]) -> sa.Update:
    """The UPDATE of a run's columns ``names``."""
    new = {name: sa.bindparam(f"new_{name}", type_=_runs.c[name].type) for name in names}
    mine = (_runs.c.tenant_id == sa.bindparam("owner"), _runs.c.id == sa.bindparam("key"))
    return sa.update(_runs).where(*mine).values(**new)


def revive_stale(session: Any, at: datetime) -> list[tuple[UUID, UUID, str]]:
    """(tenant, run, verb) of the runs that wait without a job or whose worker stands still; for the sweep."""
    query = sa.select(BulkRun.tenant_id, BulkRun.id, BulkRun.verb).where(sa.or_(
        sa.and_(BulkRun.state == RunState.WAITING, BulkRun.started_at < at - timedelta(seconds=15)),
        sa.and_(BulkRun.state == RunState.RUNNING, BulkRun.beat_at < at - STALE),
    ))  # fmt: skip
    return [tuple(row) for row in session.execute(query)]
