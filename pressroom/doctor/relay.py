"""Looks at the relay: the name of its address, TLS, what it offers, and the log-in. No message is sent."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address

from pressroom.doctor.dns import Ask, NoAnswer
from pressroom.doctor.domains import unanswered
from pressroom.doctor.finding import Finding, Remark, fine, found, listed, warn, wrong
from pressroom.doctor.tags import shown
from pressroom.smtp.look import Look, look
from pressroom.smtp.relay import Relay
from pressroom.smtp.session import OpeningRefused, OutOfStep

_SECONDS = 15.0
_SOON = timedelta(days=14)
_WANTED = {
    "PIPELINING": "mails take more time",
    "DSN": "bounces are told in less detail",
    "SMTPUTF8": "addresses with letters beyond ASCII cannot be written to",
    "SIZE": "a mail that is too large is refused late",
}

# By the codes of OpenSSL's X509_V_ERR_….
_CERTIFICATES = {
    9: "Have it mended, and look at this machine's clock",
    10: "Have it renewed, and look at this machine's clock",
    62: "Set MAIL_SERVER to a name that stands in it",
    64: "Set MAIL_SERVER to a name that stands in it",
}


def check_relay(relay: Relay, *, is_here: bool, now: datetime) -> list[Finding]:
    """`is_here` says that it runs on this machine."""
    where = f"{relay.host}:{relay.port}"
    silent = replace(relay, terms=replace(relay.terms, username=None))
    seen = _look(silent)
    if isinstance(seen, Remark):
        return [found("relay", where, seen)]
    return [
        found("TLS", where, _tls(seen, is_here=is_here, now=now)),
        found("relay", where, _offers(seen)),
        found("log-in", where, _log_in(relay, seen, is_here=is_here)),
    ]


def _look(relay: Relay) -> Look | Remark:
    try:
        return look(relay, _SECONDS)
    except ssl.SSLCertVerificationError as error:
        return wrong(
            f"its certificate is not accepted ({shown(error.verify_message)}), so no mail leaves",
            _CERTIFICATES.get(error.verify_code, "Name its authority's file with SSL_CERT_FILE, or have it mended"),
        )
    except ssl.SSLError as error:
        return wrong(
            f"it and we agree on no TLS ({shown(error.reason or 'no reason given')})",
            "It must offer TLS 1.2 or newer; MAIL_USE_SSL is for TLS from the first byte, MAIL_USE_TLS for STARTTLS",
        )
    except OpeningRefused as error:
        answer = error.answer
        return wrong(
            f"it takes no mail from us ({shown(answer.short if answer.code else answer.text)})",
            "Check MAIL_SERVER, MAIL_PORT and MAIL_USE_TLS, and ask its people",
        )
    except OutOfStep:
        return wrong("what it says is not SMTP", "Check MAIL_SERVER, MAIL_PORT, MAIL_USE_TLS and MAIL_USE_SSL")
    except (OSError, UnicodeError) as error:
        return wrong(f"it cannot be reached ({_reason(error)})", "Check MAIL_SERVER, MAIL_PORT and the firewall")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return shown(getattr(error, "strerror", None) or type(error).__name__)


def _tls(seen: Look, *, is_here: bool, now: datetime) -> Remark:
    if seen.tls is None:
        if is_here:
            return fine("not used, which is right on this machine")
        offer = "MAIL_USE_TLS=1, for it offers STARTTLS" if "STARTTLS" in seen.extensions else "MAIL_USE_TLS=1"
        return warn("mail goes to it unencrypted (PRESSROOM_SMTP_INSECURE)", f"Set {offer}")
    until = seen.certified_until
    if until is None:
        return fine(f"{seen.tls}, with a certificate that is trusted")
    left = f"{until:%Y-%m-%d}, {(until - now).days} days from now"
    if until - now < _SOON:
        return warn(f"its certificate ends on {left}", "Have it renewed: afterwards no mail leaves")
    return fine(f"{seen.tls}, with a certificate that is trusted until {left}")


def _offers(seen: Look) -> Remark:
    there = [name for name in _WANTED if name in seen.extensions]
    missing = {name: why for name, why in _WANTED.items() if name not in seen.extensions}
    if not missing:
        return fine(f"it offers {listed(there)}")
    return warn(
        f"it does not offer {listed([*missing])}: {'; '.join(missing.values())}",
        "Nothing is lost by it; ask its people whether they can offer it",
    )


def _log_in(relay: Relay, seen: Look, *, is_here: bool) -> Remark:
    if not relay.terms.username:
        if "AUTH" in seen.extensions and not is_here:
            return warn("it offers one and none is set", "Set MAIL_USERNAME and MAIL_PASSWORD, if it wants them")
        return fine("none is set (MAIL_USERNAME)")
    refused = _look(relay)
    if isinstance(refused, Remark):
        return wrong(f"it fails: {refused.says}", "Check MAIL_USERNAME and MAIL_PASSWORD")
    if seen.tls is None and not is_here:
        return warn("it works, but the password goes there unencrypted", "Set MAIL_USE_TLS=1")
    return fine("it works")


def check_names(ask: Ask, relay: str, addresses: Sequence[str], *, is_here: bool) -> list[Finding]:
    """Whether addresses that mail leaves from have a name that leads back (PTR): many receivers want it."""
    public = [one for one in addresses if ip_address(one).is_global]
    whose = "this machine" if is_here else relay
    if not public:
        unknown = warn(
            f"the address that {whose} sends from cannot be seen from here",
            "See that its public address has a name that leads back to it",
        )
        return [found("PTR", "", unknown)]
    return [found("PTR", one, _name_of(ask, one, is_here=is_here)) for one in public]


def _name_of(ask: Ask, address: str, *, is_here: bool) -> Remark:
    try:
        names = ask.pointers(address)
        back = [name for name in names if address in ask.addresses(name)]
    except NoAnswer as error:
        return unanswered(error)
    if back:
        return fine(f"it is {shown(back[0])}, which leads back to it")
    what = f"its name {shown(names[0])} does not lead back to it" if names else "it has no name"
    if is_here:
        return wrong(what, "Ask whoever gave you the address for a PTR record, and publish the same name's address")
    return warn(what, "That is the relay's business: ask its people, unless it sends from other addresses")
