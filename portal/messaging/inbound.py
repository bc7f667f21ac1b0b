"""Mails that come back to us: replies to invitations, and reports on mails that did not arrive.

Each is taken in one transaction under its Message-ID, so that the same mail a second time, from whichever door and
however many take it at once, changes nothing. What becomes of it stands in ``InboundMail``; the sender learns
nothing, neither whether there is such an interview nor such a person.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask, current_app

from portal.core import logs
from portal.core.context import act
from portal.core.db import new_id
from portal.core.errors import PortalError
from portal.core.events import OutboxEvent
from portal.core.tenancy import everywhere, tenant_scope
from portal.core.types import words, zone
from portal.core.workflow import Change
from portal.interviews.models import Interview, Panelist, Reply
from portal.messaging import mailreading
from portal.messaging.inbox import InboundMail
from portal.messaging.mailreading import Answer, Bounce, Mail
from portal.messaging.making import DELIVERIES
from portal.messaging.models import Channel, DeliveryStatus
from portal.messaging.sql import inserting
from portal.people.models import Tenant, User

REPLIER = "panel_reply"
LABEL = "e-mail"
_MAILS: sa.Table = sa.inspect(InboundMail).local_table  # type: ignore[assignment]
_ANSWERS = {"ACCEPTED": Reply.ACCEPTED, "TENTATIVE": Reply.TENTATIVE, "DECLINED": Reply.DECLINED}

Replier = Callable[..., Panelist]


@dataclass(frozen=True)
class Outcome:
    """``used`` is whether the mail concerned us at all; ``words`` say what became of it, without an address."""

    used: bool
    words: str


def install(app: Flask, replier: Replier) -> None:
    """``replier`` takes a panelist's reply; messages know it by this alone."""
    app.extensions[REPLIER] = replier


def take(session: Any, raw: bytes, at: datetime) -> Outcome:
    """Do what the mail ``raw`` asks for, and commit; raises Unreadable."""
    mail = mailreading.read(raw)
    with everywhere(session):
        outcome = _take(session, mail, at)
    logs.get().info("a mail came in", kind=_kind(mail), outcome=outcome.words)
    return outcome


def _kind(mail: Mail) -> str:
    names = {Answer: "reply", Bounce: "bounce"}
    return names.get(type(mail.content), "other")


def _take(session: Any, mail: Mail, at: datetime) -> Outcome:
    match mail.content:
        case Answer() as answer:
            return _take_reply(session, mail, answer, at)
        case Bounce() as bounce:
            return _take_bounce(session, mail, bounce, at)
    return Outcome(False, "It is neither a reply to an invitation nor a report on a mail of ours.")


def _note(session: Any, mail: Mail, tenant: UUID, subject: UUID, at: datetime) -> UUID | None:
    """Write that this mail is taken; None where it was before.

    Two that take the same mail at once: the second waits here for the first to commit, and finds it taken.
    """
    row = {
        "tenant_id": tenant, "id": new_id(), "message_id": mail.message_id, "kind": _kind(mail), "sender": mail.sender,
        "subject_id": subject, "outcome": "", "created_at": at,
    }  # fmt: skip
    made = inserting(session, _MAILS).values(row).on_conflict_do_nothing().returning(_MAILS.c.id)
    return session.scalar(made)  # type: ignore[no-any-return]


def _settle(session: Any, tenant: UUID, noted: UUID, said: str) -> Outcome:
    mine = (_MAILS.c.tenant_id == tenant, _MAILS.c.id == noted)
    session.execute(sa.update(_MAILS).where(*mine).values(outcome=said))
    session.commit()
    return Outcome(True, said)


SEEN = Outcome(True, "It was taken before.")


def _key(text: str) -> UUID | None:
    """The key before the @ of a UID or Message-ID of ours."""
    try:
        return UUID(text.strip("<>").partition("@")[0])
    except ValueError:
        return None


# --- replies -----------------------------------------------------------------------------------------


def _take_reply(session: Any, mail: Mail, answer: Answer, at: datetime) -> Outcome:
    key = _key(answer.uid)
    # By tenant and key, as the primary key has it: by the key alone the whole table would be read.
    query = sa.select(Interview).where(Interview.tenant_id.in_(sa.select(Tenant.id)), Interview.id == key)
    interview = session.scalar(query) if key else None
    if interview is None:
        return Outcome(False, "There is no such interview.")
    tenant = interview.tenant_id
    with tenant_scope(tenant, session):
        user = session.scalar(_panelist(interview.id, answer.attendee))
        if user is None:
            return Outcome(False, "Nobody on the panel has this address.")
        noted = _note(session, mail, tenant, interview.id, at)
        if noted is None:
            session.rollback()
            return SEEN
        return _settle(session, tenant, noted, _reply(session, interview, user, answer, at))


def _panelist(interview: UUID, address: str) -> sa.Select[Any]:
    seat = sa.and_(Panelist.tenant_id == User.tenant_id, Panelist.user_id == User.id)
    return (
        sa.select(User)
        .join(Panelist, seat)
        .where(Panelist.interview_id == interview, sa.func.lower(User.email) == address.lower(), User.active.is_(True))
    )


def _reply(session: Any, interview: Interview, user: User, answer: Answer, at: datetime) -> str:
    """What became of the reply, in words."""
    wanted = _ANSWERS.get(answer.partstat) or (Reply.TENTATIVE if answer.counter else None)
    if wanted is None:
        return "It says neither yes nor no."
    schedule = interview.reschedule_count
    if why := _outdated(session, interview, answer):
        return why
    replier: Replier = current_app.extensions[REPLIER]
    try:
        # A refusal undoes what the reply had begun to change, and leaves the note of the mail.
        with act(by=user.id, label=LABEL), session.begin_nested():
            replier(session, interview, wanted.value, _said(answer, interview), Change(at, user), schedule=schedule)
    except PortalError as refused:
        return refused.message
    return f"Reply: {words(wanted).lower()}."


def _outdated(session: Any, interview: Interview, answer: Answer) -> str:
    """Why the reply is to a schedule that no longer stands; '' where it is to the present one.

    The invitation's SEQUENCE is the interview's version, and the event of the last rescheduling tells the version
    that came of it. A reply names the SEQUENCE that it answers; without one, it answers the first (RFC 5545).
    """
    moved = "The interview was rescheduled since."
    if interview.reschedule_count and answer.sequence < _moved_at(session, interview):
        return moved
    start = answer.start
    if start is None or answer.counter:
        return ""
    here = interview.scheduled_start.astimezone(zone(interview.timezone))
    same = start == here if start.tzinfo else start == here.replace(tzinfo=None)
    return "" if same else moved


def _moved_at(session: Any, interview: Interview) -> int:
    """The interview's version after its last rescheduling."""
    query = (
        sa.select(OutboxEvent.payload)
        .where(OutboxEvent.subject_id == interview.id, OutboxEvent.name == "InterviewRescheduled")
        .order_by(OutboxEvent.id.desc())
        .limit(1)
    )
    payload = session.scalar(query) or {}
    # Without the event nothing is known of what was sent: then only a reply to the present version counts.
    return int(payload.get("version") or interview.version)


def _said(answer: Answer, interview: Interview) -> str:
    """The note to the organizer: a comment, and the time that is proposed instead."""
    if not answer.counter or answer.start is None:
        return answer.comment
    here = zone(interview.timezone)
    start = answer.start.astimezone(here) if answer.start.tzinfo else answer.start.replace(tzinfo=here)
    proposed = f"Proposes {start.day} {start:%b %Y, %H:%M} ({here.key}) instead."
    return f"{proposed} {answer.comment}".strip()[:1000]


# --- reports -----------------------------------------------------------------------------------------


def _take_bounce(session: Any, mail: Mail, bounce: Bounce, at: datetime) -> Outcome:
    keys = {key: text for text in bounce.of[:10] if (key := _key(text))}
    query = sa.select(DELIVERIES).where(
        DELIVERIES.c.tenant_id.in_(sa.select(Tenant.id)), DELIVERIES.c.id.in_(list(keys)),
        DELIVERIES.c.message_id.in_(list(keys.values())), DELIVERIES.c.channel == Channel.EMAIL.value,
    )  # fmt: skip
    row = session.execute(query).first() if keys else None
    if row is None:
        return Outcome(False, "It reports on no mail of ours.")
    with tenant_scope(row.tenant_id, session):
        noted = _note(session, mail, row.tenant_id, row.subject_id, at)
        if noted is None:
            session.rollback()
            return SEEN
        return _settle(session, row.tenant_id, noted, _give_up(session, row, bounce))


def _give_up(session: Any, row: Any, bounce: Bounce) -> str:
    """Mark the delivery as one that did not arrive; what is only late stays as it is."""
    if not bounce.final:
        return "It is late; nothing was changed."
    why = f"It came back: {bounce.why or 'no reason was given'}"
    dead = sa.update(DELIVERIES).where(
        DELIVERIES.c.tenant_id == row.tenant_id, DELIVERIES.c.id == row.id,
        DELIVERIES.c.status == DeliveryStatus.SENT.value,
    ).values(
        # No attempt is in doubt any more: it surely did not arrive.
        status=DeliveryStatus.DEAD.value, sent_at=None, last_error=why, refusals=DELIVERIES.c.attempts,
    )  # fmt: skip
    return why if session.execute(dead).rowcount else "The mail was not counted as sent; nothing was changed."
