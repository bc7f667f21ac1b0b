"""What an interview derives from its columns, at every boundary (SPEC §1)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import portal.messaging.reminders  # noqa: F401 - hangs its properties on interviews
from portal.core import records
from portal.core.db import db
from portal.interviews.models import Interview
from portal.messaging.models import Reminder
from portal.people.models import User
from tests.support.clock import MONDAY, Clock
from tests.support.hiring import make_interview

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def interview(**values: Any) -> Interview:
    given = {"status": "scheduled", "timezone": "UTC", "scheduled_start": MONDAY, "scheduled_end": MONDAY + HOUR}
    return Interview(**given | values)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("values", "minutes"),
    [
        ({}, 60),
        ({"scheduled_end": MONDAY + 90 * SECOND}, 1),
        ({"scheduled_start": None}, 0),
        ({"scheduled_end": None}, 0),
        # Clocks go forward in between: what is counted is time, not what the clock shows.
        ({"scheduled_start": at("2026-03-29T00:30+00:00"), "scheduled_end": at("2026-03-29T02:30+01:00")}, 60),
    ],
)
def test_the_duration_is_0_while_a_time_is_missing(values: dict[str, Any], minutes: int) -> None:
    assert interview(**values).duration_minutes == minutes


def test_the_actual_duration_is_none_until_both_times_are_known() -> None:
    times = [(None, None), (MONDAY, None), (None, MONDAY), (MONDAY, MONDAY + 45 * 60 * SECOND)]
    assert [interview(actual_start=a, actual_end=b).actual_duration_minutes for a, b in times] == [None, None, None, 45]


def test_upcoming_is_what_is_ahead_by_its_status_and_by_its_start(clock: Clock) -> None:
    statuses = ("scheduled", "confirmed", "rescheduled", "in_progress", "completed", "cancelled", "no_show")
    soon = {status for status in statuses if interview(status=status, scheduled_start=MONDAY + SECOND).is_upcoming}
    now = {status for status in statuses if interview(status=status).is_upcoming}
    assert (soon, now) == ({"scheduled", "confirmed", "rescheduled"}, set())


def test_past_is_what_has_ended(clock: Clock) -> None:
    ends = (MONDAY - SECOND, MONDAY, MONDAY + SECOND)
    assert [interview(scheduled_start=MONDAY - HOUR, scheduled_end=end).is_past for end in ends] == [True, False, False]


@pytest.mark.parametrize(
    ("zone", "start", "now", "today"),
    [
        ("UTC", "2026-03-02T23:59:59+00:00", "2026-03-02T00:00:00+00:00", True),
        ("UTC", "2026-03-03T00:00:00+00:00", "2026-03-02T23:59:59+00:00", False),
        ("Asia/Tokyo", "2026-03-02T15:00:00+00:00", "2026-03-02T14:59:59+00:00", False),
        ("Asia/Tokyo", "2026-03-02T15:00:00+00:00", "2026-03-03T14:59:59+00:00", True),
        ("Pacific/Kiritimati", "2026-03-02T10:00:00+00:00", "2026-03-03T09:59:59+00:00", True),
        ("Pacific/Pago_Pago", "2026-03-02T10:59:00+00:00", "2026-03-02T11:00:00+00:00", False),
        # The day on which New York's clocks go forward has 23 hours: 05:00 to 04:00 UTC.
        ("America/New_York", "2026-03-08T05:00:00+00:00", "2026-03-09T03:59:59+00:00", True),
        ("America/New_York", "2026-03-08T05:00:00+00:00", "2026-03-09T04:00:00+00:00", False),
        ("Mars/Base", "2026-03-02T23:00:00+00:00", "2026-03-02T00:00:00+00:00", True),  # then UTC
    ],
)
def test_today_is_as_the_calendar_hangs_in_the_interviews_own_zone(
    clock: Clock, zone: str, start: str, now: str, today: bool
) -> None:
    clock.set(at(now))
    assert interview(timezone=zone, scheduled_start=at(start)).is_today is today


@pytest.mark.parametrize(
    ("zone", "start", "shown"),
    [
        ("Asia/Kolkata", "2026-03-02T09:00:00+00:00", "2026-03-02T14:30:00+05:30"),
        ("Europe/London", "2026-03-29T00:59:00+00:00", "2026-03-29T00:59:00+00:00"),
        ("Europe/London", "2026-03-29T01:00:00+00:00", "2026-03-29T02:00:00+01:00"),
        ("Europe/London", "2026-10-25T00:30:00+00:00", "2026-10-25T01:30:00+01:00"),
        ("Europe/London", "2026-10-25T01:30:00+00:00", "2026-10-25T01:30:00+00:00"),
        (None, "2026-03-02T09:00:00+00:00", "2026-03-02T09:00:00+00:00"),
        ("", "2026-03-02T09:00:00+00:00", "2026-03-02T09:00:00+00:00"),
        ("Mars/Base", "2026-03-02T09:00:00+00:00", "2026-03-02T09:00:00+00:00"),
    ],
)
def test_the_candidates_time_falls_back_to_the_start_where_the_zone_is_missing_or_unknown(
    zone: str | None, start: str, shown: str
) -> None:
    assert interview(candidate_timezone=zone, scheduled_start=at(start)).candidate_local_time.isoformat() == shown


def test_the_link_that_a_person_typed_comes_before_the_providers() -> None:
    typed, issued = "https://meet.example/typed", "https://zoom.example/issued"
    links = [(typed, issued), ("", issued), (None, issued), (typed, None), (None, None)]
    shown = [interview(meeting_link=a, meeting_url=b).meeting_url_display for a, b in links]
    assert shown == [typed, issued, issued, typed, ""]


# --- reminders: they follow from the rules and from what was sent ------------------------------------

KINDS = ("1day", "1hour", "15min")


def needed(row: Interview) -> list[str]:
    return [kind for kind in KINDS if getattr(row, f"needs_{kind}_reminder")]


def sent(row: Interview) -> list[str]:
    return [kind for kind in KINDS if getattr(row, f"reminder_sent_{kind}")]


@pytest.mark.parametrize(
    ("left", "kinds"),
    [
        (timedelta(hours=24, seconds=1), []),
        (timedelta(hours=24), ["1day"]),
        (timedelta(hours=23), ["1day"]),
        (timedelta(hours=23) - SECOND, []),
        (timedelta(minutes=60, seconds=1), []),
        (timedelta(minutes=60), ["1hour"]),
        (timedelta(minutes=55), ["1hour"]),
        (timedelta(minutes=55) - SECOND, []),
        (timedelta(minutes=15, seconds=1), []),
        (timedelta(minutes=15), ["15min"]),
        (timedelta(minutes=5), ["15min"]),
        (timedelta(minutes=5) - SECOND, []),
        (-SECOND, []),
    ],
)
def test_a_reminder_is_needed_between_its_due_time_and_the_last_useful_one(
    clock: Clock, left: timedelta, kinds: list[str]
) -> None:
    times = {"scheduled_start": MONDAY + left, "scheduled_end": MONDAY + left + HOUR}
    assert needed(interview(**times)) == kinds
    for status in ("in_progress", "completed", "cancelled", "no_show"):
        assert needed(interview(status=status, **times)) == []


def test_a_reminder_that_was_sent_is_not_needed_and_a_rescheduling_begins_anew(alice: User, clock: Clock) -> None:
    row = make_interview(start=MONDAY + timedelta(days=1))
    assert (needed(row), sent(row)) == (["1day"], [])
    candidate = row.application.candidate_id
    common = {"subject_id": row.id, "kind": "1day", "recipient_id": candidate, "candidate_id": candidate,
              "due_at": MONDAY, "last_useful_at": MONDAY + HOUR}  # fmt: skip
    made = records.create(db.session, Reminder, {**common, "schedule_version": 0})
    assert (needed(row), sent(row)) == (["1day"], [])  # waiting is not sent
    made.sent_at = MONDAY
    db.session.flush()
    assert (needed(row), sent(row)) == ([], ["1day"])
    row.reschedule_count = 1
    db.session.flush()
    assert (needed(row), sent(row)) == (["1day"], [])
    assert sent(make_interview(start=MONDAY + timedelta(days=1))) == []
