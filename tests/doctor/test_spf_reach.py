from __future__ import annotations

from pressroom.doctor import spf
from pressroom.doctor.dns import Dns
from pressroom.doctor.spf_reach import MOST_LOOKUPS, Reach, follow
from tests.name_server import NameServer

DOMAIN = "example.org"


def reach(names: NameServer, ask: Dns, record: str) -> Reach:
    names.text(DOMAIN, record)
    (there,) = spf.records(ask.texts(DOMAIN))
    return follow(ask, DOMAIN, spf.read(there))


def test_includes_hosts_and_networks_let_their_addresses_send(names: NameServer, ask: Dns) -> None:
    names.text("_spf.example.net", "v=spf1 ip4:198.51.100.0/24 include:_more.example.net ~all")
    names.text("_more.example.net", "v=spf1 ip6:2001:db8::/32 -all")
    names.know("mail.example.org", "A", ["203.0.113.7"])
    names.know(DOMAIN, "MX", ["10 mx.example.org."])
    names.know("mx.example.org", "AAAA", ["2001:db8:1::25"])
    found = reach(names, ask, "v=spf1 mx a:mail.example.org/30 include:_spf.example.net -all")
    for allowed in ("203.0.113.6", "198.51.100.9", "2001:db8::9", "2001:db8:1::25"):
        assert found.allows(allowed), allowed
    assert not found.allows("203.0.113.99")
    assert (found.lookups, found.rest, found.faults, found.void) == (4, "-", [], [])


def test_an_include_that_does_not_pass_lets_nobody_send(names: NameServer, ask: Dns) -> None:
    names.text("_bad.example.net", "v=spf1 ip4:198.51.100.0/24 -all")
    assert not reach(names, ask, "v=spf1 -include:_bad.example.net ~all").allows("198.51.100.1")


def test_a_redirect_decides_of_everybody_else(names: NameServer, ask: Dns) -> None:
    names.text("_spf.example.net", "v=spf1 ip4:198.51.100.1 -all")
    found = reach(names, ask, "v=spf1 redirect=_spf.example.net")
    assert (found.rest, found.allows("198.51.100.1")) == ("-", True)


def test_what_comes_after_all_is_not_looked_at(names: NameServer, ask: Dns) -> None:
    found = reach(names, ask, "v=spf1 -all include:nowhere.example.net")
    assert (found.lookups, found.faults) == (0, [])


def test_a_loop_ends_at_the_limit_of_lookups(names: NameServer, ask: Dns) -> None:
    names.text("a.example.net", "v=spf1 include:b.example.net -all")
    names.text("b.example.net", "v=spf1 include:a.example.net -all")
    found = reach(names, ask, "v=spf1 include:a.example.net -all")
    assert found.is_too_long and found.lookups == MOST_LOOKUPS + 1


def test_eleven_lookups_are_too_many_and_ten_are_not(names: NameServer, ask: Dns) -> None:
    for number in range(11):
        names.text(f"i{number}.example.net", "v=spf1 -all")
    ten = "v=spf1 " + " ".join(f"include:i{number}.example.net" for number in range(10))
    assert not reach(names, ask, f"{ten} -all").is_too_long
    again = Dns(names.address)
    assert reach(names, again, f"{ten} include:i10.example.net -all").is_too_long


def test_leading_nowhere_to_two_records_or_to_a_broken_one_is_a_fault(names: NameServer, ask: Dns) -> None:
    names.text("two.example.net", "v=spf1 -all", "v=spf1 ~all")
    names.text("broken.example.net", "v=spf1 ipv4:1.2.3.4 -all")
    record = "v=spf1 include:none.example.net include:two.example.net include:broken.example.net -all"
    said = reach(names, ask, record).faults
    assert [("no SPF" in said[0]), ("several" in said[1]), ("broken" in said[2])] == [True] * 3


def test_macros_are_for_receivers_to_know(names: NameServer, ask: Dns) -> None:
    found = reach(names, ask, "v=spf1 exists:%{i}._spf.example.net include:%{d}.example.net -all")
    assert found.is_partial and found.faults == []


def test_names_without_an_address_are_counted(names: NameServer, ask: Dns) -> None:
    assert reach(names, ask, "v=spf1 a:x.example.net a:y.example.net mx -all").void == [
        "x.example.net", "y.example.net", DOMAIN,
    ]  # fmt: skip
