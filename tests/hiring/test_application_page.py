"""The page of an application: the ways on, the pipeline as it was gone, one timeline (SPEC §6)."""

import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core import clock
from portal.core.db import db
from portal.hiring.models import Application, ApplicationActivity
from portal.hiring.workflow import workflow_options
from portal.people.models import User
from tests.support import statements
from tests.support.cast import Cast
from tests.support.hiring import at_work, colleague, make_application, move
from tests.support.pages import behind, text
from tests.support.practice import complete, conducted, in_days, sent, training_of


def _ways(row: Application, user: User) -> list[str]:
    return [option.action for option in workflow_options(db.session, row, user, clock.now())]


def test_both_options_are_offered_once_documents_are_verified(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice):
        recruiter, reader = colleague("Recruiter"), colleague("CRE")
        row = make_application("documents_verified", recruiter=recruiter)
        assert _ways(row, recruiter) == [
            "send_to_mock_interview", "approved", "on_hold", "rejected_documents", "withdrawn",
        ]  # fmt: skip
        assert _ways(row, reader) == []
        assert _ways(make_application("documents_verified"), recruiter) == []


def test_while_a_record_is_open_its_own_moves_lead_on(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice):
        coordinator, recruiter = colleague("Interview Coordinator"), colleague("Recruiter")
        row = make_application("documents_verified", recruiter=recruiter)
        mock = sent(coordinator, row, by=recruiter)
        assert _ways(row, coordinator)[:1] == ["schedule_mock_interview"]
        move(mock, "schedule", recruiter, scheduled_start=in_days(2))
        assert _ways(row, coordinator)[:3] == [
            "start_mock_interview", "reschedule_mock_interview", "no_show_mock_interview",
        ]  # fmt: skip
        assert "start_mock_interview" not in _ways(row, recruiter)
        move(mock, "start", coordinator)
        complete(mock, coordinator, decision="needs_training")
        db.session.refresh(row)
        assert _ways(row, coordinator)[:1] == ["start_training"]
        for verb, more in (("start", {}), ("complete", {"outcome": "completed_successfully"})):
            move(training_of(row), verb, coordinator, **more)
            db.session.refresh(row)
        assert _ways(row, coordinator)[:1] == ["ready_for_reassessment_training"]


def test_one_timeline_tells_everything_with_actor_and_time(app: Flask, make_client: Any, cast: Cast) -> None:
    with behind(app, cast.alice) as alice:
        mock = conducted(alice)
        move(
            db.session.get_one(Application, (mock.tenant_id, mock.application_id)), "on_hold", alice, notes="Called <b>"
        )
        key = mock.application_id
    client = make_client(cast.alice)
    told = text(client.get(f"/applications/{key}"))
    timeline = told[told.index("Timeline") :]
    assert "Mock interview cancelled" in timeline
    assert "Mock interview started" in timeline
    assert "Mock interview scheduled → On hold" in timeline
    assert "Called &lt;b&gt;" in timeline
    assert re.search(r"\d{2}:\d{2} [+-]\d{2}:\d{2} · Alice Ardent", timeline)
    assert "Attempt 1" in told


def test_a_note_stands_on_the_timeline(app: Flask, make_client: Any, cast: Cast) -> None:
    with behind(app, cast.alice):
        key = make_application("nominated").id
        follower, other = colleague("CRE"), colleague("Interviewer")
        people = {"CRE": follower.get_id(), "Interviewer": other.get_id()}
    client = make_client(_holder(people["CRE"]))
    assert client.submit(f"/applications/{key}/notes", {"text": "Prefers <i>nights</i>"}).status_code == 302
    assert "Prefers &lt;i&gt;nights&lt;/i&gt;" in text(client.get(f"/applications/{key}"))
    assert client.submit(f"/applications/{key}/notes", {"text": "   "}).status_code == 302
    assert make_client(_holder(people["Interviewer"])).submit(
        f"/applications/{key}/notes", {"text": "Mine"}
    ).status_code in (403, 404)  # fmt: skip
    assert make_client(cast.charlie).submit(f"/applications/{key}/notes", {"text": "Mine"}).status_code == 404
    with behind(app, cast.alice):
        notes = sa.select(ApplicationActivity.notes).where(ApplicationActivity.type == "note_added")
        assert db.session.scalars(notes).all() == ["Prefers <i>nights</i>"]


def _holder(key: str) -> Any:
    class Holder:
        def get_id(self) -> str:
            return key

    return Holder()


@pytest.mark.database("sqlite")
def test_the_page_costs_no_more_however_much_has_happened(app: Flask, make_client: Any, cast: Cast) -> None:
    with behind(app, cast.alice) as alice:
        row = make_application("documents_verified")
        key = row.id
        mock = sent(alice, row, start=in_days(1))
        move(mock, "cancel", alice, reason="First")
    client = make_client(cast.alice)
    client.get(f"/applications/{key}")  # the first page of a process builds what all have in common
    few = statements.of_page(app, client, f"/applications/{key}")
    with behind(app, cast.alice) as alice:
        row = db.session.get_one(Application, (cast.alice.tenant_id, key))
        for number in range(15):
            mock = sent(alice, row, start=in_days(2 + number))
            move(mock, "cancel", alice, reason=f"Again {number}")
    assert statements.of_page(app, client, f"/applications/{key}") <= few
