"""Taking up and giving back people's time, in the caller's transaction, for whatever feature has a booking.

Nobody can be in two places. ``occupy`` says beforehand, in words, what a booking clashes with; the database refuses
an overlap all the same (see ``Engagement``), so a path that forgets to ask cannot double-book.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import audit
from portal.core.access import Holder, may
from portal.core.db import insert_many
from portal.core.errors import Clash, Invalid, Missing
from portal.core.forms import span_label
from portal.core.tenancy import tenant_id
from portal.core.workflow import Change
from portal.hiring.models import Candidate
from portal.people.models import User
from portal.scheduling.models import Engagement, SubjectType
from portal.scheduling.slots import book, booked_by, fits, leave, open_to, refusal, to_book, unbook

__all__ = [
    "Booking", "Taken", "book", "booked_by", "clashes", "describe", "fits", "in_words", "knowing",
    "lead_to_candidates", "leave", "lock", "occupy", "open_to", "overrule", "refusal", "refusals", "release", "to_book",
    "unbook", "ways_to_candidates",
]  # fmt: skip

_TABLE: sa.Table = sa.inspect(Engagement).local_table  # type: ignore[assignment]
_BUCKETS = 1024  # of locks; one for each person could be more than a server has room for
_LOCKS = 7_316  # a number of our own among advisory locks


_TABLES = {
    SubjectType.INTERVIEW: "interviews", SubjectType.MOCK_INTERVIEW: "mock_interviews",
    SubjectType.TRAINING_SESSION: "training_sessions",
}  # fmt: skip


@dataclass(frozen=True)
class Booking:
    """What is to take up the time of ``users`` and ``candidates``."""

    subject_type: SubjectType
    subject_id: UUID
    start: datetime
    end: datetime
    users: tuple[UUID, ...] = ()
    candidates: tuple[UUID, ...] = ()
    timezone: str = "UTC"  # in which a clash is told

    @property
    def people(self) -> tuple[UUID, ...]:
        return (*self.users, *self.candidates)


@dataclass(frozen=True)
class Taken:
    """Time that is taken already: by whom, and by what."""

    person: UUID
    subject_type: str
    subject: UUID
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Party:
    """Who takes part in a subject, and in which zone its times are told."""

    users: tuple[UUID, ...]
    candidates: tuple[UUID, ...]
    timezone: str


FindParty = Callable[[Any, UUID, Holder], Party]
_parties: dict[str, FindParty] = {}


def take_part(subject_type: SubjectType, by: FindParty) -> None:
    """``by`` answers who takes part in a subject, within what the reader may change; raises Missing otherwise."""
    _parties[subject_type] = by


def party(session: Any, subject_type: str, subject: UUID, by: Holder) -> Party:
    """Who takes part in a subject; raises Missing for one that this reader may not know of."""
    if subject_type not in _parties:
        raise Missing
    return _parties[subject_type](session, subject, by)


FindCandidates = Callable[[Any, UUID, Holder], tuple[UUID, ...]]
_ways: dict[str, FindCandidates] = {}


def lead_to_candidates(name: str, by: FindCandidates) -> None:
    """``by`` answers for which candidates a row of what is called ``name`` in a form is, within what the reader may
    change; raises Missing otherwise."""
    _ways[name] = by


def ways_to_candidates() -> dict[str, FindCandidates]:
    return dict(_ways)


Describe = Callable[[Any, Collection[UUID], Holder | None], Mapping[UUID, str]]
_describers: dict[str, Describe] = {}


def describe(subject_type: SubjectType, by: Describe) -> None:
    """``by`` answers what subjects are called, those alone that the reader may see; the feature that has them says."""
    _describers[subject_type] = by


# --- asking -----------------------------------------------------------------------------------------


def clashes(session: Any, bookings: Sequence[Booking]) -> dict[UUID, list[Taken]]:
    """By subject, what each booking would overlap; those of ``bookings`` that find room count for the ones after.

    Locks the people first: two who book one person at the same moment come one after the other, and the second
    sees what the first has done. What a booking that finds no room had before stays taken.
    """
    if not bookings:
        return {}
    lock(session, {person for booking in bookings for person in booking.people})
    taken = _taken(session, bookings)
    moving = {booking.subject_id for booking in bookings}
    refused: dict[UUID, list[Taken]] = {}
    while found := _found([b for b in bookings if b.subject_id in moving], taken, moving):
        refused |= found
        moving -= found.keys()
    return refused


def _found(bookings: Sequence[Booking], taken: Sequence[Taken], moving: Collection[UUID]) -> dict[UUID, list[Taken]]:
    """One pass: what leaves its old time makes room there, and takes its new one if that is free."""
    busy: dict[UUID, list[Taken]] = defaultdict(list)
    for each in taken:
        if each.subject not in moving:
            busy[each.person].append(each)
    found: dict[UUID, list[Taken]] = {}
    for booking in bookings:
        people = dict.fromkeys(booking.people)
        hits = [t for person in people for t in busy[person] if t.start < booking.end and t.end > booking.start]
        if hits:
            found[booking.subject_id] = hits
            continue
        for person in people:
            mine = Taken(person, booking.subject_type, booking.subject_id, booking.start, booking.end)
            busy[person].append(mine)
    return found


def _taken(session: Any, bookings: Sequence[Booking]) -> list[Taken]:
    """What the people have within the whole length of time that the bookings are about."""
    people = {person for booking in bookings for person in booking.people}
    first, last = min(b.start for b in bookings), max(b.end for b in bookings)
    columns = (
        Engagement.person_id, Engagement.subject_type, Engagement.subject_id, Engagement.start, Engagement.end
    )  # fmt: skip
    query = sa.select(*columns).where(
        Engagement.person_id.in_(people), Engagement.start < last, Engagement.end > first
    )  # fmt: skip
    return [Taken(*row) for row in session.execute(query.order_by(Engagement.start, Engagement.id))]


def lock(session: Any, people: Collection[UUID]) -> None:
    """Let others who are about to fill the time of ``people`` wait until this transaction ends."""
    if session.get_bind().dialect.name != "postgresql" or not people:
        return  # SQLite has one writer
    # In ascending order, so that two who book overlapping groups never wait for each other in a circle.
    buckets = sorted({person.int % _BUCKETS for person in people})
    rows = sa.select(sa.func.unnest(sa.cast(buckets, sa.ARRAY(sa.Integer))).label("bucket")).subquery()
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCKS, rows.c.bucket)).select_from(rows))


def in_words(session: Any, taken: Sequence[Taken], zone_name: str, by: Holder | None) -> str:
    """What is in the way, naming the other engagements as far as the reader may see them."""
    names = _names(session, taken)
    titles = titles_of(session, taken, by)
    parts = []
    for each in taken[:3]:
        what = f"“{titles[each.subject]}”" if each.subject in titles else "another engagement"
        span = span_label(each.start, each.end, zone_name)
        parts.append(f"{names.get(each.person, 'Somebody')} has {what} from {span}")
    more = f", and {len(taken) - 3} more" if len(taken) > 3 else ""
    return "; ".join(parts) + more + "."


def _names(session: Any, taken: Sequence[Taken]) -> dict[UUID, str]:
    people = {each.person for each in taken}
    users = sa.select(User.id, User.full_name).where(User.id.in_(people))
    candidates = sa.select(Candidate.id, Candidate.first_name + " " + Candidate.last_name)
    return dict(session.execute(users).all()) | dict(session.execute(candidates.where(Candidate.id.in_(people))).all())


def titles_of(session: Any, taken: Sequence[Taken], by: Holder | None) -> dict[UUID, str]:
    """What the subjects are called, of those that the reader may see."""
    titles: dict[UUID, str] = {}
    for kind, describer in _describers.items():
        if subjects := {each.subject for each in taken if each.subject_type == kind}:
            titles |= describer(session, subjects, by)
    return titles


# --- taking and giving back -------------------------------------------------------------------------


def knowing(change: Change, values: dict[str, Any]) -> Change:
    """``change`` with what people do knowingly, which is no column of the row: it is taken out of ``values``."""
    data = {name: values.pop(name, None) for name in ("allow_past", "overrule_reason")}
    return Change(change.at, change.by, {**change.data, **{name: value for name, value in data.items() if value}})


def overrule(change: Change) -> str:
    """The reason for which clashes are overruled, '' where they are not; raises Invalid for those who may not."""
    reason = str(change.data.get("overrule_reason") or "").strip()
    if reason and change.by is not None and not may(change.by, "write:interviews"):
        raise Invalid({"overrule_reason": "Only HR may book over another engagement."})
    return reason


def occupy(
    session: Any, bookings: Sequence[Booking], change: Change, *, field: str = "scheduled_start", anew: bool = True,
    asked: bool = False,
) -> dict[UUID, list[Taken]]:  # fmt: skip
    """Take up the time of ``bookings``; raises Clash beside ``field`` unless that is overruled, and answers by
    subject what was. What the subjects had taken before is given back first, unless people only join (``anew``).
    ``asked``: ``refusals`` has let these very bookings pass in this transaction, which locked their people."""
    reason = overrule(change)
    found = clashes(session, bookings) if reason or not asked else {}
    if found and not reason:
        first = next(booking for booking in bookings if booking.subject_id in found)
        raise Clash({field: in_words(session, found[first.subject_id], first.timezone, change.by)})
    if anew:
        release(session, [booking.subject_id for booking in bookings])
    _write(session, bookings, change, dict.fromkeys(found, reason))
    _note(session, [booking for booking in bookings if booking.subject_id in found], found, change)
    return found


def _note(
    session: Any, overruled: Sequence[Booking], found: Mapping[UUID, Sequence[Taken]], change: Change
) -> None:  # fmt: skip
    """Keep in each subject's history which clash was overruled, by whom and why. Others than ``change.by`` read it
    there, so the other engagement is not called by its title, which names its candidate."""
    by_table: dict[str, list[tuple[UUID, dict[str, Any]]]] = defaultdict(list)
    for booking in overruled:
        clash = [None, in_words(session, found[booking.subject_id], booking.timezone, None)]
        by_table[_TABLES[booking.subject_type]].append((booking.subject_id, {"clash": clash}))
    for table, changes in by_table.items():
        audit.write(
            session, tenant_id(), table, "overruled a clash", changes, at=change.at, reason=overrule(change)
        )  # fmt: skip


def refusals(session: Any, bookings: Sequence[Booking], change: Change, *, field: str) -> dict[UUID, Clash]:
    """By subject, why a booking is refused; nothing where clashes are overruled. For many rows at once."""
    if overrule(change):
        return {}
    found = clashes(session, bookings)
    zones = {booking.subject_id: booking.timezone for booking in bookings}
    return {
        key: Clash({field: in_words(session, taken, zones[key], change.by)}) for key, taken in found.items()
    }  # fmt: skip


def _write(session: Any, bookings: Iterable[Booking], change: Change, overruled: Mapping[UUID, str]) -> None:
    """The rows of ``bookings``; ``overruled`` holds by subject the reason why one may overlap what is there."""
    rows = [
        {"subject_type": booking.subject_type.value, "subject_id": booking.subject_id, "person_id": person,
         "user_id": person if person in booking.users else None,
         "candidate_id": None if person in booking.users else person,
         "start": booking.start, "end": booking.end, "overrule_reason": overruled.get(booking.subject_id, "")}
        for booking in bookings
        for person in dict.fromkeys(booking.people)
    ]  # fmt: skip
    insert_many(session, _TABLE, rows, {"tenant_id": tenant_id(), "created_at": change.at})


def release(session: Any, subjects: Collection[UUID], people: Collection[UUID] | None = None) -> None:
    """Give back the time that ``subjects`` have taken: of all, or of ``people`` alone."""
    mine = sa.delete(_TABLE).where(_TABLE.c.tenant_id == tenant_id(), _TABLE.c.subject_id.in_(list(subjects)))
    session.execute(mine if people is None else mine.where(_TABLE.c.person_id.in_(list(people))))
