"""Many slots at once: these people, these weekdays, these hours, this length. First as a plan, then for good."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portal.core import audit
from portal.core.db import insert_many, new_id
from portal.core.errors import Conflict, Invalid
from portal.core.tenancy import tenant_id
from portal.core.types import zone
from portal.core.workflow import Change
from portal.people.models import User
from portal.scheduling.busy import Busy, Stretch
from portal.scheduling.models import Engagement, InterviewSlot, SlotType, TimeOff
from portal.scheduling.recurrence import YEARS
from portal.scheduling.slots_actions import AHEAD, OVERLAPS, PAST, require_time_of
from portal.scheduling.workflow import lock

MOST_DAYS = 92
MOST_PEOPLE = 50
MOST_SLOTS = 5_000

ENGAGED = "is in an engagement"
AWAY = "is time off"
SKIPPED = "is skipped by the clocks"


@dataclass(frozen=True)
class Wish:
    """Slots of ``length`` and ``gap`` minutes between ``opens`` and ``closes`` (midnight means the day's end) on
    ``weekdays`` (0 is Monday) from ``first`` to ``last``, on the clock of ``zone_name`` or of each person ('')."""

    people: tuple[UUID, ...]
    weekdays: frozenset[int]
    opens: time
    closes: time
    length: int
    gap: int
    first: date
    last: date
    zone_name: str = ""
    slot_type: str = SlotType.ANY

    def check(self) -> None:
        """Raises Invalid beside what is wrong."""
        wrong = {
            "people": not self.people and "Please choose at least one person.",
            "weekdays": not self.weekdays and "Please tick at least one day.",
            "closes": self.closes <= self.opens and self.closes != time() and "The hours end before they begin.",
            "length": not 5 <= self.length <= 1440 and "A slot lasts from 5 to 1440 minutes.",
            "gap": not 0 <= self.gap <= 1440 and "A gap lasts from 0 to 1440 minutes.",
            "last": self.last < self.first and "The last day is before the first.",
            "slot_type": self.slot_type not in set(SlotType) and "This is not one of the choices.",
        }
        if len(self.people) > MOST_PEOPLE:
            wrong["people"] = f"At most {MOST_PEOPLE} people at once, please."
        if (self.last - self.first).days >= MOST_DAYS:
            wrong["last"] = f"At most {MOST_DAYS} days at once, please."
        if errors := {name: text for name, text in wrong.items() if text}:
            raise Invalid(errors)

    def walls(self) -> Iterator[datetime]:
        """The wall times at which slots start, in order."""
        step, length = timedelta(minutes=self.length + self.gap), timedelta(minutes=self.length)
        for number in range((self.last - self.first).days + 1):
            day = self.first + timedelta(days=number)
            if day.weekday() not in self.weekdays:
                continue
            wall, closes = datetime.combine(day, self.opens), datetime.combine(day, self.closes)
            if self.closes == time():
                closes += timedelta(days=1)
            while wall + length <= closes:
                yield wall
                wall += step


@dataclass
class Portion:
    """What one person gets: ``stretches`` are free, ``passed`` tells by reason which starts are not."""

    person: User
    zone_name: str
    stretches: list[Stretch] = field(default_factory=list)
    passed: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))


def plan(session: Any, wish: Wish, change: Change) -> list[Portion]:
    """What ``wish`` would make, person by person; raises Invalid. A handful of statements for however many."""
    wish.check()
    _check_near(wish, change.at)
    require_time_of(change.by, wish.people, "people")
    people = _people(session, wish.people)
    walls = list(wish.walls())
    if not walls:
        raise Invalid({"closes": "No slot of this length fits between these hours on these days."})
    if len(walls) * len(people) > MOST_SLOTS:
        raise Invalid({"last": f"At most {MOST_SLOTS:,} slots at once; these would be {len(walls) * len(people):,}."})
    reasons = _reasons(session, wish)
    return [_portion(person, wish, walls, reasons, change.at) for person in people]


def _check_near(wish: Wish, at: datetime) -> None:
    """Days that are not over yet, and no farther ahead than a slot alone may be."""
    if wish.last < at.date() - timedelta(days=1):  # it may be yesterday in somebody's zone
        raise Invalid({"last": "The last day is over."})
    if wish.last > (at + AHEAD).date():
        raise Invalid({"last": f"A slot starts within the next {YEARS} years."})


def _people(session: Any, keys: Sequence[UUID]) -> list[User]:
    found = {user.id: user for user in session.scalars(sa.select(User).where(User.id.in_(keys)))}
    if missing := [key for key in keys if key not in found]:
        raise Invalid({"people": f"{len(missing)} of them are not among the choices."})
    if idle := [user.full_name for user in found.values() if not user.active]:
        raise Invalid({"people": f"No longer active: {', '.join(idle)}."})
    return [found[key] for key in dict.fromkeys(keys)]


def _reasons(session: Any, wish: Wish) -> dict[str, Mapping[UUID, Busy]]:
    """By reason and person, what is in the way; the first reason that holds is told."""
    around = timedelta(days=2)  # whatever the zones
    first = datetime.combine(wish.first, time(), UTC) - around
    last = datetime.combine(wish.last, time(), UTC) + around
    slot, taken, off = InterviewSlot, Engagement, TimeOff
    return {
        OVERLAPS: _busy(session, slot.interviewer_id, slot.start, slot.end, wish.people, (first, last)),
        ENGAGED: _busy(session, taken.person_id, taken.start, taken.end, wish.people, (first, last)),
        AWAY: _busy(session, off.user_id, off.start, off.end, wish.people, (first, last)),
    }


def _busy(
    session: Any, person: Any, start: Any, end: Any, people: Collection[UUID], within: Stretch
) -> dict[UUID, Busy]:  # fmt: skip
    query = sa.select(person, start, end).where(person.in_(people), start < within[1], end > within[0])
    stretches: dict[UUID, list[Stretch]] = defaultdict(list)
    for key, first, last in session.execute(query):
        stretches[key].append((first, last))
    return {key: Busy(taken) for key, taken in stretches.items()}


def _portion(
    person: User, wish: Wish, walls: Sequence[datetime], reasons: Mapping[str, Mapping[UUID, Busy]], at: datetime
) -> Portion:
    made = Portion(person, wish.zone_name or person.timezone)
    here, length = zone(made.zone_name), timedelta(minutes=wish.length)
    mine = {reason: by[person.id] for reason, by in reasons.items() if person.id in by}
    for wall in walls:
        start = wall.replace(tzinfo=here).astimezone(UTC)
        end = start + length
        last = made.stretches[-1][1] if made.stretches else start
        if start.astimezone(here).replace(tzinfo=None) != wall:
            made.passed[SKIPPED].append(start)
        elif start <= at:
            made.passed[PAST].append(start)
        elif reason := next((reason for reason, busy in mine.items() if busy.meets(start, end)), ""):
            made.passed[reason].append(start)
        elif last > start:  # the clocks were put on in the one before
            made.passed[OVERLAPS].append(start)
        else:
            made.stretches.append((start, end))
    return made


def generate(session: Any, wish: Wish, change: Change) -> list[Portion]:
    """Make what is possible of ``wish``, each person on their own; answers what was made and what was not."""
    wish.check()
    require_time_of(change.by, wish.people, "people")
    lock(session, wish.people)  # what the plan finds free stays so
    portions = plan(session, wish, change)
    rows = [row for portion in portions for row in _rows(portion, wish)]
    try:
        with session.begin_nested():
            insert_many(session, InterviewSlot.__table__, rows, {  # type: ignore[arg-type]
                "tenant_id": tenant_id(), "recurrence": "", "notes": "",
                "created_at": change.at, "updated_at": change.at, "version": 1,
            })  # fmt: skip
    except IntegrityError:
        raise Conflict("Slots of these people were changed at the same moment. Please look at a new preview.") from None
    made = [(row["id"], _made(row)) for row in rows]
    audit.write(session, tenant_id(), "interview_slots", "created", made, at=change.at)
    return portions


def _rows(portion: Portion, wish: Wish) -> list[dict[str, Any]]:
    return [
        {"id": new_id(), "interviewer_id": portion.person.id, "start": start, "end": end,
         "timezone": portion.zone_name, "slot_type": str(wish.slot_type)}
        for start, end in portion.stretches
    ]  # fmt: skip


def _made(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("interviewer_id", "start", "end", "timezone", "slot_type")
    return {name: [None, audit.jsonable(row[name])] for name in names}
