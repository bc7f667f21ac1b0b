"""One's appointments in a calendar elsewhere, by a secret link."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from flask import Flask
from icalendar import Calendar

from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.messaging.inbox import CalendarFeed
from portal.people.models import Tenant, User
from tests.conftest import MakeApp, MakeClient
from tests.messaging.world import World
from tests.support.cast import Cast, Person
from tests.support.hiring import at_work
from tests.support.practice import in_days, make_mock, make_session, make_training
from tests.support.statements import counted

DAY = timedelta(days=1)


def make_link(client: Any) -> str:
    """A new link, as its page shows it this once; the path."""
    page = client.submit("/me/calendar-feed").get_data(as_text=True)
    found = re.search(r'value="http://[^/"]+(/calendar/feed/[^"]+\.ics)"', page)
    assert found is not None
    return html.unescape(found[1])


def events(answer: Any) -> dict[str, tuple[str, str]]:
    """Summary and status of each event, by the key in its UID."""
    assert answer.status_code == 200
    calendar: Any = Calendar.from_ical(answer.get_data())
    assert str(calendar["METHOD"]) == "PUBLISH"
    named = {event["DTSTART"].params.get("TZID") for event in calendar.events} - {None}
    assert named == {str(zone["TZID"]) for zone in calendar.timezones}
    assert not any("ATTENDEE" in event for event in calendar.events)
    return {str(e["UID"]).removesuffix("@greenroom.example"): (str(e["SUMMARY"]), str(e["STATUS"]))
            for e in calendar.events}  # fmt: skip


def test_it_holds_ones_own_appointments_and_nobody_elses(
    app: Flask, world: World, cast: Cast, make_client: MakeClient
) -> None:
    at, theirs = world.clock.now, {"organizer_id": cast.alice.id}
    mine = world.interview(at + 2 * DAY, [cast.bob], **theirs, title="On the panel")
    organized = world.interview(at + 3 * DAY, [cast.alice], organizer_id=cast.bob.id, title="Organized")
    declined = world.interview(at + 4 * DAY, [cast.bob], **theirs)
    world.reply(declined, cast.bob, "declined")
    others = world.interview(at + 5 * DAY, [cast.alice], **theirs)
    cancelled = world.interview(at + 6 * DAY, [cast.bob], **theirs, title="Off")
    world.move(cancelled, "cancel", reason="ill")
    ahead = world.interview(at + 181 * DAY, [cast.bob], **theirs)
    with app.app_context(), at_work(cast.alice):
        bob = db.session.get_one(User, (cast.bob.tenant_id, cast.bob.id))
        mock = str(make_mock(bob, scheduled_start=in_days(8)).id)
        off = str(make_mock(bob, "cancelled", scheduled_start=in_days(9)).id)
        training = make_training(bob)
        session = str(make_session(training, session_start=in_days(10)).id)
        db.session.commit()
    client = make_client(cast.bob)
    link = make_link(client)
    shown = events(make_client().get(link))
    (name, state), (_, gone) = shown.pop(mock), shown.pop(off)
    assert (name[:20], state, gone) == ("Mock interview with ", "CONFIRMED", "CANCELLED")
    assert shown.pop(session) == ("Training: Handover", "CONFIRMED")
    assert shown == {
        str(mine): ("On the panel", "CONFIRMED"), str(organized): ("Organized", "CONFIRMED"),
        str(cancelled): ("Off", "CANCELLED"),
    }  # fmt: skip
    assert not {str(declined), str(others), str(ahead)} & set(shown)
    world.clock.forward(days=31)
    assert str(cancelled) not in events(make_client().get(link))


def test_a_program_asks_without_a_session_and_is_told_when_nothing_changed(
    app: Flask, world: World, cast: Cast, make_client: MakeClient
) -> None:
    key = world.interview(world.clock.now + 2 * DAY, [cast.bob], title="Ours")
    link = make_link(make_client(cast.bob))
    program = make_client()
    first = program.get(link)
    assert first.headers["Cache-Control"] == "private, max-age=300"
    assert first.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert "Set-Cookie" not in first.headers
    world.clock.forward(minutes=10)
    again = program.get(link, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    world.move(key, "reschedule", offset_minutes=30)
    changed = program.get(link, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    calendar: Any = Calendar.from_ical(changed.get_data())
    assert [(int(e["SEQUENCE"]), str(e["UID"])) for e in calendar.events] == [(2, f"{key}@greenroom.example")]


def _plain(answer: Any) -> tuple[int, bytes]:
    return answer.status_code, answer.get_data().replace(answer.headers["X-Request-Id"].encode(), b"")


def last_used(app: Flask) -> list[Any]:
    with app.app_context(), everywhere():
        return list(db.session.scalars(sa.select(CalendarFeed.last_used_at)))


def test_a_link_ends_when_it_is_renewed_or_revoked_or_its_owner_leaves(
    app: Flask, world: World, cast: Cast, make_client: MakeClient
) -> None:
    client, program = make_client(cast.bob), make_client()
    first = make_link(client)
    assert last_used(app) == [None]
    assert program.get(first).status_code == 200
    used = world.clock.now
    world.clock.forward(minutes=59)
    program.get(first)
    assert last_used(app) == [used]
    world.clock.forward(minutes=1)
    program.get(first)
    assert last_used(app) == [world.clock.now]
    assert "last read it on Mon 2 Mar 2026, 10:00" in client.get("/me/notifications").get_data(as_text=True)
    second = make_link(client)
    assert first != second
    assert program.get(second).status_code == 200
    client.submit("/me/calendar-feed/revoke")
    third = make_link(client)
    with world.session() as session:
        session.execute(sa.update(User).where(User.id == cast.bob.id).values(active=False))
    gone = {_plain(program.get(link)) for link in (first, second, third, "/calendar/feed/nothing.ics")}
    assert len(gone) == 1
    assert gone.pop()[0] == 404


@pytest.mark.database("sqlite")
def test_the_secret_stands_in_no_log(world: World, cast: Cast, make_client: MakeClient) -> None:
    client = make_client(cast.bob)
    with structlog.testing.capture_logs() as lines:
        link = make_link(client)
        for path in (link, f"{link}x", link.removesuffix(".ics"), f"/{link}", link.upper()):
            client.get(path)
    assert len(lines) == 6
    assert link.rpartition("/")[2].removesuffix(".ics").lower() not in str(lines).lower()
    assert {"path": "/calendar/feed/•••", "status": 200}.items() <= lines[1].items()


@pytest.mark.database("sqlite")
def test_what_is_switched_off_or_not_permitted_is_not_in_it(
    app: Flask, world: World, cast: Cast, make_client: MakeClient
) -> None:
    with app.app_context(), at_work(cast.alice) as alice:
        mock = str(make_mock(alice, scheduled_start=in_days(8)).id)
        session = str(make_session(make_training(alice), session_start=in_days(10)).id)
        db.session.commit()
    link, program = make_link(make_client(cast.alice)), make_client()
    assert set(events(program.get(link))) == {mock, session}
    for features, left in (({"training": False}, {mock}), ({"training": False, "mock_interviews": False}, set())):
        with app.app_context(), everywhere():
            db.session.execute(sa.update(Tenant).values(features=features))
            db.session.commit()
        assert set(events(program.get(link))) == left


def test_it_costs_the_same_for_one_appointment_and_for_many(
    app: Flask, world: World, cast: Cast, make_client: MakeClient
) -> None:
    link, program = make_link(make_client(cast.bob)), make_client()
    with app.app_context():
        engine = db.engine
    costs = []
    for number in (1, 6):
        _arrange(world, cast.bob, number)
        program.get(link)
        with counted(engine) as told:
            assert len(events(program.get(link))) == {1: 2, 6: 14}[number]
        costs.append(told.number)
    assert costs[0] == costs[1]
    assert costs[0] <= 12


def _arrange(world: World, person: Person, count: int) -> None:
    with world.app.app_context(), at_work(person) as me:
        for number in range(count):
            make_mock(me, scheduled_start=in_days(20 + 10 * count + number))
        db.session.commit()
    for number in range(count):
        world.interview(world.clock.now + (10 * count + number) * DAY, [person])


@pytest.mark.database("sqlite")
def test_guessing_is_limited(make_app: MakeApp, world: World, cast: Cast, make_client: MakeClient) -> None:
    link = make_link(make_client(cast.bob))
    guesser = make_app(LOGIN_RATE="3 per minute").test_client()
    assert [guesser.get(link).status_code for _ in range(5)] == [200] * 5
    assert [guesser.get(f"/calendar/feed/{n}.ics").status_code for n in range(4)] == [404, 404, 404, 429]
