"""Taking a release back at the desk, with a reason that readers see."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from pressroom.errors import Conflict, Refused
from pressroom.mailing import accompanying
from pressroom.people.account import Act
from pressroom.web import auth
from pressroom.web.desk import room, sheet
from pressroom.web.desk.room import Room
from pressroom.web.errors import status_of
from pressroom.web.publishing import the_service

bp = Blueprint("retracting", __name__)


@bp.get("/<slug>/releases/<release_id>/retract")
def check(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.PUBLISH) as entered:
        return _page(entered, release_id)


@bp.post("/<slug>/releases/<release_id>/retract")
def retract(slug: str, release_id: str) -> ResponseReturnValue:
    """Whatever of its mail has not left, stays; whoever was sent it is told."""
    service = the_service()
    with room.enter(slug, Act.PUBLISH) as entered:
        entered.release(release_id)
        newsroom, now = entered.newsroom, entered.now
    reasons = {tag: text for tag in newsroom.languages if (text := request.form.get(f"reason-{tag}", "").strip())}
    try:
        if not reasons:
            raise Refused(_("Give a reason that readers will see, in at least one language."))
        accompanying.retract(service.database, release_id, reasons, now=now, by=auth.account_id())
    except (Refused, Conflict) as error:
        with room.enter(slug, Act.PUBLISH) as entered:
            return _page(entered, release_id, wrong=error.message), status_of(error)
    room.ring()
    return redirect(url_for("desk.releases.release", slug=slug, release_id=release_id), 303)


def _page(entered: Room, release_id: str, *, wrong: str | None = None) -> str:
    found = sheet.of(entered.tx, entered.newsroom, entered.release(release_id), entered.now)
    return render_template(
        "desk/retract.html", room=entered, newsroom=entered.newsroom, sheet=found, given=request.form, wrong=wrong
    )
