"""What feedback adds up to: means, spread, recommendations, criteria; and who still owes theirs."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from portal.core.db import db
from portal.feedback import queries
from portal.feedback.queries import WAITS, Spread, Summary
from portal.interviews.models import Interview, Panelist
from tests.feedback.conftest import CRITERIA, Stage


def _summary(stage: Stage, interview: UUID) -> Summary:
    with stage.at_work() as alice:
        return queries.summary(db.session, db.session.get_one(Interview, (alice.tenant_id, interview)), alice)


def test_it_counts_what_was_submitted_and_nothing_of_shadows_and_drafts(stage: Stage) -> None:
    key = stage.interview("Ivy", "Owen", "Uma", "Vic", template={"scorecard_criteria": CRITERIA})
    stage.give("Ivy", key, overall_rating=5, technical_skills=4, custom_ratings={"Depth": 10, "Care": 3})
    stage.give("Owen", key, overall_rating=2, recommendation="no", custom_ratings={"Depth": 5})
    stage.give("Uma", key, overall_rating=1, recommendation="strong_no", custom_ratings={"Depth": 1})
    stage.give("Vic", key, submit=False, overall_rating=1)
    with stage.at_work():
        mine = (Panelist.interview_id == key, Panelist.user_id == stage.person("Uma").id)
        db.session.execute(sa.update(Panelist).where(*mine).values(part="shadow"))
    assert _summary(stage, key) == Summary(
        given=2,
        owing=("Vic",),
        ratings={"overall_rating": Spread(2, 3.5, 2, 5, 1.5), "technical_skills": Spread(1, 4.0, 4, 4, 0.0)},
        recommendations={"yes": 1, "no": 1},
        criteria={"Depth": Spread(2, 7.5, 5, 10, 2.5), "Care": Spread(1, 3.0, 3, 3, 0.0)},
    )


def test_who_has_left_the_panel_is_heard_all_the_same(stage: Stage) -> None:
    key = stage.interview("Ivy", "Owen")
    stage.give("Ivy", key, overall_rating=1, recommendation="strong_no")
    with stage.at_work():
        db.session.execute(sa.delete(Panelist).where(Panelist.user_id == stage.person("Ivy").id))
    told = _summary(stage, key)
    assert (told.given, told.owing, told.recommendations) == (1, ("Owen",), {"strong_no": 1})


def test_figures_wait_where_the_template_says_so(stage: Stage) -> None:
    key = stage.interview("Ivy", "Owen", shadows=("Sam",), template={"requires_feedback_before_discussion": True})
    stage.give("Ivy", key)
    assert _summary(stage, key) == Summary(1, ("Owen",), WAITS)
    stage.give("Owen", key)
    told = _summary(stage, key)
    assert (told.given, told.owing, told.hidden, told.recommendations) == (2, (), "", {"yes": 2})


def test_all_is_submitted_when_everybody_but_the_shadows_has(stage: Stage) -> None:
    key, nobodys = stage.interview("Ivy", "Owen", shadows=("Sam",)), stage.interview(shadows=("Sam",), ago=30)

    def said() -> list[Any]:
        with stage.at_work() as alice:
            rows = [db.session.get_one(Interview, (alice.tenant_id, each)) for each in (key, nobodys)]
            return [row.all_feedback_submitted for row in rows]  # type: ignore[attr-defined]

    found = [said()]
    for name, submit in (("Ivy", True), ("Owen", False), ("Owen", True)):
        stage.give(name, key, submit=submit)
        found.append(said())
    assert found == [[False, False], [False, False], [False, False], [True, False]]


def test_many_summaries_cost_as_much_as_one(stage: Stage) -> None:
    keys = [stage.interview("Ivy", "Owen", ago=10 + hours) for hours in range(12)]
    for key in keys:
        stage.give("Ivy", key)

    def statements(which: list[UUID]) -> int:
        count = []
        with stage.at_work() as alice:
            _ = alice.grants
            engine = db.engine
            event.listen(engine, "before_cursor_execute", tick := lambda *args: count.append(1))
            told = queries.summaries(db.session, which, alice)
            event.remove(engine, "before_cursor_execute", tick)
        assert {key: (each.given, each.owing) for key, each in told.items()} == dict.fromkeys(which, (1, ("Owen",)))
        return len(count)

    assert (statements(keys[:1]), statements(keys)) == (3, 3)


@pytest.mark.parametrize("rating", [(4,), (1, 5)])
def test_the_page_of_interview_and_application_tell_the_figures(stage: Stage, rating: tuple[int, ...]) -> None:
    key = stage.interview(*("Ivy", "Owen")[: len(rating)])
    for name, value in zip(("Ivy", "Owen"), rating, strict=False):
        stage.give(name, key, overall_rating=value)
    with stage.at_work() as alice:
        application = db.session.get_one(Interview, (alice.tenant_id, key)).application_id
    client = stage.make_client(stage.cast.alice)
    page = client.get(f"/interviews/{key}").get_data(as_text=True).split("Feedback in figures", 1)[1]
    row = page.split("Overall rating")[1].split("</tr>")[0]
    wanted = {1: ("4.0 of 5", ">4<", "0.00"), 2: ("3.0 of 5", "1–5", "2.00")}[len(rating)]
    assert [text in row for text in wanted] == [True, True, True]
    panel = client.get(f"/applications/{application}").get_data(as_text=True)
    assert f"{sum(rating) / len(rating):.1f} of 5" in panel
    assert f"{len(rating)} × yes" in panel
