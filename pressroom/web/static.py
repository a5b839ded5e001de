"""Style sheets, scripts and the icon, compressed once; an address that carries the content's hash is kept for ever."""

from __future__ import annotations

import mimetypes
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.security import safe_join

from pressroom.errors import NotFound
from pressroom.web import documents
from pressroom.web.documents import Document, Keep

_FOLDER = Path(__file__).parent / "static"
_SHOWN = 12


def init_app(app: Flask) -> None:
    app.add_url_rule("/static/<path:filename>", endpoint="static", view_func=_static)
    app.url_defaults(_name_version)


def paths() -> list[str]:
    """The address of each file, without its version."""
    return sorted(f"/static/{path.relative_to(_FOLDER).as_posix()}" for path in _FOLDER.rglob("*") if path.is_file())


def _static(filename: str) -> ResponseReturnValue:
    document = _read(filename)
    if document is None:
        raise NotFound("There is no such file.")
    if request.args.get("v") == document.etag[:_SHOWN]:
        document = replace(document, keep=Keep.FOREVER)
    return documents.response(document, datetime.now(UTC))


def _name_version(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == "static" and "v" not in values:
        document = _read(values["filename"])
        if document is not None:
            values["v"] = document.etag[:_SHOWN]


_LONGEST_NAME = 200


@cache
def _found() -> dict[str, Document]:
    return {}


def _read(filename: str) -> Document | None:
    known = _found()
    if filename not in known:
        path = safe_join(str(_FOLDER), filename)
        if path is None or len(filename) > _LONGEST_NAME or not Path(path).is_file():
            return None
        media_type = mimetypes.guess_type(filename)[0] or "application/octet-stream"
        if media_type.startswith("text/") or media_type == "image/svg+xml":
            media_type += "; charset=utf-8"
        known[filename] = documents.make(Path(path).read_bytes(), media_type, Keep.PAGE)
    return known[filename]
