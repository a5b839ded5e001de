from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressroom.mailing.wire import Envelope, Outcome, Party
from pressroom.smtp.session import OpeningRefused, OutOfStep, Session, Terms

DATA = b"Subject: x\r\n\r\n.dot\r\n"
GREETING = b"220 relay.example ESMTP\r\n"


def _opened(*extensions: str, terms: Terms | None = None) -> Session:
    session = Session(terms or Terms("press.example.org"))
    session.feed(GREETING)
    assert session.take() == b"EHLO press.example.org\r\n"
    lines = ["relay.example", *extensions]
    session.feed("".join(f"250{'-' if one is not lines[-1] else ' '}{one}\r\n" for one in lines).encode())
    return session


def _envelope(recipient: str = "hawar@example.org") -> Envelope:
    return Envelope("press@example.org", recipient, DATA)


def test_with_pipelining_three_commands_leave_at_once_and_the_text_only_when_granted() -> None:
    session = _opened("PIPELINING")
    session.begin(_envelope(), "1f")
    assert session.take() == b"MAIL FROM:<press@example.org>\r\nRCPT TO:<hawar@example.org>\r\nDATA\r\n"
    session.feed(b"250 ok\r\n250 o")
    assert not session.is_granted
    session.feed(b"k\r\n354 go\r\n")
    assert session.is_granted and not session.dotted
    session.say_text()
    assert session.take() == b"Subject: x\r\n\r\n..dot\r\n.\r\n"
    session.feed(b"250 2.0.0 kept\r\n")
    assert session.answer is not None and session.answer.outcome is Outcome.SENT
    assert session.is_ready


def test_delivery_reports_are_asked_for_where_they_are_offered() -> None:
    session = _opened("PIPELINING", "DSN", "SIZE 1000000")
    session.begin(_envelope("a+b@example.org"), "1f")
    assert session.take().splitlines()[:2] == [
        b"MAIL FROM:<press@example.org> SIZE=20 RET=HDRS ENVID=1f",
        b"RCPT TO:<a+b@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a+2Bb@example.org",
    ]


def test_an_address_beyond_ascii_needs_a_server_that_says_it_can() -> None:
    session = _opened("PIPELINING")
    session.begin(_envelope("ژینا@example.org"), "1f")
    assert session.answer is not None and session.answer.outcome is Outcome.FAILED
    assert session.is_ready and session.take() == b""
    session = _opened("SMTPUTF8")
    session.begin(_envelope("ژینا@example.org"), "1f")
    assert session.take() == b"MAIL FROM:<press@example.org> SMTPUTF8\r\n"


@pytest.mark.parametrize(
    ("offered", "said"),
    [
        ("AUTH PLAIN LOGIN", b"AUTH PLAIN " + base64.b64encode(b"\0press\0secret") + b"\r\n"),
        ("AUTH LOGIN", b"AUTH LOGIN\r\n"),
    ],
)
def test_we_log_in_as_the_server_likes(offered: str, said: bytes) -> None:
    session = _opened(offered, terms=Terms("press.example.org", username="press", password="secret"))
    assert session.take() == said
    if said == b"AUTH LOGIN\r\n":
        for answer in (b"press", b"secret"):
            session.feed(b"334 more\r\n")
            assert session.take() == base64.b64encode(answer) + b"\r\n"
    session.feed(b"235 welcome\r\n")
    assert session.is_ready


def test_a_wrong_login_is_a_matter_for_a_person() -> None:
    session = _opened("AUTH PLAIN", terms=Terms("press.example.org", username="press", password="wrong"))
    with pytest.raises(OpeningRefused) as refused:
        session.feed(b"535 5.7.8 no\r\n")
    assert (refused.value.answer.outcome, refused.value.answer.party) == (Outcome.POLICY, Party.RELAY)


def test_a_server_that_hides_starttls_gets_nothing() -> None:
    with pytest.raises(OpeningRefused):
        _opened("PIPELINING", terms=Terms("press.example.org", starttls=True))


def test_what_was_said_before_tls_counts_for_nothing_after_it() -> None:
    session = _opened("STARTTLS", "PIPELINING", terms=Terms("press.example.org", starttls=True))
    assert session.take() == b"STARTTLS\r\n"
    session.feed(b"220 go\r\n250 injected before TLS\r\n"[:8])
    assert session.wants_tls
    session.secured()
    assert session.take() == b"EHLO press.example.org\r\n"
    session.feed(b"250 relay.example\r\n")
    session.begin(_envelope(), "1f")
    assert session.take() == b"MAIL FROM:<press@example.org>\r\n", "no pipelining was offered inside TLS"


def test_a_reply_smuggled_in_before_tls_ends_the_conversation() -> None:
    session = _opened("STARTTLS", terms=Terms("press.example.org", starttls=True))
    with pytest.raises(OutOfStep):
        session.feed(b"220 go\r\n250 injected\r\n")


@pytest.mark.parametrize(
    ("stage", "party"), [(b"451 4.7.1 slow\r\n", Party.RELAY), (b"250 ok\r\n451 4.7.1 slow\r\n", Party.RECIPIENT)]
)
def test_whom_a_refusal_is_about_depends_on_what_was_asked(stage: bytes, party: Party) -> None:
    session = _opened()
    session.begin(_envelope(), "1f")
    for line in stage.splitlines(keepends=True):
        session.feed(line)
    assert session.answer is not None
    assert (session.answer.outcome, session.answer.party) == (Outcome.BUSY, party)


@given(
    st.lists(
        st.one_of(st.binary(max_size=40), st.sampled_from([b"250 ok\r\n", b"354 go\r\n", b"421 bye\r\n", b"550-x\r\n"]))
    )
)
def test_no_bytes_of_a_server_make_a_message_count_as_sent_before_its_final_dot(replies: list[bytes]) -> None:
    session = _opened("PIPELINING")
    session.begin(_envelope(), "1f")
    with contextlib.suppress(OutOfStep):
        for one in replies:
            session.feed(one)
            assert session.answer is None or session.answer.outcome is not Outcome.SENT
