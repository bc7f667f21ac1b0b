"""Candidates and their nomination for jobs."""

from typing import Any

import pytest

from portal.core.db import db
from portal.core.errors import Invalid
from portal.hiring import actions
from portal.people.models import User
from tests.support.cast import Cast
from tests.support.hiring import (
    activities,
    at_work,
    audited,
    change,
    colleague,
    history,
    make_application,
    make_candidate,
    make_job,
)

JANE = {"first_name": "Jane", "last_name": "Doe", "email": "Jane.Doe@Mail.example"}


def test_who_adds_a_candidate_is_its_recruiter_unless_another_is_named(alice: User) -> None:
    recruiter = colleague("Recruiter")
    mine = actions.add_candidate(db.session, JANE, change(alice))
    other = actions.add_candidate(
        db.session, JANE | {"email": "other@mail.example", "recruiter_id": recruiter.id}, change(alice)
    )
    assert (mine.recruiter_id, other.recruiter_id) == (alice.id, recruiter.id)
    assert mine.email == "jane.doe@mail.example"


def test_an_address_stands_for_one_candidate_of_a_tenant(alice: User, cast: Cast) -> None:
    actions.add_candidate(db.session, JANE, change(alice))
    db.session.commit()
    with pytest.raises(Invalid) as told:
        actions.add_candidate(db.session, JANE | {"email": "JANE.DOE@mail.example"}, change(alice))
    assert told.value.errors == {"email": ["There is one with this email already."]}
    with at_work(cast.charlie) as charlie:
        assert actions.add_candidate(db.session, JANE, change(charlie)).recruiter_id == charlie.id


def test_a_nomination_begins_the_history(alice: User) -> None:
    make_application()  # and with it the pipeline
    values = {"candidate_id": make_candidate().id, "job_id": make_job().id}
    row = actions.nominate(db.session, values, change(alice))
    db.session.flush()
    assert (row.status, row.recruiter_id, row.version) == ("nominated", alice.id, 1)
    assert history(row) == [("", "nominated", "")]
    assert activities(row) == [("created", "", "nominated", "")]


def test_a_candidate_is_nominated_once_and_only_for_an_open_job(alice: User) -> None:
    first = make_application()
    refusals: list[tuple[dict[str, Any], dict[str, list[str]]]] = [
        ({"job_id": None}, {"job_id": ["Please choose a job."]}),
        ({"job_id": first.id}, {"job_id": ["Please choose a job."]}),
        ({"job_id": make_job(status="closed").id}, {"job_id": ["This job is closed."]}),
        ({"job_id": make_job(status="filled").id}, {"job_id": ["This job is filled."]}),
        ({"job_id": first.job_id}, {"candidate_id": ["This candidate is nominated for this job already."]}),
    ]
    told = []
    for values, _ in refusals:
        with pytest.raises(Invalid) as error:
            actions.nominate(db.session, {"candidate_id": first.candidate_id, **values}, change(alice))
        told.append(error.value.errors)
    assert told == [errors for _, errors in refusals]
    on_hold = {"candidate_id": first.candidate_id, "job_id": make_job(status="on_hold").id}
    assert actions.nominate(db.session, on_hold, change(alice)).status == "nominated"


@pytest.mark.parametrize("field", ["recruiter", "coordinator"])
def test_applications_are_handed_over_each_with_its_line(alice: User, field: str) -> None:
    before, after, gone = colleague("Recruiter", "Ruth Roe"), colleague("Recruiter", "Rob Roy"), colleague("Recruiter")
    rows = [make_application(**{field: who}) for who in (before, None, after)]  # type: ignore[arg-type]
    result = actions.assign(db.session, [row.id for row in rows], change(alice, **{field: after}), field)
    assert list(result.done) == [rows[0].id, rows[1].id]
    assert {k: e.message for k, e in result.refused.items()} == {rows[2].id: f"Rob Roy is the {field} already."}
    assert [getattr(row, f"{field}_id") for row in rows] == [after.id] * 3
    label = field.capitalize()
    assert [activities(row) for row in rows] == [
        [("assigned", "Ruth Roe", "Rob Roy", label)], [("assigned", "", "Rob Roy", label)], []
    ]  # fmt: skip
    assert audited(rows[0]) == [("changed", {f"{field}_id": [str(before.id), str(after.id)]})]
    gone.active = False
    with pytest.raises(Invalid, match="is no longer active"):
        actions.assign(db.session, [rows[0].id], change(alice, **{field: gone}), field)
