"""Offering, changing and withdrawing slots: one, or all of a series (SPEC §1 InterviewSlot)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import access, audit, records
from portal.core.access import Holder, Reach
from portal.core.audit import jsonable
from portal.core.db import new_id
from portal.core.errors import Clash, Invalid, Missing, NotAllowed
from portal.core.forms import zone_label
from portal.core.tenancy import tenant_id
from portal.core.types import zone, zone_names
from portal.core.workflow import Change, Result
from portal.people.models import User
from portal.scheduling import recurrence
from portal.scheduling.busy import Busy, Stretch
from portal.scheduling.models import InterviewSlot
from portal.scheduling.slots import WRITE, locked, refusal, writable
from portal.scheduling.workflow import lock

SHORTEST, LONGEST = timedelta(minutes=5), timedelta(hours=24)
AHEAD = timedelta(days=366 * recurrence.YEARS)
REPEATS = ("", "days", "weeks", "months", "rule")
ALL_LATER = "later"
_MOVES = ("interviewer_id", "start", "end", "timezone")
_REPEATING = ("repeat", "every", "weekdays", "until", "rule")

OVERLAPS = "overlaps another slot"
PAST = "lies in the past"


@dataclass
class Offer:
    """What became of a series: ``row`` is the first slot, ``count`` how many were made or changed, ``passed`` what
    was passed over and why."""

    row: InterviewSlot
    count: int = 1
    passed: list[tuple[datetime, str]] = field(default_factory=list)


def require_time_of(by: Holder | None, people: Sequence[UUID], name: str = "interviewer_id") -> None:
    """Whoever may write but their own slots offers nobody else's time."""
    if by is None or Reach.TENANT in by.grants.reaches(WRITE):
        return
    access.require(by, WRITE)
    if set(people) - {by.id}:
        raise Invalid({name: "You may offer your own time alone."})


# --- offering -----------------------------------------------------------------------------------------


def offer(session: Any, values: Mapping[str, Any], change: Change) -> Offer:
    """A new slot, or a series of them; an occurrence that overlaps another slot of the interviewer, or lies in the
    past, is passed over and told. Raises Invalid, or Clash where nothing is left to offer."""
    repeating = {name: values.get(name) for name in _REPEATING}
    given = _cleaned(values)
    given["timezone"] = given.get("timezone") or "UTC"
    who = _interviewer(session, given.get("interviewer_id") or change.actor, change)
    start, end = _times(given, change)
    series = _series(repeating, start, given["timezone"])
    starts = series.starts if series else (start,)
    lock(session, [who.id])
    kept, passed = _sift(session, who.id, starts, end - start, change)
    if not kept:
        raise _nothing_left(session, who, (start, end), passed, given["timezone"], series is not None)
    shared = {**given, "interviewer_id": who.id, "recurrence": series.rule if series else "",
              "series_id": new_id() if series else None}  # fmt: skip
    rows = [InterviewSlot(**{**shared, "start": at, "end": at + (end - start)}) for at in kept]
    with records.refusals(session, InterviewSlot):
        session.add_all(rows)
        session.flush()
    return Offer(rows[0], len(rows), passed)


def _cleaned(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns among ``values``; an interviewer or a time that is left empty is none."""
    mine = {name: value for name, value in values.items() if name not in _REPEATING}
    return records.clean(InterviewSlot, {k: v for k, v in mine.items() if v is not None or k not in _MOVES})


def _interviewer(session: Any, key: UUID | None, change: Change) -> User:
    who = session.get(User, (tenant_id(), key)) if key else None
    if who is None:
        raise Invalid({"interviewer_id": "Please choose whose time it is."})
    require_time_of(change.by, [who.id])
    if not who.active:
        raise Invalid({"interviewer_id": f"{who.full_name} is no longer active."})
    return who  # type: ignore[no-any-return]


def _times(given: Mapping[str, Any], change: Change) -> Stretch:
    if missing := [name for name in ("start", "end") if not given.get(name)]:
        raise Invalid(dict.fromkeys(missing, "Please fill this in."))
    start, end = given["start"], given["end"]
    if given["timezone"] not in zone_names():
        raise Invalid({"timezone": f"“{given['timezone']}” is not a time zone."})
    if end <= start:
        raise Invalid({"end": "The end must be after the start."})
    if not SHORTEST <= end - start <= LONGEST:
        raise Invalid({"end": "A slot lasts from 5 minutes to 24 hours."})
    if start > change.at + AHEAD:
        raise Invalid({"start": f"A slot starts within the next {recurrence.YEARS} years."})
    return start, end


def _series(given: Mapping[str, Any], start: datetime, zone_name: str) -> recurrence.Series | None:
    """The occurrences that the form asks for; None for a slot that stands alone."""
    repeat = given["repeat"] or ""
    if repeat not in REPEATS:
        raise Invalid({"repeat": f"“{repeat}” is not one of: {', '.join(REPEATS[1:])}."})
    if not repeat:
        return None
    if repeat == "rule":
        text, where = str(given["rule"] or ""), "rule"
    else:
        text, where = _spoken(repeat, given, start.astimezone(zone(zone_name))), "until"
    try:
        return recurrence.unfold(text, start, zone_name)
    except ValueError as error:
        raise Invalid({where: str(error)}) from None


def _spoken(repeat: str, given: Mapping[str, Any], start: datetime) -> str:
    if not given["until"]:
        raise Invalid({"until": "Please say until when."})
    every = 1 if given["every"] is None else given["every"]
    if not 1 <= every <= 99:
        raise Invalid({"every": "Please give a whole number from 1 to 99."})
    return recurrence.spoken(repeat, every, given["weekdays"] or (), given["until"], start)


def _sift(
    session: Any, who: UUID, starts: Sequence[datetime], length: timedelta, change: Change,
    without: Sequence[UUID] = (),
) -> tuple[list[datetime], list[tuple[datetime, str]]]:  # fmt: skip
    """Which of ``starts`` find room, and why the others do not."""
    taken = _taken(session, who, starts[0], starts[-1] + length, without)
    kept: list[datetime] = []
    passed: list[tuple[datetime, str]] = []
    for start in starts:
        overlaps = taken.meets(start, start + length) or (kept and kept[-1] + length > start)
        reason = PAST if start <= change.at else OVERLAPS if overlaps else ""
        if reason:
            passed.append((start, reason))
        else:
            kept.append(start)
    return kept, passed


def _taken(session: Any, who: UUID, first: datetime, last: datetime, without: Sequence[UUID]) -> Busy:
    return Busy(session.execute(_others(who, first, last, without)).all())


def _others(who: UUID, first: datetime, last: datetime, without: Sequence[UUID]) -> sa.Select[Any]:
    slot = InterviewSlot
    query: Any = sa.select(slot.start, slot.end)
    query = query.where(slot.interviewer_id == who, slot.start < last, slot.end > first)
    if without:
        query = query.where(slot.id.not_in(list(without)))
    return query.order_by(slot.start)  # type: ignore[no-any-return]


def _nothing_left(
    session: Any, who: User, stretch: Stretch, passed: Sequence[tuple[datetime, str]], zone_name: str, series: bool
) -> Invalid:
    if series:
        return Clash({"start": f"None of these {len(passed)} slots is possible: {told(passed, zone_name)}."})
    if passed[0][1] == PAST:
        return Invalid({"start": "The start must be in the future."})
    return _overlap(session, who, stretch, zone_name, ())


def _overlap(session: Any, who: User, stretch: Stretch, zone_name: str, without: Sequence[UUID]) -> Clash:
    start, end = session.execute(_others(who.id, *stretch, without)).first()
    first, last = (at.astimezone(zone(zone_name)) for at in (start, end))
    when = f"{first.day} {first:%b %Y, %H:%M} to {last:%H:%M} ({zone_label(zone_name, start)})"
    return Clash({"start": f"{who.full_name} has another slot from {when}."})


def told(passed: Sequence[tuple[datetime, str]], zone_name: str, most: int = 12) -> str:
    """What was passed over, by date on the slots' own calendar: ``3 Mar 2026 overlaps another slot; …``."""
    by_reason: dict[str, list[str]] = {}
    for at, reason in passed:
        local = at.astimezone(zone(zone_name))
        by_reason.setdefault(reason, []).append(f"{local.day} {local:%b %Y}")
    parts = []
    for reason, days in by_reason.items():
        more = f" and {len(days) - most} more" if len(days) > most else ""
        several = {OVERLAPS: "overlap another slot", PAST: "lie in the past"}.get(reason, reason)
        parts.append(f"{', '.join(days[:most])}{more} {reason if len(days) == 1 else several}")
    return "; ".join(parts)


# --- changing -----------------------------------------------------------------------------------------


def change_slot(
    session: Any, row: InterviewSlot, values: Mapping[str, Any], version: int, change: Change
) -> Offer:  # fmt: skip
    """Change this slot, or with ``scope`` later this one and the later free ones of its series; raises WrongState
    for what somebody has booked or holds, Clash where the new time is taken, and Stale."""
    values = dict(values)
    scope = values.pop("scope", None)
    if version != row.version:
        raise records.Stale(row)
    new = {name: getattr(row, name) for name in (*_MOVES, "slot_type", "notes")} | _cleaned(values)
    later = _later(session, row) if scope == ALL_LATER and row.series_id else []
    touched = any(new[name] != getattr(row, name) for name in (*_MOVES, "slot_type"))
    if (touched or later) and (error := refusal(row, change)):
        raise error
    if not later:
        _move_one(session, row, new, change, touched=touched)
        records.update(session, row, new, version)
        return Offer(row)
    return _move_all(session, row, later, new, change)


def _move_one(session: Any, row: InterviewSlot, new: Mapping[str, Any], change: Change, *, touched: bool) -> None:
    if not touched:
        return
    who = _person_again(session, row, new, change)
    start, end = _times(new, change)
    if start != row.start and start <= change.at:
        raise Invalid({"start": "The start must be in the future."})
    lock(session, {row.interviewer_id, who.id})
    if _taken(session, who.id, start, end, [row.id]).meets(start, end):
        raise _overlap(session, who, (start, end), new["timezone"], [row.id])


def _person_again(session: Any, row: InterviewSlot, new: Mapping[str, Any], change: Change) -> User:
    if new["interviewer_id"] != row.interviewer_id:
        return _interviewer(session, new["interviewer_id"], change)
    return session.get(User, (tenant_id(), row.interviewer_id))  # type: ignore[no-any-return]


def _later(session: Any, row: InterviewSlot) -> list[InterviewSlot]:
    """The later ones of the series, those that nobody has booked locked in order."""
    query = sa.select(InterviewSlot).where(InterviewSlot.series_id == row.series_id, InterviewSlot.start > row.start)
    query = query.order_by(InterviewSlot.start, InterviewSlot.id).execution_options(populate_existing=True)
    free = query.where(InterviewSlot.booked_id.is_(None)).with_for_update(of=InterviewSlot, key_share=True)
    # Booked ones stay as they are, and are not locked: a rescheduling, which frees them, has locked people already.
    booked = query.where(InterviewSlot.booked_id.is_not(None))
    return sorted([*session.scalars(free), *session.scalars(booked)], key=lambda each: (each.start, each.id))


def _move_all(
    session: Any, row: InterviewSlot, later: Sequence[InterviewSlot], new: dict[str, Any], change: Change
) -> Offer:
    """Give ``row`` and what is free of ``later`` the new time of day, length, zone, person, type and notes. They are
    a series of their own from here on: the earlier ones keep theirs."""
    who = _person_again(session, row, new, change)
    start, end = _times(new, change)
    passed: list[tuple[datetime, str]] = []
    free = [row]
    for each in later:
        error = refusal(each, change)
        if error is None:
            free.append(each)
        else:
            passed.append((each.start, "stays as it is, as somebody has booked or holds it"))
    starts = dict(zip((each.id for each in free), _shifted(free, row, start, new["timezone"]), strict=True))
    lock(session, {row.interviewer_id, who.id})
    kept, left = _sift(session, who.id, list(starts.values()), end - start, change, [each.id for each in free])
    moved = [each for each in free if starts[each.id] in set(kept)]
    if row not in moved:
        raise _nothing_left(session, who, (start, end), left[:1], new["timezone"], series=False)
    moved, blocked = _without_those_that_stay(moved, free, starts, end - start)
    passed += [(at, reason) for at, reason in left] + [(starts[each.id], OVERLAPS) for each in blocked]
    _write(session, moved, starts, end - start, {**new, "interviewer_id": who.id}, change)
    return Offer(row, len(moved), sorted(passed))


def _shifted(
    rows: Sequence[InterviewSlot], first: InterviewSlot, start: datetime, zone_name: str
) -> list[datetime]:  # fmt: skip
    """Each row's new start: its own day, at the time of day of ``start`` in the new zone."""
    old, new = first.start.astimezone(zone(first.timezone)), start.astimezone(zone(zone_name))
    if old.date() != new.date():
        raise Invalid({"start": "All later ones keep their days. Move this one alone, or make a new series."})
    days = [each.start.astimezone(zone(each.timezone)).date() for each in rows]
    return [datetime.combine(day, new.time(), zone(zone_name)).astimezone(UTC) for day in days]


def _without_those_that_stay(
    moved: list[InterviewSlot], free: Sequence[InterviewSlot], starts: Mapping[UUID, datetime], length: timedelta
) -> tuple[list[InterviewSlot], list[InterviewSlot]]:
    """Those of ``moved`` that do not run into one that finds no room and stays, and those that do."""
    staying = Busy([(each.start, each.end) for each in free if each not in moved])
    blocked = [each for each in moved[1:] if staying.meets(starts[each.id], starts[each.id] + length)]
    if not blocked:
        return moved, []
    rest = [each for each in moved if each not in blocked]
    fewer, more = _without_those_that_stay(rest, free, starts, length)
    return fewer, blocked + more


def _write(
    session: Any, rows: Sequence[InterviewSlot], starts: Mapping[UUID, datetime], length: timedelta,
    new: Mapping[str, Any], change: Change,
) -> None:  # fmt: skip
    """The rows' new values. One after the other, from the far end where they move there: on the way none may lie
    over its neighbour, which the database would refuse."""
    series, rule = new_id(), recurrence.ending(rows[0].recurrence, starts[rows[-1].id])
    same = {name: new[name] for name in ("interviewer_id", "timezone", "slot_type", "notes")}
    values = {
        row.id: {**same, "start": starts[row.id], "end": starts[row.id] + length, "series_id": series,
                 "recurrence": rule}
        for row in rows
    }  # fmt: skip
    changes = [(row.id, _changed(row, values[row.id])) for row in rows]
    audit.write(session, tenant_id(), "interview_slots", "changed", changes, at=change.at)
    table: Any = InterviewSlot.__table__
    statement = (
        sa.update(table)
        .where(table.c.tenant_id == tenant_id(), table.c.id == sa.bindparam("row"))
        .values({name: sa.bindparam(f"new_{name}") for name in values[rows[0].id]})
        .values(version=table.c.version + 1, updated_at=change.at)
    )
    with records.refusals(session, InterviewSlot):
        session.connection().execute(statement, [
            {"row": row.id, **{f"new_{name}": value for name, value in values[row.id].items()}}
            for row in _in_order(rows, starts)
        ])  # fmt: skip
    for row in rows:
        session.expire(row)


def _in_order(rows: Sequence[InterviewSlot], starts: Mapping[UUID, datetime]) -> list[InterviewSlot]:
    return list(reversed(rows)) if starts[rows[0].id] >= rows[0].start else list(rows)


def _changed(row: InterviewSlot, values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [jsonable(getattr(row, name)), jsonable(new)] for name, new in values.items() if getattr(row, name) != new
    }


# --- withdrawing --------------------------------------------------------------------------------------


def delete_slots(session: Any, ids: Sequence[UUID], change: Change) -> Result:
    """Remove free slots; booked ones, and those that others hold, stay and say so."""
    rows, result = locked(session, ids, change), Result()
    mine = set(session.scalars(writable(ids, change)))
    for key in dict.fromkeys(ids):
        row = rows.get(key)
        error = NotAllowed("You may not delete this slot.") if row and key not in mine else refusal(row, change)
        if row is None or error is not None:
            result.refused[key] = error or Missing()
        else:
            session.delete(row)
            result.done[key] = None
    session.flush()
    return result


def withdraw(session: Any, row: InterviewSlot, change: Change) -> Result:
    """Remove this slot, or with ``scope`` later this one and the later free ones of its series; raises WrongState
    where this one is not free."""
    keys = [row.id]
    if change.data.get("scope") == ALL_LATER and row.series_id:
        query = sa.select(InterviewSlot.id).where(
            InterviewSlot.series_id == row.series_id, InterviewSlot.start > row.start
        )
        keys += session.scalars(query.order_by(InterviewSlot.start))
    result = delete_slots(session, keys, change)
    if row.id in result.refused:
        raise result.refused[row.id]
    return result
