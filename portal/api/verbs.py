"""The addresses of a resource's verbs, one for each move of its workflow."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from portal.admin.grid import Grid
from portal.api import verbforms
from portal.api.endpoint import Answer, Call, Endpoint
from portal.api.fields import Fields
from portal.api.references import check_references
from portal.core.workflow import Change, Move


class Verbs:
    """Mixed into ``Resource``, which has what is said here."""

    name: str
    grid: Grid
    verbs_by: str
    hides_verbs: tuple[str, ...]
    bodies: Mapping[str, Fields]
    runs: Mapping[str, Callable[[Call, Any], None]]
    examples: Mapping[str, Mapping[str, Any]]
    one: Any
    fetch: Any
    present: Any
    _endpoint: Callable[..., Endpoint]

    if TYPE_CHECKING:  # they follow from others

        @property
        def model(self) -> Any: ...
        @property
        def row_path(self) -> str: ...
        @property
        def slug(self) -> str: ...
        @property
        def noun(self) -> str: ...

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
