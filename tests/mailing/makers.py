"""Makers of subscribers, lists and mailings, as rows in a real database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from pressroom import smtp
from pressroom.config import Config
from pressroom.db import Database, new_id
from pressroom.mailing import accompanying, sending, steering, subscriber, suppression
from pressroom.mailing import mailing as mailings
from pressroom.mailing.expanding import expand
from pressroom.mailing.mailing import Progress
from pressroom.mailing.media_list import ListMember, MediaList
from pressroom.mailing.sending import Terms
from pressroom.mailing.subscriber import Person, Subscriber
from pressroom.releases.beat import ensure
from pressroom.releases.newsroom import Newsroom
from pressroom.seal import Keyring
from pressroom.service import Service
from pressroom.signing import Signer
from tests.makers import Made, now
from tests.sink import Sink


class MailHouse:
    """A database, keys and a sink, with the few acts that tests of mail repeat."""

    def __init__(self, database: Database, config: Config, sink: Sink) -> None:
        self.database = database
        self.config = replace(config, mail_server=sink.host, mail_port=sink.port)
        service = Service(self.config)
        self.keyring: Keyring = service.keyring
        self.signer: Signer = service.signer
        self.sink = sink
        self.rung: list[int] = []
        self.terms = Terms(base_url="https://press.example.org", run_for=60)

    def media_list(self, newsroom: Newsroom, slug: str = "press") -> MediaList:
        made = MediaList(id=new_id(), newsroom_id=newsroom.id, slug=slug, name=slug.title(), created_at=now())
        with self.database.transaction() as tx:
            tx.add(made)
        return made

    def subscriber(
        self,
        newsroom: Newsroom,
        email: str,
        lists: Sequence[MediaList] = (),
        *,
        languages: Sequence[str] = ("en",),
        beats: Sequence[str] = (),
        name: str = "",
        confirmed: bool = True,
    ) -> int:
        subscriber_id = new_id()
        with self.database.transaction() as tx:
            tx.add(
                Subscriber(
                    id=subscriber_id,
                    newsroom_id=newsroom.id,
                    languages=list(languages),
                    consent_text="asked at the press conference",
                    consent_source="import",
                    consent_at=now(),
                    confirmed_at=now() if confirmed else None,
                    created_at=now(),
                    **subscriber.seal(self.keyring, subscriber_id, Person(email, name, "")),
                )
            )
            tx.flush()
            tx.add_all(ListMember(list_id=one.id, subscriber_id=subscriber_id) for one in lists)
            subscriber.set_beats(tx, subscriber_id, [one.id for one in ensure(tx, newsroom.id, beats)])
        return subscriber_id

    def mailing(self, made: Made, *lists: str, hold: timedelta = timedelta(0), test: str | None = None) -> int:
        mailing_id = steering.start_mailing(
            self.database, self.keyring, made.id, list(lists) or ["press"], hold=hold, now=self.now(), test=test
        )
        expand(self.database, mailing_id, self.ring)
        return mailing_id

    def retract(self, made: Made) -> None:
        accompanying.retract(self.database, made.id, {"en": "It was wrong."}, now=self.now())

    def ring(self, chunk_id: int) -> bool:
        self.rung.append(chunk_id)
        return True

    def send(self, *, stop: bool = False, terms: Terms | None = None) -> None:
        """Does what is rung for, as one worker, until nothing rings."""
        lines = smtp.open_lines(self.config)
        while self.rung:
            sending.send_chunk(
                self.database,
                self.keyring,
                self.signer,
                terms or self.terms,
                self.rung.pop(0),
                owner="test",
                open_lines=lines,
                stop=lambda: stop,
                ring=self.ring,
            )

    def open(self, row: Subscriber) -> Person:
        return subscriber.open_(self.keyring, row)

    def progress(self, mailing_id: int) -> Progress:
        with self.database.reading() as tx:
            return mailings.progress(tx, mailing_id)

    def now(self) -> datetime:
        with self.database.reading() as tx:
            return self.database.now(tx)

    def suppress(self, email: str) -> None:
        with self.database.transaction() as tx:
            lookup = subscriber.lookup(self.keyring, email)
            suppression.add(tx, lookup, suppression.Reason.COMPLAINT, now=now())
