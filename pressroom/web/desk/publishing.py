"""The sheet before publishing, publishing itself, and taking back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from pressroom import smtp
from pressroom.errors import ConfigError, Conflict, Refused
from pressroom.mailing import media_list, steering
from pressroom.mailing.media_list import MediaList
from pressroom.people.account import Act
from pressroom.releases import publishing
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.publishing import NeedsSecondPerson, Within
from pressroom.releases.release import Release
from pressroom.releases.submitting import moment
from pressroom.web import auth
from pressroom.web.desk import room, sheet
from pressroom.web.desk.room import Room
from pressroom.web.desk.statements import local_time
from pressroom.web.errors import status_of
from pressroom.web.publishing import the_service

bp = Blueprint("publishing", __name__)

LONGEST_HOLD = 24 * 3600


@dataclass(frozen=True)
class Choice:
    """A media list, and how many people on it would be written to."""

    media_list: MediaList
    people: int


@bp.get("/<slug>/releases/<release_id>/publish")
def check(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.PUBLISH) as entered:
        return _check_sheet(entered, release_id, {})


@bp.post("/<slug>/releases/<release_id>/publish")
def publish(slug: str, release_id: str) -> ResponseReturnValue:
    """Publishes what the sheet showed and starts its mailing, both or neither."""
    with room.enter(slug, Act.PUBLISH) as entered:
        entered.release(release_id)
        newsroom, now = entered.newsroom, entered.now
    started: list[int] = []
    try:
        lists = request.form.getlist("lists")
        if lists:
            require_mail()
        within = _within(newsroom, lists, started, hold=hold(request.form.get("hold", "")), now=now)
        at = moment(local_time(request.form.get("at", "")), newsroom.zone)
        publishing.publish(the_service().database, release_id, now=now, by=auth.account_id(), at=at, within=within)
    except NeedsSecondPerson:
        # The release is in review now, and its page says who can approve it.
        return redirect(url_for("desk.releases.release", slug=slug, release_id=release_id), 303)
    except (Refused, Conflict) as error:
        with room.enter(slug, Act.PUBLISH) as entered:
            return _check_sheet(entered, release_id, request.form, wrong=error.message), status_of(error)
    room.ring()
    if started:
        return redirect(url_for("desk.mailings.mailing", slug=slug, mailing_id=started[0]), 303)
    return redirect(url_for("desk.releases.release", slug=slug, release_id=release_id), 303)


@bp.get("/<slug>/releases/<release_id>/retract")
def check_retraction(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.PUBLISH) as entered:
        return _retraction(entered, release_id)


@bp.post("/<slug>/releases/<release_id>/retract")
def retract(slug: str, release_id: str) -> ResponseReturnValue:
    """Takes it back with a public reason; whatever of its mail has not left, stays."""
    with room.enter(slug, Act.PUBLISH) as entered:
        entered.release(release_id)
        newsroom, now = entered.newsroom, entered.now

    def within(tx: Session, release: Release) -> None:
        steering.cancel_of_release(tx, release.id, now=now)

    reasons = {tag: text for tag in newsroom.languages if (text := request.form.get(f"reason-{tag}", "").strip())}
    try:
        if not reasons:
            raise Refused(_("Give a reason that readers will see, in at least one language."))
        publishing.retract(the_service().database, release_id, reasons, now=now, by=auth.account_id(), within=within)
    except (Refused, Conflict) as error:
        with room.enter(slug, Act.PUBLISH) as entered:
            return _retraction(entered, release_id, wrong=error.message), status_of(error)
    return redirect(url_for("desk.releases.release", slug=slug, release_id=release_id), 303)


def choices(entered: Room) -> list[Choice]:
    lists = media_list.of_newsroom(entered.tx, entered.newsroom.id)
    return [Choice(one, media_list.reachable(entered.tx, [one.id])) for one in lists]


def require_mail() -> None:
    """Raises Refused where no mail can leave, so that no mailing waits for ever."""
    try:
        smtp.server_of(the_service().config)
    except ConfigError as error:
        raise Refused(error.message) from None


def hold(value: str) -> timedelta:
    """Seconds before the first message; the service's own where nothing is given. Raises Refused."""
    given = value.strip() or str(the_service().config.mail_hold)
    if not (given.isascii() and given.isdigit() and len(given) < 8 and int(given) <= LONGEST_HOLD):
        raise Refused(_("The hold is a whole number of seconds, at most one day."))
    return timedelta(seconds=int(given))


def _within(newsroom: Newsroom, lists: Sequence[str], started: list[int], *, hold: timedelta, now: datetime) -> Within:
    seen, by, keyring = request.form.get("seen", ""), auth.account_id(), the_service().keyring

    def within(tx: Session, release: Release) -> None:
        if sheet.of(tx, newsroom, release, now).seen != seen:
            raise Conflict(_("The text was changed after you opened this page: read it again, then publish."))
        if lists:
            started.append(steering.start(tx, keyring, release, lists, hold=hold, now=now, by=by).id)

    return within


def _check_sheet(entered: Room, release_id: str, given: Any, *, wrong: str | None = None) -> str:
    found = sheet.of(entered.tx, entered.newsroom, entered.release(release_id), entered.now)
    return render_template(
        "desk/publish.html",
        room=entered,
        newsroom=entered.newsroom,
        sheet=found,
        choices=choices(entered),
        chosen=given.getlist("lists") if hasattr(given, "getlist") else [],
        given=given,
        hold=the_service().config.mail_hold,
        wrong=wrong,
    )


def _retraction(entered: Room, release_id: str, *, wrong: str | None = None) -> str:
    found = sheet.of(entered.tx, entered.newsroom, entered.release(release_id), entered.now)
    return render_template(
        "desk/retract.html", room=entered, newsroom=entered.newsroom, sheet=found, given=request.form, wrong=wrong
    )
