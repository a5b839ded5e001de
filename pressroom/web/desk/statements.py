"""Statements pasted at the desk: a new release, or one more language of a release, or a new text of one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from pressroom.errors import Conflict, Refused, StatementRefused
from pressroom.people.account import Act
from pressroom.releases import beat as beats
from pressroom.releases import submitting
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.reading import Statement, read_statements
from pressroom.web import auth
from pressroom.web.desk import room, sheet
from pressroom.web.desk.room import Room
from pressroom.web.errors import status_of
from pressroom.web.publishing import the_service

bp = Blueprint("statements", __name__)

LARGEST = 200_000  # bytes of UTF-8


@bp.get("/<slug>/new")
def new(slug: str) -> ResponseReturnValue:
    with room.enter(slug, Act.WRITE) as entered:
        return _form(entered, None, {"language": entered.newsroom.languages[0]})


@bp.get("/<slug>/releases/<release_id>/text")
def text(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.WRITE) as entered:
        missing = sheet.of(entered.tx, entered.newsroom, entered.release(release_id), entered.now).missing
        chosen = request.args.get("language") or (missing or entered.newsroom.languages)[0]
        return _form(entered, release_id, {"language": chosen})


@bp.post("/<slug>/new")
@bp.post("/<slug>/releases/<release_id>/text")
def submit(slug: str, release_id: str | None = None) -> ResponseReturnValue:
    """The same text sent twice is one release; a text much like another's asks whether it is meant."""
    with room.enter(slug, Act.WRITE) as entered:
        if release_id is not None:
            entered.release(release_id)
        newsroom, now = entered.newsroom, entered.now
        known = set(beats.in_newsroom(entered.tx, newsroom.id))
    try:
        statement = _statement(newsroom, known, with_beats=release_id is None)
        submitted = submitting.submit(
            the_service().database,
            slug,
            [statement],
            now=now,
            release_id=release_id,
            new=release_id is None and "new" in request.form,
            embargo=local_time(request.form.get("embargo", "")) if release_id is None else None,
            by=auth.account_id(),
        )
    except (Refused, Conflict) as error:
        with room.enter(slug, Act.WRITE) as entered:
            return _form(entered, release_id, request.form, wrong=error.message), status_of(error)
    return redirect(url_for("desk.releases.release", slug=slug, release_id=submitted.release_id), 303)


def local_time(value: str) -> datetime | None:
    """What a browser's field for date and time holds, without an offset; None for an empty one. Raises Refused."""
    if not value.strip():
        return None
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        raise Refused(_("This is not a date and time; write it as 2026-11-20T09:30.")) from None


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


def _statement(newsroom: Newsroom, known_beats: set[str], *, with_beats: bool) -> Statement:
    language = request.form.get("language", "")
    if language not in newsroom.languages:
        raise Refused(_("Choose one of the newsroom's languages."))
    statement = _read(request.form.get("text", ""), language, is_markdown=request.form.get("form") == "markdown")
    chosen = [slug for slug in request.form.getlist("beats") if slug in known_beats] if with_beats else []
    return replace(statement, beats=tuple(dict.fromkeys([*statement.beats, *chosen])))


def _read(pasted: str, language: str, *, is_markdown: bool) -> Statement:
    data = pasted.encode("utf-8", "replace")
    if not pasted.strip():
        raise Refused(_("Paste the statement into the field first."))
    if len(data) > LARGEST:
        raise Refused(_("The text is larger than 200 kB; shorten it, or send it with the command line."))
    # Statements are read from files, so that a pasted one is understood exactly as a pushed one.
    with TemporaryDirectory(prefix="pressroom-") as folder:
        path = Path(folder) / ("statement.md" if is_markdown else "statement.txt")
        path.write_bytes(data)
        try:
            statement = read_statements([path], language=language)[0]
        except StatementRefused as error:
            where = _("Line %(number)s: ", number=error.line) if error.line else ""
            raise Refused(f"{where}{error.reason[:1].upper()}{error.reason[1:]}") from None
    if statement.assets:
        raise Refused(_("A picture cannot be pasted; push the statement with its files by the command line."))
    return replace(statement, path=Path(language))
