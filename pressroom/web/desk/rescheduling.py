"""Embargoes moved or lifted at the desk, and schedules taken back."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from pressroom.errors import Conflict, NotAllowed, Refused
from pressroom.mailing import accompanying
from pressroom.people.account import Act
from pressroom.releases import local_time
from pressroom.web import auth
from pressroom.web.desk import room, sheet, terms
from pressroom.web.desk.room import Room
from pressroom.web.errors import status_of
from pressroom.web.publishing import the_service

bp = Blueprint("rescheduling", __name__)


@bp.get("/<slug>/releases/<release_id>/embargo")
def embargo(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.PUBLISH) as entered:
        return _page(entered, release_id)


@bp.post("/<slug>/releases/<release_id>/embargo")
def move_embargo(slug: str, release_id: str) -> ResponseReturnValue:
    """To another time, or lifted; accredited people who had it under embargo are told."""
    service, given = the_service(), request.form
    try:
        with room.enter(slug, Act.PUBLISH) as entered:
            entered.release(release_id)
            now = entered.now
            until = terms.instant(given.get("until", ""), entered.newsroom, second=given.get("fold") == "1")
        if given.get("lift") == "1":
            until = None
        elif until is None:
            raise Refused(_("Say until when, or lift the embargo."))
        accompanying.move_embargo(service.database, release_id, until, now=now, by=auth.account_id())
    except (Refused, Conflict, NotAllowed) as error:
        with room.enter(slug, Act.PUBLISH) as entered:
            return _page(entered, release_id, wrong=error.message), status_of(error)
    room.ring()
    return redirect(url_for("desk.releases.release", slug=slug, release_id=release_id), 303)


@bp.post("/<slug>/releases/<release_id>/unschedule")
def unschedule(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.STOP) as entered:
        entered.release(release_id)
        now = entered.now
    accompanying.unschedule(the_service().database, release_id, now=now, by=auth.account_id())
    room.ring()
    return redirect(url_for("desk.releases.release", slug=slug, release_id=release_id), 303)


def _page(entered: Room, release_id: str, *, wrong: str | None = None) -> str:
    found = sheet.of(entered.tx, entered.newsroom, entered.release(release_id), entered.now)
    zone, until = entered.newsroom.zone, found.release.embargo_until
    return render_template(
        "desk/embargo.html",
        room=entered,
        newsroom=entered.newsroom,
        sheet=found,
        embargo=local_time.read(until, zone) if until else None,
        waits_alone=until is not None and found.release.public_from == until and found.release.publish_at is None,
        given=request.form,
        wrong=wrong,
    )
