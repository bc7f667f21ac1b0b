"""The commands: ``flask --app wsgi …``. Each parses, calls, and says in words what came of it."""

import importlib
import os
import sys
from typing import Any
from uuid import UUID

import click
import sqlalchemy as sa
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from portal import doctor as checks
from portal import loops
from portal.core import clock
from portal.core.context import act
from portal.core.db import db
from portal.core.errors import Invalid
from portal.core.queue import QUEUES
from portal.core.tenancy import everywhere, tenant_scope
from portal.core.types import Zone
from portal.core.workflow import Change
from portal.hiring.actions import add_pipeline
from portal.messaging import actions as messages
from portal.messaging import queries
from portal.people import actions
from portal.people.models import ApiToken, Role, Tenant, User
from portal.practice.checklists import add_starters

user = AppGroup("user", help="Users.")
token = AppGroup("token", help="Tokens for the API.")
outbox = AppGroup("outbox", help="Messages on their way.")


def install(app: Flask) -> None:
    """Give ``app`` its commands."""
    for command in (user, token, outbox, worker, scheduler, doctor, serve):
        app.cli.add_command(command)
    _install_demo(app)


def _install_demo(app: Flask) -> None:
    """The command and the log-ins of the demo data, which a production may leave out."""
    try:
        commands = importlib.import_module("portal.demo.commands")
    except ModuleNotFoundError as missing:
        if not (missing.name or "").startswith("portal.demo"):
            raise
        return
    commands.install(app)


# --- processes --------------------------------------------------------------------------------------


@click.command()
@click.option("--queue", "queues", multiple=True, type=click.Choice(QUEUES), help="Only these (default: all).")
@with_appcontext
def worker(queues: tuple[str, ...]) -> None:
    """Do what is waiting in the queues, until told to stop."""
    loops.work(loops.the_app(), queues or QUEUES)


@click.command()
@with_appcontext
def scheduler() -> None:
    """Send reminders when they are due, and see to what was left undone. Of several, one is active."""
    loops.schedule(loops.the_app())


@click.command()
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--threads", default=8, show_default=True, help="Threads in each.")
@with_appcontext
def serve(workers: int, threads: int) -> None:
    """Serve the pages with gunicorn at HOST and PORT: the web process for production."""
    from portal.run import clean_metrics, web_command

    settings = current_app.extensions["greenroom"]
    os.environ.update(clean_metrics(settings))
    command = web_command(settings, workers=workers, threads=threads)
    os.execv(command[0], command)


@click.command()
@with_appcontext
def doctor() -> None:
    """Check database, migrations, queue, mail and clock; the exit code is 1 where something is wrong."""
    findings = checks.examine(loops.the_app())
    for finding in findings:
        click.echo(f"{'ok   ' if finding.good else 'WRONG'}  {finding.what:<11} {finding.says}")
    sys.exit(0 if all(finding.good for finding in findings) else 1)


# --- messages ---------------------------------------------------------------------------------------


@outbox.command("status")
@with_appcontext
def outbox_status() -> None:
    """How many messages wait, were sent and failed."""
    found = queries.standing(db.session(), clock.now())
    reminders, by_status = queries.totals(db.session())
    click.echo(
        f"events that wait   {found.events}" + (f", {found.events_failing} failing" if found.events_failing else "")
    )
    click.echo(f"oldest that is due {int(found.oldest.total_seconds())} s")
    click.echo(f"reminders to come  {reminders}")
    for status, count in sorted(by_status.items()):
        click.echo(f"messages {status:<9} {count}")
    for row in queries.dead(db.session()):
        click.echo(f"  {row.id}  {row.kind} to {row.address}: {row.last_error}")


@outbox.command("retry")
@with_appcontext
def outbox_retry() -> None:
    """Send all messages again that were given up."""
    with act(label="outbox retry"):
        count = messages.resend_all(db.session(), Change(clock.now()))
        db.session.commit()
    click.echo(f"{count} message{'' if count == 1 else 's'} queued again.")


# --- people -----------------------------------------------------------------------------------------


@user.command("create")
@click.option("--email", required=True)
@click.option("--name", required=True, help="The full name.")
@click.option("--tenant", help="Name or slug; needed where there are several.")
@click.option("--new-tenant", help="Make this tenant first, with its roles, its pipeline and checklists to start from.")
@click.option("--role", "roles", multiple=True, default=["System Admin"], show_default=True)
@click.option("--timezone", default="", help="An IANA zone such as Europe/Berlin (default: the tenant's).")
@click.option("--password", envvar="GREENROOM_PASSWORD", help="Asked for where it is not given.")
@with_appcontext
def user_create(
    email: str, name: str, tenant: str | None, new_tenant: str | None, roles: tuple[str, ...], timezone: str,
    password: str | None,
) -> None:  # fmt: skip
    """Make a user who can log in."""
    session = db.session()
    password = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with act(label="user create"), everywhere(session), _in_words():
        owner = _new_tenant(session, new_tenant, timezone) if new_tenant else _tenant(session, tenant)
        with tenant_scope(owner.id, session):
            made = actions.create_user(
                session, email=email, full_name=name, roles=_roles(session, roles), password=password,
                timezone=timezone or owner.timezone,
            )  # fmt: skip
            session.commit()
            click.echo(f"{made.full_name} <{made.email}> can log in to {owner.name}.")


@token.command("create")
@click.option("--email", required=True, help="Whose token it is: it may do what they may.")
@click.option("--name", required=True, help="What it is for.")
@click.option("--tenant", help="Name or slug; needed where the address is in several tenants.")
@click.option("--days", default=365, show_default=True, help="How long it is good for; 0 for ever.")
@click.option("--read-only", is_flag=True, help="It reads, and changes nothing.")
@click.option("--scope", multiple=True, help="It may do just this of what its owner may, such as read:interviews.")
@with_appcontext
def token_create(
    email: str, name: str, tenant: str | None, days: int, read_only: bool, scope: tuple[str, ...]
) -> None:  # fmt: skip
    """Make a token for the API; the last line is the token alone, and it is never shown again."""
    session = db.session()
    with act(label="token create"), everywhere(session), _in_words():
        owner = _user(session, email, tenant)
        with tenant_scope(owner.tenant_id, session):
            within = [*(actions.READ_ONLY if read_only else ()), *scope] or None
            secret = actions.issue_token(session, owner, name, at=clock.now(), days=days or None, scope=within)
            session.commit()
    click.echo(secret)


@token.command("list")
@click.option("--email", help="Whose; left out, everybody's.")
@with_appcontext
def token_list(email: str | None) -> None:
    """The tokens there are: key, owner, name, scope, last use, end."""
    session = db.session()
    mine = sa.and_(User.tenant_id == ApiToken.tenant_id, User.id == ApiToken.user_id)
    query = sa.select(ApiToken, User.email).join(User, mine).order_by(User.email, ApiToken.id)
    with everywhere(session):
        for row, owner in session.execute(query.where(User.email == email.strip().lower()) if email else query):
            scope = " ".join(row.scope) if row.scope is not None else "all that its owner may"
            used = f"used {row.last_used_at:%Y-%m-%d %H:%M} UTC" if row.last_used_at else "never used"
            ends = f"until {row.expires_at:%Y-%m-%d} UTC" if row.expires_at else "for ever"
            click.echo(f"{row.id}  {owner}  {row.name}  ({scope}; {used}; {ends})")


@token.command("revoke")
@click.argument("key", type=click.UUID)
@with_appcontext
def token_revoke(key: UUID) -> None:
    """End a token, by its key in the list."""
    session = db.session()
    with act(label="token revoke"), everywhere(session):
        row = session.scalar(sa.select(ApiToken).where(ApiToken.id == key))
        if row is None:
            raise click.ClickException("There is no such token.")
        session.delete(row)
        session.commit()
    click.echo("Revoked.")


class _in_words:
    """What the portal refuses is a line for whoever typed the command, not a traceback."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Invalid):
            lines = [f"{field}: {text}" if field else text for field, texts in error.errors.items() for text in texts]
            raise click.ClickException("; ".join(lines)) from error


def _tenant(session: Any, wanted: str | None) -> Tenant:
    tenants: list[Tenant] = list(session.scalars(sa.select(Tenant).order_by(Tenant.name)))
    found = [t for t in tenants if wanted in (None, t.name, t.slug)]
    if len(found) == 1:
        return found[0]
    if not tenants:
        raise click.ClickException("There is no tenant yet: make one with --new-tenant NAME.")
    raise click.ClickException(f"Say which tenant with --tenant: {', '.join(t.slug for t in tenants)}.")


def _new_tenant(session: Any, name: str, timezone: str) -> Tenant:
    if session.scalar(sa.select(Tenant.id).where(Tenant.name == name)):
        raise click.ClickException(f"There is a tenant “{name}” already: --tenant “{name}”.")
    try:
        zone = Zone.clean(timezone or "UTC")
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    tenant = actions.create_tenant(session, name, zone)
    with tenant_scope(tenant.id, session):
        add_pipeline(session)
        add_starters(session, Change(clock.now()))
    return tenant


def _roles(session: Any, names: tuple[str, ...]) -> list[Role]:
    known = {role.name: role for role in session.scalars(sa.select(Role))}
    if missing := [name for name in names if name not in known]:
        raise click.ClickException(f"No such role: {', '.join(missing)}. There are: {', '.join(sorted(known))}.")
    return [known[name] for name in names]


def _user(session: Any, email: str, tenant: str | None) -> User:
    query = sa.select(User, Tenant).join(Tenant, Tenant.id == User.tenant_id).where(User.email == email.strip().lower())
    rows = [row for row in session.execute(query) if tenant in (None, row.Tenant.slug, row.Tenant.name)]
    if not rows:
        raise click.ClickException(f"There is no user {email}" + (f" in {tenant}." if tenant else "."))
    if len(rows) > 1:
        slugs = ", ".join(row.Tenant.slug for row in rows)
        raise click.ClickException(f"{email} is in several tenants, say which with --tenant: {slugs}.")
    if not rows[0].User.active:
        raise click.ClickException(f"The account of {email} is not active.")
    found: User = rows[0].User
    return found
