"""Looks at what DNS says of a sending domain: SPF, DMARC, and who takes what comes back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pressroom.doctor import dmarc, spf, spf_reach
from pressroom.doctor.dns import Ask, NoAnswer
from pressroom.doctor.finding import Finding, Remark, fine, found, listed, warn, wrong
from pressroom.doctor.spf_reach import MOST_LOOKUPS, MOST_VOID, Reach
from pressroom.doctor.tags import Unreadable, shown


def unanswered(error: NoAnswer) -> Remark:
    return wrong(f"it could not be looked up: {error}", "Try again, or name another server with PRESSROOM_DNS_SERVER")


def check_spf(ask: Ask, domain: str, relay: str, addresses: Sequence[str], *, is_return: bool) -> list[Finding]:
    """`addresses` are those that mail may leave from; `is_return` that receivers ask this domain for SPF."""
    try:
        remarks = list(_spf(ask, domain, relay, addresses))
    except NoAnswer as error:
        remarks = [unanswered(error)]
    if not is_return and remarks[0].says.startswith("there is no record"):
        remarks = [warn("there is no record", "Bounces go elsewhere, but some receivers ask here too: publish one")]
    return [found("SPF", domain, one) for one in remarks]


def _spf(ask: Ask, domain: str, relay: str, addresses: Sequence[str]) -> Iterator[Remark]:
    there = spf.records(ask.texts(domain))
    if not there:
        yield wrong("there is no record", "Publish one that names your relay, such as the one below")
        return
    if len(there) > 1:
        yield wrong(f"there are {len(there)} records, so none counts", "Make one of them")
        return
    try:
        record = spf.read(there[0])
    except Unreadable as error:
        yield wrong(f"its record does not count: {error}", "Mend it")
        return
    reach = spf_reach.follow(ask, domain, record)
    faults = list(_spf_faults(reach))
    yield from faults
    if not faults:
        yield _spf_of_relay(reach, relay, addresses)


def _spf_faults(reach: Reach) -> Iterator[Remark]:
    for fault in reach.faults:
        yield wrong(f"its record does not count: {fault}", "Take that part out, or have it mended")
    if reach.is_too_long:
        yield wrong(
            f"its record needs more than {MOST_LOOKUPS} look-ups, so receivers give up", "Include fewer domains"
        )
    elif reach.rest == "+":
        yield wrong("its record lets everybody send (+all)", "End it with ~all or -all")
    elif reach.rest in (None, "?") and not reach.faults:
        yield warn("its record says nothing of everybody else", "End it with ~all or -all")
    if len(reach.void) > MOST_VOID:
        names = listed([*map(shown, reach.void[:5])])
        yield wrong(f"its record names {names}, which have no address, so receivers may give up", "Take them out")
    if reach.asks_ptr:
        yield warn("its record uses ptr, which receivers may pass over", "Name addresses or domains instead")


def _spf_of_relay(reach: Reach, relay: str, addresses: Sequence[str]) -> Remark:
    left_out = [one for one in addresses if not reach.allows(one)]
    if not addresses:
        return fine("the record is in order; whether it lets the relay send cannot be seen from here")
    if not left_out:
        return fine(f"the record lets {relay} send")
    if reach.is_partial or len(left_out) < len(addresses):
        return fine(f"the record is in order; whether it lets {listed(left_out)} send cannot be seen from here")
    return warn(
        f"the record does not let {relay} ({listed(left_out)}) send",
        "Name it there, unless it hands mail on from other addresses that the record lets send",
    )


def check_dmarc(ask: Ask, domain: str) -> list[Finding]:
    try:
        remarks = dmarc.remarks(dmarc.discover(domain, ask.texts))
    except NoAnswer as error:
        remarks = [unanswered(error)]
    return [found("DMARC", domain, one) for one in remarks]


def check_alignment(ask: Ask, sending: Sequence[str], bounces: str, *, signs: bool) -> list[Finding]:
    """Whether SPF, which speaks for the domain of the bounce address, also speaks for the senders (RFC 9989 §4.4)."""
    findings = []
    try:
        there = dmarc.discover(bounces, ask.texts).organization
        for domain in sending:
            discovery = dmarc.discover(domain, ask.texts)
            is_strict = discovery.record is not None and discovery.record.tags.get("aspf", "").lower() == "s"
            if bounces != domain and (is_strict or there != discovery.organization):
                how = "are signed here" if signs else "are signed by the relay"
                findings.append(
                    warn(
                        f"SPF of {bounces} does not speak for {domain}, so DMARC rests on DKIM alone",
                        f"Take a bounce address below {discovery.organization}, or see that all mails {how}",
                    )
                )
    except NoAnswer as error:
        findings = [unanswered(error)]
    return [found("bounces", bounces, one) for one in findings]


def check_bounces(ask: Ask, domain: str) -> Finding:
    """Whether anybody takes what comes back."""
    try:
        remark = _bounces(ask, domain)
    except NoAnswer as error:
        remark = unanswered(error)
    return found("bounces", domain, remark)


def _bounces(ask: Ask, domain: str) -> Remark:
    hosts = ask.exchanges(domain)
    if not hosts:
        if ask.addresses(domain):
            return warn("no MX says who takes its mail", "Publish an MX record, although its own address counts")
        return wrong("nobody takes its mail, so no bounce arrives", "Publish an MX record for the host that does")
    if hosts == [""]:
        return wrong("its MX record says that it takes no mail", "Have it name the host that does")
    lost = [host for host in hosts if not host or not ask.addresses(host)]
    if len(lost) == len(hosts):
        return wrong(f"its MX record names {shown(hosts[0])}, which has no address", "Mend the record")
    if lost:
        return warn(f"its MX records name {listed([*map(shown, lost)])} without an address", "Mend the record")
    return fine(f"{shown(hosts[0])} takes its mail")
