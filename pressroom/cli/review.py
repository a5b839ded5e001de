"""`pressroom review`: asks for a review. Approving takes a person at the desk."""

from __future__ import annotations

import click

from pressroom.cli.output import json_option, show


@click.command()
@click.argument("release")
@json_option
def review(release: str, as_json: bool) -> None:
    """Put a draft before a second person, who approves it at the desk; no command approves anything."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.people import inviting
    from pressroom.releases import approving
    from pressroom.releases import release as releases

    service = open_service()
    approving.ask(service.database, release, now=database_now(service), by=None)
    with service.database.reading() as tx:
        newsroom_id = releases.get(tx, release).newsroom_id
        waiting = approving.approvers(tx, newsroom_id, approving.lacking(tx, approving.newest_of(tx, release)))
        names = inviting.addresses_of(tx, service.keyring, waiting)
    who = f": {', '.join(names)}" if names else "; add an owner or editor with `pressroom user add`"
    show(
        as_json, {"id": release, "status": "in_review", "approvers": names},
        f"Release {release} waits for somebody who did not write it{who}.",
    )  # fmt: skip
