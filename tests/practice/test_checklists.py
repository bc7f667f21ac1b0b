"""Checklists are kept role by role: added to, edited, ordered, copied, taken out of use; all by plain forms."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from portal.core import access
from portal.core.db import db
from portal.practice.criteria import STARTERS
from portal.practice.models import MockInterviewChecklistTemplate
from tests.practice.conftest import Ward
from tests.support.hiring import make_application, make_job
from tests.support.practice import conducted, make_criteria


def _texts(ward: Ward, role: UUID) -> list[str]:
    return [each.criterion for each in ward.criteria(role)]


def _seen(ward: Ward, role: UUID) -> str:
    return ",".join(str(each.id) for each in ward.criteria(role))


def _add(client: Any, role: UUID, criterion: str, category: str = "knowledge", **more: Any) -> Any:
    return client.submit(f"/checklists/{role}/add", {"criterion": criterion, "category": category}, **more)


def test_a_role_is_found_with_its_number_of_criteria(ward: Ward) -> None:
    role = ward.role("Listens", "Hands over")
    body = ward.client("Cora").get("/checklists/").get_data(as_text=True)
    assert "2 active criteria in 1 role" in body
    assert f'href="/checklists/{role}"' in body


def test_a_criterion_is_added_at_the_end_and_stands_once(ward: Ward) -> None:
    role, client = ward.role("Listens"), ward.client("Cora")
    assert _add(client, role, "Hands <b>over</b>").status_code == 302
    assert _texts(ward, role) == ["Listens", "Hands <b>over</b>"]
    assert "Hands &lt;b&gt;over&lt;/b&gt;" in client.get(f"/checklists/{role}").get_data(as_text=True)
    again = _add(client, role, "LISTENS")
    assert again.status_code == 422
    body = again.get_data(as_text=True)
    assert "This role has this criterion already." in body
    assert 'value="LISTENS"' in body
    assert _add(client, role, " ").status_code == 422
    assert len(_texts(ward, role)) == 2


def test_a_criterion_of_looks_is_kept_and_remarked_on(ward: Ward) -> None:
    role, client = ward.role("Listens"), ward.client("Cora")
    body = _add(client, role, "Neat appearance", follow_redirects=True).get_data(as_text=True)
    assert "“Neat appearance” was added." in body
    assert body.count("judges looks or who somebody is") == 2  # said once, and beside the criterion
    wanted = {"criterion": "Has a pleasant smile", "category": "communication", "job_role_id": str(role)}
    made = ward.make_client(ward.cast.alice).submit("/mock-interview-templates/new", wanted, follow_redirects=True)
    assert "“smile” judges looks" in made.get_data(as_text=True)


def test_an_edit_in_place_refuses_an_old_version_and_tells_both(ward: Ward) -> None:
    role, client = ward.role("Listens"), ward.client("Cora")
    (row,) = ward.criteria(role)
    url, first = f"/checklists/criteria/{row.id}/edit", {"category": "communication", "row_version": "1"}
    assert client.submit(url, {**first, "criterion": "Listens to the end"}).status_code == 302
    late = ward.client("Dora").submit(url, {**first, "criterion": "Listens well"})
    body = late.get_data(as_text=True)
    assert late.status_code == 409
    assert "Changed by <bdi>Cora</bdi>" in body
    assert 'value="Listens well"' in body
    assert "Listens to the end" in body
    assert _texts(ward, role) == ["Listens to the end"]
    version = re.findall(r'name="row_version" value="(\d+)"', body)[0]
    again = {**first, "criterion": "Listens well", "row_version": version}
    assert ward.client("Dora").submit(url, again).status_code == 302
    assert _texts(ward, role) == ["Listens well"]


def test_buttons_move_a_criterion_within_its_category(ward: Ward) -> None:
    role, client = ward.role("One", "Two", "Three"), ward.client("Cora")
    _add(client, role, "Apart", "communication")
    two = next(each for each in ward.criteria(role) if each.criterion == "Two")
    move = f"/checklists/criteria/{two.id}/move"
    assert client.submit(move, {"by": "1", "seen": _seen(ward, role)}).status_code == 302
    assert _texts(ward, role) == ["One", "Three", "Two", "Apart"]
    client.submit(move, {"by": "1", "seen": _seen(ward, role)})
    assert _texts(ward, role) == ["One", "Three", "Two", "Apart"]


def test_of_two_who_order_at_once_the_second_is_told(ward: Ward) -> None:
    role, client = ward.role("One", "Two", "Three"), ward.client("Cora")
    seen = _seen(ward, role)
    one, two, three = seen.split(",")
    url, asks = f"/checklists/{role}/order", {"Accept": "application/json"}
    data = {"order": f"{three},{one},{two}", "seen": seen}
    assert client.submit(url, data, headers=asks).get_json() == {"saved": True}
    late = ward.client("Dora").submit(url, {"order": f"{two},{one},{three}", "seen": seen}, headers=asks)
    assert (late.status_code, "changed by somebody else" in late.get_json()["error"]) == (409, True)
    plain = client.submit(f"/checklists/criteria/{one}/move", {"by": "1", "seen": seen}, follow_redirects=True)
    assert "changed by somebody else" in plain.get_data(as_text=True)
    assert _texts(ward, role) == ["Three", "One", "Two"]
    assert client.submit(url, {"order": "x", "seen": "y"}, headers=asks).status_code == 409


def test_a_list_or_one_of_it_is_copied_to_another_role(ward: Ward) -> None:
    source, target, client = ward.role("One", "Two", "Three"), ward.role("Two", "Four"), ward.client("Cora")
    three = ward.criteria(source)[2]
    body = client.submit(f"/checklists/criteria/{three.id}/copy", {"role": str(target)}, follow_redirects=True)
    assert "1 criterion was added to" in body.get_data(as_text=True)
    client.submit(f"/checklists/criteria/{three.id}/use", {"active": "0"})
    body = client.submit(f"/checklists/{source}/copy", {"role": str(target)}, follow_redirects=True)
    assert "It had 1 of them already: “Two”." in body.get_data(as_text=True)
    assert _texts(ward, target) == ["Two", "Four", "Three", "One"]
    assert client.submit(f"/checklists/{source}/copy", {"role": str(uuid4())}).status_code == 422


def test_what_was_used_is_taken_out_of_use_and_the_rest_deleted(ward: Ward) -> None:
    with ward.at_work() as alice:
        job = make_job()
        used = make_criteria(job, "Listens")[0].id
        conducted(alice, make_application("documents_verified", job=job))
        unused = make_criteria(job, "Hands over")[0].id
        role = job.job_role_id
    client = ward.client("Cora")
    told = client.submit(f"/checklists/criteria/{used}/delete", follow_redirects=True).get_data(as_text=True)
    assert "was not deleted: mock interviews have used it" in told
    assert "was deleted" in client.submit(f"/checklists/criteria/{unused}/delete", follow_redirects=True).text
    assert [(each.criterion, each.active) for each in ward.criteria(role)] == [("Listens", False)]
    client.submit(f"/checklists/criteria/{used}/use", {"active": "1"})
    assert ward.criteria(role)[0].active
    grid = ward.make_client(ward.cast.alice).submit(f"/mock-interview-templates/{used}/delete", follow_redirects=True)
    assert "it is out of use now" in grid.text


def test_an_empty_list_begins_with_a_starter(ward: Ward) -> None:
    with ward.at_work():
        role = make_job().job_role_id
    client = ward.client("Cora")
    assert "Registered Nurse" in client.get(f"/checklists/{role}").text
    told = client.submit(f"/checklists/{role}/starter", {"name": "Doctor"}, follow_redirects=True).text
    assert f"{len(STARTERS['Doctor'])} criteria were added" in told
    assert len(_texts(ward, role)) == len(STARTERS["Doctor"])
    assert client.submit(f"/checklists/{role}/starter", {"name": "Pirate"}).status_code == 404


def test_readers_read_and_others_stay_out(ward: Ward) -> None:
    role = ward.role("Listens")
    key = ward.criteria(role)[0].id
    lead, recruiter = ward.client("Lea", "Team Lead"), ward.client("Rita", "Recruiter")
    assert lead.get(f"/checklists/{role}").status_code == 200
    assert "Add a criterion" not in lead.get(f"/checklists/{role}").text
    assert _add(lead, role, "More").status_code == 403
    for url in (f"/checklists/criteria/{key}/delete", f"/checklists/{role}/order", f"/checklists/{role}/starter"):
        assert lead.submit(url).status_code == 403
    assert recruiter.get("/checklists/").status_code == 403
    charlie = ward.make_client(ward.cast.charlie)
    for url in (f"/checklists/{role}", f"/checklists/{uuid4()}", f"/checklists/criteria/{key}/copy"):
        assert charlie.get(url).status_code == 404
    assert charlie.submit(f"/checklists/criteria/{key}/delete").status_code == 404


@pytest.mark.database("sqlite")
def test_with_mock_interviews_switched_off_there_are_none(ward: Ward) -> None:
    role, client = ward.role("Listens"), ward.client("Cora")
    assert 'href="/checklists/"' in client.get("/").text
    ward.switch_off("mock_interviews")
    assert 'href="/checklists/"' not in client.get("/").text
    assert client.get("/checklists/").status_code == 404
    assert client.get(f"/checklists/{role}").status_code == 404
    assert _add(client, role, "More").status_code == 404
    with ward.at_work():
        db.session.rollback()
    assert _texts(ward, role) == ["Listens"]


def test_a_criterion_that_is_deleted_while_somebody_waits_for_it_is_gone(ward: Ward, monkeypatch: Any) -> None:
    role = ward.role("Listens")
    [criterion] = ward.criteria(role)
    fetch = access.fetch

    def fetch_and_lose(session: Any, *given: Any) -> Any:
        found = fetch(session, *given)
        table: Any = MockInterviewChecklistTemplate.__table__
        session.execute(sa.delete(table).where(table.c.id == criterion.id))
        return found

    monkeypatch.setattr(access, "fetch", fetch_and_lose)
    for what in ("delete", "use", "edit"):
        assert ward.client("Cora").submit(f"/checklists/criteria/{criterion.id}/{what}").status_code == 404
