"""Removing what endangers somebody: a release, a picture or file, a name or passage. One person, at once, for good."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from pressroom.errors import NotFound, Refused
from pressroom.mailing import accompanying
from pressroom.people.account import Act
from pressroom.releases import release as releases
from pressroom.releases import vanishing
from pressroom.releases.asset import Asset
from pressroom.releases.release import Release
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
    """A release, and in how many places of it the words stand."""

    sheet: Sheet
    count: int


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
    service, passage = the_service(), request.form.get("passage", "").strip()
    chosen = request.form.get("release_id", "").strip() or None
    with room.enter(slug, Act.PUBLISH) as entered:
        now = entered.now
        try:
            if chosen:
                entered.release(chosen)
            places = vanishing.find_text(entered.tx, entered.newsroom.id, passage, chosen)
        except (Refused, NotFound) as error:
            return _search(entered, None, wrong=error.message), status_of(error)
        if request.form.get("sure") != _SURE:
            return _search(entered, places)
    count = vanishing.vanish_text(service.database, slug, passage, release_id=chosen, now=now, by=auth.account_id())
    with room.enter(slug, Act.PUBLISH) as entered:
        return render_template("desk/vanished.html", room=entered, newsroom=entered.newsroom, count=count)


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
        wrong=wrong,
    )


def _search(entered: Room, places: dict[str, int] | None, *, wrong: str | None = None) -> str:
    found = None
    if places is not None:
        rows = [releases.get(entered.tx, one) for one in places]
        sheets = sheet.load(entered.tx, entered.newsroom, rows, entered.now)
        found = [Place(one, places[one.release.id]) for one in sheets]
    return render_template(
        "desk/vanish_text.html",
        room=entered,
        newsroom=entered.newsroom,
        found=found,
        given=request.form if request.form else request.args,
        wrong=wrong,
    )
