"""Who reads what, and when: an interviewer nothing of others before their own is in, and nobody a draft."""

from collections.abc import Callable
from uuid import UUID

import pytest

from tests.feedback.conftest import Stage

# Ivy's feedback. draft: hers is one; one: hers is in, Owen's is not; all: both are; then the same two where the
# template asks for everybody's before discussion. x: reads it, .: does not.
READS = """
          draft one all  gated-one gated-all
    Ivy     x    x   x       x         x
    Owen    .    .   x       .         x
    Sam     .    x   x       .         x
    Olga    .    x   x       x         x
    Cora    .    .   .       .         .
    Rita    .    x   x       .         x
    Hank    .    x   x       .         x
    Tess    .    x   x       .         x
    Hera    .    x   x       x         x
    Mona    .    x   x       x         x
    Stan    .    .   .       .         .
"""
# The figures.
SUMS_UP = """
          draft one all  gated-one gated-all
    Ivy     .    x   x       .         x
    Owen    .    .   x       .         x
    Sam     .    x   x       .         x
    Olga    .    x   x       .         x
    Cora    .    .   .       .         .
    Rita    .    x   x       .         x
    Hank    .    x   x       .         x
    Tess    .    x   x       .         x
    Hera    .    x   x       .         x
    Mona    .    x   x       .         x
    Stan    .    .   .       .         .
"""
STATES = READS.split("\n")[1].split()


def _cells(table: str, state: str) -> dict[str, str]:
    rows = [line.split() for line in table.strip("\n").split("\n")[1:] if line.strip()]
    return {name: cells[STATES.index(state)] for name, *cells in rows}


@pytest.mark.parametrize("state", STATES)
def test_each_reads_what_is_theirs_to_read(stage: Stage, surrounded: Callable[..., UUID], state: str) -> None:
    gate = {"requires_feedback_before_discussion": True} if state.startswith("gated") else {}
    key = surrounded(template=gate)
    row = stage.give("Ivy", key, submit=state != "draft", strengths="Ivy-says-so")
    if state.endswith("all"):
        stage.give("Owen", key, overall_rating=2)
    read, summed = {}, {}
    for name in _cells(READS, state):
        client = stage.client(name)
        ways = (
            client.get(f"/feedback/{row}").status_code == 200,
            str(row) in client.get("/feedback/").get_data(as_text=True),
            str(row) in (page := client.get(f"/interviews/{key}").get_data(as_text=True)),
        )
        assert len(set(ways)) == 1, f"{name}: the page, the grid and the interview differ: {ways}"
        read[name] = "x" if ways[0] else "."
        summed[name] = "x" if "Feedback in figures" in page else "."
    assert read == _cells(READS, state)
    assert summed == _cells(SUMS_UP, state)
    charlie = stage.make_client(stage.cast.charlie)
    assert charlie.get(f"/feedback/{row}").status_code == 404
    assert str(row) not in charlie.get("/feedback/").get_data(as_text=True)


def test_a_draft_stands_in_no_file_no_search_and_no_audit_of_others(
    stage: Stage, surrounded: Callable[..., UUID]
) -> None:
    key = surrounded()
    stage.give("Ivy", key, submit=False, strengths="Ivy-thinks-aloud", notes="Ivy-thinks-aloud")
    columns = "cols=interviewer&cols=strengths&cols=notes&cols=overall_rating"
    found = {}
    for name in ("Hera", "Mona", "Olga", "Ivy"):
        client = stage.client(name)
        urls = (f"/feedback/?{columns}", f"/feedback/export.csv?{columns}", f"/feedback/?q=Ivy&{columns}", "/audit/")
        found[name] = [url for url in urls if "Ivy-thinks-aloud" in client.get(url).get_data(as_text=True)]
    own = [f"/feedback/?{columns}", f"/feedback/?q=Ivy&{columns}"]
    assert found == {"Hera": [], "Mona": [], "Olga": [], "Ivy": own}


def test_the_page_says_who_is_missing_and_why_there_are_no_figures(
    stage: Stage, surrounded: Callable[..., UUID]
) -> None:
    plain, gated = surrounded(), surrounded(ago=30, template={"requires_feedback_before_discussion": True})
    for key in (plain, gated):
        stage.give("Ivy", key)
    said = {}
    for name in ("Owen", "Cora", "Hera"):
        client = stage.client(name)
        for label, key in (("plain", plain), ("gated", gated)):
            page = client.get(f"/interviews/{key}").get_data(as_text=True)
            assert "Still missing: Owen." in page
            reasons = ("opens once you have submitted yours", "no figures for you", "when all is in")
            said[f"{name}, {label}"] = [text for text in reasons if text in page]
    assert said == {
        "Owen, plain": ["opens once you have submitted yours"], "Owen, gated": ["when all is in"],
        "Cora, plain": ["no figures for you"], "Cora, gated": ["when all is in"],
        "Hera, plain": [], "Hera, gated": ["when all is in"],
    }  # fmt: skip


def test_an_administrator_on_the_panel_sees_their_own_draft(stage: Stage) -> None:
    key = stage.interview("Ivy")
    stage.person("Ada", "System Admin")
    mine = stage.interview("Ada", ago=30)
    row, other = stage.give("Ada", mine, submit=False), stage.give("Ivy", key, submit=False)
    client = stage.client("Ada")
    assert [client.get(f"/feedback/{each}").status_code for each in (row, other)] == [200, 404]


def test_a_line_of_the_application_tells_no_rating(stage: Stage, surrounded: Callable[..., UUID]) -> None:
    key = surrounded()
    stage.give("Ivy", key, overall_rating=1, recommendation="strong_no")
    page = stage.client("Hera").get("/activities/?cols=type&cols=old_value&cols=new_value&cols=notes")
    text = page.get_data(as_text=True)
    assert ("Feedback submitted" in text, "strong_no" in text, "Strong no" in text) == (True, False, False)


# --- private notes ----------------------------------------------------------------------------------


def test_private_notes_are_for_their_author_hr_and_administrators(
    stage: Stage, surrounded: Callable[..., UUID]
) -> None:
    key = surrounded()
    row = stage.give("Ivy", key, private_notes="Between-us")
    stage.give("Owen", key)
    stage.person("Ada", "System Admin")
    columns = "cols=interviewer&cols=private_notes"
    urls = (
        f"/feedback/{row}", f"/feedback/?{columns}", f"/feedback/export.csv?{columns}", f"/interviews/{key}",
        "/feedback/?q=Between-us", "/audit/", f"/feedback/{row}?history=all", f"/interviews/{key}/feedback",
    )  # fmt: skip
    found = {}
    for name in ("Ivy", "Owen", "Sam", "Olga", "Rita", "Hank", "Tess", "Mona", "Hera", "Ada"):
        client = stage.client(name)
        told = [client.get(url).get_data(as_text=True).replace("“<bdi>Between-us", "") for url in urls]
        found[name] = [position for position, text in enumerate(told) if ">Between-us" in text or ",Between-us" in text]
    assert found == {
        "Ivy": [7], "Owen": [], "Sam": [], "Olga": [], "Rita": [], "Hank": [], "Tess": [], "Mona": [],
        "Hera": [0, 1, 2, 6], "Ada": [0, 1, 2, 6],
    }  # fmt: skip
