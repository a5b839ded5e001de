"""The public changes of a newsroom, for importers: each page names the next, and the last where to ask again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.errors import Refused
from pressroom.feeds import changes as pages
from pressroom.feeds import newsml, ninjs
from pressroom.feeds.changes import Cursor, Page
from pressroom.releases import newsroom as newsrooms
from pressroom.web import documents, headers, publishing
from pressroom.web.documents import Document

bp = Blueprint("changes", __name__)

_Writer = Callable[[Page, str], tuple[bytes, Page]]
_WRITERS: dict[str, tuple[_Writer, str]] = {
    "json": (ninjs.changes, ninjs.MEDIA_TYPE),
    "newsml.xml": (newsml.message, newsml.MESSAGE_TYPE),
}


@bp.get("/<slug>/changes.<any(json, 'newsml.xml'):kind>")
def changes(slug: str, kind: str) -> ResponseReturnValue:
    """Read anew for whoever asks: each importer stands at another place, and most of them at the end."""
    now = publishing.public_now()
    with publishing.the_service().database.reading() as tx:
        newsroom = newsrooms.by_slug(tx, slug)
        try:
            cursor = Cursor.read(request.args.get("after", ""))
        except Refused as error:
            told = {**publishing.FOR_MACHINES, "Cache-Control": "no-store"}
            return Response(f"{error.message}\n", 400, told, mimetype="text/plain")
        page = pages.page(tx, newsroom, cursor, now)
        if kind == "newsml.xml" and not page.changes:
            return _nothing(_next(page, kind))
        document = _document(tx, page, kind, now)
    headers.leave_alone()
    return documents.response(document, now)


def _document(tx: Session, page: Page, kind: str, now: datetime) -> Document:
    write, media_type = _WRITERS[kind]
    body, told = write(page, publishing.base_url())
    return publishing.changes(tx, page.newsroom, body, media_type, _next(told, kind), now)


def _nothing(next_url: str) -> Response:
    """A message has at least one item."""
    told = {**publishing.FOR_MACHINES, "Cache-Control": "no-store", "Link": f'<{next_url}>; rel="next"'}
    return Response(status=204, headers=told)


def _next(page: Page, kind: str) -> str:
    return publishing.base_url() + addresses.changes_feed(page.newsroom.slug, kind, after=str(page.cursor))
