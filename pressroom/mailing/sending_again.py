"""Sending again: a release once more to one journalist who says they never got it. An act of its own, with a reason.

It makes no notice: what somebody is told once, they are told by one notice, however many messages it took.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from pressroom import languages
from pressroom.db import Database, new_id
from pressroom.errors import Conflict, NotFound, Refused
from pressroom.mailing import address, delivery, digest, steering, suppression
from pressroom.mailing import subscriber as subscribers
from pressroom.mailing.delivery import OPEN, Delivery
from pressroom.mailing.mailing import Mailing, State
from pressroom.mailing.notice import ANNOUNCEMENT, Notice
from pressroom.mailing.subscriber import Subscriber
from pressroom.people import audit, granting
from pressroom.people.account import Act
from pressroom.releases import approving, visibility
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import translation as translations
from pressroom.releases.newsroom import Newsroom
from pressroom.releases.release import Release
from pressroom.releases.visibility import Visibility
from pressroom.seal import Keyring


def send_again(
    database: Database,
    keyring: Keyring,
    release_id: str,
    email: str,
    reason: str,
    *,
    now: datetime,
    by: int | None = None,
) -> int:
    """Sends what is public now, as a message of its own, to somebody who was told of the release before;
    returns the mailing's id.

    Raises Refused for what is no address or reason, NotFound, NotAllowed, and Conflict for whoever may not be written
    to, was not told yet or has a message under way, and for a release that may not be mailed.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise Refused("Say why it is sent again; the reason stands in the record.")
    if "@" in reason:
        raise Refused("Leave the address out of the reason: the record is read by others.")
    lookup = subscribers.lookup(keyring, address.parse(email))
    with database.transaction() as tx:
        newsroom, release = approving.lock(tx, release_id)
        granting.permit(tx, by, newsroom.id, Act.SEND)
        newsrooms.require_leaving(newsroom)
        _require_public(release, now)
        person = _reachable(tx, newsroom, lookup, now)
        _require_heard(tx, release, person)
        return _put(tx, newsroom, release, person, reason, now=now, by=by)


def _require_public(release: Release, now: datetime) -> None:
    seen = visibility.of_release(release, now)
    if seen in (Visibility.RETRACTED, Visibility.REMOVED) or release.retracted_at or release.removed_at:
        raise Conflict(f"Release {release.id} was taken back; nothing of it is sent again.")
    if seen is not Visibility.PUBLIC or release.public_from is None:
        raise Conflict(f"Release {release.id} is not public yet; send it again when it is.")
    if now - release.public_from > steering.KEPT:
        raise Conflict(f"Release {release.id} is so old that nobody knows any more who had it; publish it anew.")


def _reachable(tx: Session, newsroom: Newsroom, lookup: bytes, now: datetime) -> Subscriber:
    found = subscribers.find(tx, newsroom.id, lookup)
    if found is None:
        raise NotFound("Nobody with this address is subscribed here; check how it is written.")
    # Leaving waits for this, or this sees it.
    row = tx.get_one(Subscriber, found.id, with_for_update={"key_share": True}, populate_existing=True)
    if row.suppressed_at is not None or suppression.find(tx, lookup) is not None:
        raise Conflict("This address is suppressed and is not written to; find out why before anything else.")
    if row.left_at is not None:
        raise Conflict("This person has left and is not written to; only they themselves can come back.")
    if row.confirmed_at is None:
        raise Conflict("This person has never confirmed the subscription; ask them to open the link in that message.")
    if row.paused_until is not None and row.paused_until > now:
        raise Conflict("This person has paused their mail; ask them to end the pause in their preferences first.")
    return row


def _require_heard(tx: Session, release: Release, person: Subscriber) -> None:
    notice = tx.scalars(
        select(Notice).where(
            Notice.release_id == release.id, Notice.purpose == ANNOUNCEMENT, Notice.subscriber_id == person.id
        )
    ).one_or_none()
    if notice is None:
        raise Conflict("This release was not mailed to this person; start a mailing to a list that they are on.")
    if digest.waits_for(tx, person.id, release.id):
        raise Conflict("This release waits for this person's next digest; send it again when that has left.")
    own = select(Mailing.id).where(Mailing.release_id == release.id, Mailing.purpose == ANNOUNCEMENT)
    open_ones = select(Delivery.id).where(
        Delivery.subscriber_id == person.id,
        Delivery.state.in_(OPEN),
        or_(Delivery.id == notice.delivery_id, Delivery.mailing_id.in_(own)),
    )
    if tx.execute(open_ones.limit(1)).first() is not None:
        raise Conflict("A message of this release to this person is still on its way; wait until it has ended.")


def _put(
    tx: Session, newsroom: Newsroom, release: Release, person: Subscriber, reason: str, *, now: datetime, by: int | None
) -> int:
    known = translations.of_release(tx, release.id)
    out = [tag for tag, one in known.items() if visibility.of_translation(release, one, now) is Visibility.PUBLIC]
    language = languages.best(person.languages, out, newsroom.languages)
    if language is None:
        raise Conflict("No text of this release is public in a language of this person; publish one first.")
    mailing = steering.new_mailing(release, ANNOUNCEMENT, [], hold_until=now, now=now, by=by)
    mailing.state, mailing.counted_at, mailing.total = State.SENDING, now, 1
    tx.add(mailing)
    tx.flush()
    row = {"id": new_id(), "subscriber_id": person.id, "language": language}
    delivery.add(tx, mailing.id, [row], due=now)
    audit.note(
        tx, "send again", f"mailing:{mailing.id}", now=now, newsroom_id=newsroom.id, account_id=by,
        release=release.id, reason=reason,
    )  # fmt: skip
    return mailing.id
