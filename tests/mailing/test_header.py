from __future__ import annotations

import base64
import random
import re
import shutil
import subprocess

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


_WORDS = {
    "ckb": "ئاوی ڕووبار پیس بووە کرێکارانی کارگەی چیمەنتۆ مانیان گرت لە سلێمانی و هەولێر «ڕاگەیەندراو» ٢٠٢٦".split(),
    "ar": "بيان صحفي حول اعتقال الصحفيين في مدينة السليمانية، والمطالبة بالإفراج عنهم فوراً ١١ عاملاً".split(),
    "fa": "بیانیهٔ کارگران دربارهٔ آب آلوده می\u200cخواهیم نمی\u200cدانند در سنندج و کرمانشاه ۱۴۰۵ «اعتصاب»".split(),
    "kmr": "Daxuyaniya Yekîtiya Karkeran: ava çemê Şêx pîs bûye, êdî bes e! ŞÎN û JIYAN çîrok 11/2026".split(),
    "tr": "İşçiler grevde: çimento fabrikası ığdır'da üç gündür çalışmıyor, ŞÖYLE Ğ ü ö".split(),
    "en": 'Journalists detained in "River Valley", 11 released; (updated) – who is next? =?x?= 50% a,b <c>'.split(),
}

_PERL = r"""
use Encode; binmode STDIN; local $/ = "\0";
while (my $field = <STDIN>) { chomp $field; print unpack("H*", encode("UTF-8", decode("MIME-Header", $field))), "\n" }
"""


def _written(count: int) -> list[str]:
    """The same at each run: of each language, short and long, some with words of another and a picture letter."""
    chance = random.Random(2047)
    found = []
    for number in range(count):
        tag = list(_WORDS)[number % len(_WORDS)]
        words = [chance.choice(_WORDS[tag]) for _ in range(chance.randint(1, 24))]
        if chance.random() < 0.2:
            words.insert(chance.randrange(len(words) + 1), chance.choice(_WORDS[chance.choice(list(_WORDS))]))
        if chance.random() < 0.05:
            words.append("🌊")
        found.append(" ".join(words))
    return found


def _by_perl(values: list[bytes]) -> list[str]:
    asked = ["perl", "-MEncode::MIME::Header", "-e", _PERL]
    if not shutil.which("perl") or subprocess.run([*asked[:2], "-e", "1"], capture_output=True).returncode:
        pytest.skip("there is no perl with Encode::MIME::Header")
    done = subprocess.run(asked, input=b"\0".join(values), capture_output=True, check=True)
    return [bytes.fromhex(line).decode("utf-8") for line in done.stdout.decode("ascii").splitlines()]


def test_a_thousand_subjects_read_the_same_in_a_decoder_that_is_not_ours() -> None:
    written = _written(1000)
    fields = [header.unstructured("Subject", one) for one in written]
    read = _by_perl([field.removeprefix(b"Subject: ").removesuffix(b"\r\n") for field in fields])
    assert read == written


def test_a_thousand_senders_read_the_same_in_a_decoder_that_is_not_ours() -> None:
    written = [" ".join(one.split()[:8]) for one in _written(1000)]
    fields = [header.mailbox("From", one, "press@example.org") for one in written]
    read = _by_perl([field.removeprefix(b"From: ").rpartition(b"<")[0].rstrip() for field in fields])
    for one, field, meant in zip(read, fields, written, strict=True):
        assert meant == (re.sub(r"\\(.)", r"\1", one[1:-1]) if field.startswith(b'From: "') else one)
