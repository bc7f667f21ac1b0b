"""Working hours as people write them, and who may write whose."""

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db, new_id
from portal.core.tenancy import everywhere, tenant_scope
from portal.people.models import Tenant, User
from portal.scheduling.hours import DayHours
from portal.scheduling.models import Engagement, SubjectType, WorkingHours
from tests.support.cast import Cast, Person, make_person
from tests.support.clock import MONDAY, Clock

HOUR = timedelta(hours=1)
WRITTEN = {
    "9-17": "09:00-17:00",
    "09:00 – 12:30; 13.30 to 17:00": "09:00-12:30, 13:30-17:00",
    "22:00-24:00, 0-6": "00:00-06:00, 22:00-24:00",
    "9-12, 12-13": "09:00-12:00, 12:00-13:00",
    " , ": "",
}
REFUSED = {
    "nine to five": "Write hours such as 09:00-12:30, 13:30-17:00; “nine to five” is not.",
    "10-9": "“10-9” ends before it starts.",
    "9-12, 11-13": "These hours overlap each other.",
    "9-25": "There is no time 25:00.",
    "24-24": "There is no time 24:00.",
}


def test_hours_are_kept_in_one_way_of_writing() -> None:
    assert {text: DayHours.clean(text) for text in WRITTEN} == WRITTEN


@pytest.mark.parametrize("text", REFUSED)
def test_what_are_no_hours_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(REFUSED[text])}$"):
        DayHours.clean(text)


WEEK = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "09:00-17:00")


@pytest.fixture
def staff(app: Flask, cast: Cast) -> dict[str, Person]:
    with app.app_context(), everywhere(db.session):
        tenant = db.session.get(Tenant, cast.alice.tenant_id)
        assert tenant is not None
        made = {role: make_person(tenant, f"{role}@x.example", role, role) for role in ("HR", "Interviewer", "CRE")}
        db.session.commit()
    return made


def kept(app: Flask, person: Person) -> list[Any]:
    """Whose hours there are, those of their Monday, and their limit of a day."""
    with app.app_context(), tenant_scope(person.tenant_id):
        query = sa.select(User.full_name, WorkingHours.monday, WorkingHours.max_per_day)
        return [tuple(row) for row in db.session.execute(query.join(User, User.id == WorkingHours.user_id))]


def test_an_interviewer_comes_to_their_own_hours_in_one_click_and_keeps_them(
    app: Flask, make_client: Any, staff: dict[str, Person]
) -> None:
    client = make_client(staff["Interviewer"])
    assert 'href="/scheduling/mine"' in client.get("/").get_data(as_text=True)
    new = client.get("/scheduling/mine", follow_redirects=True)
    assert (new.status_code, new.request.path) == (200, "/working-hours/new")
    assert 'name="monday" type="text" value="09:00-17:00"' in new.get_data(as_text=True)
    made = client.submit("/working-hours/new", {**WEEK, "monday": "9-12", "max_per_day": "3"})
    assert made.status_code == 302
    assert kept(app, staff["Interviewer"]) == [("Interviewer", "09:00-12:00", 3)]
    assert client.get("/scheduling/mine").headers["Location"] == made.headers["Location"]


def test_nobody_but_hr_writes_the_hours_of_others(
    app: Flask, make_client: Any, staff: dict[str, Person], cast: Cast
) -> None:
    for_bob = {**WEEK, "user_id": str(cast.bob.id)}
    mine = make_client(staff["Interviewer"])
    mine.submit("/working-hours/new", for_bob)  # the field is not theirs: the row is their own
    assert kept(app, cast.alice) == [("Interviewer", "09:00-17:00", None)]
    hr = make_client(staff["HR"])
    made = hr.submit("/working-hours/new", for_bob)
    assert sorted(name for name, *_ in kept(app, cast.alice)) == ["Bob Baker", "Interviewer"]
    theirs = made.headers["Location"]
    assert [mine.get(theirs).status_code, mine.submit(f"{theirs}/edit", WEEK).status_code] == [404, 404]
    assert make_client(staff["CRE"]).get("/scheduling/mine").status_code == 403


def test_what_is_wrong_stands_beside_its_field(make_client: Any, cast: Cast) -> None:
    client = make_client(cast.alice)
    assert client.submit("/working-hours/new", WEEK).status_code == 302
    answer = client.submit("/working-hours/new", {**WEEK, "monday": "9-8", "max_per_week": "0"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "“9-8” ends before it starts." in page
    assert 'value="9-8"' in page
    again = client.submit("/working-hours/new", {**WEEK, "max_per_week": "0"}).get_data(as_text=True)
    assert "At least 1; leave it empty for no limit." in again
    twice = client.submit("/working-hours/new", WEEK).get_data(as_text=True)
    assert "This person has working hours already; change those." in twice


def engage(person: Person, *hours: int, reason: str = "") -> None:
    """The person is engaged for an hour from each of ``hours`` after Monday, nine o'clock."""
    for number in hours:
        start = MONDAY.replace(hour=0) + number * HOUR
        db.session.add(
            Engagement(subject_type=SubjectType.INTERVIEW, subject_id=new_id(), person_id=person.id,
                       user_id=person.id, start=start, end=start + HOUR, overrule_reason=reason)
        )  # fmt: skip
    db.session.flush()


def test_saving_hours_leads_to_what_they_leave_outside(app: Flask, make_client: Any, cast: Cast, clock: Clock) -> None:
    with app.app_context(), tenant_scope(cast.bob.tenant_id, db.session()):
        engage(cast.bob, 34, 41, 58)  # Tuesday at ten and at five, Wednesday at ten
        engage(cast.alice, 41)
        db.session.commit()
    client = make_client(cast.alice)
    made = client.submit("/working-hours/new", {**WEEK, "user_id": str(cast.bob.id), "wednesday": ""})
    page = client.get(made.headers["Location"]).get_data(as_text=True)
    assert "2 engagements are left outside; see below." in page
    assert "Outside working hours, 09:00-17:00 on Tuesdays: Tue 3 Mar, 17:00 to 18:00 (UTC, UTC+00:00)." in page
    assert "Outside working hours, none on Wednesdays: Wed 4 Mar, 10:00 to 11:00 (UTC, UTC+00:00)." in page
    assert page.count('<td class="c-datetime">') == 2


def test_the_first_fifty_are_listed_with_their_number(app: Flask, make_client: Any, cast: Cast, clock: Clock) -> None:
    with app.app_context(), tenant_scope(cast.bob.tenant_id, db.session()):
        engage(cast.bob, *(24 * day + 34 for day in range(60)))
        engage(cast.bob, 1)  # over by now
        db.session.commit()
    client = make_client(cast.alice)
    made = client.submit("/working-hours/new", dict.fromkeys(WEEK, "") | {"user_id": str(cast.bob.id)})
    page = client.get(made.headers["Location"]).get_data(as_text=True)
    assert "60 engagements are left outside; see below." in page
    assert "Left outside (the first 50 of 60)" in page
    assert page.count('<td class="c-datetime">') == 50
