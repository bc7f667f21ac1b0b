"""``python -m tools.translations`` brings every catalogue in line with the texts in templates and code.

What is new comes in untranslated, what is gone goes; translations stay as they are. A language that has just been
put into ``portal/core/languages.py`` gets its catalogue here.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from portal.core import languages

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    ("templates/mail", [("**", "jinja2")]),
    ("templates/notes", [("**", "jinja2")]),
    ("portal/messaging", [("**.py", "python")]),
)
OPTIONS = {"**": {"trimmed": "true", "newstyle_gettext": "true"}, "**.py": {}}
HEADER = r"""# The texts of messages: {name}.
msgid ""
msgstr ""
"Language: {code}\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: {plural}\n"

"""
KEYWORDS = {"gettext": None, "say": None, "ngettext": (1, 2)}


def template() -> Catalog:
    """All texts that there are to translate."""
    found = Catalog()
    for folder, methods in SOURCES:
        options = {name: OPTIONS[name] for name, _ in methods}
        texts = extract_from_dir(ROOT / folder, methods, options, KEYWORDS, directory_filter=lambda _: True)
        for file, _, message, comments, context in texts:
            found.add(message, None, [(f"{folder}/{file}", 0)], auto_comments=comments, context=context)
    return found


def catalogue(code: str) -> Catalog:
    """The catalogue of one language as it stands in its file; an empty one where there is none yet."""
    file = languages.file(code)
    if not file.exists():
        return Catalog(locale=code)
    with file.open("rb") as source:
        return read_po(source, locale=code)


def update(code: str, texts: Catalog) -> int:
    """Write the catalogue anew; how many of its texts are not translated."""
    found = catalogue(code)
    found.update(texts, no_fuzzy_matching=True, update_creation_date=False)
    found.obsolete.clear()
    for message in found:
        message.locations = sorted({(file, 0) for file, _ in message.locations})
    file = languages.file(code)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as target:
        target.write(HEADER.format(code=code, name=languages.LANGUAGES[code], plural=found.plural_forms).encode())
        write_po(target, found, width=110, sort_output=True, include_lineno=False, omit_header=True)
    return len([message for message in found if message.id and not all(_strings(message.string))])


def _strings(text: Any) -> Sequence[str]:
    return text if isinstance(text, list | tuple) else [text or ""]


def main() -> None:
    texts = template()
    for code in languages.LANGUAGES:
        if code != languages.SOURCE:
            print(f"{code}: {update(code, texts)} of {len(texts)} texts to translate")


if __name__ == "__main__":
    main()
