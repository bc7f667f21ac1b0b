"""The main job, as people do it: HR schedules and edits, a coordinator confirms and moves many, a manager exports,
and the reminders arrive."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, expect

from portal import jobs as duties
from portal.core.db import db
from portal.core.tenancy import everywhere, tenant_scope
from portal.hiring.models import Application
from portal.people.models import Tenant, User
from tests.support.browser import Visit
from tests.support.cast import Cast, Person, make_person
from tests.support.mail import MailServer
from tests.support.walking import PASSWORD, enter, pick
from tests.support.world import populate

ROLES = ("HR", "Interview Coordinator", "Manager", "Interviewer")


@pytest.fixture
def staff(app: Flask, cast: Cast, clock: Any) -> dict[str, Person]:
    """HR, a coordinator who owns the applications, a manager, and an interviewer."""
    world = populate(app, cast)
    world.more(3)
    with app.app_context(), everywhere(db.session):
        tenant = db.session.get_one(Tenant, cast.alice.tenant_id)
        roles = {
            "HR": "Hana Rao",
            "Interview Coordinator": "Cora Dune",
            "Manager": "Max Ager",
            "Interviewer": "Ines Ter",
        }
        made = {
            role: make_person(tenant, f"{name.split()[0].lower()}@harbour.example", name, role, PASSWORD)
            for role, name in roles.items()
        }
        with tenant_scope(tenant.id, db.session):
            coordinator = made["Interview Coordinator"].id
            db.session.execute(sa.update(Application).values(coordinator_id=coordinator))
            db.session.execute(sa.update(User).values(timezone="Europe/Berlin"))
        db.session.commit()
    return made


@pytest.mark.browser
@pytest.mark.database("postgresql")
def test_from_log_in_to_the_opened_csv_and_the_reminder(
    app: Flask, staff: dict[str, Person], people: Callable[..., Visit], mailbox: MailServer, clock: Any, jobs: Any
) -> None:
    _hr_schedules_and_edits(enter(people, staff["HR"].email))
    _coordinator_confirms_and_moves_many(enter(people, staff["Interview Coordinator"].email))
    _manager_exports(enter(people, staff["Manager"].email))
    jobs.drain()
    mailbox.clear()

    clock.set(datetime(2026, 3, 5, 9, 30, tzinfo=UTC))  # 24 hours before, once it was moved by a day
    with app.app_context():
        duties.see_to_messages()
    jobs.drain()
    told = {message["To"]: message for message in mailbox.messages}
    assert sorted(told) == ["Harbour Ørsted <harbour@x.example>", "Ines Ter <ines@harbour.example>"]
    assert "13:30 (Asia/Dubai, UTC+04:00)" in _text(told["Harbour Ørsted <harbour@x.example>"])
    assert "10:30 (Europe/Berlin, UTC+01:00)" in _text(told["Ines Ter <ines@harbour.example>"])


def _text(message: Any) -> str:
    return str(message.get_body(("plain",)).get_content())


def _hr_schedules_and_edits(page: Page) -> None:
    page.get_by_role("link", name="Interviews", exact=True).click()
    page.get_by_role("link", name="New", exact=True).click()
    pick(page, "application_id", "Harbour")
    page.get_by_label("Type").select_option("technical")
    page.get_by_label("Title").fill("Round one")
    page.get_by_label("Start", exact=False).first.fill("2026-03-05T10:30")
    page.get_by_label("End", exact=False).first.fill("2026-03-05T09:30")
    pick(page, "interviewers", "Ines")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#scheduled_end-error")).to_contain_text("The end must be after the start.")
    expect(page.locator("#title")).to_have_value("Round one")
    page.locator("#scheduled_end").fill("2026-03-05T11:30")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Round one")
    expect(page.locator("main")).to_contain_text("Ines Ter")

    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Location").fill("Room <b>4</b>")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("Room <b>4</b>")


def _coordinator_confirms_and_moves_many(page: Page) -> None:
    page.goto("/interviews/?when=next_7_days")
    page.wait_for_selector("html[data-ready]")
    page.locator("[data-pick-page]").check()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("5 interviews")
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("finished", ignore_case=True)

    page.goto("/interviews/?q=round")
    page.wait_for_selector("html[data-ready]")
    page.locator("tbody input[name=ids]").check()
    page.get_by_role("button", name="Reschedule").click()
    page.get_by_label("Days").fill("1")
    page.locator("main form button[type=submit]").click()
    page.goto("/interviews/?q=round")
    expect(page.locator("tbody")).to_contain_text("6 Mar 2026, 10:30 +01:00")
    expect(page.locator("tbody")).to_contain_text("awaits a new confirmation")


def _manager_exports(page: Page) -> None:
    page.goto("/interviews/?status=confirmed&cols=title&cols=status&cols=scheduled_start&sort=title")
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    with open(download.value.path(), encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    starts = {"Harbour": 10, "More0": 11, "More1": 12, "More2": 13}
    assert lines == [
        ["Title", "Status", "Start (Europe/Berlin)"],
        *[
            [f"Video interview with {name} Ørsted", "Confirmed", f"2026-03-04T{hour}:00:00+01:00"]
            for name, hour in starts.items()
        ],
    ]
