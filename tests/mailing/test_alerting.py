from __future__ import annotations

from sqlalchemy import select

from pressroom.mailing import alerting
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
