from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressroom.errors import Refused
from pressroom.networks import is_public
from pressroom.pushing.callback import Callback, parse, with_query


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://Reader.Example.net/cb?x=1", Callback("https", "reader.example.net", 443, "/cb?x=1")),
        ("http://reader.example.net", Callback("http", "reader.example.net", 80, "/")),
        ("https://reader.example.net:8443?", Callback("https", "reader.example.net", 8443, "/?")),
        ("http://[2606:4700::1111]/x", Callback("http", "2606:4700::1111", 80, "/x")),
        ("https://8.8.8.8/%D8%A7", Callback("https", "8.8.8.8", 443, "/%D8%A7")),
    ],
)
def test_a_callback_is_taken_apart(url: str, found: Callback) -> None:
    assert parse(url, private=False) == found


@pytest.mark.parametrize(
    "url",
    [
        "ftp://reader.example.net/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//reader.example.net/",
        "https:///cb",
        "https://",
        "",
        "https://name:password@reader.example.net/",
        "https://name@reader.example.net/",
        "https://reader.example.net/#part",
        "https://reader.example.net:25/",
        "https://reader.example.net:22/",
        "https://reader.example.net:0/",
        "https://reader.example.net:99999/",
        "https://reader.example.net:x/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://017700000001/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://db.localhost/",
        "https://printer.local/",
        "https://reader.example.net\\@127.0.0.1/",
        "https://reader.example.net\r\nX: y/",
        "https://reader example.net/",
        "https://reader.example.net/ x",
        "https://reader.example.net/\x00",
        "https://ڕۆژنامە.example/",
        "https://-reader.example.net/",
        "https://" + "a" * 64 + ".example.net/",
        "https://reader.example.net/" + "x" * 2048,
    ],
)
def test_what_leads_elsewhere_or_nowhere_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(url, private=False)
    assert len(refused.value.message) < 120 and refused.value.message.endswith((".", "…."))


def test_for_trials_private_networks_are_allowed_and_nothing_else_is() -> None:
    assert parse("http://127.0.0.1:4000/", private=True).port == 4000
    assert parse("http://localhost/", private=True).host == "localhost"
    for url in ("ftp://127.0.0.1/", "http://a:b@127.0.0.1/", "http://127.0.0.1:22/", "http://127.1/"):
        with pytest.raises(Refused):
            parse(url, private=True)


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for url in (text, f"https://{text}/", f"https://reader.example.net/{text}", f"http://[{text}]/"):
        try:
            found = parse(url, private=False)
        except Refused:
            continue
        assert found.target.isascii() and found.target.startswith("/") and "\n" not in found.target
        assert is_public(found.host) or not found.host.replace(".", "").isdecimal()


def test_what_is_asked_is_appended_to_a_query() -> None:
    assert with_query("/cb", "a=1") == "/cb?a=1"
    assert with_query("/cb?x=y", "a=1") == "/cb?x=y&a=1"
    assert with_query("/cb?", "a=1") == "/cb?&a=1"
