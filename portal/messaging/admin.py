"""The grid of messages: what was sent to whom, what failed and why, and sending again."""

import sqlalchemy as sa

from portal.admin.grid import Action, Column, Filter, Grid
from portal.core.types import words
from portal.messaging import actions
from portal.messaging.models import Channel, Delivery, DeliveryStatus

TONES = {"queued": "blue", "sent": "green", "failed": "orange", "dead": "red", "void": "grey"}


# How many messages were given up: what waits for somebody. The menu need not count further than a hundred.
_DEAD = sa.select(sa.func.count()).select_from(
    sa.select(Delivery.id).where(Delivery.status == DeliveryStatus.DEAD).limit(100).subquery()
)


MESSAGES = Grid(
    Delivery, "messages", "Messages", "message", "envelope", "Settings",
    description="Every message with what became of it. One that was given up stays here until it is sent again.",
    columns=(
        Column("address", "To", Delivery.address, "title"),
        Column("kind", "Message", Delivery.kind, "choice"),
        Column("channel", "Channel", Delivery.channel, "choice", shown=False),
        Column("status", "Status", Delivery.status, "status", tones=TONES),
        Column("created_at", "Made", Delivery.created_at, "datetime", sort=True),
        Column("sent_at", "Sent", Delivery.sent_at, "datetime"),
        Column("next_at", "Next try", Delivery.next_at, "datetime", shown=False),
        Column("attempts", "Tries", Delivery.attempts, "number"),
        Column("last_error", "Error", Delivery.last_error),
        Column("message_id", "Message-ID", Delivery.message_id, shown=False),
    ),
    filters=(
        Filter("status", "Status", "choice", Delivery.status, choices=tuple((s, words(s)) for s in DeliveryStatus)),
        Filter("channel", "Channel", "choice", Delivery.channel, choices=tuple((c, words(c)) for c in Channel)),
        Filter("made", "Made", "date", Delivery.created_at, past=True),
    ),
    default_sort="-created_at",
    actions=(
        Action("resend", "Send again", actions.resend, actions.RESEND, icon="send", sources=("dead", "failed")),
    ),
    views=(("Given up", "status=dead"), ("Being tried", "status=failed&status=queued")),
    waiting=_DEAD,
)  # fmt: skip

GRIDS = (MESSAGES,)
