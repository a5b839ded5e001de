"""Bounces and complaints that relays and our own programs post. Stored before they are acknowledged, judged later.

A hook without its secret in the settings does not exist; a request that is not signed with it is refused unread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, abort, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import RequestEntityTooLarge

from pressroom.config import Config
from pressroom.mailing import collecting
from pressroom.mailing.arrival import LARGEST, Form
from pressroom.web import sns
from pressroom.web.desk import room
from pressroom.web.publishing import the_service
from pressroom.web.signatures import Check, basic, mailgun, mailgun_token, own, sendgrid

bp = Blueprint("hooks", __name__, url_prefix="/hooks")

_UNAUTHORIZED, _FORBIDDEN = 401, 403


@dataclass(frozen=True)
class _Hook:
    form: Form
    secret: Callable[[Config], str | None]
    check: Check


_HOOKS = {
    "bounces": _Hook(Form.REPORT, lambda config: config.hook_secret, own),
    "mailgun": _Hook(Form.MAILGUN, lambda config: config.mailgun_key, mailgun),
    "postmark": _Hook(Form.POSTMARK, lambda config: config.postmark_login, basic),
    "sendgrid": _Hook(Form.SENDGRID, lambda config: config.sendgrid_key, sendgrid),
    "ses": _Hook(Form.SES, lambda config: config.ses_topic, sns.check),
    "sparkpost": _Hook(Form.SPARKPOST, lambda config: config.sparkpost_login, basic),
}


@bp.record_once
def _set_up(state: BlueprintSetupState) -> None:
    extensions = state.app.extensions
    extensions["pressroom.amazon"] = sns.Amazon(extensions["pressroom"].config)
    # A signature is more than a form token.
    extensions["csrf"].exempt(take)


@bp.post("/<sender>")
def take(sender: str) -> ResponseReturnValue:
    hook, service = _HOOKS.get(sender), the_service()
    secret = hook.secret(service.config) if hook else None
    if hook is None or secret is None:
        abort(404)
    body = _body()
    with service.database.reading() as tx:
        now = service.database.now(tx)
    signed = hook.check(secret, request.headers, body, now)
    if signed is None:
        return Response("Sign this request.\n", _UNAUTHORIZED, {"WWW-Authenticate": "Basic"}, mimetype="text/plain")
    if not signed:
        return _said("The signature does not fit, or is too old.", _FORBIDDEN)
    if hook.form is Form.SES and not sns.is_notification(body):
        sns.confirm(body)
        return _said("Confirmed.", 200)
    is_message = hook.form is Form.REPORT and request.mimetype == "message/rfc822"
    form = Form.MESSAGE if is_message else hook.form
    mark = mailgun_token(body) if form is Form.MAILGUN else None
    collecting.take_in(service.database, service.keyring, form, body, now=now, mark=mark)
    room.ring()
    return _said("Stored.", 200)


def _body() -> bytes:
    request.max_content_length = LARGEST
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        abort(413)


def _said(sentence: str, status: int) -> Response:
    return Response(f"{sentence}\n", status, {"Cache-Control": "no-store"}, mimetype="text/plain")
