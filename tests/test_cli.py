"""The commands, as an operator types them."""

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskCliRunner

from portal import doctor
from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.people.models import ApiToken, token_hash
from portal.practice.criteria import STARTERS
from tests.conftest import MakeApp
from tests.messaging.world import HOUR, make_world
from tests.support.cast import Cast, make_person
from tests.support.client import PortalClient
from tests.support.clock import Clock
from tests.support.mail import MailServer

PASSWORD = "a long enough password"


@pytest.fixture
def run(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


def test_the_first_user_comes_with_their_tenant_and_logs_in(
    app: Flask, run: FlaskCliRunner, client: PortalClient
) -> None:
    words = ["--email", "ann@x.example", "--name", "Ann", "--new-tenant", "Harbour Health", "--password", PASSWORD]
    done = run.invoke(args=["user", "create", *words])
    assert (done.exit_code, done.output) == (0, "Ann <ann@x.example> can log in to Harbour Health.\n")
    assert client.log_in_by_form("ann@x.example", PASSWORD).status_code == 302
    checklists = client.get("/checklists/").text
    assert f"{sum(map(len, STARTERS.values()))} active criteria in {len(STARTERS)} roles" in checklists


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--email", "alice@harbour.example", "--tenant", "harbour-health"], "There is one with this email already"),
        (["--email", "nonsense", "--tenant", "harbour-health"], "email: This is not an e-mail address"),
        (["--email", "x@y.example"], "Say which tenant with --tenant: harbour-health, northwind-staffing."),
        (["--email", "x@y.example", "--tenant", "harbour-health", "--role", "Boss"], "No such role: Boss."),
        (["--email", "x@y.example", "--new-tenant", "Harbour Health"], "There is a tenant “Harbour Health” already"),
    ],
)
def test_what_cannot_be_is_said_in_words(run: FlaskCliRunner, cast: Cast, words: list[str], says: str) -> None:
    done = run.invoke(args=["user", "create", "--name", "X", "--password", PASSWORD, *words])
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert says in done.output


def test_a_token_is_alone_on_the_last_line_and_only_its_hash_is_kept(
    app: Flask, run: FlaskCliRunner, cast: Cast
) -> None:
    done = run.invoke(args=["token", "create", "--email", "Alice@harbour.example", "--name", "nightly export"])
    secret = done.output.splitlines()[-1]
    assert secret.startswith("gr_")
    assert " " not in secret
    with app.app_context(), everywhere():
        (row,) = db.session.scalars(sa.select(ApiToken)).all()
        assert (row.user_id, row.name, row.secret_hash) == (cast.alice.id, "nightly export", token_hash(secret))


def test_an_address_in_two_tenants_needs_the_tenants_name(app: Flask, run: FlaskCliRunner, cast: Cast) -> None:
    from portal.people.models import Tenant

    with app.app_context(), everywhere():
        northwind = db.session.get(Tenant, cast.charlie.tenant_id)
        assert northwind is not None
        make_person(northwind, "alice@harbour.example", "Alice Elsewhere")
        db.session.commit()
    words = ["token", "create", "--email", "alice@harbour.example", "--name", "x"]
    refused = run.invoke(args=words)
    assert refused.exit_code == 1
    assert "say which with --tenant: " in refused.output
    assert run.invoke(args=[*words, "--tenant", "northwind-staffing"]).exit_code == 0


def test_no_token_for_nobody(run: FlaskCliRunner, cast: Cast) -> None:
    done = run.invoke(args=["token", "create", "--email", "nobody@x.example", "--name", "x"])
    assert (done.exit_code, done.output) == (1, "Error: There is no user nobody@x.example.\n")


def test_the_outbox_is_counted_and_dead_messages_are_queued_again(
    app: Flask, run: FlaskCliRunner, cast: Cast, clock: Clock, mailbox: MailServer
) -> None:
    from portal import jobs

    world = make_world(app, cast.alice, clock)
    mailbox.refuse["jane1@mail.example"] = "550 no such mailbox"
    world.interview(clock.now + 90 * HOUR, [cast.alice])
    assert "events that wait   1" in run.invoke(args=["outbox", "status"]).output
    with app.app_context():
        jobs.deliver()
    said = run.invoke(args=["outbox", "status"]).output
    assert "messages dead      1\nmessages sent      2\n" in said
    assert "interview_scheduled to jane1@mail.example: The mail server answered 550 no such mailbox" in said
    mailbox.refuse.clear()
    assert run.invoke(args=["outbox", "retry"]).output == "1 message queued again.\n"
    with app.app_context():
        jobs.deliver()
    assert len(mailbox.to("jane1@mail.example")) == 1


def test_the_doctor_finds_all_well_but_the_missing_worker(app: Flask, run: FlaskCliRunner) -> None:
    with app.app_context():
        findings = {f.what: f.good for f in doctor.examine(app)}
    assert findings == {"database": True, "migrations": True, "wall": True, "queue": False, "mail": True, "clock": True}
    done = run.invoke(args=["doctor"])
    assert done.exit_code == 1
    assert "WRONG  queue       Redis answers, but no worker runs: start `flask --app wsgi worker`" in done.output


def test_the_doctor_names_what_is_away(make_app: MakeApp) -> None:
    sick = make_app(REDIS_URL="unix:///nonexistent/redis.sock", SMTP_URL="smtp://127.0.0.1:9")
    with sick.app_context():
        said = {f.what: f.says for f in doctor.examine(sick) if not f.good}
    assert sorted(said) == ["mail", "queue"]
    assert said["mail"].startswith("The mail server 127.0.0.1:9 does not answer")
    assert said["queue"].endswith("Start it, or correct REDIS_URL.")


def test_the_doctor_knows_a_database_without_migrations(make_app: MakeApp, tmp_path: object) -> None:
    empty = make_app(DATABASE_URL=f"sqlite:///{tmp_path}/empty.db")
    with empty.app_context():
        said = {f.what: f.says for f in doctor.examine(empty)}
    assert said["migrations"].startswith("the database is at no migration, the code at ")
