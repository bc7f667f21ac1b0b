"""Lists of small records kept in one column: the rule that forms, API and imports share, and how a list reads."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from portal.core.types import Json, LongText, PlainText, fold, words

_WHOLE = re.compile(r"^[+-]?\d{1,9}$", re.ASCII)


@dataclass(frozen=True)
class Cell:
    """One value of a record. ``whole`` is (least, greatest) of a whole number; ``default`` stands for an empty one."""

    name: str
    limit: int = 200  # characters
    long: bool = False
    required: bool = False
    unique: bool = False
    whole: tuple[int, int] | None = None
    default: Any = ""

    @property
    def label(self) -> str:
        return words(self.name)

    def clean(self, value: Any) -> Any:
        """The value to keep; raises ValueError in words."""
        if value is None or (isinstance(value, str) and not value.strip()):
            if self.required:
                raise ValueError("Please fill this in.")
            return self.default
        return self._number(value) if self.whole else self._text(value)

    def _number(self, value: Any) -> int:
        least, most = self.whole or (0, 0)
        written = isinstance(value, int) and not isinstance(value, bool)
        if not written and not (isinstance(value, str) and _WHOLE.match(value.strip())):
            raise ValueError("Please give a whole number.")
        if not least <= int(value) <= most:
            raise ValueError(f"From {least} to {most}, please.")
        return int(value)

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("Please give a text.")
        cleaned = (LongText if self.long else PlainText).clean(value)
        if len(cleaned) > self.limit:
            raise ValueError(f"At most {self.limit} characters, please; these are {len(cleaned)}.")
        return cleaned


class BadRows(ValueError):
    """What is wrong with a list: ``cells`` by row and name; the text names each place for those who see no form."""

    def __init__(self, cells: Mapping[tuple[int, str], str]) -> None:
        self.cells = dict(cells)
        super().__init__(" ".join(f"{place(*key)}: {text}" for key, text in self.cells.items()))


def place(row: int, name: str) -> str:
    """``Row 2, weight``: where a cell stands, for people who count from one."""
    return f"Row {row + 1}, {words(name).lower()}"


@dataclass(frozen=True)
class Rows:
    """What a list holds. ``plain`` lists hold the values of their one cell, not records; ``noun`` names an item."""

    cells: tuple[Cell, ...]
    noun: str
    plain: bool = False
    most: int = 100

    def clean(self, value: Any) -> list[Any]:
        """The list to keep, empty records left out; raises ValueError, BadRows where single cells are wrong."""
        if not isinstance(value, list):
            raise ValueError("Please give a list.")
        given = [(n, row) for n, row in enumerate(self.records(value)) if not self.is_blank(row)]
        if len(given) > self.most:
            raise ValueError(f"No more than {self.most} of these, please; there are {len(given)}.")
        cleaned, errors = self._cleaned(given)
        errors |= self._doubles(cleaned)
        if errors:
            raise BadRows(dict(sorted(errors.items())))
        return [row[self.cells[0].name] if self.plain else row for row in cleaned.values()]

    def records(self, value: Iterable[Any]) -> list[dict[str, Any]]:
        """The items as records, for plain lists too."""
        first = self.cells[0].name
        return [dict(item) if isinstance(item, Mapping) and not self.plain else {first: item} for item in value]

    def is_blank(self, row: Mapping[str, Any]) -> bool:
        return not any(str(value).strip() for value in row.values() if value is not None)

    def _cleaned(self, given: Sequence[tuple[int, Mapping[str, Any]]]) -> tuple[dict[int, Any], dict[Any, str]]:
        cleaned: dict[int, Any] = {}
        errors: dict[Any, str] = {}
        for n, row in given:
            cleaned[n] = {}
            for cell in self.cells:
                try:
                    cleaned[n][cell.name] = cell.clean(row.get(cell.name))
                except ValueError as error:
                    errors[n, cell.name] = str(error)
        return cleaned, errors

    def _doubles(self, cleaned: Mapping[int, Mapping[str, Any]]) -> dict[Any, str]:
        errors: dict[Any, str] = {}
        for cell in (cell for cell in self.cells if cell.unique):
            seen: dict[str, int] = {}
            for n, row in cleaned.items():
                text = fold(str(row.get(cell.name, "")))
                if text and text in seen:
                    errors[n, cell.name] = f"Row {seen[text] + 1} has this already."
                seen.setdefault(text, n)
        return errors


class RowsOf(sa.types.TypeDecorator[list[Any]]):
    """A JSON column that holds such a list."""

    impl = sa.JSON
    cache_ok = True

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        super().__init__()

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return Json.dialect_impl(dialect)


# --- in words ---------------------------------------------------------------------------------------


def in_words(items: Iterable[Any], rows: Rows | None = None) -> str:
    """``“Why nursing?” (category: Motivation, weight: 10); …``: a list as a history tells it."""
    return "; ".join(_item(item, rows) for item in items)


def _item(item: Any, rows: Rows | None) -> str:
    if not isinstance(item, Mapping):
        return str(item)
    # PostgreSQL keeps no order of names; the cells have one.
    names = [cell.name for cell in rows.cells if cell.name in item] if rows else list(item)
    first, *rest = [name for name in names if item[name] not in (None, "")] or [""]
    more = ", ".join(f"{words(name).lower()}: {item[name]}" for name in rest)
    return f"“{item.get(first, '')}”" + (f" ({more})" if more else "")


def changed(old: Sequence[Any], new: Sequence[Any], rows: Rows | None = None) -> tuple[str, str]:
    """What a change took out of a list and what it put in, in words; only the order may have changed."""
    gone, come = [item for item in old if item not in new], [item for item in new if item not in old]
    if old and not gone and not come:
        return "", "in another order"
    return in_words(gone, rows), in_words(come, rows)


Typed = list[dict[str, str]]


def typed(name: str, names: Iterable[tuple[str, str]]) -> Typed:
    """The records that a form sent as ``questions-0-question`` and so on, in the order of their numbers."""
    found: dict[int, dict[str, str]] = {}
    for number, cell, value in _sent(name, names):
        found.setdefault(number, {})[cell] = value
    return [found[number] for number in sorted(found)]


def _sent(name: str, names: Iterable[tuple[str, str]]) -> Iterator[tuple[int, str, str]]:
    pattern = re.compile(rf"^{re.escape(name)}-(\d{{1,5}})-(\w+)$", re.ASCII)
    for key, value in names:
        if match := pattern.match(key):
            yield int(match[1]), match[2], value
