"""Mailings and digests at the desk: start, test, watch, pause, resume, cancel, send again to one person."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from pressroom.db import Database
from pressroom.errors import Conflict, NotFound, Refused
from pressroom.mailing import digest, sending_again, steering
from pressroom.mailing import mailing as mailings
from pressroom.mailing.mailing import FINAL, Mailing, Progress
from pressroom.mailing.media_list import MediaList
from pressroom.people.account import Act
from pressroom.web import auth
from pressroom.web.desk import room, sheet, terms
from pressroom.web.desk.room import Room
from pressroom.web.errors import status_of
from pressroom.web.publishing import the_service

bp = Blueprint("mailings", __name__)

_SHOWN = 30
_ONE = "/<slug>/mailings/<int(max=9223372036854775807):mailing_id>"


@bp.get("/<slug>/releases/<release_id>/mail")
def prepare(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.SEND) as entered:
        return _form(entered, release_id)


@bp.post("/<slug>/releases/<release_id>/mail")
def start(slug: str, release_id: str) -> ResponseReturnValue:
    """To some lists, or with `test` to one address and to nobody else."""
    service, test = the_service(), request.form.get("test")
    with room.enter(slug, Act.SEND) as entered:
        entered.release(release_id)
        now = entered.now
    try:
        terms.require_mail([test or "", *request.form.getlist("lists")])
        mailing_id = steering.start_mailing(
            service.database,
            service.keyring,
            release_id,
            request.form.getlist("lists") if test is None else [],
            hold=terms.hold(request.form.get("hold", "")),
            now=now,
            by=auth.account_id(),
            test=test,
            under_embargo=request.form.get("under_embargo") == "1",
        )
    except (Refused, Conflict) as error:
        with room.enter(slug, Act.SEND) as entered:
            return _form(entered, release_id, wrong=error.message), status_of(error)
    room.ring()
    return redirect(url_for(".mailing", slug=slug, mailing_id=mailing_id), 303)


@bp.get("/<slug>/digests")
def digests(slug: str) -> ResponseReturnValue:
    """The newest mailings of digests, with what became of their messages."""
    with room.enter(slug, Act.READ) as entered:
        found = digest.of_newsroom(entered.tx, entered.newsroom.id, _SHOWN)
        told = [(one, mailings.progress(entered.tx, one.id)) for one in found]
        return render_template("desk/digests.html", room=entered, newsroom=entered.newsroom, told=told)


@bp.get(_ONE)
def mailing(slug: str, mailing_id: int) -> ResponseReturnValue:
    with room.enter(slug, Act.READ) as entered:
        return _page(entered, entered.mailing(mailing_id))


@bp.post(f"{_ONE}/again")
def send_again(slug: str, mailing_id: int) -> ResponseReturnValue:
    """The release of this mailing once more, to one person."""
    service, given = the_service(), request.form
    with room.enter(slug, Act.SEND) as entered:
        release_id, now = entered.mailing(mailing_id).release_id, entered.now
    if release_id is None:
        raise NotFound("A digest is not sent again; send the release it told of.")
    try:
        terms.require_mail([given.get("address", "")])
        again = sending_again.send_again(
            service.database, service.keyring, release_id, given.get("address", ""), given.get("reason", ""),
            now=now, by=auth.account_id(),
        )  # fmt: skip
    except (Refused, Conflict, NotFound) as error:
        with room.enter(slug, Act.SEND) as entered:
            return _page(entered, entered.mailing(mailing_id), wrong=error.message), status_of(error)
    room.ring()
    return redirect(url_for(".mailing", slug=slug, mailing_id=again), 303)


@bp.get(f"{_ONE}/progress.json")
def progress(slug: str, mailing_id: int) -> ResponseReturnValue:
    """What the page polls; 304 while nothing has changed."""
    with room.enter(slug, Act.READ) as entered:
        found = mailings.progress(entered.tx, entered.mailing(mailing_id).id)
    body = {**found.as_dict(), "settled": found.settled, "over": found.state in FINAL}
    response = Response(json.dumps(body), mimetype="application/json")
    # `no-store` would keep the browser from asking whether it has changed.
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    return response.make_conditional(request)


@bp.post(f"{_ONE}/<any(pause, resume, cancel):act>")
def steer(slug: str, mailing_id: int, act: str) -> ResponseReturnValue:
    # Going on is the one of the three that lets something leave.
    with room.enter(slug, Act.SEND if act == "resume" else Act.STOP) as entered:
        entered.mailing(mailing_id)
        now = entered.now
    database: Database = the_service().database
    acts = {"pause": steering.pause, "resume": steering.resume, "cancel": steering.cancel}
    acts[act](database, mailing_id, now=now, by=auth.account_id())
    room.ring()
    return redirect(url_for(".mailing", slug=slug, mailing_id=mailing_id), 303)


def _page(entered: Room, found: Mailing, *, wrong: str | None = None) -> str:
    progress = mailings.progress(entered.tx, found.id)
    told = None
    if found.release_id is not None:
        told = sheet.of(entered.tx, entered.newsroom, entered.release(found.release_id), entered.now)
    return render_template(
        "desk/mailing.html",
        room=entered,
        newsroom=entered.newsroom,
        mailing=found,
        sheet=told,
        lists=_lists(entered, found),
        progress=progress,
        counts=_counts(progress),
        is_over=progress.state in FINAL,
        given=request.form,
        wrong=wrong,
    )


def _form(entered: Room, release_id: str, *, wrong: str | None = None) -> str:
    given: Any = request.form
    return render_template(
        "desk/mail.html",
        room=entered,
        newsroom=entered.newsroom,
        sheet=sheet.of(entered.tx, entered.newsroom, entered.release(release_id), entered.now),
        choices=terms.choices(entered),
        chosen=given.getlist("lists"),
        given=given,
        hold=the_service().config.mail_hold,
        wrong=wrong,
    )


def _lists(entered: Room, found: Mailing) -> list[MediaList]:
    query = select(MediaList).where(MediaList.id.in_(found.list_ids), MediaList.newsroom_id == entered.newsroom.id)
    return list(entered.tx.scalars(query.order_by(MediaList.slug)))


def _counts(found: Progress) -> list[tuple[str, int]]:
    """Every state a delivery can be in, in the order in which it goes through them."""
    names = "pending sending sent deferred bounced failed suppressed cancelled unknown".split()
    return [(name, getattr(found, name)) for name in names]
