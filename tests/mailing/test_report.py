from __future__ import annotations

import email

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pressroom.mailing import relay_events, verdict
from pressroom.mailing import report as reports
from pressroom.mailing.arrival import Form
from pressroom.mailing.verdict import Verdict
from tests.mailing.bounce_shapes import SHAPES, Sent, dsn, group, letter


def test_the_corpus_is_large_and_knows_every_verdict_a_message_can_have() -> None:
    assert len(SHAPES) >= 40
    by_other_means = {Verdict.BUSY, Verdict.LEAVING}
    assert {verdict for _, verdict in SHAPES.values()} == set(Verdict) - by_other_means


@pytest.mark.parametrize("name", [name for name, one in SHAPES.items() if one[1] is not Verdict.ELSEWHERE])
def test_a_shape_is_read_as_what_it_is(name: str) -> None:
    make, expected = SHAPES[name]
    found = {one.verdict for one in reports.of_message(make(Sent())).findings}
    assert expected in found
    assert len(found) == 1 or name.startswith("several recipients")


def test_a_report_gives_all_that_proves_whose_message_it_was() -> None:
    sent = Sent()
    found = reports.of_message(dsn(sent, group()))
    assert sent.path in found.addressed and sent.path in found.returned
    assert found.message_ids == (sent.message_id[1:33],) and found.tokens == (sent.link.rpartition("/")[2],)


def test_what_a_person_quotes_proves_nothing() -> None:
    sent = Sent()
    found = reports.of_message(letter(sent, "Fwd: New bridge opens", f"Look at this!\n\n{sent.returned}"))
    assert (found.returned, found.message_ids, found.tokens) == ("", (), ())


def test_a_mail_of_ten_thousand_layers_is_unclear() -> None:
    layers = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(10_000))
    assert {one.verdict for one in reports.of_message(layers).findings} <= {Verdict.UNCLEAR}


@pytest.mark.parametrize(
    ("code", "said"),
    [("5.1.1", Verdict.GONE), ("5.1.10", Verdict.GONE), ("5.1.11", Verdict.FAILED), ("5.7.515", Verdict.REFUSED),
     ("5.4.1", Verdict.FAILED), ("4.7.0", Verdict.BUSY), ("4.2.2", Verdict.DELAYED), ("2.0.0", Verdict.DELIVERED),
     ("", None)],
)  # fmt: skip
def test_a_code_has_one_meaning_for_replies_and_bounces(code: str, said: Verdict | None) -> None:
    assert verdict.of_code(code) is said


def test_the_name_of_a_host_says_nothing() -> None:
    assert verdict.of_failure("5.1.1", "spam.blocked.example.org said: user unknown") is Verdict.GONE


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=4000))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    reports.of_message(raw)
    for form in set(Form) - {Form.MESSAGE}:
        relay_events.read(form, raw)


PIECES = [
    b"Content-Type: multipart/report; boundary=b\n", b"\n\n", b"--b\n", b"--b--\n", b"Action: failed\n",
    b"Content-Type: message/delivery-status\n", b"Content-Transfer-Encoding: base64\n", b"Status: 5.1.1\n",
    b"Final-Recipient: utf-8; \\x{d800}@x\n", b"Subject: =?utf-8?b?////?=\n", b"From: mailer-daemon@x\n",
    b"Content-Type: message/rfc822\n", b'Content-Type: text/plain; charset*=utf-16\'\'"\n',
    b"\xff\x00:\n", b" folded\n",
    b"Content-Type: message/feedback-report\n", b"Feedback-Type: abuse\n", b"X-Failed-Recipients: ,<>@,\n",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_no_mixture_of_what_reports_are_made_of_breaks_the_reader(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    assert reports.of_message(raw).findings
    email.message_from_bytes(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                "event type event-data Message msys message_event headers bounce mail email severity".split()
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_no_event_of_a_relay_breaks_the_reader(event: object) -> None:
    import json

    for form in set(Form) - {Form.MESSAGE}:
        relay_events.read(form, json.dumps(event).encode())
