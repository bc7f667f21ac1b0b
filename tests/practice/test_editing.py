"""The edit form of a mock interview in each of its states: what is there to change, by whom, and what follows."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from portal.core.db import db
from portal.people.models import User
from portal.scheduling.models import Engagement
from tests.practice.conftest import Ward
from tests.support.hiring import make_application, move
from tests.support.practice import application_of, complete, conducted, in_days, make_mock, sent


def _edited(ward: Ward, key: UUID, **values: Any) -> dict[str, Any]:
    """What the form sends as it was opened just now, with ``values`` filled in."""
    row = ward.row(key)
    start = f"{row.scheduled_start:%Y-%m-%dT%H:%M}" if row.scheduled_start else ""
    return {
        "row_version": str(row.version), "coordinator_id": str(row.coordinator_id), "scheduled_start": start,
        "duration": str(row.duration), "timezone": row.timezone, "mode": row.mode, **values,
    }  # fmt: skip


def _taken(ward: Ward, key: UUID) -> list[Any]:
    """Whose time it takes up, of users, and from when."""
    with ward.at_work():
        mine = (Engagement.subject_id == key, Engagement.user_id.is_not(None))
        return [tuple(row) for row in db.session.execute(sa.select(Engagement.user_id, Engagement.start).where(*mine))]


def test_another_coordinator_at_another_time_need_not_be_free_at_the_old_one(ward: Ward) -> None:
    key, _, dora = ward.mock("Cora", begun=False), ward.mock("Dora", begun=False), ward.person("Dora")
    client = ward.client("Head", "System Admin")
    same_time = client.submit(f"/mock-interviews/{key}/edit", _edited(ward, key, coordinator_id=str(dora.id)))
    assert same_time.status_code == 422
    assert "Dora has “Mock interview of Jane Doe” from" in same_time.text
    later = (in_days(2) + timedelta(hours=5)).replace(second=0, microsecond=0)
    values = _edited(ward, key, coordinator_id=str(dora.id), scheduled_start=f"{later:%Y-%m-%dT%H:%M}")
    assert client.submit(f"/mock-interviews/{key}/edit", values).status_code == 302
    assert _taken(ward, key) == [(dora.id, later)]
    assert (ward.row(key).coordinator_id, ward.row(key).scheduled_start) == (dora.id, later)


def test_a_time_that_is_taken_out_is_refused_in_words(ward: Ward) -> None:
    key, client = ward.mock("Cora", begun=False), ward.client("Cora")
    given = _edited(ward, key, scheduled_start="", duration="30")
    answer = client.submit(f"/mock-interviews/{key}/edit", given)
    assert (answer.status_code, ward.row(key).duration) == (422, 60)
    assert "It has a time already" in answer.text


@pytest.mark.parametrize("status", ["cancelled", "no_show"])
def test_what_did_not_take_place_has_nothing_to_edit(ward: Ward, status: str) -> None:
    cora = ward.person("Cora")
    with ward.at_work():
        key = make_mock(db.session.get_one(User, (cora.tenant_id, cora.id)), status).id
    url, client = f"/mock-interviews/{key}", ward.client("Cora")
    assert f"{url}/edit" not in client.get(url).text
    for answer in (client.get(f"{url}/edit"), client.submit(f"{url}/edit", _edited(ward, key))):
        assert (answer.status_code, answer.headers["Location"]) == (302, url)
    assert "Nothing of this mock interview can be edited" in client.get(url).text


def test_an_assessment_is_not_rewritten_by_a_recruiter(ward: Ward) -> None:
    rita = ward.person("Rita", "Recruiter")
    with ward.at_work() as alice:
        recruiter = db.session.get_one(User, (rita.tenant_id, rita.id))
        mock = conducted(alice, make_application("documents_verified", recruiter=recruiter))
        complete(mock, alice, decision="rejected", strengths="None seen")
        key = mock.id
    client = ward.client("Rita", "Recruiter")
    assert client.get(f"/mock-interviews/{key}").status_code == 200
    client.submit(f"/mock-interviews/{key}/edit", {"row_version": str(ward.row(key).version), "strengths": "Great"})
    assert ward.row(key).strengths == "None seen"


def test_a_no_show_that_is_taken_up_again_gives_its_coordinator_the_application_back(ward: Ward) -> None:
    people = [ward.person("Cora"), ward.person("Dora")]
    with ward.at_work() as alice:
        cora, dora = (db.session.get_one(User, (each.tenant_id, each.id)) for each in people)
        application = make_application("documents_verified")
        missed = sent(cora, application, start=in_days(2), by=alice)
        move(missed, "no_show", alice)
        move(sent(dora, application, start=in_days(3), by=alice), "cancel", alice, reason="Ill")
        move(missed, "reschedule", alice, scheduled_start=in_days(4))
        assert application_of(missed).coordinator_id == cora.id


def test_a_length_that_no_calendar_holds_is_refused_beside_its_field(ward: Ward) -> None:
    key, client = ward.mock("Cora", begun=False), ward.client("Cora")
    given = _edited(ward, key, scheduled_start="2027-01-05T10:00", duration="9" * 12)
    for page in ("edit", "move/reschedule"):
        answer = client.submit(f"/mock-interviews/{key}/{page}", given)
        assert answer.status_code == 422
        assert "From 15 to 240" in answer.text


def test_one_whose_coordinator_has_left_gets_a_time_only_with_another_one(ward: Ward) -> None:
    cora, dora = ward.person("Cora"), ward.person("Dora")
    with ward.at_work() as alice:
        leaver = db.session.get_one(User, (cora.tenant_id, cora.id))
        key = sent(leaver, by=alice).id
        leaver.active = False
    client, start = ward.client("Head", "System Admin"), "2027-01-05T10:00"
    answer = client.submit(f"/mock-interviews/{key}/edit", _edited(ward, key, scheduled_start=start))
    assert answer.status_code == 422
    assert "no longer active" in answer.text
    both = _edited(ward, key, scheduled_start=start, coordinator_id=str(dora.id))
    assert client.submit(f"/mock-interviews/{key}/edit", both).status_code == 302
    assert (ward.row(key).status, ward.row(key).coordinator_id) == ("scheduled", dora.id)
