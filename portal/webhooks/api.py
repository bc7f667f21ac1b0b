"""Webhooks in the API: to keep them, and to read and repeat what was sent; and in the document what is sent."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.api.components import Component, further
from portal.api.document import tell_of_webhooks
from portal.api.endpoint import Answer, Call, Endpoint
from portal.api.fields import Fields, Key, Moment, OneOf, Text, Whole, listed, record, told
from portal.api.jsontext import encode
from portal.api.reading import Joined, label
from portal.api.resource import CHANGE, DELETE, LIST, READ, Resource
from portal.core import access
from portal.core.errors import NotAllowed
from portal.core.workflow import Change
from portal.webhooks import actions, kinds
from portal.webhooks.admin import DELIVERIES, WEBHOOKS
from portal.webhooks.models import Webhook, WebhookDelivery

label(Webhook, lambda row: row.c.name)

_NAMES = [*kinds.families(), *kinds.kinds()]
_EVENTS = "What it is told of; none for everything. `interview.*` are all moves of interviews, also those to come."


def _create(session: Any, values: dict[str, Any], change: Change) -> Webhook:
    """Its secret stands in the answer, and so has been shown."""
    return actions.create(session, {**values, "shown_at": change.at}, change)


WEBHOOKS_API = Resource(
    "webhooks", "Webhook", WEBHOOKS,
    {
        "name": "What it is for.", "url": "Where it is told; https, and outside of the portal's own network.",
        "events": _EVENTS, "active": "Whether it is told of anything.", "created_by_id": "Who made it.",
        "generation": "The number of its present secret.", "shown_at": "When its secret was shown; null: not yet.",
        "rotated_at": "When it got its present secret, where that is not its first.",
        "failing_since": "Since when nothing has reached it; null where the last attempt did.",
        "silences": "How many attempts in a row nobody answered at all.",
        "rests_until": "Until when nothing is sent, since nobody answered or it asked to wait.",
        "off_reason": "Why the portal switched it off.",
    },
    only=(LIST, READ, CHANGE, DELETE), hides=frozenset({"events"}),
    parts=(Joined("events", listed(Text(), _EVENTS), lambda table: table.c.events),),
    special={"events": listed(OneOf(_NAMES), _EVENTS, most=len(_NAMES))},
    create=_create,
    example={"name": "Our data warehouse", "url": "https://hooks.example.org/greenroom",
             "events": ["interview.*", "FeedbackSubmitted"]},
)  # fmt: skip

DELIVERIES_API = Resource(
    "webhooks/{id}/deliveries", "WebhookDelivery", DELIVERIES,
    {
        "id": "The webhook-id under which it is sent, each time the same.", "webhook_id": "To whom.",
        "event_id": "What it comes from; deliveries of one event to several webhooks have it in common.",
        "type": "The event.", "subject_id": "To which row it happened.", "body": "The very text that is sent.",
        "status": "queued, failed (will be tried again), sent, or dead (given up).",
        "attempts": "Attempts since it was last sent by hand.", "tries": "All attempts.",
        "next_at": "When it is tried next, while it is queued or failed.",
        "claimed_until": "Until when a worker has it in hand.", "tried_at": "When it was tried last.",
        "sent_at": "When the receiver took it.", "status_code": "The HTTP status of the last answer.",
        "answer": "The first 2,000 characters of it.", "error": "What went wrong the last time.",
    },
    only=(LIST, READ), verbs_by="", above=WEBHOOKS_API, hangs_by="webhook_id",
)  # fmt: skip


# --- the secret -------------------------------------------------------------------------------------


def _with_secret(call: Call, answer: Answer) -> Answer:
    """The answer with the webhook's secret, which is kept nowhere, not with what a repeated request is answered."""
    said = json.loads(answer.body)
    row = call.session.scalar(sa.select(Webhook).where(Webhook.id == UUID(said["id"])))
    return answer if row is None else replace(answer, body=encode({**said, "secret": actions.secret_of(row)}))


def _rotate(call: Call) -> Answer:
    row = _writable(call)
    actions.rotate_secret(call.session, row, call.change, version=call.version)
    return Answer(WEBHOOKS_API.one(call, row.id))


def _writable(call: Call) -> Webhook:
    row: Webhook = WEBHOOKS_API.fetch(call)
    if not access.allows(call.session, call.user, row, *actions.WRITE):
        raise NotAllowed("You may read this webhook, but not change it.")
    return row


# --- sending ----------------------------------------------------------------------------------------


def _test(call: Call) -> Answer:
    key = actions.send_test(call.session, _writable(call), call.change)
    return Answer(DELIVERIES_API.one(call, key), 202)


def _replay(call: Call) -> Answer:
    row: WebhookDelivery = DELIVERIES_API.fetch(call)
    result = actions.replay(call.session, [row.id], call.change)
    if row.id in result.refused:
        raise result.refused[row.id]
    call.session.expire(row)
    return Answer(DELIVERIES_API.one(call, row.id), 202)


# --- what is sent, in the document ------------------------------------------------------------------

_LINKS = told("WebhookLinks", {
    "api": Text("Its address in the API."), "portal": Text("Its page."),
}, "Where to read more.", required=True)  # fmt: skip
_DATA: Fields = {
    "entity": Text("Of what sort the row is that `id` names.", required=True),
    "id": Key("The row to which it happened.", required=True),
    "verb": Text("Of a move: which."), "from": Text("Of a move: the state before."),
    "to": Text("Of a move: the state after."),
    "version": Whole("The version of the row since then."),
    "actor_id": Key("Who did it; null for the portal itself.", allow_none=True, required=True),
    "application_id": Key("The application (candidate project) that it concerns."),
    "coordinator_id": Key("The coordinator."), "user_id": Key("The interviewer or coordinator whom it concerns."),
    "candidate_id": Key("The candidate whom it concerns."),
    "training_id": Key("The training of a session."), "feedback_id": Key("The feedback."),
    "scheduled_start": Moment("When it takes place.", allow_none=True),
    "previous_start": Moment("When it was to take place before."),
    "decision": Text("What the mock interview ended in."), "reminder": Text("Which reminder, such as 1hour."),
    "links": _LINKS,
}  # fmt: skip
_ENVELOPE: Fields = {
    "id": Key("The webhook-id: the same each time that this is sent."), "type": Text("The event."),
    "timestamp": Moment("When it happened."), "data": record("WebhookEventData", _DATA, "What happened to which row."),
}  # fmt: skip


def _webhooks() -> dict[str, Any]:
    """The section ``webhooks`` of the document."""
    test = kinds.Kind(kinds.TEST, "webhook", "A test that somebody asked for.")
    return {each.name: {"post": _operation(each)} for each in (*kinds.kinds().values(), test)}


def _operation(kind: kinds.Kind) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/WebhookEvent"}
    return {
        "summary": kind.meaning.rstrip("."), "tags": ["webhooks"], "parameters": _HEADERS,
        "requestBody": {
            "required": True, "description": kind.meaning,
            "content": {"application/json": {"schema": schema, "example": kinds.example(kind)}},
        },
        "responses": {
            "2XX": {"description": "You have it. Answer within ten seconds."},
            "410": {"description": "You want nothing more: the webhook is switched off."},
            "default": {"description": "It is sent again later, under the same id."},
        },
    }  # fmt: skip


_HEADERS = [
    {"name": name, "in": "header", "required": True, "description": meaning, "schema": {"type": "string"}}
    for name, meaning in {
        "webhook-id": "Each message has its own, however often it is sent.",
        "webhook-timestamp": "When this attempt was made, in seconds since 1970.",
        "webhook-signature": "v1, and the HMAC-SHA256 of id.timestamp.body with the secret, in base64; for a day after "
        "a new secret there are two, with a space between.",
    }.items()
]

tell_of_webhooks(_webhooks)

RESOURCES = (WEBHOOKS_API, DELIVERIES_API)
COMPONENTS = {
    "WebhookWithSecret": further("Webhook", {"secret": Text("It is shown this once. Check signatures with it.")}),
    "WebhookEvent": Component(_ENVELOPE),
}  # fmt: skip
_KEPT_NOWHERE = "The answer has the secret, this once; with it the receiver checks signatures."
ENDPOINTS = (
    replace(WEBHOOKS_API._create(), answer="WebhookWithSecret", adds=_with_secret, description=_KEPT_NOWHERE),
    Endpoint("POST", "webhooks/{id}/rotate-secret", "rotate_webhook_secret", "webhooks", _rotate,
             "Make a new secret of a webhook", f"The old one signs as well for a day. {_KEPT_NOWHERE}",
             answer="WebhookWithSecret", permissions=actions.WRITE, model=Webhook, adds=_with_secret,
             takes_version=True, body_name="WebhookRotation", present=WEBHOOKS_API.present),
    Endpoint("POST", "webhooks/{id}/test", "test_webhook", "webhooks", _test, "Send a test to a webhook",
             "Answers the delivery, which a worker sends. Read it again to see what the receiver said.",
             answer="WebhookDelivery", status=202, permissions=actions.WRITE, model=Webhook),
    Endpoint("POST", "webhooks/{id}/deliveries/{delivery_id}/replay", "replay_webhook_delivery", "webhooks", _replay,
             "Send a delivery again", "Under the same id and with the same body; one that is waiting is refused.",
             answer="WebhookDelivery", status=202, permissions=actions.WRITE, model=Webhook),
)  # fmt: skip
