"""Many slots at once: what the plan finds, what is made, how many statements it takes (issue 3)."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.workflow import Change
from portal.scheduling import slots_generator
from portal.scheduling.models import Engagement, InterviewSlot, SubjectType, TimeOff
from portal.scheduling.slots_generator import Wish
from tests.scheduling.test_slots_pages import errors, offer, person, text
from tests.support.cast import Cast
from tests.support.clock import MONDAY, Clock
from tests.support.hiring import at_work

FORM: dict[str, Any] = {
    "slot_type": "interview", "first": "2026-03-02", "last": "2026-03-06", "weekdays": ["monday", "wednesday"],
    "opens": "09:00", "closes": "12:00", "length": "45", "gap": "15", "zone": "Europe/London",
}  # fmt: skip


def _made(app: Flask, cast: Cast) -> list[Any]:
    query = sa.select(InterviewSlot.interviewer_id, InterviewSlot.start, InterviewSlot.timezone)
    with app.app_context(), at_work(cast.alice):
        return [tuple(row) for row in db.session.execute(query.order_by(InterviewSlot.id))]


def test_days_that_are_over_or_far_away_are_refused_beside_their_field(client: Any, cast: Cast, clock: Clock) -> None:
    client.log_in(cast.alice)
    told = {}
    for last in ("0001-01-01", "2026-02-28", "2031-03-08", "9999-12-31"):
        form = {**FORM, "people": [str(cast.alice.id)], "first": last, "last": last, "zone": "Asia/Dubai",
                "weekdays": ["monday", "saturday", "friday"]}  # fmt: skip
        for do in ("preview", "create"):
            answer = client.submit("/slots/generate", {**form, "do": do})
            told[last, do] = (answer.status_code, errors(answer))
    field = '<a href="#last">Last day</a>: '
    over, far = [f"{field}The last day is over."], [f"{field}A slot starts within the next 5 years."]
    words = {"0001-01-01": over, "2026-02-28": over, "2031-03-08": far, "9999-12-31": far}
    assert told == {(last, do): (422, words[last]) for last in words for do in ("preview", "create")}


def test_the_preview_makes_nothing_and_says_what_would_be_and_what_is_passed_over(
    app: Flask, client: Any, cast: Cast, clock: Clock
) -> None:
    offer(app, cast.bob, datetime(2026, 3, 4, 9, 30, tzinfo=UTC), 15)
    with app.app_context(), at_work(cast.alice):
        at = datetime(2026, 3, 4, 10, tzinfo=UTC)
        db.session.add(Engagement(subject_type=SubjectType.INTERVIEW, subject_id=cast.bob.id, person_id=cast.bob.id,
                                  user_id=cast.bob.id, start=at, end=at + timedelta(minutes=10)))  # fmt: skip
        db.session.add(TimeOff(user_id=cast.bob.id, start=at + timedelta(hours=1), end=at + timedelta(days=9)))
        db.session.commit()
    client.log_in(cast.alice)
    form = {**FORM, "people": [str(cast.alice.id), str(cast.bob.id)]}
    answer = client.submit("/slots/generate", {**form, "do": "preview"})
    page = text(answer)
    assert answer.status_code == 200, page
    assert "Preview: 7 slots" in page
    assert "Make 7 slots" in page
    told = ["1 × lies in the past: 2 Mar 09:00", "1 × overlaps another slot: 4 Mar 09:00",
            "1 × is in an engagement: 4 Mar 10:00", "1 × is time off: 4 Mar 11:00"]  # fmt: skip
    assert [words for words in told if words not in page] == []
    assert len(_made(app, cast)) == 1
    answer = client.submit("/slots/generate", {**form, "do": "create"})
    assert "7 slots made" in text(answer)
    assert [(who, f"{start.day} {start:%H:%M}") for who, start, _ in _made(app, cast)[1:]] == [
        *[(cast.alice.id, when) for when in ("2 10:00", "2 11:00", "4 09:00", "4 10:00", "4 11:00")],
        *[(cast.bob.id, when) for when in ("2 10:00", "2 11:00")],
    ]  # fmt: skip
    with app.app_context(), at_work(cast.alice):
        made = sa.select(sa.func.count()).select_from(AuditEntry).where(
            AuditEntry.entity == "interview_slots", AuditEntry.action == "created", AuditEntry.actor_id == cast.alice.id
        )  # fmt: skip
        assert db.session.scalar(made) == 7
    again = text(client.submit("/slots/generate", {**form, "do": "create"}))  # a second click
    assert ("0 slots made" in again, len(_made(app, cast))) == (True, 8)


def test_each_has_their_own_hours_where_no_zone_is_chosen(app: Flask, client: Any, cast: Cast, clock: Clock) -> None:
    with app.app_context(), at_work(cast.alice) as alice:
        alice.timezone = "Asia/Dubai"
        db.session.commit()
    client.log_in(cast.alice)
    form = {**FORM, "people": [str(cast.alice.id), str(cast.bob.id)], "zone": "", "weekdays": ["wednesday"]}
    assert client.submit("/slots/generate", {**form, "do": "create"}).status_code == 200
    assert [(who, start.hour, zone) for who, start, zone in _made(app, cast)] == [
        *[(cast.alice.id, hour, "Asia/Dubai") for hour in (5, 6, 7)],
        *[(cast.bob.id, hour, "UTC") for hour in (9, 10, 11)],
    ]  # fmt: skip


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"people": []}, "Please choose at least one person."),
    ({"people": ["no key"]}, "This is not one of the choices."),
    ({"weekdays": []}, "Please tick at least one day."),
    ({"closes": "08:00"}, "The hours end before they begin."),
    ({"closes": "09:30"}, "No slot of this length fits between these hours on these days."),
    ({"length": "4"}, "From 5 to 1440 minutes."),
    ({"gap": "-1"}, "From 0 to 1440 minutes."),
    ({"last": "2026-03-01"}, "The last day is before the first."),
    ({"last": "2026-06-02"}, "At most 92 days at once, please."),
    ({"length": "", "opens": "x", "first": "never"}, "Not a valid"),
    ({"zone": "Mars/Base"}, "Not a valid choice."),
]


def test_what_is_not_sound_is_refused_beside_its_field(app: Flask, client: Any, cast: Cast, clock: Clock) -> None:
    client.log_in(cast.alice)
    odd = {}
    for values, words in REFUSED:
        answer = client.submit("/slots/generate", {**FORM, "people": [str(cast.alice.id)], **values, "do": "create"})
        if answer.status_code != 422 or words not in text(answer):
            odd[words] = (answer.status_code, errors(answer))
    assert odd == {}
    assert _made(app, cast) == []


def test_an_interviewer_makes_slots_for_themselves_alone(app: Flask, client: Any, cast: Cast, clock: Clock) -> None:
    one = person(app, cast, "Interviewer")
    client.log_in(one)
    answer = client.submit("/slots/generate", {**FORM, "people": [str(one.id), str(cast.bob.id)], "do": "create"})
    assert (answer.status_code, "You may offer your own time alone." in text(answer)) == (422, True)
    assert client.submit("/slots/generate", {**FORM, "people": [str(one.id)], "do": "create"}).status_code == 200
    assert {who for who, *_ in _made(app, cast)} == {one.id}


def _wish(cast: Cast, **values: Any) -> Wish:
    given: dict[str, Any] = {
        "people": (cast.alice.id, cast.bob.id), "weekdays": frozenset(range(7)), "opens": time(0), "closes": time(0),
        "length": 30, "gap": 0, "first": date(2026, 3, 27), "last": date(2026, 3, 31), "zone_name": "Europe/London",
    }  # fmt: skip
    return Wish(**{**given, **values})


def test_hours_that_the_clocks_skip_make_no_slot_and_those_shown_twice_make_one(
    app: Flask, cast: Cast, clock: Clock
) -> None:
    told = {}
    with app.app_context(), at_work(cast.alice) as alice:
        for first, last in ((date(2026, 3, 29), date(2026, 3, 29)), (date(2026, 10, 25), date(2026, 10, 25))):
            plan = slots_generator.plan(db.session, _wish(cast, first=first, last=last), Change(MONDAY, alice))
            told[first] = [(len(each.stretches), {why: len(at) for why, at in each.passed.items()}) for each in plan]
    assert told == {
        date(2026, 3, 29): [(46, {"is skipped by the clocks": 2})] * 2,
        date(2026, 10, 25): [(48, {})] * 2,
    }


def test_thousands_are_made_with_a_handful_of_statements(app: Flask, cast: Cast, clock: Clock) -> None:
    def statements(days: int) -> int:
        count = 0

        def tick(*args: Any) -> None:
            nonlocal count
            count += 1

        with app.app_context(), at_work(cast.alice) as alice:
            first = date(2026, 4, 1) + timedelta(days=days)
            wish = _wish(cast, first=first, last=first + timedelta(days=days - 1))
            _ = alice.grants
            event.listen(db.engine, "before_cursor_execute", tick)
            try:
                made = slots_generator.generate(db.session, wish, Change(MONDAY, alice))
            finally:
                event.remove(db.engine, "before_cursor_execute", tick)
            db.session.commit()
        assert sum(len(each.stretches) for each in made) == 2 * 48 * days
        return count

    assert statements(1) == statements(40)
