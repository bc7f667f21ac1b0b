"""A Python client made of the document by openapi-python-client takes an application through option A."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from portal.core.db import db
from tests.support.api import ApiCaller
from tests.support.cast import Cast
from tests.support.clock import MONDAY, Clock
from tests.support.hiring import at_work, make_application, make_job
from tests.support.practice import make_criteria

GENERATOR = Path(sys.executable).with_name("openapi-python-client")


@pytest.fixture
def greenroom(app: Flask, tmp_path: Path) -> Iterator[Any]:
    """The client's package, as docs/api.md says how to make it."""
    document, settings = tmp_path / "openapi.json", tmp_path / "settings.json"
    document.write_bytes(app.test_client().get("/api/openapi.json").data)
    settings.write_text(json.dumps({"post_hooks": []}))
    made = subprocess.run(
        [GENERATOR, "generate", "--path", document, "--output-path", tmp_path / "greenroom_api", "--meta", "none",
         "--config", settings, "--fail-on-warning"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(tmp_path))
    yield import_module
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("greenroom_api")]:
        del sys.modules[name]


@pytest.mark.slow
@pytest.mark.database("sqlite")
def test_the_generated_client_takes_an_application_through_option_a(
    app: Flask, cast: Cast, address: str, clock: Clock, as_role: Callable[[str], ApiCaller], greenroom: Any
) -> None:
    with app.app_context(), at_work(cast.alice):
        make_application()  # and with it the pipeline
        job = make_job()
        make_criteria(job, "Hands over")
        job_id = job.id
        db.session.commit()
    models, kind = greenroom("greenroom_api.models"), greenroom("greenroom_api.client").AuthenticatedClient
    tokens = {role: as_role(role) for role in ("Recruiter", "Interview Coordinator")}
    recruiter, coordinator = (kind(base_url=address, token=each.token) for each in tokens.values())
    coordinator_id = UUID(tokens["Interview Coordinator"].get("/me").json["id"])  # type: ignore[index]

    def call(operation: str, client: Any, *keys: Any, **more: Any) -> Any:
        answer = greenroom(f"greenroom_api.api.{operation}").sync(*keys, client=client, **more)
        assert not isinstance(answer, models.Problem), answer
        return answer

    person = models.NewCandidate(first_name="Amara", last_name="Okafor", email="amara@mail.example")
    candidate = call("candidates.create_candidate", recruiter, body=person)
    wanted = models.NewCandidateProject(candidate_id=candidate.id, job_id=job_id)
    nominated = call("candidate_projects.create_candidate_project", recruiter, body=wanted)
    for status in ("pending_documents", "documents_submitted", "verification_in_progress", "documents_verified"):
        body = models.CandidateProjectStatus(status=models.CandidateProjectStatusStatus(status))
        call("candidate_projects.set_candidate_project_status", recruiter, nominated.id, body=body)

    sending = models.SendToMockInterview(coordinator_id=coordinator_id, notes="Please look at the hand-over")
    sent = call("candidate_projects.send_to_mock_interview", recruiter, nominated.id, body=sending)
    asked = models.ListMockInterviewsStatusItem.REQUESTED
    (mock,) = call("mock_interviews.list_mock_interviews", coordinator, status=[asked]).items
    assert (sent.mock_interview_id, sent.status, mock.application.label) == (
        mock.id, "mock_interview_scheduled", f"Amara Okafor · {nominated.job.label}",
    )  # fmt: skip

    at = models.MockInterviewSchedule(scheduled_start=MONDAY + timedelta(days=1), version=mock.version)
    call("mock_interviews.schedule_mock_interview", coordinator, mock.id, body=at)
    begun = call("mock_interviews.start_mock_interview", coordinator, mock.id, body=models.MockInterviewStart())
    found = models.MockInterviewComplete(
        overall_rating=4, decision=models.MockInterviewCompleteDecision.APPROVED, strengths="Calm",
        checklist=[models.ChecklistJudgement(id=begun.checklist[0].id, passed=True, rating=5)],
    )  # fmt: skip
    done = call("mock_interviews.complete_mock_interview", coordinator, mock.id, body=found)
    assert (done.status, done.ready_for_client_interview, done.checklist[0].rating) == ("completed", True, 5)

    approve = "candidate_projects.approve_candidate_project"
    approved = call(approve, recruiter, nominated.id, body=models.CandidateProjectApproval())
    assert (approved.status, approved.coordinator.id) == ("approved", coordinator_id)
    steps = call("candidate_projects.list_status_history", recruiter, nominated.id).items
    assert [step.to_status for step in steps][4:] == [
        "documents_verified", "mock_interview_scheduled", "mock_interview_completed", "mock_interview_passed",
        "approved",
    ]  # fmt: skip
