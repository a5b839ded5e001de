"""Corrections at the desk: the new texts, then what was and what is now, and only then out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from pressroom.errors import Conflict, NotAllowed, NotFound, Refused
from pressroom.feeds import shown
from pressroom.mailing import accompanying
from pressroom.people import audit
from pressroom.people.account import Act, Role
from pressroom.releases import approving, difference, withdrawing
from pressroom.releases import asset as assets
from pressroom.releases import correction as corrections
from pressroom.releases.difference import Change
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.statement import Statement
from pressroom.releases.translation import Translation
from pressroom.web import auth
from pressroom.web.desk import fields, people, room, terms
from pressroom.web.desk.room import Room
from pressroom.web.errors import status_of
from pressroom.web.publishing import the_service

bp = Blueprint("correcting", __name__)

_ONE = "/<slug>/releases/<release_id>/correct"


@dataclass(frozen=True)
class Difference:
    """What was and what would be said in one language; `pictures` are the new ones, as safe HTML."""

    language: str
    changes: Sequence[Change]
    pictures: Sequence[str] = ()


@bp.get(_ONE)
def write(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.WRITE) as entered:
        entered.release(release_id)
        if corrections.proposal(entered.tx, release_id) is not None:
            return redirect(url_for(".proposal", slug=slug, release_id=release_id), 303)
        return _form(entered, release_id)


@bp.post(_ONE)
def check(slug: str, release_id: str) -> ResponseReturnValue:
    """Shows what was and what is now; stores nothing. With `again` it leads back to the fields."""
    with room.enter(slug, Act.WRITE) as entered:
        try:
            if "again" in request.form:
                return _form(entered, release_id)
            return _check(entered, release_id, fields.statements(entered, release_id))
        except (Refused, Conflict) as error:
            return _form(entered, release_id, wrong=error.message), status_of(error)


@bp.post(f"{_ONE}/<any(publish, alone):step>")
def correct(slug: str, release_id: str, step: str) -> ResponseReturnValue:
    """Publishes it, or leaves it with a second person; `alone` is an owner who does without one."""
    service, given = the_service(), request.form
    try:
        with room.enter(slug, Act.MANAGE if step == "alone" else Act.WRITE) as entered:
            now, statements = entered.now, fields.statements(entered, release_id)
            notes, began_from = fields.notes(entered, release_id), fields.began_from(statements)
        reason = given.get("reason", "").strip() if step == "alone" else None
        if reason == "":
            raise Refused(_("Say why you publish alone: all owners are told."))
        done = accompanying.correct(
            service.database, release_id, statements, notes,
            minor=given.get("minor") == "1", began_from=began_from, now=now, by=auth.account_id(), alone=reason,
        )  # fmt: skip
    except (Refused, Conflict) as error:
        with room.enter(slug, Act.WRITE) as entered:
            return _form(entered, release_id, wrong=error.message), status_of(error)
    room.ring()
    page = "desk.releases.release" if done.number is not None else ".proposal"
    return redirect(url_for(page, slug=slug, release_id=release_id), 303)


@bp.get("/<slug>/releases/<release_id>/proposal")
def proposal(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.READ) as entered:
        return _proposal(entered, release_id)


@bp.post("/<slug>/releases/<release_id>/proposal/<any(publish, withdraw):act>")
def settle(slug: str, release_id: str, act: str) -> ResponseReturnValue:
    """What was proposed and read goes out, through somebody who did not write it; or it is taken away."""
    service, account = the_service(), auth.account_id()
    with room.enter(slug, Act.PUBLISH if act == "publish" else Act.WRITE) as entered:
        entered.release(release_id)
        now = entered.now
    try:
        if act == "withdraw":
            withdrawing.withdraw(service.database, release_id, now=now, by=account)
        else:
            seen = terms.seen(request.form.get("seen", ""))
            accompanying.publish_proposal(service.database, release_id, seen=seen, now=now, by=account)
    except (Refused, Conflict, NotAllowed) as error:
        with room.enter(slug, Act.READ) as entered:
            return _proposal(entered, release_id, wrong=error.message), status_of(error)
    room.ring()
    return redirect(url_for("desk.releases.release", slug=slug, release_id=release_id), 303)


def _form(entered: Room, release_id: str, *, wrong: str | None = None) -> str:
    return render_template(
        "desk/correct.html",
        room=entered,
        newsroom=entered.newsroom,
        release=entered.release(release_id),
        fields=fields.of_release(entered, release_id),
        given=request.form,
        wrong=wrong,
    )


def _check(entered: Room, release_id: str, statements: Sequence[Statement]) -> str:
    notes, minor = fields.notes(entered, release_id), request.form.get("minor") == "1"
    if not notes and not minor:
        raise Refused(_("Say in a note what was wrong: readers see it. Only spelling needs none."))
    by_language = {one.language: one for one in fields.of_release(entered, release_id)}
    two = approving.wants_two(entered.tx, entered.newsroom)
    differences = []
    for one in statements:
        field = by_language[one.language]
        files = ([said for said, _asset in assets.of_revision(entered.tx, field.revision.id)], one.kept)
        changes = difference.between(field.revision, fields.drafted(entered, field, one), files=files)
        differences.append(Difference(one.language, changes))
    unchecked = approving.unchecked(entered.tx, [by_language[one.language].revision.id for one in statements])
    faces_wait = entered.newsroom.faces_checked and bool(unchecked)
    return render_template(
        "desk/correction.html",
        room=entered,
        newsroom=entered.newsroom,
        release=entered.release(release_id),
        differences=differences,
        notes=notes,
        minor=minor,
        kept=fields.kept(by_language.values(), notes, minor=minor),
        reason=request.form.get("reason", ""),
        unchecked=unchecked,
        faces_wait=faces_wait,
        waits=two or not entered.may("publish"),
        may_go_alone=two and entered.role is Role.OWNER and not faces_wait,
    )


def _proposal(entered: Room, release_id: str, *, wrong: str | None = None) -> str:
    release = entered.release(release_id)
    found = corrections.proposal(entered.tx, release.id)
    if found is None:
        raise NotFound("No correction of this release waits for anybody.")
    changes, named = [], []
    for translation_id, change in corrections.changes(entered.tx, found.id).items():
        translation = entered.tx.get_one(Translation, translation_id)
        before, after = (entered.tx.get_one(Revision, one) for one in (change.before_id, change.after_id))
        changes.append(_difference(entered, release, translation.language, before, after))
        named.append((translation, after))
    proposer = {found.proposed_by} - {None}
    is_own = approving.wants_two(entered.tx, entered.newsroom) and approving.is_own(
        entered.tx, named, auth.account_id()
    )
    unchecked = approving.unchecked(entered.tx, [after.id for _translation, after in named])
    return render_template(
        "desk/proposal.html",
        room=entered,
        newsroom=entered.newsroom,
        release=release,
        proposal=found,
        differences=sorted(changes, key=lambda one: one.language),
        roles=audit.roles(entered.tx, entered.newsroom.id, [one for one in proposer if one]),
        seen=".".join(sorted(str(after.id) for _translation, after in named)),
        needs_other=is_own or not entered.may("publish"),
        approvers=people.approvers(entered, approving.approvers(entered.tx, entered.newsroom.id, named)),
        unchecked=unchecked,
        faces_wait=entered.newsroom.faces_checked and bool(unchecked),
        wrong=wrong,
    )


def _difference(entered: Room, release: Release, language: str, before: Revision, after: Revision) -> Difference:
    found = shown.of_revisions(entered.tx, [before.id, after.id], entered.now)
    old, new = found[before.id], found[after.id]
    changes = difference.between(before, after, files=([one.said for one in old], [one.said for one in new]))
    base = url_for("desk.releases.release", slug=entered.newsroom.slug, release_id=release.id)
    known = {one.asset.id for one in old}
    pictures = [shown.figure(one, base, language, plays=True) for one in new if one.asset.id not in known]
    return Difference(language, changes, pictures)
