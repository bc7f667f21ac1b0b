"""``flask demo``: fills an empty portal with demo data."""

from random import Random
from typing import Any

import click
import sqlalchemy as sa
from flask import Flask, current_app
from flask.cli import with_appcontext

from portal.core import clock
from portal.core.context import act
from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.demo import aftermath, large, loading, logins, small
from portal.demo.cast import PASSWORD, TENANTS
from portal.people.models import Tenant


def install(app: Flask) -> None:
    """Give ``app`` the command, and its log-in page the demo's log-ins."""
    app.cli.add_command(demo)
    app.extensions["demo_logins"] = logins.offered


@click.command("demo")
@click.option("--size", type=click.Choice(["small", "large"]), default="small", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same people.")
@click.option("--scale", type=float, default=1.0, hidden=True, help="A fraction of the large one.")
@with_appcontext
def demo(size: str, seed: int, scale: float) -> None:
    """Make two tenants with people, candidates and interviews to look at (small) or to measure with (large)."""
    if current_app.extensions["greenroom"].is_production:
        raise click.ClickException("There are no demo data with ENV=production: everyone knows their password.")
    if is_there(db.session):
        click.echo("The demo tenants are there already; nothing was changed.")
        raise SystemExit(0 if size == "small" else 1)
    session, random, at = db.session(), Random(seed), clock.now()
    with act(label="demo"):
        casts = (
            small.make(session, random, at) if size == "small" else large.make(session, random, at, click.echo, scale)
        )
        aftermath.settle(session, [cast.tenant.id for cast in casts], at)
        session.commit()
    if size == "large":
        loading.tidy(db.engine)
    click.echo(f"Log in as hr@{TENANTS[0][1]} with the password {PASSWORD}.")


def is_there(session: Any) -> bool:
    """Whether there is any of the demo's tenants."""
    with everywhere(session):
        names = [name for name, _, _ in TENANTS]
        return session.scalar(sa.select(Tenant.id).where(Tenant.name.in_(names)).limit(1)) is not None
