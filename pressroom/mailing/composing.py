"""Composing: from a delivery to the bytes for one person, with the revision that is public at that moment."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from pressroom.mailing import header, ledger, message, subscriber
from pressroom.mailing.announcement import announce
from pressroom.mailing.delivery import DeliveryState
from pressroom.mailing.ledger import Item
from pressroom.mailing.mailing import Mailing
from pressroom.mailing.message import Letter
from pressroom.mailing.steering import TEST
from pressroom.mailing.subscriber import Person
from pressroom.mailing.wire import Envelope
from pressroom.releases import revision as revisions
from pressroom.releases import translation as translations
from pressroom.releases import visibility
from pressroom.releases.release import Release
from pressroom.releases.revision import Revision
from pressroom.releases.translation import Translation
from pressroom.releases.visibility import Visibility
from pressroom.seal import Keyring, SealBroken
from pressroom.signing import Signer

log = logging.getLogger(__name__)

# The purpose under which leaving is signed.
LEAVING = "unsubscribe"


@dataclass
class Ready:
    """What may be handed over once marked, with the revision it says; and what ends without being started."""

    outgoing: list[tuple[Item, Envelope, int | None]] = field(default_factory=list)
    set_aside: dict[DeliveryState, list[int]] = field(default_factory=dict)

    def drop(self, item: Item, state: DeliveryState) -> None:
        self.set_aside.setdefault(state, []).append(item.id)


class Composer:
    """Keeps each language's letter for as long as its revision stays the public one."""

    def __init__(self, keyring: Keyring, signer: Signer, base_url: str, bounce_address: str | None) -> None:
        self._keyring, self._signer = keyring, signer
        self._base_url, self._bounce_address = base_url, bounce_address
        self._letters: dict[tuple[str, int], Letter] = {}
        self._current: dict[str, tuple[Translation, int]] = {}

    def prepare(self, tx: Session, mailing: Mailing, now: datetime) -> bool:
        """Looks up what is public; False if nothing of this release may be mailed now. For each transaction anew."""
        # Not locked: a retraction locks the release and then the mailing, which is locked already.
        release = tx.get_one(Release, mailing.release_id)
        self._current = {}
        for tag, translation in translations.of_release(tx, release.id).items():
            shown: int | None = None
            if mailing.purpose == TEST:
                newest = revisions.newest(tx, translation.id)
                shown = newest.id if newest and translation.publish else None
            elif visibility.of_translation(release, translation, now) is Visibility.PUBLIC:
                shown = translation.revision_id
            if shown is not None:
                self._current[tag] = (translation, shown)
                if (tag, shown) not in self._letters:
                    self._letters[tag, shown] = announce(
                        tx, self._base_url, release, translation, tx.get_one(Revision, shown),
                        now=now, test=mailing.purpose == TEST,
                    )  # fmt: skip
        return bool(self._current)

    def compose(self, tx: Session, mailing: Mailing, items: Sequence[Item], now: datetime) -> Ready:
        """Asks for each person, under lock, whether they may still be written to."""
        ready = Ready()
        people = ledger.willing(tx, [item.subscriber_id for item in items if item.subscriber_id is not None])
        for item in items:
            if item.language not in self._current:
                ready.drop(item, DeliveryState.CANCELLED)
                continue
            if item.subscriber_id is not None and item.subscriber_id not in people:
                ready.drop(item, DeliveryState.SUPPRESSED)
                continue
            try:
                person = self._person(mailing, people.get(item.subscriber_id or 0))
                ready.outgoing.append((item, self._envelope(item, person, now), self._current[item.language][1]))
            except (SealBroken, header.UnsafeHeader, UnicodeError) as error:
                log.error("delivery %s cannot be addressed (%s)", item.id, type(error).__name__)  # noqa: TRY400
                ready.drop(item, DeliveryState.FAILED)
        return ready

    def _person(self, mailing: Mailing, found: subscriber.Subscriber | None) -> Person:
        if found is not None:
            return subscriber.open_(self._keyring, found)
        if mailing.test_sealed is None:
            raise SealBroken(f"mailing {mailing.id} has no address")
        return Person(self._keyring.open(mailing.test_sealed, "mailing", "test", mailing.id), "", "")

    def _envelope(self, item: Item, person: Person, now: datetime) -> Envelope:
        letter = self._letters[item.language, self._current[item.language][1]]
        leave = None
        if item.subscriber_id is not None:
            token = self._signer.token(LEAVING, item.subscriber_id)
            leave = f"{self._base_url}/unsubscribe/{token}"
        data = letter.fill(
            recipient=person.email,
            name=person.name,
            message_id=message.message_id(self._signer, item.id, letter.sender),
            unsubscribe=leave,
            now=now,
        )
        sender = message.return_path(self._signer, self._bounce_address, item.id, letter.sender)
        return Envelope(sender, header.ascii_domain(person.email), data)
