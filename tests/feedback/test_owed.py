"""Who owes feedback, since when, and where they are told of it."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from portal.core.db import db
from portal.core.events import OutboxEvent
from portal.core.tenancy import everywhere
from portal.core.workflow import Change
from portal.feedback import queries
from portal.interviews.models import Interview, Panelist
from portal.interviews.workflow import INTERVIEW
from tests.feedback.conftest import Stage


def _owed(stage: Stage, name: str) -> set[UUID]:
    with stage.at_work():
        return set(db.session.scalars(queries.owed(stage.person(name).id)))


def _overdue(stage: Stage) -> set[tuple[UUID, UUID]]:
    with stage.at_work():
        return {(row.id, row.user_id) for row in db.session.execute(queries.overdue(stage.clock.now))}


def test_feedback_is_owed_from_completion_until_it_is_submitted(stage: Stage) -> None:
    key = stage.interview("Ivy", "Owen", shadows=("Sam",), status="in_progress", ago=1)
    told = [{name: _owed(stage, name) for name in ("Ivy", "Owen", "Sam")}]
    with stage.at_work() as alice:
        row = db.session.get_one(Interview, (alice.tenant_id, key))
        INTERVIEW.move(db.session, row, "complete", Change(stage.clock.now, alice))
    told.append({name: _owed(stage, name) for name in ("Ivy", "Owen", "Sam")})
    stage.give("Ivy", key, submit=False)
    stage.give("Owen", key)
    told.append({name: _owed(stage, name) for name in ("Ivy", "Owen", "Sam")})
    none: set[UUID] = set()
    assert told == [
        {"Ivy": none, "Owen": none, "Sam": none},
        {"Ivy": {key}, "Owen": {key}, "Sam": none},
        {"Ivy": {key}, "Owen": none, "Sam": none},
    ]


def test_it_is_overdue_a_day_after_the_interview_ended(stage: Stage) -> None:
    key, other = stage.interview("Ivy", shadows=("Sam",), ago=25), stage.interview("Owen", ago=24)
    ivy, owen = (stage.person(name).id for name in ("Ivy", "Owen"))
    assert _overdue(stage) == set()  # each lasted an hour
    stage.clock.forward(seconds=1)
    assert _overdue(stage) == {(key, ivy)}
    stage.clock.forward(hours=1)
    assert _overdue(stage) == {(key, ivy), (other, owen)}
    stage.give("Ivy", key)
    assert _overdue(stage) == {(other, owen)}


def test_the_menu_counts_it_and_the_home_lists_it(stage: Stage) -> None:
    first, second = stage.interview("Ivy", ago=2), stage.interview("Ivy", ago=5)
    client = stage.client("Ivy")

    def seen() -> tuple[str, list[bool]]:
        home = client.get("/").get_data(as_text=True)
        item = home.split('href="/feedback/"')[1].split("</a>")[0]
        count = item.split('nav-count">')[1].split("<")[0] if "nav-count" in item else ""
        return count, [f"/interviews/{key}/feedback" in home for key in (first, second)]

    found = [seen()]
    stage.give("Ivy", first)
    found.append(seen())
    stage.give("Ivy", second)
    found.append(seen())
    assert found == [("2", [True, True]), ("1", [False, True]), ("", [False, False])]
    assert "You owe no feedback." in client.get("/").get_data(as_text=True)
    assert "Feedback I owe" not in stage.make_client(stage.person("Cora", "Interview Coordinator")).get("/").text


def test_no_feedback_is_missing_before_the_start_or_of_what_was_called_off(stage: Stage) -> None:
    keys = {
        "ahead": stage.interview("Ivy", status="scheduled", ago=-24),
        "going on": stage.interview("Ivy", status="in_progress", ago=0.5),
        "done": stage.interview("Ivy", ago=30),
        "cancelled": stage.interview("Ivy", status="cancelled", ago=50),
        "no-show": stage.interview("Ivy", status="no_show", ago=70),
    }
    client = stage.client("Ivy")
    pages = {name: client.get(f"/interviews/{key}").text for name, key in keys.items()}
    assert [name for name, page in pages.items() if "Still missing" in page] == ["going on", "done"]
    first = {name: page.index("Give feedback") < page.index('aria-label="Facts"') for name, page in pages.items()
             if "Give feedback" in page}  # fmt: skip
    assert first == {"going on": False, "done": True}  # once it is owed it stands first


def test_the_form_shows_no_question_twice(stage: Stage) -> None:
    asked = {"questions": [{"question": "Why <here>?"}, {"question": "What else?"}], "instructions": "Be kind"}
    guided = stage.interview("Ivy", template=asked, interview_guide="Be kind\n1. Why &lt;here&gt;?")
    bare = stage.interview("Ivy", template=asked, ago=30)
    client = stage.client("Ivy")
    told = ("Why &lt;here&gt;?", "What else?", "Be kind")
    counts = [[client.get(f"/interviews/{key}/feedback").text.count(text) for text in told] for key in (guided, bare)]
    assert counts == [[1, 1, 1], [1, 1, 1]]


def test_completing_asks_each_interviewer_once_whatever_the_number(stage: Stage) -> None:
    keys = [stage.interview("Ivy", "Owen", shadows=("Sam",), status="in_progress", ago=n + 2) for n in range(20)]
    stage.give("Owen", keys[0])
    stage.give("Ivy", keys[1], submit=False)

    def complete(which: list[UUID]) -> int:
        count: list[int] = []
        with stage.at_work() as alice:
            _ = alice.grants
            engine = db.engine
            event.listen(engine, "before_cursor_execute", tick := lambda *args: count.append(1))
            INTERVIEW.apply(db.session, which, "complete", Change(stage.clock.now, alice))
            event.remove(engine, "before_cursor_execute", tick)
        return len(count)

    few, many = complete(keys[:2]), complete(keys[2:])
    assert few == many
    with stage.at_work():
        query = sa.select(OutboxEvent.subject_id, OutboxEvent.payload).where(OutboxEvent.name == "FeedbackRequested")
        asked = sorted((key, payload["user"]) for key, payload in db.session.execute(query))
    ivy, owen = (str(stage.person(name).id) for name in ("Ivy", "Owen"))
    assert asked == sorted([(key, ivy) for key in keys] + [(key, owen) for key in keys[1:]])


def test_a_completion_says_before_who_will_be_asked(stage: Stage) -> None:
    key = stage.interview("Ivy", "Owen", status="in_progress", ago=1)
    page = stage.make_client(stage.cast.alice).get(f"/interviews/{key}/move/complete").get_data(as_text=True)
    assert "2 interviewers are asked for feedback by e-mail." in page


def _fill(stage: Stage, interview: UUID) -> None:
    """Three thousand cancelled interviews with a panel like this one's, so that the planner has something to choose."""
    columns = ", ".join(c.name for c in Interview.__table__.c if c.name not in ("id", "status", "cancelled_at"))
    with stage.app.app_context(), everywhere():
        for statement in (
            f"INSERT INTO interviews (id, status, cancelled_at, {columns}) SELECT gen_random_uuid(), 'cancelled', "
            f"now(), {columns} FROM interviews, generate_series(1, 3000) WHERE id = '{interview}'",
            "INSERT INTO panelists (tenant_id, id, interview_id, scheduled_start, user_id, part, reply, created_at) "
            "SELECT i.tenant_id, gen_random_uuid(), i.id, i.scheduled_start, p.user_id, p.part, p.reply, p.created_at "
            "FROM interviews i, panelists p "
            f"WHERE i.status = 'cancelled' AND p.interview_id = '{interview}'",
            "ANALYZE interviews, panelists, interview_feedback",
        ):
            db.session.execute(sa.text(statement))
        db.session.commit()


def _plan(stage: Stage, statement: Any) -> str:
    with stage.app.app_context(), everywhere():
        db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        sql = statement.compile(db.engine, compile_kwargs={"literal_binds": True})
        return "\n".join(db.session.scalars(sa.text(f"EXPLAIN {sql}".replace(":", "\\:"))))


@pytest.mark.database("postgresql")
def test_each_is_served_by_an_index(stage: Stage) -> None:
    key = stage.interview("Owen")
    _fill(stage, key)
    tenant, user = stage.cast.alice.tenant_id, stage.person("Ivy").id
    owed = queries.owed(user).where(Panelist.tenant_id == tenant)
    overdue = queries.overdue(stage.clock.now).where(Interview.tenant_id == tenant)
    plans = {"owed": _plan(stage, owed), "overdue": _plan(stage, overdue)}
    theirs = "uq_interview_feedback_tenant_id_interview_id_interviewer_id"
    used = {"owed": ("ix_panelists_user", theirs), "overdue": ("ix_interviews_status", theirs)}
    missing = {name: [index for index in indexes if index not in plans[name]] for name, indexes in used.items()}
    assert missing == {"owed": [], "overdue": []}, "\n\n".join(plans.values())
    assert not any("Seq Scan" in plan for plan in plans.values()), plans
