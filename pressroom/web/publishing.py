"""How a view answers with a document: from the library, or rendered now and put there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import current_app, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.feeds import channel as channels
from pressroom.releases import visibility
from pressroom.releases.newsroom import Newsroom
from pressroom.service import Service
from pressroom.web import documents, headers
from pressroom.web.documents import Document, Keep
from pressroom.web.fastpath import Library
from pressroom.web.headers import SECURITY

Render = Callable[[Session, datetime], Document]

FOR_MACHINES = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}


def the_service() -> Service:
    service: Service = current_app.extensions["pressroom"]
    return service


def base_url() -> str:
    return the_service().config.base_url


def the_library() -> Library:
    library: Library = current_app.extensions["pressroom.library"]
    return library


def public_now() -> datetime:
    """The time to ask visibility with for anybody who is not staff; the database's own may run ahead (AgreedTime)."""
    return the_library().now()


def published(newsroom: str | None, render: Render) -> ResponseReturnValue:
    """Answers this request with the document at its path; `newsroom` None is one that any newsroom changes."""

    def fresh(now: datetime) -> Document:
        with the_service().database.reading() as tx:
            return render(tx, now)

    document, now = the_library().get(request.environ["PATH_INFO"], newsroom, fresh)
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


def data(
    tx: Session,
    newsroom: Newsroom | None,
    body: bytes,
    media_type: str,
    now: datetime,
    *,
    keep: Keep = Keep.FILE,
    status: int = 200,
) -> Document:
    return _document(tx, newsroom, body, f"{media_type}; charset=utf-8", keep, now, FOR_MACHINES, status)


def changes(tx: Session, newsroom: Newsroom, body: bytes, media_type: str, next_url: str, now: datetime) -> Document:
    """A page of a newsroom's changes; whoever was rung for one must not be told an older answer."""
    told = {**FOR_MACHINES, "Link": f'<{next_url}>; rel="next"'}
    made = _document(tx, newsroom, body, f"{media_type}; charset=utf-8", Keep.PAGE, now, told, 200)
    return replace(made, last_modified=None)


def download(tx: Session, newsroom: Newsroom, body: bytes, media_type: str, now: datetime) -> Document:
    told = {**FOR_MACHINES, "Content-Disposition": "attachment"}
    return _document(tx, newsroom, body, media_type, Keep.FILE, now, told, 200)


def file(tx: Session, newsroom: Newsroom | None, body: bytes, media_type: str, now: datetime) -> Document:
    return _document(tx, newsroom, body, media_type, Keep.FILE, now, SECURITY, 200)


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
        # Of what may be seen only: a hidden act must not show in a date.
        last_modified=channels.updated(tx, newsroom, now),
        valid_until=visibility.next_change(tx, now, newsroom.id if newsroom else None),
        status=status,
        headers=told.items(),
    )
