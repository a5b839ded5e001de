from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import event

from pressroom.mailing import mailing as mailings
from pressroom.mailing import steering, subscriber
from pressroom.mailing.composing import Composer, Ready
from pressroom.mailing.delivery import DeliveryState
from pressroom.mailing.ledger import Item
from pressroom.mailing.rotating import leave_to_relay, make_pair, switch
from pressroom.mailing.subscriber import Subscriber
from pressroom.mailing.suppression import Reason, Suppression
from pressroom.releases.release import Release
from pressroom.releases.translation import Translation
from tests.mailing.makers import MailHouse
from tests.makers import Made, make_correction, make_newsroom, make_release, make_revision_row, now


class _Desk:
    """One mailing to three people, composed without being sent."""

    def __init__(self, house: MailHouse, *, languages: tuple[str, ...] = ("ckb", "en"), **given: datetime) -> None:
        self.house, self.database = house, house.database
        newsroom = make_newsroom(house.database)
        house.media_list(newsroom)
        wishes = (("ckb",), ("en",), ("kmr", "ckb"))
        self.people = [
            house.subscriber(newsroom, f"person{number}@example.net", languages=wish, name=f"هاوار {number}")
            for number, wish in enumerate(wishes)
        ]
        self.made: Made = make_release(house.database, newsroom, languages, **given)
        self.mailing_id = steering.start_mailing(
            house.database, house.keyring, self.made.id, ["press"], hold=timedelta(0), now=house.now()
        )
        self.items = [Item(100 + n, one, "en", 0, 0, None) for n, one in enumerate(self.people)]
        self.composer = Composer(house.keyring, house.signer, "https://press.example.org", None)

    def compose(self, *, at: datetime | None = None) -> Ready | None:
        """As one tick does; None if nothing may be said."""
        with self.database.transaction() as tx:
            mailing, moment = mailings.get(tx, self.mailing_id), at or self.database.now(tx)
            if not self.composer.prepare(tx, mailing, moment):
                return None
            return self.composer.compose(tx, mailing, self.items, moment)

    def languages(self, **given: datetime) -> list[str]:
        ready = self.compose(**given)
        return [item.language for item, _, _ in ready.outgoing] if ready else []

    def mails(self) -> list[bytes]:
        ready = self.compose()
        assert ready is not None
        return [envelope.data for _, envelope, _ in ready.outgoing]


def test_each_person_gets_their_best_language_and_the_revision_is_named(house: MailHouse) -> None:
    desk = _Desk(house)
    ready = desk.compose()
    assert ready is not None
    assert [item.language for item, _, _ in ready.outgoing] == ["ckb", "en", "ckb"]
    assert ready.spoken == {"ckb": [100, 102]}
    assert [revision for _, _, revision in ready.outgoing] == [
        desk.made.revisions[tag].id for tag in ("ckb", "en", "ckb")
    ]
    assert [envelope.recipient for _, envelope, _ in ready.outgoing] == [f"person{n}@example.net" for n in range(3)]


def test_who_left_or_was_suppressed_in_the_same_transaction_is_dropped(house: MailHouse) -> None:
    desk = _Desk(house)
    with desk.database.transaction() as tx:
        mailing, moment = mailings.get(tx, desk.mailing_id), desk.database.now(tx)
        desk.composer.prepare(tx, mailing, moment)
        tx.get_one(Subscriber, desk.people[0]).left_at = now()
        # As for a row that was imported in the instant of its suppression: it is not marked.
        lookup = subscriber.lookup(house.keyring, "person1@example.net")
        tx.add(Suppression(email_lookup=lookup, reason=Reason.COMPLAINT, at=now()))
        ready = desk.composer.compose(tx, mailing, desk.items, moment)
    assert ready.set_aside == {DeliveryState.SUPPRESSED: [100, 101]}
    assert [item.id for item, _, _ in ready.outgoing] == [102]


def test_what_changes_between_two_ticks_counts_in_the_second(house: MailHouse) -> None:
    desk = _Desk(house)
    assert desk.languages() == ["ckb", "en", "ckb"]
    with desk.database.transaction() as tx:
        tx.get_one(Translation, desk.made.translations["ckb"].id).publish = False
    assert desk.languages() == ["en", "en", "en"]
    with desk.database.transaction() as tx:
        tx.get_one(Release, desk.made.id).retracted_at = now()
    assert desk.languages() == []


def test_a_language_whose_time_has_come_is_spoken_without_any_change(house: MailHouse) -> None:
    desk = _Desk(house)
    later = house.now() + timedelta(hours=1)
    with desk.database.transaction() as tx:
        tx.get_one(Translation, desk.made.translations["ckb"].id).public_from = later
    assert desk.languages(at=later - timedelta(seconds=1)) == ["en", "en", "en"]
    assert desk.languages(at=later) == ["ckb", "en", "ckb"]
    # Also for whoever's clock is set back.
    assert desk.languages(at=later - timedelta(seconds=1)) == ["en", "en", "en"]


def test_a_correction_between_two_ticks_is_in_the_next_letter(house: MailHouse) -> None:
    desk = _Desk(house, languages=("en",))
    assert not any(b"It opens on Monday" in mail for mail in desk.mails())
    make_correction(desk.database, desk.made, {"en": "It opens on Monday."}, {"en": "The day was wrong."})
    assert all(b"It opens on Monday" in mail for mail in desk.mails())


def test_a_tick_in_which_nothing_has_changed_asks_the_store_twice(house: MailHouse) -> None:
    desk = _Desk(house)
    desk.compose()
    asked: list[str] = []
    with desk.database.transaction() as tx:
        mailing, moment = mailings.get(tx, desk.mailing_id), desk.database.now(tx)
        event.listen(desk.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
        desk.composer.prepare(tx, mailing, moment)
        desk.composer.compose(tx, mailing, desk.items, moment)
    assert len(asked) == 2, asked


def test_every_mail_is_signed_from_the_tick_after_the_keys_are_enabled(house: MailHouse) -> None:
    desk = _Desk(house)
    first, _ = make_pair(desk.database, house.keyring, "river", now=now())
    assert _signers(desk) == [set(), set(), set()]
    switch(desk.database, "river", None, now=now())
    assert _signers(desk) == [{first.selector}] * 3
    second, _ = make_pair(desk.database, house.keyring, "river", now=now())
    assert _signers(desk) == [{first.selector}] * 3
    switch(desk.database, "river", None, now=now())
    assert _signers(desk) == [{second.selector}] * 3
    leave_to_relay(desk.database, "river", now=now())
    assert _signers(desk) == [set(), set(), set()]


def _signers(desk: _Desk) -> list[set[str]]:
    """By which pairs each mail is signed: by both keys of one, or not at all."""
    found = []
    for mail in desk.mails():
        selectors = [line[3:-1].decode() for line in mail.split(b"\r\n") if line.startswith(b" s=")]
        assert len(selectors) in (0, 2)
        found.append({one.rpartition("-")[0] for one in selectors})
    return found


def test_where_the_relay_signs_nothing_is_signed_here(house: MailHouse) -> None:
    desk = _Desk(house)
    make_pair(desk.database, house.keyring, "river", now=now())
    switch(desk.database, "river", None, now=now())
    desk.composer = Composer(house.keyring, house.signer, "https://press.example.org", None, signs=False)
    assert _signers(desk) == [set(), set(), set()]


def test_a_test_says_what_the_newest_draft_says_at_each_tick(house: MailHouse) -> None:
    desk = _Desk(house, languages=("en",))
    desk.mailing_id = steering.start_mailing(
        desk.database, house.keyring, desk.made.id, [], hold=timedelta(0), now=house.now(), test="me@example.org"
    )
    desk.items = [Item(7, None, "en", 0, 0, None)]
    assert b"List-Unsubscribe" not in desk.mails()[0]
    with desk.database.transaction() as tx:
        newer = make_revision_row(desk.made.translations["en"], "A newer headline", "New words.", at=now(), number=2)
        tx.add(newer)
    assert b"Subject: [Test] A newer headline" in desk.mails()[0]


def test_the_same_person_gets_the_same_message_id_and_another_a_different_one(house: MailHouse) -> None:
    desk = _Desk(house)
    first, again = desk.mails(), desk.mails()
    ids = [[line for line in mail.split(b"\r\n") if line.startswith(b"Message-ID")] for mail in first]
    assert len({one[0] for one in ids}) == 3
    assert ids == [[line for line in mail.split(b"\r\n") if line.startswith(b"Message-ID")] for mail in again]
