"""An entity's addresses from its grid: list, read, create, change, delete, and a verb for each move of its workflow.

What a grid says already (whose rows they are, what may be filtered, sorted, searched and written, by whom, and by which
action) is not said again. A ``Resource`` adds how the entity is called in the API, and what its fields mean.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.admin.grid import Creates, Deletes, Grid, Updates
from portal.api import listing
from portal.api.endpoint import Answer, Call, Endpoint, Param
from portal.api.fields import Fields
from portal.api.meanings import COMMON
from portal.api.reading import Part, Shape, parts_of
from portal.api.verbs import Verbs
from portal.api.writing import Writing
from portal.core import access
from portal.core.errors import Missing, PortalError
from portal.core.types import words

LIST, CREATE, READ, CHANGE, DELETE = "list", "create", "read", "change", "delete"
ALL = (LIST, CREATE, READ, CHANGE, DELETE)
Runs = Callable[[Call, Any], None]


@dataclass(frozen=True)
class Resource(Writing, Verbs):
    """``path`` as in ``training/{id}/sessions``: what stands before the last part is a row of ``above``, to which
    ``hangs_by`` (a column's name) leads. ``name`` is that of one row in the document, ``tag`` its chapter.

    ``only`` are the methods that there are; ``verbs_by`` is the method of its moves ('' for none) and ``hides_verbs``
    those that have an address of another kind. ``bodies`` are the bodies of verbs that take more than their form, and
    ``runs`` do what is more than a move. A DELETE does the move ``delete_is``, where the rows stay.
    """

    path: str
    name: str
    grid: Grid
    meanings: Mapping[str, str]
    only: tuple[str, ...] = ALL
    parts: tuple[Part, ...] = ()
    hides: frozenset[str] = frozenset()
    special: Mapping[str, Any] = field(default_factory=dict)  # form field -> the API's own, or None for none
    changes: Mapping[str, Any] = field(
        default_factory=dict
    )  # further fields of a change, which ``before_change`` takes
    before_change: Runs | None = None
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)  # filter -> values, where they are data
    create: Creates | None = None
    update: Updates | None = None
    delete: Deletes | None = None
    delete_is: str = ""
    verbs_by: str = "POST"
    hides_verbs: tuple[str, ...] = ()
    bodies: Mapping[str, Fields] = field(default_factory=dict)
    runs: Mapping[str, Runs] = field(default_factory=dict)
    zoned: bool = True  # a new row without a zone gets the user's
    above: "Resource | None" = None
    hangs_by: str = ""
    example: Mapping[str, Any] = field(default_factory=dict)
    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # verb -> its body
    default_sort: str = ""

    @property
    def model(self) -> Any:
        return self.grid.model

    @property
    def plural(self) -> str:
        return f"{self.name}List"

    @property
    def tag(self) -> str:
        return self.path.split("/")[0]

    @property
    def row_path(self) -> str:
        return f"{self.path}/{{id}}" if self.above is None else f"{self.path}/{{{words_id(self.path)}}}"

    @cached_property
    def told(self) -> dict[str, str]:
        """What each field means."""
        return {**COMMON, **self.meanings}

    @cached_property
    def shape(self) -> Shape:
        closed = {c.name: c.permission for c in self.grid.columns if c.permission}
        return Shape(self.model, self.hides, closed, (*self.parts, *parts_of(self.model)))

    @property
    def slug(self) -> str:
        """``MockInterview`` as operations are named: ``mock_interview``."""
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in self.name).lstrip("_")

    @property
    def noun(self) -> str:
        return words(self.slug).lower()

    @property
    def reading(self) -> tuple[str, ...]:
        return (f"read:{self.grid.resource}",)

    # -- rows --------------------------------------------------------------------------------------------

    def parent(self, call: Call) -> Any:
        """The row above, which must be one that the user may see."""
        if self.above is None:
            return None
        return access.fetch(call.session, self.above.model, call.keys[0], call.user)

    def conditions(self, call: Call) -> list[sa.ColumnElement[bool]]:
        return [getattr(self.model, self.hangs_by) == call.keys[0]] if self.above is not None else []

    def fetch(self, call: Call) -> Any:
        """The row of the path; raises Missing unless the user may see it."""
        self.parent(call)
        row = access.fetch(call.session, self.model, call.keys[-1], call.user)
        if self.above is not None and getattr(row, self.hangs_by) != call.keys[0]:
            raise Missing
        return row

    def known(self, call: Call) -> UUID:
        """The key in the path, where the user may see the row; raises Missing otherwise. To read costs no more."""
        found = sa.select(self.model.id).where(self.model.id == call.keys[-1], *self.conditions(call))
        if call.session.scalar(access.scope(found, self.model, call.user, rowwise=True)) is None:
            raise Missing
        self.parent(call)
        return call.keys[-1]

    def one(self, call: Call, key: UUID) -> dict[str, Any]:
        """A row as it is answered."""
        call.session.flush()
        found = self.shape.of(call.user).rows(call.session, [key], call.user, call.change.at, alone=True)
        if not found:
            raise Missing
        return found[0]  # type: ignore[no-any-return]

    def present(self, call: Call) -> Any:
        """The row of the path as it stands now, for a refusal; None where it cannot be read."""
        try:
            return self.one(call, self.fetch(call).id)
        except PortalError:
            return None

    # -- addresses ---------------------------------------------------------------------------------------

    def endpoints(self) -> list[Endpoint]:
        made = [getattr(self, f"_{each}")() for each in self.only]
        return [*made, *self._verbs()]

    @property
    def params(self) -> tuple[Param, ...]:
        return listing.params_of(self.grid, self.choices)

    def _endpoint(self, method: str, path: str, name: str, run: Any, summary: str, **more: Any) -> Endpoint:
        more = {"answer": self.name, "permissions": self.reading, "model": self.model, **more}
        return Endpoint(method, path, name, self.tag, run, summary, **more)

    def _list(self) -> Endpoint:
        def run(call: Call) -> Answer:
            self.parent(call)
            return listing.page(
                call, self.grid, self.shape, conditions=self.conditions(call), sort=self.default_sort
            )  # fmt: skip

        return self.sublist(self.path, f"list_{several(self.slug)}", run, f"List {several(self.noun)}")

    def sublist(self, path: str, name: str, run: Any, summary: str, **more: Any) -> Endpoint:
        """A further list of these rows, under an address of its own."""
        return self._endpoint("GET", path, name, run, summary, **{"answer": self.plural, "params": self.params, **more})

    def _read(self) -> Endpoint:
        def run(call: Call) -> Answer:
            return Answer(self.one(call, self.known(call)))

        return self._endpoint("GET", self.row_path, f"get_{self.slug}", run, f"Read one {self.noun}", conditional=True)


_resources: dict[Any, Resource] = {}


def register(resources: Iterable[Resource]) -> None:
    """Make them known to higher features, which answer rows of lower ones too."""
    _resources.update({each.model: each for each in resources})


def resource_of(model: Any) -> Resource:
    return _resources[model]


def several(noun: str) -> str:
    """``delivery`` -> ``deliveries``."""
    return f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}s"


def words_id(path: str) -> str:
    """``training/{id}/sessions`` -> ``session_id``: how a row below another is called in a path."""
    last = path.rpartition("/")[2]
    return f"{last.removesuffix('ies')}y_id" if last.endswith("ies") else f"{last.removesuffix('s')}_id"
