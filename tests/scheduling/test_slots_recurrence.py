"""Rules of recurring slots, on the wall clock of their zone across every change of 2026–2030 (SPEC §1, issue 3).

The comparison goes day by day over the calendar, and finds the moment of a wall time by trying the offsets that are
in force around it: neither RRULE nor PEP 495's fold has a part in it.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.scheduling import recurrence
from portal.scheduling.models import WEEKDAYS
from portal.scheduling.recurrence import spoken, unfold

ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
HOURS = [time(0), time(0, 30), time(1, 30), time(1, 45), time(2), time(2, 15), time(2, 30), time(3), time(9)]


def _offset(at: datetime, here: ZoneInfo) -> timedelta:
    return at.astimezone(here).utcoffset() or timedelta()


def _moment(wall: datetime, here: ZoneInfo) -> datetime:
    """The first moment at which clocks show ``wall``; where none do, as with the offset from before the gap."""
    around = wall.replace(tzinfo=UTC)
    offsets = {_offset(around + n * HOUR, here) for n in range(-36, 37)}
    found = [around - offset for offset in offsets if _offset(around - offset, here) == offset]
    return min(found) if found else around - min(offsets)


def _changes(zone: str) -> Iterator[datetime]:
    """The hours of 2026–2030 in which the clocks of ``zone`` are changed."""
    here, at = ZoneInfo(zone), datetime(2026, 1, 1, tzinfo=UTC)
    while at.year < 2031:
        if _offset(at, here) != _offset(at + DAY, here):
            yield next(at + n * HOUR for n in range(24) if _offset(at + n * HOUR, here) != _offset(at + DAY, here))
        at += DAY


def test_the_zones_change_their_clocks_as_often_as_expected() -> None:
    assert {zone: len(list(_changes(zone))) for zone in ZONES[:3]} == dict.fromkeys(ZONES[:3], 10)
    assert len(list(_changes(ZONES[3]))) >= 10


@pytest.mark.parametrize("zone", ZONES)
def test_a_daily_slot_keeps_its_wall_time_across_every_change(zone: str) -> None:
    here, wrong = ZoneInfo(zone), {}
    for change in _changes(zone):
        for hour in HOURS:
            first = datetime.combine(change.astimezone(here).date() - 3 * DAY, hour)
            days = [first + n * DAY for n in range(7)]
            made = unfold("FREQ=DAILY;COUNT=7", _moment(first, here), zone).starts
            if made != tuple(_moment(day, here) for day in days):
                wrong[change, hour] = made
    assert wrong == {}


def test_a_wall_time_that_the_clocks_skip_comes_later_and_one_shown_twice_means_the_first() -> None:
    spring = unfold("FREQ=DAILY;COUNT=3", datetime(2026, 3, 28, 1, 30, tzinfo=UTC), "Europe/London")
    autumn = unfold("FREQ=DAILY;COUNT=3", datetime(2026, 10, 24, 0, 30, tzinfo=UTC), "Europe/London")
    assert [f"{at.astimezone(ZoneInfo('Europe/London')):%d %H:%M %z}" for at in (*spring.starts, *autumn.starts)] == [
        "28 01:30 +0000", "29 02:30 +0100", "30 01:30 +0100", "24 01:30 +0100", "25 01:30 +0100", "26 01:30 +0000",
    ]  # fmt: skip


def _fits(day: date, first: date, repeat: str, every: int, weekdays: list[str]) -> bool:
    """Whether the calendar has an occurrence on ``day``."""
    if repeat == "days":
        return (day - first).days % every == 0
    if repeat == "weeks":
        weeks = ((day - day.weekday() * DAY) - (first - first.weekday() * DAY)).days // 7
        return weeks % every == 0 and WEEKDAYS[day.weekday()] in (weekdays or [WEEKDAYS[first.weekday()]])
    return ((day.year - first.year) * 12 + day.month - first.month) % every == 0 and day.day == first.day


minutes_of_years = st.integers(0, 60 * 24 * 1600)
moments = minutes_of_years.map(lambda n: datetime.combine(date(2026, 1, 1), time()) + timedelta(minutes=n))


@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from(ZONES), wall=moments, repeat=st.sampled_from(["days", "weeks", "months"]),
    every=st.integers(1, 6), weekdays=st.lists(st.sampled_from(WEEKDAYS), max_size=7), length=st.integers(0, 300),
)  # fmt: skip
def test_what_people_say_names_the_days_that_the_calendar_names(
    zone: str, wall: datetime, repeat: str, every: int, weekdays: list[str], length: int
) -> None:
    here = ZoneInfo(zone)
    start = _moment(wall, here)
    first = start.astimezone(here).replace(tzinfo=None)
    until = first.date() + length * DAY
    days = (first.date() + n * DAY for n in range(length + 1))
    walls = [datetime.combine(d, first.time()) for d in days if _fits(d, first.date(), repeat, every, weekdays)]
    rule = spoken(repeat, every, weekdays, until, start.astimezone(here))
    if not walls:
        with pytest.raises(ValueError, match="no occurrence"):
            unfold(rule, start, zone)
        return
    made = unfold(rule, start, zone)
    assert made.starts == tuple(_moment(each, here) for each in walls)
    assert all(b > a for a, b in zip(made.starts, made.starts[1:], strict=False))
    assert unfold(made.rule, start, zone) == made  # as it is kept it names the same ones


@settings(max_examples=80, deadline=None)
@given(zone=st.sampled_from(ZONES), wall=moments, count=st.integers(1, 60), minutes=st.integers(0, 60 * 24 * 50))
def test_an_end_is_honoured_to_the_moment_and_a_count_becomes_one(
    zone: str, wall: datetime, count: int, minutes: int
) -> None:
    start = _moment(wall, ZoneInfo(zone))
    counted = unfold(f"FREQ=DAILY;COUNT={count}", start, zone)
    assert (len(counted.starts), unfold(counted.rule, start, zone)) == (count, counted)
    end = start + timedelta(minutes=minutes)
    ended = unfold(f"FREQ=DAILY;UNTIL={end:%Y%m%dT%H%M%SZ}", start, zone).starts
    more = unfold("FREQ=DAILY;COUNT=60", start, zone).starts
    assert ended == tuple(at for at in more if at <= end)


START = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday

REFUSED = {
    "": "Write a rule such as FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261218. FREQ is one of DAILY, WEEKLY, MONTHLY, YEARLY.",
    "FREQ=HOURLY;COUNT=2": "Write a rule such as FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261218. "
                           "FREQ is one of DAILY, WEEKLY, MONTHLY, YEARLY.",
    "FREQ=DAILY": "A rule needs an end: either UNTIL or COUNT.",
    "FREQ=DAILY;COUNT=2;UNTIL=20260601": "A rule needs an end: either UNTIL or COUNT.",
    "FREQ=DAILY;COUNT=401": "COUNT is a whole number from 1 to 400.",
    "FREQ=DAILY;COUNT=²": "COUNT is a whole number from 1 to 400.",
    "FREQ=DAILY;INTERVAL=0;COUNT=1": "INTERVAL is a whole number from 1 to 99.",
    "FREQ=DAILY;BYHOUR=9;COUNT=1": "BYHOUR cannot be used here. "
                                   "Write a rule such as FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261218.",
    "FREQ=DAILY;UNTIL=20280101": "These are more than 400 occurrences; please give an earlier end.",
    "FREQ=YEARLY;COUNT=9": "So many occurrences take longer than 5 years.",
    "FREQ=DAILY;UNTIL=20400101": "A series ends within 5 years; please give an earlier end.",
    "FREQ=DAILY;UNTIL=tomorrow": "UNTIL is a day such as 20261218, or a time such as 20261218T170000.",
    "FREQ=DAILY;UNTIL=20260301": "This rule has no occurrence between the start and its end.",
    # No day fits these: looked for until the end of the calendar they would take seconds.
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=1": "This rule has no occurrence between the start and its end.",
    "FREQ=DAILY;INTERVAL=7;BYDAY=TU;COUNT=1": "This rule has no occurrence between the start and its end.",
    "FREQ=WEEKLY;BYDAY=XX;COUNT=1": "Write a rule such as FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261218.",
    "FREQ=MONTHLY;BYMONTHDAY=x;COUNT=1": "Write a rule such as FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261218.",
}  # fmt: skip


def test_a_rule_that_says_nothing_sound_is_refused_in_words() -> None:
    told = {}
    for rule in REFUSED:
        with pytest.raises(ValueError) as error:  # noqa: PT011 - the words are compared
            unfold(rule, START, "UTC")
        told[rule] = str(error.value)
    assert told == REFUSED


def test_a_rule_is_read_as_people_write_it_and_told_in_words() -> None:
    said = {
        "rrule:freq=weekly; byday=mo,we; count=3": "Every week on Monday, Wednesday until 9 Mar 2026",
        "FREQ=DAILY;INTERVAL=2;UNTIL=20260310": "Every 2 days until 10 Mar 2026",
        "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=2": "Every month on day 31 until 31 May 2026",
        "FREQ=MONTHLY;BYDAY=-1FR;COUNT=2": "FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20260424T090000Z",
    }
    assert {rule: recurrence.in_words(unfold(rule, START, "UTC").rule, "UTC") for rule in said} == said
