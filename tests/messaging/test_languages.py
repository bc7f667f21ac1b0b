"""Messages in the reader's language: every text, in every language that is shipped, with everything in its place."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core import languages
from portal.core.db import db
from portal.hiring.models import Candidate
from portal.messaging import catalog, mail
from portal.messaging.models import Channel
from portal.messaging.wording import length, moment
from portal.people.models import User
from tests.conftest import MakeClient
from tests.messaging.test_mail import KEY, case, facts, parts, reader
from tests.messaging.world import HOUR, World
from tests.support.cast import Cast
from tests.support.mail import MailServer
from tests.support.pages import behind
from tests.support.world import populate
from tools import translations

Act = Callable[[], None]
SHIPPED = [code for code in languages.LANGUAGES if code != languages.SOURCE]
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ISOLATES = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069"))


def places(text: str) -> list[str]:
    return sorted(re.findall(r"%(?:\(\w+\))?.", text))


def whole(text: Any, said: Any) -> bool:
    """Whether a translation is there and names what its text names; one and two may be words of their own."""
    if isinstance(text, tuple):
        return all(said) and all(set(places(form)) <= set(places(text[1])) for form in said)
    return bool(said) and places(said) == places(text)


@pytest.mark.parametrize("code", SHIPPED)
def test_every_text_is_translated_with_its_places_intact(code: str) -> None:
    there = {message.id: message for message in translations.catalogue(code) if message.id}
    wanted: list[Any] = [message.id for message in translations.template() if message.id]
    assert len(wanted) > 40
    assert set(wanted) == set(there), "run python -m tools.translations"
    faults = [text for text in wanted if there[text].fuzzy or not whole(text, there[text].string)]
    assert faults == []


@pytest.mark.database("sqlite")
def test_every_template_renders_in_every_language(app: Flask) -> None:
    left, english = (
        [],
        ("Hello", "the interview", "The interview", "Times are", "sent by", "Cancelled", "You "),
    )
    for message, code, candidate in product(catalog.CATALOGUE, languages.LANGUAGES, (True, False)):
        known = case() if message.about == "application" else facts(title="Second round")
        who = reader(is_candidate=candidate, locale=code)
        given: Any = {"event": message.event, "at": AT, "told_start": AT, "payload": {"user": str(KEY), "note": "Ill"}}
        with app.app_context():
            text, html = parts(mail.compose(message.type, known, who, message_id="<1@x.example>", **given))
            briefly = mail.note(message.type, known, who, **given) if Channel.IN_APP in message.channels else None
        said = f"{text} {html} {briefly or ''}"
        assert f'<html lang="{code}" dir="{"rtl" if code == "ar" else "ltr"}">' in html
        assert not any(mark in said for mark in ("{{", "{%", "None", "%("))
        left += [(message.type, code, each) for each in english if code != "en" and each in said]
    assert left == []


@pytest.mark.parametrize(
    ("locale", "code", "written"),
    [
        ("en", "en", "Tue 24 Nov 2026, 14:05 (Asia/Dubai, UTC+04:00)"),
        ("en-US", "en", "Tue 24 Nov 2026, 14:05 (Asia/Dubai, UTC+04:00)"),
        ("de", "de", "Di., 24. Nov. 2026, 14:05 (Asia/Dubai, UTC+04:00)"),
        ("de-AT", "de", "Di., 24. Nov. 2026, 14:05 (Asia/Dubai, UTC+04:00)"),
        ("de_XX", "de", "Di., 24. Nov. 2026, 14:05 (Asia/Dubai, UTC+04:00)"),
        ("es", "es", "mar, 24 nov 2026, 14:05 (Asia/Dubai, UTC+04:00)"),
        ("es-MX", "es", "mar, 24 de nov de 2026, 2:05 p.m. (Asia/Dubai, UTC+04:00)"),
        ("fr", "fr", "mar. 24 nov. 2026, 14:05 (Asia/Dubai, UTC+04:00)"),
        ("ar", "ar", "الثلاثاء، 24 نوفمبر 2026، 2:05 م (\u2066Asia/Dubai, UTC+04:00\u2069)"),
        ("zh-Hans", "en", "Tue 24 Nov 2026, 14:05 (Asia/Dubai, UTC+04:00)"),
        ("", "en", "Tue 24 Nov 2026, 14:05 (Asia/Dubai, UTC+04:00)"),
        ("no such", "en", "Tue 24 Nov 2026, 14:05 (Asia/Dubai, UTC+04:00)"),
    ],
)
def test_a_locale_reads_the_nearest_language_and_its_own_dates(locale: str, code: str, written: str) -> None:
    language = languages.of(locale)
    assert language.code == code
    said = moment(datetime(2026, 11, 24, 10, 5, tzinfo=UTC), "Asia/Dubai", language)
    assert " ".join(said.split()) == written


@pytest.mark.parametrize(
    ("locale", "minutes", "words"),
    [
        ("de", 1441, "1 Tag und 1 Minute"), ("es", 90, "1 hora y 30 minutos"), ("fr", 0.2, "moins d’une minute"),
        ("ar", 60, "ساعة واحدة"), ("ar", 120, "ساعتان"), ("ar", 180, "3 ساعات"), ("ar", 11 * 1440, "11 يومًا"),
    ],
)  # fmt: skip
def test_a_length_is_counted_as_the_language_counts(locale: str, minutes: float, words: str) -> None:
    assert length(timedelta(minutes=minutes), languages.of(locale)) == words


def test_each_reader_is_written_to_in_their_own_language(
    world: World, cast: Cast, mailbox: MailServer, deliver: Act
) -> None:
    with world.session() as session:
        session.get_one(User, (cast.alice.tenant_id, cast.alice.id)).locale = "de-AT"
    world.interview(world.clock.now + 90 * HOUR, [cast.alice, cast.bob], first_name="محمد", locale="ar")
    deliver()
    (theirs,), (german,), (english,) = (mailbox.to(a) for a in ("jane1@mail.example", cast.alice.email, cast.bob.email))
    text, html = parts(theirs)
    assert "\u2068محمد Doe 1\u2069" in text
    assert "<bdi>محمد Doe 1</bdi>" in html
    assert "\u2066https://meet.example/abc \u2069" in text
    assert "حُدِّد موعد مقابلتكم" in text
    assert str(theirs["Subject"]).translate(ISOLATES).startswith("مقابلة بالفيديو لوظيفة Senior Nurse: الجمعة، 6 مارس")
    assert "Sie gehören zur Runde für ein Gespräch mit <strong><bdi>محمد Doe 1</bdi></strong>." in parts(german)[1]
    assert "you are on the panel of an interview with محمد Doe 1." in parts(english)[0]


@pytest.mark.database("sqlite")
def test_people_choose_among_the_shipped_languages_and_keep_another(
    app: Flask, cast: Cast, make_client: MakeClient
) -> None:
    world, client = populate(app, cast), make_client(cast.alice)
    for url in ("/candidates/new", "/users/new"):
        assert choices(client.get(url)) == list(languages.LANGUAGES)
    url = f"/candidates/{world.own['candidates']}/edit"
    with behind(app, cast.alice):
        db.session.execute(sa.update(Candidate).values(locale="pt-BR", version=7))
    assert choices(client.get(url)) == [*languages.LANGUAGES, "pt-BR"]
    form = {"first_name": "A", "last_name": "B", "email": "a@b.example", "timezone": "UTC"}
    for locale, version, kept in (("pt-BR", 7, "pt-BR"), ("ar", 8, "ar"), ("tlh", 9, "ar")):
        client.submit(url, {**form, "locale": locale, "row_version": str(version)})
        with behind(app, cast.alice):
            assert db.session.get_one(Candidate, (cast.alice.tenant_id, world.own["candidates"])).locale == kept


def choices(page: Any) -> list[str]:
    select = re.search(r'<select[^>]*name="locale".*?</select>', page.get_data(as_text=True), re.S)
    assert select is not None
    return re.findall(r'<option[^>]*value="([^"]+)"', select[0])
