"""Simulates a week of an office and compares what its readers got with what SPEC §5 says they should.

    python -m tests.week                              60 interviews on PostgreSQL
    python -m tests.week --interviews 2000 --seed 1   the whole thing, which takes its time
    python -m tests.week --database sqlite

The exit code is 1 where anything differs.
"""

import argparse
import logging
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from portal.app import create_app
from portal.services import QueueServer
from portal.settings import Settings
from tests.support.databases import SqliteDatabase, postgres_cluster
from tests.support.machinery import Machinery, machinery_around
from tests.support.moodymail import MoodyMailServer
from tests.support.processes import Nursery
from tests.week.acts import Week
from tests.week.driver import Driver
from tests.week.generator import BEGIN, Size, make_week
from tests.week.model import predict
from tests.week.seen import Observer, Seen
from tests.week.verdict import Verdict, account, judge


def main() -> int:
    given = _arguments()
    users = given.users or max(10, given.interviews // 25)
    size = Size(given.interviews, users, step=given.step, kills=given.kills, outages=given.outages)
    week = make_week(size, given.seed)
    expected = predict(week)
    print(f"{given.interviews} interviews, seed {given.seed}, {given.database}: {len(week.acts)} acts,"
          f" {sum(map(len, expected.values()))} messages expected", flush=True)  # fmt: skip
    began = time.monotonic()
    with _machines(given.database) as machines:
        driver = Driver(machines, week, random.Random(given.seed))
        driver.run(_progress(week, began))
        seen = Observer(driver).look()
        verdict = judge(week, expected, seen)
        print(_figures(driver, seen, verdict, time.monotonic() - began))
        if not verdict.good:
            print(account(week, verdict))
    return int(not verdict.good)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.week", description="Simulate a week of an office.")
    parser.add_argument("--interviews", type=int, default=60)
    parser.add_argument("--users", type=int, default=0, help="interviewers (default: one for 25 interviews)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--step", type=int, default=15, help="minutes between times at which something is done")
    parser.add_argument("--kills", type=float, default=0.03, help="at which share of these times a worker is killed")
    parser.add_argument("--outages", type=int, default=8, help="of mail server and scheduler, by turns")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    return parser.parse_args()


def _progress(week: Week, began: float):  # type: ignore[no-untyped-def]
    """Says every half minute how far it is."""
    last = began

    def tell(at: datetime, acts: int) -> None:
        nonlocal last
        if time.monotonic() - last > 30:
            last = time.monotonic()
            print(f"  {at:%a %d %b, %H:%M}: {acts} of {len(week.acts)} acts, {last - began:.0f} s", flush=True)

    return tell


def _figures(driver: Driver, seen: Seen, verdict: Verdict, seconds: float) -> str:
    return (
        f"{seconds:.0f} s: {seen.mails} mails, {seen.notifications} notifications; {driver.kills} workers killed,"
        f" {len(driver.week.outages)} outages, {seen.twice} mails came twice after a kill,"
        f" {seen.given_up} given up for interviews that began while the mail server was away\n"
        f"{len(verdict.missed)} missed, {len(verdict.too_many)} too many, {len(verdict.late)} late,"
        f" {len(verdict.after_cancellation)} after a cancellation, {len(verdict.complaints)} wrong in themselves"
    )


@contextmanager
def _machines(database: str) -> Iterator[Machinery]:
    """Everything of our own, in a folder that goes with us."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="greenroom-week-")))
        mail = stack.enter_context(MoodyMailServer())
        queue = stack.enter_context(QueueServer(folder / "q"))
        nursery = stack.enter_context(Nursery(folder / "clock", folder / "log"))
        url = _database(stack, database, folder)
        environ = {
            "ENV": "test", "GREENROOM_DATA": str(folder), "REDIS_URL": queue.url, "SMTP_URL": mail.url,
            "SECRET_KEY": "the simulated week's secret key, which is none", "DATABASE_URL": url,
            "API_READ_RATE": "1000000 per minute", "API_WRITE_RATE": "1000000 per minute", "LOG_LEVEL": "ERROR",
        }  # fmt: skip
        app = create_app(Settings.from_env(environ))
        logging.disable(logging.WARNING)
        yield stack.enter_context(machinery_around(app, mail, queue, nursery, nursery.clock_file, BEGIN))


def _database(stack: ExitStack, kind: str, folder: Path) -> str:
    if kind == "sqlite":
        found = SqliteDatabase(folder)
        found.clean()
        return found.url
    cluster = stack.enter_context(postgres_cluster(folder))
    return cluster.migrated().render_as_string(hide_password=False)


if __name__ == "__main__":
    sys.exit(main())
