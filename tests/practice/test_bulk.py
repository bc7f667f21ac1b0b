"""Many rows at once, through the door: sent, assessed, trained, moved; each row stands alone (SPEC §6)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.admin import runs
from portal.admin.models import BulkRow, BulkRun
from portal.core.db import db
from portal.hiring.models import Application
from portal.practice.models import MockInterview, TrainingAssignment
from tests.support.cast import Cast
from tests.support.hiring import at_work, colleague, make_application, move
from tests.support.practice import complete, conducted, in_days, sent


class Door:
    """Bulk actions as Alice does them."""

    def __init__(self, app: Flask, client: Any, cast: Cast) -> None:
        self.app, self.client, self.cast = app, client, cast

    def preview(self, grid: str, verb: str, ids: Sequence[Any]) -> tuple[str, str]:
        """The address of the run, and what its preview says."""
        run = self.client.submit(f"/{grid}/bulk/{verb}", {"ids": [str(key) for key in ids]}).location
        return run, self.client.get(run).text

    def do(self, grid: str, verb: str, ids: Sequence[Any], **form: Any) -> list[tuple[str, str]]:
        """What became of each row."""
        run, _ = self.preview(grid, verb, ids)
        assert self.client.submit(run, form).status_code == 302
        return self.report(run)

    def report(self, run: str) -> list[tuple[str, str]]:
        with self.app.app_context(), at_work(self.cast.alice):
            key = UUID(run.rsplit("/", 1)[1])
            assert db.session.scalar(sa.select(BulkRun.state).where(BulkRun.id == key)) == "finished"
            rows = sa.select(BulkRow.outcome, BulkRow.reason).where(BulkRow.run_id == key).order_by(BulkRow.position)
            return [(outcome, reason) for outcome, reason in db.session.execute(rows)]

    def see(self, what: Any, keys: Sequence[Any]) -> list[Any]:
        """A column of these rows, in their order."""
        with self.app.app_context(), at_work(self.cast.alice):
            found: dict[Any, Any] = dict(
                db.session.execute(sa.select(what.class_.id, what).where(what.class_.id.in_(keys))).all()
            )
            return [found[key] for key in keys]


@pytest.fixture
def door(app: Flask, make_client: Any, cast: Cast, clock: Any) -> Door:
    return Door(app, make_client(cast.alice), cast)


def test_applications_are_spread_over_those_with_the_fewest_and_each_row_says_to_whom(
    door: Door, jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "INLINE", 3)
    monkeypatch.setattr(runs, "PORTION", 3)
    with door.app.app_context(), at_work(door.cast.alice):
        busy = colleague("Interview Coordinator", "Cora Cole")
        colleague("Interview Coordinator", "Dan Day")
        colleague("Recruiter", "Rita Ray")
        sent(busy)
        rows = [make_application("documents_verified") for _ in range(5)]
        keys = [*(row.id for row in rows), make_application("nominated").id]
        db.session.commit()
    run, said = door.preview("applications", "send_to_mock_interview", keys)
    assert "Cora Cole would get 2 (has 1), Dan Day would get 3 (has 0)." in said
    door.client.submit(run, {"how": "spread", "duration": "45", "notes": "Handovers"})
    jobs.drain()
    told = door.report(run)
    names = ("Dan Day", "Cora Cole", "Dan Day", "Cora Cole", "Dan Day")
    assert told[:5] == [("done", f"To {name}") for name in names]
    assert told[5][0] == "skipped"
    assert "To Dan Day" in door.client.get(run).text
    assert door.see(Application.status, keys) == [*["mock_interview_scheduled"] * 5, "nominated"]
    assert {(m, n) for m, n in zip(*(door.see(c, _mocks(door, keys)) for c in (MockInterview.duration,
            MockInterview.request_notes)), strict=True)} == {(45, "Handovers")}  # fmt: skip


def _mocks(door: Door, applications: Sequence[Any]) -> list[Any]:
    with door.app.app_context(), at_work(door.cast.alice):
        mine = sa.select(MockInterview.id).where(MockInterview.application_id.in_(applications))
        return list(db.session.scalars(mine.order_by(MockInterview.id)))


def test_all_go_to_the_one_who_was_chosen_but_for_what_has_one_already(door: Door) -> None:
    with door.app.app_context(), at_work(door.cast.alice):
        cora, dan = (colleague("Interview Coordinator", name).id for name in ("Cora Cole", "Dan Day"))
        first, second = make_application("documents_verified"), make_application("ready_for_reassessment")
        has_one = sent(colleague("Interview Coordinator", "Eve East"))
        keys = [first.id, has_one.application_id, second.id]
        db.session.commit()
    run, _ = door.preview("applications", "send_to_mock_interview", keys)
    answer = door.client.submit(run, {"how": "one", "duration": "60"})
    assert (answer.status_code, "Please choose a coordinator." in answer.text) == (422, True)
    door.client.submit(run, {"how": "one", "coordinator": str(dan), "coordinators": str(cora), "duration": "60"})
    assert door.report(run) == [
        ("done", "To Dan Day"),
        ("skipped", "This application has a mock interview with Eve East already, which is requested."),
        ("done", "To Dan Day"),
    ]


def test_many_are_assessed_alike_and_the_preview_warns_of_it(door: Door) -> None:
    with door.app.app_context(), at_work(door.cast.alice) as alice:
        keys = [conducted(alice, start=in_days(n)).id for n in (2, 3)] + [sent(alice, start=in_days(4)).id]
        db.session.commit()
    assert "The same rating, decision and notes for all 2." in door.preview("mock-interviews", "complete", keys)[1]
    form = {"overall_rating": "2", "decision": "needs_training", "training_type": "technical_training",
            "end_date": "2026-04-01", "weaknesses": "Doses"}  # fmt: skip
    told = door.do("mock-interviews", "complete", keys, **form)
    assert [outcome for outcome, _ in told] == ["done", "done", "skipped"]
    assert door.see(MockInterview.decision, keys) == ["needs_training", "needs_training", None]
    with door.app.app_context(), at_work(door.cast.alice):
        given = db.session.execute(sa.select(TrainingAssignment.training_type, TrainingAssignment.status)).all()
        assert [tuple(each) for each in given] == [("technical_training", "assigned")] * 2


def test_training_is_assigned_begun_ended_and_marked_ready_for_many(door: Door) -> None:
    with door.app.app_context(), at_work(door.cast.alice):
        failed = [make_application("mock_interview_failed").id for _ in range(2)]
        other = make_application("approved").id
        db.session.commit()
    told = door.do("applications", "assign_training", [*failed, other], training_type="soft_skills", priority="high")
    assert [outcome for outcome, _ in told] == ["done", "done", "skipped"]
    with door.app.app_context(), at_work(door.cast.alice):
        keys = list(db.session.scalars(sa.select(TrainingAssignment.id).order_by(TrainingAssignment.id)))
    for verb, form in (("start", {}), ("complete", {"outcome": "completed_successfully"}),
                       ("ready_for_reassessment", {})):  # fmt: skip
        assert door.do("training", verb, keys, **form) == [("done", "")] * 2
    assert [outcome for outcome, _ in door.do("training", "cancel", keys, reason="Late")] == ["skipped"] * 2
    assert door.see(Application.status, failed) == ["ready_for_reassessment"] * 2


def test_many_move_by_days_on_their_own_wall_and_a_no_show_is_taken_up_again(door: Door) -> None:
    before = datetime(2026, 3, 27, 9, tzinfo=UTC)  # London's clocks change on the 29th
    with door.app.app_context(), at_work(door.cast.alice) as alice:
        cora = colleague("Interview Coordinator", "Cora Cole")
        mocks = [sent(alice, start=before), sent(cora, start=before, by=alice), sent(alice, start=in_days(1))]
        mocks[0].timezone = "Europe/London"
        move(mocks[1], "no_show", alice)
        complete_one = mocks[2]
        move(complete_one, "start", alice)
        complete(complete_one, alice, decision="approved")
        keys = [mock.id for mock in mocks]
        db.session.commit()
    told = door.do("mock-interviews", "reschedule", keys, how="offset", days="3")
    assert [outcome for outcome, _ in told] == ["done", "done", "skipped"]
    moved = door.see(MockInterview.scheduled_start, keys[:2])
    assert moved == [before + timedelta(days=3, hours=-1), before + timedelta(days=3)]
    told = door.do("mock-interviews", "start", keys)
    assert [outcome for outcome, _ in told] == ["done", "done", "skipped"]
    assert door.do("mock-interviews", "cancel", keys[:1], reason="Ill") == [("done", "")]
