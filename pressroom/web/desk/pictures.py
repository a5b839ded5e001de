"""The pictures and files of a release: brought in, described, looked at for faces, covered, taken out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from pressroom.errors import Conflict, NotFound, PressroomError, Refused
from pressroom.feeds.shown import facts
from pressroom.people.account import Act
from pressroom.releases import asset as assets
from pressroom.releases import covering, illustrating, visibility
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases.asset import Asset, Kind, Rendition, RevisionAsset, Size
from pressroom.releases.covering import Box
from pressroom.releases.illustrating import Description
from pressroom.releases.picture_header import is_picture
from pressroom.releases.release import Release
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility
from pressroom.web import auth
from pressroom.web.desk import room
from pressroom.web.desk.room import Room
from pressroom.web.errors import status_of
from pressroom.web.publishing import the_service

bp = Blueprint("pictures", __name__)

_ASSET = "/<slug>/releases/<release_id>/pictures/<asset_id>"
_EMPTY_ROWS = 4
_EDGES = ("left", "top", "width", "height")


@dataclass(frozen=True)
class Held:
    """`said` is by language, None where the newest text does not have it; `open` are those that may still change."""

    asset: Asset
    renditions: dict[Size, Rendition]
    said: dict[str, RevisionAsset | None]
    open: list[str]

    @property
    def web(self) -> Rendition:
        return self.renditions[Size.WEB]

    @property
    def is_picture(self) -> bool:
        return self.asset.kind is Kind.PICTURE


@bp.get("/<slug>/releases/<release_id>/pictures")
def pictures(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.READ) as entered:
        return _page(entered, entered.release(release_id))


@bp.post("/<slug>/releases/<release_id>/pictures")
def attach(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.WRITE) as entered:
        open_tags = _open(entered, entered.release(release_id))
        now = entered.now
    file = request.files.get("file")
    try:
        if file is None or not file.filename:
            raise Refused(_("Choose a file first."))
        data, said = file.read(), {tag: _said(f"-{tag}") for tag in open_tags}
        if is_picture(data) and not all(one.alt for one in said.values()):
            raise Refused(_("Say in each language what the picture shows, for those who cannot see it."))
        illustrating.attach(
            the_service().database, release_id, file.filename, data, said, now=now, by=auth.account_id()
        )
    except (Refused, Conflict) as error:
        return _again(slug, release_id, error)
    return _back(slug, release_id)


@bp.post(f"{_ASSET}/texts")
def describe(slug: str, release_id: str, asset_id: str) -> ResponseReturnValue:
    """All four texts of one language."""
    now = _enter(slug, release_id)
    try:
        illustrating.describe(
            the_service().database, release_id, asset_id, request.form.get("language", ""), _said(""),
            now=now, by=auth.account_id(),
        )  # fmt: skip
    except (Refused, Conflict) as error:
        return _again(slug, release_id, error)
    return _back(slug, release_id)


@bp.post(f"{_ASSET}/detach")
def detach(slug: str, release_id: str, asset_id: str) -> ResponseReturnValue:
    now = _enter(slug, release_id)
    try:
        illustrating.detach(the_service().database, release_id, asset_id, now=now, by=auth.account_id())
    except (Refused, Conflict) as error:
        return _again(slug, release_id, error)
    return _back(slug, release_id)


@bp.post(f"{_ASSET}/faces")
def check_faces(slug: str, release_id: str, asset_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.WRITE) as entered:
        _held(entered, release_id, asset_id)
        now = entered.now
    try:
        covering.check_faces(the_service().database, asset_id, now=now, by=auth.account_id())
    except Refused as error:
        return _again(slug, release_id, error)
    return _back(slug, release_id)


@bp.get(f"{_ASSET}/cover")
def prepare_cover(slug: str, release_id: str, asset_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.WRITE) as entered:
        return _cover_page(entered, release_id, asset_id)


@bp.post(f"{_ASSET}/cover")
def cover(slug: str, release_id: str, asset_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.WRITE) as entered:
        _held(entered, release_id, asset_id)
        now = entered.now
    try:
        covering.cover(the_service().database, asset_id, _boxes(), now=now, by=auth.account_id())
    except (Refused, Conflict) as error:
        with room.enter(slug, Act.WRITE) as entered:
            return _cover_page(entered, release_id, asset_id, wrong=error.message), status_of(error)
    return redirect(url_for(".prepare_cover", slug=slug, release_id=release_id, asset_id=asset_id, covered=1), 303)


def _enter(slug: str, release_id: str) -> Any:
    with room.enter(slug, Act.WRITE) as entered:
        entered.release(release_id)
        return entered.now


def _back(slug: str, release_id: str) -> ResponseReturnValue:
    return redirect(url_for(".pictures", slug=slug, release_id=release_id), 303)


def _again(slug: str, release_id: str, error: PressroomError) -> ResponseReturnValue:
    with room.enter(slug, Act.READ) as entered:
        return _page(entered, entered.release(release_id), wrong=error.message), status_of(error)


def _said(suffix: str) -> Description:
    """Credit and licence are asked for once where alt and caption are asked for in each language."""
    given = request.form
    return Description(
        given.get(f"alt{suffix}", "").strip(), given.get(f"caption{suffix}", "").strip(),
        given.get("credit", "").strip(), given.get("licence", "").strip(),
    )  # fmt: skip


def _boxes() -> list[Box]:
    """Percents of the picture, row by row; an empty row is none. Raises Refused for what is no number."""
    rows = zip(*(request.form.getlist(edge) for edge in _EDGES), strict=False)
    try:
        return [Box(*(float(value.replace(",", ".")) / 100 for value in row)) for row in rows if any(row)]
    except ValueError:
        raise Refused(_("Give each part as four numbers between 0 and 100.")) from None


def _open(entered: Room, release: Release) -> list[str]:
    """The languages whose text may still change."""
    rank = {tag: number for number, tag in enumerate(entered.newsroom.languages)}
    found = translations.of_release(entered.tx, release.id)
    hidden = [tag for tag, one in found.items() if _is_hidden(entered, release, one)]
    return sorted(hidden, key=lambda tag: (rank.get(tag, len(rank)), tag)) if release.removed_at is None else []


def _is_hidden(entered: Room, release: Release, translation: Translation) -> bool:
    hidden = visibility.of_translation(release, translation, entered.now) is Visibility.HIDDEN
    return hidden and release.retracted_at is None


def _all(entered: Room, release: Release) -> list[Held]:
    """Those that the newest texts have first, then those that only earlier ones do."""
    tx = entered.tx
    every = assets.of_release(tx, release.id)
    renditions = assets.renditions(tx, [one.id for one in every])
    said: dict[str, dict[str, RevisionAsset | None]] = {one.id: {} for one in every}
    for tag, translation in sorted(translations.of_release(tx, release.id).items()):
        newest = revisions.newest(tx, translation.id)
        rows = assets.of_revision(tx, newest.id) if newest else []
        for one in every:
            said[one.id][tag] = next((row for row, asset in rows if asset.id == one.id), None)
    tags = _open(entered, release)
    held = [Held(one, renditions[one.id], said[one.id], tags) for one in every if renditions[one.id]]
    return sorted(held, key=lambda one: not any(one.said.values()))


def _held(entered: Room, release_id: str, asset_id: str) -> Held:
    """Raises NotFound, also for one of another release."""
    found = [one for one in _all(entered, entered.release(release_id)) if one.asset.id == asset_id]
    if not found:
        raise NotFound("There is no such picture in this release.")
    return found[0]


def _page(entered: Room, release: Release, *, wrong: str | None = None) -> str:
    return render_template(
        "desk/pictures.html",
        room=entered,
        newsroom=entered.newsroom,
        release=release,
        held=_all(entered, release),
        open=_open(entered, release),
        here={"slug": entered.newsroom.slug, "release_id": release.id},
        facts=facts,
        given=request.form,
        wrong=wrong,
    )


def _cover_page(entered: Room, release_id: str, asset_id: str, *, wrong: str | None = None) -> str:
    one = _held(entered, release_id, asset_id)
    if not one.is_picture:
        raise NotFound("Only a picture can be covered.")
    given = list(zip(*(request.form.getlist(edge) for edge in _EDGES), strict=False)) if wrong else []
    return render_template(
        "desk/cover.html",
        room=entered,
        newsroom=entered.newsroom,
        one=one,
        rows=[*given, *[("",) * 4] * max(1, _EMPTY_ROWS - len(given))],
        here={"slug": entered.newsroom.slug, "release_id": release_id},
        may_cover=entered.may("publish") or not assets.said_in_public(entered.tx, asset_id, entered.now),
        covered="covered" in request.args,
        wrong=wrong,
    )
