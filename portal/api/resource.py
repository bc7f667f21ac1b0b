"""An entity's addresses from its grid: list, read, create, change, delete, and a verb for each move of its workflow.

What a grid says already (whose rows they are, what may be filtered, sorted, searched and written, by whom, and by which
action) is not said again. A ``Resource`` adds how the entity is called in the API, and what its fields mean.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.admin.grid import Creates, Deletes, Grid, Updates
from portal.api import listing, verbforms
from portal.api.endpoint import Answer, Call, Endpoint, Param
from portal.api.fields import Fields, Text, of_form
from portal.api.meanings import COMMON
from portal.api.reading import Part, Shape, parts_of
from portal.core import access, records
from portal.core.errors import Invalid, Missing, NotAllowed, PortalError, WrongState
from portal.core.forms import known_of
from portal.core.types import PlainText, words
from portal.core.workflow import Change, Move

LIST, CREATE, READ, CHANGE, DELETE = "list", "create", "read", "change", "delete"
ALL = (LIST, CREATE, READ, CHANGE, DELETE)
Runs = Callable[[Call, Any], None]


@dataclass(frozen=True)
class Resource:
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

        return self.sublist(self.path, f"list_{self.slug}s", run, f"List {self.noun}s")

    def sublist(self, path: str, name: str, run: Any, summary: str, **more: Any) -> Endpoint:
        """A further list of these rows, under an address of its own."""
        return self._endpoint("GET", path, name, run, summary, **{"answer": self.plural, "params": self.params, **more})

    def _read(self) -> Endpoint:
        def run(call: Call) -> Answer:
            return Answer(self.one(call, self.known(call)))

        return self._endpoint("GET", self.row_path, f"get_{self.slug}", run, f"Read one {self.noun}", conditional=True)

    # -- writing -----------------------------------------------------------------------------------------

    def inputs(self, page: str) -> Fields:
        return of_form(self.grid, page, self.told, self.special)

    def _needs(self, page: str) -> dict[str, str]:
        fields = (each for _, group in self.grid.sections for each in group if page in each.on)
        return {each.name: each.permission for each in fields if each.permission}

    def _create(self) -> Endpoint:
        inputs = self.inputs("new")

        def run(call: Call) -> Answer:
            values = self._given(call, inputs, None)
            if (parent := self.parent(call)) is not None:
                values[self.hangs_by] = parent.id
            if self.zoned and "timezone" in inputs and not values.get("timezone"):
                values["timezone"] = call.user.timezone
            row = self._made(call, values)
            where = f"/api/{self.path}/{row.id}".replace("{id}", str(call.keys[0]) if call.keys else "")
            return Answer(self.one(call, row.id), 201, {"Location": where})

        return self._endpoint(
            "POST", self.path, f"create_{self.slug}", run, f"Make a {self.noun}", body=inputs, status=201,
            body_name=f"New{self.name}", needs=self._needs("new"), permissions=self.grid.write, example=self.example,
        )  # fmt: skip

    def _made(self, call: Call, values: dict[str, Any]) -> Any:
        create = self.create or self.grid.create
        if create is not None:
            return create(call.session, values, call.change)
        return records.create(call.session, self.model, values)

    def _change(self) -> Endpoint:
        inputs = {name: _optional(each) for name, each in {**self.inputs("edit"), **self.changes}.items()}

        def run(call: Call) -> Answer:
            row = self.fetch(call)
            self._permit(call, row)
            self._lock(call, row)
            if self.before_change:
                self.before_change(call, row)
            values = self._given(call, inputs, row)
            update = self.update or self.grid.update
            version = row.version if call.version is None else call.version
            if update is not None:
                update(call.session, row, values, version, call.change)
            else:
                records.update(call.session, row, values, version)
            return Answer(self.one(call, row.id))

        return self._endpoint(
            "PATCH", self.row_path, f"update_{self.slug}", run, f"Change a {self.noun}", body=inputs,
            body_name=f"{self.name}Change", needs=self._needs("edit"), takes_version=True, present=self.present,
            description="What is left out stays as it is.", example=_some(self.example, inputs),
        )  # fmt: skip

    def _permit(self, call: Call, row: Any) -> None:
        if not access.allows(call.session, call.user, row, *self.grid.write):
            raise NotAllowed(f"You may read this {self.noun}, but not change it.")

    def _lock(self, call: Call, row: Any) -> None:
        """Two who write at once: the second waits here, and then sees what the first has made of the row."""
        if self.grid.lock_first:
            self.grid.lock_first(call.session, row)
        call.session.refresh(row, with_for_update={"key_share": True, "of": self.model})

    def _given(self, call: Call, inputs: Fields, row: Any) -> dict[str, Any]:
        """The values of the body; raises Invalid for a reference that the user may not choose, WrongState for what
        cannot be said of the row as it stands."""
        values = dict(call.body)
        if row is not None:
            self._refuse_closed(row, values)
        check_references(inputs, values, row)
        return values

    def _refuse_closed(self, row: Any, values: Mapping[str, Any]) -> None:
        fields = {each.name: each for _, group in self.grid.sections for each in group}
        closed = [n for n in values if n in fields and (when := fields[n].when) is not None and not when(row)]
        changed = [name for name in closed if getattr(row, name, None) != values[name]]
        if changed:
            state = str(getattr(row, "status", ""))
            told = f"As this {self.noun} is {words(state).lower()}, it keeps its {', '.join(changed)}."
            raise WrongState(told, state=state)

    def _delete(self) -> Endpoint:
        if self.delete_is:
            return self._cancel()

        def run(call: Call) -> Answer:
            row = self.fetch(call)
            self._permit(call, row)
            if call.version is not None and call.version != getattr(row, "version", call.version):
                raise records.Stale(row)
            if (delete := self.delete or self.grid.delete) is None:
                records.delete(call.session, row)
            elif delete(call.session, row, call.change) is False:
                return Answer(self.one(call, row.id))  # it was used, and is out of use now
            return Answer(None, 204)

        return self._endpoint(
            "DELETE", self.row_path, f"delete_{self.slug}", run, f"Delete a {self.noun}", answer="", status=204,
            takes_version=True, present=self.present,
            also={200: self.name} if self.grid.delete and self.delete is None else {},
            description="One that is in use stays, and 409 says so.",
        )  # fmt: skip

    def _cancel(self) -> Endpoint:
        flow = self.grid.workflow
        assert flow is not None
        move = flow.moves[self.delete_is]

        def run(call: Call) -> Answer:
            self._move(call, move, call.saying(reason=call.args.get("reason", "")))
            return Answer(self.one(call, call.keys[-1]))

        return self._endpoint(
            "DELETE", self.row_path, f"delete_{self.slug}", run, f"{move.title} a {self.noun}",
            description="The row stays, and is answered as it is now. It is the same as the verb.",
            params=(Param("reason", Text("Why; it is needed.", PlainText, 2000)),), takes_version=True,
            present=self.present, permissions=move.permissions,
        )  # fmt: skip

    # -- verbs -------------------------------------------------------------------------------------------

    def _verbs(self) -> list[Endpoint]:
        flow = self.grid.workflow
        if flow is None or not self.verbs_by:
            return []
        moves = (move for move in flow.moves.values() if move.sources and move.verb not in self.hides_verbs)
        return [self._verb(move) for move in moves]

    def _verb(self, move: Move) -> Endpoint:
        body = self.bodies.get(move.verb)
        body = verbforms.fields_of(move.form) if body is None else body

        def run(call: Call) -> Answer:
            check_references(body, call.body, None)
            self._move(call, move, call.saying(**call.body))
            return Answer(self.one(call, call.keys[-1]))

        return self._endpoint(
            self.verbs_by, f"{self.row_path}/{move.verb.replace('_', '-')}", f"{move.verb}_{self.slug}", run,
            f"{move.title} a {self.noun}", description=self._described(move), body=body, takes_version=True,
            body_name=f"{self.name}{move.verb.title().replace('_', '')}", needs=verbforms.needs_of(move.form),
            permissions=move.permissions, present=self.present, example=self.examples.get(move.verb),
        )  # fmt: skip

    def _described(self, move: Move) -> str:
        states = ", ".join(f"`{state}`" for state in move.sources)
        leads = f" to `{move.target}`" if move.target else ""
        return f"{move.description}. From {states}{leads}; from elsewhere it is refused with 409."

    def _move(self, call: Call, move: Move, change: Change) -> None:
        row = self.fetch(call)
        flow = self.grid.workflow
        assert flow is not None
        if run := self.runs.get(move.verb):
            run(call, row)
        else:
            flow.move(call.session, row, move.verb, change, version=call.version)


_resources: dict[Any, Resource] = {}


def register(resources: Iterable[Resource]) -> None:
    """Make them known to higher features, which answer rows of lower ones too."""
    _resources.update({each.model: each for each in resources})


def resource_of(model: Any) -> Resource:
    return _resources[model]


def words_id(path: str) -> str:
    """``training/{id}/sessions`` -> ``session_id``: how a row below another is called in a path."""
    return f"{path.rpartition('/')[2].removesuffix('s')}_id"


def _optional(each: Any) -> Any:
    """The same field, which may be left out."""
    made = copy(each)
    made.required = False
    return made


def _some(example: Mapping[str, Any], inputs: Fields) -> dict[str, Any]:
    """The first fields of an example that may be changed."""
    kept = {name: value for name, value in example.items() if name in inputs}
    return dict(list(kept.items())[:2])


def check_references(inputs: Fields, values: Mapping[str, Any], row: Any) -> None:
    """What the body refers to must be something that the user may choose, as in the form; what stood there may stay."""
    errors = {}
    for name, each in inputs.items():
        lookup = getattr(getattr(each, "inner", each), "lookup", "")
        if not lookup or values.get(name) is None:
            continue
        keys = values[name] if isinstance(values[name], list) else [values[name]]
        kept = getattr(row, name, None) if row is not None else None
        known = known_of(lookup, keys)
        if not all(key in known and (known[key].choosable or key == kept) for key in keys):
            errors[name] = "This is not one of the choices."
    if errors:
        raise Invalid(errors)
