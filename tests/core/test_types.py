"""The rules that columns carry (SPEC §4)."""

import pytest

from portal.core.types import EmailAddress, LongText, PlainText, RichText, WebUrl, Zone, fold, words, zone

URLS = {
    "https://meet.example/abc?x=1#y": True, "http://localhost:8080/": True, "https://[::1]/": True,
    "  https://meet.example ": True, "https://münchen.example/": True,
    "": False, "meet.example": False, "//meet.example": False, "https://": False, "https:///path": False,
    "ftp://meet.example": False, "javascript:alert(1)": False, "data:text/html,x": False, "mailto:a@b.example": False,
    "https://a b.example": False, 'https://a.example/"onload=x': False, "https://a.example/<script>": False,
    "https://a.example:99999/": False, "https://[broken/": False, "HTTPS://MEET.EXAMPLE/": True,
}  # fmt: skip
ZONES = {
    "Europe/Berlin": True, "UTC": True, "America/Argentina/Buenos_Aires": True, " Asia/Kolkata ": True,
    "": False, "Berlin": False, "CET": False, "GMT+1": False, "Etc/GMT+1": False, "Mars/Base": False,
    "../../etc/passwd": False, "europe/berlin": False,
}  # fmt: skip
EMAILS = {
    "Ann.Lee+jobs@Mail.Example": "ann.lee+jobs@mail.example", " a@b.example ": "a@b.example",
    "zoë@mail.example": "zoë@mail.example", "o'neill@mail.example": "o'neill@mail.example",
    "": None, "nobody": None, "a@b": None, "a@@b.example": None, "a b@c.example": None,
    "a@b.example, c@d.example": None,
    "a@b.example\nBcc: x@y.example": None, "Ann <a@b.example>": None, "a@[127.0.0.1]": None,
}  # fmt: skip


def verdict(kind: type, value: str) -> str | None:
    try:
        return str(kind.clean(value))  # type: ignore[attr-defined]
    except ValueError:
        return None


def test_a_web_address_has_http_or_https_and_a_host() -> None:
    assert {url: verdict(WebUrl, url) is not None for url in URLS} == URLS


def test_a_zone_is_one_of_the_iana_names_that_people_choose() -> None:
    assert {name: verdict(Zone, name) is not None for name in ZONES} == ZONES


def test_an_address_is_valid_and_kept_in_lower_case() -> None:
    assert {email: verdict(EmailAddress, email) for email in EMAILS} == EMAILS


@pytest.mark.parametrize(
    "typed",
    ["Robert'); DROP TABLE students;--", '<script>alert("x")</script>', "O'Neill & Sons", "%_\\", "محمد", "李小龙",
     "👩‍👩‍👧 Zoë", "{{ 7*7 }}", "=1+1"],
)  # fmt: skip
def test_plain_text_is_kept_as_typed(typed: str) -> None:
    assert (PlainText.clean(f" {typed}\t"), LongText.clean(f"{typed}\r\n\r\n{typed}\r")) == (
        typed,
        f"{typed}\n\n{typed}",
    )


def test_control_characters_leave_a_line_and_lines_stay_in_a_long_text() -> None:
    typed = "a\x00b\x1b[31mc\nd\te\x7f"
    assert (PlainText.clean(typed), LongText.clean(typed)) == ("ab[31mcde", "ab[31mc\nd\te")


RICH = {
    "<p>Hello <b>you</b></p>": "<p>Hello <b>you</b></p>",
    "<script>alert(1)</script>Hi": "Hi",
    "<p onclick='x()' style='color:red' class='c'>Hi</p>": "<p>Hi</p>",
    "<img src=x onerror=alert(1)>Hi": "Hi",
    "<a href='javascript:alert(1)'>x</a>": '<a rel="noopener noreferrer">x</a>',
    "<a href='https://a.example'>x</a>": '<a href="https://a.example" rel="noopener noreferrer">x</a>',
    "<iframe src='https://a.example'></iframe>x": "x",
    "<ul><li>one": "<ul><li>one</li></ul>",
    "1 < 2 & 3": "1 &lt; 2 &amp; 3",
    "<svg><script>alert(1)</script></svg>x": "x",
}  # fmt: skip


def test_rich_text_keeps_a_small_safe_set_of_tags() -> None:
    assert {typed: RichText.clean(typed) for typed in RICH} == RICH
    assert {kept: RichText.clean(kept) for kept in RICH.values()} == {kept: kept for kept in RICH.values()}


def test_the_search_compares_without_case_and_accents() -> None:
    told = {"Zoë": "zoe", "ÅSE": "ase", "STRASSE": "strasse", "Straße": "strasse", "ﬁne": "fine", "Łódź": "łodz",
            "Ｆｕｌｌ": "full", "محمد": "محمد"}  # fmt: skip
    assert {text: fold(text) for text in told} == told


def test_a_zone_that_is_missing_or_unknown_is_the_default() -> None:
    assert [zone(name).key for name in ("Asia/Dubai", None, "", "Mars/Base")] == ["Asia/Dubai", "UTC", "UTC", "UTC"]
    assert zone("Mars/Base", "Europe/Paris").key == "Europe/Paris"


def test_names_of_code_are_read_as_words() -> None:
    assert [words(name) for name in ("no_show", "in_person", "hired")] == ["No show", "In person", "Hired"]
