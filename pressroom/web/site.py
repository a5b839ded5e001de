"""What belongs to no one newsroom: the front page, privacy, pictures, robots.txt."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from pressroom.errors import NotFound
from pressroom.releases import newsroom as newsrooms
from pressroom.releases.asset import Asset, RevisionAsset
from pressroom.releases.release import Release
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import translation_is_public
from pressroom.web import publishing
from pressroom.web.documents import Document

bp = Blueprint("site", __name__)

# The languages the interface itself speaks.
_OFFERED = ("en", "ckb", "kmr", "ar")


@bp.get("/")
def front() -> ResponseReturnValue:
    """All newsrooms with all their languages; it guesses nobody's."""

    def render(tx: Session, now: datetime) -> Document:
        html = publishing.html("site", None, newsrooms=newsrooms.everyone(tx), canonical="/")
        return publishing.page(tx, None, html, now)

    return publishing.published(None, render)


@bp.get("/privacy")
def privacy() -> ResponseReturnValue:
    def render(tx: Session, now: datetime) -> Document:
        return publishing.page(tx, None, publishing.html("privacy", None, offered=_OFFERED, canonical="/privacy"), now)

    return publishing.published(None, render)


@bp.get("/assets/<asset_id>.<extension>")
def asset(asset_id: str, extension: str) -> ResponseReturnValue:
    """A picture that some public text shows."""

    def render(tx: Session, now: datetime) -> Document:
        query = (
            select(Asset)
            .join(RevisionAsset, RevisionAsset.asset_id == Asset.id)
            .join(Translation, Translation.revision_id == RevisionAsset.revision_id)
            .join(Release, Release.id == Translation.release_id)
            .where(Asset.id == asset_id, Asset.extension == extension, translation_is_public(now))
            .limit(1)
        )
        found = tx.scalars(query).one_or_none()
        if found is None:
            raise NotFound("There is no such picture.")
        return publishing.file(tx, None, found.data, found.media_type, now)

    return publishing.published(None, render)


@bp.get("/robots.txt")
def robots() -> Response:
    closed = ("/desk/", "/preferences/", "/unsubscribe/", "/outlet/")
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed), ""]
    return Response("\n".join(lines), mimetype="text/plain", headers={"Cache-Control": "public, max-age=3600"})
