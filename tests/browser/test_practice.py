"""A candidate's way as people walk it: a recruiter sends, a coordinator decides, the recruiter goes on (SPEC §2)."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, expect

from portal.core import clock as portal_clock
from portal.core.db import db
from portal.hiring.models import Application
from tests.support.browser import Visit
from tests.support.cast import Cast
from tests.support.hiring import colleague, history, make_application, make_candidate, make_job
from tests.support.pages import behind
from tests.support.practice import make_criteria
from tests.support.walking import PASSWORD, enter, pick

NAMES = {"passed": "Ada Able", "trained": "Ben Busy", "direct": "Cleo Clear"}


@pytest.fixture
def office(app: Flask, cast: Cast, clock: Any) -> dict[str, Any]:
    """A recruiter with three candidates whose documents are verified, and a coordinator with a checklist."""
    with behind(app, cast.alice):
        recruiter = colleague("Recruiter", "Rita Rees", PASSWORD)
        coordinator = colleague("Interview Coordinator", "Cora Cole", PASSWORD)
        job = make_job()
        make_criteria(job, "Hands over in order", "Knows the five checks")
        keys = {
            name: make_application("documents_verified", job=job, recruiter=recruiter,
                                   candidate=make_candidate(full, recruiter_id=recruiter.id)).id
            for name, full in NAMES.items()
        }  # fmt: skip
        return {"recruiter": recruiter.email, "coordinator": coordinator.email, **keys}


@pytest.mark.browser
@pytest.mark.database("postgresql")
def test_both_options_from_verified_documents_to_the_approval(
    app: Flask, cast: Cast, office: dict[str, Any], people: Callable[..., Visit]
) -> None:
    recruiter = enter(people, office["recruiter"])
    coordinator = enter(people, office["coordinator"])
    _send(recruiter, office["passed"], start=2)
    _send(recruiter, office["trained"], start=None)
    _approve(recruiter, office["direct"])  # option B

    _conduct(coordinator, NAMES["passed"], decision="approved")
    _schedule(coordinator, NAMES["trained"], start=3)
    _conduct(coordinator, NAMES["trained"], decision="needs_training")
    _train(coordinator, office["trained"])
    _send(recruiter, office["trained"], start=5)
    expect(recruiter.locator("main")).to_contain_text("attempt 2")
    _conduct(coordinator, NAMES["trained"], decision="approved", again=True)
    for key in ("passed", "trained"):
        _approve(recruiter, office[key])

    with behind(app, cast.alice):
        ways = {name: _way(office[name]) for name in NAMES}
    mock = ["mock_interview_scheduled", "mock_interview_completed"]
    assert ways == {
        "direct": ["approved"],
        "passed": [*mock, "mock_interview_passed", "approved"],
        "trained": [*mock, "mock_interview_failed", "training_assigned", "training_in_progress", "training_completed",
                    "ready_for_reassessment", *mock, "mock_interview_passed", "approved"],
    }  # fmt: skip


# What may happen between two keys of somebody quick, in one go: the last letter, the choice, and on to the next field.
QUICKLY = """async () => {
    const box = document.querySelector("#coordinator_id").tomselect;
    box.control_input.value = "Cora";
    box.control_input.dispatchEvent(new Event("input", { bubbles: true }));
    document.querySelector(".ts-dropdown .option").click();
    document.querySelector("#request_notes").focus();
    await new Promise((later) => setTimeout(later, 800));
}"""


@pytest.mark.browser
@pytest.mark.database("postgresql")
def test_who_chooses_and_goes_on_at_once_is_not_called_back_to_the_pick_list(
    office: dict[str, Any], people: Callable[..., Visit]
) -> None:
    page = enter(people, office["recruiter"])
    page.goto(f"/applications/{office['passed']}")
    _follow(page, "Send to mock interview")
    pick(page, "coordinator_id", "Cor")
    page.locator("#coordinator_id + .ts-wrapper .ts-control").click()
    expect(page.locator(".ts-dropdown .option").first).to_be_visible()
    page.evaluate(QUICKLY)
    expect(page.get_by_label("What to look at")).to_be_focused()
    expect(page.locator(".ts-dropdown .option").first).to_be_hidden()


def _way(key: Any) -> list[str]:
    application = db.session.scalars(sa.select(Application).where(Application.id == key)).one()
    return [target for _, target, _ in history(application)]


def _in(days: int) -> str:
    return f"{portal_clock.now() + timedelta(days=days):%Y-%m-%dT10:00}"


def _follow(page: Page, label: str) -> None:
    page.locator(".ways").get_by_role("link", name=re.compile(label, re.I)).click()


def _send(page: Page, application: Any, start: int | None) -> None:
    page.goto(f"/applications/{application}")
    _follow(page, "Send to mock interview")
    pick(page, "coordinator_id", "Cora")
    page.get_by_label("What to look at").fill("Handovers, please")
    if start is not None:
        page.locator("#scheduled_start").fill(_in(start))
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("Handovers, please")


def _approve(page: Page, application: Any) -> None:
    page.goto(f"/applications/{application}")
    _follow(page, "Approve for interview")
    page.get_by_role("button", name="Approve for interview").click()
    expect(page.locator(".step-now")).to_contain_text("Approved")


def _schedule(page: Page, name: str, start: int) -> None:
    _open(page, name)
    page.get_by_role("link", name="Schedule", exact=True).click()
    page.locator("#scheduled_start").fill(_in(start))
    page.get_by_role("button", name="Schedule").click()
    expect(page.locator(".title-line")).to_contain_text("Scheduled")


def _open(page: Page, name: str) -> None:
    page.goto(f"/mock-interviews/?q={name.split()[0]}&sort=-scheduled_start")
    page.locator("tbody tr").first.get_by_role("link", name=name, exact=True).click()


def _conduct(page: Page, name: str, decision: str, again: bool = False) -> None:
    _open(page, name)
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/conduct")
    page.wait_for_selector("html[data-ready]")
    if again:
        expect(page.locator("main")).to_contain_text("Attempt 1")
    page.locator(".items input[value=no]").first.check(force=True)
    page.locator("#overall_rating-4, [name=overall_rating][value='4']").first.check(force=True)
    page.locator(f"[name=decision][value={decision}]").check(force=True)
    if decision == "needs_training":
        page.locator("#training_type").select_option("interview_skills")
    page.locator("button[value=complete]").click()
    page.get_by_role("button", name=re.compile("^(Complete|Submit)")).last.click()
    expect(page.locator(".title-line")).to_contain_text(decision.replace("_", " ").capitalize())


def _train(page: Page, application: Any) -> None:
    page.goto(f"/applications/{application}")
    _follow(page, "Training: start")
    page.get_by_role("button", name="Start").click()
    page.get_by_role("link", name="New session").click()
    page.get_by_label("Topic").fill("Handover by SBAR")
    page.locator("#session_start").fill(_in(4))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Handover by SBAR")
    page.goto(f"/applications/{application}")
    _follow(page, "Training: complete")
    page.get_by_label("Outcome").select_option("completed_successfully")
    page.get_by_role("button", name="Complete").click()
    page.goto(f"/applications/{application}")
    _follow(page, "ready for reassessment")
    page.get_by_role("button", name="Ready for reassessment").click()
    expect(page.locator(".title-line")).to_contain_text("Ready for reassessment")
