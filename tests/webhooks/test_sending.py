"""From a move to the receiver, and what becomes of what does not arrive."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from standardwebhooks import Webhook as Standard

from portal import jobs
from portal.core.db import db
from portal.core.events import OutboxEvent
from portal.core.tenancy import everywhere, tenant_scope
from portal.interviews.models import Interview
from portal.interviews.workflow import INTERVIEW
from portal.settings_checks import inside
from portal.webhooks import sending
from portal.webhooks.models import WebhookDelivery
from tests.messaging.world import World, make_world
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.statements import counted
from tests.webhooks.conftest import CERTIFICATE, Hooks, Receiver, ahead, caller, receiving


def test_a_move_is_told_signed_as_the_standard_says(hooks: Hooks, world: World, receiver: Receiver) -> None:
    made = hooks.make(receiver.url, ["interview.confirm"])
    key = world.interview(ahead(2))
    world.move(key, "confirm")
    hooks.deliver()
    (got,) = receiver.got
    body = Standard(made["secret"]).verify(got.body, got.headers)
    base = hooks.app.extensions["greenroom"].base_url
    data = body.pop("data")
    assert {name: body[name] for name in ("id", "type")} == {"id": got.id, "type": "interview.confirm"}
    assert set(body) == {"id", "type", "timestamp"}
    assert data.pop("scheduled_start") == data.pop("previous_start")
    assert data == {
        "entity": "interview", "id": str(key), "verb": "confirm", "from": "scheduled", "to": "confirmed", "version": 2,
        "actor_id": str(world.person.id),
        "links": {"api": f"{base}/api/interviews/{key}", "portal": f"{base}/interviews/{key}"},
    }  # fmt: skip
    assert got.headers["content-type"] == "application/json"
    assert hooks.deliveries() == [("interview.confirm", "sent", 1, 204)]


def test_each_webhook_hears_what_it_asked_for_and_each_thing_once(
    hooks: Hooks, world: World, receiver: Receiver
) -> None:
    with receiving() as all_of_it, receiving() as family:
        hooks.make(receiver.url, ["InterviewCancelled", "InterviewScheduled"])
        hooks.make(all_of_it.url)
        hooks.make(family.url, ["interview.*"])
        key = world.interview(ahead(2))
        world.move(key, "confirm")
        world.move(key, "cancel", reason="The ward is closed: Mrs X is ill")
        hooks.deliver()
        assert receiver.types == ["InterviewScheduled", "InterviewCancelled"]
        assert all_of_it.types == ["InterviewScheduled", "interview.confirm", "interview.cancel"]
        assert family.types == ["interview.confirm", "interview.cancel"]
    assert not [got for got in receiver.got + all_of_it.got if b"Mrs X" in got.body]  # what people wrote stays here


def test_after_a_failure_it_is_sent_again_under_the_same_id(
    app: Flask, hooks: Hooks, cast: Cast, clock: Clock, receiver: Receiver
) -> None:
    world = make_world(app, cast.alice, clock)
    hooks.make(receiver.url, ["InterviewScheduled"])
    receiver.answers = [(500, {}, "<b>Out of \x00order</b>"), 503, 200]
    world.interview(clock.now + timedelta(days=2))
    hooks.deliver()
    assert hooks.deliveries("status", "status_code", "answer", "error") == [
        ("failed", 500, "<b>Out of order</b>", "It answered 500.")
    ]
    hooks.sweep()
    assert len(receiver.got) == 1  # it waits its time
    clock.forward(seconds=40)
    hooks.sweep()
    clock.forward(seconds=80)
    hooks.sweep()
    assert hooks.deliveries() == [("InterviewScheduled", "sent", 3, 200)]
    assert len({got.id for got in receiver.got}) == 1
    assert len({got.body for got in receiver.got}) == 1
    assert len({got.headers["webhook-signature"] for got in receiver.got}) == 3  # each attempt has its own time
    assert hooks.webhook(str(hooks.deliveries("webhook_id")[0])).failing_since is None


def test_what_fails_for_long_enough_is_given_up_and_can_be_sent_again(
    app: Flask, hooks: Hooks, cast: Cast, clock: Clock, receiver: Receiver
) -> None:
    world = make_world(app, cast.alice, clock)
    made = hooks.make(receiver.url, ["InterviewScheduled"])
    receiver.answers = [500] * 12
    begun = clock.now
    world.interview(clock.now + timedelta(days=9))
    hooks.deliver()
    while hooks.deliveries("status") == ["failed"]:
        clock.set(hooks.deliveries("next_at")[0])
        hooks.sweep()
    assert timedelta(hours=12) < clock.now - begun < timedelta(hours=16)
    ((status, key),) = hooks.deliveries("status", "id")
    assert status == "dead"
    path = f"/webhooks/{made['id']}/deliveries/{key}"
    answer = hooks.api.post(f"{path}/replay")
    assert (answer.status_code, answer.json["status"]) == (202, "queued")
    hooks.deliver()
    assert len(receiver.got) == 13
    assert {got.id for got in receiver.got} == {str(key)}
    found = hooks.api.get(path).json
    assert (found["status"], found["tries"], found["attempts"], found["error"]) == ("sent", 13, 1, "")


def test_a_receiver_that_is_gone_switches_its_webhook_off(hooks: Hooks, world: World, receiver: Receiver) -> None:
    made = hooks.make(receiver.url, ["interview.*"])
    receiver.answers = [410]
    key = world.interview(ahead(2))
    world.move(key, "confirm")
    hooks.deliver()
    row = hooks.webhook(made["id"])
    assert (row.active, row.off_reason) == (False, "Its receiver answered 410: it is gone.")
    assert hooks.deliveries() == [("interview.confirm", "dead", 1, 410)]
    world.move(key, "reschedule", scheduled_start=ahead(3))
    hooks.deliver()
    assert len(receiver.got) == 1
    changed = hooks.api.patch(f"/webhooks/{made['id']}", {"active": True})
    assert (changed.json["active"], changed.json["off_reason"]) == (True, "")


def test_a_webhook_that_nothing_reached_for_days_is_switched_off_and_somebody_told(
    app: Flask, hooks: Hooks, cast: Cast, clock: Clock, receiver: Receiver, make_client: Any
) -> None:
    world = make_world(app, cast.alice, clock)
    made = hooks.make(receiver.url, ["InterviewScheduled"])
    receiver.answers = [500, 500]
    world.interview(clock.now + timedelta(days=9))
    hooks.deliver()
    clock.forward(days=3, minutes=1)
    hooks.sweep()
    row = hooks.webhook(made["id"])
    assert not row.active
    assert row.off_reason.startswith("Nothing has reached it for 3 days.")
    client = make_client(cast.alice)
    page = client.get(f"/webhooks/{made['id']}").get_data(as_text=True)
    assert "Switched off" in page
    assert "Nothing has reached it for 3 days." in page
    assert "switched off" in client.get("/audit/?action=switched").get_data(as_text=True).lower()


def test_a_redirect_is_not_followed(hooks: Hooks, world: World, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        hooks.make(receiver.url, ["InterviewScheduled"])
        receiver.answers = [(302, {"Location": elsewhere.url}, "")]
        world.interview(ahead(2))
        hooks.deliver()
        assert elsewhere.got == []
    assert hooks.deliveries("status", "error") == [("failed", "It answered 302: a redirect, which is not followed.")]


def test_by_https_the_certificate_is_judged_by_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to an address; the server is asked for, and shows itself, by the host's name all the same."""
    server = receiving(tls=True)
    with server as receiver:
        _trust(monkeypatch, CERTIFICATE)
        good = sending.send(receiver.url, b"{}", {}, inside("localhost"))
        assert (good.code, good.error, server.named) == (204, "", ["localhost"])
        assert receiver.got[0].headers["host"] == receiver.url.split("/")[2]
        other = sending.send(receiver.url.replace("localhost", "127.0.0.1"), b"{}", {}, inside("127.0.0.1"))
        assert other.error.startswith("Its certificate does not hold: IP address mismatch")
        _trust(monkeypatch, None)
        unknown = sending.send(receiver.url, b"{}", {}, inside("localhost"))
        assert unknown.error.startswith("Its certificate does not hold: self")
    assert len(receiver.got) == 1


def _trust(monkeypatch: pytest.MonkeyPatch, certificate: Path | None) -> None:
    sending._tls.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate or "/dev/null"))


@pytest.fixture(autouse=True)
def _trust_again() -> Iterator[None]:
    yield
    sending._tls.cache_clear()


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "a byte at a time"])
def test_a_receiver_that_takes_too_long_is_cut_off(
    hooks: Hooks, world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, drips: bool
) -> None:
    monkeypatch.setattr(sending, "WHOLE_SECONDS", 0.5)
    hooks.make(receiver.url, ["InterviewScheduled"])
    receiver.sleeps, receiver.drips = (0, True) if drips else (1.5, False)
    receiver.answers = [(200, {}, "x" * 30)]
    world.interview(ahead(2))
    begun = datetime.now(UTC)
    hooks.deliver()
    assert datetime.now(UTC) - begun < timedelta(seconds=3)
    assert [error for error in hooks.deliveries("error") if error.startswith("No answer within")]
    (row,) = (hooks.webhook(str(key)) for key in hooks.deliveries("webhook_id"))
    assert row.silences == 1
    assert row.rests_until is not None


def test_a_slow_receiver_holds_up_nobody_else(
    app: Flask, hooks: Hooks, cast: Cast, world: World, receiver: Receiver
) -> None:
    other = Hooks(app, caller(app, cast.charlie), hooks.jobs)
    theirs = make_world(app, cast.charlie, world.clock)
    with receiving() as slow:
        slow.sleeps = 0.7
        hooks.make(slow.url, ["InterviewScheduled"])
        for day in range(12):
            world.interview(ahead(2 + day))
        other.make(receiver.url, ["InterviewScheduled"])
        theirs.interview(ahead(2))
        hooks.deliver()
        moments = hooks.deliveries("sent_at", "tenant_id")
    assert len(slow.got) == 12
    assert len(receiver.got) == 1
    fast = next(at for at, tenant in moments if tenant == cast.charlie.tenant_id)
    assert sorted(at for at, _ in moments).index(fast) < 4  # of the slow one there are four at a time, and no more


def test_what_happens_to_one_row_is_told_in_order(hooks: Hooks, world: World, receiver: Receiver) -> None:
    hooks.make(receiver.url, ["interview.*"])
    receiver.sleeps = 0.05
    key = world.interview(ahead(2))
    for verb in ("confirm", "start", "complete"):
        world.move(key, verb)
    hooks.deliver()
    assert receiver.types == ["interview.confirm", "interview.start", "interview.complete"]


def test_a_move_that_is_rolled_back_tells_nobody(app: Flask, hooks: Hooks, world: World, receiver: Receiver) -> None:
    hooks.make(receiver.url)
    key = world.interview(ahead(2))
    hooks.deliver()
    receiver.got.clear()
    with app.app_context(), tenant_scope(world.person.tenant_id):
        row = db.session.get_one(Interview, (world.person.tenant_id, key))
        INTERVIEW.move(db.session, row, "confirm", world.change())
        db.session.rollback()
    hooks.sweep()
    assert receiver.got == []


def test_many_moves_at_once_are_each_told_once(app: Flask, hooks: Hooks, world: World, receiver: Receiver) -> None:
    keys = [world.interview(ahead(2 + day)) for day in range(50)]
    hooks.deliver()
    hooks.make(receiver.url, ["interview.confirm"])
    with app.app_context(), tenant_scope(world.person.tenant_id):
        result = INTERVIEW.apply(db.session, keys, "confirm", world.change())
        assert len(result.done) == 50
        db.session.commit()
    hooks.deliver()
    assert sorted(got.json["data"]["id"] for got in receiver.got) == sorted(map(str, keys))
    assert len({got.id for got in receiver.got}) == 50


def test_where_nobody_listens_nothing_is_written_and_little_is_asked(app: Flask, hooks: Hooks, world: World) -> None:
    keys = [world.interview(ahead(2 + day)) for day in range(3)]
    hooks.deliver()
    with app.app_context():
        engine = db.engine
    with app.app_context(), tenant_scope(world.person.tenant_id), counted(engine) as moving:
        INTERVIEW.apply(db.session, keys, "confirm", world.change())
        db.session.commit()
    with counted(engine) as telling:
        hooks.deliver()
    assert [text for text in moving.texts if "webhook" in text] == []
    assert len([text for text in telling.texts if "FROM webhooks" in text]) == 1
    assert hooks.deliveries() == []


def test_a_worker_that_dies_loses_nothing(
    app: Flask, hooks: Hooks, cast: Cast, clock: Clock, receiver: Receiver
) -> None:
    """Killed between the receiver's yes and our note of it: once the lease has ended it is sent again, as the same."""
    world = make_world(app, cast.alice, clock)
    hooks.make(receiver.url, ["InterviewScheduled"])
    world.interview(clock.now + timedelta(days=2))
    hooks.deliver()
    with app.app_context(), everywhere():  # as it stands while somebody is at it
        db.session.execute(sa.update(WebhookDelivery).where(WebhookDelivery.tenant_id == cast.alice.tenant_id).values(
            status="queued", sent_at=None, claimed_until=clock.now + timedelta(minutes=2)
        ))  # fmt: skip
        db.session.commit()
    hooks.sweep()
    assert len(receiver.got) == 1
    clock.forward(minutes=3)
    hooks.sweep()
    assert len(receiver.got) == 2
    assert receiver.got[0].id == receiver.got[1].id
    assert hooks.deliveries("status") == ["sent"]


def test_the_same_event_dealt_with_twice_is_sent_once(
    app: Flask, hooks: Hooks, world: World, receiver: Receiver
) -> None:
    hooks.make(receiver.url, ["InterviewScheduled"])
    world.interview(ahead(2))
    hooks.deliver()
    with app.app_context(), everywhere():
        db.session.execute(
            sa.update(OutboxEvent).where(OutboxEvent.tenant_id == world.person.tenant_id).values(processed_at=None)
        )
        db.session.commit()
    with app.app_context():
        jobs.deliver()
    hooks.sweep()
    assert receiver.types == ["InterviewScheduled"]


def test_without_redis_the_scheduler_sends_it_itself(
    make_app: Any, hooks: Hooks, world: World, receiver: Receiver
) -> None:
    hooks.make(receiver.url, ["InterviewScheduled"])
    world.interview(ahead(2))
    lonely = make_app(REDIS_URL="redis://127.0.0.1:9")
    with lonely.app_context():
        jobs.see_to_messages()
        jobs.run_sweeps()
    assert receiver.types == ["InterviewScheduled"]


def test_a_reminder_that_goes_out_is_told(
    app: Flask, hooks: Hooks, cast: Cast, clock: Clock, receiver: Receiver
) -> None:
    world = make_world(app, cast.alice, clock)
    hooks.make(receiver.url, ["interview_reminder"])
    key = world.interview(clock.now + timedelta(days=1, minutes=1), [cast.bob])
    clock.forward(minutes=2)
    with app.app_context():
        jobs.see_to_messages()
    hooks.deliver()
    assert {(got.json["data"]["id"], got.json["data"]["reminder"]) for got in receiver.got} == {(str(key), "1day")}
    people = {(got.json["data"].get("user_id"), "candidate_id" in got.json["data"]) for got in receiver.got}
    assert people == {(str(cast.bob.id), False), (None, True)}
