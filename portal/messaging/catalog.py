"""Who is told what: event -> recipients -> channels -> template (SPEC §5). To add a message is to add a row here,
``templates/mail/<template>.txt`` and ``.html``, and ``templates/notes/<template>.txt`` where it is for users. What is
not in the table notifies nobody.

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
from portal.messaging.cases import Case
from portal.messaging.facts import Facts, Person
from portal.messaging.models import Channel
from portal.messaging.subjects import Known


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

    known: Known
    schedule: int | None
    reader: Person
    told: Told
    at: datetime

    @property
    def facts(self) -> Facts:
        """For messages about an interview or a mock interview."""
        assert isinstance(self.known, Facts)
        return self.known

    @property
    def case(self) -> Case:
        """For messages about an application."""
        assert isinstance(self.known, Case)
        return self.known


Recipients = Callable[[Any, Mapping[str, Any], Mapping[UUID, Person]], Sequence[Person | None]]
Holds = Callable[[Moment], str]


@dataclass(frozen=True)
class Message:
    """One row of the table. ``type`` names its templates, and is what people choose by whether they want it; through
    ``offers`` they get it only if they ask. ``about`` is the type of its subject: for an application its key is in
    the event's payload, for all others it is the event's own subject.
    """

    event: str
    recipients: Recipients
    channels: tuple[Channel, ...]
    type: str
    holds: Holds
    about: str = "interview"
    offers: tuple[Channel, ...] = ()


# --- recipients -------------------------------------------------------------------------------------


def candidate(facts: Facts, payload: Mapping[str, Any], users: Mapping[UUID, Person]) -> Sequence[Person]:
    return (facts.candidate,)


def interviewers(facts: Facts, payload: Mapping[str, Any], users: Mapping[UUID, Person]) -> Sequence[Person]:
    return facts.panel


def attending(facts: Facts, payload: Mapping[str, Any], users: Mapping[UUID, Person]) -> Sequence[Person]:
    return [person for person in facts.panel if not person.declined]


def the_named(known: Known, payload: Mapping[str, Any], users: Mapping[UUID, Person]) -> Sequence[Person | None]:
    """The user whom the event names."""
    return (users.get(UUID(payload["user"])),)


def the_organizer(facts: Facts, payload: Mapping[str, Any], users: Mapping[UUID, Person]) -> Sequence[Person | None]:
    """Unless it was they who did it."""
    theirs = str(facts.organizer.id) if facts.organizer else ""
    return () if theirs in (payload.get("actor"), payload.get("user")) else (facts.organizer,)


def followers(case: Case, payload: Mapping[str, Any], users: Mapping[UUID, Person]) -> Sequence[Person | None]:
    """The recruiter of the application and the head of its project's team, who may be one person."""
    same = case.recruiter is not None and case.team_head is not None and case.recruiter.id == case.team_head.id
    return (case.recruiter,) if same else (case.recruiter, case.team_head)


# --- still true? ------------------------------------------------------------------------------------


def stands(m: Moment) -> str:
    """It is ahead, on the schedule that the message speaks of."""
    if not m.facts.ahead:
        return f"The interview is {words(m.facts.status).lower()}."
    if m.schedule is not None and m.schedule != m.facts.schedule:
        return "The interview has been rescheduled since."
    return ""


def _takes_place(m: Moment) -> str:
    if why := stands(m):
        return why
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


def is_to_conduct(m: Moment) -> str:
    """For a candidate who was sent: the mock interview is open, and still theirs."""
    if m.case.mock is None:
        return "The mock interview is no longer open."
    theirs = m.case.coordinator is not None and m.case.coordinator.id == m.reader.id
    return "" if theirs else "Somebody else conducts it now."


def always(m: Moment) -> str:
    """For a result, which stays one."""
    return ""


# --- the table --------------------------------------------------------------------------------------

REMINDER = "interview_reminder"
OVERDUE = "FeedbackOverdue"
_MAIL, _BELL, _BOTH = (Channel.EMAIL,), (Channel.IN_APP,), (Channel.IN_APP, Channel.EMAIL)
_SENT, _PASSED, _FAILED = "mock_interview_pending", "candidate_approved_for_client_interview", (
    "candidate_failed_mock_interview"
)  # fmt: skip


def _of_case(event: str, recipients: Recipients, type: str, holds: Holds) -> Message:
    return Message(event, recipients, _BELL, type, holds, "application", offers=_MAIL)


def _to_organizer(event: str, type: str) -> Message:
    return Message(event, the_organizer, _BELL, type, stands, offers=_MAIL)


CATALOGUE: tuple[Message, ...] = (
    _of_case("CandidateSentToMockInterview", the_named, _SENT, is_to_conduct),
    _of_case("CandidateApprovedForClientInterview", followers, _PASSED, always),
    _of_case("CandidateFailedMockInterview", followers, _FAILED, always),
    _to_organizer("InterviewConfirmed", "interview_confirmed"),
    _to_organizer("InterviewDeclined", "interview_declined"),
    #       event                   recipients    channels  type                    still true?
    Message("InterviewScheduled",   candidate,    _MAIL,   "interview_scheduled",   is_news),
    Message("InterviewScheduled",   interviewers, _BOTH,   "interview_scheduled",   is_news),
    Message("InterviewRescheduled", candidate,    _MAIL,   "interview_rescheduled", is_news),
    Message("InterviewRescheduled", interviewers, _BOTH,   "interview_rescheduled", is_news),
    Message("InterviewCancelled",   candidate,    _MAIL,   "interview_cancelled",   is_called_off),
    Message("InterviewCancelled",   interviewers, _BOTH,   "interview_cancelled",   is_called_off),
    Message("InterviewerAdded",     the_named,    _BOTH,   "interview_scheduled",   is_news),
    Message("InterviewerRemoved",   the_named,    _BOTH,   "interview_cancelled",   is_off_the_panel),
    Message("FeedbackRequested",    the_named,    _BOTH,   "feedback_requested",    is_owed),
    Message(OVERDUE,                interviewers, _BOTH,   "feedback_overdue",      is_owed),
    Message(REMINDER,               candidate,    _MAIL,   "interview_reminder",    is_to_be_remembered),
    Message(REMINDER,               attending,    _BOTH,   "interview_reminder",    is_to_be_remembered),
)  # fmt: skip

# The events that arrange an interview, for somebody at least.
ARRANGING = ("InterviewScheduled", "InterviewRescheduled", "InterviewerAdded")
# What concerns a person's own appointment: on its day it reaches them, whatever they chose.
OWN_APPOINTMENT = ("interview_scheduled", "interview_rescheduled", "interview_cancelled", "interview_reminder")


def messages(event: str) -> tuple[Message, ...]:
    """What ``event`` sets off; nothing for an event that is silent by rule."""
    return _BY_EVENT.get(event, ())


def rule(event: str) -> Message:
    """What holds for all messages of ``event``, whoever reads them."""
    return messages(event)[0]


_BY_EVENT = {each.event: tuple(m for m in CATALOGUE if m.event == each.event) for each in CATALOGUE}
