"""What people do in a browser again and again: log in, and choose from a pick-list."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.support.browser import Visit

PASSWORD = "correct horse battery"


def enter(people: Callable[..., Visit], email: str, password: str = PASSWORD) -> Page:
    """A browser of its own, logged in by the form."""
    page = people().open()
    page.goto("/login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Good")
    return page


def pick(page: Page, field: str, words: str) -> None:
    """Choose from a pick-list by typing, as quickly as somebody who knows what will come."""
    page.wait_for_selector("html[data-ready]")
    page.locator(f"#{field} + .ts-wrapper .ts-control").click()
    typed = page.locator(f"#{field} + .ts-wrapper input")
    typed.press_sequentially(words[:-1], delay=20)
    option = page.locator(".ts-dropdown .option", has_text=re.compile(words, re.I)).first
    expect(option).to_be_visible()
    typed.press(words[-1])
    option.click()
