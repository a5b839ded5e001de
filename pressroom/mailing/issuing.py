"""Issuing: files become a release, perhaps public, perhaps on its way to lists: all of it in one transaction, or none.

What fails late (a list, a state, an embargo) leaves nothing of what came before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.mailing import mailing as mailings
from pressroom.mailing import media_list, steering
from pressroom.mailing.accompanying import Plan, publish
from pressroom.mailing.notice import ANNOUNCEMENT
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import release as releases
from pressroom.releases import translation as translations
from pressroom.releases.approving import NeedsSecondPerson
from pressroom.releases.release import Release, Status
from pressroom.releases.statement import Statement
from pressroom.releases.submitting import moment, submit
from pressroom.seal import Keyring


@dataclass(frozen=True)
class Order:
    """What is to become of the statements. A time without an offset is in the newsroom's zone.

    `at` and `lists` count only with `publish`; `release_id` or `new` say which release is meant.
    """

    release_id: str | None = None
    new: bool = False
    embargo: datetime | None = None
    publish: bool = False
    at: datetime | None = None
    without: Sequence[str] = ()
    lists: Sequence[str] = ()
    hold: timedelta = timedelta(0)


@dataclass(frozen=True)
class Issued:
    """`slugs` are those of the pages by language, empty while none has an address yet; `changed` is False if all of it
    was known. `approvers` are the accounts one of whom has to agree, where the newsroom wants a second person.
    """

    release_id: str
    status: Status
    changed: bool
    slugs: dict[str, str]
    mailing_id: int | None
    approvers: list[int] | None


def issue(
    database: Database,
    keyring: Keyring,
    newsroom_slug: str,
    statements: Sequence[Statement],
    order: Order,
    *,
    now: datetime,
    by: int | None = None,
) -> Issued:
    """Raises Refused, NotFound or Conflict, with nothing stored.

    The same order again changes nothing and mails nobody, whatever became of its mailing. Where a second person is
    wanted the lists and times are kept as the release's wish.
    """
    with database.reading() as tx:
        newsroom = newsrooms.by_slug(tx, newsroom_slug)
        media_list.by_slugs(tx, newsroom.id, order.lists)
        at, embargo = moment(order.at, newsroom.zone), moment(order.embargo, newsroom.zone)
    with database.joined() as joined:
        submitted = submit(
            joined, newsroom_slug, statements,
            now=now, release_id=order.release_id, new=order.new, embargo=embargo, by=by,
        )  # fmt: skip
        changed, approvers, mailing_id = submitted.changed, None, None
        if order.publish:
            plan = Plan(at=at, without=order.without, lists=order.lists, hold=order.hold)
            try:
                # Its mailing is started below, where it is known whether anything has changed.
                done = publish(joined, keyring, submitted.release_id, plan, mail=False, now=now, by=by)
                changed |= done.published.changed
            except NeedsSecondPerson as needed:
                approvers = needed.approvers
        with joined.transaction() as tx:
            release = releases.get(tx, submitted.release_id)
            if order.publish and approvers is None and order.lists:
                mailing_id = _mail(tx, keyring, release, order, changed=changed, now=now, by=by)
            return Issued(release.id, release.status, changed, _slugs(tx, release), mailing_id, approvers)


def _mail(
    tx: Session, keyring: Keyring, release: Release, order: Order, *, changed: bool, now: datetime, by: int | None
) -> int:
    if not changed:
        wanted = sorted(one.id for one in media_list.by_slugs(tx, release.newsroom_id, order.lists))
        for earlier in mailings.of_release(tx, release.id):
            known = earlier.purpose == ANNOUNCEMENT and not earlier.under_embargo
            if known and sorted(earlier.list_ids) == wanted:
                return earlier.id
    return steering.start(tx, keyring, release, order.lists, hold=order.hold, now=now, by=by).id


def _slugs(tx: Session, release: Release) -> dict[str, str]:
    if release.public_from is None or release.status is Status.RETRACTED:
        return {}
    found = translations.of_release(tx, release.id)
    return {tag: one.slug for tag, one in sorted(found.items()) if one.publish and one.revision_id is not None}
