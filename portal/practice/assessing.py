"""A mock interview while it is conducted: its checklist, the draft of its assessment, and its completion."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import records
from portal.core.errors import Conflict, Invalid, Missing, WrongState
from portal.core.tenancy import tenant_id
from portal.core.types import LongText, fold, words
from portal.core.workflow import Change, Moved
from portal.practice.models import OPEN, MockInterview, MockInterviewChecklistItem, MockStatus
from portal.practice.workflow import ASSESSMENT, MOCK_INTERVIEW, TRAINING_FIELDS

Item = MockInterviewChecklistItem
JUDGED = ("passed", "rating", "notes")
_DRAFTED = (*ASSESSMENT, *TRAINING_FIELDS)
_TOO_LONG = 20_000  # characters of one field of a draft


# --- the checklist ------------------------------------------------------------------------------------


def judge_item(
    session: Any, mock: MockInterview, key: UUID, values: Mapping[str, Any], version: int | None, change: Change
) -> Item:
    """What the coordinator thinks of one criterion: ``passed`` (True, False or None for not yet), ``rating``,
    ``notes``. Raises Stale where somebody, or another window, was faster, WrongState once it is over."""
    require_open(mock)
    row = _item(session, mock, key)
    return records.update(session, row, {n: values[n] for n in JUDGED if n in values}, version)  # type: ignore[no-any-return]


def add_item(session: Any, mock: MockInterview, values: Mapping[str, Any], change: Change) -> Item:
    """A criterion for this mock interview alone, at the end of its category."""
    require_open(mock)
    criterion = str(values.get("criterion") or "")
    same = sa.select(Item.criterion).where(Item.mock_interview_id == mock.id)
    if fold(criterion.strip()) in {fold(each) for each in session.scalars(same)}:
        raise Invalid({"criterion": "This is on the checklist already."})
    last = session.scalar(sa.select(sa.func.max(Item.order)).where(Item.mock_interview_id == mock.id))
    given = {"category": values.get("category"), "criterion": criterion, "order": 0 if last is None else last + 1}
    return records.create(session, Item, {"mock_interview_id": mock.id, **given})


def remove_item(session: Any, mock: MockInterview, key: UUID, change: Change) -> None:
    """Take a criterion off this mock interview's checklist."""
    require_open(mock)
    records.delete(session, _item(session, mock, key))


def require_open(mock: MockInterview) -> None:
    if mock.status not in OPEN:
        raise WrongState(
            f"This mock interview is {words(mock.status).lower()}; its checklist stays as it is.", state=mock.status
        )


def _item(session: Any, mock: MockInterview, key: UUID) -> Item:
    row = session.get(Item, (tenant_id(), key))
    if row is None or row.mock_interview_id != mock.id:
        raise Missing
    return row  # type: ignore[no-any-return]


# --- the draft ----------------------------------------------------------------------------------------


def keep_draft(session: Any, mock: MockInterview, values: Mapping[str, Any], change: Change) -> None:
    """Keep what was typed of the assessment so far, unchecked, until it is submitted. It is no version of the row and
    stands in no history: nothing was decided yet."""
    if mock.status != MockStatus.IN_PROGRESS:
        raise WrongState(f"This mock interview is {words(mock.status).lower()}.", state=mock.status)
    kept = {name: _kept(values[name]) for name in _DRAFTED if name in values}
    table: Any = MockInterview.__table__
    mine = (table.c.tenant_id == mock.tenant_id, table.c.id == mock.id, table.c.status == MockStatus.IN_PROGRESS)
    session.execute(sa.update(table).where(*mine).values(draft=kept))


def _kept(value: Any) -> Any:
    """As JSON holds it: texts within bounds, lists of texts."""
    if isinstance(value, list):
        return [LongText.clean(str(each))[:500] for each in value[:100]]
    return LongText.clean(str(value))[:_TOO_LONG] if value is not None else ""


# --- completion ---------------------------------------------------------------------------------------


def complete_mock_interview(
    session: Any, mock: MockInterview, values: Mapping[str, Any], change: Change, *, version: int | None = None
) -> Moved:
    """Submit the assessment: ``values`` as in SPEC §8, ``checklist`` with what is new on it. Application, training and
    event follow in the same transaction; raises Invalid, WrongState or Conflict, and then nothing is done."""
    if version is not None and version != mock.version:
        raise Conflict(f"This mock interview was changed in the meantime (it is {words(mock.status).lower()} now).")
    moved = MOCK_INTERVIEW.move(session, mock, "complete", Change(change.at, change.by, dict(values)))
    judge_items(session, mock, values.get("checklist") or ())
    return moved


def judge_items(session: Any, mock: MockInterview, checklist: Sequence[Mapping[str, Any]]) -> None:
    """Take over the judgements of ``checklist``, {id, passed, rating, notes} each; raises Invalid for an item that is
    not this interview's, or a rating that is none. They come with the completion, in its transaction."""
    rows = {row.id: row for row in session.scalars(sa.select(Item).where(Item.mock_interview_id == mock.id))}
    errors: dict[str, str] = {}
    for number, given in enumerate(checklist):
        row = rows.get(_key(given.get("id")))
        if row is None:
            errors[f"checklist.{number}.id"] = "This is not on the checklist."
            continue
        try:
            cleaned = records.clean(Item, {name: given[name] for name in JUDGED if name in given})
        except Invalid as error:
            errors |= {f"checklist.{number}.{name}": texts[0] for name, texts in error.errors.items()}
            continue
        for name, value in cleaned.items():
            if getattr(row, name) != value:
                setattr(row, name, value)
    if errors:
        raise Invalid(errors)
    session.flush()


def _key(value: Any) -> UUID | None:
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        return None


def failed_criteria(session: Any, mock: UUID) -> list[str]:
    """What training may focus on: the criteria that were not passed, or rated 1 or 2."""
    poor = sa.or_(Item.passed.is_(False), Item.rating <= 2)
    query = sa.select(Item.criterion).where(Item.mock_interview_id == mock, poor)
    return list(session.scalars(query.order_by(Item.order, Item.id)))
