"""The bell: one's own notifications, as a list, for scripts, and in the API."""

import html
import re
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.tenancy import everywhere, tenant_scope
from portal.messaging.inbox import Notification
from tests.messaging.world import HOUR, World
from tests.support.api import caller
from tests.support.cast import Cast, Person
from tests.support.pages import text
from tests.support.statements import of_page

ALL, RECENT = "/notifications/", "/notifications/recent.json"


def tell(app: Flask, person: Person, title: str = "Something happened", **values: Any) -> UUID:
    """A notification of the person's."""
    given = {"type": "interview_scheduled", "message": "", "link": "/interviews/", "idem_key": str(uuid4()), **values}
    with app.app_context(), tenant_scope(person.tenant_id):
        made = Notification(user_id=person.id, title=title, **given)
        db.session.add(made)
        db.session.commit()
        return made.id


def times(app: Flask, key: UUID) -> tuple[datetime | None, datetime | None]:
    """When it was read, and when clicked."""
    with app.app_context(), everywhere():
        row = db.session.execute(sa.select(Notification.read_at, Notification.clicked_at).filter_by(id=key)).one()
        return row[0], row[1]


def titles(answer: Any) -> list[str]:
    found = re.findall(r'class="notice-title"[^>]*>(.*?)</a>', answer.get_data(as_text=True))
    return [html.unescape(each) for each in found]


def bell(answer: Any) -> str:
    """How the bell of a page is called."""
    found = re.search(r'id="bell"[^>]*aria-label="([^"]*)"', answer.get_data(as_text=True))
    assert found is not None
    return found[1]


# --- what there is ---------------------------------------------------------------------------------------


def test_what_messages_tell_stands_under_the_bell_and_leads_to_what_it_is_about(
    app: Flask, make_client: Any, world: World, cast: Cast, deliver: Any
) -> None:
    client = make_client(cast.bob)
    assert (bell(client.get("/")), "Nothing yet" in text(client.get(ALL))) == ("Notifications", True)
    interview = world.interview(world.clock.now + 50 * HOUR, [cast.bob], title="Ward round")
    deliver()
    page = client.get(ALL)
    assert bell(page) == "Notifications, 1 unread"
    assert titles(page) == ["Ward round"]
    assert "Today" in text(page)
    assert "2 Mar 2026, 09:00 +00:00" in text(page)
    item = client.get(RECENT).json["items"][0]
    world.clock.forward(hours=1)
    opened = client.get(item["link"])
    assert (opened.status_code, opened.headers["Location"]) == (302, f"/interviews/{interview}")
    assert times(app, UUID(item["id"])) == (world.clock.now, world.clock.now)
    assert bell(client.get(ALL)) == "Notifications"


def test_everybody_sees_their_own_whatever_their_role_and_nobody_elses(
    app: Flask, make_client: Any, cast: Cast
) -> None:
    keys = {person: tell(app, person, f"For {person.full_name}") for person in (cast.alice, cast.bob, cast.charlie)}
    client = make_client(cast.bob)
    assert titles(client.get(ALL)) == ["For Bob Baker"]
    assert [each["title"] for each in client.get(RECENT).json["items"]] == ["For Bob Baker"]
    for other in (keys[cast.alice], keys[cast.charlie], uuid4()):
        assert client.get(f"/notifications/{other}/open").status_code == 404
        assert client.submit(f"/notifications/{other}/read").status_code == 404
    assert client.submit("/notifications/read-all").status_code == 200
    assert [times(app, keys[other]) for other in (cast.alice, cast.charlie)] == [(None, None)] * 2
    assert times(app, keys[cast.bob])[0] is not None


def test_a_long_list_comes_page_by_page_and_can_be_narrowed(app: Flask, make_client: Any, cast: Cast) -> None:
    for number in range(35):
        kind = "feedback_requested" if number % 2 else "interview_scheduled"
        tell(app, cast.bob, f"No {number}", type=kind)
    client = make_client(cast.bob)
    first = client.get(ALL)
    assert titles(first) == [f"No {number}" for number in range(34, 4, -1)]
    older = re.search(r'rel="next" href="([^"]+)"', first.get_data(as_text=True))
    assert older is not None
    assert titles(client.get(html.unescape(older[1]))) == [f"No {number}" for number in range(4, -1, -1)]
    assert titles(client.get(f"{ALL}?type=feedback_requested")) == [f"No {n}" for n in range(33, 0, -2)]
    assert client.submit("/notifications/read-all", {"type": "feedback_requested", "next": ALL}).status_code == 302
    assert titles(client.get(f"{ALL}?show=unread")) == [f"No {n}" for n in range(34, -1, -2)]
    assert titles(client.get(f"{ALL}?show=unread&type=feedback_requested")) == []
    assert client.get(f"{ALL}?before=nonsense&type=nonsense").status_code == 200


def test_the_bell_and_the_list_cost_the_same_however_many_there_are(app: Flask, make_client: Any, cast: Cast) -> None:
    client = make_client(cast.bob)
    tell(app, cast.bob)
    client.get(ALL)
    few = [of_page(app, client, url) for url in (ALL, RECENT, "/me/notifications")]
    for _ in range(110):
        tell(app, cast.bob)
    assert [of_page(app, client, url) for url in (ALL, RECENT, "/me/notifications")] == few
    assert bell(client.get(ALL)) == "Notifications, 99+ unread"
    assert client.get(RECENT).json["shown"] == "99+"


@pytest.mark.database("sqlite")
def test_what_a_notification_says_is_text_in_whatever_script(app: Flask, make_client: Any, cast: Cast) -> None:
    tell(app, cast.bob, "<script>alert(1)</script>", message="مقابلة جديدة <b>غدا</b>")
    page = make_client(cast.bob).get(ALL).get_data(as_text=True)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert re.search(r'<p dir="auto"[^>]*>مقابلة جديدة &lt;b&gt;غدا&lt;/b&gt;</p>', page)


# --- for scripts -----------------------------------------------------------------------------------------


def test_a_page_that_was_away_gets_what_came_since_and_nothing_new_is_a_304(
    app: Flask, make_client: Any, cast: Cast
) -> None:
    for number in range(12):
        tell(app, cast.bob, f"No {number}")
    client = make_client(cast.bob)
    first = client.get(RECENT)
    assert [each["title"] for each in first.json["items"]] == [f"No {number}" for number in range(11, 1, -1)]
    again = client.get(RECENT, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    # Half a minute later, with one that was made before the newest and committed after it.
    newest = UUID(first.json["newest"])
    late, long_ago = (UUID(int=newest.int - (seconds * 1000 << 80)) for seconds in (30, 120))
    for key, title in ((late, "Late"), (long_ago, "Long ago")):
        tell(app, cast.bob, title, id=key)
    new = tell(app, cast.bob, "New", quiet=True)
    since = client.get(f"{RECENT}?after={newest}", headers={"If-None-Match": first.headers["ETag"]}).json
    told = {each["title"]: each for each in since["items"]}
    assert {"Late", "New"} <= set(told)
    assert "Long ago" not in told
    assert (since["unread"], since["newest"], told["New"]["quiet"]) == (15, str(new), True)
    assert told["New"]["link"] == f"/notifications/{new}/open"


# --- what becomes of them --------------------------------------------------------------------------------


def test_when_it_was_first_read_and_first_opened_is_kept(
    app: Flask, make_client: Any, world: World, cast: Cast
) -> None:
    client, key, at = make_client(cast.bob), tell(app, cast.bob), world.clock.now
    assert client.head(f"/notifications/{key}/open").status_code == 302
    assert times(app, key) == (None, None)
    answer = client.submit(f"/notifications/{key}/read", {"next": f"{ALL}?show=unread"})
    assert answer.headers["Location"] == f"{ALL}?show=unread#n-{key}"
    world.clock.forward(hours=1)
    client.get(f"/notifications/{key}/open")
    world.clock.forward(hours=1)
    client.get(f"/notifications/{key}/open")
    client.submit(f"/notifications/{key}/read")
    assert times(app, key) == (at, at + HOUR)


def test_all_means_those_that_one_has_seen(app: Flask, make_client: Any, cast: Cast) -> None:
    seen, since = tell(app, cast.bob), tell(app, cast.bob, "Came meanwhile")
    client = make_client(cast.bob)
    assert client.submit("/notifications/read-all", {"upto": str(seen)}).json["unread"] == 1
    assert (times(app, seen)[0] is None, times(app, since)[0] is None) == (False, True)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("link", ["https://evil.example/", "//evil.example/", "/\\evil.example/", "javascript:x", ""])
def test_a_notification_leads_nowhere_but_into_the_portal(app: Flask, make_client: Any, cast: Cast, link: str) -> None:
    client, key = make_client(cast.bob), tell(app, cast.bob, link=link)
    assert client.get(f"/notifications/{key}/open").headers["Location"] == ALL
    told = client.submit(f"/notifications/{key}/read", {"next": link or "https://evil.example"})
    assert told.headers["Location"].startswith(ALL)


# --- in the API ------------------------------------------------------------------------------------------


def test_in_the_api_one_reads_lists_and_counts_ones_own(app: Flask, cast: Cast, world: World) -> None:
    old, new = tell(app, cast.bob, "Old"), tell(app, cast.bob, "New", type="interview_reminder", quiet=True)
    foreign = tell(app, cast.charlie)
    colleague = tell(app, cast.alice)
    api: Any = caller(app, cast.bob)
    assert api.get("/notifications/unread-count").json == {"unread": 2, "unread_is_capped": False}
    found = api.get("/notifications?page_size=1").json
    assert (found["total"], [row["title"] for row in found["items"]]) == (2, ["New"])
    assert "user_id" not in found["items"][0]
    assert [row["title"] for row in api.get("/notifications?type=interview_scheduled").json["items"]] == ["Old"]

    one = api.patch(f"/notifications/{old}/read")
    assert (one.status_code, one.json["id"], one.json["read_at"]) == (200, str(old), "2026-03-02T09:00:00Z")
    assert [row["title"] for row in api.get("/notifications?read=false").json["items"]] == ["New"]
    for other in (foreign, colleague, uuid4()):
        assert api.patch(f"/notifications/{other}/read").status_code == 404
        refused = api.patch("/notifications", {"ids": [str(new), str(other)]})
        assert (refused.status_code, list(refused.json["errors"])) == (422, ["ids.1"])
    assert times(app, new) == (None, None)
    several = api.patch("/notifications", {"ids": [str(new), str(old)]})
    assert several.json == {"changed": 1, "unread": 0, "unread_is_capped": False}


def test_in_the_api_all_are_marked_at_once_or_all_of_a_sort(app: Flask, cast: Cast) -> None:
    for number in range(4):
        tell(app, cast.bob, type="feedback_requested" if number % 2 else "interview_reminder")
    theirs = tell(app, cast.alice)
    api: Any = caller(app, cast.bob)
    some = api.post("/notifications/read-all", {"type": ["feedback_requested"]})
    assert some.json == {"changed": 2, "unread": 2, "unread_is_capped": False}
    assert api.post("/notifications/read-all").json["changed"] == 2
    assert times(app, theirs) == (None, None)


@pytest.mark.database("sqlite")
def test_a_token_that_only_reads_marks_nothing_and_one_for_something_else_reads_nothing(app: Flask, cast: Cast) -> None:
    tell(app, cast.bob)
    reading: Any = caller(app, cast.bob, scope=["read:*"])
    other = caller(app, cast.bob, scope=["read:interviews"])
    assert reading.get("/notifications").json["total"] == 1
    assert reading.post("/notifications/read-all").status_code == 403
    assert other.get("/notifications").status_code == 403
