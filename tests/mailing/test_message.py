from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressroom.mailing import header
from pressroom.mailing.message import UNSUBSCRIBE, Letter, letter, message_id
from pressroom.signing import Signer

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ADDRESS = "https://press.example.org/unsubscribe/" + "Ab-_9abc" * 4


def _letter(text: str, html: str = "<p>x</p>") -> Letter:
    return letter(
        sender_name="یەکێتی",
        sender="press@example.org",
        reply_to=None,
        subject="ئاو",
        language="ckb",
        text=text,
        html=html,
        headers={"List-Id": "<river.example.org>"},
    )


def _fill(made: Letter, recipient: str = "hawar@example.org", address: str = ADDRESS) -> bytes:
    return made.fill(recipient=recipient, name="", message_id="<a@example.org>", unsubscribe=address, now=NOW)


def _part(data: bytes, kind: str) -> str:
    part = email.message_from_bytes(data, policy=email.policy.default).get_body((kind,))
    assert part is not None
    return str(part.get_content())


@given(
    st.lists(
        st.one_of(
            st.just(UNSUBSCRIBE),
            st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\x85\u2028\u2029")),
            st.just("\n"),
            st.just("پاراگرافێکی درێژ " * 30),
        ),
        max_size=12,
    )
)
def test_a_spliced_message_says_what_a_whole_one_would(pieces: list[str]) -> None:
    text = "".join(pieces) + "\n"
    assert text.replace(UNSUBSCRIBE, ADDRESS) == _part(_fill(_letter(text)), "plain").replace("\r\n", "\n")


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",), blacklist_characters="\r"), max_size=3000))
def test_every_line_is_ascii_and_short(text: str) -> None:
    data = _fill(_letter(text + UNSUBSCRIBE + text, f"<p>{UNSUBSCRIBE}</p>"))
    assert data.isascii()
    assert max(len(line) for line in data.split(b"\r\n")) <= 78
    assert b"\n" not in data.replace(b"\r\n", b"") and b"\r" not in data.replace(b"\r\n", b"")


def test_two_messages_differ_only_in_what_is_the_persons_own() -> None:
    made = _letter(f"A\n{UNSUBSCRIBE}\n")
    one = _fill(made, "a@example.org", ADDRESS).split(b"\r\n")
    other = _fill(made, "b@example.org", ADDRESS[:-1] + "X").split(b"\r\n")
    changed = {first for first, second in zip(one, other, strict=True) if first != second}
    assert all(line.startswith(b"To: ") or b"unsubscribe" in line or b"Ab-_9" in line for line in changed), changed


def test_one_click_headers_are_there_for_a_person_and_absent_without_an_address_to_leave() -> None:
    made = _letter("A\n")
    with_address = made.fill(recipient="a@example.org", name="", message_id="<a@b>", unsubscribe=ADDRESS, now=NOW)
    parsed = email.message_from_bytes(with_address)
    assert f"<{ADDRESS}>" == str(parsed["List-Unsubscribe"]).strip()
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    without = made.fill(recipient="a@example.org", name="", message_id="<a@b>", unsubscribe=None, now=NOW)
    assert b"List-Unsubscribe" not in without


def test_the_top_level_is_multipart_alternative_with_text_before_html() -> None:
    parsed = email.message_from_bytes(_fill(_letter("A\n")))
    assert parsed.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parsed.get_payload()] == ["text/plain", "text/html"]


def test_a_message_id_is_the_same_at_each_attempt_and_differs_between_deliveries() -> None:
    signer = Signer("s" * 40)
    assert message_id(signer, 7, "p@example.org") == message_id(signer, 7, "p@example.org")
    assert message_id(signer, 7, "p@example.org") != message_id(signer, 8, "p@example.org")
    assert message_id(signer, 7, "p@example.org") != message_id(Signer("t" * 40), 7, "p@example.org")


def test_a_forged_recipient_cannot_add_headers() -> None:
    with pytest.raises(header.UnsafeHeader):
        _fill(_letter("A\n"), "a@example.org>\r\nBcc: <b@example.org")
