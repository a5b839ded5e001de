"""The newsrooms somebody works for, the releases of one, and the switch that stops everything leaving it."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from pressroom.mailing import stopping
from pressroom.people.account import Act, Membership
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.web import auth
from pressroom.web.desk import room, settings, sheet
from pressroom.web.publishing import the_service

bp = Blueprint("newsrooms", __name__)

_PER_PAGE = 30


@bp.get("/")
def home() -> ResponseReturnValue:
    query = (
        select(Newsroom, Membership.role)
        .join(Membership, Membership.newsroom_id == Newsroom.id)
        .where(Membership.account_id == auth.account_id())
        .order_by(Newsroom.slug)
    )
    with the_service().database.reading() as tx:
        found = [(newsroom, role) for newsroom, role in tx.execute(query)]
    if len(found) == 1:
        return redirect(url_for("desk.newsrooms.releases", slug=found[0][0].slug), 303)
    return render_template("desk/newsrooms.html", found=found)


@bp.get("/<slug>/")
def releases(slug: str) -> ResponseReturnValue:
    """The newest first, whatever their standing, a page at a time."""
    number = max(1, min(request.args.get("page", 1, type=int), 100_000))
    with room.enter(slug, Act.READ) as entered:
        query = (
            select(Release)
            .where(Release.newsroom_id == entered.newsroom.id)
            .order_by(Release.created_at.desc(), Release.id)
            .limit(_PER_PAGE + 1)
            .offset((number - 1) * _PER_PAGE)
        )
        found = list(entered.tx.scalars(query))
        return render_template(
            "desk/releases.html",
            room=entered,
            newsroom=entered.newsroom,
            sheets=sheet.load(entered.tx, entered.newsroom, found[:_PER_PAGE], entered.now),
            wish=settings.wish(entered.newsroom) if entered.may("publish") else None,
            number=number,
            has_more=len(found) > _PER_PAGE,
        )


@bp.post("/<slug>/stop")
def stop(slug: str) -> ResponseReturnValue:
    """Nobody has to agree, and nothing is asked: what may leave wrongly must not wait for a second look."""
    with room.enter(slug, Act.STOP) as entered:
        now = entered.now
    stopping.stop_everything(the_service().database, slug, now=now, by=auth.account_id())
    room.ring()
    return redirect(url_for(".releases", slug=slug), 303)


@bp.post("/<slug>/allow")
def allow(slug: str) -> ResponseReturnValue:
    """Starts nothing by itself."""
    with room.enter(slug, Act.PUBLISH) as entered:
        now = entered.now
    stopping.allow(the_service().database, slug, now=now, by=auth.account_id())
    return redirect(url_for(".releases", slug=slug), 303)
