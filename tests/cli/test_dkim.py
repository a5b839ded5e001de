from __future__ import annotations

import pytest

from tests.cli.conftest import Press, must, refused


def test_a_pair_is_made_published_and_enabled(newsroom: Press) -> None:
    made = must(newsroom("newsroom", "dkim", "make", "river", "--json")).json
    assert (made["newsroom"], made["made"], made["domain"], made["state"]) == ("river", True, "example.org", "waiting")
    assert [one["value"].partition("p=")[0] for one in made["records"]] == ["v=DKIM1; k=rsa; ", "v=DKIM1; k=ed25519; "]
    assert all(one["name"].endswith("._domainkey.example.org") and one["type"] == "TXT" for one in made["records"])
    enabled = must(newsroom("newsroom", "dkim", "enable", "river", "--json")).json
    assert (enabled["selector"], enabled["state"]) == (made["selector"], "signing")
    shown = must(newsroom("newsroom", "dkim", "show", "river", "--json")).json
    assert shown["signs"] is True and shown["pairs"][0]["records"] == made["records"]


def test_the_records_are_printed_as_a_zone_file_has_them(newsroom: Press) -> None:
    lines = must(newsroom("newsroom", "dkim", "make", "river")).out.splitlines()
    assert "newsroom dkim enable river" in lines[0]
    assert [line.split("._domainkey.example.org. IN TXT (")[1][:14] for line in lines[1:]] == [
        '"v=DKIM1; k=rs',
        '"v=DKIM1; k=ed',
    ]
    again = must(newsroom("newsroom", "dkim", "make", "river"))
    assert again.out.splitlines()[1:] == lines[1:]


def test_nothing_of_a_private_key_is_printed(newsroom: Press) -> None:
    for command in ("make", "show", "enable"):
        assert "PRIVATE" not in must(newsroom("newsroom", "dkim", command, "river", "--json")).out


def test_disabled_the_relay_signs(newsroom: Press) -> None:
    must(newsroom("newsroom", "dkim", "make", "river"))
    must(newsroom("newsroom", "dkim", "enable", "river"))
    assert must(newsroom("newsroom", "dkim", "disable", "river", "--json")).json["changed"] is True
    assert must(newsroom("newsroom", "dkim", "disable", "river", "--json")).json["changed"] is False
    assert must(newsroom("newsroom", "dkim", "show", "river", "--json")).json["signs"] is False


def test_the_setting_that_leaves_all_signing_to_the_relay_is_said(
    newsroom: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    must(newsroom("newsroom", "dkim", "make", "river"))
    must(newsroom("newsroom", "dkim", "enable", "river"))
    monkeypatch.setenv("PRESSROOM_DKIM", "relay")
    assert "PRESSROOM_DKIM=relay" in must(newsroom("newsroom", "dkim", "show", "river")).out
    assert must(newsroom("newsroom", "dkim", "show", "river", "--json")).json["signs"] is False
    monkeypatch.setenv("PRESSROOM_DKIM", "both")
    assert "process or relay" in refused(newsroom("newsroom", "dkim", "show", "river"))


def test_what_is_not_there_is_said_in_one_sentence(newsroom: Press) -> None:
    assert "dkim make river" in refused(newsroom("newsroom", "dkim", "enable", "river"))
    assert "nowhere" in refused(newsroom("newsroom", "dkim", "make", "nowhere"))
    must(newsroom("newsroom", "dkim", "make", "river"))
    assert "p2020" in refused(newsroom("newsroom", "dkim", "enable", "river", "--selector", "p2020"))
