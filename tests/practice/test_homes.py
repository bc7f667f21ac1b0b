"""What the homes say of practice, and to whom: each role its own work, and nothing of what does not concern it."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

from flask import Flask

from portal.core.db import db
from portal.people.models import Tenant
from tests.support import statements
from tests.support.cast import Cast, Person, make_person
from tests.support.hiring import (
    at_work,
    make_application,
    make_candidate,
    make_job,
    make_project,
    make_team,
    move,
)
from tests.support.practice import application_of, complete, conducted, in_days, sent, training_of


def hire(role: str, name: str, cast: Cast) -> Person:
    tenant = db.session.get_one(Tenant, cast.alice.tenant_id)
    return make_person(tenant, f"{name.split()[0].lower()}@harbour.example", name, role)


def cards(client: Any) -> dict[str, list[str]]:
    """The cards of the home: title -> what stands in its rows."""
    found = {}
    for part in client.get("/").text.split('<section class="panel"')[1:]:
        title = re.search(r"<h2[^>]*>(?:<a[^>]*>)?([^<]+)", part)
        assert title
        found[unescape(title[1])] = re.findall(r'<li class="card-row"><a href="[^"]*" dir="auto">([^<]+)', part)
    return found


def test_each_role_sees_its_own_work(app: Flask, make_client: Any, cast: Cast, clock: Any) -> None:
    with app.app_context(), at_work(cast.alice) as alice:
        cora, rita = hire("Interview Coordinator", "Cora Cole", cast), hire("Recruiter", "Rita Ray", cast)
        tina, ida = hire("Team Lead", "Tina Tan", cast), hire("Interviewer", "Ida Ives", cast)
        users = {p.full_name: db.session.get_one(type(alice), (p.tenant_id, p.id)) for p in (cora, rita, tina)}
        coordinator, recruiter = users["Cora Cole"], users["Rita Ray"]
        job = make_job(make_project(team_id=make_team(users["Tina Tan"]).id))

        def application(name: str) -> Any:
            return make_application(
                "documents_verified", candidate=make_candidate(name), recruiter=recruiter, coordinator=coordinator
            )

        sent(coordinator, application("Asked For"))
        sent(coordinator, application("Soon Today"), start=in_days(0.1))
        sent(coordinator, application("Next Week"), start=in_days(7))
        missed = sent(coordinator, application("Never Came"), start=in_days(0.05))
        team_one = make_application("documents_verified", candidate=make_candidate("Of Team"), job=job)
        complete(conducted(alice, team_one), alice, decision="approved")
        done = conducted(coordinator, application("All Well"), start=in_days(0.2))
        complete(done, coordinator, decision="approved", overall_rating=5)
        failed = conducted(coordinator, application("In School"), start=in_days(0.3))
        complete(failed, coordinator, decision="needs_training")
        training_of(application_of(failed)).end_date = in_days(-3).date()
        assert missed.scheduled_start
        clock.set(missed.scheduled_start + timedelta(minutes=1))
        db.session.commit()

    mine = cards(make_client(cora))
    assert mine["Mock interviews to schedule"] == ["Asked For"]
    assert mine["Awaiting my assessment"] == ["Never Came"]
    assert mine["Today in practice"] == ["Never Came", "Soon Today", "All Well", "In School"]
    assert mine["My next mock interviews"] == ["Next Week"]
    assert mine["In training"] == ["In School"]
    page = make_client(cora).get("/").text
    assert ">Late</span>" in page
    assert "New mock interview" in page
    assert sorted(mine["Assessed today"]) == ["All Well", "In School"]

    theirs = cards(make_client(rita))
    assert sorted(theirs["Sent to mock interview"]) == ["Asked For", "Never Came", "Next Week", "Soon Today"]
    assert sorted(theirs["Mock interview results"]) == ["All Well", "In School"]
    assert theirs["My candidates in training"] == ["In School"]

    assert cards(make_client(tina))["My team's mock interviews"] == ["Of Team"]
    practice = {"Mock interview results", "In training", "Today in practice", "My team's mock interviews",
                "Sent to mock interview", "Awaiting my assessment"}  # fmt: skip
    assert not practice & cards(make_client(ida)).keys()


def test_a_home_asks_as_often_whatever_there_is(app: Flask, make_client: Any, cast: Cast, clock: Any) -> None:
    with app.app_context(), at_work(cast.alice):
        cora = hire("Interview Coordinator", "Cora Cole", cast)
        db.session.commit()

    def add(more: int) -> None:
        with app.app_context(), at_work(cast.alice) as alice:
            coordinator = db.session.get_one(type(alice), (cora.tenant_id, cora.id))
            for number in range(more):
                sent(coordinator)
                sent(coordinator, start=in_days(10 * more + number / 10))
                mock = conducted(coordinator, start=in_days(10 * more + 3 + number / 10))
                complete(mock, coordinator, decision="needs_training")
            db.session.commit()

    add(1)
    few = statements.of_page(app, make_client(cora), "/")
    add(4)
    assert statements.of_page(app, make_client(cora), "/") == few


def test_the_menu_counts_what_waits(app: Flask, make_client: Any, cast: Cast, clock: Any) -> None:
    with app.app_context(), at_work(cast.alice) as alice:
        cora = hire("Interview Coordinator", "Cora Cole", cast)
        coordinator = db.session.get_one(type(alice), (cora.tenant_id, cora.id))
        sent(coordinator)
        sent(coordinator, start=in_days(0.01))
        for outcome in ("completed_successfully", "dropped_out"):
            mock = conducted(coordinator, start=in_days(5 + len(outcome) / 10))
            complete(mock, coordinator, decision="needs_training")
            row = training_of(application_of(mock))
            move(row, "start", coordinator)
            move(row, "complete", coordinator, outcome=outcome)
        clock.forward(days=1)
        db.session.commit()
    page = make_client(cora).get("/").text
    counts = dict(re.findall(r'href="/(mock-interviews|training)/"[^>]*>.*?nav-count[^>]*>(\d+)', page, re.S))
    assert counts == {"mock-interviews": "2", "training": "1"}
