"""When people have time in common, and what lies outside somebody's hours."""

from datetime import date, timedelta
from typing import Any

import pytest

from portal.core.db import db, new_id
from portal.people.models import User
from portal.scheduling.intervals import day_start
from portal.scheduling.queries import free_times, outside
from portal.scheduling.workflow import Taken
from tests.scheduling.makers import HOUR, at, away, counted, engage, hours
from tests.support.clock import MONDAY
from tests.support.hiring import colleague, make_candidate

FIRST, LAST = at("2026-03-02 00:00"), at("2026-03-09 00:00")


def free(*people: Any, minutes: int = 60, first: Any = FIRST, last: Any = LAST, **more: Any) -> list[tuple[str, str]]:
    users = [each.id for each in people if isinstance(each, User)]
    candidates = [each.id for each in people if not isinstance(each, User)]
    found = free_times(db.session, users, candidates, minutes, first, last, more.pop("now", FIRST), **more)
    return [(f"{start:%a %d %H:%M}", f"{end:%a %d %H:%M}") for start, end in found]


def somebody(zone: str = "UTC") -> User:
    user = colleague("Interviewer")
    user.timezone = zone
    db.session.flush()
    return user


def test_who_has_said_nothing_works_monday_to_friday_from_nine_to_five_in_their_zone(alice: User) -> None:
    assert free(somebody("Asia/Dubai")) == [
        (f"{day} 05:00", f"{day} 13:00") for day in ("Mon 02", "Tue 03", "Wed 04", "Thu 05", "Fri 06")
    ]


def test_common_times_are_free_of_all_that_anybody_has(alice: User) -> None:
    bob, carla = somebody(), somebody("Europe/Berlin")
    hours(bob, "08:00-12:00, 13:00-18:00", "08:00-12:00")
    hours(carla, "10:00-18:00", "10:00-18:00")  # nine to five in UTC
    candidate = make_candidate("Dana Day", timezone="Asia/Tokyo")  # from seven to 21, which is 22:00 to 12:00 in UTC
    engage(bob, "2026-03-02 09:00", HOUR / 2)
    engage(candidate, "2026-03-03 10:00")
    away(carla, "2026-03-02 11:00", "2026-03-02 11:15")
    assert free(bob, carla, candidate) == [("Mon 02 09:30", "Mon 02 11:00"), ("Tue 03 09:00", "Tue 03 10:00"),
                                           ("Tue 03 11:00", "Tue 03 12:00")]  # fmt: skip
    assert free(bob, carla, candidate, minutes=90) == [("Mon 02 09:30", "Mon 02 11:00")]
    assert free(bob, carla)[1:3] == [("Mon 02 13:00", "Mon 02 17:00"), ("Tue 03 09:00", "Tue 03 12:00")]


def test_what_has_passed_is_not_offered_and_what_is_moved_makes_room(alice: User) -> None:
    bob = somebody()
    hours(bob, "09:00-12:00")
    moved = engage(bob, "2026-03-02 10:00")
    assert free(bob, now=at("2026-03-02 09:10")) == [("Mon 02 11:00", "Mon 02 12:00")]
    assert free(bob, now=at("2026-03-02 09:10"), besides=moved.subject_id) == [("Mon 02 09:10", "Mon 02 12:00")]


def test_a_day_or_week_that_is_full_on_the_persons_own_calendar_offers_nothing(alice: User) -> None:
    bob = somebody("America/Los_Angeles")  # eight hours behind
    hours(bob, *["09:00-17:00"] * 3, max_per_day=2, max_per_week=3)
    engage(bob, "2026-03-03 02:00")  # still Monday there
    assert free(bob) == [("Mon 02 17:00", "Tue 03 01:00"), ("Tue 03 17:00", "Wed 04 01:00"),
                         ("Wed 04 17:00", "Thu 05 01:00")]  # fmt: skip
    engage(bob, "2026-03-02 17:00")
    assert free(bob) == [("Tue 03 17:00", "Wed 04 01:00"), ("Wed 04 17:00", "Thu 05 01:00")]
    engage(bob, "2026-03-09 04:00")  # their Sunday, so of the same week
    assert free(bob) == []
    assert free(bob, first=LAST, last=LAST + timedelta(days=1)) == [("Mon 09 16:00", "Tue 10 00:00")]  # and summer time


CHANGES = {  # zone -> the Sunday of a change, nine to five on the Saturday, that Sunday and the Monday, in UTC
    "Europe/Berlin": ("2026-03-29", ["08:00", "07:00", "07:00"]),
    "America/New_York": ("2026-11-01", ["13:00", "14:00", "14:00"]),
    "Australia/Lord_Howe": ("2026-04-05", ["22:00", "22:30", "22:30"]),
    "Asia/Beirut": ("2026-10-25", ["06:00", "07:00", "07:00"]),
}


@pytest.mark.parametrize("zone", CHANGES)
def test_nine_is_nine_on_the_wall_before_and_after_the_clocks_change(alice: User, zone: str) -> None:
    sunday, begins = CHANGES[zone]
    bob = somebody(zone)
    hours(bob, *["09:00-17:00"] * 7)
    first, last = (day_start(date.fromisoformat(sunday) + timedelta(days=days), zone) for days in (-1, 2))
    found = free_times(db.session, [bob.id], [], 60, first, last, first)
    assert [(f"{start:%H:%M}", end - start) for start, end in found] == [(clock, 8 * HOUR) for clock in begins]


def test_the_number_of_statements_does_not_grow_with_the_people(alice: User) -> None:
    told = []
    for number in (1, 12):
        users = [somebody() for _ in range(number)]
        for user in users:
            hours(user, "09:00-17:00", max_per_day=3)
            engage(user, "2026-03-02 10:00")
            away(user, "2026-03-02 12:00", "2026-03-02 13:00")
        candidates = [make_candidate() for _ in range(number)]
        with counted() as sent:
            free(*users, *candidates)
        with counted() as judged:
            outside(db.session, [Taken(user.id, "interview", new_id(), MONDAY, MONDAY + HOUR) for user in users])
        told.append((len(sent), len(judged)))
    assert told == [(4, 4), (4, 4)]


# --- outside ----------------------------------------------------------------------------------------


def why(person: Any, start: str, length: timedelta = HOUR, subject: Any = None) -> tuple[str, ...]:
    found = outside(db.session, [Taken(person.id, "interview", subject or new_id(), at(start), at(start) + length)])
    return found[0].why if found else ()


def test_no_more_of_what_lies_outside_is_found_than_is_asked_for(alice: User) -> None:
    late = [Taken(alice.id, "interview", new_id(), at(f"2026-03-0{day} 22:00"), at(f"2026-03-0{day} 23:00"))
            for day in (2, 3, 4)]  # fmt: skip
    found = {enough: [each.taken for each in outside(db.session, late, enough)] for enough in (2, 5, None)}
    assert found == {2: late[:2], 5: late, None: late}


def test_outside_hours_is_said_on_the_persons_own_clock(alice: User) -> None:
    bob, unsaid = somebody("Asia/Dubai"), somebody()
    hours(bob, "09:00-12:30, 13:30-17:00")
    jane = make_candidate("Jane Doe", timezone="Asia/Tokyo")
    assert [
        why(bob, "2026-03-02 05:00"), why(bob, "2026-03-02 08:00"), why(bob, "2026-03-03 08:00"),
        why(unsaid, "2026-03-02 16:30"), why(jane, "2026-03-02 12:00"), why(jane, "2026-03-02 11:00"),
    ] == [
        (),
        ("outside working hours, 09:00-12:30, 13:30-17:00 on Mondays: "
         "Mon 2 Mar, 12:00 to 13:00 (Asia/Dubai, UTC+04:00)",),
        ("outside working hours, none on Tuesdays: Tue 3 Mar, 12:00 to 13:00 (Asia/Dubai, UTC+04:00)",),
        ("outside working hours, 09:00-17:00 on Mondays, as long as nobody has set them: "
         "Mon 2 Mar, 16:30 to 17:30 (UTC, UTC+00:00)",),
        ("early or late for the candidate: Mon 2 Mar, 21:00 to 22:00 (Asia/Tokyo, UTC+09:00)",),
        (),
    ]  # fmt: skip


def test_hours_that_meet_at_midnight_have_no_gap(alice: User) -> None:
    bob = somebody()
    hours(bob, "22:00-24:00", "00:00-06:00")
    assert (why(bob, "2026-03-02 23:30"), free(bob)) == ((), [("Mon 02 22:00", "Tue 03 06:00")])


def test_time_off_is_said_without_its_kind(alice: User) -> None:
    bob = somebody()
    away(bob, "2026-03-02 10:30", "2026-03-03 00:00", kind="sick", notes="flu")
    assert why(bob, "2026-03-02 10:00") == ("in time off, 2 Mar 2026, 10:30 to 3 Mar 2026, 00:00 (UTC, UTC+00:00)",)
    assert why(bob, "2026-03-02 09:30") == ()


def test_a_limit_counts_the_others_and_not_itself(alice: User) -> None:
    bob = somebody()
    hours(bob, *["09:00-17:00"] * 5, max_per_day=2, max_per_week=3)
    mine = engage(bob, "2026-03-02 09:00").subject_id
    engage(bob, "2026-03-02 11:00")
    assert why(bob, "2026-03-02 09:00", subject=mine) == ()
    assert why(bob, "2026-03-02 13:00") == ("over the limit of 2 a day: 2 on Mon 2 Mar, besides this one",)
    engage(bob, "2026-03-04 11:00")
    assert why(bob, "2026-03-05 13:00") == ("over the limit of 3 a week: 3 in that week, besides this one",)
    assert why(bob, "2026-03-09 13:00") == ()
