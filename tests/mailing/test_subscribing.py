from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import parseaddr

import pytest
from sqlalchemy import func, select

from pressroom.config import Config
from pressroom.db import Database
from pressroom.errors import Conflict, NotFound, Refused, TryLater
from pressroom.mailing import confirming, erasing, media_list, subscriber, subscribing, suppression
from pressroom.mailing.choosing import Choices, choose
from pressroom.mailing.subscriber import Subscriber
from pressroom.mailing.subscribing import SignUp
from pressroom.mailing.suppression import Reason
from pressroom.outbox import OutboxRow
from pressroom.releases.newsroom import Newsroom
from pressroom.service import Service
from tests.makers import make_newsroom

EMAIL = "n.whitlock@example.com"
BASE = "https://press.example.org"


class Desk:
    """A newsroom, and the acts of its subscribers."""

    def __init__(self, database: Database, config: Config) -> None:
        self.database = database
        self.service = Service(config)
        self.newsroom: Newsroom = make_newsroom(database)
        with database.reading() as tx:
            self.now = database.now(tx)

    def join(
        self, email: str = EMAIL, *, languages=("ckb", "en"), beats=(), network="192.0.2.0/24", later=timedelta(0)
    ):
        wanted = SignUp(email, list(languages), list(beats), "I agree.", "ckb", network)
        subscribing.join(self.database, self.service.keyring, "river", wanted, now=self.now + later)

    def row(self, email: str = EMAIL) -> Subscriber | None:
        lookup = subscriber.lookup(self.service.keyring, email)
        with self.database.reading() as tx:
            return subscriber.find(tx, self.newsroom.id, lookup)

    def joined(self, email: str = EMAIL, **given) -> int:
        self.join(email, **given)
        row = self.row(email)
        assert row is not None
        subscribing.confirm(self.database, row.id, now=self.now)
        return row.id

    def confirmations(self) -> list[int]:
        with self.database.reading() as tx:
            rows = tx.scalars(select(OutboxRow).where(OutboxRow.kind == "send_confirmation").order_by(OutboxRow.id))
            return [row.payload["subscriber_id"] for row in rows]

    def reachable(self) -> int:
        with self.database.reading() as tx:
            lists = media_list.of_newsroom(tx, self.newsroom.id)
            return media_list.reachable(tx, [one.id for one in lists])

    def letter(self, subscriber_id: int, kind=confirming.confirmation):
        service = self.service
        return kind(self.database, service.keyring, service.signer, BASE, {"subscriber_id": subscriber_id})


@pytest.fixture
def desk(database: Database, config: Config) -> Desk:
    return Desk(database, config)


def test_a_sign_up_is_written_to_only_after_it_is_confirmed(desk: Desk) -> None:
    desk.join()
    row = desk.row()
    assert row is not None and row.confirmed_at is None
    assert (row.languages, row.consent_text, row.consent_language, row.consent_source) == (
        ["ckb", "en"], "I agree.", "ckb", "web",
    )  # fmt: skip
    assert desk.confirmations() == [row.id]
    assert desk.reachable() == 0
    subscribing.confirm(desk.database, row.id, now=desk.now)
    assert desk.reachable() == 1


def test_no_address_stands_open_in_the_database(desk: Desk) -> None:
    desk.join()
    row = desk.row()
    assert row is not None
    assert EMAIL.encode() not in row.email_sealed
    assert subscriber.open_(desk.service.keyring, row).email == EMAIL


def test_a_stranger_cannot_change_what_a_subscriber_chose(desk: Desk) -> None:
    desk.joined(languages=["ckb"])
    desk.join(EMAIL.upper(), languages=["en"])
    row = desk.row()
    assert row is not None and row.languages == ["ckb"]
    assert len(desk.confirmations()) == 1


def test_whoever_left_comes_back_only_by_confirming_again(desk: Desk) -> None:
    subscriber_id = desk.joined(languages=["ckb"])
    subscribing.leave(desk.database, subscriber_id, now=desk.now)
    assert desk.reachable() == 0
    desk.join(languages=["ar"], later=timedelta(minutes=1))
    assert desk.reachable() == 0
    subscribing.confirm(desk.database, subscriber_id, now=desk.now + timedelta(minutes=2))
    row = desk.row()
    assert row is not None and row.left_at is None and row.languages == ["ar"]
    assert desk.reachable() == 1


def test_a_link_from_before_leaving_brings_nobody_back(desk: Desk) -> None:
    subscriber_id = desk.joined()
    subscribing.leave(desk.database, subscriber_id, now=desk.now + timedelta(hours=1))
    with pytest.raises(Conflict):
        subscribing.confirm(desk.database, subscriber_id, now=desk.now + timedelta(hours=2))
    assert desk.reachable() == 0


def test_leaving_twice_keeps_the_first_time(desk: Desk) -> None:
    subscriber_id = desk.joined()
    subscribing.leave(desk.database, subscriber_id, now=desk.now)
    subscribing.leave(desk.database, subscriber_id, now=desk.now + timedelta(days=1))
    row = desk.row()
    assert row is not None and row.left_at == desk.now


@pytest.mark.parametrize("reason", list(Reason))
def test_a_suppressed_address_is_never_sent_a_confirmation(desk: Desk, reason: Reason) -> None:
    with desk.database.transaction() as tx:
        suppression.add(tx, subscriber.lookup(desk.service.keyring, EMAIL), reason, now=desk.now)
    desk.join()
    assert desk.row() is None and desk.confirmations() == []


def test_never_again_holds_in_every_newsroom(desk: Desk) -> None:
    make_newsroom(desk.database, "hills")
    subscriber_id = desk.joined()
    subscribing.never_again(desk.database, subscriber_id, now=desk.now)
    wanted = SignUp(EMAIL, ["en"], [], "I agree.", "en", "198.51.100.0/24")
    subscribing.join(desk.database, desk.service.keyring, "hills", wanted, now=desk.now)
    assert len(desk.confirmations()) == 1
    with pytest.raises(Conflict):
        subscribing.confirm(desk.database, subscriber_id, now=desk.now)


def test_one_address_gets_at_most_three_confirmations_a_day(desk: Desk) -> None:
    for _ in range(5):
        desk.join()
    assert len(desk.confirmations()) == 3
    desk.join(later=timedelta(days=1, seconds=1))
    assert len(desk.confirmations()) == 4


def test_one_network_signs_up_at_most_twenty_an_hour(desk: Desk) -> None:
    for number in range(20):
        desk.join(f"reporter{number}@example.com")
    with pytest.raises(TryLater):
        desk.join("one.more@example.com")
    desk.join("elsewhere@example.com", network="203.0.113.0/24")
    desk.join("one.more@example.com", later=timedelta(hours=1, seconds=1))
    assert len(desk.confirmations()) == 22


def test_sign_ups_at_the_same_time_do_not_overrun_the_limit_of_a_network(desk: Desk, monkeypatch) -> None:
    monkeypatch.setattr(subscribing, "_PER_NETWORK", 3)
    slugs = [f"room-{number}" for number in range(12)]
    for slug in slugs:
        make_newsroom(desk.database, slug)
    together = threading.Barrier(12)

    def join(slug: str) -> bool:
        wanted = SignUp(f"{slug}@example.com", ["en"], [], "I agree.", "en", "192.0.2.0/24")
        together.wait()
        try:
            subscribing.join(desk.database, desk.service.keyring, slug, wanted, now=desk.now)
        except TryLater:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(join, slugs)) == 3


def test_an_unknown_language_or_beat_stores_nothing(desk: Desk) -> None:
    for given in ({"languages": ["fr"]}, {"languages": ["ku"]}, {"languages": []}, {"beats": ["nope"]}):
        with pytest.raises(Refused):
            desk.join(**given)
    assert desk.row() is None and desk.confirmations() == []


def test_preferences_keep_their_order_and_refuse_what_is_unknown(desk: Desk) -> None:
    subscriber_id = desk.joined()
    choose(desk.database, subscriber_id, Choices(["ar", "kmr", "ar"], []), now=desk.now)
    with pytest.raises(Refused):
        choose(desk.database, subscriber_id, Choices(["ar"], ["nope"]), now=desk.now)
    with pytest.raises(Refused):
        choose(desk.database, subscriber_id, Choices(["ar"], [], wait_hours=7), now=desk.now)
    choose(desk.database, subscriber_id, Choices(["ar", "kmr"], [], wait_hours=6), now=desk.now)
    row = desk.row()
    assert row is not None and (row.languages, row.wait_hours) == (["ar", "kmr"], 6)


def test_a_preferences_link_is_sent_to_subscribers_only_and_thrice_a_day(desk: Desk) -> None:
    subscriber_id = desk.joined()
    for _ in range(5):
        subscribing.ask_for_preferences(desk.database, subscriber_id, now=desk.now)
    with desk.database.reading() as tx:
        count = select(func.count()).where(OutboxRow.kind == "send_preferences_link")
        assert tx.execute(count).scalar_one() == 3
    letter = desk.letter(subscriber_id, confirming.preferences_link)
    assert letter is not None and letter.recipient == EMAIL and f"{BASE}/preferences/" in letter.text
    subscribing.leave(desk.database, subscriber_id, now=desk.now)
    assert desk.letter(subscriber_id, confirming.preferences_link) is None


def test_the_confirmation_speaks_the_readers_language_and_is_the_same_when_repeated(desk: Desk) -> None:
    desk.join(languages=["ckb"])
    (subscriber_id,) = desk.confirmations()
    letter, again = desk.letter(subscriber_id), desk.letter(subscriber_id)
    assert letter is not None and again is not None
    assert letter.headers["Auto-Submitted"] == "auto-generated"
    assert letter.headers["Content-Language"] == "ckb"
    assert 'dir="rtl"' in letter.html and "ژووری هەواڵی دۆڵی ڕووبار" in letter.subject
    assert letter.headers["Message-ID"] == again.headers["Message-ID"] and letter.text == again.text
    token = letter.text.split("/confirm/")[1].split()[0]
    signer = desk.service.signer
    assert signer.subject("confirm", token, now=desk.now + timedelta(days=6)) == subscriber_id
    assert signer.subject("confirm", token, now=desk.now + timedelta(days=8)) is None


def test_the_sender_keeps_its_name_whatever_is_in_it(database: Database, config: Config) -> None:
    desk = Desk(database, config)
    name = 'Rivers, "Valleys" & Hills\\ <ڕووبار>'
    with database.transaction() as tx:
        tx.get_one(Newsroom, desk.newsroom.id).names = {"en": name}
    desk.join(languages=["en"])
    letter = desk.letter(desk.confirmations()[0])
    assert letter is not None and parseaddr(letter.sender) == (name, "press@example.org")
    assert "&#34;Valleys&#34; &amp; Hills" in letter.html and name in letter.text


def test_nothing_is_sent_to_one_who_has_confirmed_meanwhile(desk: Desk) -> None:
    subscriber_id = desk.joined()
    assert desk.letter(subscriber_id) is None


def test_unconfirmed_sign_ups_go_after_fourteen_days_and_nobody_else(desk: Desk) -> None:
    desk.joined("kept@example.com")
    desk.join("forgot@example.com", beats=())
    assert subscribing.purge_unconfirmed(desk.database, now=desk.now + timedelta(days=13)) == 0
    assert subscribing.purge_unconfirmed(desk.database, now=desk.now + timedelta(days=14, seconds=1)) == 1
    assert desk.row("forgot@example.com") is None and desk.row("kept@example.com") is not None


def test_erasing_leaves_no_particulars_but_keeps_the_suppression(desk: Desk) -> None:
    subscriber_id = desk.joined()
    subscribing.never_again(desk.database, subscriber_id, now=desk.now)
    assert erasing.erase(desk.database, desk.service.keyring, EMAIL.title(), now=desk.now) == 1
    assert desk.row() is None
    with desk.database.reading() as tx:
        row = tx.get_one(Subscriber, subscriber_id)
        assert subscriber.open_(desk.service.keyring, row) == subscriber.Person("", "", "")
        assert row.languages == [] and row.consent_text == "" and row.left_at is not None
        assert suppression.find(tx, subscriber.lookup(desk.service.keyring, EMAIL)) is not None
    desk.join()
    assert desk.row() is None


def test_an_unconfirmed_sign_up_is_erased_whole(desk: Desk) -> None:
    desk.join()
    (subscriber_id,) = desk.confirmations()
    erasing.erase(desk.database, desk.service.keyring, EMAIL, now=desk.now)
    with desk.database.reading() as tx:
        assert tx.get(Subscriber, subscriber_id) is None
    assert desk.letter(subscriber_id) is None


def test_a_subscription_that_is_not_there_cannot_be_left(desk: Desk) -> None:
    with pytest.raises(NotFound):
        subscribing.leave(desk.database, 7, now=desk.now)
