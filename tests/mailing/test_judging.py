from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from pressroom.errors import TryLater
from pressroom.mailing import alerting, collecting, grounds, judging, return_path, subscriber, subscribing, suppression
from pressroom.mailing.arrival import Arrival, Form
from pressroom.mailing.bounce import Bounce
from pressroom.mailing.delivery import Delivery, DeliveryState
from pressroom.mailing.erasing import erase
from pressroom.mailing.mailing import State
from pressroom.mailing.subscriber import Subscriber
from pressroom.mailing.suppression import Reason
from pressroom.mailing.verdict import TREATMENTS, Verdict
from pressroom.outbox import OutboxRow
from pressroom.people.account import Role
from pressroom.people.audit import AuditEntry
from tests.mailing.bounce_shapes import OURS, SHAPES, Sent, arf, dsn, group, letter, text
from tests.mailing.makers import MailHouse
from tests.makers import make_account, make_newsroom, make_release
from tests.sink import Received

BOUNCES = "bounces@press.example.org"


class Back:
    """A mailing that was sent, and what comes back of it."""

    def __init__(self, house: MailHouse, emails: list[str], *, bounce_address: str | None = BOUNCES) -> None:
        self.house = house
        house.terms = replace(house.terms, bounce_address=bounce_address)
        self.newsroom = make_newsroom(house.database)
        press = house.media_list(self.newsroom)
        self.ids = {one: house.subscriber(self.newsroom, one, [press]) for one in emails}
        self.mailing_id = house.mailing(make_release(house.database, self.newsroom))
        house.send()
        assert house.progress(self.mailing_id).sent == len(emails)

    def received(self, email: str) -> Received:
        return next(one for one in self.house.sink.received if one.recipient == email)

    def sent(self, email: str = OURS) -> Sent:
        """As the one who got it has it."""
        got = self.received(email)
        found = re.search(r"<(https://[^>]+)>", got.message["List-Unsubscribe"])
        assert found is not None
        return Sent(got.sender, got.message_id, found[1], email)

    def leaving(self, email: str = OURS) -> str:
        found = re.search(r"<mailto:([^?>]+)", self.received(email).message["List-Unsubscribe"])
        assert found is not None
        return found[1]

    def comes(self, raw: bytes, form: Form = Form.MESSAGE) -> bool:
        return comes(self.house, raw, form)

    def state(self, email: str = OURS) -> DeliveryState:
        with self.house.database.reading() as tx:
            query = select(Delivery.state).where(Delivery.subscriber_id == self.ids[email])
            return tx.scalars(query).one()

    def reason(self, email: str = OURS) -> Reason | None:
        with self.house.database.reading() as tx:
            found = suppression.find(tx, subscriber.lookup(self.house.keyring, email))
            marked = tx.get_one(Subscriber, self.ids[email]).suppressed_at is not None
        assert marked is (found is not None)
        return found.reason if found else None

    def verdicts(self) -> Counter[Verdict]:
        with self.house.database.reading() as tx:
            return Counter(tx.scalars(select(Bounce.verdict)))


def comes(house: MailHouse, raw: bytes, form: Form = Form.MESSAGE) -> bool:
    is_new = collecting.take_in(house.database, house.keyring, form, raw, now=house.now())
    judge_all(house)
    return is_new


def judge_all(house: MailHouse) -> None:
    with house.database.reading() as tx:
        waiting = list(tx.scalars(select(Arrival.id).where(Arrival.judged_at.is_(None)).order_by(Arrival.id)))
    for one in waiting:
        judging.judge(house.database, house.keyring, house.signer, one)


@pytest.mark.parametrize("proof", ["return path", "message id"])
def test_each_shape_of_the_corpus_does_what_its_verdict_says(house: MailHouse, proof: str) -> None:
    emails = [f"dilan@p{number}.example.org" for number in range(len(SHAPES))]
    back = Back(house, emails, bounce_address=BOUNCES if proof == "return path" else None)
    for email, (make, _) in zip(emails, SHAPES.values(), strict=True):
        back.comes(make(back.sent(email)).replace(OURS.encode(), email.encode()))
    for email, (name, (_, verdict)) in zip(emails, SHAPES.items(), strict=True):
        if proof == "message id" and not _gives_the_message_back(name):
            expected = TREATMENTS[Verdict.UNCLEAR]
        else:
            expected = TREATMENTS[verdict]
        assert (name, back.state(email)) == (name, expected.state or DeliveryState.SENT)
        assert (name, back.reason(email)) == (name, expected.suppresses)
    progress = house.progress(back.mailing_id)
    counts = (getattr(progress, state.value) for state in DeliveryState)
    assert progress.state is State.FINISHED and sum(counts) == progress.total == len(emails)
    assert progress.bounced and progress.failed and progress.sent


def _gives_the_message_back(name: str) -> bool:
    """And not a bounce of it, or nothing that can be read."""
    make, _ = SHAPES[name]
    others = ("a boundary that never comes", "a bounce of a bounce", "a text that gives a bounce back")
    return b"Message-ID:" in make(Sent()) and name not in others


def test_forged_and_foreign_paths_suppress_nobody(house: MailHouse) -> None:
    back = Back(house, [OURS, "nalin@example.org"])
    sent, other = back.sent(), back.sent("nalin@example.org")
    last = "0" if sent.path.partition("@")[0][-1] != "0" else "1"
    forged = sent.path.partition("@")[0][:-1] + last + "@press.example.org"
    mixed = sent.path.partition("-")[0] + "-" + other.path.partition("-")[2]
    for path in (forged, mixed, back.leaving(), "bounces@press.example.org"):
        wrong = replace(sent, path=path, message_id=f"<{'0' * 32}@press.example.org>")
        back.comes(dsn(wrong, group()))
        back.comes(arf(wrong, f"Feedback-Type: abuse\nOriginal-Rcpt-To: {OURS}\nOriginal-Mail-From: {path}"))
    assert back.reason() is None and back.state() is DeliveryState.SENT
    assert back.verdicts() == {Verdict.GONE: 4, Verdict.COMPLAINT: 4}


def test_a_path_that_a_relay_lower_cased_or_raised_is_still_ours(house: MailHouse) -> None:
    back = Back(house, [OURS])
    back.comes(dsn(back.sent(), group(), to=back.sent().path.upper(), returned=""))
    assert back.reason() is Reason.BOUNCE


def test_a_bounce_that_comes_twice_counts_once(house: MailHouse) -> None:
    back = Back(house, [OURS])
    raw = dsn(back.sent(), group(diagnostic="550 5.1.1 <dilan@example.org> unknown"))
    assert back.comes(raw) and not back.comes(raw)
    with house.database.reading() as tx:
        arrival_id = tx.scalars(select(Arrival.id)).one()
    judging.judge(house.database, house.keyring, house.signer, arrival_id)
    assert back.verdicts() == {Verdict.GONE: 1}
    progress = house.progress(back.mailing_id)
    assert (progress.sent, progress.bounced, progress.total) == (0, 1, 1)


def test_what_came_is_sealed_and_says_why_afterwards(house: MailHouse) -> None:
    back = Back(house, [OURS])
    back.comes(dsn(back.sent(), group(diagnostic=f"550 5.1.1 <{OURS}> is unknown here")))
    with house.database.reading() as tx:
        kept = [tx.scalars(select(Arrival.raw_sealed)).one(), tx.scalars(select(Bounce.diagnostic_sealed)).one()]
        found = suppression.find(tx, subscriber.lookup(house.keyring, OURS))
        assert found is not None
        why = grounds.of(tx, house.keyring, found)
    assert all(one is not None and b"dilan" not in one for one in kept)
    assert (why.reason, why.status, why.mailing_id) == (Reason.BOUNCE, "5.1.1", back.mailing_id)
    assert why.diagnostic == f"550 5.1.1 <{OURS}> is unknown here"


def test_a_refusal_at_once_says_why_too(house: MailHouse) -> None:
    house.sink.rule("rcpt", reply="550 5.1.1 nobody here")
    newsroom = make_newsroom(house.database)
    house.subscriber(newsroom, OURS, [house.media_list(newsroom)])
    mailing_id = house.mailing(make_release(house.database, newsroom))
    house.send()
    with house.database.reading() as tx:
        found = suppression.find(tx, subscriber.lookup(house.keyring, OURS))
        assert found is not None
        why = grounds.of(tx, house.keyring, found)
    assert (why.mailing_id, why.status) == (mailing_id, "550 5.1.1") and "nobody here" in why.diagnostic


def test_what_comes_while_the_message_is_handed_over_waits_for_the_answer(house: MailHouse) -> None:
    back = Back(house, [OURS])
    with house.database.transaction() as tx:
        tx.execute(update(Delivery).values(state=DeliveryState.SENDING))
    with pytest.raises(TryLater):
        back.comes(dsn(back.sent(), group()))
    assert back.reason() is None
    with house.database.transaction() as tx:
        tx.execute(update(Delivery).values(state=DeliveryState.SENT))
    judge_all(house)
    assert (back.state(), back.reason()) == (DeliveryState.BOUNCED, Reason.BOUNCE)


def test_a_mail_to_ones_own_address_for_leaving_leaves_whoever_it_is_from(house: MailHouse) -> None:
    back = Back(house, [OURS, "nalin@example.org"])
    to = replace(back.sent(), path=back.leaving().upper())
    back.comes(letter(to, "Out of office", "Away.", "Auto-Submitted: auto-replied\n"))
    back.comes(dsn(replace(to, message_id="<none@press.example.org>"), group()))
    assert not _left(back)
    back.comes(letter(to, "unsubscribe", "").replace(b"From: Dilan <dilan@example.org>", b"From: <nalin@example.org>"))
    assert _left(back) and not _left(back, "nalin@example.org")
    assert back.reason() is None and back.verdicts()[Verdict.LEAVING] == 1


def _left(back: Back, email: str = OURS) -> bool:
    with back.house.database.reading() as tx:
        return tx.get_one(Subscriber, back.ids[email]).left_at is not None


def test_an_unsubscribe_token_is_no_return_path_and_a_return_path_does_not_leave(house: MailHouse) -> None:
    back = Back(house, [OURS])
    sent, subscriber_id = back.sent(), back.ids[OURS]
    token = sent.link.rpartition("/")[2]
    assert house.signer.subject("unsubscribe", token, now=house.now()) == subscriber_id
    for text_ in (sent.path, back.leaving(), sent.path.partition("+")[2].partition("@")[0]):
        assert house.signer.subject("unsubscribe", text_, now=house.now()) is None
    assert return_path.delivery_in(house.signer, f"bounces+{token}@press.example.org") is None
    assert return_path.delivery_in(house.signer, back.leaving()) is None
    assert return_path.subscriber_in(house.signer, sent.path) is None
    back.comes(letter(sent, "unsubscribe", "Please let me go."))
    assert not _left(back)


def test_a_complaint_suppresses_and_owners_hear_of_it_once(house: MailHouse) -> None:
    emails = [f"dilan@p{number}.example.org" for number in range(3)]
    back = Back(house, emails)
    make_account(house.database, back.newsroom, Role.EDITOR)
    owner = make_account(house.database, back.newsroom, Role.OWNER)
    for email in emails[:2]:
        back.comes(arf(back.sent(email), "Feedback-Type: abuse"))
        assert (back.reason(email), back.state(email)) == (Reason.COMPLAINT, DeliveryState.SENT)
    with house.database.transaction() as tx:
        told = [row.payload for row in tx.scalars(select(OutboxRow).where(OutboxRow.kind == judging.TELL))]
        noted = list(tx.scalars(select(AuditEntry).where(AuditEntry.act == judging.ALARM)))
        sealed = house.keyring.seal("owner@example.org", "account", "email", owner)
        from pressroom.people.account import Account

        tx.get_one(Account, owner).email_sealed = sealed
    assert told == [{"mailing_id": back.mailing_id, "account_id": owner}] and len(noted) == 1
    made = alerting.complaint_letter(house.database, house.keyring, house.signer, "https://press.example.org", told[0])
    assert made is not None and made.recipient == "owner@example.org"
    assert "2 of the 3 people" in made.text and f"/mailings/{back.mailing_id}" in made.html
    assert not any(email in made.text for email in emails)


def test_one_complaint_in_more_than_a_thousand_raises_no_alarm(
    house: MailHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_ALARM_AT", 2)
    emails = [f"dilan@p{number}.example.org" for number in range(3)]
    back = Back(house, emails)
    make_account(house.database, back.newsroom, Role.OWNER)
    for place, email in enumerate(emails[:2]):
        back.comes(arf(back.sent(email), "Feedback-Type: abuse"))
        with house.database.reading() as tx:
            assert len(tx.scalars(select(OutboxRow).where(OutboxRow.kind == judging.TELL)).all()) == place


def test_a_complaint_outweighs_a_bounce_and_a_bounce_no_complaint(house: MailHouse) -> None:
    back = Back(house, [OURS])
    back.comes(dsn(back.sent(), group()))
    back.comes(arf(back.sent(), "Feedback-Type: abuse"))
    back.comes(dsn(back.sent(), group(status="5.1.2")))
    assert back.reason() is Reason.COMPLAINT


RELAYS: list[tuple[Form, object, Verdict]] = [
    (Form.REPORT, {"type": "bounce", "recipient": OURS, "status": "5.1.1"}, Verdict.GONE),
    (Form.REPORT, {"type": "bounce", "recipient": OURS, "status": "5.0.0", "diagnostic": "quota"}, Verdict.FULL),
    (Form.REPORT, {"type": "complaint", "recipient": OURS}, Verdict.COMPLAINT),
    (Form.MAILGUN, {"event-data": {"event": "failed", "severity": "permanent", "recipient": OURS,
                                   "delivery-status": {"code": 550, "message": "5.1.1 user unknown"}}}, Verdict.GONE),
    (Form.MAILGUN, {"event-data": {"event": "failed", "severity": "temporary", "recipient": OURS,
                                   "delivery-status": {"message": "5.1.1"}}}, Verdict.DELAYED),
    (Form.MAILGUN, {"event-data": {"event": "complained", "recipient": OURS}}, Verdict.COMPLAINT),
    (Form.POSTMARK, {"RecordType": "Bounce", "Type": "HardBounce", "Email": OURS,
                     "Details": "smtp;550 5.1.1 user unknown"}, Verdict.GONE),
    (Form.POSTMARK, {"Type": "HardBounce", "Email": OURS, "Details": "smtp;550 5.7.1 blocked"}, Verdict.REFUSED),
    (Form.POSTMARK, {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": OURS}, Verdict.COMPLAINT),
    (Form.SENDGRID, [{"event": "bounce", "email": OURS, "status": "5.1.1", "reason": "550 no such user"}],
     Verdict.GONE),
    (Form.SENDGRID, [{"event": "bounce", "type": "blocked", "email": OURS, "status": "5.1.1"}], Verdict.REFUSED),
    (Form.SENDGRID, [{"event": "spamreport", "email": OURS}], Verdict.COMPLAINT),
    (Form.SES, {"Message": json.dumps({"notificationType": "Bounce", "bounce": {"bounceType": "Permanent",
        "bouncedRecipients": [{"emailAddress": OURS, "status": "5.1.1"}]}})}, Verdict.GONE),
    (Form.SES, {"Message": json.dumps({"eventType": "Bounce", "bounce": {"bounceType": "Transient",
        "bouncedRecipients": [{"emailAddress": OURS, "diagnosticCode": "smtp; 552 5.2.2 full"}]}})}, Verdict.FULL),
    (Form.SES, {"Message": json.dumps({"notificationType": "Complaint", "complaint": {
        "complainedRecipients": [{"emailAddress": OURS}]}})}, Verdict.COMPLAINT),
    (Form.SPARKPOST, [{"msys": {"message_event": {"type": "bounce", "rcpt_to": OURS,
        "raw_reason": "550 5.1.1 unknown"}}}], Verdict.GONE),
    (Form.SPARKPOST, [{"msys": {"message_event": {"type": "spam_complaint", "rcpt_to": OURS}}}], Verdict.COMPLAINT),
]  # fmt: skip


@pytest.mark.parametrize(("form", "event", "verdict"), RELAYS)
def test_what_a_relay_signed_is_believed_by_its_address(
    house: MailHouse, form: Form, event: object, verdict: Verdict
) -> None:
    back = Back(house, [OURS], bounce_address=None)
    back.comes(json.dumps(event).encode(), form)
    treatment = TREATMENTS[verdict]
    assert back.verdicts() == {verdict: 1}
    assert (back.state(), back.reason()) == (treatment.state or DeliveryState.SENT, treatment.suppresses)


def test_a_relay_that_names_a_stranger_suppresses_nobody(house: MailHouse) -> None:
    back = Back(house, [OURS])
    back.comes(b'{"type": "complaint", "recipient": "stranger@example.net"}', Form.REPORT)
    assert back.reason() is None and back.verdicts() == {Verdict.COMPLAINT: 1}


def test_erasing_a_person_takes_out_what_came_back_about_them(house: MailHouse) -> None:
    back = Back(house, [OURS])
    back.comes(dsn(back.sent(), group(diagnostic=f"550 5.1.1 {OURS} unknown")))
    erase(house.database, house.keyring, OURS, now=house.now())
    with house.database.reading() as tx:
        assert tx.scalars(select(Arrival.raw_sealed)).one() is None
        assert tx.scalars(select(Bounce.diagnostic_sealed)).one() is None
        assert suppression.find(tx, subscriber.lookup(house.keyring, OURS)) is not None


def test_texts_go_after_thirty_days_and_copies_are_still_known(house: MailHouse) -> None:
    back = Back(house, [OURS])
    raw = dsn(back.sent(), group())
    back.comes(raw)
    assert collecting.purge(house.database, now=house.now() + timedelta(days=29)) == 0
    assert collecting.purge(house.database, now=house.now() + timedelta(days=31)) == 1
    assert not back.comes(raw)
    assert collecting.purge(house.database, now=house.now() + timedelta(days=731)) == 1
    assert back.verdicts() == {} and back.reason() is Reason.BOUNCE


def test_confirming_ones_own_sign_up_lifts_leaving_and_no_suppression(house: MailHouse) -> None:
    back = Back(house, [OURS, "nalin@example.org"])
    for email in back.ids:
        subscribing.leave(house.database, back.ids[email], now=house.now())
    back.comes(arf(back.sent(), "Feedback-Type: abuse"))
    with house.database.transaction() as tx:
        tx.execute(update(Subscriber).values(consent_at=house.now() + timedelta(seconds=1)))
    subscribing.confirm(house.database, back.ids["nalin@example.org"], now=house.now())
    assert not _left(back, "nalin@example.org")
    with pytest.raises(Exception, match="no more mail"):
        subscribing.confirm(house.database, back.ids[OURS], now=house.now())
    assert back.reason() is Reason.COMPLAINT


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=500), st.sampled_from(list(Form)))
def test_bytes_without_proof_suppress_nobody(house: MailHouse, raw: bytes, form: Form) -> None:
    comes(house, raw, form)
    with house.database.reading() as tx:
        assert tx.scalars(select(suppression.Suppression)).all() == []
        assert tx.scalars(select(Arrival.id).where(Arrival.judged_at.is_(None))).all() == []


def test_a_bounce_says_nothing_of_a_test(house: MailHouse) -> None:
    newsroom = make_newsroom(house.database)
    house.terms = replace(house.terms, bounce_address=BOUNCES)
    mailing_id = house.mailing(make_release(house.database, newsroom), test=OURS)
    house.send()
    for got in house.sink.received:
        comes(house, text(Sent(path=got.sender), "Undeliverable", "550 5.1.1 user unknown"))
    with house.database.reading() as tx:
        assert tx.scalars(select(suppression.Suppression)).all() == []
    progress = house.progress(mailing_id)
    assert progress.bounced == progress.total > 0
