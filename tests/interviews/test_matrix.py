"""Every status × every verb of an interview, what a move sets, and that it is written down (SPEC §2)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from portal.core.db import db
from portal.core.errors import Invalid, PortalError, WrongState
from portal.hiring.models import Application
from portal.interviews.models import Interview
from portal.interviews.workflow import INTERVIEW
from portal.people.models import User
from tests.support.clock import MONDAY, Clock
from tests.support.hiring import activities, audited, change, colleague, events, make_application, make_interview, move

HOUR = timedelta(hours=1)
SOON, LATER = MONDAY + HOUR, MONDAY + timedelta(days=7)

VERBS = ("confirm", "start", "complete", "reschedule", "no_show", "cancel", "pass", "fail")
MATRIX: dict[str, tuple[str | None, ...]] = {
    # once the start has passed; a reason and new times are given
    "scheduled": ("confirmed", "in_progress", None, "rescheduled", "no_show", "cancelled", None, None),
    "rescheduled": ("confirmed", "in_progress", None, "rescheduled", "no_show", "cancelled", None, None),
    "confirmed": (None, "in_progress", "completed", "rescheduled", "no_show", "cancelled", None, None),
    "in_progress": (None, None, "completed", None, "no_show", "cancelled", None, None),
    "completed": (None, None, None, None, None, None, "completed", "completed"),
    "cancelled": (None, None, None, "rescheduled", None, None, None, None),
    "no_show": (None, None, None, "rescheduled", None, None, None, None),
}
TITLES = {
    "confirm": "Confirm", "start": "Start", "complete": "Complete", "reschedule": "Reschedule",
    "no_show": "Mark no-show", "cancel": "Cancel", "pass": "Record: passed", "fail": "Record: failed",
}  # fmt: skip
POSSIBLE = {
    "scheduled": "Confirm, Start, Reschedule, Mark no-show, Cancel",
    "rescheduled": "Confirm, Start, Reschedule, Mark no-show, Cancel",
    "confirmed": "Start, Complete, Reschedule, Mark no-show, Cancel",
    "in_progress": "Complete, Mark no-show, Cancel",
    "completed": "Record: passed, Record: failed",
    "cancelled": "Reschedule",
    "no_show": "Reschedule",
}
WORDS = {status: status.replace("_", " ") for status in MATRIX}
DATA: dict[str, dict[str, Any]] = {
    "confirm": {"confirmed_by_candidate": True},
    "reschedule": {"scheduled_start": LATER, "scheduled_end": LATER + 2 * HOUR},
    "cancel": {"reason": "The ward is closed"},
}


def cell(status: str, verb: str) -> str:
    """Where the move leads, or how it is refused."""
    target = MATRIX[status][VERBS.index(verb)]
    refusal = f"This interview is {WORDS[status]}; “{TITLES[verb]}” does not start from there."
    return target or f"{refusal} Possible now: {POSSIBLE[status]}."


def of(row: Interview) -> Application:
    return db.session.get_one(Application, (row.tenant_id, row.application_id))


def columns(row: Interview) -> dict[str, Any]:
    return {attr.key: getattr(row, attr.key) for attr in sa.inspect(Interview).column_attrs}


def written(row: Interview) -> list[Any]:
    """All that stands about the interview in activities, audit and outbox."""
    db.session.flush()
    return [activities(of(row)), audited(row), events(row)]


def test_each_cell_of_the_matrix_is_a_target_or_a_refusal_that_says_what_is_possible(alice: User) -> None:
    told: dict[tuple[str, str], str] = {}
    kinds = set()
    for verb in VERBS:
        rows = {make_interview(status=status, start=MONDAY - HOUR).id: status for status in MATRIX}
        result = INTERVIEW.apply(db.session(), list(rows), verb, change(alice, **DATA.get(verb, {})))
        told |= {(rows[key], verb): moved.target for key, moved in result.done.items() if moved}
        told |= {(rows[key], verb): error.message for key, error in result.refused.items()}
        kinds |= {type(error) for error in result.refused.values()}
    assert told == {(status, verb): cell(status, verb) for status in MATRIX for verb in VERBS}
    assert kinds == {WrongState}


START = (MONDAY + timedelta(days=2)).isoformat()
SETS: dict[str, tuple[str, dict[str, tuple[Any, Any]]]] = {
    # verb: (from, {column: (before, after)}), besides status, version and updated_at
    "confirm": ("scheduled", {"confirmed_at": (None, MONDAY), "confirmed_by_candidate": (False, True)}),
    "start": ("confirmed", {"actual_start": (None, MONDAY)}),
    "complete": ("in_progress", {"actual_end": (None, MONDAY)}),
    "no_show": ("confirmed", {}),
    "cancel": ("confirmed", {"cancelled_at": (None, MONDAY), "cancellation_reason": ("", "The ward is closed")}),
    "reschedule": (
        "scheduled",
        {
            "scheduled_start": (MONDAY + timedelta(days=2), LATER),
            "scheduled_end": (MONDAY + timedelta(days=2, hours=1), LATER + 2 * HOUR),
            "reschedule_count": (0, 1),
        },
    ),
    "pass": ("completed", {"outcome": (None, "passed")}),
    "fail": ("completed", {"outcome": (None, "failed")}),
}
WRITTEN = {
    # verb: (activity, its old and new value, event)
    "confirm": ("interview_confirmed", "scheduled", "confirmed", "InterviewConfirmed"),
    "start": ("interview_started", "confirmed", "in_progress", "InterviewStarted"),
    "complete": ("interview_completed", "in_progress", "completed", "InterviewCompleted"),
    "no_show": ("interview_no_show", "confirmed", "no_show", "InterviewNoShow"),
    "cancel": ("interview_cancelled", "confirmed", "cancelled", "InterviewCancelled"),
    "reschedule": ("interview_rescheduled", START, LATER.isoformat(), "InterviewRescheduled"),
    "pass": ("interview_outcome", "completed", "passed", "InterviewOutcomeRecorded"),
    "fail": ("interview_outcome", "completed", "failed", "InterviewOutcomeRecorded"),
}


def plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


@pytest.mark.parametrize("verb", VERBS)
def test_a_move_sets_its_columns_and_is_written_down_once_in_each_book(alice: User, verb: str) -> None:
    source, expected = SETS[verb]
    # An application that stands aside, so that only the interview's own lines are there.
    row = make_interview(make_application("mock_interview_completed"), source)
    before = columns(row)
    move(row, verb, alice, **DATA.get(verb, {}))
    after = columns(row)

    target = MATRIX[source][VERBS.index(verb)]
    steps = {"status": (source, target)} if source != target else {}
    assert {k: (before[k], after[k]) for k in before if before[k] != after[k]} == steps | expected | {"version": (1, 2)}
    activity, old, new, event = WRITTEN[verb]
    reason = DATA.get(verb, {}).get("reason", "")
    told = {
        "version": 2, "start": plain(after["scheduled_start"]), "old_start": START,
        "schedule": after["reschedule_count"], "reason": reason, "actor": str(alice.id),
        "verb": verb, "from": source, "to": target,
    }  # fmt: skip
    changed = {name: [plain(was), plain(is_)] for name, (was, is_) in (steps | expected).items()}
    assert written(row) == [[(activity, old, new, reason)], [(verb, changed)], [(event, told)]]


def test_a_rescheduling_clears_confirmation_cancellation_and_what_had_begun(alice: User) -> None:
    was: dict[str, Any] = {
        "confirmed_at": MONDAY,
        "confirmed_by_candidate": True,
        "actual_start": MONDAY,
        "reschedule_count": 3,
    }
    row = make_interview(status="cancelled", **was)
    move(row, "reschedule", alice, scheduled_start=LATER)
    assert {k: v for k, v in columns(row).items() if k in {*was, "cancelled_at", "cancellation_reason"}} == {
        "confirmed_at": None, "confirmed_by_candidate": False, "actual_start": None, "reschedule_count": 4,
        "cancelled_at": None, "cancellation_reason": "",
    }  # fmt: skip
    assert (row.scheduled_start, row.scheduled_end) == (LATER, LATER + HOUR)  # it keeps its length


def test_many_are_rescheduled_by_an_offset_each_keeping_its_length(alice: User) -> None:
    rows = [make_interview(start=SOON, minutes=30), make_interview(start=LATER, minutes=90)]
    INTERVIEW.apply(db.session(), [row.id for row in rows], "reschedule", change(alice, offset_minutes=60))
    assert [(row.scheduled_start, row.duration_minutes) for row in rows] == [(SOON + HOUR, 30), (LATER + HOUR, 90)]


NOT_BEGUN = "This interview has not begun yet; an unconfirmed one can be marked a no-show once its start has passed."
REFUSED: list[tuple[str, str, dict[str, Any], dict[str, Any], str | dict[str, list[str]]]] = [
    # verb, from, the interview's values, what the form says, the refusal
    ("no_show", "scheduled", {"start": SOON}, {}, NOT_BEGUN),
    ("no_show", "rescheduled", {"start": MONDAY + timedelta(seconds=1)}, {}, NOT_BEGUN),
    ("cancel", "confirmed", {}, {}, {"reason": ["Please give a reason."]}),
    ("cancel", "confirmed", {}, {"reason": " \n"}, {"reason": ["Please give a reason."]}),
    ("reschedule", "scheduled", {}, {"scheduled_start": MONDAY - HOUR},
     {"scheduled_start": ["The start must be in the future."]}),
    ("reschedule", "scheduled", {}, {"scheduled_start": MONDAY},
     {"scheduled_start": ["The start must be in the future."]}),
    ("reschedule", "scheduled", {}, {"offset_minutes": -3 * 1440},
     {"scheduled_start": ["The start must be in the future."]}),
    ("reschedule", "scheduled", {}, {"scheduled_start": LATER, "scheduled_end": LATER - HOUR},
     {"scheduled_end": ["The end must be after the start."]}),
    ("reschedule", "scheduled", {}, {"scheduled_start": LATER, "scheduled_end": LATER},
     {"scheduled_end": ["The end must be after the start."]}),
    ("reschedule", "scheduled", {}, {"scheduled_start": LATER, "scheduled_end": LATER + 25 * HOUR},
     {"scheduled_end": ["An interview lasts 24 hours at most."]}),
    ("pass", "completed", {"audience": "internal"}, {}, {"outcome": ["Only a client's interview has an outcome."]}),
    ("complete", "in_progress", {"audience": "internal"}, {"outcome": "passed"},
     {"outcome": ["Only a client's interview has an outcome."]}),
    ("complete", "in_progress", {}, {"outcome": "perhaps"}, {"outcome": ["“perhaps” is not one of: passed, failed."]}),
    ("fail", "completed", {"outcome": "passed"}, {}, "The outcome was recorded already: passed."),
]  # fmt: skip


def test_a_guard_refuses_and_nothing_is_written(alice: User) -> None:
    told = []
    for verb, source, values, data, _ in REFUSED:
        row = make_interview(status=source, **values)
        before = columns(row)
        with pytest.raises(PortalError) as error:
            move(row, verb, alice, **data)
        told.append(error.value.errors if isinstance(error.value, Invalid) else error.value.message)
        assert (columns(row), written(row)) == (before, [[], [], []])
    assert told == [refusal for *_, refusal in REFUSED]


def test_a_no_show_is_marked_from_the_very_start_on_and_a_confirmed_one_before(alice: User, clock: Clock) -> None:
    confirmed = [make_interview(status=status, start=SOON) for status in ("confirmed", "in_progress")]
    others = [make_interview(status=status, start=SOON) for status in ("scheduled", "rescheduled")]
    for row in confirmed:
        move(row, "no_show", alice)
    clock.set(SOON)
    for row in others:
        move(row, "no_show", alice)
    assert {row.status for row in confirmed + others} == {"no_show"}


def test_an_interview_of_a_closed_or_held_application_is_not_rescheduled(alice: User) -> None:
    for status in ("on_hold", "withdrawn", "hired", "rejected_interview"):
        row = make_interview(make_application(status), "cancelled")
        with pytest.raises(WrongState, match="reopen or resume it first"):
            move(row, "reschedule", alice, scheduled_start=LATER)


def test_only_who_writes_interviews_reschedules_into_the_past(alice: User) -> None:
    recruiter = colleague("Recruiter")
    row = make_interview(make_application("interview_scheduled", recruiter=recruiter))
    with pytest.raises(Invalid) as told:
        move(row, "reschedule", recruiter, scheduled_start=MONDAY - HOUR, allow_past=True)
    assert told.value.errors == {"allow_past": ["Only HR may record an interview of the past."]}
    move(row, "reschedule", alice, scheduled_start=MONDAY - HOUR, allow_past=True)
    assert row.scheduled_start == MONDAY - HOUR
