"""Slots through their pages: offering, series, changing, deleting, holding, exporting (SPEC §1, issue 3)."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.core.workflow import Change
from portal.people.models import Tenant
from portal.scheduling import slots_actions
from portal.scheduling.models import InterviewSlot
from tests.support.cast import Cast, Person, make_person
from tests.support.clock import MONDAY, Clock
from tests.support.hiring import at_work

HOUR = timedelta(hours=1)
FORM = {"start": "2026-03-04T10:00", "end": "2026-03-04T11:00", "timezone": "Europe/London", "slot_type": "any"}
WEEKLY = {**FORM, "start": "2026-03-23T09:00", "end": "2026-03-23T09:45", "repeat": "weeks", "every": "1",
          "weekdays": ["monday"], "until": "2026-04-06"}  # fmt: skip


@pytest.fixture(autouse=True)
def _stopped(clock: Clock) -> None:
    """On Monday, 2 March 2026, at nine."""


def person(app: Flask, cast: Cast, role: str) -> Person:
    with app.app_context(), everywhere(db.session):
        tenant = db.session.get(Tenant, cast.alice.tenant_id)
        assert tenant is not None
        made = make_person(tenant, f"{uuid4().hex}@harbour.example", f"{role} One", role)
        db.session.commit()
    return made


def offer(app: Flask, by: Person, start: datetime, minutes: int = 60, **values: Any) -> UUID:
    with app.app_context(), at_work(by) as user:
        given = {"start": start, "end": start + timedelta(minutes=minutes), "timezone": "Europe/London", **values}
        made: UUID = slots_actions.offer(db.session, given, Change(MONDAY, user)).row.id
        db.session.commit()
    return made


def kept(app: Flask, by: Person, *columns: Any) -> list[Any]:
    """The slots there are, in order."""
    wanted = columns or (InterviewSlot.start, InterviewSlot.end)
    with app.app_context(), at_work(by):
        return [tuple(row) for row in db.session.execute(sa.select(*wanted).order_by(InterviewSlot.start))]


def text(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


def errors(answer: Any) -> list[str]:
    """What a refused form says above itself."""
    return re.findall(r"<li>(.*)</li>", text(answer).partition("Please look at:")[2].partition("</ul>")[0])


def test_a_slot_is_offered_in_its_own_zone_and_the_history_says_so(app: Flask, client: Any, cast: Cast) -> None:
    client.log_in(cast.alice)
    answer = client.submit("/slots/new", {**FORM, "timezone": "Asia/Dubai", "notes": "<script>alert(1)</script>"})
    assert answer.status_code == 302, errors(answer)
    page = text(client.get(answer.location))
    assert "Alice Ardent, 4 Mar 2026, 10:00 (Asia/Dubai, UTC+04:00)" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    start = datetime(2026, 3, 4, 6, tzinfo=UTC)
    assert kept(app, cast.alice, InterviewSlot.interviewer_id, InterviewSlot.start, InterviewSlot.recurrence) == [
        (cast.alice.id, start, "")
    ]
    assert "created it" in page


def test_a_series_keeps_its_wall_time_across_the_change_of_the_clocks(app: Flask, client: Any, cast: Cast) -> None:
    client.log_in(cast.alice)
    answer = client.submit("/slots/new", {**WEEKLY, "interviewer_id": str(cast.bob.id)})
    assert answer.status_code == 302, errors(answer)
    assert kept(app, cast.alice) == [
        (datetime(2026, 3, day, hour, tzinfo=UTC), datetime(2026, 3, day, hour, 45, tzinfo=UTC))
        for day, hour in ((23, 9), (30, 8))
    ] + [(datetime(2026, 4, 6, 8, tzinfo=UTC), datetime(2026, 4, 6, 8, 45, tzinfo=UTC))]
    rule = "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;UNTIL=20260406T225959Z"
    assert {row[0] for row in kept(app, cast.alice, InterviewSlot.recurrence)} == {rule}
    page = text(client.get(answer.location))
    assert "3 slots of the series were made." in page
    assert "Every week on Monday until 6 Apr 2026" in page


def test_what_overlaps_or_lies_in_the_past_is_passed_over_and_told_by_date(app: Flask, client: Any, cast: Cast) -> None:
    offer(app, cast.alice, datetime(2026, 3, 4, 10, 30, tzinfo=UTC))
    client.log_in(cast.alice)
    form = {**FORM, "start": "2026-03-01T10:00", "end": "2026-03-01T11:00", "repeat": "rule",
            "rule": "FREQ=DAILY;COUNT=5"}  # fmt: skip
    answer = client.submit("/slots/new", form, follow_redirects=True)
    assert "Of the series, 2 were passed over: 1 Mar 2026 lies in the past; 4 Mar 2026 overlaps another slot." in text(
        answer
    )
    assert [start.day for start, _ in kept(app, cast.alice)] == [2, 3, 4, 5]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"end": "2026-03-04T10:00"}, "The end must be after the start."),
    ({"end": "2026-03-05T10:01"}, "A slot lasts from 5 minutes to 24 hours."),
    ({"end": "2026-03-04T10:04"}, "A slot lasts from 5 minutes to 24 hours."),
    ({"start": "2026-03-02T08:00", "end": "2026-03-02T09:00"}, "The start must be in the future."),
    ({"start": "2040-03-02T08:00", "end": "2040-03-02T09:00"}, "A slot starts within the next 5 years."),
    ({"start": "", "end": ""}, "Please fill this in."),
    ({"start": "2026-03-29T01:30", "end": "2026-03-29T04:00"}, "The clocks in Europe/London skip this time"),
    ({"timezone": "Mars/Base"}, "Not a valid choice."),
    ({"interviewer_id": str(uuid4())}, "This is not one of the choices."),
    ({"repeat": "weeks"}, "Please say until when."),
    ({"repeat": "days", "until": "2026-03-03"}, "This rule has no occurrence"),
    ({"repeat": "days", "until": "2027-12-31"}, "These are more than 400 occurrences"),
    ({"repeat": "days", "until": "2026-03-09", "every": "0"}, "Please give a whole number from 1 to 99."),
    ({"repeat": "rule", "rule": "every Monday"}, "Write a rule such as"),
    ({"repeat": "weeks", "weekdays": ["someday"], "until": "2026-03-09"}, "not a valid choice"),
]


def test_what_is_not_sound_is_refused_beside_its_field_with_what_was_typed_kept(
    app: Flask, client: Any, cast: Cast
) -> None:
    client.log_in(cast.alice)
    odd = {}
    for number, (values, words) in enumerate(REFUSED):
        answer = client.submit("/slots/new", {**FORM, **values, "notes": f"Typed {number}"})
        page = text(answer).replace("&#39;", "'")
        if answer.status_code != 422 or words not in page or f"Typed {number}" not in page:
            odd[words] = (answer.status_code, errors(answer))
    assert odd == {}
    assert kept(app, cast.alice) == []


def test_an_overlap_is_told_and_slots_that_touch_are_none(app: Flask, client: Any, cast: Cast) -> None:
    offer(app, cast.alice, datetime(2026, 3, 4, 11, tzinfo=UTC))
    client.log_in(cast.alice)
    answer = client.submit("/slots/new", {**FORM, "end": "2026-03-04T11:30"})
    words = "Alice Ardent has another slot from 4 Mar 2026, 11:00 to 12:00 (Europe/London, UTC+00:00)."
    assert (answer.status_code, words in text(answer)) == (422, True)
    assert client.submit("/slots/new", FORM).status_code == 302
    assert client.submit("/slots/new", {**FORM, "interviewer_id": str(cast.bob.id)}).status_code == 302


def test_an_interviewer_offers_their_own_time_alone(app: Flask, client: Any, cast: Cast) -> None:
    one = person(app, cast, "Interviewer")
    theirs = offer(app, cast.alice, MONDAY + timedelta(days=3))
    client.log_in(one)
    assert client.submit("/slots/new", FORM).status_code == 302
    answer = client.submit("/slots/new", {**FORM, "interviewer_id": str(cast.bob.id)})
    assert (answer.status_code, "You may offer your own time alone." in text(answer)) == (422, True)
    assert [client.get(f"/slots/{theirs}{page}").status_code for page in ("", "/edit", "/delete", "/hold")] == [404] * 4
    assert client.submit(f"/slots/{theirs}/release").status_code == 404


def test_who_may_not_write_slots_has_no_button_and_no_page(app: Flask, client: Any, cast: Cast) -> None:
    key = offer(app, cast.alice, MONDAY + timedelta(days=3))
    client.log_in(person(app, cast, "Recruiter"))
    page = text(client.get("/slots/"))
    assert ("Alice Ardent" in page, "/slots/new" in page, "/slots/generate" in page) == (True, False, False)
    codes = [client.get(f"/slots/{path}").status_code for path in ("new", "generate", f"{key}/edit", f"{key}/delete")]
    assert codes == [403] * 4
    client.log_in(person(app, cast, "CRE"))
    assert client.get("/slots/").status_code == 403


def edit(client: Any, key: UUID, **values: Any) -> Any:
    page = text(client.get(f"/slots/{key}/edit"))
    version = page.split('name="row_version"')[1].split('value="')[1].split('"')[0]
    return client.submit(f"/slots/{key}/edit", {"row_version": version, "timezone": "Europe/London", **values})


def test_one_slot_of_a_series_is_moved_alone(app: Flask, client: Any, cast: Cast) -> None:
    client.log_in(cast.alice)
    client.submit("/slots/new", WEEKLY)
    first = kept(app, cast.alice, InterviewSlot.id)[0][0]
    moved = {"start": "2026-03-24T15:00", "end": "2026-03-24T16:00", "slot_type": "interview", "scope": "this"}
    assert edit(client, first, **moved).status_code == 302
    found = kept(app, cast.alice, InterviewSlot.start, InterviewSlot.slot_type)
    assert found == [
        (datetime(2026, 3, 24, 15, tzinfo=UTC), "interview"), (datetime(2026, 3, 30, 8, tzinfo=UTC), "any"),
        (datetime(2026, 4, 6, 8, tzinfo=UTC), "any"),
    ]  # fmt: skip


def test_this_and_all_later_free_ones_get_the_new_time_of_day_on_their_days(
    app: Flask, client: Any, cast: Cast
) -> None:
    client.log_in(cast.alice)
    client.submit("/slots/new", {**WEEKLY, "until": "2026-04-20"})
    keys = [row[0] for row in kept(app, cast.alice, InterviewSlot.id)]
    client.log_in(cast.bob)
    client.submit(f"/slots/{keys[3]}/hold", {"minutes": "120"})
    client.log_in(cast.alice)
    offer(app, cast.alice, datetime(2026, 4, 6, 14, 30, tzinfo=UTC))
    moved = {"start": "2026-03-30T15:00", "end": "2026-03-30T16:30", "slot_type": "any", "scope": "later"}
    answer = edit(client, keys[1], **moved)
    assert answer.status_code == 302, errors(answer)
    page = text(client.get(answer.location))
    assert "2 slots of the series were changed." in page
    assert "passed over: 6 Apr 2026 overlaps another slot; 13 Apr 2026 stays as it is, as somebody has" in page
    found = kept(app, cast.alice, InterviewSlot.start)
    assert [f"{start.day} {start:%H:%M}" for (start,) in found] == [
        "23 09:00", "30 14:00", "6 08:00", "6 14:30", "13 08:00", "20 14:00",
    ]  # fmt: skip
    series = dict(kept(app, cast.alice, InterviewSlot.id, InterviewSlot.series_id))
    assert len({series[keys[0]], series[keys[2]], series[keys[3]]}) == 1
    assert series[keys[1]] == series[keys[4]] != series[keys[0]]
    refused = edit(client, keys[1], **{**moved, "start": "2026-03-31T15:00", "end": "2026-03-31T16:00"})
    assert "All later ones keep their days." in text(refused)


def test_adjacent_slots_of_a_series_may_move_over_each_others_old_places(app: Flask, client: Any, cast: Cast) -> None:
    start = datetime(2026, 3, 4, 10, tzinfo=UTC)
    first = offer(app, cast.alice, start, 1440, repeat="rule", rule="FREQ=DAILY;COUNT=4")
    client.log_in(cast.alice)
    for hour, last in (("13:00", "13:00"), ("08:00", "08:00")):
        times = {"start": f"2026-03-04T{hour}", "end": f"2026-03-05T{last}"}
        answer = edit(client, first, slot_type="any", scope="later", **times)
        assert answer.status_code == 302, errors(answer)
        assert [f"{at:%H:%M}" for at, _ in kept(app, cast.alice)] == [hour] * 4


def test_a_stale_edit_shows_both_versions(app: Flask, client: Any, cast: Cast) -> None:
    key = offer(app, cast.alice, MONDAY + timedelta(days=2))
    client.log_in(cast.alice)
    old = {"row_version": "1", **FORM}
    assert client.submit(f"/slots/{key}/edit", old).status_code == 302
    answer = client.submit(f"/slots/{key}/edit", {**old, "notes": "Mine"})
    assert (answer.status_code, "Mine" in text(answer)) == (409, True)


def test_a_hold_keeps_others_off_and_ends_by_itself(app: Flask, client: Any, cast: Cast, clock: Clock) -> None:
    key = offer(app, cast.alice, MONDAY + timedelta(days=2))
    client.log_in(cast.bob)
    assert client.submit(f"/slots/{key}/hold", {"minutes": "20"}).status_code == 302
    client.log_in(cast.alice)
    page = text(client.get(f"/slots/{key}"))
    assert ("Held" in page, "Bob Baker" in page, f"/slots/{key}/hold" in page) == (True, True, False)
    answer = client.submit(f"/slots/{key}/hold", {"minutes": "5"}, follow_redirects=True)
    assert "Bob Baker holds this slot until 09:20 (Europe/London, UTC+00:00)." in text(answer)
    assert client.submit(f"/slots/{key}/delete").status_code == 409
    assert "Bob Baker holds this slot" in text(edit(client, key, **{**FORM, "end": "2026-03-04T11:30"}))
    assert states(client) == ["held"]
    clock.forward(minutes=20)
    assert states(client) == ["free"]
    assert client.submit(f"/slots/{key}/hold", {"minutes": "5"}).status_code == 302
    assert states(client) == ["held"]
    clock.forward(days=3)
    assert states(client) == ["past"]


def states(client: Any) -> list[str]:
    """The slots' states, as the filter, the page and the export tell them."""
    told = [line.split(",")[0] for line in text(client.get("/slots/export.csv?cols=state")).split()[1:]]
    for state in ("free", "held", "booked", "past"):
        rows = text(client.get(f"/slots/export.csv?cols=state&state={state}")).split()[1:]
        assert rows == [each for each in told if each.lower() == state]
    page = text(client.get("/slots/"))
    assert all(f">{each.capitalize()}</span>" in page for each in told)
    return [each.lower() for each in told]


@pytest.mark.parametrize("minutes", ["0", "121", "", "x", "1.5", "9" * 30])
def test_a_hold_lasts_from_one_minute_to_two_hours(app: Flask, client: Any, cast: Cast, minutes: str) -> None:
    key = offer(app, cast.alice, MONDAY + timedelta(days=2))
    client.log_in(cast.alice)
    assert client.submit(f"/slots/{key}/hold", {"minutes": minutes}).status_code == 422
    assert states(client) == ["free"]


def test_a_hold_is_ended_by_its_holder_or_by_who_may_write_slots(app: Flask, client: Any, cast: Cast) -> None:
    key = offer(app, cast.alice, MONDAY + timedelta(days=2))
    one, other, coordinator = (person(app, cast, r) for r in ("Recruiter", "Recruiter", "Interview Coordinator"))
    told = []
    for by in (one, other, coordinator):
        client.log_in(one)
        client.submit(f"/slots/{key}/hold", {"minutes": "20"})
        client.log_in(by)
        told.append((f"{key}/release" in text(client.get(f"/slots/{key}")),
                     client.submit(f"/slots/{key}/release").status_code, states_of(app, cast)))  # fmt: skip
    assert told == [(True, 302, "free"), (False, 302, "held"), (True, 302, "free")]


def states_of(app: Flask, cast: Cast) -> str:
    with app.app_context(), at_work(cast.alice):
        return db.session.scalars(sa.select(InterviewSlot)).one().state


def run(client: Any, verb: str, ids: list[UUID], **form: str) -> str:
    preview = client.submit(f"/slots/bulk/{verb}", {"ids": [str(key) for key in ids]}).location
    assert client.get(preview).status_code == 200
    client.submit(preview, form)
    return text(client.get(f"{preview}/report.csv"))


def test_many_are_held_released_and_deleted_each_on_its_own(app: Flask, client: Any, cast: Cast) -> None:
    keys = [offer(app, cast.alice, MONDAY + timedelta(days=n)) for n in (1, 2, 3)]
    client.log_in(cast.bob)
    client.submit(f"/slots/{keys[1]}/hold", {"minutes": "60"})
    client.log_in(cast.alice)
    told = run(client, "hold", keys, minutes="30")
    assert (told.count(",done,"), told.count("Bob Baker holds this slot until 10:00")) == (2, 1)
    assert run(client, "let_go", keys[:1]).count(",done,") == 1
    told = run(client, "delete", keys)
    assert (told.count(",done,"), told.count(",skipped,")) == (2, 1)
    assert kept(app, cast.alice, InterviewSlot.id) == [(keys[1],)]


def test_deleting_takes_this_one_or_all_later_free_ones(app: Flask, client: Any, cast: Cast) -> None:
    client.log_in(cast.alice)
    client.submit("/slots/new", {**WEEKLY, "until": "2026-04-20"})
    keys = [row[0] for row in kept(app, cast.alice, InterviewSlot.id)]
    assert "This and all later free ones" in text(client.get(f"/slots/{keys[0]}/delete"))
    assert client.submit(f"/slots/{keys[4]}/delete", {"scope": "this"}).status_code == 302
    client.log_in(cast.bob)
    client.submit(f"/slots/{keys[2]}/hold", {"minutes": "60"})
    client.log_in(cast.alice)
    answer = client.submit(f"/slots/{keys[1]}/delete", {"scope": "later"}, follow_redirects=True)
    assert "2 slots of the series were deleted. 1 that somebody has booked or holds stay." in text(answer)
    assert kept(app, cast.alice, InterviewSlot.id) == [(keys[0],), (keys[2],)]
    with app.app_context(), at_work(cast.alice):
        deleted = sa.select(AuditEntry.row_id).where(AuditEntry.action == "deleted")
        assert set(db.session.scalars(deleted)) == {keys[4], keys[1], keys[3]}


def test_a_slot_of_the_other_tenant_is_as_one_that_never_was(app: Flask, client: Any, cast: Cast) -> None:
    theirs = offer(app, cast.charlie, MONDAY + timedelta(days=2))
    client.log_in(cast.alice)
    for page in ("hold", "edit", "delete"):
        assert [client.get(f"/slots/{key}/{page}").status_code for key in (theirs, uuid4())] == [404, 404]
    for page in ("hold", "release", "delete"):
        codes = [client.submit(f"/slots/{key}/{page}", {"minutes": "5"}).status_code for key in (theirs, uuid4())]
        assert codes == [404, 404]
    assert kept(app, cast.charlie, InterviewSlot.held_until) == [(None,)]
    assert json.loads(text(client.get("/lookup/slots"))) == []


def test_the_pick_list_has_what_one_may_take_with_the_time_in_ones_own_zone(
    app: Flask, client: Any, cast: Cast
) -> None:
    keys = [offer(app, cast.alice, datetime(2026, 4, day, 10, tzinfo=UTC), slot_type=kind)
            for day, kind in ((1, "any"), (2, "interview"), (3, "mock_interview"))]  # fmt: skip
    client.log_in(cast.bob)
    client.submit(f"/slots/{keys[1]}/hold", {"minutes": "60"})
    mine = json.loads(text(client.get("/lookup/slots?q=ardent")))
    assert [(each["id"], each["label"]) for each in mine] == [
        (str(keys[0]), "Alice Ardent, 1 Apr 2026, 10:00 +00:00"),
        (str(keys[1]), "Alice Ardent, 2 Apr 2026, 10:00 +00:00"),
    ]
    client.log_in(cast.alice)
    assert [each["id"] for each in json.loads(text(client.get("/lookup/slots")))] == [str(keys[0])]
