"""The demo's local mailbox, for owners of all its newsrooms: mail that was caught here and went nowhere."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from pressroom.errors import NotAllowed, NotFound
from pressroom.web import auth, caught_mail
from pressroom.web.headers import SECURITY
from pressroom.web.publishing import the_service

bp = Blueprint("mailbox", __name__, url_prefix="/desk/mailbox")

_PER_PAGE = 100
# A mail is somebody else's page: it runs nothing, loads nothing from elsewhere, and has no origin.
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
_FRAMING_POLICY = f"{SECURITY['Content-Security-Policy']}; frame-src 'self'"

auth.guard(bp)


@bp.before_request
def _require_owner() -> None:
    """Raises NotFound where mail is not caught, and NotAllowed for anybody but an owner."""
    if not auth.catches_mail():
        raise NotFound("Mail is not caught here.")
    if not auth.may_read_caught_mail():
        raise NotAllowed("Only who owns every newsroom here may read the mailbox, for it holds the mail of all.")


@bp.get("")
def messages() -> ResponseReturnValue:
    folder = the_service().config.mailbox_dir
    number = max(1, request.args.get("page", 1, type=int))
    keys = caught_mail.keys(folder)
    start = (number - 1) * _PER_PAGE
    return render_template(
        "desk/mailbox.html",
        messages=caught_mail.read(folder, keys[start : start + _PER_PAGE]),
        total=len(keys),
        number=number,
        has_more=len(keys) > start + _PER_PAGE,
    )


@bp.get("/messages/<key>")
def message(key: str) -> ResponseReturnValue:
    opened = caught_mail.open_message(the_service().config.mailbox_dir, key)
    response = Response(render_template("desk/caught.html", opened=opened, one=opened.caught))
    response.headers["Content-Security-Policy"] = _FRAMING_POLICY
    return response


@bp.get("/messages/<key>/html")
def html(key: str) -> ResponseReturnValue:
    """The HTML part alone, as a mail program would show it; for the frame on its page."""
    opened = caught_mail.open_message(the_service().config.mailbox_dir, key)
    if opened.html is None:
        raise NotFound("This message has no HTML part.")
    response = Response(opened.html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _MAIL_POLICY
    return response


@bp.get("/messages/<key>/source")
def source(key: str) -> ResponseReturnValue:
    opened = caught_mail.open_message(the_service().config.mailbox_dir, key)
    return Response(opened.source, content_type="text/plain; charset=utf-8")
