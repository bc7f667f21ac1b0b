"""Compares what readers got with what the model says: missed, too many, late, and after a cancellation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.week.acts import Act, Told, Week
from tests.week.seen import Seen

Times = Mapping[Told, Sequence[datetime]]
SLACK = timedelta(seconds=145)
"""How late a message may be: as long as a killed worker's claim lasts."""
SHOWN = 5


@dataclass
class Verdict:
    """All lists are empty where the week went well."""

    missed: list[Told] = field(default_factory=list)
    too_many: list[Told] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    after_cancellation: list[Told] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.missed or self.too_many or self.late or self.after_cancellation or self.complaints)


def judge(week: Week, expected: Times, seen: Seen) -> Verdict:
    """What went wrong in ``week``."""
    return Verdict(
        missed=list(_more(expected, seen.told)), too_many=list(_more(seen.told, expected)),
        late=list(_late(week, expected, seen.told)), after_cancellation=list(_after_cancellation(week, seen.told)),
        complaints=seen.complaints,
    )  # fmt: skip


def _more(one: Times, other: Times) -> Iterator[Told]:
    for told, times in sorted(one.items()):
        yield from [told] * (len(times) - len(other.get(told, ())))


def _late(week: Week, expected: Times, seen: Times) -> Iterator[str]:
    for told, times in sorted(expected.items()):
        for wanted, came in zip(sorted(times), sorted(seen.get(told, ())), strict=False):
            if not wanted <= came <= _latest(week, wanted):
                yield f"{told} was due at {wanted} and came at {came}"


def _latest(week: Week, wanted: datetime) -> datetime:
    """When an outage has just ended, what was held up goes out by and by."""
    calm = [outage.calm for outage in week.outages if outage.until <= wanted <= outage.calm]
    return max(calm, default=wanted) + SLACK


def _after_cancellation(week: Week, seen: Times) -> Iterator[Told]:
    """What speaks of an interview as if it stood, and came while it was cancelled."""
    spans = {number: list(_cancelled(acts)) for number, acts in histories(week).items()}
    for told, times in sorted(seen.items()):
        if told.type != "interview_cancelled":
            yield from [told for at in times for since, until in spans.get(told.interview, ()) if since <= at < until]


def _cancelled(acts: Sequence[Act]) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of time in which an interview was cancelled."""
    for position, act in enumerate(acts):
        if act.kind == "cancel":
            again = [later.at for later in acts[position + 1 :] if later.kind == "move"]
            yield act.at, again[0] if again else datetime.max.replace(tzinfo=UTC)


def histories(week: Week) -> dict[int, list[Act]]:
    """The acts by interview."""
    found: dict[int, list[Act]] = {}
    for act in week.acts:
        found.setdefault(act.number, []).append(act)
    return found


def account(week: Week, verdict: Verdict) -> str:
    """The first few of all that is wrong, each with its interview's story."""
    lines: list[str] = []
    for name in ("missed", "too_many", "after_cancellation"):
        found: list[Told] = getattr(verdict, name)
        lines.append(f"{name}: {len(found)}")
        for told in found[:SHOWN]:
            lines += [f"  {told}", *(f"      {line}" for line in story(week, told))]
    for name in ("late", "complaints"):
        texts: list[str] = getattr(verdict, name)
        lines += [f"{name}: {len(texts)}", *(f"  {text}" for text in texts[:SHOWN])]
    return "\n".join(lines)


def story(week: Week, told: Told) -> Iterator[str]:
    """What was done to the interview of ``told``, and who its reader is."""
    if told.reader in week.users:
        yield str(week.users[told.reader])
    for act in histories(week)[told.interview]:
        more = " ".join(str(each) for each in (act.start or "", act.panel or "", act.who) if each)
        yield f"{act.at:%a %d %H:%M:%S} {act.kind} {more}"
    for outage in week.outages:
        yield f"({outage.what} away {outage.since:%a %d %H:%M} to {outage.until:%H:%M}, calm {outage.calm:%H:%M})"
