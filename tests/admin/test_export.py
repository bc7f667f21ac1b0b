"""What an export holds: the rows and columns of the grid, harmless, in the reader's zone, in constant memory."""

import csv
import io
import zipfile
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.admin import files, runs
from portal.admin.export import harmless
from portal.core import clock as wall_clock
from portal.core.db import db
from portal.core.tenancy import everywhere, tenant_scope
from portal.hiring.models import Candidate
from portal.people.models import User
from tests.support.cast import Cast
from tests.support.world import World, populate


@pytest.fixture
def world(app: Flask, cast: Cast, clock: Any) -> World:
    return populate(app, cast, more=3)


def _read(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.get_data(as_text=True))))


def test_a_csv_holds_just_the_rows_and_columns_shown(make_client: Any, cast: Cast, world: World) -> None:
    url = "/candidates/export.csv?q=more&sort=last_name&cols=name&cols=email&cols=created_at"
    assert _read(make_client(cast.alice).get(url)) == [
        ["Name", "E-mail", "Since (UTC)"],
        ["More0 Ørsted", "more0@x.example", "2026-03-02T09:00:00+00:00"],
        ["More1 Ørsted", "more1@x.example", "2026-03-02T09:00:00+00:00"],
        ["More2 Ørsted", "more2@x.example", "2026-03-02T09:00:00+00:00"],
    ]


def test_times_carry_the_offset_of_the_readers_zone_on_that_day(
    app: Flask, make_client: Any, cast: Cast, world: World, clock: Any
) -> None:
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        db.session.execute(sa.update(User).where(User.id == cast.alice.id).values(timezone="Europe/Berlin"))
        clock.forward(days=60)
        db.session.add(Candidate(first_name="In", last_name="Summer", email="summer@x.example"))
        db.session.commit()
    lines = _read(make_client(cast.alice).get("/candidates/export.csv?cols=created_at&sort=created_at"))
    assert [lines[0], lines[1], lines[-1]] == [
        ["Since (Europe/Berlin)"], ["2026-03-02T10:00:00+01:00"], ["2026-05-01T11:00:00+02:00"],
    ]  # fmt: skip


def test_an_offset_of_half_an_hour_and_a_part_of_a_second_leave_a_time_well_formed(
    app: Flask, make_client: Any, cast: Cast, world: World, clock: Any
) -> None:
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        db.session.execute(sa.update(User).where(User.id == cast.alice.id).values(timezone="Asia/Kolkata"))
        clock.forward(days=1, microseconds=900_000)
        db.session.add(Candidate(first_name="In", last_name="Between", email="between@x.example"))
        db.session.commit()
    lines = _read(make_client(cast.alice).get("/candidates/export.csv?cols=created_at&sort=created_at"))
    assert lines[-1] == ["2026-03-03T14:30:00+05:30"]


NASTY = ("=HYPERLINK(1)", "+1", "-2+3", "@SUM(A1)", "'; DROP TABLE users; --", "<script>alert(1)</script>", 'He said "hi", then; left', "محمد علي")  # fmt: skip  # noqa: E501


def test_what_a_spreadsheet_takes_for_a_formula_is_made_harmless(
    app: Flask, make_client: Any, cast: Cast, world: World
) -> None:
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        for number, text in enumerate(NASTY):
            db.session.add(Candidate(first_name=text, last_name="Nasty", email=f"n{number}@x.example", source=text))
        db.session.commit()
    lines = _read(make_client(cast.alice).get("/candidates/export.csv?q=nasty&cols=source"))
    assert sorted(line[0] for line in lines[1:]) == sorted(harmless(text) for text in NASTY)
    assert [harmless(text)[0] for text in NASTY[:4]] == ["'"] * 4


def test_a_bom_comes_on_request_only(make_client: Any, cast: Cast, world: World) -> None:
    client = make_client(cast.alice)
    assert client.get("/candidates/export.csv?bom=1").data.startswith(b"\xef\xbb\xbfName")
    assert client.get("/candidates/export.csv").data.startswith(b"Name")


def test_a_workbook_holds_the_same(make_client: Any, cast: Cast, world: World) -> None:
    answer = make_client(cast.alice).get("/candidates/export.xlsx?q=more&cols=name&cols=created_at")
    book = zipfile.ZipFile(io.BytesIO(answer.data))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert [text in sheet for text in ("Since (UTC)", "More0 Ørsted", "2026-03-02T09:00:00+00:00")] == [True] * 3


def test_a_large_workbook_is_made_by_a_job_and_fetched_from_its_page(
    make_client: Any, cast: Cast, world: World, jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LIMIT_INLINE", 2)
    client = make_client(cast.alice)
    page = client.get("/candidates/export.xlsx?q=more").location
    assert client.get(f"{page}/progress").json["state"] == "running"
    jobs.drain()
    assert client.get(f"{page}/progress").json == {
        "state": "finished", "total": 3, "done": 3, "skipped": 0, "failed": 0, "percent": 100,
    }  # fmt: skip
    with client.get(f"{page}/file") as answer:
        assert answer.data.startswith(b"PK")
    assert make_client(cast.bob).get(f"{page}/file").status_code == 404


def test_export_selected_takes_the_ticked_rows_of_ones_own(make_client: Any, cast: Cast, world: World) -> None:
    client = make_client(cast.alice)
    ids = [str(world.own["candidates"]), str(world.foreign["candidates"])]
    lines = _read(client.submit("/candidates/export-selected", {"ids": ids, "query": "cols=name"}))
    assert lines == [["Name"], ["Harbour Ørsted"]]
    everything = client.submit("/candidates/export-selected", {"all_matching": "1", "query": "q=more&cols=name"})
    assert len(_read(everything)) == 4


def test_a_search_that_a_database_could_misread_is_only_text(make_client: Any, cast: Cast, world: World) -> None:
    client = make_client(cast.alice)
    for q in ("%", "_", "\\", "'; --", "100%", "a\x00b"):
        answer = client.get("/candidates/", query_string={"q": q})
        assert (q, answer.status_code) == (q, 200)
        assert len(_read(client.get("/candidates/export.csv", query_string={"q": q, "cols": "name"}))) == 1


def test_a_workbook_whose_writer_died_is_written_by_another(
    app: Flask, make_client: Any, cast: Cast, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LIMIT_INLINE", 2)
    client = make_client(cast.alice)
    page = client.get("/candidates/export.xlsx?q=more").location
    key = UUID(page.rsplit("/", 1)[1])
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        assert runs.claim(db.session, key, wall_clock.now())  # and dies
        files.write(db.session, key)
    assert client.get(f"{page}/progress").json["state"] == "running"
    with wall_clock.frozen(wall_clock.now() + runs.STALE * 2), app.app_context():
        with everywhere(db.session):
            assert [run for _, run, _ in runs.revive_stale(db.session, wall_clock.now())] == [key]
            db.session.rollback()
        with tenant_scope(cast.alice.tenant_id):
            files.write(db.session, key)
    assert client.get(f"{page}/progress").json["state"] == "finished"
