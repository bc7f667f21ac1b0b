"""The pages of messages: what one is told, how they stand, and what they look like."""

import html
import re
from typing import Any

import pytest
from flask import Flask

from portal.messaging.catalog import CATALOGUE
from portal.messaging.models import Channel
from tests.messaging.world import HOUR, World
from tests.support.cast import Cast
from tests.support.mail import MailServer
from tests.support.pages import errors, text

CHOICES = "/me/notifications"


def _ticked(page: Any) -> set[str]:
    found = re.findall(r'name="on" value="([^"]+)"[^>]*checked', page.get_data(as_text=True))
    return {html.unescape(each) for each in found}


def test_what_one_ticks_is_kept_and_read_back(make_client: Any, world: World, cast: Cast) -> None:
    client = make_client(cast.bob)
    usual = _ticked(client.get(CHOICES))
    assert "interview_confirmed:in_app" in usual
    assert "interview_confirmed:email" not in usual
    wanted = (usual - {"feedback_overdue:email"}) | {"interview_confirmed:email"}
    given = {"on": sorted(wanted), "since": "22:00", "until": "07:00"}
    assert client.submit(CHOICES, given).status_code == 302
    page = client.get(CHOICES)
    assert _ticked(page) == wanted
    assert 'value="22:00"' in page.get_data(as_text=True)
    assert _ticked(make_client(cast.alice).get(CHOICES)) == usual


@pytest.mark.database("sqlite")
def test_half_of_the_quiet_hours_is_an_error_beside_its_field(make_client: Any, world: World, cast: Cast) -> None:
    answer = make_client(cast.bob).submit(CHOICES, {"on": ["feedback_overdue:email"], "since": "22:00", "until": ""})
    assert answer.status_code == 422
    assert errors(answer) == {"until": "Please give both times, or none."}
    assert _ticked(answer) == {"feedback_overdue:email"}


def test_the_state_of_messages_is_that_of_ones_own_organisation(
    app: Flask, make_client: Any, world: World, cast: Cast, deliver: Any, mailbox: MailServer
) -> None:
    key = world.interview(world.clock.now + 50 * HOUR, [cast.bob], email="gone@mail.example")
    mailbox.refuse["gone@mail.example"] = "550 no such mailbox"
    deliver()
    page = make_client(cast.alice).get("/operations/")
    assert "Given up 1" in text(page)
    assert "550 no such mailbox" in text(page)
    other = make_client(cast.charlie).get("/operations/")
    assert "Given up 0" in text(other)
    assert "550" not in text(other)
    assert key is not None


@pytest.mark.database("sqlite")
def test_each_message_can_be_read_before_anybody_gets_one(make_client: Any, world: World, cast: Cast) -> None:
    client = make_client(cast.alice)
    assert "Interview scheduled: candidate" in text(client.get("/operations/templates/"))
    for number, message in enumerate(CATALOGUE):
        page = client.get(f"/operations/templates/?message={number}")
        shown = re.search("<strong>[^<]+</strong><br>[^<]+", page.get_data(as_text=True)) is not None
        assert (page.status_code, shown) == (200, Channel.IN_APP in message.channels)
        part = client.get(f"/operations/templates/{number}/html")
        assert part.status_code == 200
        assert "sandbox" in part.headers["Content-Security-Policy"]
    assert client.get(f"/operations/templates/?message={len(CATALOGUE)}").status_code == 404
