"""Put on hold, resume, withdraw, reopen; and the open interviews that a hold or a withdrawal cancels (SPEC §2)."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.errors import Invalid, NotAllowed
from portal.hiring.models import Application
from portal.hiring.workflow import APPLICATION
from portal.people.models import User
from tests.conftest import MakeClient
from tests.support.cast import Cast
from tests.support.hiring import (
    activities,
    at_work,
    colleague,
    events,
    history,
    make_application,
    make_interview,
    make_job,
    move,
)

RESUMES = {
    # held from: resumed to
    "nominated": "nominated",
    "pending_documents": "pending_documents",
    "documents_submitted": "documents_submitted",
    "documents_verified": "documents_verified",
    "mock_interview_passed": "mock_interview_passed",
    "training_assigned": "mock_interview_failed",
    "training_in_progress": "mock_interview_failed",
    "ready_for_reassessment": "ready_for_reassessment",
    "approved": "approved",
    "interview_scheduled": "approved",
    "interview_rescheduled": "approved",
    "interview_passed": "interview_passed",
    "selected": "selected",
    "processing": "processing",
}


def path(alice: User, start: str, *verbs: str | None) -> Application:
    """An application that went this way; a verb that follows a None is a record's own move."""
    row, by = make_application(start), alice
    for verb in verbs:
        if verb is not None:
            move(row, verb, by, reason="For the test")
        by = alice if verb is not None else None  # type: ignore[assignment]
    return row


def test_an_application_resumes_where_it_was_held_or_where_no_cancelled_record_is_needed(alice: User) -> None:
    told = {status: path(alice, status, "on_hold", "resume").status for status in RESUMES}
    assert told == RESUMES


@pytest.mark.parametrize("before", ["documents_verified", "ready_for_reassessment"])
def test_an_application_held_before_a_mock_interview_resumes_where_that_one_was_arranged(
    alice: User, before: str
) -> None:
    row = path(alice, before, None, "mock_interview_scheduled", "on_hold", "resume")
    assert row.status == before
    again = path(alice, before, None, "mock_interview_scheduled", "withdrawn", "reopen")
    assert again.status == before


def test_a_second_hold_resumes_to_where_the_second_one_began(alice: User) -> None:
    row = path(alice, "nominated", "on_hold", "resume", "pending_documents", "on_hold", "resume")
    assert row.status == "pending_documents"


REOPENS = {
    # the way to the end: where it is reopened to
    ("processing", "hired"): "processing",
    ("documents_submitted", "rejected_documents"): "documents_submitted",
    ("mock_interview_failed", "rejected_interview"): "mock_interview_failed",
    ("interview_passed", "rejected_selection"): "interview_passed",
    ("selected", "withdrawn"): "selected",
    ("interview_scheduled", "withdrawn"): "approved",
    ("nominated", "on_hold", "withdrawn"): "on_hold",
}


def test_a_closed_application_reopens_to_the_status_before(alice: User) -> None:
    told = {way: path(alice, way[0], *way[1:], "reopen").status for way in REOPENS}
    assert told == REOPENS


def test_a_hold_that_was_reopened_still_resumes_to_where_it_began(alice: User) -> None:
    row = path(alice, "pending_documents", "on_hold", "withdrawn", "reopen", "resume")
    assert row.status == "pending_documents"
    assert [step[:2] for step in history(row)] == [
        ("pending_documents", "on_hold"), ("on_hold", "withdrawn"), ("withdrawn", "on_hold"),
        ("on_hold", "pending_documents"),
    ]  # fmt: skip


def test_reopening_needs_a_reason(alice: User) -> None:
    row = make_application("hired")
    for data in ({}, {"reason": "  "}):
        with pytest.raises(Invalid) as told:
            move(row, "reopen", alice, **data)
        assert told.value.errors == {"reason": ["Please give a reason."]}
    assert history(row) == []


def test_only_who_manages_applications_reopens_them(alice: User) -> None:
    told: dict[str, Any] = {}
    for role in ("System Admin", "Manager", "HR", "Recruiter", "Processing Executive"):
        user = colleague(role)
        row = path(alice, "processing", "hired")
        db.session.execute(sa.update(Application).where(Application.id == row.id).values(recruiter_id=user.id))
        try:
            told[role] = move(row, "reopen", user, reason="A mistake").target
        except NotAllowed:
            told[role] = None
    assert told == {
        "System Admin": "processing", "Manager": "processing", "HR": None, "Recruiter": None,
        "Processing Executive": None,
    }  # fmt: skip


STATES = {
    # an interview's state before the hold: after it
    "scheduled": "cancelled", "rescheduled": "cancelled", "confirmed": "cancelled", "in_progress": "cancelled",
    "completed": "completed", "no_show": "no_show", "cancelled": "cancelled",
}  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "why"), [("on_hold", "The application was put on hold"), ("withdrawn", "The application was withdrawn")]
)
def test_open_interviews_are_cancelled_and_leave_the_application_where_it_now_is(
    alice: User, verb: str, why: str
) -> None:
    row = make_application("interview_scheduled")
    client = {state: make_interview(row, state) for state in STATES}
    internal = {state: make_interview(row, state, audience="internal") for state in STATES}
    elsewhere = make_interview()
    move(row, verb, alice, reason="The ward closes")
    assert {state: each.status for state, each in client.items()} == STATES
    assert {state: each.status for state, each in internal.items()} == STATES
    assert (row.status, elsewhere.status) == (verb, "scheduled")
    assert client["confirmed"].cancellation_reason == f"{why}: The ward closes"
    assert [name for name, _ in events(client["confirmed"])] == ["InterviewCancelled"]
    assert history(row) == [("interview_scheduled", verb, "The ward closes")]
    assert [kind for kind, *_ in activities(row)] == ["stage_change"] + ["interview_cancelled"] * 8


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ([], []),
        (["completed", "cancelled"], []),
        (["scheduled", "no_show"], ["1 open interview will be cancelled, and everyone invited is told."]),
        (["scheduled", "in_progress"], ["2 open interviews will be cancelled, and everyone invited is told."]),
    ],
)
def test_what_a_hold_will_cancel_is_said_before(alice: User, states: list[str], said: list[str]) -> None:
    row = make_application("interview_scheduled")
    for state in states:
        make_interview(row, state)
    keys = sa.select(Application.id).where(Application.id == row.id)
    told = {verb: APPLICATION.consequences(db.session(), verb, keys) for verb in ("on_hold", "withdrawn", "hired")}
    assert told == {"on_hold": said, "withdrawn": said, "hired": []}


def test_the_page_that_asks_for_the_hold_says_it_too(app: Flask, cast: Cast, make_client: MakeClient) -> None:
    with app.app_context(), at_work(cast.alice):
        row = make_application("interview_scheduled", job=make_job(title="Nurse"))
        make_interview(row)
        key = row.id
        db.session.commit()
    page = make_client(cast.alice).get(f"/applications/{key}/move/on_hold")
    assert page.status_code == 200
    assert "1 open interview will be cancelled, and everyone invited is told." in page.text
