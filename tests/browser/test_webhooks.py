"""A webhook from its making to the receiver's answer, on a telephone."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from standardwebhooks import Webhook as Standard

from tests.support.accessibility import faults
from tests.support.browser import Visit
from tests.support.cast import Cast
from tests.support.jobs import JobRunner
from tests.support.walking import pick
from tests.webhooks.conftest import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.mark.browser
@pytest.mark.database("sqlite")
def test_a_webhook_is_made_tried_and_read_on_a_telephone(
    app: Flask, cast: Cast, make_client: Any, people: Callable[..., Visit], jobs: JobRunner, receiver: Receiver
) -> None:
    base = app.extensions["greenroom"].base_url
    session = make_client(cast.alice).get_cookie("session").value
    visit = people(viewport={"width": 360, "height": 740})
    visit.context.add_cookies([{"name": "session", "value": session, "url": base}])
    page = visit.open()
    page.goto("/webhooks/new")
    page.get_by_label("Name").fill("Payroll")
    page.get_by_label("Address").fill("https://10.0.0.1/hook")
    pick(page, "events", "interview.confirm")
    page.get_by_role("heading", level=1).click()  # the list folds up, and what stands below it moves
    _sound(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("points inside the network").first).to_be_visible()
    page.get_by_label("Address").fill(receiver.url)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("interview.confirm").first).to_be_visible()
    _sound(page)
    page.get_by_role("button", name="Show the secret").click()
    secret = page.get_by_label("The secret").input_value()
    _sound(page)
    page.get_by_role("link", name="Done").click()
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("The test is on its way")).to_be_visible()
    jobs.drain()
    page.reload()
    expect(page.get_by_text("204")).to_be_visible()
    _sound(page)
    assert Standard(secret).verify(receiver.got[0].body, receiver.got[0].headers)["type"] == "webhook.test"
    for url in ("/webhooks/", "/webhook-deliveries/"):
        page.goto(url)
        _sound(page)


def _sound(page: Page) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert faults(page) + ([f"scrolls sideways by {wide}px"] if wide > 0 else []) == []
