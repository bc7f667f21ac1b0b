"""Two answers for a load balancer: the process lives; the process can do its work."""

import sqlalchemy as sa
from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from portal.core import logs
from portal.core.db import db

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> ResponseReturnValue:
    return {"status": "ok"}


@blueprint.get("/readyz")
def ready() -> ResponseReturnValue:
    """503 until the database answers; the queue may be down, since nothing is lost without it."""
    try:
        with db.engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError as error:
        logs.get().error("database does not answer", error=str(error))
        return {"status": "unavailable", "database": False}, 503
    return {"status": "ok", "database": True, "queue": current_app.extensions["queue_answers"]()}
