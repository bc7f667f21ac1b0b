"""Keeping checklists: criteria by job role, their order, copies to other roles, and what a new interview gets."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

import sqlalchemy as sa

from portal.core import records
from portal.core.db import insert_many, new_id
from portal.core.errors import Conflict, Invalid, Missing
from portal.core.tenancy import tenant_id
from portal.core.types import fold
from portal.core.workflow import Change
from portal.hiring.models import JobRole
from portal.practice import carrying
from portal.practice.criteria import STARTERS, judges_looks
from portal.practice.models import (
    ChecklistCategory,
    MockInterviewChecklistItem,
    MockInterviewChecklistTemplate,
)

Template = MockInterviewChecklistTemplate


class _Categorised(Protocol):
    category: Any


C = TypeVar("C", bound=_Categorised)
ORDER = {category.value: number for number, category in enumerate(ChecklistCategory)}


def fill(session: Any, mocks: Mapping[UUID, UUID], change: Change) -> None:
    """Give new mock interviews (-> the job role) their items: copies of the role's active criteria, in their order."""
    templates: dict[UUID, list[Any]] = defaultdict(list)
    query = sa.select(Template.id, Template.job_role_id, Template.category, Template.criterion)
    active = query.where(Template.job_role_id.in_(set(mocks.values())), Template.active.is_(True))
    for row in session.execute(active.order_by(Template.order, Template.id)):
        templates[row.job_role_id].append(row)
    alike = {
        "tenant_id": tenant_id(), "passed": None, "rating": None, "notes": "", "created_at": change.at,
        "updated_at": change.at, "version": 1,
    }  # fmt: skip
    rows = [
        {"mock_interview_id": mock, "template_id": each.id, "category": each.category, "criterion": each.criterion,
         "position": number}
        for mock, role in mocks.items()
        for number, each in enumerate(templates[role])
    ]  # fmt: skip
    # The interview's own entry tells that it was made; twenty more that its checklist was would tell nothing.
    insert_many(session, MockInterviewChecklistItem.__table__, rows, alike)  # type: ignore[arg-type]


def remark(criterion: str) -> str:
    """What is to be said of a criterion that judges looks rather than work; '' where there is nothing."""
    found = judges_looks(criterion)
    if not found:
        return ""
    return f"“{found}” judges looks or who somebody is, not how they work. Please think this criterion over."


# --- one criterion ------------------------------------------------------------------------------------


def add_criterion(session: Any, values: Mapping[str, Any], change: Change) -> Template:
    """A new criterion, at the end of its role's list; raises Invalid where the role has it already."""
    values = dict(values)
    role = _role(session, values.get("job_role_id"))
    _refuse_double(session, role.id, str(values.get("criterion") or ""), None)
    values["order"] = _next(session, role.id)
    return records.create(session, Template, values)


def change_criterion(
    session: Any, row: Template, values: Mapping[str, Any], version: int | None, change: Change
) -> Template:
    """Edit a criterion: what interviews have copied of it stays as it was."""
    values = {name: value for name, value in values.items() if name != "job_role_id"}
    if "criterion" in values:
        _refuse_double(session, row.job_role_id, str(values["criterion"] or ""), row.id)
    return records.update(session, row, values, version)  # type: ignore[no-any-return]


def remove_criterion(session: Any, row: Template, change: Change) -> bool:
    """Delete a criterion that no interview has used, else deactivate it; answers whether it is gone."""
    used = sa.select(MockInterviewChecklistItem.id).where(MockInterviewChecklistItem.template_id == row.id).limit(1)
    if session.scalar(used) is None:
        records.delete(session, row)
        return True
    records.update(session, row, {"active": False}, None)
    return False


def criteria_of(session: Any, role: UUID) -> list[Template]:
    """All criteria of a role in their order."""
    query = sa.select(Template).where(Template.job_role_id == role).order_by(Template.order, Template.id)
    return list(session.scalars(query))


def by_category(criteria: Iterable[C]) -> list[tuple[str, list[C]]]:
    """Criteria, or items, with their category, in the order of the categories and their own within."""
    found: dict[str, list[C]] = defaultdict(list)
    for each in criteria:
        found[each.category].append(each)
    return sorted(found.items(), key=lambda group: ORDER[group[0]])


def counts(session: Any) -> list[Any]:
    """The roles in use, and those with a checklist: (id, name, department, active, criteria in use, out of use)."""
    using = sa.func.count(sa.case((Template.active.is_(True), Template.id)))
    idle = sa.func.count(sa.case((Template.active.is_(False), Template.id)))
    mine = sa.and_(Template.tenant_id == JobRole.tenant_id, Template.job_role_id == JobRole.id)
    query = (
        sa.select(JobRole.id, JobRole.name, JobRole.department, JobRole.active, using.label("using"),
                  idle.label("idle"))
        .outerjoin(Template, mine)
        .group_by(JobRole.tenant_id, JobRole.id, JobRole.name, JobRole.department, JobRole.active)
        .having(sa.or_(JobRole.active.is_(True), sa.func.count(Template.id) > 0))
        .order_by(JobRole.name, JobRole.id)
    )  # fmt: skip
    return list(session.execute(query))


def _role(session: Any, key: UUID | None) -> JobRole:
    found = session.get(JobRole, (tenant_id(), key)) if key else None
    if not isinstance(found, JobRole):
        raise Invalid({"job_role_id": "Please choose a job role."})
    return found


def _refuse_double(session: Any, role: UUID, criterion: str, besides: UUID | None) -> None:
    same = sa.select(Template.id, Template.active).where(
        Template.job_role_id == role, Template.search_text == fold(criterion.strip())
    )
    found = session.execute(same).first()
    if criterion.strip() and found and found.id != besides:
        told = "This role has this criterion already" + ("." if found.active else ", out of use: activate it instead.")
        raise Invalid({"criterion": told})


def _next(session: Any, role: UUID) -> int:
    last = session.scalar(sa.select(sa.func.max(Template.order)).where(Template.job_role_id == role))
    return 0 if last is None else int(last) + 1


# --- the order ----------------------------------------------------------------------------------------


def reorder(
    session: Any, role: UUID, order: Sequence[UUID], change: Change, *, seen: Sequence[UUID] | None = None
) -> None:
    """Put the role's criteria into ``order``, which names each of them once. Raises Conflict where somebody has added
    or removed one meanwhile, or, with the order ``seen`` before, has moved one."""
    query = sa.select(Template).where(Template.job_role_id == role).order_by(Template.id)
    locked = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    rows = {row.id: row for row in session.scalars(locked)}
    if not rows:
        raise Missing
    present = sorted(rows, key=lambda key: (rows[key].order, key))
    moved = seen is not None and list(seen) != present
    if moved or len(order) != len(set(order)) or set(order) != set(rows):
        raise Conflict("The list was changed by somebody else in the meantime. Please look at it anew.")
    for position, key in enumerate(order):
        if rows[key].order != position:
            rows[key].order = position
    session.flush()


def move_by(session: Any, row: Template, by: int, seen: Sequence[UUID], change: Change) -> None:
    """Move a criterion one up (-1) or down (1) among those of its category, from the order that was ``seen``."""
    query = sa.select(Template.id).where(Template.job_role_id == row.job_role_id, Template.category == row.category)
    mine = set(session.scalars(query))
    order = list(seen)
    neighbours = [key for key in order if key in mine]
    at = neighbours.index(row.id) if row.id in neighbours else -1
    if at < 0:
        raise Conflict("The list was changed by somebody else in the meantime. Please look at it anew.")
    if not 0 <= at + by < len(neighbours):
        return
    one, other = order.index(row.id), order.index(neighbours[at + by])
    order[one], order[other] = order[other], order[one]
    reorder(session, row.job_role_id, order, change, seen=seen)


# --- copies -------------------------------------------------------------------------------------------


def duplicate(session: Any, ids: Sequence[UUID], role: UUID, change: Change) -> tuple[int, list[str]]:
    """Copy criteria to another role, at the end of its list; how many, and which it has already."""
    target = _role(session, role)
    query = sa.select(Template.category, Template.criterion).where(Template.id.in_(ids))
    found = session.execute(query.order_by(Template.order, Template.id)).all()
    if not found:
        raise Missing
    return add_all(session, target.id, [(row.category, row.criterion) for row in found], change)


def add_all(
    session: Any, role: UUID, criteria: Sequence[tuple[str, str]], change: Change
) -> tuple[int, list[str]]:  # fmt: skip
    """Add criteria to a role, at the end; how many, and which it has already."""
    # One after the other: of two who press at once, the second finds what the first has added.
    session.execute(sa.select(JobRole.id).where(JobRole.id == role).with_for_update(key_share=True)).all()
    known = set(session.scalars(sa.select(Template.search_text).where(Template.job_role_id == role)))
    new = {fold(text): (category, text) for category, text in criteria if fold(text) not in known}
    first, owner = _next(session, role), tenant_id()
    rows = [
        {"tenant_id": owner, "id": new_id(), "job_role_id": role, "category": str(category), "criterion": text,
         "position": first + number, "active": True, "search_text": folded, "created_at": change.at,
         "updated_at": change.at, "version": 1}
        for number, (folded, (category, text)) in enumerate(new.items())
    ]  # fmt: skip
    insert_many(session, Template.__table__, rows)  # type: ignore[arg-type]
    carrying.write_created(session, Template.__tablename__, rows, change)
    return len(rows), [text for _, text in criteria if fold(text) in known]


# --- the beginning ------------------------------------------------------------------------------------


def add_starters(session: Any, change: Change) -> None:
    """The checklists of a new organisation, for the roles that have one; roles that are missing are made."""
    roles = {role.name: role for role in session.scalars(sa.select(JobRole).where(JobRole.name.in_(STARTERS)))}
    for name, criteria in STARTERS.items():
        role = roles.get(name) or records.create(session, JobRole, {"name": name})
        add_all(session, role.id, criteria, change)


def add_starter(session: Any, role: UUID, name: str, change: Change) -> tuple[int, list[str]]:
    """The starter checklist called ``name`` for a role; raises Missing for one that there is not."""
    if name not in STARTERS:
        raise Missing
    return add_all(session, _role(session, role).id, STARTERS[name], change)
