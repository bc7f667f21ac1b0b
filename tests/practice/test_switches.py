"""An organisation switches mock interviews or training off: nothing of it is left to see or reach, and all of it
comes back (SPEC §1, ``Tenant.features``)."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core import clock as portal_clock
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Invalid
from portal.hiring.models import Application
from portal.hiring.workflow import workflow_options
from portal.people.models import Tenant
from portal.practice.models import MockInterview, TrainingAssignment
from tests.conftest import MakeClient
from tests.support.cast import Cast
from tests.support.client import PortalClient
from tests.support.hiring import at_work, make_application, move
from tests.support.practice import (
    TRAINING,
    application_of,
    complete,
    conducted,
    in_days,
    make_criteria,
    make_session,
    make_training,
    sent,
)

MOCKS, TRAINED = "mock_interviews", "training"
PATHS = {
    MOCKS: ("mock-interviews", "mock-interview-templates", "mock-interview-items"),
    TRAINED: ("training", "training-sessions"),
}
LOOKUPS = {
    MOCKS: ("mock_interviews", "criteria", "applications_to_send"),
    TRAINED: ("trainings", "applications_to_train"),
}
OPTION = {
    MOCKS: ("documents_verified", "send_to_mock_interview"),
    TRAINED: ("mock_interview_failed", "assign_training"),
}
FEATURES = pytest.mark.parametrize("feature", [MOCKS, TRAINED])


@pytest.fixture
def rows(app: Flask, cast: Cast) -> dict[str, list[UUID]]:
    """Of each grid's rows, by its path; an application for each option."""
    with app.app_context(), at_work(cast.alice) as alice:
        mock = sent(alice, start=in_days(2))
        criterion = make_criteria(mock.application.job, "Listens")[0]
        session = make_session(make_training(alice))
        found = {
            "mock-interviews": [mock.id], "mock-interview-templates": [criterion.id], "mock-interview-items": [],
            "training": [session.assignment_id], "training-sessions": [session.id],
            f"for {MOCKS}": [make_application("documents_verified").id],
            f"for {TRAINED}": [make_application("mock_interview_failed").id],
        }  # fmt: skip
        db.session.commit()
    return found


def switch(app: Flask, cast: Cast, feature: str, on: bool = False) -> None:
    with app.app_context(), at_work(cast.alice):
        tenant = db.session.get_one(Tenant, cast.alice.tenant_id)
        tenant.features = {**tenant.features, feature: on}
        db.session.commit()


def _pages(app: Flask, paths: tuple[str, ...], keys: dict[str, list[UUID]]) -> Iterator[tuple[str, str]]:
    """(method, address) of each page of these grids, and of whatever else begins as they do."""
    for rule in app.url_map.iter_rules():
        path = rule.rule.split("/")[1]
        if path not in paths:
            continue
        known = str(keys[path][0]) if keys[path] else str(UUID(int=1))
        values: dict[str, Any] = dict.fromkeys(rule.arguments, known)
        values |= {"verb": "cancel", "kind": "csv"} if "verb" in values or "kind" in values else {}
        with app.test_request_context():
            address = str(app.url_map.bind("localhost").build(rule.endpoint, {n: values[n] for n in rule.arguments}))
        yield from ((method, address) for method in sorted((rule.methods or set()) & {"GET", "POST"}))


def _answers(app: Flask, client: PortalClient, feature: str, rows: dict[str, list[UUID]]) -> dict[str, int]:
    found = {}
    for method, address in _pages(app, PATHS[feature], rows):
        answer = client.get(address) if method == "GET" else client.submit(address, {"ids": ["x"], "reason": "Ill"})
        found[f"{method} {address}"] = answer.status_code
    return found | {name: client.get(f"/lookup/{name}").status_code for name in LOOKUPS[feature]}


@FEATURES
def test_what_is_off_is_nowhere_and_comes_back_whole(
    app: Flask, make_client: MakeClient, cast: Cast, rows: dict[str, list[UUID]], feature: str
) -> None:
    client, other = make_client(cast.alice), make_client(cast.charlie)
    before, home = _answers(app, client, feature, rows), client.get("/").get_data(as_text=True)
    assert len(before) > 20
    assert all(f'href="/{path}/"' in home for path in PATHS[feature][:2])
    switch(app, cast, feature)
    off = _answers(app, client, feature, rows)
    assert {address: code for address, code in off.items() if code != 404} == {}
    home = client.get("/").get_data(as_text=True)
    assert [path for path in PATHS[feature] if f'"/{path}/' in home] == []
    application = client.get(f"/applications/{rows[f'for {feature}'][0]}").get_data(as_text=True)
    assert [path for path in PATHS[feature] if f'"/{path}/' in application] == []
    assert other.get(f"/{PATHS[feature][0]}/").status_code == 200  # the other organisation has it still
    switch(app, cast, feature, on=True)
    assert client.get(f"/{PATHS[feature][0]}/{rows[PATHS[feature][0]][0]}").status_code == 200
    assert all(client.get(f"/lookup/{name}").status_code == 200 for name in LOOKUPS[feature])


@FEATURES
def test_what_is_off_is_no_option(app: Flask, cast: Cast, rows: dict[str, list[UUID]], feature: str) -> None:
    def options() -> set[str]:
        with app.app_context(), at_work(cast.alice) as alice:
            row = db.session.get_one(Application, (cast.alice.tenant_id, rows[f"for {feature}"][0]))
            return {each.action for each in workflow_options(db.session, row, alice, portal_clock.now())}

    on = options()
    switch(app, cast, feature)
    assert (OPTION[feature][1] in on, options()) == (True, on - {OPTION[feature][1]})


def test_without_training_nobody_is_found_in_need_of_it(app: Flask, cast: Cast) -> None:
    switch(app, cast, TRAINED)
    with app.app_context(), at_work(cast.alice) as alice:
        mock = conducted(alice)
        with pytest.raises(Invalid, match="may not assign training"):
            complete(mock, alice, decision="needs_training", training=TRAINING)
        complete(mock, alice, decision="approved")
        assert application_of(mock).status == "mock_interview_passed"


@pytest.mark.parametrize("verb", ["on_hold", "withdrawn"])
def test_a_hold_still_cancels_what_is_open(app: Flask, cast: Cast, verb: str) -> None:
    with app.app_context(), at_work(cast.alice) as alice:
        mock, training = sent(alice, start=in_days(2)), make_training(alice)
        keys = mock.id, training.id
        db.session.commit()
    switch(app, cast, MOCKS)
    switch(app, cast, TRAINED)
    with app.app_context(), at_work(cast.alice) as alice:
        mock = db.session.get_one(MockInterview, (alice.tenant_id, keys[0]))
        training = db.session.get_one(TrainingAssignment, (alice.tenant_id, keys[1]))
        for row in (mock, training):
            move(application_of(row), verb, alice, reason="Family")
            db.session.refresh(row)
            assert (row.status, application_of(row).status) == ("cancelled", verb)


@FEATURES
def test_the_settings_switch_it_and_the_history_tells(
    app: Flask, make_client: MakeClient, cast: Cast, feature: str
) -> None:
    client = make_client(cast.alice)
    url = f"/settings/{cast.alice.tenant_id}/edit"
    with app.app_context(), at_work(cast.alice):
        tenant = db.session.get_one(Tenant, cast.alice.tenant_id)
        given = {"name": tenant.name, "timezone": tenant.timezone, "row_version": str(tenant.version)}
    other = TRAINED if feature == MOCKS else MOCKS
    assert client.submit(url, {**given, other: "y"}).status_code == 302
    assert client.get(f"/{PATHS[feature][0]}/").status_code == 404
    assert client.get(f"/{PATHS[other][0]}/").status_code == 200
    with app.app_context(), at_work(cast.alice):
        query = sa.select(AuditEntry.changes).where(AuditEntry.row_id == cast.alice.tenant_id)
        changes = db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(1)).one()
        assert changes["features"][1][feature] is False
