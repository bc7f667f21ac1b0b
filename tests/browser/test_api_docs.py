"""The page of the API's document in a real browser, and a request made from it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.accessibility import faults
from tests.support.browser import Visit
from tests.support.cast import Cast


@pytest.mark.browser
@pytest.mark.database("sqlite")
def test_the_api_is_read_and_tried_on_its_page(
    app: Flask, cast: Cast, make_client: Any, people: Callable[..., Visit]
) -> None:
    """Under the strict CSP (see ``visit``), at 360 px, in the dark; the browser's own log-in signs what is tried."""
    visit = people(color_scheme="dark", viewport={"width": 360, "height": 740})
    base = app.extensions["greenroom"].base_url
    session = make_client(cast.alice).get_cookie("session").value
    visit.context.add_cookies([{"name": "session", "value": session, "url": base}])
    page = visit.open()
    page.goto("/api/docs")
    page.wait_for_selector("html.dark-mode .opblock-tag")
    assert faults(page) == []
    page.locator("#operations-tag-job-roles").click()
    page.locator("#operations-job-roles-create_job_role .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    page.wait_for_selector(".live-responses-table .response-col_status:has-text('201')")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    page.goto("/account/tokens")
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
