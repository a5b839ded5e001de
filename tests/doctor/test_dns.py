from __future__ import annotations

import time

import pytest

from pressroom.doctor.dns import Dns, NoAnswer
from tests.name_server import NameServer


def test_the_strings_of_a_record_are_joined_and_long_answers_come_over_tcp(names: NameServer, ask: Dns) -> None:
    value = "v=DKIM1; k=rsa; p=" + "A" * 900
    names.text("s1._domainkey.example.org", value)
    assert ask.texts("s1._domainkey.example.org") == [value]
    assert names.asked["s1._domainkey.example.org", "TXT"] == 2, "a datagram, then TCP"


def test_what_is_asked_twice_goes_out_once_whatever_its_capitals(names: NameServer, ask: Dns) -> None:
    names.text("example.org", "v=spf1 -all")
    assert ask.texts("example.org") == ask.texts("Example.ORG") == ["v=spf1 -all"]
    assert sum(names.asked.values()) == 1


def test_no_such_name_and_no_such_record_are_both_nothing(names: NameServer, ask: Dns) -> None:
    names.know("example.org", "A", ["192.0.2.1"])
    assert ask.texts("example.org") == ask.texts("nowhere.example.org") == []


def test_a_server_that_fails_is_not_the_same_as_no_record(names: NameServer, ask: Dns) -> None:
    names.fail("example.org")
    with pytest.raises(NoAnswer, match=r"failed when asked for example\.org"):
        ask.texts("example.org")


def test_a_server_that_never_answers_is_asked_twice_and_then_left_alone(names: NameServer) -> None:
    ask = Dns(names.address, seconds=0.3)
    for number in range(20):
        names.keep_silent(f"n{number}.example.org")
    for number in range(20):
        with pytest.raises(NoAnswer, match="in time"):
            ask.texts(f"n{number}.example.org")
    assert len({name for name, _ in names.asked}) == 2


def test_one_slow_name_does_not_keep_the_others_from_being_asked(names: NameServer) -> None:
    ask = Dns(names.address, seconds=0.3)
    names.keep_silent("slow.example.org")
    names.text("example.org", "v=spf1 -all")
    assert ask.texts("example.org")
    for _ in range(3):
        with pytest.raises(NoAnswer):
            ask.texts("slow.example.org")
    names.text("other.example.org", "here")
    assert ask.texts("other.example.org") == ["here"]


def test_all_questions_together_have_a_time_after_which_nothing_is_asked(
    names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pressroom.doctor.dns._SECONDS_IN_ALL", 0.5)
    ask = Dns(names.address, seconds=0.3)
    names.text("example.org", "here")
    assert ask.texts("example.org")
    began = time.monotonic()
    for number in range(50):
        names.keep_silent(f"n{number}.example.org")
        with pytest.raises(NoAnswer):
            ask.texts(f"n{number}.example.org")
    assert len(names.asked) < 6 and time.monotonic() > began


def test_a_name_that_dns_cannot_have_is_no_answer(ask: Dns) -> None:
    for name in ("a..example.org", "x" * 64 + ".example.org"):
        with pytest.raises(NoAnswer, match="no name that DNS can be asked for"):
            ask.texts(name)


def test_the_best_mail_host_comes_first_and_a_null_one_is_empty(names: NameServer, ask: Dns) -> None:
    names.know("example.org", "MX", ["20 second.example.org.", "10 first.example.org."])
    names.know("quiet.example.org", "MX", ["0 ."])
    assert ask.exchanges("example.org") == ["first.example.org", "second.example.org"]
    assert ask.exchanges("quiet.example.org") == [""]


def test_an_address_leads_to_its_names(names: NameServer, ask: Dns) -> None:
    names.know("25.2.0.192.in-addr.arpa", "PTR", ["mail.example.org."])
    assert ask.pointers("192.0.2.25") == ["mail.example.org"]
