"""What is measured (SPEC §10): each answers its figures, ours and raw, in one unit."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from tests.bench.raw import CSV_COLUMNS, Raw
from tests.bench.stage import Stage
from tests.bench.visitor import Visitor


@dataclass(frozen=True)
class Figure:
    """One line of the table; ``limit`` is the most (or, with ``at_least``, the least) that ``ours`` may be."""

    name: str
    unit: str
    limit: float | None
    raw: float | None
    ours: float
    note: str = ""
    at_least: bool = False

    @property
    def holds(self) -> bool:
        return self.limit is None or (self.ours >= self.limit if self.at_least else self.ours <= self.limit)


Measure = Callable[[Stage, int], Iterator[Figure]]
MEASURES: dict[str, Measure] = {}


def measure(name: str) -> Callable[[Measure], Measure]:
    def keep(function: Measure) -> Measure:
        MEASURES[name] = function
        return function

    return keep


def beside(
    name: str, limit: float | None, times: int, raw: Callable[[int], object] | None, ours: Callable[[int], float]
) -> Figure:
    """Medians of ``times`` runs in turn, raw and ours, after some that are not counted; in milliseconds."""
    theirs, mine = [], []
    for number in range(-3, times):
        seconds = ours(number)
        began = time.perf_counter()
        if raw is not None:
            raw(number)
        if number >= 0:
            mine.append(seconds * 1000)
            theirs.append((time.perf_counter() - began) * 1000)
    spread = f"{_nth(mine, 0.1):.1f}–{_nth(mine, 0.9):.1f}" if times >= 10 else ""
    return Figure(name, "ms", limit, statistics.median(theirs) if raw else None, statistics.median(mine), spread)


def _nth(values: Sequence[float], share: float) -> float:
    return sorted(values)[round(share * (len(values) - 1))]


def _path(visitor: Visitor, paths: Sequence[str]) -> Callable[[int], float]:
    return lambda number: visitor.get(paths[number % len(paths)]).expect(200).seconds


@measure("grid")
def grid(stage: Stage, times: int) -> Iterator[Figure]:
    raw, hr = Raw(stage.raw, stage.tenant), stage.visitor("hr")
    yield beside("grid, first page", 25, times, lambda n: raw.page(), _path(hr, ["/interviews/"]))
    one = stage.raw.execute(
        "SELECT user_id FROM panelists WHERE tenant_id = %s LIMIT 1 OFFSET 5000", [stage.tenant]
    ).fetchone()
    assert one is not None
    sat = f"i.id IN (SELECT interview_id FROM panelists WHERE tenant_id = i.tenant_id AND user_id = '{one[0]}')"
    filters = {
        "status": ("status=confirmed", "status = 'confirmed'"),
        "status and type": ("status=completed&type=technical", "status = 'completed' AND interview_type = 'technical'"),
        "today": ("when=today", "scheduled_start >= current_date AND scheduled_start < current_date + 1"),
        "interviewer": (f"interviewer={one[0]}", sat),
    }
    for name, (query, condition) in filters.items():
        yield beside(
            f"grid, filtered: {name}",
            25,
            times,
            partial(_raw_page, raw, condition),
            _path(hr, [f"/interviews/?{query}"]),
        )
    path = _path(hr, ["/interviews/?page=5000"])
    yield beside("grid, page 5000", 100, times, lambda n: raw.page(offset=4999 * 50), path)


def _raw_page(raw: Raw, condition: str, number: int) -> None:
    raw.page(condition)


WORDS = ("okafor", "maria santos", "kelmorton", "technical mehta", "halowala", "thornton")


@measure("search")
def search(stage: Stage, times: int) -> Iterator[Figure]:
    raw, hr = Raw(stage.raw, stage.tenant), stage.visitor("hr")
    paths = ["/interviews/?q=" + words.replace(" ", "+") for words in WORDS]
    theirs = lambda n: raw.search(WORDS[n % len(WORDS)])  # noqa: E731
    yield beside("search with the count", 150, max(times, 2 * len(WORDS)), theirs, _path(hr, paths))


def _some(stage: Stage, number: int, order: str = "id") -> list[UUID]:
    found = stage.raw.execute(
        "SELECT id FROM interviews WHERE tenant_id = %s AND status = 'scheduled' AND scheduled_start > now() "
        f"ORDER BY {order} LIMIT %s",
        [stage.tenant, number],
    )
    return [key for (key,) in found]


@measure("form")
def form(stage: Stage, times: int) -> Iterator[Figure]:
    raw, hr, keys = Raw(stage.raw, stage.tenant), stage.visitor("hr"), _some(stage, times + 3)
    paths = [f"/interviews/{key}/edit" for key in keys]
    yield beside("edit form", 15, times, lambda n: raw.row(keys[n]), _path(hr, paths))

    def save(number: int) -> float:
        page = hr.get(paths[number]).expect(200)
        fields = [(k, f"Changed {number}" if k == "title" else v) for k, v in page.fields(paths[number])]
        return hr.post(paths[number], fields).expect(302).seconds

    with stage.undone():
        yield beside("save", 20, times, lambda n: raw.save(keys[n], f"Raw {n}"), save)


@measure("confirm")
def confirm(stage: Stage, times: int) -> Iterator[Figure]:
    raw, hr, times = Raw(stage.raw, stage.tenant), stage.visitor("hr"), min(times, 25)
    keys = _some(stage, 100 * (times + 4), "scheduled_start, id")
    token = hr.get("/interviews/").expect(200).token
    portions = [keys[n : n + 50] for n in range(0, len(keys), 50)]

    def tick(number: int) -> float:
        ids = [("ids", str(key)) for key in portions[2 * number + 6]]
        preview = hr.post("/interviews/bulk/confirm", [*ids, ("csrf_token", token)]).expect(302).location
        hr.get(preview).expect(200)
        seconds = hr.post(preview, {"csrf_token": token}).expect(302).seconds
        done = stage.raw.execute("SELECT done FROM bulk_runs ORDER BY id DESC LIMIT 1").fetchone()
        if done != (50,):
            raise RuntimeError(f"of 50 rows {done} were confirmed")
        return seconds

    with stage.undone():
        yield beside("confirm 50 rows", 25, times, lambda n: raw.confirm(portions[2 * n + 7]), tick)


@measure("bulk")
def bulk(stage: Stage, times: int) -> Iterator[Figure]:
    """The job's work: every row that matches is listed, moved, written down and reported."""
    ours, theirs, raw = [], [], Raw(stage.raw, stage.tenant)
    for _ in range(3 if times > 10 else 1):
        with stage.undone():
            ours.append(_confirm_matching(stage))
        with stage.undone():
            keys = _some(stage, 10_000)
            began = time.perf_counter()
            raw.confirm(keys)
            theirs.append(time.perf_counter() - began)
    yield Figure("confirm 10,000 rows", "s", 1.5, statistics.median(theirs), statistics.median(ours))


def _confirm_matching(stage: Stage) -> float:
    """Seconds for 10,000 rows, as the worker does them."""
    import sqlalchemy as sa

    from portal.admin import runs
    from portal.admin.grid import grids
    from portal.core import clock
    from portal.core.db import db
    from portal.core.tenancy import tenant_scope
    from portal.people.models import User

    keys = [str(key) for key in _some(stage, 10_000, "scheduled_start, id")]
    with stage.app.app_context(), tenant_scope(stage.tenant):
        user = db.session.scalars(sa.select(User).where(User.email.startswith("hr@"))).one()
        grid = grids()["interviews"]
        run = runs.draft(db.session, grid, runs.action_of(grid, "confirm", user), user, keys, None)
        runs.start(db.session, run, {}, clock.now())
        db.session.commit()
        key = run.id
        began = time.perf_counter()
        runs.execute(db.session, key)
        seconds = time.perf_counter() - began
        if (run.done, run.failed) != (10_000, 0):
            raise RuntimeError(f"{run.done} done, {run.failed} failed: {run.error}")
        db.session.remove()
    return seconds


@measure("csv")
def csv(stage: Stage, times: int) -> Iterator[Figure]:
    raw, hr = Raw(stage.raw, stage.tenant), stage.visitor("hr")
    path = "/interviews/export.csv?" + "&".join(f"cols={name}" for name in CSV_COLUMNS)
    theirs, ours = [], []
    with _watching(stage) as peak:
        for _ in range(3 if times > 10 else 1):
            theirs.append(raw.csv())
            answer = hr.get(path, keep=False).expect(200)
            ours.append((answer.first_byte, answer.seconds))
    copied = statistics.median(total for _, total in theirs)
    first = statistics.median(first for first, _ in ours)
    yield Figure("CSV, 1,000,000 rows × 15", "s", 1.5 * copied, copied, statistics.median(t for _, t in ours),
                 f"{answer.size / 1e6:.0f} MB")  # fmt: skip
    yield Figure("CSV, first byte", "s", 0.5, statistics.median(first for first, _ in theirs), first)
    yield Figure("CSV, largest web process", "MB", 150, None, max(peak) / 1e6)


class _watching:
    """The web server's memory, every twentieth of a second."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._over, self._seen = stage, threading.Event(), [0]

    def __enter__(self) -> list[int]:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self._seen

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self._seen.append(self._stage.largest_process())

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


@measure("load")
def load(stage: Stage, times: int) -> Iterator[Figure]:
    seconds = 10 if times > 10 else 4
    visitors = [stage.visitor("hr") for _ in range(4)]
    counts = [0] * len(visitors)
    until = time.perf_counter() + seconds

    def visit(number: int) -> None:
        while time.perf_counter() < until:
            visitors[number].get("/interviews/", keep=False).expect(200)
            counts[number] += 1

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(len(visitors))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield Figure("first page, 4 clients at once", "a second", 60, None, sum(counts) / seconds, at_least=True)


HOMES = ("hr", "manager", "interview-coordinator", "recruiter", "team-head", "hiring-manager", "interviewer")


@measure("home")
def home(stage: Stage, times: int) -> Iterator[Figure]:
    for role in HOMES:
        yield beside(f"home of {role}", 150, max(5, times // 3), None, _path(stage.visitor(role), ["/"]))


@measure("roles")
def roles(stage: Stage, times: int) -> Iterator[Figure]:
    """The same first page for those who see only some of the rows."""
    for role in ("interview-coordinator", "recruiter", "team-head", "interviewer"):
        yield beside(f"grid of {role}", None, max(5, times // 3), None, _path(stage.visitor(role), ["/interviews/"]))
