"""Who may come in, with what, how often; and what a token notes of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.people.actions import READ_ONLY
from portal.people.models import ApiToken, Tenant, User, token_hash
from tests.support.api import ApiCaller, caller
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.hiring import at_work, make_candidate, make_interview
from tests.support.world import World

PROBLEM = "application/problem+json"


def _told(answer: Any) -> tuple[int, str, str]:
    return answer.status_code, answer.content_type, answer.json["detail"]


def test_without_a_token_or_with_a_wrong_one_nobody_comes_in(app: Flask, alice: ApiCaller) -> None:
    visitor = app.test_client()
    unknown = "This token is not known, has expired or was revoked."
    asked = visitor.get("/api/candidates")
    assert _told(asked) == (401, PROBLEM, "Send a token as “Authorization: Bearer gr_…”, or log in.")
    assert asked.headers["WWW-Authenticate"].startswith("Bearer")
    for header in ("Bearer gr_nonsense", "Bearer ", "Basic YTpi", f"Bearer {alice.token}x", "Bearer \x00"):
        answer = visitor.get("/api/candidates", headers={"Authorization": header})
        assert _told(answer) == (401, PROBLEM, unknown)


def test_a_token_ends_when_it_expires_is_revoked_or_its_user_leaves(
    app: Flask, cast: Cast, clock: Clock, alice: ApiCaller
) -> None:
    bob = caller(app, cast.bob)
    assert bob.get("/me").status_code == 200
    with app.app_context(), at_work(cast.alice):
        db.session.get_one(User, (cast.bob.tenant_id, cast.bob.id)).active = False
        db.session.commit()
    assert bob.get("/me").status_code == 401
    mine = _hers(alice, cast)
    other = caller(app, cast.alice)
    assert other.delete(f"/tokens/{mine}").status_code == 204
    assert (alice.get("/me").status_code, other.get("/me").status_code) == (401, 200)
    clock.forward(days=366)
    assert other.get("/me").status_code == 401


def test_the_browsers_session_opens_the_api_and_writes_with_the_forms_token(make_client: Any, cast: Cast) -> None:
    client = make_client(cast.alice)
    assert client.get("/api/me").json["full_name"] == "Alice Ardent"
    body = {"name": "Nurse"}
    bare = client.post("/api/job-roles", json=body)
    assert (bare.status_code, bare.content_type) == (400, PROBLEM)
    assert client.post("/api/job-roles", json=body, headers={"X-CSRFToken": client.csrf_token()}).status_code == 201


def test_a_token_goes_before_the_session_that_comes_along(app: Flask, make_client: Any, cast: Cast) -> None:
    client = make_client(cast.alice)
    charlie = caller(app, cast.charlie)
    headers = {"Authorization": f"Bearer {charlie.token}"}
    assert client.get("/api/me", headers=headers).json["full_name"] == "Charlie Chen"
    assert [each["full_name"] for each in client.get("/api/users", headers=headers).json["items"]] == ["Charlie Chen"]
    assert client.get("/api/me", headers={"Authorization": "Bearer gr_x"}).status_code == 401


def _hers(alice: ApiCaller, cast: Cast) -> str:
    """The key of Alice's newest token, among all that she may see."""
    listed = alice.get("/tokens").json["items"]  # type: ignore[index]
    return next(str(each["id"]) for each in listed if each["user_id"] == str(cast.alice.id))


def test_what_a_token_does_stands_in_the_audit_under_its_users_name(app: Flask, cast: Cast, alice: ApiCaller) -> None:
    from portal.core.audit import AuditEntry

    alice.post("/job-roles", {"name": "Nurse"})
    with app.app_context(), at_work(cast.alice):
        entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.entity == "job_roles")).one()
        assert (entry.actor_id, entry.actor_label, entry.action) == (cast.alice.id, "Alice Ardent", "created")


# --- scope ----------------------------------------------------------------------------------------------


def test_a_scope_is_at_most_what_its_owner_may(app: Flask, cast: Cast, clock: Clock, as_role: Any) -> None:
    reader = caller(app, cast.alice, READ_ONLY)
    assert reader.get("/candidates").status_code == 200
    for path in ("/job-roles", "/candidates"):
        assert reader.post(path, {}).status_code == 403
    narrow = caller(app, cast.alice, ["read:job_roles", "write:job_roles"])
    assert narrow.post("/job-roles", {"name": "Nurse"}).status_code == 201
    assert {path: narrow.get(path).status_code for path in ("/job-roles", "/users", "/interviews", "/tokens")} == {
        "/job-roles": 200, "/users": 403, "/interviews": 403, "/tokens": 403,
    }  # fmt: skip
    assert narrow.get("/me").json["token_scope"] == ["read:job_roles", "write:job_roles"]  # type: ignore[index]
    everything = as_role("Interviewer")
    with app.app_context(), at_work(cast.alice):
        token = db.session.scalars(
            sa.select(ApiToken).where(ApiToken.secret_hash == token_hash(everything.token))
        ).one()
        token.scope = ["*:*"]
        db.session.commit()
    assert everything.get("/candidates").status_code == 403


def test_a_read_only_token_gives_no_feedback_and_no_reply(app: Flask, cast: Cast, clock: Clock) -> None:
    """A seat on the panel permits both, whatever the role; a token's scope bounds that too."""
    with app.app_context(), at_work(cast.alice) as me:
        key = make_interview(status="completed", panel=[me]).id
        db.session.commit()
    reader = caller(app, cast.alice, READ_ONLY)
    assert reader.post(f"/interviews/{key}/feedback", {"notes": "x"}).status_code == 403
    assert reader.patch(f"/interviews/{key}/reply", {"reply": "accepted"}).status_code == 403
    assert reader.delete(f"/tokens/{key}").status_code == 403


def test_tokens_are_everybodys_own(app: Flask, cast: Cast, alice: ApiCaller, as_role: Callable[..., ApiCaller]) -> None:
    recruiter = as_role("Recruiter")
    mine = recruiter.get("/tokens").json["items"]  # type: ignore[index]
    assert [each["name"] for each in mine] == ["for a test"]
    assert not {"secret_hash", "tenant_id"} & set(mine[0])
    assert recruiter.delete(f"/tokens/{_hers(alice, cast)}").status_code == 404
    assert alice.delete(f"/tokens/{mine[0]['id']}").status_code == 204


# --- permissions ----------------------------------------------------------------------------------------

MAY_READ = {
    "Recruiter": {"users", "candidates", "projects", "jobs", "job-roles", "candidate-projects", "interviews",
                  "interview-slots", "mock-interviews", "training"},
    "Interviewer": {"interviews", "interview-slots"},
    "Interview Coordinator": {"candidates", "projects", "interviews", "interview-slots", "interview-templates",
                              "mock-interview-templates", "candidate-projects", "mock-interviews", "training"},
    "CRE": {"candidates", "candidate-projects"},
}  # fmt: skip


EVERYBODYS = {"me", "tokens", "notifications"}


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("role", MAY_READ)
def test_a_role_opens_just_its_lists(app: Flask, world: World, as_role: Callable[..., ApiCaller], role: str) -> None:
    api = as_role(role)
    lists = {each.path for each in app.extensions["api"] if each.method == "GET" and "/" not in each.path}
    opened = {path for path in lists - EVERYBODYS if api.get(f"/{path}").status_code == 200}
    assert opened == MAY_READ[role]
    assert {api.get(f"/{path}").status_code for path in lists - opened - EVERYBODYS} <= {403}


def test_rows_are_ones_own(app: Flask, cast: Cast, world: World, as_role: Callable[..., ApiCaller]) -> None:
    recruiter = as_role("Recruiter")
    assert recruiter.get("/candidates").json["total"] == 0  # type: ignore[index]
    for path in (f"/candidates/{world.own['candidates']}", f"/interviews/{world.own['interviews']}/feedback"):
        assert recruiter.get(path).status_code == 404
    made = recruiter.post("/candidates", {"first_name": "A", "last_name": "B", "email": "a@b.example"})
    assert recruiter.get(f"/candidates/{made.json['id']}").status_code == 200  # type: ignore[index]
    assert recruiter.get("/users").json["items"][0].keys() == {"id", "full_name", "active", "updated_at", "version"}  # type: ignore[index]
    interviewer = as_role("Interviewer")
    assert interviewer.post("/candidates", {}).status_code == 403


def test_who_may_read_but_not_change_is_told_so(app: Flask, cast: Cast, as_role: Callable[..., ApiCaller]) -> None:
    with app.app_context(), at_work(cast.alice):
        key = make_candidate().id
        db.session.commit()
    refused = as_role("CRE").patch(f"/candidates/{key}", {"phone": "1"})
    assert _told(refused) == (403, PROBLEM, "You may read this candidate, but not change it.")


def test_what_is_switched_off_does_not_exist(app: Flask, cast: Cast, alice: ApiCaller, world: World) -> None:
    with app.app_context(), tenant_scope(cast.alice.tenant_id, db.session()):
        db.session.get_one(Tenant, cast.alice.tenant_id).features = {"mock_interviews": False}
        db.session.commit()
    key, application = world.own["mock-interviews"], world.own["applications"]
    asked = [
        alice.get("/mock-interviews"), alice.get(f"/mock-interviews/{key}"), alice.post("/mock-interviews", {}),
        alice.get("/mock-interview-templates"), alice.patch(f"/mock-interviews/{key}/start"),
        alice.patch(f"/candidate-projects/{application}/send-to-mock-interview", {"coordinator_id": cast.alice.id}),
    ]  # fmt: skip
    assert [answer.status_code for answer in asked] == [404] * len(asked)
    assert alice.get("/training").status_code == 200


# --- how often, and since when --------------------------------------------------------------------------


def test_each_token_has_its_own_rate_and_the_headers_tell_it(make_app: Any, cast: Cast) -> None:
    strict = make_app(API_READ_RATE="2 per minute", API_WRITE_RATE="1 per minute")
    alice, other = caller(strict, cast.alice), caller(strict, cast.alice)
    first, second, third = (alice.get("/me") for _ in range(3))
    assert [first.headers["X-RateLimit-Remaining"], second.headers["X-RateLimit-Remaining"]] == ["1", "0"]
    assert first.headers["X-RateLimit-Limit"] == "2"
    assert (third.status_code, third.content_type) == (429, PROBLEM)
    assert 0 < int(third.headers["Retry-After"]) <= 60
    assert alice.get("/candidates").status_code == 429  # all reads count together
    assert alice.post("/job-roles", {"name": "Nurse"}).status_code == 201
    assert alice.patch(f"/candidates/{cast.alice.id}", {}).status_code == 429
    assert other.get("/me").status_code == 200


def test_the_rate_holds_without_redis(make_app: Any, cast: Cast, queue_server: Any) -> None:
    alone = make_app(API_READ_RATE="3 per minute", REDIS_URL="redis://127.0.0.1:1/0")
    alice = caller(alone, cast.alice)
    assert [alice.get("/me").status_code for _ in range(5)][-1] == 429


def test_the_last_use_is_noted_once_in_a_while(app: Flask, cast: Cast, clock: Clock) -> None:
    api = caller(app, cast.alice)
    noted = [_use(app, cast, api)]
    for minutes in (2, 4):
        clock.forward(minutes=minutes)
        noted.append(_use(app, cast, api))
    assert noted == [clock.now - timedelta(minutes=6), clock.now - timedelta(minutes=6), clock.now]


def _use(app: Flask, cast: Cast, api: ApiCaller) -> datetime | None:
    assert api.get("/me").status_code == 200
    with app.app_context(), at_work(cast.alice):
        mine = sa.select(ApiToken.last_used_at).where(ApiToken.secret_hash == token_hash(api.token))
        return db.session.scalar(mine)
