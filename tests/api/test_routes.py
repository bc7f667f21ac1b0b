"""The addresses of the API, as they are relied on from outside (SPEC §8), letter by letter."""

import re
from typing import Any

from flask import Flask

from tests.support.api import ApiCaller
from tests.support.cast import Cast
from tests.support.world import World

ROUTES = """
POST GET                /api/mock-interview-templates
GET                     /api/mock-interview-templates/by-role/{}
POST                    /api/mock-interview-templates/reorder
GET PATCH DELETE        /api/mock-interview-templates/{}
DELETE                  /api/mock-interview-templates/{}/soft
POST                    /api/mock-interview-templates/{}/duplicate
POST GET                /api/mock-interviews
GET                     /api/mock-interviews/coordinator/{}
GET                     /api/mock-interviews/candidate-project/{}
GET PATCH DELETE        /api/mock-interviews/{}
PATCH                   /api/mock-interviews/{}/schedule
PATCH                   /api/mock-interviews/{}/start
PATCH                   /api/mock-interviews/{}/complete
PATCH                   /api/mock-interviews/{}/reschedule
PATCH                   /api/mock-interviews/{}/cancel
PATCH                   /api/mock-interviews/{}/no-show
POST                    /api/mock-interviews/{}/checklist
PATCH DELETE            /api/mock-interviews/{}/checklist/{}
POST GET                /api/training
GET                     /api/training/candidate-project/{}
GET PATCH               /api/training/{}
PATCH                   /api/training/{}/progress
PATCH                   /api/training/{}/start
PATCH                   /api/training/{}/complete
PATCH                   /api/training/{}/ready-for-reassessment
PATCH                   /api/training/{}/cancel
POST GET                /api/training/{}/sessions
GET PATCH               /api/training/{}/sessions/{}
POST GET                /api/candidate-projects
GET PATCH               /api/candidate-projects/{}
PATCH                   /api/candidate-projects/{}/status
PATCH                   /api/candidate-projects/{}/send-to-mock-interview
PATCH                   /api/candidate-projects/{}/approve-for-interview
GET                     /api/candidate-projects/{}/workflow-options
GET                     /api/candidate-projects/{}/history
POST GET                /api/interviews
GET                     /api/interviews/my-interviews
GET                     /api/interviews/upcoming
GET PATCH DELETE        /api/interviews/{}
POST                    /api/interviews/{}/confirm
POST                    /api/interviews/{}/start
POST                    /api/interviews/{}/complete
POST                    /api/interviews/{}/cancel
POST                    /api/interviews/{}/reschedule
POST                    /api/interviews/{}/no-show
POST                    /api/interviews/{}/outcome
GET POST                /api/interviews/{}/feedback
PATCH                   /api/interviews/{}/reply
POST GET                /api/interview-slots
GET PATCH DELETE        /api/interview-slots/{}
POST GET                /api/interview-templates
GET PATCH DELETE        /api/interview-templates/{}
POST GET                /api/candidates
GET PATCH DELETE        /api/candidates/{}
POST GET                /api/projects
GET PATCH DELETE        /api/projects/{}
POST GET                /api/jobs
GET PATCH DELETE        /api/jobs/{}
POST GET                /api/job-roles
GET PATCH DELETE        /api/job-roles/{}
GET                     /api/me
GET                     /api/users
GET                     /api/tokens
DELETE                  /api/tokens/{}
GET PATCH               /api/notifications
PATCH                   /api/notifications/{}/read
POST                    /api/notifications/read-all
GET                     /api/notifications/unread-count
POST GET                /api/webhooks
GET PATCH DELETE        /api/webhooks/{}
POST                    /api/webhooks/{}/rotate-secret
POST                    /api/webhooks/{}/test
GET                     /api/webhooks/{}/deliveries
GET                     /api/webhooks/{}/deliveries/{}
POST                    /api/webhooks/{}/deliveries/{}/replay
GET                     /api/openapi.json
GET                     /api/docs
"""

BESIDES = """
GET                     /api/users/{}
PATCH                   /api/training/{}/sessions/{}/complete
PATCH                   /api/training/{}/sessions/{}/reschedule
PATCH                   /api/training/{}/sessions/{}/cancel
"""


def _lines(text: str) -> set[tuple[str, str]]:
    rows = [line.split() for line in text.strip().splitlines()]
    return {(method, path) for *methods, path in rows for method in methods}


def routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, re.sub(r"<[^>]+>", "{}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_there_are_just_these_addresses(app: Flask) -> None:
    assert routes(app) == _lines(ROUTES) | _lines(BESIDES)


def test_the_document_has_each_address(app: Flask, alice: ApiCaller) -> None:
    paths = alice.get("/openapi.json").json["paths"]  # type: ignore[index]
    told = {(method.upper(), re.sub(r"{[^}]+}", "{}", path)) for path, each in paths.items() for method in each}
    assert told == routes(app) - {("GET", "/api/openapi.json"), ("GET", "/api/docs")}


OWN_KEYS = {"candidate-projects": "applications", "interview-slots": "slots", "training-sessions": "training-sessions"}


def test_every_reading_address_answers(app: Flask, alice: ApiCaller, world: World, cast: Cast) -> None:
    codes = {path: alice.get(path).status_code for path in readable(app, world.own, cast.alice.id)}
    assert {path: code for path, code in codes.items() if code != 200} == {}


def readable(app: Flask, keys: Any, me: Any) -> list[str]:
    """Every address that reads, with keys of rows that are there."""
    found = []
    for each in app.extensions["api"]:
        if each.method == "GET":
            key = keys.get(OWN_KEYS.get(each.tag, each.tag))
            key = {"by-role": keys["job-roles"], "coordinator": me, "candidate-project": keys["applications"]}.get(
                [*each.path.split("/"), ""][1], key
            )
            filled = each.path.replace("{id}", str(key)).replace("{session_id}", str(keys["training-sessions"]))
            filled = filled.replace("{delivery_id}", str(keys["webhook-deliveries"]))
            found.append(f"/{filled}")
    return found
