"""What comes first: on the home what asks something of its reader, in a grid of days ahead the nearest."""

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.admin import home
from portal.core import clock as wall_clock
from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.feedback.models import InterviewFeedback
from portal.interviews.models import Interview
from portal.messaging.models import Delivery, DeliveryStatus
from tests.support.cast import Cast
from tests.support.hiring import at_work, make_application, make_interview
from tests.support.world import populate


def test_the_home_begins_with_what_asks_something_and_ends_with_overviews(
    app: Flask, make_client: Any, cast: Cast, clock: Any
) -> None:
    populate(app, cast)
    cards = re.findall(r'<h2 id="card-\d+">(?:<a[^>]*>)?([^<]+)', make_client(cast.alice).get("/").text)
    first = ["To confirm within 48 hours", "Over, but still open"]
    assert [cards.index(title) < cards.index("Today") for title in first] == [True, True]
    assert cards.index("Today") < cards.index("Applications by status") < cards.index("Outside working hours")


@pytest.mark.parametrize(
    ("full_name", "greeted"),
    [("Ada Love", "Ada"), ("Dr Ewa Malinowska", "Ewa"), ("Prof. Dr. Ann Lee", "Ann"), ("Dr", "Dr")],
)
def test_one_is_greeted_by_name_and_not_by_title(full_name: str, greeted: str) -> None:
    assert home._first_name(full_name) == greeted


def test_days_ahead_are_shown_nearest_first_unless_another_sort_is_asked_for(
    app: Flask, make_client: Any, cast: Cast, clock: Any
) -> None:
    with app.app_context(), at_work(cast.alice):
        for days in (3, 1, 2):
            start = wall_clock.now() + timedelta(days=days)
            make_interview(make_application("approved"), title=f"In {days}", scheduled_start=start,
                           scheduled_end=start + timedelta(hours=1))  # fmt: skip
        db.session.commit()
    client = make_client(cast.alice)
    shown = {
        query: re.findall(r"In \d", client.get(f"/interviews/export.csv?cols=title{query}").text)
        for query in ("", "&when=next_7_days", "&when=next_7_days&sort=-scheduled_start", "&when_from=2000-01-01")
    }
    latest, nearest = ["In 3", "In 2", "In 1"], ["In 1", "In 2", "In 3"]
    assert list(shown.values()) == [latest, nearest, latest, latest]
    page = client.get("/interviews/?when=next_7_days").text
    assert 'aria-sort="ascending"' in page
    assert 'name="sort"' not in page  # it follows the days, and goes when they go


def test_the_menu_counts_what_waits_in_ones_own_organisation_and_for_oneself(
    app: Flask, make_client: Any, cast: Cast, clock: Any
) -> None:
    populate(app, cast)  # a message and owed feedback in each organisation
    with app.app_context(), everywhere(db.session):
        db.session.execute(sa.update(Delivery).values(status=DeliveryStatus.DEAD))
        db.session.execute(sa.update(InterviewFeedback).values(submitted_at=None, recommendation=None))
        db.session.execute(sa.update(Interview).values(status="completed"))
        db.session.commit()
    counted = {person.email: _menu_counts(make_client(person)) for person in (cast.alice, cast.bob)}
    assert counted == {cast.alice.email: {"Feedback": "1", "Messages": "1"}, cast.bob.email: {"Messages": "1"}}


def _menu_counts(client: Any) -> dict[str, str]:
    return dict(re.findall(r'<span>([^<]+)</span><span class="nav-count">(\d+)<', client.get("/").text))
