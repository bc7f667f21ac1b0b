"""The grids of webhooks and of what was sent to them, and what stands on a webhook's page."""

from typing import Any

import sqlalchemy as sa
from wtforms import SelectMultipleField
from wtforms.fields.choices import SelectChoice

from portal.admin.additions import button, panel, remark
from portal.admin.cells import when
from portal.admin.grid import Action, Column, Filter, FormField, Grid, options, to
from portal.admin.lookups import Lookup
from portal.core import access
from portal.core.search import like
from portal.webhooks import actions, kinds
from portal.webhooks.models import HookStatus, Webhook, WebhookDelivery

D = WebhookDelivery
TONES = {"queued": "blue", "sent": "green", "failed": "orange", "dead": "red"}
STATE_TONES = {"working": "green", "failing": "orange", "off": "grey", "switched_off": "red"}

STATE = sa.case(
    (Webhook.active & Webhook.failing_since.is_(None), "working"),
    (Webhook.active, "failing"),
    (Webhook.off_reason != "", "switched_off"),
    else_="off",
)
# What the portal itself switched off waits for somebody.
_SWITCHED_OFF = sa.select(sa.func.count()).select_from(
    sa.select(Webhook.id).where(~Webhook.active, Webhook.off_reason != "").subquery()
)


class EventsField(SelectMultipleField):
    """Any of the events, or all of an entity's moves."""

    kind = "multiselect"

    def __init__(self, label: str = "", validators: Any = (), **more: Any) -> None:
        families = [SelectChoice(name, f"{name} (all of them)") for name in kinds.families()]
        names = [
            SelectChoice(each.name, f"{each.name} ({each.meaning.rstrip('.')})") for each in kinds.kinds().values()
        ]
        super().__init__(label, validators, choices=[*families, *names], **more)


def _listed() -> Any:
    """The names as they stand in the column, without what JSON has between them."""
    text: Any = sa.cast(Webhook.events, sa.Text)
    for mark in ('"', "[", "]"):
        text = sa.func.replace(text, mark, "")
    return sa.func.coalesce(sa.func.nullif(text, ""), "everything")


WEBHOOKS = Grid(
    Webhook, "webhooks", "Webhooks", "webhook", "link-45deg", "Settings",
    description="Programs of yours that are told of what happens here, each at an address of its own.",
    columns=(
        Column("name", "Name", Webhook.name, "title", sort=True),
        Column("url", "Address", Webhook.url),
        Column("events", "Events", _listed()),
        Column("state", "State", STATE, "status", tones=STATE_TONES),
        Column("active", "Active", Webhook.active, "bool", shown=False),
        Column("failing_since", "Failing since", Webhook.failing_since, "datetime"),
        Column("off_reason", "Why it is off", Webhook.off_reason),
        Column("rests_until", "Rests until", Webhook.rests_until, "datetime", shown=False),
        Column("rotated_at", "Secret changed", Webhook.rotated_at, "datetime", shown=False),
        Column("created_at", "Made", Webhook.created_at, "datetime", shown=False),
    ),
    filters=(Filter("active", "Active", "bool", Webhook.active),),
    default_sort="name",
    sections=(("Webhook", (
        FormField("name", help="What it is for, so that you know it again."),
        FormField("url", "Address", help="It starts with https://. What is sent there tells of people."),
        FormField("events", help="Leave it empty for everything.", field=EventsField),
        FormField("active", help="One that is not is told of nothing, not even later."),
    )),),
    create=actions.create, update=actions.update, write=actions.WRITE, can_delete=True,
    badge=lambda session, row: _badge(row),
    waiting=_SWITCHED_OFF,
)  # fmt: skip

DELIVERIES = Grid(
    D, "webhook-deliveries", "Webhook deliveries", "webhook delivery", "send", "Settings",
    description="What was sent to which webhook, and what its receiver said.",
    columns=(
        Column("type", "Event", D.type, "title"),
        Column("webhook", "Webhook", Webhook.name, "text", ("webhook",), link="webhooks", link_id=D.webhook_id),
        Column("status", "Status", D.status, "status", tones=TONES),
        Column("created_at", "Made", D.created_at, "datetime", sort=True),
        Column("tried_at", "Last tried", D.tried_at, "datetime"),
        Column("tries", "Tries", D.tries, "number"),
        Column("status_code", "Answered", D.status_code, "number"),
        Column("error", "Error", D.error),
        Column("next_at", "Next try", D.next_at, "datetime", shown=False),
        Column("sent_at", "Sent", D.sent_at, "datetime", shown=False),
        Column("answer", "Answer", D.answer, only_details=True),
        Column("body", "Body", D.body, only_details=True),
    ),
    joins={"webhook": (Webhook, to(Webhook, D.webhook_id), False)},
    filters=(
        Filter("status", "Status", "choice", D.status, choices=options(HookStatus)),
        Filter("webhook", "Webhook", "reference", D.webhook_id, lookup="webhooks"),
        Filter("type", "Event", "text", D.type),
        Filter("made", "Made", "date", D.created_at, past=True),
    ),
    default_sort="-created_at",
    actions=(
        Action("replay", "Send again", actions.replay, actions.WRITE, icon="send",
               sources=tuple(status.value for status in actions.AGAIN),
               description="Under the same id and with the same body"),
    ),
    views=(("Given up", "status=dead"), ("Being tried", "status=failed&status=queued")),
)  # fmt: skip

GRIDS = (WEBHOOKS, DELIVERIES)
LOOKUPS = (
    Lookup("webhooks", Webhook, Webhook.name, lambda p: like(sa.func.lower(Webhook.name), p), ("read:webhooks",)),
)  # fmt: skip


def state_of(row: Webhook) -> str:
    if row.active:
        return "failing" if row.failing_since else "working"
    return "switched_off" if row.off_reason else "off"


def _badge(row: Webhook) -> dict[str, str]:
    state = state_of(row)
    return {"label": state.replace("_", " ").capitalize(), "colour": STATE_TONES[state], "hint": row.off_reason}


@remark(WEBHOOKS.path, "new")
def _what_now(session: Any, row: Webhook, user: Any) -> str:
    return "Now show its secret, with which the receiver knows that it is us, and send a test."


@button(WEBHOOKS.path)
def _secret_button(session: Any, row: Webhook, user: Any) -> dict[str, Any] | None:
    """The first secret is there to be shown once; later ones are made when they are shown."""
    if not access.may(user, *actions.WRITE):
        return None
    if row.shown_at is None:
        return {"label": "Show the secret", "url": f"/webhooks/{row.id}/secret", "icon": "key"}
    return {
        "label": "Make a new secret", "url": f"/webhooks/{row.id}/rotate-secret", "icon": "key",
        "confirm": "The receiver needs the new one within a day; until then the old one holds as well.",
    }  # fmt: skip


@button(WEBHOOKS.path)
def _test_button(session: Any, row: Webhook, user: Any) -> dict[str, Any] | None:
    if not access.may(user, *actions.WRITE) or not row.active:
        return None
    return {"label": "Send a test", "url": f"/webhooks/{row.id}/test", "icon": "send"}


SHOWN = 10


@panel(WEBHOOKS.path)
def _latest(session: Any, row: Webhook, user: Any) -> dict[str, Any]:
    query = sa.select(D).where(D.webhook_id == row.id).order_by(D.created_at.desc(), D.id.desc()).limit(SHOWN)
    return {
        "title": "Latest deliveries", "icon": "send", "empty": "Nothing was sent yet.",
        "url": f"{DELIVERIES.url}?webhook={row.id}", "columns": ["Event", "Status", "Tries", "Answered", "Made"],
        "rows": [_line(each, user) for each in session.scalars(query)],
    }  # fmt: skip


def _line(each: WebhookDelivery, user: Any) -> list[dict[str, Any]]:
    return [
        {"kind": "text", "text": each.type, "url": DELIVERIES.row_url(each.id)},
        {"kind": "status", "text": each.status.capitalize(), "tone": TONES[each.status]},
        {"kind": "number", "text": each.tries},
        {"kind": "number", "text": each.status_code or "—"},
        {"kind": "datetime", "text": when(each.created_at, user.timezone)},
    ]  # fmt: skip


@button(DELIVERIES.path)
def _replay_button(session: Any, row: WebhookDelivery, user: Any) -> dict[str, Any] | None:
    if not access.may(user, *actions.WRITE) or row.status not in actions.AGAIN:
        return None
    return {"label": "Send again", "url": f"/webhook-deliveries/{row.id}/replay", "icon": "send"}
