"""Each verb from each state through the API: the literal matrices of the workflows hold here too."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from portal.core.db import db
from portal.core.workflow import workflows
from portal.people.models import User
from tests.api.test_routes import routes
from tests.hiring.test_pipeline import PIPELINE
from tests.interviews.test_matrix import MATRIX as INTERVIEWS
from tests.interviews.test_matrix import VERBS as INTERVIEW_VERBS
from tests.practice.test_matrix import MOCK, MOCK_VERBS, SESSION_VERBS, SESSIONS, TRAINING_VERBS, TRAININGS
from tests.support.api import ApiCaller
from tests.support.cast import Cast
from tests.support.clock import MONDAY, Clock
from tests.support.hiring import at_work, colleague, make_application, make_interview
from tests.support.practice import make_mock, make_session, make_training

LATER = MONDAY + timedelta(days=7)
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("interview", "reschedule"): {"scheduled_start": LATER, "scheduled_end": LATER + timedelta(hours=2)},
    ("mock", "schedule"): {"scheduled_start": LATER},
    ("mock", "reschedule"): {"scheduled_start": LATER},
    ("mock", "complete"): {"overall_rating": 4, "decision": "approved", "strengths": "Calm"},
    ("training", "complete"): {"outcome": "reassessment_needed"},
    ("session", "reschedule"): {"session_start": LATER},
}
Makes = Callable[[User, str], tuple[str, str]]


def _interview(by: User, status: str) -> tuple[str, str]:
    return "POST", f"/interviews/{make_interview(status=status, start=MONDAY - timedelta(hours=1)).id}"


def _mock(by: User, status: str) -> tuple[str, str]:
    return "PATCH", f"/mock-interviews/{make_mock(colleague('Interview Coordinator'), status).id}"


def _training(by: User, status: str) -> tuple[str, str]:
    return "PATCH", f"/training/{make_training(by, status).id}"


def _session(by: User, status: str) -> tuple[str, str]:
    training = make_training(by)
    # One after the other, so that the same trainer has time for each.
    _session.at += timedelta(hours=3)  # type: ignore[attr-defined]
    row = make_session(training, status, session_start=_session.at)  # type: ignore[attr-defined]
    return "PATCH", f"/training/{training.id}/sessions/{row.id}"


_session.at = LATER + timedelta(days=1)  # type: ignore[attr-defined]

MACHINES = [
    pytest.param("interview", _interview, INTERVIEW_VERBS, INTERVIEWS, id="interview"),
    pytest.param("mock", _mock, MOCK_VERBS, MOCK, id="mock interview"),
    pytest.param("training", _training, TRAINING_VERBS, TRAININGS, id="training"),
    pytest.param("session", _session, SESSION_VERBS, SESSIONS, id="session"),
]


@pytest.mark.database("postgresql")
@pytest.mark.parametrize(("name", "make", "verbs", "matrix"), MACHINES)
def test_each_cell_of_the_matrix_is_a_target_or_a_409_that_names_the_state(
    app: Flask, cast: Cast, alice: ApiCaller, clock: Clock, name: str, make: Makes, verbs: Any, matrix: Any
) -> None:
    with app.app_context(), at_work(cast.alice) as me:
        rows = {(status, verb): make(me, status) for status in matrix for verb in verbs}
        db.session.commit()
    told = {cell: _ask(alice, name, *where, cell[1]) for cell, where in rows.items()}
    wanted = {
        (status, verb): (200, target) if target else (409, status)
        for status, targets in matrix.items()
        for verb, target in zip(verbs, targets, strict=True)
    }
    assert told == wanted


def _ask(api: ApiCaller, name: str, method: str, path: str, verb: str) -> tuple[int, str]:
    body = BODIES.get((name, verb), {"reason": "The ward is closed"} if verb == "cancel" else {})
    if verb in ("pass", "fail"):
        verb, body = "outcome", {"outcome": f"{verb}ed"}
        body = {
            **body,
            **({"session_start": LATER + timedelta(days=30, hours=len(path))} if verb == "reschedule" else {}),
        }
    answer = api.ask(method, f"{path}/{verb.replace('_', '-')}", body)
    assert answer.json is not None
    return answer.status_code, answer.json["status"] if answer.status_code == 200 else answer.json.get("state")


@pytest.mark.database("postgresql")
def test_an_application_goes_by_status_where_the_pipeline_leads(
    app: Flask, cast: Cast, alice: ApiCaller, clock: Clock
) -> None:
    with app.app_context(), at_work(cast.alice):
        ways = [(status, target) for status, (_, by_hand, _) in PIPELINE.items() for target in by_hand]
        # Nothing leads back to the beginning, and what only records do is no status to set.
        ways += [(status, "nominated") for status in PIPELINE]
        ways += [(status, by_record[0]) for status, (_, _, by_record) in PIPELINE.items() if by_record]
        keys = [(status, target, make_application(status).id) for status, target in ways]
        db.session.commit()
    told = {(status, target): _set_status(alice, key, target) for status, target, key in keys}
    assert told == {
        (status, target): (200, target) if target in PIPELINE[status][1] else (409, status) for status, target in ways
    }


def _set_status(api: ApiCaller, key: Any, target: str) -> tuple[int, str]:
    answer = api.patch(f"/candidate-projects/{key}/status", {"status": target})
    assert answer.json is not None
    return answer.status_code, answer.json["status"] if answer.status_code == 200 else answer.json["state"]


def test_every_verb_of_a_workflow_has_its_address(app: Flask) -> None:
    """A verb added to a table is here by itself; those that have an address of another kind are named."""
    otherwise = {"pass", "fail", *PIPELINE, "resume", "reopen"}
    paths = {path for _, path in routes(app)}
    missing = [
        f"{flow.name}: {verb}"
        for flow in workflows().values()
        for verb in set(flow.moves) - otherwise
        if not any(path.endswith(f"{{}}/{verb.replace('_', '-')}") for path in paths)
    ]
    assert missing == []
