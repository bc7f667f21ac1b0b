"""What the page of the calendar says: its address, its days and lines, its filters."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from portal.admin.agenda import DAY, Event, Person, Span, Wanted, by_person
from portal.admin.grid import options
from portal.admin.lookups import lookups
from portal.admin.query import to_key
from portal.core import access
from portal.core.forms import chosen_labels
from portal.core.types import words
from portal.interviews import calendar
from portal.interviews.models import InterviewStatus

VIEWS = (("week", "Week"), ("day", "Day"), ("people", "By person"), ("list", "List"))
UNKNOWN = "(unknown)"
_ONE_DAY = ("day", "people")
_FIRST_HOUR, _LAST_HOUR = 8, 19  # that are always shown; what is earlier or later widens the day


@dataclass(frozen=True)
class Asked:
    """What the address asks for, cleaned. ``view`` is '' where it says none: the week, or on a phone the list."""

    view: str
    day: date
    wanted: Wanted

    @classmethod
    def parse(cls, args: MultiDict[str, str], today: date) -> "Asked":
        view = args.get("view", "")
        return cls(view if view in dict(VIEWS) else "", day_said(args.get("date")) or today, wanted_in(args))

    def url(self, **changes: Any) -> str:
        return url_for("calendar.page", **replace(self, **changes).arguments())

    def arguments(self) -> dict[str, Any]:
        said = {"view": self.view, "date": self.day.isoformat(), **arguments(self.wanted)}
        return {name: value for name, value in said.items() if value}

    def span(self, zone_name: str) -> Span:
        if self.view in _ONE_DAY:
            return Span.of(self.day, self.day + DAY, zone_name)
        monday = self.day - self.day.weekday() * DAY
        return Span.of(monday, monday + 7 * DAY, zone_name)


def day_said(text: str | None) -> date | None:
    """A day that every zone can show; None for anything else."""
    try:
        day = datetime.fromisoformat(text or "").date()
    except ValueError:
        return None
    return day if 1901 < day.year < 8999 else None


def wanted_in(args: MultiDict[str, str]) -> Wanted:
    filters = [(name, value) for name in calendar.FILTERS for value in args.getlist(name)[:50] if value.strip()]
    return Wanted(tuple(dict.fromkeys(filters)), args.get("mine") == "1", args.get("cancelled") == "1")


def arguments(wanted: Wanted) -> dict[str, Any]:
    said = {name: wanted.get(name) for name in calendar.FILTERS}
    return said | {"mine": "1" if wanted.mine else "", "cancelled": "1" if wanted.cancelled else ""}


def cut_off() -> str:
    return f"Only the first {calendar.MOST:,} are shown; choose fewer with the filters."


def panel(event: Event) -> str:
    return ", ".join(str(seat) for seat in event.panel)


def title(span: Span) -> str:
    """``2 – 8 March 2026``, or the day with its name."""
    first, last = span.first, span.end - DAY
    if first == last:
        return f"{first:%A}, {first.day} {first:%B %Y}"
    start = f"{first.day}"
    start += f" {first:%B}" if first.month != last.month else ""
    start += f" {first.year}" if first.year != last.year else ""
    return f"{start} – {last.day} {last:%B %Y}"


def tabs(asked: Asked) -> list[dict[str, Any]]:
    return [
        {"name": name, "label": label, "url": asked.url(view=name), "active": name == (asked.view or "week")}
        for name, label in VIEWS
    ]


def steps(asked: Asked, span: Span, today: date) -> dict[str, Any]:
    length = timedelta(days=1 if asked.view in _ONE_DAY else 7)
    return {
        "previous": asked.url(day=asked.day - length), "next": asked.url(day=asked.day + length),
        "today": asked.url(day=today), "is_today": span.first <= today < span.end,
        "noun": "day" if asked.view in _ONE_DAY else "week",
    }  # fmt: skip


def hours(found: list[Event], span: Span) -> tuple[int, int]:
    """The hours of the day to draw: the usual ones, and what lies outside of them."""
    first, last = _FIRST_HOUR, _LAST_HOUR
    for event in found:
        start, end = event.walls(span.zone_name)
        until = end - timedelta(microseconds=1)  # who ends at midnight is not up the next morning
        overnight = start.date() != until.date() or start.date() < span.first
        first = 0 if overnight else min(first, start.hour)
        last = 24 if overnight else max(last, until.hour + 1)
    return first, last


def agenda(found: list[Event], span: Span, asked: Asked, today: date) -> list[dict[str, Any]]:
    """The days with what is on them; days without any are left out."""
    days: dict[date, list[dict[str, Any]]] = {}
    back = urlencode({"back": asked.url()})
    for event in found:
        days.setdefault(span.day_of(event.start), []).append(_line(event, span, back))
    return [
        {"label": f"{day:%A}, {day.day} {day:%B}", "today": day == today, "rows": rows,
         "url": asked.url(view="day", day=day)}
        for day, rows in days.items()
    ]  # fmt: skip


def _line(event: Event, span: Span, back: str) -> dict[str, Any]:
    start, end = event.walls(span.zone_name)
    return {
        "url": event.url, "kind": event.kind, "icon": event.icon,
        "title": event.candidate, "what": event.title, "project": event.project, "clock": event.clock(span),
        "panel": panel(event), "badge": {"label": words(event.status), "colour": event.tone},
        "move_url": f"{event.url}/move/reschedule?{back}" if event.movable else "",
        "from": _minutes(start, span), "to": _minutes(end, span),
    }  # fmt: skip


def _minutes(wall: datetime, span: Span) -> int:
    """Minutes since the first day began, kept within the first day."""
    since = wall - datetime.combine(span.first, datetime.min.time())
    return min(max(int(since.total_seconds() // 60), 0), 24 * 60)


def plan(found: list[Event], span: Span, asked: Asked) -> list[dict[str, Any]]:
    """A day, person by person; who was asked for stands there with an empty day too."""
    chosen = {key: name for value, name in _labels("users", asked.wanted.get("interviewer")) if (key := to_key(value))}
    people = by_person(found, list(chosen))
    busy, back = {person.key for person in people}, urlencode({"back": asked.url()})
    idle = [Person(name, key) for key, name in chosen.items() if key not in busy and name != UNKNOWN]
    return [
        {"name": person.name, "url": asked.url(view="week", wanted=_toggled(asked.wanted, person.key)),
         "known": person.key is not None, "rows": [_line(event, span, back) for event in person.events]}
        for person in [*people, *idle]
    ]  # fmt: skip


def side(people: list[Person], asked: Asked) -> list[dict[str, Any]]:
    """Who has how many; a press narrows to them, a second one no longer does."""
    chosen = asked.wanted.get("interviewer")
    return [
        {"name": person.name, "count": len(person.events), "active": str(person.key) in chosen,
         "url": asked.url(wanted=_toggled(asked.wanted, person.key))}
        for person in people if person.key
    ]  # fmt: skip


def _toggled(wanted: Wanted, person: UUID | None) -> Wanted:
    pair = ("interviewer", str(person))
    kept = tuple(each for each in wanted.filters if each != pair)
    return replace(wanted, filters=kept if pair in wanted.filters else (*kept, pair))


# --- filters ----------------------------------------------------------------------------------------

_REFERENCES = (("interviewer", "Interviewers", "users"), ("organizer", "Organizer", "users"),
               ("project", "Project", "projects"))  # fmt: skip


def filters(asked: Asked) -> dict[str, Any]:
    given = asked.wanted.get("status")
    return {
        "references": [
            {"name": name, "label": label, "lookup_url": f"/lookup/{lookup}",
             "chosen": _labels(lookup, asked.wanted.get(name))}
            for name, label, lookup in _REFERENCES if _may_pick(lookup)
        ],
        "statuses": [{"value": v, "label": label, "selected": v in given} for v, label in options(InterviewStatus)],
    }  # fmt: skip


def _may_pick(lookup: str) -> bool:
    found = lookups()[lookup]
    return access.may(current_user, *found.permissions, *found.names_for)


def _labels(lookup: str, values: list[str]) -> list[tuple[str, str]]:
    """What is chosen, as key and name; a foreign key reads as one that never was."""
    keys = {value: to_key(value) for value in values}
    known = chosen_labels(lookup, [key for key in keys.values() if key]) if _may_pick(lookup) else {}
    return [(value, known.get(key, UNKNOWN) if key else UNKNOWN) for value, key in keys.items()]


def chips(asked: Asked) -> list[dict[str, str]]:
    """The filters in force, each with the address without it."""
    wanted = asked.wanted
    found = []
    for name, label, lookup in (*_REFERENCES, ("status", "Status", "")):
        said = _labels(lookup, wanted.get(name)) if lookup else [(value, words(value)) for value in wanted.get(name)]
        for value, text in said:
            less = tuple(pair for pair in wanted.filters if pair != (name, value))
            found.append({"label": f"{label}: {text}", "clear_url": asked.url(wanted=replace(wanted, filters=less))})
    if wanted.cancelled:
        found.append({"label": "With cancelled ones", "clear_url": asked.url(wanted=replace(wanted, cancelled=False))})
    return found


def in_grid(asked: Asked, span: Span) -> str:
    """The same filters and days, as the grid of interviews names them."""
    days = [("when_from", span.first.isoformat()), ("when_to", (span.end - DAY).isoformat())]
    return urlencode([*asked.wanted.filters, *days, ("sort", "scheduled_start")])
