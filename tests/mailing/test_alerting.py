from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from pressroom.mailing import alerting, ledger, sending, steering
from pressroom.mailing.confirming import AccountLetter
from pressroom.outbox import OutboxRow
from pressroom.people import inviting
from pressroom.people.account import Role
from pressroom.releases import publishing
from pressroom.releases.newsroom import ApprovalRule
from tests.mailing.makers import MailHouse
from tests.makers import make_newsroom, make_release


def test_all_owners_are_told_who_published_alone_and_why(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database, approval=ApprovalRule.ALWAYS)
    owner, _ = (
        inviting.add(house.database, house.keyring, email, Role.OWNER, newsroom.id, now=house.now()).account_id
        for email in ("first@example.org", "second@example.org")
    )
    made = make_release(house.database, newsroom, ["en"], draft=True)
    with house.database.transaction() as tx:
        tx.merge(made.revisions["en"]).created_by = owner
    publishing.publish(house.database, made.id, now=house.now(), by=owner, alone="They are being evicted now.")
    with house.database.reading() as tx:
        payloads = [row.payload for row in tx.scalars(select(OutboxRow).where(OutboxRow.kind == "tell_owner"))]
    letters = [
        alerting.owner_letter(house.database, house.keyring, house.signer, "https://press.example.org", one)
        for one in payloads
    ]
    assert {one.recipient for one in letters if one} == {"first@example.org", "second@example.org"}
    for one in letters:
        assert one is not None
        assert "first@example.org" in one.text and "They are being evicted now." in one.text
        assert made.id in one.html and "bridge" not in one.text
    assert len({one.headers["Message-ID"] for one in letters if one}) == 2


def test_all_owners_are_told_once_when_the_mail_server_refuses_a_mailing_by_its_rules(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    for email in ("first@example.org", "second@example.org"):
        inviting.add(house.database, house.keyring, email, Role.OWNER, newsroom.id, now=house.now())
    press = house.media_list(newsroom)
    for number in range(3):
        house.subscriber(newsroom, f"reader{number}@example.org", [press])
    house.sink.rule("rcpt", reply="550 5.7.26 Unauthenticated mail is not accepted")
    mailing_id = house.mailing(make_release(house.database, newsroom))
    house.send(terms=replace(house.terms, connections=2))
    letters = _refusals(house)
    assert sorted(one.recipient for one in letters) == ["first@example.org", "second@example.org"]
    for one in letters:
        assert "5.7.26" in one.text and f"/mailings/{mailing_id}" in one.text and "reader" not in one.text
    steering.resume(house.database, mailing_id, now=house.now())
    with house.database.reading() as tx:
        house.rung += ledger.due_chunks(tx, house.database.now(tx))
    house.send(terms=replace(house.terms, connections=1))
    assert len({one.headers["Message-ID"] for one in _refusals(house)}) == 4, "refused again, and told again"


def _refusals(house: MailHouse) -> list[AccountLetter]:
    with house.database.reading() as tx:
        payloads = [row.payload for row in tx.scalars(select(OutboxRow).where(OutboxRow.kind == sending.TELL))]
    found = [
        alerting.refusal_letter(house.database, house.keyring, house.signer, "https://press.example.org", one)
        for one in payloads
    ]
    return [one for one in found if one is not None]
