"""Every change of the clocks of 2026 to 2030 in four zones, through form, bulk action and job: no wrong hour."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.admin import runs
from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.core.types import days_later
from portal.interviews.models import Interview
from tests.support.cast import Cast
from tests.support.hiring import at_work, make_application, make_interview

# Half an hour on Lord Howe; in Casablanca the clocks go back for Ramadan and forward after it.
ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca")
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


def changes(zone: str) -> Iterator[datetime]:
    """The moments at which the clocks of ``zone`` change, found by looking at every half hour."""
    here, at = ZoneInfo(zone), datetime(2026, 3, 10, tzinfo=UTC)
    before = at.astimezone(here).utcoffset()
    while at.year < 2031:
        at += timedelta(minutes=30)
        if (now := at.astimezone(here).utcoffset()) != before:
            before = now
            yield at


CHANGES = [(zone, at) for zone in ZONES for at in changes(zone)]
# On the day of a change and on the days around it: in the night, around the change, in office hours.
CLOCKS = ("00:30", "01:15", "02:15", "03:15", "09:00", "17:30")


def walls(clocks: Sequence[str] = CLOCKS) -> Iterator[tuple[str, datetime]]:
    """A zone, and what a clock on the wall there shows."""
    for number, (zone, at) in enumerate(CHANGES):
        day = (at.astimezone(ZoneInfo(zone)) + timedelta(days=number % 3 - 1)).date()
        for clock in clocks:
            yield zone, datetime.fromisoformat(f"{day} {clock}")


def shown(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@cache
def moments(wall: datetime, zone: str) -> list[datetime]:
    """The moments at which clocks show ``wall``: none, one or two; by trying, not by asking ``fold``."""
    near = wall.replace(tzinfo=UTC) - timedelta(hours=15)
    tries = (near + timedelta(minutes=15 * n) for n in range(120))
    return [at for at in tries if shown(at, zone) == wall]


def test_there_are_changes_to_look_at() -> None:
    assert {zone: sum(each == zone for each, _ in CHANGES) for zone in ZONES} == {
        "Europe/London": 10, "America/New_York": 9, "Australia/Lord_Howe": 10, "Africa/Casablanca": 10,
    }  # fmt: skip


def test_the_form_keeps_the_hour_that_was_typed_and_refuses_one_that_the_clocks_skip(
    app: Flask, make_client: Any, cast: Cast, clock: Any
) -> None:
    with app.app_context(), at_work(cast.alice):
        application = make_application("approved")
        row = make_interview(application)
        key = row.id
        db.session.commit()
    client, told = make_client(cast.alice), []
    for zone, wall in walls(("02:15", "09:00")):
        found, wanted = moments(wall, zone), {"scheduled_start": wall, "scheduled_end": wall + 6 * HOUR}
        times = {name: at.isoformat(timespec="minutes") for name, at in wanted.items()}
        answer = client.submit(f"/interviews/{key}/edit", form_of(client, key) | times | {"timezone": zone})
        kept = start_of(app, cast, key)
        good = answer.status_code == 302 and kept == found[0] if found else answer.status_code == 422
        if not good:
            told.append((zone, wall, answer.status_code, kept))
    assert told == []


def form_of(client: Any, key: UUID) -> dict[str, str]:
    """What the edit form would send of fields that nobody touches."""
    page = client.get(f"/interviews/{key}/edit").get_data(as_text=True)
    version = page.split('name="row_version"')[1].split('value="')[1].split('"')[0]
    return {"row_version": version, "interview_type": "video", "title": "Round one"}


def start_of(app: Flask, cast: Cast, key: UUID) -> datetime:
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        found = db.session.scalar(sa.select(Interview.scheduled_start).where(Interview.id == key))
        assert found is not None
        return found


@pytest.mark.parametrize("inline", [500, 5])
def test_moved_by_a_week_in_bulk_and_by_a_job_nine_o_clock_stays_nine_o_clock(
    app: Flask, make_client: Any, cast: Cast, clock: Any, jobs: Any, monkeypatch: pytest.MonkeyPatch, inline: int
) -> None:
    monkeypatch.setattr(runs, "INLINE", inline)  # above so many rows a job does it
    before: dict[UUID, tuple[str, datetime]] = {}
    with app.app_context(), at_work(cast.alice):
        application = make_application("interview_scheduled")
        for zone, wall in dict.fromkeys(walls()):
            found = moments(wall, zone)
            if not found or days_off(found[0], zone, before):
                continue
            start = found[0]
            row = make_interview(application, start=start, timezone=zone, audience="internal")
            before[row.id] = (zone, start)
        db.session.commit()
    client = make_client(cast.alice)
    run = client.submit("/interviews/bulk/reschedule", {"ids": [str(key) for key in before]}).location
    client.submit(run, {"how": "offset", "days": "7"})
    jobs.drain()
    assert client.get(f"{run}/progress").json | {"percent": 0} == {
        "state": "finished", "total": len(before), "done": len(before), "skipped": 0, "failed": 0, "percent": 0,
    }  # fmt: skip
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        after = {row.id: (row.scheduled_start, row.scheduled_end) for row in db.session.scalars(sa.select(Interview))}
    wrong = [
        (zone, shown(start, zone), shown(after[key][0], zone))
        for key, (zone, start) in before.items()
        if after[key] != (expected(start, zone), expected(start, zone) + HOUR)
    ]
    assert wrong == []


def days_off(start: datetime, zone: str, taken: dict[UUID, tuple[str, datetime]]) -> bool:
    """Whether the candidate would have another one at that time, now or a week later."""
    mine = (start, expected(start, zone))
    theirs = [at for other, begin in taken.values() for at in (begin, expected(begin, other))]
    return any(abs(at - each) < HOUR for at in mine for each in theirs)


@cache
def expected(start: datetime, zone: str) -> datetime:
    """A week later on the same clock; where the clocks skip that time, as much later as they skip."""
    wall = shown(start, zone) + WEEK
    for late in range(0, 121, 15):
        if found := moments(wall + timedelta(minutes=late), zone):
            return found[0]
    raise AssertionError(wall)


def test_a_skipped_time_moves_on_by_as_much_as_the_clocks_do() -> None:
    saturday = datetime(2026, 3, 7, 2, 15, tzinfo=ZoneInfo("America/New_York"))
    assert days_later(saturday, 1, "America/New_York") == datetime(2026, 3, 8, 7, 15, tzinfo=UTC)  # 03:15 EDT
