"""The box of free times beside the forms of interviews, and what a save outside hours says."""

import re
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.tenancy import everywhere, tenant_scope
from portal.people.models import Tenant, User
from portal.scheduling.models import Engagement, SubjectType
from tests.scheduling.makers import at, away, engage, hours
from tests.support.cast import Cast, make_person
from tests.support.clock import Clock
from tests.support.hiring import at_work, colleague, make_application, make_candidate, make_interview

WEEK = ["09:00-12:00"] * 5


@pytest.fixture
def office(app: Flask, cast: Cast, clock: Clock) -> dict[str, UUID]:
    """Bob works in the morning and sits on Jane's panel on Wednesday at nine; Jane has another application."""
    with app.app_context(), at_work(cast.alice) as alice:
        bob = db.session.get_one(User, (cast.bob.tenant_id, cast.bob.id))
        hours(bob, *WEEK)
        jane = make_candidate("Jane <b>Doe</b>", timezone="Asia/Tokyo")
        mine = make_application("approved", candidate=jane)
        row = make_interview(
            make_application("interview_scheduled", candidate=jane), panel=[bob], timezone="UTC", title="Round 1"
        )
        for person in ({"user_id": bob.id, "person_id": bob.id}, {"candidate_id": jane.id, "person_id": jane.id}):
            db.session.add(
                Engagement(subject_type=SubjectType.INTERVIEW, subject_id=row.id, start=row.scheduled_start,
                           end=row.scheduled_end, **person)
            )  # fmt: skip
        keys = {"application": mine.id, "interview": row.id, "bob": bob.id, "alice": alice.id}
        db.session.commit()
    return keys


def box(client: Any, **given: Any) -> tuple[int, list[str], list[str], str]:
    """The status, the warnings, the days with their windows, and the whole answer of the box."""
    answer = client.get("/scheduling/free?" + urlencode(given, doseq=True))
    page = answer.get_data(as_text=True)
    warnings = re.findall(r'class="warning">.*?<span dir="auto">(.*?)</span>', page)
    days = re.findall(r'<summary><b>(.*?)</b> <span class="soft">(.*?) <span class="nowrap">(.*?)</span>', page)
    return answer.status_code, warnings, [" ".join(day) for day in days], page


def test_the_box_shows_the_common_times_by_day_on_the_clock_of_the_form(
    make_client: Any, cast: Cast, office: dict[str, UUID]
) -> None:
    given = {"user": office["bob"], "application": office["application"], "timezone": "Europe/Berlin"}
    code, warnings, days, page = box(make_client(cast.alice), **given)
    assert (code, warnings) == (200, [])
    assert days == [
        "Mon 2 Mar 10:00–13:00 UTC+01:00", "Tue 3 Mar 10:00–13:00 UTC+01:00", "Wed 4 Mar 11:00–13:00 UTC+01:00",
        "Thu 5 Mar 10:00–13:00 UTC+01:00", "Fri 6 Mar 10:00–13:00 UTC+01:00", "Mon 9 Mar 10:00–13:00 UTC+01:00",
        "Tue 10 Mar 10:00–13:00 UTC+01:00", "Wed 11 Mar 10:00–13:00 UTC+01:00", "Thu 12 Mar 10:00–13:00 UTC+01:00",
        "Fri 13 Mar 10:00–13:00 UTC+01:00",
    ]  # fmt: skip
    first = page.split("<li>")[1].split("</li>")[0]
    assert 'data-fill-scheduled_start="2026-03-02T10:00" data-fill-scheduled_end="2026-03-02T11:00"' in first
    assert "for the candidate </span>18:00" in first
    assert "Jane &lt;b&gt;Doe&lt;/b&gt;" in page


def test_the_length_that_is_typed_is_the_length_that_is_found(
    make_client: Any, cast: Cast, office: dict[str, UUID]
) -> None:
    given = {"user": office["bob"], "start": "2026-03-05T09:00", "timezone": "UTC"}
    client = make_client(cast.alice)
    told = {}
    for end in ("2026-03-05T12:00", "2026-03-05T12:01", "2026-03-05T09:00", "2026-03-07T09:00", "later"):
        page = box(client, **given, end=end)[3]
        told[end] = (page.count("<details"), "60 minutes that all have free" in page)
    assert told == {"2026-03-05T12:00": (9, False), "2026-03-05T12:01": (0, False), "2026-03-05T09:00": (10, True),
                    "2026-03-07T09:00": (10, True), "later": (10, True)}  # fmt: skip


def test_as_long_as_nothing_is_chosen_the_length_is_the_templates(
    make_client: Any, cast: Cast, office: dict[str, UUID]
) -> None:
    given, client = {"user": office["bob"], "timezone": "UTC"}, make_client(cast.alice)
    typed = {"start": "2026-03-05T09:00", "end": "2026-03-05T10:30"}
    asked: list[dict[str, str]] = [{"minutes": "45"}, {"minutes": "4"}, {"minutes": "9999"}, {"minutes": "½"}, {}]
    told = [
        re.findall(r"(\d+) minutes that all", box(client, **given, **more)[3])
        for more in [*asked, {"minutes": "45", **typed}]
    ]
    assert told == [["45"], ["60"], ["60"], ["60"], ["60"], ["90"]]


def test_the_box_warns_of_all_that_speaks_against_the_time_that_is_chosen(
    app: Flask, make_client: Any, cast: Cast, office: dict[str, UUID]
) -> None:
    with app.app_context(), tenant_scope(cast.bob.tenant_id, db.session()):
        away(cast.bob, "2026-03-04 08:00", "2026-03-04 09:30", kind="sick")
        db.session.commit()
    given = {"user": [office["bob"], office["alice"]], "start": "2026-03-04T08:30", "end": "2026-03-04T09:30"}
    _, warnings, *_ = box(make_client(cast.alice), **given, timezone="UTC")
    assert warnings == [
        "Bob Baker has “Round 1” from 4 Mar 2026, 09:00 to 10:00 (UTC, UTC+00:00).",
        "Bob Baker: outside working hours, 09:00-12:00 on Wednesdays: Wed 4 Mar, 08:30 to 09:30 (UTC, UTC+00:00); "
        "in time off, 4 Mar 2026, 08:00 to 09:30 (UTC, UTC+00:00).",
        "Alice Ardent: outside working hours, 09:00-17:00 on Wednesdays, as long as nobody has set them: "
        "Wed 4 Mar, 08:30 to 09:30 (UTC, UTC+00:00).",
    ]  # fmt: skip


def test_an_interview_does_not_stand_in_its_own_way(make_client: Any, cast: Cast, office: dict[str, UUID]) -> None:
    about = {"type": "interview", "subject": office["interview"]}
    times = {"start": "2026-03-04T09:00", "end": "2026-03-04T10:00"}
    client = make_client(cast.alice)
    moved = box(client, **about, **times)  # the panel and the candidate are the interview's own
    assert (moved[1], moved[2][2]) == ([], "Wed 4 Mar 09:00–12:00 UTC+00:00")
    emptied = box(client, **about, **times, user="")  # a form whose panel was emptied
    assert emptied[2][0] == "Mon 2 Mar 09:00–12:00, 22:00–24:00 UTC+00:00"  # all of the candidate's morning
    assert "Nobody has set" not in emptied[3]


def test_the_box_is_for_those_who_schedule_and_tells_nothing_of_what_they_may_not_see(
    app: Flask, make_client: Any, cast: Cast, office: dict[str, UUID]
) -> None:
    with app.app_context(), everywhere(db.session):
        tenant = db.session.get(Tenant, cast.alice.tenant_id)
        assert tenant is not None
        staff = {role: make_person(tenant, f"{role}@x.example", role, role) for role in ("Recruiter", "Interviewer")}
        db.session.commit()
    recruiter = make_client(staff["Recruiter"])
    assert box(make_client(staff["Interviewer"]), user=office["bob"])[0] == 403
    times = {"start": "2026-03-04T09:00", "end": "2026-03-04T10:00", "timezone": "UTC"}
    _, warnings, *_ = box(recruiter, user=office["bob"], **times)
    assert warnings == ["Bob Baker has another engagement from 4 Mar 2026, 09:00 to 10:00 (UTC, UTC+00:00)."]
    unknown: list[dict[str, Any]] = [
        {"user": uuid4()}, {"user": cast.charlie.id}, {"user": "x"}, {"application": uuid4()}, {"application": "1"},
        {"application": office["application"]},  # nobody's, so not the recruiter's
        {"type": "interview", "subject": office["interview"]}, {"type": "interview", "subject": uuid4()},
        {"type": "training_session", "subject": uuid4()}, {"subject": office["interview"]},
    ]  # fmt: skip
    answers = [recruiter.get("/scheduling/free?" + urlencode(given)) for given in unknown]
    bodies = {_plain(answer) for answer in answers}
    assert ([answer.status_code for answer in answers], len(bodies)) == ([404] * len(unknown), 1)
    foreign = make_client(cast.charlie)
    assert [box(foreign, user=office["bob"])[0], box(foreign, application=office["application"])[0]] == [404, 404]


def _plain(answer: Any) -> str:
    """An answer without what differs each time: the request's id, and the form's token."""
    page = answer.get_data(as_text=True).replace(answer.headers["X-Request-Id"], "")
    return re.sub(r'(name="csrf_token" value=")[^"]+', r"\1", page)


def test_odd_input_is_no_failure(make_client: Any, cast: Cast, office: dict[str, UUID]) -> None:
    client, odd = make_client(cast.alice), {"user": office["bob"]}
    given: list[dict[str, str]] = [
        {"timezone": "Mars/Base"}, {"candidate_timezone": "<script>"},
        {"start": "0001-01-01T00:00", "end": "9999-12-31T23:59"},
        {"start": "1901-01-01T09:00", "end": "1901-01-01T10:00"},
        {"start": "8999-12-31T09:00", "end": "8999-12-31T10:00"},
        {"start": "2026-03-29T02:30", "end": "2026-03-29T03:30", "timezone": "Europe/Berlin"}, {"type": "x"},
    ]  # fmt: skip
    assert [box(client, **odd, **more)[0] for more in given] == [200] * len(given)


def test_of_an_hour_that_the_clocks_show_twice_only_what_can_be_typed_is_offered(
    app: Flask, make_client: Any, cast: Cast, office: dict[str, UUID], clock: Clock
) -> None:
    with app.app_context(), tenant_scope(cast.alice.tenant_id, db.session()):
        hours(cast.alice, *["00:00-24:00"] * 7)
        db.session.commit()
    given = {"user": office["alice"], "timezone": "Europe/Berlin"}
    clock.set(clock.now.replace(month=10, day=25, hour=0))  # two o'clock in summer, an hour before it is two again
    page = box(make_client(cast.alice), **given, start="2026-10-25T05:00", end="2026-10-25T05:30")[3]
    day = page.split("</details>")[0]
    offered = re.findall(r'scheduled_start="2026-10-25T(0[0-4]:\d\d)"', day)
    assert offered == ["02:00", "03:00", "03:30", "04:00", "04:30"]


def test_the_box_costs_the_same_for_one_and_for_twelve(
    app: Flask, make_client: Any, cast: Cast, office: dict[str, UUID]
) -> None:
    with app.app_context(), at_work(cast.alice):
        others = [colleague("Interviewer") for _ in range(12)]
        for user in others:
            engage(user, "2026-03-04 09:00")
        keys = [user.id for user in others]
        db.session.commit()
    client, told = make_client(cast.alice), []
    for users in (keys[:1], keys):
        given = {"user": users, "application": office["application"], "start": "2026-03-04T09:00",
                 "end": "2026-03-04T10:00"}  # fmt: skip
        with app.app_context():
            engine = db.engine
        told.append(_statements(engine, lambda given=given: box(client, **given)))
    assert told[0] == told[1] <= 14


def _statements(engine: sa.Engine, ask: Any) -> int:
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        sent.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    return len(sent)


def test_the_box_stands_beside_the_three_forms(make_client: Any, cast: Cast, office: dict[str, UUID]) -> None:
    client, row = make_client(cast.alice), f"/interviews/{office['interview']}"
    told = {}
    for page in ("/interviews/new", f"{row}/edit", f"{row}/move/reschedule", f"{row}/move/cancel", "/candidates/new"):
        found = re.findall('data-live="(.*?)"', client.get(page).get_data(as_text=True))
        told[page.removeprefix(row)] = [url.replace(str(office["interview"]), "…") for url in found]
    about = "/scheduling/free?type=interview&amp;subject=…"
    assert told == {"/interviews/new": ["/scheduling/free"], "/edit": [about], "/move/reschedule": [about],
                    "/move/cancel": [], "/candidates/new": []}  # fmt: skip


LATE = {"scheduled_start": "2026-03-05T20:00", "scheduled_end": "2026-03-05T21:00", "timezone": "UTC"}
SAID = (
    "Saved, but Bob Baker: outside working hours, 09:00-12:00 on Thursdays: Thu 5 Mar, 20:00 to 21:00 "
    "(UTC, UTC+00:00). Jane &lt;b&gt;Doe&lt;/b&gt;: early or late for the candidate: Fri 6 Mar, 05:00 to 06:00 "
    "(Asia/Tokyo, UTC+09:00)."
)


def test_an_edit_says_so_only_where_people_or_times_changed(
    make_client: Any, cast: Cast, office: dict[str, UUID]
) -> None:
    client, row = make_client(cast.alice), f"/interviews/{office['interview']}"

    def edit(**given: str) -> str:
        page = client.get(f"{row}/edit").get_data(as_text=True)
        version = page.split('name="row_version"')[1].split('value="')[1].split('"')[0]
        kept = {"row_version": version, "interview_type": "video", "interviewers": str(office["bob"])}
        assert client.submit(f"{row}/edit", {**kept, **LATE, **given}).status_code == 302
        return str(client.get(row).get_data(as_text=True))

    assert SAID in edit(title="Round one")
    second = edit(title="Round two")
    assert "Round two" in second
    assert "Saved, but" not in second


def test_saving_outside_hours_is_possible_and_said(
    app: Flask, make_client: Any, cast: Cast, office: dict[str, UUID]
) -> None:
    client, row = make_client(cast.alice), f"/interviews/{office['interview']}"
    client.submit(f"{row}/move/reschedule", LATE)
    assert SAID in client.get(row).get_data(as_text=True)
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        taken = sa.select(Engagement.start).where(Engagement.subject_id == office["interview"])
        assert set(db.session.scalars(taken)) == {at("2026-03-05 20:00")}
    early = LATE | {"scheduled_start": "2026-03-06T09:00", "scheduled_end": "2026-03-06T10:00"}
    client.submit(f"{row}/move/reschedule", early)
    assert "Saved, but" not in client.get(row).get_data(as_text=True)
    new = {**LATE, "application_id": str(office["application"]), "interviewers": str(office["bob"]),
           "interview_type": "video", "audience": "client"}  # fmt: skip
    made = client.submit("/interviews/new", new)
    assert made.status_code == 302
    assert SAID in client.get(made.headers["Location"]).get_data(as_text=True)


# --- home -------------------------------------------------------------------------------------------


def test_hr_sees_overruled_clashes_and_what_lies_outside_hours(
    app: Flask, make_client: Any, cast: Cast, office: dict[str, UUID]
) -> None:
    client = make_client(cast.alice)
    plain = client.get("/").get_data(as_text=True)
    assert ("Overruled clashes ahead" in plain, "Outside working hours" in plain) == (False, True)
    assert "Of the next 7 days, nothing lies outside" in plain
    with app.app_context(), tenant_scope(cast.bob.tenant_id, db.session()):
        engage(cast.bob, "2026-03-05 20:00", overrule_reason="The chief insists")
        engage(cast.bob, "2026-03-19 20:00")  # later than the card looks
        db.session.commit()
    home = client.get("/").get_data(as_text=True)
    assert ("Overruled clashes ahead" in home, home.count("Bob Baker: outside working hours")) == (True, 1)
    listed = client.get("/engagements/?overruled=1").get_data(as_text=True)
    assert (listed.count("The chief insists"), listed.count("<tr")) == (1, 2)
