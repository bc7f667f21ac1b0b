"""A grid's rows as HTML: what people wrote is text there, whatever it holds."""

from markupsafe import Markup, escape

from portal.admin.cells import Cell, Line, as_trs
from portal.core.web import icons_of

EVIL = "<b>\"A\" & 'B'</b>"
SAFE = str(escape(EVIL))


def row(*cells: Cell, edit_url: str | None = None, pick: bool = False) -> str:
    return str(as_trs([Line("k", "/x/k", edit_url, cells)], "<svg/>", pick=pick))


def test_what_people_wrote_is_escaped_wherever_it_stands() -> None:
    lead = Cell("title", EVIL, hint=EVIL)
    others = [
        Cell("text", EVIL, title=EVIL, hint=EVIL), Cell("link", EVIL, EVIL), Cell("datetime", EVIL, hint=EVIL),
        Cell("status", EVIL, colour=EVIL),
    ]  # fmt: skip
    made = row(lead, *others, edit_url="/x/k/edit", pick=True)
    assert ("<b>" in made, made.count(SAFE)) == (False, 13)


def test_html_of_ours_stands_as_it_is_and_as_text_where_it_names_the_row() -> None:
    made = row(Cell("rich", Markup("<p>Hi</p>")), Cell("rich", Markup("<p>Ho</p>")), edit_url="/x/k/edit")
    assert made == (
        '<tr><th scope="row" class="c-lead c-rich"><a href="/x/k" dir="auto"><p>Hi</p></a></th>'
        '<td class="c-rich" dir="auto"><p>Ho</p></td>'
        '<td class="row-edit"><a href="/x/k/edit" aria-label="Edit &lt;p&gt;Hi&lt;/p&gt;" title="Edit"><svg/></a></td>'
        "</tr>\n"
    )


def test_a_row_without_a_name_can_be_opened_and_one_of_others_is_not_edited() -> None:
    assert row(Cell("title"), Cell("number", 0), Cell("text", None)) == (
        '<tr><th scope="row" class="c-lead c-title"><a href="/x/k" dir="auto">(untitled)</a></th>'
        '<td class="c-number" dir="auto">0</td><td class="c-text"></td><td class="row-edit"></td></tr>\n'
    )


def test_an_icon_is_html_whose_name_is_text() -> None:
    icon = icons_of("/icons.svg")
    assert icon("x", "big") == Markup(
        '<svg class="icon big" aria-hidden="true" focusable="false"><use href="/icons.svg#x"></use></svg>'
    )
    assert "#&lt;b&gt;" in icon("<b>")
