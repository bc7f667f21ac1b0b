"""What stands in the calendar, whoever has it: each feature answers the events of some days (``source``)."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from portal.core.forms import zone_label
from portal.core.plans import planned_anew
from portal.core.types import words, zone

MOST_DAYS = 45
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
    """Somebody who takes part: on a panel, or who conducts it."""

    user: UUID
    name: str
    declined: bool

    def __str__(self) -> str:
        return f"{self.name} (declined)" if self.declined else self.name


@dataclass(frozen=True)
class Event:
    """What takes place at a time, on the page of ``path``; ``movable`` tells whether the reader may give it a new one,
    and it is not over yet. ``kind`` and ``icon`` say what it is, of what is no interview."""

    id: UUID
    path: str
    title: str
    status: str
    tone: str
    start: datetime
    end: datetime
    version: int
    candidate: str
    project: str
    movable: bool
    panel: tuple[Seat, ...] = ()
    kind: str = ""
    icon: str = ""

    @property
    def url(self) -> str:
        return f"/{self.path}/{self.id}"

    @property
    def state(self) -> str:
        """``Scheduled``, or ``Mock interview · Scheduled``."""
        return " · ".join(each for each in (self.kind, words(self.status)) if each)

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
    """What is asked for: filters as the grid of interviews names them, ``mine`` (I arrange it or take part), and
    whether cancelled ones stand among them."""

    filters: tuple[tuple[str, str], ...] = ()
    mine: bool = False
    cancelled: bool = False

    def get(self, name: str) -> list[str]:
        return [value for key, value in self.filters if key == name]


Source = Callable[[Any, Any, Span, Wanted, datetime, int], list[Event]]
_sources: list[Source] = []


def source(find: Source) -> Source:
    """Let ``find`` answer events too: (session, user, span, wanted, at, most) -> in the order of their start, those
    that the user may see, ``most`` and one more at most."""
    if find not in _sources:
        _sources.append(find)
    return find


def events_of(session: Any, user: Any, span: Span, wanted: Wanted, at: datetime, most: int) -> tuple[list[Event], bool]:
    """The first ``most`` events of all sources, and whether there are more."""
    with planned_anew():  # how much lies in a span differs a hundredfold
        found = [event for find in _sources for event in find(session, user, span, wanted, at, most)]
    found.sort(key=lambda event: (event.start, event.id))
    return found[:most], len(found) > most


@dataclass(frozen=True)
class Person:
    """Somebody and what they have, in the order of time."""

    name: str
    key: UUID | None = None  # None: nobody takes part yet
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
