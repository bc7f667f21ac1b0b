"""Mock interviews and sessions in the calendar, beside interviews and told apart from them (SPEC §6)."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask

from portal.core.db import db
from portal.practice import training
from tests.interviews.test_calendar import Office, events, text, titles, user
from tests.support.cast import Cast
from tests.support.clock import MONDAY, Clock
from tests.support.hiring import change, make_application, make_candidate, make_interview, make_job, make_project, move
from tests.support.practice import application_of, complete, conducted, sent, training_of

HOUR = timedelta(hours=1)


@pytest.fixture
def office(app: Flask, cast: Cast, clock: Clock) -> Office:
    return Office(app, cast)


def _fill(office: Office, coordinator: Any, recruiter: Any, other: Any) -> dict[str, Any]:
    """An interview, mock interviews in several states, and a session, all of this week."""
    with office.opened() as alice:
        project = make_project(title="North ward")
        job = make_job(project)

        def application(name: str) -> Any:
            return make_application("documents_verified", job=job, candidate=make_candidate(name),
                                    recruiter=user(recruiter), coordinator=user(coordinator))  # fmt: skip

        make_interview(start=MONDAY + HOUR, title="Round 1")
        ahead = sent(user(coordinator), application("Ann Lee"), start=MONDAY + 2 * HOUR)
        sent(user(coordinator), application("Asked For"))
        missed = sent(user(coordinator), application("Never Came"), start=MONDAY + 4 * HOUR)
        move(missed, "no_show", alice)
        gone = sent(user(coordinator), application("Called Off"), start=MONDAY + 6 * HOUR)
        move(gone, "cancel", alice, reason="Ill")
        sent(user(other), make_application("documents_verified", coordinator=user(other)), start=MONDAY + 2 * HOUR)
        done = conducted(user(coordinator), application("In School"), start=MONDAY + 8 * HOUR)
        complete(done, alice, decision="needs_training")
        given = {"assignment_id": training_of(application_of(done)).id, "session_start": MONDAY + 24 * HOUR,
                 "topic": "Handover", "conducted_by_id": coordinator.id}  # fmt: skip
        training.create_session(db.session, given, change(alice))
        return {"ahead": ahead.id, "project": project.id}


def test_each_sees_theirs_beside_the_interviews_and_what_it_is_stands_in_words(
    office: Office, make_client: Any
) -> None:
    cora, dan, rita = (office.hire(role) for role in ("Interview Coordinator", "Interview Coordinator", "Recruiter"))
    ivan = office.hire("Interviewer")
    keys = _fill(office, cora, rita, dan)
    mine = ["Mock interview", "Mock interview", "Mock interview", "Handover"]
    assert titles(make_client(cora)) == ["Round 1", *mine]
    assert titles(make_client(rita)) == mine
    assert titles(make_client(ivan)) == []
    assert sorted(titles(make_client(office.cast.alice))) == sorted(["Round 1", "Mock interview", *mine])
    told = {e["title"]: e for e in events(make_client(cora))}
    ann = told["Ann Lee"]
    assert (ann["url"], ann["editable"]) == (f"/mock-interviews/{keys['ahead']}", True)
    assert ann["extendedProps"]["status"] == "Mock interview · Scheduled"
    assert "is-other" in ann["classNames"]
    assert [e["extendedProps"]["status"] for e in told.values() if e["extendedProps"]["what"] == "Handover"] == [
        "Training session · Scheduled"
    ]
    page = text(make_client(cora).get("/calendar?view=list"))
    assert "11:00–12:00 Mock interview: Ann Lee Scheduled Mock interview North ward" in page


def test_the_filters_hold_for_them_too(office: Office, make_client: Any) -> None:
    cora, dan, rita = (office.hire(role) for role in ("Interview Coordinator", "Interview Coordinator", "Recruiter"))
    keys = _fill(office, cora, rita, dan)
    client = make_client(office.cast.alice)
    four = ["Mock interview", "Mock interview", "Mock interview", "Handover"]
    assert {
        "coordinator": titles(client, interviewer=cora.id),
        "other": titles(client, interviewer=dan.id),
        "project": titles(client, project=keys["project"]),
        "cancelled": titles(client, project=keys["project"], status="cancelled"),
        "confirmed": titles(client, status="confirmed"),
        "organizer": titles(client, organizer=cora.id),
        "mine": titles(make_client(cora), mine="1"),
        "no key": titles(client, interviewer="no-key-at-all"),
    } == {
        "coordinator": four, "other": ["Mock interview"], "project": four, "cancelled": ["Mock interview"],
        "confirmed": [], "organizer": [], "mine": four, "no key": [],
    }  # fmt: skip
    people = text(client.get("/calendar?view=people&date=2026-03-02"))
    assert cora.full_name in people
    assert dan.full_name in people


def test_a_mock_interview_is_dragged_to_its_own_page_which_proposes_and_asks(office: Office, make_client: Any) -> None:
    cora, dan, rita = (office.hire(role) for role in ("Interview Coordinator", "Interview Coordinator", "Recruiter"))
    key = _fill(office, cora, rita, dan)["ahead"]
    client = make_client(cora)
    told = next(e for e in events(client) if e["title"] == "Ann Lee")
    page = client.get(told["extendedProps"]["move"], query_string={
        "scheduled_start": "2026-03-03T15:00", "zone": "Asia/Dubai", "version": told["extendedProps"]["version"],
    })  # fmt: skip
    assert "Proposed 3 Mar 2026, 11:00 to 12:00" in text(page)
    assert 'value="2026-03-03T11:00"' in unescape(page.text)
    longer = client.get(
        told["extendedProps"]["move"], query_string={"scheduled_end": "2026-03-02T12:30", "zone": "UTC"}
    )
    assert "Proposed 2 Mar 2026, 11:00 to 12:30" in text(longer)
    assert str(key) in told["url"]
