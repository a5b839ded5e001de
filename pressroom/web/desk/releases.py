"""One release as staff see it, and each language of it as readers will."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from pressroom import addresses
from pressroom.db import from_micros
from pressroom.errors import NotFound
from pressroom.feeds import item as items
from pressroom.feeds.item import Item
from pressroom.mailing import mailing as mailings
from pressroom.mailing import record
from pressroom.people.account import Act
from pressroom.releases import approving
from pressroom.releases import asset as assets
from pressroom.releases import beat as beats
from pressroom.releases import correction as corrections
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases.asset import Size
from pressroom.web import byte_range
from pressroom.web.desk import people, room, sheet, wording
from pressroom.web.desk.people import Approver
from pressroom.web.desk.room import Room
from pressroom.web.desk.sheet import Sheet, Standing
from pressroom.web.locale import page_language, speak
from pressroom.web.places import feed_links, own_feeds
from pressroom.web.publishing import base_url

bp = Blueprint("releases", __name__)

_MAILINGS = 10


@dataclass(frozen=True)
class Draft(Item):
    """An item that need not be public; `shown_at` stands for the time at which it will be."""

    shown_at: datetime

    @property
    def published(self) -> datetime:
        return self.translation.public_from or self.release.embargo_until or self.shown_at


@bp.get("/<slug>/releases/<release_id>")
def release(slug: str, release_id: str) -> ResponseReturnValue:
    with room.enter(slug, Act.READ) as entered:
        found = sheet.of(entered.tx, entered.newsroom, entered.release(release_id), entered.now)
        shown = [mailings.progress(entered.tx, one.id) for one in found.mailings[:_MAILINGS]]
        timeline = record.of_release(entered.tx, entered.newsroom.id, release_id)
        return render_template(
            "desk/release.html",
            room=entered,
            newsroom=entered.newsroom,
            sheet=found,
            beats=beats.of_release(entered.tx, release_id),
            progress={one.id: one for one in shown},
            approvers=_approvers(entered, found) if found.standing is Standing.IN_REVIEW else None,
            proposal=corrections.proposal(entered.tx, release_id),
            made=corrections.of_release(entered.tx, release_id),
            wants_two=approving.wants_two(entered.tx, entered.newsroom),
            timeline=timeline,
            people=people.who(entered, [one.account_id for one in timeline]),
            of_act=wording.of_act,
            instant=from_micros,
            base_url=base_url(),
            at=addresses,
        )


@bp.get("/<slug>/releases/<release_id>/preview/<tag>")
def preview(slug: str, release_id: str, tag: str) -> ResponseReturnValue:
    """The page as it will look with the newest revision. Its pictures come from the desk, for they are not public."""
    with room.enter(slug, Act.READ) as entered:
        found = entered.release(release_id)
        translation = translations.of_release(entered.tx, found.id).get(tag)
        revision = revisions.newest(entered.tx, translation.id) if translation else None
        if translation is None or revision is None:
            raise NotFound("This release has no text in this language.")
        words = {
            "staff": page_language(),
            "not_public": _("Preview: not public"),
            "public": _("Preview: this is public"),
        }
        words |= {"preview": _("Preview"), "back": _("Back to the desk")}
        # From here on the page speaks to readers; its banner goes on speaking to staff.
        speak(tag)
        item = items.load(entered.tx, [(entered.newsroom, found, translation, revision)], entered.now)[0]
        draft = Draft(**{one.name: getattr(item, one.name) for one in fields(Item)}, shown_at=entered.now)
        texts = sheet.of(entered.tx, entered.newsroom, found, entered.now).texts
        feeds = feed_links(entered.newsroom, tag)
        return render_template(
            "desk/preview.html",
            newsroom=entered.newsroom,
            item=draft,
            body=items.body_html(draft, url_for(".release", slug=slug, release_id=release_id), plays=True),
            words=words,
            previews=[one.language for one in texts],
            is_public=any(one.language == tag and one.is_out and not one.has_draft for one in texts),
            canonical=None,
            alternates=[],
            x_default=addresses.short(slug, found.id),
            feeds=feeds,
            own_feeds=own_feeds(feeds, tag),
            base_url=base_url(),
            at=addresses,
        )


@bp.get("/<slug>/releases/<release_id>/assets/<asset_id>.<extension>")
@bp.get("/<slug>/releases/<release_id>/assets/<asset_id>-print.<extension>", defaults={"size": "print"})
def asset(slug: str, release_id: str, asset_id: str, extension: str, size: str = "web") -> ResponseReturnValue:
    """A picture or file of a release, public or not, as it is stored: without any metadata."""
    with room.enter(slug, Act.READ) as entered:
        found = entered.release(release_id)
        if assets.get(entered.tx, asset_id).release_id != found.id:
            raise NotFound("There is no such picture.")
        shown = assets.rendition(entered.tx, asset_id, Size(size), extension)
        answer = Response(shown.data, content_type=shown.media_type)
    if extension == "pdf":
        # As for readers: what it does when it is opened on our own site is nothing we could vouch for.
        answer.headers["Content-Disposition"] = "attachment"
    ranged = byte_range.is_ranged(shown.media_type)
    return answer.make_conditional(request, accept_ranges=ranged, complete_length=shown.length)


def _approvers(entered: Room, found: Sheet) -> list[Approver]:
    """Who can publish what waits for a second person."""
    named = [(one.translation, one.revision) for one in found.texts if one.translation.publish]
    unread = approving.lacking(entered.tx, named)
    return people.approvers(entered, approving.approvers(entered.tx, entered.newsroom.id, unread))
