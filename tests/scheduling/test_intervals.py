"""Intervals against a model that looks at every minute, in the weeks in which the clocks change too."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.core.types import zone
from portal.scheduling.hours import walls
from portal.scheduling.intervals import Interval, common, day_start, shown, starts, union, without

PATIENT = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
ZERO = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(minute: int) -> datetime:
    return ZERO + minute * MINUTE


PAIRS = st.tuples(st.integers(0, 120), st.integers(1, 40)).map(lambda p: (at(p[0]), at(p[0] + p[1])))
SETS = st.lists(PAIRS, max_size=8)


def minutes(intervals: list[Interval]) -> set[int]:
    return {n for n in range(200) if any(start <= at(n) < end for start, end in intervals)}


def orderly(intervals: list[Interval]) -> bool:
    """In order, none empty, and none that touches the next."""
    ends = [moment for pair in intervals for moment in pair]
    return ends == sorted(set(ends))


@PATIENT
@given(SETS)
def test_a_union_has_the_minutes_of_all(given_set: list[Interval]) -> None:
    found = union(given_set)
    assert (minutes(found), orderly(found)) == (minutes(given_set), True)


@PATIENT
@given(SETS, SETS)
def test_what_is_cut_out_is_gone_and_nothing_else(given_set: list[Interval], taken: list[Interval]) -> None:
    found = without(given_set, taken)
    assert (minutes(found), orderly(found)) == (minutes(given_set) - minutes(taken), True)


@PATIENT
@given(st.lists(SETS, min_size=1, max_size=4))
def test_the_common_minutes_are_in_every_set(sets: list[list[Interval]]) -> None:
    found = common([union(each) for each in sets])
    wanted = set.intersection(*(minutes(each) for each in sets))
    assert (minutes(found), orderly(found)) == (wanted, True)


def test_of_no_set_nothing_is_common() -> None:
    assert common([]) == []


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut")
"""Lord Howe moves its clocks by half an hour, Beirut at midnight."""

CHANGES = {  # the days on which the clocks change in 2026
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
    "Asia/Beirut": (date(2026, 3, 29), date(2026, 10, 25)),
}
TEXTS = ("09:00-17:00", "00:00-24:00", "01:15-02:45", "00:00-00:30, 01:30-02:10, 23:00-24:00", "02:30-03:30", "")


def modelled(first: datetime, last: datetime, zone_name: str, texts: tuple[str, ...]) -> set[datetime]:
    """Every minute at which the clock shows a time within the hours of its day."""
    found, moment = set(), first
    while moment < last:
        wall = moment.astimezone(zone(zone_name))
        clock = timedelta(hours=wall.hour, minutes=wall.minute)
        if any(opens <= clock < closes for opens, closes in walls(texts[wall.weekday()])):
            found.add(moment)
        moment += MINUTE
    return found


def spread(intervals: list[Interval]) -> set[datetime]:
    return {start + n * MINUTE for start, end in intervals for n in range(int((end - start) / MINUTE))}


@pytest.mark.parametrize(("zone_name", "change"), [(name, day) for name in ZONES for day in CHANGES[name]])
def test_hours_are_what_the_clock_shows_in_the_week_of_a_change(zone_name: str, change: date) -> None:
    first = datetime.combine(change, time(), UTC) - timedelta(days=2)
    last = first + timedelta(days=4)
    offsets = {m.astimezone(zone(zone_name)).utcoffset() for m in (first, last)}
    assert len(offsets) == 2, "the clocks change here"
    for shift in range(len(TEXTS)):
        texts = tuple(TEXTS[(shift + day) % len(TEXTS)] for day in range(7))
        found = shown(first, last, zone_name, lambda day, texts=texts: walls(texts[day.weekday()]))  # type: ignore[misc]
        assert spread(found) == modelled(first, last, zone_name, texts)


@settings(PATIENT, max_examples=25)
@given(
    zone_name=st.sampled_from(ZONES),
    change=st.integers(0, 1),
    begins=st.integers(-2000, 2000),
    length=st.integers(1, 2500),
    texts=st.lists(st.sampled_from(TEXTS), min_size=7, max_size=7),
)
def test_hours_are_what_the_clock_shows_whatever_is_asked(
    zone_name: str, change: int, begins: int, length: int, texts: list[str]
) -> None:
    first = datetime.combine(CHANGES[zone_name][change], time(), UTC) + begins * MINUTE
    last = first + length * MINUTE
    found = shown(first, last, zone_name, lambda day: walls(texts[day.weekday()]))
    assert spread(found) == modelled(first, last, zone_name, tuple(texts))


def test_a_day_begins_when_its_midnight_is_skipped() -> None:
    told = {name: day_start(date(2026, 3, 29), name).isoformat() for name in ("Asia/Beirut", "Europe/Berlin", "UTC")}
    assert told == {
        "Asia/Beirut": "2026-03-28T22:00:00+00:00",  # when the clocks show 01:00
        "Europe/Berlin": "2026-03-28T23:00:00+00:00",
        "UTC": "2026-03-29T00:00:00+00:00",
    }


@PATIENT
@given(PAIRS, st.sampled_from([15, 20, 60]))
def test_starts_are_the_quarter_hours_from_which_it_still_fits(interval: Interval, length: int) -> None:
    wanted = [at(n) for n in range(0, 200, 15) if at(n) >= interval[0] and at(n + length) <= interval[1]]
    assert list(starts(interval, length * MINUTE)) == wanted
