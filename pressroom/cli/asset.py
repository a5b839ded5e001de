"""`pressroom asset`: the pictures and files of a release."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pressroom.cli.options import ManyValues, texts
from pressroom.cli.output import json_option, show

if TYPE_CHECKING:
    from pressroom.releases.asset import Asset, Rendition
    from pressroom.service import Service


@click.group()
def asset() -> None:
    """Show, add and cover the pictures and files of a release."""


@asset.command("list")
@click.argument("release")
@json_option
def list_(release: str, as_json: bool) -> None:
    """List them, with what was done for the safety of the people in them."""
    from pressroom.cli.opening import open_service

    shown = _of_release(open_service(), release)
    show(as_json, {"id": release, "assets": shown}, *(_line(one) for one in shown))


@asset.command(cls=ManyValues)
@click.argument("release")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--alt", "alts", multiple=True, metavar="[TAG=]TEXT", help="What it shows, by language.")
@click.option("--caption", "captions", multiple=True, metavar="[TAG=]TEXT", help="What stands below it, by language.")
@click.option("--credit", default="", metavar="TEXT", help="Who made it.")
@click.option("--licence", default="", metavar="TEXT", help="Under which licence it may be used.")
@json_option
def add(
    release: str,
    file: Path,
    alts: tuple[str, ...],
    captions: tuple[str, ...],
    credit: str,
    licence: str,
    as_json: bool,
) -> None:
    """Add a picture, PDF or recording to the texts of a release that are not public yet."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.releases import illustrating
    from pressroom.releases import release as releases
    from pressroom.releases.illustrating import Description
    from pressroom.releases.newsroom import Newsroom

    service = open_service()
    with service.database.reading() as tx:
        first = tx.get_one(Newsroom, releases.get(tx, release).newsroom_id).languages[0]
    alt, caption = texts(alts, first, "--alt"), texts(captions, first, "--caption")
    said = {
        tag: Description(alt.get(tag, ""), caption.get(tag, ""), credit, licence)
        for tag in dict.fromkeys((*alt, *caption))
    }
    asset_id = illustrating.attach(
        service.database, release, file.name, _read(file), said or {first: Description(credit=credit, licence=licence)},
        now=database_now(service), by=None,
    )  # fmt: skip
    one = next(one for one in _of_release(service, release) if one["id"] == asset_id)
    show(as_json, {**one, "release": release}, f"Added {_line(one)}")


@asset.command(cls=ManyValues)
@click.argument("asset_id", metavar="ID")
@click.option(
    "--box", "boxes", multiple=True, required=True, metavar="L,T,W,H",
    help="A part, in fractions of the picture from 0 to 1: its left and top edge, its width and height.",
)  # fmt: skip
@json_option
def cover(asset_id: str, boxes: tuple[str, ...], as_json: bool) -> None:
    """Blacken parts of a picture for good, in every size; its faces have to be checked anew."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.releases import covering
    from pressroom.releases.covering import Box

    parts = [Box(*_fractions(one)) for one in boxes]
    service = open_service()
    covering.cover(service.database, asset_id, parts, now=database_now(service))
    _show_one(service, asset_id, f"Covered {len(parts)} part(s) of {asset_id}.", as_json=as_json)


@asset.command()
@click.argument("asset_id", metavar="ID")
@json_option
def check(asset_id: str, as_json: bool) -> None:
    """Say that you looked at the faces in a picture, and that it may be shown."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.releases import covering

    service = open_service()
    covering.check_faces(service.database, asset_id, now=database_now(service), by=None)
    _show_one(service, asset_id, f"The faces in {asset_id} are checked.", as_json=as_json)


def _read(file: Path) -> bytes:
    from pressroom.errors import Refused
    from pressroom.releases.receiving import LARGEST

    try:
        if file.stat().st_size > LARGEST:
            raise Refused(f"{file.name} is larger than {LARGEST // 1024 // 1024} MB; make it smaller first.")
        return file.read_bytes()
    except OSError as error:
        raise Refused(f"{file.name} cannot be read ({error.strerror}).") from None


def _fractions(written: str) -> tuple[float, float, float, float]:
    try:
        left, top, width, height = (float(part) for part in written.split(","))
    except ValueError:
        raise click.UsageError(f"--box {written} is not four numbers from 0 to 1, such as 0.2,0.1,0.15,0.2.") from None
    return left, top, width, height


def _of_release(service: Service, release_id: str) -> list[dict[str, Any]]:
    from pressroom.releases import asset as assets
    from pressroom.releases import release as releases

    with service.database.reading() as tx:
        found = assets.of_release(tx, releases.get(tx, release_id).id)
        renditions = assets.renditions(tx, [one.id for one in found])
        return [_facts(service, one, list(renditions[one.id].values())) for one in found]


def _facts(service: Service, one: Asset, renditions: list[Rendition]) -> dict[str, Any]:
    base = service.config.base_url
    return {
        "id": one.id,
        "kind": one.kind.value,
        "covered_at": one.covered_at.isoformat() if one.covered_at else None,
        "checked_at": one.checked_at.isoformat() if one.checked_at else None,
        "sizes": {
            of.size.value: {"url": base + of.path, "width": of.width, "height": of.height, "bytes": of.length}
            for of in sorted(renditions, key=lambda of: of.length)
        },
    }


def _line(one: dict[str, Any]) -> str:
    """Such as “4k2m9x0c7tqa: picture, 1600 × 1067, 214 kB; covered; faces checked”."""
    web = one["sizes"].get("web", {})
    pixels = f", {web['width']} × {web['height']}" if web.get("width") else ""
    length = f", {max(1, web['bytes'] // 1000)} kB" if web else ""
    done = ("; covered" if one["covered_at"] else "") + ("; faces checked" if one["checked_at"] else "")
    return f"{one['id']}: {one['kind']}{pixels}{length}{done}"


def _show_one(service: Service, asset_id: str, sentence: str, *, as_json: bool) -> None:
    from pressroom.releases import asset as assets

    with service.database.reading() as tx:
        one = assets.get(tx, asset_id)
        facts = _facts(service, one, list(assets.renditions(tx, [one.id])[one.id].values()))
        show(as_json, {**facts, "release": one.release_id}, sentence)
