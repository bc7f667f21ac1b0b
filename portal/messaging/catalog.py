"""Who is told what: event -> recipients -> channels -> template (SPEC §5). To add a message is to add a row here
and ``templates/mail/<template>.txt`` and ``.html``. What is not in the table notifies nobody.

``holds`` is asked just before a message is handed over whether it is still true; it answers '' or the reason why
not, and then the message is void: an older schedule is never told after a newer one, nothing is told of what has
begun, and a cancellation goes only to those who were, or may have been, told of the interview.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from portal.core.types import words
from portal.interviews.models import InterviewStatus, Part
from portal.messaging.facts import Facts, Person
from portal.messaging.models import Channel


@dataclass(frozen=True)
class Told:
    """What one recipient has been told of the interview so far.

    ``schedule`` and ``start`` are those of the last message that reached them and stands, None where there is none
    or it took the interview back; ``perhaps`` answers whether they may know of it all the same: a message was sent
    or its sending was begun, or the interview was arranged before messages were written down.
    """

    schedule: int | None = None
    start: datetime | None = None
    perhaps: Callable[[], bool] = lambda: True


@dataclass(frozen=True)
class Moment:
    """All that ``holds`` may look at."""

    facts: Facts
    schedule: int | None
    reader: Person
    told: Told
    at: datetime


Recipients = Callable[[Facts, Mapping[str, Any], Mapping[UUID, Person]], Sequence[Person]]
Holds = Callable[[Moment], str]


@dataclass(frozen=True)
class Message:
    """One row of the table."""

    event: str
    recipients: Recipients
    channels: tuple[Channel, ...]
    template: str
    holds: Holds


# --- recipients -------------------------------------------------------------------------------------


def candidate(facts: Facts, payload: Mapping[str, Any], users: Mapping[UUID, Person]) -> Sequence[Person]:
    return (facts.candidate,)


def interviewers(facts: Facts, payload: Mapping[str, Any], users: Mapping[UUID, Person]) -> Sequence[Person]:
    return facts.panel


def attending(facts: Facts, payload: Mapping[str, Any], users: Mapping[UUID, Person]) -> Sequence[Person]:
    return [person for person in facts.panel if not person.declined]


def the_interviewer(facts: Facts, payload: Mapping[str, Any], users: Mapping[UUID, Person]) -> Sequence[Person]:
    person = users.get(UUID(payload["user"]))
    return (person,) if person else ()


# --- still true? ------------------------------------------------------------------------------------


def _takes_place(m: Moment) -> str:
    if not m.facts.ahead:
        return f"The interview is {words(m.facts.status).lower()}."
    if m.schedule is not None and m.schedule != m.facts.schedule:
        return "The interview has been rescheduled since."
    if m.facts.start <= m.at:
        return "The interview's start has passed."
    if m.facts.person(m.reader.id) is None:
        return "They are no longer on the panel."
    return ""


def is_news(m: Moment) -> str:
    """For a schedule: it stands, and its reader does not know it yet."""
    known = m.told.schedule is not None and m.told.schedule == m.facts.schedule
    return _takes_place(m) or ("They know of this schedule already." if known else "")


def is_called_off(m: Moment) -> str:
    if m.facts.status != InterviewStatus.CANCELLED or (m.schedule is not None and m.schedule != m.facts.schedule):
        return "The interview was taken up again."
    return "" if m.told.perhaps() else "They were never told of this interview."


def is_off_the_panel(m: Moment) -> str:
    if m.facts.person(m.reader.id) is not None:
        return "They are on the panel again."
    if m.facts.start <= m.at:
        return "The interview's start has passed."
    return "" if m.told.perhaps() else "They were never told of this interview."


def is_to_be_remembered(m: Moment) -> str:
    return _takes_place(m) or ("They have declined." if m.reader.declined else "")


def is_owed(m: Moment) -> str:
    """For a request for feedback: the interview took place, and its reader has not given theirs meanwhile."""
    if m.facts.status != InterviewStatus.COMPLETED:
        return f"The interview is {words(m.facts.status).lower()}."
    seated = m.facts.person(m.reader.id)
    if seated is None or seated.part == Part.SHADOW:
        return "They are no longer asked for feedback."
    return "They have submitted their feedback." if seated.gave_feedback else ""


# --- the table --------------------------------------------------------------------------------------

REMINDER = "interview_reminder"
_MAIL = (Channel.EMAIL,)

CATALOGUE: tuple[Message, ...] = (
    #       event                   recipients       channels  template                 still true?
    Message("InterviewScheduled",   candidate,       _MAIL,    "interview_scheduled",   is_news),
    Message("InterviewScheduled",   interviewers,    _MAIL,    "interview_scheduled",   is_news),
    Message("InterviewRescheduled", candidate,       _MAIL,    "interview_rescheduled", is_news),
    Message("InterviewRescheduled", interviewers,    _MAIL,    "interview_rescheduled", is_news),
    Message("InterviewCancelled",   candidate,       _MAIL,    "interview_cancelled",   is_called_off),
    Message("InterviewCancelled",   interviewers,    _MAIL,    "interview_cancelled",   is_called_off),
    Message("InterviewerAdded",     the_interviewer, _MAIL,    "interview_scheduled",   is_news),
    Message("InterviewerRemoved",   the_interviewer, _MAIL,    "interview_cancelled",   is_off_the_panel),
    Message("FeedbackRequested",    the_interviewer, _MAIL,    "feedback_requested",    is_owed),
    Message(REMINDER,               candidate,       _MAIL,    "interview_reminder",    is_to_be_remembered),
    Message(REMINDER,               attending,       _MAIL,    "interview_reminder",    is_to_be_remembered),
)  # fmt: skip

# The events that arrange an interview, for somebody at least.
ARRANGING = ("InterviewScheduled", "InterviewRescheduled", "InterviewerAdded")


def messages(event: str) -> tuple[Message, ...]:
    """What ``event`` sets off; nothing for an event that is silent by rule."""
    return tuple(message for message in CATALOGUE if message.event == event)


def rule(event: str) -> Message:
    """What holds for all messages of ``event``, whoever reads them."""
    return messages(event)[0]
