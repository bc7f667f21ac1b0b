"""``/metrics`` for Prometheus: requests and queries of the web processes, and how the messages stand.

Several gunicorn workers share their figures through the files of PROMETHEUS_MULTIPROC_DIR, which the start of the
web server sets; one process alone needs none.
"""

import ipaddress
import os
import secrets
import time
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from sqlalchemy import event

from portal.core import clock
from portal.core.db import db
from portal.core.errors import Missing
from portal.messaging import queries
from portal.sockets.seats import SOCKETS

blueprint = Blueprint("metrics", __name__)
REQUESTS = Counter("greenroom_requests", "Requests answered.", ("method", "endpoint", "status"))
SECONDS = Histogram(
    "greenroom_request_seconds", "Time from a request to its answer.", ("endpoint",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip
QUERIES = Counter("greenroom_queries", "Statements sent to the database.")


def install(app: Flask) -> None:
    app.register_blueprint(blueprint)

    @app.before_request
    def _begin() -> None:
        g.metrics_started = time.perf_counter()

    @app.after_request
    def _end(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        REQUESTS.labels(request.method, endpoint, response.status_code).inc()
        if started := g.get("metrics_started"):
            SECONDS.labels(endpoint).observe(time.perf_counter() - started)
        return response

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *args: QUERIES.inc())


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """With METRICS_TOKEN set, who sends it as a bearer token; without one, who asks from this machine."""
    if not _permitted():
        raise Missing
    text = generate_latest(_collected()) + generate_latest(_standing())
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def _permitted() -> bool:
    wanted = current_app.extensions["greenroom"].metrics_token
    if wanted:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return secrets.compare_digest(given.encode(), wanted.encode())
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _collected() -> CollectorRegistry:
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        _forget_the_dead(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        for figure in (REQUESTS, SECONDS, QUERIES, SOCKETS):
            registry.register(figure)
    return registry


def _forget_the_dead(folder: Path) -> None:
    """What a process had open when it was killed is open no longer, and it could not say so."""
    for file in folder.glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]


def _standing() -> CollectorRegistry:
    """How the messages stand, read from the database at each scrape."""
    registry, at = CollectorRegistry(), clock.now()
    found = queries.standing(db.session(), at)

    def gauge(name: str, text: str, value: float) -> None:
        Gauge(f"greenroom_{name}", text, registry=registry).set(value)

    gauge("events_undone", "Events that wait to be told of.", found.events)
    gauge("oldest_undone_seconds", "How long the oldest event or message that is due has waited.",
          found.oldest.total_seconds())  # fmt: skip
    gauge("reminders_ahead", "Reminders of the next 24 hours.", found.reminders)
    gauge("queue_answers", "Whether Redis answers.", float(current_app.extensions["queue_answers"]()))
    by_status = Gauge("greenroom_deliveries", "Messages that wait, or were given up.", ("status",), registry=registry)
    for status, count in found.deliveries.items():
        by_status.labels(status).set(count)
    lately = Gauge(
        "greenroom_deliveries_last_hour", "Messages made in the last hour, by what became of them so far.",
        ("channel", "status"), registry=registry,
    )  # fmt: skip
    for (channel, status), count in queries.last_hour(db.session(), at).items():
        lately.labels(channel, status).set(count)
    return registry
