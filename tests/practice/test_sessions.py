"""Sessions of a training: one, a series, moved, held, and what becomes of them when the training ends (SPEC §1)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.types import zone
from portal.practice import training
from portal.practice.models import MockInterview, TrainingSession
from portal.scheduling.models import Engagement
from tests.support import statements
from tests.support.cast import Cast
from tests.support.hiring import audited, change, make_application, move
from tests.support.pages import behind, errors, text
from tests.support.practice import application_of, complete, conducted, training_of

FORM = {"topic": "Handover by SBAR", "session_start": "2026-03-23T09:00", "duration": "45", "timezone": "Europe/London"}


def _in_training(app: Flask, cast: Cast) -> Any:
    with behind(app, cast.alice) as alice:
        mock = conducted(alice, start=datetime(2026, 3, 4, 9, tzinfo=UTC))
        complete(mock, alice, decision="needs_training")
        return training_of(application_of(mock)).id


def _sessions() -> list[TrainingSession]:
    return list(db.session.scalars(sa.select(TrainingSession).order_by(TrainingSession.session_start)))


def test_a_series_keeps_its_hour_when_the_clocks_change(app: Flask, make_client: Any, cast: Cast, clock: Any) -> None:
    key, client = _in_training(app, cast), make_client(cast.alice)
    given = {**FORM, "assignment_id": key, "repeat": "3", "every_days": "7"}
    assert client.submit("/training-sessions/new", given).status_code == 302
    with behind(app, cast.alice) as alice:
        rows = _sessions()
        walls = [row.session_start.astimezone(zone("Europe/London")).strftime("%d %b %H:%M") for row in rows]
        assert walls == ["23 Mar 09:00", "30 Mar 09:00", "06 Apr 09:00"]
        assert rows[0].session_start.hour - rows[1].session_start.hour == 1
        assert len({row.series_id for row in rows}) == 1
        engaged = sa.select(Engagement.person_id).where(Engagement.subject_id == rows[1].id)
        assert alice.id in db.session.scalars(engaged).all()
    assert "Handover by SBAR" in text(client.get(f"/training/{key}"))


def test_a_session_that_clashes_is_refused_with_the_whole_series(
    app: Flask, make_client: Any, cast: Cast, clock: Any
) -> None:
    key, client = _in_training(app, cast), make_client(cast.alice)
    given = {**FORM, "assignment_id": key}
    assert client.submit("/training-sessions/new", given).status_code == 302
    again = client.submit("/training-sessions/new", {**given, "session_start": "2026-03-16T09:15", "repeat": "2"})
    assert again.status_code in (409, 422)
    assert "Alice Ardent has" in errors(again)["session_start"]
    with behind(app, cast.alice):
        assert len(_sessions()) == 1


def test_a_training_that_ends_cancels_what_was_to_come(app: Flask, make_client: Any, cast: Cast, clock: Any) -> None:
    key, client = _in_training(app, cast), make_client(cast.alice)
    client.submit("/training-sessions/new", {**FORM, "assignment_id": key, "repeat": "2", "every_days": "1"})
    with behind(app, cast.alice) as alice:
        first, _ = _sessions()
        move(first, "complete", alice, feedback="Clear now", rating=4)
        row = training_of(application_of(first.assignment))
        move(row, "start", alice)
        move(row, "complete", alice, outcome="completed_successfully")
        assert [(each.status, each.feedback) for each in _sessions()] == [("completed", "Clear now"), ("cancelled", "")]
        assert db.session.scalars(sa.select(Engagement)).all() == []
    late = client.submit("/training-sessions/new", {**FORM, "assignment_id": key})
    assert "completed" in errors(late)["assignment_id"]


def test_progress_is_noted_with_day_and_author(app: Flask, make_client: Any, cast: Cast, clock: Any) -> None:
    key, client = _in_training(app, cast), make_client(cast.alice)
    for note in ("Rehearses <b>daily</b>", "Much clearer"):
        assert client.submit(f"/training/{key}/progress", {"text": note}).status_code == 302
    page = text(client.get(f"/training/{key}"))
    assert "2 Mar 2026, Alice Ardent: Rehearses &lt;b&gt;daily&lt;/b&gt; 2 Mar 2026, Alice Ardent: Much clearer" in page
    assert make_client(cast.charlie).submit(f"/training/{key}/progress", {"text": "x"}).status_code == 404


def test_what_hr_books_in_spite_of_a_clash_says_why_in_its_history(
    app: Flask, make_client: Any, cast: Cast, clock: Any
) -> None:
    key, client = _in_training(app, cast), make_client(cast.alice)
    given = {**FORM, "assignment_id": key}
    assert client.submit("/training-sessions/new", given).status_code == 302
    assert client.submit("/training-sessions/new", {**given, "overrule_reason": "One room"}).status_code == 302
    with behind(app, cast.alice) as alice:
        application = make_application("documents_verified", recruiter=alice).id
    wanted = {"application_id": application, "coordinator_id": cast.alice.id, "scheduled_start": "2026-03-23T09:00",
              "timezone": "Europe/London", "duration": "30", "mode": "video"}  # fmt: skip
    assert "Alice Ardent has" in errors(client.submit("/mock-interviews/new", wanted))["scheduled_start"]
    assert client.submit("/mock-interviews/new", {**wanted, "overrule_reason": "No other day"}).status_code == 302
    with behind(app, cast.alice):
        mock = db.session.scalars(sa.select(MockInterview).where(MockInterview.application_id == application)).one()
        for row in (_sessions()[-1], mock):
            assert "overruled a clash" in [action for action, _ in audited(row)]
        page = f"/mock-interviews/{mock.id}"
    assert "No other day" in text(client.get(page))


@pytest.mark.database("sqlite")
def test_a_long_series_asks_once_whose_time_is_taken(app: Flask, cast: Cast, clock: Any) -> None:
    key = _in_training(app, cast)
    told = []
    with behind(app, cast.alice) as alice:
        _ = alice.grants
        for count, day in ((2, 1), (20, 40)):
            start = datetime(2026, 4, 1, 9, tzinfo=UTC) + timedelta(days=day)
            values = {"assignment_id": key, "topic": "Calls", "session_start": start, "duration": 30,
                      "repeat": count, "every_days": 1}  # fmt: skip
            with statements.counted(db.engine) as sent:
                training.create_sessions(db.session, values, change(alice))
            told.append(sent.number)
    # Each row is a record of its own, with its savepoint; everything else is asked for once.
    assert told[1] - told[0] <= 18 * 4
