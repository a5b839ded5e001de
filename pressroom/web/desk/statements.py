"""Statements pasted at the desk: a new release, or one more language of a release, or a new text of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from pressroom.errors import Conflict, Refused
from pressroom.people.account import Act
from pressroom.releases import beat as beats
from pressroom.releases import revision as revisions
from pressroom.releases import submitting
from pressroom.releases import translation as translations
from pressroom.releases.revision import Revision
from pressroom.releases.statement import Statement
from pressroom.releases.translation import Translation
from pressroom.web import auth
from pressroom.web.desk import room, sheet, terms, texts
from pressroom.web.desk.room import Room
from pressroom.web.errors import status_of
from pressroom.web.publishing import the_service

bp = Blueprint("statements", __name__)


@bp.get("/<slug>/new")
def new(slug: str) -> ResponseReturnValue:
    with room.enter(slug, Act.WRITE) as entered:
        return _form(entered, None, {"language": entered.newsroom.languages[0]})


@bp.get("/<slug>/releases/<release_id>/text")
def text(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.WRITE) as entered:
        missing = sheet.of(entered.tx, entered.newsroom, entered.release(release_id), entered.now).missing
        chosen = request.args.get("language") or (missing or entered.newsroom.languages)[0]
        present = _present(entered, release_id, chosen)
        given = {"text": texts.shown(present[1]), "form": present[1].form.value} if present else {}
        return _form(entered, release_id, {"language": chosen, **given})


@bp.post("/<slug>/new")
@bp.post("/<slug>/releases/<release_id>/text")
def submit(slug: str, release_id: str | None = None) -> ResponseReturnValue:
    """The same text sent twice is one release; a text much like another's asks whether it is meant."""
    try:
        with room.enter(slug, Act.WRITE) as entered:
            if release_id is not None:
                entered.release(release_id)
            now, statement = entered.now, _statement(entered, release_id)
        submitted = submitting.submit(
            the_service().database,
            slug,
            [statement],
            now=now,
            release_id=release_id,
            new=release_id is None and "new" in request.form,
            embargo=terms.local(request.form.get("embargo", "")) if release_id is None else None,
            by=auth.account_id(),
        )
    except (Refused, Conflict) as error:
        with room.enter(slug, Act.WRITE) as entered:
            return _form(entered, release_id, request.form, wrong=error.message), status_of(error)
    return redirect(url_for("desk.releases.release", slug=slug, release_id=submitted.release_id), 303)


def _form(entered: Room, release_id: str | None, given: Any, *, wrong: str | None = None) -> str:
    return render_template(
        "desk/statement.html",
        room=entered,
        newsroom=entered.newsroom,
        release_id=release_id,
        given=given,
        chosen_beats=given.getlist("beats") if hasattr(given, "getlist") else [],
        beats=list(beats.in_newsroom(entered.tx, entered.newsroom.id).values()),
        wrong=wrong,
    )


def _present(entered: Room, release_id: str, language: str) -> tuple[Translation, Revision] | None:
    translation = translations.of_release(entered.tx, release_id).get(language)
    revision = revisions.newest(entered.tx, translation.id) if translation else None
    return (translation, revision) if translation and revision else None


def _statement(entered: Room, release_id: str | None) -> Statement:
    language, given = request.form.get("language", ""), request.form.get("text", "")
    if language not in entered.newsroom.languages:
        raise Refused(_("Choose one of the newsroom's languages."))
    is_markdown = request.form.get("form") == "markdown"
    if release_id and (present := _present(entered, release_id, language)):
        return texts.read_back(entered.tx, *present, given, is_markdown=is_markdown)
    statement = texts.read(given, language, is_markdown=is_markdown)
    known = set(beats.in_newsroom(entered.tx, entered.newsroom.id))
    chosen = [] if release_id else [slug for slug in request.form.getlist("beats") if slug in known]
    return replace(statement, beats=tuple(dict.fromkeys([*statement.beats, *chosen])))
