from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from PIL import Image

from pressroom.releases.asset import RevisionAsset
from pressroom.releases.xmp import packet, with_credit
from tests.releases.uploads import saved, scene

NAMES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "iptc": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "xml": "http://www.w3.org/XML/1998/namespace",
}


def said(alt: str = "", caption: str = "", credit: str = "", licence: str = "") -> RevisionAsset:
    return RevisionAsset(alt=alt, caption=caption, credit=credit, licence=licence)


SAID = [
    ("ckb", said("پردێک لە بەیانیدا", 'پردەکە "نوێ" <b>&', "ئەرشیڤ", "CC BY 4.0")),
    ("en", said("A bridge at dawn", "The new bridge", "Archive", "CC BY 4.0")),
    ("kmr", said("Pirek", "")),
]


def by_language(written: bytes, name: str) -> list[tuple[str, str]]:
    lang = f"{{{NAMES['xml']}}}lang"
    found = etree.fromstring(written).findall(f".//{name}/rdf:Alt/rdf:li", NAMES)
    return [(one.get(lang), one.text) for one in found]


def test_each_text_stands_in_each_language_and_the_first_is_the_default() -> None:
    written = packet(SAID)
    assert by_language(written, "dc:description") == [
        ("x-default", 'پردەکە "نوێ" <b>&'), ("ckb", 'پردەکە "نوێ" <b>&'), ("en", "The new bridge"),
    ]  # fmt: skip
    assert [tag for tag, _ in by_language(written, "iptc:AltTextAccessibility")] == ["x-default", "ckb", "en", "kmr"]
    assert by_language(written, "dc:rights") == by_language(written, "xmpRights:UsageTerms")
    assert by_language(written, "dc:rights")[0] == ("x-default", "CC BY 4.0")
    assert etree.fromstring(written).findtext(".//photoshop:Credit", namespaces=NAMES) == "ئەرشیڤ"


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_it_is_written_in_without_touching_a_pixel(form: str) -> None:
    data = saved(scene(90, 60), form)
    written = with_credit(data, f"image/{form.lower()}", SAID)
    image = Image.open(BytesIO(written))
    image.load()
    assert image.tobytes() == Image.open(BytesIO(data)).tobytes()
    kept = image.info["xmp"]
    assert kept == packet(SAID)
    assert written.replace(kept, b"")[-500:] == data[-500:]
    assert written[:4] == data[:4], "a JFIF file is still one"


def test_where_nothing_is_said_nothing_is_written() -> None:
    data = saved(scene(9, 9), "JPEG")
    assert packet([]) == packet([("en", said())]) == b""
    assert with_credit(data, "image/jpeg", [("en", said())]) == data
    assert with_credit(b"%PDF-1.7", "application/pdf", SAID) == b"%PDF-1.7"


def test_what_does_not_fit_into_one_segment_is_left_out_from_the_end() -> None:
    many = [
        (tag, said("پ" * 9000, "پ" * 9000, "ئ", "CC"))
        for tag in ("ckb", "en", "kmr", "ar", "fa", "tr", "de", "fr", "it")
    ]
    written = packet(many)
    assert 30_000 < len(written) <= 65_504
    assert [tag for tag, _ in by_language(written, "dc:description")][:3] == ["x-default", "ckb", "en"]
    data = saved(scene(9, 9), "JPEG")
    assert Image.open(BytesIO(with_credit(data, "image/jpeg", many))).info["xmp"] == written


ANY = st.text(st.characters(), max_size=60)


@settings(max_examples=150, deadline=None)
@given(alt=ANY, caption=ANY, credit=ANY, licence=ANY)
def test_any_text_leaves_the_packet_well_formed(alt: str, caption: str, credit: str, licence: str) -> None:
    written = packet([("ar", said(f"ع{alt}", caption, credit, licence))])
    ((_, default), (_, shown)) = by_language(written, "iptc:AltTextAccessibility")
    assert default == shown and shown.startswith("ع")
    Image.open(
        BytesIO(with_credit(saved(Image.new("L", (2, 2)), "PNG"), "image/png", [("ar", said(alt, caption))]))
    ).load()
