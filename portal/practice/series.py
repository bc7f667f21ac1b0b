"""A series of mock interviews: requested ones get their times one after the other, each where there is room."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from portal.core import access
from portal.core.db import among
from portal.core.errors import Invalid
from portal.core.forms import span_label
from portal.core.workflow import Change, Result
from portal.hiring.models import Application, Candidate
from portal.people.models import User
from portal.practice.models import MockInterview, MockStatus
from portal.practice.workflow import MOCK_INTERVIEW, SCHEDULE
from portal.scheduling.models import SubjectType
from portal.scheduling.queries import Diary, Interval, common, day_start, diaries, shown, without
from portal.scheduling.workflow import Taken

REACH = timedelta(days=60)
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Plan:
    """Within which hours of a clock in ``zone`` a series takes place, from ``first`` on; ``minutes``: None where each
    keeps the length that it was asked for with."""

    first: datetime
    zone: str
    opens: timedelta
    closes: timedelta
    weekdays: frozenset[int]
    gap: timedelta
    minutes: int | None = None

    @property
    def last(self) -> datetime:
        return self.first + REACH

    def windows(self) -> list[Interval]:
        hours = ((self.opens, self.closes),)
        return shown(self.first, self.last, self.zone, lambda day: hours if day.weekday() in self.weekdays else ())


class Request(NamedTuple):
    """A mock interview that waits for its time."""

    id: UUID
    coordinator: UUID
    candidate: UUID
    minutes: int
    names: tuple[str, str]

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)


class Queue:
    """What one person has free while a series is put in: less with each ``take``."""

    def __init__(self, diary: Diary, windows: Sequence[Interval], plan: Plan, gap: timedelta = timedelta()) -> None:
        self.diary, self.gap = diary, gap
        self.free = common([windows, diary.free(plan.first, plan.last)])

    def take(self, key: UUID, start: datetime, end: datetime) -> None:
        self.free = without(self.free, [(start - self.gap, end + self.gap)])
        if self.diary.max_per_day is not None or self.diary.max_per_week is not None:
            new = Taken(self.diary.person, SubjectType.MOCK_INTERVIEW, key, start, end)
            self.diary = replace(self.diary, taken=[*self.diary.taken, new])
            self.free = without(self.free, self._full_days(start))

    def _full_days(self, around: datetime) -> list[Interval]:
        """The days of that week on which nothing more may be put in."""
        day, zone_name = self.diary.day_of(around), self.diary.zone
        week = [day + (number - day.weekday()) * _DAY for number in range(7)]
        return [(day_start(d, zone_name), day_start(d + _DAY, zone_name)) for d in week if self.diary.over(d)]


def placed(requests: Sequence[Request], found: Mapping[UUID, Diary], plan: Plan) -> dict[UUID, datetime]:
    """The start of each request, in their order the first at which coordinator and candidate have time; those for
    which there is no room are left out. Between two of one coordinator lies at least the plan's gap."""
    windows = plan.windows()
    queues = {each.coordinator: Queue(found[each.coordinator], windows, plan, plan.gap) for each in requests}
    queues |= {each.candidate: Queue(found[each.candidate], windows, plan) for each in requests}
    starts: dict[UUID, datetime] = {}
    for each in requests:
        theirs = queues[each.coordinator], queues[each.candidate]
        start = _first_fit(common([queue.free for queue in theirs]), each.length)
        if start is not None:
            starts[each.id] = start
            for queue in theirs:
                queue.take(each.id, start, start + each.length)
    return starts


def _first_fit(windows: Sequence[Interval], length: timedelta) -> datetime | None:
    rounded = ((_whole_minute(start), end) for start, end in windows)
    return next((start for start, end in rounded if start + length <= end), None)


def _whole_minute(at: datetime) -> datetime:
    past = timedelta(seconds=at.second, microseconds=at.microsecond)
    return at + (_MINUTE - past if past else timedelta())


# --- in the portal ------------------------------------------------------------------------------------


def plan_of(change: Change) -> Plan:
    """The plan in ``change.data``; a series begins now where what was asked for is past by now."""
    plan: Plan = change.data["plan"]
    return replace(plan, first=max(plan.first, change.at + _MINUTE))


def schedule_series(session: Any, ids: Sequence[UUID], change: Change) -> Result:
    """Give each requested mock interview its time by ``change.data["plan"]``, the oldest request first; what finds no
    room is refused by itself. Five statements, whatever the number, and those of the move."""
    plan = plan_of(change)
    requests = requested(session, ids, plan, change)
    starts = proposed(session, requests, plan)
    left = {each.id: each for each in requests if each.id not in starts}
    data = {"starts": starts, **({"duration": plan.minutes} if plan.minutes else {})}
    # Others may take somebody's time after it was read here: the move locks the people, and refuses that row alone.
    ready = [key for key in dict.fromkeys(ids) if key not in left]
    result = MOCK_INTERVIEW.apply(session, ready, "schedule", Change(change.at, change.by, data))
    result.refused |= {key: _no_room(each, plan) for key, each in left.items()}
    ends = {each.id: starts[each.id] + each.length for each in requests if each.id in starts}
    result.notes |= {key: span_label(starts[key], ends[key], plan.zone) for key in result.done}
    return result


def requested(session: Any, ids: Sequence[UUID], plan: Plan, change: Change) -> list[Request]:
    """Those of ``ids`` that wait for a time, the oldest first."""
    query = (
        sa.select(
            MockInterview.id, MockInterview.coordinator_id, Application.candidate_id, MockInterview.duration,
            User.full_name, Candidate.first_name + " " + Candidate.last_name,
        )
        .join(Application, Application.id == MockInterview.application_id)
        .join(Candidate, Candidate.id == Application.candidate_id)
        .join(User, User.id == MockInterview.coordinator_id)
        .where(among(session, MockInterview.id, ids), MockInterview.status == MockStatus.REQUESTED)
        .order_by(MockInterview.created_at, MockInterview.id)
    )  # fmt: skip
    if change.by is not None:
        query = access.scope(query, MockInterview, change.by, *SCHEDULE, rowwise=True)
    return [
        Request(key, coordinator, candidate, plan.minutes or duration, tuple(names))
        for key, coordinator, candidate, duration, *names in session.execute(query)
    ]


def proposed(session: Any, requests: Sequence[Request], plan: Plan) -> dict[UUID, datetime]:
    """``placed``, by what is known of these people's time."""
    if not requests:
        return {}
    users, candidates = {each.coordinator for each in requests}, {each.candidate for each in requests}
    return placed(requests, diaries(session, users, candidates, plan.first, plan.last), plan)


def _no_room(each: Request, plan: Plan) -> Invalid:
    until = plan.last.date()
    return Invalid({
        "scheduled_start": f"Within these hours {' and '.join(each.names)} have no {each.minutes} minutes in common "
        f"until {until.day} {until:%b %Y}."
    })  # fmt: skip
