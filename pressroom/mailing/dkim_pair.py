"""A DKIM pair: a newsroom's RSA and Ed25519 keys, sealed, and what DNS has to say of them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from pressroom.db import Base, Id, new_id
from pressroom.mailing.dkim import SigningKey
from pressroom.seal import Keyring

_RSA, _ED25519 = "rsa", "ed25519"
# A string in a TXT record holds no more (RFC 1035 §3.3).
_TXT_STRING = 255


class DkimPair(Base):
    """Two keys, because some receivers know only RSA. `domain` is the sender's when the pair was made.

    A newsroom has at most one pair that signs, and at most one that waits to. With neither `signing_since` nor
    `retired_at` it waits; one that was retired can be gone back to, until the next is made.
    """

    __tablename__ = "dkim_pair"
    __table_args__ = (UniqueConstraint("domain", "selector"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True, default=new_id)
    newsroom_id: Mapped[int] = mapped_column(ForeignKey("newsroom.id"), index=True)
    domain: Mapped[str]
    selector: Mapped[str]
    rsa_sealed: Mapped[bytes]
    rsa_public: Mapped[str]
    ed25519_sealed: Mapped[bytes]
    ed25519_public: Mapped[str]
    made_at: Mapped[datetime]
    signing_since: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]

    @property
    def signs(self) -> bool:
        return self.signing_since is not None and self.retired_at is None

    @property
    def waits(self) -> bool:
        return self.signing_since is None and self.retired_at is None

    @property
    def state(self) -> str:
        return "signing" if self.signs else "waiting" if self.waits else "retired"


@dataclass(frozen=True)
class DnsRecord:
    """One TXT record to publish."""

    name: str
    value: str

    @property
    def zone_line(self) -> str:
        """As a zone file has it: a long value in several strings, which resolvers join."""
        starts = range(0, len(self.value), _TXT_STRING)
        strings = " ".join(f'"{self.value[start : start + _TXT_STRING]}"' for start in starts)
        return f"{self.name}. IN TXT ({strings})"


def records(pair: DkimPair) -> list[DnsRecord]:
    published = ((_RSA, pair.rsa_public), (_ED25519, pair.ed25519_public))
    return [
        DnsRecord(f"{_selector(pair, kind)}._domainkey.{pair.domain}", f"v=DKIM1; k={kind}; p={key}")
        for kind, key in published
    ]


def _selector(pair: DkimPair, kind: str) -> str:
    return f"{pair.selector}-{kind}"


def made(keyring: Keyring, newsroom_id: int, domain: str, selector: str, *, now: datetime) -> DkimPair:
    """A new pair, which waits."""
    pair_id = new_id()
    first = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    second = ed25519.Ed25519PrivateKey.generate()
    info = first.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    raw = second.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sealed(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, kind: str) -> bytes:
        der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return keyring.seal(base64.b64encode(der).decode(), "dkim_pair", kind, pair_id)

    return DkimPair(
        id=pair_id,
        newsroom_id=newsroom_id,
        domain=domain,
        selector=selector,
        rsa_sealed=sealed(first, _RSA),
        rsa_public=base64.b64encode(info).decode(),
        ed25519_sealed=sealed(second, _ED25519),
        ed25519_public=base64.b64encode(raw).decode(),
        made_at=now,
    )


def of_newsroom(tx: Session, newsroom_id: int) -> list[DkimPair]:
    """The oldest first."""
    return list(tx.scalars(select(DkimPair).where(DkimPair.newsroom_id == newsroom_id).order_by(DkimPair.id)))


def signing(tx: Session, newsroom_id: int) -> DkimPair | None:
    return next((pair for pair in of_newsroom(tx, newsroom_id) if pair.signs), None)


def keys(keyring: Keyring, pair: DkimPair | None) -> tuple[SigningKey, ...]:
    """Opened, to sign with; none without a pair. RSA comes first. Raises SealBroken."""
    if pair is None:
        return ()
    return (
        SigningKey("rsa-sha256", pair.domain, _selector(pair, _RSA), _rsa_signer(_opened(keyring, pair, _RSA))),
        SigningKey(
            "ed25519-sha256", pair.domain, _selector(pair, _ED25519), _ed25519_signer(_opened(keyring, pair, _ED25519))
        ),
    )


def _opened(keyring: Keyring, pair: DkimPair, kind: str) -> object:
    sealed = pair.rsa_sealed if kind == _RSA else pair.ed25519_sealed
    der = base64.b64decode(keyring.open(sealed, "dkim_pair", kind, pair.id))
    # It was made here and has not changed since, or it would not have opened.
    return load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)


def _rsa_signer(key: object) -> Callable[[bytes], bytes]:
    assert isinstance(key, rsa.RSAPrivateKey)
    return partial(_signed_by_rsa, key, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))


def _signed_by_rsa(
    key: rsa.RSAPrivateKey, scheme: padding.PKCS1v15, prehashed: utils.Prehashed, digest: bytes
) -> bytes:
    return key.sign(digest, scheme, prehashed)


def _ed25519_signer(key: object) -> Callable[[bytes], bytes]:
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    return key.sign
