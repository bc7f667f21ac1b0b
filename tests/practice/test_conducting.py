"""A mock interview on its page: judged item by item, drafted, completed in one plain form, by one of two."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from portal.core.db import db
from portal.people.models import User
from portal.practice.models import MockInterview, TrainingAssignment
from tests.practice.conftest import Ward
from tests.support import statements
from tests.support.hiring import make_application, move
from tests.support.practice import application_of, complete, conducted, in_days, trained

APPROVED = {"do": "complete", "overall_rating": "4", "decision": "approved", "strengths": "Calm & clear"}


def _url(key: UUID, rest: str = "") -> str:
    return f"/mock-interviews/{key}/conduct{rest}"


def _form(ward: Ward, key: UUID, **values: Any) -> dict[str, Any]:
    """What the page sends as it was opened just now, with ``values`` filled in."""
    given = {"row_version": str(ward.row(key).version)}
    for each in ward.items(key):
        passed = {True: "yes", False: "no", None: ""}[each.passed]
        given |= {
            f"item-{each.id}-version": str(each.version), f"item-{each.id}-passed": passed,
            f"item-{each.id}-rating": str(each.rating or ""), f"item-{each.id}-notes": each.notes,
        }  # fmt: skip
    return {**given, **values}


def _json(client: Any, url: str, body: Any) -> Any:
    return client.post(url, json=body, headers={"X-CSRFToken": client.csrf_token()})


def test_starting_leads_to_the_page(ward: Ward) -> None:
    key, client = ward.mock(begun=False), ward.client("Cora")
    assert f'action="{_url(key, "/start")}"' in client.get(f"/mock-interviews/{key}").text
    assert "It has not been started" in client.get(_url(key)).text
    answer = client.submit(_url(key, "/start"))
    assert (answer.status_code, answer.headers["Location"]) == (302, _url(key))
    page = client.get(_url(key)).text
    assert "Listens" in page
    assert re.search(r"to \d\d:\d\d \(UTC, UTC\+00:00\)", page)
    details = client.get(f"/mock-interviews/{key}").text
    assert details.index("Continue") < details.index("Complete")
    assert "in progress" in client.submit(_url(key, "/start"), follow_redirects=True).text


def test_one_item_is_judged_as_json_and_once_more_is_no_conflict(ward: Ward) -> None:
    key, client = ward.mock(), ward.client("Cora")
    first, _ = ward.items(key)
    body = {"id": str(first.id), "version": 1, "passed": False, "rating": 2, "notes": "Slow"}
    said = _json(client, _url(key, "/judge"), body).get_json()
    assert said["version"] == 2
    assert re.fullmatch(r"\d\d:\d\d \(UTC\)", said["saved"])
    assert _json(client, _url(key, "/judge"), body).get_json()["version"] == 2
    other = _json(client, _url(key, "/judge"), {**body, "passed": True, "notes": "Fast"})
    told = other.get_json()
    assert other.status_code == 409
    assert told["theirs"] == {"passed": "no", "rating": 2, "notes": "Slow"}
    assert (told["who"], told["version"]) == ("Cora", 2)
    assert [(each.passed, each.rating, each.notes) for each in ward.items(key)] == [
        (False, 2, "Slow"),
        (None, None, ""),
    ]


@pytest.mark.parametrize("given", [{"rating": 6}, {"rating": "x"}, {"passed": "yes"}, {"notes": "x" * 20_001}])
def test_a_bad_judgement_is_refused(ward: Ward, given: dict[str, Any]) -> None:
    key, client = ward.mock(), ward.client("Cora")
    first, _ = ward.items(key)
    answer = _json(client, _url(key, "/judge"), {"id": str(first.id), "version": 1, **given})
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, list(given))
    gone = _json(client, _url(key, "/judge"), {"id": str(uuid4()), "version": 1})
    assert (gone.status_code, gone.get_json()["gone"]) == (404, True)
    assert _json(client, _url(key, "/judge"), ["not", "an", "object"]).status_code == 422


HOSTILE = (
    b'{"id": "%s", "version": 1, "notes": "Half a character: \\ud800"}',
    b'{"id": "%s", "version": true, "notes": {"a": [1]}}',
    b'{"id": "%s", "version": 99999999999999999999, "rating": NaN}',
    b'{"id": ["%s"], "strengths": "\\udfff", "focus_areas": ["\\ud83d", {"a": 1}], "overall_rating": {"a": []}}',
    b'{"a":' * 100_000,
)


@pytest.mark.parametrize("body", HOSTILE, ids=["half", "types", "huge", "nested", "deep"])
def test_whatever_json_holds_is_kept_as_text_or_refused(ward: Ward, body: bytes) -> None:
    key, client = ward.mock(), ward.client("Cora")
    sent_body = body.replace(b"%s", str(ward.items(key)[0].id).encode())
    for rest in ("/judge", "/draft"):
        headers = {"X-CSRFToken": client.csrf_token()}
        answer = client.post(_url(key, rest), data=sent_body, content_type="application/json", headers=headers)
        assert answer.status_code in (200, 404, 409, 422)
        assert client.get(_url(key)).status_code == 200


def test_former_attempts_are_shown_to_whom_may_read_them(ward: Ward) -> None:
    cora = ward.person("Cora")
    with ward.at_work() as alice:
        application = make_application("documents_verified", coordinator=alice)
        complete(conducted(alice, application), alice, decision="needs_training", weaknesses="Hurries")
        trained(application, alice)
        key = conducted(db.session.get_one(User, (cora.tenant_id, cora.id)), application, by=alice).id
    assert "Hurries" in ward.client("Cora").get(_url(key)).text
    with ward.at_work() as alice:
        application_of(db.session.get_one(MockInterview, (cora.tenant_id, key))).coordinator_id = alice.id
    assert "Hurries" not in ward.client("Cora").get(_url(key)).text


def test_a_draft_is_kept_field_by_field_and_forgotten_with_the_completion(ward: Ward) -> None:
    key, client = ward.mock(), ward.client("Cora")
    focus = ["Listens", "Something else"]
    _json(client, _url(key, "/draft"), {"strengths": "Calm\n<i>and</i>", "decision": "needs_training"})
    _json(client, _url(key, "/draft"), {"overall_rating": "2", "focus_areas": focus, "no_such": "x"})
    assert ward.row(key).draft == {
        "strengths": "Calm\n<i>and</i>", "decision": "needs_training", "overall_rating": "2", "focus_areas": focus,
    }  # fmt: skip
    assert ward.row(key).version == 2
    page = client.get(_url(key)).text
    assert "Calm\n&lt;i&gt;and&lt;/i&gt;" in page
    assert 'value="Something else"' in page
    assert re.search(r'name="focus" value="Listens" checked', page)
    assert client.submit(_url(key), _form(ward, key, **APPROVED)).status_code == 302
    assert ward.row(key).draft == {}
    late = _json(client, _url(key, "/draft"), {"strengths": "Late"})
    assert late.status_code == 409
    assert late.get_json()["over"]
    assert "Cora completed it" in late.get_json()["error"]
    judged = _json(client, _url(key, "/judge"), {"id": str(ward.items(key)[0].id), "version": 1, "passed": True})
    assert (judged.status_code, judged.get_json()["over"]) == (409, True)


def test_one_plain_form_completes_with_checklist_and_training(ward: Ward) -> None:
    key, client = ward.mock("Cora", "Listens", "Hands over"), ward.client("Cora")
    first, second = ward.items(key)
    values = {
        "do": "complete", "overall_rating": "2", "decision": "needs_training", "training_type": "soft_skills",
        "priority": "high", "focus": ["Listens"], "focus_areas-0-area": "Own", "focus_areas-1-area": "listens",
        "start_date": "2026-12-01", "end_date": "2026-12-20", f"item-{first.id}-passed": "no",
        f"item-{first.id}-rating": "2", f"item-{second.id}-notes": "Not asked",
    }  # fmt: skip
    answer = client.submit(_url(key), _form(ward, key, **values), follow_redirects=True)
    assert "is completed. The application is “Training assigned” now." in answer.text
    assert [(each.passed, each.rating, each.notes) for each in ward.items(key)] == [
        (False, 2, ""), (None, None, "Not asked"),
    ]  # fmt: skip
    with ward.at_work():
        training = db.session.scalars(sa.select(TrainingAssignment)).one()
        assert (training.priority, str(training.end_date)) == ("high", "2026-12-20")
        assert [each.casefold() for each in training.focus_areas] == ["listens", "own"]


def test_what_is_missing_stands_beside_its_field_with_all_that_was_typed(ward: Ward) -> None:
    key, client = ward.mock(), ward.client("Cora")
    first, _ = ward.items(key)
    given = {
        "do": "complete",
        "decision": "needs_training",
        "strengths": "Typed once",
        f"item-{first.id}-notes": "So so",
    }
    answer = client.submit(_url(key), _form(ward, key, **given, **{f"item-{first.id}-rating": "7"}))
    assert answer.status_code == 422
    assert "Please rate the whole." in answer.text
    assert "Please say which training." in answer.text
    assert "Typed once" in answer.text
    assert "So so" in answer.text
    given |= {"overall_rating": "3", "training_type": "grooming", f"item-{first.id}-rating": "7"}
    answer = client.submit(_url(key), _form(ward, key, **given))
    assert answer.status_code == 422
    assert "A rating is a whole number from 1 to 5." in answer.text
    assert ward.row(key).status == "in_progress"


def test_items_are_added_and_taken_off_with_the_rest_kept(ward: Ward) -> None:
    key, client = ward.mock(), ward.client("Cora")
    first, second = ward.items(key)
    new = {"do": "add", "new_criterion": "Knows the ward", "new_category": "knowledge", "strengths": "Calm"}
    answer = client.submit(_url(key), _form(ward, key, **new, **{f"item-{first.id}-passed": "yes"}))
    assert answer.status_code == 302
    assert [each.criterion for each in ward.items(key)] == ["Listens", "Hands over", "Knows the ward"]
    assert (ward.items(key)[0].passed, ward.row(key).draft["strengths"]) == (True, "Calm")
    twice = client.submit(_url(key), _form(ward, key, **new))
    assert twice.status_code == 422
    assert "This is on the checklist already." in twice.text
    client.submit(_url(key), _form(ward, key, do=f"remove:{second.id}"))
    assert [each.criterion for each in ward.items(key)] == ["Listens", "Knows the ward"]
    other = ward.items(ward.mock("Dora"))[0]
    assert client.submit(_url(key), _form(ward, key, do=f"remove:{other.id}")).status_code == 404


def test_a_form_that_was_overtaken_shows_both_judgements(ward: Ward) -> None:
    key, client = ward.mock(), ward.client("Cora")
    first, _ = ward.items(key)
    old = _form(ward, key, **APPROVED, **{f"item-{first.id}-passed": "yes"})
    _json(client, _url(key, "/judge"), {"id": str(first.id), "version": 1, "passed": False, "notes": "Other window"})
    answer = client.submit(_url(key), old)
    assert answer.status_code == 409
    assert "Not passed: Other window" in answer.text
    assert f'name="item-{first.id}-version" value="2"' in answer.text
    assert ward.row(key).status == "in_progress"
    assert client.submit(_url(key), {**old, f"item-{first.id}-version": "2"}).status_code == 302
    assert ward.items(key)[0].passed


def test_an_edit_meanwhile_is_told_and_nothing_lost(ward: Ward) -> None:
    key, client = ward.mock(), ward.client("Cora")
    old = _form(ward, key, **APPROVED)
    with ward.at_work():
        db.session.get_one(MockInterview, (ward.cast.alice.tenant_id, key)).meeting_link = "https://meet.example/x"
    answer = client.submit(_url(key), old)
    assert answer.status_code == 409
    assert "was changed in the meantime" in answer.text
    assert "Calm &amp; clear" in answer.text
    assert client.submit(_url(key), _form(ward, key, **APPROVED)).status_code == 302


def test_who_comes_second_is_told_who_was_first_and_keeps_the_text(ward: Ward) -> None:
    key, client = ward.mock(), ward.client("Cora")
    old = _form(ward, key, **APPROVED)
    with ward.at_work() as alice:
        row = db.session.get_one(MockInterview, (alice.tenant_id, key))
        complete(row, alice, decision="rejected")
    answer = client.submit(_url(key), old)
    assert answer.status_code == 409
    assert "Alice Ardent completed it at" in answer.text
    assert "Calm &amp; clear" in answer.text
    assert ward.row(key).decision == "rejected"
    assert "Alice Ardent completed it at" in client.get(_url(key)).text


def test_pressing_twice_completes_once(ward: Ward) -> None:
    key, client = ward.mock(), ward.client("Cora")
    sent = _form(ward, key, **APPROVED)
    answers = [client.submit(_url(key), sent) for _ in range(2)]
    assert [(a.status_code, a.headers["Location"]) for a in answers] == [(302, f"/mock-interviews/{key}")] * 2
    assert ward.row(key).version == 3


def test_a_second_attempt_shows_the_first_beside_it(ward: Ward) -> None:
    key, client = ward.mock("Cora", "Listens", "Hands over"), ward.client("Cora")
    cora = ward.person("Cora")
    first, _ = ward.items(key)
    with ward.at_work() as alice:
        row = db.session.get_one(MockInterview, (alice.tenant_id, key))
        judged = [{"id": str(first.id), "passed": False}]
        complete(row, alice, decision="needs_training", checklist=judged, weaknesses="Too quick")
        trained(application_of(row), alice, outcome="reassessment_needed")
        me = db.session.get_one(User, (cora.tenant_id, cora.id))
        again = conducted(me, application_of(row), start=in_days(9)).id
    page = client.get(_url(again)).text
    side = page[page.index("Attempt 1") :]
    assert "Needs training" in side
    assert "Listens" in side
    assert "Too quick" in side
    assert "Soft skills: reassessment needed" in side
    ward.switch_off("training")
    assert "reassessment needed" not in client.get(_url(again)).text


def test_without_training_the_decision_is_not_offered(ward: Ward) -> None:
    key, client = ward.mock(), ward.client("Cora")
    assert 'value="needs_training"' in client.get(_url(key)).text
    ward.switch_off("training")
    page = client.get(_url(key)).text
    assert 'value="needs_training"' not in page
    assert 'name="training_type"' not in page
    forced = {**APPROVED, "decision": "needs_training", "training_type": "grooming"}
    assert client.submit(_url(key), _form(ward, key, **forced)).status_code == 422


def test_only_who_conducts_it_comes_in(ward: Ward) -> None:
    key = ward.mock("Cora")
    assert ward.client("Dora").get(_url(key)).status_code == 404
    assert ward.client("Rita", "Recruiter").get(_url(key)).status_code == 403
    assert ward.client("Lea", "Team Lead").get(_url(key)).status_code == 403
    charlie = ward.make_client(ward.cast.charlie)
    for rest in ("", "/start", "/judge", "/draft"):
        theirs, nobodys = (charlie.submit(_url(each, rest)) for each in (key, uuid4()))
        assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert ward.make_client(ward.cast.alice).get(_url(key)).status_code == 200
    ward.switch_off("mock_interviews")
    assert ward.client("Cora").get(_url(key)).status_code == 404


def test_one_that_was_cancelled_meanwhile_says_so(ward: Ward) -> None:
    key, client = ward.mock(), ward.client("Cora")
    sent = _form(ward, key, do="keep", strengths="Calm")
    with ward.at_work() as alice:
        move(db.session.get_one(MockInterview, (alice.tenant_id, key)), "cancel", alice, reason="Fire alarm")
    answer = client.submit(_url(key), sent)
    assert answer.status_code == 409
    assert "Alice Ardent cancelled it at" in answer.text
    assert "Calm" in answer.text


@pytest.mark.database("sqlite")
def test_the_pages_cost_the_same_for_few_criteria_and_many(ward: Ward) -> None:
    client = ward.client("Cora")
    costs = []
    for count in (2, 20):
        key = ward.mock("Cora", *(f"Criterion {number}" for number in range(count)), days=count)
        with ward.at_work() as alice:
            role = application_of(db.session.get_one(MockInterview, (alice.tenant_id, key))).job.job_role_id
        urls = (_url(key), f"/checklists/{role}", "/checklists/")
        costs.append([statements.of_page(ward.app, client, url) for url in urls])
    assert costs[0] == costs[1]
