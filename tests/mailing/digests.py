"""A newsroom whose subscribers get digests, and the passing of days."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, select, type_coerce, update

from pressroom.mailing import digesting
from pressroom.mailing.delivery import Chunk
from pressroom.mailing.expanding import expand
from pressroom.mailing.mailing import Mailing, State
from pressroom.mailing.notice import Notice
from pressroom.mailing.subscriber import Frequency, Subscriber
from pressroom.releases.newsroom import Newsroom
from tests.mailing.makers import MailHouse
from tests.makers import Made, make_newsroom, make_release

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class DigestHouse:
    """Digests leave a minute ago, on this day of the week; `pass_time` is what lets something have waited before."""

    def __init__(self, house: MailHouse) -> None:
        self.house, self.database = house, house.database
        self.newsroom = make_newsroom(house.database)
        self.press = house.media_list(self.newsroom)
        self.set_digest_time(house.now() - timedelta(minutes=1))

    def set_digest_time(self, moment: datetime) -> None:
        local = moment.astimezone(self.newsroom.zone)
        values = {"digest_minute": local.hour * 60 + local.minute, "digest_weekday": local.isoweekday()}
        with self.database.transaction() as tx:
            tx.execute(update(Newsroom).where(Newsroom.id == self.newsroom.id).values(values))

    def subscriber(self, email: str, frequency: Frequency = Frequency.DAILY, *languages: str, **given) -> int:
        made = self.house.subscriber(self.newsroom, email, [self.press], languages=languages or ("en",), **given)
        self.change(made, frequency=frequency)
        return made

    def change(self, subscriber_id: int, **values: object) -> None:
        with self.database.transaction() as tx:
            tx.execute(update(Subscriber).where(Subscriber.id == subscriber_id).values(**values))

    def release(self, title: str, *languages: str, **given) -> Made:
        titles = {tag: f"{title} {tag}" if tag != "en" else title for tag in languages or ("en",)}
        return make_release(self.database, self.newsroom, languages or ("en",), titles=titles, **given)

    def mailed(self, title: str, *languages: str, **given) -> tuple[Made, int]:
        """A release, and the mailing of it, whose own messages have left."""
        made = self.release(title, *languages, **given)
        mailing_id = self.house.mailing(made)
        self.house.send()
        return made, mailing_id

    def pass_time(self, span: timedelta = HOUR) -> None:
        """What waits has waited so much longer, and what was begun was begun so much earlier."""
        shift = span // timedelta(microseconds=1)
        with self.database.transaction() as tx:
            for column in (Notice.due_at, Mailing.covers_until):
                table = column.class_
                moved = update(table).where(column.is_not(None))
                tx.execute(moved.values({column: type_coerce(column, BigInteger) - shift}))

    def digests(self) -> list[int]:
        with self.database.reading() as tx:
            return list(tx.scalars(select(Mailing.id).where(Mailing.covers_until.is_not(None)).order_by(Mailing.id)))

    def begin(self) -> None:
        digesting.begin_due(self.database)

    def expand(self, **given: int) -> None:
        with self.database.reading() as tx:
            of_both = Mailing.state.in_((State.COUNTING, State.SENDING))
            uncounted = list(tx.scalars(select(Mailing.id).where(Mailing.counted_at.is_(None), of_both)))
        for mailing_id in uncounted:
            expand(self.database, mailing_id, self.house.ring, **given)

    def hold_back(self, *mailing_ids: int, span: timedelta = HOUR) -> None:
        """No worker takes up what is open of these mailings for so long."""
        with self.database.transaction() as tx:
            until = self.database.now(tx) + span
            tx.execute(update(Chunk).where(Chunk.mailing_id.in_(mailing_ids)).values(lease_until=until))

    def leave(self) -> None:
        """The clock looks, and everything is done that it began."""
        self.begin()
        self.expand()
        self.house.send()

    def told(self) -> Counter[tuple[str, str]]:
        """How often each address was told of each title, by any message; titles are single words."""
        found: Counter[tuple[str, str]] = Counter()
        for one in self.house.sink.received:
            for title in set(one.text.split()) & TITLES:
                found[one.recipient, title] += 1
        return found

    def waiting(self) -> int:
        with self.database.reading() as tx:
            return len(list(tx.scalars(select(Notice.id).where(Notice.due_at.is_not(None)))))


TITLES = frozenset({"Bridge", "Water", "Market", "School", "Harvest"})
