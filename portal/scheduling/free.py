"""The live box of free times beside a form, and the way to one's own working hours."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, current_app, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from werkzeug.datastructures import MultiDict
from wtforms.validators import ValidationError

from portal.admin.query import to_key
from portal.core import access, clock
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.forms import chosen_labels, moment, zone_label
from portal.core.limits import limiter
from portal.core.types import zone, zone_names
from portal.hiring.models import Application
from portal.scheduling.intervals import Interval, common, day_start, starts
from portal.scheduling.models import SubjectType, WorkingHours
from portal.scheduling.queries import Diary, diaries, free_of, outside_of
from portal.scheduling.workflow import Party, Taken, in_words, party, ways_to_candidates

blueprint = Blueprint("availability", __name__, url_prefix="/scheduling")

AHEAD = timedelta(days=14)
_ARRANGE = (
    "schedule:interviews", "write:interviews", "schedule:mock_interviews", "write:mock_interviews", "write:training",
)  # fmt: skip
_STARTS: dict[str, str] = {
    SubjectType.TRAINING_SESSION: "session_start"
}  # fields of the form; else ``scheduled_start``
_PEOPLE = 50  # a panel may have, as far as the box goes
_MANY = 16  # starts on a day; more are thinned out to half hours


@dataclass(frozen=True)
class Asked:
    """What the box is asked about; all ids are known to the reader."""

    users: tuple[UUID, ...]
    candidates: tuple[UUID, ...]
    zone: str
    candidate_zone: str
    start: datetime | None
    end: datetime | None
    usual: timedelta  # how long it takes as long as no times are chosen
    subject_type: str
    subject: UUID | None

    @property
    def times(self) -> Interval | None:
        """What is chosen, where it is a time that an interview could have."""
        if self.start is None or self.end is None or not timedelta() < self.end - self.start <= timedelta(days=1):
            return None
        return self.start, self.end

    @property
    def length(self) -> timedelta:
        return self.times[1] - self.times[0] if self.times else self.usual

    @property
    def minutes(self) -> int:
        return int(self.length.total_seconds() // 60)


@blueprint.get("/mine")
@login_required  # type: ignore[untyped-decorator]
def mine() -> ResponseReturnValue:
    """One's own working hours: the row that is there, or the form of a new one."""
    access.require(current_user, "write:availability")
    key = db.session.scalar(sa.select(WorkingHours.id).where(WorkingHours.user_id == current_user.id))
    return redirect(f"/working-hours/{key}" if key else f"/working-hours/new?user_id={current_user.id}")


@blueprint.get("/free")
@login_required  # type: ignore[untyped-decorator]
@limiter.limit("240 per minute", key_func=lambda: current_user.get_id())
def free() -> ResponseReturnValue:
    """The common free times of the next two weeks, and what speaks against the time that is chosen."""
    access.require(current_user, *_ARRANGE)
    at = clock.now()
    asked = _asked(request.args)
    first, last = _span(asked, at)
    chosen = asked.times if asked.times and asked.times[0] > at - AHEAD else None  # years back there is much to read
    reach = (min(first, chosen[0]), max(last, chosen[1])) if chosen else (first, last)
    found = diaries(db.session, asked.users, asked.candidates, *reach, besides=asked.subject)
    if asked.candidate_zone:
        found |= {key: replace(found[key], zone=asked.candidate_zone) for key in asked.candidates}
    # A part of a page: what every page knows (who, the menu, its counts) is not asked for.
    return current_app.jinja_env.get_template("scheduling/free.html").render(
        warnings=_warnings(asked, chosen, found), minutes=asked.minutes,
        fields=_fields(asked), anybody=bool(found), unsaid=[diary.name for diary in found.values() if not diary.said],
        days=list(_days(asked, found, first, last)), candidate=_candidate(asked, found),
        between=[_day_name(end.astimezone(zone(asked.zone)).date()) for end in (first, last)],
    )  # fmt: skip


# --- what is asked ----------------------------------------------------------------------------------


def _asked(given: MultiDict[str, str]) -> Asked:
    """Raises Missing for an id that this reader does not know: a foreign one is as unknown as one never given."""
    subject = _key(given.get("subject"))
    who = party(db.session, given.get("type", ""), subject, current_user) if subject else Party((), (), "")
    zone_name = given.get("timezone") or who.timezone or current_user.timezone
    zone_name = zone_name if zone_name in zone_names() else current_user.timezone
    candidate_zone = given.get("candidate_timezone", "")
    usual, lasts = _length(given.get("minutes") or given.get("lasts", "")), "lasts" in given
    start = _moment(given.get("start"), zone_name)
    end = start + usual if start and lasts else _moment(given.get("end"), zone_name)
    return Asked(
        _users(given.getlist("user")) if "user" in given else who.users,
        who.candidates or _candidates(_key(given.get("application"))) or _by_another_way(given),
        zone_name, candidate_zone if candidate_zone in zone_names() else "",
        start, end, usual,
        given.get("type") or SubjectType.INTERVIEW, subject,
    )  # fmt: skip


def _key(text: str | None) -> UUID | None:
    if not text:
        return None
    if (key := to_key(text)) is None:
        raise Missing
    return key


def _length(text: str) -> timedelta:
    """As a template says; an hour where nothing sensible is said."""
    minutes = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    return timedelta(minutes=minutes if 5 <= minutes <= 1440 else 60)


def _users(given: list[str]) -> tuple[UUID, ...]:
    keys = tuple(dict.fromkeys(key for text in given[:_PEOPLE] if (key := _key(text))))
    if len(chosen_labels("users", keys)) != len(keys):
        raise Missing
    return keys


def _candidates(application: UUID | None) -> tuple[UUID, ...]:
    if application is None:
        return ()
    if not chosen_labels("applications", [application]):
        raise Missing
    found = db.session.scalar(sa.select(Application.candidate_id).where(Application.id == application))
    return (found,) if found else ()


def _by_another_way(given: MultiDict[str, str]) -> tuple[UUID, ...]:
    """Who takes part in what another field of the form names."""
    for name, find in ways_to_candidates().items():
        if key := _key(given.get(name)):
            return find(db.session, key, current_user)
    return ()


def _fields(asked: Asked) -> dict[str, str]:
    """The fields that a press on a time fills; what has a length has no end."""
    if asked.subject_type == SubjectType.INTERVIEW:
        return {"start": "scheduled_start", "end": "scheduled_end"}
    return {"start": _STARTS.get(asked.subject_type, "scheduled_start")}


def _moment(text: str | None, zone_name: str) -> datetime | None:
    """A time as the form has it; None while it is not finished, or is none on that day: the form says so itself."""
    try:
        wall = datetime.strptime(text or "", "%Y-%m-%dT%H:%M")  # noqa: DTZ007 - a zone comes with it
        return moment(wall, zone_name)
    except (ValueError, ValidationError):
        return None


def _span(asked: Asked, at: datetime) -> Interval:
    """The next two weeks; those around the chosen day, where that is farther away."""
    first = at
    if asked.times and asked.times[0] > at + AHEAD:
        first = day_start(asked.times[0].astimezone(zone(asked.zone)).date() - timedelta(days=1), asked.zone)
    return first, first + AHEAD


# --- what is answered -------------------------------------------------------------------------------


def _warnings(asked: Asked, chosen: Interval | None, found: dict[UUID, Diary]) -> list[str]:
    if chosen is None:
        return []
    start, end = chosen
    this = asked.subject or UUID(int=0)
    wanted = [Taken(key, asked.subject_type, this, start, end) for key in found]
    told = [f"{each.name}: {'; '.join(each.why)}." for each in outside_of(found, wanted)]
    hits = [each for diary in found.values() for each in diary.taken if each.start < end and each.end > start]
    by = current_user._get_current_object()
    return ([in_words(db.session, hits, asked.zone, by)] if hits else []) + told


def _candidate(asked: Asked, found: dict[UUID, Diary]) -> Diary | None:
    """Whose clock is shown too; None where it shows the same."""
    diary = next((found[key] for key in asked.candidates if key in found), None)
    return diary if diary is not None and diary.zone != asked.zone else None


def _days(asked: Asked, found: dict[UUID, Diary], first: datetime, last: datetime) -> Iterator[dict[str, Any]]:
    here = zone(asked.zone)
    windows = free_of(found.values(), asked.minutes, first, last)
    possible = [start for window in windows for start in starts(window, asked.length) if _can_be_typed(start, asked)]
    for day, these in groupby(possible, key=lambda start: start.astimezone(here).date()):
        begins, ends = day_start(day, asked.zone), day_start(day + timedelta(days=1), asked.zone)
        yield {
            "name": _day_name(day), "offset": zone_label(asked.zone, begins).rpartition(", ")[2],
            "windows": [_clocks(window, day, asked.zone) for window in common([windows, [(begins, ends)]])],
            "starts": [_start(start, asked, found) for start in _thinned(list(these))],
        }  # fmt: skip


def _can_be_typed(start: datetime, asked: Asked) -> bool:
    """Of an hour that the clocks show twice, a form can name the first alone."""
    return all(_moment(_wall(at, asked.zone), asked.zone) == at for at in (start, start + asked.length))


def _thinned(these: list[datetime]) -> list[datetime]:
    return these if len(these) <= _MANY else [start for start in these if start.minute % 30 == 0]


def _start(start: datetime, asked: Asked, found: dict[UUID, Diary]) -> dict[str, str]:
    end, candidate = start + asked.length, _candidate(asked, found)
    theirs = start.astimezone(zone(candidate.zone)) if candidate else None
    own = start.astimezone(zone(asked.zone))
    other_day = f"{theirs:%a} " if theirs and theirs.date() != own.date() else ""
    return {
        "start": _wall(start, asked.zone), "end": _wall(end, asked.zone), "clock": f"{own:%H:%M}",
        "until": f"{end.astimezone(zone(asked.zone)):%H:%M}", "theirs": f"{other_day}{theirs:%H:%M}" if theirs else "",
    }  # fmt: skip


def _wall(at: datetime, zone_name: str) -> str:
    return f"{at.astimezone(zone(zone_name)):%Y-%m-%dT%H:%M}"


def _clocks(window: Interval, day: date, zone_name: str) -> str:
    start, end = (at.astimezone(zone(zone_name)) for at in window)
    return f"{start:%H:%M}–{'24:00' if end.date() > day and end.time() == time() else format(end, '%H:%M')}"


def _day_name(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"
