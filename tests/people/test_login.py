"""The door: log-in and log-out through /login and /logout (SPEC §3, HOUSE §4)."""

import re
import time
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask

from portal.core import web
from portal.core.db import db
from portal.people import actions
from portal.people.models import User
from tests.conftest import MakeApp, MakeClient
from tests.support.cast import Cast
from tests.support.client import PortalClient
from tests.support.clock import MONDAY, Clock
from tests.support.hiring import at_work, colleague

PASSWORD = "correct horse battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""A hash says what it cost: this one is checked at once, where the portal's own take 0.2 s."""


@pytest.fixture
def jo(app: Flask, cast: Cast) -> str:
    """The address of a recruiter who has a password."""
    with app.app_context(), at_work(cast.alice):
        user = colleague("Recruiter", "Jo Moss")
        user.password_hash, email = QUICK, user.email
        db.session.commit()
    return email


def change_user(app: Flask, cast: Cast, email: str, change: Any) -> None:
    with app.app_context(), at_work(cast.alice):
        change(db.session.scalars(sa.select(User).where(User.email == email)).one())
        db.session.commit()


def inside(client: PortalClient) -> bool:
    """Whether the portal knows who asks."""
    answer = client.get("/")
    return answer.status_code == 200 and "Jo Moss" in answer.text


def test_the_right_password_opens_the_portal(
    app: Flask, client: PortalClient, cast: Cast, jo: str, clock: Clock
) -> None:
    answer = client.log_in_by_form(f" {jo.upper()} ", PASSWORD)
    assert (answer.status_code, answer.location) == (302, "/")
    assert inside(client)
    with app.app_context(), at_work(cast.alice):
        assert db.session.scalar(sa.select(User.last_login_at).where(User.email == jo)) == MONDAY


def test_whatever_is_wrong_the_answer_is_the_same(app: Flask, make_client: MakeClient, cast: Cast, jo: str) -> None:
    change_user(app, cast, "bob@harbour.example", lambda user: actions.set_password(db.session, user, PASSWORD))
    change_user(app, cast, "bob@harbour.example", lambda user: setattr(user, "active", False))
    tries = {
        "wrong password": (jo, PASSWORD + "!"),
        "unknown address": ("nobody@harbour.example", PASSWORD),
        "inactive": ("bob@harbour.example", PASSWORD),
        "no password set": ("alice@harbour.example", PASSWORD),
    }
    told = {}
    for what, (email, password) in tries.items():
        client = make_client()
        answer = client.log_in_by_form(email, password)
        body = answer.text.replace(email, "ADDRESS").replace(answer.headers["X-Request-Id"], "ID")
        body = re.sub(r'(nonce|value|content)="[\w.-]{22,}"', r'\1=""', body)
        told[what] = (answer.status_code, sorted(set(answer.headers.keys())), body)
        assert not inside(client)
    assert {what: one == told["wrong password"] for what, one in told.items()} == dict.fromkeys(tries, True)
    status, _, body = told["wrong password"]
    assert status == 401
    assert "This address and password do not match an active account." in body


@pytest.mark.parametrize("data", [{"email": "", "password": PASSWORD}, {"email": "a@b.example", "password": ""}, {}])
def test_what_is_missing_is_said(client: PortalClient, cast: Cast, data: dict[str, str]) -> None:
    answer = client.submit("/login", data)
    assert answer.status_code in (200, 422)
    assert "Please give your" in answer.text


def test_who_is_deactivated_is_outside_with_the_next_click(
    app: Flask, client: PortalClient, cast: Cast, jo: str
) -> None:
    client.log_in_by_form(jo, PASSWORD)
    assert inside(client)
    change_user(app, cast, jo, lambda user: setattr(user, "active", False))
    answer = client.get("/interviews/")
    assert (answer.status_code, answer.location.split("?")[0]) == (302, "/login")


def test_a_new_password_ends_all_log_ins_made_with_the_old_one(
    app: Flask, make_client: MakeClient, cast: Cast, jo: str
) -> None:
    laptop, phone = make_client(), make_client()
    for client in (laptop, phone):
        client.log_in_by_form(jo, PASSWORD)
    change_user(app, cast, jo, lambda user: actions.set_password(db.session, user, "another good password"))
    assert (inside(laptop), inside(phone)) == (False, False)
    assert laptop.log_in_by_form(jo, PASSWORD).status_code == 401
    laptop.log_in_by_form(jo, "another good password")
    assert (inside(laptop), inside(phone)) == (True, False)


NEXT = {
    # where the link wants to lead: where it leads
    "/interviews/?status=confirmed": "/interviews/?status=confirmed",
    "": "/", "https://evil.example/": "/", "//evil.example/": "/", "/\\evil.example": "/", "\\\\evil.example": "/",
    "/\t/evil.example": "/", "/\n/evil.example": "/", "http:evil.example": "/", "javascript:alert(1)": "/",
    " //evil.example": "/", "interviews": "/",
}  # fmt: skip


def test_after_log_in_a_link_leads_nowhere_else_than_into_the_portal(
    app: Flask, make_client: MakeClient, cast: Cast, jo: str
) -> None:
    told = {}
    for target in NEXT:
        told[target] = make_client().log_in_by_form(jo, PASSWORD, next=target).location
    assert told == NEXT


def test_a_visitor_comes_back_to_the_page_that_was_asked_for(client: PortalClient, cast: Cast, jo: str) -> None:
    asked = client.get("/candidates/?q=moss")
    assert asked.location == "/login?next=/candidates/?q%3Dmoss"
    page = client.get(asked.location)
    assert 'value="/candidates/?q=moss"' in page.text


def test_only_failures_count_against_the_limit(make_app: MakeApp, cast: Cast, jo: str) -> None:
    strict = make_app(LOGIN_RATE="3 per minute")

    def attempt(password: str) -> int:
        client = strict.test_client()
        assert isinstance(client, PortalClient)
        return client.log_in_by_form(jo, password).status_code

    assert [attempt(PASSWORD) for _ in range(4)] == [302] * 4
    assert [attempt("wrong password") for _ in range(4)] == [401, 401, 401, 429]
    assert attempt(PASSWORD) == 429


def test_logging_out_needs_a_post_with_the_token(client: PortalClient, cast: Cast, jo: str) -> None:
    client.log_in_by_form(jo, PASSWORD)
    assert (client.get("/logout").status_code, client.post("/logout").status_code) == (405, 400)
    assert inside(client)
    assert client.log_out().location == "/login"
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("cookie", ["", "x", "a|b|c", "{tenant}|{user}|99", "{other}|{user}|1", "{tenant}|{user}|1|"])
def test_a_session_that_names_nobody_is_nobodys(client: PortalClient, cast: Cast, cookie: str) -> None:
    keys = {"tenant": cast.alice.tenant_id, "user": cast.alice.id, "other": cast.charlie.tenant_id}
    with client.session_transaction() as session:
        session["_user_id"] = cookie.format(**keys)
    answer = client.get("/interviews/")
    assert (answer.status_code, answer.location.split("?")[0]) == (302, "/login")


def _refused(app: Flask, *addresses: str) -> list[int]:
    """What a wrong password from each of ``addresses`` is answered, one after the other."""
    wrong, answers = {"email": "a@x.example", "password": "wrong"}, []
    for address in addresses:
        client = app.test_client()
        assert isinstance(client, PortalClient)
        answers.append(client.submit("/login", wrong, headers={"X-Forwarded-For": address}).status_code)
    return answers


def test_an_address_behind_a_trusted_proxy_is_the_visitors(make_app: MakeApp) -> None:
    other = make_app(TRUSTED_PROXIES="1", LOGIN_RATE="1 per minute")
    assert _refused(other, "203.0.113.1", "203.0.113.1", "203.0.113.2") == [401, 429, 401]


@pytest.mark.database("sqlite")
def test_that_one_applications_redis_is_down_is_not_true_of_another(make_app: MakeApp) -> None:
    alone = make_app(REDIS_URL="redis://127.0.0.1:1/0", LOGIN_RATE="2 per minute")
    assert _refused(alone, "203.0.113.1", "203.0.113.1", "203.0.113.1") == [401, 401, 429]
    other = make_app(LOGIN_RATE="1 per minute")
    assert _refused(other, "203.0.113.1") == [401]
    time.sleep(2.1)  # by then the first one would look for its Redis again, and count anew
    assert _refused(other, "203.0.113.1") == [429]


def test_a_log_in_is_extended_every_few_minutes_and_not_with_each_answer(
    client: PortalClient, jo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.submit("/login", {"email": jo, "password": PASSWORD})
    assert client.get("/").headers.get("Set-Cookie")  # the first page of the log-in
    assert client.get("/").headers.get("Set-Cookie") is None
    later = time.time() + web.EXTENDED
    monkeypatch.setattr(time, "time", lambda: later)
    assert "Expires" in client.get("/").headers["Set-Cookie"]
    assert client.get("/").headers.get("Set-Cookie") is None
    monkeypatch.setattr(time, "time", lambda: later + 12 * 3600 - 1)
    assert inside(client)  # twelve hours from then, not from the log-in
    monkeypatch.setattr(time, "time", lambda: later + 24 * 3600)
    assert not inside(client)
