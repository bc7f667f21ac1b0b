"""Where each status of an application may lead, by hand and through a record's own move (SPEC §2)."""

import sqlalchemy as sa

from portal.core.db import db
from portal.core.errors import WrongState
from portal.hiring.models import PipelineStage, PipelineStatus
from portal.hiring.workflow import APPLICATION
from portal.people.models import User
from tests.support.hiring import activities, audited, change, events, history, make_application, move

OUT = ("withdrawn", "on_hold")
PIPELINE: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    # status: (stage, what a person may do, what only a mock interview, a training or an interview does)
    "nominated": ("nominated", ("pending_documents", *OUT), ()),
    "pending_documents": ("documents", ("documents_submitted", *OUT), ()),
    "documents_submitted": ("documents", ("verification_in_progress", "rejected_documents", *OUT), ()),
    "verification_in_progress": (
        "documents", ("documents_verified", "rejected_documents", "pending_documents"), ()),
    "documents_verified": ("documents", ("approved", "rejected_documents", *OUT), ("mock_interview_scheduled",)),
    "mock_interview_scheduled": (
        "interview", OUT, ("mock_interview_completed", "documents_verified", "ready_for_reassessment")),
    "mock_interview_completed": ("interview", (), ("mock_interview_passed", "mock_interview_failed")),
    "mock_interview_passed": ("interview", ("approved", *OUT), ("interview_scheduled",)),
    "mock_interview_failed": ("interview", ("rejected_interview", "withdrawn"), ("training_assigned",)),
    "training_assigned": ("training", OUT, ("training_in_progress", "mock_interview_failed")),
    "training_in_progress": ("training", OUT, ("training_completed", "mock_interview_failed")),
    "training_completed": ("training", ("withdrawn",), ("ready_for_reassessment",)),
    "ready_for_reassessment": ("training", ("approved", *OUT), ("mock_interview_scheduled",)),
    "approved": ("interview", OUT, ("interview_scheduled", "interview_rescheduled")),
    "interview_scheduled": ("interview", OUT, ("interview_rescheduled", "interview_completed", "approved")),
    "interview_rescheduled": ("interview", OUT, ("interview_rescheduled", "interview_completed", "approved")),
    "interview_completed": ("interview", (), ("interview_passed", "interview_failed", "interview_scheduled")),
    "interview_passed": ("interview", ("selected", "rejected_selection", *OUT), ("interview_scheduled",)),
    "interview_failed": ("interview", ("rejected_interview",), ("interview_scheduled",)),
    "selected": ("selection", ("processing", *OUT), ()),
    "processing": ("processing", ("hired", *OUT), ()),
    "hired": ("final", (), ()),
    "rejected_documents": ("rejected", (), ()),
    "rejected_interview": ("rejected", (), ()),
    "rejected_selection": ("rejected", (), ()),
    "withdrawn": ("withdrawn", (), ()),
    "on_hold": ("on_hold", ("withdrawn",), ()),
}  # fmt: skip
STAGES = (
    "nominated", "documents", "interview", "training", "selection", "processing", "final", "rejected", "withdrawn",
    "on_hold",
)  # fmt: skip


def possible_moves(by: User | None) -> dict[str, set[str]]:
    """For each status the targets that are reached; what is tried is undone."""
    rows = {make_application(status).id: status for status in PIPELINE}
    found: dict[str, set[str]] = {status: set() for status in PIPELINE}
    for target in set(PIPELINE) - {"nominated"}:
        savepoint = db.session.begin_nested()
        result = APPLICATION.apply(db.session(), list(rows), target, change(by))
        savepoint.rollback()
        for key in result.done:
            found[rows[key]].add(target)
        assert {type(error) for error in result.refused.values()} <= {WrongState}
    return found


def test_a_person_moves_an_application_only_where_no_open_record_decides(alice: User) -> None:
    assert possible_moves(alice) == {status: set(by_hand) for status, (_, by_hand, _) in PIPELINE.items()}


def test_a_records_own_move_carries_an_application_wherever_the_pipeline_leads(alice: User) -> None:
    assert possible_moves(None) == {status: {*hand, *record} for status, (_, hand, record) in PIPELINE.items()}


def test_the_stages_and_statuses_are_data_in_the_pipelines_order(alice: User) -> None:
    make_application()
    stages = sa.select(PipelineStage.name).order_by(PipelineStage.order)
    assert tuple(db.session.scalars(stages)) == STAGES
    statuses = sa.select(PipelineStatus.name, PipelineStage.name)
    found = statuses.join(PipelineStage, PipelineStage.id == PipelineStatus.stage_id).order_by(PipelineStatus.order)
    assert [tuple(row) for row in db.session.execute(found)] == [
        (name, stage) for name, (stage, *_) in PIPELINE.items()
    ]


def test_a_refusal_names_the_present_status_and_what_is_possible(alice: User) -> None:
    told = {}
    for status, target in (
        ("verification_in_progress", "hired"),
        ("interview_completed", "approved"),
        ("hired", "approved"),
    ):
        row = make_application(status)
        result = APPLICATION.apply(db.session(), [row.id], target, change(alice))
        told[status] = result.refused[row.id].message
    assert told == {
        "verification_in_progress": "This application is verification in progress; “Mark hired” does not start from "
        "there. Possible now: Pending documents, Documents verified, Reject over documents.",
        "interview_completed": "This application is interview completed; “Approve for interview” does not start from "
        "there. Nothing more is possible.",
        "hired": "This application is hired; “Approve for interview” does not start from there. Possible now: Reopen.",
    }


def test_a_move_is_written_down_once_in_each_book(alice: User) -> None:
    row = make_application("pending_documents")
    move(row, "documents_submitted", alice, reason="All came by post", notes="In the blue folder")
    steps = ("pending_documents", "documents_submitted")
    assert (row.status, row.version) == ("documents_submitted", 2)
    assert history(row) == [(*steps, "All came by post")]
    assert activities(row) == [("status_change", *steps, "All came by post")]
    assert audited(row) == [("documents_submitted", {"status": list(steps)})]
    said = {"version": 2, "verb": steps[1], "from": steps[0], "to": steps[1], "actor": str(alice.id)}
    assert events(row) == [("ApplicationStatusChanged", said)]


def test_a_move_into_another_stage_is_a_change_of_stage(alice: User) -> None:
    row = make_application("nominated")
    move(row, "pending_documents", alice)
    assert activities(row) == [("stage_change", "nominated", "pending_documents", "")]


def test_a_refused_move_writes_nothing(alice: User) -> None:
    row = make_application("nominated")
    result = APPLICATION.apply(db.session(), [row.id], "hired", change(alice))
    assert list(result.refused) == [row.id]
    books = (history(row), activities(row), audited(row), events(row))
    assert (row.status, row.version, books) == ("nominated", 1, ([], [], [], []))
