"""Two windows of one person at the same moment: one is kept, the other is told so in words."""

import threading
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from portal.core.db import db
from portal.core.events import OutboxEvent
from tests.feedback.conftest import Stage


def _both(stage: Stage, interview: UUID, do: str) -> list[tuple[int, str]]:
    start = threading.Barrier(2)
    answers: list[tuple[int, str]] = []

    def send(client: Any) -> None:
        data = {"do": do, "row_version": "0", "overall_rating": "4", "recommendation": "yes"}
        token = client.csrf_token()
        start.wait()
        answer = client.post(f"/interviews/{interview}/feedback", data={**data, "csrf_token": token})
        page = answer.get_data(as_text=True)
        words = ("You have submitted your feedback", "Save once more to keep your version")
        answers.append((answer.status_code, next((text for text in words if text in page), "")))

    threads = [threading.Thread(target=send, args=(stage.client("Ivy"),)) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sorted(answers)


@pytest.mark.parametrize(
    ("do", "told"), [("submit", "You have submitted your feedback"), ("draft", "Save once more to keep your version")]
)
def test_one_of_two_is_kept_and_the_other_told(stage: Stage, do: str, told: str) -> None:
    keys = [stage.interview("Ivy", ago=10 + hours) for hours in range(6)]
    assert [_both(stage, key, do) for key in keys] == [[(302, ""), (409, told)]] * len(keys)
    assert stage.count() == len(keys)
    with stage.at_work():
        query = sa.select(sa.func.count()).where(OutboxEvent.name == "FeedbackSubmitted")
        assert db.session.scalar(query) == (len(keys) if do == "submit" else 0)
