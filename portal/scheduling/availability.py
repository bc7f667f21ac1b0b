"""Grids of people's time: working hours, time off, engagements; and what they add to forms, pages and the home."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from wtforms.validators import ValidationError

from portal.admin.additions import Aside, aside, panel, remark
from portal.admin.cells import when
from portal.admin.grid import Column, Filter, FormField, Grid, grids, options, to
from portal.admin.home import card, quick
from portal.core import access, clock, records
from portal.core.errors import Invalid
from portal.core.forms import moment
from portal.core.search import like
from portal.core.types import words, zone
from portal.core.workflow import Change
from portal.hiring.models import Candidate
from portal.people.models import User
from portal.scheduling.hours import DEFAULT
from portal.scheduling.intervals import DAY, day_start
from portal.scheduling.models import WEEKDAYS, Engagement, SubjectType, TimeOff, TimeOffKind, WorkingHours
from portal.scheduling.queries import Outside, engaged, outside, said_outside
from portal.scheduling.workflow import Taken, titles_of

_WRITE = ("write:availability",)
_OTHERS = "export:availability"  # whoever may take these records out may choose whose they are
_SHOWN = 50  # engagements listed on a page
_LOOKED_THROUGH = 1000  # engagements, at most, that a page or a card judges
# Where a subject has its page.
_PAGES = {
    SubjectType.INTERVIEW: "interviews", SubjectType.MOCK_INTERVIEW: "mock-interviews",
    SubjectType.TRAINING_SESSION: "training-sessions",
}  # fmt: skip


# --- writing ----------------------------------------------------------------------------------------


def _for_oneself(values: dict[str, Any], change: Change) -> dict[str, Any]:
    return values | {"user_id": values.get("user_id") or change.actor}


def _require_own(session: Any, row: Any, change: Change) -> None:
    """Raises Invalid where the row is of somebody whose time this user does not keep."""
    if change.by is not None and not access.allows(session, change.by, row, *_WRITE):
        raise Invalid({"user_id": "You may enter your own time only."})


def _create_hours(session: Any, values: dict[str, Any], change: Change) -> WorkingHours:
    values = _for_oneself(values, change)
    _check_limits(values)
    theirs = sa.select(WorkingHours.id).where(WorkingHours.user_id == values["user_id"])
    if session.scalar(theirs) is not None:
        raise Invalid({"user_id": "This person has working hours already; change those."})
    row = records.create(session, WorkingHours, values)
    _require_own(session, row, change)
    return row


def _update_hours(session: Any, row: WorkingHours, values: dict[str, Any], version: int, change: Change) -> Any:
    _check_limits(values)
    return records.update(session, row, values, version)


def _check_limits(values: Mapping[str, Any]) -> None:
    low = [name for name in ("max_per_day", "max_per_week") if values.get(name) is not None and values[name] < 1]
    if low:
        raise Invalid(dict.fromkeys(low, "At least 1; leave it empty for no limit."))


def _create_time_off(session: Any, values: dict[str, Any], change: Change) -> TimeOff:
    row = records.create(session, TimeOff, _for_oneself(_times(values), change))
    _require_own(session, row, change)
    return row


def _update_time_off(session: Any, row: TimeOff, values: dict[str, Any], version: int, change: Change) -> Any:
    return records.update(session, row, _times(values), version)


def _times(values: dict[str, Any]) -> dict[str, Any]:
    """``values`` with start and end made of days and times: no time is the whole day, no last day the first one."""
    values = dict(values)
    first, begins, last, ends = (values.pop(name) for name in ("first_day", "from_time", "last_day", "until_time"))
    last = last or first
    _check_days(first, last)
    zone_name = values["timezone"]
    start = _at("from_time", first, begins, zone_name) if begins else day_start(first, zone_name)
    end = _at("until_time", last, ends, zone_name) if ends else day_start(last + DAY, zone_name)
    if end <= start:
        raise Invalid({"until_time" if last == first else "last_day": "The end must be after the start."})
    return values | {"start": start, "end": end}


def _check_days(first: date, last: date) -> None:
    for name, day in (("first_day", first), ("last_day", last)):
        if not 1900 < day.year < 8999:
            raise Invalid({name: "Please give a year between 1901 and 8998."})
    if last < first:
        raise Invalid({"last_day": "The last day must not be before the first."})


def _at(field: str, day: date, clock_time: time, zone_name: str) -> datetime:
    try:
        return moment(datetime.combine(day, clock_time), zone_name)
    except ValidationError as error:
        raise Invalid({field: str(error)}) from None


# What the form of a row starts with.


def _first_day(session: Any, row: TimeOff) -> date:
    return row.start.astimezone(zone(row.timezone)).date()


def _from_time(session: Any, row: TimeOff) -> time | None:
    whole = row.start == day_start(_first_day(session, row), row.timezone)
    return None if whole else row.start.astimezone(zone(row.timezone)).time()


def _ends_with_a_day(row: TimeOff) -> bool:
    return row.end == day_start(row.end.astimezone(zone(row.timezone)).date(), row.timezone)


def _last_day(session: Any, row: TimeOff) -> date:
    day = row.end.astimezone(zone(row.timezone)).date()
    return day - DAY if _ends_with_a_day(row) else day


def _until_time(session: Any, row: TimeOff) -> time | None:
    return None if _ends_with_a_day(row) else row.end.astimezone(zone(row.timezone)).time()


# --- what is left outside ---------------------------------------------------------------------------


def _ahead(session: Any, *conditions: Any) -> list[Taken]:
    """Engagements that end in the future, the next first; those that are over, cancelled or done take no time."""
    query = engaged().where(Engagement.end > clock.now(), *conditions)
    rows = session.execute(query.order_by(Engagement.start, Engagement.id).limit(_LOOKED_THROUGH))
    return [Taken(*row) for row in rows]


def _outside_hours(session: Any, row: WorkingHours) -> list[Outside]:
    return outside(session, _ahead(session, Engagement.person_id == row.user_id))


def _outside_time_off(session: Any, row: TimeOff) -> list[Outside]:
    within = (Engagement.start < row.end, Engagement.end > row.start)
    return outside(session, _ahead(session, Engagement.person_id == row.user_id, *within))


def _left(session: Any, found: Sequence[Outside], user: Any, empty: str) -> dict[str, Any]:
    titles = titles_of(session, [each.taken for each in found[:_SHOWN]], user)
    more = f" (the first {_SHOWN} of {len(found)})" if len(found) > _SHOWN else ""
    return {
        "title": f"Left outside{more}", "icon": "exclamation-triangle", "empty": empty,
        "columns": ["What", "Start", "Why"],
        "rows": [
            [what(each.taken, titles), {"kind": "datetime", "text": when(each.taken.start, user.timezone)},
             {"kind": "text", "text": _sentence(each.why)}]
            for each in found[:_SHOWN]
        ],
    }  # fmt: skip


def what(taken: Taken, titles: Mapping[UUID, str]) -> dict[str, Any]:
    """The subject as a cell: with its title and a link where the reader may open it."""
    if taken.subject not in titles:
        return {"kind": "text", "text": words(taken.subject_type)}
    grid = grids().get(_PAGES.get(SubjectType(taken.subject_type), ""))
    return {"kind": "title", "text": titles[taken.subject], "url": grid.row_url(taken.subject) if grid else None}


def _sentence(why: Sequence[str]) -> str:
    text = "; ".join(why)
    return text[:1].upper() + text[1:] + "."


def _left_by_hours(session: Any, row: WorkingHours, user: Any) -> dict[str, Any]:
    return _left(session, _outside_hours(session, row), user, "All that is ahead lies within these hours and limits.")


def _left_by_time_off(session: Any, row: TimeOff, user: Any) -> dict[str, Any]:
    return _left(session, _outside_time_off(session, row), user, "Nothing is arranged for this time.")


@remark("working-hours", "new", "edit")
def _tell_hours(session: Any, row: WorkingHours, user: Any) -> str:
    return _count(len(_outside_hours(session, row)))


@remark("time-off", "new", "edit")
def _tell_time_off(session: Any, row: TimeOff, user: Any) -> str:
    return _count(len(_outside_time_off(session, row)))


def _count(number: int) -> str:
    if not number:
        return ""
    return f"{number} {'engagement is' if number == 1 else 'engagements are'} left outside; see below."


# --- grids ------------------------------------------------------------------------------------------

_USER = {"user": (User, to(User, WorkingHours.user_id), False)}

WORKING_HOURS = Grid(
    WorkingHours, "working-hours", "Working hours", "working hours", "clock", "People",
    description="When each person works, on the clock of their own zone. "
                "Who is not listed is taken to work Monday to Friday, 09:00-17:00.",
    columns=(
        Column("user", "Person", User.full_name, "person", ("user",), link="users",
               link_id=WorkingHours.user_id),
        Column("timezone", "Their zone", User.timezone, "zone", ("user",)),
        *(Column(day, day.capitalize(), getattr(WorkingHours, day), "hours") for day in WEEKDAYS),
        Column("max_per_day", "At most a day", WorkingHours.max_per_day, "number"),
        Column("max_per_week", "At most a week", WorkingHours.max_per_week, "number"),
    ),
    joins=_USER,
    filters=(Filter("user", "Person", "reference", WorkingHours.user_id, lookup="users"),),
    search=(
        lambda p: sa.select(WorkingHours.id).join(User, to(User, WorkingHours.user_id))
        .where(like(User.search_text, p)),
    ),
    search_hint="Name",
    sections=(
        ("Hours, on the clock of the person's own zone", (
            FormField("user_id", "Person", lookup="users", on=("new",), permission=_OTHERS, required=False,
                      help="You, unless you choose somebody else."),
            *(FormField(day, help="Such as 09:00-12:30, 13:30-17:00; empty for a day off." if day == "monday" else "",
                        start=DEFAULT if day not in ("saturday", "sunday") else None) for day in WEEKDAYS),
        )),
        ("Limits", (
            FormField("max_per_day", "At most a day", help="Interviews and the like that start on one day."),
            FormField("max_per_week", "At most a week", help="From Monday to Sunday."),
        )),
    ),
    create=_create_hours, update=_update_hours, write=_WRITE, can_delete=True, panels=(_left_by_hours,),
)  # fmt: skip

TIME_OFF = Grid(
    TimeOff, "time-off", "Time off", "time off", "calendar-x", "People",
    description="When people are away, or not to be asked, although they would work.",
    columns=(
        Column("user", "Person", User.full_name, "person", ("user",), link="users", link_id=TimeOff.user_id),
        Column("kind", "Kind", TimeOff.kind, "choice", tones={
            "vacation": "teal", "sick": "orange", "meeting": "blue", "holiday": "purple", "blocked": "grey"}),
        Column("start", "From", TimeOff.start, "datetime", sort=True),
        Column("end", "To", TimeOff.end, "datetime"),
        Column("timezone", "Entered in", TimeOff.timezone, "zone", shown=False),
        Column("notes", "Notes", TimeOff.notes),
    ),
    joins={"user": (User, to(User, TimeOff.user_id), False)},
    filters=(
        Filter("user", "Person", "reference", TimeOff.user_id, lookup="users"),
        Filter("kind", "Kind", "choice", TimeOff.kind, choices=options(TimeOffKind)),
        Filter("when", "From", "date", TimeOff.start),
    ),
    default_sort="-start",
    search=(
        lambda p: sa.select(TimeOff.id).join(User, to(User, TimeOff.user_id)).where(like(User.search_text, p)),
    ),
    search_hint="Name",
    sections=(
        ("Who and why", (
            FormField("user_id", "Person", lookup="users", on=("new",), permission=_OTHERS, required=False,
                      help="You, unless you choose somebody else."),
            FormField("kind"), FormField("notes"),
        )),
        ("When", (
            FormField("first_day", "First day", kind="date", value=_first_day, required=True),
            FormField("from_time", "From", kind="time", value=_from_time, help="Empty: the whole day."),
            FormField("last_day", "Last day", kind="date", value=_last_day, help="Empty: the first day alone."),
            FormField("until_time", "Until", kind="time", value=_until_time, help="Empty: to the end of that day."),
            FormField("timezone", "Zone of these times", required=True),
        )),
    ),
    create=_create_time_off, update=_update_time_off, write=_WRITE, can_delete=True, panels=(_left_by_time_off,),
    views=(("Next 30 days", "when=next_30_days&sort=start"),),
)  # fmt: skip

_Candidate = aliased(Candidate, name="engaged_candidate")
_NAME = sa.func.coalesce(User.full_name, _Candidate.first_name + " " + _Candidate.last_name)
_INTERVIEW = sa.case((Engagement.subject_type == SubjectType.INTERVIEW.value, Engagement.subject_id))
_SUBJECT = sa.case({kind.value: words(kind.value) for kind in SubjectType}, value=Engagement.subject_type)
_OVERRULED = Engagement.overrule_reason != ""

ENGAGEMENTS = Grid(
    Engagement, "engagements", "Engagements", "engagement", "calendar-range", "Interviews",
    description="Who is busy when, and with what. What is cancelled or over takes nobody's time and is not listed.",
    columns=(
        Column("who", "Who", _NAME, "person", ("user", "candidate")),
        Column("subject_type", "With", _SUBJECT, "title", link="interviews", link_id=_INTERVIEW),
        Column("start", "From", Engagement.start, "datetime", sort=True),
        Column("end", "To", Engagement.end, "datetime"),
        Column("overrule_reason", "Overruled because", Engagement.overrule_reason),
        Column("created_at", "Arranged", Engagement.created_at, "datetime", shown=False),
    ),
    joins={"user": (User, to(User, Engagement.user_id), True),
           "candidate": (_Candidate, to(_Candidate, Engagement.candidate_id), True)},
    filters=(
        Filter("user", "Person", "reference", Engagement.person_id, lookup="users"),
        Filter("candidate", "Candidate", "reference", Engagement.person_id, lookup="candidates",
               permission="read:candidates"),
        Filter("when", "From", "date", Engagement.start),
        Filter("type", "With", "choice", Engagement.subject_type, choices=options(SubjectType)),
        Filter("overruled", "Overruled", "bool", where=lambda v: _OVERRULED if v == "1" else sa.not_(_OVERRULED)),
    ),
    default_sort="-start",
    search=(
        lambda p: sa.select(Engagement.id).join(User, to(User, Engagement.user_id)).where(like(User.search_text, p)),
        lambda p: sa.select(Engagement.id).join(Candidate, to(Candidate, Engagement.candidate_id))
        .where(like(Candidate.search_text, p)),
    ),
    search_hint="Name",
    views=(("Overruled clashes ahead", "overruled=1&when=next_30_days&sort=start"),),
)  # fmt: skip

GRIDS = (WORKING_HOURS, TIME_OFF, ENGAGEMENTS)


@panel("engagements")
def _subject(session: Any, row: Engagement, user: Any) -> dict[str, Any]:
    taken = Taken(row.person_id, row.subject_type, row.subject_id, row.start, row.end)
    titles = titles_of(session, [taken], user)
    return {"title": "With", "icon": "calendar-event", "columns": ["What", "Type"],
            "rows": [[what(taken, titles), {"kind": "choice", "text": words(row.subject_type)}]]}  # fmt: skip


# --- beside the forms of interviews -----------------------------------------------------------------

_USERS_CHOSEN = "select[data-lookup='/lookup/users']:not([name='organizer_id'])"
_TIMES = {"start": "[name='scheduled_start']", "end": "[name='scheduled_end']"}


def _box(url: str, sends: Mapping[str, str], after: str = "") -> Aside:
    return Aside("Free times", "clock", url, sends, after)


@aside("interviews", "new", "edit")
def _beside_a_form(row: Any, user: Any) -> Aside:
    sends = {
        **_TIMES, "timezone": "[name='timezone']", "candidate_timezone": "[name='candidate_timezone']",
        "user": _USERS_CHOSEN, "application": "[name='application_id']", "minutes": "[data-length]",
    }  # fmt: skip
    return _box("/scheduling/free" + (_about(row) if row is not None else ""), sends, "interviewers")


@aside("interviews", "reschedule")
def _beside_a_move(row: Any, user: Any) -> Aside:
    return _box("/scheduling/free" + _about(row), _TIMES)


def _about(row: Any) -> str:
    return f"?type={SubjectType.INTERVIEW}&subject={row.id}"


# Another template may fill in the end.
_WHO_AND_WHEN = (
    "template_id", "scheduled_start", "scheduled_end", "timezone", "interviewers", "shadows", "candidate_timezone",
)  # fmt: skip


@remark("interviews", "new", "edit", "reschedule", fields=_WHO_AND_WHEN)
def _warn(session: Any, row: Any, user: Any) -> str:
    """What was saved although it lies outside somebody's hours: that is for people to decide."""
    return said_outside(session, row.id)


# --- home -------------------------------------------------------------------------------------------


@quick
def _my_hours(user: Any) -> dict[str, str] | None:
    if not access.may(user, *_WRITE):
        return None
    return {"label": "My working hours", "url": "/scheduling/mine", "icon": "clock"}


def _keeps_everybodys(user: Any) -> bool:
    return access.Reach.TENANT in user.grants.reaches("write:availability")


@card(30)
def _overruled(session: Any, user: Any, at: datetime) -> dict[str, Any] | None:
    """Clashes ahead that somebody knowingly let stand."""
    if not _keeps_everybodys(user):
        return None
    query = engaged().where(Engagement.tenant_id == user.tenant_id, _OVERRULED, Engagement.start >= at)
    found = [Taken(*row) for row in session.execute(query.order_by(Engagement.start, Engagement.id).limit(24))]
    if not found:
        return None
    subjects = {each.subject: each for each in found}
    titles = titles_of(session, found, user)
    return {
        "title": "Overruled clashes ahead", "icon": "exclamation-triangle", "count": None,
        "rows": [_row(each, titles, "", user) for each in list(subjects.values())[:8]],
        "url": f"{ENGAGEMENTS.url}?overruled=1&sort=start",
    }  # fmt: skip


@card(30)
def _outside_soon(session: Any, user: Any, at: datetime) -> dict[str, Any] | None:
    """Who is engaged outside their hours in the next seven days."""
    if not _keeps_everybodys(user):
        return None
    soon = (Engagement.tenant_id == user.tenant_id, Engagement.user_id.is_not(None),
            Engagement.start >= at, Engagement.start < at + timedelta(days=7))  # fmt: skip
    looked = _ahead(session, *soon)
    whole = len(looked) < _LOOKED_THROUGH
    found = outside(session, looked, None if whole else 8)  # without all of them there is no number to tell
    titles = titles_of(session, [each.taken for each in found[:8]], user)
    within = "the next 7 days" if whole else f"the next {_LOOKED_THROUGH:,} engagements"
    return {
        "title": "Outside working hours", "icon": "clock-history", "count": len(found) if whole else None,
        "rows": [_row(each.taken, titles, f"{each.name}: {each.why[0]}", user) for each in found[:8]],
        "url": f"{ENGAGEMENTS.url}?when=next_7_days&sort=start",
        "empty": f"Of {within}, nothing lies outside anybody's hours.",
    }  # fmt: skip


def _row(taken: Taken, titles: Mapping[UUID, str], meta: str, user: Any) -> dict[str, Any]:
    cell = what(taken, titles)
    return {"title": cell["text"], "url": cell.get("url") or ENGAGEMENTS.url, "meta": meta,
            "when": when(taken.start, user.timezone)}  # fmt: skip
