"""Forms: errors beside the field with what was typed kept, both versions on a conflict, no lost update."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.hiring.models import Application, Candidate
from portal.interviews.models import Interview
from tests.support.cast import Cast
from tests.support.world import World, populate


@pytest.fixture
def world(app: Flask, cast: Cast, clock: Any) -> World:
    return populate(app, cast)


def _row(app: Flask, cast: Cast, model: Any) -> Any:
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        row = db.session.scalars(sa.select(model).order_by(model.id)).first()
        db.session.expunge(row)
        return row


def _errors(answer: Any) -> dict[str, str]:
    """Each field's error as it stands beside the field."""
    page = answer.get_data(as_text=True)
    found = re.findall(r'id="([a-z_]+)-error">.*?<span>(.*?)</span>', page, re.S)
    return {name: " ".join(re.sub(r"<.*?>", "", text).split()) for name, text in found}


CANDIDATE = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@x.example", "timezone": "Europe/London"}


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"first_name": ""}, {"first_name": "Please fill this in."}),
        ({"first_name": "x" * 101}, {"first_name": "At most 100 characters, please."}),
        ({"email": "nobody"}, {"email": "This is not an e-mail address: An email address must have an @-sign."}),
        ({"timezone": "Mars/Olympus"}, {"timezone": "Not a valid choice."}),
        ({"email": "harbour@x.example"}, {"email": "There is one with this email already."}),
        ({"recruiter_id": "nonsense"}, {"recruiter_id": "This is not one of the choices."}),
    ],
)
def test_bad_input_is_refused_beside_its_field(
    make_client: Any, cast: Cast, world: World, change: dict[str, str], errors: dict[str, str]
) -> None:
    answer = make_client(cast.alice).submit("/candidates/new", {**CANDIDATE, **change})
    assert (answer.status_code, _errors(answer)) == (422, errors)
    assert 'value="Lovelace"' in answer.get_data(as_text=True)


def test_text_comes_back_as_typed(app: Flask, make_client: Any, cast: Cast, world: World) -> None:
    typed = {**CANDIDATE, "first_name": "Robert'); DROP TABLE students;--", "last_name": '<script>alert("x")</script>'}
    client = make_client(cast.alice)
    page = client.submit("/candidates/new", typed).location
    body = client.get(page).get_data(as_text=True)
    assert "<script>alert(" not in body
    assert "&lt;script&gt;alert(" in body
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        row = db.session.scalar(sa.select(Candidate).where(Candidate.email == "ada@x.example"))
        assert row is not None
        assert (row.first_name, row.last_name) == (typed["first_name"], typed["last_name"])


def test_a_foreign_reference_is_not_one_of_the_choices(app: Flask, make_client: Any, cast: Cast, world: World) -> None:
    data = {"candidate_id": str(world.foreign["candidates"]), "job_id": str(world.foreign["jobs"])}
    answer = make_client(cast.alice).submit("/applications/new", data)
    assert _errors(answer) == dict.fromkeys(data, "This is not one of the choices.")


def test_a_stale_save_shows_both_versions_and_keeps_what_was_typed(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    row = _row(app, cast, Candidate)
    url = f"/candidates/{row.id}/edit"
    mine = {**CANDIDATE, "email": row.email, "row_version": str(row.version), "first_name": "Mine"}
    assert make_client(cast.bob).submit(url, {**mine, "first_name": "Theirs"}).status_code == 302
    client = make_client(cast.alice)
    answer = client.submit(url, mine)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Bob Baker" in page
    assert 'value="Mine"' in page
    assert re.search(r'<td dir="auto">Mine</td>\s*<td dir="auto">Theirs</td>', page)
    assert _row(app, cast, Candidate).first_name == "Theirs"

    seen = re.search(r'name="row_version"[^>]*value="(\d+)"', page)
    assert seen is not None
    assert client.submit(url, {**mine, "row_version": seen[1]}).status_code == 302
    assert _row(app, cast, Candidate).first_name == "Mine"


@pytest.mark.parametrize("version", ["", "abc", "-1", "99999999999999999999"])
def test_a_save_without_a_true_version_is_stale(
    app: Flask, make_client: Any, cast: Cast, world: World, version: str
) -> None:
    row = _row(app, cast, Candidate)
    data = {**CANDIDATE, "row_version": version}
    assert make_client(cast.alice).submit(f"/candidates/{row.id}/edit", data).status_code == 409
    assert _row(app, cast, Candidate).first_name == row.first_name


def test_a_save_that_changes_nothing_keeps_times_to_the_microsecond(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        row = db.session.scalars(sa.select(Interview)).one()
        row.scheduled_start += timedelta(seconds=12, microseconds=345678)
        db.session.commit()
        before = (row.id, row.scheduled_start, row.reschedule_count)
    client = make_client(cast.alice)
    form = client.get(f"/interviews/{before[0]}/edit").get_data(as_text=True)
    start = re.search(r'name="scheduled_start"[^>]*value="([^"]+)"', form)
    end = re.search(r'name="scheduled_end"[^>]*value="([^"]+)"', form)
    version = re.search(r'name="row_version"[^>]*value="(\d+)"', form)
    assert start and end and version  # noqa: PT018 - one form
    data = {"interview_type": "video", "title": "New title", "scheduled_start": start[1], "scheduled_end": end[1],
            "timezone": "Asia/Dubai", "row_version": version[1]}  # fmt: skip
    assert client.submit(f"/interviews/{before[0]}/edit", data).status_code == 302
    after = _row(app, cast, Interview)
    assert (after.id, after.scheduled_start, after.reschedule_count) == before
    assert after.title == "New title"


INTERVIEW = {"interview_type": "technical", "audience": "client", "timezone": "Europe/Berlin",
             "scheduled_start": "2026-03-20T10:00", "scheduled_end": "2026-03-20T11:00"}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"scheduled_end": "2026-03-20T09:00"}, {"scheduled_end": "The end must be after the start."}),
        ({"scheduled_start": "2026-02-20T10:00", "scheduled_end": "2026-02-20T11:00"},
         {"scheduled_start": "The start must be in the future."}),
        ({"scheduled_start": "2026-03-18T10:00"}, {"scheduled_end": "An interview lasts 24 hours at most."}),
        ({"scheduled_start": "soon"},
         {"scheduled_start": "Please give a date and a time, such as 2026-11-24 14:00."}),
        ({"scheduled_start": "2026-03-29T02:30", "scheduled_end": "2026-03-29T04:00"},
         {"scheduled_start": "The clocks in Europe/Berlin skip this time on that day; did you mean 03:30?"}),
        ({"meeting_link": "zoom.us/j/1"},
         {"meeting_link": "Write a full web address that starts with http:// or https://."}),
        ({"meeting_link": "javascript:alert(1)"},
         {"meeting_link": "Write a full web address that starts with http:// or https://."}),
        ({"timezone": "Nowhere"}, {"timezone": "Not a valid choice."}),
        ({"interview_type": "seance"}, {"interview_type": "Not a valid choice."}),
        ({"interviewers": ["00000000-0000-0000-0000-000000000000"]},
         {"interviewers": "This is not one of the choices."}),
    ],
)  # fmt: skip
def test_an_interview_that_cannot_be_is_refused_beside_the_field(
    app: Flask, make_client: Any, cast: Cast, world: World, change: dict[str, Any], errors: dict[str, str]
) -> None:
    application = _row(app, cast, Application)
    data = {**INTERVIEW, "application_id": str(application.id), **change}
    answer = make_client(cast.alice).submit("/interviews/new", data)
    found = _errors(answer)
    assert (answer.status_code, {name: found.get(name) for name in errors}) == (422, errors)


def test_wall_times_are_of_the_zone_that_the_form_names(app: Flask, make_client: Any, cast: Cast, world: World) -> None:
    application = _row(app, cast, Application)
    client = make_client(cast.alice)
    for day, utc in (("2026-03-28", "2026-03-28T09:00:00+00:00"), ("2026-03-30", "2026-03-30T08:00:00+00:00")):
        data = {**INTERVIEW, "application_id": str(application.id), "title": f"On {day}",
                "scheduled_start": f"{day}T10:00", "scheduled_end": f"{day}T11:00"}  # fmt: skip
        assert client.submit("/interviews/new", data).status_code == 302
        with app.app_context(), tenant_scope(cast.alice.tenant_id):
            start = db.session.scalar(sa.select(Interview.scheduled_start).where(Interview.title == f"On {day}"))
            assert start == datetime.fromisoformat(utc)


def test_a_row_that_is_in_use_is_not_deleted(make_client: Any, cast: Cast, world: World) -> None:
    client = make_client(cast.alice)
    url = f"/candidates/{world.own['candidates']}/delete"
    assert client.get(url).status_code == 200
    assert "is in use and cannot be deleted" in client.submit(url, follow_redirects=True).get_data(as_text=True)


def test_two_people_moving_the_same_row_are_told_who_was_first(make_client: Any, cast: Cast, world: World) -> None:
    row = world.own["interviews"]
    assert make_client(cast.bob).submit(f"/interviews/{row}/move/cancel", {"reason": "ill"}).status_code == 302
    answer = make_client(cast.alice).submit(f"/interviews/{row}/move/confirm", follow_redirects=True)
    page = answer.get_data(as_text=True)
    assert "This interview is cancelled; “Confirm” does not start from there." in page
    assert "Bob Baker cancelled it at 2 Mar 2026" in page


def test_a_role_that_somebody_has_is_not_deleted(make_client: Any, cast: Cast, world: World) -> None:
    client = make_client(cast.alice)
    held = client.get("/lookup/roles?q=system admin").json[0]["id"]
    answer = client.submit(f"/roles/{held}/delete", follow_redirects=True)
    assert "is in use and cannot be deleted" in answer.get_data(as_text=True)
    unused = client.get("/lookup/roles?q=interviewer").json[0]["id"]
    assert client.submit(f"/roles/{unused}/delete").location == "/roles/"


def test_a_colour_is_one_of_the_themes(make_client: Any, cast: Cast, world: World) -> None:
    client = make_client(cast.alice)
    url = f"/pipeline-stages/{world.own['pipeline-stages']}/edit"
    data = {"label": "Renamed", "icon": "flag", "position": "3", "row_version": "1"}
    assert "colour" in _errors(client.submit(url, {**data, "colour": "mauve"}))
    assert client.submit(url, {**data, "colour": "teal"}).status_code == 302
