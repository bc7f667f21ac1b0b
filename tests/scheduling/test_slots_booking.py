"""Interviews that book slots, and free them again (SPEC §1 InterviewSlot, issue 3)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from portal.core.db import db
from portal.core.workflow import Change
from portal.interviews.models import Interview, Panelist
from portal.interviews.workflow import INTERVIEW
from portal.scheduling.models import Engagement, InterviewSlot
from tests.scheduling.test_slots_pages import edit, errors, offer, person, run, states, text
from tests.support.cast import Cast
from tests.support.clock import MONDAY, Clock
from tests.support.hiring import at_work, audited, make_application, make_candidate

START = datetime(2026, 4, 7, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _stopped(clock: Clock) -> None:
    """On Monday, 2 March 2026, at nine."""


@pytest.fixture
def application(app: Flask, cast: Cast) -> str:
    return _application(app, cast)


def _application(app: Flask, cast: Cast, recruiter: Any = None) -> str:
    with app.app_context(), at_work(recruiter or cast.alice) as user:
        made = make_application("approved", candidate=make_candidate(), recruiter=user)
        db.session.commit()
        return str(made.id)


def schedule(client: Any, application: str, slot: Any, **values: Any) -> Any:
    given = {"application_id": application, "interview_type": "video", "audience": "client", "slot_id": str(slot),
             "timezone": "UTC", **values}  # fmt: skip
    return client.submit("/interviews/new", given)


def interviews(app: Flask, cast: Cast) -> list[Any]:
    query = sa.select(Interview.scheduled_start, Interview.scheduled_end, Interview.timezone)
    with app.app_context(), at_work(cast.alice):
        return [tuple(row) for row in db.session.execute(query.order_by(Interview.id))]


def panel(app: Flask, cast: Cast) -> list[Any]:
    with app.app_context(), at_work(cast.alice):
        query = sa.select(Panelist.user_id, Panelist.part).order_by(Panelist.part, Panelist.id)
        return [tuple(row) for row in db.session.execute(query)]


def test_a_slot_fills_start_end_zone_and_interviewer_and_takes_up_their_time(
    app: Flask, client: Any, cast: Cast, application: str
) -> None:
    slot = offer(app, cast.bob, START, timezone="Asia/Dubai")
    client.log_in(cast.alice)
    page = text(client.get(f"/slots/{slot}"))
    assert f"/interviews/new?slot_id={slot}" in page
    form = text(client.get(f"/interviews/new?slot_id={slot}"))
    assert f'<option value="{slot}" selected>Bob Baker, 7 Apr 2026, 09:00 +00:00</option>' in form
    answer = schedule(client, application, slot)
    assert answer.status_code == 302, errors(answer)
    assert interviews(app, cast) == [(START, START + HOUR, "Asia/Dubai")]
    assert panel(app, cast) == [(cast.bob.id, "lead")]
    with app.app_context(), at_work(cast.alice):
        taken = sa.select(Engagement.start, Engagement.end).where(Engagement.person_id == cast.bob.id)
        assert [tuple(row) for row in db.session.execute(taken)] == [(START, START + HOUR)]
    assert states(client) == ["booked"]
    booked = text(client.get(f"/slots/{slot}"))
    assert (answer.location in booked, "Video interview with Jane Doe" in booked, "booked it" in booked) == (True,) * 3
    assert f"/slots/{slot}" in text(client.get(answer.location))


def test_what_was_typed_stands_and_must_lie_within_the_slot(
    app: Flask, client: Any, cast: Cast, application: str
) -> None:
    slot = offer(app, cast.bob, START)
    client.log_in(cast.alice)
    late = {"scheduled_start": "2026-04-07T09:30", "scheduled_end": "2026-04-07T10:30"}
    answer = schedule(client, application, slot, **late)
    assert (answer.status_code, "The interview must lie within its slot." in text(answer)) == (422, True)
    assert states(client) == ["free"]
    some = {"scheduled_start": "2026-04-07T09:15", "interviewers": [str(cast.alice.id)], "timezone": "Europe/Paris"}
    assert schedule(client, application, slot, **{**some, "scheduled_start": "2026-04-07T11:15"}).status_code == 302
    assert interviews(app, cast) == [(START + timedelta(minutes=15), START + HOUR, "Europe/Paris")]
    assert panel(app, cast) == [(cast.alice.id, "lead"), (cast.bob.id, "panelist")]


def test_who_comes_second_is_told_and_loses_nothing_of_what_was_typed(
    app: Flask, client: Any, cast: Cast, application: str
) -> None:
    slot = offer(app, cast.bob, START)
    client.log_in(cast.alice)
    assert schedule(client, application, slot).status_code == 302
    answer = schedule(client, _application(app, cast), slot, title="My typed title")
    page = text(answer)
    assert (answer.status_code, "This slot was just taken by somebody else." in page, "My typed title" in page) == (
        422, True, True,
    )  # fmt: skip
    assert len(interviews(app, cast)) == 1


def test_a_slot_that_is_held_past_or_for_something_else_is_not_booked(
    app: Flask, client: Any, cast: Cast, clock: Clock, application: str
) -> None:
    held, mock = offer(app, cast.bob, START), offer(app, cast.bob, START + HOUR, slot_type="mock_interview")
    client.log_in(cast.bob)
    client.submit(f"/slots/{held}/hold", {"minutes": "60"})
    client.log_in(cast.alice)
    told = {key: text(schedule(client, application, key)) for key in (held, mock)}
    assert "Bob Baker holds this slot until 10:00 (Europe/London, UTC+00:00). Please choose another one." in told[held]
    assert "This slot is for mock interviews." in told[mock]
    clock.set(START)
    assert "This slot has begun already." in text(schedule(client, application, held))
    clock.set(MONDAY)
    client.log_in(cast.bob)
    assert schedule(client, application, held).status_code == 302  # whoever holds it may book it
    assert sorted(states(client)) == ["booked", "free"]


def test_a_slot_of_the_other_tenant_or_out_of_scope_is_none_of_the_choices(
    app: Flask, client: Any, cast: Cast, application: str
) -> None:
    client.log_in(cast.alice)
    answer = schedule(client, application, offer(app, cast.charlie, START))
    assert (answer.status_code, "This is not one of the choices." in text(answer)) == (422, True)


def test_a_booked_slot_is_neither_moved_nor_deleted_nor_held(
    app: Flask, client: Any, cast: Cast, application: str
) -> None:
    slot = offer(app, cast.bob, START)
    client.log_in(cast.alice)
    schedule(client, application, slot)
    moved = {"start": "2026-04-07T12:00", "end": "2026-04-07T13:00", "slot_type": "any"}
    answer = edit(client, slot, **moved)
    assert (answer.status_code, "This slot is booked already." in text(answer)) == (409, True)
    answer = client.submit(f"/slots/{slot}/delete")
    assert (answer.status_code, "This slot is booked already." in text(answer)) == (409, True)
    assert "This slot is booked already." in run(client, "hold", [slot], minutes="5")
    notes = {"start": "2026-04-07T10:00", "end": "2026-04-07T11:00", "slot_type": "any", "notes": "Room 2"}
    assert edit(client, slot, **notes).status_code == 302
    assert states(client) == ["booked"]


def _interview(app: Flask, cast: Cast) -> UUID:
    with app.app_context(), at_work(cast.alice):
        found: UUID = db.session.scalars(sa.select(Interview.id)).one()
        return found


@pytest.mark.parametrize(
    ("verb", "form", "state"),
    [
        ("cancel", {"reason": "The ward is closed"}, "free"),
        ("reschedule", {"scheduled_start": "2026-04-08T09:00", "scheduled_end": "2026-04-08T10:00"}, "free"),
        ("reschedule", {"scheduled_start": "2026-04-07T10:10", "scheduled_end": "2026-04-07T10:50"}, "booked"),
        ("confirm", {}, "booked"),
    ],
)
def test_a_slot_is_freed_when_its_interview_is_cancelled_or_moved_away(
    app: Flask, client: Any, cast: Cast, application: str, verb: str, form: dict[str, str], state: str
) -> None:
    slot = offer(app, cast.bob, START)
    client.log_in(cast.alice)
    schedule(client, application, slot)
    answer = client.submit(f"/interviews/{_interview(app, cast)}/move/{verb}", form)
    assert answer.status_code == 302, errors(answer)
    assert states(client) == [state]
    with app.app_context(), at_work(cast.alice):
        row = db.session.scalars(sa.select(InterviewSlot)).one()
        assert [action for action, _ in audited(row)] == ["book", "unbook"][: 2 if state == "free" else 1]


def test_a_no_show_frees_its_slot_and_so_does_taking_the_interviewer_off_the_panel(
    app: Flask, client: Any, cast: Cast, application: str
) -> None:
    slot = offer(app, cast.bob, START)
    client.log_in(cast.alice)
    schedule(client, application, slot)
    key = _interview(app, cast)
    page = text(client.get(f"/interviews/{key}/edit"))
    version = page.split('name="row_version"')[1].split('value="')[1].split('"')[0]
    taken_off = {"row_version": version, "interview_type": "video", "title": "Round", "timezone": "UTC",
                 "scheduled_start": "2026-04-07T09:00", "scheduled_end": "2026-04-07T10:00",
                 "interviewers": [str(cast.alice.id)]}  # fmt: skip
    answer = client.submit(f"/interviews/{key}/edit", taken_off)
    assert answer.status_code == 302, errors(answer)
    assert states(client) == ["free"]
    schedule(client, _application(app, cast), slot)
    with app.app_context(), at_work(cast.alice) as alice:
        booked = db.session.scalars(sa.select(InterviewSlot.booked_id)).one()
        assert booked is not None
        change = Change(START + HOUR, alice)
        assert INTERVIEW.apply(db.session, [booked], "no_show", change).refused == {}
        assert db.session.scalars(sa.select(InterviewSlot.booked_id)).one() is None


def test_many_cancellations_free_their_slots_with_as_many_statements_as_one(
    app: Flask, client: Any, cast: Cast
) -> None:
    client.log_in(cast.alice)
    for number in range(6):
        slot = offer(app, cast.bob, START + timedelta(days=number))
        assert schedule(client, _application(app, cast), slot, audience="internal").status_code == 302

    def statements(keys: list[UUID]) -> int:
        count = 0

        def tick(*args: Any) -> None:
            nonlocal count
            count += 1

        event.listen(db.engine, "before_cursor_execute", tick)
        try:
            change = Change(MONDAY, alice, {"reason": "Closed"})
            assert INTERVIEW.apply(db.session, keys, "cancel", change).refused == {}
        finally:
            event.remove(db.engine, "before_cursor_execute", tick)
        return count

    with app.app_context(), at_work(cast.alice) as alice:
        keys = list(db.session.scalars(sa.select(Interview.id).order_by(Interview.id)))
        _ = alice.grants
        assert statements(keys[:1]) == statements(keys[1:])
        assert set(db.session.scalars(sa.select(InterviewSlot.booked_id))) == {None}


def test_what_booked_a_slot_is_named_to_those_alone_who_may_open_it(app: Flask, client: Any, cast: Cast) -> None:
    one, other = person(app, cast, "Recruiter"), person(app, cast, "Recruiter")
    slot = offer(app, cast.bob, START)
    client.log_in(one)
    answer = schedule(client, _application(app, cast, one), slot, title="Secret round")
    assert answer.status_code == 302, errors(answer)
    told = {}
    for name, who in (("one", one), ("other", other)):
        client.log_in(who)
        pages = [text(client.get(url)) for url in ("/slots/", f"/slots/{slot}")]
        told[name] = ["Secret round" in page for page in pages]
        assert "Booked" in pages[0]
    assert told == {"one": [True] * 2, "other": [False] * 2}
    client.log_in(cast.alice)
    assert "Secret round" in text(client.get("/slots/export.csv?cols=booked_by"))


def test_who_may_not_read_slots_has_no_field_for_them(app: Flask, client: Any, cast: Cast) -> None:
    told = {}
    for role in ("Recruiter", "Interview Coordinator", "HR"):
        client.log_in(person(app, cast, role))
        told[role] = 'name="slot_id"' in text(client.get("/interviews/new"))
    assert told == {"Recruiter": True, "Interview Coordinator": True, "HR": True}
