"""The grids of messages and reminders: what was sent to whom, what failed and why, what is to come."""

import sqlalchemy as sa

from portal.admin.grid import Action, Column, Filter, Grid, options, to
from portal.core.types import words
from portal.hiring.models import Candidate
from portal.messaging import actions
from portal.messaging.models import Channel, Delivery, DeliveryStatus, Reminder
from portal.people.models import User

TONES = {"queued": "blue", "sent": "green", "failed": "orange", "dead": "red", "void": "grey"}


# How many messages were given up: what waits for somebody. The menu need not count further than a hundred.
_DEAD = sa.select(sa.func.count()).select_from(
    sa.select(Delivery.id).where(Delivery.status == DeliveryStatus.DEAD).limit(100).subquery()
)


def _name(model: type[Delivery] | type[Reminder]) -> sa.ColumnElement[str]:
    """Whom it is for, user or candidate."""
    user = sa.select(User.full_name).where(to(User, model.user_id))
    candidate = sa.select(Candidate.first_name + " " + Candidate.last_name).where(to(Candidate, model.candidate_id))
    return sa.func.coalesce(user.scalar_subquery(), candidate.scalar_subquery())


MESSAGES = Grid(
    Delivery, "messages", "Messages", "message", "envelope", "Settings",
    description="Every message with what became of it. One that was given up stays here until it is sent again.",
    columns=(
        Column("recipient", "To", _name(Delivery), "title"),
        Column("address", "Address", Delivery.address),
        Column("kind", "Message", Delivery.kind, "choice"),
        Column("channel", "Channel", Delivery.channel, "choice"),
        Column("status", "Status", Delivery.status, "status", tones=TONES),
        Column("created_at", "Made", Delivery.created_at, "datetime", sort=True),
        Column("sent_at", "Sent", Delivery.sent_at, "datetime"),
        Column("next_at", "Next try", Delivery.next_at, "datetime", shown=False),
        Column("attempts", "Tries", Delivery.attempts, "number", shown=False),
        Column("last_error", "Error", Delivery.last_error),
        Column("message_id", "Message-ID", Delivery.message_id, shown=False),
    ),
    filters=(
        Filter("status", "Status", "choice", Delivery.status, choices=tuple((s, words(s)) for s in DeliveryStatus)),
        Filter("channel", "Channel", "choice", Delivery.channel, choices=options((Channel.EMAIL, Channel.IN_APP))),
        Filter("made", "Made", "date", Delivery.created_at, past=True),
    ),
    default_sort="-created_at",
    actions=(
        Action("resend", "Send again", actions.resend, actions.RESEND, icon="send", sources=("dead", "failed")),
    ),
    views=(("Given up", "status=dead"), ("Being tried", "status=failed&status=queued")),
    waiting=_DEAD,
)  # fmt: skip

_STATE = sa.case(
    (Reminder.void_at.is_not(None), "void"),
    (Reminder.sent_at.is_not(None), "sent"),
    (Reminder.queued_at.is_not(None), "queued"),
    else_="to_come",
)

_REMINDS = {
    "1day": "A day before", "1hour": "An hour before", "15min": "15 minutes before",
    **{f"overdue{number}": f"Feedback overdue, no. {number}" for number in range(1, 6)},
}  # fmt: skip
_KIND = sa.case(_REMINDS, value=Reminder.kind, else_=Reminder.kind)

REMINDERS = Grid(
    Reminder, "reminders", "Reminders", "reminder", "clock-history", "Settings",
    description="Reminders are written with each schedule, and void when it changes.",
    columns=(
        Column("recipient", "To", _name(Reminder), "title"),
        Column("kind", "Reminder", _KIND),
        Column("subject_type", "About", Reminder.subject_type, "choice"),
        Column("state", "State", _STATE, "status", tones={**TONES, "to_come": "blue"}),
        Column("due_at", "Due", Reminder.due_at, "datetime", sort=True),
        Column("sent_at", "Sent", Reminder.sent_at, "datetime"),
        Column("void_at", "Void", Reminder.void_at, "datetime", shown=False),
        Column("created_at", "Written", Reminder.created_at, "datetime", shown=False),
    ),
    filters=(Filter("due", "Due", "date", Reminder.due_at),),
    default_sort="due_at",
    views=(("Next 7 days", "due=next_7_days"),),
)  # fmt: skip

GRIDS = (MESSAGES, REMINDERS)
