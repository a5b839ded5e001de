from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from pressroom.errors import Conflict
from pressroom.mailing import accompanying, accrediting, ledger, reconciling, steering, subscribing
from pressroom.mailing.accompanying import Plan
from pressroom.mailing.delivery import Chunk, Delivery, DeliveryState
from pressroom.mailing.expanding import expand
from pressroom.mailing.mailing import Mailing, State
from pressroom.mailing.subscriber import Subscriber
from pressroom.people.account import Role
from pressroom.releases import correction as corrections
from pressroom.releases import submitting
from pressroom.releases.approving import NeedsSecondPerson
from pressroom.releases.newsroom import ApprovalRule, Newsroom
from pressroom.releases.release import Release
from tests.mailing.makers import MailHouse
from tests.makers import Made, make_account, make_newsroom, make_release, write_statement

_NOTES = {"en": "It opens on Monday.", "ckb": "دووشەممە دەکرێتەوە."}


def _subjects(house: MailHouse) -> list[tuple[str, str]]:
    return sorted((one.recipient, one.subject) for one in house.sink.received)


def _follow_ups(house: MailHouse) -> None:
    """What the clock and a worker would do now: expands what is to be expanded, and sends what is due."""
    reconciling.begin_held(house.database)
    with house.database.reading() as tx:
        open_ones = select(Mailing.id).where(Mailing.counted_at.is_(None), Mailing.state != State.PAUSED)
        for mailing_id in tx.scalars(open_ones):
            expand(house.database, mailing_id, house.ring)
    with house.database.reading() as tx:
        house.rung += [one for one in ledger.due_chunks(tx, house.database.now(tx)) if one not in house.rung]
    house.send()


def _mailed(house: MailHouse, *people: tuple[str, tuple[str, ...]]) -> Made:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    for email, languages in people:
        house.subscriber(newsroom, email, [press], languages=languages)
    made = make_release(house.database, newsroom, ["en", "ckb"])
    house.mailing(made)
    house.send()
    house.sink.forget()
    return made


def _text(folder: Path, words: str = "It opens on Monday."):
    return write_statement(folder, f"# New bridge opens to walkers\n\n{words}")


def test_a_correction_tells_each_who_was_sent_the_old_text_once_in_their_language(
    house: MailHouse, tmp_path: Path
) -> None:
    made = _mailed(house, ("jane@example.org", ("en",)), ("hawar@example.org", ("ckb",)))
    accompanying.correct(house.database, made.id, _text(tmp_path), _NOTES, now=house.now())
    _follow_ups(house)
    _follow_ups(house)
    assert [one[0] for one in _subjects(house)] == ["hawar@example.org", "jane@example.org"]
    by_person = {one.recipient: one.text for one in house.sink.received}
    assert "It opens on Monday." in by_person["jane@example.org"] and "Was:" in by_person["jane@example.org"]
    assert "دووشەممە دەکرێتەوە." in by_person["hawar@example.org"]


def test_a_minor_correction_notifies_nobody(house: MailHouse, tmp_path: Path) -> None:
    made = _mailed(house, ("jane@example.org", ("en",)))
    accompanying.correct(house.database, made.id, _text(tmp_path), {}, minor=True, now=house.now())
    _follow_ups(house)
    assert house.sink.received == []


def test_who_has_left_hears_nothing_of_a_correction(house: MailHouse, tmp_path: Path) -> None:
    made = _mailed(house, ("jane@example.org", ("en",)), ("gone@example.org", ("en",)))
    with house.database.reading() as tx:
        [gone] = [row.id for row in tx.scalars(select(Subscriber)) if house.open(row).email == "gone@example.org"]
    subscribing.leave(house.database, gone, now=house.now())
    accompanying.correct(house.database, made.id, _text(tmp_path), _NOTES, now=house.now())
    _follow_ups(house)
    assert [one.recipient for one in house.sink.received] == ["jane@example.org"]


def test_messages_not_yet_sent_go_out_corrected_and_get_no_notice(house: MailHouse, tmp_path: Path) -> None:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    house.subscriber(newsroom, "jane@example.org", [press])
    made = make_release(house.database, newsroom, ["en"])
    house.mailing(made)
    accompanying.correct(house.database, made.id, _text(tmp_path), _NOTES, now=house.now())
    _follow_ups(house)
    [only] = house.sink.received
    assert "It opens on Monday." in only.text and "Correction: It opens on Monday." in only.text


def test_a_retraction_cancels_what_waits_and_tells_who_had_it(house: MailHouse) -> None:
    made = _mailed(house, ("jane@example.org", ("en",)), ("hawar@example.org", ("ckb",)))
    press = house.media_list(made.newsroom, "late")
    house.subscriber(made.newsroom, "late@example.org", [press])
    late = house.mailing(made, "late")
    house.rung.clear()
    accompanying.retract(house.database, made.id, {"en": "It was wrong."}, now=house.now())
    _follow_ups(house)
    _follow_ups(house)
    assert [one[0] for one in _subjects(house)] == ["hawar@example.org", "jane@example.org"]
    assert all("It was wrong." in one.text for one in house.sink.received)
    assert house.progress(late).state is State.CANCELLED


def test_a_message_on_the_wire_at_a_retraction_is_followed_once_its_fate_is_known(house: MailHouse) -> None:
    made = _mailed(house, ("jane@example.org", ("en",)), ("hawar@example.org", ("ckb",)))
    with house.database.transaction() as tx:
        on_the_wire = tx.scalars(select(Delivery).where(Delivery.language == "ckb")).one()
        on_the_wire.state, on_the_wire.settled_at = DeliveryState.SENDING, None
    accompanying.retract(house.database, made.id, {"en": "It was wrong."}, now=house.now())
    _follow_ups(house)
    assert [one.recipient for one in house.sink.received] == ["jane@example.org"]
    with house.database.transaction() as tx:
        tx.execute(update(Delivery).where(Delivery.language == "ckb").values(state=DeliveryState.SENT))
    _follow_ups(house)
    assert sorted(one.recipient for one in house.sink.received) == ["hawar@example.org", "jane@example.org"]
    with house.database.reading() as tx:
        told = tx.scalars(select(Mailing).where(Mailing.purpose == "retraction")).one()
    assert (told.state, told.total) == (State.FINISHED, 2)


def test_a_removal_asks_to_delete_and_repeats_nothing(house: MailHouse) -> None:
    made = _mailed(house, ("jane@example.org", ("en",)))
    accompanying.vanish_release(house.database, made.id, tell=True, now=house.now())
    _follow_ups(house)
    [only] = house.sink.received
    assert "delete" in only.text
    assert b"bridge" not in only.data and b"walkers" not in only.data


def _embargoed(house: MailHouse, until_hours: int = 5) -> Made:
    newsroom = make_newsroom(house.database, time_zone="Asia/Baghdad")
    press = house.media_list(newsroom)
    house.subscriber(newsroom, "trusted@example.org", [press])
    house.subscriber(newsroom, "other@example.org", [press])
    accrediting.accredit(house.database, house.keyring, newsroom.slug, "trusted@example.org", True, now=house.now())
    made = make_release(house.database, newsroom, ["en"], draft=True)
    until = house.now() + timedelta(hours=until_hours)
    accompanying.move_embargo(house.database, made.id, until, now=house.now())
    accompanying.publish(
        house.database, house.keyring, made.id, Plan(early=["press"], lists=["press"]), now=house.now()
    )
    return made


def _lift(house: MailHouse, made: Made) -> None:
    accompanying.move_embargo(house.database, made.id, None, now=house.now())


def test_under_embargo_only_accredited_people_get_it_and_only_once(house: MailHouse) -> None:
    made = _embargoed(house)
    _follow_ups(house)
    [only] = house.sink.received
    assert only.recipient == "trusted@example.org"
    assert "Under embargo until" in only.text and "Asia/Baghdad" in only.text and "UTC" in only.text
    house.sink.forget()
    _lift(house, made)
    _follow_ups(house)
    assert [one[0] for one in _subjects(house)] == ["other@example.org", "trusted@example.org"]
    texts = {one.recipient: one.text for one in house.sink.received}
    assert "lifted" in texts["trusted@example.org"]
    assert "embargo" not in texts["other@example.org"].lower()


def test_who_loses_accreditation_while_it_is_on_its_way_gets_it_when_it_is_public(house: MailHouse) -> None:
    made = _embargoed(house)
    with house.database.reading() as tx:
        for mailing_id in tx.scalars(select(Mailing.id).where(Mailing.under_embargo)):
            expand(house.database, mailing_id, house.ring)
    accrediting.accredit(
        house.database, house.keyring, made.newsroom.slug, "trusted@example.org", False, now=house.now()
    )
    house.send()
    assert house.sink.received == []
    _lift(house, made)
    _follow_ups(house)
    assert sorted(one.recipient for one in house.sink.received) == ["other@example.org", "trusted@example.org"]
    assert all("New bridge" in one.subject for one in house.sink.received)


def test_a_moved_embargo_moves_the_mailing_that_waits_for_it(house: MailHouse) -> None:
    made = _embargoed(house)
    with house.database.reading() as tx:
        query = select(Mailing).where(Mailing.under_embargo.is_(False), Mailing.purpose == "announcement")
        before = tx.scalars(query).one().hold_until
    expand(house.database, _id_of(house), house.ring)
    later = house.now() + timedelta(hours=9)
    accompanying.move_embargo(house.database, made.id, later, now=house.now())
    with house.database.reading() as tx:
        waiting = tx.scalars(query).one()
        assert waiting.hold_until == later > before
        assert {one.next_due for one in tx.scalars(select(Chunk).where(Chunk.mailing_id == waiting.id))} == {later}


def _id_of(house: MailHouse) -> int:
    with house.database.reading() as tx:
        query = select(Mailing.id).where(Mailing.under_embargo.is_(False), Mailing.purpose == "announcement")
        return tx.scalars(query).one()


def test_a_person_on_five_lists_in_three_languages_gets_one_message_also_when_a_translation_comes_later(
    house: MailHouse, tmp_path: Path
) -> None:
    newsroom = make_newsroom(house.database)
    lists = [house.media_list(newsroom, slug) for slug in "abcde"]
    house.subscriber(newsroom, "rojda@example.org", lists, languages=("kmr", "ckb", "en"))
    made = make_release(house.database, newsroom, ["en", "ckb"])
    for slug in "abc":
        house.mailing(made, slug)
    house.send()
    submitting.submit(
        house.database, newsroom.slug, write_statement(tmp_path, "# Pira nû vebû\n\nPir vekirî ye.", "kmr"),
        now=house.now(), release_id=made.id,
    )  # fmt: skip
    accompanying.publish(
        house.database, house.keyring, made.id, Plan(lists=list("abcde")), now=house.now() + timedelta(hours=1)
    )
    _follow_ups(house)
    assert [one.language for one in house.sink.received] == ["ckb"]


def test_who_asked_to_wait_gets_their_own_language_when_it_comes(house: MailHouse, tmp_path: Path) -> None:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    waits = house.subscriber(newsroom, "rojda@example.org", [press], languages=("kmr", "en"))
    house.subscriber(newsroom, "jane@example.org", [press], languages=("en",))
    with house.database.transaction() as tx:
        tx.get_one(Subscriber, waits).wait_hours = 6
    made = make_release(house.database, newsroom, ["en"])
    house.mailing(made)
    house.send()
    assert [one.recipient for one in house.sink.received] == ["jane@example.org"]
    submitting.submit(
        house.database, newsroom.slug, write_statement(tmp_path, "# Pira nû vebû\n\nPir vekirî ye.", "kmr"),
        now=house.now(), release_id=made.id,
    )  # fmt: skip
    accompanying.publish(house.database, house.keyring, made.id, Plan(), now=house.now())
    _follow_ups(house)
    assert [(one.recipient, one.language) for one in house.sink.received][1:] == [("rojda@example.org", "kmr")]


def test_who_waited_in_vain_gets_the_best_there_is(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    waits = house.subscriber(newsroom, "rojda@example.org", [press], languages=("kmr", "en"))
    with house.database.transaction() as tx:
        tx.get_one(Subscriber, waits).wait_hours = 6
    made = make_release(house.database, newsroom, ["en"])
    house.mailing(made)
    house.send()
    assert house.sink.received == []
    with house.database.transaction() as tx:
        past = house.database.now(tx) - timedelta(seconds=1)
        tx.execute(update(Delivery).values(next_at=past))
        tx.execute(update(Chunk).values(next_due=past, lease_until=past))
    _follow_ups(house)
    assert [one.language for one in house.sink.received] == ["en"]


def test_what_waits_for_a_second_person_keeps_its_lists_and_mails_nobody(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database, approval=ApprovalRule.ALWAYS)
    house.media_list(newsroom)
    made = make_release(house.database, newsroom, ["en"], draft=True)
    second = make_account(house.database, newsroom, Role.EDITOR)
    plan = Plan(lists=["press"], hold=timedelta(seconds=90))
    with pytest.raises(NeedsSecondPerson):
        accompanying.publish(house.database, house.keyring, made.id, plan, now=house.now())
    with house.database.reading() as tx:
        assert tx.get_one(Release, made.id).wish == {"lists": ["press"], "hold": 90}
        assert list(tx.scalars(select(Mailing))) == []
    done = accompanying.publish(house.database, house.keyring, made.id, plan, now=house.now(), by=second)
    assert len(done.mailing_ids) == 1


def test_a_mailing_that_would_begin_much_too_late_asks_a_person(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    house.subscriber(newsroom, "jane@example.org", [press])
    made = make_release(house.database, newsroom, ["en"])
    with house.database.transaction() as tx:
        tx.get_one(Newsroom, newsroom.id).late_after = 1800
    mailing_id = steering.start_mailing(
        house.database, house.keyring, made.id, ["press"], hold=timedelta(0), now=house.now() - timedelta(minutes=31)
    )
    expand(house.database, mailing_id, house.ring)
    house.send()
    found = house.progress(mailing_id)
    assert found.state is State.PAUSED and "should have begun" in (found.paused_reason or "")
    steering.resume(house.database, mailing_id, now=house.now())
    _follow_ups(house)
    assert [one.recipient for one in house.sink.received] == ["jane@example.org"]


def test_a_correction_that_fails_leaves_no_notice(house: MailHouse, tmp_path: Path) -> None:
    made = _mailed(house, ("jane@example.org", ("en",)))
    accompanying.retract(house.database, made.id, {"en": "Wrong."}, now=house.now())
    with pytest.raises(Conflict):
        accompanying.correct(house.database, made.id, _text(tmp_path), _NOTES, now=house.now())
    with house.database.reading() as tx:
        purposes = set(tx.scalars(select(Mailing.purpose)))
    assert purposes == {"announcement", "retraction"}


def test_a_proposed_correction_tells_people_only_when_it_is_public(house: MailHouse, tmp_path: Path) -> None:
    made = _mailed(house, ("jane@example.org", ("en",)))
    with house.database.transaction() as tx:
        tx.get_one(Newsroom, made.newsroom.id).approval = ApprovalRule.ALWAYS
    second = make_account(house.database, made.newsroom, Role.EDITOR)
    accompanying.correct(house.database, made.id, _text(tmp_path), _NOTES, now=house.now())
    _follow_ups(house)
    assert house.sink.received == []
    with house.database.reading() as tx:
        proposed = corrections.proposal(tx, made.id)
        assert proposed is not None
        seen = {one.after_id for one in corrections.changes(tx, proposed.id).values()}
    accompanying.publish_proposal(house.database, made.id, seen=seen, now=house.now(), by=second)
    _follow_ups(house)
    assert [one.recipient for one in house.sink.received] == ["jane@example.org"]


def test_a_changed_embargo_names_only_what_somebody_had(house: MailHouse, tmp_path: Path) -> None:
    made = _embargoed(house)
    _follow_ups(house)
    house.sink.forget()
    poison = write_statement(tmp_path, "# UNAPPROVED WORDS\n\nText.")
    submitting.submit(house.database, made.newsroom.slug, poison, now=house.now(), release_id=made.id)
    accompanying.unschedule(house.database, made.id, now=house.now())
    _follow_ups(house)
    [only] = house.sink.received
    assert only.recipient == "trusted@example.org"
    assert "UNAPPROVED" not in only.subject and "New bridge" in only.subject


def test_publishing_for_another_time_moves_the_mail_and_tells_who_had_it_early(house: MailHouse) -> None:
    made = _embargoed(house)
    _follow_ups(house)
    house.sink.forget()
    later = house.now() + timedelta(hours=9)
    accompanying.publish(house.database, house.keyring, made.id, Plan(at=later), now=house.now())
    with house.database.reading() as tx:
        waiting = tx.get_one(Mailing, _id_of(house))
    assert waiting.hold_until == later
    _follow_ups(house)
    assert [one.recipient for one in house.sink.received] == ["trusted@example.org"]
    assert "Embargo changed" in house.sink.received[0].subject


def test_who_had_an_earlier_text_under_embargo_gets_the_one_that_is_published(house: MailHouse, tmp_path: Path) -> None:
    made = _embargoed(house)
    _follow_ups(house)
    house.sink.forget()
    better = write_statement(tmp_path, "# New bridge opens to walkers\n\nBetter words.")
    submitting.submit(house.database, made.newsroom.slug, better, now=house.now(), release_id=made.id)
    accompanying.publish(house.database, house.keyring, made.id, Plan(early=["press"]), now=house.now())
    _follow_ups(house)
    [again] = house.sink.received
    assert again.recipient == "trusted@example.org" and "Better words." in again.text


def test_a_removal_lets_a_retraction_reach_everybody_and_says_nothing_more(house: MailHouse) -> None:
    made = _mailed(house, ("jane@example.org", ("en",)))
    accompanying.retract(house.database, made.id, {"en": "It named Zerya."}, now=house.now())
    accompanying.vanish_release(house.database, made.id, tell=False, now=house.now())
    _follow_ups(house)
    [only] = house.sink.received
    assert "delete" in only.text and b"Zerya" not in only.data and b"bridge" not in only.data


def test_what_was_on_the_wire_of_a_paused_mailing_is_settled(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    press = house.media_list(newsroom)
    house.subscriber(newsroom, "jane@example.org", [press])
    made = make_release(house.database, newsroom, ["en"])
    mailing_id = house.mailing(made)
    house.rung.clear()
    steering.pause(house.database, mailing_id, now=house.now())
    with house.database.transaction() as tx:
        tx.execute(update(Delivery).values(state=DeliveryState.SENDING, sending_at=house.database.now(tx)))
        assert ledger.due_chunks(tx, house.database.now(tx))
    _follow_ups(house)
    found = house.progress(mailing_id)
    assert (found.state, found.sending, found.deferred) == (State.PAUSED, 0, 1)
    with house.database.reading() as tx:
        assert not ledger.due_chunks(tx, house.database.now(tx))
    assert house.sink.received == []
