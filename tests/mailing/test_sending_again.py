from __future__ import annotations

import pytest
from sqlalchemy import select, update

from pressroom.errors import Conflict, NotAllowed, NotFound, PressroomError, Refused
from pressroom.mailing import ledger, steering, subscribing
from pressroom.mailing.delivery import Delivery, DeliveryState
from pressroom.mailing.mailing import Mailing, State
from pressroom.mailing.notice import Notice
from pressroom.mailing.sending_again import send_again
from pressroom.mailing.subscriber import Frequency, Subscriber
from pressroom.people.account import Role
from pressroom.people.audit import AuditEntry
from tests.mailing.digests import HOUR, DigestHouse
from tests.mailing.makers import MailHouse
from tests.makers import make_account

JANE = "jane@example.org"
WHY = "She wrote that it never came."


@pytest.fixture
def room(house: MailHouse) -> DigestHouse:
    return DigestHouse(house)


def _again(room: DigestHouse, release_id: str, email: str = JANE, reason: str = WHY, by: int | None = None) -> int:
    mailing_id = send_again(room.database, room.house.keyring, release_id, email, reason, now=room.house.now(), by=by)
    with room.database.reading() as tx:
        room.house.rung += ledger.due_chunks(tx, room.database.now(tx))
    room.house.send()
    return mailing_id


def _notices(room: DigestHouse) -> int:
    with room.database.reading() as tx:
        return len(list(tx.scalars(select(Notice.id))))


def _turn(room: DigestHouse, state: DeliveryState) -> None:
    with room.database.transaction() as tx:
        tx.execute(update(Delivery).values(state=state))


@pytest.mark.parametrize(
    "state", [DeliveryState.SENT, DeliveryState.UNKNOWN, DeliveryState.FAILED, DeliveryState.BOUNCED]
)
def test_it_goes_to_one_person_as_a_message_of_its_own_by_the_same_notice(
    room: DigestHouse, state: DeliveryState
) -> None:
    room.subscriber(JANE, Frequency.IMMEDIATE)
    room.subscriber("other@example.org", Frequency.IMMEDIATE)
    made, first = room.mailed("Bridge")
    _turn(room, state)
    before = _notices(room)
    again = _again(room, made.id)
    sent = [one for one in room.house.sink.received if one.recipient == JANE]
    assert len(sent) == 2 and len({one.message_id for one in sent}) == 2
    assert len(room.house.sink.received) == 3 and _notices(room) == before
    progress = room.house.progress(again)
    assert (progress.state, progress.total, progress.sent) == (State.FINISHED, 1, 1)
    assert room.house.progress(first).total == 2


def test_the_reason_stands_in_the_record_without_an_address(room: DigestHouse) -> None:
    jane = room.subscriber(JANE, Frequency.IMMEDIATE)
    made, _ = room.mailed("Bridge")
    again = _again(room, made.id)
    with room.database.reading() as tx:
        (entry,) = tx.scalars(select(AuditEntry).where(AuditEntry.act == "send again"))
    assert entry.subject == f"mailing:{again}" and entry.detail == {"release": made.id, "reason": WHY}
    assert JANE not in str(entry.detail) and str(jane) not in entry.subject
    for reason in (" ", f"{JANE} asked"):
        with pytest.raises(Refused):
            _again(room, made.id, reason=reason)


def test_it_says_the_text_of_today(room: DigestHouse) -> None:
    room.subscriber(JANE, Frequency.IMMEDIATE, "ckb", "en")
    made, _ = room.mailed("Bridge", "en")
    with room.database.transaction() as tx:
        tx.execute(update(Subscriber).values(languages=["en"]))
    _again(room, made.id)
    assert [one.language for one in room.house.sink.received] == ["en", "en"]


def test_what_a_digest_told_can_be_sent_again_alone(room: DigestHouse) -> None:
    room.subscriber(JANE)
    (made, _), _ = room.mailed("Bridge"), room.mailed("Water")
    with pytest.raises(Conflict, match="next digest"):
        _again(room, made.id)
    room.pass_time()
    room.begin()
    room.expand()
    with pytest.raises(Conflict, match="still on its way"):
        _again(room, made.id)
    room.house.send()
    _again(room, made.id)
    assert [one.subject for one in room.house.sink.received][1:] == ["Bridge"]


def _left(room: DigestHouse, jane: int) -> None:
    subscribing.leave(room.database, jane, now=room.house.now())


def _suppressed(room: DigestHouse, jane: int) -> None:
    room.house.suppress(JANE)


def _unconfirmed(room: DigestHouse, jane: int) -> None:
    room.change(jane, confirmed_at=None)


def _paused(room: DigestHouse, jane: int) -> None:
    room.change(jane, paused_until=room.house.now() + HOUR)


@pytest.mark.parametrize(
    ("turned", "says"),
    [(_left, "has left"), (_suppressed, "suppressed"), (_unconfirmed, "never confirmed"), (_paused, "has paused")],
)
def test_who_may_not_be_written_to_is_not(room: DigestHouse, turned, says: str) -> None:
    jane = room.subscriber(JANE, Frequency.IMMEDIATE)
    made, _ = room.mailed("Bridge")
    turned(room, jane)
    with pytest.raises(Conflict, match=says):
        _again(room, made.id)
    assert len(room.house.sink.received) == 1


def test_it_is_refused_while_a_message_is_under_way_and_for_who_was_never_mailed(room: DigestHouse) -> None:
    room.subscriber(JANE, Frequency.IMMEDIATE)
    made = room.release("Bridge")
    with pytest.raises(Conflict, match="not mailed to this person"):
        _again(room, made.id)
    room.house.mailing(made)
    with pytest.raises(Conflict, match="still on its way"):
        _again(room, made.id)
    room.house.send()
    with pytest.raises(NotFound):
        _again(room, made.id, "nobody@example.org")
    with pytest.raises(Refused):
        _again(room, made.id, "no address")
    send_again(room.database, room.house.keyring, made.id, JANE, WHY, now=room.house.now())
    with pytest.raises(Conflict, match="still on its way"):
        _again(room, made.id)


def test_a_release_that_was_taken_back_is_not_sent_again(room: DigestHouse) -> None:
    room.subscriber(JANE, Frequency.IMMEDIATE)
    made, _ = room.mailed("Bridge")
    room.house.retract(made)
    with pytest.raises(Conflict, match="taken back"):
        _again(room, made.id)


def test_a_retraction_stops_it_and_tells_once(room: DigestHouse) -> None:
    room.subscriber(JANE, Frequency.IMMEDIATE)
    made, _ = room.mailed("Bridge")
    again = send_again(room.database, room.house.keyring, made.id, JANE, WHY, now=room.house.now())
    room.house.retract(made)
    room.expand()
    room.house.send()
    assert (room.house.progress(again).state, room.house.progress(again).cancelled) == (State.CANCELLED, 1)
    assert [one.subject for one in room.house.sink.received] == ["Bridge", "Retracted: Bridge"]


def test_cancelling_it_lets_nobody_hear_through_another_mailing(room: DigestHouse) -> None:
    room.subscriber(JANE, Frequency.IMMEDIATE)
    made, _ = room.mailed("Bridge")
    again = send_again(room.database, room.house.keyring, made.id, JANE, WHY, now=room.house.now())
    steering.cancel(room.database, again, now=room.house.now())
    room.house.mailing(made)
    room.house.send()
    assert len(room.house.sink.received) == 1


def test_a_role_that_may_not_send_may_not_send_again(room: DigestHouse) -> None:
    room.subscriber(JANE, Frequency.IMMEDIATE)
    made, _ = room.mailed("Bridge")
    for role, may in ((Role.VIEWER, False), (Role.EDITOR, True)):
        account = make_account(room.database, room.newsroom, role)
        try:
            _again(room, made.id, by=account)
        except NotAllowed:
            assert not may
        else:
            assert may


def test_a_second_time_in_one_transaction_waits_for_the_first(room: DigestHouse) -> None:
    room.subscriber(JANE, Frequency.IMMEDIATE)
    made, _ = room.mailed("Bridge")
    for _ in range(2):
        try:
            send_again(room.database, room.house.keyring, made.id, JANE, WHY, now=room.house.now())
        except PressroomError:
            continue
    with room.database.reading() as tx:
        assert len(list(tx.scalars(select(Mailing.id)))) == 2
