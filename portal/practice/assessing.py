"""A mock interview while it is conducted: its checklist, the draft of its assessment, and its completion."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import access, audit, records
from portal.core.access import Holder
from portal.core.errors import Conflict, Invalid, Missing, WrongState
from portal.core.tenancy import tenant_id
from portal.core.types import LongText, fold, words
from portal.core.workflow import Change, Moved
from portal.practice.models import OPEN, MockInterview, MockInterviewChecklistItem, MockStatus, TrainingAssignment
from portal.practice.workflow import ASSESSMENT, MOCK_INTERVIEW, TRAINING_FIELDS

Item = MockInterviewChecklistItem
JUDGED = ("passed", "rating", "notes")
_DRAFTED = (*ASSESSMENT, *TRAINING_FIELDS)
_TOO_LONG = 20_000  # characters of one text


class StaleItems(Conflict):
    """Items were judged by somebody else, or in another window; ``rows`` is how they stand now."""

    def __init__(self, rows: Sequence[Item]) -> None:
        super().__init__("The checklist was changed in the meantime. Nothing you typed is lost.")
        self.rows = list(rows)


# --- the checklist ------------------------------------------------------------------------------------


def judge_item(
    session: Any, mock: MockInterview, key: UUID, values: Mapping[str, Any], version: int | None, change: Change
) -> Item:
    """What the coordinator thinks of one criterion: ``passed`` (True, False or None for not yet), ``rating``,
    ``notes``. Raises Stale where somebody, or another window, was faster, WrongState once it is over.

    What is said once more as it stands is no conflict: a connection may be lost with the answer on its way."""
    require_open(session, mock)
    row, given = _item(session, mock, key), _judgement(values)
    if all(getattr(row, name) == value for name, value in given.items()):
        return row
    return records.update(session, row, given, version)  # type: ignore[no-any-return]


def _judgement(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is given of a judgement, as the columns want it; raises Invalid."""
    given = {name: values[name] for name in JUDGED if name in values}
    passed = given.get("passed")
    if passed is not None and not isinstance(passed, bool):
        raise Invalid({"passed": "Passed is yes, no, or not yet."})
    cleaned = records.clean(Item, given)
    if len(cleaned.get("notes") or "") > _TOO_LONG:
        raise Invalid({"notes": f"At most {_TOO_LONG:,} characters, please."})
    return {**cleaned, **({"notes": cleaned["notes"] or ""} if "notes" in cleaned else {})}


def add_item(session: Any, mock: MockInterview, values: Mapping[str, Any], change: Change) -> Item:
    """A criterion for this mock interview alone, at the end of its category."""
    require_open(session, mock)
    criterion = str(values.get("criterion") or "")
    same = sa.select(Item.criterion).where(Item.mock_interview_id == mock.id)
    if fold(criterion.strip()) in {fold(each) for each in session.scalars(same)}:
        raise Invalid({"criterion": "This is on the checklist already."})
    last = session.scalar(sa.select(sa.func.max(Item.order)).where(Item.mock_interview_id == mock.id))
    given = {"category": values.get("category"), "criterion": criterion, "order": 0 if last is None else last + 1}
    return records.create(session, Item, {"mock_interview_id": mock.id, **given})


def remove_item(session: Any, mock: MockInterview, key: UUID, change: Change) -> None:
    """Take a criterion off this mock interview's checklist."""
    require_open(session, mock)
    records.delete(session, _item(session, mock, key))


def require_open(session: Any, mock: MockInterview) -> None:
    """Raises WrongState once it is over. Shared with others who judge; a completion waits for us, or we see it."""
    session.refresh(mock, with_for_update={"read": True, "of": MockInterview})
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
    """Keep what was typed of the assessment so far, unchecked, until it is submitted; what is not among ``values``
    stays as it was kept. It is no version of the row and stands in no history: nothing was decided yet."""
    session.refresh(mock, with_for_update={"key_share": True, "of": MockInterview})
    if mock.status != MockStatus.IN_PROGRESS:
        raise WrongState(f"This mock interview is {words(mock.status).lower()}.", state=mock.status)
    kept = {**(mock.draft or {}), **{name: _kept(values[name]) for name in _DRAFTED if name in values}}
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
    given = Change(change.at, change.by, dict(values))
    moved = MOCK_INTERVIEW.move(session, mock, "complete", given, version=version)
    judge_items(session, mock, values.get("checklist") or (), change)
    return moved


def judge_items(session: Any, mock: MockInterview, checklist: Sequence[Mapping[str, Any]], change: Change) -> None:
    """Take over the judgements of ``checklist``, {id, passed, rating, notes} each, and maybe the version that was
    seen; raises Invalid for an item that is not this interview's, or a rating that is none, StaleItems where others
    were judged otherwise meanwhile. They come with the completion, in its transaction."""
    mine = sa.select(Item).where(Item.mock_interview_id == mock.id).order_by(Item.id)
    locked = mine.with_for_update(key_share=True).execution_options(populate_existing=True)
    rows = {row.id: row for row in session.scalars(locked)}
    judged: dict[UUID, dict[str, Any]] = {}
    errors: dict[str, str] = {}
    stale = []
    for number, given in enumerate(checklist):
        row = rows.get(_key(given.get("id")))
        if row is None:
            errors[f"checklist.{number}.id"] = "This is not on the checklist."
            continue
        try:
            cleaned = _judgement(given)
        except Invalid as error:
            errors |= {f"checklist.{number}.{name}": texts[0] for name, texts in error.errors.items()}
            continue
        changed = {name: value for name, value in cleaned.items() if getattr(row, name) != value}
        if changed and given.get("version") not in (None, row.version):
            stale.append(row)
        elif changed:
            judged[row.id] = changed
    if errors:
        raise Invalid(errors)
    if stale:
        raise StaleItems(stale)
    _write_judgements(session, [(rows[key], changed) for key, changed in judged.items()], change)


def _write_judgements(session: Any, judged: Sequence[tuple[Item, dict[str, Any]]], change: Change) -> None:
    """All at once, under the locks of the rows: twenty one after the other take three times as long."""
    if not judged:
        return
    table: Any = Item.__table__
    mine = (table.c.tenant_id == tenant_id(), table.c.id == sa.bindparam("key"))
    values = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in JUDGED}
    statement = sa.update(table).where(*mine).values(version=table.c.version + 1, updated_at=change.at, **values)
    session.execute(statement, [
        {"key": row.id, **{f"new_{name}": changed.get(name, getattr(row, name)) for name in JUDGED}}
        for row, changed in judged
    ])  # fmt: skip
    changes = [
        (row.id, {name: [getattr(row, name), new] for name, new in changed.items()}) for row, changed in judged
    ]  # fmt: skip
    audit.write(session, tenant_id(), table.name, "changed", changes, at=change.at)
    for row, _ in judged:
        session.expire(row)


def keep_all(
    session: Any, mock: MockInterview, draft: Mapping[str, Any], checklist: Sequence[Mapping[str, Any]], change: Change
) -> None:
    """Keep checklist and draft as a form without scripts sends them, both or nothing."""
    keep_draft(session, mock, draft, change)
    judge_items(session, mock, checklist, change)


def _key(value: Any) -> UUID | None:
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        return None


def poor() -> sa.ColumnElement[bool]:
    """What was not passed, or rated 1 or 2."""
    return sa.or_(Item.passed.is_(False), Item.rating <= 2)


def failed_criteria(session: Any, mock: UUID) -> list[str]:
    """What training may focus on: the criteria that were not passed, or rated 1 or 2."""
    query = sa.select(Item.criterion).where(Item.mock_interview_id == mock, poor())
    return list(session.scalars(query.order_by(Item.order, Item.id)))


# --- what came before ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Former:
    """An earlier attempt of the same application, with what it found and what came of it."""

    mock: MockInterview
    failed: list[str]
    training: TrainingAssignment | None


def former_attempts(session: Any, mock: MockInterview, by: Holder) -> list[Former]:
    """The application's earlier assessed attempts that ``by`` may read, the last one first; and likewise what
    training followed."""
    query = sa.select(MockInterview).where(
        MockInterview.application_id == mock.application_id, MockInterview.id != mock.id,
        MockInterview.decision.is_not(None),
    )  # fmt: skip
    query = access.scope(query, MockInterview, by, rowwise=True)
    rows = list(session.scalars(query.order_by(MockInterview.completed_at.desc(), MockInterview.id.desc()).limit(5)))
    if not rows:
        return []
    keys, failed = [row.id for row in rows], defaultdict(list)
    badly = sa.select(Item.mock_interview_id, Item.criterion).where(Item.mock_interview_id.in_(keys), poor())
    for key, criterion in session.execute(badly.order_by(Item.order, Item.id)):
        failed[key].append(criterion)
    given = sa.select(TrainingAssignment).where(TrainingAssignment.mock_interview_id.in_(keys))
    given = access.scope(given, TrainingAssignment, by, rowwise=True)
    trainings = {row.mock_interview_id: row for row in session.scalars(given.order_by(TrainingAssignment.id))}
    return [Former(row, failed[row.id], trainings.get(row.id)) for row in rows]
