from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressroom.doctor import spf
from pressroom.doctor.tags import Unreadable


def test_only_what_begins_as_spf_does_is_a_record() -> None:
    texts = ["v=spf1 -all", "V=SPF1", "v=spf10 -all", "google-site-verification=x", "spf2.0/pra -all"]
    assert spf.records(texts) == ["v=spf1 -all", "V=SPF1"]


def test_a_record_is_read_in_its_order() -> None:
    record = spf.read(
        "v=spf1 ip4:192.0.2.0/24 ?a:mail.example.org/28//64 include:_spf.example.net mx -all exp=why.x.org"
    )
    assert [(one.qualifier, one.name, one.target) for one in record.mechanisms] == [
        ("+", "ip4", ""), ("?", "a", "mail.example.org"), ("+", "include", "_spf.example.net"), ("+", "mx", ""),
        ("-", "all", ""),
    ]  # fmt: skip
    assert record.mechanisms[1].lengths == (28, 64) and record.rest == "-"


@pytest.mark.parametrize(
    "term",
    ["ip4:300.0.0.1", "ip4:2001:db8::1", "ip6:192.0.2.1", "include:", "al", "a/33", "all:x", "mx//129", "-", "ip4:"],
)
def test_a_term_that_receivers_cannot_read_is_named(term: str) -> None:
    with pytest.raises(Unreadable):
        spf.read(f"v=spf1 {term} -all")


def test_a_redirect_twice_is_an_error_and_unknown_modifiers_are_not() -> None:
    assert spf.read("v=spf1 mx x-note=hello -all").rest == "-"
    with pytest.raises(Unreadable, match="twice"):
        spf.read("v=spf1 redirect=a.example redirect=b.example")


@given(st.text(max_size=200))
def test_whatever_stands_there_is_read_or_refused(text: str) -> None:
    try:
        spf.read(f"v=spf1 {text}")
    except Unreadable as error:
        assert str(error).isprintable()
