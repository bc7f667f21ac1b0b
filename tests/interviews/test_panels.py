"""Panel parts and replies through the pages: who sits where, who comes, whose time is taken (SPEC §1, §4)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.events import OutboxEvent
from portal.hiring.models import Application, Job
from portal.interviews.models import Interview, Panelist
from portal.scheduling.models import Engagement
from tests.support.cast import Cast
from tests.support.clock import MONDAY
from tests.support.hiring import audited, colleague, make_application
from tests.support.pages import behind, errors, text
from tests.support.world import World, populate


@pytest.fixture
def world(app: Flask, cast: Cast, clock: Any) -> World:
    return populate(app, cast)


START = MONDAY + timedelta(days=9)


def data(world: World, **more: Any) -> dict[str, Any]:
    return {
        "application_id": str(world.own["applications"]), "audience": "internal", "timezone": "UTC",
        "interview_type": "video", "title": "Round", "scheduled_start": f"{START:%Y-%m-%dT%H:%M}",
        "scheduled_end": f"{START + timedelta(hours=1):%Y-%m-%dT%H:%M}", **more,
        "organizer_id": str(world.cast.alice.id),
    }  # fmt: skip


def row_at(location: str) -> Interview:
    key = UUID(location.rpartition("/")[2])
    return db.session.scalars(sa.select(Interview).where(Interview.id == key)).one()


def panel(row: Interview) -> dict[Any, tuple[str, str]]:
    query = sa.select(Panelist.user_id, Panelist.part, Panelist.reply).where(Panelist.interview_id == row.id)
    return {user: (part, reply) for user, part, reply in db.session.execute(query)}


def busy(row: Interview) -> set[Any]:
    query = sa.select(Engagement.user_id).where(Engagement.subject_id == row.id, Engagement.user_id.is_not(None))
    return set(db.session.scalars(query))


def told(row: Interview, *names: str) -> list[tuple[str, str, str]]:
    query = sa.select(OutboxEvent).where(OutboxEvent.subject_id == row.id, OutboxEvent.name.in_(names))
    found = db.session.scalars(query.order_by(OutboxEvent.id))
    return [(each.name, each.payload["user"], each.payload["note"]) for each in found]


def test_the_first_leads_shadows_watch_and_a_change_of_part_is_kept_in_the_history(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    client, alice, bob = make_client(cast.alice), cast.alice.id, cast.bob.id
    with behind(app, cast.alice):
        carol = colleague("Interviewer", "Carol Cox").id
    made = client.submit("/interviews/new", data(world, interviewers=[str(bob), str(alice)], shadows=[str(carol)]))
    with behind(app, cast.alice):
        row = row_at(made.location)
        assert panel(row) == {bob: ("lead", "needs_action"), alice: ("panelist", "needs_action"),
                              carol: ("shadow", "needs_action")}  # fmt: skip
        assert busy(row) == {alice, bob, carol}
        db.session.execute(sa.update(Panelist).where(Panelist.interview_id == row.id).values(reply="accepted"))
    form = client.get(f"{made.location}/edit").get_data(as_text=True)
    assert form.index(f'value="{bob}" selected') < form.index(f'value="{alice}" selected') < form.index(str(carol))
    change = data(world, interviewers=[str(alice), str(carol)], row_version="1")
    assert client.submit(f"{made.location}/edit", change).status_code == 302
    with behind(app, cast.alice):
        row = row_at(made.location)
        assert panel(row) == {alice: ("lead", "accepted"), carol: ("panelist", "accepted")}
        assert busy(row) == {alice, carol}
        assert audited(row) == [("panel", {"panel": [
            "Bob Baker (lead), Alice Ardent, Carol Cox (shadow)", "Alice Ardent (lead), Carol Cox"]})]  # fmt: skip
        seats = sa.select(Panelist).where(Panelist.interview_id == row.id, Panelist.user_id == alice)
        assert audited(db.session.scalars(seats).one()) == [("changed", {"part": ["panelist", "lead"]})]
    page = text(client.get(made.location))
    assert "changed the panel" in page
    assert "now Alice Ardent (lead), Carol Cox" in page
    again = {**change, "row_version": "2"}
    assert client.submit(f"{made.location}/edit", again).status_code == 302
    with behind(app, cast.alice):
        assert row_at(made.location).version == 2  # nothing changed, nothing is written


def test_a_panelist_replies_and_may_change_their_mind_and_their_time_follows(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    alice, bob = make_client(cast.alice), make_client(cast.bob)
    made = alice.submit("/interviews/new", data(world, interviewers=[str(cast.bob.id)])).location
    assert "Awaiting my reply Round" not in text(bob.get("/"))
    assert "Awaiting my reply" in text(bob.get("/"))
    assert "You are invited as lead. Will you come?" in text(bob.get(made))
    assert "Your reply" not in text(alice.get(made))
    declined = bob.submit(f"{made}/reply", {"reply": "declined", "note": "On leave <b>"}, follow_redirects=True)
    assert "Your reply: declined." in text(declined)
    assert "Awaiting my reply" not in text(bob.get("/"))
    with behind(app, cast.alice):
        row = row_at(made)
        assert (panel(row), busy(row)) == ({cast.bob.id: ("lead", "declined")}, set())
        assert (row.version, audited(row)) == (1, [("reply", {"reply": ["Needs action", "Declined"]})])
    page = alice.get(made).get_data(as_text=True)
    assert "On leave &lt;b&gt;" in page
    for answer in ("declined", "tentative", "accepted"):
        bob.submit(f"{made}/reply", {"reply": answer})
    who = str(cast.bob.id)
    with behind(app, cast.alice):
        row = row_at(made)
        assert (panel(row), busy(row)) == ({cast.bob.id: ("lead", "accepted")}, {cast.bob.id})
        assert told(row, "InterviewDeclined", "InterviewAccepted") == [
            ("InterviewDeclined", who, "On leave <b>"), ("InterviewAccepted", who, "")
        ]  # fmt: skip


def test_who_comes_back_finds_their_time_taken_in_words(app: Flask, make_client: Any, cast: Cast, world: World) -> None:
    alice, bob = make_client(cast.alice), make_client(cast.bob)
    first = alice.submit("/interviews/new", data(world, interviewers=[str(cast.bob.id)])).location
    bob.submit(f"{first}/reply", {"reply": "declined"})
    assert alice.submit(f"{first}/move/cancel", {"reason": "x"}).status_code == 302
    second = alice.submit("/interviews/new", data(world, title="Second", interviewers=[str(cast.bob.id)])).location
    bob.submit(f"{second}/reply", {"reply": "declined"})
    assert alice.submit(f"{first}/move/reschedule", {
        "scheduled_start": "2026-03-11T12:00", "scheduled_end": "2026-03-11T13:00"}).status_code == 302  # fmt: skip
    moved = {"scheduled_start": "2026-03-11T12:00", "scheduled_end": "2026-03-11T13:00",
             "overrule_reason": "The candidate can do both"}  # fmt: skip
    assert alice.submit(f"{second}/move/reschedule", moved).status_code == 302
    bob.submit(f"{second}/reply", {"reply": "declined"})
    answer = bob.submit(f"{second}/reply", {"reply": "accepted"}, follow_redirects=True)
    assert "Bob Baker has “Round” from 11 Mar 2026, 12:00 to 13:00 (UTC, UTC+00:00)." in text(answer)
    with behind(app, cast.alice):
        assert panel(row_at(second)) == {cast.bob.id: ("lead", "declined")}


def test_a_reply_is_ones_own_and_only_while_the_interview_is_to_come(
    app: Flask, make_client: Any, cast: Cast, world: World, clock: Any
) -> None:
    alice, bob = make_client(cast.alice), make_client(cast.bob)
    made = alice.submit("/interviews/new", data(world, interviewers=[str(cast.bob.id)])).location
    yes = {"reply": "accepted"}
    assert alice.submit(f"{made}/reply", yes).status_code == 403
    theirs = [f"/interviews/{key}/reply" for key in (world.foreign["interviews"], uuid4())]
    assert [bob.submit(url, yes).status_code for url in theirs] == [404, 404]
    odd = bob.submit(f"{made}/reply", {"reply": "maybe"}, follow_redirects=True)
    assert "Please answer with one of: accepted, tentative, declined." in text(odd)
    long = bob.submit(f"{made}/reply", {**yes, "note": "x" * 1001}, follow_redirects=True)
    assert "At most 1000 characters, please; these are 1001." in text(long)
    alice.submit(f"{made}/move/cancel", {"reason": "ill"})
    off = text(bob.submit(f"{made}/reply", yes, follow_redirects=True))
    assert "This interview is cancelled; a reply is no longer possible." in off
    assert "Will you come?" not in off
    with behind(app, cast.alice):
        row_at(made).status = "scheduled"
    clock.set(START + timedelta(hours=1))
    over = text(bob.submit(f"{made}/reply", yes, follow_redirects=True))
    assert "This interview is over; a reply is no longer possible." in over
    with behind(app, cast.alice):
        assert panel(row_at(made)) == {cast.bob.id: ("lead", "needs_action")}


def test_a_reply_from_a_page_that_shows_the_old_time_is_refused(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    alice, bob = make_client(cast.alice), make_client(cast.bob)
    made = alice.submit("/interviews/new", data(world, interviewers=[str(cast.bob.id)])).location
    seen = '<input type="hidden" name="schedule" value="0">'
    assert seen in bob.get(made).get_data(as_text=True)
    moved = {"scheduled_start": "2026-03-12T12:00", "scheduled_end": "2026-03-12T13:00"}
    assert alice.submit(f"{made}/move/reschedule", moved).status_code == 302
    stale = bob.submit(f"{made}/reply", {"reply": "accepted", "schedule": "0"}, follow_redirects=True)
    assert "This interview was moved in the meantime. Please reply to its new time." in text(stale)
    with behind(app, cast.alice):
        assert panel(row_at(made)) == {cast.bob.id: ("lead", "needs_action")}
    bob.submit(f"{made}/reply", {"reply": "accepted", "schedule": "1"})
    with behind(app, cast.alice):
        assert panel(row_at(made)) == {cast.bob.id: ("lead", "accepted")}


def test_the_passcode_is_for_those_who_take_part_or_arrange_it(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    key = world.own["interviews"]
    with behind(app, cast.alice):
        row = db.session.scalars(sa.select(Interview).where(Interview.id == key)).one()
        row.meeting_url, row.meeting_id, row.meeting_password = "https://zoom.example/issued", "123 456", "sesame-7"
        row.calendar_provider, row.calendar_event_id, row.candidate_calendar_event_id = "google", "ev-1", "ev-2"
        who = {role: colleague(role) for role in ("HR", "Manager", "Interview Coordinator", "Interviewer")}
        seat = {"interview_id": key, "scheduled_start": row.scheduled_start, "user_id": who["Interviewer"].id}
        db.session.add(Panelist(**seat, part="shadow"))
        keys = {role: user.get_id() for role, user in who.items()} | {"organizer": cast.alice.get_id()}
    shown = {}
    for role, session_key in keys.items():
        page = text(make_client(type("Who", (), {"get_id": lambda self, k=session_key: k})()).get(f"/interviews/{key}"))
        assert all(word in page for word in ("zoom.example/issued", "123 456", "Google", "ev-1", "ev-2")), role
        shown[role] = "sesame-7" in page
    assert shown == {"HR": True, "Manager": False, "Interview Coordinator": False, "Interviewer": True,
                     "organizer": True}  # fmt: skip
    assert "sesame-7" not in make_client(cast.alice).get("/interviews/export.csv").get_data(as_text=True)


# --- two at once ------------------------------------------------------------------------------------

TAKEN = "Bob Baker has “Round” from 11 Mar 2026, 09:00 to 10:00 (UTC, UTC+00:00)."
KEPT = TAKEN.replace("“Round”", "another engagement")  # in a history that others read
WHY = "The client insists <b>"


def other_application(app: Flask, world: World) -> str:
    """Another candidate's, so that only the interviewer clashes."""
    with behind(app, world.cast.alice):
        job = db.session.scalars(sa.select(Job)).one()
        made = make_application("approved", job=job)
        return str(made.id)


def test_a_clash_is_told_beside_the_field_and_hr_overrules_it_with_a_reason_kept(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    client, bob = make_client(cast.alice), [str(cast.bob.id)]
    assert client.submit("/interviews/new", data(world, interviewers=bob)).status_code == 302
    second = {**data(world, title="Second", location="Room 7"), "application_id": other_application(app, world)}
    # a new one, and its panel changed
    answer = client.submit("/interviews/new", {**second, "interviewers": bob})
    assert (answer.status_code, errors(answer)) == (422, {"scheduled_start": TAKEN})
    assert 'value="Room 7"' in answer.get_data(as_text=True)
    made = client.submit("/interviews/new", second).location
    answer = client.submit(f"{made}/edit", {**second, "interviewers": bob, "row_version": "1"})
    assert errors(answer) == {"interviewers": TAKEN}
    overruled = {**second, "interviewers": bob, "overrule_reason": WHY}
    assert client.submit(f"{made}/edit", {**overruled, "row_version": "1"}).status_code == 302
    with behind(app, cast.alice):
        row = row_at(made)
        assert ("overruled a clash", {"clash": [None, KEPT]}) in audited(row)
        reasons = sa.select(Engagement.overrule_reason).where(
            Engagement.subject_id == row.id, Engagement.user_id == cast.bob.id
        )
        assert db.session.scalars(reasons).all() == [WHY]
        version = str(row.version)
    assert "The client insists &lt;b&gt;" in client.get(made).get_data(as_text=True)
    # away to the next day, and back into the clash: refused by the move, and by the edit, unless overruled
    away, back = (
        {"scheduled_start": f"2026-03-{day}T09:00", "scheduled_end": f"2026-03-{day}T10:00"} for day in (12, 11)
    )
    assert client.submit(f"{made}/move/reschedule", {**away, "row_version": version}).status_code == 302
    answer = client.submit(f"{made}/move/reschedule", back)
    assert errors(answer) == {"scheduled_start": TAKEN}
    with behind(app, cast.alice):
        version = str(row_at(made).version)
    answer = client.submit(f"{made}/edit", {**second, **back, "interviewers": bob, "row_version": version})
    assert errors(answer) == {"scheduled_start": TAKEN}
    assert client.submit(f"{made}/move/reschedule", {**back, "overrule_reason": WHY}).status_code == 302


def test_a_bulk_reschedule_tells_clashes_row_by_row_and_hr_overrules_them(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    client, bob = make_client(cast.alice), [str(cast.bob.id)]
    first = client.submit("/interviews/new", data(world, interviewers=bob)).location
    later = {"scheduled_start": "2026-03-12T09:00", "scheduled_end": "2026-03-12T10:00"}
    other = {**data(world, title="Second", interviewers=bob), **later, "application_id": other_application(app, world)}
    second = client.submit("/interviews/new", other).location
    ids = {"ids": [second.rpartition("/")[2]]}
    run = client.submit("/interviews/bulk/reschedule", ids).location
    assert 'name="overrule_reason"' in client.get(run).get_data(as_text=True)
    client.submit(run, {"how": "offset", "days": "-1"})
    assert client.get(f"{run}/report.csv").get_data(as_text=True).splitlines()[1].endswith(f'failed,"{TAKEN}"')
    run = client.submit("/interviews/bulk/reschedule", ids).location
    client.submit(run, {"how": "offset", "days": "-1", "overrule_reason": WHY})
    assert client.get(f"{run}/report.csv").get_data(as_text=True).splitlines()[1].endswith("done,")
    with behind(app, cast.alice):
        row, kept = row_at(second), row_at(first)
        assert row.scheduled_start == kept.scheduled_start
        assert ("overruled a clash", {"clash": [None, KEPT]}) in audited(row)


def test_who_may_not_overrule_does_not_see_the_field_and_a_forged_one_is_refused(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    with behind(app, cast.alice):
        recruiter = colleague("Recruiter")
        db.session.execute(sa.update(Application).values(recruiter_id=recruiter.id))
        session_key = recruiter.get_id()
    client = make_client(type("Who", (), {"get_id": lambda self: session_key})())
    taken = make_client(cast.alice).submit("/interviews/new", data(world, interviewers=[str(cast.bob.id)])).location
    forged = data(world, title="Mine", overrule_reason=WHY)
    answer = client.submit("/interviews/new", forged)
    assert set(errors(answer)) == {"scheduled_start"}
    key = world.own["interviews"]
    pages = ("/interviews/new", f"/interviews/{key}/edit", f"/interviews/{key}/move/reschedule")
    assert ["overrule_reason" in client.get(url).get_data(as_text=True) for url in pages] == [False] * 3
    times = {"scheduled_start": "2026-03-11T09:00", "scheduled_end": "2026-03-11T10:00", "overrule_reason": WHY}
    with behind(app, cast.alice):
        row_at(taken)
        db.session.execute(sa.update(Interview).where(Interview.id == key).values(timezone="UTC"))
    assert set(errors(client.submit(f"/interviews/{key}/move/reschedule", times))) == {"scheduled_start"}
    run = client.submit("/interviews/bulk/reschedule", {"ids": [str(key)]}).location
    assert "overrule_reason" not in client.get(run).get_data(as_text=True)
    client.submit(run, {"how": "time", **times})
    assert ",failed," in client.get(f"{run}/report.csv").get_data(as_text=True)
    with behind(app, cast.alice):
        assert db.session.scalar(sa.select(Interview.scheduled_start).where(Interview.id == key)) != START
