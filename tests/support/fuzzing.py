"""The API tried with whatever its document allows, and with what it does not (schemathesis).

Of what is generated, many keys are put in place of others: those of rows that are there, for else nearly all that is
asked would be missing, and no verb would ever be reached.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import negative_data_rejection, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
_OF_FIELD = {
    "application_id": "applications", "candidate_id": "candidates", "job_id": "jobs", "job_role_id": "job-roles",
    "project_id": "projects", "template_id": "interview-templates", "slot_id": "slots", "team_id": "teams",
    "user_id": "users", "coordinator_id": "users", "organizer_id": "users", "recruiter_id": "users",
    "interviewer_id": "users", "conducted_by_id": "users", "hiring_manager_id": "users", "team_head_id": "users",
}  # fmt: skip
_OF_PATH = {
    "candidate-projects": "applications", "interview-slots": "slots", "by-role": "job-roles", "coordinator": "users",
    "candidate-project": "applications",
}  # fmt: skip


@dataclass
class Told:
    """How many cases there were, what became of them, and what should not have."""

    cases: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


Keys = Mapping[str, Sequence[UUID]]
"""Of each grid, rows that are there."""


def fuzz(app: Flask, token: str, keys: Keys, each: int, *, number: int = 1, step: int = 1) -> Told:
    """``each`` cases of every operation, half of them as the document says and half of them not; of one alone, the
    operations take turns. ``step``: only every so manieth operation, from the one of ``number``."""
    document = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    told, chance = Told(), random.Random(number)
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    for place, found in enumerate(document.get_all_operations()):
        assert isinstance(found, Ok)
        if (place + number) % step:
            continue
        for mode in modes if each > 1 else [modes[place // step % 2]]:
            _try(found.ok(), mode, _sender(token, keys, mode, told, chance), max(1, each // 2), number)
    return told


def _try(operation: Any, mode: GenerationMode, send: Callable[[Any], None], count: int, number: int) -> None:
    run = given(case=operation.as_strategy(generation_mode=mode))(lambda case: send(case))
    quiet = settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    seed(number)(quiet(run))()


def _sender(token: str, keys: Keys, mode: GenerationMode, told: Told, chance: random.Random) -> Callable[[Any], None]:
    def send(case: Any) -> None:
        if mode is GenerationMode.POSITIVE:
            _use(case, keys, chance)
        answer = case.call(headers={"Authorization": f"Bearer {token}"})
        told.cases += 1
        told.codes[answer.status_code] += 1
        refused = mode is GenerationMode.POSITIVE or answer.status_code == 413
        checks = CHECKS if refused else [*CHECKS, negative_data_rejection]  # which does not know of 413
        try:
            case.validate_response(answer, checks=checks)
        except FailureGroup as fault:  # what is wrong is gathered, and told together
            told.faults.append(f"{case.method} {case.formatted_path} → {answer.status_code}: {fault}"[:2000])

    return send


_BELOW = {"session_id": "training-sessions", "item_id": "mock-interview-items", "delivery_id": "webhook-deliveries"}


def _use(case: Any, keys: Keys, chance: random.Random) -> None:
    """Keys of rows that are there, most of the time."""
    parts = case.path.removeprefix("/api/").split("/")
    for name in case.path_parameters or {}:
        grid = _BELOW.get(name, parts[0])
        grid = _OF_PATH.get(parts[1] if len(parts) > 2 else parts[0], _OF_PATH.get(parts[0], grid))
        grid = _BELOW.get(name, grid)
        if keys.get(grid) and chance.random() < 0.9:
            case.path_parameters[name] = str(chance.choice(keys[grid]))
    case.headers = {n: v for n, v in (case.headers or {}).items() if n != "If-Match" or chance.random() < 0.2}
    _fill(case.body, keys, chance)


def _fill(node: Any, keys: Keys, chance: random.Random) -> None:
    if isinstance(node, dict):
        if chance.random() < 0.8:
            node.pop("version", None)
        for name, value in node.items():
            grid = _OF_FIELD.get(name)
            if grid and keys.get(grid) and isinstance(value, str) and chance.random() < 0.9:
                node[name] = str(chance.choice(keys[grid]))
            else:
                _fill(value, keys, chance)
    elif isinstance(node, list):
        for value in node:
            _fill(value, keys, chance)
