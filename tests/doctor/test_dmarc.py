from __future__ import annotations

import pytest

from pressroom.doctor import dmarc
from pressroom.doctor.dmarc import discover, remarks, walk
from pressroom.doctor.finding import State
from tests.name_server import NameServer


def _look(records: dict[str, list[str]], domain: str) -> dmarc.Discovery:
    return discover(domain, lambda name: records.get(name.removeprefix("_dmarc."), []))


def test_the_walk_goes_up_label_by_label() -> None:
    assert walk("press.news.example.org") == ["press.news.example.org", "news.example.org", "example.org", "org"]


def test_a_long_name_is_cut_to_seven_labels_after_the_first_question() -> None:
    """RFC 9989 §4.10."""
    names = walk("a.b.c.d.e.f.g.h.i.example.org")
    assert names[:2] == ["a.b.c.d.e.f.g.h.i.example.org", "e.f.g.h.i.example.org"] and len(names) == 8


def test_the_own_record_holds_and_else_the_one_of_the_organization() -> None:
    records = {"example.org": ["v=DMARC1; p=reject; sp=quarantine"], "news.example.org": ["v=DMARC1; p=none"]}
    own, below = _look(records, "news.example.org"), _look(records, "press.example.org")
    assert own.record is not None and own.record.tags["p"] == "none"
    assert below.record is not None and below.record.domain == below.organization == "example.org"
    assert remarks(below)[0].says == "the policy is quarantine, from example.org"


def test_psd_n_ends_the_walk_there() -> None:
    records = {"example.org": ["v=DMARC1; p=reject"], "news.example.org": ["v=DMARC1; p=none; psd=n"]}
    assert _look(records, "press.news.example.org").organization == "news.example.org"


def test_below_a_public_suffix_the_organization_is_one_label_longer() -> None:
    records = {"gov.example": ["v=DMARC1; p=reject; psd=y"]}
    found = _look(records, "press.town.gov.example")
    assert found.organization == "town.gov.example"
    assert found.record is not None and found.record.domain == "gov.example"


def test_two_records_at_one_name_are_passed_over() -> None:
    found = _look({"example.org": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}, "example.org")
    assert found.record is None
    assert [one.state for one in remarks(found)] == [State.WRONG, State.WRONG]


@pytest.mark.parametrize("text", ["v=dmarc1; p=none", " p=none; v=DMARC1", "v=DMARC12; p=none"])
def test_what_does_not_begin_with_the_version_is_no_record(text: str) -> None:
    assert _look({"example.org": [text]}, "example.org").record is None


def test_tags_that_went_out_of_use_are_named() -> None:
    found = _look({"example.org": ["v=DMARC1; p=reject; pct=50; rf=afrf; ri=86400"]}, "example.org")
    (said,) = remarks(found)
    assert said.state is State.WARNING and said.says.startswith("pct and rf and ri") and "t=y" in said.do


def test_a_policy_that_nobody_knows_counts_as_none_only_with_reports() -> None:
    with_reports = _look({"example.org": ["v=DMARC1; p=block; rua=mailto:d@example.org"]}, "example.org")
    without = _look({"example.org": ["v=DMARC1; p=block"]}, "example.org")
    assert [remarks(one)[0].state for one in (with_reports, without)] == [State.WARNING, State.WRONG]


def test_it_asks_as_many_questions_as_there_are_labels(names: NameServer, ask) -> None:
    names.text("_dmarc.example.org", "v=DMARC1; p=reject; t=y")
    found = discover("press.news.example.org", ask.texts)
    assert remarks(found)[0].says == "the policy is reject, being tried (t=y), from example.org"
    assert sum(names.asked.values()) == 4
