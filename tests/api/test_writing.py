"""Rows made, changed and deleted: references, versions, ETags, and what stands in the way."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from portal.core.db import db
from tests.support.api import ApiCaller
from tests.support.cast import Cast
from tests.support.clock import MONDAY, Clock
from tests.support.hiring import at_work, make_application, make_candidate, make_interview, make_job
from tests.support.practice import make_criteria, make_mock
from tests.support.world import World

JANE = {"first_name": "Jane", "last_name": "O'Neil <b>", "email": "Jane@Mail.example", "timezone": "Asia/Dubai"}
HOUR = timedelta(hours=1)


def test_a_candidate_is_made_read_changed_and_deleted(alice: ApiCaller, cast: Cast) -> None:
    made = alice.post("/candidates", JANE)
    assert made.status_code == 201
    row = made.json
    assert row is not None
    assert made.headers["Location"] == f"/api/candidates/{row['id']}"
    assert (row["last_name"], row["email"], row["version"]) == ("O'Neil <b>", "jane@mail.example", 1)
    assert row["recruiter"] == {"id": str(cast.alice.id), "label": "Alice Ardent"}
    path = f"/candidates/{row['id']}"
    assert alice.get(path).json == row
    changed = alice.patch(path, {"phone": "+971 4 1", "version": 1})
    assert (changed.status_code, changed.json["phone"], changed.json["version"]) == (200, "+971 4 1", 2)  # type: ignore[index]
    assert alice.delete(path).status_code == 204
    assert alice.get(path).status_code == 404


def test_a_stale_version_is_refused_with_the_row_as_it_is(alice: ApiCaller) -> None:
    path = f"/candidates/{alice.post('/candidates', JANE).json['id']}"  # type: ignore[index]
    seen = alice.get(path).headers["ETag"]
    now = alice.patch(path, {"phone": "1"}).json
    for body, headers in (({"phone": "2", "version": 1}, {}), ({"phone": "2"}, {"If-Match": seen})):
        refused = alice.patch(path, body, **headers)
        assert refused.content_type == "application/problem+json"
        assert (refused.status_code, refused.json["current"]) == (409, now)  # type: ignore[index]
    newer = alice.get(path).headers["ETag"]
    assert alice.patch(path, {"phone": "2"}, **{"If-Match": newer}).status_code == 200
    assert alice.delete(path, **{"If-Match": newer}).status_code == 409
    assert alice.patch(path, {}, **{"If-Match": "nonsense"}).status_code == 400


def test_a_row_that_one_has_costs_no_second_answer(alice: ApiCaller) -> None:
    path = f"/candidates/{alice.post('/candidates', JANE).json['id']}"  # type: ignore[index]
    etag = alice.get(path).headers["ETag"]
    again = alice.get(path, **{"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    alice.patch(path, {"phone": "1"})
    assert alice.get(path, **{"If-None-Match": etag}).status_code == 200


def test_a_label_that_changes_changes_the_etag(app: Flask, cast: Cast, alice: ApiCaller) -> None:
    with app.app_context(), at_work(cast.alice):
        application = make_application("nominated", job=make_job(title="Nurse"))
        db.session.commit()
        key, job = application.id, application.job_id
    etag = alice.get(f"/candidate-projects/{key}").headers["ETag"]
    alice.patch(f"/jobs/{job}", {"title": "Senior nurse"})
    anew = alice.get(f"/candidate-projects/{key}", **{"If-None-Match": etag})
    assert (anew.status_code, anew.json["job"]["label"], anew.json["version"]) == (200, "Senior nurse", 1)  # type: ignore[index]


def test_what_is_in_use_stays(app: Flask, cast: Cast, alice: ApiCaller) -> None:
    with app.app_context(), at_work(cast.alice):
        role = make_application("nominated").job.job_role_id
        db.session.commit()
    refused = alice.delete(f"/job-roles/{role}")
    assert refused.status_code == 409
    assert "in use" in refused.json["detail"]  # type: ignore[index]


def test_a_key_of_the_other_tenant_is_no_choice(alice: ApiCaller, world: World, cast: Cast) -> None:
    """In a body it is refused like one that never was, and in the same words."""
    for wrong in (world.foreign["job-roles"], uuid4()):
        answer = alice.post("/jobs", {"title": "Nurse", "project_id": world.own["projects"], "job_role_id": wrong})
        assert (answer.status_code, answer.json["errors"]) == (  # type: ignore[index]
            422,
            {"job_role_id": ["This is not one of the choices."]},
        )
    for wrong in (cast.charlie.id, uuid4()):
        answer = alice.patch(f"/interviews/{world.own['interviews']}", {"interviewers": [{"user_id": wrong}]})
        assert answer.json["errors"] == {"interviewers.0.user_id": ["This is not one of the choices."]}  # type: ignore[index]


def test_an_interview_is_scheduled_with_its_panel_and_moved(
    app: Flask, cast: Cast, alice: ApiCaller, clock: Clock
) -> None:
    with app.app_context(), at_work(cast.alice):
        application = make_application("approved", candidate=make_candidate(timezone="Asia/Dubai")).id
        db.session.commit()
    start = MONDAY + timedelta(days=2)
    body = {
        "application_id": application, "scheduled_start": start, "scheduled_end": start + HOUR,
        "timezone": "Asia/Dubai",
        "interviewers": [{"user_id": cast.bob.id}, {"user_id": cast.alice.id, "part": "lead"}],
    }  # fmt: skip
    made = alice.post("/interviews", body)
    assert made.status_code == 201, made.json
    row = made.json
    assert row is not None
    assert [(seat["user"]["label"], seat["part"]) for seat in row["interviewers"]] == [
        ("Alice Ardent", "lead"),
        ("Bob Baker", "panelist"),
    ]
    assert (row["status"], row["duration_minutes"], row["is_upcoming"]) == ("scheduled", 60, True)
    assert row["scheduled_start"] == "2026-03-04T09:00:00Z"
    assert row["candidate_local_time"] == "2026-03-04T13:00:00+04:00"
    path = f"/interviews/{row['id']}"
    alone = alice.patch(path, {"interviewers": [{"user_id": cast.bob.id, "part": "lead"}], "version": 1}).json
    assert alone is not None
    assert [seat["user"]["label"] for seat in alone["interviewers"]] == ["Bob Baker"]
    moved = alice.patch(path, {"scheduled_start": start + HOUR, "scheduled_end": start + 3 * HOUR}).json
    assert moved is not None
    assert (moved["status"], moved["reschedule_count"], moved["duration_minutes"]) == ("rescheduled", 1, 120)
    assert alice.get(f"/candidate-projects/{application}").json["status"] == "interview_rescheduled"  # type: ignore[index]
    gone = alice.delete(f"{path}?reason=The%20ward%20is%20closed")
    assert (gone.status_code, gone.json["status"], gone.json["cancellation_reason"]) == (  # type: ignore[index]
        200, "cancelled", "The ward is closed",
    )  # fmt: skip
    assert alice.delete(path).status_code == 409


def test_a_cancellation_wants_a_reason(app: Flask, cast: Cast, alice: ApiCaller) -> None:
    with app.app_context(), at_work(cast.alice):
        key = make_interview().id
        db.session.commit()
    for answer in (alice.delete(f"/interviews/{key}"), alice.post(f"/interviews/{key}/cancel", {})):
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["reason"])  # type: ignore[index]


def test_two_cannot_have_the_same_hour(app: Flask, cast: Cast, alice: ApiCaller, clock: Clock) -> None:
    with app.app_context(), at_work(cast.alice):
        keys = [make_application("approved").id for _ in range(2)]
        db.session.commit()
    start = MONDAY + timedelta(days=2)
    seat = [{"user_id": cast.alice.id}]
    answers = [
        alice.post("/interviews", {"application_id": key, "scheduled_start": start, "scheduled_end": start + HOUR,
                                   "interviewers": seat})
        for key in keys
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [201, 409]
    assert "Alice Ardent" in str(answers[1].json["errors"])  # type: ignore[index]


def test_what_a_row_no_longer_has_cannot_be_changed(app: Flask, cast: Cast, alice: ApiCaller, clock: Clock) -> None:
    with app.app_context(), at_work(cast.alice) as me:
        key = make_mock(me, "completed").id
        db.session.commit()
    refused = alice.patch(f"/mock-interviews/{key}", {"duration": 90, "strengths": "Calm"})
    assert (refused.status_code, refused.json["state"]) == (409, "completed")  # type: ignore[index]
    assert alice.patch(f"/mock-interviews/{key}", {"strengths": "Calm"}).json["strengths"] == "Calm"  # type: ignore[index]


# --- checklists -----------------------------------------------------------------------------------------


def test_criteria_are_kept_by_role(app: Flask, cast: Cast, alice: ApiCaller) -> None:
    with app.app_context(), at_work(cast.alice):
        job, other = make_job(), make_job()
        first, second = (each.id for each in make_criteria(job, "Listens", "Hands over"))
        role, elsewhere = job.job_role_id, other.job_role_id
        db.session.commit()
    templates = "/mock-interview-templates"
    assert _criteria(alice, role) == ["Listens", "Hands over"]
    turned = alice.post(f"{templates}/reorder", {"job_role_id": role, "order": [second, first]})
    assert [row["criterion"] for row in turned.json["items"]] == _criteria(alice, role) == ["Hands over", "Listens"]  # type: ignore[index]
    assert alice.post(f"{templates}/reorder", {"job_role_id": role, "order": [second]}).status_code == 409
    copied = alice.post(f"{templates}/{first}/duplicate", {"job_role_id": elsewhere})
    assert (copied.status_code, copied.json["job_role_id"]) == (201, str(elsewhere))  # type: ignore[index]
    assert alice.post(f"{templates}/{first}/duplicate", {"job_role_id": elsewhere}).status_code == 422
    assert alice.delete(f"{templates}/{first}/soft").json["active"] is False  # type: ignore[index]
    assert alice.delete(f"{templates}/{first}").status_code == 204
    assert alice.get(f"{templates}/by-role/{uuid4()}").status_code == 404


def _criteria(api: ApiCaller, role: Any) -> list[str]:
    found = api.get(f"/mock-interview-templates/by-role/{role}").json
    assert found is not None
    return [row["criterion"] for row in found["items"]]


def test_a_checklist_is_added_to_judged_and_cut(app: Flask, cast: Cast, alice: ApiCaller, clock: Clock) -> None:
    with app.app_context(), at_work(cast.alice) as me:
        key = make_mock(me, "in_progress").id
        db.session.commit()
    items = f"/mock-interviews/{key}/checklist"
    made = alice.post(items, {"criterion": "Knows the ward", "category": "knowledge"})
    assert made.status_code == 201
    item = made.json
    assert item is not None
    judged = alice.patch(f"{items}/{item['id']}", {"passed": False, "rating": 2, "version": 1}).json
    assert judged is not None
    assert (judged["passed"], judged["rating"], judged["version"]) == (False, 2, 2)
    stale = alice.patch(f"{items}/{item['id']}", {"passed": True, "version": 1})
    assert (stale.status_code, stale.json["current"]) == (409, judged)  # type: ignore[index]
    assert alice.get(f"/mock-interviews/{key}").json["checklist"] == [judged]  # type: ignore[index]
    body = {"overall_rating": 2, "decision": "needs_training", "checklist": [{"id": item["id"], "passed": True}],
            "training": {"training_type": "soft_skills", "focus_areas": ["Hand-over"]}}  # fmt: skip
    assert alice.patch(f"/mock-interviews/{key}/complete", body).status_code == 200
    assert alice.get(f"/mock-interviews/{key}").json["checklist"][0]["passed"] is True  # type: ignore[index]
    assert alice.delete(f"{items}/{item['id']}").status_code == 409


@pytest.mark.parametrize(
    ("training", "field"),
    [(None, "training.training_type"), ({"training_type": "soft_skills", "start_date": "2026-04-02",
                                         "end_date": "2026-04-01"}, "training.end_date")],
)  # fmt: skip
@pytest.mark.database("sqlite")
def test_training_that_is_wrong_is_told_where_it_stands(
    app: Flask, cast: Cast, alice: ApiCaller, clock: Clock, training: Any, field: str
) -> None:
    with app.app_context(), at_work(cast.alice) as me:
        key = make_mock(me, "in_progress").id
        db.session.commit()
    body = {"overall_rating": 2, "decision": "needs_training", **({"training": training} if training else {})}
    refused = alice.patch(f"/mock-interviews/{key}/complete", body)
    assert (refused.status_code, list(refused.json["errors"])) == (422, [field])  # type: ignore[index]


# --- feedback and panels --------------------------------------------------------------------------------


def test_feedback_is_a_draft_until_it_is_submitted(app: Flask, cast: Cast, alice: ApiCaller, clock: Clock) -> None:
    with app.app_context(), at_work(cast.alice) as me:
        key = make_interview(status="completed", start=MONDAY - HOUR, panel=[me]).id
        db.session.commit()
    path = f"/interviews/{key}/feedback"
    draft = alice.post(path, {"strengths": "Calm"}).json
    assert draft is not None
    assert (draft["submitted_at"], draft["strengths"]) == (None, "Calm")
    assert alice.post(path, {"submit": True}).status_code == 422
    given = alice.post(
        path, {"overall_rating": 4, "recommendation": "yes", "submit": True, "version": draft["version"]}
    )
    assert given.json["submitted_at"] == "2026-03-02T09:00:00Z"  # type: ignore[index]
    assert [row["strengths"] for row in alice.get(path).json["items"]] == ["Calm"]  # type: ignore[index]
    assert alice.get(f"/interviews/{key}").json["all_feedback_submitted"] is True  # type: ignore[index]
    assert alice.post(path, {"notes": "More"}).status_code == 409


def test_who_declines_gives_their_time_back(app: Flask, cast: Cast, alice: ApiCaller, clock: Clock) -> None:
    with app.app_context(), at_work(cast.alice) as me:
        mine, other = make_interview(panel=[me]).id, make_interview().id
        db.session.commit()
    declined = alice.patch(f"/interviews/{mine}/reply", {"reply": "declined", "note": "On leave"})
    assert declined.json["interviewers"][0]["reply"] == "declined"  # type: ignore[index]
    assert alice.patch(f"/interviews/{other}/reply", {"reply": "accepted"}).status_code == 403
    assert [row["id"] for row in alice.get("/interviews/my-interviews").json["items"]] == [str(mine)]  # type: ignore[index]


# --- slots and sessions ---------------------------------------------------------------------------------


def test_slots_recur_and_are_booked(app: Flask, cast: Cast, alice: ApiCaller, clock: Clock) -> None:
    start = MONDAY + timedelta(days=1)
    made = alice.post("/interview-slots", {"start": start, "end": start + HOUR, "timezone": "UTC", "repeat": "weeks",
                                           "until": "2026-03-24"})  # fmt: skip
    assert made.status_code == 201, made.json
    found = alice.get(f"/interview-slots?interviewer_id={cast.alice.id}&state=free&sort=start").json
    assert found is not None
    assert [row["start"][:10] for row in found["items"]] == ["2026-03-03", "2026-03-10", "2026-03-17", "2026-03-24"]
    with app.app_context(), at_work(cast.alice):
        application = make_application("approved").id
        db.session.commit()
    booked = alice.post("/interviews", {"application_id": application, "slot_id": found["items"][1]["id"]})
    assert (booked.status_code, booked.json["scheduled_start"]) == (201, "2026-03-10T09:00:00Z")  # type: ignore[index]
    assert alice.get(f"/interview-slots/{found['items'][1]['id']}").json["state"] == "booked"  # type: ignore[index]
    assert alice.delete(f"/interview-slots/{found['items'][1]['id']}").status_code == 409
    assert alice.delete(f"/interview-slots/{found['items'][2]['id']}").status_code == 204


def test_a_session_is_completed_by_its_status(alice: ApiCaller, world: World) -> None:
    sessions = f"/training/{world.own['training']}/sessions"
    made = alice.post(sessions, {"topic": "Hand-over", "session_start": "2099-01-05T09:00:00+04:00", "duration": 45})
    assert made.status_code == 201
    path = f"{sessions}/{made.json['id']}"  # type: ignore[index]
    assert alice.patch(path, {"topic": "Notes"}).json["topic"] == "Notes"  # type: ignore[index]
    done = alice.patch(path, {"status": "completed", "feedback": "Went well", "rating": 4, "version": 2}).json
    assert done is not None
    assert (done["status"], done["feedback"], done["rating"]) == ("completed", "Went well", 4)
    assert alice.patch(path, {"status": "cancelled", "cancellation_reason": "Ill"}).status_code == 409
    other = alice.get("/training").json["items"][0]["id"]  # type: ignore[index]
    assert alice.get(f"/training/{other}/sessions/{uuid4()}").status_code == 404


def test_progress_is_noted_line_by_line(alice: ApiCaller, world: World) -> None:
    path = f"/training/{world.own['training']}"
    for text in ("One shift", "Two shifts"):
        answer = alice.patch(f"{path}/progress", {"progress_notes": text})
    lines = answer.json["progress_notes"].splitlines()  # type: ignore[index]
    assert [line.partition(": ")[2] for line in lines] == ["One shift", "Two shifts"]


def test_option_b_and_its_reopening(app: Flask, cast: Cast, alice: ApiCaller) -> None:
    with app.app_context(), at_work(cast.alice):
        key = make_application("documents_verified", candidate=make_candidate()).id
        db.session.commit()
    path = f"/candidate-projects/{key}"
    assert alice.patch(f"{path}/approve-for-interview", {"notes": "Known"}).json["status"] == "approved"  # type: ignore[index]
    alice.patch(f"{path}/status", {"status": "withdrawn", "reason": "Went elsewhere"})
    assert alice.patch(f"{path}/status", {"status": "reopen"}).status_code == 422
    back = alice.patch(f"{path}/status", {"status": "reopen", "reason": "Came back"}).json
    assert back is not None
    assert (back["status"], back["stage"]) == ("approved", "interview")
    steps = alice.get(f"{path}/history").json["items"]  # type: ignore[index]
    assert [(step["from_status"], step["to_status"], step["reason"]) for step in steps] == [
        ("documents_verified", "approved", ""),
        ("approved", "withdrawn", "Went elsewhere"),
        ("withdrawn", "approved", "Came back"),
    ]
    options = alice.get(f"{path}/workflow-options").json
    assert options is not None
    assert [option["action"] for option in options["options"]] == ["schedule_interview", "on_hold", "withdrawn"]
