"""Forgetting: the name of a beat that is no more, of which a removal may have been, stands in no topic either."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pressroom.db import Database
from pressroom.pushing import verifying
from pressroom.pushing.dispatch import Dispatch, DispatchState
from pressroom.pushing.intent import Intent
from pressroom.pushing.subscription import Subscription
from pressroom.pushing.watermark import Pinged
from pressroom.releases import scrubbing
from pressroom.releases.beat import Beat
from pressroom.releases.newsroom import Newsroom

_OF_BEATS = "%/beats/%"


def forget_beats(database: Database) -> bool:
    """Whether something was forgotten; the store is then written anew. What is on its way goes the next time.

    Nobody is told: whether a beat is gone for good may depend on a draft that nobody may know of.
    """
    with database.reading() as tx:
        topics = set(_topics(tx))
        gone = topics - set(_known(tx, topics)) if topics else topics
    if not gone:
        return False
    with database.transaction() as tx:
        now = database.now(tx)
        for one in tx.scalars(select(Subscription).where(Subscription.topic.in_(gone)).with_for_update()).all():
            verifying.end(tx, one, now)
        tx.execute(delete(Intent).where(Intent.topic.in_(gone)))
        tx.execute(delete(Pinged).where(Pinged.topic.in_(gone)))
        not_held = Dispatch.state != DispatchState.SENDING
        tx.execute(delete(Dispatch).where(Dispatch.subject.in_(gone), not_held))
        scrubbing.note(tx, now=now)
    return True


def _topics(tx: Session) -> Iterator[str]:
    for column in (Subscription.topic, Intent.topic, Dispatch.subject, Pinged.topic):
        yield from tx.scalars(select(column).where(column.like(_OF_BEATS)).distinct())


def _known(tx: Session, topics: Iterable[str]) -> Iterator[str]:
    """Those of beats that there are, known to the public or not."""
    query = select(Newsroom.slug, Beat.slug).join(Beat, Beat.newsroom_id == Newsroom.id)
    beats = {(newsroom, beat) for newsroom, beat in tx.execute(query)}
    for topic in topics:
        _, slug, _, _, beat, _ = topic.split("/")
        if (unquote(slug), unquote(beat)) in beats:
            yield topic
