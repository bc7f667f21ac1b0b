"""The form field for a list of small records: a row of inputs for each, kept as typed when something is wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

from wtforms import Field

from portal.core.rows import BadRows, Cell, Rows, in_words, place, typed

SPARE = 3  # empty rows at the end, for those whose browser runs no script


class RowsField(Field):  # type: ignore[misc]
    """``data`` is the cleaned list. ``lines`` are the rows to show, ``cell_errors`` what stands beside their cells."""

    kind = "rows"
    data: list[Any]
    lines: list[dict[str, Any]]

    def __init__(self, label: str = "", validators: Sequence[Any] = (), *, rows: Rows, **more: Any) -> None:
        self.rows, self.lines = rows, []
        self.cell_errors: dict[tuple[int, str], str] = {}
        super().__init__(label, validators, **more)

    def process(self, formdata: Any, data: Any = None, **more: Any) -> None:
        self.object_data = data or []
        self.lines = self.rows.records(self.object_data)
        self.data = list(self.object_data)
        if formdata:
            sent = typed(self.name, formdata.items(multi=False))
            self.lines = [line for line in sent if not self.rows.is_blank(line)]
            # What is typed already counts for the page that compares two versions.
            self.data = [line[self.rows.cells[0].name] if self.rows.plain else line for line in self._named()]

    def _named(self) -> list[dict[str, str]]:
        return [{cell.name: line.get(cell.name, "") for cell in self.rows.cells} for line in self.lines]

    def validate(self, form: Any, extra_validators: Any = ()) -> bool:
        self.cell_errors, self.errors = {}, []
        try:
            self.data = self.rows.clean(self.data)
        except BadRows as error:
            self.cell_errors, self.errors = error.cells, self._placed(error.cells)
        except ValueError as error:
            self.errors = [str(error)]
        return not self.errors

    def _placed(self, cells: Mapping[tuple[int, str], str]) -> list[str]:
        return [f"{place(*key)}: {text}" for key, text in cells.items()]

    @property
    def own_errors(self) -> list[str]:
        """Those that stand beside no cell."""
        placed = self._placed(self.cell_errors)
        return [text for text in self.errors if text not in placed]

    def numbered(self) -> list[tuple[int, dict[str, Any]]]:
        """What there is, and some spare rows."""
        spare: list[dict[str, Any]] = [{} for _ in range(min(SPARE, max(0, self.rows.most - len(self.lines))))]
        return list(enumerate([*self.lines, *spare]))

    def error_of(self, number: int, cell: Cell) -> str:
        return self.cell_errors.get((number, cell.name), "")

    def reads(self, value: Any) -> str:
        """A list of this field as words."""
        return in_words(value or [], self.rows)
