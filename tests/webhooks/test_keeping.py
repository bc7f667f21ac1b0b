"""Keeping webhooks: by the API and on the pages, by whom, with which secret, and to where."""

import ipaddress
import re
import socket
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from standardwebhooks import Webhook as Standard
from standardwebhooks.webhooks import WebhookVerificationError

from portal import jobs
from portal.api.models import IdempotentAnswer
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.core.workflow import workflows
from portal.messaging.catalog import CATALOGUE
from portal.people.models import Tenant
from portal.settings_checks import Inside, inside
from portal.webhooks import gate, kinds, signing
from portal.webhooks.models import Webhook, WebhookDelivery
from tests.messaging.world import World, make_world
from tests.support.cast import Cast, make_person
from tests.support.clock import Clock
from tests.webhooks.conftest import Hooks, Receiver, ahead, caller


def _told(app: Flask) -> str:
    """All that stands of webhooks in the database, the audit and the kept answers."""
    with app.app_context(), everywhere():
        tables = (Webhook, WebhookDelivery, AuditEntry, IdempotentAnswer)
        return repr([tuple(row) for table in tables for row in db.session.execute(sa.select(table.__table__))])


# --- the secret -------------------------------------------------------------------------------------


def test_the_secret_is_shown_once_and_stands_nowhere(app: Flask, hooks: Hooks, receiver: Receiver) -> None:
    given = {"name": "Warehouse", "url": receiver.url}
    key = {"Idempotency-Key": "make-it-once"}
    made = hooks.api.post("/webhooks", given, **key)
    again = hooks.api.post("/webhooks", given, **key)
    assert (made.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert made.json == again.json
    secret = made.json["secret"]
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    assert secret not in _told(app)
    assert secret.removeprefix("whsec_") not in _told(app)
    assert "secret" not in hooks.api.get(f"/webhooks/{made.json['id']}").json
    assert "mark" not in made.json
    assert len(hooks.api.get("/webhooks").json["items"]) == 1


def test_a_new_secret_signs_at_once_and_the_old_one_for_a_day(
    app: Flask, hooks: Hooks, world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = hooks.make(receiver.url, ["interview.*"])
    new = hooks.api.post(f"/webhooks/{made['id']}/rotate-secret").json
    assert new["secret"] != made["secret"]
    assert new["version"] == made["version"] + 1
    key = world.interview(ahead(2))
    world.move(key, "confirm")
    hooks.deliver()
    got = receiver.got[0]
    for secret in (made["secret"], new["secret"]):
        assert Standard(secret).verify(got.body, got.headers)["type"] == "interview.confirm"
    monkeypatch.setattr(signing, "OLD_HOLDS", timedelta())
    world.move(key, "start")
    hooks.deliver()
    got = receiver.got[1]
    assert Standard(new["secret"]).verify(got.body, got.headers)
    with pytest.raises(WebhookVerificationError):
        Standard(made["secret"]).verify(got.body, got.headers)


def test_signatures_are_those_of_the_specification() -> None:
    """Its own example."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    signature = signing._signature(secret, b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." + body)
    assert signature == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_with_another_secret_key_nothing_is_sent_under_a_wrong_name(
    make_app: Any, hooks: Hooks, world: World, receiver: Receiver
) -> None:
    hooks.make(receiver.url, ["InterviewScheduled"])
    world.interview(ahead(2))
    other = make_app(SECRET_KEY="another key of thirty-two letters")
    with other.app_context():
        jobs.deliver()
        jobs.run("webhooks", {})
    assert receiver.got == []
    assert hooks.deliveries("status", "error") == [
        ("failed", "SECRET_KEY has changed since its secret was made. Make a new secret.")
    ]


# --- where it may lead ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.2/x", "https://[::1]/x", "https://10.0.0.1/", "https://192.168.1.1:8443/", "https://0/",
        "https://169.254.169.254/latest/meta-data/", "https://[::ffff:10.0.0.1]/", "https://2130706434/",
        "https://0x7f.2/", "https://[fe80::1]/", "https://[fd00:ec2::254]/", "https://100.100.100.200/",
        "https://[64:ff9b::a00:1]/", "https://224.0.0.1/", "https://name:word@example.org/", "http://example.org/x",
    ],
)  # fmt: skip
@pytest.mark.database("sqlite")
def test_what_lies_inside_is_refused_when_it_is_saved(hooks: Hooks, url: str) -> None:
    answer = hooks.api.post("/webhooks", {"name": "x", "url": url})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["url"]), answer.json


def test_a_name_that_leads_inside_is_refused_unless_the_setting_lets_it_through(make_app: Any, cast: Cast) -> None:
    given = {"name": "x", "url": "https://localhost/x"}
    closed = caller(make_app(WEBHOOK_ALLOW_INSIDE=""), cast.alice).post("/webhooks", given)
    assert closed.json["errors"] == {"url": ["localhost points inside the network, where webhooks are not sent."]}
    given |= {"url": "http://localhost/x"}
    opened = caller(make_app(WEBHOOK_ALLOW_INSIDE="localhost"), cast.alice).post("/webhooks", given)
    assert opened.status_code == 201


def test_a_name_that_leads_elsewhere_by_the_time_it_is_sent_is_judged_anew(
    hooks: Hooks, world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name server is another's, and may answer what it likes, each time anew."""
    answers = ["93.184.216.34", "127.0.0.3", "127.0.0.1"]
    asked: list[str] = []

    def resolve(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host != "rebinding.example":
            return known(host, port, *more, **named)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    known = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    hooks.make(f"https://rebinding.example:{receiver.url.rpartition(':')[2]}", ["InterviewScheduled"])
    world.interview(ahead(2))
    hooks.deliver()
    told = "rebinding.example points inside the network, where webhooks are not sent."
    assert hooks.deliveries("status", "error") == [("failed", told)]
    assert len(asked) == 2
    assert receiver.got == []


def test_a_connection_goes_to_the_very_address_that_was_judged(receiver: Receiver) -> None:
    port = int(receiver.url.rpartition(":")[2].partition("/")[0])
    to = gate.destination(f"http://localhost:{port}/hook?x=1", inside("127.0.0.0/8, ::1/128"))
    assert "127.0.0.1" in to.addresses
    assert (to.authority, to.path) == (f"localhost:{port}", "/hook?x=1")


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_the_open_internet_is_not_inside(text: str) -> None:
    assert not gate.is_inside(ipaddress.ip_address(text))


def test_a_setting_of_networks_and_hosts() -> None:
    assert inside(" ,") == Inside()
    assert inside("Hooks.local") == Inside(hosts=frozenset({"hooks.local"}))


# --- by whom ----------------------------------------------------------------------------------------


def test_only_who_may_keep_webhooks_sees_and_keeps_them(
    app: Flask, hooks: Hooks, cast: Cast, receiver: Receiver, make_client: Any
) -> None:
    made = hooks.make(receiver.url)
    with app.app_context(), everywhere(db.session):
        tenant = db.session.get_one(Tenant, cast.alice.tenant_id)
        people = {role: make_person(tenant, f"{role[:2]}@x.example", role, role) for role in ("HR", "Manager")}
        db.session.commit()
    hr, manager = (caller(app, people[role]) for role in ("HR", "Manager"))
    path = f"/webhooks/{made['id']}"
    assert [hr.get(p).status_code for p in ("/webhooks", path, f"{path}/deliveries")] == [403] * 3
    assert [manager.get(p).status_code for p in ("/webhooks", path, f"{path}/deliveries")] == [200] * 3
    for who in (hr, manager):
        assert who.post("/webhooks", {"name": "y", "url": receiver.url}).status_code == 403
        assert who.post(f"{path}/rotate-secret").status_code == 403
        assert who.post(f"{path}/test").status_code == 403
        assert who.delete(path).status_code == 403
    for page in ("secret", "rotate-secret", "test"):
        assert make_client(people["Manager"]).submit(f"/webhooks/{made['id']}/{page}").status_code == 403


def test_another_organisation_neither_sees_it_nor_is_told(
    app: Flask, hooks: Hooks, cast: Cast, world: World, receiver: Receiver, make_client: Any
) -> None:
    theirs = make_world(app, cast.charlie, world.clock)
    hooks.make(receiver.url)
    theirs.interview(ahead(2))
    hooks.deliver()
    assert receiver.got == []
    world.interview(ahead(2))
    hooks.deliver()
    ((key, webhook),) = hooks.deliveries("id", "webhook_id")
    charlie = caller(app, cast.charlie)
    for verb in ("rotate-secret", "test", f"deliveries/{key}/replay"):
        foreign, nobodys = (charlie.post(f"/webhooks/{each}/{verb}") for each in (webhook, uuid4()))
        assert foreign.status_code == nobodys.status_code == 404
    assert charlie.get("/webhooks").json["total"] == 0
    client = make_client(cast.charlie)
    for page in (f"/webhooks/{webhook}/secret", f"/webhooks/{webhook}/test", f"/webhook-deliveries/{key}/replay"):
        assert client.submit(page).status_code == 404
    assert hooks.deliveries("status") == ["sent"]


# --- on the pages -----------------------------------------------------------------------------------


def test_on_the_pages_one_is_made_tried_and_read(
    app: Flask, hooks: Hooks, cast: Cast, receiver: Receiver, make_client: Any
) -> None:
    client = make_client(cast.alice)
    form = {"name": "Payroll", "url": receiver.url, "events": ["interview.*", "FeedbackSubmitted"], "active": "y"}
    made = client.submit("/webhooks/new", form)
    assert made.status_code == 302, made.get_data(as_text=True)
    page = client.get(made.location).get_data(as_text=True)
    assert "interview.*, FeedbackSubmitted" in page
    assert "Working" in page
    assert "whsec_" not in page
    secret = re.search(r"whsec_[^&\"]+", client.submit(f"{made.location}/secret").get_data(as_text=True))
    assert secret is not None
    assert client.submit(f"{made.location}/secret").status_code == 409  # once
    tried = client.submit(f"{made.location}/test")
    hooks.deliver()
    (got,) = receiver.got
    assert Standard(secret.group().replace("&#43;", "+")).verify(got.body, got.headers)["type"] == "webhook.test"
    log = client.get(tried.location).get_data(as_text=True)
    assert "webhook.test" in log
    assert "Sent" in log
    assert "204" in log
    assert client.submit(f"{tried.location}/replay").status_code == 302
    hooks.deliver()
    assert [each.id for each in receiver.got] == [got.id] * 2
    renewed = client.submit(f"{made.location}/rotate-secret").get_data(as_text=True)
    assert "whsec_" in renewed
    assert secret.group() not in renewed


def test_many_are_sent_again_by_the_bulk_bar(
    hooks: Hooks, cast: Cast, world: World, receiver: Receiver, make_client: Any
) -> None:
    hooks.make(receiver.url, ["InterviewScheduled"])
    for day in range(3):
        world.interview(ahead(2 + day))
    hooks.deliver()
    client = make_client(cast.alice)
    ids = [str(key) for key in hooks.deliveries("id")]
    preview = client.submit("/webhook-deliveries/bulk/replay", {"ids": ids[:2]}, follow_redirects=True)
    run = re.search(r'action="(/bulk/[^"]+)"', preview.get_data(as_text=True))
    assert run is not None
    client.submit(run.group(1))
    hooks.deliver()
    assert sorted(got.id for got in receiver.got) == sorted([*ids, *ids[:2]])


# --- what there is to be told of --------------------------------------------------------------------


def test_every_move_and_every_event_of_the_messages_is_offered_and_described(app: Flask, hooks: Hooks) -> None:
    document: Any = app.test_client().get("/api/openapi.json").json
    moves = [f"{flow.entity}.{move.verb}" for flow in workflows().values() for move in flow.moves.values()]
    wanted = {*moves, *(each.event for each in CATALOGUE)}
    assert wanted - set(document["webhooks"]) == set()
    offered = document["components"]["schemas"]["NewWebhook"]["properties"]["events"]["items"]["enum"]
    assert wanted - set(offered) == set()
    assert set(document["webhooks"]) == {*kinds.kinds(), kinds.TEST}
    fields = set(document["components"]["schemas"]["WebhookEventData"]["properties"])
    gets = [path for path, verbs in document["paths"].items() if "get" in verbs]
    for name, each in document["webhooks"].items():
        example = each["post"]["requestBody"]["content"]["application/json"]["example"]
        assert example["type"] == name
        assert each["post"]["summary"]
        assert set(example["data"]) <= fields, name
        api = example["data"]["links"]["api"].removeprefix("https://greenroom.example")
        shape = re.sub(r"[0-9a-f-]{36}", "{}", api)
        assert shape in [re.sub(r"\{[^}]+\}", "{}", path) for path in gets], name


def test_each_webhook_says_what_it_wants_in_known_names(hooks: Hooks, receiver: Receiver) -> None:
    answer = hooks.api.post("/webhooks", {"name": "x", "url": receiver.url, "events": ["interview.dance"]})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["events.0"])


def test_what_was_done_long_ago_leaves_the_log(
    app: Flask, hooks: Hooks, cast: Cast, clock: Clock, receiver: Receiver
) -> None:
    world = make_world(app, cast.alice, clock)
    hooks.make(receiver.url, ["InterviewScheduled"])
    world.interview(clock.now + timedelta(days=200))
    hooks.deliver()
    clock.forward(days=89)
    hooks.sweep()
    assert len(hooks.deliveries()) == 1
    clock.forward(days=2)
    hooks.sweep()
    assert hooks.deliveries() == []
