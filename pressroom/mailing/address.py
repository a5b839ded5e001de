"""E-mail addresses: what is one, and the normal form by which two are the same person."""

from __future__ import annotations

import unicodedata

from pressroom.errors import Refused


def parse(text: str) -> str:
    """The address as it is written on a message: local part as given, domain in lower case. Raises Refused."""
    # Here, so that a mail worker, which parses none, does without it and its DNS library.
    from email_validator import EmailNotValidError, validate_email

    given = unicodedata.normalize("NFC", text.strip())
    try:
        return validate_email(given, check_deliverability=False, allow_smtputf8=True).normalized
    except EmailNotValidError:
        raise Refused("This is not an e-mail address; check it for a missing @ or a space.") from None


def normal(address: str) -> str:
    """For look-up only: no relay in use tells capitals apart, and people do not type them alike."""
    return unicodedata.normalize("NFKC", address).casefold()
