"""Looks at the DKIM keys of a newsroom: whether they open here, and whether DNS has them."""

from __future__ import annotations

from pressroom.doctor import dkim_record
from pressroom.doctor.dns import Ask, NoAnswer
from pressroom.doctor.domains import unanswered
from pressroom.doctor.finding import Finding, Remark, State, fine, found, warn, wrong
from pressroom.doctor.sender import Sender
from pressroom.mailing import dkim_pair
from pressroom.mailing.dkim_pair import DkimPair
from pressroom.seal import Keyring, SealBroken


def check_keys(ask: Ask, sender: Sender, keyring: Keyring | None, *, signs: bool) -> list[Finding]:
    """`signs` says that keys are used at all, as PRESSROOM_DKIM has it."""
    findings = [found("DKIM", sender.domain, _of_signing(sender, signs=signs))]
    for pair in sender.pairs:
        if keyring is not None:
            try:
                dkim_pair.keys(keyring, pair)
            except SealBroken:
                lost = wrong(f"the keys of {pair.selector} do not open", "Restore the keyring that they were made with")
                findings.append(found("DKIM", sender.domain, lost))
        is_used = signs and pair.signs
        for record in dkim_pair.records(pair):
            try:
                remarks = dkim_record.compare(ask.texts(record.name), record.value)
            except NoAnswer as error:
                remarks = [unanswered(error)]
            findings += [found("DKIM", record.name, one if is_used else _milder(pair, one)) for one in remarks]
    return findings


def _milder(pair: DkimPair, remark: Remark) -> Remark:
    """A record that nobody looks for yet."""
    if remark.state is State.OK:
        return remark
    until = "before the pair is enabled" if pair.waits else "before it signs again"
    return Remark(State.WARNING, remark.says, f"{remark.do}, {until}")


def _of_signing(sender: Sender, *, signs: bool) -> Remark:
    pair = sender.signing
    if not signs:
        return fine("signing is left to the relay (PRESSROOM_DKIM=relay), which only a message that arrived can show")
    if pair is None:
        waits = next((one for one in sender.pairs if one.waits and one.domain == sender.domain), None)
        do = (
            f"Publish the records of {waits.selector}, then run `pressroom newsroom dkim enable {sender.slug}`"
            if waits
            else f"Run `pressroom newsroom dkim make {sender.slug}`"
        )
        return warn(
            f"nothing signs the mail of “{sender.slug}” here",
            f"{do}; or, if the relay signs, set PRESSROOM_DKIM=relay",
        )
    if pair.domain != sender.domain:
        return wrong(
            f"the pair of “{sender.slug}” is for {pair.domain}, so its mail leaves unsigned",
            f"Run `pressroom newsroom dkim make {sender.slug}`",
        )
    return fine(f"{pair.selector} signs the mail of “{sender.slug}”")
