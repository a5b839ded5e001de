"""Search in what is public of a newsroom, in one language. Neither kept nor logged: what people look for is theirs."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from pressroom import addresses, folded
from pressroom.feeds import channel as channels
from pressroom.feeds.channel import Channel
from pressroom.releases import newsroom as newsrooms
from pressroom.web import publishing
from pressroom.web.locale import speak
from pressroom.web.places import Alternate, check_language, feed_links, own_feeds

bp = Blueprint("search", __name__)

_LIMIT = 50
_LONGEST = 200


@bp.get("/<slug>/<tag>/search")
def search(slug: str, tag: str) -> ResponseReturnValue:
    """The newest releases that hold every word of `q`; a longer `q` is cut."""
    asked = request.args.get("q", "").replace("\0", "")[:_LONGEST]
    words = list(dict.fromkeys(folded.words(asked)))
    now = publishing.public_now()
    with publishing.the_service().database.reading() as tx:
        newsroom = newsrooms.by_slug(tx, slug)
        check_language(newsroom, tag)
        speak(tag)
        feeds = feed_links(newsroom, tag)
        html = publishing.html(
            "search",
            newsroom,
            asked=asked,
            longest=_LONGEST,
            items=channels.holding(tx, Channel(newsroom, tag), words, now, limit=_LIMIT) if words else [],
            alternates=[Alternate(one, addresses.search(slug, one)) for one in newsroom.languages],
            path=addresses.search(slug, tag),
            feeds=feeds,
            own_feeds=own_feeds(feeds, tag),
        )
    return Response(html, mimetype="text/html", headers={"Cache-Control": "no-store", "X-Robots-Tag": "noindex"})
