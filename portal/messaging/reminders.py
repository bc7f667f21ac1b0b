"""Reminders are rows: written in the transaction that makes a schedule, void in the one that changes it.

Between the due time and the last useful one a new reminder goes out at once; after it, none is written. One that
was written in time and comes late, because nobody was there to send it, goes out while the interview is still
ahead, but only the nearest: who gets "in 1 hour" needs no "in 1 day" any more.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import object_session

from portal.core import clock, events, underway
from portal.core.db import among, among_given, listed
from portal.core.events import Event
from portal.core.tenancy import tenant_id
from portal.hiring.models import Application
from portal.interviews.models import AHEAD, Interview, Panelist
from portal.messaging.models import Reminder
from portal.messaging.sql import inserting, new_key, shifted
from portal.practice.models import MockInterview, MockStatus


@dataclass(frozen=True)
class Rule:
    """``due`` and ``last_useful`` are lengths of time before the start."""

    kind: str
    due: timedelta
    last_useful: timedelta


RULES: tuple[Rule, ...] = (
    Rule("1day", timedelta(hours=24), timedelta(hours=23)),
    Rule("1hour", timedelta(minutes=60), timedelta(minutes=55)),
    Rule("15min", timedelta(minutes=15), timedelta(minutes=5)),
)


@dataclass(frozen=True)
class Readers:
    """Who is reminded of rows of ``model`` while they stand at one of ``statuses``: the users or candidates whose
    key is ``who`` once ``joined`` is there."""

    subject: str
    model: Any
    statuses: Sequence[str]
    who: Any
    joined: Any
    users: bool


def _beside(model: Any, other: Any, key: Any, mine: Any) -> tuple[Any, Any]:
    return other, sa.and_(other.tenant_id == model.tenant_id, key == mine)


READERS: tuple[Readers, ...] = (
    Readers("interview", Interview, AHEAD, Application.candidate_id,
            _beside(Interview, Application, Application.id, Interview.application_id), users=False),
    Readers("interview", Interview, AHEAD, Panelist.user_id,
            _beside(Interview, Panelist, Panelist.interview_id, Interview.id), users=True),
    Readers("mock_interview", MockInterview, (MockStatus.SCHEDULED,), Application.candidate_id,
            _beside(MockInterview, Application, Application.id, MockInterview.application_id), users=False),
    Readers("mock_interview", MockInterview, (MockStatus.SCHEDULED,), MockInterview.coordinator_id, None, users=True),
)  # fmt: skip

REMINDERS: sa.Table = sa.inspect(Reminder).local_table  # type: ignore[assignment]
WAITING = sa.and_(REMINDERS.c.queued_at.is_(None), REMINDERS.c.void_at.is_(None))


def install() -> None:
    """Hang the reminders on the events that make, change and end a schedule."""
    for name in ("InterviewScheduled", "InterviewerAdded"):
        events.listen(name, _writing("interview"))
    events.listen("InterviewRescheduled", _renewing("interview"))
    events.listen("MockInterviewScheduled", _writing("mock_interview"))
    for name in ("MockInterviewRescheduled", "MockInterviewHandedOver"):
        events.listen(name, _renewing("mock_interview"))
    for subject in ("Interview", "MockInterview"):
        for ending in ("Cancelled", "NoShow", "Completed", "Started"):
            events.listen(f"{subject}{ending}", _void_for)
    events.listen("InterviewerRemoved", _void_for_removed)


# --- what an interview derives from them (SPEC §1) ---------------------------------------------------


def needs(interview: Interview, rule: Rule) -> bool:
    """Whether the rule's reminder is called for right now: ahead, within its time, and nobody has it yet."""
    left = interview.scheduled_start - clock.now()
    within = rule.last_useful <= left <= rule.due
    return interview.status in AHEAD and within and not was_sent(interview, rule)


def was_sent(interview: Interview, rule: Rule) -> bool:
    """Whether the rule's reminder of the present schedule has gone out, to one of its readers at least."""
    session = object_session(interview)
    if session is None:  # a row that is not kept yet has no reminders
        return False
    of_this = (Reminder.subject_id == interview.id, Reminder.schedule_version == interview.reschedule_count)
    query = sa.select(Reminder.id).where(*of_this, Reminder.kind == rule.kind, Reminder.sent_at.is_not(None))
    return session.scalar(query.limit(1)) is not None


# ``needs_1day_reminder``, ``reminder_sent_1day`` and so on: said here because interviews do not know of messages.
for _rule in RULES:
    setattr(Interview, f"needs_{_rule.kind}_reminder", property(partial(needs, rule=_rule)))
    setattr(Interview, f"reminder_sent_{_rule.kind}", property(partial(was_sent, rule=_rule)))


# --- with the schedule ------------------------------------------------------------------------------

_Listener = Callable[[Any, Sequence[Event], datetime], None]


def _subjects(told: Sequence[Event]) -> list[UUID]:
    return list(dict.fromkeys(event.subject for event in told))


def _writing(subject: str) -> _Listener:
    return lambda session, told, at: write(session, subject, _subjects(told), at)


def _renewing(subject: str) -> _Listener:
    def renew(session: Any, told: Sequence[Event], at: datetime) -> None:
        void(session, _subjects(told), at)
        write(session, subject, _subjects(told), at)

    return renew


def _void_for(session: Any, told: Sequence[Event], at: datetime) -> None:
    # Not those of owed feedback, which begin with the interview's end.
    void(session, _subjects(told), at, REMINDERS.c.kind.in_([rule.kind for rule in RULES]))


def _void_for_removed(session: Any, told: Sequence[Event], at: datetime) -> None:
    void_of_users(session, told, at)


def void_of_users(session: Any, told: Sequence[Event], at: datetime) -> None:
    """Let no reminder go out any more that the user whom each event names would get of its subject."""
    subjects: dict[UUID, list[UUID]] = defaultdict(list)
    for event in told:
        subjects[UUID(event.payload["user"])].append(event.subject)
    for user, theirs in subjects.items():
        void(session, theirs, at, REMINDERS.c.user_id == user)


def void(session: Any, subjects: Collection[UUID], at: datetime, *more: sa.ColumnElement[bool]) -> None:
    """Let no reminder of ``subjects`` that still waits go out."""
    mine = (REMINDERS.c.tenant_id == tenant_id(), among(session, REMINDERS.c.subject_id, subjects))
    session.execute(sa.update(REMINDERS).where(*mine, WAITING, *more).values(void_at=at))


def write(session: Any, subject: str, keys: Collection[UUID], at: datetime) -> None:
    """Write all reminders that the schedules of ``keys`` call for, in one statement; those that exist stay as they
    are."""
    session.flush()
    starts = {_from(rule): at + rule.last_useful for rule in RULES}
    given = {"owner": tenant_id(), "keys": listed(session, keys), "at": at, **starts}
    underway.write(session, _writing_all(session, subject), given)


_known: dict[tuple[str, str], Any] = {}


def _writing_all(session: Any, subject: str) -> Any:
    """The statement of ``write``; made once, since that takes longer than to execute it."""
    known = (session.get_bind().dialect.name, subject)
    if known not in _known:
        called_for = (
            _called_for(rule, readers, among_given(session, readers.model.id, "keys"))
            for rule in RULES for readers in READERS if readers.subject == subject
        )  # fmt: skip
        _known[known] = _insert(session, sa.union_all(*called_for))
    return _known[known]


def _from(rule: Rule) -> str:
    return f"from_{rule.kind}"


_COLUMNS = (
    "tenant_id", "id", "subject_type", "subject_id", "schedule_version", "kind", "recipient_id", "user_id",
    "candidate_id", "due_at", "last_useful_at", "created_at",
)  # fmt: skip


def _called_for(rule: Rule, readers: Readers, these: sa.ColumnElement[bool]) -> sa.Select[Any]:
    times = Reminder.created_at.type
    model, start, nobody = readers.model, readers.model.scheduled_start, sa.cast(sa.null(), sa.Uuid())
    user, candidate = (readers.who, nobody) if readers.users else (nobody, readers.who)
    query = sa.select(
        model.tenant_id, new_key(), sa.literal(readers.subject), model.id, model.reschedule_count,
        sa.literal(rule.kind), readers.who, user, candidate, shifted(start, -rule.due),
        shifted(start, -rule.last_useful), sa.bindparam("at", type_=times),
    ).where(
        model.tenant_id == sa.bindparam("owner"),
        these,
        model.status.in_(readers.statuses),
        start >= sa.bindparam(_from(rule), type_=times),
    )  # fmt: skip
    return query.join(*readers.joined) if readers.joined else query


def _insert(session: Any, source: sa.CompoundSelect[Any]) -> Any:
    # Who left and came back has a row already, void: it counts again unless it went out.
    once = ("tenant_id", "subject_id", "schedule_version", "kind", "recipient_id")
    statement = inserting(session, REMINDERS).from_select(_COLUMNS, source)
    return statement.on_conflict_do_update(
        index_elements=once, set_={"void_at": None}, where=REMINDERS.c.queued_at.is_(None)
    )
