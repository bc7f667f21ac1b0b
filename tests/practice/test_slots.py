"""Mock interviews that book slots and free them again; free times beside the forms of practice (SPEC §1, §4)."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.practice import actions
from portal.practice.models import MockInterview
from portal.scheduling.models import Engagement, InterviewSlot
from tests.scheduling.makers import hours
from tests.scheduling.test_free_box import box
from tests.scheduling.test_slots_pages import errors, offer, person
from tests.support.cast import Cast, Person
from tests.support.clock import Clock
from tests.support.hiring import at_work, change, colleague, make_application, make_candidate, move
from tests.support.practice import application_of, complete, conducted, in_days, sent, training_of

START = datetime(2026, 4, 7, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _stopped(clock: Clock) -> None:
    """On Monday, 2 March 2026, at nine."""


@pytest.fixture
def cora(app: Flask, cast: Cast) -> Person:
    return person(app, cast, "Interview Coordinator")


def application(app: Flask, cast: Cast) -> str:
    with app.app_context(), at_work(cast.alice):
        made = make_application("documents_verified", candidate=make_candidate("Jane Doe"))
        db.session.commit()
        return str(made.id)


def book(client: Any, key: str, slot: Any, **values: Any) -> Any:
    given = {"application_id": key, "slot_id": str(slot), "timezone": "UTC", "duration": "60", "mode": "video"}
    return client.submit("/mock-interviews/new", given | values)


def said(answer: Any) -> list[str]:
    """The errors beside the fields, without the fields."""
    return [each.rpartition("</a>: ")[2] for each in errors(answer)]


def only(app: Flask, cast: Cast) -> Any:
    with app.app_context(), at_work(cast.alice):
        row = db.session.scalars(sa.select(MockInterview)).one()
        return row.id, row.coordinator_id, row.scheduled_start, row.timezone, row.status


def booked(app: Flask, cast: Cast) -> list[UUID | None]:
    with app.app_context(), at_work(cast.alice):
        return list(db.session.scalars(sa.select(InterviewSlot.booked_id).order_by(InterviewSlot.start)))


def test_a_slot_says_who_and_when_and_the_two_pages_name_each_other(
    app: Flask, make_client: Any, cast: Cast, cora: Person
) -> None:
    slot, client = offer(app, cora, START), make_client(cast.alice)
    assert f"/mock-interviews/new?slot_id={slot}" in client.get(f"/slots/{slot}").text
    assert book(client, application(app, cast), slot).status_code == 302
    key, coordinator, start, zone_name, status = only(app, cast)
    assert (coordinator, start, zone_name, status) == (cora.id, START, "Europe/London", "scheduled")
    assert booked(app, cast) == [key]
    assert f'href="/mock-interviews/{key}"' in client.get(f"/slots/{slot}").text
    assert f'href="/slots/{slot}"' in client.get(f"/mock-interviews/{key}").text
    assert said(book(client, application(app, cast), slot)) == [
        "This slot was just taken by somebody else. Please choose another one."
    ]


def test_what_does_not_go_with_the_slot_is_refused_beside_its_field(
    app: Flask, make_client: Any, cast: Cast, cora: Person
) -> None:
    short = offer(app, cora, START, 45)
    for_interviews = offer(app, cora, START.replace(hour=12), slot_type="interview")
    client, key = make_client(cast.alice), application(app, cast)
    assert said(book(client, key, short)) == ["The slot has room for 45 minutes."]
    assert said(book(client, key, for_interviews)) == ["This slot is for interviews."]
    assert said(book(client, key, short, duration="30", scheduled_start="2026-04-07T08:00")) == [
        "It must begin within its slot. Leave the start empty to begin with it."
    ]
    assert said(book(client, key, short, coordinator_id=str(cast.bob.id))) != []
    assert booked(app, cast) == [None, None]
    assert book(client, key, short, duration="30").status_code == 302


@pytest.mark.parametrize("what", ["cancel", "no_show", "reschedule", "reassign", "later within it"])
def test_a_slot_is_free_again_unless_its_mock_interview_stays_in_it(
    app: Flask, make_client: Any, cast: Cast, cora: Person, what: str
) -> None:
    slot = offer(app, cora, START, 120)
    book(make_client(cast.alice), application(app, cast), slot)
    with app.app_context(), at_work(cast.alice) as alice:
        row = db.session.scalars(sa.select(MockInterview)).one()
        if what == "reassign":
            actions.reassign_coordinator(db.session, [row.id], change(alice, coordinator=alice))
        elif what == "later within it":
            move(row, "reschedule", alice, scheduled_start=START.replace(minute=30))
        else:
            given: dict[str, dict[str, Any]] = {
                "reschedule": {"scheduled_start": START.replace(hour=15)},
                "cancel": {"reason": "Ill"},
            }
            move(row, what, alice, **given.get(what, {}))
        db.session.commit()
        key = row.id
    assert booked(app, cast) == [key if what == "later within it" else None]


def test_the_box_shows_recruiters_what_coordinator_and_candidate_have_in_common(
    app: Flask, make_client: Any, cast: Cast
) -> None:
    with app.app_context(), at_work(cast.alice):
        coordinator, recruiter = colleague("Interview Coordinator"), colleague("Recruiter")
        hours(coordinator, *["09:00-12:00"] * 5)
        row = make_application("documents_verified", recruiter=recruiter, candidate=make_candidate("Jane Doe"))
        keys = {"user": str(coordinator.id), "application": str(row.id)}
        rita = Person(recruiter.id, recruiter.tenant_id, "", "Rita", recruiter.get_id())
        db.session.commit()
    client = make_client(rita)
    new = client.get("/mock-interviews/new").text
    assert 'data-live="/scheduling/free?type=mock_interview"' in new
    asked = {"type": "mock_interview", "timezone": "UTC", **keys}
    code, warnings, days, page = box(client, **asked, start="2026-03-04T11:30", lasts="90")
    assert (code, days[0]) == (200, "Mon 2 Mar 09:00–12:00 UTC+00:00")
    assert "90 minutes that all have free" in page
    assert any("outside working hours" in each for each in warnings)
    assert 'data-fill-scheduled_start="2026-03-04T09:00"' in page
    assert "data-fill-scheduled_end" not in page


def test_the_box_of_a_session_knows_whom_the_training_is_for(app: Flask, make_client: Any, cast: Cast) -> None:
    with app.app_context(), at_work(cast.alice) as alice:
        mock = conducted(alice)
        complete(mock, alice, decision="needs_training")
        key = training_of(application_of(mock)).id
        candidate = application_of(mock).candidate_id
        when = in_days(1)
        sent(alice, make_application("documents_verified", candidate=db.session.get_one(
            type(mock.application.candidate), (mock.tenant_id, candidate))), start=when)  # fmt: skip
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Engagement)) == 2
        db.session.commit()
    client = make_client(cast.alice)
    asked = {"type": "training_session", "training": str(key), "timezone": "UTC", "start": f"{when:%Y-%m-%dT%H:%M}"}
    code, warnings, _, page = box(client, **asked, lasts="60", user=str(cast.bob.id))
    assert (code, len(warnings)) == (200, 1)
    assert "Jane Doe has “Mock interview of Jane Doe”" in warnings[0]
    assert "data-fill-session_start" in page
    foreign = box(make_client(cast.charlie), **asked)
    assert foreign[0] == 404
    assert box(client, type="nonsense", training="x")[0] == 404
