"""What no honest browser sends is answered in words: never a failure, never a way out of the site."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from wtforms import ValidationError

from portal.core.db import db
from portal.core.forms import moment, version_of
from portal.core.web import inside
from portal.interviews.models import Interview
from portal.people import actions
from portal.people.models import Team, User
from tests.conftest import MakeClient
from tests.support.cast import Cast
from tests.support.hiring import at_work, colleague
from tests.support.world import World, populate


@pytest.fixture
def world(app: Flask, cast: Cast, clock: Any) -> World:
    return populate(app, cast)


def test_a_new_form_takes_only_text_and_single_references_from_its_address(
    make_client: MakeClient, cast: Cast, world: World
) -> None:
    client = make_client(cast.alice)
    odd = "roles=abc&members=abc&interviewers=abc&scheduled_start=abc&deadline=abc&openings=x&timezone=No"
    for path in ("users", "teams", "interviews", "projects", "jobs", "applications", "candidates"):
        assert client.get(f"/{path}/new?{odd}").status_code == 200
    assert 'value="Ada"' in client.get("/candidates/new?first_name=Ada").get_data(as_text=True)


def test_pages_that_a_grid_does_not_have_are_not_there(app: Flask, make_client: MakeClient, cast: Cast) -> None:
    with app.app_context(), at_work(cast.alice):
        user = db.session.scalars(sa.select(User)).first()
        assert user is not None
        actions.issue_token(db.session, user, "mine", at=sa.func.current_timestamp(), days=None)  # type: ignore[arg-type]
        db.session.commit()
        key = db.session.scalar(sa.text("SELECT id FROM api_tokens"))
    client = make_client(cast.alice)
    for page in ("/settings/new", "/tokens/new", "/pipeline-stages/new", f"/tokens/{UUID(str(key))}/edit"):
        assert client.get(page).status_code == 404
    assert "/edit" not in client.get(f"/tokens/{UUID(str(key))}").get_data(as_text=True)


def test_no_nul_reaches_the_database(app: Flask, make_client: MakeClient, cast: Cast, world: World) -> None:
    client = make_client(cast.alice)
    for page in ("/interviews/?status=%00", "/audit/?action=%00", "/grants/?permission=a%00b", "/lookup/users?q=%00"):
        assert client.get(page).status_code == 200
    answer = client.submit("/interviews/bulk/cancel", {"all_matching": "1", "query": "status=a%00\0"})
    assert client.get(answer.location).status_code == 200
    assert client.submit("/interviews/views", {"name": "a\0", "query": "status=a%00b\0"}).status_code == 302
    with app.app_context(), at_work(cast.alice):
        key = db.session.scalars(sa.select(Interview.id)).first()
    assert client.submit(f"/interviews/{key}/move/cancel", {"reason": "one\0two"}).status_code == 302
    with app.app_context(), at_work(cast.alice):
        assert db.session.scalar(sa.select(Interview.cancellation_reason).where(Interview.id == key)) == "onetwo"


def test_huge_numbers_are_refused_beside_their_field(
    app: Flask, make_client: MakeClient, cast: Cast, world: World
) -> None:
    client = make_client(cast.alice)
    for digits in (400, 4000, 5000):
        assert client.submit("/jobs/new", {"title": "J", "openings": "9" * digits}).status_code == 422
    with app.app_context(), at_work(cast.alice):
        key = db.session.scalars(sa.select(Interview.id)).first()
    for digits in (12, 5000):
        assert client.submit(f"/interviews/{key}/move/confirm", {"row_version": "9" * digits}).status_code == 302


@pytest.mark.parametrize(
    ("text", "version"), [("3", 3), ("", None), (None, None), ("-1", None), ("9" * 10, None), ("x", None)]
)
def test_versions(text: str | None, version: int | None) -> None:
    assert version_of(text) == version


@pytest.mark.parametrize("year", [1, 1900, 9000, 9999])
def test_times_at_the_ends_of_the_calendar_are_refused(year: int) -> None:
    with pytest.raises(ValidationError):
        moment(datetime(year, 12, 31, 23, 59), "Asia/Tokyo")  # noqa: DTZ001 - a wall time


@pytest.mark.parametrize(
    ("target", "stays"),
    [
        ("/interviews/?q=a", True), ("/", True), ("", False), (None, False), ("https://evil.example", False),
        ("//evil.example", False), ("/\\evil.example", False), ("/\t/evil.example", False), ("/\n/evil", False),
    ],
)  # fmt: skip
def test_nobody_is_sent_to_another_site(target: str | None, stays: bool) -> None:
    assert inside(target) == (target if stays else None)


def _at_once(*calls: Callable[[], Any]) -> list[int]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(call.result().status_code for call in [pool.submit(each) for each in calls])


@pytest.mark.database("postgresql")
def test_of_saves_at_once_one_wins_and_the_others_see_both_versions(
    app: Flask, make_client: MakeClient, cast: Cast, world: World
) -> None:
    with app.app_context(), at_work(cast.alice):
        team = Team(name="Theatre")
        db.session.add(team)
        member = colleague("Recruiter").id
        db.session.commit()
        page = f"/teams/{team.id}/edit"
    clients = [make_client(cast.alice) for _ in range(4)]
    form = {"name": "Theatre", "members": [str(member)], "row_version": "1", "csrf_token": ""}
    tokens = [client.csrf_token() for client in clients]
    answers = _at_once(*[
        lambda c=c, t=t: c.post(page, data={**form, "csrf_token": t}) for c, t in zip(clients, tokens, strict=True)
    ])  # fmt: skip
    assert answers == [302, 409, 409, 409]


@pytest.mark.database("postgresql")
def test_confirming_and_cancelling_at_once_ends_in_words(
    app: Flask, make_client: MakeClient, cast: Cast, world: World
) -> None:
    clients = [make_client(cast.alice) for _ in range(4)]
    tokens = [client.csrf_token() for client in clients]
    with app.app_context(), at_work(cast.alice):
        keys = list(db.session.scalars(sa.select(Interview.id)))
    for key in keys:
        answers = _at_once(*[
            lambda c=c, t=t, v=v, key=key: c.post(f"/interviews/{key}/move/{v}", data={"reason": "no", "csrf_token": t})
            for c, t, v in zip(clients, tokens, ("confirm", "cancel", "confirm", "cancel"), strict=True)
        ])  # fmt: skip
        assert answers == [302] * 4


def test_history_hides_what_the_columns_hide(app: Flask, make_client: MakeClient, cast: Cast, world: World) -> None:
    with app.app_context(), at_work(cast.alice):
        recruiter, other = colleague("Recruiter"), colleague("Interviewer")
        db.session.commit()
        session_key, key, email = recruiter.get_id(), other.id, other.email

    class Reader:
        def get_id(self) -> str:
            return session_key

    page = f"/users/{key}"
    assert email in make_client(cast.alice).get(page).get_data(as_text=True)
    answer = make_client(Reader()).get(page)
    assert answer.status_code == 200
    assert email not in answer.get_data(as_text=True)
