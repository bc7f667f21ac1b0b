"""Nobody is in two places: whatever people do in whatever order, and whatever path a write takes (SPEC §4)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from portal.core import clock as portal_clock
from portal.core.db import db, new_id
from portal.core.errors import Clash, PortalError
from portal.hiring.models import Application
from portal.interviews import actions, panels
from portal.interviews.models import AHEAD, OPEN, Interview, Panelist
from portal.interviews.workflow import INTERVIEW
from portal.messaging.models import Reminder
from portal.messaging.reminders import RULES
from portal.people.models import User
from portal.scheduling.models import Engagement
from tests.support.clock import MONDAY, Clock
from tests.support.hiring import (
    audited,
    change,
    colleague,
    make_application,
    make_candidate,
    make_interview,
    move,
)

HOUR = timedelta(hours=1)
START = MONDAY + timedelta(days=3)


def schedule(by: User, row: Application, *panel: User, start: datetime = START, **values: Any) -> Interview:
    given = {"application_id": row.id, "scheduled_start": start, "scheduled_end": start + HOUR, **values}
    return actions.schedule_interview(db.session, {"audience": "internal", **given}, panel, change(by))


def refused(does: Any) -> dict[str, list[str]]:
    with pytest.raises(Clash) as told:
        does()
    assert told.value.status == 409
    return told.value.errors


def taken(row: Interview) -> set[UUID]:
    query = sa.select(Engagement.person_id).where(Engagement.subject_id == row.id)
    return set(db.session.scalars(query))


# --- one at a time ----------------------------------------------------------------------------------


def test_an_interviewer_who_sits_elsewhere_is_refused_and_the_error_names_what_the_reader_may_see(
    alice: User,
) -> None:
    ben, recruiter = colleague("Interviewer", "Ben Bright"), colleague("Recruiter")
    schedule(alice, make_application("approved"), ben, title="Final round", timezone="Asia/Dubai")
    mine = make_application("approved", recruiter=recruiter)
    times: dict[str, Any] = {"start": START + HOUR / 2, "timezone": "Europe/London"}
    assert refused(lambda: schedule(alice, mine, ben, **times)) == {
        "scheduled_start": ["Ben Bright has “Final round” from 5 Mar 2026, 09:00 to 10:00 (Europe/London, UTC+00:00)."]
    }
    # A recruiter sees only what is their own: that somebody is busy, not with what.
    assert refused(lambda: schedule(recruiter, mine, ben, **times)) == {
        "scheduled_start": [
            "Ben Bright has another engagement from 5 Mar 2026, 09:00 to 10:00 (Europe/London, UTC+00:00)."
        ]
    }
    assert taken(schedule(alice, mine, ben, start=START + HOUR)) == {ben.id, mine.candidate_id}  # back to back


def test_a_candidate_of_two_applications_is_one_person(alice: User) -> None:
    jane = make_candidate("Jane Doe")
    one, other = make_application("approved", candidate=jane), make_application("approved", candidate=jane)
    schedule(alice, one, title="Phone screen")
    assert refused(lambda: schedule(alice, other)) == {
        "scheduled_start": ["Jane Doe has “Phone screen” from 5 Mar 2026, 09:00 to 10:00 (UTC, UTC+00:00)."]
    }


def test_time_is_given_back_and_taken_again_with_the_state(alice: User) -> None:
    ben = colleague("Interviewer")
    told = {}
    for verb in ("confirm", "start", "complete", "cancel", "no_show"):
        row = schedule(alice, make_application("approved"), ben)
        everybody = taken(row)
        if verb == "complete":
            move(row, "confirm", alice)
        at = change(alice, reason="ill") if verb != "no_show" else change(alice)
        if verb == "no_show":
            move(row, "confirm", alice)
        INTERVIEW.move(db.session(), row, verb, at)
        told[verb] = taken(row) == everybody
        if row.status in OPEN:
            INTERVIEW.move(db.session(), row, "cancel", change(alice, reason="ill"))
    assert told == {"confirm": True, "start": True, "complete": False, "cancel": False, "no_show": False}

    first = schedule(alice, make_application("approved"), ben)
    move(first, "cancel", alice, reason="ill")
    second = schedule(alice, make_application("approved"), ben)
    again = {"scheduled_start": START, "scheduled_end": START + HOUR}
    assert list(refused(lambda: move(first, "reschedule", alice, **again))) == ["scheduled_start"]
    assert (first.status, taken(first)) == ("cancelled", set())
    move(first, "reschedule", alice, scheduled_start=START + HOUR, scheduled_end=START + 2 * HOUR)
    assert taken(first) == {
        ben.id,
        db.session.get_one(Application, (alice.tenant_id, first.application_id)).candidate_id,
    }
    assert ben.id in taken(second)


def test_who_joins_a_panel_must_be_free_and_who_leaves_it_is(alice: User) -> None:
    ben, cora = colleague("Interviewer", "Ben Bright"), colleague("Interviewer", "Cora Cole")
    schedule(alice, make_application("approved"), ben, title="First")
    second = schedule(alice, make_application("approved"), cora, title="Second")
    told = refused(lambda: panels.set_panel(db.session, second, [cora, ben], change(alice)))
    assert list(told) == ["interviewers"]
    db.session.rollback()


def test_hr_overrules_knowingly_and_the_reason_is_kept(alice: User) -> None:
    ben, recruiter = colleague("Interviewer", "Ben Bright"), colleague("Recruiter")
    schedule(alice, make_application("approved"), ben, title="First")
    why = "Ben only opens the second one"
    row = schedule(alice, make_application("approved"), ben, overrule_reason=why)
    # Without the title, which names a candidate: whoever may read this interview reads its history too.
    clash = "Ben Bright has another engagement from 5 Mar 2026, 09:00 to 10:00 (UTC, UTC+00:00)."
    assert audited(row) == [("overruled a clash", {"clash": [None, clash]})]
    kept = db.session.scalars(sa.select(Engagement.overrule_reason).where(Engagement.subject_id == row.id))
    assert set(kept) == {why}
    mine = make_application("approved", recruiter=recruiter)
    with pytest.raises(PortalError, match="Only HR"):
        schedule(recruiter, mine, ben, overrule_reason="I want to")


def test_what_comes_after_an_overruled_one_must_respect_it(alice: User) -> None:
    ben = colleague("Interviewer", "Ben Bright")
    schedule(alice, make_application("approved"), ben)
    schedule(alice, make_application("approved"), ben, start=START + HOUR / 2, overrule_reason="He knows")
    late = START + HOUR  # the first is over, the overruled one is not
    assert list(refused(lambda: schedule(alice, make_application("approved"), ben, start=late))) == ["scheduled_start"]


def test_many_at_once_pass_each_other_by_and_those_without_room_are_refused_alone(alice: User) -> None:
    ben = colleague("Interviewer")
    rows = [schedule(alice, make_application("approved"), ben, start=START + n * HOUR) for n in range(4)]
    blocked = schedule(alice, make_application("approved"), ben, start=START + 5 * HOUR)
    ids = [row.id for row in rows]
    # Each moves to where the next one was; the last finds the blocked one there, and so keeps its own in the way.
    result = INTERVIEW.apply(db.session(), ids, "reschedule", change(alice, offset_minutes=60))
    assert (list(result.done), result.refused) == (ids, {})
    result = INTERVIEW.apply(db.session(), ids, "reschedule", change(alice, offset_minutes=60))
    assert (list(result.done), set(result.refused)) == ([], set(ids))
    assert {type(error) for error in result.refused.values()} == {Clash}
    move(blocked, "cancel", alice, reason="ill")
    result = INTERVIEW.apply(db.session(), ids[::-1], "reschedule", change(alice, offset_minutes=60))
    assert set(result.done) == set(ids)


def test_who_declined_is_asked_anew_by_a_rescheduling_and_so_must_be_free_then(alice: User) -> None:
    ben, cora = colleague("Interviewer"), colleague("Interviewer")
    one = schedule(alice, make_application("approved"), ben)
    other = schedule(alice, make_application("approved"), cora, start=START + 3 * HOUR)
    panels.reply(db.session, one, "declined", "", change(ben))
    schedule(alice, make_application("approved"), ben, start=START + HOUR)
    result = INTERVIEW.apply(db.session(), [one.id, other.id], "reschedule", change(alice, offset_minutes=60))
    assert (list(result.done), list(result.refused)) == ([other.id], [one.id])
    assert taken(one) == {one.application.candidate_id}
    move(one, "reschedule", alice, scheduled_start=START + 2 * HOUR, scheduled_end=START + 3 * HOUR)
    assert taken(one) == {ben.id, one.application.candidate_id}


# --- the database itself ----------------------------------------------------------------------------


def engage(person: User, start: datetime, reason: str = "") -> None:
    with db.session.begin_nested():
        db.session.execute(
            sa.insert(Engagement).values(
                tenant_id=person.tenant_id, id=new_id(), subject_type="interview", subject_id=new_id(),
                person_id=person.id, user_id=person.id, start=start, end=start + HOUR, overrule_reason=reason,
                created_at=MONDAY,
            )
        )  # fmt: skip


def test_the_database_refuses_an_overlap_whoever_writes_it(alice: User) -> None:
    ben = colleague("Interviewer")
    engage(ben, START)
    engage(ben, START + HOUR)
    engage(alice, START)
    for minutes in (-59, 0, 30, 59):
        with pytest.raises(IntegrityError, match="engagements_no_overlap"):
            engage(ben, START + timedelta(minutes=minutes))
    engage(ben, START + HOUR / 2, "He knows")
    engage(ben, START + HOUR / 2, "This too")
    with pytest.raises(IntegrityError, match="engagements_no_overlap"):
        engage(ben, START + HOUR / 2)
    mine = sa.update(Engagement).where(Engagement.person_id == ben.id, Engagement.start == START + HOUR)
    with pytest.raises(IntegrityError, match="engagements_no_overlap"):
        db.session.execute(mine.values(start=START + HOUR / 4, end=START + HOUR))


# --- any order --------------------------------------------------------------------------------------

WHAT = st.sampled_from(["schedule", "schedule", "move", "move", "move", "panel", "reply", "reply", "wait"])
STEPS = st.lists(st.tuples(WHAT, st.integers(0, 9), st.integers(0, 9)), min_size=20, max_size=20)


class Office:
    """Two candidates, one of them with two applications, and three who interview."""

    def __init__(self, alice: User) -> None:
        jane = make_candidate("Jane Doe")
        self.by = alice
        self.applications = [
            make_application("interview_scheduled", candidate=candidate) for candidate in (jane, jane, None)
        ]
        self.people = [colleague("Interviewer") for _ in range(3)]

    def panel(self, number: int) -> list[User]:
        return [user for bit, user in enumerate(self.people) if number % 8 >> bit & 1]

    def rows(self) -> list[Interview]:
        keys = [row.id for row in self.applications]
        query = sa.select(Interview).where(Interview.application_id.in_(keys))
        return list(db.session.scalars(query.order_by(Interview.id)))

    def do(self, what: str, one: int, other: int) -> str:
        """One deed, among few hours and few people, so that they often want the same."""
        start = portal_clock.now().replace(minute=0) + timedelta(days=2, hours=other % 4)
        rows = self.rows()
        if what == "schedule" or not rows:
            reason = "So it must be" if one == 9 else ""
            schedule(self.by, self.applications[one % 3], *self.panel(other), start=start, overrule_reason=reason)
            return "scheduled"
        row = rows[one % len(rows)]
        if what == "panel":
            panels.set_panel(db.session, row, self.panel(other), change(self.by))
            return "panel"
        if what == "reply":
            answer = ("declined", "accepted")[other % 2]
            panels.reply(db.session, row, answer, "", change(self.people[other % 3]))
            return answer
        moves = INTERVIEW.possible(row.status)
        if not moves:
            return "nothing"
        verb = moves[other % len(moves)].verb
        data = {"reason": "ill", "scheduled_start": start, "scheduled_end": start + HOUR}
        INTERVIEW.move(db.session(), row, verb, change(self.by, **data))
        return verb


def check_time(rows: Sequence[Interview]) -> None:
    """Just the open ones take time, of all who come, at their own hours; and nobody is in two places."""
    coming = sa.select(Panelist.interview_id, Panelist.user_id).where(Panelist.reply != "declined")
    seats = db.session.execute(coming).all()
    wanted = {
        (row.id, person, row.scheduled_start, row.scheduled_end)
        for row in rows
        if row.status in OPEN
        for person in [row.application.candidate_id, *(user for key, user in seats if key == row.id)]
    }
    found = db.session.scalars(sa.select(Engagement)).all()
    assert {(each.subject_id, each.person_id, each.start, each.end) for each in found} == wanted
    for one, other in combinations(found, 2):
        apart = one.person_id != other.person_id or one.end <= other.start or other.end <= one.start
        assert apart or one.overrule_reason or other.overrule_reason


def check_reminders(rows: Sequence[Interview]) -> None:
    """Those that wait are of the present schedule, for all who come, and of nothing that is not ahead."""
    waiting = sa.select(Reminder).where(Reminder.void_at.is_(None), Reminder.queued_at.is_(None))
    waiting = waiting.where(Reminder.kind.in_([rule.kind for rule in RULES]))  # owed feedback has its own
    found = {
        (each.subject_id, each.schedule_version, each.kind, each.recipient_id, each.due_at)
        for each in db.session.scalars(waiting)
    }
    seats = db.session.execute(sa.select(Panelist.interview_id, Panelist.user_id)).all()
    wanted = {
        (row.id, row.reschedule_count, rule.kind, person, row.scheduled_start - rule.due)
        for row in rows
        if row.status in AHEAD
        for rule in RULES
        for person in [row.application.candidate_id, *(user for key, user in seats if key == row.id)]
    }
    soon = {key for key in wanted if key[4] <= portal_clock.now()}  # written too late for it, or about to go
    assert wanted - soon <= found <= wanted


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_any_sequence_of_deeds_leaves_everybody_in_one_place(
    alice: User, clock: Clock, steps: list[tuple[str, int, int]]
) -> None:
    clock.set(MONDAY)
    with db.session.begin_nested() as all_of_it:
        office = Office(alice)
        for what, one, other in steps:
            if what == "wait":
                clock.forward(hours=other)
                continue
            try:
                with db.session.begin_nested():
                    event(office.do(what, one, other))
            except PortalError as error:
                event(type(error).__name__)
            db.session.expire_all()
        rows = office.rows()
        check_time(rows)
        check_reminders(rows)
        for row in rows:
            assert row.version == 1 + sum(action not in ("overruled a clash", "reply") for action, _ in audited(row))
        all_of_it.rollback()


def test_the_makers_of_other_tests_take_no_time(alice: User) -> None:
    assert taken(make_interview(panel=[alice])) == set()
