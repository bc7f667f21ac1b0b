"""`make run`: the whole portal in one foreground process group, for one machine.

In this order: the settings are checked, the data folder is taken, the port is tried, the embedded
queue starts (unless REDIS_URL names one), migrations run, an empty database gets the demo data
(never with ENV=production), then web, worker and scheduler start. Ctrl-C ends them in the opposite
order, the queue last, with exit code 0. What happens when one of them crashes, and why: see
`portal.supervisor`. Everything is kept in GREENROOM_DATA (default `var`) and there again next time.
"""

import errno
import shutil
import socket
import sys
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import sqlalchemy as sa

from portal.people.roles import slug
from portal.services import QueueServer, ServiceError, only_supervisor
from portal.settings import Settings, SettingsError
from portal.settings_checks import local_url
from portal.supervisor import Failed, Supervisor, environment

ROOT = Path(__file__).resolve().parent.parent
FLASK = [sys.executable, "-m", "flask", "--app", "wsgi"]
READY_SECONDS = 60
HELP = "Settings and what to write in them: README.md."


def web_command(settings: Settings, *, workers: int = 2, threads: int = 8) -> list[str]:
    """The web server's command; `flask serve` runs the same in production."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    options = [
        f"--bind={host}:{settings.port}",
        "--worker-class=portal.sockets.worker.Worker",
        f"--workers={workers}",
        f"--threads={threads}",
        "--graceful-timeout=10",
        "--no-control-socket",
        "--log-level=warning",
    ]
    return [sys.executable, "-m", "gunicorn", *options, "wsgi:app"]


def clean_metrics(settings: Settings) -> dict[str, str]:
    """Empty the folder through which the web processes share their figures; what tells them of it."""
    folder = settings.data_dir / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return {"PROMETHEUS_MULTIPROC_DIR": str(folder.resolve())}


def main() -> int:
    """The exit code: 0 after Ctrl-C, 1 when something does not work, 2 when a setting is wrong."""
    try:
        settings = Settings.from_env()
        run(settings)
    except SettingsError as problem:
        print(f"{problem}\n{HELP}", file=sys.stderr)
        return 2
    except (ServiceError, Failed) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def run(settings: Settings) -> None:
    """Runs the portal until told to stop.

    Raises:
        ServiceError: the data folder, the port or the queue is not to be had.
        Failed: migrations, demo data or one of the processes failed at the start.
    """
    with ExitStack() as stack:
        stack.enter_context(only_supervisor(settings.data_dir))
        told = environment(GREENROOM_DATA=str(settings.data_dir), **clean_metrics(settings))
        supervisor = Supervisor(told, ROOT)
        check_port(settings)
        supervisor.listen()
        if settings.queue_is_embedded:
            stack.enter_context(QueueServer(settings.data_dir))
        stack.callback(supervisor.end)  # before the queue's own end
        _prepare(settings, supervisor)
        if not supervisor.stopping:
            supervisor.start(_processes(settings))
            if _until_ready(settings, supervisor):
                print(_welcome(settings), flush=True)
                supervisor.keep_running()
        print("\nEnding: web, worker and scheduler, then the queue …", flush=True)
    print("Greenroom has ended. Its data is kept.", flush=True)


def _processes(settings: Settings) -> dict[str, Sequence[str]]:
    return {"web": web_command(settings), "worker": [*FLASK, "worker"], "scheduler": [*FLASK, "scheduler"]}


def _prepare(settings: Settings, supervisor: Supervisor) -> None:
    print(f"Preparing the database of {settings.data_dir} …", flush=True)
    supervisor.step("migrations", [*FLASK, "db", "upgrade"])
    if not supervisor.stopping and not settings.is_production and _is_empty(settings):
        print("Making the demo data …", flush=True)
        supervisor.step("demo", [*FLASK, "demo", "--size", "small"])


def check_port(settings: Settings) -> None:
    """Raises ServiceError, in words, when the web server could not listen where it should."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
        try:
            probe.bind((settings.host, settings.port))
        except OSError as problem:
            raise ServiceError(_port_problem(settings, problem)) from None


def _port_problem(settings: Settings, problem: OSError) -> str:
    if problem.errno == errno.EADDRINUSE:
        other = settings.port + 1 if settings.port < 65535 else 8000
        return (
            f"Port {settings.port} on {settings.host} is taken by another program."
            f" End that one, or choose another port: PORT={other} make run"
        )
    return f"It cannot listen on {settings.host}, port {settings.port}: {problem.strerror}. Change HOST or PORT."


def _until_ready(settings: Settings, supervisor: Supervisor) -> bool:
    """True once the web server answers, False when told to stop before."""
    url = local_url(settings.host, settings.port) + "/healthz"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(READY_SECONDS * 4):
        if supervisor.pause(0.25):
            return False
        try:
            with direct.open(url, timeout=2):
                return True
        except OSError:
            continue
    raise Failed(f"the web server does not answer at {url} after {READY_SECONDS} seconds.")


def _rows(settings: Settings, query: str) -> list[str]:
    engine = sa.create_engine(settings.database_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return [str(value) for value in connection.execute(sa.text(query)).scalars()]


def _is_empty(settings: Settings) -> bool:
    return not _rows(settings, "SELECT slug FROM tenants LIMIT 1")


def _demo_logins(settings: Settings) -> list[str]:
    if settings.is_production:
        return []
    people = _rows(settings, "SELECT email FROM users WHERE email LIKE '%@harbour.example' ORDER BY email")
    by_role = {f"{slug(role)}@harbour.example" for role in _rows(settings, "SELECT DISTINCT name FROM roles")}
    return [email for email in people if email in by_role]


def _welcome(settings: Settings) -> str:
    lines = ["", f"Greenroom is at {settings.base_url}"]
    if logins := _demo_logins(settings):
        lines += ["", "Demo log-ins, password greenroom-demo (…@northwind.example is the other tenant):"]
        lines += [f"  {email}" for email in logins]
    if not settings.smtp_url:
        lines += ["", f"Mails are kept in {settings.data_dir / 'outbox'}"]
    return "\n".join([*lines, "", "Ctrl-C ends it.", ""])


if __name__ == "__main__":
    sys.exit(main())
