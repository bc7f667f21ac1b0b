"""The calendar: whose interviews it shows, on which wall clock, and how one is moved from it (SPEC §6)."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.admin.agenda import Span, Wanted
from portal.core.db import db
from portal.interviews import calendar
from portal.interviews.models import Interview, Panelist
from portal.people.models import Tenant, User
from portal.people.roles import BUILT_IN
from tests.support import statements
from tests.support.cast import Cast, Person, make_person
from tests.support.clock import MONDAY, Clock
from tests.support.hiring import (
    at_work,
    make_application,
    make_candidate,
    make_interview,
    make_job,
    make_project,
    make_team,
)

HOUR = timedelta(hours=1)
WEEK = {"start": "2026-03-02", "end": "2026-03-09"}


@dataclass
class Office:
    """Alice's tenant, in which she may do everything; rows are put there while it is open."""

    app: Flask
    cast: Cast
    staff: dict[str, Person] = field(default_factory=dict)

    @contextmanager
    def opened(self) -> Iterator[User]:
        with self.app.app_context(), at_work(self.cast.alice) as alice:
            yield alice
            db.session.commit()

    def hire(self, role: str, zone_name: str = "UTC") -> Person:
        """Somebody in this built-in role."""
        with self.opened():
            tenant = db.session.get_one(Tenant, self.cast.alice.tenant_id)
            made = make_person(tenant, f"u{len(self.staff)}@harbour.example", f"{role} {len(self.staff)}", role)
            user(made).timezone = zone_name
        self.staff[made.full_name] = made
        return made


def user(person: Person) -> User:
    return db.session.get_one(User, (person.tenant_id, person.id))


@pytest.fixture
def office(app: Flask, cast: Cast, clock: Clock) -> Office:
    return Office(app, cast)


def events(client: Any, **arguments: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/calendar/events?{urlencode(WEEK | arguments, doseq=True)}")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.get_json()["events"]
    return found


def titles(client: Any, **arguments: Any) -> list[str]:
    return [each["extendedProps"]["what"] for each in events(client, **arguments)]


def text(answer: Any) -> str:
    """What a reader sees, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


# --- whose ------------------------------------------------------------------------------------------


def test_each_role_sees_its_own_interviews_and_may_move_those_it_schedules(office: Office, make_client: Any) -> None:
    people = {role: office.hire(role) for role in BUILT_IN}
    with office.opened():
        recruiter, coordinator = user(people["Recruiter"]), user(people["Interview Coordinator"])
        team = make_team(user(people["Team Lead"]), user(people["Team Head"]))
        job = make_job(make_project(team_id=team.id))
        make_interview(title="of nobody")
        make_interview(title="of the team", application=make_application("interview_scheduled", job=job))
        mine = make_application("interview_scheduled", recruiter=recruiter, coordinator=coordinator)
        make_interview(mine, title="of recruiter and coordinator")
        make_interview(title="of the panel", panel=[user(people["Interviewer"])])
        make_interview(
            make_application("interview_scheduled", job=make_job(hiring_manager_id=people["Hiring Manager"].id)),
            title="of the hiring manager",
        )
    every = ["of nobody", "of the hiring manager", "of the panel", "of recruiter and coordinator", "of the team"]
    all_of_them = sorted(every)
    told: dict[str, Any] = {}
    for role, person in people.items():
        answer = make_client(person).get(f"/calendar/events?{urlencode(WEEK)}")
        found = answer.get_json()["events"] if answer.status_code == 200 else None
        told[role] = answer.status_code if found is None else {
            "sees": sorted(e["extendedProps"]["what"] for e in found),
            "moves": sorted(e["extendedProps"]["what"] for e in found if e["editable"]),
        }  # fmt: skip
    whole = {"sees": all_of_them, "moves": all_of_them}
    own = ["of recruiter and coordinator"]
    assert told == {
        "System Admin": whole, "CEO": whole, "Director": whole, "HR": whole,
        "Manager": {"sees": all_of_them, "moves": []},
        "Team Head": {"sees": ["of the team"], "moves": ["of the team"]},
        "Team Lead": {"sees": ["of the team"], "moves": ["of the team"]},
        "Recruiter": {"sees": own, "moves": own},
        "Hiring Manager": {"sees": ["of the hiring manager"], "moves": []},
        "Interviewer": {"sees": ["of the panel"], "moves": []},
        "Interview Coordinator": {"sees": all_of_them, "moves": own},
        "Documentation Executive": 403, "Processing Executive": 403, "CRE": 403,
    }  # fmt: skip


def test_the_menu_offers_the_calendar_to_those_for_whom_it_opens(office: Office, make_client: Any) -> None:
    offered, opens = {}, {}
    for role in BUILT_IN:
        client = make_client(office.hire(role))
        offered[role] = 'href="/calendar"' in client.get("/").get_data(as_text=True)
        opens[role] = client.get("/calendar").status_code == 200
    assert offered == opens
    assert sorted(role for role, may in opens.items() if not may) == [
        "CRE", "Documentation Executive", "Processing Executive",
    ]  # fmt: skip


def _put_one_into_charlies_tenant(office: Office) -> dict[str, UUID]:
    with office.app.app_context(), at_work(office.cast.charlie) as charlie:
        project = make_project(title="Charlie's project")
        application = make_application("interview_scheduled", job=make_job(project))
        make_interview(application, title="Charlie's", panel=[charlie], organizer_id=charlie.id)
        keys = {"interviewer": charlie.id, "organizer": charlie.id, "project": project.id}
        db.session.commit()
    return keys


def test_a_foreign_filter_answers_as_one_that_never_was(office: Office, make_client: Any) -> None:
    foreign = _put_one_into_charlies_tenant(office)
    with office.opened():
        make_interview(title="Alice's")
    client = make_client(office.cast.alice)
    assert titles(client) == ["Alice's"]

    def told(name: str, value: Any) -> Any:
        pages = [client.get(f"/calendar?{urlencode({name: value, 'view': v})}") for v in ("week", "people", "list")]
        bodies = [page.get_data(as_text=True).replace(page.headers["X-Request-Id"], "") for page in pages]
        plain = [re.sub(r'(nonce|csrf_token|csp-nonce)"[^>]*', "", body).replace(str(value), "KEY") for body in bodies]
        return events(client, **{name: value}), [page.status_code for page in pages], plain

    for name, key in foreign.items():
        assert told(name, key) == told(name, uuid4()), name
        assert events(client, **{name: "no-key-at-all"}) == []


# --- which ------------------------------------------------------------------------------------------


def test_cancelled_ones_are_hidden_unless_they_are_asked_for(office: Office, make_client: Any) -> None:
    with office.opened():
        for status in ("scheduled", "cancelled", "no_show"):
            make_interview(status=status, title=status)
    client = make_client(office.cast.alice)
    assert sorted(titles(client)) == ["no_show", "scheduled"]
    assert sorted(titles(client, cancelled="1")) == ["cancelled", "no_show", "scheduled"]
    assert titles(client, status="cancelled") == ["cancelled"]
    assert sorted(titles(client, status=["cancelled", "no_show"])) == ["cancelled", "no_show"]
    assert titles(client, status="nonsense") == []


def test_the_filters_narrow_and_mine_is_what_i_organize_or_sit_in(office: Office, make_client: Any) -> None:
    one, other = office.hire("Interviewer"), office.hire("Interviewer")
    with office.opened() as alice:
        project = make_project()
        make_interview(title="of one", panel=[user(one)])
        make_interview(title="of both", panel=[user(one), user(other)])
        make_interview(title="with alice", panel=[alice])
        make_interview(title="by alice", organizer_id=alice.id)
        make_interview(make_application("interview_scheduled", job=make_job(project)), title="in the project")
        key = project.id
    client = make_client(office.cast.alice)
    assert {
        "one": sorted(titles(client, interviewer=one.id)),
        "either": sorted(titles(client, interviewer=[one.id, other.id])),
        "organizer": titles(client, organizer=office.cast.alice.id),
        "project": titles(client, project=key),
        "mine": sorted(titles(client, mine="1")),
        "mine and one": titles(client, mine="1", interviewer=one.id),
    } == {
        "one": ["of both", "of one"], "either": ["of both", "of one"], "organizer": ["by alice"],
        "project": ["in the project"], "mine": ["by alice", "with alice"], "mine and one": [],
    }  # fmt: skip


def test_what_is_over_or_does_not_wait_is_not_moved(office: Office, make_client: Any) -> None:
    with office.opened():
        for status in ("scheduled", "confirmed", "rescheduled", "in_progress", "completed", "cancelled", "no_show"):
            make_interview(status=status, title=f"{status} ahead")
        make_interview(start=MONDAY - HOUR, title="just over")
        make_interview(start=MONDAY - HOUR / 2, title="could have begun")
        make_interview(make_application("on_hold"), title="on hold")
    found = events(make_client(office.cast.alice), cancelled="1")
    assert sorted(e["extendedProps"]["what"] for e in found if e["editable"]) == [
        "confirmed ahead", "could have begun", "rescheduled ahead", "scheduled ahead",
    ]  # fmt: skip


# --- when -------------------------------------------------------------------------------------------


def test_a_range_takes_what_reaches_into_it_and_not_what_touches_it(office: Office, make_client: Any) -> None:
    with office.opened():
        first, end = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)
        make_interview(start=first - HOUR, title="ends at its begin")
        make_interview(start=first - 23 * HOUR, minutes=24 * 60, title="reaches in")
        make_interview(start=first, title="begins with it")
        make_interview(start=end - HOUR / 2, title="reaches out")
        make_interview(start=end, title="begins at its end")
    assert titles(make_client(office.cast.alice)) == ["reaches in", "begins with it", "reaches out"]


def test_a_range_is_clamped_to_45_days_and_a_bad_one_refused_in_words(office: Office, make_client: Any) -> None:
    with office.opened():
        for days in (0, 44, 45, 90):
            make_interview(start=datetime(2026, 3, 2, 12, tzinfo=UTC) + timedelta(days=days), title=f"{days}")
    client = make_client(office.cast.alice)
    assert titles(client, end="2027-03-02") == ["0", "44"]
    refused = {"error": "Give start and end as days, such as 2026-11-24, the end after the start."}
    for bad in ({"start": ""}, {"end": "soon"}, {"end": "2026-03-02"}, {"start": "0001-01-01"}, {"end": "9999-12-31"}):
        answer = client.get(f"/calendar/events?{urlencode(WEEK | bad)}")
        assert (answer.status_code, answer.get_json()) == (422, refused), bad


def test_above_the_limit_the_page_and_the_data_say_that_they_are_cut_off(
    office: Office, make_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with office.opened():
        for _ in range(3):
            make_interview()
    client = make_client(office.cast.alice)
    told = {}
    for most in (2, 3):
        monkeypatch.setattr(calendar, "MOST", most)
        answer = client.get(f"/calendar/events?{urlencode(WEEK)}").get_json()
        told[most] = len(answer["events"]), answer["cut_off"], "Only the first" in text(client.get("/calendar"))
    assert told == {2: (2, "Only the first 2 are shown; choose fewer with the filters.", True), 3: (3, "", False)}


CHANGES: list[tuple[str, str, list[tuple[str, str, str, str]]]] = [
    # zone, monday, (start in UTC, start and end on the reader's wall, as it is told); each lasts an hour
    ("Europe/Berlin", "2026-03-23", [
        ("2026-03-28T12:00", "2026-03-28T13:00:00", "2026-03-28T14:00:00", "13:00–14:00 +01:00"),
        ("2026-03-29T00:30", "2026-03-29T01:30:00", "2026-03-29T03:30:00", "01:30–03:30 +01:00"),
        ("2026-03-29T01:00", "2026-03-29T03:00:00", "2026-03-29T04:00:00", "03:00–04:00 +02:00"),
        ("2026-03-29T12:00", "2026-03-29T14:00:00", "2026-03-29T15:00:00", "14:00–15:00 +02:00")]),
    ("America/New_York", "2026-10-26", [
        ("2026-11-01T05:30", "2026-11-01T01:30:00", "2026-11-01T02:30:00", "01:30–01:30 -04:00"),
        ("2026-11-01T06:30", "2026-11-01T01:30:00", "2026-11-01T02:30:00", "01:30–02:30 -05:00"),
        ("2026-11-01T15:00", "2026-11-01T10:00:00", "2026-11-01T11:00:00", "10:00–11:00 -05:00")]),
    ("Australia/Lord_Howe", "2026-03-30", [  # half an hour
        ("2026-04-04T14:45", "2026-04-05T01:45:00", "2026-04-05T02:15:00", "01:45–02:15 +11:00"),
        ("2026-04-05T01:00", "2026-04-05T11:30:00", "2026-04-05T12:30:00", "11:30–12:30 +10:30")]),
    ("Asia/Kolkata", "2026-03-23", [  # its clocks never change
        ("2026-03-28T18:00", "2026-03-28T23:30:00", "2026-03-29T00:30:00", "23:30–Sun 00:30"),
        ("2026-03-29T12:00", "2026-03-29T17:30:00", "2026-03-29T18:30:00", "17:30–18:30")]),
]  # fmt: skip


@pytest.mark.parametrize(("zone_name", "monday", "rows"), CHANGES)
def test_times_are_those_of_the_readers_wall_across_a_change_of_its_clocks(
    office: Office, make_client: Any, zone_name: str, monday: str, rows: list[tuple[str, str, str, str]]
) -> None:
    reader = office.hire("HR", zone_name)
    with office.opened():
        for start, *_ in rows:
            make_interview(start=datetime.fromisoformat(start).replace(tzinfo=UTC), timezone="Asia/Dubai")
    client = make_client(reader)
    end = (date.fromisoformat(monday) + timedelta(days=7)).isoformat()
    found = events(client, start=monday, end=end)
    assert [(e["start"], e["end"], e["extendedProps"]["clock"]) for e in found] == [row[1:] for row in rows]
    page = text(client.get(f"/calendar?date={monday}&view=list"))
    assert [clock for *_, clock in rows if clock not in page] == []
    assert f"Times in {zone_name}, UTC" in page


def test_the_page_says_when_the_readers_clocks_change() -> None:
    told = [Span.of(date(2026, 3, 23), date(2026, 3, 30), zone).note for zone in ("Europe/Berlin", "Asia/Kolkata")]
    assert told == [
        "Times in Europe/Berlin, UTC+01:00; the clocks change on 29 March, to UTC+02:00",
        "Times in Asia/Kolkata, UTC+05:30",
    ]


# --- the page ---------------------------------------------------------------------------------------


def test_without_scripts_the_page_is_the_list_of_its_days(office: Office, make_client: Any) -> None:
    ivan = office.hire("Interviewer")
    with office.opened():
        jane = make_application("interview_scheduled", candidate=make_candidate("<script>alert(1)</script> Doe"))
        row = make_interview(jane, start=MONDAY + 2 * HOUR, title="First round", panel=[user(ivan)]).id
        make_interview(start=MONDAY + timedelta(days=7), title="Next week")
    client = make_client(office.cast.alice)
    body = client.get("/calendar").get_data(as_text=True)
    page = text(client.get("/calendar"))
    assert "<script>alert(1)" not in body
    assert "Monday, 2 March today 1 11:00–12:00 <script>alert(1)</script> Doe Scheduled First round" in page
    assert f"{ivan.full_name} 1 of these" in page
    assert f'href="/interviews/{row}/move/reschedule?back=%2Fcalendar%3Fdate%3D2026-03-02"' in body
    assert "Next week" not in page
    assert "Next week" in text(client.get("/calendar?date=2026-03-11"))
    assert "Nothing arranged" in text(client.get("/calendar?view=day&date=2026-03-03"))


def test_a_day_by_interviewer_tells_who_has_what_and_who_is_free(office: Office, make_client: Any) -> None:
    busy, free, gone = (office.hire("Interviewer") for _ in range(3))
    with office.opened():
        row = make_interview(start=MONDAY + HOUR, title="Both", panel=[user(busy), user(gone)])
        db.session.execute(sa.update(Panelist).where(Panelist.user_id == gone.id).values(reply="declined"))
        make_interview(start=MONDAY + 3 * HOUR, title="Alone")
        assert row.id
    client = make_client(office.cast.alice)

    def rows(**arguments: Any) -> list[str]:
        body = client.get(f"/calendar?{urlencode({'view': 'people', **arguments}, doseq=True)}").get_data(as_text=True)
        return [
            " ".join(unescape(re.sub(r"<[^>]+>", " ", name)).split())
            for name in re.findall(r'<h2 id="plan-\d+">(.*?)</h2>', body)
        ]

    assert rows() == [busy.full_name, "Nobody yet"]
    assert rows(interviewer=[busy.id, free.id]) == [busy.full_name, free.full_name]


def test_odd_addresses_show_the_present_week(office: Office, make_client: Any) -> None:
    client = make_client(office.cast.alice)
    for odd in ("date=never", "date=0001-01-01", "date=9999-12-31", "view=year", "mine=2", "date=2026-13-40&view="):
        page = client.get(f"/calendar?{odd}")
        assert (page.status_code, "2 – 8 March 2026" in text(page)) == (200, True), odd


def test_only_the_calendars_answer_lets_a_style_sheet_of_its_own_in(office: Office, make_client: Any) -> None:
    client = make_client(office.cast.alice)
    policies = {url: client.get(url).headers["Content-Security-Policy"] for url in ("/calendar", "/interviews/")}
    styles = {url: re.findall(r"style-src ([^;]*)", policy) for url, policy in policies.items()}
    assert styles["/interviews/"] == ["'self'"]
    assert re.fullmatch(r"'self' 'nonce-[\w-]{20,}'", styles["/calendar"][0])
    scripts = re.findall(r"'nonce-[^']+'", policies["/calendar"])
    assert len(set(scripts)) == 2  # what lets a style in, lets no script in


def test_a_calendar_costs_the_same_for_one_row_and_for_fifty(office: Office, make_client: Any) -> None:
    ivan = office.hire("Interviewer")
    client = make_client(office.cast.alice)
    urls = ["/calendar", "/calendar?view=people", f"/calendar/events?{urlencode(WEEK)}"]
    counts = []
    for rows in (1, 49):
        with office.opened():
            application = make_application("interview_scheduled")
            for _ in range(rows):
                make_interview(application, start=MONDAY + HOUR, panel=[user(ivan)])
        counts.append([statements.of_page(office.app, client, url) for url in urls])
    assert counts[0] == counts[1]


@pytest.mark.database("sqlite")
def test_an_index_serves_both_ends_of_the_range(office: Office) -> None:
    with office.opened() as alice:
        span = Span.of(date(2026, 3, 2), date(2026, 3, 9), "UTC")
        statement = calendar._statement(alice, span, Wanted(), MONDAY)
        compiled = statement.compile(db.engine, compile_kwargs={"render_postcompile": True})
        plan = db.session.connection().exec_driver_sql(
            f"EXPLAIN QUERY PLAN {compiled}", tuple("" for _ in compiled.positiontup or ())
        )
        told = [row[-1] for row in plan]
    served = "USING INDEX ix_interviews_start (tenant_id=? AND scheduled_start>? AND scheduled_start<?)"
    assert [line for line in told if "interviews " in line and "ix_interviews" in line] == [
        f"SEARCH interviews {served}"
    ]


# --- a new time from the calendar -------------------------------------------------------------------

BACK = "/calendar?view=day&date=2026-03-04"
OLD = datetime(2026, 3, 4, 9, tzinfo=UTC)  # 13:00 in Dubai, 10:00 in Berlin


@dataclass
class Drop:
    """An interview in Dubai's zone that somebody in Berlin drops elsewhere."""

    client: Any
    key: UUID
    version: int
    names: tuple[str, str]
    office: Office

    def url(self, **arguments: Any) -> str:
        said = {"zone": "Europe/Berlin", "version": self.version, "back": BACK, **arguments}
        return f"/interviews/{self.key}/move/reschedule?{urlencode(said)}"

    def row(self) -> Any:
        with self.office.opened():
            columns = (Interview.status, Interview.scheduled_start, Interview.scheduled_end)
            return tuple(db.session.execute(sa.select(*columns).where(Interview.id == self.key)).one())

    def send(self, **values: Any) -> Any:
        given = {"row_version": self.version, "back": BACK, **values}
        return self.client.submit(f"/interviews/{self.key}/move/reschedule", given)


@pytest.fixture
def drop(office: Office, make_client: Callable[..., Any]) -> Drop:
    berlin, ivan = office.hire("HR", "Europe/Berlin"), office.hire("Interviewer")
    with office.opened():
        jane = make_application("interview_scheduled", candidate=make_candidate("Jane O'Neill"))
        row = make_interview(jane, start=OLD, timezone="Asia/Dubai", panel=[user(ivan)])
        key, version = row.id, row.version
    return Drop(make_client(berlin), key, version, ("Jane O'Neill", ivan.full_name), office)


def fields(answer: Any) -> list[str]:
    """The start and the end that the form holds."""
    body = answer.get_data(as_text=True)
    return [
        next(iter(re.findall(r'value="([^"]*)"', tag)), "")
        for name in ("scheduled_start", "scheduled_end")
        for tag in re.findall(rf'<input[^>]*name="{name}"[^>]*>', body)
    ]


def test_a_drop_leads_to_a_page_that_says_both_times_in_both_zones_and_who_is_told(drop: Drop) -> None:
    page = drop.client.get(drop.url(scheduled_start="2026-03-05T15:30"))
    assert (page.status_code, fields(page)) == (200, ["2026-03-05T18:30", "2026-03-05T19:30"])
    told = text(page)
    assert (
        "Now 4 Mar 2026, 13:00 to 14:00 (Asia/Dubai, UTC+04:00) 4 Mar 2026, 10:00 to 11:00 (Europe/Berlin, UTC+01:00) "
        "Proposed 5 Mar 2026, 18:30 to 19:30 (Asia/Dubai, UTC+04:00) "
        "5 Mar 2026, 15:30 to 16:30 (Europe/Berlin, UTC+01:00)"
    ) in told
    jane, ivan = drop.names
    assert f"{jane} (candidate) and {ivan} get an e-mail about it, and the reminders follow." in told
    assert drop.row() == ("scheduled", OLD, OLD + HOUR)  # nothing has happened yet
    done = drop.send(scheduled_start="2026-03-05T18:30", scheduled_end="2026-03-05T19:30")
    assert (done.status_code, done.location) == (302, BACK)
    new = datetime(2026, 3, 5, 14, 30, tzinfo=UTC)
    assert drop.row() == ("rescheduled", new, new + HOUR)


def test_a_pulled_end_changes_the_length_alone(drop: Drop) -> None:
    page = drop.client.get(drop.url(scheduled_end="2026-03-04T11:45"))
    assert fields(page) == ["2026-03-04T13:00", "2026-03-04T14:45"]


def test_a_drop_across_a_change_of_the_clocks_keeps_the_length(drop: Drop) -> None:
    # In Berlin the clocks go from 02:00 to 03:00 while it lasts; in Dubai they do not.
    page = drop.client.get(drop.url(scheduled_start="2026-03-29T01:30"))
    assert fields(page) == ["2026-03-29T04:30", "2026-03-29T05:30"]


BAD = [
    ("2026-03-29T02:30", "The clocks in Europe/Berlin skip this time on that day; did you mean 03:30?"),
    ("tomorrow", "Please give a date and a time, such as 2026-11-24 14:00."),
    ("0001-01-01T00:00", "Please give a year between 1901 and 8999."),
]


@pytest.mark.parametrize(("given", "words"), BAD)
def test_a_time_that_is_none_is_told_beside_its_field(drop: Drop, given: str, words: str) -> None:
    page = drop.client.get(drop.url(scheduled_start=given))
    assert (page.status_code, words in text(page), fields(page)[0]) == (422, True, given)


def test_who_changed_it_in_between_is_told_and_the_place_is_kept(drop: Drop) -> None:
    drop.send(scheduled_start="2026-03-05T18:30", scheduled_end="2026-03-05T19:30")
    told = "This interview was changed in the meantime (it is rescheduled now)."
    asked = drop.client.get(drop.url(scheduled_start="2026-03-06T12:00"))
    assert (asked.status_code, asked.location) == (302, BACK)
    assert told in text(drop.client.get(BACK))
    sent = drop.send(scheduled_start="2026-03-06T18:30", scheduled_end="2026-03-06T19:30")
    assert (sent.status_code, sent.location) == (302, BACK)
    assert told in text(drop.client.get(BACK))


def test_a_state_that_does_not_allow_it_is_told_in_the_calendar(drop: Drop) -> None:
    with drop.office.opened():
        db.session.execute(sa.update(Interview).where(Interview.id == drop.key).values(status="completed"))
    answer = drop.client.get(drop.url(scheduled_start="2026-03-05T15:30"))
    assert (answer.status_code, answer.location) == (302, BACK)
    assert "This interview is completed; “Reschedule” does not start from there." in text(drop.client.get(BACK))


def test_a_time_that_is_taken_is_told_beside_the_field_and_what_was_typed_stays(drop: Drop) -> None:
    with drop.office.opened():
        ivan = next(person for person in drop.office.staff.values() if person.full_name == drop.names[1])
        other = make_interview(start=OLD + timedelta(days=1), panel=[user(ivan)], title="The other", timezone="UTC")
        key = other.id
    moved = {"scheduled_start": "2026-03-05T09:00", "scheduled_end": "2026-03-05T10:00"}
    assert drop.client.submit(f"/interviews/{key}/move/reschedule", {**moved, "row_version": 1}).status_code == 302
    answer = drop.send(scheduled_start="2026-03-05T13:30", scheduled_end="2026-03-05T14:30")
    assert (answer.status_code, fields(answer)) == (422, ["2026-03-05T13:30", "2026-03-05T14:30"])
    assert f"{drop.names[1]} has “The other” from 5 Mar 2026, 13:00 to 14:00" in text(answer)
    assert f'name="back" value="{BACK.replace("&", "&amp;")}"' in answer.get_data(as_text=True)
    assert drop.row() == ("scheduled", OLD, OLD + HOUR)


def test_back_leads_nowhere_else(drop: Drop) -> None:
    page = drop.client.get(drop.url(scheduled_start="2026-03-05T15:30", back="https://evil.example/"))
    assert "evil.example" not in page.get_data(as_text=True)
    done = drop.send(
        scheduled_start="2026-03-05T18:30", scheduled_end="2026-03-05T19:30", back="//evil.example"
    )  # fmt: skip
    assert done.location == f"/interviews/{drop.key}"


def test_who_may_not_move_it_is_refused_and_another_tenant_finds_nothing(drop: Drop, make_client: Any) -> None:
    interviewer = next(person for person in drop.office.staff.values() if person.full_name == drop.names[1])
    url = drop.url(scheduled_start="2026-03-05T15:30")
    answers = [make_client(person).get(url).status_code for person in (interviewer, drop.office.cast.charlie)]
    assert answers == [403, 404]


def test_many_are_told_in_numbers(office: Office, make_client: Any) -> None:
    ivan = office.hire("Interviewer")
    with office.opened():
        same = make_application("interview_scheduled")
        keys = [str(make_interview(same, start=MONDAY + n * HOUR, panel=[user(ivan)]).id) for n in range(1, 4)]
        keys.append(str(make_interview().id))
    client = make_client(office.cast.alice)
    preview = client.submit("/interviews/bulk/reschedule", {"ids": keys}, follow_redirects=True)
    assert "2 candidates and 1 interviewer get an e-mail about it, and the reminders follow." in text(preview)


def test_the_hours_drawn_hold_everything_and_a_late_evening_is_no_whole_night(office: Office, make_client: Any) -> None:
    person = office.hire("HR")
    drawn = []
    for start, minutes in (("2026-03-03 10:00", 60), ("2026-03-03 06:30", 30), ("2026-03-04 22:00", 120),
                           ("2026-03-05 23:30", 60)):  # fmt: skip
        with office.opened():
            at = datetime.fromisoformat(f"{start}+00:00")
            make_interview(start=at, minutes=minutes)
        page = make_client(person).get("/calendar?view=week&date=2026-03-03").get_data(as_text=True)
        drawn.append(re.findall(r'data-from="(\d+)" data-to="(\d+)" data-events', page)[0])
    assert drawn == [("8", "19"), ("6", "19"), ("6", "24"), ("0", "24")]
