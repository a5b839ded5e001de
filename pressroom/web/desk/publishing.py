"""The sheet before publishing, and publishing itself, with its mailing or without a second person."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from pressroom.errors import Conflict, NotFound, Refused
from pressroom.mailing import accompanying, presend
from pressroom.mailing.accompanying import Plan
from pressroom.mailing.presend import PreSend, Terms
from pressroom.people.account import Act, Role
from pressroom.releases.approving import NeedsSecondPerson
from pressroom.web import auth
from pressroom.web.desk import people, room, sheet, terms
from pressroom.web.desk.room import Room
from pressroom.web.desk.terms import Given
from pressroom.web.errors import status_of
from pressroom.web.publishing import the_service

bp = Blueprint("publishing", __name__)


@bp.get("/<slug>/releases/<release_id>/publish")
def check(slug: str, release_id: str) -> ResponseReturnValue:
    """What would happen: with the lists, time and languages of the query, else with those asked for before."""
    with room.enter(slug, Act.PUBLISH) as entered:
        given = request.args if request.args else terms.wished(entered, entered.release(release_id))
        try:
            asked = terms.read(entered, given)
        except (Refused, NotFound) as error:
            return _page(entered, release_id, given, Terms(), wrong=error.message), status_of(error)
        return _page(entered, release_id, given, asked)


@bp.post("/<slug>/releases/<release_id>/publish")
@bp.post("/<slug>/releases/<release_id>/publish/<any(alone):alone>")
def publish(slug: str, release_id: str, alone: str | None = None) -> ResponseReturnValue:
    """Publishes what the sheet showed and starts its mailing, both or neither; alone, for a reason, without a second
    person.
    """
    service, given = the_service(), request.form
    asked = Terms()
    try:
        with room.enter(slug, Act.MANAGE if alone else Act.PUBLISH) as entered:
            entered.release(release_id)
            now, asked = entered.now, terms.read(entered, given)
            plan = _plan(asked, given, alone=given.get("reason", "") if alone else None)
        done = accompanying.publish(service.database, service.keyring, release_id, plan, now=now, by=auth.account_id())
    except NeedsSecondPerson:
        # The release is in review now, and its page says who can approve it.
        return redirect(url_for("desk.releases.release", slug=slug, release_id=release_id), 303)
    except (Refused, Conflict) as error:
        with room.enter(slug, Act.PUBLISH) as entered:
            return _page(entered, release_id, given, asked, wrong=error.message), status_of(error)
    room.ring()
    if done.mailing_ids:
        return redirect(url_for("desk.mailings.mailing", slug=slug, mailing_id=done.mailing_ids[0]), 303)
    return redirect(url_for("desk.releases.release", slug=slug, release_id=release_id), 303)


def _plan(asked: Terms, given: Given, *, alone: str | None) -> Plan:
    lists, early = given.getlist("lists"), given.getlist("early")
    terms.require_mail([*lists, *early])
    if alone is not None and not alone.strip():
        raise Refused(_("Say why you publish alone: all owners are told."))
    return Plan(
        at=asked.at,
        without=asked.without,
        lists=lists,
        early=early,
        hold=asked.hold,
        alone=alone,
        seen=terms.seen(given.get("seen", "")),
    )


def _page(entered: Room, release_id: str, given: Given, asked: Terms, *, wrong: str | None = None) -> str:
    release = entered.release(release_id)
    seen = presend.look(
        entered.tx, entered.newsroom, release, asked, quota=terms.quota(), now=entered.now, by=auth.account_id()
    )
    return render_template(
        "desk/publish.html",
        room=entered,
        newsroom=entered.newsroom,
        sheet=sheet.of(entered.tx, entered.newsroom, release, entered.now),
        presend=seen,
        choices=terms.choices(entered),
        chosen=given.getlist("lists"),
        early=given.getlist("early"),
        without=given.getlist("without"),
        given=given,
        hold=the_service().config.mail_hold,
        approvers=None if seen.approvers is None else people.approvers(entered, seen.approvers),
        may_go_alone=seen.approvers is not None and entered.role is Role.OWNER,
        can_publish=_can_publish(seen),
        wrong=wrong,
    )


def _can_publish(seen: PreSend) -> bool:
    return bool(seen.going) and not seen.held_up_by and seen.stopped_at is None
