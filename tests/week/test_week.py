"""A week of a small office: whatever happens in it, its readers get what SPEC §5 says, and nothing else."""

import random

import pytest

from tests.support.machinery import Machinery
from tests.week.driver import Driver
from tests.week.generator import Size, make_week
from tests.week.model import predict
from tests.week.seen import Observer
from tests.week.verdict import Verdict, account, judge

SMALL = Size(interviews=25, users=8, step=60, outages=3, kills=0.1)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_small_week_tells_each_reader_just_what_it_should(machinery: Machinery) -> None:
    week = make_week(SMALL, seed=1)
    driver = Driver(machinery, week, random.Random(1))
    driver.run()
    seen = Observer(driver).look()
    verdict = judge(week, predict(week), seen)
    assert verdict == Verdict(), account(week, verdict)
