"""Who sits on an interview's panel, in which part, and what they reply (SPEC §1)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import audit, events, records
from portal.core.errors import Conflict, Invalid, NotAllowed, WrongState
from portal.core.types import LongText, words
from portal.core.workflow import Change
from portal.interviews import bookings, slots
from portal.interviews.models import OPEN, Interview, Panelist, Part, Reply
from portal.people.models import User

NOTE_LIMIT = 1000

Parts = dict[UUID, Part]


def parts(interviewers: Sequence[User], shadows: Sequence[User] = ()) -> Parts:
    """Each one's part: the first of ``interviewers`` leads; ``shadows`` watch and owe no feedback.

    Raises Invalid for somebody who is named in both.
    """
    asked = dict.fromkeys(user.id for user in interviewers)
    if both := [user.full_name for user in shadows if user.id in asked]:
        raise Invalid({"shadows": f"Among the interviewers already: {', '.join(both)}."})
    found = {key: Part.PANELIST if position else Part.LEAD for position, key in enumerate(asked)}
    return found | {user.id: Part.SHADOW for user in shadows}


def check_active(interviewers: Sequence[User], shadows: Sequence[User], seated: Collection[UUID] = ()) -> None:
    """Nobody inactive joins a panel; who sits there already may stay."""
    for field, users in (("interviewers", interviewers), ("shadows", shadows)):
        if idle := [user.full_name for user in users if not user.active and user.id not in seated]:
            raise Invalid({field: f"No longer active: {', '.join(idle)}."})


def seat(session: Any, row: Interview, wanted: Parts) -> None:
    """The panel of a new interview."""
    of = {"tenant_id": row.tenant_id, "interview_id": row.id, "scheduled_start": row.scheduled_start}
    session.add_all(Panelist(**of, user_id=key, part=part) for key, part in wanted.items())
    session.flush()


def set_panel(
    session: Any, row: Interview, users: Sequence[User], change: Change, *, shadows: Sequence[User] = (),
    takes_time: bool = True,
) -> bool:  # fmt: skip
    """Make ``users`` and ``shadows`` the panel, and answer whether that changed anything.

    Who stays keeps their reply. Their time is taken up and given back, unless the interview is about to move
    anyway (``takes_time``).
    """
    seated = {p.user_id: p for p in session.scalars(sa.select(Panelist).where(Panelist.interview_id == row.id))}
    wanted = parts(users, shadows)
    check_active(users, shadows, seated)
    if wanted == {key: panelist.part for key, panelist in seated.items()}:
        return False
    before = _in_words(session, row)
    added = [key for key in wanted if key not in seated]
    removed = [key for key in seated if key not in wanted]
    _reseat(session, row, seated, wanted)
    records.touch(row)
    session.flush()
    slots.leave(session, row, removed, change)
    if takes_time:
        bookings.seat(session, row, added, removed, change)
    _tell(session, row, added, removed, change)
    _note(session, row, "panel", {"panel": [before, _in_words(session, row)]}, change)
    return True


def _reseat(session: Any, row: Interview, seated: Mapping[UUID, Panelist], wanted: Parts) -> None:
    for key, panelist in seated.items():
        if key not in wanted:
            session.delete(panelist)
        elif panelist.part != wanted[key]:
            panelist.part = wanted[key]
    seat(session, row, {key: part for key, part in wanted.items() if key not in seated})


def _tell(session: Any, row: Interview, added: Sequence[UUID], removed: Sequence[UUID], change: Change) -> None:
    said = {"schedule": row.reschedule_count, "start": row.scheduled_start.isoformat()}
    facts = [events.Event("InterviewerAdded", row.id, {"user": str(key), **said}) for key in added]
    facts += [events.Event("InterviewerRemoved", row.id, {"user": str(key), **said}) for key in removed]
    events.record_many(session, facts, change.at)


def _in_words(session: Any, row: Interview) -> str:
    """``Bob Baker (lead), Carol Cox, Dan Day (shadow)``."""
    query = (
        sa.select(User.full_name, Panelist.part)
        .join(Panelist, sa.and_(Panelist.tenant_id == User.tenant_id, Panelist.user_id == User.id))
        .where(Panelist.interview_id == row.id)
        .order_by(Panelist.part, Panelist.id)
    )
    said = session.execute(query)
    return ", ".join(name if part == Part.PANELIST else f"{name} ({part})" for name, part in said)


def _note(session: Any, row: Interview, action: str, changes: dict[str, Any], change: Change, reason: str = "") -> None:
    """A line in the interview's own history; the seats keep theirs."""
    audit.write(session, row.tenant_id, "interviews", action, [(row.id, changes)], at=change.at, reason=reason)


# --- replies ----------------------------------------------------------------------------------------

_ASKED_FOR = (Reply.ACCEPTED, Reply.TENTATIVE, Reply.DECLINED)
_TOLD = {Reply.ACCEPTED: "InterviewAccepted", Reply.DECLINED: "InterviewDeclined"}


def seat_of(session: Any, row: Interview, user: UUID, *, lock: bool = False) -> Panelist | None:
    query = sa.select(Panelist).where(Panelist.interview_id == row.id, Panelist.user_id == user)
    query = query.with_for_update(key_share=True).execution_options(populate_existing=True) if lock else query
    return session.scalar(query)  # type: ignore[no-any-return]


def can_reply(row: Interview, change: Change) -> bool:
    """Until it is over or called off."""
    return row.status in OPEN and row.scheduled_end > change.at


def reply(
    session: Any, row: Interview, answer: str, note: str, change: Change, *, schedule: int | None = None
) -> Panelist:  # fmt: skip
    """One's own reply to the invitation. Who declines gets their time back; who comes back takes it up again.

    ``schedule`` is the ``reschedule_count`` of the times that are replied to. Raises NotAllowed for those who have no
    seat, WrongState once it is over, Conflict where it was moved meanwhile, Clash where the time is gone.
    """
    note = _checked(answer, note)
    # Locked before its seat, as a rescheduling does, which asks everyone anew: one comes after the other.
    session.refresh(row, with_for_update={"key_share": True})
    mine = seat_of(session, row, change.by.id, lock=True) if change.by else None
    if mine is None:
        raise NotAllowed("You do not sit on this panel.")
    if not can_reply(row, change):
        raise WrongState(f"This interview is {_state(row)}; a reply is no longer possible.", state=row.status)
    if schedule is not None and schedule != row.reschedule_count:
        raise Conflict("This interview was moved in the meantime. Please reply to its new time.")
    if answer != mine.reply:
        _answer(session, row, mine, Reply(answer), note, change)
    return mine


def _checked(answer: str, note: str) -> str:
    if answer not in _ASKED_FOR:
        raise Invalid({"reply": f"Please answer with one of: {', '.join(_ASKED_FOR)}."})
    note = LongText.clean(note)
    if len(note) > NOTE_LIMIT:
        raise Invalid({"note": f"At most {NOTE_LIMIT} characters, please; these are {len(note)}."})
    return note


def _state(row: Interview) -> str:
    return "over" if row.status in OPEN else words(row.status).lower()


def _answer(session: Any, row: Interview, mine: Panelist, answer: Reply, note: str, change: Change) -> None:
    before, mine.reply = mine.reply, answer
    session.flush()
    if Reply.DECLINED in (before, answer):
        leaves = answer == Reply.DECLINED
        bookings.seat(session, row, () if leaves else [mine.user_id], [mine.user_id] if leaves else (), change)
    _note(session, row, "reply", {"reply": [words(before), words(answer)]}, change, reason=note)
    if name := _TOLD.get(answer):
        events.record(
            session, name, row.id, change.at, user=str(mine.user_id), note=note, schedule=row.reschedule_count,
            start=row.scheduled_start.isoformat(),
        )  # fmt: skip
