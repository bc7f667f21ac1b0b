"""A user's appointments as a calendar that programs subscribe to by a secret link.

Only the secret's hash is kept, so the link is shown once. Whoever has it reads what its owner would be shown in
their own calendar, and nothing else: what they organize, the panels they sit on and have not declined, the mock
interviews they coordinate and the sessions they conduct.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from icalendar import Event
from sqlalchemy.orm import joinedload

from portal.core import access, languages
from portal.core.db import new_id
from portal.core.tenancy import everywhere
from portal.hiring.models import Application, Candidate, Job
from portal.interviews.models import Interview, InterviewStatus, Panelist, Reply
from portal.messaging import facts, invitations, mocks
from portal.messaging.facts import Facts, Person
from portal.messaging.inbox import CalendarFeed
from portal.messaging.sql import inserting
from portal.people.models import ROLES_HELD, User
from portal.practice.models import MockInterview, MockStatus, SessionStatus, TrainingAssignment, TrainingSession

BEFORE, AHEAD = timedelta(days=30), timedelta(days=180)
MOST = 1_000
"""Events of each kind."""
NOTED_EVERY = timedelta(hours=1)
_FEEDS: sa.Table = sa.inspect(CalendarFeed).local_table  # type: ignore[assignment]


# --- the link ----------------------------------------------------------------------------------------


def renew(session: Any, user: User, at: datetime) -> str:
    """A new secret for the user's link; the one before ends."""
    secret = secrets.token_urlsafe(32)
    fresh = {"secret_hash": _hash(secret), "last_used_at": None, "created_at": at}
    made = inserting(session, _FEEDS).values(tenant_id=user.tenant_id, id=new_id(), user_id=user.id, **fresh)
    session.execute(made.on_conflict_do_update(index_elements=["tenant_id", "user_id"], set_=fresh))
    return secret


def revoke(session: Any, user: User) -> None:
    """End the user's link."""
    session.execute(sa.delete(CalendarFeed).where(CalendarFeed.user_id == user.id))


def standing(session: Any, user: User) -> CalendarFeed | None:
    """The user's link as far as we know it, None where there is none."""
    return session.scalar(sa.select(CalendarFeed).where(CalendarFeed.user_id == user.id))  # type: ignore[no-any-return]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def owner(session: Any, secret: str) -> tuple[User, CalendarFeed] | None:
    """Whose link this is, with what they may; None where it is nobody's, or of somebody who is no longer active."""
    mine = sa.and_(CalendarFeed.tenant_id == User.tenant_id, CalendarFeed.user_id == User.id)
    query = (
        sa.select(User, CalendarFeed, ROLES_HELD)
        .join(CalendarFeed, mine)
        .where(CalendarFeed.secret_hash == _hash(secret), User.active.is_(True))
        .options(joinedload(User.tenant, innerjoin=True))
    )
    with everywhere(session):
        found = session.execute(query).one_or_none()
    if found is None:
        return None
    user, feed, held = found
    user.learn_roles(held)
    return user, feed


def note_use(session: Any, feed: UUID, at: datetime) -> None:
    """Write down that the link is in use, once an hour at most. Commits."""
    stale = sa.or_(CalendarFeed.last_used_at.is_(None), CalendarFeed.last_used_at <= at - NOTED_EVERY)
    session.execute(sa.update(CalendarFeed).where(CalendarFeed.id == feed, stale).values(last_used_at=at))
    session.commit()


# --- what it shows -----------------------------------------------------------------------------------


def calendar(session: Any, user: User, at: datetime) -> bytes:
    """The user's appointments from 30 days back to 180 days ahead; what was cancelled in the last 30 days stands
    among them as such. The same number of statements, however many there are."""
    reader = facts.person(user.id, user.full_name, user.email, user.timezone, user.locale, user.active)
    events = [
        *(_interviews(session, user, reader, at) if access.may(user, "read:interviews") else ()),
        *(_mocks(session, user, reader, at) if access.may(user, "read:mock_interviews") else ()),
        *(_sessions(session, user, at) if access.may(user, "read:training") else ()),
    ]
    made = invitations.calendar("PUBLISH", events)
    made.add("x-wr-calname", f"{user.tenant.name}: {user.full_name}")
    made.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", "PT1H")
    return bytes(made.to_ical())


def _within(start: Any, at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return start >= at - BEFORE, start < at + AHEAD


def _interviews(session: Any, user: User, reader: Person, at: datetime) -> list[Event]:
    columns = (Interview.id, Interview.scheduled_start, Interview.updated_at)
    recent = sa.or_(Interview.status != InterviewStatus.CANCELLED, Interview.cancelled_at >= at - BEFORE)
    wanted = (*_within(Interview.scheduled_start, at), recent)
    seat = sa.and_(Panelist.tenant_id == Interview.tenant_id, Panelist.interview_id == Interview.id)
    seated = sa.select(*columns).join(Panelist, seat).where(Panelist.user_id == user.id, *wanted)
    organized = sa.select(*columns).where(Interview.organizer_id == user.id, *wanted)
    either = sa.union(seated.where(Panelist.reply != Reply.DECLINED), organized).order_by("scheduled_start", "id")
    changed = {row.id: row.updated_at for row in session.execute(either.limit(MOST))}
    known = facts.load(session, changed)
    return [_appointment(known[key], reader, stamp) for key, stamp in changed.items() if key in known]


def _mocks(session: Any, user: User, reader: Person, at: datetime) -> list[Event]:
    recent = sa.or_(MockInterview.status != MockStatus.CANCELLED, MockInterview.cancelled_at >= at - BEFORE)
    query = (
        sa.select(MockInterview.id, MockInterview.updated_at)
        .where(MockInterview.coordinator_id == user.id, *_within(MockInterview.scheduled_start, at), recent)
        .order_by(MockInterview.scheduled_start, MockInterview.id)
    )
    changed = {row.id: row.updated_at for row in session.execute(query.limit(MOST))}
    known = mocks.load(session, changed)
    return [_appointment(known[key], reader, stamp) for key, stamp in changed.items() if key in known]


def _appointment(known: Facts, reader: Person, stamp: datetime) -> Event:
    event = invitations.appointment(known, reader, languages.of(reader.locale), stamp)
    event.add("status", _status(known.status))
    return event


def _status(status: str) -> str:
    return "CANCELLED" if status == "cancelled" else "CONFIRMED"


def _sessions(session: Any, user: User, at: datetime) -> list[Event]:
    S, A = TrainingSession, TrainingAssignment
    recent = sa.or_(S.status != SessionStatus.CANCELLED, S.updated_at >= at - BEFORE)
    query = (
        sa.select(S, Candidate, Job.title.label("job"))
        .join(A, sa.and_(A.tenant_id == S.tenant_id, A.id == S.assignment_id))
        .join(Application, sa.and_(Application.tenant_id == A.tenant_id, Application.id == A.application_id))
        .join(Candidate, sa.and_(Candidate.tenant_id == A.tenant_id, Candidate.id == Application.candidate_id))
        .join(Job, sa.and_(Job.tenant_id == A.tenant_id, Job.id == Application.job_id))
        .where(S.conducted_by_id == user.id, *_within(S.session_start, at), recent)
        .order_by(S.session_start, S.id)
    )
    return [_session(row, user) for row in session.execute(query.limit(MOST))]


def _session(row: Any, user: User) -> Event:
    one: TrainingSession = row.TrainingSession
    say = languages.of(user.locale).gettext
    event = invitations.event_of(one.id, one.version, one.updated_at, one.session_start, one.session_end, one.timezone)
    event.add("summary", say("Training: %(topic)s", topic=one.topic))
    lines: Sequence[tuple[str, str]] = ((say("Candidate"), row.Candidate.full_name), (say("Job"), row.job))
    event.add("description", "\n".join(f"{label}: {value}" for label, value in lines))
    event.add("organizer", invitations.organizer(user.full_name))
    event.add("status", _status(one.status))
    return event
