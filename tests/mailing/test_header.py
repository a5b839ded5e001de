from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressroom.mailing import header

_ENCODED = re.compile(r"=\?utf-8\?b\?([A-Za-z0-9+/=]*)\?=")

TEXTS = st.one_of(
    st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=200),
    st.lists(
        st.sampled_from(["ئاوی ڕووبار", "کرێکاران", "Av û ked", "المياه", "water", "11/14", "=?x?=", "می‌خواهم", "🙂"]),
        min_size=1,
        max_size=30,
    ).map(" ".join),
)


def _decode(field: bytes) -> str:
    """RFC 2047 by hand: white space between encoded words vanishes, every other fold becomes one space."""
    value = field.decode("ascii").removesuffix("\r\n").partition(": ")[2]
    unfolded = value.replace("\r\n ", " ")
    if not _ENCODED.search(unfolded):
        return unfolded
    joined = re.sub(r"\?=\s+=\?", "?==?", unfolded)
    return _ENCODED.sub(lambda match: base64.b64decode(match[1]).decode("utf-8"), joined)


@given(TEXTS)
def test_a_subject_decodes_to_what_was_written(text: str) -> None:
    field = header.unstructured("Subject", text)
    assert text == _decode(field)


@given(TEXTS)
def test_every_header_line_is_ascii_and_at_most_78_long(text: str) -> None:
    lines = header.unstructured("Subject", text).split(b"\r\n")
    assert all(line.isascii() and len(line) <= 78 for line in lines)
    assert lines[-1] == b""
    assert all(line.startswith(b" ") for line in lines[1:-1])


@given(TEXTS)
def test_a_display_name_decodes_to_what_was_written(text: str) -> None:
    value = header.mailbox("From", text, "press@example.org").decode("ascii")
    name = value.removeprefix("From: ").rpartition("<")[0].replace("\r\n ", " ").rstrip()
    if name.startswith('"'):
        assert text == re.sub(r"\\(.)", r"\1", name[1:-1])
    elif "=?utf-8?" in name:
        assert text == _decode(f"X: {name}".encode())
    else:
        assert text.strip() == name


@pytest.mark.parametrize("value", ["a\r\nBcc: x@example.org", "a\nb", "a\rb", "a\0b"])
def test_a_line_end_or_nul_is_refused_in_any_field(value: str) -> None:
    for build in (header.unstructured, header.structured):
        with pytest.raises(header.UnsafeHeader):
            build("Subject", value)
    with pytest.raises(header.UnsafeHeader):
        header.mailbox("To", value, "a@example.org")
    with pytest.raises(header.UnsafeHeader):
        header.mailbox("To", "", f"{value}@example.org")


def test_a_domain_beyond_ascii_is_written_as_dns_knows_it() -> None:
    assert header.ascii_domain("zhîna@münchen.example") == "zhîna@xn--mnchen-3ya.example"
