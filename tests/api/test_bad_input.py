"""Whatever is sent: a refusal says what to do, and nothing is done by half."""

import json
from typing import Any

import pytest
from flask import Flask

from tests.support.api import ApiCaller
from tests.support.cast import Cast
from tests.support.clock import MONDAY
from tests.support.world import World

ROLE = "/job-roles"
DEEP = b"[" * 100_000 + b"]" * 100_000

RAW: list[tuple[str, bytes, str, int]] = [
    ("cut off", b'{"name": ', "application/json", 400),
    ("no JSON at all", b"name=Nurse", "application/json", 400),
    ("not a number", b'{"name": NaN}', "application/json", 400),
    ("no text", b"\xff\xfe\x00", "application/json", 400),
    ("too deep", DEEP, "application/json", 400),
    ("deep within", b'{"name": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}", "application/json", 400),
    ("a number without end", b'{"name": ' + b"9" * 10_000 + b"}", "application/json", 400),
    ("a form", b"name=Nurse", "application/x-www-form-urlencoded", 415),
    ("text", b'{"name": "Nurse"}', "text/plain", 415),
    ("a list", b"[]", "application/json", 422),
    ("nothing", b"null", "application/json", 422),
    ("huge", b'{"name": "' + b"x" * 1_000_000 + b'"}', "application/json", 413),
    ("empty", b"", "application/json", 422),
]


@pytest.mark.database("sqlite")
def test_a_body_that_cannot_be_read_is_refused(alice: ApiCaller) -> None:
    told = {}
    for name, body, kind, _ in RAW:
        answer = alice.post(ROLE, body, **{"Content-Type": kind})
        told[name] = (answer.status_code, answer.content_type, bool(answer.json["detail"]))  # type: ignore[index]
    assert told == {name: (code, "application/problem+json", True) for name, _, _, code in RAW}


START = (MONDAY).isoformat()
WRONG: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("/job-roles", {"nmae": "Nurse", "active": "yes"}, {
        "nmae": "There is no such field.", "name": "Please fill this in.", "active": "Please give true or false."}),
    ("/job-roles", {"name": 5}, {"name": "Please give a text."}),
    ("/job-roles", {"name": None}, {"name": "This cannot be null. Leave it out to keep what is there."}),
    ("/job-roles", {"name": "x" * 121}, {"name": "At most 120 characters, please."}),
    ("/job-roles", {"name": "Nurse", "status": "x", "tenant_id": "x", "id": "x", "version": 1}, {
        "status": "There is no such field.", "tenant_id": "There is no such field.", "id": "There is no such field.",
        "version": "There is no such field."}),
    ("/candidates", {"first_name": "J", "last_name": "D", "email": "nonsense", "timezone": "Mars/Base"}, {
        "email": "This is not an e-mail address", "timezone": "“Mars/Base” is not a time zone."}),
    ("/jobs", {"title": "x", "openings": True, "level": "king", "project_id": "1", "job_role_id": 1}, {
        "openings": "Please give a whole number.", "level": "Please give one of:", "project_id": "Please give an id",
        "job_role_id": "Please give an id"}),
    ("/jobs", {"title": "x", "openings": 10**30, "project_id": None, "job_role_id": []}, {
        "openings": "From 0 to 2000000000", "project_id": "This cannot be null.", "job_role_id": "Please give an id"}),
    ("/projects", {"title": "x", "deadline": "2026-02-30"}, {"deadline": "Please give a date"}),
    ("/interviews", {"application_id": "x", "scheduled_start": "2026-03-02T09:00:00", "scheduled_end": "tomorrow",
                     "interviewers": [{"user": 1}]}, {
        "application_id": "Please give an id", "scheduled_start": "Please give a time with its offset",
        "scheduled_end": "Please give a time with its offset", "interviewers.0.user": "There is no such field.",
        "interviewers.0.user_id": "Please fill this in."}),
    ("/interview-templates", {"name": "x", "questions": [{"question": "?", "weight": "5"}]}, {
        "questions.0.weight": "Please give a whole number."}),
    ("/interview-templates", {"name": "x", "required_interviewers": 99}, {"required_interviewers": "From 1 to 20"}),
]  # fmt: skip


@pytest.mark.database("sqlite")
def test_each_wrong_field_is_named_with_what_is_wrong(alice: ApiCaller, world: World) -> None:
    for path, body, errors in WRONG:
        answer = alice.post(path, body)
        told = answer.json["errors"]  # type: ignore[index]
        assert (answer.status_code, sorted(told)) == (422, sorted(errors)), (path, told)
        assert {name: told[name][0][: len(text)] for name, text in errors.items()} == errors


@pytest.mark.database("postgresql")
def test_odd_characters_come_back_as_text(alice: ApiCaller) -> None:
    name = "Robert'); DROP TABLE users;-- <script> 漢字 \U0001f9ea"
    made = alice.post(ROLE, json.dumps({"name": f"\x00{name}\ud800"}).encode())
    assert (made.status_code, made.json["name"]) == (201, name)  # type: ignore[index]
    found = alice.get("/job-roles?q=drop%20table%00").json
    assert found is not None
    assert found["total"] == 1


ARGUMENTS = {
    "colour=red": "colour", "page=0": "page", "page=x": "page", "page=1&page=2": "page", "page_size=201": "page_size",
    "page=99999999999999999999": "page", "sort=salary": "sort", "sort=-notes": "sort", "status=sleeping": "status",
    "scheduled_start_from=yesterday": "scheduled_start_from", "organizer_id=me": "organizer_id",
}  # fmt: skip


@pytest.mark.database("sqlite")
def test_each_wrong_argument_is_named(alice: ApiCaller) -> None:
    told = {}
    for query in ARGUMENTS:
        answer = alice.get(f"/interviews?{query}")
        told[query] = (answer.status_code, *answer.json["errors"])  # type: ignore[index]
    assert told == {query: (422, name) for query, name in ARGUMENTS.items()}
    known = alice.get("/job-roles?colour=red").json["errors"]["colour"][0]  # type: ignore[index]
    assert known == "There is no such argument. Known are: active, page, page_size, q, sort."


@pytest.mark.database("sqlite")
def test_addresses_that_are_none_answer_as_json(alice: ApiCaller, cast: Cast) -> None:
    for path in ("/nothing", "/candidates/1", "/candidates/{id}", "", "/"):
        answer = alice.get(path)
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json"), path
    wrong = alice.ask("PUT", "/candidates")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "GET, HEAD, OPTIONS, POST")


@pytest.mark.database("sqlite")
def test_a_fault_of_ours_tells_nothing_of_itself(make_app: Any, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.hiring import api
    from tests.support.api import caller

    app: Flask = make_app()
    alice = caller(app, cast.alice)
    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(api.JOB_ROLES_API.shape.__class__, "of", lambda *given: 1 / 0)
    answer = alice.get("/job-roles")
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert "division" not in answer.get_data(as_text=True)
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]  # type: ignore[index]
