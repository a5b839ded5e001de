"""What belongs to no one newsroom: the front page, privacy, pictures, and what leads machines to all the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from pressroom import addresses
from pressroom.errors import NotFound
from pressroom.feeds import sitemap as sitemaps
from pressroom.feeds.opml import groups, opml
from pressroom.releases import asset as assets
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import xmp
from pressroom.releases.asset import Size
from pressroom.web import publishing
from pressroom.web.documents import Document

bp = Blueprint("site", __name__)

_XML = "application/xml"
_OPML = "text/x-opml"

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
@bp.get("/assets/<asset_id>-print.<extension>", defaults={"size": "print"})
def asset(asset_id: str, extension: str, size: str = "web") -> ResponseReturnValue:
    """A picture or file that some public text shows, with who made it and what public texts say of it written in."""

    def render(tx: Session, now: datetime) -> Document:
        said = assets.said_in_public(tx, asset_id, now)
        if not said:
            raise NotFound("There is no such picture.")
        found = assets.rendition(tx, asset_id, Size(size), extension)
        document = publishing.file(tx, None, xmp.with_credit(found.data, found.media_type, said), found.media_type, now)
        # What a document does when it is opened in a browser, on our own site, is nothing we could vouch for.
        told = [("Content-Disposition", "attachment")] if extension == "pdf" else []
        return replace(document, headers=[*document.headers, *told])

    return publishing.published(None, render)


@bp.get(addresses.SITEMAP)
@bp.get("/sitemap-<number:number>.xml")
def sitemap(number: int | None = None) -> ResponseReturnValue:
    """Every public page, or the addresses of the parts that name them."""

    def render(tx: Session, now: datetime) -> Document:
        count = sitemaps.parts(tx, now)
        if number is not None and number > count:
            raise NotFound("The sitemap has fewer parts.")
        if number is None and count > 1:
            body = sitemaps.index(count, publishing.base_url())
        else:
            body = sitemaps.sitemap(sitemaps.places(tx, now, number or 1), publishing.base_url())
        return publishing.data(tx, None, body, _XML, now)

    return publishing.published(None, render)


@bp.get(addresses.NEWS_SITEMAP)
def news_sitemap() -> ResponseReturnValue:
    def render(tx: Session, now: datetime) -> Document:
        found = sitemaps.news(tx, now)
        document = publishing.data(tx, None, sitemaps.news_sitemap(found, publishing.base_url()), _XML, now)
        # The clock alone takes news out again.
        went, ages = sitemaps.last_aged(tx, now), [one.published + sitemaps.NEWS_AGE for one in found[-1:]]
        ends = [moment for moment in (document.valid_until, *ages) if moment is not None]
        moments = [moment for moment in (document.last_modified, went) if moment is not None]
        return replace(document, valid_until=min(ends, default=None), last_modified=max(moments, default=None))

    return publishing.published(None, render)


@bp.get(addresses.OPML)
def feeds_opml() -> ResponseReturnValue:
    def render(tx: Session, now: datetime) -> Document:
        return publishing.data(tx, None, opml(groups(tx, now, publishing.base_url())), _OPML, now)

    return publishing.published(None, render)


@bp.get(addresses.ROBOTS)
def robots() -> Response:
    closed = ("/desk/", "/preferences/", "/unsubscribe/", "/outlet/")
    maps = (f"Sitemap: {publishing.base_url()}{path}" for path in (addresses.SITEMAP, addresses.NEWS_SITEMAP))
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed), "", *maps, ""]
    return Response("\n".join(lines), mimetype="text/plain", headers={"Cache-Control": "public, max-age=3600"})
