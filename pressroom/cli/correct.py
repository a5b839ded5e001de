"""`pressroom correct`: a public correction of what is public."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pressroom.cli.options import ManyValues, texts
from pressroom.cli.output import json_option, show

if TYPE_CHECKING:
    from pressroom.releases.correcting import Corrected


@click.command(cls=ManyValues)
@click.argument("release")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--note", "notes", multiple=True, metavar="[TAG=]TEXT", help="What readers are told, by language.")
@click.option("--minor", is_flag=True, help="Only the spelling changes: nobody is told.")
@click.option("--language", metavar="TAG", help="The language of the one file given, whatever it says.")
@click.option("--alone", metavar="REASON", help="Without the second person; all owners are told. Needs --owner.")
@click.option("--owner", metavar="EMAIL", help="With --alone: the owner who answers for it.")
@json_option
def correct(
    release: str,
    paths: tuple[Path, ...],
    notes: tuple[str, ...],
    minor: bool,
    language: str | None,
    alone: str | None,
    owner: str | None,
    as_json: bool,
) -> None:
    """Put new texts in the place of public ones, with a note that readers see; whoever had the old one is told."""
    if (alone is None) != (owner is None):
        raise click.UsageError("--alone and --owner go together.")
    if not notes and not minor:
        raise click.UsageError("Say with --note what was wrong, or --minor if only the spelling changes.")
    from pressroom.cli.opening import account_of, database_now, newsroom_of, open_service, ring
    from pressroom.cli.waiting import needs_second
    from pressroom.mailing import accompanying
    from pressroom.releases.reading import read_statements

    statements = read_statements(paths, language=language)
    service = open_service()
    said = texts(notes, newsroom_of(service, release).languages[0], "--note")
    by = account_of(service, owner) if owner else None
    done = accompanying.correct(
        service.database, release, statements, said, minor=minor, now=database_now(service), by=by, alone=alone
    )
    ring(service)
    _show(release, done, as_json=as_json)
    if done.changed and done.number is None:
        what = f"The correction of release {release} waits for a second person to publish it"
        raise needs_second(service, what, done.approvers or [])


def _show(release: str, done: Corrected, *, as_json: bool) -> None:
    if not done.changed:
        say = f"Release {release} says all of this already; nothing was corrected."
    elif done.number is None:
        say = f"The correction of release {release} waits for a second person."
    else:
        say = f"Release {release}: correction {done.number} is public ({', '.join(done.languages)})."
    result = {"id": release, "number": done.number, "changed": done.changed, "languages": list(done.languages)}
    show(as_json, result, say)
