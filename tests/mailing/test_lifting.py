from __future__ import annotations

import pytest

from pressroom.errors import NotAllowed, NotFound
from pressroom.mailing import lifting, subscribing, suppression
from pressroom.mailing.subscriber import Subscriber
from pressroom.mailing.suppression import Reason
from pressroom.people.account import Membership, Role
from tests.mailing.makers import MailHouse
from tests.makers import make_account, make_newsroom, make_release

EMAIL = "dilan@example.org"
WHY = "They wrote to us and asked for it."


def suppressed(house: MailHouse, reason: Reason):
    """Somebody who is subscribed to two newsrooms."""
    river, hill = make_newsroom(house.database), make_newsroom(house.database, "hill")
    ids = [house.subscriber(one, EMAIL, [house.media_list(one)]) for one in (river, hill)]
    with house.database.transaction() as tx:
        suppression.of_subscriber(tx, ids[0], reason, now=house.now())
    return river, hill, ids


def test_a_bounce_is_lifted_by_whoever_may_send_there(house: MailHouse) -> None:
    river, _, ids = suppressed(house, Reason.BOUNCE)
    stranger = make_account(house.database, make_newsroom(house.database, "far"), Role.OWNER)
    for nobody in (make_account(house.database, river, Role.AUTHOR), stranger):
        with pytest.raises(NotAllowed):
            lifting.lift(house.database, ids[0], WHY, now=house.now(), by=nobody)
    editor = make_account(house.database, river, Role.EDITOR)
    assert lifting.lift(house.database, ids[0], WHY, now=house.now(), by=editor) is Reason.BOUNCE
    with house.database.reading() as tx:
        assert all(tx.get_one(Subscriber, one).suppressed_at is None for one in ids)
    with pytest.raises(NotFound):
        lifting.lift(house.database, ids[0], WHY, now=house.now(), by=editor)


@pytest.mark.parametrize("reason", [Reason.COMPLAINT, Reason.REQUEST])
def test_what_a_person_said_is_lifted_by_an_owner_of_all_newsrooms_only(house: MailHouse, reason: Reason) -> None:
    river, hill, ids = suppressed(house, reason)
    owner = make_account(house.database, river, Role.OWNER)
    for _ in range(2):
        with pytest.raises(NotAllowed):
            lifting.lift(house.database, ids[0], WHY, now=house.now(), by=owner)
    with house.database.transaction() as tx:
        tx.add(Membership(account_id=owner, newsroom_id=hill.id, role=Role.OWNER))
    assert lifting.lift(house.database, ids[0], WHY, now=house.now(), by=owner) is reason


def test_lifting_brings_nobody_back_who_left(house: MailHouse) -> None:
    river, hill, ids = suppressed(house, Reason.BOUNCE)
    subscribing.never_again(house.database, ids[0], now=house.now())
    owner = make_account(house.database, river, Role.OWNER)
    with house.database.transaction() as tx:
        tx.add(Membership(account_id=owner, newsroom_id=hill.id, role=Role.OWNER))
    assert lifting.lift(house.database, ids[1], WHY, now=house.now(), by=owner) is Reason.REQUEST
    house.mailing(make_release(house.database, river))
    house.mailing(make_release(house.database, hill))
    house.send()
    assert len(house.sink.received) == 1
