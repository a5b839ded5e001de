"""How a view answers with a document: from the library, or rendered now and put there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import current_app, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.releases import visibility
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.translation import Translation
from pressroom.service import Service
from pressroom.web import documents, headers
from pressroom.web.documents import Document, Keep
from pressroom.web.fastpath import Library
from pressroom.web.headers import SECURITY

Render = Callable[[Session, datetime], Document]


def the_service() -> Service:
    service: Service = current_app.extensions["pressroom"]
    return service


def base_url() -> str:
    return the_service().config.base_url


def published(newsroom: str | None, render: Render) -> ResponseReturnValue:
    """Answers this request with the document at its path; `newsroom` None is one that any newsroom changes."""
    library: Library = current_app.extensions["pressroom.library"]

    def fresh(now: datetime) -> Document:
        with the_service().database.reading() as tx:
            return render(tx, now)

    document, now = library.get(request.environ["PATH_INFO"], newsroom, fresh)
    headers.leave_alone()
    return documents.response(document, now)


def html(name: str, newsroom: Newsroom | None, **values: Any) -> str:
    """A page from templates/newsroom; what a page does not name it does not have."""
    given: dict[str, Any] = {"canonical": None, "x_default": None, "alternates": [], "feeds": [], "own_feeds": []}
    given.update(values, newsroom=newsroom, base_url=base_url(), at=addresses)
    return render_template(f"newsroom/{name}.html", **given)


def page(tx: Session, newsroom: Newsroom | None, text: str, now: datetime, *, status: int = 200) -> Document:
    return _document(tx, newsroom, text.encode(), "text/html; charset=utf-8", Keep.PAGE, now, SECURITY, status)


def redirection(tx: Session, newsroom: Newsroom | None, path: str, now: datetime) -> Document:
    """Leads elsewhere for now; it may lead elsewhere again, or nowhere, after the next change."""
    return _document(tx, newsroom, b"", "text/plain", Keep.PAGE, now, {**SECURITY, "Location": path}, 302)


def feed(tx: Session, newsroom: Newsroom | None, body: bytes, media_type: str, now: datetime) -> Document:
    told = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}
    return _document(tx, newsroom, body, f"{media_type}; charset=utf-8", Keep.FEED, now, told, 200)


def file(tx: Session, newsroom: Newsroom | None, body: bytes, media_type: str, now: datetime) -> Document:
    return _document(tx, newsroom, body, media_type, Keep.FEED, now, SECURITY, 200)


def _document(
    tx: Session,
    newsroom: Newsroom | None,
    body: bytes,
    content_type: str,
    keep: Keep,
    now: datetime,
    told: Mapping[str, str],
    status: int,
) -> Document:
    return documents.make(
        body,
        content_type,
        keep,
        last_modified=_last_modified(tx, newsroom, now),
        valid_until=visibility.next_change(tx, now, newsroom.id if newsroom else None),
        status=status,
        headers=told.items(),
    )


def _last_modified(tx: Session, newsroom: Newsroom | None, now: datetime) -> datetime:
    """The last change of anything the document may show, retractions and lifted embargoes included."""
    changed = select(func.max(Newsroom.changed_at))
    lifted = select(func.max(Translation.public_from)).where(Translation.public_from <= now)
    if newsroom is not None:
        changed = changed.where(Newsroom.id == newsroom.id)
        lifted = lifted.where(Translation.newsroom_id == newsroom.id)
    moments = [tx.execute(query).scalar_one() for query in (changed, lifted)]
    return min(now, max((moment for moment in moments if moment is not None), default=now))
