"""The fixtures. Database, queue, mail server and browser are real ones, started when first asked for.

| fixture | gives |
|---|---|
| `app` | the portal on a clean SQLite, then once more on a clean PostgreSQL; no context is open |
| `ctx` | the same with an application context, for tests without requests |
| `client` | a `PortalClient`: `client.log_in(user)`, `get`, `post`, `submit` (with the form token) |
| `make_app` | a further app on the same database with other settings: `make_app(LOGIN_RATE="2 per minute")` |
| `make_client` | a further client: `make_client()`, `make_client(user)` |
| `cast` | Alice and Bob of one tenant, Charlie of the other: `client.log_in(cast.alice)` |
| `clock` | the portal's clock, stopped on a Monday: `clock.forward(hours=2)`, `clock.set(at)` |
| `mailbox` | the SMTP server of all apps: `mailbox.messages`, `mailbox.to(address)` |
| `jobs` | the worker: `jobs.waiting`, `jobs.drain()` |
| `database` | the database under `app`; `@pytest.mark.database("postgresql")` runs a test on that one alone |
| `machinery` | workers and schedulers as processes of their own, a mail server with moods, a clock that all read |
| `cluster` | `cluster.empty()` and `cluster.migrated()` make further PostgreSQL databases |
| `address`, `page` | the portal served on a port, and Chromium on it; `people(…)` for further browsers |

Requests share the flask.g, and so the log-in, of an application context that is open around them:
take `client`, or `ctx`, but do not make requests inside `ctx`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import redis
from flask import Flask
from flask.ctx import AppContext
from playwright.sync_api import Browser, Page

from portal.core.db import db
from portal.services import QueueServer
from portal.settings import Settings
from tests.support.browser import Visit, chromium_running, serving, visit
from tests.support.chromium import find_chromium
from tests.support.client import PortalClient
from tests.support.clock import MONDAY, Clock, stopped_clock
from tests.support.databases import Database, PostgresCluster, PostgresDatabase, SqliteDatabase, postgres_cluster
from tests.support.jobs import JobRunner
from tests.support.machinery import Machinery, machinery_around
from tests.support.mail import MailServer
from tests.support.memory import EXTENSION, Memory
from tests.support.moodymail import MoodyMailServer
from tests.support.postgres import free_port
from tests.support.processes import Nursery

if TYPE_CHECKING:
    from tests.support.cast import Cast

KINDS = ("sqlite", "postgresql")
MakeApp = Callable[..., Flask]
MakeClient = Callable[..., PortalClient]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "database(*kinds): the databases to run on, instead of both")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("database")
        metafunc.parametrize("database", marker.args if marker else KINDS, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests come first, or one process waits for the other's in the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


# --- services, one of each for the process ----------------------------------------------------------


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresCluster]:
    """A real PostgreSQL: our own, or the one that TEST_DATABASE_URL names."""
    with postgres_cluster(tmp_path_factory.mktemp("postgres")) as made:
        yield made


@pytest.fixture(scope="session")
def _postgresql(cluster: PostgresCluster) -> Iterator[PostgresDatabase]:
    url = cluster.migrated()
    with cluster.as_admin(url) as admin:
        yield PostgresDatabase(admin, url)


@pytest.fixture(scope="session")
def _sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabase:
    return SqliteDatabase(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def queue_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueueServer]:
    """A real Valkey, emptied before each test that has an app."""
    with QueueServer(tmp_path_factory.mktemp("queue")) as server:
        yield server


@pytest.fixture(scope="session")
def _mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium; without one the tests that need it are skipped, and the summary says so."""
    try:
        chromium = find_chromium()
    except RuntimeError as reason:
        pytest.skip(str(reason))
    with chromium_running(chromium) as running:
        yield running


# --- the portal -------------------------------------------------------------------------------------


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Database:
    """A migrated database without a row."""
    found: Database = request.getfixturevalue(f"_{request.param}")
    found.clean()
    return found


@pytest.fixture(scope="session")
def _environ(
    tmp_path_factory: pytest.TempPathFactory, queue_server: QueueServer, _mail_server: MailServer
) -> dict[str, str]:
    port = str(free_port())
    return {
        "ENV": "test",
        "GREENROOM_DATA": str(tmp_path_factory.mktemp("data")),
        "REDIS_URL": queue_server.url,
        "SMTP_URL": _mail_server.url,
        "SECRET_KEY": "the tests' secret key, which is none",
        "PORT": port,
        "LOGIN_RATE": "1000 per minute",
        "API_READ_RATE": "100000 per minute",
        "API_WRITE_RATE": "100000 per minute",
        "WEBHOOK_ALLOW_INSIDE": "127.0.0.1",
    }


@pytest.fixture(scope="session")
def _apps() -> dict[str, Flask]:
    """One app per database for the whole run: to build one takes longer than most tests."""
    return {}


@pytest.fixture
def app(
    database: Database, queue_server: QueueServer, _environ: dict[str, str], _apps: dict[str, Flask]
) -> Iterator[Flask]:
    """The portal on a clean database and an empty queue; no context is open."""
    with redis.Redis.from_url(queue_server.url) as connection:
        connection.flushall()
    if database.url not in _apps:
        _apps[database.url] = _build(_environ | {"DATABASE_URL": database.url})
        _apps[database.url].extensions[EXTENSION] = Memory(database, queue_server.url)
    yield _apps[database.url]
    _release(_apps[database.url])


def _build(environ: dict[str, str]) -> Flask:
    from portal.app import create_app  # here, so that a fault in one feature does not hide all other tests

    app = create_app(Settings.from_env(environ))
    app.test_client_class = PortalClient
    return app


def _release(app: Flask) -> None:
    """Gives the connections back: the next test finds another file, or a table to empty."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def make_app(app: Flask, _environ: dict[str, str]) -> Iterator[MakeApp]:
    """Builds an app with other settings on the database of `app`."""
    made: list[Flask] = []
    given = _environ | {"DATABASE_URL": app.extensions["greenroom"].database_url}

    def make(**environ: str) -> Flask:
        made.append(_build(given | environ))
        return made[-1]

    yield make
    for one in made:
        _release(one)


@pytest.fixture
def ctx(app: Flask) -> Iterator[AppContext]:
    """An application context, so that `db.session` can be used."""
    with app.app_context() as context:
        yield context


@pytest.fixture
def make_client(app: Flask) -> MakeClient:
    """Makes clients, logged in where a user is given."""

    def make(user: Any = None) -> PortalClient:
        client = app.test_client()
        assert isinstance(client, PortalClient)
        if user is not None:
            client.log_in(user)
        return client

    return make


@pytest.fixture
def client(make_client: MakeClient) -> PortalClient:
    """A visitor who has not logged in."""
    return make_client()


@pytest.fixture
def cast(app: Flask) -> "Cast":
    """Alice, Bob and Charlie, in an otherwise empty database."""
    from tests.support.cast import gather

    return gather(app)


# --- time, mail, jobs -------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Iterator[Clock]:
    """The portal's clock, stopped."""
    with stopped_clock() as stopped:
        yield stopped


@pytest.fixture
def mailbox(_mail_server: MailServer) -> MailServer:
    """The mail server that the portal hands its mails to, empty."""
    _mail_server.clear()
    return _mail_server


@pytest.fixture
def jobs(app: Flask) -> Iterator[JobRunner]:
    """The queues, and a worker in this process."""
    runner = JobRunner(app)
    yield runner
    runner.close()


# --- processes of their own -------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    folder = tmp_path_factory.mktemp("processes")
    with Nursery(folder / "clock", folder / "log") as nursery:
        yield nursery


@pytest.fixture(scope="session")
def _moody_mail() -> Iterator[MoodyMailServer]:
    with MoodyMailServer() as server:
        yield server


@pytest.fixture(scope="session")
def _own_queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QueueServer]:
    with QueueServer(tmp_path_factory.mktemp("own-queue")) as server:
        yield server


@pytest.fixture
def machinery(
    database: Database, _environ: dict[str, str], _nursery: Nursery, _moody_mail: MoodyMailServer,
    _own_queue: QueueServer, _apps: dict[str, Flask],
) -> Iterator[Machinery]:  # fmt: skip
    mine = {"DATABASE_URL": database.url, "SMTP_URL": _moody_mail.url, "REDIS_URL": _own_queue.url}
    name = f"{database.url} with machines of its own"
    if name not in _apps:
        _apps[name] = _build(_environ | mine)
    with machinery_around(_apps[name], _moody_mail, _own_queue, _nursery, _nursery.clock_file, MONDAY) as made:
        yield made
    _release(_apps[name])


# --- the browser ------------------------------------------------------------------------------------


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the portal is served, which is also what its mails' links begin with."""
    settings = app.extensions["greenroom"]
    with serving(app, settings.port) as url:
        assert url == settings.base_url
        yield url


@pytest.fixture
def people(browser: Browser, address: str) -> Iterator[Callable[..., Visit]]:
    """Makes further browsers on the portal, e.g. `people(viewport={"width": 360, "height": 640})`."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(visit(browser, address, **options))


@pytest.fixture
def page(people: Callable[..., Visit]) -> Page:
    """A page of a browser on the portal: `page.goto("/login")`."""
    return people().open()
