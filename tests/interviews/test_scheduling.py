"""Schedule, change, set the panel, reassign: what is refused, and what is written (SPEC §2, §4)."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portal.core import records
from portal.core.db import db
from portal.core.errors import Invalid, Missing, NotAllowed, PortalError
from portal.hiring.models import Application
from portal.interviews import actions
from portal.interviews.models import Interview, Panelist
from portal.interviews.panels import set_panel
from portal.people.models import User
from tests.support.cast import Cast
from tests.support.clock import MONDAY
from tests.support.hiring import (
    activities,
    at_work,
    audited,
    change,
    colleague,
    events,
    make_application,
    make_candidate,
    make_interview,
)

HOUR = timedelta(hours=1)
START = MONDAY + timedelta(days=3)
TIMES: dict[str, Any] = {"scheduled_start": START, "scheduled_end": START + HOUR}


def schedule(by: User, application: Application, *panel: User, **values: Any) -> Interview:
    given = {"application_id": application.id, "interview_type": "in_person", **TIMES, **values}
    return actions.schedule_interview(db.session, given, panel, change(by))


def edit(by: User, row: Interview, panel: list[User] | None = None, **values: Any) -> Interview:
    return actions.change_interview(db.session, row, values, panel, values.pop("version", row.version), change(by))


def panel_of(row: Interview) -> list[Any]:
    query = sa.select(Panelist.user_id, Panelist.part).where(Panelist.interview_id == row.id).order_by(Panelist.id)
    return [tuple(each) for each in db.session.execute(query)]


def refusal(error: PortalError) -> Any:
    return error.errors if isinstance(error, Invalid) else error.message


def test_a_new_interview_takes_what_was_left_empty_from_the_candidate_and_who_schedules_it(alice: User) -> None:
    bob = colleague("Interviewer")
    application = make_application("approved", candidate=make_candidate("Zoë O'Neill", timezone="Asia/Dubai"))
    row = schedule(alice, application, bob, alice, bob, title="", organizer_id=None)
    assert (row.title, row.candidate_timezone, row.organizer_id, row.status, row.version) == (
        "In person interview with Zoë O'Neill", "Asia/Dubai", alice.id, "scheduled", 1,
    )  # fmt: skip
    assert panel_of(row) == [(bob.id, "lead"), (alice.id, "panelist")]
    assert [line for line in activities(application) if line[0] == "interview_scheduled"] == [
        ("interview_scheduled", "", START.isoformat(), row.title)
    ]
    told = {"version": 1, "start": START.isoformat(), "schedule": 0, "actor": str(alice.id)}
    assert events(row) == [("InterviewScheduled", told)]


def test_what_was_given_stands(alice: User) -> None:
    organizer = colleague("Interview Coordinator")
    given = {"title": "Round 2", "candidate_timezone": "Europe/Paris", "organizer_id": organizer.id}
    row = schedule(alice, make_application("approved"), **given)
    assert {name: getattr(row, name) for name in given} == given


SOON = {"scheduled_start": ["The start must be in the future."]}
UNAPPROVED = (
    "A client's interview needs an approved application; this one is “Documents verified”. "
    "Approve it first, or choose the internal audience."
)
REFUSED: list[tuple[str, dict[str, Any], Any]] = [
    # the application's status, the values, the refusal
    ("approved", {"scheduled_start": MONDAY, "scheduled_end": MONDAY + HOUR}, SOON),
    ("approved", {"scheduled_start": MONDAY - HOUR, "scheduled_end": MONDAY + HOUR}, SOON),
    ("approved", {"scheduled_end": START}, {"scheduled_end": ["The end must be after the start."]}),
    ("approved", {"scheduled_end": START - HOUR}, {"scheduled_end": ["The end must be after the start."]}),
    ("approved", {"scheduled_end": START + 25 * HOUR}, {"scheduled_end": ["An interview lasts 24 hours at most."]}),
    ("approved", {"scheduled_start": None, "scheduled_end": None},
     {"scheduled_start": ["Please fill this in."], "scheduled_end": ["Please fill this in."]}),
    ("approved", {"application_id": None}, {"application_id": ["Please choose an application."]}),
    ("approved", {"timezone": "Mars/Base"},
     {"timezone": ["“Mars/Base” is not a time zone. Choose one such as Europe/Berlin."]}),
    ("approved", {"meeting_link": "javascript:alert(1)"},
     {"meeting_link": ["Write a full web address that starts with http:// or https://."]}),
    ("approved", {"interview_type": "duel"}, {"interview_type": [
        "“duel” is not one of: phone, video, in_person, technical, panel, assessment, final, culture_fit, "
        "case_study, behavioral."]}),
    ("documents_verified", {}, {"application_id": [UNAPPROVED]}),
    ("on_hold", {}, {"application_id": ["This application is closed or on hold (on hold)."]}),
    ("hired", {"audience": "internal"}, {"application_id": ["This application is closed or on hold (hired)."]}),
    ("withdrawn", {}, {"application_id": ["This application is closed or on hold (withdrawn)."]}),
]  # fmt: skip


def test_what_breaks_a_rule_is_refused_beside_its_field_and_nothing_is_written(alice: User) -> None:
    told = []
    for status, values, _ in REFUSED:
        application = make_application(status)
        with pytest.raises(Invalid) as error:
            schedule(alice, application, **values)
        told.append(error.value.errors)
        assert (activities(application), application.status) == ([], status)
    assert told == [errors for *_, errors in REFUSED]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Interview)) == 0


def test_a_past_interview_is_recorded_knowingly_and_only_by_who_writes_interviews(alice: User) -> None:
    past = {"scheduled_start": MONDAY - 2 * HOUR, "scheduled_end": MONDAY - HOUR, "allow_past": True}
    told: dict[str, Any] = {}
    for role in ("System Admin", "HR", "Recruiter", "Interview Coordinator"):
        user = colleague(role)
        application = make_application("approved", recruiter=user, coordinator=user)
        try:
            told[role] = schedule(user, application, **past).status
        except Invalid as error:
            told[role] = error.errors
    only_hr = {"allow_past": ["Only HR may record an interview of the past."]}
    assert told == {"System Admin": "scheduled", "HR": "scheduled", "Recruiter": only_hr,
                    "Interview Coordinator": only_hr}  # fmt: skip


def test_one_schedules_for_applications_within_ones_scope_alone(alice: User) -> None:
    recruiter = colleague("Recruiter")
    assert schedule(recruiter, make_application("approved", recruiter=recruiter)).organizer_id == recruiter.id
    with pytest.raises(NotAllowed, match="You may not schedule interviews for this application"):
        schedule(recruiter, make_application("approved"))


def test_the_panel_is_of_active_people_of_the_same_tenant(alice: User, cast: Cast) -> None:
    gone = colleague("Interviewer", "Gone Girl")
    gone.active = False
    with pytest.raises(Invalid) as told:
        schedule(alice, make_application("approved"), alice, gone)
    assert told.value.errors == {"interviewers": ["No longer active: Gone Girl."]}
    row = make_interview(panel=[gone])
    edit(alice, row, [gone, alice])  # who sat on it may stay
    with at_work(cast.charlie) as charlie, pytest.raises(IntegrityError), at_work(cast.alice):
        schedule(alice, make_application("approved"), charlie)


def test_a_stale_save_is_refused_with_the_row_as_it_stands_now(alice: User) -> None:
    bob = colleague("HR")
    row = make_interview()
    before = row.title
    edit(alice, row, title="By Alice", version=1)
    with pytest.raises(records.Stale) as told:
        edit(bob, row, title="By Bob", version=1)
    assert (told.value.row.title, told.value.row.version) == ("By Alice", 2)
    assert audited(row) == [("changed", {"title": [before, "By Alice"]})]


def test_a_change_of_the_panel_alone_makes_an_older_save_stale(alice: User) -> None:
    bob = colleague("Interviewer")
    row = make_interview(panel=[alice])
    edit(alice, row, [alice, bob], version=1)
    with pytest.raises(records.Stale):
        edit(alice, row, [alice], title="With the old panel", version=1)
    assert panel_of(row) == [(alice.id, "lead"), (bob.id, "panelist")]


def test_a_save_that_changes_nothing_writes_nothing(alice: User) -> None:
    row = make_interview(panel=[alice])
    edit(alice, row, [alice], title=row.title, scheduled_start=row.scheduled_start, scheduled_end=row.scheduled_end)
    assert (row.version, row.status, audited(row), events(row)) == (1, "scheduled", [], [])


def test_new_times_in_an_edit_are_a_rescheduling(alice: User) -> None:
    row = make_interview(status="confirmed", confirmed_at=MONDAY)
    old = row.scheduled_start.isoformat()
    edit(alice, row, **TIMES)
    assert (row.status, row.reschedule_count, row.confirmed_at, row.scheduled_start) == ("rescheduled", 1, None, START)
    told = {"version": 2, "start": START.isoformat(), "old_start": old, "schedule": 1, "reason": "",
            "actor": str(alice.id), "verb": "reschedule", "from": "confirmed", "to": "rescheduled"}  # fmt: skip
    assert events(row) == [("InterviewRescheduled", told)]


def test_a_new_end_alone_is_a_rescheduling_too(alice: User) -> None:
    row = make_interview(start=START)
    edit(alice, row, scheduled_end=START + 2 * HOUR)
    assert (row.status, row.scheduled_start, row.duration_minutes) == ("rescheduled", START, 120)


def test_the_times_of_an_interview_that_goes_on_or_is_over_stay(alice: User) -> None:
    told = {}
    for status in ("in_progress", "completed"):
        row = make_interview(status=status)
        with pytest.raises(Invalid) as error:
            edit(alice, row, title="Another", **TIMES)
        told[status] = error.value.errors
        db.session.rollback()
    assert told == {status: {"scheduled_start": [f"The times of an interview that is {status.replace('_', ' ')} stay."]}
                    for status in told}  # fmt: skip


def test_an_interview_stays_with_its_application(alice: User) -> None:
    row, other = make_interview(), make_application()
    before = row.application_id
    edit(alice, row, application_id=other.id, title="Moved?")
    assert (row.application_id, row.title) == (before, "Moved?")


def test_who_is_added_and_removed_is_told_and_who_stays_keeps_their_reply(alice: User) -> None:
    stays, goes, comes = (colleague("Interviewer") for _ in range(3))
    row = make_interview(panel=[stays, goes])
    db.session.execute(sa.update(Panelist).where(Panelist.user_id == stays.id).values(reply="accepted"))
    set_panel(db.session, row, [comes, stays], change(alice))
    query = sa.select(Panelist.user_id, Panelist.part, Panelist.reply).where(Panelist.interview_id == row.id)
    assert {tuple(each) for each in db.session.execute(query)} == {
        (comes.id, "lead", "needs_action"), (stays.id, "panelist", "accepted"),
    }  # fmt: skip
    said = {"schedule": 0, "start": row.scheduled_start.isoformat()}
    assert events(row) == [
        ("InterviewerAdded", {"user": str(comes.id), **said}), ("InterviewerRemoved", {"user": str(goes.id), **said}),
    ]  # fmt: skip


def test_interviews_are_handed_to_another_organizer_each_with_its_line(alice: User) -> None:
    recruiter, organizer = colleague("Recruiter"), colleague("Interview Coordinator", "Olga Or")
    mine = make_application("interview_scheduled", recruiter=recruiter)
    first = make_interview(mine, organizer_id=alice.id)
    has, others = make_interview(mine, organizer_id=organizer.id), make_interview()
    result = actions.reassign_organizer(
        db.session, [first.id, has.id, others.id], change(recruiter, organizer=organizer)
    )
    assert list(result.done) == [first.id]
    assert {key: (type(e), refusal(e)) for key, e in result.refused.items()} == {
        has.id: (Invalid, {"organizer": ["Olga Or organizes it already."]}),
        others.id: (Missing, "There is nothing here, or nothing you may see."),
    }
    assert (first.organizer_id, others.organizer_id) == (organizer.id, None)
    assert activities(mine) == [("assigned", "Alice Ardent", "Olga Or", "Organizer")]
    organizer.active = False
    with pytest.raises(Invalid, match="Olga Or is no longer active"):
        actions.reassign_organizer(db.session, [others.id], change(alice, organizer=organizer))
