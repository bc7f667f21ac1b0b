"""The API tried with cases made of its document: a few in each run of the suite, and as many as FUZZ_CASES says.

`FUZZ_CASES=5000 .venv/bin/python -m pytest -n 2 tests/api/test_fuzzing.py` tries 5,000 as each role.
"""

import os
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.hiring.models import Application, Candidate, Job
from portal.interviews.models import Interview
from portal.people.models import User
from portal.practice.models import MockInterview, TrainingAssignment, TrainingSession
from tests.support.api import ApiCaller
from tests.support.fuzzing import fuzz
from tests.support.world import World

CASES = int(os.environ.get("FUZZ_CASES", "0"))
OWNERS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Candidate, ("recruiter_id",)), (Application, ("recruiter_id", "coordinator_id")), (Job, ("hiring_manager_id",)),
    (Interview, ("organizer_id",)), (MockInterview, ("coordinator_id",)), (TrainingAssignment, ("assigned_by_id",)),
    (TrainingSession, ("conducted_by_id",)),
)  # fmt: skip


def _give(world: World, person: UUID) -> dict[str, list[UUID]]:
    """All that Alice had is theirs; answers the keys of what there is."""
    tenant = world.cast.alice.tenant_id
    with world.app.app_context(), tenant_scope(tenant, db.session()):
        for model, names in OWNERS:
            db.session.execute(sa.update(model).values(dict.fromkeys(names, person)))
        users = list(db.session.scalars(sa.select(User.id)))
        db.session.commit()
    return {**{path: [key] for path, key in world.own.items()}, "users": users}


@pytest.mark.timeout(7200 if CASES else 120)
@pytest.mark.database("postgresql")
@pytest.mark.parametrize("role", ["Recruiter", "Interview Coordinator"])
def test_no_case_fails_or_is_answered_otherwise_than_documented(
    app: Flask, world: World, as_role: Callable[[str], ApiCaller], role: str
) -> None:
    api = as_role(role)
    me = api.get("/me").json
    assert me is not None
    keys = _give(world, UUID(me["id"]))
    told = fuzz(
        app, api.token, keys, max(1, -(-CASES // len(app.extensions["api"]))), number=len(role), step=1 if CASES else 4
    )
    print(f"{told.cases} cases as {role}: {dict(sorted(told.codes.items()))}")
    assert told.faults == []
    assert told.codes[200] > 0
