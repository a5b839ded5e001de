"""Judging what came back: whose message it was, and what that means for the delivery and for the address.

A stranger can write anything to our return address. Only what is proved counts: by the MAC in a return path, by the
Message-ID that nobody but the recipient saw, or by the signature of a relay.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pressroom.db import Database, new_id
from pressroom.errors import TryLater
from pressroom.mailing import address, arrival, bounce, message, relay_events, return_path, subscribing, suppression
from pressroom.mailing import report as reports
from pressroom.mailing import subscriber as subscribers
from pressroom.mailing.arrival import Arrival, Form
from pressroom.mailing.bounce import Bounce
from pressroom.mailing.composing import LEAVING
from pressroom.mailing.delivery import Delivery, DeliveryState
from pressroom.mailing.mailing import Mailing, progress
from pressroom.mailing.report import Finding, Report
from pressroom.mailing.subscriber import IN_ANY_NEWSROOM, Subscriber
from pressroom.mailing.verdict import TREATMENTS, Verdict
from pressroom.people import audit, telling
from pressroom.seal import Keyring
from pressroom.signing import Signer

TELL = "tell_of_complaints"
ALARM = "complaint alarm"
_ALARM_AT = 1000  # one complaint in so many messages

_ENDED = (DeliveryState.SENT, DeliveryState.UNKNOWN)
_RECENT = 200
# From what harms nobody to what suppresses, for one message of which several things are said.
_SEVERITY = list(reversed(Verdict))


def judge(database: Database, keyring: Keyring, signer: Signer, arrival_id: int) -> None:
    """Reads one arrival and does what follows from it, once. Raises TryLater while its message is being handed over."""
    with database.reading() as tx:
        row = tx.get_one(Arrival, arrival_id)
        form, raw = row.form, arrival.open_(keyring, row)
    found = [reports.of_message(raw)] if form is Form.MESSAGE else relay_events.read(form, raw)
    with database.transaction() as tx:
        row = tx.get_one(Arrival, arrival_id, with_for_update=True)
        if row.judged_at is not None:
            return
        act = _Judgement(tx, keyring, signer, row, database.now(tx))
        for one in found:
            act.pass_on(one)
        row.judged_at = act.now


class _Judgement:
    """Of one arrival, within one transaction."""

    def __init__(self, tx: Session, keyring: Keyring, signer: Signer, row: Arrival, now: datetime) -> None:
        self._tx, self._keyring, self._signer, self._row = tx, keyring, signer, row
        self.now = now
        self._number = 0

    def pass_on(self, report: Report) -> None:
        leaver = return_path.subscriber_in(self._signer, report.addressed) if report.may_leave else None
        if leaver is not None:
            self._leave(leaver)
            return
        delivery = self._delivery(report)
        person = self._tx.get(Subscriber, delivery.subscriber_id) if delivery and delivery.subscriber_id else None
        if delivery is None:
            # Nobody's message, or one that ended too long ago: counted, and nothing else.
            for one in report.findings:
                self._note(one, None)
            return
        finding = self._about(report.findings, person)
        self._apply(finding, delivery, person)

    def _leave(self, subscriber_id: int) -> None:
        known = self._tx.get(Subscriber, subscriber_id) is not None
        if known:
            subscribing.leave_within(self._tx, subscriber_id, now=self.now)
        self._note(Finding(Verdict.LEAVING), None)

    def _delivery(self, report: Report) -> Delivery | None:
        """Return path first, then the Message-ID, and what a relay says at the end."""
        for text in (report.addressed, report.returned):
            delivery_id = return_path.delivery_in(self._signer, text)
            if delivery_id is not None:
                return self._tx.get(Delivery, delivery_id)
        named = [name for finding in report.findings for name in finding.recipients]
        candidates = self._candidates(named, report.tokens)
        by_id = self._by_message_id(candidates, report.message_ids) if report.message_ids else None
        if by_id is not None or self._row.form is Form.MESSAGE:
            return by_id
        return next((one for one in candidates if one.state in _ENDED), None)

    def _candidates(self, named: Iterable[str], tokens: Iterable[str]) -> Sequence[Delivery]:
        """The newest messages to whoever an address or a link for leaving names."""
        lookups = {subscribers.lookup(self._keyring, one) for one in named}
        by_link = {self._signer.subject(LEAVING, one, now=self.now) for one in tokens}
        known = select(Subscriber.id).where(IN_ANY_NEWSROOM, Subscriber.email_lookup.in_(lookups))
        ids = list(self._tx.scalars(known))
        ids += [one for one in by_link if one is not None]
        query = select(Delivery).where(Delivery.subscriber_id.in_(ids)).order_by(Delivery.id.desc()).limit(_RECENT)
        return list(self._tx.scalars(query)) if ids else []

    def _by_message_id(self, candidates: Iterable[Delivery], given: Sequence[str]) -> Delivery | None:
        for one in candidates:
            # Of which only what stands before the @ is proof.
            own = message.message_id(self._signer, one.id, "a@localhost").strip("<").partition("@")[0]
            if own in given:
                return one
        return None

    def _about(self, findings: Sequence[Finding], person: Subscriber | None) -> Finding:
        """What is said of our recipient. Of others, to whom their server passed it on, nothing is held against them."""
        if person is None or not any(one.recipients for one in findings):
            return min(findings, key=lambda one: _SEVERITY.index(one.verdict), default=Finding(Verdict.UNCLEAR))
        own = address.normal(subscribers.open_(self._keyring, person).email)
        exact = [one for one in findings if own in map(address.normal, one.recipients)]
        alike = [one for one in findings if own.partition("@")[0] in map(_local, one.recipients)]
        for fitting in (exact, alike if len(findings) == 1 else []):
            if fitting:
                return min(fitting, key=lambda one: _SEVERITY.index(one.verdict))
        mildest = min(findings, key=lambda one: _SEVERITY.index(one.verdict))
        return replace(mildest, verdict=Verdict.ELSEWHERE) if TREATMENTS[mildest.verdict].state else mildest

    def _apply(self, finding: Finding, delivery: Delivery, person: Subscriber | None) -> None:
        treatment = TREATMENTS[finding.verdict]
        if treatment != TREATMENTS[Verdict.UNCLEAR] and delivery.state is DeliveryState.SENDING:
            raise TryLater("This message is still being handed over: what came back is judged when that is known.")
        bounce_id = self._note(finding, delivery)
        if treatment.suppresses and person is not None:
            suppression.of_subscriber(
                self._tx, person.id, treatment.suppresses, now=self.now, delivery_id=delivery.id, bounce_id=bounce_id
            )
        if treatment.state is not None:
            self._tx.execute(
                update(Delivery)
                .where(Delivery.id == delivery.id, Delivery.state.in_(_ENDED))
                .values(state=treatment.state, settled_at=self.now)
            )
        if finding.verdict is Verdict.COMPLAINT:
            self._tx.flush()
            self._alarm(delivery.mailing_id)

    def _note(self, finding: Finding, delivery: Delivery | None) -> int:
        bounce_id, self._number = new_id(), self._number + 1
        self._tx.add(
            Bounce(
                id=bounce_id,
                arrival_id=self._row.id,
                number=self._number,
                verdict=finding.verdict,
                status=finding.status or None,
                delivery_id=delivery.id if delivery else None,
                mailing_id=delivery.mailing_id if delivery else None,
                # A stranger's words about nobody of ours are not kept apart from the arrival.
                diagnostic_sealed=bounce.seal(self._keyring, bounce_id, finding.diagnostic) if delivery else None,
                at=self.now,
            )
        )
        return bounce_id

    def _alarm(self, mailing_id: int) -> None:
        """Once for each mailing: all owners are told when one in a thousand complained."""
        mailing = self._tx.get_one(Mailing, mailing_id, with_for_update={"key_share": True})
        complained, total = bounce.complaints(self._tx, mailing_id), progress(self._tx, mailing_id).total
        subject = f"mailing:{mailing_id}"
        query = select(audit.AuditEntry.id).where(audit.AuditEntry.subject == subject, audit.AuditEntry.act == ALARM)
        if complained * _ALARM_AT < total or self._tx.scalars(query.limit(1)).first() is not None:
            return
        audit.note(self._tx, ALARM, subject, now=self.now, newsroom_id=mailing.newsroom_id, complaints=complained)
        telling.tell_owners(self._tx, TELL, mailing.newsroom_id, now=self.now, mailing_id=mailing_id)


def _local(given: str) -> str:
    return address.normal(given).rpartition("@")[0]
