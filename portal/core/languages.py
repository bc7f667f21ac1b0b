"""The languages that messages are written in, and what follows from a person's ``locale``.

English is the source. A further language is a line in ``LANGUAGES`` and a catalogue of its name in
``translations/<code>/LC_MESSAGES/mail.po``; how it writes dates and lengths of time is known to Babel.
"""

import gettext
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).resolve().parents[2] / "translations"
DOMAIN = "mail"
SOURCE = "en"

# By code, each as it calls itself; in the order of pick-lists.
LANGUAGES = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "ar": "العربية"}

# Around text whose direction may be another than that of what surrounds it (Unicode UAX #9).
FIRST_STRONG, LEFT_TO_RIGHT, END = (
    "\N{FIRST STRONG ISOLATE}",
    "\N{LEFT-TO-RIGHT ISOLATE}",
    "\N{POP DIRECTIONAL ISOLATE}",
)


@dataclass(frozen=True)
class Language:
    """``code`` is a key of LANGUAGES; ``locale`` says how dates are written, for instance Austrian with German."""

    code: str
    locale: Locale

    @property
    def is_rtl(self) -> bool:
        """Whether it is written from right to left."""
        return self.locale.text_direction == "rtl"

    def gettext(self, message: str, **values: object) -> str:
        """``message``, an English text, in this language, with ``values`` in its places."""
        text = catalogue(self.code).gettext(message)
        return text % values if values else text

    def ngettext(self, one: str, many: str, count: int) -> str:
        return catalogue(self.code).ngettext(one, many, count)

    def mixes(self, text: str) -> bool:
        """Whether ``text`` among words of this language may be shown out of order if it is not set apart."""
        return self.is_rtl or any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text)


@lru_cache(maxsize=512)
def of(locale: str) -> Language:
    """The nearest language to a person's ``locale``: Austrian German reads German, what is unknown reads English."""
    tag = locale.strip().replace("-", "_")
    for name in (tag, tag.partition("_")[0]):
        try:
            found = Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
        if found.language in LANGUAGES:
            return Language(found.language, found)
    return Language(SOURCE, Locale(SOURCE))


@cache
def catalogue(code: str) -> gettext.NullTranslations:
    """The texts of one language, read once; a catalogue that is missing or broken stops the start."""
    if code == SOURCE:
        return gettext.NullTranslations()
    with file(code).open("rb") as source:
        found = read_po(source, locale=code, domain=DOMAIN, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, found)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def file(code: str) -> Path:
    return FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def read_all() -> None:
    """Read every catalogue now, so that a fault in one shows at the start and not in somebody's mail."""
    for code in LANGUAGES:
        catalogue(code)
