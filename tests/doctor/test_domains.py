from __future__ import annotations

import pytest

from pressroom.doctor import domains
from pressroom.doctor.dns import Dns
from pressroom.doctor.finding import Finding, State
from tests.name_server import NameServer

DOMAIN, RELAY, ADDRESS = "example.org", "mail.example.net", "198.51.100.7"


def _spf(ask: Dns, *, is_return: bool = True) -> Finding:
    return domains.check_spf(ask, DOMAIN, RELAY, [ADDRESS], is_return=is_return)[0]


@pytest.mark.parametrize(
    ("records", "state", "says"),
    [
        (["v=spf1 ip4:198.51.100.0/24 -all"], State.OK, "lets mail.example.net send"),
        (["v=spf1 mx -all"], State.WARNING, "does not let mail.example.net"),
        (["v=spf1 ip4:198.51.100.7 +all"], State.WRONG, "everybody"),
        (["v=spf1 ip4:198.51.100.7"], State.WARNING, "nothing of everybody else"),
        (["v=spf1 ip4:198.51.100.7 -all", "v=spf1 -all"], State.WRONG, "2 records"),
        (["v=spf1 ipv4:198.51.100.7 -all"], State.WRONG, "does not count"),
        ([], State.WRONG, "no record"),
    ],
)
def test_spf_is_judged_by_whether_receivers_let_the_relay_send(
    names: NameServer, ask: Dns, records: list[str], state: State, says: str
) -> None:
    names.know(DOMAIN, "MX", ["10 mx.example.org."])
    names.know("mx.example.org", "A", ["203.0.113.1"])
    if records:
        names.text(DOMAIN, *records)
    found = _spf(ask)
    assert found.state is state and says in found.says


def test_where_bounces_go_elsewhere_a_missing_record_is_a_warning(ask: Dns) -> None:
    assert _spf(ask, is_return=False).state is State.WARNING


def test_dns_that_fails_is_not_taken_for_a_missing_record(names: NameServer, ask: Dns) -> None:
    names.fail(DOMAIN)
    names.fail("_dmarc.example.org")
    for found in (_spf(ask), *domains.check_dmarc(ask, DOMAIN), domains.check_bounces(ask, DOMAIN)):
        assert found.state is State.WRONG and "could not be looked up" in found.says


def test_somebody_must_take_what_comes_back(names: NameServer, ask: Dns) -> None:
    assert domains.check_bounces(ask, "nowhere.example.org").state is State.WRONG
    names.know("null.example.org", "MX", ["0 ."])
    assert "takes no mail" in domains.check_bounces(ask, "null.example.org").says
    names.know("lost.example.org", "MX", ["10 gone.example.org."])
    assert "no address" in domains.check_bounces(ask, "lost.example.org").says
    names.know("good.example.org", "MX", ["10 mx.example.org."])
    names.know("mx.example.org", "AAAA", ["2001:db8::25"])
    assert domains.check_bounces(ask, "good.example.org").state is State.OK


def test_a_bounce_address_of_another_organization_leaves_dmarc_to_dkim(names: NameServer, ask: Dns) -> None:
    names.text("_dmarc.example.org", "v=DMARC1; p=reject")
    names.text("_dmarc.example.net", "v=DMARC1; p=reject")
    assert domains.check_alignment(ask, [DOMAIN], "bounces.example.org", signs=True) == []
    (found,) = domains.check_alignment(ask, [DOMAIN], "bounces.example.net", signs=True)
    assert found.state is State.WARNING and "DKIM alone" in found.says


def test_strict_alignment_wants_the_very_same_domain(names: NameServer, ask: Dns) -> None:
    names.text("_dmarc.example.org", "v=DMARC1; p=reject; aspf=s")
    assert len(domains.check_alignment(ask, [DOMAIN], "bounces.example.org", signs=True)) == 1
