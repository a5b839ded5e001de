"""Corrections at the desk: the new texts, then what was and what is now, and only then out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from pressroom.errors import Conflict, NotAllowed, NotFound, Refused
from pressroom.mailing import accompanying
from pressroom.people import audit
from pressroom.people.account import Act, Role
from pressroom.releases import approving, difference, drafting
from pressroom.releases import asset as assets
from pressroom.releases import correcting as corrections_made
from pressroom.releases import correction as corrections
from pressroom.releases.difference import Change
from pressroom.releases.reading import Statement
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.web import auth
from pressroom.web.desk import people, room, sheet, texts
from pressroom.web.desk.room import Room
from pressroom.web.errors import status_of
from pressroom.web.publishing import the_service

bp = Blueprint("correcting", __name__)

_ONE = "/<slug>/releases/<release_id>/correct"


@dataclass(frozen=True)
class Field:
    """One language that is out, as its field begins."""

    translation: Translation
    revision: Revision
    text: str

    @property
    def language(self) -> str:
        return self.translation.language


@dataclass(frozen=True)
class Difference:
    """What was and what would be said in one language."""

    language: str
    changes: Sequence[Change]


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
            statements = _statements(entered, release_id)
            return _check(entered, release_id, statements)
        except (Refused, Conflict) as error:
            return _form(entered, release_id, wrong=error.message), status_of(error)


@bp.post(f"{_ONE}/<any(publish, alone):step>")
def correct(slug: str, release_id: str, step: str) -> ResponseReturnValue:
    """Publishes it, or leaves it with a second person; `alone` is an owner who does without one."""
    service, given = the_service(), request.form
    try:
        with room.enter(slug, Act.MANAGE if step == "alone" else Act.WRITE) as entered:
            now, statements = entered.now, _statements(entered, release_id)
        reason = given.get("reason", "").strip() if step == "alone" else None
        if reason == "":
            raise Refused(_("Say why you publish alone: all owners are told."))
        done = accompanying.correct(
            service.database, release_id, statements, _notes(),
            minor=given.get("minor") == "1", now=now, by=auth.account_id(), alone=reason,
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
    """What was proposed goes out, through somebody who did not write it, or is taken away."""
    service, account = the_service(), auth.account_id()
    with room.enter(slug, Act.PUBLISH if act == "publish" else Act.WRITE) as entered:
        entered.release(release_id)
        now = entered.now
    try:
        if act == "withdraw":
            corrections_made.withdraw(service.database, release_id, now=now, by=account)
        else:
            accompanying.publish_proposal(service.database, release_id, now=now, by=account)
    except (Refused, Conflict, NotAllowed) as error:
        with room.enter(slug, Act.READ) as entered:
            return _proposal(entered, release_id, wrong=error.message), status_of(error)
    room.ring()
    return redirect(url_for("desk.releases.release", slug=slug, release_id=release_id), 303)


def _fields(entered: Room, release_id: str) -> list[Field]:
    found = sheet.of(entered.tx, entered.newsroom, entered.release(release_id), entered.now)
    fields = []
    for one in found.texts:
        if one.is_out:
            public = entered.tx.get_one(Revision, one.translation.revision_id)
            given = request.form.get(f"text-{one.language}")
            fields.append(Field(one.translation, public, texts.shown(public) if given is None else given))
    if not fields:
        raise Conflict(_("Only what is public is corrected; change the text of this release instead."))
    return fields


def _statements(entered: Room, release_id: str) -> list[Statement]:
    """Those that say something new. Raises Refused if none does."""
    out = []
    for field in _fields(entered, release_id):
        pasted = request.form.get(f"text-{field.language}")
        if pasted is None:
            continue
        is_markdown = field.revision.form.value == "markdown"
        statement = texts.read_back(entered.tx, field.translation, field.revision, pasted, is_markdown=is_markdown)
        if _drafted(entered, field, statement).content_hash != field.revision.content_hash:
            out.append(statement)
    if not out:
        raise Refused(_("The texts are as they were: change one first."))
    return out


def _drafted(entered: Room, field: Field, statement: Statement) -> Revision:
    return drafting.draft(field.translation, statement, {}, now=entered.now, by=auth.account_id())


def _notes() -> dict[str, str]:
    given = request.form
    found = {name.removeprefix("note-"): given[name].strip() for name in given if name.startswith("note-")}
    return {tag: note for tag, note in found.items() if note}


def _form(entered: Room, release_id: str, *, wrong: str | None = None) -> str:
    return render_template(
        "desk/correct.html",
        room=entered,
        newsroom=entered.newsroom,
        release=entered.release(release_id),
        fields=_fields(entered, release_id),
        given=request.form,
        wrong=wrong,
    )


def _check(entered: Room, release_id: str, statements: Sequence[Statement]) -> str:
    notes, minor = _notes(), request.form.get("minor") == "1"
    if not notes and not minor:
        raise Refused(_("Say in a note what was wrong: readers see it. Only spelling needs none."))
    fields = {one.language: one for one in _fields(entered, release_id)}
    known = set(entered.newsroom.languages) | set(fields)
    two = approving.wants_two(entered.tx, entered.newsroom)
    shown = []
    for one in statements:
        field = fields[one.language]
        shown.append(Difference(one.language, difference.between(field.revision, _drafted(entered, field, one))))
    return render_template(
        "desk/correction.html",
        room=entered,
        newsroom=entered.newsroom,
        release=entered.release(release_id),
        differences=shown,
        notes={tag: note for tag, note in notes.items() if tag in known},
        minor=minor,
        given=request.form,
        waits=two or not entered.may("publish"),
        may_go_alone=two and entered.role is Role.OWNER,
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
        files = tuple([said for said, _asset in assets.of_revision(entered.tx, one.id)] for one in (before, after))
        changes.append(Difference(translation.language, difference.between(before, after, files=(files[0], files[1]))))
        named.append((translation, after))
    proposer = {found.proposed_by} - {None}
    return render_template(
        "desk/proposal.html",
        room=entered,
        newsroom=entered.newsroom,
        release=release,
        proposal=found,
        differences=sorted(changes, key=lambda one: one.language),
        roles=audit.roles(entered.tx, entered.newsroom.id, [one for one in proposer if one]),
        is_own=approving.wants_two(entered.tx, entered.newsroom) and approving.is_own(named, auth.account_id()),
        approvers=people.approvers(entered, approving.approvers(entered.tx, entered.newsroom.id, named)),
        unchecked=approving.unchecked(entered.tx, [after.id for _translation, after in named]),
        wrong=wrong,
    )
