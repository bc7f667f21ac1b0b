"""An interviewer gives feedback: as a draft, for good, and never twice."""

from typing import Any

import pytest
import sqlalchemy as sa

from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Invalid
from portal.core.events import OutboxEvent
from portal.hiring.models import ApplicationActivity
from portal.interviews.models import Panelist
from tests.feedback.conftest import CRITERIA, Stage

EMPTY: dict[str, Any] = {
    "overall_rating": None, "technical_skills": None, "communication": None, "cultural_fit": None,
    "problem_solving": None, "recommendation": None, "strengths": "", "weaknesses": "", "notes": "",
    "private_notes": "", "custom_ratings": {}, "submitted_at": None,
}  # fmt: skip


def _told(stage: Stage) -> tuple[list[Any], list[Any], list[Any]]:
    """Activities, audit and events about feedback, as they were written."""
    with stage.at_work():
        lines = sa.select(ApplicationActivity.type, ApplicationActivity.old_value, ApplicationActivity.new_value)
        done = sa.select(AuditEntry.action, AuditEntry.actor_label).where(AuditEntry.entity == "interview_feedback")
        facts = sa.select(OutboxEvent.name, OutboxEvent.payload).where(OutboxEvent.name.startswith("Feedback"))
        return (
            [tuple(row) for row in db.session.execute(lines.order_by(ApplicationActivity.id))],
            [tuple(row) for row in db.session.execute(done.order_by(AuditEntry.id))],
            [(name, payload.get("again")) for name, payload in db.session.execute(facts.order_by(OutboxEvent.id))],
        )


def test_a_draft_may_lack_everything_and_is_kept_as_it_is(stage: Stage) -> None:
    key = stage.interview("Ivy")
    assert stage.post("Ivy", key, "draft", strengths="Calm").status_code == 302
    assert stage.kept("Ivy", key) == EMPTY | {"strengths": "Calm", "version": 2}
    assert stage.post("Ivy", key, "draft", overall_rating="3", notes="2nd", strengths="").status_code == 302
    wanted = {"overall_rating": 3, "strengths": "", "notes": "2nd", "version": 3}
    assert stage.kept("Ivy", key) == EMPTY | wanted
    assert _told(stage) == ([], [("draft", "Ivy")], [])


def test_what_is_submitted_is_there_with_activity_audit_and_event(stage: Stage) -> None:
    key = stage.interview("Ivy")
    given = {
        "overall_rating": "5",
        "technical_skills": "4",
        "recommendation": "strong_yes",
        "private_notes": "<b>x</b>",
    }
    answer = stage.post("Ivy", key, strengths="<p>Deep <script>alert(1)</script></p>", **given)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/interviews/{key}")
    assert stage.kept("Ivy", key) == EMPTY | {
        "overall_rating": 5, "technical_skills": 4, "recommendation": "strong_yes", "strengths": "<p>Deep </p>",
        "private_notes": "<b>x</b>", "submitted_at": stage.clock.now, "version": 3,
    }  # fmt: skip
    assert _told(stage) == ([("feedback_submitted", "", "")], [("submit", "Ivy")], [("FeedbackSubmitted", False)])


def test_the_audit_says_what_was_submitted_but_not_what_is_private(stage: Stage) -> None:
    key = stage.interview("Ivy")
    stage.give("Ivy", key, submit=False, overall_rating=1, notes="Only a thought")
    stage.give("Ivy", key, overall_rating=4, notes="", private_notes="Between us")
    with stage.at_work():
        query = sa.select(AuditEntry.action, AuditEntry.changes).where(AuditEntry.entity == "interview_feedback")
        found = [tuple(row) for row in db.session.execute(query.order_by(AuditEntry.id))]
    assert found == [
        ("draft", {}),
        ("submit", {
            "overall_rating": [None, 4], "recommendation": [None, "yes"], "private_notes": ["•••", "•••"],
            "submitted_at": [None, stage.clock.now.isoformat()],
        }),
    ]  # fmt: skip


@pytest.mark.parametrize("rating", ["0", "6", "3.5", "five", "-1", "1e0", "٣", "9" * 40])
@pytest.mark.parametrize("do", ["draft", "submit"])
def test_a_rating_is_a_whole_number_from_1_to_5(stage: Stage, rating: str, do: str) -> None:
    key = stage.interview("Ivy")
    answer = stage.post("Ivy", key, do, overall_rating="4", recommendation="yes", communication=rating, notes="Typed")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "A rating is a whole number from 1 to 5." in page.split('id="communication"')[1].split("</fieldset>")[0]
    assert "Typed</textarea>" in page
    assert stage.count() == 0


def _off(criterion: str, top: int) -> dict[str, list[str]]:
    return {f"custom_ratings.{criterion}": [f"“{criterion}” is rated with a whole number from 1 to {top}."]}


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"overall_rating": 0}, {"overall_rating": ["A rating is a whole number from 1 to 5."]}),
        ({"cultural_fit": 3.5}, {"cultural_fit": ["A rating is a whole number from 1 to 5."]}),
        ({"cultural_fit": True}, {"cultural_fit": ["A rating is a whole number from 1 to 5."]}),
        ({"recommendation": "perhaps"},
         {"recommendation": ["“perhaps” is not one of: strong_yes, yes, maybe, no, strong_no."]}),
        ({"custom_ratings": {"Depth": 11}}, _off("Depth", 10)),
        ({"custom_ratings": {"Depth": 0}}, _off("Depth", 10)),
        ({"custom_ratings": {"Care": 2.5}}, _off("Care", 5)),
        ({"custom_ratings": {"Care": "2"}}, _off("Care", 5)),
        ({"custom_ratings": {"Speed": 3, "Care": 6}}, {
            "custom_ratings.Speed": ["“Speed” is not one of the criteria of this interview's template."],
            **_off("Care", 5),
        }),
        ({"custom_ratings": [1]}, {"custom_ratings": ["Please give ratings by the names of the criteria."]}),
        ({"overall_rating": None}, {"overall_rating": ["Please choose one: submitted feedback needs it."]}),
        ({"overall_rating": None, "recommendation": None}, {
            "overall_rating": ["Please choose one: submitted feedback needs it."],
            "recommendation": ["Please choose one: submitted feedback needs it."],
        }),
    ],
)  # fmt: skip
def test_every_value_is_checked_whatever_way_it_comes(stage: Stage, values: Any, errors: Any) -> None:
    key = stage.interview("Ivy", template={"scorecard_criteria": CRITERIA})
    with pytest.raises(Invalid) as refused:
        stage.give("Ivy", key, **values)
    assert refused.value.errors == errors
    assert stage.count() == 0


def test_without_a_template_there_is_nothing_of_its_own_to_rate(stage: Stage) -> None:
    key = stage.interview("Ivy")
    with pytest.raises(Invalid) as refused:
        stage.give("Ivy", key, custom_ratings={"Depth": 3})
    assert refused.value.errors == {
        "custom_ratings": ["This interview has no template, and so no criteria of its own to rate."]
    }
    stage.give("Ivy", key, custom_ratings={})


def test_the_templates_criteria_stand_in_the_form_up_to_their_maximum(stage: Stage) -> None:
    key = stage.interview("Ivy", template={"scorecard_criteria": CRITERIA})
    page = stage.client("Ivy").get(f"/interviews/{key}/feedback").get_data(as_text=True)
    depth = page.split('id="criterion_0"')[1].split("</fieldset>")[0]
    assert ("Depth" in depth, "How far down" in depth, depth.count("of 10<")) == (True, True, 10)
    given = {"overall_rating": "4", "recommendation": "no", "criterion_0": "9", "criterion_1": "6"}
    answer = stage.post("Ivy", key, **given)
    care = answer.get_data(as_text=True).split('id="criterion_1"')[1].split("</fieldset>")[0]
    assert (answer.status_code, "A rating is a whole number from 1 to 5." in care) == (422, True)
    assert stage.post("Ivy", key, **{**given, "criterion_1": ""}).status_code == 302
    assert stage.kept("Ivy", key)["custom_ratings"] == {"Depth": 9}


def test_submitting_needs_an_overall_rating_and_a_recommendation(stage: Stage) -> None:
    key = stage.interview("Ivy")
    answer = stage.post("Ivy", key, strengths="Calm")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for name in ("overall_rating", "recommendation"):
        box = page.split(f'<fieldset class="field" id="{name}"')[1].split("</fieldset>")[0]
        assert "Please choose one: submitted feedback needs it." in box
    assert stage.count() == 0


def test_submitted_feedback_stays_as_it_is(stage: Stage) -> None:
    key = stage.interview("Ivy")
    stage.give("Ivy", key)
    before = stage.kept("Ivy", key)
    for do in ("submit", "draft"):
        answer = stage.post("Ivy", key, do, overall_rating="1", recommendation="no")
        assert answer.status_code == 409
        assert "You have submitted your feedback on this interview already." in answer.get_data(as_text=True)
    assert stage.kept("Ivy", key) == before
    page = stage.client("Ivy").get(f"/interviews/{key}/feedback").get_data(as_text=True)
    assert ("HR can reopen it for you" in page, "<form method" in page.split("<main")[1]) == (True, False)


def test_who_does_not_sit_on_the_panel_is_refused_in_words(stage: Stage) -> None:
    key = stage.interview("Ivy", shadows=("Sam",))
    stage.person("Hera", "HR")
    told = {}
    for name in ("Hera", "Sam", "Stan"):
        page = stage.client(name).get(f"/interviews/{key}/feedback")
        sent = stage.post(name, key, overall_rating="4", recommendation="yes")
        told[name] = (page.status_code, sent.status_code, "give feedback on it" in sent.get_data(as_text=True),
                      "shadows watch" in sent.get_data(as_text=True))  # fmt: skip
    assert told == {
        "Hera": (403, 403, True, False), "Sam": (403, 403, False, True), "Stan": (404, 404, False, False),
    }  # fmt: skip
    assert stage.make_client(stage.cast.charlie).get(f"/interviews/{key}/feedback").status_code == 404
    assert stage.count() == 0


@pytest.mark.parametrize(
    ("status", "ago", "code", "words"),
    [
        ("scheduled", -1, 409, "has not begun yet"),
        ("confirmed", -1, 409, "has not begun yet"),
        ("scheduled", 0.1, 302, ""),
        ("in_progress", 0.1, 302, ""),
        ("in_progress", -0.1, 302, ""),  # somebody began early
        ("completed", 2, 302, ""),
        ("cancelled", 2, 409, "was cancelled"),
        ("no_show", 2, 409, "did not take place"),
    ],
)
def test_feedback_is_about_what_took_place(stage: Stage, status: str, ago: float, code: int, words: str) -> None:
    key = stage.interview("Ivy", status=status, ago=ago)
    page = stage.client("Ivy").get(f"/interviews/{key}/feedback")
    assert (page.status_code, words in page.get_data(as_text=True)) == (200, True)
    for do in ("draft", "submit"):
        answer = stage.post("Ivy", key, do, overall_rating="4", recommendation="yes")
        assert (answer.status_code, words in answer.get_data(as_text=True)) == (code, True)


def test_two_windows_see_both_versions(stage: Stage) -> None:
    key = stage.interview("Ivy")
    client, url = stage.client("Ivy"), f"/interviews/{key}/feedback"
    first = client.submit(url, {"do": "draft", "row_version": "0", "notes": "From the first window"})
    second = client.submit(url, {"do": "draft", "row_version": "0", "notes": "From the second"})
    page = second.get_data(as_text=True)
    assert (first.status_code, second.status_code) == (302, 409)
    assert all(text in page for text in ("From the first window", "From the second", "Save once more"))
    assert 'name="row_version" type="hidden" value="2"' in page
    assert stage.kept("Ivy", key)["notes"] == "From the first window"
    again = client.submit(url, {"do": "draft", "row_version": "2", "notes": "From the second"})
    assert (again.status_code, stage.kept("Ivy", key)["notes"]) == (302, "From the second")


def test_the_page_saves_drafts_by_itself(stage: Stage) -> None:
    key = stage.interview("Ivy")
    client, url = stage.client("Ivy"), f"/interviews/{key}/feedback"
    as_json = {"headers": {"Accept": "application/json"}}
    kept = client.submit(url, {"do": "submit", "row_version": "0", "overall_rating": "4"}, **as_json)
    assert (kept.status_code, kept.get_json()) == (200, {"version": 2, "saved": "2 Mar 2026, 09:00 +00:00"})
    assert stage.kept("Ivy", key) == EMPTY | {"overall_rating": 4, "version": 2}
    wrong = client.submit(url, {"row_version": "2", "overall_rating": "7"}, **as_json)
    assert (wrong.status_code, wrong.get_json()["errors"]) == (
        422, {"overall_rating": ["A rating is a whole number from 1 to 5."]}
    )  # fmt: skip
    stale = client.submit(url, {"row_version": "1", "overall_rating": "5"}, **as_json)
    assert (stale.status_code, "somebody else" in stale.get_json()["error"]) == (409, True)
    assert client.post(url, data={"row_version": "2"}, **as_json).status_code == 400  # without the token
    assert stage.kept("Ivy", key) == EMPTY | {"overall_rating": 4, "version": 2}


def test_reopened_feedback_is_submitted_anew(stage: Stage) -> None:
    key = stage.interview("Ivy")
    row = stage.give("Ivy", key, overall_rating=4)
    stage.person("Hera", "HR")
    hera, url = stage.client("Hera"), f"/feedback/{row}/reopen"
    assert hera.submit(url, {"row_version": "3"}).status_code == 422
    assert hera.submit(url, {"row_version": "1", "reason": "Late"}).headers["Location"] == f"/interviews/{key}"
    assert stage.kept("Ivy", key)["submitted_at"] is not None
    version = str(stage.kept("Ivy", key)["version"])
    assert hera.submit(url, {"row_version": version, "reason": "Wrong candidate"}).status_code == 302
    assert hera.get(f"/feedback/{row}").status_code == 404  # a draft again
    assert "Wrong candidate" in stage.client("Ivy").get(f"/interviews/{key}/feedback").get_data(as_text=True)
    assert stage.post("Ivy", key, overall_rating="2", recommendation="no").status_code == 302
    lines, done, facts = _told(stage)
    assert [kind for kind, _, _ in lines] == ["feedback_submitted", "note_added", "rating_updated"]
    assert done == [("submit", "Ivy"), ("reopen_feedback", "Hera"), ("submit", "Ivy")]
    assert facts == [("FeedbackSubmitted", False), ("FeedbackRequested", None), ("FeedbackSubmitted", True)]


@pytest.mark.parametrize(("seat", "words"), [("shadow", "is a shadow now"), (None, "no longer sits on the panel")])
def test_what_its_author_could_not_submit_again_is_not_reopened(stage: Stage, seat: str | None, words: str) -> None:
    key = stage.interview("Ivy", "Owen")
    row = stage.give("Ivy", key)
    stage.person("Hera", "HR")
    with stage.at_work():
        seats = sa.select(Panelist).where(Panelist.user_id == stage.person("Ivy").id)
        found = db.session.scalars(seats).one()
        if seat:
            found.part = seat
        else:
            db.session.delete(found)
    version = str(stage.kept("Ivy", key)["version"])
    sent = {"row_version": version, "reason": "Wrong candidate"}
    page = stage.client("Hera").submit(f"/feedback/{row}/reopen", sent, follow_redirects=True)
    assert f"Ivy {words} and could not submit it again." in page.get_data(as_text=True)
    assert stage.kept("Ivy", key)["submitted_at"] is not None


def test_only_who_keeps_everybodys_feedback_reopens_it(stage: Stage) -> None:
    key = stage.interview("Ivy")
    row = stage.give("Ivy", key)
    for name, role in (("Mona", "Manager"), ("Ivy", "Interviewer"), ("Hera", "HR")):
        stage.person(name, role)
    codes = {name: stage.client(name).get(f"/feedback/{row}/reopen").status_code for name in ("Mona", "Ivy", "Hera")}
    offered = {name: "/reopen" in stage.client(name).get(f"/feedback/{row}").get_data(as_text=True) for name in codes}
    assert codes == {"Mona": 403, "Ivy": 403, "Hera": 200}
    assert offered == {"Mona": False, "Ivy": False, "Hera": True}
    assert stage.make_client(stage.cast.charlie).get(f"/feedback/{row}/reopen").status_code == 404
    stage.client("Ivy").submit(f"/feedback/{row}/reopen", {"reason": "I", "row_version": "1"})
    assert stage.kept("Ivy", key)["submitted_at"] is not None


def test_text_comes_back_as_it_was_typed_and_does_no_harm(stage: Stage) -> None:
    key = stage.interview("Ivy")
    text = 'O\'Brien "x"; DROP TABLE users -- שלום'
    stage.post("Ivy", key, "draft", private_notes=f"<script>alert(1)</script> {text}", notes=text)
    page = stage.client("Ivy").get(f"/interviews/{key}/feedback").get_data(as_text=True)
    assert "<script>alert(1)" not in page
    assert stage.kept("Ivy", key)["private_notes"] == f"<script>alert(1)</script> {text}"
    assert stage.kept("Ivy", key)["notes"] == text
