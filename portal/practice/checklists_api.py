"""The criteria of checklists in the API, role by role."""

from typing import Any

import sqlalchemy as sa

from portal.api.components import several
from portal.api.endpoint import Answer, Call, Endpoint
from portal.api.fields import Key, listed
from portal.api.listing import page
from portal.api.reading import label
from portal.api.resource import Resource
from portal.core import access, records
from portal.core.errors import Invalid, Missing, NotAllowed
from portal.core.forms import known_of
from portal.practice import checklists
from portal.practice.admin import CHECKLISTS
from portal.practice.models import MockInterviewChecklistTemplate

Criterion = MockInterviewChecklistTemplate
_SOME_KEY = "0192f3a4-5b6c-7d8e-9f01-23456789abcd"

label(Criterion, lambda row: row.c.criterion)

CHECKLISTS_API = Resource(
    "mock-interview-templates", "MockInterviewTemplate", CHECKLISTS,
    {
        "job_role_id": "The role that is judged by it.", "category": "What it is about.",
        "criterion": "What is judged; once for a role.", "active": "Whether new mock interviews get it.",
    },
    example={"job_role_id": _SOME_KEY, "category": "communication", "criterion": "Hands over a shift clearly"},
)  # fmt: skip


def _by_role(call: Call) -> Answer:
    if not known_of("job_roles", [call.keys[0]]):
        raise Missing
    mine = (Criterion.job_role_id == call.keys[0],)
    return page(call, CHECKLISTS, CHECKLISTS_API.shape, conditions=mine, order=(Criterion.order,))


def _reorder(call: Call) -> Answer:
    role = call.body["job_role_id"]
    checklists.reorder(call.session, role, call.body["order"], call.change)
    call.session.flush()
    keys = call.body["order"]
    rows = CHECKLISTS_API.shape.of(call.user).rows(call.session, keys, call.user, call.change.at)
    return Answer({"items": rows})


def _take_out_of_use(call: Call) -> Answer:
    row = _criterion(call)
    records.update(call.session, row, {"active": False}, call.version)
    return Answer(CHECKLISTS_API.one(call, row.id))


def _duplicate(call: Call) -> Answer:
    row = _criterion(call)
    made, _ = checklists.duplicate(call.session, [row.id], call.body["job_role_id"], call.change)
    if not made:
        raise Invalid({"job_role_id": "This role has this criterion already."})
    mine = sa.select(Criterion.id).where(
        Criterion.job_role_id == call.body["job_role_id"], Criterion.search_text == row.search_text
    )
    key = call.session.scalars(mine).one()
    return Answer(CHECKLISTS_API.one(call, key), 201, {"Location": f"/api/mock-interview-templates/{key}"})


def _criterion(call: Call) -> Any:
    row = CHECKLISTS_API.fetch(call)
    if not access.allows(call.session, call.user, row, *CHECKLISTS.write):
        raise NotAllowed
    return row


def _template(method: str, path: str, name: str, run: Any, summary: str, **more: Any) -> Endpoint:
    given = {"answer": "MockInterviewTemplate", "permissions": CHECKLISTS.write, "model": Criterion, **more}
    return Endpoint(method, f"mock-interview-templates/{path}", name, "mock-interview-templates", run, summary, **given)


RESOURCES = (CHECKLISTS_API,)
COMPONENTS = {
    "MockInterviewTemplateOrder": several("MockInterviewTemplate", "The criteria of the role, in their new order."),
}  # fmt: skip
ENDPOINTS = (
    CHECKLISTS_API.sublist("mock-interview-templates/by-role/{id}", "list_mock_interview_templates_by_role", _by_role,
                           "List the criteria of a role", description="In their order."),
    _template("POST", "reorder", "reorder_mock_interview_templates", _reorder, "Put the criteria of a role in order",
              body={"job_role_id": Key("The role.", "job_roles", required=True),
                    "order": listed(Key(), "All of its criteria, each once, in their new order.", 500,
                                    required=True)},
              body_name="MockInterviewTemplateReorder", answer="MockInterviewTemplateOrder",
              example={"job_role_id": _SOME_KEY, "order": [_SOME_KEY]}),
    _template("DELETE", "{id}/soft", "deactivate_mock_interview_template", _take_out_of_use,
              "Take a criterion out of use", description="New mock interviews do not get it; others keep it.",
              takes_version=True, present=CHECKLISTS_API.present),
    _template("POST", "{id}/duplicate", "duplicate_mock_interview_template", _duplicate,
              "Copy a criterion to another role", status=201,
              body={"job_role_id": Key("The other role.", "job_roles", required=True)},
              body_name="MockInterviewTemplateDuplicate", example={"job_role_id": _SOME_KEY}),
)  # fmt: skip
