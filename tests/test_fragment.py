from __future__ import annotations

from lxml import etree

from pressroom.fragment import in_block, with_assets
from pressroom.markup import render_markdown


def test_pictures_wait_for_their_addresses_and_leave_their_alt_text() -> None:
    html = render_markdown(
        '![A "march" & more](photos/my%20picture.jpg) ![gone](b.png) ![far](https://x.example/c.png)', "en"
    ).html
    assert 'src="asset:my%20picture.jpg"' in html
    filled = with_assets(html, {"my picture.jpg": '/assets/1?a=1&b="', "b.png": None})
    image = etree.fromstring(f"<div>{filled}</div>").find(".//img")
    assert image is not None
    assert image.get("src") == '/assets/1?a=1&b="'
    assert image.get("alt") == 'A "march" & more'
    assert filled.endswith("/> gone far</p>")


def test_a_picture_that_nobody_knows_leaves_nothing() -> None:
    html = render_markdown("One.\n\n![Azad in the crowd](a.png)\n\nTwo ![Azad](a.png).", "en").html
    assert with_assets(html, {"b.png": "/b"}) == "<p>One.</p>\n<p>Two .</p>"


def test_what_looks_like_a_waiting_picture_in_the_text_is_left_alone() -> None:
    html = render_markdown('`<img src="asset:a" alt="b"/>`', "en").html
    assert with_assets(html, {"a": "/a"}) == html


def test_a_block_says_its_language_and_direction() -> None:
    assert in_block("<p>a</p>", "ckb") == '<div lang="ckb" dir="rtl"><p>a</p></div>'
    assert in_block("", "kmr").startswith('<div lang="kmr" dir="ltr">')
