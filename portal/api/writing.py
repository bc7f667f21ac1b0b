"""The addresses that make, change and delete rows of a resource, by the very actions of the grid."""

from collections.abc import Callable, Mapping
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any

from portal.admin.grid import Creates, Deletes, Grid, Updates
from portal.api.columns import of_form
from portal.api.endpoint import Answer, Call, Endpoint, Param
from portal.api.fields import Fields, Text
from portal.api.references import check_references
from portal.core import access, records
from portal.core.errors import NotAllowed, WrongState
from portal.core.types import PlainText, words


class Writing:
    """Mixed into ``Resource``, which has what is said here."""

    name: str
    grid: Grid
    path: str
    hangs_by: str
    zoned: bool
    delete_is: str
    special: Mapping[str, Any]
    changes: Mapping[str, Any]
    example: Mapping[str, Any]
    before_change: Callable[[Call, Any], None] | None
    create: Creates | None
    update: Updates | None
    delete: Deletes | None
    one: Any
    fetch: Any
    parent: Any
    present: Any
    _endpoint: Callable[..., Endpoint]
    _move: Callable[[Call, Any, Any], None]

    if TYPE_CHECKING:  # they follow from others

        @property
        def model(self) -> Any: ...
        @property
        def row_path(self) -> str: ...
        @property
        def slug(self) -> str: ...
        @property
        def noun(self) -> str: ...
        @cached_property
        def told(self) -> dict[str, str]: ...

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


def _optional(each: Any) -> Any:
    """The same field, which may be left out."""
    made = copy(each)
    made.required = False
    return made


def _some(example: Mapping[str, Any], inputs: Fields) -> dict[str, Any]:
    """The first fields of an example that may be changed."""
    kept = {name: value for name, value in example.items() if name in inputs}
    return dict(list(kept.items())[:2])
