"""What the calendar shows: the interviews of some days, as the reader's clock has them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from portal.admin.query import Query, narrow
from portal.core import access
from portal.core.forms import zone_label
from portal.core.types import zone
from portal.hiring.models import Application, Candidate, Project
from portal.hiring.workflow import CLOSED
from portal.interviews.admin import INTERVIEWS
from portal.interviews.models import AHEAD, Interview, InterviewStatus, Panelist, Reply
from portal.interviews.workflow import SCHEDULE
from portal.people.models import User

FILTERS = ("interviewer", "organizer", "project", "status")  # as the grid of interviews calls them
MOST_DAYS = 45
MOST = 2_000  # interviews on one page
LONGEST = timedelta(hours=24)  # of an interview (see ``workflow.check_times``)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """Whole days as the reader's calendar has them: from ``first`` up to ``end``, which is no longer among them."""

    first: date
    end: date
    zone_name: str

    @classmethod
    def of(cls, first: date, end: date, zone_name: str) -> "Span":
        """At least one day, at most MOST_DAYS."""
        return cls(first, min(max(end, first + DAY), first + MOST_DAYS * DAY), zone_name)

    def days(self) -> Iterator[date]:
        return (self.first + number * DAY for number in range((self.end - self.first).days))

    def starts(self, day: date) -> datetime:
        """The moment at which ``day`` begins."""
        return datetime.combine(day, time(), zone(self.zone_name)).astimezone(UTC)

    def day_of(self, at: datetime) -> date:
        """The day on which ``at`` is told: the first, for what began before."""
        return max(self.first, at.astimezone(zone(self.zone_name)).date())

    @cached_property  # each of the events asks
    def clocks_change(self) -> date | None:
        """The day on which the reader's clocks change."""
        return next((day for day in self.days() if self._offset(day) != self._offset(day + DAY)), None)

    def _offset(self, day: date) -> timedelta | None:
        return self.starts(day).astimezone(zone(self.zone_name)).utcoffset()

    @property
    def note(self) -> str:
        """Whose times these are, and what a change of the clocks does to them."""
        told = f"Times in {zone_label(self.zone_name, self.starts(self.first))}"
        if changed := self.clocks_change:
            after = zone_label(self.zone_name, self.starts(changed + DAY)).split(", ")[1]
            told += f"; the clocks change on {changed.day} {changed:%B}, to {after}"
        return told


@dataclass(frozen=True)
class Seat:
    """Somebody on an interview's panel."""

    user: UUID
    name: str
    declined: bool

    def __str__(self) -> str:
        return f"{self.name} (declined)" if self.declined else self.name


@dataclass(frozen=True)
class Event:
    """One interview; ``movable`` tells whether the reader may give it a new time, and it is not over yet."""

    id: UUID
    title: str
    status: str
    start: datetime
    end: datetime
    version: int
    candidate: str
    project: str
    movable: bool
    panel: tuple[Seat, ...] = ()

    def walls(self, zone_name: str) -> tuple[datetime, datetime]:
        """Start and end as a clock on that zone's wall shows them. Where the clocks go back in between, so that it
        would end before it began, the end is as far from the start as it is in truth."""
        here = zone(zone_name)
        start, end = (moment.astimezone(here).replace(tzinfo=None) for moment in (self.start, self.end))
        return start, end if end > start else start + (self.end - self.start)

    def clock(self, span: Span) -> str:
        """``14:00–15:00``; with its offset in days in which that changes, with the day where it is another one."""
        start, end = (moment.astimezone(zone(span.zone_name)) for moment in (self.start, self.end))
        first = f"{start:%H:%M}" if start.date() >= span.first else f"{start:%a %H:%M}"
        last = f"{end:%H:%M}" if end.date() == max(start.date(), span.first) else f"{end:%a %H:%M}"
        offset = f"{start:%z}"
        return f"{first}–{last}" + (f" {offset[:3]}:{offset[3:]}" if span.clocks_change else "")


@dataclass(frozen=True)
class Wanted:
    """Which interviews: the grid's filters, ``mine`` (I organize them or sit on the panel), and whether cancelled
    ones stand among them."""

    filters: tuple[tuple[str, str], ...] = ()
    mine: bool = False
    cancelled: bool = False

    def get(self, name: str) -> list[str]:
        return [value for key, value in self.filters if key == name]

    def conditions(self, user: Any) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = []
        if not self.cancelled and not self.get("status"):
            found.append(Interview.status != InterviewStatus.CANCELLED)
        if self.mine:
            seat = sa.exists().where(
                Panelist.tenant_id == Interview.tenant_id,
                Panelist.interview_id == Interview.id,
                Panelist.user_id == user.id,
            )
            found.append(sa.or_(Interview.organizer_id == user.id, seat))
        return found


def find(session: Any, user: Any, span: Span, wanted: Wanted, at: datetime) -> tuple[list[Event], bool]:
    """The first MOST interviews of ``span`` that the user may read, and whether there are more: two statements."""
    rows = session.execute(_statement(user, span, wanted, at)).all()
    seats = _seats(session, [row.id for row in rows[:MOST]])
    return [Event(**row._mapping, panel=tuple(seats[row.id])) for row in rows[:MOST]], len(rows) > MOST


def _statement(user: Any, span: Span, wanted: Wanted, at: datetime) -> sa.Select[Any]:
    query = Query.parse(INTERVIEWS, MultiDict(wanted.filters), user, at)
    movable = sa.and_(
        access.visible(Interview, user, *SCHEDULE, rowwise=True),
        Interview.status.in_(AHEAD),
        Interview.scheduled_end > at,
        Application.status.not_in([*CLOSED, "on_hold"]),
    )
    columns = (
        Interview.id,
        Interview.title,
        Interview.status,
        Interview.scheduled_start.label("start"),
        Interview.scheduled_end.label("end"),
        Interview.version,
        (Candidate.first_name + " " + Candidate.last_name).label("candidate"),
        Project.title.label("project"),
        movable.label("movable"),
    )
    first, last = span.starts(span.first), span.starts(span.end)
    return (
        narrow(sa.select(*columns), query, joins=("application", "candidate", "project"))
        # What began before the first day may reach into it, by no more than an interview lasts: the index on starts
        # then serves both ends.
        .where(Interview.scheduled_start > first - LONGEST, Interview.scheduled_start < last)
        .where(Interview.scheduled_end > first, *wanted.conditions(user))
        .order_by(Interview.scheduled_start, Interview.id)
        .limit(MOST + 1)
    )


def _seats(session: Any, keys: Sequence[UUID]) -> dict[UUID, list[Seat]]:
    found: dict[UUID, list[Seat]] = defaultdict(list)
    query = (
        sa.select(Panelist.interview_id, User.id, User.full_name, Panelist.reply == Reply.DECLINED)
        .join(User, sa.and_(User.tenant_id == Panelist.tenant_id, User.id == Panelist.user_id))
        .where(Panelist.interview_id.in_(keys))
        .order_by(Panelist.part, Panelist.id)
    )
    for key, *seat in session.execute(query):
        found[key].append(Seat(*seat))
    return found


@dataclass(frozen=True)
class Person:
    """Somebody and what they have, in the order of time."""

    name: str
    key: UUID | None = None  # None: nobody sits on the panel yet
    events: tuple[Event, ...] = ()


def by_person(events: Sequence[Event], only: Sequence[UUID] = ()) -> list[Person]:
    """Who has what, by name; those who declined have not, and what nobody has comes last. ``only`` leaves out
    others than these."""
    names: dict[UUID | None, str] = {}
    busy: dict[UUID | None, list[Event]] = defaultdict(list)
    for event in events:
        for key, name in _attending(event):
            if not only or key in only:
                names[key] = name
                busy[key].append(event)
    people = [Person(names[key], key, tuple(theirs)) for key, theirs in busy.items()]
    return sorted(people, key=lambda person: (person.key is None, person.name.casefold()))


def _attending(event: Event) -> list[tuple[UUID | None, str]]:
    return [(seat.user, seat.name) for seat in event.panel if not seat.declined] or [(None, "Nobody yet")]
