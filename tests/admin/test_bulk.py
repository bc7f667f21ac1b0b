"""Bulk actions through the door: preview, form, run, report."""

import re
import threading
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.admin import runs
from portal.admin.models import BulkRow, BulkRun
from portal.core import audit
from portal.core import clock as wall_clock
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.tenancy import everywhere, tenant_scope
from portal.interviews.models import Interview
from portal.people.models import Tenant
from tests.support.cast import Cast, make_person
from tests.support.world import World, populate


@pytest.fixture
def world(app: Flask, cast: Cast, clock: Any) -> World:
    return populate(app, cast, more=4)


def _interviews(app: Flask, cast: Cast) -> dict[UUID, str]:
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        return dict(db.session.execute(sa.select(Interview.id, Interview.status).order_by(Interview.id)).all())


def _report(app: Flask, cast: Cast, run: str) -> dict[str, Any]:
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        found = db.session.scalar(sa.select(BulkRun).where(BulkRun.id == UUID(run.rsplit("/", 1)[1])))
        assert found is not None
        rows = db.session.execute(
            sa.select(BulkRow.outcome, BulkRow.reason).where(BulkRow.run_id == found.id).order_by(BulkRow.position)
        )
        return {"state": found.state, "done": found.done, "skipped": found.skipped, "failed": found.failed,
                "rows": [tuple(row) for row in rows]}  # fmt: skip


def test_ticked_rows_are_previewed_then_done_and_reported(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    client, ids = make_client(cast.alice), list(_interviews(app, cast))
    assert client.submit(f"/interviews/{ids[0]}/move/cancel", {"reason": "ill"}).status_code == 302
    run = client.submit("/interviews/bulk/confirm", {"ids": [str(key) for key in ids]}).location
    preview = client.get(run).get_data(as_text=True)
    assert "5 interviews" in preview
    assert set(_interviews(app, cast).values()) == {"cancelled", "scheduled"}  # nothing is done by looking

    assert client.submit(run).location == run
    told = _report(app, cast, run)
    assert (told["state"], told["done"], told["skipped"], told["failed"]) == ("finished", 4, 1, 0)
    assert told["rows"][0] == (
        "skipped",
        "This interview is cancelled; “Confirm” does not start from there. Possible now: Reschedule.",
    )
    assert list(_interviews(app, cast).values()) == ["cancelled", *["confirmed"] * 4]
    assert client.get(f"{run}/progress").json["percent"] == 100
    assert client.get(f"{run}/report.csv").get_data(as_text=True).count("\n") == 6


def test_a_second_click_does_nothing_more(app: Flask, make_client: Any, cast: Cast, world: World) -> None:
    client, ids = make_client(cast.alice), [str(key) for key in _interviews(app, cast)]
    run = client.submit("/interviews/bulk/reschedule", {"ids": ids}).location
    for _ in range(2):
        client.submit(run, {"how": "offset", "days": "1"})
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        assert set(db.session.scalars(sa.select(Interview.reschedule_count))) == {1}


def test_all_that_match_means_the_filter_and_not_the_page(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    client = make_client(cast.alice)
    data = {"all_matching": "1", "query": "q=more1&status=scheduled"}
    run = client.submit("/interviews/bulk/confirm", data).location
    assert "1 interview<" in client.get(run).get_data(as_text=True)
    client.submit(run)
    assert sorted(_interviews(app, cast).values()) == ["confirmed", *["scheduled"] * 4]


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"how": "offset"}, "Please say by how much"),
        ({"how": "offset", "days": "soon"}, "Not a valid integer value"),
        ({"how": "offset", "days": "9999"}, "between -366 and 366"),
        ({"how": "time"}, "Please give the new start"),
        ({"how": "time", "scheduled_start": "tomorrow"}, "Please give a date and a time"),
    ],
)
def test_a_wrong_form_is_refused_beside_its_field(
    app: Flask, make_client: Any, cast: Cast, world: World, form: dict[str, str], complaint: str
) -> None:
    client, ids = make_client(cast.alice), [str(key) for key in _interviews(app, cast)]
    run = client.submit("/interviews/bulk/reschedule", {"ids": ids}).location
    answer = client.submit(run, form)
    assert answer.status_code == 422
    assert complaint in answer.get_data(as_text=True)
    assert set(_interviews(app, cast).values()) == {"scheduled"}


def test_rows_that_break_a_rule_fail_alone(app: Flask, make_client: Any, cast: Cast, world: World, clock: Any) -> None:
    client, ids = make_client(cast.alice), [str(key) for key in _interviews(app, cast)]
    first = client.submit("/interviews/bulk/reschedule", {"ids": ids[:1]}).location
    client.submit(first, {"how": "offset", "days": "10"})
    run = client.submit("/interviews/bulk/reschedule", {"ids": ids}).location
    client.submit(run, {"how": "offset", "days": "-5"})
    told = _report(app, cast, run)
    assert (told["done"], told["skipped"], told["failed"]) == (1, 0, 4)
    assert told["rows"][1] == ("failed", "The start must be in the future.")


def test_foreign_and_broken_ids_are_not_even_counted(app: Flask, make_client: Any, cast: Cast, world: World) -> None:
    client, ids = make_client(cast.alice), [str(key) for key in _interviews(app, cast)]
    data = {"ids": [ids[0], str(world.foreign["interviews"]), "abc", "'; --"]}
    run = client.submit("/interviews/bulk/confirm", data).location
    assert "1 interview<" in client.get(run).get_data(as_text=True)
    assert client.get(run.replace(run[-4:], "0000")).status_code == 404
    assert client.submit("/interviews/bulk/nonsense", data).status_code == 404


def _in_portions(app: Flask, client: Any, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> str:
    """A confirmed run over all interviews that a job does, two rows in a transaction."""
    monkeypatch.setattr(runs, "INLINE", 2)
    monkeypatch.setattr(runs, "PORTION", 2)
    run = client.submit("/interviews/bulk/confirm", {"ids": [str(key) for key in _interviews(app, cast)]}).location
    client.submit(run)
    return str(run)


def _kill_in_the_second_portion(app: Flask, cast: Cast, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt, calls = runs._attempt, []

    def dies_in_the_middle(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise SystemExit("killed")
        return attempt(*args)

    monkeypatch.setattr(runs, "_attempt", dies_in_the_middle)
    with app.app_context(), tenant_scope(cast.alice.tenant_id), pytest.raises(SystemExit):
        runs.execute(db.session, UUID(run.rsplit("/", 1)[1]))


def test_above_five_hundred_rows_a_job_does_it_and_goes_on_where_it_was_stopped(
    app: Flask, make_client: Any, cast: Cast, world: World, jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client(cast.alice)
    run = _in_portions(app, client, cast, monkeypatch)
    assert client.get(f"{run}/progress").json["state"] == "running"
    assert set(_interviews(app, cast).values()) == {"scheduled"}
    _kill_in_the_second_portion(app, cast, run, monkeypatch)
    assert sorted(_interviews(app, cast).values()) == [*["confirmed"] * 2, *["scheduled"] * 3]

    clock_at = wall_clock.now() + runs.STALE * 2
    with wall_clock.frozen(clock_at), app.app_context(), tenant_scope(cast.alice.tenant_id):
        runs.execute(db.session, UUID(run.rsplit("/", 1)[1]))
    told = _report(app, cast, run)
    assert (told["state"], told["done"], told["skipped"], told["failed"]) == ("finished", 5, 0, 0)
    assert set(_interviews(app, cast).values()) == {"confirmed"}


def test_a_short_run_whose_request_is_killed_has_done_nothing_and_can_be_confirmed_again(
    app: Flask, make_client: Any, cast: Cast, world: World, monkeypatch: pytest.MonkeyPatch, jobs: Any
) -> None:
    from portal.admin import take_up_runs

    client, ids = make_client(cast.alice), [str(key) for key in _interviews(app, cast)]
    run = client.submit("/interviews/bulk/confirm", {"ids": ids}).location

    def dies(*args: Any) -> Any:
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "_report", dies)  # the rows have moved by then, and nothing is committed
        with pytest.raises(SystemExit):
            client.submit(run)
    with wall_clock.frozen(wall_clock.now() + runs.STALE * 2):
        with app.app_context():
            take_up_runs()
        jobs.drain()
    assert set(_interviews(app, cast).values()) == {"scheduled"}
    assert "5 interviews" in client.get(run).get_data(as_text=True)
    client.submit(run)
    assert set(_interviews(app, cast).values()) == {"confirmed"}
    told = _report(app, cast, run)
    assert (told["state"], told["done"], told["skipped"], told["failed"]) == ("finished", 5, 0, 0)


def test_with_the_queue_down_a_large_run_waits_for_the_sweep(
    app: Flask, make_client: Any, cast: Cast, world: World, monkeypatch: pytest.MonkeyPatch, jobs: Any
) -> None:
    from portal import jobs as queue
    from portal.admin import take_up_runs

    monkeypatch.setattr(runs, "INLINE", 2)
    monkeypatch.setattr(queue, "enqueue", lambda name, **keys: False)
    client, ids = make_client(cast.alice), [str(key) for key in _interviews(app, cast)]
    run = client.submit("/interviews/bulk/confirm", {"ids": ids}).location
    client.submit(run)
    monkeypatch.undo()
    with wall_clock.frozen(wall_clock.now() + runs.STALE), app.app_context():
        take_up_runs()
    jobs.drain()
    assert _report(app, cast, run)["state"] == "finished"


def test_the_report_and_its_rows_are_ones_own(app: Flask, make_client: Any, cast: Cast, world: World) -> None:
    client, ids = make_client(cast.alice), [str(key) for key in _interviews(app, cast)]
    run = client.submit("/interviews/bulk/confirm", {"ids": ids}).location
    for person in (cast.bob, cast.charlie):
        other = make_client(person)
        pages = [other.get(run + page).status_code for page in ("", "/progress", "/report.csv", "/file")]
        assert (pages, other.submit(run).status_code) == ([404] * 4, 404)


def test_the_bar_offers_what_the_role_permits(app: Flask, make_client: Any, cast: Cast, world: World) -> None:
    page = make_client(cast.alice).get("/interviews/").get_data(as_text=True)
    offered = re.findall(r'formaction="/interviews/(?:bulk/)?([a-z_-]+)"', page)
    assert offered == [
        "confirm", "reschedule", "cancel", "no_show", "start", "complete", "organizer", "pass", "fail",
        "export-selected",
    ]  # fmt: skip


def test_a_row_that_one_may_read_but_not_change_has_no_pencil(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    with app.app_context(), everywhere(db.session):
        tenant = db.session.get_one(Tenant, cast.alice.tenant_id)
        carla = make_person(tenant, "carla@harbour.example", "Carla Cole", "Interview Coordinator")
        db.session.commit()
    client, ids = make_client(carla), [str(key) for key in _interviews(app, cast)]
    page = client.get("/interviews/").get_data(as_text=True)
    assert (page.count('name="ids"'), page.count("/edit")) == (5, 0)
    run = client.submit("/interviews/bulk/confirm", {"ids": ids}).location
    assert "5 of them you may not change" in client.get(run).get_data(as_text=True)
    client.submit(run)
    assert _report(app, cast, run)["rows"] == [("skipped", "You may not confirm this interview.")] * 5


def test_whoever_checks_documents_does_not_reassign_applications(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    with app.app_context(), everywhere(db.session):
        tenant = db.session.get_one(Tenant, cast.alice.tenant_id)
        dora = make_person(tenant, "dora@harbour.example", "Dora Docs", "Documentation Executive")
        db.session.commit()
    data = {"ids": [str(world.own["applications"])]}
    client = make_client(dora)
    assert client.submit("/applications/bulk/recruiter", data).status_code == 403
    assert "Reassign recruiter" not in client.get("/applications/").get_data(as_text=True)


def test_a_page_beyond_the_last_leads_to_the_first(make_client: Any, cast: Cast, world: World) -> None:
    assert make_client(cast.alice).get("/interviews/?page=99999&status=scheduled").location == (
        "/interviews/?status=scheduled"
    )


def test_what_the_database_refuses_fails_alone(
    app: Flask, make_client: Any, cast: Cast, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, ids = make_client(cast.alice), list(_interviews(app, cast))
    run = client.submit("/interviews/bulk/confirm", {"ids": [str(key) for key in ids]}).location
    write, sick = audit.write, ids[2]

    def refused(session: Any, tenant: UUID, entity: str, action: str, changed: Any, **more: Any) -> None:
        """Row 2 comes with a key that is there already, as a fault of ours might have it."""
        if any(key == sick for key, _ in changed):
            session.connection().execute(sa.insert(Tenant).values(id=tenant, name="Twice", slug="twice"))
        write(session, tenant, entity, action, changed, **more)

    monkeypatch.setattr(audit, "write", refused)
    assert client.submit(run).location == run
    told = _report(app, cast, run)
    assert (told["state"], told["done"], told["skipped"], told["failed"]) == ("finished", 4, 0, 1)
    assert told["rows"][2][0] == "failed"
    assert told["rows"][2][1].startswith("The database refused it (noted under ")
    assert list(_interviews(app, cast).values()) == [*["confirmed"] * 2, "scheduled", *["confirmed"] * 2]
    assert "The database refused it" in client.get(f"{run}/report.csv").get_data(as_text=True)


def test_a_run_that_is_under_way_says_which_rows_wait(
    app: Flask, make_client: Any, cast: Cast, world: World, jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, ids = make_client(cast.alice), list(_interviews(app, cast))
    client.submit(f"/interviews/{ids[0]}/move/cancel", {"reason": "ill"})
    run = _in_portions(app, client, cast, monkeypatch)
    _kill_in_the_second_portion(app, cast, run, monkeypatch)
    told = client.get(f"{run}/progress").json
    assert (told["state"], told["done"], told["skipped"], told["percent"]) == ("running", 1, 1, 40)
    outcomes = [line.split(",")[3] for line in client.get(f"{run}/report.csv").get_data(as_text=True).splitlines()]
    assert outcomes == ["outcome", "skipped", "done", "pending", "pending", "pending"]
    shown = {
        outcome: re.findall(r"/interviews/([0-9a-f-]{36})", client.get(f"{run}?outcome={outcome}").text)
        for outcome in ("done", "skipped", "failed")
    }
    assert shown == {"done": [str(ids[1])], "skipped": [str(ids[0])], "failed": []}


@pytest.mark.database("postgresql")
def test_of_two_clicks_at_once_the_second_waits_and_finds_it_done(
    app: Flask, make_client: Any, cast: Cast, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [str(key) for key in _interviews(app, cast)]
    run = make_client(cast.alice).submit("/interviews/bulk/confirm", {"ids": ids}).location
    clients, answers = [make_client(cast.alice) for _ in range(4)], []
    for client in clients:
        client.get(run)  # each has the form before it
    threads = [threading.Thread(target=lambda c=client: answers.append(c.submit(run).location)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [run] * 4
    told = _report(app, cast, run)
    assert (told["state"], told["done"], told["skipped"], told["failed"]) == ("finished", 5, 0, 0)
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        confirmed = sa.select(sa.func.count()).where(AuditEntry.action == "confirm")
        assert db.session.scalar(confirmed) == 5
