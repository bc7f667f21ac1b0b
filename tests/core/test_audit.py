"""Each change leaves one entry that says who, when and what, in the same transaction (SPEC §1, §3)."""

from typing import Any

import sqlalchemy as sa
from flask import Flask

from portal.core import records
from portal.core.audit import AuditEntry
from portal.core.context import act
from portal.core.db import db
from portal.hiring.models import Candidate
from portal.people import actions
from portal.people.models import User
from tests.conftest import MakeClient
from tests.support.cast import Cast
from tests.support.clock import MONDAY
from tests.support.hiring import at_work, audited, colleague, make_candidate


def entries(row: Any) -> list[AuditEntry]:
    return list(db.session.scalars(sa.select(AuditEntry).where(AuditEntry.row_id == row.id).order_by(AuditEntry.id)))


def test_an_entry_says_who_when_what_and_from_where(alice: User) -> None:
    with act(request_id="request-1", address="192.0.2.7", reason="By the phone"):
        row = make_candidate("Jane Doe", email="jane@mail.example", recruiter_id=alice.id)
    [made] = entries(row)
    assert (made.actor_id, made.actor_label, made.at, made.action, made.entity, made.reason) == (
        alice.id, "Alice Ardent", MONDAY, "created", "candidates", "By the phone",
    )  # fmt: skip
    assert (made.request_id, made.address) == ("request-1", "192.0.2.7")
    assert made.changes == {
        "first_name": [None, "Jane"], "last_name": [None, "Doe"], "email": [None, "jane@mail.example"],
        "recruiter_id": [None, str(alice.id)],
    }  # fmt: skip


def test_a_change_and_a_deletion_tell_old_and_new(alice: User) -> None:
    row = make_candidate("Jane Doe")
    records.update(db.session, row, {"last_name": "Roe", "recruiter_id": alice.id}, 1)
    records.delete(db.session, row)
    (first, changed), (second, deleted) = audited(row)
    assert (first, changed) == ("changed", {"last_name": ["Doe", "Roe"], "recruiter_id": [None, str(alice.id)]})
    assert (second, deleted["last_name"]) == ("deleted", ["Roe", None])


def test_what_did_not_happen_is_not_told(alice: User) -> None:
    row = make_candidate("Jane Doe")
    key = row.id
    db.session.commit()
    row.last_name = "Roe"
    db.session.flush()
    db.session.rollback()
    found = db.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.row_id == key))
    assert list(found) == ["created"]


def test_a_secret_is_told_of_but_not_told(alice: User) -> None:
    user = colleague("Recruiter")
    actions.set_password(db.session, user, "correct horse battery")
    told = audited(user)[-1][1]
    assert told == {"password_hash": ["•••", "•••"], "session_stamp": [1, 2]}


def test_a_page_that_saves_names_its_user_request_and_address(app: Flask, cast: Cast, make_client: MakeClient) -> None:
    form = {"first_name": "Jane", "last_name": "Doe", "email": "jane@mail.example", "timezone": "UTC"}
    headers = {"X-Request-Id": "from-the-balancer-1"}
    assert make_client(cast.bob).submit("/candidates/new", form, headers=headers).status_code == 302
    with app.app_context(), at_work(cast.alice):
        [made] = entries(db.session.scalars(sa.select(Candidate)).one())
        assert (made.actor_id, made.actor_label, made.request_id, made.address) == (
            cast.bob.id, "Bob Baker", "from-the-balancer-1", "127.0.0.1",
        )  # fmt: skip
