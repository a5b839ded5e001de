"""Logging in and out of the desk, and the check that stands before every page of it."""

from __future__ import annotations

import re
from datetime import datetime

from flask import Blueprint, Response, abort, g, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from pressroom import catalogues, languages
from pressroom.errors import NotAllowed, Refused
from pressroom.people import inviting, signing_in
from pressroom.people.account import Membership, Role
from pressroom.people.signing_in import TooManyAttempts
from pressroom.releases.newsroom import Newsroom
from pressroom.web.locale import speak
from pressroom.web.proxies import network_of
from pressroom.web.publishing import the_service

bp = Blueprint("auth", __name__, url_prefix="/login")

COOKIE = "pressroom_session"
LANGUAGES = ("ckb", "kmr", "ar")

_OF_THE_DESK = "Your newsrooms"
_FORBIDDEN, _UNPROCESSABLE, _TOO_MANY = 403, 422, 429


@bp.get("")
def log_in() -> ResponseReturnValue:
    wanted = _local(request.args.get("next", ""))
    if _account_id() is not None:
        return redirect(wanted, 303)
    return render_template("desk/log_in.html", next=wanted, email="", wrong=None)


@bp.post("")
def enter() -> ResponseReturnValue:
    service = the_service()
    wanted, email = _local(request.form.get("next", "")), request.form.get("email", "").strip()
    password = request.form.get("password", "")
    try:
        token = signing_in.sign_in(
            service.database, service.keyring, email, password, network=network_of(request.remote_addr or ""), now=now()
        )
    except TooManyAttempts as error:
        refused = _refused(error.message, _TOO_MANY, wanted, email)
        refused.headers["Retry-After"] = str(int(signing_in.WINDOW.total_seconds()))
        return refused
    except NotAllowed as error:
        return _refused(error.message, _FORBIDDEN, wanted, email)
    return _signed_in(token, wanted)


@bp.post("/out")
def log_out() -> ResponseReturnValue:
    token = request.cookies.get(COOKIE)
    if token:
        signing_in.sign_out(the_service().database, token)
    session.clear()
    response = make_response(redirect(url_for("auth.log_in"), 303))
    response.delete_cookie(COOKIE, path="/", secure=_is_https(), httponly=True, samesite="Lax")
    return response


@bp.get("/invitation/<token>")
def invitation(token: str) -> ResponseReturnValue:
    with the_service().database.reading() as tx:
        inviting.invited(tx, token, now=the_service().database.now(tx))
    return render_template("desk/invitation.html", shortest=inviting.SHORTEST_PASSWORD, wrong=None)


@bp.post("/invitation/<token>")
def accept(token: str) -> ResponseReturnValue:
    database, password = the_service().database, request.form.get("password", "")
    with database.reading() as tx:
        moment = database.now(tx)
        inviting.invited(tx, token, now=moment)
    try:
        if password != request.form.get("again", ""):
            raise Refused(_("The two passwords differ; type the same one twice."))
        account_id = inviting.accept(database, token, password, now=moment)
    except Refused as error:
        page = render_template("desk/invitation.html", shortest=inviting.SHORTEST_PASSWORD, wrong=error.message)
        return page, _UNPROCESSABLE
    return _signed_in(signing_in.begin(database, account_id, now=moment), "/desk/")


@bp.before_request
def speak_to_staff() -> None:
    """The desk, unlike the public pages, follows the browser: whoever works here has no language in the address."""
    wanted = [value for value in request.accept_languages.values() if value != "*"]
    # A language is offered once its catalogue has the desk: pages half in one and half in another help nobody.
    spoken = [tag for tag in LANGUAGES if catalogues.of_language(tag).gettext(_OF_THE_DESK) != _OF_THE_DESK]
    speak(languages.best(wanted, ["en", *spoken], ("en",)) or "en")


@bp.after_request
def keep_private(response: Response) -> Response:
    """Nothing of the desk is kept, indexed, or told to other sites."""
    response.headers.setdefault("Cache-Control", "private, no-store")
    response.headers["X-Robots-Tag"] = "noindex"
    # Enough for our own pages to tell each other; other sites learn nothing.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def require_account() -> ResponseReturnValue | None:
    """Before every page of the desk: the account in g, or the way to the log in."""
    account_id = _account_id()
    if account_id is None:
        if request.path.endswith(".json"):
            abort(401)
        came_from = request.full_path.rstrip("?") if request.method == "GET" else "/desk/"
        return redirect(url_for("auth.log_in", next=came_from), 303)
    g.account_id = account_id
    return None


def guard(blueprint: Blueprint) -> None:
    """Makes a blueprint part of the desk: for staff only, in their language, and private."""
    blueprint.before_request(speak_to_staff)
    blueprint.before_request(require_account)
    blueprint.after_request(keep_private)
    blueprint.context_processor(lambda: {"catches_mail": "account_id" in g and may_read_caught_mail()})


def account_id() -> int:
    """Who asks. Only behind `require_account`."""
    found: int = g.account_id
    return found


def catches_mail() -> bool:
    """Whether all mail ends in the demo's local mailbox."""
    config = the_service().config
    return config.mailbox_port is not None and not config.mail_server


def may_read_caught_mail() -> bool:
    """Whether mail is caught here, and the account owns every newsroom: the mailbox holds the mail of all of them."""
    if not catches_mail():
        return False
    owned = select(Membership.newsroom_id).where(Membership.account_id == account_id(), Membership.role == Role.OWNER)
    with the_service().database.reading() as tx:
        return tx.execute(select(Newsroom.id).where(Newsroom.id.not_in(owned)).limit(1)).first() is None


def now() -> datetime:
    database = the_service().database
    with database.reading() as tx:
        return database.now(tx)


def _account_id() -> int | None:
    token = request.cookies.get(COOKIE)
    return signing_in.account_of(the_service().database, token, now=now()) if token else None


def _signed_in(token: str, wanted: str) -> ResponseReturnValue:
    # A form token that somebody knew before the log in is worth nothing after it.
    session.clear()
    response = make_response(redirect(wanted, 303))
    response.set_cookie(COOKIE, token, path="/", secure=_is_https(), httponly=True, samesite="Lax")
    return response


def _refused(message: str, status: int, wanted: str, email: str) -> Response:
    page = render_template("desk/log_in.html", next=wanted, email=email, wrong=message)
    return make_response(page, status)


def _is_https() -> bool:
    return the_service().config.base_url.startswith("https:")


def _local(path: str) -> str:
    """The path if it is one of the desk, else the desk's first page: a log in leads nowhere else."""
    steps = path.partition("?")[0].split("/")
    is_of_desk = steps[:2] == ["", "desk"] and ".." not in steps and not re.search(r"[\\\s\x00-\x1f]", path)
    return path if is_of_desk else "/desk/"
