"""What takes seconds: 10,000 rows at once, a million rows in a file; and what the scheduler asks all the time."""

import statistics
import threading
import time
from collections.abc import Iterator

from tests.bench.figures import Figure, beside, measure
from tests.bench.measures import some
from tests.bench.raw import CSV_COLUMNS, Raw
from tests.bench.stage import Stage


@measure("bulk")
def bulk(stage: Stage, times: int) -> Iterator[Figure]:
    """The job's work: every row that matches is listed, moved, written down and reported."""
    ours, theirs, raw = [], [], Raw(stage.raw, stage.tenant)
    for _ in range(3 if times > 10 else 1):
        with stage.undone():
            ours.append(_confirm_matching(stage))
        with stage.undone():
            keys = some(stage, 10_000)
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

    keys = [str(key) for key in some(stage, 10_000, "scheduled_start, id")]
    with stage.app.app_context(), tenant_scope(stage.tenant):
        user = db.session.scalars(sa.select(User).where(User.email.startswith("hr@"))).one()
        grid = grids()["interviews"]
        run = runs.draft(db.session, grid, runs.action_of(grid, "confirm", user), user, keys, None)
        runs.leave_to_job(run, {}, clock.now())
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
    theirs, ours, rows = [], [], []
    with _watching(stage) as peak:
        for _ in range(3 if times > 10 else 1):
            theirs.append(raw.csv())
            answer = hr.get(path, keep=False).expect(200)
            ours.append((answer.first_byte, answer.seconds))
            rows.append(answer.second_block)
    copied = statistics.median(total for _, total in theirs)
    first = statistics.median(first for first, _ in ours)
    yield Figure("CSV, 1,000,000 rows × 15", "s", 1.5 * copied, copied, statistics.median(t for _, t in ours),
                 f"{answer.size / 1e6:.0f} MB")  # fmt: skip
    note = f"the header; the first row after {statistics.median(rows):.1f} s, once all are sorted"
    yield Figure("CSV, first byte", "s", 0.5, statistics.median(first for first, _ in theirs), first, note)
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


@measure("reminders")
def due(stage: Stage, times: int) -> Iterator[Figure]:
    """What the scheduler asks every minute, among all that wait."""
    from portal.core import clock
    from portal.core.db import db
    from portal.core.tenancy import everywhere
    from portal.messaging import falling_due

    def ours(number: int) -> float:
        with everywhere(db.session):
            began = time.perf_counter()
            db.session.execute(falling_due.due(clock.now(), falling_due.BATCH)).all()
            seconds = time.perf_counter() - began
            db.session.rollback()
        return seconds

    with stage.app.app_context():
        yield beside("due-reminder scan", 20, times, None, ours)
