"""`pressroom user`: accounts for the desk."""

from __future__ import annotations

import sys

import click

from pressroom.cli.output import json_option, show

_ROLES = ("owner", "editor", "author", "viewer")


@click.group()
def user() -> None:
    """Accounts for the desk."""


@user.command()
@click.argument("email")
@click.option("--role", required=True, type=click.Choice(_ROLES), help="What they may do in the newsroom.")
@click.option("--newsroom", "newsroom_slug", required=True, metavar="SLUG")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@json_option
def add(email: str, role: str, newsroom_slug: str, password_stdin: bool, as_json: bool) -> None:
    """Add an account, or give a known one a role in another newsroom.

    Without a password it prints a link, good once and for a week, with which its owner sets one.
    """
    from pressroom.cli.opening import database_now, open_service
    from pressroom.mailing import address
    from pressroom.people import inviting
    from pressroom.people.account import Role
    from pressroom.releases import newsroom as newsrooms

    parsed = address.parse(email)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    service = open_service()
    with service.database.reading() as tx:
        newsroom_id = newsrooms.by_slug(tx, newsroom_slug).id
    added = inviting.add(
        service.database, service.keyring, parsed, Role(role), newsroom_id,
        now=database_now(service), password=password,
    )  # fmt: skip
    link = f"{service.config.base_url}/login/invitation/{added.token}" if added.token else None
    result = {"email": parsed, "role": role, "newsroom": newsroom_slug, "invitation": link}
    lines = [f"{parsed} is now {role} of “{newsroom_slug}”."]
    if link:
        lines.append(f"Give them this link; it works once, for a week: {link}")
    show(as_json, result, *lines)


@user.command()
@click.argument("email")
@json_option
def disable(email: str, as_json: bool) -> None:
    """Disable an account: its sessions and invitations end at once."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.people import inviting

    service = open_service()
    changed = inviting.disable(service.database, service.keyring, email, now=database_now(service))
    show(as_json, {"email": email, "changed": changed}, f"{email} {'is' if changed else 'was'} disabled.")
