"""Interview templates through their pages: form, history, clone, and what they do to an interview (SPEC §1, §4)."""

from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.interviews.models import Interview, InterviewTemplate
from tests.support.cast import Cast
from tests.support.clock import MONDAY
from tests.support.hiring import audited, colleague
from tests.support.pages import behind, errors, text
from tests.support.world import World, populate


@pytest.fixture
def world(app: Flask, cast: Cast, clock: Any) -> World:
    return populate(app, cast)


TEMPLATE = {
    "name": "Ward round <b>", "interview_type": "technical", "default_duration": "45", "required_interviewers": "2",
    "allow_multiple_interviewers": "y", "active": "y", "department": "Wards", "job_level": "senior",
    "instructions": "<p>Be <em>kind</em>.</p><script>x</script>", "preparation_guide": "Read the file.",
    "questions-0-question": "Why <i>nursing</i>?", "questions-0-category": "Motivation",
    "questions-0-expected_answer": "People & care", "questions-0-weight": "10",
    "questions-7-question": "Tell us of a mistake.",
    "scorecard_criteria-0-name": "Care", "scorecard_criteria-0-max_score": "10",
    "skills_assessed-0-skill": "Triage", "skills_assessed-1-skill": "",
}  # fmt: skip
QUESTIONS = [
    {"question": "Why <i>nursing</i>?", "category": "Motivation", "expected_answer": "People & care", "weight": 10},
    {"question": "Tell us of a mistake.", "category": "", "expected_answer": "", "weight": 1},
]
CRITERIA = [{"name": "Care", "description": "", "weight": 1, "max_score": 10}]


def make(client: Any, **more: Any) -> str:
    answer = client.submit("/interview-templates/new", {**TEMPLATE, **more})
    assert answer.status_code == 302, errors(answer)
    return str(answer.location).rpartition("/")[2]


def stored(key: str) -> InterviewTemplate:
    return db.session.scalars(sa.select(InterviewTemplate).where(InterviewTemplate.id == UUID(key))).one()


def test_a_template_keeps_its_lists_and_tells_in_words_what_became_of_them(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    client = make_client(cast.alice)
    key = make(client)
    with behind(app, cast.alice):
        row = stored(key)
        assert (row.questions, row.scorecard_criteria, row.skills_assessed) == (QUESTIONS, CRITERIA, ["Triage"])
    changed = {**TEMPLATE, "row_version": "1", "skills_assessed-1-skill": "Tact", "questions-0-weight": "20"}
    assert client.submit(f"/interview-templates/{key}/edit", changed).status_code == 302
    page = unescape(text(client.get(f"/interview-templates/{key}")))
    before = "“Why <i>nursing</i>?” (category: Motivation, expected answer: People & care, weight: 10)"
    assert f"Questions: was {before} → now {before.replace('10)', '20)')}" in page
    assert "Skills assessed: now Tact" in page
    assert "{'" not in page
    with behind(app, cast.alice):
        assert list(audited(stored(key))[0][1]) == ["questions", "skills_assessed"]
    assert "<i>nursing" not in client.get(f"/interview-templates/{key}").get_data(as_text=True)


def test_each_cell_has_its_error_beside_it_and_keeps_what_was_typed(make_client: Any, cast: Cast, world: World) -> None:
    wrong = {
        "questions-0-weight": "ten <b>", "questions-7-question": "", "questions-7-category": "Lonely",
        "scorecard_criteria-1-name": "CARE", "scorecard_criteria-1-max_score": "1", "default_duration": "4",
    }  # fmt: skip
    client = make_client(cast.alice)
    answer = client.submit("/interview-templates/new", {**TEMPLATE, **wrong})
    told = {
        "questions-0-weight": "Please give a whole number.", "questions-1-question": "Please fill this in.",
        "scorecard_criteria-1-name": "Row 1 has this already.",
        "scorecard_criteria-1-max_score": "From 2 to 100, please.",
    }  # fmt: skip
    page = answer.get_data(as_text=True)
    assert (answer.status_code, errors(answer)) == (422, told)
    assert 'value="ten &lt;b&gt;"' in page
    assert 'value="Lonely"' in page
    assert "Row 1, weight: Please give a whole number." in page  # above the form, too
    of_row = {
        "default_duration": ("4", "From 5 to 1440 minutes, please."),
        "required_interviewers": ("0", "From 1 to 20, please."),
        "name": ("Harbour screening", "There is one with this name already."),
    }
    found = {n: errors(client.submit("/interview-templates/new", {**TEMPLATE, n: v})) for n, (v, _) in of_row.items()}
    assert found == {name: {name: said} for name, (_, said) in of_row.items()}
    alone = {n: v for n, v in TEMPLATE.items() if n != "allow_multiple_interviewers"}
    assert errors(client.submit("/interview-templates/new", alone)) == {
        "required_interviewers": "One at most, as long as several interviewers are not allowed."
    }
    many = {f"skills_assessed-{n}-skill": f"Skill {n}" for n in range(101)}
    assert errors(client.submit("/interview-templates/new", {**TEMPLATE, **many})) == {
        "skills_assessed": "No more than 100 of these, please; there are 101."
    }


def test_a_stale_save_shows_both_lists_in_words(make_client: Any, cast: Cast, world: World) -> None:
    client = make_client(cast.alice)
    url = f"/interview-templates/{make(client)}/edit"
    theirs = {**TEMPLATE, "row_version": "1", "skills_assessed-0-skill": "Theirs"}
    assert make_client(cast.bob).submit(url, theirs).status_code == 302
    answer = client.submit(url, {**TEMPLATE, "row_version": "1", "skills_assessed-0-skill": "Mine"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert '<td dir="auto">Mine</td><td dir="auto">Theirs</td>' in page.replace("\n", "").replace("        ", "")
    assert 'name="skills_assessed-0-skill"' in page


def test_a_form_without_a_script_has_what_is_there_and_spare_rows(make_client: Any, cast: Cast, world: World) -> None:
    client = make_client(cast.alice)
    page = client.get(f"/interview-templates/{make(client)}/edit").get_data(as_text=True)
    names = [f'name="questions-{n}-question"' for n in range(6)]
    assert [name in page for name in names] == [True] * 5 + [False]
    assert page.count("data-rows-spare") == 9


def test_a_template_is_cloned_under_a_name_of_its_own(app: Flask, make_client: Any, cast: Cast, world: World) -> None:
    client = make_client(cast.alice)
    key = make(client)
    url = f"/interview-templates/{key}/clone"
    assert f'href="{url}"' in client.get(f"/interview-templates/{key}").get_data(as_text=True)
    assert 'value="Ward round &lt;b&gt; (copy)"' in client.get(url).get_data(as_text=True)
    assert errors(client.submit(url, {"name": TEMPLATE["name"]})) == {"name": "There is one with this name already."}
    made = str(client.submit(url, {"name": "Night round"}).location).rpartition("/")[2]
    with behind(app, cast.alice):
        copy, first = stored(made), stored(key)
        same = ("questions", "scorecard_criteria", "skills_assessed", "interview_type", "instructions", "job_level")
        assert {n: getattr(copy, n) for n in same} == {n: getattr(first, n) for n in same}
        assert (copy.name, copy.active, audited(copy)) == (
            "Night round", True, [("clone", {"copy_of": [None, "Ward round <b>"]})],
        )  # fmt: skip
    theirs, nobodys = (f"/interview-templates/{k}/clone" for k in (world.foreign["interview-templates"], uuid4()))
    assert [client.get(u).status_code for u in (theirs, nobodys)] == [404, 404]
    assert [client.submit(u, {"name": "X"}).status_code for u in (theirs, nobodys)] == [404, 404]


def test_hr_and_coordinators_write_templates_and_team_leads_read_them(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    key = world.own["interview-templates"]
    urls = ("/interview-templates/", "/interview-templates/new", f"/interview-templates/{key}/edit",
            f"/interview-templates/{key}/clone")  # fmt: skip
    told = {}
    for role in ("HR", "Interview Coordinator", "Recruiter", "Team Lead", "Interviewer"):
        with behind(app, cast.alice):
            person = colleague(role)
            session_key = person.get_id()
        client = make_client(type("Who", (), {"get_id": lambda self, k=session_key: k})())
        told[role] = [client.get(url).status_code for url in urls]
    writes, reads, neither = [200] * 4, [200, 403, 403, 403], [403] * 4
    assert told == {"HR": writes, "Interview Coordinator": writes, "Recruiter": neither, "Team Lead": reads,
                    "Interviewer": neither}  # fmt: skip


# --- in an interview --------------------------------------------------------------------------------

START = MONDAY + timedelta(days=9)


def interview(world: World, **more: Any) -> dict[str, Any]:
    alice, bob = world.cast.alice, world.cast.bob
    return {
        "application_id": str(world.own["applications"]), "audience": "internal", "timezone": "UTC",
        "interview_type": "", "scheduled_start": f"{START:%Y-%m-%dT%H:%M}",
        "interviewers": [str(alice.id), str(bob.id)], **more,
    }  # fmt: skip


GUIDE = (
    "<p>Be <em>kind</em>.</p><p><strong>Questions</strong></p><ol><li>Why &lt;i&gt;nursing&lt;/i&gt;? "
    "<em>(Motivation, weight 10)</em><br>Expected: People &amp; care</li>"
    "<li>Tell us of a mistake. <em>(weight 1)</em></li></ol>"
)


def the_interview(location: str) -> Interview:
    key = UUID(location.rpartition("/")[2])
    return db.session.scalars(sa.select(Interview).where(Interview.id == key)).one()


def test_a_template_fills_what_was_left_empty_and_nothing_else(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    client = make_client(cast.alice)
    key = make(client)
    empty = client.submit("/interviews/new", interview(world, template_id=key))
    given = {"interview_type": "technical", "title": "Mine", "scheduled_start": "2026-03-13T09:00",
             "scheduled_end": "2026-03-13T09:20", "interview_guide": "My guide",
             "preparation_notes": "My notes"}  # fmt: skip
    typed = client.submit("/interviews/new", interview(world, template_id=key, **given))
    with behind(app, cast.alice):
        row = the_interview(empty.location)
        assert (row.title, row.interview_type, row.scheduled_end, row.interview_guide, row.preparation_notes) == (
            "Ward round <b> with Harbour Ørsted", "technical", START + timedelta(minutes=45), GUIDE, "Read the file.",
        )  # fmt: skip
        row = the_interview(typed.location)
        assert (row.title, row.duration_minutes, row.interview_guide, row.preparation_notes) == (
            "Mine", 20, "My guide", "My notes",
        )  # fmt: skip
    # In use from now on: it is taken out of use, not deleted.
    answer = client.submit(f"/interview-templates/{key}/delete", follow_redirects=True)
    assert "is in use and cannot be deleted. Take it out of use instead: untick “Active”." in text(answer)


def test_a_template_chosen_later_fills_too_as_long_as_the_interview_is_ahead(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    client = make_client(cast.alice)
    key = make(client)
    data = interview(world, scheduled_end="2026-03-11T10:00", title="As typed")
    made = client.submit("/interviews/new", data).location
    edit = {**data, "template_id": key, "row_version": "1", "scheduled_end": "", "title": "", "interview_guide": ""}
    assert client.submit(f"{made}/edit", edit).status_code == 302
    with behind(app, cast.alice):
        row = the_interview(made)
        assert (str(row.template_id), row.title, row.interview_type, row.duration_minutes, row.interview_guide) == (
            key, "Ward round <b> with Harbour Ørsted", "technical", 45, GUIDE,
        )  # fmt: skip
        row.status = "completed"
        db.session.flush()
        version = str(row.version)
    late = {**edit, "template_id": "", "interview_type": "technical", "title": "Late", "row_version": version}
    assert errors(client.submit(f"{made}/edit", late)) == {
        "template_id": "The template of an interview that is completed stays."
    }


def test_bad_input_is_refused_beside_its_field_and_nothing_is_made(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    client = make_client(cast.alice)
    key = make(client)
    idle = make(client, name="Out of use")
    client.submit(f"/interview-templates/{idle}/edit", {**TEMPLATE, "name": "Out of use", "row_version": "1",
                                                        "active": ""})  # fmt: skip
    solo = make(client, name="Alone", required_interviewers="1", allow_multiple_interviewers="")
    with behind(app, cast.alice):
        gone = colleague("Interviewer", "Gone Girl")
        gone.active = False
        stranger, gone_key = str(cast.charlie.id), str(gone.id)
    alice, bob = str(cast.alice.id), str(cast.bob.id)
    nope = "This is not one of the choices."
    table: list[tuple[dict[str, Any], dict[str, str]]] = [
        ({"scheduled_end": "2026-03-11T08:59"}, {"scheduled_end": "The end must be after the start."}),
        ({}, {"scheduled_end": "Please fill this in."}),
        ({"scheduled_start": "", "template_id": key}, {"scheduled_start": "Please fill this in."}),
        ({"meeting_link": "meet.example/x"},
         {"meeting_link": "Write a full web address that starts with http:// or https://."}),
        ({"meeting_provider": "carrier pigeon"}, {"meeting_provider": "Not a valid choice."}),
        ({"timezone": "Mars/Base"}, {"timezone": "Not a valid choice."}),
        ({"application_id": str(world.foreign["applications"])}, {"application_id": nope}),
        ({"interviewers": [gone_key]}, {"interviewers": nope}),
        ({"interviewers": [stranger]}, {"interviewers": nope}),
        ({"shadows": [stranger]}, {"shadows": nope}),
        ({"shadows": [bob], "template_id": solo, "interviewers": [alice, bob]},
         {"shadows": "Among the interviewers already: Bob Baker."}),
        ({"template_id": idle}, {"template_id": nope}),
        ({"template_id": str(world.foreign["interview-templates"])}, {"template_id": nope}),
        ({"template_id": "x"}, {"template_id": nope}),
        ({"template_id": key, "interview_type": "phone"},
         {"template_id": "“Ward round <b>” is for interviews of type technical; this one is phone."}),
        ({"template_id": key, "interviewers": [alice], "shadows": [bob]},
         {"interviewers": "“Ward round <b>” needs 2 interviewers; shadows do not count."}),
        ({"template_id": solo}, {"interviewers": "“Alone” takes one interviewer only; others may be shadows."}),
    ]  # fmt: skip
    answers = [client.submit("/interviews/new", interview(world, location="Room 7", **more)) for more, _ in table]
    found = [
        {name: unescape(said) for name, said in errors(answer).items() if name in told}
        for answer, (_, told) in zip(answers, table, strict=True)
    ]
    assert found == [told for _, told in table]
    assert {a.status_code for a in answers} == {422}
    assert all('value="Room 7"' in a.get_data(as_text=True) for a in answers)
    with behind(app, cast.alice):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Interview)) == 1


def test_the_form_shows_what_a_template_will_fill_and_never_a_foreign_one(
    make_client: Any, cast: Cast, world: World
) -> None:
    client = make_client(cast.alice)
    told = client.get(f"/interview-templates/{make(client)}/fills").json
    assert told["title"] == "Ward round <b>"
    assert told["interview_guide"].startswith("Be kind.\n\nQuestions\n\n1. Why <i>nursing</i>? (Motivation, weight 10)")
    keys = (world.foreign["interview-templates"], uuid4())
    assert [client.get(f"/interview-templates/{key}/fills").status_code for key in keys] == [404, 404]


def test_a_recruiter_who_may_choose_a_template_sees_what_it_fills(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    key = make(make_client(cast.alice))
    with behind(app, cast.alice):
        recruiter, interviewer = colleague("Recruiter").get_id(), colleague("Interviewer").get_id()
    clients = [make_client(type("Who", (), {"get_id": lambda self, k=k: k})()) for k in (recruiter, interviewer)]
    assert [client.get(f"/interview-templates/{key}/fills").status_code for client in clients] == [200, 403]
    keys = (world.foreign["interview-templates"], uuid4())
    assert [clients[0].get(f"/interview-templates/{key}/fills").status_code for key in keys] == [404, 404]
