"""Time off: whole days in few words, hours where needed, and who may enter whose."""

from typing import Any

import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.scheduling.models import TimeOff
from tests.scheduling.makers import engage
from tests.support.cast import Cast
from tests.support.clock import Clock

DAY: dict[str, Any] = {"kind": "vacation", "first_day": "2026-03-28", "timezone": "Asia/Beirut"}


def times(app: Flask, cast: Cast) -> list[tuple[str, str]]:
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        query = sa.select(TimeOff.start, TimeOff.end).order_by(TimeOff.id)
        return [(f"{start:%d %H:%M}", f"{end:%d %H:%M}") for start, end in db.session.execute(query)]


ENTERED: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({}, ("27 22:00", "28 22:00")),  # the next day begins at one o'clock, when summer time does
    ({"last_day": "2026-03-29"}, ("27 22:00", "29 21:00")),
    ({"from_time": "12:00"}, ("28 10:00", "28 22:00")),
    ({"until_time": "12:00"}, ("27 22:00", "28 10:00")),
    ({"from_time": "22:00", "last_day": "2026-03-29", "until_time": "06:30"}, ("28 20:00", "29 03:30")),
]


def test_days_without_times_are_whole_days_in_their_zone(app: Flask, make_client: Any, cast: Cast) -> None:
    client = make_client(cast.alice)
    answers = [client.submit("/time-off/new", DAY | more).status_code for more, _ in ENTERED]
    assert (answers, times(app, cast)) == ([302] * len(ENTERED), [found for _, found in ENTERED])


def test_the_form_shows_what_was_entered_and_a_save_without_a_change_leaves_it(
    app: Flask, make_client: Any, cast: Cast
) -> None:
    client, shown = make_client(cast.alice), []
    for more, _ in ENTERED:
        row = client.submit("/time-off/new", DAY | more).headers["Location"]
        page = client.get(f"{row}/edit").get_data(as_text=True)
        shown.append({name: _value(page, name) for name in ("first_day", "from_time", "last_day", "until_time")})
        assert client.submit(f"{row}/edit", DAY | shown[-1] | {"row_version": "1"}).status_code == 302
    plain = {"first_day": "2026-03-28", "from_time": "", "last_day": "2026-03-28", "until_time": ""}
    assert (shown, times(app, cast)) == ([plain | more for more, _ in ENTERED], [found for _, found in ENTERED])


def _value(page: str, name: str) -> str:
    field = page.split(f'name="{name}"')[1].split(">")[0]
    return field.split('value="')[1].split('"')[0]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"first_day": ""}, "Please fill this in."),
    ({"first_day": "soon"}, "Please give a date, such as 2026-11-24."),
    ({"first_day": "0001-01-01"}, "Please give a year between 1901 and 8998."),
    ({"last_day": "9999-12-31"}, "Please give a year between 1901 and 8998."),
    ({"last_day": "2026-03-27"}, "The last day must not be before the first."),
    ({"from_time": "12:00", "until_time": "12:00"}, "The end must be after the start."),
    ({"from_time": "25:00"}, "Please give a time, such as 14:00."),
    ({"first_day": "2026-03-29", "from_time": "00:30"},
     "The clocks in Asia/Beirut skip this time on that day; did you mean 01:30?"),
    ({"kind": "strike"}, "Not a valid choice."),
    ({"timezone": "Mars/Base"}, "Not a valid choice."),
]  # fmt: skip


def test_what_is_wrong_stands_beside_its_field(app: Flask, make_client: Any, cast: Cast) -> None:
    client, missing = make_client(cast.alice), []
    for more, told in WRONG:
        answer = client.submit("/time-off/new", DAY | more)
        if answer.status_code != 422 or told not in answer.get_data(as_text=True):
            missing.append((more, answer.status_code))
    assert (missing, times(app, cast)) == ([], [])


def test_time_off_lists_what_was_arranged_for_it_with_links(
    app: Flask, make_client: Any, cast: Cast, clock: Clock
) -> None:
    with app.app_context(), tenant_scope(cast.bob.tenant_id, db.session()):
        engage(cast.bob, "2026-03-28 10:00")
        engage(cast.bob, "2026-03-27 10:00")
        db.session.commit()
    client = make_client(cast.alice)
    row = client.submit("/time-off/new", DAY | {"user_id": str(cast.bob.id)}).headers["Location"]
    page = client.get(row).get_data(as_text=True)
    assert "1 engagement is left outside; see below." in page
    assert "in time off, 28 Mar 2026, 00:00 to 29 Mar 2026, 01:00" not in page  # told in Bob's own zone
    assert "in time off, 27 Mar 2026, 22:00 to 28 Mar 2026, 22:00 (UTC, UTC+00:00)." in page


def test_nobody_sees_or_enters_the_time_off_of_another_organisation(make_client: Any, cast: Cast) -> None:
    row = make_client(cast.alice).submit("/time-off/new", DAY).headers["Location"]
    charlie = make_client(cast.charlie)
    assert [charlie.get(row).status_code, charlie.submit(f"{row}/edit", DAY).status_code] == [404, 404]
    answer = charlie.submit("/time-off/new", DAY | {"user_id": str(cast.alice.id)})
    assert (answer.status_code, "This is not one of the choices." in answer.get_data(as_text=True)) == (422, True)
