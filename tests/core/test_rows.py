"""Lists of small records: what is kept, what is refused beside which cell, how a list reads."""

from typing import Any

import pytest

from portal.core.rows import BadRows, changed, in_words, typed
from portal.core.types import RichText
from portal.interviews.models import CRITERIA, QUESTIONS, SKILLS


def refusals(rows: Any, value: Any) -> Any:
    try:
        return rows.clean(value)
    except BadRows as error:
        return error.cells
    except ValueError as error:
        return str(error)


def test_records_are_cleaned_defaults_filled_in_and_empty_ones_left_out() -> None:
    given = [
        {"question": " Why\x00 nursing?\r\nTell us. ", "weight": "3"},
        {"question": " ", "category": "", "weight": None},
        {"question": "<b>Who</b> are you?", "category": "Opening", "expected_answer": "A name", "weight": 0, "evil": 1},
    ]
    assert QUESTIONS.clean(given) == [
        {"question": "Why nursing?\nTell us.", "category": "", "expected_answer": "", "weight": 3},
        {"question": "<b>Who</b> are you?", "category": "Opening", "expected_answer": "A name", "weight": 0},
    ]
    assert CRITERIA.clean([{"name": "Care"}]) == [{"name": "Care", "description": "", "weight": 1, "max_score": 5}]
    assert SKILLS.clean(["Triage", " ", "Tact"]) == ["Triage", "Tact"]


@pytest.mark.parametrize(
    ("rows", "value", "told"),
    [
        (QUESTIONS, [{"category": "No question"}], {(0, "question"): "Please fill this in."}),
        (QUESTIONS, [{"question": "x" * 501}],
         {(0, "question"): "At most 500 characters, please; these are 501."}),
        (QUESTIONS, [{"question": "A"}, {}, {"question": "B", "weight": "101"}],
         {(2, "weight"): "From 0 to 100, please."}),
        (QUESTIONS, [{"question": "A", "weight": "-1"}], {(0, "weight"): "From 0 to 100, please."}),
        (QUESTIONS, [{"question": "A", "weight": "3.5"}], {(0, "weight"): "Please give a whole number."}),
        (QUESTIONS, [{"question": "A", "weight": "²"}], {(0, "weight"): "Please give a whole number."}),
        (QUESTIONS, [{"question": "A", "weight": True}], {(0, "weight"): "Please give a whole number."}),
        (QUESTIONS, [{"question": "A", "weight": "9" * 5000}], {(0, "weight"): "Please give a whole number."}),
        (QUESTIONS, [{"question": ["A"]}], {(0, "question"): "Please give a text."}),
        (CRITERIA, [{"name": "Care", "max_score": 1}, {"name": "Tact", "max_score": 101}],
         {(0, "max_score"): "From 2 to 100, please.", (1, "max_score"): "From 2 to 100, please."}),
        (CRITERIA, [{"name": "Tact"}, {"name": "Care"}, {"name": "TACT"}], {(2, "name"): "Row 1 has this already."}),
        (SKILLS, ["Tact", "tact"], {(1, "skill"): "Row 1 has this already."}),
        (SKILLS, [{"skill": "Tact"}], {(0, "skill"): "Please give a text."}),
        (SKILLS, [str(n) for n in range(101)], "No more than 100 of these, please; there are 101."),
        (SKILLS, "Tact", "Please give a list."),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_refused_beside_its_cell(rows: Any, value: Any, told: Any) -> None:
    assert refusals(rows, value) == told


def test_a_form_is_read_in_the_order_of_its_numbers_and_odd_names_are_left_out() -> None:
    sent = {
        "questions-2-question": "C", "questions-0-question": "A", "questions-0-weight": "1",
        "questions-x-question": "?", "questions-٣-question": "?", "questions-999999-question": "?",
        "questions": "?", "more-questions-1-question": "?",
    }  # fmt: skip
    assert typed("questions", sent.items()) == [{"question": "A", "weight": "1"}, {"question": "C"}]


def test_a_history_tells_what_went_and_what_came() -> None:
    old = [{"name": "Care", "description": "", "weight": 1}, {"name": "Tact", "description": "", "weight": 1}]
    new = [{"name": "Tact", "description": "", "weight": 2}, {"name": "Care", "description": "", "weight": 1}]
    assert changed(old, new) == ("“Tact” (weight: 1)", "“Tact” (weight: 2)")
    assert changed(old, old[::-1]) == ("", "in another order")
    assert changed([], ["Triage", "Tact"]) == ("", "Triage; Tact")
    assert in_words([]) == ""
    assert in_words([{"weight": 1, "description": "Kind", "name": "Care"}], CRITERIA) == (
        "“Care” (description: Kind, weight: 1)"
    )


def test_rich_text_reads_as_plain_text() -> None:
    rich = (
        "<p>Dear <b>all</b> &amp; sundry</p><p>Bring:</p>"
        "<ol><li>your ID<ul><li>a pass</li></ul></li><li>a pen</li></ol>"
        '<p><a href="https://x.example/map">The way</a><br><a href="https://y.example">https://y.example</a></p>'
        "<script>alert(1)</script>"
    )
    assert RichText.plain(rich) == (
        "Dear all & sundry\n\nBring:\n\n1. your ID\n  - a pass\n2. a pen\n\n"
        "The way (https://x.example/map)\nhttps://y.example"
    )
    assert RichText.plain("") == ""
