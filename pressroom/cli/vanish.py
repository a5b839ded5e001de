"""`pressroom vanish`: removes for good what endangers somebody."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from pressroom.cli.output import json_option, show

if TYPE_CHECKING:
    from pressroom.service import Service

_REMAINS = (
    "What cannot be called back: mail that was sent, copies that others took, feeds that were read, and backups; "
    "delete those you have. Folders made by `pressroom export` keep it until you export again. What documents, "
    "recordings and pictures say is not looked at."
)


@click.command()
@click.argument("release", required=False)
@click.option("--asset", metavar="ID", help="Only this picture or file.")
@click.option("--text", "passage", metavar="TEXT", help="Only these words; - reads them from standard input.")
@click.option("--newsroom", "newsroom_slug", metavar="SLUG", help="With --text: in all its releases.")
@click.option("--release", "only", metavar="ID", help="With --text: in this release only.")
@click.option("--tell", is_flag=True, help="Ask those who were sent the release to delete it.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def vanish(
    release: str | None,
    asset: str | None,
    passage: str | None,
    newsroom_slug: str | None,
    only: str | None,
    tell: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove a release, a picture, or words, for good and everywhere it is held. Nobody has to agree.

    What it said before stays in a shell's history: give words with --text - on standard input.
    """
    if [release, asset, passage].count(None) != 2:
        raise click.UsageError("Name one thing: a RELEASE, --asset ID, or --text TEXT.")
    if (passage is None) is not (newsroom_slug is None) or (only and passage is None) or (tell and release is None):
        raise click.UsageError("--newsroom and --release go with --text, --tell with a RELEASE.")
    from pressroom.cli.opening import open_service

    words = sys.stdin.read().strip() if passage == "-" else passage
    service = open_service()
    found = _found(service, release, asset, words, newsroom_slug, only)
    if not dry_run:
        _confirm(found, from_stdin=passage == "-", yes=yes)
        _remove(service, release, asset, words, newsroom_slug, only, tell=tell)
    done = "would be removed" if dry_run else "was removed"
    lines = [f"{line} {done}." for line in _lines(found)]
    show(as_json, {**found, "removed": not dry_run}, *lines, *_stays(found), _REMAINS)


def _found(
    service: Service, release: str | None, asset: str | None, words: str | None, slug: str | None, only: str | None
) -> dict[str, Any]:
    """What it concerns; never what it says. Raises NotFound and Refused."""
    from pressroom.releases import newsroom as newsrooms
    from pressroom.releases import release as releases
    from pressroom.releases import translation as translations
    from pressroom.releases import vanishing, whereabouts

    with service.database.reading() as tx:
        if release is not None:
            tags = sorted(translations.of_release(tx, releases.get(tx, release).id))
            return {"release": release, "languages": tags}
        if asset is not None:
            return {"asset": asset, "releases": [one.release_id for one in whereabouts.of_asset(tx, asset)]}
        newsroom_id = newsrooms.by_slug(tx, slug or "").id
        found = vanishing.find_text(tx, newsroom_id, words or "", only)
    return {
        "places": found.places,
        "in_newsroom": found.in_newsroom,
        "beats": len(found.beats),
        "shared_beats": len(found.shared),
        "files": [{"release": one.release_id, "asset": one.asset_id, "name": one.name} for one in found.files],
    }


def _lines(found: dict[str, Any]) -> list[str]:
    """What goes, each the beginning of a sentence."""
    if "places" in found:
        lines = [
            f"Release {one}: what stood in {count} place{'' if count == 1 else 's'}"
            for one, count in found["places"].items()
        ]
        if found["in_newsroom"]:
            lines.append("What stood in the newsroom's own texts, or in its record,")
        if found["beats"]:
            lines.append(f"What stood in the names and addresses of {found['beats']} beat(s)")
        return lines or ["The words stand nowhere: nothing"]
    if "asset" in found:
        return [f"Release {one}: asset {found['asset']}, or the same file," for one in found["releases"]]
    return [f"Release {found['release']} ({', '.join(found['languages'])})"]


def _stays(found: dict[str, Any]) -> list[str]:
    """What is not covered, in whole sentences."""
    lines = [
        f"Release {one['release']}: the contents of {one['name']} (asset {one['asset']}) are not searched; open it, "
        "and remove it with --asset if it holds the words."
        for one in found.get("files", [])
    ]
    if found.get("shared_beats"):
        lines.append(
            f"{found['shared_beats']} beat(s) hold the words and stay, because other releases carry them: leave "
            "--release out to change them."
        )
    return lines


def _confirm(found: dict[str, Any], *, from_stdin: bool, yes: bool) -> None:
    if yes:
        return
    if from_stdin or not sys.stdin.isatty():
        raise click.UsageError("This cannot be undone: say --yes.")
    for line in _lines(found):
        click.echo(f"{line} will be removed.", err=True)
    for line in _stays(found):
        click.echo(line, err=True)
    click.confirm("This cannot be undone. Remove it for good?", abort=True, err=True)


def _remove(
    service: Service,
    release: str | None,
    asset: str | None,
    words: str | None,
    slug: str | None,
    only: str | None,
    *,
    tell: bool,
) -> None:
    from pressroom.cli.opening import database_now, ring
    from pressroom.mailing import accompanying
    from pressroom.releases import vanishing

    now = database_now(service)
    if release is not None:
        accompanying.vanish_release(service.database, release, tell=tell, now=now)
    elif asset is not None:
        vanishing.vanish_asset(service.database, asset, now=now)
    else:
        vanishing.vanish_text(service.database, slug or "", words or "", release_id=only, now=now)
    ring(service)
