"""Recurrence rules (RFC 5545 RRULE) of slots: unfolded on the wall clock of the slot's zone, and told in words.

09:00 stays 09:00 whatever the clocks do. A wall time that they skip is read with the offset before the change, and
so comes that much later; one that they show twice means the first (RFC 5545, 3.3.5).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from portal.core.types import words, zone
from portal.scheduling.models import WEEKDAYS

MOST = 400  # occurrences of one series
YEARS = 5  # that a series may last
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
_KNOWN = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST")
_EXAMPLE = "Write a rule such as FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261218."
# The calendar repeats itself every 400 years. Near its end, a rule that no day fits is given up after 370 years
# of looking instead of 8,000, which would take seconds.
_CYCLES = 7600


@dataclass(frozen=True)
class Series:
    """``rule`` as it is kept, with its end in UTC; ``starts`` are the moments of its occurrences, in order."""

    rule: str
    starts: tuple[datetime, ...]


def spoken(repeat: str, every: int, weekdays: Sequence[str], until: date, start: datetime) -> str:
    """The rule for what a form says: every so many days, weeks or months, as from ``start`` on its own wall clock."""
    day = f"UNTIL={until:%Y%m%d}"
    if repeat == "days":
        return f"FREQ=DAILY;INTERVAL={every};{day}"
    if repeat == "weeks":
        named = [DAYS[WEEKDAYS.index(name)] for name in WEEKDAYS if name in weekdays] or [DAYS[start.weekday()]]
        return f"FREQ=WEEKLY;INTERVAL={every};BYDAY={','.join(named)};{day}"
    return f"FREQ=MONTHLY;INTERVAL={every};BYMONTHDAY={start.day};{day}"


def unfold(text: str, start: datetime, zone_name: str) -> Series:
    """The occurrences that ``text`` names from ``start`` on; raises ValueError in words."""
    parts, here = _parts(text), zone(zone_name)
    wall = start.astimezone(here).replace(tzinfo=None, microsecond=0)
    horizon = _moment(wall + timedelta(days=366 * YEARS), here)
    end = _end(parts["UNTIL"], here) if "UNTIL" in parts else horizon
    if end > horizon:
        raise ValueError(f"A series ends within {YEARS} years; please give an earlier end.")
    walls = _walls(parts, wall, end.astimezone(here))
    starts = tuple(at for at in (_moment(each, here) for each in walls) if at <= end)
    _check(parts, starts)
    last = end if "UNTIL" in parts else starts[-1]
    return Series(_kept(parts, last), starts)


def _check(parts: dict[str, str], starts: Sequence[datetime]) -> None:
    if not starts:
        raise ValueError("This rule has no occurrence between the start and its end.")
    if len(starts) > MOST:
        raise ValueError(f"These are more than {MOST} occurrences; please give an earlier end.")
    if "COUNT" in parts and len(starts) < int(parts["COUNT"]):
        raise ValueError(f"So many occurrences take longer than {YEARS} years.")


def _parts(text: str) -> dict[str, str]:
    """The rule's parts by name, those alone that say on which days it falls and how it ends."""
    text = re.sub(r"\s", "", text.upper()).removeprefix("RRULE:").strip(";")
    pairs = [part.partition("=") for part in text.split(";")]
    parts = {name: value for name, _, value in pairs}
    if len(parts) != len(pairs) or not all(parts.values()) or parts.get("FREQ") not in _FREQUENCIES:
        raise ValueError(f"{_EXAMPLE} FREQ is one of {', '.join(_FREQUENCIES)}.")
    if unknown := [name for name in parts if name not in _KNOWN]:
        raise ValueError(f"{', '.join(unknown)} cannot be used here. {_EXAMPLE}")
    if ("UNTIL" in parts) == ("COUNT" in parts):
        raise ValueError("A rule needs an end: either UNTIL or COUNT.")
    for name, most in (("INTERVAL", 99), ("COUNT", MOST)):
        if name in parts and not (parts[name].isascii() and parts[name].isdecimal() and 1 <= int(parts[name]) <= most):
            raise ValueError(f"{name} is a whole number from 1 to {most}.")
    return parts


def _end(text: str, here: ZoneInfo) -> datetime:
    """The last moment at which an occurrence may start; a day alone means its end."""
    for pattern in ("%Y%m%d", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ"):
        try:
            at = datetime.strptime(text, pattern)  # noqa: DTZ007 - its zone comes next
        except ValueError:
            continue
        if not 1900 < at.year < 9000:
            break
        at = datetime.combine(at, time(23, 59, 59)) if pattern == "%Y%m%d" else at
        return at.replace(tzinfo=UTC) if text.endswith("Z") else _moment(at, here)
    raise ValueError("UNTIL is a day such as 20261218, or a time such as 20261218T170000.")


def _walls(parts: dict[str, str], first: datetime, end: datetime) -> list[datetime]:
    """The wall times of the rule, a day further than ``end``: which of them lie before it, their moments tell."""
    start = _shifted(first, _CYCLES)
    until = _shifted(end.replace(tzinfo=None), _CYCLES) + timedelta(days=1)
    rule = ";".join(f"{name}={value}" for name, value in parts.items() if name not in ("UNTIL", "COUNT"))
    most = int(parts.get("COUNT", MOST + 2))
    try:
        # Time and again dateutil takes a wrong part for a fault of the program, not of the rule.
        found = list(islice(rrulestr(rule, dtstart=start).replace(until=until), most))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
        raise ValueError(_EXAMPLE) from None
    return [_shifted(each, -_CYCLES) for each in found]


def _shifted(at: datetime, years: int) -> datetime:
    return at.replace(year=at.year + years)


def _moment(wall: datetime, here: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=here).astimezone(UTC)


def _kept(parts: dict[str, str], last: datetime) -> str:
    given = [f"{name}={value}" for name, value in parts.items() if name not in ("UNTIL", "COUNT")]
    return ";".join([*given, f"UNTIL={last:%Y%m%dT%H%M%SZ}"])


def ending(rule: str, last: datetime) -> str:
    """A kept rule with another end."""
    return _kept(dict(part.split("=", 1) for part in rule.split(";")), last)


def in_words(rule: str, zone_name: str) -> str:
    """A kept rule as people say it; the rule itself where it says more than a sentence can."""
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    end = _end(parts.pop("UNTIL"), zone(zone_name)).astimezone(zone(zone_name))
    every, frequency = parts.pop("INTERVAL", "1"), parts.pop("FREQ")
    unit = _FREQUENCIES[frequency]
    often = f"Every {unit}" if every == "1" else f"Every {every} {unit}s"
    on = _on(parts)
    return f"{often}{on} until {end.day} {end:%b %Y}" if on is not None else rule


def _on(parts: dict[str, str]) -> str | None:
    """On which days, where that is easily said."""
    parts.pop("WKST", None)
    if not parts:
        return ""
    if list(parts) == ["BYDAY"] and all(day in DAYS for day in parts["BYDAY"].split(",")):
        return " on " + ", ".join(words(WEEKDAYS[DAYS.index(day)]) for day in parts["BYDAY"].split(","))
    if list(parts) == ["BYMONTHDAY"] and parts["BYMONTHDAY"].isdecimal():
        return f" on day {parts['BYMONTHDAY']}"
    return None
