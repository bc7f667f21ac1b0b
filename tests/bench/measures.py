"""The pages that are measured (SPEC §10)."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from uuid import UUID

from tests.bench.figures import Figure, beside, measure
from tests.bench.raw import Raw
from tests.bench.stage import Stage
from tests.bench.visitor import Visitor


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


def some(stage: Stage, number: int, order: str = "id") -> list[UUID]:
    found = stage.raw.execute(
        "SELECT id FROM interviews WHERE tenant_id = %s AND status = 'scheduled' AND scheduled_start > now() "
        f"ORDER BY {order} LIMIT %s",
        [stage.tenant, number],
    )
    return [key for (key,) in found]


@measure("form")
def form(stage: Stage, times: int) -> Iterator[Figure]:
    raw, hr, keys = Raw(stage.raw, stage.tenant), stage.visitor("hr"), some(stage, times + 3)
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
    keys = some(stage, 100 * (times + 4), "scheduled_start, id")
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
