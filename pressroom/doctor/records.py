"""What to publish in DNS: SPF, both DKIM keys of each pair, and DMARC, each with a line that says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

from pressroom.doctor import dkim_record, dmarc, spf
from pressroom.doctor.dns import Ask, NoAnswer
from pressroom.doctor.finding import State
from pressroom.doctor.sender import Sender
from pressroom.mailing import dkim_pair
from pressroom.mailing.dkim_pair import DnsRecord

# What the large relays ask their customers to include: by the end of MAIL_SERVER.
_INCLUDES = {
    "mailgun.org": "mailgun.org",
    "sendgrid.net": "sendgrid.net",
    "amazonaws.com": "amazonses.com",
    "postmarkapp.com": "spf.mtasv.net",
    "sparkpostmail.com": "sparkpostmail.com",
    "gmail.com": "_spf.google.com",
    "office365.com": "spf.protection.outlook.com",
}


@dataclass(frozen=True)
class Advice:
    """A TXT record; `is_there` says that DNS has it, or one in its place; None where DNS did not answer."""

    record: DnsRecord
    why: str
    is_there: bool | None


def for_domain(ask: Ask, domain: str, relay: str, addresses: Sequence[str]) -> list[Advice]:
    """SPF and DMARC of a domain."""
    policy = "what receivers do with mail that only claims to be from you; add rua=mailto:… to get their reports"
    return [
        _spf_advice(ask, domain, relay, addresses),
        Advice(
            DnsRecord(f"_dmarc.{domain}", "v=DMARC1; p=none"),
            policy,
            _is_there(lambda: dmarc.discover(domain, ask.texts).record is not None),
        ),
    ]


def _spf_advice(ask: Ask, domain: str, relay: str, addresses: Sequence[str]) -> Advice:
    record = DnsRecord(domain, f"v=spf1 {_relay_term(relay, addresses)} ~all")
    return Advice(
        record,
        "which servers may send for you; ask your relay's people what it should name, and name your other senders too",
        _is_there(lambda: len(spf.records(ask.texts(domain))) == 1),
    )


def _relay_term(relay: str, addresses: Sequence[str]) -> str:
    for end, include in _INCLUDES.items():
        if relay.lower().endswith(end):
            return f"include:{include}"
    public = [one for one in addresses if ip_address(one).is_global]
    if public:
        return " ".join(f"ip{ip_address(one).version}:{one}" for one in public)
    return "mx"


def for_keys(ask: Ask, sender: Sender) -> list[Advice]:
    """Both keys of each pair that signs or waits to."""
    return [
        Advice(
            record,
            f"the key that receivers check signatures with; {pair.selector} of “{sender.slug}” is {pair.state}",
            _is_there(partial(_is_sound, ask, record)),
        )
        for pair in sender.pairs
        for record in dkim_pair.records(pair)
    ]


def _is_sound(ask: Ask, record: DnsRecord) -> bool:
    return all(one.state is State.OK for one in dkim_record.compare(ask.texts(record.name), record.value))


def _is_there(look: Callable[[], bool]) -> bool | None:
    try:
        return look()
    except NoAnswer:
        return None
