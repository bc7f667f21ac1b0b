"""What is sent twice with one key is done once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import sqlalchemy as sa
from flask import Flask

from portal.api import idempotency
from portal.api.models import IdempotentAnswer
from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.hiring.models import JobRole
from tests.support.api import ApiCaller, caller
from tests.support.cast import Cast
from tests.support.clock import Clock

KEY = {"Idempotency-Key": "4f1c-once"}


def _roles(app: Flask) -> int:
    with app.app_context(), everywhere(db.session):
        return db.session.scalar(sa.select(sa.func.count(JobRole.id))) or 0


def test_a_repetition_is_answered_as_the_first(app: Flask, alice: ApiCaller, clock: Clock) -> None:
    first = alice.post("/job-roles", {"name": "Nurse"}, **KEY)
    again = alice.post("/job-roles", {"name": "Nurse"}, **KEY)
    assert (again.status_code, again.data, again.headers["Location"], again.headers["ETag"]) == (
        201, first.data, first.headers["Location"], first.headers["ETag"],
    )  # fmt: skip
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert _roles(app) == 1


def test_a_key_is_for_one_request_of_one_person(app: Flask, cast: Cast, alice: ApiCaller, clock: Clock) -> None:
    alice.post("/job-roles", {"name": "Nurse"}, **KEY)
    other = alice.post("/job-roles", {"name": "Doctor"}, **KEY)
    assert (other.status_code, list(other.json["errors"])) == (422, ["Idempotency-Key"])  # type: ignore[index]
    assert caller(app, cast.alice, ["*:job_roles"]).post("/job-roles", {"name": "Nurse"}, **KEY).status_code == 422
    for person in (cast.bob, cast.charlie):
        assert caller(app, person).post("/job-roles", {"name": f"Of {person.full_name}"}, **KEY).status_code == 201
    assert alice.post("/job-roles", {"name": "x"}, **{"Idempotency-Key": "with a space"}).status_code == 400
    assert _roles(app) == 3


def test_a_refused_request_may_come_again(alice: ApiCaller, clock: Clock) -> None:
    assert alice.post("/job-roles", {"name": ""}, **KEY).status_code == 422
    assert alice.post("/job-roles", {"name": "Nurse"}, **KEY).status_code == 201


def test_a_key_is_forgotten_after_a_day(app: Flask, alice: ApiCaller, clock: Clock) -> None:
    made = alice.post("/job-roles", {"name": "Nurse"}, **KEY)
    alice.post("/job-roles", {"name": "Doctor"}, **{"Idempotency-Key": "other"})
    clock.forward(hours=25)
    alice.delete(made.headers["Location"].removeprefix("/api"))
    assert alice.post("/job-roles", {"name": "Nurse"}, **KEY).status_code == 201
    with app.app_context():
        idempotency.sweep()
    with app.app_context(), everywhere(db.session):
        assert list(db.session.scalars(sa.select(IdempotentAnswer.key))) == [KEY["Idempotency-Key"]]


def test_of_two_at_once_one_does_it_and_both_hear_the_same(app: Flask, alice: ApiCaller) -> None:
    start = Barrier(4)

    def send(number: int) -> Any:
        api = ApiCaller(app.test_client(), alice.token)
        start.wait(10)
        answer = api.post("/job-roles", {"name": "Nurse"}, **KEY)
        return answer.status_code, answer.data

    with ThreadPoolExecutor(4) as pool:
        told = set(pool.map(send, range(4)))
    assert len(told) == 1
    assert told.pop()[0] == 201
    assert _roles(app) == 1
