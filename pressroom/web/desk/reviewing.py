"""Review at the desk: asked for by those who write, read in full, approved or sent back with a note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from pressroom.errors import Conflict, NotAllowed, Refused
from pressroom.feeds import item as items
from pressroom.feeds.item import Item
from pressroom.people.account import Act
from pressroom.releases import approving
from pressroom.releases.approving import Named
from pressroom.releases.release import Release, Status
from pressroom.web import auth
from pressroom.web.desk import people, room, sheet, terms
from pressroom.web.desk.room import Room
from pressroom.web.errors import status_of
from pressroom.web.publishing import the_service

bp = Blueprint("reviewing", __name__)


@dataclass(frozen=True)
class Read:
    """All that readers would get in one language; `body` is the whole text with its pictures, as safe HTML."""

    item: Item
    body: str


@bp.post("/<slug>/releases/<release_id>/ask")
def ask(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.WRITE) as entered:
        entered.release(release_id)
        now = entered.now
    approving.ask(the_service().database, release_id, now=now, by=auth.account_id())
    return _back(slug, release_id)


@bp.get("/<slug>/releases/<release_id>/review")
def review(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.PUBLISH) as entered:
        return _page(entered, release_id)


@bp.post("/<slug>/releases/<release_id>/review")
def approve(slug: str, release_id: str) -> ResponseReturnValue:
    """Of the revisions that the page showed, and of no others."""
    with room.enter(slug, Act.PUBLISH) as entered:
        entered.release(release_id)
        now = entered.now
    seen = terms.seen(request.form.get("seen", ""))
    try:
        status = approving.approve(the_service().database, release_id, seen, now=now, by=auth.account_id())
    except (Refused, Conflict, NotAllowed) as error:
        with room.enter(slug, Act.PUBLISH) as entered:
            return _page(entered, release_id, wrong=error.message), status_of(error)
    if status is Status.APPROVED:
        return redirect(url_for("desk.publishing.check", slug=slug, release_id=release_id), 303)
    return _back(slug, release_id)


@bp.post("/<slug>/releases/<release_id>/send-back")
def send_back(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.PUBLISH) as entered:
        entered.release(release_id)
        now = entered.now
    note = request.form.get("note", "").strip()
    try:
        if not note:
            raise Refused(_("Say what has to be changed."))
        approving.send_back(the_service().database, release_id, note, now=now, by=auth.account_id())
    except (Refused, Conflict) as error:
        with room.enter(slug, Act.PUBLISH) as entered:
            return _page(entered, release_id, wrong=error.message), status_of(error)
    return _back(slug, release_id)


def _page(entered: Room, release_id: str, *, wrong: str | None = None) -> str:
    found = sheet.of(entered.tx, entered.newsroom, entered.release(release_id), entered.now)
    shown = [one for one in found.texts if one.translation.publish and not one.is_out]
    named = [(one.translation, one.revision) for one in shown]
    lacking = {revision.id for _translation, revision in approving.lacking(entered.tx, named)}
    return render_template(
        "desk/review.html",
        room=entered,
        newsroom=entered.newsroom,
        sheet=found,
        texts=shown,
        lacking=lacking,
        read=_read(entered, found.release, named),
        seen=".".join(str(one) for one in sorted(lacking)),
        unchecked=approving.unchecked(entered.tx, lacking),
        is_own=approving.is_own(entered.tx, [one for one in named if one[1].id in lacking], auth.account_id()),
        approvers=people.approvers(entered, approving.approvers(entered.tx, entered.newsroom.id, named)),
        given=request.form,
        wrong=wrong,
    )


def _read(entered: Room, release: Release, named: Sequence[Named]) -> dict[str, Read]:
    """By language. The pictures come from the desk, for they are not public."""
    base = url_for("desk.releases.release", slug=entered.newsroom.slug, release_id=release.id)
    loaded = items.load(entered.tx, [(entered.newsroom, release, *one) for one in named], entered.now)
    return {one.language: Read(one, items.body_html(one, base, plays=True)) for one in loaded}


def _back(slug: str, release_id: str) -> ResponseReturnValue:
    return redirect(url_for("desk.releases.release", slug=slug, release_id=release_id), 303)
