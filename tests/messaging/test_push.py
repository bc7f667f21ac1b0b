"""What is told within the portal reaches the open pages of its reader at once, and nobody else's."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
import socketio
from flask import Flask
from playwright.sync_api import Page

from portal.core import clock
from portal.core.db import db, new_id
from portal.core.tenancy import tenant_scope
from portal.messaging import push
from portal.people import actions as people
from portal.people.models import Tenant, User
from portal.services import QueueServer
from portal.sockets import hub
from portal.sockets.seats import SOCKETS
from tests.conftest import MakeApp, MakeClient
from tests.messaging.world import HOUR, World, make_world
from tests.support.browser import serving
from tests.support.cast import Cast, Person, make_person
from tests.support.client import PortalClient
from tests.support.clock import MONDAY, Clock
from tests.support.mail import MailServer
from tests.support.sockets import Crowd, Ear, cookie, cookie_of
from tests.support.webserver import WebServer, worker_running

Act = Callable[[], None]


def note(person: Person, title: str = "Hello", **more: Any) -> dict[str, Any]:
    """A row of a notification, as the outbox makes them."""
    return {
        "tenant_id": person.tenant_id, "id": new_id(), "user_id": person.id, "type": "interview_scheduled",
        "title": title, "message": "At nine", "link": "/interviews/1", "quiet": False, "created_at": MONDAY, **more,
    }  # fmt: skip


def announce(app: Flask, *notes: dict[str, Any]) -> None:
    with app.app_context():
        push.announce(notes)


# --- who hears what ---------------------------------------------------------------------------------------


def test_a_page_hears_what_its_reader_is_told_and_nobody_elses(
    app: Flask, cast: Cast, world: World, deliver: Act, address: str
) -> None:
    with (
        Ear(address, cookie_of(app, cast.bob)) as bob, Ear(address, cookie_of(app, cast.bob)) as again,
        Ear(address, cookie_of(app, cast.alice)) as alice, Ear(address, cookie_of(app, cast.charlie)) as charlie,
    ):  # fmt: skip
        world.interview(world.clock.now + 50 * HOUR, [cast.bob], organizer_id=cast.bob.id)
        deliver()
        (event, data), = bob.wait_for(1)  # fmt: skip
        assert event == "notification:new"
        assert sorted(data) == ["created_at", "id", "link", "message", "title", "type"]
        assert (data["type"], data["created_at"]) == ("interview_scheduled", "2026-03-02T09:00:00Z")
        assert data["link"] == f"/notifications/{UUID(data['id'])}/open"
        assert again.wait_for(1) == bob.heard
        announce(app, note(cast.alice), note(cast.charlie))  # what came before it would have been heard by now
        assert [told["title"] for _, told in alice.wait_for(1) + charlie.wait_for(1)] == ["Hello", "Hello"]
        assert len(bob.heard) == 1


@pytest.mark.database("sqlite")
def test_a_quiet_one_says_so_and_what_was_read_elsewhere_is_told(app: Flask, cast: Cast, address: str) -> None:
    with Ear(address, cookie_of(app, cast.bob)) as bob:
        announce(app, note(cast.bob, quiet=True))
        with app.app_context():
            push.tell_read(cast.alice.tenant_id, cast.alice.id)
            push.tell_read(cast.bob.tenant_id, cast.bob.id)
        (_, data), read = bob.wait_for(2)
        assert data["quiet"] is True
        assert read == ("notification:read", {})


@pytest.mark.database("sqlite")
def test_what_a_page_says_changes_nothing(app: Flask, cast: Cast, address: str) -> None:
    with Ear(address, cookie_of(app, cast.charlie)) as charlie, Ear(address, cookie_of(app, cast.bob)) as bob:
        room = push.room(cast.bob.tenant_id, cast.bob.id)
        forged = {"asgi.scope": {"state": {"connection": {"seat": {"room": room}}}}}
        for event, data in (("connect", forged), ("join", room), ("enter_room", room), ("notification:new", {})):
            charlie._client.emit(event, data, namespace="/notifications")
        announce(app, note(cast.bob), note(cast.charlie, "Mine"))
        assert [data["title"] for _, data in charlie.wait_for(1)] == ["Mine"]
        assert [data["title"] for _, data in bob.wait_for(1)] == ["Hello"]


# --- who may connect --------------------------------------------------------------------------------------


def refused(address: str, session: str, **options: Any) -> bool:
    try:
        with Ear(address, session, **options):
            return False
    except socketio.exceptions.ConnectionError:
        return True


@pytest.mark.database("sqlite")
def test_only_a_page_of_ours_with_a_session_gets_a_socket(
    app: Flask, cast: Cast, address: str, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = cookie_of(app, cast.bob)
    assert not refused(address, mine)
    other = make_app(SECRET_KEY="a key of somebody else, which signs what it likes")
    signed_by_others = cookie_of(other, cast.bob)
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = f"{cast.charlie.tenant_id}|{cast.bob.id}|1"  # Bob is not of that tenant
    assert isinstance(client, PortalClient)
    for bad in ("", "session=none", mine[:-4] + "AAAA", signed_by_others, cookie(client)):
        assert refused(address, bad), bad
    for origin in ("https://evil.example", address + ".evil.example", "null", "", "http://127.0.0.1"):
        assert refused(address, mine, websocket_extra_options={"origin": origin}), origin
    assert refused(address, mine, websocket_extra_options={"suppress_origin": True})
    client = app.test_client()
    for path in ("/socket.io/", "/socket.io/?EIO=4&transport=polling", "/socket.io/?EIO=4&transport=websocket"):
        assert client.get(path, headers={"Cookie": mine}).status_code == 400
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 13 * 3600)  # a log-in lasts twelve hours
    assert refused(address, mine)


@pytest.mark.database("sqlite")
def test_one_user_has_only_so_many_sockets(
    app: Flask, cast: Cast, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MOST_OF_ONE_USER", 2)
    mine = cookie_of(app, cast.bob)
    with Ear(address, mine), Ear(address, mine) as second:
        assert refused(address, mine)
        assert not refused(address, cookie_of(app, cast.alice))
        second._client.disconnect()
        for _ in range(100):
            if not refused(address, mine):
                return
            time.sleep(0.05)
    pytest.fail("a place that was left is not given again")


def test_log_out_ends_the_sockets_of_that_log_in(app: Flask, cast: Cast, address: str, make_client: MakeClient) -> None:
    with app.app_context(), tenant_scope(cast.bob.tenant_id):
        people.set_password(db.session, db.session.get_one(User, (cast.bob.tenant_id, cast.bob.id)), "correct horse")
        db.session.commit()
    here, there = make_client(), make_client()
    for client in (here, there):
        assert client.log_in_by_form(cast.bob.email, "correct horse").status_code == 302
    with Ear(address, cookie(here)) as one, Ear(address, cookie(there)) as other:
        here.log_out()
        assert one.wait_until_parted() == "server disconnect"
        announce(app, note(cast.bob))
        other.wait_for(1)
        assert one.heard == []
        assert refused(address, cookie(here))


def test_who_is_deactivated_hears_no_more(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "CHECK_SECONDS", 0.1)
    with serving(app, app.extensions["greenroom"].port) as address:
        bob, alice = cookie_of(app, cast.bob), cookie_of(app, cast.alice)
        with Ear(address, bob) as his, Ear(address, alice) as hers:
            with app.app_context(), tenant_scope(cast.bob.tenant_id):
                db.session.get_one(User, (cast.bob.tenant_id, cast.bob.id)).active = False
                db.session.commit()
            assert his.wait_until_parted() == "server disconnect"
            assert refused(address, bob)
            assert hers.is_open


@pytest.mark.database("sqlite")
def test_a_page_that_takes_nothing_is_let_go_and_one_that_never_asks_as_well(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "CHECK_SECONDS", 0.2)
    with serving(app, app.extensions["greenroom"].port) as address:
        mine, other = cookie_of(app, cast.bob), cookie_of(app, cast.alice)
        with handshake(address, mine) as deaf, Ear(address, other) as hers:
            deaf.sendall(masked("40/notifications,"))
            time.sleep(0.1)
            for _ in range(30):
                announce(app, *(note(cast.bob, message="x" * 100_000) for _ in range(10)))
            until(lambda: SOCKETS._value.get() == 1)
            assert hers.is_open
        monkeypatch.setattr(hub, "ASKS_WITHIN_SECONDS", 0.2)
        with handshake(address, mine) as silent:
            assert rest(silent).endswith(b"\x88\x02\x03\xe9")  # closed: going away


@pytest.mark.database("sqlite")
def test_a_page_that_says_too_much_is_cut_off(app: Flask, cast: Cast, address: str) -> None:
    with handshake(address, cookie_of(app, cast.bob)) as loud:
        loud.sendall(masked("4" * 5000))
        assert int.from_bytes(rest(loud).rpartition(b"\x88")[2][1:3], "big") == 1009  # too big


def handshake(address: str, session: str) -> socket.socket:
    """A socket of ours that speaks for itself, once it is let in."""
    host, _, port = address.removeprefix("http://").partition(":")
    made = socket.create_connection((host, int(port)), timeout=10)
    made.sendall(
        f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {address}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: {session}\r\n\r\n".encode()
    )
    assert made.recv(4096).startswith(b"HTTP/1.1 101 ")
    return made


def masked(text: str) -> bytes:
    """A frame as browsers send it; the mask is of zeros."""
    size = len(text)
    return (
        bytes([0x81, 0x80 | size]) + bytes(4) + text.encode()
        if size < 126
        else (bytes([0x81, 0x80 | 126]) + size.to_bytes(2, "big") + bytes(4) + text.encode())
    )


def rest(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    found = b""
    while part := connection.recv(4096):
        found += part
    return found


# --- Redis ------------------------------------------------------------------------------------------------


@pytest.mark.database("sqlite")
def test_pushes_go_on_when_redis_is_back(
    cast: Cast, make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = QueueServer(tmp_path).start()
    app = make_app(REDIS_URL=queue.url)
    with serving(app, app.extensions["greenroom"].port) as address, Ear(address, cookie_of(app, cast.bob)) as bob:
        announce(app, note(cast.bob, "Before"))
        bob.wait_for(1)
        queue.stop()
        began = time.monotonic()
        announce(app, note(cast.bob, "Lost"))
        assert time.monotonic() - began < 0.5
        queue.start()
        assert bob.wait_for(2)[1] == ("notification:read", {})  # look for yourself: something was missed
        app.extensions["jobs"].answers()
        announce(app, note(cast.bob, "After"))
        assert [data.get("title") for _, data in bob.wait_for(3)] == ["Before", None, "After"]
    queue.stop()


@pytest.mark.database("sqlite")
def test_while_redis_is_away_pages_are_left_to_ask_themselves(
    cast: Cast, make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "DEAF_SECONDS", 0.2)
    queue = QueueServer(tmp_path).start()
    app = make_app(REDIS_URL=queue.url)
    with serving(app, app.extensions["greenroom"].port) as address, Ear(address, cookie_of(app, cast.bob)) as bob:
        queue.stop()
        assert bob.wait_until_parted() != "server disconnect"  # which would mean not to come again
        assert refused(address, cookie_of(app, cast.bob))
        queue.start()
        for _ in range(200):
            if bob.is_open:
                break
            time.sleep(0.05)
        app.extensions["jobs"].answers()
        announce(app, note(cast.bob))
        bob.wait_for(1)
    queue.stop()


# --- the real processes -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def environ(_postgresql: Any, _environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the processes of this module are told."""
    folder = tmp_path_factory.mktemp("metrics")
    return _environ | {"DATABASE_URL": _postgresql.url, "PROMETHEUS_MULTIPROC_DIR": str(folder)}


@pytest.fixture(scope="module")
def web(environ: dict[str, str]) -> Iterator[WebServer]:
    with WebServer(environ, workers=2) as server:
        yield server


@pytest.mark.database("postgresql")
def test_what_a_worker_process_makes_arrives_within_a_second_at_all_web_processes(
    app: Flask, cast: Cast, web: WebServer, environ: dict[str, str], mailbox: MailServer
) -> None:
    now = Clock(clock.now())
    world = make_world(app, cast.alice, now)
    with ExitStack() as stack:
        bobs = [stack.enter_context(_crowd_at(web, each, [cookie_of(app, cast.bob)] * 8)) for each in web.processes]
        charlie = stack.enter_context(Ear(web.address, cookie_of(app, cast.charlie)))
        stack.enter_context(worker_running(environ))
        assert [web.sockets(process) > 0 for process in web.processes] == [True, True]
        world.interview(now.now + 50 * HOUR, [cast.bob], organizer_id=cast.bob.id)
        until(lambda: [bob.count() for bob in bobs] == [8, 8], 60)  # the worker has started
        world.interview(now.now + 60 * HOUR, [cast.bob], organizer_id=cast.bob.id)
        committed = time.perf_counter()
        until(lambda: [bob.count() for bob in bobs] == [16, 16])
        assert max(heard[1][0] for bob in bobs for heard in bob.heard) - committed < 1
        assert charlie.heard == []


@contextmanager
def _crowd_at(web: WebServer, process: psutil.Process, sessions: list[str]) -> Iterator[Crowd]:
    """Sockets to that process: the others rest while they are opened."""
    others = [each for each in web.processes if each != process]
    with ExitStack() as rest:
        for each in others:
            each.suspend()
            rest.callback(each.resume)
        with Crowd(web.address, sessions) as crowd:
            rest.close()
            yield crowd


@pytest.mark.database("postgresql")
def test_ordinary_requests_go_on_while_200_sockets_are_open_and_are_counted(
    app: Flask, cast: Cast, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = _people(app, cast, 20)
    with Crowd(web.address, [cookie_of(app, person) for person in readers for _ in range(10)]) as crowd:
        assert _gauge(web) == 200
        began = time.monotonic()
        for _ in range(20):
            web.get("/login")
        assert time.monotonic() - began < 5
        announce(app, *(note(person, str(number)) for number, person in enumerate(readers)))
        until(lambda: crowd.count() == 200)
        assert [[data[1]["title"] for _, data in heard] for heard in crowd.heard] == [
            [str(number // 10)] for number in range(200)
        ]
        assert sum(process.num_threads() for process in web.processes) < 40
    until(lambda: _gauge(web) == 0)


@pytest.mark.database("postgresql")
def test_a_process_that_is_told_to_stop_ends_its_sockets_and_then_itself(
    app: Flask, cast: Cast, web: WebServer
) -> None:
    with Crowd(web.address, [cookie_of(app, cast.bob)] * 16) as crowd:
        process = max(web.processes, key=web.sockets)
        count, began = web.sockets(process), time.monotonic()
        process.terminate()
        process.wait(10)
        assert time.monotonic() - began < 5
        assert crowd.codes == [1001] * count
        with Ear(web.address, cookie_of(app, cast.alice)) as alice:  # there is another
            announce(app, note(cast.alice), note(cast.bob))
            alice.wait_for(1)
            until(lambda: crowd.count() == 16 - count)


def _people(app: Flask, cast: Cast, count: int) -> list[Person]:

    with app.app_context(), tenant_scope(cast.bob.tenant_id):
        tenant = db.session.get_one(Tenant, cast.bob.tenant_id)
        made = [make_person(tenant, f"p{n}@harbour.example", f"Person {n}") for n in range(count)]
        db.session.commit()
        return made


def _gauge(web: WebServer) -> int:
    found = [line for line in web.get("/metrics").splitlines() if line.startswith("greenroom_sockets ")]
    return int(float(found[0].split()[1]))


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- the browser ------------------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.database("sqlite")
def test_the_pages_own_policy_lets_a_browser_open_its_socket(cast: Cast, app: Flask, page: Page) -> None:
    name, _, value = cookie_of(app, cast.bob).partition("=")
    page.context.add_cookies([{"name": name, "value": value, "url": app.extensions["greenroom"].base_url}])
    page.goto("/")
    first = page.evaluate(
        """() => new Promise((told, failed) => {
            const socket = new WebSocket("/socket.io/?EIO=4&transport=websocket");
            socket.onmessage = (event) => { told(event.data); socket.close(); };
            socket.onerror = () => failed("refused");
        })"""
    )
    assert first.startswith('0{"sid":')
