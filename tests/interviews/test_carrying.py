"""How a client's interview carries its application along; an internal one never does (SPEC §2)."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from portal.core.db import db
from portal.hiring.models import Application, StatusChange
from portal.interviews.actions import schedule_interview
from portal.interviews.models import Interview
from portal.interviews.workflow import INTERVIEW
from portal.people.models import User
from tests.support.clock import MONDAY
from tests.support.hiring import change, colleague, history, make_application, make_interview, move

HOUR = timedelta(hours=1)
LATER = MONDAY + timedelta(days=7)
TIMES = {"scheduled_start": LATER, "scheduled_end": LATER + HOUR}
WHY = {"reason": "The ward is closed"}

CARRIED: list[tuple[str, str, str, dict[str, Any], list[str]]] = [
    # application, interview, verb, what the form says, where the application goes
    ("interview_scheduled", "scheduled", "confirm", {}, []),
    ("interview_scheduled", "scheduled", "start", {}, []),
    ("interview_scheduled", "confirmed", "no_show", {}, []),
    ("interview_scheduled", "scheduled", "reschedule", TIMES, ["interview_rescheduled"]),
    ("interview_rescheduled", "rescheduled", "reschedule", TIMES, ["interview_rescheduled"]),
    ("interview_scheduled", "no_show", "reschedule", TIMES, ["interview_rescheduled"]),
    ("approved", "cancelled", "reschedule", TIMES, ["interview_rescheduled"]),
    ("interview_scheduled", "in_progress", "complete", {}, ["interview_completed"]),
    ("interview_rescheduled", "confirmed", "complete", {}, ["interview_completed"]),
    ("interview_scheduled", "in_progress", "complete", {"outcome": "passed"},
     ["interview_completed", "interview_passed"]),
    ("interview_scheduled", "in_progress", "complete", {"outcome": "failed"},
     ["interview_completed", "interview_failed"]),
    ("interview_completed", "completed", "pass", {}, ["interview_passed"]),
    ("interview_completed", "completed", "fail", {}, ["interview_failed"]),
    ("interview_scheduled", "scheduled", "cancel", WHY, ["approved"]),
    ("interview_rescheduled", "confirmed", "cancel", WHY, ["approved"]),
    # A former round took the application further; it follows the one that changed last.
    ("interview_completed", "scheduled", "reschedule", TIMES, ["interview_scheduled", "interview_rescheduled"]),
    ("interview_completed", "in_progress", "complete", {}, []),
    ("interview_passed", "in_progress", "complete", {}, ["interview_scheduled", "interview_completed"]),
    ("interview_failed", "in_progress", "complete", {"outcome": "passed"},
     ["interview_scheduled", "interview_completed", "interview_passed"]),
    ("interview_passed", "completed", "fail", {},
     ["interview_scheduled", "interview_completed", "interview_failed"]),
    ("interview_passed", "scheduled", "cancel", WHY, []),
    # Past all interviews, or at an end, it stays.
    ("selected", "in_progress", "complete", {"outcome": "failed"}, []),
    ("hired", "scheduled", "cancel", WHY, []),
    ("withdrawn", "in_progress", "complete", {}, []),
]  # fmt: skip


def way(row: Application) -> list[str]:
    """Where the application went since the test began."""
    db.session.refresh(row)
    steps = [target for _, target, _ in history(row)]
    assert row.version == 1 + len(steps)
    assert not steps or steps[-1] == row.status
    return steps


def carried(alice: User, audience: str) -> list[list[str]]:
    told = []
    for status, state, verb, data, _ in CARRIED:
        application = make_application(status)
        move(make_interview(application, state, audience=audience, start=MONDAY + HOUR), verb, alice, **data)
        told.append(way(application))
    return told


def test_a_clients_interview_carries_its_application(alice: User) -> None:
    # What has no outcome and no audience of its own is the same for both: `pass` and `fail` are the client's alone.
    assert carried(alice, "client") == [steps for *_, steps in CARRIED]


def test_an_internal_interview_never_does(alice: User) -> None:
    for status, state, verb, data, _ in CARRIED:
        if verb in ("pass", "fail") or "outcome" in data:
            continue
        application = make_application(status)
        move(make_interview(application, state, audience="internal", start=MONDAY + HOUR), verb, alice, **data)
        assert way(application) == []


def schedule(alice: User, application: Application, **values: Any) -> Interview:
    given = {"application_id": application.id, "interview_type": "video", **TIMES, **values}
    return schedule_interview(db.session, given, [], change(alice))


def test_scheduling_carries_an_application_that_has_none_open(alice: User) -> None:
    leads = ("mock_interview_passed", "approved", "interview_completed", "interview_passed", "interview_failed")
    told = {}
    for status in leads:
        application = make_application(status)
        schedule(alice, application)
        told[status] = way(application)
    assert told == {status: ["interview_scheduled"] for status in leads}


def test_a_further_round_while_one_is_open_and_an_internal_one_change_nothing(alice: User) -> None:
    for status in ("interview_scheduled", "interview_rescheduled"):
        application = make_application(status)
        make_interview(application)
        schedule(alice, application)
        assert way(application) == []
    application = make_application("approved")
    schedule(alice, application, audience="internal")
    assert way(application) == []


def test_a_cancellation_frees_the_application_only_when_no_other_client_interview_is_open(alice: User) -> None:
    told = {}
    for state in ("scheduled", "rescheduled", "confirmed", "in_progress", "completed", "cancelled", "no_show"):
        application = make_application("interview_scheduled")
        make_interview(application, state)
        make_interview(application, "confirmed", audience="internal")
        move(make_interview(application), "cancel", alice, **WHY)
        told[state] = way(application)
    assert told == {
        "scheduled": [], "rescheduled": [], "confirmed": [], "in_progress": [],
        "completed": ["approved"], "cancelled": ["approved"], "no_show": ["approved"],
    }  # fmt: skip


def test_cancelling_all_rounds_at_once_frees_the_application_once(alice: User) -> None:
    application = make_application("interview_scheduled")
    rounds = [make_interview(application) for _ in range(3)]
    INTERVIEW.apply(db.session(), [row.id for row in rounds], "cancel", change(alice, **WHY))
    assert way(application) == ["approved"]


def test_the_step_that_an_interview_carries_names_who_did_it_and_why(alice: User) -> None:
    recruiter = colleague("Recruiter")
    application = make_application("interview_scheduled", recruiter=recruiter)
    move(make_interview(application), "cancel", recruiter, **WHY)
    step = db.session.scalars(sa.select(StatusChange).where(StatusChange.application_id == application.id)).one()
    assert (step.source, step.target, step.actor_id, step.at, step.reason) == (
        "interview_scheduled", "approved", recruiter.id, MONDAY, "The ward is closed",
    )  # fmt: skip


def test_several_rounds_from_approval_to_selection(alice: User) -> None:
    application = make_application("approved")
    later = {"scheduled_start": LATER + HOUR, "scheduled_end": LATER + 2 * HOUR}
    first, second = schedule(alice, application), schedule(alice, application, **later)
    for row, verb in ((first, "start"), (first, "complete"), (first, "pass"), (second, "reschedule"),
                      (second, "confirm"), (second, "complete"), (second, "pass")):  # fmt: skip
        move(row, verb, alice, **(TIMES if verb == "reschedule" else {}))
    db.session.refresh(application)
    move(application, "selected", alice)
    assert way(application) == [
        "interview_scheduled", "interview_completed", "interview_passed",
        "interview_scheduled", "interview_rescheduled", "interview_completed", "interview_passed", "selected",
    ]  # fmt: skip
