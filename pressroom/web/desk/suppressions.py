"""Whose address is never written to, why, and how that ends. Owners see addresses, everybody else the reasons."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from pressroom.errors import NotAllowed, NotFound, Refused
from pressroom.mailing import grounds, lifting, subscriber
from pressroom.mailing.grounds import Grounds
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.subscriber import Subscriber
from pressroom.mailing.suppression import Reason
from pressroom.people.account import Act, Role
from pressroom.web import auth
from pressroom.web.desk import room
from pressroom.web.desk.room import Room
from pressroom.web.errors import status_of
from pressroom.web.publishing import the_service

bp = Blueprint("suppressions", __name__)

_SHOWN = 200


@dataclass(frozen=True)
class Row:
    """`address` is opened for owners only, and so are the other server's words in `why`."""

    subscriber_id: int
    address: str | None
    why: Grounds
    may_lift: bool


@bp.get("/<slug>/suppressions")
def suppressions(slug: str) -> ResponseReturnValue:
    with room.enter(slug, Act.SEND) as entered:
        return _page(entered)


@bp.post("/<slug>/suppressions/<int(max=9223372036854775807):subscriber_id>/lift")
def lift(slug: str, subscriber_id: int) -> ResponseReturnValue:
    with room.enter(slug, Act.SEND) as entered:
        found = entered.tx.get(Subscriber, subscriber_id)
        if found is None or found.newsroom_id != entered.newsroom.id:
            raise NotFound("There is no such subscriber in this newsroom.")
        now = entered.now
    try:
        lifting.lift(
            the_service().database, subscriber_id, request.form.get("reason", ""), now=now, by=auth.account_id()
        )
    except (Refused, NotAllowed) as error:
        with room.enter(slug, Act.SEND) as entered:
            return _page(entered, wrong=error.message), status_of(error)
    return redirect(url_for(".suppressions", slug=slug), 303)


def _own(entered: Room, mailing_ids: list[int | None]) -> set[int]:
    """The message that showed it may have been another newsroom's, whose mailings are not shown here."""
    query = select(Mailing.id).where(Mailing.id.in_(mailing_ids), Mailing.newsroom_id == entered.newsroom.id)
    return set(entered.tx.scalars(query))


def _page(entered: Room, *, wrong: str | None = None) -> str:
    keyring, is_owner = the_service().keyring, entered.role is Role.OWNER
    rows = []
    for found, person in entered.tx.execute(grounds.suppressed(entered.newsroom.id).limit(_SHOWN)):
        why = grounds.of(entered.tx, keyring, found)
        rows.append(
            Row(
                person.id,
                subscriber.open_(keyring, person).email if is_owner else None,
                why if is_owner else replace(why, diagnostic=""),
                is_owner or found.reason is Reason.BOUNCE,
            )
        )
    return render_template(
        "desk/suppressions.html",
        room=entered,
        newsroom=entered.newsroom,
        rows=rows,
        own=_own(entered, [one.why.mailing_id for one in rows]),
        is_owner=is_owner,
        wrong=wrong,
    )
