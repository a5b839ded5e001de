"""A newsroom's settings: its rule of approval, its habits, what its beats are filed under, and who is accredited."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import func, select

from pressroom import catalogues
from pressroom.errors import Conflict, NotAllowed, NotFound, Refused
from pressroom.mailing import accrediting, subscriber
from pressroom.mailing.subscriber import Subscriber
from pressroom.people.account import Act
from pressroom.releases import approving, configuring, founding
from pressroom.releases import beat as beats
from pressroom.releases.configuring import Habits
from pressroom.releases.newsroom import ApprovalRule, Newsroom, NoticeStyle
from pressroom.web import auth
from pressroom.web.desk import room
from pressroom.web.desk.room import Room
from pressroom.web.errors import status_of
from pressroom.web.locale import page_language
from pressroom.web.publishing import the_service

bp = Blueprint("settings", __name__)

_SHOWN = 500
_LONGEST = 10_080  # minutes: a week


@dataclass(frozen=True)
class Wish:
    """A milder rule that somebody asked for; `is_own` if it was whoever looks, who cannot agree to it too."""

    rule: ApprovalRule
    is_own: bool


def wish(newsroom: Newsroom) -> Wish | None:
    if newsroom.approval_wish is None:
        return None
    return Wish(newsroom.approval_wish, newsroom.approval_wish_by == auth.account_id())


@bp.get("/<slug>/settings")
def settings(slug: str) -> ResponseReturnValue:
    with room.enter(slug, Act.MANAGE) as entered:
        return _page(entered)


@bp.post("/<slug>/settings")
def configure(slug: str) -> ResponseReturnValue:
    with room.enter(slug, Act.MANAGE) as entered:
        now = entered.now
    try:
        configuring.configure(the_service().database, slug, _habits(), now=now, by=auth.account_id())
    except (Refused, Conflict) as error:
        with room.enter(slug, Act.MANAGE) as entered:
            return _page(entered, wrong=error.message), status_of(error)
    return redirect(url_for(".settings", slug=slug), 303)


@bp.post("/<slug>/settings/approval")
def wish_rule(slug: str) -> ResponseReturnValue:
    """A stricter rule holds at once; a milder one when a second person, who need not be an owner, wishes it too."""
    with room.enter(slug, Act.PUBLISH) as entered:
        now, may_manage = entered.now, entered.may("manage")
    given = request.form.get("rule", "")
    if given not in list(ApprovalRule):
        raise Refused(_("Choose one of the rules."))
    approving.wish_rule(the_service().database, slug, ApprovalRule(given), now=now, by=auth.account_id())
    page = ".settings" if may_manage else "desk.newsrooms.releases"
    return redirect(url_for(page, slug=slug), 303)


@bp.post("/<slug>/settings/accredited")
def accredit(slug: str) -> ResponseReturnValue:
    """One address, from the field or from the list below it."""
    service = the_service()
    with room.enter(slug, Act.MANAGE) as entered:
        now = entered.now
    try:
        accrediting.accredit(
            service.database, service.keyring, slug, request.form.get("address", ""),
            request.form.get("end") != "1", now=now, by=auth.account_id(),
        )  # fmt: skip
    except (Refused, NotFound, NotAllowed) as error:
        with room.enter(slug, Act.MANAGE) as entered:
            return _page(entered, wrong=error.message), status_of(error)
    return redirect(url_for(".settings", slug=slug), 303)


@bp.post("/<slug>/settings/beats")
def set_topic(slug: str) -> ResponseReturnValue:
    """The Media Topic of one beat; an empty one takes it away."""
    topic, beat_slug = request.form.get("topic", "").strip(), request.form.get("beat", "")
    with room.enter(slug, Act.MANAGE) as entered:
        now = entered.now
        if beat_slug not in beats.in_newsroom(entered.tx, entered.newsroom.id):
            raise NotFound("There is no such beat.")
        if topic and not beats.is_topic(topic):
            return _page(entered, wrong=_("A Media Topic is medtop: and eight digits, such as medtop:06000000.")), 422
    founding.add_beat(the_service().database, slug, beat_slug, {}, topic=topic, now=now, by=auth.account_id())
    return redirect(url_for(".settings", slug=slug), 303)


def _habits() -> Habits:
    given = request.form
    minutes, style = given.get("late_after", "").strip(), given.get("notice_style", "")
    if not (minutes.isascii() and minutes.isdigit() and len(minutes) < 6 and int(minutes) <= _LONGEST):
        raise Refused(_("The late limit is a whole number of minutes, at most a week."))
    if style not in list(NoticeStyle):
        raise Refused(_("Choose how feeds tell of corrections."))
    minute, weekday = _digest_time()
    return Habits(
        together=given.get("together") == "1",
        faces_checked=given.get("faces_checked") == "1",
        late_after=int(minutes) * 60,
        notice_style=NoticeStyle(style),
        digest_minute=minute,
        digest_weekday=weekday,
    )


def _digest_time() -> tuple[int | None, int | None]:
    """Minutes after midnight, and the number of a weekday; what the form does not name stays as it is."""
    at, weekday = request.form.get("digest_at"), request.form.get("digest_weekday")
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", at.strip()) if at is not None else None
    if (at is not None and found is None) or weekday not in {None, *"1234567"}:
        raise Refused(_("Choose a time and a day on which digests leave."))
    minute = int(found[1]) * 60 + int(found[2]) if found else None
    return minute, int(weekday) if weekday else None


def _page(entered: Room, *, wrong: str | None = None) -> str:
    keyring = the_service().keyring
    query = select(Subscriber).where(
        Subscriber.newsroom_id == entered.newsroom.id, Subscriber.accredited_at.is_not(None)
    )
    found = entered.tx.scalars(query.order_by(Subscriber.accredited_at.desc(), Subscriber.id).limit(_SHOWN))
    count = select(func.count()).select_from(query.subquery())
    return render_template(
        "desk/settings.html",
        room=entered,
        newsroom=entered.newsroom,
        wish=wish(entered.newsroom),
        wants_two=approving.wants_two(entered.tx, entered.newsroom),
        rules=list(ApprovalRule),
        styles=list(NoticeStyle),
        beats=list(beats.in_newsroom(entered.tx, entered.newsroom.id).values()),
        weekdays=catalogues.weekdays(page_language().tag),
        accredited=[address for one in found if (address := subscriber.open_(keyring, one).email)],
        accredited_count=entered.tx.execute(count).scalar_one(),
        given=request.form,
        wrong=wrong,
    )
