"""Errors as pages: one plain sentence, the right status, and nothing about what is hidden."""

from __future__ import annotations

import logging
import traceback

from flask import Flask, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException

from pressroom.errors import Conflict, NotAllowed, NotFound, PressroomError, Refused, TryLater
from pressroom.web.locale import speak

log = logging.getLogger(__name__)

_STATUS: dict[type[PressroomError], int] = {NotFound: 404, NotAllowed: 403, Conflict: 409, Refused: 422, TryLater: 503}
_RETRY_AFTER = "5"


def init_app(app: Flask) -> None:
    app.before_request(_refuse_nul)
    app.register_error_handler(PressroomError, _for_person)
    app.register_error_handler(CSRFError, _expired_form)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(Exception, _unexpected)


def _refuse_nul() -> None:
    # PostgreSQL cannot even be asked for a text that contains one.
    if "\0" in request.path:
        raise NotFound("There is nothing at this address.")


def status_of(error: PressroomError) -> int:
    return next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)


def _for_person(error: PressroomError) -> ResponseReturnValue:
    status = status_of(error)
    return _not_found() if status == 404 else _page(status, error.message)


def _expired_form(_: CSRFError) -> ResponseReturnValue:
    return _page(400, "The form has expired. Please send it again.")


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.code == 404:
        return _not_found()
    response = make_response(_page(error.code or 500, error.description or error.name))
    for name, value in error.get_headers(request.environ):
        if name.lower() not in ("content-type", "content-length"):
            response.headers.setdefault(name, value)
    return response


def _not_found() -> ResponseReturnValue:
    """Byte-equal for every address, whatever stands or will stand behind it."""
    speak("en")
    return _page(404, "")


def _database(error: DBAPIError) -> ResponseReturnValue:
    if isinstance(error, OperationalError):
        log.warning("The database did not answer %s: %s", request.endpoint, type(error.orig).__name__)
        return _page(503, "The database does not answer; try again in a moment.")
    return _unexpected(error)


def _unexpected(error: Exception) -> ResponseReturnValue:
    # The text of an exception may quote an address or a parameter: its place is enough to find it.
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    where = "\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
    log.error("%s at %s\n%s", type(error).__name__, request.endpoint, where)
    if current_app.testing:
        raise error
    return _page(500, "Something went wrong on our side. Please try again later.")


def _page(status: int, message: str) -> ResponseReturnValue:
    response = make_response(render_template("error.html", status=status, message=message), status)
    response.headers["Cache-Control"] = "no-store"
    if status == 503:
        response.headers["Retry-After"] = _RETRY_AFTER
    return response
