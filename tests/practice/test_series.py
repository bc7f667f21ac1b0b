"""When a series of mock interviews takes place: in hours, without overlaps, with its gaps (`practice/series.py`)."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal.core.db import db
from portal.core.types import zone
from portal.practice.models import MockInterview
from portal.practice.series import Plan, Request, placed
from portal.scheduling.queries import Diary
from portal.scheduling.workflow import Taken
from tests.practice.test_bulk import Door
from tests.support.cast import Cast
from tests.support.hiring import at_work, colleague
from tests.support.practice import sent

HOUR = timedelta(hours=1)
FIRST = datetime(2026, 3, 26, 9, tzinfo=UTC)  # a Thursday; London's clocks change on Sunday, the 29th
WEEK = ("09:00-17:00",) * 5 + ("", "")


def plan(**values: Any) -> Plan:
    given: dict[str, Any] = {"first": FIRST, "zone": "Europe/London", "opens": 10 * HOUR, "closes": 15 * HOUR,
             "weekdays": frozenset(range(5)), "gap": timedelta(minutes=15)}  # fmt: skip
    return Plan(**(given | values))


def coordinator(number: int, taken: list[tuple[datetime, datetime]] = [], **more: Any) -> Diary:  # noqa: B006
    key = UUID(int=number)
    had = [Taken(key, "interview", UUID(int=9000 + n), *each) for n, each in enumerate(taken)]
    return Diary(key, f"Coordinator {number}", "Europe/London", WEEK, user=True, taken=had, **more)


def requests(count: int, *coordinators: int, minutes: int = 60) -> list[Request]:
    names = ("Somebody", "A candidate")
    return [
        Request(UUID(int=100 + n), UUID(int=coordinators[n % len(coordinators)]), UUID(int=1000 + n), minutes, names)
        for n in range(count)
    ]


def diaries(wanted: list[Request], *known: Diary) -> dict[UUID, Diary]:
    candidates = {each.candidate: Diary(each.candidate, "A candidate", "Asia/Dubai") for each in wanted}
    return candidates | {diary.person: diary for diary in known}


def walls(found: dict[UUID, datetime]) -> list[str]:
    return [f"{at.astimezone(zone('Europe/London')):%a %H:%M}" for at in found.values()]


def test_one_follows_the_other_and_the_wall_clock_holds_across_its_change() -> None:
    wanted = requests(10, 1)
    found = placed(wanted, diaries(wanted, coordinator(1)), plan())
    assert walls(found) == [
        "Thu 10:00", "Thu 11:15", "Thu 12:30", "Thu 13:45", "Fri 10:00", "Fri 11:15", "Fri 12:30", "Fri 13:45",
        "Mon 10:00", "Mon 11:15",
    ]  # fmt: skip


def test_each_coordinator_has_a_queue_of_their_own_around_what_they_have_already() -> None:
    wanted = requests(4, 1, 2)
    had = [(FIRST + HOUR, FIRST + 2 * HOUR)]  # 10 to 11 in London
    found = placed(wanted, diaries(wanted, coordinator(1, had), coordinator(2)), plan())
    assert walls(found) == ["Thu 11:00", "Thu 10:00", "Thu 12:15", "Thu 11:15"]


def test_limits_time_off_and_candidates_hours_push_on() -> None:
    wanted = requests(3, 1)
    away = [(FIRST, FIRST + 12 * HOUR)]
    known = diaries(wanted, coordinator(1, max_per_day=1, away=away))
    known[wanted[1].candidate] = Diary(wanted[1].candidate, "In the west", "America/Los_Angeles")
    found = placed(wanted, known, plan())
    assert wanted[1].id not in found  # 10 to 15 in London is before 07:00 in Los Angeles, or ends at 08:00 there
    assert walls(found) == ["Fri 10:00", "Mon 10:00"]


def test_what_finds_no_room_is_left_out() -> None:
    wanted = requests(2, 1, minutes=240)
    found = placed(wanted, diaries(wanted, coordinator(1)), plan(closes=13 * HOUR))
    assert found == {}


@given(
    count=st.integers(1, 25), people=st.integers(1, 3), minutes=st.sampled_from([15, 45, 60, 90]),
    gap=st.sampled_from([0, 5, 15, 60]), limit=st.sampled_from([None, 1, 3]),
    weekdays=st.sets(st.integers(0, 6), min_size=1), opens=st.integers(0, 14),
    busy=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 12)), max_size=12),
)  # fmt: skip
def test_nothing_is_ever_outside_hours_overlapping_or_too_close(
    count: int, people: int, minutes: int, gap: int, limit: int | None, weekdays: set[int], opens: int,
    busy: list[tuple[int, int]],
) -> None:  # fmt: skip
    wanted = requests(count, *range(1, people + 1), minutes=minutes)
    had = [(FIRST + n * HOUR / 2, FIRST + n * HOUR / 2 + long * HOUR / 4) for n, long in busy]
    known = diaries(wanted, *(coordinator(n, had, max_per_day=limit) for n in range(1, people + 1)))
    asked = plan(
        gap=timedelta(minutes=gap), weekdays=frozenset(weekdays), opens=opens * HOUR, closes=(opens + 8) * HOUR
    )
    found = placed(wanted, known, asked)
    length, here = timedelta(minutes=minutes), zone("Europe/London")
    for each in wanted:
        if each.id in found:
            start, end = found[each.id].astimezone(here), (found[each.id] + length).astimezone(here)
            assert start >= FIRST
            assert start.weekday() in weekdays & set(range(5))
            assert max(opens, 9) * 60 <= start.hour * 60 + start.minute
            assert end.hour * 60 + end.minute <= min(opens + 8, 17) * 60
            assert not any(first < end and start < last for first, last in had)
    for number in range(1, people + 1):
        mine = sorted(found[each.id] for each in wanted if each.id in found and each.coordinator.int == number)
        assert all(b - a >= length + timedelta(minutes=gap) for a, b in pairwise(mine))
        days: dict[date, int] = {}
        for at in (*mine, *(first for first, _ in had)):
            days[at.astimezone(here).date()] = days.get(at.astimezone(here).date(), 0) + 1
        assert all(limit is None or days[at.astimezone(here).date()] <= limit for at in mine)


# --- through the door -----------------------------------------------------------------------------------


@pytest.fixture
def door(app: Flask, make_client: Any, cast: Cast, clock: Any) -> Door:
    return Door(app, make_client(cast.alice), cast)


SERIES = {"first": "2026-03-26T10:00", "timezone": "Europe/London", "gap": "15", "opens": "10:00", "closes": "12:00",
          "weekdays": ["thursday", "friday"]}  # fmt: skip


def test_requested_ones_get_their_times_the_oldest_first_and_the_report_says_them(door: Door, clock: Any) -> None:
    with door.app.app_context(), at_work(door.cast.alice) as alice:
        cora = colleague("Interview Coordinator", "Cora Cole")
        cora.timezone = "Europe/London"
        mocks = []
        for minutes in (45, 60, 200):
            mocks.append(sent(cora, by=alice, duration=minutes))
            clock.forward(minutes=1)
        scheduled = sent(alice, start=FIRST)
        keys = [mock.id for mock in (mocks[1], scheduled, mocks[2], mocks[0])]
        db.session.commit()
    told = door.do("mock-interviews", "schedule_series", keys, **SERIES)
    zone_name = "(Europe/London, UTC+00:00)"
    assert told[0] == ("done", f"26 Mar 2026, 11:00 to 12:00 {zone_name}")
    assert told[1][0] == "skipped"
    assert told[2] == (
        "failed",
        "Within these hours Cora Cole and Jane Doe have no 200 minutes in common until 25 May 2026.",
    )
    assert told[3] == ("done", f"26 Mar 2026, 10:00 to 10:45 {zone_name}")
    assert door.see(MockInterview.status, keys) == ["scheduled", "scheduled", "requested", "scheduled"]


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"first": "2020-03-26T10:00"}, "The first start must be in the future."),
        ({"closes": "09:00"}, "The end must be after the start."),
        ({"weekdays": []}, "Please tick at least one day."),
        ({"duration": "5"}, "From 15 to 240 minutes."),
    ],
)
@pytest.mark.database("sqlite")
def test_a_wrong_plan_is_refused_beside_its_field(door: Door, form: dict[str, Any], complaint: str) -> None:
    with door.app.app_context(), at_work(door.cast.alice) as alice:
        key = sent(alice).id
        db.session.commit()
    run, _ = door.preview("mock-interviews", "schedule_series", [key])
    answer = door.client.submit(run, SERIES | form)
    assert (answer.status_code, complaint in answer.text) == (422, True)


def test_the_preview_proposes_times_and_does_nothing(door: Door, make_client: Any) -> None:
    with door.app.app_context(), at_work(door.cast.alice) as alice:
        cora = colleague("Interview Coordinator", "Cora Cole")
        keys = [sent(cora, by=alice, duration=minutes).id for minutes in (60, 200)]
        db.session.commit()
    run, page = door.preview("mock-interviews", "schedule_series", keys)
    assert 'data-live="/practice/series/proposed"' in page
    asked = SERIES | {"run": run.rsplit("/", 1)[1]}
    box = door.client.get("/practice/series/proposed", query_string=asked).text
    assert "<bdi>Jane Doe</bdi> with <bdi>Cora Cole</bdi>" in box
    assert "26 Mar 2026, 10:00 to 11:00 (Europe/London, UTC+00:00)" in box
    assert "1 of 2 finds no room" in box
    unfinished = door.client.get("/practice/series/proposed", query_string=asked | {"first": ""})
    assert "Give the first start" in unfinished.text
    assert make_client(door.cast.charlie).get("/practice/series/proposed", query_string=asked).status_code == 404
    assert door.see(MockInterview.status, keys) == ["requested"] * 2
