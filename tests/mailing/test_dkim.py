"""Signatures, as three verifiers that are not ours see them."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import smtplib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import format_datetime
from pathlib import Path

import dkim
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from pressroom.db import Database
from pressroom.mailing import dkim_pair, message
from pressroom.mailing.announcement import announce
from pressroom.mailing.dkim import SigningKey
from pressroom.mailing.dkim_pair import DkimPair, DnsRecord, records
from pressroom.mailing.message import UNSUBSCRIBE, Letter, letter
from pressroom.seal import Keyring, create_keyring
from pressroom.supervising.ports import free_port
from tests.makers import LANGUAGES, make_newsroom, make_release
from tests.name_server import NameServer
from tests.sink import Sink

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
LEAVE = "https://press.example.org/unsubscribe/AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    path = tmp_path_factory.mktemp("keys") / "keyring.json"
    create_keyring(path)
    return Keyring.load(path)


@pytest.fixture(scope="module")
def pair(keyring: Keyring) -> DkimPair:
    return dkim_pair.made(keyring, 1, "example.org", "p20261122-ab12", now=NOW)


@pytest.fixture(scope="module")
def keys(keyring: Keyring, pair: DkimPair) -> tuple[SigningKey, ...]:
    return dkim_pair.keys(keyring, pair)


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory, keys: Sequence[SigningKey]) -> dict[str, Letter]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('letters') / 'pressroom.db'}")
    database.migrate()
    newsroom = make_newsroom(database, "river", reply_to="newsdesk@example.org", at=NOW)
    made = make_release(database, newsroom, public_from=NOW, release_id="4k2m9q4x1abc", pictures=1)
    base = "https://press.example.org"
    with database.reading() as tx:
        return {
            tag: announce(tx, base, made.release, made.translations[tag], revision, now=NOW).signed_by(keys)
            for tag, revision in made.revisions.items()
        }


@pytest.fixture(params=LANGUAGES)
def announcement(request: pytest.FixtureRequest, letters: dict[str, Letter]) -> Letter:
    return letters[request.param]


def _mail(made: Letter, recipient: str = "hawar@example.net", leave: str | None = LEAVE) -> bytes:
    return made.fill(recipient=recipient, name="هاوار", message_id="<1@example.org>", unsubscribe=leave, now=NOW)


def _plain(keys: Sequence[SigningKey], text: str = "A  b \t c \n\nD\n", sender: str = "press@example.org") -> Letter:
    made = letter(
        sender_name="دۆڵی ڕووبار", sender=sender, reply_to=None, subject="ئاوی ڕووبار  پیس بووە", language="ckb",
        text=f"{text}{UNSUBSCRIBE}\n", html=f"<p>{text}</p>{UNSUBSCRIBE}", headers={"List-Id": "<river.example.org>"},
    )  # fmt: skip
    return made.signed_by(keys)


def _verified(mail: bytes, published: Sequence[DnsRecord]) -> list[bool]:
    """What dkimpy says of each signature."""
    zone = {f"{one.name}.".encode(): one.value.encode() for one in published}

    def look(name: bytes | str, timeout: int = 5) -> bytes | None:
        return zone.get(name if isinstance(name, bytes) else name.encode())

    count = mail.count(b"DKIM-Signature: ")
    return [dkim.DKIM(mail).verify(idx=number, dnsfunc=look) for number in range(count)]


def test_both_signatures_of_every_language_verify(announcement: Letter, pair: DkimPair) -> None:
    assert _verified(_mail(announcement), records(pair)) == [True, True]


def test_a_letter_without_a_link_to_leave_verifies(keys: Sequence[SigningKey], pair: DkimPair) -> None:
    assert _verified(_mail(_plain(keys), leave=None), records(pair)) == [True, True]


def test_white_space_at_line_ends_and_between_words_is_hashed_as_receivers_hash_it(
    keys: Sequence[SigningKey], pair: DkimPair
) -> None:
    for text in ("a  \n b\t\n", "   \n\n\n", "\n", "x" * 75 + " " * 9 + "y\n", "ئاو  و   نان \n" * 40):
        assert _verified(_mail(_plain(keys, text)), records(pair)) == [True, True], repr(text)


def test_lines_that_end_in_white_space_are_hashed_as_receivers_hash_them(
    keys: Sequence[SigningKey], pair: DkimPair
) -> None:
    made = Letter(
        _plain(keys).headers, (b"a  b \t\r\n \r\n", b" c\t\r\n--x-- \r\n\r\n"), "press@example.org", keys=keys
    )
    assert _verified(_mail(made), records(pair)) == [True, True]


def test_one_changed_byte_of_the_body_breaks_both_signatures(announcement: Letter, pair: DkimPair) -> None:
    mail = _mail(announcement)
    start = mail.index(b"\r\n\r\n") + 4
    for place in (start + 5, (start + len(mail)) // 2, len(mail) - 4):
        changed = mail[:place] + bytes([mail[place] ^ 1]) + mail[place + 1 :]
        assert not any(_outcomes(changed, pair)), mail[place : place + 20]


def _outcomes(mail: bytes, pair: DkimPair) -> list[bool]:
    try:
        return _verified(mail, records(pair))
    except dkim.DKIMException:
        return [False, False]


@pytest.mark.parametrize(
    "name",
    "From To Subject Date Message-ID Reply-To List-Unsubscribe List-Unsubscribe-Post List-Id Feedback-ID".split(),
)
def test_a_changed_or_added_header_that_is_signed_breaks_both_signatures(
    keys: Sequence[SigningKey], pair: DkimPair, name: str
) -> None:
    signed = _mail(_plain(keys))
    forged = f"{name}: forged@example.com\r\n".encode() + signed
    found = re.search(rf"^{name}:\s*(\S)".encode(), signed, re.MULTILINE)
    if found is None or name == "From":
        assert not any(_outcomes(forged, pair))
    if found is not None:
        at = found.start(1)
        assert not any(_outcomes(signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :], pair))


def test_both_signatures_cover_what_must_not_change_and_say_no_length(announcement: Letter) -> None:
    mail = _mail(announcement)
    for found in re.findall(rb"DKIM-Signature: (.*?)\r\n(?![ ])", mail, re.DOTALL):
        tags = dict(part.strip().split("=", 1) for part in re.sub(r"\s", "", found.decode()).split(";") if part)
        signed = tags["h"].lower().split(":")
        assert signed.count("from") == 2
        assert {
            "to", "subject", "date", "message-id", "reply-to", "list-id", "list-unsubscribe", "list-unsubscribe-post",
            "content-type", "mime-version", "content-language", "feedback-id",
        } <= set(signed)  # fmt: skip
        assert tags["c"] == "relaxed/relaxed" and "l" not in tags
    assert re.findall(rb" a=([\w-]+);", mail) == [b"rsa-sha256", b"ed25519-sha256"]


def test_lines_stay_short_and_ascii(announcement: Letter) -> None:
    mail = _mail(announcement)
    assert mail.isascii() and max(len(line) for line in mail.split(b"\r\n")) <= 78


def test_two_messages_differ_in_recipient_link_and_signature_only(announcement: Letter) -> None:
    one, other = _mail(announcement), _mail(announcement, "xalid@example.net", LEAVE[:-1] + "Z")
    fields = [dict(_fields(mail)) for mail in (one, other)]
    differing = {name for name in fields[0] if fields[0][name] != fields[1][name]}
    assert differing == {b"DKIM-Signature", b"To", b"List-Unsubscribe"}
    said = [_parts(one, LEAVE), _parts(other, LEAVE[:-1] + "Z")]
    assert said[0] == said[1] and all("…" in text for text in said[0])


def _parts(mail: bytes, link: str) -> list[str]:
    """What each part says, without the person's own link."""
    parts = message_from_bytes(mail).get_payload()
    assert isinstance(parts, list)
    return [part.get_payload(decode=True).decode().replace(link, "…") for part in parts]


def _fields(mail: bytes) -> Iterator[tuple[bytes, bytes]]:
    for field in re.split(rb"\r\n(?! )", mail.partition(b"\r\n\r\n")[0]):
        name, _, value = field.partition(b":")
        yield name, value


def test_a_key_for_another_domain_signs_nothing(keys: Sequence[SigningKey]) -> None:
    assert b"DKIM-Signature" not in _mail(_plain(keys, sender="press@example.com"))


def test_an_account_letter_is_signed_too(keys: Sequence[SigningKey], pair: DkimPair) -> None:
    mail = message.simple(
        sender='"دۆڵی ڕووبار" <press@example.org>', recipient="hawar@example.net", subject="پشتڕاست بکەرەوە",
        text="ئا\n", html="<p>ئا</p>", keys=keys,
        headers={"Message-ID": "<2@example.org>", "Date": format_datetime(NOW)},
    )  # fmt: skip
    assert _verified(mail, records(pair)) == [True, True]


def test_a_record_in_a_zone_file_stays_within_255_octets_a_string(pair: DkimPair) -> None:
    for one in records(pair):
        strings = re.findall(r'"([^"]*)"', one.zone_line)
        assert "".join(strings) == one.value and max(map(len, strings)) <= 255


def test_private_keys_are_sealed_for_their_row_and_kind(keyring: Keyring, pair: DkimPair) -> None:
    assert b"BEGIN" not in pair.rsa_sealed and pair.rsa_sealed != pair.ed25519_sealed
    with pytest.raises(Exception, match="does not open"):
        keyring.open(pair.rsa_sealed, "dkim_pair", "ed25519", pair.id)


def test_signatures_hold_behind_a_relay_without_8bitmime(announcement: Letter, pair: DkimPair, smtp_sink: Sink) -> None:
    relay = Controller(
        _Relay(smtp_sink), hostname="127.0.0.1", port=free_port(), decode_data=True, enable_SMTPUTF8=False
    )
    relay.start()
    try:
        with smtplib.SMTP("127.0.0.1", relay.port) as smtp:
            smtp.sendmail("press@example.org", ["hawar@example.net"], _mail(announcement))
            assert not smtp.has_extn("8bitmime")
    finally:
        relay.stop()
    (received,) = smtp_sink.received
    assert received.data.startswith(b"Received: ")
    assert _verified(received.data, records(pair)) == [True, True]


class _Relay:
    """Passes on what it was given as text, with a trace field on top, as relays do."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        traced = f"Received: from there by here;\r\n {format_datetime(NOW)}\r\n{envelope.content}"
        await asyncio.to_thread(self._pass_on, envelope.mail_from, envelope.rcpt_tos, traced.encode("ascii"))
        return "250 OK"

    def _pass_on(self, sender: str, recipients: list[str], mail: bytes) -> None:
        with smtplib.SMTP(self._sink.host, self._sink.port) as smtp:
            smtp.sendmail(sender, recipients, mail)


_MAIL_DKIM = """
use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS::Resolver;
Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(nameservers => ['127.0.0.1'], port => $ARGV[0], recurse => 1));
my $v = Mail::DKIM::Verifier->new(); binmode STDIN;
while (<STDIN>) { $v->PRINT($_) } $v->CLOSE;
print join("\\n", map { $_->algorithm . " " . $_->result } $v->signatures), "\\n";
"""


def _zone(pair: DkimPair) -> dict[str, str]:
    return {one.name: one.value for one in records(pair)}


def _needs_mail_dkim() -> None:
    if (
        not shutil.which("perl")
        or subprocess.run(["perl", "-MMail::DKIM::Verifier", "-e", "1"], capture_output=True).returncode
    ):
        pytest.skip("Mail::DKIM is not installed (Debian: libmail-dkim-perl)")


def test_mail_dkim_accepts_it(announcement: Letter, pair: DkimPair) -> None:
    _needs_mail_dkim()
    mail = _mail(announcement)
    with NameServer() as dns:
        for name, value in _zone(pair).items():
            dns.text(name, value)
        assert "rsa-sha256 pass" in _by_mail_dkim(mail, dns)
        changed = mail.replace(b"charset=3Dutf-8", b"charset=3Dutf-9").replace(b"<html", b"<htmk")
        assert changed != mail and "rsa-sha256 fail" in _by_mail_dkim(changed, dns)


def _by_mail_dkim(mail: bytes, dns: NameServer) -> list[str]:
    done = subprocess.run(["perl", "-e", _MAIL_DKIM, str(dns.port)], input=mail, capture_output=True, check=True)
    return done.stdout.decode().splitlines()


# opendkim-testmsg asks the system's resolver: it gets a network and a resolv.conf of its own.
_OPENDKIM = """
ip link set lo up && mount --bind {folder}/resolv.conf /etc/resolv.conf || exit 99
{python} -m tests.name_server {folder}/zone.json 53 > {folder}/ready & server=$!
for i in $(seq 100); do grep -q ready {folder}/ready && break; sleep 0.1; done
opendkim-testmsg -t {folder} < {folder}/mail 2>&1; code=$?
kill $server; exit $code
"""


def test_opendkim_accepts_it(announcement: Letter, pair: DkimPair, tmp_path: Path) -> None:
    if not shutil.which("opendkim-testmsg"):
        pytest.skip("opendkim-testmsg is not installed (Debian: opendkim-tools)")
    mail = _mail(announcement)
    assert _by_opendkim(mail, pair, tmp_path) == (0, "")
    code, says = _by_opendkim(mail.replace(b"<html", b"<htmk"), pair, tmp_path)
    assert code != 0 and says


def _by_opendkim(mail: bytes, pair: DkimPair, folder: Path) -> tuple[int, str]:
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (folder / "zone.json").write_text(json.dumps(_zone(pair)))
    (folder / "mail").write_bytes(mail)
    script = _OPENDKIM.format(folder=folder, python=sys.executable)
    done = subprocess.run(["unshare", "-rmn", "sh", "-c", script], capture_output=True, text=True)
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("this machine gives no network of its own to a test")
    return done.returncode, done.stdout
