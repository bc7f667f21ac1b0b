"""The moves of an interview, and how a client's interview carries its application along (SPEC §2)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import audit
from portal.core.access import may
from portal.core.errors import Invalid, WrongState
from portal.core.types import days_later, number, words
from portal.core.workflow import Change, Move, Moved, Workflow, register
from portal.hiring.models import ActivityType, Application, Candidate
from portal.hiring.workflow import APPLICATION, CLOSED, write_activities
from portal.interviews.models import OPEN, Audience, Interview, InterviewStatus, Outcome, Panelist, Reply
from portal.people.models import User

S = InterviewStatus
SCHEDULE = ("schedule:interviews", "write:interviews")

_ACTIVITIES = {
    "confirm": ActivityType.INTERVIEW_CONFIRMED,
    "start": ActivityType.INTERVIEW_STARTED,
    "complete": ActivityType.INTERVIEW_COMPLETED,
    "cancel": ActivityType.INTERVIEW_CANCELLED,
    "no_show": ActivityType.INTERVIEW_NO_SHOW,
    "reschedule": ActivityType.INTERVIEW_RESCHEDULED,
    "pass": ActivityType.INTERVIEW_OUTCOME,
    "fail": ActivityType.INTERVIEW_OUTCOME,
}

# What a client's interview does to its application.
_CARRIES = {
    "reschedule": "interview_rescheduled",
    "complete": "interview_completed",
    "cancel": "approved",
    "pass": "interview_passed",
    "fail": "interview_failed",
}


def check_times(start: Any, end: Any, change: Change) -> None:
    """A schedule ends after it starts, and starts ahead of now unless a past one is recorded knowingly."""
    if end <= start:
        raise Invalid({"scheduled_end": "The end must be after the start."})
    if end - start > timedelta(hours=24):
        raise Invalid({"scheduled_end": "An interview lasts 24 hours at most."})
    if start <= change.at and not _past_allowed(change):
        raise Invalid({"scheduled_start": "The start must be in the future."})


def _past_allowed(change: Change) -> bool:
    if not change.data.get("allow_past"):
        return False
    if change.by and not may(change.by, "write:interviews"):
        raise Invalid({"allow_past": "Only HR may record an interview of the past."})
    return True


def _reason_given(row: Any, change: Change) -> None:
    if not change.reason.strip():
        raise Invalid({"reason": "Please give a reason."})


def _start_has_passed(row: Any, change: Change) -> None:
    if row.status in (S.SCHEDULED, S.RESCHEDULED) and row.scheduled_start > change.at:
        raise WrongState(
            "This interview has not begun yet; an unconfirmed one can be marked a no-show once its start has passed.",
            state=row.status,
        )


def new_times(row: Any, change: Change) -> tuple[Any, Any]:
    """The times that a rescheduling asks for: given ones, or the present ones moved by ``offset_days`` and
    ``offset_minutes``. Days are those of the interview's own zone: nine o'clock stays nine o'clock when the clocks
    change in between. The length stays unless an end is given."""
    length = row.scheduled_end - row.scheduled_start
    if "offset_minutes" in change.data:
        moved = days_later(row.scheduled_start, change.data.get("offset_days", 0), row.timezone)
        start = moved + timedelta(minutes=change.data["offset_minutes"])
        return start, start + length
    start = change.data.get("scheduled_start") or row.scheduled_start
    return start, change.data.get("scheduled_end") or start + length


def _can_be_rescheduled(row: Any, change: Change) -> None:
    if row.application_status in CLOSED or row.application_status == "on_hold":
        raise WrongState(
            f"The application is {words(row.application_status).lower()}; reopen or resume it first.",
            state=row.status,
        )
    check_times(*new_times(row, change), change)


def _reschedule(row: Any, change: Change) -> dict[str, Any]:
    start, end = new_times(row, change)
    return {
        "scheduled_start": start, "scheduled_end": end, "reschedule_count": row.reschedule_count + 1,
        "confirmed_at": None, "confirmed_by_candidate": False, "cancelled_at": None, "cancellation_reason": "",
        "actual_start": None, "actual_end": None,
    }  # fmt: skip


def _outcome_is_open(row: Any, change: Change) -> None:
    if row.audience != Audience.CLIENT:
        raise Invalid({"outcome": "Only a client's interview has an outcome."})
    if row.outcome:
        raise WrongState(f"The outcome was recorded already: {row.outcome}.", state=row.status)


def _outcome_fits(row: Any, change: Change) -> None:
    outcome = change.data.get("outcome")
    if outcome and outcome not in set(Outcome):
        raise Invalid({"outcome": f"“{outcome}” is not one of: {', '.join(Outcome)}."})
    if outcome and row.audience != Audience.CLIENT:
        raise Invalid({"outcome": "Only a client's interview has an outcome."})


def _write_history(session: Any, moved: Sequence[Moved], change: Change) -> None:
    kind, anew = _ACTIVITIES[moved[0].verb], moved[0].verb == "reschedule"
    lines = [
        (
            m.before.application_id,
            kind,
            m.before.scheduled_start.isoformat() if anew else m.source,
            m["scheduled_start"].isoformat() if anew else (m.values.get("outcome") or m.target),
            change.reason,
            {"interview_id": str(m.id)},
        )
        for m in moved
    ]
    write_activities(session, lines, change)


def _lock_applications(session: Any, ids: Sequence[UUID], verb: str) -> None:
    # Applications before interviews, as a hold does too: two operations never wait for each other in a circle.
    if verb in _CARRIES:
        mine = sa.select(Interview.application_id).where(Interview.id.in_(ids))
        locked = sa.select(Application.id).where(Application.id.in_(mine)).order_by(Application.id)
        session.execute(locked.with_for_update(key_share=True)).all()


def _payload(moved: Moved, change: Change) -> dict[str, Any]:
    before = moved.before.scheduled_start.isoformat()
    return {
        "start": moved.values["scheduled_start"].isoformat() if "scheduled_start" in moved.values else before,
        "old_start": before,
        "schedule": moved["reschedule_count"],  # which of the interview's schedules this speaks of
        "reason": change.reason,
        "actor": change.actor_text,
    }


_application_status = (
    sa.select(Application.status)
    .where(Application.tenant_id == Interview.tenant_id, Application.id == Interview.application_id)
    .scalar_subquery()
    .label("application_status")
)

INTERVIEW = register(Workflow(
    "interview",
    Interview,
    (
        Move("confirm", (S.SCHEDULED, S.RESCHEDULED), S.CONFIRMED, "Confirm", SCHEDULE, "InterviewConfirmed",
             sets=lambda row, change: {
                 "confirmed_at": change.at,
                 "confirmed_by_candidate": bool(change.data.get("confirmed_by_candidate")),
             }, icon="check2-circle", tone="green", description="The appointment stands"),
        Move("start", (S.SCHEDULED, S.RESCHEDULED, S.CONFIRMED), S.IN_PROGRESS, "Start", SCHEDULE,
             "InterviewStarted", sets=lambda row, change: {"actual_start": change.at},
             icon="play-circle", tone="blue", description="The interview begins now"),
        Move("complete", (S.IN_PROGRESS, S.CONFIRMED), S.COMPLETED, "Complete", SCHEDULE, "InterviewCompleted",
             guard=_outcome_fits,
             sets=lambda row, change: {"actual_end": change.at, "outcome": change.data.get("outcome") or None},
             form="complete", icon="clipboard-check", tone="purple", description="It took place"),
        Move("reschedule", (S.SCHEDULED, S.RESCHEDULED, S.CONFIRMED, S.NO_SHOW, S.CANCELLED), S.RESCHEDULED,
             "Reschedule", SCHEDULE, "InterviewRescheduled", guard=_can_be_rescheduled, sets=_reschedule,
             form="reschedule", icon="arrow-repeat", tone="yellow", reads=(_application_status,),
             description="Give it a new time; it awaits a new confirmation"),
        Move("no_show", (S.CONFIRMED, S.IN_PROGRESS, S.SCHEDULED, S.RESCHEDULED), S.NO_SHOW, "Mark no-show",
             SCHEDULE, "InterviewNoShow", when=_start_has_passed, icon="person-x", tone="orange",
             description="The candidate did not come"),
        Move("cancel", OPEN, S.CANCELLED, "Cancel", SCHEDULE, "InterviewCancelled", guard=_reason_given,
             sets=lambda row, change: {"cancelled_at": change.at, "cancellation_reason": change.reason},
             form="reason", icon="x-circle", tone="red", danger=True, description="It will not take place"),
        Move("pass", (S.COMPLETED,), S.COMPLETED, "Record: passed", SCHEDULE, "InterviewOutcomeRecorded",
             when=_outcome_is_open, sets=lambda row, change: {"outcome": "passed"}, icon="hand-thumbs-up",
             tone="green", description="The client said yes"),
        Move("fail", (S.COMPLETED,), S.COMPLETED, "Record: failed", SCHEDULE, "InterviewOutcomeRecorded",
             when=_outcome_is_open, sets=lambda row, change: {"outcome": "failed"}, icon="hand-thumbs-down",
             tone="orange", description="The client said no"),
    ),
    reads=("application_id", "audience", "outcome", "scheduled_start", "scheduled_end", "timezone", "reschedule_count",
           "confirmed_at", "confirmed_by_candidate", "cancelled_at", "cancellation_reason", "actual_start",
           "actual_end"),
    history=_write_history,
    payload=_payload,
    lock_first=_lock_applications,
))  # fmt: skip


def _carry(session: Any, moved: Sequence[Moved], change: Change) -> None:
    target = _CARRIES.get(moved[0].verb)
    if not target or change.data.get("leave_application"):
        return
    applications = list(dict.fromkeys(m["application_id"] for m in moved if m.before.audience == Audience.CLIENT))
    if moved[0].verb == "cancel":
        still_open = set(session.scalars(open_client_applications(applications)))
        applications = [key for key in applications if key not in still_open]
    follow(session, applications, target, change)
    for outcome in ("passed", "failed") if moved[0].verb == "complete" else ():
        decided = [m["application_id"] for m in moved if m.values.get("outcome") == outcome]
        follow(session, decided, f"interview_{outcome}", change)


# The way of a further round, for an application that a former one has taken past it already.
_BY_WAY_OF = {
    "interview_rescheduled": ("interview_scheduled",),
    "interview_completed": ("interview_scheduled",),
    "interview_passed": ("interview_scheduled", "interview_completed"),
    "interview_failed": ("interview_scheduled", "interview_completed"),
}


def follow(session: Any, applications: Sequence[UUID], target: str, change: Change) -> None:
    """Take the applications to ``target`` where the pipeline leads there; the others stay where they are."""
    carried = change.carried(reason=change.reason)
    left = list(applications)
    if left:
        refused = APPLICATION.apply(session, left, target, carried).refused
        left = [key for key, error in refused.items() if isinstance(error, WrongState) and error.state != target]
    for step in (*_BY_WAY_OF[target], target) if target in _BY_WAY_OF and left else ():
        left = list(APPLICATION.apply(session, left, step, carried).done)


def open_client_applications(applications: Sequence[UUID]) -> sa.Select[Any]:
    """Which of ``applications`` have a client's interview that is still to come or going on."""
    return sa.select(Interview.application_id).where(
        Interview.application_id.in_(applications), Interview.audience == Audience.CLIENT, Interview.status.in_(OPEN)
    )


def _cancel_with_application(session: Any, moved: Sequence[Moved], change: Change) -> None:
    """An application on hold or withdrawn cancels its open interviews, which leave it where it now is."""
    query = sa.select(Interview.id).where(
        Interview.application_id.in_([m.id for m in moved]), Interview.status.in_(OPEN)
    )
    if ids := list(session.scalars(query)):
        why = f"The application was {'put on hold' if moved[0].verb == 'on_hold' else 'withdrawn'}"
        reason = f"{why}: {change.reason}" if change.reason else why
        INTERVIEW.apply(session, ids, "cancel", change.carried(reason=reason, leave_application=True))


def _warn_of_cancellations(session: Any, applications: sa.Select[Any]) -> str:
    query = sa.select(sa.func.count()).select_from(Interview)
    count = session.scalar(query.where(Interview.application_id.in_(applications), Interview.status.in_(OPEN)))
    if not count:
        return ""
    return f"{number(count, 'open interview')} will be cancelled, and everyone invited is told."


_MANY = 1_000  # interviews whose people are counted before a bulk action; more are not worth the wait


def _warn_of_messages(session: Any, interviews: sa.Select[Any]) -> str:
    """Who is told: by name for one interview, as numbers for some."""
    keys = list(session.scalars(interviews.limit(_MANY + 1)))
    if not keys:
        return ""
    if len(keys) > _MANY:
        return "Each candidate and interviewer gets an e-mail about it, and the reminders follow."
    candidates, panels = _invited(session, keys)
    if len(keys) > 1:
        sides = ((candidates, "candidate"), (panels, "interviewer"))
        told = [number(len(found), noun) for found, noun in sides if found]
    else:
        told = [f"{name} (candidate)" for name in candidates.values()] + list(panels.values())
    listed = " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)
    return (
        f"{listed} {'get' if len(told) > 1 or len(keys) > 1 else 'gets'} an e-mail about it, and the reminders follow."
    )


def _invited(session: Any, keys: Sequence[UUID]) -> tuple[dict[UUID, str], dict[UUID, str]]:
    """The names of the candidates and of the panels' active members, each once."""
    candidates = (
        sa.select(Candidate.id, Candidate.first_name + " " + Candidate.last_name)
        .join(Application, Application.candidate_id == Candidate.id)
        .join(Interview, Interview.application_id == Application.id)
        .where(Interview.id.in_(keys))
    )
    panels = (
        sa.select(User.id, User.full_name)
        .join(Panelist, Panelist.user_id == User.id)
        .where(Panelist.interview_id.in_(keys), User.active.is_(True))
        .order_by(Panelist.part, Panelist.id)
    )
    return dict(session.execute(candidates).all()), dict(session.execute(panels).all())


def _ask_panel_again(session: Any, moved: Sequence[Moved], change: Change) -> None:
    """A reply was to the old time: everyone on the panel is asked anew."""
    query = sa.select(Panelist.tenant_id, Panelist.id, Panelist.reply).where(
        Panelist.interview_id.in_([m.id for m in moved]), Panelist.reply != Reply.NEEDS_ACTION
    )
    replied = session.execute(query).all()
    if not replied:
        return
    anew = sa.update(Panelist).where(Panelist.id.in_([row.id for row in replied])).values(reply=Reply.NEEDS_ACTION)
    session.execute(anew)
    asked = [(row.id, {"reply": [row.reply, Reply.NEEDS_ACTION.value]}) for row in replied]
    audit.write(session, replied[0].tenant_id, "panelists", "asked again", asked, at=change.at)


INTERVIEW.on("*", _carry)
INTERVIEW.on("reschedule", _ask_panel_again)
for _verb in ("reschedule", "cancel"):
    INTERVIEW.foretell(_verb, _warn_of_messages)
for _verb in ("on_hold", "withdrawn"):
    APPLICATION.on(_verb, _cancel_with_application)
    APPLICATION.foretell(_verb, _warn_of_cancellations)
