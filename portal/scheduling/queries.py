"""When people have time: free times that several have in common, and what lies outside somebody's hours.

Everything about the people is read in four statements, whatever their number; the rest is arithmetic on intervals
(``intervals.py``). Hours are what a clock on the wall of each person shows, days and weeks those of their calendar.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core.db import among
from portal.core.forms import span_label, zone_label
from portal.core.types import zone
from portal.hiring.models import Candidate
from portal.people.models import User
from portal.scheduling.hours import DEFAULT, Walls, walls
from portal.scheduling.intervals import Interval, common, day_start, shown, union, without
from portal.scheduling.models import WEEKDAYS, Engagement, TimeOff, WorkingHours
from portal.scheduling.workflow import Taken

__all__ = [
    "Diary", "Interval", "Outside", "common", "day_start", "diaries", "engaged", "free_of", "free_times", "outside",
    "outside_of", "said_outside", "shown", "without",
]  # fmt: skip

_UNSAID = (*[DEFAULT] * 5, "", "")
_CANDIDATES = ("07:00-21:00",) * 7  # when a candidate is asked for at all, on their own clock
_WEEK = timedelta(days=8)  # what may lie between a moment and the ends of its week, on whatever calendar


@dataclass(frozen=True)
class Diary:
    """What is known of one person's time. ``week`` holds the hours of each weekday as they were written."""

    person: UUID
    name: str
    zone: str
    week: tuple[str, ...] = _CANDIDATES
    said: bool = True  # False: nobody has said when this person works
    user: bool = False
    max_per_day: int | None = None
    max_per_week: int | None = None
    taken: list[Taken] = field(default_factory=list)
    away: list[Interval] = field(default_factory=list)

    def day_of(self, at: datetime) -> date:
        return at.astimezone(zone(self.zone)).date()

    @cached_property
    def _subjects(self) -> dict[Any, set[UUID]]:
        """What there is on each day (a date) and in each week (a year and its week), by its start."""
        found: dict[Any, set[UUID]] = defaultdict(set)
        for each in self.taken:
            day = self.day_of(each.start)
            found[day].add(each.subject)
            found[day.isocalendar()[:2]].add(each.subject)
        return found

    def over(self, day: date, besides: UUID | None = None) -> str:
        """Which limit lets nothing more onto ``day``, in words; '' where there is room. ``besides`` is not counted."""
        here = len(self._subjects.get(day, set()) - {besides})
        week = len(self._subjects.get(day.isocalendar()[:2], set()) - {besides})
        if self.max_per_day is not None and here >= self.max_per_day:
            return f"over the limit of {self.max_per_day} a day: {here} on {_weekday(day)}, besides this one"
        if self.max_per_week is not None and week >= self.max_per_week:
            return f"over the limit of {self.max_per_week} a week: {week} in that week, besides this one"
        return ""

    def hours(self, day: date) -> tuple[Walls, ...]:
        return walls(self.week[day.weekday()])

    def free(self, first: datetime, last: datetime) -> list[Interval]:
        """When something more may be put in, from ``first`` to ``last``."""
        busy = [*self.away, *((each.start, each.end) for each in self.taken)]
        return without(shown(first, last, self.zone, lambda day: () if self.over(day) else self.hours(day)), busy)


def diaries(
    session: Any, users: Collection[UUID], candidates: Collection[UUID], first: datetime, last: datetime, *,
    besides: UUID | None = None, limited: bool = False,
) -> dict[UUID, Diary]:  # fmt: skip
    """The diaries of these people, in their order, from ``first`` to ``last`` and in the weeks around, without the
    subject ``besides``; engagements of none but those who have a limit, where only that matters (``limited``)."""
    known = _of_users(session, users) | _of_candidates(session, candidates)
    found = {key: known[key] for key in dict.fromkeys((*users, *candidates)) if key in known}
    counted = [key for key, diary in found.items() if not limited or diary.max_per_day or diary.max_per_week]
    for each in _engagements(session, counted, first - _WEEK, last + _WEEK):
        if each.subject != besides:
            found[each.person].taken.append(each)
    for person, start, end in _time_off(session, [key for key, diary in found.items() if diary.user], first, last):
        found[person].away.append((start, end))
    return found


def _of_users(session: Any, users: Collection[UUID]) -> dict[UUID, Diary]:
    if not users:
        return {}
    kept = [getattr(WorkingHours, name) for name in (*WEEKDAYS, "max_per_day", "max_per_week")]
    query = (
        sa.select(User.id, User.full_name, User.timezone, WorkingHours.id, *kept)
        .join(WorkingHours, sa.and_(WorkingHours.tenant_id == User.tenant_id, WorkingHours.user_id == User.id),
              isouter=True)
        .where(among(session, User.id, users))
    )  # fmt: skip
    return {
        key: Diary(key, name, zone_name, tuple(more[:7]) if said else _UNSAID, bool(said), True, *more[7:])
        for key, name, zone_name, said, *more in session.execute(query)
    }


def _of_candidates(session: Any, candidates: Collection[UUID]) -> dict[UUID, Diary]:
    if not candidates:
        return {}
    name = (Candidate.first_name + " " + Candidate.last_name).label("name")
    query = sa.select(Candidate.id, name, Candidate.timezone).where(among(session, Candidate.id, candidates))
    return {key: Diary(key, name, zone_name) for key, name, zone_name in session.execute(query)}


def _engagements(session: Any, people: Collection[UUID], first: datetime, last: datetime) -> Iterator[Taken]:
    if not people:
        return
    query = engaged().where(
        among(session, Engagement.person_id, people), Engagement.start < last, Engagement.end > first
    )
    for row in session.execute(query.order_by(Engagement.start, Engagement.id)):
        yield Taken(*row)


def engaged() -> sa.Select[Any]:
    """The engagements as ``Taken`` wants them."""
    taken: tuple[Any, ...] = (
        Engagement.person_id, Engagement.subject_type, Engagement.subject_id, Engagement.start, Engagement.end
    )  # fmt: skip
    return sa.select(*taken)


def _time_off(session: Any, users: Collection[UUID], first: datetime, last: datetime) -> Sequence[Any]:
    if not users:
        return []
    query = sa.select(TimeOff.user_id, TimeOff.start, TimeOff.end)
    query = query.where(among(session, TimeOff.user_id, users), TimeOff.start < last, TimeOff.end > first)
    return session.execute(query.order_by(TimeOff.start)).all()  # type: ignore[no-any-return]


# --- free times -------------------------------------------------------------------------------------


def free_times(
    session: Any, users: Collection[UUID], candidates: Collection[UUID], minutes: int, first: datetime,
    last: datetime, at: datetime, *, besides: UUID | None = None,
) -> list[Interval]:  # fmt: skip
    """When, from ``first`` (but not before ``at``) to ``last``, all these people have ``minutes`` to spare.

    That is within everybody's working hours (07:00 to 21:00 for candidates), not in anybody's time off, on no day
    and in no week that is full for one of them, and not while one is engaged in something but ``besides``.
    """
    found = diaries(session, users, candidates, first, last, besides=besides)
    return free_of(found.values(), minutes, max(first, at), last)


def free_of(found: Collection[Diary], minutes: int, first: datetime, last: datetime) -> list[Interval]:
    """``free_times`` of diaries that are read already."""
    length = timedelta(minutes=minutes)
    return [
        (start, end) for start, end in common([diary.free(first, last) for diary in found]) if end - start >= length
    ]


# --- what lies outside ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outside:
    """An engagement that its person's hours, time off or limits do not allow, with each reason in words."""

    taken: Taken
    name: str
    why: tuple[str, ...]


def outside(session: Any, engagements: Sequence[Taken], enough: int | None = None) -> list[Outside]:
    """Those of ``engagements``, in their order, that lie outside hours, in time off, or over a limit; the first
    ``enough`` of them, where no more are asked for.

    They need not be booked: a form asks beforehand. Where a day or week has more than its limit, all in it are over.
    """
    if not engagements:
        return []
    people = {each.person for each in engagements}
    first, last = min(each.start for each in engagements), max(each.end for each in engagements)
    return outside_of(diaries(session, people, people, first, last, limited=True), engagements, enough)


def outside_of(found: dict[UUID, Diary], engagements: Sequence[Taken], enough: int | None = None) -> list[Outside]:
    """``outside`` of diaries that are read already; who has none among them is passed over."""
    known = ((each, found[each.person]) for each in engagements if each.person in found)
    told = (Outside(each, diary.name, why) for each, diary in known if (why := tuple(_reasons(diary, each))))
    return list(islice(told, enough))


def said_outside(session: Any, subject: UUID) -> str:
    """What to say of a subject that was saved although it lies outside somebody's hours; '' where it does not."""
    query = engaged().where(Engagement.subject_id == subject).order_by(Engagement.id)
    found = outside(session, [Taken(*each) for each in session.execute(query)])
    if not found:
        return ""
    more = f" And {len(found) - 5} more." if len(found) > 5 else ""
    return "Saved, but " + " ".join(f"{each.name}: {'; '.join(each.why)}." for each in found[:5]) + more


def _reasons(diary: Diary, each: Taken) -> Iterator[str]:
    if shown(each.start, each.end, diary.zone, diary.hours) != [(each.start, each.end)]:
        yield _beyond(diary, each)
    for start, end in union(diary.away):
        if start < each.end and end > each.start:
            yield f"in time off, {span_label(start, end, diary.zone)}"
    if full := diary.over(diary.day_of(each.start), each.subject):
        yield full


def _beyond(diary: Diary, each: Taken) -> str:
    start, end = (moment.astimezone(zone(diary.zone)) for moment in (each.start, each.end))
    here = f"{_weekday(start.date())}, {start:%H:%M} to {end:%H:%M} ({zone_label(diary.zone, start)})"
    if not diary.user:
        return f"early or late for the candidate: {here}"
    hours = diary.week[start.weekday()]
    normal = f"{hours} on {start:%A}s" if hours else f"none on {start:%A}s"
    unsaid = "" if diary.said else ", as long as nobody has set them"
    return f"outside working hours, {normal}{unsaid}: {here}"


def _weekday(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"
