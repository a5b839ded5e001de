"""Removing what endangers somebody: a release, a picture or file, a name or passage. One person, at once, for good."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from pressroom.errors import NotFound, Refused
from pressroom.mailing import accompanying
from pressroom.people.account import Act
from pressroom.releases import release as releases
from pressroom.releases import vanishing, whereabouts
from pressroom.releases.asset import Asset
from pressroom.releases.release import Release
from pressroom.releases.whereabouts import File, Whereabouts
from pressroom.web import auth
from pressroom.web.desk import room, sheet
from pressroom.web.desk.room import Room
from pressroom.web.desk.sheet import Sheet
from pressroom.web.errors import status_of
from pressroom.web.publishing import the_service

bp = Blueprint("vanishing", __name__)

_SURE = "1"


@dataclass(frozen=True)
class Place:
    """A release, in how many places of it the words stand, and its documents and recordings."""

    sheet: Sheet
    count: int
    files: list[File]


@dataclass(frozen=True)
class Looked:
    """What was looked for, and found; `seal` names both, for a form whose answer has to mean these."""

    passage: str
    release_id: str | None
    found: Whereabouts

    @property
    def seal(self) -> str:
        return self.found.seal(self.passage, self.release_id)


@bp.get("/<slug>/releases/<release_id>/vanish")
def check(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.PUBLISH) as entered:
        return _page(entered, entered.release(release_id))


@bp.post("/<slug>/releases/<release_id>/vanish")
def vanish(slug: str, release_id: str) -> ResponseReturnValue:
    """The whole release; where it is asked for, those who were sent it are told that it was removed."""
    service = the_service()
    with room.enter(slug, Act.PUBLISH) as entered:
        release, now = entered.release(release_id), entered.now
        if request.form.get("sure") != _SURE:
            return _page(entered, release, wrong=_sure()), 422
    accompanying.vanish_release(
        service.database, release_id,
        tell=request.form.get("tell") == "1", now=now, by=auth.account_id(),
    )  # fmt: skip
    room.ring()
    return redirect(url_for("desk.releases.release", slug=slug, release_id=release_id), 303)


@bp.get("/<slug>/releases/<release_id>/assets/<asset_id>/vanish")
def check_asset(slug: str, release_id: str, asset_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.PUBLISH) as entered:
        return _page(entered, entered.release(release_id), _asset(entered.tx, release_id, asset_id))


@bp.post("/<slug>/releases/<release_id>/assets/<asset_id>/vanish")
def vanish_asset(slug: str, release_id: str, asset_id: str) -> ResponseReturnValue:
    service = the_service()
    with room.enter(slug, Act.PUBLISH) as entered:
        release, now = entered.release(release_id), entered.now
        asset = _asset(entered.tx, release_id, asset_id)
        if request.form.get("sure") != _SURE:
            return _page(entered, release, asset, wrong=_sure()), 422
    vanishing.vanish_asset(service.database, asset_id, now=now, by=auth.account_id())
    return redirect(url_for("desk.releases.release", slug=slug, release_id=release_id), 303)


@bp.get("/<slug>/vanish")
def search(slug: str) -> ResponseReturnValue:
    with room.enter(slug, Act.PUBLISH) as entered:
        return _search(entered, None)


@bp.post("/<slug>/vanish")
def vanish_text(slug: str) -> ResponseReturnValue:
    """First shows where the words stand; removes them once that was seen. They stand in no address, and in no log."""
    with room.enter(slug, Act.PUBLISH) as entered:
        now = entered.now
        try:
            looked = _look(entered)
        except (Refused, NotFound) as error:
            return _search(entered, None, wrong=error.message), status_of(error)
        if refused := _unseen(entered, looked):
            return refused
    passage, chosen, by = looked.passage, looked.release_id, auth.account_id()
    count = vanishing.vanish_text(the_service().database, slug, passage, release_id=chosen, now=now, by=by)
    with room.enter(slug, Act.PUBLISH) as entered:
        return render_template("desk/vanished.html", room=entered, newsroom=entered.newsroom, count=count)


def _look(entered: Room) -> Looked:
    passage = request.form.get("passage", "").strip()
    chosen = request.form.get("release_id", "").strip() or None
    if chosen:
        entered.release(chosen)
    return Looked(passage, chosen, vanishing.find_text(entered.tx, entered.newsroom.id, passage, chosen))


def _unseen(entered: Room, looked: Looked) -> ResponseReturnValue | None:
    """The page to answer with, unless what is now found was shown and somebody is sure."""
    seen = request.form.get("seen", "")
    if not seen and request.form.get("sure") != _SURE:
        return _search(entered, looked)
    if not hmac.compare_digest(seen.encode(), looked.seal.encode()):
        return _search(entered, looked, wrong=str(_("Look at what is found now, then remove it."))), 409
    return None if request.form.get("sure") == _SURE else (_search(entered, looked, wrong=_sure()), 422)


def _sure() -> str:
    return str(_("Tick that you are sure: this cannot be undone."))


def _asset(tx: Session, release_id: str, asset_id: str) -> Asset:
    asset = tx.get(Asset, asset_id)
    if asset is None or asset.release_id != release_id:
        raise NotFound("There is no such picture.")
    return asset


def _page(entered: Room, release: Release, asset: Asset | None = None, *, wrong: str | None = None) -> str:
    return render_template(
        "desk/vanish.html",
        room=entered,
        newsroom=entered.newsroom,
        sheet=sheet.of(entered.tx, entered.newsroom, release, entered.now),
        asset=asset,
        others=_others(entered, asset) if asset else [],
        wrong=wrong,
    )


def _others(entered: Room, asset: Asset) -> list[Sheet]:
    """Other releases that hold the same file."""
    ids = [one.release_id for one in whereabouts.of_asset(entered.tx, asset.id) if one.id != asset.id]
    return _sheets(entered, ids)


def _sheets(entered: Room, release_ids: list[str]) -> list[Sheet]:
    rows = [releases.get(entered.tx, one) for one in release_ids]
    return sheet.load(entered.tx, entered.newsroom, rows, entered.now)


def _search(entered: Room, looked: Looked | None, *, wrong: str | None = None) -> str:
    places = []
    if looked is not None:
        counts, files = looked.found.places, looked.found.files
        for one in _sheets(entered, list(counts)):
            own = [file for file in files if file.release_id == one.release.id]
            places.append(Place(one, counts[one.release.id], own))
    return render_template(
        "desk/vanish_text.html",
        room=entered,
        newsroom=entered.newsroom,
        looked=looked,
        places=places,
        given=request.form if request.form else request.args,
        wrong=wrong,
    )
