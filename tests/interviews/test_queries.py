"""The selections that people ask for again and again: what is in them, and which index serves them."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from portal.admin.query import Query, fetch_page
from portal.core.db import db
from portal.interviews import queries
from portal.interviews.admin import INTERVIEWS
from portal.interviews.models import Interview, InterviewStatus, Panelist
from portal.people.models import User
from tests.support.clock import MONDAY
from tests.support.hiring import colleague, make_application, make_interview

HOUR = timedelta(hours=1)


@pytest.fixture
def titles(alice: User) -> Any:
    """Interviews in every state, at several hours around now; answers which of them a selection finds."""
    application = make_application("interview_scheduled")
    starts = {"yesterday": -20, "earlier": -3, "soon": 4, "tonight": 14, "tomorrow": 20, "later": 60}
    names = {
        make_interview(application, status, start=MONDAY + hours * HOUR, title=f"{when} {status}").id:
            f"{when} {status}"
        for when, hours in starts.items()
        for status in InterviewStatus
    }  # fmt: skip
    return lambda query: [names[key] for key in db.session.scalars(query)]


def told(when: str, *states: str) -> list[str]:
    return [f"{each} {state}" for each in when.split() for state in states]


AHEAD = ("scheduled", "confirmed", "rescheduled")
OPEN = ("scheduled", "confirmed", "in_progress", "rescheduled")


def test_upcoming_is_what_is_still_to_begin(titles: Any) -> None:
    assert sorted(titles(queries.upcoming(MONDAY))) == sorted(told("soon tonight tomorrow later", *AHEAD))


def test_today_is_the_day_of_the_readers_zone(titles: Any) -> None:
    not_cancelled = [status for status in InterviewStatus if status != "cancelled"]
    assert sorted(titles(queries.today(MONDAY, "Europe/London"))) == sorted(
        told("earlier soon tonight", *not_cancelled)
    )  # fmt: skip
    # In Auckland it is Monday evening already: the day began at eleven in the morning, of Sunday in London.
    assert sorted(titles(queries.today(MONDAY, "Pacific/Auckland"))) == sorted(
        told("yesterday earlier", *not_cancelled)
    )  # fmt: skip


def test_unconfirmed_begins_within_two_days(titles: Any) -> None:
    assert sorted(titles(queries.unconfirmed(MONDAY))) == sorted(
        told("soon tonight tomorrow", "scheduled", "rescheduled")
    )


def test_left_open_is_over_by_the_clock(titles: Any) -> None:
    assert titles(queries.left_open(MONDAY))[0].startswith("earlier")
    assert sorted(titles(queries.left_open(MONDAY))) == sorted(told("yesterday earlier", *OPEN))


def test_an_interviewers_are_those_on_whose_panel_they_sit(alice: User) -> None:
    mine, other = colleague("Interviewer"), colleague("Interviewer")
    application = make_application("interview_scheduled")
    rows = [
        make_interview(application, status, panel=panel, start=MONDAY + hours * HOUR)
        for status, panel, hours in (
            ("completed", [mine], -30), ("confirmed", [other, mine], 3), ("scheduled", [other], 5),
            ("scheduled", [mine], 24 * 60),
        )
    ]  # fmt: skip
    found = db.session.scalars(queries.for_interviewer(mine.id)).all()
    assert found == [rows[0].id, rows[1].id, rows[3].id]
    assert db.session.scalars(queries.to_come_for(mine.id, MONDAY)).all() == [rows[1].id]


def test_a_seat_moves_with_its_interview_whoever_moves_it(alice: User) -> None:
    mine = colleague("Interviewer")
    first, second = (make_interview(panel=[mine], start=MONDAY + hours * HOUR) for hours in (3, 5))
    db.session.execute(sa.update(Interview).where(Interview.id == first.id).values(
        scheduled_start=MONDAY + 7 * HOUR, scheduled_end=MONDAY + 8 * HOUR
    ))  # fmt: skip
    starts = sa.select(Panelist.interview_id, Panelist.scheduled_start).order_by(Panelist.scheduled_start)
    seats = [(second.id, MONDAY + 5 * HOUR), (first.id, MONDAY + 7 * HOUR)]
    assert [tuple(each) for each in db.session.execute(starts)] == seats
    assert db.session.scalars(queries.to_come_for(mine.id, MONDAY)).all() == [second.id, first.id]


def test_a_page_of_one_interviewers_interviews_counts_theirs_alone(alice: User) -> None:
    mine, other = colleague("Interviewer"), colleague("Interviewer")
    application = make_application("interview_scheduled")
    for number in range(23):
        make_interview(
            application, panel=[mine, other][: 1 + number % 2], start=MONDAY + number * HOUR,
            audience="internal" if number == 3 else "client",
        )  # fmt: skip
    narrowings: dict[str, tuple[str, User]] = {
        "one": (f"interviewer={mine.id}", alice),
        "other": (f"interviewer={other.id}", alice),
        "and a filter": (f"interviewer={mine.id}&audience=client", alice),
        "and words": (f"interviewer={mine.id}&q=nothing", alice),
        "either": (f"interviewer={mine.id}&interviewer={other.id}", alice),
        "for one who sees theirs": (f"interviewer={mine.id}", other),
    }
    totals = {name: total(query, user) for name, (query, user) in narrowings.items()}
    assert totals == {"one": 23, "other": 11, "and a filter": 22, "and words": 0, "either": 23,
                      "for one who sees theirs": 11}  # fmt: skip


def total(query: str, user: User) -> int:
    asked = Query.parse(INTERVIEWS, MultiDict(parse_qsl(f"{query}&size=20&page=2")), user, MONDAY)
    return fetch_page(db.session, asked).total


@pytest.mark.database("postgresql")
def test_each_is_served_by_its_index(alice: User) -> None:
    wanted = {
        "upcoming": (queries.upcoming(MONDAY), "ix_interviews_open"),
        "today": (queries.today(MONDAY, "Europe/London"), "ix_interviews_start"),
        "unconfirmed": (queries.unconfirmed(MONDAY), "ix_interviews_open"),
        "left_open": (queries.left_open(MONDAY), "ix_interviews_open"),
        "for_interviewer": (queries.for_interviewer(alice.id), "ix_panelists_user"),
        "to_come_for": (queries.to_come_for(alice.id, MONDAY), "ix_panelists_user"),
        "awaiting_reply": (queries.awaiting_reply(alice.id, MONDAY), "ix_panelists_user"),
    }
    # In a table of a few rows everything is near: what counts is which index could give them in order.
    for way in ("seqscan", "bitmapscan", "sort"):
        db.session.execute(sa.text(f"SET LOCAL enable_{way} = off"))
    plans = {name: plan(query) for name, (query, _) in wanted.items()}
    assert {name: index for name, (_, index) in wanted.items() if index not in plans[name]} == {}, plans


def plan(query: sa.Select[Any]) -> str:
    text = query.compile(db.engine, compile_kwargs={"literal_binds": True})
    return "\n".join(db.session.scalars(sa.text(f"EXPLAIN {text}".replace(":", r"\:"))))
