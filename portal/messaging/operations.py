"""The page that says how an organisation's messages stand, and what somebody has to look at."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from sqlalchemy.orm import joinedload

from portal.admin import menu
from portal.admin.cells import when
from portal.core import access, clock
from portal.core.db import db
from portal.core.events import OutboxEvent, spoken
from portal.core.types import words
from portal.messaging import queries
from portal.messaging.actions import RESEND
from portal.messaging.admin import MESSAGES, TONES
from portal.messaging.inbox import InboundMail
from portal.messaging.mail import length
from portal.messaging.models import Channel, Delivery, DeliveryStatus

blueprint = Blueprint("operations", __name__, url_prefix="/operations")
READ = "read:messages"
menu.offer(menu.Page("Delivery of messages", "/operations/", "activity", "Settings", READ))


@blueprint.get("/")
@login_required  # type: ignore[untyped-decorator]
def show() -> ResponseReturnValue:
    """How the messages of one's own organisation stand; of others nothing is told."""
    access.require(current_user, READ)
    at = clock.now()
    return render_template(
        "portal/operations.html", title="Delivery of messages", tiles=_tiles(at), table=_table(at),
        failing=_failing(), dead=_dead(), inbound=_inbound(), may_resend=access.may(current_user, *RESEND),
        resend_url=f"{MESSAGES.url}bulk/resend", dead_url=f"{MESSAGES.url}?status=dead", shown=queries.SHOWN,
        subtitle="Events become messages, and messages go out. What could not be delivered waits here.",
    )  # fmt: skip


@dataclass(frozen=True)
class Tile:
    """One figure; ``tone`` is red where somebody should look."""

    label: str
    value: str
    tone: str = "green"
    hint: str = ""


def _tiles(at: datetime) -> list[Tile]:
    found, queue = queries.of_tenant(db.session, at), current_app.extensions["queue_answers"]()
    late = found.oldest > timedelta(minutes=5)
    return [
        Tile("Oldest undone", length(found.oldest) if found.oldest else "none", "red" if late else "green",
             "how long the oldest event or message that is due has waited"),
        Tile("Events waiting", f"{found.events:,}", "orange" if found.events_failing else "green",
             f"{found.events_failing:,} of them failing" if found.events_failing else "to be told of"),
        Tile("Messages waiting", f"{found.deliveries.get('queued', 0) + found.deliveries.get('failed', 0):,}",
             "orange" if found.deliveries.get("failed") else "green",
             f"{found.deliveries.get('failed', 0):,} were tried already"),
        Tile("Given up", f"{found.deliveries.get('dead', 0):,}", "red" if found.deliveries.get("dead") else "green",
             "until they are sent again"),
        Tile("Reminders", f"{found.reminders:,}", hint="of the next 24 hours"),
        Tile("Queue", "answers" if queue else "does not answer", "green" if queue else "red",
             "" if queue else "the scheduler does its work meanwhile, more slowly"),
    ]  # fmt: skip


def _table(at: datetime) -> list[dict[str, Any]]:
    """What became of the messages of the last day, by channel."""
    counts = queries.made_since(db.session, at - queries.DAY)
    return [
        {"label": _CHANNELS[channel], "cells": [
            {"label": words(status), "count": counts.get((channel.value, status.value), 0), "tone": TONES[status]}
            for status in DeliveryStatus
        ]}
        for channel in _CHANNELS
    ]  # fmt: skip


_CHANNELS = {Channel.EMAIL: "E-mail", Channel.IN_APP: "In the portal"}


def _failing() -> list[dict[str, Any]]:
    query = sa.select(OutboxEvent).where(queries.FAILING_EVENTS).order_by(OutboxEvent.next_at)
    return [
        {"name": spoken(each.name), "error": each.error, "attempts": each.attempts, "next": _when(each.next_at)}
        for each in db.session.scalars(query.limit(queries.SHOWN))
    ]


def _dead() -> list[dict[str, Any]]:
    query = sa.select(Delivery).where(Delivery.status == DeliveryStatus.DEAD).order_by(Delivery.created_at.desc())
    named = query.options(joinedload(Delivery.user), joinedload(Delivery.candidate))
    return [
        {"id": each.id, "to": str(each.recipient or each.address), "address": each.address, "kind": words(each.kind),
         "error": each.last_error, "made": _when(each.created_at), "url": MESSAGES.row_url(each.id)}
        for each in db.session.scalars(named.limit(queries.SHOWN))
    ]  # fmt: skip


def _inbound() -> list[dict[str, Any]]:
    query = sa.select(InboundMail).order_by(InboundMail.created_at.desc(), InboundMail.id.desc()).limit(queries.SHOWN)
    return [
        {"kind": words(each.kind), "sender": each.sender, "outcome": each.outcome, "when": _when(each.created_at)}
        for each in db.session.scalars(query)
    ]


def _when(moment: datetime) -> str:
    return when(moment, current_user.timezone)
